/* transposed_convolution: a transposed convolution becomes a plain one over spread-out data.
 *
 *   aten.convolution(%x, %w, %b, [2,2], [1,1], [1,1], true, [0,0], 1)     with %w : f32[ic,oc,4,4]
 *   -> %s = aotc.spread(%x, [2,2], [2,2], [2,2])          zeros between the elements and around
 * them %f = %w flipped in space, channels swapped : f32[oc,ic,4,4]         (constant: freeze
 * computes it) aten.convolution(%s, %f, %b, [1,1], [0,0], [1,1], false, [0,0], 1)
 *
 * out[y] = sum x[i] w[k] over y = i*stride - padding + k*dilation (PyTorch documentation,
 * ConvTranspose2d). */
#include "passes/pass.h"

#include "ir/ops.h"
#include "ir/ops/shape_util.h"

#include <string.h>

#define SPREAD "aotc::spread(Tensor self, int[] stride, int[] low, int[] high) -> Tensor"

/* [ic, oc/g, k…] to [oc, ic/g, k…], spatial dims reversed. */
static Value *turn_weight(Build *b, Value *w, int64_t groups)
{
    ExprPool   *p = b->graph->ir->exprs;
    int         n = w->type.rank - 2, order[MAX_RANK];
    int64_t     spatial[3];
    const Expr *split[MAX_RANK], *joined[MAX_RANK];
    split[0] = expr_int(p, groups);
    split[1] = expr_floordiv(p, w->type.sizes[0], expr_int(p, groups));
    split[2] = w->type.sizes[1];
    joined[0] = expr_mul(p, w->type.sizes[1], expr_int(p, groups));
    joined[1] = split[1];
    order[0] = 0;
    order[1] = 2;
    order[2] = 1;
    for (int i = 0; i < n; i++) {
        split[3 + i] = joined[2 + i] = w->type.sizes[2 + i];
        order[3 + i] = 3 + i;
        spatial[i] = 2 + i;
    }
    Value *v = build_reshape(b, w, split, n + 3);
    v = v ? build_permute(b, v, order, n + 3) : NULL;
    v = v ? build_reshape(b, v, joined, n + 2) : NULL;
    return v ? BUILD(b, "aten.flip.default", arg_value(v), arg_ints(b->graph, spatial, n)) : NULL;
}

static Error *rewrite(Node *node)
{
    Value *x = node_tensor(node, "input"), *w = node_tensor(node, "weight"),
          *bias = node_tensor(node, "bias");
    Graph  *g = node->graph;
    int     n = x->type.rank - 2;
    int64_t stride[3], padding[3], dilation[3], extra[3], low[3], high[3], ones[3] = {1, 1, 1},
                                                                           zeros[3] = {0};
    if (n < 1 || n > 3)
        return node_error(node, E_UNSUPPORTED, "%s: %d spatial dims", node->schema->name, n);
    TRY(shape_ints(node, "stride", stride, n));
    TRY(shape_ints(node, "padding", padding, n));
    TRY(shape_ints(node, "dilation", dilation, n));
    TRY(shape_ints(node, "output_padding", extra, n));
    for (int i = 0; i < n; i++) {
        int64_t kernel;
        if (!expr_is_int(w->type.sizes[2 + i], &kernel))
            return node_error(node, E_UNSUPPORTED, "%s: a symbolic kernel size",
                              node->schema->name);
        low[i] = dilation[i] * (kernel - 1) - padding[i];
        high[i] = low[i] + extra[i];
    }
    Build  b = build_at(node);
    Value *spread = build_internal(&b, SPREAD,
                                   (const Arg[]){arg_value(x), arg_ints(g, stride, n),
                                                 arg_ints(g, low, n), arg_ints(g, high, n)},
                                   4);
    Value *turned = turn_weight(&b, w, node_int(node, "groups"));
    if (b.error)
        return b.error;
    Value *out = BUILD(&b, "aten.convolution.default", arg_value(spread), arg_value(turned),
                       bias ? arg_value(bias) : arg_none(), arg_ints(g, ones, n),
                       arg_ints(g, zeros, n), arg_ints(g, dilation, n), arg_bool(g, false),
                       arg_ints(g, zeros, n), *node_arg(node, "groups"));
    if (b.error)
        return b.error;
    out->type = node->results[0]->type;
    graph_replace_uses(g, node->results[0], out);
    graph_remove_node(g, node);
    return NULL;
}

static Error *run(Graph *graph, PassCtx *cx, bool *changed)
{
    for (Node *n = graph->first, *next; n; n = next) {
        next = n->next;
        if (strcmp(n->schema->name, "aten.convolution.default") || !node_bool(n, "transposed"))
            continue;
        TRY(rewrite(n));
        pass_count(cx, "transposed_convolution", 1);
        *changed = true;
    }
    return NULL;
}

const Pass pass_transposed_convolution = {
    .name = "transposed_convolution",
    .purpose = "transposed convolutions as plain ones over spread-out data",
    .run = run,
};
