/* One compile, from an export to a package: what `aotc IN -o OUT` does. */
#ifndef AOTC_AOTC_COMPILE_H
#define AOTC_AOTC_COMPILE_H

#include "aotc/op_files.h"
#include "aotc/toolchain.h"
#include "passes/pass.h"

typedef struct CompileOptions {
    const char *input, *output, *weights_from, *model;
    Toolchain   tool;
    TargetList  targets;
    const char *target;    /* as given, or NULL */
    PassCtx     passes;    /* disabled passes, dumps */
    bool        emit_only; /* stop after the sources (in tool.keep) */
    const char *stats;     /* --stats FILE */
    const char *entry;     /* name of the entry point; NULL: the model's */
    bool        progress;  /* stderr is a terminal */
    bool        verbose;
    const char *logs;  /* AOTC_LOGS */
    OpFiles     ops;   /* custom operators */
    Text       *stubs; /* --explain-unsupported: gets the source; NULL: not asked for */
} CompileOptions;

typedef struct CompileTimes {
    double read, passes, lower, emit, cc, freeze, write;
} CompileTimes;

Error *compile(Arena *arena, CompileOptions *options);

/* Reading alone, for `aotc opt` too, with the options' input files: an export, or IR text (*.ir,
 * *.txt), which holds a graph or a plan: the other one is NULL.  *archive stays open as long as the
 * graph lives. */
struct Archive;
Error *read_ir(Arena *arena, CompileOptions *options, const char *path, Graph **graph, Plan **plan,
               struct Archive **archive);

/* metadata.c */
typedef struct ManifestSpec {
    Arena      *arena;
    const Plan *plans[2]; /* of CPUs, of CUDA devices, or one of them */
    int         n_plans;
    const char *targets[MAX_LIBRARIES];
    int         n_targets;
    const char *commands; /* one a line */
    uint64_t    weights_bytes;
} ManifestSpec;

const char *manifest_text(const ManifestSpec *spec);
Error      *write_stats(Arena *arena, const Plan *plan, const CompileOptions *options,
                        const CompileTimes *times);

#endif
