/* The package format and the loader, from a hand-written model (abi/model.c): packs it, opens it in
 * every way, runs it.
 *
 *   test_abi_package MODEL.so SECOND.so [group]     SECOND is built with -DMODEL_SCALE=3 */
#include "tests/abi/kit.h"

#include "abi/sha256.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static int shell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int shell(const char *format, ...)
{
    char    command[16384];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    return system(command);
}

static void check_small(aotc_package *package)
{
    aotc_error    error = {.struct_size = sizeof error};
    aotc_model   *m = NULL;
    aotc_context *c = NULL;
    float         x[8] = {1}, y[8];
    DLTensor      in = KIT_F32(x, 8), out = KIT_F32(y, 8);
    kit_expect(aotc_model_load(package, "small", &m, &error), &error, AOTC_OK, "");
    aotc_package_close(package);
    assert_int_equal(aotc_context_create(m, NULL, &c, NULL), AOTC_OK);
    aotc_model_release(m);
    kit_run(c, &in, 1, &out, 1);
    assert_true(y[0] == 2 && y[7] == 1);
    aotc_context_destroy(c);
}

/* ---- opening --------------------------------------------------------------------------------- */

static void test_open(void **state)
{
    (void)state;
    aotc_error        error = {.struct_size = sizeof error};
    aotc_open_options check = {.struct_size = sizeof check, .check_weights = 1};
    aotc_package     *p = NULL;
    const char       *path = kit_pack("open.pt2pkg", kit_model, NULL);
    kit_expect(aotc_package_open(path, &check, &p, &error), &error, AOTC_OK, "");
    check_small(p);

    int fd = open(path, O_RDONLY);
    kit_expect(aotc_package_open_fd(fd, NULL, &p, &error), &error, AOTC_OK, "");
    close(fd);
    check_small(p);

    Bytes b = kit_read(path);
    kit_expect(aotc_package_open_memory(b.data, b.n, &check, &p, &error), &error, AOTC_OK, "");
    check_small(p);
    memmove(b.data + 8, b.data, b.n);
    kit_expect(aotc_package_open_memory(b.data + 8, b.n, NULL, &p, &error), &error, AOTC_E_ARGUMENT,
               "not 64-byte aligned");
    free(b.data);

    const char *folder = kit_path("open.dir");
    assert_int_equal(shell("rm -rf '%s'; unzip -qq -d '%s' '%s'", folder, folder, path), 0);
    kit_expect(aotc_package_open(folder, &check, &p, &error), &error, AOTC_OK, "");
    check_small(p);

    kit_expect(aotc_package_open(path, NULL, &p, &error), &error, AOTC_OK, "");
    unlink(path); /* the mapping stays */
    check_small(p);
}

static void test_open_fails(void **state)
{
    (void)state;
    aotc_error    error = {.struct_size = sizeof error};
    aotc_package *p = NULL;
    const char   *path = kit_path("nothing.pt2pkg");
    kit_expect(aotc_package_open(path, NULL, &p, &error), &error, AOTC_E_IO, path);
    assert_null(p);
    assert_int_equal(aotc_package_open(path, NULL, &p, NULL), AOTC_E_IO);
    kit_expect(aotc_package_open_fd(-1, NULL, &p, &error), &error, AOTC_E_IO, "Bad file");
    kit_expect(aotc_package_open(NULL, NULL, &p, &error), &error, AOTC_E_ARGUMENT, "NULL");
    kit_expect(aotc_package_open(path, NULL, NULL, &error), &error, AOTC_E_ARGUMENT, "NULL");
    kit_expect(aotc_package_open_memory(NULL, 5, NULL, &p, &error), &error, AOTC_E_ARGUMENT,
               "NULL");
    kit_write(path, "", 0);
    kit_expect(aotc_package_open(path, NULL, &p, &error), &error, AOTC_E_FORMAT, "not a .pt2pkg");
    kit_expect(aotc_package_open(kit_folder, NULL, &p, &error), &error, AOTC_E_IO, "index.bin");

    const char *folder = kit_path("fails.dir");
    path = kit_pack("fails.pt2pkg", kit_model, NULL);
    assert_int_equal(shell("rm -rf '%s'; unzip -qq -d '%s' '%s'", folder, folder, path), 0);
    assert_int_equal(shell("printf x >> '%s/weights/weights.bin'", folder), 0);
    kit_expect(aotc_package_open(folder, NULL, &p, &error), &error, AOTC_E_FORMAT, "another size");
    assert_int_equal(shell("rm '%s/weights/weights.bin'", folder), 0);
    kit_expect(aotc_package_open(folder, NULL, &p, &error), &error, AOTC_E_IO, "weights.bin");
}

static void test_hashes(void **state)
{
    (void)state;
    aotc_error        error = {.struct_size = sizeof error};
    aotc_open_options check = {.struct_size = sizeof check, .check_weights = 1};
    aotc_package     *p = NULL;
    aotc_model       *m = NULL;
    const char       *path = kit_pack("hash.pt2pkg", kit_model, NULL);
    Bytes             b = kit_read(path);
    for (size_t i = 0; i + 8 < b.n; i++) /* bias[0], then a byte of the code */
        if (!memcmp(b.data + i, (float[]){1, 2}, 8) && i % 65536 == 0)
            b.data[i] ^= 1;
    kit_write(path, b.data, b.n);
    kit_expect(aotc_package_open(path, NULL, &p, &error), &error, AOTC_OK, "");
    aotc_package_close(p);
    kit_expect(aotc_package_open(path, &check, &p, &error), &error, AOTC_E_FORMAT,
               "the weights do not match their hash");
    for (size_t i = 0; i + 8 < b.n; i++)
        if (!memcmp(b.data + i, "\177ELF", 4))
            b.data[i + 200] ^= 1;
    kit_write(path, b.data, b.n);
    free(b.data);
    kit_expect(aotc_package_open(path, NULL, &p, &error), &error, AOTC_OK, "");
    kit_expect(aotc_model_load(p, NULL, &m, &error), &error, AOTC_E_FORMAT,
               "lib/native/model.so does not match its hash");
    assert_int_equal(aotc_package_n_entries(p), 0);
    assert_int_equal(aotc_model_load(p, NULL, &m, NULL), AOTC_E_FORMAT);
    aotc_package_close(p);
}

/* ---- choosing code --------------------------------------------------------------------------- */

static void other_machine(KitSpec *k)
{
    k->members[1].machine = 243;
    k->members[1].target = "riscv64";
}

static void other_features(KitSpec *k)
{
    k->members[1].features = (uint64_t)1 << 62 | AOTC_CPU_AVX512_BF16 | AOTC_CPU_AVX512_VNNI;
    k->members[1].target = "future";
}

static void no_code(KitSpec *k)
{
    k->spec.n_members = 1;
}

static void no_weights(KitSpec *k)
{
    k->spec.n_weights = 0;
    k->spec.weights_bytes = 0;
}

static void garbage_code(KitSpec *k)
{
    k->members[1].data = "\177ELF is all there is";
    k->members[1].size_bytes = 20;
}

static void empty_code(KitSpec *k)
{
    k->members[1].size_bytes = 0;
}

/* Three libraries: for another machine, for this one, for a better one than this. */
static void several(KitSpec *k)
{
    k->members[2] = k->members[3] = k->members[1];
    other_machine(k);
    k->members[1].name = "lib/a/model.so";
    k->members[3].name = "lib/z/model.so";
    k->members[3].features = (uint64_t)1 << 62;
    k->spec.n_members = 4;
}

static Bytes other_library;

static void no_symbol(KitSpec *k)
{
    k->members[1].data = other_library.data;
    k->members[1].size_bytes = other_library.n;
}

static void expect_load(const char *name, void (*change)(KitSpec *), aotc_status status,
                        const char *text)
{
    aotc_error    error = {.struct_size = sizeof error};
    aotc_package *p = NULL;
    aotc_model   *m = NULL;
    const char   *path = kit_pack(name, kit_model, change);
    kit_expect(aotc_package_open(path, NULL, &p, &error), &error, AOTC_OK, "");
    kit_expect(aotc_model_load(p, NULL, &m, &error), &error, status, text);
    aotc_model_release(m);
    m = NULL;
    assert_int_equal(aotc_model_load(p, NULL, &m, NULL), status); /* again, and without an error */
    assert_true((m != NULL) == (status == AOTC_OK));
    aotc_model_release(m);
    aotc_package_close(p);
}

static void test_targets(void **state)
{
    (void)state;
    Dl_info zlib;
    expect_load("target.pt2pkg", other_machine, AOTC_E_TARGET,
                "the package has code for target riscv64 (ELF machine 243), this machine is ");
    expect_load("target.pt2pkg", other_features, AOTC_E_TARGET,
                "code for target future needs CPU features that this machine lacks:");
    expect_load("target.pt2pkg", no_code, AOTC_E_FORMAT, "the package holds no code");
    expect_load("target.pt2pkg", no_weights, AOTC_E_FORMAT,
                "the weights have 0 bytes, the code was made for 128");
    expect_load("target.pt2pkg", garbage_code, AOTC_E_FORMAT, "cannot load lib/native/model.so");
    expect_load("target.pt2pkg", empty_code, AOTC_E_IO, "it is empty");
    expect_load("target.pt2pkg", several, AOTC_OK, "");
    assert_true(dladdr((void *)(uintptr_t)crc32_z, &zlib));
    other_library = kit_read(zlib.dli_fname);
    expect_load("target.pt2pkg", no_symbol, AOTC_E_FORMAT, "does not export aotc_model_query");
    free(other_library.data);
}

/* ---- the file -------------------------------------------------------------------------------- */

static const aotc_package_member *find_member(const Bytes *b, const char *name)
{
    const aotc_package_header *h = (const void *)(b->data + 64);
    const aotc_package_member *m = (const void *)(h + 1);
    const char                *strings = (const char *)(m + h->n_members);
    for (uint32_t i = 0; i < h->n_members; i++)
        if (!strcmp(strings + m[i].name, name))
            return &m[i];
    return NULL;
}

static void reordered(KitSpec *k)
{
    PackageMember m = k->members[0];
    k->members[0] = k->members[1];
    k->members[1] = m;
}

static void test_equal_bytes(void **state)
{
    (void)state;
    Bytes a = kit_read(kit_pack("a.pt2pkg", kit_model, NULL));
    usleep(1100000); /* another second of the clock */
    Bytes b = kit_read(kit_pack("b.pt2pkg", kit_model, reordered));
    assert_int_equal(a.n, b.n);
    assert_memory_equal(a.data, b.data, a.n);
    const aotc_package_member *w = find_member(&a, "weights/weights.bin");
    assert_non_null(w);
    assert_int_equal(w->offset % 65536, 0);
    assert_int_equal(w->size_bytes, 128);
    assert_int_equal(find_member(&a, "lib/native/model.so")->offset % 64, 0);
    assert_memory_equal(a.data + w->offset + 12, (float[]){4}, 4);
    assert_memory_equal(a.data + w->offset + 16, (char[48]){0}, 48);
    free(a.data);
    free(b.data);
}

static size_t filler_bytes;

static void with_filler(KitSpec *k)
{
    static unsigned char zeros[1 << 18];
    k->members[2] =
        (PackageMember){.name = "source/filler", .data = zeros, .size_bytes = filler_bytes};
    k->spec.n_members = 3;
}

/* The extra field that aligns the weights has at most 65535 bytes: around that, every size of what
 * stands before. */
static void test_alignment(void **state)
{
    (void)state;
    filler_bytes = 0;
    Bytes    b = kit_read(kit_pack("align.pt2pkg", kit_model, with_filler));
    uint64_t start = find_member(&b, "source/filler")->offset;
    size_t   most = 65536 - (30 + 19 + 4) - (size_t)start % 65536 + 65536;
    free(b.data);
    for (filler_bytes = most - 40; filler_bytes < most + 40; filler_bytes += 5) {
        aotc_package     *p = NULL;
        aotc_open_options check = {.struct_size = sizeof check, .check_weights = 1};
        const char       *path = kit_pack("align.pt2pkg", kit_model, with_filler);
        assert_int_equal(aotc_package_open(path, &check, &p, NULL), AOTC_OK);
        aotc_package_close(p);
        assert_int_equal(shell("unzip -tqq '%s'", path), 0);
        b = kit_read(path);
        assert_int_equal(find_member(&b, "weights/weights.bin")->offset % 65536, 0);
        free(b.data);
    }
}

static void test_zip_tools(void **state)
{
    (void)state;
    const char *path = kit_pack("zip.pt2pkg", kit_model, NULL);
    assert_int_equal(shell("unzip -tqq '%s'", path), 0);
    assert_int_equal(shell("unzip -p '%s' lib/native/model.so | cmp - '%s'", path, kit_model), 0);
    if (shell("command -v python3 >/dev/null"))
        return;
    assert_int_equal(
        shell("python3 -c 'import sys, zipfile\n"
              "z = zipfile.ZipFile(sys.argv[1])\n"
              "assert z.testzip() is None\n"
              "names = z.namelist()\n"
              "assert names[0] == \"index.bin\" and names[1:] == sorted(names[1:]), names\n"
              "assert all(i.compress_type == 0 for i in z.infolist())\n"
              "assert all(i.date_time == (1980, 1, 1, 0, 0, 0) for i in z.infolist())\n"
              "assert z.read(\"manifest.json\") == b\"{}\"\n"
              "assert len(z.read(\"weights/weights.bin\")) == 128' '%s'",
              path),
        0);
}

/* ---- what is not written --------------------------------------------------------------------- */

static void expect_no_package(KitSpec *k, const char *path, ErrorCode code)
{
    Arena *arena = arena_create(NULL);
    Error *error = package_write(arena, path, &k->spec);
    assert_non_null(error);
    assert_int_equal(error->code, code);
    arena_destroy(arena);
}

static void test_write_fails(void **state)
{
    (void)state;
    static const char *const unsafe[] = {"",    "/a",   "../a", "a/../b", "a/..", "..",   ".",
                                         "./a", "a//b", "a/",   "a\\b",   "c:a",  "a\nb", NULL};
    const char              *path = kit_path("write.dir/out.pt2pkg");
    const float              data[32] = {0};
    KitSpec                  k = {.members = {{.name = "a", .data = "1", .size_bytes = 1},
                                              {.name = "b", .data = "2", .size_bytes = 1}},
                                  .weights = {{0, 64, data}, {64, 64, data}}};
    k.spec = (PackageSpec){k.members, 2, k.weights, 2, 128};
    shell("rm -rf '%s'", kit_path("write.dir"));
    expect_no_package(&k, path, E_IO); /* no folder */
    assert_int_equal(mkdir(kit_path("write.dir"), 0777), 0);
    kit_write(path, "before", 6);
    for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++) {
        k.members[1].name = unsafe[i];
        expect_no_package(&k, path, E_VALUE);
    }
    k.members[1].name = "a";
    expect_no_package(&k, path, E_VALUE); /* twice */
    k.members[1].name = "index.bin";
    expect_no_package(&k, path, E_VALUE);
    k.members[1].name = "weights/weights.bin";
    expect_no_package(&k, path, E_VALUE);
    k.members[1].name = "b";
    k.members[1].kind = AOTC_MEMBER_WEIGHTS;
    expect_no_package(&k, path, E_VALUE);
    k.members[1].kind = AOTC_MEMBER_OTHER;
    k.weights[1].offset = 63;
    expect_no_package(&k, path, E_INTERNAL);
    k.weights[1].offset = 65;
    expect_no_package(&k, path, E_INTERNAL);
    k.weights[1].offset = UINT64_MAX;
    expect_no_package(&k, path, E_INTERNAL);
    k.weights[1].offset = 64;
    expect_no_package(&k, "/dev/full/x", E_IO);
    Bytes b = kit_read(path); /* untouched, and nothing beside it */
    assert_int_equal(b.n, 6);
    free(b.data);
    assert_int_equal(shell("test \"$(ls '%s')\" = out.pt2pkg", kit_path("write.dir")), 0);
    Arena *arena = arena_create(NULL);
    umask(027);
    assert_null(package_write(arena, path, &k.spec));
    umask(022);
    arena_destroy(arena);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
}

static void test_sha256(void **state)
{
    (void)state;
    /* FIPS 180-4, examples of NIST */
    static const struct {
        const char *text, *sum;
    } known[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    };
    for (size_t i = 0; i < 3; i++) {
        uint8_t sum[32];
        char    text[65];
        aotc_sha256_of(known[i].text, strlen(known[i].text), sum);
        for (int b = 0; b < 32; b++)
            snprintf(text + 2 * b, 3, "%02x", sum[b]);
        assert_string_equal(text, known[i].sum);
    }
    unsigned char data[1000], whole[32], parts[32];
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * i);
    aotc_sha256_of(data, sizeof data, whole);
    for (size_t step = 1; step < 200; step += 7) { /* the same in pieces */
        aotc_sha256 c;
        aotc_sha256_start(&c);
        for (size_t at = 0; at < sizeof data; at += step)
            aotc_sha256_add(&c, data + at, sizeof data - at < step ? sizeof data - at : step);
        aotc_sha256_end(&c, parts);
        assert_memory_equal(parts, whole, 32);
    }
}

int run_package_cases(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open),        cmocka_unit_test(test_open_fails),
        cmocka_unit_test(test_hashes),      cmocka_unit_test(test_targets),
        cmocka_unit_test(test_equal_bytes), cmocka_unit_test(test_alignment),
        cmocka_unit_test(test_zip_tools),   cmocka_unit_test(test_write_fails),
        cmocka_unit_test(test_sha256),
    };
    return cmocka_run_group_tests_name("package", tests, NULL, NULL);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(void);
    } groups[] = {
        {"package", run_package_cases}, {"hostile", run_hostile_cases},
        {"tables", run_table_cases},    {"run", run_run_cases},
        {"layout", run_layout_cases},   {"memory", run_memory_cases},
        {"threads", run_thread_cases},
    };
    char folder[4096];
    int  failed = 0;
    if (argc < 3) {
        fprintf(stderr, "usage: test_abi_package MODEL.so SECOND.so [group]\n");
        return 2;
    }
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/aotc-abi-XXXXXX", tmp ? tmp : "/tmp");
    kit_model = argv[1];
    kit_second = argv[2];
    kit_folder = mkdtemp(folder);
    if (!kit_folder)
        return 2;
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        if (argc < 4 || !strcmp(argv[3], groups[i].name))
            failed += groups[i].run();
    shell("rm -rf '%s'", kit_folder);
    return failed != 0;
}
