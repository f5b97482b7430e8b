//! Matrix products.

use autograd::compile::plan::Step;
use autograd::ops::ProductSizes;

use crate::Error;
use crate::context::{Context, Facts};
use crate::launch::{Argument, Launch, Range};

const SOURCE: &str = include_str!("../kernels/product.cl");

/// Elements of scratch memory that a product wants.
pub(crate) fn scratch(_: &Facts, _: &ProductSizes, _: [bool; 2]) -> usize {
    0
}

/// The launches of y = A·B, or y += A·B.
pub(crate) fn launches(
    context: &Context,
    sizes: &ProductSizes,
    [transpose_a, transpose_b]: [bool; 2],
    accumulate: bool,
    step: &Step,
) -> Result<Vec<Launch>, Error> {
    let ProductSizes { batch, m, n, k } = *sizes;
    let program = context.build(SOURCE, "")?;
    let strides = [if transpose_a { [1, m] } else { [k, 1] }, if transpose_b { [1, k] } else { [n, 1] }];
    let mut arguments =
        vec![Argument::Slot(step.reads[0]), Argument::Slot(step.reads[1]), Argument::Slot(step.writes[0])];
    let numbers = [m, n, k].into_iter().chain(strides.into_iter().flatten()).chain([usize::from(accumulate)]);
    arguments.extend(numbers.map(|number| Argument::UInt(number as u32)));
    let range = Range { global: [n, m, batch], group: [16, 4, 1] };
    Ok(vec![Launch::new(&program, "product", arguments, range)?])
}
