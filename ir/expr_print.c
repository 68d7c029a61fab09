/* Infix text, as Python would read it: `2*s39 + -3`, `(i0 // 4) % 3`, `max(s0, 1)`.
 *
 * In: an expression.  Out: text from which expr_parse_infix() makes the same expression.  Operands
 * of // % / ** and shifts are atoms or stand in parentheses, so nobody has to know how tightly
 * those bind. */
#include "ir/expr_internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How tightly a printed form holds together. */
typedef enum Level {
    LEVEL_OR,
    LEVEL_AND,
    LEVEL_NOT,
    LEVEL_RELATION,
    LEVEL_DIVISION, /* and all that are never bare operands */
    LEVEL_SUM,
    LEVEL_PRODUCT,
    LEVEL_NEGATIVE,
    LEVEL_ATOM,
} Level;

static const char *operator_of(ExprKind kind)
{
    switch (kind) {
    case EXPR_ADD:
        return " + ";
    case EXPR_MUL:
        return "*";
    case EXPR_FLOORDIV:
        return " // ";
    case EXPR_MOD:
        return " % ";
    case EXPR_POW:
        return "**";
    case EXPR_LSHIFT:
        return " << ";
    case EXPR_RSHIFT:
        return " >> ";
    case EXPR_BITAND:
        return " & ";
    case EXPR_BITOR:
        return " | ";
    case EXPR_BITXOR:
        return " ^ ";
    case EXPR_EQ:
        return " == ";
    case EXPR_NE:
        return " != ";
    case EXPR_LT:
        return " < ";
    case EXPR_LE:
        return " <= ";
    case EXPR_AND:
        return " and ";
    case EXPR_OR:
        return " or ";
    case EXPR_TRUEDIV:
        return " / ";
    default:
        return NULL;
    }
}

static const char *function_of(const Expr *e)
{
    switch (e->kind) {
    case EXPR_MAX:
        return "max";
    case EXPR_MIN:
        return "min";
    case EXPR_WHERE:
        return "where";
    case EXPR_TO_FLOAT:
        return "float";
    case EXPR_TRUNC:
        return "trunc";
    case EXPR_CEIL:
        return "ceil";
    case EXPR_FLOOR:
        return "floor";
    case EXPR_ROUND:
        return "round";
    case EXPR_CALL:
        return e->name;
    default:
        return NULL;
    }
}

static Level level_of(const Expr *e)
{
    switch (e->kind) {
    case EXPR_INT:
        return e->value < 0 ? LEVEL_NEGATIVE : LEVEL_ATOM;
    case EXPR_FLOAT:
        return signbit(e->fvalue) ? LEVEL_NEGATIVE : LEVEL_ATOM;
    case EXPR_ADD:
        return LEVEL_SUM;
    case EXPR_MUL:
        return LEVEL_PRODUCT;
    case EXPR_EQ:
    case EXPR_NE:
    case EXPR_LT:
    case EXPR_LE:
        return LEVEL_RELATION;
    case EXPR_AND:
        return LEVEL_AND;
    case EXPR_OR:
        return LEVEL_OR;
    case EXPR_NOT:
        return LEVEL_NOT;
    default:
        return operator_of(e->kind) ? LEVEL_DIVISION : LEVEL_ATOM;
    }
}

/* The least level that an operand may have without parentheses. */
static Level operand_level(const Expr *e, int i)
{
    switch (e->kind) {
    case EXPR_ADD: /* a second sum is one that did not fold: a + (b + c) */
        return i ? LEVEL_PRODUCT : e->type == EXPR_TYPE_FLOAT ? LEVEL_SUM : LEVEL_PRODUCT;
    case EXPR_MUL: /* a number that starts a product is read first: -2*x */
        if (e->type == EXPR_TYPE_FLOAT && i == 0)
            return LEVEL_PRODUCT;
        return i ? LEVEL_ATOM : LEVEL_NEGATIVE;
    case EXPR_EQ:
    case EXPR_NE:
    case EXPR_LT:
    case EXPR_LE:
        return LEVEL_SUM;
    case EXPR_AND:
        return LEVEL_NOT;
    case EXPR_OR:
        return LEVEL_AND;
    default:
        return LEVEL_ATOM;
    }
}

static void put_float(Text *text, double value)
{
    char digits[40];
    if (isnan(value) || isinf(value)) {
        text_put(text, isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
        return;
    }
    for (int precision = 15; precision <= 17; precision++) {
        snprintf(digits, sizeof digits, "%.*g", precision, value);
        if (strtod(digits, NULL) == value)
            break;
    }
    text_put(text, digits);
    if (!strpbrk(digits, ".e"))
        text_put(text, ".0");
}

static void put_operand(Text *text, const Expr *e, Level least)
{
    bool parens = level_of(e) < least;
    if (parens)
        text_putc(text, '(');
    expr_print(text, e);
    if (parens)
        text_putc(text, ')');
}

static void put_list(Text *text, const Expr *e, const char *separator, bool is_function)
{
    for (int i = 0; i < e->n; i++) {
        if (i)
            text_put(text, separator);
        put_operand(text, e->args[i], is_function ? LEVEL_OR : operand_level(e, i));
    }
}

void expr_print(Text *text, const Expr *e)
{
    switch (e->kind) {
    case EXPR_INT:
        text_printf(text, "%" PRId64, e->value);
        return;
    case EXPR_FLOAT:
        put_float(text, e->fvalue);
        return;
    case EXPR_BOOL:
        text_put(text, e->value ? "True" : "False");
        return;
    case EXPR_SYMBOL:
        text_put(text, e->symbol->name);
        return;
    case EXPR_NOT:
        text_put(text, "not ");
        put_operand(text, e->args[0], LEVEL_NOT);
        return;
    default:
        break;
    }
    const char *function = function_of(e);
    if (!function) {
        put_list(text, e, operator_of(e->kind), false);
        return;
    }
    text_printf(text, "%s(", function);
    put_list(text, e, ", ", true);
    text_putc(text, ')');
}

const char *expr_text(Arena *arena, const Expr *e)
{
    Text text = text_new(arena);
    expr_print(&text, e);
    return text.data;
}
