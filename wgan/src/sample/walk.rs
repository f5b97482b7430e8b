//! A walk through the latent space, as a moving picture: what lies between samples.

use autograd::Tensor;

use super::Sampler;
use super::interpolation::between;
use crate::Result;
use crate::machine::memory;
use crate::pictures::{Pace, grid, moving};

/// Samples that each walk passes through before it is back at the first.
const STATIONS: usize = 6;
/// Pictures from one to the next.
const STEPS: usize = 16;
/// Sixteen pictures a second, and no rest at the end, which is the beginning.
const PACE: Pace = Pace { each: (1, 16), last: (1, 16) };

/// An animated PNG of `count` images side by side, each on a closed walk of its own. With z₀ … z₅ six of the points that
/// [`Sampler::draw`] would make samples of, and z₆ = z₀, the picture k/16 of the way from zᵢ to zᵢ₊₁ shows for normal noise the
/// point (sin((1 − t)·Ω)·zᵢ + sin(t·Ω)·zᵢ₊₁) / sin Ω with t = k/16 and Ω the angle between them, for uniform noise
/// (1 − t)·zᵢ + t·zᵢ₊₁; so the first picture is [`grid`] of samples. Where classes are told apart, an image keeps its own.
///
/// # Errors
/// [`Error::Memory`](crate::Error::Memory) for too many images, or if the device fails.
pub fn walk(sampler: &Sampler, count: usize, seed: u64) -> Result<Vec<u8>> {
    // An animation holds every picture, three bytes a pixel, and those of small images are twice as large.
    let bytes = 12 * (count * STATIONS * STEPS) as u64 * sampler.trained().sample.count() as u64;
    memory::check(bytes, &format!("an animation of {count} images"), "ask for fewer")?;
    let points = sampler.noise(count * STATIONS, seed)?;
    let (latent, size) = (sampler.generator.latent(), points.shape()[1]);
    let points: Vec<&[f32]> = points.data().chunks_exact(size).collect();
    let classes = sampler.classes_of(count, seed).repeat(STEPS);
    let mut pictures = Vec::with_capacity(STATIONS * STEPS);
    for station in 0..STATIONS {
        let [from, to] = [station, (station + 1) % STATIONS].map(|station| &points[station * count..][..count]);
        let at = |step: usize| {
            let share = step as f64 / STEPS as f64;
            from.iter().zip(to).flat_map(move |(from, to)| between(latent, from, to, share))
        };
        let way = Tensor::new([STEPS * count, size], (0..STEPS).flat_map(at).collect())?;
        let images = sampler.samples_of(&way, &classes)?;
        let of_step = [&[count], &images.shape()[1..]].concat();
        for picture in images.data().chunks_exact(images.data().len() / STEPS) {
            pictures.push(grid(&Tensor::new(&of_step[..], picture.to_vec())?).encode());
        }
    }
    Ok(moving(&pictures, PACE).expect("the pictures are of one kind"))
}
