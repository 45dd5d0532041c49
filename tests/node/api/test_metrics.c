// SPDX-License-Identifier: Apache-2.0
// What a scrape costs does not depend on the state's size (F-71).
#include "tests/ledger/chain.h"

#include "consensus/clock.h"
#include "node/api/api.h"
#include "node/http/metrics.h"

enum { RECORDS = 20000, BLOCKS = 5, SCRAPES = 21 };

static int order(const void *a, const void *b) {
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

// Scrapes again and again. Returns: the median of what it took, in nanoseconds.
static uint64_t scrape(const chain *c, uint64_t *entries) {
    assay_api api = {.app = c->app, .genesis = &c->genesis, .engine_name = "none"};
    const assay_http_request request = {.method = "GET", .path = "/metrics"};
    uint64_t took[SCRAPES];
    for (int i = 0; i < SCRAPES; i++) {
        assay_http_reply reply = {0};
        uint64_t begun = assay_clock_ns();
        assay_api_handle(&api, &request, &reply);
        took[i] = assay_clock_ns() - begun;
        assert_int_equal(reply.code, 200);
        char *text = malloc(reply.body_size + 1);
        memcpy(text, reply.body, reply.body_size);
        text[reply.body_size] = 0;
        const char *line = strstr(text, "\nassay_state_entries ");
        assert_non_null(line);
        *entries = strtoull(line + sizeof "\nassay_state_entries " - 1, NULL, 10);
        // Without an engine nothing is told of one.
        assert_null(strstr(text, "assay_mempool"));
        free(text);
        free(reply.body);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scrape_costs_the_same_on_a_big_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
