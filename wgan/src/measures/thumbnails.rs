//! Images made small, to be compared as they are.

use autograd::{Shape, Tensor};

/// Pixels along a side, at most.
const SIDE: usize = 8;

/// Images `[N, channels, height, width]` as means over at most 8 × 8 blocks: `[N, channels · 64]`. Beside a network's features
/// they are a poor measure of likeness: they see where an image is light and dark and of which colour, not what it shows.
///
/// ```
/// use autograd::Tensor;
/// let image = Tensor::from_fn([1, 1, 16, 16], |i| (i % 16) as f32);
/// assert_eq!(wgan::measures::thumbnails(&image).data()[..8], [0.5, 2.5, 4.5, 6.5, 8.5, 10.5, 12.5, 14.5]);
/// ```
///
/// # Panics
/// If the tensor is of another shape.
pub fn thumbnails(images: &Tensor) -> Tensor {
    let [count, channels, height, width] = images.shape()[..] else { panic!("images of shape {}", images.shape()) };
    let [high, wide] = [height, width].map(|side| side.min(SIDE));
    let mut small = vec![0.0f32; count * channels * high * wide];
    for (plane, small) in images.data().chunks_exact(height * width).zip(small.chunks_exact_mut(high * wide)) {
        let mut counts = vec![0.0; small.len()];
        for (i, x) in plane.iter().enumerate() {
            let block = i / width * high / height * wide + i % width * wide / width;
            small[block] += x;
            counts[block] += 1.0;
        }
        small.iter_mut().zip(counts).for_each(|(sum, count)| *sum /= count);
    }
    Tensor::new(Shape::from([count, channels * high * wide]), small).expect("as many as there are blocks")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pixel_counts_once_in_its_own_channel() {
        let image = Tensor::from_fn([2, 3, 28, 20], |i| (i / 560) as f32); // the number of its plane
        let small = thumbnails(&image);
        assert_eq!(small.shape()[..], [2, 192]);
        assert!(small.data().iter().enumerate().all(|(i, &x)| x == (i / 64) as f32));
    }

    #[test]
    fn small_images_stay_as_they_are() {
        let image = Tensor::from_fn([1, 1, 5, 8], |i| i as f32);
        assert_eq!(thumbnails(&image).data(), image.data());
    }
}
