/* Runs the system's C compiler, and nvcc, on emitted files.  In: texts.  Out: the bytes of a shared
 * object.
 *
 * Works in a scratch folder (or --keep DIR) that also holds the exact commands, and runs up to
 * `jobs` compilers at once. */
#ifndef AOTC_AOTC_TOOLCHAIN_H
#define AOTC_AOTC_TOOLCHAIN_H

#include "aotc/op_files.h"
#include "emit_cuda/emit_cuda.h"
#include "ir/base/error.h"

typedef struct Toolchain {
    const char    *cc;       /* "gcc", or several words: "ccache gcc"; NULL: $CC, else cc */
    const char    *nvcc;     /* the same for device code; NULL: $NVCC, else nvcc */
    const char    *keep;     /* --keep folder, or NULL */
    int            jobs;     /* at least 1 */
    bool           verbose;  /* print commands to stderr */
    const char    *sanitize; /* "address,undefined" for emitted code, or NULL */
    const OpFiles *ops;      /* custom operators that the library calls: its libraries; or NULL */
    void (*progress)(void *cx, int done, int total);
    void *progress_cx;
} Toolchain;

typedef struct TargetInfo {
    const char *name;     /* "x86-64-v3", "cuda:sm_90" */
    const char *flags;    /* for cc */
    const char *triple;   /* cross compiler's prefix, or NULL */
    uint64_t    features; /* AOTC_CPU_… and AOTC_NEEDS_CUDA that the code needs */
    CudaArch    arch;     /* name NULL: the CPU */
} TargetInfo;

/* The table of targets (targets.c), NULL behind its end. */
const TargetInfo *target_at(int index);

#define MAX_LIBRARIES 16

/* One shared object of a package: lib/<name>/model.so. */
typedef struct Library {
    const char *name; /* "native", "cuda" */
    const char *flags, *triple;
    uint64_t    features;
    CudaArch    archs[MAX_LIBRARIES]; /* none: it runs on the CPU */
    int         n_archs;
} Library;

typedef struct TargetList {
    Library libraries[MAX_LIBRARIES]; /* in the order of --target */
    int     n;
} TargetList;

/* "native,cuda:sm_80,cuda:sm_90": E_USAGE names what is unknown. */
Error *targets_parse(Arena *arena, const char *text, TargetList *out);

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

Error *toolchain_build(const Toolchain *tool, Arena *arena, const Library *library,
                       const EmitFile *files, int n_files, BuiltObject *out);

/* Sources alone, into the --keep folder. */
Error *toolchain_write_sources(const Toolchain *tool, Arena *arena, const EmitFile *files,
                               int n_files);

#endif
