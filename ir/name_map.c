/* Open addressing with linear probing; the table is never more than half full, names are never
 * removed. */
#include "ir/name_map.h"

#include <stdint.h>
#include <string.h>

struct NameMap {
    Arena     *arena;
    NameEntry *entries;
    size_t     n, cap; /* cap is a power of two */
};

/* FNV-1a, 64 bits. */
static uint64_t hash_name(const char *name)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (const unsigned char *c = (const unsigned char *)name; *c; c++)
        hash = (hash ^ *c) * 0x100000001b3u;
    return hash;
}

NameMap *name_map_create(Arena *arena, int expected)
{
    NameMap *map = ARENA_NEW(arena, NameMap);
    map->arena = arena;
    map->cap = 16;
    while (map->cap < 2 * (size_t)expected)
        map->cap *= 2;
    map->entries = ARENA_ARRAY(arena, NameEntry, map->cap);
    return map;
}

/* The slot that holds the name, or the free one where it belongs. */
static NameEntry *find_slot(const NameMap *map, const char *name)
{
    size_t at = hash_name(name) & (map->cap - 1);
    while (map->entries[at].name && strcmp(map->entries[at].name, name) != 0)
        at = (at + 1) & (map->cap - 1);
    return &map->entries[at];
}

NameEntry *name_map_find(const NameMap *map, const char *name)
{
    NameEntry *slot = find_slot(map, name);
    return slot->name ? slot : NULL;
}

static void grow(NameMap *map)
{
    NameEntry *old = map->entries;
    size_t     old_cap = map->cap;
    map->cap *= 2;
    map->entries = ARENA_ARRAY(map->arena, NameEntry, map->cap);
    for (size_t i = 0; i < old_cap; i++)
        if (old[i].name)
            *find_slot(map, old[i].name) = old[i];
}

NameEntry *name_map_add(NameMap *map, const char *name)
{
    NameEntry *slot = find_slot(map, name);
    if (slot->name)
        return slot;
    if (2 * (map->n + 1) > map->cap) {
        grow(map);
        slot = find_slot(map, name);
    }
    map->n++;
    slot->name = name;
    return slot;
}
