/* fold_batch_norm: arithmetic per channel after a convolution or linear layer moves into weight and
 * bias.
 *
 *   %1 = aten.convolution.default(%x, %w, %b, ...)     %w2 = aten.mul.Tensor(%w, scale as
 * [C,1,1,1]) %2 = aten.mul.Tensor(%1, %scale)                   %b2 =
 * aten.add.Tensor(aten.mul.Tensor(%b, %scale), %shift) %3 = aten.add.Tensor(%2, %shift) %3 =
 * aten.convolution.default(%x, %w2, %b2, ...)
 *
 * Batch norm in evaluation has that form after decompose.  The new weight and bias depend on
 * constants alone: freeze computes them.  Only where nobody else sees the convolution's result or
 * shares its weight, and where operand and result have its dtype. */
#include "passes/graph_util.h"

#include <string.h>

typedef struct Layer {
    Node       *node;
    const char *weight, *bias; /* names of the parameters */
    int         channel_dim;   /* of the result */
    int         weight_dim;    /* of the weight: where that channel is */
} Layer;

typedef struct Operation {
    Node      *node;
    char       op;    /* '+', '-', '*', '/' */
    const Arg *other; /* number or tensor of constants */
} Operation;

/* ---- what can be folded ---------------------------------------------------------------------- */

static bool find_layer(Node *node, Layer *layer)
{
    if (node->n_results != 1 || node->results[0]->kind != VALUE_TENSOR ||
        !dtype_is_float(node->results[0]->type.dtype))
        return false;
    int rank = node->results[0]->type.rank;
    if (node_is(node, "convolution") && arg_is_number(node_arg(node, "transposed"), 0)) {
        /* An unbatched result has its channels first. */
        *layer = (Layer){node, "weight", "bias",
                         rank < node_tensor(node, "weight")->type.rank ? 0 : 1, 0};
        return true;
    }
    if (node_is(node, "linear") && rank > 0) {
        *layer = (Layer){node, "weight", "bias", rank - 1, 0};
        return node_tensor(node, "weight")->type.rank == 2;
    }
    if (node_is(node, "addmm") && arg_is_number(node_arg(node, "beta"), 1) &&
        arg_is_number(node_arg(node, "alpha"), 1)) {
        *layer = (Layer){node, "mat2", "self", 1, 1};
        return node_tensor(node, "self")->type.rank == 1;
    }
    return false;
}

static const Expr *channels(const Layer *layer)
{
    return layer->node->results[0]->type.sizes[layer->channel_dim];
}

/* Weights that others use too would be stored twice. */
static bool is_private(const Value *weight)
{
    while (weight->def && weight->def->op && weight->def->op->kind == OP_VIEW) {
        if (weight->n_uses != 1)
            return false;
        weight = node_first_tensor(weight->def);
    }
    return weight->n_uses == 1;
}

static bool has_constant_weights(const Layer *layer, const Origin *of)
{
    const Value *weight = node_tensor(layer->node, layer->weight),
                *bias = node_tensor(layer->node, layer->bias);
    return of[weight->id] == FROM_CONSTANTS && is_private(weight) &&
           (!bias || of[bias->id] == FROM_CONSTANTS);
}

/* Does the operand have one element a channel, or a single one? */
static bool is_per_channel(const Layer *layer, const Value *other)
{
    int rank = layer->node->results[0]->type.rank, shift = rank - other->type.rank;
    for (int i = 0; i < other->type.rank; i++) {
        bool is_channel =
            i + shift == layer->channel_dim && other->type.sizes[i] == channels(layer);
        if (i + shift < 0 || (!is_channel && !expr_is_value(other->type.sizes[i], 1)))
            return false;
    }
    return true;
}

static bool is_foldable(const Layer *layer, const Operation *o, const Origin *of)
{
    const TensorType *type = &layer->node->results[0]->type;
    const TensorType *result = &o->node->results[0]->type;
    double            x;
    if (result->dtype != type->dtype || result->rank != type->rank)
        return false;
    if (o->other->kind != ARG_VALUE)
        return arg_number(o->other, &x) &&
               (node_tensor(layer->node, layer->bias) || o->op == '*' || o->op == '/');
    const Value *v = o->other->value;
    return v->kind == VALUE_TENSOR && of[v->id] == FROM_CONSTANTS && v->type.dtype == type->dtype &&
           is_per_channel(layer, v);
}

static char operation_of(const Node *node)
{
    static const struct {
        const char *name;
        char        op;
    } names[] = {{"aten.add.Tensor", '+'},
                 {"aten.sub.Tensor", '-'},
                 {"aten.mul.Tensor", '*'},
                 {"aten.div.Tensor", '/'}};
    const Arg *alpha = node_arg_or_null(node, "alpha");
    if (alpha && !arg_is_number(alpha, 1))
        return 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (node_is(node, names[i].name))
            return names[i].op;
    return 0;
}

/* The one node that uses the layer's result, if it is such an operation with the result on the
 * right side. */
static bool find_operation(const Layer *layer, Operation *o)
{
    const Value *v = layer->node->results[0];
    for (Node *n = layer->node->next; n; n = n->next) {
        char op = operation_of(n);
        if (!op || n->n_results != 1)
            continue;
        bool left = n->args[0].kind == ARG_VALUE && n->args[0].value == v;
        bool right = n->args[1].kind == ARG_VALUE && n->args[1].value == v;
        if (!left && !right)
            continue;
        if (left == right || (right && op != '+' && op != '*'))
            return false;
        *o = (Operation){n, op, left ? &n->args[1] : &n->args[0]};
        return true;
    }
    return false;
}

/* ---- new weight and bias --------------------------------------------------------------------- */

static const char *call_of(char op)
{
    return op == '+'   ? "aten.add.Tensor"
           : op == '-' ? "aten.sub.Tensor"
           : op == '*' ? "aten.mul.Tensor"
                       : "aten.div.Tensor";
}

/* The operand with `rank` dims, its channel at `dim`. */
static Error *shaped_operand(Graph *graph, const Operation *o, int rank, int dim, Arg *out)
{
    *out = *o->other;
    if (out->kind != ARG_VALUE)
        return NULL;
    const Expr *sizes[MAX_RANK];
    for (int i = 0; i < rank; i++)
        sizes[i] = expr_int(graph->ir->exprs, 1);
    sizes[dim] = tensor_numel(graph->ir, &o->other->value->type);
    Value *value;
    Arg    args[] = {arg_value(o->other->value), arg_exprs(graph, sizes, rank)};
    TRY(build_like(graph, o->node, o->node, "aten.view.default", args, 2, &value));
    *out = arg_value(value);
    return NULL;
}

static Error *new_weight(Graph *graph, const Layer *layer, const Operation *o, Value **weight)
{
    *weight = node_tensor(layer->node, layer->weight);
    if (o->op == '+' || o->op == '-')
        return NULL;
    Arg args[2] = {arg_value(*weight)};
    TRY(shaped_operand(graph, o, (*weight)->type.rank, layer->weight_dim, &args[1]));
    return build_like(graph, o->node, o->node, call_of(o->op), args, 2, weight);
}

/* Without a bias, the shift is the bias; zeros are added where one number has to become one for
 * each channel. */
static Error *new_bias(Graph *graph, const Layer *layer, const Operation *o, Arg *bias)
{
    Value *value = node_tensor(layer->node, layer->bias);
    *bias = *node_arg(layer->node, layer->bias);
    if (!value && (o->op == '*' || o->op == '/'))
        return NULL;
    if (!value) {
        const Expr *size = channels(layer);
        Arg         zeros[] = {arg_exprs(graph, &size, 1), arg_float(0),
                               arg_dtype(layer->node->results[0]->type.dtype)};
        TRY(build_like(graph, o->node, o->node, "aten.full.default", zeros, 3, &value));
    }
    Arg args[2] = {arg_value(value)};
    TRY(shaped_operand(graph, o, 1, 0, &args[1]));
    TRY(build_like(graph, o->node, o->node, call_of(o->op), args, 2, &value));
    *bias = arg_value(value);
    return NULL;
}

/* The layer moves to the place of the operation: the operand may be computed between the two. */
static Error *fold(Graph *graph, Layer *layer, const Operation *o)
{
    Value *weight;
    Arg    bias;
    TRY(new_weight(graph, layer, o, &weight));
    TRY(new_bias(graph, layer, o, &bias));
    graph_move_node(graph, layer->node, o->node);
    *node_arg(layer->node, layer->weight) = arg_value(weight);
    *node_arg(layer->node, layer->bias) = bias;
    take_strides(layer->node->results[0], &o->node->results[0]->type);
    graph_replace_uses(graph, o->node->results[0], layer->node->results[0]);
    graph_remove_node(graph, o->node);
    return NULL;
}

static Error *fold_all(Graph *graph, Layer *layer, PassCtx *cx, bool *changed)
{
    for (;;) {
        Operation o;
        int       n;
        graph_count_uses(graph);
        if (layer->node->results[0]->n_uses != 1 || !find_operation(layer, &o))
            return NULL;
        Origin *of = graph_origins(graph, &n);
        if (!has_constant_weights(layer, of) || !is_foldable(layer, &o, of))
            return NULL;
        TRY(fold(graph, layer, &o));
        pass_count(cx, "binary_folding", 1);
        *changed = true;
    }
}

static Error *run(Graph *graph, PassCtx *cx, bool *changed)
{
    if (graph->parent) /* constants belong to the outermost graph */
        return NULL;
    VEC(Layer) layers = {0};
    for (Node *n = graph->first; n; n = n->next) {
        Layer layer;
        if (find_layer(n, &layer))
            VEC_PUSH(cx->arena, layers, layer);
    }
    for (int i = 0; i < layers.n; i++)
        TRY(fold_all(graph, &layers.items[i], cx, changed));
    return NULL;
}

const Pass pass_fold_batch_norm = {
    .name = "fold_batch_norm",
    .purpose = "move per-channel arithmetic after a convolution or linear layer into its weights",
    .run = run,
};
