/* Files mapped for reading. */
#ifndef AOTC_PACKAGE_FILE_MAP_H
#define AOTC_PACKAGE_FILE_MAP_H

#include "ir/base/error.h"

#include <stdbool.h>

typedef struct FileMap {
    const void *data; /* never NULL after file_map_open(): an empty file has some address too */
    size_t      n_data;
} FileMap;

Error *file_map_open(Arena *arena, const char *path, FileMap *out);
void   file_map_close(FileMap *map);

bool         path_is_folder(const char *path);
bool         path_is_file(const char *path);
/* Names in a folder, sorted, ended by NULL, without those that start with a dot; empty when it
 * cannot be read. */
const char **folder_list(Arena *arena, const char *path, int *n);

#endif
