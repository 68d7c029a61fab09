/* See device.h. */
#include "aotc/device.h"

#include <stdint.h>
#include <stdio.h>

/* Names the call that failed. */
#define TRY_CUDA(call, name)                                                                       \
    do {                                                                                           \
        CuResult try_result = (call);                                                              \
        if (try_result) {                                                                          \
            cuda_describe(d->driver, try_result, name, message, n);                                \
            return false;                                                                          \
        }                                                                                          \
    } while (0)

bool device_open(Device *d, int ordinal, char *message, size_t n)
{
    aotc_error e = {.struct_size = sizeof e};
    if (cuda_driver_get(&d->driver, &e)) {
        snprintf(message, n, "%s", e.text);
        return false;
    }
    TRY_CUDA(d->driver->DeviceGet(&d->device, ordinal), "cuDeviceGet");
    TRY_CUDA(d->driver->DevicePrimaryCtxRetain(&d->context, d->device), "cuDevicePrimaryCtxRetain");
    TRY_CUDA(d->driver->CtxPushCurrent(d->context), "cuCtxPushCurrent");
    TRY_CUDA(d->driver->StreamCreate(&d->stream, CU_NON_BLOCKING), "cuStreamCreate");
    return true;
}

void device_close(Device *d)
{
    CuContext popped;
    if (!d->context)
        return;
    for (int i = 0; i < d->n_memory; i++)
        d->driver->MemFree(d->memory[i]);
    if (d->stream)
        d->driver->StreamDestroy(d->stream);
    d->driver->CtxPopCurrent(&popped);
    d->driver->DevicePrimaryCtxRelease(d->device);
}

/* From the first element to the end of the last; strides that go backwards are not uploaded. */
static bool extent(const DLTensor *x, size_t *out)
{
    int64_t last = 0, step = 1;
    for (int k = x->ndim - 1; k >= 0; k--) {
        if (x->shape[k] == 0) {
            *out = 0;
            return true;
        }
        int64_t stride = x->strides ? x->strides[k] : step;
        if (stride < 0)
            return false;
        last += (x->shape[k] - 1) * stride;
        step *= x->shape[k];
    }
    *out = (size_t)(last + 1) * (x->dtype.bits / 8u);
    return true;
}

bool device_upload(Device *d, DLTensor *x, char *message, size_t n)
{
    size_t bytes;
    if (!x->data || x->device.device_type != kDLCPU || !extent(x, &bytes))
        return true;
    if (d->n_memory == (int)(sizeof d->memory / sizeof *d->memory)) {
        snprintf(message, n, "more than %d inputs", d->n_memory);
        return false;
    }
    CuAddress *to = &d->memory[d->n_memory];
    TRY_CUDA(d->driver->MemAlloc(to, bytes + 64), "cuMemAlloc");
    d->n_memory++;
    TRY_CUDA(
        d->driver->MemcpyHtoDAsync(*to, (const char *)x->data + x->byte_offset, bytes, d->stream),
        "cuMemcpyHtoDAsync");
    TRY_CUDA(d->driver->StreamSynchronize(d->stream), "cuStreamSynchronize");
    x->data = (void *)(uintptr_t)*to;
    x->byte_offset = 0;
    x->device = (DLDevice){kDLCUDA, d->device};
    return true;
}

/* ---- limits ---------------------------------------------------------------------------------- */

typedef struct Clock {
    CuEvent from, to;
} Clock;

static bool read_clock(Device *d, Clock *clock, double *ms, char *message, size_t n)
{
    float t = 0;
    TRY_CUDA(d->driver->EventRecord(clock->to, d->stream), "cuEventRecord");
    TRY_CUDA(d->driver->StreamSynchronize(d->stream), "cuStreamSynchronize");
    TRY_CUDA(d->driver->EventElapsedTime(&t, clock->from, clock->to), "cuEventElapsedTime");
    *ms = (double)t;
    return true;
}

/* The best of a few rounds. */
static bool peak_copy(Device *d, Clock *clock, double *gbps, char *message, size_t n)
{
    const size_t bytes = (size_t)256 << 20;
    CuAddress    memory;
    double       ms;
    TRY_CUDA(d->driver->MemAlloc(&memory, 2 * bytes), "cuMemAlloc");
    bool good = true;
    for (int round = 0; round < 6 && good; round++) {
        CuResult r = d->driver->EventRecord(clock->from, d->stream);
        for (int i = 0; i < 8 && !r; i++)
            r = d->driver->MemcpyDtoDAsync(memory + bytes, memory, bytes, d->stream);
        if (r)
            cuda_describe(d->driver, r, "cuMemcpyDtoDAsync", message, n);
        good = !r && read_clock(d, clock, &ms, message, n);
        if (good && 16 * (double)bytes / ms * 1e-6 > *gbps)
            *gbps = 16 * (double)bytes / ms * 1e-6;
    }
    d->driver->MemFree(memory);
    return good;
}

/* flops of one block and turn */
static bool peak_kernel(Device *d, Clock *clock, CuModule module, const char *name, double flops,
                        double *gflops, char *message, size_t n)
{
    CuFunction f;
    CuAddress  out = 0;
    int        n_sm = 0, turns = 4096;
    void      *params[] = {&out, &turns};
    double     ms;
    TRY_CUDA(d->driver->ModuleGetFunction(&f, module, name), "cuModuleGetFunction");
    TRY_CUDA(d->driver->DeviceGetAttribute(&n_sm, CU_DEVICE_N_SM, d->device),
             "cuDeviceGetAttribute");
    unsigned blocks = 16 * (unsigned)n_sm;
    for (int round = 0; round < 6; round++) {
        TRY_CUDA(d->driver->EventRecord(clock->from, d->stream), "cuEventRecord");
        TRY_CUDA(d->driver->LaunchKernel(f, blocks, 1, 1, 128, 1, 1, 0, d->stream, params, NULL),
                 "cuLaunchKernel");
        if (!read_clock(d, clock, &ms, message, n))
            return false;
        if (flops * blocks * turns / ms * 1e-6 > *gflops)
            *gflops = flops * blocks * turns / ms * 1e-6;
    }
    return true;
}

static bool peak_kernels(Device *d, Clock *clock, DevicePeak *out, char *message, size_t n)
{
    CuModule module, exact;
    int      major = 0, minor = 0;
    TRY_CUDA(d->driver->ModuleLoadData(&module, device_peak_ptx), "cuModuleLoadData");
    bool good =
        peak_kernel(d, clock, module, "peak_fma", 128 * 16, &out->fma_gflops, message, n) &&
        peak_kernel(d, clock, module, "peak_mma", 4 * 8 * 4096, &out->mma_gflops, message, n);
    d->driver->ModuleUnload(module);
    d->driver->DeviceGetAttribute(&major, CU_DEVICE_MAJOR, d->device);
    d->driver->DeviceGetAttribute(&minor, CU_DEVICE_MINOR, d->device);
    if (!good || major != 9 || minor != 0)
        return good;
    TRY_CUDA(d->driver->ModuleLoadData(&exact, device_peak_sm90a_ptx), "cuModuleLoadData");
    good = peak_kernel(d, clock, exact, "peak_wgmma", 8 * 524288., &out->mma_gflops, message, n);
    d->driver->ModuleUnload(exact);
    return good;
}

bool device_peak(Device *d, DevicePeak *out, char *message, size_t n)
{
    Clock clock;
    *out = (DevicePeak){0};
    TRY_CUDA(d->driver->EventCreate(&clock.from, 0), "cuEventCreate");
    TRY_CUDA(d->driver->EventCreate(&clock.to, 0), "cuEventCreate");
    bool good = peak_copy(d, &clock, &out->copy_gbps, message, n) &&
                peak_kernels(d, &clock, out, message, n);
    d->driver->EventDestroy(clock.from);
    d->driver->EventDestroy(clock.to);
    return good;
}
