//! How much work a program is: floating-point operations and memory traffic, known before it runs.

use std::iter::Sum;
use std::ops::{Add, Mul};

use super::kernel::Kernel;
use super::plan::{Plan, Step};
use crate::ops::{ConvSizes, ProductSizes};

/// Floating-point operations of products and convolutions; a multiplication and its addition are two. Elementwise work is
/// not counted: it is bound by memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flops {
    /// With the multiplications by the zeros around an image, as most libraries compute convolutions.
    pub dense: u64,
    /// Without them.
    pub unpadded: u64,
}

impl Kernel {
    /// The floating-point operations of one call.
    pub fn flops(&self) -> Flops {
        match self {
            Kernel::MatMul { sizes: ProductSizes { batch, m, n, k }, .. } => {
                let flops = 2 * (batch * m * n * k) as u64;
                Flops { dense: flops, unpadded: flops }
            }
            Kernel::Conv2d(sizes, _) | Kernel::Conv2dInput(sizes, _) | Kernel::Conv2dFilter(sizes, _) => sizes.flops(),
            Kernel::Fused(_) | Kernel::Copy(_) | Kernel::Assemble(_) | Kernel::Reduce { .. } => Flops::default(),
            Kernel::Gather { .. } | Kernel::Lookup(_) | Kernel::ScatterAdd { .. } => Flops::default(),
            Kernel::Random(_) | Kernel::AllMean => Flops::default(),
        }
    }
}

impl ConvSizes {
    /// The floating-point operations of each of the three views of the form: every (pixel, window) that a tap connects
    /// is one multiplication a pair of channels and an image.
    fn flops(&self) -> Flops {
        let pairs = 2 * (self.batch * self.channels * self.filters) as u64;
        let dense: usize = self.kernel.iter().chain(&self.out).product();
        let unpadded = self.taps(0, self.height) * self.taps(1, self.width);
        Flops { dense: pairs * dense as u64, unpadded: pairs * unpadded as u64 }
    }

    /// Along one axis, the (tap, window)s that lie on a pixel, not on padding.
    fn taps(&self, axis: usize, image: usize) -> usize {
        let pixels = self.padding[axis]..self.padding[axis] + image;
        let windows = (0..self.out[axis]).map(|window| window * self.stride[axis]);
        windows.map(|start| (start..start + self.kernel[axis]).filter(|tap| pixels.contains(tap)).count()).sum()
    }
}

impl Step {
    /// The bytes that must pass between memory and processor: each buffer once, of a view no more than it shows.
    pub fn bytes(&self) -> u64 {
        let written: usize = self.writes.iter().map(|slot| slot.len).sum();
        let shown = match &self.kernel {
            Kernel::Fused(fused) => fused.count,
            Kernel::Copy(_) | Kernel::Gather { .. } => written,
            Kernel::Assemble(_) | Kernel::Reduce { .. } | Kernel::MatMul { .. } => usize::MAX,
            Kernel::Conv2d(..) | Kernel::Conv2dInput(..) | Kernel::Conv2dFilter(..) => usize::MAX,
            Kernel::Lookup(_) | Kernel::ScatterAdd { .. } | Kernel::Random(_) | Kernel::AllMean => usize::MAX,
        };
        let read: usize = self.reads.iter().map(|slot| slot.len.min(shown)).sum();
        (size_of::<f32>() * (read + written)) as u64
    }
}

impl Plan {
    /// The floating-point operations of one run.
    pub fn flops(&self) -> Flops {
        self.steps.iter().map(|step| step.kernel.flops()).sum()
    }
}

impl Add for Flops {
    type Output = Flops;

    fn add(self, other: Flops) -> Flops {
        Flops { dense: self.dense + other.dense, unpadded: self.unpadded + other.unpadded }
    }
}

impl Mul<u64> for Flops {
    type Output = Flops;

    fn mul(self, times: u64) -> Flops {
        Flops { dense: times * self.dense, unpadded: times * self.unpadded }
    }
}

impl Sum for Flops {
    fn sum<I: Iterator<Item = Flops>>(terms: I) -> Flops {
        terms.fold(Flops::default(), Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ops::Conv;

    /// 5×5, stride 2, padding 2. Of 28 pixels 14 windows: the first has 3 taps on pixels, the last 4, each other one 5.
    #[test]
    fn taps_on_padding_are_counted_apart() {
        let [x, w, y] = [[50, 1, 28, 28], [64, 1, 5, 5], [50, 64, 14, 14]].map(crate::Shape::from);
        let sizes = ConvSizes::new(Conv::square(2, 2), &x, &w, &y);
        let pairs = 2 * 50 * 64;
        assert_eq!(sizes.flops(), Flops { dense: pairs * (5 * 14) * (5 * 14), unpadded: pairs * 67 * 67 });
    }
}
