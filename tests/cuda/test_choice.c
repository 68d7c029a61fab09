/* Which code of a package runs where, and what is said when none can. */
#include "tests/cuda/kit.h"

#include "loader/cuda.h"

#include <dlfcn.h>

static aotc_status load(const char *path, const char *entry, const aotc_load_options *o,
                        const char **target, DLDevice *device, aotc_error *e)
{
    aotc_package *p = NULL;
    aotc_model   *m = NULL;
    static char   name[64];
    *e = (aotc_error){.struct_size = sizeof *e};
    assert_int_equal(aotc_package_open(path, NULL, &p, e), AOTC_OK);
    aotc_status s = aotc_model_load_for(p, entry, o, &m, e);
    aotc_package_close(p);
    if (!s) {
        snprintf(name, sizeof name, "%s", aotc_model_target(m));
        *target = name;
        *device = aotc_model_device(m);
    }
    aotc_model_release(m);
    return s;
}

#define EXPECT(path, entry, options, want_target, want_type, want_id)                              \
    do {                                                                                           \
        kit_expect(load(path, entry, options, &target, &device, &e), &e, AOTC_OK, "");             \
        assert_string_equal(target, want_target);                                                  \
        assert_int_equal(device.device_type, want_type);                                           \
        assert_int_equal(device.device_id, want_id);                                               \
    } while (0)
#define REFUSED(path, entry, options, status, text)                                                \
    kit_expect(load(path, entry, options, &target, &device, &e), &e, status, text)

static void test_best(void **state)
{
    (void)state;
    aotc_error  e;
    const char *target;
    DLDevice    device;
    FakeState  *s = cuda_fake->state;
    const char *both = kit_cuda_pack("both.pt2pkg", true);
    const char *only = kit_cuda_pack("only.pt2pkg", false);
    EXPECT(both, "affine", NULL, "cuda", kDLCUDA, 0);
    s->devices[0].sm = 75; /* no code for it */
    EXPECT(both, "affine", NULL, "native", kDLCPU, 0);
    REFUSED(only, "affine", NULL, AOTC_E_TARGET,
            "the package has CUDA code for sm_80, sm_90a, compute_90; devices that could run it: "
            "0: Fake H100 (sm_75)");
    s->n_devices = 2; /* an A100 as the second */
    EXPECT(both, "affine", NULL, "cuda", kDLCUDA, 1);
    EXPECT(only, "affine", NULL, "cuda", kDLCUDA, 1);
    s->n_devices = 0;
    EXPECT(both, "affine", NULL, "native", kDLCPU, 0);
    REFUSED(only, "affine", NULL, AOTC_E_TARGET, "devices that could run it: none");
    kit_cuda_clean();
}

static void test_asked(void **state)
{
    (void)state;
    aotc_error        e;
    const char       *target, *both = kit_path("both.pt2pkg"), *only = kit_path("only.pt2pkg");
    DLDevice          device;
    aotc_load_options cpu = {.struct_size = sizeof cpu, .device_type = kDLCPU};
    aotc_load_options cuda = {.struct_size = sizeof cuda, .device_type = kDLCUDA};
    aotc_load_options any = {.struct_size = sizeof any, .device_type = kDLCUDA, .device_id = -1};
    aotc_load_options named = {.struct_size = sizeof named, .target = "native"};
    EXPECT(both, "small", &cpu, "native", kDLCPU, 0);
    EXPECT(both, "affine", &named, "native", kDLCPU, 0);
    EXPECT(both, "affine", &cuda, "cuda", kDLCUDA, 0);
    named.target = "cuda";
    EXPECT(both, "affine", &named, "cuda", kDLCUDA, 0);
    REFUSED(only, "affine", &cpu, AOTC_E_TARGET,
            "the package has no code for the CPU; its targets are: cuda");
    named.target = "x86-64-v9";
    REFUSED(both, "affine", &named, AOTC_E_TARGET,
            "the package has no code for target x86-64-v9; its targets are: cuda, native");
    cuda.device_id = 1;
    REFUSED(both, "affine", &cuda, AOTC_E_TARGET, "there is no CUDA device 1: this machine has 1");
    cuda_fake->state->n_devices = 2;
    EXPECT(both, "affine", &cuda, "cuda", kDLCUDA, 1);
    cuda_fake->state->devices[1].sm = 75;
    REFUSED(both, "affine", &cuda, AOTC_E_TARGET, "1: Fake A100 (sm_75)");
    cuda_fake->state->devices[1].sm = 89;
    cuda_fake->state->devices[0].sm = 75;
    EXPECT(both, "affine", &any, "cuda", kDLCUDA, 1);
    any.device_type = 8;
    REFUSED(both, "affine", &any, AOTC_E_ARGUMENT, "device type 8");
    any.struct_size = 4;
    REFUSED(both, "affine", &any, AOTC_E_ARGUMENT, "struct_size");
    kit_cuda_clean();
}

/* The driver is looked for once a process: these cases come before it was found. */
static void test_no_driver(void **state)
{
    (void)state;
    aotc_error  e;
    const char *target, *driver = cuda_driver_path;
    const char *both = kit_cuda_pack("both.pt2pkg", true);
    const char *only = kit_cuda_pack("only.pt2pkg", false);
    DLDevice    device;
    cuda_driver_path = "libno-such-driver.so.1";
    EXPECT(both, "affine", NULL, "native", kDLCPU, 0);
    REFUSED(only, "affine", NULL, AOTC_E_TARGET, "no CUDA driver: libno-such-driver.so.1");
    cuda_driver_path = driver;
    cuda_fake->state->version = 11080;
    EXPECT(both, "affine", NULL, "native", kDLCPU, 0);
    REFUSED(only, "affine", NULL, AOTC_E_TARGET,
            "the CUDA driver is too old: it is for CUDA 11.8, models need 12.0");
    cuda_fake->state->version = 13000;
    cuda_fake->state->init = 100;
    REFUSED(only, "affine", NULL, AOTC_E_TARGET,
            "cuInit failed: CUDA_ERROR_NO_DEVICE (no CUDA-capable device is detected)");
    /* names of entry points need no device */
    aotc_package *p = NULL;
    assert_int_equal(aotc_package_open(only, NULL, &p, &e), AOTC_OK);
    assert_int_equal(aotc_package_n_entries(p), 11);
    assert_string_equal(aotc_package_entry_name(p, 1), "chain");
    aotc_package_close(p);
    kit_cuda_clean();
}

/* ---- images ---------------------------------------------------------------------------------- */

static void test_images(void **state)
{
    (void)state;
    static const aotc_model_image images[] = {{.sm = 80},
                                              {.sm = 86},
                                              {.sm = 90, .flags = AOTC_IMAGE_PTX},
                                              {.sm = 90, .flags = AOTC_IMAGE_EXACT},
                                              {.sm = 90},
                                              {.sm = 75, .flags = AOTC_IMAGE_PTX}};
    static const struct {
        int      device, sm;
        uint32_t flags;
    } cases[] = {{80, 80, 0},
                 {87, 86, 0},
                 {89, 86, 0},
                 {90, 90, AOTC_IMAGE_EXACT},
                 {100, 90, AOTC_IMAGE_PTX},
                 {75, 75, AOTC_IMAGE_PTX},
                 {70, 0, 0}};
    aotc_model_table t = {.struct_size = sizeof t, .n_images = 6, .images = images};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int      sm = 0;
        uint32_t flags = 0;
        assert_int_equal(cuda_choose_image(&t, cases[i].device, &sm, &flags), cases[i].sm != 0);
        assert_int_equal(sm, cases[i].sm);
        assert_int_equal(flags, cases[i].flags);
    }
}

static void spoil_features(KitSpec *k)
{
    k->members[1].features = AOTC_NEEDS_CUDA; /* code for the CPU */
    k->spec.weights_bytes = 320;
}

static void test_mislabelled(void **state)
{
    (void)state;
    aotc_error  e;
    const char *target;
    DLDevice    device;
    kit_model = cpu_model;
    REFUSED(kit_pack("mislabelled.pt2pkg", cpu_model, spoil_features), "affine", NULL,
            AOTC_E_FORMAT, "is for another kind of device than the package's index says");
    kit_cuda_clean();
}

/* ---- tables ---------------------------------------------------------------------------------- */

/* A copy that a case may spoil: the first entry point, its input and functions, the images. */
typedef struct Spoiled {
    aotc_model_table    table;
    aotc_model_entry    entry;
    aotc_model_tensor   input;
    aotc_model_function functions[6];
    aotc_model_image    images[3];
} Spoiled;

static void copy_table(Spoiled *s)
{
    static const aotc_model_table *original;
    if (!original) {
        void               *handle = dlopen(cuda_model, RTLD_NOW | RTLD_LOCAL);
        aotc_model_query_fn query = NULL;
        assert_non_null(handle);
        *(void **)&query = dlsym(handle, "aotc_model_query");
        assert_null(query(1)); /* an older loader does not know it */
        original = query(AOTC_MODEL_ABI);
    }
    s->table = *original;
    s->entry = original->entries[0];
    s->input = s->entry.inputs[0];
    memcpy(s->functions, s->entry.functions, sizeof s->functions);
    memcpy(s->images, original->images, sizeof s->images);
    s->table.n_entries = 1;
    s->table.entries = &s->entry;
    s->table.images = s->images;
    s->entry.inputs = &s->input;
    s->entry.functions = s->functions;
}

static void test_tables(void **state)
{
    (void)state;
    Spoiled    s;
    aotc_error e = {.struct_size = sizeof e};
    copy_table(&s);
    kit_expect(check_table(&s.table, 320, &e), &e, AOTC_OK, "");
#define SPOILED(change, status, text)                                                              \
    do {                                                                                           \
        copy_table(&s);                                                                            \
        change;                                                                                    \
        e = (aotc_error){.struct_size = sizeof e};                                                 \
        kit_expect(check_table(&s.table, 320, &e), &e, status, text);                              \
    } while (0)
    SPOILED(s.table.device = 10, AOTC_E_UNSUPPORTED, "device type 10");
    SPOILED(s.table.n_images = -1, AOTC_E_FORMAT, "its device code");
    SPOILED(s.table.images = NULL, AOTC_E_FORMAT, "its device code");
    SPOILED(s.images[1].sm = 0, AOTC_E_FORMAT, "its device code");
    SPOILED(s.images[1].part = -1, AOTC_E_FORMAT, "its device code");
    SPOILED(s.images[1].part = 1 << 20, AOTC_E_FORMAT, "its device code");
    SPOILED(s.images[2].end = s.images[2].data, AOTC_E_FORMAT, "its device code");
    SPOILED(s.entry.n_functions = -1, AOTC_E_FORMAT, "counts of affine");
    SPOILED(s.entry.functions = NULL, AOTC_E_FORMAT, "counts of affine");
    SPOILED(s.functions[0].name = NULL, AOTC_E_FORMAT, "kernel function");
    SPOILED(s.functions[0].part = -1, AOTC_E_FORMAT, "kernel function affine");
    SPOILED(s.functions[0].max_shared_bytes = -1, AOTC_E_FORMAT, "kernel function affine");
    SPOILED(s.entry.struct_size = offsetof(aotc_model_entry, n_functions), AOTC_E_FORMAT,
            "a layout without device code has affine");
    SPOILED(s.entry.struct_size -= 8, AOTC_OK, ""); /* as ABI 3 has it */
    SPOILED(s.entry.struct_size -= 4, AOTC_E_VERSION, "another layout");
    SPOILED((s.table.abi = 4, s.entry.struct_size -= 8), AOTC_E_FORMAT, "memory on the CPU of");
    SPOILED((s.table.abi = 4, s.entry.host_arena_expr = 1 << 20), AOTC_E_FORMAT,
            "memory on the CPU of affine");
    SPOILED(s.input.device = 8, AOTC_E_UNSUPPORTED, "x is on device type 8");
    SPOILED(s.table.struct_size -= 8, AOTC_E_VERSION, "ABI 3");
#undef SPOILED
}

/* A kernel that the code of the device does not have, and one that wants too much. */
static void lack_kernel(KitSpec *k)
{
    char *name = memmem(k->members[1].data, k->members[1].size_bytes, "use_shared", 11);
    assert_non_null(name);
    *name = 'U';
    k->members[1].target = "cuda";
    k->members[1].features = AOTC_NEEDS_CUDA;
    k->spec.weights_bytes = 320;
}

static void test_lacking(void **state)
{
    (void)state;
    aotc_error  e;
    const char *target;
    DLDevice    device;
    REFUSED(kit_pack("lacking.pt2pkg", cuda_model, lack_kernel), "affine", NULL, AOTC_E_FORMAT,
            "the model's code for sm_90 has no kernel Use_shared");
    kit_cuda_clean();
}

int run_choice_cases(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_driver),   cmocka_unit_test(test_best),
        cmocka_unit_test(test_asked),       cmocka_unit_test(test_images),
        cmocka_unit_test(test_mislabelled), cmocka_unit_test(test_tables),
        cmocka_unit_test(test_lacking),
    };
    return cmocka_run_group_tests_name("choice", tests, NULL, NULL);
}
