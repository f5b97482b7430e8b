//! Rows picked by index, from values or from a table of bytes, and rows added up by index.

use autograd::ByteTable;
use autograd::compile::plan::Step;

use crate::Error;
use crate::context::Context;
use crate::launch::{Argument, Launch, Range};

const SOURCE: &str = include_str!("../kernels/rows.cl");

/// Values [rows, width] and indices to the rows that these name.
pub(crate) fn gather(context: &Context, width: usize, step: &Step) -> Result<Vec<Launch>, Error> {
    let (x, indices) = (step.reads[0], step.reads[1]);
    let buffers = vec![Argument::Slot(x), Argument::Slot(indices), Argument::Slot(step.writes[0])];
    let rows = x.len.checked_div(width).unwrap_or(0);
    launch(context, "gather", buffers, [rows, width, indices.len], [width, indices.len])
}

/// Indices to the rows of a table that these name. The table is uploaded once for each device.
pub(crate) fn look_up(context: &Context, table: &ByteTable, step: &Step) -> Result<Vec<Launch>, Error> {
    let indices = step.reads[0];
    let (rows, width) = (table.shape()[0], table.shape().without(&[0]).count());
    let bytes = Argument::Buffer(context.table(table)?);
    let buffers = vec![bytes, Argument::Slot(indices), Argument::Slot(step.writes[0])];
    launch(context, "look_up", buffers, [rows, width, indices.len], [width, indices.len])
}

/// Values [count, width] and indices to sums of rows.
pub(crate) fn scatter_add(context: &Context, width: usize, step: &Step) -> Result<Vec<Launch>, Error> {
    let (x, indices, y) = (step.reads[0], step.reads[1], step.writes[0]);
    let buffers = vec![Argument::Slot(x), Argument::Slot(indices), Argument::Slot(y)];
    let rows = y.len.checked_div(width).unwrap_or(0);
    launch(context, "scatter_add", buffers, [rows, width, indices.len], [width, rows])
}

fn launch(
    context: &Context,
    name: &str,
    mut arguments: Vec<Argument>,
    sizes: [usize; 3],
    items: [usize; 2],
) -> Result<Vec<Launch>, Error> {
    arguments.extend(sizes.map(|size| Argument::UInt(size as u32)));
    let program = context.build(SOURCE, "")?;
    let across = items[0].next_power_of_two().min(64);
    Ok(vec![Launch::new(&program, name, arguments, Range::plane(items, [across, 64 / across]))?])
}
