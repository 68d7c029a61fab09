/* Damaged and forged packages: an error, never a crash.  Meant to run under the address sanitizer:
 * every package lies in memory of exactly its size. */
#include "tests/abi/kit.h"

#include "abi/sha256.h"

#define INDEX 64 /* where the index's data starts: local header, name, padding */

static Bytes package;

/* Members of the package at hand, to be forged before forge() makes the hash right again. */
typedef struct Forged {
    Bytes                b;
    aotc_package_header *h;
    aotc_package_member *m; /* lib, manifest.json, weights */
    char                *strings;
} Forged;

static Bytes copy_bytes(const void *data, size_t n)
{
    Bytes b = {NULL, n};
    assert_int_equal(posix_memalign((void **)&b.data, 64, n ? n : 1), 0);
    memcpy(b.data, data, n);
    return b;
}

static Forged begin(void)
{
    Forged f = {.b = copy_bytes(package.data, package.n)};
    f.h = (aotc_package_header *)(f.b.data + INDEX);
    f.m = (aotc_package_member *)(f.h + 1);
    f.strings = (char *)(f.m + f.h->n_members);
    return f;
}

static void rehash(Forged *f)
{
    size_t n = (size_t)f->h->n_members * f->h->member_bytes + f->h->string_bytes;
    if (n <= f->b.n - INDEX - sizeof *f->h)
        aotc_sha256_of(f->m, n, f->h->sha256);
}

static aotc_status open_bytes(const Bytes *b, aotc_error *error)
{
    aotc_package *p = NULL;
    aotc_status   s = aotc_package_open_memory(b->data, b->n, NULL, &p, error);
    assert_true((s == AOTC_OK) == (p != NULL));
    aotc_package_close(p);
    return s;
}

static void expect(Forged *f, aotc_status status, const char *text)
{
    aotc_error error = {.struct_size = sizeof error};
    kit_expect(open_bytes(&f->b, &error), &error, status, text);
    free(f->b.data);
}

static void setup(void)
{
    package = kit_read(kit_pack("hostile.pt2pkg", kit_model, NULL));
}

static void test_truncated(void **state)
{
    (void)state;
    aotc_error error = {.struct_size = sizeof error};
    size_t     index_end = INDEX + 1024;
    for (size_t n = 0; n < package.n; n += n < index_end ? 1 : n + 5000 < package.n ? 997 : 1) {
        Bytes b = copy_bytes(package.data, n);
        assert_int_equal(open_bytes(&b, &error), AOTC_E_FORMAT);
        free(b.data);
    }
    Bytes longer = copy_bytes(package.data, package.n);
    longer.data = realloc(longer.data, package.n + 64);
    free(longer.data);
    assert_int_equal(open_bytes(&package, &error), AOTC_OK);
}

static void test_flipped(void **state)
{
    (void)state;
    static const unsigned char patterns[] = {0x01, 0x80, 0xff};
    const aotc_package_header *h = (const void *)(package.data + INDEX);
    size_t end = INDEX + sizeof *h + (size_t)h->n_members * h->member_bytes + h->string_bytes;
    for (size_t i = 0; i < end + 64; i++)
        for (int k = 0; k < 3; k++) {
            Bytes b = copy_bytes(package.data, package.n);
            b.data[i] ^= patterns[k];
            aotc_status s = open_bytes(&b, NULL);
            if (i >= INDEX && i < end)
                assert_true(s == AOTC_E_FORMAT || s == AOTC_E_VERSION);
            free(b.data);
        }
}

static void test_sizes(void **state)
{
    (void)state;
    Forged f;
#define REFUSED(change, status, text)                                                              \
    f = begin();                                                                                   \
    change;                                                                                        \
    rehash(&f);                                                                                    \
    expect(&f, status, text)
    REFUSED(f.h->magic[0] = 'B', AOTC_E_FORMAT, "does not start with its mark");
    REFUSED(f.h->version = 2, AOTC_E_VERSION, "format version 2, this loader reads version 1");
    REFUSED(f.h->n_members = 65537, AOTC_E_FORMAT, "impossible sizes");
    REFUSED(f.h->n_members = 0xffffffff, AOTC_E_FORMAT, "impossible sizes");
    REFUSED(f.h->n_members = 60000, AOTC_E_FORMAT, "cut off inside its index");
    REFUSED(f.h->member_bytes = 71, AOTC_E_FORMAT, "impossible sizes");
    REFUSED(f.h->member_bytes = 4097, AOTC_E_FORMAT, "impossible sizes");
    REFUSED(f.h->string_bytes = 0, AOTC_E_FORMAT, "impossible sizes");
    REFUSED(f.h->string_bytes = 0xffffffff, AOTC_E_FORMAT, "cut off inside its index");
    REFUSED(f.h->string_bytes--, AOTC_E_FORMAT, "its strings do not end");
    REFUSED(f.h->package_bytes++, AOTC_E_FORMAT, "the package is cut off: ");
    REFUSED(f.m[0].name = f.h->string_bytes, AOTC_E_FORMAT, "lies outside its strings");
    REFUSED(f.m[0].target = 0xffffffff, AOTC_E_FORMAT, "lies outside its strings");
    REFUSED(f.m[0].offset = f.b.n + 1, AOTC_E_FORMAT, "model.so lies outside the package");
    REFUSED(f.m[0].offset = UINT64_MAX, AOTC_E_FORMAT, "model.so lies outside the package");
    REFUSED(f.m[0].size_bytes = UINT64_MAX, AOTC_E_FORMAT, "model.so lies outside the package");
    REFUSED((f.m[1].offset = f.b.n - 5, f.m[1].size_bytes = 6), AOTC_E_FORMAT,
            "manifest.json lies outside the package");
    REFUSED(f.m[2].offset += 32, AOTC_E_FORMAT, "the weights are not aligned");
    REFUSED((f.m[1].kind = AOTC_MEMBER_WEIGHTS, f.m[1].offset = 0), AOTC_E_FORMAT,
            "two members with weights");
#undef REFUSED
    f = begin(); /* the edge is inside */
    f.m[1].offset = f.b.n;
    f.m[1].size_bytes = 0;
    rehash(&f);
    expect(&f, AOTC_OK, "");
    f = begin(); /* kinds of later versions are no reason to refuse */
    f.m[1].kind = 77;
    rehash(&f);
    expect(&f, AOTC_OK, "");
}

static void test_names(void **state)
{
    (void)state;
    static const char *const bad[] = {"../secret.json", "/anifest.json", "a/../../x.jso",
                                      "manifest.js/..", ""};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        Forged f = begin();
        char  *name = f.strings + f.m[1].name;
        strncpy(name, bad[i], strlen("manifest.json"));
        if (i == 0)
            strcpy(name, "../secret.jso");
        if (i == 3)
            strcpy(name, "manifest.j/..");
        rehash(&f);
        expect(&f, AOTC_E_FORMAT, "the unsafe member name");
    }
    Forged f = begin();
    f.m[1].name = f.m[0].name;
    rehash(&f);
    expect(&f, AOTC_E_FORMAT, "the package has the member lib/native/model.so twice");
    f = begin();
    f.m[0].name = f.m[2].name;
    rehash(&f);
    expect(&f, AOTC_E_FORMAT, "not sorted");
}

/* A later version's members may be longer. */
static void test_longer_members(void **state)
{
    (void)state;
    Forged              f = begin();
    aotc_package_member members[3];
    char                strings[256];
    memcpy(members, f.m, sizeof members);
    memcpy(strings, f.strings, f.h->string_bytes);
    size_t room = (size_t)members[0].offset - INDEX - sizeof *f.h;
    f.h->member_bytes = 72 + 8;
    if (3 * 80 + f.h->string_bytes <= room) {
        for (int i = 0; i < 3; i++)
            memcpy((char *)f.m + 80 * i, &members[i], 72);
        memcpy((char *)f.m + 240, strings, f.h->string_bytes);
        rehash(&f);
        expect(&f, AOTC_OK, "");
    } else {
        free(f.b.data);
    }
}

/* Random edits of the records, hash made right: any answer, no crash. */
static void test_random(void **state)
{
    (void)state;
    uint64_t r = 88172645463325252u; /* xorshift64 (Marsaglia 2003) */
    int      n_opened = 0;
    for (int round = 0; round < 4000; round++) {
        Forged f = begin();
        size_t n = 3 * sizeof *f.m + f.h->string_bytes;
        int    n_edits = 1 + round % 4;
        for (int i = 0; i < n_edits; i++) {
            r ^= r << 13, r ^= r >> 7, r ^= r << 17;
            ((unsigned char *)f.m)[(r >> 8) % n] ^= (unsigned char)(r >> 40);
        }
        rehash(&f);
        aotc_package *p = NULL;
        aotc_model   *m = NULL;
        if (!aotc_package_open_memory(f.b.data, f.b.n, NULL, &p, NULL)) {
            n_opened++;
            if (n_opened % 16 == 0 && !aotc_model_load(p, NULL, &m, NULL))
                aotc_model_release(m);
            aotc_package_close(p);
        }
        free(f.b.data);
    }
    assert_in_range(n_opened, 100, 3900);
}

int run_hostile_cases(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_truncated),      cmocka_unit_test(test_flipped),
        cmocka_unit_test(test_sizes),          cmocka_unit_test(test_names),
        cmocka_unit_test(test_longer_members), cmocka_unit_test(test_random),
    };
    setup();
    int failed = cmocka_run_group_tests_name("hostile", tests, NULL, NULL);
    free(package.data);
    return failed;
}
