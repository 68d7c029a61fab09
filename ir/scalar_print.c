/* Text of scalars: function calls, `select(gt(%x[i0], 0), %x[i0], mul(%x[i0], 2))`.
 *
 * In: a scalar.  Out: text; numbers are plain where another operand states their dtype, else
 * `f32(2)`.  Shared parts are repeated; past MAX_PRINTED nodes they are only named, so that the
 * text of a deep DAG stays small. */
#include "ir/scalar_internal.h"

#include "ir/loops.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_PRINTED = 4000 };

static void print(Text *text, const Scalar *a, bool is_typed, int *left);

static void put_number(Text *text, const Scalar *a)
{
    if (!dtype_is_float(a->dtype) && !dtype_info(a->dtype)->is_complex) {
        if (a->dtype == DT_BOOL)
            text_put(text, a->i ? "true" : "false");
        else
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

static void put_load(Text *text, const Scalar *a, int *left)
{
    if (a->mask)
        text_put(text, "load(");
    text_printf(text, "%%%s[", a->buffer && a->buffer->name ? a->buffer->name : "?");
    expr_print(text, a->index);
    text_putc(text, ']');
    if (!a->mask)
        return;
    text_put(text, ", ");
    print(text, a->mask, true, left);
    text_putc(text, ')');
}

/* A number among the operands has its dtype from one that is none. */
static bool is_stated(const Scalar *a, int operand)
{
    if (a->op == S_SELECT && operand == 0)
        return true;
    for (int i = a->op == S_SELECT; i < a->n_in; i++)
        if (a->in[i]->op != S_CONST)
            return true;
    return false;
}

static void put_call(Text *text, const Scalar *a, int *left)
{
    text_printf(text, "%s(", scalar_op_name(a->op));
    for (int i = 0; i < a->n_in; i++) {
        if (i)
            text_put(text, ", ");
        print(text, a->in[i], is_stated(a, i), left);
    }
    if (a->op == S_CAST || a->op == S_BITCAST)
        text_printf(text, ", %s", dtype_name(a->dtype));
    if (a->op == S_INDIRECT) {
        text_put(text, ", ");
        expr_print(text, a->symbol->bound);
    }
    text_putc(text, ')');
}

static void print(Text *text, const Scalar *a, bool is_typed, int *left)
{
    if (--*left < 0) {
        text_printf(text, "%%%d", a->id);
        return;
    }
    if (a->op == S_CONST) {
        bool plain = is_typed || a->dtype == DT_BOOL;
        if (!plain)
            text_printf(text, "%s(", dtype_name(a->dtype));
        put_number(text, a);
        if (!plain)
            text_putc(text, ')');
    } else if (a->op == S_INDEX) {
        text_put(text, a->dtype == DT_I64 || a->dtype == DT_BOOL ? "index(" : "cast(index(");
        expr_print(text, a->index);
        if (a->dtype != DT_I64 && a->dtype != DT_BOOL)
            text_printf(text, "), %s", dtype_name(a->dtype));
        text_putc(text, ')');
    } else if (a->op == S_LOAD) {
        put_load(text, a, left);
    } else {
        put_call(text, a, left);
    }
}

void scalar_print(Text *text, const Scalar *a)
{
    int left = MAX_PRINTED;
    print(text, a, true, &left);
}
