/* Elements chosen by index tensors: gather, index_select, embedding, index, and search in sorted
 * values.
 *
 * In: a node.  Out: `element` gives the scalar of one result element:
 *
 *   aten.gather.default(%x, 0, %k) out[i]  =  x[indirect(k[i])]
 *
 * Indices from tensors are checked. */
#include "ir/ops/advanced.h"
#include "ir/ops/rows.h"

#include <string.h>

/* ---- gather and the like --------------------------------------------------------------------- */
Error *check_index(const Node *node, const TensorType *index)
{
    return dtype_is_int(index->dtype)
               ? NULL
               : node_error(node, E_VALUE, "indices of dtype %s", dtype_name(index->dtype));
}

static Error *infer_gather(Node *node)
{
    const TensorType *t = shape_type(node, "self"), *k = shape_type(node, "index");
    int               dim;
    TRY(shape_dim(node, "dim", t->rank, &dim));
    TRY(check_index(node, k));
    if ((t->rank ? t->rank : 1) != (k->rank ? k->rank : 1) &&
        !expr_is_value(expr_product(shape_pool(node), k->sizes, k->rank), 0))
        return node_error(node, E_VALUE, "index has rank %d, self %d", k->rank, t->rank);
    shape_result(node, 0, t->dtype, k->sizes, k->rank);
    return NULL;
}

static Scalar *element_gather(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    Value      *self = node_tensor(node, "self"), *k = node_tensor(node, "index");
    int         rank = self->type.rank, dim = rank ? node_dim(node, "dim", rank) : 0;
    const Expr *in[MAX_RANK], *size = rank ? self->type.sizes[dim] : expr_int(cx->ir->exprs, 1);
    const Expr *at = shape_loaded_index(cx, k, index, size);
    for (int d = 0; d < rank; d++)
        in[d] = d == dim ? at : index[d];
    return shape_load(cx, self, in);
}

static Error *infer_index_select(Node *node)
{
    const TensorType *t = shape_type(node, "self"), *k = shape_type(node, "index");
    const Expr       *sizes[MAX_RANK];
    int               dim;
    TRY(shape_dim(node, "dim", t->rank, &dim));
    TRY(check_index(node, k));
    if (k->rank > 1)
        return node_error(node, E_VALUE, "index has rank %d", k->rank);
    memcpy(sizes, t->sizes, sizeof *sizes * (size_t)t->rank);
    if (t->rank > 0)
        sizes[dim] = k->rank ? k->sizes[0] : shape_int(node, 1);
    shape_result(node, 0, t->dtype, sizes, t->rank);
    return NULL;
}

static Scalar *element_index_select(LowerCx *cx, const Node *node, int result,
                                    const Expr *const *index)
{
    (void)result;
    Value      *self = node_tensor(node, "self"), *k = node_tensor(node, "index");
    int         rank = self->type.rank, dim = rank ? node_dim(node, "dim", rank) : 0;
    const Expr *in[MAX_RANK];
    if (rank == 0)
        return shape_load(cx, self, in);
    memcpy(in, index, sizeof *in * (size_t)rank);
    in[dim] = shape_loaded_index(cx, k, &index[dim], self->type.sizes[dim]);
    return shape_load(cx, self, in);
}

static Error *infer_embedding(Node *node)
{
    const TensorType *w = shape_type(node, "weight"), *k = shape_type(node, "indices");
    const Expr       *sizes[MAX_RANK + 1];
    TRY(check_index(node, k));
    if (w->rank != 2 || k->rank >= MAX_RANK)
        return node_error(node, E_VALUE, "weight has rank %d, not 2", w->rank);
    memcpy(sizes, k->sizes, sizeof *sizes * (size_t)k->rank);
    sizes[k->rank] = w->sizes[1];
    shape_result(node, 0, w->dtype, sizes, k->rank + 1);
    return NULL;
}

static Scalar *element_embedding(LowerCx *cx, const Node *node, int result,
                                 const Expr *const *index)
{
    (void)result;
    Value      *w = node_tensor(node, "weight"), *k = node_tensor(node, "indices");
    const Expr *row = shape_loaded_index(cx, k, index, w->type.sizes[0]);
    return shape_load(cx, w, (const Expr *[]){row, index[k->type.rank]});
}

static Error *infer_take(Node *node)
{
    const TensorType *k = shape_type(node, "index");
    TRY(check_index(node, k));
    shape_result(node, 0, shape_type(node, "self")->dtype, k->sizes, k->rank);
    return NULL;
}

static Scalar *element_take(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    ExprPool         *pool = cx->ir->exprs;
    Value            *self = node_tensor(node, "self");
    const TensorType *t = &self->type;
    const Expr       *in[MAX_RANK];
    const Expr       *flat = shape_loaded_index(cx, node_tensor(node, "index"), index,
                                                expr_product(pool, t->sizes, t->rank));
    shape_delinear(pool, flat, t->sizes, t->rank, in);
    return shape_load(cx, self, in);
}

static Error *expand_take_along_dim(Node *node, Value **results)
{
    Build       b = build_at(node);
    Value      *self = node_tensor(node, "self"), *k = node_tensor(node, "indices");
    const Expr *minus = shape_int(node, -1), *ss[MAX_RANK], *ks[MAX_RANK], *both[MAX_RANK];
    int         dim = 0, n;
    if (shape_is_none(node, "dim")) {
        self = build_reshape(&b, self, &minus, 1);
        k = build_reshape(&b, k, &minus, 1);
    } else {
        int rank = self->type.rank;
        TRY(shape_dim(node, "dim", rank, &dim));
        if (k->type.rank != rank)
            return node_error(node, E_VALUE, "indices have rank %d, self %d", k->type.rank, rank);
        memcpy(ss, self->type.sizes, sizeof *ss * (size_t)rank);
        memcpy(ks, k->type.sizes, sizeof *ks * (size_t)rank);
        ss[dim] = ks[dim] = shape_int(node, 1);
        TRY(shape_broadcast(node, ss, rank, ks, rank, both, &n));
        memcpy(ss, both, sizeof both);
        memcpy(ks, both, sizeof both);
        ss[dim] = self->type.sizes[dim];
        ks[dim] = k->type.sizes[dim];
        self = build_expand_to(&b, self, ss, rank);
        k = build_expand_to(&b, k, ks, rank);
    }
    results[0] =
        BUILD(&b, "aten.gather.default", arg_value(self), arg_int(b.graph, dim), arg_value(k));
    return b.error;
}

static Error *infer_one_hot(Node *node)
{
    const TensorType *t = shape_first_type(node);
    const Expr       *sizes[MAX_RANK + 1], *n = arg_as_expr(node_arg(node, "num_classes"));
    TRY(check_index(node, t));
    if (!n || expr_is_value(n, -1))
        return node_error(node, E_UNSUPPORTED,
                          "num_classes has to be given: its default depends on the data");
    if (t->rank == MAX_RANK)
        return node_error(node, E_LIMIT, "rank %d cannot grow", MAX_RANK);
    memcpy(sizes, t->sizes, sizeof *sizes * (size_t)t->rank);
    sizes[t->rank] = n;
    shape_result(node, 0, DT_I64, sizes, t->rank + 1);
    return NULL;
}

static Scalar *element_one_hot(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    Value  *self = shape_first_tensor(node);
    Scalar *k = scalar_cast(cx->scalars, DT_I64, shape_load(cx, self, index));
    Scalar *here = scalar_index(cx->scalars, DT_I64, index[self->type.rank]);
    return scalar_cast(cx->scalars, DT_I64, scalar_2(cx->scalars, S_EQ, k, here));
}

/* ---- advanced indexing ----------------------------------------------------------------------- */
Error *advanced_index(const Node *node, Advanced *a)
{
    const TensorType *t = shape_type(node, "self");
    Value           **v;
    int               n, last = -1;
    TRY(shape_tensors(node, "indices", &v, &n));
    memset(a, 0, sizeof *a);
    a->first = -1;
    if (n > t->rank)
        return node_error(node, E_VALUE, "%d indices for a tensor of rank %d", n, t->rank);
    for (int d = 0; d < n; d++) {
        if (!v[d])
            continue;
        if (v[d]->type.dtype == DT_BOOL || v[d]->type.dtype == DT_U8)
            return node_error(node, E_UNSUPPORTED,
                              "an index of dtype %s gives a size that depends on the data",
                              dtype_name(v[d]->type.dtype));
        TRY(check_index(node, &v[d]->type));
        const Expr *both[MAX_RANK];
        TRY(shape_broadcast(node, a->sizes, a->rank, v[d]->type.sizes, v[d]->type.rank, both,
                            &a->rank));
        memcpy(a->sizes, both, sizeof both);
        a->index[d] = v[d];
        a->n++;
        if (a->first < 0)
            a->first = d;
        last = d;
    }
    if (a->n == 0)
        return node_error(node, E_VALUE, "at least one index has to be given");
    if (t->rank - a->n + a->rank > MAX_RANK)
        return node_error(node, E_LIMIT, "the result has more than %d dims", MAX_RANK);
    a->at = last - a->first + 1 == a->n ? a->first : 0;
    return NULL;
}

static Error *infer_index(Node *node)
{
    const TensorType *t = shape_type(node, "self");
    const Expr       *sizes[MAX_RANK];
    Advanced          a;
    int               n = 0;
    TRY(advanced_index(node, &a));
    for (int d = 0; d < t->rank; d++)
        if (!a.index[d])
            sizes[n++] = t->sizes[d];
    memmove(sizes + a.at + a.rank, sizes + a.at, sizeof *sizes * (size_t)(n - a.at));
    memcpy(sizes + a.at, a.sizes, sizeof *sizes * (size_t)a.rank);
    shape_result(node, 0, t->dtype, sizes, n + a.rank);
    return NULL;
}

/* The index into self, under mask: no error is raised where the mask does not hold. */
static void advanced_map(LowerCx *cx, const Advanced *a, const TensorType *self,
                         const Expr *const *index, const Expr **in)
{
    for (int d = 0, next = 0; d < self->rank; d++) {
        if (a->index[d]) {
            const Expr *at[MAX_RANK];
            shape_broadcast_index(cx->ir->exprs, &a->index[d]->type, index + a->at, a->rank, at);
            in[d] = shape_loaded_index(cx, a->index[d], at, self->sizes[d]);
            continue;
        }
        if (next == a->at)
            next += a->rank;
        in[d] = index[next++];
    }
}

static Scalar *element_index(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    Value      *self = node_tensor(node, "self");
    const Expr *in[MAX_RANK];
    Advanced    a;
    if (advanced_index(node, &a) != NULL)
        return shape_zero(cx, self->type.dtype); /* infer has refused it */
    advanced_map(cx, &a, &self->type, index, in);
    return shape_load(cx, self, in);
}

/* where(mask, self[indices], fill); indices outside of the mask may be wild and are not looked at.
 */
static Scalar *element_masked_index(LowerCx *cx, const Node *node, int result,
                                    const Expr *const *index)
{
    (void)result;
    Value      *self = node_tensor(node, "self"), *m = node_tensor(node, "mask");
    const Expr *in[MAX_RANK], *at[MAX_RANK];
    DType       dtype = self->type.dtype;
    Advanced    a;
    if (advanced_index(node, &a) != NULL)
        return shape_zero(cx, dtype);
    shape_broadcast_index(cx->ir->exprs, &m->type, index, node->results[0]->type.rank, at);
    Scalar *keep = scalar_cast(cx->scalars, DT_BOOL, shape_load(cx, m, at));
    Scalar *outside = cx->mask;
    cx->mask = scalar_and(cx->scalars, outside, keep);
    advanced_map(cx, &a, &self->type, index, in);
    Scalar *x = cx->load(cx, self, in, cx->mask);
    cx->mask = outside;
    bool    is_float = node_arg(node, "fill")->kind == ARG_FLOAT;
    Scalar *fill = is_float || dtype_is_float(dtype)
                       ? scalar_cast(cx->scalars, dtype,
                                     scalar_float(cx->scalars, is_float ? DT_F64 : dtype,
                                                  node_float(node, "fill")))
                       : scalar_int(cx->scalars, dtype, node_int(node, "fill"));
    return scalar_select(cx->scalars, keep, x, fill);
}

static Error *expand_hacked_twin(Node *node, Value **results)
{
    const char *op =
        strcmp(node->schema->base, "index") == 0           ? "aten.index.Tensor"
        : strcmp(node->schema->base, "_unsafe_index") == 0 ? "aten._unsafe_index.Tensor"
        : strcmp(node->schema->base, "index_put") == 0     ? "aten.index_put.default"
                                                           : "aten._unsafe_index_put.default";
    return expand_as_op(node, op, results);
}

/* ---- search in sorted values: the number of boundaries below --------------------------------- */
static Error *count_below(Node *node, Build *b, Value *sorted, Value *x, bool right,
                          Value **results)
{
    bool    narrow = node_bool(node, "out_int32");
    int64_t last = -1;
    if (sorted->type.rank > 1) /* one row for all otherwise */
        sorted = build_unsqueeze(b, sorted, sorted->type.rank - 1);
    x = build_unsqueeze(b, x, x->type.rank);
    /* Not above, rather than below: NaN stands behind all. */
    Value *above =
        BUILD(b, right ? "aten.gt.Tensor" : "aten.ge.Tensor", arg_value(sorted), arg_value(x));
    Value *below = BUILD(b, "aten.logical_not.default", arg_value(above));
    Value *n = BUILD(b, "aten.sum.dim_IntList", arg_value(below), arg_ints(b->graph, &last, 1));
    results[0] = narrow ? build_cast(b, n, DT_I32) : n;
    return b->error;
}

static Error *expand_bucketize(Node *node, Value **results)
{
    Build b = build_at(node);
    return count_below(node, &b, node_tensor(node, "boundaries"), node_tensor(node, "self"),
                       node_bool(node, "right"), results);
}

/* bucketize and searchsorted of a number, in the dtype that it and the boundaries make. */
static Error *expand_search_number(Node *node, Value **results)
{
    Build      b = build_at(node);
    bool       is_bucketize = !strcmp(node->schema->base, "bucketize");
    Value     *sorted = node_tensor(node, is_bucketize ? "boundaries" : "sorted_sequence");
    const Arg *number = node_arg(node, "self");
    DType      dtype = infer_promoted_dtype(node, PROMOTE_DEFAULT);
    Value     *x = BUILD(&b, "aten.scalar_tensor.default", *number, arg_dtype(dtype));
    if (is_bucketize)
        results[0] = BUILD(&b, "aten.bucketize.Tensor", arg_value(x), arg_value(sorted),
                           *node_arg(node, "out_int32"), *node_arg(node, "right"));
    else
        results[0] = BUILD(&b, "aten.searchsorted.Tensor", arg_value(sorted), arg_value(x),
                           *node_arg(node, "out_int32"), *node_arg(node, "right"),
                           *node_arg(node, "side"), *node_arg(node, "sorter"));
    return b.error;
}

static Error *expand_searchsorted(Node *node, Value **results)
{
    Build      b = build_at(node);
    const Arg *side = node_arg(node, "side");
    Value     *sorted = node_tensor(node, "sorted_sequence"), *sorter = node_tensor(node, "sorter");
    bool       right = node_bool(node, "right") ||
                 (side->kind == ARG_STRING && strcmp(side->string, "right") == 0);
    if (sorter)
        sorted = BUILD(&b, "aten.gather.default", arg_value(sorted), arg_int(b.graph, -1),
                       arg_value(sorter));
    return b.error ? b.error
                   : count_below(node, &b, sorted, node_tensor(node, "self"), right, results);
}

const OpDesc indexing_ops[] = {
    INDEXED("aten::gather(Tensor self, int dim, Tensor index, *, bool sparse_grad=False) -> Tensor",
            infer_gather, element_gather,
            .samples =
                "self=f32[3,4] dim=1 index=i64[3,2]@0..3 | self=f32[3,4] dim=0 index=i64[2,4]@0..2 "
                "| self=bf16[5] dim=-1 index=i64[7]@0..4 | self=f32[3,4] dim=0 index=i64[0,4] | "
                "self=f32[] dim=0 index=i64[]@0..0 | self=f32[3,4] dim=1 index=i32[3,2]@0..3 | ! "
                "self=f32[3,4] dim=1 index=i64[4,2]@0..3 | ! self=f32[3] dim=0 index=i64[2]@[0,5]"),
    INDEXED("aten::index_select(Tensor self, int dim, Tensor index) -> Tensor", infer_index_select,
            element_index_select,
            .samples =
                "self=f32[3,4] dim=0 index=i64[5]@0..2 | self=f32[3,4] dim=-1 index=i32[2]@0..3 | "
                "self=f32[3,4] dim=0 index=i64[]@1..1 | self=i64[3] dim=0 index=i64[0] | "
                "self=f32[] dim=0 index=i64[1]@0..0 | ! self=f32[3] dim=0 index=i64[2,2]@0..2"),
    INDEXED(
        "aten::embedding(Tensor weight, Tensor indices, SymInt padding_idx=-1, bool "
        "scale_grad_by_freq=False, "
        "bool sparse=False) -> Tensor",
        infer_embedding, element_embedding,
        .samples =
            "weight=f32[5,4] indices=i64[2,3]@0..4 | weight=bf16[5,3] indices=i32[4]@0..4 | "
            "weight=f32[5,4] indices=i64[]@1..1 | weight=f32[5,4] indices=i64[0] | weight=f32[5,4] "
            "indices=i64[3]@0..4 padding_idx=2 | ! weight=f32[5] indices=i64[2]@0..4"),
    {.schema = "aten::embedding_renorm(Tensor self, Tensor indices, float max_norm, float "
               "norm_type) -> Tensor",
     .kind = OP_COMPOSITE,
     /* Rows that an index names, where their norm is above max_norm; 1e-7 as in eager PyTorch
      * (Embedding.cpp, embedding_renorm_cpu_). */
     .expand = "%n = aten.linalg_vector_norm.default(%self, %norm_type, [1], true)\n"
               "%none = aten.full.default([size(%self, 0)], 0, i64)\n"
               "%at = aten.reshape.default(%indices, [-1])\n"
               "%named = aten.index_fill.int_Scalar(%none, 0, %at, 1)\n"
               "%above = aten.logical_and.default(aten.unsqueeze.default(%named, 1), "
               "aten.gt.Scalar(%n, %max_norm))\n"
               "%below = aten.reciprocal.default(aten.add.Scalar(%n, 1e-07))\n"
               "%scale = aten.where.ScalarOther(%above, aten.mul.Scalar(%below, %max_norm), 1)\n"
               "return aten.mul.Tensor(%self, %scale)",
     .samples = "self=f32[5,4] indices=i64[2,2]@0..4 max_norm=1.0 norm_type=2.0 | self=f32[5,4] "
                "indices=i64[3]@0..4 max_norm=0.5 norm_type=1.0"},
    INDEXED("aten::take(Tensor self, Tensor index) -> Tensor", infer_take, element_take,
            .samples = "self=f32[3,4] index=i64[2,3]@-12..11 | self=f32[3,4] index=i64[0] | ! "
                       "self=f32[3,4] index=i32[2]@0..3"),
    EXPAND_FN("aten::take_along_dim(Tensor self, Tensor indices, int? dim=None) -> Tensor",
              expand_take_along_dim,
              .samples = "self=f32[3,4] indices=i64[3,1]@0..3 dim=1 | self=f32[3,4] "
                         "indices=i64[5]@0..11 | self=f32[3,4] indices=i64[1,4]@0..2 dim=0"),
    INDEXED("aten::one_hot(Tensor self, int num_classes=-1) -> Tensor", infer_one_hot,
            element_one_hot,
            .samples = "self=i64[5]@0..3 num_classes=4 | self=i64[2,3]@0..2 num_classes=5 | "
                       "self=i64[]@1..1 num_classes=3 | ! self=f32[3] num_classes=4"),
    INDEXED(
        "aten::index.Tensor(Tensor self, Tensor?[] indices) -> Tensor", infer_index, element_index,
        .samples = "self=f32[4,5] indices=[i64[3]@-4..3] | self=f32[4,5] "
                   "indices=[None,i64[3]@0..4] | self=f32[4,5] indices=[i64[3]@0..3,i64[3]@0..4] | "
                   "self=f32[4,5,3] indices=[i64[2,1]@0..3,None,i64[3]@0..2] | self=f32[2,3,4] "
                   "indices=[None,i64[2]@0..2,i64[2]@0..3] | self=i64[4] indices=[i32[2]@0..3] | "
                   "self=f32[4,2] indices=[i64[0]] | ! self=f32[4] indices=[f32[2]] | ! "
                   "self=f32[4] indices=[i64[1]@[4]]"),
    INDEXED("aten::_unsafe_index.Tensor(Tensor self, Tensor?[] indices) -> Tensor", infer_index,
            element_index,
            .samples =
                "self=f32[4,5] indices=[i64[3]@0..3] | self=f32[4,5] indices=[None,i64[2]@0..4]"),
    EXPAND_FN("aten::index.Tensor_hacked_twin(Tensor self, Tensor[] indices) -> Tensor",
              expand_hacked_twin,
              .samples = "self=f32[4,5] indices=[i64[3]@0..3] | self=f32[4,5] "
                         "indices=[i64[3]@0..3,i64[3]@0..4]"),
    EXPAND_FN("aten::_unsafe_index.Tensor_hacked_twin(Tensor self, Tensor[] indices) -> Tensor",
              expand_hacked_twin,
              .samples = "self=f32[4,5] indices=[i64[3]@0..3] | self=f32[4,5] "
                         "indices=[i64[3]@0..3,i64[3]@0..4]"),
    INDEXED("aten::_unsafe_masked_index(Tensor self, Tensor mask, Tensor?[] indices, Scalar fill) "
            "-> Tensor",
            infer_index, element_masked_index,
            .samples = "self=f32[4,5] mask=bool[3,5] indices=[i64[3,1]@0..3,i64[5]@0..4] fill=0.5"),

    EXPAND_FN(
        "aten::bucketize.Scalar(Scalar self, Tensor boundaries, *, bool out_int32=False, bool "
        "right=False) -> Tensor",
        expand_search_number,
        .samples = "self=0.75 boundaries=f32[4]@[-2,-1,0.5,2] | self=2 boundaries=i64[4]@[0,2,2,5] "
                   "right=true out_int32=true | self=0.5 boundaries=i64[3]@[0,1,2]"),
    EXPAND_FN("aten::searchsorted.Scalar(Tensor sorted_sequence, Scalar self, *, bool "
              "out_int32=False, bool right=False, str? side=None, Tensor? sorter=None) -> Tensor",
              expand_search_number,
              .samples = "sorted_sequence=f32[4]@[-2,-1,0.5,2] self=0.5 | "
                         "sorted_sequence=f32[4]@[-2,-1,0.5,2] self=0.5 side='right'"),
    EXPAND_FN("aten::bucketize.Tensor(Tensor self, Tensor boundaries, *, bool out_int32=False, "
              "bool right=False) -> "
              "Tensor",
              expand_bucketize,
              .samples =
                  "self=f32[3,4] boundaries=f32[4]@[-2,-1,0.5,2] | self=f32[5]@[-2,-1,0.5,2,nan] "
                  "boundaries=f32[4]@[-2,-1,0.5,2] right=true | self=i64[5] "
                  "boundaries=i64[3]@[-1,0,3] out_int32=true | self=f32[] boundaries=f32[0]"),
    EXPAND_FN("aten::searchsorted.Tensor(Tensor sorted_sequence, Tensor self, *, bool "
              "out_int32=False, bool "
              "right=False, str? side=None, Tensor? sorter=None) -> Tensor",
              expand_searchsorted,
              .samples = "sorted_sequence=f32[4]@[-2,-1,0.5,2] self=f32[3,2] | "
                         "sorted_sequence=f32[2,3]@[-1,0,1] self=f32[2,4] | "
                         "sorted_sequence=f32[4]@[-2,-1,0.5,2] self=f32[5]@[-1,2] side='right' | "
                         "sorted_sequence=i64[4]@[1,2,2,5] self=i64[6]@0..6 right=true "
                         "out_int32=true | ! sorted_sequence=f32[2,3]@[-1,0,1] self=f32[3,4]"),
    EXPAND_FN("aten::index_put.hacked_twin(Tensor self, Tensor[] indices, Tensor values, bool "
              "accumulate=False) -> "
              "Tensor",
              expand_hacked_twin,
              .samples = "self=f32[4,5] indices=[i64[2]@[1,3]] values=f32[2,5]"),
    EXPAND_FN(
        "aten::_unsafe_index_put.hacked_twin(Tensor self, Tensor[] indices, Tensor values, bool "
        "accumulate=False) -> Tensor",
        expand_hacked_twin, .samples = "self=f32[4,5] indices=[i64[2]@[1,3]] values=f32[2,5]"),
    {0},
};
