/* Loading code: the best library for this machine, or the one asked for, through a memory file, its
 * tables checked.  A CUDA library is better than any other where a device has an image in it. */
#include "loader/cuda.h"

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
    aotc_status s = check_table(code->table, p->weights ? p->weights->size_bytes : 0, error);
    if (!s && is_cuda_table(code->table) != ((m->features & AOTC_NEEDS_CUDA) != 0))
        return error_set(error, AOTC_E_FORMAT,
                         "%s is for another kind of device than the package's index says", m->name);
    return s;
}

static void free_code(Code *code)
{
    if (code && code->handle)
        dlclose(code->handle);
    free(code);
}

/* Under the lock. */
static aotc_status find_code(aotc_package *p, const Member *m, Code **out, aotc_error *error)
{
    for (*out = p->codes; *out; *out = (*out)->next)
        if ((*out)->member == m)
            return AOTC_OK;
    Code *code = calloc(1, sizeof *code);
    if (!code)
        return error_set(error, AOTC_E_MEMORY, "out of memory");
    code->member = m;
    aotc_status s = load_library(m, code, error);
    if (!s)
        s = query_table(p, m, code, error);
    if (s) {
        free_code(code);
        return s;
    }
    code->next = p->codes;
    *out = p->codes = code;
    return AOTC_OK;
}

/* ---- choosing -------------------------------------------------------------------------------- */

typedef struct Choice {
    int         device_type; /* 0: any */
    int         device_id;   /* -1: any */
    const char *target;      /* NULL: any */
    bool        names_only;  /* for names of entry points: code for any device will do */
} Choice;

static bool is_cuda_member(const Member *m)
{
    return (m->features & AOTC_NEEDS_CUDA) != 0;
}

/* Host code of a CUDA library runs on this CPU too. */
static bool runs_here(const Member *m)
{
    return m->machine == THIS_MACHINE && !(m->features & ~AOTC_NEEDS_CUDA & ~cpu_features());
}

static bool is_wanted(const Member *m, const Choice *choice)
{
    return m->kind == AOTC_MEMBER_LIBRARY &&
           (!choice->target || !strcmp(choice->target, m->target)) &&
           (!choice->device_type || is_cuda_member(m) == (choice->device_type == kDLCUDA));
}

/* The one for the CPU that uses most of this machine. */
static const Member *best_on_cpu(const aotc_package *p, const Choice *choice)
{
    const Member *best = NULL;
    for (int i = 0; i < p->n_members; i++) {
        const Member *m = &p->members[i];
        if (is_wanted(m, choice) && (choice->names_only || !is_cuda_member(m)) && runs_here(m) &&
            (!best || is_cuda_member(best) ||
             (!is_cuda_member(m) && count_bits(m->features) > count_bits(best->features))))
            best = m;
    }
    return best;
}

static aotc_status no_device(const aotc_model_table *t, const Choice *choice, aotc_error *error)
{
    char           needed[200], have[256] = "none";
    size_t         used = 0;
    CudaDeviceInfo info;
    cuda_image_names(t, needed, sizeof needed);
    for (int i = 0, n = cuda_n_devices(); i < n && used < sizeof have; i++)
        if ((choice->device_id < 0 || choice->device_id == i) && !cuda_device_info(i, &info, NULL))
            used += (size_t)snprintf(have + used, sizeof have - used, "%s%d: %.60s (sm_%d)",
                                     used ? ", " : "", i, info.name, info.sm);
    return error_set(error, AOTC_E_TARGET,
                     "the package has CUDA code for %s; devices that could run it: %s",
                     needed[0] ? needed : "no device", have);
}

/* The device that the choice names, or the first with an image. */
static aotc_status choose_device(const aotc_model_table *t, const Choice *choice, int *out,
                                 aotc_error *error)
{
    const CudaDriver *d;
    CudaDeviceInfo    info;
    int               sm;
    uint32_t          flags;
    aotc_status       s = cuda_driver_get(&d, error);
    if (!s && choice->device_id >= 0)
        s = cuda_device_info(choice->device_id, &info, error);
    if (s)
        return s;
    int n = cuda_n_devices();
    for (*out = 0; *out < n; ++*out)
        if ((choice->device_id < 0 || choice->device_id == *out) &&
            !cuda_device_info(*out, &info, NULL) && cuda_choose_image(t, info.sm, &sm, &flags))
            return AOTC_OK;
    return no_device(t, choice, error);
}

/* Of libraries for CUDA, the first that a device runs; there is one (has_cuda()).  Loading a
 * library to look at its images is worth it only where there is a driver. */
static aotc_status choose_on_cuda(aotc_package *p, const Choice *choice, Code **out, int *device,
                                  aotc_error *error)
{
    aotc_status       s = AOTC_E_TARGET;
    const CudaDriver *d;
    for (int i = 0; i < p->n_members && s == AOTC_E_TARGET; i++) {
        const Member *m = &p->members[i];
        if (!is_wanted(m, choice) || !is_cuda_member(m) || !runs_here(m))
            continue;
        s = cuda_driver_get(&d, error);
        if (!s)
            s = find_code(p, m, out, error);
        if (!s)
            s = choose_device((*out)->table, choice, device, error);
    }
    return s;
}

/* No library fits: what is needed, and what is there. */
static aotc_status no_library(const aotc_package *p, const Choice *choice, aotc_error *error)
{
    const Member *any = NULL;
    char          names[256] = "";
    size_t        used = 0;
    for (int i = 0; i < p->n_members; i++) {
        const Member *m = &p->members[i];
        if (m->kind != AOTC_MEMBER_LIBRARY)
            continue;
        if (used < sizeof names)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? ", " : "",
                                     m->target);
        if (is_wanted(m, choice) && (choice->device_type == kDLCUDA || !is_cuda_member(m)))
            any = m;
    }
    if (!used)
        return error_set(error, AOTC_E_FORMAT, "the package holds no code");
    if (!any)
        return error_set(error, AOTC_E_TARGET,
                         "the package has no code for %s%s%s; its targets are: %s",
                         choice->target ? "target " : "",
                         choice->target                   ? choice->target
                         : choice->device_type == kDLCUDA ? "CUDA"
                                                          : "the CPU",
                         choice->target && choice->device_type ? " on that device" : "", names);
    if (any->machine != THIS_MACHINE)
        return error_set(error, AOTC_E_TARGET,
                         "the package has code for target %s (ELF machine %u), this machine is %u",
                         any->target, any->machine, THIS_MACHINE);
    char missing[256];
    name_features(any->features & ~cpu_features(), missing, sizeof missing);
    return error_set(error, AOTC_E_TARGET,
                     "code for target %s needs CPU features that this machine lacks:%s",
                     any->target, missing);
}

static bool has_cuda(const aotc_package *p, const Choice *choice)
{
    for (int i = 0; i < p->n_members; i++)
        if (is_wanted(&p->members[i], choice) && is_cuda_member(&p->members[i]) &&
            runs_here(&p->members[i]))
            return true;
    return false;
}

/* Under the lock.  device -1: the CPU. */
static aotc_status choose_code(aotc_package *p, const Choice *choice, Code **out, int *device,
                               aotc_error *error)
{
    const Member *cpu = choice->device_type == kDLCUDA ? NULL : best_on_cpu(p, choice);
    *device = -1;
    if (!choice->names_only && has_cuda(p, choice)) {
        aotc_error  scrap = {.struct_size = sizeof scrap};
        aotc_status s = choose_on_cuda(p, choice, out, device, cpu ? &scrap : error);
        if (!s)
            return AOTC_OK;
        *device = -1;
        if (!cpu)
            return s;
        if (s != AOTC_E_TARGET) /* damaged or out of memory: no reason to take other code */
            return error_set(error, s, "%s", scrap.text);
    }
    return cpu ? find_code(p, cpu, out, error) : no_library(p, choice, error);
}

/* Names and signatures are the same for all targets of a package. */
static aotc_status package_table(aotc_package *p, const aotc_model_table **out, aotc_error *error)
{
    const Choice any = {.device_id = -1, .names_only = true};
    Code        *code;
    int          device;
    pthread_mutex_lock(&p->lock);
    aotc_status s = AOTC_OK;
    if (p->codes)
        code = p->codes;
    else
        s = choose_code(p, &any, &code, &device, error);
    if (!s)
        *out = code->table;
    pthread_mutex_unlock(&p->lock);
    return s;
}

void aotc_package_close(aotc_package *p)
{
    if (!p || atomic_fetch_sub(&p->refs, 1) != 1)
        return;
    for (Code *code = p->codes, *next; code; code = next) {
        next = code->next;
        free_code(code);
    }
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

static aotc_status take_choice(const aotc_load_options *o, Choice *out, aotc_error *error)
{
    *out = (Choice){.device_id = -1};
    if (!o)
        return AOTC_OK;
    if (!HAS_FIELD(o, target))
        return error_set(error, AOTC_E_ARGUMENT, "options->struct_size is not set");
    if (o->device_type && o->device_type != kDLCPU && o->device_type != kDLCUDA)
        return error_set(error, AOTC_E_ARGUMENT,
                         "device type %d: models run on the CPU (1) and on CUDA (2)",
                         o->device_type);
    *out = (Choice){.device_type = o->device_type,
                    .device_id = o->device_type == kDLCUDA ? o->device_id : -1,
                    .target = o->target};
    return AOTC_OK;
}

static aotc_status make_shapes(aotc_model *m, aotc_error *error)
{
    const aotc_model_entry *e = m->entry;
    int                     n = e->n_inputs + e->n_outputs;
    for (int k = 0; k < n; k++)
        m->max_rank = signature(e, k)->rank > m->max_rank ? signature(e, k)->rank : m->max_rank;
    m->shapes = calloc((size_t)n * 3 * (size_t)m->max_rank + 1, sizeof *m->shapes);
    if (!m->shapes)
        return error_set(error, AOTC_E_MEMORY, "out of memory");
    fill_shapes(m);
    return AOTC_OK;
}

static aotc_status fill_model(aotc_model *m, const char *entry, int device, aotc_error *error)
{
    aotc_status s = find_entry(m->code->table, entry, &m->entry, error);
    if (!s)
        s = make_shapes(m, error);
    m->table = m->code->table;
    m->weights = m->package->weights ? m->package->weights->data : NULL;
    m->device = (DLDevice){device < 0 ? kDLCPU : kDLCUDA, device < 0 ? 0 : device};
    if (!s && device >= 0)
        s = cuda_code_open(m->package, m->code, device, &m->cuda, error);
    if (!s && device >= 0)
        s = cuda_find_functions(m->cuda, m->entry, &m->functions, error);
    return s;
}

aotc_status aotc_model_load_for(aotc_package *p, const char *entry,
                                const aotc_load_options *options, aotc_model **out,
                                aotc_error *error)
{
    Choice choice;
    int    device;
    error_clear(error);
    if (!p || !out)
        return error_set(error, AOTC_E_ARGUMENT, "package or out is NULL");
    *out = NULL;
    aotc_status s = take_choice(options, &choice, error);
    if (s)
        return s;
    aotc_model *m = calloc(1, sizeof *m);
    if (!m)
        return error_set(error, AOTC_E_MEMORY, "out of memory");
    atomic_init(&m->refs, 1);
    m->package = p;
    atomic_fetch_add(&p->refs, 1);
    pthread_mutex_lock(&p->lock);
    s = choose_code(p, &choice, &m->code, &device, error);
    pthread_mutex_unlock(&p->lock);
    if (!s)
        s = fill_model(m, entry, device, error);
    if (s)
        aotc_model_release(m);
    else
        *out = m;
    return s;
}

aotc_status aotc_model_load(aotc_package *p, const char *entry, aotc_model **out, aotc_error *error)
{
    return aotc_model_load_for(p, entry, NULL, out, error);
}

const char *aotc_model_target(const aotc_model *m)
{
    return m ? m->code->member->target : "";
}

DLDevice aotc_model_device(const aotc_model *m)
{
    return m ? m->device : (DLDevice){kDLCPU, 0};
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
    if (m->cuda)
        cuda_code_close(m->package, m->code, m->cuda);
    aotc_package_close(m->package);
    free(m->functions);
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
    if (!out || !HAS_FIELD(out, literal_float))
        return AOTC_E_ARGUMENT;
    const int64_t   *shape = m->shapes + (size_t)slot * 3 * (size_t)m->max_rank;
    uint32_t         size = out->struct_size;
    bool             is_on_cpu = t->flags & AOTC_TENSOR_SCALAR || t->device == kDLCPU;
    aotc_tensor_info info = {
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
        .device = is_on_cpu ? (DLDevice){kDLCPU, 0} : m->device,
    };
    memcpy(out, &info, size < sizeof info ? size : sizeof info);
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
