/* See compile.h. */
#include "aotc/compile.h"

#include "abi/aotc_package.h"
#include "aotc/freeze.h"
#include "aotc/logs.h"
#include "aotc/op_stub.h"
#include "aotc/progress.h"
#include "emit_c/custom.h"
#include "ir/import.h"
#include "package/archive_read.h"
#include "package/write.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* Kernels a file: enough files to keep `-j` compilers busy, few enough that the fixed text is not
 * compiled too often. */
#define KERNELS_PER_FILE 24
#define CUDA_KERNELS_PER_FILE 12

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

static Error *read_text(Arena *arena, const char *path, const char **out)
{
    FILE *f = fopen(path, "r");
    Text  text = text_new(arena);
    char  buffer[4096];
    if (!f)
        return error_new(arena, E_IO, (Where){.file = path}, "cannot open the file");
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, f));)
        text_putn(&text, buffer, n);
    fclose(f);
    *out = text.data;
    return NULL;
}

static Error *new_ir(Arena *arena, CompileOptions *o, const char *file, Ir **out)
{
    *out = ir_create(arena, file);
    TRY(op_files_read(arena, &o->ops));
    return op_files_declare(&o->ops, *out);
}

Error *read_ir(Arena *arena, CompileOptions *o, const char *path, Graph **graph, Plan **plan,
               Archive **archive)
{
    const char *text;
    Ir         *ir;
    *archive = NULL;
    *graph = NULL;
    *plan = NULL;
    if (!is_ir_text(path)) {
        ImportSource source;
        TRY(archive_open(arena, path, o->weights_from, archive));
        TRY(archive_load(*archive, o->model, &source));
        TRY(new_ir(arena, o, source.file, &ir));
        return graph_import(ir, &source, graph);
    }
    TRY(read_text(arena, path, &text));
    TRY(new_ir(arena, o, path, &ir));
    if (!plan_is_text(text))
        return graph_parse(ir, text, graph);
    TRY(plan_parse(ir, text, plan));
    return plan_verify(*plan);
}

/* A package holds one plan for CPUs and one for CUDA devices, and a library for each machine. */
typedef struct Variant {
    bool          is_cuda;
    Archive      *archive;
    Plan         *plan;
    PassCtx       passes;
    FrozenWeights weights;
    bool          is_frozen;
} Variant;

typedef struct Built {
    const Library *library;
    Variant       *variant;
    EmitFile      *files;
    int            n_files;
    BuiltObject    object;
} Built;

typedef struct Compile {
    Arena          *arena;
    CompileOptions *o;
    Progress        progress;
    CompileTimes    times;
    Variant         variants[2];
    WeightLayout    layouts[2];
    int             n_variants;
    Built           built[MAX_LIBRARIES];
    int             n_built;
} Compile;

static uint32_t machine_of(const BuiltObject *object)
{
    const unsigned char *elf = object->data; /* e_machine: ELF specification, offset 18 */
    return object->size_bytes > 20 ? (uint32_t)elf[18] | (uint32_t)elf[19] << 8 : 0;
}

/* ---- from the export to a plan --------------------------------------------------------------- */

static void print_plan(const Compile *c, const Plan *plan)
{
    const char *print = c->o->passes.print_after;
    if (!print || (strcmp(print, "lower") && strcmp(print, "all")))
        return;
    Text text = text_new(c->arena);
    plan_print(&text, plan);
    c->o->passes.print(c->o->passes.print_cx, "lower", text.data);
}

static Error *lower_model(Compile *c, Variant *v, Graph *graph)
{
    double start = now();
    progress_step(&c->progress, "graph passes", 0, 1);
    Error *error = passes_run(graph, &v->passes);
    if (error && c->o->stubs && !c->o->stubs->n && v->passes.unsupported.n)
        op_stub_print(c->o->stubs, v->passes.unsupported.items, v->passes.unsupported.n,
                      c->o->input, c->o->target, v->is_cuda);
    if (error)
        return error;
    log_graph(c->o->logs, c->arena, graph);
    c->times.passes += now() - start;
    start = now();
    progress_step(&c->progress, "lowering", 0, 1);
    TRY(lower_graph(graph, &v->passes, &v->plan));
    TRY(plan_verify(v->plan));
    c->times.lower += now() - start;
    return NULL;
}

/* A plan that was read from text is for one kind of device, and has no bytes of constants. */
static Error *check_text_plan(const Compile *c, const Variant *v)
{
    Where where = {.file = c->o->input};
    if (v->plan->is_cuda != v->is_cuda)
        return error_new(c->arena, E_USAGE, where, "the plan is for %s, the target is %s",
                         v->plan->is_cuda ? "CUDA devices" : "CPUs",
                         v->is_cuda ? "a CUDA device" : "a CPU");
    for (int i = 0; i < v->plan->constants.n && !c->o->emit_only; i++) {
        Error *error = error_new(c->arena, E_UNSUPPORTED, where,
                                 "the text of a plan has no bytes of constants: %s",
                                 v->plan->constants.items[i].fqn);
        error->help = "--emit-only writes the sources of a plan; a package is made from the export";
        return error;
    }
    return NULL;
}

static Error *make_plan(Compile *c, Variant *v)
{
    Graph *graph;
    double start = now();
    progress_step(&c->progress, "reading", 0, 1);
    v->passes = c->o->passes;
    v->passes.arena = c->arena;
    v->passes.target_is_cuda = v->is_cuda;
    TRY(read_ir(c->arena, c->o, c->o->input, &graph, &v->plan, &v->archive));
    c->times.read += now() - start;
    TRY(v->plan ? check_text_plan(c, v) : lower_model(c, v, graph));
    log_plan(c->o->logs, c->arena, v->plan);
    print_plan(c, v->plan);
    return NULL;
}

static Variant *variant_of(Compile *c, bool is_cuda)
{
    for (int i = 0; i < c->n_variants; i++)
        if (c->variants[i].is_cuda == is_cuda)
            return &c->variants[i];
    c->variants[c->n_variants] = (Variant){.is_cuda = is_cuda};
    return &c->variants[c->n_variants++];
}

/* ---- from a plan to a library ---------------------------------------------------------------- */

static void progress_cc(void *cx, int done, int total)
{
    progress_step(cx, "compiling C", done, total);
}

static int count_files(const Plan *plan, int kernels_per_file)
{
    int n = (plan->kernels.n + kernels_per_file - 1) / kernels_per_file;
    return n < 1 ? 1 : n > 16 ? 16 : n;
}

static const Kernel *first_custom(const Plan *plan)
{
    for (int i = 0; i < plan->kernels.n; i++)
        if (plan->kernels.items[i]->kind == KERNEL_CUSTOM)
            return plan->kernels.items[i];
    return NULL;
}

/* Declared by an IR text or --op-schema alone. */
static Error *check_operators(Compile *c, const Plan *plan)
{
    const Kernel *k = first_custom(plan);
    if (!k || c->o->emit_only || op_files_have_code(&c->o->ops))
        return NULL;
    Error *error = error_new(c->arena, E_UNSUPPORTED, k->where,
                             "the custom operator %s has no code", k->custom.schema->name);
    error->help = "give the file that defines its function: --op-source or --op-library";
    return error;
}

/* The user's sources are compiled beside the emitted ones. */
static Error *add_operators(Compile *c, Built *b)
{
    EmitFile *own, *all;
    int       n;
    TRY(op_files_sources(c->arena, &c->o->ops, b->variant->is_cuda, &own, &n));
    if (!first_custom(b->variant->plan) || !n)
        return NULL;
    all = ARENA_ARRAY(c->arena, EmitFile, b->n_files + n);
    memcpy(all, b->files, (size_t)b->n_files * sizeof *all);
    memcpy(all + b->n_files, own, (size_t)n * sizeof *all);
    b->files = all;
    b->n_files += n;
    return NULL;
}

static Error *emit_library(Compile *c, Built *b)
{
    Variant    *v = b->variant;
    EmitOptions eo = {
        .target = b->library->name, .producer = "aotc 0.1", .layout = &c->layouts[v - c->variants]};
    double start = now();
    progress_step(&c->progress, v->is_cuda ? "emitting CUDA" : "emitting C", 0, 1);
    if (v->is_cuda) {
        eo.device = EMIT_CUDA;
        eo.n_files = count_files(v->plan, CUDA_KERNELS_PER_FILE);
        TRY(emit_cuda(v->plan, c->arena, &eo, b->library->archs, b->library->n_archs, &b->files,
                      &b->n_files));
    } else {
        eo.n_files = count_files(v->plan, KERNELS_PER_FILE);
        TRY(emit_c(v->plan, c->arena, &eo, &b->files, &b->n_files));
    }
    log_code(c->o->logs, b->files, b->n_files);
    TRY(check_operators(c, v->plan));
    TRY(add_operators(c, b));
    c->times.emit += now() - start;
    return NULL;
}

/* With several libraries each has a folder of its own below --keep. */
static Toolchain tool_for(const Compile *c, const Built *b)
{
    Toolchain tool = c->o->tool;
    if (tool.keep && c->n_built > 1)
        tool.keep = arena_printf(c->arena, "%s/%s", tool.keep, b->library->name);
    if (first_custom(b->variant->plan))
        tool.ops = &c->o->ops;
    tool.progress = progress_cc;
    tool.progress_cx = (void *)&c->progress;
    return tool;
}

static Error *make_folder(const Compile *c)
{
    const char *keep = c->o->tool.keep;
    if (!keep || c->n_built < 2 || !mkdir(keep, 0777) || errno == EEXIST)
        return NULL;
    return error_new(c->arena, E_IO, (Where){.file = keep}, "cannot create the folder: %s",
                     strerror(errno));
}

/* Shared libraries of operators, so that the compiled code finds them by their names: in the end
 * they have to be where the dynamic linker of the machine looks. */
static Error *load_operators(Compile *c, void **handles, int *n)
{
    const OpFiles *ops = &c->o->ops;
    for (int i = 0; i < ops->files.n; i++) {
        const OpFile *f = &ops->files.items[i];
        if (f->kind != OP_FILE_LIBRARY || f->is_static)
            continue;
        const char *path = strchr(f->path, '/') ? f->path : arena_printf(c->arena, "./%s", f->path);
        void       *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
        if (!handle)
            return error_new(c->arena, E_TOOLCHAIN, (Where){.file = f->path},
                             "cannot load the library of operators: %s", dlerror());
        handles[(*n)++] = handle;
    }
    return NULL;
}

/* Constants are folded by the first library of the plan: they are the same in all. */
static Error *fold_constants(Compile *c, Built *b)
{
    double start = now();
    if (b->variant->is_frozen)
        return NULL;
    progress_step(&c->progress, "folding constants", 0, 1);
    void **handles = ARENA_ARRAY(c->arena, void *, c->o->ops.files.n + 1);
    int    n_handles = 0;
    Error *error = first_custom(b->variant->plan) ? load_operators(c, handles, &n_handles) : NULL;
    if (!error)
        error = freeze_weights(c->arena, b->variant->plan, &b->object, &b->variant->weights);
    while (n_handles)
        dlclose(handles[--n_handles]);
    b->variant->is_frozen = true;
    c->times.freeze += now() - start;
    return error;
}

/* A linker's "undefined reference to `mylib_f'" is about an operator of the user. */
static Error *explain_undefined(Compile *c, const Built *b, Error *error)
{
    const Plan *plan = b->variant->plan;
    for (int i = 0; i < plan->kernels.n && strstr(error->message, "undefined"); i++) {
        const Kernel *k = plan->kernels.items[i];
        bool          is_cuda = b->variant->is_cuda && !k->is_host;
        if (k->kind != KERNEL_CUSTOM)
            continue;
        const char *name = custom_function_name(c->arena, k->custom.schema, is_cuda);
        const char *quoted[] = {arena_printf(c->arena, "`%s'", name),
                                arena_printf(c->arena, "symbol: %s\n", name)};
        if (!strstr(error->message, quoted[0]) && !strstr(error->message, quoted[1]))
            continue;
        Error *said = error_new(c->arena, E_TOOLCHAIN, k->where,
                                "no file defines the function %s of the custom operator %s", name,
                                k->custom.schema->text);
        said->help = is_cuda
                         ? "for CUDA targets its name ends in _cuda, and the file is --op-source "
                           "FILE.cu or --op-library"
                         : "the files given with --op-source and --op-library have to define it; "
                           "in C++ it is extern \"C\"";
        return said;
    }
    return error;
}

static Error *build_library(Compile *c, Built *b)
{
    Toolchain tool = tool_for(c, b);
    Error *error = toolchain_build(&tool, c->arena, b->library, b->files, b->n_files, &b->object);
    if (error)
        return explain_undefined(c, b, error);
    c->times.cc += b->object.seconds;
    return fold_constants(c, b);
}

/* ---- the package ----------------------------------------------------------------------------- */

static Error *add_members(Compile *c, const Built *b, PackageMember *members, int *n)
{
    members[(*n)++] =
        (PackageMember){.name = arena_printf(c->arena, "lib/%s/model.so", b->library->name),
                        .data = b->object.data,
                        .size_bytes = b->object.size_bytes,
                        .kind = AOTC_MEMBER_LIBRARY,
                        .target = b->library->name,
                        .machine = machine_of(&b->object),
                        .features = b->library->features};
    for (int i = 0; i < b->n_files; i++) {
        PackageMember *m = &members[(*n)++];
        const char *folder = c->n_built > 1 ? arena_printf(c->arena, "%s/", b->library->name) : "";
        *m = (PackageMember){
            .name = arena_printf(c->arena, "source/%s%s.gz", folder, b->files[i].name)};
        TRY(package_gzip(c->arena, b->files[i].text, b->files[i].n, &m->data, &m->size_bytes));
    }
    return NULL;
}

static int by_offset(const void *a, const void *b)
{
    const WeightPiece *x = a, *y = b;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* The pieces of all plans: a storage that both use is one piece. */
static WeightPiece *all_pieces(Compile *c, int *n)
{
    int total = 0;
    for (int i = 0; i < c->n_variants; i++)
        total += c->variants[i].weights.n;
    WeightPiece *pieces = ARENA_ARRAY(c->arena, WeightPiece, total + 1);
    total = *n = 0;
    for (int i = 0; i < c->n_variants; i++)
        for (int k = 0; k < c->variants[i].weights.n; k++)
            pieces[total++] = c->variants[i].weights.pieces[k];
    qsort(pieces, (size_t)total, sizeof *pieces, by_offset);
    for (int i = 0; i < total; i++)
        if (!*n || pieces[*n - 1].offset != pieces[i].offset)
            pieces[(*n)++] = pieces[i];
    return pieces;
}

static Error *write_package(Compile *c)
{
    int n_members = 1, n = 0, n_pieces;
    for (int i = 0; i < c->n_built; i++)
        n_members += 1 + c->built[i].n_files;
    PackageMember *members = ARENA_ARRAY(c->arena, PackageMember, n_members + 1);
    ManifestSpec   manifest = {.arena = c->arena, .weights_bytes = c->layouts[0].total};
    Text           commands = text_new(c->arena);
    for (int i = 0; i < c->n_variants; i++)
        manifest.plans[manifest.n_plans++] = c->variants[i].plan;
    for (int i = 0; i < c->n_built; i++) {
        manifest.targets[manifest.n_targets++] = c->built[i].library->name;
        text_put(&commands, c->built[i].object.commands);
    }
    manifest.commands = commands.data;
    const char *text = manifest_text(&manifest);
    members[n++] =
        (PackageMember){.name = "manifest.json", .data = text, .size_bytes = strlen(text)};
    for (int i = 0; i < c->n_built; i++)
        TRY(add_members(c, &c->built[i], members, &n));
    WeightPiece *pieces = all_pieces(c, &n_pieces);
    PackageSpec  spec = {members, n, pieces, n_pieces, c->layouts[0].total};
    return package_write(c->arena, c->o->output, &spec);
}

static Error *build_all(Compile *c)
{
    for (int i = 0; i < c->n_built; i++)
        TRY(build_library(c, &c->built[i]));
    if (signals_noted())
        return error_new(c->arena, E_IO, (Where){.file = c->o->output}, "interrupted by a signal");
    double start = now();
    progress_step(&c->progress, "writing", 0, 1);
    TRY(write_package(c));
    c->times.write += now() - start;
    return NULL;
}

static Error *write_sources(Compile *c)
{
    for (int i = 0; i < c->n_built; i++) {
        Toolchain tool = tool_for(c, &c->built[i]);
        TRY(toolchain_write_sources(&tool, c->arena, c->built[i].files, c->built[i].n_files));
    }
    return NULL;
}

static Error *compile_all(Compile *c)
{
    const Plan *plans[2];
    for (int i = 0; i < c->o->targets.n; i++) {
        const Library *library = &c->o->targets.libraries[i];
        c->built[c->n_built++] =
            (Built){.library = library, .variant = variant_of(c, library->n_archs > 0)};
    }
    for (int i = 0; i < c->n_variants; i++) {
        TRY(make_plan(c, &c->variants[i]));
        plans[i] = c->variants[i].plan;
    }
    emit_layout_weights(c->arena, plans, c->n_variants, c->layouts);
    for (int i = 0; i < c->n_built; i++)
        TRY(emit_library(c, &c->built[i]));
    TRY(make_folder(c));
    if (c->o->emit_only)
        return write_sources(c);
    signals_hold();
    Error *error = build_all(c);
    signals_release();
    return error;
}

Error *compile(Arena *arena, CompileOptions *o)
{
    Compile *c = ARENA_NEW(arena, Compile);
    *c = (Compile){.arena = arena, .o = o, .progress = progress_start(o->progress, o->input)};
    o->logs = getenv("AOTC_LOGS");
    TRY(check_logs(arena, o->logs));
    Error *error = compile_all(c);
    if (!error && o->stats) {
        o->passes = c->variants[0].passes;
        error = write_stats(arena, c->variants[0].plan, o, &c->times);
    }
    progress_end(&c->progress, error == NULL, o->output);
    for (int i = 0; i < c->n_variants; i++) {
        freeze_release(&c->variants[i].weights);
        archive_close(c->variants[i].archive);
    }
    return error;
}
