//! Whether the details of images are right, at each scale by itself: the sliced Wasserstein distance between patches of their
//! Laplacian pyramids (Karras et al. 2018, "Progressive growing of GANs", arXiv 1710.10196, section 5).

use autograd::{Device, Shape, Tensor};
use nn::Rng;
use rand::RngExt;
use rayon::prelude::*;

use super::line::between_sorted;
use super::pyramid::{Plane, laplacian};
use super::sliced::unit_vector;
use super::sort::sort;
use crate::Result;

/// Pixels along a side of a patch.
const SIDE: usize = 7;
/// Patches of each image at each level.
const PATCHES: usize = 128;
/// Images whose patches are compared: 65,536 patches at a level are distinguished well enough from others.
const MOST_IMAGES: usize = 512;
/// Directions averaged over.
const DIRECTIONS: usize = 128;
/// A spread of the pixels that comes from rounding: a hundredth of the step between two bytes.
const NO_SPREAD: f64 = 0.01 / 255.0;

/// Patches of images as many directions see them, at each level of their pyramids.
///
/// A patch is 7 × 7 pixels in all channels. At each level their values are shifted and scaled, in each channel to mean 0 and
/// deviation 1 over all patches of the set; so a set's brightness, contrast and tint as a whole do not count. Each of 128
/// fixed random directions θ then sees numbers ⟨θ, patch⟩, which are kept in order.
///
/// ```
/// use autograd::{Device, Tensor};
/// use wgan::measures::SlicedPatches;
/// let noise = |shift| Tensor::from_fn([8, 1, 28, 28], move |i| ((i * i + shift) * 7919 % 251) as f32 / 250.0);
/// let device = Device::cpu();
/// let (a, b) = (SlicedPatches::of(&noise(0), &device)?, SlicedPatches::of(&noise(1), &device)?);
/// assert_eq!(a.levels(), [[28, 28], [14, 14]]);
/// assert_eq!(a.distances(&a), [0.0, 0.0]);
/// assert!(a.distances(&b).iter().all(|&distance| distance > 0.0));
/// # Ok::<(), wgan::Error>(())
/// ```
pub struct SlicedPatches {
    levels: Vec<[usize; 2]>,
    /// At each level, for each direction.
    slices: Vec<Vec<Vec<f32>>>,
}

impl SlicedPatches {
    /// The patches of images `[N, channels, height, width]`, of the first 512 of them.
    ///
    /// # Errors
    /// If the device fails.
    ///
    /// # Panics
    /// If there is no image, or one is smaller than a patch.
    pub fn of(images: &Tensor, device: &Device) -> Result<Self> {
        let mut patches = Patches::of_shape(&Shape::from(&images.shape()[1..]));
        patches.add(images);
        patches.sliced(device)
    }

    /// Height and width of the levels, the finest first: each is half the one before, rounded up, as long as there is room
    /// for two patches beside each other. So 256 pixels have levels of 256, 128, 64, 32 and 16, and 28 of 28 and 14.
    pub fn levels(&self) -> &[[usize; 2]] {
        &self.levels
    }

    /// The sliced Wasserstein-1 distance at each level: the mean over directions of the distance on the line between what they
    /// see of both sets. (The paper gives a thousand times as much.)
    ///
    /// # Panics
    /// If the images are of another size.
    pub fn distances(&self, other: &SlicedPatches) -> Vec<f64> {
        assert_eq!(self.levels, other.levels, "images of different sizes");
        let mean = |(a, b): (&Vec<Vec<f32>>, &Vec<Vec<f32>>)| {
            let distances: Vec<f64> = a.par_iter().zip(b).map(|(a, b)| between_sorted(a, b)).collect();
            distances.iter().sum::<f64>() / distances.len() as f64
        };
        self.slices.iter().zip(&other.slices).map(mean).collect()
    }
}

/// Patches that are being collected, so that nobody need hold all images at once.
pub struct Patches {
    /// Channels, height and width of an image.
    image: [usize; 3],
    levels: Vec<[usize; 2]>,
    /// How many images they are of.
    images: usize,
    /// At each level `[patch, channel, row, column]`.
    values: Vec<Vec<f32>>,
}

impl Patches {
    /// No patches yet of images of this shape, `[channels, height, width]`.
    ///
    /// # Panics
    /// If an image is none or smaller than a patch.
    pub fn of_shape(image: &Shape) -> Self {
        let [channels, height, width] = image[..] else { panic!("an image of shape {image}") };
        assert!(height.min(width) >= SIDE, "images of {height}×{width} pixels have no patch of {SIDE}×{SIDE}");
        let halved =
            |level: &[usize; 2]| Some(level.map(|side| side.div_ceil(2))).filter(|[a, b]| *a.min(b) >= 2 * SIDE);
        let levels: Vec<_> = std::iter::successors(Some([height, width]), halved).collect();
        Patches { image: [channels, height, width], values: vec![Vec::new(); levels.len()], levels, images: 0 }
    }

    /// Adds those of images `[N, channels, height, width]`, unless there are enough already.
    pub fn add(&mut self, images: &Tensor) {
        let size = self.image.iter().product();
        let wanted = (MOST_IMAGES - self.images).min(images.shape()[0]);
        let images = images.data()[..wanted * size].par_chunks_exact(size).enumerate();
        let patches_of = |(i, image)| self.patches(image, (self.images + i) as u64);
        let found: Vec<Vec<Vec<f32>>> = images.map(patches_of).collect();
        for patches in found {
            self.values.iter_mut().zip(patches).for_each(|(all, some)| all.extend(some));
        }
        self.images += wanted;
    }

    /// The patches of an image at each level. Where they lie follows from its number.
    fn patches(&self, image: &[f32], number: u64) -> Vec<Vec<f32>> {
        let [_, height, width] = self.image;
        let pyramid = |pixels: &[f32]| laplacian(Plane { height, width, pixels: pixels.to_vec() }, self.levels.len());
        let channels: Vec<Vec<Plane>> = image.chunks_exact(height * width).map(pyramid).collect();
        let mut rng = Rng::new(0, "patches").at(number);
        let mut at_level = |(level, [height, width]): (usize, &[usize; 2])| {
            let mut values = Vec::with_capacity(PATCHES * channels.len() * SIDE * SIDE);
            for _ in 0..PATCHES {
                let [top, left] = [height, width].map(|side| rng.random_range(0..=side - SIDE));
                for plane in channels.iter().map(|planes| &planes[level]) {
                    let rows = plane.pixels.chunks_exact(*width).skip(top).take(SIDE);
                    rows.for_each(|row| values.extend_from_slice(&row[left..left + SIDE]));
                }
            }
            values
        };
        self.levels.iter().enumerate().map(&mut at_level).collect()
    }

    /// What the directions see of them, computed on this device.
    ///
    /// # Errors
    /// If the device fails.
    pub fn sliced(self, device: &Device) -> Result<SlicedPatches> {
        let dimension = self.image[0] * SIDE * SIDE;
        let rng = Rng::new(0, "directions");
        let directions = (0..DIRECTIONS as u64).flat_map(|i| unit_vector(dimension, &mut rng.at(i)));
        let directions = Tensor::new([DIRECTIONS, dimension], directions.map(|x| x as f32).collect())?;
        // What all directions see of an image's patches: [directions, patches].
        let mut program = device.compile(|tape| {
            [tape.constant(&directions).matmul_transposed(tape.input("patches", [PATCHES, dimension]))]
        })?;
        let mut slices = |mut values: Vec<f32>| {
            normalize(&mut values, self.image[0]);
            let mut slices = vec![Vec::new(); DIRECTIONS];
            for patches in values.chunks_exact(PATCHES * dimension) {
                let patches = Tensor::new([PATCHES, dimension], patches.to_vec())?;
                let [seen] = program.run(&[("patches", &patches)])?;
                let rows = seen.data().chunks_exact(PATCHES);
                slices.iter_mut().zip(rows).for_each(|(slice, row)| slice.extend_from_slice(row));
            }
            slices.par_iter_mut().for_each(|slice| sort(slice));
            Ok(slices)
        };
        Ok(SlicedPatches {
            slices: self.values.into_iter().map(&mut slices).collect::<Result<_>>()?,
            levels: self.levels,
        })
    }
}

/// Gives the values of each channel the mean 0 and the deviation 1, unless they have no spread.
fn normalize(patches: &mut [f32], channels: usize) {
    const RUN: usize = SIDE * SIDE; // what a patch has of a channel
    let count = (patches.len() / channels) as f64;
    for channel in 0..channels {
        let values = || patches.chunks_exact(RUN).skip(channel).step_by(channels).flatten().map(|&x| f64::from(x));
        let mean = values().sum::<f64>() / count;
        let deviation = (values().map(|x| (x - mean).powi(2)).sum::<f64>() / count).sqrt();
        let scale = if deviation > NO_SPREAD { 1.0 / deviation } else { 1.0 };
        let values = patches.chunks_exact_mut(RUN).skip(channel).step_by(channels).flatten();
        values.for_each(|x| *x = ((f64::from(*x) - mean) * scale) as f32);
    }
}

#[cfg(test)]
mod tests {
    use rand_distr::StandardNormal;

    use super::*;

    fn sliced(images: &Tensor) -> SlicedPatches {
        SlicedPatches::of(images, &Device::cpu()).unwrap()
    }

    fn distances(a: &Tensor, b: &Tensor) -> Vec<f64> {
        sliced(a).distances(&sliced(b))
    }

    /// Independent normal numbers.
    fn noise(shape: [usize; 4], name: &str) -> Tensor {
        let mut rng = Rng::new(0, name);
        Tensor::from_fn(shape, |_| rng.sample(StandardNormal))
    }

    fn map(images: &Tensor, value: impl Fn(f32) -> f32) -> Tensor {
        Tensor::from_fn(images.shape(), |i| value(images.data()[i]))
    }

    #[test]
    fn levels_halve_as_long_as_two_patches_fit() {
        let levels = |height, width| Patches::of_shape(&Shape::from([1, height, width])).levels;
        assert_eq!(levels(256, 256).iter().map(|level| level[0]).collect::<Vec<_>>(), [256, 128, 64, 32, 16]);
        assert_eq!(levels(28, 28), [[28, 28], [14, 14]]);
        assert_eq!(levels(51, 33), [[51, 33], [26, 17]]);
        assert_eq!((levels(27, 27).len(), levels(26, 26).len(), levels(8, 7).len()), (2, 1, 1));
    }

    #[test]
    fn images_are_at_no_distance_from_themselves_brighter_or_not() {
        let images = noise([20, 3, 30, 33], "images");
        assert_eq!(distances(&images, &images), [0.0, 0.0]);
        let brighter = map(&images, |x| 3.0 * x + 1.0);
        assert!(distances(&images, &brighter).iter().all(|&distance| distance < 1e-5));
    }

    /// They have no details and, the mean gone, no brightness. Rounding does not count as one.
    #[test]
    fn images_of_one_shade_each_set_are_at_no_distance() {
        let [grey, white] = [0.3, 1.0].map(|shade| Tensor::full([9, 1, 28, 28], shade));
        assert!(distances(&grey, &white).iter().all(|&distance| distance < 1e-6));
    }

    /// Of images of noise every direction sees a standard normal number. Of images of one shade each, with shades of mean 0
    /// and deviation 1, direction θ sees the shade times Σθᵢ: of 49 dimensions that is nearly normal itself. Between normal
    /// numbers of deviations 1 and s the distance is |1 − s|·√(2/π), and E|1 − |g|| = 4φ(1) − 2φ(0) + 4Φ(1) − 3 = 0.535.
    #[test]
    fn gaussian_patches_are_as_far_apart_as_mathematics_says() {
        let grains = noise([512, 1, 16, 16], "grains");
        let shades = noise([512, 1, 1, 1], "shades");
        let shades = Tensor::from_fn([512, 1, 16, 16], |i| shades.data()[i / 256]);
        let [distance] = distances(&grains, &shades)[..] else { panic!("16 pixels are one level") };
        let expected = 0.535 * (2.0 / std::f64::consts::PI).sqrt();
        assert!((distance / expected - 1.0).abs() < 0.1, "{distance}, not {expected}");
        assert!(distances(&grains, &noise([512, 1, 16, 16], "others"))[0] < 0.01);
    }

    /// Grain of a pixel's size alone is seen at the level of pixels, a gradient over the whole image at the coarsest.
    #[test]
    fn every_level_sees_its_own_scale() {
        let gradient = |i: usize| (i % 64) as f32 * (1.0 + (i / 4096) as f32 / 30.0);
        let smooth = Tensor::from_fn([60, 1, 64, 64], gradient);
        let (grain, coarse) = (noise([60, 1, 64, 64], "grain"), noise([60, 1, 16, 16], "coarse"));
        let grainy = Tensor::from_fn([60, 1, 64, 64], |i| gradient(i) + 0.5 * grain.data()[i]);
        let blotched = Tensor::from_fn([60, 1, 64, 64], |i| {
            let (image, y, x) = (i / 4096, i / 64 % 64, i % 64);
            gradient(i) + 20.0 * coarse.data()[image * 256 + y / 4 * 16 + x / 4]
        });
        let [fine, _, coarsest] = distances(&smooth, &grainy)[..] else { panic!("64 pixels are three levels") };
        assert!(fine > 10.0 * coarsest, "{fine} {coarsest}");
        assert!(distances(&smooth, &blotched)[2] > 5.0 * coarsest);
    }

    #[test]
    fn it_does_not_matter_in_which_parts_images_are_added() {
        let images = noise([600, 1, 8, 8], "images");
        let mut parts = Patches::of_shape(&Shape::from([1, 8, 8]));
        for part in images.data().chunks(70 * 64) {
            parts.add(&Tensor::new([part.len() / 64, 1, 8, 8], part.to_vec()).unwrap());
        }
        assert_eq!(parts.images, MOST_IMAGES);
        assert_eq!(parts.sliced(&Device::cpu()).unwrap().distances(&sliced(&images)), [0.0]);
    }
}
