/* What the files of linear algebra share: linalg_calls.c (kernels), linalg.c (ATen's operators). */
#ifndef AOTC_IR_OPS_LINALG_H
#define AOTC_IR_OPS_LINALG_H

#include "ir/ops/shape_util.h"

bool la_is_complex(const Value *value);

/* The value as eager gives it where LAPACK made it: its strides are those of a column-major matrix.
 * For values that an expansion has just made. */
Value *la_columns(Build *b, Value *value);
/* The same with columns `rows` apart. */
Value *la_columns_of(Build *b, Value *value, const Expr *rows);
Value *la_transpose(Build *b, Value *value); /* the last two dims */
Value *la_adjoint(Build *b, Value *value);
/* Values with the batch dims (all but the last two) of both. */
void   la_broadcast_batch(Build *b, const Node *node, Value **x, Value **y);

/* The first n tensor arguments are (batches of) matrices of one dtype. */
Error *la_check_matrices(const Node *node, int n);
/* Identities of the type of square matrices. */
Value *la_eye(Build *b, const Value *like);
/* The first k of a dim counted from the end (1: the last). */
Value *la_first(Build *b, Value *x, int from_end, const Expr *k);
/* torch.linalg: the right-hand side x is a vector for each matrix. */
bool   la_is_vector(const Build *b, const Value *a, const Value *x);
Value *la_inverse(Build *b, const Node *node, Value *a, Value **info);
/* Ends the run where info is not 0. */
void   la_check(Build *b, Value *info, const char *api_name, bool is_matrix);

/* eps of the dtype times the longer side, f64[]. */
Value *la_default_rcond(Build *b, const Value *a);

typedef struct LeastSquares {
    Value *solution, *rank, *singular_values;
} LeastSquares;
/* By singular values, where those up to rcond (f64[]) times the largest count as 0. */
void la_lstsq_svd(Build *b, Value *a, Value *x, Value *rcond, LeastSquares *out);

/* Norms by singular values: orders 2 and -2, and "nuc". */
typedef enum SpectralNorm { SPECTRAL_LARGEST, SPECTRAL_SMALLEST, SPECTRAL_SUM } SpectralNorm;
/* Of the matrices that two dims of "self" are; "dtype" and "keepdim" as the node has them. */
Error *la_expand_spectral_norm(Node *node, SpectralNorm norm, const int dims[2], Value **result);

#endif
