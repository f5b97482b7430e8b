// The three views of form(x, w, g) = Σ x[n, c, i·stride + a − padding, j·stride + b − padding] · w[o, c, a, b] · g[n, o, i, j],
// one work-item an element of the result.

#define SIZES \
    uint batch, uint channels, uint height, uint width, uint filters, uint kernel_height, uint kernel_width, \
    uint rows, uint columns, uint stride_y, uint stride_x, uint padding_y, uint padding_x, uint accumulate

kernel void conv2d(
    global const float *x, ulong x_start, global const float *w, ulong w_start, global float *y, ulong y_start, SIZES)
{
    const uint at = get_global_id(0);
    if (at >= batch * filters * rows * columns) return;
    x += x_start, w += w_start, y += y_start;
    const uint j = at % columns, i = at / columns % rows, o = at / (columns * rows) % filters;
    const uint n = at / (columns * rows * filters);
    float sum = 0.0f;
    for (uint c = 0; c < channels; c++)
        for (uint a = 0; a < kernel_height; a++)
            for (uint b = 0; b < kernel_width; b++) {
                const int row = (int)(i * stride_y + a) - (int)padding_y, column = (int)(j * stride_x + b) - (int)padding_x;
                if (row < 0 || row >= (int)height || column < 0 || column >= (int)width) continue;
                sum += x[((n * channels + c) * height + row) * width + column]
                    * w[((o * channels + c) * kernel_height + a) * kernel_width + b];
            }
    y[at] = accumulate ? y[at] + sum : sum;
}

kernel void conv2d_input(
    global const float *g, ulong g_start, global const float *w, ulong w_start, global float *x, ulong x_start, SIZES)
{
    const uint at = get_global_id(0);
    if (at >= batch * channels * height * width) return;
    g += g_start, w += w_start, x += x_start;
    const uint column = at % width, row = at / width % height, c = at / (width * height) % channels;
    const uint n = at / (width * height * channels);
    float sum = 0.0f;
    for (uint o = 0; o < filters; o++)
        for (uint a = 0; a < kernel_height; a++)
            for (uint b = 0; b < kernel_width; b++) {
                const int top = (int)(row + padding_y) - (int)a, left = (int)(column + padding_x) - (int)b;
                if (top < 0 || left < 0 || top % (int)stride_y || left % (int)stride_x) continue;
                const uint i = top / stride_y, j = left / stride_x;
                if (i >= rows || j >= columns) continue;
                sum += g[((n * filters + o) * rows + i) * columns + j]
                    * w[((o * channels + c) * kernel_height + a) * kernel_width + b];
            }
    x[at] = accumulate ? x[at] + sum : sum;
}

kernel void conv2d_filter(
    global const float *x, ulong x_start, global const float *g, ulong g_start, global float *w, ulong w_start, SIZES)
{
    const uint at = get_global_id(0);
    if (at >= filters * channels * kernel_height * kernel_width) return;
    x += x_start, g += g_start, w += w_start;
    const uint b = at % kernel_width, a = at / kernel_width % kernel_height;
    const uint c = at / (kernel_width * kernel_height) % channels, o = at / (kernel_width * kernel_height * channels);
    float sum = 0.0f;
    for (uint n = 0; n < batch; n++)
        for (uint i = 0; i < rows; i++)
            for (uint j = 0; j < columns; j++) {
                const int row = (int)(i * stride_y + a) - (int)padding_y, column = (int)(j * stride_x + b) - (int)padding_x;
                if (row < 0 || row >= (int)height || column < 0 || column >= (int)width) continue;
                sum += x[((n * channels + c) * height + row) * width + column]
                    * g[((n * filters + o) * rows + i) * columns + j];
            }
    w[at] = accumulate ? w[at] + sum : sum;
}
