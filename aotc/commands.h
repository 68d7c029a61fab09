/* Commands of aotc besides compile; each in commands.c. */
#ifndef AOTC_AOTC_COMMANDS_H
#define AOTC_AOTC_COMMANDS_H

#include "aotc/compile.h"

typedef struct Command {
    const char    *name; /* "opt", …; NULL: compile */
    CompileOptions compile;
    const char   **files;
    int            n_files;
    const char    *passes; /* opt: comma-separated names */
    const char    *target; /* --target, or NULL */
    bool           json, markdown;
    const char    *dtype; /* ops: --dtype, or NULL */
    bool           explain_unsupported;
} Command;

Error *command_opt(Arena *arena, Command *command);
Error *command_inspect(Arena *arena, Command *command);
Error *command_ops(Arena *arena, Command *command);

#endif
