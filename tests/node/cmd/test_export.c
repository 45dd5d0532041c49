// SPDX-License-Identifier: Apache-2.0
// E-31: a validator's key goes into one CometBFT home, once, whenever the export ends.
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/json.h"
#include "node/cmd/commands.h"
#include "node/home/home.h"
#include "tests/consensus/statesync/kill.h"
#include "tests/folder.h"
#include "tests/test.h"

static char folder[] = "/tmp/assay-export-XXXXXX";

static const char *path_of(const char *name) {
    static char paths[4][128];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static bool is_there(const char *name) {
    struct stat info;
    return stat(path_of(name), &info) == 0;
}

// Words are cut at spaces.
static int command(int (*run)(assay_invocation *), const char *line) {
    static const assay_command none = {"export", "", NULL};
    static char words[512];
    char *argv[8], *rest;
    int argc = 0;
    snprintf(words, sizeof words, "%s", line);
    for (char *word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    assay_invocation invocation = {.command = &none, .argc = argc, .argv = argv, .json = true};
    if (!freopen(path_of("out"), "w", stdout)) return -1;
    int code = run(&invocation);
    fflush(NULL);
    return code;
}

// In a process of its own, as the program would. Returns: its exit code.
static int forked(int (*run)(assay_invocation *), const char *line) {
    int code;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) _exit(command(run, line));
    waitpid(child, &code, 0);
    assert_true(WIFEXITED(code));
    return WEXITSTATUS(code);
}

static const char *export_line(const char *name) {
    static char line[512];
    snprintf(line, sizeof line, "--home %s --to-cometbft %s", path_of("home"), path_of(name));
    return line;
}

static int export_into(const char *name) {
    return forked(assay_cmd_export, export_line(name));
}

static void home_make(void) {
    char line[512];
    snprintf(line, sizeof line,
             "--home %s --operator 0x00000000000000000000000000000000000000aa --beacon-length 64",
             path_of("home"));
    assert_int_equal(forked(assay_cmd_init, line), 0);
}

static void config_get(assay_config *config) {
    assay_error err = {0};
    if (assay_home_config_read(config, path_of("home"), &err) != ASSAY_OK) fail_msg("%s", err.text);
}

static void refused(const char *name, const char *part) {
    uint8_t *text;
    size_t size;
    assert_int_equal(export_into(name), ASSAY_EXIT_INPUT);
    assert_int_equal(assay_file_read(path_of("out"), 1 << 16, &text, &size, NULL), ASSAY_OK);
    assert_non_null(memmem(text, size, part, strlen(part)));
    assert_non_null(memmem(text, size, "\"next\"", 6));
    free(text);
}

static void work(void *context) {
    if (command(assay_cmd_export, export_line("comet")) != 0) _exit(1);
}

// Before any change of a file: no key before the engine gave it up, none in a second folder, and
// what was cut short is ended by the same command.
static void killed_at_every_write(void **state) {
    static const char key[] = "comet/config/priv_validator_key.json";
    int point = 1, none = 0, some = 0, whole = 0;
    for (bool killed = true; killed; point++) {
        assay_config config;
        assay_folder_remove(path_of("home"));
        assay_folder_remove(path_of("comet"));
        home_make();
        killed = kill_at(point, work, NULL);
        config_get(&config);
        bool has_key = is_there(key), ended = config.exported[0] != 0;
        none += !has_key;
        some += has_key && !ended;
        whole += ended;
        if (has_key) {
            assert_int_equal(config.engine, ASSAY_ENGINE_ABCI);
            assert_true(is_there("comet/data/priv_validator_state.json"));
            refused("other", ended ? "this home's key is in" : "was begun");
        }
        if (!ended) assert_int_equal(export_into("comet"), 0);
        config_get(&config);
        assert_non_null(strstr(config.exported, "/comet"));
        assert_string_equal(config.export_begun, "");
        refused("comet", "this home's key is in");
        refused("other", "this home's key is in");
        assert_false(is_there("other"));
        assert_true(is_there(key) && is_there("comet/config/genesis.json") &&
                    is_there("comet/data/priv_validator_state.json"));
    }
    assert_true(none > 5 && some > 2 && whole > 0);
}

// What gives nobody's key away may be written as often as anybody likes.
static void without_a_key(void **state) {
    assay_folder_remove(path_of("home"));
    home_make();
    assert_int_equal(unlink(path_of("home/operator.json")), 0);
    assert_int_equal(export_into("one"), 0);
    assert_int_equal(export_into("one"), 0);
    assert_int_equal(export_into("two"), 0);
    assert_false(is_there("one/config/priv_validator_key.json"));
}

static int folder_open(void **unused) {
    test_folder_make(folder);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_at_every_write),
        cmocka_unit_test(without_a_key),
    };
    return cmocka_run_group_tests(tests, folder_open, NULL);
}
