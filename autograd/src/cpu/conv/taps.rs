//! Which source pixels and which elements of the filter each result pixel is made of. Pixels of the padding are left
//! out here, once, so that no kernel ever multiplies a zero of the padding.

/// Neighbouring elements of the filter, and the neighbouring source pixels they are multiplied with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tap {
    /// Position of the first element in the filter: kw · i + j.
    pub filter: usize,
    /// Its source pixel, counted from that of the region's first tap.
    pub from: usize,
    /// Number of elements.
    pub count: usize,
}

/// A result pixel and the source pixel of its first tap, each as its position in its image.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pixel {
    pub from: usize,
    pub to: usize,
}

/// Result pixels that have the same taps: the inside of an image is one region, each border and corner is another, and
/// a transposed convolution has `stride²` insides.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    pub taps: Vec<Tap>,
    pub pixels: Vec<Pixel>,
}

/// The taps along one axis, for each result coordinate: (position in the filter, source coordinate), the source
/// coordinates ascending.
pub type AxisTaps = Vec<Vec<(usize, usize)>>;

/// The taps of a convolution: result o takes source `o · stride + tap − padding`.
pub fn forward(results: usize, sources: usize, kernel: usize, stride: usize, padding: usize) -> AxisTaps {
    let source =
        |result: usize, tap: usize| (result * stride + tap).checked_sub(padding).filter(|&source| source < sources);
    let taps = |result| (0..kernel).filter_map(move |tap| Some((tap, source(result, tap)?))).collect();
    (0..results).map(taps).collect()
}

/// The taps of its transpose, in which results and sources have changed places.
pub fn backward(results: usize, sources: usize, kernel: usize, stride: usize, padding: usize) -> AxisTaps {
    let mut taps = vec![Vec::new(); results];
    for (source, results) in forward(sources, results, kernel, stride, padding).into_iter().enumerate() {
        results.into_iter().for_each(|(tap, result)| taps[result].push((tap, source)));
    }
    taps
}

/// Sorts the result pixels by their taps. `widths` are those of the filter, a source row and a result row.
pub fn regions(rows: &AxisTaps, columns: &AxisTaps, [filter, source, result]: [usize; 3]) -> Vec<Region> {
    let (rows, columns) = (groups(rows), groups(columns));
    let mut regions = Vec::new();
    for (row_taps, rows) in &rows {
        for (column_taps, columns) in &columns {
            let taps = merged(&pairs(row_taps, column_taps, |(i, y), (j, x)| [i * filter + j, y * source + x]));
            let pixels = pairs(rows, columns, |(i, y), (j, x)| Pixel { to: i * result + j, from: y * source + x });
            regions.push(Region { taps, pixels });
        }
    }
    regions
}

/// Joins (element of the filter, source pixel) pairs that continue one another.
fn merged(pairs: &[[usize; 2]]) -> Vec<Tap> {
    let mut taps: Vec<Tap> = Vec::new();
    for &[filter, from] in pairs {
        match taps.last_mut() {
            Some(last) if [last.filter + last.count, last.from + last.count] == [filter, from] => last.count += 1,
            _ => taps.push(Tap { filter, from, count: 1 }),
        }
    }
    taps
}

/// For each element of the filter, the (source, result) pixels that it connects.
pub fn connections(
    rows: &AxisTaps,
    columns: &AxisTaps,
    kernel: [usize; 2],
    source_width: usize,
) -> Vec<Vec<[usize; 2]>> {
    let mut connections = vec![Vec::new(); kernel[0] * kernel[1]];
    for (i, row_taps) in rows.iter().enumerate() {
        for (j, column_taps) in columns.iter().enumerate() {
            let result = i * columns.len() + j;
            for (&(a, y), &(b, x)) in
                row_taps.iter().flat_map(|row| column_taps.iter().map(move |column| (row, column)))
            {
                connections[a * kernel[1] + b].push([y * source_width + x, result]);
            }
        }
    }
    connections
}

/// Coordinates with the same taps: the taps as (position in the filter, distance from the first source), and the
/// coordinates as (result, first source).
type Group = (Vec<(usize, usize)>, Vec<(usize, usize)>);

fn groups(axis: &AxisTaps) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (result, taps) in axis.iter().enumerate() {
        let first = taps.first().map_or(0, |&(_, source)| source);
        let relative: Vec<_> = taps.iter().map(|&(tap, source)| (tap, source - first)).collect();
        match groups.iter_mut().find(|(taps, _)| *taps == relative) {
            Some((_, members)) => members.push((result, first)),
            None => groups.push((relative, vec![(result, first)])),
        }
    }
    groups
}

fn pairs<T>(a: &[(usize, usize)], b: &[(usize, usize)], pair: impl Fn((usize, usize), (usize, usize)) -> T) -> Vec<T> {
    a.iter().flat_map(|&a| b.iter().map(move |&b| (a, b))).map(|(a, b)| pair(a, b)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Width 5, kernel 3, stride 2, padding 1: windows −1..2, 1..4, 3..6.
    #[test]
    fn padding_has_no_taps() {
        let taps = forward(3, 5, 3, 2, 1);
        assert_eq!(taps, [vec![(1, 0), (2, 1)], vec![(0, 1), (1, 2), (2, 3)], vec![(0, 3), (1, 4)]]);
        let transposed = backward(5, 3, 3, 2, 1);
        assert_eq!(transposed, [vec![(1, 0)], vec![(2, 0), (0, 1)], vec![(1, 1)], vec![(2, 1), (0, 2)], vec![(1, 2)]]);
    }

    #[test]
    fn pixels_with_the_same_taps_share_a_region() {
        let axis = forward(7, 14, 5, 2, 2);
        let regions = regions(&axis, &axis, [5, 14, 7]);
        assert_eq!(regions.len(), 9);
        let inside = regions.iter().find(|region| region.pixels.len() == 25).unwrap();
        assert_eq!(inside.pixels[0], Pixel { from: 0, to: 8 });
        assert_eq!(inside.taps.len(), 5); // the rows of the filter
        assert_eq!(inside.taps[1], Tap { filter: 5, from: 14, count: 5 });
    }
}
