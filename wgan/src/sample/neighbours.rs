//! Samples beside the training images nearest to them: a generator that only repeats those would show.

use autograd::Tensor;

use crate::data::Dataset;
use crate::figure::Picture;
use crate::measures::nearest_neighbours;
use crate::pictures::groups;

/// Training images beside each sample.
const NEIGHBOURS: usize = 3;
/// Samples in a row.
const ACROSS: usize = 4;

/// Each of the images `[N, channels, height, width]`, framed, with its three nearest training images to its right.
pub fn neighbours(samples: &Tensor, data: &Dataset) -> Picture {
    let size = data.shape().count();
    let mut images = Vec::with_capacity(samples.data().len() * (NEIGHBOURS + 1));
    for (sample, nearest) in samples.data().chunks_exact(size).zip(nearest_neighbours(samples, data, NEIGHBOURS)) {
        images.extend_from_slice(sample);
        for neighbour in nearest {
            images.extend_from_slice(data.samples(neighbour.index..neighbour.index + 1).data());
        }
        images.resize(images.len().next_multiple_of(size * (NEIGHBOURS + 1)), f32::NAN); // of fewer training images
    }
    let shape = [&[images.len() / size], &**data.shape()].concat();
    groups(&Tensor::new(shape, images).expect("whole images"), NEIGHBOURS + 1, ACROSS)
}
