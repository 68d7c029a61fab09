/* Strides: tensors whose layout is not what the code expects, tensors without elements, 0-d ones.
 */
#include "tests/abi/kit.h"

#include "loader/internal.h"

typedef struct Shapes {
    float    zero_d, zero_d_out;
    int16_t  m[64], m_out[64];
    int64_t  empty_shape[2], m_shape[2], m_strides[2], out_strides[2];
    DLTensor in[3], out[3];
} Shapes;

static void make_shapes(Shapes *s)
{
    memset(s, 0, sizeof *s);
    s->zero_d = 4;
    s->empty_shape[1] = 3;
    s->m_shape[0] = 2, s->m_shape[1] = 3;
    s->in[0] = kit_tensor(&s->zero_d, kDLFloat, 32, 0, NULL);
    s->in[1] = kit_tensor(NULL, kDLFloat, 32, 2, s->empty_shape);
    s->in[2] = kit_tensor(s->m, kDLInt, 16, 2, s->m_shape);
    s->out[0] = kit_tensor(&s->zero_d_out, kDLFloat, 32, 0, NULL);
    s->out[1] = kit_tensor(NULL, kDLFloat, 32, 2, s->empty_shape);
    s->out[2] = kit_tensor(s->m_out, kDLInt, 16, 2, s->m_shape);
}

/* m[i,j] = 100i + j with those strides from `start` */
static void fill(int16_t *m, int64_t start, int64_t s0, int64_t s1)
{
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 3; j++)
            m[start + i * s0 + j * s1] = (int16_t)(100 * i + j);
}

static void check(const int16_t *m, int64_t start, int64_t s0, int64_t s1)
{
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 3; j++)
            assert_int_equal(m[start + i * s0 + j * s1], 100 * i + j + 10 * i + j);
}

/* The model wants and makes columns; the caller has everything else. */
static void test_strides(void **state)
{
    (void)state;
    static const int64_t layouts[][2] = {{1, 2}, {3, 1}, {7, 2}, {1, 9}, {20, 5}};
    aotc_context        *c = kit_context("shapes", NULL);
    Shapes               s;
    for (size_t a = 0; a < 5; a++)
        for (size_t b = 0; b < 5; b++) {
            make_shapes(&s);
            memcpy(s.m_strides, layouts[a], sizeof s.m_strides);
            memcpy(s.out_strides, layouts[b], sizeof s.out_strides);
            fill(s.m, 3, layouts[a][0], layouts[a][1]);
            memset(s.m_out, 0x55, sizeof s.m_out);
            s.in[2].strides = s.m_strides;
            s.in[2].byte_offset = 6;
            s.out[2].strides = s.out_strides;
            s.out[2].byte_offset = 8;
            kit_run(c, s.in, 3, s.out, 3);
            check(s.m_out, 4, layouts[b][0], layouts[b][1]);
            int touched = 0;
            for (int i = 0; i < 64; i++)
                touched += s.m_out[i] != 0x5555;
            assert_int_equal(touched, 6); /* and nothing between the elements */
            assert_true(s.zero_d_out == -4);
        }
    make_shapes(&s); /* strides NULL: rows */
    fill(s.m, 0, 3, 1);
    kit_run(c, s.in, 3, s.out, 3);
    check(s.m_out, 0, 3, 1);
    s.m_strides[0] = 0, s.m_strides[1] = 1; /* a broadcast input is two equal rows */
    s.in[2].strides = s.m_strides;
    kit_run(c, s.in, 3, s.out, 3);
    assert_int_equal(s.m_out[3], 10);
    s.out[2].strides = s.m_strides;
    kit_run_fails(c, s.in, 3, s.out, 3, AOTC_E_ARGUMENT, "output \"m_out\" has a stride of 0");
    s.m_strides[0] = -3; /* rows backwards, from the last one */
    fill(s.m, 0, 3, 1);
    s.out[2].strides = NULL;
    s.in[2].byte_offset = 6;
    kit_run(c, s.in, 3, s.out, 3);
    assert_int_equal(s.m_out[0], 100);
    assert_int_equal(s.m_out[3], 10);
    aotc_context_destroy(c);
}

static void test_unaligned(void **state)
{
    (void)state;
    aotc_context *c = kit_context("small", NULL);
    char          in_bytes[64], out_bytes[64];
    float         x[8] = {1, 2, 3, 4, 5, 6, 7, 8}, y[8];
    int64_t       shape[] = {8};
    memcpy(in_bytes + 1, x, sizeof x);
    DLTensor in = kit_tensor(in_bytes, kDLFloat, 32, 1, shape);
    DLTensor out = kit_tensor(out_bytes, kDLFloat, 32, 1, shape);
    in.byte_offset = 1;
    out.byte_offset = 3;
    kit_run(c, &in, 1, &out, 1);
    memcpy(y, out_bytes + 3, sizeof y);
    assert_true(y[0] == 2 && y[7] == 9);
    aotc_context_destroy(c);
}

/* Written back through the caller's strides. */
static void test_mutated_view(void **state)
{
    (void)state;
    aotc_context *c = kit_context("state", NULL);
    float         x[16] = {0};
    int64_t       shape[] = {2, 2}, strides[] = {8, 3};
    DLTensor      in = kit_tensor(x, kDLFloat, 32, 2, shape), out = {0};
    in.strides = strides;
    kit_run(c, &in, 1, &out, 1);
    for (int i = 0; i < 16; i++)
        assert_true(x[i] == (i == 0 || i == 3 || i == 8 || i == 11 ? 1 : 0));
    assert_ptr_equal(out.data, x);
    assert_int_equal(out.strides[1], 3);
    strides[0] = 0;
    out.data = NULL;
    kit_run_fails(c, &in, 1, &out, 1, AOTC_E_ARGUMENT,
                  "input \"x\" is written by the model, but has a stride of 0");
    aotc_context_destroy(c);
}

static void test_empty(void **state)
{
    (void)state;
    aotc_context *c = kit_context("shapes", NULL);
    Shapes        s;
    int64_t       odd[2] = {5, 7};
    make_shapes(&s);
    s.in[1].strides = odd; /* of no elements: no matter */
    s.out[1].strides = odd;
    kit_run(c, s.in, 3, s.out, 3);
    assert_non_null(s.out[1].data); /* NULL asked for memory */
    assert_int_equal(s.out[1].shape[0], 0);
    assert_int_equal(s.out[1].shape[1], 3);
    kit_run(c, s.in, 3, s.out, 3);
    aotc_context_destroy(c);
}

/* copy_strided() against the definition, over ranks, item sizes and layouts. */
static void test_copies(void **state)
{
    (void)state;
    static const size_t items[] = {1, 2, 4, 8, 16, 3};
    uint32_t            random = 1;
    for (int round = 0; round < 600; round++) {
        int           rank = round % 5;
        size_t        item = items[round % 6];
        int64_t       sizes[5], to[5], from[5], index[5] = {0}, to_step = 1, from_step = 1, n = 1;
        unsigned char source[20000], target[20000], want[20000];
        for (int d = rank - 1; d >= 0; d--) {
            random = random * 1664525 + 1013904223;
            sizes[d] = round == 77 && d == 0 ? 0 : 1 + (random >> 28) % 4;
            to[d] = to_step;
            from[d] = from_step;
            to_step *= sizes[d] + ((random >> 20) & 1);
            from_step *= sizes[d] + ((random >> 21) & 1);
            n *= sizes[d];
        }
        for (int d = 0; d + 1 < rank; d++) /* transposed */
            if (random >> (8 + d) & 1) {
                int64_t swap = from[d];
                from[d] = from[d + 1] * sizes[d + 1] * 2;
                from[d + 1] = swap;
            }
        for (size_t i = 0; i < sizeof source; i++)
            source[i] = (unsigned char)(i * 7 + i / 256);
        memset(target, 0xee, sizeof target);
        memset(want, 0xee, sizeof want);
        for (int64_t k = 0; k < n; k++) {
            int64_t t = 0, f = 0;
            for (int d = 0; d < rank; d++)
                t += index[d] * to[d], f += index[d] * from[d];
            if ((size_t)(f + 1) * item > sizeof source)
                break;
            memcpy(want + (size_t)t * item, source + (size_t)f * item, item);
            for (int d = rank - 1; d >= 0 && ++index[d] == sizes[d]; d--)
                index[d] = 0;
        }
        int64_t reach = 1;
        for (int d = 0; d < rank; d++)
            reach += (sizes[d] - 1) * from[d];
        if ((size_t)reach * item > sizeof source)
            continue;
        copy_strided(target, to, source, from, sizes, rank, item);
        assert_memory_equal(target, want, sizeof want);
    }
}

int run_layout_cases(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strides),      cmocka_unit_test(test_unaligned),
        cmocka_unit_test(test_mutated_view), cmocka_unit_test(test_empty),
        cmocka_unit_test(test_copies),
    };
    return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
