/* Views: results that share storage with their first argument in eager PyTorch.
 *
 * In: a node.  Out: `infer` gives sizes and eager strides, `view` maps an index of the result to
 * one of the argument:
 *
 *   aten.transpose.int(%x, 0, 1)      out (i, j)  ->  in (j, i)
 *   aten.view.default(%x, [s0, 8])    out (i, j)  ->  in (8*i + j)
 *
 * Operators with several results are composites of slice and select. */
#include "ir/ops/shape_util.h"

#include <string.h>

/* ---- view, reshape --------------------------------------------------------------------------- */
static const TensorType *self_type(const Node *node)
{
    return &shape_first_tensor(node)->type;
}

static bool same(ExprPool *pool, const Expr *a, const Expr *b)
{
    return a == b || expr_prove_eq(pool, a, b);
}

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
        bool ends = d == 0 || (!expr_is_value(in->sizes[d - 1], 1) &&
                               !same(pool, in->strides[d - 1], expr_mul(pool, in_numel, base)));
        if (!ends)
            continue;
        while (v >= 0 && (!same(pool, out_numel, in_numel) || expr_is_value(sizes[v], 1))) {
            strides[v] = expr_mul(pool, out_numel, base);
            out_numel = expr_mul(pool, out_numel, sizes[v--]);
        }
        if (!same(pool, out_numel, in_numel))
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
    return set_view(node, self_type(node), sizes, rank);
}

static Error *infer_view_as(Node *node)
{
    const Expr       *sizes[MAX_RANK];
    const TensorType *other = shape_type(node, "other");
    memcpy(sizes, other->sizes, sizeof *sizes * (size_t)other->rank);
    return set_view(node, self_type(node), sizes, other->rank);
}

static Error *infer_reshape_alias(Node *node)
{
    const Expr *sizes[MAX_RANK], *strides[MAX_RANK];
    int         rank, n;
    TRY(shape_exprs(node, "size", sizes, &rank));
    TRY(shape_exprs(node, "stride", strides, &n));
    if (n != rank)
        return node_error(node, E_VALUE, "%d sizes and %d strides", rank, n);
    TRY(resolve_sizes(node, self_type(node), sizes, rank));
    shape_result_strided(node, 0, self_type(node)->dtype, sizes, strides, rank);
    return NULL;
}

static Error *infer_ravel(Node *node)
{
    const Expr *sizes[MAX_RANK] = {shape_int(node, -1)};
    return set_view(node, self_type(node), sizes, 1);
}

static Error *infer_flatten(Node *node)
{
    const TensorType *in = self_type(node);
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
    const TensorType *in = self_type(node);
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
    const TensorType *from = self_type(node), *to = &node->results[0]->type;
    shape_reshape_index(shape_pool(node), to->sizes, to->rank, out, from->sizes, from->rank, in);
}

/* ---- permutations ---------------------------------------------------------------------------- */
static Error *move_dims(const Node *node, int rank, int *perm)
{
    int  source[MAX_RANK], target[MAX_RANK], n, n_target;
    bool taken[MAX_RANK] = {false}, filled[MAX_RANK] = {false};
    TRY(shape_dims(node, "source", rank, source, &n));
    TRY(shape_dims(node, "destination", rank, target, &n_target));
    if (n != n_target)
        return node_error(node, E_VALUE, "%d source dims and %d destinations", n, n_target);
    for (int i = 0; i < n && rank > 0; i++) {
        perm[target[i]] = source[i];
        filled[target[i]] = taken[source[i]] = true;
    }
    for (int d = 0, next = 0; d < rank; d++) {
        if (filled[d])
            continue;
        while (taken[next])
            next++;
        perm[d] = next++;
    }
    return NULL;
}

static Error *swap_dims(const Node *node, const char *a, const char *b, int rank, int *perm)
{
    int x, y;
    TRY(shape_dim(node, a, rank, &x));
    TRY(shape_dim(node, b, rank, &y));
    if (rank > 0) {
        perm[x] = y;
        perm[y] = x;
    }
    return NULL;
}

/* perm[d]: the dim of the argument that is dim d of the result. */
static Error *permutation(const Node *node, int perm[MAX_RANK])
{
    const OpSchema *schema = node->schema;
    int             rank = self_type(node)->rank, n;
    for (int d = 0; d < rank; d++)
        perm[d] = d;
    if (schema_param(schema, "dims") >= 0) {
        TRY(shape_dims(node, "dims", rank, perm, &n));
        return n == rank ? NULL
                         : node_error(node, E_VALUE, "%d dims for a tensor of rank %d", n, rank);
    }
    if (schema_param(schema, "source") >= 0)
        return move_dims(node, rank, perm);
    if (schema_param(schema, "dim0") >= 0)
        return swap_dims(node, "dim0", "dim1", rank, perm);
    if (schema_param(schema, "axis0") >= 0)
        return swap_dims(node, "axis0", "axis1", rank, perm);
    if (strcmp(schema->base, "numpy_T") == 0) {
        for (int d = 0; d < rank; d++)
            perm[d] = rank - 1 - d;
        return NULL;
    }
    bool is_t = strcmp(schema->base, "t") == 0;
    if (is_t ? rank > 2 : rank < 2)
        return node_error(node, E_VALUE, "does not take a tensor of rank %d", rank);
    if (rank >= 2) {
        perm[rank - 1] = rank - 2;
        perm[rank - 2] = rank - 1;
    }
    return NULL;
}

static Error *infer_permute(Node *node)
{
    const TensorType *in = self_type(node);
    const Expr       *sizes[MAX_RANK], *strides[MAX_RANK];
    int               perm[MAX_RANK];
    TRY(permutation(node, perm));
    for (int d = 0; d < in->rank; d++) {
        sizes[d] = in->sizes[perm[d]];
        strides[d] = in->strides[perm[d]];
    }
    if (dtype_info(in->dtype)->is_complex && strchr(node->schema->base, 'H'))
        return node_error(node, E_UNSUPPORTED,
                          "conjugated views of complex tensors are not supported");
    shape_result_strided(node, 0, in->dtype, sizes, strides, in->rank);
    return NULL;
}

static void map_permute(const Node *node, const Expr *const *out, const Expr **in)
{
    int perm[MAX_RANK];
    if (permutation(node, perm) == NULL)
        for (int d = 0; d < self_type(node)->rank; d++)
            in[perm[d]] = out[d];
}

/* ---- squeeze, unsqueeze, expand -------------------------------------------------------------- */
static Error *squeezed(const Node *node, bool gone[MAX_RANK])
{
    const TensorType *in = self_type(node);
    int               dims[MAX_RANK], n = 0;
    bool              all = schema_param(node->schema, "dim") < 0;
    if (!all)
        TRY(shape_dims(node, "dim", in->rank, dims, &n));
    for (int d = 0; d < in->rank; d++)
        gone[d] = all && expr_is_value(in->sizes[d], 1);
    for (int i = 0; i < n && in->rank > 0; i++)
        gone[dims[i]] = expr_is_value(in->sizes[dims[i]], 1);
    return NULL;
}

static Error *infer_squeeze(Node *node)
{
    const TensorType *in = self_type(node);
    const Expr       *sizes[MAX_RANK], *strides[MAX_RANK];
    bool              gone[MAX_RANK];
    int               n = 0;
    TRY(squeezed(node, gone));
    for (int d = 0; d < in->rank; d++)
        if (!gone[d]) {
            sizes[n] = in->sizes[d];
            strides[n++] = in->strides[d];
        }
    shape_result_strided(node, 0, in->dtype, sizes, strides, n);
    return NULL;
}

static void map_squeeze(const Node *node, const Expr *const *out, const Expr **in)
{
    bool gone[MAX_RANK];
    int  n = 0;
    if (squeezed(node, gone) == NULL)
        for (int d = 0; d < self_type(node)->rank; d++)
            in[d] = gone[d] ? shape_int(node, 0) : out[n++];
}

static Error *infer_unsqueeze(Node *node)
{
    const TensorType *in = self_type(node);
    const Expr       *sizes[MAX_RANK + 1], *strides[MAX_RANK + 1];
    int               dim, n = 0;
    if (in->rank == MAX_RANK)
        return node_error(node, E_LIMIT, "rank %d cannot grow", MAX_RANK);
    TRY(shape_dim(node, "dim", in->rank + 1, &dim));
    for (int d = 0; d <= in->rank; d++) {
        if (d == dim) {
            sizes[n] = shape_int(node, 1);
            strides[n++] = d < in->rank ? expr_mul(shape_pool(node), in->sizes[d], in->strides[d])
                                        : shape_int(node, 1);
        }
        if (d < in->rank) {
            sizes[n] = in->sizes[d];
            strides[n++] = in->strides[d];
        }
    }
    shape_result_strided(node, 0, in->dtype, sizes, strides, n);
    return NULL;
}

static void map_unsqueeze(const Node *node, const Expr *const *out, const Expr **in)
{
    int rank = self_type(node)->rank, dim = node_dim(node, "dim", rank + 1);
    for (int d = 0; d < rank; d++)
        in[d] = out[d < dim ? d : d + 1];
}

/* inferExpandGeometry: stride 0 where a 1 grows, a new dim of size 1 has the stride of a fresh
 * outer dim. */
static Error *set_expand(Node *node, const Expr *const *want, int rank)
{
    ExprPool         *pool = shape_pool(node);
    const TensorType *in = self_type(node);
    const Expr       *sizes[MAX_RANK], *strides[MAX_RANK];
    if (rank < in->rank)
        return node_error(node, E_VALUE, "rank %d cannot be expanded to rank %d", in->rank, rank);
    for (int d = rank - 1; d >= 0; d--) {
        int         from = d - (rank - in->rank);
        const Expr *size = from >= 0 ? in->sizes[from] : expr_int(pool, 1);
        const Expr *outer =
            d == rank - 1 ? expr_int(pool, 1) : expr_mul(pool, sizes[d + 1], strides[d + 1]);
        int64_t have, wanted;
        if (from < 0 && expr_is_value(want[d], -1))
            return node_error(node, E_VALUE, "size -1 of a dim that is not there");
        sizes[d] = expr_is_value(want[d], -1) ? size : want[d];
        if (expr_is_int(size, &have) && expr_is_int(sizes[d], &wanted) && have != 1 &&
            have != wanted)
            return node_error(node, E_VALUE, "size %lld cannot be expanded to %lld",
                              (long long)have, (long long)wanted);
        bool grows = expr_is_value(size, 1) && !expr_is_value(sizes[d], 1);
        strides[d] = grows ? expr_int(pool, 0) : from >= 0 ? in->strides[from] : outer;
    }
    shape_result_strided(node, 0, in->dtype, sizes, strides, rank);
    return NULL;
}

static Error *infer_expand(Node *node)
{
    const Expr *sizes[MAX_RANK];
    int         rank;
    TRY(shape_exprs(node, "size", sizes, &rank));
    return set_expand(node, sizes, rank);
}

static Error *infer_expand_as(Node *node)
{
    const TensorType *other = shape_type(node, "other");
    return set_expand(node, other->sizes, other->rank);
}

static void map_expand(const Node *node, const Expr *const *out, const Expr **in)
{
    shape_broadcast_index(shape_pool(node), self_type(node), out, node->results[0]->type.rank, in);
}

/* ---- slice, select, diagonal, unfold --------------------------------------------------------- */
static const Expr *clamp(ExprPool *pool, const Expr *v, const Expr *low, const Expr *high)
{
    if (expr_prove_le(pool, v, low))
        v = low;
    else if (!expr_prove_le(pool, low, v))
        v = expr_max(pool, v, low);
    return expr_prove_le(pool, v, high)   ? v
           : expr_prove_le(pool, high, v) ? high
                                          : expr_min(pool, v, high);
}

/* Dim, first element, step and number of elements of slice and narrow. */
static Error *slice_range(const Node *node, int *dim, const Expr **start, const Expr **step,
                          const Expr **length)
{
    ExprPool         *pool = shape_pool(node);
    const TensorType *in = self_type(node);
    const Expr       *zero = expr_int(pool, 0);
    if (in->rank == 0)
        return node_error(node, E_VALUE, "a tensor of rank 0 cannot be sliced");
    TRY(shape_dim(node, "dim", in->rank, dim));
    const Expr *size = in->sizes[*dim], *first = arg_as_expr(node_arg(node, "start"));
    *start = first ? clamp(pool, shape_wrap_index(pool, first, size), zero, size) : zero;
    *step = expr_int(pool, 1);
    if (schema_param(node->schema, "length") >= 0) {
        *length = arg_as_expr(node_arg(node, "length"));
        return NULL;
    }
    const Expr *last = arg_as_expr(node_arg(node, "end"));
    *step = arg_as_expr(node_arg(node, "step"));
    if (expr_range(*step).max < 1)
        return node_error(node, E_VALUE, "the step has to be positive");
    /* INT64_MAX stands for "to the end" */
    if (!last || expr_is_value(last, INT64_MAX))
        last = size;
    else
        last = clamp(pool, shape_wrap_index(pool, last, size), *start, size);
    const Expr *count = expr_sub(pool, last, *start);
    *length = expr_is_value(*step, 1) ? count : expr_ceildiv(pool, count, *step);
    return NULL;
}

static Error *infer_slice(Node *node)
{
    const TensorType *in = self_type(node);
    const Expr       *sizes[MAX_RANK], *strides[MAX_RANK], *start, *step, *length;
    int               dim;
    TRY(slice_range(node, &dim, &start, &step, &length));
    memcpy(sizes, in->sizes, sizeof *sizes * (size_t)in->rank);
    memcpy(strides, in->strides, sizeof *strides * (size_t)in->rank);
    sizes[dim] = length;
    strides[dim] = expr_mul(shape_pool(node), strides[dim], step);
    shape_result_strided(node, 0, in->dtype, sizes, strides, in->rank);
    return NULL;
}

static void map_slice(const Node *node, const Expr *const *out, const Expr **in)
{
    ExprPool   *pool = shape_pool(node);
    const Expr *start, *step, *length;
    int         dim;
    if (slice_range(node, &dim, &start, &step, &length) != NULL)
        return;
    for (int d = 0; d < self_type(node)->rank; d++)
        in[d] = d == dim ? expr_add(pool, start, expr_mul(pool, out[d], step)) : out[d];
}

static Error *infer_select(Node *node)
{
    const TensorType *in = self_type(node);
    const Expr       *sizes[MAX_RANK], *strides[MAX_RANK];
    int               dim, n = 0;
    int64_t           index, size;
    if (in->rank == 0)
        return node_error(node, E_VALUE, "a tensor of rank 0 has no dim to select from");
    TRY(shape_dim(node, "dim", in->rank, &dim));
    const Expr *at = arg_as_expr(node_arg(node, "index"));
    if (!at)
        return node_error(node, E_VALUE, "index is missing");
    if (expr_is_int(at, &index) && expr_is_int(in->sizes[dim], &size) &&
        (index < -size || index >= size))
        return node_error(node, E_VALUE, "index %lld is out of range for dim %d of size %lld",
                          (long long)index, dim, (long long)size);
    for (int d = 0; d < in->rank; d++)
        if (d != dim) {
            sizes[n] = in->sizes[d];
            strides[n++] = in->strides[d];
        }
    shape_result_strided(node, 0, in->dtype, sizes, strides, n);
    return NULL;
}

static void map_select(const Node *node, const Expr *const *out, const Expr **in)
{
    const TensorType *type = self_type(node);
    int               dim = node_dim(node, "dim", type->rank), n = 0;
    const Expr       *at = arg_as_expr(node_arg(node, "index"));
    for (int d = 0; d < type->rank; d++)
        in[d] = d == dim ? shape_wrap_index(shape_pool(node), at, type->sizes[dim]) : out[n++];
}

static Error *infer_diagonal(Node *node)
{
    ExprPool         *pool = shape_pool(node);
    const TensorType *in = self_type(node);
    const Expr       *sizes[MAX_RANK], *strides[MAX_RANK], *zero = expr_int(pool, 0);
    int               d1, d2, n = 0;
    int64_t           offset;
    TRY(shape_dim(node, "dim1", in->rank, &d1));
    TRY(shape_dim(node, "dim2", in->rank, &d2));
    TRY(shape_const_int(node, "offset", &offset));
    if (d1 == d2)
        return node_error(node, E_VALUE, "dim1 and dim2 are the same");
    for (int d = 0; d < in->rank; d++)
        if (d != d1 && d != d2) {
            sizes[n] = in->sizes[d];
            strides[n++] = in->strides[d];
        }
    const Expr *rows = in->sizes[d1], *columns = in->sizes[d2], *shift = expr_int(pool, offset);
    if (offset >= 0)
        columns = expr_sub(pool, columns, shift);
    else
        rows = expr_add(pool, rows, shift);
    sizes[n] = expr_max(pool, expr_min(pool, rows, columns), zero);
    strides[n++] = expr_add(pool, in->strides[d1], in->strides[d2]);
    shape_result_strided(node, 0, in->dtype, sizes, strides, n);
    return NULL;
}

static void map_diagonal(const Node *node, const Expr *const *out, const Expr **in)
{
    ExprPool *pool = shape_pool(node);
    int       rank = self_type(node)->rank, n = 0;
    int       d1 = node_dim(node, "dim1", rank), d2 = node_dim(node, "dim2", rank);
    int64_t   offset = node_int(node, "offset");
    for (int d = 0; d < rank; d++)
        if (d != d1 && d != d2)
            in[d] = out[n++];
    in[d1] = offset < 0 ? expr_add(pool, out[n], expr_int(pool, -offset)) : out[n];
    in[d2] = offset > 0 ? expr_add(pool, out[n], expr_int(pool, offset)) : out[n];
}

static Error *infer_unfold(Node *node)
{
    ExprPool         *pool = shape_pool(node);
    const TensorType *in = self_type(node);
    const Expr       *sizes[MAX_RANK + 1], *strides[MAX_RANK + 1];
    int               dim;
    int64_t           size, step;
    TRY(shape_dim(node, "dimension", in->rank, &dim));
    TRY(shape_const_int(node, "size", &size));
    TRY(shape_const_int(node, "step", &step));
    if (step < 1 || size < 0 || in->rank == MAX_RANK)
        return node_error(node, E_VALUE, "size %lld and step %lld", (long long)size,
                          (long long)step);
    for (int d = 0; d < in->rank; d++) {
        sizes[d] = in->sizes[d];
        strides[d] = in->strides[d];
    }
    sizes[in->rank] = expr_int(pool, size);
    strides[in->rank] = in->rank > 0 ? in->strides[dim] : expr_int(pool, 1);
    if (in->rank > 0) {
        const Expr *room = expr_sub(pool, in->sizes[dim], expr_int(pool, size));
        if (expr_range(room).max < 0)
            return node_error(node, E_VALUE, "windows of %lld are larger than dim %d",
                              (long long)size, dim);
        sizes[dim] =
            expr_add(pool, expr_floordiv(pool, room, expr_int(pool, step)), expr_int(pool, 1));
        strides[dim] = expr_mul(pool, in->strides[dim], expr_int(pool, step));
    }
    shape_result_strided(node, 0, in->dtype, sizes, strides, in->rank + 1);
    return NULL;
}

static void map_unfold(const Node *node, const Expr *const *out, const Expr **in)
{
    ExprPool *pool = shape_pool(node);
    int       rank = self_type(node)->rank;
    if (rank == 0)
        return;
    int dim = node_dim(node, "dimension", rank);
    for (int d = 0; d < rank; d++)
        in[d] = out[d];
    in[dim] =
        expr_add(pool, expr_mul(pool, out[dim], expr_int(pool, node_int(node, "step"))), out[rank]);
}

/* ---- as_strided ------------------------------------------------------------------------------ */
/* order: dims of a dense tensor from the largest stride to the smallest; false when it has holes or
 * overlaps. */
static bool dense_order(ExprPool *pool, const TensorType *type, int order[MAX_RANK])
{
    const Expr *expected = expr_int(pool, 1);
    bool        used[MAX_RANK] = {false};
    for (int k = type->rank - 1; k >= 0; k--) {
        int found = -1;
        for (int d = type->rank - 1; d >= 0 && found < 0; d--)
            if (!used[d] &&
                (expr_is_value(type->sizes[d], 1) || same(pool, type->strides[d], expected)))
                found = d;
        if (found < 0)
            return false;
        used[found] = true;
        order[k] = found;
        expected = expr_mul(pool, expected, type->sizes[found]);
    }
    return true;
}

static Error *infer_as_strided(Node *node)
{
    const TensorType *in = self_type(node);
    const Expr       *sizes[MAX_RANK], *strides[MAX_RANK];
    int               rank, n, order[MAX_RANK];
    TRY(shape_exprs(node, "size", sizes, &rank));
    TRY(shape_exprs(node, "stride", strides, &n));
    if (n != rank)
        return node_error(node, E_VALUE, "%d sizes and %d strides", rank, n);
    if (!dense_order(shape_pool(node), in, order))
        return node_error(node, E_UNSUPPORTED,
                          "as_strided of a tensor that is not dense is not supported");
    shape_result_strided(node, 0, in->dtype, sizes, strides, rank);
    return NULL;
}

static void map_as_strided(const Node *node, const Expr *const *out, const Expr **in)
{
    ExprPool         *pool = shape_pool(node);
    const TensorType *base = self_type(node);
    const TensorType *to = &node->results[0]->type;
    const Expr       *flat = arg_as_expr(node_arg(node, "storage_offset")), *sizes[MAX_RANK],
               *index[MAX_RANK];
    int order[MAX_RANK];
    if (!dense_order(pool, base, order))
        return;
    /* An offset counts from the start of the storage, the base begins at its own offset. */
    flat = !flat                  ? expr_int(pool, 0)
           : base->storage_offset ? expr_sub(pool, flat, base->storage_offset)
                                  : flat;
    for (int d = 0; d < to->rank; d++)
        flat = expr_add(pool, flat, expr_mul(pool, out[d], to->strides[d]));
    for (int k = 0; k < base->rank; k++)
        sizes[k] = base->sizes[order[k]];
    shape_delinear(pool, flat, sizes, base->rank, index);
    for (int k = 0; k < base->rank; k++)
        in[order[k]] = index[k];
}

/* ---- no change, bits ------------------------------------------------------------------------- */
static Error *infer_identity(Node *node)
{
    const TensorType *in = self_type(node);
    if (dtype_info(in->dtype)->is_complex)
        return node_error(node, E_UNSUPPORTED, "complex tensors are not supported");
    shape_result_strided(node, 0, in->dtype, in->sizes, in->strides, in->rank);
    return NULL;
}

static void map_identity(const Node *node, const Expr *const *out, const Expr **in)
{
    for (int d = 0; d < self_type(node)->rank; d++)
        in[d] = out[d];
}

static Error *infer_view_dtype(Node *node)
{
    const TensorType *in = self_type(node);
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

/* ---- several results ------------------------------------------------------------------------- */
static const char *dim_param(const Node *node)
{
    return schema_param(node->schema, "dim") >= 0 ? "dim" : NULL;
}

/* hsplit, vsplit and dsplit have their dim in the name. */
static Error *split_dim(const Node *node, int *dim)
{
    int rank = self_type(node)->rank;
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
        results[i] = build_slice(&b, shape_first_tensor(node), dim, start,
                                 last ? self_type(node)->sizes[dim] : expr_add(pool, start, piece));
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
    const Expr *size = self_type(node)->sizes[dim];
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
               *size = self_type(node)->sizes[dim];
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
            i < list->n_items ? arg_as_expr(&list->items[i]) : self_type(node)->sizes[dim];
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

#define VIEW(text, infer_fn, view_fn, ...)                                                         \
    {                                                                                              \
        .schema = text, .kind = OP_VIEW, .infer = infer_fn, .view = view_fn, __VA_ARGS__           \
    }
#define COMPOSITE(text, fn, ...)                                                                   \
    {                                                                                              \
        .schema = text, .kind = OP_COMPOSITE, .expand_fn = fn, __VA_ARGS__                         \
    }

const OpDesc view_ops[] = {
    VIEW("aten::view(Tensor(a) self, SymInt[] size) -> Tensor(a)", infer_view, map_view),
    VIEW("aten::_unsafe_view(Tensor self, SymInt[] size) -> Tensor", infer_view, map_view),
    VIEW("aten::reshape(Tensor(a) self, SymInt[] shape) -> Tensor(a)", infer_view, map_view),
    VIEW("aten::_reshape_alias(Tensor(a) self, SymInt[] size, SymInt[] stride) -> Tensor(a)",
         infer_reshape_alias, map_view),
    VIEW("aten::view_as(Tensor(a) self, Tensor other) -> Tensor(a)", infer_view_as, map_view),
    VIEW("aten::reshape_as(Tensor(a) self, Tensor other) -> Tensor(a)", infer_view_as, map_view),
    VIEW("aten::ravel(Tensor(a) self) -> Tensor(a)", infer_ravel, map_view),
    VIEW("aten::flatten.using_ints(Tensor(a) self, int start_dim=0, int end_dim=-1) -> Tensor(a)",
         infer_flatten, map_view),
    VIEW("aten::unflatten.int(Tensor(a) self, int dim, SymInt[] sizes) -> Tensor(a)",
         infer_unflatten, map_view),

    VIEW("aten::permute(Tensor(a) self, int[] dims) -> Tensor(a)", infer_permute, map_permute),
    VIEW("aten::transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)", infer_permute,
         map_permute),
    VIEW("aten::swapdims(Tensor(a) self, int dim0, int dim1) -> Tensor(a)", infer_permute,
         map_permute),
    VIEW("aten::swapaxes(Tensor(a) self, int axis0, int axis1) -> Tensor(a)", infer_permute,
         map_permute),
    VIEW("aten::movedim.int(Tensor(a) self, int source, int destination) -> Tensor(a)",
         infer_permute, map_permute),
    VIEW("aten::movedim.intlist(Tensor(a) self, int[] source, int[] destination) -> Tensor(a)",
         infer_permute, map_permute),
    VIEW("aten::moveaxis.int(Tensor(a) self, int source, int destination) -> Tensor(a)",
         infer_permute, map_permute),
    VIEW("aten::moveaxis.intlist(Tensor(a) self, int[] source, int[] destination) -> Tensor(a)",
         infer_permute, map_permute),
    VIEW("aten::t(Tensor(a) self) -> Tensor(a)", infer_permute, map_permute),
    VIEW("aten::numpy_T(Tensor(a) self) -> Tensor(a)", infer_permute, map_permute),
    VIEW("aten::mT(Tensor(a) self) -> Tensor(a)", infer_permute, map_permute),
    VIEW("aten::mH(Tensor(a) self) -> Tensor(a)", infer_permute, map_permute),
    VIEW("aten::matrix_H(Tensor(a) self) -> Tensor(a)", infer_permute, map_permute),
    VIEW("aten::adjoint(Tensor(a) self) -> Tensor(a)", infer_permute, map_permute),

    VIEW("aten::unsqueeze(Tensor(a) self, int dim) -> Tensor(a)", infer_unsqueeze, map_unsqueeze),
    VIEW("aten::squeeze(Tensor(a) self) -> Tensor(a)", infer_squeeze, map_squeeze),
    VIEW("aten::squeeze.dim(Tensor(a) self, int dim) -> Tensor(a)", infer_squeeze, map_squeeze),
    VIEW("aten::squeeze.dims(Tensor(a) self, int[] dim) -> Tensor(a)", infer_squeeze, map_squeeze),
    VIEW("aten::expand(Tensor(a) self, SymInt[] size, *, bool implicit=False) -> Tensor(a)",
         infer_expand, map_expand),
    VIEW("aten::expand_as(Tensor(a) self, Tensor other) -> Tensor(a)", infer_expand_as, map_expand),
    VIEW("aten::broadcast_to(Tensor(a) self, SymInt[] size) -> Tensor(a)", infer_expand,
         map_expand),

    VIEW("aten::slice.Tensor(Tensor(a) self, int dim=0, SymInt? start=None, SymInt? end=None, "
         "SymInt step=1) -> "
         "Tensor(a)",
         infer_slice, map_slice),
    VIEW("aten::narrow(Tensor(a) self, int dim, SymInt start, SymInt length) -> Tensor(a)",
         infer_slice, map_slice),
    VIEW("aten::select.int(Tensor(a) self, int dim, SymInt index) -> Tensor(a)", infer_select,
         map_select),
    VIEW("aten::diagonal(Tensor(a) self, int offset=0, int dim1=0, int dim2=1) -> Tensor(a)",
         infer_diagonal, map_diagonal),
    VIEW("aten::unfold(Tensor(a) self, int dimension, int size, int step) -> Tensor(a)",
         infer_unfold, map_unfold),
    VIEW("aten::as_strided(Tensor(a) self, SymInt[] size, SymInt[] stride, SymInt? "
         "storage_offset=None) -> Tensor(a)",
         infer_as_strided, map_as_strided),

    VIEW("aten::real(Tensor(a) self) -> Tensor(a)", infer_identity, map_identity),
    VIEW("aten::conj(Tensor(a) self) -> Tensor(a)", infer_identity, map_identity),
    VIEW("aten::resolve_conj(Tensor(a) self) -> Tensor(a)", infer_identity, map_identity),
    VIEW("aten::resolve_neg(Tensor(a) self) -> Tensor(a)", infer_identity, map_identity),
    {.schema = "aten::view.dtype(Tensor(a) self, ScalarType dtype) -> Tensor(a)",
     .kind = OP_INDEXED,
     .infer = infer_view_dtype,
     .element = element_view_dtype},
    {.schema = "aten::view_copy.dtype(Tensor self, ScalarType dtype) -> Tensor",
     .kind = OP_INDEXED,
     .infer = infer_view_dtype,
     .element = element_view_dtype},

    COMPOSITE(
        "aten::split.Tensor(Tensor(a -> *) self, SymInt split_size, int dim=0) -> Tensor(a)[]",
        expand_split),
    COMPOSITE("aten::split_copy.Tensor(Tensor self, SymInt split_size, int dim=0) -> Tensor[]",
              expand_split),
    COMPOSITE("aten::unsafe_split.Tensor(Tensor self, SymInt split_size, int dim=0) -> Tensor[]",
              expand_split),
    COMPOSITE(
        "aten::split.sizes(Tensor(a -> *) self, SymInt[] split_size, int dim=0) -> Tensor(a)[]",
        expand_split_sizes),
    COMPOSITE("aten::split_with_sizes(Tensor(a -> *) self, SymInt[] split_sizes, int dim=0) -> "
              "Tensor(a)[]",
              expand_split_sizes),
    COMPOSITE(
        "aten::split_with_sizes_copy(Tensor self, SymInt[] split_sizes, int dim=0) -> Tensor[]",
        expand_split_sizes),
    COMPOSITE(
        "aten::unsafe_split_with_sizes(Tensor self, SymInt[] split_sizes, int dim=0) -> Tensor[]",
        expand_split_sizes),
    COMPOSITE("aten::chunk(Tensor(a -> *) self, int chunks, int dim=0) -> Tensor(a)[]",
              expand_chunk),
    COMPOSITE("aten::unsafe_chunk(Tensor self, int chunks, int dim=0) -> Tensor[]", expand_chunk),
    COMPOSITE("aten::unbind.int(Tensor(a -> *) self, int dim=0) -> Tensor(a)[]", expand_unbind),
    COMPOSITE("aten::unbind_copy.int(Tensor self, int dim=0) -> Tensor[]", expand_unbind),
    COMPOSITE("aten::tensor_split.sections(Tensor(a -> *) self, SymInt sections, int dim=0) -> "
              "Tensor(a)[]",
              expand_sections),
    COMPOSITE("aten::tensor_split.indices(Tensor(a -> *) self, SymInt[] indices, int dim=0) -> "
              "Tensor(a)[]",
              expand_split_at),
    COMPOSITE("aten::hsplit.int(Tensor(a -> *) self, int sections) -> Tensor(a)[]",
              expand_sections),
    COMPOSITE("aten::hsplit.array(Tensor(a -> *) self, int[] indices) -> Tensor(a)[]",
              expand_split_at),
    COMPOSITE("aten::vsplit.int(Tensor(a -> *) self, int sections) -> Tensor(a)[]",
              expand_sections),
    COMPOSITE("aten::vsplit.array(Tensor(a -> *) self, int[] indices) -> Tensor(a)[]",
              expand_split_at),
    COMPOSITE("aten::dsplit.int(Tensor(a -> *) self, int sections) -> Tensor(a)[]",
              expand_sections),
    COMPOSITE("aten::dsplit.array(Tensor(a -> *) self, int[] indices) -> Tensor(a)[]",
              expand_split_at),

    COMPOSITE("aten::linalg_diagonal(Tensor(a) A, *, int offset=0, int dim1=-2, int dim2=-1) -> "
              "Tensor(a)",
              expand_linalg_diagonal),
    COMPOSITE("aten::atleast_1d(Tensor self) -> Tensor", expand_atleast),
    COMPOSITE("aten::atleast_2d(Tensor self) -> Tensor", expand_atleast),
    COMPOSITE("aten::atleast_3d(Tensor self) -> Tensor", expand_atleast),
    COMPOSITE("aten::atleast_1d.Sequence(Tensor[] tensors) -> Tensor[]", expand_atleast),
    COMPOSITE("aten::atleast_2d.Sequence(Tensor[] tensors) -> Tensor[]", expand_atleast),
    COMPOSITE("aten::atleast_3d.Sequence(Tensor[] tensors) -> Tensor[]", expand_atleast),

    COMPOSITE("aten::view_copy(Tensor self, SymInt[] size) -> Tensor", expand_without_copy),
    COMPOSITE("aten::_reshape_alias_copy(Tensor self, SymInt[] size, SymInt[] stride) -> Tensor",
              expand_without_copy),
    COMPOSITE("aten::permute_copy(Tensor self, int[] dims) -> Tensor", expand_without_copy),
    COMPOSITE("aten::transpose_copy.int(Tensor self, int dim0, int dim1) -> Tensor",
              expand_without_copy),
    COMPOSITE("aten::t_copy(Tensor self) -> Tensor", expand_without_copy),
    COMPOSITE("aten::unsqueeze_copy(Tensor self, int dim) -> Tensor", expand_without_copy),
    COMPOSITE("aten::squeeze_copy(Tensor self) -> Tensor", expand_without_copy),
    COMPOSITE("aten::squeeze_copy.dim(Tensor self, int dim) -> Tensor", expand_without_copy),
    COMPOSITE("aten::squeeze_copy.dims(Tensor self, int[] dim) -> Tensor", expand_without_copy),
    COMPOSITE("aten::expand_copy(Tensor self, SymInt[] size, *, bool implicit=False) -> Tensor",
              expand_without_copy),
    COMPOSITE("aten::slice_copy.Tensor(Tensor self, int dim=0, SymInt? start=None, SymInt? "
              "end=None, SymInt step=1) "
              "-> Tensor",
              expand_without_copy),
    COMPOSITE("aten::select_copy.int(Tensor self, int dim, SymInt index) -> Tensor",
              expand_without_copy),
    COMPOSITE("aten::narrow_copy(Tensor self, int dim, SymInt start, SymInt length) -> Tensor",
              expand_without_copy),
    COMPOSITE("aten::diagonal_copy(Tensor self, int offset=0, int dim1=0, int dim2=1) -> Tensor",
              expand_without_copy),
    COMPOSITE("aten::unfold_copy(Tensor self, int dimension, int size, int step) -> Tensor",
              expand_without_copy),
    COMPOSITE("aten::as_strided_copy(Tensor self, SymInt[] size, SymInt[] stride, SymInt? "
              "storage_offset=None) -> "
              "Tensor",
              expand_without_copy),
    {0},
};
