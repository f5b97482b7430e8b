//! Initialisers: what weights are before training.

use autograd::{Shape, Tensor};
use rand_distr::{Distribution, Normal, Uniform};

use crate::Rng;

/// How the weights of a layer start.
///
/// Fan-in and fan-out are taken from the weight's shape as PyTorch takes them, `[out, in, …]`: the fan-in is the second
/// extent times the kernel's area, the fan-out the first times it. (For a transposed convolution, whose weight is
/// `[in, out, kh, kw]`, this makes them trade places, there as here.)
///
/// Gains: 1 before a linear output or a sigmoid, √2 before a ReLU, √(2 / (1 + slope²)) before a leaky ReLU, 5/3 before
/// a tanh.
///
/// ```
/// use nn::{Init, Rng};
/// let weight = Init::KaimingUniform { gain: 2f64.sqrt() }.weight(&[128, 54].into(), &mut Rng::new(1, "weights"));
/// let bound = 2f32.sqrt() * (3.0 / 54f32).sqrt(); // = 1/3
/// assert!(weight.data().iter().all(|w| w.abs() <= bound));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// All zeros.
    Zeros,
    /// All equal.
    Constant(f64),
    /// Uniform between two bounds.
    Uniform {
        /// The lower bound.
        low: f64,
        /// The upper bound.
        high: f64,
    },
    /// Normal around zero. DCGAN takes 0.02 (Radford et al. 2015, section 4).
    Normal {
        /// The standard deviation.
        std: f64,
    },
    /// Uniform on ±1/√fan_in, for the bias too: what PyTorch's linear and convolutional layers do unasked.
    FanIn,
    /// Uniform with standard deviation gain·√(2 / (fan_in + fan_out)) (Glorot and Bengio 2010, eq. 16).
    XavierUniform {
        /// By what the deviation is multiplied.
        gain: f64,
    },
    /// Normal with that deviation.
    XavierNormal {
        /// By what the deviation is multiplied.
        gain: f64,
    },
    /// Uniform with standard deviation gain/√fan_in (He et al. 2015, eq. 10).
    KaimingUniform {
        /// By what the deviation is multiplied.
        gain: f64,
    },
    /// Normal with that deviation.
    KaimingNormal {
        /// By what the deviation is multiplied.
        gain: f64,
    },
}

impl Init {
    /// A first weight.
    ///
    /// # Panics
    /// If the shape has fewer than two axes and the initialiser needs fans, or a bound or deviation is not usable.
    #[track_caller]
    pub fn weight(self, shape: &Shape, rng: &mut Rng) -> Tensor {
        self.sample(shape, shape, rng)
    }

    /// A first bias of `count` elements for a layer whose weight has shape `weight`: zeros, but under
    /// [`FanIn`](Init::FanIn) drawn as the weight is.
    #[track_caller]
    pub fn bias(self, count: usize, weight: &Shape, rng: &mut Rng) -> Tensor {
        let init = if self == Init::FanIn { self } else { Init::Zeros };
        init.sample(&[count].into(), weight, rng)
    }

    #[track_caller]
    fn sample(self, shape: &Shape, weight: &Shape, rng: &mut Rng) -> Tensor {
        let [fan_in, fan_out] = fans(weight);
        match self {
            Init::Zeros => Tensor::zeros(shape),
            Init::Constant(value) => Tensor::full(shape, value),
            Init::Uniform { low, high } => uniform(shape, low, high, rng),
            Init::Normal { std } => normal(shape, std, rng),
            Init::FanIn => uniform_of_deviation(shape, (1.0 / (3.0 * fan_in)).sqrt(), rng),
            Init::XavierUniform { gain } => uniform_of_deviation(shape, gain * (2.0 / (fan_in + fan_out)).sqrt(), rng),
            Init::XavierNormal { gain } => normal(shape, gain * (2.0 / (fan_in + fan_out)).sqrt(), rng),
            Init::KaimingUniform { gain } => uniform_of_deviation(shape, gain / fan_in.sqrt(), rng),
            Init::KaimingNormal { gain } => normal(shape, gain / fan_in.sqrt(), rng),
        }
    }
}

/// Fan-in and fan-out of a weight `[out, in, …]`.
#[track_caller]
fn fans(weight: &Shape) -> [f64; 2] {
    assert!(weight.rank() >= 2, "init: fans need a weight of two axes at least, this one has shape {weight}");
    let area: usize = weight[2..].iter().product();
    [(weight[1] * area) as f64, (weight[0] * area) as f64]
}

/// A uniform distribution on ±b has the deviation b/√3.
#[track_caller]
fn uniform_of_deviation(shape: &Shape, std: f64, rng: &mut Rng) -> Tensor {
    let bound = 3f64.sqrt() * std;
    uniform(shape, -bound, bound, rng)
}

#[track_caller]
fn uniform(shape: &Shape, low: f64, high: f64, rng: &mut Rng) -> Tensor {
    let distribution = Uniform::new(low, high).expect("init: the bounds must be finite and ascend");
    Tensor::from_fn(shape, |_| distribution.sample(rng) as f32)
}

#[track_caller]
fn normal(shape: &Shape, std: f64, rng: &mut Rng) -> Tensor {
    let distribution = Normal::new(0.0, std).expect("init: the deviation must be finite");
    Tensor::from_fn(shape, |_| distribution.sample(rng) as f32)
}
