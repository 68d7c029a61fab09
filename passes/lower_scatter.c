/* Scatters: the base is copied, then elements are stored at computed places.
 *
 *   aten.index_put.default(%x, [%i], %v)     out = x;  out[i[k]] = v[k]
 *
 * Those that accumulate, or of which the last one has to win, are loops with flags. */
#include "passes/lower_template.h"
#include "ir/ops/shape_util.h"

#include <math.h>
#include <string.h>

typedef struct ScatterCx {
    Lower      *lo;
    Node       *node;
    Loop       *loop;
    LowerCx    *cx;
    Value      *base;
    const Expr *at[MAX_RANK]; /* index in the base */
    bool clears; /* this loop gives the elements that will be written the value that changes nothing
                  */
} ScatterCx;

static void scatter_vars(ScatterCx *s, const Expr *const *sizes, int rank, const Expr **index)
{
    s->loop->n_dims = 0;
    index[0] =
        expr_int(s->lo->ir->exprs, 0); /* a tensor of one dim may stand beside one without dims */
    for (int d = 0; d < rank; d++) {
        index[d] = expr_int(s->lo->ir->exprs, 0);
        if (expr_is_value(sizes[d], 1))
            continue;
        Symbol *var = expr_symbol_index(s->lo->ir->exprs, "i", sizes[d]);
        s->loop->vars[s->loop->n_dims] = var;
        s->loop->sizes[s->loop->n_dims++] = sizes[d];
        index[d] = var->self;
    }
}

static const Expr *indirect_at(ScatterCx *s, Value *index_tensor, const Expr *const *at,
                               const Expr *bound)
{
    Scalar *i = load_element(s->cx, index_tensor, at, NULL);
    return scalar_indirect(s->cx->scalars, scalar_cast(s->cx->scalars, DT_I64, i), bound, "index");
}

static void broadcast_at(Ir *ir, const Value *v, const Expr *const *index, int rank,
                         const Expr **at)
{
    for (int d = 0; d < v->type.rank; d++)
        at[d] = expr_is_value(v->type.sizes[d], 1) ? expr_int(ir->exprs, 0)
                                                   : index[rank - v->type.rank + d];
}

/* index_put: index tensors broadcast together; they stand where the first of adjacent ones stands,
 * else in front. */
static Error *scatter_index_put(ScatterCx *s)
{
    Ir               *ir = s->lo->ir;
    Arg              *list = node_arg(s->node, "indices");
    const TensorType *types[MAX_RANK];
    int               n = 0, first = -1, last = -1, rank = s->base->type.rank;
    for (int d = 0; d < list->n_items; d++) {
        if (list->items[d].kind == ARG_NONE)
            continue;
        if (list->items[d].value->type.dtype == DT_BOOL)
            return lower_refuse(s->node, "boolean masks as indices");
        types[n++] = &list->items[d].value->type;
        first = first < 0 ? d : first;
        last = d;
    }
    bool               adjacent = n && last - first + 1 == n;
    const Expr *const *cast;
    int                cast_rank;
    TRY(infer_broadcast(s->node, types, n, &cast, &cast_rank));
    /* iteration space: as the result of index.Tensor */
    const Expr *sizes[2 * MAX_RANK] = {0}, *index[2 * MAX_RANK];
    int         total = 0, cast_at = 0, base_dim_at[MAX_RANK];
    if (!adjacent) {
        for (int c = 0; c < cast_rank; c++)
            sizes[total++] = cast[c];
    }
    for (int d = 0; d < rank; d++) {
        bool indexed = d < list->n_items && list->items[d].kind != ARG_NONE;
        if (indexed && adjacent && d == first) {
            cast_at = total;
            for (int c = 0; c < cast_rank; c++)
                sizes[total++] = cast[c];
        }
        if (!indexed) {
            base_dim_at[d] = total;
            sizes[total++] = s->base->type.sizes[d];
        }
    }
    if (total > MAX_RANK)
        return lower_refuse(s->node, "too many dims");
    scatter_vars(s, sizes, total, index);
    for (int d = 0; d < rank; d++) {
        if (d >= list->n_items || list->items[d].kind == ARG_NONE) {
            s->at[d] = index[base_dim_at[d]];
            continue;
        }
        const Expr *at[MAX_RANK];
        broadcast_at(ir, list->items[d].value, index + cast_at, cast_rank, at);
        s->at[d] = indirect_at(s, list->items[d].value, at, s->base->type.sizes[d]);
    }
    Value      *values = node_tensor(s->node, "values");
    const Expr *at[MAX_RANK];
    broadcast_at(ir, values, index, total, at);
    s->loop->value = load_element(s->cx, values, at, NULL);
    s->loop->accumulate = node_bool(s->node, "accumulate");
    return NULL;
}

/* What leaves every other operand of the reduction as it is. */
static Scalar *reduce_identity(ScatterCx *s, ReduceOp op)
{
    ScalarPool *pool = s->cx->scalars;
    DType       dtype = s->base->type.dtype;
    bool        is_max = op == REDUCE_MAX;
    if (op == REDUCE_SUM || op == REDUCE_PROD)
        return scalar_int(pool, dtype, op == REDUCE_PROD);
    if (dtype_is_float(dtype))
        return scalar_float(pool, dtype, is_max ? -INFINITY : INFINITY);
    if (dtype == DT_BOOL || dtype == DT_U8)
        return scalar_int(pool, dtype, is_max ? 0 : dtype == DT_BOOL ? 1 : UINT8_MAX);
    int     bits = dtype_size(dtype) * 8;
    int64_t lowest = bits == 64 ? INT64_MIN : -((int64_t)1 << (bits - 1));
    return scalar_int(pool, dtype, is_max ? lowest : -1 - lowest);
}

static Error *reduce_as_named(ScatterCx *s)
{
    static const struct {
        const char *name;
        ReduceOp    op;
    } table[] = {{"sum", REDUCE_SUM},       {"add", REDUCE_SUM},  {"prod", REDUCE_PROD},
                 {"multiply", REDUCE_PROD}, {"amax", REDUCE_MAX}, {"amin", REDUCE_MIN}};
    const char *name = node_arg(s->node, "reduce")->string;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strcmp(name, table[i].name)) {
            s->loop->accumulate = !s->clears;
            s->loop->accumulate_op = table[i].op;
            if (s->clears)
                s->loop->value = reduce_identity(s, table[i].op);
            return NULL;
        }
    return node_error(s->node, E_UNSUPPORTED, "%s: reduction \"%s\"", s->node->schema->name, name);
}

/* put: the index counts elements of the base in row-major order; source has the same number of
 * elements. */
static Error *scatter_put(ScatterCx *s)
{
    ExprPool         *pool = s->lo->ir->exprs;
    const TensorType *base = &s->base->type;
    Value *index_tensor = node_tensor(s->node, "index"), *source = node_tensor(s->node, "source");
    const Expr *index[MAX_RANK], *from[MAX_RANK];
    scatter_vars(s, index_tensor->type.sizes, index_tensor->type.rank, index);
    const Expr *flat = indirect_at(s, index_tensor, index, tensor_numel(s->lo->ir, base));
    shape_delinear(pool, flat, base->sizes, base->rank, s->at);
    shape_reshape_index(pool, index_tensor->type.sizes, index_tensor->type.rank, index,
                        source->type.sizes, source->type.rank, from);
    s->loop->value = load_element(s->cx, source, from, NULL);
    s->loop->accumulate = node_bool(s->node, "accumulate");
    return NULL;
}

/* index_copy, index_add, index_fill, index_reduce: a 1-d (or 0-d) index along dim. */
static Error *scatter_along(ScatterCx *s)
{
    Ir         *ir = s->lo->ir;
    Node       *node = s->node;
    int         rank = s->base->type.rank, dim = rank ? node_dim(node, "dim", rank) : 0;
    Value      *index_tensor = node_tensor(node, "index");
    const Expr *sizes[MAX_RANK] = {0}, *index[MAX_RANK];
    for (int d = 0; d < rank; d++)
        sizes[d] = d != dim                  ? s->base->type.sizes[d]
                   : index_tensor->type.rank ? index_tensor->type.sizes[0]
                                             : expr_int(ir->exprs, 1);
    scatter_vars(s, sizes, rank, index);
    for (int d = 0; d < rank; d++)
        s->at[d] = d == dim ? indirect_at(s, index_tensor, &index[dim], s->base->type.sizes[dim])
                            : index[d];
    if (!strcmp(node->schema->base, "index_fill")) {
        Arg *value = node_arg(node, "value");
        if (value->kind == ARG_VALUE && value->value->kind == VALUE_TENSOR)
            s->loop->value = load_element(s->cx, value->value, index, NULL);
        else
            s->loop->value = arg_scalar(s->cx, value, s->base->type.dtype);
        return NULL;
    }
    Value *source = node_tensor(node, "source");
    s->loop->value = source->type.rank ? load_element(s->cx, source, index, NULL)
                                       : load_element(s->cx, source, NULL, NULL);
    if (schema_param(node->schema, "reduce") >= 0)
        return reduce_as_named(s);
    if (!strcmp(node->schema->base, "index_add")) {
        s->loop->accumulate = true;
        if (!arg_is_one(node_arg(node, "alpha"))) {
            DType c = dtype_compute(s->base->type.dtype);
            s->loop->value =
                scalar_2(s->cx->scalars, S_MUL, scalar_cast(s->cx->scalars, c, s->loop->value),
                         arg_scalar(s->cx, node_arg(node, "alpha"), c));
        }
    }
    return NULL;
}

/* scatter and its kin: an index for every element of `index`. */
static Error *scatter_elements(ScatterCx *s)
{
    Node       *node = s->node;
    Value      *index_tensor = node_tensor(node, "index");
    int         rank = index_tensor->type.rank, dim = rank ? node_dim(node, "dim", rank) : 0;
    const Expr *index[MAX_RANK];
    scatter_vars(s, index_tensor->type.sizes, rank, index);
    for (int d = 0; d < s->base->type.rank; d++)
        s->at[d] =
            d == dim ? indirect_at(s, index_tensor, index, s->base->type.sizes[dim]) : index[d];
    int src = schema_param(node->schema, "src");
    if (src >= 0)
        s->loop->value = load_element(s->cx, node->args[src].value, index, NULL);
    else
        s->loop->value = arg_scalar(s->cx, node_arg(node, "value"), s->base->type.dtype);
    if (schema_param(node->schema, "reduce") >= 0)
        return reduce_as_named(s);
    s->loop->accumulate = !strcmp(node->schema->base, "scatter_add");
    return NULL;
}

/* One loop of stores into b. */
static Error *scatter_loop(Lower *lo, Node *node, Buffer *b, bool clears)
{
    ScatterCx   s = {.lo = lo, .node = node, .base = node->args[0].value, .clears = clears};
    ScalarPool *pool = scalar_pool_create(lo->ir->exprs);
    const char *op = node->schema->base;
    s.loop = new_loop(lo, LOOP_POINTWISE, MAX_RANK, pool, node);
    s.cx = lower_cx(lo, pool, node);
    if (!strcmp(op, "index_put") || !strcmp(op, "_unsafe_index_put"))
        TRY(scatter_index_put(&s));
    else if (!strcmp(op, "put"))
        TRY(scatter_put(&s));
    else if (!strncmp(op, "index_", 6))
        TRY(scatter_along(&s));
    else
        TRY(scatter_elements(&s));
    if (lo->failed)
        return lo->failed;
    s.loop->value = scalar_cast(pool, node->results[0]->type.dtype, s.loop->value);
    s.loop->out = b;
    s.loop->index = buffer_index(lo, b, s.at);
    s.loop->is_scatter = true;
    add_loop(lo, s.loop, node);
    return NULL;
}

Error *lower_scatter(Lower *lo, Node *node)
{
    Value   *out = node->results[0];
    Lowered *l = lowered(lo, out);
    Value   *base_value = node->args[0].value;
    TRY(realize_base(lo, base_value));
    /* The base's own layout, so that the copy can be dropped where the base is not needed any more.
     */
    Buffer *base = lowered(lo, base_value)->buffer;
    Buffer *b = l->output;
    if (!b)
        b = new_buffer(lo, BUFFER_TEMP, out->name, out->type.dtype, out->type.rank, out->type.sizes,
                       base && base->strides && !base->panel ? base->strides : NULL);
    if (base && !l->output)
        b->numel = base->numel;
    TRY(store_value(lo, base_value, b));
    int include = schema_param(node->schema, "include_self");
    if (include >= 0 && !node_bool(node, "include_self"))
        TRY(scatter_loop(lo, node, b, true));
    TRY(scatter_loop(lo, node, b, false));
    l->buffer = b;
    return NULL;
}
