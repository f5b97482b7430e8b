//! How products, and convolutions as products, are cut into work-groups, for a device and a shape.

use autograd::compile::plan::Slot;

use crate::Error;
use crate::context::{Context, Facts, Kind};
use crate::launch::{Argument, Launch, Range, uint};

const PANEL: &str = include_str!("../kernels/panel.cl");
const TILE: &str = include_str!("../kernels/tile.cl");
const SLICES: &str = include_str!("../kernels/slices.cl");

/// More slices would cost more memory than they save time.
const MOST_SLICES: usize = 64;

/// Terms that are added up one after the other: a block of a sum.
const BLOCK: usize = 256;
/// Blocks that are added up one after the other.
const CHAIN: usize = 64;

/// Numbers between the rows of a tile in local memory: they keep 4 numbers aligned, and columns in different banks.
const PADDING: usize = 4;

/// The extents of a product C `[rows, columns]` = A `[rows, terms]` · B `[terms, columns]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extents {
    pub rows: usize,
    pub columns: usize,
    pub terms: usize,
}

/// Which part of a product a work-group computes, and by which of the two kernels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tiling {
    core: Core,
    /// Columns of a group.
    pub columns: usize,
    /// Rows of a group.
    pub block: usize,
    /// Parts of the terms that are summed by different groups, then added up.
    pub slices: usize,
    /// Whether a slice has several blocks, whose sums meet where the result goes.
    several_blocks: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Core {
    /// `panel.cl`: one item a group, `rows` rows of vectors in its registers, `depth` terms packed at a time.
    Panel { vector: usize, rows: usize, depth: usize },
    /// `tile.cl`: a tile in local memory, `depth` terms at a time; the rows and columns of each item.
    Tile { depth: usize, item: [usize; 2] },
}

impl Tiling {
    /// The tiling of products of these extents; `tiles` says how many tiles of a width there are across all columns, of a
    /// whole batch.
    pub fn choose(facts: &Facts, extents: Extents, tiles: impl Fn(usize) -> usize) -> Tiling {
        match facts.kind {
            Kind::Cpu => Tiling::panel(facts, extents, tiles),
            Kind::Gpu => Tiling::tile(facts, extents, tiles),
        }
    }

    /// Two vectors a row share each broadcast number, and 8 rows of them (6 where there are 16 registers, not 32) leave
    /// registers for the operands. A panel is packed once for all rows, so rows are cut only to occupy the cores.
    fn panel(facts: &Facts, Extents { rows, columns, terms }: Extents, tiles: impl Fn(usize) -> usize) -> Tiling {
        let vector = match facts.vector_width {
            16.. => 16,
            8.. => 8,
            _ => 4,
        };
        let columns = if columns <= vector { vector } else { 2 * vector };
        let most_rows = if vector == 16 { 8 } else { 6 };
        let tile_rows = if rows <= 2 { 2 } else { most_rows };
        // Half of the local memory, which is a core's cache; the other half is for A. The more terms at a time, the less
        // often C is read and written.
        let depth = (facts.local_memory / (2 * size_of::<f32>() * columns)).clamp(vector, BLOCK) / vector * vector;

        // Several groups a core, as some finish sooner than others.
        let (wanted, tiles) = (4 * facts.compute_units, tiles(columns).max(1));
        let blocks = wanted.div_ceil(tiles).min(rows / 32).max(rows.div_ceil(512)).max(1);
        let block = rows.div_ceil(blocks).next_multiple_of(tile_rows);
        let slices = slices(wanted, tiles * rows.div_ceil(block), terms, 256);
        let several_blocks = terms.div_ceil(slices) > depth;
        Tiling { core: Core::Panel { vector, rows: tile_rows, depth }, columns, block, slices, several_blocks }
    }

    /// The larger a tile, the more often each number brought to local memory is used; the smaller, the more groups there
    /// are to occupy the device and to hide each other's waiting.
    fn tile(facts: &Facts, Extents { rows, columns, terms }: Extents, tiles: impl Fn(usize) -> usize) -> Tiling {
        let wanted = 2 * facts.compute_units;
        let groups = |[tile_rows, tile_columns]: [usize; 2]| tiles(tile_columns).max(1) * rows.div_ceil(tile_rows);
        let small = rows <= 32 || columns <= 32 || facts.max_work_group < 256;
        let (tile, depth, item) = match () {
            () if rows <= 4 => ([4, 128], 8, [4, 4]),
            () if small => ([32, 32], 16, [4, 4]),
            () if rows > 64 && columns > 64 && groups([128, 128]) >= wanted => ([128, 128], 8, [8, 8]),
            () => ([64, 64], 16, [4, 4]),
        };
        let slices = slices(wanted, groups(tile), terms, 8 * depth);
        let several_blocks = terms.div_ceil(slices) > BLOCK;
        Tiling { core: Core::Tile { depth, item }, columns: tile[1], block: tile[0], slices, several_blocks }
    }

    /// Elements of scratch memory for the slices of a result of `count` elements, which is to be a finished sum before it is
    /// added onto anything.
    pub fn scratch(&self, count: usize, accumulate: bool) -> usize {
        if self.slices > 1 || (accumulate && self.several_blocks) { self.slices * count } else { 0 }
    }

    /// Work-items of a group.
    fn items(&self) -> usize {
        match self.core {
            Core::Panel { .. } => 1,
            Core::Tile { item, .. } => self.block * self.columns / (item[0] * item[1]),
        }
    }

    /// Bytes of local memory of a group.
    fn local(&self) -> usize {
        let floats = match self.core {
            Core::Panel { depth, .. } => depth * self.columns,
            Core::Tile { depth, .. } => depth * (self.block + PADDING + self.columns + PADDING),
        };
        floats * size_of::<f32>()
    }

    /// The launches of a task whose result goes to `y`, by way of `scratch` where that is wanted.
    pub fn launches(
        &self,
        context: &Context,
        task: Task,
        y: Slot,
        scratch: Option<Slot>,
        accumulate: bool,
    ) -> Result<Vec<Launch>, Error> {
        let program = context.build(&[task.source, self.source()].concat(), &self.options(task.along_terms))?;
        let partial = scratch.filter(|_| self.scratch(y.len, accumulate) > 0);
        let [a, b] = task.operands;
        let mut arguments = [a, b, partial.unwrap_or(y)].map(Argument::Slot).to_vec();
        arguments.extend(task.arguments);
        let onto = u32::from(accumulate && partial.is_none());
        arguments.extend([Argument::UInt(onto), uint(self.slices), Argument::Local(self.local())]);
        let [across, down, deep] = task.groups;
        let range = Range { global: [across * self.items(), down, deep], group: [self.items(), 1, 1] };
        let mut launches = vec![Launch::new(&program, task.kernel, arguments, range)?];
        if let Some(partial) = partial {
            let [count, slices] = [uint(y.len), uint(self.slices)];
            let arguments =
                vec![Argument::Slot(partial), Argument::Slot(y), count, slices, Argument::UInt(accumulate.into())];
            let program = context.build(SLICES, "")?;
            launches.push(Launch::new(&program, "sum_slices", arguments, Range::line(y.len, 64))?);
        }
        Ok(launches)
    }

    fn source(&self) -> &'static str {
        match self.core {
            Core::Panel { .. } => PANEL,
            Core::Tile { .. } => TILE,
        }
    }

    fn options(&self, [a_along_terms, b_along_terms]: [bool; 2]) -> String {
        let (items, columns, b_along_terms) = (self.items(), self.columns, u8::from(b_along_terms));
        let common = format!("-D ITEMS={items} -D COLUMNS={columns} -D B_ALONG_TERMS={b_along_terms}");
        match self.core {
            Core::Panel { vector, rows, depth } => {
                format!("{common} -D VECTOR={vector} -D HALF={} -D ROWS={rows} -D DEPTH={depth}", vector / 2)
            }
            Core::Tile { depth, item: [item_rows, item_columns] } => {
                let (rows, a_along_terms) = (self.block, u8::from(a_along_terms));
                format!(
                    "{common} -D A_ALONG_TERMS={a_along_terms} -D ROWS={rows} -D DEPTH={depth} -D PADDING={PADDING} -D BLOCK={BLOCK} \
                     -D ITEM_ROWS={item_rows} -D ITEM_COLUMNS={item_columns}"
                )
            }
        }
    }
}

/// Into how many slices the terms are cut so that the device has `wanted` groups, each with `least` terms or more, and no
/// chain of blocks is long.
fn slices(wanted: usize, groups: usize, terms: usize, least: usize) -> usize {
    (wanted / groups.max(1)).min(terms / least).max(terms / (BLOCK * CHAIN)).clamp(1, MOST_SLICES)
}

/// A product to be launched.
pub(crate) struct Task<'a> {
    /// Where elements lie: the source that precedes the tiling's.
    pub source: &'a str,
    /// The kernel's name.
    pub kernel: &'a str,
    /// A and B.
    pub operands: [Slot; 2],
    /// Whether A's and B's neighbours in memory are those along the terms.
    pub along_terms: [bool; 2],
    /// The kernel's own arguments, between C and those that all have.
    pub arguments: Vec<Argument>,
    /// Work-groups along each axis.
    pub groups: [usize; 3],
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(kind: Kind, compute_units: usize) -> Facts {
        Facts {
            name: String::new(),
            kind,
            compute_units,
            local_memory: 1 << 15,
            vector_width: 8,
            max_work_group: 256,
            memory: 0,
            largest_allocation: 0,
        }
    }

    /// The tiling of a product, and its number of groups.
    fn tiling(facts: &Facts, [rows, columns, terms]: [usize; 3]) -> (Tiling, usize) {
        let tiling = Tiling::choose(facts, Extents { rows, columns, terms }, |width| columns.div_ceil(width));
        (tiling, columns.div_ceil(tiling.columns) * rows.div_ceil(tiling.block) * tiling.slices)
    }

    /// Whatever the product, a group fits the device, and where there are terms enough to go round, every unit of the
    /// device has one.
    #[test]
    fn groups_fit_the_device_and_occupy_it() {
        for (kind, units) in [(Kind::Cpu, 2), (Kind::Cpu, 64), (Kind::Gpu, 16), (Kind::Gpu, 132)] {
            let facts = facts(kind, units);
            for rows in [1, 3, 64, 500] {
                for columns in [5, 64, 784] {
                    for terms in [0, 1, 100, 100_000] {
                        let (tiling, groups) = tiling(&facts, [rows, columns, terms]);
                        assert!(tiling.local() <= facts.local_memory, "{tiling:?}");
                        assert!(tiling.items() <= facts.max_work_group, "{tiling:?}");
                        let occupied = groups >= units || tiling.slices == MOST_SLICES;
                        assert!(terms < 100_000 || occupied, "{tiling:?}: {groups} groups for {rows}×{columns}");
                    }
                }
            }
        }
    }

    #[test]
    fn sums_are_cut_only_where_groups_are_few() {
        let facts = facts(Kind::Gpu, 16);
        assert_eq!(tiling(&facts, [4096, 4096, 512]).0.slices, 1);
        assert_eq!(tiling(&facts, [64, 64, 100_000]).0.slices, 32); // two groups a unit
        assert_eq!(tiling(&facts, [64, 64, 100]).0.slices, 1); // not worth another launch
    }
}
