// SPDX-License-Identifier: Apache-2.0
// E-64: what an operator is told of snapshots that could not be made.
#include "tests/consensus/statesync/stand.h"

#include "node/home/engine.h"

// What the call writes on standard error.
static size_t told(assay_node_engine *engine, char *out, size_t size) {
    FILE *file = tmpfile();
    assert_non_null(file);
    fflush(stderr);
    int saved = dup(STDERR_FILENO);
    assert_true(dup2(fileno(file), STDERR_FILENO) >= 0);
    assay_node_engine_tell(engine);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    rewind(file);
    size_t got = fread(out, 1, size - 1, file);
    out[got] = 0;
    fclose(file);
    return got;
}

static void a_failed_snapshot_is_told_once(void **state) {
    stand *s = stand_new();
    char text[1024];
    stand_maker_open(s, 1, 0, STAND_CHUNK);
    assay_node_engine engine = {0};
    assert_int_equal(told(&engine, text, sizeof text), 0); // one that makes none
    engine.maker = s->maker;
    assert_int_equal(told(&engine, text, sizeof text), 0);
    stand_make(s);
    assert_int_equal(told(&engine, text, sizeof text), 0);
    for (int i = 0; i < 2; i++) {
        trial_step(s->trial);
        assay_folder_remove(stand_path(s, "snapshots"));
        assay_statesync_maker_commit(s->maker, s->trial->chain.height);
        stand_wait(s);
        assert_true(told(&engine, text, sizeof text) > 0);
        assert_non_null(strstr(text, "no snapshot for other nodes was made: cannot measure"));
        assert_int_equal(told(&engine, text, sizeof text), 0);
    }
    must(assay_folder_make(stand_path(s, "snapshots"), err));
    trial_step(s->trial);
    stand_make(s);
    assert_int_equal(told(&engine, text, sizeof text), 0);
    stand_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failed_snapshot_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
