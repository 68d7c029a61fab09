/* Machines that code is made for: one row each.  A CUDA row is an instruction set of a device; all
 * that are asked for become one library. */
#include "aotc/toolchain.h"

#include "abi/aotc_package.h"

#include <string.h>

#define V2 AOTC_CPU_SSE4_2
#define V3 (V2 | AOTC_CPU_AVX | AOTC_CPU_AVX2 | AOTC_CPU_FMA | AOTC_CPU_F16C | AOTC_CPU_BMI2)
#define V4 (V3 | AOTC_CPU_AVX512F | AOTC_CPU_AVX512BW | AOTC_CPU_AVX512DQ | AOTC_CPU_AVX512VL)

/* The host part of a CUDA library only launches: the least that x86-64 machines with such devices
 * have. */
#if defined(__x86_64__)
#define CUDA_HOST "-march=x86-64-v2"
#define CUDA_HOST_FEATURES V2
#else
#define CUDA_HOST ""
#define CUDA_HOST_FEATURES 0
#endif
#define CUDA(arch, sm, exact)                                                                      \
    {                                                                                              \
        "cuda:sm_" #sm, CUDA_HOST, NULL, CUDA_HOST_FEATURES | AOTC_NEEDS_CUDA,                     \
        {                                                                                          \
            arch, sm, exact, false                                                                 \
        }                                                                                          \
    }

static const TargetInfo targets[] = {
    {.name = "native", .flags = "-march=native"}, /* features: cpu_features() */
    {.name = "x86-64-v2", .flags = "-march=x86-64-v2", .features = V2},
    {.name = "x86-64-v3", .flags = "-march=x86-64-v3", .features = V3},
    {.name = "x86-64-v4", .flags = "-march=x86-64-v4 -mprefer-vector-width=512", .features = V4},
    {.name = "aarch64-linux-gnu", .flags = "-march=armv8-a", .triple = "aarch64-linux-gnu-"},
    CUDA("sm_80", 80, false),
    CUDA("sm_86", 86, false),
    CUDA("sm_89", 89, false),
    CUDA("sm_90a", 90, true), /* wgmma and setmaxnreg are in the `a` set alone */
    CUDA("sm_100", 100, false),
    CUDA("sm_120", 120, false),
};

const TargetInfo *target_at(int index)
{
    return index >= 0 && index < (int)(sizeof targets / sizeof *targets) ? &targets[index] : NULL;
}

static const TargetInfo *find(const char *name, size_t n)
{
    const TargetInfo *t;
    for (int i = 0; (t = target_at(i)); i++)
        if (strlen(t->name) == n && !strncmp(t->name, name, n))
            return t;
    return NULL;
}

static uint64_t native_features(void)
{
    uint64_t have = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("sse4.2"))
        have |= V2;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        have |= V3;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        have |= V4;
#endif
    return have;
}

/* The library of that name in the list; a new one when there is none. */
static Library *library_for(TargetList *list, const char *name)
{
    for (int i = 0; i < list->n; i++)
        if (!strcmp(list->libraries[i].name, name))
            return &list->libraries[i];
    list->libraries[list->n] = (Library){.name = name};
    return &list->libraries[list->n++];
}

static void add_arch(Library *library, const CudaArch *arch)
{
    for (int i = 0; i < library->n_archs; i++)
        if (!strcmp(library->archs[i].name, arch->name))
            return;
    library->archs[library->n_archs++] = *arch;
}

static Error *add_target(Arena *arena, TargetList *list, const char *name, size_t n)
{
    const TargetInfo *t = find(name, n);
    if (!t)
        return error_new(arena, E_USAGE, (Where){0}, "unknown target %.*s; --help names them",
                         (int)n, name);
    Library *library = library_for(list, t->arch.name ? "cuda" : t->name);
    library->flags = t->flags;
    library->triple = t->triple;
    library->features = strcmp(t->name, "native") ? t->features : native_features();
    if (!t->arch.name)
        return NULL;
    add_arch(library, &t->arch);
    if (t->arch.sm == 80) /* what devices newer than all cubins compile for themselves */
        add_arch(library, &(CudaArch){"compute_80", 80, false, true});
    return NULL;
}

Error *targets_parse(Arena *arena, const char *text, TargetList *out)
{
    *out = (TargetList){0};
    for (const char *at = text; *at;) {
        size_t n = strcspn(at, ",");
        if (out->n == MAX_LIBRARIES)
            return error_new(arena, E_USAGE, (Where){0}, "more than %d targets", MAX_LIBRARIES);
        if (n)
            TRY(add_target(arena, out, at, n));
        at += n + (at[n] == ',');
    }
    return out->n ? NULL : error_new(arena, E_USAGE, (Where){0}, "--target names no target");
}
