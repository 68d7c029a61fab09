/* Weights into the layout of kernels (fold plans, or before a kernel whose weight is computed), and
 * plain copies. */
#include "emit_c/templates.h"

/* to[panel][k][16]: a thread packs whole panels. */
static void emit_panels(Emit *e, const Kernel *k)
{
    const Pack *p = &k->pack;
    const char *names[2] = {"t_n", "t_k"}, *type = c_storage_type(p->from.buffer->dtype);
    const Expr *panels = expr_ceildiv(e->exprs, p->n, expr_int(e->exprs, 16));
    Text       *t = e->out;
    emit_split(e, 1, k->parallel != 0, emit_expr(e, panels), 1);
    text_printf(
        t,
        "    for (int64_t t_p = lo; t_p < hi; t_p++) {\n        %s *t_to = %s + t_p * 16 * (%s);\n",
        type, emit_buffer_name(e, p->to), emit_expr(e, p->k));
    text_printf(t, "        __builtin_memset(t_to, 0, sizeof *t_to * 16 * (uint64_t)(%s));\n",
                emit_expr(e, p->k));
    text_printf(t, "        for (int64_t t_n = t_p * 16; t_n < t_p * 16 + 16 && t_n < %s; t_n++)\n",
                emit_expr(e, p->n));
    text_printf(t,
                "            for (int64_t t_k = 0; t_k < %s; t_k++)\n                t_to[t_k * 16 "
                "+ t_n %% 16] = (%s)[%s];\n"
                "    }\n",
                emit_expr(e, p->k), emit_load_operand_base(e, &p->from),
                strided_index(e, &p->from, names, 2));
}

/* to[groups][panel][KD][KH][KW][IC/g][16], or [KD][KH][KW][C]: a thread takes output channels (of
 * whole panels). */
static void emit_conv_panels(Emit *e, const Kernel *k)
{
    const PackConv *p = &k->pack_conv;
    const char     *names[5] = {"t_o", "t_i", "t_d", "t_h", "t_w"},
               *type = c_storage_type(p->from.buffer->dtype);
    long long oc = p->oc / p->groups, panels = (oc + 15) / 16,
              ic = p->depthwise ? 1 : p->ic / p->groups;
    long long   taps = p->kernel[0] * p->kernel[1] * p->kernel[2];
    Text       *t = e->out;
    const char *from = arena_printf(e->arena, "(%s)[%s]", emit_load_operand_base(e, &p->from),
                                    strided_index(e, &p->from, names, 5));
    emit_split(e, 1, k->parallel != 0,
               arena_printf(e->arena, "%lld", p->depthwise ? (long long)p->oc : p->groups * panels),
               1);
    text_printf(t, "    for (int64_t t_p = lo; t_p < hi; t_p++) {\n        %s *t_to = %s;\n", type,
                emit_buffer_name(e, p->to));
    if (!p->depthwise)
        text_printf(t,
                    "        t_to += t_p * %lld;\n        __builtin_memset(t_to, 0, sizeof *t_to * "
                    "%lld);\n",
                    16 * taps * ic, 16 * taps * ic);
    text_printf(t, "        for (int64_t t_j = 0; t_j < %lld; t_j++) {\n",
                p->depthwise ? 1LL : 16LL);
    if (p->depthwise)
        text_put(t, "            const int64_t t_o = t_p;\n");
    else
        text_printf(t,
                    "            if (t_p %% %lld * 16 + t_j >= %lld)\n                break;\n"
                    "            const int64_t t_o = t_p / %lld * %lld + t_p %% %lld * 16 + t_j;\n",
                    panels, oc, panels, oc, panels);
    text_printf(t,
                "            for (int64_t t_d = 0; t_d < %lld; t_d++)\n            for (int64_t "
                "t_h = 0; t_h < %lld; t_h++)\n"
                "            for (int64_t t_w = 0; t_w < %lld; t_w++)\n            for (int64_t "
                "t_i = 0; t_i < %lld; t_i++)\n",
                (long long)p->kernel[0], (long long)p->kernel[1], (long long)p->kernel[2], ic);
    const char *tap = arena_printf(e->arena, "((t_d * %lld + t_h) * %lld + t_w)",
                                   (long long)p->kernel[1], (long long)p->kernel[2]);
    if (p->depthwise)
        text_printf(t, "                t_to[%s * %lld + t_o] = %s;\n", tap, (long long)p->oc,
                    from);
    else
        text_printf(t, "                t_to[(%s * %lld + t_i) * 16 + t_j] = %s;\n", tap, ic, from);
    text_put(t, "        }\n    }\n");
}

/* to[oc][KD][KH][KW][IC/g]: a thread takes output channels. */
static void emit_conv_plain(Emit *e, const Kernel *k)
{
    const PackConv *p = &k->pack_conv;
    const char     *names[5] = {"t_o", "t_i", "t_d", "t_h", "t_w"};
    Text           *t = e->out;
    emit_split(e, 1, k->parallel != 0, arena_printf(e->arena, "%lld", (long long)p->oc), 1);
    text_printf(t,
                "    for (int64_t t_o = lo; t_o < hi; t_o++)\n"
                "    for (int64_t t_d = 0; t_d < %lld; t_d++)\n"
                "    for (int64_t t_h = 0; t_h < %lld; t_h++)\n"
                "    for (int64_t t_w = 0; t_w < %lld; t_w++)\n"
                "    for (int64_t t_i = 0; t_i < %lld; t_i++)\n",
                (long long)p->kernel[0], (long long)p->kernel[1], (long long)p->kernel[2],
                (long long)(p->ic / p->groups));
    text_printf(t, "        %s[(((t_o * %lld + t_d) * %lld + t_h) * %lld + t_w) * %lld + t_i] = ",
                emit_buffer_name(e, p->to), (long long)p->kernel[0], (long long)p->kernel[1],
                (long long)p->kernel[2], (long long)(p->ic / p->groups));
    text_printf(t, "(%s)[%s];\n", emit_load_operand_base(e, &p->from),
                strided_index(e, &p->from, names, 5));
}

Error *emit_pack(Emit *e, const Kernel *k)
{
    if (k->kind == KERNEL_COPY && (k->n_reads != 1 || k->n_writes != 1))
        return emit_unsupported(e, k, "a copy of %d buffers into %d", k->n_reads, k->n_writes);
    emit_kernel_open(e, k);
    if (k->kind == KERNEL_PACK) {
        emit_panels(e, k);
    } else if (k->kind == KERNEL_PACK_CONV) {
        k->pack_conv.plain ? emit_conv_plain(e, k) : emit_conv_panels(e, k);
    } else {
        const Buffer *to = k->writes[0];
        emit_split(e, 1, k->parallel != 0, emit_expr(e, to->numel), 64);
        text_printf(e->out,
                    "    if (hi > lo)\n        __builtin_memcpy(%s + lo, %s + lo, (uint64_t)(hi - "
                    "lo) * %d);\n",
                    emit_buffer_name(e, to), emit_buffer_name(e, k->reads[0]),
                    dtype_size(to->dtype));
    }
    text_put(e->out, "}\n\n");
    return NULL;
}
