//! The elementwise operations: one block each.
//!
//! A block reads: the method on [`Var`], the variant of [`Elementwise`] with its constants in braces, the arguments,
//! the scalar formula (std mathematics in f64: the specification, never a kernel's polynomial); `c`, the same on floats
//! in OpenCL C, for devices whose kernels are generated; `vjp`, the gradient with respect to each argument given the
//! gradient `g` and the result `y` (`none` where there is no derivative); `kink`, the quantity whose change of sign
//! changes the branch; and the domain from which test samples are drawn.

use std::f64::consts::{FRAC_2_SQRT_PI, LN_2, PI};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::mem::{Discriminant, discriminant};
use std::ops::{Add, Div, Mul, Neg, Range, Sub};

use super::{Op, Operation};
use crate::compile::splat;
use crate::tape::{Tape, Var};
use crate::{Shape, Tensor};

/// What an arithmetic operation takes beside a Var: another Var, or a scalar.
pub trait Operand<'t> {
    /// The operand as a node of `tape`.
    fn on(self, tape: &'t Tape) -> Var<'t>;
}

impl<'t> Operand<'t> for Var<'t> {
    fn on(self, _: &'t Tape) -> Var<'t> {
        self
    }
}

impl<'t> Operand<'t> for f64 {
    #[track_caller]
    fn on(self, tape: &'t Tape) -> Var<'t> {
        tape.scalar(self)
    }
}

/// One rule of a `vjp` list: an expression in parentheses, or `none`.
macro_rules! rule {
    (none) => {
        None
    };
    ($rule:tt) => {
        Some($rule)
    };
}

/// Whether a rule of a `vjp` list is one.
macro_rules! exists {
    (none) => {
        false
    };
    ($rule:tt) => {
        true
    };
}

macro_rules! elementwise {
    ($(
        $(#[$doc:meta])*
        $name:ident => $Op:ident $({ $($p:ident = $sample:expr),+ })? ($first:ident $(, $other:ident)*) = $formula:expr,
        c $c:literal,
        vjp |$g:ident, $y:ident| [$($rule:tt),+],
        $(kink $kink:expr,)?
        domain [$($domain:expr),+];
    )+) => {
        /// A scalar function applied to each element. All inputs have the result's shape.
        #[derive(Clone, Copy, Debug)]
        #[allow(missing_docs, reason = "the constants are documented with the methods that take them")]
        pub enum Elementwise {
            $( $(#[$doc])* $Op $({ $($p: f64),+ })?, )+
        }

        impl Elementwise {
            /// Every elementwise operation, its constants set to values that tests can use.
            pub const ALL: &'static [Elementwise] = &[$( Elementwise::$Op $({ $($p: $sample),+ })? ),+];

            /// The name, which is that of the method.
            pub fn name(self) -> &'static str {
                match self { $( Elementwise::$Op $({ $($p: _),+ })? => stringify!($name), )+ }
            }

            /// The constants, by name.
            pub fn constants(self) -> Vec<(&'static str, f64)> {
                match self { $( Elementwise::$Op $({ $($p),+ })? => vec![$( $((stringify!($p), $p)),+ )?], )+ }
            }

            /// The arguments' names in the formulas.
            pub fn arguments(self) -> &'static [&'static str] {
                match self {
                    $( Elementwise::$Op $({ $($p: _),+ })? => &[stringify!($first) $(, stringify!($other))*], )+
                }
            }

            /// The formula as an expression in OpenCL C on floats, which has the arguments and the constants by name.
            pub fn c_expression(self) -> &'static str {
                match self { $( Elementwise::$Op $({ $($p: _),+ })? => $c, )+ }
            }

            /// The intervals from which tests draw each argument.
            pub fn domain(self) -> Vec<Range<f64>> {
                match self { $( Elementwise::$Op $({ $($p: _),+ })? => vec![$($domain),+], )+ }
            }

            /// The formula.
            ///
            /// # Panics
            /// If there are not as many arguments as the operation takes.
            #[track_caller]
            pub fn formula(self, arguments: &[f64]) -> f64 {
                match self {
                    $( Elementwise::$Op $({ $($p),+ })? => {
                        let &[$first $(, $other)*] = arguments else { panic!("{}: arguments", self.name()) };
                        $formula
                    } )+
                }
            }

            #[allow(unused_variables, reason = "few operations have a kink")]
            fn kink(self, arguments: &[f64]) -> Option<f64> {
                match self {
                    $( Elementwise::$Op $({ $($p),+ })? => {
                        let &[$first $(, $other)*] = arguments else { panic!("{}: arguments", self.name()) };
                        None $(.or(Some($kink)))?
                    } )+
                }
            }

            fn has_rule(self, input: usize) -> bool {
                match self { $( Elementwise::$Op $({ $($p: _),+ })? => [$(exists!($rule)),+][input], )+ }
            }

            #[allow(unused_variables, reason = "most rules need only some of the arguments")]
            #[allow(unused_parens, reason = "the parentheses make a rule one token tree")]
            fn rule<'t>(self, input: usize, g: Var<'t>, x: &[Var<'t>], y: Var<'t>) -> Option<Var<'t>> {
                match self {
                    $( Elementwise::$Op $({ $($p),+ })? => {
                        let &[$first $(, $other)*] = x else { panic!("{}: arguments", self.name()) };
                        let ($g, $y) = (g, y);
                        let rules: &[&dyn Fn() -> Option<Var<'t>>] = &[$(&|| rule!($rule)),+];
                        rules[input]()
                    } )+
                }
            }
        }

        #[allow(clippy::should_implement_trait, reason = "the operators' traits are implemented below, by these methods")]
        impl<'t> Var<'t> {
            $(
                $(#[$doc])*
                #[track_caller]
                pub fn $name(self $(, $other: impl Operand<'t>)* $($(, $p: f64)+)?) -> Var<'t> {
                    Elementwise::$Op $({ $($p),+ })? .record(&[self $(, $other.on(self.tape()))*])
                }
            )+
        }
    };
}

elementwise! {
    /// The negative, `-x`.
    neg => Neg(x) = -x,
        c "-x",
        vjp |g, y| [(-g)],
        domain [-2.0..2.0];

    /// Sum of two values.
    add => Add(a, b) = a + b,
        c "a + b",
        vjp |g, y| [(g), (g)],
        domain [-2.0..2.0, -2.0..2.0];

    /// Difference of two values.
    sub => Sub(a, b) = a - b,
        c "a - b",
        vjp |g, y| [(g), (-g)],
        domain [-2.0..2.0, -2.0..2.0];

    /// Product of two values, element by element.
    mul => Mul(a, b) = a * b,
        c "a * b",
        vjp |g, y| [(g * b), (g * a)],
        domain [-2.0..2.0, -2.0..2.0];

    /// Quotient of two values.
    div => Div(a, b) = a / b,
        c "a / b",
        vjp |g, y| [(g / b), (-(g * y / b))],
        domain [-2.0..2.0, 0.5..2.0];

    /// `x` to a power, a number or another Var, for `x > 0`, or any `x` if the power is a whole number. (The slope of 0 to a
    /// power, along the power, is taken to be 0.)
    pow => Pow(x, power) = x.powf(power),
        c "pow(x, power)",
        vjp |g, y| [
            ({
                let known = splat(&g.tape().nodes(), power.id());
                match known {
                    Some(0.0) => g.tape().zeros(g.shape()), // not 0 · g, which may be infinite
                    Some(1.0) => g,
                    Some(known) => g * x.pow(known - 1.0) * known,
                    None => g * x.pow(power - 1.0) * power,
                }
            }),
            (x.ne(0.0).select(g * y * x.ln(), 0.0))
        ],
        domain [0.5..2.0, -2.0..2.0];

    /// The larger of two values; at a tie the second, which also takes the gradient there. NaN wins.
    maximum => Maximum(a, b) = if a > b || a.is_nan() { a } else { b },
        c "a > b || isnan(a) ? a : b",
        vjp |g, y| [(a.gt(b).select(g, 0.0)), (a.gt(b).select(0.0, g))],
        kink a - b,
        domain [-2.0..2.0, -2.0..2.0];

    /// The smaller of two values; at a tie the second, which also takes the gradient there. NaN wins.
    minimum => Minimum(a, b) = if a < b || a.is_nan() { a } else { b },
        c "a < b || isnan(a) ? a : b",
        vjp |g, y| [(a.lt(b).select(g, 0.0)), (a.lt(b).select(0.0, g))],
        kink a - b,
        domain [-2.0..2.0, -2.0..2.0];

    /// The exponential, eˣ.
    exp => Exp(x) = x.exp(),
        c "exp(x)",
        vjp |g, y| [(g * y)],
        domain [-2.0..2.0];

    /// `eˣ − 1`, which keeps its digits near 0.
    expm1 => Expm1(x) = x.exp_m1(),
        c "expm1(x)",
        vjp |g, y| [(g * (y + 1.0))],
        domain [-2.0..2.0];

    /// The natural logarithm, for `x > 0`.
    ln => Ln(x) = x.ln(),
        c "log(x)",
        vjp |g, y| [(g / x)],
        domain [0.5..3.0];

    /// `ln(1 + x)`, for `x > −1`, which keeps its digits near 0.
    log1p => Log1p(x) = x.ln_1p(),
        c "log1p(x)",
        vjp |g, y| [(g / (x + 1.0))],
        domain [-0.5..2.0];

    /// `ln(eᵃ + eᵇ)`, computed without overflow. Where both are −∞, so is the result, and each takes half of the gradient.
    logaddexp => LogAddExp(a, b) = {
            let (larger, smaller) = if a > b { (a, b) } else { (b, a) };
            if a == b { a + LN_2 } else { larger + (smaller - larger).exp().ln_1p() }
        },
        c "a == b ? a + M_LN2_F : (a > b ? a : b) + log1p(exp(-fabs(a - b)))",
        vjp |g, y| [(g * (a.finite() - b.finite()).sigmoid()), (g * (b.finite() - a.finite()).sigmoid())],
        domain [-2.0..2.0, -2.0..2.0];

    /// The square root. At 0 its slope is infinite: take [`safe_sqrt`](Var::safe_sqrt), or add a guard inside, as
    /// [`norm_rows`](Var::norm_rows) does.
    sqrt => Sqrt(x) = x.sqrt(),
        c "sqrt(x)",
        vjp |g, y| [(g * 0.5 / y)],
        domain [0.5..3.0];

    /// The square, `x·x`.
    square => Square(x) = x * x,
        c "x * x",
        vjp |g, y| [(g * x * 2.0)],
        domain [-2.0..2.0];

    /// The reciprocal, `1/x`.
    reciprocal => Reciprocal(x) = 1.0 / x,
        c "1.0f / x",
        vjp |g, y| [(-(g * y.square()))],
        domain [0.5..2.0];

    /// The absolute value; at 0 its slope is 0.
    abs => Abs(x) = x.abs(),
        c "fabs(x)",
        vjp |g, y| [(x.sign().select(g * x.sign(), 0.0))],
        kink x,
        domain [-2.0..2.0];

    /// −1, 0 or 1. It has no derivative.
    sign => Sign(x) = if x > 0.0 { 1.0 } else if x < 0.0 { -1.0 } else { 0.0 },
        c "x > 0.0f ? 1.0f : x < 0.0f ? -1.0f : 0.0f",
        vjp |g, y| [none],
        kink x,
        domain [-2.0..2.0];

    /// The sine, of radians.
    sin => Sin(x) = x.sin(),
        c "sin(x)",
        vjp |g, y| [(g * x.cos())],
        domain [-3.0..3.0];

    /// The cosine, of radians.
    cos => Cos(x) = x.cos(),
        c "cos(x)",
        vjp |g, y| [(-(g * x.sin()))],
        domain [-3.0..3.0];

    /// The angle of the point `(x, y)` from the positive half of the first axis, in (−π, π]; self is the ordinate `y`.
    atan2 => Atan2(ordinate, x) = ordinate.atan2(x),
        c "atan2(ordinate, x)",
        vjp |g, y| [
            (g * x / (ordinate.square() + x.square())),
            (-(g * ordinate / (ordinate.square() + x.square())))
        ],
        domain [0.5..2.0, -2.0..2.0];

    /// The hyperbolic tangent.
    tanh => Tanh(x) = x.tanh(),
        c "tanh(x)",
        vjp |g, y| [(g * (1.0 - y.square()))],
        domain [-2.0..2.0];

    /// The logistic function, `1/(1 + e⁻ˣ)`.
    sigmoid => Sigmoid(x) = 1.0 / (1.0 + (-x).exp()),
        c "1.0f / (1.0f + exp(-x))",
        vjp |g, y| [(g * y * (1.0 - y))],
        domain [-3.0..3.0];

    /// `ln(1 + eˣ)`, a smooth ReLU, computed without overflow.
    softplus => Softplus(x) = x.max(0.0) + (-x.abs()).exp().ln_1p(),
        c "fmax(x, 0.0f) + log1p(exp(-fabs(x)))",
        vjp |g, y| [(g * x.sigmoid())],
        domain [-3.0..3.0];

    /// The error function, `2/√π · ∫₀ˣ e^(−t²) dt`.
    erf => Erf(x) = libm::erf(x),
        c "erf(x)",
        vjp |g, y| [(g * (-x.square()).exp() * FRAC_2_SQRT_PI)],
        domain [-2.0..2.0];

    /// `1 − erf x`, which keeps its digits where it is small.
    erfc => Erfc(x) = libm::erfc(x),
        c "erfc(x)",
        vjp |g, y| [(g * (-x.square()).exp() * -FRAC_2_SQRT_PI)],
        domain [-2.0..2.0];

    /// The largest whole number that is not larger. Like [`sign`](Var::sign) it has no derivative, where PyTorch and JAX
    /// have zeros.
    floor => Floor(x) = x.floor(),
        c "floor(x)",
        vjp |g, y| [none],
        kink (x * PI).sin(),
        domain [-2.0..2.0];

    /// The nearest whole number, of two the even one. It has no derivative; a gradient that passes as if it were the identity is
    /// that of `x + (x.round() - x).detach()`.
    round => Round(x) = x.round_ties_even(),
        c "rint(x)",
        vjp |g, y| [none],
        kink (x * PI).cos(),
        domain [-2.0..2.0];

    /// `max(x, 0)`. Its mask is taken from the result, so that `x` need not be kept.
    relu => Relu(x) = if x <= 0.0 { 0.0 } else { x },
        c "x <= 0.0f ? 0.0f : x",
        vjp |g, y| [(y.step().select(g, 0.0))],
        kink x,
        domain [-2.0..2.0];

    /// `x` where positive, `slope·x` elsewhere. Its mask, too, is taken from the result where the slope leaves the sign.
    leaky_relu => LeakyRelu { slope = 0.2 } (x) = if x <= 0.0 { x * slope } else { x },
        c "x <= 0.0f ? x * slope : x",
        vjp |g, y| [(match slope {
            0.0 => y.step().select(g, 0.0), // not 0 · g, which may be infinite
            _ => g * (if slope > 0.0 { y } else { x }).leaky_step(slope),
        })],
        kink x,
        domain [-2.0..2.0];

    /// 1 where `x > 0`, else 0. It has no derivative: a piecewise linear critic's second derivative is absent.
    step => Step(x) = if x > 0.0 { 1.0 } else { 0.0 },
        c "x > 0.0f ? 1.0f : 0.0f",
        vjp |g, y| [none],
        kink x,
        domain [-2.0..2.0];

    /// 1 where `x > 0`, else `slope`: the derivative of [`leaky_relu`](Var::leaky_relu), itself without one.
    leaky_step => LeakyStep { slope = 0.2 } (x) = if x > 0.0 { 1.0 } else { slope },
        c "x > 0.0f ? 1.0f : slope",
        vjp |g, y| [none],
        kink x,
        domain [-2.0..2.0];

    /// `x` held between `low` and `high`: first at least `low`, then at most `high`, so that it is `high` throughout if `low` is
    /// larger (as in NumPy and PyTorch). NaN stays. Outside of the bounds the gradient is zero.
    clamp => Clamp { low = -0.5, high = 0.7 } (x) = { let y = if x <= low { low } else { x }; if y >= high { high } else { y } },
        c "(x <= low ? low : x) >= high ? high : x <= low ? low : x",
        vjp |g, y| [((x.ge(low) * x.le(high)).select(g, 0.0))],
        kink (x - low) * (x - high),
        domain [-2.0..2.0];

    /// 1 where `a > b`, else 0.
    gt => Greater(a, b) = f64::from(a > b),
        c "a > b ? 1.0f : 0.0f",
        vjp |g, y| [none, none],
        kink a - b,
        domain [-2.0..2.0, -2.0..2.0];

    /// 1 where `a ≥ b`, else 0.
    ge => GreaterEqual(a, b) = f64::from(a >= b),
        c "a >= b ? 1.0f : 0.0f",
        vjp |g, y| [none, none],
        kink a - b,
        domain [-2.0..2.0, -2.0..2.0];

    /// 1 where `a < b`, else 0.
    lt => Less(a, b) = f64::from(a < b),
        c "a < b ? 1.0f : 0.0f",
        vjp |g, y| [none, none],
        kink a - b,
        domain [-2.0..2.0, -2.0..2.0];

    /// 1 where `a ≤ b`, else 0.
    le => LessEqual(a, b) = f64::from(a <= b),
        c "a <= b ? 1.0f : 0.0f",
        vjp |g, y| [none, none],
        kink a - b,
        domain [-2.0..2.0, -2.0..2.0];

    /// 1 where `a = b`, else 0.
    eq => Equal(a, b) = f64::from(a == b),
        c "a == b ? 1.0f : 0.0f",
        vjp |g, y| [none, none],
        kink a - b,
        domain [-2.0..2.0, -2.0..2.0];

    /// 1 where `a ≠ b`, else 0.
    ne => NotEqual(a, b) = f64::from(a != b),
        c "a != b ? 1.0f : 0.0f",
        vjp |g, y| [none, none],
        kink a - b,
        domain [-2.0..2.0, -2.0..2.0];

    /// `a` where the mask (self) is not 0, else `b`. So are gradients: what is not selected contributes nothing, be it infinite
    /// or NaN.
    select => Select(mask, a, b) = if mask != 0.0 { a } else { b },
        c "mask != 0.0f ? a : b",
        vjp |g, y| [none, (mask.select(g, 0.0)), (mask.select(0.0, g))],
        kink mask,
        domain [-2.0..2.0, -2.0..2.0, -2.0..2.0];
}

impl Elementwise {
    /// Records the operation, its arguments broadcast to one shape by explicit nodes.
    ///
    /// # Panics
    /// If there are not as many arguments as the operation takes, their shapes do not broadcast to one, or a constant is NaN.
    #[track_caller]
    pub fn record<'t>(self, arguments: &[Var<'t>]) -> Var<'t> {
        let (taken, given) = (self.arguments().len(), arguments.len());
        assert!(given > 0, "{}: takes {taken} arguments, not 0", self.name());
        let tape = arguments[0].tape();
        if taken != given {
            tape.refuse(&format!("{}: takes {taken} arguments, not {given}", self.name()));
        }
        if let Some((name, _)) = self.constants().iter().find(|(_, value)| value.is_nan()) {
            tape.refuse(&format!("{}: {name} is not a number", self.name()));
        }
        let mut shape = Shape::scalar();
        for argument in arguments {
            argument.check_tape(tape);
            shape = match shape.broadcast(&argument.shape()) {
                Some(shape) => shape,
                None => {
                    let (name, other) = (self.name(), argument.shape());
                    tape.refuse(&format!("{name}: shapes {shape} and {other} do not broadcast to one shape"));
                }
            };
        }
        let mut broadcast = Vec::with_capacity(arguments.len());
        for argument in arguments {
            broadcast.push(argument.broadcast_to(&shape)); // not in a closure, where the caller's line would be lost
        }
        tape.record(Op::Elementwise(self), &broadcast)
    }
}

impl Elementwise {
    /// What makes it the operation it is: 0 and −0 are two constants.
    fn identity(&self) -> (Discriminant<Self>, Vec<u64>) {
        (discriminant(self), self.constants().iter().map(|(_, value)| value.to_bits()).collect())
    }
}

impl PartialEq for Elementwise {
    fn eq(&self, other: &Self) -> bool {
        self.identity() == other.identity()
    }
}

impl Eq for Elementwise {}

impl Hash for Elementwise {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.identity().hash(state);
    }
}

impl Operation for Elementwise {
    fn name(&self) -> &'static str {
        (*self).name()
    }

    fn shape(&self, inputs: &[&Shape]) -> Result<Shape, String> {
        match inputs.iter().all(|shape| shape == &inputs[0]) {
            true => Ok(inputs[0].clone()),
            false => Err("the shapes differ".into()),
        }
    }

    fn value(&self, inputs: &[&Tensor<f64>], shape: &Shape) -> Tensor<f64> {
        Tensor::from_fn(shape, |i| self.formula(&arguments(inputs, i)[..inputs.len()]))
    }

    fn differentiable(&self, input: usize) -> bool {
        self.has_rule(input)
    }

    fn vjp<'t>(&self, input: usize, g: Var<'t>, x: &[Var<'t>], y: Var<'t>) -> Var<'t> {
        self.rule(input, g, x, y).expect("only differentiable inputs are asked for")
    }

    fn branches(&self, inputs: &[&Tensor<f64>]) -> Vec<i64> {
        let side = |kink: f64| (kink > 0.0) as i64 - (kink < 0.0) as i64;
        let kinks = (0..inputs[0].data().len()).map(|i| self.kink(&arguments(inputs, i)[..inputs.len()]));
        kinks.map_while(|kink| kink.map(side)).collect()
    }
}

/// The arguments at flat index `i`, padded to the largest arity.
fn arguments(inputs: &[&Tensor<f64>], i: usize) -> [f64; 3] {
    let mut arguments = [0.0; 3];
    arguments.iter_mut().zip(inputs).for_each(|(argument, input)| *argument = input.data()[i]);
    arguments
}

impl fmt::Display for Elementwise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.name())?;
        self.constants().iter().try_for_each(|(name, value)| write!(f, " {name}={value}"))
    }
}

/// `a + b` between Vars and scalars, as the operation's block above says.
macro_rules! operator {
    ($($Trait:ident $method:ident),+) => { $(
        impl<'t> $Trait for Var<'t> {
            type Output = Var<'t>;
            #[track_caller]
            fn $method(self, other: Var<'t>) -> Var<'t> {
                Var::$method(self, other)
            }
        }

        impl<'t> $Trait<f64> for Var<'t> {
            type Output = Var<'t>;
            #[track_caller]
            fn $method(self, other: f64) -> Var<'t> {
                Var::$method(self, other)
            }
        }

        impl<'t> $Trait<Var<'t>> for f64 {
            type Output = Var<'t>;
            #[track_caller]
            fn $method(self, other: Var<'t>) -> Var<'t> {
                Var::$method(other.tape().scalar(self), other)
            }
        }
    )+ };
}

operator!(Add add, Sub sub, Mul mul, Div div);

impl<'t> Neg for Var<'t> {
    type Output = Var<'t>;
    #[track_caller]
    fn neg(self) -> Var<'t> {
        Var::neg(self)
    }
}
