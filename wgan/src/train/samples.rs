//! What is drawn of a generator in training.

use autograd::{Compiled, Device, Program, Shape, Stream, Tape, Tensor};

use crate::config::Config;
use crate::data::{Dataset, classes, is_image};
use crate::figure::Picture;
use crate::game::Programs;
use crate::pictures::{Points, Window, grid, rows};
use crate::{Result, sample};

/// Points along each axis at which the critic is scored.
const RESOLUTION: usize = 128;

/// The name of the generating program's input, where classes are told apart: that of each sample.
const CLASSES: &str = "classes";

/// What is drawn of a generator: always the same noise, so that progress shows.
pub struct Samples {
    generate: Compiled<1>,
    /// The class of each sample, if they are told apart: for images rows of each, for points as mixed as the data.
    classes: Vec<usize>,
    /// For points: where they are shown.
    window: Option<Window>,
    /// The critic's scores all over it, unless it has others for each class.
    score: Option<Program>,
}

impl Samples {
    /// Compiles what draws them.
    pub fn new(config: &Config, data: &Dataset, programs: &Programs, device: &Device) -> Result<Self> {
        let (noise, batch) = (Stream::new(config.game.seed, sample::NOISE), sample::batch(&config.sample));
        let conditional = !data.classes().is_empty();
        let generate = device.compile(|tape| {
            let classes = conditional.then(|| tape.input(CLASSES, [batch]));
            [programs.generator().samples(tape, noise, batch, classes)]
        })?;
        let (is_image, known) = (is_image(data.shape()), data.classes());
        let classes = match is_image {
            true => sample::in_rows(known.len(), sample::SHOWN_OF_EACH),
            false => classes::drawn(known, batch, config.game.seed),
        };
        let window = (!is_image).then(|| Window::around(&data.samples(0..data.len())));
        let score = |window: &Window| {
            let tape = Tape::new();
            let scores = programs.critic().scores(tape.constant(&window.points(RESOLUTION)));
            device.program(&tape, &[scores])
        };
        let score = window.as_ref().filter(|_| !conditional).map(score).transpose()?;
        Ok(Samples { generate, classes, window, score })
    }

    /// The picture of the generator as it is.
    pub fn draw(&mut self, data: &Dataset) -> Result<Picture> {
        let generated = &self.generated()?;
        let Some(window) = &self.window else {
            return Ok(if self.classes.is_empty() { grid(generated) } else { rows(generated, sample::SHOWN_OF_EACH) });
        };
        let scores = self.score.as_mut().map(|score| score.run(&[])).transpose()?;
        let real = data.samples(0..generated.shape()[0].min(data.len())); // as many real points, if there are
        Ok(Points { window, scores: scores.map(|scores| &scores[0]), real: Some(&real), generated }.draw())
    }

    fn generated(&mut self) -> Result<Tensor> {
        if self.classes.is_empty() {
            return Ok(self.generate.at(0).run(&[])?[0].clone());
        }
        let shape = self.generate.plan().outputs[0].1.clone();
        let mut samples = Vec::new();
        for (part, classes) in self.classes.chunks(shape[0]).enumerate() {
            let classes = Tensor::from_fn([shape[0]], |i| classes.get(i).map_or(0.0, |&class| class as f32));
            samples.extend_from_slice(self.generate.at(part as u64).run(&[(CLASSES, &classes)])?[0].data());
        }
        let shape = Shape::from([&[self.classes.len()], &shape[1..]].concat());
        samples.truncate(shape.count());
        Ok(Tensor::new(shape, samples)?)
    }
}
