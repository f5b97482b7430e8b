// Matrix products whose operands lie at strides, so that a transpose only exchanges two of them:
//
//     c[i·c_rows + j·c_columns] (+)= Σ a[i·a_rows + p·a_terms] · b[p·b_terms + j·b_columns]
//
// How a work-group computes its part of C is in panel.cl, for CPUs, and tile.cl, for GPUs: one of them follows.

// Neighbours along the direction that A_ALONG_TERMS and B_ALONG_TERMS name lie side by side.
#define ADJOINING 1

typedef struct {
    global const float *a, *b;
    global float *c;
    uint a_rows, a_terms, b_terms, b_columns, c_rows, c_columns;
    bool accumulate;
} Product;

uint a_row(const Product *x, uint i) { return i * x->a_rows; }
uint a_term(const Product *x, uint p) { return p * x->a_terms; }
uint b_term(const Product *x, uint p) { return p * x->b_terms; }
uint b_column(const Product *x, uint j) { return j * x->b_columns; }
uint c_row(const Product *x, uint i) { return i * x->c_rows; }
uint c_column(const Product *x, uint j) { return j * x->c_columns; }
bool c_adjoins(const Product *x) { return x->c_columns == 1; }

// A group's part: these rows and columns of C, summed over these terms.
typedef struct {
    uint row, rows, column, columns, term, terms;
} Part;

void multiply(const Product *x, const Part *part, local float16 *memory);

// Groups along the axes: columns, blocks of rows, and (matrix of the batch, slice of the terms). The slices' results lie
// one after the other, to be added up by slices.cl.
kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1)))
void product(
    global const float *a, ulong a_start, global const float *b, ulong b_start, global float *c, ulong c_start,
    uint rows, uint columns, uint terms, uint block, uint a_rows, uint a_terms, uint b_terms, uint b_columns, uint c_rows,
    uint c_columns, uint accumulate, uint slices, local float16 *memory)
{
    const ulong matrix = get_group_id(2) / slices, matrices = get_num_groups(2) / slices;
    const ulong slice = get_group_id(2) % slices;
    const Product x = {
        a + a_start + matrix * rows * terms,
        b + b_start + matrix * terms * columns,
        c + c_start + (slice * matrices + matrix) * rows * columns,
        a_rows, a_terms, b_terms, b_columns, c_rows, c_columns, accumulate
    };
    const uint row = get_group_id(1) * block, column = get_group_id(0) * COLUMNS;
    const uint term = terms * slice / slices, end = terms * (slice + 1) / slices;
    const Part part = { row, min(block, rows - row), column, min((uint)COLUMNS, columns - column), term, end - term };
    multiply(&x, &part, memory);
}
