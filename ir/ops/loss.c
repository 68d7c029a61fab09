/* Losses and distances, as pointwise operators, gathers and reductions.
 *
 * In: a node.  Out: nodes before it:
 *
 *   aten.mse_loss.default(%x, %t, 1)     d = x - t;  mean(d * d)
 *   aten.nll_loss.default(%x, %t)        -x[i, t[i]], weighted and masked by ignore_index, then
 * reduced
 *
 * reduction is 0 none, 1 mean, 2 sum (at::Reduction). */
#include "ir/ops/rows.h"
#include "ir/ops/sample_texts.h"
#include "ir/ops/shape_util.h"

#include <math.h>
#include <string.h>

enum { REDUCTION_NONE, REDUCTION_MEAN, REDUCTION_SUM };

/* ---- short forms ----------------------------------------------------------------------------- */
static Value *add(Build *b, Value *x, Value *y)
{
    return build_binary(b, "aten.add.Tensor", x, y);
}

static Value *sub(Build *b, Value *x, Value *y)
{
    return build_binary(b, "aten.sub.Tensor", x, y);
}

static Value *mul(Build *b, Value *x, Value *y)
{
    return build_binary(b, "aten.mul.Tensor", x, y);
}

static Value *where(Build *b, Value *condition, Value *x, Value *y)
{
    return b->error ? NULL
                    : BUILD(b, "aten.where.self", arg_value(condition), arg_value(x), arg_value(y));
}

static Value *where_or_zero(Build *b, Value *condition, Value *x)
{
    return b->error ? NULL
                    : BUILD(b, "aten.where.ScalarOther", arg_value(condition), arg_value(x),
                            arg_int(b->graph, 0));
}

/* number - x */
static Value *from_number(Build *b, double number, Value *x)
{
    return build_with_float(b, "aten.rsub.Scalar", x, number);
}

static Value *sum_dim(Build *b, Value *x, int dim)
{
    return b->error ? NULL : BUILD(b, "aten.sum.dim_IntList", arg_value(x), arg_int(b->graph, dim));
}

static Error *reduction_of(const Node *node, int64_t *out)
{
    TRY(shape_const_int(node, "reduction", out));
    if (*out < REDUCTION_NONE || *out > REDUCTION_SUM)
        return node_error(node, E_VALUE, "reduction is %lld, not 0, 1 or 2", (long long)*out);
    return NULL;
}

static Value *reduce(Build *b, Value *x, int64_t reduction)
{
    return reduction == REDUCTION_NONE   ? x
           : reduction == REDUCTION_MEAN ? build_unary(b, "aten.mean.default", x)
                                         : build_unary(b, "aten.sum.default", x);
}

/* ---- element losses -------------------------------------------------------------------------- */
static Value *mse(Build *b, Node *node, Value *x, Value *t)
{
    (void)node;
    Value *d = sub(b, x, t);
    return mul(b, d, d);
}

static Value *l1(Build *b, Node *node, Value *x, Value *t)
{
    (void)node;
    return build_unary(b, "aten.abs.default", sub(b, x, t));
}

/* |d| < beta: d^2 / (2 beta), else |d| - beta / 2. */
static Value *smooth_l1(Build *b, Node *node, Value *x, Value *t)
{
    double beta = node_float(node, "beta");
    Value *d = l1(b, node, x, t);
    if (beta < 0 && !b->error)
        b->error = node_error(node, E_VALUE, "beta is %g", beta);
    if (beta == 0)
        return d;
    Value *square = build_with_float(b, "aten.mul.Scalar", mul(b, d, d), 0.5 / beta);
    Value *line = build_with_float(b, "aten.sub.Scalar", d, beta / 2);
    return where(b, build_with_float(b, "aten.lt.Scalar", d, beta), square, line);
}

static Value *huber(Build *b, Node *node, Value *x, Value *t)
{
    double delta = node_float(node, "delta");
    DType  dtype = x->type.dtype, compute = dtype_compute(dtype);
    bool widens = dtype == t->type.dtype && dtype != compute; /* rounded once, as one kernel does */
    if (widens) {
        x = build_cast(b, x, compute);
        t = build_cast(b, t, compute);
    }
    Value *d = l1(b, node, x, t);
    if (delta <= 0 && !b->error)
        b->error = node_error(node, E_VALUE, "delta is %g", delta);
    Value *square = build_with_float(b, "aten.mul.Scalar", mul(b, d, d), 0.5);
    Value *line = build_with_float(b, "aten.mul.Scalar",
                                   build_with_float(b, "aten.sub.Scalar", d, delta / 2), delta);
    Value *loss = where(b, build_with_float(b, "aten.le.Scalar", d, delta), square, line);
    return widens && !b->error ? build_cast(b, loss, dtype) : loss;
}

/* Logarithms are bounded by -100, as in eager PyTorch. */
static Value *cross_entropy_of_two(Build *b, Node *node, Value *x, Value *t)
{
    Value *yes =
        build_with_float(b, "aten.clamp_min.default", build_unary(b, "aten.log.default", x), -100);
    Value *no = build_unary(b, "aten.log1p.default", build_unary(b, "aten.neg.default", x));
    no = build_with_float(b, "aten.clamp_min.default", no, -100);
    yes = mul(b, t, yes);
    Value *loss = sub(b, mul(b, build_with_int(b, "aten.sub.Scalar", t, 1), no), yes);
    Value *weight = node_tensor(node, "weight");
    return weight ? mul(b, loss, weight) : loss;
}

/* (1 - t) x - (1 + (pos_weight - 1) t) log sigmoid x */
static Value *cross_entropy_of_logits(Build *b, Node *node, Value *x, Value *t)
{
    Value *weight = node_tensor(node, "weight"), *positive = node_tensor(node, "pos_weight");
    Value *log = build_unary(b, "aten.log_sigmoid.default", x);
    if (positive) {
        Value *scale = mul(b, build_with_int(b, "aten.sub.Scalar", positive, 1), t);
        log = mul(b, build_with_int(b, "aten.add.Scalar", scale, 1), log);
    }
    Value *loss = sub(b, mul(b, build_with_int(b, "aten.rsub.Scalar", t, 1), x), log);
    return weight ? mul(b, loss, weight) : loss;
}

static Value *kl_div(Build *b, Node *node, Value *x, Value *t)
{
    if (node_bool(node, "log_target")) {
        Value *apart = sub(b, t, x);
        return mul(b, build_unary(b, "aten.exp.default", t), apart);
    }
    Value *product = mul(b, t, x);
    return sub(b, build_binary(b, "aten.xlogy.Tensor", t, t), product);
}

/* exp(x) - t x, or x - t log(x + eps); full adds Stirling's approximation of log t! where t > 1. */
static Value *poisson(Build *b, Node *node, Value *x, Value *t)
{
    Value *loss;
    if (node_bool(node, "log_input")) {
        Value *product = mul(b, t, x);
        loss = sub(b, build_unary(b, "aten.exp.default", x), product);
    } else {
        Value *shifted = build_with_float(b, "aten.add.Scalar", x, node_float(node, "eps"));
        loss = sub(b, x, mul(b, t, build_unary(b, "aten.log.default", shifted)));
    }
    if (!node_bool(node, "full"))
        return loss;
    Value *log = build_unary(b, "aten.log.default",
                             build_with_float(b, "aten.mul.Scalar", t, 2 * 3.14159265358979323846));
    Value *stirling = sub(b, mul(b, t, build_unary(b, "aten.log.default", t)), t);
    stirling = add(b, stirling, build_with_float(b, "aten.mul.Scalar", log, 0.5));
    return add(b, loss, where_or_zero(b, build_with_int(b, "aten.gt.Scalar", t, 1), stirling));
}

static Value *soft_margin(Build *b, Node *node, Value *x, Value *t)
{
    (void)node;
    Value *e = build_unary(b, "aten.exp.default", mul(b, build_unary(b, "aten.neg.default", t), x));
    return build_unary(b, "aten.log1p.default", e);
}

static Value *hinge_embedding(Build *b, Node *node, Value *x, Value *t)
{
    Value *margin = build_with_int(b, "aten.clamp_min.default",
                                   from_number(b, node_float(node, "margin"), x), 0);
    Value *away = where_or_zero(b, build_with_int(b, "aten.ne.Scalar", t, 1), margin);
    return add(b, away, where_or_zero(b, build_with_int(b, "aten.ne.Scalar", t, -1), x));
}

/* All losses of an input, a target and a reduction. */
static Error *expand_pair(Node *node, Value **results)
{
    static const struct {
        const char *base;
        Value *(*loss)(Build *b, Node *node, Value *x, Value *t);
    } table[] = {
        {"mse_loss", mse},
        {"l1_loss", l1},
        {"smooth_l1_loss", smooth_l1},
        {"huber_loss", huber},
        {"binary_cross_entropy", cross_entropy_of_two},
        {"binary_cross_entropy_with_logits", cross_entropy_of_logits},
        {"kl_div", kl_div},
        {"poisson_nll_loss", poisson},
        {"soft_margin_loss", soft_margin},
        {"hinge_embedding_loss", hinge_embedding},
    };
    Build   b = build_at(node);
    Value  *x = node_tensor(node, schema_param(node->schema, "self") >= 0 ? "self" : "input");
    int64_t reduction;
    TRY(reduction_of(node, &reduction));
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strcmp(node->schema->base, table[i].base)) {
            Value *loss = table[i].loss(&b, node, x, node_tensor(node, "target"));
            results[0] = reduce(&b, loss, reduction);
            return b.error;
        }
    return node_error(node, E_INTERNAL, "no formula known");
}

/* ---- losses of classes ----------------------------------------------------------------------- */
typedef struct Nll {
    Value *x, *target, *weight;
    int    dim;      /* of the classes in x */
    Value *is_valid; /* target is not ignore_index; made by build_nll */
    Value *loss;     /* of every target, not reduced */
    Value *total;    /* sum of the weights of valid targets */
} Nll;

static Error *check_nll(const Node *node, const Nll *n)
{
    int rank = n->x->type.rank;
    if (rank < 1 || n->target->type.rank != (rank == 1 ? 0 : rank - 1))
        return node_error(node, E_VALUE, "the input has rank %d, the target %d", rank,
                          n->target->type.rank);
    if (!dtype_is_int(n->target->type.dtype))
        return node_error(node, E_VALUE, "the target is %s, not an integer",
                          dtype_name(n->target->type.dtype));
    return NULL;
}

static Error *build_nll(Build *b, Node *node, Nll *n)
{
    TRY(check_nll(node, n));
    Value *target = n->target;
    n->is_valid =
        b->error ? NULL
                 : BUILD(b, "aten.ne.Scalar", arg_value(target), *node_arg(node, "ignore_index"));
    Value *safe = build_cast(b, where_or_zero(b, n->is_valid, target), DT_I64);
    Value *column = build_unsqueeze(b, safe, n->dim);
    Value *picked = b->error ? NULL
                             : BUILD(b, "aten.gather.default", arg_value(n->x),
                                     arg_int(b->graph, n->dim), arg_value(column));
    picked = build_unary(b, "aten.neg.default", build_squeeze(b, picked, n->dim));
    Value *weight = NULL;
    if (n->weight && !b->error) {
        weight =
            BUILD(b, "aten.index.Tensor", arg_value(n->weight), arg_values(b->graph, &safe, 1));
        picked = mul(b, picked, weight);
        weight = where_or_zero(b, n->is_valid, weight);
    } else {
        weight = build_cast(b, n->is_valid, n->x->type.dtype);
    }
    n->loss = where_or_zero(b, n->is_valid, picked);
    n->total = build_unary(b, "aten.sum.default", weight);
    return b->error;
}

static Value *reduce_nll(Build *b, const Nll *n, Value *loss, int64_t reduction)
{
    if (reduction == REDUCTION_NONE)
        return loss;
    Value *sum = build_unary(b, "aten.sum.default", loss);
    return reduction == REDUCTION_SUM ? sum : build_binary(b, "aten.div.Tensor", sum, n->total);
}

/* nll_loss, nll_loss2d, nll_loss_nd; the forward forms give the total weight, too. */
static Error *expand_nll(Node *node, Value **results)
{
    Build   b = build_at(node);
    Nll     n = {.x = node_tensor(node, "self"),
                 .target = node_tensor(node, "target"),
                 .weight = node_tensor(node, "weight")};
    int64_t reduction;
    TRY(reduction_of(node, &reduction));
    n.dim = n.x->type.rank > 1 ? 1 : 0;
    TRY(build_nll(&b, node, &n));
    results[0] = reduce_nll(&b, &n, n.loss, reduction);
    if (node->schema->n_returns == 2) {
        int64_t none = 0;
        results[1] = reduction == REDUCTION_NONE && !b.error
                         ? BUILD(&b, "aten.full.default", arg_ints(b.graph, &none, 0),
                                 arg_int(b.graph, 0), arg_dtype(n.x->type.dtype))
                         : n.total;
    }
    return b.error;
}

/* [C] beside x with classes in dim. */
static Value *class_weights(Build *b, const Nll *n)
{
    const Expr *sizes[MAX_RANK], *one = expr_int(b->graph->ir->exprs, 1);
    for (int d = 0; d < n->x->type.rank; d++)
        sizes[d] = d == n->dim ? n->weight->type.sizes[0] : one;
    return build_reshape(b, n->weight, sizes, n->x->type.rank);
}

/* - sum over classes of weight * log p, times target where it is given. */
static Value *class_sum(Build *b, const Nll *n, Value *target)
{
    Value *x = target ? mul(b, n->x, target) : n->x;
    if (n->weight)
        x = mul(b, x, class_weights(b, n));
    return build_unary(b, "aten.neg.default", sum_dim(b, x, n->dim));
}

static Error *number_of_classes(const Node *node, const Nll *n, double *out)
{
    int64_t classes;
    if (!expr_is_int(n->x->type.sizes[n->dim], &classes))
        return node_error(node, E_UNSUPPORTED,
                          "label smoothing over a number of classes that is not constant");
    *out = (double)classes;
    return NULL;
}

/* Targets are probabilities of all classes; mean is over the targets, not over the classes. */
static Error *cross_entropy_of_probabilities(Build *b, Node *node, Nll *n, double smoothing,
                                             int64_t reduction, Value **result)
{
    Value *target = n->target;
    double classes = 0;
    if (smoothing > 0) {
        TRY(number_of_classes(node, n, &classes));
        target = build_with_float(b, "aten.mul.Scalar", target, 1 - smoothing);
        target = build_with_float(b, "aten.add.Scalar", target, smoothing / classes);
    }
    *result = reduce(b, class_sum(b, n, target), reduction);
    return b->error;
}

static Error *expand_cross_entropy(Node *node, Value **results)
{
    Build   b = build_at(node);
    Value  *x = node_tensor(node, "self");
    Nll     n = {.target = node_tensor(node, "target"), .weight = node_tensor(node, "weight")};
    double  smoothing = node_float(node, "label_smoothing"), classes = 0;
    int64_t reduction;
    TRY(reduction_of(node, &reduction));
    if (x->type.rank == 0)
        return node_error(node, E_VALUE, "the input has no dims");
    n.dim = x->type.rank > 1 ? 1 : 0;
    n.x = BUILD(&b, "aten.log_softmax.int", arg_value(x), arg_int(b.graph, n.dim));
    if (b.error)
        return b.error;
    if (n.target->type.rank == x->type.rank && dtype_is_float(n.target->type.dtype))
        return cross_entropy_of_probabilities(&b, node, &n, smoothing, reduction, &results[0]);
    TRY(build_nll(&b, node, &n));
    results[0] = reduce_nll(&b, &n, n.loss, reduction);
    if (smoothing <= 0)
        return b.error;
    TRY(number_of_classes(node, &n, &classes));
    Value *smooth =
        reduce_nll(&b, &n, where_or_zero(&b, n.is_valid, class_sum(&b, &n, NULL)), reduction);
    smooth = build_with_float(&b, "aten.mul.Scalar", smooth, smoothing / classes);
    results[0] =
        add(&b, build_with_float(&b, "aten.mul.Scalar", results[0], 1 - smoothing), smooth);
    return b.error;
}

/* ---- distances ------------------------------------------------------------------------------- */
static Value *norm(Build *b, Value *x, double p, int dim, bool keepdim)
{
    return b->error ? NULL
                    : BUILD(b, "aten.linalg_vector_norm.default", arg_value(x), arg_float(p),
                            arg_int(b->graph, dim), arg_bool(b->graph, keepdim));
}

static Error *expand_cosine_similarity(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *x[2] = {node_tensor(node, "x1"), node_tensor(node, "x2")};
    int    rank = x[0]->type.rank > x[1]->type.rank ? x[0]->type.rank : x[1]->type.rank, dim;
    TRY(shape_dim(node, "dim", rank, &dim));
    const Expr *sizes[MAX_RANK];
    int         n;
    TRY(shape_broadcast(node, x[0]->type.sizes, x[0]->type.rank, x[1]->type.sizes, x[1]->type.rank,
                        sizes, &n));
    for (int i = 0; i < 2; i++) {
        x[i] = build_expand_to(&b, x[i], sizes, n);
        Value *length = norm(&b, x[i], 2, dim, true);
        length = build_with_float(&b, "aten.clamp_min.default", length, node_float(node, "eps"));
        x[i] = build_binary(&b, "aten.div.Tensor", x[i], length);
    }
    results[0] = sum_dim(&b, mul(&b, x[0], x[1]), dim);
    return b.error;
}

/* |x - y + eps|_p over the last dim. */
static Value *pairwise(Build *b, Value *x, Value *y, double p, double eps, bool keepdim)
{
    return norm(b, build_with_float(b, "aten.add.Scalar", sub(b, x, y), eps), p, -1, keepdim);
}

static Error *expand_pairwise_distance(Node *node, Value **results)
{
    Build b = build_at(node);
    results[0] =
        pairwise(&b, node_tensor(node, "x1"), node_tensor(node, "x2"), node_float(node, "p"),
                 node_float(node, "eps"), node_bool(node, "keepdim"));
    return b.error;
}

/* Every row of x1 against every row of x2. */
static Error *expand_cdist(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *x = node_tensor(node, "x1"), *y = node_tensor(node, "x2");
    double p = schema_param(node->schema, "p") >= 0 ? node_float(node, "p") : 2;
    if (x->type.rank < 2 || y->type.rank < 2)
        return node_error(node, E_VALUE, "cdist needs matrices");
    x = build_unsqueeze(&b, x, x->type.rank - 1);
    y = build_unsqueeze(&b, y, y->type.rank - 2);
    results[0] = norm(&b, sub(&b, x, y), p, -1, false);
    return b.error;
}

/* Every row against every later one. */
static Error *expand_pdist(Node *node, Value **results)
{
    Build   b = build_at(node);
    Value  *x = node_tensor(node, "self"), *side[2];
    int64_t n;
    TRY(shape_check_rank(node, "self", 2, 2));
    if (!expr_is_int(x->type.sizes[0], &n))
        return node_error(node, E_UNSUPPORTED, "pdist of a number of rows that is not constant");
    Value *pairs = BUILD(&b, "aten.triu_indices.default", arg_int(b.graph, n), arg_int(b.graph, n),
                         arg_int(b.graph, 1));
    for (int i = 0; i < 2; i++) {
        Value *rows = build_select(&b, pairs, 0, i);
        side[i] = b.error ? NULL
                          : BUILD(&b, "aten.index_select.default", arg_value(x),
                                  arg_int(b.graph, 0), arg_value(rows));
    }
    results[0] = norm(&b, sub(&b, side[0], side[1]), node_float(node, "p"), 1, false);
    return b.error;
}

/* ---- losses of distances --------------------------------------------------------------------- */
static Error *expand_margin_ranking(Node *node, Value **results)
{
    Build   b = build_at(node);
    int64_t reduction;
    TRY(reduction_of(node, &reduction));
    Value *d = sub(&b, node_tensor(node, "input1"), node_tensor(node, "input2"));
    d = mul(&b, build_unary(&b, "aten.neg.default", node_tensor(node, "target")), d);
    d = build_with_float(&b, "aten.add.Scalar", d, node_float(node, "margin"));
    results[0] = reduce(&b, build_with_int(&b, "aten.clamp_min.default", d, 0), reduction);
    return b.error;
}

static Error *expand_triplet_margin(Node *node, Value **results)
{
    Build   b = build_at(node);
    Value  *anchor = node_tensor(node, "anchor"), *near = node_tensor(node, "positive");
    Value  *far = node_tensor(node, "negative");
    double  p = node_float(node, "p"), eps = node_float(node, "eps");
    int64_t reduction;
    TRY(reduction_of(node, &reduction));
    Value *pull = pairwise(&b, anchor, near, p, eps, false),
          *push = pairwise(&b, anchor, far, p, eps, false);
    if (node_bool(node, "swap"))
        push =
            build_binary(&b, "aten.minimum.default", push, pairwise(&b, near, far, p, eps, false));
    Value *loss =
        build_with_float(&b, "aten.add.Scalar", sub(&b, pull, push), node_float(node, "margin"));
    results[0] = reduce(&b, build_with_int(&b, "aten.clamp_min.default", loss, 0), reduction);
    return b.error;
}

/* 1 - cos where the target is 1, max(0, cos - margin) where it is -1; 1e-12 keeps lengths from 0.
 */
static Error *expand_cosine_embedding(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *x = node_tensor(node, "input1"), *y = node_tensor(node, "input2"),
          *t = node_tensor(node, "target");
    int     dim = t->type.rank;
    int64_t reduction;
    TRY(reduction_of(node, &reduction));
    if (x->type.rank != dim + 1 || y->type.rank != dim + 1)
        return node_error(node, E_VALUE, "inputs of rank %d and %d beside a target of rank %d",
                          x->type.rank, y->type.rank, dim);
    Value *xx = build_with_float(&b, "aten.add.Scalar", sum_dim(&b, mul(&b, x, x), dim), 1e-12);
    Value *yy = build_with_float(&b, "aten.add.Scalar", sum_dim(&b, mul(&b, y, y), dim), 1e-12);
    Value *lengths = build_unary(&b, "aten.sqrt.default", mul(&b, xx, yy));
    Value *cosine = build_binary(&b, "aten.div.Tensor", sum_dim(&b, mul(&b, x, y), dim), lengths);
    Value *apart = build_with_float(&b, "aten.sub.Scalar", cosine, node_float(node, "margin"));
    Value *near = from_number(&b, 1, cosine);
    Value *loss = where_or_zero(&b, build_with_int(&b, "aten.eq.Scalar", t, 1), near);
    apart = build_with_int(&b, "aten.clamp_min.default", apart, 0);
    loss = add(&b, loss, where_or_zero(&b, build_with_int(&b, "aten.eq.Scalar", t, -1), apart));
    results[0] = reduce(&b, loss, reduction);
    return b.error;
}

/* ---- margins between classes ----------------------------------------------------------------- */
/* [1, C] from [C]; sets *is_row. */
static Value *as_rows(Build *b, Value *x, bool *is_row)
{
    *is_row = x->type.rank < 2;
    return !*is_row       ? x
           : x->type.rank ? build_unsqueeze(b, x, 0)
                          : build_unsqueeze(b, build_unsqueeze(b, x, 0), 0);
}

static Value *class_numbers(Build *b, const Expr *n)
{
    return BUILD(b, "aten.arange.default", arg_expr(n), arg_dtype(DT_I64));
}

/* Mean over classes of max(0, margin - x[t] + x)^p, without the target itself. */
static Error *expand_multi_margin(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *x = node_tensor(node, "self"), *t = node_tensor(node, "target"),
          *weight = node_tensor(node, "weight");
    double  p = node_float(node, "p"), margin = node_float(node, "margin");
    int64_t reduction;
    bool    is_row, is_scalar = t->type.rank == 0;
    TRY(reduction_of(node, &reduction));
    if (p != 1 && p != 2)
        return node_error(node, E_VALUE, "p is %g, not 1 or 2", p);
    if (x->type.rank > 2 || t->type.rank > 1 || t->type.dtype != DT_I64)
        return node_error(node, E_VALUE, "needs [N, C] or [C] and i64 targets [N]");
    x = as_rows(&b, x, &is_row);
    const Expr *minus = shape_int(node, -1), *classes = b.error ? NULL : x->type.sizes[1];
    Value      *column = build_unsqueeze(&b, build_reshape(&b, t, &minus, 1), 1);
    Value      *own =
        BUILD(&b, "aten.gather.default", arg_value(x), arg_int(b.graph, 1), arg_value(column));
    Value *z = from_number(&b, margin, sub(&b, own, x));
    z = build_with_int(&b, "aten.clamp_min.default", z, 0);
    if (p == 2)
        z = mul(&b, z, z);
    if (weight)
        z = mul(&b, z, BUILD(&b, "aten.take.default", arg_value(weight), arg_value(column)));
    Value *others = build_binary(&b, "aten.ne.Tensor", class_numbers(&b, classes), column);
    z = sum_dim(&b, where_or_zero(&b, others, z), 1);
    z = b.error ? NULL : BUILD(&b, "aten.div.Scalar", arg_value(z), arg_expr(classes));
    if (is_scalar && reduction == REDUCTION_NONE)
        z = build_squeeze(&b, z, 0);
    results[0] = reduce(&b, z, reduction);
    return b.error;
}

/* Sum over targets j (those before the first -1) and other classes i of max(0, 1 - x[j] + x[i]), by
 * the classes. Result 1 says which classes are targets. */
static Error *expand_multilabel_margin(Node *node, Value **results)
{
    Build   b = build_at(node);
    Value  *self = node_tensor(node, "self"), *target = node_tensor(node, "target");
    int64_t reduction;
    bool    is_row;
    TRY(reduction_of(node, &reduction));
    if (self->type.rank > 2 || target->type.rank != self->type.rank || target->type.dtype != DT_I64)
        return node_error(node, E_VALUE, "needs [N, C] or [C] and i64 targets of the same sizes");
    Value *x = as_rows(&b, self, &is_row), *t = as_rows(&b, target, &is_row);
    if (b.error)
        return b.error;
    const Expr *classes = x->type.sizes[1];
    Value      *listed = build_cast(&b, build_with_int(&b, "aten.ge.Scalar", t, 0), DT_I64);
    listed =
        b.error ? NULL : BUILD(&b, "aten.cumprod.default", arg_value(listed), arg_int(b.graph, 1));
    listed = build_with_int(&b, "aten.ne.Scalar", listed, 0);
    Value *place = build_with_int(&b, "aten.clamp_min.default", t, 0);
    Value *own =
        BUILD(&b, "aten.gather.default", arg_value(x), arg_int(b.graph, 1), arg_value(place));
    Value *numbers = class_numbers(&b, classes);
    Value *is_it = build_binary(&b, "aten.eq.Tensor", build_unsqueeze(&b, t, 2), numbers);
    is_it = build_binary(&b, "aten.logical_and.default", is_it,
                         build_unsqueeze(&b, listed, 2)); /* [N, j, i] */
    Value *is_target =
        b.error ? NULL : BUILD(&b, "aten.any.dim", arg_value(is_it), arg_int(b.graph, 1));
    Value *own_column = build_unsqueeze(&b, own, 2);
    Value *pair = from_number(&b, 1, sub(&b, own_column, build_unsqueeze(&b, x, 1)));
    Value *counts = build_unary(&b, "aten.logical_not.default", build_unsqueeze(&b, is_target, 1));
    counts = build_binary(&b, "aten.logical_and.default", counts, build_unsqueeze(&b, listed, 2));
    pair = where_or_zero(&b, counts, build_with_int(&b, "aten.clamp_min.default", pair, 0));
    Value *z = sum_dim(&b, sum_dim(&b, pair, 2), 1);
    z = b.error ? NULL : BUILD(&b, "aten.div.Scalar", arg_value(z), arg_expr(classes));
    if (is_row && reduction == REDUCTION_NONE)
        z = build_squeeze(&b, z, 0);
    results[0] = reduce(&b, z, reduction);
    if (node->n_results > 1 && !b.error)
        results[1] = build_reshape(&b, build_cast(&b, is_target, self->type.dtype),
                                   self->type.sizes, self->type.rank);
    return b.error;
}

/* ---- rows ------------------------------------------------------------------------------------ */

const OpDesc loss_ops[] = {
    EXPAND_FN("aten::mse_loss(Tensor self, Tensor target, int reduction=1) -> Tensor", expand_pair,
              .samples = LOSS_SAMPLES),
    EXPAND_FN("aten::l1_loss(Tensor self, Tensor target, int reduction=1) -> Tensor", expand_pair,
              .samples = LOSS_SAMPLES),
    EXPAND_FN("aten::smooth_l1_loss(Tensor self, Tensor target, int reduction=1, float beta=1.) -> "
              "Tensor",
              expand_pair, .samples = LOSS_SAMPLES),
    EXPAND_FN(
        "aten::huber_loss(Tensor self, Tensor target, int reduction=1, float delta=1.) -> Tensor",
        expand_pair, .samples = LOSS_SAMPLES),
    EXPAND_FN(
        "aten::binary_cross_entropy(Tensor self, Tensor target, Tensor? weight=None, int "
        "reduction=1) -> "
        "Tensor",
        expand_pair,
        .samples =
            "self=f32[3,4]@0..1 target=f32[3,4]@0..1 | self=f32[3,4]@0..1 target=f32[3,4]@0..1 "
            "weight=f32[4] reduction=0 | self=f32[4]@[0,1] target=f32[4]@[0,0,1,1] reduction=0"),
    EXPAND_FN("aten::binary_cross_entropy_with_logits(Tensor self, Tensor target, Tensor? "
              "weight=None, Tensor? "
              "pos_weight=None, int reduction=1) -> Tensor",
              expand_pair,
              .samples = "self=f32[3,4] target=f32[3,4]@0..1 | self=f32[3,4] target=f32[3,4]@0..1 "
                         "weight=f32[4] pos_weight=f32[4]@1..3 reduction=0 | self=f32[5]@-99..99 "
                         "target=f32[5]@0..1 reduction=2"),
    EXPAND_FN("aten::kl_div(Tensor self, Tensor target, int reduction=1, *, bool log_target=False) "
              "-> Tensor",
              expand_pair, .samples = LOSS_SAMPLES),
    EXPAND_FN("aten::poisson_nll_loss(Tensor input, Tensor target, bool log_input, bool full, "
              "float eps, int "
              "reduction) -> Tensor",
              expand_pair,
              .samples = "input=f32[3,4] target=f32[3,4]@0..9 log_input=true full=false eps=1e-8 "
                         "reduction=1 | input=f32[3,4]@0..3 target=f32[3,4]@0..9 log_input=false "
                         "full=true eps=1e-8 reduction=0"),
    EXPAND_FN("aten::soft_margin_loss(Tensor self, Tensor target, int reduction=1) -> Tensor",
              expand_pair, .samples = LOSS_SAMPLES),
    EXPAND_FN("aten::hinge_embedding_loss(Tensor self, Tensor target, float margin=1., int "
              "reduction=1) -> Tensor",
              expand_pair,
              .samples = "self=f32[3,4] target=f32[3,4]@[1,-1] | self=f32[5] "
                         "target=f32[5]@[1,-1,-1] margin=0.5 reduction=2"),
    EXPAND_FN(
        "aten::nll_loss(Tensor self, Tensor target, Tensor? weight=None, int reduction=1, SymInt "
        "ignore_index=-100) -> Tensor",
        expand_nll,
        .samples = "self=f32[3,5] target=i64[3]@0..4 | self=f32[3,5] target=i64[3]@0..4 "
                   "weight=f32[5]@0..1 reduction=0 | self=f32[3,5] target=i64[3]@[1,2,4] "
                   "ignore_index=2 | self=f32[5] target=i64[]@2..2 reduction=2"),
    EXPAND_FN(
        "aten::nll_loss2d(Tensor self, Tensor target, Tensor? weight=None, int reduction=1, SymInt "
        "ignore_index=-100) -> Tensor",
        expand_nll,
        .samples = "self=f32[2,5,2,3] target=i64[2,2,3]@0..4 | self=f32[2,5,2,3] "
                   "target=i64[2,2,3]@0..4 reduction=0"),
    EXPAND_FN("aten::nll_loss_nd(Tensor self, Tensor target, Tensor? weight=None, int reduction=1, "
              "SymInt "
              "ignore_index=-100) -> Tensor",
              expand_nll,
              .samples = "self=f32[3,5] target=i64[3]@0..4 | self=f32[3,5] target=i64[3]@0..4 "
                         "weight=f32[5]@0..1 reduction=0 | self=f32[3,5] target=i64[3]@[1,2,4] "
                         "ignore_index=2 | self=f32[5] target=i64[]@2..2 reduction=2"),
    EXPAND_FN(
        "aten::nll_loss_forward(Tensor self, Tensor target, Tensor? weight, int reduction, SymInt "
        "ignore_index) -> (Tensor output, Tensor total_weight)",
        expand_nll,
        .samples =
            "self=f32[3,5] target=i64[3]@0..4 weight=None reduction=1 ignore_index=-100 | "
            "self=f32[3,5] target=i64[3]@0..4 weight=f32[5]@0..1 reduction=2 ignore_index=1"),
    EXPAND_FN(
        "aten::nll_loss2d_forward(Tensor self, Tensor target, Tensor? weight, int reduction, "
        "SymInt "
        "ignore_index) -> (Tensor output, Tensor total_weight)",
        expand_nll,
        .samples =
            "self=f32[2,5,2,3] target=i64[2,2,3]@0..4 weight=None reduction=1 ignore_index=-100"),
    EXPAND_FN("aten::cross_entropy_loss(Tensor self, Tensor target, Tensor? weight=None, int "
              "reduction=1, SymInt "
              "ignore_index=-100, float label_smoothing=0.) -> Tensor",
              expand_cross_entropy,
              .samples = "self=f32[3,5] target=i64[3]@0..4 | self=f32[3,5] target=i64[3]@0..4 "
                         "weight=f32[5]@0..1 reduction=0 label_smoothing=0.1 | self=f32[3,5] "
                         "target=f32[3,5]@0..1 | self=f32[2,5,3] target=i64[2,3]@0..4 "
                         "ignore_index=1 | self=f32[5] target=i64[]@2..2"),
    EXPAND_FN("aten::cosine_similarity(Tensor x1, Tensor x2, int dim=1, float eps=1e-08) -> Tensor",
              expand_cosine_similarity,
              .samples = "x1=f32[3,4] x2=f32[3,4] | x1=f32[2,3,4] x2=f32[2,3,4] dim=-1 eps=0.1 | "
                         "x1=f32[3,4] x2=f32[1,4]"),
    EXPAND_FN("aten::pairwise_distance(Tensor x1, Tensor x2, float p=2., float "
              "eps=9.9999999999999995e-07, bool "
              "keepdim=False) -> Tensor",
              expand_pairwise_distance,
              .samples = "x1=f32[3,4] x2=f32[3,4] | x1=f32[3,4] x2=f32[3,4] p=1.0 keepdim=true"),
    EXPAND_FN(
        "aten::cdist(Tensor x1, Tensor x2, float p=2., int? compute_mode=None) -> Tensor",
        expand_cdist,
        .samples =
            "x1=f32[3,4] x2=f32[5,4] | x1=f32[2,3,4] x2=f32[2,5,4] p=1.0 | x1=f32[3,4] x2=f32[5,4] "
            "p=inf | x1=f32[3,4] x2=f32[5,4] p=2.0 compute_mode=2 | x1=f32[3,4] x2=f32[0,4]"),
    EXPAND_FN("aten::_cdist_forward(Tensor x1, Tensor x2, float p, int? compute_mode) -> Tensor",
              expand_cdist,
              .samples = "x1=f32[3,4] x2=f32[5,4] p=2.0 compute_mode=2 | x1=f32[3,4] x2=f32[5,4] "
                         "p=3.0 compute_mode=None"),
    EXPAND_FN("aten::_euclidean_dist(Tensor x1, Tensor x2) -> Tensor", expand_cdist,
              .samples = "x1=f32[3,4] x2=f32[5,4]"),
    EXPAND_FN("aten::pdist(Tensor self, float p=2.) -> Tensor", expand_pdist,
              .samples = "self=f32[5,3] | self=f32[5,3] p=1.0 | self=f32[1,3]"),
    EXPAND_FN("aten::_pdist_forward(Tensor self, float p=2.) -> Tensor", expand_pdist,
              .samples = "self=f32[5,3] | self=f32[5,3] p=1.0 | self=f32[1,3]"),
    EXPAND_FN("aten::margin_ranking_loss(Tensor input1, Tensor input2, Tensor target, float "
              "margin=0., int "
              "reduction=1) -> Tensor",
              expand_margin_ranking,
              .samples = "input1=f32[5] input2=f32[5] target=f32[5]@[1,-1] | input1=f32[5] "
                         "input2=f32[5] target=f32[5]@[1,-1] margin=0.5 reduction=0"),
    EXPAND_FN("aten::triplet_margin_loss(Tensor anchor, Tensor positive, Tensor negative, float "
              "margin=1., float "
              "p=2., float eps=9.9999999999999995e-07, bool swap=False, int reduction=1) -> Tensor",
              expand_triplet_margin,
              .samples =
                  "anchor=f32[3,4] positive=f32[3,4] negative=f32[3,4] | anchor=f32[3,4] "
                  "positive=f32[3,4] negative=f32[3,4] margin=0.5 p=1.0 swap=true reduction=0"),
    EXPAND_FN("aten::cosine_embedding_loss(Tensor input1, Tensor input2, Tensor target, float "
              "margin=0., int "
              "reduction=1) -> Tensor",
              expand_cosine_embedding,
              .samples = "input1=f32[3,4] input2=f32[3,4] target=f32[3]@[1,-1,1] | input1=f32[3,4] "
                         "input2=f32[3,4] target=f32[3]@[1,-1,1] margin=0.2 reduction=0"),
    EXPAND_FN("aten::multi_margin_loss(Tensor self, Tensor target, Scalar p=1, Scalar margin=1, "
              "Tensor? weight=None, "
              "int reduction=1) -> Tensor",
              expand_multi_margin,
              .samples = "self=f32[3,5] target=i64[3]@0..4 | self=f32[3,5] target=i64[3]@0..4 p=2 "
                         "margin=0.5 weight=f32[5]@0..1 reduction=0"),
    EXPAND_FN("aten::multilabel_margin_loss(Tensor self, Tensor target, int reduction=1) -> Tensor",
              expand_multilabel_margin,
              .samples = "self=f32[2,4] target=i64[2,4]@[0,2,-1,1,3,-1,0,0] | self=f32[2,4] "
                         "target=i64[2,4]@[0,2,-1,1,3,-1,0,0] reduction=0"),
    EXPAND_FN("aten::multilabel_margin_loss_forward(Tensor self, Tensor target, int reduction) -> "
              "(Tensor output, "
              "Tensor is_target)",
              expand_multilabel_margin,
              .samples = "self=f32[2,4] target=i64[2,4]@[0,2,-1,1,3,-1,0,0] reduction=1"),
    {0},
};
