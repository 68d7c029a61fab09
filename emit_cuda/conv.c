/* KERNEL_CONV: a product whose rows are output pixels, gathered on the way to shared memory.  A
 * 1x1 convolution that reads every pixel once is a plain product. */
#include "emit_cuda/product.h"

#include <string.h>

/* Outer variables of the kernel are n, d, h, w, c. */
static EpilogueDims dims_of(CudaEmit *c, const Kernel *k)
{
    const Conv  *v = &k->conv;
    int64_t      columns = v->out_channels / v->groups;
    Text         t = text_new(c->e.arena);
    const char  *names[4];
    const Expr  *sizes[4] = {v->batch, v->out[0], v->out[1], v->out[2]};
    EpilogueDims dims = {
        .column = "t_n", .column_is_aligned = columns % 8 == 0 || v->groups == 1, .n_row = 4};
    for (int d = 0; d < 4; d++)
        names[d] = k->outer[d]->name;
    cuda_decode(c, &t, "t_m", sizes, names, 4);
    if (v->groups > 1)
        dims.column = arena_printf(c->e.arena, "t_z*%lld + t_n", (long long)columns);
    dims.decode = t.data;
    return dims;
}

/* Does each output pixel read the input pixel of the same place, and do these lie at one stride? */
static bool is_plain(CudaEmit *c, const Conv *v, const Expr **pixel)
{
    const Expr *next = NULL;
    *pixel = NULL;
    for (int d = 0; d < 3; d++)
        if (v->kernel[d] != 1 || v->stride[d] != 1 || v->padding[d] != 0)
            return false;
    for (int d = 3; d >= 0; d--) {
        const Expr *size = d ? v->in[d - 1] : v->batch, *stride = v->x.strides[d];
        if (expr_is_value(size, 1))
            continue;
        if (*pixel && stride != next)
            return false;
        if (!*pixel)
            *pixel = stride;
        next = expr_mul(c->e.exprs, stride, size);
    }
    if (!*pixel)
        *pixel = expr_int(c->e.exprs, 0);
    return true;
}

static const Expr *const *three(CudaEmit *c, const Expr *a, const Expr *b, const Expr *d)
{
    const Expr **list = ARENA_ARRAY(c->e.arena, const Expr *, 3);
    list[0] = a;
    list[1] = b;
    list[2] = d;
    return list;
}

Error *cuda_emit_conv(CudaEmit *c, const Kernel *k)
{
    const Conv *v = &k->conv;
    ExprPool   *x = c->e.exprs;
    int64_t     ic = v->in_channels / v->groups, oc = v->out_channels / v->groups;
    int64_t     depth = v->kernel[0] * v->kernel[1] * v->kernel[2] * ic;
    const Expr *groups = expr_int(x, v->groups), *pixel;
    const Expr *sizes[4] = {v->batch, v->out[0], v->out[1], v->out[2]};
    DType       acc = dtype_compute(v->dtype);
    Product     p = {.k = k, .dtype = v->dtype, .accumulate = acc, .n_batch = 1, .batch = &groups};
    if (v->weight_strided)
        return emit_unsupported(&c->e, k, "a convolution weight that is not packed");
    if (depth > INT32_MAX)
        return emit_unsupported(&c->e, k, "a window of %lld values", (long long)depth);
    p.m = expr_product(x, sizes, 4);
    p.n = expr_int(x, oc);
    p.depth = expr_int(x, depth);
    p.dims = dims_of(c, k);
    p.b = v->weight;
    p.b.n = 3;
    p.b.strides = three(c, expr_int(x, oc * depth), expr_int(x, 1), expr_int(x, depth));
    p.a = v->x;
    p.a.n = 3;
    const Expr *group_step = expr_mul(x, v->x.strides[4], expr_int(x, ic));
    if (is_plain(c, v, &pixel)) {
        p.a.strides = three(c, group_step, pixel, v->x.strides[4]);
    } else {
        p.windows = v;
        p.a.strides = three(c, group_step, expr_int(x, 0), v->x.strides[4]);
    }
    return product_emit(c, &p);
}
