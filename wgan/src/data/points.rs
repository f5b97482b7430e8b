//! Points in a text file, one on each line, its numbers apart by commas, semicolons or spaces. They are learned as they
//! are: nothing is scaled.

use std::fs;
use std::path::Path;

use super::Dataset;
use crate::error::cannot_read;
use crate::{Error, Result};

/// The points in the file at `path`, as many numbers each as `dimensions`. The first line may name the columns; lines that
/// are empty or begin with # are left out.
///
/// # Errors
/// [`Error::Read`], or [`Error::Data`] with the line that cannot be used.
pub fn load(path: &Path, dimensions: usize) -> Result<Dataset> {
    let bytes = fs::read(path).map_err(cannot_read(path))?;
    let file = path.display().to_string();
    match parse(&bytes, dimensions) {
        Ok(numbers) => Ok(Dataset::new(&file, [dimensions], numbers)),
        Err(problem) => Err(Error::Data { file, problem }),
    }
}

fn parse(bytes: &[u8], dimensions: usize) -> Result<Vec<f32>, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "this is no text file".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text); // the mark that some programs begin a text with
    let lines = (1..).zip(text.lines().map(str::trim)).filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let mut points = Vec::new();
    for (i, (number, line)) in lines.enumerate() {
        let fields = fields(line);
        let is_header = i == 0 && fields.iter().all(|field| field.parse::<f32>().is_err());
        if !is_header {
            points.extend(point(&fields, dimensions).map_err(|problem| format!("line {number}: {problem}"))?);
        }
    }
    if points.is_empty() { Err("it holds no numbers".to_owned()) } else { Ok(points) }
}

/// What a line holds between its separators.
fn fields(line: &str) -> Vec<&str> {
    match [';', ','].into_iter().find(|&separator| line.contains(separator)) {
        Some(separator) => line.split(separator).map(str::trim).collect(),
        None => line.split_whitespace().collect(),
    }
}

fn point(fields: &[&str], dimensions: usize) -> Result<Vec<f32>, String> {
    let number = |field: &&str| match field.parse::<f32>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) => Err(format!("{field:?} is not a finite number of 32 bits")),
        Err(_) => Err(format!("{field:?} is not a number")),
    };
    let point: Vec<f32> = fields.iter().map(number).collect::<Result<_, _>>()?;
    match (point.len(), dimensions) {
        (found, _) if found == dimensions => Ok(point),
        (2, 1) => Err("2 numbers, but one is needed; learn points of the plane with --dataset points".to_owned()),
        (1, 2) => Err("1 number, but two are needed; learn single numbers with --dataset numbers".to_owned()),
        (found, _) => Err(format!("{found} numbers, but there should be {dimensions}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(text: &str) -> Result<Vec<f32>, String> {
        parse(text.as_bytes(), 2)
    }

    #[test]
    fn numbers_are_apart_by_commas_semicolons_or_spaces() {
        for text in [
            "1,2\n3,-4.5e-1\n",
            "1; 2\r\n3; -0.45\r\n",
            "1 2\n3\t  -0.45",
            "x,y\n1,2\n\n3,-0.45",
            "# from numpy\n1 2\n3 -.45",
            "\u{feff}width;height\n1;2\n3;-0.45",
        ] {
            assert_eq!(plane(text), Ok(vec![1.0, 2.0, 3.0, -0.45]), "{text:?}");
        }
        assert_eq!(parse(b"age\n31\n42", 1), Ok(vec![31.0, 42.0]));
    }

    #[test]
    fn a_line_that_cannot_be_used_is_named() {
        let problem = |text| plane(text).unwrap_err();
        assert_eq!(problem("x,y\n1,2\n\n3,four"), r#"line 4: "four" is not a number"#);
        assert_eq!(problem("1,2\nx,y"), r#"line 2: "x" is not a number"#);
        assert_eq!(problem("1,x"), r#"line 1: "x" is not a number"#);
        assert_eq!(problem("1,2\n3,"), r#"line 2: "" is not a number"#);
        assert_eq!(problem("1,2\n3,inf"), r#"line 2: "inf" is not a finite number of 32 bits"#);
        assert_eq!(problem("1,2\n3,1e39"), r#"line 2: "1e39" is not a finite number of 32 bits"#);
        assert_eq!(problem("1,2\n1,2,3"), "line 2: 3 numbers, but there should be 2");
        assert_eq!(
            problem("1,2\n1"),
            "line 2: 1 number, but two are needed; learn single numbers with --dataset numbers"
        );
        assert_eq!(
            parse(b"1 2", 1).unwrap_err(),
            "line 1: 2 numbers, but one is needed; learn points of the plane with --dataset points"
        );
        assert_eq!(problem("x,y\n"), "it holds no numbers");
        assert_eq!(problem(""), "it holds no numbers");
        assert_eq!(parse(&[0xff, 0xfe, 0x31], 2).unwrap_err(), "this is no text file");
    }
}
