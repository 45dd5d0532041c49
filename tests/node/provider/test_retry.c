// SPDX-License-Identifier: Apache-2.0
// When a batch that was not taken is tried again: what cost a fee more and more seldom, all else
// every second, and a smaller one, or one of a session that closes, without a long pause. Rules
// F-53, F-54.

#include "node/provider/retry.h"
#include "tests/test.h"

static const assay_provider_batched taken = {.count = 1}, nothing, uncharged,
                                    charged = {.charged = true},
                                    narrowed = {.narrowed = true, .charged = true};

// From `now` on, whether some receipts, and those of sessions that close, go after so many ms.
static void expect_after(const assay_retry *retry, uint64_t now, uint64_t some, uint64_t closing) {
    assert_true(assay_retry_is_over(retry, ASSAY_DUE_SOME, now + some));
    assert_true(assay_retry_is_over(retry, ASSAY_DUE_CLOSING, now + closing));
    assert_false(assay_retry_is_over(retry, ASSAY_DUE_NOTHING, UINT64_MAX));
    if (some) assert_false(assay_retry_is_over(retry, ASSAY_DUE_SOME, now + some - 1));
    if (closing) assert_false(assay_retry_is_over(retry, ASSAY_DUE_CLOSING, now + closing - 1));
}

static void what_costs_nothing_is_tried_every_second(void **state) {
    static const assay_status statuses[] = {ASSAY_REJECTED, ASSAY_BUSY, ASSAY_NETWORK,
                                            ASSAY_TIMEOUT, ASSAY_CAPACITY};
    assay_retry retry = {0};
    uint64_t now = 5000;
    expect_after(&retry, now, 0, 0);
    for (int round = 0; round < 8; round++)
        for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++, now += 1000) {
            assay_retry_note(&retry, statuses[i], &uncharged, now);
            expect_after(&retry, now, 1000, 1000);
        }
    assay_retry_note(&retry, ASSAY_OK, &nothing, now); // what was due is not, as the chain tells
    expect_after(&retry, now, 1000, 1000);
}

static void what_costs_a_fee_is_tried_more_and_more_seldom(void **state) {
    assay_retry retry = {0};
    uint64_t now = 5000, pause = 1000;
    for (int i = 0; i < 9; i++, now += pause, pause = pause < 30000 ? 2 * pause : 60000) {
        assay_retry_note(&retry, ASSAY_REJECTED, &charged, now);
        expect_after(&retry, now, pause, 1000);
        // Tried for a session that closes, and free: the pause stands.
        assay_retry_note(&retry, ASSAY_TIMEOUT, &uncharged, now + 1000);
        expect_after(&retry, now, pause < 2000 ? 2000 : pause, 2000);
    }
    assay_retry_note(&retry, ASSAY_OK, &taken, now);
    expect_after(&retry, now, 0, 0);
    assay_retry_note(&retry, ASSAY_REJECTED, &charged, now);
    expect_after(&retry, now, 1000, 1000);
}

static void halvings_follow_each_other_as_long_as_they_help(void **state) {
    assay_retry retry = {0};
    uint64_t now = 5000;
    for (int i = 0; i < ASSAY_RETRY_NARROWED_MAX; i++) {
        assay_retry_note(&retry, ASSAY_REJECTED, &narrowed, now);
        expect_after(&retry, now, 0, 0);
    }
    assay_retry_note(&retry, ASSAY_REJECTED, &narrowed, now);
    expect_after(&retry, now, 1000, 1000);
    assay_retry_note(&retry, ASSAY_REJECTED, &narrowed, now);
    expect_after(&retry, now, 2000, 1000);
    assay_retry_note(&retry, ASSAY_OK, &taken, now);
    assay_retry_note(&retry, ASSAY_REJECTED, &narrowed, now);
    expect_after(&retry, now, 0, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_costs_nothing_is_tried_every_second),
        cmocka_unit_test(what_costs_a_fee_is_tried_more_and_more_seldom),
        cmocka_unit_test(halvings_follow_each_other_as_long_as_they_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
