/* Tokens, arguments and types of IR text. */
#include "ir/text_parse.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 100 };

Error *parse_fail(const Parser *p, const char *format, ...)
{
    int         line = 1;
    const char *start = p->text;
    for (const char *c = p->text; c < p->at; c++)
        if (*c == '\n') {
            line++;
            start = c + 1;
        }
    Arena  *arena = p->ir->arena;
    Where   where = {.file = p->ir->file,
                     .path =
                         arena_printf(arena, "line %d, column %d", line, (int)(p->at - start) + 1)};
    va_list args;
    va_start(args, format);
    const char *message = arena_vprintf(arena, format, args);
    va_end(args);
    return error_new(arena, E_FORMAT, where, "%s", message);
}

/* ---- tokens ---------------------------------------------------------------------------------- */

void parse_skip(Parser *p)
{
    for (;;) {
        p->at += strspn(p->at, " \t\r\n");
        if (*p->at != '#')
            return;
        p->at += strcspn(p->at, "\n");
    }
}

bool parse_accept(Parser *p, const char *punctuation)
{
    parse_skip(p);
    size_t n = strlen(punctuation);
    if (strncmp(p->at, punctuation, n) != 0)
        return false;
    p->at += n;
    return true;
}

Error *parse_expect(Parser *p, const char *punctuation)
{
    return parse_accept(p, punctuation) ? NULL : parse_fail(p, "expected '%s'", punctuation);
}

static bool is_name_char(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

bool parse_accept_word(Parser *p, const char *word)
{
    parse_skip(p);
    size_t n = strlen(word);
    if (strncmp(p->at, word, n) != 0 || is_name_char(p->at[n]))
        return false;
    p->at += n;
    return true;
}

static const char *read_word(Parser *p, bool with_dots)
{
    parse_skip(p);
    const char *start = p->at;
    while (is_name_char(*p->at) || (with_dots && *p->at == '.'))
        p->at++;
    return p->at == start ? NULL : arena_strndup(p->ir->arena, start, (size_t)(p->at - start));
}

const char *parse_word(Parser *p)
{
    return read_word(p, false);
}

const char *parse_dotted_word(Parser *p)
{
    return read_word(p, true);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The character after a backslash; -1 when it means nothing. */
static int read_escape(Parser *p)
{
    char c = *p->at++;
    if (c == '"' || c == '\\')
        return c;
    if (c == 'n')
        return '\n';
    if (c != 'x')
        return -1;
    int high = hex_digit(p->at[0]), low = high < 0 ? -1 : hex_digit(p->at[1]);
    if (low < 0 || high + low == 0)
        return -1;
    p->at += 2;
    return 16 * high + low;
}

Error *parse_string(Parser *p, const char **out)
{
    TRY(parse_expect(p, "\""));
    Text text = text_new(p->ir->arena);
    while (*p->at != '"') {
        if (*p->at == '\0' || *p->at == '\n')
            return parse_fail(p, "expected a closing quote");
        int c = (unsigned char)*p->at++;
        if (c == '\\' && *p->at) {
            c = read_escape(p);
            if (c < 0)
                return parse_fail(p, "unknown escape in a string");
        }
        text_putc(&text, (char)c);
    }
    p->at++;
    *out = text.data;
    return NULL;
}

Error *parse_int(Parser *p, int64_t *out)
{
    parse_skip(p);
    char *end;
    errno = 0;
    *out = strtoll(p->at, &end, 10);
    if (end == p->at || errno)
        return parse_fail(p, "expected an integer of 64 bits");
    p->at = end;
    return NULL;
}

Error *parse_device(Parser *p, Device *out)
{
    bool is_cuda = parse_accept_word(p, "cuda");
    *out = (Device){is_cuda ? DEVICE_CUDA : DEVICE_CPU, -1};
    if (!is_cuda && !parse_accept_word(p, "cpu"))
        return parse_fail(p, "expected cpu or cuda");
    if (*p->at != ':' || !isdigit((unsigned char)p->at[1]))
        return NULL;
    int64_t index;
    p->at++;
    TRY(parse_int(p, &index));
    if (index > 1 << 16)
        return parse_fail(p, "a device index that large before this");
    out->index = (int)index;
    return NULL;
}

/* ---- values ---------------------------------------------------------------------------------- */

Error *parse_value_name(Parser *p, const char **out)
{
    TRY(parse_expect(p, "%"));
    *out = is_name_char(*p->at) ? parse_dotted_word(p) : NULL;
    return *out ? NULL : parse_fail(p, "expected a name after %%");
}

Error *parse_value(Parser *p, Value **out)
{
    const char *name;
    TRY(parse_value_name(p, &name));
    for (const Scope *scope = p->scope; scope; scope = scope->outer) {
        const NameEntry *entry = name_map_find(scope->values, name);
        if (entry) {
            *out = (Value *)entry->item;
            return NULL;
        }
    }
    p->at -= strlen(name) + 1;
    return parse_fail(p, "%%%s is not defined here", name);
}

Error *parse_define(Parser *p, const char *name, Value *value)
{
    NameEntry *entry = name_map_add(p->scope->values, name);
    if (entry->item)
        return parse_fail(p, "%%%s is defined twice", name);
    entry->item = value;
    return NULL;
}

/* ---- arguments ------------------------------------------------------------------------------- */

static Error *parse_items(Parser *p, const Param *param, Arg *out)
{
    VEC(Arg) items = {0};
    while (!parse_accept(p, "]")) {
        Arg item;
        if (items.n)
            TRY(parse_expect(p, ","));
        TRY(parse_arg(p, param, &item));
        VEC_PUSH(p->ir->arena, items, item);
    }
    *out = arg_list(items.items, items.n);
    return NULL;
}

/* The word after its kind is known. */
static Error *parse_enum(Parser *p, ParamType type, Arg *out)
{
    if (type == PARAM_DEVICE) {
        out->kind = ARG_DEVICE;
        return parse_device(p, &out->device);
    }
    const char *start = p->at, *word = parse_word(p);
    *out = (Arg){.kind = type == PARAM_DTYPE    ? ARG_DTYPE
                         : type == PARAM_LAYOUT ? ARG_LAYOUT
                                                : ARG_MEMORY_FORMAT};
    bool is_known = word != NULL;
    if (word && type == PARAM_DTYPE) {
        out->dtype = dtype_parse(word);
        is_known = out->dtype != DT_NONE || strcmp(word, "none") == 0;
    } else if (word) {
        out->integer = type == PARAM_LAYOUT ? layout_number(word) : memory_format_number(word);
        is_known = out->integer >= 0;
    }
    if (is_known)
        return NULL;
    p->at = start;
    return parse_fail(p, "expected a %s",
                      type == PARAM_DTYPE    ? "dtype"
                      : type == PARAM_LAYOUT ? "layout"
                                             : "memory format");
}

static bool accept_enum_kind(Parser *p, ParamType *type)
{
    static const struct {
        const char *prefix;
        ParamType   type;
    } kinds[] = {{"dtype.", PARAM_DTYPE},
                 {"layout.", PARAM_LAYOUT},
                 {"memory_format.", PARAM_MEMORY_FORMAT},
                 {"device.", PARAM_DEVICE}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (parse_accept(p, kinds[i].prefix)) {
            *type = kinds[i].type;
            return true;
        }
    return false;
}

/* A float literal: a number with '.' or 'e', inf, nan.  An operator behind it makes it part of an
 * expression. */
static bool accept_float(Parser *p, double *out)
{
    const char *c = p->at + (*p->at == '-');
    bool        is_word = strncmp(c, "inf", 3) == 0 || strncmp(c, "nan", 3) == 0;
    if (!is_word && !isdigit((unsigned char)*c) && *c != '.')
        return false;
    char *end, *int_end;
    *out = strtod(p->at, &end);
    strtoll(p->at, &int_end, 10);
    if (end == p->at || end <= int_end || is_name_char(*end))
        return false;
    const char *next = end + strspn(end, " \t");
    if (*next && strchr("+-*/<>!&|^", *next))
        return false;
    if (*next == '=' && next[1] == '=')
        return false;
    p->at = end;
    return true;
}

static Error *parse_complex(Parser *p, Arg *out)
{
    *out = (Arg){.kind = ARG_COMPLEX};
    parse_skip(p);
    if (!accept_float(p, &out->number))
        return parse_fail(p, "expected a float");
    TRY(parse_expect(p, ","));
    parse_skip(p);
    if (!accept_float(p, &out->imag))
        return parse_fail(p, "expected a float");
    return parse_expect(p, ")");
}

static Error *parse_expr(Parser *p, const Expr **out)
{
    parse_skip(p);
    const char *start = p->at;
    Error      *error = expr_parse_infix_at(p->ir->exprs, &p->at, out);
    if (!error)
        return NULL;
    p->at = start;
    Error *here = parse_fail(p, "expected an argument or expression");
    here->cause = error;
    return here;
}

static Error *parse_number(Parser *p, Arg *out)
{
    double      number;
    const Expr *expr;
    if (accept_float(p, &number)) {
        *out = arg_float(number);
        return NULL;
    }
    TRY(parse_expr(p, &expr));
    *out = arg_expr(expr);
    return NULL;
}

static bool is_enum_param(const Param *param)
{
    return param && (param->type == PARAM_DTYPE || param->type == PARAM_LAYOUT ||
                     param->type == PARAM_MEMORY_FORMAT || param->type == PARAM_DEVICE);
}

static Error *parse_arg_below(Parser *p, const Param *param, Arg *out)
{
    ParamType type;
    parse_skip(p);
    if (*p->at == '%') {
        *out = (Arg){.kind = ARG_VALUE};
        return parse_value(p, &out->value);
    }
    if (*p->at == '"') {
        *out = (Arg){.kind = ARG_STRING};
        return parse_string(p, &out->string);
    }
    if (parse_accept(p, "["))
        return parse_items(p, param, out);
    if (parse_accept(p, "complex("))
        return parse_complex(p, out);
    if (parse_accept_word(p, "graph")) {
        *out = (Arg){.kind = ARG_GRAPH};
        return parse_inner_graph(p, &out->graph);
    }
    if (parse_accept_word(p, "None")) {
        *out = arg_none();
        return NULL;
    }
    bool is_true = parse_accept_word(p, "true");
    if (is_true || parse_accept_word(p, "false")) {
        *out = arg_expr(expr_bool(p->ir->exprs, is_true));
        return NULL;
    }
    if (accept_enum_kind(p, &type))
        return parse_enum(p, type, out);
    if (is_enum_param(param) && isalpha((unsigned char)*p->at))
        return parse_enum(p, param->type, out);
    return parse_number(p, out);
}

Error *parse_arg(Parser *p, const Param *param, Arg *out)
{
    if (p->depth == MAX_DEPTH)
        return parse_fail(p, "nested more than %d deep", MAX_DEPTH);
    *out = (Arg){0};
    p->depth++;
    Error *error = parse_arg_below(p, param, out);
    p->depth--;
    return error;
}

/* ---- types ----------------------------------------------------------------------------------- */

static Error *parse_sizes(Parser *p, const char *close, const Expr **out, int *n)
{
    *n = 0;
    while (!parse_accept(p, close)) {
        if (*n)
            TRY(parse_expect(p, ","));
        if (*n == MAX_RANK)
            return parse_fail(p, "more than %d dims", MAX_RANK);
        const char *start = p->at;
        TRY(parse_expr(p, &out[*n]));
        if (out[*n]->type != EXPR_TYPE_INT) {
            p->at = start;
            return parse_fail(p, "expected an integer expression");
        }
        (*n)++;
    }
    return NULL;
}

static Error *parse_tensor_type(Parser *p, DType dtype, TensorType *out)
{
    const Expr *sizes[MAX_RANK], *strides[MAX_RANK];
    int         rank, n_strides;
    TRY(parse_expect(p, "["));
    TRY(parse_sizes(p, "]", sizes, &rank));
    *out = tensor_type(p->ir, dtype, sizes, rank);
    if (*p->at == '{') {
        p->at++;
        TRY(parse_sizes(p, "}", strides, &n_strides));
        if (n_strides != rank)
            return parse_fail(p, "%d strides for %d dims before this", n_strides, rank);
        *out = tensor_type_strided(p->ir, dtype, sizes, strides, rank);
    }
    if (parse_accept_word(p, "offset"))
        TRY(parse_expr(p, &out->storage_offset));
    return parse_accept_word(p, "on") ? parse_device(p, &out->device) : NULL;
}

static Error *parse_symbol(Parser *p, ExprType type, bool is_result, Symbol **out)
{
    const char *name = parse_word(p);
    if (!name || isdigit((unsigned char)*name))
        return parse_fail(p, "expected a symbol");
    SymbolKind kind = is_result || *name == 'u' ? SYM_UNBACKED : SYM_SIZE;
    *out = expr_symbol_find(p->ir->exprs, name);
    if (!*out)
        *out = expr_symbol_named(p->ir->exprs, name, kind, type);
    return (*out)->type == type ? NULL : parse_fail(p, "%s has another type elsewhere", name);
}

Error *parse_type(Parser *p, bool is_result, ValueType *out)
{
    const char *start = p->at, *word = parse_word(p);
    *out = (ValueType){.kind = VALUE_TENSOR};
    if (!word)
        return parse_fail(p, "expected a type");
    if (strcmp(word, "none") == 0) {
        out->kind = VALUE_NONE;
        return NULL;
    }
    parse_skip(p);
    DType dtype = dtype_parse(word);
    if (*p->at == '[' && dtype != DT_NONE)
        return parse_tensor_type(p, dtype, &out->tensor);
    out->kind = VALUE_SCALAR;
    if (strcmp(word, "int") == 0)
        return parse_symbol(p, EXPR_TYPE_INT, is_result, &out->symbol);
    if (strcmp(word, "float") == 0)
        return parse_symbol(p, EXPR_TYPE_FLOAT, is_result, &out->symbol);
    if (strcmp(word, "bool") == 0)
        return parse_symbol(p, EXPR_TYPE_BOOL, is_result, &out->symbol);
    p->at = start;
    return parse_fail(p, "expected a type such as f32[2,3] or int s0");
}
