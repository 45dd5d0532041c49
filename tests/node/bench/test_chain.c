// SPDX-License-Identifier: Apache-2.0
// bench chain: its options, its arithmetic, and that it measures on a small chain, run as a
// program; not how fast this machine is.
#include <signal.h>
#include <sys/stat.h>

#include "node/bench/chain.h"
#include "tests/node/bench_run.h"

static char comet[] = "/tmp/assay-bench-comet-XXXXXX"; // a program in place of CometBFT

#define SMALL "--runs 2 --accounts 200 --block-transfers 60 --samples 100 "

static int run(const char *home, const char *options) {
    return bench_run("chain", home, options);
}

static int folder_make(void **state) {
    int file = mkstemp(comet);
    if (file >= 0) close(file);
    return file >= 0 ? bench_folder_make(state) : 1;
}

static int folder_remove(void **state) {
    unlink(comet);
    return bench_folder_remove(state);
}

static json_t *result_of(const char *options) {
    assert_int_equal(run(folder, options), 0);
    json_t *result = json_loads(out, 0, NULL);
    assert_non_null(result);
    return result;
}

static void spread_holds(const json_t *object, const char *name) {
    const json_t *spread = json_object_get(object, name);
    assert_true(number_of(spread, "min") <= number_of(spread, "median"));
    assert_true(number_of(spread, "median") <= number_of(spread, "max"));
}

static void check_and_query_have_all_figures(void **state) {
    json_t *result = result_of(SMALL "--json --parts check,query --threads 1");
    const json_t *check = json_object_get(result, "check_tx");
    assert_int_equal(number_of(result, "runs"), 2);
    number_of(check, "recovery_us");
    number_of(check, "socket_us");
    // It recovers a key, and does more.
    assert_true(number_of(check, "check_tx_us") > number_of(check, "recovery_us") / 2);
    spread_holds(check, "ratio");
    spread_holds(check, "socket_ratio");
    const json_t *query = json_object_get(result, "query");
    number_of(query, "finalize_block_ms_p50");
    number_of(query, "blocks");
    static const char *const ways[] = {"abci", "http"};
    for (size_t i = 0; i < 2; i++) {
        const json_t *way = json_object_get(query, ways[i]);
        assert_true(number_of(way, "idle_p50_us") <= number_of(way, "idle_p99_us"));
        assert_true(number_of(way, "busy_p50_us") <= number_of(way, "busy_p99_us"));
        spread_holds(way, "p99_ratio");
    }
    json_decref(result);
}

// Every batch that came in settles, 13 transactions each: its own, and a commit and a reveal of two
// validators for each of three samples.
static void receipts_settle_by_all_their_verdicts(void **state) {
    json_t *result = result_of(SMALL "--json --parts receipts --block-batches 2 --batch-receipts "
                                     "1000");
    const json_t *receipts = json_object_get(result, "receipts");
    assert_true(number_of(receipts, "batch_txs") == 13);
    assert_true(number_of(receipts, "settled") == 2 * 5 * 2 * 1000); // runs, blocks, batches
    double batches = number_of(receipts, "batches_per_s");
    double per_s = number_of(receipts, "receipts_per_s");
    assert_true(per_s > 999 * batches && per_s < 1001 * batches);
    number_of(receipts, "transfers_per_s");
    number_of(receipts, "fsync_ms_p50");
    spread_holds(receipts, "ratio");
    json_decref(result);
}

// Makes it do what a test says.
static void comet_make(const char *script) {
    FILE *file = fopen(comet, "w");
    assert_non_null(file);
    fprintf(file, "#!/bin/sh\n%s\n", script);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(comet, 0700), 0);
}

#define NETWORK                                                                                    \
    "--parts transfers --nodes 2 --runs 1 --accounts 20000 --seconds 1 --rate-max 10 "             \
    "--loads saturated "

static void a_network_that_ends_is_an_error(void **state) {
    char options[256];
    comet_make("echo no room left; exit 3");
    snprintf(options, sizeof options, NETWORK "--comet %s --json", comet);
    assert_int_equal(run(folder, options), 5);
    assert_non_null(strstr(out, "cometbft.log has ended: no room left"));
    assert_int_equal(run(folder, NETWORK "--comet /nowhere/at/all"), 3);
    assert_int_equal(run(folder, NETWORK "--comet no-such-program"), 3);
}

// The number that a file holds, once it does.
static pid_t pid_await(const char *path) {
    int pid = 0;
    for (int tries = 0; tries < 600 && !pid; tries++) {
        FILE *file = fopen(path, "r");
        if (file && fscanf(file, "%d", &pid) != 1) pid = 0;
        if (file) fclose(file);
        usleep(50000);
    }
    assert_true(pid > 0);
    return pid;
}

// What it started ends, and its folder goes, which folder_remove checks.
static void an_interrupt_leaves_nothing_behind(void **state) {
    char pid_file[sizeof comet + 8], script[128];
    snprintf(pid_file, sizeof pid_file, "%s.pid", comet);
    snprintf(script, sizeof script, "echo $$ >%s; exec sleep 300", pid_file);
    comet_make(script);
    pid_t bench = fork();
    if (bench == 0) {
        if (!freopen("/dev/null", "w", stderr)) _exit(126);
        execl(ASSAY_BINARY_DIR "/assay", "assay", "bench", "chain", "--home", folder, "--parts",
              "transfers", "--nodes", "1", "--runs", "1", "--accounts", "10", "--seconds", "1",
              "--rate-max", "10", "--comet", comet, NULL);
        _exit(127);
    }
    pid_t child = pid_await(pid_file);
    int code;
    assert_int_equal(kill(bench, SIGINT), 0);
    assert_int_equal(waitpid(bench, &code, 0), bench);
    assert_true(WIFEXITED(code) && WEXITSTATUS(code) == 5);
    assert_int_equal(kill(child, 0), -1);
    unlink(pid_file);
}

static void people_get_a_table_of_what_they_asked_for(void **state) {
    assert_int_equal(run(folder, SMALL "--parts check"), 0);
    assert_non_null(strstr(out, "CheckTx"));
    assert_null(strstr(out, "account"));
}

static void limits_are_kept(void **state) {
    static const char *const wrong[] = {"--runs 0",
                                        "--runs 101",
                                        "--accounts 1",
                                        "--samples 99",
                                        "--block-transfers 10001",
                                        "--threads 0",
                                        "--parts check,nonsense",
                                        "--parts ''",
                                        "--parts check,,query",
                                        "--parts transfers --nodes 4 --accounts 19999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(run(folder, wrong[i]), 2);
    assert_int_equal(run("/nowhere/at/all", SMALL "--parts check"), 3);
}

// Nodes that gossip must not get two transfers of one sender at about the same time.
static void too_few_accounts_for_a_network_are_refused(void **state) {
    static const struct {
        unsigned parts, loads;
        uint32_t nodes;
        uint64_t accounts;
        const char *text; // NULL: taken
    } cases[] = {
        {ASSAY_BENCH_PART_ALL, 3, 4, 19999,
         "--accounts 19999 is too few for 4 nodes: at least 20000"},
        {ASSAY_BENCH_PART_ALL, 3, 4, 20000, NULL},
        {ASSAY_BENCH_PART_TRANSFERS, 1 << ASSAY_BENCH_DEFAULTS, 2, 8999, "at least 9000"},
        {ASSAY_BENCH_PART_TRANSFERS, 1 << ASSAY_BENCH_DEFAULTS, 2, 9000, NULL},
        {ASSAY_BENCH_PART_TRANSFERS, 1 << ASSAY_BENCH_SATURATED, 2, 9000, "at least 20000"},
        {ASSAY_BENCH_PART_TRANSFERS, 3, 1, 2, NULL},
        {ASSAY_BENCH_PART_QUERY, 3, 4, 2, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const assay_bench_chain_options options = {.parts = cases[i].parts,
                                                   .loads = cases[i].loads,
                                                   .accounts = cases[i].accounts,
                                                   .nodes = {1, cases[i].nodes},
                                                   .network_count = 2};
        assay_error err = {0};
        assay_status status = assay_bench_accounts_check(&options, &err);
        assert_int_equal(status, cases[i].text ? ASSAY_USAGE : ASSAY_OK);
        if (cases[i].text && !strstr(err.text, cases[i].text)) fail_msg("%zu: %s", i, err.text);
    }
}

static void parts_are_read(void **state) {
    unsigned parts;
    assay_error err = {0};
    assert_int_equal(assay_bench_parts_parse(&parts, "query", NULL), ASSAY_OK);
    assert_int_equal(parts, ASSAY_BENCH_PART_QUERY);
    assert_int_equal(assay_bench_parts_parse(&parts, "query,check", NULL), ASSAY_OK);
    assert_int_equal(parts, ASSAY_BENCH_PART_QUERY | ASSAY_BENCH_PART_CHECK);
    assert_int_equal(assay_bench_parts_parse(&parts, "check,quer", &err), ASSAY_USAGE);
    assert_non_null(strstr(err.text, "\"quer\""));
}

static void loads_and_networks_are_read(void **state) {
    unsigned loads;
    uint32_t nodes[ASSAY_BENCH_CHAIN_NETWORKS_MAX], count;
    assert_int_equal(assay_bench_loads_parse(&loads, "saturated", NULL), ASSAY_OK);
    assert_int_equal(loads, 1 << ASSAY_BENCH_SATURATED);
    assert_int_equal(assay_bench_loads_parse(&loads, "saturated,defaults", NULL), ASSAY_OK);
    assert_int_equal(loads, (1 << ASSAY_BENCH_LOAD_COUNT) - 1);
    assert_int_equal(assay_bench_nodes_parse(nodes, &count, "1,4,16", NULL), ASSAY_OK);
    assert_int_equal(count, 3);
    assert_true(nodes[0] == 1 && nodes[1] == 4 && nodes[2] == 16);
}

// Each is one that kvstore takes, and none is another's.
static void kvstore_gets_pairs_of_one_size(void **state) {
    enum { COUNT = 3, SIZE = 40 };
    uint8_t txs[COUNT][SIZE];
    assay_bench_kvstore_txs(&txs[0][0], COUNT, SIZE);
    for (int i = 0; i < COUNT; i++) {
        const uint8_t *equals = memchr(txs[i], '=', SIZE);
        assert_non_null(equals);
        assert_true(equals > txs[i] && equals < txs[i] + SIZE - 1);
        assert_null(memchr(equals + 1, '=', (size_t)(txs[i] + SIZE - equals - 1)));
        assert_null(memchr(txs[i], 0, SIZE));
        assert_memory_not_equal(txs[i], txs[(i + 1) % COUNT], SIZE);
    }
}

static void percentiles_are_values_that_were_measured(void **state) {
    double values[200];
    for (int i = 0; i < 200; i++)
        values[i] = 200 - i;
    assert_true(assay_measure_percentile(values, 200, 50) == 100);
    assert_true(assay_measure_percentile(values, 200, 99) == 198);
    assert_true(assay_measure_percentile(values, 200, 100) == 200);
    assert_true(assay_measure_percentile(values, 200, 1) == 2);
    assert_true(assay_measure_percentile(values, 1, 99) == 1);
    assert_true(assay_measure_percentile(values, 99, 99) == 99);
    assay_spread spread = assay_measure_spread(values, 4);
    assert_true(spread.min == 1 && spread.median == 2.5 && spread.max == 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_and_query_have_all_figures),
        cmocka_unit_test(receipts_settle_by_all_their_verdicts),
        cmocka_unit_test(a_network_that_ends_is_an_error),
        cmocka_unit_test(an_interrupt_leaves_nothing_behind),
        cmocka_unit_test(people_get_a_table_of_what_they_asked_for),
        cmocka_unit_test(limits_are_kept),
        cmocka_unit_test(too_few_accounts_for_a_network_are_refused),
        cmocka_unit_test(parts_are_read),
        cmocka_unit_test(loads_and_networks_are_read),
        cmocka_unit_test(kvstore_gets_pairs_of_one_size),
        cmocka_unit_test(percentiles_are_values_that_were_measured),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
