// SPDX-License-Identifier: Apache-2.0
// V5 (node/provider/provider.h): whatever one session brings, the others' receipts go into batches.
// Rules P-30, P-36, P-37, F-53, F-54.
#include "consensus/clock.h"
#include "tests/node/sent_only.h"

enum { OTHERS = 6 };

// A receipt that costs about so many OPEN. Returns: its fee.
static uint64_t costly(desk *d, uint32_t actor, uint64_t open) {
    assay_receipt receipt;
    assay_hash session = work_session(&world, actor, 200 * OPEN, open * OPEN / PROMPT, 1);
    assay_request r = work_request(&world, &session, 1, prompt, PROMPT, TOKENS);
    r.provider = world.wallets[actor].address;
    r.max_fee = 100 * OPEN;
    work_sign(&world, &r, CONSUMER);
    must(answer_to(d, &r, &receipt, err));
    return receipt.fee;
}

static uint64_t pending_fees(const desk *d) {
    uint64_t fees = 0;
    for (uint32_t i = 0; i < d->provider.pending_count; i++)
        fees += d->provider.pending[i].receipt.fee;
    return fees;
}

// The bond of 1,000 OPEN covers 100: with 60 open and 50 and 30 pending, 30 go now, without a
// refusal and its fee.
static void batches_stay_within_the_bond(void **state) {
    desk d;
    char home[128];
    assay_provider_batched batch;
    snprintf(home, sizeof home, "%s/bond", world.folder);
    desk_open_as(&d, home, RIVAL, &world.shop);
    costly(&d, RIVAL, 60);
    batched(&d, 1);
    uint64_t fifty = costly(&d, RIVAL, 50);
    costly(&d, RIVAL, 30);
    batched(&d, 1);
    assert_int_equal(pending_fees(&d), fifty);
    work_refused(assay_provider_batch(&d.provider, &batch, err), CAPACITY,
                 "the provider bond covers 100000000000; raise it");
    assert_false(batch.narrowed || batch.charged);
    assert_int_equal(d.provider.pending_count, 1);
    assert_int_equal(files_in(&d, "pending"), 1);
    work_bond(&world, RIVAL, ASSAY_ROLE_PROVIDER);
    batched(&d, 1);
    assert_int_equal(files_in(&d, "pending"), 0);
    assay_provider_close(&d.provider);
}

static void base_asked_in(desk *d, const assay_hash *session) {
    assay_receipt receipt;
    assay_request r = work_request(&world, session, 1, prompt, PROMPT, TOKENS);
    memset(&r.adapter, 0, sizeof r.adapter);
    work_sign(&world, &r, CONSUMER);
    must(answer_to(d, &r, &receipt, err));
}

static assay_hash base_asked(desk *d) {
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    base_asked_in(d, &session);
    return session;
}

// Whether enough can rerun the adapter; the provider has not heard of it before it asks again.
static void adapter_declare(desk *d, bool enough) {
    work_declare(&world, VALIDATOR_3, true, enough);
    memset(&d->provider.payable, 0, sizeof d->provider.payable);
}

// Too few can rerun the adapter any more. Its session is found by halves and left out, the others
// are paid; later it is tried again, and paid once it can be.
static void the_session_to_blame_is_left_out(void **state) {
    desk d;
    assay_hash others[OTHERS];
    assay_provider_batched batch;
    uint32_t refused = 0, taken = 0;
    desk_open(&d);
    assay_hash bad = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    asked(&d, &bad, 1);
    adapter_declare(&d, false);
    for (int i = 0; i < OTHERS; i++)
        others[i] = base_asked(&d);
    while (assay_provider_due(&d.provider, true)) {
        assay_error why = {0};
        if (assay_provider_batch(&d.provider, &batch, &why) == ASSAY_OK) {
            taken += batch.count;
            continue;
        }
        if (!batch.narrowed || !batch.charged || why.reject != ASSAY_REJECT_NOT_DECLARED)
            fail_msg("error %u: %s", why.reject, why.text);
        assert_in_range(++refused, 1, 4); // 7, 4 or 3, 2, 1
    }
    assert_int_equal(taken, OTHERS);
    for (int i = 0; i < OTHERS; i++)
        assert_int_equal(session_now(&others[i]).last_sequence, 1);
    assert_int_equal(d.provider.pending_count, 1);
    assert_int_equal(files_in(&d, "pending"), 1);
    // Its next receipt waits with it, and others still go.
    uint64_t until = d.provider.pending[0].hold_until_ms, pause = d.provider.pending[0].hold_ms;
    assert_in_range(until, assay_clock_ms() + 30000, assay_clock_ms() + 2 * pause);
    adapter_declare(&d, true);
    asked(&d, &bad, 2);
    adapter_declare(&d, false);
    assert_false(assay_provider_due(&d.provider, true));
    batched(&d, 0);
    base_asked(&d);
    batched(&d, 1);
    // Tried again too early: for longer.
    for (int i = 0; i < 2; i++)
        d.provider.pending[i].hold_until_ms = 0;
    work_refused(assay_provider_batch(&d.provider, &batch, err), REJECTED, "");
    assert_true(assay_provider_due(&d.provider, true)); // the first of the two alone
    work_refused(assay_provider_batch(&d.provider, &batch, err), REJECTED, "");
    assert_false(assay_provider_due(&d.provider, true));
    assert_int_equal(d.provider.pending[0].hold_ms, 2 * pause);
    adapter_declare(&d, true);
    for (int i = 0; i < 2; i++)
        d.provider.pending[i].hold_until_ms = 0;
    batched(&d, 2);
    assert_int_equal(session_now(&bad).last_sequence, 2);
    assert_int_equal(asked(&d, &bad, 3).fee > 0 && d.provider.pending[0].hold_ms == 0, 1);
    assay_provider_close(&d.provider);
}

// One with too little money to be tried alone waits as long as those beside it, then goes with
// others.
static void suspects_below_the_least_fee_wait_together(void **state) {
    desk d;
    assay_provider_batched batch;
    assay_hash sessions[2];
    desk_open(&d);
    for (int i = 0; i < 2; i++) {
        assay_receipt receipt;
        sessions[i] = work_session(&world, PROVIDER, OPEN, 50, 60);
        assay_request r = work_request(&world, &sessions[i], 1, prompt, PROMPT, TOKENS);
        if (i) memset(&r.adapter, 0, sizeof r.adapter);
        work_sign(&world, &r, CONSUMER);
        must(answer_to(&d, &r, &receipt, err));
        assert_in_range(receipt.fee, 500, 999); // min_batch_fee is 1,000
    }
    adapter_declare(&d, false);
    work_refused(assay_provider_batch(&d.provider, &batch, err), REJECTED, "");
    assert_true(batch.narrowed);
    assert_false(assay_provider_due(&d.provider, true));
    assert_true(d.provider.pending[0].hold_ms && d.provider.pending[1].hold_ms);
    d.provider.pending[1].hold_until_ms = 0;
    assert_false(assay_provider_due(&d.provider, true)); // small change
    base_asked(&d);
    batched(&d, 2);
    assert_int_equal(session_now(&sessions[0]).last_sequence, 0);
    assert_int_equal(session_now(&sessions[1]).last_sequence, 1);
    work_declare(&world, VALIDATOR_3, true, true);
    assay_provider_close(&d.provider);
}

// A file that got lost leaves a gap: what is before it goes, and all of the others.
static void a_gap_holds_up_its_session_alone(void **state) {
    desk d;
    char hex[ASSAY_HEX_HASH_MAX], path[300];
    desk_open(&d);
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    for (uint64_t sequence = 1; sequence <= 3; sequence++)
        asked(&d, &session, sequence);
    assay_hash other = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    asked(&d, &other, 1);
    assay_hex_encode(hex, session.bytes, ASSAY_HASH_SIZE);
    snprintf(path, sizeof path, "%s/pending/%s-%020d", d.home, hex, 2);
    assert_int_equal(unlink(path), 0);
    desk_reopen(&d);
    assert_int_equal(d.provider.pending_count, 3);
    batched(&d, 2);
    assert_int_equal(session_now(&session).last_sequence, 1);
    assert_int_equal(session_now(&other).last_sequence, 1);
    assay_provider_close(&d.provider);
}

// A session of another chain, or of one that the node has not reached.
static void an_unknown_session_holds_up_nobody(void **state) {
    desk d;
    desk_open(&d);
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    asked(&d, &session, 1);
    assert_int_equal(files_in(&d, "pending"), 1);
    d.provider.pending[0].receipt.request.session.bytes[0] ^= 1;
    assay_hash other = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    asked(&d, &other, 1);
    batched(&d, 1);
    assert_int_equal(session_now(&other).last_sequence, 1);
    // It may still be money, and its sequence stays taken.
    assert_int_equal(d.provider.pending_count, 1);
    assert_int_equal(files_in(&d, "pending"), 1);
    batched(&d, 0);
    assert_int_equal(d.provider.pending_count, 1);
    // The node gets there.
    d.provider.pending[0].receipt.request.session = session;
    uint64_t next;
    must(assay_provider_next_sequence(&d.provider, &session, &next, err));
    assert_int_equal(next, 2);
    d.provider.pending[0].hold_until_ms = 0;
    batched(&d, 1);
    assert_int_equal(session_now(&session).last_sequence, 1);
    assert_int_equal(files_in(&d, "pending"), 0);
    assay_provider_close(&d.provider);
}

// What a session holds when it is closed goes at once, and nothing more is answered in it.
static void a_session_that_closes_is_paid_first(void **state) {
    desk d;
    assay_provider_facts facts;
    desk_open(&d);
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    asked(&d, &session, 1);
    must(assay_provider_look(&d.provider, &facts, err));
    assert_false(assay_provider_due(&d.provider, false));
    session_close(&session);
    desk_reopen(&d); // a start, too, looks first
    assert_false(assay_provider_due(&d.provider, false));
    must(assay_provider_look(&d.provider, &facts, err));
    assert_int_equal(assay_provider_due(&d.provider, false), ASSAY_DUE_CLOSING);
    assay_request r = work_request(&world, &session, 2, prompt, PROMPT, TOKENS);
    work_sign(&world, &r, CONSUMER);
    refuse(&d, &r, RANGE, "the session closes: it ends at height");
    batched(&d, 1);
    assert_int_equal(session_now(&session).last_sequence, 1);
    assert_int_equal(session_now(&session).ended, 0);
    // The last block but one before the delay is still open.
    uint64_t delay = world.genesis.params.close_delay;
    assert_false(assay_provider_closes(&d.provider, 1000 + delay, 999));
    assert_true(assay_provider_closes(&d.provider, 1000 + delay, 1000));
    assert_false(assay_provider_closes(&d.provider, 0, 1000));
    assay_provider_close(&d.provider);
}

// Two sessions, of which the one with the higher id has this price, a receipt, and closes.
static void one_of_two_closes(desk *d, assay_hash *stays, assay_hash *closes, uint64_t price) {
    do {
        *stays = work_session(&world, PROVIDER, OPEN, 1000, 2000);
        *closes = work_session(&world, PROVIDER, OPEN, price, price);
    } while (memcmp(stays, closes, sizeof *stays) > 0);
    asked(d, closes, 1);
    session_close(closes);
}

// F-54: where a batch cannot hold all, what has the least time left goes first, whatever its id.
static void what_closes_first_is_chosen_first(void **state) {
    desk d;
    assay_hash stays, closes;
    desk_open(&d);
    one_of_two_closes(&d, &stays, &closes, 1000);
    asked(&d, &stays, 1);
    d.provider.narrow = 1;
    batched(&d, 1);
    assert_int_equal(session_now(&closes).last_sequence, 1);
    assert_int_equal(session_now(&stays).last_sequence, 0);
    // With room for both they are in P-15's order, or the ledger would refuse them.
    d.provider.narrow = 0;
    one_of_two_closes(&d, &stays, &closes, 1000);
    asked(&d, &stays, 1);
    batched(&d, 3);
    assert_int_equal(session_now(&closes).last_sequence, 1);
    assay_provider_close(&d.provider);
}

// Halves are of what was chosen, in that order: else a first half that is worth too little alone
// would be filled up to the same batch again and again.
static void halves_are_of_what_was_chosen(void **state) {
    desk d;
    assay_hash stays, closes;
    assay_provider_batched batch;
    uint32_t refused = 0;
    desk_open(&d);
    one_of_two_closes(&d, &stays, &closes, 50); // 600 nopen; min_batch_fee is 1,000
    base_asked_in(&d, &stays);
    adapter_declare(&d, false);
    while (assay_provider_due(&d.provider, true)) {
        work_refused(assay_provider_batch(&d.provider, &batch, err), REJECTED, "");
        assert_true(batch.narrowed);
        assert_in_range(++refused, 1, 2);
    }
    assert_true(refused);
    work_declare(&world, VALIDATOR_3, true, true);
    assay_provider_close(&d.provider);
}

// Sent is not in a block: nothing pending is forgotten before it is (P-52), nor sent again. Blocks
// are short here: in some of the rounds the one sent still waits when it is asked for.
static void what_is_only_sent_stays_pending(void **state) {
    desk d;
    assay_provider_batched batch;
    uint64_t before, after;
    assay_status status;
    desk_open(&d);
    assay_wallet *wallet = &world.wallets[PROVIDER];
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    for (int i = 1; i <= 8; i++) {
        asked(&d, &session, i);
        // Both are asked for while nothing waits: just after a block what waits is counted anew.
        must(assay_client_nonce(&before, &wallet->client, &wallet->address, 0, err));
        sent_only(&d);
        assert_int_equal(d.provider.pending_count, 1);
        assert_int_equal(files_in(&d, "pending"), 1);
        while ((status = assay_provider_batch(&d.provider, &batch, NULL)) == ASSAY_TIMEOUT) {
        }
        assert_int_equal(status, ASSAY_OK);
        assert_int_equal(batch.count, 0); // it got there by itself
        assert_int_equal(session_now(&session).last_sequence, i);
        must(assay_client_nonce(&after, &wallet->client, &wallet->address, 0, err));
        assert_int_equal(after, before + 1);
        assert_int_equal(files_in(&d, "pending"), 0);
    }
    assay_provider_close(&d.provider);
}

static int world_make(void **state) {
    work_init(&world);
    world.genesis.params.close_delay = 300;
    work_start(&world);
    sent_prepare();
    work_prompt(prompt, 1);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_stay_within_the_bond),
        cmocka_unit_test(the_session_to_blame_is_left_out),
        cmocka_unit_test(suspects_below_the_least_fee_wait_together),
        cmocka_unit_test(a_gap_holds_up_its_session_alone),
        cmocka_unit_test(an_unknown_session_holds_up_nobody),
        cmocka_unit_test(a_session_that_closes_is_paid_first),
        cmocka_unit_test(what_closes_first_is_chosen_first),
        cmocka_unit_test(halves_are_of_what_was_chosen),
        cmocka_unit_test(what_is_only_sent_stays_pending),
    };
    return cmocka_run_group_tests(tests, world_make, world_end);
}
