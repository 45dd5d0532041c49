// SPDX-License-Identifier: Apache-2.0
#include "node/home/room.h"

#include <dirent.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "ledger/state/store.h"

assay_status assay_room_check(const char *folder, assay_error *err) {
    assay_disk_space disk;
    ASSAY_TRY(assay_disk_space_get(&disk, folder, err));
    if (disk.size && disk.free < ASSAY_ROOM_BYTES_MIN)
        return ASSAY_FAIL(err, DISK_FULL,
                          "%llu KiB are free on the disk of %.200s, at least %d are needed",
                          (ull)(disk.free >> 10), folder, ASSAY_ROOM_BYTES_MIN >> 10);
    if (disk.names_full)
        return ASSAY_FAIL(err, DISK_FULL, "the disk of %.200s has no room for a file more", folder);
    return ASSAY_OK;
}

// E-64: a snapshot is HEIGHT.part until it is whole.
static void parts_remove(const char *snapshots) {
    static const char suffix[] = ".part";
    DIR *folder = opendir(snapshots);
    if (!folder) return;
    for (struct dirent *entry; (entry = readdir(folder));) {
        char path[PATH_MAX];
        size_t length = strlen(entry->d_name);
        if (length < sizeof suffix || strcmp(entry->d_name + length + 1 - sizeof suffix, suffix))
            continue;
        if (assay_path_join(path, sizeof path, snapshots, entry->d_name, NULL) == ASSAY_OK)
            assay_folder_remove(path);
    }
    closedir(folder);
}

void assay_room_clear(const char *home) {
    char state[PATH_MAX], restoring[PATH_MAX], snapshots[PATH_MAX];
    int lock;
    if (assay_path_join(state, sizeof state, home, "state", NULL) != ASSAY_OK ||
        assay_path_join(restoring, sizeof restoring, home, "state.restoring", NULL) != ASSAY_OK ||
        assay_path_join(snapshots, sizeof snapshots, home, "snapshots", NULL) != ASSAY_OK ||
        assay_store_lock(&lock, state, false, NULL) != ASSAY_OK)
        return;
    assay_folder_remove(restoring);
    parts_remove(snapshots);
    close(lock);
}
