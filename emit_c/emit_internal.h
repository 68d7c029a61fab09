/* What the files of emit_c share: the state of one emission, names, pointers, expressions,
 * epilogues.
 *
 * A kernel is a function `void k3_fused_add(const aotc_model_frame *f, int32_t thread)`.  Inside it
 * sizes are variables with the names of their symbols (`s0`), loop variables too (`i3`), buffers
 * are local pointers to element 0 of their storage: the index of a LOAD and Operand.offset count
 * from there.
 *
 * LOCAL rows: one that is a compile-time constant of at most 16 KiB is an array on the stack;
 * others are laid out in the thread's scratch memory, in order of first store, each at a multiple
 * of 64 bytes (Kernel.scratch_bytes holds them all). */
#ifndef AOTC_EMIT_INTERNAL_H
#define AOTC_EMIT_INTERNAL_H

#include "emit_c/cfamily.h"
#include "emit_c/emit_c.h"

/* A buffer whose memory the run has asked for; `elsewhere`: in another branch than the one printed.
 */
typedef struct LateBuffer {
    const Buffer *root;
    bool          elsewhere;
} LateBuffer;

typedef struct Emit {
    const Plan *plan; /* being emitted: the model's or its fold plan */
    const Plan *root; /* the model's */
    Arena      *arena;
    ExprPool   *exprs;
    Text       *out;     /* kernels and functions of the current file */
    Text       *runtime; /* fixed texts that they need, printed once a file after the prelude */
    const char *prefix;  /* of global names: "" or "fold_" */
    const WeightLayout *layout;     /* of plan->constants */
    bool                many_files; /* kernels are seen from other files */
    EmitDevice          device;     /* what the code runs on; a fold plan: EMIT_CPU.  While code of
                                       a CUDA plan is printed that host functions call, EMIT_CPU */
    bool is_device; /* the text is CUDA: `f` is the device failure, `kernel` the kernel's number */
    VEC(const char *) device_texts; /* is_device: c_op_runtime() of what the nests have printed */
    const Expr *scratch;            /* EMIT_CUDA: bytes that kernels asked for, or NULL */
    int         n_functions;        /* EMIT_CUDA: rows of the table `functions` */
    int         n_images;           /* EMIT_CUDA: rows of the table `images` */
    int         least_abi;          /* that the code printed so far asks for, 0: nothing special */
    VEC(const char *) runtime_keys; /* of the current file */
    VEC(const Buffer *)
    temporaries; /* buffers whose size the run finds out: slots of frame->temporaries */
    VEC(LateBuffer) allocated; /* of the run function that is printed */
} Emit;

/* ---- names and text -------------------------------------------------------------------------- */
/* "k3_fused_add_0", "fold_k0_pack": also the stem of names that belong to the kernel. */
const char *emit_kernel_name(Emit *e, const Kernel *k);
/* The C name of a buffer's local pointer: its name, changed when C or this emitter means something
 * else by it. */
const char *emit_buffer_name(Emit *e, const Buffer *b);
/* Does the name mean something else in C or C++? */
bool        emit_is_c_word(const char *name);
/* The expression as C over int64_t variables named by their symbols. */
const char *emit_expr(Emit *e, const Expr *expr);
/* Adds a fixed text to the current file once; `key` is its name. */
void        emit_need_runtime(Emit *e, const char *key, const char *text);
/* Defines `extern const char NAME[]` from a text file: for the fixed texts under emit_c/runtime/.
 */
#define EMIT_RUNTIME_TEXT(name, path)                                                              \
    __asm__(".section .rodata\n.global " #name "\n.hidden " #name "\n" #name ":\n.incbin \"" path  \
            "\"\n.byte 0\n.previous\n");                                                           \
    extern const char name[]

/* ---- parts of a kernel's function ------------------------------------------------------------ */
/* Comment (nodes, Python line), signature and "{"; then `const int64_t s0 = f->sym[0];` for every
 * symbol of the plan (unused ones do not warn) and a pointer for every buffer in reads and writes
 * that is not LOCAL.  The caller prints the body at one level of indent and "}\n\n". */
void        emit_kernel_open(Emit *e, const Kernel *k);
/* Symbols only, and pointers only, for functions of other shapes. `f` must be in scope. */
void        emit_symbols(Emit *e, int indent);
void        emit_pointers(Emit *e, const Kernel *k, int indent);
/* Address of element 0 of the buffer's storage: "(f->arena + 256)", "f->inputs[2]"; type unsigned
 * char * or void *. */
const char *emit_address(Emit *e, const Buffer *b);
/* The frame's arena that a TEMP lies in: in a host function there is one. */
const char *emit_arena(const Emit *e, const Buffer *b);
/* "x + (768*s0 + 4)": a pointer of the buffer's storage type to the operand's element 0. */
const char *emit_load_operand_base(Emit *e, const Operand *operand);
/* Memory of a buffer whose size is known only now (TEMP with unbacked symbols, LATE output):
 * printed in a block that only thread 0 runs; the symbols in its sizes must be variables in scope.
 * Nothing is printed for other buffers. */
void        emit_allocate(Emit *e, const Buffer *b, int indent);
/* Does its memory come from emit_allocate()?  Such a buffer that a KERNEL_NONZERO writes is
 * allocated by that kernel, after it has set the symbol; any other one by the host program before
 * the step that writes it. */
bool        emit_is_late(const Buffer *b);
/* Slot of a symbol in f->sym; -1 when it is none of the plan's. */
int         emit_symbol_slot(const Emit *e, const Symbol *symbol);

/* Parallel loops: `int64_t lo, hi;` and their values for this thread: equal contiguous parts of [0,
 * total), cut at multiples of `grain`.  With parallel == false thread 0 gets all, the others
 * nothing. */
void emit_split(Emit *e, int indent, bool parallel, const char *total, int grain);

/* ---- generated functions around templates ---------------------------------------------------- */
/* Prints, to stand before the kernel's own function (K is emit_kernel_name()):
 *
 *   typedef struct K_args {...} K_args;
 *   static inline void K_open(const aotc_model_frame *f, K_args *a);
 *   static inline void K_epilogue(const K_args *a, int64_t d0, …, int64_t n0, int64_t n_count,
 * const ACC *restrict acc);
 *
 * K_epilogue takes the values of all result dims but the last (batch…, m for a GEMM; n, d, h, w for
 * a convolution), and applies the epilogue to n_count accumulators that are the columns n0 … of the
 * last dim, and stores the result.  Without epilogue stage it stores to kernel->result.  ACC is
 * acc_type ("float", "double", "int32_t").  d0 … are as many as emit_result_rank() - 1. A
 * conversion where operands have fewer dims than the template passes only the result dims that
 * there are: 1-d convolutions n, w; 2-d n, h, w; 3-d n, d, h, w when Kernel.outer is empty; else
 * Kernel.outer decides. */
Error      *emit_epilogue(Emit *e, const Kernel *k, const char *acc_type);
int         emit_result_rank(const Kernel *k);
/* Where the result's element stands in its buffer, over Kernel.outer; lowering uses the same rule
 * to match loads of the result. */
const Expr *emit_result_index(Emit *e, const Kernel *k);

/* Prints a function of the values of a loop along one of its dims (attention masks, scan sources),
 * stride 1 in `out`:
 *
 *   static inline void NAME(const aotc_model_frame *f, int64_t <var>…, int64_t from, int64_t count,
 * TYPE *restrict out);
 *
 * <var>… are loop->vars without vars[axis], in order; out[j] is the value at vars[axis] == from +
 * j.  TYPE is the register type of the value's dtype (float for f16 and bf16, int for bool). */
Error *emit_row_function(Emit *e, const Kernel *k, const Loop *loop, int axis, const char *name);

/* ---- the files ------------------------------------------------------------------------------- */
Error *emit_loops_kernel(Emit *e, const Kernel *k); /* kernel.c */
Error *emit_template_kernel(
    Emit *e, const Kernel *k); /* templates.c: prints everything that stands for the kernel */
Error *emit_kernel(Emit *e, const Kernel *k); /* emit_c.c: either of them */
Error *emit_host(Emit *e);                    /* host.c: the run function `<prefix>run` */
Error *emit_entry_table(
    Emit *e, const char *entry_name); /* tables.c: `static const aotc_model_entry <prefix>entry` */
Error *emit_model_table(Emit *e, const EmitOptions *options, bool has_fold);
/* emit_c.c: a file's texts are e->runtime and e->out between the two; `head` stands behind the
 * prelude. */
void   emit_open_file(Emit *e, Text *body, Text *runtime);
void   emit_close_file(Emit *e, EmitFile *file, const char *name, const char *head);
/* Kernels, run function and table of the root's fold plan, which runs on the CPU. */
Error *emit_fold(Emit *e);
/* E_UNSUPPORTED that names operator and node of the kernel. */
Error *emit_unsupported(Emit *e, const Kernel *k, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
