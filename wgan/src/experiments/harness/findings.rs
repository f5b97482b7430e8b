//! What an experiment ends with: a table of measurements beside known answers, a figure, and a sentence.

use std::fmt;

use crate::figure::Figure;
use crate::numbers;

/// The result of an experiment.
#[derive(Clone, Debug)]
pub struct Findings {
    /// The numbers.
    pub table: Vec<Check>,
    /// What they look like.
    pub figure: Figure,
    /// What was seen, in one sentence.
    pub sentence: String,
}

impl Findings {
    /// Whether all measurements agree with what is known.
    pub fn holds(&self) -> bool {
        self.table.iter().all(Check::holds)
    }

    /// The rows of the table: what was measured, the number, what is known, and that it was missed, if it was.
    pub fn cells(&self) -> impl Iterator<Item = [String; 4]> {
        self.table.iter().map(|check| {
            let verdict = if check.holds() { "" } else { "missed" };
            [check.quantity.clone(), number(check.measured), check.answer(), verdict.to_owned()]
        })
    }
}

/// A measurement beside what is known of it.
#[derive(Clone, Debug)]
pub struct Check {
    quantity: String,
    /// The measurement.
    pub measured: f64,
    known: Known,
}

/// What is known of a measurement.
#[derive(Clone, Copy, Debug)]
pub enum Known {
    /// The answer, and how far off the measurement may be; with 0, or an infinite answer, not at all.
    Near(f64, f64),
    /// It may not be greater.
    AtMost(f64),
    /// It may not be less.
    AtLeast(f64),
    /// Nothing is known.
    Open,
}

/// A measurement, and what is known of it.
pub fn check(quantity: impl Into<String>, measured: f64, known: Known) -> Check {
    Check { quantity: quantity.into(), measured, known }
}

impl Check {
    /// Whether the measurement agrees with what is known.
    pub fn holds(&self) -> bool {
        match self.known {
            Known::Near(answer, tolerance) => self.measured == answer || (self.measured - answer).abs() <= tolerance,
            Known::AtMost(bound) => self.measured <= bound,
            Known::AtLeast(bound) => self.measured >= bound,
            Known::Open => true,
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
            Known::Open => String::new(),
        }
    }
}

/// The table, then the sentence.
impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let heading = ["", "measured", "known", ""].map(str::to_owned);
        let rows: Vec<_> = std::iter::once(heading).chain(self.cells()).collect();
        let [first, second] =
            [0, 1].map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0));
        for [quantity, measured, known, verdict] in &rows {
            writeln!(f, "{}", format!("{quantity:first$}  {measured:>second$}  {known}  {verdict}").trim_end())?;
        }
        writeln!(f, "\n{}", self.sentence)
    }
}

/// A number with four significant digits.
pub fn number(x: f64) -> String {
    numbers::number(x, 4)
}

#[cfg(test)]
mod tests {
    use super::Known::{AtLeast, AtMost, Near, Open};
    use super::*;

    #[test]
    fn a_check_says_whether_it_holds() {
        let holds = |measured, known| check("", measured, known).holds();
        assert!(holds(1.04, Near(1.0, 0.05)) && !holds(1.06, Near(1.0, 0.05)));
        assert!(holds(f64::INFINITY, Near(f64::INFINITY, 0.0)) && !holds(f64::NAN, Near(1.0, 9.0)));
        assert!(holds(1.0, AtMost(1.0)) && !holds(f64::NAN, AtMost(1.0)) && !holds(0.9, AtLeast(1.0)));
    }

    #[test]
    fn a_missed_answer_is_marked() {
        let table =
            vec![check("the gap", 1.04, Near(1.0, 0.05)), check("W", -1.0, AtLeast(0.0)), check("K", 2.0, Open)];
        let findings = Findings { table, figure: Figure::new(1, Vec::new()), sentence: "Seen.".to_owned() };
        insta::assert_snapshot!(findings.to_string(), @"
                 measured  known
        the gap      1.04  1 ± 0.05
        W              −1  ≥ 0  missed
        K               2

        Seen.
        ");
    }
}
