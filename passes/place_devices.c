/* place_devices: in a graph with values on the CPU and on a GPU every node runs where its tensors
 * are, and each crossing is a node of its own.
 *
 *   %0 = aten.embedding.default(%w, %ids)            : f32[4,8]
 *   %1 = aten._to_copy.default(%0, device=cuda)      : f32[4,8] on cuda
 *   %2 = aten.mm.default(%1, %m)                     : f32[4,8] on cuda         becomes
 *
 *   %0 = aten.embedding.default(%w, %ids)            : f32[4,8]
 *   %3 = aotc.move.default(%0, cuda)                 : f32[4,8] on cuda
 *   %2 = aten.mm.default(%3, %m)                     : f32[4,8] on cuda
 *
 * In: a graph after all other passes, Graph.is_mixed.  Out: the device in the type of a value is
 * the one where it is; Graph.is_placed.  A value is moved once for all its readers.  Constants are
 * read on either side and never moved.  What is made of nothing or of constants by small operators
 * is computed where it is read, on both sides if need be.  Inputs, outputs and mutated buffers keep
 * the device of the export. */
#include "passes/graph_util.h"

#include <string.h>

typedef struct ValuePlace {
    Value *other;       /* the same on the other device, or NULL */
    bool   is_deferred; /* placed by its first reader */
    bool   is_clonable; /* made again on the other device instead of moved */
    bool   is_placed;
    int    at; /* DeviceKind */
} ValuePlace;

typedef struct Place {
    Graph      *graph;
    PassCtx    *cx;
    ValuePlace *of; /* by value id */
    int         n_of;
    int         want; /* of the node whose operands are looked at */
    Error      *error;
} Place;

static Value *needed(Place *p, Value *value, int device);

static ValuePlace *place_of(Place *p, const Value *value)
{
    if (value->id >= p->n_of) {
        int         n = 2 * value->id + 1;
        ValuePlace *more = ARENA_ARRAY(p->cx->arena, ValuePlace, n);
        memcpy(more, p->of, (size_t)p->n_of * sizeof *more);
        p->of = more;
        p->n_of = n;
    }
    return &p->of[value->id];
}

static bool is_constant(const Value *value)
{
    return value->constant && !value->constant->is_mutated;
}

static void set_place(Place *p, Value *value, int device)
{
    ValuePlace *place = place_of(p, value);
    place->is_placed = true;
    place->at = device;
    value->type.device = (Device){(DeviceKind)device, -1};
}

static void set_places(Place *p, Node *node, int device)
{
    int at = schema_param(node->schema, "device");
    for (int i = 0; i < node->n_results; i++)
        if (node->results[i]->kind == VALUE_TENSOR)
            set_place(p, node->results[i], device);
    if (at >= 0 && at < node->n_args && node->args[at].kind == ARG_DEVICE)
        node->args[at].device = (Device){(DeviceKind)device, -1};
}

/* ---- operands -------------------------------------------------------------------------------- */

static void need_operand(void *user, Arg *arg)
{
    Place *p = user;
    if (arg->value->kind == VALUE_TENSOR && !p->error)
        arg->value = needed(p, arg->value, p->want);
}

static void need_operands(Place *p, Node *node, int device)
{
    int outer = p->want;
    p->want = device;
    node_for_each_value(node, need_operand, p);
    p->want = outer;
}

/* Inputs have no node: what is made of them stands first. */
static Node *behind(const Place *p, const Value *value)
{
    return value->def ? value->def->next : p->graph->first;
}

static Value *moved(Place *p, Value *value, int device)
{
    Value *out = NULL;
    Arg    args[] = {arg_value(value), {.kind = ARG_DEVICE, .device = {(DeviceKind)device, -1}}};
    p->error =
        build_like(p->graph, behind(p, value), value->def, "aotc.move.default", args, 2, &out);
    if (p->error)
        return value;
    set_place(p, out, device);
    return out;
}

static Value *cloned(Place *p, Value *value, int device)
{
    Node *node = value->def;
    Arg  *args = ARENA_ARRAY(p->cx->arena, Arg, node->n_args + 1);
    for (int i = 0; i < node->n_args; i++)
        args[i] = arg_copy(p->cx->arena, &node->args[i]);
    Node *copy = graph_add_node(p->graph, node->next, node->schema, node->name, args, node->n_args,
                                node->n_results);
    copy->op = node->op;
    inherit_where(copy, node);
    for (int i = 0; i < node->n_results; i++) {
        copy->results[i]->kind = node->results[i]->kind;
        copy->results[i]->type = node->results[i]->type;
        place_of(p, copy->results[i])->is_clonable = true;
        place_of(p, copy->results[i])->other = node->results[i];
        place_of(p, node->results[i])->other = copy->results[i];
    }
    set_places(p, copy, device);
    need_operands(p, copy, device);
    return copy->results[value->result];
}

/* The value where it is needed. */
static Value *needed(Place *p, Value *value, int device)
{
    ValuePlace *place = place_of(p, value);
    if (is_constant(value) || (place->is_placed && place->at == device))
        return value;
    if (!place->is_placed) {
        set_places(p, value->def, device);
        need_operands(p, value->def, device);
        return value;
    }
    if (place->other)
        return place->other;
    Value *other = place->is_clonable ? cloned(p, value, device) : moved(p, value, device);
    if (p->error)
        return value;
    place_of(p, value)->other = other;
    place_of(p, other)->other = value;
    return other;
}

/* ---- where a node runs ----------------------------------------------------------------------- */

typedef struct Operands {
    Place *p;
    bool   any, any_run; /* tensors; those that are not deferred or constants */
    int    of_dims, first;
} Operands;

/* As infer_node() places results: dims decide over numbers, CUDA over the CPU. */
static void look_at_operand(void *user, Arg *arg)
{
    Operands *o = user;
    Value    *v = arg->value;
    if (v->kind != VALUE_TENSOR)
        return;
    const ValuePlace *place = place_of(o->p, v);
    o->any = true;
    if (place->is_deferred)
        return;
    int device = is_constant(v) ? (int)v->type.device.kind : place->at;
    o->any_run |= !is_constant(v);
    if (v->type.rank && o->of_dims != DEVICE_CUDA)
        o->of_dims = device;
    if (o->first != DEVICE_CUDA)
        o->first = device;
}

static bool is_small(const Node *node)
{
    return node->op &&
           (node->op->kind == OP_VIEW || node->op->kind == OP_POINTWISE ||
            node->op->kind == OP_INDEXED) &&
           node_is_pure(node);
}

/* May its first reader say where it runs?  Random numbers are made once. */
static bool defers(Place *p, Node *node, const Operands *o)
{
    bool is_random = node->op && node->op->is_random && !o->any;
    if (!is_random && (!is_small(node) || o->any_run))
        return false;
    for (int i = 0; i < node->n_results; i++) {
        ValuePlace *place = place_of(p, node->results[i]);
        place->is_deferred = true;
        place->is_clonable = !is_random;
    }
    return true;
}

static int device_of(const Node *node, const Operands *o)
{
    const Arg *given = node_arg_or_null(node, "device");
    if (given && given->kind == ARG_DEVICE)
        return (int)given->device.kind;
    bool says_itself = !node->op || node->op->is_opaque || node->op->kind == OP_HIGHER_ORDER;
    if (!says_itself && o->of_dims >= 0)
        return o->of_dims;
    for (int i = 0; i < node->n_results; i++)
        if (node->results[i]->kind == VALUE_TENSOR)
            return (int)node->results[i]->type.device.kind;
    return o->first >= 0 ? o->first : DEVICE_CUDA;
}

/* A conversion to a smaller dtype runs before its result is moved. */
static int device_of_conversion(Place *p, const Node *node, int device)
{
    const Value *in = node_is(node, "_to_copy") ? node->args[0].value : NULL;
    if (in && !is_constant(in) && !place_of(p, in)->is_deferred &&
        dtype_size(node->results[0]->type.dtype) < dtype_size(in->type.dtype))
        return place_of(p, in)->at;
    return device;
}

/* ---- control flow ---------------------------------------------------------------------------- */

static const char *device_name(int device)
{
    return device == DEVICE_CUDA ? "a CUDA device" : "the CPU";
}

typedef struct Inner {
    Place *p;
    int    device;
} Inner;

/* Branches and loops run on one device, with all that is in them. */
static Error *check_inner(void *user, Graph *graph)
{
    Inner *in = user;
    for (int i = 0; i < graph->n_inputs; i++)
        if (graph->inputs[i].value && graph->inputs[i].value->kind == VALUE_TENSOR)
            set_place(in->p, graph->inputs[i].value, in->device);
    for (Node *n = graph->first; n; n = n->next) {
        Operands o = {in->p, false, false, -1, -1};
        node_for_each_value(n, look_at_operand, &o);
        const Arg *given = node_arg_or_null(n, "device");
        bool       is_given = given && given->kind == ARG_DEVICE;
        for (int i = 0; i < n->n_results; i++) {
            Value *v = n->results[i];
            if (v->kind != VALUE_TENSOR)
                continue;
            bool differs = (int)v->type.device.kind != in->device;
            if (differs && (o.any_run || n->op->kind == OP_HIGHER_ORDER) &&
                (is_given || v->type.rank))
                return node_error(n, E_UNSUPPORTED,
                                  "%s runs on %s inside of a branch or loop on %s: control flow "
                                  "must be on one device",
                                  n->schema->name, device_name((int)v->type.device.kind),
                                  device_name(in->device));
        }
        set_places(in->p, n, in->device);
    }
    return graph_for_each_subgraph(graph, check_inner, in);
}

typedef struct Graphs {
    Inner  inner;
    Error *error;
} Graphs;

static void check_graph(void *user, Graph *graph)
{
    Graphs *g = user;
    if (!g->error)
        g->error = check_inner(&g->inner, graph);
}

static Error *check_control_flow(Place *p, Node *node, int device)
{
    Graphs g = {{p, device}, NULL};
    for (int i = 0; i < node->n_results; i++)
        if (node->results[i]->kind == VALUE_TENSOR &&
            (int)node->results[i]->type.device.kind != device)
            return node_error(node, E_UNSUPPORTED,
                              "%s gives tensors on the CPU and on a CUDA device: control flow must "
                              "be on one device",
                              node->schema->name);
    node_for_each_graph(node, check_graph, &g);
    return g.error;
}

/* ---- the walk -------------------------------------------------------------------------------- */

static Error *place_node(Place *p, Node *node)
{
    Operands o = {p, false, false, -1, -1};
    node_for_each_value(node, look_at_operand, &o);
    if (defers(p, node, &o))
        return NULL;
    int device = device_of_conversion(p, node, device_of(node, &o));
    if (node_has_graph(node))
        TRY(check_control_flow(p, node, device));
    need_operands(p, node, device);
    if (p->error)
        return p->error;
    set_places(p, node, device);
    if (node_is(node, "_to_copy") &&
        same_strides(&node->results[0]->type, &node->args[0].value->type) &&
        same_dtype_and_sizes(p->graph->ir, node->results[0], node->args[0].value))
        try_replace(p->graph, node->results[0], node->args[0].value);
    return NULL;
}

static Value *needed_as_exported(Place *p, Value *value, const TensorType *exported)
{
    return value->kind == VALUE_TENSOR && !p->error ? needed(p, value, (int)exported->device.kind)
                                                    : value;
}

static void place_results(Place *p, const TensorType *outputs)
{
    Graph *graph = p->graph;
    for (int i = 0; i < graph->n_outputs; i++) {
        Arg *arg = &graph->outputs[i].arg;
        if (arg->kind == ARG_VALUE)
            arg->value = needed_as_exported(p, arg->value, &outputs[i]);
    }
    for (int i = 0; i < graph->mutations.n; i++) {
        Mutation *m = &graph->mutations.items[i];
        m->value = needed_as_exported(p, m->value, &m->constant->value->type);
    }
    for (int i = 0; i < graph->n_inputs; i++) {
        GraphInput *in = &graph->inputs[i];
        if (in->mutated_to)
            in->mutated_to = needed_as_exported(p, in->mutated_to, &in->value->type);
    }
}

/* What stands already where the export has it. */
static void place_given(Place *p)
{
    for (int i = 0; i < p->graph->n_inputs; i++) {
        Value *v = p->graph->inputs[i].value;
        if (v && v->kind == VALUE_TENSOR)
            set_place(p, v, (int)v->type.device.kind);
    }
    for (int i = 0; i < p->graph->constants.n; i++) {
        Value *v = p->graph->constants.items[i]->value;
        if (!is_constant(v))
            set_place(p, v, (int)v->type.device.kind);
    }
}

static void count_moves(const Graph *graph, PassCtx *cx)
{
    for (const Node *n = graph->first; n; n = n->next)
        if (n->op && n->op->template_kind == TEMPLATE_MOVE)
            pass_count(cx, "device_copies", 1);
}

static Error *run(Graph *graph, PassCtx *cx, bool *changed)
{
    if (graph->parent || !graph->is_mixed || !cx->target_is_cuda)
        return NULL;
    Place       p = {.graph = graph, .cx = cx, .n_of = graph->ir->next_id + 1};
    TensorType *outputs = ARENA_ARRAY(cx->arena, TensorType, graph->n_outputs + 1);
    p.of = ARENA_ARRAY(cx->arena, ValuePlace, p.n_of);
    for (int i = 0; i < graph->n_outputs; i++)
        if (graph->outputs[i].arg.kind == ARG_VALUE)
            outputs[i] = graph->outputs[i].arg.value->type;
    place_given(&p);
    for (Node *n = graph->first; n; n = n->next)
        TRY(place_node(&p, n));
    place_results(&p, outputs);
    if (p.error)
        return p.error;
    graph->is_placed = *changed = true;
    graph_count_uses(graph);
    graph_remove_dead(graph);
    count_moves(graph, cx);
    return NULL;
}

const Pass pass_place_devices = {
    .name = "place_devices",
    .purpose = "copies between the CPU and a GPU where values of both are in one graph",
    .run = run,
};
