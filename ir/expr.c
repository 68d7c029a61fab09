/* The pool: symbols and hash-consed expressions; questions about them; substitution.
 *
 * In: kinds and operands from the constructors.  Out: one pointer for equal expressions. */
#include "ir/expr_internal.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

ExprPool *expr_pool_create(Arena *arena)
{
    ExprPool *pool = ARENA_NEW(arena, ExprPool);
    pool->arena = arena;
    pool->n_buckets = 1024;
    pool->buckets = ARENA_ARRAY(arena, ExprNode *, pool->n_buckets);
    pool->symbols_cap = 64;
    pool->symbols = ARENA_ARRAY(arena, Symbol *, pool->symbols_cap);
    return pool;
}

Arena *expr_pool_arena(ExprPool *pool)
{
    return pool->arena;
}

/* ---- symbols --------------------------------------------------------------------------------- */
static uint32_t hash_bytes(uint32_t h, const void *data, size_t n)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 16777619u; /* FNV-1a */
    return h;
}

static Symbol **symbol_slot(Symbol **table, int cap, const char *name)
{
    uint32_t i = hash_bytes(2166136261u, name, strlen(name)) & (uint32_t)(cap - 1);
    while (table[i] && strcmp(table[i]->name, name))
        i = (i + 1) & (uint32_t)(cap - 1);
    return &table[i];
}

Symbol *expr_symbol_find(ExprPool *pool, const char *name)
{
    return *symbol_slot(pool->symbols, pool->symbols_cap, name);
}

static void grow_symbols(ExprPool *pool)
{
    int      cap = pool->symbols_cap * 2;
    Symbol **table = ARENA_ARRAY(pool->arena, Symbol *, cap);
    for (int i = 0; i < pool->symbols_cap; i++)
        if (pool->symbols[i])
            *symbol_slot(table, cap, pool->symbols[i]->name) = pool->symbols[i];
    pool->symbols = table;
    pool->symbols_cap = cap;
}

static const Expr *symbol_expr(ExprPool *pool, Symbol *symbol);

Symbol *expr_symbol_named(ExprPool *pool, const char *name, SymbolKind kind, ExprType type)
{
    Symbol *found = expr_symbol_find(pool, name);
    if (found)
        return found;
    if (pool->n_symbols * 2 >= pool->symbols_cap)
        grow_symbols(pool);
    Symbol *symbol = ARENA_NEW(pool->arena, Symbol);
    symbol->name = arena_strdup(pool->arena, name);
    symbol->kind = kind;
    symbol->type = type;
    symbol->min = type == EXPR_TYPE_INT && kind != SYM_UNBACKED ? 0 : INT64_MIN;
    symbol->max = INT64_MAX;
    symbol->id = pool->n_symbols++;
    symbol->hint = NAN;
    *symbol_slot(pool->symbols, pool->symbols_cap, symbol->name) = symbol;
    symbol->self = symbol_expr(pool, symbol);
    return symbol;
}

static int *prefix_counter(ExprPool *pool, const char *prefix)
{
    for (int i = 0; i < pool->prefixes.n; i++)
        if (!strcmp(pool->prefixes.items[i].prefix, prefix))
            return &pool->prefixes.items[i].next;
    PrefixCount count = {arena_strdup(pool->arena, prefix), 0};
    VEC_PUSH(pool->arena, pool->prefixes, count);
    return &pool->prefixes.items[pool->prefixes.n - 1].next;
}

static Symbol *fresh_symbol(ExprPool *pool, const char *prefix, SymbolKind kind, const Expr *bound)
{
    const char *name;
    int        *next = prefix_counter(pool, prefix);
    do {
        name = arena_printf(pool->arena, "%s%d", prefix, (*next)++);
    } while (expr_symbol_find(pool, name));
    Symbol *symbol = expr_symbol_named(pool, name, kind, EXPR_TYPE_INT);
    symbol->bound = bound;
    int64_t value;
    if (expr_is_int(bound, &value))
        symbol->max = value > 0 ? value - 1 : 0;
    return symbol;
}

Symbol *expr_symbol_index(ExprPool *pool, const char *prefix, const Expr *bound)
{
    return fresh_symbol(pool, prefix, SYM_INDEX, bound);
}

Symbol *expr_symbol_scalar(ExprPool *pool, struct Scalar *scalar, const Expr *bound)
{
    Symbol *symbol = fresh_symbol(pool, "t", SYM_SCALAR, bound);
    symbol->scalar = scalar;
    return symbol;
}

/* ---- hash-consing ---------------------------------------------------------------------------- */
static uint32_t hash_expr(const Expr *e)
{
    uint32_t h = hash_bytes(2166136261u, &e->kind, sizeof e->kind);
    h = hash_bytes(h, &e->type, sizeof e->type);
    h = hash_bytes(h, &e->value, sizeof e->value);
    h = hash_bytes(h, &e->fvalue, sizeof e->fvalue);
    if (e->symbol)
        h = hash_bytes(h, &e->symbol->id, sizeof e->symbol->id);
    if (e->name)
        h = hash_bytes(h, e->name, strlen(e->name));
    for (int i = 0; i < e->n; i++)
        h = hash_bytes(h, &e->args[i]->id, sizeof e->args[i]->id);
    return h;
}

static bool same_expr(const Expr *a, const Expr *b)
{
    if (a->hash != b->hash || a->kind != b->kind || a->type != b->type || a->n != b->n ||
        a->value != b->value || a->symbol != b->symbol)
        return false;
    /* By bits: 0.0 and -0.0 are two expressions, a NaN is itself. */
    if (memcmp(&a->fvalue, &b->fvalue, sizeof a->fvalue))
        return false;
    if ((a->name || b->name) && (!a->name || !b->name || strcmp(a->name, b->name)))
        return false;
    return !a->n || !memcmp(a->args, b->args, (size_t)a->n * sizeof *a->args);
}

static void grow_buckets(ExprPool *pool)
{
    int        n = pool->n_buckets * 2;
    ExprNode **buckets = ARENA_ARRAY(pool->arena, ExprNode *, n);
    for (int i = 0; i < pool->n_buckets; i++)
        for (ExprNode *e = pool->buckets[i], *next; e; e = next) {
            next = e->next;
            ExprNode **bucket = &buckets[e->expr.hash & (uint32_t)(n - 1)];
            e->next = *bucket;
            *bucket = e;
        }
    pool->buckets = buckets;
    pool->n_buckets = n;
}

static int tree_size(const Expr *e)
{
    int size = 1;
    for (int i = 0; i < e->n; i++)
        if (__builtin_add_overflow(size, e->args[i]->size, &size))
            return INT32_MAX;
    return size;
}

static const Expr *intern(ExprPool *pool, Expr e)
{
    e.hash = hash_expr(&e);
    for (ExprNode *x = pool->buckets[e.hash & (uint32_t)(pool->n_buckets - 1)]; x; x = x->next)
        if (same_expr(&x->expr, &e))
            return &x->expr;
    if (pool->n_exprs >= pool->n_buckets)
        grow_buckets(pool);
    ExprNode *node = ARENA_NEW(pool->arena, ExprNode);
    node->pool = pool;
    node->expr = e;
    node->expr.id = pool->n_exprs++;
    node->expr.size = tree_size(&e);
    if (e.n)
        node->expr.args = arena_memdup(pool->arena, e.args, (size_t)e.n * sizeof *e.args);
    if (e.name)
        node->expr.name = arena_strdup(pool->arena, e.name);
    if (e.symbol)
        node->symbols = UINT64_C(1) << (e.symbol->id % 64);
    for (int i = 0; i < e.n; i++)
        node->symbols |= ((const ExprNode *)e.args[i])->symbols;
    ExprNode **bucket = &pool->buckets[e.hash & (uint32_t)(pool->n_buckets - 1)];
    node->next = *bucket;
    *bucket = node;
    return &node->expr;
}

const Expr *expr_intern(ExprPool *pool, ExprKind kind, ExprType type, const Expr *const *args,
                        int n)
{
    return intern(pool, (Expr){.kind = kind, .type = type, .args = args, .n = n});
}

const Expr *expr_intern_call(ExprPool *pool, const char *name, ExprType type,
                             const Expr *const *args, int n)
{
    return intern(pool,
                  (Expr){.kind = EXPR_CALL, .type = type, .args = args, .n = n, .name = name});
}

const Expr *expr_int(ExprPool *pool, int64_t value)
{
    return intern(pool, (Expr){.kind = EXPR_INT, .type = EXPR_TYPE_INT, .value = value});
}

const Expr *expr_float(ExprPool *pool, double value)
{
    return intern(pool, (Expr){.kind = EXPR_FLOAT, .type = EXPR_TYPE_FLOAT, .fvalue = value});
}

const Expr *expr_bool(ExprPool *pool, bool value)
{
    return intern(pool, (Expr){.kind = EXPR_BOOL, .type = EXPR_TYPE_BOOL, .value = value});
}

static const Expr *symbol_expr(ExprPool *pool, Symbol *symbol)
{
    return intern(pool, (Expr){.kind = EXPR_SYMBOL, .type = symbol->type, .symbol = symbol});
}

const Expr *expr_sym(ExprPool *pool, Symbol *symbol)
{
    (void)pool;
    return symbol->self;
}

/* ---- order ----------------------------------------------------------------------------------- */
static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int name_order(const char *a, const char *b)
{
    while (*a && *b) {
        if (is_digit(*a) && is_digit(*b)) {
            size_t na = strspn(a, "0123456789"), nb = strspn(b, "0123456789");
            if (na != nb)
                return na < nb ? -1 : 1;
            int c = strncmp(a, b, na);
            if (c)
                return c;
            a += na;
            b += nb;
            continue;
        }
        if (*a != *b)
            return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
        a++;
        b++;
    }
    return *a ? 1 : *b ? -1 : 0;
}

/* Symbols first, constants last. */
static int rank_of(const Expr *e)
{
    bool is_number = e->kind == EXPR_INT || e->kind == EXPR_FLOAT || e->kind == EXPR_BOOL;
    return e->kind == EXPR_SYMBOL ? -1 : is_number ? 1000 + (int)e->kind : (int)e->kind;
}

int expr_order(const Expr *a, const Expr *b)
{
    if (a == b)
        return 0;
    if (a->kind != b->kind)
        return rank_of(a) < rank_of(b) ? -1 : 1;
    if (a->kind == EXPR_SYMBOL)
        return name_order(a->symbol->name, b->symbol->name);
    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    if (a->kind == EXPR_FLOAT)
        return a->fvalue < b->fvalue ? -1 : a->fvalue > b->fvalue ? 1 : a->id - b->id;
    if (a->kind == EXPR_CALL && strcmp(a->name, b->name))
        return strcmp(a->name, b->name);
    for (int i = 0; i < a->n && i < b->n; i++) {
        int c = expr_order(a->args[i], b->args[i]);
        if (c)
            return c;
    }
    return a->n - b->n;
}

void expr_sort(const Expr **args, int n)
{
    for (int i = 1; i < n; i++) {
        const Expr *e = args[i];
        int         j = i;
        for (; j > 0 && expr_order(args[j - 1], e) > 0; j--)
            args[j] = args[j - 1];
        args[j] = e;
    }
}

/* ---- questions ------------------------------------------------------------------------------- */
bool expr_is_int(const Expr *e, int64_t *value)
{
    if (!e || e->kind != EXPR_INT)
        return false;
    if (value)
        *value = e->value;
    return true;
}

bool expr_is_value(const Expr *e, int64_t value)
{
    return e && e->kind == EXPR_INT && e->value == value;
}

bool expr_is_const(const Expr *e)
{
    return !((const ExprNode *)e)->symbols;
}

/* Each node below e once, operands before users, while visit says true. Not to be nested. */
static bool walk(const Expr *e, uint64_t stamp, bool (*visit)(void *cx, const Expr *e), void *cx)
{
    ExprNode *node = (ExprNode *)e;
    if (node->stamp == stamp)
        return true;
    node->stamp = stamp;
    for (int i = 0; i < e->n; i++)
        if (!walk(e->args[i], stamp, visit, cx))
            return false;
    return visit(cx, e);
}

static bool walk_all(const Expr *e, bool (*visit)(void *cx, const Expr *e), void *cx)
{
    return walk(e, ++((const ExprNode *)e)->pool->stamp, visit, cx);
}

static bool is_not_symbol(void *cx, const Expr *e)
{
    return e->symbol != cx;
}

bool expr_contains(const Expr *e, const Symbol *symbol)
{
    if (!(((const ExprNode *)e)->symbols & UINT64_C(1) << (symbol->id % 64)))
        return false;
    return !walk_all(e, is_not_symbol, (void *)symbol);
}

static bool is_not_of_kind(void *cx, const Expr *e)
{
    return !e->symbol || e->symbol->kind != *(SymbolKind *)cx;
}

bool expr_contains_kind(const Expr *e, SymbolKind kind)
{
    return !walk_all(e, is_not_of_kind, &kind);
}

typedef struct Collected {
    Arena *arena;
    VEC(Symbol *) symbols;
} Collected;

static bool collect(void *cx, const Expr *e)
{
    Collected *c = cx;
    if (e->symbol)
        VEC_PUSH(c->arena, c->symbols, e->symbol);
    return true;
}

/* Collected first: visit may walk expressions itself. */
void expr_symbols(const Expr *e, void (*visit)(void *cx, Symbol *symbol), void *cx)
{
    if (e->kind == EXPR_SYMBOL) {
        visit(cx, e->symbol);
        return;
    }
    if (expr_is_const(e))
        return;
    Collected c = {.arena = ((const ExprNode *)e)->pool->arena};
    walk_all(e, collect, &c);
    for (int i = 0; i < c.symbols.n; i++)
        visit(cx, c.symbols.items[i]);
}

bool expr_linear(ExprPool *pool, const Expr *e, const Symbol *symbol, const Expr **coeff,
                 const Expr **rest)
{
    if (!expr_contains(e, symbol)) {
        *coeff = expr_int(pool, 0);
        *rest = e;
        return e->type == EXPR_TYPE_INT;
    }
    if (e->type != EXPR_TYPE_INT)
        return false;
    Poly p, c = {0}, r = {0};
    poly_from(e, &p);
    for (int i = 0; i < p.n; i++) {
        Term t = p.terms[i];
        int  at = -1;
        for (int k = 0; k < t.n; k++) {
            if (t.atoms[k] == symbol->self && at < 0)
                at = k;
            else if (expr_contains(t.atoms[k], symbol))
                return false;
        }
        if (at >= 0) {
            t.n--;
            for (int k = at; k < t.n; k++)
                t.atoms[k] = t.atoms[k + 1];
        }
        if (!poly_add_term(at >= 0 ? &c : &r, &t, 1))
            return false;
    }
    *coeff = poly_expr(pool, &c);
    *rest = poly_expr(pool, &r);
    return true;
}

/* ---- substitution ---------------------------------------------------------------------------- */
typedef struct Subst {
    ExprPool          *pool;
    Symbol *const     *from;
    const Expr *const *to;
    int                n;
    uint64_t           stamp, symbols;
} Subst;

static const Expr *subst(const Subst *s, const Expr *e)
{
    ExprNode *node = (ExprNode *)e;
    if (!(node->symbols & s->symbols))
        return e;
    if (e->kind == EXPR_SYMBOL) {
        for (int i = 0; i < s->n; i++)
            if (s->from[i] == e->symbol)
                return s->to[i];
        return e;
    }
    if (node->stamp == s->stamp)
        return node->image;
    const Expr  *small[8];
    const Expr **args = e->n <= 8 ? small : ARENA_ARRAY(s->pool->arena, const Expr *, e->n);
    bool         changed = false;
    for (int i = 0; i < e->n; i++) {
        args[i] = subst(s, e->args[i]);
        changed |= args[i] != e->args[i];
    }
    const Expr *image = changed ? expr_make(s->pool, e->kind, e->name, args, e->n) : e;
    node->stamp = s->stamp;
    node->image = image;
    return image;
}

const Expr *expr_subst(ExprPool *pool, const Expr *e, Symbol *const *from, const Expr *const *to,
                       int n)
{
    Subst s = {.pool = pool, .from = from, .to = to, .n = n};
    for (int i = 0; i < n; i++)
        s.symbols |= UINT64_C(1) << (from[i]->id % 64);
    s.stamp = ++pool->stamp;
    return subst(&s, e);
}
