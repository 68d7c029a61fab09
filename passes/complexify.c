/* complexify: complex tensors become pairs of real ones; nothing after this pass knows complex
 * numbers.
 *
 *   graph @f(%x: c64[3]) {                         graph @f(%x: f32[3,2]) {
 *     %0 = aten.exp.default(%x) : c64[3]             %re = aten.select.int(%x, 1, 0), %im =
 * aten.select.int(%x, 1, 1) return %0                                      … exp(re) cos(im),
 * exp(re) sin(im) … }                                                return aten.stack.default([%a,
 * %b], -1) : f32[3,2]
 *
 * The caller's memory is the same: inputs, outputs and constants of a complex dtype are real
 * tensors with a last dim of 2; GraphInput.is_complex and GraphOutput.is_complex say that the
 * model's signature has complex ones.  An operator is said in real ones by a rule
 * (complex_rules.c), or, where it is composite, by its own expansion first. */
#include "passes/complex.h"

#include <string.h>

/* As for decompose. */
#define MAX_EXPANSION_DEPTH 24

static bool is_complex_type(const Value *value)
{
    return value && value->kind == VALUE_TENSOR && dtype_info(value->type.dtype)->is_complex;
}

/* f32[…,2] in the memory of c64[…]. */
static TensorType real_type(Ir *ir, const TensorType *t)
{
    const Expr *sizes[MAX_RANK + 1], *strides[MAX_RANK + 1], *two = expr_int(ir->exprs, 2);
    for (int d = 0; d < t->rank; d++) {
        sizes[d] = t->sizes[d];
        strides[d] = expr_mul(ir->exprs, t->strides[d], two);
    }
    sizes[t->rank] = two;
    strides[t->rank] = expr_int(ir->exprs, 1);
    TensorType out = tensor_type_strided(ir, complex_part(t->dtype), sizes, strides, t->rank + 1);
    out.device = t->device;
    if (t->storage_offset)
        out.storage_offset = expr_mul(ir->exprs, t->storage_offset, two);
    return out;
}

static void set_pair(Complexify *c, const Value *value, Pair pair)
{
    if (value->id >= c->n_of) {
        int   n = value->id + 1024;
        Pair *grown = ARENA_ARRAY(c->graph->ir->arena, Pair, n);
        if (c->n_of)
            memcpy(grown, c->of, sizeof *grown * (size_t)c->n_of);
        c->of = grown;
        c->n_of = n;
    }
    c->of[value->id] = pair;
}

/* ---- inputs and constants -------------------------------------------------------------------- */

static Error *split_value(Complexify *c, Value *value)
{
    if (value->type.rank + 1 >= MAX_RANK || complex_part(value->type.dtype) == DT_NONE)
        return error_new(c->graph->ir->arena, E_UNSUPPORTED,
                         (Where){.node = value->name, .file = c->graph->ir->file},
                         "%%%s of type %s", value->name,
                         tensor_type_text(c->graph->ir->arena, &value->type));
    int    last = value->type.rank;
    /* Its own value stays complex for the nodes that are still to come: they see a stand-in. */
    Value *stand_in = graph_new_value(c->graph, value->name, VALUE_TENSOR);
    stand_in->type = value->type;
    graph_replace_uses(c->graph, value, stand_in);
    value->type = real_type(c->graph->ir, &value->type);
    Pair p = {build_select(&c->b, value, last, 0), build_select(&c->b, value, last, 1)};
    set_pair(c, stand_in, p);
    c->changed = true;
    return c->b.error;
}

static Error *split_source(Complexify *c, Value *value)
{
    c->b = (Build){.at = c->graph->first, .graph = c->graph};
    return split_value(c, value);
}

static Error *split_sources(Complexify *c)
{
    Graph *g = c->graph;
    for (int i = 0; i < g->n_inputs; i++)
        if (is_complex_type(g->inputs[i].value)) {
            g->inputs[i].is_complex = true;
            TRY(split_source(c, g->inputs[i].value));
        }
    for (int i = 0; i < g->constants.n; i++)
        if (is_complex_type(g->constants.items[i]->value))
            TRY(split_source(c, g->constants.items[i]->value));
    return NULL;
}

/* ---- nodes ----------------------------------------------------------------------------------- */

static void note_part(void *user, Arg *arg)
{
    DType *real = user;
    DType  part = arg->value->kind == VALUE_TENSOR ? complex_part(arg->value->type.dtype) : DT_NONE;
    if (part != DT_NONE && *real != DT_F64)
        *real = part;
}

/* dtype of the parts that a node computes with; DT_NONE where it has nothing to do with complex
 * numbers. */
static DType part_dtype(Node *node)
{
    DType real = DT_NONE;
    if (node->n_results && is_complex_type(node->results[0]))
        return complex_part(node->results[0]->type.dtype);
    node_for_each_value(node, note_part, &real);
    for (int i = 0; i < node->n_results; i++)
        if (is_complex_type(node->results[i]) && real == DT_NONE)
            real = complex_part(node->results[i]->type.dtype);
    for (int i = 0; i < node->n_args && real == DT_NONE; i++)
        if (node->args[i].kind == ARG_COMPLEX)
            real = DT_F32;
    if (real == DT_NONE && complex_fft_rule(node->schema->base))
        real = node->results[0]->type.dtype == DT_F64 ? DT_F64 : DT_F32;
    return real;
}

static Error *not_supported(const Node *node)
{
    return node_error(node, E_UNSUPPORTED, "%s of complex numbers is not supported",
                      node->schema->name);
}

/* A real result takes the place of the exported one, with its strides where somebody sees them. */
static Error *place_real(Complexify *c, Value *from, Value *to)
{
    if (from->type.dtype != to->type.dtype)
        to = build_cast(&c->b, to, from->type.dtype);
    if (c->b.error)
        return c->b.error;
    if (value_is_observed(c->graph, from)) {
        Arg args[] = {arg_value(to)};
        TRY(build_like(c->graph, c->node, c->node, "aten.clone.default", args, 1, &to));
        to->type.sizes = from->type.sizes;
        to->type.strides = from->type.strides;
    }
    graph_replace_uses(c->graph, from, to);
    return NULL;
}

static Error *apply_rule(Complexify *c, ComplexRule rule)
{
    Node *node = c->node;
    Pair *results = ARENA_ARRAY(c->graph->ir->arena, Pair, node->n_results + 1);
    TRY(rule(c, results));
    for (int i = 0; i < node->n_results; i++) {
        Value *from = node->results[i];
        if (from->kind != VALUE_TENSOR)
            continue;
        if (!results[i].re)
            return not_supported(node);
        if (is_complex_type(from))
            set_pair(c, from, results[i]);
        else
            TRY(place_real(c, from, results[i].re));
    }
    graph_remove_node(c->graph, node);
    return NULL;
}

static Error *expand_composite(Complexify *c)
{
    Node   *node = c->node, *before = node->prev;
    Value **results = ARENA_ARRAY(c->graph->ir->arena, Value *, node->n_results + 1);
    TRY(node->op->expand ? build_expand(node, node->op->expand, results)
                         : node->op->expand_fn(node, results));
    uintptr_t depth = (uintptr_t)node->scratch + 1;
    if (depth > MAX_EXPANSION_DEPTH)
        return node_error(node, E_LIMIT, "expansions of %s are nested deeper than %d",
                          node->schema->name, MAX_EXPANSION_DEPTH);
    for (Node *n = before ? before->next : c->graph->first; n != node; n = n->next) {
        n->scratch = (void *)depth;
        inherit_where(n, node);
    }
    for (int i = 0; i < node->n_results; i++) {
        Value *from = node->results[i];
        if (from->kind != VALUE_TENSOR || !results[i])
            continue;
        if (results[i]->type.dtype != from->type.dtype)
            return not_supported(node);
        if (is_complex_type(from))
            graph_replace_uses(c->graph, from, results[i]);
        else
            TRY(place_real(c, from, results[i]));
    }
    graph_remove_node(c->graph, node);
    return NULL;
}

/* ---- control flow ---------------------------------------------------------------------------- */

static Error *join_operand(Complexify *c, Arg *arg)
{
    for (int i = 0; arg->kind == ARG_LIST && i < arg->n_items; i++)
        TRY(join_operand(c, &arg->items[i]));
    if (arg->kind == ARG_VALUE && is_complex_type(arg->value)) {
        Value *joined = cx_stack(c, c->of[arg->value->id]);
        if (c->b.error)
            return c->b.error;
        *arg = arg_value(joined);
    }
    return NULL;
}

/* cond and while_loop take and give real tensors with a last dim of 2, as their subgraphs do. */
static Error *join_operands(Complexify *c)
{
    Node *node = c->node;
    for (int i = 0; i < node->n_args; i++)
        TRY(join_operand(c, &node->args[i]));
    c->b = (Build){.at = node->next, .graph = c->graph};
    for (int i = 0; i < node->n_results; i++)
        if (is_complex_type(node->results[i]))
            TRY(split_value(c, node->results[i]));
    return NULL;
}

static bool has_complex_number(const Node *node)
{
    for (int i = 0; i < node->n_args; i++)
        if (node->args[i].kind == ARG_COMPLEX)
            return true;
    return false;
}

/* _assert_tensor_metadata of the dtype alone: the types prove it. */
static bool is_proven(const Node *node)
{
    return node_is(node, "_assert_tensor_metadata") && node_arg(node, "size")->kind == ARG_NONE &&
           node_arg(node, "stride")->kind == ARG_NONE &&
           (node_arg(node, "dtype")->kind == ARG_NONE ||
            node_arg(node, "dtype")->dtype == node->args[0].value->type.dtype);
}

static Error *process(Complexify *c, Node *node)
{
    static const char *const on_real[] = {
        "conj", "_conj", "conj_physical", "resolve_conj", "resolve_neg", "real", NULL};
    c->node = node;
    c->b = build_at(node);
    c->real = part_dtype(node);
    if (c->real == DT_NONE && node_base_in(node, on_real)) { /* these give back what is real */
        graph_replace_uses(c->graph, node->results[0], node->args[0].value);
        graph_remove_node(c->graph, node);
        return NULL;
    }
    if (c->real == DT_NONE)
        return NULL;
    c->changed = true;
    if (is_proven(node)) {
        graph_remove_node(c->graph, node);
        return NULL;
    }
    if (node->schema->is_higher_order)
        return join_operands(c);
    if (node->op && node->op->kind == OP_EFFECT)
        return not_supported(node);
    ComplexRule rule = complex_rule(node);
    if (rule)
        return apply_rule(c, rule);
    bool expands = node->op && (node->op->expand || node->op->expand_fn);
    if (expands && node->op->kind == OP_COMPOSITE && !has_complex_number(node))
        return expand_composite(c);
    return not_supported(node);
}

/* ---- outputs --------------------------------------------------------------------------------- */

static Error *join_output(Complexify *c, Value *value, const TensorType *exported, Value **out)
{
    TensorType type = real_type(c->graph->ir, exported);
    c->b = (Build){.graph = c->graph};
    *out = cx_stack(c, c->of[value->id]);
    if (*out) {
        (*out)->type.sizes = type.sizes;
        (*out)->type.strides = type.strides;
    }
    return c->b.error;
}

/* Types of outputs as exported: expansions may give values with other strides. */
static TensorType *output_types(Graph *g)
{
    TensorType *types = ARENA_ARRAY(g->ir->arena, TensorType, g->n_outputs + 1);
    for (int i = 0; i < g->n_outputs; i++)
        if (g->outputs[i].arg.kind == ARG_VALUE)
            types[i] = g->outputs[i].arg.value->type;
    return types;
}

static Error *join_outputs(Complexify *c, const TensorType *types)
{
    Graph *g = c->graph;
    for (int i = 0; i < g->n_outputs; i++) {
        Arg *arg = &g->outputs[i].arg;
        if (arg->kind == ARG_VALUE && is_complex_type(arg->value)) {
            g->outputs[i].is_complex = true;
            TRY(join_output(c, arg->value, &types[i], &arg->value));
        }
    }
    for (int i = 0; i < g->n_inputs; i++)
        if (is_complex_type(g->inputs[i].mutated_to))
            TRY(join_output(c, g->inputs[i].mutated_to, &g->inputs[i].mutated_to->type,
                            &g->inputs[i].mutated_to));
    for (int i = 0; i < g->mutations.n; i++)
        if (is_complex_type(g->mutations.items[i].value))
            TRY(join_output(c, g->mutations.items[i].value, &g->mutations.items[i].value->type,
                            &g->mutations.items[i].value));
    return NULL;
}

static Error *run(Graph *graph, PassCtx *cx, bool *changed)
{
    Complexify  c = {.cx = cx, .graph = graph};
    TensorType *types = output_types(graph);
    TRY(split_sources(&c));
    for (Node *n = graph->first; n; n = n->next)
        n->scratch = NULL;
    for (Node *n = graph->first, *next; n; n = next) {
        Node *before = n->prev;
        TRY(process(&c, n));
        /* Nodes of an expansion come next; those of a rule are real and pass through. */
        next = before ? before->next : graph->first;
        if (next == n)
            next = n->next;
    }
    TRY(join_outputs(&c, types));
    *changed |= c.changed;
    return NULL;
}

const Pass pass_complexify = {
    .name = "complexify",
    .purpose = "replace complex tensors by pairs of real ones",
    .run = run,
    .replaces = complex_replaces,
};
