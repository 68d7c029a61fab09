/* An export on disk: a .pt2 archive, a folder with the same layout, or a bare ExportedProgram JSON.
 *
 * In: a path.  Out: the JSON of a model and its constants, as an ImportSource for ir/import.h.  The
 * file is mapped: stored members are given in place, deflated ones are inflated into the arena. The
 * layout is that of PyTorch 2.13 (torch/export/pt2_archive).
 *
 *   model.pt2                   a zip; the first member's folder is the root
 *   model/                      the same members as files, with or without that folder
 *   export.json                 weights in data/weights beside it, or from weights_from */
#ifndef AOTC_PACKAGE_ARCHIVE_READ_H
#define AOTC_PACKAGE_ARCHIVE_READ_H

#include "ir/base/error.h"
#include "ir/base/import_source.h"

typedef struct Archive Archive;

/* weights_from (may be NULL): a .safetensors file, a folder of them, or a folder with data/weights;
 * its constants go before those of the archive.  E_IO, E_FORMAT, E_UNSUPPORTED (old formats, by
 * name).  *out is set only on success. */
Error *archive_open(Arena *arena, const char *path, const char *weights_from, Archive **out);
/* Unmaps: nothing that the archive gave may be used afterwards. NULL is allowed. */
void   archive_close(Archive *archive);

int         archive_n_models(const Archive *archive);
const char *archive_model(const Archive *archive, int index); /* "model" */

/* model NULL: the only one; E_USAGE names them when there are several. */
Error *archive_load(Archive *archive, const char *model, ImportSource *out);

/* Bytes of a member without the root folder ("extra/config.json"); *data NULL when there is none.
 */
Error *archive_member(Archive *archive, const char *name, const void **data, size_t *bytes);
/* Folders of other back ends that were passed over ("data/aotinductor"), for --verbose; NULL ends
 * the list. */
const char *const *archive_ignored(const Archive *archive);

#endif
