//! Where the boxes of a graph go: in layers, each below what it reads, each near what it is linked to (after Sugiyama,
//! Tagawa and Toda 1981, "Methods for visual understanding of hierarchical system structures").

/// Between neighbours of a layer, and between layers.
const GAP: [f64; 2] = [18.0, 34.0];
/// Room that a line takes where it passes a layer.
const LANE: f64 = 6.0;
/// How often all layers are gone through, down and up again.
const ROUNDS: usize = 24;

/// A box to be placed.
pub(super) struct Item {
    pub width: f64,
    pub height: f64,
    /// The boxes it reads, all earlier ones.
    pub reads: Vec<usize>,
}

/// What came of it.
pub(super) struct Layout {
    /// Each box's middle and upper edge.
    pub places: Vec<[f64; 2]>,
    /// The lines, each into a box.
    pub wires: Vec<Wire>,
    pub width: f64,
    pub height: f64,
}

/// A line from a box to one that reads it.
pub(super) struct Wire {
    pub reader: usize,
    /// Where it begins and ends, and between them where it passes a layer: there at the upper and the lower edge.
    pub points: Vec<[f64; 2]>,
}

/// A box, or a lane in which the lines from one box to layers further below pass a layer.
struct Vertex {
    layer: usize,
    width: f64,
    above: Vec<usize>,
    below: Vec<usize>,
    x: f64,
}

pub(super) fn place(items: &[Item]) -> Layout {
    let layers = layers(items);
    let vertex = |(layer, item): (&usize, &Item)| Vertex::new(*layer, item.width);
    let mut vertices: Vec<Vertex> = layers.iter().zip(items).map(vertex).collect();
    let mut lanes: Vec<Vec<usize>> = vec![Vec::new(); items.len()]; // of each box, one a layer
    for (reader, item) in items.iter().enumerate() {
        for &read in &item.reads {
            for layer in layers[read] + 1 + lanes[read].len()..layers[reader] {
                lanes[read].push(vertices.len());
                vertices.push(Vertex::new(layer, LANE));
                let above = before(read, &lanes[read], lanes[read].len() - 1);
                link(&mut vertices, above, *lanes[read].last().expect("one was pushed"));
            }
            let above = before(read, &lanes[read], layers[reader] - layers[read] - 1);
            link(&mut vertices, above, reader);
        }
    }
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); layers.iter().max().map_or(0, |last| last + 1)];
    vertices.iter().enumerate().for_each(|(id, vertex)| rows[vertex.layer].push(id));
    rows.iter().for_each(|row| spread(&mut vertices, row, &vec![0.0; row.len()]));
    for round in 0..ROUNDS {
        let layers = 0..rows.len();
        let order: Vec<usize> = if round % 2 == 0 { layers.collect() } else { layers.rev().collect() };
        for layer in order {
            let wish = |id: usize| {
                let Vertex { above, below, x, .. } = &vertices[id];
                let near: Vec<usize> = match (round + 4 >= ROUNDS, round % 2) {
                    (true, _) => [&above[..], below].concat(),
                    (_, 0) => above.clone(),
                    _ => below.clone(),
                };
                let sum: f64 = near.iter().map(|&other| vertices[other].x).sum();
                if near.is_empty() { *x } else { sum / near.len() as f64 }
            };
            let mut wishes: Vec<(f64, usize)> = rows[layer].iter().map(|&id| (wish(id), id)).collect();
            if round + 4 < ROUNDS {
                wishes.sort_by(|a, b| a.0.total_cmp(&b.0)); // keeps the order of equals
            }
            let (wishes, row): (Vec<f64>, Vec<usize>) = wishes.into_iter().unzip();
            spread(&mut vertices, &row, &wishes);
            rows[layer] = row;
        }
    }
    let left = vertices.iter().map(|vertex| vertex.x - vertex.width / 2.0).fold(f64::INFINITY, f64::min);
    vertices.iter_mut().for_each(|vertex| vertex.x -= left);
    let height = |layer: usize| {
        let here = items.iter().zip(&layers).filter(|&(_, &its)| its == layer);
        here.map(|(item, _)| item.height).fold(0.0, f64::max)
    };
    let heights: Vec<f64> = (0..rows.len()).map(height).collect();
    let top = |layer: usize| heights[..layer].iter().map(|height| height + GAP[1]).sum::<f64>();
    let wire = |reader: usize, position: usize| {
        let (item, read) = (&items[reader], items[reader].reads[position]);
        let port = (position as f64 + 1.0) / (item.reads.len() as f64 + 1.0) - 0.5;
        let pass = |&lane: &usize| {
            let Vertex { x, layer, .. } = vertices[lane];
            [[x, top(layer)], [x, top(layer) + heights[layer]]]
        };
        let from = [vertices[read].x, top(layers[read]) + items[read].height];
        let to = [vertices[reader].x + port * item.width, top(layers[reader])];
        let passed = lanes[read][..layers[reader] - layers[read] - 1].iter().flat_map(pass);
        Wire { reader, points: [from].into_iter().chain(passed).chain([to]).collect() }
    };
    Layout {
        places: vertices[..items.len()].iter().map(|vertex| [vertex.x, top(vertex.layer)]).collect(),
        wires: (0..items.len())
            .flat_map(|reader| (0..items[reader].reads.len()).map(move |position| (reader, position)))
            .map(|(reader, position)| wire(reader, position))
            .collect(),
        width: vertices.iter().map(|vertex| vertex.x + vertex.width / 2.0).fold(0.0, f64::max),
        height: heights.last().map_or(0.0, |last| top(rows.len() - 1) + last),
    }
}

impl Vertex {
    fn new(layer: usize, width: f64) -> Self {
        Vertex { layer, width, above: Vec::new(), below: Vec::new(), x: 0.0 }
    }
}

/// What stands above a box's lane of this number, or above a reader behind so many lanes.
fn before(read: usize, lanes: &[usize], number: usize) -> usize {
    if number == 0 { read } else { lanes[number - 1] }
}

fn link(vertices: &mut [Vertex], above: usize, below: usize) {
    vertices[above].below.push(below);
    vertices[below].above.push(above);
}

/// Each box's layer: one below the lowest it reads; what reads no more than one box stands one above its first reader, which
/// makes no line longer than it makes another shorter.
fn layers(items: &[Item]) -> Vec<usize> {
    let mut layers = vec![0; items.len()];
    for (id, item) in items.iter().enumerate() {
        layers[id] = item.reads.iter().map(|&read| layers[read] + 1).max().unwrap_or(0);
    }
    let mut first_reader = vec![usize::MAX; items.len()];
    for (id, item) in items.iter().enumerate().rev() {
        if first_reader[id] != usize::MAX && item.reads.iter().all(|read| *read == item.reads[0]) {
            layers[id] = first_reader[id] - 1;
        }
        item.reads.iter().for_each(|&read| first_reader[read] = first_reader[read].min(layers[id]));
    }
    layers
}

/// Puts the vertices of a row, in this order and without overlap, as near to their wishes as the sum of squares can be: less
/// the room that they need at least, places must not fall, so neighbours that would are pooled at their mean (isotonic
/// regression).
fn spread(vertices: &mut [Vertex], row: &[usize], wishes: &[f64]) {
    let mut room = vec![0.0; row.len()];
    for i in 1..row.len() {
        room[i] = room[i - 1] + (vertices[row[i - 1]].width + vertices[row[i]].width) / 2.0 + GAP[0];
    }
    let mut pools: Vec<(f64, usize)> = Vec::new(); // sum, count
    for (wish, room) in wishes.iter().zip(&room) {
        pools.push((wish - room, 1));
        while let [.., a, b] = pools[..]
            && a.0 / a.1 as f64 >= b.0 / b.1 as f64
        {
            pools.truncate(pools.len() - 2);
            pools.push((a.0 + b.0, a.1 + b.1));
        }
    }
    let places = pools.iter().flat_map(|&(sum, count)| std::iter::repeat_n(sum / count as f64, count));
    row.iter().zip(places).zip(room).for_each(|((&id, place), room)| vertices[id].x = place + room);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;

    /// A graph drawn by lot, in which each box reads up to two earlier ones.
    fn random(count: usize) -> Vec<Item> {
        let stream = Stream::new(0, "graph");
        let draw = |i: usize, below: usize| (stream.uniform(0, i) * below as f32) as usize;
        let reads = |id: usize| (0..draw(3 * id, 3).min(id)).map(|input| draw(3 * id + input + 1, id)).collect();
        (0..count).map(|id| Item { width: 40.0 + 10.0 * (id % 5) as f64, height: 30.0, reads: reads(id) }).collect()
    }

    #[test]
    fn boxes_stand_below_what_they_read_and_never_overlap() {
        let items = random(60);
        let layout = place(&items);
        for (id, item) in items.iter().enumerate() {
            let [x, y] = layout.places[id];
            assert!(x - item.width / 2.0 >= 0.0 && x + item.width / 2.0 <= layout.width, "{id} is outside");
            assert!(item.reads.iter().all(|&read| layout.places[read][1] + 30.0 + GAP[1] <= y), "{id} is too high");
            for (other, [x2, y2]) in layout.places[..id].iter().enumerate() {
                let apart = (x - x2).abs() >= (item.width + items[other].width) / 2.0 + GAP[0] - 1e-9;
                assert!(apart || y != *y2, "{id} and {other} overlap");
            }
        }
    }

    #[test]
    fn lines_pass_layers_beside_the_boxes() {
        let items = random(60);
        let layout = place(&items);
        let crosses = |[x, y]: [f64; 2], id: usize| {
            layout.places[id][1] == y && (layout.places[id][0] - x).abs() < items[id].width / 2.0
        };
        let mut passed = 0;
        for wire in &layout.wires {
            for point in wire.points[1..wire.points.len() - 1].chunks(2) {
                assert!(!(0..60).any(|id| crosses(point[0], id)));
                passed += 1;
            }
        }
        assert!(passed > 20, "{passed} layers were passed");
    }

    #[test]
    fn a_chain_is_a_straight_line() {
        let items: Vec<Item> = (0..5)
            .map(|id: usize| Item { width: 50.0, height: 30.0, reads: id.checked_sub(1).into_iter().collect() })
            .collect();
        let layout = place(&items);
        assert!(layout.places.iter().enumerate().all(|(id, place)| *place == [25.0, 64.0 * id as f64]));
        assert_eq!([layout.width, layout.height], [50.0, 4.0 * 64.0 + 30.0]);
    }
}
