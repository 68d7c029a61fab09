/* Questions about nodes and values that several graph passes ask; see graph_util.h. */
#include "passes/graph_util.h"

#include <string.h>

bool node_is(const Node *node, const char *name)
{
    if (strchr(name, '.'))
        return !strcmp(node->schema->name, name);
    return !strcmp(node->schema->ns, "aten") && !strcmp(node->schema->base, name);
}

bool node_base_in(const Node *node, const char *const *names)
{
    for (; *names; names++)
        if (node_is(node, *names))
            return true;
    return false;
}

static void note_graph(void *cx, Graph *graph)
{
    (void)graph;
    *(bool *)cx = true;
}

bool node_has_graph(const Node *node)
{
    bool found = false;
    node_for_each_graph((Node *)node, note_graph, &found);
    return found;
}

bool node_is_pure(const Node *node)
{
    const OpSchema *schema = node->schema;
    if (node_has_effect(node) || schema->writes || schema->is_higher_order)
        return false;
    if (node->op && (node->op->kind == OP_EFFECT || node->op->kind == OP_HIGHER_ORDER ||
                     node->op->is_random || node->op->is_opaque))
        return false;
    return !node_has_graph(node);
}

static void arg_graphs(Arg *arg, void (*visit)(void *cx, Graph *graph), void *cx)
{
    if (arg->kind == ARG_GRAPH)
        visit(cx, arg->graph);
    for (int i = 0; arg->kind == ARG_LIST && i < arg->n_items; i++)
        arg_graphs(&arg->items[i], visit, cx);
}

void node_for_each_graph(Node *node, void (*visit)(void *cx, Graph *graph), void *cx)
{
    for (int i = 0; i < node->n_args; i++)
        arg_graphs(&node->args[i], visit, cx);
}

typedef struct EachGraph {
    Error *(*visit)(void *cx, Graph *graph);
    void  *cx;
    Error *error;
} EachGraph;

static void visit_graph(void *user, Graph *graph)
{
    EachGraph *each = user;
    if (!each->error)
        each->error = each->visit(each->cx, graph);
}

Error *graph_for_each_subgraph(Graph *graph, Error *(*visit)(void *cx, Graph *graph), void *cx)
{
    EachGraph each = {visit, cx, NULL};
    for (Node *n = graph->first; n && !each.error; n = n->next)
        node_for_each_graph(n, visit_graph, &each);
    return each.error;
}

const Arg *node_arg_or_null(const Node *node, const char *name)
{
    int i = node->schema->is_higher_order ? -1 : schema_param(node->schema, name);
    return i < 0 ? NULL : &node->args[i];
}

Value *node_first_tensor(const Node *node)
{
    for (int i = 0; i < node->n_args; i++)
        if (node->args[i].kind == ARG_VALUE && node->args[i].value->kind == VALUE_TENSOR)
            return node->args[i].value;
    return NULL;
}

bool arg_number(const Arg *arg, double *number)
{
    if (!arg)
        return false;
    if (arg->kind == ARG_FLOAT && !arg->expr) {
        *number = arg->number;
        return true;
    }
    if (arg->kind != ARG_INT && arg->kind != ARG_FLOAT && arg->kind != ARG_BOOL)
        return false;
    if (arg->expr->kind == EXPR_FLOAT)
        *number = arg->expr->fvalue;
    else if (arg->expr->kind == EXPR_INT || arg->expr->kind == EXPR_BOOL)
        *number = (double)arg->expr->value;
    else
        return false;
    return true;
}

bool arg_is_number(const Arg *arg, double number)
{
    double x;
    return arg_number(arg, &x) && x == number;
}

Arg arg_tensors(Arena *arena, Value *const *values, int n)
{
    Arg *items = ARENA_ARRAY(arena, Arg, n ? n : 1);
    for (int i = 0; i < n; i++)
        items[i] = values[i] ? arg_value(values[i]) : arg_none();
    return arg_list(items, n);
}

bool same_strides(const TensorType *a, const TensorType *b)
{
    if (a->rank != b->rank)
        return false;
    for (int i = 0; i < a->rank; i++)
        if (a->strides[i] != b->strides[i] && !expr_is_value(a->sizes[i], 1))
            return false;
    return true;
}

bool same_dtype_and_sizes(Ir *ir, const Value *a, const Value *b)
{
    return a->kind == VALUE_TENSOR && b->kind == VALUE_TENSOR && a->type.dtype == b->type.dtype &&
           a->type.device.kind == b->type.device.kind && tensor_same_sizes(ir, &a->type, &b->type);
}

bool value_is_observed(const Graph *graph, const Value *value)
{
    for (int i = 0; i < graph->n_outputs; i++)
        if (graph->outputs[i].arg.kind == ARG_VALUE && graph->outputs[i].arg.value == value)
            return true;
    for (int i = 0; i < graph->n_inputs; i++)
        if (graph->inputs[i].mutated_to == value)
            return true;
    for (int i = 0; i < graph->mutations.n; i++)
        if (graph->mutations.items[i].value == value)
            return true;
    return false;
}

bool node_reads_layout(const Node *node)
{
    static const char *const names[] = {"as_strided", "as_strided_copy", "as_strided_scatter",
                                        NULL};
    return node_base_in(node, names) || node_is(node, "aten.view.dtype") ||
           node->schema->is_higher_order;
}

static bool reads_layout(const Graph *graph, const Value *value)
{
    for (const Node *n = graph->first; n; n = n->next) {
        if (!node_reads_layout(n))
            continue;
        for (int i = 0; i < n->n_args; i++)
            if (n->args[i].kind == ARG_VALUE && n->args[i].value == value)
                return true;
    }
    return false;
}

/* Graph inputs and constants are never put in the place of an output: the model must copy them out
 * before its writes to them take place. */
bool value_can_stand_for(const Graph *graph, const Value *from, const Value *to)
{
    if (!same_dtype_and_sizes(graph->ir, from, to))
        return false;
    if (same_strides(&from->type, &to->type) && to->def)
        return true;
    return !value_is_observed(graph, from) &&
           (same_strides(&from->type, &to->type) || !reads_layout(graph, from));
}

bool try_replace(Graph *graph, Value *from, Value *to)
{
    if (from == to || !value_can_stand_for(graph, from, to))
        return false;
    graph_replace_uses(graph, from, to);
    return true;
}

void take_strides(Value *value, const TensorType *like)
{
    if (value->kind == VALUE_TENSOR && value->type.rank == like->rank)
        value->type.strides = like->strides;
}

void inherit_where(Node *node, const Node *from)
{
    if (!node->where.node && !node->where.python)
        node->where = from->where;
    if (!node->module)
        node->module = from->module;
}

Error *build_like(Graph *graph, Node *before, const Node *origin, const char *op, const Arg *args,
                  int n_args, Value **out)
{
    TRY(build_call(graph, before, op, args, n_args, out));
    if (origin && (*out)->def)
        inherit_where((*out)->def, origin);
    return NULL;
}

/* ---- what values are made of ----------------------------------------------------------------- */

typedef struct OriginCx {
    Origin *of;
    bool    any_constant, any_input;
} OriginCx;

static void arg_origin(OriginCx *o, const Arg *arg)
{
    if (arg->kind == ARG_VALUE) {
        o->any_constant |= o->of[arg->value->id] == FROM_CONSTANTS;
        o->any_input |= o->of[arg->value->id] == FROM_INPUTS;
    } else if (arg->expr && !expr_is_const(arg->expr)) {
        o->any_input = true; /* a size that only the run knows */
    }
    for (int i = 0; arg->kind == ARG_LIST && i < arg->n_items; i++)
        arg_origin(o, &arg->items[i]);
}

static bool is_static_tensor(const Value *value)
{
    if (value->kind != VALUE_TENSOR)
        return value->kind == VALUE_NONE;
    for (int i = 0; i < value->type.rank; i++)
        if (!expr_is_const(value->type.sizes[i]))
            return false;
    return true;
}

static Origin node_origin(Origin *of, const Node *node)
{
    if (!node_is_pure(node) || !node->op)
        return FROM_INPUTS;
    OriginCx o = {.of = of};
    for (int i = 0; i < node->n_args; i++)
        arg_origin(&o, &node->args[i]);
    for (int i = 0; i < node->n_results; i++)
        o.any_input |= !is_static_tensor(node->results[i]);
    return o.any_input ? FROM_INPUTS : o.any_constant ? FROM_CONSTANTS : FROM_NOTHING;
}

Origin *graph_origins(Graph *graph, int *n)
{
    *n = graph->ir->next_id + 1;
    Origin *of = ARENA_ARRAY(graph->ir->arena, Origin, *n);
    for (int i = 0; i < graph->constants.n; i++)
        if (!graph->constants.items[i]->is_mutated)
            of[graph->constants.items[i]->value->id] = FROM_CONSTANTS;
    for (Node *node = graph->first; node; node = node->next) {
        Origin origin = node_origin(of, node);
        for (int i = 0; i < node->n_results; i++)
            of[node->results[i]->id] = origin;
    }
    return of;
}
