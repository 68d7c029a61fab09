/* Operators on complex numbers, said in real ones.
 *
 *   %2 = aten.mm.default(%a, %b) : c64[3,5]     becomes   re = mm(ar, br) - mm(ai, bi),  im =
 * mm(ar, bi) + mm(ai, br) %3 = aten.flip.default(%a, [0]) : c64[3,4]            flip(ar, [0]),
 * flip(ai, [0])
 *
 * A rule is looked up by the operator's base name; what has none and only moves elements is done
 * part by part. */
#include "passes/complex.h"

#include <math.h>
#include <string.h>

DType complex_part(DType dtype)
{
    return dtype == DT_C64 ? DT_F32 : dtype == DT_C128 ? DT_F64 : DT_NONE;
}

static bool is_tensor(const Arg *arg)
{
    return arg->kind == ARG_VALUE && arg->value->kind == VALUE_TENSOR;
}

static bool is_complex(const Arg *arg)
{
    return is_tensor(arg) && dtype_info(arg->value->type.dtype)->is_complex;
}

const Arg *cx_named(const Complexify *c, const char *name)
{
    const Arg *arg = node_arg_or_null(c->node, name);
    return arg && arg->kind != ARG_NONE ? arg : NULL;
}

static Value *full(Complexify *c, Arg value)
{
    if (c->b.error)
        return NULL;
    return BUILD(&c->b, "aten.full.default", arg_list(NULL, 0), value, arg_dtype(c->real));
}

Pair complex_operand(Complexify *c, const Arg *arg)
{
    if (is_complex(arg)) {
        Pair p = c->of[arg->value->id];
        return (Pair){build_cast(&c->b, p.re, c->real),
                      p.im ? build_cast(&c->b, p.im, c->real) : NULL};
    }
    if (is_tensor(arg))
        return (Pair){build_cast(&c->b, arg->value, c->real), NULL};
    if (arg->kind == ARG_COMPLEX)
        return (Pair){full(c, arg_float(arg->number)), full(c, arg_float(arg->imag))};
    return (Pair){full(c, *arg), NULL};
}

Pair cx_operand(Complexify *c, int i)
{
    return complex_operand(c, &c->node->args[i]);
}

/* ---- part by part ---------------------------------------------------------------------------- */

/* Tensors that say where, not what. */
static bool is_control(const Param *param)
{
    static const char *const names[] = {"condition", "mask",    "index",   "indices",
                                        "repeats",   "offsets", "lengths", NULL};
    for (int i = 0; names[i]; i++)
        if (!strcmp(param->name, names[i]))
            return true;
    return false;
}

static bool is_value_name(const char *name)
{
    return !strcmp(name, "value") || !strcmp(name, "fill_value") || !strcmp(name, "s");
}

static Arg part_of(Complexify *c, const Param *param, const Arg *arg, bool im)
{
    Graph *g = c->graph;
    if (arg->kind == ARG_LIST) {
        Arg out = arg_copy(g->ir->arena, arg);
        for (int i = 0; i < arg->n_items; i++)
            out.items[i] = part_of(c, param, &arg->items[i], im);
        return out;
    }
    if (is_tensor(arg) && !is_control(param)) {
        Pair   p = complex_operand(c, arg);
        Value *v = im ? cx_im(c, p) : p.re;
        return v ? arg_value(v) : arg_none();
    }
    if (arg->kind == ARG_DTYPE && complex_part(arg->dtype) != DT_NONE)
        return arg_dtype(complex_part(arg->dtype));
    if (arg->kind == ARG_COMPLEX)
        return arg_float(im ? arg->imag : arg->number);
    if (im && is_value_name(param->name) && !is_tensor(arg) && arg->kind != ARG_NONE)
        return arg_float(0);
    return *arg;
}

static Node *build_part(Complexify *c, bool im)
{
    const Node *node = c->node;
    Arg        *args = ARENA_ARRAY(c->graph->ir->arena, Arg, node->n_args + 1);
    for (int i = 0; i < node->n_args; i++)
        args[i] = part_of(c, &node->schema->params[i], &node->args[i], im);
    return c->b.error ? NULL : build_args_node(&c->b, node->schema->name, args, node->n_args);
}

Error *complex_by_parts(Complexify *c, Pair *results)
{
    Node *re = build_part(c, false), *im = c->b.error ? NULL : build_part(c, true);
    for (int i = 0; !c->b.error && i < c->node->n_results; i++) {
        if (i >= re->n_results)
            return node_error(c->node, E_INTERNAL, "a part has fewer results");
        bool is_pair = complex_part(c->node->results[i]->type.dtype) != DT_NONE;
        results[i] = (Pair){re->results[i], is_pair ? im->results[i] : NULL};
    }
    return c->b.error;
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

static Error *rule_unary(Complexify *c, Pair *results)
{
    results[0] = pair_function(c->node->schema->base)(c, cx_operand(c, 0));
    return c->b.error;
}

/* a + alpha b */
static Error *rule_add(Complexify *c, Pair *results)
{
    const char *base = c->node->schema->base;
    Pair        a = cx_operand(c, 0), b = cx_operand(c, 1);
    if (!strcmp(base, "rsub")) {
        Pair swap = a;
        a = b;
        b = swap;
    }
    const Arg *alpha = cx_named(c, "alpha");
    bool       scales = alpha && !arg_is_number(alpha, 1);
    if (scales && !strcmp(base, "rsub"))
        a = cx_operand(c, 1), b = pair_mul(c, cx_operand(c, 0), complex_operand(c, alpha));
    else if (scales)
        b = pair_mul(c, b, complex_operand(c, alpha));
    results[0] = strcmp(base, "add") ? pair_sub(c, a, b) : pair_add(c, a, b);
    return c->b.error;
}

static Error *rule_mul(Complexify *c, Pair *results)
{
    results[0] = pair_mul(c, cx_operand(c, 0), cx_operand(c, 1));
    return c->b.error;
}

static Error *rule_div(Complexify *c, Pair *results)
{
    if (cx_named(c, "rounding_mode"))
        return node_error(c->node, E_VALUE, "complex numbers have no rounding division");
    results[0] = pair_div(c, cx_operand(c, 0), cx_operand(c, 1));
    return c->b.error;
}

/* Small whole exponents are products, as in eager PyTorch. */
static Error *rule_pow(Complexify *c, Pair *results)
{
    const Arg *exponent = &c->node->args[1];
    Pair       a = cx_operand(c, 0);
    if (!is_tensor(exponent) && arg_is_number(exponent, 2))
        results[0] = pair_mul(c, a, a);
    else if (!is_tensor(exponent) && arg_is_number(exponent, 3))
        results[0] = pair_mul(c, pair_mul(c, a, a), a);
    else if (!is_tensor(exponent) && arg_is_number(exponent, 0.5))
        results[0] = pair_function("sqrt")(c, a);
    else if (!is_tensor(exponent) && arg_is_number(exponent, -1))
        results[0] = pair_function("reciprocal")(c, a);
    else
        results[0] = pair_pow(c, a, cx_operand(c, 1));
    return c->b.error;
}

/* self + value * tensor1 * tensor2, or / tensor2 */
static Error *rule_addc(Complexify *c, Pair *results)
{
    Pair x = complex_operand(c, cx_named(c, "tensor1")),
         y = complex_operand(c, cx_named(c, "tensor2"));
    Pair scale = complex_operand(c, cx_named(c, "value"));
    bool divides = !strcmp(c->node->schema->base, "addcdiv");
    Pair product = pair_mul(c, scale, x);
    product = divides ? pair_div(c, product, y) : pair_mul(c, product, y);
    results[0] = pair_add(c, cx_operand(c, 0), product);
    return c->b.error;
}

static Error *rule_logaddexp(Complexify *c, Pair *results)
{
    results[0] = pair_log_add_exp(c, cx_operand(c, 0), cx_operand(c, 1));
    return c->b.error;
}

/* self 2^other */
static Error *rule_ldexp(Complexify *c, Pair *results)
{
    results[0] = pair_mul(c, cx_operand(c, 0), pair_function("exp2")(c, cx_operand(c, 1)));
    return c->b.error;
}

static Error *rule_lerp(Complexify *c, Pair *results)
{
    Pair a = cx_operand(c, 0), b = cx_operand(c, 1);
    results[0] = pair_add(c, a, pair_mul(c, cx_operand(c, 2), pair_sub(c, b, a)));
    return c->b.error;
}

/* ---- comparisons and questions --------------------------------------------------------------- */

static Error *rule_equal(Complexify *c, Pair *results)
{
    Pair a = cx_operand(c, 0), b = cx_operand(c, 1);
    bool is_ne =
        !strcmp(c->node->schema->base, "ne") || !strcmp(c->node->schema->base, "not_equal");
    const char *op = is_ne ? "aten.ne.Tensor" : "aten.eq.Tensor";
    Value      *re = cx_2(c, op, a.re, b.re), *im = cx_2(c, op, cx_im(c, a), cx_im(c, b));
    results[0].re = cx_2(c, is_ne ? "aten.logical_or.default" : "aten.logical_and.default", re, im);
    return c->b.error;
}

static Error *rule_abs(Complexify *c, Pair *results)
{
    results[0].re = pair_abs(c, cx_operand(c, 0));
    return c->b.error;
}

static Error *rule_angle(Complexify *c, Pair *results)
{
    Pair   a = cx_operand(c, 0);
    Value *nan = pair_angle(c, a);
    results[0].re = nan;
    return c->b.error;
}

static Error *rule_real(Complexify *c, Pair *results)
{
    results[0].re = cx_operand(c, 0).re;
    return c->b.error;
}

static Error *rule_imag(Complexify *c, Pair *results)
{
    results[0].re = cx_im(c, cx_operand(c, 0));
    return c->b.error;
}

/* isnan and isinf hold where one part does, isfinite where both do. */
static Error *rule_question(Complexify *c, Pair *results)
{
    const char *base = c->node->schema->base;
    char       *op = arena_printf(c->graph->ir->arena, "aten.%s.default", base);
    Pair        a = cx_operand(c, 0);
    if (!strcmp(base, "isreal")) {
        results[0].re = cx_number(c, "aten.eq.Scalar", cx_im(c, a), 0);
        return c->b.error;
    }
    Value *re = cx_1(c, op, a.re);
    bool   all = !strcmp(base, "isfinite");
    results[0].re = a.im ? cx_2(c, all ? "aten.logical_and.default" : "aten.logical_or.default", re,
                                cx_1(c, op, a.im))
                         : re;
    return c->b.error;
}

/* Operators that ask whether numbers are zero get bool tensors: any, nonzero, logical_and … */
static Error *rule_truth(Complexify *c, Pair *results)
{
    const Node *node = c->node;
    Arg        *args = ARENA_ARRAY(c->graph->ir->arena, Arg, node->n_args + 1);
    for (int i = 0; i < node->n_args; i++) {
        args[i] = node->args[i];
        if (is_complex(&args[i])) {
            Value *truth = pair_is_nonzero(c, complex_operand(c, &node->args[i]));
            args[i] = truth ? arg_value(truth) : arg_none();
        }
    }
    Node *made = c->b.error ? NULL : build_args_node(&c->b, node->schema->name, args, node->n_args);
    for (int i = 0; made && i < node->n_results; i++) {
        made->results[i]->type = node->results[i]->type; /* nonzero sets a symbol of the export */
        results[i].re = made->results[i];
    }
    return c->b.error;
}

/* |a - b| <= atol + rtol |b|, or equal */
static Error *rule_isclose(Complexify *c, Pair *results)
{
    Pair   a = cx_operand(c, 0), b = cx_operand(c, 1);
    Value *limit = cx_scale(c, pair_abs(c, b), node_float(c->node, "rtol"));
    limit = cx_number(c, "aten.add.Scalar", limit, node_float(c->node, "atol"));
    Value *distance = pair_abs(c, pair_sub(c, a, b));
    Value *near = cx_2(c, "aten.le.Tensor", distance, limit);
    near = cx_2(c, "aten.logical_and.default", near, cx_1(c, "aten.isfinite.default", distance));
    Value *same = cx_2(c, "aten.logical_and.default", cx_2(c, "aten.eq.Tensor", a.re, b.re),
                       cx_2(c, "aten.eq.Tensor", cx_im(c, a), cx_im(c, b)));
    if (node_bool(c->node, "equal_nan")) {
        Value *x = cx_1(c, "aten.isnan.default", pair_abs(c, a)),
              *y = cx_1(c, "aten.isnan.default", pair_abs(c, b));
        same = cx_2(c, "aten.logical_or.default", same, cx_2(c, "aten.logical_and.default", x, y));
    }
    results[0].re = cx_2(c, "aten.logical_or.default", near, same);
    return c->b.error;
}

/* ---- making and converting ------------------------------------------------------------------- */

static Error *rule_complex(Complexify *c, Pair *results)
{
    results[0] = (Pair){cx_operand(c, 0).re, cx_operand(c, 1).re};
    results[0] = pair_add(c, (Pair){results[0].re, cx_zero(c, results[0].re)},
                          (Pair){cx_zero(c, results[0].im), results[0].im});
    return c->b.error;
}

static Error *rule_polar(Complexify *c, Pair *results)
{
    Value *size = cx_operand(c, 0).re, *angle = cx_operand(c, 1).re;
    results[0] = (Pair){cx_mul(c, size, cx_1(c, "aten.cos.default", angle)),
                        cx_mul(c, size, cx_1(c, "aten.sin.default", angle))};
    return c->b.error;
}

static Error *rule_view_as_real(Complexify *c, Pair *results)
{
    results[0].re = cx_stack(c, cx_operand(c, 0));
    return c->b.error;
}

static Error *rule_view_as_complex(Complexify *c, Pair *results)
{
    Value *x = c->node->args[0].value;
    int    last = x->type.rank - 1;
    results[0] = (Pair){build_select(&c->b, x, last, 0), build_select(&c->b, x, last, 1)};
    return c->b.error;
}

/* The imaginary part is lost where the result is real; a bool asks for any part. */
static Error *rule_convert(Complexify *c, Pair *results)
{
    DType to = c->node->results[0]->type.dtype, part = complex_part(to);
    Pair  a = cx_operand(c, 0);
    if (to == DT_BOOL)
        results[0].re = pair_is_nonzero(c, a);
    else
        results[0].re = build_cast(&c->b, a.re, part == DT_NONE ? to : part);
    if (part != DT_NONE && a.im)
        results[0].im = build_cast(&c->b, a.im, part);
    return c->b.error;
}

/* Normal numbers of variance 1 have parts of variance 1/2; uniform ones two uniform parts. */
static Error *rule_random(Complexify *c, Pair *results)
{
    TRY(complex_by_parts(c, results));
    if (!strncmp(c->node->schema->base, "randn", 5))
        results[0] =
            (Pair){cx_scale(c, results[0].re, sqrt(0.5)), cx_scale(c, results[0].im, sqrt(0.5))};
    return c->b.error;
}

static Error *rule_normal(Complexify *c, Pair *results)
{
    Pair   a = cx_operand(c, 0);
    double std = node_float(c->node, "std");
    for (int i = 0; i < 2 && !c->b.error; i++) {
        Value *x = cx_1(c, "aten.randn_like.default", a.re);
        x = cx_scale(c, x, std * sqrt(0.5));
        *(i ? &results[0].im : &results[0].re) =
            i ? x : cx_number(c, "aten.add.Scalar", x, node_float(c->node, "mean"));
    }
    return c->b.error;
}

/* ones and the like: their imaginary parts are zero. */
static Error *rule_real_only(Complexify *c, Pair *results)
{
    Node *re = build_part(c, false);
    results[0].re = re ? re->results[0] : NULL;
    return c->b.error;
}

static Error *rule_masked_fill(Complexify *c, Pair *results)
{
    Pair   a = cx_operand(c, 0), value = complex_operand(c, cx_named(c, "value"));
    Value *mask = cx_named(c, "mask")->value;
    results[0] =
        (Pair){cx_where(c, mask, value.re, a.re), cx_where(c, mask, cx_im(c, value), cx_im(c, a))};
    return c->b.error;
}

/* Like self, with one value everywhere. */
static Error *rule_fill(Complexify *c, Pair *results)
{
    Pair   value = complex_operand(c, cx_named(c, "value"));
    Value *zero = cx_zero(c, cx_operand(c, 0).re);
    results[0] = (Pair){cx_add(c, zero, value.re), value.im ? cx_add(c, zero, value.im) : zero};
    return c->b.error;
}

/* ---- products and sums ----------------------------------------------------------------------- */

/* op(x, y, rest) of the parts, with the other arguments of the node where `rest` says so. */
static Value *product_part(Complexify *c, const char *op, Value *x, Value *y, const Arg *rest,
                           int n_rest)
{
    Arg args[16];
    if (c->b.error || !x || !y)
        return NULL;
    args[0] = arg_value(x);
    args[1] = arg_value(y);
    if (n_rest)
        memcpy(args + 2, rest, sizeof *args * (size_t)n_rest);
    return build_args(&c->b, op, args, n_rest + 2);
}

static Pair product(Complexify *c, const char *op, Pair a, Pair b, const Arg *rest, int n)
{
    Value *re = product_part(c, op, a.re, b.re, rest, n), *im = NULL;
    if (a.im && b.im)
        re = cx_sub(c, re, product_part(c, op, a.im, b.im, rest, n));
    if (b.im)
        im = product_part(c, op, a.re, b.im, rest, n);
    if (a.im) {
        Value *second = product_part(c, op, a.im, b.re, rest, n);
        im = im ? cx_add(c, im, second) : second;
    }
    return (Pair){re, im};
}

static Error *rule_product(Complexify *c, Pair *results)
{
    const Node *node = c->node;
    results[0] = product(c, node->schema->name, cx_operand(c, 0), cx_operand(c, 1), node->args + 2,
                         node->n_args - 2);
    return c->b.error;
}

static Error *rule_vdot(Complexify *c, Pair *results)
{
    Pair a = pair_conj(c, cx_operand(c, 0)), b = cx_operand(c, 1);
    if (!strcmp(c->node->schema->base, "vdot")) {
        results[0] = product(c, "aten.dot.default", a, b, NULL, 0);
        return c->b.error;
    }
    Pair p = pair_mul(c, a, b); /* linalg_vecdot */
    Arg  dim = arg_list(&c->node->args[2], 1);
    results[0].re = c->b.error ? NULL : BUILD(&c->b, "aten.sum.dim_IntList", arg_value(p.re), dim);
    results[0].im =
        c->b.error || !p.im ? NULL : BUILD(&c->b, "aten.sum.dim_IntList", arg_value(p.im), dim);
    return c->b.error;
}

/* x W^T + b */
static Error *rule_linear(Complexify *c, Pair *results)
{
    const Arg *bias = cx_named(c, "bias");
    results[0] = product(c, "aten.linear.default", cx_operand(c, 0), cx_operand(c, 1), NULL, 0);
    if (bias)
        results[0] = pair_add(c, results[0], complex_operand(c, bias));
    return c->b.error;
}

/* addmm and its relatives: beta self + alpha (x y) */
static const char *product_of_add(const char *base)
{
    static const char *const names[][2] = {
        {"addmm", "aten.mm.default"}, {"addmv", "aten.mv.default"}, {"addr", "aten.outer.default"}};
    for (int i = 0; i < 3; i++)
        if (!strcmp(names[i][0], base))
            return names[i][1];
    return "aten.bmm.default"; /* baddbmm, addbmm */
}

static Value *sum_first(Complexify *c, Value *x)
{
    Arg zero = arg_int(c->graph, 0);
    return c->b.error || !x
               ? NULL
               : BUILD(&c->b, "aten.sum.dim_IntList", arg_value(x), arg_list(&zero, 1));
}

static Error *rule_addmm(Complexify *c, Pair *results)
{
    const char *base = c->node->schema->base;
    const Arg  *beta = cx_named(c, "beta"), *alpha = cx_named(c, "alpha");
    Pair        p = product(c, product_of_add(base), cx_operand(c, 1), cx_operand(c, 2), NULL, 0);
    if (!strcmp(base, "addbmm"))
        p = (Pair){sum_first(c, p.re), sum_first(c, p.im)};
    if (!arg_is_number(alpha, 1))
        p = pair_mul(c, complex_operand(c, alpha), p);
    if (!arg_is_number(beta, 0)) {
        Pair self = cx_operand(c, 0);
        p = pair_add(c, arg_is_number(beta, 1) ? self : pair_mul(c, complex_operand(c, beta), self),
                     p);
    }
    results[0] = p;
    return c->b.error;
}

/* convolution, conv1d …: the bias is added after. */
static Error *rule_conv(Complexify *c, Pair *results)
{
    const Node *node = c->node;
    Arg         rest[14];
    if (node->n_args > 14)
        return node_error(node, E_INTERNAL, "too many arguments");
    memcpy(rest, node->args + 2, sizeof *rest * (size_t)(node->n_args - 2));
    rest[0] = arg_none();
    results[0] =
        product(c, node->schema->name, cx_operand(c, 0), cx_operand(c, 1), rest, node->n_args - 2);
    const Arg *bias = cx_named(c, "bias");
    if (!bias || c->b.error)
        return c->b.error;
    Pair        b = complex_operand(c, bias);
    const Expr *sizes[MAX_RANK]; /* channels, then the dims that are moved over */
    int         n = node->args[1].value->type.rank - 1;
    for (int d = 0; d < n; d++)
        sizes[d] = expr_int(c->graph->ir->exprs, d ? 1 : -1);
    b.re = build_reshape(&c->b, b.re, sizes, n);
    b.im = b.im ? build_reshape(&c->b, b.im, sizes, n) : NULL;
    results[0] = pair_add(c, results[0], b);
    return c->b.error;
}

/* Transposed and conjugated. */
static Error *rule_adjoint(Complexify *c, Pair *results)
{
    TRY(complex_by_parts(c, results));
    results[0] = pair_conj(c, results[0]);
    return c->b.error;
}

/* A part of a dense tensor is made dense, so that strides mean what they mean for the whole. */
static Value *strided_part(Complexify *c, bool im)
{
    Node  *node = c->node;
    Arg    args[8], format = {.kind = ARG_MEMORY_FORMAT, .integer = 1}; /* contiguous */
    Pair   a = cx_operand(c, 0);
    Value *x = im ? cx_im(c, a) : a.re;
    Value *dense = c->b.error ? NULL : BUILD(&c->b, "aten.clone.default", arg_value(x), format);
    if (c->b.error)
        return NULL;
    for (int i = 0; i < node->n_args; i++)
        args[i] = part_of(c, &node->schema->params[i], &node->args[i], im);
    args[0] = arg_value(dense);
    return c->b.error ? NULL : build_args(&c->b, node->schema->name, args, node->n_args);
}

/* as_strided, as_strided_copy, as_strided_scatter */
static Error *rule_as_strided(Complexify *c, Pair *results)
{
    Node *node = c->node;
    if (!tensor_is_contiguous(c->graph->ir, &node->args[0].value->type))
        return node_error(node, E_UNSUPPORTED, "%s of a complex tensor that is not contiguous",
                          node->schema->name);
    results[0] = (Pair){strided_part(c, false), strided_part(c, true)};
    return c->b.error;
}

/* ---- reductions ------------------------------------------------------------------------------ */

Node *cx_with_first(Complexify *c, Value *x)
{
    const Node *node = c->node;
    Arg        *args = ARENA_ARRAY(c->graph->ir->arena, Arg, node->n_args + 1);
    if (c->b.error || !x)
        return NULL;
    for (int i = 0; i < node->n_args; i++) {
        args[i] = i ? node->args[i] : arg_value(x);
        if (args[i].kind == ARG_DTYPE && complex_part(args[i].dtype) != DT_NONE)
            args[i].dtype = complex_part(args[i].dtype);
    }
    return build_args_node(&c->b, node->schema->name, args, node->n_args);
}

/* Norms of matrices by singular values: not those of the absolute values, but their own expansion.
 */
static bool is_spectral(const Node *node)
{
    const Arg *ord = node_arg_or_null(node, "ord"), *dim = node_arg_or_null(node, "dim");
    bool       has_dims = dim && dim->kind == ARG_LIST;
    bool       is_matrix =
        !strcmp(node->schema->base, "linalg_matrix_norm") ||
        (!strcmp(node->schema->base, "linalg_norm") && (!has_dims || dim->n_items == 2));
    if (!ord || ord->kind == ARG_NONE)
        return false;
    if (ord->kind == ARG_STRING)
        return strcmp(ord->string, "fro") != 0;
    return is_matrix && (arg_is_number(ord, 2) || arg_is_number(ord, -2));
}

/* Norms are those of the absolute values. */
static Error *rule_norm(Complexify *c, Pair *results)
{
    Node *made = cx_with_first(c, pair_abs(c, cx_operand(c, 0)));
    results[0].re = made ? made->results[0] : NULL;
    return c->b.error;
}

static Error *rule_dist(Complexify *c, Pair *results)
{
    Value *size = pair_abs(c, pair_sub(c, cx_operand(c, 0), cx_operand(c, 1)));
    if (!c->b.error)
        results[0].re =
            BUILD(&c->b, "aten.linalg_vector_norm.default", arg_value(size), *cx_named(c, "p"));
    return c->b.error;
}

/* ---- the table ------------------------------------------------------------------------------- */

static const struct {
    const char *base;
    ComplexRule rule;
} rules[] = {
    {"add", rule_add},
    {"sub", rule_add},
    {"subtract", rule_add},
    {"rsub", rule_add},
    {"mul", rule_mul},
    {"multiply", rule_mul},
    {"div", rule_div},
    {"divide", rule_div},
    {"true_divide", rule_div},
    {"pow", rule_pow},
    {"float_power", rule_pow},
    {"addcmul", rule_addc},
    {"addcdiv", rule_addc},
    {"lerp", rule_lerp},
    {"logaddexp", rule_logaddexp},
    {"ldexp", rule_ldexp},

    {"eq", rule_equal},
    {"ne", rule_equal},
    {"not_equal", rule_equal},
    {"abs", rule_abs},
    {"absolute", rule_abs},
    {"angle", rule_angle},
    {"real", rule_real},
    {"imag", rule_imag},
    {"isnan", rule_question},
    {"isinf", rule_question},
    {"isfinite", rule_question},
    {"isreal", rule_question},
    {"any", rule_truth},
    {"all", rule_truth},
    {"nonzero", rule_truth},
    {"argwhere", rule_truth},
    {"nonzero_static", rule_truth},
    {"count_nonzero", rule_truth},
    {"logical_not", rule_truth},
    {"logical_and", rule_truth},
    {"logical_or", rule_truth},
    {"logical_xor", rule_truth},
    {"isclose", rule_isclose},

    {"complex", rule_complex},
    {"polar", rule_polar},
    {"view_as_real", rule_view_as_real},
    {"view_as_real_copy", rule_view_as_real},
    {"view_as_complex", rule_view_as_complex},
    {"view_as_complex_copy", rule_view_as_complex},
    {"_to_copy", rule_convert},
    {"clone", rule_convert},
    {"alias_copy", rule_convert},
    {"detach_copy", rule_convert},
    {"lift", rule_convert},
    {"lift_fresh_copy", rule_convert},
    {"mH", rule_adjoint},
    {"matrix_H", rule_adjoint},
    {"adjoint", rule_adjoint},
    {"as_strided", rule_as_strided},
    {"as_strided_copy", rule_as_strided},
    {"as_strided_scatter", rule_as_strided},
    {"dist", rule_dist},
    {"ones", rule_real_only},
    {"ones_like", rule_real_only},
    {"new_ones", rule_real_only},
    {"eye", rule_real_only},
    {"arange", rule_real_only},
    {"outer", rule_product},
    {"randn", rule_random},
    {"randn_like", rule_random},
    {"rand", rule_random},
    {"rand_like", rule_random},
    {"uniform", rule_random},
    {"normal_functional", rule_normal},
    {"masked_fill", rule_masked_fill},
    {"fill", rule_fill},

    {"mm", rule_product},
    {"bmm", rule_product},
    {"matmul", rule_product},
    {"mv", rule_product},
    {"dot", rule_product},
    {"vdot", rule_vdot},
    {"linalg_vecdot", rule_vdot},
    {"linear", rule_linear},
    {"addmm", rule_addmm},
    {"baddbmm", rule_addmm},
    {"addbmm", rule_addmm},
    {"addmv", rule_addmm},
    {"addr", rule_addmm},
    {"convolution", rule_conv},
    {"conv1d", rule_conv},
    {"conv2d", rule_conv},
    {"conv3d", rule_conv},
    {"conv_transpose1d", rule_conv},
    {"conv_transpose2d", rule_conv},
    {"conv_transpose3d", rule_conv},

    {"sum", complex_by_parts},
    {"nansum", complex_by_parts},
    {"mean", complex_by_parts},
    {"cumsum", complex_by_parts},
    {"norm", rule_norm},
    {"linalg_vector_norm", rule_norm},
    {"linalg_norm", rule_norm},
    {"linalg_matrix_norm", rule_norm},
    {"frobenius_norm", rule_norm},

    {"where", complex_by_parts},
    {"index_put", complex_by_parts},
    {"scatter", complex_by_parts},
    {"scatter_add", complex_by_parts},
    {"index_add", complex_by_parts},
    {"index_copy", complex_by_parts},
    {"index_fill", complex_by_parts},
    {"masked_scatter", complex_by_parts},
    {"put", complex_by_parts},
    {"_unsafe_index_put", complex_by_parts},
    {"full_like", complex_by_parts},
};

/* Operators that have no row: their arguments or results are complex in every call. */
static const char *const without_rows[] = {
    "_conj",
    "complex",
    "imag",
    "istft",
    "polar",
    "stft",
    "view_as_complex",
    "view_as_complex_copy",
    "view_as_real",
    "view_as_real_copy",
};

bool complex_replaces(const OpSchema *schema)
{
    if (strncmp(schema->name, "aten.", 5) != 0)
        return false;
    for (size_t i = 0; i < sizeof without_rows / sizeof *without_rows; i++)
        if (!strcmp(schema->base, without_rows[i]))
            return true;
    return complex_fft_rule(schema->base) != NULL;
}

ComplexRule complex_rule(const Node *node)
{
    const char *base = node->schema->base;
    if (pair_function(base))
        return rule_unary;
    if (complex_fft_rule(base))
        return complex_fft_rule(base);
    if (complex_call_rule(node))
        return complex_call_rule(node);
    if (complex_reduce_rule(base))
        return complex_reduce_rule(base);
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (!strcmp(rules[i].base, base))
            return rules[i].rule == rule_norm && is_spectral(node) ? NULL : rules[i].rule;
    bool moves = node->op && (node->op->kind == OP_VIEW || node->op->kind == OP_INDEXED);
    return moves ? complex_by_parts : NULL;
}
