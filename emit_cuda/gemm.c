/* KERNEL_GEMM: a product as it stands; see product.c. */
#include "emit_cuda/product.h"

/* Outer variables of the kernel are batch…, m, n. */
static EpilogueDims dims_of(CudaEmit *c, const Kernel *k)
{
    const Gemm  *g = &k->gemm;
    Text         t = text_new(c->e.arena);
    const char **names = ARENA_ARRAY(c->e.arena, const char *, k->n_outer);
    for (int d = 0; d < g->n_batch; d++)
        names[d] = k->outer[d]->name;
    cuda_decode(c, &t, "t_z", g->batch, names, g->n_batch);
    text_printf(&t, "    const int64_t %s AOTC_UNUSED = t_m;\n", k->outer[g->n_batch]->name);
    return (EpilogueDims){.decode = t.data,
                          .column = "t_n",
                          .column_is_aligned = true,
                          .row = g->n_batch,
                          .n_row = 1};
}

Error *cuda_emit_gemm(CudaEmit *c, const Kernel *k)
{
    const Gemm *g = &k->gemm;
    Product     p = {.k = k,
                     .dtype = g->dtype,
                     .accumulate = g->accumulate,
                     .n_batch = g->n_batch,
                     .batch = g->batch,
                     .m = g->m,
                     .n = g->n,
                     .depth = g->k,
                     .a = g->a,
                     .b = g->b,
                     .dims = dims_of(c, k)};
    return product_emit(c, &p);
}
