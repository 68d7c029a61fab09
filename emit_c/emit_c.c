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

/* Another plan has read the same archive again: its bytes are the same memory. */
static bool same_storage(const Storage *a, const Storage *b)
{
    return a && b && (a == b || (a->data && a->data == b->data && a->size_bytes == b->size_bytes));
}

static bool find_storage(const Plan *const *plans, const WeightLayout *layouts, int n_plans,
                         int n_last, const Storage *storage, uint64_t *offset)
{
    for (int p = 0; p < n_plans; p++) {
        int n = p == n_plans - 1 ? n_last : plans[p]->constants.n;
        for (int i = 0; i < n; i++)
            if (same_storage(plans[p]->constants.items[i].storage, storage)) {
                *offset = layouts[p].offsets[i];
                return true;
            }
    }
    return false;
}

void emit_layout_weights(Arena *arena, const Plan *const *plans, int n, WeightLayout *out)
{
    uint64_t at = 0;
    for (int p = 0; p < n; p++) {
        out[p].offsets = ARENA_ARRAY(arena, uint64_t, plans[p]->constants.n + 1);
        for (int i = 0; i < plans[p]->constants.n; i++) {
            const PlanConstant *c = &plans[p]->constants.items[i];
            if (find_storage(plans, out, p + 1, i, c->storage, &out[p].offsets[i]))
                continue;
            out[p].offsets[i] = at;
            at += (emit_constant_bytes(c) + 63) / 64 * 64;
        }
    }
    for (int p = 0; p < n; p++)
        out[p].total = at;
}

/* Constants of the fold plan stand where the model's own ones with the same storage do. */
static Error *fold_offsets(Emit *e, const Plan *fold, uint64_t *out)
{
    for (int i = 0; i < fold->constants.n; i++) {
        const PlanConstant *c = &fold->constants.items[i];
        bool                found = false;
        for (int j = 0; j < e->root->constants.n && !found; j++) {
            found = c->storage && e->root->constants.items[j].storage == c->storage;
            out[i] = e->layout->offsets[j];
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
    *file = (EmitFile){name, text.data, text.n, NULL};
}

Error *emit_kernel(Emit *e, const Kernel *k)
{
    return k->kind == KERNEL_LOOPS ? emit_loops_kernel(e, k) : emit_template_kernel(e, k);
}

static Error *emit_kernels(Emit *e, int from, int to)
{
    for (int i = from; i < to; i++)
        TRY(emit_kernel(e, e->plan->kernels.items[i]));
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

static Emit fold_emit(const Emit *e, const Plan *fold, const WeightLayout *layout)
{
    return (Emit){.plan = fold,
                  .root = e->root,
                  .arena = e->arena,
                  .exprs = fold->ir->exprs,
                  .out = e->out,
                  .runtime = e->runtime,
                  .prefix = "fold_",
                  .layout = layout};
}

Error *emit_fold(Emit *e)
{
    const Plan  *fold = e->root->fold;
    WeightLayout own = {ARENA_ARRAY(e->arena, uint64_t, fold->constants.n + 1), e->layout->total};
    TRY(fold_offsets(e, fold, own.offsets));
    Emit f = fold_emit(e, fold, &own);
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
    int n_kernel_files = options->n_files > 1 && plan->kernels.n > 1 ? options->n_files : 0;
    WeightLayout own;
    Emit         e = {.plan = plan,
                      .root = plan,
                      .arena = arena,
                      .exprs = plan->ir->exprs,
                      .prefix = "",
                      .layout = options->layout ? options->layout : &own,
                      .many_files = n_kernel_files > 0};
    Text         body, runtime;
    if (n_kernel_files > plan->kernels.n)
        n_kernel_files = plan->kernels.n;
    emit_layout_weights(arena, &plan, 1, &own);
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
        TRY(emit_fold(&e));
    TRY(emit_model_table(&e, options, plan->fold != NULL));
    emit_close_file(&e, &(*files)[n_kernel_files], "model.c", NULL);
    return NULL;
}
