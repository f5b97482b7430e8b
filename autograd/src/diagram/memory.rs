//! A plan as a picture: its steps from above to below, beside them the memory, with a bar for as long as a value is kept.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Drawing, LEGEND, PADDING, text_width};
use crate::Tensor;
use crate::compile::Plan;
use crate::compile::plan::{Place, Slot, Step};

/// Width of a column of memory at least, height of a row, room between the steps' text and the memory.
const COLUMN: f64 = 34.0;
const ROW: f64 = 26.0;
const GUTTER: f64 = 20.0;

/// A value's time in memory, in rows: 0 is the start, then come the steps, then the end.
struct Bar {
    slot: Slot,
    from: usize,
    to: usize,
    name: String,
    /// Which of [`PARTS`] it lies in.
    part: usize,
}

/// The plan's picture: bars of the arena bear the number of the step that writes them, or an input's name. A hollow mark is a
/// read, a full one a write. A column's width says nothing of its length; above one of the arena stands where it begins.
pub(crate) fn svg(plan: &Plan, description: &str) -> String {
    let bars = bars(plan);
    let ends = |slot: &Slot| match slot.place {
        Place::Arena(offset) => Some([offset, offset + slot.len]),
        _ => None,
    };
    let edges: BTreeSet<usize> = bars.iter().filter_map(|bar| ends(&bar.slot)).flatten().collect();
    let edge = |offset: usize| edges.range(..offset).count();
    let columns = |slot: &Slot| match slot.place {
        Place::Arena(offset) => [edge(offset), edge(offset + slot.len)],
        Place::Variable(index) => [edges.len() + index, edges.len() + index + 1],
        Place::Constant(index) => [0, 1].map(|side| edges.len() + plan.variables.len() + index + side),
    };
    // What lies between values only aligns them, and takes little room.
    let mut widths = vec![PADDING; edges.len() + plan.variables.len() + plan.constants.len()];
    for bar in &bars {
        let [first, last] = columns(&bar.slot);
        let of_name = (text_width(&bar.name) + 2.0 * PADDING) / (last - first) as f64;
        let of_offset = ends(&bar.slot).map_or(0.0, |[offset, _]| text_width(&offset.to_string()) + PADDING);
        widths[first] = widths[first].max(of_offset);
        widths[first..last].iter_mut().for_each(|width| *width = width.max(COLUMN).max(of_name));
    }
    let step = |(at, step): (usize, &Step)| format!("{} {}", at + 1, step.kernel);
    let steps = plan.steps.iter().enumerate().map(step);
    let rows: Vec<String> = ["start".to_owned()].into_iter().chain(steps).chain(["end".to_owned()]).collect();
    let left = rows.iter().map(|row| text_width(row)).fold(0.0, f64::max) + GUTTER;
    let x = |column: usize| left + widths[..column].iter().sum::<f64>();
    let y = |row: usize| LEGEND + ROW * (row as f64 + 0.8);

    let mut drawn = Drawing::default();
    let mut legend = 0.0;
    for (part, name) in PARTS.iter().enumerate() {
        if bars.iter().any(|bar| bar.part == part) {
            legend += drawn.legend(legend, part, name);
        }
    }
    for offset in bars.iter().filter_map(|bar| ends(&bar.slot)).map(|[offset, _]| offset).collect::<BTreeSet<_>>() {
        drawn.text([x(edge(offset)) + 2.0, y(0) - 2.0], "start", &offset.to_string(), false, false);
    }
    for (row, text) in rows.iter().enumerate() {
        drawn.text([0.0, y(row) + 17.0], "start", text, false, row == 0 || row + 1 == rows.len());
    }
    for bar in &bars {
        let [first, last] = columns(&bar.slot);
        let top = if bar.from == 0 { y(0) + 3.0 } else { y(bar.from) + ROW / 2.0 };
        let bottom = if bar.to == rows.len() - 1 { y(rows.len()) - 3.0 } else { y(bar.to) + ROW / 2.0 };
        let size = [x(last) - x(first) - 4.0, bottom.max(top + 6.0) - top];
        drawn.rectangle([x(first) + 2.0, top], size, Some(bar.part), false);
        drawn.text([x(first) + 2.0 + size[0] / 2.0, top + 14.0], "middle", &bar.name, false, false);
    }
    for (row, step) in plan.steps.iter().enumerate().map(|(at, step)| (at + 1, step)) {
        let mut mark = |slot: &Slot, place: f64, is_full: bool| {
            drawn.mark([x(columns(slot)[1]) - 9.0, y(row) + place * ROW], is_full);
        };
        step.reads.iter().for_each(|slot| mark(slot, 0.3, false));
        step.writes.iter().for_each(|slot| mark(slot, 0.7, true));
    }
    drawn.svg(description, [x(widths.len()).max(legend), y(rows.len())])
}

/// What memory there is, in the order of its columns.
const PARTS: [&str; 3] = ["arena", "Variables", "constants"];

/// What lies in memory, in the order in which it comes there.
fn bars(plan: &Plan) -> Vec<Bar> {
    let last = plan.steps.len() + 1;
    let bar = |slot: Slot, row: usize, name: String| Bar { slot, from: row, to: row, name, part: 0 };
    let mut bars: Vec<Bar> = plan.inputs.iter().map(|input| bar(input.slot, 0, input.name.clone())).collect();
    let read = |bars: &mut Vec<Bar>, slot: &Slot, row: usize| {
        if let Some(bar) = bars.iter_mut().rev().find(|bar| bar.slot.place == slot.place) {
            bar.to = row;
        }
    };
    for (at, step) in plan.steps.iter().enumerate() {
        step.reads.iter().for_each(|slot| read(&mut bars, slot, at + 1));
        let in_arena = |slot: &&Slot| matches!(slot.place, Place::Arena(_));
        let values = step.writes.iter().filter(in_arena).map(|&slot| bar(slot, at + 1, (at + 1).to_string()));
        bars.extend(values);
        bars.extend(step.scratch.filter(|slot| slot.len > 0).map(|slot| bar(slot, at + 1, "scratch".to_owned())));
    }
    plan.outputs.iter().for_each(|(slot, _)| read(&mut bars, slot, last));
    let whole = |place: Place, len: usize, name: String, part: usize| {
        let slot = Slot { place, len };
        Bar { slot, from: 0, to: last, name, part }
    };
    let variables = plan.variables.iter().enumerate();
    bars.extend(variables.map(|(index, variable)| {
        whole(Place::Variable(index), variable.shape().count(), variable.name().to_owned(), 1)
    }));
    // Numbers that kernels hold are in no memory that they read.
    let is_read = |&(index, _): &(usize, &Arc<Tensor>)| {
        plan.steps.iter().flat_map(|step| &step.reads).any(|slot| slot.place == Place::Constant(index))
    };
    let constants = plan.constants.iter().enumerate().filter(is_read);
    bars.extend(constants.map(|(index, value)| {
        let name = super::shown(&value.cast());
        whole(Place::Constant(index), value.shape().count(), name, 2)
    }));
    bars
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Device, Tape, Variable};

    #[test]
    fn a_value_has_a_bar_from_the_step_that_writes_it_to_the_last_that_reads_it() {
        let weight = Variable::new("weight", Tensor::zeros([4, 4]));
        let tape = Tape::new();
        let (x, w) = (tape.input("x", [4, 4]), tape.variable(&weight));
        let y = x.matmul(w).exp().matmul(w);
        tape.assign(&weight, w - y);
        let plan = crate::compile::compile(&tape.nodes(), &[y.id()], 1, |_| 0);
        let kernels: Vec<String> = plan.steps.iter().map(|step| step.kernel.to_string()).collect();
        assert_eq!(kernels, ["product 1×[4, 4]·[4, 4]", "fused 16×(exp)", "product 1×[4, 4]·[4, 4]", "fused 16×(sub)"]);
        let bars: Vec<(String, usize, usize)> =
            bars(&plan).into_iter().map(|bar| (bar.name, bar.from, bar.to)).collect();
        let expected = [("x", 0, 1), ("1", 1, 2), ("2", 2, 3), ("3", 3, 5), ("weight", 0, 5)];
        assert_eq!(bars, expected.map(|(name, from, to)| (name.to_owned(), from, to)));
        let drawn = &Device::cpu().passes(&tape, &[y])[3].svg;
        assert!(drawn.contains(">4 fused 16×(sub)</text>") && drawn.contains(">Variables</text>"), "{drawn}");
        assert_eq!(drawn.matches("<circle").count(), 11, "7 reads and 4 writes, the last one of the Variable");
    }
}
