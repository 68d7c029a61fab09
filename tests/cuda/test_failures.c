/* What fails on the device or in the driver: reported with its node, nothing left behind, and the
 * context goes on. */
#include "tests/cuda/kit.h"

static void expect_index(aotc_status s, const aotc_error *e)
{
    kit_expect(s, e, AOTC_E_ASSERT, "index -3 is out of bounds for size 8");
    assert_string_equal(e->node, "index_3");
    assert_string_equal(e->op, "aten.index.Tensor");
    assert_string_equal(e->python, "model.py:12  return x[i]");
}

static void check_failures(aotc_cuda_graph policy)
{
    float good[8] = {1, 2, 3, 4, 5, 6, 7, 8}, bad[8] = {1, 2, 3, -3}, y[8];
    void *d_good = kit_device(good, sizeof good), *d_bad = kit_device(bad, sizeof bad);
    aotc_context_options o = {.struct_size = sizeof o, .cuda_graph = policy};
    aotc_context        *c = kit_cuda_context("check", &o);
    aotc_error           e = {.struct_size = sizeof e};
    DLTensor in = kit_on_device(KIT_F32(d_bad, 2, 4), 0), host = KIT_F32(y, 2, 4), own = {0};
    for (int round = 0; round < 4; round++) {
        /* asynchronous: the failure comes with the wait */
        in.data = d_bad;
        kit_expect(aotc_run(c, &in, 1, &own, 1, NULL, &e), &e, AOTC_OK, "");
        expect_index(aotc_synchronize(c, &e), &e);
        kit_expect(aotc_synchronize(c, &e), &e, AOTC_OK, "");
        /* with an output on the host: at once */
        expect_index(aotc_run(c, &in, 1, &host, 1, NULL, &e), &e);
        /* or with the next run, which does nothing else */
        kit_expect(aotc_run(c, &in, 1, &own, 1, NULL, &e), &e, AOTC_OK, "");
        kit_device_read(y, d_good, sizeof y); /* the device is done */
        in.data = d_good;
        expect_index(aotc_run(c, &in, 1, &own, 1, NULL, &e), &e);
        kit_expect(aotc_run(c, &in, 1, &host, 1, NULL, &e), &e, AOTC_OK, "");
        assert_true(y[0] == 3 && y[7] == 20);
    }
    aotc_context_destroy(c);
    kit_device_free(d_good);
    kit_device_free(d_bad);
    kit_cuda_clean();
}

static void test_device_failures(void **state)
{
    (void)state;
    check_failures(AOTC_CUDA_GRAPH_OFF);
    check_failures(AOTC_CUDA_GRAPH_AUTO);
    check_failures(AOTC_CUDA_GRAPH_ON);
}

static void test_launch_fails(void **state)
{
    (void)state;
    float         x[8] = {0}, y[8];
    DLTensor      in = KIT_F32(x, 2, 4), out = KIT_F32(y, 2, 4);
    aotc_context *c = kit_cuda_context("affine", NULL);
    for (int i = 0; i < 5; i++) {
        aotc_error e = {.struct_size = sizeof e};
        cuda_fake->state->launch = 700;
        kit_expect(aotc_run(c, &in, 1, &out, 1, NULL, &e), &e, AOTC_E_DEVICE,
                   "failed: CUDA_ERROR_ILLEGAL_ADDRESS (an illegal memory access was encountered)");
        cuda_fake->state->launch = 0;
        kit_run(c, &in, 1, &out, 1);
        assert_true(y[0] == 1);
    }
    aotc_context_destroy(c);
    kit_cuda_clean();
}

/* Everything from opening to the third run, with the call that fails moving on. */
static aotc_status whole_life(const char *path, const char *entry, aotc_cuda_graph policy,
                              aotc_error *e)
{
    aotc_context_options o = {.struct_size = sizeof o, .cuda_graph = policy};
    aotc_package        *p = NULL;
    aotc_model          *m = NULL;
    aotc_context        *c = NULL;
    float                x[8] = {1, 2, 3, 4, 5, 6, 7, 8}, y[32];
    int64_t              n = 1, strides[] = {1, 2}, shape[] = {2, 4}, flat[] = {8};
    DLTensor             out[2] = {{0}};
    DLTensor             in[] = {KIT_F32(x, 2, 4), KIT_NUMBER(&n, kDLInt, 64)};
    bool                 is_chain = !strcmp(entry, "chain"), is_flat = !strcmp(entry, "late");
    if (is_flat || !strcmp(entry, "branch"))
        in[0] = kit_tensor(x, kDLFloat, 32, 1, flat);
    else
        in[0].strides = strides;
    aotc_status s = aotc_package_open(path, NULL, &p, e);
    s = s ? s : aotc_model_load(p, entry, &m, e);
    s = s ? s : aotc_context_create(m, &o, &c, e);
    for (int run = 0; run < 3 && !s; run++) {
        memset(out, 0, sizeof out);
        if (run == 2 && is_chain)
            out[0] = kit_tensor(y, kDLFloat, 32, 2, shape);
        s = aotc_run(c, in, is_chain ? 2 : 1, out, is_chain ? 2 : 1, NULL, e);
    }
    if (s && c) { /* what was short is there again */
        cuda_fake->state->fail_at = kit_fail_at = -1;
        memset(out, 0, sizeof out);
        assert_int_equal(aotc_run(c, in, is_chain ? 2 : 1, out, is_chain ? 2 : 1, NULL, NULL),
                         AOTC_OK);
    }
    cuda_fake->state->fail_at = kit_fail_at = -1;
    aotc_context_destroy(c);
    aotc_model_release(m);
    aotc_package_close(p);
    return s;
}

static void test_out_of_memory(void **state)
{
    (void)state;
    static const char *const entries[] = {"affine", "chain", "late", "branch"};
    const char              *path = kit_cuda_pack("memory.pt2pkg", false);
    for (int k = 0; k < 4; k++)
        for (int device = 0; device < 2; device++) {
            int n_failed = 0;
            for (int at = 0, misses = 0; misses < 3; at++) {
                aotc_error e = {.struct_size = sizeof e};
                long       live = kit_n_live;
                cuda_fake->state->n_takes = kit_n_allocs = 0;
                cuda_fake->state->fail_at = device ? at : -1;
                kit_fail_at = device ? -1 : at;
                aotc_status s = whole_life(path, entries[k], AOTC_CUDA_GRAPH_AUTO, &e);
                if (s)
                    kit_expect(s, &e, AOTC_E_MEMORY, "memory");
                misses = s ? 0 : misses + 1; /* a graph that cannot be made is no failure */
                n_failed += s != AOTC_OK;
                kit_cuda_clean();
                if (!device) /* the fake driver's memory is not counted: it is another library */
                    assert_int_equal(kit_n_live, live);
            }
            assert_in_range(n_failed, device ? 5 : 15, 200);
        }
}

int run_failure_cases(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_device_failures),
        cmocka_unit_test(test_launch_fails),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests_name("failures", tests, NULL, NULL);
}
