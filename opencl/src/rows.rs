//! Rows picked by index, from values or from a table of bytes, and rows added up by index.

use autograd::ByteTable;
use autograd::compile::plan::Step;

use crate::Error;
use crate::context::Context;
use crate::launch::{Argument, Launch, Range, uint};

const SOURCE: &str = concat!(include_str!("../kernels/sum.cl"), include_str!("../kernels/rows.cl"));

/// Values [rows, width] and indices to the rows that these name.
pub(crate) fn gather(context: &Context, width: usize, step: &Step) -> Result<Vec<Launch>, Error> {
    let (x, indices) = (step.reads[0], step.reads[1]);
    let rows = x.len.checked_div(width).unwrap_or(0);
    launch(context, "gather", Argument::Slot(x), step, [rows, width, indices.len])
}

/// Indices to the rows of a table that these name. The table is uploaded once for each device.
pub(crate) fn look_up(context: &Context, table: &ByteTable, step: &Step) -> Result<Vec<Launch>, Error> {
    let (rows, width) = (table.shape()[0], table.shape().without(&[0]).count());
    let bytes = Argument::Buffer(context.table(table)?);
    launch(context, "look_up", bytes, step, [rows, width, step.reads[0].len])
}

/// Values [count, width] and indices to sums of rows.
pub(crate) fn scatter_add(context: &Context, width: usize, step: &Step) -> Result<Vec<Launch>, Error> {
    let (x, indices, y) = (step.reads[0], step.reads[1], step.writes[0]);
    let rows = y.len.checked_div(width).unwrap_or(0);
    launch(context, "scatter_add", Argument::Slot(x), step, [rows, width, indices.len])
}

/// The launch of a kernel on values, the indices and the buffer written: a work-item for each of its elements.
fn launch(
    context: &Context,
    name: &str,
    values: Argument,
    step: &Step,
    [rows, width, count]: [usize; 3],
) -> Result<Vec<Launch>, Error> {
    let (indices, y) = (*step.reads.last().expect("the indices"), step.writes[0]);
    let [rows, width, count] = [rows, width, count].map(uint);
    let arguments = vec![values, Argument::Slot(indices), Argument::Slot(y), rows, width, count];
    let program = context.build(SOURCE, "")?;
    Ok(vec![Launch::new(&program, name, arguments, Range::line(y.len, 64))?])
}
