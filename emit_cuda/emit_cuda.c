/* The files of a CUDA model; see emit_cuda.h.
 *
 *   kernels_0.cu, kernels_1.cu …   device functions, balanced over the parts
 *   model.c                        launchers, kernels on the CPU, run function, fold plan, tables,
 *                                  cubins */
#include "emit_c/templates.h"
#include "emit_cuda/cuda_internal.h"

#include <string.h>

/* ---- one kernel ------------------------------------------------------------------------------ */

static Error *emit_device_copy(CudaEmit *c, const Kernel *k)
{
    const Operand *from = &k->pack.from;
    text_printf(c->launch, "    f->cuda->copy(f, %s, %s, (uint64_t)(%s)*%d);\n",
                emit_buffer_name(&c->e, k->pack.to), emit_load_operand_base(&c->e, from),
                emit_expr(&c->e, k->pack.to->numel), dtype_size(k->pack.to->dtype));
    return NULL;
}

/* The loader calls the user's function, on the run's stream or while it records a graph. */
static Error *emit_custom_operator(CudaEmit *c, const Kernel *k)
{
    c->e.is_device = false; /* the host fills the arguments */
    const char *filled = emit_custom_call(&c->e, k), *name = emit_kernel_name(&c->e, k);
    text_printf(c->launch, "%s    f->cuda->call(f, %d, %s_call, &args, sizeof args);\n", filled,
                emit_kernel_index(&c->e, k), name);
    return NULL;
}

static Error *emit_device_kernel(CudaEmit *c, const Kernel *k)
{
    switch (k->kind) {
    case KERNEL_LOOPS:
        return cuda_emit_loops(c, k);
    case KERNEL_GEMM:
        return cuda_emit_gemm(c, k);
    case KERNEL_CONV:
        return cuda_emit_conv(c, k);
    case KERNEL_DEPTHWISE:
        return cuda_emit_depthwise(c, k);
    case KERNEL_ATTENTION:
        return cuda_emit_attention(c, k);
    case KERNEL_LSTM:
    case KERNEL_GRU:
        return cuda_emit_rnn(c, k);
    case KERNEL_SCAN:
        return cuda_emit_scan(c, k);
    case KERNEL_SORT:
        return cuda_emit_sort(c, k);
    case KERNEL_NONZERO:
        return cuda_emit_nonzero(c, k);
    case KERNEL_EMBEDDING_BAG:
        return cuda_emit_bag(c, k);
    case KERNEL_CALL:
        return cuda_emit_call(c, k);
    case KERNEL_CUSTOM:
        return emit_custom_operator(c, k);
    case KERNEL_COPY:
        return emit_device_copy(c, k);
    default:
        return emit_unsupported(&c->e, k, "no CUDA code for kernels of kind %s",
                                kernel_kind_name(k->kind));
    }
}

/* What host functions call: a function as in a model for CPUs. */
static Error *emit_host_kernel(CudaEmit *c, const Kernel *k)
{
    Emit  *e = &c->e;
    size_t start = e->out->n;
    e->device = EMIT_CPU;
    Error *error = emit_kernel(e, k);
    e->device = EMIT_CUDA;
    c->draws[emit_kernel_index(e, k)] = strstr(e->out->data + start, "f->seed") != NULL;
    return error;
}

/* Device functions go to c->functions; the launcher is printed here. */
static Error *emit_launched_kernel(CudaEmit *c, const Kernel *k)
{
    Emit *e = &c->e;
    Text  launch = text_new(e->arena), scrap = text_new(e->arena), pointers = text_new(e->arena);
    Text *out = e->out;
    c->launch = &launch;
    c->kernel = k;
    c->needs.n = 0;
    e->out = &scrap;
    e->is_device = true;
    Error *error = emit_device_kernel(c, k);
    e->is_device = false;
    if (!error) {
        e->out = &pointers;
        emit_used_pointers(e, k, launch.data, 1);
    }
    e->out = out;
    if (error)
        return error_wrap(e->arena, error, "emitting kernel %s", k->name);
    emit_kernel_comment(e, k);
    text_printf(e->out, "static void %s_launch(const aotc_model_frame *f)\n{\n",
                emit_kernel_name(e, k));
    emit_used_symbols(e, arena_printf(e->arena, "%s%s", pointers.data, launch.data), 1, "f");
    text_put(e->out, pointers.data);
    text_put(e->out, launch.data);
    text_put(e->out, "}\n\n");
    return NULL;
}

void cuda_need(CudaEmit *c, const char *name)
{
    const CudaText *text = cuda_text(name);
    if (text->before)
        cuda_need(c, text->before);
    for (int i = 0; i < c->needs.n; i++)
        if (!strcmp(c->needs.items[i], name))
            return;
    VEC_PUSH(c->e.arena, c->needs, text->name);
}

void cuda_need_scratch(CudaEmit *c, const Expr *bytes)
{
    ExprPool   *p = c->e.exprs;
    const Expr *line = expr_int(p, 256), *up = expr_mul(p, expr_ceildiv(p, bytes, line), line);
    c->e.scratch = c->e.scratch ? expr_max(p, c->e.scratch, up) : up;
}

/* ---- assertions on device values ------------------------------------------------------------- */

int cuda_assert_function(CudaEmit *c)
{
    for (int i = 0; i < c->functions.n; i++)
        if (!strcmp(c->functions.items[i]->name, "aotc_assert"))
            return i;
    CudaUnique *u = ARENA_NEW(c->e.arena, CudaUnique);
    *u = (CudaUnique){.name = "aotc_assert", .key = "", .weight = 64};
    u->text =
        "struct aotc_assert_args {\n    const int64_t *info;\n"
        "    aotc_model_device_failure *f;\n    int64_t kernel;\n    char message[96];\n};\n\n"
        "extern \"C\" __global__ void aotc_assert(const __grid_constant__ aotc_assert_args a)"
        "\n{\n    aotc_begin();\n    const int64_t info = *a.info;\n    if (info)\n"
        "        aotc_fail(a.f, AOTC_FAIL_MATRIX, (int32_t)a.kernel, (int32_t)info, info >> 32,\n"
        "                  a.message);\n}\n\n";
    VEC_PUSH(c->e.arena, c->functions, u);
    return c->functions.n - 1;
}

static const char assert_launcher[] =
    "typedef struct aotc_assert_args {\n    const void *info;\n    void *f;\n    int64_t kernel;\n"
    "    char message[96];\n} aotc_assert_args;\n\n"
    "static void aotc_assert_launch(const aotc_model_frame *f, int32_t function, int32_t kernel,\n"
    "                               const void *info, const char *message)\n{\n"
    "    aotc_assert_args args = {info, f->cuda->failure, kernel, {0}};\n"
    "    const aotc_model_launch launch = {.function = function, .kernel = -1, .grid = {1, 1, 1},\n"
    "                                      .block = {1, 1, 1}, .flags = AOTC_LAUNCH_EARLY};\n"
    "    strncpy(args.message, message, sizeof args.message - 1);\n"
    "    f->cuda->launch(f, &launch, &args, sizeof args);\n}\n\n";

/* ---- device files ---------------------------------------------------------------------------- */

/* Largest first into the lightest part: parts compile side by side. */
static void assign_parts(CudaEmit *c)
{
    int  *order = ARENA_ARRAY(c->e.arena, int, c->functions.n + 1);
    long *load = ARENA_ARRAY(c->e.arena, long, c->n_parts + 1);
    for (int i = 0; i < c->functions.n; i++) {
        int at = i;
        for (; at > 0 && c->functions.items[order[at - 1]]->weight < c->functions.items[i]->weight;
             at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    for (int i = 0; i < c->functions.n; i++) {
        CudaUnique *u = c->functions.items[order[i]];
        for (int p = 1; p < c->n_parts; p++)
            if (load[p] < load[u->part])
                u->part = p;
        load[u->part] += u->weight;
    }
}

static void put_needed(Text *t, const CudaEmit *c, int part)
{
    for (int i = 0; i < cuda_n_texts(); i++) {
        bool needed = false;
        for (int f = 0; f < c->functions.n; f++)
            for (int r = 0;
                 c->functions.items[f]->part == part && r < c->functions.items[f]->runtime.n; r++)
                needed |= !strcmp(c->functions.items[f]->runtime.items[r], cuda_text_at(i)->name);
        if (needed)
            text_printf(t, "%s\n", cuda_text_at(i)->text);
    }
}

static void device_file(CudaEmit *c, int part, EmitFile *file)
{
    Text t = text_new(c->e.arena);
    cuda_put_head(&t);
    put_needed(&t, c, part);
    for (int i = 0; i < c->functions.n; i++)
        if (c->functions.items[i]->part == part)
            text_put(&t, c->functions.items[i]->text);
    *file = (EmitFile){arena_printf(c->e.arena, "kernels_%d.cu", part), t.data, t.n, NULL};
}

/* ---- model.c --------------------------------------------------------------------------------- */

static void print_arguments(CudaEmit *c, Text *out)
{
    text_put(out, "typedef struct aotc_tensor_map {\n    _Alignas(64) uint64_t opaque[16];\n"
                  "} aotc_tensor_map;\n\n");
    text_put(out, assert_launcher);
    for (int i = 0; i < c->functions.n; i++) {
        const CudaUnique *u = c->functions.items[i];
        if (!u->fields.n)
            continue;
        text_put(out, "typedef struct {\n");
        for (int f = 0; f < u->fields.n; f++)
            text_printf(out, "    %s;\n", u->fields.items[f]);
        text_printf(out, "} %s_args;\n\n", u->name);
    }
}

static void print_functions(CudaEmit *c)
{
    Emit *e = &c->e;
    if (!c->functions.n)
        return;
    text_put(e->out, "static const aotc_model_function functions[] = {\n");
    for (int i = 0; i < c->functions.n; i++)
        text_printf(e->out, "    {\"%s\", %d, %d},\n", c->functions.items[i]->name,
                    c->functions.items[i]->part, c->functions.items[i]->max_shared_bytes);
    text_put(e->out, "};\n\n");
    e->n_functions = c->functions.n;
}

const char *emit_cuda_image_name(Arena *arena, int part, const CudaArch *arch)
{
    return arena_printf(arena, "kernels_%d.%s.%s", part, arch->name, arch->ptx ? "ptx" : "cubin");
}

/* A byte 0 ends each image: PTX is a string. */
static void print_images(CudaEmit *c)
{
    Emit *e = &c->e;
    int   n_parts = c->functions.n ? c->n_parts : 0;
    for (int i = 0; i < c->n_archs * n_parts; i++)
        text_printf(
            e->out,
            "__asm__(\".section .rodata\\n.balign 64\\naotc_image_%d:\\n.incbin \\\"%s\\\"\\n"
            "aotc_image_%d_end:\\n.byte 0\\n.previous\\n\");\n"
            "extern const unsigned char aotc_image_%d[] AOTC_HIDDEN, "
            "aotc_image_%d_end[] AOTC_HIDDEN;\n",
            i, emit_cuda_image_name(e->arena, i % n_parts, &c->archs[i / n_parts]), i, i, i);
    text_put(e->out, "static const aotc_model_image images[] = {\n");
    for (int i = 0; i < c->n_archs; i++)
        for (int p = 0; p < (n_parts ? n_parts : 1); p++) {
            const CudaArch *a = &c->archs[i];
            const char     *image = arena_printf(e->arena, "aotc_image_%d", i * n_parts + p);
            /* A plan without device functions still says which devices it is for. */
            text_printf(e->out, "    {%d, %s, %d, 0, %s, %s%s},\n", a->sm,
                        a->ptx     ? "AOTC_IMAGE_PTX"
                        : a->exact ? "AOTC_IMAGE_EXACT"
                                   : "0",
                        p, n_parts ? image : "0", n_parts ? image : "0", n_parts ? "_end" : "");
        }
    text_put(e->out, "};\n\n");
    e->n_images = c->n_archs * (n_parts ? n_parts : 1);
}

static Error *model_file(CudaEmit *c, const EmitOptions *options, EmitFile *file, Text *body,
                         Text *runtime)
{
    Emit *e = &c->e;
    Text  arguments = text_new(e->arena);
    TRY(cuda_emit_host(c));
    if (c->n_parts > c->functions.n)
        c->n_parts = c->functions.n ? c->functions.n : 1;
    assign_parts(c);
    print_functions(c);
    TRY(emit_entry_table(e, e->plan->name ? e->plan->name : "model"));
    if (e->root->fold)
        TRY(emit_fold(e));
    print_images(c);
    TRY(emit_model_table(e, options, e->root->fold != NULL));
    print_arguments(c, &arguments);
    e->out = body;
    e->runtime = runtime;
    emit_close_file(e, file, "model.c", arguments.data);
    return NULL;
}

Error *emit_cuda(const Plan *plan, Arena *arena, const EmitOptions *options, const CudaArch *archs,
                 int n_archs, EmitFile **files, int *n_files)
{
    WeightLayout own;
    CudaEmit     c = {.archs = archs, .n_archs = n_archs};
    Text         body, runtime;
    c.e = (Emit){.plan = plan,
                 .root = plan,
                 .arena = arena,
                 .exprs = plan->ir->exprs,
                 .prefix = "",
                 .layout = options->layout ? options->layout : &own,
                 .device = EMIT_CUDA};
    emit_layout_weights(arena, &plan, 1, &own);
    emit_open_file(&c.e, &body, &runtime);
    c.draws = ARENA_ARRAY(arena, bool, plan->kernels.n + 1);
    for (int i = 0; i < plan->kernels.n; i++)
        TRY(plan->kernels.items[i]->is_host ? emit_host_kernel(&c, plan->kernels.items[i])
                                            : emit_launched_kernel(&c, plan->kernels.items[i]));
    c.n_parts = options->n_files < 1 ? 1 : options->n_files;
    *files = ARENA_ARRAY(arena, EmitFile, c.n_parts + 1);
    TRY(model_file(&c, options, &(*files)[0], &body, &runtime));
    *n_files = 1;
    for (int p = 0; p < c.n_parts && c.functions.n; p++)
        device_file(&c, p, &(*files)[(*n_files)++]);
    return NULL;
}
