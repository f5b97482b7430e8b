// The sum of a value of every work-item of a group, whose size is a power of two: halves are added up pairwise.
static float sum_of_group(float value, local float *shared)
{
    const uint lane = get_local_id(0);
    shared[lane] = value;
    for (uint half_size = get_local_size(0) / 2; half_size > 0; half_size /= 2) {
        barrier(CLK_LOCAL_MEM_FENCE);
        if (lane < half_size) shared[lane] += shared[lane + half_size];
    }
    barrier(CLK_LOCAL_MEM_FENCE);
    const float sum = shared[0];
    barrier(CLK_LOCAL_MEM_FENCE); // before the memory is used again
    return sum;
}
