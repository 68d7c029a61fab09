/* Pixel and channel shuffles.
 *
 * In: a node.  Out: nodes that replace it: a view, a permute, a view. */
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"

#include <string.h>

/* ---- shuffles -------------------------------------------------------------------------------- */
/* [..., c*r*r, h, w] -> [..., c, h*r, w*r], and back. */
static Error *expand_pixel_shuffle(Node *node, Value **results)
{
    Build             b = build_at(node);
    ExprPool         *pool = shape_pool(node);
    const TensorType *t = shape_first_type(node);
    bool              back = strcmp(node->schema->base, "pixel_unshuffle") == 0;
    int               n = t->rank - 3, perm[MAX_RANK];
    int64_t           factor;
    TRY(shape_const_int(node, back ? "downscale_factor" : "upscale_factor", &factor));
    if (n < 0 || n + 5 > MAX_RANK || factor < 1)
        return node_error(node, E_VALUE, "rank %d, factor %lld", t->rank, (long long)factor);
    const Expr *r = expr_int(pool, factor), *c = t->sizes[n], *h = t->sizes[n + 1],
               *w = t->sizes[n + 2];
    const Expr *split[MAX_RANK], *joined[MAX_RANK], *rr = expr_mul(pool, r, r);
    memcpy(split, t->sizes, sizeof *split * (size_t)n);
    memcpy(joined, t->sizes, sizeof *joined * (size_t)n);
    const Expr      *in5[2][5] = {{expr_floordiv(pool, c, rr), r, r, h, w},
                                  {c, expr_floordiv(pool, h, r), r, expr_floordiv(pool, w, r), r}};
    const Expr      *out3[2][3] = {{in5[0][0], expr_mul(pool, h, r), expr_mul(pool, w, r)},
                                   {expr_mul(pool, c, rr), in5[1][1], in5[1][3]}};
    static const int order[2][5] = {{0, 3, 1, 4, 2}, {0, 2, 4, 1, 3}};
    memcpy(split + n, in5[back], sizeof in5[0]);
    memcpy(joined + n, out3[back], sizeof out3[0]);
    for (int d = 0; d < n + 5; d++)
        perm[d] = d < n ? d : n + order[back][d - n];
    Value *v = build_reshape(&b, shape_first_tensor(node), split, n + 5);
    results[0] = build_reshape(&b, build_permute(&b, v, perm, n + 5), joined, t->rank);
    return b.error;
}

static Error *expand_channel_shuffle(Node *node, Value **results)
{
    Build             b = build_at(node);
    ExprPool         *pool = shape_pool(node);
    const TensorType *t = shape_first_type(node);
    const Expr       *split[MAX_RANK], *groups = arg_as_expr(node_arg(node, "groups"));
    if (t->rank < 3 || t->rank == MAX_RANK)
        return node_error(node, E_VALUE, "does not take rank %d", t->rank);
    split[0] = t->sizes[0];
    split[1] = groups;
    split[2] = expr_floordiv(pool, t->sizes[1], groups);
    memcpy(split + 3, t->sizes + 2, sizeof *split * (size_t)(t->rank - 2));
    Value *v =
        build_transpose(&b, build_reshape(&b, shape_first_tensor(node), split, t->rank + 1), 1, 2);
    results[0] = build_reshape(&b, v, t->sizes, t->rank);
    return b.error;
}

const OpDesc shuffle_ops[] = {
    EXPAND_FN("aten::pixel_shuffle(Tensor self, int upscale_factor) -> Tensor",
              expand_pixel_shuffle,
              .samples = "self=f32[1,8,2,3] upscale_factor=2 | self=f32[9,1,1] upscale_factor=3 | "
                         "! self=f32[1,6,2,2] upscale_factor=2"),
    EXPAND_FN(
        "aten::pixel_unshuffle(Tensor self, int downscale_factor) -> Tensor", expand_pixel_shuffle,
        .samples = "self=f32[1,2,4,6] downscale_factor=2 | ! self=f32[1,2,3,4] downscale_factor=2"),
    EXPAND_FN(
        "aten::channel_shuffle(Tensor self, SymInt groups) -> Tensor", expand_channel_shuffle,
        .samples =
            "self=f32[1,6,2,2] groups=3 | self=f32[2,4,3] groups=2 | ! self=f32[1,5,2,2] groups=2"),
    EXPAND_FN(
        "aten::native_channel_shuffle(Tensor self, SymInt groups) -> Tensor",
        expand_channel_shuffle,
        .samples =
            "self=f32[1,6,2,2] groups=3 | self=f32[2,4,3] groups=2 | ! self=f32[1,5,2,2] groups=2"),
    {0},
};
