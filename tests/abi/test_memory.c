/* Memory: every allocation failing in turn, the caller's allocator, none at all in a warm run, no
 * growth. */
#include "tests/abi/kit.h"

#include <unistd.h>

static const char *const entries[] = {"affine", "numbers",  "state", "late", "failing",
                                      "shapes", "parallel", "alone", "small"};

/* Inputs of any entry: x and y with s0 = 3, numbers that it takes, columns where it wants rows. */
typedef struct Any {
    float    data[256];
    double   numbers[4];
    int64_t  shapes[8][2], strides[2];
    DLTensor in[8], out[8];
    int      n_in, n_out;
} Any;

static void make_inputs(Any *a, aotc_model *m)
{
    memset(a, 0, sizeof *a);
    a->n_in = aotc_model_n_inputs(m);
    a->n_out = aotc_model_n_outputs(m);
    for (int i = 0; i < a->n_in; i++) {
        aotc_tensor_info t = {.struct_size = sizeof t};
        assert_int_equal(aotc_input_info(m, i, &t), AOTC_OK);
        a->in[i] = kit_tensor(a->data, t.dtype.code, t.dtype.bits, t.ndim, a->shapes[i]);
        for (int d = 0; d < t.ndim; d++)
            a->shapes[i][d] = t.shape[d] >= 0 ? t.shape[d] : i == 1 ? 6 : i == 2 ? 4 : 3;
        if (t.is_literal && t.dtype.code == kDLInt)
            memcpy(&a->numbers[0], &t.literal_int, 8);
        if (t.is_literal && t.dtype.code == kDLFloat)
            a->numbers[1] = t.literal_float;
        if (t.is_literal)
            a->in[i].data = &a->numbers[t.dtype.code == kDLFloat];
    }
    a->data[8] = 1;
    for (int i = 0; i < a->n_in; i++)
        if (a->in[i].ndim == 2) { /* everything 2-d comes as columns */
            a->strides[0] = 1, a->strides[1] = 8;
            a->in[i].strides = a->strides;
        }
}

static aotc_status whole_life(const char *path, const char *entry, const aotc_context_options *o,
                              aotc_error *error)
{
    aotc_package *package = NULL;
    aotc_model   *model = NULL;
    aotc_context *context = NULL;
    Any           a;
    aotc_status   s = aotc_package_open(path, NULL, &package, error);
    if (!s)
        s = aotc_model_load(package, entry, &model, error);
    if (!s)
        s = aotc_context_create(model, o, &context, error);
    if (!s) {
        make_inputs(&a, model);
        s = aotc_run(context, a.in, a.n_in, a.out, a.n_out, NULL, error);
    }
    if (s == AOTC_E_MEMORY && context) { /* memory is back: the context still works */
        kit_fail_at = -1;
        memset(a.out, 0, sizeof a.out);
        assert_int_equal(aotc_run(context, a.in, a.n_in, a.out, a.n_out, NULL, NULL), AOTC_OK);
    }
    kit_fail_at = -1;
    aotc_context_destroy(context);
    aotc_model_release(model);
    aotc_package_close(package);
    return s;
}

static void test_malloc_fails(void **state)
{
    (void)state;
    const char *path = kit_pack("memory.pt2pkg", kit_model, NULL);
    char        folder_command[8192];
    const char *folder = kit_path("memory.dir");
    snprintf(folder_command, sizeof folder_command, "rm -rf '%s' && unzip -qq -d '%s' '%s'", folder,
             folder, path);
    assert_int_equal(system(folder_command), 0);
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        long before = kit_n_live;
        int  n_failed = 0;
        for (int at = 0;; at++) {
            aotc_error error = {.struct_size = sizeof error};
            kit_n_allocs = 0;
            kit_fail_at = at;
            aotc_status s = whole_life(i % 2 ? folder : path, entries[i], NULL, &error);
            assert_int_equal(kit_n_live, before);
            if (s == AOTC_OK)
                break;
            kit_expect(s, &error, AOTC_E_MEMORY, "memory");
            n_failed++;
        }
        assert_in_range(n_failed, 20, 200);
    }
}

static void test_allocator_fails(void **state)
{
    (void)state;
    const char *path = kit_path("memory.pt2pkg");
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        Counting             counting;
        aotc_allocator       allocator = kit_counting(&counting);
        aotc_context_options o = {.struct_size = sizeof o, .allocator = &allocator};
        for (int at = 0;; at++) {
            aotc_error error = {.struct_size = sizeof error};
            counting = (Counting){.fail_at = at};
            aotc_status s = whole_life(path, entries[i], &o, &error);
            assert_int_equal(counting.live_bytes, 0);
            if (s == AOTC_OK)
                break;
            kit_expect(s, &error, AOTC_E_MEMORY, "memory");
        }
        assert_true(counting.n_allocs > 0);
    }
}

static long resident_pages(void)
{
    long  total = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%ld %ld", &total, &resident), 2);
    fclose(f);
    return resident;
}

/* Warm: sizes that were seen before, also when they alternate. */
static void test_warm_runs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
        for (int n_threads = 1; n_threads <= 3; n_threads += 2) {
            Counting             counting;
            aotc_allocator       allocator = kit_counting(&counting);
            aotc_context_options o = {
                .struct_size = sizeof o, .allocator = &allocator, .n_threads = n_threads};
            aotc_error    error = {.struct_size = sizeof error};
            aotc_package *package = NULL;
            aotc_model   *model = NULL;
            aotc_context *c = NULL;
            Any           a;
            const char   *path = kit_path("memory.pt2pkg");
            assert_int_equal(aotc_package_open(path, NULL, &package, &error), AOTC_OK);
            assert_int_equal(aotc_model_load(package, entries[i], &model, &error), AOTC_OK);
            assert_int_equal(aotc_context_create(model, &o, &c, &error), AOTC_OK);
            make_inputs(&a, model);
            bool is_sized = !strcmp(entries[i], "late") || !strcmp(entries[i], "parallel") ||
                            !strcmp(entries[i], "alone");
            long pages = 0;
            for (int run = 0; run < 1000; run++) {
                if (is_sized)
                    a.shapes[0][0] = 3 + 100 * (run % 2);
                if (run % 3 == 0)
                    memset(a.out, 0, sizeof a.out);
                if (run == 10) {
                    kit_n_allocs = counting.n_allocs = 0;
                    pages = resident_pages();
                }
                kit_expect(aotc_run(c, a.in, a.n_in, a.out, a.n_out, NULL, &error), &error, AOTC_OK,
                           "");
            }
            assert_int_equal(kit_n_allocs, 0);
            assert_int_equal(counting.n_allocs, 0);
            assert_int_equal(aotc_context_held_bytes(c), counting.live_bytes);
            /* Allocations are counted above; this is for what is mapped.  Stacks of workers and
             * pages that a fork shared come late.  Sanitizers keep what is freed. */
            if (!KIT_SANITIZED)
                assert_true(resident_pages() <= pages + 128);
            aotc_context_destroy(c);
            aotc_model_release(model);
            aotc_package_close(package);
            assert_int_equal(counting.live_bytes, 0);
        }
}

int run_memory_cases(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_malloc_fails),
        cmocka_unit_test(test_allocator_fails),
        cmocka_unit_test(test_warm_runs),
    };
    return cmocka_run_group_tests_name("memory", tests, NULL, NULL);
}
