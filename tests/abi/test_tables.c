/* Tables of a model that were made wrong: each is refused by check_table() before anything follows
 * them. */
#include "tests/abi/kit.h"

#include "loader/internal.h"

#include <dlfcn.h>

/* A copy of the model's table that a case may spoil. */
#define N_ENTRIES 9 /* of tests/abi/model.c */

typedef struct Spoiled {
    aotc_model_table    table;
    aotc_model_entry    entries[N_ENTRIES];
    aotc_model_tensor   inputs[N_ENTRIES][8], outputs[N_ENTRIES][8];
    aotc_model_constant constants[2];
    aotc_model_guard    guard;
    aotc_model_kernel   kernel;
    aotc_model_dim      dims[2];
} Spoiled;

static void copy_table(Spoiled *s)
{
    static const aotc_model_table *original;
    if (!original) {
        void               *handle = dlopen(kit_model, RTLD_NOW | RTLD_LOCAL);
        aotc_model_query_fn query = NULL;
        assert_non_null(handle);
        *(void **)&query = dlsym(handle, "aotc_model_query");
        assert_null(query(0));
        original = query(AOTC_MODEL_ABI);
    }
    s->table = *original;
    s->table.entries = s->entries;
    assert_int_equal(s->table.n_entries, N_ENTRIES);
    memcpy(s->entries, original->entries, sizeof s->entries);
    for (int i = 0; i < N_ENTRIES; i++) {
        aotc_model_entry *e = &s->entries[i];
        memcpy(s->inputs[i], e->inputs, (size_t)e->n_inputs * sizeof *e->inputs);
        memcpy(s->outputs[i], e->outputs, (size_t)e->n_outputs * sizeof *e->outputs);
        e->inputs = s->inputs[i];
        e->outputs = s->outputs[i];
    }
    memcpy(s->constants, s->entries[2].constants, sizeof s->constants);
    s->entries[2].constants = s->constants;
    s->guard = s->entries[0].guards[0];
    s->entries[0].guards = &s->guard;
    s->kernel = s->entries[0].kernels[0];
    s->entries[0].kernels = &s->kernel;
    memcpy(s->dims, s->inputs[0][0].dims, sizeof s->dims);
    s->inputs[0][0].dims = s->dims;
}

static void test_good(void **state)
{
    (void)state;
    Spoiled    s;
    aotc_error e = {.struct_size = sizeof e};
    copy_table(&s);
    kit_expect(check_table(&s.table, 128, &e), &e, AOTC_OK, "");
    /* a later loader's structs are longer */
    s.table.struct_size += 64;
    kit_expect(check_table(&s.table, 128, &e), &e, AOTC_OK, "");
}

static void test_versions(void **state)
{
    (void)state;
    Spoiled    s;
    char       newer[80];
    aotc_error e = {.struct_size = sizeof e};
    kit_expect(check_table(NULL, 128, &e), &e, AOTC_E_VERSION, "needs a newer loader");
    copy_table(&s);
    s.table.abi = AOTC_MODEL_ABI + 1;
    snprintf(newer, sizeof newer, "the model has ABI %u, this loader knows up to %u",
             AOTC_MODEL_ABI + 1, AOTC_MODEL_ABI);
    kit_expect(check_table(&s.table, 128, &e), &e, AOTC_E_VERSION, newer);
    s.table.abi = 0;
    kit_expect(check_table(&s.table, 128, &e), &e, AOTC_E_VERSION, "ABI 0");
    copy_table(&s);
    s.entries[1].struct_size -= 4;
    kit_expect(check_table(&s.table, 128, &e), &e, AOTC_E_VERSION, "another layout");
    copy_table(&s);
    s.inputs[0][1].struct_size = 8;
    kit_expect(check_table(&s.table, 128, &e), &e, AOTC_E_VERSION, "entry point affine");
}

static void test_spoiled(void **state)
{
    (void)state;
    Spoiled    s;
    aotc_error e = {.struct_size = sizeof e};
#define REFUSED(change, text)                                                                      \
    do {                                                                                           \
        copy_table(&s);                                                                            \
        change;                                                                                    \
        e = (aotc_error){.struct_size = sizeof e};                                                 \
        kit_expect(check_table(&s.table, 128, &e), &e, AOTC_E_FORMAT, text);                       \
    } while (0)
    REFUSED(s.table.n_entries = 0, "no entry point");
    REFUSED(s.table.weights_bytes = 64, "the weights have 128 bytes, the code was made for 64");
    REFUSED(s.entries[0].n_inputs = -1, "counts of affine");
    REFUSED(s.entries[0].inputs = NULL, "counts of affine");
    REFUSED(s.entries[0].arena_expr = 6, "counts of affine");
    REFUSED(s.entries[3].scratch_expr = -2, "counts of late");
    REFUSED(s.inputs[0][0].rank = 65, "rank or dtype of x");
    REFUSED(s.inputs[0][0].rank = -1, "rank or dtype of x");
    REFUSED(s.inputs[0][0].dims = NULL, "rank or dtype of x");
    REFUSED(s.inputs[0][0].bits = 4, "rank or dtype of x");
    REFUSED(s.inputs[0][0].code = kDLOpaqueHandle, "rank or dtype of x");
    REFUSED(s.inputs[1][1].bits = 32, "rank or dtype of n");
    REFUSED(s.inputs[1][1].rank = 1, "rank or dtype of n");
    REFUSED(s.inputs[0][0].name = NULL, "(no name)");
    REFUSED(s.dims[0].index = 2, "a size or stride of x");
    REFUSED(s.dims[0].value = 0, "a size or stride of x");
    REFUSED(s.dims[0].kind = 3, "a size or stride of x");
    REFUSED(s.dims[1].value = -4, "a size or stride of x");
    REFUSED((s.dims[1].kind = AOTC_DIM_EXPR, s.dims[1].index = 6), "a size or stride of x");
    REFUSED(s.outputs[0][0].dims = s.dims, "a size or stride of z"); /* outputs define nothing */
    REFUSED(s.inputs[1][1].symbol = 3, "an index of n");
    REFUSED(s.outputs[1][1].expr = 3, "an index of n1");
    REFUSED(s.outputs[2][0].same_as = 1, "an index of x_out");
    REFUSED(s.outputs[2][0].bits = 16, "another type than its input's has x_out");
    REFUSED(s.constants[0].offset = 192, "outside the weights lies layer.bias");
    REFUSED(s.constants[0].size_bytes = 129, "outside the weights lies layer.bias");
    REFUSED(s.constants[0].size_bytes = UINT64_MAX, "outside the weights lies layer.bias");
    REFUSED(s.constants[0].offset = 32, "not aligned is layer.bias");
    REFUSED(s.constants[0].rank = -1, "rank of layer.bias");
    REFUSED(s.constants[1].state = 1, "state slot of counter");
    REFUSED(s.constants[1].state = -1, "state slot of counter");
    REFUSED(s.constants[1].size_bytes = 3, "state slot of counter");
    REFUSED(s.constants[1].flags = 0, "state slots of state");
    REFUSED((s.constants[0].flags = AOTC_CONSTANT_STATE, s.constants[0].state = 0),
            "state slot of counter");
    REFUSED(s.guard.expr = 6, "guard Ne(Mod(s0, 7), 0)");
    REFUSED(s.kernel.flops = 6, "kernel k0_affine");
    REFUSED(s.kernel.bytes = -2, "kernel k0_affine");
#undef REFUSED
    copy_table(&s);
    s.inputs[0][0].device = kDLCUDA;
    kit_expect(check_table(&s.table, 128, &e), &e, AOTC_E_UNSUPPORTED, "x is on device type 2");
}

int run_table_cases(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_spoiled),
    };
    return cmocka_run_group_tests_name("tables", tests, NULL, NULL);
}
