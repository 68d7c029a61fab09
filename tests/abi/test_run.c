/* Runs through the public interface: results, and errors that name input, dim, value and bound. */
#include "tests/abi/kit.h"

#include <math.h>

typedef struct Affine {
    float    x[64 * 4], y[128 * 4], z[64 * 4];
    int64_t  odd[10], n;
    int64_t  x_shape[2], y_shape[2], odd_shape[1];
    DLTensor in[3], out[2];
} Affine;

static void make_affine(Affine *a, int64_t s0)
{
    memset(a, 0, sizeof *a);
    for (int i = 0; i < 4 * s0; i++)
        a->x[i] = (float)i;
    for (int i = 0; i < 8 * s0; i++)
        a->y[i] = 100.0f * (float)i;
    a->x_shape[0] = s0;
    a->y_shape[0] = 2 * s0;
    a->x_shape[1] = a->y_shape[1] = 4;
    a->odd_shape[0] = 4; /* 3 * s1 + 1 */
    a->in[0] = kit_tensor(a->x, kDLFloat, 32, 2, a->x_shape);
    a->in[1] = kit_tensor(a->y, kDLFloat, 32, 2, a->y_shape);
    a->in[2] = kit_tensor(a->odd, kDLInt, 64, 1, a->odd_shape);
    a->out[0] = kit_tensor(a->z, kDLFloat, 32, 2, a->x_shape);
    a->out[1] = kit_tensor(&a->n, kDLInt, 64, 0, NULL);
}

static void check_affine(const float *z, int64_t s0, float scale)
{
    for (int64_t i = 0; i < s0; i++)
        for (int64_t j = 0; j < 4; j++)
            assert_true(z[4 * i + j] ==
                        scale * (float)(4 * i + j) + 100.0f * (float)(8 * i + j) + (float)(j + 1));
}

static void test_sizes(void **state)
{
    (void)state;
    aotc_context        *c = kit_context("affine", NULL);
    Affine               a;
    static const int64_t sizes[] = {2, 3, 3, 64, 8, 2};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        make_affine(&a, sizes[i]);
        kit_run(c, a.in, 3, a.out, 2);
        check_affine(a.z, sizes[i], 2);
        assert_int_equal(a.n, 2 * sizes[i]);
    }
    aotc_context_destroy(c);
}

static void test_context_outputs(void **state)
{
    (void)state;
    aotc_context        *c = kit_context("affine", NULL);
    Affine               a;
    DLTensor             out[2] = {{0}};
    static const int64_t sizes[] = {2, 40, 40, 3, 64};
    /* the same array again and again: what the context put there stays the context's */
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        make_affine(&a, sizes[i]);
        kit_run(c, a.in, 3, out, 2);
        assert_int_equal(out[0].ndim, 2);
        assert_int_equal(out[0].shape[0], sizes[i]);
        assert_int_equal(out[0].shape[1], 4);
        assert_int_equal(out[0].strides[0], 4);
        assert_int_equal(out[0].strides[1], 1);
        assert_int_equal(out[0].dtype.code, kDLFloat);
        assert_int_equal(out[0].dtype.bits, 32);
        assert_int_equal(out[0].dtype.lanes, 1);
        assert_int_equal(out[0].device.device_type, kDLCPU);
        check_affine(out[0].data, sizes[i], 2);
        assert_int_equal(*(int64_t *)out[1].data, 2 * sizes[i]);
    }
    /* own memory with the context's shape would be a buffer of unknown size */
    out[0].data = a.z;
    kit_run_fails(c, a.in, 3, out, 2, AOTC_E_ARGUMENT, "a shape that belongs to the context");
    aotc_context_destroy(c);
}

static void test_bad_inputs(void **state)
{
    (void)state;
    aotc_context *c = kit_context("affine", NULL);
    Affine        a;
#define REFUSED(change, status, text)                                                              \
    do {                                                                                           \
        make_affine(&a, 5);                                                                        \
        kit_run(c, a.in, 3, a.out, 2);                                                             \
        change;                                                                                    \
        kit_run_fails(c, a.in, 3, a.out, 2, status, text);                                         \
    } while (0)
    REFUSED(a.in[0].dtype.bits = 64, AOTC_E_GUARD,
            "input \"x\" has dtype float64, the model takes float32");
    REFUSED(a.in[0].dtype.code = kDLBfloat, AOTC_E_GUARD, "input \"x\" has dtype bfloat32");
    REFUSED(a.in[0].dtype.code = 99, AOTC_E_GUARD, "input \"x\" has dtype code 99 bits 32");
    REFUSED(a.in[0].dtype.lanes = 4, AOTC_E_GUARD, "input \"x\" has dtype float32x4");
    REFUSED(a.in[2].dtype.code = kDLBool, AOTC_E_GUARD,
            "input \"odd\" has dtype bool, the model takes int64");
    REFUSED(a.in[1].ndim = 3, AOTC_E_GUARD, "input \"y\" has 3 dims, the model takes 2");
    REFUSED(a.in[0].device.device_type = kDLCUDA, AOTC_E_GUARD,
            "input \"x\" is on device type 2, the model runs on the CPU (1)");
    REFUSED(a.in[0].shape = NULL, AOTC_E_ARGUMENT, "input \"x\" has no shape");
    REFUSED(a.in[0].data = NULL, AOTC_E_ARGUMENT, "input \"x\" has no data");
    REFUSED(a.x_shape[0] = 1, AOTC_E_GUARD,
            "input \"x\" has size 1 in dim 0, the model takes 2 to 64 (s0)");
    REFUSED(a.x_shape[0] = 65, AOTC_E_GUARD,
            "input \"x\" has size 65 in dim 0, the model takes 2 to 64 (s0)");
    REFUSED(a.x_shape[0] = -3, AOTC_E_GUARD, "input \"x\" has size -3 in dim 0");
    REFUSED(a.x_shape[1] = 5, AOTC_E_GUARD, "input \"x\" has size 5 in dim 1, the model takes 4");
    REFUSED(a.y_shape[0] = 9, AOTC_E_GUARD,
            "input \"y\" has size 9 in dim 0, the other sizes make it 10");
    REFUSED(a.odd_shape[0] = 5, AOTC_E_GUARD,
            "input \"odd\" has size 5 in dim 0, the model takes 3*s1 +1");
    REFUSED(a.odd_shape[0] = 1, AOTC_E_GUARD,
            "input \"odd\" has size 1 in dim 0, the model takes at least 4 (s1)");
    REFUSED(a.odd_shape[0] = 3 * (INT64_MAX / 9) + 1, AOTC_E_GUARD, "a size overflows 64 bits");
    REFUSED((make_affine(&a, 7)), AOTC_E_GUARD,
            "the inputs break a condition of the export: Ne(Mod(s0, 7), 0)");
    REFUSED(a.z[0] = 0; a.out[0].dtype.bits = 16, AOTC_E_ARGUMENT, "output \"z\"");
    REFUSED(a.y_shape[0] = 10; a.out[0].shape = a.y_shape, AOTC_E_ARGUMENT,
                               "output \"z\" has size 10 in dim 0, the model makes 5");
    REFUSED(a.out[0].shape = NULL, AOTC_E_ARGUMENT, "output \"z\" has size -1 in dim 0");
#undef REFUSED
    make_affine(&a, 5);
    kit_run_fails(c, a.in, 2, a.out, 2, AOTC_E_ARGUMENT, "2 inputs given, the model takes 3");
    kit_run_fails(c, a.in, 3, a.out, 1, AOTC_E_ARGUMENT, "1 outputs given, the model makes 2");
    kit_run_fails(c, NULL, 3, a.out, 2, AOTC_E_ARGUMENT, "NULL");
    kit_run_fails(NULL, a.in, 3, a.out, 2, AOTC_E_ARGUMENT, "NULL");
    kit_run(c, a.in, 3, a.out, 2);
    check_affine(a.z, 5, 2);
    aotc_context_destroy(c);
}

static void test_numbers(void **state)
{
    (void)state;
    aotc_context *c = kit_context("numbers", NULL);
    double        x[3] = {1, 2, 3}, y[3], a = 1.5, half = 0.5, a1;
    int64_t       n = -4, seven = 7, n1, three[] = {3};
    uint8_t       b = 1, b1;
    DLTensor      in[7] = {kit_tensor(x, kDLFloat, 64, 1, three),
                           KIT_NUMBER(&n, kDLInt, 64),
                           KIT_NUMBER(&a, kDLFloat, 64),
                           KIT_NUMBER(&b, kDLBool, 8),
                           KIT_NUMBER(&seven, kDLInt, 64),
                           KIT_NUMBER(&half, kDLFloat, 64),
                           {0}};
    DLTensor      out[5] = {kit_tensor(y, kDLFloat, 64, 1, three),
                            KIT_NUMBER(&n1, kDLInt, 64),
                            KIT_NUMBER(&a1, kDLFloat, 64),
                            KIT_NUMBER(&b1, kDLBool, 8),
                            {.data = x}};
    kit_run(c, in, 7, out, 5);
    assert_true(y[0] == -2.5 && y[1] == -1 && y[2] == 0.5);
    assert_int_equal(n1, -3);
    assert_true(a1 == 1.5);
    assert_int_equal(b1, 0);
    assert_null(out[4].data);
    assert_int_equal(out[4].dtype.code, kDLOpaqueHandle);
    n = 10, a = NAN, b = 0; /* values matter as sizes do */
    kit_run(c, in, 7, out, 5);
    assert_true(y[0] == 1 && y[2] == 3);
    assert_int_equal(n1, 11);
    assert_true(isnan(a1));
    assert_int_equal(b1, 1);
    n = 11;
    kit_run_fails(c, in, 7, out, 5, AOTC_E_GUARD, "input \"n\" is 11, the model takes at most 10");
    n = -11;
    kit_run_fails(c, in, 7, out, 5, AOTC_E_GUARD,
                  "input \"n\" is -11, the model takes at least -10");
    n = 0, seven = 8;
    kit_run_fails(c, in, 7, out, 5, AOTC_E_GUARD,
                  "input \"seven\" is 8, the model was exported with 7");
    seven = 7, half = 0.25;
    kit_run_fails(c, in, 7, out, 5, AOTC_E_GUARD,
                  "input \"half\" is 0.25, the model was exported with 0.5");
    half = 0.5;
    in[1].data = NULL;
    kit_run_fails(c, in, 7, out, 5, AOTC_E_ARGUMENT, "input \"n\" has no data");
    in[1] = KIT_NUMBER(&n, kDLInt, 32);
    kit_run_fails(c, in, 7, out, 5, AOTC_E_GUARD, "has dtype int32, the model takes int64");
    /* a view into a record: neither aligned nor at the start */
    struct __attribute__((packed)) {
        char    c;
        int64_t n;
    } packed = {0, 3};
    in[1] = (DLTensor){
        .data = &packed, .device = {kDLCPU, 0}, .dtype = {kDLInt, 64, 1}, .byte_offset = 1};
    kit_run(c, in, 7, out, 5);
    assert_int_equal(n1, 4);
    aotc_context_destroy(c);
}

static void test_state(void **state)
{
    (void)state;
    aotc_context *c = kit_context("state", NULL), *d = kit_context("state", NULL);
    float         x[4] = {0, 10, 20, 30}, copy[4];
    int64_t       shape[] = {2, 2};
    const char   *name = NULL;
    DLTensor      in = kit_tensor(x, kDLFloat, 32, 2, shape), out = {0}, view;
    kit_run(c, &in, 1, &out, 1);
    assert_ptr_equal(out.data, x);
    assert_true(x[0] == 1 && x[3] == 31);
    out = kit_tensor(copy, kDLFloat, 32, 2, shape);
    kit_run(c, &in, 1, &out, 1);
    assert_true(x[0] == 3 && copy[0] == 3 && copy[3] == 33);
    assert_int_equal(aotc_context_n_state(c), 1);
    assert_int_equal(aotc_context_state(c, 0, &name, &view), AOTC_OK);
    assert_string_equal(name, "counter");
    assert_int_equal(view.shape[0], 1);
    assert_true(*(float *)view.data == 2);
    *(float *)view.data = 10;
    kit_run(c, &in, 1, &out, 1);
    assert_true(x[0] == 14);
    assert_int_equal(aotc_context_reset(c, NULL), AOTC_OK);
    assert_true(*(float *)view.data == 0);
    kit_run(d, &in, 1, &out, 1); /* the other context has a counter of its own */
    assert_true(x[0] == 15);
    assert_int_equal(aotc_context_state(c, 1, &name, &view), AOTC_E_ARGUMENT);
    assert_int_equal(aotc_context_state(c, -1, &name, &view), AOTC_E_ARGUMENT);
    aotc_context_destroy(c);
    aotc_context_destroy(d);
}

static void test_late(void **state)
{
    (void)state;
    aotc_context *c = kit_context("late", NULL);
    float         x[1000];
    int64_t       shape[1] = {5}, index[8], found[1] = {3};
    DLTensor      in = kit_tensor(x, kDLFloat, 32, 1, shape), out[3] = {{0}};
    for (int i = 0; i < 1000; i++)
        x[i] = i % 2 ? (float)i : -1.0f;
    kit_run(c, &in, 1, out, 3);
    assert_int_equal(out[0].shape[0], 2);
    assert_int_equal(((int64_t *)out[0].data)[1], 3);
    assert_int_equal(out[1].shape[0], 2);
    assert_int_equal(out[1].strides[0], 1);
    assert_int_equal(out[1].strides[1], 2);
    assert_true(((float *)out[1].data)[2] == 2); /* [0, 1] */
    assert_int_equal(*(int64_t *)out[2].data, 2);
    shape[0] = 1000;
    kit_run(c, &in, 1, out, 3);
    assert_int_equal(out[0].shape[0], 500);
    assert_int_equal(((int64_t *)out[0].data)[499], 999);
    shape[0] = 0; /* nothing in, nothing found */
    in.data = NULL;
    kit_run(c, &in, 1, out, 3);
    assert_int_equal(out[0].shape[0], 0);
    assert_non_null(out[0].data);
    /* the caller's memory, sizes guessed right; columns of pairs become rows */
    float   pairs[6];
    int64_t pairs_shape[] = {3, 2};
    shape[0] = 6;
    in.data = x;
    out[0] = kit_tensor(index, kDLInt, 64, 1, found);
    out[1] = kit_tensor(pairs, kDLFloat, 32, 2, pairs_shape);
    kit_run(c, &in, 1, out, 3);
    assert_true(index[0] == 1 && index[2] == 5);
    assert_true(pairs[0] == 1 && pairs[1] == 2 && pairs[4] == 5 && pairs[5] == 10);
    found[0] = 4;
    kit_run_fails(c, &in, 1, out, 3, AOTC_E_ARGUMENT,
                  "output \"index\" has size 4 in dim 0, the model makes 3");
    aotc_context_destroy(c);
}

static void test_failures(void **state)
{
    (void)state;
    aotc_context *c = kit_context("failing", NULL);
    aotc_error    e = {.struct_size = sizeof e};
    int64_t       how = 1;
    float         y = 0;
    DLTensor      in = KIT_NUMBER(&how, kDLInt, 64), out = KIT_NUMBER(&y, kDLFloat, 32);
    kit_run_fails(c, &in, 1, &out, 1, AOTC_E_ASSERT, "x must be positive");
    how = 2;
    kit_expect(aotc_run(c, &in, 1, &out, 1, NULL, &e), &e, AOTC_E_ASSERT,
               "index 5 is out of bounds for size 4");
    assert_string_equal(e.node, "index_3");
    assert_string_equal(e.op, "aten.index.Tensor");
    assert_string_equal(e.python, "model.py:12  return x[i]");
    how = 4;
    kit_expect(aotc_run(c, &in, 1, &out, 1, NULL, &e), &e, AOTC_E_ASSERT,
               "linalg.inv: (Batch element 1): The diagonal element 3 is zero, the inversion could "
               "not be completed because the input matrix is singular.");
    how = 3;
    kit_expect(aotc_run(c, &in, 1, &out, 1, NULL, &e), &e, AOTC_E_MEMORY, "no memory");
    assert_string_equal(e.node, ""); /* nothing is left of the error before */
    how = 0;
    kit_expect(aotc_run(c, &in, 1, &out, 1, NULL, &e), &e, AOTC_OK, "");
    assert_true(y == 1);
    /* an error struct of an older header, or none, is no reason to crash */
    e = (aotc_error){.struct_size = 0};
    how = 2;
    assert_int_equal(aotc_run(c, &in, 1, &out, 1, NULL, &e), AOTC_E_ASSERT);
    assert_string_equal(e.text, "");
    aotc_context_destroy(c);
}

static void test_profile(void **state)
{
    (void)state;
    aotc_context    *c = kit_context("affine", NULL);
    aotc_kernel_info k = {.struct_size = sizeof k};
    Affine           a;
    make_affine(&a, 10);
    assert_int_equal(aotc_context_n_kernels(c), 1);
    kit_run(c, a.in, 3, a.out, 2);
    assert_int_equal(aotc_context_kernel(c, 0, &k), AOTC_OK);
    assert_int_equal(k.runs, 0);
    for (int round = 0; round < 2; round++) { /* switching on clears */
        aotc_context_profile(c, 1);
        for (int i = 0; i < 5; i++)
            kit_run(c, a.in, 3, a.out, 2);
        aotc_context_profile(c, 0);
        kit_run(c, a.in, 3, a.out, 2);
        assert_int_equal(aotc_context_kernel(c, 0, &k), AOTC_OK);
        assert_int_equal(k.runs, 5);
        assert_true(k.min_ns > 0 && k.min_ns * 5 <= k.total_ns);
        assert_string_equal(k.name, "k0_affine");
        assert_string_equal(k.nodes, "mul, add");
        assert_string_equal(k.python, "model.py:7  return x * 2 + y[::2]");
        assert_true(k.flops == 120 && k.bytes == 480);
    }
    assert_int_equal(aotc_context_kernel(c, 1, &k), AOTC_E_ARGUMENT);
    k.struct_size = 8;
    assert_int_equal(aotc_context_kernel(c, 0, &k), AOTC_E_ARGUMENT);
    aotc_context_destroy(c);
}

static void test_two_models(void **state)
{
    (void)state;
    aotc_context *c = kit_context("affine", NULL);
    aotc_context *d = kit_context_of(kit_pack("second.pt2pkg", kit_second, NULL), "affine", NULL);
    aotc_context *e = kit_context("affine", NULL); /* and the first one again */
    Affine        a;
    make_affine(&a, 4);
    kit_run(c, a.in, 3, a.out, 2);
    check_affine(a.z, 4, 2);
    kit_run(d, a.in, 3, a.out, 2);
    check_affine(a.z, 4, 3);
    aotc_context_destroy(c);
    kit_run(e, a.in, 3, a.out, 2);
    check_affine(a.z, 4, 2);
    kit_run(d, a.in, 3, a.out, 2);
    check_affine(a.z, 4, 3);
    aotc_context_destroy(d);
    aotc_context_destroy(e);
}

static void test_shapes(void **state)
{
    (void)state;
    aotc_error    error = {.struct_size = sizeof error};
    aotc_package *p = NULL;
    aotc_model   *m = NULL;
    int64_t       x[2], y[2], odd[1], *shapes[] = {x, y, odd};
    kit_expect(aotc_package_open(kit_path("model.pt2pkg"), NULL, &p, &error), &error, AOTC_OK, "");
    kit_expect(aotc_model_load(p, "affine", &m, &error), &error, AOTC_OK, "");
    static const struct {
        int64_t x[2], y[2], odd, want_x, want_y, want_odd;
    } cases[] = {
        {{-1, -1}, {-1, -1}, -1, 2, 4, 4},
        {{5, 4}, {-1, 4}, 7, 5, 10, 7},
        {{5, -1}, {11, -1}, -1, 5, 11, 4}, /* stays: the run refuses it */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        memcpy(x, cases[i].x, sizeof x);
        memcpy(y, cases[i].y, sizeof y);
        odd[0] = cases[i].odd;
        kit_expect(aotc_complete_shapes(m, shapes, &error), &error, AOTC_OK, "");
        assert_int_equal(x[0], cases[i].want_x);
        assert_int_equal(y[0], cases[i].want_y);
        assert_int_equal(odd[0], cases[i].want_odd);
        assert_true(x[1] == 4 && y[1] == 4);
    }
    x[0] = -1, odd[0] = INT64_MAX;
    kit_expect(aotc_complete_shapes(m, shapes, &error), &error, AOTC_E_GUARD, "overflows");
    kit_expect(aotc_complete_shapes(m, NULL, &error), &error, AOTC_E_ARGUMENT, "NULL");
    aotc_model_release(m);
    aotc_package_close(p);
}

static void test_infos(void **state)
{
    (void)state;
    aotc_error       error = {.struct_size = sizeof error};
    aotc_package    *p = NULL;
    aotc_model      *m = NULL;
    aotc_tensor_info t = {.struct_size = sizeof t};
    aotc_context_destroy(kit_context("small", NULL));
    kit_expect(aotc_package_open(kit_path("model.pt2pkg"), NULL, &p, &error), &error, AOTC_OK, "");
    assert_int_equal(aotc_package_n_entries(p), 9);
    assert_string_equal(aotc_package_entry_name(p, 3), "late");
    assert_null(aotc_package_entry_name(p, 9));
    assert_null(aotc_package_entry_name(p, -1));
    kit_expect(aotc_model_load(p, "nothing", &m, &error), &error, AOTC_E_ARGUMENT,
               "the package has no entry point \"nothing\"");
    assert_null(m);
    kit_expect(aotc_model_load(p, NULL, &m, &error), &error, AOTC_OK, "");
    assert_int_equal(aotc_model_n_inputs(m), 3);
    assert_int_equal(aotc_model_n_outputs(m), 2);
    assert_int_equal(aotc_input_info(m, 2, &t), AOTC_OK);
    assert_string_equal(t.name, "odd");
    assert_int_equal(t.ndim, 1);
    assert_int_equal(t.shape[0], -1);
    assert_int_equal(t.shape_min[0], 4);
    assert_true(t.shape_max[0] == INT64_MAX);
    assert_int_equal(aotc_input_info(m, 0, &t), AOTC_OK);
    assert_int_equal(t.shape[1], 4);
    assert_int_equal(t.shape_max[0], 64);
    assert_int_equal(t.same_as, -1);
    assert_int_equal(aotc_input_info(m, 3, &t), AOTC_E_ARGUMENT);
    assert_int_equal(aotc_output_info(m, 1, &t), AOTC_OK);
    assert_true(t.is_scalar && t.ndim == 0 && t.dtype.code == kDLInt);
    t.struct_size = 4;
    assert_int_equal(aotc_output_info(m, 0, &t), AOTC_E_ARGUMENT);
    aotc_model_release(m);
    t.struct_size = sizeof t;
    kit_expect(aotc_model_load(p, "numbers", &m, &error), &error, AOTC_OK, "");
    assert_int_equal(aotc_input_info(m, 4, &t), AOTC_OK);
    assert_true(t.is_literal && t.literal_int == 7);
    assert_int_equal(aotc_input_info(m, 5, &t), AOTC_OK);
    assert_true(t.is_literal && t.literal_float == 0.5);
    aotc_model_release(m);
    kit_expect(aotc_model_load(p, "state", &m, &error), &error, AOTC_OK, "");
    assert_int_equal(aotc_input_info(m, 0, &t), AOTC_OK);
    assert_true(t.is_mutated);
    assert_int_equal(aotc_output_info(m, 0, &t), AOTC_OK);
    assert_int_equal(t.same_as, 0);
    aotc_model_release(m);
    aotc_package_close(p);
    assert_string_equal(aotc_status_name(AOTC_E_GUARD), "AOTC_E_GUARD");
    assert_string_equal(aotc_status_name(99), "unknown status");
    assert_int_equal(aotc_package_n_entries(NULL), 0);
    aotc_package_close(NULL);
    aotc_model_release(NULL);
    aotc_context_destroy(NULL);
}

static void test_options(void **state)
{
    (void)state;
    aotc_error           error = {.struct_size = sizeof error};
    aotc_package        *p = NULL;
    aotc_model          *m = NULL;
    aotc_context        *c = NULL;
    aotc_context_options o = {.struct_size = sizeof o};
    aotc_allocator       allocator = {.struct_size = sizeof allocator};
    aotc_threads         threads = {.struct_size = sizeof threads};
    kit_expect(aotc_package_open(kit_path("model.pt2pkg"), NULL, &p, &error), &error, AOTC_OK, "");
    kit_expect(aotc_model_load(p, NULL, &m, &error), &error, AOTC_OK, "");
    aotc_package_close(p);
#define REFUSED(change, text)                                                                      \
    change;                                                                                        \
    kit_expect(aotc_context_create(m, &o, &c, &error), &error, AOTC_E_ARGUMENT, text);             \
    assert_null(c);                                                                                \
    o = (aotc_context_options){.struct_size = sizeof o}
    REFUSED(o.struct_size = 0, "options->struct_size is not set");
    REFUSED(o.n_threads = -1, "-1 threads asked for");
    REFUSED(o.n_threads = 5000, "5000 threads asked for");
    REFUSED(o.allocator = &allocator, "the allocator lacks");
    REFUSED(o.threads = &threads, "the threads lack");
#undef REFUSED
    kit_expect(aotc_context_create(NULL, NULL, &c, &error), &error, AOTC_E_ARGUMENT, "NULL");
    aotc_model_release(m);
}

/* Packages of each released ABI load for ever.  This one has the structs of ABI 1, which end before
 * the fields for devices. */
static void test_golden(void **state)
{
    (void)state;
#if defined(__x86_64__)
    static const char path[] = "tests/abi/golden/abi1-x86-64.pt2pkg";
    float             data[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, z[8];
    int64_t           odd[4] = {0}, n = 0;
    aotc_context     *c = kit_context_of(path, "affine", NULL);
    DLTensor          in[] = {KIT_F32(data, 2, 4), KIT_F32(data, 4, 4),
                              kit_tensor(odd, kDLInt, 64, 1, (int64_t[]){4})};
    DLTensor          out[] = {KIT_F32(z, 2, 4), KIT_NUMBER(&n, kDLInt, 64)};
    kit_run(c, in, 3, out, 2);
    assert_int_equal(n, 4);
    for (int i = 0; i < 8; i++)
        assert_true(z[i] == 2 * data[i] + data[8 * (i / 4) + i % 4] + (float)(i % 4 + 1));
    aotc_context_destroy(c);
    c = kit_context_of(path, "state", NULL);
    DLTensor x = KIT_F32(data, 2, 2), y = {0};
    kit_run(c, &x, 1, &y, 1);
    kit_run(c, &x, 1, &y, 1);
    assert_true(data[0] == 4 && data[3] == 7);
    aotc_context_destroy(c);
    aotc_package *p = NULL;
    aotc_model   *m = NULL;
    assert_int_equal(aotc_package_open(path, NULL, &p, NULL), AOTC_OK);
    assert_int_equal(aotc_package_n_entries(p), 8);
    assert_int_equal(aotc_model_load(p, NULL, &m, NULL), AOTC_OK);
    assert_string_equal(aotc_model_target(m), "native");
    assert_int_equal(aotc_model_device(m).device_type, kDLCPU);
    aotc_model_release(m);
    aotc_package_close(p);
#else
    skip();
#endif
}

/* Callers built against an older header give shorter structs. */
static void test_old_callers(void **state)
{
    (void)state;
    Counting             counting;
    aotc_allocator       a = kit_counting(&counting);
    aotc_context_options o = {.struct_size = offsetof(aotc_context_options, cuda_graph),
                              .allocator = &a,
                              .n_cuda_graphs = -5 /* not the caller's: behind its struct */};
    float                x[8] = {0}, y[8];
    DLTensor             in = KIT_F32(x, 8), out = KIT_F32(y, 8);
    a.struct_size = offsetof(aotc_allocator, allocate_device);
    memset(&a.allocate_device, 0x5a, sizeof a.allocate_device);
    aotc_context *c = kit_context("small", &o);
    kit_run(c, &in, 1, &out, 1);
    assert_true(y[0] == 1);
    aotc_context_destroy(c);
    assert_int_equal(counting.live_bytes, 0);
}

int run_run_cases(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),     cmocka_unit_test(test_old_callers),
        cmocka_unit_test(test_sizes),      cmocka_unit_test(test_context_outputs),
        cmocka_unit_test(test_bad_inputs), cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_state),      cmocka_unit_test(test_late),
        cmocka_unit_test(test_failures),   cmocka_unit_test(test_profile),
        cmocka_unit_test(test_two_models), cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_infos),      cmocka_unit_test(test_options),
    };
    return cmocka_run_group_tests_name("run", tests, NULL, NULL);
}
