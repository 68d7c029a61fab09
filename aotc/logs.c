/* AOTC_LOGS: the artifacts whose names PyTorch users know, on stderr. */
#include "aotc/logs.h"

#include <stdio.h>
#include <string.h>

static bool logs(const char *list, const char *artifact)
{
    size_t n = strlen(artifact);
    for (const char *at = list ? list : ""; *at;) {
        size_t len = strcspn(at, ",");
        if (len == n && !strncmp(at, artifact, n))
            return true;
        at += len + (at[len] == ',');
    }
    return false;
}

void log_graph(const char *list, Arena *arena, const Graph *graph)
{
    if (logs(list, "post_grad_graphs")) {
        Text text = text_new(arena);
        graph_print(&text, graph);
        fprintf(stderr, "# post_grad_graphs\n%s", text.data);
    }
    for (int i = 0; i < graph->guards.n && logs(list, "guards"); i++)
        fprintf(stderr, "# guard %s%s\n", graph->guards.items[i].expr ? "" : "(unchecked) ",
                graph->guards.items[i].text);
}

void log_plan(const char *list, Arena *arena, const Plan *plan)
{
    if (logs(list, "schedule") || logs(list, "fusion")) {
        Text text = text_new(arena);
        plan_print(&text, plan);
        fprintf(stderr, "# schedule\n%s", text.data);
    }
}

void log_code(const char *list, const EmitFile *files, int n)
{
    for (int i = 0; i < n && logs(list, "output_code"); i++)
        fprintf(stderr, "/* output_code %s */\n%s", files[i].name, files[i].text);
}

/* A name that is none of them is a mistake worth telling. */
Error *check_logs(Arena *arena, const char *list)
{
    static const char *const names[] = {"post_grad_graphs", "output_code", "fusion", "schedule",
                                        "guards"};
    for (const char *at = list ? list : ""; *at;) {
        size_t len = strcspn(at, ",");
        bool   known = len == 0;
        for (size_t i = 0; i < sizeof names / sizeof *names; i++)
            known |= strlen(names[i]) == len && !strncmp(names[i], at, len);
        if (!known)
            return error_new(arena, E_USAGE, (Where){0},
                             "AOTC_LOGS: %.*s is none of post_grad_graphs, output_code, fusion, "
                             "schedule, guards",
                             (int)len, at);
        at += len + (at[len] == ',');
    }
    return NULL;
}
