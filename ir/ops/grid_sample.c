/* Sampling at positions that a tensor gives: grid_sampler_2d, grid_sampler_3d.
 *
 * In: a node.  Out: `element` gives the scalar of one result element: loads at computed positions,
 * weighted. */
#include "ir/ops/resize.h"
#include "ir/ops/rows.h"

#include <string.h>

/* ---- grid_sampler_2d, grid_sampler_3d -------------------------------------------------------- */
typedef enum GridPad { GRID_ZEROS, GRID_BORDER, GRID_REFLECTION } GridPad;

static Error *infer_grid_sampler(Node *node)
{
    const TensorType *x = shape_type(node, "input"), *grid = shape_type(node, "grid");
    int64_t           mode, padding;
    TRY(shape_const_int(node, "interpolation_mode", &mode));
    TRY(shape_const_int(node, "padding_mode", &padding));
    int n = strstr(node->schema->base, "3d") ? 3 : 2;
    if (x->rank != n + 2 || grid->rank != n + 2 || !expr_is_value(grid->sizes[n + 1], n))
        return node_error(node, E_VALUE, "input of rank %d, grid of rank %d", x->rank, grid->rank);
    if (mode == 2 && n == 3)
        return node_error(node, E_VALUE, "bicubic interpolation of volumes");
    if (mode < 0 || mode > 2 || padding < 0 || padding > 2)
        return node_error(node, E_VALUE, "interpolation %lld, padding %lld", (long long)mode,
                          (long long)padding);
    const Expr *sizes[5] = {x->sizes[0], x->sizes[1]};
    memcpy(sizes + 2, grid->sizes + 1, sizeof *sizes * (size_t)n);
    shape_result(node, 0, x->dtype, sizes, n + 2);
    return NULL;
}

/* dtype of coordinates and weights */
static DType wide(const LowerCx *cx)
{
    return dtype_compute(shape_type(cx->node, "input")->dtype);
}

static Scalar *number(LowerCx *cx, double value)
{
    return scalar_float(cx->scalars, wide(cx), value);
}

static Scalar *clip(LowerCx *cx, Scalar *x, Scalar *last)
{
    /* fmax: a NaN coordinate becomes 0, as in PyTorch */
    return scalar_2(cx->scalars, S_FMIN, scalar_2(cx->scalars, S_FMAX, x, number(cx, 0)), last);
}

/* Mirrors x at low and low + span as often as needed (grid_sample, reflect_coordinates). */
static Scalar *reflect(LowerCx *cx, Scalar *x, double low, Scalar *span)
{
    ScalarPool *p = cx->scalars;
    x = scalar_1(p, S_ABS, scalar_2(p, S_SUB, x, number(cx, low)));
    Scalar *extra = scalar_2(p, S_FMOD, x, span);
    Scalar *flips = scalar_1(p, S_FLOOR, scalar_2(p, S_DIV, x, span));
    Scalar *even = scalar_2(p, S_EQ, scalar_2(p, S_FMOD, flips, number(cx, 2)), number(cx, 0));
    Scalar *back = scalar_2(p, S_SUB, span, extra);
    x = scalar_2(p, S_ADD, scalar_select(p, even, extra, back), number(cx, low));
    return scalar_select(p, scalar_2(p, S_GT, span, number(cx, 0)), x, number(cx, 0));
}

static Scalar *grid_pad(LowerCx *cx, Scalar *x, const Expr *size, GridPad pad, bool align)
{
    ExprPool *pool = cx->ir->exprs;
    Scalar   *last = scalar_index(cx->scalars, wide(cx), expr_sub(pool, size, expr_int(pool, 1)));
    if (pad == GRID_ZEROS)
        return x;
    if (pad == GRID_REFLECTION)
        x = align ? reflect(cx, x, 0, last)
                  : reflect(cx, x, -0.5, scalar_index(cx->scalars, wide(cx), size));
    return clip(cx, x, last);
}

/* A coordinate in [-1, 1] in elements. */
static Scalar *grid_position(LowerCx *cx, Scalar *x, const Expr *size, bool align)
{
    ScalarPool *p = cx->scalars;
    ExprPool   *pool = cx->ir->exprs;
    Scalar     *one = number(cx, 1), *half = number(cx, 0.5);
    x = scalar_2(p, S_ADD, x, one);
    if (align) {
        Scalar *last = scalar_index(p, wide(cx), expr_sub(pool, size, expr_int(pool, 1)));
        return scalar_2(p, S_MUL, scalar_2(p, S_MUL, x, half), last);
    }
    x = scalar_2(p, S_SUB, scalar_2(p, S_MUL, x, scalar_index(p, wide(cx), size)), one);
    return scalar_2(p, S_MUL, x, half);
}

/* input[n, c, at...] for whole numbers; 0 outside. */
static Scalar *grid_tap(LowerCx *cx, Value *input, const Expr *const *index, Scalar *const *at)
{
    ScalarPool *p = cx->scalars;
    const Expr *in[5] = {index[0], index[1]};
    Scalar     *inside = NULL;
    for (int i = 0; i < input->type.rank - 2; i++) {
        const Expr *size = input->type.sizes[2 + i];
        Scalar     *last =
            scalar_index(p, wide(cx), expr_sub(cx->ir->exprs, size, expr_int(cx->ir->exprs, 1)));
        Scalar *ok = scalar_2(p, S_AND, scalar_2(p, S_GE, at[i], number(cx, 0)),
                              scalar_2(p, S_LE, at[i], last));
        inside = scalar_and(p, inside, ok);
        in[2 + i] = shape_scalar_index(cx, clip(cx, at[i], last), size);
    }
    Scalar *other = scalar_int(p, input->type.dtype, 0);
    return scalar_cast(p, wide(cx), shape_masked_load(cx, input, in, inside, other));
}

/* All taps around the position: 2 a dim, or 4 (bicubic). */
static Scalar *grid_blend(LowerCx *cx, const Node *node, const Expr *const *index,
                          Scalar *const *position)
{
    ScalarPool *p = cx->scalars;
    Value      *input = node_tensor(node, "input");
    bool        is_cubic = node_int(node, "interpolation_mode") == 2,
         align = node_bool(node, "align_corners");
    GridPad pad = (GridPad)node_int(node, "padding_mode");
    Scalar *low[3], *w[3][4], *sum = NULL;
    int     dims = input->type.rank - 2, n = is_cubic ? 4 : 2, taps = 1;
    for (int i = 0; i < dims; i++, taps *= n) {
        low[i] = scalar_1(p, S_FLOOR, position[i]);
        Scalar *t = scalar_2(p, S_SUB, position[i], low[i]);
        if (is_cubic)
            cubic_weights(p, t, w[i]);
        w[i][1] = is_cubic ? w[i][1] : t;
        w[i][0] = is_cubic ? w[i][0] : scalar_2(p, S_SUB, number(cx, 1), t);
    }
    for (int tap = 0; tap < taps; tap++) {
        Scalar *at[3], *weight = NULL;
        for (int i = dims - 1, rest = tap; i >= 0; i--, rest /= n) {
            int k = rest % n;
            at[i] = scalar_2(p, S_ADD, low[i], number(cx, k - (is_cubic ? 1 : 0)));
            if (is_cubic) /* cubic taps are padded one by one */
                at[i] = grid_pad(cx, at[i], input->type.sizes[2 + i], pad, align);
            weight = weight ? scalar_2(p, S_MUL, w[i][k], weight) : w[i][k];
        }
        Scalar *term = scalar_2(p, S_MUL, grid_tap(cx, input, index, at), weight);
        sum = sum ? scalar_2(p, S_ADD, sum, term) : term;
    }
    return sum;
}

static Scalar *element_grid_sampler(LowerCx *cx, const Node *node, int result,
                                    const Expr *const *index)
{
    (void)result;
    ExprPool   *pool = cx->ir->exprs;
    ScalarPool *p = cx->scalars;
    Value      *input = node_tensor(node, "input"), *grid = node_tensor(node, "grid");
    int         n = input->type.rank - 2;
    const Expr *at[5] = {index[0]};
    bool        align = node_bool(node, "align_corners");
    int64_t     mode = node_int(node, "interpolation_mode");
    GridPad     pad = (GridPad)node_int(node, "padding_mode");
    Scalar     *pos[3];
    memcpy(at + 1, index + 2, sizeof *at * (size_t)n);
    for (int i = 0; i < n; i++) { /* the grid has x first */
        at[n + 1] = expr_int(pool, n - 1 - i);
        Scalar *g = scalar_cast(p, wide(cx), shape_load(cx, grid, at));
        pos[i] = grid_position(cx, g, input->type.sizes[2 + i], align);
        if (mode != 2)
            pos[i] = grid_pad(cx, pos[i], input->type.sizes[2 + i], pad, align);
        if (mode == 1)
            pos[i] = scalar_1(p, S_ROUND, pos[i]);
    }
    Scalar *out = mode == 1 ? grid_tap(cx, input, index, pos) : grid_blend(cx, node, index, pos);
    return scalar_cast(p, input->type.dtype, out);
}

static Error *expand_grid_sampler(Node *node, Value **results)
{
    bool is_volume = shape_type(node, "input")->rank == 5;
    return expand_as_op(
        node, is_volume ? "aten.grid_sampler_3d.default" : "aten.grid_sampler_2d.default", results);
}

/* ---- affine_grid ----------------------------------------------------------------------------- */
/* Coordinates in [-1, 1] of the places along dim `d` of `rank` dims: of their centers, or from the
 * first to the last one (AffineGridGenerator.cpp, linspace_from_neg_one). */
static Value *grid_places(Build *b, const Expr *size, int d, int rank, bool align, DType dtype)
{
    ExprPool   *pool = b->graph->ir->exprs;
    const Expr *one = expr_int(pool, 1), *last = expr_sub(pool, size, one), *sizes[MAX_RANK];
    Value      *i = BUILD(b, "aten.arange.default", arg_expr(size), arg_dtype(dtype));
    i = build_with_float(b, "aten.mul.Scalar", i, 2);
    i = BUILD(b, "aten.sub.Scalar", arg_value(i), arg_expr(last));
    i = BUILD(b, "aten.div.Scalar", arg_value(i),
              arg_expr(align ? expr_max(pool, last, one) : size));
    for (int k = 0; k < rank; k++)
        sizes[k] = k == d ? size : one;
    return build_reshape(b, i, sizes, rank);
}

/* grid[n, …, c] = sum_k theta[n, c, k] * place_k + theta[n, c, last]; k counts from the last dim.
 */
static Error *expand_affine_grid(Node *node, Value **results)
{
    Build       b = build_at(node);
    Value      *theta = node_tensor(node, "theta"), *grid = NULL;
    const Expr *size[MAX_RANK], *sizes[MAX_RANK];
    int         n;
    TRY(shape_exprs(node, "size", size, &n));
    if (theta->type.rank != 3 || n < 4 || n > 5)
        return node_error(node, E_VALUE, "affine grids are of 4 or 5 dims");
    for (int d = 0; d < n; d++)
        sizes[d] = shape_int(node, 1);
    sizes[0] = size[0];
    sizes[n - 1] = shape_int(node, n - 2);
    for (int k = n - 2; k >= 0; k--) {
        Value *term = build_reshape(&b, build_select(&b, theta, 2, k), sizes, n);
        if (k < n - 2)
            term = build_binary(&b, "aten.mul.Tensor", term,
                                grid_places(&b, size[n - 1 - k], n - 2 - k, n,
                                            node_bool(node, "align_corners"), theta->type.dtype));
        grid = grid ? build_binary(&b, "aten.add.Tensor", grid, term) : term;
    }
    results[0] = grid;
    return b.error;
}

const OpDesc grid_sample_ops[] = {
    EXPAND_FN(
        "aten::affine_grid_generator(Tensor theta, SymInt[] size, bool align_corners) -> Tensor",
        expand_affine_grid,
        .samples = "theta=f32[2,2,3] size=[2,3,4,5] align_corners=false | theta=f32[2,2,3] "
                   "size=[2,1,1,5] align_corners=true | theta=f64[1,3,4] size=[1,2,2,3,4] "
                   "align_corners=true | theta=bf16[2,2,3] size=[2,3,4,5] align_corners=false "
                   "| theta=f32[0,2,3] size=[0,3,4,5] align_corners=false | ! theta=f32[2,2,3] "
                   "size=[2,3,4] align_corners=false"),
    INDEXED(
        "aten::grid_sampler_3d(Tensor input, Tensor grid, int interpolation_mode, int "
        "padding_mode, bool align_corners) -> Tensor",
        infer_grid_sampler, element_grid_sampler,
        .samples =
            "input=f32[1,1,3,3,4] grid=f32[1,1,2,3,3]@-1.3..1.3 interpolation_mode=0 "
            "padding_mode=0 align_corners=false | input=f32[1,1,3,3,4] "
            "grid=f32[1,1,2,3,3]@-1.3..1.3 interpolation_mode=1 padding_mode=1 align_corners=true"),
    INDEXED(
        "aten::grid_sampler_2d(Tensor input, Tensor grid, int interpolation_mode, int "
        "padding_mode, bool "
        "align_corners) -> Tensor",
        infer_grid_sampler, element_grid_sampler,
        .samples =
            "input=f32[1,2,3,4] grid=f32[1,2,3,2]@-1.3..1.3 interpolation_mode=0 padding_mode=0 "
            "align_corners=false | input=f32[1,2,3,4] grid=f32[1,2,3,2]@-1.3..1.3 "
            "interpolation_mode=1 padding_mode=1 align_corners=true | input=f32[1,1,4,4] "
            "grid=f32[1,2,3,2]@-1.3..1.3 interpolation_mode=2 padding_mode=2 align_corners=false | "
            "input=f32[1,1,4,4] grid=f32[1,2,2,2]@-1.5..1.5 interpolation_mode=0 padding_mode=2 "
            "align_corners=true"),
    EXPAND_FN(
        "aten::grid_sampler(Tensor input, Tensor grid, int interpolation_mode, int "
        "padding_mode, bool "
        "align_corners) -> Tensor",
        expand_grid_sampler,
        .samples =
            "input=f32[1,2,3,4] grid=f32[1,2,3,2]@-1.3..1.3 interpolation_mode=0 padding_mode=0 "
            "align_corners=false | input=f32[1,2,3,4] grid=f32[1,2,3,2]@-1.3..1.3 "
            "interpolation_mode=1 padding_mode=1 align_corners=true | input=f32[1,1,4,4] "
            "grid=f32[1,2,3,2]@-1.3..1.3 interpolation_mode=2 padding_mode=2 align_corners=false | "
            "input=f32[1,1,4,4] grid=f32[1,2,2,2]@-1.5..1.5 interpolation_mode=0 padding_mode=2 "
            "align_corners=true"),
    {0},
};
