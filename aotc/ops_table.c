/* ops: the table of operators, from their rows. */
#include "aotc/commands.h"

#include "ir/sample.h"

#include <stdio.h>
#include <string.h>

static const char *const kind_names[] = {
    [OP_POINTWISE] = "pointwise",       [OP_REDUCTION] = "reduction", [OP_VIEW] = "view",
    [OP_INDEXED] = "indexed",           [OP_COMPOSITE] = "composite", [OP_TEMPLATE] = "template",
    [OP_HIGHER_ORDER] = "higher order", [OP_EFFECT] = "effect"};

typedef struct OpsCx {
    Ir    *ir;
    Error *error;
    int    n;
    bool   json;
    Text   text;
} OpsCx;

static void json_op(OpsCx *cx, const OpDesc *row)
{
    Sample *samples;
    int     n;
    cx->error = sample_parse(cx->ir, row, &samples, &n);
    text_printf(&cx->text, "%s{\"op\": \"%.*s\", \"kind\": \"%s\", \"samples\": [",
                cx->n ? ",\n" : "", (int)strcspn(row->schema, "("), row->schema,
                kind_names[row->kind]);
    for (int i = 0; !cx->error && i < n; i++) {
        text_put(&cx->text, i ? ",\n  " : "\n  ");
        sample_json(&cx->text, &samples[i]);
    }
    text_put(&cx->text, "]}");
}

static void print_op(void *user, const OpDesc *row)
{
    OpsCx *cx = user;
    if (cx->error)
        return;
    if (cx->json)
        json_op(cx, row);
    else
        text_printf(&cx->text, "%-52.*s %s\n", (int)strcspn(row->schema, "("), row->schema,
                    kind_names[row->kind]);
    cx->n++;
}

Error *command_ops(Arena *arena, Command *c)
{
    OpsCx cx = {.ir = ir_create(arena, "ir/ops"), .json = c->json, .text = text_new(arena)};
    op_for_each(print_op, &cx);
    if (cx.error)
        return cx.error;
    if (cx.json)
        printf("[\n%s\n]\n", cx.text.data);
    else
        printf("%s%d operators\n", cx.text.data, cx.n);
    return NULL;
}
