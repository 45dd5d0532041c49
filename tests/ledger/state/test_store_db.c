// SPDX-License-Identifier: Apache-2.0
// What a store meets outside: other chains and versions, other processes, damage, a full map, a
// full disk, and death at any moment.

#include "tests/test.h"
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/ledger/store_folder.h"

static assay_status open_status(const char *folder, const assay_hash *genesis,
                                const assay_store_options *options) {
    assay_store *store;
    assay_error err = {0};
    assay_status status = assay_store_open(&store, folder, genesis, options, &err);
    assert_int_equal(err.status, status);
    assert_int_equal(store == NULL, status != ASSAY_OK);
    assay_store_close(store);
    return status;
}

// Block `height` puts its number under 40 of 400 state keys and one aux key, and deletes some.
static assay_status block_put(assay_store *store, uint64_t height) {
    ASSAY_TRY(assay_store_begin(store, NULL));
    for (uint32_t i = 0; i < 40; i++) {
        uint32_t key = (uint32_t)((height * 2654435761u + i * 40503u) % 400);
        if ((height + i) % 7 == 0)
            ASSAY_TRY(assay_store_delete(store, &key, sizeof key, NULL));
        else
            ASSAY_TRY(assay_store_put(store, &key, sizeof key, &height, sizeof height, NULL));
    }
    return assay_store_put(store, "\x80last", 5, &height, sizeof height, NULL);
}

static assay_status block_commit(assay_store *store, uint64_t height) {
    assay_hash root, app = {{0}};
    memcpy(app.bytes, &height, sizeof height);
    ASSAY_TRY(assay_store_root(store, &root, NULL));
    return assay_store_commit(store, height, &app, NULL);
}

static void block_run(assay_store *store, uint64_t height) {
    assert_int_equal(block_put(store, height), ASSAY_OK);
    assert_int_equal(block_commit(store, height), ASSAY_OK);
}

// Height, app hash, entries and tree are those of one and the same block. P-86
static void store_expect(assay_store *store) {
    assay_snapshot *snapshot;
    assay_bytes value;
    assay_error err = {0};
    const assay_store_tip *tip = assay_store_last(store);
    assert_int_equal(assay_snapshot_open(&snapshot, store, NULL), ASSAY_OK);
    assert_int_equal(assay_snapshot_get(snapshot, "\x80last", 5, &value, NULL), ASSAY_OK);
    assert_int_equal(value.data != NULL, tip->committed);
    if (value.data) {
        assert_memory_equal(value.data, &tip->height, sizeof tip->height);
        assert_memory_equal(tip->app_hash.bytes, &tip->height, sizeof tip->height);
    }
    assay_snapshot_check(snapshot, &err);
    assert_string_equal(err.text, "");
    assay_snapshot_close(snapshot);
}

static void tips_equal(const assay_store *a, const assay_store *b) {
    const assay_store_tip *left = assay_store_last(a), *right = assay_store_last(b);
    assert_int_equal(left->committed, right->committed);
    assert_int_equal(left->height, right->height);
    assert_memory_equal(&left->state_root, &right->state_root, sizeof left->state_root);
    assert_memory_equal(&left->app_hash, &right->app_hash, sizeof left->app_hash);
}

static void one_chain_one_writer(void **state) { // P-87
    char folder[FOLDER_MAX];
    assay_hash other = {{0x77}};
    assay_store_options reading = {.read_only = true};
    folder_make(folder);
    assert_int_equal(open_status(folder, &test_genesis, &reading), ASSAY_NOT_FOUND);
    assay_store *store = store_open(folder, NULL);
    assert_int_equal(open_status(folder, &test_genesis, NULL), ASSAY_BUSY);
    block_run(store, 1);
    assay_store_close(store);
    assert_int_equal(open_status(folder, &other, NULL), ASSAY_MISMATCH);
    assert_int_equal(open_status(folder, &other, &reading), ASSAY_MISMATCH);
    store = store_open(folder, &reading);
    store_expect(store);
    assert_int_equal(assay_store_begin(store, NULL), ASSAY_FORBIDDEN);
    assay_store_close(store);
}

// Changes a stored value behind the store's back: byte `at` becomes `byte`, or the value is cut,
// or, cut by more than it has, deleted. key_size 0: the table's last value.
static void value_change(const char *folder, const char *table_name, const void *name,
                         size_t key_size, size_t at, uint8_t byte, size_t cut) {
    static uint8_t data[1 << 16];
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi table;
    MDB_cursor *cursor;
    MDB_val key = {key_size, (void *)name}, value;
    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 3), 0);
    assert_int_equal(mdb_env_open(env, folder, 0, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, table_name, 0, &table), 0);
    assert_int_equal(mdb_cursor_open(txn, table, &cursor), 0);
    assert_int_equal(mdb_cursor_get(cursor, &key, &value, key_size ? MDB_SET_KEY : MDB_LAST), 0);
    assert_true(value.mv_size <= sizeof data && at < value.mv_size);
    memcpy(data, value.mv_data, value.mv_size);
    data[at] = byte;
    if (cut > value.mv_size) {
        assert_int_equal(mdb_cursor_del(cursor, 0), 0);
    } else {
        value = (MDB_val){value.mv_size - cut, data};
        assert_int_equal(mdb_cursor_put(cursor, &key, &value, 0), 0);
    }
    mdb_cursor_close(cursor);
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

static void record_change(const char *folder, size_t at, uint8_t byte, size_t cut) {
    value_change(folder, "store", "store", 5, at, byte, cut);
}

static void newer_and_damaged_stores_are_refused(void **state) { // P-87
    char folder[FOLDER_MAX], path[FOLDER_MAX + 16];
    struct stat file;
    folder_make(folder);
    assay_store *store = store_open(folder, NULL);
    block_run(store, 1);
    assay_store_close(store);
    record_change(folder, 3, ASSAY_STORE_VERSION + 1, 0);
    assert_int_equal(open_status(folder, &test_genesis, NULL), ASSAY_VERSION);
    record_change(folder, 3, ASSAY_STORE_VERSION, 1);
    assert_int_equal(open_status(folder, &test_genesis, NULL), ASSAY_CORRUPT);
    folder_make(folder);
    store = store_open(folder, NULL);
    for (uint64_t height = 1; height < 20; height++)
        block_run(store, height);
    assay_store_usage usage;
    assay_snapshot *snapshot;
    assert_int_equal(assay_snapshot_open(&snapshot, store, NULL), ASSAY_OK);
    assert_int_equal(assay_snapshot_measure(snapshot, &usage, NULL), ASSAY_OK);
    assay_snapshot_close(snapshot);
    assay_store_close(store);
    snprintf(path, sizeof path, "%s/data.mdb", folder);
    assert_int_equal(stat(path, &file), 0);
    assert_true((uint64_t)file.st_size > usage.bytes_used);
    assert_int_equal(truncate(path, (off_t)usage.bytes_used - 4096), 0);
    assert_int_equal(open_status(folder, &test_genesis, NULL), ASSAY_CORRUPT);
    assert_int_equal(truncate(path, 5000), 0);
    assert_int_equal(open_status(folder, &test_genesis, NULL), ASSAY_CORRUPT);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    for (int i = 0; i < 9000; i++)
        fputs("not a store ", out);
    fclose(out);
    assert_int_equal(open_status(folder, &test_genesis, NULL), ASSAY_CORRUPT);
}

// What LMDB stores without a checksum, the roots tell.
static void damaged_values_are_told(void **state) { // P-81, P-83
    static const uint8_t page_key[1] = {1};
    uint32_t key = (uint32_t)(20 * 2654435761u % 400);
    char folder[FOLDER_MAX];
    assay_hash root;
    assay_snapshot *snapshot;
    assay_smt_proof *proof = malloc(sizeof *proof);
    assert_non_null(proof);
    for (int damage = 0; damage < 5; damage++) {
        folder_make(folder);
        assay_store *store = store_open(folder, NULL);
        for (uint64_t height = 1; height <= 20; height++)
            block_run(store, height);
        assay_store_close(store);
        if (damage == 0) value_change(folder, "entries", &key, sizeof key, 3, 0x55, 0);
        if (damage == 1) value_change(folder, "tree", page_key, 1, 20, 0x55, 0);
        if (damage == 2) value_change(folder, "tree", page_key, 1, 0, 0xff, 1);
        if (damage == 3) value_change(folder, "tree", NULL, 0, 10, 0x55, 0);
        if (damage == 4) value_change(folder, "tree", NULL, 0, 0, 0, SIZE_MAX);
        store = store_open(folder, NULL);
        assert_int_equal(assay_snapshot_open(&snapshot, store, NULL), ASSAY_OK);
        assert_int_equal(assay_snapshot_check(snapshot, NULL), ASSAY_CORRUPT);
        assay_status status = assay_snapshot_prove(snapshot, &key, sizeof key, proof, NULL);
        if (damage < 3) assert_int_equal(status, ASSAY_CORRUPT);
        assay_snapshot_close(snapshot);
        assert_int_equal(block_put(store, 21), ASSAY_OK);
        status = assay_store_root(store, &root, NULL);
        if (damage == 1 || damage == 2) assert_int_equal(status, ASSAY_CORRUPT);
        assay_store_close(store);
        assay_folder_remove(folder);
    }
    free(proof);
}

static void folders_that_cannot_be(void **state) {
    char folder[FOLDER_MAX], path[FOLDER_MAX + 16];
    folder_make(folder);
    snprintf(path, sizeof path, "%s/file", folder);
    close(open(path, O_WRONLY | O_CREAT, 0600));
    assert_int_not_equal(open_status(path, &test_genesis, NULL), ASSAY_OK);
    snprintf(path, sizeof path, "%s/sub", folder);
    assert_int_equal(mkdir(path, 0500), 0);
    if (geteuid() != 0) assert_int_equal(open_status(path, &test_genesis, NULL), ASSAY_PERMISSION);
    rmdir(path);
}

static void full_map_loses_nothing(void **state) { // P-86
    char folder[FOLDER_MAX];
    uint8_t value[100000] = {1};
    assay_hash root, app = {{3}};
    assay_store_options options = {.map_size = 1 << 20};
    folder_make(folder);
    assay_store *store = store_open(folder, &options);
    block_run(store, 1);
    assert_int_equal(block_put(store, 2), ASSAY_OK);
    for (uint8_t i = 0; i < 20; i++)
        assert_int_equal(assay_store_put(store, &i, 1, value, sizeof value, NULL), ASSAY_OK);
    assert_int_equal(assay_store_root(store, &root, NULL), ASSAY_OK);
    assay_error err = {0};
    assert_int_equal(assay_store_commit(store, 2, &app, &err), ASSAY_CAPACITY);
    assert_non_null(strstr(err.text, "raise map_gib in config.json"));
    assert_int_equal(assay_store_last(store)->height, 1);
    store_expect(store);
    // The block is still open, and smaller it lands.
    for (uint8_t i = 0; i < 20; i++)
        assert_int_equal(assay_store_delete(store, &i, 1, NULL), ASSAY_OK);
    assert_int_equal(block_commit(store, 2), ASSAY_OK);
    store_expect(store);
    assay_store_close(store);
    options.map_size = 0;
    store = store_open(folder, &options);
    block_run(store, 3);
    store_expect(store);
    assay_store_close(store);
}

static void full_disk_loses_nothing(void **state) { // P-86
    char folder[FOLDER_MAX];
    uint8_t *value = calloc(1, ASSAY_STORE_VALUE_MAX);
    struct rlimit limit, small;
    assay_hash root, app = {{3}};
    assay_error err = {0};
    assert_non_null(value);
    folder_make(folder);
    signal(SIGXFSZ, SIG_IGN);
    assay_store *store = store_open(folder, NULL);
    block_run(store, 1);
    assert_int_equal(block_put(store, 2), ASSAY_OK);
    for (uint8_t i = 0; i < 6; i++)
        assert_int_equal(assay_store_put(store, &i, 1, value, ASSAY_STORE_VALUE_MAX, NULL),
                         ASSAY_OK);
    assert_int_equal(assay_store_root(store, &root, NULL), ASSAY_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = (struct rlimit){8 << 20, limit.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assay_status status = assay_store_commit(store, 2, &app, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assert_int_equal(status, ASSAY_DISK_FULL);
    store_expect(store);
    // Room was made: the same block lands.
    assert_int_equal(block_commit(store, 2), ASSAY_OK);
    store_expect(store);
    assay_store_close(store);
    free(value);
}

static void backups_open(void **state) {
    char folder[FOLDER_MAX], copy[FOLDER_MAX];
    folder_make(folder);
    folder_make(copy);
    assay_store *store = store_open(folder, NULL);
    for (uint64_t height = 1; height < 9; height++)
        block_run(store, height);
    assert_int_equal(block_put(store, 9), ASSAY_OK); // an open block is not in it
    assert_int_equal(assay_store_backup(store, copy, NULL), ASSAY_OK);
    assert_int_equal(assay_store_backup(store, copy, NULL), ASSAY_EXISTS);
    assay_store *other = store_open(copy, NULL);
    tips_equal(other, store);
    store_expect(other);
    block_run(other, 9);
    assay_store_close(other);
    assay_store_close(store);
}

// In a child: blocks for ever, each announced after its commit.
static void child_main(const char *folder, int announce) {
    assay_store *store;
    if (assay_store_open(&store, folder, &test_genesis, NULL, NULL) != ASSAY_OK) _exit(3);
    for (;;) {
        uint64_t height = assay_store_last(store)->height + 1;
        if (block_put(store, height) != ASSAY_OK || block_commit(store, height) != ASSAY_OK)
            _exit(4);
        if (write(announce, &height, sizeof height) != sizeof height) _exit(5);
    }
}

static void killed_at_random_moments(void **state) { // P-86
    char folder[FOLDER_MAX];
    uint64_t announced = 0, height;
    unsigned random = 12345;
    folder_make(folder);
    for (int round = 0; round < 25 || announced < 25; round++) {
        int ends[2], how;
        assert_int_equal(pipe(ends), 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) child_main(folder, ends[1]);
        close(ends[1]);
        random = random * 1103515245 + 12345;
        struct timespec wait = {0, 1000000 + (long)(random >> 8) % 60000000};
        nanosleep(&wait, NULL);
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
        while (read(ends[0], &height, sizeof height) == sizeof height)
            announced = height;
        close(ends[0]);
        assay_store *store = store_open(folder, NULL);
        // What was acknowledged is there; at most the block in hand is there besides.
        assert_in_range(assay_store_last(store)->height, announced, announced + 1);
        store_expect(store);
        announced = assay_store_last(store)->height;
        assay_store_close(store);
    }
    // Its state is that of an undisturbed run.
    char other[FOLDER_MAX];
    assay_store_options options = {.skip_sync = true};
    folder_make(other);
    assay_store *straight = store_open(other, &options), *killed = store_open(folder, NULL);
    for (height = 1; height <= announced; height++)
        block_run(straight, height);
    tips_equal(straight, killed);
    assay_store_close(straight);
    assay_store_close(killed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_chain_one_writer),
        cmocka_unit_test(newer_and_damaged_stores_are_refused),
        cmocka_unit_test(damaged_values_are_told),
        cmocka_unit_test(folders_that_cannot_be),
        cmocka_unit_test(full_map_loses_nothing),
        cmocka_unit_test(full_disk_loses_nothing),
        cmocka_unit_test(backups_open),
        cmocka_unit_test(killed_at_random_moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
