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
    let p = p * (r * r) + r + 1.0;
    // 2ⁿ in two steps: the exponent alone may not fit.
    let half = whole >> 1;
    p * power_of_two(half) * power_of_two(whole.wrapping_sub(half))
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

/// ln(1 + eˣ) to 3 ulp.
#[inline(always)]
pub(super) fn softplus(x: f32) -> f32 {
    let t = exp(-x.abs());
    // ln(1 + t) from the rounded u = 1 + t: ln u is off by what was rounded away, in the proportion t / (u − 1)
    // (Goldberg 1991, "What every computer scientist should know about floating-point arithmetic", theorem 4).
    let u = 1.0 + t;
    let tail = if u == 1.0 { t } else { ln(u) * t / (u - 1.0) };
    let positive = if x > 0.0 { x } else { 0.0 };
    if x.is_nan() { x } else { positive + tail }
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
                ("ln", ln(x), x.ln()),
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
