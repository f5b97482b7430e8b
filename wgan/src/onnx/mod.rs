//! Recorded computations as ONNX models, for other programs to run: operation by operation, so that whatever can be recorded of
//! operations that ONNX has a word for can be written.
//!
//! A tape has fixed extents, a model leaves the size of the batch open. So the computation is recorded twice, on batches of two
//! sizes: extents that differ are multiples of the batch.

mod graph;
mod message;
mod operations;

use autograd::{Node, NodeId, Tape, Var};
use prost::Message;

use crate::Result;
use graph::Writer;
use message::{Model, OperatorSet};

/// The version of ONNX's operators that models are written in, of December 2022.
const OPSET: i64 = 18;
/// The version of the file format that came with it.
const IR: i64 = 8;
/// The sizes of batches that a computation is recorded on. None is a multiple of the other.
const BATCHES: [usize; 2] = [2, 3];

/// The bytes of a model of what `record` records on a batch of any size: its named results. The inputs of the tape are those of
/// the model, 32-bit floats, or 64-bit integers where they do nothing but pick rows; Variables are weights with the values that
/// they have now.
///
/// ```
/// let model = wgan::onnx::model(|tape, batch| vec![("norms", tape.input("points", [batch, 2]).norm_rows())])?;
/// assert!(String::from_utf8_lossy(&model).contains("ReduceSum"));
/// # Ok::<(), wgan::Error>(())
/// ```
///
/// # Errors
/// [`Error::Export`](crate::Error::Export) for an operation that ONNX has no word for, or that depends on the size of the batch
/// otherwise than by its extents, and if two of the model's inputs, Variables and results share a name; if a device that holds
/// a Variable fails.
pub fn model(record: impl for<'t> Fn(&'t Tape, usize) -> Vec<(&'static str, Var<'t>)>) -> Result<Vec<u8>> {
    let recorded = |batch| {
        let tape = Tape::new();
        let results: Vec<(&str, NodeId)> =
            record(&tape, batch).into_iter().map(|(name, var)| (name, var.id())).collect();
        (tape.nodes().clone(), results)
    };
    let [(few, results), (more, _)]: [(Vec<Node>, _); 2] = BATCHES.map(recorded);
    let model = Model {
        ir_version: IR,
        producer_name: "wgan".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        graph: Some(Writer::new([&few, &more]).write(&results)?),
        opset_import: vec![OperatorSet { version: OPSET }],
    };
    Ok(model.encode_to_vec())
}
