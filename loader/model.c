/* Loading code: the best library for this machine, through a memory file, its tables checked. */
#include "loader/internal.h"

#include "abi/sha256.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__x86_64__)
#define THIS_MACHINE 62u
#elif defined(__aarch64__)
#define THIS_MACHINE 183u
#else
#define THIS_MACHINE 0u
#endif

static uint64_t cpu_features(void)
{
    uint64_t f = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
#define HAS(name, bit) f |= __builtin_cpu_supports(name) ? (uint64_t)(bit) : 0
    HAS("sse4.2", AOTC_CPU_SSE4_2);
    HAS("avx", AOTC_CPU_AVX);
    HAS("avx2", AOTC_CPU_AVX2);
    HAS("fma", AOTC_CPU_FMA);
    HAS("bmi2", AOTC_CPU_BMI2);
    HAS("avx512f", AOTC_CPU_AVX512F);
    HAS("avx512bw", AOTC_CPU_AVX512BW);
    HAS("avx512dq", AOTC_CPU_AVX512DQ);
    HAS("avx512vl", AOTC_CPU_AVX512VL);
    HAS("avx512bf16", AOTC_CPU_AVX512_BF16);
    HAS("avx512vnni", AOTC_CPU_AVX512_VNNI);
    if (f & AOTC_CPU_AVX2) /* every CPU with AVX2 has F16C; gcc 12 cannot ask for it by name */
        f |= AOTC_CPU_F16C;
#undef HAS
#endif
    return f;
}

static void name_features(uint64_t f, char *out, size_t n)
{
    static const char *const names[] = {"sse4.2",   "avx",      "avx2",        "fma",
                                        "f16c",     "bmi2",     "avx512f",     "avx512bw",
                                        "avx512dq", "avx512vl", "avx512_bf16", "avx512_vnni"};
    size_t                   used = 0;
    out[0] = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names && used < n; i++)
        if (f >> i & 1)
            used += (size_t)snprintf(out + used, n - used, " %s", names[i]);
}

static int count_bits(uint64_t f)
{
    return __builtin_popcountll(f);
}

/* The one that uses most of this machine. */
static aotc_status best_library(const aotc_package *p, const Member **out, aotc_error *error)
{
    const Member *best = NULL, *any = NULL;
    uint64_t      have = cpu_features();
    for (int i = 0; i < p->n_members; i++) {
        const Member *m = &p->members[i];
        if (m->kind != AOTC_MEMBER_LIBRARY)
            continue;
        any = m;
        if (m->machine == THIS_MACHINE && !(m->features & ~have) &&
            (!best || count_bits(m->features) > count_bits(best->features)))
            best = m;
    }
    *out = best;
    if (best)
        return AOTC_OK;
    if (!any)
        return error_set(error, AOTC_E_FORMAT, "the package holds no code");
    if (any->machine != THIS_MACHINE)
        return error_set(error, AOTC_E_TARGET,
                         "the package has code for target %s (ELF machine %u), this machine is %u",
                         any->target, any->machine, THIS_MACHINE);
    char missing[256];
    name_features(any->features & ~have, missing, sizeof missing);
    return error_set(error, AOTC_E_TARGET,
                     "code for target %s needs CPU features that this machine lacks:%s",
                     any->target, missing);
}

static bool write_all(int fd, const uint8_t *data, size_t n)
{
    while (n) {
        ssize_t got = write(fd, data, n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        data += got;
        n -= (size_t)got;
    }
    return true;
}

/* dlopen() answers with a library that it has open when the *name* is the same, and a descriptor's
 * number comes again after close().  So the name spells the address of `code`, which nothing else
 * can have while the library is loaded: /proc/self/fd/././//3, a "./" for every 1 and a "/" for
 * every 0. */
static void unique_path(char *out, size_t n, int fd, const Code *code)
{
    char *at = out + snprintf(out, n, "/proc/self/fd/");
    for (uintptr_t bits = (uintptr_t)code >> 3; bits; bits >>= 1) {
        if (bits & 1)
            *at++ = '.';
        *at++ = '/';
    }
    snprintf(at, n - (size_t)(at - out), "%d", fd);
}

/* What is hashed is the private copy that is loaded, not the file, which may change at any time. */
static aotc_status copy_checked(const Member *m, int fd, aotc_error *error)
{
    if (!m->size_bytes || !write_all(fd, m->data, m->size_bytes))
        return error_set(error, AOTC_E_IO, "cannot write %s to a memory file: %s", m->name,
                         m->size_bytes ? strerror(errno) : "it is empty");
    void *copy = mmap(NULL, m->size_bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (copy == MAP_FAILED)
        return error_set(error, AOTC_E_IO, "cannot map a memory file: %s", strerror(errno));
    uint8_t sum[32];
    aotc_sha256_of(copy, m->size_bytes, sum);
    munmap(copy, m->size_bytes);
    return memcmp(sum, m->sha256, 32)
               ? error_set(error, AOTC_E_FORMAT, "%s does not match its hash", m->name)
               : AOTC_OK;
}

static aotc_status load_library(const Member *m, Code *code, aotc_error *error)
{
    int fd = memfd_create("aotc-model", MFD_CLOEXEC);
    if (fd < 0)
        return error_set(error, AOTC_E_IO, "cannot create a memory file: %s", strerror(errno));
    aotc_status s = copy_checked(m, fd, error);
    if (!s) {
        char path[256];
        unique_path(path, sizeof path, fd, code);
        code->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (!code->handle)
            s = error_set(error, AOTC_E_FORMAT, "cannot load %s: %s", m->name, dlerror());
    }
    close(fd);
    return s;
}

static aotc_status query_table(const aotc_package *p, const Member *m, Code *code,
                               aotc_error *error)
{
    aotc_model_query_fn query = NULL;
    *(void **)&query = dlsym(code->handle, "aotc_model_query");
    if (!query)
        return error_set(error, AOTC_E_FORMAT, "%s does not export aotc_model_query", m->name);
    code->table = query(AOTC_MODEL_ABI);
    return check_table(code->table, p->weights ? p->weights->size_bytes : 0, error);
}

static void free_code(Code *code)
{
    if (code && code->handle)
        dlclose(code->handle);
    free(code);
}

static aotc_status load_code(aotc_package *p, aotc_error *error)
{
    const Member *m;
    aotc_status   s = best_library(p, &m, error);
    if (s)
        return s;
    Code *code = calloc(1, sizeof *code);
    if (!code)
        return error_set(error, AOTC_E_MEMORY, "out of memory");
    s = load_library(m, code, error);
    if (!s)
        s = query_table(p, m, code, error);
    if (s)
        free_code(code);
    else
        p->code = code;
    return s;
}

/* The code is loaded once a package and shared by its models. */
static aotc_status package_table(aotc_package *p, const aotc_model_table **out, aotc_error *error)
{
    pthread_mutex_lock(&p->lock);
    aotc_status s = p->code ? AOTC_OK : load_code(p, error);
    if (!s)
        *out = p->code->table;
    pthread_mutex_unlock(&p->lock);
    return s;
}

void aotc_package_close(aotc_package *p)
{
    if (!p || atomic_fetch_sub(&p->refs, 1) != 1)
        return;
    free_code(p->code);
    for (int i = 0; i < p->n_maps; i++)
        if (p->maps[i].base)
            munmap(p->maps[i].base, p->maps[i].size_bytes);
    pthread_mutex_destroy(&p->lock);
    free(p->maps);
    free(p->members);
    free(p->strings);
    free(p);
}

int32_t aotc_package_n_entries(const aotc_package *p)
{
    const aotc_model_table *t = NULL;
    return p && !package_table((aotc_package *)p, &t, NULL) ? t->n_entries : 0;
}

const char *aotc_package_entry_name(const aotc_package *p, int32_t index)
{
    const aotc_model_table *t = NULL;
    if (!p || package_table((aotc_package *)p, &t, NULL) || index < 0 || index >= t->n_entries)
        return NULL;
    return table_entry(t, index)->name;
}

/* Inputs, then outputs. */
static const aotc_model_tensor *signature(const aotc_model_entry *e, int k)
{
    return k < e->n_inputs ? table_tensor(e->inputs, k) : table_tensor(e->outputs, k - e->n_inputs);
}

/* Of value * symbol + add; what overflows is open. */
static void symbol_bounds(const aotc_model_symbol *s, const aotc_model_dim *dim, int64_t *low,
                          int64_t *high)
{
    int64_t from = dim->value > 0 ? s->min : s->max, to = dim->value > 0 ? s->max : s->min;
    if (from == INT64_MAX || __builtin_mul_overflow(from, dim->value, low) ||
        __builtin_add_overflow(*low, dim->add, low) || *low < 0)
        *low = 0;
    if (to == INT64_MAX || __builtin_mul_overflow(to, dim->value, high) ||
        __builtin_add_overflow(*high, dim->add, high))
        *high = INT64_MAX;
}

/* Shapes with -1 for what the run decides, and bounds of what symbols say. */
static void fill_shapes(aotc_model *m)
{
    const aotc_model_entry *e = m->entry;
    int64_t                *at = m->shapes;
    for (int k = 0; k < e->n_inputs + e->n_outputs; k++) {
        const aotc_model_tensor *t = signature(e, k);
        for (int d = 0; d < t->rank; d++) {
            const aotc_model_dim *dim = &t->dims[d];
            int64_t *shape = at + d, *low = shape + m->max_rank, *high = low + m->max_rank;
            *shape = dim->kind == AOTC_DIM_CONST ? dim->value : -1;
            *low = dim->kind == AOTC_DIM_CONST ? dim->value : 0;
            *high = dim->kind == AOTC_DIM_CONST ? dim->value : INT64_MAX;
            if (dim->kind == AOTC_DIM_SYMBOL)
                symbol_bounds(&e->symbols[dim->index], dim, low, high);
        }
        at += 3 * m->max_rank;
    }
}

static aotc_status find_entry(const aotc_model_table *t, const char *name,
                              const aotc_model_entry **out, aotc_error *error)
{
    *out = name ? NULL : table_entry(t, 0);
    for (int i = 0; i < t->n_entries && !*out; i++)
        if (!strcmp(table_entry(t, i)->name, name))
            *out = table_entry(t, i);
    return *out ? AOTC_OK
                : error_set(error, AOTC_E_ARGUMENT, "the package has no entry point \"%s\"", name);
}

aotc_status aotc_model_load(aotc_package *p, const char *entry, aotc_model **out, aotc_error *error)
{
    const aotc_model_table *t = NULL;
    const aotc_model_entry *e = NULL;
    error_clear(error);
    if (!p || !out)
        return error_set(error, AOTC_E_ARGUMENT, "package or out is NULL");
    *out = NULL;
    aotc_status s = package_table(p, &t, error);
    if (!s)
        s = find_entry(t, entry, &e, error);
    if (s)
        return s;
    aotc_model *m = calloc(1, sizeof *m);
    if (!m)
        return error_set(error, AOTC_E_MEMORY, "out of memory");
    int n = e->n_inputs + e->n_outputs;
    for (int k = 0; k < n; k++)
        m->max_rank = signature(e, k)->rank > m->max_rank ? signature(e, k)->rank : m->max_rank;
    m->shapes = calloc((size_t)n * 3 * (size_t)m->max_rank + 1, sizeof *m->shapes);
    if (!m->shapes) {
        free(m);
        return error_set(error, AOTC_E_MEMORY, "out of memory");
    }
    atomic_init(&m->refs, 1);
    m->package = p;
    m->table = t;
    m->entry = e;
    m->weights = p->weights ? p->weights->data : NULL;
    fill_shapes(m);
    atomic_fetch_add(&p->refs, 1);
    *out = m;
    return AOTC_OK;
}

void aotc_model_retain(aotc_model *m)
{
    if (m)
        atomic_fetch_add(&m->refs, 1);
}

void aotc_model_release(aotc_model *m)
{
    if (!m || atomic_fetch_sub(&m->refs, 1) != 1)
        return;
    aotc_package_close(m->package);
    free(m->shapes);
    free(m);
}

int32_t aotc_model_n_inputs(const aotc_model *m)
{
    return m ? m->entry->n_inputs : 0;
}

int32_t aotc_model_n_outputs(const aotc_model *m)
{
    return m ? m->entry->n_outputs : 0;
}

static aotc_status tensor_info(const aotc_model *m, const aotc_model_tensor *t, int slot,
                               aotc_tensor_info *out)
{
    if (!out || out->struct_size < sizeof *out)
        return AOTC_E_ARGUMENT;
    const int64_t *shape = m->shapes + (size_t)slot * 3 * (size_t)m->max_rank;
    uint32_t       size = out->struct_size;
    *out = (aotc_tensor_info){
        .struct_size = size,
        .name = t->name,
        .dtype = {t->code, t->bits, 1},
        .ndim = t->rank,
        .shape = shape,
        .shape_min = shape + m->max_rank,
        .shape_max = shape + 2 * m->max_rank,
        .is_scalar = (t->flags & AOTC_TENSOR_SCALAR) != 0,
        .is_mutated = (t->flags & AOTC_TENSOR_MUTATED) != 0,
        .is_literal = (t->flags & AOTC_TENSOR_LITERAL) != 0,
        .same_as = t->same_as,
        .literal_int = t->literal_int,
        .literal_float = t->literal_float,
    };
    return AOTC_OK;
}

aotc_status aotc_input_info(const aotc_model *m, int32_t index, aotc_tensor_info *out)
{
    if (!m || index < 0 || index >= m->entry->n_inputs)
        return AOTC_E_ARGUMENT;
    return tensor_info(m, table_tensor(m->entry->inputs, index), index, out);
}

aotc_status aotc_output_info(const aotc_model *m, int32_t index, aotc_tensor_info *out)
{
    if (!m || index < 0 || index >= m->entry->n_outputs)
        return AOTC_E_ARGUMENT;
    return tensor_info(m, table_tensor(m->entry->outputs, index), m->entry->n_inputs + index, out);
}
