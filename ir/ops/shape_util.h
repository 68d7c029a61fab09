/* What the rows of views, indexing, matmul, convolution, pooling, resize, attention and rnn share:
 * reading arguments, setting result types, index arithmetic, and building expansions.
 *
 * In: a Node whose arguments stand in schema order.  Out: types, index expressions, new nodes
 * before it. */
#ifndef AOTC_IR_OPS_SHAPE_UTIL_H
#define AOTC_IR_OPS_SHAPE_UTIL_H

#include "ir/ops.h"

/* ---- arguments ------------------------------------------------------------------------------- */
ExprPool         *shape_pool(const Node *node);
const Expr       *shape_int(const Node *node, int64_t value);
const TensorType *shape_type(const Node *node, const char *param); /* asserts a tensor argument */
Value *shape_first_tensor(const Node *node); /* looks into lists too; NULL when there is none */
const TensorType *shape_first_type(const Node *node); /* of that tensor: there is one */
bool              shape_is_none(const Node *node, const char *param);

/* dim wrapped into [0, rank); a rank of 0 counts as 1, as in PyTorch. */
Error *shape_wrap_dim(const Node *node, int64_t dim, int rank, int *out);
Error *shape_dim(const Node *node, const char *param, int rank, int *out);
/* A list of distinct dims; *n is 0 for None or an empty list. */
Error *shape_dims(const Node *node, const char *param, int rank, int dims[MAX_RANK], int *n);
/* A list of exactly n constant ints; a single one stands for all.  Symbolic ones are E_UNSUPPORTED.
 */
Error *shape_ints(const Node *node, const char *param, int64_t *out, int n);
/* A list of at most MAX_RANK sizes; a lone int is a list of one. */
Error *shape_exprs(const Node *node, const char *param, const Expr *out[MAX_RANK], int *n);
/* A list of tensors, None as NULL. */
Error *shape_tensors(const Node *node, const char *param, Value ***out, int *n);
/* One constant int argument. */
Error *shape_const_int(const Node *node, const char *param, int64_t *out);
Error *shape_check_rank(const Node *node, const char *param, int min, int max);

/* ---- result types ---------------------------------------------------------------------------- */
void   shape_result(Node *node, int result, DType dtype, const Expr *const *sizes, int rank);
void   shape_result_strided(Node *node, int result, DType dtype, const Expr *const *sizes,
                            const Expr *const *strides, int rank);
/* infer of rows whose result 0 is like their first tensor, row-major. */
Error *infer_like_first(Node *node);

/* Broadcasts the last ranks of two size lists; E_VALUE when they cannot be. */
Error *shape_broadcast(const Node *node, const Expr *const *a, int na, const Expr *const *b, int nb,
                       const Expr *out[MAX_RANK], int *n);

/* ---- index arithmetic ------------------------------------------------------------------------ */
bool        shape_same(ExprPool *pool, const Expr *a, const Expr *b); /* provably equal */
const Expr *shape_linear(ExprPool *pool, const Expr *const *index, const Expr *const *sizes,
                         int rank);
void        shape_delinear(ExprPool *pool, const Expr *flat, const Expr *const *sizes, int rank,
                           const Expr **index);
/* The element of a row-major tensor of in_sizes that is out[] of the same elements seen as
 * out_sizes. */
void        shape_reshape_index(ExprPool *pool, const Expr *const *out_sizes, int n_out,
                                const Expr *const *out, const Expr *const *in_sizes, int n_in,
                                const Expr **in);
/* Numel of `of` over the product of `by`, with equal factors cancelled first. */
const Expr *shape_quotient(ExprPool *pool, const Expr *const *of, int n_of, const Expr *const *by,
                           int n_by);
/* v, or v + size where v is negative (decided now where ranges allow). */
const Expr *shape_wrap_index(ExprPool *pool, const Expr *v, const Expr *size);
/* index[] into a result of out_rank to that of an operand which was broadcast into it. */
void        shape_broadcast_index(ExprPool *pool, const TensorType *type, const Expr *const *index,
                                  int out_rank, const Expr **in);
/* min(max(e, 0), size - 1). */
const Expr *shape_clamped(ExprPool *pool, const Expr *e, const Expr *size);

/* ---- element functions ----------------------------------------------------------------------- */
Scalar     *shape_zero(LowerCx *cx, DType dtype);
/* true where 0 <= e < n; NULL when that always holds. */
Scalar     *shape_in_range(LowerCx *cx, const Expr *e, const Expr *n);
Scalar     *shape_condition(LowerCx *cx, const Expr *condition); /* NULL when it always holds */
bool        shape_is_true(const Expr *condition);
bool        shape_is_false(const Expr *condition);
/* The element where mask holds, else other; no access below where it does not hold. mask NULL:
 * always. */
Scalar     *shape_masked_load(LowerCx *cx, Value *value, const Expr *const *index, Scalar *mask,
                              Scalar *other);
Scalar     *shape_load(LowerCx *cx, Value *value, const Expr *const *index);
/* An element of an integer tensor as an index below bound, checked at run time. */
const Expr *shape_loaded_index(LowerCx *cx, Value *value, const Expr *const *index,
                               const Expr *bound);
/* The same for a scalar that was computed. */
const Expr *shape_scalar_index(LowerCx *cx, Scalar *value, const Expr *bound);

/* ---- expansions ------------------------------------------------------------------------------ */
/* Builds nodes before `at`.  After the first error every call returns NULL and build_done() reports
 * it. */
typedef struct Build {
    Node  *at;
    Graph *graph;
    Error *error;
} Build;

Build  build_at(Node *node);
Value *build_args(Build *b, const char *op, const Arg *args, int n);
Node  *build_args_node(Build *b, const char *op, const Arg *args, int n);
#define BUILD(b, op, ...)                                                                          \
    build_args((b), (op), (const Arg[]){__VA_ARGS__},                                              \
               (int)(sizeof((const Arg[]){__VA_ARGS__}) / sizeof(Arg)))
#define BUILD_NODE(b, op, ...)                                                                     \
    build_args_node((b), (op), (const Arg[]){__VA_ARGS__},                                         \
                    (int)(sizeof((const Arg[]){__VA_ARGS__}) / sizeof(Arg)))

Arg    arg_text(const char *text); /* not copied */
Arg    arg_values(Graph *graph, Value *const *values, int n);
Arg    arg_dims(Graph *graph, const int *dims, int n);
/* A call of one or two tensors, or of a tensor and a number; NULL after an error. */
Value *build_unary(Build *b, const char *op, Value *x);
Value *build_binary(Build *b, const char *op, Value *x, Value *y);
Value *build_with_float(Build *b, const char *op, Value *x, double number);
Value *build_with_int(Build *b, const char *op, Value *x,
                      int64_t number); /* does not promote integers */
Value *build_reshape(Build *b, Value *v, const Expr *const *sizes, int rank);
Value *build_permute(Build *b, Value *v, const int *dims, int rank);
Value *build_unsqueeze(Build *b, Value *v, int dim);
Value *build_squeeze(Build *b, Value *v, int dim);
Value *build_expand_to(Build *b, Value *v, const Expr *const *sizes, int rank);
Value *build_select(Build *b, Value *v, int dim, int64_t index);
Value *build_slice(Build *b, Value *v, int dim, const Expr *start, const Expr *end);
Value *build_transpose(Build *b, Value *v, int dim0, int dim1);
Value *build_at_least(Build *b, Value *v, int rank); /* atleast_1d, _2d, _3d */
Value *build_cast(Build *b, Value *v, DType dtype);  /* v itself when it has that dtype */
/* An operator of namespace aotc by its schema text, which is registered on first use. */
Value *build_internal(Build *b, const char *schema, const Arg *args, int n);
Node  *build_internal_node(Build *b, const char *schema, const Arg *args, int n);

/* instance_norm with its new running statistics as results. */
#define INSTANCE_NORM_FUNCTIONAL                                                                   \
    "aotc::instance_norm_functional(Tensor input, Tensor? weight, Tensor? bias, Tensor "           \
    "running_mean, Tensor running_var, float momentum, float eps) -> (Tensor, Tensor, Tensor)"

/* The same arguments under another operator's name: "aten.concat" is "aten.cat.default". */
Error *expand_as_op(Node *node, const char *op, Value **results);

#endif
