/* Operator schemas: the table, the cache of parsed rows, and the parser of schema text.
 *
 * In: "aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType?
 * dtype=None) -> Tensor" Out: OpSchema with typed parameters and defaults. Grammar:
 * aten/src/ATen/native/README.md of PyTorch.  The registry prints enum defaults as numbers of c10
 * (MemoryFormat 0 is contiguous), custom operators may spell them (contiguous_format): both become
 * the numbers of the export schema. */
#include "ir/schema.h"

#include "ir/name_map.h"

#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { SCHEMA_RANDOM = 1, SCHEMA_EFFECT = 2 };

typedef struct SchemaRow {
    const char *name, *text;
    unsigned    flags;
} SchemaRow;

static const SchemaRow table[] = {
#include "ir/schema_table.inc"
};
enum { TABLE_ROWS = sizeof table / sizeof table[0] };

struct SchemaCache {
    NameMap *by_name; /* dotted name -> OpSchema */
};

/* ---- reading text ---------------------------------------------------------------------------- */

typedef struct Reader {
    Ir         *ir;
    const char *text, *at;
} Reader;

static Error *fail(const Reader *r, const char *expected)
{
    Where where = {
        .path = arena_printf(r->ir->arena, "column %d of the schema", (int)(r->at - r->text) + 1)};
    return error_new(r->ir->arena, E_FORMAT, where, "expected %s in operator schema: %s", expected,
                     r->text);
}

static void skip_space(Reader *r)
{
    while (*r->at == ' ' || *r->at == '\t' || *r->at == '\n')
        r->at++;
}

static bool accept(Reader *r, const char *token)
{
    skip_space(r);
    size_t n = strlen(token);
    if (strncmp(r->at, token, n) != 0)
        return false;
    r->at += n;
    return true;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '.';
}

/* Letters, digits, '_' and '.'; NULL when there is none. */
static const char *read_word(Reader *r)
{
    skip_space(r);
    const char *start = r->at;
    while (is_word(*r->at))
        r->at++;
    return r->at == start ? NULL : arena_strndup(r->ir->arena, start, (size_t)(r->at - start));
}

/* ---- types ----------------------------------------------------------------------------------- */

static ParamType type_of_word(const char *word)
{
    static const struct {
        const char *word;
        ParamType   type;
    } words[] = {
        {"Tensor", PARAM_TENSOR},       {"int", PARAM_INT},
        {"SymInt", PARAM_INT},          {"float", PARAM_FLOAT},
        {"SymFloat", PARAM_FLOAT},      {"bool", PARAM_BOOL},
        {"SymBool", PARAM_BOOL},        {"Scalar", PARAM_SCALAR},
        {"complex", PARAM_SCALAR},      {"str", PARAM_STRING},
        {"ScalarType", PARAM_DTYPE},    {"Layout", PARAM_LAYOUT},
        {"Device", PARAM_DEVICE},       {"MemoryFormat", PARAM_MEMORY_FORMAT},
        {"Generator", PARAM_GENERATOR},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcmp(words[i].word, word) == 0)
            return words[i].type;
    return PARAM_OTHER;
}

/* "(a!)", "(a -> *)", "(a|b)", "(*)" */
static Error *read_alias(Reader *r, Param *out)
{
    skip_space(r);
    if (*r->at == ')' || *r->at == '\0')
        return fail(r, "an alias name");
    out->alias = *r->at;
    while (*r->at && *r->at != ')') {
        if (*r->at == '!')
            out->is_written = true;
        r->at++;
    }
    return accept(r, ")") ? NULL : fail(r, "')' after an alias mark");
}

static Error *read_list_mark(Reader *r, Param *out)
{
    if (out->is_list)
        out->type = PARAM_OTHER; /* lists of lists: no operator that we export has one */
    out->is_list = true;
    out->items_optional = out->is_optional;
    out->is_optional = false;
    char *end;
    out->list_length = (int)strtol(r->at, &end, 10);
    r->at = end;
    return accept(r, "]") ? NULL : fail(r, "']' after a list length");
}

/* A type with its marks: "Tensor(a!)?[]", "int[2]?". */
static Error *read_type(Reader *r, Param *out)
{
    const char *word = read_word(r);
    if (!word)
        return fail(r, "a type");
    out->type = type_of_word(word);
    for (;;) {
        if (*r->at == '(') {
            r->at++;
            TRY(read_alias(r, out));
        } else if (*r->at == '[') {
            r->at++;
            TRY(read_list_mark(r, out));
        } else if (*r->at == '?') {
            r->at++;
            out->is_optional = true;
        } else {
            return NULL;
        }
    }
}

/* ---- defaults -------------------------------------------------------------------------------- */

typedef struct EnumWord {
    const char *word;
    int         number;
} EnumWord;

static int find_word(const EnumWord *words, const char *word)
{
    for (; words->word; words++)
        if (strcmp(words->word, word) == 0)
            return words->number;
    return -1;
}

/* Numbers of torch/_export/serde/schema.py, by the number that c10 gives them. */
static const int memory_format_of_c10[] = {1, 4, 2, 3};
static const int layout_of_c10[] = {7, 1, 2, 6, 3, 4, 5};

static const EnumWord memory_format_words[] = {{"contiguous_format", 1},
                                               {"channels_last", 2},
                                               {"channels_last_3d", 3},
                                               {"preserve_format", 4},
                                               {NULL, 0}};
static const EnumWord layout_words[] = {
    {"strided", 7}, {"torch.strided", 7}, {"sparse_coo", 1}, {NULL, 0}};
/* at::Reduction::Reduction */
static const EnumWord int_words[] = {{"None_", 0}, {"Mean", 1}, {"Sum", 2}, {NULL, 0}};

static DType dtype_of_word(const char *word)
{
    static const EnumWord words[] = {{"float", DT_F32}, {"double", DT_F64}, {"half", DT_F16},
                                     {"long", DT_I64},  {"int", DT_I32},    {"short", DT_I16},
                                     {"bool", DT_BOOL}, {NULL, 0}};
    if (strncmp(word, "torch.", 6) == 0)
        word += 6;
    int number = find_word(words, word);
    if (number >= 0)
        return (DType)number;
    for (int i = DT_NONE + 1; i < DT_COUNT; i++)
        if (strcmp(dtype_info((DType)i)->torch_name, word) == 0)
            return (DType)i;
    return DT_NONE;
}

static Error *read_enum_default(Reader *r, ParamType type, Arg *out)
{
    const char *start = r->at, *word = read_word(r);
    if (!word)
        return fail(r, "a default");
    bool is_number = isdigit((unsigned char)*word);
    int  number = is_number ? atoi(word) : -1;
    if (type == PARAM_DTYPE) {
        /* ScalarType of the export counts from 1, c10 from 0 */
        DType dtype = is_number ? dtype_from_schema(number + 1) : dtype_of_word(word);
        *out = (Arg){.kind = ARG_DTYPE, .dtype = dtype};
        return dtype != DT_NONE ? NULL : fail(r, "a dtype");
    }
    bool is_layout = type == PARAM_LAYOUT;
    int  n = is_layout ? 7 : 4;
    if (is_number)
        number = number < n ? (is_layout ? layout_of_c10 : memory_format_of_c10)[number] : -1;
    else
        number = find_word(is_layout ? layout_words : memory_format_words, word);
    *out = (Arg){.kind = is_layout ? ARG_LAYOUT : ARG_MEMORY_FORMAT, .integer = number};
    if (number < 0)
        r->at = start;
    return number >= 0 ? NULL : fail(r, is_layout ? "a layout" : "a memory format");
}

static Error *read_string(Reader *r, const char **out)
{
    char quote = *r->at++;
    Text text = text_new(r->ir->arena);
    while (*r->at && *r->at != quote) {
        char c = *r->at++;
        if (c == '\\' && *r->at) {
            static const char codes[] = "n\nt\tr\rf\fv\va\ab\b";
            const char       *code = strchr(codes, *r->at);
            c = code && (code - codes) % 2 == 0 ? code[1] : *r->at;
            r->at++;
        }
        text_putc(&text, c);
    }
    if (*r->at != quote)
        return fail(r, "a closing quote");
    r->at++;
    *out = text.data;
    return NULL;
}

static Error *read_string_default(Reader *r, ParamType type, Arg *out)
{
    const char *string = NULL;
    TRY(read_string(r, &string));
    if (type != PARAM_DEVICE) {
        *out = (Arg){.kind = ARG_STRING, .string = string};
        return NULL;
    }
    const char *colon = strchr(string, ':');
    *out = (Arg){.kind = ARG_DEVICE,
                 .device = {.kind = strncmp(string, "cuda", 4) == 0 ? DEVICE_CUDA : DEVICE_CPU,
                            .index = colon ? atoi(colon + 1) : -1}};
    return NULL;
}

static Error *read_number(Reader *r, ParamType type, Arg *out)
{
    char     *end, *int_end;
    double    number = strtod(r->at, &end);
    long long integer = strtoll(r->at, &int_end, 10);
    if (end == r->at)
        return fail(r, "a default");
    bool is_int = int_end == end && type != PARAM_FLOAT;
    *out = is_int ? arg_expr(expr_int(r->ir->exprs, integer)) : arg_float(number);
    r->at = end;
    return NULL;
}

static Error *read_default(Reader *r, const Param *param, Arg *out);

static Error *read_list_default(Reader *r, const Param *param, Arg *out)
{
    Param item = *param;
    item.is_list = false;
    VEC(Arg) items = {0};
    while (!accept(r, "]")) {
        if (items.n && !accept(r, ","))
            return fail(r, "',' or ']' in a list");
        Arg arg;
        TRY(read_default(r, &item, &arg));
        VEC_PUSH(r->ir->arena, items, arg);
    }
    *out = arg_list(items.items, items.n);
    return NULL;
}

/* "int[2] stride=1": the number stands for each of the two. */
static Error *spread_default(Reader *r, const Param *param, Arg *out)
{
    Param item = *param;
    item.is_list = false;
    Arg one;
    TRY(read_default(r, &item, &one));
    int  n = param->list_length > 0 ? param->list_length : 1;
    Arg *items = ARENA_ARRAY(r->ir->arena, Arg, n);
    for (int i = 0; i < n; i++)
        items[i] = one;
    *out = arg_list(items, n);
    return NULL;
}

static bool accept_word(Reader *r, const char *word)
{
    size_t n = strlen(word);
    if (strncmp(r->at, word, n) != 0 || is_word(r->at[n]))
        return false;
    r->at += n;
    return true;
}

static Error *read_default(Reader *r, const Param *param, Arg *out)
{
    skip_space(r);
    bool is_true = accept_word(r, "True");
    if (accept_word(r, "None")) {
        *out = arg_none();
        return NULL;
    }
    if (!param->is_list && (is_true || accept_word(r, "False"))) {
        *out = arg_expr(expr_bool(r->ir->exprs, is_true));
        return NULL;
    }
    if (accept(r, "["))
        return read_list_default(r, param, out);
    if (param->is_list)
        return spread_default(r, param, out);
    if (*r->at == '"' || *r->at == '\'')
        return read_string_default(r, param->type, out);
    if (param->type == PARAM_DTYPE || param->type == PARAM_LAYOUT ||
        param->type == PARAM_MEMORY_FORMAT)
        return read_enum_default(r, param->type, out);
    if (isalpha((unsigned char)*r->at)) {
        const char *start = r->at;
        int         number = find_word(int_words, read_word(r));
        r->at = number < 0 ? start : r->at;
        *out = arg_expr(expr_int(r->ir->exprs, number));
        return number < 0 ? fail(r, "a default") : NULL;
    }
    return read_number(r, param->type, out);
}

/* ---- whole schemas --------------------------------------------------------------------------- */

const char *schema_dotted_name(Arena *arena, const char *text)
{
    size_t      n = strcspn(text, "( ");
    const char *colons = strstr(text, "::");
    if (!colons || colons >= text + n)
        return arena_strndup(arena, text, n);
    const char *base = colons + 2;
    int         ns_length = (int)(colons - text), base_length = (int)(text + n - base);
    bool        has_overload = memchr(base, '.', (size_t)base_length) != NULL;
    bool        is_higher = ns_length == 12 && strncmp(text, "higher_order", 12) == 0;
    return arena_printf(arena, "%.*s.%.*s%s", ns_length, text, base_length, base,
                        has_overload || is_higher ? "" : ".default");
}

static Error *read_name(Reader *r, OpSchema *out)
{
    const char *colons = strstr(r->text, "::"), *paren = strchr(r->text, '(');
    if (!colons || !paren || colons > paren || colons == r->text)
        return fail(r, "namespace::name(");
    Arena *arena = r->ir->arena;
    out->name = schema_dotted_name(arena, r->text);
    out->ns = arena_strndup(arena, r->text, (size_t)(colons - r->text));
    const char *base = out->name + strlen(out->ns) + 1, *dot = strchr(base, '.');
    if (!dot)
        return fail(r, "an operator name");
    out->base = arena_strndup(arena, base, (size_t)(dot - base));
    out->overload = dot + 1;
    r->at = paren;
    return NULL;
}

static Error *read_params(Reader *r, OpSchema *out)
{
    VEC(Param) params = {0};
    bool kwarg_only = false;
    if (!accept(r, "("))
        return fail(r, "'('");
    while (!accept(r, ")")) {
        if ((params.n || kwarg_only) && !accept(r, ","))
            return fail(r, "',' or ')'");
        if (accept(r, "*")) {
            kwarg_only = true;
            continue;
        }
        Param param = {.kwarg_only = kwarg_only};
        TRY(read_type(r, &param));
        param.name = read_word(r);
        if (!param.name)
            return fail(r, "a parameter name");
        if (accept(r, "=")) {
            param.has_default = true;
            TRY(read_default(r, &param, &param.fallback));
        }
        out->writes |= param.is_written;
        VEC_PUSH(r->ir->arena, params, param);
    }
    out->params = params.items;
    out->n_params = params.n;
    return NULL;
}

static Error *read_returns(Reader *r, OpSchema *out)
{
    VEC(Param) returns = {0};
    if (!accept(r, "->"))
        return fail(r, "'->'");
    bool in_parens = accept(r, "(");
    while (!in_parens || !accept(r, ")")) {
        if (returns.n && !accept(r, ","))
            return fail(r, "',' or ')'");
        Param param = {0};
        TRY(read_type(r, &param));
        param.name = read_word(r);
        VEC_PUSH(r->ir->arena, returns, param);
        if (!in_parens)
            break;
    }
    out->returns = returns.items;
    out->n_returns = returns.n;
    skip_space(r);
    return *r->at == '\0' ? NULL : fail(r, "the end");
}

static Error *parse_schema(Ir *ir, const char *text, OpSchema **out)
{
    Reader    r = {ir, text, text};
    OpSchema *schema = ARENA_NEW(ir->arena, OpSchema);
    schema->text = text;
    TRY(read_name(&r, schema));
    TRY(read_params(&r, schema));
    TRY(read_returns(&r, schema));
    *out = schema;
    return NULL;
}

/* ---- look-up --------------------------------------------------------------------------------- */

static NameMap *cache_of(Ir *ir)
{
    if (!ir->schemas) {
        ir->schemas = ARENA_NEW(ir->arena, struct SchemaCache);
        ir->schemas->by_name = name_map_create(ir->arena, 256);
    }
    return ir->schemas->by_name;
}

static const SchemaRow *find_row(const char *name)
{
    int low = 0, high = TABLE_ROWS;
    while (low < high) {
        int middle = (low + high) / 2, order = strcmp(table[middle].name, name);
        if (order == 0)
            return &table[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static const OpSchema *find_exact(Ir *ir, const char *name)
{
    NameEntry *known = name_map_find(cache_of(ir), name);
    if (known)
        return known->item;
    const SchemaRow *row = find_row(name);
    if (!row)
        return NULL;
    OpSchema *schema = NULL;
    Error    *error = parse_schema(ir, row->text, &schema);
    assert(!error && "a row of the table does not parse");
    if (error)
        return NULL;
    schema->is_random = row->flags & SCHEMA_RANDOM;
    schema->has_effect = row->flags != 0;
    name_map_add(cache_of(ir), schema->name)->item = schema;
    return schema;
}

const OpSchema *schema_find(Ir *ir, const char *name)
{
    const OpSchema *schema = find_exact(ir, name);
    const char     *dot = strchr(name, '.');
    if (schema || !dot || strchr(dot + 1, '.'))
        return schema;
    return find_exact(ir, arena_printf(ir->arena, "%s.default", name));
}

static const OpSchema *functional_of(Ir *ir, const OpSchema *schema);

Error *schema_add(Ir *ir, const char *text, const OpSchema **out)
{
    OpSchema *schema;
    TRY(parse_schema(ir, arena_strdup(ir->arena, text), &schema));
    schema->is_custom = true;
    /* An operator that returns nothing and writes nothing is called for its effect. */
    schema->has_effect = schema->n_returns == 0 && !schema->writes;
    OpSchema *known = (OpSchema *)find_exact(ir, schema->name); /* the cache's own */
    if (known && known->is_guessed)
        known = NULL;
    if (known && strcmp(known->text, schema->text) != 0)
        return error_new(ir->arena, E_FORMAT, (Where){.op = schema->name},
                         "two schemas for one operator: %s and %s", known->text, schema->text);
    if (known) {
        known->is_custom = true;
    } else {
        schema->functional_of = functional_of(ir, schema);
        name_map_add(cache_of(ir), schema->name)->item = schema;
    }
    *out = known ? known : schema;
    return NULL;
}

Error *schema_guess(Ir *ir, const char *text, const OpSchema **out)
{
    OpSchema *schema;
    TRY(parse_schema(ir, arena_strdup(ir->arena, text), &schema));
    schema->is_custom = schema->is_guessed = true;
    schema->has_effect = true; /* it may write: nobody knows */
    if (!find_exact(ir, schema->name))
        name_map_add(cache_of(ir), schema->name)->item = schema;
    *out = schema;
    return NULL;
}

/* ---- functional forms of custom operators ---------------------------------------------------- */

static const char functional_word[] = "functional";

/* "default" gives "functional", "out" gives "out_functional". */
static const char *functional_name(Ir *ir, const OpSchema *from)
{
    bool is_default = !strcmp(from->overload, "default");
    return arena_printf(ir->arena, "%s::%s.%s%s%s", from->ns, from->base,
                        is_default ? "" : from->overload, is_default ? "" : "_", functional_word);
}

/* The other way; NULL for other names and where the writing operator is not known. */
static const OpSchema *functional_of(Ir *ir, const OpSchema *schema)
{
    size_t n = strlen(schema->overload), m = strlen(functional_word);
    if (n < m || strcmp(schema->overload + n - m, functional_word))
        return NULL;
    const char *overload =
        n == m ? "default" : arena_strndup(ir->arena, schema->overload, n - m - 1);
    const OpSchema *from =
        find_exact(ir, arena_printf(ir->arena, "%s.%s.%s", schema->ns, schema->base, overload));
    return from && from->is_custom && from->writes ? from : NULL;
}

/* Copies a list of types without its alias marks, Tensor(a!). */
static void put_without_marks(Text *t, const char *from, const char *end)
{
    while (from < end) {
        bool   is_marked = !strncmp(from, "Tensor(", 7);
        size_t n = is_marked ? 6 : 1;
        text_putn(t, from, n);
        from += is_marked ? 6 + strcspn(from + 6, ")") + 1 : 1;
    }
}

static bool is_written_alias(const OpSchema *schema, const Param *result)
{
    for (int i = 0; result->alias && i < schema->n_params; i++)
        if (schema->params[i].is_written && schema->params[i].alias == result->alias)
            return true;
    return false;
}

/* Results of its own, besides other names of what it writes; -1: some are and some are not. */
static int own_returns(const OpSchema *schema)
{
    int n_alias = 0;
    for (int i = 0; i < schema->n_returns; i++)
        n_alias += schema->returns[i].alias != 0;
    for (int i = 0; i < schema->n_returns && n_alias; i++)
        if (!is_written_alias(schema, &schema->returns[i]))
            return -1;
    return n_alias ? 0 : schema->n_returns;
}

static void put_written(Text *t, const OpSchema *from, int n_before)
{
    for (int i = 0; i < from->n_params; i++) {
        const Param *p = &from->params[i];
        if (p->is_written)
            text_printf(t, "%sTensor%s%s", n_before++ ? ", " : "", p->is_list ? "[]" : "",
                        p->is_optional ? "?" : "");
    }
}

Error *schema_functional(Ir *ir, const OpSchema *from, const OpSchema **out)
{
    const char *open = strchr(from->text, '('), *arrow = strstr(from->text, "->");
    int         n_own = own_returns(from);
    if (n_own < 0)
        return error_new(ir->arena, E_UNSUPPORTED, (Where){.op = from->name},
                         "a result of %s is another name of an argument", from->text);
    Text t = text_new(ir->arena), returns = text_new(ir->arena);
    text_put(&t, functional_name(ir, from));
    put_without_marks(&t, open, arrow);
    if (n_own) { /* as they stand, without the parentheses around several */
        const char *first = arrow + 2 + strspn(arrow + 2, " "), *end = first + strlen(first);
        bool        is_in_parens = *first == '(' && end[-1] == ')';
        text_putn(&returns, first + is_in_parens, (size_t)(end - first) - 2 * is_in_parens);
    }
    put_written(&returns, from, n_own);
    text_printf(&t, "-> (%s)", returns.data);
    TRY(schema_add(ir, t.data, out));
    if ((*out)->functional_of != from)
        return error_new(ir->arena, E_FORMAT, (Where){.op = from->name},
                         "the name of %s is taken by another operator", t.data);
    return NULL;
}

const OpSchema *schema_higher_order(Ir *ir, const char *name, int n_params)
{
    /* '/' is in no operator name: the key of another number of parameters, or of an operator,
     * cannot be equal. */
    const char *key = arena_printf(ir->arena, "%s/%d", name, n_params);
    NameEntry  *entry = name_map_add(cache_of(ir), key);
    if (entry->item)
        return entry->item;
    OpSchema   *schema = ARENA_NEW(ir->arena, OpSchema);
    const char *dot = strchr(name, '.');
    schema->name = schema->text = arena_strdup(ir->arena, name);
    schema->ns = dot ? arena_strndup(ir->arena, name, (size_t)(dot - name)) : "higher_order";
    schema->base = dot ? arena_strdup(ir->arena, dot + 1) : schema->name;
    schema->overload = "";
    schema->is_higher_order = true;
    schema->n_params = n_params;
    schema->params = ARENA_ARRAY(ir->arena, Param, n_params);
    for (int i = 0; i < n_params; i++)
        schema->params[i] =
            (Param){.name = arena_printf(ir->arena, "arg%d", i), .type = PARAM_OTHER};
    entry->item = schema;
    return schema;
}

int schema_param(const OpSchema *schema, const char *name)
{
    for (int i = 0; i < schema->n_params; i++)
        if (strcmp(schema->params[i].name, name) == 0)
            return i;
    return -1;
}

int schema_count(void)
{
    return TABLE_ROWS;
}

const char *schema_name_at(int index)
{
    assert(index >= 0 && index < TABLE_ROWS);
    return table[index].name;
}
