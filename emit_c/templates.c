/* Template kernels: which file prints which kind, the fixed texts they need, and printing helpers.
 */
#include "emit_c/templates.h"

#include <assert.h>
#include <string.h>

#ifndef AOTC_SOURCE_DIR
#define AOTC_SOURCE_DIR "."
#endif
#define RUNTIME AOTC_SOURCE_DIR "/emit_c/runtime/"

EMIT_RUNTIME_TEXT(runtime_vector, RUNTIME "vector.c.inc");
EMIT_RUNTIME_TEXT(runtime_gemm, RUNTIME "gemm.c.inc");
EMIT_RUNTIME_TEXT(runtime_conv, RUNTIME "conv.c.inc");
EMIT_RUNTIME_TEXT(runtime_depthwise, RUNTIME "depthwise.c.inc");
EMIT_RUNTIME_TEXT(runtime_attention, RUNTIME "attention.c.inc");
EMIT_RUNTIME_TEXT(runtime_rnn, RUNTIME "rnn.c.inc");
EMIT_RUNTIME_TEXT(runtime_scan_sort, RUNTIME "scan_sort.c.inc");
EMIT_RUNTIME_TEXT(runtime_special, RUNTIME "special.c.inc");
EMIT_RUNTIME_TEXT(runtime_orthogonal, RUNTIME "orthogonal.c.inc");
EMIT_RUNTIME_TEXT(runtime_random, RUNTIME "random.c.inc");
EMIT_RUNTIME_TEXT(runtime_fft, RUNTIME "fft.c.inc");
EMIT_RUNTIME_TEXT(runtime_lanes, RUNTIME "lanes.c.inc");
EMIT_RUNTIME_TEXT(runtime_linalg, RUNTIME "linalg.c.inc");
EMIT_RUNTIME_TEXT(runtime_linalg_factor, RUNTIME "linalg_factor.c.inc");
EMIT_RUNTIME_TEXT(runtime_linalg_qr, RUNTIME "linalg_qr.c.inc");
EMIT_RUNTIME_TEXT(runtime_linalg_exp, RUNTIME "linalg_exp.c.inc");
EMIT_RUNTIME_TEXT(runtime_linalg_ldl, RUNTIME "linalg_ldl.c.inc");
EMIT_RUNTIME_TEXT(runtime_operator, RUNTIME "operator.c.inc");
EMIT_RUNTIME_TEXT(runtime_spectral, RUNTIME "spectral.c.inc");
EMIT_RUNTIME_TEXT(runtime_spectral_eigh, RUNTIME "spectral_eigh.c.inc");
EMIT_RUNTIME_TEXT(runtime_spectral_svd, RUNTIME "spectral_svd.c.inc");
EMIT_RUNTIME_TEXT(runtime_spectral_schur, RUNTIME "spectral_schur.c.inc");
EMIT_RUNTIME_TEXT(runtime_spectral_eig, RUNTIME "spectral_eig.c.inc");

void need_text(Emit *e, const char *name)
{
    static const struct {
        const char *name, *before, *text;
    } table[] = {
        {"vector", NULL, runtime_vector},
        {"gemm", "vector", runtime_gemm},
        {"conv", "gemm", runtime_conv},
        {"depthwise", "conv", runtime_depthwise},
        {"attention", "gemm", runtime_attention},
        {"rnn", "gemm", runtime_rnn},
        {"scan_sort", NULL, runtime_scan_sort},
        {"special", NULL, runtime_special},
        {"orthogonal", NULL, runtime_orthogonal},
        {"random", NULL, runtime_random},
        {"fft", NULL, runtime_fft},
        {"lanes", NULL, runtime_lanes},
        {"linalg", "lanes", runtime_linalg},
        {"linalg_factor", "linalg", runtime_linalg_factor},
        {"linalg_qr", "linalg_factor", runtime_linalg_qr},
        {"linalg_exp", "linalg", runtime_linalg_exp},
        {"linalg_ldl", "linalg", runtime_linalg_ldl},
        {"operator", NULL, runtime_operator},
        {"spectral", "linalg", runtime_spectral},
        {"spectral_eigh", "spectral", runtime_spectral_eigh},
        {"spectral_svd", "spectral", runtime_spectral_svd},
        {"spectral_schur", "spectral", runtime_spectral_schur},
        {"spectral_eig", "spectral_schur", runtime_spectral_eig},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (!strcmp(table[i].name, name)) {
            if (table[i].before)
                need_text(e, table[i].before);
            emit_need_runtime(e, name, table[i].text);
            return;
        }
    assert(!"no such text");
}

Error *emit_template_kernel(Emit *e, const Kernel *k)
{
    switch (k->kind) {
    case KERNEL_GEMM:
        return emit_gemm(e, k);
    case KERNEL_CONV:
    case KERNEL_DEPTHWISE:
        return emit_conv(e, k);
    case KERNEL_ATTENTION:
        return emit_attention(e, k);
    case KERNEL_LSTM:
    case KERNEL_GRU:
        return emit_lstm(e, k);
    case KERNEL_SCAN:
        return emit_scan(e, k);
    case KERNEL_SORT:
        return emit_sort(e, k);
    case KERNEL_NONZERO:
        return emit_nonzero(e, k);
    case KERNEL_PACK:
    case KERNEL_PACK_CONV:
    case KERNEL_COPY:
        return emit_pack(e, k);
    case KERNEL_EMBEDDING_BAG:
        return emit_embedding_bag(e, k);
    case KERNEL_CALL:
        return emit_call(e, k);
    case KERNEL_CUSTOM:
        return emit_custom(e, k);
    default:
        return emit_unsupported(e, k, "no template for kernels of kind %s",
                                kernel_kind_name(k->kind));
    }
}

/* The texts define these sizes: RT_GEMM_SCRATCH, RT_ATTENTION_SCRATCH, RT_RNN_SCRATCH; test_kernels
 * checks them. */
const Expr *template_scratch(ExprPool *pool, const Kernel *k)
{
    switch (k->kind) {
    case KERNEL_GEMM:
    case KERNEL_CONV:
    case KERNEL_DEPTHWISE:
        return expr_int(pool, 1 << 20);
    case KERNEL_ATTENTION:
        return expr_int(pool, 3 << 18);
    case KERNEL_LSTM:
    case KERNEL_GRU: /* hidden state and gates of a step beside the product's own */
        return expr_add(
            pool, expr_int(pool, (1 << 20) + 4096),
            expr_mul(pool, k->lstm.batch, expr_int(pool, 4 * (6 * k->lstm.hidden + 256))));
    case KERNEL_CALL:
        return k->call.scratch_bytes;
    case KERNEL_CUSTOM: /* AOTC_OPERATOR_MESSAGE */
        return expr_int(pool, 512);
    case KERNEL_SORT: /* two arrays of keys with their indices */
        return expr_mul(pool, k->sort.length, expr_int(pool, 32));
    default:
        return NULL;
    }
}

const char *rt_type(DType dtype)
{
    return dtype == DT_F32    ? "RT_F32"
           : dtype == DT_F16  ? "RT_F16"
           : dtype == DT_BF16 ? "RT_BF16"
                              : NULL;
}

const char *thread_count(const Kernel *k)
{
    return k->parallel ? "f->n_threads" : "1";
}

const char *strided_index(Emit *e, const Operand *o, const char *const *names, int n)
{
    Text t = text_new(e->arena);
    for (int d = 0; d < n; d++) {
        if (expr_is_value(o->strides[d], 0))
            continue;
        text_printf(&t, "%s%s", t.n ? " + " : "", names[d]);
        if (!expr_is_value(o->strides[d], 1))
            text_printf(&t, " * (%s)", emit_expr(e, o->strides[d]));
    }
    return t.n ? t.data : "0";
}

const char *operand_at(Emit *e, const Operand *o, const char *const *names, int n)
{
    const char *index = strided_index(e, o, names, n);
    const char *base = emit_load_operand_base(e, o);
    return strcmp(index, "0") ? arena_printf(e->arena, "%s + (%s)", base, index) : base;
}

void emit_decode(Emit *e, int indent, const char *flat, const Expr *const *sizes,
                 const char *const *names, int n)
{
    for (int d = 0; d < n; d++) {
        const Expr *below = expr_product(e->exprs, sizes + d + 1, n - d - 1);
        text_indent(e->out, indent);
        text_printf(e->out, "const int64_t %s = %s", names[d], flat);
        if (!expr_is_value(below, 1))
            text_printf(e->out, " / (%s)", emit_expr(e, below));
        if (d)
            text_printf(e->out, " %% (%s)", emit_expr(e, sizes[d]));
        text_put(e->out, ";\n");
        text_indent(e->out, indent);
        text_printf(e->out, "(void)%s;\n", names[d]);
    }
}

const char **index_names(Emit *e, const char *prefix, int n)
{
    const char **names = ARENA_ARRAY(e->arena, const char *, n + 1);
    for (int i = 0; i < n; i++)
        names[i] = arena_printf(e->arena, "%s%d", prefix, i);
    return names;
}

const char *product_text(Emit *e, const Expr *const *sizes, int n)
{
    return emit_expr(e, expr_product(e->exprs, sizes, n));
}

bool emit_whole_tiles(const Expr *columns)
{
    int64_t n;
    return expr_is_int(columns, &n) && n % 32 == 0;
}

void emit_epilogue_row(Emit *e, const Kernel *k, int indent, const char *row, bool whole_tiles)
{
    const char *name = emit_kernel_name(e, k);
    text_indent(e->out, indent);
    if (whole_tiles) {
        text_put(e->out, "for (int64_t j = 0; j < cols; j += RT_TILE)\n");
        text_indent(e->out, indent + 1);
    }
    text_printf(e->out, "%s_epilogue(&c->args, %s, %s);\n", name, row,
                whole_tiles ? "n + j, RT_TILE, tile + i * tile_row + j"
                            : "n, cols, tile + i * tile_row");
}

void emit_row_store(Emit *e, const Kernel *k, int n_batch, bool whole_tiles)
{
    const char *name = emit_kernel_name(e, k);
    Text       *t = e->out, row = text_new(e->arena);
    text_printf(t,
                "typedef struct %s_call {\n    const aotc_model_frame *f;\n    %s_args args;\n    "
                "int64_t b[%d];\n"
                "} %s_call;\n\n",
                name, name, n_batch ? n_batch : 1, name);
    text_printf(
        t,
        "static void %s_store(const void *cx, int64_t batch, int64_t m, int64_t rows, int64_t n, "
        "int64_t cols,\n    const float *tile, int64_t tile_row)\n{\n",
        name);
    text_printf(
        t, "    const %s_call *c = cx;\n    (void)batch;\n    for (int64_t i = 0; i < rows; i++)\n",
        name);
    for (int d = 0; d < n_batch; d++)
        text_printf(&row, "c->b[%d], ", d);
    text_put(&row, "m + i");
    emit_epilogue_row(e, k, 2, row.data, whole_tiles);
    text_put(t, "}\n\n");
}
