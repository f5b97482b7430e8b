//! The residual networks of WGAN-GP (arXiv 1704.00028, appendix F), which the paper has for 32×32 pixels, for other sizes as well. All
//! hidden layers have as many channels. A block normalises and rectifies before each of its two convolutions, of 3×3, the second of
//! which takes images that are doubled, or means of its results; around it leads a convolution of 1×1 that does so, too. (The
//! published code doubles before the first one.)

use nn::layers::Activation::Relu;

use super::models::{Layer, Map, Stack};

/// Blocks double the generator's first map so often, at least.
const LEAST_DOUBLINGS: u32 = 2;
/// Height and width of the generator's first map are less than twice this.
const SMALLEST: usize = 4;
/// Height and width of the maps on which the critic's last blocks work, at most.
const LAST: usize = 8;

/// Whether the residual networks draw and judge images of this height and width: from 4 to 7 pixels, doubled.
pub fn resnet_draws(size: usize) -> bool {
    let doublings = doublings(size);
    doublings >= LEAST_DOUBLINGS && (size >> doublings) << doublings == size
}

/// How often the generator's first map is doubled.
fn doublings(size: usize) -> u32 {
    (size / SMALLEST).checked_ilog2().unwrap_or(0)
}

impl Stack {
    /// The critic: blocks that halve the image while that is large, and two that do not. The first one takes the pixels as they are.
    pub(super) fn resnet_critic(self, dim: usize, channels: usize, size: usize) -> Self {
        let (image, map) = ([channels, size, size], |size| [dim, size, size]);
        let first = self.beside().conv(image, map(size), 3).activation(Relu).conv(map(size), map(size / 2), 3);
        let around = self.beside().conv(image, map(size / 2), 1);
        let (mut stack, mut size) = (self.residual(first, around), size / 2);
        while size > LAST {
            stack = stack.block(map(size), map(size / 2));
            size /= 2;
        }
        let stack = stack.block(map(size), map(size)).block(map(size), map(size));
        stack.activation(Relu).add(Layer::Mean(map(size))).add(Layer::Flatten).linear(dim, 1)
    }

    /// The generator: blocks that double a small map of noise.
    pub(super) fn resnet_generator(self, latent: usize, dim: usize, channels: usize, size: usize) -> Self {
        let (map, mut small) = (|size| [dim, size, size], size >> doublings(size));
        let mut stack = self.linear(latent, map(small).iter().product()).add(Layer::Reshape(map(small).into()));
        while small < size {
            stack = stack.block(map(small), map(2 * small));
            small *= 2;
        }
        stack.norm(&map(size)).activation(Relu).conv(map(size), [channels, size, size], 3)
    }

    /// A residual block. One that keeps the size has nothing on its shortcut.
    fn block(self, from: Map, to: Map) -> Self {
        let branch = self.beside().norm(&from).activation(Relu).conv(from, from, 3);
        let branch = branch.norm(&from).activation(Relu).conv(from, to, 3);
        let around = self.beside();
        self.residual(branch, if from == to { around } else { around.conv(from, to, 1) })
    }

    fn conv(self, from: Map, to: Map, kernel: usize) -> Self {
        self.add(Layer::ConvScaled { from, to, kernel })
    }

    fn residual(self, branch: Stack, shortcut: Stack) -> Self {
        self.add(Layer::Residual { branch, shortcut })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resnet_draws_what_doubled_maps_make() {
        let sizes: Vec<usize> = (0..=256).filter(|&size| resnet_draws(size)).collect();
        assert_eq!(sizes, [16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256]);
    }
}
