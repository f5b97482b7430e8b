//! exp, ln and their kin in f32, without branches or tables, so that a loop over them is vectorised.
//!
//! Range reduction and polynomials follow Cephes (Moshier, `expf.c`, `logf.c`, `tanhf.c`, `sinf.c`). Each function states
//! its largest error in units in the last place, which the tests measure against std mathematics in f64. Every result is
//! composed of single multiplications and additions, never fused ones, so it has the same bits on every processor.

/// A number below 2²² rounded to the nearest integer, as a float and as an integer. (Added to 1.5 · 2²³, it is found in the
/// last bits. A cast would check its range, which is not vectorised.)
#[inline(always)]
fn round(x: f32) -> (f32, i32) {
    const ROUND: f32 = 12_582_912.0;
    let shifted = x + ROUND;
    (shifted - ROUND, shifted.to_bits().wrapping_sub(ROUND.to_bits()) as i32)
}

/// eˣ to 1.5 ulp; results below the smallest normal number to its last place.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    let (p, [first, second]) = exp_reduced(x);
    (p + 1.0) * first * second
}

/// eˣ − 1 to 2 ulp.
#[inline(always)]
pub(super) fn expm1(x: f32) -> f32 {
    let (p, [first, second]) = exp_reduced(x);
    ((p * first + (first - 1.0 / second)) * second).copysign(x) // the sign of −0, too, is kept
}

/// eˣ = (1 + p) · 2ᵃ · 2ᵇ with p from −0.3 to 0.42: the exponent a + b alone may not fit.
#[inline(always)]
fn exp_reduced(x: f32) -> (f32, [f32; 2]) {
    // Beyond these the result is 0 or infinite; NaN stays NaN.
    let x = if x > 89.0 { 89.0 } else { x };
    let x = if x < -104.0 { -104.0 } else { x };
    // eˣ = 2ⁿ · eʳ with |r| ≤ ln 2 / 2; ln 2 in two parts, so that n · ln 2 is subtracted almost exactly.
    let (n, whole) = round(x * std::f32::consts::LOG2_E);
    let r = x - n * 0.693_359_4 - n * -2.121_944_4e-4;
    let mut p = 1.987_569_1e-4;
    for coefficient in [1.398_2e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 5e-1] {
        p = p * r + coefficient;
    }
    let half = whole >> 1;
    (p * (r * r) + r, [half, whole.wrapping_sub(half)].map(power_of_two))
}

/// 2ⁿ for a normal result.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits((n.wrapping_add(127) << 23) as u32)
}

/// The natural logarithm to 1 ulp: −∞ at 0, NaN below.
#[inline(always)]
pub(super) fn ln(x: f32) -> f32 {
    let tiny = x < f32::MIN_POSITIVE;
    let normal = if tiny { x * (1 << 23) as f32 } else { x };
    // x = m · 2ᵉ with √½ ≤ m < √2
    let shifted = normal.to_bits().wrapping_sub(std::f32::consts::FRAC_1_SQRT_2.to_bits());
    let e = ((shifted as i32) >> 23) as f32 - if tiny { 23.0 } else { 0.0 };
    let m = f32::from_bits((shifted & 0x007f_ffff).wrapping_add(std::f32::consts::FRAC_1_SQRT_2.to_bits()));
    let f = m - 1.0;
    let mut p = 7.037_683_6e-2;
    for coefficient in [
        -1.151_461e-1,
        1.167_699_84e-1,
        -1.242_014_1e-1,
        1.424_932_3e-1,
        -1.666_805_8e-1,
        2.000_071_4e-1,
        -2.499_999_4e-1,
        3.333_333e-1,
    ] {
        p = p * f + coefficient;
    }
    let square = f * f;
    let y = (p * f * square) + e * -2.121_944_4e-4 - 0.5 * square + f + e * 0.693_359_4;
    let y = if x == 0.0 { f32::NEG_INFINITY } else { y };
    let y = if x < 0.0 { f32::NAN } else { y };
    if x < f32::INFINITY { y } else { x } // infinity and NaN are their own logarithms
}

/// tanh x to 2 ulp.
#[inline(always)]
pub(super) fn tanh(x: f32) -> f32 {
    let square = x * x;
    let mut p = -5.704_988_7e-3;
    for coefficient in [2.063_909e-2, -5.373_971e-2, 1.333_144_2e-1, -3.333_328e-1] {
        p = p * square + coefficient;
    }
    let near_zero = p * square * x + x;
    let far = 1.0 - 2.0 / (exp(2.0 * x.abs()) + 1.0);
    let y = if x.abs() < 0.625 { near_zero } else { far };
    y.copysign(x) // the sign of −0, too, is kept
}

/// 1 / (1 + e⁻ˣ) to 3 ulp; 0 where the result would be below the normal numbers.
#[inline(always)]
pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// ln(1 + x) to 3 ulp: −∞ at −1, NaN below.
#[inline(always)]
pub(super) fn log1p(x: f32) -> f32 {
    // From the rounded u = 1 + x: ln u is off by what was rounded away, in the proportion x / (u − 1) (Goldberg 1991, "What
    // every computer scientist should know about floating-point arithmetic", theorem 4).
    let u = 1.0 + x;
    let y = if u == 1.0 { x } else { ln(u) * x / (u - 1.0) };
    if x > 1e30 { ln(u) } else { y }
}

/// ln(eᵃ + eᵇ) to 3 ulp of the larger one of a and the result.
#[inline(always)]
pub(super) fn logaddexp(a: f32, b: f32) -> f32 {
    let larger = if a > b { a } else { b };
    let distance = if a == b { 0.0 } else { (a - b).abs() }; // also of two infinities
    larger + log1p(exp(-distance))
}

/// ln(1 + eˣ) to 3 ulp.
#[inline(always)]
pub(super) fn softplus(x: f32) -> f32 {
    let positive = if x > 0.0 { x } else { 0.0 };
    if x.is_nan() { x } else { positive + log1p(exp(-x.abs())) }
}

/// The largest angle that [`sin`] and [`cos`] reduce well.
pub(super) const LARGEST_ANGLE: f32 = 8192.0;

/// sin x for |x| ≤ [`LARGEST_ANGLE`], to 2 ulp or, near its zeros, 10⁻⁷ of 1.
#[inline(always)]
pub(super) fn sin(x: f32) -> f32 {
    sin_of_quarters(x, 0)
}

/// cos x, likewise.
#[inline(always)]
pub(super) fn cos(x: f32) -> f32 {
    sin_of_quarters(x, 1)
}

/// sin(x + quarters · π/2).
#[inline(always)]
fn sin_of_quarters(x: f32, quarters: i32) -> f32 {
    let (n, whole) = round(x * std::f32::consts::FRAC_2_PI);
    // π/2 in three parts, the first two short enough to be exact when multiplied by n.
    let r = x - n * 1.570_312_5 - n * 4.837_513e-4 - n * 7.549_79e-8;
    let square = r * r;
    let sin = ((-1.951_529_6e-4 * square + 8.332_161e-3) * square - 1.666_665_5e-1) * square * r + r;
    let sin = sin.copysign(r); // the sign of −0, too, is kept
    let cos =
        ((2.443_315_7e-5 * square - 1.388_731_6e-3) * square + 4.166_664_6e-2) * (square * square) - 0.5 * square + 1.0;
    let quadrant = whole.wrapping_add(quarters);
    let value = if quadrant & 1 == 0 { sin } else { cos };
    if quadrant & 2 == 0 { value } else { -value }
}

/// The error function to 3 ulp.
#[inline(always)]
pub(super) fn erf(x: f32) -> f32 {
    let far = (1.0 - erfc(x.abs())).copysign(x);
    if x.abs() < 1.0 { erf_near_zero(x) } else { far }
}

/// The error function for |x| < 1.
#[inline(always)]
fn erf_near_zero(x: f32) -> f32 {
    let square = x * x;
    let mut p = 7.882_497e-5;
    for coefficient in [
        -8.018_855e-4,
        5.189_312e-3,
        -2.685_432_9e-2,
        1.128_359_7e-1,
        -3.761_262_6e-1,
        std::f32::consts::FRAC_2_SQRT_PI,
    ] {
        p = p * square + coefficient;
    }
    p * x
}

/// 1 − erf x to 5 ulp; results below the smallest normal number to its last place.
#[inline(always)]
pub(super) fn erfc(x: f32) -> f32 {
    // (1 + 2t) · e^(t²) · erfc t of t = |x| is smooth up to infinity in (t − 3) / (t + 3) (Shepherd and Laframboise 1981,
    // "Chebyshev approximation of (1 + 2x) exp(x²) erfc x"); the polynomial is fitted to t < 10.2, where erfc ends.
    let t = if x.abs() > 10.2 { 10.2 } else { x.abs() };
    let u = (t - 3.0) / (t + 3.0);
    let mut p = -2.713_589_3e-4;
    for coefficient in [
        -7.844_066e-4,
        2.000_355_2e-3,
        2.572_200_3e-3,
        -2.379_536_4e-2,
        6.829_461_5e-2,
        -1.192_715_4e-1,
        1.296_465_2e-1,
        -4.756_235_7e-2,
        -1.356_211_5e-1,
        1.253_008,
    ] {
        p = p * u + coefficient;
    }
    // t² in two parts: the square of a number of twelve bits, and the rest, so that its exponential keeps its digits.
    let short = f32::from_bits(t.to_bits() & 0xffff_f000);
    let y = p / (1.0 + 2.0 * t) * exp(-(t - short) * (t + short)) * exp(-short * short);
    let y = if x < 0.0 { 2.0 - y } else { y };
    let y = if t < 0.5 { 1.0 - erf_near_zero(x) } else { y };
    if x.is_nan() { x } else { y }
}

/// The angle of the point (x, y), to 3 ulp.
#[inline(always)]
pub(super) fn atan2(y: f32, x: f32) -> f32 {
    use std::f32::consts::{FRAC_PI_2, FRAC_PI_4, PI};
    let (steep, low, high) = if y.abs() > x.abs() { (true, x.abs(), y.abs()) } else { (false, y.abs(), x.abs()) };
    // The ratio, also of two zeros and of two infinities.
    let ratio = if low == high { 1.0 } else { low / high };
    let ratio = if high == 0.0 { 0.0 } else { ratio };
    // atan t = π/4 + atan((t − 1) / (t + 1)): the polynomial is for t < tan π/8.
    let far = ratio > 0.414_213_57;
    let (start, t) = if far { (FRAC_PI_4, (ratio - 1.0) / (ratio + 1.0)) } else { (0.0, ratio) };
    let square = t * t;
    let mut p = -6.459_376e-2;
    for coefficient in [1.074_629_8e-1, -1.426_423_2e-1, 1.999_955e-1, -3.333_333e-1] {
        p = p * square + coefficient;
    }
    let angle = start + (p * square * t + t);
    let angle = if steep { FRAC_PI_2 - angle } else { angle };
    let angle = if x.is_sign_negative() { PI - angle } else { angle };
    if x.is_nan() || y.is_nan() { f32::NAN } else { angle.copysign(y) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The distance between a result and the exact value in units of the exact value's last place.
    fn ulps(found: f32, exact: f64) -> f64 {
        let rounded = exact as f32;
        if found == rounded || (found.is_nan() && rounded.is_nan()) {
            return 0.0;
        }
        let place = (rounded.abs().max(f32::MIN_POSITIVE).next_up() - rounded.abs().max(f32::MIN_POSITIVE)) as f64;
        (f64::from(found) - exact).abs() / place
    }

    /// The largest error over evenly spread numbers of an interval.
    fn worst(f: impl Fn(f32) -> f32, exact: impl Fn(f64) -> f64, low: f32, high: f32) -> f64 {
        let points = (0..400_001).map(|i| low + (high - low) * (i as f32 / 400_000.0));
        points.map(|x| ulps(f(x), exact(x.into()))).fold(0.0, f64::max)
    }

    #[test]
    fn errors_are_as_stated() {
        assert!(worst(exp, f64::exp, -87.0, 88.7) <= 1.5);
        assert!(worst(exp, f64::exp, -1.0, 1.0) <= 1.5);
        assert!(worst(exp, f64::exp, -110.0, -87.0) <= 1.5); // results below the normal numbers
        for (low, high) in [(1e-44, 1e-38), (1e-38, 0.1), (0.1, 0.9), (0.9, 1.1), (1.1, 1e3), (1e3, 3e38)] {
            assert!(worst(ln, f64::ln, low, high) <= 1.0, "ln on {low}..{high}");
        }
        for (low, high) in [(-0.01, 0.01), (-1.0, 1.0), (-10.0, 10.0), (-1e3, 1e3)] {
            assert!(worst(tanh, f64::tanh, low, high) <= 2.0, "tanh on {low}..{high}");
        }
        assert!(worst(sigmoid, |x| 1.0 / (1.0 + (-x).exp()), -87.0, 100.0) <= 3.0);
        let softplus_exactly = |x: f64| x.max(0.0) + (-x.abs()).exp().ln_1p();
        assert!(worst(softplus, softplus_exactly, -87.0, 100.0) <= 3.0);
        for (low, high) in [(-0.01, 0.01), (-1.0, 1.0), (-20.0, 88.7)] {
            assert!(worst(expm1, f64::exp_m1, low, high) <= 2.0, "expm1 on {low}..{high}");
            assert!(worst(log1p, f64::ln_1p, low.max(-0.999_999), high) <= 3.0, "log1p on {low}..{high}");
            assert!(worst(erf, libm::erf, low, high) <= 3.0, "erf on {low}..{high}");
        }
        for (low, high) in [(-10.0, 0.0), (0.0, 1.0), (1.0, 10.0), (9.0, 11.0)] {
            assert!(worst(erfc, libm::erfc, low, high) <= 5.0, "erfc on {low}..{high}");
        }
        for x in [-3.0_f32, -0.5, 0.5, 2.0] {
            for (low, high) in [(-0.01, 0.01), (-1.0, 1.0), (-20.0, 20.0)] {
                let (of_y, of_x) = (|y: f32| atan2(y, x), |y: f32| atan2(x, y));
                assert!(worst(of_y, |y| y.atan2(x.into()), low, high) <= 3.0, "atan2 of {low}..{high} and {x}");
                assert!(worst(of_x, |y| f64::from(x).atan2(y), low, high) <= 3.0, "atan2 of {x} and {low}..{high}");
            }
        }
    }

    #[test]
    fn angles_are_reduced_as_stated() {
        for i in -200_000..=200_000 {
            let x = i as f32 * (LARGEST_ANGLE / 200_000.0);
            for (found, exact) in [(sin(x), f64::from(x).sin()), (cos(x), f64::from(x).cos())] {
                assert!((f64::from(found) - exact).abs() <= 1e-7 || ulps(found, exact) <= 2.0, "{x}: {found} {exact}");
            }
        }
    }

    #[test]
    fn limits_are_those_of_std() {
        for x in [0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MAX, f32::MIN, 1e-45] {
            for (name, found, exact) in [
                ("exp", exp(x), x.exp()),
                ("expm1", expm1(x), x.exp_m1()),
                ("ln", ln(x), x.ln()),
                ("log1p", log1p(x), x.ln_1p()),
                ("logaddexp", logaddexp(x, x), x + std::f32::consts::LN_2),
                ("erf", erf(x), libm::erf(x.into()) as f32),
                ("erfc", erfc(x), libm::erfc(x.into()) as f32),
                ("tanh", tanh(x), x.tanh()),
                ("sigmoid", sigmoid(x), 1.0 / (1.0 + (-x).exp())),
                ("softplus", softplus(x), x.max(0.0) + (-x.abs()).exp().ln_1p()),
            ] {
                let same = found == exact || (found.is_nan() && exact.is_nan());
                assert!(same, "{name}({x}) is {found}, not {exact}");
            }
        }
        assert!(ln(-1.0).is_nan());
    }
}
