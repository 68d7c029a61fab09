/* What the files behind product_emit() share: product.c (mma.sync), product_simt.c (other types),
 * product_sm90.c (warpgroup instructions). */
#ifndef AOTC_EMIT_CUDA_PRODUCT_INTERNAL_H
#define AOTC_EMIT_CUDA_PRODUCT_INTERNAL_H

#include "emit_cuda/product.h"

typedef struct Layout {
    bool        k_major;
    int         vec;
    const char *needs; /* host condition, "" when it always holds */
} Layout;

/* A device function and how it is launched. */
typedef struct Variant {
    CudaHandle  handle, sum;
    const char *blocks; /* tiles of all z */
    int         splits, threads, shared;
    bool        by_cluster, by_scratch;
} Variant;

/* ---- texts ----------------------------------------------------------------------------------- */
const char *product_flag(bool b);
/* Is b a constant?  It comes in before the launch in front has ended. */
bool        product_b_is_early(const Product *p);
/* Product of sizes: the number of z. */
const char *product_size(CudaEmit *c, const Expr *const *sizes, int n);
/* "x + (offset + t_b0*(768) + …)": element 0 of the matrix of this z. */
const char *product_matrix(CudaEmit *c, const Product *p, const Operand *o);
const char *product_stride(CudaEmit *c, const Operand *o, int d);
const char *product_tiles(CudaEmit *c, const Product *p, int bm, int bn);
/* Sizes, the tile, the indices of z and the epilogue; `tile` is "64, 128", NULL: no tile. */
Error *product_print_head(CudaEmit *c, const Product *p, const char *tile, int splits, Text *t);

/* ---- what is known of operands --------------------------------------------------------------- */
Layout  product_layout_a(CudaEmit *c, const Product *p);
Layout  product_layout_b(CudaEmit *c, const Product *p);
/* The value, or the one of the example inputs. */
int64_t product_typical(CudaEmit *c, const Expr *e);

/* ---- pieces of k, launches ------------------------------------------------------------------- */
Error *product_sum(CudaEmit *c, const Product *p, const char *suffix, int splits, CudaHandle *out);
void   product_need_partial(CudaEmit *c, const Product *p, int splits);
void   product_launch(CudaEmit *c, const Product *p, const Variant *v, int indent);

Error *product_emit_simt(CudaEmit *c, const Product *p);

/* ---- product_sm90.c -------------------------------------------------------------------------- */
/* May the product run on warpgroup instructions, as far as strides and dims go? */
bool   product_fits_sm90(CudaEmit *c, const Product *p, const Layout *a, const Layout *b);
Error *product_emit_sm90(CudaEmit *c, const Product *p, const char *suffix, ProductChoice choice,
                         const Layout *a, const Layout *b, int indent);

#endif
