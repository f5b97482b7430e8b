//! How numbers that are not negative are distributed: counts in bins of equal width.

use std::fmt;
use std::str::FromStr;

/// Bins of a histogram.
pub const BINS: usize = 40;

/// Counts of numbers in [`BINS`] bins of equal width from 0 to the largest of them.
///
/// ```
/// use wgan::run::histogram::Histogram;
/// let slopes = Histogram::of(&[0.0, 0.9, 1.1, 2.0]);
/// assert_eq!((slopes.high(), slopes.total()), (2.0, 4));
/// assert!((0.9..1.1).contains(&slopes.quantile(0.5)));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    high: f32,
    counts: [u32; BINS],
}

impl Histogram {
    /// The histogram of these numbers; what is negative, infinite or NaN is left out.
    pub fn of(numbers: &[f32]) -> Self {
        let usual = || numbers.iter().copied().filter(|x| x.is_finite() && *x >= 0.0);
        let high = usual().fold(0.0, f32::max);
        let mut counts = [0; BINS];
        for x in usual() {
            let place = if high > 0.0 { x / high * BINS as f32 } else { 0.0 };
            counts[(place as usize).min(BINS - 1)] += 1; // the largest number closes the last bin
        }
        Histogram { high, counts }
    }

    /// The largest number: the upper edge of the last bin.
    pub fn high(&self) -> f32 {
        self.high
    }

    /// How many numbers each bin holds.
    pub fn counts(&self) -> &[u32; BINS] {
        &self.counts
    }

    /// How many numbers there are.
    pub fn total(&self) -> u32 {
        self.counts.iter().sum()
    }

    /// The edges of bin `i`, counted from 0.
    pub fn bin(&self, i: usize) -> [f64; 2] {
        [i, i + 1].map(|edge| f64::from(self.high) * edge as f64 / BINS as f64)
    }

    /// The number that this share of all lies below, from 0 to 1, taking the numbers of a bin as evenly spread; NaN if
    /// there are none.
    pub fn quantile(&self, share: f64) -> f64 {
        let target = share * f64::from(self.total());
        let mut below = 0.0;
        for (i, count) in self.counts.iter().map(|&count| f64::from(count)).enumerate() {
            if count > 0.0 && below + count >= target {
                let [low, high] = self.bin(i);
                return low + (high - low) * (target - below) / count;
            }
            below += count;
        }
        f64::NAN
    }
}

/// The largest number, then the counts, with spaces between them.
impl fmt::Display for Histogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.high)?;
        self.counts.iter().try_for_each(|count| write!(f, " {count}"))
    }
}

impl FromStr for Histogram {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (high, counts) = text.split_once(' ').ok_or(())?;
        let high = high.parse().ok().filter(|high: &f32| high.is_finite() && *high >= 0.0).ok_or(())?;
        let counts: Vec<u32> = counts.split(' ').map(str::parse).collect::<Result<_, _>>().map_err(|_| ())?;
        counts.iter().try_fold(0u32, |total, &count| total.checked_add(count)).ok_or(())?;
        Ok(Histogram { high, counts: counts.try_into().map_err(|_| ())? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_counted_in_its_bin() {
        // Bins of width 1/10: from 0 to 4.
        let histogram = Histogram::of(&[0.0, 0.05, 0.15, 1.0, 1.05, 4.0, 3.95]);
        let mut expected = [0; BINS];
        [expected[0], expected[1], expected[10], expected[39]] = [2, 1, 2, 2];
        assert_eq!((histogram.high(), histogram.counts()), (4.0, &expected));
        assert_eq!(histogram.bin(10), [1.0, 1.1]);
    }

    #[test]
    fn quantiles_of_even_numbers_are_even() {
        let numbers: Vec<f32> = (0..=1000).map(|i| i as f32 / 500.0).collect();
        let histogram = Histogram::of(&numbers);
        for share in [0.0, 0.05, 0.5, 0.95, 1.0] {
            let quantile = histogram.quantile(share);
            assert!((quantile - 2.0 * share).abs() < 0.003, "{share}: {quantile}");
        }
    }

    #[test]
    fn what_has_no_place_is_left_out() {
        let histogram = Histogram::of(&[f32::NAN, f32::INFINITY, -1.0, 0.0, 0.0]);
        assert_eq!((histogram.high(), histogram.total(), histogram.counts()[0]), (0.0, 2, 2));
        assert_eq!(histogram.quantile(0.5), 0.0);
        assert!(Histogram::of(&[]).quantile(0.5).is_nan());
    }

    #[test]
    fn a_histogram_reads_back() {
        let histogram = Histogram::of(&[0.1, 0.3, 1.0 / 3.0]);
        assert_eq!(histogram.to_string().parse(), Ok(histogram));
        let bins = |high: &str, count: &str| format!("{high}{}", format!(" {count}").repeat(BINS));
        let bins = [bins("-1", "0"), bins("1", "0.5"), bins("1", "4294967295")];
        for damaged in ["", "1", "1 2 3", "x 1"].into_iter().chain(bins.iter().map(String::as_str)) {
            assert_eq!(damaged.parse::<Histogram>(), Err(()), "{damaged}");
        }
    }
}
