/* Views with several results: split, chunk, unbind, tensor_split.
 *
 * In: a node.  Out: one slice or select for each result:
 *
 *   %a, %b = aten.chunk.default(%x, 2)  ->  %a = aten.slice.Tensor(%x, 0, 0, 4), … */
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"

/* ---- several results ------------------------------------------------------------------------- */
static const char *dim_param(const Node *node)
{
    return schema_param(node->schema, "dim") >= 0 ? "dim" : NULL;
}

/* hsplit, vsplit and dsplit have their dim in the name. */
static Error *split_dim(const Node *node, int *dim)
{
    int rank = shape_first_type(node)->rank;
    if (rank == 0)
        return node_error(node, E_VALUE, "a tensor of rank 0 cannot be split");
    if (dim_param(node))
        return shape_dim(node, "dim", rank, dim);
    char kind = node->schema->base[0];
    return shape_wrap_dim(node, kind == 'v' ? 0 : kind == 'd' ? 2 : rank == 1 ? 0 : 1, rank, dim);
}

static Error *expand_even_split(Node *node, const Expr *piece, int dim, Value **results)
{
    ExprPool *pool = shape_pool(node);
    Build     b = build_at(node);
    for (int i = 0; i < node->n_results && !b.error; i++) {
        const Expr *start = expr_mul(pool, piece, expr_int(pool, i));
        bool        last = i == node->n_results - 1;
        results[i] =
            build_slice(&b, shape_first_tensor(node), dim, start,
                        last ? shape_first_type(node)->sizes[dim] : expr_add(pool, start, piece));
    }
    return b.error;
}

static Error *expand_split(Node *node, Value **results)
{
    int dim;
    TRY(split_dim(node, &dim));
    return expand_even_split(node, arg_as_expr(node_arg(node, "split_size")), dim, results);
}

static Error *expand_chunk(Node *node, Value **results)
{
    int     dim;
    int64_t chunks;
    TRY(split_dim(node, &dim));
    TRY(shape_const_int(node, "chunks", &chunks));
    if (chunks < 1)
        return node_error(node, E_VALUE, "%lld chunks", (long long)chunks);
    const Expr *size = shape_first_type(node)->sizes[dim];
    return expand_even_split(node, expr_ceildiv(shape_pool(node), size, shape_int(node, chunks)),
                             dim, results);
}

static Error *expand_split_sizes(Node *node, Value **results)
{
    ExprPool   *pool = shape_pool(node);
    Build       b = build_at(node);
    const char *param =
        schema_param(node->schema, "split_sizes") >= 0 ? "split_sizes" : "split_size";
    const Arg  *list = node_arg(node, param);
    const Expr *start = expr_int(pool, 0);
    int         dim;
    TRY(split_dim(node, &dim));
    if (list->kind != ARG_LIST || list->n_items != node->n_results)
        return node_error(node, E_VALUE, "%s does not fit the number of results", param);
    for (int i = 0; i < node->n_results && !b.error; i++) {
        const Expr *end = expr_add(pool, start, arg_as_expr(&list->items[i]));
        results[i] = build_slice(&b, shape_first_tensor(node), dim, start, end);
        start = end;
    }
    return b.error;
}

/* n // sections each, the first n % sections one more. */
static Error *expand_sections(Node *node, Value **results)
{
    ExprPool *pool = shape_pool(node);
    Build     b = build_at(node);
    int       dim;
    TRY(split_dim(node, &dim));
    const Expr *sections = arg_as_expr(node_arg(node, "sections")),
               *size = shape_first_type(node)->sizes[dim];
    if (!sections || expr_range(sections).max < 1)
        return node_error(node, E_VALUE, "the number of sections has to be positive");
    const Expr *small = expr_floordiv(pool, size, sections),
               *extra = expr_mod(pool, size, sections);
    const Expr *start = expr_int(pool, 0);
    for (int i = 0; i < node->n_results && !b.error; i++) {
        const Expr *next = expr_int(pool, i + 1);
        const Expr *end = expr_add(pool, expr_mul(pool, small, next), expr_min(pool, next, extra));
        results[i] = build_slice(&b, shape_first_tensor(node), dim, start, end);
        start = end;
    }
    return b.error;
}

static Error *expand_split_at(Node *node, Value **results)
{
    Build      b = build_at(node);
    const Arg *list = node_arg(node, "indices");
    int        dim;
    TRY(split_dim(node, &dim));
    if (list->kind != ARG_LIST || list->n_items + 1 != node->n_results)
        return node_error(node, E_VALUE, "indices do not fit the number of results");
    const Expr *start = shape_int(node, 0);
    for (int i = 0; i < node->n_results && !b.error; i++) {
        const Expr *end =
            i < list->n_items ? arg_as_expr(&list->items[i]) : shape_first_type(node)->sizes[dim];
        results[i] = build_slice(&b, shape_first_tensor(node), dim, start, end);
        start = end;
    }
    return b.error;
}

static Error *expand_unbind(Node *node, Value **results)
{
    Build b = build_at(node);
    int   dim;
    TRY(split_dim(node, &dim));
    for (int i = 0; i < node->n_results && !b.error; i++)
        results[i] = build_select(&b, shape_first_tensor(node), dim, i);
    return b.error;
}

const OpDesc split_ops[] = {
    EXPAND_FN(
        "aten::split.Tensor(Tensor(a -> *) self, SymInt split_size, int dim=0) -> Tensor(a)[]",
        expand_split,
        .samples =
            "self=f32[5,2] split_size=2 | self=f32[2,6] split_size=3 dim=1 | self=f32[2,5] "
            "split_size=4 dim=-1 | self=f32[0,2] split_size=2 | ! self=f32[4] split_size=-1"),
    EXPAND_FN("aten::split_copy.Tensor(Tensor self, SymInt split_size, int dim=0) -> Tensor[]",
              expand_split, .samples = "self=f32[5,2] split_size=2"),
    EXPAND_FN("aten::unsafe_split.Tensor(Tensor self, SymInt split_size, int dim=0) -> Tensor[]",
              expand_split, .samples = "self=f32[5,2] split_size=2"),
    EXPAND_FN(
        "aten::split.sizes(Tensor(a -> *) self, SymInt[] split_size, int dim=0) -> Tensor(a)[]",
        expand_split_sizes,
        .samples = "self=f32[5,2] split_size=[2,3] | ! self=f32[5] split_size=[2,2]"),
    EXPAND_FN("aten::split_with_sizes(Tensor(a -> *) self, SymInt[] split_sizes, int dim=0) -> "
              "Tensor(a)[]",
              expand_split_sizes,
              .samples = "self=f32[5,2] split_sizes=[2,0,3] | self=f32[2,5] split_sizes=[1,4] "
                         "dim=-1 | ! self=f32[5] split_sizes=[2,2]"),
    EXPAND_FN(
        "aten::split_with_sizes_copy(Tensor self, SymInt[] split_sizes, int dim=0) -> Tensor[]",
        expand_split_sizes,
        .samples = "self=f32[5,2] split_sizes=[2,0,3] | self=f32[2,5] split_sizes=[1,4] dim=-1 | ! "
                   "self=f32[5] split_sizes=[2,2]"),
    EXPAND_FN(
        "aten::unsafe_split_with_sizes(Tensor self, SymInt[] split_sizes, int dim=0) -> Tensor[]",
        expand_split_sizes,
        .samples = "self=f32[5,2] split_sizes=[2,0,3] | self=f32[2,5] split_sizes=[1,4] dim=-1 | ! "
                   "self=f32[5] split_sizes=[2,2]"),
    EXPAND_FN("aten::chunk(Tensor(a -> *) self, int chunks, int dim=0) -> Tensor(a)[]",
              expand_chunk,
              .samples = "self=f32[5,2] chunks=3 | self=f32[5] chunks=4 | self=f32[2,4] chunks=2 "
                         "dim=-1 | self=f32[2] chunks=5 | ! self=f32[4] chunks=0"),
    EXPAND_FN("aten::unsafe_chunk(Tensor self, int chunks, int dim=0) -> Tensor[]", expand_chunk,
              .samples = "self=f32[5,2] chunks=3"),
    EXPAND_FN("aten::unbind.int(Tensor(a -> *) self, int dim=0) -> Tensor(a)[]", expand_unbind,
              .samples = "self=f32[3,2] | self=f32[2,3] dim=-1 | self=i64[2]"),
    EXPAND_FN("aten::unbind_copy.int(Tensor self, int dim=0) -> Tensor[]", expand_unbind,
              .samples = "self=f32[3,2] | self=f32[2,3] dim=-1 | self=i64[2]"),
    EXPAND_FN("aten::tensor_split.sections(Tensor(a -> *) self, SymInt sections, int dim=0) -> "
              "Tensor(a)[]",
              expand_sections,
              .samples = "self=f32[7,2] sections=3 | self=f32[2,4] sections=2 dim=1 | self=f32[2] "
                         "sections=4 | ! self=f32[2] sections=0"),
    EXPAND_FN("aten::tensor_split.indices(Tensor(a -> *) self, SymInt[] indices, int dim=0) -> "
              "Tensor(a)[]",
              expand_split_at,
              .samples = "self=f32[7,2] indices=[2,5] | self=f32[4] indices=[1,9] | self=f32[2,4] "
                         "indices=[-1] dim=1"),
    EXPAND_FN("aten::hsplit.int(Tensor(a -> *) self, int sections) -> Tensor(a)[]", expand_sections,
              .samples =
                  "self=f32[2,4] sections=2 | self=f32[4] sections=2 | ! self=f32[2,5] sections=2"),
    EXPAND_FN("aten::hsplit.array(Tensor(a -> *) self, int[] indices) -> Tensor(a)[]",
              expand_split_at, .samples = "self=f32[2,5] indices=[1,3]"),
    EXPAND_FN("aten::vsplit.int(Tensor(a -> *) self, int sections) -> Tensor(a)[]", expand_sections,
              .samples = "self=f32[4,2] sections=2 | ! self=f32[4] sections=2"),
    EXPAND_FN("aten::vsplit.array(Tensor(a -> *) self, int[] indices) -> Tensor(a)[]",
              expand_split_at, .samples = "self=f32[5,2] indices=[1,3]"),
    EXPAND_FN("aten::dsplit.int(Tensor(a -> *) self, int sections) -> Tensor(a)[]", expand_sections,
              .samples = "self=f32[2,2,4] sections=2"),
    EXPAND_FN("aten::dsplit.array(Tensor(a -> *) self, int[] indices) -> Tensor(a)[]",
              expand_split_at, .samples = "self=f32[2,2,5] indices=[1,3]"),
    {0},
};
