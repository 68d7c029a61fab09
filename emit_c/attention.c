/* Attention: a call of runtime/attention.c.inc for every batch element and head that is this
 * thread's; f64 as plain loops.
 *
 * The mask becomes a row function (emit_row_function) wrapped so that it gives what is added to the
 * scores. */
#include "emit_c/templates.h"

#include <string.h>

typedef struct UsesCx {
    const Symbol *symbol;
    bool          found;
} UsesCx;

static void uses_symbol(void *cx, Scalar *s)
{
    UsesCx *u = cx;
    u->found |= s->index && expr_contains(s->index, u->symbol);
}

static bool loop_depends_on(const Loop *loop, const Symbol *symbol)
{
    UsesCx u = {symbol, false};
    scalar_walk(&loop->value, 1, uses_symbol, &u);
    return u.found;
}

/* static void K_mask(cx, q, k, n, float *out): what is added to the scores of keys k …, as float or
 * -inf. */
static Error *emit_mask(Emit *e, const Kernel *k)
{
    const Attention *a = &k->attention;
    const char      *name = emit_kernel_name(e, k);
    bool             is_bool = a->mask->value->dtype == DT_BOOL;
    Text            *t = e->out;
    TRY(emit_row_function(e, k, a->mask, a->mask->n_dims - 1,
                          arena_printf(e->arena, "%s_mask_row", name)));
    text_printf(
        t,
        "static void %s_mask(const void *cx, int64_t q, int64_t k, int64_t n, float *out)\n{\n"
        "    const %s_call *c = cx;\n",
        name, name);
    if (is_bool)
        text_put(t, "    int seen[RT_KEYS];\n");
    text_printf(t, "    %s_mask_row(c->f, ", name);
    for (int d = 0; d < a->n_batch; d++)
        text_printf(t, "c->b[%d], ", d);
    text_printf(t, "q, k, n, %s);\n", is_bool ? "seen" : "out");
    if (is_bool)
        text_put(t, "    for (int64_t j = 0; j < n; j++)\n        out[j] = seen[j] ? 0.f : "
                    "-__builtin_inff();\n");
    text_put(t, "}\n\n");
    return NULL;
}

static const char **kv_names(Emit *e, const Attention *a, const char *const *names)
{
    const char **kv = index_names(e, "t_b", a->n_batch);
    if (a->group > 1)
        kv[a->n_batch - 1] =
            arena_printf(e->arena, "(%s / %lld)", names[a->n_batch - 1], (long long)a->group);
    return kv;
}

static void print_operand(Emit *e, const char *name, const Operand *o, const char *const *names,
                          int n_batch)
{
    text_printf(e->out, "            .%s = %s, .%s_row = %s, .%s_col = %s,\n", name,
                operand_at(e, o, names, n_batch), name, emit_expr(e, o->strides[n_batch]), name,
                emit_expr(e, o->strides[n_batch + 1]));
}

static void open_heads(Emit *e, const Kernel *k, const char *const *names)
{
    const Attention *a = &k->attention;
    text_printf(e->out, "    const rt_box t_box = rt_attention_split(%s, %s, thread, %s);\n",
                product_text(e, a->batch, a->n_batch), emit_expr(e, a->q_len), thread_count(k));
    text_put(e->out,
             "    for (int64_t t_batch = t_box.lo[0]; t_batch < t_box.hi[0]; t_batch++) {\n");
    emit_decode(e, 2, "t_batch", a->batch, names, a->n_batch);
    for (int d = 0; d < a->n_batch; d++)
        text_printf(e->out, "        t_call.b[%d] = %s;\n", d, names[d]);
}

static Error *emit_flash(Emit *e, const Kernel *k)
{
    const Attention *a = &k->attention;
    const char      *name = emit_kernel_name(e, k);
    const char     **names = index_names(e, "t_b", a->n_batch), **kv = kv_names(e, a, names);
    Text            *t = e->out;
    if (a->mask)
        TRY(emit_mask(e, k));
    emit_kernel_open(e, k);
    text_printf(t, "    %s_call t_call = {.f = f};\n    %s_open(f, &t_call.args);\n", name, name);
    open_heads(e, k, names);
    text_printf(t,
                "        const rt_attention t_x = {\n            .q_len = %s, .kv_len = %s, .d = "
                "%s, .dv = %s,\n",
                emit_expr(e, a->q_len), emit_expr(e, a->kv_len), emit_expr(e, a->d),
                emit_expr(e, a->dv));
    print_operand(e, "q", &a->q, names, a->n_batch);
    print_operand(e, "k", &a->k, kv, a->n_batch);
    print_operand(e, "v", &a->v, kv, a->n_batch);
    text_printf(t, "            .type = %s, .scale = %s, .causal = %d,\n", rt_type(a->dtype),
                c_const(e->arena, DT_F32, 0, a->scale), a->causal);
    if (a->mask)
        text_printf(t, "            .mask = %s_mask, .mask_has_query = %d,\n", name,
                    loop_depends_on(a->mask, a->mask->vars[a->n_batch]));
    text_printf(t, "            .store = %s_store, .cx = &t_call, .batch = t_batch,\n        };\n",
                name);
    text_put(t, "        rt_attention_part(&t_x, t_box.lo[1], t_box.hi[1], " SCRATCH
                ");\n    }\n}\n\n");
    return NULL;
}

/* f64: one query at a time, running maximum and sum. */
static Error *emit_plain(Emit *e, const Kernel *k)
{
    const Attention *a = &k->attention;
    const char      *name = emit_kernel_name(e, k);
    const char     **names = index_names(e, "t_b", a->n_batch), **kv = kv_names(e, a, names);
    int              nb = a->n_batch;
    Text            *t = e->out;
    if (a->mask)
        TRY(emit_mask(e, k));
    emit_kernel_open(e, k);
    text_printf(t, "    %s_call t_call = {.f = f};\n    %s_open(f, &t_call.args);\n", name, name);
    open_heads(e, k, names);
    text_printf(t, "        const double *t_qb = %s, *t_kb = %s, *t_vb = %s;\n",
                operand_at(e, &a->q, names, nb), operand_at(e, &a->k, kv, nb),
                operand_at(e, &a->v, kv, nb));
    text_printf(t, "        const int64_t t_tile = %s <= RT_FEW_QUERIES ? 1 : RT_QUERIES;\n",
                emit_expr(e, a->q_len));
    text_printf(t,
                "        for (int64_t t_q = t_box.lo[1] * t_tile; t_q < RT_MIN64(t_box.hi[1] * "
                "t_tile, %s); t_q++) {\n",
                emit_expr(e, a->q_len));
    text_put(t,
             "            double t_max = -__builtin_inf(), t_sum = 0, t_out[RT_HEAD_MAX] = {0};\n");
    text_printf(
        t,
        "            for (int64_t t_j = 0; t_j < %s; t_j++) {\n                double t_s = 0;\n",
        a->causal ? arena_printf(e->arena, "RT_MIN64(t_q + 1, %s)", emit_expr(e, a->kv_len))
                  : emit_expr(e, a->kv_len));
    text_printf(t,
                "                for (int64_t t_i = 0; t_i < %s; t_i++)\n"
                "                    t_s += t_qb[t_q * (%s) + t_i * (%s)] * t_kb[t_j * (%s) + t_i "
                "* (%s)];\n",
                emit_expr(e, a->d), emit_expr(e, a->q.strides[nb]),
                emit_expr(e, a->q.strides[nb + 1]), emit_expr(e, a->k.strides[nb]),
                emit_expr(e, a->k.strides[nb + 1]));
    text_printf(t, "                t_s *= %s;\n", c_const(e->arena, DT_F64, 0, a->scale));
    if (a->mask)
        text_printf(t,
                    "                float t_mask[1];\n                %s_mask(&t_call, t_q, t_j, "
                    "1, t_mask);\n"
                    "                t_s += t_mask[0];\n",
                    name);
    text_put(t, "                const double t_next = t_s > t_max || t_s != t_s ? t_s : t_max;\n"
                "                const double t_fix = t_next == t_max ? 1 : __builtin_exp(t_max - "
                "t_next);\n"
                "                const double t_p = t_s == -__builtin_inf() ? 0 : "
                "__builtin_exp(t_s - t_next);\n"
                "                t_max = t_next, t_sum = t_sum * t_fix + t_p;\n");
    text_printf(t,
                "                for (int64_t t_i = 0; t_i < %s; t_i++)\n"
                "                    t_out[t_i] = t_out[t_i] * t_fix + t_p * t_vb[t_j * (%s) + t_i "
                "* (%s)];\n            }\n",
                emit_expr(e, a->dv), emit_expr(e, a->v.strides[nb]),
                emit_expr(e, a->v.strides[nb + 1]));
    text_printf(t,
                "            for (int64_t t_i = 0; t_i < %s; t_i++)\n                t_out[t_i] = "
                "t_sum == 0 ? 0 : t_out[t_i] / t_sum;\n",
                emit_expr(e, a->dv));
    text_printf(t, "            %s_epilogue(&t_call.args, ", name);
    for (int d = 0; d < nb; d++)
        text_printf(t, "%s, ", names[d]);
    text_printf(t, "t_q, 0, %s, t_out);\n        }\n    }\n}\n\n", emit_expr(e, a->dv));
    return NULL;
}

Error *emit_attention(Emit *e, const Kernel *k)
{
    const Attention *a = &k->attention;
    bool             is_f64 = a->dtype == DT_F64;
    if (!rt_type(a->dtype) && !is_f64)
        return emit_unsupported(e, k, "attention of %s", dtype_name(a->dtype));
    if (expr_range(a->d).max > 1024 || expr_range(a->dv).max > 1024)
        return emit_unsupported(e, k, "attention with heads of more than 1024 elements");
    need_text(e, "attention");
    TRY(emit_epilogue(e, k, is_f64 ? "double" : "float"));
    if (!is_f64)
        emit_row_store(e, k, a->n_batch, false);
    else
        text_printf(e->out,
                    "typedef struct %s_call {\n    const aotc_model_frame *f;\n    %s_args args;\n "
                    "   int64_t b[%d];\n"
                    "} %s_call;\n\n",
                    emit_kernel_name(e, k), emit_kernel_name(e, k), a->n_batch,
                    emit_kernel_name(e, k));
    return is_f64 ? emit_plain(e, k) : emit_flash(e, k);
}
