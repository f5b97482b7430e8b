//! How often the critic is updated between two updates of the generator: in how many rounds.

/// How often the critic is updated for each update of the generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Updates of the critic in a round.
    pub critic_steps: u64,
    /// How many rounds there are.
    pub kind: CriticSchedule,
}

/// How many rounds of updates the critic has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CriticSchedule {
    /// One.
    Constant,
    /// 20 for the first 25 updates of the generator and for every 500th (the published code of arXiv 1701.07875).
    Original,
    /// Until the critic's mean loss in a round is no lower than in the one before, at most 20.
    Converge,
}

/// Updates of the critic in a round, at most: more are a slip of the finger.
pub const MOST_CRITIC_STEPS: u64 = 1000;

/// The most rounds that an iteration has under a schedule.
pub fn most_rounds(schedule: CriticSchedule) -> u64 {
    match schedule {
        CriticSchedule::Constant => 1,
        CriticSchedule::Original | CriticSchedule::Converge => 20,
    }
}

/// The rounds of an iteration, if it does not stop before.
pub fn rounds(schedule: CriticSchedule, iteration: u64) -> u64 {
    // The published code of arXiv 1701.07875 counts from 0, too.
    let thorough = iteration < 25 || iteration.is_multiple_of(500);
    if schedule == CriticSchedule::Original && !thorough { 1 } else { most_rounds(schedule) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_original_schedule_is_thorough_at_the_start_and_every_500_steps() {
        let of = |schedule| (0..=1000).filter(|&iteration| rounds(schedule, iteration) == 20).collect::<Vec<u64>>();
        let thorough: Vec<u64> = (0..25).chain([500, 1000]).collect();
        assert_eq!(of(CriticSchedule::Original), thorough);
        assert_eq!(rounds(CriticSchedule::Original, 25), 1);
        assert!(of(CriticSchedule::Constant).is_empty());
    }
}
