/* Expressions node for node, for readers of printed text: what expr_print() wrote comes back as the
 * same pointer, whatever the simplifier would make of it with the ranges that are known by now.
 *
 * In: a kind, or a function's name, and operands.  Out: the node; NULL where the types of the
 * operands do not fit, so that a damaged text gives no node that others could stumble over. */
#include "ir/expr_internal.h"

#include <string.h>

static bool all_of(const Expr *const *args, int n, ExprType type)
{
    for (int i = 0; i < n; i++)
        if (args[i]->type != type)
            return false;
    return true;
}

static bool all_numbers(const Expr *const *args, int n)
{
    for (int i = 1; i < n; i++)
        if (args[i]->type != args[0]->type)
            return false;
    return args[0]->type != EXPR_TYPE_BOOL;
}

/* Operands that the kind takes; the type of the result. */
static bool fits(ExprKind kind, const Expr *const *args, int n, ExprType *type)
{
    *type = EXPR_TYPE_INT;
    switch (kind) {
    case EXPR_ADD:
    case EXPR_MUL:
    case EXPR_MAX:
    case EXPR_MIN:
        *type = args[0]->type;
        return n >= 2 && all_numbers(args, n);
    case EXPR_POW:
        *type = args[0]->type;
        return n == 2 && all_numbers(args, n);
    case EXPR_FLOORDIV:
    case EXPR_MOD:
    case EXPR_LSHIFT:
    case EXPR_RSHIFT:
    case EXPR_BITAND:
    case EXPR_BITOR:
    case EXPR_BITXOR:
        return n == 2 && all_of(args, n, EXPR_TYPE_INT);
    case EXPR_EQ:
    case EXPR_NE:
    case EXPR_LT:
    case EXPR_LE:
        *type = EXPR_TYPE_BOOL;
        return n == 2 && args[0]->type == args[1]->type;
    case EXPR_AND:
    case EXPR_OR:
        *type = EXPR_TYPE_BOOL;
        return n >= 2 && all_of(args, n, EXPR_TYPE_BOOL);
    case EXPR_NOT:
        *type = EXPR_TYPE_BOOL;
        return n == 1 && all_of(args, n, EXPR_TYPE_BOOL);
    case EXPR_WHERE:
        *type = n == 3 ? args[1]->type : EXPR_TYPE_INT;
        return n == 3 && args[0]->type == EXPR_TYPE_BOOL && args[1]->type == args[2]->type;
    case EXPR_TRUEDIV:
        *type = EXPR_TYPE_FLOAT;
        return n == 2 && all_of(args, n, EXPR_TYPE_FLOAT);
    case EXPR_TO_FLOAT:
        *type = EXPR_TYPE_FLOAT;
        return n == 1 && args[0]->type != EXPR_TYPE_FLOAT;
    case EXPR_TRUNC:
    case EXPR_CEIL:
    case EXPR_FLOOR:
    case EXPR_ROUND:
        return n == 1 && args[0]->type == EXPR_TYPE_FLOAT;
    default:
        return false;
    }
}

const Expr *expr_exact(ExprPool *pool, ExprKind kind, const Expr *const *args, int n)
{
    ExprType type;
    return n && fits(kind, args, n, &type) ? expr_intern(pool, kind, type, args, n) : NULL;
}

const Expr *expr_exact_named(ExprPool *pool, const char *name, const Expr *const *args, int n)
{
    static const struct {
        const char *name;
        ExprKind    kind;
    } kinds[] = {{"max", EXPR_MAX},        {"min", EXPR_MIN},     {"where", EXPR_WHERE},
                 {"float", EXPR_TO_FLOAT}, {"trunc", EXPR_TRUNC}, {"ceil", EXPR_CEIL},
                 {"floor", EXPR_FLOOR},    {"round", EXPR_ROUND}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(kinds[i].name, name))
            return expr_exact(pool, kinds[i].kind, args, n);
    const double ones[2] = {1, 1};
    double       value;
    bool         known = n >= 1 && n <= 2 && expr_call_value(name, ones, n, &value);
    return known && all_of(args, n, EXPR_TYPE_FLOAT)
               ? expr_intern_call(pool, name, EXPR_TYPE_FLOAT, args, n)
               : NULL;
}

/* One operand more for a chain without parentheses: a + b, then + c. */
const Expr *expr_exact_append(ExprPool *pool, const Expr *chain, const Expr *last)
{
    const Expr **args = ARENA_ARRAY(pool->arena, const Expr *, chain->n + 1);
    memcpy(args, chain->args, sizeof *args * (size_t)chain->n);
    args[chain->n] = last;
    return expr_exact(pool, chain->kind, args, chain->n + 1);
}
