/* LSTM and GRU layers: a body that gives operands as functions to runtime/rnn.cu.inc, launched once
 * for all steps. */
#include "emit_cuda/element.h"

#include "emit_c/templates.h"

#define SHARED_BYTES (96 * 1024)

/* const auto t_x = [&](int64_t t_0, …) { return x[…]; }; an absent operand gives 0. */
static void print_get(CudaEmit *c, const char *name, const Operand *o, int n, const char *prefix)
{
    Emit        *e = &c->e;
    const char **names = index_names(e, "t_", n);
    text_printf(e->out, "    const auto %s = [&](", name);
    for (int d = 0; d < n; d++)
        text_printf(e->out, "%sint64_t %s", d ? ", " : "", names[d]);
    text_put(e->out, ") {\n        return ");
    if (o->buffer)
        text_printf(e->out, "%s(%s)[%s];\n    };\n", prefix, emit_load_operand_base(e, o),
                    strided_index(e, o, names, n));
    else
        text_put(e->out, "0.0f;\n    };\n");
}

static void print_last(CudaEmit *c, const char *name, const Operand *o)
{
    Emit        *e = &c->e;
    const char **names = index_names(e, "t_", 2);
    text_printf(e->out, "    const auto %s = [&](int64_t t_0, int64_t t_1, float t_v) {\n", name);
    if (o->buffer)
        text_printf(e->out, "        (%s)[%s] = t_v;\n", emit_load_operand_base(e, o),
                    strided_index(e, o, names, 2));
    text_put(e->out, "    };\n");
}

static const char *rnn_body(CudaEmit *c, const Kernel *k)
{
    const Lstm *s = &k->lstm;
    Emit       *e = &c->e;
    Text        body = text_new(e->arena), *out = e->out;
    bool        is_gru = k->kind == KERNEL_GRU;
    e->out = &body;
    text_printf(
        &body,
        "    aotc_rnn t_r;\n    t_r.steps = %s;\n    t_r.batch = %s;\n    t_r.hidden = %lld;\n"
        "    t_r.columns = t_columns;\n    t_r.is_reverse = %s;\n    t_r.is_cached = "
        "t_is_cached != 0;\n    t_r.arrived = (unsigned *)scratch;\n"
        "    t_r.cell = (float *)(scratch + 256);\n",
        emit_expr(e, s->steps), emit_expr(e, s->batch), (long long)s->hidden,
        s->reverse ? "true" : "false");
    print_get(c, "t_x", &s->gates_x, 3, "");
    print_get(c, "t_h0", &s->h0, 2, "");
    print_get(c, "t_c0", &(Operand){is_gru ? NULL : s->c0.buffer, s->c0.offset, s->c0.strides, 2},
              2, "");
    print_get(c, "t_w", &s->w_hh, 2, "");
    print_get(c, "t_bias",
              &(Operand){is_gru ? s->b_hn.buffer : NULL, s->b_hn.offset, s->b_hn.strides, 1}, 1,
              "");
    print_get(c, "t_out", &s->out, 3, "&");
    print_last(c, "t_last_h", &s->h_n);
    print_last(c, "t_last_c",
               &(Operand){is_gru ? NULL : s->c_n.buffer, s->c_n.offset, s->c_n.strides, 2});
    text_printf(&body,
                "    aotc_rnn_run<%d>(t_r, (float *)aotc_shared, t_x, t_h0, t_c0, t_w, t_bias, "
                "t_out, t_last_h, t_last_c);\n",
                is_gru ? 3 : 4);
    e->out = out;
    return body.data;
}

Error *cuda_emit_rnn(CudaEmit *c, const Kernel *k)
{
    static const CudaField fields[] = {{"int64_t", "t_columns", "t_columns"},
                                       {"int64_t", "t_is_cached", "t_is_cached"}};
    const Lstm            *s = &k->lstm;
    ExprPool              *p = c->e.exprs;
    CudaHandle             handle = {0};
    int                    gates = k->kind == KERNEL_GRU ? 3 : 4;
    CudaFunction           f = {.threads = 256,
                                .fields = fields,
                                .n_fields = 2,
                                .no_restrict = true,
                                .max_shared_bytes = SHARED_BYTES};
    if (s->dtype != DT_F32)
        return emit_unsupported(&c->e, k, "recurrent layers of %s", dtype_name(s->dtype));
    if (s->hidden < 1 || s->hidden * 16 > SHARED_BYTES)
        return emit_unsupported(&c->e, k, "recurrent layers with %lld hidden elements",
                                (long long)s->hidden);
    cuda_need_scratch(
        c, expr_add(p, expr_int(p, 256), expr_mul(p, s->batch, expr_int(p, 4 * s->hidden))));
    cuda_need(c, "rnn");
    f.body = rnn_body(c, k);
    TRY(cuda_function(c, &f, &handle));
    text_printf(
        c->launch,
        "    const int64_t t_hidden = %lld, t_columns = (t_hidden + f->cuda->n_sm - 1) / "
        "f->cuda->n_sm;\n"
        "    const int64_t t_state = t_hidden * 16, t_weights = %d * t_columns * t_hidden * "
        "4;\n    const int64_t t_is_cached = t_state + t_weights <= %d;\n"
        "    f->cuda->fill(f, f->scratch, 0, 4, 1);\n",
        (long long)s->hidden, gates, SHARED_BYTES);
    CudaLaunch launch = {.grid[0] = "(t_hidden + t_columns - 1) / t_columns",
                         .block[0] = "256",
                         .shared = "t_state + (t_is_cached ? t_weights : 0)"};
    cuda_launch(c, &handle, &launch, 1);
    return NULL;
}
