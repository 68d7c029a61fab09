/* Views that read the same elements as other sizes: view, reshape, flatten, bits; and the _copy
 * forms.
 *
 * In: a node.  Out: `infer` gives sizes and eager strides, `view` maps an index of the result to
 * one of the argument:
 *
 *   aten.view.default(%x, [s0, 8])    out (i, j)  ->  in (8*i + j) */
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"

#include <string.h>

/* ---- view, reshape --------------------------------------------------------------------------- */
/* Strides of the view, if there is one without a copy (at::detail::computeStride). */
static bool view_strides(Ir *ir, const TensorType *in, const Expr *const *sizes, int rank,
                         const Expr **strides)
{
    ExprPool   *pool = ir->exprs;
    const Expr *one = expr_int(pool, 1);
    if (in->rank == 0) {
        for (int d = 0; d < rank; d++)
            strides[d] = one;
        return true;
    }
    int         v = rank - 1;
    const Expr *base = in->strides[in->rank - 1], *in_numel = one, *out_numel = one;
    for (int d = in->rank - 1; d >= 0; d--) {
        in_numel = expr_mul(pool, in_numel, in->sizes[d]);
        bool ends =
            d == 0 || (!expr_is_value(in->sizes[d - 1], 1) &&
                       !shape_same(pool, in->strides[d - 1], expr_mul(pool, in_numel, base)));
        if (!ends)
            continue;
        while (v >= 0 && (!shape_same(pool, out_numel, in_numel) || expr_is_value(sizes[v], 1))) {
            strides[v] = expr_mul(pool, out_numel, base);
            out_numel = expr_mul(pool, out_numel, sizes[v--]);
        }
        if (!shape_same(pool, out_numel, in_numel))
            return false;
        if (d > 0) {
            base = in->strides[d - 1];
            in_numel = out_numel = one;
        }
    }
    return v == -1;
}

/* Replaces a -1 and checks that the number of elements stays. */
static Error *resolve_sizes(const Node *node, const TensorType *in, const Expr **sizes, int rank)
{
    ExprPool   *pool = shape_pool(node);
    const Expr *known[MAX_RANK];
    int         hole = -1, n = 0;
    for (int d = 0; d < rank; d++) {
        if (!expr_is_value(sizes[d], -1)) {
            known[n++] = sizes[d];
        } else if (hole >= 0) {
            return node_error(node, E_VALUE, "only one size can be -1");
        } else {
            hole = d;
        }
    }
    if (hole >= 0)
        sizes[hole] = shape_quotient(pool, in->sizes, in->rank, known, n);
    int64_t have, want;
    if (expr_is_int(expr_product(pool, in->sizes, in->rank), &have) &&
        expr_is_int(expr_product(pool, sizes, rank), &want) && have != want)
        return node_error(node, E_VALUE, "%lld elements cannot be seen as %lld", (long long)have,
                          (long long)want);
    return NULL;
}

static Error *set_view(Node *node, const TensorType *in, const Expr **sizes, int rank)
{
    const Expr *strides[MAX_RANK];
    Ir         *ir = node->graph->ir;
    TRY(resolve_sizes(node, in, sizes, rank));
    if (!tensor_is_contiguous(ir, in) && view_strides(ir, in, sizes, rank, strides))
        shape_result_strided(node, 0, in->dtype, sizes, strides, rank);
    else
        shape_result(node, 0, in->dtype, sizes, rank);
    return NULL;
}

static Error *infer_view(Node *node)
{
    const Expr *sizes[MAX_RANK];
    int         rank;
    TRY(shape_exprs(node, schema_param(node->schema, "size") >= 0 ? "size" : "shape", sizes,
                    &rank));
    return set_view(node, shape_first_type(node), sizes, rank);
}

static Error *infer_view_as(Node *node)
{
    const Expr       *sizes[MAX_RANK];
    const TensorType *other = shape_type(node, "other");
    memcpy(sizes, other->sizes, sizeof *sizes * (size_t)other->rank);
    return set_view(node, shape_first_type(node), sizes, other->rank);
}

static Error *infer_reshape_alias(Node *node)
{
    const Expr *sizes[MAX_RANK], *strides[MAX_RANK];
    int         rank, n;
    TRY(shape_exprs(node, "size", sizes, &rank));
    TRY(shape_exprs(node, "stride", strides, &n));
    if (n != rank)
        return node_error(node, E_VALUE, "%d sizes and %d strides", rank, n);
    TRY(resolve_sizes(node, shape_first_type(node), sizes, rank));
    shape_result_strided(node, 0, shape_first_type(node)->dtype, sizes, strides, rank);
    return NULL;
}

static Error *infer_ravel(Node *node)
{
    const Expr *sizes[MAX_RANK] = {shape_int(node, -1)};
    return set_view(node, shape_first_type(node), sizes, 1);
}

static Error *infer_flatten(Node *node)
{
    const TensorType *in = shape_first_type(node);
    const Expr       *sizes[MAX_RANK];
    int               first, last, n = 0;
    TRY(shape_dim(node, "start_dim", in->rank, &first));
    TRY(shape_dim(node, "end_dim", in->rank, &last));
    if (first > last)
        return node_error(node, E_VALUE, "start_dim %d comes after end_dim %d", first, last);
    for (int d = 0; d < first; d++)
        sizes[n++] = in->sizes[d];
    sizes[n++] =
        expr_product(shape_pool(node), in->sizes + first, in->rank == 0 ? 0 : last - first + 1);
    for (int d = last + 1; d < in->rank; d++)
        sizes[n++] = in->sizes[d];
    return set_view(node, in, sizes, n);
}

static Error *infer_unflatten(Node *node)
{
    const TensorType *in = shape_first_type(node);
    const Expr       *part[MAX_RANK], *known[MAX_RANK], *sizes[2 * MAX_RANK];
    int               dim, n, n_known = 0, hole = -1;
    TRY(shape_dim(node, "dim", in->rank, &dim));
    TRY(shape_exprs(node, "sizes", part, &n));
    if (in->rank == 0 || in->rank - 1 + n > MAX_RANK)
        return node_error(node, E_VALUE, "cannot unflatten rank %d into %d more", in->rank, n);
    for (int i = 0; i < n; i++) {
        if (expr_is_value(part[i], -1))
            hole = i;
        else
            known[n_known++] = part[i];
    }
    if (hole >= 0)
        part[hole] = shape_quotient(shape_pool(node), in->sizes + dim, 1, known, n_known);
    memcpy(sizes, in->sizes, sizeof *sizes * (size_t)dim);
    memcpy(sizes + dim, part, sizeof *sizes * (size_t)n);
    memcpy(sizes + dim + n, in->sizes + dim + 1, sizeof *sizes * (size_t)(in->rank - dim - 1));
    return set_view(node, in, sizes, in->rank - 1 + n);
}

static void map_view(const Node *node, const Expr *const *out, const Expr **in)
{
    const TensorType *from = shape_first_type(node), *to = &node->results[0]->type;
    shape_reshape_index(shape_pool(node), to->sizes, to->rank, out, from->sizes, from->rank, in);
}

/* ---- no change, bits ------------------------------------------------------------------------- */
static Error *infer_identity(Node *node)
{
    const TensorType *in = shape_first_type(node);
    if (dtype_info(in->dtype)->is_complex)
        return node_error(node, E_UNSUPPORTED, "complex tensors are not supported");
    shape_result_strided(node, 0, in->dtype, in->sizes, in->strides, in->rank);
    return NULL;
}

static void map_identity(const Node *node, const Expr *const *out, const Expr **in)
{
    for (int d = 0; d < shape_first_type(node)->rank; d++)
        in[d] = out[d];
}

static Error *infer_view_dtype(Node *node)
{
    const TensorType *in = shape_first_type(node);
    DType             dtype = node_arg(node, "dtype")->dtype;
    if (dtype_size(dtype) != dtype_size(in->dtype))
        return node_error(node, E_UNSUPPORTED, "a view of %s as %s changes the element size",
                          dtype_name(in->dtype), dtype_name(dtype));
    shape_result_strided(node, 0, dtype, in->sizes, in->strides, in->rank);
    return NULL;
}

static Scalar *element_view_dtype(LowerCx *cx, const Node *node, int result,
                                  const Expr *const *index)
{
    (void)result;
    Scalar *x = shape_load(cx, shape_first_tensor(node), index);
    DType   dtype = node->results[0]->type.dtype;
    return x->dtype == dtype ? x : scalar_make(cx->scalars, S_BITCAST, dtype, &x, 1);
}

/* ---- composites of one result ---------------------------------------------------------------- */
/* "aten.permute_copy.default" is "aten.permute.default": after functionalization there is no
 * difference. */
static Error *expand_without_copy(Node *node, Value **results)
{
    const OpSchema *s = node->schema;
    const char     *tail = strstr(s->base, "_copy");
    int             n = tail ? (int)(tail - s->base) : (int)strlen(s->base);
    return expand_as_op(
        node, arena_printf(node->graph->ir->arena, "aten.%.*s.%s", n, s->base, s->overload),
        results);
}

static Error *expand_linalg_diagonal(Node *node, Value **results)
{
    Build b = build_at(node);
    results[0] = BUILD(&b, "aten.diagonal.default", arg_value(node_tensor(node, "A")),
                       *node_arg(node, "offset"), *node_arg(node, "dim1"), *node_arg(node, "dim2"));
    return b.error;
}

static Error *expand_atleast(Node *node, Value **results)
{
    Build  b = build_at(node);
    int    want = node->schema->base[8] - '0'; /* atleast_2d */
    bool   is_list = strcmp(node->schema->overload, "Sequence") == 0;
    Value *one = NULL, **values = &one;
    int    n = 1;
    if (is_list)
        TRY(shape_tensors(node, "tensors", &values, &n));
    else
        one = shape_first_tensor(node);
    if (n > node->n_results)
        return node_error(node, E_VALUE, "%d tensors for %d results", n, node->n_results);
    for (int i = 0; i < n; i++) {
        Value *v = values[i];
        int    rank = v->type.rank;
        if (want == 3 && rank == 2)
            v = build_unsqueeze(&b, v, 2);
        else if (want >= 2 && rank < want)
            v = build_unsqueeze(&b, rank == 0 ? build_unsqueeze(&b, v, 0) : v, 0);
        if (want == 3 && rank < 2)
            v = build_unsqueeze(&b, v, 2);
        if (want == 1 && rank == 0)
            v = build_unsqueeze(&b, v, 0);
        if (b.error)
            return b.error;
        results[i] = v;
    }
    return NULL;
}

const OpDesc view_ops[] = {
    VIEW("aten::view(Tensor(a) self, SymInt[] size) -> Tensor(a)", infer_view, map_view,
         .samples = "self=f32[2,6] size=[3,4] | self=f32[2,6] size=[-1] | self=i64[4] size=[2,1,2] "
                    "| self=f32[0,3] size=[3,0] | self=f32[] size=[1,1] | self=f32[2,3,4]{12,4,1} "
                    "size=[6,-1] | self=f32[4,3]{6,1} size=[4,1,3] | ! self=f32[2,6] size=[5] | ! "
                    "self=f32[3,2]{1,3} size=[6] | ! self=f32[6] size=[-1,-1]"),
    VIEW("aten::_unsafe_view(Tensor self, SymInt[] size) -> Tensor", infer_view, map_view,
         .samples = "self=f32[2,6] size=[3,4] | self=i64[4] size=[-1,2]"),
    VIEW("aten::reshape(Tensor(a) self, SymInt[] shape) -> Tensor(a)", infer_view, map_view,
         .samples = "self=f32[2,6] shape=[3,4] | self=f32[3,2]{1,3} shape=[6] | self=f32[2,6] "
                    "shape=[-1,2,2] | self=f32[0,3] shape=[0] | self=bool[] shape=[1] | ! "
                    "self=f32[2,6] shape=[5]"),
    VIEW("aten::_reshape_alias(Tensor(a) self, SymInt[] size, SymInt[] stride) -> Tensor(a)",
         infer_reshape_alias, map_view, .samples = "self=f32[2,6] size=[3,4] stride=[4,1]"),
    VIEW("aten::view_as(Tensor(a) self, Tensor other) -> Tensor(a)", infer_view_as, map_view,
         .samples = "self=f32[2,6] other=i64[3,4] | self=f32[0,2] other=f32[0]"),
    VIEW("aten::reshape_as(Tensor(a) self, Tensor other) -> Tensor(a)", infer_view_as, map_view,
         .samples = "self=f32[2,6] other=i64[3,4] | self=f32[0,2] other=f32[0]"),
    VIEW("aten::ravel(Tensor(a) self) -> Tensor(a)", infer_ravel, map_view,
         .samples = "self=f32[2,3] | self=f32[3,2]{1,3} | self=f32[]"),
    VIEW(
        "aten::flatten.using_ints(Tensor(a) self, int start_dim=0, int end_dim=-1) -> Tensor(a)",
        infer_flatten, map_view,
        .samples =
            "self=f32[2,3,4] | self=f32[2,3,4] start_dim=1 | self=f32[2,3,4] start_dim=-2 "
            "end_dim=-1 | self=f32[] | self=f32[3,2]{1,3} | ! self=f32[2,3] start_dim=1 end_dim=0"),
    VIEW("aten::unflatten.int(Tensor(a) self, int dim, SymInt[] sizes) -> Tensor(a)",
         infer_unflatten, map_view,
         .samples = "self=f32[2,6] dim=1 sizes=[2,3] | self=f32[6,2] dim=0 sizes=[-1,3] | ! "
                    "self=f32[2,6] dim=1 sizes=[4,2]"),

    VIEW("aten::real(Tensor(a) self) -> Tensor(a)", infer_identity, map_identity,
         .samples = "self=f32[2,3] | self=i64[2]"),
    VIEW("aten::conj(Tensor(a) self) -> Tensor(a)", infer_identity, map_identity,
         .samples = "self=f32[2,3] | self=i64[2]"),
    VIEW("aten::resolve_conj(Tensor(a) self) -> Tensor(a)", infer_identity, map_identity,
         .samples = "self=f32[2,3] | self=i64[2]"),
    VIEW("aten::resolve_neg(Tensor(a) self) -> Tensor(a)", infer_identity, map_identity,
         .samples = "self=f32[2,3] | self=i64[2]"),
    {.schema = "aten::view.dtype(Tensor(a) self, ScalarType dtype) -> Tensor(a)",
     .kind = OP_INDEXED,
     .infer = infer_view_dtype,
     .element = element_view_dtype,
     .samples = "self=f32[2,3] dtype=i32 | self=i16[4] dtype=bf16 | self=f32[2,4] dtype=i64 | "
                "self=i64[3] dtype=i32 | self=f32[2,3] dtype=u8 | ! self=f32[2,3] dtype=i64"},
    {.schema = "aten::view_copy.dtype(Tensor self, ScalarType dtype) -> Tensor",
     .kind = OP_INDEXED,
     .infer = infer_view_dtype,
     .element = element_view_dtype,
     .samples = "self=f32[2,3] dtype=i32 | self=f32[2,3] dtype=i16"},

    EXPAND_FN("aten::linalg_diagonal(Tensor(a) A, *, int offset=0, int dim1=-2, int dim2=-1) -> "
              "Tensor(a)",
              expand_linalg_diagonal,
              .samples = "A=f32[3,4] | A=f32[2,3,4] offset=1 dim1=0 dim2=2"),
    EXPAND_FN("aten::atleast_1d(Tensor self) -> Tensor", expand_atleast,
              .samples = "self=f32[] | self=f32[3] | self=f32[2,3] | self=i64[2,3,4]"),
    EXPAND_FN("aten::atleast_2d(Tensor self) -> Tensor", expand_atleast,
              .samples = "self=f32[] | self=f32[3] | self=f32[2,3] | self=i64[2,3,4]"),
    EXPAND_FN("aten::atleast_3d(Tensor self) -> Tensor", expand_atleast,
              .samples = "self=f32[] | self=f32[3] | self=f32[2,3] | self=i64[2,3,4]"),
    EXPAND_FN("aten::atleast_1d.Sequence(Tensor[] tensors) -> Tensor[]", expand_atleast,
              .samples = "tensors=[f32[],f32[3],i64[2,3]]"),
    EXPAND_FN("aten::atleast_2d.Sequence(Tensor[] tensors) -> Tensor[]", expand_atleast,
              .samples = "tensors=[f32[],f32[3],i64[2,3]]"),
    EXPAND_FN("aten::atleast_3d.Sequence(Tensor[] tensors) -> Tensor[]", expand_atleast,
              .samples = "tensors=[f32[],f32[3],i64[2,3]]"),

    EXPAND_FN("aten::view_copy(Tensor self, SymInt[] size) -> Tensor", expand_without_copy,
              .samples = "self=f32[2,6] size=[3,4]"),
    EXPAND_FN("aten::_reshape_alias_copy(Tensor self, SymInt[] size, SymInt[] stride) -> Tensor",
              expand_without_copy, .samples = "self=f32[2,6] size=[3,4] stride=[4,1]"),
    EXPAND_FN("aten::permute_copy(Tensor self, int[] dims) -> Tensor", expand_without_copy,
              .samples = "self=f32[2,3,4] dims=[2,0,1]"),
    EXPAND_FN("aten::transpose_copy.int(Tensor self, int dim0, int dim1) -> Tensor",
              expand_without_copy, .samples = "self=f32[2,3,4] dim0=0 dim1=2"),
    EXPAND_FN("aten::t_copy(Tensor self) -> Tensor", expand_without_copy,
              .samples = "self=f32[2,3] | self=f32[3] | self=f32[] | ! self=f32[2,3,4]"),
    EXPAND_FN("aten::unsqueeze_copy(Tensor self, int dim) -> Tensor", expand_without_copy,
              .samples = "self=f32[2,3] dim=1"),
    EXPAND_FN("aten::squeeze_copy(Tensor self) -> Tensor", expand_without_copy,
              .samples = "self=f32[1,2,1,3] | self=f32[1,1] | self=f32[0,1]"),
    EXPAND_FN("aten::squeeze_copy.dim(Tensor self, int dim) -> Tensor", expand_without_copy,
              .samples = "self=f32[1,2,1,3] dim=2"),
    EXPAND_FN("aten::squeeze_copy.dims(Tensor self, int[] dim) -> Tensor", expand_without_copy,
              .samples = "self=f32[1,2,1,3] dim=[0,2]"),
    EXPAND_FN("aten::expand_copy(Tensor self, SymInt[] size, *, bool implicit=False) -> Tensor",
              expand_without_copy,
              .samples =
                  "self=f32[3,1] size=[2,3,4] | self=f32[3,1] size=[-1,4] | self=f32[] size=[2] | "
                  "self=f32[1,0] size=[3,0] | ! self=f32[3] size=[4] | ! self=f32[3] size=[-1,3]"),
    EXPAND_FN("aten::slice_copy.Tensor(Tensor self, int dim=0, SymInt? start=None, SymInt? "
              "end=None, SymInt step=1) "
              "-> Tensor",
              expand_without_copy, .samples = "self=f32[5,4] start=1 end=4 step=2"),
    EXPAND_FN("aten::select_copy.int(Tensor self, int dim, SymInt index) -> Tensor",
              expand_without_copy, .samples = "self=f32[5,4] dim=0 index=2"),
    EXPAND_FN("aten::narrow_copy(Tensor self, int dim, SymInt start, SymInt length) -> Tensor",
              expand_without_copy,
              .samples =
                  "self=f32[5,4] dim=0 start=1 length=2 | self=f32[5,4] dim=-1 start=-2 length=2 | "
                  "self=f32[5] dim=0 start=2 length=0 | ! self=f32[5] dim=0 start=3 length=3"),
    EXPAND_FN("aten::diagonal_copy(Tensor self, int offset=0, int dim1=0, int dim2=1) -> Tensor",
              expand_without_copy, .samples = "self=f32[3,4] offset=1"),
    EXPAND_FN("aten::unfold_copy(Tensor self, int dimension, int size, int step) -> Tensor",
              expand_without_copy, .samples = "self=f32[7] dimension=0 size=3 step=2"),
    EXPAND_FN("aten::as_strided_copy(Tensor self, SymInt[] size, SymInt[] stride, SymInt? "
              "storage_offset=None) -> "
              "Tensor",
              expand_without_copy,
              .samples = "self=f32[12] size=[3,2] stride=[2,1] storage_offset=1"),
    {0},
};
