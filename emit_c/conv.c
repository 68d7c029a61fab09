/* Convolutions: a call of runtime/conv.c.inc or depthwise.c.inc for f32, f16 and bf16; a loop nest
 * for other dtypes.
 *
 * The runtime counts output pixels in one flat index; K_store decodes it into (n, d, h, w) for the
 * epilogue. */
#include "emit_c/templates.h"

/* An output size inside K_store: one that is known divides as a number. */
static const char *out_size(Emit *e, const Conv *c, int d)
{
    return expr_is_const(c->out[d]) ? emit_expr(e, c->out[d])
                                    : arena_printf(e->arena, "c->out[%d]", d);
}

static void emit_pixel_store(Emit *e, const Kernel *k, bool whole_tiles)
{
    const Conv *c = &k->conv;
    const char *name = emit_kernel_name(e, k);
    const char *size[3] = {out_size(e, c, 0), out_size(e, c, 1), out_size(e, c, 2)};
    Text       *t = e->out;
    text_printf(t,
                "typedef struct %s_call {\n    %s_args args;\n    int64_t out[3];\n} %s_call;\n\n",
                name, name, name);
    text_printf(
        t,
        "static void %s_store(const void *cx, int64_t batch, int64_t m, int64_t rows, int64_t n, "
        "int64_t cols,\n    const float *tile, int64_t tile_row)\n{\n",
        name);
    text_printf(t, "    const %s_call *c = cx;\n    (void)batch;\n", name);
    text_printf(t, "    int64_t w = m %% %s, h = m / %s, d = h / %s;\n", size[2], size[2], size[1]);
    text_printf(t, "    h %%= %s;\n    int64_t b = d / %s;\n    d %%= %s;\n", size[1], size[0],
                size[0]);
    text_put(t, "    for (int64_t i = 0; i < rows; i++) {\n");
    emit_epilogue_row(e, k, 2, "b, d, h, w", whole_tiles);
    text_printf(t,
                "        if (++w == %s) {\n"
                "            w = 0;\n"
                "            if (++h == %s) {\n"
                "                h = 0;\n"
                "                if (++d == %s)\n"
                "                    d = 0, b++;\n"
                "            }\n        }\n    }\n}\n\n",
                size[2], size[1], size[0]);
}

static const char *triple(Emit *e, const int64_t v[3])
{
    return arena_printf(e->arena, "{%lld, %lld, %lld}", (long long)v[0], (long long)v[1],
                        (long long)v[2]);
}

static const char *triple_expr(Emit *e, const Expr *const *v)
{
    return arena_printf(e->arena, "{%s, %s, %s}", emit_expr(e, v[0]), emit_expr(e, v[1]),
                        emit_expr(e, v[2]));
}

static Error *emit_fast(Emit *e, const Kernel *k)
{
    const Conv *c = &k->conv;
    bool        depthwise = k->kind == KERNEL_DEPTHWISE;
    const char *name = emit_kernel_name(e, k), *type = rt_type(c->dtype);
    Text       *t = e->out;
    need_text(e, depthwise ? "depthwise" : "conv");
    TRY(emit_epilogue(e, k, "float"));
    emit_pixel_store(e, k, !depthwise && c->out_channels / c->groups % 32 == 0);
    emit_kernel_open(e, k);
    text_printf(t, "    %s_call t_call = {.out = %s};\n    %s_open(f, &t_call.args);\n", name,
                triple_expr(e, c->out), name);
    const int n_streams = depthwise ? 0 : emit_streams(e, k, 0, 1);
    text_printf(t, "    const rt_conv t_v = {\n        .batch = %s, .in = %s, .out = %s,\n",
                emit_expr(e, c->batch), triple_expr(e, c->in), triple_expr(e, c->out));
    text_printf(t, "        .kernel = %s, .stride = %s, .dilation = %s, .padding = %s,\n",
                triple(e, c->kernel), triple(e, c->stride), triple(e, c->dilation),
                triple(e, c->padding));
    text_printf(t, "        .groups = %lld, .ic = %lld, .oc = %lld,\n", (long long)c->groups,
                (long long)(c->in_channels / c->groups), (long long)(c->out_channels / c->groups));
    text_printf(t, "        .x = %s, .x_n = %s, .x_d = %s, .x_c = %s, .x_type = %s,\n",
                emit_load_operand_base(e, &c->x), emit_expr(e, c->x.strides[0]),
                triple_expr(e, c->x.strides + 1), emit_expr(e, c->x.strides[4]), type);
    text_printf(t, "        .w = %s, .w_type = %s,\n", emit_load_operand_base(e, &c->weight), type);
    if (c->weight_strided)
        text_printf(t, "        .w_strided = 1, .w_oc = %s, .w_ic = %s, .w_k = %s,\n",
                    emit_expr(e, c->weight.strides[0]), emit_expr(e, c->weight.strides[1]),
                    triple_expr(e, c->weight.strides + 2));
    if (n_streams)
        text_printf(t, "        .streams = t_streams, .n_streams = %d,\n", n_streams);
    text_printf(t, "        .store = %s_store, .cx = &t_call,\n    };\n", name);
    text_printf(t, "    rt_%s_run(&t_v, thread, %s, " SCRATCH ");\n}\n\n",
                depthwise ? "depthwise" : "conv", thread_count(k));
    return NULL;
}

/* Index of a weight element for output channel `o` and input channel `i` of its group. */
static const char *weight_index(Emit *e, const Kernel *k)
{
    const Conv *c = &k->conv;
    const char *tap = arena_printf(e->arena, "((t_kd * %lld + t_kh) * %lld + t_kw)",
                                   (long long)c->kernel[1], (long long)c->kernel[2]);
    if (c->weight_strided) {
        const char *names[5] = {"t_o", "t_i", "t_kd", "t_kh", "t_kw"};
        return strided_index(e, &c->weight, names, 5);
    }
    if (k->kind == KERNEL_DEPTHWISE)
        return arena_printf(e->arena, "%s * %lld + t_o", tap, (long long)c->out_channels);
    long long oc = c->out_channels / c->groups, ic = c->in_channels / c->groups;
    long long taps = c->kernel[0] * c->kernel[1] * c->kernel[2];
    return arena_printf(e->arena,
                        "((t_o / %lld * %lld + t_o %% %lld / 16) * %lld + %s * %lld + t_i) * 16 + "
                        "t_o %% %lld %% 16",
                        oc, (oc + 15) / 16, oc, taps * ic, tap, ic, oc);
}

static void open_taps(Emit *e, const Conv *c)
{
    static const char *const dims = "dhw";
    Text                    *t = e->out;
    for (int d = 0; d < 3; d++) {
        text_printf(t, "                for (int64_t t_k%c = 0; t_k%c < %lld; t_k%c++) {\n",
                    dims[d], dims[d], (long long)c->kernel[d], dims[d]);
        text_printf(
            t, "                    const int64_t t_y%c = t_%c * %lld + t_k%c * %lld - %lld;\n",
            dims[d], dims[d], (long long)c->stride[d], dims[d], (long long)c->dilation[d],
            (long long)c->padding[d]);
        text_printf(t,
                    "                    if (t_y%c < 0 || t_y%c >= %s)\n                        "
                    "continue;\n",
                    dims[d], dims[d], emit_expr(e, c->in[d]));
    }
}

static Error *emit_plain(Emit *e, const Kernel *k)
{
    const Conv *c = &k->conv;
    DType       dtype = dtype_compute(c->dtype);
    const char *name = emit_kernel_name(e, k), *acc = c_register_type(dtype);
    Text       *t = e->out;
    if (!acc || dtype_info(c->dtype)->is_complex)
        return emit_unsupported(e, k, "convolutions of %s", dtype_name(c->dtype));
    const char *sum = c_accumulator_type(REDUCE_SUM, dtype);
    const Expr *sizes[4] = {c->batch, c->out[0], c->out[1], c->out[2]};
    const char *point[4] = {"t_b", "t_d", "t_h", "t_w"},
               *x_names[5] = {"t_b", "t_yd", "t_yh", "t_yw", "t_x"};
    TRY(emit_epilogue(e, k, acc));
    emit_kernel_open(e, k);
    text_printf(t, "    %s_args t_args;\n    %s_open(f, &t_args);\n", name, name);
    emit_split(e, 1, k->parallel != 0, product_text(e, sizes, 4), 1);
    text_put(t, "    for (int64_t t_p = lo; t_p < hi; t_p++) {\n");
    emit_decode(e, 2, "t_p", sizes, point, 4);
    text_printf(
        t, "        for (int64_t t_o0 = 0; t_o0 < %lld; t_o0 += 64) {\n            %s t_out[64];\n",
        (long long)c->out_channels, acc);
    text_printf(t, "            int64_t t_cols = %lld - t_o0 < 64 ? %lld - t_o0 : 64;\n",
                (long long)c->out_channels, (long long)c->out_channels);
    text_printf(t,
                "            for (int64_t t_o = t_o0; t_o < t_o0 + t_cols; t_o++) {\n              "
                "  %s t_sum = 0;\n",
                sum);
    open_taps(e, c);
    text_printf(t, "                for (int64_t t_i = 0; t_i < %lld; t_i++) {\n",
                (long long)(c->in_channels / c->groups));
    text_printf(t, "                    const int64_t t_x = t_o / %lld * %lld + t_i;\n",
                (long long)(c->out_channels / c->groups), (long long)(c->in_channels / c->groups));
    text_printf(t, "                    t_sum += (%s)%s * (%s)%s;\n", sum,
                c_load(e->arena, c->dtype,
                       arena_printf(e->arena, "(%s)[%s]", emit_load_operand_base(e, &c->x),
                                    strided_index(e, &c->x, x_names, 5))),
                sum,
                c_load(e->arena, c->dtype,
                       arena_printf(e->arena, "(%s)[%s]", emit_load_operand_base(e, &c->weight),
                                    weight_index(e, k))));
    text_printf(t,
                "                }\n                }\n                }\n                }\n"
                "                t_out[t_o - t_o0] = (%s)t_sum;\n            }\n",
                acc);
    text_printf(t,
                "            %s_epilogue(&t_args, t_b, t_d, t_h, t_w, t_o0, t_cols, t_out);\n      "
                "  }\n    }\n}\n\n",
                name);
    return NULL;
}

Error *emit_conv(Emit *e, const Kernel *k)
{
    if (k->kind == KERNEL_DEPTHWISE && k->conv.weight_strided)
        return emit_plain(e, k);
    return rt_type(k->conv.dtype) ? emit_fast(e, k) : emit_plain(e, k);
}
