/* A deep copy of a graph: nodes, values, constants and subgraphs are new, storages, schemas and
 * types are shared. */
#include "ir/graph.h"

#include "ir/name_map.h"
#include "ir/schema.h"

/* map[value->id]: the copy; values of enclosing graphs stand for themselves. */
typedef struct Clone {
    Ir     *ir;
    Value **map;
    int     n_map;
} Clone;

static Value *mapped(const Clone *clone, Value *value)
{
    if (!value || value->id >= clone->n_map || !clone->map[value->id])
        return value;
    return clone->map[value->id];
}

static Value *clone_value(Clone *clone, Graph *into, const Value *value)
{
    Value *copy = graph_new_value(into, value->name, value->kind);
    copy->type = value->type;
    copy->symbol = value->symbol;
    copy->result = value->result;
    clone->map[value->id] = copy;
    return copy;
}

static Graph *clone_graph(Clone *clone, const Graph *graph, Graph *parent);

static Arg clone_arg(Clone *clone, const Arg *arg, Graph *into)
{
    Arg copy = *arg;
    copy.value = mapped(clone, arg->value);
    if (arg->kind == ARG_GRAPH)
        copy.graph = clone_graph(clone, arg->graph, into);
    if (arg->kind == ARG_LIST) {
        copy.items = ARENA_ARRAY(clone->ir->arena, Arg, arg->n_items);
        for (int i = 0; i < arg->n_items; i++)
            copy.items[i] = clone_arg(clone, &arg->items[i], into);
    }
    return copy;
}

static void clone_inputs(Clone *clone, const Graph *graph, Graph *into)
{
    into->n_inputs = graph->n_inputs;
    into->inputs = ARENA_ARRAY(clone->ir->arena, GraphInput, graph->n_inputs);
    for (int i = 0; i < graph->n_inputs; i++) {
        into->inputs[i] = graph->inputs[i];
        if (graph->inputs[i].value)
            into->inputs[i].value = clone_value(clone, into, graph->inputs[i].value);
    }
}

static Constant *clone_constant(Clone *clone, const Constant *constant, Graph *into)
{
    Constant *copy = ARENA_NEW(clone->ir->arena, Constant);
    *copy = *constant;
    copy->value = clone_value(clone, into, constant->value);
    copy->value->constant = copy;
    VEC_PUSH(clone->ir->arena, into->constants, copy);
    return copy;
}

static void clone_constants(Clone *clone, const Graph *graph, Graph *into)
{
    Arena *arena = clone->ir->arena;
    for (int i = 0; i < graph->storages.n; i++)
        VEC_PUSH(arena, into->storages, graph->storages.items[i]);
    for (int i = 0; i < graph->constants.n; i++)
        clone_constant(clone, graph->constants.items[i], into);
    for (int i = 0; i < graph->folded.n; i++) {
        Value *value = mapped(clone, graph->folded.items[i]->value);
        VEC_PUSH(arena, into->folded, value->constant);
    }
}

static void clone_node(Clone *clone, const Node *node, Graph *into)
{
    Arg *args = ARENA_ARRAY(clone->ir->arena, Arg, node->n_args);
    for (int i = 0; i < node->n_args; i++)
        args[i] = clone_arg(clone, &node->args[i], into);
    Node *copy = graph_add_node(into, NULL, node->schema, node->name, args, node->n_args, 0);
    copy->op = node->op;
    copy->where = node->where;
    copy->module = node->module;
    copy->n_results = node->n_results;
    copy->results = ARENA_ARRAY(clone->ir->arena, Value *, node->n_results);
    for (int i = 0; i < node->n_results; i++) {
        copy->results[i] = clone_value(clone, into, node->results[i]);
        copy->results[i]->def = copy;
    }
}

static void clone_ends(Clone *clone, const Graph *graph, Graph *into)
{
    Arena *arena = clone->ir->arena;
    into->n_outputs = graph->n_outputs;
    into->outputs = ARENA_ARRAY(arena, GraphOutput, graph->n_outputs);
    for (int i = 0; i < graph->n_outputs; i++)
        into->outputs[i] =
            (GraphOutput){graph->outputs[i].name, clone_arg(clone, &graph->outputs[i].arg, into),
                          graph->outputs[i].is_complex};
    for (int i = 0; i < graph->n_inputs; i++)
        into->inputs[i].mutated_to = mapped(clone, graph->inputs[i].mutated_to);
    for (int i = 0; i < graph->mutations.n; i++) {
        const Mutation *m = &graph->mutations.items[i];
        Mutation copy = {mapped(clone, m->constant->value)->constant, mapped(clone, m->value)};
        VEC_PUSH(arena, into->mutations, copy);
    }
    for (int i = 0; i < graph->guards.n; i++)
        VEC_PUSH(arena, into->guards, graph->guards.items[i]);
}

static Graph *clone_graph(Clone *clone, const Graph *graph, Graph *parent)
{
    Graph *into = graph_create(clone->ir, graph->name);
    into->parent = parent;
    into->torch_version = graph->torch_version;
    into->dialect = graph->dialect;
    clone_inputs(clone, graph, into);
    clone_constants(clone, graph, into);
    for (const Node *node = graph->first; node; node = node->next)
        clone_node(clone, node, into);
    clone_ends(clone, graph, into);
    if (graph->fold)
        into->fold = clone_graph(clone, graph->fold, NULL);
    return into;
}

Graph *graph_clone(Graph *graph)
{
    Ir   *ir = graph->ir;
    Clone clone = {
        .ir = ir, .map = ARENA_ARRAY(ir->arena, Value *, ir->next_id), .n_map = ir->next_id};
    return clone_graph(&clone, graph, graph->parent);
}
