/* Matrix products on a GPU: what gemm.c and conv.c say to product.c.
 *
 *   out[z, m, n] = sum_k a[z, m, k] * b[z, k, n], then the epilogue
 *
 * A convolution is a product whose rows are output pixels and whose z is the group. */
#ifndef AOTC_EMIT_CUDA_PRODUCT_H
#define AOTC_EMIT_CUDA_PRODUCT_H

#include "emit_cuda/cuda_internal.h"

/* ---- epilogue.c ------------------------------------------------------------------------------ */
/* Where the dims of the kernel's result come from. */
typedef struct EpilogueDims {
    const char *decode; /* statements that define all outer variables but the last from t_z, t_m */
    const char *column; /* the last one's value for t_n */
    bool        column_is_aligned; /* it is a multiple of the width when t_n is */
    int         row, n_row; /* outer variables that are the digits of t_m: n_row from there */
} EpilogueDims;

/* Columns that the epilogue handles at a time: 4 or 8. */
int    cuda_epilogue_width(CudaEmit *c, const Kernel *k);
/* Prints the lambda `t_epilogue(aotc_width<w>, t_z, t_m, t_n, acc)` into `out`. */
Error *cuda_epilogue(CudaEmit *c, const Kernel *k, const EpilogueDims *dims, Text *out);

/* ---- tiles.c --------------------------------------------------------------------------------- */
/* A candidate of the tensor-core kernels: runtime/gemm.cu.inc, or gemm_sm90.cu.inc. */
typedef struct ProductTile {
    int  bm, bn, wm, wn, stages;
    bool is_sm90, in_turns; /* in_turns: a warpgroup multiplies while the other one stores */
} ProductTile;

typedef struct ProductChoice {
    const ProductTile *tile;
    int                splits;
} ProductChoice;

typedef struct ProductSizes {
    int64_t z, m, n, k;
    int64_t sm90_k;  /* 64 times the steps of gemm_sm90.cu.inc: taps of a window are whole steps */
    int64_t least_k; /* k in any run: pieces on warpgroup instructions must not be empty */
    int     sm;      /* lowest compute capability that is compiled for */
    bool    is_sm90; /* candidates of gemm_sm90.cu.inc are allowed */
} ProductSizes;

/* The candidate of the least estimated time. */
ProductChoice product_choose(const ProductSizes *sizes);
/* Bytes of shared memory. */
int           product_shared_bytes(const ProductTile *tile, bool a_is_k_major, bool b_is_k_major);
/* Warpgroups that multiply (gemm_sm90.cu.inc). */
int           product_warpgroups(const ProductTile *tile);
/* Most pieces of k that are blocks of one cluster. */
#define PRODUCT_MAX_CLUSTER 8

/* ---- product.c ------------------------------------------------------------------------------- */
typedef struct Product {
    const Kernel      *k;
    DType              dtype, accumulate;
    int                n_batch;
    const Expr *const *batch; /* z is the flat index over them */
    const Expr        *m, *n, *depth;
    Operand            a, b; /* batch…, m, k and batch…, k, n; windows: a is x of the group */
    const Conv        *windows; /* a is gathered, or NULL */
    EpilogueDims       dims;
} Product;

Error *product_emit(CudaEmit *c, const Product *p);
/* "aotc_conv t_c = {...};" with indent 1. */
void   product_print_conv(CudaEmit *c, const Conv *v, Text *out);
/* Statements that define names[d] from `flat`, the last one fastest. */
void   cuda_decode(CudaEmit *c, Text *out, const char *flat, const Expr *const *sizes,
                   const char *const *names, int n);

#endif
