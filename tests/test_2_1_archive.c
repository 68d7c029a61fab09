/* Reading exports from disk: zip (stored and deflated), unpacked folder, bare JSON with weights
 * beside it or given as safetensors; bounds of constants; and hostile archives: cut at many
 * lengths, bytes flipped, members missing.
 *
 * Run from the repository root, or with AOTC_FIXTURES set. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ir/import.h"
#include "package/archive_read.h"
#include "package/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zip.h>

static Arena   *arena;
static Archive *archive;
static char     folder[64];

static int setup(void **state)
{
    (void)state;
    arena = arena_create(NULL);
    archive = NULL;
    strcpy(folder, "/tmp/aotc_archive_XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    archive_close(archive);
    arena_destroy(arena);
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command);
}

static void check_error(Error *error)
{
    if (error)
        fail_msg("%s", error_text(arena, error));
}

static const char *fixture(const char *name)
{
    const char *at = getenv("AOTC_FIXTURES");
    return arena_printf(arena, "%s/%s.pt2", at ? at : "tests/fixtures", name);
}

static const char *in_folder(const char *name)
{
    return arena_printf(arena, "%s/%s", folder, name);
}

static char *read_all(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    *n = (size_t)ftell(f);
    rewind(f);
    char *data = arena_alloc(arena, *n + 1);
    assert_int_equal(fread(data, 1, *n, f), *n);
    fclose(f);
    return data;
}

static void write_all(const char *path, const void *data, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* How a copy of an archive differs from the original. */
typedef struct Edit {
    const char *drop;    /* member to leave out */
    const char *replace; /* member to give other content */
    const char *with;
    const char *add; /* "name=content" */
    bool        deflate;
    bool        unpack; /* into a folder, without the root */
} Edit;

static void unpack_member(const char *to, const char *name, const char *data, size_t n)
{
    char *path = arena_printf(arena, "%s/%s", to, name);
    for (char *slash = path + strlen(to) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(path, 0777);
        *slash = '/';
    }
    write_all(path, data, n);
}

static void put_member(zip_t *out, const char *to, const Edit *edit, const char *name,
                       const char *data, size_t n)
{
    if (edit->unpack) {
        unpack_member(to, name, data, n);
        return;
    }
    zip_source_t *source = zip_source_buffer(out, data, n, 0);
    zip_int64_t   i =
        zip_file_add(out, arena_printf(arena, "root/%s", name), source, ZIP_FL_ENC_UTF_8);
    assert_true(i >= 0);
    zip_set_file_compression(out, (zip_uint64_t)i, edit->deflate ? ZIP_CM_DEFLATE : ZIP_CM_STORE,
                             0);
}

static const char *edited(const char *name, Edit edit)
{
    int         code;
    const char *to = in_folder(edit.unpack ? "unpacked" : "edited.pt2");
    zip_t      *in = zip_open(fixture(name), ZIP_RDONLY, &code), *out = NULL;
    assert_non_null(in);
    unlink(to);
    if (edit.unpack)
        mkdir(to, 0777);
    else
        out = zip_open(to, ZIP_CREATE | ZIP_TRUNCATE, &code);
    for (zip_uint64_t i = 0; i < (zip_uint64_t)zip_get_num_entries(in, 0); i++) {
        zip_stat_t stat;
        zip_stat_index(in, i, 0, &stat);
        const char *member = strchr(stat.name, '/') + 1;
        if (edit.drop && !strcmp(member, edit.drop))
            continue;
        char       *data = arena_alloc(arena, stat.size + 1);
        zip_file_t *file = zip_fopen_index(in, i, 0);
        assert_int_equal(zip_fread(file, data, stat.size), stat.size);
        zip_fclose(file);
        bool is_replaced = edit.replace && !strcmp(member, edit.replace);
        put_member(out, to, &edit, member, is_replaced ? edit.with : data,
                   is_replaced ? strlen(edit.with) : stat.size);
    }
    if (edit.add) {
        const char *equals = strchr(edit.add, '=');
        put_member(out, to, &edit, arena_strndup(arena, edit.add, (size_t)(equals - edit.add)),
                   equals + 1, strlen(equals + 1));
    }
    zip_close(in);
    if (out)
        assert_int_equal(zip_close(out), 0);
    return to;
}

static Error *load(const char *path, const char *weights_from, const char *model, Graph **out)
{
    ImportSource source;
    *out = NULL;
    archive_close(archive);
    archive = NULL;
    TRY(archive_open(arena, path, weights_from, &archive));
    TRY(archive_load(archive, model, &source));
    return graph_import(ir_create(arena, path), &source, out);
}

static void assert_refused(const char *path, ErrorCode code, const char *words)
{
    Graph *graph;
    Error *error = load(path, NULL, NULL, &graph);
    assert_non_null(error);
    const char *shown = error_text(arena, error);
    if (error->code != code || !strstr(shown, words))
        fail_msg("expected %s with \"%s\", got %s:\n%s", error_code_name(code), words,
                 error_code_name(error->code), shown);
}

/* The float at `index` of a constant's storage. */
static float element(const Graph *graph, const char *fqn, size_t index)
{
    for (int i = 0; i < graph->constants.n; i++) {
        const Constant *c = graph->constants.items[i];
        if (strcmp(c->fqn, fqn))
            continue;
        const Storage *storage = graph->storages.items[c->storage];
        float          value;
        assert_true((index + 1) * sizeof value <= storage->size_bytes);
        memcpy(&value, (const char *)storage->data + index * sizeof value, sizeof value);
        return value;
    }
    fail_msg("no constant %s", fqn);
    return 0;
}

/* ---- what is read ---------------------------------------------------------------------------- */

static void stored_members_are_not_copied(void **state)
{
    (void)state;
    Graph *graph;
    check_error(load(fixture("pitfalls"), NULL, NULL, &graph));
    /* torch aligns records to 64 bytes in the file, and maps start on a page */
    assert_int_equal((uintptr_t)graph->storages.items[0]->data % 64, 0);
    assert_string_equal(graph->storages.items[0]->member, "data/weights/weight_0");
    assert_int_equal(archive_n_models(archive), 1);
    assert_string_equal(archive_model(archive, 0), "model");
    const void *data;
    size_t      n;
    check_error(archive_member(archive, "archive_format", &data, &n));
    assert_memory_equal(data, "pt2", 3);
    check_error(archive_member(archive, "no/such/member", &data, &n));
    assert_null(data);
}

static void deflated_and_unpacked_are_the_same(void **state)
{
    (void)state;
    Graph *stored, *other;
    check_error(load(fixture("pitfalls"), NULL, NULL, &stored));
    float expected = element(stored, "p", 23);
    check_error(load(edited("pitfalls", (Edit){.deflate = true}), NULL, NULL, &other));
    assert_true(element(other, "p", 23) == expected);
    assert_int_equal(other->storages.n, 3);
    check_error(load(edited("pitfalls", (Edit){.unpack = true}), NULL, NULL, &other));
    assert_true(element(other, "p", 23) == expected);
    /* the folder that holds the unpacked root folder */
    check_error(load(folder, NULL, NULL, &other));
    assert_true(element(other, "p", 23) == expected);
}

static void bare_json_finds_weights_beside_it(void **state)
{
    (void)state;
    Graph      *graph;
    size_t      n;
    const char *unpacked = edited("mutation_aten", (Edit){.unpack = true});
    char       *json = read_all(arena_printf(arena, "%s/models/model.json", unpacked), &n);
    write_all(arena_printf(arena, "%s/export.json", unpacked), json, n);
    check_error(load(arena_printf(arena, "%s/export.json", unpacked), NULL, NULL, &graph));
    assert_int_equal(graph->constants.n, 3);
    assert_string_equal(graph->name, "model");
    write_all(in_folder("alone.json"), json, n);
    Error *error = load(in_folder("alone.json"), NULL, NULL, &graph);
    assert_true(error && strstr(error_text(arena, error), "--weights-from"));
    check_error(load(in_folder("alone.json"), unpacked, NULL, &graph));
    assert_int_equal(graph->constants.n, 3);
}

static const char *safetensors(const char *header, size_t n_data)
{
    size_t n = strlen(header);
    char  *file = arena_alloc(arena, 8 + n + n_data);
    for (int i = 0; i < 8; i++)
        file[i] = (char)((uint64_t)n >> (8 * i));
    memcpy(file + 8, header, n);
    for (size_t i = 0; i < n_data; i++)
        file[8 + n + i] = (char)i;
    write_all(in_folder("w.safetensors"), file, 8 + n + n_data);
    return in_folder("w.safetensors");
}

#define WEIGHT "\"lin.weight\":{\"dtype\":\"F32\",\"shape\":[3,3],\"data_offsets\":[0,36]}"

static void safetensors_go_before_the_archive(void **state)
{
    (void)state;
    Graph *graph;
    float  expected;
    check_error(load(fixture("mutation_aten"), NULL, NULL, &graph));
    float bias = element(graph, "lin.bias", 2);
    safetensors("{\"__metadata__\":{\"a\":\"b\"}," WEIGHT "}", 36);
    check_error(load(fixture("mutation_aten"), in_folder("w.safetensors"), NULL, &graph));
    memcpy(&expected, "\x20\x21\x22\x23", 4);
    assert_true(element(graph, "lin.weight", 8) == expected);
    assert_true(element(graph, "lin.bias", 2) == bias);
    check_error(load(fixture("mutation_aten"), folder, NULL, &graph)); /* a folder of them */
    assert_true(element(graph, "lin.weight", 8) == expected);
    const char *const bad[] = {
        "{\"lin.weight\":{\"dtype\":\"F32\",\"shape\":[3,3],\"data_offsets\":[4,40]}}",
        "{\"lin.weight\":{\"dtype\":\"F32\",\"shape\":[3,3],\"data_offsets\":[-4,32]}}",
        "{\"lin.weight\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[0,36]}}",
        /* clang-format off */
        "{\"lin.weight\":{\"dtype\":\"F32\",\"shape\":[4611686018427387904,4],\"data_offsets\":[0,0]}}",
        /* clang-format on */
        "{\"lin.weight\":{\"dtype\":\"F4\",\"shape\":[3,3],\"data_offsets\":[0,36]}}",
        "{\"lin.weight\":{\"dtype\":\"F32\",\"shape\":3}}",
        "{\"lin.weight\":{\"dtype\":\"I32\",\"shape\":[3,3],\"data_offsets\":[0,36]}}",
        "[]",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Error *error = load(fixture("mutation_aten"), safetensors(bad[i], 36), NULL, &graph);
        if (!error)
            fail_msg("%s is taken", bad[i]);
    }
}

static void models_are_chosen_by_name(void **state)
{
    (void)state;
    Graph      *graph;
    const char *two = edited("cond", (Edit){.add = "models/decode.json={}"});
    assert_refused(two, E_USAGE, "model, decode");
    check_error(load(two, NULL, "model", &graph));
    Error *error = load(two, NULL, "prefill", &graph);
    assert_true(error && error->code == E_USAGE);
}

static void other_back_ends_are_noted(void **state)
{
    (void)state;
    Graph *graph;
    check_error(
        load(edited("cond", (Edit){.add = "data/aotinductor/model/x.so=ELF"}), NULL, NULL, &graph));
    assert_string_equal(archive_ignored(archive)[0], "data/aotinductor");
    assert_null(archive_ignored(archive)[1]);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void wrong_archives_are_named(void **state)
{
    (void)state;
    assert_refused(edited("cond", (Edit){.replace = "byteorder", .with = "big"}), E_UNSUPPORTED,
                   "byte order is \"big\"");
    assert_refused(edited("cond", (Edit){.replace = "archive_version", .with = "1"}), E_UNSUPPORTED,
                   "version is \"1\"");
    assert_refused(edited("cond", (Edit){.replace = "archive_format", .with = "pt3"}),
                   E_UNSUPPORTED, "pt3");
    assert_refused(edited("cond", (Edit){.drop = "models/model.json"}), E_FORMAT,
                   "no models/*.json");
    assert_refused(edited("cond", (Edit){.add = "data/weights/model.pt=x"}), E_UNSUPPORTED,
                   "older torch.export");
    assert_refused(edited("cond", (Edit){.add = "serialized_exported_program.json={}"}),
                   E_UNSUPPORTED, "old torch.export");
    assert_refused(edited("cond", (Edit){.add = "data.pkl=x"}), E_UNSUPPORTED, "TorchScript");
    assert_refused(in_folder("missing.pt2"), E_IO, "No such file");
    write_all(in_folder("text.pt2"), "hello", 5);
    assert_refused(in_folder("text.pt2"), E_FORMAT, "neither");
    write_all(in_folder("empty.pt2"), "", 0);
    assert_refused(in_folder("empty.pt2"), E_FORMAT, "neither");
}

static void payloads_are_checked(void **state)
{
    (void)state;
#define CONFIG "data/weights/model_weights_config.json"
#define PAYLOAD(pickle, dtype, sizes, strides, offset)                                             \
    "{\"config\":{\"p\":{\"path_name\":\"weight_0\",\"is_param\":true,\"use_pickle\":" pickle      \
    ",\"tensor_meta\":{"                                                                           \
    "\"dtype\":" dtype ",\"sizes\":[" sizes "],\"strides\":[" strides                              \
    "],\"storage_offset\":{\"as_int\":" offset "},\"layout\":7}}}}"
#define I(n) "{\"as_int\":" #n "}"
    static const struct {
        const char *config, *words;
        ErrorCode   code;
    } cases[] = {
        {PAYLOAD("false", "7", I(4) "," I(6), I(6) "," I(1), "1"), "do not lie in the 96 bytes",
         E_FORMAT},
        {PAYLOAD("false", "8", I(4) "," I(6), I(6) "," I(1), "0"), "do not lie in the 96 bytes",
         E_FORMAT},
        {PAYLOAD("false", "7", I(4) "," I(6), I(7) "," I(1), "0"), "do not lie in the 96 bytes",
         E_FORMAT},
        {PAYLOAD("false", "7", I(4) "," I(6), I(9223372036854775807) "," I(1), "0"), "do not lie",
         E_FORMAT},
        {PAYLOAD("false", "7", I(4) "," I(-6), I(6) "," I(1), "0"), "constant integers", E_FORMAT},
        {PAYLOAD("false", "7", I(4) "," I(6), I(6), "0"), "constant integers", E_FORMAT},
        {PAYLOAD("false", "99", I(4) "," I(6), I(6) "," I(1), "0"), "ScalarType", E_FORMAT},
        {PAYLOAD("false", "7", I(4) "," I(5), I(6) "," I(1), "0"), "is f32[4,6] in the graph",
         E_FORMAT},
        {PAYLOAD("true", "7", I(4) "," I(6), I(6) "," I(1), "0"), "pickled tensor subclass",
         E_UNSUPPORTED},
        {"{\"config\":{\"p\":{\"path_name\":\"weight_9\",\"tensor_meta\":{\"dtype\":7,\"sizes\":[],"
         "\"strides\":[],"
         "\"storage_offset\":{\"as_int\":0}}}}}",
         "weight_9, are missing", E_FORMAT},
        {"{\"config\":[]}", "\"config\" is missing", E_FORMAT},
        {"{\"config\":{\"p\":{}}}", "path_name", E_FORMAT},
        {"{", "not valid JSON", E_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(edited("pitfalls", (Edit){.replace = CONFIG, .with = cases[i].config}),
                       cases[i].code, cases[i].words);
    assert_refused(edited("pitfalls", (Edit){.replace = "data/weights/weight_0", .with = "short"}),
                   E_FORMAT, "do not lie in the 5 bytes");
    assert_refused(edited("pitfalls", (Edit){.drop = "data/weights/weight_0"}), E_FORMAT,
                   "weight_0, are missing");
    assert_refused(edited("pitfalls", (Edit){.drop = CONFIG}), E_FORMAT, "no bytes for \"p\"");
}

static void elements_fit_or_not(void **state)
{
    (void)state;
#define FIT(sizes, strides, offset, item, bytes)                                                   \
    weights_fit((const int64_t[])sizes, (const int64_t[])strides, 2, offset, item, bytes)
#define P(a, b) {a, b}
    assert_true(FIT(P(4, 6), P(6, 1), 0, 4, 96));
    assert_false(FIT(P(4, 6), P(6, 1), 0, 4, 95));
    assert_false(FIT(P(4, 6), P(6, 1), 1, 4, 96));
    assert_true(FIT(P(6, 4), P(1, 6), 0, 4, 96));
    assert_true(FIT(P(4, 6), P(0, 1), 0, 4, 24)); /* expanded */
    assert_true(FIT(P(0, 6), P(6, 1), 5, 4, 0));  /* no elements */
    assert_false(FIT(P(2, 2), P(-1, 1), 8, 4, 96));
    assert_false(FIT(P(INT64_MAX, 2), P(INT64_MAX, 1), 0, 4, 96));
    assert_false(FIT(P(1, 1), P(1, 1), INT64_MAX, 8, SIZE_MAX));
    assert_false(FIT(P(INT64_MAX, INT64_MAX), P(1, 1), 0, 1, 96));
}

static Error *load_bytes(const char *data, size_t n)
{
    Graph *graph;
    write_all(in_folder("hostile.pt2"), data, n);
    Error *error = load(in_folder("hostile.pt2"), NULL, NULL, &graph);
    if (error)
        assert_true(strlen(error_text(arena, error)) > 10);
    return error;
}

static void cut_archives_are_refused(void **state)
{
    (void)state;
    size_t n;
    char  *data = read_all(fixture("pitfalls"), &n);
    assert_null(load_bytes(data, n));
    for (size_t cut = 0; cut < n; cut += cut + 2000 < n ? 997 : 7)
        assert_non_null(load_bytes(data, cut));
}

/* A flipped byte may go unnoticed (a date, padding, weights), but nothing may crash. */
static void flipped_bytes_do_no_harm(void **state)
{
    (void)state;
    size_t n;
    char  *data = read_all(fixture("cond"), &n);
    int    n_refused = 0, n_tried = 0;
    for (size_t at = 0; at < n; at += at + 1400 < n ? 61 : 1) {
        char old = data[at];
        for (int bit = 0; bit < 2; bit++) {
            data[at] = (char)(old ^ (bit ? 0x80 : 0xff));
            n_refused += load_bytes(data, n) != NULL;
            n_tried++;
        }
        data[at] = old;
    }
    assert_true(n_refused > n_tried / 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(stored_members_are_not_copied),
        TEST(deflated_and_unpacked_are_the_same),
        TEST(bare_json_finds_weights_beside_it),
        TEST(safetensors_go_before_the_archive),
        TEST(models_are_chosen_by_name),
        TEST(other_back_ends_are_noted),
        TEST(wrong_archives_are_named),
        TEST(payloads_are_checked),
        TEST(elements_fit_or_not),
        TEST(cut_archives_are_refused),
        TEST(flipped_bytes_do_no_harm),
    };
    return cmocka_run_group_tests_name("2.1 archives", tests, NULL, NULL);
}
