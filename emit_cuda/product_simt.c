/* Products of other types than f16 and bf16: runtime/simt.cu.inc, operands through functions. */
#include "emit_cuda/product_internal.h"

/* ---- other types ----------------------------------------------------------------------------- */

static const char *simt_load(CudaEmit *c, const Operand *o, const char *at, DType dtype,
                             const char *acc)
{
    const char *base = arena_printf(c->e.arena, "(%s)[%s]", at, "t_at");
    (void)o;
    return arena_printf(c->e.arena, "(%s)%s", acc, c_load(c->e.arena, dtype, base));
}

static void print_values(CudaEmit *c, const Product *p, const char *acc, Text *out)
{
    int nb = p->n_batch;
    text_put(out, "    auto t_value_a = [&](int64_t t_i, int64_t t_l) {\n");
    if (p->windows)
        text_printf(out,
                    "        int64_t t_at;\n"
                    "        const aotc_window t_w = aotc_window_at(t_c, t_i);\n"
                    "        return aotc_tap(t_c, t_w, (int)t_l, t_at) ? %s : (%s)0;\n    };\n",
                    simt_load(c, &p->a, product_matrix(c, p, &p->a), p->dtype, acc), acc);
    else
        text_printf(
            out, "        const int64_t t_at = t_i*(%s) + t_l*(%s);\n        return %s;\n    };\n",
            product_stride(c, &p->a, nb), product_stride(c, &p->a, nb + 1),
            simt_load(c, &p->a, product_matrix(c, p, &p->a), p->dtype, acc));
    text_printf(out,
                "    auto t_value_b = [&](int64_t t_i, int64_t t_l) {\n"
                "        const int64_t t_at = t_i*(%s) + t_l*(%s);\n        return %s;\n    };\n",
                product_stride(c, &p->b, nb + 1), product_stride(c, &p->b, nb),
                simt_load(c, &p->b, product_matrix(c, p, &p->b), p->dtype, acc));
}

/* Pieces of k that fill the device; f32 alone has them. */
static int simt_splits(CudaEmit *c, const Product *p, int tile)
{
    int64_t tiles = (product_typical(c, p->m) + tile - 1) / tile *
                    ((product_typical(c, p->n) + tile - 1) / tile) *
                    product_typical(c, expr_product(c->e.exprs, p->batch, p->n_batch));
    int64_t depth = product_typical(c, p->depth);
    int     splits = 1;
    while (p->accumulate == DT_F32 && tiles * splits < 132 && depth >= 256 * splits && splits < 64)
        splits *= 2;
    return splits;
}

Error *product_emit_simt(CudaEmit *c, const Product *p)
{
    const char *acc = c_accumulator_type(REDUCE_SUM, p->accumulate);
    int64_t     tiles =
        (product_typical(c, p->m) + 127) / 128 * ((product_typical(c, p->n) + 127) / 128);
    int       tile = p->accumulate == DT_F32 && tiles >= 96 ? 128 : 64;
    Layout    a = product_layout_a(c, p), b = product_layout_b(c, p);
    Text      body = text_new(c->e.arena);
    Variant   v = {.splits = simt_splits(c, p, tile),
                   .blocks = product_tiles(c, p, tile, tile),
                   .threads = 256,
                   .shared = 2 * 16 * (tile + 4) * dtype_size(p->accumulate)};
    CudaField partial = {"float *", "t_partial", NULL};
    v.by_scratch = v.splits > 1;
    TRY(product_print_head(c, p, arena_printf(c->e.arena, "%d, %d", tile, tile), v.splits, &body));
    print_values(c, p, acc, &body);
    text_printf(&body,
                "    aotc_gemm_simt<%d, %d, 16, %s, %s, %s, 4>(t_g, t_t, t_value_a, t_value_b, "
                "%s%s%s, %s, t_epilogue);\n",
                tile, tile, product_flag(a.k_major), product_flag(b.k_major), acc,
                v.by_scratch ? "t_partial" : "(", v.by_scratch ? "" : acc,
                v.by_scratch ? "" : " *)0", product_size(c, p->batch, p->n_batch));
    cuda_need(c, "simt");
    CudaFunction f = {.body = body.data,
                      .fields = &partial,
                      .n_fields = v.by_scratch,
                      .threads = 256,
                      .max_shared_bytes = v.shared,
                      .no_restrict = emit_has_aliases(p->k)};
    TRY(cuda_function(c, &f, &v.handle));
    if (v.by_scratch) {
        product_need_partial(c, p, v.splits);
        TRY(product_sum(c, p, "", v.splits, &v.sum));
    }
    product_launch(c, p, &v, 1);
    return NULL;
}
