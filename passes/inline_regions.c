/* inline_regions: regions that only wrap a subgraph are replaced by its nodes.
 *
 *   %r = higher_order.wrap_with_set_grad_enabled(False, @body, %x, %w)
 *   graph @body(%a, %b) { %0 = aten.mm.default(%a, %b)  return %0 }
 *                                 becomes  %0 = aten.mm.default(%x, %w), uses of %r mean %0
 *
 * Autocast regions say with their result types what was computed in which dtype; the casts that
 * eager PyTorch makes silently (lists: PyTorch documentation, "Autocast Op Reference") become
 * nodes.  Runs before functionalize, so that writes inside a region are seen in order with those
 * around it. */
#include "passes/graph_util.h"

#include <string.h>

static const char *const regions[] = {"wrap_with_set_grad_enabled",
                                      "wrap_with_autocast",
                                      "hints_wrapper",
                                      "strict_mode",
                                      "invoke_subgraph",
                                      "invoke_quant",
                                      "invoke_quant_packed",
                                      "wrap",
                                      NULL};

static bool is_region(const Node *node)
{
    if (!node->schema->is_higher_order)
        return false;
    for (int i = 0; regions[i]; i++)
        if (!strcmp(node->schema->base, regions[i]))
            return true;
    return false;
}

/* ---- copying a body -------------------------------------------------------------------------- */

typedef struct Inline {
    Graph *graph;
    Node  *at;
    Arg   *map; /* what stands for a value of the body, by id */
    int    n_map;
    DType  autocast; /* DT_NONE: no autocast */
} Inline;

static bool is_mapped(const Inline *in, const Value *value)
{
    return value->id < in->n_map && in->map[value->id].kind != ARG_NONE;
}

static void map_capture(void *user, Arg *arg)
{
    Inline *in = user;
    if (is_mapped(in, arg->value))
        *arg = in->map[arg->value->id];
}

/* Nested control flow stays a subgraph; what it sees of the body is renamed. */
static void adopt_graph(void *user, Graph *graph)
{
    Inline *in = user;
    for (Node *n = graph->first; n; n = n->next) {
        node_for_each_value(n, map_capture, in);
        node_for_each_graph(n, adopt_graph, in);
    }
    for (int i = 0; i < graph->n_outputs; i++)
        if (graph->outputs[i].arg.kind == ARG_VALUE)
            map_capture(in, &graph->outputs[i].arg);
}

static Arg copy_arg(Inline *in, const Arg *arg)
{
    Arg copy = *arg;
    if (arg->kind == ARG_VALUE && is_mapped(in, arg->value))
        return in->map[arg->value->id];
    if (arg->kind == ARG_LIST) {
        copy.items = ARENA_ARRAY(in->graph->ir->arena, Arg, arg->n_items ? arg->n_items : 1);
        for (int i = 0; i < arg->n_items; i++)
            copy.items[i] = copy_arg(in, &arg->items[i]);
    }
    if (arg->kind == ARG_GRAPH) {
        adopt_graph(in, arg->graph);
        arg->graph->parent = in->graph;
    }
    return copy;
}

static void copy_results(Inline *in, Node *copy, const Node *node)
{
    for (int i = 0; i < node->n_results; i++) {
        copy->results[i]->kind = node->results[i]->kind;
        copy->results[i]->type = node->results[i]->type;
        copy->results[i]->symbol = node->results[i]->symbol;
        in->map[node->results[i]->id] = arg_value(copy->results[i]);
    }
}

/* ---- autocast -------------------------------------------------------------------------------- */

static const char *const low_precision[] = {
    "linear",
    "matmul",
    "mm",
    "bmm",
    "addmm",
    "addbmm",
    "baddbmm",
    "mv",
    "addmv",
    "conv1d",
    "conv2d",
    "conv3d",
    "convolution",
    "conv_transpose1d",
    "conv_transpose2d",
    "conv_transpose3d",
    "scaled_dot_product_attention",
    "einsum",
    "chain_matmul",
    "linalg_multi_dot",
    "linalg_vecdot",
    "prelu",
    NULL,
};
static const char *const full_precision[] = {
    "exp",
    "expm1",
    "log",
    "log10",
    "log1p",
    "log2",
    "pow",
    "rsqrt",
    "reciprocal",
    "softmax",
    "log_softmax",
    "layer_norm",
    "group_norm",
    "norm",
    "sum",
    "prod",
    "cumsum",
    "cumprod",
    "softplus",
    "mse_loss",
    "nll_loss",
    "l1_loss",
    "cosh",
    "sinh",
    "tan",
    "acos",
    "asin",
    "erfinv",
    "cosine_similarity",
    "smooth_l1_loss",
    "kl_div",
    NULL,
};

static bool is_low(DType dtype)
{
    return dtype == DT_F16 || dtype == DT_BF16;
}

static Error *autocast_arg(Inline *in, const Node *node, Arg *arg, DType dtype)
{
    for (int i = 0; arg->kind == ARG_LIST && i < arg->n_items; i++)
        TRY(autocast_arg(in, node, &arg->items[i], dtype));
    if (arg->kind != ARG_VALUE || arg->value->kind != VALUE_TENSOR)
        return NULL;
    DType from = arg->value->type.dtype;
    bool  cast = dtype == DT_F32 ? is_low(from) : from == DT_F32 || (is_low(from) && from != dtype);
    if (!cast)
        return NULL;
    Arg args[] = {arg_value(arg->value), arg_dtype(dtype)};
    return build_like(in->graph, in->at, node, "aten._to_copy.default", args, 2, &arg->value);
}

/* The result type of the export decides: lists differ between devices and versions. */
static Error *autocast_args(Inline *in, const Node *node, Arg *args)
{
    if (in->autocast == DT_NONE || !node->n_results || node->results[0]->kind != VALUE_TENSOR)
        return NULL;
    DType result = node->results[0]->type.dtype;
    DType to = DT_NONE;
    if (result == in->autocast && node_base_in(node, low_precision))
        to = in->autocast;
    else if (result == DT_F32 && node_base_in(node, full_precision))
        to = DT_F32;
    for (int i = 0; to != DT_NONE && i < node->n_args; i++)
        TRY(autocast_arg(in, node, &args[i], to));
    return NULL;
}

/* ---- one region ------------------------------------------------------------------------------ */

static Error *copy_node(Inline *in, const Node *node)
{
    Arg *args = ARENA_ARRAY(in->graph->ir->arena, Arg, node->n_args ? node->n_args : 1);
    for (int i = 0; i < node->n_args; i++)
        args[i] = copy_arg(in, &node->args[i]);
    TRY(autocast_args(in, node, args));
    Node *copy = graph_add_node(in->graph, in->at, node->schema, node->name, args, node->n_args,
                                node->n_results);
    copy->op = node->op;
    copy->where = node->where;
    copy->module = node->module;
    copy_results(in, copy, node);
    return NULL;
}

typedef VEC(Arg *) ArgList;

static void flatten(Arena *arena, Arg *arg, ArgList *out)
{
    if (arg->kind != ARG_LIST) {
        VEC_PUSH(arena, *out, arg);
        return;
    }
    for (int i = 0; i < arg->n_items; i++)
        flatten(arena, &arg->items[i], out);
}

/* The operands come after the graph, some operators nest them in a list; a string there is a name,
 * not an operand. */
static Error *map_operands(Inline *in, Node *node, int graph_arg, Graph *body)
{
    Arena  *arena = in->graph->ir->arena;
    ArgList operands = {0};
    for (int i = graph_arg + 1; i < node->n_args; i++)
        if (node->args[i].kind != ARG_STRING)
            flatten(arena, &node->args[i], &operands);
    if (operands.n < body->n_inputs)
        return node_error(node, E_FORMAT, "the region takes %d operands, %d are given",
                          body->n_inputs, operands.n);
    for (int i = 0; i < body->n_inputs; i++)
        if (body->inputs[i].value)
            in->map[body->inputs[i].value->id] = *operands.items[i];
    return NULL;
}

static Error *replace_results(Inline *in, Node *node, Graph *body)
{
    for (int i = 0; i < node->n_results; i++) {
        if (node->results[i]->kind == VALUE_NONE)
            continue;
        Arg out = i < body->n_outputs ? copy_arg(in, &body->outputs[i].arg) : arg_none();
        if (out.kind != ARG_VALUE)
            return node_error(node, E_UNSUPPORTED, "result %d of the region is not a value", i);
        graph_replace_uses(in->graph, node->results[i], out.value);
    }
    return NULL;
}

static DType autocast_dtype(const Node *node)
{
    if (strcmp(node->schema->base, "wrap_with_autocast") || node->n_args < 3 ||
        !arg_is_number(&node->args[2], 1))
        return DT_NONE;
    if (node->args[1].kind == ARG_DTYPE)
        return node->args[1].dtype;
    return node->args[0].kind == ARG_STRING && !strcmp(node->args[0].string, "cuda") ? DT_F16
                                                                                     : DT_BF16;
}

static Error *inline_node(Graph *graph, Node *node)
{
    int at = 0;
    while (at < node->n_args && node->args[at].kind != ARG_GRAPH)
        at++;
    if (at == node->n_args)
        return node_error(node, E_FORMAT, "%s has no subgraph", node->schema->name);
    Graph *body = node->args[at].graph;
    Inline in = {.graph = graph,
                 .at = node,
                 .n_map = graph->ir->next_id + 1,
                 .autocast = autocast_dtype(node)};
    in.map = ARENA_ARRAY(graph->ir->arena, Arg, in.n_map);
    TRY(map_operands(&in, node, at, body));
    for (Node *n = body->first; n; n = n->next)
        TRY(copy_node(&in, n));
    TRY(replace_results(&in, node, body));
    graph_remove_node(graph, node);
    return NULL;
}

static Error *run(Graph *graph, PassCtx *cx, bool *changed)
{
    for (Node *n = graph->first, *next; n; n = next) {
        next = n->next;
        if (!is_region(n))
            continue;
        Node *before = n->prev;
        TRY(inline_node(graph, n));
        pass_count(cx, "inline_regions", 1);
        *changed = true;
        next = before ? before->next : graph->first; /* regions inside the region */
    }
    return NULL;
}

const Pass pass_inline_regions = {
    .name = "inline_regions",
    .purpose = "replace no_grad, autocast and similar regions by their nodes",
    .run = run,
};
