/* Values of loops as statements for one element; see element.h.
 *
 *   cumsum(x + y, 1)      const float v1 = x[8 * i0 + i1];
 *                         return v1 + y[i1]; */
#include "emit_cuda/element.h"

#include "emit_c/templates.h"

Error *cuda_element_value(CudaEmit *c, const Loop *loop, int indent)
{
    Nest nest;
    nest_init(&nest, &c->e, c->kernel, indent);
    for (int d = 0; d < loop->n_dims; d++)
        nest_var(&nest, loop->vars[d], 0);
    int item = nest_root(&nest, loop->value);
    TRY(nest_open(&nest));
    nest_close(&nest);
    nest_line(&nest, "return %s;", nest_text(&nest, item));
    return nest.error;
}

void cuda_element_decode(CudaEmit *c, int indent, const char *flat, Symbol *const *vars,
                         const Expr *const *sizes, int n)
{
    const char **names = ARENA_ARRAY(c->e.arena, const char *, n + 1);
    for (int d = 0; d < n; d++)
        names[d] = vars[d]->name;
    emit_decode(&c->e, indent, flat, sizes, names, n);
}

const char *cuda_ceil_div(CudaEmit *c, const char *count, int each)
{
    return arena_printf(c->e.arena, "((%s) + %d) / %d", count, each - 1, each);
}
