//! What is to be learned: points of the plane.

use nn::Rng;
use rand::RngExt;
use wgan::data::{Dataset, Mixture, Toy};

/// Samples that stand for a few points drawn by hand, or for two lines.
const COUNT: usize = 10_000;

/// Points drawn by hand are the means of narrow Gaussians, as wide as this.
const DEVIATION: f64 = 0.03;

/// Points that can be drawn by hand, at most.
pub const MOST_DRAWN: usize = 200;

/// A distribution of points.
#[derive(Clone, Debug, PartialEq)]
pub enum Learned {
    /// One of the program's.
    Toy(Toy),
    /// Two parallel lines: (±1, y) with y uniform on [−1, 1].
    Lines,
    /// Points drawn by hand.
    Drawn(Vec<[f64; 2]>),
}

impl Learned {
    /// The names in an address, each with its description.
    pub const NAMES: [(&str, &str); 5] = [
        ("8gaussians", "eight Gaussians"),
        ("25gaussians", "25 Gaussians"),
        ("swissroll", "Swiss roll"),
        ("lines", "two lines"),
        ("drawn", "points drawn by hand"),
    ];

    /// What an address names; `drawn` are the numbers of the points drawn by hand, in hundredths, two to a point.
    ///
    /// # Errors
    /// A sentence, if there is no such thing.
    pub fn parse(name: &str, drawn: &str) -> Result<Self, String> {
        Ok(match name {
            "8gaussians" => Learned::Toy(Toy::EightGaussians),
            "25gaussians" => Learned::Toy(Toy::TwentyFiveGaussians),
            "swissroll" => Learned::Toy(Toy::Swissroll),
            "lines" => Learned::Lines,
            "drawn" => Learned::Drawn(points(drawn)?),
            _ => {
                let names = Learned::NAMES.map(|(name, _)| name).join(", ");
                return Err(format!("there is no dataset {name:?} here, but {names}"));
            }
        })
    }

    /// What it is, if it is a mixture of Gaussians.
    pub fn mixture(&self) -> Option<Mixture> {
        match self {
            Learned::Toy(toy) => toy.mixture(),
            Learned::Lines => None,
            Learned::Drawn(centres) => Some(Mixture { centres: centres.clone(), deviation: DEVIATION }),
        }
    }

    /// A data set drawn from it.
    pub fn draw(&self, seed: u64) -> Dataset {
        let rng = &mut Rng::new(seed, "toy");
        let data = match self {
            Learned::Toy(toy) => toy.draw(rng, false),
            Learned::Lines => {
                let point = |i: usize| [if i.is_multiple_of(2) { 1.0 } else { -1.0 }, 2.0 * rng.random::<f32>() - 1.0];
                Dataset::new("lines", [2], (0..COUNT).flat_map(point).collect())
            }
            Learned::Drawn(centres) => {
                let mixture = Mixture { centres: centres.clone(), deviation: DEVIATION };
                let points = (0..COUNT).flat_map(|_| mixture.point(rng).1.map(|x| x as f32));
                Dataset::new("drawn", [2], points.collect())
            }
        };
        data.prepared(seed)
    }
}

fn points(drawn: &str) -> Result<Vec<[f64; 2]>, String> {
    let number = |text: &str| text.parse::<i32>().ok().filter(|n| n.abs() <= 1000).map(|n| f64::from(n) / 100.0);
    let numbers: Option<Vec<f64>> = drawn.split(',').map(number).collect();
    match numbers {
        Some(numbers) if numbers.len().is_multiple_of(2) && numbers.len() <= 2 * MOST_DRAWN => {
            Ok(numbers.chunks(2).map(|pair| [pair[0], pair[1]]).collect())
        }
        _ => Err(format!("draw 1 to {MOST_DRAWN} points: click or tap into the picture")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_two_and_drawn_points_keep_their_places() {
        let lines = Learned::Lines.draw(0);
        let sample = lines.samples(0..lines.len());
        let right = sample.data().chunks(2).filter(|point| point[0] == 1.0).count();
        assert!(sample.data().chunks(2).all(|point| point[0].abs() == 1.0 && point[1].abs() <= 1.0));
        assert!(right.abs_diff(lines.len() / 2) < lines.len() / 50, "{right}");
        let drawn = Learned::parse("drawn", "100,-50,0,25").unwrap();
        assert_eq!(drawn, Learned::Drawn(vec![[1.0, -0.5], [0.0, 0.25]]));
        let (data, centres) = (drawn.draw(0), drawn.mixture().unwrap().centres);
        let near = |point: &[f32]| {
            centres.iter().any(|[x, y]| (f64::from(point[0]) - x).hypot(f64::from(point[1]) - y) < 6.0 * DEVIATION)
        };
        assert!(data.samples(0..1000).data().chunks(2).all(near));
    }

    #[test]
    fn what_is_not_there_is_refused() {
        assert!(Learned::parse("mnist", "").unwrap_err().contains("8gaussians, 25gaussians"));
        for drawn in ["", "1", "1,2,3", "a,b", "5000,0"] {
            assert!(Learned::parse("drawn", drawn).unwrap_err().contains("draw 1 to 200 points"), "{drawn}");
        }
    }
}
