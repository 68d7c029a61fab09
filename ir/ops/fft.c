/* The transform that all of the fft family is made of (passes/complex_fft.c): rows of real and
 * imaginary parts, without a factor.
 *
 *   out[k] = sum_j in[j] exp(-+ 2 pi i j k / n)       table: n pairs (cos, sin) of 2 pi k / n, made
 * once a run */
#include "ir/ops/shape_util.h"

static Error *infer_fft(Node *node)
{
    const TensorType *re = shape_type(node, "re"), *im = shape_type(node, "im");
    if (re->rank < 1 || re->dtype != im->dtype || (re->dtype != DT_F32 && re->dtype != DT_F64))
        return node_error(node, E_VALUE, "parts of dtype %s and %s", dtype_name(re->dtype),
                          dtype_name(im->dtype));
    for (int i = 0; i < 2; i++)
        shape_result(node, i, re->dtype, re->sizes, re->rank);
    return NULL;
}

static int fft_params(const Node *node, const Expr **out)
{
    const TensorType *re = shape_type(node, "re");
    out[0] = re->sizes[re->rank - 1];
    out[1] = shape_int(node, node_bool(node, "inverse"));
    return 2;
}

static const Expr *fft_scratch(const Node *node)
{
    const TensorType *re = shape_type(node, "re");
    return expr_mul(shape_pool(node), re->sizes[re->rank - 1],
                    shape_int(node, 2 * dtype_size(re->dtype)));
}

static const CallDesc fft_call = {
    .function = "rt_fft",
    .text = "fft",
    .core = {1, 1, 2, 1, 1},
    .params = fft_params,
    .scratch = fft_scratch,
};

const OpDesc fft_ops[] = {
    {.schema =
         "aotc::fft(Tensor re, Tensor im, Tensor table, bool inverse) -> (Tensor re, Tensor im)",
     .kind = OP_TEMPLATE,
     .infer = infer_fft,
     .template_kind = TEMPLATE_CALL,
     .call = &fft_call},
    {0},
};
