//! A formula in x and y, such as `tanh(x*y) + x^2`, read from left to right and recorded on a tape.
//!
//! ```text
//! sum     = product { ("+" | "-") product }
//! product = sign { ("*" | "/") sign }
//! sign    = { "-" } power
//! power   = atom [ "^" sign ]
//! atom    = number | "x" | "y" | "pi" | name "(" sum ")" | "(" sum ")"
//! ```

use autograd::{Tape, Var};

/// A longer formula makes no picture.
const LONGEST: usize = 200;
/// Brackets within brackets, at most.
const DEEPEST: usize = 40;

type Function = for<'t> fn(Var<'t>) -> Var<'t>;

/// The functions there are.
const FUNCTIONS: [(&str, Function); 14] = [
    ("abs", |x| x.abs()),
    ("cos", |x| x.cos()),
    ("exp", |x| x.exp()),
    ("ln", |x| x.ln()),
    ("log", |x| x.ln()),
    ("relu", |x| x.relu()),
    ("sigmoid", |x| x.sigmoid()),
    ("sin", |x| x.sin()),
    ("softplus", |x| x.softplus()),
    ("sqrt", |x| x.sqrt()),
    ("square", |x| x.square()),
    ("step", |x| x.step()),
    ("tanh", |x| x.tanh()),
    ("neg", |x| -x),
];

/// Records a formula in `x` and `y`.
///
/// ```
/// use autograd::Tape;
/// let tape = Tape::new();
/// let (x, y) = (tape.scalar(2.0), tape.scalar(3.0));
/// let value = lab::expression::record("x*y - -x^2 / (1 + 1)", x, y)?;
/// assert_eq!(value.value().item(), 8.0);
/// # Ok::<(), String>(())
/// ```
///
/// # Errors
/// What cannot be read, and where.
pub fn record<'t>(formula: &str, x: Var<'t>, y: Var<'t>) -> Result<Var<'t>, String> {
    if formula.chars().count() > LONGEST {
        return Err(format!("the formula is longer than {LONGEST} characters"));
    }
    let mut reader = Reader { rest: formula, whole: formula, tape: x.tape(), x, y, depth: 0 };
    let value = reader.sum()?;
    match reader.rest.trim_start() {
        "" => Ok(value),
        _ => Err(reader.expected("+, -, *, / or ^")),
    }
}

struct Reader<'f, 't> {
    rest: &'f str,
    whole: &'f str,
    tape: &'t Tape,
    x: Var<'t>,
    y: Var<'t>,
    depth: usize,
}

impl<'t> Reader<'_, 't> {
    fn sum(&mut self) -> Result<Var<'t>, String> {
        let mut sum = self.product()?;
        loop {
            if self.take("+") {
                sum = sum + self.product()?;
            } else if self.take("-") {
                sum = sum - self.product()?;
            } else {
                return Ok(sum);
            }
        }
    }

    fn product(&mut self) -> Result<Var<'t>, String> {
        let mut product = self.sign()?;
        loop {
            if self.take("*") {
                product = product * self.sign()?;
            } else if self.take("/") {
                product = product / self.sign()?;
            } else {
                return Ok(product);
            }
        }
    }

    fn sign(&mut self) -> Result<Var<'t>, String> {
        self.deeper()?;
        let value = if self.take("-") { -self.sign()? } else { self.power()? };
        self.depth -= 1;
        Ok(value)
    }

    fn power(&mut self) -> Result<Var<'t>, String> {
        let base = self.atom()?;
        if !self.take("^") {
            return Ok(base);
        }
        let before = self.rest;
        if let Some(power) = self.number().filter(|_| !self.rest.trim_start().starts_with('^')) {
            return Ok(if power == 2.0 { base.square() } else { base.pow(power) });
        }
        self.rest = before;
        let power = self.sign()?;
        Ok((base.ln() * power).exp())
    }

    fn atom(&mut self) -> Result<Var<'t>, String> {
        if let Some(number) = self.number() {
            return Ok(self.tape.scalar(number));
        }
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        match name {
            "" => self.bracket(),
            "x" | "y" | "pi" => {
                self.rest = rest;
                Ok(match name {
                    "x" => self.x,
                    "y" => self.y,
                    _ => self.tape.scalar(std::f64::consts::PI),
                })
            }
            _ => match FUNCTIONS.iter().find(|(known, _)| *known == name) {
                Some((_, function)) => {
                    self.rest = rest;
                    self.bracket().map(function)
                }
                None => {
                    let known = FUNCTIONS.map(|(known, _)| known).join(", ");
                    Err(format!("there is no {name:?}, but x, y, pi and {known}"))
                }
            },
        }
    }

    fn bracket(&mut self) -> Result<Var<'t>, String> {
        if !self.take("(") {
            return Err(self.expected("a number, x, y, a function or a bracket"));
        }
        self.deeper()?;
        let value = self.sum()?;
        self.depth -= 1;
        if self.take(")") { Ok(value) } else { Err(self.expected("a closing bracket")) }
    }

    fn deeper(&mut self) -> Result<(), String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            Err("the formula has too many brackets and signs in each other".to_owned())
        } else {
            Ok(())
        }
    }

    fn take(&mut self, word: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(word);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// The number that comes next, without a sign.
    fn number(&mut self) -> Option<f64> {
        let rest = self.rest.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number = rest[..end].parse().ok()?;
        self.rest = &rest[end..];
        Some(number)
    }

    fn expected(&self, what: &str) -> String {
        let rest = self.rest.trim_start();
        match rest.is_empty() {
            true => format!("the formula ends where {what} should follow"),
            false => {
                let read = self.whole[..self.whole.len() - rest.len()].chars().count();
                format!(
                    "{what} should follow at character {}, where {:?} stands",
                    read + 1,
                    rest.chars().next().unwrap_or(' ')
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(formula: &str) -> Result<f64, String> {
        let tape = Tape::new();
        record(formula, tape.scalar(0.5), tape.scalar(-2.0)).map(|value| value.value().item())
    }

    #[test]
    fn formulas_mean_what_they_do_in_mathematics() {
        let (x, y) = (0.5f64, -2.0f64);
        for (formula, expected) in [
            ("tanh(x*y) + x^2", (x * y).tanh() + x * x),
            ("1 - 2 - 3", -4.0),
            ("8 / 2 / 2", 2.0),
            ("-x^2", -0.25),
            ("2^3^2", 512.0),
            ("x^-1", 2.0),
            ("x^y", x.powf(y)),
            ("2*(x - y)*-.5", -2.5),
            (" sqrt( abs( y ) )/pi ", 2f64.sqrt() / std::f64::consts::PI),
            ("softplus(x)-ln(1+exp(x))", 0.0),
        ] {
            let found = value(formula).unwrap();
            assert!((found - expected).abs() < 1e-12 * expected.abs().max(1.0), "{formula}: {found}, {expected}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_place() {
        for (formula, problem) in [
            ("", "the formula ends where a number"),
            ("x +", "the formula ends where a number"),
            ("(x", "the formula ends where a closing bracket"),
            ("x y", "should follow at character 3, where 'y' stands"),
            ("tan(x)", "there is no \"tan\""),
            ("tanh x", "a bracket should follow at character 6"),
            ("1.2.3", "should follow at character 1, where '1' stands"),
            ("x × y", "should follow at character 3, where '×' stands"),
        ] {
            let error = value(formula).unwrap_err();
            assert!(error.contains(problem), "{formula:?}: {error}");
        }
        assert!(value(&"(".repeat(100)).unwrap_err().contains("too many brackets"));
        assert!(value(&"-".repeat(100)).unwrap_err().contains("too many brackets"));
        assert!(value(&"x+".repeat(150)).unwrap_err().contains("longer than 200"));
    }
}
