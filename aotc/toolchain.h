/* Runs the system's C compiler on emitted files.  In: texts.  Out: the bytes of a shared object.
 *
 * Works in a scratch folder (or --keep DIR) that also holds the exact commands, and runs up to
 * `jobs` compilers at once. */
#ifndef AOTC_AOTC_TOOLCHAIN_H
#define AOTC_AOTC_TOOLCHAIN_H

#include "emit_c/emit_c.h"
#include "ir/base/error.h"

typedef struct Toolchain {
    const char *cc;       /* "gcc", or several words: "ccache gcc"; NULL: $CC, else cc */
    const char *keep;     /* --keep folder, or NULL */
    int         jobs;     /* at least 1 */
    bool        verbose;  /* print commands to stderr */
    const char *sanitize; /* "address,undefined" for emitted code, or NULL */
    const char *target;   /* --target: "native", "x86-64-v3", … */
    void (*progress)(void *cx, int done, int total);
    void *progress_cx;
} Toolchain;

typedef struct TargetInfo {
    const char *name;   /* "x86-64-v3" */
    const char *flags;  /* for cc */
    const char *triple; /* cross compiler's prefix, or NULL */
} TargetInfo;

/* The table of targets (targets.c); NULL when unknown. */
const TargetInfo *target_find(const char *name);
const TargetInfo *target_at(int index);

typedef struct BuiltObject {
    const void *data;
    size_t      size_bytes;
    const char *commands; /* one a line, scratch paths left out */
    double      seconds;
} BuiltObject;

/* Between the two, SIGINT, SIGTERM and SIGHUP are noted only, so that scratch files and half a
 * package do not stay; a running build ends early.  signals_release() then lets the noted signal
 * through.  A second signal acts at once. */
void signals_hold(void);
bool signals_noted(void);
void signals_release(void);

Error *toolchain_build(const Toolchain *tool, Arena *arena, const EmitFile *files, int n_files,
                       BuiltObject *out);

/* Sources alone, into the --keep folder. */
Error *toolchain_write_sources(const Toolchain *tool, Arena *arena, const EmitFile *files,
                               int n_files);

#endif
