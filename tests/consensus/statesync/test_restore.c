// SPDX-License-Identifier: Apache-2.0
// E-65, E-66: a state taken from strangers, the lies they may tell, and the moments a node may die.
#include <pthread.h>
#include <stdatomic.h>

#include "ledger/state/keys.h"
#include "tests/consensus/statesync/stand.h"

#include "tests/consensus/statesync/kill.h"

static assay_bytes bytes_of(const char *text) {
    return (assay_bytes){(const uint8_t *)text, strlen(text)};
}

static assay_statesync_apply apply(stand *s, uint32_t index) {
    assay_error why = {0};
    return assay_statesync_restore_apply(
        s->restore, index, stand_chunk(s, s->list[0].height, index), (assay_bytes){NULL, 0}, &why);
}

static void offer(stand *s) {
    assay_error why = {0};
    if (assay_statesync_restore_offer(s->restore, &s->list[0], stand_app_hash(s), &why) !=
        ASSAY_STATESYNC_OFFER_ACCEPT)
        fail_msg("%s", why.text);
}

// E-65: what the last chunk completes is the chain's state, and goes on like it, through a batch's
// end, another's beginning and an epoch's close.
static void goes_on_like_the_chain(void **state) {
    stand *s = stand_new();
    chain *c = &s->trial->chain;
    uint32_t done, total;
    stand_make(s);
    stand_empty_open(s);
    offer(s);
    for (uint32_t i = 0; i < s->list[0].chunks; i++) {
        assert_true(stand_empty_is(s));
        assay_statesync_restore_progress(s->restore, &done, &total);
        assert_int_equal(done, i);
        assert_int_equal(total, s->list[0].chunks);
        assert_int_equal(apply(s, i), ASSAY_STATESYNC_APPLY_ACCEPT);
    }
    assay_app_info info;
    assay_app_info_get(s->empty, &info);
    assert_true(info.initialised);
    assert_int_equal(info.height, c->height);
    assert_memory_equal(&info.app_hash, &c->outcome.app_hash, sizeof info.app_hash);
    assay_snapshot *snapshot;
    must(assay_app_snapshot(s->empty, &snapshot, err));
    must(assay_snapshot_check(snapshot, err));
    assay_snapshot_close(snapshot);
    assert_int_not_equal(access(stand_path(s, "state.restoring"), F_OK), 0);
    // It makes the same snapshot itself.
    must(assay_app_snapshot(s->empty, &snapshot, err));
    must(assay_statesync_write(stand_path(s, "own"), snapshot, &c->genesis.hash, STAND_CHUNK, NULL,
                               err));
    assay_snapshot_close(snapshot);
    assay_statesync_manifest m;
    uint8_t *data;
    size_t size;
    must(assay_statesync_open(&m, &data, &size, stand_path(s, "own"), c->height, err));
    assert_int_equal(size, s->list[0].metadata.size);
    assert_memory_equal(data, s->list[0].metadata.data, size);
    free(data);
    s->replicas->items[s->replicas->count++] =
        (replica){.folder = "", .from = c->height, .app = s->empty};
    trial_run_out(s->trial, &s->bundle.id);
    trial_submit(s->trial, &s->bundle, 4);
    assert_int_equal(trial_run_out(s->trial, &s->bundle.id).state, ASSAY_BATCH_SETTLED);
    chain_until(c, c->height + c->genesis.params.epoch_blocks);
    // A state with blocks of its own is not replaced.
    assay_error why = {0};
    assert_int_equal(
        assay_statesync_restore_offer(s->restore, &s->list[0], stand_app_hash(s), &why),
        ASSAY_STATESYNC_OFFER_ABORT);
    assert_non_null(strstr(why.text, "already"));
    s->replicas->count = 0;
    stand_free(s);
}

typedef struct {
    stand *s;
    uint32_t index;
} turn;

static void *turn_take(void *argument) {
    turn *t = argument;
    assert_int_equal(apply(t->s, t->index), ASSAY_STATESYNC_APPLY_ACCEPT);
    return NULL;
}

// E-65: whichever connection a chunk comes by, and so on whichever thread.
static void chunks_come_on_many_threads(void **state) {
    stand *s = stand_new();
    stand_make(s);
    stand_empty_open(s);
    offer(s);
    for (uint32_t i = 0; i < s->list[0].chunks; i++) {
        pthread_t thread;
        turn t = {s, i};
        assert_int_equal(pthread_create(&thread, NULL, turn_take, &t), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
    assert_false(stand_empty_is(s));
    stand_free(s);
}

static void bad_offers(void **state) { // E-66
    stand *s = stand_new();
    stand_make(s);
    stand_empty_open(s);
    const assay_statesync_snapshot good = s->list[0];
    const assay_bytes trusted = stand_app_hash(s);
    const assay_hash wrong = {{1}};
    const assay_bytes other = {wrong.bytes, sizeof wrong};
    assay_statesync_snapshot bad[] = {good, good, good, good, good, good};
    bad[0].format = 2;
    bad[1].height++;
    bad[2].chunks++;
    bad[3].hash = other;
    bad[4].metadata.size--;
    bad[5].hash.size--;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assay_error why = {0};
        assert_int_equal(assay_statesync_restore_offer(s->restore, &bad[i], trusted, &why),
                         i == 0 ? ASSAY_STATESYNC_OFFER_REJECT_FORMAT
                                : ASSAY_STATESYNC_OFFER_REJECT);
        assert_string_not_equal(why.text, "");
        assert_int_equal(apply(s, 0), ASSAY_STATESYNC_APPLY_RETRY_SNAPSHOT);
    }
    const assay_bytes hashes[] = {other, {trusted.data, 31}, {NULL, 0}};
    for (size_t i = 0; i < sizeof hashes / sizeof hashes[0]; i++) {
        assay_error why = {0};
        assert_int_equal(assay_statesync_restore_offer(s->restore, &good, hashes[i], &why),
                         ASSAY_STATESYNC_OFFER_REJECT);
        assert_string_equal(why.text, "the snapshot's app hash is not the trusted one");
    }
    assert_true(stand_empty_is(s));
    assert_int_not_equal(access(stand_path(s, "state.restoring"), F_OK), 0);
    stand_free(s);
}

// E-66: not the manifest's bytes, whoever sent them: fetched again, and the restore goes on.
static void wrong_chunks(void **state) {
    static uint8_t large[ASSAY_STATESYNC_CHUNK_MAX + 1];
    stand *s = stand_new();
    stand_make(s);
    stand_empty_open(s);
    offer(s);
    for (uint32_t i = 0; i < s->list[0].chunks; i++) {
        assay_bytes good = stand_chunk(s, s->list[0].height, i);
        assay_bytes next = stand_chunk(s, s->list[0].height, (i + 1) % s->list[0].chunks);
        uint8_t *flipped = malloc(good.size + 1);
        memcpy(flipped, good.data, good.size);
        flipped[good.size / 2] ^= 4;
        flipped[good.size] = 0;
        const assay_bytes wrong[] = {{flipped, good.size},           {good.data, good.size - 1},
                                     {flipped, good.size + 1},       {NULL, 0},
                                     {large, sizeof large},          next,
                                     bytes_of("nothing of the kind")};
        for (size_t j = 0; j < sizeof wrong / sizeof wrong[0]; j++) {
            assay_error why = {0};
            assert_int_equal(assay_statesync_restore_apply(s->restore, i, wrong[j],
                                                           (assay_bytes){NULL, 0}, &why),
                             ASSAY_STATESYNC_APPLY_RETRY);
            assert_int_equal(why.status, ASSAY_MISMATCH);
        }
        free(flipped);
        assert_int_equal(apply(s, i), ASSAY_STATESYNC_APPLY_ACCEPT);
        // The same once more changes nothing; after the last one there is nothing more to apply.
        if (i + 1 < s->list[0].chunks) assert_int_equal(apply(s, i), ASSAY_STATESYNC_APPLY_ACCEPT);
    }
    assert_false(stand_empty_is(s));
    stand_free(s);
}

static void wrong_chunks_are_bounded(void **state) { // E-66
    stand *s = stand_new();
    stand_make(s);
    stand_empty_open(s);
    offer(s);
    // Of one peer as many as it likes.
    for (int i = 0; i < 2 * ASSAY_STATESYNC_WRONG_MAX; i++)
        assert_int_equal(
            assay_statesync_restore_apply(s->restore, 0, bytes_of("x"), bytes_of("peer"), NULL),
            ASSAY_STATESYNC_APPLY_RETRY);
    for (int i = 1; i < ASSAY_STATESYNC_WRONG_MAX; i++)
        assert_int_equal(assay_statesync_restore_apply(s->restore, 0, bytes_of("x"),
                                                       (assay_bytes){NULL, 0}, NULL),
                         ASSAY_STATESYNC_APPLY_RETRY);
    assert_int_equal(
        assay_statesync_restore_apply(s->restore, 0, bytes_of("x"), (assay_bytes){NULL, 0}, NULL),
        ASSAY_STATESYNC_APPLY_REJECT_SNAPSHOT);
    assert_int_equal(apply(s, 0), ASSAY_STATESYNC_APPLY_RETRY_SNAPSHOT);
    offer(s);
    assert_int_equal(apply(s, 0), ASSAY_STATESYNC_APPLY_ACCEPT);
    stand_free(s);
}

// A file system that tells no size is not full: the next step finds out what it can do.
static void a_disk_without_a_size(void **state) {
    stand *s = stand_new();
    assay_error why = {0};
    stand_make(s);
    stand_empty_open(s);
    const assay_statesync_restore_options options = {
        .app = s->empty, .folder = "/proc/self/fdinfo", .map_size = 1 << 28, .skip_sync = true};
    assay_statesync_restore_close(s->restore);
    must(assay_statesync_restore_open(&s->restore, &options, err));
    assert_int_equal(
        assay_statesync_restore_offer(s->restore, &s->list[0], stand_app_hash(s), &why),
        ASSAY_STATESYNC_OFFER_ABORT);
    assert_null(strstr(why.text, "are free"));
    stand_free(s);
}

static void out_of_order(void **state) { // E-66
    stand *s = stand_new();
    stand_make(s);
    stand_empty_open(s);
    assert_int_equal(apply(s, 0), ASSAY_STATESYNC_APPLY_RETRY_SNAPSHOT);
    offer(s);
    assert_int_equal(apply(s, 1), ASSAY_STATESYNC_APPLY_RETRY_SNAPSHOT);
    offer(s);
    assert_int_equal(apply(s, 0), ASSAY_STATESYNC_APPLY_ACCEPT);
    assert_int_equal(apply(s, 1), ASSAY_STATESYNC_APPLY_ACCEPT);
    assert_int_equal(apply(s, 2), ASSAY_STATESYNC_APPLY_ACCEPT);
    assert_int_equal(apply(s, 0), ASSAY_STATESYNC_APPLY_RETRY_SNAPSHOT);
    offer(s);
    assert_int_equal(assay_statesync_restore_apply(s->restore, UINT32_MAX, bytes_of(""),
                                                   (assay_bytes){NULL, 0}, NULL),
                     ASSAY_STATESYNC_APPLY_RETRY_SNAPSHOT);
    // Another offer in the midst of one begins anew.
    offer(s);
    assert_int_equal(apply(s, 0), ASSAY_STATESYNC_APPLY_ACCEPT);
    offer(s);
    for (uint32_t i = 0; i < s->list[0].chunks; i++)
        assert_int_equal(apply(s, i), ASSAY_STATESYNC_APPLY_ACCEPT);
    assert_false(stand_empty_is(s));
    stand_free(s);
}

// --- lies ---

// A snapshot with true roots over chunks that a liar made.
typedef struct {
    assay_statesync_manifest manifest;
    assay_hash hashes[2];
    assay_bytes chunks[2];
    uint8_t data[128 * ASSAY_HASH_SIZE + ASSAY_STATESYNC_HEAD_MAX];
    assay_hash hash;
    assay_statesync_snapshot snapshot;
} forgery;

static void forge_seal(forgery *f) {
    assay_writer writer;
    assay_writer_init(&writer, f->data, sizeof f->data);
    assay_statesync_manifest_write(&writer, &f->manifest);
    assert_false(writer.failed);
    assay_sha256_of(&f->hash, f->data, writer.size);
    f->snapshot = (assay_statesync_snapshot){.height = f->manifest.height,
                                             .format = 1,
                                             .chunks = f->manifest.chunk_count,
                                             .hash = {f->hash.bytes, sizeof f->hash},
                                             .metadata = {f->data, writer.size}};
}

static void forge(forgery *f, const stand *s, const assay_bytes *chunks, uint32_t count,
                  uint64_t entry_count) {
    memset(f, 0, sizeof *f);
    must(assay_statesync_manifest_read(&f->manifest, s->list[0].metadata.data,
                                       s->list[0].metadata.size, err));
    f->manifest.chunks = f->hashes;
    f->manifest.chunk_count = count;
    f->manifest.entry_count = entry_count;
    f->manifest.byte_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        f->chunks[i] = chunks[i];
        f->manifest.byte_count += chunks[i].size;
        assay_sha256_of(&f->hashes[i], chunks[i].data, chunks[i].size);
    }
    forge_seal(f);
}

// The forgery is found with its last chunk at the latest. Returns: the sentence.
static const char *forgery_found(stand *s, const forgery *f) {
    static assay_error why;
    assay_statesync_apply result = ASSAY_STATESYNC_APPLY_ACCEPT;
    why = (assay_error){0};
    if (assay_statesync_restore_offer(s->restore, &f->snapshot, stand_app_hash(s), &why) !=
        ASSAY_STATESYNC_OFFER_ACCEPT)
        fail_msg("not even offered: %s", why.text);
    for (uint32_t i = 0; result == ASSAY_STATESYNC_APPLY_ACCEPT && i < f->snapshot.chunks; i++)
        result = assay_statesync_restore_apply(s->restore, i, f->chunks[i], (assay_bytes){NULL, 0},
                                               &why);
    if (result != ASSAY_STATESYNC_APPLY_REJECT_SNAPSHOT) fail_msg("%d: %s", result, why.text);
    assert_true(stand_empty_is(s));
    assert_int_not_equal(access(stand_path(s, "state.restoring"), F_OK), 0);
    return why.text;
}

// All of the true state in one chunk, with entry `odd` changed by a liar.
typedef enum { TRUTH, LEFT_OUT, CHANGED, TWICE, BEFORE, AUX, SHORT, TINY, LONG } lie;

static assay_bytes lie_tell(stand *s, lie how, uint64_t odd, uint64_t *entry_count) {
    static uint8_t data[1 << 20];
    assay_writer writer;
    assay_writer_init(&writer, data, sizeof data);
    *entry_count = 0;
    for (uint32_t i = 0; i < s->list[0].chunks; i++) {
        assay_bytes chunk = stand_chunk(s, s->list[0].height, i), key, value;
        assay_cursor cursor;
        assay_cursor_init(&cursor, chunk.data, chunk.size);
        for (; assay_cursor_left(&cursor) > 0; ++*entry_count) {
            must(assay_statesync_entry_read(&key, &value, &cursor, err));
            bool here = *entry_count == odd;
            if (here && how == LEFT_OUT) {
                odd = UINT64_MAX;
                --*entry_count;
                continue;
            }
            if (here && how == BEFORE)
                assay_statesync_entry_write(&writer, bytes_of("\x7f"), value);
            assay_statesync_entry_write(&writer, key, value);
            if (here && how == CHANGED && value.size) writer.data[writer.size - 1] ^= 1;
            if (here && how == TWICE) assay_statesync_entry_write(&writer, key, value);
        }
    }
    if (how == AUX) assay_statesync_entry_write(&writer, bytes_of("\xa1x"), bytes_of("y"));
    if (how == SHORT) writer.size--;
    // After all tables that there are: as small as an entry may be but for one byte, and a key as
    // long as none is.
    static const uint8_t last[ASSAY_RECORD_KEY_MAX + 1] = {0x7f, 0xff, 0xff};
    if (how == TINY)
        assay_statesync_entry_write(&writer, (assay_bytes){last, 3},
                                    (assay_bytes){data, ASSAY_RECORD_LEAST - 4});
    if (how == LONG)
        assay_statesync_entry_write(&writer, (assay_bytes){last, sizeof last}, bytes_of("v"));
    assert_false(writer.failed);
    return (assay_bytes){data, writer.size};
}

static void lies_are_found(void **state) { // E-65, E-66
    static const struct {
        lie how;
        int64_t more; // entries that the manifest counts beside those that are there
        const char *text;
    } cases[] = {
        {LEFT_OUT, 0, "the entries do not give the manifest's state root"},
        {CHANGED, 0, "the entries do not give the manifest's state root"},
        {TWICE, 1, "does not follow the one before"},
        {BEFORE, 1, "does not follow the one before"},
        {AUX, 1, "an entry of table 0xa1, which is no state"},
        {SHORT, 0, "the chunk ends within an entry"},
        {TINY, 1, "an entry of table 0x7f has 25 bytes, the least have 26"},
        {LONG, 1, "an entry of table 0x7f has a key of 76 bytes, limit 75"},
        {TRUTH, 1, "entries of"},
        {TRUTH, -1, "more entries than the manifest's"},
    };
    stand *s = stand_new();
    stand_make(s);
    stand_empty_open(s);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        forgery f;
        uint64_t count;
        assay_bytes chunk = lie_tell(s, cases[i].how, 7 + i, &count);
        forge(&f, s, &chunk, 1, count + (uint64_t)cases[i].more);
        const char *text = forgery_found(s, &f);
        if (!strstr(text, cases[i].text)) fail_msg("%zu: %s", i, text);
    }
    // Entries that one chunk ends and the next repeats; nothing at all.
    forgery f;
    uint64_t count;
    assay_bytes whole = lie_tell(s, TRUTH, 0, &count);
    const assay_bytes doubled[2] = {whole, whole};
    forge(&f, s, doubled, 2, 2 * count);
    assert_non_null(strstr(forgery_found(s, &f), "does not follow"));
    const assay_bytes garbage[2] = {bytes_of("no entries, but bytes enough for two of them"),
                                    whole};
    forge(&f, s, garbage, 2, count + 3);
    forgery_found(s, &f);
    // Fewer bytes than the chunks have, which the room was measured by.
    forge(&f, s, &whole, 1, count);
    f.manifest.byte_count--;
    forge_seal(&f);
    assert_non_null(strstr(forgery_found(s, &f), "more bytes than the manifest's"));
    // And the truth, told in a way of its own, is taken.
    forge(&f, s, &whole, 1, count);
    assay_error why = {0};
    assert_int_equal(
        assay_statesync_restore_offer(s->restore, &f.snapshot, stand_app_hash(s), &why),
        ASSAY_STATESYNC_OFFER_ACCEPT);
    assert_int_equal(
        assay_statesync_restore_apply(s->restore, 0, whole, (assay_bytes){NULL, 0}, &why),
        ASSAY_STATESYNC_APPLY_ACCEPT);
    assert_false(stand_empty_is(s));
    stand_free(s);
}

// What lied once is not taken up again by this process, whoever offers it, but what follows is.
static void lies_are_remembered(void **state) { // E-66
    stand *s = stand_new();
    forgery f;
    uint64_t count;
    assay_error why = {0};
    stand_make(s);
    stand_empty_open(s);
    assay_bytes whole = lie_tell(s, CHANGED, 7, &count);
    forge(&f, s, &whole, 1, count);
    forgery_found(s, &f);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(
            assay_statesync_restore_offer(s->restore, &f.snapshot, stand_app_hash(s), &why),
            ASSAY_STATESYNC_OFFER_REJECT);
        assert_string_equal(why.text, "the snapshot has been found false before");
    }
    // As many others push it out; none of them the truth, which is taken at any time.
    for (uint32_t i = 1; i <= ASSAY_STATESYNC_LIES_MAX; i++) {
        forge(&f, s, &whole, 1, count + i);
        forgery_found(s, &f);
    }
    forge(&f, s, &whole, 1, count);
    forgery_found(s, &f);
    offer(s);
    for (uint32_t i = 0; i < s->list[0].chunks; i++)
        assert_int_equal(apply(s, i), ASSAY_STATESYNC_APPLY_ACCEPT);
    assert_false(stand_empty_is(s));
    stand_free(s);
}

// E-66: what a manifest says is compared with what there is, before a byte of it is taken: a map of
// 256 MiB, and a mebibyte of memory.
static void too_large(void **state) {
    static const struct {
        uint64_t entries, bytes;
        const char *text; // NULL: accepted
    } cases[] = {
        {16, 16ull << 23, "a state of 134217728 bytes may need 469766144, the map has 268435456"},
        {16, 67107498, NULL},
        {16, 67107499, "a state of 67107499 bytes may need 268435457, the map has 268435456"},
        {2048, 48ull << 20, NULL}, // the memory's last entry
        {2049, 48ull << 20,
         "a state of 2049 entries may need 1049088 bytes of memory, 1048576 may be taken"},
        {119000000, 1ull << 30,
         "a state of 119000000 entries may need 60928000000 bytes of memory, 1048576 may be taken"},
    };
    stand *s = stand_new();
    const assay_bytes nothing[1] = {bytes_of("a")};
    assay_hash hashes[128] = {{{0}}}; // what they are is not asked before there are chunks
    stand_make(s);
    stand_empty_open(s);
    stand_memory(s, 1 << 20);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        static forgery f;
        assay_error why = {0};
        forge(&f, s, nothing, 1, 1);
        f.manifest.chunks = hashes;
        f.manifest.chunk_count = cases[i].entries < 128 ? 16 : 128;
        f.manifest.entry_count = cases[i].entries;
        f.manifest.byte_count = cases[i].bytes;
        forge_seal(&f);
        assay_statesync_offer result =
            assay_statesync_restore_offer(s->restore, &f.snapshot, stand_app_hash(s), &why);
        if (!cases[i].text && result != ASSAY_STATESYNC_OFFER_ACCEPT) fail_msg("%s", why.text);
        if (!cases[i].text) continue;
        assert_int_equal(result, ASSAY_STATESYNC_OFFER_REJECT);
        assert_int_equal(why.status, ASSAY_CAPACITY);
        assert_string_equal(why.text, cases[i].text);
    }
    stand_free(s);
}

// The machine's own memory, where nobody says another: a manifest's counts may be as high as its
// bytes allow, here 683 GiB worth of memory.
static void more_than_the_machine(void **state) { // E-66
    stand *s = stand_new();
    static forgery f;
    static assay_hash hashes[1024];
    assay_error why = {0};
    const assay_bytes nothing[1] = {bytes_of("a")};
    stand_make(s);
    stand_empty_open(s);
    forge(&f, s, nothing, 1, 1);
    static uint8_t data[sizeof hashes + ASSAY_STATESYNC_HEAD_MAX];
    assay_writer writer;
    f.manifest.chunks = hashes;
    f.manifest.chunk_count = 1024;
    f.manifest.byte_count = UINT64_C(1024) * ASSAY_STATESYNC_CHUNK_MAX;
    f.manifest.entry_count = f.manifest.byte_count / ASSAY_STATESYNC_ENTRY_MIN;
    assay_writer_init(&writer, data, sizeof data);
    assay_statesync_manifest_write(&writer, &f.manifest);
    assert_false(writer.failed);
    assay_sha256_of(&f.hash, data, writer.size);
    f.snapshot.chunks = 1024;
    f.snapshot.metadata = (assay_bytes){data, writer.size};
    assert_int_equal(
        assay_statesync_restore_offer(s->restore, &f.snapshot, stand_app_hash(s), &why),
        ASSAY_STATESYNC_OFFER_REJECT);
    assert_non_null(strstr(why.text, "bytes of memory"));
    stand_free(s);
}

// E-63: no entry of a state is smaller than what a stranger's may be, nor has a longer key.
static void true_entries_are_large_enough(void **state) {
    stand *s = stand_new();
    uint64_t few = 0, least = UINT64_MAX;
    stand_make(s);
    for (uint32_t i = 0; i < s->list[0].chunks; i++) {
        assay_bytes chunk = stand_chunk(s, s->list[0].height, i), key, value;
        assay_cursor cursor;
        assay_cursor_init(&cursor, chunk.data, chunk.size);
        while (assay_cursor_left(&cursor) > 0) {
            must(assay_statesync_entry_read(&key, &value, &cursor, err));
            assert_in_range(key.size, 1, ASSAY_RECORD_KEY_MAX);
            if (key.size <= ASSAY_RECORD_KEY_FEW) few++;
            if (key.size <= ASSAY_RECORD_KEY_FEW) continue;
            if (key.size + value.size < least) least = key.size + value.size;
        }
    }
    assert_in_range(few, 3, 16);
    assert_in_range(least, ASSAY_RECORD_LEAST, ASSAY_RECORD_LEAST + 8);
    stand_free(s);
}

// --- the end of the process ---

static void restore_all(void *context) {
    stand *s = context;
    stand_empty_open(s);
    offer(s);
    for (uint32_t i = 0; i < s->list[0].chunks; i++)
        if (apply(s, i) != ASSAY_STATESYNC_APPLY_ACCEPT) _exit(1);
    stand_empty_close(s);
}

// Returns: the height of the node's state, which is whole; 0 too if there is none.
static uint64_t state_check(const stand *s) {
    assay_snapshot *snapshot;
    if (stand_empty_is(s)) return 0;
    must(assay_app_snapshot(s->empty, &snapshot, err));
    const assay_store_tip *tip = assay_snapshot_tip(snapshot);
    uint64_t height = tip->height;
    if (height == s->trial->chain.height)
        assert_memory_equal(&tip->app_hash, &s->trial->chain.outcome.app_hash, ASSAY_HASH_SIZE);
    must(assay_snapshot_check(snapshot, err));
    assay_snapshot_close(snapshot);
    return height;
}

// What a node has before a snapshot is offered: nothing, the genesis's state, or another snapshot's
// of which the engine knows nothing any more.
typedef enum { NOTHING, GENESIS, EARLIER } start;

static void start_make(stand *s, start from) {
    const assay_store_options options = {.read_only = true, .map_size = 1 << 30};
    assay_store *earlier;
    assay_folder_remove(stand_path(s, "state"));
    must(assay_folder_make(stand_path(s, "state"), err));
    if (from == GENESIS) {
        stand_empty_open(s);
        must(assay_app_init_chain(s->empty, err));
        stand_empty_close(s);
    } else if (from == EARLIER) {
        must(assay_store_open(&earlier, stand_path(s, "earlier"), &s->trial->chain.genesis.hash,
                              &options, err));
        must(assay_store_backup(earlier, stand_path(s, "state"), err));
        assay_store_close(earlier);
    }
}

// E-65: whatever moment a node ends at, it has what it had, or the whole of the snapshot; and the
// next one that is offered brings it on, for CometBFT has noted neither.
static void killed_at_every_write(void **state) {
    stand *s = stand_new();
    chain *c = &s->trial->chain;
    assay_view view = chain_view(c);
    uint64_t earlier = view.height;
    replica_restore(stand_path(s, "earlier"), c, &view);
    assay_view_close(&view);
    chain_until(c, earlier + 3);
    // Few chunks: the points are those of the store.
    stand_maker_open(s, 1, 0, 2048);
    stand_make(s);
    for (start from = NOTHING; from <= EARLIER; from++) {
        int point = 1, before = 0, after = 0;
        for (bool killed = true; killed; point++) {
            start_make(s, from);
            killed = kill_at(point, restore_all, s);
            stand_empty_open(s);
            assert_int_not_equal(access(stand_path(s, "state.restoring"), F_OK), 0);
            uint64_t height = state_check(s);
            assert_true(killed || height == c->height);
            assert_true(height == c->height || height == (from == EARLIER ? earlier : 0));
            assert_int_equal(stand_empty_is(s), from == NOTHING && height == 0);
            before += height != c->height;
            after += height == c->height;
            stand_empty_close(s);
            if (point % 7 && height != c->height) continue; // it takes the test's time
            restore_all(s);
            stand_empty_open(s);
            assert_int_equal(state_check(s), c->height);
            stand_empty_close(s);
        }
        assert_in_range(point, 20, 2000);
        assert_true(before > 10 && after > 1);
    }
    stand_free(s);
}

// E-65: with a block of its own a state stays, also when it was restored once.
static void a_state_with_blocks_stays(void **state) {
    stand *s = stand_new();
    chain *c = &s->trial->chain;
    assay_error why = {0};
    stand_make(s);
    for (start from = GENESIS; from <= EARLIER; from++) {
        if (from == EARLIER) {
            assay_view view = chain_view(c);
            replica_restore(stand_path(s, "earlier"), c, &view);
            assay_view_close(&view);
        }
        start_make(s, from);
        stand_empty_open(s);
        assay_app_info info;
        assay_app_info_get(s->empty, &info);
        const assay_app_block block = {.height = info.height + 1,
                                       .time = 1700000000,
                                       .proposer = c->genesis.validators[0].address};
        assay_app_outcome outcome;
        must(assay_app_finalize_block(s->empty, &block, &outcome, err));
        offer(s); // nothing of it has landed
        must(assay_app_commit(s->empty, err));
        assert_int_equal(
            assay_statesync_restore_offer(s->restore, &s->list[0], stand_app_hash(s), &why),
            ASSAY_STATESYNC_OFFER_ABORT);
        assert_int_equal(why.status, ASSAY_EXISTS);
        assert_non_null(strstr(why.text, "already, by blocks executed here"));
        stand_empty_close(s);
    }
    stand_free(s);
}

typedef struct {
    stand *s;
    uint64_t height; // of the snapshot
    atomic_bool stop;
    atomic_ulong looks;
} reader;

// Looks at whatever state there is, and measures it, as the API's threads do.
static void *reader_run(void *argument) {
    reader *r = argument;
    while (!r->stop) {
        assay_view view;
        assay_store_usage usage;
        assay_totals totals;
        uint64_t nonce;
        assay_error why = {0};
        if (assay_view_open(&view, r->s->empty, &why) != ASSAY_OK) fail_msg("%s", why.text);
        assert_true(view.height == 0 || view.height == r->height);
        must(assay_totals_get(&totals, &view.reader, err));
        assert_int_equal(assay_totals_sum(&totals), r->s->trial->chain.genesis.supply);
        must(assay_snapshot_measure(view.snapshot, &usage, err));
        assert_true(usage.entry_count > 0);
        assay_view_close(&view);
        must(assay_app_next_nonce(r->s->empty, &r->s->trial->chain.actors[CONSUMER], 0, &nonce,
                                  err));
        r->looks++;
    }
    return NULL;
}

// E-65: who reads the old state while another takes its place reads it to the end.
static void readers_go_on(void **state) {
    enum { READERS = 3, TIMES = 5 };
    stand *s = stand_new();
    stand_make(s);
    for (int time = 0; time < TIMES; time++) {
        pthread_t threads[READERS];
        reader readers[READERS];
        start_make(s, GENESIS);
        stand_empty_open(s);
        assay_view held;
        must(assay_view_open(&held, s->empty, err));
        for (int i = 0; i < READERS; i++) {
            readers[i] = (reader){.s = s, .height = s->list[0].height};
            assert_int_equal(pthread_create(&threads[i], NULL, reader_run, &readers[i]), 0);
        }
        offer(s);
        for (uint32_t i = 0; i < s->list[0].chunks; i++)
            assert_int_equal(apply(s, i), ASSAY_STATESYNC_APPLY_ACCEPT);
        for (int i = 0; i < READERS; i++) // one may have its first turn only now
            for (uint64_t before = readers[i].looks; readers[i].looks == before;)
                usleep(200);
        for (int i = 0; i < READERS; i++)
            readers[i].stop = true;
        for (int i = 0; i < READERS; i++)
            pthread_join(threads[i], NULL);
        assert_int_equal(state_check(s), s->list[0].height);
        must(assay_snapshot_check(held.snapshot, err));
        assert_int_equal(held.height, 0);
        if (time % 2) assay_view_close(&held);
        stand_empty_close(s);
        if (time % 2 == 0) assay_view_close(&held);
    }
    stand_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_on_like_the_chain),
        cmocka_unit_test(bad_offers),
        cmocka_unit_test(chunks_come_on_many_threads),
        cmocka_unit_test(wrong_chunks),
        cmocka_unit_test(wrong_chunks_are_bounded),
        cmocka_unit_test(a_disk_without_a_size),
        cmocka_unit_test(out_of_order),
        cmocka_unit_test(lies_are_found),
        cmocka_unit_test(lies_are_remembered),
        cmocka_unit_test(too_large),
        cmocka_unit_test(more_than_the_machine),
        cmocka_unit_test(true_entries_are_large_enough),
        cmocka_unit_test(killed_at_every_write),
        cmocka_unit_test(a_state_with_blocks_stays),
        cmocka_unit_test(readers_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
