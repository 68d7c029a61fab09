/* Custom operators, from an export or IR text to a run: --op-source, --op-library, --op-schema.
 *
 * The operators are in tests/custom/ops.c; make_custom.py beside it wrote the exports and what
 * eager PyTorch makes of them.  Run from the repository root. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "abi/aotc.h"
#include "aotc/compile.h"
#include "aotc/safetensors.h"

#include <dlfcn.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define OPS AOTC_SOURCE_DIR "/tests/custom/ops.c"

static Arena *arena;
static char   folder[] = "/tmp/aotc-custom-XXXXXX";

static int setup(void **state)
{
    (void)state;
    arena = arena_create(NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_destroy(arena);
    return 0;
}

static const char *path_of(const char *name)
{
    return arena_printf(arena, "%s/%s", folder, name);
}

static const char *write_file(const char *name, const char *text)
{
    const char *path = path_of(name);
    FILE       *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fclose(f), 0);
    return path;
}

static void run_command(const char *command)
{
    if (system(command))
        fail_msg("%s", command);
}

static bool has_command(const char *name)
{
    return !system(arena_printf(arena, "command -v %s > /dev/null 2>&1", name));
}

/* ---- compiling and running ------------------------------------------------------------------- */

typedef struct Options {
    const char *source, *library, *schema, *target, *keep;
} Options;

/* The C++ run time that nvcc links into code with operators of the user keeps a pool of memory
 * (72704 bytes) that it does not give back when the code is unloaded: not looked for as a leak of
 * ours.  There with the address sanitizer only. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

static Error *build(const char *input, Options from, const char *output)
{
    CompileOptions *o = ARENA_NEW(arena, CompileOptions);
    *o = (CompileOptions){.input = input, .output = output, .tool = {.jobs = 2, .keep = from.keep}};
    TRY(targets_parse(arena, from.target ? from.target : "native", &o->targets));
    if (from.source)
        op_files_add(arena, &o->ops, OP_FILE_SOURCE, from.source);
    if (from.library)
        op_files_add(arena, &o->ops, OP_FILE_LIBRARY, from.library);
    if (from.schema)
        op_files_add(arena, &o->ops, OP_FILE_SCHEMA, from.schema);
    bool has_runtime = from.target && strstr(from.target, "cuda") && __lsan_disable;
    if (has_runtime)
        __lsan_disable();
    Error *error = compile(arena, o);
    if (has_runtime)
        __lsan_enable();
    return error;
}

static const char *built(const char *input, Options from)
{
    const char *output = path_of("model.pt2pkg");
    Error      *error = build(input, from, output);
    if (error)
        fail_msg("%s", error_text(arena, error));
    return output;
}

static void refused(const char *input, Options from, ErrorCode code, const char *words)
{
    Error *error = build(input, from, path_of("model.pt2pkg"));
    if (!error)
        fail_msg("compiled, and should say \"%s\"", words);
    const char *shown = error_text(arena, error);
    if (error->code != code || !strstr(shown, words))
        fail_msg("expected %s with \"%s\", got %s:\n%s", error_code_name(code), words,
                 error_code_name(error->code), shown);
}

typedef struct Loaded {
    aotc_package *package;
    aotc_model   *model;
    aotc_context *context;
} Loaded;

static Loaded load(const char *package, int n_threads)
{
    Loaded               l = {0};
    aotc_error           e = {.struct_size = sizeof e};
    aotc_context_options o = {.struct_size = sizeof o, .n_threads = n_threads};
    if (aotc_package_open(package, NULL, &l.package, &e) ||
        aotc_model_load(l.package, NULL, &l.model, &e) ||
        aotc_context_create(l.model, &o, &l.context, &e))
        fail_msg("%s", e.text);
    return l;
}

static void unload(Loaded *l)
{
    aotc_context_destroy(l->context);
    aotc_model_release(l->model);
    aotc_package_close(l->package);
}

/* ---- the exports ----------------------------------------------------------------------------- */

static const DLTensor *find(const TensorFile *file, int rows, const char *name)
{
    const DLTensor *t = tensor_file_find(file, arena_printf(arena, "n%d.%s", rows, name));
    assert_non_null(t);
    return t;
}

static void expect_same(const DLTensor *got, const DLTensor *want, const char *what)
{
    const float *a = got->data, *b = want->data;
    assert_int_equal(tensor_file_numel(got), tensor_file_numel(want));
    for (int64_t i = 0; i < tensor_file_numel(want); i++)
        if (!(fabsf(a[i] - b[i]) <= 2e-5f + 1e-5f * fabsf(b[i])))
            fail_msg("%s[%d] is %g, eager gives %g", what, (int)i, (double)a[i], (double)b[i]);
}

static void run_rows(const Loaded *l, const TensorFile *file, int rows)
{
    DLTensor   in[3], out[6] = {{0}};
    aotc_error e = {.struct_size = sizeof e};
    for (int i = 0; i < 3; i++)
        in[i] = *find(file, rows, arena_printf(arena, "input%d", i));
    if (aotc_run(l->context, in, 3, out, 6, NULL, &e))
        fail_msg("%s", e.text);
    for (int i = 0; i < 6; i++)
        expect_same(&out[i], find(file, rows, arena_printf(arena, "output%d", i)),
                    arena_printf(arena, "output%d of %d rows", i, rows));
    expect_same(&in[2], find(file, rows, "state"), "the written input");
}

static void check_export(const char *name)
{
    char       message[200];
    TensorFile file;
    if (!tensor_file_read(AOTC_SOURCE_DIR "/tests/custom/custom.safetensors", &file, message,
                          sizeof message))
        fail_msg("%s", message);
    const char *input = arena_printf(arena, AOTC_SOURCE_DIR "/tests/custom/%s", name);
    const char *package = built(input, (Options){.source = OPS});
    for (int n_threads = 1; n_threads < 4; n_threads += 2) {
        static const int rows[] = {2, 5, 33};
        tensor_file_free(&file);
        assert_true(tensor_file_read(AOTC_SOURCE_DIR "/tests/custom/custom.safetensors", &file,
                                     message, sizeof message));
        Loaded l = load(package, n_threads);
        for (int i = 0; i < 3; i++)
            run_rows(&l, &file, rows[i]);
        unload(&l);
    }
    tensor_file_free(&file);
}

/* Out of place, writing (a temporary, a view, a buffer, an input), two results, lists, every kind
 * of argument, between fused loops; three sizes. */
static void test_export(void **state)
{
    (void)state;
    check_export("custom.pt2");
}

static void test_decomposed_export(void **state)
{
    (void)state;
    check_export("custom_aten.pt2");
}

static const char same_graph[] = "schema \"mylib::same(Tensor x, int dtype) -> Tensor\"\n"
                                 "graph @m(%%x: %s[2,3]) {\n"
                                 "  %%t = aten.t.default(%%x) : %s[3,2]{1,3}\n"
                                 "  %%y = mylib.same.default(%%t, %d) : %s[3,2]\n"
                                 "  return %%y\n}\n";

/* Bytes of every dtype, of a tensor that is made row-major before. */
static void test_dtypes(void **state)
{
    (void)state;
    for (DType d = DT_BOOL; d <= DT_F64; d++) {
        const char *name = dtype_name(d);
        const char *input =
            write_file("same.ir", arena_printf(arena, same_graph, name, name, d, name));
        unsigned char bytes[6 * 8], got[6 * 8] = {0};
        int           size = dtype_size(d);
        int64_t       in_shape[] = {2, 3}, out_shape[] = {3, 2};
        DLDataType    type = {dtype_info(d)->dlpack_code, dtype_info(d)->dlpack_bits, 1};
        for (int i = 0; i < 6 * size; i++)
            bytes[i] = d == DT_BOOL ? i % 2 : (unsigned char)(7 * i + 1);
        DLTensor in = {
            .data = bytes, .device = {kDLCPU, 0}, .ndim = 2, .dtype = type, .shape = in_shape};
        DLTensor out = {
            .data = got, .device = {kDLCPU, 0}, .ndim = 2, .dtype = type, .shape = out_shape};
        aotc_error e = {.struct_size = sizeof e};
        Loaded     l = load(built(input, (Options){.source = OPS}), 1);
        if (aotc_run(l.context, &in, 1, &out, 1, NULL, &e))
            fail_msg("%s: %s", name, e.text);
        for (int i = 0; i < 3; i++)
            for (int j = 0; j < 2; j++)
                assert_memory_equal(got + (2 * i + j) * size, bytes + (3 * j + i) * size,
                                    (size_t)size);
        unload(&l);
    }
}

/* ---- failing runs ---------------------------------------------------------------------------- */

static const char effect_graph[] = "schema \"mylib::check_positive(Tensor x) -> ()\"\nschema "
                                   "\"mylib::silent(Tensor x) -> Tensor\"\n"
                                   "graph @m(%%x: f32[s0]) where 1 <= s0 <= 100 {\n"
                                   "  mylib.check_positive.default(%%x)  # model.py:3  check(x)\n"
                                   "  %%y = %s(%%x) : f32[s0]\n  return %%y\n}\n";

static aotc_status run_one(const Loaded *l, float value, aotc_error *e)
{
    float    x[] = {1, value}, y[2];
    int64_t  shape[] = {2};
    DLTensor in = {
        .data = x, .device = {kDLCPU, 0}, .ndim = 1, .dtype = {kDLFloat, 32, 1}, .shape = shape};
    DLTensor out = in;
    out.data = y;
    *e = (aotc_error){.struct_size = sizeof *e};
    return aotc_run(l->context, &in, 1, &out, 1, NULL, e);
}

static void test_failures(void **state)
{
    (void)state;
    aotc_error  e;
    const char *input =
        write_file("effect.ir", arena_printf(arena, effect_graph, "aten.relu.default"));
    Loaded l = load(built(input, (Options){.source = OPS}), 2);
    for (int run = 0; run < 2; run++) {
        assert_int_equal(run_one(&l, 1, &e), AOTC_OK);
        assert_int_equal(run_one(&l, -1, &e), AOTC_E_ASSERT);
        assert_non_null(strstr(e.text, "element 1 is not positive"));
        assert_string_equal(e.op, "mylib.check_positive.default");
    }
    unload(&l);
    float    x[13 * 4] = {0}, y[13 * 4] = {0};
    int64_t  rows[] = {13, 4}, columns[] = {4, 13};
    DLTensor in[3], out[6] = {{0}};
    for (int i = 0; i < 3; i++)
        in[i] = (DLTensor){.data = i == 2 ? y : x,
                           .device = {kDLCPU, 0},
                           .ndim = 2,
                           .dtype = {kDLFloat, 32, 1},
                           .shape = i == 1 ? columns : rows};
    l = load(built(AOTC_SOURCE_DIR "/tests/custom/custom.pt2", (Options){.source = OPS}), 2);
    assert_int_equal(aotc_run(l.context, in, 3, out, 6, NULL, &e), AOTC_E_ASSERT);
    assert_non_null(strstr(e.text, "mylib.two.default does not like 13 rows"));
    assert_string_equal(e.node, "two");
    assert_non_null(strstr(e.python, "make_custom.py:93  p, q = two("));
    unload(&l);
    input = write_file("silent.ir", arena_printf(arena, effect_graph, "mylib.silent.default"));
    l = load(built(input, (Options){.source = OPS}), 1);
    assert_int_equal(run_one(&l, 1, &e), AOTC_E_ASSERT);
    assert_non_null(strstr(e.text, "does not say why"));
    assert_int_equal(run_one(&l, -1, &e), AOTC_E_ASSERT); /* the first failure counts */
    assert_non_null(strstr(e.text, "is not positive"));
    unload(&l);
}

/* ---- libraries ------------------------------------------------------------------------------- */

static void test_libraries(void **state)
{
    (void)state;
    const char *input =
        write_file("effect.ir", arena_printf(arena, effect_graph, "aten.relu.default"));
    aotc_error  e;
    const char *object = path_of("ops.o"), *include = AOTC_SOURCE_DIR "/abi";
    run_command(arena_printf(arena, "cc -fPIC -I%s -c %s -o %s", include, OPS, object));
    run_command(arena_printf(arena, "ar rcs %s %s", path_of("libops.a"), object));
    run_command(arena_printf(arena, "cc -shared -Wl,-soname,libaotc_test_ops.so %s -o %s", object,
                             path_of("libaotc_test_ops.so")));
    Loaded l = load(built(input, (Options){.library = path_of("libops.a"), .schema = OPS}), 1);
    assert_int_equal(run_one(&l, -1, &e), AOTC_E_ASSERT);
    unload(&l);
    /* a shared one is found where the package runs */
    const char *package =
        built(input, (Options){.library = path_of("libaotc_test_ops.so"), .schema = OPS});
    aotc_package *p;
    aotc_model   *m;
    assert_int_equal(aotc_package_open(package, NULL, &p, &e), AOTC_OK);
    assert_int_not_equal(aotc_model_load(p, NULL, &m, &e), AOTC_OK);
    assert_non_null(strstr(e.text, "libaotc_test_ops.so"));
    void *handle = dlopen(path_of("libaotc_test_ops.so"), RTLD_NOW | RTLD_LOCAL);
    assert_int_equal(aotc_model_load(p, NULL, &m, &e), AOTC_OK);
    aotc_model_release(m);
    dlclose(handle);
    aotc_package_close(p);
    refused(input, (Options){.library = OPS, .schema = OPS}, E_USAGE,
            "static (.a) or shared (.so)");
    refused(input, (Options){.library = path_of("none.a"), .schema = OPS}, E_IO,
            "cannot open the library");
}

/* ---- errors ---------------------------------------------------------------------------------- */

#define TWO "aotc-op: mylib::two(Tensor x, SymInt n, Tensor? weight=None) -> (Tensor, Tensor)\n"

static void test_refusals(void **state)
{
    (void)state;
    const char *export = AOTC_SOURCE_DIR "/tests/custom/custom.pt2";
    const char *input =
        write_file("effect.ir", arena_printf(arena, effect_graph, "aten.relu.default"));
    refused(export, (Options){0}, E_UNSUPPORTED, "6 operators are not supported");
    refused(export, (Options){0}, E_UNSUPPORTED,
            "mylib.add_to.default           4  %add_to  make_custom.py:90  add_to(b, x)");
    refused(AOTC_SOURCE_DIR "/tests/custom/custom_aten.pt2", (Options){0}, E_UNSUPPORTED,
            "mylib.add_to.default           4");
    refused(input, (Options){0}, E_UNSUPPORTED, "mylib.check_positive.default has no code");
    refused(input, (Options){.source = write_file("none.c", "int x;\n")}, E_USAGE,
            "declares an operator");
    refused(input, (Options){.source = write_file("none.f90", "")}, E_USAGE,
            "takes C (.c) or CUDA");
    refused(input, (Options){.source = path_of("no/such.c")}, E_IO, "cannot open");
    refused(input,
            (Options){.source = write_file("bad.c", "\n// aotc-op: mylib::f(Tensr x) -> Tensor\n")},
            E_UNSUPPORTED, "parameter x is of an unknown type");
    refused(input,
            (Options){.source = write_file("num.c", "// aotc-op: mylib::f(Tensor x) -> SymInt\n")},
            E_UNSUPPORTED, "result 0 is no tensor; custom operators give tensors");
    refused(
        write_file("sized.ir", "schema \"mylib::pick(Tensor x) -> Tensor\"\n"
                               "graph @sized(%x: f32[4]) where 0 <= u0 {\n"
                               "  %y = mylib.pick.default(%x) : f32[u0]\n"
                               "  return %y\n"
                               "}\n"),
        (Options){.source = write_file("pick.c", "// aotc-op: mylib::pick(Tensor x) -> Tensor\n")},
        E_UNSUPPORTED, "result 0 has a size that only the operator knows (u0)");
    refused(
        write_file("complex.ir", "schema \"mylib::turn(Tensor x) -> Tensor\"\n"
                                 "graph @turned(%x: c64[4]) {\n"
                                 "  %y = mylib.turn.default(%x) : c64[4]\n"
                                 "  return %y\n"
                                 "}\n"),
        (Options){.source = write_file("turn.c", "// aotc-op: mylib::turn(Tensor x) -> Tensor\n")},
        E_UNSUPPORTED, "mylib.turn.default of complex numbers is not supported");
    refused(input, (Options){.source = write_file("empty.c", "/* aotc-op: */\n")}, E_FORMAT,
            "no schema behind");
    refused(
        input,
        (Options){.source = write_file("own.c", "// aotc-op: aten::relu(Tensor self) -> Tensor\n")},
        E_USAGE, "is an operator of aotc itself");
    refused(input,
            (Options){.source = write_file("other.c",
                                           "// aotc-op: mylib::check_positive(Tensor y) -> ()\n")},
            E_FORMAT, "two schemas for one operator");
    refused(input,
            (Options){.source = write_file("missing.c",
                                           "// aotc-op: mylib::check_positive(Tensor x) -> ()\n")},
            E_TOOLCHAIN,
            "no file defines the function mylib_check_positive of the custom operator");
    refused(input,
            (Options){.source = write_file("wrong.c",
                                           "// aotc-op: mylib::check_positive(Tensor x) -> ()\n"
                                           "int32_t mylib_check_positive(int x) { return x; }\n")},
            E_TOOLCHAIN, "conflicting types for");
}

/* Schemas that are not the export's. */
static void test_schemas(void **state)
{
    (void)state;
    const char *export = AOTC_SOURCE_DIR "/tests/custom/custom.pt2";
    refused(
        export,
        (Options){.schema = write_file(
                      "a.txt", "aotc-op: mylib::two(Tensor x, SymInt n) -> (Tensor, Tensor)\n")},
        E_VALUE, "mylib.two.default has no parameter \"weight\"");
    refused(export,
            (Options){.schema = write_file("b.txt", "aotc-op: mylib::two(Tensor x, SymInt n, "
                                                    "Tensor weight, int k) -> (Tensor, Tensor)\n")},
            E_VALUE, "needs argument \"k\"");
    refused(
        export,
        (Options){.schema = write_file(
                      "c.txt",
                      "aotc-op: mylib::two(Tensor x, SymInt n, Tensor? weight=None) -> Tensor\n")},
        E_INTERNAL, "2 results, the operator returns 1");
    refused(export, (Options){.schema = write_file("d.txt", TWO)}, E_UNSUPPORTED,
            "5 operators are not supported");
}

/* ---- what is missing ------------------------------------------------------------------------- */

/* What is printed compiles as it is, for both dialects, and fails when it runs. */
static void check_stubs(const char *export, const char *target, const char *file)
{
    CompileOptions o = {.input = export, .output = path_of("none.pt2pkg"), .tool = {.jobs = 2}};
    Text           stubs = text_new(arena);
    o.stubs = &stubs;
    o.target = target;
    assert_null(targets_parse(arena, target ? target : "native", &o.targets));
    Error *error = compile(arena, &o);
    assert_non_null(error);
    assert_non_null(strstr(error_text(arena, error), "6 operators are not supported"));
    assert_non_null(strstr(
        stubs.data, "* mylib.add_to.default, 4 times, first in make_custom.py:90  add_to(b, x)"));
    assert_non_null(strstr(stubs.data, "print(torch.ops.mylib.kinds.default._schema)"));
    built(export, (Options){.source = write_file(file, stubs.data), .target = target});
}

static void test_stubs(void **state)
{
    (void)state;
    const char *export = AOTC_SOURCE_DIR "/tests/custom/custom.pt2";
    float      x[8] = {0}, y[8], z[8] = {0};
    int64_t    rows[] = {2, 4}, columns[] = {4, 2};
    DLTensor   in[3], out[6] = {{0}};
    aotc_error e = {.struct_size = sizeof e};
    float     *data[] = {x, y, z};
    for (int i = 0; i < 3; i++)
        in[i] = (DLTensor){.data = data[i],
                           .device = {kDLCPU, 0},
                           .ndim = 2,
                           .dtype = {kDLFloat, 32, 1},
                           .shape = i == 1 ? columns : rows};
    memset(y, 0, sizeof y);
    check_stubs(AOTC_SOURCE_DIR "/tests/custom/custom_aten.pt2", NULL, "stubs.c");
    check_stubs(export, NULL, "stubs.c");
    Loaded l = load(path_of("model.pt2pkg"), 1);
    assert_int_equal(aotc_run(l.context, in, 3, out, 6, NULL, &e), AOTC_E_ASSERT);
    assert_non_null(strstr(e.text, "mylib.scaled_add.default is not written yet"));
    unload(&l);
    if (has_command("nvcc"))
        check_stubs(export, "cuda:sm_90", "stubs.cu");
}

/* ---- CUDA ------------------------------------------------------------------------------------ */

static void test_cuda(void **state)
{
    (void)state;
    if (!has_command("nvcc"))
        skip();
    const char *source = AOTC_SOURCE_DIR "/tests/custom/ops.cu";
    const char *export = AOTC_SOURCE_DIR "/tests/custom/custom.pt2";
    Options o = {.source = source, .target = "cuda:sm_90"};
    o.keep = path_of("cuda");
    assert_non_null(built(export, o));
    /* no library but libc (and the loader's part of it, for thread-local memory) */
    if (has_command("readelf"))
        run_command(arena_printf(arena,
                                 "! readelf -d %s/model.so | grep NEEDED | grep -v -e libc.so -e "
                                 "libm.so -e ld-linux",
                                 o.keep));
    refused(export, (Options){.source = OPS, .target = "cuda:sm_90"}, E_TOOLCHAIN,
            "its name ends in _cuda");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_export, setup, teardown),
        cmocka_unit_test_setup_teardown(test_decomposed_export, setup, teardown),
        cmocka_unit_test_setup_teardown(test_dtypes, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failures, setup, teardown),
        cmocka_unit_test_setup_teardown(test_libraries, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
        cmocka_unit_test_setup_teardown(test_schemas, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stubs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cuda, setup, teardown),
    };
    if (!mkdtemp(folder))
        return 1;
    int  failures = cmocka_run_group_tests_name("custom", tests, NULL, NULL);
    char command[100];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command) || failures;
}
