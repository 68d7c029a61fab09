/* Element computations in plan text, read: what loops_scalar.c prints.
 *
 * In: text.  Out: scalars exactly as written: nothing is folded, equal ones are one node.  A number
 * takes its dtype from the operands beside it, or from where it is stored. */
#include "ir/loops_text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NESTED = 200 };

/* An operand; a number has no dtype before its neighbours are known. */
typedef struct Part {
    Scalar *scalar; /* NULL: a number */
    bool    is_int;
    int64_t i;
    double  f;
} Part;

static void get_part(PlanIo *io, Part *out);

/* ---- numbers --------------------------------------------------------------------------------- */

static bool holds_double(DType dtype)
{
    return dtype_is_float(dtype) || dtype_info(dtype)->is_complex;
}

static Scalar *number_as(PlanIo *io, const Part *part, DType dtype)
{
    Scalar like = {.op = S_CONST, .dtype = dtype};
    if (io->error)
        return NULL;
    if (dtype == DT_NONE || (!holds_double(dtype) && !part->is_int)) {
        io_fail(io,
                parse_fail(&io->in, dtype == DT_NONE ? "nothing says what dtype the number "
                                                       "before this has: f32(2)"
                                                     : "a fraction among integers before this"));
        return NULL;
    }
    if (holds_double(dtype))
        like.f = scalar_round(dtype, part->f);
    else
        like.i = scalar_wrap(dtype, part->i);
    return scalar_intern(io->pool, &like);
}

static bool starts_number(const char *at)
{
    at += *at == '-';
    return isdigit((unsigned char)*at) || !strncmp(at, "inf", 3) || !strncmp(at, "nan", 3);
}

static void get_number(PlanIo *io, Part *out)
{
    char *end_f, *end_i;
    errno = 0;
    out->i = strtoll(io->in.at, &end_i, 10);
    bool is_beyond = errno == ERANGE;
    out->f = strtod(io->in.at, &end_f);
    out->is_int = end_i == end_f && !is_beyond;
    if (end_f == io->in.at)
        io_fail(io, parse_fail(&io->in, "expected a number"));
    io->in.at = end_f;
}

/* f32(2) */
static void get_typed_number(PlanIo *io, DType dtype, Part *out)
{
    parse_skip(&io->in);
    get_number(io, out);
    if (!io->error)
        io_fail(io, parse_expect(&io->in, ")"));
    out->scalar = number_as(io, out, dtype);
}

/* ---- loads and indices ----------------------------------------------------------------------- */

/* Any index has to be an integer: others would break what computes addresses. */
static const Expr *get_index_expr(PlanIo *io)
{
    const Expr *e = get_expr(io);
    if (e && e->type != EXPR_TYPE_INT)
        io_fail(io, parse_fail(&io->in, "expected an integer index before this"));
    return io->error ? NULL : e;
}

static Scalar *get_value(PlanIo *io, DType dtype)
{
    Part part = {0};
    get_part(io, &part);
    if (io->error)
        return NULL;
    return part.scalar ? part.scalar : number_as(io, &part, dtype);
}

/* %x[768*i0 + r0] */
static Scalar *get_load(PlanIo *io, bool has_mask)
{
    Scalar like = {.op = S_LOAD, .buffer = get_buffer(io)};
    if (!io->error)
        io_fail(io, parse_expect(&io->in, "["));
    like.index = get_index_expr(io);
    if (!io->error)
        io_fail(io, parse_expect(&io->in, "]"));
    if (has_mask && !io->error)
        io_fail(io, parse_expect(&io->in, ","));
    if (has_mask && !io->error)
        like.mask = get_value(io, DT_BOOL);
    if (has_mask && !io->error)
        io_fail(io, parse_expect(&io->in, ")"));
    if (io->error)
        return NULL;
    like.dtype = like.buffer->dtype;
    return scalar_intern(io->pool, &like);
}

/* index(3*i0 + 1, f32) */
static Scalar *get_index(PlanIo *io)
{
    Scalar like = {.op = S_INDEX, .index = get_expr(io)};
    if (io->error)
        return NULL;
    like.dtype = like.index->type == EXPR_TYPE_BOOL ? DT_BOOL : DT_I64;
    if (parse_accept(&io->in, ",")) {
        const char *word = parse_word(&io->in);
        like.dtype = word ? dtype_parse(word) : DT_NONE;
        if (like.dtype == DT_NONE)
            io_fail(io, parse_fail(&io->in, "expected a dtype before this"));
    }
    if (!io->error)
        io_fail(io, parse_expect(&io->in, ")"));
    return io->error ? NULL : scalar_intern(io->pool, &like);
}

/* ---- calls ----------------------------------------------------------------------------------- */

static bool find_op(const char *name, ScalarOp *op)
{
    for (ScalarOp i = S_CAST; i < S_COUNT; i++)
        if (!strcmp(scalar_op_name(i), name)) {
            *op = i;
            return true;
        }
    return false;
}

static DType get_dtype(PlanIo *io, const char *close)
{
    const char *word = io->error ? NULL : parse_word(&io->in);
    DType       dtype = word ? dtype_parse(word) : DT_NONE;
    if (dtype == DT_NONE)
        io_fail(io, parse_fail(&io->in, "expected a dtype before this"));
    else
        io_fail(io, parse_expect(&io->in, close));
    return dtype;
}

static DType neighbour_dtype(ScalarOp op, const Part *parts, int n, int operand)
{
    if (op == S_SELECT && operand == 0)
        return DT_BOOL;
    for (int i = op == S_SELECT; i < n; i++)
        if (i != operand && parts[i].scalar && parts[i].scalar->op != S_CONST)
            return parts[i].scalar->dtype;
    return DT_NONE;
}

static Scalar *make_call(PlanIo *io, ScalarOp op, DType dtype, const Part *parts, int n)
{
    Scalar like = {.op = op, .n_in = n};
    for (int i = 0; i < n; i++) {
        like.in[i] = parts[i].scalar ? parts[i].scalar
                                     : number_as(io, &parts[i], neighbour_dtype(op, parts, n, i));
        if (io->error)
            return NULL;
    }
    like.dtype = dtype != DT_NONE ? dtype : scalar_usual_dtype(&like);
    return scalar_intern(io->pool, &like);
}

/* After the name. */
static Scalar *get_call(PlanIo *io, ScalarOp op)
{
    Part  parts[3] = {0};
    int   arity = scalar_op_arity(op);
    DType dtype = DT_NONE;
    if (parse_accept(&io->in, "<"))
        dtype = get_dtype(io, ">");
    if (!io->error)
        io_fail(io, parse_expect(&io->in, "("));
    for (int i = 0; i < arity && !io->error; i++) {
        if (i)
            io_fail(io, parse_expect(&io->in, ","));
        get_part(io, &parts[i]);
    }
    if ((op == S_CAST || op == S_BITCAST) && !io->error) {
        io_fail(io, parse_expect(&io->in, ","));
        dtype = get_dtype(io, ")");
    } else if (!io->error) {
        io_fail(io, parse_expect(&io->in, ")"));
    }
    return io->error ? NULL : make_call(io, op, dtype, parts, arity);
}

static void get_named(PlanIo *io, Part *out)
{
    const char *start = io->in.at, *word = parse_word(&io->in);
    ScalarOp    op;
    if (!word) {
        io_fail(io, parse_fail(&io->in, "expected a value"));
    } else if (!strcmp(word, "true") || !strcmp(word, "false")) {
        *out = (Part){.is_int = true, .i = word[0] == 't'};
        out->scalar = number_as(io, out, DT_BOOL);
    } else if (!strcmp(word, "load") && parse_accept(&io->in, "(")) {
        out->scalar = get_load(io, true);
    } else if (!strcmp(word, "index") && parse_accept(&io->in, "(")) {
        out->scalar = get_index(io);
    } else if (dtype_parse(word) != DT_NONE && parse_accept(&io->in, "(")) {
        get_typed_number(io, dtype_parse(word), out);
    } else if (find_op(word, &op)) {
        out->scalar = get_call(io, op);
    } else {
        Symbol *symbol = expr_symbol_find(io->in.ir->exprs, word);
        if (symbol && symbol->kind == SYM_SCALAR)
            out->scalar = symbol->scalar;
        io->in.at = out->scalar ? io->in.at : start;
        if (!out->scalar)
            io_fail(io, parse_fail(&io->in, "%s is no value", word));
    }
}

static void get_shared(PlanIo *io, Part *out)
{
    const char *word = NULL;
    NameEntry  *entry = NULL;
    io->in.at++;
    word = parse_word(&io->in);
    if (word)
        entry = name_map_find(io->values, word);
    if (!entry)
        io_fail(io, parse_fail(&io->in, "no such value before this"));
    else
        out->scalar = (Scalar *)entry->item;
}

static void get_part(PlanIo *io, Part *out)
{
    if (io->error)
        return;
    parse_skip(&io->in);
    if (io->in.depth >= MAX_NESTED) {
        io_fail(io, parse_fail(&io->in, "nested more than %d deep", MAX_NESTED));
        return;
    }
    io->in.depth++;
    if (*io->in.at == '$')
        get_shared(io, out);
    else if (*io->in.at == '%')
        out->scalar = get_load(io, false);
    else if (starts_number(io->in.at))
        get_number(io, out);
    else
        get_named(io, out);
    io->in.depth--;
}

/* ---- definitions ----------------------------------------------------------------------------- */

/* $0 = VALUE */
static void get_definition(PlanIo *io)
{
    io->in.at++;
    const char *word = parse_word(&io->in);
    if (!word) {
        io_fail(io, parse_fail(&io->in, "expected a name after $"));
        return;
    }
    io_fail(io, parse_expect(&io->in, "="));
    Scalar *value = get_value(io, DT_NONE);
    if (io->error)
        return;
    NameEntry *entry = name_map_add(io->values, word);
    if (entry->item)
        io_fail(io, parse_fail(&io->in, "$%s is defined twice", word));
    entry->item = value;
}

/* t0 = indirect(VALUE, BOUND, "what"), after the name and the sign. */
static void get_indirect(PlanIo *io, const char *name)
{
    const char *what = NULL;
    io_word(io, "indirect");
    if (!io->error)
        io_fail(io, parse_expect(&io->in, "("));
    Scalar *value = get_value(io, DT_NONE);
    if (!io->error)
        io_fail(io, parse_expect(&io->in, ","));
    const Expr *bound = get_index_expr(io);
    if (!io->error && parse_accept(&io->in, ","))
        io_fail(io, parse_string(&io->in, &what));
    if (!io->error)
        io_fail(io, parse_expect(&io->in, ")"));
    if (!io->error && expr_symbol_find(io->in.ir->exprs, name))
        io_fail(io, parse_fail(&io->in, "%s is defined twice", name));
    if (!io->error && value->dtype != DT_I64)
        io_fail(io, parse_fail(&io->in, "an index that is not i64 before this"));
    if (io->error)
        return;
    Symbol *symbol = expr_symbol_named(io->in.ir->exprs, name, SYM_SCALAR, EXPR_TYPE_INT);
    int64_t limit;
    symbol->bound = bound;
    if (expr_is_int(bound, &limit))
        symbol->max = limit > 0 ? limit - 1 : 0;
    scalar_new_indirect(io->pool, value, symbol, what);
}

/* ---- loops ----------------------------------------------------------------------------------- */

static bool accept_reduce(PlanIo *io, ReduceOp *op, const char *then)
{
    const char *start = io->in.at;
    for (int i = 0; i < N_REDUCE_OPS; i++) {
        if (parse_accept_word(&io->in, reduce_op_names[i]) && parse_accept(&io->in, then)) {
            *op = (ReduceOp)i;
            return true;
        }
        io->in.at = start;
    }
    return false;
}

static void get_target(PlanIo *io, Loop *loop)
{
    loop->out = get_buffer(io);
    if (!io->error)
        io_fail(io, parse_expect(&io->in, "["));
    if (!io->error && !parse_accept(&io->in, "]")) {
        loop->index = get_index_expr(io);
        if (!io->error)
            io_fail(io, parse_expect(&io->in, "]"));
    }
    if (io->error)
        return;
    loop->accumulate = accept_reduce(io, &loop->accumulate_op, "=");
    if (!loop->accumulate)
        io_fail(io, parse_expect(&io->in, "="));
}

static void get_store(PlanIo *io, Loop *loop)
{
    parse_skip(&io->in);
    if (*io->in.at == '%')
        get_target(io, loop);
    else
        io_fail(io, parse_expect(&io->in, "="));
    if (io->error)
        return;
    loop->kind = accept_reduce(io, &loop->reduce, "(") ? LOOP_REDUCE : LOOP_POINTWISE;
    loop->value = get_value(io, loop_value_dtype(loop));
    if (loop->kind == LOOP_REDUCE && !io->error)
        io_fail(io, parse_expect(&io->in, ")"));
    if (!io->error && parse_accept_word(&io->in, "where"))
        loop->mask = get_value(io, DT_BOOL);
    loop->is_scatter = !io->error && parse_accept_word(&io->in, "scatter");
}

static void get_own_dims(PlanIo *io, Loop *loop)
{
    get_dims(io, &loop->vars, &loop->sizes, &loop->n_dims);
    loop->reduced = ARENA_ARRAY(io->arena, bool, loop->n_dims + 1);
    if (io->error || !parse_accept_word(&io->in, "reduced"))
        return;
    do {
        int64_t d = -1;
        io_fail(io, parse_int(&io->in, &d));
        if (d < 0 || d >= loop->n_dims)
            io_fail(io, parse_fail(&io->in, "no such dim before this"));
        else
            loop->reduced[d] = true;
    } while (!io->error && parse_accept(&io->in, ","));
}

static void take_kernel_dims(PlanIo *io, const Kernel *k, const Stage *stage, Loop *loop)
{
    loop->n_dims = k->n_outer + stage->n_inner;
    loop->vars = ARENA_ARRAY(io->arena, Symbol *, loop->n_dims + 1);
    loop->sizes = ARENA_ARRAY(io->arena, const Expr *, loop->n_dims + 1);
    loop->reduced = ARENA_ARRAY(io->arena, bool, loop->n_dims + 1);
    for (int d = 0; d < loop->n_dims; d++) {
        bool is_outer = d < k->n_outer;
        loop->vars[d] = is_outer ? k->outer[d] : stage->inner[d - k->n_outer];
        loop->sizes[d] = is_outer ? k->outer_sizes[d] : stage->inner_sizes[d - k->n_outer];
        loop->reduced[d] = !is_outer && loop->kind == LOOP_REDUCE;
    }
}

static bool starts_word(PlanIo *io, const char *word)
{
    const char *start = io->in.at;
    bool        found = parse_accept_word(&io->in, word);
    io->in.at = start;
    return found;
}

/* Definitions before a loop; the last one of them read, false when none comes. */
static bool get_definitions(PlanIo *io)
{
    for (bool found = false;; found = true) {
        parse_skip(&io->in);
        if (io->error)
            return found;
        const char *start = io->in.at, *word;
        if (*start == '$') {
            get_definition(io);
            continue;
        }
        word = parse_word(&io->in);
        if (!word || !parse_accept(&io->in, "=") || !starts_word(io, "indirect")) {
            io->in.at = start;
            return found;
        }
        get_indirect(io, word);
    }
}

static Loop *new_loop(PlanIo *io)
{
    Loop *loop = ARENA_NEW(io->arena, Loop);
    loop->pool = io->pool;
    return loop;
}

Stage *get_stage(PlanIo *io, const Kernel *k)
{
    Stage *stage = ARENA_NEW(io->arena, Stage);
    VEC(Loop *) loops = {0};
    io->values = name_map_create(io->arena, 16);
    get_dims(io, &stage->inner, &stage->inner_sizes, &stage->n_inner);
    while (!io->error) {
        bool defines = get_definitions(io);
        if (io->error || *io->in.at != '%') {
            if (defines && !io->error)
                io_fail(io, parse_fail(&io->in, "expected a loop after the definitions"));
            break;
        }
        Loop *loop = new_loop(io);
        get_store(io, loop);
        bool own = !io->error && (parse_accept_word(&io->in, "alone") || starts_word(io, "over"));
        if (own)
            get_own_dims(io, loop);
        else
            take_kernel_dims(io, k, stage, loop);
        VEC_PUSH(io->arena, loops, loop);
    }
    if (!loops.n && !io->error)
        io_fail(io, parse_fail(&io->in, "a stage without loops before this"));
    stage->loops = loops.items;
    stage->n_loops = loops.n;
    return stage;
}

Loop *get_own_loop(PlanIo *io)
{
    Loop *loop = new_loop(io);
    io->values = name_map_create(io->arena, 16);
    get_own_dims(io, loop);
    if (!io->error)
        io_fail(io, parse_expect(&io->in, "{"));
    if (!io->error)
        get_definitions(io);
    if (!io->error)
        get_store(io, loop);
    if (!io->error)
        io_fail(io, parse_expect(&io->in, "}"));
    return loop;
}

void io_loop(PlanIo *io, const char *name, Loop **loop, bool is_needed)
{
    if (io->error || io->problem)
        return;
    if (io->mode == IO_CHECK && !*loop && is_needed) {
        io->problem = arena_printf(io->arena, "has no %s", name);
    } else if (io->mode == IO_PRINT && *loop) {
        io_put(io, name);
        put_own_loop(io, *loop);
    } else if (io->mode == IO_PARSE && parse_accept_word(&io->in, name)) {
        *loop = get_own_loop(io);
    }
}
