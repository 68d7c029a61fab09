/* CUDA graphs over the fake driver: recorded at the second run of the same sizes, replayed,
 * updated, dropped; random numbers, branches, early launches; captures of the caller. */
#include "tests/cuda/kit.h"

static aotc_context_options with(aotc_cuda_graph policy, int most)
{
    return (aotc_context_options){.struct_size = sizeof(aotc_context_options),
                                  .cuda_graph = policy,
                                  .n_cuda_graphs = most,
                                  .seed = 7};
}

static void expect_counters(const aotc_context *c, int captures, int replays, int updates,
                            int skips)
{
    aotc_graph_counters n = kit_counters(c);
    assert_int_equal(n.captures, captures);
    assert_int_equal(n.replays, replays);
    assert_int_equal(n.updates, updates);
    assert_int_equal(n.skips, skips);
}

/* One set of device tensors for a test. */
typedef struct Device {
    float *x, *y, *other;
} Device;

static Device device_tensors(void)
{
    float x[400];
    for (int i = 0; i < 400; i++)
        x[i] = (float)i;
    return (Device){kit_device(x, sizeof x), kit_device(x, sizeof x), kit_device(x, sizeof x)};
}

static void free_tensors(Device d)
{
    kit_device_free(d.x);
    kit_device_free(d.y);
    kit_device_free(d.other);
}

static void run_rows(aotc_context *c, float *x, float *y, int rows)
{
    DLTensor   in = kit_on_device(KIT_F32(x, rows, 4), 0);
    DLTensor   out = kit_on_device(KIT_F32(y, rows, 4), 0);
    aotc_error e = {.struct_size = sizeof e};
    kit_expect(aotc_run(c, &in, 1, &out, 1, NULL, &e), &e, AOTC_OK, "");
}

static void expect_rows(const float *x, const float *y, int rows)
{
    float a[400], b[400];
    kit_device_read(a, x, (size_t)rows * 16);
    kit_device_read(b, y, (size_t)rows * 16);
    for (int i = 0; i < 4 * rows; i++)
        assert_true(b[i] == 2 * a[i] + (float)(i % 4 + 1));
}

static void test_life(void **state)
{
    (void)state;
    Device               d = device_tensors();
    aotc_context_options o = with(AOTC_CUDA_GRAPH_AUTO, 0);
    aotc_context        *c = kit_cuda_context("affine", &o);
    const FakeState     *s = cuda_fake->state;
    run_rows(c, d.x, d.y, 3);
    expect_counters(c, 0, 0, 0, 0);
    run_rows(c, d.x, d.y, 3);
    expect_counters(c, 1, 1, 0, 0);
    long nodes = s->n_nodes, params = s->n_set_params;
    for (int i = 0; i < 10; i++)
        run_rows(c, d.x, d.y, 3);
    expect_counters(c, 1, 11, 0, 0);
    assert_int_equal(s->n_graph_launches, 11);
    run_rows(c, d.other, d.y, 3); /* another address: one node is changed */
    expect_counters(c, 1, 12, 1, 0);
    assert_int_equal(s->n_set_params, params + 1);
    kit_device_read(&(float){0}, d.y, 4);
    expect_rows(d.other, d.y, 3);
    assert_int_equal(s->n_nodes, nodes);
    run_rows(c, d.x, d.y, 5); /* other sizes: plain, then recorded */
    expect_counters(c, 1, 12, 1, 0);
    run_rows(c, d.x, d.y, 5);
    expect_counters(c, 2, 13, 1, 0);
    run_rows(c, d.other, d.y, 3); /* the first is still there */
    expect_counters(c, 2, 14, 1, 0);
    expect_rows(d.x, d.y, 3);
    assert_int_equal(kit_counters(c).n_graphs, 2);
    aotc_context_destroy(c);
    free_tensors(d);
    kit_cuda_clean();
}

static void test_policies(void **state)
{
    (void)state;
    Device               d = device_tensors();
    aotc_context_options o = with(AOTC_CUDA_GRAPH_OFF, 0);
    aotc_context        *c = kit_cuda_context("affine", &o);
    for (int i = 0; i < 5; i++)
        run_rows(c, d.x, d.y, 3);
    expect_counters(c, 0, 0, 0, 0);
    assert_int_equal(cuda_fake->state->n_graph_launches, 0);
    aotc_context_destroy(c);
    o = with(AOTC_CUDA_GRAPH_ON, 0);
    c = kit_cuda_context("affine", &o);
    run_rows(c, d.x, d.y, 3);
    expect_counters(c, 1, 1, 0, 0);
    aotc_context_destroy(c);

    static float x[16] = {1};
    DLTensor     in = KIT_F32(x, 16), out = {0};
    c = kit_cuda_context("late", &o); /* asked for, and impossible */
    kit_run_fails(c, &in, 1, &out, 1, AOTC_E_UNSUPPORTED,
                  "can be no CUDA graph: the host reads a size or a condition");
    aotc_context_destroy(c);
    o = with(AOTC_CUDA_GRAPH_AUTO, 0);
    c = kit_cuda_context("late", &o);
    for (int i = 0; i < 4; i++) {
        memset(&out, 0, sizeof out);
        kit_run(c, &in, 1, &out, 1);
    }
    expect_counters(c, 0, 0, 0, 3);
    assert_string_equal(kit_counters(c).skip_reason,
                        "the host reads a size or a condition from the device");
    aotc_context_destroy(c);

    aotc_error e = {.struct_size = sizeof e};
    o.cuda_graph = (aotc_cuda_graph)3;
    aotc_package *p = NULL;
    aotc_model   *m = NULL;
    assert_int_equal(aotc_package_open(kit_path("cuda.pt2pkg"), NULL, &p, NULL), AOTC_OK);
    assert_int_equal(aotc_model_load(p, "affine", &m, NULL), AOTC_OK);
    kit_expect(aotc_context_create(m, &o, &c, &e), &e, AOTC_E_ARGUMENT, "cuda_graph");
    aotc_model_release(m);
    aotc_package_close(p);
    free_tensors(d);
    kit_cuda_clean();
}

static void test_cap(void **state)
{
    (void)state;
    Device               d = device_tensors();
    aotc_context_options o = with(AOTC_CUDA_GRAPH_ON, 2);
    aotc_context        *c = kit_cuda_context("affine", &o);
    for (int rows = 1; rows <= 4; rows++)
        run_rows(c, d.x, d.y, rows);
    aotc_graph_counters n = kit_counters(c);
    assert_int_equal(n.captures, 4);
    assert_int_equal(n.evictions, 2);
    assert_int_equal(n.n_graphs, 2);
    run_rows(c, d.x, d.y, 3); /* kept */
    assert_int_equal(kit_counters(c).captures, 4);
    run_rows(c, d.x, d.y, 1); /* takes the place of 4 */
    run_rows(c, d.x, d.y, 3);
    assert_int_equal(kit_counters(c).captures, 5);
    run_rows(c, d.x, d.y, 4);
    assert_int_equal(kit_counters(c).captures, 6);
    expect_rows(d.x, d.y, 4);
    assert_int_equal(cuda_fake->state->live_execs, 2);
    aotc_context_destroy(c);
    free_tensors(d);
    kit_cuda_clean();
}

/* A number in arguments, copies, fills, two early launches, memory that moves. */
static void test_updates(void **state)
{
    (void)state;
    Device               d = device_tensors();
    aotc_context_options o = with(AOTC_CUDA_GRAPH_ON, 0);
    aotc_context        *c = kit_cuda_context("chain", &o);
    float                z[400], x[400];
    kit_device_read(x, d.x, sizeof x);
    for (int run = 0; run < 30; run++) {
        int64_t  n = run / 2, n1 = 0;
        int      rows = run < 20 ? 2 : run < 22 ? 50 : 2; /* the arena grows in between */
        DLTensor in[] = {kit_on_device(KIT_F32(d.x, rows, 4), 0), KIT_NUMBER(&n, kDLInt, 64)};
        DLTensor out[] = {kit_on_device(KIT_F32(run % 3 ? d.y : d.other, rows, 4), 0),
                          KIT_NUMBER(&n1, kDLInt, 64)};
        kit_run(c, in, 2, out, 2);
        assert_int_equal(n1, n + 1);
        assert_int_equal(aotc_synchronize(c, NULL), AOTC_OK);
        kit_device_read(z, out[0].data, (size_t)rows * 16);
        for (int i = 0; i < 4 * rows; i++) {
            float bias = (float)(i % 4 + 1), t = i ? 2 * x[i] + bias : 1;
            assert_true(z[i] == t + bias + (float)n);
        }
    }
    assert_int_equal(kit_counters(c).captures, 2);
    assert_true(kit_counters(c).updates >= 14);
    assert_int_equal(cuda_fake->state->n_programmatic_edges, 2);
    assert_int_equal(cuda_fake->state->last.is_early, 1);
    aotc_context_destroy(c);

    /* the same on the stream, and on a device that does not know early launches */
    o = with(AOTC_CUDA_GRAPH_OFF, 0);
    for (int device = 0; device < 2; device++) {
        cuda_fake->state->devices[0].sm = device ? 80 : 90;
        c = kit_cuda_context("chain", &o);
        int64_t  n = 0;
        DLTensor in[] = {kit_on_device(KIT_F32(d.x, 2, 4), 0), KIT_NUMBER(&n, kDLInt, 64)}, out[2];
        memset(out, 0, sizeof out);
        kit_run(c, in, 2, out, 2);
        assert_int_equal(aotc_synchronize(c, NULL), AOTC_OK);
        assert_int_equal(cuda_fake->state->last.is_early, !device);
        aotc_context_destroy(c);
    }
    free_tensors(d);
    kit_cuda_clean();
}

/* The same random numbers with graphs and without; reset, seed. */
static void test_random(void **state)
{
    (void)state;
    float values[3][12][8];
    for (int policy = 0; policy < 3; policy++) {
        aotc_context_options o = with((aotc_cuda_graph)policy, 0);
        aotc_context        *c = kit_cuda_context("random", &o);
        for (int run = 0; run < 12; run++) {
            DLTensor out = KIT_F32(values[policy][run], 8);
            if (run == 4)
                aotc_context_seed(c, 99);
            if (run == 8)
                assert_int_equal(aotc_context_reset(c, NULL), AOTC_OK);
            if (run == 10) {
                aotc_context_seed(c, 7);
                aotc_context_profile(c, 1); /* one run on the stream between replays */
            }
            kit_run(c, NULL, 0, &out, 1);
            aotc_context_profile(c, 0);
        }
        aotc_context_destroy(c);
    }
    assert_memory_equal(values[0], values[1], sizeof values[0]);
    assert_memory_equal(values[0], values[2], sizeof values[0]);
    for (int run = 1; run < 4; run++)
        assert_memory_not_equal(values[0][run], values[0][0], sizeof values[0][0]);
    assert_memory_not_equal(values[0][4], values[0][0], sizeof values[0][0]);
    assert_memory_equal(values[0][8], values[0][4], sizeof values[0][0]); /* after the reset */
    assert_memory_equal(values[0][10], values[0][0], sizeof values[0][0]);
    assert_memory_equal(values[0][11], values[0][1], sizeof values[0][0]);
    kit_cuda_clean();
}

static float branch_result(float x)
{
    float y = x > 10 ? x - 5 : x;
    while (y > 1)
        y *= 0.5f;
    return y;
}

static void run_branches(aotc_cuda_graph policy, bool has_conditions)
{
    cuda_fake->state->no_conditions = !has_conditions;
    aotc_context_options o = with(policy, 0);
    aotc_context        *c = kit_cuda_context("branch", &o);
    float                x[8] = {0}, y[8], *own = NULL;
    for (int run = 0; run < 12; run++) {
        static const float first[] = {3, 50, 0.5f, 11, 10, 1};
        DLTensor           in = KIT_F32(x, 8), out = {0};
        x[0] = first[run % 6];
        kit_run(c, &in, 1, &out, 1);
        assert_int_equal(aotc_synchronize(c, NULL), AOTC_OK);
        kit_device_read(y, out.data, sizeof y);
        assert_true(y[0] == branch_result(x[0]));
        assert_true(!own || own == out.data);
        own = out.data;
    }
    if (policy == AOTC_CUDA_GRAPH_AUTO && has_conditions) {
        expect_counters(c, 1, 11, 0, 0);
        assert_int_equal(cuda_fake->state->n_conditionals, 3);
    } else if (policy == AOTC_CUDA_GRAPH_AUTO) {
        expect_counters(c, 0, 0, 0, 11);
        assert_non_null(strstr(kit_counters(c).skip_reason, "no conditional nodes"));
    }
    aotc_context_destroy(c);
    kit_cuda_clean();
}

static void test_branches(void **state)
{
    (void)state;
    run_branches(AOTC_CUDA_GRAPH_OFF, true);
    run_branches(AOTC_CUDA_GRAPH_AUTO, true);
    run_branches(AOTC_CUDA_GRAPH_AUTO, false);
}

/* Nodes in branches are changed in the graph, which is handed over as a whole. */
static void test_branch_moves(void **state)
{
    (void)state;
    aotc_context_options o = with(AOTC_CUDA_GRAPH_ON, 0);
    aotc_context        *c = kit_cuda_context("branch", &o);
    float                x[8] = {3};
    void                *a = kit_device(x, sizeof x), *b = kit_device(x, sizeof x);
    for (int run = 0; run < 4; run++) {
        DLTensor in = kit_on_device(KIT_F32(run / 2 ? b : a, 8), 0), out = KIT_F32(x, 8);
        kit_run(c, &in, 1, &out, 1);
        assert_true(x[0] == 0.75f);
    }
    expect_counters(c, 1, 4, 1, 0);
    aotc_context_destroy(c);
    kit_device_free(a);
    kit_device_free(b);
    kit_cuda_clean();
}

/* What the driver refuses is a skip, or an error where a graph was asked for. */
static void test_refusals(void **state)
{
    (void)state;
    Device               d = device_tensors();
    aotc_context_options o = with(AOTC_CUDA_GRAPH_AUTO, 0);
    aotc_context        *c = kit_cuda_context("affine", &o);
    cuda_fake->state->instantiate = 801;
    for (int i = 0; i < 3; i++)
        run_rows(c, d.x, d.y, 3);
    expect_rows(d.x, d.y, 3);
    expect_counters(c, 0, 0, 0, 2);
    assert_string_equal(
        kit_counters(c).skip_reason,
        "cuGraphInstantiate failed: CUDA_ERROR_NOT_SUPPORTED (operation not supported)");
    aotc_context_destroy(c);
    free_tensors(d);
    kit_cuda_clean();
}

/* ---- captures of the caller ------------------------------------------------------------------ */

static void test_capture(void **state)
{
    (void)state;
    Device               d = device_tensors();
    aotc_context_options o = with(AOTC_CUDA_GRAPH_AUTO, 0);
    aotc_context        *c = kit_cuda_context("affine", &o);
    void                *stream = kit_stream();
    aotc_error           e = {.struct_size = sizeof e};
    DLTensor in = kit_on_device(KIT_F32(d.x, 3, 4), 0), out = kit_on_device(KIT_F32(d.y, 3, 4), 0);
    DLTensor own = {0};
    float    host[12];
    cuda_fake->capture_begin(stream);
    kit_expect(aotc_run(c, &in, 1, &out, 1, stream, &e), &e, AOTC_OK, "");
    kit_expect(aotc_run(c, &in, 1, &own, 1, stream, &e), &e, AOTC_E_UNSUPPORTED,
               "run them once before the capture");
    DLTensor on_host = KIT_F32(host, 3, 4);
    kit_expect(aotc_run(c, &on_host, 1, &out, 1, stream, &e), &e, AOTC_E_UNSUPPORTED,
               "input \"x\" is on the CPU, and the stream is being captured");
    kit_expect(aotc_run(c, &in, 1, &on_host, 1, stream, &e), &e, AOTC_E_UNSUPPORTED,
               "output \"y\" is on the CPU");
    cuda_fake->capture_end(stream);
    assert_true(cuda_fake->is_idle());
    expect_counters(c, 0, 0, 0, 1);
    float zeros[12] = {0};
    for (int i = 0; i < 3; i++) {
        cuda_fake->capture_launch(stream);
        assert_false(cuda_fake->is_idle());
        kit_wait(stream);
    }
    expect_rows(d.x, d.y, 3);
    aotc_context_destroy(c);

    /* random numbers go on from replay to replay */
    c = kit_cuda_context("random", &o);
    void    *y = kit_device(zeros, 32);
    DLTensor r = kit_on_device(KIT_F32(y, 8), 0);
    float    seen[4][8], want[4][8];
    for (int i = 0; i < 4; i++) {
        DLTensor w = KIT_F32(want[i], 8);
        kit_run(c, NULL, 0, &w, 1);
    }
    aotc_context_seed(c, 7);
    kit_expect(aotc_run(c, NULL, 0, &r, 1, stream, &e), &e, AOTC_OK, "");
    cuda_fake->capture_begin(stream);
    kit_expect(aotc_run(c, NULL, 0, &r, 1, stream, &e), &e, AOTC_OK, "");
    cuda_fake->capture_end(stream);
    assert_int_equal(aotc_synchronize(c, NULL), AOTC_OK);
    kit_device_read(seen[0], y, 32);
    for (int i = 1; i < 4; i++) {
        cuda_fake->capture_launch(stream);
        kit_wait(stream);
        kit_device_read(seen[i], y, 32);
    }
    assert_memory_equal(seen, want, sizeof want);
    aotc_context_destroy(c);

    c = kit_cuda_context("late", &o);
    DLTensor x = kit_on_device(KIT_F32(d.x, 16), 0);
    memset(&own, 0, sizeof own);
    kit_run(c, &x, 1, &own, 1);
    cuda_fake->capture_begin(stream);
    kit_expect(aotc_run(c, &x, 1, &own, 1, stream, &e), &e, AOTC_E_DEVICE,
               "the host must read a value from the device");
    cuda_fake->capture_end(stream);
    kit_run(c, &x, 1, &own, 1);
    assert_int_equal(own.shape[0], 15);
    aotc_context_destroy(c);
    kit_device_free(y);
    kit_stream_free(stream);
    free_tensors(d);
    kit_cuda_clean();
}

/* One call of the driver for a hundred kernels. */
static void test_hundred(void **state)
{
    (void)state;
    Device               d = device_tensors();
    aotc_context_options o = with(AOTC_CUDA_GRAPH_AUTO, 0);
    aotc_context        *c = kit_cuda_context("hundred", &o);
    for (int i = 0; i < 5; i++)
        run_rows(c, d.x, d.y, 2);
    assert_int_equal(cuda_fake->state->n_graph_launches, 4);
    assert_int_equal(cuda_fake->state->n_nodes, 100);
    assert_int_equal(cuda_fake->state->n_programmatic_edges, 50);
    float y[8];
    kit_device_read(y, d.y, sizeof y);
    assert_true(y[0] == 100 && y[7] == 7 + 400);
    aotc_context_destroy(c);
    free_tensors(d);
    kit_cuda_clean();
}

static void run_operator(aotc_context *c, float *x, float *y, int64_t n)
{
    DLTensor   in[] = {kit_on_device(KIT_F32(x, 2, 4), 0),
                       {.data = &n, .device = {kDLCPU, 0}, .dtype = {kDLInt, 64, 1}}};
    DLTensor   out = kit_on_device(KIT_F32(y, 2, 4), 0);
    aotc_error e = {.struct_size = sizeof e};
    kit_expect(aotc_run(c, in, 2, &out, 1, NULL, &e), &e, AOTC_OK, "");
}

static int32_t first_bits(const float *y)
{
    int32_t bits;
    kit_device_read(&bits, y, sizeof bits);
    return bits;
}

/* Work of a custom operator is a child of the graph; its function is called where it is recorded
 * and where its arguments differ. */
static void test_operator(void **state)
{
    (void)state;
    Device               d = device_tensors();
    aotc_context_options o = with(AOTC_CUDA_GRAPH_AUTO, 0);
    aotc_context        *c = kit_cuda_context("operator", &o);
    for (int run = 0; run < 4; run++) {
        run_operator(c, d.x, d.y, 1);
        assert_int_equal(first_bits(d.y), 1);
        assert_int_equal(first_bits(d.y + 1) == 0, 0);
    }
    expect_counters(c, 1, 3, 0, 0);
    long params = cuda_fake->state->n_set_params;
    run_operator(c, d.x, d.y, 2); /* an argument: the child alone is changed */
    assert_int_equal(first_bits(d.y), 2);
    expect_counters(c, 1, 4, 1, 0);
    assert_int_equal(cuda_fake->state->n_set_params, params + 1);
    run_operator(c, d.x, d.other, 2); /* an address */
    assert_int_equal(first_bits(d.other), 2);
    expect_counters(c, 1, 5, 2, 0);
    run_operator(c, d.x, d.y, 96); /* other work: recorded again */
    assert_int_equal(first_bits(d.y), 96);
    expect_counters(c, 2, 6, 2, 0);
    aotc_context_destroy(c);
    free_tensors(d);
    kit_cuda_clean();
}

static void test_operator_fails(void **state)
{
    (void)state;
    Device               d = device_tensors();
    aotc_context_options o = with(AOTC_CUDA_GRAPH_AUTO, 0);
    aotc_context        *c = kit_cuda_context("operator", &o);
    int64_t              n = 98;
    DLTensor             in[] = {kit_on_device(KIT_F32(d.x, 2, 4), 0),
                                 {.data = &n, .device = {kDLCPU, 0}, .dtype = {kDLInt, 64, 1}}};
    DLTensor             out = kit_on_device(KIT_F32(d.y, 2, 4), 0);
    aotc_error           e = {.struct_size = sizeof e};
    for (int run = 0; run < 3; run++) {
        kit_expect(aotc_run(c, in, 2, &out, 1, NULL, &e), &e, AOTC_E_ASSERT, "n must not be 98");
        assert_string_equal(e.python, "model.py:12  return x[i]");
    }
    aotc_context_destroy(c);
    c = kit_cuda_context("operator", &o);
    for (int run = 0; run < 3; run++) { /* what waits is no graph, and runs */
        run_operator(c, d.x, d.y, 97);
        assert_int_equal(first_bits(d.y), 97);
    }
    assert_non_null(strstr(kit_counters(c).skip_reason, "cannot be captured"));
    assert_int_equal(cuda_fake->state->n_breaches, 1); /* that wait */
    cuda_fake->state->n_breaches = 0;
    aotc_context_destroy(c);
    c = kit_cuda_context("operator", &o);
    void *stream = kit_stream(); /* a capture of the caller holds the operator's work */
    run_operator(c, d.x, d.y, 1);
    cuda_fake->capture_begin(stream);
    n = 3;
    kit_expect(aotc_run(c, in, 2, &out, 1, stream, &e), &e, AOTC_OK, "");
    cuda_fake->capture_end(stream);
    assert_int_equal(first_bits(d.y), 1);
    cuda_fake->capture_launch(stream);
    kit_wait(stream);
    assert_int_equal(first_bits(d.y), 3);
    kit_stream_free(stream);
    aotc_context_profile(c, 1); /* timed like a kernel */
    run_operator(c, d.x, d.y, 4);
    assert_int_equal(first_bits(d.y), 4);
    aotc_context_destroy(c);
    free_tensors(d);
    kit_cuda_clean();
}

int run_graph_cases(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life),         cmocka_unit_test(test_policies),
        cmocka_unit_test(test_cap),          cmocka_unit_test(test_updates),
        cmocka_unit_test(test_random),       cmocka_unit_test(test_branches),
        cmocka_unit_test(test_branch_moves), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_capture),      cmocka_unit_test(test_hundred),
        cmocka_unit_test(test_operator),     cmocka_unit_test(test_operator_fails),
    };
    return cmocka_run_group_tests_name("graphs", tests, NULL, NULL);
}
