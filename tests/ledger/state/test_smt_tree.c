// SPDX-License-Identifier: Apache-2.0
// The stored state tree against the plain recursive definition, in memory.
#include <stdio.h>
#include <stdlib.h>

#include "base/sha256.h"
#include "ledger/state/smt_tree.h"
#include "ledger/state/smt_walk.h"
#include "tests/ledger/plain_smt.h"
#include "tests/test.h"

enum { SLOT_COUNT = 1 << 16, KEY_SIZE = 6, ENTRY_MAX = 8192 };

// Pages and buckets in memory: open addressing, `used` slots stay used.
typedef struct {
    struct {
        uint8_t key[ASSAY_TREE_KEY_MAX];
        size_t key_size;
        uint8_t *data;
        size_t size;
    } slots[SLOT_COUNT];
    size_t live_count;
} memory;

static size_t slot_find(const memory *map, const uint8_t *key, size_t key_size) {
    size_t at = 14695981039346656037u;
    for (size_t i = 0; i < key_size; i++)
        at = (at ^ key[i]) * 1099511628211u;
    for (at ^= at >> 29;; at++) {
        size_t slot = at % SLOT_COUNT;
        if (map->slots[slot].key_size == 0) return slot;
        if (map->slots[slot].key_size == key_size &&
            memcmp(map->slots[slot].key, key, key_size) == 0)
            return slot;
    }
}

static assay_status memory_read(void *context, const uint8_t *key, size_t key_size,
                                assay_bytes *value, assay_error *err) {
    memory *map = context;
    size_t slot = slot_find(map, key, key_size);
    *value = (assay_bytes){map->slots[slot].data, map->slots[slot].size};
    return ASSAY_OK;
}

static void memory_write(memory *map, const assay_tree_write *list) {
    for (; list; list = list->next) {
        size_t slot = slot_find(map, list->key, list->key_size);
        memcpy(map->slots[slot].key, list->key, list->key_size);
        map->slots[slot].key_size = list->key_size;
        if (map->slots[slot].data) map->live_count--;
        free(map->slots[slot].data);
        map->slots[slot].data = NULL;
        map->slots[slot].size = 0;
        if (list->size == 0) continue;
        map->slots[slot].data = malloc(list->size);
        assert_non_null(map->slots[slot].data);
        memcpy(map->slots[slot].data, list->data, list->size);
        map->slots[slot].size = list->size;
        map->live_count++;
    }
}

static void memory_free(memory *map) {
    for (size_t i = 0; i < SLOT_COUNT; i++)
        free(map->slots[i].data);
    free(map);
}

// The contents, by key number; value 0 is absent.
typedef struct {
    uint8_t keys[ENTRY_MAX][KEY_SIZE];
    uint32_t values[ENTRY_MAX];
    size_t count;
} contents;

static uint64_t random_state;
static uint32_t random_below(uint32_t bound) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((random_state >> 33) % bound);
}

static void leaf_make(assay_tree_leaf *leaf, const uint8_t *key, uint32_t value) {
    assay_hash value_hash;
    *leaf = (assay_tree_leaf){.key = key, .key_size = KEY_SIZE, .removed = value == 0};
    assay_sha256_of(&leaf->path, key, KEY_SIZE);
    assay_sha256_of(&value_hash, &value, sizeof value);
    assay_smt_leaf(&leaf->leaf, &leaf->path, &value_hash);
}

static void contents_root(assay_hash *out, const contents *all) {
    plain_leaf *leaves = calloc(all->count, sizeof *leaves);
    const plain_leaf **list = calloc(all->count, sizeof *list);
    assert_true(leaves && list);
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++) {
        if (all->values[i] == 0) continue;
        plain_leaf_make(&leaves[count], all->keys[i], KEY_SIZE, &all->values[i], 4);
        list[count] = &leaves[count];
        count++;
    }
    plain_root(out, list, count, 0);
    free(list);
    free(leaves);
}

typedef struct {
    memory *map;
    assay_tree_update update;
    assay_hash root;
} tree;

static void tree_open(tree *t, size_t worker_count) {
    *t = (tree){.map = calloc(1, sizeof(memory))};
    assert_non_null(t->map);
    assay_tree_update_init(&t->update, worker_count, 64 << 20);
    for (size_t i = 0; i < worker_count; i++)
        t->update.workers[i].source = (assay_tree_source){memory_read, t->map};
}

static void tree_close(tree *t) {
    assay_tree_update_close(&t->update);
    memory_free(t->map);
}

// Sets the keys numbered in `which` to the values they have in `all`.
static void tree_change(tree *t, assay_pool *pool, const contents *all, const uint32_t *which,
                        size_t count) {
    assay_tree_leaf *changes = calloc(count + 1, sizeof *changes);
    assert_non_null(changes);
    for (size_t i = 0; i < count; i++)
        leaf_make(&changes[i], all->keys[which[i]], all->values[which[i]]);
    assay_error err = {0};
    assay_hash root;
    assay_status status =
        assay_tree_update_run(&t->update, pool, &t->root, changes, count, &root, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(status, ASSAY_OK);
    t->root = root;
    for (size_t i = 0; i < t->update.worker_count; i++) {
        memory_write(t->map, t->update.workers[i].buckets);
        memory_write(t->map, t->update.workers[i].pages);
    }
    free(changes);
}

static void tree_verify(tree *t, const contents *all) {
    assay_tree_leaf *leaves = calloc(all->count, sizeof *leaves);
    assert_non_null(leaves);
    size_t count = 0;
    for (size_t i = 0; i < all->count; i++)
        if (all->values[i]) leaf_make(&leaves[count++], all->keys[i], all->values[i]);
    assay_tree_source source = {memory_read, t->map};
    assay_error err = {0};
    assay_tree_check(&source, &t->root, leaves, count, &err);
    assert_string_equal(err.text, "");
    free(leaves);
}

static void contents_random(contents *all, size_t count, uint64_t seed) {
    memset(all, 0, sizeof *all);
    random_state = seed;
    all->count = count;
    for (size_t i = 0; i < count; i++) {
        assay_store_be32(all->keys[i], (uint32_t)i);
        all->keys[i][4] = (uint8_t)seed;
    }
}

// Some keys that agree in their first 18 path bits, so that pages stand below pages (P-82).
static void contents_crowd(contents *all, size_t first) {
    enum { CROWD = 30 };
    static uint8_t keys[CROWD][KEY_SIZE];
    static size_t found;
    for (uint32_t i = 0; found < CROWD; i++) {
        assay_hash path;
        assay_store_be32(keys[found], i);
        keys[found][4] = 0xee;
        assay_sha256_of(&path, keys[found], KEY_SIZE);
        if (path.bytes[0] == 0x5a && path.bytes[1] == 0xa5 && path.bytes[2] < 0x40) found++;
    }
    memcpy(all->keys[first], keys, sizeof keys);
}

static void random_changes(uint64_t seed, assay_pool *pool, size_t worker_count) {
    contents *all = malloc(sizeof *all);
    uint32_t *which = malloc(ENTRY_MAX * sizeof *which);
    assert_true(all && which);
    contents_random(all, 6000, seed);
    contents_crowd(all, 5900);
    tree t;
    tree_open(&t, worker_count);
    for (int round = 0; round < 24; round++) {
        // Rounds of filling, of mixing, and of emptying: buckets split and merge both ways.
        uint32_t keep = round < 8 ? 90 : round < 16 ? 50 : 8;
        uint32_t batch = round % 3 == 0 ? 1 + random_below(20) : 1 + random_below(4000);
        size_t count = 0;
        for (uint32_t i = 0; i < all->count; i++) {
            if (random_below((uint32_t)all->count) >= batch && i < 5900) continue;
            all->values[i] = random_below(100) < keep ? 1 + random_below(1000) : 0;
            which[count++] = i;
        }
        tree_change(&t, pool, all, which, count);
        assay_hash expected;
        contents_root(&expected, all);
        assert_memory_equal(&t.root, &expected, sizeof expected);
        if (round % 6 == 5) tree_verify(&t, all);
    }
    tree_close(&t);
    free(which);
    free(all);
}

static void like_the_plain_rules(void **state) { // P-81, P-82
    random_changes(1, NULL, 1);
    random_changes(2, NULL, 1);
}

static void like_the_plain_rules_on_a_pool(void **state) { // P-82
    assay_pool *pool;
    assert_int_equal(assay_pool_open(&pool, 3, NULL), ASSAY_OK);
    random_changes(1, pool, 5);
    random_changes(3, pool, 16);
    assay_pool_close(pool);
}

static bool memory_equal(const memory *a, const memory *b) {
    if (a->live_count != b->live_count) return false;
    for (size_t i = 0; i < SLOT_COUNT; i++) {
        if (!a->slots[i].data) continue;
        size_t slot = slot_find(b, a->slots[i].key, a->slots[i].key_size);
        if (b->slots[slot].size != a->slots[i].size ||
            memcmp(b->slots[slot].data, a->slots[i].data, a->slots[i].size) != 0)
            return false;
    }
    return true;
}

// The same contents, by one batch and by a history of detours, are the same bytes. P-81
static void order_does_not_matter(void **state) {
    contents *all = malloc(sizeof *all), *detour = malloc(sizeof *detour);
    uint32_t *which = malloc(ENTRY_MAX * sizeof *which);
    assert_true(all && detour && which);
    contents_random(all, 4000, 7);
    contents_crowd(all, 3900);
    for (uint32_t i = 0; i < all->count; i++) {
        all->values[i] = random_below(3) ? 1 + i : 0;
        which[i] = i;
    }
    tree direct, around;
    tree_open(&direct, 1);
    tree_open(&around, 1);
    tree_change(&direct, NULL, all, which, all->count);
    *detour = *all;
    for (uint32_t i = 0; i < all->count; i++)
        detour->values[i] = random_below(2) ? 77 : 0;
    tree_change(&around, NULL, detour, which, all->count / 2);
    tree_change(&around, NULL, detour, which + all->count / 3, all->count / 3);
    for (size_t i = all->count; i > 0;) {
        size_t part = i < 500 ? i : 500;
        i -= part;
        tree_change(&around, NULL, all, which + i, part);
    }
    assert_memory_equal(&direct.root, &around.root, sizeof direct.root);
    assert_true(memory_equal(direct.map, around.map));
    tree_close(&direct);
    tree_close(&around);
    free(which);
    free(detour);
    free(all);
}

static void empties_completely(void **state) { // P-82
    contents *all = malloc(sizeof *all);
    uint32_t *which = malloc(ENTRY_MAX * sizeof *which);
    assert_true(all && which);
    contents_random(all, 5000, 9);
    contents_crowd(all, 100);
    for (uint32_t i = 0; i < all->count; i++) {
        all->values[i] = 1;
        which[i] = i;
    }
    tree t;
    tree_open(&t, 1);
    tree_change(&t, NULL, all, which, all->count);
    assert_true(t.map->live_count > 256);
    memset(all->values, 0, sizeof all->values);
    tree_change(&t, NULL, all, which, all->count);
    assert_true(assay_hash_is_zero(&t.root));
    assert_int_equal(t.map->live_count, 1); // the empty top page
    tree_close(&t);
    free(which);
    free(all);
}

// Every key, present or not, has a proof that the offline check takes, and no other. P-83
static void proofs_hold(void **state) {
    contents *all = malloc(sizeof *all);
    uint32_t *which = malloc(ENTRY_MAX * sizeof *which);
    assay_smt_proof *proof = malloc(sizeof *proof);
    assert_true(all && which && proof);
    contents_random(all, 4000, 11);
    contents_crowd(all, 3900);
    for (uint32_t i = 0; i < all->count; i++) {
        all->values[i] = random_below(2) ? 1 + i : 0;
        which[i] = i;
    }
    tree t;
    tree_open(&t, 1);
    tree_change(&t, NULL, all, which, all->count);
    assay_tree_source source = {memory_read, t.map};
    uint32_t kinds[3] = {0, 0, 0};
    for (uint32_t i = 0; i < all->count; i++) {
        assay_hash path;
        assay_bytes stranger;
        assay_sha256_of(&path, all->keys[i], KEY_SIZE);
        assert_int_equal(assay_tree_prove(&source, &t.root, &path, proof, &stranger, NULL),
                         ASSAY_OK);
        kinds[proof->kind]++;
        assert_int_equal(proof->kind == ASSAY_SMT_PRESENT, all->values[i] != 0);
        if (proof->kind == ASSAY_SMT_STRANGER) {
            uint32_t other = 0;
            while (memcmp(all->keys[other], stranger.data, KEY_SIZE) != 0)
                other++;
            assay_sha256_of(&proof->stranger_value, &all->values[other], 4);
        }
        const void *value = all->values[i] ? &all->values[i] : NULL;
        assert_int_equal(assay_smt_check(&t.root, all->keys[i], KEY_SIZE, value, 4, proof, NULL),
                         ASSAY_OK);
        uint32_t wrong = all->values[i] + 1;
        assert_int_equal(assay_smt_check(&t.root, all->keys[i], KEY_SIZE, &wrong, 4, proof, NULL),
                         ASSAY_MISMATCH);
    }
    assert_true(kinds[ASSAY_SMT_PRESENT] > 100 && kinds[ASSAY_SMT_EMPTY] > 100 &&
                kinds[ASSAY_SMT_STRANGER] > 100);
    tree_close(&t);
    free(proof);
    free(which);
    free(all);
}

// A flipped bit anywhere in a stored page or bucket is told, by the check at the latest.
static void damage_is_told(void **state) {
    contents *all = malloc(sizeof *all);
    uint32_t *which = malloc(ENTRY_MAX * sizeof *which);
    assay_tree_leaf *leaves = calloc(ENTRY_MAX, sizeof *leaves);
    assert_true(all && which && leaves);
    contents_random(all, 4500, 13);
    for (uint32_t i = 0; i < all->count; i++) {
        all->values[i] = 1 + i;
        which[i] = i;
    }
    tree t;
    tree_open(&t, 1);
    tree_change(&t, NULL, all, which, all->count);
    assay_tree_source source = {memory_read, t.map};
    for (int trial = 0; trial < 30; trial++) {
        size_t slot = random_below(SLOT_COUNT);
        while (!t.map->slots[slot].data)
            slot = (slot + 1) % SLOT_COUNT;
        uint8_t *byte = &t.map->slots[slot].data[random_below((uint32_t)t.map->slots[slot].size)];
        uint8_t flip = (uint8_t)(1 << random_below(8));
        *byte ^= flip;
        for (uint32_t i = 0; i < all->count; i++)
            leaf_make(&leaves[i], all->keys[i], all->values[i]);
        assay_error err = {0};
        assert_int_equal(assay_tree_check(&source, &t.root, leaves, all->count, &err),
                         ASSAY_CORRUPT);
        assay_hash root; // an update over it may pass or not, but comes back
        for (uint32_t i = 0; i < all->count; i++)
            leaf_make(&leaves[i], all->keys[i], 5);
        assay_status status =
            assay_tree_update_run(&t.update, NULL, &t.root, leaves, all->count, &root, NULL);
        assert_true(status == ASSAY_OK || status == ASSAY_CORRUPT);
        *byte ^= flip;
    }
    tree_verify(&t, all);
    tree_close(&t);
    free(leaves);
    free(which);
    free(all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(like_the_plain_rules),  cmocka_unit_test(like_the_plain_rules_on_a_pool),
        cmocka_unit_test(order_does_not_matter), cmocka_unit_test(empties_completely),
        cmocka_unit_test(proofs_hold),           cmocka_unit_test(damage_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
