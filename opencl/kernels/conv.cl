// The three views of form(x, w, g) = Σ x[n, c, i·stride + a − padding, j·stride + b − padding] · w[o, c, a, b] · g[n, o, i, j]
// as matrix products whose operands are read where they lie, never laid out as a matrix (Dukhan, "The indirect
// convolution algorithm", 2019):
//
//     c[rows[i].y + columns[j].y] (+)= Σ a[rows[i].x + terms[p].x] · b[terms[p].y + columns[j].x]
//
// The tables leave padding out: places of the result that have the same terms, such as the inside of an image, form a
// region, and each part lies in one. How a work-group computes its part is in panel.cl, for CPUs, and tile.cl, for GPUs:
// one of them follows.

// Neighbours may lie apart.
#define ADJOINING 0

typedef struct {
    global const float *a, *b;
    global float *c;
    global const uint2 *rows, *columns, *terms;
    bool accumulate;
} Product;

uint a_row(const Product *x, uint i) { return x->rows[i].x; }
uint a_term(const Product *x, uint p) { return x->terms[p].x; }
uint b_term(const Product *x, uint p) { return x->terms[p].y; }
uint b_column(const Product *x, uint j) { return x->columns[j].x; }
uint c_row(const Product *x, uint i) { return x->rows[i].y; }
uint c_column(const Product *x, uint j) { return x->columns[j].y; }
bool c_adjoins(const Product *x) { return false; }

// A group's part: these rows and columns of C, summed over these terms.
typedef struct {
    uint row, rows, column, columns, term, terms;
} Part;

void multiply(const Product *x, const Part *part, local float16 *memory);

// Groups along the axes: parts, slices of their terms. The slices' results lie one after the other, `count` elements
// each, to be added up by slices.cl.
kernel __attribute__((reqd_work_group_size(ITEMS, 1, 1)))
void convolution(
    global const float *a, ulong a_start, global const float *b, ulong b_start, global float *c, ulong c_start,
    global const uint2 *rows, global const uint2 *columns, global const uint2 *terms, global const Part *parts, ulong count,
    uint accumulate, uint slices, local float16 *memory)
{
    const ulong slice = get_group_id(1);
    const Product x = { a + a_start, b + b_start, c + c_start + slice * count, rows, columns, terms, accumulate };
    Part part = parts[get_group_id(0)];
    const uint first = part.terms * slice / slices, end = part.terms * (slice + 1) / slices;
    part.term += first;
    part.terms = end - first;
    multiply(&x, &part, memory);
}
