//! How often the critic is updated between two updates of the generator: in how many rounds.

use crate::config::CriticSchedule;

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
