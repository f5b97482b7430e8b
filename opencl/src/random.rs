//! Random numbers for the program's step.

use autograd::compile::plan::Step;
use autograd::ops::Random;

use crate::Error;
use crate::context::Context;
use crate::launch::{Argument, Launch, Range, uint};

const SOURCE: &str = include_str!("../kernels/random.cl");

/// The launch that fills the buffer written.
pub(crate) fn launches(context: &Context, random: &Random, step: &Step) -> Result<Vec<Launch>, Error> {
    let (name, stream) = match random {
        Random::Uniform(stream) => ("uniform", stream),
        Random::Normal(stream) => ("normal", stream),
    };
    let y = step.writes[0];
    let mut arguments = vec![Argument::Slot(y), Argument::Step];
    let [low, high] = stream.key();
    arguments.extend([stream.id(), low, high].map(Argument::UInt));
    arguments.push(uint(y.len));
    let program = context.build(SOURCE, "")?;
    Ok(vec![Launch::new(&program, name, arguments, Range::line(y.len.div_ceil(4), 64))?])
}
