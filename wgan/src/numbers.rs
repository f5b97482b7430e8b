//! What is shown to people: numbers and times as they read them, and as many of many things as they want to see.

/// The least and the greatest of some numbers; (∞, −∞) of none.
pub fn extent(numbers: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let none = (f64::INFINITY, f64::NEG_INFINITY);
    numbers.into_iter().fold(none, |(least, greatest), x| (least.min(x), greatest.max(x)))
}

/// A number with so many significant digits, if it needs them; very small and large ones with two, and a power of ten.
///
/// ```
/// use wgan::numbers::number;
/// assert_eq!([0.035_97, -1.025, 123_456.7, 2.0].map(|x| number(x, 4)), ["0.03597", "−1.025", "123457", "2"]);
/// assert_eq!([0.0, 0.1, -1e-9, 2.34e7, f64::INFINITY].map(|x| number(x, 4)), ["0", "0.1", "−1e-9", "2.3e7", "∞"]);
/// ```
pub fn number(x: f64, digits: i32) -> String {
    let text = match x.abs() {
        x if x.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "∞".to_owned(),
        0.0 => "0".to_owned(),
        x if !(1e-4..1e6).contains(&x) => format!("{x:.1e}").replace(".0e", "e"),
        x => {
            let decimals = (digits - 1 - x.log10().floor() as i32).max(0) as usize;
            let text = format!("{x:.decimals$}");
            if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
        }
    };
    if x < 0.0 { format!("−{text}") } else { text }
}

/// A round number, as it stands beside an axis.
///
/// ```
/// use wgan::numbers::round_number;
/// assert_eq!([0.1 + 0.2, 1200.0, -2.5e-7, 1e6].map(round_number), ["0.3", "1200", "−2.5·10⁻⁷", "10⁶"]);
/// ```
pub fn round_number(x: f64) -> String {
    if x == 0.0 || (1e-4..1e6).contains(&x.abs()) {
        return number(x, 8);
    }
    let exponent = (x.abs().log10() + 1e-9).floor() as i32;
    let power = power_of_ten(exponent);
    match number(x / 10f64.powi(exponent), 6) {
        one if one == "1" => power,
        factor => format!("{factor}·{power}"),
    }
}

/// `10⁻³` for −3.
pub fn power_of_ten(exponent: i32) -> String {
    let raised = |digit: char| match digit {
        '-' => '⁻',
        digit => ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'][digit as usize - '0' as usize],
    };
    let exponent: String = exponent.to_string().chars().map(raised).collect();
    format!("10{exponent}")
}

/// A share of all.
///
/// ```
/// assert_eq!(wgan::numbers::percent(0.1234), "12.3 %");
/// ```
pub fn percent(share: f64) -> String {
    format!("{:.1} %", 100.0 * share)
}

/// A time in seconds as a person says it.
///
/// ```
/// use wgan::numbers::duration;
/// assert_eq!([9.4, 220.0, 3725.0].map(duration), ["9 s", "3 min 40 s", "1 h 2 min"]);
/// ```
pub fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, _) => format!("{minutes} min {seconds} s"),
        _ => format!("{hours} h {minutes} min"),
    }
}

/// At most this many of the items, evenly chosen, the first and the last among them.
pub fn evenly<T: Clone>(items: &[T], most: usize) -> Vec<T> {
    match items.len() {
        count if count <= most => items.to_vec(),
        count => (0..most).map(|i| items[i * (count - 1) / (most - 1)].clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_even_choice_keeps_both_ends() {
        let items: Vec<i32> = (0..1001).collect();
        assert_eq!(evenly(&items, 5), [0, 250, 500, 750, 1000]);
        assert_eq!((evenly(&items, 1001), evenly(&items[..3], 400)), (items.clone(), vec![0, 1, 2]));
        assert!(evenly::<i32>(&[], 2).is_empty());
    }
}
