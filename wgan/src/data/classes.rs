//! The classes that samples are told apart by.

use nn::Rng;
use nn::files::excerpt;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use crate::error::did_you_mean;

/// What some of the samples have in common, as that they show the same digit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Class {
    /// What it is called: by the label of the files, or by the folder that the samples are in.
    pub name: String,
    /// How many samples to train on are of it.
    pub count: usize,
}

/// More classes than this are no classes: file names, perhaps. Their numbers are bytes.
pub const MOST_CLASSES: usize = 256;

/// A list of classes, as far as a sentence bears it: `0, 1, 2`.
pub fn listed(classes: &[Class]) -> String {
    const MOST: usize = 20;
    let names = classes.iter().map(|class| excerpt(&class.name)).take(MOST);
    let more = classes.len().checked_sub(MOST).filter(|&more| more > 0).map(|more| format!("{more} more"));
    names.chain(more).collect::<Vec<_>>().join(", ")
}

/// The number of the class of this name, or what to say if there is none.
pub fn number(classes: &[Class], name: &str) -> Result<usize, String> {
    classes.iter().position(|class| class.name == name).ok_or_else(|| {
        let names: Vec<String> = classes.iter().map(|class| excerpt(&class.name)).collect();
        format!("the classes are {}{}", listed(classes), did_you_mean(name, &names))
    })
}

/// The classes of `count` samples that are as mixed as those trained on, by their numbers. The first ones are the same for any
/// count.
///
/// # Panics
/// If there are classes, but no samples of them.
pub fn drawn(classes: &[Class], count: usize, seed: u64) -> Vec<usize> {
    let ends = classes.iter().scan(0, |end, class| {
        *end += class.count;
        Some(*end)
    });
    let ends: Vec<usize> = ends.collect();
    let Some(&all) = ends.last() else { return Vec::new() };
    let mut rng = Rng::new(seed, "sample classes");
    let class = |_| {
        let sample = rng.random_range(..all);
        ends.partition_point(|&end| end <= sample)
    };
    (0..count).map(class).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(counts: &[usize]) -> Vec<Class> {
        counts.iter().enumerate().map(|(i, &count)| Class { name: format!("class {i}"), count }).collect()
    }

    #[test]
    fn classes_are_drawn_as_often_as_they_occur() {
        let drawn = |count, seed| drawn(&classes(&[100, 0, 300, 600]), count, seed);
        let first = drawn(10_000, 1);
        let counts = [0, 1, 2, 3].map(|class| first.iter().filter(|&&other| other == class).count());
        // 1000, 3000 and 6000, with standard deviations of 30, 46 and 49.
        assert!(counts[1] == 0 && counts[0].abs_diff(1000) < 150 && counts[2].abs_diff(3000) < 230, "{counts:?}");
        assert_eq!(drawn(50, 1), first[..50]);
        assert_ne!(drawn(50, 2), first[..50]);
        assert!(super::drawn(&[], 5, 0).is_empty());
    }

    #[test]
    fn an_unknown_class_is_told_with_those_there_are() {
        let classes = classes(&[1; 23]);
        assert_eq!(number(&classes, "class 22"), Ok(22));
        let problem = number(&classes, "clas 3").unwrap_err();
        assert!(
            problem.starts_with("the classes are class 0, class 1, ")
                && problem.contains("class 19, 3 more; did you mean \"class 3\"?"),
            "{problem}"
        );
    }
}
