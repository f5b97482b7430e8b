// Products on GPUs. A group computes a tile of C, ROWS × COLUMNS, for which it brings DEPTH terms at a time to local
// memory; each work-item keeps ITEM_ROWS × ITEM_COLUMNS sums in registers, in pieces of 4 × 4 that are spread over the
// tile so that neighbours read neighbouring banks. While the group multiplies, the next terms are on their way. After BLOCK
// terms the sums go to C, and begin from zero.

#define ITEMS_DOWN (ROWS / ITEM_ROWS)
#define ITEMS_ACROSS (COLUMNS / ITEM_COLUMNS)
// Elements that an item brings of each operand.
#define A_LOADS (ROWS * DEPTH / ITEMS)
#define B_LOADS (COLUMNS * DEPTH / ITEMS)

// Row or column, and term, of the element e of an operand's tile, in the order of its memory.
#define ACROSS(e, extent, along_terms) ((along_terms) ? (e) / DEPTH : (e) % (extent))
#define TERM(e, extent, along_terms) ((along_terms) ? (e) % DEPTH : (e) / (extent))

// Where the item's sum number i of a row or column is in the tile.
#define SPREAD(i, item, items) (((i) / 4 * (items) + (item)) * 4 + (i) % 4)

// What an item brings next: its elements of A's rows and B's columns. Terms beyond the last one are zeros.
void fetch(const Product *x, const Part *part, uint done, const uint *a_rows, const uint *b_columns, float *a, float *b)
{
    #pragma unroll
    for (uint l = 0; l < A_LOADS; l++) {
        const uint p = done + TERM(get_local_id(0) + l * ITEMS, ROWS, A_ALONG_TERMS);
        a[l] = p < part->terms ? x->a[a_rows[l] + a_term(x, part->term + p)] : 0.0f;
    }
    #pragma unroll
    for (uint l = 0; l < B_LOADS; l++) {
        const uint p = done + TERM(get_local_id(0) + l * ITEMS, COLUMNS, B_ALONG_TERMS);
        b[l] = p < part->terms ? x->b[b_columns[l] + b_term(x, part->term + p)] : 0.0f;
    }
}

void multiply(const Product *x, const Part *part, local float16 *memory)
{
    local float *a = (local float *)memory; // [DEPTH, ROWS + PADDING]
    local float *b = a + DEPTH * (ROWS + PADDING); // [DEPTH, COLUMNS + PADDING]
    const uint item = get_local_id(0), down = item / ITEMS_ACROSS, across = item % ITEMS_ACROSS;

    // Rows and columns beyond the last one repeat it: their results are not stored.
    uint a_rows[A_LOADS], b_columns[B_LOADS];
    #pragma unroll
    for (uint l = 0; l < A_LOADS; l++)
        a_rows[l] = a_row(x, part->row + min(ACROSS(item + l * ITEMS, ROWS, A_ALONG_TERMS), part->rows - 1));
    #pragma unroll
    for (uint l = 0; l < B_LOADS; l++)
        b_columns[l] = b_column(x, part->column + min(ACROSS(item + l * ITEMS, COLUMNS, B_ALONG_TERMS), part->columns - 1));

    float4 sums[ITEM_ROWS][ITEM_COLUMNS / 4];
    #pragma unroll
    for (uint i = 0; i < ITEM_ROWS; i++) {
        #pragma unroll
        for (uint j = 0; j < ITEM_COLUMNS / 4; j++) sums[i][j] = 0.0f;
    }
    float a_next[A_LOADS], b_next[B_LOADS];
    fetch(x, part, 0, a_rows, b_columns, a_next, b_next);
    uint done = 0;
    do { // even where there are no terms: C is to be written
        #pragma unroll
        for (uint l = 0; l < A_LOADS; l++) {
            const uint e = item + l * ITEMS;
            a[TERM(e, ROWS, A_ALONG_TERMS) * (ROWS + PADDING) + ACROSS(e, ROWS, A_ALONG_TERMS)] = a_next[l];
        }
        #pragma unroll
        for (uint l = 0; l < B_LOADS; l++) {
            const uint e = item + l * ITEMS;
            b[TERM(e, COLUMNS, B_ALONG_TERMS) * (COLUMNS + PADDING) + ACROSS(e, COLUMNS, B_ALONG_TERMS)] = b_next[l];
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        done += DEPTH;
        fetch(x, part, done, a_rows, b_columns, a_next, b_next);
        #pragma unroll
        for (uint p = 0; p < DEPTH; p++) {
            local const float4 *a_4 = (local const float4 *)(a + p * (ROWS + PADDING)) + down;
            local const float4 *b_4 = (local const float4 *)(b + p * (COLUMNS + PADDING)) + across;
            float a_item[ITEM_ROWS];
            float4 b_item[ITEM_COLUMNS / 4];
            #pragma unroll
            for (uint i = 0; i < ITEM_ROWS / 4; i++) vstore4(a_4[i * ITEMS_DOWN], i, a_item);
            #pragma unroll
            for (uint j = 0; j < ITEM_COLUMNS / 4; j++) b_item[j] = b_4[j * ITEMS_ACROSS];
            #pragma unroll
            for (uint i = 0; i < ITEM_ROWS; i++) {
                #pragma unroll
                for (uint j = 0; j < ITEM_COLUMNS / 4; j++) sums[i][j] = fma((float4)(a_item[i]), b_item[j], sums[i][j]);
            }
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        if (done % BLOCK > 0 && done < part->terms) continue;
        const bool onto = x->accumulate || done > BLOCK;
        #pragma unroll
        for (uint i = 0; i < ITEM_ROWS; i++) {
            const uint row = SPREAD(i, down, ITEMS_DOWN);
            float values[ITEM_COLUMNS];
            #pragma unroll
            for (uint j = 0; j < ITEM_COLUMNS / 4; j++) {
                vstore4(sums[i][j], j, values);
                sums[i][j] = 0.0f;
            }
            #pragma unroll
            for (uint j = 0; j < ITEM_COLUMNS; j++) {
                const uint column = SPREAD(j, across, ITEMS_ACROSS);
                if (row >= part->rows || column >= part->columns) continue;
                global float *c = x->c + c_row(x, part->row + row) + c_column(x, part->column + column);
                *c = onto ? *c + values[j] : values[j];
            }
        }
    } while (done < part->terms);
}
