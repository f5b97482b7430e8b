// Filling boxes of a larger array. PLACE(i) is where element i of a box goes.

kernel void fill_zeros(global float *y, ulong y_start, uint count)
{
    const uint i = get_global_id(0);
    if (i < count) y[y_start + i] = 0.0f;
}

kernel void fill_box(global const float *x, ulong x_start, global float *y, ulong y_start, uint count)
{
    const uint i = get_global_id(0);
    if (i < count) y[y_start + PLACE(i)] = x[x_start + i];
}
