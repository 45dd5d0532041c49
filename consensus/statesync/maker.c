// SPDX-License-Identifier: Apache-2.0
//   idle ──commit at a height that asks──▶ making ──whole, old ones removed──▶ idle
//                                             └──failed or stopped: nothing is left──▶ idle
//
// Invariants, each with its test in tests/consensus/statesync/test_maker.c:
//  M1 what is listed is whole on disk, and what is served is what its manifest says
//     (makes_lists_and_serves, damage_is_not_served)
//  M2 a crash leaves the snapshots that were whole, and the next open nothing else
//     (killed_at_every_write, what_is_short_goes), but for what it could not read
//     (trouble_removes_nothing)
//  M3 blocks do not wait: a commit opens a view and hands it over (blocks_go_on)
//  M4 the disk's reserve is the blocks': no snapshot begins or goes on without it (a_full_disk)
//  M5 never more are listed than are kept (never_more_than_are_kept)
#include "consensus/statesync/maker.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/sha256.h"
#include "consensus/clock.h"

enum { KEEP_DEFAULT = 2, NAME_DIGITS_MAX = 19 };

typedef struct {
    assay_statesync_manifest manifest; // borrows data
    uint8_t *data;
    size_t size;
    assay_hash hash;
} kept;

struct assay_statesync_maker {
    assay_statesync_options options;
    char folder[PATH_MAX];
    atomic_bool stop;
    pthread_t thread;
    bool running;

    pthread_mutex_t lock; // guards all below
    pthread_cond_t changed;
    assay_snapshot *job; // NULL: none
    bool making;
    kept list[ASSAY_STATESYNC_KEEP_MAX + 1]; // [count], the oldest first; unlocked, keep at most
    uint32_t count;
    uint64_t made, skipped, failed, making_ns;
    assay_error problem;
};

// --- what is kept ---

static void first_forget(assay_statesync_maker *maker) {
    free(maker->list[0].data);
    memmove(&maker->list[0], &maker->list[1], --maker->count * sizeof maker->list[0]);
}

// Takes a snapshot's manifest from disk into the list, which is in order of height; the oldest goes
// for it in the same step, and then from disk. A chunk being read is read to its end.
static assay_status kept_add(assay_statesync_maker *maker, uint64_t height, assay_error *err) {
    kept new = {0};
    ASSAY_TRY(
        assay_statesync_open(&new.manifest, &new.data, &new.size, maker->folder, height, err));
    if (!assay_hash_equal(&new.manifest.genesis, &assay_app_genesis(maker->options.app)->hash)) {
        free(new.data);
        return ASSAY_FAIL(err, MISMATCH, "snapshot %llu is another chain's", (ull)height);
    }
    assay_sha256_of(&new.hash, new.data, new.size);
    pthread_mutex_lock(&maker->lock);
    uint32_t at = maker->count++;
    while (at > 0 && maker->list[at - 1].manifest.height > height) {
        maker->list[at] = maker->list[at - 1];
        at--;
    }
    maker->list[at] = new;
    uint64_t old = maker->list[0].manifest.height;
    bool full = maker->count > maker->options.keep;
    if (full) first_forget(maker);
    pthread_mutex_unlock(&maker->lock);
    if (full) assay_statesync_remove(maker->folder, old, NULL);
    return ASSAY_OK;
}

// A name that write gave: a height without leading zeros. Returns: 0 for any other.
static uint64_t name_height(const char *name) {
    size_t length = strspn(name, "0123456789");
    if (length == 0 || length > NAME_DIGITS_MAX || name[length] || name[0] == '0') return 0;
    return strtoull(name, NULL, 10);
}

// Whether a snapshot that could not be opened is none, rather than this machine in some trouble
// that passes: no memory, no more open files, a failing read.
static bool is_damage(assay_status status) {
    switch (status) {
    case ASSAY_NOT_FOUND:
    case ASSAY_VERSION:
    case ASSAY_CAPACITY:
    case ASSAY_RANGE:
    case ASSAY_MISMATCH:
    case ASSAY_TRUNCATED:
    case ASSAY_TRAILING:
    case ASSAY_CORRUPT:
        return true;
    default:
        return false;
    }
}

// What is whole is kept, and what cannot be read now is left for another start; everything else in
// the folder is the rest of something.
static assay_status folder_read(assay_statesync_maker *maker, assay_error *err) {
    ASSAY_TRY(assay_folder_make(maker->folder, err));
    DIR *folder = opendir(maker->folder);
    if (!folder) return assay_fail_errno(err, errno, "cannot open %s", maker->folder);
    assay_status status = ASSAY_OK;
    for (struct dirent *entry; status == ASSAY_OK && (entry = readdir(folder));) {
        char path[PATH_MAX];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        uint64_t height = name_height(entry->d_name);
        assay_status added = height ? kept_add(maker, height, NULL) : ASSAY_NOT_FOUND;
        if (added == ASSAY_OK || !is_damage(added)) continue;
        status = assay_path_join(path, sizeof path, maker->folder, entry->d_name, err);
        if (status == ASSAY_OK) assay_folder_remove(path);
    }
    closedir(folder);
    return status;
}

// --- the thread ---

static uint64_t newest_bytes(assay_statesync_maker *maker) {
    pthread_mutex_lock(&maker->lock);
    uint64_t bytes = maker->count ? maker->list[maker->count - 1].manifest.byte_count : 0;
    pthread_mutex_unlock(&maker->lock);
    return bytes;
}

// 0: none. Under the lock.
static uint64_t newest_height(const assay_statesync_maker *maker) {
    return maker->count ? maker->list[maker->count - 1].manifest.height : 0;
}

static void job_run(assay_statesync_maker *maker, assay_snapshot *snapshot) {
    assay_error why = {0};
    uint64_t begun = assay_clock_ns();
    uint64_t height = assay_snapshot_tip(snapshot)->height;
    // As large as the last one, as far as is known; what is more is met by its chunks.
    assay_status status = assay_statesync_room(maker->folder, newest_bytes(maker), &why);
    if (status == ASSAY_OK)
        status = assay_statesync_write(maker->folder, snapshot,
                                       &assay_app_genesis(maker->options.app)->hash,
                                       maker->options.chunk_max, &maker->stop, &why);
    assay_snapshot_close(snapshot); // its pages may be reused from here on
    if (status == ASSAY_OK) status = kept_add(maker, height, &why);
    pthread_mutex_lock(&maker->lock);
    maker->making_ns += assay_clock_ns() - begun;
    maker->made += status == ASSAY_OK;
    maker->failed += status != ASSAY_OK && status != ASSAY_STOPPED;
    if (status != ASSAY_OK) maker->problem = why;
    pthread_mutex_unlock(&maker->lock);
}

static void *thread_main(void *argument) {
    assay_statesync_maker *maker = argument;
    pthread_mutex_lock(&maker->lock);
    for (;;) {
        while (!maker->job && !maker->stop)
            pthread_cond_wait(&maker->changed, &maker->lock);
        if (!maker->job) break;
        assay_snapshot *snapshot = maker->job;
        maker->job = NULL;
        pthread_mutex_unlock(&maker->lock);
        job_run(maker, snapshot);
        pthread_mutex_lock(&maker->lock);
        maker->making = false;
        pthread_cond_broadcast(&maker->changed);
    }
    pthread_mutex_unlock(&maker->lock);
    return NULL;
}

void assay_statesync_maker_commit(assay_statesync_maker *maker, uint64_t height) {
    assay_snapshot *snapshot = NULL;
    assay_error why = {0};
    if (maker->options.every == 0 || height % maker->options.every != 0) return;
    pthread_mutex_lock(&maker->lock);
    bool busy = maker->making, is_there = height <= newest_height(maker);
    if (!is_there) {
        maker->skipped += busy;
        maker->making = true;
    }
    pthread_mutex_unlock(&maker->lock);
    if (busy || is_there) return;
    assay_status status = assay_app_snapshot(maker->options.app, &snapshot, &why);
    pthread_mutex_lock(&maker->lock);
    maker->job = snapshot;
    if (status != ASSAY_OK) {
        maker->making = false;
        maker->failed++;
        maker->problem = why;
    }
    pthread_cond_broadcast(&maker->changed);
    pthread_mutex_unlock(&maker->lock);
}

// --- what others ask ---

static assay_status list_copy(const assay_statesync_maker *maker, assay_statesync_snapshot *out,
                              assay_arena *arena, assay_error *err) {
    for (uint32_t i = 0; i < maker->count; i++) {
        const kept *from = &maker->list[maker->count - 1 - i];
        out[i] = (assay_statesync_snapshot){.height = from->manifest.height,
                                            .format = ASSAY_STATESYNC_FORMAT,
                                            .chunks = from->manifest.chunk_count};
        ASSAY_TRY(assay_arena_copy(arena, from->hash.bytes, ASSAY_HASH_SIZE, "a snapshot's bytes",
                                   &out[i].hash, err));
        ASSAY_TRY(assay_arena_copy(arena, from->data, from->size, "a snapshot's bytes",
                                   &out[i].metadata, err));
    }
    return ASSAY_OK;
}

assay_status assay_statesync_maker_list(assay_statesync_maker *maker,
                                        const assay_statesync_snapshot **out, uint32_t *count,
                                        assay_arena *arena, assay_error *err) {
    void *list;
    ASSAY_TRY(
        assay_arena_get(arena, ASSAY_STATESYNC_KEEP_MAX, sizeof **out, "snapshots", &list, err));
    *out = list;
    pthread_mutex_lock(&maker->lock);
    *count = maker->count;
    assay_status status = list_copy(maker, list, arena, err);
    pthread_mutex_unlock(&maker->lock);
    return status;
}

assay_status assay_statesync_maker_load(assay_statesync_maker *maker, uint64_t height,
                                        uint32_t format, uint32_t index, assay_bytes *chunk,
                                        assay_arena *arena, assay_error *err) {
    assay_hash hash;
    bool found = false;
    pthread_mutex_lock(&maker->lock);
    for (uint32_t i = 0; i < maker->count && format == ASSAY_STATESYNC_FORMAT; i++) {
        const assay_statesync_manifest *m = &maker->list[i].manifest;
        if (m->height != height || index >= m->chunk_count) continue;
        hash = m->chunks[index];
        found = true;
    }
    pthread_mutex_unlock(&maker->lock);
    if (!found)
        return ASSAY_FAIL(err, NOT_FOUND, "no chunk %u of a snapshot %llu of format %u", index,
                          (ull)height, format);
    uint8_t *data;
    size_t size;
    ASSAY_TRY(assay_statesync_read(&data, &size, maker->folder, height, index, &hash, err));
    assay_status status = assay_arena_copy(arena, data, size, "a snapshot's bytes", chunk, err);
    free(data);
    return status;
}

void assay_statesync_maker_state_get(assay_statesync_maker *maker,
                                     assay_statesync_maker_state *out) {
    pthread_mutex_lock(&maker->lock);
    *out = (assay_statesync_maker_state){.count = maker->count,
                                         .making = maker->making,
                                         .made = maker->made,
                                         .skipped = maker->skipped,
                                         .failed = maker->failed,
                                         .making_ns = maker->making_ns};
    if (maker->count) out->oldest = maker->list[0].manifest.height;
    out->newest = newest_height(maker);
    memcpy(out->problem, maker->problem.text, sizeof out->problem);
    pthread_mutex_unlock(&maker->lock);
}

// Lets go of those below `least`. Returns: the oldest that is left, 0: none.
static uint64_t old_forget(assay_statesync_maker *maker, uint64_t least) {
    for (;;) {
        pthread_mutex_lock(&maker->lock);
        uint64_t oldest = maker->count ? maker->list[0].manifest.height : 0;
        bool old = oldest && oldest < least;
        if (old) first_forget(maker);
        pthread_mutex_unlock(&maker->lock);
        if (!old) return oldest;
        assay_statesync_remove(maker->folder, oldest, NULL);
    }
}

// One that gets older than making new ones lets it is the last of its kind: none is made any more.
uint64_t assay_statesync_maker_retain(assay_statesync_maker *maker, uint64_t height,
                                      uint64_t keep_blocks) {
    const assay_params *params = &assay_app_genesis(maker->options.app)->params;
    uint64_t least = assay_statesync_retain(height, keep_blocks, 0, params);
    uint64_t every = maker->options.every, turns = maker->options.keep + 1;
    if (every > height / turns)
        least = 0;
    else if (least > height - every * turns)
        least = height - every * turns;
    return assay_statesync_retain(height, keep_blocks, old_forget(maker, least), params);
}

uint64_t assay_statesync_retain(uint64_t height, uint64_t keep_blocks, uint64_t oldest_snapshot,
                                const assay_params *params) {
    uint64_t needed = assay_params_unbond_blocks(params);
    if (keep_blocks == 0) return 0;
    if (keep_blocks < needed) keep_blocks = needed;
    if (height <= keep_blocks) return 0;
    uint64_t retain = height - keep_blocks;
    return oldest_snapshot && oldest_snapshot < retain ? oldest_snapshot : retain;
}

// --- life ---

assay_status assay_statesync_maker_open(assay_statesync_maker **out,
                                        const assay_statesync_options *options, assay_error *err) {
    *out = NULL;
    if (options->keep > ASSAY_STATESYNC_KEEP_MAX)
        return ASSAY_FAIL(err, RANGE, "%u snapshots to keep, limit %d", options->keep,
                          ASSAY_STATESYNC_KEEP_MAX);
    size_t length = strlen(options->folder);
    if (length >= PATH_MAX)
        return ASSAY_FAIL(err, CAPACITY, "path of %zu characters, limit %d", length, PATH_MAX - 1);
    assay_statesync_maker *maker = calloc(1, sizeof *maker);
    if (!maker) return ASSAY_FAIL(err, MEMORY, "no memory for a maker of snapshots");
    maker->options = *options;
    if (maker->options.keep == 0) maker->options.keep = KEEP_DEFAULT;
    memcpy(maker->folder, options->folder, length + 1);
    atomic_init(&maker->stop, false);
    pthread_mutex_init(&maker->lock, NULL);
    pthread_cond_init(&maker->changed, NULL);
    assay_status status = folder_read(maker, err);
    if (status == ASSAY_OK) {
        int error_number = pthread_create(&maker->thread, NULL, thread_main, maker);
        maker->running = error_number == 0;
        if (error_number)
            status = assay_fail_errno(err, error_number, "cannot start the snapshots' thread");
    }
    if (status != ASSAY_OK) {
        assay_statesync_maker_close(maker);
        return status;
    }
    *out = maker;
    return ASSAY_OK;
}

void assay_statesync_maker_close(assay_statesync_maker *maker) {
    if (!maker) return;
    pthread_mutex_lock(&maker->lock);
    maker->stop = true;
    pthread_cond_broadcast(&maker->changed);
    pthread_mutex_unlock(&maker->lock);
    if (maker->running) pthread_join(maker->thread, NULL);
    while (maker->count)
        first_forget(maker);
    pthread_cond_destroy(&maker->changed);
    pthread_mutex_destroy(&maker->lock);
    free(maker);
}
