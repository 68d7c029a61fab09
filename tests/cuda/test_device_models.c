/* Runs of CUDA models over the fake driver: inputs and outputs on either side, strides, state,
 * numbers, sizes that data decides, threads. */
#include "tests/cuda/kit.h"

#include <pthread.h>

static aotc_context_options plain(void)
{
    return (aotc_context_options){.struct_size = sizeof(aotc_context_options),
                                  .cuda_graph = AOTC_CUDA_GRAPH_OFF};
}

/* 2x + bias */
static void expect_affine(const float *x, const float *y, int n)
{
    for (int i = 0; i < n; i++)
        assert_true(y[i] == 2 * x[i] + (float)(i % 4 + 1));
}

static void test_on_host(void **state)
{
    (void)state;
    float         x[8] = {1, 2, 3, 4, 5, 6, 7, 8}, y[8] = {0};
    DLTensor      in = KIT_F32(x, 2, 4), out = KIT_F32(y, 2, 4);
    aotc_context *c = kit_cuda_context("affine", NULL);
    for (int i = 0; i < 4; i++) {
        memset(y, 0, sizeof y);
        x[0] = (float)i;
        kit_run(c, &in, 1, &out, 1); /* has waited: the output is on the host */
        expect_affine(x, y, 8);
    }
    aotc_context_destroy(c);
    kit_cuda_clean();
}

static void test_on_device(void **state)
{
    (void)state;
    float                x[8] = {1, 2, 3, 4, 5, 6, 7, 8}, y[8];
    void                *dx = kit_device(x, sizeof x), *dy = kit_device(NULL, sizeof y);
    void                *stream = kit_stream();
    aotc_context_options o = plain();
    aotc_context        *c = kit_cuda_context("affine", &o);
    aotc_error           e = {.struct_size = sizeof e};
    DLTensor in = kit_on_device(KIT_F32(dx, 2, 4), 0), out = kit_on_device(KIT_F32(dy, 2, 4), 0);
    long     syncs = cuda_fake->state->n_syncs;
    kit_expect(aotc_run(c, &in, 1, &out, 1, stream, &e), &e, AOTC_OK, "");
    assert_false(cuda_fake->is_idle()); /* queued, not waited for */
    assert_int_equal(cuda_fake->state->n_syncs, syncs);
    kit_expect(aotc_synchronize(c, &e), &e, AOTC_OK, "");
    kit_device_read(y, dy, sizeof y);
    expect_affine(x, y, 8);

    /* memory of the context, which comes back as it is */
    DLTensor own = {0};
    kit_expect(aotc_run(c, &in, 1, &own, 1, stream, &e), &e, AOTC_OK, "");
    assert_int_equal(own.device.device_type, kDLCUDA);
    assert_int_equal(own.ndim, 2);
    void *memory = own.data;
    kit_expect(aotc_run(c, &in, 1, &own, 1, stream, &e), &e, AOTC_OK, "");
    assert_ptr_equal(own.data, memory);
    kit_expect(aotc_synchronize(c, &e), &e, AOTC_OK, "");
    kit_device_read(y, own.data, sizeof y);
    expect_affine(x, y, 8);

    /* device to host in one run */
    DLTensor host = KIT_F32(y, 2, 4);
    memset(y, 0, sizeof y);
    kit_expect(aotc_run(c, &in, 1, &host, 1, stream, &e), &e, AOTC_OK, "");
    expect_affine(x, y, 8);
    aotc_context_destroy(c);
    kit_stream_free(stream);
    kit_device_free(dx);
    kit_device_free(dy);
    kit_cuda_clean();
}

/* Memory of the context on the host, where the caller does not know the sizes. */
static void test_handed_down(void **state)
{
    (void)state;
    float         x[16] = {1, 2, 0, 4, 5}, first;
    DLTensor      in = KIT_F32(x, 1, 4), out = {.device = {kDLCPU, 0}}, columns;
    aotc_context *c = kit_cuda_context("affine", NULL);
    for (int run = 0; run < 6; run++) {
        int rows = 1 + run % 3;
        in = KIT_F32(x, rows, 4);
        x[0] = (float)run;
        kit_run(c, &in, 1, &out, 1); /* `out` comes again as it is */
        assert_int_equal(out.device.device_type, kDLCPU);
        assert_int_equal(out.shape[0], rows);
        expect_affine(x, out.data, 4 * rows);
    }
    in = KIT_F32(x, 0, 4);
    kit_run(c, &in, 1, &out, 1);
    assert_int_equal(out.device.device_type, kDLCPU);
    in = KIT_F32(x, 1, 4);
    kit_run(c, &in, 1, &out, 1);
    expect_affine(x, out.data, 4);
    aotc_context_destroy(c);

    c = kit_cuda_context("late", NULL);
    in = KIT_F32(x, 16);
    out = (DLTensor){.device = {kDLCPU, 0}};
    kit_run(c, &in, 1, &out, 1);
    assert_int_equal(out.shape[0], 4);
    assert_int_equal(((int64_t *)out.data)[3], 4);
    aotc_context_destroy(c);

    c = kit_cuda_context("columns", NULL);
    in = KIT_F32(x, 2, 4);
    columns = (DLTensor){.device = {kDLCPU, 0}};
    kit_run(c, &in, 1, &columns, 1);
    assert_int_equal(columns.strides[1], 2);
    assert_true(((float *)columns.data)[2] == x[1] + 3.5f);
    aotc_context_destroy(c);

    c = kit_cuda_context("state", NULL); /* an input that is on the device */
    void *d = kit_device(x, 16);
    first = x[0];
    in = kit_on_device(KIT_F32(d, 1, 4), 0);
    out = (DLTensor){.device = {kDLCPU, 0}};
    kit_run(c, &in, 1, &out, 1);
    assert_int_equal(out.device.device_type, kDLCPU);
    assert_true(((float *)out.data)[0] == first + 1);
    aotc_context_destroy(c);
    kit_device_free(d);
    kit_cuda_clean();
}

static void test_checks(void **state)
{
    (void)state;
    float         x[8] = {0}, y[8];
    int64_t       n = 1;
    aotc_context *c = kit_cuda_context("affine", NULL);
    DLTensor      in = kit_on_device(KIT_F32(x, 2, 4), 1), out = KIT_F32(y, 2, 4);
    kit_run_fails(
        c, &in, 1, &out, 1, AOTC_E_GUARD,
        "input \"x\" is on device type 2, number 1; the model runs on CUDA (2), number 0");
    in = KIT_F32(x, 2, 4);
    in.device.device_type = (DLDeviceType)10;
    kit_run_fails(c, &in, 1, &out, 1, AOTC_E_GUARD, "on device type 10");
    in = KIT_F32(x, 4, 2);
    kit_run_fails(c, &in, 1, &out, 1, AOTC_E_GUARD, "size 2 in dim 1, the model takes 4");
    in = KIT_F32(x, 2, 4);
    out = kit_on_device(out, 3);
    kit_run_fails(c, &in, 1, &out, 1, AOTC_E_ARGUMENT, "another dtype, rank or device");
    aotc_context_destroy(c);

    c = kit_cuda_context("chain", NULL);
    DLTensor two[] = {KIT_F32(x, 2, 4), kit_on_device(KIT_NUMBER(&n, kDLInt, 64), 0)},
             outs[2] = {0};
    kit_run_fails(c, two, 2, outs, 2, AOTC_E_GUARD, "the model takes this number on the CPU");
    aotc_context_destroy(c);
    kit_cuda_clean();
}

/* z and the number; sizes that grow and shrink, and none. */
static void test_chain(void **state)
{
    (void)state;
    aotc_context *c = kit_cuda_context("chain", NULL);
    static float  x[4 * 100], z[4 * 100];
    for (int run = 0; run < 40; run++) {
        int      rows = run % 5 == 4 ? 0 : 1 + run % 7 * (run % 3 == 2 ? 12 : 1);
        int64_t  n = run % 4, n1 = -1;
        DLTensor in[] = {KIT_F32(x, rows, 4), KIT_NUMBER(&n, kDLInt, 64)};
        DLTensor out[] = {KIT_F32(z, rows, 4), KIT_NUMBER(&n1, kDLInt, 64)};
        for (int i = 0; i < 400; i++)
            x[i] = (float)(run + i);
        kit_run(c, in, 2, out, 2);
        assert_int_equal(n1, n + 1);
        for (int i = 0; i < 4 * rows; i++) {
            float bias = (float)(i % 4 + 1), t = i ? 2 * x[i] + bias : 1;
            assert_true(z[i] == t + bias + (float)n);
        }
    }
    aotc_context_destroy(c);
    kit_cuda_clean();
}

static void test_strides(void **state)
{
    (void)state;
    float    rows[8] = {0, 1, 2, 3, 4, 5, 6, 7}, gaps[32], y[8];
    int64_t  by_columns[] = {1, 2}, every_third[] = {12, 3}, backwards[] = {4, 1};
    DLTensor out = KIT_F32(y, 2, 4);
    for (int i = 0; i < 8; i++)
        gaps[12 * (i / 4) + 3 * (i % 4)] = rows[i];
    void         *d_rows = kit_device(rows, sizeof rows), *d_gaps = kit_device(gaps, sizeof gaps);
    void         *d_out = kit_device(NULL, sizeof gaps);
    aotc_context *c = kit_cuda_context("columns", NULL);
    DLTensor      ins[] = {KIT_F32(rows, 2, 4), KIT_F32(gaps, 2, 4),
                           kit_on_device(KIT_F32(d_rows, 2, 4), 0),
                           kit_on_device(KIT_F32(d_gaps, 2, 4), 0)};
    ins[0].strides = backwards;
    ins[1].strides = ins[3].strides = every_third;
    for (int k = 0; k < 4; k++)
        for (int where = 0; where < 4; where++) {
            float back[32] = {0};
            out = where & 1 ? kit_on_device(KIT_F32(d_out, 2, 4), 0) : KIT_F32(y, 2, 4);
            out.strides = where & 2 ? by_columns : NULL;
            kit_run(c, &ins[k], 1, &out, 1);
            assert_int_equal(aotc_synchronize(c, NULL), AOTC_OK);
            kit_device_read(back, d_out, sizeof y);
            const float *got = where & 1 ? back : y;
            for (int i = 0; i < 8; i++) {
                int at = where & 2 ? i / 4 + 2 * (i % 4) : i;
                /* the code counts elements in memory: columns first */
                assert_true(got[at] == rows[i] + (float)((i / 4 + 2 * (i % 4)) % 4 + 1) + 0.5f);
            }
        }
    aotc_context_destroy(c);
    kit_device_free(d_rows);
    kit_device_free(d_gaps);
    kit_device_free(d_out);
    kit_cuda_clean();
}

static void test_state(void **state)
{
    (void)state;
    float         x[16] = {0}, counter = -1;
    int64_t       wide[] = {8, 1};
    DLTensor      in = KIT_F32(x, 2, 4), out = {0}, view;
    const char   *name;
    aotc_context *c = kit_cuda_context("state", NULL);
    assert_int_equal(aotc_context_state(c, 0, &name, &view), AOTC_OK);
    assert_string_equal(name, "counter");
    assert_int_equal(view.device.device_type, kDLCUDA);
    for (int run = 0; run < 5; run++) { /* changed inputs on the host are there after the run */
        memset(&out, 0, sizeof out);
        kit_run(c, &in, 1, &out, 1);
        assert_ptr_equal(out.data, x);
        assert_true(x[0] == (float)(run + 1) && x[7] == (float)(4 * (run + 1)));
    }
    kit_device_read(&counter, view.data, sizeof counter);
    assert_true(counter == 31);
    assert_int_equal(aotc_context_reset(c, NULL), AOTC_OK);
    kit_device_read(&counter, view.data, sizeof counter);
    assert_true(counter == 0);

    memset(x, 0, sizeof x);
    in.strides = wide; /* gaps stay as they are */
    x[4] = 9;
    kit_run(c, &in, 1, &out, 1);
    assert_true(x[0] == 1 && x[3] == 4 && x[4] == 9 && x[8] == 1 && x[11] == 4);

    void *d = kit_device(x, sizeof x);
    in = kit_on_device(in, 0);
    in.data = d;
    memset(&out, 0, sizeof out);
    kit_run(c, &in, 1, &out, 1);
    assert_ptr_equal(out.data, d);
    assert_int_equal(aotc_synchronize(c, NULL), AOTC_OK);
    kit_device_read(x, d, sizeof x);
    assert_true(x[0] == 2 && x[3] == 8 && x[4] == 9 && x[8] == 2 && x[11] == 8);
    aotc_context_destroy(c);
    kit_device_free(d);
    kit_cuda_clean();
}

static void test_late(void **state)
{
    (void)state;
    static float  x[64];
    aotc_context *c = kit_cuda_context("late", NULL);
    for (int run = 0; run < 6; run++) {
        int      n = 0;
        int64_t  where[64], got[64];
        DLTensor in = KIT_F32(x, 64), out = {0};
        for (int i = 0; i < 64; i++) {
            x[i] = (float)(i % (run + 2)) - (run == 5 ? 100 : 0);
            if (x[i] > 0)
                where[n++] = i;
        }
        kit_run(c, &in, 1, &out, 1);
        assert_int_equal(out.shape[0], n);
        assert_int_equal(aotc_synchronize(c, NULL), AOTC_OK);
        if (n)
            kit_device_read(got, out.data, (size_t)n * 8);
        assert_memory_equal(got, where, (size_t)n * 8);
        int64_t  size = n;
        DLTensor mine = kit_tensor(got, kDLInt, 64, 1, &size);
        memset(got, 0, sizeof got);
        kit_run(c, &in, 1, &mine, 1);
        assert_memory_equal(got, where, (size_t)n * 8);
        size++;
        kit_run_fails(c, &in, 1, &mine, 1, AOTC_E_ARGUMENT, "the model makes");
    }
    aotc_context_destroy(c);
    kit_cuda_clean();
}

static void test_shared(void **state)
{
    (void)state;
    float         y = 0;
    DLTensor      out = KIT_NUMBER(&y, kDLFloat, 32);
    aotc_context *c = kit_cuda_context("shared", NULL);
    for (int run = 0; run < 3; run++) {
        y = 0;
        kit_run(c, NULL, 0, &out, 1);
        assert_true(y == 96 << 10);
        assert_int_equal(cuda_fake->state->last.cluster[0], 2);
        assert_int_equal(cuda_fake->state->last.shared_bytes, 96 << 10);
    }
    aotc_context_destroy(c);
    kit_cuda_clean();
}

/* Two streams of the caller: the second run waits for the first on the device. */
static void test_streams(void **state)
{
    (void)state;
    float         x[4] = {0}, counter = 0;
    void         *d = kit_device(x, sizeof x), *a = kit_stream(), *b = kit_stream();
    DLTensor      in = kit_on_device(KIT_F32(d, 1, 4), 0), out, view;
    aotc_context *c = kit_cuda_context("state", NULL);
    for (int run = 0; run < 6; run++) {
        memset(&out, 0, sizeof out);
        assert_int_equal(aotc_run(c, &in, 1, &out, 1, run % 2 ? a : b, NULL), AOTC_OK);
    }
    assert_int_equal(aotc_synchronize(c, NULL), AOTC_OK);
    kit_device_read(x, d, sizeof x);
    assert_true(x[0] == 6 && x[3] == 24);
    aotc_context_state(c, 0, NULL, &view);
    kit_device_read(&counter, view.data, 4);
    assert_true(counter == 63);
    aotc_context_destroy(c);
    kit_stream_free(a);
    kit_stream_free(b);
    kit_device_free(d);
    kit_cuda_clean();
}

/* ---- weights and threads --------------------------------------------------------------------- */

static void test_sharing(void **state)
{
    (void)state;
    aotc_package *p = NULL;
    aotc_model   *m[3];
    aotc_context *c[6];
    const char   *path = kit_cuda_pack("sharing.pt2pkg", false);
    assert_int_equal(aotc_package_open(path, NULL, &p, NULL), AOTC_OK);
    const char *const names[] = {"affine", "chain", "affine"};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(aotc_model_load(p, names[i], &m[i], NULL), AOTC_OK);
        assert_string_equal(aotc_model_target(m[i]), "cuda");
        assert_int_equal(aotc_model_device(m[i]).device_type, kDLCUDA);
    }
    assert_int_equal(cuda_fake->state->n_uploaded_bytes, 272); /* once, what is read alone */
    assert_int_equal(cuda_fake->state->live_modules, 3); /* the model's, and two of the loader */
    assert_int_equal(cuda_fake->state->n_retained, 1);
    for (int i = 0; i < 6; i++)
        assert_int_equal(aotc_context_create(m[i % 3], NULL, &c[i], NULL), AOTC_OK);
    assert_int_equal(cuda_fake->state->n_uploaded_bytes, 272 + 6 * 4);
    aotc_package_close(p);
    for (int i = 0; i < 3; i++)
        aotc_model_release(m[i]);
    for (int i = 0; i < 6; i++)
        aotc_context_destroy(c[i]);
    kit_cuda_clean();
}

static aotc_model *shared_model;
static int         has_failed;

static void *run_many(void *unused)
{
    (void)unused;
    aotc_context *c = NULL;
    float         x[400], y[400];
    if (aotc_context_create(shared_model, NULL, &c, NULL))
        return &has_failed;
    for (int run = 0; run < 300; run++) {
        int      rows = 1 + run / 3 % 10;
        DLTensor in = KIT_F32(x, rows, 4), out = KIT_F32(y, rows, 4);
        for (int i = 0; i < 400; i++)
            x[i] = (float)(run + i);
        if (aotc_run(c, &in, 1, &out, 1, NULL, NULL))
            return &has_failed;
        for (int i = 0; i < 4 * rows; i++)
            if (y[i] != 2 * x[i] + (float)(i % 4 + 1))
                return &has_failed;
    }
    aotc_context_destroy(c);
    return NULL;
}

static void test_threads(void **state)
{
    (void)state;
    pthread_t     threads[6];
    void         *result;
    aotc_package *p = NULL;
    cuda_fake->state->has_threads = true;
    assert_int_equal(aotc_package_open(kit_path("sharing.pt2pkg"), NULL, &p, NULL), AOTC_OK);
    assert_int_equal(aotc_model_load(p, "affine", &shared_model, NULL), AOTC_OK);
    for (int i = 0; i < 6; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_many, NULL), 0);
    for (int i = 0; i < 6; i++) {
        pthread_join(threads[i], &result);
        assert_null(result);
    }
    aotc_model_release(shared_model);
    aotc_package_close(p);
    kit_cuda_clean();
}

/* ---- the caller's allocator, warm runs ------------------------------------------------------- */

typedef struct DeviceCounting {
    Counting host;
    int      n_allocs;
    long     live_bytes;
} DeviceCounting;

static void *allocate_device(void *cx, int32_t device, size_t bytes, size_t alignment)
{
    DeviceCounting *n = cx;
    assert_int_equal(device, 0);
    assert_true(alignment >= 64);
    n->n_allocs++;
    n->live_bytes += (long)bytes;
    return kit_device(NULL, bytes);
}

static void release_device(void *cx, int32_t device, void *memory, size_t bytes)
{
    (void)device;
    ((DeviceCounting *)cx)->live_bytes -= (long)bytes;
    kit_device_free(memory);
}

static void test_warm(void **state)
{
    (void)state;
    static const char *const entries[] = {"affine", "chain", "state", "random", "late", "branch"};
    for (int k = 0; k < 6; k++)
        for (int graph = 0; graph < 3; graph++) {
            DeviceCounting n = {0};
            float          x[64] = {1, 2, 3};
            int64_t        number = 1;
            aotc_allocator a = kit_counting(&n.host);
            a.cx = &n;
            a.allocate_device = allocate_device;
            a.release_device = release_device;
            aotc_context_options o = {.struct_size = sizeof o,
                                      .allocator = &a,
                                      .cuda_graph = k >= 4 && graph == 2 ? AOTC_CUDA_GRAPH_AUTO
                                                                         : (aotc_cuda_graph)graph};
            aotc_context        *c = kit_cuda_context(entries[k], &o);
            DLTensor             in[] = {k == 4   ? KIT_F32(x, 16)
                                         : k == 5 ? KIT_F32(x, 8)
                                                  : KIT_F32(x, 4, 4),
                             KIT_NUMBER(&number, kDLInt, 64)};
            DLTensor out[2];
            long     before = 0;
            for (int run = 0; run < 60; run++) {
                if (run == 10) {
                    kit_n_allocs = n.n_allocs = n.host.n_allocs = 0;
                    before = cuda_fake->state->n_takes;
                }
                if (k != 5 && k != 4)
                    in[0].shape[0] = 1 + run % 2;
                memset(out, 0, sizeof out);
                kit_run(c, in, k == 3 ? 0 : k == 1 ? 2 : 1, out, k == 1 ? 2 : 1);
                assert_int_equal(aotc_synchronize(c, NULL), AOTC_OK);
            }
            assert_int_equal(n.n_allocs, 0);
            assert_int_equal(n.host.n_allocs, 0);
            assert_int_equal(cuda_fake->state->n_takes, before);
            assert_int_equal(aotc_context_held_bytes(c), n.live_bytes + (long)n.host.live_bytes);
            aotc_context_destroy(c);
            assert_int_equal(n.live_bytes, 0);
            assert_int_equal(n.host.live_bytes, 0);
        }
    kit_cuda_clean();
}

static void test_profile(void **state)
{
    (void)state;
    float            x[8] = {0}, y[8];
    DLTensor         in = KIT_F32(x, 2, 4), out = KIT_F32(y, 2, 4);
    aotc_kernel_info k = {.struct_size = sizeof k};
    aotc_context    *c = kit_cuda_context("check", NULL);
    aotc_context_profile(c, 1);
    for (int i = 0; i < 3; i++)
        kit_run(c, &in, 1, &out, 1);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(aotc_context_kernel(c, i, &k), AOTC_OK);
        assert_int_equal(k.runs, 3);
        assert_in_range(k.min_ns, 900, 1100); /* the fake clock: a microsecond between events */
        assert_in_range(k.total_ns, 2700, 3300);
    }
    assert_string_equal(kit_counters(c).skip_reason, "kernels are being timed");
    aotc_context_destroy(c);
    kit_cuda_clean();
}

int run_device_cases(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_on_host),     cmocka_unit_test(test_on_device),
        cmocka_unit_test(test_handed_down), cmocka_unit_test(test_checks),
        cmocka_unit_test(test_chain),       cmocka_unit_test(test_strides),
        cmocka_unit_test(test_state),       cmocka_unit_test(test_late),
        cmocka_unit_test(test_shared),      cmocka_unit_test(test_streams),
        cmocka_unit_test(test_sharing),     cmocka_unit_test(test_threads),
        cmocka_unit_test(test_warm),        cmocka_unit_test(test_profile),
    };
    return cmocka_run_group_tests_name("device", tests, NULL, NULL);
}
