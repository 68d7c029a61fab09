/* AOTC_LOGS: `list` is its value, or NULL. */
#ifndef AOTC_AOTC_LOGS_H
#define AOTC_AOTC_LOGS_H

#include "emit_c/emit_c.h"

void   log_graph(const char *list, Arena *arena, const Graph *graph);
void   log_plan(const char *list, Arena *arena, const Plan *plan);
void   log_code(const char *list, const EmitFile *files, int n);
/* A name that is none of the artifacts is a mistake worth telling. */
Error *check_logs(Arena *arena, const char *list);

#endif
