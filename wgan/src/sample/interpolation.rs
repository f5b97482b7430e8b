//! Images on the way from one point of the latent space to another: whether the generator has learned a continuum.

use autograd::Tensor;

use super::Sampler;
use crate::Result;
use crate::figure::Picture;
use crate::game::models::Latent;
use crate::pictures::rows;

/// Images in a row.
const ACROSS: usize = 8;

/// At least `count` images in rows of eight, each from one sample to the next that [`Sampler::draw`] would draw: from the
/// first to the second, from the third to the fourth. Where classes are told apart, a row is of one.
///
/// # Errors
/// If the device fails.
pub fn interpolation(sampler: &Sampler, count: usize, seed: u64) -> Result<Picture> {
    let down = count.div_ceil(ACROSS);
    let ends = sampler.noise(2 * down, seed)?;
    let (latent, size) = (sampler.generator.latent(), ends.shape()[1]);
    let path = |pair: &[f32]| {
        let (from, to) = pair.split_at(size);
        let share = |column: usize| column as f64 / (ACROSS - 1) as f64;
        (0..ACROSS).flat_map(|column| between(latent, from, to, share(column))).collect::<Vec<_>>()
    };
    let noise = ends.data().chunks_exact(2 * size).flat_map(path).collect();
    let classes: Vec<usize> = sampler.classes_of(down, seed).into_iter().flat_map(|class| [class; ACROSS]).collect();
    Ok(rows(&sampler.samples_of(&Tensor::new([down * ACROSS, size], noise)?, &classes)?, ACROSS))
}

/// The point that has gone this share of the way. Normal noise of many dimensions lies near a sphere, so its way is along
/// the great circle (White 2016, "Sampling generative networks", arXiv 1609.04468, section 2.1); in a cube the straight
/// line does not leave it.
pub(super) fn between(latent: Latent, from: &[f32], to: &[f32], share: f64) -> Vec<f32> {
    let [a, b] = match latent {
        Latent::Normal(_) => along_circle(angle(from, to), share),
        Latent::Uniform(_) => [1.0 - share, share],
    };
    from.iter().zip(to).map(|(&x, &y)| (a * f64::from(x) + b * f64::from(y)) as f32).collect()
}

/// The weights of both ends, whose directions are this far apart.
fn along_circle(angle: f64, share: f64) -> [f64; 2] {
    match angle.sin() {
        sine if sine < 1e-6 => [1.0 - share, share], // the circle is a line, or any of many
        sine => [((1.0 - share) * angle).sin() / sine, (share * angle).sin() / sine],
    }
}

fn angle(a: &[f32], b: &[f32]) -> f64 {
    let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum::<f64>();
    let norms = (dot(a, a) * dot(b, b)).sqrt();
    (dot(a, b) / norms.max(f64::MIN_POSITIVE)).clamp(-1.0, 1.0).acos()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn norm(x: &[f32]) -> f32 {
        x.iter().map(|x| x * x).sum::<f32>().sqrt()
    }

    #[test]
    fn the_way_begins_and_ends_at_its_ends() {
        for latent in [Latent::Normal(3), Latent::Uniform(3)] {
            let (from, to) = ([1.0, 2.0, -0.5], [-0.25, 1.5, 2.0]);
            assert_eq!(between(latent, &from, &to, 0.0), from);
            assert_eq!(between(latent, &from, &to, 1.0), to);
        }
    }

    /// Between (3, 0) and (0, 3) the circle has radius 3, and its middle is at 45°.
    #[test]
    fn normal_noise_goes_along_the_circle_and_uniform_noise_straight_on() {
        for share in [0.1, 0.3, 0.5, 0.9] {
            assert!((norm(&between(Latent::Normal(2), &[3.0, 0.0], &[0.0, 3.0], share)) - 3.0).abs() < 1e-6);
        }
        let middle = between(Latent::Normal(2), &[3.0, 0.0], &[0.0, 3.0], 0.5);
        assert!((middle[0] - middle[1]).abs() < 1e-6);
        assert_eq!(between(Latent::Uniform(2), &[0.75, 0.0], &[0.25, 1.0], 0.5), [0.5, 0.5]);
    }

    #[test]
    fn equal_and_opposite_ends_are_no_obstacle() {
        assert_eq!(between(Latent::Normal(2), &[1.0, 2.0], &[1.0, 2.0], 0.3), [1.0, 2.0]);
        assert_eq!(between(Latent::Normal(2), &[1.0, 0.0], &[-1.0, 0.0], 0.5), [0.0, 0.0]);
        assert!(norm(&between(Latent::Normal(2), &[0.0, 0.0], &[1.0, 0.0], 0.5)) < 1.0);
    }
}
