/* Exprs as C: `(i0 // 4) % 3` -> `(i0 / 4 % 3)` where the ranges of its symbols allow,
 * aotc_floordiv_i64() else. */
#include "emit_c/cfamily.h"

#include <inttypes.h>

typedef struct Printer {
    Text             *text;
    const CExprStyle *style;
} Printer;

static void put(const Printer *p, const Expr *e);

static void put_int(const Printer *p, int64_t value)
{
    if (value == INT64_MIN)
        text_put(p->text, "INT64_MIN");
    else if (value > INT32_MAX || value < INT32_MIN)
        text_printf(p->text, value < 0 ? "(-INT64_C(%" PRId64 "))" : "INT64_C(%" PRId64 ")",
                    value < 0 ? -value : value);
    else
        text_printf(p->text, value < 0 ? "(%" PRId64 ")" : "%" PRId64, value);
}

static void put_joined(const Printer *p, const Expr *e, const char *operator)
{
    text_putc(p->text, '(');
    for (int i = 0; i < e->n; i++) {
        if (i)
            text_put(p->text, operator);
        put(p, e->args[i]);
    }
    text_putc(p->text, ')');
}

static void put_call(const Printer *p, const Expr *e, const char *function)
{
    text_printf(p->text, "%s(", function);
    for (int i = 0; i < e->n; i++) {
        if (i)
            text_put(p->text, ", ");
        put(p, e->args[i]);
    }
    text_putc(p->text, ')');
}

/* f(f(a, b), c) for n operands */
static void put_nested(const Printer *p, const Expr *e, const char *function, const char *last)
{
    for (int i = 1; i < e->n; i++)
        text_printf(p->text, "%s(", function);
    for (int i = 0; i < e->n; i++) {
        if (i)
            text_put(p->text, ", ");
        put(p, e->args[i]);
        if (i)
            text_printf(p->text, "%s)", last);
    }
}

static bool is_plain_division(const Expr *e)
{
    return expr_range(e->args[0]).min >= 0 && expr_range(e->args[1]).min >= 1;
}

static void put_division(const Printer *p, const Expr *e)
{
    bool is_mod = e->kind == EXPR_MOD;
    if (p->style->checked)
        put_nested(p, e, is_mod ? "aotc_checked_mod" : "aotc_checked_floordiv", ", &bad");
    else if (is_plain_division(e))
        put_joined(p, e, is_mod ? " % " : " / ");
    else
        put_call(p, e, is_mod ? "aotc_mod_i64" : "aotc_floordiv_i64");
}

static void put_sum_or_product(const Printer *p, const Expr *e)
{
    bool is_sum = e->kind == EXPR_ADD;
    if (p->style->checked && e->type == EXPR_TYPE_INT)
        put_nested(p, e, is_sum ? "aotc_checked_add" : "aotc_checked_mul", ", &bad");
    else
        put_joined(p, e, is_sum ? " + " : "*");
}

static void put_wrapped(const Printer *p, const char *before, const Expr *e, const char *after)
{
    text_put(p->text, before);
    put(p, e);
    text_put(p->text, after);
}

static void put_symbol(const Printer *p, const Symbol *symbol)
{
    const char *name = p->style->symbol ? p->style->symbol(p->style->cx, symbol) : symbol->name;
    text_put(p->text, name);
}

static void put_where(const Printer *p, const Expr *e)
{
    put_wrapped(p, "(", e->args[0], " ? ");
    put_wrapped(p, "", e->args[1], " : ");
    put_wrapped(p, "", e->args[2], ")");
}

static void put(const Printer *p, const Expr *e)
{
    bool is_float = e->n > 0 && e->args[0]->type == EXPR_TYPE_FLOAT;
    switch (e->kind) {
    case EXPR_INT:
        put_int(p, e->value);
        break;
    case EXPR_FLOAT:
        text_put(p->text, c_const(p->text->arena, DT_F64, 0, e->fvalue));
        break;
    case EXPR_BOOL:
        text_put(p->text, e->value ? "1" : "0");
        break;
    case EXPR_SYMBOL:
        put_symbol(p, e->symbol);
        break;
    case EXPR_ADD:
    case EXPR_MUL:
        put_sum_or_product(p, e);
        break;
    case EXPR_FLOORDIV:
    case EXPR_MOD:
        if (e->type == EXPR_TYPE_FLOAT)
            put_call(p, e, e->kind == EXPR_MOD ? "aotc_mod_f64" : "aotc_floordiv_f64");
        else
            put_division(p, e);
        break;
    case EXPR_MAX:
        put_nested(p, e, e->type == EXPR_TYPE_FLOAT ? "aotc_maximum_f64" : "aotc_max_i64", "");
        break;
    case EXPR_MIN:
        put_nested(p, e, e->type == EXPR_TYPE_FLOAT ? "aotc_minimum_f64" : "aotc_min_i64", "");
        break;
    case EXPR_POW:
        put_call(p, e, e->type == EXPR_TYPE_FLOAT ? "aotc_pow_f64" : "aotc_pow_i64");
        break;
    case EXPR_LSHIFT:
        put_wrapped(p, "aotc_shl_i64(", e->args[0], ", ");
        put_wrapped(p, "", e->args[1], ", 64)");
        break;
    case EXPR_RSHIFT:
        put_wrapped(p, "aotc_shr_i64(", e->args[0], ", ");
        put_wrapped(p, "", e->args[1], ", 64)");
        break;
    case EXPR_BITAND:
        put_joined(p, e, " & ");
        break;
    case EXPR_BITOR:
        put_joined(p, e, " | ");
        break;
    case EXPR_BITXOR:
        put_joined(p, e, " ^ ");
        break;
    case EXPR_EQ:
        put_joined(p, e, " == ");
        break;
    case EXPR_NE:
        put_joined(p, e, " != ");
        break;
    case EXPR_LT:
        put_joined(p, e, " < ");
        break;
    case EXPR_LE:
        put_joined(p, e, " <= ");
        break;
    case EXPR_AND: /* no branches: operands cannot trap */
        put_joined(p, e, " & ");
        break;
    case EXPR_OR:
        put_joined(p, e, " | ");
        break;
    case EXPR_NOT:
        put_wrapped(p, "(!", e->args[0], ")");
        break;
    case EXPR_WHERE:
        put_where(p, e);
        break;
    case EXPR_TRUEDIV:
        put_wrapped(p, "((double)", e->args[0], " / ");
        put_wrapped(p, "(double)", e->args[1], ")");
        break;
    case EXPR_TO_FLOAT:
        put_wrapped(p, "(double)", e->args[0], "");
        break;
    case EXPR_TRUNC:
        put_wrapped(p, is_float ? "aotc_f64_to_i64(" : "(", e->args[0], ")");
        break;
    case EXPR_CEIL:
        put_wrapped(p, is_float ? "aotc_f64_to_i64(aotc_ceil_f64(" : "((", e->args[0], "))");
        break;
    case EXPR_FLOOR:
        put_wrapped(p, is_float ? "aotc_f64_to_i64(aotc_floor_f64(" : "((", e->args[0], "))");
        break;
    case EXPR_ROUND:
        put_wrapped(p, is_float ? "aotc_f64_to_i64(aotc_round_f64(" : "((", e->args[0], "))");
        break;
    case EXPR_CALL:
        put_call(p, e, arena_printf(p->text->arena, "aotc_%s_f64", e->name));
        break;
    }
}

void c_print_expr(Text *text, const Expr *e, const CExprStyle *style)
{
    static const CExprStyle by_name = {0};
    put(&(Printer){text, style ? style : &by_name}, e);
}

const char *c_string(Arena *arena, const char *string)
{
    Text text = text_new(arena);
    text_putc(&text, '"');
    for (const unsigned char *p = (const unsigned char *)string; *p; p++) {
        if (*p == '"' || *p == '\\')
            text_printf(&text, "\\%c", *p);
        else if (*p < 32 || *p == 127 || *p == '?')
            text_printf(&text, "\\%03o", *p); /* '?': no trigraphs */
        else
            text_putc(&text, (char)*p);
    }
    text_putc(&text, '"');
    return text.data;
}
