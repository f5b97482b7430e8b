//! The generator for programs that read ONNX.

use super::Sampler;
use crate::{Result, onnx};

/// An ONNX model that makes `samples` `[batch, …]` of `noise` `[batch, latent]`; of one that tells classes apart, also of a whole
/// number for each, `class` `[batch]`.
///
/// # Errors
/// As [`onnx::model`].
pub fn as_onnx(sampler: &Sampler) -> Result<Vec<u8>> {
    let generator = &sampler.generator;
    onnx::model(|tape, batch| {
        let noise = tape.input("noise", [batch, generator.latent().count()]);
        let classes = (!sampler.classes().is_empty()).then(|| tape.input("class", [batch]));
        vec![("samples", generator.samples_of(noise, classes))]
    })
}
