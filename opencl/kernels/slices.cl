// y[i] (+)= Σ partial[slice, i], the slices in order, and y last.
kernel void sum_slices(
    global const float *partial, ulong partial_start, global float *y, ulong y_start, uint count, uint slices, uint accumulate)
{
    const uint i = get_global_id(0);
    if (i >= count) return;
    partial += partial_start, y += y_start;
    float sum = 0.0f;
    for (uint slice = 0; slice < slices; slice++) sum += partial[(ulong)slice * count + i];
    y[i] = accumulate ? y[i] + sum : sum;
}
