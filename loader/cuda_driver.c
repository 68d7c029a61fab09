/* See cuda_driver.h. */
#include "loader/internal.h"

#include "loader/cuda_driver.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

const char *cuda_driver_path = "libcuda.so.1";

static pthread_mutex_t driver_lock = PTHREAD_MUTEX_INITIALIZER;
static CudaDriver      driver;

void cuda_describe(const CudaDriver *d, CuResult r, const char *call, char *text, size_t n)
{
    const char *name = NULL, *what = NULL;
    if (d->GetErrorName(r, &name) || !name)
        name = "an unknown error";
    if (d->GetErrorString(r, &what) || !what)
        what = "no text";
    snprintf(text, n, "%s failed: %s (%s)", call, name, what);
}

aotc_status cuda_error(const CudaDriver *d, CuResult r, const char *call, aotc_error *error)
{
    char text[256];
    cuda_describe(d, r, call, text, sizeof text);
    return error_set(error, r == CU_OUT_OF_MEMORY ? AOTC_E_MEMORY : AOTC_E_DEVICE, "%s", text);
}

static aotc_status too_old(const char *missing, int version, aotc_error *error)
{
    return error_set(error, AOTC_E_TARGET,
                     "the CUDA driver is too old: it is for CUDA %d.%d, models need %d.%d%s%s",
                     version / 1000, version % 1000 / 10, CUDA_LEAST_VERSION / 1000,
                     CUDA_LEAST_VERSION % 1000 / 10, missing ? "; it lacks " : "",
                     missing ? missing : "");
}

/* The first needed function that the library lacks, or NULL. */
static const char *find_functions(CudaDriver *d)
{
    const char *missing = NULL;
#define F(field, symbol, parameters)                                                               \
    *(void **)&d->field = dlsym(d->handle, symbol);                                                \
    if (!d->field && !missing)                                                                     \
        missing = symbol;
    CUDA_NEEDED(F)
#undef F
#define F(field, symbol, parameters) *(void **)&d->field = dlsym(d->handle, symbol);
    CUDA_OPTIONAL(F)
#undef F
    return missing;
}

static aotc_status start_driver(CudaDriver *d, aotc_error *error)
{
    const char *missing = find_functions(d);
    if (d->DriverGetVersion && d->DriverGetVersion(&d->version) == CU_OK &&
        d->version < CUDA_LEAST_VERSION)
        return too_old(missing, d->version, error);
    if (missing)
        return error_set(error, AOTC_E_TARGET, "the CUDA driver %s lacks the function %s",
                         cuda_driver_path, missing);
    CuResult r = d->Init(0);
    if (!r)
        return AOTC_OK;
    char text[256];
    cuda_describe(d, r, "cuInit", text, sizeof text);
    return error_set(error, AOTC_E_TARGET, "no CUDA device can be used: %s", text);
}

aotc_status cuda_driver_get(const CudaDriver **out, aotc_error *error)
{
    aotc_status s = AOTC_OK;
    *out = NULL;
    pthread_mutex_lock(&driver_lock);
    if (!driver.handle) {
        CudaDriver d = {0};
        d.handle = dlopen(cuda_driver_path, RTLD_NOW | RTLD_LOCAL);
        if (!d.handle)
            s = error_set(error, AOTC_E_TARGET, "no CUDA driver: %s", dlerror());
        else if (!(s = start_driver(&d,
                                    error))) /* a driver that fails stays: it may have threads */
            driver = d;
    }
    if (!s)
        *out = &driver;
    pthread_mutex_unlock(&driver_lock);
    return s;
}
