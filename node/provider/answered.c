// SPDX-License-Identifier: Apache-2.0
#include "node/provider/answered.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "node/options.h"

assay_status assay_answer_path(char *out, const char *home, const char *folder,
                               const assay_hash *session, uint64_t sequence, assay_error *err) {
    char text[ASSAY_HEX_HASH_MAX];
    assay_hex_encode(text, session->bytes, ASSAY_HASH_SIZE);
    int length = snprintf(out, PATH_MAX, "%s/%s/%s-%020llu", home, folder, text, (ull)sequence);
    return length < PATH_MAX ? ASSAY_OK : ASSAY_FAIL(err, CAPACITY, "path is over %d", PATH_MAX);
}

static assay_status path_of(char *out, const assay_answered *answered,
                            const assay_answered_file *file) {
    return assay_answer_path(out, answered->home, "answered", &file->session, file->sequence, NULL);
}

static void file_remove(assay_answered *answered, uint32_t index) {
    char path[PATH_MAX];
    if (path_of(path, answered, &answered->files[index]) == ASSAY_OK) unlink(path);
    answered->files[index] = answered->files[--answered->file_count];
}

static uint32_t oldest(const assay_answered *answered) {
    uint32_t found = 0;
    for (uint32_t i = 1; i < answered->file_count; i++)
        if (answered->files[i].made_ns < answered->files[found].made_ns) found = i;
    return found;
}

// One that is on disk: it may be one too many.
static void file_note(assay_answered *answered, const assay_answered_file *file) {
    char path[PATH_MAX];
    struct stat state;
    uint32_t at = 0;
    if (path_of(path, answered, file) != ASSAY_OK || stat(path, &state) != 0) return;
    while (at < answered->file_count &&
           (answered->files[at].sequence != file->sequence ||
            !assay_hash_equal(&answered->files[at].session, &file->session)))
        at++;
    answered->files[at] = *file;
    answered->files[at].made_ns =
        state.st_mtim.tv_sec * INT64_C(1000000000) + state.st_mtim.tv_nsec;
    if (at == answered->file_count) answered->file_count++;
    if (answered->file_count > answered->file_max) file_remove(answered, oldest(answered));
}

// "<session>-<sequence>". Returns: whether it is such a name.
static bool name_read(assay_answered_file *out, const char *name) {
    enum { SESSION = 2 * ASSAY_HASH_SIZE };
    char session[SESSION + 1];
    if (strlen(name) != SESSION + 1 + 20 || name[SESSION] != '-') return false;
    memcpy(session, name, SESSION);
    session[SESSION] = 0;
    return assay_hex_decode(out->session.bytes, ASSAY_HASH_SIZE, session, NULL) == ASSAY_OK &&
           assay_number_parse(&out->sequence, name + SESSION + 1, "sequence", 1, UINT64_MAX,
                              NULL) == ASSAY_OK;
}

assay_status assay_answered_open(assay_answered *answered, const char *home, uint32_t file_max,
                                 assay_error *err) {
    char folder[PATH_MAX];
    *answered = (assay_answered){.home = home, .file_max = file_max};
    answered->files = calloc((size_t)file_max + 1, sizeof *answered->files); // and one too many
    if (!answered->files) return ASSAY_FAIL(err, MEMORY, "no memory for %u answers", file_max);
    ASSAY_TRY(assay_path_join(folder, sizeof folder, home, "answered", err));
    ASSAY_TRY(assay_folder_make(folder, err));
    DIR *list = opendir(folder);
    if (!list) return ASSAY_FAIL(err, IO, "cannot list %s", folder);
    for (struct dirent *entry; (entry = readdir(list));) {
        assay_answered_file file;
        if (name_read(&file, entry->d_name)) file_note(answered, &file);
    }
    closedir(list);
    return ASSAY_OK;
}

void assay_answered_close(assay_answered *answered) {
    free(answered->files);
    *answered = (assay_answered){.home = NULL};
}

void assay_answered_take(assay_answered *answered, const assay_hash *session, uint64_t sequence) {
    char from[PATH_MAX], to[PATH_MAX];
    const assay_answered_file file = {*session, sequence, 0};
    if (assay_answer_path(from, answered->home, "pending", session, sequence, NULL) != ASSAY_OK)
        return;
    if (path_of(to, answered, &file) == ASSAY_OK && rename(from, to) == 0)
        file_note(answered, &file);
    else
        unlink(from);
}

void assay_answered_forget(assay_answered *answered, const assay_hash *session) {
    for (uint32_t i = answered->file_count; i > 0; i--)
        if (assay_hash_equal(&answered->files[i - 1].session, session))
            file_remove(answered, i - 1);
}

uint32_t assay_answered_sessions(assay_answered *answered, assay_hash *ids, uint32_t id_max) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < answered->file_count && count < id_max; i++) {
        if (answered->turn >= answered->file_count) answered->turn = 0;
        const assay_hash *id = &answered->files[answered->turn++].session;
        uint32_t at = 0;
        while (at < count && !assay_hash_equal(&ids[at], id))
            at++;
        if (at == count) ids[count++] = *id;
    }
    return count;
}
