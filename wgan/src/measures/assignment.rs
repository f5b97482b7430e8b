//! The assignment problem, solved exactly, and what it says of two samples: between as many points of equal weight, an
//! optimal transport is a pairing (Birkhoff's theorem).

use autograd::Element;

use super::points;

/// A pairing of rows with columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// The column of each row.
    pub columns: Vec<usize>,
    /// The sum of the pairs' costs.
    pub cost: f64,
}

/// The pairing of n rows with n columns whose costs, `costs[row·n + column]`, add up to the least: successive shortest
/// augmenting paths in O(n³) (Jonker and Volgenant 1987, "A shortest augmenting path algorithm for dense and sparse
/// linear assignment problems").
///
/// ```
/// use wgan::measures::optimal_assignment;
/// let best = optimal_assignment(&[4.0, 1.0, 3.0, 2.0, 0.0, 5.0, 3.0, 2.0, 2.0]);
/// assert_eq!((best.columns, best.cost), (vec![1, 0, 2], 5.0));
/// ```
///
/// # Panics
/// If the costs make no square matrix or one is not finite.
pub fn optimal_assignment(costs: &[f64]) -> Assignment {
    let n = costs.len().isqrt();
    assert!(n * n == costs.len(), "{} costs make no square matrix", costs.len());
    assert!(costs.iter().all(|cost| cost.is_finite()), "a cost is not finite");
    let cheapest = |column| (0..n).map(|row| costs[row * n + column]).fold(f64::INFINITY, f64::min);
    let mut matching = Matching {
        columns: vec![NONE; n],
        rows: vec![NONE; n],
        row_prices: vec![0.0; n],
        column_prices: (0..n).map(cheapest).collect(),
    };
    (0..n).for_each(|row| matching.add(row, costs));
    let cost = (0..n).map(|row| costs[row * n + matching.columns[row]]).sum();
    Assignment { columns: matching.columns, cost }
}

/// The Wasserstein-1 distance between two equally large samples, exactly: the mean distance between the points of an
/// optimal pairing. The points, of `dimension` numbers each, lie one after the other; distances are Euclidean.
///
/// ```
/// use wgan::measures::wasserstein;
/// let (square, shifted) = ([0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0], [4.0, 1.0, 3.0, 0.0, 4.0, 0.0, 3.0, 1.0]);
/// assert_eq!(wasserstein(&square, &shifted, 2), 3.0);
/// ```
///
/// # Panics
/// If the samples are empty, of different sizes, no whole points, or not finite.
pub fn wasserstein<T: Element>(a: &[T], b: &[T], dimension: usize) -> f64 {
    let [left, right] = [a, b].map(|sample| points(sample, dimension));
    assert!(!a.is_empty() && a.len() == b.len(), "samples of {} and {} points", left.len(), right.len());
    optimal_assignment(&euclidean_costs(a, b, dimension)).cost / left.len() as f64
}

/// The distances of each point of `a` to all of `b`, one row after the other, as [`optimal_assignment`] takes them.
pub fn euclidean_costs<T: Element>(a: &[T], b: &[T], dimension: usize) -> Vec<f64> {
    let [left, right] = [a, b].map(|sample| points(sample, dimension));
    left.flat_map(|x| right.clone().map(move |y| euclidean(x, y))).collect()
}

fn euclidean<T: Element>(x: &[T], y: &[T]) -> f64 {
    x.iter().zip(y).map(|(&x, &y)| (x.into() - y.into()).powi(2)).sum::<f64>().sqrt()
}

/// Not matched.
const NONE: usize = usize::MAX;

/// A matching of some rows, optimal among those of as many, with the prices that prove it: no cost is less than the sum
/// of its row's and its column's price, and on matched pairs they are equal.
struct Matching {
    columns: Vec<usize>,
    rows: Vec<usize>,
    row_prices: Vec<f64>,
    column_prices: Vec<f64>,
}

impl Matching {
    /// Matches one more row, along the shortest path to a free column that changes partners on its way. The length of an
    /// edge is its cost less the prices, which is never negative, so Dijkstra's algorithm finds the path.
    fn add(&mut self, start: usize, costs: &[f64]) {
        let n = self.rows.len();
        let mut lengths = vec![f64::INFINITY; n]; // of the shortest paths to columns found so far
        let mut previous = vec![NONE; n]; //        the last row on each
        let mut open: Vec<usize> = (0..n).collect();
        let mut reached = Vec::with_capacity(n); // columns whose shortest path is known
        let (mut row, mut length) = (start, 0.0);
        let end = loop {
            let (costs, offset) = (&costs[row * n..][..n], length - self.row_prices[row]);
            let (mut nearest, mut least) = (0, f64::INFINITY);
            for (position, &column) in open.iter().enumerate() {
                let through_row = offset + costs[column] - self.column_prices[column];
                if through_row < lengths[column] {
                    (lengths[column], previous[column]) = (through_row, row);
                }
                // Of equally near columns a free one, which ends the search.
                if lengths[column] < least || (lengths[column] == least && self.rows[column] == NONE) {
                    (nearest, least) = (position, lengths[column]);
                }
            }
            let column = open.swap_remove(nearest);
            length = least;
            if self.rows[column] == NONE {
                break column;
            }
            reached.push(column);
            row = self.rows[column];
        };
        // Along the tree of shortest paths, prices become equal to costs.
        self.row_prices[start] += length;
        for column in reached {
            self.row_prices[self.rows[column]] += length - lengths[column];
            self.column_prices[column] -= length - lengths[column];
        }
        let mut column = end;
        while column != NONE {
            let row = previous[column];
            self.rows[column] = row;
            column = std::mem::replace(&mut self.columns[row], column);
        }
    }
}

#[cfg(test)]
mod tests {
    use nn::Rng;
    use rand::RngExt;

    use super::super::wasserstein_1d;
    use super::*;

    fn uniforms(count: usize, name: &str) -> Vec<f64> {
        let mut rng = Rng::new(0, name);
        (0..count).map(|_| rng.random()).collect()
    }

    /// The least cost over all permutations of the columns.
    fn brute_force(costs: &[f64], n: usize, columns: &mut Vec<usize>) -> f64 {
        let row = columns.len();
        if row == n {
            return 0.0;
        }
        let mut least = f64::INFINITY;
        for column in 0..n {
            if !columns.contains(&column) {
                columns.push(column);
                least = least.min(costs[row * n + column] + brute_force(costs, n, columns));
                columns.pop();
            }
        }
        least
    }

    #[test]
    fn it_is_the_best_of_all_permutations() {
        for n in 1..=7 {
            for case in 0..20 {
                // Whole numbers of a small range, so that many permutations are equally good; some are negative.
                let costs: Vec<f64> =
                    uniforms(n * n, &format!("{n} {case}")).iter().map(|x| (x * 12.0 - 4.0).floor()).collect();
                let best = optimal_assignment(&costs);
                let mut columns = best.columns.clone();
                columns.sort_unstable();
                assert!(columns.into_iter().eq(0..n), "no permutation: {:?}", best.columns);
                let cost: f64 = best.columns.iter().enumerate().map(|(row, column)| costs[row * n + column]).sum();
                assert_eq!((best.cost, cost), (brute_force(&costs, n, &mut Vec::new()), cost), "{costs:?}");
            }
        }
    }

    /// On the line, sorting solves it.
    #[test]
    fn on_the_line_it_agrees_with_sorting() {
        let (a, b) = (uniforms(300, "a"), uniforms(300, "b"));
        assert!((wasserstein(&a, &b, 1) - wasserstein_1d(&a, &b)).abs() < 1e-12);
    }

    /// A translation is an optimal transport: its distance is the length of the shift.
    #[test]
    fn a_shifted_sample_is_as_far_as_its_shift() {
        let a = uniforms(600, "a");
        let shifted: Vec<f64> = a.chunks(3).rev().flat_map(|p| [p[0] + 2.0, p[1] - 3.0, p[2] + 6.0]).collect();
        assert!((wasserstein(&a, &shifted, 3) - 7.0).abs() < 1e-12);
        assert_eq!(wasserstein(&a, &a, 3), 0.0);
    }

    #[test]
    fn no_rows_cost_nothing() {
        assert_eq!(optimal_assignment(&[]), Assignment { columns: vec![], cost: 0.0 });
    }
}
