// Rows picked by index, and added up by index; one work-item an element of the result. An index that names no row gives
// NaN, or is dropped; one between two rows makes the lower one NaN.

static bool names_row(float index, uint rows) { return index >= 0.0f && index < (float)rows && index == floor(index); }

kernel void gather(
    global const float *x, ulong x_start, global const float *indices, ulong indices_start, global float *y, ulong y_start,
    uint rows, uint width, uint count)
{
    const uint at = get_global_id(0), column = at % width, i = at / width;
    if (i >= count) return;
    const float index = indices[indices_start + i];
    const bool valid = names_row(index, rows);
    y[y_start + at] = valid ? x[x_start + (ulong)(uint)index * width + column] : NAN;
}

// The same from a table of bytes: a byte b stands for b / 255.
kernel void look_up(
    global const uchar *table, global const float *indices, ulong indices_start, global float *y, ulong y_start,
    uint rows, uint width, uint count)
{
    const uint at = get_global_id(0), column = at % width, i = at / width;
    if (i >= count) return;
    const float index = indices[indices_start + i];
    const bool valid = names_row(index, rows);
    y[y_start + at] = valid ? (float)table[(ulong)(uint)index * width + column] / 255.0f : NAN;
}

// y[row] = the sum of the rows x[i] with indices[i] = row, in order: every result looks for its terms.
kernel void scatter_add(
    global const float *x, ulong x_start, global const float *indices, ulong indices_start, global float *y, ulong y_start,
    uint rows, uint width, uint count)
{
    const uint at = get_global_id(0), column = at % width, row = at / width;
    if (row >= rows) return;
    x += x_start + column;
    indices += indices_start;
    float sum = 0.0f, lost = 0.0f;
    for (uint i = 0; i < count; i++) {
        const float below = floor(indices[i]);
        if (names_row(below, rows) && (uint)below == row)
            add_to(&sum, &lost, below == indices[i] ? x[(ulong)i * width] : NAN);
    }
    y[y_start + at] = sum;
}
