/* opt and inspect. */
#include "aotc/commands.h"

#include "package/archive_read.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

/* ---- opt ------------------------------------------------------------------------------------- */

static Error *run_named(Arena *arena, Command *c, Graph *graph, const char *names)
{
    while (*names) {
        size_t      n = strcspn(names, ",");
        const char *name = arena_strndup(arena, names, n);
        names += n + (names[n] == ',');
        if (!strcmp(name, "lower")) {
            Plan *plan;
            Text  text = text_new(arena);
            TRY(lower_graph(graph, &c->compile.passes, &plan));
            TRY(plan_verify(plan));
            plan_print(&text, plan);
            fputs(text.data, stdout);
            continue;
        }
        const Pass *pass = pass_find(name);
        if (!pass)
            return error_new(arena, E_USAGE, (Where){0},
                             "unknown pass %s; --list-passes names them", name);
        TRY(pass_run(pass, graph, &c->compile.passes));
    }
    return NULL;
}

/* No pass runs on a plan: its text is checked and printed back. */
static Error *print_plan(Arena *arena, const Command *c, const Plan *plan)
{
    Text text = text_new(arena);
    if (c->passes && *c->passes)
        return error_new(arena, E_USAGE, (Where){.file = c->files[0]},
                         "passes run on graphs, and this is the text of a plan");
    plan_print(&text, plan);
    fputs(text.data, stdout);
    return NULL;
}

static Error *optimize(Arena *arena, Command *c, Graph *graph)
{
    TRY(c->passes ? run_named(arena, c, graph, c->passes) : passes_run(graph, &c->compile.passes));
    if (c->passes && strstr(c->passes, "lower"))
        return NULL;
    Text text = text_new(arena);
    graph_print(&text, graph);
    fputs(text.data, stdout);
    return NULL;
}

Error *command_opt(Arena *arena, Command *c)
{
    Graph   *graph;
    Plan    *plan;
    Archive *archive = NULL;
    if (c->n_files != 1)
        return error_new(arena, E_USAGE, (Where){0}, "aotc opt takes one file");
    c->compile.passes.arena = arena;
    Error *error = read_ir(arena, &c->compile, c->files[0], &graph, &plan, &archive);
    if (!error)
        error = plan ? print_plan(arena, c, plan) : optimize(arena, c, graph);
    archive_close(archive);
    return error;
}

/* ---- inspect --------------------------------------------------------------------------------- */

static Error *read_manifest(Arena *arena, const char *path, char **text)
{
    int    code;
    zip_t *z = zip_open(path, ZIP_RDONLY, &code);
    if (!z)
        return error_new(arena, E_FORMAT, (Where){.file = path},
                         "not a package: it cannot be read as a zip");
    zip_stat_t  st;
    zip_file_t *f = NULL;
    Error      *error = NULL;
    if (zip_stat(z, "manifest.json", 0, &st) || !(f = zip_fopen(z, "manifest.json", 0)) ||
        st.size > (64u << 20)) {
        error = error_new(arena, E_FORMAT, (Where){.file = path},
                          "not a package: it has no manifest.json");
    } else {
        *text = arena_alloc(arena, (size_t)st.size + 1);
        if (zip_fread(f, *text, st.size) != (zip_int64_t)st.size)
            error =
                error_new(arena, E_FORMAT, (Where){.file = path}, "manifest.json cannot be read");
    }
    if (f)
        zip_fclose(f);
    zip_discard(z);
    return error;
}

/* Said where it is not the device of the entry point. */
static const char *place_text(const char *device, json_t *item)
{
    const char *own = json_string_value(json_object_get(item, "device"));
    return own && device && strcmp(own, device) ? "  (on the CPU)" : "";
}

static void print_tensors(const char *title, const char *device, json_t *list)
{
    size_t  i;
    json_t *t;
    printf("%s\n", title);
    json_array_foreach(list, i, t)
    {
        json_t *shape = json_object_get(t, "shape");
        char   *sizes = shape ? json_dumps(shape, JSON_COMPACT) : NULL;
        printf("  %-28s %s %s%s%s%s\n", json_string_value(json_object_get(t, "name")),
               shape ? json_string_value(json_object_get(t, "dtype")) : "number",
               sizes ? sizes : "", place_text(device, t),
               json_object_get(t, "mutated") ? "  (written)" : "",
               json_object_get(t, "literal") ? "  (fixed)" : "");
        free(sizes);
    }
}

static void print_entry(json_t *e)
{
    size_t      i;
    json_t     *item;
    const char *device = json_string_value(json_object_get(e, "device"));
    printf("entry %s (%s)\n", json_string_value(json_object_get(e, "name")), device);
    print_tensors("inputs", device, json_object_get(e, "inputs"));
    print_tensors("outputs", device, json_object_get(e, "outputs"));
    json_array_foreach(json_object_get(e, "symbols"), i, item)
    {
        json_t *max = json_object_get(item, "max");
        printf("  %s >= %lld", json_string_value(json_object_get(item, "name")),
               (long long)json_integer_value(json_object_get(item, "min")));
        if (json_is_integer(max))
            printf(", <= %lld", (long long)json_integer_value(max));
        printf("\n");
    }
    printf("kernels\n");
    json_array_foreach(json_object_get(e, "kernels"), i, item) printf(
        "  %-52s %-10s %s%s\n", json_string_value(json_object_get(item, "name")),
        json_string_value(json_object_get(item, "kind")),
        json_object_get(item, "python") ? json_string_value(json_object_get(item, "python")) : "",
        place_text(device, item));
}

Error *command_inspect(Arena *arena, Command *c)
{
    char *text = NULL;
    if (c->n_files != 1)
        return error_new(arena, E_USAGE, (Where){0}, "aotc inspect takes one package");
    TRY(read_manifest(arena, c->files[0], &text));
    if (c->json)
        return puts(text), NULL;
    json_t *root = json_loads(text, 0, NULL), *entry;
    size_t  i;
    if (!root)
        return error_new(arena, E_FORMAT, (Where){.file = c->files[0]}, "manifest.json is no JSON");
    printf("made by %s from torch %s\n", json_string_value(json_object_get(root, "producer")),
           json_string_value(json_object_get(root, "torch_version")));
    printf("weights %lld bytes\n",
           (long long)json_integer_value(json_object_get(root, "weights_bytes")));
    json_array_foreach(json_object_get(root, "targets"), i, entry)
        printf("target %s\n", json_string_value(entry));
    json_array_foreach(json_object_get(root, "entries"), i, entry) print_entry(entry);
    json_decref(root);
    return NULL;
}
