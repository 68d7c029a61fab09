/* Contractions over dims that are named: tensordot, inner, einsum, bilinear.
 *
 *   aten.einsum.default("bij,bjk->bik", [%a, %b])      %1 = aten.bmm.default(%a, %b)
 *
 * Dims of both operands are put in the order batch, kept, summed and joined, so that one matrix
 * product remains.
 *
 * In: a node.  Out: nodes that replace it. */
#include "ir/ops/matmul.h"
#include "ir/ops/rows.h"
#include "ir/ops/shape_util.h"

#include <string.h>

/* ---- contraction over lists of dims ---------------------------------------------------------- */
/* Dims of x and y by role: batch dims (in both and kept), kept ones, summed ones. */
typedef struct Contract {
    int xb[MAX_RANK], yb[MAX_RANK], n_batch;
    int xk[MAX_RANK], n_x; /* only in x */
    int yk[MAX_RANK], n_y;
    int xs[MAX_RANK], ys[MAX_RANK], n_sum;
} Contract;

static const Expr *product_of(ExprPool *pool, const TensorType *t, const int *dims, int n)
{
    const Expr *p = expr_int(pool, 1);
    for (int i = 0; i < n; i++)
        p = expr_mul(pool, p, t->sizes[dims[i]]);
    return p;
}

static int append(int *to, int n, const int *from, int count)
{
    memcpy(to + n, from, sizeof *to * (size_t)count);
    return n + count;
}

/* Result dims: batch, kept of x, kept of y. */
static Error *contract(Build *b, const Contract *c, Value *x, Value *y, Value **out)
{
    ExprPool         *pool = b->graph->ir->exprs;
    const TensorType *s = &x->type, *t = &y->type;
    int               xp[MAX_RANK], yp[MAX_RANK], n = 0;
    const Expr       *sizes[3 * MAX_RANK];
    if (c->n_batch + c->n_x + c->n_y > MAX_RANK)
        return node_error(b->at, E_LIMIT, "the result has more than %d dims", MAX_RANK);
    const Expr *batch = product_of(pool, s, c->xb, c->n_batch),
               *k = product_of(pool, s, c->xs, c->n_sum);
    const Expr *x3[3] = {batch, product_of(pool, s, c->xk, c->n_x), k};
    const Expr *y3[3] = {batch, k, product_of(pool, t, c->yk, c->n_y)};
    n = append(xp, append(xp, append(xp, 0, c->xb, c->n_batch), c->xk, c->n_x), c->xs, c->n_sum);
    (void)append(yp, append(yp, append(yp, 0, c->yb, c->n_batch), c->ys, c->n_sum), c->yk, c->n_y);
    for (int i = 0; i < c->n_sum; i++)
        TRY(matmul_check_inner(b->at, s->sizes[c->xs[i]], t->sizes[c->ys[i]]));
    bool   flat = c->n_batch == 0;
    Value *xm = build_reshape(b, build_permute(b, x, xp, n), flat ? x3 + 1 : x3, flat ? 2 : 3);
    Value *ym =
        build_reshape(b, build_permute(b, y, yp, t->rank), flat ? y3 + 1 : y3, flat ? 2 : 3);
    Value *z =
        BUILD(b, flat ? "aten.mm.default" : "aten.bmm.default", arg_value(xm), arg_value(ym));
    n = 0;
    for (int i = 0; i < c->n_batch; i++)
        sizes[n++] = s->sizes[c->xb[i]];
    for (int i = 0; i < c->n_x; i++)
        sizes[n++] = s->sizes[c->xk[i]];
    for (int i = 0; i < c->n_y; i++)
        sizes[n++] = t->sizes[c->yk[i]];
    *out = build_reshape(b, z, sizes, n);
    return b->error;
}

/* Sums x over dims of y given in pairs; the other dims are kept. */
static Error *contract_dims(Build *b, Value *x, Value *y, const int *xs, const int *ys, int n,
                            Value **out)
{
    Contract c = {.n_sum = n};
    bool     in_x[MAX_RANK] = {false}, in_y[MAX_RANK] = {false};
    for (int i = 0; i < n; i++) {
        c.xs[i] = xs[i];
        c.ys[i] = ys[i];
        in_x[xs[i]] = in_y[ys[i]] = true;
    }
    for (int d = 0; d < x->type.rank; d++)
        if (!in_x[d])
            c.xk[c.n_x++] = d;
    for (int d = 0; d < y->type.rank; d++)
        if (!in_y[d])
            c.yk[c.n_y++] = d;
    return contract(b, &c, x, y, out);
}

static Error *expand_tensordot(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *x = node_tensor(node, "self"), *y = node_tensor(node, "other");
    int    xs[MAX_RANK], ys[MAX_RANK], n, m;
    TRY(shape_dims(node, "dims_self", x->type.rank, xs, &n));
    TRY(shape_dims(node, "dims_other", y->type.rank, ys, &m));
    if (n != m)
        return node_error(node, E_VALUE, "%d dims of self, %d of other", n, m);
    for (int i = 0; i < n; i++) { /* a size of 1 stands for all of the other's elements */
        bool    x_one = expr_is_value(x->type.sizes[xs[i]], 1);
        bool    y_one = expr_is_value(y->type.sizes[ys[i]], 1);
        int64_t dim = x_one ? ys[i] : xs[i];
        if (x_one == y_one)
            continue;
        Value *sum = BUILD(&b, "aten.sum.dim_IntList", arg_value(x_one ? y : x),
                           arg_ints(b.graph, &dim, 1), arg_bool(b.graph, true));
        if (b.error)
            return b.error;
        *(x_one ? &y : &x) = build_cast(&b, sum, x->type.dtype);
    }
    return contract_dims(&b, x, y, xs, ys, n, &results[0]);
}

static Error *expand_inner(Node *node, Value **results)
{
    Build  b = build_at(node);
    Value *x = node->args[0].value, *y = node->args[1].value;
    int    xs = x->type.rank - 1, ys = y->type.rank - 1;
    if (xs < 0 || ys < 0) {
        results[0] = BUILD(&b, "aten.mul.Tensor", arg_value(x), arg_value(y));
        return b.error;
    }
    return contract_dims(&b, x, y, &xs, &ys, 1, &results[0]);
}

/* ---- einsum ---------------------------------------------------------------------------------- */
/* Labels are letters; dims under "..." get the numbers from 64 on, aligned at the right. */
enum { LABELS = 64 + MAX_RANK, ELLIPSIS = 64 };

typedef struct Term {
    Value *value;
    int    label[MAX_RANK];
    int    n;
} Term;

static int letter_label(char c)
{
    return c >= 'a' && c <= 'z' ? c - 'a' : c >= 'A' && c <= 'Z' ? 26 + c - 'A' : -1;
}

/* One operand's subscripts; rank -1: the output, whose "..." has `dots` dims. */
static Error *parse_term(Node *node, const char **at, int rank, int *dots, Term *term)
{
    const char *s = *at;
    int         letters = 0, labels[MAX_RANK], ellipsis = -1;
    for (; *s && *s != ',' && *s != '-'; s++) {
        if (*s == ' ')
            continue;
        if (strncmp(s, "...", 3) == 0 && ellipsis < 0) {
            ellipsis = letters;
            s += 2;
        } else if (letter_label(*s) >= 0 && letters < MAX_RANK) {
            labels[letters++] = letter_label(*s);
        } else {
            return node_error(node, E_VALUE, "bad subscripts at '%s'", s);
        }
    }
    *at = s;
    int hidden = ellipsis < 0 ? 0 : rank < 0 ? *dots : rank - letters;
    if (hidden < 0 || (rank >= 0 && letters + hidden != rank) || letters + hidden > MAX_RANK)
        return node_error(node, E_VALUE, "%d subscripts for a tensor of rank %d", letters, rank);
    if (rank >= 0 && hidden > *dots)
        *dots = hidden;
    term->n = 0;
    for (int i = 0; i <= letters; i++) {
        for (int k = 0; i == ellipsis && k < hidden; k++)
            term->label[term->n++] = ELLIPSIS + hidden - 1 - k; /* 64 is the last dim */
        if (i < letters)
            term->label[term->n++] = labels[i];
    }
    return NULL;
}

/* Without "->": dims of "...", then the letters that stand once, in alphabetical order (capitals
 * first). */
static void implied_output(const int *count, int dots, Term *out)
{
    out->n = 0;
    for (int k = dots - 1; k >= 0; k--)
        out->label[out->n++] = ELLIPSIS + k;
    for (int i = 0; i < 52 && out->n < MAX_RANK; i++) {
        int label = i < 26 ? 26 + i : i - 26;
        if (count[label] == 1)
            out->label[out->n++] = label;
    }
}

static int find_label(const Term *t, int label)
{
    for (int i = 0; i < t->n; i++)
        if (t->label[i] == label)
            return i;
    return -1;
}

static void drop_label(Term *t, int at)
{
    memmove(t->label + at, t->label + at + 1, sizeof *t->label * (size_t)(t->n - at - 1));
    t->n--;
}

/* A letter twice in one operand: its diagonal, which comes last. */
static Error *take_diagonals(Build *b, Term *t)
{
    for (int i = 0; i < t->n; i++)
        for (int k = i + 1; k < t->n; k++)
            if (t->label[i] == t->label[k]) {
                int label = t->label[i];
                t->value = BUILD(b, "aten.diagonal.default", arg_value(t->value),
                                 arg_int(b->graph, 0), arg_int(b->graph, i), arg_int(b->graph, k));
                if (b->error)
                    return b->error;
                drop_label(t, k);
                drop_label(t, i);
                t->label[t->n++] = label;
                return take_diagonals(b, t);
            }
    return b->error;
}

static bool wanted(const Term *later, int n, const Term *out, int label)
{
    for (int i = 0; i < n; i++)
        if (find_label(&later[i], label) >= 0)
            return true;
    return find_label(out, label) >= 0;
}

/* Sums out labels that nobody else has, and drops dims of size 1 that another operand broadcasts.
 */
static Error *sum_alone(Build *b, Term *t, const Term *other, const Term *later, int n_later,
                        const Term *out)
{
    for (int i = t->n - 1; i >= 0; i--) {
        int     at = other ? find_label(other, t->label[i]) : -1;
        int64_t dim = i;
        if (at >= 0 && expr_is_value(t->value->type.sizes[i], 1) &&
            !expr_is_value(other->value->type.sizes[at], 1)) {
            t->value = build_squeeze(b, t->value, i);
            drop_label(t, i);
        } else if (at < 0 && !wanted(later, n_later, out, t->label[i])) {
            t->value =
                BUILD(b, "aten.sum.dim_IntList", arg_value(t->value), arg_ints(b->graph, &dim, 1));
            drop_label(t, i);
        }
        if (b->error)
            return b->error;
    }
    return NULL;
}

/* x := x times y, labels: shared and wanted, those of x, those of y. */
static Error *contract_terms(Build *b, Term *x, Term *y, const Term *later, int n_later,
                             const Term *out)
{
    Contract c = {0};
    Term     z = {0};
    TRY(sum_alone(b, x, y, later, n_later, out));
    TRY(sum_alone(b, y, x, later, n_later, out));
    for (int i = 0; i < x->n; i++) {
        int k = find_label(y, x->label[i]);
        if (k < 0) {
            c.xk[c.n_x++] = i;
        } else if (wanted(later, n_later, out, x->label[i])) {
            c.xb[c.n_batch] = i;
            c.yb[c.n_batch++] = k;
        } else {
            c.xs[c.n_sum] = i;
            c.ys[c.n_sum++] = k;
        }
    }
    for (int k = 0; k < y->n; k++)
        if (find_label(x, y->label[k]) < 0)
            c.yk[c.n_y++] = k;
    for (int i = 0; i < c.n_batch; i++)
        z.label[z.n++] = x->label[c.xb[i]];
    for (int i = 0; i < c.n_x && z.n < MAX_RANK; i++)
        z.label[z.n++] = x->label[c.xk[i]];
    for (int i = 0; i < c.n_y && z.n < MAX_RANK; i++)
        z.label[z.n++] = y->label[c.yk[i]];
    TRY(contract(b, &c, x->value, y->value, &z.value));
    *x = z;
    return NULL;
}

static Error *parse_einsum(Node *node, Value **v, int n, Term *terms, Term *out)
{
    const char *s = node_arg(node, "equation")->string;
    int         dots = 0, count[LABELS] = {0};
    for (int i = 0; i < n; i++) {
        terms[i].value = v[i];
        TRY(parse_term(node, &s, v[i]->type.rank, &dots, &terms[i]));
        for (int k = 0; k < terms[i].n; k++)
            count[terms[i].label[k]]++;
        if (i < n - 1 && *s++ != ',')
            return node_error(node, E_VALUE, "the equation has fewer operands than the %d given",
                              n);
    }
    if (strncmp(s, "->", 2) == 0) {
        s += 2;
        TRY(parse_term(node, &s, -1, &dots, out));
    } else {
        implied_output(count, dots, out);
    }
    if (*s)
        return node_error(node, E_VALUE, "the equation has more operands than the %d given", n);
    for (int i = 0; i < out->n; i++)
        if (count[out->label[i]] == 0)
            return node_error(node, E_VALUE, "an output subscript stands in no operand");
    return NULL;
}

static Error *expand_einsum(Node *node, Value **results)
{
    Build   b = build_at(node);
    Value **v;
    int     n, perm[MAX_RANK];
    Term    out = {0};
    TRY(shape_tensors(node, "tensors", &v, &n));
    if (n == 0)
        return node_error(node, E_VALUE, "needs an operand");
    Term *terms = ARENA_ARRAY(node->graph->ir->arena, Term, n);
    TRY(parse_einsum(node, v, n, terms, &out));
    for (int i = 0; i < n; i++)
        TRY(take_diagonals(&b, &terms[i]));
    for (int i = 1; i < n; i++)
        TRY(contract_terms(&b, &terms[0], &terms[i], terms + i + 1, n - i - 1, &out));
    TRY(sum_alone(&b, &terms[0], NULL, NULL, 0, &out));
    bool same = true;
    for (int i = 0; i < out.n; i++) {
        perm[i] = find_label(&terms[0], out.label[i]);
        same = same && perm[i] == i;
    }
    results[0] = same ? terms[0].value : build_permute(&b, terms[0].value, perm, out.n);
    return b.error;
}

/* out[..., o] = sum_ij x[..., i] w[o, i, j] y[..., j] + bias[o]. */
static Error *expand_bilinear(Node *node, Value **results)
{
    Build             b = build_at(node);
    Value            *x = node_tensor(node, "input1"), *y = node_tensor(node, "input2");
    Value            *w = node_tensor(node, "weight"), *bias = node_tensor(node, "bias");
    const TensorType *s = &x->type, *t = &w->type;
    int               xs = s->rank - 1, ws = 1;
    if (xs < 0 || t->rank != 3)
        return node_error(node, E_VALUE, "input of rank %d, weight of rank %d", s->rank, t->rank);
    Value *z = NULL;
    TRY(contract_dims(&b, x, w, &xs, &ws, 1, &z)); /* [..., o, j] */
    if (b.error)
        return b.error;
    int rank = z->type.rank; /* two products, each rounded once, as in eager PyTorch */
    z = BUILD(&b, "aten.matmul.default", arg_value(z), arg_value(build_unsqueeze(&b, y, rank - 1)));
    z = b.error ? NULL : build_squeeze(&b, z, rank - 1);
    if (!b.error)
        results[0] = bias ? BUILD(&b, "aten.add.Tensor", arg_value(z), arg_value(bias)) : z;
    return b.error;
}

/* ---- rows ------------------------------------------------------------------------------------ */
const OpDesc contraction_ops[] = {
    EXPAND_FN("aten::einsum(str equation, Tensor[] tensors, *, int[]? path=None) -> Tensor",
              expand_einsum,
              .samples =
                  "equation='ij,jk->ik' tensors=[f32[3,4],f32[4,5]] | equation='bij,bjk->bik' "
                  "tensors=[f32[2,3,4],f32[2,4,2]] | equation='ii->i' tensors=[f32[3,3]] | "
                  "equation='ij->' tensors=[f32[3,4]] | equation='i,j->ij' tensors=[f32[3],f32[2]] "
                  "| equation='...ij,...jk' tensors=[f32[2,3,4],f32[4,2]] | ! equation='ij,jk->ik' "
                  "tensors=[f32[3,4],f32[3,5]]"),
    EXPAND_FN("aten::inner(Tensor self, Tensor other) -> Tensor", expand_inner,
              .samples = "self=f32[3,4] other=f32[5,4] | self=f32[4] other=f32[4] | self=f32[] "
                         "other=f32[3] | ! self=f32[3] other=f32[4]"),
    EXPAND_FN(
        "aten::tensordot(Tensor self, Tensor other, int[] dims_self, int[] dims_other) -> Tensor",
        expand_tensordot,
        .samples = "self=f32[2,3,4] other=f32[4,3,5] dims_self=[2,1] dims_other=[0,1] | "
                   "self=f32[2,3] other=f32[4] dims_self=[] dims_other=[]"),
    EXPAND_FN(
        "aten::bilinear(Tensor input1, Tensor input2, Tensor weight, Tensor? bias=None) -> Tensor",
        expand_bilinear,
        .samples = "input1=f32[3,4] input2=f32[3,5] weight=f32[2,4,5] bias=f32[2] | "
                   "input1=f32[3,4] input2=f32[3,5] weight=f32[2,4,5]"),
    {0},
};
