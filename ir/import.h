/* Import of an export: ExportedProgram JSON (torch.export, schema major 8) to Graph.
 *
 * In: JSON text and a table of constants (ImportSource).  Out: a Graph in TRAINING or ATEN dialect
 * whose values carry the exported dtypes, sizes and strides.  The format:
 * torch/_export/serde/schema.py of PyTorch 2.13. */
#ifndef AOTC_IR_IMPORT_H
#define AOTC_IR_IMPORT_H

#include "ir/base/import_source.h"
#include "ir/graph.h"

/* E_FORMAT with file, JSON path and node where the text is malformed; E_UNSUPPORTED for what is
 * well formed but cannot be taken.  Calls of operators that nobody has declared become nodes too,
 * with a guessed schema and no row: the passes refuse them.
 *
 * The graph borrows the bytes of the storages; nothing else of `source` is needed afterwards. */
Error *graph_import(Ir *ir, const ImportSource *source, Graph **out);

#endif
