/* ops: the table of operators, from their rows: operators × dtypes × targets.
 *
 *   aten.add.Tensor     pointwise   float int uint bool complex   the same
 *
 * --json gives the rows with their samples, for scripts; --markdown writes docs/operators.md. */
#include "aotc/commands.h"
#include "aotc/ops_dtypes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kind_names[] = {
    [OP_POINTWISE] = "pointwise",       [OP_REDUCTION] = "reduction", [OP_VIEW] = "view",
    [OP_INDEXED] = "indexed",           [OP_COMPOSITE] = "composite", [OP_TEMPLATE] = "template",
    [OP_HIGHER_ORDER] = "higher order", [OP_EFFECT] = "effect"};

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
    VEC(const OpDesc *) rows;
} OpsCx;

typedef struct Support {
    uint32_t cpu, cuda;
    bool     has_samples; /* of higher-order operators and the like there are none */
} Support;

/* ---- one row --------------------------------------------------------------------------------- */

static const char *row_name(const OpsCx *cx, const OpDesc *row)
{
    return arena_strndup(cx->ir->arena, row->schema, strcspn(row->schema, "("));
}

static void find_support(OpsCx *cx, const OpDesc *row, Support *out)
{
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

static void put_json(OpsCx *cx, const OpDesc *row, const Support *s)
{
    Sample *samples;
    int     n;
    cx->error = sample_parse(cx->ir, row, &samples, &n);
    text_printf(&cx->text, "%s{\"op\": \"%s\", \"kind\": \"%s\"", cx->n ? ",\n" : "",
                row_name(cx, row), kind_names[row->kind]);
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

static void put_text(OpsCx *cx, const OpDesc *row, const Support *s)
{
    Arena *arena = cx->ir->arena;
    text_printf(&cx->text, "%-48s %-12s", row_name(cx, row), kind_names[row->kind]);
    if (s && !s->has_samples)
        text_put(&cx->text, "  no samples");
    else if (s && cx->on_cpu)
        text_printf(&cx->text, "  %-36s", dtypes_text(arena, s->cpu));
    if (s && s->has_samples && cx->on_cuda)
        text_printf(&cx->text, "  %s", cuda_text(cx, s));
    while (cx->text.data[cx->text.n - 1] == ' ')
        cx->text.data[--cx->text.n] = 0;
    text_putc(&cx->text, '\n');
}

static void put_markdown(OpsCx *cx, const OpDesc *row, const Support *s)
{
    Arena *arena = cx->ir->arena;
    text_printf(&cx->text, "| `%s` | %s | %s | %s |\n", row_name(cx, row), kind_names[row->kind],
                s->has_samples ? dtypes_text(arena, s->cpu) : "",
                s->has_samples ? cuda_text(cx, s) : "");
}

/* Takes part in the answer: by name, and by what was asked for. */
static bool is_wanted(const OpsCx *cx, const OpDesc *row)
{
    const Command *c = cx->command;
    /* Ours, which others are expanded to: scripts take their samples. */
    if (cx->form != FORM_JSON && !strncmp(row->schema, "aotc::", 6))
        return false;
    for (int i = 0; i < c->n_files; i++)
        if (strstr(row_name(cx, row), c->files[i]))
            return true;
    return !c->n_files;
}

static void put_row(OpsCx *cx, const OpDesc *row, const Support *s)
{
    if (cx->form == FORM_JSON)
        put_json(cx, row, s);
    else if (cx->form == FORM_MARKDOWN)
        put_markdown(cx, row, s);
    else
        put_text(cx, row, s);
    cx->n++;
}

/* ---- all rows -------------------------------------------------------------------------------- */

static void collect(void *user, const OpDesc *row)
{
    OpsCx *cx = user;
    if (is_wanted(cx, row))
        VEC_PUSH(cx->ir->arena, cx->rows, row);
}

static int by_name(const void *a, const void *b)
{
    const OpDesc *const *x = a, *const *y = b;
    return strcmp((*x)->schema, (*y)->schema);
}

static void put_rows(OpsCx *cx)
{
    bool asks = cx->on_cpu || cx->on_cuda, is_filter = cx->command->dtype != NULL;
    op_for_each(collect, cx);
    if (cx->form == FORM_MARKDOWN)
        qsort(cx->rows.items, (size_t)cx->rows.n, sizeof *cx->rows.items, by_name);
    for (int i = 0; i < cx->rows.n && !cx->error; i++) {
        const OpDesc *row = cx->rows.items[i];
        Support       s;
        if (asks)
            find_support(cx, row, &s);
        if (!cx->error && (!is_filter || (cx->on_cpu ? s.cpu : 0) | (cx->on_cuda ? s.cuda : 0)))
            put_row(cx, row, asks ? &s : NULL);
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
    "float: f16 bf16 f32 f64. int: u8 i8 i16 i32 i64. uint: u16 u32 u64. complex: c64 c128. fp8: "
    "f8e4m3 f8e5m2. all: these and bool. Rows without\n"
    "dtypes (control flow, assertions) have no samples.\n\n"
    "| operator | kind | CPU | CUDA |\n|---|---|---|---|\n";

Error *command_ops(Arena *arena, Command *c)
{
    OpsCx cx = {.ir = ir_create(arena, "ir/ops"), .command = c, .text = text_new(arena)};
    TRY(take_options(&cx));
    put_rows(&cx);
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
