//! Axes: what they show, and where their marks are.

use crate::numbers::{extent, power_of_ten, round_number};

/// One axis of a panel. A label alone is one, too.
#[derive(Clone, Debug, Default)]
pub struct Axis {
    pub(super) label: String,
    /// Whether places are in proportion to the logarithm; what is not above 0 has none.
    logarithmic: bool,
    /// What it shows; what the marks need if absent.
    pub(super) range: Option<(f64, f64)>,
    /// Whether something stands on 0, so that the range begins there unless there are values below.
    pub(super) from_zero: bool,
    /// In place of numbers: the names of 0, 1, 2 …
    pub(super) names: Vec<String>,
}

/// An axis with this label: what it shows, and in which unit.
pub fn axis(label: &str) -> Axis {
    Axis { label: label.to_owned(), ..Axis::default() }
}

impl From<&str> for Axis {
    fn from(label: &str) -> Self {
        axis(label)
    }
}

/// A mark on an axis: its place, as a fraction of the axis' length, and what is written there; nothing at a minor mark.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    pub place: f64,
    pub text: String,
}

/// An axis whose range is settled, and the marks on it.
pub struct Ruler {
    logarithmic: bool,
    low: f64,
    high: f64,
    pub ticks: Vec<Tick>,
}

/// The empty part of an automatic range at either end.
const MARGIN: f64 = 0.05;

impl Axis {
    /// From where to where it shows values; what is beyond is cut off.
    pub fn range(self, low: f64, high: f64) -> Self {
        Axis { range: Some((low, high)), ..self }
    }

    /// Makes it logarithmic.
    pub fn log(self) -> Self {
        Axis { logarithmic: true, ..self }
    }

    /// Puts names in the place of the numbers 0, 1, 2 … What has an empty name has no mark.
    pub fn names(self, names: &[&str]) -> Self {
        Axis { names: names.iter().map(|&name| name.to_owned()).collect(), ..self }
    }

    /// The axis for these values, with room for so many marks, of which at most about as many have a text.
    pub(super) fn ruler(&self, values: impl Iterator<Item = f64>, room: f64) -> Ruler {
        let (logarithmic, most) = (self.logarithmic, room.max(2.0) as usize);
        let (low, high) = match self.range {
            Some((low, high)) => (scaled(low, logarithmic), scaled(high, logarithmic)),
            None => self.extent(values.map(|x| scaled(x, logarithmic))),
        };
        let marks = match logarithmic {
            _ if !self.names.is_empty() => (0..).map(f64::from).zip(self.names.iter().cloned()).collect(),
            false => round_numbers(low, high, most),
            true => powers(low, high, most),
        };
        let mut ruler = Ruler { logarithmic, low, high, ticks: Vec::new() };
        let ticks = marks.into_iter().map(|(x, text)| Tick { place: ruler.place(x), text });
        ruler.ticks = ticks.filter(|tick| (-1e-6..=1.0 + 1e-6).contains(&tick.place)).collect();
        ruler
    }

    /// What holds all of these scaled values that have a place.
    fn extent(&self, values: impl Iterator<Item = f64>) -> (f64, f64) {
        let names = (0..self.names.len()).flat_map(|i| [i as f64 - 0.5, i as f64 + 0.5]);
        let zero = (self.from_zero && !self.logarithmic).then_some(0.0);
        let (low, high) = extent(values.chain(names).chain(zero).filter(|x| x.is_finite()));
        if low > high {
            return (0.0, 1.0);
        }
        // A constant is shown in the middle.
        let margin = MARGIN * (high - low).max(1e-3 * high.abs().max(1e-3));
        (if zero == Some(low) { 0.0 } else { low - margin }, high + margin)
    }

    /// What the axis shows, and how if it is not in proportion.
    pub(super) fn title(&self) -> String {
        match (self.logarithmic, &self.label[..]) {
            (false, label) => label.to_owned(),
            (true, "") => "log scale".to_owned(),
            (true, label) => format!("{label} (log scale)"),
        }
    }
}

impl Ruler {
    /// Where a value is: 0 at the axis' start, 1 at its end. Not finite if it has no place.
    pub fn place(&self, x: f64) -> f64 {
        (scaled(x, self.logarithmic) - self.low) / (self.high - self.low)
    }
}

fn scaled(x: f64, logarithmic: bool) -> f64 {
    if logarithmic { x.log10() } else { x }
}

/// Multiples of 1, 2 or 5 times a power of ten.
fn round_numbers(low: f64, high: f64, most: usize) -> Vec<(f64, String)> {
    let coarse = (high - low) / most as f64;
    let power = 10f64.powf(coarse.log10().floor());
    let multiples = |step: f64| (low / step - 1e-6).ceil() as i64..=(high / step + 1e-6).floor() as i64;
    let is_coarse = |&step: &f64| multiples(step).count() <= most;
    let step = [1.0, 2.0, 5.0].map(|factor| factor * power).into_iter().find(is_coarse).unwrap_or(10.0 * power);
    multiples(step).map(|i| i as f64 * step).map(|x| (x, round_number(x))).collect()
}

/// Powers of ten between two logarithms, with their multiples as minor marks; or, where there are less than two, numbers.
fn powers(low: f64, high: f64, most: usize) -> Vec<(f64, String)> {
    let shown = |x: f64| (low - 1e-6..=high + 1e-6).contains(&x.log10());
    let exponents = low.floor() as i32..=high.floor() as i32;
    let count = exponents.clone().filter(|&exponent| shown(10f64.powi(exponent))).count();
    let stride = count.div_ceil(most) as i32;
    let mark = |exponent: i32, factor: i32| {
        let x = f64::from(factor) * 10f64.powi(exponent);
        let text = match factor {
            1 if count > 1 && exponent % stride == 0 => power_of_ten(exponent),
            1 | 2 | 5 if count < 2 => round_number(x),
            _ => String::new(),
        };
        (x, text)
    };
    let factors = if stride > 1 { 1..2 } else { 1..10 };
    let marks = exponents.flat_map(|exponent| factors.clone().map(move |factor| mark(exponent, factor)));
    let marks: Vec<_> = marks.filter(|(x, _)| shown(*x)).collect();
    match marks.iter().filter(|(_, text)| !text.is_empty()).count() {
        0 | 1 => round_numbers(10f64.powf(low), 10f64.powf(high), most),
        _ => marks,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis, most: f64) -> Vec<String> {
        let ruler = axis.ruler(std::iter::empty(), most);
        ruler.ticks.into_iter().map(|tick| tick.text).filter(|text| !text.is_empty()).collect()
    }

    #[test]
    fn marks_are_round_numbers() {
        let linear = |low, high| Axis { range: Some((low, high)), ..Axis::default() };
        assert_eq!(texts(&linear(-1.0, 1.0), 5.0), ["−1", "−0.5", "0", "0.5", "1"]);
        assert_eq!(texts(&linear(0.0, 0.031), 4.0), ["0", "0.01", "0.02", "0.03"]);
        assert_eq!(texts(&linear(-2.8, 3.5), 3.0), ["−2", "0", "2"]);
        let logarithmic = |low, high| Axis { logarithmic: true, ..linear(low, high) };
        assert_eq!(texts(&logarithmic(1e-5, 1e5), 6.0), ["10⁻⁴", "10⁻²", "10⁰", "10²", "10⁴"]);
        assert_eq!(texts(&logarithmic(0.3, 5.0), 6.0), ["0.5", "1", "2", "5"]);
        assert_eq!(texts(&logarithmic(3.1, 4.9), 4.0), ["3.5", "4", "4.5"]);
    }

    #[test]
    fn between_powers_of_ten_are_minor_marks() {
        let axis = Axis { logarithmic: true, range: Some((1.0, 100.0)), ..Axis::default() };
        let ticks = axis.ruler(std::iter::empty(), 6.0).ticks;
        assert_eq!(ticks.len(), 19);
        assert!((ticks[1].place - 2f64.log10() / 2.0).abs() < 1e-12 && ticks[1].text.is_empty(), "{:?}", ticks[1]);
    }

    #[test]
    fn a_range_leaves_a_margin_and_leaves_out_what_has_no_place() {
        let ruler = Axis::default().ruler([0.0, 10.0, f64::NAN, f64::INFINITY].into_iter(), 6.0);
        assert!((ruler.place(0.0) - 0.5 / 11.0).abs() < 1e-12 && (ruler.place(10.0) - 10.5 / 11.0).abs() < 1e-12);
        let logarithmic = Axis { logarithmic: true, ..Axis::default() };
        assert!((logarithmic.ruler([0.0, 1.0, 100.0].into_iter(), 6.0).place(10.0) - 0.5).abs() < 1e-12);
        assert_eq!(Axis::default().ruler([7.0].into_iter(), 6.0).place(7.0), 0.5);
    }
}
