// SPDX-License-Identifier: Apache-2.0
// C-10 to C-16 and the invariants S1 to S5 of consensus/solo.c, over a fake application.
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "consensus/mempool.h"
#include "tests/consensus/fake.h"

// The engine's clock, moved by the test.
static int64_t clock_shift;

int clock_gettime(clockid_t which, struct timespec *out) {
    int result = (int)syscall(SYS_clock_gettime, which, out);
    if (which == CLOCK_REALTIME) out->tv_sec += clock_shift;
    return result;
}

static uint64_t log_count(const stand *s) {
    assay_blocklog *log;
    if (assay_blocklog_open(&log, folder_path(s->folder, "blocks"), false, 0, NULL) != ASSAY_OK)
        return 0;
    uint64_t count = assay_blocklog_count(log);
    assay_blocklog_close(log);
    return count;
}

static assay_hash id_of(const char *text) {
    assay_hash id;
    assay_sha256_of(&id, text, strlen(text));
    return id;
}

// Replays the log into a fresh application. Returns: the application hash it comes to.
static assay_hash undisturbed(const stand *s) {
    stand fresh = {0};
    folder_make(fresh.folder);
    assert_int_equal(mkdir(folder_path(fresh.folder, "blocks"), 0700), 0);
    if (access(folder_path(s->folder, "blocks/blocks.log"), F_OK) == 0)
        file_copy(folder_path(s->folder, "blocks/blocks.log"),
                  folder_path(fresh.folder, "blocks/blocks.log"), SIZE_MAX);
    stand_open(&fresh);
    assay_hash app_hash = fresh.app.committed.app_hash;
    stand_close(&fresh);
    return app_hash;
}

// ---- crash points ----

static const char *const script[] = {"+a", "-b", "+c", "+d", "-e"};
enum { SCRIPT_SIZE = sizeof script / sizeof script[0] };

// The child: works through the script and writes down which transactions it was told are committed.
static void script_run(stand *s, int acknowledged) {
    assay_error err = {0};
    if (stand_try(s, &err) != ASSAY_OK) _exit(1);
    for (int i = 0; i < SCRIPT_SIZE; i++) {
        assay_hash id;
        assay_tx_fate fate;
        if (s->engine.submit(s->solo, script[i], 2, &id, &err) != ASSAY_OK) _exit(2);
        if (i % 2 == 0 && assay_solo_step(s->solo, &err) != ASSAY_OK) _exit(3);
        for (int j = 0; j <= i; j++) {
            id = id_of(script[j]);
            if (s->engine.find(s->solo, &id, 0, &fate, &err) != ASSAY_OK) _exit(4);
            char mark = (char)j;
            if (fate.state == ASSAY_TX_COMMITTED && write(acknowledged, &mark, 1) != 1) _exit(5);
        }
    }
    _exit(0);
}

// Opens what the crash left: nothing acknowledged is missing, and the chain goes on.
static void crash_check(stand *s, const bool *acknowledged) {
    fake found = {0};
    fake_load(&found, folder_path(s->folder, "state"));
    uint64_t logged = log_count(s);
    assert_in_range(logged - found.committed.height, 0, 1); // S1, S2
    stand_open(s);
    assert_int_equal(s->engine.height(s->solo), logged);
    assert_int_equal(s->app.committed.height, logged);
    for (int i = 0; i < SCRIPT_SIZE; i++) {
        assay_hash id = id_of(script[i]);
        assay_tx_fate fate = stand_fate(s, &id, 100);
        if (acknowledged[i]) assert_int_equal(fate.state, ASSAY_TX_COMMITTED);
        if (fate.state == ASSAY_TX_COMMITTED)
            assert_int_equal(fate.result.code, script[i][0] == '+' ? 0 : FAKE_REJECT);
    }
    stand_submit(s, "+after");
    must(assay_solo_step(s->solo, err));
    assert_int_equal(s->engine.height(s->solo), logged + 1);
    assay_hash app_hash = s->app.committed.app_hash;
    stand_close(s);
    assay_hash again = undisturbed(s);
    assert_memory_equal(&again, &app_hash, sizeof app_hash);
}

static bool crash_at(int point) {
    stand s = {0};
    int pipes[2], code;
    bool acknowledged[SCRIPT_SIZE] = {false};
    folder_make(s.folder);
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        s.app.die_at = point;
        script_run(&s, pipes[1]);
    }
    close(pipes[1]);
    char mark;
    while (read(pipes[0], &mark, 1) == 1)
        acknowledged[(int)mark] = true;
    close(pipes[0]);
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_true(WIFEXITED(code) && (WEXITSTATUS(code) == 9 || WEXITSTATUS(code) == 0));
    if (WEXITSTATUS(code) == 0) assert_true(acknowledged[0] && acknowledged[SCRIPT_SIZE - 1]);
    crash_check(&s, acknowledged);
    return WEXITSTATUS(code) == 9;
}

// S1, S2, C-11: the process ends before and after each thing the engine asks of the application, so
// before and after height 0 is applied and each of its own writes too.
static void test_crash_points(void **state) {
    int point = 1;
    while (crash_at(point))
        point++;
    assert_in_range(point, 25, 200);
}

// ---- replay ----

static bool before_block_3(void *self, uint64_t height, uint64_t count) {
    assert_int_equal(count, 4);
    return height < 3;
}

// A replay that is asked to end keeps what it has done, and the next opening does the rest.
static void test_replay_can_be_ended(void **state) {
    stand s = {0};
    assay_error why = {0};
    folder_make(s.folder);
    stand_open(&s);
    for (int i = 0; i < 4; i++) {
        stand_submit(&s, script[i]);
        must(assay_solo_step(s.solo, err));
    }
    assay_hash app_hash = s.app.committed.app_hash;
    stand_close(&s);
    assert_int_equal(unlink(folder_path(s.folder, "state")), 0);
    s.replayed = before_block_3;
    assert_int_equal(stand_try(&s, &why), ASSAY_STOPPED);
    assert_string_equal(why.text, "asked to end before block 3 of 4");
    assert_int_equal(s.app.committed.height, 2);
    stand_close(&s);
    stand_open(&s);
    assert_memory_equal(&s.app.committed.app_hash, &app_hash, sizeof app_hash);
    stand_close(&s);
    assay_folder_remove(s.folder);
}

// ---- failures ----

// S1, C-14: a block once logged is committed before any other is made.
static void test_commit_fails(void **state) {
    stand s = {0};
    assay_error why = {0};
    folder_make(s.folder);
    stand_open(&s);
    assay_hash a = stand_submit(&s, "+a");
    s.app.fail_commits = 2;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(assay_solo_step(s.solo, &why), ASSAY_DISK_FULL);
        assert_string_equal(why.text, "no room for the state");
        assert_int_equal(s.engine.height(s.solo), 0);
        assert_int_equal(stand_fate(&s, &a, 10).state, ASSAY_TX_PENDING);
        assert_int_equal(log_count(&s), 1);
    }
    assay_hash b = stand_submit(&s, "+b");
    must(assay_solo_step(s.solo, err));
    assert_int_equal(log_count(&s), 1);
    assert_int_equal(stand_fate(&s, &a, 10).height, 1);
    assert_int_equal(stand_fate(&s, &b, 10).state, ASSAY_TX_PENDING);
    must(assay_solo_step(s.solo, err));
    assert_int_equal(stand_fate(&s, &b, 10).height, 2);
    s.app.fail_commits = 1;
    assert_int_equal(assay_solo_step(s.solo, NULL), ASSAY_DISK_FULL);
    stand_close(&s); // gives up in between
    stand_open(&s);
    assert_int_equal(s.engine.height(s.solo), 3);
    stand_close(&s);
}

// A log that cannot grow: nothing is counted, and the block is made anew when there is room.
static void test_full_disk(void **state) {
    stand s = {0};
    struct rlimit old, limit;
    assay_error why = {0};
    folder_make(s.folder);
    stand_open(&s);
    must(assay_solo_step(s.solo, err));
    assay_hash a = stand_submit(&s, "+a");
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    limit =
        (struct rlimit){file_size(folder_path(s.folder, "blocks/blocks.log")) + 100, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    assay_status status = assay_solo_step(s.solo, &why);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(status, ASSAY_DISK_FULL);
    assert_int_equal(s.engine.height(s.solo), 1);
    assert_int_equal(stand_fate(&s, &a, 10).state, ASSAY_TX_PENDING);
    must(assay_solo_step(s.solo, err));
    assert_int_equal(stand_fate(&s, &a, 10).height, 2);
    stand_close(&s);
    stand_open(&s);
    assert_int_equal(s.engine.height(s.solo), 2);
    stand_close(&s);
}

static void expect_open(stand *s, assay_status status, const char *sentence) {
    assay_error why = {0};
    assert_int_equal(stand_try(s, &why), status);
    assert_string_equal(why.text, sentence);
    assert_null(s->solo);
}

// S3, C-16: another state, other results, a state ahead of the log, a log of another validator.
static void test_divergence(void **state) {
    stand s = {0};
    folder_make(s.folder);
    stand_open(&s);
    for (int i = 0; i < 3; i++) {
        stand_submit(&s, script[i]);
        must(assay_solo_step(s.solo, err));
    }
    stand_close(&s);
    char kept[FOLDER_PATH_MAX], path[FOLDER_PATH_MAX];
    snprintf(kept, sizeof kept, "%s/kept", s.folder);
    snprintf(path, sizeof path, "%s/state", s.folder);
    file_copy(path, kept, SIZE_MAX);

    assert_int_equal(unlink(path), 0);
    s.app.refuse_all = true;
    expect_open(&s, ASSAY_CORRUPT, "replaying block 1 comes to other results");
    stand_close(&s);

    fake_state other = {true, 2, {{1, 2, 3}}};
    must(assay_file_replace(path, &other, sizeof other, 0600, err));
    expect_open(&s, ASSAY_CORRUPT, "state of height 2 is not the block log's");
    stand_close(&s);

    other.height = 4;
    must(assay_file_replace(path, &other, sizeof other, 0600, err));
    expect_open(&s, ASSAY_CORRUPT, "block log has 3 whole records of at least 4: it ends there");
    stand_close(&s);

    file_copy(kept, path, SIZE_MAX);
    stand_open(&s);
    s.app.salt = 5; // from now on another application
    stand_submit(&s, "+d");
    s.app.fail_commits = 1;
    assert_int_equal(assay_solo_step(s.solo, NULL), ASSAY_DISK_FULL);
    stand_close(&s);
    expect_open(&s, ASSAY_CORRUPT, "replaying block 4 comes to another state");
    stand_close(&s);
}

// C-18: blocks that do not follow, though whole and in the log.
static void test_foreign_log(void **state) {
    stand a = {0}, b = {0};
    assay_error why = {0};
    folder_make(a.folder);
    folder_make(b.folder);
    stand_open(&a);
    stand_open(&b);
    must(assay_solo_step(a.solo, err));
    clock_shift = 1000;
    must(assay_solo_step(b.solo, err));
    clock_shift = 0;
    must(assay_solo_step(b.solo, err));
    stand_close(&a);
    stand_close(&b);
    // a's state and first block, b's second.
    uint8_t *data;
    size_t size;
    assay_blocklog *from, *to;
    must(assay_blocklog_open(&from, folder_path(b.folder, "blocks"), false, 0, err));
    must(assay_blocklog_open(&to, folder_path(a.folder, "blocks"), true, 0, err));
    must(assay_blocklog_read(from, 1, &data, &size, err));
    must(assay_blocklog_append(to, data, size, err));
    free(data);
    assay_blocklog_close(from);
    assay_blocklog_close(to);
    assert_int_equal(stand_try(&a, &why), ASSAY_MISMATCH);
    assert_non_null(strstr(why.text, "last_block"));
    stand_close(&a);
}

// C-11: the genesis is applied once, and its hash is the first header's.
static void test_first_start(void **state) {
    stand s = {.app = {.salt = 3}};
    assay_arena arena = {0};
    assay_block block;
    uint8_t *data;
    folder_make(s.folder);
    stand_open(&s);
    assert_int_equal(s.app.inits, 1);
    assert_int_equal(s.engine.height(s.solo), 0);
    assay_hash genesis = s.app.committed.app_hash;
    stand_close(&s);
    stand_open(&s);
    assert_int_equal(s.app.inits, 0);
    must(assay_solo_step(s.solo, err));
    assay_arena_init(&arena, 1 << 20);
    must(s.engine.block(s.solo, 1, &block, &arena, &data, err));
    assert_memory_equal(&block.header.app_hash, &genesis, sizeof genesis);
    free(data);
    assert_int_equal(s.engine.block(s.solo, 0, &block, &arena, &data, NULL), ASSAY_NOT_FOUND);
    assert_int_equal(s.engine.block(s.solo, 2, &block, &arena, &data, NULL), ASSAY_NOT_FOUND);
    assay_arena_close(&arena);
    stand_close(&s);
}

// S4: the clock goes back by an hour, to 1970, and by a restart's length.
static void test_clock_back(void **state) {
    stand s = {0};
    folder_make(s.folder);
    stand_open(&s);
    static const int64_t shifts[] = {0, -3600, -3600, -2000000000, 0, -5, 86400, 0};
    assay_time last = {1700000000, 0};
    for (size_t i = 0; i < sizeof shifts / sizeof shifts[0]; i++) {
        assay_arena arena = {0};
        assay_block block;
        uint8_t *data;
        clock_shift = shifts[i];
        if (i == 3) {
            stand_close(&s);
            stand_open(&s);
        }
        must(assay_solo_step(s.solo, err));
        assay_arena_init(&arena, 1 << 20);
        must(s.engine.block(s.solo, i + 1, &block, &arena, &data, err));
        const assay_time *time = &block.header.time;
        assert_true(time->seconds > last.seconds ||
                    (time->seconds == last.seconds && time->nanos > last.nanos));
        last = *time;
        free(data);
        assay_arena_close(&arena);
    }
    clock_shift = 0;
    stand_close(&s);
    stand_open(&s);
    stand_close(&s);
}

// ---- what is asked ----

// S5, C-12: unknown, pending, committed; with the sentence while it is remembered, and found in the
// log after that.
static void test_fates(void **state) {
    stand s = {0};
    folder_make(s.folder);
    stand_open(&s);
    assay_hash a = id_of("+a"), b = id_of("-b");
    assert_int_equal(stand_fate(&s, &a, 10).state, ASSAY_TX_UNKNOWN);
    stand_submit(&s, "+a");
    stand_submit(&s, "-b");
    assert_int_equal(stand_fate(&s, &a, 10).state, ASSAY_TX_PENDING);
    must(assay_solo_step(s.solo, err));
    assay_tx_fate fate = stand_fate(&s, &a, 0);
    assert_int_equal(fate.state, ASSAY_TX_COMMITTED);
    assert_int_equal(fate.height, 1);
    assert_int_equal(fate.index, 0);
    assert_int_equal(fate.result.code, 0);
    assert_int_equal(fate.result.data[0], 'a');
    assert_string_equal(fate.text, "");
    fate = stand_fate(&s, &b, 0);
    assert_int_equal(fate.index, 1);
    assert_int_equal(fate.result.code, FAKE_REJECT);
    assert_string_equal(fate.text, "refused at height 1");
    must(assay_solo_step(s.solo, err));
    stand_close(&s);

    stand_open(&s); // the recent ones are known again, without sentences
    fate = stand_fate(&s, &b, 0);
    assert_int_equal(fate.height, 1);
    assert_int_equal(fate.result.code, FAKE_REJECT);
    assert_string_equal(fate.text, "");
    stand_close(&s);
}

// C-12: what is older than memory is looked for in so many blocks of the log.
static void test_fates_in_log(void **state) {
    stand s = {0};
    folder_make(s.folder);
    stand_open(&s);
    assay_hash first = stand_submit(&s, "+first");
    must(assay_solo_step(s.solo, err));
    for (int block = 0; block < 2; block++) {
        for (int i = 0; i < ASSAY_FATES_MAX / 2; i++) {
            char text[32];
            snprintf(text, sizeof text, "+%d,%d", block, i);
            stand_submit(&s, text);
        }
        must(assay_solo_step(s.solo, err));
    }
    assert_int_equal(stand_fate(&s, &first, 0).state, ASSAY_TX_UNKNOWN);
    assert_int_equal(stand_fate(&s, &first, 2).state, ASSAY_TX_UNKNOWN);
    assay_tx_fate fate = stand_fate(&s, &first, 3);
    assert_int_equal(fate.state, ASSAY_TX_COMMITTED);
    assert_int_equal(fate.height, 1);
    stand_close(&s);
}

// C-12: a refused one does not wait; one that waits is not checked again; one not proposed waits
// on.
static void test_submit(void **state) {
    stand s = {0};
    assay_error why = {0};
    assay_hash id;
    folder_make(s.folder);
    stand_open(&s);
    assert_int_equal(s.engine.submit(s.solo, "!", 1, &id, &why), ASSAY_REJECTED);
    assert_int_equal(why.reject, FAKE_REJECT);
    assert_int_equal(stand_fate(&s, &id, 0).state, ASSAY_TX_UNKNOWN);
    assay_hash a = stand_submit(&s, "+a"), later = stand_submit(&s, "?later");
    int checks = s.app.checks;
    stand_submit(&s, "+a");
    assert_int_equal(s.app.checks, checks);
    assert_int_equal(s.engine.waiting(s.solo), 2);
    must(assay_solo_step(s.solo, err));
    assert_int_equal(stand_fate(&s, &a, 0).height, 1);
    assert_int_equal(stand_fate(&s, &later, 0).state, ASSAY_TX_PENDING);
    assert_int_equal(s.engine.waiting(s.solo), 1);
    stand_close(&s);
}

// C-13: the proposer's own transaction stands first.
static void test_first(void **state) {
    stand s = {0};
    folder_make(s.folder);
    stand_open(&s);
    assay_hash a = stand_submit(&s, "+a"), own = id_of("+own");
    s.app.first = "+own";
    must(assay_solo_step(s.solo, err));
    assert_int_equal(stand_fate(&s, &own, 0).index, 0);
    assert_int_equal(stand_fate(&s, &a, 0).index, 1);
    stand_close(&s);
}

// C-12: with no room left the application is not even asked.
static void test_mempool_full(void **state) {
    stand s = {0};
    assay_error why = {0};
    assay_hash id;
    folder_make(s.folder);
    stand_open(&s);
    for (int i = 0; i < ASSAY_MEMPOOL_COUNT_MAX; i++) {
        char text[32];
        snprintf(text, sizeof text, "+%d", i);
        stand_submit(&s, text);
    }
    int checks = s.app.checks;
    assert_int_equal(s.engine.submit(s.solo, "+more", 5, &id, &why), ASSAY_CAPACITY);
    assert_int_equal(s.app.checks, checks);
    must(assay_solo_step(s.solo, err));
    assert_int_equal(s.engine.waiting(s.solo), 0);
    stand_submit(&s, "+more");
    stand_close(&s);
}

// ---- the thread ----

// C-15: blocks come when transactions wait, when one is asked for, and while the application waits.
static void test_thread(void **state) {
    stand s = {.block_ms = 1};
    folder_make(s.folder);
    stand_open(&s);
    must(assay_solo_start(s.solo, err));
    assert_int_equal(assay_solo_start(s.solo, NULL), ASSAY_EXISTS);
    assert_int_equal(s.engine.wait(s.solo, 0, 50), 0); // idle
    assay_hash a = stand_submit(&s, "+a");
    assert_int_equal(s.engine.wait(s.solo, 0, 10000), 1);
    assert_int_equal(stand_fate(&s, &a, 0).state, ASSAY_TX_COMMITTED);
    assert_int_equal(s.engine.wait(s.solo, 1, 50), 1);
    s.engine.nudge(s.solo);
    assert_int_equal(s.engine.wait(s.solo, 1, 10000), 2);
    assert_int_equal(s.engine.wait(s.solo, 2, 50), 2);
    must(s.engine.health(s.solo, err));
    stand_close(&s);
    stand_open(&s);
    assert_int_equal(s.engine.height(s.solo), 2);
    s.app.waiting = true;
    must(assay_solo_start(s.solo, err));
    for (uint64_t height = 2; height < 10;)
        height = s.engine.wait(s.solo, height, 10000);
    stand_close(&s);
}

// A failure ends the thread with its reason, and whoever waits goes on.
static void test_thread_fails(void **state) {
    stand s = {0};
    assay_error why = {0};
    assay_hash id;
    folder_make(s.folder);
    stand_open(&s);
    s.app.fail_finalize = 1;
    must(assay_solo_start(s.solo, err));
    stand_submit(&s, "+a");
    assert_int_equal(s.engine.wait(s.solo, 0, 10000), 0);
    assert_int_equal(s.engine.health(s.solo, &why), ASSAY_IO);
    assert_string_equal(why.text, "the application is unwell");
    assert_int_equal(s.engine.submit(s.solo, "+b", 2, &id, &why), ASSAY_STOPPED);
    assert_string_equal(why.text, "the node makes no more blocks: the application is unwell");
    stand_close(&s);
}

// C-15: a drained engine has put everything that waited into blocks, and takes no more.
static void test_drain(void **state) {
    stand s = {.block_ms = 5};
    assay_hash id;
    folder_make(s.folder);
    stand_open(&s);
    must(assay_solo_start(s.solo, err));
    for (int i = 0; i < 200; i++) {
        char text[32];
        snprintf(text, sizeof text, "+%d", i);
        stand_submit(&s, text);
    }
    assert_int_equal(assay_solo_drain(s.solo, 10000), 0);
    assert_int_equal(s.engine.submit(s.solo, "+late", 5, &id, NULL), ASSAY_STOPPED);
    for (int i = 0; i < 200; i++) {
        char text[32];
        snprintf(text, sizeof text, "+%d", i);
        id = id_of(text);
        assert_int_equal(stand_fate(&s, &id, 0).state, ASSAY_TX_COMMITTED);
    }
    stand_close(&s);
    stand_open(&s);
    must(assay_solo_start(s.solo, err));
    stand_submit(&s, "?never");
    assert_int_equal(assay_solo_drain(s.solo, 20), 1);
    stand_close(&s);
}

static void *slow_submit(void *s) {
    stand_submit(s, "+slow");
    return NULL;
}

static void *check_let_go(void *s) {
    usleep(200000);
    ((stand *)s)->app.check_slow = false;
    return NULL;
}

// What is being checked when the drain begins is taken, and so in a block, too.
static void test_drain_waits_for_a_check(void **state) {
    stand s = {.block_ms = 5};
    pthread_t submitter, other;
    assay_hash id = id_of("+slow");
    folder_make(s.folder);
    stand_open(&s);
    must(assay_solo_start(s.solo, err));
    s.app.check_slow = true;
    assert_int_equal(pthread_create(&submitter, NULL, slow_submit, &s), 0);
    while (!s.app.checks)
        usleep(1000);
    assert_int_equal(pthread_create(&other, NULL, check_let_go, &s), 0);
    assert_int_equal(assay_solo_drain(s.solo, 10000), 0);
    pthread_join(submitter, NULL);
    pthread_join(other, NULL);
    assert_int_equal(stand_fate(&s, &id, 0).state, ASSAY_TX_COMMITTED);
    stand_close(&s);
}

typedef struct {
    stand *s;
    int number;
} worker;

enum { WORKERS = 4, WORKER_TXS = 500 };

static void *worker_main(void *argument) {
    const worker *w = argument;
    for (int i = 0; i < WORKER_TXS; i++) {
        char text[32];
        snprintf(text, sizeof text, "%c%d.%d", i % 5 ? '+' : '-', w->number, i);
        assay_hash id = stand_submit(w->s, text);
        if (i % 50 != 0) continue;
        while (stand_fate(w->s, &id, 1).state != ASSAY_TX_COMMITTED)
            w->s->engine.wait(w->s->solo, w->s->engine.height(w->s->solo), 1);
    }
    return NULL;
}

// Submitters, askers and the engine side by side (the tsan preset watches): all arrive, once.
static void test_many_threads(void **state) {
    stand s = {0};
    pthread_t threads[WORKERS];
    worker workers[WORKERS];
    folder_make(s.folder);
    stand_open(&s);
    must(assay_solo_start(s.solo, err));
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = (worker){&s, i};
        assert_int_equal(pthread_create(&threads[i], NULL, worker_main, &workers[i]), 0);
    }
    for (int i = 0; i < WORKERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(assay_solo_drain(s.solo, 10000), 0);
    uint64_t height = s.engine.height(s.solo);
    uint32_t found = 0;
    for (uint64_t h = 1; h <= height; h++) {
        assay_arena arena = {0};
        assay_block block;
        uint8_t *data;
        assay_arena_init(&arena, 16 << 20);
        must(s.engine.block(s.solo, h, &block, &arena, &data, err));
        found += block.tx_count;
        free(data);
        assay_arena_close(&arena);
    }
    assert_int_equal(found, WORKERS * WORKER_TXS);
    stand_close(&s);
}

static void test_options(void **state) {
    stand s = {0};
    assay_error why = {0};
    assay_solo *solo;
    folder_make(s.folder);
    assay_solo_options options = {.folder = s.folder, .application = fake_calls(&s.app)};
    options.chain_id = "";
    assert_int_equal(assay_solo_open(&solo, &options, &why), ASSAY_RANGE);
    options.chain_id = "a name that is longer than the fifty letters allowed";
    assert_int_equal(assay_solo_open(&solo, &options, &why), ASSAY_RANGE);
    assert_string_equal(why.text, "chain id of 52 characters, limits 1 to 50");
    stand other = {0};
    memcpy(other.folder, s.folder, sizeof other.folder);
    stand_open(&s);
    assert_int_equal(stand_try(&other, &why), ASSAY_BUSY);
    stand_close(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_start),
        cmocka_unit_test(test_crash_points),
        cmocka_unit_test(test_replay_can_be_ended),
        cmocka_unit_test(test_commit_fails),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_divergence),
        cmocka_unit_test(test_foreign_log),
        cmocka_unit_test(test_clock_back),
        cmocka_unit_test(test_fates),
        cmocka_unit_test(test_fates_in_log),
        cmocka_unit_test(test_submit),
        cmocka_unit_test(test_first),
        cmocka_unit_test(test_mempool_full),
        cmocka_unit_test(test_thread),
        cmocka_unit_test(test_thread_fails),
        cmocka_unit_test(test_drain),
        cmocka_unit_test(test_drain_waits_for_a_check),
        cmocka_unit_test(test_many_threads),
        cmocka_unit_test(test_options),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
