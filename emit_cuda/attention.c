/* Attention: a body that gives the rows of Q, K and V, the mask and the epilogue as functions to
 * runtime/attention.cu.inc and attention_sm90.cu.inc (tensor cores) or attention_plain.cu.inc (f32,
 * f64, unusual heads).
 *
 * Few queries beside many keys (decoding) are cut along the keys, so that all multiprocessors
 * read; a second kernel puts the pieces together. */
#include "emit_cuda/element.h"
#include "emit_cuda/product.h"

#include "emit_c/templates.h"

/* Rows of partial results at most: bounds the scratch memory. */
#define PARTIAL_ROWS 8192
#define FEW_ROWS 64 /* queries of all heads of a key head that one block takes */

/* How a tensor-core kernel is cut; the sizes in bytes are aotc_attention_shape's. */
typedef struct Cut {
    int  d, dv, warps, mi, keys, group;
    bool split;
} Cut;

static int cut_rows(const Cut *cut)
{
    return cut->warps * cut->mi * 16;
}

static int cut_bytes(const Cut *cut)
{
    int loads = (cut_rows(cut) * (cut->d + 8) + 2 * cut->keys * (cut->d + cut->dv + 16)) * 2;
    int results = cut_rows(cut) * (cut->dv + 4) * 4;
    return loads > results ? loads : results;
}

/* Up to 99 KiB of shared memory and 255 registers: what every device from sm_80 on has. */
static Cut choose_cut(int64_t d, int64_t dv, bool split, int64_t group)
{
    int64_t widest = d > dv ? d : dv;
    Cut cut = {.d = (int)(d + 15) / 16 * 16, .dv = (int)(dv + 15) / 16 * 16, .warps = 4, .mi = 1};
    cut.keys = widest > 128 ? 32 : 64;
    cut.group = split ? (int)group : 1;
    cut.split = split;
    if (!split && widest <= 64)
        cut.mi = 2;
    else if (!split && widest <= 128)
        cut.warps = 8;
    return cut;
}

/* ---- functions of the body ------------------------------------------------------------------- */
static const char **kv_names(Emit *e, const Attention *a, const char *const *names)
{
    const char **kv = index_names(e, "t_b", a->n_batch);
    if (a->group > 1)
        kv[a->n_batch - 1] =
            arena_printf(e->arena, "(%s / %lld)", names[a->n_batch - 1], (long long)a->group);
    return kv;
}

/* const auto t_q = [&](int64_t t_b, int64_t t_i) { …address of the row… }; with `is_value` a third
 * index and the element as Acc. */
static void print_rows(CudaEmit *c, const char *name, const Operand *o, bool is_kv, bool is_value)
{
    const Attention *a = &c->kernel->attention;
    Emit            *e = &c->e;
    int              nb = a->n_batch;
    const char     **names = index_names(e, "t_b", nb);
    const char      *row = arena_printf(e->arena, "(%s + t_i * (%s))",
                                        operand_at(e, o, is_kv ? kv_names(e, a, names) : names, nb),
                                        emit_expr(e, o->strides[nb]));
    text_printf(e->out, "    const auto %s = [&](int64_t t_b, int64_t t_i%s) {\n", name,
                is_value ? ", int64_t t_e" : "");
    emit_decode(e, 2, "t_b", a->batch, names, nb);
    if (is_value) {
        const char *element =
            arena_printf(e->arena, "%s[t_e * (%s)]", row, emit_expr(e, o->strides[nb + 1]));
        row = c_load(e->arena, a->dtype, element);
    }
    text_printf(e->out, "        return %s;\n    };\n", row);
}

static Error *print_mask(CudaEmit *c)
{
    const Attention *a = &c->kernel->attention;
    const Loop      *m = a->mask;
    Text            *t = c->e.out;
    text_put(t, "    const auto t_mask = [&](int64_t t_b, int64_t t_i, int64_t t_j) -> float {\n");
    if (!m) {
        text_put(t, "        return 0.0f;\n    };\n");
        return NULL;
    }
    bool is_bool = m->value->dtype == DT_BOOL;
    cuda_element_decode(c, 2, "t_b", m->vars, a->batch, a->n_batch);
    text_printf(t, "        const int64_t %s = t_i, %s = t_j;\n        (void)%s, (void)%s;\n",
                m->vars[a->n_batch]->name, m->vars[a->n_batch + 1]->name, m->vars[a->n_batch]->name,
                m->vars[a->n_batch + 1]->name);
    text_put(t, is_bool ? "        const auto t_seen = [&]() -> int {\n" : "");
    TRY(cuda_element_value(c, m, is_bool ? 3 : 2));
    text_put(t, is_bool ? "        };\n        return t_seen() ? 0.0f : -INFINITY;\n" : "");
    text_put(t, "    };\n");
    return NULL;
}

/* t_epilogue(aotc_width<w>(), t_z, t_m, t_n, acc) of epilogue.c. */
static Error *print_store(CudaEmit *c)
{
    const Kernel    *k = c->kernel;
    const Attention *a = &k->attention;
    Emit            *e = &c->e;
    Text             decode = text_new(e->arena), *out = e->out;
    if (k->n_outer != a->n_batch + 2)
        return error_new(e->arena, E_INTERNAL, k->where, "attention %s has %d result dims", k->name,
                         k->n_outer);
    e->out = &decode;
    cuda_element_decode(c, 2, "t_z", k->outer, a->batch, a->n_batch);
    e->out = out;
    const char *query = k->outer[a->n_batch]->name;
    text_printf(&decode, "        const int64_t %s = t_m;\n        (void)%s;\n", query, query);
    EpilogueDims dims = {.decode = decode.data,
                         .column = "t_n",
                         .column_is_aligned = true,
                         .row = a->n_batch,
                         .n_row = 1};
    return cuda_epilogue(c, k, &dims, out);
}

static void print_sizes(CudaEmit *c, bool split)
{
    const Attention *a = &c->kernel->attention;
    Emit            *e = &c->e;
    int              nb = a->n_batch;
    text_printf(
        e->out,
        "    aotc_attention t_x;\n    t_x.batch = %s;\n    t_x.q_len = %s;\n    t_x.kv_len = "
        "%s;\n    t_x.d = %s;\n    t_x.dv = %s;\n",
        product_text(e, a->batch, nb), emit_expr(e, a->q_len), emit_expr(e, a->kv_len),
        emit_expr(e, a->d), emit_expr(e, a->dv));
    text_printf(e->out,
                "    t_x.q_col = %s;\n    t_x.k_row = %s;\n    t_x.k_col = %s;\n    t_x.v_row = "
                "%s;\n    t_x.v_col = %s;\n",
                emit_expr(e, a->q.strides[nb + 1]), emit_expr(e, a->k.strides[nb]),
                emit_expr(e, a->k.strides[nb + 1]), emit_expr(e, a->v.strides[nb]),
                emit_expr(e, a->v.strides[nb + 1]));
    text_printf(e->out, "    t_x.scale = %s;\n    t_x.splits = %s;\n    t_x.partial = %s;\n",
                c_const(e->arena, DT_F32, 0, a->scale), split ? "t_splits" : "1",
                split ? "(float *)scratch" : "0");
}

/* ---- kernels --------------------------------------------------------------------------------- */
static const CudaField splits_field = {"int64_t", "t_splits", "t_splits"};

/* Prints into a text of its own; e->out stands as before. */
static Error *with_body(CudaEmit *c, Error *(*print)(CudaEmit *c, const Cut *cut), const Cut *cut,
                        const char **body)
{
    Text text = text_new(c->e.arena), *out = c->e.out;
    c->e.out = &text;
    Error *error = print(c, cut);
    c->e.out = out;
    *body = text.data;
    return error;
}

/* A scale that is not positive is applied as with a mask: the maximum is taken after it. */
static bool is_masked(const Attention *a)
{
    return a->mask || !(a->scale > 0);
}

static Error *tensor_body(CudaEmit *c, const Cut *cut)
{
    const Attention *a = &c->kernel->attention;
    print_sizes(c, cut->split);
    print_rows(c, "t_q", &a->q, false, false);
    print_rows(c, "t_k", &a->k, true, false);
    print_rows(c, "t_v", &a->v, true, false);
    TRY(print_mask(c));
    TRY(print_store(c));
    text_printf(
        c->e.out,
        "    typedef aotc_attention_shape<%d, %d, %d, %d, %d, %s, %d, %d, %s, %s, %s> t_shape;\n"
        "    aotc_attention_mma<t_shape>(t_x, t_q, t_k, t_v, t_mask, t_epilogue);\n",
        cut->d, cut->dv, cut->warps, cut->mi, cut->keys,
        a->dtype == DT_BF16 ? "AOTC_MMA_BF16" : "AOTC_MMA_F16", cuda_epilogue_width(c, c->kernel),
        cut->group, a->causal ? "true" : "false", is_masked(a) ? "true" : "false",
        cut->split ? "true" : "false");
    return NULL;
}

/* The same for warpgroups. */
static Error *warpgroup_body(CudaEmit *c, const Cut *cut)
{
    const Attention *a = &c->kernel->attention;
    print_sizes(c, false);
    print_rows(c, "t_q", &a->q, false, false);
    print_rows(c, "t_k", &a->k, true, false);
    print_rows(c, "t_v", &a->v, true, false);
    TRY(print_mask(c));
    TRY(print_store(c));
    text_printf(c->e.out,
                "    typedef aotc_attention_sm90_shape<%d, %d, %d, %s, %d, %s, %s> t_shape;\n"
                "    aotc_attention_wgmma<t_shape>(t_x, t_q, t_k, t_v, t_mask, t_epilogue);\n",
                cut->d, cut->dv, cut->keys, a->dtype == DT_BF16 ? "AOTC_MMA_BF16" : "AOTC_MMA_F16",
                cuda_epilogue_width(c, c->kernel), a->causal ? "true" : "false",
                is_masked(a) ? "true" : "false");
    return NULL;
}

static Error *combine_body(CudaEmit *c, const Cut *cut)
{
    (void)cut;
    print_sizes(c, true);
    TRY(print_store(c));
    text_put(c->e.out, "    aotc_attention_combine(t_x, t_epilogue);\n");
    return NULL;
}

static Error *tensor_kernel(CudaEmit *c, const Cut *cut, CudaHandle *handle)
{
    CudaFunction f = {.suffix = cut->split ? "_few" : "",
                      .threads = cut->warps * 32,
                      .max_shared_bytes = cut_bytes(cut)};
    cuda_need(c, "attention");
    TRY(with_body(c, tensor_body, cut, &f.body));
    f.fields = &splits_field;
    f.n_fields = cut->split;
    return cuda_function(c, &f, handle);
}

static const char *tiles_text(CudaEmit *c, const char *rows, int tile)
{
    return cuda_ceil_div(c, rows, tile);
}

/* ---- many queries ---------------------------------------------------------------------------- */
/* Can each block have a multiprocessor of an H100 (132) of its own? */
static bool has_few_blocks(CudaEmit *c)
{
    const Attention *a = &c->kernel->attention;
    int64_t          queries, heads;
    return expr_is_int(a->q_len, &queries) &&
           expr_is_int(expr_product(c->e.exprs, a->batch, a->n_batch), &heads) &&
           (queries + 127) / 128 * heads <= 132;
}

/* aotc_attention_sm90_shape: heads of 64 or 128 elements, padded.  Two blocks a multiprocessor
 * where registers allow it and there are so many; else fewer, longer steps. */
static Cut choose_sm90(CudaEmit *c, int64_t d, int64_t dv)
{
    Cut cut = {.d = d > 64 ? 128 : 64, .dv = dv > 64 ? 128 : 64, .warps = 8, .mi = 1, .group = 1};
    cut.keys = cut.d + cut.dv > 128 || has_few_blocks(c) ? 128 : 64;
    return cut;
}

static int sm90_bytes(const Cut *cut)
{
    int loads = 2 * (128 * cut->d + 2 * cut->keys * (cut->d + cut->dv));
    int results = 128 * (cut->dv + 4) * 4;
    return loads > results ? loads : results;
}

static bool has_sm90(const CudaEmit *c, int64_t d, int64_t dv)
{
    for (int i = 0; i < c->n_archs; i++)
        if (c->archs[i].sm == 90 && c->archs[i].exact)
            return d <= 128 && dv <= 128 && (d > 32 || dv > 32);
    return false;
}

static void launch_many(CudaEmit *c, const CudaHandle *handle, const Cut *cut, int bytes,
                        int indent)
{
    const Attention *a = &c->kernel->attention;
    Emit            *e = &c->e;
    CudaLaunch       launch = {.block[0] = arena_printf(e->arena, "%d", cut->warps * 32),
                               .shared = arena_printf(e->arena, "%d", bytes)};
    launch.grid[0] =
        arena_printf(e->arena, "%s * (%s)", tiles_text(c, emit_expr(e, a->q_len), cut_rows(cut)),
                     product_text(e, a->batch, a->n_batch));
    cuda_launch(c, handle, &launch, indent);
}

static Error *emit_sm90(CudaEmit *c, const Cut *cut, int indent)
{
    CudaHandle   handle = {0};
    CudaFunction f = {.suffix = "_sm90",
                      .threads = 256,
                      .min_blocks = cut->keys == 64 && !is_masked(&c->kernel->attention) ? 2 : 1,
                      .max_shared_bytes = sm90_bytes(cut)};
    cuda_need(c, "attention_sm90");
    TRY(with_body(c, warpgroup_body, cut, &f.body));
    TRY(cuda_function(c, &f, &handle));
    launch_many(c, &handle, cut, f.max_shared_bytes, indent);
    return NULL;
}

static Error *emit_many(CudaEmit *c, const Cut *cut, int indent)
{
    const Attention *a = &c->kernel->attention;
    CudaHandle       handle = {0};
    int64_t          d = 0, dv = 0;
    expr_is_int(a->d, &d);
    expr_is_int(a->dv, &dv);
    bool both = has_sm90(c, d, dv);
    if (both) {
        const Cut sm90 = choose_sm90(c, d, dv);
        text_indent(c->launch, indent);
        text_put(c->launch, "if (f->cuda->sm == 90) {\n");
        TRY(emit_sm90(c, &sm90, indent + 1));
        text_indent(c->launch, indent);
        text_put(c->launch, "} else {\n");
    }
    TRY(tensor_kernel(c, cut, &handle));
    launch_many(c, &handle, cut, cut_bytes(cut), indent + both);
    if (both) {
        text_indent(c->launch, indent);
        text_put(c->launch, "}\n");
    }
    return NULL;
}

/* How many pieces: two blocks a multiprocessor, each of a step at least; 64 is what the kernel that
 * adds them up can take. */
static void print_splits(CudaEmit *c, const Cut *cut, int indent)
{
    const Attention *a = &c->kernel->attention;
    Emit            *e = &c->e;
    Text            *t = c->launch;
    text_indent(t, indent);
    text_printf(t, "const int64_t t_rows = (%s) * (%s), t_heads = (%s) / %d;\n",
                product_text(e, a->batch, a->n_batch), emit_expr(e, a->q_len),
                product_text(e, a->batch, a->n_batch), cut->group);
    text_indent(t, indent);
    text_printf(t, "int64_t t_splits = ((%s) + %d) / %d;\n", emit_expr(e, a->kv_len), cut->keys - 1,
                cut->keys);
    const char *const bounds[] = {
        "2 * f->cuda->n_sm / (t_heads > 0 ? t_heads : 1)",
        arena_printf(e->arena, "%d / (t_rows > 0 ? t_rows : 1)", PARTIAL_ROWS), "64"};
    for (int i = 0; i < 3; i++) {
        text_indent(t, indent);
        text_printf(t, "t_splits = t_splits < %s ? t_splits : %s;\n", bounds[i], bounds[i]);
    }
    text_indent(t, indent);
    text_put(t, "t_splits = t_splits > 1 ? t_splits : 1;\n");
}

static void need_partial(CudaEmit *c)
{
    const Attention *a = &c->kernel->attention;
    ExprPool        *p = c->e.exprs;
    int64_t          rows, known = PARTIAL_ROWS;
    const Expr      *all = expr_mul(p, expr_product(p, a->batch, a->n_batch), a->q_len);
    if (expr_is_int(all, &rows) && rows * 64 < known)
        known = rows * 64;
    cuda_need_scratch(c, expr_mul(p, expr_int(p, known * 4), expr_add(p, a->dv, expr_int(p, 1))));
}

static Error *emit_few(CudaEmit *c, const Cut *cut, int indent)
{
    Emit      *e = &c->e;
    CudaHandle few = {0}, combine = {0};
    need_partial(c);
    TRY(tensor_kernel(c, cut, &few));
    CudaFunction f = {.suffix = "_combine", .threads = 128, .fields = &splits_field, .n_fields = 1};
    cuda_need(c, "attention");
    TRY(with_body(c, combine_body, cut, &f.body));
    TRY(cuda_function(c, &f, &combine));
    print_splits(c, cut, indent);
    CudaLaunch launch = {.grid[0] = "t_heads * t_splits * (t_rows > 0)",
                         .block[0] = arena_printf(e->arena, "%d", cut->warps * 32),
                         .shared = arena_printf(e->arena, "%d", cut_bytes(cut))};
    cuda_launch(c, &few, &launch, indent);
    text_indent(c->launch, indent);
    text_put(c->launch, "if (t_splits > 1)\n");
    launch = (CudaLaunch){.grid[0] = cuda_ceil_div(c, "t_rows", 4), .block[0] = "128"};
    cuda_launch(c, &combine, &launch, indent);
    return NULL;
}

static Error *emit_tensor(CudaEmit *c, int64_t d, int64_t dv)
{
    const Attention *a = &c->kernel->attention;
    const Cut        many = choose_cut(d, dv, false, 1), few = choose_cut(d, dv, true, a->group);
    ExprRange        queries = expr_range(a->q_len);
    int64_t          most = FEW_ROWS / a->group;
    Text            *t = c->launch;
    if (queries.min > most)
        return emit_many(c, &many, 1);
    if (queries.max <= most) {
        return emit_few(c, &few, 1);
    }
    text_printf(t, "    if (%s <= %lld) {\n", emit_expr(&c->e, a->q_len), (long long)most);
    TRY(emit_few(c, &few, 2));
    text_put(t, "    } else {\n");
    TRY(emit_many(c, &many, 2));
    text_put(t, "    }\n");
    return NULL;
}

/* ---- without tensor cores -------------------------------------------------------------------- */
typedef struct PlainCut {
    int slab, bytes; /* aotc_plain_shape's */
} PlainCut;

static PlainCut choose_plain(const Attention *a)
{
    bool     is_f64 = a->dtype == DT_F64;
    PlainCut p = {.slab = is_f64 || expr_range(a->dv).max <= 64 ? 64 : 128};
    p.bytes = (2 * 32 * 64 + 64 * (64 + p.slab)) * (is_f64 ? 8 : 4);
    return p;
}

static Error *plain_body(CudaEmit *c, const Cut *cut)
{
    const Attention *a = &c->kernel->attention;
    const PlainCut   p = choose_plain(a);
    const char      *acc = a->dtype == DT_F64 ? "double" : "float";
    (void)cut;
    print_sizes(c, false);
    print_rows(c, "t_q", &a->q, false, true);
    print_rows(c, "t_k", &a->k, true, true);
    print_rows(c, "t_v", &a->v, true, true);
    TRY(print_mask(c));
    TRY(print_store(c));
    text_printf(c->e.out,
                "    typedef aotc_plain_shape<%s, %d, %s, %s> t_shape;\n"
                "    aotc_attention_plain<t_shape>(t_x, %s, t_q, t_k, t_v, t_mask, t_epilogue);\n",
                acc, p.slab, a->causal ? "true" : "false", a->mask ? "true" : "false",
                c_const(c->e.arena, a->dtype == DT_F64 ? DT_F64 : DT_F32, 0, a->scale));
    return NULL;
}

static Error *emit_plain(CudaEmit *c)
{
    const Attention *a = &c->kernel->attention;
    const PlainCut   p = choose_plain(a);
    Emit            *e = &c->e;
    CudaFunction     f = {.threads = 256, .max_shared_bytes = p.bytes};
    CudaHandle       handle = {0};
    cuda_need(c, "attention_plain");
    TRY(with_body(c, plain_body, NULL, &f.body));
    TRY(cuda_function(c, &f, &handle));
    CudaLaunch launch = {.block[0] = "256", .shared = arena_printf(e->arena, "%d", p.bytes)};
    launch.grid[0] = arena_printf(
        e->arena, "%s * (%s) * (%s)", tiles_text(c, emit_expr(e, a->q_len), 64),
        product_text(e, a->batch, a->n_batch), tiles_text(c, emit_expr(e, a->dv), p.slab));
    cuda_launch(c, &handle, &launch, 1);
    return NULL;
}

Error *cuda_emit_attention(CudaEmit *c, const Kernel *k)
{
    const Attention *a = &k->attention;
    int64_t          d, dv;
    if (a->dtype != DT_F64 && a->dtype != DT_F32 && a->dtype != DT_F16 && a->dtype != DT_BF16)
        return emit_unsupported(&c->e, k, "attention of %s", dtype_name(a->dtype));
    bool is_half = a->dtype == DT_F16 || a->dtype == DT_BF16;
    if (is_half && expr_is_int(a->d, &d) && expr_is_int(a->dv, &dv) && d > 0 && dv > 0 &&
        d <= 256 && dv <= 256)
        return emit_tensor(c, d, dv);
    return emit_plain(c);
}
