/* See archive_read.h. */
#include "package/archive_read.h"

#include "ir/base/text.h"
#include "package/file_map.h"
#include "package/weights.h"
#include "package/zip_read.h"

#include <string.h>

typedef struct Member {
    const char *name; /* without the root folder */
    const char *path; /* file in a folder; NULL: in the zip */
    int         zip_index;
    const void *data; /* NULL: not read yet */
    size_t      n_data;
} Member;

struct Archive {
    Arena      *arena;
    const char *file; /* as in messages: the last part of the path */
    ZipFile     zip;
    VEC(FileMap) maps;
    VEC(Member) members;
    json_t *by_name; /* member to index */
    VEC(const char *) models;
    VEC(const char *) ignored;
    const char *bare_json; /* the member that is the JSON itself, or NULL */
    const char *weights_from;
};

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static bool starts_with(const char *text, const char *prefix)
{
    return !strncmp(text, prefix, strlen(prefix));
}

static bool ends_with(const char *text, const char *suffix)
{
    size_t n = strlen(text), n_suffix = strlen(suffix);
    return n >= n_suffix && !strcmp(text + n - n_suffix, suffix);
}

static Error *fail(const Archive *a, const char *member, ErrorCode code, const char *message,
                   const char *help)
{
    Error *error =
        error_new(a->arena, code, (Where){.file = a->file, .path = member}, "%s", message);
    error->help = help;
    return error;
}

/* ---- members --------------------------------------------------------------------------------- */

static Member *find_member(const Archive *a, const char *name)
{
    const json_t *index = json_object_get(a->by_name, name);
    return index ? &a->members.items[json_integer_value(index)] : NULL;
}

static Error *add_member(Archive *a, Member member)
{
    if (find_member(a, member.name))
        return fail(a, member.name, E_FORMAT, "the archive has two members of this name", NULL);
    VEC_PUSH(a->arena, a->members, member);
    /* fails when the name is not UTF-8: then nothing refers to it */
    json_object_set_new(a->by_name, member.name, json_integer(a->members.n - 1));
    return NULL;
}

static Error *map_file(Archive *a, const char *path, FileMap *out)
{
    TRY(file_map_open(a->arena, path, out));
    VEC_PUSH(a->arena, a->maps, *out);
    return NULL;
}

/* is_checked: a stored member of a zip goes through its checksum too, which weights (large, in
 * place) do not. */
static Error *read_member(Archive *a, Member *member, bool is_checked)
{
    FileMap map;
    if (member->data)
        return NULL;
    if (member->path) {
        TRY(map_file(a, member->path, &map));
        member->data = map.data;
        member->n_data = map.n_data;
        return NULL;
    }
    const ZipMember *packed = &a->zip.members[member->zip_index];
    if (packed->is_stored && !is_checked)
        member->data = (const char *)a->zip.data + packed->offset;
    else
        TRY(zip_read_copy(&a->zip, member->zip_index, &member->data));
    member->n_data = packed->size_bytes;
    return NULL;
}

static Error *get_member(Archive *a, const char *name, bool is_checked, const void **data,
                         size_t *n_data)
{
    Member *member = find_member(a, name);
    *data = NULL;
    *n_data = 0;
    if (!member)
        return NULL;
    TRY(read_member(a, member, is_checked));
    *data = member->data;
    *n_data = member->n_data;
    return NULL;
}

Error *archive_member(Archive *archive, const char *name, const void **data, size_t *bytes)
{
    return get_member(archive, name, true, data, bytes);
}

static Error *weight_bytes(void *cx, const char *name, const void **data, size_t *n_data)
{
    return get_member(cx, name, false, data, n_data);
}

/* ---- the three kinds of input ---------------------------------------------------------------- */

/* The root folder is the stem of the file that was written, whatever it is called now. */
static Error *list_zip(Archive *a, const FileMap *map)
{
    TRY(zip_read_open(a->arena, a->file, map->data, map->n_data, &a->zip));
    if (!a->zip.n_members)
        return fail(a, NULL, E_FORMAT, "the archive is empty", NULL);
    const char *first = a->zip.members[0].name, *slash = strchr(first, '/');
    size_t      n_root = slash ? (size_t)(slash - first) + 1 : 0;
    for (int i = 0; i < a->zip.n_members; i++) {
        const char *name = a->zip.members[i].name;
        if (strncmp(name, first, n_root) || !name[n_root] || ends_with(name, "/"))
            continue;
        TRY(add_member(a, (Member){.name = name + n_root, .zip_index = i}));
    }
    return NULL;
}

/* Only the folders of the layout are looked into: a wrong path must not walk a disk. */
static Error *list_folder(Archive *a, const char *root)
{
    static const char *const folders[] = {
        "",       "models/",           "data/weights/",   "data/constants/", "data/sample_inputs/",
        "extra/", "data/aotinductor/", "data/executorch/"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        int          n;
        const char **names =
            folder_list(a->arena, arena_printf(a->arena, "%s/%s", root, folders[i]), &n);
        for (int k = 0; k < n; k++) {
            const char *name = arena_printf(a->arena, "%s%s", folders[i], names[k]);
            const char *path = arena_printf(a->arena, "%s/%s", root, name);
            if (path_is_file(path))
                TRY(add_member(a, (Member){.name = name, .path = path}));
        }
    }
    return NULL;
}

/* An unpacked archive has its root folder inside, unless that was given. */
static const char *find_root(Archive *a, const char *path)
{
    int          n;
    const char **names = folder_list(a->arena, path, &n);
    if (path_is_folder(arena_printf(a->arena, "%s/models", path)))
        return path;
    for (int i = 0; i < n; i++)
        if (path_is_folder(arena_printf(a->arena, "%s/%s/models", path, names[i])))
            return arena_printf(a->arena, "%s/%s", path, names[i]);
    return path;
}

static Error *list_bare_json(Archive *a, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = last_part(path);
    const char *root = slash ? arena_strndup(a->arena, path, (size_t)(slash - path)) : ".";
    TRY(list_folder(a, slash && !*root ? "/" : root));
    if (!find_member(a, name))
        TRY(add_member(a, (Member){.name = name, .path = path}));
    a->bare_json = name;
    return NULL;
}

static bool looks_like_json(const FileMap *map)
{
    const char *data = map->data;
    for (size_t i = 0; i < map->n_data; i++)
        if (!strchr(" \t\r\n", data[i]) || !data[i])
            return data[i] == '{';
    return false;
}

static Error *list_members(Archive *a, const char *path)
{
    FileMap map;
    if (path_is_folder(path))
        return list_folder(a, find_root(a, path));
    TRY(map_file(a, path, &map));
    if (map.n_data >= 4 && !memcmp(map.data, "PK\3\4", 4))
        return list_zip(a, &map);
    if (looks_like_json(&map))
        return list_bare_json(a, path);
    return fail(a, NULL, E_FORMAT, "neither a .pt2 archive nor the JSON of an export",
                "write it with torch.export.save(program, \"model.pt2\")");
}

/* ---- what the archive says of itself --------------------------------------------------------- */

/* A one-word member: "pt2", "0", "little". A missing one is taken to be right. */
static Error *check_word(Archive *a, const char *name, const char *expected, const char *what)
{
    const char *data;
    size_t      n_data;
    TRY(get_member(a, name, true, (const void **)&data, &n_data));
    if (!data)
        return NULL;
    while (n_data && strchr(" \r\n", data[n_data - 1]))
        n_data--;
    if (n_data == strlen(expected) && !memcmp(data, expected, n_data))
        return NULL;
    int n = n_data < 40 ? (int)n_data : 40;
    return fail(
        a, name, E_UNSUPPORTED,
        arena_printf(a->arena, "%s is \"%.*s\", only \"%s\" is supported", what, n, data, expected),
        NULL);
}

static Error *check_not_old(Archive *a)
{
    static const char help[] =
        "re-save it with torch 2.13: torch.export.save(torch.export.load(f), f)";
    if (find_member(a, "serialized_exported_program.json") ||
        find_member(a, "serialized_state_dict.pt"))
        return fail(a, NULL, E_UNSUPPORTED,
                    "this archive was written by an old torch.export (before 2.8)", help);
    for (int i = 0; i < a->members.n; i++) {
        const char *name = a->members.items[i].name;
        if ((starts_with(name, "data/weights/") || starts_with(name, "data/constants/")) &&
            ends_with(name, ".pt"))
            return fail(a, name, E_UNSUPPORTED,
                        "the weights are pickled: an older torch.export wrote them", help);
    }
    if (find_member(a, "data.pkl") || find_member(a, "constants.pkl"))
        return fail(a, NULL, E_UNSUPPORTED,
                    "this is a torch.save or TorchScript file, not a torch.export archive",
                    "export the model with torch.export.export and torch.export.save");
    return NULL;
}

static void note_ignored(Archive *a, const char *name)
{
    static const char *const folders[] = {"data/aotinductor", "data/executorch", "data/mtia",
                                          "xl_model_weights"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        if (!starts_with(name, folders[i]))
            continue;
        for (int k = 0; k < a->ignored.n; k++)
            if (a->ignored.items[k] == folders[i])
                return;
        VEC_PUSH(a->arena, a->ignored, folders[i]);
    }
}

static Error *find_models(Archive *a)
{
    if (a->bare_json) {
        const char *dot = strrchr(a->bare_json, '.');
        size_t      n = dot ? (size_t)(dot - a->bare_json) : strlen(a->bare_json);
        VEC_PUSH(a->arena, a->models, arena_strndup(a->arena, a->bare_json, n));
    }
    for (int i = 0; i < a->members.n; i++) {
        const char *name = a->members.items[i].name;
        note_ignored(a, name);
        if (!a->bare_json && starts_with(name, "models/") && ends_with(name, ".json"))
            VEC_PUSH(a->arena, a->models, arena_strndup(a->arena, name + 7, strlen(name) - 12));
    }
    VEC_PUSH(a->arena, a->ignored, NULL);
    if (a->models.n)
        return NULL;
    return fail(a, NULL, E_FORMAT, "no models/*.json: this is no torch.export archive", NULL);
}

static Error *read_archive(Archive *a, const char *path)
{
    TRY(list_members(a, path));
    if (!a->bare_json) {
        TRY(check_not_old(a));
        TRY(check_word(a, "archive_format", "pt2", "the archive format"));
        TRY(check_word(a, "archive_version", "0", "the archive version"));
        TRY(check_word(a, "byteorder", "little", "the byte order"));
    }
    return find_models(a);
}

Error *archive_open(Arena *arena, const char *path, const char *weights_from, Archive **out)
{
    Archive *a = ARENA_NEW(arena, Archive);
    a->arena = arena;
    a->file = arena_strdup(arena, last_part(path));
    a->by_name = json_object();
    a->weights_from = weights_from;
    Error *error = read_archive(a, path);
    if (error)
        archive_close(a);
    else
        *out = a;
    return error;
}

void archive_close(Archive *archive)
{
    if (!archive)
        return;
    zip_read_close(&archive->zip);
    for (int i = 0; i < archive->maps.n; i++)
        file_map_close(&archive->maps.items[i]);
    json_decref(archive->by_name);
    archive->maps.n = archive->members.n = 0;
    archive->by_name = NULL;
}

int archive_n_models(const Archive *archive)
{
    return archive->models.n;
}

const char *archive_model(const Archive *archive, int index)
{
    return archive->models.items[index];
}

const char *const *archive_ignored(const Archive *archive)
{
    return archive->ignored.items;
}

/* ---- loading --------------------------------------------------------------------------------- */

/* "data/weights/{model}_weights_config.json"; of a bare JSON, whose name says nothing, the only
 * config there is. */
static Member *find_config(Archive *a, const char *model, const char *kind)
{
    Member *member =
        find_member(a, arena_printf(a->arena, "data/%s/%s_%s_config.json", kind, model, kind));
    if (member || !a->bare_json)
        return member;
    const char *folder = arena_printf(a->arena, "data/%s/", kind);
    const char *suffix = arena_printf(a->arena, "_%s_config.json", kind);
    for (int i = 0; i < a->members.n; i++) {
        Member *candidate = &a->members.items[i];
        if (!starts_with(candidate->name, folder) || !ends_with(candidate->name, suffix))
            continue;
        if (member)
            return NULL;
        member = candidate;
    }
    return member;
}

static Error *add_configs(Archive *a, const char *model, WeightTable *table)
{
    static const char *const kinds[] = {"weights", "constants"};
    for (int i = 0; i < 2; i++) {
        Member *config = find_config(a, model, kinds[i]);
        if (!config)
            continue;
        TRY(read_member(a, config, true));
        Where       where = {.file = arena_printf(a->arena, "%s, %s", a->file, config->name)};
        const char *folder = arena_printf(a->arena, "data/%s", kinds[i]);
        TRY(weights_add_config(table, where, config->data, config->n_data, folder, weight_bytes,
                               a));
    }
    return NULL;
}

static Error *add_safetensors(Archive *a, const char *path, WeightTable *table)
{
    FileMap map;
    TRY(map_file(a, path, &map));
    return weights_add_safetensors(table, (Where){.file = last_part(path)}, map.data, map.n_data);
}

/* --weights-from: a safetensors file, a folder of them, or a folder with data/weights. */
static Error *add_given_weights(Archive *a, const char *model, WeightTable *table)
{
    int n, n_found = 0;
    if (!path_is_folder(a->weights_from))
        return add_safetensors(a, a->weights_from, table);
    const char **names = folder_list(a->arena, a->weights_from, &n);
    for (int i = 0; i < n; i++)
        if (ends_with(names[i], ".safetensors") && ++n_found)
            TRY(add_safetensors(a, arena_printf(a->arena, "%s/%s", a->weights_from, names[i]),
                                table));
    if (n_found)
        return NULL;
    const char *root = find_root(a, a->weights_from);
    if (!path_is_folder(arena_printf(a->arena, "%s/data/weights", root)))
        return error_new(a->arena, E_IO, (Where){.file = a->weights_from},
                         "%s holds neither *.safetensors nor data/weights", a->weights_from);
    /* its members are added beside those of the archive, which must not have any of their own */
    Archive *other = ARENA_NEW(a->arena, Archive);
    *other = (Archive){.arena = a->arena,
                       .file = last_part(a->weights_from),
                       .by_name = json_object(),
                       .bare_json = ""};
    Error *error = list_folder(other, root);
    if (!error)
        error = add_configs(other, model, table);
    for (int i = 0; i < other->maps.n; i++) /* the mappings live as long as this archive */
        VEC_PUSH(a->arena, a->maps, other->maps.items[i]);
    json_decref(other->by_name);
    return error;
}

static Error *choose_model(Archive *a, const char **model)
{
    Text names = text_new(a->arena);
    for (int i = 0; i < a->models.n; i++) {
        if (*model && !strcmp(*model, a->models.items[i]))
            return NULL;
        text_printf(&names, "%s%s", i ? ", " : "", a->models.items[i]);
    }
    if (!*model && a->models.n == 1) {
        *model = a->models.items[0];
        return NULL;
    }
    if (*model)
        return fail(a, NULL, E_USAGE,
                    arena_printf(a->arena, "no model \"%s\"; there is %s", *model, names.data),
                    NULL);
    return fail(a, NULL, E_USAGE,
                arena_printf(a->arena, "several models, name one of them: %s", names.data), NULL);
}

static Error *load_constants(Archive *a, const char *model, ImportSource *out)
{
    WeightTable table;
    weights_init(&table, a->arena);
    Error *error = a->weights_from ? add_given_weights(a, model, &table) : NULL;
    json_object_clear(
        table.by_storage); /* a member of the same name is other bytes in the archive */
    if (!error)
        error = add_configs(a, model, &table);
    weights_free(&table);
    out->constants = table.constants.items;
    out->n_constants = table.constants.n;
    out->storages = table.storages.items;
    out->n_storages = table.storages.n;
    return error;
}

Error *archive_load(Archive *archive, const char *model, ImportSource *out)
{
    const void *json;
    TRY(choose_model(archive, &model));
    /* A bare JSON has the name that torch.export.save gives: what a file is called does not change
     * the package. */
    *out = (ImportSource){.file = archive->file, .model = archive->bare_json ? "model" : model};
    const char *name = archive->bare_json ? archive->bare_json
                                          : arena_printf(archive->arena, "models/%s.json", model);
    out->member = archive->bare_json ? NULL : name;
    TRY(get_member(archive, name, true, &json, &out->json_bytes));
    if (!json)
        return fail(archive, name, E_FORMAT, "the member is missing", NULL);
    out->json = json;
    return load_constants(archive, model, out);
}
