//! Pieces of HTML.

use crate::figure::escape;

/// The template with a value in each place that names one, as `{{name}}`. Values are taken as they are.
///
/// # Panics
/// If a place has no value, or a value no place.
pub fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut pieces = template.split("{{");
    let mut page = pieces.next().unwrap_or_default().to_owned();
    let mut used = 0;
    for piece in pieces {
        let (name, rest) = piece.split_once("}}").expect("a place of the template ends");
        let value = values.iter().find(|value| value.0 == name);
        page += &value.unwrap_or_else(|| panic!("the template's place {name:?} has no value")).1;
        page += rest;
        used += 1;
    }
    assert!(used >= values.len(), "{} values, but {used} places in the template", values.len());
    page
}

/// The rows of a table, each with its name in front.
pub fn table<'a, const N: usize>(rows: impl Iterator<Item = [&'a str; N]>) -> String {
    let cell = |(i, text): (usize, &str)| {
        let kind = if i == 0 { "th" } else { "td" };
        format!("<{kind}>{}</{kind}>", escape(text))
    };
    rows.map(|row| format!("<tr>{}</tr>\n", row.into_iter().enumerate().map(cell).collect::<String>())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_not_searched_for_places() {
        let values = [("a", "{{b}}".to_owned()), ("b", "2".to_owned())];
        assert_eq!(fill("{{a}}, {{b}} and {{a}}", &values), "{{b}}, 2 and {{b}}");
    }
}
