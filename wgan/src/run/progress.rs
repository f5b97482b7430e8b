//! Progress on standard error: a bar on a terminal that can move its cursor, a line every few seconds elsewhere, and where
//! NO_COLOR is set (<https://no-color.org>).

use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

use super::metrics::Row;
use super::warnings::Warning;
use crate::output::{say, visible};

/// Time between two lines where there is no terminal.
const PERIOD: Duration = Duration::from_secs(2);
/// A step that takes longer tells how far it is.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a person sees while a training runs.
pub struct Progress {
    started: Instant,
    first: u64,
    steps: u64,
    /// When something was last shown.
    shown: Instant,
    display: Display,
}

enum Display {
    Bar(ProgressBar),
    Lines { last: Option<Instant> },
}

impl Progress {
    /// The progress of a run that has done `done` of `steps` updates.
    pub fn new(done: u64, steps: u64) -> Self {
        // Without a terminal, or with one that only prints (TERM=dumb), a bar would stay hidden, and warnings with it.
        let (bar, plain) = (bar(done, steps), std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()));
        let display = if bar.is_hidden() || plain { Display::Lines { last: None } } else { Display::Bar(bar) };
        Progress { started: Instant::now(), first: done, steps, shown: Instant::now(), display }
    }

    /// Leaves a time out of the pace.
    pub fn pause(&mut self, time: Duration) {
        self.started += time;
    }

    /// Shows the numbers after a step.
    pub fn update(&mut self, row: &Row) {
        self.show(row.step, &format!("W {:.3}  slope {:.3}", row.losses.critic.wasserstein, row.losses.critic.slope));
    }

    /// Shows any numbers after a step.
    pub fn show(&mut self, step: u64, numbers: &str) {
        let pace = pace(step - self.first, self.steps - step, self.started.elapsed());
        let numbers = format!("{pace}  {numbers}");
        self.shown = Instant::now();
        match &mut self.display {
            Display::Bar(bar) => {
                bar.set_position(step);
                bar.set_message(numbers);
            }
            Display::Lines { last } => {
                if last.is_none_or(|last| last.elapsed() >= PERIOD) || step == self.steps {
                    *last = Some(Instant::now());
                    say(&format!("step {step}/{}  {numbers}", self.steps));
                }
            }
        }
    }

    /// Shows how far a step is that takes a while, after this many updates of the critic.
    pub fn within(&mut self, step: u64, updates: u64) {
        if self.shown.elapsed() < PATIENCE {
            return;
        }
        let numbers = format!("within step {step}: {updates} updates of the critic");
        self.shown = Instant::now();
        match &mut self.display {
            Display::Bar(bar) => bar.set_message(numbers),
            Display::Lines { last } if last.is_none_or(|last| last.elapsed() >= PERIOD) => {
                *last = Some(Instant::now());
                say(&numbers);
            }
            Display::Lines { .. } => {}
        }
    }

    /// Tells a warning, on a line of its own that stays.
    pub fn warn(&self, Warning { step, text }: &Warning) {
        let line = format!("warning: step {step}: {text}");
        match &self.display {
            Display::Bar(bar) => bar.println(visible(&line)),
            Display::Lines { .. } => say(&line),
        }
    }

    /// Ends the display, leaving what it last showed.
    pub fn finish(self) {
        if let Display::Bar(bar) = self.display {
            bar.abandon();
        }
    }
}

fn bar(done: u64, steps: u64) -> ProgressBar {
    let style =
        ProgressStyle::with_template("{wide_bar:.cyan} step {pos}/{len}  {msg}").expect("the template is valid");
    ProgressBar::new(steps).with_position(done).with_style(style.progress_chars("━╸─"))
}

/// Speed since the start or the resume, and the time left at this speed, as "12.5 steps/s  40 seconds left".
fn pace(done: u64, left: u64, elapsed: Duration) -> String {
    let speed = done as f64 / elapsed.as_secs_f64().max(1e-9);
    let remaining = Duration::from_secs_f64((left as f64 / speed.max(1e-9)).min(1e9));
    format!("{speed:.1} steps/s  {} left", HumanDuration(remaining))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_that_since_the_start_or_resume() {
        assert_eq!(pace(100, 500, Duration::from_secs(8)), "12.5 steps/s  40 seconds left");
        assert_eq!(pace(1, 0, Duration::from_secs(2)), "0.5 steps/s  0 seconds left");
    }
}
