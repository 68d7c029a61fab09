/* KERNEL_DEPTHWISE: threads over (output pixel, neighbouring channels); weights are [taps][C]. */
#include "emit_cuda/product.h"

static EpilogueDims dims_of(CudaEmit *c, const Kernel *k)
{
    const Conv *v = &k->conv;
    Text        t = text_new(c->e.arena);
    const Expr *sizes[4] = {v->batch, v->out[0], v->out[1], v->out[2]};
    const char *names[4];
    for (int d = 0; d < 4; d++)
        names[d] = k->outer[d]->name;
    cuda_decode(c, &t, "t_m", sizes, names, 4);
    return (EpilogueDims){.decode = t.data, .column = "t_n", .column_is_aligned = true, .n_row = 4};
}

/* `value`: the function `name` that loads up to `width` values of the buffer at an index. */
static void print_loader(CudaEmit *c, const char *name, const Operand *o, const Expr *step,
                         DType dtype, const char *acc, int width, Text *out)
{
    Arena      *arena = c->e.arena;
    const char *base = emit_load_operand_base(&c->e, o);
    text_printf(out, "    auto %s = [&](int64_t t_at, int64_t t_left, %s (&t_f)[%d]) {\n", name,
                acc, width);
    if (expr_is_value(step, 1))
        text_printf(out,
                    "        aotc_vec<%s, %d> t_v;\n"
                    "        if (t_left >= %d)\n"
                    "            t_v = aotc_load_any<%d>(%s + t_at);\n"
                    "        else\n"
                    "            t_v = aotc_load_some<%d>(%s + t_at, t_left);\n",
                    c_storage_type(dtype), width, width, width, base, width, base);
    text_printf(out, "        _Pragma(\"unroll\") for (int v = 0; v < %d; v++)\n", width);
    const char *element = expr_is_value(step, 1) ? "t_v[v]"
                                                 : arena_printf(arena, "(%s)[t_at + v*(%s)]", base,
                                                                emit_expr(&c->e, step));
    text_printf(out, "            t_f[v] = v < t_left ? (%s)%s : (%s)0;\n    };\n", acc,
                c_load(arena, dtype, element), acc);
}

Error *cuda_emit_depthwise(CudaEmit *c, const Kernel *k)
{
    const Conv  *v = &k->conv;
    DType        accumulate = dtype_compute(v->dtype);
    const char  *acc = c_accumulator_type(REDUCE_SUM, accumulate);
    const Expr  *sizes[4] = {v->batch, v->out[0], v->out[1], v->out[2]};
    const char  *pixels = emit_expr(&c->e, expr_product(c->e.exprs, sizes, 4));
    int          width = expr_is_value(v->x.strides[4], 1) ? cuda_epilogue_width(c, k) : 1;
    Text         body = text_new(c->e.arena);
    EpilogueDims dims = dims_of(c, k);
    CudaHandle   handle = {0};
    if (!c_register_type(accumulate) || dtype_info(v->dtype)->is_complex || v->weight_strided)
        return emit_unsupported(&c->e, k, "depthwise convolutions of %s", dtype_name(v->dtype));
    product_print_conv(c, v, &body);
    print_loader(c, "t_value_x", &v->x, v->x.strides[4], v->dtype, acc, width, &body);
    print_loader(c, "t_value_w", &v->weight, expr_int(c->e.exprs, 1), v->dtype, acc, width, &body);
    TRY(cuda_epilogue(c, k, &dims, &body));
    text_printf(&body,
                "    aotc_depthwise<%d, %s>(t_c, %s, %lld, t_value_x, t_value_w, t_epilogue);\n",
                width, acc, pixels, (long long)v->out_channels);
    cuda_need(c, "depthwise");
    CudaFunction f = {.body = body.data, .threads = 128, .no_restrict = emit_has_aliases(k)};
    TRY(cuda_function(c, &f, &handle));
    const char *blocks = arena_printf(c->e.arena, "((%s) * %lld + 127) / 128", pixels,
                                      (long long)((v->out_channels + width - 1) / width));
    CudaLaunch  l = {.grid = {blocks}, .block = {"128"}};
    cuda_launch(c, &handle, &l, 1);
    return NULL;
}
