//! Axes: what they show, and where their marks are.

/// How values become places along an axis.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Scale {
    /// In proportion.
    #[default]
    Linear,
    /// In proportion to the logarithm; values of 0 and below have no place.
    Logarithmic,
}

/// One axis of a panel.
#[derive(Clone, Debug, Default)]
pub struct Axis {
    pub label: String,
    pub scale: Scale,
    /// What it shows; what the marks need if absent.
    pub range: Option<(f64, f64)>,
    /// Whether something stands on 0, so that the range begins there unless there are values below.
    pub from_zero: bool,
    /// In place of numbers: the names of 0, 1, 2 …
    pub names: Vec<String>,
}

/// A mark on an axis: its place, as a fraction of the axis' length, and what is written there.
#[derive(Clone, Debug, PartialEq)]
pub struct Tick {
    pub place: f64,
    pub text: String,
}

/// An axis whose range is settled.
pub struct Ruler {
    scale: Scale,
    low: f64,
    high: f64,
}

/// The empty part of an automatic range at either end.
const MARGIN: f64 = 0.05;

impl Axis {
    /// The axis for marks at these values.
    pub fn ruler(&self, values: impl Iterator<Item = f64>) -> Ruler {
        let scale = self.scale;
        let (low, high) = self.range.unwrap_or_else(|| {
            let names = (0..self.names.len()).flat_map(|i| [i as f64 - 0.5, i as f64 + 0.5]);
            let zero = (self.from_zero && scale == Scale::Linear).then_some(0.0);
            let values = values.chain(names).chain(zero).map(|x| scale.forth(x)).filter(|x| x.is_finite());
            let (low, high) = values.fold((f64::MAX, f64::MIN), |(low, high), x| (low.min(x), high.max(x)));
            if low > high {
                return (scale.back(0.0), scale.back(1.0));
            }
            // A constant is shown in the middle.
            let margin = MARGIN * (high - low).max(1e-3 * high.abs().max(1e-3));
            let below = if zero == Some(low) { 0.0 } else { margin };
            (scale.back(low - below), scale.back(high + margin))
        });
        Ruler { scale, low: scale.forth(low), high: scale.forth(high) }
    }

    /// The marks, at most about `most` of them.
    pub fn ticks(&self, ruler: &Ruler, most: usize) -> Vec<Tick> {
        if !self.names.is_empty() {
            let named = self.names.iter().enumerate();
            return named.map(|(i, name)| Tick { place: ruler.place(i as f64), text: name.clone() }).collect();
        }
        let values = match self.scale {
            Scale::Linear => round_values(ruler.low, ruler.high, most),
            Scale::Logarithmic => powers(ruler.low, ruler.high, most),
        };
        values.into_iter().map(|x| Tick { place: ruler.place(x), text: number(x) }).collect()
    }
}

impl Scale {
    fn forth(self, x: f64) -> f64 {
        match self {
            Scale::Linear => x,
            Scale::Logarithmic if x > 0.0 => x.log10(),
            Scale::Logarithmic => f64::NAN,
        }
    }

    fn back(self, x: f64) -> f64 {
        match self {
            Scale::Linear => x,
            Scale::Logarithmic => 10f64.powf(x),
        }
    }
}

impl Ruler {
    /// Where a value is: 0 at the axis' start, 1 at its end. NaN if it has no place.
    pub fn place(&self, x: f64) -> f64 {
        (self.scale.forth(x) - self.low) / (self.high - self.low)
    }
}

/// Multiples of 1, 2 or 5 times a power of ten.
fn round_values(low: f64, high: f64, most: usize) -> Vec<f64> {
    let coarse = (high - low) / most.max(1) as f64;
    let power = 10f64.powf(coarse.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power).into_iter().find(|&step| step >= coarse * 0.999);
    let step = step.unwrap_or(10.0 * power);
    let (first, last) = ((low / step - 1e-6).ceil() as i64, (high / step + 1e-6).floor() as i64);
    (first..=last).map(|i| i as f64 * step).collect()
}

/// Powers of ten; between them 2 and 5 as well where there are few. `low` and `high` are logarithms.
fn powers(low: f64, high: f64, most: usize) -> Vec<f64> {
    let stride = ((high - low) / most.max(1) as f64).ceil().max(1.0) as i32;
    let factors: &[f64] = if 3.0 * (high - low) <= most as f64 { &[1.0, 2.0, 5.0] } else { &[1.0] };
    let exponents = (low.floor() as i32..=high.floor() as i32).filter(|i| i % stride == 0);
    let values = exponents.flat_map(|i| factors.iter().map(move |factor| factor * 10f64.powi(i)));
    values.filter(|x| (low - 1e-6..=high + 1e-6).contains(&x.log10())).collect()
}

/// A number with as many digits as an axis needs.
pub fn number(x: f64) -> String {
    let exponent = x.abs().log10().round();
    let text = if (x.abs() >= 1e5 || x.abs() < 1e-3) && x != 0.0 && (x.abs().log10() - exponent).abs() < 1e-9 {
        format!("{}10{}", if x < 0.0 { "-" } else { "" }, superscript(exponent as i32))
    } else if x.abs() < 1e5 {
        format!("{}", (x * 1e6).round() / 1e6)
    } else {
        format!("{x:.0e}")
    };
    text.replace('-', "−")
}

fn superscript(exponent: i32) -> String {
    let raise = |digit: char| match digit {
        '-' => '⁻',
        digit => ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][digit as usize - '0' as usize],
    };
    exponent.to_string().chars().map(raise).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis, most: usize) -> Vec<String> {
        let ruler = axis.ruler(std::iter::empty());
        axis.ticks(&ruler, most).into_iter().map(|tick| tick.text).collect()
    }

    #[test]
    fn marks_are_round_numbers() {
        let linear = |low, high| Axis { range: Some((low, high)), ..Axis::default() };
        assert_eq!(texts(&linear(-1.0, 1.0), 5), ["−1", "−0.5", "0", "0.5", "1"]);
        assert_eq!(texts(&linear(0.0, 0.031), 4), ["0", "0.01", "0.02", "0.03"]);
        let logarithmic = |low, high| Axis { scale: Scale::Logarithmic, ..linear(low, high) };
        assert_eq!(texts(&logarithmic(1e-5, 1e5), 6), ["10⁻⁴", "0.01", "1", "100", "10000"]);
        assert_eq!(texts(&logarithmic(1.0, 10.0), 6), ["1", "2", "5", "10"]);
    }

    #[test]
    fn a_range_leaves_a_margin_and_leaves_out_what_has_no_place() {
        let ruler = Axis::default().ruler([0.0, 10.0, f64::NAN, f64::INFINITY].into_iter());
        assert!((ruler.place(0.0) - 0.5 / 11.0).abs() < 1e-12 && (ruler.place(10.0) - 10.5 / 11.0).abs() < 1e-12);
        let logarithmic = Axis { scale: Scale::Logarithmic, ..Axis::default() };
        assert!((logarithmic.ruler([0.0, 1.0, 100.0].into_iter()).place(10.0) - 0.5).abs() < 1e-12);
        assert_eq!(Axis::default().ruler([7.0].into_iter()).place(7.0), 0.5);
    }
}
