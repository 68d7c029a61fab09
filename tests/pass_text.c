/* Runs text cases of passes; the form is in pass_text.h.
 *
 * In: a text file.  Out: counts; what differs goes to stderr. */
#include "tests/pass_text.h"

#include "passes/graph_util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Case {
    const char *name; /* file:line */
    char       *passes, *input, *expected, *fold, *error;
    VEC(char *) counters; /* "name number" */
    bool is_cuda;         /* target */
} Case;

/* ---- reading --------------------------------------------------------------------------------- */

/* The rest of a directive line, NULL when the line is something else. */
static char *directive(Arena *arena, const char *line, size_t n, const char *word)
{
    size_t skip = strlen(word);
    if (n < skip || strncmp(line, word, skip))
        return NULL;
    while (skip < n && line[skip] == ' ')
        skip++;
    while (n > skip && line[n - 1] == ' ')
        n--;
    return arena_strndup(arena, line + skip, n - skip);
}

typedef VEC(Case) Cases;

static void finish_part(Text *part, char **target)
{
    if (target)
        *target = arena_strdup(part->arena, part->data);
    *part = text_new(part->arena);
}

static void read_cases(Arena *arena, const char *name, const char *text, Cases *cases)
{
    Text   part = text_new(arena);
    char **target = NULL;
    Case  *c = NULL;
    int    line_number = 0;
    for (const char *line = text, *end; *line; line = *end ? end + 1 : end) {
        end = strchr(line, '\n');
        end = end ? end : line + strlen(line);
        size_t n = (size_t)(end - line);
        char  *rest;
        line_number++;
        if ((rest = directive(arena, line, n, "# pass:"))) {
            finish_part(&part, target);
            VEC_PUSH(
                arena, *cases,
                ((Case){.name = arena_printf(arena, "%s:%d", name, line_number), .passes = rest}));
            c = &cases->items[cases->n - 1];
            target = &c->input;
        } else if (c && (rest = directive(arena, line, n, "# error:"))) {
            c->error = rest;
        } else if (c && directive(arena, line, n, "# target: cuda")) {
            c->is_cuda = true;
        } else if (c && (rest = directive(arena, line, n, "# counter:"))) {
            VEC_PUSH(arena, c->counters, rest);
        } else if (c && directive(arena, line, n, "# expect")) {
            finish_part(&part, target);
            target = &c->expected;
        } else if (c && directive(arena, line, n, "# fold")) {
            finish_part(&part, target);
            target = &c->fold;
        } else {
            text_putn(&part, line, n);
            text_putc(&part, '\n');
        }
    }
    finish_part(&part, target);
}

/* ---- running --------------------------------------------------------------------------------- */

static Error *run_passes(Graph *graph, PassCtx *cx, const char *names)
{
    char *list = arena_strdup(cx->arena, names);
    for (char *save = NULL, *name = strtok_r(list, ", ", &save); name;
         name = strtok_r(NULL, ", ", &save)) {
        if (!strcmp(name, "all")) {
            TRY(passes_run(graph, cx));
            continue;
        }
        const Pass *pass = pass_find(name);
        if (!pass)
            return error_new(cx->arena, E_USAGE, (Where){0}, "there is no pass %s", name);
        TRY(pass_run(pass, graph, cx));
    }
    return NULL;
}

static int fail(const Case *c, const char *what, const char *got, const char *want)
{
    fprintf(stderr, "%s (%s): %s\n--- got\n%s\n--- expected\n%s\n", c->name, c->passes, what, got,
            want);
    return 1;
}

static int check_error(Arena *arena, const Case *c, const Error *error)
{
    if (!c->error)
        return fail(c, "error", error_text(arena, error), "no error");
    char       *text = error_text(arena, error);
    size_t      n = strcspn(c->error, " ");
    const char *words = c->error + n + strspn(c->error + n, " ");
    const char *code = error_code_name(error->code);
    if (strlen(code) != n || strncmp(code, c->error, n))
        return fail(c, "another error code", arena_printf(arena, "%s\n%s", code, text), c->error);
    return strstr(text, words) ? 0 : fail(c, "another error", text, c->error);
}

/* Names of results and outputs are no part of what is compared: results get numbers in order of
 * definition. */
static void forget_names(Graph *graph);

static void forget_subgraph_names(void *cx, Graph *graph)
{
    (void)cx;
    forget_names(graph);
}

static void forget_names(Graph *graph)
{
    int n = 0;
    for (Node *node = graph->first; node; node = node->next) {
        for (int i = 0; i < node->n_results; i++)
            node->results[i]->name = arena_printf(graph->ir->arena, "r%d", n++);
        node_for_each_graph(node, forget_subgraph_names, NULL);
    }
    for (int i = 0; i < graph->n_outputs; i++)
        graph->outputs[i].name = NULL;
    if (graph->fold)
        forget_names(graph->fold);
}

static int check_text(Ir *ir, const Case *c, Graph *graph, const char *expected, const char *what)
{
    Graph *parsed;
    Error *error = graph_parse(ir, expected, &parsed);
    if (error)
        return fail(c, "the expected text is malformed", error_text(ir->arena, error), expected);
    forget_names(graph);
    forget_names(parsed);
    Text got = text_new(ir->arena), want = text_new(ir->arena);
    graph_print(&got, graph);
    graph_print(&want, parsed);
    return strcmp(got.data, want.data) ? fail(c, what, got.data, want.data) : 0;
}

static int check_counters(const Case *c, const PassCtx *cx)
{
    for (int i = 0; i < c->counters.n; i++) {
        const char *want = c->counters.items[i];
        size_t      n = strcspn(want, " ");
        int64_t     count = 0;
        for (int j = 0; j < cx->counters.n; j++)
            if (strlen(cx->counters.items[j].name) == n &&
                !strncmp(cx->counters.items[j].name, want, n))
                count = cx->counters.items[j].count;
        if (count != strtoll(want + n, NULL, 10))
            return fail(c, "counter", arena_printf(cx->arena, "%lld", (long long)count), want);
    }
    return 0;
}

static int run_case(Arena *arena, const Case *c)
{
    Ir     *ir = ir_create(arena, c->name);
    Graph  *graph;
    PassCtx cx = {.arena = arena, .target_is_cuda = c->is_cuda};
    Error  *error = graph_parse(ir, c->input, &graph);
    if (error)
        return fail(c, "the input is malformed", error_text(arena, error), c->input);
    error = run_passes(graph, &cx, c->passes);
    if (error)
        return check_error(arena, c, error);
    if (c->error)
        return fail(c, "no error", "success", c->error);
    int failed = c->expected ? check_text(ir, c, graph, c->expected, "another graph") : 0;
    if (!failed && c->fold)
        failed = graph->fold ? check_text(ir, c, graph->fold, c->fold, "another fold graph")
                             : fail(c, "nothing was folded", "no fold graph", c->fold);
    return failed ? failed : check_counters(c, &cx);
}

int pass_text_cases(const char *name, const char *text, int *n_cases)
{
    Arena *arena = arena_create(NULL);
    Cases  cases = {0};
    int    failed = 0;
    read_cases(arena, name, text, &cases);
    *n_cases = cases.n;
    for (int i = 0; i < cases.n; i++)
        failed += run_case(arena, &cases.items[i]);
    arena_destroy(arena);
    return *n_cases ? failed : -1;
}

int pass_text_file(const char *path, int *n_cases)
{
    FILE *file = fopen(path, "rb");
    *n_cases = 0;
    if (!file)
        return -1;
    char  *text = NULL;
    size_t n = 0, cap = 0, got;
    do {
        cap = cap ? 2 * cap : 65536;
        text = realloc(text, cap + 1);
        got = fread(text + n, 1, cap - n, file);
        n += got;
    } while (got);
    text[n] = 0;
    fclose(file);
    int failed = pass_text_cases(path, text, n_cases);
    free(text);
    return failed;
}
