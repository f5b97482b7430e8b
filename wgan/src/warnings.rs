//! What a run is warned of while it goes on, once each: signs that its numbers do not mean what they seem to.
//!
//! Whether and when a warning is due follows from the rows of the metrics, so a resumed run knows those before it.

use crate::config::{Config, Lipschitz};
use crate::metrics::{Row, WINDOW};

/// A sign of trouble, and what to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Warning {
    /// The updates of the generator after which it was seen.
    pub step: u64,
    /// What is wrong, what it means, what to do.
    pub text: String,
}

/// Looks at every row of a run, and remembers what it has warned of.
pub struct Watch<'a> {
    config: &'a Config,
    /// The signs not seen yet.
    signs: Vec<Sign>,
    warnings: Vec<Warning>,
}

/// Tells what is wrong if the last row says so; None if all is well.
type Sign = fn(&Config, &[Row]) -> Option<String>;

/// All there are.
const SIGNS: [Sign; 4] = [negative_estimate, steep_critic, vanished_gradient, weights_at_bound];

impl<'a> Watch<'a> {
    /// A watch that has seen the rows of a run so far: none, or those before a resume.
    pub fn new(config: &'a Config, rows: &[Row]) -> Self {
        let mut watch = Watch { config, signs: SIGNS.to_vec(), warnings: Vec::new() };
        for seen in 1..=rows.len() {
            watch.see(&rows[..seen]);
        }
        watch
    }

    /// Looks at the last of all rows so far, and returns the warnings it gives rise to.
    pub fn see(&mut self, rows: &[Row]) -> &[Warning] {
        let before = self.warnings.len();
        let step = rows.last().map_or(0, |row| row.step);
        self.signs.retain(|sign| match sign(self.config, rows) {
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

/// A distance is never negative. An estimate near 0 may be, by chance, but not most of the time.
fn negative_estimate(config: &Config, rows: &[Row]) -> Option<String> {
    let window = window(rows)?;
    let negative = window.iter().filter(|row| row.wasserstein < 0.0).count();
    let smoothed = window[WINDOW - 1].smoothed;
    (smoothed < 0.0 && negative >= WINDOW * 4 / 5).then(|| {
        let more = 2 * config.critic_steps;
        format!(
            "the Wasserstein estimate is negative ({smoothed:.3} on average), but a distance never is: the critic is \
             behind, and what the generator learns from it is wrong; give it more steps (--critic-steps {more}) or a \
             larger --lr"
        )
    })
}

/// A penalty that is too weak is paid rather than obeyed.
const STEEP: f32 = 10.0;

fn steep_critic(config: &Config, rows: &[Row]) -> Option<String> {
    let window = window(rows)?;
    let slope = window.iter().map(|row| row.slope).sum::<f32>() / WINDOW as f32;
    if slope < STEEP || config.lipschitz == Lipschitz::Clip {
        return None;
    }
    let cause = match config.lipschitz.is_penalty() {
        true => format!("the penalty is too weak; give it more weight (--lambda {})", 10.0 * config.lambda),
        false => "nothing bounds it; choose a constraint (--lipschitz gp)".to_owned(),
    };
    Some(format!(
        "the critic's slope is {slope:.1} on average, far above 1, so the Wasserstein estimate is that many times too \
         large: {cause}"
    ))
}

/// Far below any gradient that still moves a sample.
const VANISHED: f32 = 1e-6;

fn vanished_gradient(config: &Config, rows: &[Row]) -> Option<String> {
    let gradient = rows.last()?.measured.as_ref()?.generator_gradient;
    (gradient < VANISHED).then(|| {
        let cause = match config.lipschitz {
            Lipschitz::Clip => format!("the clipped critic is flat; widen its bound (--clip {})", 10.0 * config.clip),
            _ => "the critic is flat; start again with another --seed or a smaller --lr".to_owned(),
        };
        format!("the generator's gradient has vanished (its norm is {gradient:.0e}), so it no longer learns: {cause}")
    })
}

fn weights_at_bound(config: &Config, rows: &[Row]) -> Option<String> {
    let share = rows.last()?.measured.as_ref()?.at_bound?;
    (share > 0.5).then(|| {
        format!(
            "{:.0} % of the critic's weights lie on the bound ±{} they are clipped to, so it can hardly learn any more: \
             widen the bound (--clip {}), or use a penalty in its place (--lipschitz gp)",
            100.0 * share,
            config.clip,
            10.0 * config.clip
        )
    })
}
