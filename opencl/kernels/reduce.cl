// Sums and maxima over the middle of x[outer, reduced, inner], cut into strips: y[outer, strips, inner]. With one strip
// these are the results, with more they are reduced once more. IDENTITY and COMBINE(a, b) say what is taken,
// and TAKE(result, lost, x) takes a further number.

// One work-item a result: neighbours read neighbouring elements where inner is wide. Where there are more blocks than work-
// groups along an axis, which drivers bound, they are taken in turns.
kernel void reduce_columns(
    global const float *x, ulong x_start, global float *y, ulong y_start, uint outer, uint reduced, uint inner, uint height)
{
    const uint column = get_global_id(0), strip = get_global_id(1), strips = get_global_size(1);
    if (column >= inner) return;
    const uint first = min(strip * height, reduced), last = min(first + height, reduced);
    for (uint block = get_global_id(2); block < outer; block += get_global_size(2)) {
        global const float *block_x = x + x_start + (ulong)block * reduced * inner + column;
        float result = IDENTITY, lost = 0.0f;
        for (uint row = first; row < last; row++) TAKE(result, lost, block_x[(ulong)row * inner]);
        y[y_start + ((ulong)block * strips + strip) * inner + column] = result;
    }
}

// The same where columns are few and blocks are many: one work-item a block and column.
kernel void reduce_blocks(
    global const float *x, ulong x_start, global float *y, ulong y_start, uint outer, uint reduced, uint inner)
{
    const uint at = get_global_id(0);
    if (at >= outer * inner) return;
    x += x_start + (ulong)(at / inner) * reduced * inner + at % inner;
    float result = IDENTITY, lost = 0.0f;
    for (uint row = 0; row < reduced; row++) TAKE(result, lost, x[(ulong)row * inner]);
    y[y_start + at] = result;
}

// For inner = 1: a work-group for each strip of each row, whose size is a power of two.
kernel void reduce_row(
    global const float *x, ulong x_start, global float *y, ulong y_start, uint reduced, uint height, uint strips,
    local float *shared)
{
    const uint lane = get_local_id(0), lanes = get_local_size(0), at = get_group_id(0);
    x += x_start + (ulong)(at / strips) * reduced;
    const uint first = min(at % strips * height, reduced), last = min(first + height, reduced);
    float result = IDENTITY, lost = 0.0f;
    for (uint turn = first; turn < last; turn += lanes)
        if (turn + lane < last) TAKE(result, lost, x[turn + lane]);
    shared[lane] = result;
    for (uint half_size = lanes / 2; half_size > 0; half_size /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane < half_size) shared[lane] = COMBINE(shared[lane], shared[lane + half_size]);
    }
    if (lane == 0) y[y_start + at] = shared[0];
}
