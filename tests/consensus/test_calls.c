// SPDX-License-Identifier: Apache-2.0
// The order of solo's calls of the ledger is ABCI 2.0's, over crashes too (C-11, C-14, C-16). One
// start of the process is one line, "clean" or "recovery" and the calls; ASSAY_ABCI_CALLS names a
// file that gets them, for CometBFT's own checker (tests/oracles/grammar_calls).
#include "tests/consensus/solo_node.h"

#include <fcntl.h>
#include <sys/wait.h>

#include "base/file.h"
#include "tests/folder.h"

enum { STARTS = 3, BLOCKS = 3, LINE_MAX_SIZE = 4096 };

// What the lines of all starts had in them.
typedef struct {
    uint32_t lines, first_inits, late_inits, replays;
} tally;

// One start: two transfers and their block, several times over.
static void blocks_make(chain *c, node *n) {
    for (int block = 0; block < BLOCKS; block++) {
        for (uint32_t actor = 1; actor <= 2; actor++) {
            uint8_t bytes[1024];
            size_t size;
            assay_hash id;
            assay_tx tx = {.kind = ASSAY_TX_TRANSFER,
                           .chain_id = CHAIN_ID,
                           .lane = assay_tx_lane(ASSAY_TX_TRANSFER),
                           .signer = c->actors[actor],
                           .principal = c->actors[actor],
                           .nonce = chain_account(c, &c->actors[actor]).nonces[0],
                           .body.transfer = {c->actors[3], 1000}};
            must(assay_tx_sign(&tx, &c->domain, &c->keys[actor], err));
            must(assay_tx_encode(&tx, bytes, sizeof bytes, &size, err));
            must(n->engine.submit(n->solo, bytes, size, &id, err));
        }
        must(assay_solo_step(n->solo, err));
    }
}

// In a process of its own. Returns: whether it reached the point at which to die.
static bool start_run(chain *c, const char *folder, int out, int die_at) {
    int code;
    pid_t child = fork();
    if (child == 0) {
        recorder r = {.out = out, .die_at = die_at};
        node n;
        node_open(&n, c, folder, &r);
        blocks_make(c, &n);
        node_close(&n);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_true(WIFEXITED(code));
    assert_true(WEXITSTATUS(code) == 0 || WEXITSTATUS(code) == RECORDER_DIED);
    return WEXITSTATUS(code) == RECORDER_DIED;
}

// Takes a call off the line if it is the one named.
static bool call_take(char **line, const char *name) {
    size_t size = strlen(name);
    if (strncmp(*line, name, size) != 0 || ((*line)[size] && (*line)[size] != ' ')) return false;
    *line += size;
    *line += **line == ' ';
    return true;
}

// Any place is an end: the process may have died there.
//   clean: init_chain heights; recovery: [init_chain] heights
//   height: [prepare_proposal] finalize_block commit, and without a proposal only when replayed
static void line_check(char *line, tally *t) {
    char rest[LINE_MAX_SIZE], *at = rest;
    bool clean = call_take(&line, "clean"), proposed = false;
    if (!clean) assert_true(call_take(&line, "recovery"));
    t->lines++;
    // Those two may come anywhere.
    for (char *word = line; *word;) {
        size_t size = strcspn(word, " ");
        if (!call_take(&word, "info") && !call_take(&word, "check_tx")) {
            at += snprintf(at, (size_t)(rest + sizeof rest - at), "%.*s ", (int)size, word);
            word += size;
            word += *word == ' ';
        }
    }
    *at = '\0';
    at = rest;
    if (call_take(&at, "init_chain")) {
        t->first_inits += clean;
        t->late_inits += !clean;
    } else if (clean) {
        assert_string_equal(at, "");
    }
    while (*at) {
        bool proposal = call_take(&at, "prepare_proposal");
        proposed = proposed || proposal;
        if (!*at) break;
        assert_true(call_take(&at, "finalize_block"));
        assert_int_equal(proposal, proposed); // replays come first
        t->replays += !proposal;
        if (!*at) break;
        assert_true(call_take(&at, "commit"));
    }
}

static void file_check(const char *path, tally *t) {
    uint8_t *data;
    size_t size;
    must(assay_file_read(path, 16 << 20, &data, &size, err));
    char *text = calloc(1, size + 1);
    assert_non_null(text);
    memcpy(text, data, size);
    free(data);
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        *end = '\0';
        assert_in_range(end - line, 1, LINE_MAX_SIZE - 2);
        line_check(line, t);
    }
    free(text);
}

// The first start dies at the point, the second at one that depends on it, the third at none.
static bool crash_at(chain *c, int out, int point) {
    char folder[] = ASSAY_BINARY_DIR "/calls-XXXXXX";
    bool died = false;
    test_folder_make(folder);
    for (int start = 0; start < STARTS; start++) {
        const int die_at[STARTS] = {point, 1 + point * 5 % 23, 0};
        assert_true(dprintf(out, start ? "recovery" : "clean") > 0);
        bool dead = start_run(c, folder, out, die_at[start]);
        died = died || (start == 0 && dead);
        assert_int_equal(write(out, "\n", 1), 1);
    }
    assay_folder_remove(folder);
    return died;
}

static void test_calls(void **state) {
    char own[] = ASSAY_BINARY_DIR "/calls-log-XXXXXX";
    const char *path = getenv("ASSAY_ABCI_CALLS");
    tally t = {0};
    chain *c = malloc(sizeof *c);
    int out = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600) : mkstemp(own);
    assert_non_null(c);
    assert_true(out >= 0);
    if (!path) path = own;
    node_chain_init(c);
    int point = 1;
    while (crash_at(c, out, point))
        point++;
    close(out);
    file_check(path, &t);
    print_message("%d points, %u starts, %u replays\n", point - 1, t.lines, t.replays);
    // Three points for each of: info, init_chain, info; two checks, a proposal, a block, a commit.
    assert_int_equal(point - 1, 3 * (3 + BLOCKS * 5));
    assert_int_equal(t.lines, STARTS * point);
    assert_true(t.first_inits > 0 && t.late_inits > 0 && t.replays > 0);
    if (path == own) unlink(own);
    assay_genesis_close(&c->genesis);
    free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
