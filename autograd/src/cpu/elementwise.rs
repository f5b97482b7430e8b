//! Elementwise operations on tiles: every operation's loop over the elements of a register.
//!
//! The match is exhaustive: an operation without a kernel here does not compile.

use super::functions;
use crate::ops::Elementwise;

/// Elements of a register: 2 KiB, so that a dozen live registers leave room in a first-level cache of 32 KiB. Few under
/// Miri, so that small arrays have several tasks.
pub(super) const TILE: usize = if cfg!(miri) { 8 } else { 512 };

/// A tile's worth of elements.
pub(super) type Register = [f32; TILE];

/// An argument: a tile, or one number throughout.
#[derive(Clone, Copy)]
pub(super) enum Argument<'a> {
    Tile(&'a Register),
    Number(f32),
}

impl Argument<'_> {
    #[inline(always)]
    fn at(self, i: usize) -> f32 {
        match self {
            Argument::Tile(tile) => tile[i],
            Argument::Number(number) => number,
        }
    }
}

/// `y = op(a, b, c)`, as many of the arguments as the operation takes.
#[inline(always)]
pub(super) fn apply(op: Elementwise, a: Argument, b: Argument, c: Argument, y: &mut Register) {
    let mask = |yes: bool| f32::from(u8::from(yes));
    match op {
        Elementwise::Neg => unary(a, y, |x| -x),
        Elementwise::Add => binary(a, b, y, |a, b| a + b),
        Elementwise::Sub => binary(a, b, y, |a, b| a - b),
        Elementwise::Mul => binary(a, b, y, |a, b| a * b),
        Elementwise::Div => binary(a, b, y, |a, b| a / b),
        Elementwise::Pow => binary(a, b, y, f32::powf),
        Elementwise::Maximum => binary(a, b, y, |a, b| if a > b || a.is_nan() { a } else { b }),
        Elementwise::Minimum => binary(a, b, y, |a, b| if a < b || a.is_nan() { a } else { b }),
        Elementwise::Exp => unary(a, y, functions::exp),
        Elementwise::Expm1 => unary(a, y, functions::expm1),
        Elementwise::Ln => unary(a, y, functions::ln),
        Elementwise::Log1p => unary(a, y, functions::log1p),
        Elementwise::LogAddExp => binary(a, b, y, functions::logaddexp),
        Elementwise::Sqrt => unary(a, y, f32::sqrt),
        Elementwise::Square => unary(a, y, |x| x * x),
        Elementwise::Reciprocal => unary(a, y, |x| 1.0 / x),
        Elementwise::Abs => unary(a, y, f32::abs),
        Elementwise::Sign => unary(a, y, |x| mask(x > 0.0) - mask(x < 0.0)),
        Elementwise::Sin => angles(a, y, functions::sin, f32::sin),
        Elementwise::Cos => angles(a, y, functions::cos, f32::cos),
        Elementwise::Atan2 => binary(a, b, y, functions::atan2),
        Elementwise::Tanh => unary(a, y, functions::tanh),
        Elementwise::Sigmoid => unary(a, y, functions::sigmoid),
        Elementwise::Softplus => unary(a, y, functions::softplus),
        Elementwise::Erf => unary(a, y, functions::erf),
        Elementwise::Erfc => unary(a, y, functions::erfc),
        Elementwise::Floor => unary(a, y, f32::floor),
        Elementwise::Round => unary(a, y, f32::round_ties_even),
        Elementwise::Relu => unary(a, y, |x| if x <= 0.0 { 0.0 } else { x }),
        Elementwise::LeakyRelu { slope } => unary(a, y, |x| if x <= 0.0 { x * slope as f32 } else { x }),
        Elementwise::Step => unary(a, y, |x| mask(x > 0.0)),
        Elementwise::LeakyStep { slope } => unary(a, y, |x| if x > 0.0 { 1.0 } else { slope as f32 }),
        Elementwise::Clamp { low, high } => {
            let (low, high) = (low as f32, high as f32);
            unary(a, y, |x| {
                let y = if x <= low { low } else { x };
                if y >= high { high } else { y }
            })
        }
        Elementwise::Greater => binary(a, b, y, |a, b| mask(a > b)),
        Elementwise::GreaterEqual => binary(a, b, y, |a, b| mask(a >= b)),
        Elementwise::Less => binary(a, b, y, |a, b| mask(a < b)),
        Elementwise::LessEqual => binary(a, b, y, |a, b| mask(a <= b)),
        Elementwise::Equal => binary(a, b, y, |a, b| mask(a == b)),
        Elementwise::NotEqual => binary(a, b, y, |a, b| mask(a != b)),
        Elementwise::Select => match (b, c) {
            (_, Argument::Number(c)) => binary(a, b, y, |mask, b| if mask != 0.0 { b } else { c }),
            (Argument::Number(b), _) => binary(a, c, y, |mask, c| if mask != 0.0 { b } else { c }),
            (Argument::Tile(b), Argument::Tile(c)) => {
                let both = b.iter().zip(c).enumerate();
                y.iter_mut().zip(both).for_each(|(y, (i, (&b, &c)))| *y = if a.at(i) != 0.0 { b } else { c });
            }
        },
    }
}

#[inline(always)]
fn unary(x: Argument, y: &mut Register, f: impl Fn(f32) -> f32) {
    match x {
        Argument::Tile(x) => y.iter_mut().zip(x).for_each(|(y, &x)| *y = f(x)),
        Argument::Number(x) => y.fill(f(x)),
    }
}

#[inline(always)]
fn binary(a: Argument, b: Argument, y: &mut Register, f: impl Fn(f32, f32) -> f32) {
    match (a, b) {
        (Argument::Tile(a), Argument::Tile(b)) => {
            y.iter_mut().zip(a.iter().zip(b)).for_each(|(y, (&a, &b))| *y = f(a, b))
        }
        (Argument::Tile(a), Argument::Number(b)) => y.iter_mut().zip(a).for_each(|(y, &a)| *y = f(a, b)),
        (Argument::Number(a), Argument::Tile(b)) => y.iter_mut().zip(b).for_each(|(y, &b)| *y = f(a, b)),
        (Argument::Number(a), Argument::Number(b)) => y.fill(f(a, b)),
    }
}

/// The fast function, and then the one for any angle where an angle is large: element by element, because behind the end of
/// a buffer a tile holds whatever was there.
#[inline(always)]
fn angles(x: Argument, y: &mut Register, fast: impl Fn(f32) -> f32, any: impl Fn(f32) -> f32) {
    unary(x, y, fast);
    let large = |i: &usize| x.at(*i).abs() > functions::LARGEST_ANGLE;
    if (0..y.len()).fold(false, |any, i| any | large(&i)) {
        (0..y.len()).filter(large).for_each(|i| y[i] = any(x.at(i)));
    }
}
