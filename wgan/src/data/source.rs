//! What is learned, and where it lies.

use std::path::PathBuf;

use super::Mixture;

/// A data set to be loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The embedded handwritten digits.
    Digits,
    /// Images in IDX files.
    Idx {
        /// The data set's name, as mnist.
        name: String,
        /// Where its files are.
        folder: PathBuf,
    },
    /// CIFAR-10's binary files.
    Cifar10 {
        /// Where they are.
        folder: PathBuf,
    },
    /// PNG and JPEG files.
    Images {
        /// Where they are.
        folder: PathBuf,
        /// Height and width that they are cut and scaled to.
        size: usize,
        /// What they are made of.
        colour: ColourMode,
        /// Whether those that cannot be used are left out.
        skip_bad: bool,
    },
    /// Points in a text file.
    Points {
        /// The file.
        file: PathBuf,
        /// Numbers for each point.
        dimensions: usize,
    },
    /// Points that are drawn.
    Toy(Toy),
}

impl Source {
    /// What the samples are drawn from, if that is a mixture of Gaussians.
    pub fn mixture(&self) -> Option<Mixture> {
        let Source::Toy(toy) = self else { return None };
        toy.mixture()
    }
}

/// A distribution of points of the plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toy {
    /// Eight narrow Gaussians on a circle.
    EightGaussians,
    /// 25 narrow Gaussians on a grid.
    TwentyFiveGaussians,
    /// A spiral with noise.
    Swissroll,
}

/// What images are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColourMode {
    /// Brightness alone.
    Grey,
    /// Red, green and blue.
    Rgb,
}

impl ColourMode {
    /// Numbers for each pixel.
    pub fn channels(self) -> usize {
        match self {
            ColourMode::Grey => 1,
            ColourMode::Rgb => 3,
        }
    }
}
