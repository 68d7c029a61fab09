/* What the files of emit_cuda share.
 *
 * A kernel of the plan becomes one or more __global__ functions, and a launcher in C that fills
 * their arguments and launches them.  A function has one parameter, a struct of 8-byte fields:
 *
 *   struct k3_fused_add_args { const float *x; float *y; int64_t s0; };
 *   extern "C" __global__ void __launch_bounds__(256)
 *   k3_fused_add(const __grid_constant__ k3_fused_add_args a)
 *   {
 *       const float *__restrict__ x = a.x; …            made by cuda_function()
 *       aotc_begin();                                   waits for the launch before
 *       <body>
 *   }
 *
 *   static void k3_fused_add_launch(const aotc_model_frame *f)
 *   {
 *       const int64_t s0 = f->sym[0]; …
 *       <host statements: cuda_launch()>
 *   }
 *
 * Bodies speak of buffers by emit_buffer_name() (pointers to element 0 of the storage), of sizes by
 * the names of their symbols, of the failure record as `f` and of the kernel's number as `kernel`
 * (what nest.h prints when Emit.is_device); which of them a body names becomes fields of the struct
 * by itself.  Everything else that is known on the host only is an extra field.
 *
 * Functions whose texts differ in the names of buffers and loop variables alone are one function:
 * twelve equal layers compile once.  So a text must not hold what differs from layer to layer but
 * does not matter (names of nodes, offsets of weights: those come through pointers). */
#ifndef AOTC_EMIT_CUDA_INTERNAL_H
#define AOTC_EMIT_CUDA_INTERNAL_H

#include "emit_c/nest.h"
#include "emit_cuda/emit_cuda.h"

/* A distinct __global__ function. */
typedef struct CudaUnique {
    const char *name;         /* of the function in the image */
    const char *key;          /* its text with canonical names */
    const char *text;         /* as printed into the .cu file */
    VEC(const char *) fields; /* of the args struct, in canonical order */
    int max_shared_bytes;
    int weight; /* bytes of text: parts are balanced by it */
    int part;
    VEC(const char *) runtime; /* keys of fixed texts that it needs, in order */
} CudaUnique;

typedef struct CudaEmit {
    Emit e; /* names, expressions, e.out: where text goes; e.is_device while device text is made */
    VEC(CudaUnique *) functions;
    Text         *host; /* functions that host functions are */
    int           n_groups;
    Text         *launch; /* statements of the launcher at hand */
    const Kernel *kernel;
    VEC(const char *) needs; /* fixed texts that the function at hand needs */
    const CudaArch *archs;
    int             n_archs, n_parts;
    bool           *draws; /* by kernel: it runs on the CPU and reads seed and offset */
} CudaEmit;

/* One field of the args struct beside buffers and symbols. */
typedef struct CudaField {
    const char *type;  /* of 8 bytes, or aotc_tensor_map: 128 bytes, used in place as &a.<name> */
    const char *name;  /* how the body calls it */
    const char *value; /* C expression in the launcher; NULL: the launcher sets `args.<name>` itself
                        */
} CudaField;

typedef struct CudaFunction {
    const char      *suffix;  /* "", or "_split": tells functions of one kernel apart */
    const char      *support; /* device code in front of it (functions, templates), or NULL.  It may
                                 use `struct KERNEL_args`, where KERNEL is emit_kernel_name() plus
                                 suffix */
    const char      *body;    /* statements, indented by 4 */
    const CudaField *fields;
    int              n_fields;
    int              threads;          /* most threads of a block: __launch_bounds__ */
    int              min_blocks;       /* a multiprocessor, 0: left out */
    int              max_shared_bytes; /* dynamic shared memory at most */
    bool             no_restrict;      /* the body accesses one memory through two names */
    bool             begins_itself; /* the body calls aotc_begin(): aotc_open() stands before it */
} CudaFunction;

/* A function found or made: what cuda_launch needs. */
typedef struct CudaHandle {
    int         function;             /* index in the table */
    const char *args;                 /* C type of its args struct in model.c */
    VEC(const char *) fields, values; /* designated initialisers of this kernel's launch */
} CudaHandle;

Error *cuda_function(CudaEmit *c, const CudaFunction *spec, CudaHandle *out);

/* Host texts: C expressions of int64_t over symbols and what the launcher has declared. */
typedef struct CudaLaunch {
    const char *grid[3];    /* NULL: 1 */
    const char *block[3];   /* NULL: 1 */
    const char *cluster[3]; /* NULL: 1 */
    const char *shared;     /* NULL: 0 */
    const char *flags;      /* NULL: AOTC_LAUNCH_EARLY, as every function begins with its wait */
    const char *set;        /* statements between args and launch: "args.map = …;", or NULL */
} CudaLaunch;

/* Prints a block into c->launch that fills `args` and launches. */
void cuda_launch(CudaEmit *c, const CudaHandle *handle, const CudaLaunch *launch, int indent);

/* The function at hand needs a fixed text of emit_cuda/runtime/ (those it builds on come by
 * themselves): call before cuda_function(). */
void cuda_need(CudaEmit *c, const char *name);

/* The kernel at hand needs that many bytes of f->scratch (device memory shared by all kernels of a
 * plan, contents undefined at its start; `scratch` in a body is its address when it is a field). */
void cuda_need_scratch(CudaEmit *c, const Expr *bytes);

/* ---- the families: print all that stands for the kernel -------------------------------------- */
Error *cuda_emit_loops(CudaEmit *c, const Kernel *k);     /* loops.c */
Error *cuda_emit_gemm(CudaEmit *c, const Kernel *k);      /* gemm.c */
Error *cuda_emit_conv(CudaEmit *c, const Kernel *k);      /* conv.c: CONV */
Error *cuda_emit_depthwise(CudaEmit *c, const Kernel *k); /* depthwise.c */
Error *cuda_emit_attention(CudaEmit *c, const Kernel *k); /* attention.c */
Error *cuda_emit_rnn(CudaEmit *c, const Kernel *k);       /* rnn.c: LSTM, GRU */
Error *cuda_emit_scan(CudaEmit *c, const Kernel *k);      /* scan.c */
Error *cuda_emit_sort(CudaEmit *c, const Kernel *k);      /* sort.c */
Error *cuda_emit_nonzero(CudaEmit *c, const Kernel *k);   /* nonzero.c */
Error *cuda_emit_bag(CudaEmit *c, const Kernel *k);       /* bag.c */
Error *cuda_emit_call(CudaEmit *c, const Kernel *k);      /* call.c */

/* ---- host.c, emit_cuda.c --------------------------------------------------------------------- */
Error *cuda_emit_host(CudaEmit *c);
/* Index of the function that reports when a bool on the device is false. */
int    cuda_assert_function(CudaEmit *c);

/* ---- texts.c: fixed device code -------------------------------------------------------------- */
typedef struct CudaText {
    const char *name;
    const char *before; /* the text that it builds on, or NULL */
    const char *text;
} CudaText;

/* What every device file begins with. */
void            cuda_put_head(Text *out);
int             cuda_n_texts(void);
const CudaText *cuda_text_at(int index);
const CudaText *cuda_text(const char *name);

#endif
