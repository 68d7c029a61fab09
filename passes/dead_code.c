/* dead_code: nodes whose results nobody uses go.
 *
 *   %1 = aten.exp.default(%0)
 *   return %0                     loses %1
 *
 * Effects (assertions, prints) stay, and so do nodes that set a symbol which something else needs;
 * see graph_remove_dead(). */
#include "passes/graph_util.h"

static Error *run(Graph *graph, PassCtx *cx, bool *changed)
{
    (void)cx;
    *changed |= graph_remove_dead(graph) > 0;
    return NULL;
}

const Pass pass_dead_code = {
    .name = "dead_code",
    .purpose = "remove nodes without effect whose results are not used",
    .needs = HAVE_USES,
    .run = run,
};
