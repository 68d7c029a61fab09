/* GEMM: a call of runtime/gemm.c.inc for f32, f16 and bf16; a loop nest for f64 and integers.
 *
 *   call.b[0] = batch;  g = {.m = s0, .n = 768, .k = 64, .a = x + …, .b = w, …};  rt_gemm_part(&g,
 * rows, panels, scratch) */
#include "emit_c/templates.h"

/* The loop over this thread's batch elements, up to and with their indices b0 … and pointers. */
static void open_batches(Emit *e, const Kernel *k, const char *const *names)
{
    const Gemm *g = &k->gemm;
    Text       *t = e->out;
    text_printf(t, "    const rt_box t_box = rt_gemm_split(%s, %s, %s, thread, %s);\n",
                product_text(e, g->batch, g->n_batch), emit_expr(e, g->m), emit_expr(e, g->n),
                thread_count(k));
    text_put(t, "    for (int64_t t_batch = t_box.lo[0]; t_batch < t_box.hi[0]; t_batch++) {\n");
    emit_decode(e, 2, "t_batch", g->batch, names, g->n_batch);
}

static Error *emit_fast(Emit *e, const Kernel *k)
{
    const Gemm  *g = &k->gemm;
    const char  *name = emit_kernel_name(e, k), *type = rt_type(g->dtype);
    const char **names = index_names(e, "t_b", g->n_batch);
    Text        *t = e->out;
    need_text(e, "gemm");
    TRY(emit_epilogue(e, k, "float"));
    emit_row_store(e, k, g->n_batch, emit_whole_tiles(g->n));
    emit_kernel_open(e, k);
    text_printf(t, "    %s_call t_call = {.f = f};\n    %s_open(f, &t_call.args);\n", name, name);
    open_batches(e, k, names);
    for (int d = 0; d < g->n_batch; d++)
        text_printf(t, "        t_call.b[%d] = %s;\n", d, names[d]);
    const int n_streams = emit_streams(e, k, g->n_batch, 2);
    text_printf(t, "        const rt_gemm t_g = {\n            .m = %s, .n = %s, .k = %s,\n",
                emit_expr(e, g->m), emit_expr(e, g->n), emit_expr(e, g->k));
    text_printf(t, "            .a = %s, .a_m = %s, .a_k = %s, .a_type = %s,\n",
                operand_at(e, &g->a, names, g->n_batch), emit_expr(e, g->a.strides[g->n_batch]),
                emit_expr(e, g->a.strides[g->n_batch + 1]), type);
    if (g->b.buffer->panel)
        text_printf(t, "            .b = %s, .b_type = %s,\n", emit_load_operand_base(e, &g->b),
                    type);
    else
        text_printf(t, "            .b = %s, .b_k = %s, .b_n = %s, .b_type = %s, .b_strided = 1,\n",
                    operand_at(e, &g->b, names, g->n_batch), emit_expr(e, g->b.strides[g->n_batch]),
                    emit_expr(e, g->b.strides[g->n_batch + 1]), type);
    if (n_streams)
        text_printf(t, "            .streams = t_streams, .n_streams = %d,\n", n_streams);
    text_printf(t, "            .store = %s_store, .cx = &t_call, .batch = t_batch,\n        };\n",
                name);
    text_put(
        t, "        rt_gemm_part(&t_g, t_box.lo[1], t_box.hi[1], t_box.lo[2], t_box.hi[2], " SCRATCH
           ");\n    }\n}\n\n");
    return NULL;
}

/* 64 columns of a row at a time, accumulators on the stack. Integers are computed unsigned, where
 * overflow wraps. */
static Error *emit_plain(Emit *e, const Kernel *k)
{
    const Gemm  *g = &k->gemm;
    int          nb = g->n_batch;
    const char  *name = emit_kernel_name(e, k), *acc = c_register_type(g->accumulate);
    const char  *sum = c_accumulator_type(REDUCE_SUM, g->accumulate);
    const char **names = index_names(e, "t_b", nb);
    Text        *t = e->out;
    if (!acc || dtype_info(g->dtype)->is_complex)
        return emit_unsupported(e, k, "matrix products of %s", dtype_name(g->dtype));
    need_text(e, "gemm");
    TRY(emit_epilogue(e, k, acc));
    emit_kernel_open(e, k);
    text_printf(t, "    %s_args t_args;\n    %s_open(f, &t_args);\n", name, name);
    open_batches(e, k, names);
    text_printf(t, "        const %s *t_a = %s;\n", c_storage_type(g->dtype),
                operand_at(e, &g->a, names, nb));
    text_printf(t, "        const %s *t_b = %s;\n", c_storage_type(g->dtype),
                g->b.buffer->panel ? emit_load_operand_base(e, &g->b)
                                   : operand_at(e, &g->b, names, nb));
    text_put(t, "        for (int64_t t_m = t_box.lo[1]; t_m < t_box.hi[1]; t_m++)\n");
    text_printf(t,
                "            for (int64_t t_n = t_box.lo[2] * 16; t_n < RT_MIN64(t_box.hi[2] * 16, "
                "%s); t_n += 64) {\n",
                emit_expr(e, g->n));
    text_printf(t,
                "                const int64_t t_cols = RT_MIN64(64, RT_MIN64(t_box.hi[2] * 16, "
                "%s) - t_n);\n",
                emit_expr(e, g->n));
    text_printf(t, "                %s t_acc[64] = {0};\n", sum);
    text_printf(t, "                for (int64_t t_k = 0; t_k < %s; t_k++) {\n",
                emit_expr(e, g->k));
    const char *a =
        arena_printf(e->arena, "t_a[t_m * (%s) + t_k * (%s)]", emit_expr(e, g->a.strides[nb]),
                     emit_expr(e, g->a.strides[nb + 1]));
    const char *b =
        g->b.buffer->panel
            ? arena_printf(e->arena,
                           "t_b[(t_n + t_j) / 16 * 16 * (%s) + t_k * 16 + (t_n + t_j) %% 16]",
                           emit_expr(e, g->k))
            : arena_printf(e->arena, "t_b[t_k * (%s) + (t_n + t_j) * (%s)]",
                           emit_expr(e, g->b.strides[nb]), emit_expr(e, g->b.strides[nb + 1]));
    text_printf(t, "                    const %s t_x = (%s)%s;\n", sum, sum,
                c_load(e->arena, g->dtype, a));
    text_printf(t,
                "                    for (int64_t t_j = 0; t_j < t_cols; t_j++)\n"
                "                        t_acc[t_j] += t_x * (%s)%s;\n                }\n",
                sum, c_load(e->arena, g->dtype, b));
    text_printf(t,
                "                %s t_out[64];\n                for (int64_t t_j = 0; t_j < "
                "t_cols; t_j++)\n"
                "                    t_out[t_j] = (%s)t_acc[t_j];\n",
                acc, acc);
    text_printf(t, "                %s_epilogue(&t_args, ", name);
    for (int d = 0; d < nb; d++)
        text_printf(t, "%s, ", names[d]);
    text_put(t, "t_m, t_n, t_cols, t_out);\n            }\n    }\n}\n\n");
    return NULL;
}

Error *emit_gemm(Emit *e, const Kernel *k)
{
    return rt_type(k->gemm.dtype) ? emit_fast(e, k) : emit_plain(e, k);
}
