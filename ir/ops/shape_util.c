/* Shared helpers of operator rows; see shape_util.h. */
#include "ir/ops/shape_util.h"

#include <assert.h>
#include <string.h>

/* ---- arguments ------------------------------------------------------------------------------- */
ExprPool *shape_pool(const Node *node)
{
    return node->graph->ir->exprs;
}

const Expr *shape_int(const Node *node, int64_t value)
{
    return expr_int(shape_pool(node), value);
}

const TensorType *shape_type(const Node *node, const char *param)
{
    Value *value = node_tensor(node, param);
    assert(value != NULL);
    return &value->type;
}

Value *shape_first_tensor(const Node *node)
{
    for (int i = 0; i < node->n_args; i++) {
        const Arg *arg = &node->args[i];
        if (arg->kind == ARG_VALUE && arg->value->kind == VALUE_TENSOR)
            return arg->value;
        for (int k = 0; arg->kind == ARG_LIST && k < arg->n_items; k++)
            if (arg->items[k].kind == ARG_VALUE && arg->items[k].value->kind == VALUE_TENSOR)
                return arg->items[k].value;
    }
    return NULL;
}

const TensorType *shape_first_type(const Node *node)
{
    return &shape_first_tensor(node)->type;
}

bool shape_is_none(const Node *node, const char *param)
{
    return node_arg(node, param)->kind == ARG_NONE;
}

Error *shape_wrap_dim(const Node *node, int64_t dim, int rank, int *out)
{
    int64_t limit = rank > 0 ? rank : 1;
    if (dim < -limit || dim >= limit)
        return node_error(node, E_VALUE, "dim %lld is out of range for a tensor of rank %d",
                          (long long)dim, rank);
    *out = (int)(dim < 0 ? dim + limit : dim);
    return NULL;
}

Error *shape_const_int(const Node *node, const char *param, int64_t *out)
{
    const Expr *e = arg_as_expr(node_arg(node, param));
    if (!e)
        return node_error(node, E_VALUE, "%s is missing", param);
    if (!expr_is_int(e, out))
        return node_error(node, E_UNSUPPORTED, "%s has to be a constant", param);
    return NULL;
}

Error *shape_dim(const Node *node, const char *param, int rank, int *out)
{
    int64_t dim;
    TRY(shape_const_int(node, param, &dim));
    return shape_wrap_dim(node, dim, rank, out);
}

Error *shape_exprs(const Node *node, const char *param, const Expr *out[MAX_RANK], int *n)
{
    const Arg *arg = node_arg(node, param);
    *n = 0;
    if (arg->kind == ARG_NONE)
        return NULL;
    const Arg *items = arg->kind == ARG_LIST ? arg->items : arg;
    int        count = arg->kind == ARG_LIST ? arg->n_items : 1;
    if (count > MAX_RANK)
        return node_error(node, E_LIMIT, "%s has %d entries, more than %d", param, count, MAX_RANK);
    for (int i = 0; i < count; i++) {
        out[i] = arg_as_expr(&items[i]);
        if (!out[i] || out[i]->type != EXPR_TYPE_INT)
            return node_error(node, E_VALUE, "entry %d of %s is no integer", i, param);
    }
    *n = count;
    return NULL;
}

Error *shape_ints(const Node *node, const char *param, int64_t *out, int n)
{
    const Expr *e[MAX_RANK];
    int         count;
    TRY(shape_exprs(node, param, e, &count));
    if (count != n && count != 1)
        return node_error(node, E_VALUE, "%s has %d entries, %d are needed", param, count, n);
    for (int i = 0; i < n; i++)
        if (!expr_is_int(e[count == 1 ? 0 : i], &out[i]))
            return node_error(node, E_UNSUPPORTED, "%s has to be constant", param);
    return NULL;
}

Error *shape_dims(const Node *node, const char *param, int rank, int dims[MAX_RANK], int *n)
{
    const Expr *e[MAX_RANK];
    bool        seen[MAX_RANK] = {false};
    TRY(shape_exprs(node, param, e, n));
    for (int i = 0; i < *n; i++) {
        int64_t dim;
        if (!expr_is_int(e[i], &dim))
            return node_error(node, E_UNSUPPORTED, "%s has to be constant", param);
        TRY(shape_wrap_dim(node, dim, rank, &dims[i]));
        if (seen[dims[i]])
            return node_error(node, E_VALUE, "dim %d stands twice in %s", dims[i], param);
        seen[dims[i]] = true;
    }
    return NULL;
}

Error *shape_tensors(const Node *node, const char *param, Value ***out, int *n)
{
    const Arg *arg = node_arg(node, param);
    *n = arg->kind == ARG_LIST ? arg->n_items : 0;
    *out = ARENA_ARRAY(node->graph->ir->arena, Value *, *n + 1);
    for (int i = 0; i < *n; i++) {
        const Arg *item = &arg->items[i];
        if (item->kind == ARG_NONE)
            continue;
        if (item->kind != ARG_VALUE || item->value->kind != VALUE_TENSOR)
            return node_error(node, E_VALUE, "entry %d of %s is no tensor", i, param);
        (*out)[i] = item->value;
    }
    return NULL;
}

Error *shape_check_rank(const Node *node, const char *param, int min, int max)
{
    int rank = shape_type(node, param)->rank;
    if (rank < min || rank > max)
        return node_error(node, E_VALUE, "%s has rank %d, not %d to %d", param, rank, min, max);
    return NULL;
}

/* ---- result types ---------------------------------------------------------------------------- */
static void set_result(Node *node, int result, TensorType type)
{
    const Value *first = shape_first_tensor(node);
    if (first)
        type.device = first->type.device;
    *node_result_type(node, result) = type;
}

void shape_result(Node *node, int result, DType dtype, const Expr *const *sizes, int rank)
{
    set_result(node, result, tensor_type(node->graph->ir, dtype, sizes, rank));
}

void shape_result_strided(Node *node, int result, DType dtype, const Expr *const *sizes,
                          const Expr *const *strides, int rank)
{
    set_result(node, result, tensor_type_strided(node->graph->ir, dtype, sizes, strides, rank));
}

Error *infer_like_first(Node *node)
{
    const Value *first = shape_first_tensor(node);
    if (!first)
        return node_error(node, E_VALUE, "a tensor argument is missing");
    shape_result(node, 0, first->type.dtype, first->type.sizes, first->type.rank);
    return NULL;
}

Error *shape_broadcast(const Node *node, const Expr *const *a, int na, const Expr *const *b, int nb,
                       const Expr *out[MAX_RANK], int *n)
{
    ExprPool *pool = shape_pool(node);
    *n = na > nb ? na : nb;
    for (int i = 1; i <= *n; i++) {
        const Expr *x = i <= na ? a[na - i] : expr_int(pool, 1);
        const Expr *y = i <= nb ? b[nb - i] : expr_int(pool, 1);
        int64_t     xv, yv;
        if (expr_is_value(x, 1))
            x = y;
        else if (expr_is_int(x, &xv) && expr_is_int(y, &yv) && yv != 1 && xv != yv)
            return node_error(node, E_VALUE, "sizes %lld and %lld cannot be broadcast",
                              (long long)xv, (long long)yv);
        else if (!expr_is_value(y, 1) && expr_is_const(y))
            x = y; /* a constant says more than a symbol that has to equal it */
        out[*n - i] = x;
    }
    return NULL;
}

/* ---- index arithmetic ------------------------------------------------------------------------ */
bool shape_same(ExprPool *pool, const Expr *a, const Expr *b)
{
    return a == b || expr_prove_eq(pool, a, b);
}

const Expr *shape_linear(ExprPool *pool, const Expr *const *index, const Expr *const *sizes,
                         int rank)
{
    const Expr *flat = expr_int(pool, 0), *stride = expr_int(pool, 1);
    for (int d = rank - 1; d >= 0; d--) {
        flat = expr_add(pool, flat, expr_mul(pool, index[d], stride));
        stride = expr_mul(pool, stride, sizes[d]);
    }
    return flat;
}

/* The first dim that is not 1 takes what is left, without a modulo. */
void shape_delinear(ExprPool *pool, const Expr *flat, const Expr *const *sizes, int rank,
                    const Expr **index)
{
    int first = 0;
    while (first < rank - 1 && expr_is_value(sizes[first], 1))
        first++;
    for (int d = rank - 1; d >= 0; d--) {
        if (d < first || expr_is_value(sizes[d], 1)) {
            index[d] = expr_int(pool, 0);
        } else if (d == first) {
            index[d] = flat;
        } else {
            index[d] = expr_mod(pool, flat, sizes[d]);
            flat = expr_floordiv(pool, flat, sizes[d]);
        }
    }
}

/* Dims of size 1 carry no index: the others are matched group by group, so that plain cases meet no
 * division. */
typedef struct Dims {
    const Expr *size[MAX_RANK];
    int         dim[MAX_RANK];
    int         n;
} Dims;

static Dims real_dims(const Expr *const *sizes, int rank)
{
    Dims dims = {.n = 0};
    for (int d = 0; d < rank; d++)
        if (!expr_is_value(sizes[d], 1)) {
            dims.size[dims.n] = sizes[d];
            dims.dim[dims.n++] = d;
        }
    return dims;
}

static bool same_expr(ExprPool *pool, const Expr *a, const Expr *b)
{
    return a == b || expr_prove_eq(pool, a, b);
}

/* out dims [o0, o1) and in dims [i0, i1) hold the same elements. */
static void map_group(ExprPool *pool, const Dims *out, int o0, int o1, const Expr *const *out_index,
                      const Dims *in, int i0, int i1, const Expr **in_index)
{
    const Expr *index[MAX_RANK], *result[MAX_RANK];
    for (int d = o0; d < o1; d++)
        index[d - o0] = out_index[out->dim[d]];
    const Expr *flat = shape_linear(pool, index, out->size + o0, o1 - o0);
    shape_delinear(pool, flat, in->size + i0, i1 - i0, result);
    for (int d = i0; d < i1; d++)
        in_index[in->dim[d]] = result[d - i0];
}

/* The shortest leading groups of equal product; false when none can be proven. */
static bool next_group(ExprPool *pool, const Dims *out, int o0, int o_end, const Dims *in, int i0,
                       int i_end, int *o1, int *i1)
{
    if (o0 == o_end || i0 == i_end)
        return false;
    const Expr *a = out->size[o0], *b = in->size[i0];
    *o1 = o0 + 1;
    *i1 = i0 + 1;
    while (!same_expr(pool, a, b)) {
        bool grow_out = expr_is_value(expr_mod(pool, b, a), 0) || expr_prove_lt(pool, a, b);
        bool grow_in = expr_is_value(expr_mod(pool, a, b), 0) || expr_prove_lt(pool, b, a);
        if (grow_out && *o1 < o_end)
            a = expr_mul(pool, a, out->size[(*o1)++]);
        else if (grow_in && *i1 < i_end)
            b = expr_mul(pool, b, in->size[(*i1)++]);
        else
            return false;
    }
    return true;
}

void shape_reshape_index(ExprPool *pool, const Expr *const *out_sizes, int n_out,
                         const Expr *const *out, const Expr *const *in_sizes, int n_in,
                         const Expr **in)
{
    Dims od = real_dims(out_sizes, n_out), id = real_dims(in_sizes, n_in);
    for (int d = 0; d < n_in; d++)
        in[d] = expr_int(pool, 0);
    int o_end = od.n, i_end = id.n, o = 0, i = 0, o1, i1;
    while (o_end > 0 && i_end > 0 && same_expr(pool, od.size[o_end - 1], id.size[i_end - 1])) {
        o_end--;
        i_end--;
        in[id.dim[i_end]] = out[od.dim[o_end]];
    }
    while (next_group(pool, &od, o, o_end, &id, i, i_end, &o1, &i1)) {
        map_group(pool, &od, o, o1, out, &id, i, i1, in);
        o = o1;
        i = i1;
    }
    if (i < i_end)
        map_group(pool, &od, o, o_end, out, &id, i, i_end, in);
}

const Expr *shape_quotient(ExprPool *pool, const Expr *const *of, int n_of, const Expr *const *by,
                           int n_by)
{
    const Expr *a[MAX_RANK], *b[MAX_RANK];
    int         na = 0, nb = 0;
    bool        used[MAX_RANK] = {false};
    for (int k = 0; k < n_by; k++) {
        int match = -1;
        for (int i = 0; i < n_of && match < 0; i++)
            if (!used[i] && of[i] == by[k])
                match = i;
        if (match >= 0)
            used[match] = true;
        else
            b[nb++] = by[k];
    }
    for (int i = 0; i < n_of; i++)
        if (!used[i])
            a[na++] = of[i];
    const Expr *num = expr_product(pool, a, na), *den = expr_product(pool, b, nb);
    return expr_is_value(den, 0) ? den : expr_floordiv(pool, num, den);
}

const Expr *shape_wrap_index(ExprPool *pool, const Expr *v, const Expr *size)
{
    ExprRange range = expr_range(v);
    if (range.min >= 0)
        return v;
    const Expr *wrapped = expr_add(pool, v, size);
    if (range.max < 0)
        return wrapped;
    const Expr *args[3] = {expr_cmp(pool, EXPR_LT, v, expr_int(pool, 0)), wrapped, v};
    return expr_make(pool, EXPR_WHERE, NULL, args, 3);
}

void shape_broadcast_index(ExprPool *pool, const TensorType *type, const Expr *const *index,
                           int out_rank, const Expr **in)
{
    for (int d = 0; d < type->rank; d++)
        in[d] =
            expr_is_value(type->sizes[d], 1) ? expr_int(pool, 0) : index[out_rank - type->rank + d];
}

const Expr *shape_clamped(ExprPool *pool, const Expr *e, const Expr *size)
{
    const Expr *zero = expr_int(pool, 0), *last = expr_sub(pool, size, expr_int(pool, 1));
    if (!expr_prove_le(pool, zero, e))
        e = expr_max(pool, e, zero);
    return expr_prove_lt(pool, e, size) ? e : expr_min(pool, e, last);
}

/* ---- element functions ----------------------------------------------------------------------- */
Scalar *shape_zero(LowerCx *cx, DType dtype)
{
    return scalar_int(cx->scalars, dtype, 0);
}

bool shape_is_true(const Expr *condition)
{
    return condition->kind == EXPR_BOOL && condition->value;
}

bool shape_is_false(const Expr *condition)
{
    return condition->kind == EXPR_BOOL && !condition->value;
}

Scalar *shape_condition(LowerCx *cx, const Expr *condition)
{
    return shape_is_true(condition) ? NULL : scalar_index(cx->scalars, DT_BOOL, condition);
}

Scalar *shape_in_range(LowerCx *cx, const Expr *e, const Expr *n)
{
    ExprPool   *pool = cx->ir->exprs;
    const Expr *zero = expr_int(pool, 0);
    Scalar     *low = NULL, *high = NULL;
    if (!expr_prove_le(pool, zero, e))
        low = shape_condition(cx, expr_cmp(pool, EXPR_LE, zero, e));
    if (!expr_prove_lt(pool, e, n))
        high = shape_condition(cx, expr_cmp(pool, EXPR_LT, e, n));
    return low || high ? scalar_and(cx->scalars, low, high) : NULL;
}

Scalar *shape_load(LowerCx *cx, Value *value, const Expr *const *index)
{
    return cx->load(cx, value, index, cx->mask);
}

Scalar *shape_masked_load(LowerCx *cx, Value *value, const Expr *const *index, Scalar *mask,
                          Scalar *other)
{
    if (!mask)
        return shape_load(cx, value, index);
    Scalar *both = cx->mask ? scalar_and(cx->scalars, cx->mask, mask) : mask;
    return scalar_select(cx->scalars, mask, cx->load(cx, value, index, both), other);
}

/* Where the element is not wanted the value may be anything: 0 keeps the run-time check quiet. */
const Expr *shape_scalar_index(LowerCx *cx, Scalar *value, const Expr *bound)
{
    value = scalar_cast(cx->scalars, DT_I64, value);
    if (cx->mask)
        value = scalar_select(cx->scalars, cx->mask, value, scalar_int(cx->scalars, DT_I64, 0));
    return scalar_indirect(cx->scalars, value, bound, "index");
}

const Expr *shape_loaded_index(LowerCx *cx, Value *value, const Expr *const *index,
                               const Expr *bound)
{
    return shape_scalar_index(cx, shape_load(cx, value, index), bound);
}
