/* Embedding bags: a thread makes one element of one bag, so that threads side by side read a row of
 * the table side by side.
 *
 *   out[bag, e] = sum, mean or max of weight[index[j], e] over the bag's j */
#include "emit_cuda/element.h"

#include "emit_c/templates.h"

static void print_bounds(CudaEmit *c, const EmbeddingBag *b)
{
    Emit       *e = &c->e;
    const char *bag[1] = {"t_bag"}, *next[1] = {"(t_bag + 1)"};
    const char *offsets = emit_load_operand_base(e, &b->offsets);
    const char *count = emit_expr(e, b->n_indices);
    text_printf(e->out, "    const int64_t t_first = (%s)[%s];\n", offsets,
                strided_index(e, &b->offsets, bag, 1));
    if (b->include_last)
        text_printf(e->out, "    int64_t t_end = (%s)[%s];\n", offsets,
                    strided_index(e, &b->offsets, next, 1));
    else
        text_printf(e->out, "    int64_t t_end = t_bag + 1 < %s ? (int64_t)(%s)[%s] : %s;\n",
                    emit_expr(e, b->n_bags), offsets, strided_index(e, &b->offsets, next, 1),
                    count);
    text_printf(e->out, "    t_end = t_end < %s ? t_end : %s;\n", count, count);
}

static void print_row(CudaEmit *c, const EmbeddingBag *b)
{
    Emit       *e = &c->e;
    Text       *t = e->out;
    const char *at[1] = {"t_j"}, *row[2] = {"t_row", "t_e"};
    text_printf(t, "        const int64_t t_row = (%s)[%s];\n",
                emit_load_operand_base(e, &b->indices), strided_index(e, &b->indices, at, 1));
    if (b->padding >= 0)
        text_printf(t, "        if (t_row == %lld)\n            continue;\n",
                    (long long)b->padding);
    text_printf(t,
                "        if (t_row < 0 || t_row >= %s) {\n"
                "            aotc_fail(f, AOTC_FAIL_INDEX, kernel, t_row, %s, \"index\");\n"
                "            continue;\n        }\n",
                emit_expr(e, b->rows), emit_expr(e, b->rows));
    text_printf(t, "        t_value t_v = %s;\n",
                c_load(e->arena, b->dtype,
                       arena_printf(e->arena, "(%s)[%s]", emit_load_operand_base(e, &b->weight),
                                    strided_index(e, &b->weight, row, 2))));
    if (b->sample_weights.buffer)
        text_printf(
            t, "        t_v *= %s;\n",
            c_load(e->arena, b->sample_weights.buffer->dtype,
                   arena_printf(e->arena, "(%s)[%s]", emit_load_operand_base(e, &b->sample_weights),
                                strided_index(e, &b->sample_weights, at, 1))));
    text_printf(t, "        t_acc = %s;\n        t_used++;\n",
                b->mode == 2 ? "!t_used || t_v > t_acc || t_v != t_v ? t_v : t_acc"
                             : "t_acc + t_v");
}

static const char *bag_body(CudaEmit *c, const EmbeddingBag *b)
{
    Emit       *e = &c->e;
    Text        body = text_new(e->arena), *out = e->out;
    const char *width = emit_expr(e, b->width), *to[2] = {"t_bag", "t_e"};
    e->out = &body;
    text_printf(&body, "    typedef %s t_value;\n", c_register_type(dtype_compute(b->dtype)));
    text_printf(&body,
                "    const int64_t t_i = (int64_t)blockIdx.x * 128 + threadIdx.x;\n"
                "    if (t_i >= (%s) * (%s))\n        return;\n"
                "    const int64_t t_bag = t_i / (%s), t_e = t_i %% (%s);\n",
                emit_expr(e, b->n_bags), width, width, width);
    print_bounds(c, b);
    text_put(&body, "    t_value t_acc = 0;\n    int64_t t_used = 0;\n"
                    "    for (int64_t t_j = t_first < 0 ? 0 : t_first; t_j < t_end; t_j++) {\n");
    print_row(c, b);
    text_put(&body, "    }\n");
    text_printf(&body, "    (%s)[%s] = %s;\n", emit_load_operand_base(e, &b->out),
                strided_index(e, &b->out, to, 2),
                c_store(e->arena, b->dtype,
                        b->mode == 1 ? "(t_used ? t_acc / (t_value)t_used : 0)" : "t_acc"));
    e->out = out;
    return body.data;
}

Error *cuda_emit_bag(CudaEmit *c, const Kernel *k)
{
    const EmbeddingBag *b = &k->bag;
    CudaFunction        f = {.threads = 128};
    CudaHandle          handle = {0};
    if (!dtype_is_float(b->dtype))
        return emit_unsupported(&c->e, k, "embedding bags of %s", dtype_name(b->dtype));
    f.body = bag_body(c, b);
    TRY(cuda_function(c, &f, &handle));
    CudaLaunch launch = {.block[0] = "128"};
    launch.grid[0] =
        cuda_ceil_div(c,
                      arena_printf(c->e.arena, "(%s) * (%s)", emit_expr(&c->e, b->n_bags),
                                   emit_expr(&c->e, b->width)),
                      128);
    cuda_launch(c, &handle, &launch, 1);
    return NULL;
}
