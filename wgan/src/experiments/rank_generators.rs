//! A critic that is trained once and then held fixed scores generators it knows: real samples under more and more noise,
//! so that their order is known. One that draws a single mode over and over escapes it.

use autograd::Tensor;
use nn::Rng;
use rand::RngExt;
use rand_distr::StandardNormal;

use super::outcome::number;
use super::{Check, CriticTraining, Experiment, Outcome, Size, lipschitz_toy, rows_of};
use crate::Result;
use crate::config::Options;
use crate::data::Dataset;
use crate::measures::wasserstein;
use crate::pictures::{BLUE, Figure, GREEN, INK, ORANGE, Panel, VERMILION};

/// The order by the critic's gap, beside that by the exact distance of samples.
pub const EXPERIMENT: Experiment = Experiment {
    name: "rank-generators",
    summary: "one fixed critic puts generators of known quality in their order, but does not notice a lost mode",
    run,
};

/// The noise of each generator.
const NOISES: [f64; 6] = [0.0, 0.1, 0.2, 0.4, 0.8, 1.6];
/// Samples of each.
const POOL: usize = 2000;

fn run(size: Size) -> Result<Outcome> {
    let config = lipschitz_toy(Options { dim: Some(64), ..Options::default() })?;
    let data = Dataset::load(&config)?;
    let data = data.samples(0..data.len());
    let data: Vec<&[f32]> = data.data().chunks(2).collect();
    let mut rng = Rng::new(config.seed, "generators");
    let mut draw = |noise: f64, keep: fn(&[f32]) -> bool| {
        let mut point = || loop {
            let point = data[rng.random_range(..data.len())];
            if keep(point) {
                break [point[0], point[1]].map(|x| x + (noise * rng.sample::<f64, _>(StandardNormal)) as f32);
            }
        };
        (0..POOL).flat_map(|_| point()).collect::<Vec<f32>>()
    };
    let real = draw(0.0, |_| true);
    let generators = NOISES.map(|noise| draw(noise, |_| true));
    let collapsed = draw(0.0, |point| point[0] > 1.3); // the mode at (√2, 0) alone

    let points = |samples: &[f32]| Tensor::new([samples.len() / 2, 2], samples.to_vec());
    let mut critic = CriticTraining::new(&config, 2, rows_of(points(&real)?), rows_of(points(&generators.concat())?))?;
    critic.run(size.pick(800, 4000))?;
    let assigned = 2 * size.pick(250, 600);
    let judged = |samples: &[f32]| {
        let gap = critic.gap(&points(&real)?, &points(samples)?)?;
        Ok::<_, crate::Error>((wasserstein(&real[..assigned], &samples[..assigned], 2), gap))
    };
    let known = generators.iter().map(|samples| judged(samples)).collect::<Result<Vec<_>>>()?;
    let lost = judged(&collapsed)?;

    let order = |value: fn(&(f64, f64)) -> f64| {
        let inversions = known.windows(2).filter(|pair| value(&pair[0]) > value(&pair[1])).count();
        inversions as f64
    };
    let mut table = vec![
        Check::near("neighbours in the wrong order, by the critic", order(|judged| judged.1), 0.0, 0.0),
        Check::near("neighbours in the wrong order, by exact distance", order(|judged| judged.0), 0.0, 0.0),
    ];
    for (noise, (distance, gap)) in NOISES.iter().zip(&known) {
        table.push(Check::told(format!("noise {noise}: exact distance of samples"), *distance));
        // No 1-Lipschitz function earns more than the distance; the penalty holds slopes near 1.
        table.push(Check::at_most(format!("noise {noise}: the critic's gap"), *gap, distance * 1.05));
    }
    table.push(Check::at_least("one mode of eight: exact distance of samples", lost.0, 1.5));
    table.push(Check::at_most("one mode of eight: the critic's gap", lost.1, 0.3));
    let sentence = format!(
        "The fixed critic puts all generators in the right order, but to one that draws a single mode, {:.2} away from the \
         real samples, it gives a gap of {}: a critic punishes only what it was trained to tell apart.",
        lost.0,
        number(lost.1)
    );
    let samples = [&real, &generators[2], &generators[4], &collapsed];
    Ok(Outcome { table, figure: figure(samples, &known, lost), sentence })
}

fn figure(samples: [&Vec<f32>; 4], known: &[(f64, f64)], lost: (f64, f64)) -> Figure {
    let some = |samples: &Vec<f32>| {
        samples.chunks(2).take(300).map(|point| (f64::from(point[0]), f64::from(point[1]))).collect::<Vec<_>>()
    };
    let plane = Panel::new("Some of the generators", "", "")
        .isometric()
        .dots("noise 0.8", GREEN, some(samples[2]))
        .dots("noise 0.2", BLUE, some(samples[1]))
        .dots("real", ORANGE, some(samples[0]))
        .dots("one mode", VERMILION, some(samples[3]));
    let ranks = Panel::new("What one critic makes of them", "exact distance of samples", "the critic's gap")
        .dashed("gap = distance", INK, [(0.0, 0.0), (2.0, 2.0)])
        .line("", BLUE, known.iter().copied())
        .dots("noise 0 to 1.6", BLUE, known.iter().copied())
        .dots("one mode", VERMILION, [lost]);
    Figure::new(2, vec![plane, ranks]).panel_height(360)
}
