/* Random operators, as composites of a few draws (random_draw.c).
 *
 *   %1 = aten.rand.default([s0,4])      becomes  %1 = aotc.uniform.default([s0,4], 7, f32)
 *   %2 = aten.bernoulli.p(%x, 0.3)               %u = aotc.uniform.default([s0,4], 8, f32)
 *                                                %2 = aten.lt.Scalar(%u, 0.3), cast to the dtype of
 * %x
 *
 * Values are not those of eager PyTorch for the same seed: only the distributions are. */
#include "ir/ops/random_draw.h"
#include "ir/ops/sample_texts.h"
#include "ir/ops/shape_util.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846

static Value *call_1(Build *b, const char *op, Value *a)
{
    return b->error ? NULL : BUILD(b, op, arg_value(a));
}

static Value *call_2(Build *b, const char *op, Value *a, Arg other)
{
    return b->error ? NULL : BUILD(b, op, arg_value(a), other);
}

static Value *scaled(Build *b, Value *a, double factor)
{
    return factor == 1 ? a : call_2(b, "aten.mul.Scalar", a, arg_float(factor));
}

static Value *shifted(Build *b, Value *a, double offset)
{
    return offset == 0 ? a : call_2(b, "aten.add.Scalar", a, arg_float(offset));
}

/* Continuous distributions are computed in this dtype and rounded once. */
static DType draw_dtype(DType dtype)
{
    return dtype == DT_F64 || !dtype_is_float(dtype) ? DT_F64 : DT_F32;
}

/* (0, 1]: 1 minus a uniform number. */
static Value *positive_uniform(Build *b, const Value *like)
{
    Value *u = random_draw_like(b, UNIFORM, like, draw_dtype(like->type.dtype));
    return shifted(b, call_1(b, "aten.neg.default", u), 1);
}

/* ---- sizes and dtypes of creation forms ------------------------------------------------------ */

typedef struct Wanted {
    const Expr *sizes[MAX_RANK];
    int         rank;
    DType       dtype;
} Wanted;

/* size= or the sizes of self; dtype=, or that of self. */
static Error *wanted_of(const Node *node, Wanted *w)
{
    int          dtype = schema_param(node->schema, "dtype");
    const Value *self = schema_param(node->schema, "self") >= 0 ? node_tensor(node, "self") : NULL;
    w->dtype = self ? self->type.dtype : DT_F32;
    if (dtype >= 0 && node->args[dtype].kind == ARG_DTYPE)
        w->dtype = node->args[dtype].dtype;
    if (!self)
        return shape_exprs(node, "size", w->sizes, &w->rank);
    w->rank = self->type.rank;
    memcpy(w->sizes, self->type.sizes, sizeof *w->sizes * (size_t)w->rank);
    return NULL;
}

static Error *expand_rand(Node *node, Value **results)
{
    Build  b = build_at(node);
    Wanted w;
    TRY(wanted_of(node, &w));
    results[0] = random_draw(&b, UNIFORM, w.sizes, w.rank, w.dtype);
    return b.error;
}

static Error *expand_randn(Node *node, Value **results)
{
    Build  b = build_at(node);
    Wanted w;
    TRY(wanted_of(node, &w));
    results[0] = random_draw(&b, NORMAL, w.sizes, w.rank, w.dtype);
    return b.error;
}

/* ---- integers -------------------------------------------------------------------------------- */

/* Whole numbers in [low, low + range).  Of 32 bits the high part of the product is taken; the bias
 * is below range / 2^32 (2^63 for wide ranges), as in eager PyTorch. */
static Value *whole_numbers(Build *b, const Wanted *w, const Expr *low, const Expr *range)
{
    Graph *g = b->graph;
    bool   wide = expr_range(range).max > INT32_MAX;
    Value *x = random_words(b, w->sizes, w->rank, wide);
    if (wide) {
        x = call_2(b, "aten.bitwise_and.Scalar", x, arg_int(g, INT64_MAX));
        x = call_2(b, "aten.remainder.Scalar", x, arg_expr(range));
    } else {
        x = call_2(b, "aten.mul.Scalar", x, arg_expr(range));
        x = call_2(b, "aten.bitwise_right_shift.Tensor_Scalar", x, arg_int(g, 32));
    }
    if (!expr_is_value(low, 0))
        x = call_2(b, "aten.add.Scalar", x, arg_expr(low));
    return b->error ? NULL : build_cast(b, x, w->dtype);
}

static Error *check_whole_range(const Node *node, const Expr *range)
{
    if (expr_range(range).max <= 0)
        return node_error(node, E_VALUE, "the range of %s is empty", node->schema->name);
    return NULL;
}

static Error *expand_randint(Node *node, Value **results)
{
    Build  b = build_at(node);
    Wanted w;
    TRY(wanted_of(node, &w));
    const Expr *high = arg_as_expr(node_arg(node, "high"));
    const Expr *low = schema_param(node->schema, "low") >= 0 ? arg_as_expr(node_arg(node, "low"))
                                                             : shape_int(node, 0);
    const Expr *range = expr_sub(shape_pool(node), high, low);
    TRY(check_whole_range(node, range));
    results[0] = whole_numbers(&b, &w, low, range);
    return b.error;
}

static Error *expand_randint_tensor(Node *node, Value **results)
{
    Build  b = build_at(node);
    Wanted w;
    TRY(wanted_of(node, &w));
    Value *x = random_words(&b, w.sizes, w.rank, true);
    x = call_2(&b, "aten.bitwise_and.Scalar", x, arg_int(b.graph, INT64_MAX));
    x = call_2(&b, "aten.remainder.Tensor", x, *node_arg(node, "high"));
    results[0] = b.error ? NULL : build_cast(&b, x, w.dtype);
    return b.error;
}

/* One past the largest number that random_() gives: whole numbers that the dtype holds exactly. */
static double random_limit(DType dtype)
{
    switch (dtype) {
    case DT_BOOL:
        return 2;
    case DT_F64:
        return 0x1p53 + 1;
    case DT_F32:
        return 0x1p24 + 1;
    case DT_F16:
        return 0x1p11 + 1;
    case DT_BF16:
        return 0x1p8 + 1;
    default:
        return ldexp(1, 8 * dtype_size(dtype) - (dtype_info(dtype)->is_signed ? 1 : 0));
    }
}

/* random, random.to, random.from. */
static Error *expand_random(Node *node, Value **results)
{
    Build     b = build_at(node);
    ExprPool *pool = shape_pool(node);
    Wanted    w;
    TRY(wanted_of(node, &w));
    int         from = schema_param(node->schema, "from"), to = schema_param(node->schema, "to");
    double      limit = random_limit(w.dtype);
    const Expr *low = from >= 0 ? arg_as_expr(&node->args[from]) : shape_int(node, 0), *high;
    if (to >= 0 && node->args[to].kind != ARG_NONE)
        high = arg_as_expr(&node->args[to]);
    else
        high = expr_int(pool, limit >= 0x1p63 ? INT64_MAX : (int64_t)limit);
    const Expr *range = expr_sub(pool, high, low);
    TRY(check_whole_range(node, range));
    results[0] = whole_numbers(&b, &w, low, range);
    return b.error;
}

/* Places in the order of 64-bit keys; two equal keys are as likely as a collision of 64-bit hashes.
 */
static Error *expand_randperm(Node *node, Value **results)
{
    Build       b = build_at(node);
    const Expr *n = arg_as_expr(node_arg(node, "n"));
    Value      *keys = random_words(&b, &n, 1, true);
    Value      *order = call_1(&b, "aten.argsort.default", keys);
    DType       dtype =
        node_arg(node, "dtype")->kind == ARG_DTYPE ? node_arg(node, "dtype")->dtype : DT_I64;
    results[0] = b.error ? NULL : build_cast(&b, order, dtype);
    return b.error;
}

/* ---- distributions --------------------------------------------------------------------------- */

static double param(const Node *node, const char *name)
{
    return node_float(node, name);
}

/* A number of the distribution that the operator's name says, in draw_dtype of self. */
static Value *distribution(Build *b, const Node *node, const Value *self)
{
    const char *base = node->schema->base;
    DType       dtype = draw_dtype(self->type.dtype);
    if (!strcmp(base, "uniform")) {
        double from = param(node, "from"), to = param(node, "to");
        return shifted(b, scaled(b, random_draw_like(b, UNIFORM, self, dtype), to - from), from);
    }
    if (!strcmp(base, "normal_functional") || !strcmp(base, "log_normal")) {
        Value *x = scaled(b, random_draw_like(b, NORMAL, self, dtype), param(node, "std"));
        x = shifted(b, x, param(node, "mean"));
        return base[0] == 'l' ? call_1(b, "aten.exp.default", x) : x;
    }
    if (!strcmp(base, "exponential")) {
        Value *log = call_1(b, "aten.log.default", positive_uniform(b, self));
        return scaled(b, log, -1 / param(node, "lambd"));
    }
    if (!strcmp(base, "geometric")) { /* how many trials until one succeeds */
        Value *log = call_1(b, "aten.log.default", positive_uniform(b, self));
        Value *trials = scaled(b, log, 1 / log1p(-param(node, "p")));
        return call_2(b, "aten.clamp_min.default", call_1(b, "aten.ceil.default", trials),
                      arg_float(1));
    }
    /* cauchy: the tangent of a uniform angle */
    Value *turn = shifted(b, scaled(b, random_draw_like(b, UNIFORM, self, dtype), PI), -PI / 2);
    return shifted(b, scaled(b, call_1(b, "aten.tan.default", turn), param(node, "sigma")),
                   param(node, "median"));
}

static Error *check_parameters(const Node *node)
{
    static const struct {
        const char *base, *name;
        double      above, below;
    } rules[] = {{"exponential", "lambd", 0, INFINITY},
                 {"geometric", "p", 0, 1},
                 {"cauchy", "sigma", 0, INFINITY},
                 {"log_normal", "std", 0, INFINITY}};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (!strcmp(node->schema->base, rules[i].base)) {
            double v = param(node, rules[i].name);
            if (!(v > rules[i].above && v < rules[i].below) &&
                !(v == INFINITY && rules[i].below == INFINITY))
                return node_error(node, E_VALUE, "%s is %g", rules[i].name, v);
        }
    if (!strcmp(node->schema->base, "uniform") && param(node, "from") > param(node, "to"))
        return node_error(node, E_VALUE, "uniform from %g to %g", param(node, "from"),
                          param(node, "to"));
    if (!strcmp(node->schema->base, "normal_functional") && !(param(node, "std") >= 0))
        return node_error(node, E_VALUE, "std is %g", param(node, "std"));
    return NULL;
}

static Error *expand_distribution(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *self = node_tensor(node, "self");
    TRY(check_parameters(node));
    Value *x = distribution(&b, node, self);
    results[0] = b.error ? NULL : build_cast(&b, x, self->type.dtype);
    return b.error;
}

/* normal.Tensor_Tensor, Tensor_float, float_Tensor, float_float. */
static Error *expand_normal(Node *node, Value **results)
{
    Build      b = build_at(node);
    const Arg *mean = node_arg(node, "mean"), *std = node_arg(node, "std");
    Value *m = mean->kind == ARG_VALUE && mean->value->kind == VALUE_TENSOR ? mean->value : NULL;
    Value *s = std->kind == ARG_VALUE && std->value->kind == VALUE_TENSOR ? std->value : NULL;
    Wanted w = {.dtype = m ? m->type.dtype : s ? s->type.dtype : DT_F32};
    if (m && s)
        TRY(shape_broadcast(node, m->type.sizes, m->type.rank, s->type.sizes, s->type.rank, w.sizes,
                            &w.rank));
    else if (m || s)
        memcpy(w.sizes, (m ? m : s)->type.sizes,
               sizeof *w.sizes * (size_t)(w.rank = (m ? m : s)->type.rank));
    else
        TRY(wanted_of(node, &w));
    DType  dtype = draw_dtype(w.dtype);
    Value *x = random_draw(&b, NORMAL, w.sizes, w.rank, dtype);
    x = s ? call_2(&b, "aten.mul.Tensor", x, arg_value(build_cast(&b, s, dtype)))
          : scaled(&b, x, node_float(node, "std"));
    x = m ? call_2(&b, "aten.add.Tensor", x, arg_value(build_cast(&b, m, dtype)))
          : shifted(&b, x, node_float(node, "mean"));
    results[0] = b.error ? NULL : build_cast(&b, x, w.dtype);
    return b.error;
}

/* ---- bernoulli and dropout ------------------------------------------------------------------- */

/* true with the probability. */
static Value *coins(Build *b, const Expr *const *sizes, int rank, double p)
{
    return call_2(b, "aten.lt.Scalar", random_draw(b, UNIFORM, sizes, rank, DT_F32), arg_float(p));
}

static Error *check_probability(const Node *node, double p)
{
    return p >= 0 && p <= 1 ? NULL : node_error(node, E_VALUE, "p is %g, not in 0 … 1", p);
}

static Error *expand_bernoulli(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *self = node_tensor(node, "self"), *hit;
    int    at = schema_param(node->schema, "p");
    if (at >= 0 && node->args[at].kind != ARG_VALUE) {
        double p = node_float(node, "p");
        TRY(check_probability(node, p));
        hit = coins(&b, self->type.sizes, self->type.rank, p);
    } else {
        Value *p = at >= 0 ? node->args[at].value : self;
        DType  dtype = p->type.dtype == DT_F64 ? DT_F64 : DT_F32;
        Value *u = random_draw_like(&b, UNIFORM, self, dtype);
        hit = call_2(&b, "aten.lt.Tensor", u, arg_value(build_cast(&b, p, dtype)));
    }
    results[0] = b.error ? NULL : build_cast(&b, hit, self->type.dtype);
    return b.error;
}

/* What stays is scaled, so that the mean does: x * mask / (1 - p). */
static Value *drop(Build *b, Value *x, Value *mask, double p)
{
    Value *kept = call_2(b, "aten.mul.Tensor", x, arg_value(mask));
    return p == 1 ? kept : scaled(b, kept, 1 / (1 - p));
}

/* Mean and variance stay those of the input where it had mean 0 and variance 1 ("Self-Normalizing
 * Neural Networks", Klambauer et al. 2017): dropped elements become -alpha * scale of selu. */
static Value *drop_alpha(Build *b, Value *x, Value *mask, double p)
{
    const double alpha = 1.7580993408473766;
    if (p == 1)
        return call_2(b, "aten.mul.Tensor", x, arg_value(mask));
    double a = 1 / sqrt((alpha * alpha * p + 1) * (1 - p));
    Value *wide = build_cast(b, mask, dtype_compute(x->type.dtype));
    Value *lost = scaled(b, shifted(b, wide, -1), alpha * a);
    lost = build_cast(b, shifted(b, lost, alpha * a * p), x->type.dtype);
    Value *kept = scaled(b, call_2(b, "aten.mul.Tensor", x, arg_value(mask)), a);
    return call_2(b, "aten.add.Tensor", kept, arg_value(lost));
}

static Error *expand_dropout(Node *node, Value **results)
{
    Build       b = build_at(node);
    Value      *x = node_tensor(node, "input");
    double      p = node_float(node, "p");
    const char *base = node->schema->base;
    const Expr *sizes[MAX_RANK];
    TRY(check_probability(node, p));
    if (!node_bool(node, "train") || p == 0) {
        results[0] = x;
        return NULL;
    }
    memcpy(sizes, x->type.sizes, sizeof *sizes * (size_t)x->type.rank);
    if (!strncmp(base, "feature", 7)) { /* whole channels */
        TRY(shape_check_rank(node, "input", 2, MAX_RANK));
        for (int d = 2; d < x->type.rank; d++)
            sizes[d] = shape_int(node, 1);
    }
    Value *mask = coins(&b, sizes, x->type.rank, 1 - p);
    if (b.error)
        return b.error;
    results[0] = strstr(base, "alpha") ? drop_alpha(&b, x, mask, p) : drop(&b, x, mask, p);
    return b.error;
}

/* train=None means true. */
static Error *expand_native_dropout(Node *node, Value **results)
{
    Build      b = build_at(node);
    const Arg *train = node_arg(node, "train");
    bool   trains = train->kind != ARG_BOOL || !expr_is_const(train->expr) || train->expr->value;
    double p = node_float(node, "p");
    Value *x = node_tensor(node, "input");
    TRY(check_probability(node, p));
    if (trains && p != 0) {
        results[1] = coins(&b, x->type.sizes, x->type.rank, 1 - p);
        results[0] = b.error ? NULL : drop(&b, x, results[1], p);
        return b.error;
    }
    results[0] = x;
    results[1] = BUILD(&b, "aten.full_like.default", arg_value(x), arg_bool(b.graph, true),
                       arg_dtype(DT_BOOL));
    return b.error;
}

/* Leaky relu with a random slope for each negative element; `noise` says which. */
static Error *expand_rrelu(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *x = node_tensor(node, "self");
    double lower = node_float(node, "lower"), upper = node_float(node, "upper");
    if (!node_bool(node, "training")) {
        results[0] =
            BUILD(&b, "aten.leaky_relu.default", arg_value(x), arg_float((lower + upper) / 2));
        if (node->n_results > 1)
            results[1] = node_tensor(node, "noise");
        return b.error;
    }
    Value *slope = random_draw_like(&b, UNIFORM, x, dtype_compute(x->type.dtype));
    slope = shifted(&b, scaled(&b, slope, upper - lower), lower);
    slope = build_cast(&b, slope, x->type.dtype);
    Value *negative = call_2(&b, "aten.le.Scalar", x, arg_int(b.graph, 0));
    if (b.error)
        return b.error;
    Value *noise =
        BUILD(&b, "aten.where.ScalarOther", arg_value(negative), arg_value(slope), arg_float(1));
    results[0] = call_2(&b, "aten.mul.Tensor", x, arg_value(noise));
    if (node->n_results > 1)
        results[1] = noise;
    return b.error;
}

/* ---- drawing from given weights -------------------------------------------------------------- */

/* How many sums of weights are at most u * (sum of all): zero weights are never met. */
static Value *with_replacement(Build *b, Value *weights, const Expr *n)
{
    int    rank = weights->type.rank;
    Value *sums = BUILD(b, "aten.cumsum.default", arg_value(build_cast(b, weights, DT_F64)),
                        arg_int(b->graph, -1));
    if (b->error)
        return NULL;
    const Expr *sizes[2] = {weights->type.sizes[0], n}, *last = weights->type.sizes[rank - 1];
    ExprPool   *pool = b->graph->ir->exprs;
    const Expr *end = expr_sub(pool, last, expr_int(pool, 1));
    Value      *u = random_draw(b, UNIFORM, rank == 1 ? &n : sizes, rank, DT_F64);
    Value      *total = build_slice(b, sums, rank - 1, end, last);
    u = b->error ? NULL : call_2(b, "aten.mul.Tensor", u, arg_value(total));
    if (b->error)
        return NULL;
    u = build_unsqueeze(b, u, rank);
    sums = build_unsqueeze(b, sums, rank - 1);
    Value *below = b->error ? NULL : BUILD(b, "aten.le.Tensor", arg_value(sums), arg_value(u));
    if (b->error)
        return NULL;
    int64_t dim = -1;
    Value  *place = BUILD(b, "aten.sum.dim_IntList", arg_value(below), arg_ints(b->graph, &dim, 1));
    return call_2(b, "aten.clamp_max.default", place, arg_expr(end));
}

/* The n largest of weight / exponential noise (Efraimidis and Spirakis, "Weighted random sampling
 * with a reservoir", 2006), as eager PyTorch does it. */
static Value *without_replacement(Build *b, Value *weights, const Expr *n)
{
    Value *x = build_cast(b, weights, draw_dtype(weights->type.dtype));
    Value *noise = call_1(b, "aten.exponential.default", x);
    Value *keys = b->error ? NULL : call_2(b, "aten.div.Tensor", x, arg_value(noise));
    Node  *top = b->error ? NULL : BUILD_NODE(b, "aten.topk.default", arg_value(keys), arg_expr(n));
    return b->error ? NULL : top->results[1];
}

static Error *expand_multinomial(Node *node, Value **results)
{
    Build       b = build_at(node);
    Value      *weights = node_tensor(node, "self");
    const Expr *n = arg_as_expr(node_arg(node, "num_samples"));
    TRY(shape_check_rank(node, "self", 1, 2));
    if (expr_range(n).max <= 0)
        return node_error(node, E_VALUE, "multinomial without samples");
    results[0] = node_bool(node, "replacement") ? with_replacement(&b, weights, n)
                                                : without_replacement(&b, weights, n);
    return b.error;
}

/* ---- rejection methods ----------------------------------------------------------------------- */

static Error *expand_poisson(Node *node, Value **results)
{
    Build b = build_at(node);
    Arg   args[] = {*node_arg(node, "self"), random_stream(&b)};
    results[0] = build_internal(&b, POISSON, args, 2);
    return b.error;
}

static Error *expand_gamma(Node *node, Value **results)
{
    Build b = build_at(node);
    Arg   args[] = {*node_arg(node, "self"), random_stream(&b)};
    results[0] = build_internal(&b, GAMMA, args, 2);
    return b.error;
}

static Error *expand_binomial(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *both[2] = {node_tensor(node, "count"), node_tensor(node, "prob")};
    Node  *same = BUILD_NODE(&b, "aten.broadcast_tensors.default", arg_values(b.graph, both, 2));
    if (b.error)
        return b.error;
    Arg args[] = {arg_value(same->results[0]), arg_value(same->results[1]), random_stream(&b)};
    results[0] = build_internal(&b, BINOMIAL, args, 3);
    return b.error;
}

/* Gamma numbers over their sum. */
static Error *expand_dirichlet(Node *node, Value **results)
{
    Build   b = build_at(node);
    int64_t dim = -1;
    Value  *x = call_1(&b, "aten._standard_gamma.default", node_tensor(node, "self"));
    if (b.error)
        return b.error;
    Value *sum = BUILD(&b, "aten.sum.dim_IntList", arg_value(x), arg_ints(b.graph, &dim, 1),
                       arg_bool(b.graph, true));
    results[0] = b.error ? NULL : call_2(&b, "aten.div.Tensor", x, arg_value(sum));
    return b.error;
}

/* ---- rows ------------------------------------------------------------------------------------ */
#define RANDOM(text, fn, ...)                                                                      \
    {                                                                                              \
        .schema = text, .kind = OP_COMPOSITE, .expand_fn = fn, .is_random = true, __VA_ARGS__      \
    }
#define TENSOR_OPTIONS                                                                             \
    "ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None"
#define WHOLE_OPTIONS                                                                              \
    "ScalarType? dtype=4, Layout? layout=None, Device? device=None, bool? pin_memory=None"
#define LIKE_OPTIONS TENSOR_OPTIONS ", MemoryFormat? memory_format=None"

const OpDesc random_ops[] = {
    RANDOM(
        "aten::rand(SymInt[] size, *, " TENSOR_OPTIONS ") -> Tensor", expand_rand,
        .samples =
            "~ size=[40,50] | ~ size=[40,50] dtype=f64 | ~ size=[0,3] | ~ size=[30,40] dtype=bf16"),
    RANDOM("aten::rand.generator(SymInt[] size, *, Generator? generator, " TENSOR_OPTIONS
           ") -> Tensor",
           expand_rand, .samples = "~ size=[40,50] generator=None"),
    RANDOM("aten::rand_like(Tensor self, *, " LIKE_OPTIONS ") -> Tensor", expand_rand,
           .samples = "~ self=f32[40,50] | ~ self=f32[3] dtype=f64"),
    RANDOM("aten::rand_like.generator(Tensor self, *, Generator? generator, " LIKE_OPTIONS
           ") -> Tensor",
           expand_rand, .samples = "~ self=f32[40,50] generator=None"),
    RANDOM(
        "aten::randn(SymInt[] size, *, " TENSOR_OPTIONS ") -> Tensor", expand_randn,
        .samples =
            "~ size=[40,50] | ~ size=[40,50] dtype=f64 | ~ size=[0,3] | ~ size=[30,40] dtype=bf16"),
    RANDOM("aten::randn.generator(SymInt[] size, *, Generator? generator, " TENSOR_OPTIONS
           ") -> Tensor",
           expand_randn, .samples = "~ size=[40,50] generator=None"),
    RANDOM("aten::randn_like(Tensor self, *, " LIKE_OPTIONS ") -> Tensor", expand_randn,
           .samples = "~ self=f32[40,50] | ~ self=f32[3] dtype=f64"),
    RANDOM("aten::randn_like.generator(Tensor self, *, Generator? generator, " LIKE_OPTIONS
           ") -> Tensor",
           expand_randn, .samples = "~ self=f32[40,50] generator=None"),

    RANDOM("aten::randint(SymInt high, SymInt[] size, *, " WHOLE_OPTIONS ") -> Tensor",
           expand_randint,
           .samples = "~ high=9 size=[40,50] dtype=f32 | ~ high=9 size=[3] | ! high=0 size=[3]"),
    RANDOM("aten::randint.generator(SymInt high, SymInt[] size, *, Generator? "
           "generator, " WHOLE_OPTIONS ") -> Tensor",
           expand_randint, .samples = "~ high=9 size=[40,50] generator=None dtype=f32"),
    RANDOM(
        "aten::randint.low(SymInt low, SymInt high, SymInt[] size, *, " WHOLE_OPTIONS ") -> Tensor",
        expand_randint,
        .samples = "~ low=-5 high=9 size=[40,50] dtype=f32 | ~ low=-5 high=9 size=[3] dtype=i32"),
    RANDOM("aten::randint.low_generator(SymInt low, SymInt high, SymInt[] size, *, Generator? "
           "generator, " WHOLE_OPTIONS ") -> Tensor",
           expand_randint, .samples = "~ low=-5 high=9 size=[40,50] generator=None dtype=f32"),
    RANDOM("aten::randint_like(Tensor self, SymInt high, *, " LIKE_OPTIONS ") -> Tensor",
           expand_randint, .samples = "~ self=f32[40,50] high=9 | ~ self=i64[4] high=9"),
    RANDOM("aten::randint_like.generator(Tensor self, SymInt high, *, Generator? "
           "generator, " LIKE_OPTIONS ") -> Tensor",
           expand_randint, .samples = "~ self=f32[40,50] high=9 generator=None"),
    RANDOM("aten::randint_like.low_dtype(Tensor self, SymInt low, SymInt high, *, " LIKE_OPTIONS
           ") -> Tensor",
           expand_randint, .samples = "~ self=f32[40,50] low=-5 high=9"),
    RANDOM("aten::randint_like.low_generator_dtype(Tensor self, SymInt low, SymInt high, *, "
           "Generator? "
           "generator, " LIKE_OPTIONS ") -> Tensor",
           expand_randint, .samples = "~ self=f32[40,50] low=-5 high=9 generator=None"),
    RANDOM("aten::randint_like.Tensor(Tensor self, Tensor high, *, " LIKE_OPTIONS ") -> Tensor",
           expand_randint_tensor, .samples = "~ self=f32[40,50] high=i64[]@9..9"),
    RANDOM("aten::randint_like.Tensor_generator(Tensor self, Tensor high, *, Generator? "
           "generator, " LIKE_OPTIONS ") -> Tensor",
           expand_randint_tensor, .samples = "~ self=f32[40,50] high=i64[]@9..9 generator=None"),
    RANDOM("aten::random(Tensor self, *, Generator? generator=None) -> Tensor", expand_random,
           .samples = "~ self=f32[40,50] | ~ self=i32[4]"),
    RANDOM(
        "aten::random.from(Tensor self, int from, int? to, *, Generator? generator=None) -> Tensor",
        expand_random, .samples = "~ self=f32[40,50] from=2 to=9"),
    RANDOM("aten::random.to(Tensor self, int to, *, Generator? generator=None) -> Tensor",
           expand_random, .samples = "~ self=f32[40,50] to=9"),
    RANDOM("aten::randperm(SymInt n, *, " WHOLE_OPTIONS ") -> Tensor", expand_randperm,
           .samples = "~ n=7 | ~ n=0 | ~ n=2000 dtype=f32"),
    RANDOM("aten::randperm.generator(SymInt n, *, Generator? generator, " WHOLE_OPTIONS
           ") -> Tensor",
           expand_randperm, .samples = "~ n=7 generator=None"),

    RANDOM("aten::uniform(Tensor self, float from=0., float to=1., *, Generator? generator=None) "
           "-> Tensor",
           expand_distribution,
           .samples = "~ self=f32[40,50] | ~ self=f64[40,50] from=-1.0 to=3.0"),
    RANDOM("aten::normal_functional(Tensor self, float mean=0., float std=1., *, Generator? "
           "generator=None) -> Tensor",
           expand_distribution,
           .samples = "~ self=f32[40,50] | ~ self=f32[40,50] mean=1.0 std=0.5"),
    RANDOM("aten::log_normal(Tensor self, float mean=1., float std=2., *, Generator? "
           "generator=None) -> Tensor",
           expand_distribution, .samples = "~ self=f32[40,50] mean=0.0 std=0.3"),
    RANDOM("aten::exponential(Tensor self, float lambd=1., *, Generator? generator=None) -> Tensor",
           expand_distribution, .samples = "~ self=f32[40,50] | ~ self=f32[40,50] lambd=2.5"),
    RANDOM("aten::geometric(Tensor self, float p, *, Generator? generator=None) -> Tensor",
           expand_distribution, .samples = "~ self=f32[40,50] p=0.4"),
    RANDOM("aten::cauchy(Tensor self, float median=0., float sigma=1., *, Generator? "
           "generator=None) -> Tensor",
           expand_distribution, .samples = "~ self=f32[7]"),
    RANDOM("aten::normal.Tensor_float(Tensor mean, float std=1., *, Generator? generator=None) -> "
           "Tensor",
           expand_normal, .samples = "~ mean=f32[40,50]@1..1 std=0.5"),
    RANDOM(
        "aten::normal.float_Tensor(float mean, Tensor std, *, Generator? generator=None) -> Tensor",
        expand_normal, .samples = "~ mean=1.5 std=f32[40,50]@1..2"),
    RANDOM("aten::normal.Tensor_Tensor(Tensor mean, Tensor std, *, Generator? generator=None) -> "
           "Tensor",
           expand_normal, .samples = "~ mean=f32[40,50]@1..1 std=f32[50]@2..2"),
    RANDOM("aten::normal.float_float(float mean, float std, SymInt[] size, *, Generator? "
           "generator=None, " TENSOR_OPTIONS ") -> Tensor",
           expand_normal, .samples = "~ mean=1.5 std=0.5 size=[40,50]"),

    RANDOM("aten::bernoulli(Tensor self, *, Generator? generator=None) -> Tensor", expand_bernoulli,
           .samples = "~ self=f32[40,50]@0.3..0.3 | ~ self=f64[3]@0..1"),
    RANDOM("aten::bernoulli.p(Tensor self, float p, *, Generator? generator=None) -> Tensor",
           expand_bernoulli, .samples = "~ self=f32[40,50] p=0.3"),
    RANDOM("aten::bernoulli.Tensor(Tensor self, Tensor p, *, Generator? generator=None) -> Tensor",
           expand_bernoulli, .samples = "~ self=f32[40,50] p=f32[40,50]@0.7..0.7"),
    RANDOM("aten::dropout(Tensor input, float p, bool train) -> Tensor", expand_dropout,
           .samples = "input=f32[3,5] p=0.5 train=false | input=f32[2,3] p=0.0 train=true | "
                      "input=f16[0,4] p=0.3 train=false | input=f32[3,4] p=1.0 train=true | ~ "
                      "input=f32[40,50]@1..1 p=0.3 train=true | ! input=f32[3] p=1.5 train=true"),
    RANDOM("aten::feature_dropout(Tensor input, float p, bool train) -> Tensor", expand_dropout,
           .samples =
               "input=f32[3,5] p=0.5 train=false | input=f32[2,3] p=0.0 train=true | "
               "input=f32[3,4] p=1.0 train=true | ~ input=f32[40,50,2]@1..1 p=0.3 train=true"),
    RANDOM("aten::alpha_dropout(Tensor input, float p, bool train) -> Tensor", expand_dropout,
           .samples = "input=f32[3,5] p=0.5 train=false | input=f32[2,3] p=0.0 train=true | "
                      "input=f16[0,4] p=0.3 train=false | input=f32[3,4] p=1.0 train=true | ~ "
                      "input=f32[40,50]@1..1 p=0.3 train=true | ! input=f32[3] p=1.5 train=true"),
    RANDOM(
        "aten::feature_alpha_dropout(Tensor input, float p, bool train) -> Tensor", expand_dropout,
        .samples = "input=f32[3,5] p=0.5 train=false | input=f32[2,3] p=0.0 train=true | "
                   "input=f32[3,4] p=1.0 train=true | ~ input=f32[40,50,2]@1..1 p=0.3 train=true"),
    RANDOM("aten::native_dropout(Tensor input, float p, bool? train) -> (Tensor, Tensor)",
           expand_native_dropout,
           .samples = "input=f32[3,5] p=0.5 train=false | input=f32[2,3] p=0.0 train=true | ~ "
                      "input=f32[40,50]@1..1 p=0.3 train=true"),
    RANDOM("aten::rrelu(Tensor self, Scalar lower=0.125, Scalar upper=0.33333333333333331, bool "
           "training=False, "
           "Generator? generator=None) -> Tensor",
           expand_rrelu,
           .samples = "self=f32[3,5] | self=f32[5] lower=0.2 upper=0.4 | self=bf16[5] | ~ "
                      "self=f32[40,50]@-1..-1 training=true"),
    RANDOM(
        "aten::rrelu_with_noise_functional(Tensor self, Tensor noise, Scalar lower=0.125, Scalar "
        "upper=0.33333333333333331, bool training=False, Generator? generator=None) -> (Tensor, "
        "Tensor noise_out)",
        expand_rrelu, .samples = "~ self=f32[40,50]@-1..-1 noise=f32[40,50] training=true"),
    RANDOM("aten::multinomial(Tensor self, SymInt num_samples, bool replacement=False, *, "
           "Generator? generator=None) "
           "-> Tensor",
           expand_multinomial,
           .samples = "~ self=f32[5]@0.1..1 num_samples=2 | ~ self=f32[3,5]@0.1..1 num_samples=7 "
                      "replacement=true"),

    RANDOM("aten::poisson(Tensor self, Generator? generator=None) -> Tensor", expand_poisson,
           .samples = "~ self=f32[40,50]@4..4"),
    RANDOM("aten::_standard_gamma(Tensor self, Generator? generator=None) -> Tensor", expand_gamma,
           .samples = "~ self=f32[40,50]@3..3"),
    RANDOM("aten::_sample_dirichlet(Tensor self, Generator? generator=None) -> Tensor",
           expand_dirichlet, .samples = "~ self=f32[500,4]@2..2"),
    RANDOM("aten::binomial(Tensor count, Tensor prob, Generator? generator=None) -> Tensor",
           expand_binomial, .samples = "~ count=f32[40,50]@9..9 prob=f32[40,50]@0.3..0.3"),
    {0},
};
