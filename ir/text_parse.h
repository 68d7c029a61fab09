/* Tokens and scopes of IR text, shared by text_parse.c (graphs) and text_parse_args.c (arguments
 * and types). */
#ifndef AOTC_IR_TEXT_PARSE_H
#define AOTC_IR_TEXT_PARSE_H

#include "ir/graph_internal.h"
#include "ir/name_map.h"

/* Names of one graph; a graph inside another sees the outer ones too. */
typedef struct Scope {
    Graph        *graph;
    NameMap      *values; /* as written -> Value */
    struct Scope *outer;
} Scope;

typedef struct Parser {
    Ir         *ir;
    const char *text, *at;
    Scope      *scope;
    int         depth; /* of nested lists and graphs */
} Parser;

Error *parse_fail(const Parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Blanks, line ends and comments are skipped before every token. */
void        parse_skip(Parser *p);
bool        parse_accept(Parser *p, const char *punctuation);
Error      *parse_expect(Parser *p, const char *punctuation);
bool        parse_accept_word(Parser *p, const char *word); /* a whole word */
const char *parse_word(Parser *p);                          /* letters, digits, '_'; NULL */
const char *parse_dotted_word(Parser *p);                   /* also '.' */
Error      *parse_string(Parser *p, const char **out);
Error      *parse_int(Parser *p, int64_t *out);
Error      *parse_device(Parser *p, Device *out);

/* "%x" */
Error *parse_value_name(Parser *p, const char **out);
Error *parse_value(Parser *p, Value **out);
Error *parse_define(Parser *p, const char *name, Value *value);

/* param NULL: words have to say their kind (dtype.f32). */
Error *parse_arg(Parser *p, const Param *param, Arg *out);

/* What stands after ':'; to be copied into a value. */
typedef struct ValueType {
    ValueKind  kind;
    TensorType tensor;
    Symbol    *symbol;
} ValueType;
Error *parse_type(Parser *p, bool is_result, ValueType *out);

/* After the word "graph", in a scope inside the present one. */
Error *parse_inner_graph(Parser *p, Graph **out);

#endif
