// Loaded before the loader of OpenCL, keeps Oclgrind 21.10 from false alarms about buffers (drivers.sh oclgrind).
//
// Oclgrind has a shadow of each buffer, which knows what has been written. Where the host writes a part of a buffer, it
// replaces the whole shadow by one as long as that part, so that everything beyond counts as uninitialised from then on,
// whatever a kernel writes there; and what a buffer is created with is unknown to it. So after each of these the whole buffer
// is read and written back. Nothing is missed by that: the backend fills every buffer when it creates it, so that only
// private and local memory can be uninitialised.

#define _GNU_SOURCE
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <dlfcn.h>
#include <stdlib.h>

// The function of this name that would have been called.
#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static void write_back(cl_command_queue queue, cl_mem buffer)
{
    size_t size;
    clGetMemObjectInfo(buffer, CL_MEM_SIZE, sizeof size, &size, NULL);
    void *bytes = malloc(size);
    clEnqueueReadBuffer(queue, buffer, CL_TRUE, 0, size, bytes, 0, NULL, NULL);
    NEXT(clEnqueueWriteBuffer)(queue, buffer, CL_TRUE, 0, size, bytes, 0, NULL, NULL);
    free(bytes);
}

cl_mem clCreateBuffer(cl_context context, cl_mem_flags flags, size_t size, void *bytes, cl_int *error)
{
    cl_mem buffer = NEXT(clCreateBuffer)(context, flags, size, bytes, error);
    if (!buffer) return buffer;
    cl_device_id device;
    clGetContextInfo(context, CL_CONTEXT_DEVICES, sizeof device, &device, NULL);
    cl_command_queue queue = clCreateCommandQueue(context, device, 0, NULL);
    write_back(queue, buffer);
    clReleaseCommandQueue(queue);
    return buffer;
}

cl_int clEnqueueWriteBuffer(
    cl_command_queue queue, cl_mem buffer, cl_bool blocking, size_t offset, size_t size, const void *bytes, cl_uint waits,
    const cl_event *wait, cl_event *event)
{
    cl_int error = NEXT(clEnqueueWriteBuffer)(queue, buffer, blocking, offset, size, bytes, waits, wait, event);
    if (!error) write_back(queue, buffer);
    return error;
}

cl_int clEnqueueFillBuffer(
    cl_command_queue queue, cl_mem buffer, const void *pattern, size_t length, size_t offset, size_t size, cl_uint waits,
    const cl_event *wait, cl_event *event)
{
    cl_int error = NEXT(clEnqueueFillBuffer)(queue, buffer, pattern, length, offset, size, waits, wait, event);
    if (!error) write_back(queue, buffer);
    return error;
}
