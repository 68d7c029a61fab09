/* TILES: a block has tile x tile points; what stands in memory along another dim than the stores
 * comes in along that one and is read back across it.
 *
 *   y[512*i0 + i1] = x[600*i1 + i0];      over i0 < 600, i1 < 512
 *
 *   __shared__ float tile_0[32 * 33];
 *   for (int step = 0; step < 4; step++) {                 lines of x: i0 is the lane
 *       const int32_t line = step * 8 + threadIdx.x / 32, i1 = tile_i1 * 32 + line; …
 *       tile_0[line * 33 + lane] = x[600*i1 + i0];
 *   }
 *   __syncthreads();
 *   for (int step = 0; step < 4; step++) {                 lines of y: i1 is the lane
 *       y[512*i0 + i1] = tile_0[lane * 33 + line];
 *   }
 *
 * Dims of any size: what lies beyond them is neither read nor written. */
#include "emit_cuda/loops.h"

typedef struct TileDim {
    const Symbol *var, *tile; /* which point; which tile */
    const Expr   *size;
} TileDim;

static TileDim tile_dim(const LoopText *t, bool is_last)
{
    int d = is_last ? t->k->n_outer - 1 : t->plan->tile_dim;
    return (TileDim){t->k->outer[d], t->tiles[is_last], t->k->outer_sizes[d]};
}

static const char *guard(LoopText *t, TileDim dim)
{
    if (expr_is_value(expr_mod(t->e->exprs, dim.size, expr_int(t->e->exprs, t->plan->tile)), 0))
        return NULL;
    return arena_printf(t->e->arena, "if (%s < %s)", dim.var->name, loops_expr(t, dim.size));
}

/* A loop, and the variable that its `first` line defines, in scope where it is below its size. */
static void add_level(LoopText *t, Nest *nest, TileDim dim, int steps, const char *loop,
                      const char *first)
{
    const char *below = guard(t, dim);
    nest_level(nest, NULL, loop, first);
    if (steps > 1)
        nest_front(nest, arena_printf(t->e->arena, "%*s#pragma unroll\n",
                                      4 * (nest->indent + nest->levels.n - 1), ""));
    if (below)
        nest_level(nest, NULL, below, NULL);
    nest_var(nest, dim.var, nest->levels.n);
}

/* Every point of a tile: a warp takes a line after the other, `columns` go along its lanes. */
static void open_tile(LoopText *t, Nest *nest, TileDim lines, TileDim columns)
{
    Arena      *arena = t->e->arena;
    const char *type = loops_int(t);
    int         tile = t->plan->tile, warps = t->plan->threads / 32;
    loops_nest(t, nest, 2);
    for (int d = 0; d < t->k->n_outer; d++)
        if (t->k->outer[d] != lines.var && t->k->outer[d] != columns.var)
            nest_var(nest, t->k->outer[d], 0);
    add_level(t, nest, lines, tile / warps,
              arena_printf(arena, "for (int step = 0; step < %d; step++)", tile / warps),
              arena_printf(arena, "const %s line = step * %d + lane / 32, %s = %s * %d + line;",
                           type, warps, lines.var->name, lines.tile->name, tile));
    add_level(t, nest, columns, tile / 32,
              arena_printf(arena, "for (int part = 0; part < %d; part++)", tile / 32),
              arena_printf(arena,
                           "const %s column = part * 32 + lane %% 32, %s = %s * %d + column;", type,
                           columns.var->name, columns.tile->name, tile));
}

static Error *print_tile_loads(LoopText *t, const Scalar *const *loads, int n)
{
    Nest        nest;
    const char *at[MAX_TILED_LOADS];
    open_tile(t, &nest, tile_dim(t, true), tile_dim(t, false));
    for (int i = 0; i < n; i++)
        at[i] = nest_index(&nest, loads[i]->index);
    TRY(nest_open(&nest));
    for (int i = 0; i < n; i++)
        nest_line(&nest, "tile_%d[line * %d + column] = %s[%s];", i,
                  tile_stride(t->plan->tile, loads[i]->buffer->dtype),
                  emit_buffer_name(t->e, loads[i]->buffer), at[i]);
    nest_close(&nest);
    return nest.error;
}

static Error *print_tile_stores(LoopText *t, const Scalar *const *loads, int n)
{
    Nest nest;
    open_tile(t, &nest, tile_dim(t, false), tile_dim(t, true));
    for (int i = 0; i < n; i++) {
        DType dtype = loads[i]->buffer->dtype;
        nest_bind_at(&nest, loads[i]->buffer, loads[i]->index,
                     c_load(t->e->arena, dtype,
                            arena_printf(t->e->arena, "tile_%d[column * %d + line]", i,
                                         tile_stride(t->plan->tile, dtype))),
                     nest.levels.n);
    }
    loops_announce(t, &nest, t->k->stages[0]);
    TRY(nest_open(&nest));
    TRY(loops_print_stores(t, &nest, t->k->stages[0]));
    nest_close(&nest);
    return nest.error;
}

Error *loops_print_tile(LoopText *t)
{
    const Scalar *loads[MAX_TILED_LOADS];
    int           tile = t->plan->tile;
    int           n = kernel_tiled_loads(t->e->exprs, t->k, t->plan->tile_dim, tile, loads);
    for (int i = 0; i < n; i++) {
        DType dtype = loads[i]->buffer->dtype;
        loops_line(t, 2,
                   arena_printf(t->e->arena, "__shared__ %s tile_%d[%d * %d];",
                                c_storage_type(dtype), i, tile, tile_stride(tile, dtype)));
    }
    TRY(print_tile_loads(t, loads, n));
    loops_line(t, 2, "__syncthreads();");
    return print_tile_stores(t, loads, n);
}
