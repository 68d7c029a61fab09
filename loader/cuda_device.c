/* Devices in use: the primary context, what kernels must know of the device, the loader's own
 * kernels. */
#include "loader/cuda.h"

#include <stdio.h>
#include <stdlib.h>

static pthread_mutex_t devices_lock = PTHREAD_MUTEX_INITIALIZER;
static CudaDevice     *devices;

static const CudaDriver *the_driver(void)
{
    const CudaDriver *d = NULL;
    cuda_driver_get(&d, NULL);
    return d;
}

int cuda_n_devices(void)
{
    const CudaDriver *d = the_driver();
    int               n = 0;
    return d && d->DeviceGetCount(&n) == CU_OK ? n : 0;
}

aotc_status cuda_device_info(int ordinal, CudaDeviceInfo *out, aotc_error *error)
{
    const CudaDriver *d;
    CuDevice          device;
    int               major = 0, minor = 0;
    aotc_status       s = cuda_driver_get(&d, error);
    if (s)
        return s;
    CuResult r = d->DeviceGet(&device, ordinal);
    if (r)
        return error_set(error, AOTC_E_TARGET, "there is no CUDA device %d: this machine has %d",
                         ordinal, cuda_n_devices());
    if ((r = d->DeviceGetName(out->name, sizeof out->name, device)) ||
        (r = d->DeviceGetAttribute(&major, CU_DEVICE_MAJOR, device)) ||
        (r = d->DeviceGetAttribute(&minor, CU_DEVICE_MINOR, device)))
        return cuda_error(d, r, "cuDeviceGetAttribute", error);
    out->sm = 10 * major + minor;
    return AOTC_OK;
}

CuResult cuda_enter(const CudaDevice *device, CudaScope *scope, bool is_slow)
{
    const CudaDriver *d = device->driver;
    CuContext         current = NULL;
    CuResult          r = d->CtxGetCurrent(&current);
    *scope = (CudaScope){.driver = d, .is_slow = is_slow, .capture_mode = CU_CAPTURE_RELAXED};
    if (r)
        return r;
    if (current != device->context) {
        r = d->CtxPushCurrent(device->context);
        scope->is_pushed = !r;
    }
    if (!r && is_slow)
        r = d->ThreadExchangeCaptureMode(&scope->capture_mode);
    if (r) {
        scope->is_slow = false;
        cuda_leave(scope);
        scope->is_pushed = false;
    }
    return r;
}

void cuda_leave(CudaScope *scope)
{
    CuContext popped;
    if (scope->is_slow)
        scope->driver->ThreadExchangeCaptureMode(&scope->capture_mode);
    if (scope->is_pushed)
        scope->driver->CtxPopCurrent(&popped);
}

/* ---- opening --------------------------------------------------------------------------------- */

static CuResult read_attributes(const CudaDriver *d, CudaDevice *v)
{
    CuResult r = d->DeviceGetAttribute(&v->major, CU_DEVICE_MAJOR, v->device);
    r = r ? r : d->DeviceGetAttribute(&v->minor, CU_DEVICE_MINOR, v->device);
    r = r ? r : d->DeviceGetAttribute(&v->n_sm, CU_DEVICE_N_SM, v->device);
    r = r ? r : d->DeviceGetAttribute(&v->l2_bytes, CU_DEVICE_L2_BYTES, v->device);
    return r ? r : d->DeviceGetAttribute(&v->max_shared, CU_DEVICE_MAX_SHARED, v->device);
}

/* Conditions can be set from device code where the driver knows how (CUDA 12.3); where it does not,
 * the module does not link. */
static void load_conditions(const CudaDriver *d, CudaDevice *v)
{
    if (!d->GraphAddNode || !d->GraphConditionalHandleCreate ||
        d->ModuleLoadData(&v->conditions, cuda_condition_ptx))
        return;
    if (d->ModuleGetFunction(&v->condition, v->conditions, "aotc_condition"))
        v->condition = NULL;
}

/* With lazy loading a function's code comes at its first launch: too late for a capture. */
static void load_now(const CudaDriver *d, CuFunction f)
{
    if (d->FuncLoad && f)
        (void)d->FuncLoad(f);
}

static CuResult load_helpers(const CudaDriver *d, CudaDevice *v)
{
    CuResult r = d->ModuleLoadData(&v->helpers, cuda_helpers_ptx);
    r = r ? r : d->ModuleGetFunction(&v->copy_strided, v->helpers, "aotc_copy_strided");
    r = r ? r : d->ModuleGetFunction(&v->rng_set, v->helpers, "aotc_rng_set");
    r = r ? r : d->ModuleGetFunction(&v->rng_next, v->helpers, "aotc_rng_next");
    if (r)
        return r;
    load_conditions(d, v);
    load_now(d, v->copy_strided);
    load_now(d, v->rng_set);
    load_now(d, v->rng_next);
    load_now(d, v->condition);
    return CU_OK;
}

static void free_device(CudaDevice *v)
{
    const CudaDriver *d = v->driver;
    CudaScope         scope;
    if (v->context && cuda_enter(v, &scope, true) == CU_OK) {
        if (v->stream)
            d->StreamDestroy(v->stream);
        if (v->conditions)
            d->ModuleUnload(v->conditions);
        if (v->helpers)
            d->ModuleUnload(v->helpers);
        cuda_leave(&scope);
    }
    if (v->context)
        d->DevicePrimaryCtxRelease(v->device);
    free(v);
}

static aotc_status open_device(const CudaDriver *d, CudaDevice *v, aotc_error *error)
{
    CudaScope scope;
    CuResult  r = read_attributes(d, v);
    if (r)
        return cuda_error(d, r, "cuDeviceGetAttribute", error);
    if ((r = d->DevicePrimaryCtxRetain(&v->context, v->device))) {
        v->context = NULL;
        return cuda_error(d, r, "cuDevicePrimaryCtxRetain", error);
    }
    if ((r = cuda_enter(v, &scope, true)))
        return cuda_error(d, r, "cuCtxPushCurrent", error);
    r = d->StreamCreate(&v->stream, CU_NON_BLOCKING);
    aotc_status s = r ? cuda_error(d, r, "cuStreamCreate", error) : AOTC_OK;
    if (!s && (r = load_helpers(d, v)))
        s = cuda_error(d, r, "loading the loader's own kernels", error);
    cuda_leave(&scope);
    return s;
}

/* Under the lock. */
static aotc_status find_device(int ordinal, CudaDevice **out, aotc_error *error)
{
    const CudaDriver *d;
    aotc_status       s = cuda_driver_get(&d, error);
    for (CudaDevice *v = devices; v && !s; v = v->next)
        if (v->ordinal == ordinal) {
            *out = v;
            return AOTC_OK;
        }
    if (s)
        return s;
    CudaDevice *v = calloc(1, sizeof *v);
    if (!v)
        return error_set(error, AOTC_E_MEMORY, "out of memory");
    v->driver = d;
    v->ordinal = ordinal;
    CuResult r = d->DeviceGet(&v->device, ordinal);
    s = r ? cuda_error(d, r, "cuDeviceGet", error) : open_device(d, v, error);
    if (s) {
        free_device(v);
        return s;
    }
    v->next = devices;
    *out = devices = v;
    return AOTC_OK;
}

aotc_status cuda_device_open(int ordinal, CudaDevice **out, aotc_error *error)
{
    *out = NULL;
    pthread_mutex_lock(&devices_lock);
    aotc_status s = find_device(ordinal, out, error);
    if (!s)
        (*out)->refs++;
    pthread_mutex_unlock(&devices_lock);
    return s;
}

void cuda_device_close(CudaDevice *v)
{
    pthread_mutex_lock(&devices_lock);
    if (--v->refs == 0) {
        CudaDevice **at = &devices;
        while (*at != v)
            at = &(*at)->next;
        *at = v->next;
        free_device(v);
    }
    pthread_mutex_unlock(&devices_lock);
}

aotc_status cuda_upload(const CudaDevice *v, CuAddress to, const void *from, size_t bytes,
                        aotc_error *error)
{
    const CudaDriver *d = v->driver;
    if (!bytes)
        return AOTC_OK;
    CuResult r = d->MemcpyHtoDAsync(to, from, bytes, v->stream);
    if (r)
        return cuda_error(d, r, "cuMemcpyHtoDAsync", error);
    r = d->StreamSynchronize(v->stream);
    return r ? cuda_error(d, r, "cuStreamSynchronize", error) : AOTC_OK;
}
