// SPDX-License-Identifier: Apache-2.0
// E-90: what a node that waits for room removes, and what it leaves to a node that runs.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "ledger/state/store.h"
#include "node/home/room.h"
#include "tests/folder.h"
#include "tests/test.h"

static const char *const rests[] = {"state.restoring", "snapshots/12.part", "snapshots/9.part"};
static const char *const others[] = {"state",           "snapshots/12",       "snapshots/part",
                                     "snapshots/.part", "snapshots/12.parts", "data"};

enum {
    REST_COUNT = sizeof rests / sizeof rests[0],
    OTHER_COUNT = sizeof others / sizeof others[0]
};

static char home[64];

static const char *path_of(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", home, name);
    return path;
}

// A folder of that name, with a file in it.
static void fill(const char *name) {
    char file[300];
    assert_int_equal(assay_folder_make(path_of(name), NULL), ASSAY_OK);
    snprintf(file, sizeof file, "%s/data.mdb.x", path_of(name));
    assert_int_equal(assay_file_replace(file, "x", 1, 0600, NULL), ASSAY_OK);
}

static void home_make(void) {
    snprintf(home, sizeof home, "/tmp/assay_room_XXXXXX");
    test_folder_make(home);
    for (size_t i = 0; i < REST_COUNT; i++)
        fill(rests[i]);
    for (size_t i = 0; i < OTHER_COUNT; i++)
        fill(others[i]);
}

static void there(bool expected) {
    for (size_t i = 0; i < REST_COUNT; i++)
        if ((access(path_of(rests[i]), F_OK) == 0) != expected) fail_msg("%s", rests[i]);
    for (size_t i = 0; i < OTHER_COUNT; i++)
        if (access(path_of(others[i]), F_OK) != 0) fail_msg("%s is gone", others[i]);
}

static void rests_go_unless_a_node_runs(void **state) {
    const assay_hash genesis = {{1}};
    const assay_store_options quick = {.skip_sync = true, .map_size = 1 << 24};
    assay_store *store;
    home_make();
    assay_room_clear(home); // a state that nobody opened: whose these are is not known
    there(true);
    assert_int_not_equal(access(path_of("state/writer.lock"), F_OK), 0);
    assert_int_equal(assay_store_open(&store, path_of("state"), &genesis, &quick, NULL), ASSAY_OK);
    assay_room_clear(home);
    there(true);
    assay_store_close(store);
    assay_room_clear(home);
    there(false);
    // The lock is free again.
    assert_int_equal(assay_store_open(&store, path_of("state"), &genesis, &quick, NULL), ASSAY_OK);
    assay_store_close(store);
}

static void nothing_there_is_nothing_done(void **state) {
    assay_room_clear("/tmp/assay_room_that_is_not_there");
    assert_int_not_equal(access("/tmp/assay_room_that_is_not_there", F_OK), 0);
}

static void the_lock_is_one_holders(void **state) { // P-87
    int first, second;
    home_make();
    assert_int_equal(assay_store_lock(&first, path_of("state"), false, NULL), ASSAY_NOT_FOUND);
    assert_int_equal(assay_store_lock(&first, path_of("state"), true, NULL), ASSAY_OK);
    assert_int_equal(assay_store_lock(&second, path_of("state"), false, NULL), ASSAY_BUSY);
    close(first);
    assert_int_equal(assay_store_lock(&second, path_of("state"), false, NULL), ASSAY_OK);
    close(second);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rests_go_unless_a_node_runs),
        cmocka_unit_test(nothing_there_is_nothing_done),
        cmocka_unit_test(the_lock_is_one_holders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
