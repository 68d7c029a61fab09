/* Views that move, drop, add or widen dims: permute, transpose, squeeze, unsqueeze, expand.
 *
 * In: a node.  Out: `infer` gives sizes and eager strides, `view` maps an index of the result to
 * one of the argument:
 *
 *   aten.transpose.int(%x, 0, 1)      out (i, j)  ->  in (j, i) */
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"

#include <string.h>

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
    int             rank = shape_first_type(node)->rank, n;
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
    const TensorType *in = shape_first_type(node);
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
        for (int d = 0; d < shape_first_type(node)->rank; d++)
            in[perm[d]] = out[d];
}

/* ---- squeeze, unsqueeze, expand -------------------------------------------------------------- */
static Error *squeezed(const Node *node, bool gone[MAX_RANK])
{
    const TensorType *in = shape_first_type(node);
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
    const TensorType *in = shape_first_type(node);
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
        for (int d = 0; d < shape_first_type(node)->rank; d++)
            in[d] = gone[d] ? shape_int(node, 0) : out[n++];
}

static Error *infer_unsqueeze(Node *node)
{
    const TensorType *in = shape_first_type(node);
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
    int rank = shape_first_type(node)->rank, dim = node_dim(node, "dim", rank + 1);
    for (int d = 0; d < rank; d++)
        in[d] = out[d < dim ? d : d + 1];
}

/* inferExpandGeometry: stride 0 where a 1 grows, a new dim of size 1 has the stride of a fresh
 * outer dim. */
static Error *set_expand(Node *node, const Expr *const *want, int rank)
{
    ExprPool         *pool = shape_pool(node);
    const TensorType *in = shape_first_type(node);
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
    shape_broadcast_index(shape_pool(node), shape_first_type(node), out,
                          node->results[0]->type.rank, in);
}

const OpDesc permute_ops[] = {
    VIEW("aten::permute(Tensor(a) self, int[] dims) -> Tensor(a)", infer_permute, map_permute,
         .samples =
             "self=f32[2,3,4] dims=[2,0,1] | self=f32[2,3] dims=[-1,0] | self=f32[] dims=[] | "
             "self=bf16[0,3] dims=[1,0] | ! self=f32[2,3] dims=[0] | ! self=f32[2,3] dims=[0,0]"),
    VIEW("aten::transpose.int(Tensor(a) self, int dim0, int dim1) -> Tensor(a)", infer_permute,
         map_permute,
         .samples = "self=f32[2,3,4] dim0=0 dim1=2 | self=f32[2,3] dim0=-1 dim1=-2 | self=f32[] "
                    "dim0=0 dim1=0 | ! self=f32[2,3] dim0=0 dim1=2"),
    VIEW("aten::swapdims(Tensor(a) self, int dim0, int dim1) -> Tensor(a)", infer_permute,
         map_permute, .samples = "self=f32[2,3,4] dim0=0 dim1=-1"),
    VIEW("aten::swapaxes(Tensor(a) self, int axis0, int axis1) -> Tensor(a)", infer_permute,
         map_permute, .samples = "self=f32[2,3,4] axis0=0 axis1=-1"),
    VIEW("aten::movedim.int(Tensor(a) self, int source, int destination) -> Tensor(a)",
         infer_permute, map_permute,
         .samples =
             "self=f32[2,3,4] source=0 destination=2 | self=f32[2,3,4] source=-1 destination=0"),
    VIEW("aten::movedim.intlist(Tensor(a) self, int[] source, int[] destination) -> Tensor(a)",
         infer_permute, map_permute,
         .samples = "self=f32[2,3,4] source=[0,1] destination=[2,0] | ! self=f32[2,3,4] "
                    "source=[0,0] destination=[1,2]"),
    VIEW("aten::moveaxis.int(Tensor(a) self, int source, int destination) -> Tensor(a)",
         infer_permute, map_permute,
         .samples =
             "self=f32[2,3,4] source=0 destination=2 | self=f32[2,3,4] source=-1 destination=0"),
    VIEW("aten::moveaxis.intlist(Tensor(a) self, int[] source, int[] destination) -> Tensor(a)",
         infer_permute, map_permute,
         .samples = "self=f32[2,3,4] source=[0,1] destination=[2,0] | ! self=f32[2,3,4] "
                    "source=[0,0] destination=[1,2]"),
    VIEW("aten::t(Tensor(a) self) -> Tensor(a)", infer_permute, map_permute,
         .samples = "self=f32[2,3] | self=f32[3] | self=f32[] | ! self=f32[2,3,4]"),
    VIEW("aten::numpy_T(Tensor(a) self) -> Tensor(a)", infer_permute, map_permute,
         .samples = "self=f32[2,3] | self=f32[3]"),
    VIEW("aten::mT(Tensor(a) self) -> Tensor(a)", infer_permute, map_permute,
         .samples = "self=f32[2,3,4] | ! self=f32[3]"),
    VIEW("aten::mH(Tensor(a) self) -> Tensor(a)", infer_permute, map_permute,
         .samples = "self=f32[2,3,4] | self=f64[2,3]"),
    VIEW("aten::matrix_H(Tensor(a) self) -> Tensor(a)", infer_permute, map_permute,
         .samples = "self=f32[2,3]"),
    VIEW("aten::adjoint(Tensor(a) self) -> Tensor(a)", infer_permute, map_permute,
         .samples = "self=f32[2,3,4] | self=f64[2,3]"),

    VIEW("aten::unsqueeze(Tensor(a) self, int dim) -> Tensor(a)", infer_unsqueeze, map_unsqueeze,
         .samples = "self=f32[2,3] dim=1 | self=f32[2,3] dim=-1 | self=f32[] dim=0 | self=f32[0] "
                    "dim=-2 | ! self=f32[2] dim=2"),
    VIEW("aten::squeeze(Tensor(a) self) -> Tensor(a)", infer_squeeze, map_squeeze,
         .samples = "self=f32[1,2,1,3] | self=f32[1,1] | self=f32[0,1]"),
    VIEW("aten::squeeze.dim(Tensor(a) self, int dim) -> Tensor(a)", infer_squeeze, map_squeeze,
         .samples = "self=f32[1,2,1,3] dim=2 | self=f32[1,2] dim=-1 | self=f32[] dim=0 | ! "
                    "self=f32[1,2] dim=2"),
    VIEW("aten::squeeze.dims(Tensor(a) self, int[] dim) -> Tensor(a)", infer_squeeze, map_squeeze,
         .samples = "self=f32[1,2,1,3] dim=[0,2] | self=f32[1,2] dim=[-1] | self=f32[1] dim=[] | ! "
                    "self=f32[1,2] dim=[0,0]"),
    VIEW("aten::expand(Tensor(a) self, SymInt[] size, *, bool implicit=False) -> Tensor(a)",
         infer_expand, map_expand,
         .samples =
             "self=f32[3,1] size=[2,3,4] | self=f32[3,1] size=[-1,4] | self=f32[] size=[2] | "
             "self=f32[1,0] size=[3,0] | ! self=f32[3] size=[4] | ! self=f32[3] size=[-1,3]"),
    VIEW("aten::expand_as(Tensor(a) self, Tensor other) -> Tensor(a)", infer_expand_as, map_expand,
         .samples = "self=f32[3,1] other=f32[2,3,4] | ! self=f32[3] other=f32[4]"),
    VIEW("aten::broadcast_to(Tensor(a) self, SymInt[] size) -> Tensor(a)", infer_expand, map_expand,
         .samples = "self=f32[3,1] size=[2,3,4]"),
    {0},
};
