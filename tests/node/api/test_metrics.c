// SPDX-License-Identifier: Apache-2.0
// What a scrape costs does not depend on the state's size, and what it says of votes (F-71).
#include "tests/ledger/trial.h"

#include "consensus/clock.h"
#include "node/api/api.h"
#include "node/http/metrics.h"

enum { RECORDS = 20000, BLOCKS = 5, SCRAPES = 21 };

static int order(const void *a, const void *b) {
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

// One scrape, to be freed.
static char *api_text(assay_api *api, uint64_t *took_ns) {
    const assay_http_request request = {.method = "GET", .path = "/metrics"};
    assay_http_reply reply = {0};
    uint64_t begun = assay_clock_ns();
    assay_api_handle(api, &request, &reply);
    *took_ns = assay_clock_ns() - begun;
    assert_int_equal(reply.code, 200);
    char *text = malloc(reply.body_size + 1);
    assert_non_null(text);
    memcpy(text, reply.body, reply.body_size);
    text[reply.body_size] = 0;
    free(reply.body);
    return text;
}

static char *text_of(const chain *c, uint64_t *took_ns) {
    assay_api api = {.app = c->app, .genesis = &c->genesis, .engine_name = "none"};
    return api_text(&api, took_ns);
}

static uint32_t waiting(void *self) {
    return 0;
}

static uint64_t height(void *self) {
    return 0;
}

static assay_status health(void *self, assay_error *err) {
    return ASSAY_OK;
}

static assay_status well(void *self, assay_error *err) {
    return *(const bool *)self ? ASSAY_NETWORK : ASSAY_OK;
}

// F-71: behind CometBFT blocks come only while it is there.
static void no_engine_is_unhealthy(void **state) {
    static chain c;
    const assay_chain_engine engine = {.waiting = waiting, .height = height, .health = health};
    uint64_t took;
    bool alone = false;
    chain_init(&c);
    chain_start(&c);
    assay_api api = {.app = c.app,
                     .engine = &engine,
                     .behind = true,
                     .genesis = &c.genesis,
                     .facts_self = &alone};
    for (int i = 0; i < 3; i++) {
        api.well = i ? well : NULL; // solo has no other half
        alone = i == 2;
        char *text = api_text(&api, &took);
        assert_non_null(strstr(text, alone ? "\nassay_healthy 0\n" : "\nassay_healthy 1\n"));
        free(text);
    }
    chain_close(&c);
}

static uint64_t sample_of(const char *text, const char *name) {
    char start[80];
    snprintf(start, sizeof start, "\n%s ", name);
    const char *line = strstr(text, start);
    assert_non_null(line);
    return strtoull(line + strlen(start), NULL, 10);
}

// Scrapes again and again. Returns: the median of what it took, in nanoseconds.
static uint64_t scrape(const chain *c, uint64_t *entries) {
    uint64_t took[SCRAPES];
    for (int i = 0; i < SCRAPES; i++) {
        char *text = text_of(c, &took[i]);
        *entries = sample_of(text, "assay_state_entries");
        // Without an engine nothing is told of one.
        assert_null(strstr(text, "assay_mempool"));
        free(text);
    }
    qsort(took, SCRAPES, sizeof *took, order);
    return took[SCRAPES / 2];
}

// Records of three tables, under the state root and beside it.
static void records_add(chain *c, uint32_t block) {
    assay_ledger ledger = chain_by_hand(c);
    for (uint32_t i = 0; i < RECORDS; i++) {
        assay_hash digest;
        uint8_t number[8], value[8] = {0};
        assay_store_be64(number, (uint64_t)block << 32 | i);
        assay_sha256_of(&digest, number, sizeof number);
        assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_COMMITMENT, &digest);
        must(assay_ledger_put(&ledger, &key, value, sizeof value, err));
        for (uint8_t table = ASSAY_TABLE_PRINCIPAL_SESSION; table <= ASSAY_TABLE_PROVIDER_SESSION;
             table++) {
            key = assay_record_key_of_hash(table, &digest);
            must(assay_ledger_put(&ledger, &key, value, sizeof value, err));
        }
    }
    chain_by_hand_end(c, &ledger);
}

static void a_scrape_costs_the_same_on_a_big_state(void **state) {
    static chain c;
    uint64_t few, many;
    chain_init(&c);
    chain_start(&c);
    chain_block(&c);
    uint64_t small = scrape(&c, &few);
    for (uint32_t block = 0; block < BLOCKS; block++)
        records_add(&c, block);
    uint64_t big = scrape(&c, &many);
    print_message("%llu records: %.3f ms, %llu records: %.3f ms\n", (ull)few, (double)small / 1e6,
                  (ull)many, (double)big / 1e6);
    assert_true(many > 1000 * few && many >= 3 * BLOCKS * RECORDS);
    // A scan of one table would be a thousand times as much; a busy machine is not.
    assert_true(big < 20 * small + 5000000);
    chain_close(&c);
}

// Sample 0: nobody votes, and of those who are drawn then the first still cannot fetch what was
// posted. 1 and 2: the first does not reveal. 3 to 5: the first errs.
static ballot go_wrong(trial *t, uint32_t actor, const assay_duty *duty) {
    bool first = trial_place(t, actor, duty, duty->round) == 0;
    if (duty->sample == 0)
        return (ballot){.no_commit = duty->round == 0,
                        .verdict = duty->round && first ? ASSAY_VERDICT_UNAVAILABLE : 0};
    bool errs = first && duty->round == 0;
    return (ballot){.no_reveal = errs && duty->sample <= 2,
                    .wrong_probe = errs && duty->sample > 2};
}

// F-71: each way to fail under its own name; tests/ledger/test_counters.c says when it is counted.
static void votes_that_failed_are_told_apart(void **state) {
    trial *t = trial_new();
    bundle b;
    uint8_t data[8192];
    uint64_t unused;
    t->chain.genesis.params.samples = 6;
    trial_start(t);
    t->votes = go_wrong;
    trial_submit(t, &b, 12);
    assert_int_equal(trial_until(t, &b.id, ASSAY_BATCH_CHECKING).sample_count, 6);
    size_t size = trial_leaf_evidence(&b, trial_case(t, &b.id, 0).position, data, sizeof data);
    assay_tx tx = trial_post_tx(t, &b.id, 0, 0, 1, data, size);
    chain_add(&t->chain, &tx);
    trial_run_out(t, &b.id);
    char *text = text_of(&t->chain, &unused);
    assert_int_equal(sample_of(text, "assay_verdicts_missed_total"), 2);
    assert_int_equal(sample_of(text, "assay_verdicts_failed_total{reason=\"struck\"}"), 1);
    assert_int_equal(sample_of(text, "assay_verdicts_failed_total{reason=\"unrevealed\"}"), 2);
    assert_int_equal(sample_of(text, "assay_verdicts_failed_total{reason=\"wrong\"}"), 3);
    free(text);
    trial_close(t);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scrape_costs_the_same_on_a_big_state),
        cmocka_unit_test(no_engine_is_unhealthy),
        cmocka_unit_test(votes_that_failed_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
