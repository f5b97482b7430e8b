//! What several runs came to.

/// The mean of some numbers, and how far they lie apart.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// x̄ = Σxᵢ / n
    pub mean: f64,
    /// √(Σ(xᵢ − x̄)² / (n − 1)), the standard deviation that a sample of n estimates; None of a single number.
    pub deviation: Option<f64>,
}

impl Spread {
    /// Of one number or more.
    pub fn of(numbers: impl Iterator<Item = f64>) -> Self {
        let numbers: Vec<f64> = numbers.collect();
        let count = numbers.len() as f64;
        let mean = numbers.iter().sum::<f64>() / count;
        let squares: f64 = numbers.iter().map(|x| (x - mean).powi(2)).sum();
        Spread { mean, deviation: (numbers.len() > 1).then(|| (squares / (count - 1.0)).sqrt()) }
    }

    /// As people read such numbers.
    pub fn text(self, number: impl Fn(f64) -> String) -> String {
        match self.deviation {
            Some(deviation) => format!("{} ± {}", number(self.mean), number(deviation)),
            None => number(self.mean),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The squares of the distances from 5 add up to 9 + 1 + 1 + 1 + 0 + 0 + 4 + 16 = 32.
    #[test]
    fn the_deviation_is_that_of_a_sample() {
        let spread = Spread::of([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0].into_iter());
        assert_eq!((spread.mean, spread.deviation), (5.0, Some((32f64 / 7.0).sqrt())));
        assert_eq!(spread.text(|x| format!("{x:.2}")), "5.00 ± 2.14");
        assert_eq!(Spread::of([3.0].into_iter()).text(|x| x.to_string()), "3");
    }
}
