/* Products on warpgroup instructions (sm_90a): runtime/gemm_sm90.cu.inc.
 *
 * The launcher describes each operand to the copy engine as a tensor (contiguous dim, other dim, z)
 * and launches as many blocks as stay on the device. */
#include "emit_cuda/product_internal.h"

/* z of an operand as one dim: its stride, 0 when all z share one matrix. */
static bool z_stride(CudaEmit *c, const Product *p, const Operand *o, const Expr **stride)
{
    const Expr *next = NULL;
    *stride = NULL;
    for (int d = p->n_batch - 1; d >= 0; d--) {
        if (expr_is_value(p->batch[d], 1))
            continue;
        if (*stride && o->strides[d] != next)
            return false;
        if (!*stride)
            *stride = o->strides[d];
        next = expr_mul(c->e.exprs, o->strides[d], p->batch[d]);
    }
    if (!*stride)
        *stride = expr_int(c->e.exprs, 0);
    return true;
}

bool product_fits_sm90(CudaEmit *c, const Product *p, const Layout *a, const Layout *b)
{
    const Expr *stride;
    bool        has_image = false;
    for (int i = 0; i < c->n_archs; i++)
        has_image |= c->archs[i].sm == 90 && c->archs[i].exact;
    return has_image && !p->windows && a->vec == 8 && b->vec == 8 &&
           z_stride(c, p, &p->a, &stride) && z_stride(c, p, &p->b, &stride) &&
           expr_range(p->m).min >= 1 && expr_range(p->n).min >= 1 && expr_range(p->depth).min >= 1;
}

/* "f->cuda->tensor_map(f, &args.t_a, …);": box of 64 contiguous elements by `rows`. */
static void print_map(CudaEmit *c, const Product *p, const char *name, const Operand *o, int other,
                      const Expr *unit_size, const Expr *other_size, int rows, Text *out)
{
    const Expr *z, *count = expr_product(c->e.exprs, p->batch, p->n_batch);
    z_stride(c, p, o, &z);
    bool shared = expr_is_value(z, 0);
    text_printf(out, "f->cuda->tensor_map(f, &args.%s, %d, 3, (void *)%s,\n", name,
                p->dtype == DT_F16 ? 6 : 9, emit_load_operand_base(&c->e, o));
    text_printf(out, "            (const uint64_t[]){%s, %s, %s},\n", emit_expr(&c->e, unit_size),
                emit_expr(&c->e, other_size), shared ? "1" : emit_expr(&c->e, count));
    text_printf(out, "            (const uint64_t[]){(%s) * 2, (%s) * 2},\n",
                emit_expr(&c->e, o->strides[other]),
                emit_expr(&c->e, shared ? expr_mul(c->e.exprs, o->strides[other], other_size) : z));
    text_printf(out, "            (const uint32_t[]){64, %d, 1}, 3, 3);\n        ", rows);
}

static const char *maps(CudaEmit *c, const Product *p, const ProductTile *t, const Layout *a,
                        const Layout *b)
{
    int  nb = p->n_batch;
    Text set = text_new(c->e.arena);
    if (a->k_major)
        print_map(c, p, "t_a", &p->a, nb, p->depth, p->m, t->bm, &set);
    else
        print_map(c, p, "t_a", &p->a, nb + 1, p->m, p->depth, 64, &set);
    if (b->k_major)
        print_map(c, p, "t_b", &p->b, nb + 1, p->depth, p->n, t->bn, &set);
    else
        print_map(c, p, "t_b", &p->b, nb, p->n, p->depth, 64, &set);
    return set.data;
}

Error *product_emit_sm90(CudaEmit *c, const Product *p, const char *suffix, ProductChoice choice,
                         const Layout *a, const Layout *b, int indent)
{
    Arena             *arena = c->e.arena;
    const ProductTile *t = choice.tile;
    Text               body = text_new(arena);
    const Expr        *za, *zb;
    CudaHandle         handle = {0};
    CudaField fields[2] = {{"aotc_tensor_map", "t_a", NULL}, {"aotc_tensor_map", "t_b", NULL}};
    z_stride(c, p, &p->a, &za);
    z_stride(c, p, &p->b, &zb);
    TRY(product_print_head(c, p, NULL, choice.splits, &body));
    text_printf(&body,
                "    aotc_gemm_wgmma<aotc_wgmma_tile<%d, %d, %d, %s, %d>, %s, %s, %s, %s, %d>(\n"
                "        t_g, %s, a.t_a, %d, a.t_b, %d, t_epilogue);\n",
                t->bm, t->bn, t->stages, product_flag(t->in_turns), choice.splits,
                p->dtype == DT_F16 ? "AOTC_MMA_F16" : "AOTC_MMA_BF16", product_flag(a->k_major),
                product_flag(b->k_major), product_flag(product_b_is_early(p)),
                cuda_epilogue_width(c, p->k), product_size(c, p->batch, p->n_batch),
                !expr_is_value(za, 0), !expr_is_value(zb, 0));
    cuda_need(c, "wgmma");
    cuda_need(c, "gemm_sm90");
    int          threads = 128 * (product_warpgroups(t) + 1);
    int          shared = product_shared_bytes(t, true, true);
    CudaFunction f = {.suffix = arena_printf(arena, "%s_sm90", suffix),
                      .body = body.data,
                      .fields = fields,
                      .n_fields = 2,
                      .threads = threads,
                      .min_blocks = 1,
                      .max_shared_bytes = shared,
                      .begins_itself = true,
                      .no_restrict = emit_has_aliases(p->k)};
    TRY(cuda_function(c, &f, &handle));
    const char *tiles = product_tiles(c, p, t->bm, t->bn);
    const char *splits = choice.splits > 1 ? arena_printf(arena, "%d", choice.splits) : NULL;
    CudaLaunch  l = {.grid = {splits
                                  ? arena_printf(arena, "%s * %s", tiles, splits)
                                  : arena_printf(arena, "aotc_min_i64(%s, f->cuda->n_sm)", tiles)},
                     .cluster = {splits},
                     .block = {arena_printf(arena, "%d", threads)},
                     .shared = arena_printf(arena, "%d", shared),
                     .set = maps(c, p, t, a, b)};
    cuda_launch(c, &handle, &l, indent);
    return NULL;
}
