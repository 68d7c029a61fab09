/* Padding: constant, reflected, replicated, circular.
 *
 * In: a node.  Out: `element` gives the scalar of one result element:
 *
 *   aten.constant_pad_nd.default(%x, [1, 1])     out[i]  =  0 <= i - 1 < n ? x[i - 1] : 0 */
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"

#include <string.h>

/* ---- padding --------------------------------------------------------------------------------- */
typedef enum PadMode {
    PAD_CONSTANT,
    PAD_REFLECT,
    PAD_REPLICATE,
    PAD_CIRCULAR,
    PAD_UNKNOWN
} PadMode;

static PadMode pad_mode(const Node *node)
{
    const char *base = node->schema->base;
    if (strncmp(base, "reflection", 10) == 0)
        return PAD_REFLECT;
    if (strncmp(base, "replication", 11) == 0)
        return PAD_REPLICATE;
    if (strcmp(base, "_pad_circular") == 0)
        return PAD_CIRCULAR;
    if (schema_param(node->schema, "mode") < 0)
        return PAD_CONSTANT;
    const Arg *mode = node_arg(node, "mode");
    if (mode->kind == ARG_INT) { /* at::padding_mode */
        int64_t number = mode->expr->value;
        return number == 0   ? PAD_REFLECT
               : number == 1 ? PAD_REPLICATE
               : number == 2 ? PAD_CIRCULAR
               : number == 3 ? PAD_CONSTANT
                             : PAD_UNKNOWN;
    }
    static const char *const names[] = {"constant", "reflect", "replicate", "circular"};
    for (int i = 0; i < 4; i++)
        if (strcmp(mode->string, names[i]) == 0)
            return (PadMode)i;
    return PAD_UNKNOWN;
}

/* Pairs (before, after), the last dim first: before[d], after[d]. */
static Error *pad_amounts(const Node *node, const Expr **before, const Expr **after)
{
    const TensorType *t = shape_first_type(node);
    const Expr       *pad[2 * MAX_RANK] = {0};
    int               n;
    TRY(shape_exprs(node, schema_param(node->schema, "pad") >= 0 ? "pad" : "padding", pad, &n));
    if (strncmp(node->schema->base, "re", 2) == 0 && n == 1) { /* SymInt[4]: one stands for all */
        n = 2 * (strpbrk(node->schema->base, "123")[0] - '0');
        for (int i = 1; i < n; i++)
            pad[i] = pad[0];
    }
    if (n % 2 || n / 2 > t->rank)
        return node_error(node, E_VALUE, "%d amounts for a tensor of rank %d", n, t->rank);
    for (int d = 0; d < t->rank; d++) {
        int k = 2 * (t->rank - 1 - d);
        before[d] = k < n ? pad[k] : shape_int(node, 0);
        after[d] = k < n ? pad[k + 1] : shape_int(node, 0);
    }
    return NULL;
}

static Error *infer_pad(Node *node)
{
    ExprPool         *pool = shape_pool(node);
    const TensorType *t = shape_first_type(node);
    const Expr       *before[MAX_RANK], *after[MAX_RANK], *sizes[MAX_RANK];
    PadMode           mode = pad_mode(node);
    TRY(pad_amounts(node, before, after));
    if (mode == PAD_UNKNOWN)
        return node_error(node, E_VALUE, "unknown padding mode");
    for (int d = 0; d < t->rank; d++) {
        const Expr *most = expr_max(pool, before[d], after[d]);
        int64_t     size, amount;
        sizes[d] = expr_add(pool, expr_add(pool, t->sizes[d], before[d]), after[d]);
        if (expr_range(sizes[d]).max < 0)
            return node_error(node, E_VALUE, "padding makes dim %d negative", d);
        if ((mode == PAD_REFLECT || mode == PAD_CIRCULAR) && expr_is_int(t->sizes[d], &size) &&
            expr_is_int(most, &amount) && amount > 0 && amount >= size + (mode == PAD_CIRCULAR))
            return node_error(node, E_VALUE, "padding %lld is too large for dim %d of size %lld",
                              (long long)amount, d, (long long)size);
    }
    shape_result(node, 0, t->dtype, sizes, t->rank);
    return NULL;
}

/* max(e, -e), decided where ranges allow. */
static const Expr *absolute(ExprPool *pool, const Expr *e)
{
    ExprRange range = expr_range(e);
    if (range.min >= 0)
        return e;
    const Expr *minus = expr_neg(pool, e);
    return range.max <= 0 ? minus : expr_max(pool, e, minus);
}

static const Expr *padded_index(ExprPool *pool, PadMode mode, const Expr *at, const Expr *size)
{
    const Expr *last = expr_sub(pool, size, expr_int(pool, 1));
    if (mode == PAD_REPLICATE)
        return shape_clamped(pool, at, size);
    if (mode == PAD_CIRCULAR)
        return expr_mod(pool, at, size);
    /* mirrored at both ends: n-1 - |n-1 - |i|| */
    return expr_sub(pool, last, absolute(pool, expr_sub(pool, last, absolute(pool, at))));
}

static Scalar *pad_value(LowerCx *cx, const Node *node, DType dtype)
{
    if (schema_param(node->schema, "value") < 0)
        return scalar_int(cx->scalars, dtype, 0);
    const Arg *arg = node_arg(node, "value");
    int64_t    whole;
    if (arg->kind == ARG_NONE)
        return scalar_int(cx->scalars, dtype, 0);
    const Expr *e = arg->kind == ARG_FLOAT && !arg->expr ? NULL : arg_as_expr(arg);
    if (e && expr_is_int(e, &whole))
        return scalar_int(cx->scalars, dtype, whole);
    if (e && e->kind == EXPR_BOOL)
        return scalar_int(cx->scalars, dtype, e->value);
    if (e && e->kind != EXPR_FLOAT)
        return scalar_cast(
            cx->scalars, dtype,
            scalar_index(cx->scalars, e->type == EXPR_TYPE_FLOAT ? DT_F64 : DT_I64, e));
    double value = e ? e->fvalue : arg->number;
    return dtype_is_float(dtype)
               ? scalar_float(cx->scalars, dtype, value)
               : scalar_int(cx->scalars, dtype, dtype == DT_BOOL ? value != 0 : (int64_t)value);
}

static Scalar *element_pad(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    ExprPool         *pool = cx->ir->exprs;
    const TensorType *t = shape_first_type(node);
    const Expr       *before[MAX_RANK], *after[MAX_RANK], *in[MAX_RANK];
    PadMode           mode = pad_mode(node);
    Scalar           *mask = NULL;
    if (pad_amounts(node, before, after) != NULL)
        return scalar_int(cx->scalars, t->dtype, 0); /* infer has refused it */
    for (int d = 0; d < t->rank; d++) {
        bool unchanged = expr_is_value(before[d], 0) && expr_is_value(after[d], 0);
        in[d] = expr_sub(pool, index[d], before[d]);
        if (unchanged)
            continue;
        if (mode != PAD_CONSTANT)
            in[d] = padded_index(pool, mode, in[d], t->sizes[d]);
        else
            mask = scalar_and(cx->scalars, mask, shape_in_range(cx, in[d], t->sizes[d]));
    }
    if (!mask)
        return shape_load(cx, shape_first_tensor(node), in);
    return shape_masked_load(cx, shape_first_tensor(node), in, mask, pad_value(cx, node, t->dtype));
}

#define PAD(text, ...) INDEXED(text, infer_pad, element_pad, __VA_ARGS__)

const OpDesc pad_ops[] = {
    PAD("aten::constant_pad_nd(Tensor self, SymInt[] pad, Scalar value=0) -> Tensor",
        .samples =
            "self=f32[3,4] pad=[1,2] | self=f32[3,4] pad=[1,0,-1,2] value=1.5 | self=i64[3] "
            "pad=[2,1] value=7 | self=f32[2,3] pad=[] | self=f32[0,2] pad=[1,1] | self=bool[3] "
            "pad=[1,1] value=1 | ! self=f32[3] pad=[1,1,1,1] | ! self=f32[3] pad=[-2,-2]"),
    PAD("aten::pad(Tensor self, SymInt[] pad, str mode=\"constant\", float? value=None) -> Tensor",
        .samples = "self=f32[3,4] pad=[1,2] | self=f32[2,3,5] pad=[1,2] mode='reflect' | "
                   "self=f32[2,3,5] pad=[2,1] mode='replicate' | self=f32[2,3,5] pad=[2,1] "
                   "mode='circular' | self=f32[3] pad=[1,1] value=2.5 | self=f32[1,2,4,4] "
                   "pad=[1,1,2,0] mode='reflect' | ! self=f32[2,3] pad=[1,1] mode='mirror'"),
    PAD("aten::_pad_enum(Tensor self, SymInt[] pad, int mode, float? value=None) -> Tensor",
        .samples = "self=f32[3,4] pad=[1,2] mode=0 | self=f32[2,3,5] pad=[1,2] mode=1 | "
                   "self=f32[2,3,5] pad=[1,2] mode=2 | self=f32[2,3,5] pad=[1,2] mode=3"),
    PAD("aten::_pad_circular(Tensor self, SymInt[] pad) -> Tensor",
        .samples = "self=f32[2,3,5] pad=[2,1] | self=f32[1,2,4,4] pad=[1,1,2,0]"),
    PAD("aten::reflection_pad1d(Tensor self, SymInt[2] padding) -> Tensor",
        .samples = "self=f32[2,3,5] padding=[1,2] | self=f32[3,4] padding=[2,0] | self=bf16[1,5] "
                   "padding=[1,1] | self=f32[2,6] padding=[-1,2] | ! self=f32[5] padding=[1,1]"),
    PAD("aten::reflection_pad2d(Tensor self, SymInt[4] padding) -> Tensor",
        .samples = "self=f32[1,2,3,5] padding=[1,2,2,0] | self=f32[2,4,4] padding=[1,1,1,1] | ! "
                   "self=f32[4,4] padding=[1,1,1,1]"),
    PAD("aten::reflection_pad3d(Tensor self, SymInt[6] padding) -> Tensor",
        .samples =
            "self=f32[1,1,3,3,3] padding=[1,1,0,2,1,0] | self=f32[1,2,3,4] padding=[1,0,0,1,1,1]"),
    PAD("aten::replication_pad1d(Tensor self, SymInt[2] padding) -> Tensor",
        .samples = "self=f32[2,3,5] padding=[1,2] | self=f32[3,4] padding=[2,0] | self=bf16[1,5] "
                   "padding=[1,1] | self=f32[2,6] padding=[-1,2] | ! self=f32[5] padding=[1,1]"),
    PAD("aten::replication_pad2d(Tensor self, SymInt[4] padding) -> Tensor",
        .samples = "self=f32[1,2,3,5] padding=[1,2,2,0] | self=f32[2,4,4] padding=[1,1,1,1] | ! "
                   "self=f32[4,4] padding=[1,1,1,1]"),
    PAD("aten::replication_pad3d(Tensor self, SymInt[6] padding) -> Tensor",
        .samples =
            "self=f32[1,1,3,3,3] padding=[1,1,0,2,1,0] | self=f32[1,2,3,4] padding=[1,0,0,1,1,1]"),
    {0},
};
