/* Types of pointwise operators and reductions, and the rules they rest on: broadcasting, promotion,
 * output strides.
 *
 * In: a node whose arguments stand in schema order.  Out: dtype, sizes and strides of its results.
 * Promotion: PyTorch, "Tensor Attributes", torch.dtype.  Strides:
 * TensorIterator::reorder_dimensions in aten/src/ATen/TensorIterator.cpp. */
#include "ir/ops.h"
#include "ir/ops/ops_internal.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* ---- broadcasting ---------------------------------------------------------------------------- */

/* The size that two sizes of one dim broadcast to; NULL when they cannot. */
static const Expr *broadcast_size(ExprPool *pool, const Expr *a, const Expr *b)
{
    if (a == b || expr_is_value(b, 1))
        return a;
    if (expr_is_value(a, 1))
        return b;
    bool a_is_int = expr_is_int(a, NULL), b_is_int = expr_is_int(b, NULL);
    if (a_is_int && b_is_int)
        return NULL;
    if (expr_prove_eq(pool, a, b))
        return a_is_int || !b_is_int ? a : b;
    return b_is_int ? b : a;
}

Error *infer_broadcast(Node *node, const TensorType *const *types, int n, const Expr *const **sizes,
                       int *rank)
{
    Ir          *ir = node->graph->ir;
    const Expr **out = ARENA_ARRAY(ir->arena, const Expr *, MAX_RANK);
    *rank = 0;
    for (int i = 0; i < n; i++)
        *rank = types[i]->rank > *rank ? types[i]->rank : *rank;
    for (int d = 0; d < *rank; d++)
        out[d] = expr_int(ir->exprs, 1);
    for (int i = 0; i < n; i++) {
        int shift = *rank - types[i]->rank;
        for (int d = shift; d < *rank; d++) {
            const Expr *size = broadcast_size(ir->exprs, out[d], types[i]->sizes[d - shift]);
            if (!size)
                return node_error(node, E_VALUE, "%s: %s cannot be broadcast to size %s in dim %d",
                                  node->schema->name, tensor_type_text(ir->arena, types[i]),
                                  expr_text(ir->arena, out[d]), d);
            out[d] = size;
        }
    }
    *sizes = out;
    return NULL;
}

/* ---- promotion ------------------------------------------------------------------------------- */

/* Common dtypes of three ranks: tensors with dims, 0-d tensors, Python numbers. */
typedef struct Categories {
    DType dim, zero, number;
} Categories;

static DType join(DType a, DType b)
{
    return a == DT_NONE ? b : b == DT_NONE ? a : dtype_promote(a, b);
}

static DType complex_of(DType dtype)
{
    return dtype == DT_F64 ? DT_C128 : DT_C64;
}

/* The higher rank decides unless the lower one is of a higher category (bool < int < float <
 * complex). */
static DType combine(DType higher, DType lower)
{
    if (higher == DT_NONE || lower == DT_NONE)
        return join(higher, lower);
    const DTypeInfo *h = dtype_info(higher), *l = dtype_info(lower);
    if (h->is_complex)
        return higher;
    if (h->is_float)
        return l->is_complex ? complex_of(higher) : higher;
    if (higher == DT_BOOL || l->is_float || l->is_complex)
        return join(higher, lower);
    return higher;
}

static DType dtype_of_number(const Arg *arg)
{
    ExprType type = EXPR_TYPE_INT;
    switch (arg->kind) {
    case ARG_BOOL:
        return DT_BOOL;
    case ARG_INT:
        return DT_I64;
    case ARG_FLOAT:
        return DT_F32; /* torch.get_default_dtype() of the export is not recorded; float32 unless
                          changed */
    case ARG_COMPLEX:
        return DT_C64;
    case ARG_VALUE:
        type = arg->value->symbol->type;
        return type == EXPR_TYPE_BOOL ? DT_BOOL : type == EXPR_TYPE_FLOAT ? DT_F32 : DT_I64;
    default:
        return DT_NONE;
    }
}

/* Parameters of type Scalar that are operands; others (alpha, negative_slope, value) only scale or
 * replace. */
static bool is_operand_name(const char *name)
{
    static const char *const names[] = {"self", "other", "exponent", "min", "max"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static bool is_condition(const Param *param)
{
    return strcmp(param->name, "condition") == 0 || strcmp(param->name, "mask") == 0;
}

static void add_operand(Categories *c, const Param *param, const Arg *arg)
{
    if (arg->kind == ARG_LIST) {
        for (int i = 0; i < arg->n_items; i++)
            add_operand(c, param, &arg->items[i]);
    } else if (arg->kind == ARG_VALUE && arg->value->kind == VALUE_TENSOR) {
        DType *rank = arg->value->type.rank ? &c->dim : &c->zero;
        *rank = join(*rank, arg->value->type.dtype);
    } else if (arg->kind != ARG_NONE &&
               (param->type == PARAM_TENSOR || is_operand_name(param->name))) {
        c->number = join(c->number, dtype_of_number(arg));
    }
}

static const Value *first_tensor(const Node *node)
{
    for (int i = 0; i < node->n_args; i++) {
        const Arg *arg = &node->args[i];
        if (arg->kind == ARG_LIST && arg->n_items)
            arg = &arg->items[0];
        if (arg->kind == ARG_VALUE && arg->value->kind == VALUE_TENSOR)
            return arg->value;
    }
    return NULL;
}

DType infer_promoted_dtype(const Node *node, Promote promote)
{
    const Value *first = first_tensor(node);
    if (promote == PROMOTE_FIRST || promote == PROMOTE_NONE)
        return first ? first->type.dtype : DT_NONE;
    Categories c = {DT_NONE, DT_NONE, DT_NONE};
    for (int i = 0; i < node->schema->n_params; i++) {
        const Param *param = &node->schema->params[i];
        if ((param->type == PARAM_TENSOR || param->type == PARAM_SCALAR) && !is_condition(param))
            add_operand(&c, param, &node->args[i]);
    }
    DType dtype = combine(c.dim, combine(c.zero, c.number));
    if (promote == PROMOTE_INT_TO_FLOAT && (dtype == DT_BOOL || dtype_is_int(dtype)))
        dtype = DT_F32;
    return dtype;
}

/* ---- output strides -------------------------------------------------------------------------- */

/* An example value of every symbol: strides are ordered as they are for the export's sizes. */
static bool example_value(void *cx, const Symbol *symbol, int64_t *i, double *f)
{
    (void)cx;
    double hint = symbol->hint;
    /* 0 and 1 would make strides equal that are not; 61 is a size like any other */
    *i = !isnan(hint) && hint >= 2 && hint < 1e9 ? (int64_t)hint : 61;
    *f = (double)*i;
    return true;
}

static int64_t example_of(Ir *ir, const Expr *e)
{
    int64_t value = 0;
    double  fvalue;
    if (expr_is_int(e, &value))
        return value;
    return expr_eval(ir->arena, e, example_value, NULL, &value, &fvalue) ? 0 : value;
}

typedef struct Layout {
    int64_t size[MAX_RANK],
        stride[MAX_RANK]; /* in the dims of the result; stride 0 where broadcast */
} Layout;

static Layout layout_of(Ir *ir, const TensorType *type, const Expr *const *sizes, int rank)
{
    Layout layout;
    for (int d = 0; d < rank; d++) {
        int at = d - (rank - type->rank);
        layout.size[d] = example_of(ir, sizes[d]);
        bool is_broadcast =
            at < 0 || (expr_is_value(type->sizes[at], 1) && !expr_is_value(sizes[d], 1));
        layout.stride[d] = is_broadcast ? 0 : example_of(ir, type->strides[at]);
    }
    return layout;
}

/* Should dim a be outside dim b (1), inside (-1), or does no operand tell (0)? */
static int compare_dims(const Layout *layouts, int n, int a, int b)
{
    for (int i = 0; i < n; i++) {
        int64_t x = layouts[i].stride[a], y = layouts[i].stride[b];
        if (x == 0 || y == 0)
            continue;
        if (x != y)
            return x < y ? -1 : 1;
        if (layouts[i].size[a] > layouts[i].size[b])
            return 1;
    }
    return 0;
}

/* order[0] becomes the innermost dim: an insertion sort that leaves undecided dims where they are.
 */
static void sort_dims(const Layout *layouts, int n, int rank, int *order)
{
    for (int i = 0; i < rank; i++)
        order[i] = rank - 1 - i;
    for (int i = 1; i < rank; i++) {
        int moving = i;
        for (int k = i - 1; k >= 0; k--) {
            int cmp = compare_dims(layouts, n, order[k], order[moving]);
            if (cmp < 0)
                break;
            if (cmp == 0)
                continue;
            int dim = order[k];
            order[k] = order[moving];
            order[moving] = dim;
            moving = k;
        }
    }
}

static TensorType dense_in_order(Ir *ir, DType dtype, const Expr *const *sizes, int rank,
                                 const int *order)
{
    const Expr *strides[MAX_RANK], *one = expr_int(ir->exprs, 1), *stride = one;
    for (int i = 0; i < rank; i++) {
        const Expr *size = sizes[order[i]];
        strides[order[i]] = stride;
        stride = expr_mul(ir->exprs, stride, expr_is_value(size, 0) ? one : size);
    }
    return tensor_type_strided(ir, dtype, sizes, strides, rank);
}

static bool all_row_major(Ir *ir, const TensorType *const *types, int n, int rank)
{
    for (int i = 0; i < n; i++)
        if (types[i]->rank != rank || !tensor_is_contiguous(ir, types[i]))
            return false;
    return true;
}

/* The layout that TensorIterator gives a new output. */
static TensorType pointwise_type(Ir *ir, DType dtype, const TensorType *const *types, int n,
                                 const Expr *const *sizes, int rank)
{
    if (rank < 2 || all_row_major(ir, types, n, rank))
        return tensor_type(ir, dtype, sizes, rank);
    int     order[MAX_RANK];
    Layout *layouts = ARENA_ARRAY(ir->arena, Layout, n);
    for (int i = 0; i < n; i++)
        layouts[i] = layout_of(ir, types[i], sizes, rank);
    sort_dims(layouts, n, rank, order);
    return dense_in_order(ir, dtype, sizes, rank, order);
}

/* ---- default inference ----------------------------------------------------------------------- */

typedef VEC(const TensorType *) Types;

static void collect_types(Arena *arena, const Arg *arg, Types *types)
{
    if (arg->kind == ARG_VALUE && arg->value->kind == VALUE_TENSOR)
        VEC_PUSH(arena, *types, &arg->value->type);
    for (int i = 0; arg->kind == ARG_LIST && i < arg->n_items; i++)
        collect_types(arena, &arg->items[i], types);
}

/* Dims decide over 0-d tensors: a CPU number may stand beside CUDA tensors. */
static Device device_of(const Types *types)
{
    for (int i = 0; i < types->n; i++)
        if (types->items[i]->rank)
            return types->items[i]->device;
    return types->n ? types->items[0]->device : (Device){DEVICE_CPU, -1};
}

Error *infer_pointwise(Node *node)
{
    Ir                *ir = node->graph->ir;
    Types              types = {0};
    const Expr *const *sizes;
    int                rank;
    for (int i = 0; i < node->n_args; i++)
        collect_types(ir->arena, &node->args[i], &types);
    TRY(infer_broadcast(node, types.items, types.n, &sizes, &rank));
    DType dtype = infer_promoted_dtype(node, node->op->promote);
    if (node->op->promote == PROMOTE_COMPARE)
        dtype = DT_BOOL;
    if (dtype == DT_NONE)
        return node_error(node, E_VALUE, "%s: no argument has a dtype", node->schema->name);
    TensorType *type = node_result_type(node, 0);
    *type = pointwise_type(ir, dtype, types.items, types.n, sizes, rank);
    type->device = device_of(&types);
    return NULL;
}

static const Arg *arg_or_null(const Node *node, const char *name)
{
    int at = schema_param(node->schema, name);
    return at < 0 || node->args[at].kind == ARG_NONE ? NULL : &node->args[at];
}

static Error *mark_dim(const Node *node, const Arg *arg, int rank, bool *is_reduced)
{
    int64_t dim, n = rank ? rank : 1;
    if (arg->kind != ARG_INT || !expr_is_int(arg->expr, &dim))
        return node_error(node, E_UNSUPPORTED, "%s: dim is not a constant", node->schema->name);
    if (dim < -n || dim >= n)
        return node_error(node, E_VALUE, "%s: dim %lld is out of range for rank %d",
                          node->schema->name, (long long)dim, rank);
    dim += dim < 0 ? n : 0;
    if (is_reduced[dim])
        return node_error(node, E_VALUE, "%s: dim %lld appears twice", node->schema->name,
                          (long long)dim);
    is_reduced[dim] = true;
    return NULL;
}

/* None and an empty list mean all dims. */
static Error *reduced_dims(const Node *node, int rank, bool *is_reduced)
{
    const Arg *dim = arg_or_null(node, "dim");
    bool       all = !dim || (dim->kind == ARG_LIST && dim->n_items == 0);
    for (int i = 0; i < MAX_RANK; i++)
        is_reduced[i] = all;
    if (all)
        return NULL;
    if (dim->kind != ARG_LIST)
        return mark_dim(node, dim, rank, is_reduced);
    for (int i = 0; i < dim->n_items; i++)
        TRY(mark_dim(node, &dim->items[i], rank, is_reduced));
    return NULL;
}

static Error *reduction_dtype(const Node *node, DType in, DType *out)
{
    const Arg *given = arg_or_null(node, "dtype");
    bool       is_integral = in == DT_BOOL || dtype_is_int(in);
    *out = in;
    switch (node->op->reduce) {
    case REDUCE_ARGMAX:
    case REDUCE_ARGMIN:
        *out = DT_I64;
        break;
    case REDUCE_ANY:
    case REDUCE_ALL:
        *out = in == DT_U8 ? DT_U8 : DT_BOOL;
        break;
    case REDUCE_SUM:
    case REDUCE_PROD:
        if (given && given->kind == ARG_DTYPE)
            *out = given->dtype;
        else if (is_integral && node->op->after) /* a mean or a norm */
            return node_error(node, E_VALUE, "%s needs a floating point input, got %s",
                              node->schema->name, dtype_name(in));
        else if (is_integral)
            *out = DT_I64;
        break;
    default:
        break;
    }
    return NULL;
}

static bool needs_elements(ReduceOp reduce)
{
    return reduce == REDUCE_MAX || reduce == REDUCE_MIN || reduce == REDUCE_ARGMAX ||
           reduce == REDUCE_ARGMIN;
}

/* Sizes without the reduced dims (1 in their place with keepdim). */
static Error *reduced_sizes(const Node *node, const TensorType *in, const bool *is_reduced,
                            const Expr **sizes, int *rank)
{
    const Arg *keepdim = arg_or_null(node, "keepdim");
    bool       keep = keepdim && keepdim->kind == ARG_BOOL && expr_is_const(keepdim->expr) &&
                keepdim->expr->value;
    *rank = 0;
    for (int i = 0; i < in->rank; i++) {
        if (!is_reduced[i]) {
            sizes[(*rank)++] = in->sizes[i];
            continue;
        }
        if (needs_elements(node->op->reduce) && expr_is_value(in->sizes[i], 0))
            return node_error(node, E_VALUE,
                              "%s: dim %d is empty, there is no largest or smallest element",
                              node->schema->name, i);
        if (keep)
            sizes[(*rank)++] = expr_int(node->graph->ir->exprs, 1);
    }
    return NULL;
}

Error *infer_reduction(Node *node)
{
    const Value *first = first_tensor(node);
    if (!first)
        return node_error(node, E_VALUE, "%s: a tensor argument is missing", node->schema->name);
    TensorType  in = first->type;
    bool        is_reduced[MAX_RANK];
    const Expr *sizes[MAX_RANK];
    int         rank;
    DType       dtype;
    TRY(reduced_dims(node, in.rank, is_reduced));
    TRY(reduced_sizes(node, &in, is_reduced, sizes, &rank));
    TRY(reduction_dtype(node, in.dtype, &dtype));
    TensorType type = tensor_type(node->graph->ir, dtype, sizes, rank);
    type.device = in.device;
    *node_result_type(node, 0) = type;
    if (node->schema->n_returns == 2) { /* values and indices */
        type.dtype = DT_I64;
        *node_result_type(node, 1) = type;
    }
    return NULL;
}
