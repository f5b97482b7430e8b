//! What is drawn of a generator in training.

use autograd::{Compiled, Device, Program, Stream, Tape};

use crate::config::Config;
use crate::data::Dataset;
use crate::figure::Picture;
use crate::game::Programs;
use crate::pictures::{Points, Window, grid};
use crate::{Result, sample};

/// Points along each axis at which the critic is scored.
const RESOLUTION: usize = 128;

/// What is drawn of a generator: always the same noise, so that progress shows.
pub struct Samples {
    generate: Compiled<1>,
    /// For points: where they are shown, and the critic's scores all over it.
    score: Option<(Window, Program)>,
}

impl Samples {
    /// Compiles what draws them.
    pub fn new(config: &Config, data: &Dataset, programs: &Programs, device: &Device) -> Result<Self> {
        let (noise, batch) = (Stream::new(config.game.seed, sample::NOISE), sample::batch(&config.sample));
        let generate = device.compile(|tape| [programs.generator().samples(tape, noise, batch)])?;
        let score = match data.shape().rank() {
            1 => {
                let (tape, window) = (Tape::new(), Window::around(&data.samples(0..data.len())));
                let scores = programs.critic().scores(tape.constant(&window.points(RESOLUTION)));
                Some((window, device.program(&tape, &[scores])?))
            }
            _ => None,
        };
        Ok(Samples { generate, score })
    }

    /// The picture of the generator as it is.
    pub fn draw(&mut self, data: &Dataset) -> Result<Picture> {
        let [generated] = self.generate.at(0).run(&[])?;
        let Some((window, score)) = &mut self.score else { return Ok(grid(generated)) };
        let scores = score.run(&[])?;
        let real = data.samples(0..generated.shape()[0].min(data.len())); // as many real points, if there are
        Ok(Points { window, scores: Some(&scores[0]), real: Some(&real), generated }.draw())
    }
}
