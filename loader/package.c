/* Opening a package: mapped whole, its index checked before anything else is believed. */
#include "loader/internal.h"

#include "abi/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOCAL_HEADER_BYTES 30

static uint32_t read16(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

/* Data of the zip's first member when it is index.bin and stored; NULL otherwise. */
static const uint8_t *find_index(const uint8_t *file, size_t size, size_t *bytes)
{
    static const char name[] = "index.bin";
    if (size < LOCAL_HEADER_BYTES || memcmp(file, "PK\3\4", 4) || read16(file + 8) != 0)
        return NULL;
    size_t name_bytes = read16(file + 26), extra = read16(file + 28);
    size_t start = LOCAL_HEADER_BYTES + name_bytes + extra;
    if (name_bytes != sizeof name - 1 || start > size ||
        memcmp(file + LOCAL_HEADER_BYTES, name, sizeof name - 1))
        return NULL;
    *bytes = size - start;
    return file + start;
}

static bool good_name(const char *name)
{
    if (!*name || *name == '/')
        return false;
    for (const char *s = name; *s; s++)
        if ((s == name || s[-1] == '/') && s[0] == '.' && s[1] == '.' && (s[2] == '/' || !s[2]))
            return false;
    return true;
}

static aotc_status read_member(aotc_package *p, const aotc_package_member *from,
                               uint32_t string_bytes, Member *out, aotc_error *error)
{
    if (from->name >= string_bytes || from->target >= string_bytes)
        return error_set(error, AOTC_E_FORMAT,
                         "the package's index is damaged: a name lies outside its strings");
    *out = (Member){.kind = from->kind,
                    .machine = from->machine,
                    .features = from->features,
                    .name = p->strings + from->name,
                    .target = p->strings + from->target,
                    .size_bytes = from->size_bytes};
    memcpy(out->sha256, from->sha256, 32);
    if (!good_name(out->name))
        return error_set(error, AOTC_E_FORMAT,
                         "the package's index has the unsafe member name \"%s\"", out->name);
    return AOTC_OK;
}

static aotc_status check_header(const aotc_package_header *h, const uint8_t *index, size_t bytes,
                                aotc_error *error)
{
    if (bytes < sizeof *h || memcmp(h->magic, AOTC_PACKAGE_MAGIC, sizeof AOTC_PACKAGE_MAGIC))
        return error_set(error, AOTC_E_FORMAT,
                         "not a .pt2pkg: the index does not start with its mark");
    if (h->version != AOTC_PACKAGE_VERSION)
        return error_set(error, AOTC_E_VERSION,
                         "the package has format version %u, this loader reads version %u",
                         h->version, AOTC_PACKAGE_VERSION);
    if (h->n_members > MAX_MEMBERS || h->member_bytes < sizeof(aotc_package_member) ||
        h->member_bytes > 4096 || h->string_bytes < 1)
        return error_set(error, AOTC_E_FORMAT, "the package's index is damaged: impossible sizes");
    size_t need = (size_t)h->n_members * h->member_bytes + h->string_bytes;
    if (need > bytes - sizeof *h)
        return error_set(error, AOTC_E_FORMAT, "the package is cut off inside its index");
    uint8_t sum[32];
    aotc_sha256_of(index + sizeof *h, need, sum);
    if (memcmp(sum, h->sha256, 32))
        return error_set(error, AOTC_E_FORMAT, "the package's index does not match its hash");
    if (index[sizeof *h + need - 1] != 0)
        return error_set(error, AOTC_E_FORMAT,
                         "the package's index is damaged: its strings do not end");
    return AOTC_OK;
}

static aotc_status read_index(aotc_package *p, const uint8_t *index, size_t bytes,
                              aotc_package_header *h, aotc_package_member **raw, aotc_error *error)
{
    if (bytes >= sizeof *h)
        memcpy(h, index, sizeof *h);
    else
        memset(h, 0, sizeof *h);
    aotc_status s = check_header(h, index, bytes, error);
    if (s)
        return s;
    const uint8_t *at = index + sizeof *h;
    p->strings = malloc(h->string_bytes);
    p->members = calloc(h->n_members + 1, sizeof *p->members);
    *raw = calloc(h->n_members + 1, sizeof **raw);
    if (!p->strings || !p->members || !*raw)
        return error_set(error, AOTC_E_MEMORY, "out of memory");
    memcpy(p->strings, at + (size_t)h->n_members * h->member_bytes, h->string_bytes);
    for (uint32_t i = 0; i < h->n_members; i++) {
        memcpy(&(*raw)[i], at + (size_t)i * h->member_bytes, sizeof **raw);
        s = read_member(p, &(*raw)[i], h->string_bytes, &p->members[i], error);
        if (s)
            return s;
        int order = i ? strcmp(p->members[i - 1].name, p->members[i].name) : -1;
        if (order >= 0)
            return order ? error_set(error, AOTC_E_FORMAT,
                                     "the package's index is not sorted at member %s",
                                     p->members[i].name)
                         : error_set(error, AOTC_E_FORMAT, "the package has the member %s twice",
                                     p->members[i].name);
    }
    p->n_members = (int)h->n_members;
    return AOTC_OK;
}

static aotc_status find_weights(aotc_package *p, const aotc_open_options *options,
                                aotc_error *error)
{
    for (int i = 0; i < p->n_members; i++) {
        if (p->members[i].kind != AOTC_MEMBER_WEIGHTS)
            continue;
        if (p->weights)
            return error_set(error, AOTC_E_FORMAT, "the package has two members with weights");
        p->weights = &p->members[i];
    }
    bool check = options && options->struct_size >= sizeof *options && options->check_weights;
    if (check && p->weights) {
        uint8_t sum[32];
        aotc_sha256_of(p->weights->data, p->weights->size_bytes, sum);
        if (memcmp(sum, p->weights->sha256, 32))
            return error_set(error, AOTC_E_FORMAT, "the weights do not match their hash");
    }
    return AOTC_OK;
}

static aotc_status open_mapped(aotc_package *p, const uint8_t *file, size_t size, aotc_error *error)
{
    size_t         bytes = 0;
    const uint8_t *index = find_index(file, size, &bytes);
    if (!index)
        return error_set(error, AOTC_E_FORMAT,
                         "not a .pt2pkg: its first member is not a stored index.bin");
    aotc_package_header  h;
    aotc_package_member *raw = NULL;
    aotc_status          s = read_index(p, index, bytes, &h, &raw, error);
    if (!s && h.package_bytes != size)
        s = error_set(error, AOTC_E_FORMAT, "the package is cut off: %zu bytes of %llu", size,
                      (unsigned long long)h.package_bytes);
    for (int i = 0; i < p->n_members && !s; i++) {
        if (raw[i].offset > size || raw[i].size_bytes > size - raw[i].offset)
            s = error_set(error, AOTC_E_FORMAT, "member %s lies outside the package",
                          p->members[i].name);
        else if (p->members[i].kind == AOTC_MEMBER_WEIGHTS && raw[i].offset % 64)
            s = error_set(error, AOTC_E_FORMAT, "the weights are not aligned in the package");
        else
            p->members[i].data = file + raw[i].offset;
    }
    free(raw);
    return s;
}

static aotc_status map_fd(int fd, const char *what, Mapping *out, aotc_error *error)
{
    struct stat st;
    if (fstat(fd, &st))
        return error_set(error, AOTC_E_IO, "cannot read %s: %s", what, strerror(errno));
    out->size_bytes = (size_t)st.st_size;
    out->base = NULL;
    if (!st.st_size)
        return AOTC_OK;
    out->base = mmap(NULL, out->size_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    if (out->base == MAP_FAILED) {
        out->base = NULL;
        return error_set(error, AOTC_E_IO, "cannot map %s: %s", what, strerror(errno));
    }
    return AOTC_OK;
}

static aotc_status map_path(const char *folder, const char *name, Mapping *out, aotc_error *error)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return error_set(error, AOTC_E_ARGUMENT, "the path %s is too long", folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set(error, AOTC_E_IO, "cannot open %s: %s", path, strerror(errno));
    aotc_status s = map_fd(fd, path, out, error);
    close(fd);
    return s;
}

static aotc_status open_folder(aotc_package *p, const char *folder, aotc_error *error)
{
    Mapping     index = {NULL, 0};
    aotc_status s = map_path(folder, "index.bin", &index, error);
    if (s)
        return s;
    aotc_package_header  h;
    aotc_package_member *raw = NULL;
    s = read_index(p, index.base, index.size_bytes, &h, &raw, error);
    free(raw);
    if (index.base)
        munmap(index.base, index.size_bytes);
    if (s)
        return s;
    p->maps = calloc((size_t)p->n_members + 1, sizeof *p->maps);
    if (!p->maps)
        return error_set(error, AOTC_E_MEMORY, "out of memory");
    for (int i = 0; i < p->n_members && !s; i++) {
        Member *m = &p->members[i];
        if (m->kind == AOTC_MEMBER_OTHER)
            continue;
        s = map_path(folder, m->name, &p->maps[p->n_maps], error);
        if (s)
            break;
        m->data = p->maps[p->n_maps].base;
        if (p->maps[p->n_maps++].size_bytes != m->size_bytes)
            s = error_set(error, AOTC_E_FORMAT, "%s/%s has another size than the index says",
                          folder, m->name);
    }
    return s;
}

static aotc_package *package_new(void)
{
    aotc_package *p = calloc(1, sizeof *p);
    if (p) {
        atomic_init(&p->refs, 1);
        pthread_mutex_init(&p->lock, NULL);
    }
    return p;
}

static aotc_status finish_open(aotc_package *p, aotc_status s, const aotc_open_options *options,
                               aotc_package **out, aotc_error *error)
{
    if (!s)
        s = find_weights(p, options, error);
    if (s)
        aotc_package_close(p);
    else
        *out = p;
    return s;
}

aotc_status aotc_package_open_fd(int fd, const aotc_open_options *options, aotc_package **out,
                                 aotc_error *error)
{
    error_clear(error);
    if (!out)
        return error_set(error, AOTC_E_ARGUMENT, "out is NULL");
    *out = NULL;
    aotc_package *p = package_new();
    if (!p || !(p->maps = calloc(1, sizeof *p->maps))) {
        aotc_package_close(p);
        return error_set(error, AOTC_E_MEMORY, "out of memory");
    }
    aotc_status s = map_fd(fd, "the package", &p->maps[0], error);
    p->n_maps = 1;
    if (!s)
        s = open_mapped(p, p->maps[0].base, p->maps[0].size_bytes, error);
    return finish_open(p, s, options, out, error);
}

aotc_status aotc_package_open(const char *path, const aotc_open_options *options,
                              aotc_package **out, aotc_error *error)
{
    struct stat st;
    error_clear(error);
    if (!path || !out)
        return error_set(error, AOTC_E_ARGUMENT, "path or out is NULL");
    *out = NULL;
    if (stat(path, &st))
        return error_set(error, AOTC_E_IO, "cannot open %s: %s", path, strerror(errno));
    if (S_ISDIR(st.st_mode)) {
        aotc_package *p = package_new();
        if (!p)
            return error_set(error, AOTC_E_MEMORY, "out of memory");
        return finish_open(p, open_folder(p, path, error), options, out, error);
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return error_set(error, AOTC_E_IO, "cannot open %s: %s", path, strerror(errno));
    aotc_status s = aotc_package_open_fd(fd, options, out, error);
    close(fd);
    return s;
}

aotc_status aotc_package_open_memory(const void *memory, size_t size_bytes,
                                     const aotc_open_options *options, aotc_package **out,
                                     aotc_error *error)
{
    error_clear(error);
    if (!memory || !out)
        return error_set(error, AOTC_E_ARGUMENT, "memory or out is NULL");
    *out = NULL;
    if ((uintptr_t)memory % 64)
        return error_set(error, AOTC_E_ARGUMENT, "the package's memory is not 64-byte aligned");
    aotc_package *p = package_new();
    if (!p)
        return error_set(error, AOTC_E_MEMORY, "out of memory");
    return finish_open(p, open_mapped(p, memory, size_bytes, error), options, out, error);
}
