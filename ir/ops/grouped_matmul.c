/* Products of groups of rows, each with a matrix of its own (mixtures of experts).
 *
 *   aten._grouped_mm(%x: bf16[s,k], %w: bf16[g,k,n], %offs: i32[g])
 *     row i is x[i] @ w[e], where e is the first group with i < offs[e]
 *
 * In: a node.  Out: nodes before it.  A row reads the matrix of its group where it lies: nothing is
 * gathered into memory, and no group is computed for rows of others. */
#include "ir/ops/shape_util.h"

#include <string.h>

typedef struct Grouped {
    Build  b;
    Value *x, *w, *offs; /* offs NULL: a batched product */
    DType  to;
} Grouped;

/* The group of each of n places, and where there is one: places behind the last group have none. */
static void group_of(Grouped *g, const Expr *n, Value **group, Value **exists)
{
    Build      *b = &g->b;
    const Expr *count = g->offs->type.sizes[0];
    Value      *at = BUILD(b, "aten.arange.default", arg_expr(n), arg_dtype(g->offs->type.dtype));
    Value      *found = b->error
                            ? NULL
                            : BUILD(b, "aten.searchsorted.Tensor", arg_value(g->offs), arg_value(at),
                                    arg_bool(b->graph, false), arg_bool(b->graph, true));
    if (b->error)
        return;
    *exists = BUILD(b, "aten.lt.Scalar", arg_value(found), arg_expr(count));
    *group =
        BUILD(b, "aten.clamp_max.default", arg_value(found),
              arg_expr(expr_sub(b->graph->ir->exprs, count, expr_int(b->graph->ir->exprs, 1))));
}

/* of[group] along dim 0 or 1. */
static Value *matrices(Build *b, Value *of, int dim, Value *group)
{
    Arg index[2] = {arg_none(), arg_none()};
    if (b->error)
        return NULL;
    index[dim] = arg_value(group);
    return BUILD(b, "aten._unsafe_index.Tensor", arg_value(of), arg_list(index, dim + 1));
}

static Value *where_else_0(Build *b, Value *condition, Value *x)
{
    return b->error ? NULL
                    : BUILD(b, "aten.where.ScalarOther", arg_value(condition), arg_value(x),
                            arg_float(0));
}

/* The sum over dim of x * y in f32, or f64. */
static Value *sum_of_products(Build *b, Value *x, Value *y, int64_t dim)
{
    if (b->error)
        return NULL;
    DType dtype = dtype_compute(x->type.dtype);
    x = build_cast(b, x, dtype);
    y = b->error ? NULL : build_cast(b, y, dtype);
    Value *product = build_binary(b, "aten.mul.Tensor", x, y);
    return b->error
               ? NULL
               : BUILD(b, "aten.sum.dim_IntList", arg_value(product), arg_ints(b->graph, &dim, 1));
}

/* x[s,k] by w[g,k,n]: groups of rows. */
static Value *groups_of_rows(Grouped *g)
{
    Build *b = &g->b;
    Value *group = NULL, *exists = NULL;
    group_of(g, g->x->type.sizes[0], &group, &exists);
    Value *w = matrices(b, g->w, 0, group), *x = b->error ? NULL : build_unsqueeze(b, g->x, 2);
    Value *y = sum_of_products(b, x, w, 1);
    return where_else_0(b, b->error ? NULL : build_unsqueeze(b, exists, 1), y);
}

/* x[g,m,k] by w[k,n]: groups of columns of w. */
static Value *groups_of_columns(Grouped *g)
{
    Build *b = &g->b;
    Value *group = NULL, *exists = NULL;
    group_of(g, g->w->type.sizes[1], &group, &exists);
    Value *x = b->error ? NULL : build_transpose(b, g->x, 0, 1);
    x = matrices(b, x, 1, group); /* [m,n,k] */
    Value *w = b->error ? NULL : build_transpose(b, g->w, 0, 1);
    return where_else_0(b, exists, sum_of_products(b, x, w, 2));
}

/* x[m,k] by w[k,n]: groups of k, each a product of its own. */
static Value *groups_of_terms(Grouped *g)
{
    Build *b = &g->b;
    Value *group = NULL, *exists = NULL, *mine;
    group_of(g, g->x->type.sizes[1], &group, &exists);
    Value *all = b->error ? NULL
                          : BUILD(b, "aten.arange.default", arg_expr(g->offs->type.sizes[0]),
                                  arg_dtype(DT_I64));
    all = b->error ? NULL : build_unsqueeze(b, all, 1);
    mine = build_binary(b, "aten.eq.Tensor", all, group);
    mine = build_binary(b, "aten.logical_and.default", mine, exists);
    Value *x = where_else_0(b, b->error ? NULL : build_unsqueeze(b, mine, 1), g->x);
    Value *w = where_else_0(b, b->error ? NULL : build_unsqueeze(b, mine, 2), g->w);
    DType  dtype = dtype_compute(g->x->type.dtype);
    x = b->error ? NULL : build_cast(b, x, dtype);
    w = b->error ? NULL : build_cast(b, w, dtype);
    return build_binary(b, "aten.bmm.default", x, w);
}

static Error *check_grouped(const Node *node, const Grouped *g)
{
    int  rx = g->x->type.rank, rw = g->w->type.rank;
    bool has_offs = g->offs != NULL;
    if (rx < 2 || rx > 3 || rw < 2 || rw > 3 || has_offs == (rx == 3 && rw == 3))
        return node_error(node, E_VALUE, "operands of rank %d and %d %s offs", rx, rw,
                          has_offs ? "with" : "without");
    if (has_offs && g->offs->type.rank != 1)
        return node_error(node, E_VALUE, "offs of rank %d", g->offs->type.rank);
    return NULL;
}

static Error *expand_grouped(Node *node, Grouped *g, Value **results)
{
    Build *b = &g->b;
    Value *y;
    TRY(check_grouped(node, g));
    if (!g->offs)
        y = build_binary(b, "aten.bmm.default", g->x, g->w);
    else if (g->w->type.rank == 3)
        y = groups_of_rows(g);
    else if (g->x->type.rank == 3)
        y = groups_of_columns(g);
    else
        y = groups_of_terms(g);
    results[0] = b->error ? NULL : build_cast(b, y, g->to);
    return b->error;
}

static Error *expand_grouped_mm(Node *node, Value **results)
{
    Grouped    g = {.b = build_at(node),
                    .x = node_tensor(node, "self"),
                    .w = node_tensor(node, "mat2"),
                    .offs = node_tensor(node, "offs")};
    const Arg *dtype = node_arg(node, "out_dtype");
    g.to = dtype->kind == ARG_DTYPE ? dtype->dtype : g.x->type.dtype;
    if (node_tensor(node, "bias"))
        return node_error(node, E_UNSUPPORTED, "%s: a bias", node->schema->name);
    return expand_grouped(node, &g, results);
}

/* The operator that the transformers package registers where aten._grouped_mm does not do. */
static Error *expand_fallback(Node *node, Value **results)
{
    Grouped g = {.b = build_at(node),
                 .x = node_tensor(node, "input"),
                 .w = node_tensor(node, "weight"),
                 .offs = node_tensor(node, "offs")};
    g.to = g.x->type.dtype;
    return expand_grouped(node, &g, results);
}

const OpDesc grouped_matmul_ops[] = {
    {.schema = "aten::_grouped_mm(Tensor self, Tensor mat2, Tensor? offs=None, Tensor? bias=None, "
               "ScalarType? out_dtype=None) -> Tensor",
     .kind = OP_COMPOSITE,
     .expand_fn = expand_grouped_mm,
     .samples = "self=bf16[12,16] mat2=bf16[3,16,8] offs=i32[3]@[4,4,12] | self=bf16[8,16] "
                "mat2=bf16[16,24] offs=i32[3]@[8,8,16] | self=bf16[3,8,16] mat2=bf16[16,24] "
                "offs=i32[3]@[8,8,24] | self=bf16[2,8,16] mat2=bf16[2,16,8] | ! self=bf16[12,16] "
                "mat2=bf16[3,16,8]"},
    {.schema = "transformers::grouped_mm_fallback(Tensor input, Tensor weight, Tensor offs) -> "
               "Tensor",
     .kind = OP_COMPOSITE,
     .expand_fn = expand_fallback,
     .samples = "input=f32[9,4] weight=f32[3,4,5] offs=i64[3]@[4,4,7] | input=f16[5,4] "
                "weight=f16[2,4,3] offs=i32[2]@[0,5]"},
    {0},
};
