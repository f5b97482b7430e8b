//! Convolutions and their two gradients.

use autograd::compile::plan::Step;
use autograd::ops::ConvSizes;

use crate::Error;
use crate::context::{Context, Facts};
use crate::launch::{Argument, Launch, Range};

const SOURCE: &str = include_str!("../kernels/conv.cl");

/// Which of the three views of the trilinear form is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum View {
    /// Images and filters to results.
    Forward,
    /// Result gradients and filters to image gradients.
    Input,
    /// Images and result gradients to filter gradients.
    Filter,
}

/// Elements of scratch memory that a convolution wants.
pub(crate) fn scratch(_: &Facts, _: View, _: &ConvSizes) -> usize {
    0
}

/// The launches of a convolution, added onto what the buffer written holds if it accumulates.
pub(crate) fn launches(
    context: &Context,
    view: View,
    sizes: &ConvSizes,
    accumulate: bool,
    step: &Step,
) -> Result<Vec<Launch>, Error> {
    let program = context.build(SOURCE, "")?;
    let name = match view {
        View::Forward => "conv2d",
        View::Input => "conv2d_input",
        View::Filter => "conv2d_filter",
    };
    let ConvSizes { batch, channels, height, width, filters, kernel, out, stride, padding } = *sizes;
    let mut arguments =
        vec![Argument::Slot(step.reads[0]), Argument::Slot(step.reads[1]), Argument::Slot(step.writes[0])];
    let extents = [batch, channels, height, width, filters]
        .into_iter()
        .chain([kernel, out, stride, padding].into_iter().flatten());
    let numbers = extents.chain([usize::from(accumulate)]);
    arguments.extend(numbers.map(|number| Argument::UInt(number as u32)));
    Ok(vec![Launch::new(&program, name, arguments, Range::line(step.writes[0].len, 64))?])
}
