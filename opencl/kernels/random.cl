// Random numbers without state: Philox 4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2,
// 3", SC 2011). A work-item makes one block of four elements. The specification is autograd's `philox`.

static uint4 philox(uint4 counter, uint2 key)
{
    for (int round = 0; round < 10; round++) {
        const uint low_a = 0xD2511F53u * counter.x, high_a = mul_hi(0xD2511F53u, counter.x);
        const uint low_c = 0xCD9E8D57u * counter.z, high_c = mul_hi(0xCD9E8D57u, counter.z);
        counter = (uint4)(high_c ^ counter.y ^ key.x, low_c, high_a ^ counter.w ^ key.y, low_a);
        key += (uint2)(0x9E3779B9u, 0xBB67AE85u);
    }
    return counter;
}

static uint4 words(uint block, uint stream, ulong step, uint key_low, uint key_high)
{
    return philox((uint4)(block, stream, (uint)step, (uint)(step >> 32)), (uint2)(key_low, key_high));
}

static void store(global float *y, uint block, uint count, float4 values)
{
    const uint i = 4 * block;
    y[i] = values.x;
    if (i + 1 < count) y[i + 1] = values.y;
    if (i + 2 < count) y[i + 2] = values.z;
    if (i + 3 < count) y[i + 3] = values.w;
}

// A word's 24 high bits as a number in [0, 1): exact.
kernel void uniform(
    global float *y, ulong y_start, ulong step, uint stream, uint key_low, uint key_high, uint count)
{
    const uint block = get_global_id(0);
    if (4 * block >= count) return;
    const uint4 high = words(block, stream, step, key_low, key_high) >> 8;
    store(y + y_start, block, count, convert_float4(high) * (1.0f / 16777216.0f));
}

// In f64 where the device has it, else in f32.
#ifdef cl_khr_fp64
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
typedef double real;
#else
typedef float real;
#endif

// Box and Muller's pair: √(−2 ln u₁) · (cos 2πu₂, sin 2πu₂), u₁ in (0, 1], u₂ in [0, 1).
static float2 normal_pair(uint first, uint second)
{
    const real u1 = (real)((first >> 8) + 1) / (real)16777216, turns = (real)(second >> 8) / (real)8388608;
    const real radius = sqrt((real)-2 * log(u1));
    return (float2)((float)(radius * cospi(turns)), (float)(radius * sinpi(turns)));
}

kernel void normal(
    global float *y, ulong y_start, ulong step, uint stream, uint key_low, uint key_high, uint count)
{
    const uint block = get_global_id(0);
    if (4 * block >= count) return;
    const uint4 random = words(block, stream, step, key_low, key_high);
    const float2 first = normal_pair(random.x, random.y), second = normal_pair(random.z, random.w);
    store(y + y_start, block, count, (float4)(first.x, first.y, second.x, second.y));
}
