/* patches: a convolution whose windows touch but do not overlap is a product of patches, on a GPU.
 *
 *   aten.convolution.default(%x, %w, %b, [16,16], [0,0], …)     %x : bf16[1,3,224,224]
 *   -> %p = %x as [1,3,14,16,14,16], permuted to [1,14,14,3,16,16], as [1,196,768]
 *      %y = aten.linear.default(%p, %w as [768,768], %b) : bf16[1,196,768]
 *      %y as [1,14,14,768], permuted to [1,768,14,14]
 *
 * One copy reads %x once, in pieces of a row of a patch; the product's operands are then matrices.
 * Channels in fours stay: a convolution gathers those well itself.  Each sum has the same terms in
 * another order. */
#include "passes/graph_util.h"

#include "ir/ops/shape_util.h"

/* Channels that a convolution gathers together. */
#define PIECE 4
#define LEAST_TAPS 4

typedef struct Patches {
    int     n; /* spatial dims */
    int64_t kernel[3];
} Patches;

static bool are_all(Node *node, const char *name, int n, int64_t value)
{
    int64_t list[3];
    if (shape_ints(node, name, list, n))
        return false;
    for (int d = 0; d < n; d++)
        if (list[d] != value)
            return false;
    return true;
}

static bool find_patches(Node *node, Patches *p)
{
    const Value *x = node_tensor(node, "input"), *w = node_tensor(node, "weight");
    int64_t      channels, taps = 1, groups, stride[3];
    p->n = x->type.rank - 2;
    if (p->n < 1 || p->n > 3 || node_bool(node, "transposed") ||
        shape_const_int(node, "groups", &groups) || groups != 1 ||
        !expr_is_int(x->type.sizes[1], &channels) || channels % PIECE == 0 ||
        !are_all(node, "padding", p->n, 0) || !are_all(node, "dilation", p->n, 1) ||
        shape_ints(node, "stride", stride, p->n))
        return false;
    for (int d = 0; d < p->n; d++) {
        if (!expr_is_int(w->type.sizes[2 + d], &p->kernel[d]) || p->kernel[d] != stride[d])
            return false;
        taps *= p->kernel[d];
    }
    return taps >= LEAST_TAPS;
}

/* [N, C, in…] to [N, patches, C * taps]; what no window reaches is cut off. */
static Value *patches_of(Build *b, Value *x, const Patches *p, const Expr *const *out)
{
    ExprPool   *pool = b->graph->ir->exprs;
    const Expr *split[8],
        *joined[3] = {x->type.sizes[0], expr_product(pool, out, p->n), x->type.sizes[1]};
    int order[8];
    split[0] = x->type.sizes[0];
    split[1] = x->type.sizes[1];
    order[0] = 0;
    order[1 + p->n] = 1;
    for (int d = 0; d < p->n; d++) {
        const Expr *kernel = expr_int(pool, p->kernel[d]), *end = expr_mul(pool, out[d], kernel);
        if (x && x->type.sizes[2 + d] != end)
            x = build_slice(b, x, 2 + d, expr_int(pool, 0), end);
        split[2 + 2 * d] = out[d];
        split[3 + 2 * d] = kernel;
        order[1 + d] = 2 + 2 * d;
        order[2 + p->n + d] = 3 + 2 * d;
        joined[2] = expr_mul(pool, joined[2], kernel);
    }
    x = x ? build_reshape(b, x, split, 2 + 2 * p->n) : NULL;
    x = x ? build_permute(b, x, order, 2 + 2 * p->n) : NULL;
    return x ? build_reshape(b, x, joined, 3) : NULL;
}

static Error *rewrite(Node *node, const Patches *p, bool *changed)
{
    Build              b = build_at(node);
    Value             *result = node->results[0], *w = node_tensor(node, "weight");
    Value             *bias = node_tensor(node, "bias");
    const Expr *const *out = result->type.sizes + 2;
    Value             *x = patches_of(&b, node_tensor(node, "input"), p, out);
    const Expr        *matrix[2] = {w->type.sizes[0], x ? x->type.sizes[2] : NULL}, *sizes[5];
    int                order[5] = {0, p->n + 1};
    w = x ? build_reshape(&b, w, matrix, 2) : NULL;
    Value *y = w ? BUILD(&b, "aten.linear.default", arg_value(x), arg_value(w),
                         bias ? arg_value(bias) : arg_none())
                 : NULL;
    sizes[0] = result->type.sizes[0];
    sizes[p->n + 1] = result->type.sizes[1];
    for (int d = 0; d < p->n; d++) {
        sizes[1 + d] = out[d];
        order[2 + d] = 1 + d;
    }
    y = y ? build_reshape(&b, y, sizes, p->n + 2) : NULL;
    y = y ? build_permute(&b, y, order, p->n + 2) : NULL;
    if (b.error)
        return b.error;
    *changed = try_replace(node->graph, result, y);
    if (*changed)
        graph_remove_node(node->graph, node);
    return NULL;
}

static Error *run(Graph *graph, PassCtx *cx, bool *changed)
{
    if (!cx->target_is_cuda || graph->is_mixed)
        return NULL;
    for (Node *n = graph->first, *next; n; n = next) {
        Patches p;
        bool    done = false;
        next = n->next;
        if (!node_is(n, "aten.convolution.default") || !find_patches(n, &p) ||
            value_is_observed(graph, n->results[0]))
            continue;
        TRY(rewrite(n, &p, &done));
        pass_count(cx, "patches", done);
        *changed |= done;
    }
    return NULL;
}

const Pass pass_patches = {
    .name = "patches",
    .purpose = "convolutions whose windows do not overlap as products, on a GPU",
    .run = run,
};
