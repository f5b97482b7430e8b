//! What is made of convolutions and of the windows that they look through: dilation, groups, halved and doubled images, pooling. All of
//! it is composed.

use super::Conv;
use crate::tape::Var;

impl<'t> Var<'t> {
    /// Filters [O, C, kh, kw] with `dilation` − 1 zeros between their taps, vertically and horizontally. A dilated convolution is
    /// one by such filters, and costs what one by filters of that size does.
    ///
    /// ```
    /// use autograd::{Tape, Tensor, ops::Conv};
    /// let tape = Tape::new();
    /// let row = tape.constant(&Tensor::new([1, 1, 1, 4], vec![1.0, 4.0, 9.0, 16.0])?);
    /// let difference = tape.constant(&Tensor::new([1, 1, 1, 2], vec![-1.0, 1.0])?);
    /// assert_eq!(row.conv2d(difference.dilate([1, 2]), Conv::square(1, 0)).value().data(), [8.0, 12.0]);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[doc(alias = "dilation")]
    #[track_caller]
    pub fn dilate(self, dilation: [usize; 2]) -> Var<'t> {
        let (&[o, c, kh, kw], [down, across]) = (&*self.shape(), dilation) else {
            self.tape().refuse(&format!("dilate: needs filters [O, C, kh, kw], not {}", self.shape()));
        };
        if down == 0 || across == 0 {
            self.tape().refuse(&format!("dilate: the distance of taps must be 1 at least, not {dilation:?}"));
        }
        let spread = self.reshape([o, c, kh, 1, kw, 1]).pad(&[0; 6], &[0, 0, 0, down - 1, 0, across - 1]);
        let extents = [o, c, (kh * down).saturating_sub(down - 1), (kw * across).saturating_sub(across - 1)];
        spread.reshape([o, c, kh * down, kw * across]).slice_box(&[0; 4], extents)
    }

    /// Convolves each of `groups` groups of channels by filters of its own: images [N, C, H, W], filters [O, C / groups, kh, kw].
    /// The groups are computed one after the other, which is slow if they are many.
    ///
    /// ```
    /// use autograd::{Tape, ops::Conv};
    /// let tape = Tape::new();
    /// let (x, filters) = (tape.zeros([50, 64, 14, 14]), tape.zeros([128, 16, 3, 3]));
    /// assert_eq!(x.conv2d_groups(filters, Conv::square(1, 1), 4).shape(), [50, 128, 14, 14].into());
    /// ```
    #[track_caller]
    pub fn conv2d_groups(self, filters: Var<'t>, conv: Conv, groups: usize) -> Var<'t> {
        let (x, w) = (self.shape(), filters.shape());
        let parted = |extent: Option<&usize>| extent.is_some_and(|extent| extent.is_multiple_of(groups));
        if groups == 0 || !parted(x.get(1)) || !parted(w.first()) {
            self.tape()
                .refuse(&format!("conv2d_groups: {groups} groups do not part the channels of {x} and the filters {w}"));
        }
        let (channels, outputs) = (x[1] / groups, w[0] / groups);
        let mut results = Vec::with_capacity(groups);
        for group in 0..groups {
            let images = self.slice(1, group * channels..(group + 1) * channels);
            results.push(images.conv2d(filters.slice(0, group * outputs..(group + 1) * outputs), conv));
        }
        self.tape().concat(&results, 1)
    }

    /// The means of squares of 2 × 2 pixels of a convolution of stride 1: [N, O, H'/2, W'/2], the last one of odd extents left out.
    /// It is one convolution of stride 2, by filters with a row and a column more, the means of four shifted ones: for 3 × 3 taps
    /// 16 products a result in place of 36.
    ///
    /// ```
    /// use autograd::{Tape, Tensor, ops::Conv};
    /// let tape = Tape::new();
    /// let image = tape.constant(&Tensor::new([1, 1, 2, 4], vec![1.0, 2.0, 5.0, 6.0, 3.0, 4.0, 7.0, 8.0])?);
    /// let thrice = tape.constant(&Tensor::new([1, 1, 1, 1], vec![3.0])?);
    /// assert_eq!(image.conv2d_halved(thrice, [0, 0]).value().data(), [7.5, 19.5]);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn conv2d_halved(self, filters: Var<'t>, padding: [usize; 2]) -> Var<'t> {
        self.conv2d(filters.sum_of_shifted("conv2d_halved") * 0.25, Conv { stride: [2; 2], padding })
    }

    /// A convolution of stride 1 of images [N, C, H, W] whose every pixel is repeated in a square of 2 × 2: [N, O, 2·H', 2·W'] if it
    /// keeps extents. It is one transposed convolution of stride 2, by filters with a row and a column more, the sums of four
    /// shifted ones: for 3 × 3 taps 4 products a result in place of 9.
    ///
    /// ```
    /// use autograd::{Tape, Tensor, ops::Conv};
    /// let tape = Tape::new();
    /// let row = tape.constant(&Tensor::new([1, 1, 1, 3], vec![1.0, 4.0, 9.0])?); // 1, 1, 4, 4, 9, 9 twice
    /// let difference = tape.constant(&Tensor::new([1, 1, 1, 2], vec![-1.0, 1.0])?);
    /// assert_eq!(row.conv2d_doubled(difference, [0, 0]).value().data(), [[0.0, 3.0, 0.0, 5.0, 0.0]; 2].concat());
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn conv2d_doubled(self, filters: Var<'t>, padding: [usize; 2]) -> Var<'t> {
        let spread = filters.sum_of_shifted("conv2d_doubled");
        let &[o, c, height, width] = &*spread.shape() else { unreachable!("filters have four axes") };
        // y[q] = Σₖ w[k] · x[⌊(q + k − p)/2⌋], so that x[i] meets the filters' taps in reverse: w[k] at q = 2i + p − k and 2i + 1 + p − k.
        let backwards = self.tape().arange(height * width) * -1.0 + (height * width - 1) as f64;
        let taps = spread.permute(&[2, 3, 1, 0]).reshape([height * width, c * o]).gather_rows(backwards);
        let transposed = taps.reshape([height, width, c, o]).permute(&[2, 3, 0, 1]); // [C, O, kh + 1, kw + 1]
        let rest = |kernel: usize, padding: usize| kernel.checked_sub(2 + padding);
        let (Some(down), Some(across)) = (rest(height, padding[0]), rest(width, padding[1])) else {
            let (taps, tape) = (filters.shape(), self.tape());
            tape.refuse(&format!("conv2d_doubled: a padding of {padding:?} must be smaller than the filters {taps}"));
        };
        self.conv_transpose2d(transposed, Conv { stride: [2; 2], padding: [down, across] }, 0)
    }

    /// Filters [O, C, kh, kw] moved by no or by one tap in each direction, and added up: [O, C, kh + 1, kw + 1].
    #[track_caller]
    fn sum_of_shifted(self, name: &str) -> Var<'t> {
        if self.shape().rank() != 4 {
            self.tape().refuse(&format!("{name}: needs filters [O, C, kh, kw], not {}", self.shape()));
        }
        let mut sum = self;
        for by in [[0, 0, 1, 0], [0, 0, 0, 1]] {
            sum = sum.pad(&by, &[0; 4]) + sum.pad(&[0; 4], &by);
        }
        sum
    }

    /// The largest value that each window of extents `kernel` sees in images [N, C, H, W]: [N, C, H', W'] as of
    /// [`conv2d`](Var::conv2d). Padding is never the largest. Equal values share the gradient where windows do not overlap;
    /// elsewhere one of them takes it.
    ///
    /// ```
    /// use autograd::{Tape, Tensor, ops::Conv};
    /// let tape = Tape::new();
    /// let image = tape.constant(&Tensor::new([1, 1, 2, 4], vec![1.0, 2.0, 5.0, 6.0, 3.0, 4.0, 7.0, 8.0])?);
    /// assert_eq!(image.max_pool2d([2, 2], Conv::square(2, 0)).value().data(), [4.0, 8.0]);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn max_pool2d(self, kernel: [usize; 2], conv: Conv) -> Var<'t> {
        let mut pooled = self;
        for i in [0, 1] {
            let windows = pooled.windows("max_pool2d", i, kernel, conv, f64::NEG_INFINITY);
            pooled = match windows {
                Windows::Apart(steps) => steps.max_axes(&[i + 3]),
                Windows::Taps(taps) => {
                    let mut largest = taps[0];
                    for &tap in &taps[1..] {
                        largest = largest.maximum(tap);
                    }
                    largest
                }
            };
        }
        pooled
    }

    /// The mean of what each window of extents `kernel` sees in images [N, C, H, W]: [N, C, H', W'] as of
    /// [`conv2d`](Var::conv2d). Zeros of the padding count.
    ///
    /// ```
    /// use autograd::{Tape, Tensor, ops::Conv};
    /// let tape = Tape::new();
    /// let image = tape.constant(&Tensor::new([1, 1, 2, 4], vec![1.0, 2.0, 5.0, 6.0, 3.0, 4.0, 7.0, 8.0])?);
    /// assert_eq!(image.avg_pool2d([2, 2], Conv::square(2, 0)).value().data(), [2.5, 6.5]);
    /// # Ok::<(), autograd::Error>(())
    /// ```
    #[track_caller]
    pub fn avg_pool2d(self, kernel: [usize; 2], conv: Conv) -> Var<'t> {
        let mut sum = self;
        for i in [0, 1] {
            let windows = sum.windows("avg_pool2d", i, kernel, conv, 0.0);
            sum = match windows {
                Windows::Apart(steps) => steps.sum_axes(&[i + 3]),
                Windows::Taps(taps) => {
                    let mut sum = taps[0];
                    for &tap in &taps[1..] {
                        sum = sum + tap;
                    }
                    sum
                }
            };
        }
        sum * (1.0 / (kernel[0] * kernel[1]) as f64)
    }

    /// What windows see that move down (`i` = 0) or across (1) images, with `filler` on the padding.
    #[track_caller]
    fn windows(self, name: &str, i: usize, kernel: [usize; 2], conv: Conv, filler: f64) -> Windows<'t> {
        let (tape, shape, axis) = (self.tape(), self.shape(), i + 2);
        if shape.rank() != 4 {
            tape.refuse(&format!("{name}: needs images [N, C, H, W], not {shape}"));
        }
        let (extent, kernel, stride, padding) = (shape[axis], kernel[i], conv.stride[i], conv.padding[i]);
        let Some(count) = conv.windows(i, extent, kernel).filter(|_| padding < kernel) else {
            tape.refuse(&format!(
                "{name}: no window of {kernel} fits an extent of {extent} ({conv}), or one sees padding alone"
            ));
        };
        // As many whole strides as the windows reach: [N, C, .., steps, stride, ..].
        let steps = count + (kernel - 1) / stride;
        let kept = extent.min(steps * stride - padding);
        let rest = steps * stride - padding - kept;
        let mut whole = if kept < extent { self.slice(axis, 0..kept) } else { self };
        if padding + rest > 0 {
            let (mut before, mut after) = ([0; 4], [0; 4]);
            (before[axis], after[axis]) = (padding, rest);
            whole = whole.pad(&before, &after);
            if filler != 0.0 {
                let mut along = [1; 4];
                along[axis] = steps * stride;
                let inside = tape.scalar(1.0).broadcast_to([kept]).pad(&[padding], &[rest]).reshape(along);
                whole = inside.select(whole, filler);
            }
        }
        let in_steps = whole.reshape([&shape[..axis], &[steps, stride], &shape[axis + 1..]].concat());
        if stride == kernel {
            return Windows::Apart(in_steps);
        }
        let mut of_a_tap = in_steps.shape().to_vec();
        (of_a_tap[axis], of_a_tap[axis + 1]) = (count, 1);
        let result = [&shape[..axis], &[count], &shape[axis + 1..]].concat();
        let mut taps = Vec::with_capacity(kernel);
        for tap in 0..kernel {
            let mut start = [0; 5];
            (start[axis], start[axis + 1]) = (tap / stride, tap % stride);
            taps.push(in_steps.slice_box(&start, &*of_a_tap).reshape(&*result));
        }
        Windows::Taps(taps)
    }
}

/// What windows see along an axis.
enum Windows<'t> {
    /// Windows that do not overlap, each a step: the axis after theirs is what it sees.
    Apart(Var<'t>),
    /// What each tap of the windows sees.
    Taps(Vec<Var<'t>>),
}
