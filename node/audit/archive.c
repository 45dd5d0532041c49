// SPDX-License-Identifier: Apache-2.0
#include "node/audit/archive.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"

static assay_status path_make(const char **out, const char *folder, const char *name,
                              assay_arena *arena, assay_error *err) {
    char path[PATH_MAX];
    assay_bytes copy;
    ASSAY_TRY(assay_path_join(path, sizeof path, folder, name, err));
    ASSAY_TRY(assay_arena_copy(arena, path, strlen(path) + 1, "paths", &copy, err));
    *out = (const char *)copy.data;
    return ASSAY_OK;
}

static assay_status files_list(assay_workshop_files *files, const char *path,
                               struct dirent **entries, int count, assay_arena *arena,
                               assay_error *err) {
    void *room;
    ASSAY_TRY(assay_arena_get(arena, (size_t)count, sizeof *files->items, "paths", &room, err));
    *files = (assay_workshop_files){room, 0};
    for (int i = 0; i < count; i++)
        if (entries[i]->d_name[0] != '.')
            ASSAY_TRY(
                path_make(&files->items[files->count++], path, entries[i]->d_name, arena, err));
    return ASSAY_OK;
}

// Every file of folder/name, in order of their names.
static assay_status files_find(assay_workshop_files *files, const char *folder, const char *name,
                               assay_arena *arena, assay_error *err) {
    const char *path;
    struct dirent **entries;
    ASSAY_TRY(path_make(&path, folder, name, arena, err));
    int count = scandir(path, &entries, NULL, alphasort);
    if (count < 0 && errno == ENOENT) return ASSAY_OK;
    if (count < 0) return assay_fail_errno(err, errno, "cannot list %s", path);
    assay_status status = files_list(files, path, entries, count, arena, err);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    return status;
}

assay_status assay_archive_add(assay_workshop_options *options, assay_option_texts *evidence,
                               const char *folder, assay_arena *arena, assay_error *err) {
    const char *model;
    ASSAY_TRY(path_make(&model, folder, "model.safetensors", arena, err));
    if (!options->model_file && access(model, F_OK) == 0) options->model_file = model;
    ASSAY_TRY(files_find(&options->found_adapters, folder, "adapters", arena, err));
    ASSAY_TRY(files_find(&options->found_datasets, folder, "datasets", arena, err));
    if (evidence->count == ASSAY_OPTION_TEXTS_MAX)
        return ASSAY_FAIL(err, CAPACITY, "more than %d evidence folders", ASSAY_OPTION_TEXTS_MAX);
    evidence->items[evidence->count++] = folder;
    return ASSAY_OK;
}
