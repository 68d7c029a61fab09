/* See compile.h. */
#include "aotc/compile.h"

#include "abi/aotc_package.h"
#include "aotc/freeze.h"
#include "aotc/progress.h"
#include "emit_c/emit_c.h"
#include "ir/import.h"
#include "package/archive_read.h"
#include "package/write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Kernels a file: enough files to keep `-j` compilers busy, few enough that the fixed text is not
 * compiled too often. */
#define KERNELS_PER_FILE 24

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool is_ir_text(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && (!strcmp(dot, ".ir") || !strcmp(dot, ".txt"));
}

static Error *read_ir_text(Arena *arena, const char *path, Graph **out)
{
    FILE *f = fopen(path, "r");
    Text  text = text_new(arena);
    char  buffer[4096];
    if (!f)
        return error_new(arena, E_IO, (Where){.file = path}, "cannot open the file");
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, f));)
        text_putn(&text, buffer, n);
    fclose(f);
    return graph_parse(ir_create(arena, path), text.data, out);
}

Error *read_graph(Arena *arena, const char *path, const char *weights_from, const char *model,
                  Graph **out, Archive **archive)
{
    *archive = NULL;
    if (is_ir_text(path))
        return read_ir_text(arena, path, out);
    ImportSource source;
    TRY(archive_open(arena, path, weights_from, archive));
    TRY(archive_load(*archive, model, &source));
    return graph_import(ir_create(arena, source.file), &source, out);
}

/* ---- what the code needs of a CPU ------------------------------------------------------------ */

static uint64_t features_of(const char *target)
{
    const uint64_t v2 = AOTC_CPU_SSE4_2, v3 = v2 | AOTC_CPU_AVX | AOTC_CPU_AVX2 | AOTC_CPU_FMA |
                                              AOTC_CPU_F16C | AOTC_CPU_BMI2;
    const uint64_t v4 =
        v3 | AOTC_CPU_AVX512F | AOTC_CPU_AVX512BW | AOTC_CPU_AVX512DQ | AOTC_CPU_AVX512VL;
    if (!strcmp(target, "x86-64-v2"))
        return v2;
    if (!strcmp(target, "x86-64-v3"))
        return v3;
    if (!strcmp(target, "x86-64-v4"))
        return v4;
    if (strcmp(target, "native"))
        return 0;
    uint64_t have = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("sse4.2"))
        have |= v2;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        have |= v3;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        have |= v4;
#endif
    return have;
}

static uint32_t machine_of(const BuiltObject *object)
{
    const unsigned char *elf = object->data; /* e_machine: ELF specification, offset 18 */
    return object->size_bytes > 20 ? (uint32_t)elf[18] | (uint32_t)elf[19] << 8 : 0;
}

/* ---- stages ---------------------------------------------------------------------------------- */

static Error *write_package(Arena *arena, const CompileOptions *o, const Plan *plan,
                            const EmitFile *files, int n_files, const BuiltObject *object,
                            const FrozenWeights *weights)
{
    PackageMember *members = ARENA_ARRAY(arena, PackageMember, n_files + 4);
    int            n = 0;
    const char    *manifest = manifest_text(arena, plan, o, object->commands, weights->bytes);
    members[n++] =
        (PackageMember){.name = "manifest.json", .data = manifest, .size_bytes = strlen(manifest)};
    members[n++] = (PackageMember){.name = arena_printf(arena, "lib/%s/model.so", o->tool.target),
                                   .data = object->data,
                                   .size_bytes = object->size_bytes,
                                   .kind = AOTC_MEMBER_LIBRARY,
                                   .target = o->tool.target,
                                   .machine = machine_of(object),
                                   .features = features_of(o->tool.target)};
    for (int i = 0; i < n_files; i++) {
        PackageMember *m = &members[n++];
        *m = (PackageMember){.name = arena_printf(arena, "source/%s.gz", files[i].name)};
        TRY(package_gzip(arena, files[i].text, files[i].n, &m->data, &m->size_bytes));
    }
    PackageSpec spec = {members, n, weights->pieces, weights->n, weights->bytes};
    return package_write(arena, o->output, &spec);
}

static void progress_cc(void *cx, int done, int total)
{
    progress_step(cx, "compiling C", done, total);
}

static void count_packages(const Plan *plan, EmitOptions *e)
{
    e->n_files = (plan->kernels.n + KERNELS_PER_FILE - 1) / KERNELS_PER_FILE;
    if (e->n_files < 1)
        e->n_files = 1;
    if (e->n_files > 16)
        e->n_files = 16;
}

static Error *fold_and_write(Arena *arena, const CompileOptions *o, Plan *plan,
                             const EmitFile *files, int n_files, const BuiltObject *object,
                             Progress *p, CompileTimes *t)
{
    FrozenWeights weights = {0};
    double        start = now();
    progress_step(p, "folding constants", 0, 1);
    Error *error = freeze_weights(arena, plan, object, &weights);
    t->freeze = now() - start;
    start = now();
    progress_step(p, "writing", 0, 1);
    if (!error && signals_noted())
        error = error_new(arena, E_IO, (Where){.file = o->output}, "interrupted by a signal");
    if (!error)
        error = write_package(arena, o, plan, files, n_files, object, &weights);
    t->write = now() - start;
    freeze_release(&weights);
    return error;
}

/* ---- AOTC_LOGS: the artifacts whose names PyTorch users know, on stderr ---------------------- */

static bool logs(const CompileOptions *o, const char *artifact)
{
    size_t n = strlen(artifact);
    for (const char *at = o->logs ? o->logs : ""; *at;) {
        size_t len = strcspn(at, ",");
        if (len == n && !strncmp(at, artifact, n))
            return true;
        at += len + (at[len] == ',');
    }
    return false;
}

static void log_graph(const CompileOptions *o, Arena *arena, const Graph *graph)
{
    if (logs(o, "post_grad_graphs")) {
        Text text = text_new(arena);
        graph_print(&text, graph);
        fprintf(stderr, "# post_grad_graphs\n%s", text.data);
    }
    for (int i = 0; i < graph->guards.n && logs(o, "guards"); i++)
        fprintf(stderr, "# guard %s%s\n", graph->guards.items[i].expr ? "" : "(unchecked) ",
                graph->guards.items[i].text);
}

static void log_plan(const CompileOptions *o, Arena *arena, const Plan *plan)
{
    if (logs(o, "schedule") || logs(o, "fusion")) {
        Text text = text_new(arena);
        plan_print(&text, plan);
        fprintf(stderr, "# schedule\n%s", text.data);
    }
}

static void log_code(const CompileOptions *o, const EmitFile *files, int n)
{
    for (int i = 0; i < n && logs(o, "output_code"); i++)
        fprintf(stderr, "/* output_code %s */\n%s", files[i].name, files[i].text);
}

/* A name that is none of them is a mistake worth telling. */
static Error *check_logs(Arena *arena, const char *list)
{
    static const char *const names[] = {"post_grad_graphs", "output_code", "fusion", "schedule",
                                        "guards"};
    for (const char *at = list ? list : ""; *at;) {
        size_t len = strcspn(at, ",");
        bool   known = len == 0;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            known |= strlen(names[i]) == len && !strncmp(names[i], at, len);
        if (!known)
            return error_new(arena, E_USAGE, (Where){0},
                             "AOTC_LOGS: %.*s is none of post_grad_graphs, output_code, fusion, "
                             "schedule, guards",
                             (int)len, at);
        at += len + (at[len] == ',');
    }
    return NULL;
}

static Error *build_and_write(Arena *arena, CompileOptions *o, Plan *plan, Progress *p,
                              CompileTimes *t)
{
    EmitOptions eo = {.target = o->tool.target, .producer = "aotc 0.1"};
    EmitFile   *files = NULL;
    int         n_files = 0;
    BuiltObject object = {0};
    double      start = now();
    count_packages(plan, &eo);
    progress_step(p, "emitting C", 0, 1);
    TRY(emit_c(plan, arena, &eo, &files, &n_files));
    log_code(o, files, n_files);
    t->emit = now() - start;
    if (o->emit_only)
        return toolchain_write_sources(&o->tool, arena, files, n_files);
    o->tool.progress = progress_cc;
    o->tool.progress_cx = p;
    signals_hold();
    Error *error = toolchain_build(&o->tool, arena, files, n_files, &object);
    t->cc = object.seconds;
    if (!error)
        error = fold_and_write(arena, o, plan, files, n_files, &object, p, t);
    signals_release();
    return error;
}

static Error *compile_graph(Arena *arena, CompileOptions *o, Graph *graph, Progress *p,
                            CompileTimes *t)
{
    Plan  *plan = NULL;
    double start = now();
    progress_step(p, "graph passes", 0, 1);
    TRY(passes_run(graph, &o->passes));
    log_graph(o, arena, graph);
    t->passes = now() - start;
    start = now();
    progress_step(p, "lowering", 0, 1);
    TRY(lower_graph(graph, &o->passes, &plan));
    TRY(plan_verify(plan));
    log_plan(o, arena, plan);
    t->lower = now() - start;
    const char *print = o->passes.print_after;
    if (print && (!strcmp(print, "lower") || !strcmp(print, "all"))) {
        Text text = text_new(arena);
        plan_print(&text, plan);
        o->passes.print(o->passes.print_cx, "lower", text.data);
    }
    TRY(build_and_write(arena, o, plan, p, t));
    return o->stats ? write_stats(arena, plan, o, t) : NULL;
}

Error *compile(Arena *arena, CompileOptions *o)
{
    Archive     *archive = NULL;
    Graph       *graph = NULL;
    CompileTimes times = {0};
    Progress     progress = progress_start(o->progress, o->input);
    double       start = now();
    o->logs = getenv("AOTC_LOGS");
    TRY(check_logs(arena, o->logs));
    progress_step(&progress, "reading", 0, 1);
    Error *error = read_graph(arena, o->input, o->weights_from, o->model, &graph, &archive);
    times.read = now() - start;
    o->passes.arena = arena;
    if (!error)
        error = compile_graph(arena, o, graph, &progress, &times);
    progress_end(&progress, error == NULL, o->output);
    archive_close(archive);
    return error;
}
