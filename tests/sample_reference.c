/* See sample_reference.h.  In: the text.  Out: records. */
#include "tests/sample_reference.h"

#include "ir/name_map.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Reader {
    Arena      *arena;
    const char *path, *at; /* at: in the line that is read */
    int         line;
    VEC(SampleRecord) records;
    VEC(ResultRecord) results;
} Reader;

static Error *fail(const Reader *r, const char *what)
{
    return error_new(r->arena, E_FORMAT, (Where){.file = r->path},
                     "line %d: expected %s, not \"%.40s\"", r->line, what, r->at);
}

static bool accept(Reader *r, const char *text)
{
    size_t n = strlen(text);
    if (strncmp(r->at, text, n) != 0)
        return false;
    r->at += n;
    return true;
}

static Error *take_dims(Reader *r, const char *close, int64_t *out, int *n)
{
    *n = 0;
    while (!accept(r, close)) {
        char *end;
        if ((*n && !accept(r, ",")) || *n == MAX_RANK)
            return fail(r, "a dim");
        out[(*n)++] = strtoll(r->at, &end, 10);
        if (end == r->at)
            return fail(r, "a size or stride");
        r->at = end;
    }
    return NULL;
}

static Error *take_type(Reader *r, ResultRecord *out)
{
    size_t        n = strcspn(r->at, "[");
    SampleTensor *t = ARENA_NEW(r->arena, SampleTensor);
    int           n_strides;
    t->dtype = dtype_parse(arena_strndup(r->arena, r->at, n));
    if (t->dtype == DT_NONE || r->at[n] != '[')
        return fail(r, "a type");
    r->at += n + 1;
    TRY(take_dims(r, "]", t->sizes, &t->rank));
    int64_t stride = 1;
    for (int i = t->rank - 1; i >= 0; i--) {
        t->strides[i] = stride;
        stride *= t->sizes[i] > 1 ? t->sizes[i] : 1;
    }
    if (accept(r, "{"))
        TRY(take_dims(r, "}", t->strides, &n_strides));
    out->type = t;
    return NULL;
}

/* "1.5 2*3": 1.5 2 2 2 */
static Error *take_values(Reader *r, ResultRecord *out)
{
    VEC(double) values = {0};
    VEC(int64_t) integers = {0};
    while (accept(r, " ")) {
        char   *end, *end_int;
        double  value = strtod(r->at, &end);
        int64_t integer =
            *r->at == '-' ? strtoll(r->at, &end_int, 10) : (int64_t)strtoull(r->at, &end_int, 10);
        if (end == r->at)
            return fail(r, "a number");
        r->at = end;
        long times = accept(r, "*") ? strtol(r->at, &end, 10) : 1;
        r->at = end;
        for (long i = 0; i < times; i++) {
            VEC_PUSH(r->arena, values, value);
            VEC_PUSH(r->arena, integers, integer);
        }
    }
    out->has_values = true;
    out->values = values.items;
    out->integers = integers.items;
    out->n_values = values.n;
    return *r->at ? fail(r, "a number") : NULL;
}

static double take_number(Reader *r)
{
    char  *end;
    double value = strtod(r->at, &end);
    r->at = end;
    return value;
}

static Error *take_result(Reader *r, ResultRecord *out)
{
    *out = (ResultRecord){.every = 1};
    if (accept(r, "none"))
        return out->kind = RESULT_NONE, NULL;
    bool is_bool = !strncmp(r->at, "bool :", 6); /* a dtype otherwise */
    if (accept(r, "int") || accept(r, "float") || (is_bool && accept(r, "bool")))
        out->kind = RESULT_NUMBER;
    else
        TRY(take_type(r, out));
    if (accept(r, " every "))
        out->every = (int64_t)take_number(r);
    if ((out->has_sum = accept(r, " sum "))) {
        char *end;
        out->sum = (int64_t)(*r->at == '-' ? (uint64_t)strtoll(r->at, &end, 10)
                                           : strtoull(r->at, &end, 10));
        r->at = end;
    }
    if (accept(r, " tol "))
        out->bound = take_number(r);
    if ((out->has_mean = accept(r, " mean "))) {
        out->mean = take_number(r);
        if (!accept(r, " std "))
            return fail(r, "std");
        out->deviation = take_number(r);
    }
    if (accept(r, " :"))
        return take_values(r, out);
    return *r->at ? fail(r, "\" :\"") : NULL;
}

static void finish_record(Reader *r)
{
    if (!r->records.n)
        return;
    SampleRecord *record = &r->records.items[r->records.n - 1];
    record->results = r->results.items;
    record->n_results = r->results.n;
    memset(&r->results, 0, sizeof r->results);
}

static Error *take_line(Reader *r, SampleReference *out)
{
    if (accept(r, "# torch ")) {
        out->torch_version = arena_strdup(r->arena, r->at);
    } else if (accept(r, "  refused")) {
        if (!r->records.n)
            return fail(r, "a sample");
        r->records.items[r->records.n - 1].is_refused = true;
    } else if (accept(r, "  ")) {
        ResultRecord result;
        if (!r->records.n)
            return fail(r, "a sample");
        TRY(take_result(r, &result));
        VEC_PUSH(r->arena, r->results, result);
    } else {
        finish_record(r);
        VEC_PUSH(r->arena, r->records, ((SampleRecord){.key = arena_strdup(r->arena, r->at)}));
    }
    return NULL;
}

static void index_records(Arena *arena, SampleReference *out)
{
    out->by_key = name_map_create(arena, 4096);
    for (int i = 0; i < out->n_records; i++)
        name_map_add(out->by_key, out->records[i].key)->number = i;
}

Error *sample_reference_read(Arena *arena, const char *path, SampleReference *out)
{
    Reader  r = {.arena = arena, .path = path};
    FILE   *f = fopen(path, "r");
    char   *line = NULL;
    size_t  cap = 0;
    Error  *error = NULL;
    ssize_t n;
    *out = (SampleReference){0};
    if (!f)
        return error_new(arena, E_IO, (Where){.file = path}, "cannot open the file");
    while (!error && (n = getline(&line, &cap, f)) > 0) {
        if (line[n - 1] == '\n')
            line[n - 1] = 0;
        r.line++;
        r.at = line;
        error = take_line(&r, out);
    }
    free(line);
    fclose(f);
    finish_record(&r);
    out->records = r.records.items;
    out->n_records = r.records.n;
    index_records(arena, out);
    return error;
}

SampleRecord *sample_reference_find(const SampleReference *reference, Arena *arena,
                                    const Sample *sample)
{
    NameEntry *entry = name_map_find(
        reference->by_key, arena_printf(arena, "%s %s", sample->schema->name, sample->text));
    return entry ? &reference->records[entry->number] : NULL;
}
