//! What an experiment ends with: a table of measurements beside known answers, a figure, and a sentence.

use std::fmt;

use crate::pictures::Figure;

/// The result of an experiment.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The numbers.
    pub table: Vec<Check>,
    /// What they look like.
    pub figure: Figure,
    /// What was seen, in one sentence.
    pub sentence: String,
}

impl Outcome {
    /// Whether all measurements agree with what is known.
    pub fn holds(&self) -> bool {
        self.table.iter().all(Check::holds)
    }
}

/// A measurement beside what is known of it.
#[derive(Clone, Debug)]
pub struct Check {
    what: String,
    measured: f64,
    known: Known,
}

#[derive(Clone, Copy, Debug)]
enum Known {
    /// The answer, and how far off a measurement may be.
    Near(f64, f64),
    AtMost(f64),
    AtLeast(f64),
    Nothing,
}

impl Check {
    /// The answer is known up to `tolerance`; with 0 (or an infinite answer) it must be met exactly.
    pub fn near(what: impl Into<String>, measured: f64, answer: f64, tolerance: f64) -> Self {
        Check { what: what.into(), measured, known: Known::Near(answer, tolerance) }
    }

    /// The measurement may not be greater than `bound`.
    pub fn at_most(what: impl Into<String>, measured: f64, bound: f64) -> Self {
        Check { what: what.into(), measured, known: Known::AtMost(bound) }
    }

    /// The measurement may not be less than `bound`.
    pub fn at_least(what: impl Into<String>, measured: f64, bound: f64) -> Self {
        Check { what: what.into(), measured, known: Known::AtLeast(bound) }
    }

    /// A measurement of which nothing is known.
    pub fn told(what: impl Into<String>, measured: f64) -> Self {
        Check { what: what.into(), measured, known: Known::Nothing }
    }

    /// What was measured.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// Its value.
    pub fn measured(&self) -> f64 {
        self.measured
    }

    /// Whether the measurement agrees with what is known.
    pub fn holds(&self) -> bool {
        match self.known {
            Known::Near(answer, tolerance) => self.measured == answer || (self.measured - answer).abs() <= tolerance,
            Known::AtMost(bound) => self.measured <= bound,
            Known::AtLeast(bound) => self.measured >= bound,
            Known::Nothing => true,
        }
    }

    /// What is known, as text.
    fn answer(&self) -> String {
        match self.known {
            // What is off by rounding alone is exact to the eye.
            Known::Near(answer, tolerance) if tolerance < 1e-6 || answer.is_infinite() => number(answer),
            Known::Near(answer, tolerance) => format!("{} ± {}", number(answer), number(tolerance)),
            Known::AtMost(bound) => format!("≤ {}", number(bound)),
            Known::AtLeast(bound) => format!("≥ {}", number(bound)),
            Known::Nothing => String::new(),
        }
    }
}

/// The table, then the sentence.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |check: &Check| {
            let verdict = if check.holds() { "" } else { "  missed" };
            [check.what.clone(), number(check.measured), check.answer(), verdict.to_owned()]
        };
        let heading = ["", "measured", "known", ""].map(str::to_owned);
        let rows: Vec<_> = std::iter::once(heading).chain(self.table.iter().map(row)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let [first, second] = [width(0), width(1)];
        for [what, measured, answer, verdict] in &rows {
            let line = format!("{what:first$}  {measured:>second$}  {answer}{verdict}");
            writeln!(f, "{}", line.trim_end())?;
        }
        writeln!(f, "\n{}", self.sentence)
    }
}

/// A number with four significant digits.
pub fn number(x: f64) -> String {
    let text = match x {
        _ if x.is_nan() => "NaN".to_owned(),
        _ if x.is_infinite() => "∞".to_owned(),
        _ if x == 0.0 => "0".to_owned(),
        _ if !(1e-4..1e6).contains(&x.abs()) => format!("{:.1e}", x.abs()).replace(".0e", "e"),
        _ => {
            let digits = (3 - x.abs().log10().floor() as i32).max(0) as usize;
            let text = format!("{:.digits$}", x.abs());
            if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
        }
    };
    if x < 0.0 { format!("−{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits() {
        let text = [0.0, 0.035_97, -1.025, 123_456.7, 2.0, f64::INFINITY, -1e-9, 0.1].map(number);
        assert_eq!(text, ["0", "0.03597", "−1.025", "123457", "2", "∞", "−1e-9", "0.1"]);
    }

    #[test]
    fn a_check_says_whether_it_holds() {
        assert!(Check::near("", 1.04, 1.0, 0.05).holds() && !Check::near("", 1.06, 1.0, 0.05).holds());
        assert!(Check::near("", f64::INFINITY, f64::INFINITY, 0.0).holds());
        assert!(Check::at_most("", 1.0, 1.0).holds() && !Check::at_most("", f64::NAN, 1.0).holds());
        assert!(!Check::at_least("", 0.9, 1.0).holds() && !Check::near("", f64::NAN, 1.0, 9.0).holds());
    }

    #[test]
    fn a_missed_answer_is_marked() {
        let table =
            vec![Check::near("the gap", 1.04, 1.0, 0.05), Check::at_least("W", -1.0, 0.0), Check::told("K", 2.0)];
        let outcome = Outcome { table, figure: Figure::new(1, Vec::new()), sentence: "Seen.".to_owned() };
        insta::assert_snapshot!(outcome.to_string(), @"
                 measured  known
        the gap      1.04  1 ± 0.05
        W              −1  ≥ 0  missed
        K               2

        Seen.
        ");
    }
}
