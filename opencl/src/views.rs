//! Copies through strides: views laid out, boxes filled; and how a stride is followed in C.

use autograd::compile::kernel::{Access, Fused, View};
use autograd::compile::plan::{Slot, Step};

use crate::Error;
use crate::context::Context;
use crate::launch::{Argument, Launch, Range, uint};

const SOURCE: &str = include_str!("../kernels/boxes.cl");

/// Where element `i` of a view lies, as an expression in C: offset + Σ (index along the axis) · stride.
pub(crate) fn index(shape: &[usize], offset: usize, strides: &[usize]) -> String {
    let mut axes: Vec<(usize, usize)> = Vec::new(); // extent and stride, outermost first
    for (&extent, &stride) in shape.iter().zip(strides).filter(|&(&extent, _)| extent != 1) {
        match axes.last_mut() {
            // An axis that continues the one outside it is the same axis.
            Some(outer) if outer.1 == extent * stride => *outer = (outer.0 * extent, stride),
            _ => axes.push((extent, stride)),
        }
    }
    let mut terms = Vec::new();
    let mut inside = 1; // elements of the axes inside this one
    for (position, &(extent, stride)) in axes.iter().enumerate().rev() {
        if stride > 0 {
            let index = if inside == 1 { "i".to_owned() } else { format!("i / {inside}") };
            let index = if position == 0 { index } else { format!("{index} % {extent}") };
            terms.push(if stride == 1 { index } else { format!("({index}) * {stride}") });
        }
        inside *= extent;
    }
    if offset > 0 || terms.is_empty() {
        terms.push(offset.to_string());
    }
    terms.join(" + ")
}

/// What lays a view out, as a fused group that computes nothing.
pub(crate) fn as_group(view: &View) -> Fused {
    let loads = vec![Access::Strided(view.clone())];
    Fused { count: view.shape.count(), loads, instructions: Vec::new(), stores: vec![0], sums: Vec::new() }
}

/// Puts each buffer read into its box of the buffer written, over zeros.
pub(crate) fn assemble(context: &Context, boxes: &[View], step: &Step) -> Result<Vec<Launch>, Error> {
    let y = step.writes[0];
    let covered: usize = boxes.iter().map(|part| part.shape.count()).sum();
    let launch = |name, place: &str, mut arguments: Vec<Argument>, count: usize| {
        let program = context.build(&format!("#define PLACE(i) ({place})\n{SOURCE}"), "")?;
        arguments.push(uint(count));
        Launch::new(&program, name, arguments, Range::line(count, 64))
    };
    let zeros = (covered < y.len).then(|| launch("fill_zeros", "i", vec![Argument::Slot(y)], y.len));
    let part = |(part, &x): (&View, &Slot)| {
        let place = index(&part.shape, part.offset, &part.strides);
        launch("fill_box", &place, vec![Argument::Slot(x), Argument::Slot(y)], part.shape.count())
    };
    zeros.into_iter().chain(boxes.iter().zip(&step.reads).map(part)).collect()
}

#[cfg(test)]
mod tests {
    use super::index;

    #[test]
    fn strides_in_c() {
        assert_eq!(index(&[2, 3], 0, &[3, 1]), "i");
        assert_eq!(index(&[3, 2], 0, &[1, 3]), "(i % 2) * 3 + i / 2");
        assert_eq!(index(&[4, 5], 7, &[0, 2]), "(i % 5) * 2 + 7");
        assert_eq!(index(&[], 0, &[]), "0");
    }
}
