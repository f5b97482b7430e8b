//! Level lines of values on a grid.

use std::collections::BTreeMap;

use super::drawing::Point;

/// What surrounds the grid: nothing is lower.
const OUTSIDE: f64 = f64::MIN / 4.0;

/// The outlines of where values in rows of `across`, the lowest row first, are at least `level`, in linear interpolation
/// ("marching squares"). Places run from (0, 0) in the middle of the first value to (1, 1) in that of the last. Each outline
/// ends where it begins; what reaches the edge of the grid is closed one value beyond it.
pub fn outlines(values: &[f64], across: usize, level: f64) -> Vec<Vec<Point>> {
    // A ring of copies of the values at the edge, and a ring of what is outside.
    let (width, height) = (across + 4, values.len() / across + 4);
    let value = |corner: usize| {
        let (x, y) = (corner % width, corner / width);
        if x == 0 || y == 0 || x == width - 1 || y == height - 1 {
            return OUTSIDE;
        }
        let (column, row) = (x.clamp(2, width - 3) - 2, y.clamp(2, height - 3) - 2);
        let value = values[row * across + column];
        if value.is_finite() { value } else { OUTSIDE }
    };
    // From each side of a cell on which the outline enters it to that on which it leaves, the high values to its left. A side
    // is its high and its low corner.
    let mut next = BTreeMap::new();
    for (row, column) in (0..height - 1).flat_map(|row| (0..width - 1).map(move |column| (row, column))) {
        let first = row * width + column;
        let corners = [first, first + 1, first + 1 + width, first + width];
        let high = corners.map(|corner| value(corner) >= level);
        let joined = corners.map(|corner| value(corner) / 4.0).iter().sum::<f64>() >= level; // of two high corners
        for i in (0..4).filter(|&i| high[i] && !high[(i + 1) % 4]) {
            let rises = |k: &usize| !high[k % 4] && high[(k + 1) % 4];
            let end = if joined { (i + 1..i + 4).find(rises) } else { (i + 1..i + 4).rev().find(rises) };
            let end = end.expect("around a cell, what falls rises again");
            next.insert([corners[i], corners[(i + 1) % 4]], [corners[(end + 1) % 4], corners[end % 4]]);
        }
    }
    let place = |[high, low]: [usize; 2]| {
        let share = (value(high) - level) / (value(high) - value(low));
        let between = |from: usize, to: usize, count: usize| {
            (from as f64 + share * (to as f64 - from as f64) - 2.0) / (count as f64 - 5.0)
        };
        (between(high % width, low % width, width), between(high / width, low / width, height))
    };
    let mut outlines = Vec::new();
    while let Some((&start, _)) = next.first_key_value() {
        let mut outline = Vec::new();
        let mut side = start;
        while let Some(following) = next.remove(&side) {
            outline.push(place(side));
            side = following;
        }
        outline.push(place(start));
        outlines.push(outline);
    }
    outlines
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The area that an outline encloses, by the shoelace formula: positive with what is high to its left.
    fn area(outline: &[Point]) -> f64 {
        outline.windows(2).map(|ends| (ends[0].0 * ends[1].1 - ends[1].0 * ends[0].1) / 2.0).sum()
    }

    #[test]
    fn a_plane_is_cut_along_a_straight_line() {
        // x + 2y, which is 1.25 from (0, 0.625) to (1, 0.125).
        let values: Vec<f64> = (0..25).map(|i| f64::from(i % 5) / 4.0 + 2.0 * f64::from(i / 5) / 4.0).collect();
        let outlines = outlines(&values, 5, 1.25);
        let within = outlines[0].iter().filter(|(x, y)| [x, y].iter().all(|u| (0.0..=1.0).contains(*u)));
        let within: Vec<_> = within.collect();
        assert!(outlines.len() == 1 && within.len() >= 5, "{outlines:?}");
        assert!(within.iter().all(|(x, y)| (x + 2.0 * y - 1.25).abs() < 1e-12), "{within:?}");
    }

    #[test]
    fn a_hill_has_a_round_outline_and_a_lake_in_it_another() {
        let hill =
            |i: usize| (((i % 101) as f64 / 50.0 - 1.0).powi(2) + ((i / 101) as f64 / 50.0 - 1.0).powi(2)).sqrt();
        let values: Vec<f64> = (0..101 * 101).map(hill).map(|radius| -(radius - 0.5).abs()).collect();
        let mut areas: Vec<f64> = outlines(&values, 101, -0.25).iter().map(|outline| 4.0 * area(outline)).collect();
        areas.sort_by(f64::total_cmp);
        let expected = [-0.25f64.powi(2), 0.75f64.powi(2)].map(|area| area * std::f64::consts::PI);
        assert!(areas.len() == 2 && areas.iter().zip(expected).all(|(a, b)| (a - b).abs() < 2e-3), "{areas:?}");
    }

    #[test]
    fn saddles_and_missing_values_are_outlined() {
        assert_eq!(outlines(&[1.0, 0.0, 0.0, 1.0], 2, 0.4).len(), 1);
        assert_eq!(outlines(&[1.0, 0.0, 0.0, 1.0], 2, 0.6).len(), 2);
        assert_eq!(outlines(&[f64::NAN, 0.0, 0.0, 1.0], 2, 2.0).len(), 0);
        assert_eq!(outlines(&[f64::NAN, 1.0, 1.0, 1.0], 2, 0.5).len(), 1);
    }
}
