/* Operator schemas: names, overloads, parameters, defaults and alias marks of every aten operator.
 *
 * The texts are in ir/schema_table.inc, made by scripts/make_schema_table.py from PyTorch's
 * registry and checked in, one sorted row an overload; parsed on first look-up.  Custom operators
 * add rows at run time. */
#ifndef AOTC_IR_SCHEMA_H
#define AOTC_IR_SCHEMA_H

#include "ir/graph.h"

typedef enum ParamType {
    PARAM_TENSOR,
    PARAM_INT, /* int and SymInt */
    PARAM_FLOAT,
    PARAM_BOOL,
    PARAM_SCALAR, /* int, float, bool or complex */
    PARAM_STRING,
    PARAM_DTYPE,
    PARAM_LAYOUT,
    PARAM_DEVICE,
    PARAM_MEMORY_FORMAT,
    PARAM_GENERATOR,
    PARAM_OTHER,
} ParamType;

typedef struct Param {
    const char *name;
    ParamType   type;
    bool        is_list;
    int         list_length;    /* int[2]: 2, a single int stands for both; 0 when open */
    bool        is_optional;    /* T? or T[]? */
    bool        items_optional; /* Tensor?[] */
    bool        kwarg_only;
    bool        has_default;
    Arg         fallback;   /* the default */
    char        alias;      /* 'a' in Tensor(a!), 0 when none; '*' for wildcards */
    bool        is_written; /* the ! */
} Param;

struct OpSchema {
    const char
        *text; /* "aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor" */
    const char *name;     /* "aten.add.Tensor": dots, overload "default" written out */
    const char *ns;       /* "aten" */
    const char *base;     /* "add" */
    const char *overload; /* "Tensor" or "default" */
    Param      *params;
    int         n_params;
    Param      *returns; /* name may be NULL */
    int         n_returns;
    bool        is_higher_order; /* params do not describe the arguments */
    bool        writes;          /* some parameter is written */
    bool        has_effect;      /* assertions, prints, random state: never dead, never merged */
    bool        is_random; /* may draw random numbers (dropout, sdpa): then has_effect is set too */
    bool        is_custom; /* added by schema_add(): printed before graphs that use it */
    bool        is_guessed; /* from one call in an export, since nobody has declared the operator */
    const OpSchema *functional_of; /* custom: it returns what that one writes; NULL: no such */
};

/* By dotted name ("aten.add.Tensor", "aten.relu" meaning .default). NULL when unknown. Cached in
 * the Ir. */
const OpSchema *schema_find(Ir *ir, const char *name);
/* Adds a schema text (custom operators). */
Error          *schema_add(Ir *ir, const char *text, const OpSchema **out);
/* The operator that does the same to fresh memory, of a custom one that writes: no marks, and what
 * was written comes behind the results.  Found again by its name when text is read.
 *
 *   mylib::add_to(Tensor(a!) acc, Tensor x) -> Tensor
 *   mylib::add_to.functional(Tensor acc, Tensor x) -> (Tensor, Tensor)
 *
 * E_UNSUPPORTED where a result is another name of an argument, and others are not. */
Error          *schema_functional(Ir *ir, const OpSchema *from, const OpSchema **out);
/* What one call of an undeclared operator says of its schema; is_guessed is set.  The first one of
 * an operator is found by its name, unless the operator is declared. */
Error          *schema_guess(Ir *ir, const char *text, const OpSchema **out);
/* A schema for a higher-order operator ("higher_order.cond") that takes n anonymous parameters. */
const OpSchema *schema_higher_order(Ir *ir, const char *name, int n_params);
/* "aten::relu(Tensor self) -> Tensor" gives "aten.relu.default", with or without what follows the
 * name. */
const char     *schema_dotted_name(Arena *arena, const char *text);
int             schema_param(const OpSchema *schema, const char *name); /* index or -1 */
/* All names in the table, for "did you mean". */
int             schema_count(void);
const char     *schema_name_at(int index);

#endif
