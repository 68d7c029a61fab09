/* Scalars: the hash-consed DAG of one loop nest.
 *
 * In: operations from lowering and from operator bodies.  Out: one node for equal computations,
 * constants folded. An indirect index is a node (INDIRECT) and a symbol: the symbol stands in index
 * expressions, its `scalar` is the node. */
#include "ir/scalar_internal.h"

#include "ir/expr_internal.h"
#include "ir/loops.h"

#include <string.h>

typedef struct ScalarNode {
    Scalar             scalar; /* first: a pointer to one is a pointer to the other */
    uint32_t           hash;
    struct ScalarNode *next;
    ScalarPool        *pool;
    const Expr        *bound; /* INDIRECT */
    uint64_t           stamp; /* of the last walk */
} ScalarNode;

struct ScalarPool {
    ExprPool    *exprs;
    Arena       *arena;
    ScalarNode **buckets;
    int          n_buckets, n;
};

ScalarPool *scalar_pool_create(ExprPool *exprs)
{
    Arena      *arena = expr_pool_arena(exprs);
    ScalarPool *pool = ARENA_NEW(arena, ScalarPool);
    pool->exprs = exprs;
    pool->arena = arena;
    pool->n_buckets = 64;
    pool->buckets = ARENA_ARRAY(arena, ScalarNode *, pool->n_buckets);
    return pool;
}

ExprPool *scalar_pool_exprs(ScalarPool *pool)
{
    return pool->exprs;
}

/* ---- the table ------------------------------------------------------------------------------- */
typedef struct OpInfo {
    const char *name;
    int         n;
    char        result;
} OpInfo;

static const OpInfo ops[S_COUNT] = {
#define X(name, text, n, result) {text, n, result},
    SCALAR_OPS(X)
#undef X
};

const char *scalar_op_name(ScalarOp op)
{
    return (unsigned)op < S_COUNT ? ops[op].name : "?";
}

int scalar_op_arity(ScalarOp op)
{
    return ops[op].n;
}

char scalar_op_result(ScalarOp op)
{
    return ops[op].result;
}

bool scalar_op_commutes(ScalarOp op)
{
    switch (op) {
    case S_ADD:
    case S_MUL:
    case S_MAXIMUM:
    case S_MINIMUM:
    case S_BITAND:
    case S_BITOR:
    case S_BITXOR:
    case S_EQ:
    case S_NE:
    case S_AND:
    case S_OR:
    case S_XOR:
    case S_HYPOT:
        return true;
    default:
        return false;
    }
}

bool scalar_is_transcendental(ScalarOp op)
{
    switch (op) {
    case S_POW:
    case S_EXP:
    case S_EXP2:
    case S_EXPM1:
    case S_LOG:
    case S_LOG2:
    case S_LOG10:
    case S_LOG1P:
    case S_SIN:
    case S_COS:
    case S_TAN:
    case S_ASIN:
    case S_ACOS:
    case S_ATAN:
    case S_ATAN2:
    case S_SINH:
    case S_COSH:
    case S_TANH:
    case S_ASINH:
    case S_ACOSH:
    case S_ATANH:
    case S_ERF:
    case S_ERFC:
    case S_NDTR:
    case S_TANH_PLUS_1:
    case S_EXP_TO_1:
    case S_ERFINV:
    case S_LGAMMA:
    case S_DIGAMMA:
    case S_SIGMOID:
    case S_HYPOT:
        return true;
    default:
        return scalar_is_random(op) || (op >= S_BESSEL_J0 && op <= S_GCD);
    }
}

bool scalar_is_random(ScalarOp op)
{
    switch (op) {
    case S_RANDOM:
    case S_POISSON:
    case S_GAMMA:
    case S_BINOMIAL:
        return true;
    default:
        return false;
    }
}

/* ---- hash-consing ---------------------------------------------------------------------------- */
static uint32_t mix(uint32_t h, uint64_t x)
{
    h = (h ^ (uint32_t)x) * 16777619u;
    return (h ^ (uint32_t)(x >> 32)) * 16777619u;
}

static uint64_t bits_of(double f)
{
    uint64_t u;
    memcpy(&u, &f, sizeof u);
    return u;
}

static uint32_t hash_scalar(const Scalar *a, const Expr *bound)
{
    uint32_t h = mix(mix(2166136261u, a->op), a->dtype);
    uint32_t operands = 0; /* order must not matter: a + b and b + a meet in one bucket */
    for (int i = 0; i < a->n_in; i++)
        operands += mix(17, (uint64_t)a->in[i]->id);
    h = mix(mix(mix(h, operands), (uint64_t)a->i), bits_of(a->f));
    if (a->index)
        h = mix(h, (uint64_t)a->index->id);
    if (bound)
        h = mix(h, (uint64_t)bound->id);
    return mix(h, a->mask ? (uint64_t)a->mask->id + 1 : 0);
}

static bool same_operands(const Scalar *a, const Scalar *b)
{
    bool same = true, swapped = a->n_in == 2 && scalar_op_commutes(a->op);
    for (int i = 0; i < a->n_in; i++) {
        same = same && a->in[i] == b->in[i];
        swapped = swapped && a->in[i] == b->in[1 - i];
    }
    return same || swapped;
}

static bool same_scalar(const Scalar *a, const Scalar *b)
{
    return a->op == b->op && a->dtype == b->dtype && a->n_in == b->n_in && a->i == b->i &&
           bits_of(a->f) == bits_of(b->f) && a->index == b->index && a->buffer == b->buffer &&
           a->mask == b->mask && same_operands(a, b);
}

static void grow(ScalarPool *pool)
{
    int          n = pool->n_buckets * 2;
    ScalarNode **buckets = ARENA_ARRAY(pool->arena, ScalarNode *, n);
    for (int i = 0; i < pool->n_buckets; i++)
        for (ScalarNode *node = pool->buckets[i], *next; node; node = next) {
            next = node->next;
            ScalarNode **bucket = &buckets[node->hash & (uint32_t)(n - 1)];
            node->next = *bucket;
            *bucket = node;
        }
    pool->buckets = buckets;
    pool->n_buckets = n;
}

static ScalarNode *intern(ScalarPool *pool, const Scalar *like, const Expr *bound)
{
    uint32_t    hash = hash_scalar(like, bound);
    ScalarNode *node = pool->buckets[hash & (uint32_t)(pool->n_buckets - 1)];
    for (; node; node = node->next)
        if (node->hash == hash && node->bound == bound && same_scalar(&node->scalar, like))
            return node;
    if (pool->n >= pool->n_buckets)
        grow(pool);
    node = ARENA_NEW(pool->arena, ScalarNode);
    node->scalar = *like;
    node->scalar.id = pool->n++;
    node->hash = hash;
    node->pool = pool;
    node->bound = bound;
    ScalarNode **bucket = &pool->buckets[hash & (uint32_t)(pool->n_buckets - 1)];
    node->next = *bucket;
    *bucket = node;
    return node;
}

Scalar *scalar_intern(ScalarPool *pool, const Scalar *like)
{
    return &intern(pool, like, NULL)->scalar;
}

/* ---- leaves ---------------------------------------------------------------------------------- */
static bool holds_double(DType dtype)
{
    return dtype_is_float(dtype) || dtype_info(dtype)->is_complex;
}

Scalar *scalar_int(ScalarPool *pool, DType dtype, int64_t value)
{
    if (dtype == DT_F32) /* one rounding, not two */
        return scalar_float(pool, dtype, (double)(float)value);
    if (holds_double(dtype))
        return scalar_float(pool, dtype, (double)value);
    Scalar like = {.op = S_CONST, .dtype = dtype, .i = scalar_wrap(dtype, value)};
    return scalar_intern(pool, &like);
}

Scalar *scalar_float(ScalarPool *pool, DType dtype, double value)
{
    Scalar like = {.op = S_CONST, .dtype = dtype};
    if (holds_double(dtype))
        like.f = scalar_round(dtype, value);
    else if (dtype == DT_BOOL)
        like.i = value != 0;
    else /* beyond int64: saturated, as conversion instructions that people rely on do */
        like.i = scalar_wrap(dtype, value >= 0x1p63    ? INT64_MAX
                                    : value >= -0x1p63 ? (int64_t)value
                                                       : INT64_MIN);
    return scalar_intern(pool, &like);
}

Scalar *scalar_index(ScalarPool *pool, DType dtype, const Expr *index)
{
    if (index->type == EXPR_TYPE_BOOL)
        dtype = DT_BOOL;
    if (index->kind == EXPR_INT || index->kind == EXPR_BOOL)
        return scalar_int(pool, dtype, index->value);
    if (index->kind == EXPR_FLOAT)
        return scalar_float(pool, dtype, index->fvalue);
    Scalar like = {.op = S_INDEX, .dtype = dtype, .index = index};
    return scalar_intern(pool, &like);
}

/* ---- loads and indirect indices -------------------------------------------------------------- */
static Scalar *load_of(ScalarPool *pool, struct Buffer *buffer, DType dtype, const Expr *index,
                       Scalar *mask)
{
    if (mask && scalar_is_int_value(mask, 0))
        return scalar_int(pool, dtype, 0);
    if (mask && scalar_is_int_value(mask, 1))
        mask = NULL;
    Scalar like = {.op = S_LOAD, .dtype = dtype, .index = index, .buffer = buffer, .mask = mask};
    return scalar_intern(pool, &like);
}

Scalar *scalar_load(ScalarPool *pool, struct Buffer *buffer, const Expr *index, Scalar *mask)
{
    return load_of(pool, buffer, buffer->dtype, index, mask);
}

/* A value that is known to be valid needs no check: NULL otherwise. */
static const Expr *provable_index(ScalarPool *pool, const Scalar *value, const Expr *bound)
{
    ExprPool   *exprs = pool->exprs;
    const Expr *e = NULL, *zero = expr_int(exprs, 0);
    if (value->op == S_CONST)
        e = expr_int(exprs, value->i);
    else if (value->op == S_INDEX && value->index->type == EXPR_TYPE_INT)
        e = value->index;
    if (!e)
        return NULL;
    if (expr_prove_le(exprs, zero, e))
        return expr_prove_lt(exprs, e, bound) ? e : NULL;
    const Expr *wrapped = expr_add(exprs, e, bound);
    bool        is_negative = expr_range(e).max < 0;
    return is_negative && expr_prove_le(exprs, zero, wrapped) ? wrapped : NULL;
}

const Expr *scalar_indirect(ScalarPool *pool, Scalar *value, const Expr *bound, const char *what)
{
    value = scalar_cast(pool, DT_I64, value);
    const Expr *known = provable_index(pool, value, bound);
    if (known)
        return known;
    Scalar  like = {.op = S_INDIRECT, .dtype = DT_I64, .n_in = 1, .in = {value}};
    Scalar *a = &intern(pool, &like, bound)->scalar;
    if (!a->symbol) {
        a->symbol = expr_symbol_scalar(pool->exprs, a, bound);
        a->what = what;
        a->node = value->node;
    }
    return a->symbol->self;
}

Scalar *scalar_new_indirect(ScalarPool *pool, Scalar *value, Symbol *symbol, const char *what)
{
    ScalarNode *node = ARENA_NEW(pool->arena, ScalarNode);
    node->scalar = (Scalar){.op = S_INDIRECT,
                            .dtype = DT_I64,
                            .id = pool->n++,
                            .n_in = 1,
                            .in = {value},
                            .symbol = symbol,
                            .what = what};
    node->pool = pool;
    node->bound = symbol->bound;
    symbol->scalar = &node->scalar;
    return symbol->scalar;
}

/* ---- operations ------------------------------------------------------------------------------ */
Scalar *scalar_cast(ScalarPool *pool, DType dtype, Scalar *a)
{
    while (a->op == S_CAST && scalar_is_lossless(a->in[0]->dtype, a->dtype))
        a = a->in[0];
    if (a->dtype == dtype)
        return a;
    if (a->op == S_CONST) {
        Scalar *folded = scalar_fold_cast(pool, dtype, a);
        if (folded)
            return folded;
    }
    Scalar like = {.op = S_CAST, .dtype = dtype, .n_in = 1, .in = {a}};
    return scalar_intern(pool, &like);
}

Scalar *scalar_make(ScalarPool *pool, ScalarOp op, DType dtype, Scalar *const *in, int n)
{
    if (op == S_CAST)
        return scalar_cast(pool, dtype, in[0]);
    bool is_const = n > 0;
    for (int i = 0; i < n; i++)
        is_const = is_const && in[i]->op == S_CONST;
    Scalar *simple = is_const ? scalar_fold(pool, op, dtype, in, n) : NULL;
    if (!simple)
        simple = scalar_apply_rules(pool, op, dtype, in);
    if (simple)
        return simple;
    Scalar like = {.op = op, .dtype = dtype, .n_in = n};
    for (int i = 0; i < n; i++)
        like.in[i] = in[i];
    return scalar_intern(pool, &like);
}

static DType result_dtype(ScalarOp op, const Scalar *operand)
{
    return scalar_op_result(op) == 'b' ? DT_BOOL : operand->dtype;
}

Scalar *scalar_1(ScalarPool *pool, ScalarOp op, Scalar *a)
{
    return scalar_make(pool, op, result_dtype(op, a), &a, 1);
}

Scalar *scalar_2(ScalarPool *pool, ScalarOp op, Scalar *a, Scalar *b)
{
    Scalar *in[] = {a, b};
    return scalar_make(pool, op, result_dtype(op, a), in, 2);
}

Scalar *scalar_select(ScalarPool *pool, Scalar *condition, Scalar *a, Scalar *b)
{
    Scalar *in[] = {condition, a, b};
    return scalar_make(pool, S_SELECT, a->dtype, in, 3);
}

Scalar *scalar_and(ScalarPool *pool, Scalar *a, Scalar *b)
{
    if (!a || !b)
        return a ? a : b;
    return scalar_2(pool, S_AND, a, b);
}

/* ---- walking --------------------------------------------------------------------------------- */
typedef struct Walk {
    Arena   *arena;
    uint64_t stamp;
    VEC(Scalar *) order;
} Walk;

static void walk(Walk *w, Scalar *a);

static void walk_symbol(void *cx, Symbol *symbol)
{
    if (symbol->kind == SYM_SCALAR && symbol->scalar)
        walk(cx, symbol->scalar);
}

static void walk(Walk *w, Scalar *a)
{
    ScalarNode *node = (ScalarNode *)a;
    if (node->stamp == w->stamp)
        return;
    node->stamp = w->stamp;
    for (int i = 0; i < a->n_in; i++)
        walk(w, a->in[i]);
    if (a->mask)
        walk(w, a->mask);
    if (a->index)
        expr_symbols(a->index, walk_symbol, w);
    VEC_PUSH(w->arena, w->order, a);
}

/* Stamps come from the expression pool: scalars of several loop nests may meet in one walk. */
static Walk walked(Scalar *const *roots, int n)
{
    ScalarPool *pool = ((ScalarNode *)roots[0])->pool;
    Walk        w = {.arena = pool->arena, .stamp = ++pool->exprs->stamp};
    for (int i = 0; i < n; i++)
        walk(&w, roots[i]);
    return w;
}

/* In order first, visited then: visit may walk scalars itself. */
void scalar_walk(Scalar *const *roots, int n, void (*visit)(void *cx, Scalar *a), void *cx)
{
    if (!n)
        return;
    Walk w = walked(roots, n);
    for (int i = 0; i < w.order.n; i++)
        visit(cx, w.order.items[i]);
}

int scalar_cost(const Scalar *a)
{
    Scalar *root = (Scalar *)a;
    Walk    w = walked(&root, 1);
    int     cost = 0;
    for (int i = 0; i < w.order.n; i++) {
        ScalarOp op = w.order.items[i]->op;
        bool     is_free = op == S_CONST || op == S_INDEX;
        cost += is_free ? 0 : scalar_is_transcendental(op) ? 10 : 1;
    }
    return cost;
}

/* ---- rewriting ------------------------------------------------------------------------------- */
typedef struct Pair {
    const Scalar *from;
    Scalar       *to;
} Pair;

typedef struct Rewrite {
    ScalarPool        *pool;
    Symbol *const     *from;
    const Expr *const *to;
    int                n;
    Scalar *(*load)(void *cx, Scalar *load);
    Scalar *(*replace)(void *cx, Scalar *node);
    void *cx;
    Pair *map; /* open addressing by pointer */
    int   map_cap, map_n;
} Rewrite;

static Scalar *rewrite(Rewrite *r, Scalar *a);

static Pair *map_slot(Pair *map, int cap, const Scalar *a)
{
    uint32_t i = mix(5, (uint64_t)a->id) & (uint32_t)(cap - 1);
    while (map[i].from && map[i].from != a)
        i = (i + 1) & (uint32_t)(cap - 1);
    return &map[i];
}

static void map_put(Rewrite *r, const Scalar *from, Scalar *to)
{
    if (r->map_n * 2 >= r->map_cap) {
        int   cap = r->map_cap * 2;
        Pair *map = ARENA_ARRAY(r->pool->arena, Pair, cap);
        for (int i = 0; i < r->map_cap; i++)
            if (r->map[i].from)
                *map_slot(map, cap, r->map[i].from) = r->map[i];
        r->map = map;
        r->map_cap = cap;
    }
    *map_slot(r->map, r->map_cap, from) = (Pair){from, to};
    r->map_n++;
}

typedef struct Found {
    Arena *arena;
    VEC(Symbol *) symbols;
} Found;

static void find_scalar_symbol(void *cx, Symbol *symbol)
{
    Found *found = cx;
    if (symbol->kind == SYM_SCALAR && symbol->scalar)
        VEC_PUSH(found->arena, found->symbols, symbol);
}

static bool is_replaced(const Rewrite *r, const Symbol *symbol)
{
    for (int i = 0; i < r->n; i++)
        if (r->from[i] == symbol)
            return true;
    return false;
}

/* Symbols of indirect indices follow their scalars. */
static const Expr *rewrite_expr(Rewrite *r, const Expr *e)
{
    Arena *arena = r->pool->arena;
    Found  found = {.arena = arena};
    expr_symbols(e, find_scalar_symbol, &found);
    int n = r->n + found.symbols.n;
    if (!found.symbols.n)
        return expr_subst(r->pool->exprs, e, r->from, r->to, r->n);
    Symbol     **from = ARENA_ARRAY(arena, Symbol *, n);
    const Expr **to = ARENA_ARRAY(arena, const Expr *, n);
    for (int i = 0; i < r->n; i++) {
        from[i] = r->from[i];
        to[i] = r->to[i];
    }
    n = r->n;
    for (int i = 0; i < found.symbols.n; i++) {
        Symbol *symbol = found.symbols.items[i];
        if (is_replaced(r, symbol))
            continue;
        Scalar *value = rewrite(r, symbol->scalar->in[0]);
        from[n] = symbol;
        to[n++] =
            scalar_indirect(r->pool, value, rewrite_expr(r, symbol->bound), symbol->scalar->what);
    }
    return expr_subst(r->pool->exprs, e, from, to, n);
}

static Scalar *rewrite_load(Rewrite *r, Scalar *a)
{
    Scalar *mask = a->mask ? rewrite(r, a->mask) : NULL;
    Scalar *b = load_of(r->pool, a->buffer, a->dtype, rewrite_expr(r, a->index), mask);
    Scalar *other = r->load && b->op == S_LOAD ? r->load(r->cx, b) : NULL;
    return other ? other : b;
}

static Scalar *rewrite_indirect(Rewrite *r, Scalar *a)
{
    const Expr *e =
        scalar_indirect(r->pool, rewrite(r, a->in[0]), rewrite_expr(r, a->symbol->bound), a->what);
    if (e->kind == EXPR_SYMBOL && e->symbol->kind == SYM_SCALAR)
        return e->symbol->scalar;
    return scalar_index(r->pool, DT_I64, e);
}

static Scalar *rewrite_op(Rewrite *r, Scalar *a)
{
    Scalar *in[3] = {NULL, NULL, NULL};
    for (int i = 0; i < a->n_in; i++)
        in[i] = rewrite(r, a->in[i]);
    return scalar_make(r->pool, a->op, a->dtype, in, a->n_in);
}

static Scalar *rewrite(Rewrite *r, Scalar *a)
{
    Pair *known = map_slot(r->map, r->map_cap, a);
    if (known->from)
        return known->to;
    Scalar *b;
    switch (a->op) {
    case S_CONST:
        b = scalar_intern(r->pool,
                          &(Scalar){.op = S_CONST, .dtype = a->dtype, .i = a->i, .f = a->f});
        break;
    case S_INDEX:
        b = scalar_index(r->pool, a->dtype, rewrite_expr(r, a->index));
        break;
    case S_LOAD:
        b = rewrite_load(r, a);
        break;
    case S_INDIRECT:
        b = rewrite_indirect(r, a);
        break;
    default:
        b = rewrite_op(r, a);
        break;
    }
    Scalar *other = r->replace ? r->replace(r->cx, b) : NULL;
    if (other)
        b = other;
    if (!b->node)
        b->node = a->node;
    map_put(r, a, b);
    return b;
}

static Scalar *rewrite_all(Rewrite *r, Scalar *a)
{
    r->map_cap = 32;
    r->map = ARENA_ARRAY(r->pool->arena, Pair, r->map_cap);
    return rewrite(r, a);
}

Scalar *scalar_rewrite(ScalarPool *pool, Scalar *a, Symbol *const *from, const Expr *const *to,
                       int n, Scalar *(*load)(void *cx, Scalar *load), void *cx)
{
    Rewrite r = {.pool = pool, .from = from, .to = to, .n = n, .load = load, .cx = cx};
    return rewrite_all(&r, a);
}

Scalar *scalar_replace(ScalarPool *pool, Scalar *a, Scalar *(*replace)(void *cx, Scalar *node),
                       void *cx)
{
    Rewrite r = {.pool = pool, .replace = replace, .cx = cx};
    return rewrite_all(&r, a);
}

/* ---- small questions ------------------------------------------------------------------------- */
bool scalar_is_int_value(const Scalar *a, int64_t value)
{
    return a->op == S_CONST && !holds_double(a->dtype) && a->i == value;
}

bool scalar_is_float_value(const Scalar *a, double value)
{
    return a->op == S_CONST && dtype_is_float(a->dtype) && bits_of(a->f) == bits_of(value);
}
