/* Matrix products and convolutions as products: device functions and launches.
 *
 * f16 and bf16 use tensor cores: a function for each choice of tile that the sizes ask for, and one
 * that takes operands at any address and stride where the fast ones need more than is known at
 * compile time (the launcher tests it).  Other types use runtime/simt.cu.inc. */
#include "emit_cuda/product_internal.h"

/* ---- texts ----------------------------------------------------------------------------------- */

void cuda_decode(CudaEmit *c, Text *out, const char *flat, const Expr *const *sizes,
                 const char *const *names, int n)
{
    const char *rest = flat;
    for (int d = n - 1; d >= 0; d--) {
        if (d == 0) {
            text_printf(out, "    const int64_t %s AOTC_UNUSED = %s;\n", names[d], rest);
            return;
        }
        const char *size = emit_expr(&c->e, sizes[d]);
        text_printf(out, "    const int64_t %s AOTC_UNUSED = (%s) %% (%s);\n", names[d], rest,
                    size);
        rest = arena_printf(c->e.arena, "(%s) / (%s)", rest, size);
    }
}

const char *product_size(CudaEmit *c, const Expr *const *sizes, int n)
{
    return emit_expr(&c->e, expr_product(c->e.exprs, sizes, n));
}

static const char **batch_names(CudaEmit *c, int n)
{
    const char **names = ARENA_ARRAY(c->e.arena, const char *, n + 1);
    for (int i = 0; i < n; i++)
        names[i] = arena_printf(c->e.arena, "t_b%d", i);
    return names;
}

/* "x + (offset + t_b0*(768) + …)": element 0 of the matrix of this z. */
const char *product_matrix(CudaEmit *c, const Product *p, const Operand *o)
{
    Text         t = text_new(c->e.arena);
    const char **names = batch_names(c, p->n_batch);
    text_put(&t, emit_load_operand_base(&c->e, o));
    for (int d = 0; d < p->n_batch; d++)
        if (!expr_is_value(o->strides[d], 0))
            text_printf(&t, " + %s*(%s)", names[d], emit_expr(&c->e, o->strides[d]));
    return t.data;
}

const char *product_stride(CudaEmit *c, const Operand *o, int d)
{
    return emit_expr(&c->e, o->strides[d]);
}

static const char *three(CudaEmit *c, const int64_t v[3])
{
    return arena_printf(c->e.arena, "{%lld, %lld, %lld}", (long long)v[0], (long long)v[1],
                        (long long)v[2]);
}

static const char *three_exprs(CudaEmit *c, const Expr *const *v)
{
    return arena_printf(c->e.arena, "{%s, %s, %s}", emit_expr(&c->e, v[0]), emit_expr(&c->e, v[1]),
                        emit_expr(&c->e, v[2]));
}

void product_print_conv(CudaEmit *c, const Conv *v, Text *out)
{
    text_printf(out,
                "    const aotc_conv t_c = {%s, %s, %s, %s, %s, %s,\n"
                "                           %lld, %s, %s, %s};\n",
                three_exprs(c, v->in), three_exprs(c, v->out), three(c, v->kernel),
                three(c, v->stride), three(c, v->dilation), three(c, v->padding),
                (long long)(v->in_channels / v->groups), emit_expr(&c->e, v->x.strides[0]),
                three_exprs(c, v->x.strides + 1), emit_expr(&c->e, v->x.strides[4]));
}

/* Sizes, the tile, the indices of z and the epilogue; `tile` is "64, 128". */
Error *product_print_head(CudaEmit *c, const Product *p, const char *tile, int splits, Text *t)
{
    text_printf(t, "    const aotc_gemm_size t_g = {%s, %s, %s, %d};\n", emit_expr(&c->e, p->m),
                emit_expr(&c->e, p->n), emit_expr(&c->e, p->depth), splits);
    if (tile) {
        text_printf(t, "    const aotc_tile t_t = aotc_tile_at<%s>(t_g);\n", tile);
        cuda_decode(c, t, "t_t.z", p->batch, batch_names(c, p->n_batch), p->n_batch);
    }
    if (tile && p->windows)
        product_print_conv(c, p->windows, t);
    return cuda_epilogue(c, p->k, &p->dims, t);
}

/* ---- what is known of an operand ------------------------------------------------------------- */

static void require(CudaEmit *c, Text *needs, const char *format, const char *what, int unit)
{
    if (needs->n)
        text_put(needs, " && ");
    text_printf(needs, format, what, unit);
    (void)c;
}

/* vec goes down to what divides e; what is not known becomes a condition. */
static int vector_of(const Expr *e, int vec)
{
    int64_t value;
    if (!e || !expr_is_int(e, &value))
        return vec;
    while (value % vec)
        vec /= 2;
    return vec;
}

static void require_multiple(CudaEmit *c, Text *needs, const Expr *e, int vec)
{
    if (e && vec > 1 && !expr_is_value(expr_mod(c->e.exprs, e, expr_int(c->e.exprs, vec)), 0))
        require(c, needs, "(%s) %% %d == 0", emit_expr(&c->e, e), vec);
}

static bool storage_is_aligned(const Buffer *b)
{
    while (b->alias)
        b = b->alias;
    return b->kind == BUFFER_TEMP || b->kind == BUFFER_CONSTANT;
}

/* strides[unit] is 1; all others have to be multiples of what is loaded at once, 16 bytes at most.
 */
static Layout layout_by(CudaEmit *c, const Operand *o, int unit, const Expr *inner)
{
    int    size = dtype_size(o->buffer->dtype);
    Layout l = {.vec = vector_of(o->offset, size < 16 ? 16 / size : 1)};
    Text   needs = text_new(c->e.arena);
    l.vec = vector_of(inner, l.vec);
    for (int d = 0; d < o->n; d++)
        if (d != unit)
            l.vec = vector_of(o->strides[d], l.vec);
    require_multiple(c, &needs, o->offset, l.vec);
    require_multiple(c, &needs, inner, l.vec);
    for (int d = 0; d < o->n; d++)
        if (d != unit)
            require_multiple(c, &needs, o->strides[d], l.vec);
    if (l.vec > 1 && !storage_is_aligned(o->buffer))
        require(c, &needs, "((uintptr_t)%s & %d) == 0", emit_buffer_name(&c->e, o->buffer),
                l.vec * size - 1);
    l.needs = needs.n ? needs.data : "";
    return l;
}

/* row and k are positions in the operand's strides. */
static Layout layout_of(CudaEmit *c, const Operand *o, int row, int k)
{
    Layout l = {.k_major = true, .vec = 1, .needs = ""};
    if (expr_is_value(o->strides[k], 1))
        l = layout_by(c, o, k, NULL);
    else if (expr_is_value(o->strides[row], 1))
        l = layout_by(c, o, row, NULL);
    l.k_major = expr_is_value(o->strides[k], 1) || !expr_is_value(o->strides[row], 1);
    return l;
}

Layout product_layout_a(CudaEmit *c, const Product *p)
{
    Layout l = {.k_major = true, .vec = 1, .needs = ""};
    if (!p->windows)
        return layout_of(c, &p->a, p->n_batch, p->n_batch + 1);
    const Conv *v = p->windows;
    if (expr_is_value(v->x.strides[4], 1)) /* channels of a tap are contiguous */
        l = layout_by(c, &v->x, 4, expr_int(c->e.exprs, v->in_channels / v->groups));
    l.k_major = true;
    return l;
}

Layout product_layout_b(CudaEmit *c, const Product *p)
{
    return layout_of(c, &p->b, p->n_batch + 1, p->n_batch);
}

/* ---- tensor cores ---------------------------------------------------------------------------- */

static bool any_arch(const CudaEmit *c, bool at_least_90)
{
    for (int i = 0; i < c->n_archs; i++)
        if ((c->archs[i].sm >= 90) == at_least_90)
            return true;
    return false;
}

const char *product_tiles(CudaEmit *c, const Product *p, int bm, int bn)
{
    return arena_printf(c->e.arena, "((%s) + %d) / %d * (((%s) + %d) / %d) * (%s)",
                        emit_expr(&c->e, p->m), bm - 1, bm, emit_expr(&c->e, p->n), bn - 1, bn,
                        product_size(c, p->batch, p->n_batch));
}

/* Threads that share the pieces of a result. */
static int sum_lanes(int splits)
{
    return splits >= 32 ? 8 : splits >= 8 ? 4 : 1;
}

/* The second function: adds pieces of k. */
Error *product_sum(CudaEmit *c, const Product *p, const char *suffix, int splits, CudaHandle *out)
{
    Text      body = text_new(c->e.arena);
    CudaField partial = {"const float *", "t_partial", "(const float *)f->scratch"};
    cuda_need(c, "gemm");
    TRY(product_print_head(c, p, NULL, splits, &body));
    text_printf(&body, "    aotc_gemm_reduce<%d, %d>(t_g, t_partial, %s, t_epilogue);\n",
                sum_lanes(splits), cuda_epilogue_width(c, p->k),
                product_size(c, p->batch, p->n_batch));
    CudaFunction f = {.suffix = arena_printf(c->e.arena, "%s_sum", suffix),
                      .body = body.data,
                      .fields = &partial,
                      .n_fields = 1,
                      .threads = 128,
                      .no_restrict = emit_has_aliases(p->k)};
    return cuda_function(c, &f, out);
}

void product_need_partial(CudaEmit *c, const Product *p, int splits)
{
    ExprPool   *pool = c->e.exprs;
    const Expr *z = expr_product(pool, p->batch, p->n_batch);
    const Expr *all = expr_mul(pool, z, expr_mul(pool, p->m, p->n));
    cuda_need_scratch(c, expr_mul(pool, all, expr_int(pool, (int64_t)splits * 4)));
}

bool product_b_is_early(const Product *p)
{
    const Buffer *b = p->b.buffer;
    while (b->alias)
        b = b->alias;
    return b->kind == BUFFER_CONSTANT;
}

const char *product_flag(bool b)
{
    return b ? "true" : "false";
}

static void print_call(CudaEmit *c, const Product *p, const ProductTile *t, const Layout *a,
                       const Layout *b, const char *partial, Text *out)
{
    const char *type = p->dtype == DT_F16 ? "AOTC_MMA_F16" : "AOTC_MMA_BF16";
    int         nb = p->n_batch;
    const char *tile = arena_printf(c->e.arena, "aotc_mma_tile<%d, %d, %d, %d, %d>", t->bm, t->bn,
                                    t->wm, t->wn, t->stages);
    if (p->windows)
        text_printf(out, "    aotc_conv_mma<%s, %s, %d, %d, %s, %d>(\n        t_c, t_g, t_t, %s,\n",
                    tile, type, a->vec, b->vec, product_flag(product_b_is_early(p)),
                    cuda_epilogue_width(c, p->k), product_matrix(c, p, &p->a));
    else
        text_printf(out,
                    "    aotc_gemm_mma<%s, %s, %s, %d, %s, %d, %s, %d>(\n"
                    "        t_g, t_t, %s, %s, %s,\n",
                    tile, type, product_flag(a->k_major), a->vec, product_flag(b->k_major), b->vec,
                    product_flag(product_b_is_early(p)), cuda_epilogue_width(c, p->k),
                    product_matrix(c, p, &p->a), product_stride(c, &p->a, nb),
                    product_stride(c, &p->a, nb + 1));
    if (p->windows)
        text_printf(out, "        %s, %s, ", product_matrix(c, p, &p->b),
                    product_stride(c, &p->b, nb + 1));
    else
        text_printf(out, "        %s, %s, %s, ", product_matrix(c, p, &p->b),
                    product_stride(c, &p->b, nb), product_stride(c, &p->b, nb + 1));
    text_printf(out, "%s, %s, t_epilogue);\n", partial, product_size(c, p->batch, nb));
}

static Error *mma_variant(CudaEmit *c, const Product *p, const char *suffix, ProductChoice choice,
                          const Layout *a, const Layout *b, Variant *out)
{
    const ProductTile *t = choice.tile;
    Text               body = text_new(c->e.arena);
    bool               in_cluster = choice.splits <= PRODUCT_MAX_CLUSTER;
    CudaField          partial = {"float *", "t_partial", NULL};
    *out = (Variant){.splits = choice.splits,
                     .blocks = product_tiles(c, p, t->bm, t->bn),
                     .threads = t->bm / t->wm * (t->bn / t->wn) * 32,
                     .shared = product_shared_bytes(t, a->k_major, b->k_major)};
    out->by_cluster = choice.splits > 1 && in_cluster && any_arch(c, true);
    out->by_scratch = choice.splits > 1 && !(in_cluster && !any_arch(c, false));
    TRY(product_print_head(c, p, arena_printf(c->e.arena, "%d, %d", t->bm, t->bn), choice.splits,
                           &body));
    print_call(c, p, t, a, b, out->by_scratch ? "t_partial" : "(float *)0", &body);
    cuda_need(c, p->windows ? "conv" : "gemm");
    CudaFunction f = {.suffix = suffix,
                      .body = body.data,
                      .fields = &partial,
                      .n_fields = out->by_scratch,
                      .threads = out->threads,
                      .max_shared_bytes = out->shared,
                      .begins_itself = true,
                      .no_restrict = emit_has_aliases(p->k)};
    TRY(cuda_function(c, &f, &out->handle));
    if (out->by_scratch) {
        product_need_partial(c, p, choice.splits);
        TRY(product_sum(c, p, suffix, choice.splits, &out->sum));
    }
    return NULL;
}

/* ---- launches -------------------------------------------------------------------------------- */

static void launch_once(CudaEmit *c, const Variant *v, bool by_cluster, int indent)
{
    Arena     *arena = c->e.arena;
    CudaLaunch l = {.grid = {arena_printf(arena, "%s * %d", v->blocks, v->splits)},
                    .block = {arena_printf(arena, "%d", v->threads)},
                    .shared = arena_printf(arena, "%d", v->shared)};
    if (by_cluster)
        l.cluster[0] = arena_printf(arena, "%d", v->splits);
    else if (v->splits > 1)
        l.set = "args.t_partial = (float *)f->scratch;";
    cuda_launch(c, &v->handle, &l, indent);
}

static void launch_sum(CudaEmit *c, const Product *p, const Variant *v, int indent)
{
    int         width = cuda_epilogue_width(c, p->k);
    const char *count =
        arena_printf(c->e.arena, "((%s) * (%s) * (((%s) + %d) / %d) * %d + 127) / 128",
                     product_size(c, p->batch, p->n_batch), emit_expr(&c->e, p->m),
                     emit_expr(&c->e, p->n), width - 1, width, sum_lanes(v->splits));
    CudaLaunch l = {.grid = {count}, .block = {"128"}};
    cuda_launch(c, &v->sum, &l, indent);
}

void product_launch(CudaEmit *c, const Product *p, const Variant *v, int indent)
{
    if (!v->by_scratch || !v->by_cluster) {
        launch_once(c, v, v->by_cluster, indent);
        if (v->by_scratch)
            launch_sum(c, p, v, indent);
        return;
    }
    text_indent(c->launch, indent);
    text_put(c->launch, "if (f->cuda->sm >= 90) {\n");
    launch_once(c, v, true, indent + 1);
    text_indent(c->launch, indent);
    text_put(c->launch, "} else {\n");
    launch_once(c, v, false, indent + 1);
    launch_sum(c, p, v, indent + 1);
    text_indent(c->launch, indent);
    text_put(c->launch, "}\n");
}

/* ---- sizes ----------------------------------------------------------------------------------- */

static bool hint_of(void *cx, const Symbol *symbol, int64_t *i, double *f)
{
    (void)cx;
    double hint = symbol->hint == symbol->hint ? symbol->hint : 256;
    if (hint < (double)symbol->min)
        hint = (double)symbol->min;
    if (hint > (double)symbol->max)
        hint = (double)symbol->max;
    *i = (int64_t)hint;
    *f = hint;
    return true;
}

/* The value, or the one of the example inputs. */
int64_t product_typical(CudaEmit *c, const Expr *e)
{
    int64_t value = 1;
    double  f;
    if (expr_is_int(e, &value))
        return value;
    if (expr_eval(c->e.arena, e, hint_of, NULL, &value, &f) || value < 1)
        return 256;
    return value;
}

/* 64 times the steps of k on warpgroup instructions. */
static int64_t sm90_depth(CudaEmit *c, const Product *p)
{
    const Conv *v = p->windows;
    if (!v)
        return product_typical(c, p->depth);
    int64_t channels = v->in_channels / v->groups;
    return v->kernel[0] * v->kernel[1] * v->kernel[2] * ((channels + 63) / 64 * 64);
}

static ProductChoice choose(CudaEmit *c, const Product *p, int64_t m, bool is_sm90)
{
    ProductSizes s = {.z = product_typical(c, expr_product(c->e.exprs, p->batch, p->n_batch)),
                      .m = m,
                      .n = product_typical(c, p->n),
                      .k = product_typical(c, p->depth),
                      .sm90_k = sm90_depth(c, p),
                      .least_k = expr_range(p->depth).min,
                      .sm = any_arch(c, true) ? 90 : 80,
                      .is_sm90 = is_sm90};
    return product_choose(&s);
}

/* Rows up to which a choice is made; the last one has no bound. */
static const int64_t row_bounds[] = {16, 64, 256, 1024, INT64_MAX};
enum { N_BOUNDS = sizeof row_bounds / sizeof *row_bounds, MANY_ROWS = 4096 };

/* What stands for a range of rows: the choice where warpgroup instructions are, the one elsewhere.
 */
typedef struct RowChoice {
    ProductChoice sm90, other;
} RowChoice;

static RowChoice row_choice(CudaEmit *c, const Product *p, const Layout *a, const Layout *b,
                            int64_t m)
{
    bool fits = product_fits_sm90(c, p, a, b);
    return (RowChoice){choose(c, p, m, fits), choose(c, p, m, false)};
}

static bool same_choice(const RowChoice *a, const RowChoice *b)
{
    return a->sm90.tile == b->sm90.tile && a->sm90.splits == b->sm90.splits &&
           a->other.tile == b->other.tile && a->other.splits == b->other.splits;
}

static bool only_sm90(const CudaEmit *c)
{
    for (int i = 0; i < c->n_archs; i++)
        if (c->archs[i].sm != 90 || !c->archs[i].exact)
            return false;
    return true;
}

static Error *emit_choice(CudaEmit *c, const Product *p, const char *suffix, const RowChoice *r,
                          const Layout *a, const Layout *b, int indent)
{
    Variant v;
    bool    both = r->sm90.tile->is_sm90 && !only_sm90(c);
    if (both) {
        text_indent(c->launch, indent);
        text_put(c->launch, "if (f->cuda->sm == 90) {\n");
    }
    if (r->sm90.tile->is_sm90)
        TRY(product_emit_sm90(c, p, suffix, r->sm90, a, b, indent + both));
    if (both) {
        text_indent(c->launch, indent);
        text_put(c->launch, "} else {\n");
    }
    if (both || !r->sm90.tile->is_sm90) {
        TRY(mma_variant(c, p, suffix, r->other, a, b, &v));
        product_launch(c, p, &v, indent + both);
    }
    if (both) {
        text_indent(c->launch, indent);
        text_put(c->launch, "}\n");
    }
    return NULL;
}

/* Launches by the number of rows: one choice when it is known. */
static Error *emit_by_rows(CudaEmit *c, const Product *p, const Layout *a, const Layout *b,
                           int indent)
{
    ExprRange range = expr_range(p->m);
    if (expr_is_const(p->m)) {
        RowChoice r = row_choice(c, p, a, b, product_typical(c, p->m));
        return emit_choice(c, p, "", &r, a, b, indent);
    }
    for (int i = 0, n = 0; i < N_BOUNDS; i++) {
        bool last = i == N_BOUNDS - 1, ends = last || range.max <= row_bounds[i];
        if (range.min > row_bounds[i])
            continue;
        RowChoice now = row_choice(c, p, a, b, last ? MANY_ROWS : row_bounds[i]);
        if (!ends) {
            int64_t   more = i + 1 == N_BOUNDS - 1 ? MANY_ROWS : row_bounds[i + 1];
            RowChoice next = row_choice(c, p, a, b, more);
            if (same_choice(&now, &next))
                continue;
        }
        text_indent(c->launch, indent);
        if (ends)
            text_printf(c->launch, "%s{\n", n ? "else " : "");
        else
            text_printf(c->launch, "%sif ((%s) <= %lld) {\n", n ? "else " : "",
                        emit_expr(&c->e, p->m), (long long)row_bounds[i]);
        TRY(emit_choice(c, p, n ? arena_printf(c->e.arena, "_%d", n) : "", &now, a, b, indent + 1));
        text_indent(c->launch, indent);
        text_put(c->launch, "}\n");
        n++;
        if (ends)
            break;
    }
    return NULL;
}

static Error *emit_mma(CudaEmit *c, const Product *p)
{
    static const ProductTile any_tile = {64, 64, 32, 32, 3, false, false};
    Layout                   a = product_layout_a(c, p), b = product_layout_b(c, p);
    Layout                   any_a = {a.k_major, 1, ""}, any_b = {b.k_major, 1, ""};
    Variant                  v;
    if (!*a.needs && !*b.needs)
        return emit_by_rows(c, p, &a, &b, 1);
    text_printf(c->launch, "    if (%s%s%s) {\n", a.needs, *a.needs && *b.needs ? " && " : "",
                b.needs);
    TRY(emit_by_rows(c, p, &a, &b, 2));
    text_put(c->launch, "    } else {\n");
    TRY(mma_variant(c, p, "_any", (ProductChoice){&any_tile, 1}, *a.needs ? &any_a : &a,
                    *b.needs ? &any_b : &b, &v));
    product_launch(c, p, &v, 2);
    text_put(c->launch, "    }\n");
    return NULL;
}

Error *product_emit(CudaEmit *c, const Product *p)
{
    if (!c_register_type(p->accumulate) || dtype_info(p->dtype)->is_complex)
        return emit_unsupported(&c->e, p->k, "products of %s", dtype_name(p->dtype));
    return p->dtype == DT_F16 || p->dtype == DT_BF16 ? emit_mma(c, p) : product_emit_simt(c, p);
}
