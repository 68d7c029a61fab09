/* Models with a part on the CPU and a part on a GPU: packages of tests/fixtures/mixed*.pt2 and
 * tests/cuda/mixed/\*.ir.
 *
 *   test_mixed PACKAGES FIXTURES FAKE.so    over the fake driver: device code runs on the CPU
 *   test_mixed PACKAGES FIXTURES            on a real device
 *
 * The fake driver ends the process where code of one side touches memory of the other one. */
#include "aotc/safetensors.h"
#include "loader/cuda_driver.h"
#include "tests/cuda/fake.h"

#include <dlfcn.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char       *packages, *fixtures;
static const FakeApi    *fake; /* NULL: a real device */
static const CudaDriver *driver;

/* ---- what cases share ------------------------------------------------------------------------ */

static void check(aotc_status s, const aotc_error *e)
{
    if (s)
        print_error("%s: %s (%s, %s, %s)\n", aotc_status_name(s), e->text, e->node, e->op,
                    e->python);
    assert_int_equal(s, AOTC_OK);
}

static void check_driver(CuResult r)
{
    assert_int_equal(r, CU_OK);
}

static aotc_context *open_model(const char *name, DLDeviceType device, aotc_cuda_graph policy)
{
    char              path[1024];
    aotc_error        e = {.struct_size = sizeof e};
    aotc_package     *package;
    aotc_model       *model;
    aotc_context     *c;
    aotc_load_options load = {.struct_size = sizeof load, .device_type = device, .device_id = -1};
    aotc_context_options o = {.struct_size = sizeof o, .cuda_graph = policy, .seed = 7};
    if (device == kDLCPU)
        load.device_id = 0;
    snprintf(path, sizeof path, "%s/%s.pt2pkg", packages, name);
    check(aotc_package_open(path, NULL, &package, &e), &e);
    check(aotc_model_load_for(package, NULL, &load, &model, &e), &e);
    check(aotc_context_create(model, &o, &c, &e), &e);
    aotc_model_release(model);
    aotc_package_close(package);
    return c;
}

static DLTensor tensor(void *data, uint8_t code, uint8_t bits, int64_t *shape, int rank)
{
    return (DLTensor){.data = data,
                      .device = {kDLCPU, 0},
                      .ndim = rank,
                      .dtype = {code, bits, 1},
                      .shape = shape};
}

static DLTensor on_device(DLTensor x)
{
    x.device = (DLDevice){kDLCUDA, 0};
    return x;
}

static void *device_memory(const void *from, size_t bytes)
{
    CuAddress a = 0;
    check_driver(driver->MemAlloc(&a, bytes ? bytes : 1));
    if (from)
        check_driver(driver->MemcpyHtoDAsync(a, from, bytes, NULL));
    check_driver(driver->StreamSynchronize(NULL));
    return (void *)(uintptr_t)a;
}

static void device_read(void *to, const void *from, size_t bytes)
{
    check_driver(driver->MemcpyDtoHAsync(to, (CuAddress)(uintptr_t)from, bytes, NULL));
    check_driver(driver->StreamSynchronize(NULL));
}

static void device_free(void *p)
{
    check_driver(driver->MemFree((CuAddress)(uintptr_t)p));
}

static aotc_graph_counters counters(const aotc_context *c)
{
    aotc_graph_counters n = {.struct_size = sizeof n};
    assert_int_equal(aotc_context_graph_counters(c, &n), AOTC_OK);
    return n;
}

static void expect_near(const float *got, const float *want, int64_t n)
{
    for (int64_t i = 0; i < n; i++)
        if (!(fabsf(got[i] - want[i]) <= 2e-5f * (1 + fabsf(want[i])))) {
            print_error("element %lld: %g, want %g\n", (long long)i, (double)got[i],
                        (double)want[i]);
            assert_true(0);
        }
}

static void run_and_wait(aotc_context *c, const DLTensor *in, int n_in, DLTensor *out, int n_out,
                         void *stream)
{
    aotc_error e = {.struct_size = sizeof e};
    check(aotc_run(c, in, n_in, out, n_out, stream, &e), &e);
    check(aotc_synchronize(c, &e), &e);
}

static void no_breach(void)
{
    if (fake && fake->state->n_breaches)
        print_error("%s\n", fake->state->breach);
    assert_true(!fake || !fake->state->n_breaches);
}

/* ---- the exports ----------------------------------------------------------------------------- */

static void read_fixture(const char *name, const char *what, TensorFile *out)
{
    char path[1024], message[256] = "";
    snprintf(path, sizeof path, "%s/%s.%s.safetensors", fixtures, name, what);
    if (!tensor_file_read(path, out, message, sizeof message))
        print_error("%s\n", message);
    assert_string_equal(message, "");
}

/* Inputs and outputs where the caller has them on the CPU, against eager PyTorch. */
static void check_export(const char *name, aotc_cuda_graph policy)
{
    TensorFile    in_file, want;
    DLTensor      in[3], out[4];
    aotc_context *c = open_model(name, kDLCUDA, policy);
    read_fixture(name, "inputs", &in_file);
    read_fixture(name, "outputs", &want);
    for (int i = 0; i < 3; i++)
        in[i] = in_file.items[i].tensor;
    for (int run = 0; run < 4; run++) {
        for (int i = 0; i < 4; i++)
            out[i] = (DLTensor){.device = {kDLCPU, 0}};
        run_and_wait(c, in, 3, out, 4, NULL);
        for (int i = 0; i < 4; i++) {
            assert_int_equal(out[i].device.device_type, kDLCPU);
            expect_near(out[i].data, want.items[i].tensor.data,
                        tensor_file_numel(&want.items[i].tensor));
        }
    }
    aotc_graph_counters n = counters(c);
    assert_int_equal(n.skips, 0);
    assert_int_equal(n.replays, policy == AOTC_CUDA_GRAPH_OFF    ? 0
                                : policy == AOTC_CUDA_GRAPH_AUTO ? 3
                                                                 : 4);
    assert_int_equal(n.captures, policy != AOTC_CUDA_GRAPH_OFF);
    aotc_context_destroy(c);
    tensor_file_free(&in_file);
    tensor_file_free(&want);
    no_breach();
}

static void test_exports(void **state)
{
    (void)state;
    for (aotc_cuda_graph policy = AOTC_CUDA_GRAPH_AUTO; policy <= AOTC_CUDA_GRAPH_ON; policy++) {
        check_export("mixed", policy);
        check_export("mixed_aten", policy);
    }
}

static void test_devices(void **state)
{
    (void)state;
    aotc_context    *c = open_model("mixed", kDLCUDA, AOTC_CUDA_GRAPH_AUTO);
    aotc_error       e = {.struct_size = sizeof e};
    int64_t          ids[] = {1, 2}, two[] = {2}, six[] = {6};
    float            number = 1, bias[6] = {0};
    aotc_tensor_info info = {.struct_size = sizeof info};
    aotc_package    *package;
    aotc_model      *model;
    char             path[1024];
    DLTensor         in[] = {on_device(tensor(ids, kDLInt, 64, two, 1)),
                             tensor(&number, kDLFloat, 32, NULL, 0), tensor(bias, kDLFloat, 32, six, 1)},
             out[4] = {{0}};
    assert_int_equal(aotc_run(c, in, 3, out, 4, NULL, &e), AOTC_E_GUARD);
    assert_non_null(strstr(e.text, "input \"ids\" is on device type 2, the model takes it on the "
                                   "CPU (1)"));
    aotc_context_destroy(c);

    aotc_load_options load = {.struct_size = sizeof load, .device_type = kDLCUDA, .device_id = -1};
    snprintf(path, sizeof path, "%s/mixed.pt2pkg", packages);
    check(aotc_package_open(path, NULL, &package, &e), &e);
    check(aotc_model_load_for(package, NULL, &load, &model, &e), &e);
    static const DLDeviceType ins[] = {kDLCPU, kDLCPU, kDLCUDA},
                              outs[] = {kDLCPU, kDLCPU, kDLCUDA, kDLCUDA};
    for (int i = 0; i < 3; i++) {
        assert_int_equal(aotc_input_info(model, i, &info), AOTC_OK);
        assert_int_equal(info.device.device_type, ins[i]);
    }
    for (int i = 0; i < 4; i++) {
        assert_int_equal(aotc_output_info(model, i, &info), AOTC_OK);
        assert_int_equal(info.device.device_type, outs[i]);
    }
    aotc_model_release(model);
    aotc_package_close(package);
    no_breach();
}

/* Sizes that come and go, also none, on memory that moves, against the model for CPUs; state on
 * either side. */
static void test_sizes(void **state)
{
    (void)state;
    static const int64_t sizes[] = {5, 5, 0, 1, 37, 5, 0, 200, 37, 37, 0, 5};
    static int64_t       ids[2][200];
    aotc_context        *gpu = open_model("mixed", kDLCUDA, AOTC_CUDA_GRAPH_AUTO),
                 *cpu = open_model("mixed", kDLCPU, AOTC_CUDA_GRAPH_AUTO);
    float   number = 0.75f, bias[6] = {1, 2, 3, 4, 5, 6}, total[3], want_total[3];
    int64_t six[] = {6}, n_seen = 0;
    void   *d_bias = device_memory(bias, sizeof bias);
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        int64_t  n = sizes[k], shape[] = {n}, *at = ids[k % 2];
        DLTensor in[] = {tensor(at, kDLInt, 64, shape, 1), tensor(&number, kDLFloat, 32, NULL, 0),
                         tensor(bias, kDLFloat, 32, six, 1)};
        DLTensor want[4] = {{0}}, out[4] = {{0}};
        number += 0.5f;
        n_seen += n;
        for (int64_t i = 0; i < n; i++)
            at[i] = (int64_t)k * 7 + i;
        run_and_wait(cpu, in, 3, want, 4, NULL);
        in[2] = on_device(in[2]);
        in[2].data = d_bias;
        out[3].device.device_type = kDLCPU; /* on the device: copied down */
        run_and_wait(gpu, in, 3, out, 4, NULL);
        assert_int_equal(out[2].device.device_type, kDLCUDA);
        float *hidden = malloc((size_t)n * 24 + 1);
        if (n)
            device_read(hidden, out[2].data, (size_t)n * 24);
        expect_near(out[0].data, want[0].data, 6 * n);
        expect_near(out[1].data, want[1].data, n);
        expect_near(hidden, want[2].data, 6 * n);
        expect_near(out[3].data, want[3].data, 8 * n);
        free(hidden);
    }
    for (int i = 0; i < 2; i++) {
        DLTensor    view, want;
        const char *name, *same;
        assert_int_equal(aotc_context_state(gpu, i, &name, &view), AOTC_OK);
        assert_int_equal(aotc_context_state(cpu, i, &same, &want), AOTC_OK);
        assert_string_equal(name, same);
        if (!strcmp(name, "seen")) {
            assert_int_equal(view.device.device_type, kDLCPU);
            assert_int_equal(((int64_t *)view.data)[1], n_seen);
            continue;
        }
        assert_int_equal(view.device.device_type, kDLCUDA);
        device_read(total, view.data, sizeof total);
        memcpy(want_total, want.data, sizeof total);
        expect_near(total, want_total, 3);
    }
    assert_int_equal(aotc_context_reset(gpu, NULL), AOTC_OK);
    assert_true(counters(gpu).replays > 3);
    assert_int_equal(counters(gpu).skips, 0);
    aotc_context_destroy(gpu);
    aotc_context_destroy(cpu);
    device_free(d_bias);
    no_breach();
}

/* ---- order, waits, captures ------------------------------------------------------------------ */

typedef struct Feed {
    aotc_context *c;
    int64_t       ids[8], n[1], rows_shape[2], four[1], out_shape[2];
    float         rows[24];
    void         *bias, *out;
    DLTensor      in[3], result;
} Feed;

static void make_feed(Feed *f, aotc_cuda_graph policy)
{
    static const float bias[] = {0.5f, 1, 2, 3};
    *f = (Feed){.c = open_model("feed", kDLCUDA, policy),
                .n = {3},
                .rows_shape = {6, 4},
                .four = {4},
                .out_shape = {3, 4}};
    for (int i = 0; i < 24; i++)
        f->rows[i] = (float)i;
    f->bias = device_memory(bias, sizeof bias);
    f->out = device_memory(NULL, 8 * 16);
    f->in[0] = tensor(f->ids, kDLInt, 64, f->n, 1);
    f->in[1] = tensor(f->rows, kDLFloat, 32, f->rows_shape, 2);
    f->in[2] = on_device(tensor(f->bias, kDLFloat, 32, f->four, 1));
    f->result = on_device(tensor(f->out, kDLFloat, 32, f->out_shape, 2));
}

static void free_feed(Feed *f)
{
    aotc_context_destroy(f->c);
    device_free(f->bias);
    device_free(f->out);
    no_breach();
}

static void expect_fed(const Feed *f, const float *got)
{
    static const float bias[] = {0.5f, 1, 2, 3};
    for (int i = 0; i < 12; i++)
        assert_true(got[i] == f->rows[4 * f->ids[i / 4] + i % 4] + bias[i % 4]);
}

/* A run of device outputs is queued, and reads the CPU's inputs when the stream comes to them. */
static void test_queued(void **state)
{
    (void)state;
    for (aotc_cuda_graph policy = AOTC_CUDA_GRAPH_AUTO; policy <= AOTC_CUDA_GRAPH_ON; policy++) {
        Feed     f;
        CuStream stream;
        float    got[12];
        make_feed(&f, policy);
        check_driver(driver->StreamCreate(&stream, CU_NON_BLOCKING));
        for (int run = 0; run < 4; run++) {
            long syncs = fake ? fake->state->n_syncs : 0;
            assert_int_equal(aotc_run(f.c, f.in, 3, &f.result, 1, stream, NULL), AOTC_OK);
            if (fake) { /* what is written after the call is seen: nothing has run yet */
                assert_int_equal(fake->state->n_syncs, syncs);
                assert_false(fake->is_idle());
                f.ids[1] = run + 2;
            }
            assert_int_equal(aotc_synchronize(f.c, NULL), AOTC_OK);
            device_read(got, f.out, sizeof got);
            expect_fed(&f, got);
            f.ids[0] = run;
        }
        /* two runs in flight, each with its own numbers */
        int64_t  other[3] = {5, 4, 3};
        void    *second = device_memory(NULL, sizeof got);
        DLTensor in[] = {tensor(other, kDLInt, 64, f.n, 1), f.in[1], f.in[2]}, out = f.result;
        out.data = second;
        assert_int_equal(aotc_run(f.c, f.in, 3, &f.result, 1, stream, NULL), AOTC_OK);
        assert_int_equal(aotc_run(f.c, in, 3, &out, 1, stream, NULL), AOTC_OK);
        assert_int_equal(aotc_synchronize(f.c, NULL), AOTC_OK);
        device_read(got, f.out, sizeof got);
        expect_fed(&f, got);
        device_read(got, second, sizeof got);
        for (int i = 0; i < 12; i++)
            assert_true(got[i] >= f.rows[4 * other[i / 4] + i % 4] + 0.5f);
        device_free(second);
        check_driver(driver->StreamDestroy(stream));
        free_feed(&f);
    }
}

/* Part of a capture of the caller: the graph runs as often as it is launched. */
static void test_capture(void **state)
{
    (void)state;
    Feed     f;
    CuStream stream;
    CuGraph  graph;
    CuExec   exec;
    float    got[12];
    make_feed(&f, AOTC_CUDA_GRAPH_AUTO);
    check_driver(driver->StreamCreate(&stream, CU_NON_BLOCKING));
    run_and_wait(f.c, f.in, 3, &f.result, 1, stream);
    check_driver(driver->StreamBeginCapture(stream, CU_CAPTURE_THREAD_LOCAL));
    assert_int_equal(aotc_run(f.c, f.in, 3, &f.result, 1, stream, NULL), AOTC_OK);
    check_driver(driver->StreamEndCapture(stream, &graph));
    check_driver(driver->GraphInstantiate(&exec, graph, 0));
    for (int run = 0; run < 3; run++) {
        f.ids[2] = 5 - run;
        check_driver(driver->GraphLaunch(exec, stream));
        check_driver(driver->StreamSynchronize(stream));
        device_read(got, f.out, sizeof got);
        expect_fed(&f, got);
        run_and_wait(f.c, f.in, 3, &f.result, 1, stream);
    }
    /* other strides of an input on the CPU would need a copy now */
    aotc_error e = {.struct_size = sizeof e};
    int64_t    columns[] = {1, 6};
    f.in[1].strides = columns;
    check_driver(driver->StreamBeginCapture(stream, CU_CAPTURE_THREAD_LOCAL));
    assert_int_equal(aotc_run(f.c, f.in, 3, &f.result, 1, stream, &e), AOTC_E_UNSUPPORTED);
    assert_non_null(strstr(e.text, "input \"rows\" cannot be used where it lies"));
    CuGraph nothing = NULL;
    driver->StreamEndCapture(stream, &nothing);
    if (nothing)
        check_driver(driver->GraphDestroy(nothing));
    run_and_wait(f.c, f.in, 3, &f.result, 1, stream); /* and is copied else */
    device_read(got, f.out, sizeof got);
    for (int i = 0; i < 12; i++)
        assert_true(got[i] >= f.rows[f.ids[i / 4] + 6 * (i % 4)]);
    check_driver(driver->GraphExecDestroy(exec));
    check_driver(driver->GraphDestroy(graph));
    check_driver(driver->StreamDestroy(stream));
    free_feed(&f);
}

/* A bad index of a host function is reported when the caller waits; the context goes on. */
static void test_failure(void **state)
{
    (void)state;
    for (aotc_cuda_graph policy = AOTC_CUDA_GRAPH_AUTO; policy <= AOTC_CUDA_GRAPH_ON; policy++) {
        Feed       f;
        aotc_error e = {.struct_size = sizeof e};
        float      got[12];
        make_feed(&f, policy);
        for (int run = 0; run < 6; run++) {
            f.ids[1] = run % 2 ? 6 : 2;
            check(aotc_run(f.c, f.in, 3, &f.result, 1, NULL, &e), &e);
            aotc_status s = aotc_synchronize(f.c, &e);
            if (run % 2) {
                assert_int_equal(s, AOTC_E_ASSERT);
                assert_non_null(strstr(e.text, "index 6 is out of bounds for size 6"));
                assert_string_equal(e.op, "aten.embedding.default");
                continue;
            }
            check(s, &e);
            device_read(got, f.out, sizeof got);
            expect_fed(&f, got);
        }
        free_feed(&f);
    }
}

/* ---- other programs -------------------------------------------------------------------------- */

/* Random numbers of the CPU's part: those of the run, with and without graphs. */
static void test_random(void **state)
{
    (void)state;
    float   x[8] = {1, 1, 1, 1, 1, 1, 1, 1}, first[4][3][8];
    int64_t eight[] = {8};
    for (aotc_cuda_graph policy = AOTC_CUDA_GRAPH_AUTO; policy <= AOTC_CUDA_GRAPH_ON; policy++) {
        aotc_context *c = open_model("draw", kDLCUDA, policy);
        DLTensor      in[] = {tensor(x, kDLFloat, 32, eight, 1), tensor(x, kDLFloat, 32, eight, 1)};
        for (int run = 0; run < 4; run++) {
            DLTensor out[3];
            for (int i = 0; i < 3; i++)
                out[i] = (DLTensor){.device = {kDLCPU, 0}};
            run_and_wait(c, in, 2, out, 3, NULL);
            assert_memory_equal(out[0].data, out[1].data, sizeof x);
            for (int i = 0; i < 3; i++) {
                if (policy == AOTC_CUDA_GRAPH_AUTO)
                    memcpy(first[run][i], out[i].data, sizeof x);
                else
                    assert_memory_equal(first[run][i], out[i].data, sizeof x);
            }
            assert_true(!run || memcmp(first[run][0], first[run - 1][0], sizeof x));
        }
        aotc_context_destroy(c);
    }
    no_breach();
}

/* A size that the CPU's part computes. */
static void test_size_of_the_run(void **state)
{
    (void)state;
    aotc_context *c = open_model("size", kDLCUDA, AOTC_CUDA_GRAPH_AUTO);
    float         n = 2, g = 3;
    for (int run = 0; run < 5; run++) {
        int64_t  mask[10] = {0}, ten[] = {10}, k = run == 3 ? 0 : 2 + run;
        DLTensor in[] = {tensor(mask, kDLInt, 64, ten, 1), tensor(&n, kDLFloat, 32, NULL, 0),
                         tensor(&g, kDLFloat, 32, NULL, 0)};
        DLTensor out[] = {{.device = {kDLCPU, 0}}, {.device = {kDLCPU, 0}}};
        for (int64_t i = 0; i < k; i++)
            mask[9 - i] = 1;
        run_and_wait(c, in, 3, out, 2, NULL);
        assert_int_equal(out[0].shape[0], k);
        assert_int_equal(out[1].shape[0], k);
        for (int64_t i = 0; i < k; i++) {
            float want = (float)(i * (i + 1)); /* twice the sum of 0 … i */
            assert_true(((float *)out[0].data)[i] == want);
            assert_true(((float *)out[1].data)[i] == 3 * want);
        }
    }
    assert_non_null(strstr(counters(c).skip_reason, "that a host function computes"));
    aotc_context_destroy(c);
    no_breach();
}

static void test_branches(void **state)
{
    (void)state;
    for (aotc_cuda_graph policy = AOTC_CUDA_GRAPH_AUTO; policy <= AOTC_CUDA_GRAPH_ON; policy++) {
        aotc_context *c = open_model("branch", kDLCUDA, policy);
        for (int run = 0; run < 5; run++) {
            uint8_t  p = run % 2;
            float    x[] = {1, 2, 3, 4}, g[] = {1, 1, 2, 2};
            int64_t  four[] = {4};
            DLTensor in[] = {tensor(&p, kDLBool, 8, NULL, 0), tensor(x, kDLFloat, 32, four, 1),
                             tensor(g, kDLFloat, 32, four, 1)};
            DLTensor out = {.device = {kDLCPU, 0}};
            run_and_wait(c, in, 3, &out, 1, NULL);
            for (int i = 0; i < 4; i++)
                assert_true(((float *)out.data)[i] == (p ? 3 * (2 * x[i] + g[i]) : g[i] - x[i]));
        }
        aotc_context_destroy(c);
    }
    no_breach();
}

/* Inputs on either side that the model writes. */
static void test_writes(void **state)
{
    (void)state;
    for (aotc_cuda_graph policy = AOTC_CUDA_GRAPH_AUTO; policy <= AOTC_CUDA_GRAPH_ON; policy++) {
        aotc_context *c = open_model("write", kDLCUDA, policy);
        float   x[8] = {1, 0, 2, 0, 3, 0, 4, 0}, g[] = {1, 2, 3, 4}, want_x[4], want_g[4], got[4];
        int64_t four[] = {4}, two[] = {2};
        void   *d = device_memory(g, sizeof g);
        for (int run = 0; run < 4; run++) {
            DLTensor in[] = {tensor(x, kDLFloat, 32, four, 1),
                             on_device(tensor(d, kDLFloat, 32, four, 1))},
                     out = {0};
            in[0].strides = two; /* gaps stay as they are */
            for (int i = 0; i < 4; i++) {
                want_x[i] = x[2 * i] + g[i] + 1;
                want_g[i] = g[i] * x[2 * i];
            }
            run_and_wait(c, in, 2, &out, 1, NULL);
            device_read(got, d, sizeof got);
            for (int i = 0; i < 4; i++) {
                assert_true(x[2 * i] == want_x[i] && x[2 * i + 1] == 0);
                assert_true(got[i] == want_g[i]);
                x[2 * i] = want_x[i] * 0.25f;
                g[i] = want_g[i];
            }
        }
        aotc_context_destroy(c);
        device_free(d);
    }
    no_breach();
}

static void *run_many(void *user)
{
    Feed *f = user;
    for (int run = 0; run < 40; run++) {
        float got[12];
        f->ids[run % 3] = run % 6;
        if (aotc_run(f->c, f->in, 3, &f->result, 1, NULL, NULL) || aotc_synchronize(f->c, NULL))
            return "a run failed";
        (void)got;
    }
    return NULL;
}

/* Contexts side by side, each on a thread of its own. */
static void test_contexts(void **state)
{
    (void)state;
    Feed      feeds[3];
    pthread_t threads[3];
    void     *failed = NULL;
    float     got[12];
    if (fake)
        fake->state->has_threads = true;
    for (int i = 0; i < 3; i++)
        make_feed(&feeds[i], AOTC_CUDA_GRAPH_AUTO);
    for (int i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_many, &feeds[i]), 0);
    for (int i = 0; i < 3; i++) {
        void *text;
        pthread_join(threads[i], &text);
        failed = text ? text : failed;
    }
    assert_null(failed);
    for (int i = 0; i < 3; i++) {
        device_read(got, feeds[i].out, sizeof got);
        expect_fed(&feeds[i], got);
        free_feed(&feeds[i]);
    }
    if (fake)
        fake->state->has_threads = false;
}

/* ---- main ------------------------------------------------------------------------------------ */

static void open_driver(const char *path)
{
    CuContext   context;
    aotc_error  e = {.struct_size = sizeof e};
    fake_api_fn api = NULL;
    void       *handle = path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    if (handle) {
        *(void **)&api = dlsym(handle, "fake_api");
        fake = api();
        cuda_driver_path = path;
    }
    if (cuda_driver_get(&driver, &e)) {
        fprintf(stderr, "skipped: %s\n", e.text);
        exit(77);
    }
    if (driver->DevicePrimaryCtxRetain(&context, 0) || driver->CtxPushCurrent(context))
        exit(77);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exports),  cmocka_unit_test(test_devices),
        cmocka_unit_test(test_sizes),    cmocka_unit_test(test_queued),
        cmocka_unit_test(test_capture),  cmocka_unit_test(test_failure),
        cmocka_unit_test(test_random),   cmocka_unit_test(test_size_of_the_run),
        cmocka_unit_test(test_branches), cmocka_unit_test(test_writes),
        cmocka_unit_test(test_contexts),
    };
    if (argc < 3)
        return 2;
    packages = argv[1];
    fixtures = argv[2];
    open_driver(argc > 3 ? argv[3] : NULL);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
