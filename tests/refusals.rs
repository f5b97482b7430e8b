//! The mistakes that operations must name when they are recorded.

use std::ops::Range;

use autograd::ops::{Conv, Elementwise};
use autograd::{ByteTable, Shape, Var};

use crate::samples::Record;
use crate::support::vector;

/// A use that must panic when it is recorded.
pub struct Refusal {
    /// The operation and the mistake.
    pub name: &'static str,
    /// The inputs' shapes.
    pub shapes: Vec<Shape>,
    /// The use.
    pub record: Record,
    /// A part of the message.
    pub message: &'static str,
}

fn refusal(
    name: &'static str,
    shapes: &[&[usize]],
    message: &'static str,
    record: impl for<'t> Fn(&[Var<'t>]) -> Var<'t> + Send + Sync + 'static,
) -> Refusal {
    let shapes = shapes.iter().map(|&shape| Shape::from(shape)).collect();
    Refusal { name, shapes, record: Box::new(record), message }
}

/// Mistakes that every operation with a shape rule must name.
pub fn refusals() -> Vec<Refusal> {
    vec![
        refusal("add of shapes that do not fit", &[&[2, 3], &[4]], "do not broadcast", |x| x[0] + x[1]),
        refusal("broadcast to a smaller shape", &[&[2, 3]], "does not broadcast to [3]", |x| x[0].broadcast_to([3])),
        refusal("an elementwise operation without an argument", &[&[2]], "takes 2 arguments, not 1", |x| {
            Elementwise::Add.record(x)
        }),
        refusal("clamp by what is no number", &[&[2]], "clamp: low is not a number", |x| x[0].clamp(f64::NAN, 1.0)),
        refusal("broadcast beyond any memory", &[&[1, 1]], "no memory holds", |x| {
            x[0].broadcast_to([usize::MAX, usize::MAX])
        }),
        refusal("restore a missing axis", &[&[2]], "there is no axis 2", |x| x[0].restore_axes(&[2], &[2, 3].into())),
        refusal("sum over a missing axis", &[&[2, 3]], "there is no axis 2", |x| x[0].sum_axes(&[2])),
        refusal("sum over an axis before the first", &[&[2, 3]], "there is no axis -3", |x| x[0].sum_axes(&[-3])),
        refusal("max over an axis twice", &[&[2, 3]], "axis 1 is named twice", |x| x[0].max_axes(&[1, -1])),
        refusal("reshape to another count", &[&[2, 3]], "6 elements do not fill [4]", |x| x[0].reshape([4])),
        refusal("permute that repeats an axis", &[&[2, 3]], "not an order", |x| x[0].permute(&[0, 0])),
        refusal("transpose of a vector", &[&[3]], "needs two axes", |x| x[0].transpose()),
        refusal("slice of a missing axis", &[&[3]], "there is no axis 1", |x| x[0].slice(1, 0..1)),
        refusal("slice that runs backwards", &[&[3]], "runs backwards", |x| x[0].slice(0, Range { start: 2, end: 1 })),
        refusal("slice past the end", &[&[2, 3]], "is not inside", |x| x[0].slice(1, 2..4)),
        refusal("slice of fewer axes", &[&[2, 3]], "is not inside", |x| x[0].slice_box(&[0, 0], [2])),
        refusal("slice of more axes", &[&[2, 3]], "is not inside", |x| x[0].slice_box(&[0, 0], [2, 3, 1])),
        refusal("slice that starts behind all numbers", &[&[2, 3]], "is not inside", |x| {
            x[0].slice_box(&[usize::MAX, 0], [1, 1])
        }),
        refusal("pad of another rank", &[&[2, 3]], "another number of axes", |x| x[0].pad(&[1], &[1])),
        refusal("pad beyond any memory", &[&[3]], "no memory holds", |x| x[0].pad(&[usize::MAX], &[1])),
        refusal("concat of nothing", &[&[3]], "nothing to join", |x| x[0].tape().concat(&[], 0)),
        refusal("concat along a missing axis", &[&[3]], "there is no axis 1", |x| x[0].tape().concat(x, 1)),
        refusal("concat beyond any memory", &[&[1]], "no memory holds", |x| {
            let large = x[0].broadcast_to([usize::MAX / 32]);
            x[0].tape().concat(&[large; 40], 0)
        }),
        refusal("concat of unequal rows", &[&[2, 3], &[2, 4]], "differ beyond axis 0", |x| x[0].tape().concat(x, 0)),
        refusal("look_up with a matrix of indices", &[&[2, 3]], "vector of indices", |x| {
            x[0].look_up(&ByteTable::new([1, 1], vec![0]).expect("a byte"))
        }),
        refusal("gather from a scalar", &[&[], &[2]], "values with rows", |x| x[0].gather_rows(x[1])),
        refusal("gather with a matrix of indices", &[&[2, 3], &[2, 2]], "vector of indices", |x| {
            x[0].gather_rows(x[1])
        }),
        refusal("gather_rows between rows", &[&[2, 3]], "must be a whole number, not 1.5", |x| {
            x[0].gather_rows(vector(x[0].tape(), [0.0, 1.5]))
        }),
        refusal("scatter_add_rows between rows", &[&[2, 3]], "must be a whole number, not 0.25", |x| {
            x[0].scatter_add_rows(vector(x[0].tape(), [0.0, 0.25]), 2)
        }),
        refusal("look_up between rows", &[&[1]], "must be a whole number, not 0.5", |x| {
            vector(x[0].tape(), [0.5]).look_up(&ByteTable::new([1, 1], vec![0]).expect("a byte"))
        }),
        refusal("one_hot between classes", &[&[1]], "must be a whole number, not NaN", |x| {
            vector(x[0].tape(), [f64::NAN]).one_hot(2)
        }),
        refusal("gather between elements", &[&[2, 2]], "must be a whole number, not 0.5", |x| {
            x[0].gather(1, x[0].tape().scalar(0.5).broadcast_to([2, 1]))
        }),
        refusal("gather by an index of other extents", &[&[2, 3], &[3, 1]], "may differ", |x| x[0].gather(1, x[1])),
        refusal("gather by a vector", &[&[2, 3], &[2]], "may differ", |x| x[0].gather(1, x[1])),
        refusal("gather from too much", &[&[1, 1], &[5000, 1]], "more elements than f32 can count", |x| {
            x[0].broadcast_to([5000, 5000]).gather(1, x[1])
        }),
        refusal("argmax of nothing", &[&[2, 0]], "no element along axis 1", |x| x[0].argmax(1)),
        refusal("cumsum along a missing axis", &[&[2]], "there is no axis 1", |x| x[0].cumsum(1)),
        refusal("prod over a missing axis", &[&[2]], "there is no axis 1", |x| x[0].prod_axes(&[1])),
        refusal("expand_dims beyond the result", &[&[2]], "there is no axis 2", |x| x[0].expand_dims(&[2])),
        refusal("stack of nothing", &[&[3]], "nothing to join", |x| x[0].tape().stack(&[], 0)),
        refusal("stack of unequal shapes", &[&[2], &[3]], "differ beyond axis 0", |x| x[0].tape().stack(x, 0)),
        refusal("logaddexp of shapes that do not fit", &[&[2], &[3]], "do not broadcast", |x| x[0].logaddexp(x[1])),
        refusal("scatter with too few indices", &[&[2, 3], &[1]], "one index for each row", |x| {
            x[0].scatter_add_rows(x[1], 4)
        }),
        refusal("matmul of unequal inner extents", &[&[2, 3], &[4, 5]], "inner extents 3 and 4", |x| x[0].matmul(x[1])),
        refusal("matmul of a vector", &[&[3], &[3, 2]], "two axes", |x| x[0].matmul(x[1])),
        refusal("matmul of unequal batches", &[&[2, 3, 4], &[3, 4, 5]], "do not broadcast", |x| x[0].matmul(x[1])),
        refusal("conv2d of a matrix", &[&[4, 4], &[1, 1, 3, 3]], "need four axes", |x| {
            x[0].conv2d(x[1], Conv::square(1, 0))
        }),
        refusal("conv_transpose2d of a matrix", &[&[4, 4], &[1, 1, 3, 3]], "needs four axes", |x| {
            x[0].conv_transpose2d(x[1], Conv::square(1, 0), 0)
        }),
        refusal("conv2d_input of a matrix", &[&[4, 4], &[1, 1, 3, 3]], "need four axes", |x| {
            x[0].conv2d_input(x[1], Conv::square(1, 0), [6, 6])
        }),
        refusal("conv2d_filter of a matrix", &[&[1, 1, 4, 4], &[2, 2]], "need four", |x| {
            x[0].conv2d_filter(x[1], Conv::square(1, 0), [3, 3])
        }),
        refusal("conv2d of other channels", &[&[1, 2, 4, 4], &[1, 3, 3, 3]], "2 channels, the filters 3", |x| {
            x[0].conv2d(x[1], Conv::square(1, 0))
        }),
        refusal("conv2d of a window too large", &[&[1, 1, 2, 2], &[1, 1, 3, 3]], "no 3×3 window fits", |x| {
            x[0].conv2d(x[1], Conv::square(1, 0))
        }),
        refusal("conv2d of stride 0", &[&[1, 1, 4, 4], &[1, 1, 3, 3]], "no 3×3 window fits", |x| {
            x[0].conv2d(x[1], Conv::square(0, 0))
        }),
        refusal("conv2d with filters of nothing", &[&[1, 1, 4, 4], &[1, 1, 0, 3]], "no 0×3 window fits", |x| {
            x[0].conv2d(x[1], Conv::square(1, 0))
        }),
        refusal("dilate what are no filters", &[&[3, 3]], "needs filters [O, C, kh, kw]", |x| x[0].dilate([2, 2])),
        refusal("dilate by 0", &[&[1, 1, 3, 3]], "must be 1 at least", |x| x[0].dilate([0, 1])),
        refusal("conv2d_halved by a matrix", &[&[1, 1, 4, 4], &[3, 3]], "needs filters [O, C, kh, kw]", |x| {
            x[0].conv2d_halved(x[1], [0, 0])
        }),
        refusal("conv2d_doubled of padding alone", &[&[1, 1, 4, 4], &[1, 1, 3, 3]], "must be smaller than", |x| {
            x[0].conv2d_doubled(x[1], [1, 3])
        }),
        refusal("conv2d in groups of unequal sizes", &[&[1, 3, 4, 4], &[4, 1, 3, 3]], "2 groups do not part", |x| {
            x[0].conv2d_groups(x[1], Conv::square(1, 0), 2)
        }),
        refusal("conv2d in groups of a vector", &[&[3], &[4, 1, 3, 3]], "3 groups do not part", |x| {
            x[0].conv2d_groups(x[1], Conv::square(1, 0), 3)
        }),
        refusal(
            "conv2d in groups by filters of all channels",
            &[&[1, 4, 4, 4], &[4, 4, 3, 3]],
            "2 channels, the filters 4",
            |x| x[0].conv2d_groups(x[1], Conv::square(1, 0), 2),
        ),
        refusal("max_pool2d of a matrix", &[&[4, 4]], "needs images [N, C, H, W]", |x| {
            x[0].max_pool2d([2, 2], Conv::square(2, 0))
        }),
        refusal("max_pool2d of a window too large", &[&[1, 1, 2, 4]], "no window of 3 fits an extent of 2", |x| {
            x[0].max_pool2d([3, 2], Conv::square(2, 0))
        }),
        refusal("avg_pool2d of padding alone", &[&[1, 1, 4, 4]], "or one sees padding alone", |x| {
            x[0].avg_pool2d([2, 2], Conv::square(1, 2))
        }),
        refusal(
            "conv_transpose2d of other channels",
            &[&[1, 3, 4, 4], &[2, 3, 3, 3]],
            "3 channels, the filters 2",
            |x| x[0].conv_transpose2d(x[1], Conv::square(1, 0), 0),
        ),
        refusal(
            "conv_transpose2d padded beyond its stride",
            &[&[1, 1, 4, 4], &[1, 1, 3, 3]],
            "smaller than the stride",
            |x| x[0].conv_transpose2d(x[1], Conv::square(1, 0), 1),
        ),
        refusal("conv2d_input of other extents", &[&[1, 1, 3, 3], &[1, 1, 3, 3]], "would give", |x| {
            x[0].conv2d_input(x[1], Conv::square(1, 0), [7, 7])
        }),
        refusal("conv2d_filter of other extents", &[&[1, 1, 5, 5], &[1, 1, 2, 2]], "would give", |x| {
            x[0].conv2d_filter(x[1], Conv::square(1, 0), [3, 3])
        }),
    ]
}
