/* ops: the table of operators, from their rows: operators × dtypes × targets; and those that a pass
 * says in others before rows are asked for.
 *
 *   aten.add.Tensor     pointwise   float int uint bool complex   the same
 *   aten.fft_fft        complexify
 *
 * --json gives the rows with their samples, for scripts; --markdown writes docs/operators.md. */
#include "aotc/commands.h"
#include "aotc/ops_dtypes.h"
#include "passes/pass.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {
    [OP_POINTWISE] = "pointwise",       [OP_REDUCTION] = "reduction", [OP_VIEW] = "view",
    [OP_INDEXED] = "indexed",           [OP_COMPOSITE] = "composite", [OP_TEMPLATE] = "template",
    [OP_HIGHER_ORDER] = "higher order", [OP_EFFECT] = "effect"};

typedef struct Listed {
    const char   *name, *kind;
    const OpDesc *row; /* NULL: the pass `kind` replaces it */
} Listed;

typedef enum Form { FORM_TEXT, FORM_JSON, FORM_MARKDOWN } Form;

typedef struct OpsCx {
    Ir            *ir;
    const Command *command;
    Error         *error;
    int            n;
    Form           form;
    bool           on_cpu, on_cuda; /* wanted */
    uint32_t       dtypes;          /* wanted */
    Text           text;
    VEC(Listed) ops;
} OpsCx;

typedef struct Support {
    uint32_t cpu, cuda;
    bool     has_samples; /* of higher-order operators and the like there are none */
} Support;

/* ---- one row --------------------------------------------------------------------------------- */

static void find_support(OpsCx *cx, const OpDesc *row, Support *out)
{
    *out = (Support){0};
    if (!row)
        return;
    *out = (Support){.has_samples = op_has_samples(row)};
    if (cx->on_cpu && !cx->error)
        cx->error = op_dtypes(cx->ir, row, false, cx->dtypes, &out->cpu);
    if (cx->on_cuda && !cx->error)
        cx->error = op_dtypes(cx->ir, row, true, cx->dtypes, &out->cuda);
}

static void put_json_dtypes(OpsCx *cx, const char *target, uint32_t dtypes)
{
    text_printf(&cx->text, ", \"%s\": [", target);
    for (DType d = DT_NONE + 1, first = 1; d < DT_COUNT; d++)
        if (dtypes & 1u << d) {
            text_printf(&cx->text, "%s\"%s\"", first ? "" : ", ", dtype_name(d));
            first = 0;
        }
    text_put(&cx->text, "]");
}

static void put_json(OpsCx *cx, const Listed *op, const Support *s)
{
    Sample *samples;
    int     n = 0;
    if (op->row)
        cx->error = sample_parse(cx->ir, op->row, &samples, &n);
    text_printf(&cx->text, "%s{\"op\": \"%s\", \"kind\": \"%s\"", cx->n ? ",\n" : "", op->name,
                op->kind);
    if (s && cx->on_cpu)
        put_json_dtypes(cx, "cpu", s->cpu);
    if (s && cx->on_cuda)
        put_json_dtypes(cx, "cuda", s->cuda);
    text_put(&cx->text, ", \"samples\": [");
    for (int i = 0; !cx->error && i < n; i++) {
        text_put(&cx->text, i ? ",\n  " : "\n  ");
        sample_json(&cx->text, &samples[i]);
    }
    text_put(&cx->text, "]}");
}

static const char *cuda_text(OpsCx *cx, const Support *s)
{
    return cx->on_cpu && s->cpu == s->cuda ? "same" : dtypes_text(cx->ir->arena, s->cuda);
}

static void put_text(OpsCx *cx, const Listed *op, const Support *s)
{
    Arena *arena = cx->ir->arena;
    text_printf(&cx->text, "%-48s %-12s", op->name, op->kind);
    if (s && !s->has_samples && op->row)
        text_put(&cx->text, "  no samples");
    else if (s && op->row && cx->on_cpu)
        text_printf(&cx->text, "  %-36s", dtypes_text(arena, s->cpu));
    if (s && s->has_samples && cx->on_cuda)
        text_printf(&cx->text, "  %s", cuda_text(cx, s));
    while (cx->text.data[cx->text.n - 1] == ' ')
        cx->text.data[--cx->text.n] = 0;
    text_putc(&cx->text, '\n');
}

static void put_markdown(OpsCx *cx, const Listed *op, const Support *s)
{
    Arena *arena = cx->ir->arena;
    text_printf(&cx->text, "| `%s` | %s | %s | %s |\n", op->name, op->kind,
                s->has_samples ? dtypes_text(arena, s->cpu) : "",
                s->has_samples ? cuda_text(cx, s) : "");
}

/* Takes part in the answer: by name, and by what was asked for. */
static bool is_wanted(const OpsCx *cx, const char *name)
{
    const Command *c = cx->command;
    /* Ours, which others are expanded to: scripts take their samples. */
    if (cx->form != FORM_JSON && !strncmp(name, "aotc::", 6))
        return false;
    for (int i = 0; i < c->n_files; i++)
        if (strstr(name, c->files[i]))
            return true;
    return !c->n_files;
}

static void put_op(OpsCx *cx, const Listed *op, const Support *s)
{
    if (cx->form == FORM_JSON)
        put_json(cx, op, s);
    else if (cx->form == FORM_MARKDOWN)
        put_markdown(cx, op, s);
    else
        put_text(cx, op, s);
    cx->n++;
}

/* ---- all of them ----------------------------------------------------------------------------- */

static void list_op(OpsCx *cx, const char *name, const char *kind, const OpDesc *row)
{
    if (is_wanted(cx, name))
        VEC_PUSH(cx->ir->arena, cx->ops, ((Listed){name, kind, row}));
}

static void list_row(void *user, const OpDesc *row)
{
    OpsCx *cx = user;
    list_op(cx, arena_strndup(cx->ir->arena, row->schema, strcspn(row->schema, "(")),
            kind_names[row->kind], row);
}

static bool is_of_tensors(const OpSchema *s)
{
    bool takes = false, gives = false;
    for (int i = 0; i < s->n_params; i++)
        takes |= s->params[i].type == PARAM_TENSOR;
    for (int i = 0; i < s->n_returns; i++)
        gives |= s->returns[i].type == PARAM_TENSOR;
    return takes && gives && !s->writes;
}

/* fft_fft, view_as_real, masked_select: without rows. */
static void list_replaced(OpsCx *cx)
{
    for (int i = 0; i < schema_count(); i++) {
        const OpSchema *s = schema_find(cx->ir, schema_name_at(i));
        const Pass *pass = s && is_of_tensors(s) && !op_find(cx->ir, s) ? pass_replacing(s) : NULL;
        bool        is_default = s && !strcmp(s->overload, "default");
        if (pass)
            list_op(cx,
                    arena_printf(cx->ir->arena, "aten::%s%s%s", s->base, is_default ? "" : ".",
                                 is_default ? "" : s->overload),
                    pass->name, NULL);
    }
}

static int by_name(const void *a, const void *b)
{
    const Listed *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static void put_ops(OpsCx *cx)
{
    bool asks = cx->on_cpu || cx->on_cuda, is_filter = cx->command->dtype != NULL;
    op_for_each(list_row, cx);
    list_replaced(cx);
    if (cx->form == FORM_MARKDOWN)
        qsort(cx->ops.items, (size_t)cx->ops.n, sizeof *cx->ops.items, by_name);
    for (int i = 0; i < cx->ops.n && !cx->error; i++) {
        const Listed *op = &cx->ops.items[i];
        Support       s;
        if (asks)
            find_support(cx, op->row, &s);
        if (!cx->error && (!is_filter || (cx->on_cpu ? s.cpu : 0) | (cx->on_cuda ? s.cuda : 0)))
            put_op(cx, op, asks ? &s : NULL);
    }
}

static Error *take_options(OpsCx *cx)
{
    const Command *c = cx->command;
    Arena         *arena = cx->ir->arena;
    bool           is_cuda = c->target && !strncmp(c->target, "cuda", 4);
    cx->form = c->markdown ? FORM_MARKDOWN : c->json ? FORM_JSON : FORM_TEXT;
    cx->dtypes = ALL_DTYPES;
    if (c->dtype) {
        DType d = dtype_parse(c->dtype);
        if (d == DT_NONE)
            return error_new(arena, E_USAGE, (Where){0}, "no dtype %s: f32, bf16, i64, …",
                             c->dtype);
        cx->dtypes = 1u << d;
    }
    /* Scripts that want samples alone do not wait for the rest. */
    bool wants_all = c->markdown || (!c->target && (!c->json || c->dtype));
    cx->on_cuda = is_cuda || wants_all;
    cx->on_cpu = (c->target && !is_cuda) || wants_all;
    return NULL;
}

static const char markdown_head[] =
    "# Operators\n\n"
    "Made by `build/aotc ops --markdown > docs/operators.md`; a test compares.\n\n"
    "Every row of `ir/ops/` and the dtypes that it takes: for each of them a sample of the row, "
    "with its first tensor in that dtype, goes through\n"
    "shape inference, all passes, lowering and the emitter. Whether results are right is compared "
    "with eager PyTorch elsewhere\n"
    "(`tests/test_parity.c`, the parity suite). In-place and `out=` variants are turned into these "
    "operators and are not listed.\n\n"
    "Operators whose kind is `complexify` or `index_masks` have no row: the pass of that name says "
    "them "
    "in others (complex tensors and Fourier\n"
    "transforms as real ones, masks as indices), for f32, f64, c64 and c128 or for every dtype.\n\n"
    "float: f16 bf16 f32 f64. int: u8 i8 i16 i32 i64. uint: u16 u32 u64. complex: c64 c128. fp8: "
    "f8e4m3 f8e5m2. all: these and bool. Rows without\n"
    "dtypes (control flow, assertions) have no samples.\n\n"
    "| operator | kind | CPU | CUDA |\n|---|---|---|---|\n";

Error *command_ops(Arena *arena, Command *c)
{
    OpsCx cx = {.ir = ir_create(arena, "ir/ops"), .command = c, .text = text_new(arena)};
    TRY(take_options(&cx));
    put_ops(&cx);
    if (cx.error)
        return cx.error;
    if (cx.form == FORM_JSON)
        printf("[\n%s\n]\n", cx.text.data);
    else if (cx.form == FORM_MARKDOWN)
        printf("%s%s\n%d operators.\n", markdown_head, cx.text.data, cx.n);
    else
        printf("%s%d operators\n", cx.text.data, cx.n);
    return NULL;
}
