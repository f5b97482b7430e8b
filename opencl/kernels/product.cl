// y[m, n] (+)= A[m, k]·B[k, n], one work-item an element.
kernel void product(
    global const float *a, ulong a_start, global const float *b, ulong b_start, global float *y, ulong y_start,
    uint m, uint n, uint k, uint a_row, uint a_column, uint b_row, uint b_column, uint accumulate)
{
    const size_t column = get_global_id(0), row = get_global_id(1), batch = get_global_id(2);
    if (row >= m || column >= n) return;
    a += a_start + batch * m * k + row * a_row;
    b += b_start + batch * k * n + column * b_column;
    y += y_start + (batch * m + row) * n + column;
    float sum = 0.0f;
    for (uint i = 0; i < k; i++) sum += a[i * a_column] * b[i * b_row];
    *y = accumulate ? *y + sum : sum;
}
