/* Graph: making and changing nodes and values.
 *
 * In: schemas, arguments, types.  Out: a list of nodes in execution order whose values have unique
 * names. */
#include "ir/graph.h"

#include "ir/name_map.h"
#include "ir/ops.h"
#include "ir/schema.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

Ir *ir_create(Arena *arena, const char *file)
{
    Ir *ir = ARENA_NEW(arena, Ir);
    ir->arena = arena;
    ir->exprs = expr_pool_create(arena);
    ir->file = file;
    return ir;
}

Graph *graph_create(Ir *ir, const char *name)
{
    Graph *graph = ARENA_NEW(ir->arena, Graph);
    graph->ir = ir;
    graph->name = arena_strdup(ir->arena, name);
    graph->names = name_map_create(ir->arena, 64);
    return graph;
}

/* ---- values ---------------------------------------------------------------------------------- */

/* What IR text can spell: letters, digits, '_'. */
static const char *clean_name(Arena *arena, const char *name)
{
    if (!name || !*name)
        return "t";
    char *clean = arena_strdup(arena, name);
    for (char *c = clean; *c; c++)
        if (!isalnum((unsigned char)*c))
            *c = '_';
    return clean;
}

static const char *unique_name(Graph *graph, const char *wanted)
{
    Arena      *arena = graph->ir->arena;
    const char *base = clean_name(arena, wanted);
    NameEntry  *entry = name_map_add(graph->names, base);
    if (!entry->item) {
        entry->item = entry->name;
        return base;
    }
    /* entry->number is the last suffix tried: adding n values of one name takes n steps, not n * n
     */
    int         suffix = entry->number;
    const char *name;
    do
        name = arena_printf(arena, "%s_%d", base, ++suffix);
    while (name_map_find(graph->names, name));
    entry->number = suffix;
    name_map_add(graph->names, name)->item = name;
    return name;
}

Value *graph_new_value(Graph *graph, const char *name, ValueKind kind)
{
    Value *value = ARENA_NEW(graph->ir->arena, Value);
    value->kind = kind;
    value->name = unique_name(graph, name);
    value->id = graph->ir->next_id++;
    value->type.device.index = -1;
    return value;
}

void value_rename(Graph *graph, Value *value, const char *name)
{
    if (strcmp(value->name, name) != 0)
        value->name = unique_name(graph, name);
}

Value *graph_add_input(Graph *graph, const char *name, TensorType type)
{
    Value      *value = graph_new_value(graph, name, VALUE_TENSOR);
    GraphInput *inputs = ARENA_ARRAY(graph->ir->arena, GraphInput, graph->n_inputs + 1);
    value->type = type;
    if (graph->n_inputs)
        memcpy(inputs, graph->inputs, (size_t)graph->n_inputs * sizeof *inputs);
    inputs[graph->n_inputs++] = (GraphInput){
        .kind = INPUT_USER, .name = arena_strdup(graph->ir->arena, name), .value = value};
    graph->inputs = inputs;
    return value;
}

Value *graph_add_constant(Graph *graph, ConstantKind kind, const char *fqn, TensorType type,
                          int storage)
{
    Arena    *arena = graph->ir->arena;
    Value    *value = graph_new_value(graph, fqn, VALUE_TENSOR);
    Constant *constant = ARENA_NEW(arena, Constant);
    *constant = (Constant){
        .kind = kind, .fqn = arena_strdup(arena, fqn), .value = value, .storage = storage};
    value->type = type;
    value->constant = constant;
    VEC_PUSH(arena, graph->constants, constant);
    return value;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static void link_before(Graph *graph, Node *node, Node *before)
{
    node->next = before;
    node->prev = before ? before->prev : graph->last;
    if (node->prev)
        node->prev->next = node;
    else
        graph->first = node;
    if (before)
        before->prev = node;
    else
        graph->last = node;
}

static void unlink_node(Graph *graph, Node *node)
{
    assert(node->graph == graph);
    if (node->prev)
        node->prev->next = node->next;
    else
        graph->first = node->next;
    if (node->next)
        node->next->prev = node->prev;
    else
        graph->last = node->prev;
    node->prev = node->next = NULL;
}

static Value *new_result(Node *node, const char *name, int result)
{
    Value *value = graph_new_value(node->graph, name, VALUE_TENSOR);
    value->def = node;
    value->result = result;
    return value;
}

Value *node_add_result(Node *node)
{
    Arena  *arena = node->graph->ir->arena;
    Value **results = ARENA_ARRAY(arena, Value *, node->n_results + 1);
    if (node->n_results)
        memcpy(results, node->results, (size_t)node->n_results * sizeof *results);
    const char *name = arena_printf(arena, "%s_%d", node->name, node->n_results);
    results[node->n_results] = new_result(node, name, node->n_results);
    node->results = results;
    return results[node->n_results++];
}

Node *graph_add_node(Graph *graph, Node *before, const OpSchema *schema, const char *name,
                     const Arg *args, int n_args, int n_results)
{
    assert(n_args == schema->n_params);
    Arena *arena = graph->ir->arena;
    Node  *node = ARENA_NEW(arena, Node);
    node->schema = schema;
    node->op = op_find(graph->ir, schema);
    node->name = arena_strdup(arena, name && *name ? name : schema->base);
    node->graph = graph;
    node->id = graph->ir->next_id++;
    node->n_args = n_args;
    node->args = ARENA_ARRAY(arena, Arg, n_args);
    for (int i = 0; i < n_args; i++)
        node->args[i] = arg_copy(arena, &args[i]);
    node->n_results = n_results;
    node->results = ARENA_ARRAY(arena, Value *, n_results);
    for (int i = 0; i < n_results; i++)
        node->results[i] = new_result(
            node, n_results == 1 ? node->name : arena_printf(arena, "%s_%d", node->name, i), i);
    link_before(graph, node, before);
    return node;
}

void graph_remove_node(Graph *graph, Node *node)
{
    unlink_node(graph, node);
}

void graph_move_node(Graph *graph, Node *node, Node *before)
{
    if (node == before)
        return;
    unlink_node(graph, node);
    link_before(graph, node, before);
}

void graph_adopt_node(Graph *graph, Node *node)
{
    unlink_node(node->graph, node);
    node->graph = graph;
    link_before(graph, node, NULL);
    for (int i = 0; i < node->n_results; i++)
        node->results[i]->name = unique_name(graph, node->results[i]->name);
    for (int i = 0; i < node->n_args; i++)
        if (node->args[i].kind == ARG_GRAPH)
            node->args[i].graph->parent = graph;
}

bool node_has_effect(const Node *node)
{
    const OpSchema *schema = node->schema;
    if (node->op && node->op->kind == OP_EFFECT)
        return true;
    if (schema->writes)
        return true;
    /* The registry marks what may draw numbers (sdpa, lstm: with dropout only); our row knows when
     * it does not. */
    if (schema->is_random)
        return !node->op || node->op->is_random;
    return schema->has_effect;
}

/* ---- walking --------------------------------------------------------------------------------- */

typedef void (*VisitArg)(void *cx, Arg *arg);

static void visit_values(Arg *arg, VisitArg visit, void *cx)
{
    if (arg->kind == ARG_VALUE)
        visit(cx, arg);
    for (int i = 0; arg->kind == ARG_LIST && i < arg->n_items; i++)
        visit_values(&arg->items[i], visit, cx);
}

void node_for_each_value(Node *node, void (*visit)(void *cx, Arg *arg), void *cx)
{
    for (int i = 0; i < node->n_args; i++)
        visit_values(&node->args[i], visit, cx);
}

static void visit_graph(Graph *graph, VisitArg visit, void *cx);

static void visit_subgraphs(Arg *arg, VisitArg visit, void *cx)
{
    if (arg->kind == ARG_GRAPH)
        visit_graph(arg->graph, visit, cx);
    for (int i = 0; arg->kind == ARG_LIST && i < arg->n_items; i++)
        visit_subgraphs(&arg->items[i], visit, cx);
}

/* Every place where a value is used, subgraphs included; mutations are shown as Args and written
 * back. */
static void visit_graph(Graph *graph, VisitArg visit, void *cx)
{
    for (Node *node = graph->first; node; node = node->next) {
        node_for_each_value(node, visit, cx);
        for (int i = 0; i < node->n_args; i++)
            visit_subgraphs(&node->args[i], visit, cx);
    }
    for (int i = 0; i < graph->n_outputs; i++)
        visit_values(&graph->outputs[i].arg, visit, cx);
    for (int i = 0; i < graph->n_inputs; i++) {
        Arg arg = {.kind = ARG_VALUE, .value = graph->inputs[i].mutated_to};
        if (arg.value)
            visit(cx, &arg);
        graph->inputs[i].mutated_to = arg.value;
    }
    for (int i = 0; i < graph->mutations.n; i++) {
        Arg arg = {.kind = ARG_VALUE, .value = graph->mutations.items[i].value};
        visit(cx, &arg);
        graph->mutations.items[i].value = arg.value;
    }
}

typedef struct Replacement {
    Value *from, *to;
} Replacement;

static void replace_value(void *cx, Arg *arg)
{
    Replacement *r = cx;
    if (arg->value == r->from)
        arg->value = r->to;
}

void graph_replace_uses(Graph *graph, Value *from, Value *to)
{
    visit_graph(graph, replace_value, &(Replacement){from, to});
}

static void count_use(void *cx, Arg *arg)
{
    (void)cx;
    arg->value->n_uses++;
}

static void clear_uses(Graph *graph);

static void clear_uses_in_arg(Arg *arg)
{
    if (arg->kind == ARG_GRAPH)
        clear_uses(arg->graph);
    for (int i = 0; arg->kind == ARG_LIST && i < arg->n_items; i++)
        clear_uses_in_arg(&arg->items[i]);
}

static void clear_uses(Graph *graph)
{
    for (int i = 0; i < graph->n_inputs; i++)
        if (graph->inputs[i].value)
            graph->inputs[i].value->n_uses = 0;
    for (int i = 0; i < graph->constants.n; i++)
        graph->constants.items[i]->value->n_uses = 0;
    for (Node *node = graph->first; node; node = node->next) {
        for (int i = 0; i < node->n_results; i++)
            node->results[i]->n_uses = 0;
        for (int i = 0; i < node->n_args; i++)
            clear_uses_in_arg(&node->args[i]);
    }
}

void graph_count_uses(Graph *graph)
{
    clear_uses(graph);
    visit_graph(graph, count_use, NULL);
}
