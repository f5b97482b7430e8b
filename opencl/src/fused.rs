//! Fused groups: a kernel is written for each, from the C expressions of its operations.
//!
//! A group reads, computes and writes element by element, and takes sums of its values over rows or columns while they
//! are at hand. How its work-items walk over the elements follows from the sums; terms are always added in one order.

use std::borrow::Cow;
use std::fmt::Write;
use std::hash::{DefaultHasher, Hash, Hasher};

use autograd::compile::Kernel;
use autograd::compile::kernel::{Access, Argument as Operand, Fused, FusedSum, Instruction, Reduction, SumOver};
use autograd::compile::plan::{Place, Slot, Step};
use autograd::ops::Elementwise;

use crate::Error;
use crate::context::{Context, Facts, Kind};
use crate::launch::{Argument, Launch, Range, uint};
use crate::reduce;
use crate::views::{self, index};

/// How an item adds up its terms, and a work-group its items' sums.
const GROUP: &str = concat!(include_str!("../kernels/sum.cl"), include_str!("../kernels/group.cl"));

/// Longer rows are summed by a work-group each.
const SHORT_ROW: usize = 32;
/// Fewer elements are summed by one work-group.
const SMALL: usize = 4096;
/// Columns are put side by side up to this width.
const WIDEST: usize = 8192;

/// How work-items walk over the elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Walk {
    /// One element each.
    Elements,
    /// A row of this length each.
    Rows(usize),
    /// A row of this length for each work-group.
    SharedRows(usize),
    /// The elements seen as rows of `width`: a column of one of the `strips` each.
    Columns { width: usize, strips: usize },
}

/// Where a sum's terms go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Terms {
    /// Into the result.
    Result,
    /// Into partial sums [strips, width], to be added up.
    Partial,
    /// All into scratch memory, to be summed later.
    Kept,
}

/// How a group runs on a device.
struct Layout {
    walk: Walk,
    /// Work-items of a work-group, a power of two.
    group: usize,
    /// For each sum.
    terms: Vec<Terms>,
}

impl Layout {
    fn new(facts: &Facts, fused: &Fused) -> Self {
        let walk = walk(facts, fused);
        let terms = |sum: &FusedSum| match (walk, sum.over) {
            _ if fused.count == 0 => Terms::Kept,
            (Walk::Rows(row) | Walk::SharedRows(row), SumOver::Row(length)) if row == length => Terms::Result,
            (Walk::Rows(row) | Walk::SharedRows(row), SumOver::Rows(1)) if row == fused.count => Terms::Result,
            (Walk::Columns { width, .. }, SumOver::Rows(columns)) if width.is_multiple_of(columns) => Terms::Partial,
            _ => Terms::Kept,
        };
        Layout { walk, group: group(facts, walk, fused.count), terms: fused.sums.iter().map(terms).collect() }
    }

    /// Elements of scratch memory that each sum wants: for its terms, and to add them up.
    fn scratch(&self, facts: &Facts, fused: &Fused) -> Vec<[usize; 2]> {
        let wanted = |(sum, terms): (&FusedSum, &Terms)| match terms {
            Terms::Result => [0, 0],
            _ => {
                let sizes @ [outer, reduced, inner] = self.added_up(fused, terms, sum.over);
                [outer * reduced * inner, reduce::scratch(facts, sizes)]
            }
        };
        fused.sums.iter().zip(&self.terms).map(wanted).collect()
    }

    /// What is left to be added up for a sum, over the middle of [outer, reduced, inner].
    fn added_up(&self, fused: &Fused, terms: &Terms, over: SumOver) -> [usize; 3] {
        match (terms, self.walk, over) {
            (Terms::Partial, Walk::Columns { width, strips }, SumOver::Rows(columns)) => {
                [1, width * strips / columns, columns]
            }
            (_, _, SumOver::Row(length)) => [fused.count / length, length, 1],
            (_, _, SumOver::Rows(columns)) => [1, fused.count / columns, columns],
        }
    }
}

fn walk(facts: &Facts, fused: &Fused) -> Walk {
    let row = fused.sums.iter().find_map(|sum| if let SumOver::Row(row) = sum.over { Some(row) } else { None });
    let totals = fused.sums.iter().all(|sum| sum.over == SumOver::Rows(1));
    match row {
        Some(row) => rows(facts, row),
        None if fused.sums.is_empty() || fused.count == 0 => Walk::Elements,
        None if totals && fused.count <= SMALL => rows(facts, fused.count),
        None => columns(facts, fused),
    }
}

fn rows(facts: &Facts, length: usize) -> Walk {
    // A core of a CPU has a row in its cache; its work-groups are many turns of a loop.
    match facts.kind == Kind::Cpu || length <= SHORT_ROW {
        true => Walk::Rows(length),
        false => Walk::SharedRows(length),
    }
}

fn columns(facts: &Facts, fused: &Fused) -> Walk {
    let mut columns = 1;
    for sum in &fused.sums {
        if let SumOver::Rows(more) = sum.over {
            let common = least_common_multiple(columns, more);
            columns = if common <= WIDEST { common } else { columns };
        }
    }
    // Narrow matrices are seen as wider ones, so that neighbouring work-items read neighbouring elements.
    let (rows, wanted) = (fused.count / columns, (widest_group(facts) / columns).max(1));
    let together = (1..=2 * wanted).rev().find(|&together| rows.is_multiple_of(together)).unwrap_or(1);
    let together = if together * 8 < wanted { wanted } else { together };
    let width = columns * together;
    let rows = fused.count.div_ceil(width);
    let strips = (reduce::wanted_items(facts) / width).clamp(1, rows.div_ceil(4));
    Walk::Columns { width, strips: rows.div_ceil(rows.div_ceil(strips)) }
}

fn least_common_multiple(a: usize, b: usize) -> usize {
    let (mut x, mut y) = (a, b);
    while y > 0 {
        (x, y) = (y, x % y);
    }
    a / x * b
}

/// Work-items of a work-group. A CPU's is many turns of a loop.
fn group(facts: &Facts, walk: Walk, count: usize) -> usize {
    let on_cpu = facts.kind == Kind::Cpu;
    match walk {
        Walk::Elements if on_cpu => facts.max_work_group.min(1024).min(count.next_power_of_two()),
        Walk::Elements => widest_group(facts).min(count.next_power_of_two()),
        Walk::Rows(_) if on_cpu => 8,
        Walk::SharedRows(length) => widest_group(facts).min(length.next_power_of_two()),
        Walk::Rows(_) | Walk::Columns { .. } => widest_group(facts),
    }
}

/// Work-items of a work-group, at most, where it is no loop.
fn widest_group(facts: &Facts) -> usize {
    facts.max_work_group.min(256)
}

/// Elements of scratch memory that a group wants.
pub(crate) fn scratch(facts: &Facts, fused: &Fused) -> usize {
    Layout::new(facts, fused).scratch(facts, fused).into_iter().flatten().map(aligned).sum()
}

fn aligned(len: usize) -> usize {
    len.next_multiple_of(16)
}

/// The launches of a group: its kernel, and what adds up its partial sums.
pub(crate) fn launches(context: &Context, fused: &Fused, step: &Step) -> Result<Vec<Launch>, Error> {
    let (facts, layout) = (context.facts(), Layout::new(context.facts(), fused));
    let mut scratch = Pieces { whole: step.scratch, taken: 0 };
    let pieces = layout.scratch(facts, fused).into_iter().map(|lens| lens.map(|len| scratch.take(len)));
    let pieces: Vec<[Option<Slot>; 2]> = pieces.collect();
    let (stores, sums) = step.writes.split_at(fused.stores.len());

    let mut launches = Vec::new();
    if fused.count > 0 {
        let sum_slots = sums.iter().zip(&pieces).map(|(&sum, [terms, _])| terms.unwrap_or(sum));
        let slots = step.reads.iter().chain(stores).copied().chain(sum_slots);
        launches.push(launch(context, fused, &layout, slots.map(Argument::Slot).collect())?);
    }
    for (((sum, terms), &y), pieces) in fused.sums.iter().zip(&layout.terms).zip(sums).zip(&pieces) {
        if *terms == Terms::Result {
            continue;
        }
        let sizes = layout.added_up(fused, terms, sum.over);
        let x = pieces[0].unwrap_or(Slot { len: 0, ..y });
        launches.extend(reduce::launches(context, Reduction::Sum, sizes, [x, y], pieces[1])?);
    }
    Ok(launches)
}

/// Scratch memory, handed out piece by piece.
struct Pieces {
    whole: Option<Slot>,
    taken: usize,
}

impl Pieces {
    fn take(&mut self, len: usize) -> Option<Slot> {
        let Some(Slot { place: Place::Arena(start), .. }) = self.whole else { return None };
        let place = Place::Arena(start + self.taken);
        self.taken += aligned(len);
        (len > 0).then_some(Slot { place, len })
    }
}

/// Builds the kernels of all groups among the steps as one program, which takes a driver little longer than any of them.
pub(crate) fn build(context: &Context, steps: &[Step]) -> Result<(), Error> {
    let facts = context.facts();
    let groups = steps.iter().filter_map(as_group).filter(|fused| fused.count > 0);
    let sources: Vec<Source> = groups.map(|fused| Source::new(facts, &fused, &Layout::new(facts, &fused))).collect();
    context.build_together(&prelude(), sources.iter().map(|source| (&*source.name, &*source.text)))
}

fn as_group(step: &Step) -> Option<Cow<'_, Fused>> {
    match &step.kernel {
        Kernel::Fused(fused) => Some(Cow::Borrowed(fused)),
        Kernel::Copy(view) => Some(Cow::Owned(views::as_group(view))),
        _ => None,
    }
}

fn launch(context: &Context, fused: &Fused, layout: &Layout, mut arguments: Vec<Argument>) -> Result<Launch, Error> {
    let (count, group) = (fused.count, layout.group);
    let range = match layout.walk {
        Walk::Elements => {
            arguments.push(uint(count));
            Range::line(count, group)
        }
        Walk::Rows(length) => {
            arguments.push(uint(count / length));
            Range::line(count / length, group)
        }
        Walk::SharedRows(length) => {
            // Not an array of the kernel's own: threads of PoCL 3.1 share such an array.
            arguments.push(Argument::Local(group * size_of::<f32>()));
            Range::line(count / length * group, group)
        }
        Walk::Columns { width, strips } => {
            let rows = count.div_ceil(width);
            arguments.extend([rows, rows.div_ceil(strips), count].map(uint));
            Range::plane([width, strips], [group, 1])
        }
    };
    let Source { name, .. } = Source::new(context.facts(), fused, layout);
    Launch::new(&context.built_together(&name), &name, arguments, range)
}

/// What the kernels of groups are written with: every operation as a function, and the sum over a work-group.
fn prelude() -> String {
    Elementwise::ALL.iter().map(|&op| function(op)).chain([GROUP.to_owned()]).collect()
}

/// A group's kernel in C.
struct Source {
    /// Made of the text, so that equal groups have one kernel.
    name: String,
    text: String,
}

impl Source {
    fn new(facts: &Facts, fused: &Fused, layout: &Layout) -> Self {
        let group = layout.group;
        let mut text = String::from("(\n");
        let buffers = buffers(fused);
        for (name, constness) in &buffers {
            writeln!(text, "    global {constness}float *{name}, ulong {name}_start,").expect("text");
        }
        let (parameters, walk) = match layout.walk {
            Walk::Elements => ("uint count", elements(fused, layout)),
            Walk::Rows(length) => ("uint rows", own_rows(fused, layout, length)),
            Walk::SharedRows(length) => ("local float *shared", shared_rows(fused, layout, length)),
            Walk::Columns { width, .. } => {
                ("uint rows, uint height, uint count", columns_of(facts, fused, layout, width))
            }
        };
        writeln!(text, "    {parameters})\n{{").expect("text");
        for (name, _) in &buffers {
            writeln!(text, "    {name} += {name}_start;").expect("text");
        }
        text += &walk;
        let mut hasher = DefaultHasher::new();
        (&text, group).hash(&mut hasher);
        let name = format!("fused_{:016x}", hasher.finish());
        let text = format!("\nkernel __attribute__((reqd_work_group_size({group}, 1, 1)))\nvoid {name}{text}}}\n");
        Source { name, text }
    }
}

/// The buffers' names, and whether they are only read.
fn buffers(fused: &Fused) -> Vec<(String, &'static str)> {
    let read = (0..fused.loads.len()).map(|i| (format!("x{i}"), "const "));
    let stores = (0..fused.stores.len()).map(|i| (format!("y{i}"), ""));
    let sums = (0..fused.sums.len()).map(|i| (format!("s{i}"), ""));
    read.chain(stores).chain(sums).collect()
}

/// An operation as a function of its arguments and its constants.
fn function(op: Elementwise) -> String {
    let constants = op.constants().into_iter().map(|(name, _)| name);
    let parameters: Vec<String> =
        op.arguments().iter().copied().chain(constants).map(|name| format!("float {name}")).collect();
    format!("static float op_{}({}) {{ return {}; }}\n", op.name(), parameters.join(", "), op.c_expression())
}

fn elements(fused: &Fused, layout: &Layout) -> String {
    let guard = if !fused.count.is_multiple_of(layout.group) { "    if (i >= count) return;\n" } else { "" };
    format!("    const uint i = get_global_id(0);\n{guard}{}", body(fused, layout, "    "))
}

fn own_rows(fused: &Fused, layout: &Layout, length: usize) -> String {
    let (declare, add) = (accumulators(layout), additions(fused, layout, "        "));
    let body = body(fused, layout, "        ");
    let mut walk = format!(
        "    const uint row = get_global_id(0);\n    if (row >= rows) return;\n{declare}\
         \x20   for (uint column = 0; column < {length}; column++) {{\n        const uint i = row * {length} + column;\n\
         {body}{add}    }}\n"
    );
    for sum in taken(layout) {
        writeln!(walk, "    s{sum}[row] = sum{sum};").expect("text");
    }
    walk
}

fn shared_rows(fused: &Fused, layout: &Layout, length: usize) -> String {
    let (group, body) = (layout.group, body(fused, layout, "        "));
    let (declare, add) = (accumulators(layout), additions(fused, layout, "        "));
    let guard = if length.is_multiple_of(group) { String::new() } else { format!("if (column < {length}) ") };
    let mut walk = format!(
        "    const uint row = get_group_id(0), lane = get_local_id(0);\n{declare}\
         \x20   for (uint first = 0; first < {length}; first += {group}) {{\n        const uint column = first + lane;\n\
         \x20       {guard}{{\n        const uint i = row * {length} + column;\n{body}{add}        }}\n    }}\n"
    );
    for sum in taken(layout) {
        writeln!(walk, "    sum{sum} = sum_of_group(sum{sum}, shared);").expect("text");
        writeln!(walk, "    if (lane == 0) s{sum}[row] = sum{sum};").expect("text");
    }
    walk
}

fn columns_of(facts: &Facts, fused: &Fused, layout: &Layout, width: usize) -> String {
    let (declare, add) = (accumulators(layout), additions(fused, layout, "            "));
    let body = body(fused, layout, "            ");
    let bound = if fused.count.is_multiple_of(width) { "" } else { " && i < count" };
    // On a CPU the items of a group take turns: between barriers they go along a row, as its memory lies, not down a column.
    let turn = if facts.kind == Kind::Cpu { "        barrier(CLK_LOCAL_MEM_FENCE);\n" } else { "" };
    let mut walk = format!(
        "    const uint column = get_global_id(0), strip = get_group_id(1);\n{declare}\
         \x20   const uint first = strip * height, last = min(first + height, rows);\n\
         \x20   for (uint row = first; row < last; row++) {{\n        const uint i = row * {width} + column;\n\
         \x20       if (column < {width}{bound}) {{\n{body}{add}        }}\n{turn}    }}\n\
         \x20   if (column >= {width}) return;\n"
    );
    for sum in taken(layout) {
        writeln!(walk, "    s{sum}[strip * {width} + column] = sum{sum};").expect("text");
    }
    walk
}

/// The sums that the kernel takes itself, by their positions.
fn taken(layout: &Layout) -> impl Iterator<Item = usize> + '_ {
    layout.terms.iter().enumerate().filter(|&(_, terms)| *terms != Terms::Kept).map(|(position, _)| position)
}

fn accumulators(layout: &Layout) -> String {
    taken(layout).map(|sum| format!("    float sum{sum} = 0.0f, lost{sum} = 0.0f;\n")).collect()
}

fn additions(fused: &Fused, layout: &Layout, indent: &str) -> String {
    taken(layout)
        .map(|sum| format!("{indent}add_to(&sum{sum}, &lost{sum}, v{});\n", fused.sums[sum].register))
        .collect()
}

/// What is done at element i: loads, instructions, stores, and sums' terms that are kept.
fn body(fused: &Fused, layout: &Layout, indent: &str) -> String {
    let mut body = String::new();
    for (register, access) in fused.loads.iter().enumerate() {
        let at = match access {
            Access::Contiguous => "i".to_owned(),
            Access::Strided(view) => index(&view.shape, view.offset, &view.strides),
        };
        writeln!(body, "{indent}const float v{register} = x{register}[{at}];").expect("text");
    }
    for (position, Instruction { op, arguments }) in fused.instructions.iter().enumerate() {
        let operand = |argument: &Operand| match *argument {
            Operand::Register(register) => format!("v{register}"),
            Operand::Constant(value) => literal(value),
        };
        let constants = op.constants().into_iter().map(|(_, value)| literal(value as f32));
        let arguments: Vec<String> = arguments.iter().map(operand).chain(constants).collect();
        let register = fused.loads.len() + position;
        writeln!(body, "{indent}const float v{register} = op_{}({});", op.name(), arguments.join(", ")).expect("text");
    }
    for (position, register) in fused.stores.iter().enumerate() {
        writeln!(body, "{indent}y{position}[i] = v{register};").expect("text");
    }
    for (position, sum) in fused.sums.iter().enumerate().filter(|&(position, _)| layout.terms[position] == Terms::Kept)
    {
        writeln!(body, "{indent}s{position}[i] = v{};", sum.register).expect("text");
    }
    body
}

/// A number in C.
fn literal(value: f32) -> String {
    match value {
        _ if value.is_nan() => "NAN".to_owned(),
        f32::INFINITY => "INFINITY".to_owned(),
        f32::NEG_INFINITY => "-INFINITY".to_owned(),
        _ => format!("{value:e}f"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_c_are_floats() {
        assert_eq!(literal(1.0), "1e0f");
        assert_eq!(literal(-2.5e-7), "-2.5e-7f");
        assert_eq!(literal(f32::NEG_INFINITY), "-INFINITY");
        assert_eq!(literal(f32::NAN), "NAN");
    }
}
