// Products on CPUs. A work-item is alone in its group and computes COLUMNS columns of C, ROWS rows at a time: their sums
// stay in vector registers while A's numbers are broadcast one by one and B's rows are read as vectors. It packs its
// columns of B beforehand, DEPTH terms at a time, a block of the sums; local memory is that of the core's cache.

#define PASTE(a, b) a##b
#define JOIN(a, b) PASTE(a, b)
typedef JOIN(float, VECTOR) Vector;
typedef JOIN(float, HALF) Half;
#define load JOIN(vload, VECTOR)
#define store JOIN(vstore, VECTOR)
#define VECTORS (COLUMNS / VECTOR)

// Exchanges the rows and columns of VECTOR vectors: each round moves the lowest bit of the column to the top of the row.
// Halves are put together in memory: on vectors made of vectors Oclgrind 21.10 crashes where it does not optimise.
void transpose(Vector *rows)
{
    #pragma unroll
    for (uint round = 1; round < VECTOR; round *= 2) {
        Vector mixed[VECTOR];
        Half *halves = (Half *)mixed;
        #pragma unroll
        for (uint i = 0; i < VECTOR; i++) {
            halves[i] = rows[i].even;
            halves[i + VECTOR] = rows[i].odd;
        }
        #pragma unroll
        for (uint i = 0; i < VECTOR; i++) rows[i] = mixed[i];
    }
}

// Lays B's rows first..first + terms of the part's columns one after the other, [terms, COLUMNS]. Columns beyond the last
// one repeat it: their results are not stored.
void pack(const Product *x, const Part *part, uint first, uint terms, local Vector *panel)
{
    uint p = 0;
    uint columns[COLUMNS];
    for (uint j = 0; j < COLUMNS; j++) columns[j] = b_column(x, part->column + min(j, part->columns - 1));
#if ADJOINING && !B_ALONG_TERMS
    if (part->columns == COLUMNS)
        for (; p < terms; p++) {
            global const float *row = x->b + b_term(x, first + p) + columns[0];
            for (uint v = 0; v < VECTORS; v++) panel[p * VECTORS + v] = load(v, row);
        }
#elif ADJOINING && B_ALONG_TERMS
    for (; p + VECTOR <= terms; p += VECTOR)
        for (uint v = 0; v < VECTORS; v++) {
            Vector rows[VECTOR];
            #pragma unroll
            for (uint i = 0; i < VECTOR; i++) rows[i] = load(0, x->b + b_term(x, first + p) + columns[v * VECTOR + i]);
            transpose(rows);
            #pragma unroll
            for (uint i = 0; i < VECTOR; i++) panel[(p + i) * VECTORS + v] = rows[i];
        }
#endif
    for (; p < terms; p++) {
        global const float *row = x->b + b_term(x, first + p);
        for (uint j = 0; j < COLUMNS; j++) ((local float *)panel)[p * COLUMNS + j] = row[columns[j]];
    }
}

// ROWS rows of the part, from `row` on: adds up the packed terms, onto what C holds or not.
void multiply_rows(const Product *x, const Part *part, uint row, uint first, uint terms, bool onto, local const Vector *panel)
{
    global const float *a[ROWS];
    Vector sums[ROWS][VECTORS];
    #pragma unroll
    for (uint i = 0; i < ROWS; i++) {
        a[i] = x->a + a_row(x, part->row + min(row + i, part->rows - 1));
        #pragma unroll
        for (uint v = 0; v < VECTORS; v++) sums[i][v] = 0.0f;
    }
    for (uint p = 0; p < terms; p++) {
        const uint term = a_term(x, first + p);
        Vector b[VECTORS];
        #pragma unroll
        for (uint v = 0; v < VECTORS; v++) b[v] = panel[p * VECTORS + v];
        #pragma unroll
        for (uint i = 0; i < ROWS; i++) {
            #pragma unroll
            for (uint v = 0; v < VECTORS; v++) sums[i][v] = fma((Vector)(a[i][term]), b[v], sums[i][v]);
        }
    }
    #pragma unroll
    for (uint i = 0; i < ROWS; i++) {
        if (row + i >= part->rows) continue;
        global float *c = x->c + c_row(x, part->row + row + i);
        if (c_adjoins(x) && part->columns == COLUMNS) {
            c += part->column;
            #pragma unroll
            for (uint v = 0; v < VECTORS; v++) store(onto ? load(v, c) + sums[i][v] : sums[i][v], v, c);
        } else {
            float values[COLUMNS];
            #pragma unroll
            for (uint v = 0; v < VECTORS; v++) store(sums[i][v], v, values);
            for (uint j = 0; j < part->columns; j++) {
                global float *element = c + c_column(x, part->column + j);
                *element = onto ? *element + values[j] : values[j];
            }
        }
    }
}

void multiply(const Product *x, const Part *part, local float16 *memory)
{
    local Vector *panel = (local Vector *)memory;
    uint done = 0;
    do { // even where there are no terms: C is to be written
        const uint terms = min(part->terms - done, (uint)DEPTH);
        pack(x, part, part->term + done, terms, panel);
        for (uint row = 0; row < part->rows; row += ROWS)
            multiply_rows(x, part, row, part->term + done, terms, x->accumulate || done > 0, panel);
        done += terms;
    } while (done < part->terms);
}
