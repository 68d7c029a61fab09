/* Element computations in plan text, printed; loops_scalar_parse.c reads them.
 *
 *   stage over r0 < 768
 *     t0 = indirect(%i[i0], 100, "index")
 *     $0 = exp(sub(%x[768*t0 + r0], %m[i0]))
 *     %e[768*i0 + r0] = $0
 *     %s[i0] = sum($0)
 *
 * In: loops.  Out: text in which every computation stands once: what a stage needs several times
 * has a name, $0, so that a DAG does not become a tree.  Equal computations have one name,
 * whichever loop they come from. */
#include "ir/loops_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Deeper than this a computation gets a name: readers have a limit of their own. */
enum { MAX_PRINTED_DEPTH = 40 };

typedef struct Item {
    Scalar *scalar;
    int     id, uses, depth;
    int     name;    /* $name, -1 none yet */
    bool    is_done; /* its definition has been printed */
} Item;

typedef struct Names {
    PlanIo  *io;
    NameMap *by_pointer, *by_content; /* to Item */
    int      n_items, n_names, level;
    bool     is_counting;
} Names;

/* ---- equal computations ---------------------------------------------------------------------- */

static Item *item_of(const Names *n, const Scalar *a)
{
    char key[32];
    snprintf(key, sizeof key, "%p", (const void *)a);
    NameEntry *entry = name_map_find(n->by_pointer, key);
    return entry ? (Item *)entry->item : NULL;
}

static const char *content_of(const Names *n, const Scalar *a)
{
    int id[3] = {-1, -1, -1};
    for (int i = 0; i < a->n_in; i++)
        id[i] = item_of(n, a->in[i])->id;
    if (a->n_in == 2 && scalar_op_commutes(a->op) && id[0] > id[1]) {
        int first = id[0];
        id[0] = id[1];
        id[1] = first;
    }
    return arena_printf(n->io->arena, "%d %d %d %d %d %" PRId64 " %a %p %p %p %d", a->op, a->dtype,
                        id[0], id[1], id[2], a->i, a->f, (const void *)a->index,
                        (const void *)a->buffer, (const void *)a->symbol,
                        a->mask ? item_of(n, a->mask)->id : -1);
}

static bool is_leaf(const Scalar *a)
{
    return a->op == S_CONST || a->op == S_INDEX || a->op == S_INDIRECT ||
           (a->op == S_LOAD && !a->mask);
}

static bool is_named(const Item *item)
{
    return !is_leaf(item->scalar) && (item->uses > 1 || item->depth >= MAX_PRINTED_DEPTH);
}

static int depth_below(const Names *n, const Scalar *a)
{
    const Item *item = item_of(n, a);
    return is_named(item) ? 0 : item->depth;
}

static void use_item(Names *n, const Scalar *a, Item *user)
{
    item_of(n, a)->uses++;
    int depth = depth_below(n, a) + 1;
    user->depth = depth > user->depth ? depth : user->depth;
}

/* Called with operands first. */
static void count_item(void *cx, Scalar *a)
{
    Names *n = cx;
    Arena *arena = n->io->arena;
    if (item_of(n, a))
        return;
    NameEntry *entry = name_map_add(n->by_content, content_of(n, a));
    Item      *item = (Item *)entry->item;
    bool       is_new = !item;
    if (is_new) {
        item = ARENA_NEW(arena, Item);
        *item = (Item){.scalar = a, .id = n->n_items++, .name = -1};
        entry->item = item;
    }
    name_map_add(n->by_pointer, arena_printf(arena, "%p", (const void *)a))->item = item;
    for (int i = 0; is_new && i < a->n_in; i++)
        use_item(n, a->in[i], item);
    if (is_new && a->mask)
        use_item(n, a->mask, item);
}

/* ---- one computation ------------------------------------------------------------------------- */

static void put_value(Names *n, const Scalar *a, DType expected);

static void put_digits(Text *text, const Scalar *a)
{
    if (a->dtype == DT_BOOL) {
        text_put(text, a->i ? "true" : "false");
        return;
    }
    if (!dtype_is_float(a->dtype) && !dtype_info(a->dtype)->is_complex) {
        text_printf(text, "%" PRId64, a->i);
        return;
    }
    /* The shortest digits that are this number in its dtype. */
    for (int precision = 1; precision <= 17; precision++) {
        char digits[40];
        snprintf(digits, sizeof digits, "%.*g", precision, a->f);
        if (precision < 17 && scalar_round(a->dtype, strtod(digits, NULL)) != a->f && a->f == a->f)
            continue;
        text_put(text, a->f != a->f ? "nan" : digits);
        return;
    }
}

/* A number is plain where its dtype is the expected one. */
static void put_number(Names *n, const Scalar *a, DType expected)
{
    bool is_plain = a->dtype == expected || a->dtype == DT_BOOL;
    if (!is_plain)
        text_printf(n->io->out, "%s(", dtype_name(a->dtype));
    put_digits(n->io->out, a);
    if (!is_plain)
        text_putc(n->io->out, ')');
}

static void put_load(Names *n, const Scalar *a)
{
    if (a->mask)
        text_put(n->io->out, "load(");
    put_buffer(n->io, a->buffer);
    text_putc(n->io->out, '[');
    put_expr(n->io, a->index);
    text_putc(n->io->out, ']');
    if (!a->mask)
        return;
    text_put(n->io->out, ", ");
    put_value(n, a->mask, DT_BOOL);
    text_putc(n->io->out, ')');
}

/* What a number at this place is when nothing says otherwise: as its neighbours. */
static DType neighbour_dtype(const Scalar *a, int operand)
{
    if (a->op == S_SELECT && operand == 0)
        return DT_BOOL;
    for (int i = a->op == S_SELECT; i < a->n_in; i++)
        if (i != operand && a->in[i]->op != S_CONST)
            return a->in[i]->dtype;
    return DT_NONE;
}

/* What calls give that do not say: bool, or what their last operand is. */
DType scalar_usual_dtype(const Scalar *a)
{
    return scalar_op_result(a->op) == 'b' || !a->n_in ? DT_BOOL : a->in[a->n_in - 1]->dtype;
}

static void put_call(Names *n, const Scalar *a)
{
    text_put(n->io->out, scalar_op_name(a->op));
    if (a->op != S_CAST && a->op != S_BITCAST && a->dtype != scalar_usual_dtype(a))
        text_printf(n->io->out, "<%s>", dtype_name(a->dtype));
    text_putc(n->io->out, '(');
    for (int i = 0; i < a->n_in; i++) {
        text_put(n->io->out, i ? ", " : "");
        put_value(n, a->in[i], neighbour_dtype(a, i));
    }
    if (a->op == S_CAST || a->op == S_BITCAST)
        text_printf(n->io->out, ", %s", dtype_name(a->dtype));
    text_putc(n->io->out, ')');
}

static void put_index(Names *n, const Scalar *a)
{
    text_put(n->io->out, "index(");
    put_expr(n->io, a->index);
    if (a->dtype != (a->index->type == EXPR_TYPE_BOOL ? DT_BOOL : DT_I64))
        text_printf(n->io->out, ", %s", dtype_name(a->dtype));
    text_putc(n->io->out, ')');
}

static void put_content(Names *n, const Scalar *a, DType expected)
{
    if (a->op == S_CONST)
        put_number(n, a, expected);
    else if (a->op == S_INDEX)
        put_index(n, a);
    else if (a->op == S_LOAD)
        put_load(n, a);
    else if (a->op == S_INDIRECT)
        text_put(n->io->out, a->symbol->name);
    else
        put_call(n, a);
}

static void put_value(Names *n, const Scalar *a, DType expected)
{
    const Item *item = item_of(n, a);
    if (item->name >= 0)
        text_printf(n->io->out, "$%d", item->name);
    else
        put_content(n, item->scalar, expected);
}

/* ---- definitions ----------------------------------------------------------------------------- */

static void put_line(Names *n)
{
    text_putc(n->io->out, '\n');
    text_indent(n->io->out, n->level);
}

static void put_indirect(Names *n, const Scalar *a)
{
    for (int i = 0; i < n->io->indirect.n; i++)
        if (n->io->indirect.items[i] == a->symbol)
            return;
    VEC_PUSH(n->io->arena, n->io->indirect, a->symbol);
    put_line(n);
    text_printf(n->io->out, "%s = indirect(", a->symbol->name);
    put_value(n, a->in[0], DT_NONE);
    text_put(n->io->out, ", ");
    put_expr(n->io, a->symbol->bound);
    if (a->what) {
        text_put(n->io->out, ", ");
        text_put_string(n->io->out, a->what);
    }
    text_putc(n->io->out, ')');
}

static void define_item(void *cx, Scalar *a)
{
    Names *n = cx;
    Item  *item = item_of(n, a);
    if (item->is_done)
        return;
    item->is_done = true;
    if (a->op == S_INDIRECT)
        put_indirect(n, a);
    if (!is_named(item))
        return;
    put_line(n);
    text_printf(n->io->out, "$%d = ", n->n_names);
    put_content(n, item->scalar, DT_NONE);
    item->name = n->n_names++;
}

/* ---- loops ----------------------------------------------------------------------------------- */

typedef struct Found {
    Arena     *arena;
    SymbolList symbols;
} Found;

static void find_indirect(void *cx, Symbol *symbol)
{
    Found *found = cx;
    if (symbol->kind == SYM_SCALAR && symbol->scalar)
        VEC_PUSH(found->arena, found->symbols, symbol);
}

/* What the computation hangs on: its value and mask, and what the index of the store refers to. */
static void walk_loop(const Loop *loop, void (*visit)(void *cx, Scalar *a), Names *n)
{
    Found   found = {.arena = n->io->arena};
    Scalar *roots[2] = {loop->value, loop->mask};
    scalar_walk(roots, loop->mask ? 2 : 1, visit, n);
    if (!loop->index)
        return;
    expr_symbols(loop->index, find_indirect, &found);
    for (int i = 0; i < found.symbols.n; i++)
        scalar_walk(&found.symbols.items[i]->scalar, 1, visit, n);
}

static void count_loop(Names *n, const Loop *loop)
{
    walk_loop(loop, count_item, n);
    item_of(n, loop->value)->uses++;
    if (loop->mask)
        item_of(n, loop->mask)->uses++;
}

static Names names_for(PlanIo *io, int level)
{
    return (Names){.io = io,
                   .level = level,
                   .by_pointer = name_map_create(io->arena, 64),
                   .by_content = name_map_create(io->arena, 64)};
}

/* A number is plain where the loop stores it as it is. */
DType loop_value_dtype(const Loop *loop)
{
    bool positional = loop->kind == LOOP_REDUCE &&
                      (loop->reduce == REDUCE_ARGMAX || loop->reduce == REDUCE_ARGMIN);
    return loop->out && !positional ? loop->out->dtype : DT_NONE;
}

static void put_store(Names *n, const Loop *loop)
{
    PlanIo *io = n->io;
    if (loop->out) {
        put_buffer(io, loop->out);
        text_putc(io->out, '[');
        if (loop->index)
            put_expr(io, loop->index);
        text_put(io->out, "] ");
    }
    if (loop->accumulate)
        text_put(io->out, reduce_op_names[loop->accumulate_op]);
    text_put(io->out, "= ");
    if (loop->kind == LOOP_REDUCE)
        text_printf(io->out, "%s(", reduce_op_names[loop->reduce]);
    put_value(n, loop->value, loop_value_dtype(loop));
    if (loop->kind == LOOP_REDUCE)
        text_putc(io->out, ')');
    if (loop->mask) {
        text_put(io->out, " where ");
        put_value(n, loop->mask, DT_BOOL);
    }
    if (loop->is_scatter)
        text_put(io->out, " scatter");
}

static bool has_kernel_dims(const Kernel *k, const Stage *stage, const Loop *loop)
{
    bool same = loop->n_dims == k->n_outer + stage->n_inner;
    for (int d = 0; same && d < loop->n_dims; d++) {
        bool is_outer = d < k->n_outer;
        int  i = is_outer ? d : d - k->n_outer;
        same = loop->vars[d] == (is_outer ? k->outer[i] : stage->inner[i]) &&
               loop->sizes[d] == (is_outer ? k->outer_sizes[i] : stage->inner_sizes[i]) &&
               loop->reduced[d] == (!is_outer && loop->kind == LOOP_REDUCE);
    }
    return same;
}

static void put_own_dims(PlanIo *io, const Loop *loop)
{
    put_dims(io, loop->vars, loop->sizes, loop->n_dims);
    for (int d = 0, first = 1; d < loop->n_dims; d++)
        if (loop->reduced && loop->reduced[d]) {
            text_printf(io->out, "%s%d", first ? " reduced " : ",", d);
            first = 0;
        }
}

static void put_loop(Names *n, const Kernel *k, const Stage *stage, const Loop *loop)
{
    walk_loop(loop, define_item, n);
    put_line(n);
    put_store(n, loop);
    if (!has_kernel_dims(k, stage, loop)) {
        text_put(n->io->out, loop->n_dims ? "" : " alone");
        put_own_dims(n->io, loop);
    }
}

void put_stage(PlanIo *io, const Kernel *k, const Stage *stage, int level)
{
    Names n = names_for(io, level + 1);
    text_putc(io->out, '\n');
    text_indent(io->out, level);
    text_put(io->out, "stage");
    put_dims(io, stage->inner, stage->inner_sizes, stage->n_inner);
    for (int l = 0; l < stage->n_loops; l++)
        count_loop(&n, stage->loops[l]);
    for (int l = 0; l < stage->n_loops; l++)
        put_loop(&n, k, stage, stage->loops[l]);
}

/* mask over i0 < s0, … { … } */
void put_own_loop(PlanIo *io, const Loop *loop)
{
    Names n = names_for(io, 3);
    put_own_dims(io, loop);
    text_put(io->out, " {");
    count_loop(&n, loop);
    walk_loop(loop, define_item, &n);
    put_line(&n);
    put_store(&n, loop);
    text_put(io->out, " }");
}
