//! A tape you can see: a formula as it is recorded, the passes that its derivatives append, and what the compiler's passes make
//! of it, each as a picture.

use autograd::{Device, Feed, Tape, Tensor, Var};
use serde_json::{Value, json};

use crate::expression::record;

/// Each derivative multiplies the tape: a picture has room for so many.
const MOST_ORDERS: usize = 4;

/// A formula's tape with a derivative for each letter of `by`, x or y, one of the other: what is recorded as text and as a
/// picture, in which each pass has a colour, and the value.
///
/// # Errors
/// What cannot be read or differentiated.
pub fn recorded(formula: &str, [x, y]: [f64; 2], by: &str) -> Result<Value, String> {
    let [x, y] = [x, y].map(Tensor::<f64>::scalar);
    let inputs = [("x", &x), ("y", &y)];
    let feed = Feed { inputs: &inputs, step: 0 };
    let tape = Tape::new();
    let derivatives = derivatives(&tape, formula, by)?;
    let values = tape.interpret(&derivatives.iter().map(|pass| pass.value).collect::<Vec<_>>(), feed);
    let values = values.map_err(|error| error.to_string())?;
    let mut diagram = tape.diagram();
    for pass in &derivatives {
        diagram = diagram.part(&pass.name, pass.nodes.clone());
    }
    let svg = diagram.values(&tape, feed).map_err(|error| error.to_string())?.svg(&format!("the tape of {formula}"));
    let passes = derivatives.iter().zip(&values);
    Ok(json!({
        "svg": svg,
        "text": tape.to_string(),
        "passes": passes.map(|(pass, value)| json!([pass.name, value.item(), pass.nodes.len()])).collect::<Vec<_>>(),
    }))
}

/// What the compiler's passes make of the formula and its derivatives, if all of them are asked for: name, summary and picture
/// of each.
///
/// # Errors
/// As [`recorded`].
pub fn compiled(formula: &str, by: &str) -> Result<Value, String> {
    let tape = Tape::new();
    let outputs: Vec<Var> = derivatives(&tape, formula, by)?.iter().map(|pass| pass.value).collect();
    let passes = Device::cpu().passes(&tape, &outputs);
    Ok(json!(passes.iter().map(|pass| json!([pass.name, pass.summary, pass.svg])).collect::<Vec<_>>()))
}

/// What a pass over the tape appended.
struct Pass<'t> {
    name: String,
    nodes: std::ops::Range<usize>,
    value: Var<'t>,
}

fn derivatives<'t>(tape: &'t Tape, formula: &str, by: &str) -> Result<Vec<Pass<'t>>, String> {
    if by.len() > MOST_ORDERS {
        return Err(format!("derivatives of an order above {MOST_ORDERS} make too large a picture"));
    }
    let [x, y] = ["x", "y"].map(|name| tape.input(name, []));
    let mut value = record(formula, x, y)?;
    let mut passes = vec![Pass { name: "f".to_owned(), nodes: 0..tape.nodes().len(), value }];
    for (order, letter) in by.char_indices() {
        let before = tape.nodes().len();
        let variable = match letter {
            'x' => x,
            'y' => y,
            _ => return Err(format!("derivatives are by x or y, not by {letter:?}")),
        };
        let name = format!("∂{}f/{}", power(order + 1), denominator(&by[..=order]));
        let gradient = tape.try_grad(value, &[variable]).into_iter().next().flatten();
        value = gradient.ok_or_else(|| {
            format!("{} does not depend on {letter}, so {name} is absent: 0 without a node", passes[order].name)
        })?;
        passes.push(Pass { name, nodes: before..tape.nodes().len(), value });
    }
    Ok(passes)
}

/// `∂x∂y` of `xy`.
fn denominator(by: &str) -> String {
    by.chars().flat_map(|letter| ['∂', letter]).collect()
}

fn power(order: usize) -> &'static str {
    ["", "", "²", "³", "⁴"][order]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ∂f/∂x of tanh(xy) + x² is y·(1 − tanh²(xy)) + 2x.
    #[test]
    fn derivatives_are_appended_with_their_values() {
        let (x, y) = (0.5, 2.0);
        let seen = recorded("tanh(x*y) + x^2", [x, y], "xy").unwrap();
        let slope = 1.0 - (x * y).tanh().powi(2);
        let expected = [
            ("f", (x * y).tanh() + x * x),
            ("∂f/∂x", y * slope + 2.0 * x),
            ("∂²f/∂x∂y", slope - 2.0 * x * y * (x * y).tanh() * slope),
        ];
        for (pass, (name, value)) in seen["passes"].as_array().unwrap().iter().zip(expected) {
            assert_eq!(pass[0], name);
            assert!((pass[1].as_f64().unwrap() - value).abs() < 1e-12, "{name}: {pass}");
        }
        assert!(seen["svg"].as_str().unwrap().contains("∂²f/∂x∂y</text>"));
        assert!(seen["text"].as_str().unwrap().starts_with("%0 = input \"x\"  []\n"));
    }

    #[test]
    fn what_is_absent_is_told() {
        assert!(recorded("y", [0.0, 0.0], "x").unwrap_err().contains("f does not depend on x"));
        assert!(recorded("x*y", [0.0, 0.0], "xx").unwrap_err().contains("∂f/∂x does not depend on x"));
        assert!(recorded("x", [0.0, 0.0], "z").unwrap_err().contains("by x or y"));
        assert!(recorded("exp(x)", [0.0, 0.0], "xxxxx").unwrap_err().contains("too large"));
    }

    #[test]
    fn the_compiler_shows_its_passes() {
        let passes = compiled("tanh(x*y) + x^2", "x").unwrap();
        let names: Vec<&str> = passes.as_array().unwrap().iter().map(|pass| pass[0].as_str().unwrap()).collect();
        assert_eq!(names, ["prune", "simplify", "fuse", "plan"]);
        assert!(passes[2][2].as_str().unwrap().contains("kernel 1"));
    }
}
