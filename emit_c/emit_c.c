/* The C files of a model: kernels over one or several files, then host program and tables in
 * model.c; see emit_c.h. */
#include "emit_c/emit_internal.h"

#include <string.h>

EMIT_RUNTIME_TEXT(emit_text_model_abi, "abi/aotc_model.h");
EMIT_RUNTIME_TEXT(emit_text_prelude, "emit_c/runtime/prelude.c.inc");
EMIT_RUNTIME_TEXT(emit_text_element, "emit_c/runtime/element.c.inc");
EMIT_RUNTIME_TEXT(emit_text_math, "emit_c/runtime/math.c.inc");

/* ---- constants ------------------------------------------------------------------------------- */
uint64_t emit_constant_bytes(const PlanConstant *c)
{
    int64_t numel = 0;
    if (c->storage)
        return c->storage->size_bytes;
    expr_is_int(c->buffer->numel, &numel);
    return (uint64_t)numel * (uint64_t)dtype_size(c->buffer->dtype);
}

static int same_storage(const Plan *plan, int i)
{
    for (int j = 0; j < i; j++)
        if (plan->constants.items[i].storage &&
            plan->constants.items[j].storage == plan->constants.items[i].storage)
            return j;
    return -1;
}

void emit_layout_constants(const Plan *plan, uint64_t *offsets, uint64_t *total)
{
    uint64_t at = 0;
    for (int i = 0; i < plan->constants.n; i++) {
        int j = same_storage(plan, i);
        if (j >= 0) {
            offsets[i] = offsets[j];
            continue;
        }
        offsets[i] = at;
        at += (emit_constant_bytes(&plan->constants.items[i]) + 63) / 64 * 64;
    }
    *total = at;
}

/* Constants of the fold plan stand where the model's own ones with the same storage do. */
static Error *fold_offsets(Emit *e, const Plan *fold, const uint64_t *offsets, uint64_t *out)
{
    for (int i = 0; i < fold->constants.n; i++) {
        const PlanConstant *c = &fold->constants.items[i];
        bool                found = false;
        for (int j = 0; j < e->root->constants.n && !found; j++) {
            found = c->storage && e->root->constants.items[j].storage == c->storage;
            out[i] = offsets[j];
        }
        if (!found)
            return error_new(e->arena, E_INTERNAL, (Where){0},
                             "the fold plan reads %s, which is not in the package", c->fqn);
    }
    return NULL;
}

/* ---- files ----------------------------------------------------------------------------------- */
void emit_open_file(Emit *e, Text *body, Text *runtime)
{
    *body = text_new(e->arena);
    *runtime = text_new(e->arena);
    e->out = body;
    e->runtime = runtime;
    e->runtime_keys.n = 0;
}

void emit_close_file(Emit *e, EmitFile *file, const char *name, const char *head)
{
    Text text = text_new(e->arena);
    text_put(&text, emit_text_model_abi);
    text_putc(&text, '\n');
    text_put(&text, emit_text_prelude);
    text_putc(&text, '\n');
    text_put(&text, emit_text_element);
    text_putc(&text, '\n');
    text_put(&text, emit_text_math);
    text_putc(&text, '\n');
    if (head)
        text_put(&text, head);
    text_put(&text, e->runtime->data);
    text_put(&text, e->out->data);
    *file = (EmitFile){name, text.data, text.n};
}

static Error *emit_kernels(Emit *e, int from, int to)
{
    for (int i = from; i < to; i++) {
        const Kernel *k = e->plan->kernels.items[i];
        TRY(k->kind == KERNEL_LOOPS ? emit_loops_kernel(e, k) : emit_template_kernel(e, k));
    }
    return NULL;
}

static Error *emit_kernel_files(Emit *e, int n, EmitFile *files)
{
    Text body, runtime;
    for (int i = 0; i < n; i++) {
        emit_open_file(e, &body, &runtime);
        int all = e->plan->kernels.n;
        TRY(emit_kernels(e, (int)((int64_t)all * i / n), (int)((int64_t)all * (i + 1) / n)));
        emit_close_file(e, &files[i], arena_printf(e->arena, "kernels_%d.c", i), NULL);
    }
    return NULL;
}

static void declare_kernels(Emit *e)
{
    for (int i = 0; i < e->plan->kernels.n; i++)
        text_printf(e->out, "AOTC_HIDDEN void %s(const aotc_model_frame *f, int32_t thread);\n",
                    emit_kernel_name(e, e->plan->kernels.items[i]));
    text_putc(e->out, '\n');
}

static Emit fold_emit(const Emit *e, const Plan *fold, const uint64_t *offsets)
{
    return (Emit){.plan = fold,
                  .root = e->root,
                  .arena = e->arena,
                  .exprs = fold->ir->exprs,
                  .out = e->out,
                  .runtime = e->runtime,
                  .prefix = "fold_",
                  .constant_offsets = offsets};
}

Error *emit_fold(Emit *e, const uint64_t *offsets)
{
    const Plan *fold = e->root->fold;
    uint64_t   *own = ARENA_ARRAY(e->arena, uint64_t, fold->constants.n + 1);
    TRY(fold_offsets(e, fold, offsets, own));
    Emit f = fold_emit(e, fold, own);
    f.runtime_keys.items = e->runtime_keys.items;
    f.runtime_keys.n = e->runtime_keys.n;
    f.runtime_keys.cap = e->runtime_keys.cap;
    TRY(emit_kernels(&f, 0, fold->kernels.n));
    TRY(emit_host(&f));
    return emit_entry_table(&f, "fold");
}

Error *emit_c(const Plan *plan, Arena *arena, const EmitOptions *options, EmitFile **files,
              int *n_files)
{
    int       n_kernel_files = options->n_files > 1 && plan->kernels.n > 1 ? options->n_files : 0;
    uint64_t *offsets = ARENA_ARRAY(arena, uint64_t, plan->constants.n + 1), total;
    Emit      e = {.plan = plan,
                   .root = plan,
                   .arena = arena,
                   .exprs = plan->ir->exprs,
                   .prefix = "",
                   .constant_offsets = offsets,
                   .many_files = n_kernel_files > 0};
    Text      body, runtime;
    if (n_kernel_files > plan->kernels.n)
        n_kernel_files = plan->kernels.n;
    emit_layout_constants(plan, offsets, &total);
    *files = ARENA_ARRAY(arena, EmitFile, n_kernel_files + 1);
    *n_files = n_kernel_files + 1;
    TRY(emit_kernel_files(&e, n_kernel_files, *files));
    emit_open_file(&e, &body, &runtime);
    if (n_kernel_files)
        declare_kernels(&e);
    else
        TRY(emit_kernels(&e, 0, plan->kernels.n));
    TRY(emit_host(&e));
    TRY(emit_entry_table(&e, plan->name ? plan->name : "model"));
    if (plan->fold)
        TRY(emit_fold(&e, offsets));
    TRY(emit_model_table(&e, options, plan->fold != NULL));
    emit_close_file(&e, &(*files)[n_kernel_files], "model.c", NULL);
    return NULL;
}
