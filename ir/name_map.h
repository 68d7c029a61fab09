/* Hash map from names to a pointer and a number, in an arena.  Names are not copied.  Order is
 * never visible. */
#ifndef AOTC_IR_NAME_MAP_H
#define AOTC_IR_NAME_MAP_H

#include "ir/base/arena.h"

typedef struct NameMap NameMap;

typedef struct NameEntry {
    const char *name; /* NULL: free slot */
    const void *item;
    int         number;
} NameEntry;

NameMap   *name_map_create(Arena *arena, int expected);
/* NULL when absent.  Entries move when the map grows: use them before the next name_map_add(). */
NameEntry *name_map_find(const NameMap *map, const char *name);
/* The entry of that name, new ones with item NULL and number 0. */
NameEntry *name_map_add(NameMap *map, const char *name);

#endif
