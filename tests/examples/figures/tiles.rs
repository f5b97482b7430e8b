//! Chapter 10: a product in tiles, and the panel of B that the tiles of a column share.

use wgan::figure::{Anchor, BLUE, Brush, Colour, Drawing, GREEN, INK, ORANGE, Rect, VERMILION, tint};

/// Pixels of a number, and rows, columns and terms: C = A·B, 8 × 12, of 6 terms.
const UNIT: f64 = 20.0;
const M: usize = 8;
const N: usize = 12;
const K: usize = 6;
/// Rows and columns of a tile.
const R: usize = 2;
const S: usize = 4;

/// A matrix, its upper left corner, how many rows and columns it has.
struct Matrix {
    corner: [f64; 2],
    size: [usize; 2],
}

impl Matrix {
    /// Rows and columns from the first of a pair up to the second.
    fn part(&self, rows: [usize; 2], columns: [usize; 2]) -> Rect {
        let [left, top] = self.corner;
        let [[top, bottom], [left, right]] =
            [rows.map(|row| top + UNIT * row as f64), columns.map(|column| left + UNIT * column as f64)];
        Rect { left, top, right, bottom }
    }

    fn whole(&self) -> Rect {
        self.part([0, self.size[0]], [0, self.size[1]])
    }

    /// Its numbers, divided into tiles of so many rows and columns.
    fn draw(&self, drawing: &mut Drawing, [rows, columns]: [usize; 2]) {
        let Rect { left, top, right, bottom } = self.whole();
        for row in 0..=self.size[0] {
            let (y, weight) = (top + UNIT * row as f64, if row % rows == 0 { 0.9 } else { 0.25 });
            drawing.line([(left, y), (right, y)], tint(INK, weight), 1.0);
        }
        for column in 0..=self.size[1] {
            let (x, weight) = (left + UNIT * column as f64, if column % columns == 0 { 0.9 } else { 0.25 });
            drawing.line([(x, top), (x, bottom)], tint(INK, weight), 1.0);
        }
    }
}

pub fn figure() -> String {
    let mut drawing = Drawing::new(800.0, 430.0);
    let a = Matrix { corner: [60.0, 230.0], size: [M, K] };
    let b = Matrix { corner: [240.0, 60.0], size: [K, N] };
    let c = Matrix { corner: [240.0, 230.0], size: [M, N] };
    // The tile in the second row and the second column of tiles, and the step p = 2 of its sums.
    let (rows, columns, p) = ([R, 2 * R], [S, 2 * S], [2, 3]);
    let mut fill = |area: Rect, colour: Colour| drawing.path(vec![area.corners()], colour, Brush::Fill);
    fill(a.part(rows, [0, K]), tint(ORANGE, 0.3));
    fill(a.part(rows, p), ORANGE);
    fill(b.part([0, K], columns), tint(BLUE, 0.25));
    fill(b.part(p, columns), tint(BLUE, 0.8));
    fill(c.part([0, M], columns), tint(GREEN, 0.12));
    fill(c.part(rows, columns), tint(GREEN, 0.6));
    a.draw(&mut drawing, [R, K]);
    b.draw(&mut drawing, [K, S]);
    c.draw(&mut drawing, [R, S]);
    drawing.path(
        vec![[b.part([0, K], columns).corners(), b.part([0, K], columns).corners()[..1].to_vec()].concat()],
        VERMILION,
        Brush::Line(2.5),
    );
    for (name, matrix) in [("A", &a), ("B", &b), ("C = A·B", &c)] {
        let Rect { left, top, .. } = matrix.whole();
        drawing.bold(name, 16.0, (left, top - 16.0));
    }
    let notes = [
        (85.0, "a panel of B, as wide as a tile:"),
        (105.0, "the first tile copies it together,"),
        (125.0, "those below find it in the cache"),
        (150.0, "a step p reads a row of it (4 numbers)"),
        (170.0, "and a piece of a column of A (2 numbers)"),
        (270.0, "a tile of C: its 2 × 4 sums stay"),
        (290.0, "in registers while p runs from 0 to k"),
        (330.0, "2 + 4 numbers read for 2 · 4 products"),
        (350.0, "(14 + 32 for 14 · 32 in the kernel)"),
    ];
    for (y, text) in notes {
        drawing.text(text, 12.0, Anchor::Left, (495.0, y));
    }
    drawing.svg("A product C = A·B in tiles: a tile of C, the rows of A and the panel of B that it is computed of")
}
