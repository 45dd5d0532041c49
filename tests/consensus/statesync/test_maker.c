// SPDX-License-Identifier: Apache-2.0
// E-62, E-63, E-64, E-67: snapshots that a node makes for others.
#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/statvfs.h>

#include "tests/consensus/statesync/stand.h"

#include "tests/consensus/statesync/kill.h"

// The disk that this program sees: so many bytes are free, fewer by some at each look.
static struct {
    bool on;
    uint64_t left, shrinks;
} disk;

int statvfs(const char *path, struct statvfs *out) {
    static int (*real)(const char *, struct statvfs *);
    if (!real) *(void **)&real = kill_next("statvfs");
    int result = real(path, out);
    if (result != 0 || !disk.on) return result;
    out->f_bavail = (fsblkcnt_t)(disk.left / out->f_frsize);
    disk.left = disk.left > disk.shrinks ? disk.left - disk.shrinks : 0;
    return result;
}

static void file_change(const char *path, size_t size_max, int flip) {
    uint8_t *data;
    size_t size;
    must(assay_file_read(path, 64 << 20, &data, &size, err));
    if (flip && size) data[size / 2] ^= 1;
    must(assay_file_replace(path, data, size < size_max ? size : size_max, 0600, err));
    free(data);
}

// Every chunk is full: what follows would not have fitted. Returns: entries.
static uint64_t chunks_check(stand *s, const assay_statesync_manifest *m) {
    uint64_t entries = 0, bytes = 0;
    size_t before = 0;
    for (uint32_t i = 0; i < m->chunk_count; i++) {
        assay_bytes chunk = stand_chunk(s, m->height, i), key, value;
        assay_hash hash;
        assay_cursor cursor;
        assay_sha256_of(&hash, chunk.data, chunk.size);
        assert_memory_equal(&hash, &m->chunks[i], sizeof hash);
        assay_cursor_init(&cursor, chunk.data, chunk.size);
        for (bool first = true; assay_cursor_left(&cursor) > 0; first = false) {
            must(assay_statesync_entry_read(&key, &value, &cursor, err));
            size_t size = assay_statesync_entry_size(key.size, value.size);
            if (first && i > 0) assert_true(before + size > STAND_CHUNK);
            if (!first) assert_true(chunk.size <= STAND_CHUNK);
            assert_true(key.data[0] < ASSAY_STORE_AUX);
            entries++;
        }
        before = chunk.size;
        bytes += chunk.size;
    }
    assert_int_equal(bytes, m->byte_count);
    return entries;
}

static void makes_lists_and_serves(void **state) { // E-62, E-63, E-64
    stand *s = stand_new();
    chain *c = &s->trial->chain;
    stand_maker_open(s, 4, 3, STAND_CHUNK);
    stand_list(s);
    assert_int_equal(s->count, 0);
    uint64_t last = 0;
    for (int i = 0; i < 21; i++) {
        trial_step(s->trial);
        assay_statesync_maker_commit(s->maker, c->height);
        stand_wait(s);
        if (c->height % 4 == 0) last = c->height;
        stand_list(s);
        for (uint32_t j = 0; j < s->count; j++)
            assert_int_equal(s->list[j].height, last - 4 * j);
    }
    assert_int_equal(s->count, 3);
    for (uint32_t i = 0; i < s->count; i++) {
        assay_statesync_manifest m;
        assay_hash hash;
        const assay_statesync_snapshot *of = &s->list[i];
        must(assay_statesync_manifest_read(&m, of->metadata.data, of->metadata.size, err));
        assay_sha256_of(&hash, of->metadata.data, of->metadata.size);
        assert_int_equal(of->hash.size, sizeof hash);
        assert_memory_equal(of->hash.data, &hash, sizeof hash);
        assert_int_equal(m.height, of->height);
        assert_int_equal(m.chunk_count, of->chunks);
        assert_in_range(m.chunk_count, 5, 1000);
        assert_int_equal(chunks_check(s, &m), m.entry_count);
    }
    assay_statesync_maker_state how;
    assay_statesync_maker_state_get(s->maker, &how);
    assert_int_equal(how.count, 3);
    assert_int_equal(how.newest, last);
    assert_int_equal(how.oldest, last - 8);
    assert_int_equal(how.failed, 0);
    // The height's own hash is in the manifest of the newest one.
    assay_bytes chunk;
    assert_int_equal(assay_statesync_maker_load(s->maker, last - 12, 1, 0, &chunk, &s->arena, NULL),
                     ASSAY_NOT_FOUND);
    assert_int_equal(assay_statesync_maker_load(s->maker, last, 2, 0, &chunk, &s->arena, NULL),
                     ASSAY_NOT_FOUND);
    assert_int_equal(
        assay_statesync_maker_load(s->maker, last, 1, s->list[0].chunks, &chunk, &s->arena, NULL),
        ASSAY_NOT_FOUND);
    // Another run of the node has the same.
    assay_statesync_maker_close(s->maker);
    stand_maker_open(s, 4, 2, STAND_CHUNK);
    stand_list(s);
    assert_int_equal(s->count, 2);
    assert_int_equal(s->list[0].height, last);
    stand_chunk(s, last, 0);
    assert_int_not_equal(access(stand_path(s, "snapshots"), F_OK), -1);
    stand_free(s);
}

// E-62, E-63: a node that has executed every block, and one that began with a state and has none of
// what is aux, make the same bytes, chunks of the usual size included.
static void bytes_are_a_function_of_the_state(void **state) {
    stand *s = stand_new();
    chain *c = &s->trial->chain;
    replicas_add(s->replicas);
    trial_run_out(s->trial, &s->bundle.id);
    static const uint32_t sizes[] = {300, STAND_CHUNK, 0};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assay_app *apps[2] = {c->app, s->replicas->items[0].app};
        assay_statesync_manifest m[2];
        uint8_t *data[2];
        size_t size[2];
        const char *folders[2] = {stand_path(s, "one"), stand_path(s, "other")};
        for (int j = 0; j < 2; j++) {
            assay_snapshot *snapshot;
            must(assay_app_snapshot(apps[j], &snapshot, err));
            must(
                assay_statesync_write(folders[j], snapshot, &c->genesis.hash, sizes[i], NULL, err));
            assert_int_equal(
                assay_statesync_write(folders[j], snapshot, &c->genesis.hash, sizes[i], NULL, NULL),
                ASSAY_EXISTS);
            assay_snapshot_close(snapshot);
            must(assay_statesync_open(&m[j], &data[j], &size[j], folders[j], c->height, err));
        }
        assert_int_equal(size[0], size[1]);
        assert_memory_equal(data[0], data[1], size[0]);
        assert_memory_equal(m[0].app_hash.bytes, c->outcome.app_hash.bytes, ASSAY_HASH_SIZE);
        if (sizes[i] == 0) assert_int_equal(m[0].chunk_count, 1);
        for (uint32_t j = 0; j < m[0].chunk_count; j++)
            for (int k = 0; k < 2; k++) {
                uint8_t *chunk;
                size_t chunk_size;
                must(assay_statesync_read(&chunk, &chunk_size, folders[k], c->height, j,
                                          &m[0].chunks[j], err));
                free(chunk);
            }
        for (int j = 0; j < 2; j++) {
            free(data[j]);
            must(assay_statesync_remove(folders[j], c->height, err));
        }
    }
    stand_free(s);
}

static void damage_is_not_served(void **state) { // E-64
    stand *s = stand_new();
    char path[256];
    assay_bytes chunk;
    stand_make(s);
    uint64_t height = s->list[0].height;
    snprintf(path, sizeof path, "%s/%llu/000001", stand_path(s, "snapshots"), (ull)height);
    file_change(path, SIZE_MAX, 1);
    assert_int_equal(assay_statesync_maker_load(s->maker, height, 1, 1, &chunk, &s->arena, NULL),
                     ASSAY_CORRUPT);
    file_change(path, SIZE_MAX, 1);
    stand_chunk(s, height, 1);
    file_change(path, 10, 0);
    assert_int_equal(assay_statesync_maker_load(s->maker, height, 1, 1, &chunk, &s->arena, NULL),
                     ASSAY_CORRUPT);
    unlink(path);
    assert_int_equal(assay_statesync_maker_load(s->maker, height, 1, 1, &chunk, &s->arena, NULL),
                     ASSAY_NOT_FOUND);
    // A manifest that is damaged, or of another height, is no snapshot at the next start.
    assay_statesync_maker_close(s->maker);
    snprintf(path, sizeof path, "%s/%llu/manifest", stand_path(s, "snapshots"), (ull)height);
    file_change(path, 100, 0);
    stand_maker_open(s, 1, 0, STAND_CHUNK);
    stand_list(s);
    assert_int_equal(s->count, 0);
    assert_int_equal(access(path, F_OK), -1);
    stand_free(s);
}

static void chunk_path(char path[256], const stand *s, uint64_t height, uint32_t index) {
    snprintf(path, 256, "%s/%llu/%06u", stand_path(s, "snapshots"), (ull)height, index);
}

// E-64: a chunk that is missing, short or long is seen at the start; the manifest alone is none.
static void what_is_short_goes(void **state) {
    stand *s = stand_new();
    char path[256];
    for (int how = 0; how < 3; how++) {
        stand_make(s);
        uint64_t height = s->list[0].height;
        chunk_path(path, s, height, s->list[0].chunks - 1);
        assay_statesync_maker_close(s->maker);
        s->maker = NULL;
        if (how == 0) unlink(path);
        if (how > 0) assert_int_equal(truncate(path, how == 1 ? 1 : 1 << 20), 0);
        stand_maker_open(s, 1, 0, STAND_CHUNK);
        stand_list(s);
        assert_int_equal(s->count, 0);
        snprintf(path, sizeof path, "%s/%llu", stand_path(s, "snapshots"), (ull)height);
        assert_int_equal(access(path, F_OK), -1);
    }
    stand_free(s);
}

// E-64: with no file more to be opened a start lists nothing, and leaves all to the next.
static void trouble_removes_nothing(void **state) {
    stand *s = stand_new();
    struct rlimit limit, few;
    assay_statesync_maker_state how;
    stand_make(s);
    uint64_t height = s->list[0].height;
    uint32_t chunks = s->list[0].chunks;
    assay_statesync_maker_close(s->maker);
    int next = dup(STDERR_FILENO);
    close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    few = limit;
    few.rlim_cur = (rlim_t)next + 1; // the folder's own
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    stand_maker_open(s, 1, 0, STAND_CHUNK);
    assay_statesync_maker_state_get(s->maker, &how);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(how.count, 0);
    assay_statesync_maker_close(s->maker);
    stand_maker_open(s, 1, 0, STAND_CHUNK);
    stand_list(s);
    assert_int_equal(s->count, 1);
    assert_int_equal(s->list[0].height, height);
    for (uint32_t i = 0; i < chunks; i++)
        stand_chunk(s, height, i);
    stand_free(s);
}

// What else lies in the folder goes when the node starts.
static void rests_are_removed(void **state) { // E-64
    static const char *const names[] = {"snapshots/77.part", "snapshots/1e3", "snapshots/007",
                                        "snapshots/99999999999999999999", "snapshots/5"};
    stand *s = stand_new();
    char whole[256], other[256];
    stand_make(s);
    uint64_t height = s->list[0].height;
    assay_statesync_maker_close(s->maker);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        must(assay_folder_make(stand_path(s, names[i]), err));
    // A whole one under another height's name.
    snprintf(whole, sizeof whole, "%s/%llu", stand_path(s, "snapshots"), (ull)height);
    snprintf(other, sizeof other, "%s/%llu", stand_path(s, "snapshots"), (ull)height + 1);
    assert_int_equal(rename(whole, other), 0);
    stand_maker_open(s, 1, 0, STAND_CHUNK);
    stand_list(s);
    assert_int_equal(s->count, 0);
    assert_int_equal(access(other, F_OK), -1);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(access(stand_path(s, names[i]), F_OK), -1);
    stand_free(s);
}

// E-64: the contents are those of the height, whatever blocks come while they are written.
static void blocks_go_on(void **state) {
    stand *s = stand_new();
    chain *c = &s->trial->chain;
    assay_snapshot *held;
    assay_statesync_manifest m;
    uint8_t *data;
    size_t size;
    stand_maker_open(s, 1, 10, 64);
    for (int i = 0; i < 8; i++) {
        uint64_t height = c->height;
        must(assay_app_snapshot(c->app, &held, err));
        assay_statesync_maker_commit(s->maker, height);
        assay_statesync_maker_commit(s->maker, height); // while one is made: skipped, or done
        for (int j = 0; j < 3; j++)
            trial_step(s->trial);
        stand_wait(s);
        must(assay_statesync_write(stand_path(s, "held"), held, &c->genesis.hash, 64, NULL, err));
        assay_snapshot_close(held);
        must(assay_statesync_open(&m, &data, &size, stand_path(s, "held"), height, err));
        stand_list(s);
        assert_int_equal(s->list[0].height, height);
        assert_int_equal(s->list[0].metadata.size, size);
        assert_memory_equal(s->list[0].metadata.data, data, size);
        free(data);
    }
    // The node ends while one is made: nothing half is left, or it is whole.
    assay_statesync_maker_commit(s->maker, c->height);
    assay_statesync_maker_close(s->maker);
    stand_maker_open(s, 0, 10, 64);
    assay_statesync_maker_commit(s->maker, c->height);
    stand_list(s);
    for (uint32_t i = 0; i < s->count; i++)
        for (uint32_t j = 0; j < s->list[i].chunks; j++)
            stand_chunk(s, s->list[i].height, j);
    stand_free(s);
}

typedef struct {
    stand *s;
    atomic_bool stop;
    atomic_ulong looks;
} lister;

static void *lister_run(void *argument) {
    lister *l = argument;
    while (!l->stop) {
        const assay_statesync_snapshot *list;
        uint32_t count;
        assay_arena arena;
        assay_arena_init(&arena, STAND_ARENA);
        must(assay_statesync_maker_list(l->s->maker, &list, &count, &arena, err));
        if (count > ASSAY_STATESYNC_KEEP_MAX) fail_msg("%u snapshots listed", count);
        assay_arena_close(&arena);
        l->looks++;
    }
    return NULL;
}

// E-4, E-64: as many as may be kept are listed at most, also while one pushes another out.
static void never_more_than_are_kept(void **state) {
    enum { LISTERS = 8 };
    stand *s = stand_new();
    chain *c = &s->trial->chain;
    lister l[LISTERS];
    pthread_t threads[LISTERS];
    stand_maker_open(s, 1, ASSAY_STATESYNC_KEEP_MAX, 0);
    for (int i = 0; i < LISTERS; i++) {
        l[i] = (lister){.s = s};
        assert_int_equal(pthread_create(&threads[i], NULL, lister_run, &l[i]), 0);
    }
    for (int i = 0; i < 6 * ASSAY_STATESYNC_KEEP_MAX; i++) {
        chain_until(c, c->height + 1);
        assay_statesync_maker_commit(s->maker, c->height);
        stand_wait(s);
    }
    for (int i = 0; i < LISTERS; i++)
        while (!l[i].looks) // one may have its first turn only now
            usleep(1000);
    for (int i = 0; i < LISTERS; i++)
        l[i].stop = true;
    for (int i = 0; i < LISTERS; i++)
        pthread_join(threads[i], NULL);
    stand_list(s);
    assert_int_equal(s->count, ASSAY_STATESYNC_KEEP_MAX);
    assert_int_equal(s->list[0].height, c->height);
    stand_free(s);
}

// E-64: blocks that are executed again, after a state was lost, ask for nothing that is there.
static void what_is_there_is_not_made_again(void **state) {
    stand *s = stand_new();
    chain *c = &s->trial->chain;
    assay_statesync_maker_state how;
    stand_maker_open(s, 1, 0, 0);
    stand_make(s);
    for (uint64_t height = c->height - 3; height <= c->height; height++) {
        assay_statesync_maker_commit(s->maker, height);
        stand_wait(s);
    }
    assay_statesync_maker_state_get(s->maker, &how);
    assert_int_equal(how.made, 1);
    assert_int_equal(how.failed, 0);
    assert_int_equal(how.skipped, 0);
    assert_int_equal(how.count, 1);
    chain_until(c, c->height + 1);
    stand_make(s);
    stand_free(s);
}

static void stops_early(void **state) { // E-64
    stand *s = stand_new();
    assay_snapshot *snapshot;
    atomic_bool stop = true;
    char part[256];
    must(assay_app_snapshot(s->trial->chain.app, &snapshot, err));
    assert_int_equal(assay_statesync_write(stand_path(s, "snapshots"), snapshot,
                                           &s->trial->chain.genesis.hash, 0, &stop, NULL),
                     ASSAY_STOPPED);
    assay_snapshot_close(snapshot);
    snprintf(part, sizeof part, "%s/%llu.part", stand_path(s, "snapshots"),
             (ull)s->trial->chain.height);
    assert_int_equal(access(part, F_OK), -1);
    stand_free(s);
}

// E-64: the reserve is not touched, at the beginning or in the midst; nothing is left, the blocks
// go on, and with room the next one is made.
static void a_full_disk(void **state) {
    static const struct {
        uint64_t left, shrinks; // bytes
    } cases[] = {
        {0, 0},
        {ASSAY_STATESYNC_RESERVE - 4096, 0},
        {ASSAY_STATESYNC_RESERVE + 4096, 0}, // less than a manifest's bound
        {ASSAY_STATESYNC_RESERVE + (12 << 20), 2 << 20},
    };
    stand *s = stand_new();
    assay_statesync_maker_state how;
    stand_maker_open(s, 1, 0, STAND_CHUNK);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        disk.on = true;
        disk.left = cases[i].left;
        disk.shrinks = cases[i].shrinks;
        assay_statesync_maker_commit(s->maker, s->trial->chain.height);
        stand_wait(s);
        disk.on = false;
        assay_statesync_maker_state_get(s->maker, &how);
        assert_int_equal(how.failed, i + 1);
        assert_int_equal(how.count, 0);
        assert_non_null(strstr(how.problem, "256 beside it are needed"));
        assert_int_equal(rmdir(stand_path(s, "snapshots")), 0); // nothing is left in it
        must(assay_folder_make(stand_path(s, "snapshots"), err));
        trial_step(s->trial);
    }
    stand_make(s);
    // The last one's bytes are asked for before the next begins.
    assay_statesync_manifest m;
    must(
        assay_statesync_manifest_read(&m, s->list[0].metadata.data, s->list[0].metadata.size, err));
    disk.on = true;
    disk.shrinks = 0;
    disk.left = ASSAY_STATESYNC_RESERVE + m.byte_count - 1;
    trial_step(s->trial);
    assay_statesync_maker_commit(s->maker, s->trial->chain.height);
    stand_wait(s);
    disk.on = false;
    assay_statesync_maker_state_get(s->maker, &how);
    assert_int_equal(how.failed, sizeof cases / sizeof cases[0] + 1);
    assert_int_equal(how.newest, s->list[0].height);
    stand_free(s);
}

// --- the end of the process ---

typedef struct {
    const char *folder;
    assay_snapshot *snapshots[2]; // an earlier height, a later one
    const assay_hash *genesis;
} making;

// The later one is made, then the earlier one goes.
static void make(void *context) {
    const making *m = context;
    assay_statesync_write(m->folder, m->snapshots[1], m->genesis, STAND_CHUNK, NULL, NULL);
    assay_statesync_remove(m->folder, assay_snapshot_tip(m->snapshots[0])->height, NULL);
}

static void killed_at_every_write(void **state) { // E-64
    stand *s = stand_new();
    chain *c = &s->trial->chain;
    making m = {.folder = stand_path(s, "snapshots"), .genesis = &c->genesis.hash};
    must(assay_app_snapshot(c->app, &m.snapshots[0], err));
    uint64_t earlier = c->height;
    trial_step(s->trial);
    must(assay_app_snapshot(c->app, &m.snapshots[1], err));
    int point = 1, seen[3] = {0}; // the earlier one alone, both, the later one alone
    for (bool killed = true; killed; point++) {
        assay_folder_remove(m.folder);
        must(assay_statesync_write(m.folder, m.snapshots[0], m.genesis, STAND_CHUNK, NULL, err));
        killed = kill_at(point, make, &m);
        stand_maker_open(s, 0, 10, STAND_CHUNK);
        stand_list(s);
        assert_in_range(s->count, 1, 2);
        seen[s->count == 2 ? 1 : s->list[0].height == earlier ? 0 : 2]++;
        for (uint32_t i = 0; i < s->count; i++)
            for (uint32_t j = 0; j < s->list[i].chunks; j++)
                stand_chunk(s, s->list[i].height, j);
        assay_statesync_maker_close(s->maker);
        s->maker = NULL;
        assay_arena_reset(&s->arena);
    }
    assert_in_range(point, 30, 2000);
    assert_true(seen[0] > 20 && seen[1] > 0 && seen[2] > 0);
    for (int i = 0; i < 2; i++)
        assay_snapshot_close(m.snapshots[i]);
    stand_free(s);
}

static void keeps_what_is_needed(void **state) { // E-67
    assay_params params;
    assay_params_init(&params);
    uint64_t unbond = assay_params_unbond_blocks(&params);
    const struct {
        uint64_t height, keep, oldest, expected;
    } cases[] = {
        {10000000, 0, 0, 0},
        {10000000, 0, 50, 0},
        {10000000, 1, 0, 10000000 - unbond},
        {unbond, 1, 0, 0},
        {unbond + 1, 1, 0, 1},
        {10000000, unbond + 5, 0, 9999995 - unbond},
        {10000000, 9000000, 0, 1000000},
        {10000000, 9000000, 900000, 900000},
        {10000000, 9000000, 1100000, 1000000},
        {10000000, 20000000, 0, 0},
        {10000000, UINT64_MAX, 1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(
            assay_statesync_retain(cases[i].height, cases[i].keep, cases[i].oldest, &params),
            cases[i].expected);
}

// E-67: a snapshot that no other will replace holds no block back once it is older than all blocks
// that are asked for; while snapshots are made it does, for as many turns as it lives.
static void an_old_snapshot_goes(void **state) {
    enum { EVERY = 100000 };
    stand *s = stand_new();
    stand_make(s);
    uint64_t made = s->trial->chain.height;
    uint64_t unbond = assay_params_unbond_blocks(&s->trial->chain.genesis.params);
    uint64_t old = made + unbond + 1; // the first height at which nobody asks for its blocks
    assert_in_range(old, 1, EVERY);
    assay_statesync_maker_close(s->maker);
    stand_maker_open(s, EVERY, 1, STAND_CHUNK);
    assert_int_equal(assay_statesync_maker_retain(s->maker, old, 1), made);
    assert_int_equal(assay_statesync_maker_retain(s->maker, made + 2 * EVERY, 1), made);
    assay_statesync_maker_close(s->maker);
    stand_maker_open(s, 0, 1, STAND_CHUNK);
    assert_int_equal(assay_statesync_maker_retain(s->maker, old, 0), 0);
    assert_int_equal(assay_statesync_maker_retain(s->maker, old - 1, 1), made);
    stand_list(s);
    assert_int_equal(s->count, 1);
    assert_int_equal(assay_statesync_maker_retain(s->maker, old, 1), made + 1);
    stand_list(s);
    assert_int_equal(s->count, 0);
    char path[32];
    snprintf(path, sizeof path, "snapshots/%llu", (ull)made);
    assert_int_not_equal(access(stand_path(s, path), F_OK), 0);
    stand_free(s);
}

static void bad_options(void **state) {
    stand *s = stand_new();
    assay_error why = {0};
    assay_statesync_options options = {
        .app = s->trial->chain.app, .folder = stand_path(s, "snapshots"), .keep = 11};
    assert_int_equal(assay_statesync_maker_open(&s->maker, &options, &why), ASSAY_RANGE);
    assert_string_equal(why.text, "11 snapshots to keep, limit 10");
    stand_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(makes_lists_and_serves),
        cmocka_unit_test(bytes_are_a_function_of_the_state),
        cmocka_unit_test(damage_is_not_served),
        cmocka_unit_test(what_is_short_goes),
        cmocka_unit_test(trouble_removes_nothing),
        cmocka_unit_test(rests_are_removed),
        cmocka_unit_test(blocks_go_on),
        cmocka_unit_test(never_more_than_are_kept),
        cmocka_unit_test(what_is_there_is_not_made_again),
        cmocka_unit_test(stops_early),
        cmocka_unit_test(a_full_disk),
        cmocka_unit_test(killed_at_every_write),
        cmocka_unit_test(keeps_what_is_needed),
        cmocka_unit_test(an_old_snapshot_goes),
        cmocka_unit_test(bad_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
