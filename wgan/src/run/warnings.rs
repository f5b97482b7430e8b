//! What a run is warned of while it goes on, once each: signs that its numbers do not mean what they seem to.
//!
//! Whether and when a warning is due follows from the rows of the metrics, so a resumed run knows those before it.

use super::metrics::{Row, WINDOW};
use crate::game::objective::{Lipschitz, Loss};
use crate::game::{Game, MOST_CRITIC_STEPS};

/// A sign of trouble, and what to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Warning {
    /// The updates of the generator after which it was seen.
    pub step: u64,
    /// What is wrong, what it means, what to do.
    pub text: String,
}

/// Looks at every row of a run, and remembers what it has warned of.
pub struct Watch {
    game: Game,
    /// The symptoms not seen yet.
    symptoms: Vec<Symptom>,
    warnings: Vec<Warning>,
}

/// Tells what is wrong if the last row says so; None if all is well.
type Symptom = fn(&Game, &[Row]) -> Option<String>;

/// All there are.
const SYMPTOMS: [Symptom; 4] = [negative_estimate, steep_critic, vanished_gradient, weights_at_bound];

impl Watch {
    /// A watch that has seen the rows of a run so far: none, or those before a resume.
    pub fn new(game: &Game, rows: &[Row]) -> Self {
        let mut watch = Watch { game: *game, symptoms: SYMPTOMS.to_vec(), warnings: Vec::new() };
        for seen in 1..=rows.len() {
            watch.see(&rows[..seen]);
        }
        watch
    }

    /// Looks at the last of all rows so far, and returns the warnings it gives rise to.
    pub fn see(&mut self, rows: &[Row]) -> &[Warning] {
        let before = self.warnings.len();
        let step = rows.last().map_or(0, |row| row.step);
        self.symptoms.retain(|symptom| match symptom(&self.game, rows) {
            None => true,
            Some(text) => {
                self.warnings.push(Warning { step, text });
                false
            }
        });
        &self.warnings[before..]
    }

    /// All warnings so far.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

/// The last [`WINDOW`] rows, if there are as many.
fn window(rows: &[Row]) -> Option<&[Row]> {
    rows.last_chunk::<WINDOW>().map(|window| &window[..])
}

/// As a person writes it, where f64 would make 0.07 · 10 = 0.7000000000000001.
fn times_ten(x: f64) -> f32 {
    (10.0 * x) as f32
}

/// A distance is never negative. An estimate near 0 may be, by chance, but not most of the time.
fn negative_estimate(game: &Game, rows: &[Row]) -> Option<String> {
    // Of a critic that runs away the estimate says nothing.
    let is_bounded = |window: &&[Row]| game.objective.estimates_a_distance() && mean_slope(window) < STEEP;
    let window = window(rows).filter(is_bounded)?;
    let negative = window.iter().filter(|row| row.losses.critic.wasserstein < 0.0).count();
    let smoothed = window[WINDOW - 1].smoothed;
    (smoothed < 0.0 && negative >= WINDOW * 4 / 5).then(|| {
        let more = (2 * game.schedule.critic_steps).min(MOST_CRITIC_STEPS);
        format!(
            "the Wasserstein estimate is negative ({smoothed:.3} on average), but a distance never is: the critic is \
             behind, and what the generator learns from it is wrong; give it more steps (--critic-steps {more})"
        )
    })
}

/// A penalty that is too weak is paid rather than obeyed.
const STEEP: f32 = 10.0;

fn mean_slope(rows: &[Row]) -> f32 {
    rows.iter().map(|row| row.losses.critic.slope).sum::<f32>() / rows.len() as f32
}

fn steep_critic(game: &Game, rows: &[Row]) -> Option<String> {
    let window = window(rows).filter(|_| game.objective.estimates_a_distance())?;
    let (slope, before) = (mean_slope(window), mean_slope(self::window(&rows[..rows.len() - WINDOW])?));
    // In the beginning samples are far apart and 1 + W/2λ is large (chapter 7 of the guide), but on its way down.
    if slope < STEEP || slope < before {
        return None;
    }
    let cause = match game.objective.lipschitz {
        Lipschitz::Clip { .. } => return None, // its scale is its own
        Lipschitz::Penalty { lambda, .. } | Lipschitz::Pairs { lambda } => {
            format!("the penalty is too weak; give it more weight (--lambda {})", times_ten(lambda))
        }
        Lipschitz::Spectral | Lipschitz::Bounded | Lipschitz::None => {
            "nothing bounds it; choose a constraint (--lipschitz gp)".to_owned()
        }
    };
    Some(format!(
        "the critic's slope is {slope:.1} on average, far above 1, so the Wasserstein estimate is up to that many times too \
         large: {cause}"
    ))
}

/// A norm that, shared among a hundred thousand weights, is below the 10⁻⁸ that RMSProp and Adam add to what they divide by.
const VANISHED: f32 = 1e-6;

fn vanished_gradient(game: &Game, rows: &[Row]) -> Option<String> {
    let gradient = rows.last()?.measured.as_ref()?.generator_gradient;
    (gradient < VANISHED).then(|| {
        let again = "start again with a smaller --lr or another --seed";
        let remedy = match game.objective.loss {
            Loss::Standard => {
                "let it lower −ln σ(D) (--objective non-saturating), or play for the distance (--objective wasserstein)"
                    .to_owned()
            }
            Loss::Wasserstein(_) | Loss::NonSaturating => match game.objective.lipschitz {
                Lipschitz::Clip { c } => format!("widen the bound of its weights (--clip {})", times_ten(c)),
                Lipschitz::Penalty { .. } | Lipschitz::Pairs { .. } => again.to_owned(),
                Lipschitz::Spectral | Lipschitz::Bounded | Lipschitz::None => again.to_owned(),
            },
        };
        format!(
            "the generator's gradient has vanished (its norm is {}), because the critic is flat, so the \
             generator no longer learns: {remedy}",
            if gradient == 0.0 { "0".to_owned() } else { format!("{gradient:.0e}") }
        )
    })
}

/// Weights on the bound leave a critic that is little more than a sum of signs: clipping "pushes weights towards two
/// values" (arXiv 1704.00028, section 3 and figure 1).
const MOST: f32 = 0.75;

fn weights_at_bound(game: &Game, rows: &[Row]) -> Option<String> {
    let Lipschitz::Clip { c } = game.objective.lipschitz else { return None };
    let share = rows.last()?.measured.as_ref()?.at_bound?;
    (share > MOST).then(|| {
        format!(
            "{:.0} % of the critic's weights lie on the bound ±{c} that they are clipped to, which leaves it but simple \
             functions: widen the bound (--clip {}), or use a penalty in its place (--lipschitz gp)",
            100.0 * share,
            times_ten(c)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::game::Losses;
    use crate::game::objective::CriticTerms;
    use crate::run::histogram::Histogram;
    use crate::run::metrics::Measurement;

    use crate::game::objective::{Objective, Penalty};

    const GP: Lipschitz = Lipschitz::penalty(Penalty::TwoSided, 10.0);
    const CLIP: Lipschitz = Lipschitz::Clip { c: 0.01 };

    fn game(lipschitz: Lipschitz) -> Game {
        let game = Config::default().game;
        Game { objective: Objective { lipschitz, ..game.objective }, ..game }
    }

    fn row(step: u64, wasserstein: f32, slope: f32) -> Row {
        let measurement = Measurement {
            held_out: wasserstein,
            critic_gradient: 1.0,
            generator_gradient: 1.0,
            at_bound: None,
            slopes: Histogram::of(&[slope]),
        };
        Row {
            step,
            seconds: 0.0,
            losses: Losses { critic: CriticTerms { loss: 0.0, wasserstein, penalty: 0.0, slope }, generator: 0.0 },
            smoothed: wasserstein,
            measured: step.is_multiple_of(25).then(|| Box::new(measurement)),
        }
    }

    /// A row for each of 200 steps.
    fn rows(make: impl Fn(u64) -> Row) -> Vec<Row> {
        (1..=200).map(make).collect()
    }

    fn warnings(game: &Game, rows: &[Row]) -> Vec<Warning> {
        Watch::new(game, rows).warnings().to_vec()
    }

    fn measured(step: u64, change: impl Fn(&mut Measurement)) -> Row {
        let mut row = row(step, 1.0, 1.0);
        row.measured.iter_mut().for_each(|measured| change(measured));
        row
    }

    #[test]
    fn a_healthy_run_is_warned_of_nothing() {
        // An estimate around 0, negative as often as not; a slope as λ = 0.1 allows it, far above it at first.
        let healthy = rows(|step| row(step, if step % 3 == 0 { 0.1 } else { -0.03 }, 6.0 + 1000.0 / step as f32));
        assert_eq!(warnings(&game(GP), &healthy), []);
        let clipped = rows(|step| measured(step, |measured| measured.at_bound = Some(0.5)));
        assert_eq!(warnings(&game(CLIP), &clipped), []);
    }

    #[test]
    fn a_negative_estimate_asks_for_more_critic_steps() {
        let rows = rows(|step| row(step, if step < 20 { 1.0 } else { -0.5 }, 1.0));
        let warnings = warnings(&game(GP), &rows);
        // Four fifths of the last 50 are negative from step 59 on.
        assert_eq!(warnings.iter().map(|warning| warning.step).collect::<Vec<_>>(), [59]);
        let expected = "the Wasserstein estimate is negative (-0.500 on average), but a distance never is: the critic";
        assert!(
            warnings[0].text.starts_with(expected) && warnings[0].text.contains("--critic-steps 6"),
            "{warnings:?}"
        );
    }

    #[test]
    fn a_steep_critic_asks_for_a_constraint_or_a_stronger_one() {
        let rows = rows(|step| row(step, 1.0, 0.25 * step as f32));
        let [gp, none] = [GP, Lipschitz::None].map(|lipschitz| warnings(&game(lipschitz), &rows));
        // The mean of the last 50 passes 10 at step 65, but whether it falls is seen from the 50 before.
        assert_eq!((gp.len(), gp[0].step), (1, 100));
        assert!(gp[0].text.contains("the critic's slope is 18.9 on average") && gp[0].text.contains("--lambda 100"));
        assert!(none[0].text.contains("--lipschitz gp"), "{none:?}");
        // The slope of a clipped critic has no meaning of its own, a bounded one and a discriminator may be steep.
        assert_eq!(warnings(&game(CLIP), &rows), []);
        assert_eq!(warnings(&game(Lipschitz::Bounded), &rows), []);
        let mut standard = game(Lipschitz::None);
        standard.objective.loss = Loss::Standard;
        assert_eq!(warnings(&standard, &rows), []);
    }

    #[test]
    fn a_vanished_gradient_and_weights_at_the_bound_ask_for_a_wider_one() {
        let rows = rows(|step| {
            measured(step, |measured| {
                measured.at_bound = Some(if step < 100 { 0.7 } else { 0.9 });
                measured.generator_gradient = if step < 150 { 1e-3 } else { 3e-9 };
            })
        });
        let warnings = warnings(&game(CLIP), &rows);
        assert_eq!(warnings.iter().map(|warning| warning.step).collect::<Vec<_>>(), [100, 150]);
        assert!(warnings[0].text.starts_with("90 % of the critic's weights lie on the bound ±0.01 "), "{warnings:?}");
        assert!(warnings[1].text.contains("(its norm is 3e-9)"), "{warnings:?}");
        assert!(warnings.iter().all(|warning| warning.text.contains("--clip 0.1")), "{warnings:?}");
    }

    /// Of a critic that runs away, both signs are seen; the estimate's would ask for the opposite of what helps.
    #[test]
    fn advice_does_not_contradict_itself() {
        let rows = rows(|step| row(step, -1.0, 30.0 * step as f32));
        for lipschitz in [GP, Lipschitz::None, Lipschitz::Spectral] {
            let warnings = warnings(&game(lipschitz), &rows);
            assert_eq!(warnings.len(), 1, "{warnings:?}");
            assert!(warnings[0].text.starts_with("the critic's slope is"), "{warnings:?}");
        }
    }

    #[test]
    fn advice_is_written_as_people_write_numbers() {
        let rows = rows(|step| row(step, 1.0, step as f32));
        let weak = game(Lipschitz::penalty(Penalty::TwoSided, 0.07));
        assert!(warnings(&weak, &rows)[0].text.contains("(--lambda 0.7)"));
    }

    #[test]
    fn what_a_run_was_warned_of_before_a_resume_is_not_told_again() {
        let game = game(GP);
        let rows = rows(|step| row(step, -1.0, 1.0));
        let mut watch = Watch::new(&game, &rows[..60]);
        assert_eq!(watch.warnings().len(), 1);
        assert!((61..=200).all(|seen| watch.see(&rows[..seen]).is_empty()));
        assert_eq!(watch.warnings(), warnings(&game, &rows));
    }
}
