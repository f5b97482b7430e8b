//! Lines: the parts of them that a plot shows, and dashes. Places in a plot run from (0, 0) to (1, 1).

use super::canvas::Place;

/// Whether a place is within the plot, but for rounding.
pub fn inside((x, y): &(f64, f64)) -> bool {
    [x, y].iter().all(|u| (-1e-6..=1.000_001).contains(*u))
}

/// The parts of a line that lie inside the plot and have no gap.
pub fn pieces(places: impl Iterator<Item = (f64, f64)>) -> Vec<Vec<(f64, f64)>> {
    let places: Vec<_> = places.collect();
    let mut pieces: Vec<Vec<(f64, f64)>> = Vec::new();
    for ends in places.windows(2) {
        let Some([from, to]) = clipped([ends[0], ends[1]]) else { continue };
        match pieces.last_mut() {
            Some(piece) if piece.last() == Some(&from) => piece.push(to),
            _ => pieces.push(vec![from, to]),
        }
    }
    pieces
}

/// The part of a segment inside the unit square (Liang and Barsky 1984).
fn clipped([from, to]: [(f64, f64); 2]) -> Option<[(f64, f64); 2]> {
    let (run, rise) = (to.0 - from.0, to.1 - from.1);
    if !(run.is_finite() && rise.is_finite()) {
        return None;
    }
    let (mut enter, mut leave) = (0.0f64, 1.0f64);
    for (way, room) in [(-run, from.0), (run, 1.0 - from.0), (-rise, from.1), (rise, 1.0 - from.1)] {
        if way == 0.0 && room < 0.0 {
            return None;
        } else if way < 0.0 {
            enter = enter.max(room / way);
        } else if way > 0.0 {
            leave = leave.min(room / way);
        }
    }
    let at = |t: f64| {
        if t == 0.0 {
            from
        } else if t == 1.0 {
            to
        } else {
            (from.0 + t * run, from.1 + t * rise)
        }
    };
    (enter <= leave).then(|| [at(enter), at(leave)])
}

/// The points of a line on the canvas, without those that cannot be told from the one before.
pub fn thinned(piece: &[(f64, f64)], at: impl Fn((f64, f64)) -> Place) -> Vec<Place> {
    let mut places: Vec<Place> = piece.iter().map(|&place| at(place)).collect();
    places.dedup();
    places
}

/// A line cut into dashes.
pub fn dashes(points: &[Place]) -> Vec<[Place; 2]> {
    const DASH: f64 = 14.0;
    const GAP: f64 = 9.0;
    let mut dashes = Vec::new();
    let mut done = 0.0; // of the present dash and its gap
    for ends in points.windows(2) {
        let [(x, y), (to_x, to_y)] = [ends[0], ends[1]].map(|(x, y)| (f64::from(x), f64::from(y)));
        let length = (to_x - x).hypot(to_y - y);
        let at = |t: f64| ((x + (to_x - x) * t / length).round() as i32, (y + (to_y - y) * t / length).round() as i32);
        let mut t = 0.0;
        while t < length {
            let drawing = done < DASH - 1e-6;
            let next = (t + if drawing { DASH } else { DASH + GAP } - done).min(length);
            if drawing {
                dashes.push([at(t), at(next)]);
            }
            done += next - t;
            if done > DASH + GAP - 1e-6 {
                done = 0.0;
            }
            t = next;
        }
    }
    dashes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_cut_where_it_leaves_the_plot() {
        assert_eq!(clipped([(-1.0, 0.5), (2.0, 0.5)]), Some([(0.0, 0.5), (1.0, 0.5)]));
        assert_eq!(clipped([(0.25, 0.5), (0.75, 0.5)]), Some([(0.25, 0.5), (0.75, 0.5)]));
        assert_eq!(clipped([(0.0, 2.0), (1.0, 1.5)]), None);
        assert_eq!(clipped([(0.0, f64::NAN), (1.0, 0.5)]), None);
        let broken = [(0.0, 0.0), (0.5, 0.5), (0.6, f64::INFINITY), (0.7, 0.5), (1.0, 0.5)];
        assert_eq!(pieces(broken.into_iter()).len(), 2);
    }

    #[test]
    fn dashes_run_on_around_corners() {
        let straight: i32 = dashes(&[(0, 0), (230, 0)]).iter().map(|[from, to]| to.0 - from.0).sum();
        assert_eq!(straight, 140);
        let bent = dashes(&[(0, 0), (7, 0), (7, 223)]);
        assert_eq!(bent[..3], [[(0, 0), (7, 0)], [(7, 0), (7, 7)], [(7, 16), (7, 30)]]);
    }
}
