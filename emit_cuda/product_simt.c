/* Products of other types than f16 and bf16: runtime/simt.cu.inc, operands through functions. */
#include "emit_cuda/product_internal.h"

/* ---- operands -------------------------------------------------------------------------------- */

/* How the operands are read: f32 four values at a time where `needs` holds, else one by one. */
typedef struct Reads {
    bool        a_is_k_major, b_is_k_major;
    int         a, b; /* values at a time */
    const char *needs;
} Reads;

/* Neighbours run along a dim of this size, which has to be a multiple too. */
static int reads_of(CudaEmit *c, const Layout *l, const Expr *along, Text *needs)
{
    const Expr *rest = expr_mod(c->e.exprs, along, expr_int(c->e.exprs, 4));
    int64_t     value;
    if (l->vec < 4 || (expr_is_int(rest, &value) && value))
        return 1;
    if (*l->needs)
        text_printf(needs, "%s%s", needs->n ? " && " : "", l->needs);
    if (!expr_is_value(rest, 0))
        text_printf(needs, "%s(%s) == 0", needs->n ? " && " : "", emit_expr(&c->e, rest));
    return 4;
}

static Reads product_reads(CudaEmit *c, const Product *p)
{
    Layout a = product_layout_a(c, p), b = product_layout_b(c, p);
    Text   needs = text_new(c->e.arena);
    Reads  r = {a.k_major, b.k_major, 1, 1, ""};
    if (p->dtype != DT_F32 || p->accumulate != DT_F32)
        return r;
    r.a = reads_of(c, &a, a.k_major ? p->depth : p->m, &needs);
    r.b = reads_of(c, &b, b.k_major ? p->depth : p->n, &needs);
    r.needs = needs.n ? needs.data : "";
    return r;
}

/* Statements that give t_values[0 …] what stands at t_at. */
static const char *read_text(CudaEmit *c, const Product *p, const Operand *o, int n,
                             const char *acc)
{
    const char *base = product_matrix(c, p, o);
    if (n == 1)
        return arena_printf(
            c->e.arena, "t_values[0] = (%s)%s;", acc,
            c_load(c->e.arena, p->dtype, arena_printf(c->e.arena, "(%s)[t_at]", base)));
    return arena_printf(c->e.arena, "aotc_simt_load(%s + t_at, t_values);", base);
}

static void print_windows(CudaEmit *c, const Product *p, int n, const char *acc, Text *out)
{
    text_printf(out,
                "    auto t_at_a = [&](int64_t t_i) { return aotc_window_at(t_c, t_i); };\n"
                "    auto t_value_a = [&](const aotc_window &t_w, int64_t t_l, %s(&t_values)[%d]) "
                "{\n"
                "        int64_t t_at;\n"
                "        if (aotc_tap(t_c, t_w, (int)t_l, t_at)) {\n"
                "            %s\n"
                "        } else {\n"
                "            for (int t_v = 0; t_v < %d; t_v++)\n"
                "                t_values[t_v] = 0;\n"
                "        }\n"
                "    };\n",
                acc, n, read_text(c, p, &p->a, n, acc), n);
}

static void print_matrix(CudaEmit *c, const Product *p, char name, int n, const char *acc,
                         Text *out)
{
    const Operand *o = name == 'a' ? &p->a : &p->b;
    int            row = p->n_batch + (name == 'b'), k = p->n_batch + (name == 'a');
    text_printf(out,
                "    auto t_at_%c = [&](int64_t t_i) { return t_i*(%s); };\n"
                "    auto t_value_%c = [&](int64_t t_row, int64_t t_l, %s(&t_values)[%d]) {\n"
                "        const int64_t t_at = t_row + t_l*(%s);\n"
                "        %s\n"
                "    };\n",
                name, product_stride(c, o, row), name, acc, n, product_stride(c, o, k),
                read_text(c, p, o, n, acc));
}

/* ---- the kernel ------------------------------------------------------------------------------ */

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

/* Values of k that a block takes at a time: with 128 registers a thread, which let two blocks stay
 * on a multiprocessor, the next ones of a large tile are few. */
static int simt_depth(int tile)
{
    return tile == 128 ? 8 : 16;
}

/* One function and its launch. */
static Error *simt_variant(CudaEmit *c, const Product *p, const char *suffix, const Reads *r,
                           int tile, int indent)
{
    const char *acc = c_accumulator_type(REDUCE_SUM, p->accumulate);
    Text        body = text_new(c->e.arena);
    CudaField   partial = {"float *", "t_partial", NULL};
    Variant     v = {.splits = simt_splits(c, p, tile),
                     .blocks = product_tiles(c, p, tile, tile),
                     .threads = 256,
                     .shared = 4 * simt_depth(tile) * (tile + 4) * dtype_size(p->accumulate)};
    v.by_scratch = v.splits > 1;
    TRY(product_print_head(c, p, arena_printf(c->e.arena, "%d, %d", tile, tile), v.splits, &body));
    if (p->windows)
        print_windows(c, p, r->a, acc, &body);
    else
        print_matrix(c, p, 'a', r->a, acc, &body);
    print_matrix(c, p, 'b', r->b, acc, &body);
    text_printf(&body,
                "    aotc_gemm_simt<%d, %d, %d, %s, %s, %d, %d, %s, 4>(\n"
                "        t_g, t_t, t_at_a, t_value_a, t_at_b, t_value_b, %s, %s, t_epilogue);\n",
                tile, tile, simt_depth(tile), product_flag(r->a_is_k_major),
                product_flag(r->b_is_k_major), r->a, r->b, acc,
                v.by_scratch ? "t_partial" : arena_printf(c->e.arena, "(%s *)0", acc),
                product_size(c, p->batch, p->n_batch));
    cuda_need(c, "simt");
    CudaFunction f = {.suffix = suffix,
                      .body = body.data,
                      .fields = &partial,
                      .n_fields = v.by_scratch,
                      .threads = 256,
                      .min_blocks = tile == 128 && r->a > 1 && r->b > 1 ? 2 : 0,
                      .max_shared_bytes = v.shared,
                      .no_restrict = emit_has_aliases(p->k)};
    TRY(cuda_function(c, &f, &v.handle));
    if (v.by_scratch) {
        product_need_partial(c, p, v.splits);
        TRY(product_sum(c, p, suffix, v.splits, &v.sum));
    }
    product_launch(c, p, &v, indent);
    return NULL;
}

Error *product_emit_simt(CudaEmit *c, const Product *p)
{
    int64_t tiles =
        (product_typical(c, p->m) + 127) / 128 * ((product_typical(c, p->n) + 127) / 128);
    int   tile = p->accumulate == DT_F32 && tiles >= 96 ? 128 : 64;
    Reads fast = product_reads(c, p), any = {fast.a_is_k_major, fast.b_is_k_major, 1, 1, ""};
    if (!*fast.needs)
        return simt_variant(c, p, "", &fast, tile, 1);
    text_printf(c->launch, "    if (%s) {\n", fast.needs);
    TRY(simt_variant(c, p, "", &fast, tile, 2));
    text_put(c->launch, "    } else {\n");
    TRY(simt_variant(c, p, "_any", &any, tile, 2));
    text_put(c->launch, "    }\n");
    return NULL;
}
