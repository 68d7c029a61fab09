/* Code of template kernels: what the files behind emit_template_kernel() share.
 *
 * A template's function fills a struct of emit_c/runtime/<family>.c.inc and calls it for the part
 * of the work that is this thread's.  Sizes that are known are printed as numbers.  Kernel.parallel
 * == 0: thread 0 does all of it. */
#ifndef AOTC_EMIT_C_TEMPLATES_H
#define AOTC_EMIT_C_TEMPLATES_H

#include "emit_c/emit_internal.h"

/* Bytes of the thread's scratch memory (f->scratch) that the kernel's code uses; NULL: none.
 * Plan.scratch_bytes has to be at least the largest. */
const Expr *template_scratch(ExprPool *pool, const Kernel *k);

/* The families.  Each prints everything that stands for the kernel. */
Error      *emit_gemm(Emit *e, const Kernel *k);
Error      *emit_conv(Emit *e, const Kernel *k); /* CONV, DEPTHWISE */
Error      *emit_attention(Emit *e, const Kernel *k);
Error      *emit_lstm(Emit *e, const Kernel *k); /* LSTM, GRU */
Error      *emit_scan(Emit *e, const Kernel *k);
Error      *emit_sort(Emit *e, const Kernel *k);
Error      *emit_nonzero(Emit *e, const Kernel *k);
Error      *emit_pack(Emit *e, const Kernel *k); /* PACK, PACK_CONV, COPY */
Error      *emit_embedding_bag(Emit *e, const Kernel *k);
Error      *emit_call(Emit *e, const Kernel *k);
Error      *emit_custom(Emit *e, const Kernel *k);
/* For both emitters: prints K_args and K_call among the file's fixed texts; gives the statements
 * that declare `args` and fill it. */
const char *emit_custom_call(Emit *e, const Kernel *k);

/* ---- helpers of templates.c ------------------------------------------------------------------ */
/* The fixed texts, each with those it needs: "gemm", "conv", "depthwise", "attention", "rnn",
 * "scan_sort". */
void        need_text(Emit *e, const char *name);
/* RT_F32, RT_F16 or RT_BF16; NULL for other dtypes. */
const char *rt_type(DType dtype);
/* "f->n_threads", or "1" when one thread runs the kernel. */
const char *thread_count(const Kernel *k);
/* The thread's scratch memory as a float pointer. */
#define SCRATCH "(float *)(f->scratch + (uint64_t)thread * f->scratch_bytes)"
/* "offset + i0 * stride0 + …" without the offset: names[d] are C texts of the indices. */
const char  *strided_index(Emit *e, const Operand *o, const char *const *names, int n);
/* Pointer of storage type to the operand's element at the indices. */
const char  *operand_at(Emit *e, const Operand *o, const char *const *names, int n);
/* Prints `const int64_t <names[d]> = …;` that decode the flat index `flat` over sizes, the last one
 * fastest. */
void         emit_decode(Emit *e, int indent, const char *flat, const Expr *const *sizes,
                         const char *const *names, int n);
/* names[d] = "<prefix><d>". */
const char **index_names(Emit *e, const char *prefix, int n);
const char  *product_text(Emit *e, const Expr *const *sizes, int n);
/* The struct that store functions get, K_call, and a function K_store for results whose leading
 * n_batch dims stand in the call (call.b0 …), whose next dim is the row and whose last one the
 * column (GEMM, attention). */
void         emit_row_store(Emit *e, const Kernel *k, int n_batch, bool whole_tiles);
/* Are the columns that a store gets always a multiple of RT_TILE (16 or 32)?  Then the epilogue has
 * a constant number of them, and its vector loop no rest. */
bool         emit_whole_tiles(const Expr *columns);
/* Prints the call of the epilogue for row i of a tile inside K_store; row: the indices before the
 * column. */
void emit_epilogue_row(Emit *e, const Kernel *k, int indent, const char *row, bool whole_tiles);
/* Prints `const rt_stream t_streams[] = …;`: what the epilogue reads and writes in whole rows.  The
 * kernel's dims are n_batch ones (t_b0 … in scope), then rows, the last one columns.  Returns how
 * many; 0: nothing is printed. */
int  emit_streams(Emit *e, const Kernel *k, int n_batch, int indent);

#endif
