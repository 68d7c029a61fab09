/* See kit.h. */
#include "tests/abi/kit.h"

#include <pthread.h>
#include <unistd.h>

const char *kit_model, *kit_second, *kit_folder;
int         kit_fail_at = -1, kit_n_allocs;
long        kit_n_live;
bool        kit_fail_threads;

/* ---- files and packages ---------------------------------------------------------------------- */

const char *kit_path(const char *name)
{
    static char paths[8][4096];
    static int  next;
    char       *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", kit_folder, name);
    return path;
}

Bytes kit_read(const char *path)
{
    FILE *f = fopen(path, "rb");
    Bytes b = {0};
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    b.n = (size_t)ftell(f);
    rewind(f);
    assert_int_equal(posix_memalign((void **)&b.data, 64, b.n + 64), 0);
    assert_int_equal(fread(b.data, 1, b.n, f), b.n);
    fclose(f);
    return b;
}

void kit_write(const char *path, const void *data, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static uint64_t needed_features(void)
{
    return 0; /* the model is compiled for the least of the architecture */
}

const char *kit_pack(const char *name, const char *so, void (*change)(KitSpec *))
{
    static const float bias[] = {1, 2, 3, 4}, counter[] = {0};
    const char        *path = kit_path(name);
    Bytes              code = kit_read(so);
    Arena             *arena = arena_create(NULL);
    KitSpec            k = {.members = {{.name = "manifest.json", .data = "{}", .size_bytes = 2},
                                        {.name = "lib/native/model.so",
                                         .data = code.data,
                                         .size_bytes = code.n,
                                         .kind = AOTC_MEMBER_LIBRARY,
                                         .target = "native",
                                         .machine = code.data[18],
                                         .features = needed_features()}},
                            .weights = {{0, sizeof bias, bias}, {64, sizeof counter, counter}}};
    k.spec = (PackageSpec){k.members, 2, k.weights, 2, 128};
    if (change)
        change(&k);
    Error *error = package_write(arena, path, &k.spec);
    if (error)
        print_error("%s\n", error->message);
    assert_null(error);
    arena_destroy(arena);
    free(code.data);
    return path;
}

aotc_context *kit_context_of(const char *path, const char *entry,
                             const aotc_context_options *options)
{
    aotc_error    error = {.struct_size = sizeof error};
    aotc_package *package = NULL;
    aotc_model   *model = NULL;
    aotc_context *context = NULL;
    kit_expect(aotc_package_open(path, NULL, &package, &error), &error, AOTC_OK, "");
    kit_expect(aotc_model_load(package, entry, &model, &error), &error, AOTC_OK, "");
    aotc_package_close(package);
    kit_expect(aotc_context_create(model, options, &context, &error), &error, AOTC_OK, "");
    aotc_model_release(model);
    return context;
}

aotc_context *kit_context(const char *entry, const aotc_context_options *options)
{
    const char *path = kit_path("model.pt2pkg");
    if (access(path, R_OK))
        path = kit_pack("model.pt2pkg", kit_model, NULL);
    return kit_context_of(path, entry, options);
}

/* ---- tensors --------------------------------------------------------------------------------- */

DLTensor kit_tensor(void *data, int code, int bits, int ndim, int64_t *shape)
{
    return (DLTensor){.data = data,
                      .device = {kDLCPU, 0},
                      .ndim = ndim,
                      .dtype = {(uint8_t)code, (uint8_t)bits, 1},
                      .shape = shape};
}

void kit_expect(aotc_status got, const aotc_error *error, aotc_status want, const char *text)
{
    if (got != want || error->status != want || !strstr(error->text, text))
        print_error("got %s \"%s\", want %s \"%s\"\n", aotc_status_name(got), error->text,
                    aotc_status_name(want), text);
    assert_int_equal(got, want);
    assert_int_equal(error->status, want);
    assert_non_null(strstr(error->text, text));
}

void kit_run_fails(aotc_context *c, const DLTensor *in, int n_in, DLTensor *out, int n_out,
                   aotc_status status, const char *text)
{
    aotc_error error = {.struct_size = sizeof error};
    kit_expect(aotc_run(c, in, n_in, out, n_out, NULL, &error), &error, status, text);
    assert_int_equal(aotc_run(c, in, n_in, out, n_out, NULL, NULL), status);
}

void kit_run(aotc_context *c, const DLTensor *in, int n_in, DLTensor *out, int n_out)
{
    aotc_error error = {.struct_size = sizeof error};
    kit_expect(aotc_run(c, in, n_in, out, n_out, NULL, &error), &error, AOTC_OK, "");
}

/* ---- allocations ----------------------------------------------------------------------------- */

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t alignment, size_t n);
int   __real_posix_memalign(void **out, size_t alignment, size_t n);
void  __real_free(void *p);
int   __real_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *cx);

void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t alignment, size_t n);
int   __wrap_posix_memalign(void **out, size_t alignment, size_t n);
void  __wrap_free(void *p);
int   __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *cx);

static bool may_allocate(void)
{
    bool fails = __atomic_fetch_add(&kit_n_allocs, 1, __ATOMIC_RELAXED) == kit_fail_at;
    return !fails;
}

static void *counted(void *p)
{
    if (p)
        __atomic_fetch_add(&kit_n_live, 1, __ATOMIC_RELAXED);
    return p;
}

void *__wrap_malloc(size_t n)
{
    return may_allocate() ? counted(__real_malloc(n)) : NULL;
}

void *__wrap_calloc(size_t n, size_t size)
{
    return may_allocate() ? counted(__real_calloc(n, size)) : NULL;
}

void *__wrap_realloc(void *p, size_t n)
{
    if (!may_allocate())
        return NULL;
    void *more = __real_realloc(p, n);
    return p ? more : counted(more);
}

void *__wrap_aligned_alloc(size_t alignment, size_t n)
{
    return may_allocate() ? counted(__real_aligned_alloc(alignment, n)) : NULL;
}

int __wrap_posix_memalign(void **out, size_t alignment, size_t n)
{
    if (!may_allocate())
        return 12;
    int rc = __real_posix_memalign(out, alignment, n);
    if (!rc)
        counted(*out);
    return rc;
}

void __wrap_free(void *p)
{
    if (p)
        __atomic_fetch_sub(&kit_n_live, 1, __ATOMIC_RELAXED);
    __real_free(p);
}

int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*f)(void *), void *cx)
{
    return kit_fail_threads ? 11 : __real_pthread_create(t, a, f, cx);
}

static void *count_allocate(void *cx, size_t bytes, size_t alignment)
{
    Counting *c = cx;
    void     *p = NULL;
    if (c->n_allocs++ == c->fail_at || __real_posix_memalign(&p, alignment, bytes))
        return NULL;
    memset(p, 0xa5, bytes); /* nobody may count on zeros */
    c->live_bytes += bytes;
    return p;
}

static void count_release(void *cx, void *memory, size_t bytes)
{
    Counting *c = cx;
    c->live_bytes -= bytes;
    __real_free(memory);
}

aotc_allocator kit_counting(Counting *c)
{
    *c = (Counting){.fail_at = -1};
    return (aotc_allocator){.struct_size = sizeof(aotc_allocator),
                            .allocate = count_allocate,
                            .release = count_release,
                            .cx = c};
}
