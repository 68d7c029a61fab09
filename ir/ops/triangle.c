/* Matrices of ones and zeros: eye, the triangles of a matrix, and the indices of a triangle.
 *
 * In: a node.  Out: `element`, the value at an index:
 *
 *   aten.tril.default(%x, 1)      out[i,j] = select(j - i <= 1, x[i,j], 0) */
#include "ir/ops/creation.h"
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"

#include <string.h>

static Error *infer_eye(Node *node)
{
    const Arg  *m = creation_arg(node, "m");
    const Expr *sizes[2] = {arg_as_expr(node_arg(node, "n")), NULL};
    sizes[1] = m ? arg_as_expr(m) : sizes[0];
    if (expr_range(sizes[0]).max < 0 || expr_range(sizes[1]).max < 0)
        return node_error(node, E_VALUE, "a size is negative");
    creation_set_type(node, tensor_type(node->graph->ir, creation_dtype(node, DT_F32), sizes, 2));
    return NULL;
}

static Scalar *element_eye(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    DType   dtype = creation_element_dtype(node);
    Scalar *on =
        scalar_index(cx->scalars, DT_BOOL, expr_cmp(cx->ir->exprs, EXPR_EQ, index[0], index[1]));
    return scalar_select(cx->scalars, on, scalar_int(cx->scalars, dtype, 1),
                         scalar_int(cx->scalars, dtype, 0));
}

static Error *infer_triangle(Node *node)
{
    TRY(shape_check_rank(node, "self", 2, MAX_RANK));
    return creation_infer_like(node);
}

/* tril keeps j <= i + diagonal, triu j >= i + diagonal; nothing is loaded outside. */
static Scalar *element_triangle(LowerCx *cx, const Node *node, int result, const Expr *const *index)
{
    (void)result;
    ExprPool   *pool = cx->ir->exprs;
    Value      *x = node_tensor(node, "self");
    int         rank = x->type.rank;
    const Expr *edge = expr_add(pool, index[rank - 2], arg_as_expr(node_arg(node, "diagonal"))),
               *j = index[rank - 1];
    bool        lower = !strcmp(node->schema->base, "tril");
    const Expr *inside =
        lower ? expr_cmp(pool, EXPR_LE, j, edge) : expr_cmp(pool, EXPR_LE, edge, j);
    Scalar *zero = scalar_int(cx->scalars, x->type.dtype, 0);
    if (shape_is_false(inside))
        return zero;
    return shape_masked_load(cx, x, index, shape_condition(cx, inside), zero);
}

/* Triangles in row order: a rectangle of full rows (r_rows x cols) and a trapezoid whose first row
 * has `first` entries, growing (tril) or shrinking (triu) by one a row; as in
 * aten/src/ATen/native/cuda/TensorFactories.cu. */
typedef struct Triangle {
    int64_t row, col, offset, first, skipped, trapezoid, rectangle;
} Triangle;

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static bool is_lower(const Node *node)
{
    return node->schema->base[3] == 'l'; /* tril_indices, triu_indices */
}

static Triangle triangle_of(const Node *node)
{
    Triangle t = {.row = node_int(node, "row"),
                  .col = node_int(node, "col"),
                  .offset = node_int(node, "offset")};
    if (is_lower(node)) {
        t.skipped = least(t.row, most(0, -t.offset)); /* rows without an entry */
        t.first = least(t.col, most(0, t.offset) + 1);
        int64_t rows = least(t.row - t.skipped, most(0, t.col - t.first + 1));
        t.trapezoid = rows * t.first + rows * (rows - 1) / 2;
        t.rectangle = (t.row - t.skipped - rows) * t.col;
        if (t.col == 0)
            t.trapezoid = t.rectangle = 0;
    } else {
        t.skipped = least(t.row, most(0, -t.offset)); /* full rows */
        t.first = most(0, t.col - most(0, t.offset));
        int64_t rows = least(t.row - t.skipped, t.first);
        t.rectangle = t.skipped * t.col;
        t.trapezoid = rows * t.first - rows * (rows - 1) / 2;
    }
    return t;
}

static Error *infer_triangle_indices(Node *node)
{
    int64_t row, col, offset;
    TRY(shape_const_int(node, "row", &row));
    TRY(shape_const_int(node, "col", &col));
    TRY(shape_const_int(node, "offset", &offset));
    if (row < 0 || col < 0)
        return node_error(node, E_VALUE, "a size is negative");
    if (row > INT32_MAX || col > INT32_MAX || offset > INT32_MAX || offset < -INT32_MAX)
        return node_error(node, E_LIMIT, "a matrix of %lld x %lld", (long long)row, (long long)col);
    Triangle    t = triangle_of(node);
    const Expr *sizes[2] = {shape_int(node, 2), shape_int(node, t.trapezoid + t.rectangle)};
    creation_set_type(node, tensor_type(node->graph->ir, creation_dtype(node, DT_I64), sizes, 2));
    return NULL;
}

static Scalar *i64(LowerCx *cx, int64_t value)
{
    return scalar_int(cx->scalars, DT_I64, value);
}

static Scalar *op2(LowerCx *cx, ScalarOp op, Scalar *a, Scalar *b)
{
    return scalar_2(cx->scalars, op, a, b);
}

/* Row and column of entry p of the trapezoid: the root of r (2 first +- (r - 1)) / 2 = p. */
static void trapezoid_place(LowerCx *cx, bool lower, int64_t first, Scalar *p, Scalar **row,
                            Scalar **column)
{
    ScalarPool *pool = cx->scalars;
    double      b = lower ? 2 * (double)first - 1 : 2 * (double)first + 1;
    Scalar     *wide = scalar_cast(pool, DT_F64, p), *eight = scalar_float(pool, DT_F64, 8);
    Scalar     *square = scalar_float(pool, DT_F64, b * b), *base = scalar_float(pool, DT_F64, b);
    Scalar     *root =
        scalar_1(pool, S_SQRT, op2(cx, lower ? S_ADD : S_SUB, square, op2(cx, S_MUL, eight, wide)));
    Scalar *twice = lower ? op2(cx, S_SUB, root, base) : op2(cx, S_SUB, base, root);
    Scalar *r = scalar_1(pool, S_FLOOR, op2(cx, S_MUL, twice, scalar_float(pool, DT_F64, 0.5)));
    *row = scalar_cast(pool, DT_I64, r);
    Scalar *growth =
        op2(cx, lower ? S_ADD : S_SUB, i64(cx, lower ? 2 * first - 1 : 2 * first + 1), *row);
    Scalar *before = op2(cx, S_FLOORDIV, op2(cx, S_MUL, *row, growth), i64(cx, 2));
    *column = op2(cx, S_SUB, p, before);
}

static Scalar *element_triangle_indices(LowerCx *cx, const Node *node, int result,
                                        const Expr *const *index)
{
    (void)result;
    ScalarPool *pool = cx->scalars;
    Triangle    t = triangle_of(node);
    bool        lower = is_lower(node);
    Scalar     *p = scalar_index(pool, DT_I64, index[1]), *row, *column;
    int64_t     full_start = lower ? t.trapezoid : 0; /* first entry of the rectangle */
    int64_t     full_row = lower ? t.row - t.rectangle / most(1, t.col) : 0; /* and its row */
    Scalar     *in_full = op2(cx, S_SUB, p, i64(cx, full_start));
    trapezoid_place(cx, lower, t.first, lower ? p : op2(cx, S_SUB, p, i64(cx, t.rectangle)), &row,
                    &column);
    row = op2(cx, S_ADD, row, i64(cx, t.skipped));
    if (!lower) { /* a row of triu starts at its diagonal */
        Scalar *start = op2(cx, S_ADD, row, i64(cx, most(0, t.offset) - t.skipped));
        column = op2(cx, S_ADD, column, start);
    }
    Scalar *columns = i64(cx, most(1, t.col));
    Scalar *full[2] = {op2(cx, S_ADD, op2(cx, S_FLOORDIV, in_full, columns), i64(cx, full_row)),
                       op2(cx, S_MOD, in_full, columns)};
    Scalar *is_full =
        lower ? op2(cx, S_GE, p, i64(cx, t.trapezoid)) : op2(cx, S_LT, p, i64(cx, t.rectangle));
    row = scalar_select(pool, is_full, full[0], row);
    column = scalar_select(pool, is_full, full[1], column);
    const Expr *first_row = expr_cmp(cx->ir->exprs, EXPR_EQ, index[0], expr_int(cx->ir->exprs, 0));
    Scalar     *is_row = scalar_index(pool, DT_BOOL, first_row);
    return scalar_cast(pool, creation_element_dtype(node),
                       scalar_select(pool, is_row, row, column));
}

/* ---- rows ------------------------------------------------------------------------------------ */
const OpDesc triangle_ops[] = {
    INDEXED("aten::eye(SymInt n, *, ScalarType? dtype=None, Layout? layout=None, Device? "
            "device=None, bool? "
            "pin_memory=None) -> Tensor",
            infer_eye, element_eye, .samples = "n=3 | n=0 | n=2 dtype=i64 | ! n=-1"),
    INDEXED("aten::eye.m(SymInt n, SymInt m, *, ScalarType? dtype=None, Layout? layout=None, "
            "Device? device=None, "
            "bool? pin_memory=None) -> Tensor",
            infer_eye, element_eye, .samples = "n=3 m=5 | n=4 m=2 dtype=bool | n=0 m=3"),
    INDEXED("aten::tril(Tensor self, SymInt diagonal=0) -> Tensor", infer_triangle,
            element_triangle,
            .samples = "self=f32[4,5] | self=f32[4,5] diagonal=1 | self=f32[2,5,3] diagonal=-2 | "
                       "self=i64[3,3] | self=bool[3,4] diagonal=1 | self=f32[0,3] | "
                       "self=f32[3,4]{1,3} | ! self=f32[4]"),
    INDEXED("aten::triu(Tensor self, SymInt diagonal=0) -> Tensor", infer_triangle,
            element_triangle,
            .samples = "self=f32[4,5] | self=f32[4,5] diagonal=1 | self=f32[2,5,3] diagonal=-2 | "
                       "self=i64[3,3] | self=bool[3,4] diagonal=1 | self=f32[0,3] | "
                       "self=f32[3,4]{1,3} | ! self=f32[4]"),
    INDEXED(
        "aten::tril_indices(int row, int col, int offset=0, *, ScalarType? dtype=4, Layout? "
        "layout=None, "
        "Device? device=None, bool? pin_memory=None) -> Tensor",
        infer_triangle_indices, element_triangle_indices,
        .samples =
            "row=3 col=4 | row=4 col=3 offset=1 | row=3 col=3 offset=-1 dtype=i32 | row=0 col=3"),
    INDEXED(
        "aten::triu_indices(int row, int col, int offset=0, *, ScalarType? dtype=4, Layout? "
        "layout=None, "
        "Device? device=None, bool? pin_memory=None) -> Tensor",
        infer_triangle_indices, element_triangle_indices,
        .samples =
            "row=3 col=4 | row=4 col=3 offset=1 | row=3 col=3 offset=-1 dtype=i32 | row=0 col=3"),
    {0},
};
