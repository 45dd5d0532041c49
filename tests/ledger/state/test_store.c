// SPDX-License-Identifier: Apache-2.0
// The store against a plain map: random blocks, savepoints, iteration, snapshots, proofs, limits.
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/test.h"
#include <pthread.h>
#include <unistd.h>

#include "base/json.h"
#include "ledger/state/store.h"
#include "tests/ledger/plain_smt.h"
#include "tests/ledger/store_folder.h"

enum { KEY_COUNT = 700, VALUE_MAX = 40, NEST_MAX = 5 };

// A key and what the map holds under it; size -1 is nothing.
typedef struct {
    uint8_t key[12];
    size_t key_size;
    int size;
    uint8_t value[VALUE_MAX];
} item;

typedef struct {
    item items[KEY_COUNT]; // in key order
} plain;

static uint64_t random_state;
static uint32_t random_below(uint32_t bound) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random_state >> 33) % bound);
}

static int item_order(const void *left, const void *right) {
    const item *a = left, *b = right;
    int order = memcmp(a->key, b->key, a->key_size < b->key_size ? a->key_size : b->key_size);
    return order ? order : (a->key_size > b->key_size) - (a->key_size < b->key_size);
}

// Keys of both classes in a few tables, some of them prefixes of others.
static void plain_make(plain *map, uint64_t seed) {
    static const uint8_t tables[] = {0x00, 0x01, 0x02, 0x7f, 0x80, 0xef};
    random_state = seed;
    memset(map, 0, sizeof *map);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        item *it = &map->items[i];
        bool taken = true;
        while (taken) {
            it->key_size = 1 + random_below(6);
            it->key[0] = tables[random_below(sizeof tables)];
            for (size_t j = 1; j < it->key_size; j++)
                it->key[j] = (uint8_t)(random_below(2) ? random_below(4) : random_below(256));
            taken = false;
            for (size_t j = 0; j < i && !taken; j++)
                taken = item_order(it, &map->items[j]) == 0;
        }
        it->size = -1;
    }
    qsort(map->items, KEY_COUNT, sizeof map->items[0], item_order);
}

static void plain_map_root(const plain *map, assay_hash *root) {
    plain_leaf *leaves = calloc(KEY_COUNT, sizeof *leaves);
    const plain_leaf *list[KEY_COUNT];
    size_t count = 0;
    assert_non_null(leaves);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const item *it = &map->items[i];
        if (it->size < 0 || it->key[0] >= ASSAY_STORE_AUX) continue;
        plain_leaf_make(&leaves[count], it->key, it->key_size, it->value, (size_t)it->size);
        list[count] = &leaves[count];
        count++;
    }
    plain_root(root, list, count, 0);
    free(leaves);
}

static void value_expect(const item *it, assay_bytes value) {
    assert_int_equal(value.data == NULL, it->size < 0);
    if (it->size < 0) return;
    assert_int_equal(value.size, it->size);
    assert_memory_equal(value.data, it->value, value.size);
}

// Walks all keys with a random prefix from a random start, in a block or a snapshot.
static void walk_expect(const plain *map, assay_store *store, assay_snapshot *snapshot) {
    const item *from = &map->items[random_below(KEY_COUNT)];
    size_t from_size = random_below((uint32_t)from->key_size + 1);
    size_t prefix_size = random_below((uint32_t)from_size + 1);
    assay_store_position at;
    item start = {.key_size = from_size};
    memcpy(start.key, from->key, from_size);
    assert_int_equal(
        store ? assay_store_seek(store, &at, start.key, from_size, prefix_size, NULL)
              : assay_snapshot_seek(snapshot, &at, start.key, from_size, prefix_size, NULL),
        ASSAY_OK);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const item *it = &map->items[i];
        if (it->size < 0 || item_order(it, &start) < 0 || it->key_size < prefix_size ||
            memcmp(it->key, start.key, prefix_size) != 0)
            continue;
        assert_int_equal(at.key_size, it->key_size);
        assert_memory_equal(at.key, it->key, it->key_size);
        value_expect(it, at.value);
        assert_int_equal(store ? assay_store_next(store, &at, NULL)
                               : assay_snapshot_next(snapshot, &at, NULL),
                         ASSAY_OK);
    }
    assert_int_equal(at.key_size, 0);
    assert_null(at.value.data);
}

static void write_random(assay_store *store, plain *map) {
    item *it = &map->items[random_below(KEY_COUNT)];
    if (random_below(3) == 0) {
        it->size = -1;
        assert_int_equal(assay_store_delete(store, it->key, it->key_size, NULL), ASSAY_OK);
        return;
    }
    it->size = (int)random_below(VALUE_MAX + 1);
    for (int i = 0; i < it->size; i++)
        it->value[i] = (uint8_t)random_below(256);
    assert_int_equal(
        assay_store_put(store, it->key, it->key_size, it->value, (size_t)it->size, NULL), ASSAY_OK);
}

// A block of writes under randomly nested savepoints; maps[level] is what each level would keep.
static void block_random(assay_store *store, plain *maps, size_t step_count) {
    assay_store_mark marks[NEST_MAX];
    size_t level = 0;
    for (size_t i = 0; i < step_count || level; i++) {
        uint32_t what = random_below(100);
        if (what < 6 && level < NEST_MAX && i < step_count) {
            marks[level] = assay_store_savepoint(store);
            maps[level + 1] = maps[level];
            level++;
        } else if (what < 12 && level) {
            level--;
            if (random_below(2)) {
                assay_store_rollback(store, marks[level]);
            } else {
                assay_store_release(store, marks[level]);
                maps[level] = maps[level + 1];
            }
        } else if (what < 15) {
            walk_expect(&maps[level], store, NULL);
        } else if (what < 50) {
            const item *it = &maps[level].items[random_below(KEY_COUNT)];
            assay_bytes value;
            assert_int_equal(assay_store_get(store, it->key, it->key_size, &value, NULL), ASSAY_OK);
            value_expect(it, value);
        } else if (what < 51) { // a root in the middle changes nothing
            assay_hash root, expected;
            plain_map_root(&maps[level], &expected);
            assert_int_equal(assay_store_root(store, &root, NULL), ASSAY_OK);
            assert_memory_equal(&root, &expected, sizeof root);
        } else {
            write_random(store, &maps[level]);
        }
    }
}

static void snapshot_expect(assay_store *store, const plain *map) {
    assay_snapshot *snapshot;
    assay_smt_proof *proof = malloc(sizeof *proof);
    assay_error err = {0};
    assert_non_null(proof);
    assert_int_equal(assay_snapshot_open(&snapshot, store, NULL), ASSAY_OK);
    const assay_store_tip *tip = assay_snapshot_tip(snapshot);
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const item *it = &map->items[i];
        assay_bytes value;
        assert_int_equal(assay_snapshot_get(snapshot, it->key, it->key_size, &value, NULL),
                         ASSAY_OK);
        value_expect(it, value);
        if (it->key[0] >= ASSAY_STORE_AUX) continue;
        assert_int_equal(assay_snapshot_prove(snapshot, it->key, it->key_size, proof, NULL),
                         ASSAY_OK);
        assert_int_equal(assay_smt_check(&tip->state_root, it->key, it->key_size,
                                         it->size < 0 ? NULL : it->value, (size_t)it->size, proof,
                                         NULL),
                         ASSAY_OK);
    }
    for (int i = 0; i < 20; i++)
        walk_expect(map, NULL, snapshot);
    assay_snapshot_check(snapshot, &err);
    assert_string_equal(err.text, "");
    assay_snapshot_close(snapshot);
    free(proof);
}

static void like_a_plain_map(void **state) { // P-80, P-81, P-85, P-86
    plain *maps = calloc(NEST_MAX + 2, sizeof *maps);
    plain *kept = calloc(1, sizeof *kept);
    char folder[FOLDER_MAX];
    assay_store_options options = {.map_size = 64 << 20, .skip_sync = true};
    assert_true(maps && kept);
    folder_make(folder);
    assert_int_equal(assay_pool_open(&options.pool, 2, NULL), ASSAY_OK);
    assay_store *store = store_open(folder, &options);
    plain_make(&maps[0], 5);
    assert_false(assay_store_last(store)->committed);
    for (uint64_t height = 7; height < 47; height++) {
        assay_hash root, expected, app = {{(uint8_t)height}};
        *kept = maps[0];
        assert_int_equal(assay_store_begin(store, NULL), ASSAY_OK);
        block_random(store, maps, height % 4 == 0 ? 1500 : 150);
        assert_int_equal(assay_store_root(store, &root, NULL), ASSAY_OK);
        plain_map_root(&maps[0], &expected);
        assert_memory_equal(&root, &expected, sizeof root);
        if (height == 7 || random_below(4)) {
            assert_int_equal(assay_store_commit(store, height, &app, NULL), ASSAY_OK);
        } else { // the block is dropped; its height comes again
            assay_store_abort(store);
            maps[0] = *kept;
            height--;
        }
        assert_int_equal(assay_store_last(store)->height, height);
        if (height % 8 == 0) {
            assay_store_close(store);
            store = store_open(folder, &options);
            assert_true(assay_store_last(store)->committed);
            assert_int_equal(assay_store_last(store)->height, height);
            snapshot_expect(store, &maps[0]);
        }
    }
    assay_store_close(store);
    assay_pool_close(options.pool);
    free(kept);
    free(maps);
}

static void put_text(assay_store *store, const char *key, const char *value) {
    assert_int_equal(assay_store_put(store, key, strlen(key), value, strlen(value), NULL),
                     ASSAY_OK);
}

static bool get_text(assay_store *store, const char *key, const char *value) {
    assay_bytes found;
    assert_int_equal(assay_store_get(store, key, strlen(key), &found, NULL), ASSAY_OK);
    return found.data && found.size == strlen(value) && memcmp(found.data, value, found.size) == 0;
}

static void commit(assay_store *store) {
    assay_hash root, app = {{1}};
    uint64_t height = assay_store_last(store)->committed ? assay_store_last(store)->height + 1 : 0;
    assert_int_equal(assay_store_root(store, &root, NULL), ASSAY_OK);
    assert_int_equal(assay_store_commit(store, height, &app, NULL), ASSAY_OK);
}

static void loops_may_write(void **state) { // P-80
    char folder[FOLDER_MAX], seen[64] = "";
    folder_make(folder);
    assay_store *store = store_open(folder, NULL);
    assert_int_equal(assay_store_begin(store, NULL), ASSAY_OK);
    put_text(store, "qa", "1");
    put_text(store, "qc", "3");
    put_text(store, "qe", "5");
    commit(store);
    assert_int_equal(assay_store_begin(store, NULL), ASSAY_OK);
    put_text(store, "qb", "2");
    assay_store_position at;
    assert_int_equal(assay_store_seek(store, &at, NULL, 0, 0, NULL), ASSAY_OK);
    assert_memory_equal(at.key, "qa", at.key_size);
    assert_int_equal(assay_store_seek(store, &at, "q", 1, 1, NULL), ASSAY_OK);
    while (at.key_size) {
        strncat(seen, (const char *)at.value.data, at.value.size);
        if (seen[strlen(seen) - 1] == '2') put_text(store, "qd", "4");  // ahead: seen
        if (seen[strlen(seen) - 1] == '3') put_text(store, "qab", "0"); // behind: not
        assert_int_equal(assay_store_delete(store, at.key, at.key_size, NULL), ASSAY_OK);
        assert_int_equal(assay_store_next(store, &at, NULL), ASSAY_OK);
    }
    assert_string_equal(seen, "12345");
    assert_int_equal(assay_store_next(store, &at, NULL), ASSAY_OK); // the end stays the end
    assert_int_equal(at.key_size, 0);
    commit(store);
    assay_snapshot *snapshot;
    assert_int_equal(assay_snapshot_open(&snapshot, store, NULL), ASSAY_OK);
    assert_int_equal(assay_snapshot_seek(snapshot, &at, NULL, 0, 0, NULL), ASSAY_OK);
    assert_memory_equal(at.key, "qab", at.key_size);
    assert_int_equal(assay_snapshot_next(snapshot, &at, NULL), ASSAY_OK);
    assert_int_equal(at.key_size, 0);
    assay_snapshot_close(snapshot);
    assay_store_close(store);
}

static void borrowed_values_stay(void **state) { // P-86
    char folder[FOLDER_MAX];
    assay_bytes old, young, empty;
    folder_make(folder);
    assay_store *store = store_open(folder, NULL);
    assert_int_equal(assay_store_begin(store, NULL), ASSAY_OK);
    put_text(store, "old", "committed");
    commit(store);
    assert_int_equal(assay_store_begin(store, NULL), ASSAY_OK);
    put_text(store, "young", "in the block");
    put_text(store, "empty", "");
    assert_int_equal(assay_store_get(store, "old", 3, &old, NULL), ASSAY_OK);
    assert_int_equal(assay_store_get(store, "young", 5, &young, NULL), ASSAY_OK);
    assert_int_equal(assay_store_get(store, "empty", 5, &empty, NULL), ASSAY_OK);
    assert_non_null(empty.data);
    assert_int_equal(empty.size, 0);
    for (uint32_t i = 0; i < 50000; i++)
        assert_int_equal(assay_store_put(store, &i, sizeof i, &i, sizeof i, NULL), ASSAY_OK);
    assay_store_mark mark = assay_store_savepoint(store);
    // A value may be written from where it is borrowed, also over itself.
    assert_int_equal(assay_store_put(store, "old", 3, old.data, 4, NULL), ASSAY_OK);
    assert_int_equal(assay_store_put(store, "young", 5, young.data + 3, 9, NULL), ASSAY_OK);
    assert_true(get_text(store, "young", "the block"));
    assert_int_equal(assay_store_get(store, "young", 5, &young, NULL), ASSAY_OK);
    assert_int_equal(assay_store_put(store, "young", 5, young.data + 4, 5, NULL), ASSAY_OK);
    assert_true(get_text(store, "young", "block") && get_text(store, "old", "comm"));
    assay_store_rollback(store, mark);
    assert_true(get_text(store, "young", "in the block") && get_text(store, "old", "committed"));
    commit(store);
    assay_store_close(store);
}

typedef struct {
    assay_store *store;
    atomic_bool stop;
    atomic_uint reads;
} reading;

// Every key of a snapshot holds its height: a mixture of two commits would show.
static void *reader_main(void *argument) {
    reading *shared = argument;
    while (!atomic_load(&shared->stop)) {
        assay_snapshot *snapshot;
        assay_smt_proof *proof = malloc(sizeof *proof);
        if (!proof || assay_snapshot_open(&snapshot, shared->store, NULL) != ASSAY_OK) abort();
        uint64_t height = assay_snapshot_tip(snapshot)->height;
        for (uint32_t i = 0; i < 200; i++) {
            assay_bytes value;
            if (assay_snapshot_get(snapshot, &i, sizeof i, &value, NULL) != ASSAY_OK ||
                value.size != 8 || memcmp(value.data, &height, 8) != 0)
                abort();
        }
        uint32_t key = 7;
        if (assay_snapshot_prove(snapshot, &key, sizeof key, proof, NULL) != ASSAY_OK ||
            assay_smt_check(&assay_snapshot_tip(snapshot)->state_root, &key, sizeof key, &height, 8,
                            proof, NULL) != ASSAY_OK)
            abort();
        assay_snapshot_close(snapshot);
        free(proof);
        atomic_fetch_add(&shared->reads, 1);
    }
    return NULL;
}

static void snapshots_show_one_commit(void **state) { // P-86
    char folder[FOLDER_MAX];
    folder_make(folder);
    assay_store_options options = {.skip_sync = true};
    reading shared = {.store = store_open(folder, &options)};
    pthread_t readers[2];
    assay_snapshot *first;
    for (uint64_t height = 0; height < 60 || atomic_load(&shared.reads) < 20; height++) {
        assert_int_equal(assay_store_begin(shared.store, NULL), ASSAY_OK);
        for (uint32_t i = 0; i < 200; i++)
            assert_int_equal(assay_store_put(shared.store, &i, sizeof i, &height, 8, NULL),
                             ASSAY_OK);
        commit(shared.store);
        if (height) continue;
        assert_int_equal(assay_snapshot_open(&first, shared.store, NULL), ASSAY_OK);
        for (int i = 0; i < 2; i++)
            assert_int_equal(pthread_create(&readers[i], NULL, reader_main, &shared), 0);
    }
    atomic_store(&shared.stop, true);
    for (int i = 0; i < 2; i++)
        pthread_join(readers[i], NULL);
    assay_bytes value;
    uint32_t key = 3;
    assert_int_equal(assay_snapshot_get(first, &key, sizeof key, &value, NULL), ASSAY_OK);
    assert_int_equal(assay_load_le64(value.data), 0);
    assert_int_equal(assay_snapshot_check(first, NULL), ASSAY_OK);
    assay_snapshot_close(first);
    assay_store_close(shared.store);
}

static void largest_keys_and_values(void **state) { // P-80
    char folder[FOLDER_MAX];
    uint8_t key[ASSAY_STORE_KEY_MAX], *value = malloc(ASSAY_STORE_VALUE_MAX);
    assay_bytes found;
    assert_non_null(value);
    folder_make(folder);
    memset(key, 0x11, sizeof key);
    for (size_t i = 0; i < ASSAY_STORE_VALUE_MAX; i++)
        value[i] = (uint8_t)(i * i >> 7);
    assay_store *store = store_open(folder, NULL);
    assert_int_equal(assay_store_begin(store, NULL), ASSAY_OK);
    for (key[127] = 0; key[127] < 3; key[127]++)
        assert_int_equal(
            assay_store_put(store, key, sizeof key, value, ASSAY_STORE_VALUE_MAX, NULL), ASSAY_OK);
    commit(store);
    assert_int_equal(assay_store_begin(store, NULL), ASSAY_OK);
    key[127] = 1;
    assert_int_equal(assay_store_get(store, key, sizeof key, &found, NULL), ASSAY_OK);
    assert_int_equal(found.size, ASSAY_STORE_VALUE_MAX);
    assert_memory_equal(found.data, value, found.size);
    assert_int_equal(assay_store_delete(store, key, sizeof key, NULL), ASSAY_OK);
    commit(store);
    assay_store_usage usage;
    assay_snapshot *snapshot;
    assert_int_equal(assay_snapshot_open(&snapshot, store, NULL), ASSAY_OK);
    assert_int_equal(assay_snapshot_measure(snapshot, &usage, NULL), ASSAY_OK);
    assert_int_equal(usage.entry_count, 2);
    assert_true(usage.bytes_used > 2 * ASSAY_STORE_VALUE_MAX && usage.bytes_used < usage.map_size);
    // What a snapshot shows outlives the store.
    assay_store_close(store);
    key[127] = 2;
    assert_int_equal(assay_snapshot_get(snapshot, key, sizeof key, &found, NULL), ASSAY_OK);
    assert_int_equal(found.size, ASSAY_STORE_VALUE_MAX);
    assert_memory_equal(found.data, value, found.size);
    assay_snapshot_close(snapshot);
    free(value);
}

// A block that outgrows its memory fails at one put, and what was there stays usable.
static void block_memory_is_bounded(void **state) {
    char folder[FOLDER_MAX];
    uint8_t value[4096] = {1};
    assay_store_options options = {.block_size = 1 << 20};
    assay_status status = ASSAY_OK;
    uint32_t key = 0;
    folder_make(folder);
    assay_store *store = store_open(folder, &options);
    assert_int_equal(assay_store_begin(store, NULL), ASSAY_OK);
    // What is rolled back gives its room back.
    for (int i = 0; i < 1000; i++) {
        assay_store_mark mark = assay_store_savepoint(store);
        for (uint32_t j = 0; j < 4; j++)
            assert_int_equal(assay_store_put(store, &j, sizeof j, value, sizeof value, NULL),
                             ASSAY_OK);
        assay_store_rollback(store, mark);
    }
    for (; status == ASSAY_OK && key < 1000; key++)
        status = assay_store_put(store, &key, sizeof key, value, sizeof value, NULL);
    assert_int_equal(status, ASSAY_CAPACITY);
    assert_in_range(key, 200, 300);
    for (uint32_t i = 0; i < 100000; i++) { // reading goes on
        assay_bytes found;
        assert_int_equal(assay_store_get(store, &i, sizeof i, &found, NULL), ASSAY_OK);
        assert_int_equal(found.data != NULL, i < key - 1);
    }
    assay_store_abort(store);
    assert_int_equal(assay_store_begin(store, NULL), ASSAY_OK);
    put_text(store, "k", "v");
    commit(store);
    assay_store_close(store);
}

// The contents of tests/oracles/smt_vectors.py, by way of blocks. P-81, P-82
static void root_of_another_implementation(void **state) {
    char folder[FOLDER_MAX], key[32], value[32];
    json_t *file;
    assay_hash expected;
    assert_int_equal(assay_json_read_many(&file, ASSAY_SOURCE_DIR "/tests/vectors/smt.json",
                                          1 << 20, SIZE_MAX, NULL),
                     ASSAY_OK);
    assert_int_equal(
        assay_json_hash(&expected, json_array_get(json_object_get(file, "cases"), 0), "root", NULL),
        ASSAY_OK);
    folder_make(folder);
    assay_store *store = store_open(folder, NULL);
    for (int block = 0; block < 4; block++) {
        assert_int_equal(assay_store_begin(store, NULL), ASSAY_OK);
        for (int i = 299; i >= 0; i--) {
            snprintf(key, sizeof key, "account-%d", i);
            snprintf(value, sizeof value, "balance of %d", i * i + 3 - block);
            if (i % (block + 1) == 0 || block == 3) put_text(store, key, value);
        }
        commit(store);
    }
    assert_memory_equal(&assay_store_last(store)->state_root, &expected, sizeof expected);
    assay_store_close(store);
    json_decref(file);
}

static void app_hash_joins_both_roots(void **state) { // P-89
    uint8_t data[65] = {1};
    assay_hash state_root, history_root, expected, out;
    memset(&state_root, 0xaa, 32);
    memset(&history_root, 0xbb, 32);
    memset(data + 1, 0xaa, 32);
    memset(data + 33, 0xbb, 32);
    assay_sha256_of(&expected, data, sizeof data);
    assay_store_app_hash(&out, &state_root, &history_root);
    assert_memory_equal(&out, &expected, sizeof out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(like_a_plain_map),
        cmocka_unit_test(loops_may_write),
        cmocka_unit_test(borrowed_values_stay),
        cmocka_unit_test(snapshots_show_one_commit),
        cmocka_unit_test(largest_keys_and_values),
        cmocka_unit_test(block_memory_is_bounded),
        cmocka_unit_test(root_of_another_implementation),
        cmocka_unit_test(app_hash_joins_both_roots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
