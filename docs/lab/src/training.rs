//! A training that is taken step by step, and what is seen of it: points, how they are pulled, the critic's height, the
//! distances over time, and what the program would warn of.

use autograd::{Compiled, Device, Stream, Tensor};
use serde_json::{Value, json};
use wgan::data::{Batches, Dataset};
use wgan::figure::outlines;
use wgan::game::Programs;
use wgan::game::objective::{CriticTerms, generator_loss};
use wgan::measures::{Coverage, wasserstein};
use wgan::run::metrics::{Row, smoothed};
use wgan::run::monitor::{EVERY, Monitor};
use wgan::run::warnings::Watch;

use crate::learned::Learned;
use crate::situation::Situation;

/// Generated and real points that are shown, and compared.
pub const SHOWN: usize = 256;
/// Updates of the generator between two exact distances.
const DISTANCE_EVERY: u64 = 20;
/// The critic's height is taken at so many places along each axis, …
const ACROSS: usize = 40;
/// … and so many level lines are drawn of it.
const LEVELS: usize = 12;
/// Half of the side of the window that points are drawn into by hand.
pub const CANVAS: f64 = 2.0;
/// Places of a curve that is drawn, at most.
const PLACES: usize = 300;

/// A training under way.
pub struct Training {
    situation: Situation,
    data: Dataset,
    batches: Batches,
    programs: Programs,
    monitor: Option<Monitor>,
    /// The points shown, and minus the gradient of the generator's loss at each, times their number.
    shown: Compiled<2>,
    heights: Compiled<1>,
    /// Half of the window's side; its middle is 0.
    reach: f64,
    /// The number of the critic's next update, and how many it had since the generator's last one.
    next_critic: u64,
    critic_updates: u64,
    /// What the critic's last update found.
    found: Option<CriticTerms<f32>>,
    rows: Vec<Row>,
    watch: Watch,
    /// After so many updates of the generator, the exact distance.
    distances: Vec<(u64, f64)>,
    /// That of two samples of real points.
    floor: f64,
    coverage: Option<Coverage>,
}

impl Training {
    /// A training in its first situation.
    ///
    /// # Errors
    /// A sentence, if the device cannot take it.
    pub fn new(situation: Situation) -> Result<Self, String> {
        let game = &situation.config.game;
        let device = Device::cpu();
        let data = situation.learned.draw(game.seed);
        let programs = Programs::compile(game, &data, &device).map_err(sentence)?;
        let monitor = Monitor::compile(game, &data, &programs, &device).map_err(sentence)?;
        let shown = device.compile(|tape| {
            let fake = programs.generator().samples(tape, Stream::new(game.seed, "shown"), SHOWN, None);
            let loss = generator_loss(&game.objective, |x| programs.critic().scores(x), fake);
            [fake, tape.grad(loss, &[fake])[0] * -(SHOWN as f64)]
        });
        let real = real(&data);
        let farthest = f64::from(real.data().iter().fold(0.0, |most: f32, x| most.max(x.abs())));
        let reach = match situation.learned {
            Learned::Drawn(_) => CANVAS.max(1.1 * farthest), // one window while points are added
            Learned::Toy(_) | Learned::Lines => 1.35 * farthest,
        };
        let place = |i: usize| reach * (2.0 * i as f64 / (ACROSS - 1) as f64 - 1.0);
        let grid = |i: usize| place(if i.is_multiple_of(2) { i / 2 % ACROSS } else { i / 2 / ACROSS }) as f32;
        let grid = Tensor::from_fn([ACROSS * ACROSS, 2], grid);
        let heights = device.compile(|tape| [programs.critic().scores(tape.constant(&grid))]);
        let floor = wasserstein(real.data(), data.samples(0..SHOWN).data(), 2);
        let mut training = Training {
            batches: Batches::new(data.len(), game.batch, game.seed),
            watch: Watch::new(game, &[]),
            shown: shown.map_err(sentence)?,
            heights: heights.map_err(sentence)?,
            programs,
            monitor,
            reach,
            next_critic: 0,
            critic_updates: 0,
            found: None,
            rows: Vec::new(),
            distances: Vec::new(),
            floor,
            coverage: None,
            data,
            situation,
        };
        training.measure()?;
        Ok(training)
    }

    /// The next update in turn: of the critic, or, when it has had its steps, of the generator.
    ///
    /// # Errors
    /// A sentence, if numbers are no longer finite.
    pub fn step(&mut self) -> Result<(), String> {
        match self.critic_updates < self.situation.config.game.schedule.critic_steps {
            true => self.step_critic(),
            false => self.step_generator(),
        }
    }

    /// An update of the critic.
    ///
    /// # Errors
    /// As [`step`](Training::step).
    pub fn step_critic(&mut self) -> Result<(), String> {
        let found = self.programs.iterate_critic(self.next_critic, &mut self.batches).map_err(sentence)?;
        (self.next_critic, self.critic_updates) = (self.next_critic + 1, self.critic_updates + 1);
        self.found = Some(found);
        finite(found.into_array())
    }

    /// An update of the generator; of the critic, if it had none at all.
    ///
    /// # Errors
    /// As [`step`](Training::step).
    pub fn step_generator(&mut self) -> Result<(), String> {
        let Some(last_critic) = self.next_critic.checked_sub(1) else { return self.step_critic() };
        let iteration = self.rows.len() as u64;
        let losses = self.programs.iterate_generator(iteration, last_critic, &mut self.batches).map_err(sentence)?;
        self.found = Some(losses.critic);
        self.critic_updates = 0;
        self.next_critic = self.next_critic.next_multiple_of(self.programs.at_once()); // with fresh samples
        let step = iteration + 1;
        let measured = match &mut self.monitor {
            Some(monitor) if step.is_multiple_of(EVERY) => Some(Box::new(monitor.measure(step).map_err(sentence)?)),
            _ => None,
        };
        let smoothed = smoothed(&self.rows, losses.critic.wasserstein);
        self.rows.push(Row { step, seconds: 0.0, losses, smoothed, measured });
        self.watch.see(&self.rows);
        if step.is_multiple_of(DISTANCE_EVERY) {
            self.measure()?;
        }
        finite(losses.critic.into_array())
    }

    /// Measures how far the shown points are from as many real ones, and which modes they cover.
    fn measure(&mut self) -> Result<(), String> {
        let points = self.points()?.chunks(4).flat_map(|point| [point[0], point[1]]).collect::<Vec<f32>>();
        finite(points.iter().copied())?;
        self.distances.push((self.rows.len() as u64, wasserstein(real(&self.data).data(), &points, 2)));
        self.coverage = self.situation.learned.mixture().map(|mixture| Coverage::of(&points, &mixture));
        Ok(())
    }

    /// Real points, two numbers each.
    pub fn real(&self) -> Vec<f32> {
        real(&self.data).into_data()
    }

    /// Generated points, four numbers each: where it is, and which way and how strongly it is pulled.
    ///
    /// # Errors
    /// If the device fails.
    pub fn points(&mut self) -> Result<Vec<f32>, String> {
        let [points, pulls] = self.shown.at(0).run(&[]).map_err(sentence)?;
        let both = points.data().chunks(2).zip(pulls.data().chunks(2));
        Ok(both.flat_map(|(point, pull)| [point[0], point[1], pull[0], pull[1]]).collect())
    }

    /// Half of the side of the window to be drawn.
    pub fn reach(&self) -> f64 {
        self.reach
    }

    /// The critic's level lines from low to high, one after the other: for each its level from 0 to 1, how many places it has,
    /// and these.
    ///
    /// # Errors
    /// If the device fails.
    pub fn contours(&mut self) -> Result<Vec<f32>, String> {
        let [heights] = self.heights.run(&[]).map_err(sentence)?;
        let heights: Vec<f64> = heights.data().iter().map(|&height| f64::from(height)).collect();
        let lowest = heights.iter().copied().fold(f64::INFINITY, f64::min);
        let highest = heights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut lines = Vec::new();
        for number in 0..LEVELS {
            let share = (number as f64 + 0.5) / LEVELS as f64;
            for outline in outlines(&heights, ACROSS, lowest + share * (highest - lowest)) {
                lines.extend([share as f32, outline.len() as f32]);
                let place = |share: f64| (self.reach * (2.0 * share - 1.0)) as f32;
                lines.extend(outline.iter().flat_map(|&(x, y)| [place(x), place(y)]));
            }
        }
        Ok(lines)
    }

    /// Estimate and slope over the updates of the generator, three numbers a place.
    pub fn curves(&self) -> Vec<f32> {
        let every = self.rows.len().div_ceil(PLACES).max(1);
        let mean = |rows: &[Row], of: fn(&Row) -> f32| rows.iter().map(of).sum::<f32>() / rows.len() as f32;
        let place = |rows: &[Row]| {
            let estimate = mean(rows, |row| row.losses.critic.wasserstein);
            [rows[rows.len() - 1].step as f32, estimate, mean(rows, |row| row.losses.critic.slope)]
        };
        self.rows.chunks(every).flat_map(place).collect()
    }

    /// The exact distance over the updates of the generator, two numbers a place.
    pub fn distances(&self) -> Vec<f32> {
        let every = self.distances.len().div_ceil(PLACES).max(1);
        let places =
            self.distances.iter().enumerate().filter(|(i, _)| (self.distances.len() - 1 - i).is_multiple_of(every));
        places.flat_map(|(_, &(step, distance))| [step as f32, distance as f32]).collect()
    }

    /// The numbers of now, and what there is to say of them.
    pub fn summary(&self) -> Value {
        let found = self.found.map(|found| json!({ "estimate": found.wasserstein, "slope": found.slope }));
        json!({
            "step": self.rows.len(),
            "critic": self.next_critic,
            "critic_updates": self.critic_updates,
            "found": found,
            "distance": self.distances.last().map(|(_, distance)| distance),
            "floor": self.floor,
            "modes": self.coverage.map(|coverage| json!([coverage.covered, coverage.modes, coverage.high_quality])),
            "warnings": self.watch.warnings().iter().map(|warning| (warning.step, &warning.text)).collect::<Vec<_>>(),
            "estimates": self.situation.config.game.objective.estimates_a_distance(),
        })
    }
}

/// Real points to be shown, none of which the training sees.
fn real(data: &Dataset) -> Tensor {
    let end = data.held_out().end;
    data.samples(end - SHOWN..end)
}

fn finite(numbers: impl IntoIterator<Item = f32>) -> Result<(), String> {
    match numbers.into_iter().all(f32::is_finite) {
        true => Ok(()),
        false => Err("A number is infinite or none at all (NaN): this training has run away and ends here.".to_owned()),
    }
}

fn sentence(error: impl std::fmt::Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn training(address: &str) -> Training {
        Training::new(Situation::parse(address).unwrap()).unwrap()
    }

    /// Runs whole iterations.
    fn run(training: &mut Training, iterations: usize) {
        while training.rows.len() < iterations {
            training.step().unwrap();
        }
    }

    #[test]
    fn a_training_comes_near() {
        let mut training = training("dataset=8gaussians&dim=32&lr=1e-3");
        let before = training.distances[0].1;
        run(&mut training, 1000);
        let after = training.distances.last().unwrap().1;
        assert!(after < before / 3.0 && after > 0.5 * training.floor, "{before} {after} {}", training.floor);
        assert_eq!(training.coverage.unwrap().modes, 8);
        assert_eq!(training.summary()["step"], 1000);
        let curves = training.curves();
        assert!(curves.len() / 3 <= PLACES && curves[curves.len() - 3] == 1000.0);
    }

    #[test]
    fn single_steps_are_those_of_the_programs_iterations() {
        let address = "dataset=swissroll&dim=8&batch=16&critic-steps=3";
        let mut single = training(address);
        run(&mut single, 3);
        let Situation { learned, config } = Situation::parse(address).unwrap();
        let data = learned.draw(0);
        let mut programs = Programs::compile(&config.game, &data, &Device::cpu()).unwrap();
        let mut batches = Batches::new(data.len(), 16, 0);
        for row in &single.rows {
            assert_eq!(row.losses, programs.iterate(row.step - 1, &mut batches).unwrap());
        }
    }

    #[test]
    fn arrows_point_uphill() {
        let mut training = training("dataset=lines&dim=16&batch=32");
        (0..20).for_each(|_| training.step_critic().unwrap());
        let points = training.points().unwrap();
        let moved: Vec<f32> = points.chunks(4).flat_map(|p| [p[0] + 1e-3 * p[2], p[1] + 1e-3 * p[3]]).collect();
        let still: Vec<f32> = points.chunks(4).flat_map(|p| [p[0], p[1]]).collect();
        let heights = |points: Vec<f32>| {
            let points = Tensor::new([SHOWN, 2], points).unwrap();
            let mut scores = Device::cpu()
                .compile(|tape| [training.programs.critic().scores(tape.constant(&points)).mean()])
                .unwrap();
            scores.run(&[]).unwrap()[0].item()
        };
        assert!(heights(moved) > heights(still));
    }

    #[test]
    fn level_lines_lie_in_the_window_and_rise() {
        let mut training = training("dataset=8gaussians&dim=16");
        let (lines, reach) = (training.contours().unwrap(), training.reach as f32 * 1.06);
        let (mut at, mut level) = (0, 0.0);
        while at < lines.len() {
            assert!(lines[at] >= level && lines[at] < 1.0);
            level = lines[at];
            let end = at + 2 + 2 * lines[at + 1] as usize;
            assert!(lines[at + 2..end].iter().all(|x| x.abs() <= reach), "{reach}");
            at = end;
        }
        assert!(level > 0.9);
    }

    #[test]
    fn an_unbounded_critic_is_warned_of_as_by_the_program() {
        let mut training = training("dataset=8gaussians&lipschitz=none&dim=16&lr=5e-3");
        run(&mut training, 200);
        let warnings = training.summary()["warnings"].to_string();
        assert!(warnings.contains("nothing bounds it; choose a constraint"), "{warnings}");
    }
}
