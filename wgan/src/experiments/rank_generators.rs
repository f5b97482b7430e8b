//! A critic that is trained once and then held fixed scores generators it knows: real samples under more and more noise,
//! so that their order is known. One that draws a single mode over and over escapes it.

use nn::Rng;
use rand::RngExt;
use rand_distr::StandardNormal;

use super::prelude::*;

pub const SUMMARY: &str =
    "one fixed critic puts generators of known quality in their order, but does not notice a lost mode";

/// The noise of each generator.
const NOISES: [f64; 6] = [0.0, 0.1, 0.2, 0.4, 0.8, 1.6];
/// How many samples each generator gives.
const POOL: usize = 2000;

pub fn run(size: Size) -> Result<Findings> {
    let game = Game { networks: mlp(64), ..lipschitz_toy() };
    let data = Dataset::load(&Source::Toy(Toy::EightGaussians), game.batch, game.seed)?;
    let data = data.samples(0..data.len());
    let data: Vec<&[f32]> = data.data().chunks(2).collect();
    let mut rng = Rng::new(game.seed, "generators");
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
    let (from_real, from_all) = (points_of(points(&real)?), points_of(points(&generators.concat())?));
    let critic = CriticTraining::trained(&game, from_real, from_all, size.pick(800, 4000))?;
    let assigned = 2 * size.pick(250, 600);
    // The exact distance of some, and the gap between the same: no 1-Lipschitz function earns more than the distance.
    let judge = |samples: &[f32]| -> Result<(f64, f64)> {
        let (real, samples) = (&real[..assigned], &samples[..assigned]);
        Ok((wasserstein(real, samples, 2), critic.gap(&points(real)?, &points(samples)?)?))
    };
    let known = generators.iter().map(|samples| judge(samples)).collect::<Result<Vec<_>>>()?;
    let (lost_distance, lost_gap) = judge(&collapsed)?;

    let inversions = |value: fn(&(f64, f64)) -> f64| {
        known.windows(2).filter(|pair| value(&pair[0]) > value(&pair[1])).count() as f64
    };
    let mut table = vec![
        check("neighbours in the wrong order, by the critic", inversions(|judged| judged.1), Near(0.0, 0.0)),
        check("neighbours in the wrong order, by exact distance", inversions(|judged| judged.0), Near(0.0, 0.0)),
    ];
    for (noise, (distance, gap)) in NOISES.iter().zip(&known) {
        table.push(check(format!("noise {noise}: exact distance of samples"), *distance, Open));
        // The penalty holds slopes near 1.
        table.push(check(format!("noise {noise}: the critic's gap"), *gap, AtMost(distance * 1.05)));
    }
    table.push(check("one mode of eight: exact distance of samples", lost_distance, AtLeast(1.5)));
    table.push(check("one mode of eight: the critic's gap", lost_gap, AtMost(0.3)));
    let sentence = format!(
        "The fixed critic puts all generators in the right order, but to one that draws a single mode, {lost_distance:.2} away \
         from the real samples, it gives a gap of {}: a critic punishes only what it was trained to tell apart.",
        number(lost_gap)
    );
    let samples = Panel::new("Some of the generators", "x", "y")
        .isometric()
        .specks("noise 0.8", GREEN, plane(&generators[4]).take(300))
        .specks("noise 0.2", BLUE, plane(&generators[2]).take(300))
        .dots("real", ORANGE, plane(&real).take(300))
        .dots("one mode", VERMILION, plane(&collapsed).take(300));
    let ranks = Panel::new("What one critic makes of them", "exact distance of samples", "the critic's gap")
        .dashed("gap = distance", INK, [(0.0, 0.0), (2.0, 2.0)])
        .line("", BLUE, known.iter().copied())
        .dots("noise 0 to 1.6", BLUE, known)
        .dots("one mode", VERMILION, [(lost_distance, lost_gap)]);
    Ok(Findings { table, figure: Figure::new(2, vec![samples, ranks]).panel_height(360), sentence })
}
