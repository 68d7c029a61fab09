/* Window functions: hann, hamming, blackman, bartlett, kaiser.
 *
 * In: a node.  Out: `element`, computed in f64:
 *
 *   aten.hann_window.default(n)      out[i] = 1/2 - 1/2 cos(2 pi i / n) */
#include "ir/ops/creation.h"
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"

#include <string.h>

static Error *infer_window(Node *node)
{
    int64_t n;
    TRY(shape_const_int(node, "window_length", &n));
    if (n < 0)
        return node_error(node, E_VALUE, "window_length is %lld", (long long)n);
    const Expr *size = shape_int(node, n);
    creation_set_type(node, tensor_type(node->graph->ir, creation_dtype(node, DT_F32), &size, 1));
    return NULL;
}

static double window_number(const Node *node, const char *name, double otherwise)
{
    return creation_arg(node, name) ? node_float(node, name) : otherwise;
}

/* a - b cos(t) + c cos(2 t) with t = 2 pi i / length; bartlett is a triangle. */
static Scalar *element_window(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    ScalarPool *pool = cx->scalars;
    int64_t     n = node_int(node, "window_length");
    const Arg  *periodic = creation_arg(node, "periodic");
    if (n == 1)
        return scalar_int(pool, creation_element_dtype(node), 1);
    double  length = (double)(periodic && !periodic->expr->value ? n - 1 : n);
    Scalar *i = scalar_cast(pool, DT_F64, scalar_index(pool, DT_I64, index[0]));
    if (!strcmp(node->schema->base, "bartlett_window")) {
        Scalar *x = scalar_2(pool, S_MUL, i, scalar_float(pool, DT_F64, 2 / length));
        Scalar *down = scalar_2(pool, S_SUB, scalar_float(pool, DT_F64, 2), x);
        return scalar_cast(pool, creation_element_dtype(node), scalar_2(pool, S_MINIMUM, x, down));
    }
    bool    hann = !strcmp(node->schema->base, "hann_window");
    bool    blackman = !strcmp(node->schema->base, "blackman_window");
    double  a = blackman ? 0.42 : hann ? 0.5 : window_number(node, "alpha", 0.54);
    double  b = blackman || hann ? 0.5 : window_number(node, "beta", 0.46);
    double  turn = 2 * 3.14159265358979323846 / length;
    Scalar *wave =
        scalar_1(pool, S_COS, scalar_2(pool, S_MUL, i, scalar_float(pool, DT_F64, turn)));
    Scalar *out = scalar_2(pool, S_SUB, scalar_float(pool, DT_F64, a),
                           scalar_2(pool, S_MUL, scalar_float(pool, DT_F64, b), wave));
    if (blackman) {
        Scalar *second =
            scalar_1(pool, S_COS, scalar_2(pool, S_MUL, i, scalar_float(pool, DT_F64, 2 * turn)));
        out = scalar_2(pool, S_ADD, out,
                       scalar_2(pool, S_MUL, scalar_float(pool, DT_F64, 0.08), second));
    }
    return scalar_cast(pool, creation_element_dtype(node), out);
}

static Value *bessel_of(Build *b, double x)
{
    Value *v = BUILD(b, "aten.scalar_tensor.default", arg_float(x), arg_dtype(DT_F64));
    return build_unary(b, "aten.special_i0.default", v);
}

/* i0(beta sqrt(1 - ((i - a) / a)^2)) / i0(beta) with a = (length - 1) / 2. */
static Error *expand_kaiser(Node *node, Value **results)
{
    Build      b = build_at(node);
    int64_t    n;
    double     beta = window_number(node, "beta", 12);
    const Arg *periodic = creation_arg(node, "periodic");
    DType      dtype = creation_dtype(node, DT_F32);
    TRY(shape_const_int(node, "window_length", &n));
    if (n < 0)
        return node_error(node, E_VALUE, "window_length is %lld", (long long)n);
    double half = (double)(n - (periodic && !periodic->expr->value)) / 2;
    Value *i = BUILD(&b, "aten.arange.default", arg_int(b.graph, n), arg_dtype(DT_F64));
    if (n > 1) {
        i = build_with_float(&b, "aten.div.Scalar",
                             build_with_float(&b, "aten.sub.Scalar", i, half), half);
        i = build_with_float(&b, "aten.rsub.Scalar", build_binary(&b, "aten.mul.Tensor", i, i), 1);
        i = build_unary(&b, "aten.sqrt.default",
                        build_with_float(&b, "aten.clamp_min.default", i, 0));
        i = build_with_float(&b, "aten.mul.Scalar", i, beta);
        i = build_unary(&b, "aten.special_i0.default", i);
        i = BUILD(&b, "aten.div.Tensor", arg_value(i), arg_value(bessel_of(&b, beta)));
    } else {
        i = build_with_float(&b, "aten.add.Scalar", i, 1);
    }
    results[0] = build_cast(&b, i, dtype);
    return b.error;
}

/* ---- rows ------------------------------------------------------------------------------------ */
const OpDesc window_function_ops[] = {
    INDEXED("aten::hann_window(int window_length, *, ScalarType? dtype=None, Layout? layout=None, "
            "Device? "
            "device=None, bool? pin_memory=None) -> Tensor",
            infer_window, element_window,
            .samples =
                "window_length=7 | window_length=1 | window_length=0 | window_length=8 dtype=f64"),
    INDEXED("aten::hann_window.periodic(int window_length, bool periodic, *, ScalarType? "
            "dtype=None, Layout? "
            "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
            infer_window, element_window,
            .samples = "window_length=7 periodic=false | window_length=8 periodic=true dtype=f64"),
    INDEXED("aten::hamming_window(int window_length, *, ScalarType? dtype=None, Layout? "
            "layout=None, Device? "
            "device=None, bool? pin_memory=None) -> Tensor",
            infer_window, element_window,
            .samples =
                "window_length=7 | window_length=1 | window_length=0 | window_length=8 dtype=f64"),
    INDEXED("aten::hamming_window.periodic(int window_length, bool periodic, *, ScalarType? "
            "dtype=None, Layout? "
            "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
            infer_window, element_window,
            .samples = "window_length=7 periodic=false | window_length=8 periodic=true dtype=f64"),
    INDEXED(
        "aten::hamming_window.periodic_alpha(int window_length, bool periodic, float alpha, *, "
        "ScalarType? "
        "dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
        infer_window, element_window, .samples = "window_length=7 periodic=false alpha=0.6"),
    INDEXED("aten::hamming_window.periodic_alpha_beta(int window_length, bool periodic, float "
            "alpha, float beta, "
            "*, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? "
            "pin_memory=None) -> Tensor",
            infer_window, element_window,
            .samples = "window_length=7 periodic=true alpha=0.6 beta=0.3"),
    INDEXED("aten::blackman_window(int window_length, *, ScalarType? dtype=None, Layout? "
            "layout=None, Device? "
            "device=None, bool? pin_memory=None) -> Tensor",
            infer_window, element_window,
            .samples =
                "window_length=7 | window_length=1 | window_length=0 | window_length=8 dtype=f64"),
    INDEXED("aten::blackman_window.periodic(int window_length, bool periodic, *, ScalarType? "
            "dtype=None, Layout? "
            "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
            infer_window, element_window,
            .samples = "window_length=7 periodic=false | window_length=8 periodic=true dtype=f64"),
    INDEXED("aten::bartlett_window(int window_length, *, ScalarType? dtype=None, Layout? "
            "layout=None, Device? "
            "device=None, bool? pin_memory=None) -> Tensor",
            infer_window, element_window,
            .samples =
                "window_length=7 | window_length=1 | window_length=0 | window_length=8 dtype=f64"),
    INDEXED("aten::bartlett_window.periodic(int window_length, bool periodic, *, ScalarType? "
            "dtype=None, Layout? "
            "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
            infer_window, element_window,
            .samples = "window_length=7 periodic=false | window_length=8 periodic=true dtype=f64"),
    EXPAND_FN(
        "aten::kaiser_window(int window_length, *, ScalarType? dtype=None, Layout? "
        "layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
        expand_kaiser,
        .samples =
            "window_length=7 | window_length=1 | window_length=0 | window_length=8 dtype=f64"),
    EXPAND_FN(
        "aten::kaiser_window.periodic(int window_length, bool periodic, *, ScalarType? "
        "dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
        expand_kaiser,
        .samples = "window_length=7 periodic=false | window_length=8 periodic=true dtype=f64"),
    EXPAND_FN(
        "aten::kaiser_window.beta(int window_length, bool periodic, float beta, *, ScalarType? "
        "dtype=None, Layout? layout=None, Device? device=None, bool? pin_memory=None) -> Tensor",
        expand_kaiser, .samples = "window_length=7 periodic=false beta=6.5"),
    {0},
};
