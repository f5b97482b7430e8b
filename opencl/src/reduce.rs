//! Sums and maxima over the middle of [outer, reduced, inner], in two stages where one would leave the device idle. Every
//! stage adds in a fixed order.

use autograd::compile::kernel::Reduction;
use autograd::compile::plan::Slot;

use crate::Error;
use crate::context::{Context, Facts, Kind};
use crate::launch::{Argument, Launch, Range, uint};

const SOURCE: &str = concat!(include_str!("../kernels/sum.cl"), include_str!("../kernels/reduce.cl"));

/// Elements that one work-item reduces, at least, before a second stage pays.
const SHORTEST_STRIP: usize = 64;
/// Partial results of the first stage, at most, for each result.
const MOST_STRIPS: usize = 256;
/// Rows at least this long are reduced by work-groups.
const LONG_ROW: usize = 64;

/// Work-groups along any axis but the first, at most: more are too many for NVIDIA's devices.
const MOST_GROUPS: usize = 65_535;

/// Work-items that keep a device busy.
pub(crate) fn wanted_items(facts: &Facts) -> usize {
    facts.compute_units
        * match facts.kind {
            Kind::Cpu => 512,
            Kind::Gpu => 1024,
        }
}

/// How many strips the reduced axis is cut into.
fn strips(facts: &Facts, [outer, reduced, inner]: [usize; 3]) -> usize {
    let missing = wanted_items(facts) / (outer * inner).max(1);
    missing.clamp(1, MOST_STRIPS).min(reduced / SHORTEST_STRIP).max(1)
}

/// Elements of scratch memory that a reduction wants.
pub(crate) fn scratch(facts: &Facts, sizes @ [outer, _, inner]: [usize; 3]) -> usize {
    match strips(facts, sizes) {
        1 => 0,
        strips => outer * strips * inner,
    }
}

/// The launches of a reduction of x to y; in one stage without scratch memory.
pub(crate) fn launches(
    context: &Context,
    reduction: Reduction,
    sizes @ [outer, reduced, inner]: [usize; 3],
    [x, y]: [Slot; 2],
    scratch: Option<Slot>,
) -> Result<Vec<Launch>, Error> {
    let Some(partial) = scratch else { return Ok(vec![stage(context, reduction, sizes, 1, [x, y])?]) };
    let strips = strips(context.facts(), sizes);
    let height = reduced.div_ceil(strips);
    let strips = reduced.div_ceil(height);
    let first = stage(context, reduction, sizes, strips, [x, partial])?;
    Ok(vec![first, stage(context, reduction, [outer, strips, inner], 1, [partial, y])?])
}

/// One launch, which leaves [outer, strips, inner].
fn stage(
    context: &Context,
    reduction: Reduction,
    [outer, reduced, inner]: [usize; 3],
    strips: usize,
    [x, y]: [Slot; 2],
) -> Result<Launch, Error> {
    let combine = match reduction {
        Reduction::Sum => {
            "#define IDENTITY 0.0f\n#define COMBINE(a, b) ((a) + (b))\n\
             #define TAKE(result, lost, x) add_to(&result, &lost, x)\n"
        }
        Reduction::Max => {
            "#define IDENTITY -INFINITY\n#define COMBINE(a, b) larger(a, b)\n\
             #define TAKE(result, lost, x) result = larger(result, x)\n\
             static float larger(float a, float b) {\n\
             if (a == b) return as_float(as_uint(a) & as_uint(b)); // of 0 and -0 it is 0\n\
             return a > b || isnan(a) ? a : b; }\n"
        }
    };
    let program = context.build(&format!("{combine}{SOURCE}"), "")?;
    let group = context.facts().max_work_group.min(64);
    let height = reduced.div_ceil(strips);
    let mut arguments = vec![Argument::Slot(x), Argument::Slot(y)];
    let (name, numbers, range) = if inner == 1 && reduced >= LONG_ROW {
        ("reduce_row", vec![reduced, height, strips], Range::line(group * strips * outer, group))
    } else if strips == 1 && inner < group {
        ("reduce_blocks", vec![outer, reduced, inner], Range::line(outer * inner, group))
    } else {
        let range = Range { global: [inner, strips, outer.min(MOST_GROUPS)], group: [group, 1, 1] };
        ("reduce_columns", vec![outer, reduced, inner, height], range)
    };
    arguments.extend(numbers.into_iter().map(uint));
    if name == "reduce_row" {
        arguments.push(Argument::Local(group * size_of::<f32>()));
    }
    Launch::new(&program, name, arguments, range)
}
