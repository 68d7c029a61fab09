/* match_attention: attention written as two products around a softmax becomes one operator.
 *
 *   %s = aten.bmm.default(%q, %kt)                       %o =
 * aten.scaled_dot_product_attention.default( %x = aten.add.Tensor(mul(view(%s), 0.125), %mask)
 * view(%q), permute(view(%kt)), view(%v), %mask, %p = aten._softmax.default(%x, -1, False) 0,
 * False, scale=0.125, enable_gqa=False) %o = aten.bmm.default(view(%p), %v)
 *
 * Recognized: scale by mul or div, before or after the first product, on either operand; additive
 * masks (several); masks by where or masked_fill; reshapes, copies and casts between floats in
 * between; PyTorch's safe softmax (zeros where a row has only -inf), which attention does anyway.
 * A row that is masked as a whole gives 0 where a plain softmax gives NaN.  Only where nobody else
 * sees the scores or the probabilities. */
#include "passes/graph_util.h"

#include <math.h>
#include <string.h>

#define MAX_STEPS 16

typedef struct Match {
    Graph *graph;
    Node  *first, *last; /* the two products */
    Node  *softmax;
    double scale;
    Value *scores; /* the innermost value of rank 4, or the result of the first product */
    Value *mask;   /* in the coordinates of the walk; float or bool */
} Match;

static const char *const reshapes[] = {"view",      "_unsafe_view", "reshape",
                                       "unsqueeze", "squeeze",      NULL};
static const char *const copies[] = {"clone", "contiguous", "alias", NULL};

static bool is_reshape(const Node *node)
{
    return node_base_in(node, reshapes) && strcmp(node->schema->overload, "dtype");
}

static bool is_float_cast(const Node *node)
{
    return node_is(node, "_to_copy") && dtype_is_float(node->results[0]->type.dtype) &&
           node_first_tensor(node) && dtype_is_float(node_first_tensor(node)->type.dtype);
}

/* The last two dims are the same: rows of scores stay rows. */
static bool keeps_rows(const Value *a, const Value *b)
{
    const TensorType *s = &a->type, *t = &b->type;
    return s->rank >= 2 && t->rank >= 2 && s->sizes[s->rank - 1] == t->sizes[t->rank - 1] &&
           s->sizes[s->rank - 2] == t->sizes[t->rank - 2];
}

static bool is_last_dim(const Arg *arg, int rank)
{
    return arg_is_number(arg, -1) || arg_is_number(arg, rank - 1);
}

/* x * number or x / number. */
static bool scaled_by(const Node *node, double *factor, Value **of)
{
    double x;
    if (node->n_args < 2 || !arg_number(&node->args[1], &x) || node->args[0].kind != ARG_VALUE)
        return false;
    const Arg *rounding = node_arg_or_null(node, "rounding_mode");
    if (node_is(node, "mul"))
        *factor = x;
    else if (node_is(node, "div") && x != 0 && (!rounding || rounding->kind == ARG_NONE))
        *factor = 1 / x;
    else
        return false;
    *of = node->args[0].value;
    return (*of)->kind == VALUE_TENSOR && (*of)->type.dtype == node->results[0]->type.dtype;
}

/* A generator or scalar with one number everywhere. */
static bool is_filled(const Arg *arg, double *number)
{
    if (arg_number(arg, number))
        return true;
    const Node *node = arg->kind == ARG_VALUE ? arg->value->def : NULL;
    while (node && (is_reshape(node) || node_is(node, "expand") || node_is(node, "_to_copy")))
        node = node_first_tensor(node) ? node_first_tensor(node)->def : NULL;
    if (!node)
        return false;
    if (node_is(node, "full") || node_is(node, "full_like"))
        return arg_number(&node->args[1], number);
    if (node_is(node, "scalar_tensor"))
        return arg_number(&node->args[0], number);
    *number = 0;
    return node_is(node, "zeros") || node_is(node, "zeros_like");
}

/* ---- from the second product to the softmax -------------------------------------------------- */

/* where(not any(not (x == -inf), -1, keepdim), 0, softmax(x)) */
static bool is_safe_where(const Node *node, Value **probabilities, int *uses_of_scores)
{
    double                   zero;
    const Arg               *condition = &node->args[0];
    const Node              *n = condition->kind == ARG_VALUE ? condition->value->def : NULL;
    static const char *const chain[] = {"logical_not", "any", "logical_not", "eq"};
    for (int i = 0; i < 4; i++) {
        if (!n || !node_is(n, chain[i]) || n->results[0]->n_uses != 1)
            return false;
        if (i < 3)
            n = node_first_tensor(n) ? node_first_tensor(n)->def : NULL;
    }
    if (!arg_is_number(node_arg_or_null(n, "other"), -INFINITY) ||
        !is_filled(&node->args[1], &zero) || zero != 0 || node->args[2].kind != ARG_VALUE)
        return false;
    const Node *softmax = node->args[2].value->def;
    if (!softmax || node_first_tensor(softmax) != node_first_tensor(n))
        return false;
    *probabilities = node->args[2].value;
    *uses_of_scores = 2;
    return true;
}

static bool find_softmax(Match *m, int *uses_of_scores)
{
    Value *p = node_tensor(m->last, "self");
    bool   is_safe = false;
    *uses_of_scores = 1;
    for (int i = 0; i < MAX_STEPS; i++) {
        Node *n = p->def;
        /* full_like(softmax) of the safe form is a use, too. */
        if (!n || p->n_uses > (is_safe ? 2 : 1))
            return false;
        if (node_is(n, "_softmax") || node_is(n, "aten.softmax.int") ||
            node_is(n, "_safe_softmax")) {
            m->softmax = n;
            return is_last_dim(node_arg(n, "dim"), p->type.rank) && node_first_tensor(n);
        }
        if (node_is(n, "aten.where.self") && !is_safe && is_safe_where(n, &p, uses_of_scores)) {
            is_safe = true;
            continue;
        }
        Value *in = node_first_tensor(n);
        if (!in ||
            !(node_base_in(n, copies) || is_float_cast(n) || (is_reshape(n) && keeps_rows(in, p))))
            return false;
        p = in;
    }
    return false;
}

/* ---- from the softmax to the first product --------------------------------------------------- */

/* Is this the operand that comes from a product? */
static bool leads_to_product(const Value *v, int steps)
{
    const Node *n = v->def;
    double      factor;
    Value      *in;
    if (!n || steps == 0 || v->kind != VALUE_TENSOR)
        return false;
    if (node_is(n, "bmm"))
        return true;
    if (scaled_by(n, &factor, &in))
        return leads_to_product(in, steps - 1);
    if (node_is(n, "aten.add.Tensor") && n->args[0].kind == ARG_VALUE &&
        n->args[1].kind == ARG_VALUE)
        return leads_to_product(n->args[0].value, steps - 1) ||
               leads_to_product(n->args[1].value, steps - 1);
    if (is_reshape(n) || is_float_cast(n) || node_base_in(n, copies) || node_is(n, "masked_fill"))
        return leads_to_product(node_first_tensor(n), steps - 1);
    return false;
}

static Error *combine_masks(Match *m, Value *mask)
{
    if (!m->mask) {
        m->mask = mask;
        return NULL;
    }
    Arg args[] = {arg_value(m->mask), arg_value(mask)};
    return build_like(m->graph, m->last, m->softmax, "aten.add.Tensor", args, 2, &m->mask);
}

/* add(scores, mask): the mask must not widen the scores, and must not be scaled afterwards. */
static Error *take_add(Match *m, Node *n, Value **v, bool *ok)
{
    const Arg *alpha = node_arg_or_null(n, "alpha");
    if (n->args[0].kind != ARG_VALUE || n->args[1].kind != ARG_VALUE ||
        (alpha && !arg_is_number(alpha, 1)) || m->scale != 1)
        return NULL;
    int    at = leads_to_product(n->args[0].value, MAX_STEPS) ? 0 : 1;
    Value *scores = n->args[at].value, *mask = n->args[1 - at].value;
    if (!leads_to_product(scores, MAX_STEPS) || !dtype_is_float(mask->type.dtype) ||
        !tensor_same_sizes(m->graph->ir, &scores->type, &n->results[0]->type) ||
        (m->mask && m->mask->type.dtype == DT_BOOL))
        return NULL;
    *v = scores;
    *ok = true;
    return combine_masks(m, mask);
}

/* where(keep, scores, -inf), masked_fill(scores, drop, -inf). */
static Error *take_where(Match *m, Node *n, Value **v, bool *ok)
{
    bool   is_fill = node_is(n, "masked_fill");
    double fill;
    Arg   *scores = &n->args[is_fill ? 0 : 1], *mask = &n->args[is_fill ? 1 : 0],
        *value = &n->args[2];
    if (m->scale != 1 || m->mask || scores->kind != ARG_VALUE || mask->kind != ARG_VALUE ||
        mask->value->type.dtype != DT_BOOL || !is_filled(value, &fill) || fill != -INFINITY ||
        !leads_to_product(scores->value, MAX_STEPS) ||
        !tensor_same_sizes(m->graph->ir, &scores->value->type, &n->results[0]->type))
        return NULL;
    *v = scores->value;
    *ok = true;
    m->mask = mask->value;
    if (!is_fill)
        return NULL;
    Arg arg = arg_value(m->mask);
    return build_like(m->graph, m->last, m->softmax, "aten.logical_not.default", &arg, 1, &m->mask);
}

static bool has_lead(const Value *mask)
{
    for (int i = 0; i < mask->type.rank - 2; i++)
        if (!expr_is_value(mask->type.sizes[i], 1))
            return true;
    return false;
}

static Error *reshape_to(Match *m, Value *value, const Expr *const *lead, int n_lead, const Expr *a,
                         const Expr *b, Value **out)
{
    const Expr *sizes[MAX_RANK];
    for (int i = 0; i < n_lead; i++)
        sizes[i] = lead[i];
    sizes[n_lead] = a;
    sizes[n_lead + 1] = b;
    Arg args[] = {arg_value(value), arg_exprs(m->graph, sizes, n_lead + 2)};
    return build_like(m->graph, m->last, m->softmax, "aten.view.default", args, 2, out);
}

/* The mask seen in the coordinates of `inner` where it was made for those of `outer`, a reshape of
 * it. */
static Error *carry_mask(Match *m, const Value *outer, const TensorType *inner)
{
    Value *mask = m->mask;
    int    rank = mask ? mask->type.rank : 0;
    if (!mask || rank < 2)
        return NULL;
    const Expr *a = mask->type.sizes[rank - 2], *b = mask->type.sizes[rank - 1];
    if (!has_lead(mask))
        return rank == 2 ? NULL : reshape_to(m, mask, NULL, 0, a, b, &m->mask);
    const Expr *sizes[MAX_RANK];
    for (int i = 0; i < outer->type.rank - 2; i++)
        sizes[i] = outer->type.sizes[i];
    sizes[outer->type.rank - 2] = a;
    sizes[outer->type.rank - 1] = b;
    Arg args[] = {arg_value(mask), arg_exprs(m->graph, sizes, outer->type.rank)};
    TRY(build_like(m->graph, m->last, m->softmax, "aten.expand.default", args, 2, &mask));
    return reshape_to(m, mask, inner->sizes, inner->rank - 2, a, b, &m->mask);
}

static Error *find_product(Match *m, int uses, bool *ok)
{
    Value *v = node_first_tensor(m->softmax), *in;
    double factor;
    for (int i = 0; i < MAX_STEPS; i++, uses = 1) {
        Node *n = v->def;
        bool  step = false;
        if (!n || v->n_uses != uses)
            return NULL;
        if (node_is(n, "bmm")) {
            m->first = n;
            *ok = true;
            return m->scores ? NULL : (m->scores = v, NULL);
        }
        if (scaled_by(n, &factor, &in)) {
            m->scale *= factor;
            v = in;
            continue;
        }
        if (node_is(n, "aten.add.Tensor")) {
            TRY(take_add(m, n, &v, &step));
        } else if (node_is(n, "aten.where.self") || node_is(n, "masked_fill")) {
            TRY(take_where(m, n, &v, &step));
        } else if ((in = node_first_tensor(n)) && is_reshape(n) && keeps_rows(in, v)) {
            /* The innermost reshape of a rank 4 value splits the batch of the product into batch
             * and heads. */
            bool split = in->def && node_is(in->def, "bmm") && v->type.rank == 4;
            if (split)
                m->scores = v;
            else
                TRY(carry_mask(m, v, &in->type));
            v = in;
            step = true;
        } else if (in && (node_base_in(n, copies) || is_float_cast(n))) {
            v = in;
            step = true;
        }
        if (!step)
            return NULL;
    }
    return NULL;
}

/* ---- the operator ---------------------------------------------------------------------------- */

/* What is scaled under reshapes and one permutation: the scale joins the others. */
static Value *peel_scale(Match *m, Value *v)
{
    Value *inner = v, *in;
    double scale = 1, factor;
    for (int i = 0; i < MAX_STEPS && inner->def; i++) {
        if (scaled_by(inner->def, &factor, &in)) {
            scale *= factor;
            m->scale *= factor;
            inner = v = in;
        } else if (is_reshape(inner->def)) {
            inner = node_first_tensor(inner->def);
        } else {
            break;
        }
    }
    return scale == 1 ? v : inner;
}

static Error *build_attention(Match *m)
{
    const TensorType  *scores = &m->scores->type, *product = &m->first->results[0]->type;
    const Expr        *batch[2] = {expr_int(m->graph->ir->exprs, 1), product->sizes[0]};
    const Expr *const *lead = scores->rank == 4 ? scores->sizes : batch;
    const TensorType  *qt = &node_tensor(m->first, "self")->type;
    const TensorType  *vt = &node_tensor(m->last, "mat2")->type;
    const Expr        *rows = qt->sizes[1], *inner = qt->sizes[2], *columns = product->sizes[2];
    Value             *q = peel_scale(m, node_tensor(m->first, "self")),
          *k = peel_scale(m, node_tensor(m->first, "mat2"));
    Value *v, *out;
    TRY(reshape_to(m, q, lead, 2, rows, inner, &q));
    TRY(reshape_to(m, k, lead, 2, inner, columns, &k));
    TRY(reshape_to(m, node_tensor(m->last, "mat2"), lead, 2, columns, vt->sizes[2], &v));
    Arg transpose[] = {arg_value(k), arg_ints(m->graph, (const int64_t[]){0, 1, 3, 2}, 4)};
    TRY(build_like(m->graph, m->last, m->softmax, "aten.permute.default", transpose, 2, &k));
    Arg args[] = {arg_value(q),        arg_value(k),
                  arg_value(v),        m->mask ? arg_value(m->mask) : arg_none(),
                  arg_float(0),        arg_bool(m->graph, false),
                  arg_float(m->scale), arg_bool(m->graph, false)};
    TRY(build_like(m->graph, m->last, m->softmax, "aten.scaled_dot_product_attention.default", args,
                   8, &out));
    const TensorType *result = &m->last->results[0]->type;
    TRY(reshape_to(m, out, result->sizes, 1, result->sizes[1], result->sizes[2], &out));
    graph_replace_uses(m->graph, m->last->results[0], out);
    graph_remove_node(m->graph, m->last);
    return NULL;
}

static Error *match(Graph *graph, Node *node, PassCtx *cx, bool *changed)
{
    Match m = {.graph = graph, .last = node, .scale = 1};
    int   uses;
    bool  ok = false;
    if (!find_softmax(&m, &uses) || value_is_observed(graph, node_first_tensor(m.softmax)))
        return NULL;
    /* Masks are built on the way: what is left of a walk that fails is dead code. */
    TRY(find_product(&m, uses, &ok));
    if (!ok || node_tensor(m.first, "self")->type.dtype != node_tensor(node, "mat2")->type.dtype ||
        !dtype_is_float(node->results[0]->type.dtype))
        return NULL;
    TRY(build_attention(&m));
    pass_count(cx, "match_attention", 1);
    *changed = true;
    return NULL;
}

static Error *run(Graph *graph, PassCtx *cx, bool *changed)
{
    for (Node *n = graph->first, *next; n; n = next) {
        next = n->next;
        if (node_is(n, "bmm"))
            TRY(match(graph, n, cx, changed));
    }
    if (*changed) {
        graph_count_uses(graph);
        graph_remove_dead(graph);
    }
    return NULL;
}

const Pass pass_match_attention = {
    .name = "match_attention",
    .purpose = "recognize attention written as products around a softmax",
    .needs = HAVE_USES,
    .run = run,
};
