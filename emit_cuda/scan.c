/* Scans: a body that gives the values of the source loop and stores results, around
 * runtime/scan.cu.inc.
 *
 * Accumulators as on the CPU: double for f32, float for f16 and bf16, integers that wrap. */
#include "emit_cuda/element.h"

#include "emit_c/templates.h"

#define TOTALS 65536 /* rows times pieces at most: bounds the scratch memory */

typedef struct ScanCut {
    bool        columns;
    int         segs, items;
    const char *op, *type; /* "aotc_scan_sum<double>", what it is made of */
    const char *rows, *length;
    int         value_bytes;
} ScanCut;

static bool is_positional(const Scan *s)
{
    return s->reduce == REDUCE_MAX || s->reduce == REDUCE_MIN;
}

static const Buffer *scan_output(const Kernel *k)
{
    return k->scan.source->out ? k->scan.source->out : k->result;
}

static const char *accumulator(const Scan *s, DType dtype)
{
    if (is_positional(s))
        return c_register_type(dtype_compute(dtype));
    return c_accumulator_type(s->reduce, dtype == DT_F32 ? DT_F64 : dtype_compute(dtype));
}

static const char *op_text(Emit *e, const Scan *s, const char *type)
{
    if (is_positional(s))
        return arena_printf(e->arena, "aotc_scan_extreme<%s, %s>", type,
                            s->reduce == REDUCE_MAX ? "true" : "false");
    return arena_printf(e->arena, "aotc_scan_%s<%s>",
                        s->log_sum_exp             ? "log_sum"
                        : s->reduce == REDUCE_PROD ? "product"
                                                   : "sum",
                        type);
}

/* The dims but the scanned one, in order. */
static int other_dims(Emit *e, const Scan *s, const Expr ***sizes, Symbol ***vars)
{
    const Loop *loop = s->source;
    int         n = 0;
    *sizes = ARENA_ARRAY(e->arena, const Expr *, loop->n_dims + 1);
    *vars = ARENA_ARRAY(e->arena, Symbol *, loop->n_dims + 1);
    for (int d = 0; d < loop->n_dims; d++)
        if (d != s->axis) {
            (*sizes)[n] = loop->sizes[d];
            (*vars)[n++] = loop->vars[d];
        }
    return n;
}

static ScanCut choose_cut(CudaEmit *c, const Kernel *k)
{
    const Scan  *s = &k->scan;
    const Loop  *loop = s->source;
    ExprPool    *p = c->e.exprs;
    const Expr **sizes;
    Symbol     **vars;
    int          n = other_dims(&c->e, s, &sizes, &vars);
    const Expr  *below = expr_product(p, loop->sizes + s->axis + 1, loop->n_dims - s->axis - 1);
    ScanCut      cut = {.items = 4, .segs = 256};
    cut.columns = !expr_is_value(below, 1);
    if (cut.columns)
        cut.segs = 8;
    else if (expr_range(loop->sizes[s->axis]).max <= 512)
        cut.segs = 32;
    cut.type = accumulator(s, scan_output(k)->dtype);
    cut.op = cut.type ? op_text(&c->e, s, cut.type) : NULL;
    cut.rows = product_text(&c->e, sizes, n);
    cut.length = emit_expr(&c->e, loop->sizes[s->axis]);
    cut.value_bytes = 16;
    return cut;
}

static void open_lambda(CudaEmit *c, const Scan *s, const char *head)
{
    const Expr **sizes;
    Symbol     **vars;
    int          n = other_dims(&c->e, s, &sizes, &vars);
    const char  *axis = s->source->vars[s->axis]->name;
    text_put(c->e.out, head);
    cuda_element_decode(c, 2, "t_r", vars, sizes, n);
    text_printf(c->e.out, "        const int64_t %s = t_at;\n        (void)%s;\n", axis, axis);
}

static Error *print_value(CudaEmit *c, const Kernel *k, const ScanCut *cut)
{
    open_lambda(c, &k->scan,
                arena_printf(c->e.arena,
                             "    const auto t_value = [&](int64_t t_r, int64_t t_at) -> %s {\n",
                             cut->type));
    TRY(cuda_element_value(c, k->scan.source, 2));
    text_put(c->e.out, "    };\n");
    text_printf(c->e.out,
                "    aotc_scan_size t_s;\n    t_s.rows = %s;\n    t_s.length = %s;\n"
                "    t_s.pieces = t_pieces;\n    t_s.piece = t_piece;\n",
                cut->rows, cut->length);
    return NULL;
}

static void print_call(CudaEmit *c, const ScanCut *cut, const char *function, const char *last)
{
    text_printf(c->e.out, "    %s<%s, %d, %d, %s>(t_s, (%s::V *)scratch, t_value%s);\n", function,
                cut->op, cut->segs, cut->items, cut->columns ? "true" : "false", cut->op, last);
}

static Error *totals_body(CudaEmit *c, const Kernel *k, const ScanCut *cut)
{
    TRY(print_value(c, k, cut));
    print_call(c, cut, "aotc_scan_totals", "");
    return NULL;
}

static Error *rows_body(CudaEmit *c, const Kernel *k, const ScanCut *cut)
{
    const Scan   *s = &k->scan;
    const Buffer *out = scan_output(k);
    Emit         *e = &c->e;
    const char   *value = is_positional(s) ? "t_v.value" : "t_v";
    TRY(print_value(c, k, cut));
    open_lambda(c, s,
                arena_printf(e->arena,
                             "    const auto t_store = [&](int64_t t_r, int64_t t_at, "
                             "const %s::V &t_v) {\n",
                             cut->op));
    text_printf(e->out, "        %s[%s] = %s;\n", emit_buffer_name(e, out), emit_expr(e, s->index),
                c_store(e->arena, out->dtype,
                        arena_printf(e->arena, "(%s)%s", c_register_type(out->dtype), value)));
    if (s->indices)
        text_printf(e->out, "        %s[%s] = t_v.at;\n", emit_buffer_name(e, s->indices),
                    emit_expr(e, s->index));
    text_put(e->out, "    };\n");
    print_call(c, cut, "aotc_scan_rows", ", t_store");
    return NULL;
}

static Error *scan_function(CudaEmit *c, const Kernel *k, const ScanCut *cut, bool totals,
                            CudaHandle *handle)
{
    static const CudaField fields[] = {{"int64_t", "t_pieces", "t_pieces"},
                                       {"int64_t", "t_piece", "t_piece"}};
    CudaFunction           f = {
                  .suffix = totals ? "_totals" : "", .threads = 256, .fields = fields, .n_fields = 2};
    Text body = text_new(c->e.arena), *out = c->e.out;
    c->e.out = &body;
    Error *error = totals ? totals_body(c, k, cut) : rows_body(c, k, cut);
    c->e.out = out;
    if (error)
        return error;
    f.body = body.data;
    cuda_need(c, "scan");
    return cuda_function(c, &f, handle);
}

/* Rows that are too few for the device are cut, unless pieces would be short. */
static void print_pieces(CudaEmit *c, const ScanCut *cut)
{
    int   tile = cut->segs * cut->items, rows = 256 / cut->segs;
    Text *t = c->launch;
    text_printf(t, "    const int64_t t_rows = %s, t_length = %s, t_blocks = (t_rows + %d) / %d;\n",
                cut->rows, cut->length, rows - 1, rows);
    text_printf(t, "    int64_t t_pieces = (t_length + %d) / %d;\n", 4 * tile - 1, 4 * tile);
    const char *const bounds[] = {
        "4 * f->cuda->n_sm / (t_blocks > 0 ? t_blocks : 1)",
        arena_printf(c->e.arena, "%d / (t_rows > 0 ? t_rows : 1)", TOTALS)};
    for (int i = 0; i < 2; i++)
        text_printf(t, "    t_pieces = t_pieces < %s ? t_pieces : %s;\n", bounds[i], bounds[i]);
    text_put(t, "    t_pieces = t_pieces > 1 ? t_pieces : 1;\n");
    text_printf(t,
                "    const int64_t t_piece = (t_length + t_pieces * %d - 1) / (t_pieces * %d) * "
                "%d;\n",
                tile, tile, tile);
}

Error *cuda_emit_scan(CudaEmit *c, const Kernel *k)
{
    const Buffer *out = scan_output(k);
    CudaHandle    totals = {0}, rows = {0};
    if (dtype_info(out->dtype)->is_complex)
        return emit_unsupported(&c->e, k, "scans of %s", dtype_name(out->dtype));
    const ScanCut cut = choose_cut(c, k);
    if (!cut.type)
        return emit_unsupported(&c->e, k, "scans of %s", dtype_name(out->dtype));
    cuda_need_scratch(c, expr_int(c->e.exprs, TOTALS * cut.value_bytes));
    TRY(scan_function(c, k, &cut, true, &totals));
    TRY(scan_function(c, k, &cut, false, &rows));
    print_pieces(c, &cut);
    CudaLaunch launch = {.grid[0] = "t_blocks * t_pieces * (t_length > 0)", .block[0] = "256"};
    text_put(c->launch, "    if (t_pieces > 1)\n");
    cuda_launch(c, &totals, &launch, 1);
    cuda_launch(c, &rows, &launch, 1);
    return NULL;
}
