/* Products on warpgroup instructions (sm_90a): runtime/gemm_sm90.cu.inc.
 *
 * The launcher describes each operand to the copy engine as a tensor (contiguous dim, other dim, z;
 * of a convolution x as it is, and the weights as channels of a tap, taps, output channels) and
 * launches as many blocks as stay on the device. */
#include "emit_cuda/product_internal.h"

/* cuda.h: CUtensorMapDataType, CUtensorMapSwizzle, CUtensorMapL2promotion. */
enum { MAP_FLOAT16 = 6, MAP_BFLOAT16 = 9, MAP_SWIZZLE_128B = 3, MAP_PROMOTE_256B = 3 };

static int map_type(const Product *p)
{
    return p->dtype == DT_F16 ? MAP_FLOAT16 : MAP_BFLOAT16;
}

/* ---- convolutions: runtime/conv_sm90.cu.inc -------------------------------------------------- */

/* Height and width alone, or the depth too: dims of the box of pixels. */
static int window_dims(const Conv *v)
{
    return expr_is_value(v->in[0], 1) && expr_is_value(v->out[0], 1) && v->kernel[0] == 1 &&
                   v->padding[0] == 0
               ? 2
               : 3;
}

/* Where the last window starts, from the last pixel on, if that is known.  d: dim of in and out. */
static bool window_upper(CudaEmit *c, const Conv *v, int d, int64_t *upper)
{
    ExprPool   *x = c->e.exprs;
    int64_t     reach = 2 * v->padding[d] - v->dilation[d] * (v->kernel[d] - 1);
    const Expr *steps = expr_sub(x, v->out[d], expr_int(x, 1));
    const Expr *span = expr_add(x, v->in[d], expr_int(x, reach - 1));
    *upper = reach - v->padding[d]; /* windows go as far as they fit */
    if (steps == expr_floordiv(x, span, expr_int(x, v->stride[d])))
        return true;
    const Expr *last =
        expr_sub(x, expr_mul(x, steps, expr_int(x, v->stride[d])), expr_int(x, v->padding[d]));
    return expr_is_int(expr_sub(x, last, expr_sub(x, v->in[d], expr_int(x, 1))), upper);
}

/* The copy engine counts corners of the box in 8 bits of two dims, 5 of three, and reads what no
 * stride of 0 repeats. */
static bool windows_fit(CudaEmit *c, const Product *p)
{
    const Conv *v = p->windows;
    int         dims = window_dims(v), most = dims == 2 ? 127 : 15;
    int64_t     channels = v->in_channels / v->groups, upper;
    if (channels % 8 || (v->groups > 1 && channels % 64))
        return false;
    for (int d = 3 - dims; d < 3; d++) {
        if (!window_upper(c, v, d, &upper) || upper < -most - 1 || upper > most ||
            v->padding[d] > most + 1 || v->dilation[d] * (v->kernel[d] - 1) > 2 * most + 1 ||
            v->stride[d] > 8 || expr_range(v->in[d]).min < 1)
            return false;
    }
    for (int d = 0; d < 4; d++)
        if ((dims == 3 || d != 1) && expr_range(v->x.strides[d]).min < 8)
            return false;
    return true;
}

/* The numbers as a C list. */
static const char *list_of(CudaEmit *c, const int64_t *numbers, int n)
{
    Text t = text_new(c->e.arena);
    for (int i = 0; i < n; i++)
        text_printf(&t, "%s%lld", i ? ", " : "", (long long)numbers[i]);
    return t.data;
}

/* "f->cuda->window_map(f, &args.t_a, …);": 64 channels of `pixels` windows. */
static void print_window_map(CudaEmit *c, const Product *p, int pixels, Text *out)
{
    const Conv *v = p->windows;
    int         dims = window_dims(v);
    int64_t     lower[3], upper[3], steps[5] = {1, 1, 1, 1, 1};
    Text        sizes = text_new(c->e.arena), strides = text_new(c->e.arena);
    text_printf(&sizes, "%lld", (long long)v->in_channels);
    for (int i = 0; i < dims; i++) { /* width first */
        int d = 2 - i;
        lower[i] = -v->padding[d];
        window_upper(c, v, d, &upper[i]);
        steps[i + 1] = v->stride[d];
        text_printf(&sizes, ", %s", emit_expr(&c->e, v->in[d]));
        text_printf(&strides, "(%s) * 2, ", emit_expr(&c->e, v->x.strides[d + 1]));
    }
    text_printf(out, "f->cuda->window_map(f, &args.t_a, %d, %d, (void *)%s,\n", map_type(p),
                dims + 2, emit_load_operand_base(&c->e, &v->x));
    text_printf(out, "            (const uint64_t[]){%s, %s},\n", sizes.data,
                emit_expr(&c->e, v->batch));
    text_printf(out, "            (const uint64_t[]){%s(%s) * 2},\n", strides.data,
                emit_expr(&c->e, v->x.strides[0]));
    text_printf(out, "            (const int32_t[]){%s}, (const int32_t[]){%s},\n",
                list_of(c, lower, dims), list_of(c, upper, dims));
    text_printf(out, "            (const uint32_t[]){%s}, 64, %d, %d, %d);\n        ",
                list_of(c, steps, dims + 2), pixels, MAP_SWIZZLE_128B, MAP_PROMOTE_256B);
}

/* "f->cuda->tensor_map(f, &args.t_b, …);": 64 channels of one tap for `rows` output channels. */
static void print_tap_map(CudaEmit *c, const Product *p, int rows, Text *out)
{
    const Conv *v = p->windows;
    int64_t     channels = v->in_channels / v->groups;
    int64_t     taps = v->kernel[0] * v->kernel[1] * v->kernel[2];
    text_printf(out,
                "f->cuda->tensor_map(f, &args.t_b, %d, 3, (void *)%s,\n"
                "            (const uint64_t[]){%lld, %lld, %lld},\n"
                "            (const uint64_t[]){%lld, %lld},\n"
                "            (const uint32_t[]){64, 1, %d}, %d, %d);\n        ",
                map_type(p), emit_load_operand_base(&c->e, &p->b), (long long)channels,
                (long long)taps, (long long)v->out_channels, (long long)channels * 2,
                (long long)(channels * taps * 2), rows, MAP_SWIZZLE_128B, MAP_PROMOTE_256B);
}

/* ---- matrices -------------------------------------------------------------------------------- */

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
    if (!has_image || a->vec != 8 || b->vec != 8 || expr_range(p->m).min < 1 ||
        expr_range(p->n).min < 1 || expr_range(p->depth).min < 1)
        return false;
    return p->windows ? windows_fit(c, p)
                      : z_stride(c, p, &p->a, &stride) && z_stride(c, p, &p->b, &stride);
}

/* "f->cuda->tensor_map(f, &args.t_a, …);": box of 64 contiguous elements by `rows`. */
static void print_map(CudaEmit *c, const Product *p, const char *name, const Operand *o, int other,
                      const Expr *unit_size, const Expr *other_size, int rows, Text *out)
{
    const Expr *z, *count = expr_product(c->e.exprs, p->batch, p->n_batch);
    z_stride(c, p, o, &z);
    bool shared = expr_is_value(z, 0);
    text_printf(out, "f->cuda->tensor_map(f, &args.%s, %d, 3, (void *)%s,\n", name, map_type(p),
                emit_load_operand_base(&c->e, o));
    text_printf(out, "            (const uint64_t[]){%s, %s, %s},\n", emit_expr(&c->e, unit_size),
                emit_expr(&c->e, other_size), shared ? "1" : emit_expr(&c->e, count));
    text_printf(out, "            (const uint64_t[]){(%s) * 2, (%s) * 2},\n",
                emit_expr(&c->e, o->strides[other]),
                emit_expr(&c->e, shared ? expr_mul(c->e.exprs, o->strides[other], other_size) : z));
    text_printf(out, "            (const uint32_t[]){64, %d, 1}, %d, %d);\n        ", rows,
                MAP_SWIZZLE_128B, MAP_PROMOTE_256B);
}

static const char *maps(CudaEmit *c, const Product *p, const ProductTile *t, const Layout *a,
                        const Layout *b)
{
    int  nb = p->n_batch;
    Text set = text_new(c->e.arena);
    if (p->windows) {
        print_window_map(c, p, t->bm, &set);
        print_tap_map(c, p, t->bn, &set);
        return set.data;
    }
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

static void print_product(CudaEmit *c, const Product *p, const char *tile, const Layout *a,
                          const Layout *b, Text *body)
{
    const Expr *za, *zb;
    const char *type = p->dtype == DT_F16 ? "AOTC_MMA_F16" : "AOTC_MMA_BF16";
    const char *early = product_flag(product_b_is_early(p));
    const char *count = product_size(c, p->batch, p->n_batch);
    int         width = cuda_epilogue_width(c, p->k);
    if (p->windows) {
        product_print_conv(c, p->windows, body);
        text_printf(body,
                    "    aotc_conv_wgmma<%s, %s, %d, %s, %d>(\n"
                    "        t_c, t_g, %s, a.t_a, a.t_b, t_epilogue);\n",
                    tile, type, window_dims(p->windows), early, width, count);
        return;
    }
    z_stride(c, p, &p->a, &za);
    z_stride(c, p, &p->b, &zb);
    text_printf(body,
                "    aotc_gemm_wgmma<%s, %s, %s, %s, %s, %d>(\n"
                "        t_g, %s, a.t_a, %d, a.t_b, %d, t_epilogue);\n",
                tile, type, product_flag(a->k_major), product_flag(b->k_major), early, width, count,
                !expr_is_value(za, 0), !expr_is_value(zb, 0));
}

Error *product_emit_sm90(CudaEmit *c, const Product *p, const char *suffix, ProductChoice choice,
                         const Layout *a, const Layout *b, int indent)
{
    Arena             *arena = c->e.arena;
    const ProductTile *t = choice.tile;
    Text               body = text_new(arena);
    CudaHandle         handle = {0};
    CudaField   fields[2] = {{"aotc_tensor_map", "t_a", NULL}, {"aotc_tensor_map", "t_b", NULL}};
    const char *tile = arena_printf(arena, "aotc_wgmma_tile<%d, %d, %d, %s, %d>", t->bm, t->bn,
                                    t->stages, product_flag(t->in_turns), choice.splits);
    TRY(product_print_head(c, p, NULL, choice.splits, &body));
    print_product(c, p, tile, a, b, &body);
    cuda_need(c, "wgmma");
    cuda_need(c, "gemm_sm90");
    if (p->windows) {
        cuda_need(c, "conv_sm90");
        c->e.least_abi = 5;
    }
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
