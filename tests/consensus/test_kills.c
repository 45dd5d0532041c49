// SPDX-License-Identifier: Apache-2.0
// kill -9 at random moments of a real node, state, log, engine and all, with blocks of a few
// milliseconds on a real disk (C-10, C-14, C-16). ASSAY_KILLS says how often; the default is 20.
#include "tests/consensus/solo_node.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/file.h"
#include "ledger/tx/reject.h"
#include "tests/folder.h"

enum { WAITING_MAX = 256, KINDS = 7, START_MS_MAX = 60000 };

// ---- the workload ----

// What the child reports: this transaction was said to be committed, there and with this code.
typedef struct {
    assay_hash id;
    uint64_t height;
    uint32_t code;
} receipt;

typedef struct {
    assay_hash ids[WAITING_MAX];
    uint32_t count;
    uint64_t nonces[CHAIN_ACTORS];
    uint32_t random;
    int out;
} workload;

static uint32_t draw(workload *w, uint32_t limit) {
    w->random = w->random * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)w->random * limit >> 32);
}

// Something valid most of the time; a transfer of too much is refused in its block.
static assay_tx tx_make(workload *w, const chain *c, uint32_t actor) {
    static const assay_tx_kind kinds[KINDS] = {
        ASSAY_TX_TRANSFER, ASSAY_TX_TRANSFER,       ASSAY_TX_BOND,        ASSAY_TX_UNBOND,
        ASSAY_TX_WITHDRAW, ASSAY_TX_COMMIT_DATASET, ASSAY_TX_OPEN_SESSION};
    assay_tx_kind kind = kinds[draw(w, KINDS)];
    assay_tx tx = {.kind = kind, .chain_id = CHAIN_ID, .lane = assay_tx_lane(kind)};
    uint64_t amount = 1 + draw(w, 100000) * (draw(w, 20) == 0 ? UINT64_C(1000000000) : 1000);
    tx.signer = tx.principal = c->actors[actor];
    tx.nonce = w->nonces[actor];
    if (kind == ASSAY_TX_TRANSFER)
        tx.body.transfer = (assay_tx_transfer){c->actors[draw(w, CHAIN_ACTORS)], amount};
    if (kind == ASSAY_TX_BOND) tx.body.bond = (assay_tx_bond){ASSAY_ROLE_PROVIDER, amount};
    if (kind == ASSAY_TX_UNBOND) tx.body.unbond = (assay_tx_unbond){ASSAY_ROLE_PROVIDER, amount};
    if (kind == ASSAY_TX_WITHDRAW)
        tx.body.withdraw = (assay_tx_withdraw){c->actors[draw(w, CHAIN_ACTORS)], amount};
    if (kind == ASSAY_TX_COMMIT_DATASET)
        assay_sha256_of(&tx.body.commit_dataset.commitment, &w->random, sizeof w->random);
    if (kind == ASSAY_TX_OPEN_SESSION)
        tx.body.open_session =
            (assay_tx_open_session){c->actors[1], amount, 1, 1, 1 + draw(w, 1000000)};
    return tx;
}

static void receipts_report(workload *w, const node *n) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < w->count; i++) {
        assay_tx_fate fate;
        must(n->engine.find(n->solo, &w->ids[i], 0, &fate, err));
        if (fate.state == ASSAY_TX_PENDING) w->ids[kept++] = w->ids[i];
        if (fate.state != ASSAY_TX_COMMITTED) continue; // a dropped one was never acknowledged
        receipt told = {w->ids[i], fate.height, fate.result.code};
        assert_int_equal(write(w->out, &told, sizeof told), sizeof told);
    }
    w->count = kept;
}

// The child: works until it is killed.
static void work(chain *c, const char *folder, uint32_t seed, int out) {
    node n;
    workload w = {.random = seed, .out = out};
    node_open(&n, c, folder, NULL);
    chain_scan(c);
    for (uint32_t i = 0; i < CHAIN_ACTORS; i++)
        w.nonces[i] = chain_account(c, &c->actors[i]).nonces[0];
    must(assay_solo_start(n.solo, err));
    for (;;) {
        uint32_t actor = draw(&w, CHAIN_ACTORS);
        if (w.count < WAITING_MAX) {
            uint8_t bytes[1024];
            size_t size;
            assay_tx tx = tx_make(&w, c, actor);
            must(assay_tx_sign(&tx, &c->domain, &c->keys[actor], err));
            must(assay_tx_encode(&tx, bytes, sizeof bytes, &size, err));
            assay_error why = {0};
            assay_status status = n.engine.submit(n.solo, bytes, size, &w.ids[w.count], &why);
            // Behind one that names more than there is, no other waits (P-26).
            bool behind = status == ASSAY_REJECTED && why.reject == ASSAY_REJECT_FEE_SHORT;
            if (status != ASSAY_OK && !behind)
                must(assay_fail(err, status, why.reject, "%s", why.text));
            w.count += !behind;
            w.nonces[actor] += !behind;
        }
        receipts_report(&w, &n);
    }
}

// ---- the parent ----

typedef struct {
    receipt *list;
    size_t count, capacity;
} receipts;

static void receipts_read(receipts *all, int in) {
    receipt told;
    size_t have = 0;
    for (ssize_t got; (got = read(in, (uint8_t *)&told + have, sizeof told - have)) > 0;) {
        have += (size_t)got;
        if (have < sizeof told) continue;
        have = 0;
        if (all->count == all->capacity) {
            all->capacity = all->capacity ? 2 * all->capacity : 1024;
            all->list = realloc(all->list, all->capacity * sizeof *all->list);
            assert_non_null(all->list);
        }
        all->list[all->count++] = told;
    }
    assert_int_equal(have, 0); // a pipe's small writes are whole
}

// S1: what the kill left in log and state.
static void leftovers_check(const chain *c, const char *folder) {
    char path[1024];
    assay_store *store;
    assay_blocklog *log;
    const assay_store_options options = {.read_only = true};
    uint64_t height = 0, logged = 0;
    snprintf(path, sizeof path, "%s/state", folder);
    if (assay_store_open(&store, path, &c->genesis.hash, &options, NULL) == ASSAY_OK) {
        height = assay_store_last(store)->height;
        assay_store_close(store);
    }
    snprintf(path, sizeof path, "%s/blocks", folder);
    if (assay_blocklog_open(&log, path, false, height, NULL) == ASSAY_OK) {
        logged = assay_blocklog_count(log);
        assay_blocklog_close(log);
    }
    assert_in_range(logged - height, 0, 1);
}

static void kill_once(chain *c, const char *folder, uint32_t seed, receipts *all) {
    int pipes[2], code;
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        close(pipes[0]);
        work(c, folder, seed, pipes[1]);
    }
    close(pipes[1]);
    // Some moments fall into opening and replaying. The others count from the first transaction
    // that is acknowledged, so that a slow machine comes to work too.
    struct pollfd first = {.fd = pipes[0], .events = POLLIN};
    if (seed % 3 != 0) assert_int_equal(poll(&first, 1, START_MS_MAX), 1);
    struct timespec pause = {0, (long)(seed % 100) * 1000000 + seed % 1000000};
    nanosleep(&pause, NULL);
    assert_int_equal(kill(child, SIGKILL), 0);
    receipts_read(all, pipes[0]);
    close(pipes[0]);
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_true(WIFSIGNALED(code) && WTERMSIG(code) == SIGKILL);
    leftovers_check(c, folder);
}

// The acknowledged transactions are in the chain, at their heights and with their codes.
static void receipts_check(const node *n, const receipts *all) {
    for (size_t i = 0; i < all->count; i++) {
        assay_tx_fate fate;
        must(n->engine.find(n->solo, &all->list[i].id, UINT64_MAX, &fate, err));
        assert_int_equal(fate.state, ASSAY_TX_COMMITTED);
        assert_int_equal(fate.height, all->list[i].height);
        assert_int_equal(fate.result.code, all->list[i].code);
    }
}

static assay_store_tip node_tip(const node *n) {
    return *assay_store_last(assay_app_store(n->chain->app));
}

// The same blocks in a fresh folder, by a node that nobody disturbs.
static assay_store_tip undisturbed(chain *c, const char *folder) {
    char fresh[] = ASSAY_BINARY_DIR "/kills-XXXXXX", from[1024], to[1024];
    uint8_t *data;
    size_t size;
    node n;
    test_folder_make(fresh);
    snprintf(from, sizeof from, "%s/blocks/blocks.log", folder);
    snprintf(to, sizeof to, "%s/blocks", fresh);
    assert_int_equal(mkdir(to, 0700), 0);
    snprintf(to, sizeof to, "%s/blocks/blocks.log", fresh);
    must(assay_file_read(from, 1 << 30, &data, &size, err));
    must(assay_file_replace(to, data, size, 0600, err));
    free(data);
    node_open(&n, c, fresh, NULL);
    chain_scan(c);
    assay_store_tip tip = node_tip(&n);
    node_close(&n);
    return tip;
}

static void test_kills(void **state) {
    char folder[] = ASSAY_BINARY_DIR "/kills-XXXXXX";
    const char *asked = getenv("ASSAY_KILLS");
    int kills = asked ? (int)strtol(asked, NULL, 10) : 20;
    struct timespec now;
    receipts all = {0};
    node n;
    chain *c = malloc(sizeof *c);
    test_folder_make(folder);
    node_chain_init(c);
    clock_gettime(CLOCK_MONOTONIC, &now);
    uint32_t seed = (uint32_t)now.tv_nsec;
    print_message("%d kills, seed %u\n", kills, seed);
    for (int i = 0; i < kills; i++) {
        seed = seed * 1664525 + 1013904223;
        kill_once(c, folder, seed >> 2, &all);
    }
    node_open(&n, c, folder, NULL);
    chain_scan(c); // the supply equation
    receipts_check(&n, &all);
    assay_store_tip disturbed = node_tip(&n);
    print_message("%llu blocks, %zu transactions acknowledged\n", (ull)disturbed.height, all.count);
    assert_true(disturbed.height > 0 && all.count > 0);
    node_close(&n);
    assay_store_tip other = undisturbed(c, folder);
    assert_int_equal(other.height, disturbed.height);
    assert_memory_equal(&other.state_root, &disturbed.state_root, sizeof other.state_root);
    assert_memory_equal(&other.app_hash, &disturbed.app_hash, sizeof other.app_hash);
    assay_genesis_close(&c->genesis);
    free(all.list);
    free(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kills),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
