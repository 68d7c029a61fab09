/* See file_map.h. */
#include "package/file_map.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char nothing[1];

static Error *io_error(Arena *arena, const char *path, const char *what)
{
    return error_new(arena, E_IO, (Where){.file = path}, "cannot %s %s: %s", what, path,
                     strerror(errno));
}

static Error *map_descriptor(Arena *arena, const char *path, int fd, FileMap *out)
{
    struct stat info;
    if (fstat(fd, &info))
        return io_error(arena, path, "read");
    if (!S_ISREG(info.st_mode))
        return error_new(arena, E_IO, (Where){.file = path}, "%s is not a regular file", path);
    *out = (FileMap){nothing, (size_t)info.st_size};
    if (!info.st_size)
        return NULL;
    void *data = mmap(NULL, out->n_data, PROT_READ, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        return io_error(arena, path, "map");
    out->data = data;
    return NULL;
}

Error *file_map_open(Arena *arena, const char *path, FileMap *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return io_error(arena, path, "open");
    Error *error = map_descriptor(arena, path, fd, out);
    close(fd);
    return error;
}

void file_map_close(FileMap *map)
{
    if (map->n_data)
        munmap((void *)(uintptr_t)map->data, map->n_data);
    *map = (FileMap){0};
}

bool path_is_folder(const char *path)
{
    struct stat info;
    return !stat(path, &info) && S_ISDIR(info.st_mode);
}

bool path_is_file(const char *path)
{
    struct stat info;
    return !stat(path, &info) && S_ISREG(info.st_mode);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char **folder_list(Arena *arena, const char *path, int *n)
{
    VEC(const char *) names = {0};
    DIR *folder = opendir(path);
    for (struct dirent *entry; folder && (entry = readdir(folder));)
        if (entry->d_name[0] != '.')
            VEC_PUSH(arena, names, arena_strdup(arena, entry->d_name));
    if (folder)
        closedir(folder);
    if (names.n)
        qsort(names.items, (size_t)names.n, sizeof *names.items, compare_names);
    *n = names.n;
    VEC_PUSH(arena, names, NULL);
    return names.items;
}
