/* See kit.h. */
#include "tests/cuda/kit.h"

#include "loader/cuda_driver.h"

#define AOTC_TESTS_CUDA_DEVICE
#include "tests/cuda/kernels.h"

#include <dlfcn.h>
#include <unistd.h>

const FakeApi *cuda_fake;
const char    *cuda_model, *cpu_model;

static const FakeKernel kernels[] = {
    {"affine", run_affine, sizeof(AffineArgs)},
    {"random_fill", run_random_fill, sizeof(RandomArgs)},
    {"find", run_find, sizeof(FindArgs)},
    {"test_above", run_test_above, sizeof(TestArgs)},
    {"check", run_check, sizeof(CheckArgs)},
    {"use_shared", run_use_shared, sizeof(SharedArgs)},
};

void kit_cuda_start(const char *driver)
{
    void       *handle = dlopen(driver, RTLD_NOW | RTLD_LOCAL);
    fake_api_fn api = NULL;
    if (!handle)
        print_error("%s\n", dlerror());
    assert_non_null(handle);
    *(void **)&api = dlsym(handle, "fake_api");
    cuda_fake = api();
    cuda_fake->add_kernels(kernels, sizeof kernels / sizeof *kernels);
    cuda_driver_path = driver;
    setenv("AOTC_TEST_DRIVER", driver, 1);
}

static void add_member(KitSpec *k, const char *name, const char *target, const Bytes *code,
                       uint64_t features)
{
    k->members[k->spec.n_members++] = (PackageMember){.name = name,
                                                      .data = code->data,
                                                      .size_bytes = code->n,
                                                      .kind = AOTC_MEMBER_LIBRARY,
                                                      .target = target,
                                                      .machine = code->data[18],
                                                      .features = features};
}

const char *kit_cuda_pack(const char *name, bool with_cpu)
{
    static const float bias[] = {1, 2, 3, 4}, counter[] = {0}, zeros[4];
    const char        *path = kit_path(name);
    Arena             *arena = arena_create(NULL);
    Bytes              cuda = kit_read(cuda_model), cpu = kit_read(cpu_model);
    KitSpec            k = {.weights = {{0, sizeof bias, bias},
                                        {64, sizeof counter, counter},
                                        {256, sizeof zeros, zeros}}};
    k.spec = (PackageSpec){k.members, 0, k.weights, 3, 320};
    add_member(&k, "lib/cuda/model.so", "cuda", &cuda, AOTC_NEEDS_CUDA);
    if (with_cpu)
        add_member(&k, "lib/native/model.so", "native", &cpu, 0);
    assert_null(package_write(arena, path, &k.spec));
    arena_destroy(arena);
    free(cuda.data);
    free(cpu.data);
    return path;
}

aotc_context *kit_cuda_context(const char *entry, const aotc_context_options *options)
{
    const char *path = kit_path("cuda.pt2pkg");
    if (access(path, R_OK))
        path = kit_cuda_pack("cuda.pt2pkg", false);
    return kit_context_of(path, entry, options);
}

/* ---- device memory --------------------------------------------------------------------------- */

static const CudaDriver *driver(void)
{
    const CudaDriver *d;
    CuContext         current = NULL;
    CuContext         context;
    assert_int_equal(cuda_driver_get(&d, NULL), AOTC_OK);
    d->CtxGetCurrent(&current);
    if (!current) { /* as a program would, that uses CUDA itself */
        long before = cuda_fake->state->fail_at;
        cuda_fake->state->fail_at = -1;
        assert_int_equal(d->DevicePrimaryCtxRetain(&context, 0), CU_OK);
        cuda_fake->state->fail_at = before;
        assert_int_equal(d->CtxPushCurrent(context), CU_OK);
        d->DevicePrimaryCtxRelease(0);
    }
    return d;
}

void *kit_device(const void *from, size_t bytes)
{
    CuAddress a = 0;
    assert_int_equal(driver()->MemAlloc(&a, bytes), CU_OK);
    if (from)
        assert_int_equal(driver()->MemcpyHtoDAsync(a, from, bytes, NULL), CU_OK);
    assert_int_equal(driver()->StreamSynchronize(NULL), CU_OK);
    return (void *)(uintptr_t)a;
}

void kit_device_read(void *to, const void *from, size_t bytes)
{
    assert_int_equal(driver()->MemcpyDtoHAsync(to, (CuAddress)(uintptr_t)from, bytes, NULL), CU_OK);
    assert_int_equal(driver()->StreamSynchronize(NULL), CU_OK);
}

void kit_device_free(void *p)
{
    assert_int_equal(driver()->MemFree((CuAddress)(uintptr_t)p), CU_OK);
}

void *kit_stream(void)
{
    CuStream s = NULL;
    assert_int_equal(driver()->StreamCreate(&s, 0), CU_OK);
    return s;
}

void kit_stream_free(void *stream)
{
    assert_int_equal(driver()->StreamDestroy(stream), CU_OK);
}

void kit_wait(void *stream)
{
    assert_int_equal(driver()->StreamSynchronize(stream), CU_OK);
}

DLTensor kit_on_device(DLTensor x, int ordinal)
{
    x.device = (DLDevice){kDLCUDA, ordinal};
    return x;
}

aotc_graph_counters kit_counters(const aotc_context *c)
{
    aotc_graph_counters n = {.struct_size = sizeof n};
    assert_int_equal(aotc_context_graph_counters(c, &n), AOTC_OK);
    return n;
}

void kit_cuda_clean(void)
{
    const FakeState   now = *cuda_fake->state, *s = &now;
    CuContext         popped, current = NULL;
    const CudaDriver *d;
    cuda_fake->reset();
    if (s->n_breaches)
        print_error("%d breaches of the driver's rules: %s\n", s->n_breaches, s->breach);
    assert_int_equal(s->n_breaches, 0);
    assert_int_equal(s->live_bytes, 0);
    assert_int_equal(s->live_host, 0);
    assert_int_equal(s->live_modules, 0);
    assert_int_equal(s->live_streams, 0);
    assert_int_equal(s->live_events, 0);
    assert_int_equal(s->live_graphs, 0);
    assert_int_equal(s->live_execs, 0);
    assert_int_equal(s->n_retained, 0);
    if (!cuda_driver_get(&d, NULL) && !d->CtxGetCurrent(&current) && current)
        d->CtxPopCurrent(&popped);
}
