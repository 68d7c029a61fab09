/* Sorts, argsorts and top-k: a body that gives keys and stores results by index, around
 * runtime/sort.cu.inc.  Which method runs depends on the length of the rows: chosen here where it
 * is known, else when the model runs. */
#include "emit_cuda/element.h"

#include "emit_c/templates.h"

#define TILE 4096 /* AOTC_SORT_TILE */
#define FEW 1024  /* kept elements that the selection takes */

typedef struct SortText {
    const char *key, *rows, *length, *keep; /* "uint32_t"; C texts */
    int         key_bytes;
} SortText;

static SortText sort_text(CudaEmit *c, const Sort *s)
{
    SortText t = {.rows = product_text(&c->e, s->outer, s->n_outer),
                  .length = emit_expr(&c->e, s->length),
                  .keep = emit_expr(&c->e, s->keep),
                  .key_bytes = dtype_size(s->dtype) == 8 ? 8 : 4};
    t.key = t.key_bytes == 8 ? "uint64_t" : "uint32_t";
    return t;
}

/* The value's key; small integers as 32 bits. */
static const char *key_text(CudaEmit *c, const Sort *s, const char *element)
{
    Arena           *arena = c->e.arena;
    const DTypeInfo *info = dtype_info(s->dtype);
    bool             is_long = dtype_size(s->dtype) == 8;
    const char      *value = c_load(arena, s->dtype, element);
    if (info->is_float)
        return arena_printf(arena, "aotc_key_float(%s)", value);
    if (info->is_signed)
        return arena_printf(arena, "aotc_key_signed((%s)%s)", is_long ? "int64_t" : "int32_t",
                            value);
    return arena_printf(arena, "(%s)%s", is_long ? "uint64_t" : "uint32_t", value);
}

static void print_get(CudaEmit *c, const Sort *s)
{
    Emit        *e = &c->e;
    const char **names = index_names(e, "t_o", s->n_outer);
    text_printf(e->out, "    const auto t_key = [&](int64_t t_r, int64_t t_i) -> %s {\n",
                sort_text(c, s).key);
    emit_decode(e, 2, "t_r", s->outer, names, s->n_outer);
    const char *element =
        arena_printf(e->arena, "(%s)[t_i * (%s)]", operand_at(e, &s->x, names, s->n_outer),
                     emit_expr(e, s->x.strides[s->n_outer]));
    text_printf(e->out, "        return %s%s;\n    };\n", s->descending ? "~" : "",
                key_text(c, s, element));
}

static void print_put(CudaEmit *c, const Sort *s)
{
    Emit        *e = &c->e;
    const char **names = index_names(e, "t_o", s->n_outer);
    int          n = s->n_outer;
    text_put(e->out, "    const auto t_put = [&](int64_t t_r, int64_t t_i, uint32_t t_at) {\n");
    if (s->skip)
        text_printf(e->out, "        t_i -= %s;\n        if (t_i < 0)\n            return;\n",
                    emit_expr(e, s->skip));
    emit_decode(e, 2, "t_r", s->outer, names, n);
    if (s->values.buffer)
        text_printf(e->out, "        (%s)[t_i * (%s)] = (%s)[t_at * (int64_t)(%s)];\n",
                    operand_at(e, &s->values, names, n), emit_expr(e, s->values.strides[n]),
                    operand_at(e, &s->x, names, n), emit_expr(e, s->x.strides[n]));
    if (s->indices.buffer)
        text_printf(e->out, "        (%s)[t_i * (%s)] = (int64_t)t_at;\n",
                    operand_at(e, &s->indices, names, n), emit_expr(e, s->indices.strides[n]));
    text_put(e->out, "    };\n");
}

static void print_size(CudaEmit *c, const Sort *s)
{
    const SortText t = sort_text(c, s);
    text_printf(c->e.out,
                "    aotc_sort_size t_s;\n    t_s.rows = %s;\n    t_s.length = %s;\n"
                "    t_s.keep = %s;\n    t_s.width = (int)t_width;\n    t_s.span = (int)t_span;\n",
                t.rows, t.length, t.keep);
}

typedef enum Method { SORT_ROWS, SORT_TILES, SORT_MERGE, SORT_PUT, SORT_SELECT } Method;

static const char *const suffixes[] = {"", "_tiles", "_merge", "_put", "_select"};

static void print_body(CudaEmit *c, const Sort *s, Method method)
{
    Text       *t = c->e.out;
    const char *key = sort_text(c, s).key;
    print_size(c, s);
    if (method != SORT_MERGE && method != SORT_PUT)
        print_get(c, s);
    if (method != SORT_MERGE && method != SORT_TILES)
        print_put(c, s);
    if (method == SORT_ROWS || method == SORT_SELECT)
        text_printf(t, "    aotc_sort_%s<%s>(t_s, aotc_shared, t_key, t_put);\n",
                    method == SORT_ROWS ? "rows" : "select", key);
    else if (method == SORT_TILES)
        text_printf(t,
                    "    aotc_sort_tiles<%s>(t_s, aotc_shared, (%s *)t_keys, (uint32_t *)t_at, "
                    "t_key);\n",
                    key, key);
    else if (method == SORT_MERGE)
        text_printf(t,
                    "    aotc_sort_merge<%s>(t_s, t_run, (const %s *)t_keys, (const uint32_t "
                    "*)t_at,\n                    (%s *)t_to_keys, (uint32_t *)t_to_at);\n",
                    key, key, key);
    else
        text_put(t, "    aotc_sort_put(t_s, (const uint32_t *)t_at, t_put);\n");
}

static Error *sort_function(CudaEmit *c, const Sort *s, Method method, CudaHandle *handle)
{
    static const CudaField fields[] = {
        {"int64_t", "t_width", "t_width"},    {"int64_t", "t_span", "t_span"},
        {"void *", "t_keys", "t_keys"},       {"void *", "t_at", "t_at"},
        {"void *", "t_to_keys", "t_to_keys"}, {"void *", "t_to_at", "t_to_at"},
        {"int64_t", "t_run", "t_run"},
    };
    static const int n_fields[] = {2, 4, 7, 4, 2};
    int              item = sort_text(c, s).key_bytes + 4;
    CudaFunction     f = {.suffix = suffixes[method],
                          .threads = method == SORT_MERGE || method == SORT_PUT ? 256 : 1024,
                          .fields = fields,
                          .n_fields = n_fields[method]};
    if (f.threads == 1024)
        f.max_shared_bytes = TILE * item;
    Text body = text_new(c->e.arena), *out = c->e.out;
    c->e.out = &body;
    print_body(c, s, method);
    c->e.out = out;
    f.body = body.data;
    cuda_need(c, "sort");
    return cuda_function(c, &f, handle);
}

/* ---- launches -------------------------------------------------------------------------------- */
static void print_width(CudaEmit *c, const char *count, int least)
{
    text_printf(
        c->launch,
        "        int64_t t_width = 2;\n        while (t_width < %s)\n            t_width *= "
        "2;\n        const int64_t t_span = t_width > %d ? t_width : %d;\n",
        count, least, least);
}

static Error *emit_rows(CudaEmit *c, const Sort *s)
{
    const SortText t = sort_text(c, s);
    CudaHandle     h = {0};
    TRY(sort_function(c, s, SORT_ROWS, &h));
    text_put(c->launch, "    {\n");
    print_width(c, t.length, 512);
    CudaLaunch launch = {
        .grid[0] =
            arena_printf(c->e.arena, "(%s + t_span / t_width - 1) / (t_span / t_width) * (%s > 0)",
                         t.rows, t.length),
        .block[0] = "t_span < 2048 ? t_span / 2 : 1024",
        .shared = arena_printf(c->e.arena, "t_span * %d", t.key_bytes + 4)};
    cuda_launch(c, &h, &launch, 2);
    text_put(c->launch, "    }\n");
    return NULL;
}

static Error *emit_select(CudaEmit *c, const Sort *s)
{
    const SortText t = sort_text(c, s);
    CudaHandle     h = {0};
    TRY(sort_function(c, s, SORT_SELECT, &h));
    text_put(c->launch, "    {\n");
    print_width(c, t.keep, 64);
    CudaLaunch launch = {.grid[0] = arena_printf(c->e.arena, "(%s) * (%s > 0)", t.rows, t.keep),
                         .block[0] = "1024",
                         .shared = arena_printf(c->e.arena, "t_span * %d", t.key_bytes + 4)};
    cuda_launch(c, &h, &launch, 2);
    text_put(c->launch, "    }\n");
    return NULL;
}

/* Keys and places, twice: merges go from one to the other. */
static Error *emit_long(CudaEmit *c, const Sort *s)
{
    const SortText t = sort_text(c, s);
    ExprPool      *p = c->e.exprs;
    Arena         *arena = c->e.arena;
    Text          *l = c->launch;
    CudaHandle     tiles = {0}, merge = {0}, put = {0};
    const Expr    *all = expr_mul(p, expr_product(p, s->outer, s->n_outer), s->length);
    cuda_need_scratch(
        c, expr_add(p, expr_mul(p, all, expr_int(p, 2 * (t.key_bytes + 4))), expr_int(p, 1024)));
    TRY(sort_function(c, s, SORT_TILES, &tiles));
    TRY(sort_function(c, s, SORT_MERGE, &merge));
    TRY(sort_function(c, s, SORT_PUT, &put));
    text_printf(l,
                "    {\n        const int64_t t_width = %d, t_span = %d, t_all = (%s) * (%s);\n"
                "        unsigned char *t_keys = f->scratch, *t_to_keys = t_keys + t_all * %d;\n"
                "        unsigned char *t_at = t_to_keys + t_all * %d, *t_to_at = t_at + t_all * "
                "4;\n        int64_t t_run = 0;\n",
                TILE, TILE, t.rows, t.length, t.key_bytes, t.key_bytes);
    CudaLaunch launch = {
        .grid[0] = arena_printf(arena, "%s * (%s)", cuda_ceil_div(c, t.length, TILE), t.rows),
        .block[0] = "1024",
        .shared = arena_printf(arena, "%d", TILE * (t.key_bytes + 4))};
    cuda_launch(c, &tiles, &launch, 2);
    text_printf(l, "        for (t_run = %d; t_run < %s; t_run *= 2) {\n", TILE, t.length);
    launch = (CudaLaunch){
        .grid[0] = arena_printf(arena, "%s * (%s)", cuda_ceil_div(c, t.length, 2048), t.rows),
        .block[0] = "256"};
    cuda_launch(c, &merge, &launch, 3);
    text_put(l, "            unsigned char *t_swap = t_keys;\n            t_keys = t_to_keys, "
                "t_to_keys = t_swap;\n            t_swap = t_at, t_at = t_to_at, t_to_at = "
                "t_swap;\n        }\n");
    launch = (CudaLaunch){.block[0] = "256"};
    launch.grid[0] =
        arena_printf(arena, "(%s) * (%s) > 4194304 ? 16384 : %s", t.rows, t.keep,
                     cuda_ceil_div(c, arena_printf(arena, "(%s) * (%s)", t.rows, t.keep), 256));
    cuda_launch(c, &put, &launch, 2);
    text_put(l, "    }\n");
    return NULL;
}

Error *cuda_emit_sort(CudaEmit *c, const Kernel *k)
{
    const Sort *s = &k->sort;
    Text       *t = c->launch;
    ExprRange   length = expr_range(s->length), keep = expr_range(s->keep);
    if (!c_storage_type(s->dtype) || dtype_info(s->dtype)->is_complex)
        return emit_unsupported(&c->e, k, "sorts of %s", dtype_name(s->dtype));
    bool may_be_long = length.max > TILE, may_be_short = length.min <= TILE;
    bool may_select = may_be_long && s->keep != s->length && keep.min <= FEW;
    bool may_merge = may_be_long && (!may_select || keep.max > FEW);
    if (may_be_short && !may_be_long)
        return emit_rows(c, s);
    if (may_be_short) {
        text_printf(t, "    if (%s <= %d)\n", emit_expr(&c->e, s->length), TILE);
        TRY(emit_rows(c, s));
        text_put(t, "    else\n");
    }
    if (may_select && may_merge)
        text_printf(t, "    if (%s <= %d)\n", emit_expr(&c->e, s->keep), FEW);
    if (may_select)
        TRY(emit_select(c, s));
    if (may_select && may_merge)
        text_put(t, "    else\n");
    if (may_merge)
        TRY(emit_long(c, s));
    return NULL;
}
