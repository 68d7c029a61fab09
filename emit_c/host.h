/* What run functions of both emitters print: expressions over the frame, addresses, memory that the
 * run asks for, checks of symbols. */
#ifndef AOTC_EMIT_C_HOST_H
#define AOTC_EMIT_C_HOST_H

#include "emit_c/emit_internal.h"

void        host_line(Emit *e, int indent, const char *text);
/* The expression over f->sym[]. */
const char *host_expr(Emit *e, const Expr *expr);
/* Address of the buffer's first element, sizes from the frame. */
const char *host_address(Emit *e, const Buffer *b);
/* The one element of a 0-d buffer as a register value. */
const char *host_element(Emit *e, const Buffer *b);
/* The steps as the threads of a run on the CPU go through them. */
Error      *host_steps(Emit *e, Step *const *steps, int n, int indent);
/* Memory of late buffers, before the first step that writes one of them. */
void        host_allocate_before(Emit *e, Buffer *const *buffers, int n, int indent);
/* A kernel has asked for the memory of this late buffer itself. */
void        host_note_allocated(Emit *e, const Buffer *b);
/* What one branch allocates the other one does not have; behind both all is there.  A loop whose
 * steps are printed twice allocates twice. */
int         host_branch(Emit *e);
void        host_other_branch(Emit *e, int mark);
void        host_join(Emit *e, int mark);
/* After a kernel that allocates for itself: was there memory? */
void        host_check_allocated(Emit *e, const Buffer *b, int indent);
/* The export takes the range of a symbol for granted: what sets it checks it. */
void        host_range_check(Emit *e, const Symbol *symbol, int indent);
/* "if (!condition) { fail; return; }" */
/* Index of the kernel that writes the buffer, or -1. */
int         host_writer(const Emit *e, const Buffer *b);
void        host_assert(Emit *e, const Step *s, const char *condition, int indent);

#endif
