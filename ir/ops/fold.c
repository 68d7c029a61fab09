/* im2col: the elements of each window as a column; col2im: its adjoint.
 *
 * In: a node.  Out: nodes that replace it; and the index map of
 *   aotc::fold_windows      which column elements meet at a position */
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"
#include "ir/ops/windows.h"

#define FOLD_WINDOWS                                                                               \
    "aotc::fold_windows(Tensor self, SymInt[] output_size, int[] kernel, int[] dilation, int[] "   \
    "padding, int[] "                                                                              \
    "stride) -> Tensor"

static Error *expand_im2col(Node *node, Value **results)
{
    Build     b = build_at(node);
    ExprPool *pool = shape_pool(node);
    Value    *self = node_tensor(node, "self");
    const int perm[6] = {0, 1, 4, 5, 2, 3};
    Window    w;
    bool      lone = self->type.rank == 3;
    TRY(window_read(node, 2, &w));
    Value *v = build_windows(&b, lone ? build_unsqueeze(&b, self, 0) : self, &w, 0);
    if (b.error)
        return b.error;
    const Expr *const *s = v->type.sizes;
    const Expr *sizes[3] = {s[0], expr_mul(pool, s[1], expr_int(pool, w.kernel[0] * w.kernel[1])),
                            expr_mul(pool, s[2], s[3])};
    v = build_reshape(&b, build_permute(&b, v, perm, 6), sizes, 3);
    results[0] = lone ? build_squeeze(&b, v, 0) : v;
    return b.error;
}

/* self is [n, c * kh * kw, places]: result [n, c, h, w, kh, kw]. */
static Error *infer_fold(Node *node)
{
    const TensorType *t = shape_type(node, "self");
    const Expr       *out[MAX_RANK];
    Window            w;
    int               n;
    TRY(window_read_internal(node, &w));
    TRY(shape_exprs(node, "output_size", out, &n));
    if (t->rank != 3 || n != 2 || w.n != 2)
        return node_error(node, E_VALUE, "takes rank 3 and two sizes");
    const Expr *volume = shape_int(node, w.kernel[0] * w.kernel[1]);
    const Expr *sizes[6] = {t->sizes[0],
                            expr_floordiv(shape_pool(node), t->sizes[1], volume),
                            out[0],
                            out[1],
                            shape_int(node, w.kernel[0]),
                            shape_int(node, w.kernel[1])};
    shape_result(node, 0, t->dtype, sizes, 6);
    return NULL;
}

/* Position h is element k of the window at (h + padding - k * dilation) / stride, if there is one.
 */
static Scalar *element_fold(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    ExprPool   *pool = cx->ir->exprs;
    const Expr *out[MAX_RANK], *place[2], *places[2], *zero = expr_int(pool, 0);
    Scalar     *mask = NULL, *other = scalar_int(cx->scalars, shape_type(node, "self")->dtype, 0);
    Window      w;
    int         n;
    if (window_read_internal(node, &w) != NULL || shape_exprs(node, "output_size", out, &n) != NULL)
        return other; /* infer has refused it */
    for (int i = 0; i < 2; i++) {
        const Expr *stride = expr_int(pool, w.stride[i]);
        const Expr *at = expr_sub(pool, expr_add(pool, index[2 + i], expr_int(pool, w.padding[i])),
                                  expr_mul(pool, index[4 + i], expr_int(pool, w.dilation[i])));
        const Expr *fits = expr_cmp(pool, EXPR_EQ, expr_mod(pool, at, stride), zero);
        places[i] = window_places(pool, out[i], &w, i);
        place[i] = expr_floordiv(pool, at, stride);
        if (!shape_is_true(fits))
            mask = scalar_and(cx->scalars, mask, shape_condition(cx, fits));
        mask = scalar_and(cx->scalars, mask, shape_in_range(cx, place[i], places[i]));
    }
    const Expr *row[3] = {index[1], index[4], index[5]};
    const Expr *rows[3] = {expr_int(pool, 1), expr_int(pool, w.kernel[0]),
                           expr_int(pool, w.kernel[1])};
    const Expr *in[3] = {index[0], shape_linear(pool, row, rows, 3),
                         shape_linear(pool, place, places, 2)};
    return shape_masked_load(cx, node_tensor(node, "self"), in, mask, other);
}

static Error *expand_col2im(Node *node, Value **results)
{
    Build  b = build_at(node);
    Graph *g = node->graph;
    Value *self = node_tensor(node, "self");
    bool   lone = self->type.rank == 2;
    Value *x = lone ? build_unsqueeze(&b, self, 0) : self;
    if (b.error)
        return b.error;
    Value *v =
        build_internal(&b, FOLD_WINDOWS,
                       (const Arg[]){arg_value(x), *node_arg(node, "output_size"),
                                     *node_arg(node, "kernel_size"), *node_arg(node, "dilation"),
                                     *node_arg(node, "padding"), *node_arg(node, "stride")},
                       6);
    v = BUILD(&b, "aten.sum.dim_IntList", arg_value(v), window_dims(g, 2));
    results[0] = lone ? build_squeeze(&b, v, 0) : v;
    return b.error;
}

/* ---- rows ------------------------------------------------------------------------------------ */
const OpDesc fold_ops[] = {
    INDEXED(FOLD_WINDOWS, infer_fold, element_fold),
    EXPAND_FN("aten::im2col(Tensor self, int[2] kernel_size, int[2] dilation, int[2] padding, "
              "int[2] stride) -> "
              "Tensor",
              expand_im2col,
              .samples =
                  "self=f32[1,2,4,5] kernel_size=[2,3] dilation=[1,1] padding=[1,0] stride=[1,2] | "
                  "self=f32[2,4,4] kernel_size=[2,2] dilation=[2,1] padding=[0,0] stride=[1,1]"),
    EXPAND_FN("aten::col2im(Tensor self, SymInt[2] output_size, int[2] kernel_size, int[2] "
              "dilation, int[2] padding, "
              "int[2] stride) -> Tensor",
              expand_col2im,
              .samples = "self=f32[1,8,9] output_size=[4,4] kernel_size=[2,2] dilation=[1,1] "
                         "padding=[0,0] stride=[1,1] | self=f32[8,4] output_size=[4,4] "
                         "kernel_size=[2,2] dilation=[1,1] padding=[0,0] stride=[2,2]"),
    {0},
};
