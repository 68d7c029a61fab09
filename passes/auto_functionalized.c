/* auto_functionalized: calls of custom operators that write, as ATEN exports have them, become
 * calls of the writing operator again, on copies; `functionalize` does the rest as it does for
 * exports that are not decomposed.
 *
 *   %r, %b2 = higher_order.auto_functionalized_v2("mylib.add_to.default",
 *                 ["x", %x], ["_acc_base_index", 0], ["_all_bases", [%b]])
 * becomes
 *   %b2 = aten.clone.default(%b)
 *   %r = mylib.add_to.default(%b2, %x)
 *
 * Each written argument names a base, and how it is a view of that: not at all, a slice along one
 * dim, or as_strided.  Functionalized again, a clone that nobody else sees costs nothing.  Source:
 * torch/_higher_order_ops/auto_functionalize.py of PyTorch 2.13. */
#include "passes/graph_util.h"

#include <string.h>

#define OP_V1 "auto_functionalized"
#define OP_V2 "auto_functionalized_v2"

typedef struct Auto {
    Node           *node;
    const OpSchema *schema; /* of the writing operator */
    bool            is_v2;
    Value         **clones; /* of the bases, in order */
    int             n_clones;
} Auto;

/* The keyword argument of that name, or NULL. */
static const Arg *keyword(const Auto *a, const char *name)
{
    for (int i = 1; i < a->node->n_args; i++) {
        const Arg *pair = &a->node->args[i];
        if (pair->kind == ARG_LIST && pair->n_items == 2 && pair->items[0].kind == ARG_STRING &&
            !strcmp(pair->items[0].string, name))
            return &pair->items[1];
    }
    return NULL;
}

static const Arg *view_keyword(const Auto *a, const char *param, const char *what)
{
    return keyword(a, arena_printf(a->node->graph->ir->arena, "_%s_%s", param, what));
}

static Error *new_clone(Auto *a, Value *of, Value **out)
{
    Arg args[] = {arg_value(of)};
    TRY(build_call(a->node->graph, a->node, "aten.clone.default", args, 1, out));
    (*out)->type = of->type;
    (*out)->type.storage_offset = expr_int(a->node->graph->ir->exprs, 0);
    if (a->n_clones == a->node->n_results)
        return node_error(a->node, E_VALUE, "%s writes more tensors than it gives back",
                          a->schema->name);
    a->clones[a->n_clones++] = *out;
    return NULL;
}

static Error *make_bases(Auto *a)
{
    const Arg *bases = keyword(a, "_all_bases");
    int        n = bases && bases->kind == ARG_LIST ? bases->n_items : 0;
    for (int i = 0; i < n; i++) {
        Value *clone;
        if (bases->items[i].kind != ARG_VALUE)
            return node_error(a->node, E_UNSUPPORTED, "%s: base %d is no tensor", a->schema->name,
                              i);
        TRY(new_clone(a, bases->items[i].value, &clone));
    }
    return NULL;
}

/* The argument as a view of its base. */
static Error *take_view(Auto *a, const char *param, Value *base, Value **out)
{
    Graph     *graph = a->node->graph;
    const Arg *dim = view_keyword(a, param, "slice_dim"), *size = view_keyword(a, param, "size");
    *out = base;
    if (dim) {
        const Arg *start = view_keyword(a, param, "slice_start");
        const Arg *end = view_keyword(a, param, "slice_end");
        Arg args[] = {arg_value(base), *dim, start ? *start : arg_none(), end ? *end : arg_none()};
        return build_call(graph, a->node, "aten.slice.Tensor", args, 4, out);
    }
    if (size) {
        const Arg *stride = view_keyword(a, param, "stride");
        const Arg *offset = view_keyword(a, param, "storage_offset");
        if (!stride || !offset)
            return node_error(a->node, E_FORMAT, "%s: the view %s has no strides", a->schema->name,
                              param);
        Arg args[] = {arg_value(base), *size, *stride, *offset};
        return build_call(graph, a->node, "aten.as_strided.default", args, 4, out);
    }
    return NULL;
}

static Error *one_written(Auto *a, const char *param, Arg *out)
{
    int64_t    at;
    Value     *view;
    const Arg *index = view_keyword(a, param, "base_index");
    if (!index || index->kind == ARG_NONE) {
        *out = arg_none();
        return NULL;
    }
    if (index->kind != ARG_INT || !expr_is_int(index->expr, &at) || at < 0 || at >= a->n_clones)
        return node_error(a->node, E_FORMAT, "%s: %s has no base", a->schema->name, param);
    TRY(take_view(a, param, a->clones[at], &view));
    *out = arg_value(view);
    return NULL;
}

/* v1 gives the tensors themselves. */
static Error *one_copied(Auto *a, const Arg *from, Arg *out)
{
    Value *clone;
    *out = *from;
    if (from->kind != ARG_VALUE)
        return NULL;
    TRY(new_clone(a, from->value, &clone));
    *out = arg_value(clone);
    return NULL;
}

static Error *written_list(Auto *a, const char *param, Arg *out)
{
    Arena     *arena = a->node->graph->ir->arena;
    const Arg *length = view_keyword(a, param, "length");
    int64_t    n;
    if (length && length->kind == ARG_NONE) {
        *out = arg_none();
        return NULL;
    }
    if (!length || length->kind != ARG_INT || !expr_is_int(length->expr, &n) || n < 0 || n > 4096)
        return node_error(a->node, E_FORMAT, "%s: the list %s has no length", a->schema->name,
                          param);
    Arg *items = ARENA_ARRAY(arena, Arg, n + 1);
    for (int64_t i = 0; i < n; i++)
        TRY(one_written(a, arena_printf(arena, "%s_%d", param, (int)i), &items[i]));
    *out = arg_list(items, (int)n);
    return NULL;
}

static Error *copied_list(Auto *a, const Arg *from, Arg *out)
{
    Arg *items = ARENA_ARRAY(a->node->graph->ir->arena, Arg, from->n_items + 1);
    for (int i = 0; i < from->n_items; i++)
        TRY(one_copied(a, &from->items[i], &items[i]));
    *out = arg_list(items, from->n_items);
    return NULL;
}

static Error *one_argument(Auto *a, const Param *p, Arg *out)
{
    const Arg *given = keyword(a, p->name);
    if (p->is_written && a->is_v2)
        return p->is_list ? written_list(a, p->name, out) : one_written(a, p->name, out);
    if (!given && !p->has_default)
        return node_error(a->node, E_VALUE, "%s needs argument \"%s\"", a->schema->name, p->name);
    *out = given ? *given : p->fallback;
    if (!p->is_written)
        return NULL;
    Arg from = *out;
    return p->is_list ? copied_list(a, &from, out) : one_copied(a, &from, out);
}

static Error *call_again(Auto *a)
{
    Node *node = a->node;
    Arg  *args = ARENA_ARRAY(node->graph->ir->arena, Arg, a->schema->n_params + 1);
    a->clones = ARENA_ARRAY(node->graph->ir->arena, Value *, node->n_results + 1);
    if (a->is_v2)
        TRY(make_bases(a));
    for (int i = 0; i < a->schema->n_params; i++)
        TRY(one_argument(a, &a->schema->params[i], &args[i]));
    int   n_own = node->n_results - a->n_clones;
    bool  has_none = a->schema->n_returns == 0 && n_own == 1; /* in the place of its results */
    Node *call = graph_add_node(node->graph, node, a->schema, node->name, args, a->schema->n_params,
                                has_none ? 0 : n_own);
    call->op = op_find(node->graph->ir, a->schema);
    inherit_where(call, node);
    for (int i = 0; i < call->n_results; i++) {
        call->results[i]->kind = node->results[i]->kind;
        call->results[i]->type = node->results[i]->type;
        graph_replace_uses(node->graph, node->results[i], call->results[i]);
    }
    for (int i = 0; i < a->n_clones; i++)
        graph_replace_uses(node->graph, node->results[n_own + i], a->clones[i]);
    graph_remove_node(node->graph, node);
    return NULL;
}

static Error *process(Node *node, bool is_v2, bool *changed)
{
    const char *op = node->n_args && node->args[0].kind == ARG_STRING ? node->args[0].string : NULL;
    Auto        a = {.node = node, .is_v2 = is_v2};
    if (op && !strncmp(op, "torch.ops.", 10))
        op += 10;
    a.schema = op ? schema_find(node->graph->ir, op) : NULL;
    if (!a.schema || a.schema->is_guessed) /* `decompose` refuses it with all others */
        return NULL;
    *changed = true;
    return call_again(&a);
}

/* ---- for --explain-unsupported --------------------------------------------------------------- */

static const char *guessed_type(const Arg *arg)
{
    switch (arg->kind) {
    case ARG_VALUE:
        return arg->value->kind == VALUE_TENSOR ? "Tensor" : "SymInt";
    case ARG_FLOAT:
        return "float";
    case ARG_BOOL:
        return "bool";
    case ARG_STRING:
        return "str";
    case ARG_DTYPE:
        return "ScalarType";
    case ARG_NONE:
        return "Tensor?";
    default:
        return "SymInt";
    }
}

/* "_acc_base_index" gives "acc"; NULL for what says no more than that. */
static const char *written_name(Arena *arena, const char *keyword, bool *is_list)
{
    static const char *const ends[] = {"_base_index", "_length"};
    size_t                   n = strlen(keyword);
    for (int i = 0; i < 2; i++) {
        size_t m = strlen(ends[i]);
        *is_list = i == 1;
        if (n > m + 1 && keyword[0] == '_' && !strcmp(keyword + n - m, ends[i]))
            return arena_strndup(arena, keyword + 1, n - m - 1);
    }
    return NULL;
}

static void put_guessed(Text *t, const char *name, const Arg *arg, int *n)
{
    bool        is_list;
    const char *written = written_name(t->arena, name, &is_list);
    bool        of_items = arg->kind == ARG_LIST;
    if (!written && name[0] == '_')
        return;
    text_put(t, *n ? ", " : "");
    if (written)
        text_printf(t, "Tensor(a%d!)%s %s", *n, is_list ? "[]" : "", written);
    else
        text_printf(t, "%s%s %s", guessed_type(of_items && arg->n_items ? arg->items : arg),
                    of_items ? "[]" : "", name);
    ++*n;
}

/* The written arguments stand behind the others in such a call: the order is a guess, too. */
static const OpSchema *guess_wrapped(const Node *node, const char *op)
{
    Ir             *ir = node->graph->ir;
    Text            t = text_new(ir->arena);
    const char     *dot = strchr(op, '.');
    const OpSchema *schema;
    int             n = 0;
    if (!dot)
        return NULL;
    const char *base = arena_strdup(ir->arena, dot + 1), *end = strstr(base, ".default");
    text_printf(&t, "%.*s::%.*s(", (int)(dot - op), op, end ? (int)(end - base) : (int)strlen(base),
                base);
    for (int i = 1; i < node->n_args; i++)
        if (node->args[i].kind == ARG_LIST && node->args[i].n_items == 2 &&
            node->args[i].items[0].kind == ARG_STRING)
            put_guessed(&t, node->args[i].items[0].string, &node->args[i].items[1], &n);
    bool has_result = node->n_results && node->results[0]->kind == VALUE_TENSOR;
    text_put(&t, has_result ? ") -> Tensor" : ") -> ()");
    return schema_guess(ir, t.data, &schema) ? NULL : schema;
}

const OpSchema *called_schema(const Node *node)
{
    const char *op = node->n_args && node->args[0].kind == ARG_STRING ? node->args[0].string : NULL;
    if (!node->schema->is_higher_order)
        return node->schema;
    if (!op || strncmp(node->schema->base, OP_V1, strlen(OP_V1)))
        return NULL;
    return guess_wrapped(node, strncmp(op, "torch.ops.", 10) ? op : op + 10);
}

static Error *run(Graph *graph, PassCtx *cx, bool *changed)
{
    (void)cx;
    for (Node *n = graph->first, *next; n; n = next) {
        next = n->next;
        bool is_v2 = !strcmp(n->schema->base, OP_V2);
        if (!is_v2 && strcmp(n->schema->base, OP_V1))
            continue;
        TRY(process(n, is_v2, changed));
    }
    return NULL;
}

const Pass pass_auto_functionalized = {
    .name = "auto_functionalized",
    .purpose = "turn functional calls of custom operators that write into writing ones",
    .run = run,
};
