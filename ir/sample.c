/* Parsing of samples.  In: OpDesc.samples.  Out: Sample trees, checked against the schema.
 *
 *   self=f32[2,3]{1,2}@0..1 dim=-1   →   args[0] a tensor with strides and a range, args[1] an int
 */
#include "ir/sample.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct SampleParser {
    Ir         *ir;
    const char *start, *at;
    Sample     *sample;
    VEC(SampleTensor *) tensors;
} SampleParser;

static Error *fail(const SampleParser *p, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static Error *fail(const SampleParser *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const char *what = arena_vprintf(p->ir->arena, format, args);
    va_end(args);
    return error_new(p->ir->arena, E_FORMAT, (Where){.op = p->sample->schema->name},
                     "samples of %s, column %d: %s", p->sample->schema->name,
                     (int)(p->at - p->start) + 1, what);
}

static bool accept(SampleParser *p, const char *text)
{
    size_t n = strlen(text);
    if (strncmp(p->at, text, n) != 0)
        return false;
    p->at += n;
    return true;
}

static Error *expect(SampleParser *p, const char *text)
{
    return accept(p, text) ? NULL : fail(p, "expected \"%s\"", text);
}

static void skip_blanks(SampleParser *p)
{
    while (*p->at == ' ')
        p->at++;
}

static size_t word_length(const char *at)
{
    size_t n = 0;
    while (isalnum((unsigned char)at[n]) || at[n] == '_')
        n++;
    return n;
}

static const char *take_word(SampleParser *p)
{
    size_t n = word_length(p->at);
    p->at += n;
    return arena_strndup(p->ir->arena, p->at - n, n);
}

/* ---- numbers --------------------------------------------------------------------------------- */

static Error *take_int(SampleParser *p, int64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoll(p->at, &end, 10);
    if (end == p->at || errno || isspace((unsigned char)*p->at))
        return fail(p, "expected an integer");
    p->at = end;
    return NULL;
}

/* inf, -inf and nan are floats, too. */
static Error *take_number(SampleParser *p, double *out, bool *is_int)
{
    const char *digits = p->at + (*p->at == '-');
    if (!isdigit((unsigned char)*digits) && strncmp(digits, "inf", 3) && strncmp(digits, "nan", 3))
        return fail(p, "expected a number");
    size_t n = strspn(digits, "0123456789");
    /* the dots of a range are not part of the number before them */
    *is_int = n && !(digits[n] == '.' && digits[n + 1] != '.') && digits[n] != 'e';
    if (*is_int) {
        char *end;
        *out = (double)strtoll(p->at, &end, 10);
        p->at = end;
        return NULL;
    }
    char *end;
    *out = strtod(p->at, &end);
    p->at = end;
    return NULL;
}

/* ---- tensors --------------------------------------------------------------------------------- */

static Error *take_ints(SampleParser *p, const char *close, int64_t *out, int *n)
{
    *n = 0;
    while (!accept(p, close)) {
        if (*n)
            TRY(expect(p, ","));
        if (*n == MAX_RANK)
            return fail(p, "more than %d dims", MAX_RANK);
        TRY(take_int(p, &out[*n]));
        if (out[*n] < 0)
            return fail(p, "a size or stride below 0");
        (*n)++;
    }
    return NULL;
}

static Error *take_values(SampleParser *p, SampleTensor *t)
{
    VEC(double) values = {0};
    bool is_int;
    while (!accept(p, "]")) {
        double value;
        if (values.n)
            TRY(expect(p, ","));
        TRY(take_number(p, &value, &is_int));
        VEC_PUSH(p->ir->arena, values, value);
    }
    if (!values.n)
        return fail(p, "a list of values has to have one");
    t->fill = FILL_VALUES;
    t->values = values.items;
    t->n_values = values.n;
    return NULL;
}

static Error *take_fill(SampleParser *p, SampleTensor *t)
{
    bool is_int;
    if (accept(p, "["))
        return take_values(p, t);
    if (accept(p, "special"))
        return t->fill = FILL_SPECIAL, NULL;
    if (accept(p, "distinct"))
        return t->fill = FILL_DISTINCT, NULL;
    if (accept(p, "definite")) {
        if (t->rank < 2 || t->sizes[t->rank - 1] != t->sizes[t->rank - 2] ||
            !dtype_is_float(t->dtype))
            return fail(p, "definite wants square matrices of floats");
        return t->fill = FILL_DEFINITE, NULL;
    }
    TRY(take_number(p, &t->low, &is_int));
    TRY(expect(p, ".."));
    TRY(take_number(p, &t->high, &is_int));
    if (!(t->low <= t->high) || !isfinite(t->low) || !isfinite(t->high))
        return fail(p, "an empty range");
    t->has_range = true;
    return NULL;
}

static Error *take_tensor(SampleParser *p, DType dtype, SampleArg *out)
{
    SampleTensor *t = ARENA_NEW(p->ir->arena, SampleTensor);
    int           n;
    *t = (SampleTensor){.dtype = dtype, .number = p->tensors.n};
    TRY(take_ints(p, "]", t->sizes, &t->rank));
    int64_t stride = 1;
    for (int i = t->rank - 1; i >= 0; i--) {
        t->strides[i] = stride;
        stride *= t->sizes[i] > 1 ? t->sizes[i] : 1;
    }
    if (accept(p, "{")) {
        TRY(take_ints(p, "}", t->strides, &n));
        if (n != t->rank)
            return fail(p, "%d strides for %d dims", n, t->rank);
    }
    if (accept(p, "@"))
        TRY(take_fill(p, t));
    *out = (SampleArg){.kind = SAMPLE_TENSOR, .tensor = t};
    VEC_PUSH(p->ir->arena, p->tensors, t);
    return NULL;
}

/* ---- arguments ------------------------------------------------------------------------------- */

static const char *const memory_formats[] = {"", "contiguous", "channels_last", "channels_last_3d",
                                             "preserve"};

static Error *take_memory_format(SampleParser *p, SampleArg *out)
{
    const char *word = take_word(p);
    for (int i = 1; i < 5; i++)
        if (!strcmp(word, memory_formats[i]))
            return *out = (SampleArg){.kind = SAMPLE_MEMORY_FORMAT, .integer = i}, NULL;
    return fail(p, "unknown memory format %s before this", word);
}

static Error *take_string(SampleParser *p, SampleArg *out)
{
    const char *end = strchr(p->at, '\'');
    if (!end)
        return fail(p, "a string without its end");
    *out = (SampleArg){.kind = SAMPLE_STRING,
                       .text = arena_strndup(p->ir->arena, p->at, (size_t)(end - p->at))};
    p->at = end + 1;
    return NULL;
}

static bool accept_word(SampleParser *p, const char *word)
{
    return word_length(p->at) == strlen(word) && accept(p, word);
}

static Error *take_word_arg(SampleParser *p, const Param *param, SampleArg *out)
{
    const char *start = p->at;
    if (accept_word(p, "None"))
        return *out = (SampleArg){.kind = SAMPLE_NONE}, NULL;
    if (accept_word(p, "true"))
        return *out = (SampleArg){.kind = SAMPLE_BOOL, .integer = 1}, NULL;
    if (accept_word(p, "false"))
        return *out = (SampleArg){.kind = SAMPLE_BOOL}, NULL;
    if (param->type == PARAM_LAYOUT && accept_word(p, "strided"))
        return *out = (SampleArg){.kind = SAMPLE_LAYOUT, .integer = 7}, NULL;
    if (param->type == PARAM_DEVICE && accept_word(p, "cpu"))
        return *out = (SampleArg){.kind = SAMPLE_DEVICE}, NULL;
    if (param->type == PARAM_MEMORY_FORMAT)
        return take_memory_format(p, out);
    DType dtype = dtype_parse(take_word(p));
    if (dtype != DT_NONE && accept(p, "["))
        return take_tensor(p, dtype, out);
    if (dtype != DT_NONE)
        return *out = (SampleArg){.kind = SAMPLE_DTYPE, .dtype = dtype}, NULL;
    p->at = start;
    return fail(p, "expected a value");
}

static Error *take_arg(SampleParser *p, const Param *param, SampleArg *out);

static Error *take_list(SampleParser *p, const Param *param, SampleArg *out)
{
    VEC(SampleArg) items = {0};
    while (!accept(p, "]")) {
        SampleArg item;
        if (items.n)
            TRY(expect(p, ","));
        TRY(take_arg(p, param, &item));
        VEC_PUSH(p->ir->arena, items, item);
    }
    *out = (SampleArg){.kind = SAMPLE_LIST, .items = items.items, .n_items = items.n};
    return NULL;
}

static Error *take_arg(SampleParser *p, const Param *param, SampleArg *out)
{
    if (accept(p, "["))
        return take_list(p, param, out);
    if (accept(p, "'"))
        return take_string(p, out);
    bool is_word =
        isalpha((unsigned char)*p->at) && strncmp(p->at, "inf", 3) && strncmp(p->at, "nan", 3);
    if (is_word)
        return take_word_arg(p, param, out);
    const char *start = p->at;
    double      number;
    bool        is_int;
    TRY(take_number(p, &number, &is_int));
    *out = (SampleArg){.kind = SAMPLE_FLOAT, .number = number};
    if (!is_int)
        return NULL;
    out->kind = SAMPLE_INT;
    p->at = start;
    return take_int(p, &out->integer);
}

static Error *take_named(SampleParser *p)
{
    Sample     *s = p->sample;
    const char *start = p->at, *name = take_word(p);
    int         i = schema_param(s->schema, name);
    if (i < 0 || s->args[i].kind != SAMPLE_ABSENT) {
        p->at = start;
        return fail(p, i < 0 ? "there is no argument \"%s\"" : "\"%s\" is given twice", name);
    }
    TRY(expect(p, "="));
    TRY(take_arg(p, &s->schema->params[i], &s->args[i]));
    if (*p->at && *p->at != ' ' && *p->at != '|')
        return fail(p, "expected a blank");
    skip_blanks(p);
    return NULL;
}

/* ---- samples --------------------------------------------------------------------------------- */

static const char *trimmed(Arena *arena, const char *start, const char *end)
{
    while (end > start && end[-1] == ' ')
        end--;
    return arena_strndup(arena, start, (size_t)(end - start));
}

static Error *check_complete(const SampleParser *p)
{
    const Sample *s = p->sample;
    for (int i = 0; i < s->schema->n_params; i++) {
        const Param *param = &s->schema->params[i];
        if (s->args[i].kind == SAMPLE_ABSENT && !param->has_default && !param->is_optional)
            return fail(p, "argument \"%s\" is missing before this", param->name);
    }
    return NULL;
}

static Error *take_sample(SampleParser *p)
{
    Sample *s = p->sample;
    skip_blanks(p);
    const char *start = p->at;
    s->is_refused = accept(p, "!");
    s->types_only = accept(p, "~");
    s->first_only = accept(p, "^");
    skip_blanks(p);
    if (accept(p, "()")) /* a call without arguments */
        skip_blanks(p);
    else if (!*p->at || *p->at == '|')
        return fail(p, "expected a sample");
    while (*p->at && *p->at != '|')
        TRY(take_named(p));
    s->text = trimmed(p->ir->arena, start, p->at);
    s->tensors = p->tensors.items;
    s->n_tensors = p->tensors.n;
    return check_complete(p);
}

Error *sample_parse(Ir *ir, const OpDesc *row, Sample **out, int *n)
{
    VEC(Sample) samples = {0};
    const OpSchema *schema = schema_find(ir, schema_dotted_name(ir->arena, row->schema));
    SampleParser    p = {.ir = ir, .start = row->samples, .at = row->samples};
    *out = NULL;
    *n = 0;
    if (!row->samples)
        return NULL;
    if (!schema) /* an operator of our own */
        TRY(schema_add(ir, row->schema, &schema));
    do {
        Sample s = {.row = row,
                    .schema = schema,
                    .args = ARENA_ARRAY(ir->arena, SampleArg, schema->n_params + 1)};
        memset(s.args, 0, sizeof *s.args * (size_t)(schema->n_params + 1));
        p.sample = &s;
        memset(&p.tensors, 0, sizeof p.tensors);
        TRY(take_sample(&p));
        VEC_PUSH(ir->arena, samples, s);
    } while (accept(&p, "|"));
    *out = samples.items;
    *n = samples.n;
    return NULL;
}
