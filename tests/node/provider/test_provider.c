// SPDX-License-Identifier: Apache-2.0
// The provider on a real chain: what it refuses, and its invariants V1, V2, V4, V6 and V7
// (node/provider/provider.h; V3 is test_turns's, V5 test_blame's). Rules P-11 to P-14, P-30, P-52,
// F-46, F-53.
#include <sys/stat.h>

#include "consensus/clock.h"
#include "tests/node/sent_only.h"

static assay_workshop bare;

// ---- refusals ----

static void requests_are_refused_by_number(void **state) {
    desk d;
    desk_open(&d);
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    const assay_request good = work_request(&world, &session, 1, prompt, PROMPT, TOKENS);
    assay_request r = good;
    work_sign(&world, &r, RIVAL);
    refuse(&d, &r, SIGNATURE, "not signed by its session's keys");
    r = good;
    r.provider = world.wallets[RIVAL].address;
    work_sign(&world, &r, CONSUMER);
    refuse(&d, &r, MISMATCH, "another provider");
    r = good;
    r.sequence = 2;
    work_sign(&world, &r, CONSUMER);
    refuse(&d, &r, ORDER, "sequence 2, expected 1");
    r = good;
    r.max_tokens = 0;
    refuse(&d, &r, REJECTED, "max_tokens");
    r = good;
    r.max_fee = 15999;
    work_sign(&world, &r, CONSUMER);
    refuse(&d, &r, REJECTED, "costs 16000 nopen, limit 15999");
    r = good;
    r.prompt_digest.bytes[0] ^= 1;
    work_sign(&world, &r, CONSUMER);
    refuse(&d, &r, MISMATCH, "prompt ids are not those");
    r = good;
    r.prompt_count++;
    work_sign(&world, &r, CONSUMER);
    refuse(&d, &r, MISMATCH, "prompt ids are not those");
    r = good;
    r.model.bytes[0] ^= 1;
    work_sign(&world, &r, CONSUMER);
    refuse(&d, &r, NOT_FOUND, "another model");
    r = good;
    r.adapter.bytes[0] ^= 1;
    work_sign(&world, &r, CONSUMER);
    refuse(&d, &r, NOT_FOUND, "no such adapter");
    r = good;
    r.max_tokens = 512;
    r.max_fee = OPEN;
    work_sign(&world, &r, CONSUMER);
    refuse(&d, &r, RANGE, "512");
    r = good;
    r.session.bytes[0] ^= 1;
    work_sign(&world, &r, CONSUMER);
    refuse(&d, &r, NOT_FOUND, "session");
    uint32_t huge[PROMPT], *ids;
    memcpy(huge, prompt, sizeof huge);
    huge[2] = 2048;
    assay_receipt receipt;
    r = work_request(&world, &session, 1, huge, PROMPT, TOKENS);
    work_sign(&world, &r, CONSUMER);
    work_refused(assay_provider_answer(&d.provider, &r, huge, PROMPT, &receipt, &ids, err), RANGE,
                 "2048");
    assert_null(ids);
    // None of it moved the sequence or left a file.
    assert_int_equal(next_of(&d, &session), 1);
    assert_int_equal(files_in(&d, "pending"), 0);
    assay_provider_close(&d.provider);
}

static void sessions_are_refused_by_number(void **state) {
    desk d;
    assay_request r;
    desk_open(&d);
    const struct {
        uint32_t provider;
        uint64_t deposit, price_in, price_out;
        assay_status status;
        const char *words;
    } cases[] = {{RIVAL, OPEN, 1000, 2000, ASSAY_MISMATCH, "another provider"},
                 {PROVIDER, OPEN, 1, 2000, ASSAY_RANGE, "session pays 1 and 2000"},
                 {PROVIDER, OPEN, 0, 2000, ASSAY_RANGE, "pays 0 a prompt token"},
                 {PROVIDER, 999999, 1000, 2000, ASSAY_RANGE, "deposit has 999999 left"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assay_receipt receipt;
        assay_error why = {0};
        assay_hash session = work_session(&world, cases[i].provider, cases[i].deposit,
                                          cases[i].price_in, cases[i].price_out);
        r = work_request(&world, &session, 1, prompt, PROMPT, TOKENS);
        work_sign(&world, &r, CONSUMER);
        assay_status status = answer_to(&d, &r, &receipt, &why);
        if (status != cases[i].status || !strstr(why.text, cases[i].words))
            fail_msg("case %zu: error %d: %s", i, (int)status, why.text);
    }
    assay_provider_close(&d.provider);
    // Without the adapter's data there is no honest receipt to be made.
    desk_open_as(&d, d.home, PROVIDER, &bare);
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    r = work_request(&world, &session, 1, prompt, PROMPT, TOKENS);
    work_sign(&world, &r, CONSUMER);
    refuse(&d, &r, MISSING, "data set");
    assay_provider_close(&d.provider);
}

// A price can be anything; what no batch of this provider could hold is not answered.
static void no_bond_covers_any_price(void **state) {
    desk d;
    assay_receipt receipt;
    desk_open(&d);
    assay_hash session = work_session(&world, PROVIDER, 300 * OPEN, 10 * OPEN, 1);
    assay_request r = work_request(&world, &session, 1, prompt, PROMPT, TOKENS);
    r.max_fee = 100 * OPEN + 1;
    work_sign(&world, &r, CONSUMER);
    refuse(&d, &r, RANGE, "the provider's bond covers batches of 100000000000");
    assert_int_equal(files_in(&d, "pending"), 0);
    r.max_fee--;
    work_sign(&world, &r, CONSUMER);
    must(answer_to(&d, &r, &receipt, err));
    // However large a bond is, a batch has its limit.
    d.provider.facts = (assay_provider_facts){d.provider.facts.height, UINT64_MAX, 0};
    d.provider.facts_ms = assay_clock_ms();
    d.provider.sessions[0].session.free = UINT64_MAX;
    d.provider.sessions[0].fetched_ms = d.provider.facts_ms;
    r.sequence = 2;
    r.max_fee = ASSAY_BATCH_FEE_MAX + 1;
    work_sign(&world, &r, CONSUMER);
    refuse(&d, &r, RANGE, "a batch holds at most 1125899906842624");
    assay_provider_close(&d.provider);
    // Nor does anything without a bond.
    desk_open_as(&d, d.home, VALIDATOR_3, &world.shop);
    session = work_session(&world, VALIDATOR_3, OPEN, 1000, 2000);
    r = work_request(&world, &session, 1, prompt, PROMPT, TOKENS);
    r.provider = world.wallets[VALIDATOR_3].address;
    work_sign(&world, &r, CONSUMER);
    refuse(&d, &r, RANGE, "the provider's bond covers batches of 0");
    assay_provider_close(&d.provider);
}

// What is pending counts against the deposit.
static void deposits_run_out(void **state) {
    desk d;
    desk_open(&d);
    assay_hash session = work_session(&world, PROVIDER, 40000, 1000, 2000);
    assay_request r = work_request(&world, &session, 1, prompt, PROMPT, TOKENS);
    assay_receipt receipt;
    r.max_fee = 16000;
    for (r.sequence = 1; r.sequence <= 2; r.sequence++) {
        work_sign(&world, &r, CONSUMER);
        must(answer_to(&d, &r, &receipt, err));
        assert_int_equal(receipt.fee, 16000);
    }
    work_sign(&world, &r, CONSUMER);
    refuse(&d, &r, RANGE, "the session's deposit has 8000 left");
    assay_provider_close(&d.provider);
}

// ---- V1 ----

static void a_receipt_is_on_disk_before_its_consumer_sees_it(void **state) {
    desk d;
    desk_open(&d);
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000), before, after;
    assay_receipt receipt = asked(&d, &session, 1);
    assert_int_equal(files_in(&d, "pending"), 1);
    desk_reopen(&d);
    assert_int_equal(d.provider.pending_count, 1);
    assay_receipt_hash(&before, &receipt);
    assay_receipt_hash(&after, &d.provider.pending[0].receipt);
    assert_memory_equal(before.bytes, after.bytes, ASSAY_HASH_SIZE);
    assert_int_equal(next_of(&d, &session), 2);
    assay_provider_close(&d.provider);
}

// A disk that takes no receipt: no answer, and the sequence stays.
static void without_a_disk_there_is_no_answer(void **state) {
    desk d;
    char pending[160];
    assay_receipt receipt;
    desk_open(&d);
    snprintf(pending, sizeof pending, "%s/pending", d.home);
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    assay_request r = work_request(&world, &session, 1, prompt, PROMPT, TOKENS);
    work_sign(&world, &r, CONSUMER);
    assert_int_equal(rmdir(pending), 0);
    assert_int_not_equal(answer_to(&d, &r, &receipt, NULL), ASSAY_OK);
    assert_int_equal(d.provider.pending_count, 0);
    assert_int_equal(next_of(&d, &session), 1);
    assert_int_equal(mkdir(pending, 0700), 0);
    asked(&d, &session, 1);
    assay_provider_close(&d.provider);
}

static void damaged_pending_files_are_named(void **state) {
    desk d;
    char path[300];
    uint8_t *data;
    size_t size;
    assay_provider_options options = {.home = d.home};
    desk_open(&d);
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    asked(&d, &session, 1);
    char hex[ASSAY_HEX_HASH_MAX];
    assay_hex_encode(hex, session.bytes, ASSAY_HASH_SIZE);
    snprintf(path, sizeof path, "%s/pending/%s-%020d", d.home, hex, 1);
    must(assay_file_read(path, 1 << 20, &data, &size, err));
    assay_provider_close(&d.provider);
    data[size - 1] ^= 1;
    must(assay_file_replace(path, data, size, 0600, err));
    work_refused(assay_provider_open(&d.provider, &world.shop, &world.wallets[PROVIDER],
                                     &world.genesis, &options, err),
                 MISMATCH, "is damaged");
    assay_provider_close(&d.provider);
    must(assay_file_replace(path, data, 3, 0600, err));
    work_refused(assay_provider_open(&d.provider, &world.shop, &world.wallets[PROVIDER],
                                     &world.genesis, &options, err),
                 TRUNCATED, "is damaged");
    assay_provider_close(&d.provider);
    free(data);
}

// A home that is used with another key: its receipts wait for the key they belong to.
static void anothers_receipts_stay_on_disk(void **state) {
    desk d;
    char home[128];
    assay_hash batch;
    desk_open(&d);
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    uint64_t fees = asked(&d, &session, 1).fee + asked(&d, &session, 2).fee;
    snprintf(home, sizeof home, "%s", d.home);
    assay_provider_close(&d.provider);
    desk_open_as(&d, home, RIVAL, &world.shop);
    assert_int_equal(d.provider.foreign_count, 2);
    assert_int_equal(d.provider.pending_count, 0);
    assert_false(assay_provider_due(&d.provider, true));
    assert_int_equal(files_in(&d, "pending"), 2);
    // The rival's own go into a batch without them.
    assay_hash other = work_session(&world, RIVAL, OPEN, 1000, 2000);
    assay_receipt receipt;
    assay_request r = work_request(&world, &other, 1, prompt, PROMPT, TOKENS);
    r.provider = world.wallets[RIVAL].address;
    work_sign(&world, &r, CONSUMER);
    must(answer_to(&d, &r, &receipt, err));
    batch = batched(&d, 1);
    assert_int_equal(work_drawn(&world, &batch).count, 1);
    assert_int_equal(files_in(&d, "pending"), 2);
    desk_reopen(&d);
    assert_int_equal(d.provider.foreign_count, 0);
    assert_int_equal(d.provider.pending_count, 2);
    assert_int_equal(next_of(&d, &session), 3);
    assert_int_equal(d.provider.sessions[0].pending_fees, fees); // whatever the files' order
    assay_provider_close(&d.provider);
}

// Two processes with one home would write over each other's receipts (V1).
static void a_home_has_one_provider(void **state) {
    desk d;
    assay_provider second;
    desk_open(&d);
    work_refused(assay_provider_open(&second, &world.shop, &world.wallets[PROVIDER], &world.genesis,
                                     &d.provider.options, err),
                 BUSY, "is in use by another process");
    assay_provider_close(&second);
    assay_provider_close(&d.provider);
}

// ---- V2 ----

static uint64_t nonce_now(void) {
    uint64_t nonce;
    must(assay_client_nonce(&nonce, &world.wallets[PROVIDER].client,
                            &world.wallets[PROVIDER].address, 0, err));
    return nonce;
}

// A node that ends before it has CometBFT's answer does not know either: what may wait is asked for
// before another batch is made of the same receipts.
static void an_ending_node_may_have_the_batch(void **state) {
    desk d;
    assay_provider_batched batch;
    desk_open(&d);
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    asked(&d, &session, 1);
    atomic_store(&world.api.closing, true);
    work_refused(assay_provider_batch(&d.provider, &batch, err), STOPPED, "the node is ending");
    atomic_store(&world.api.closing, false);
    assert_false(assay_hash_is_zero(&d.provider.waiting.id));
    batched(&d, 1);
    assay_provider_close(&d.provider);
}

// Without a place for evidence nothing is sent; and what was sent has it.
static void evidence_is_on_disk_before_its_batch_is_sent(void **state) {
    desk d;
    char path[160], name[160];
    assay_provider_batched batch;
    uint8_t *data;
    size_t size;
    desk_open(&d);
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    assay_receipt receipt = asked(&d, &session, 1);
    uint64_t nonce = nonce_now();
    snprintf(path, sizeof path, "%s/evidence", d.home);
    must(assay_file_create(path, "", 0, 0600, err));
    assert_int_not_equal(assay_provider_batch(&d.provider, &batch, NULL), ASSAY_OK);
    assert_false(batch.narrowed || batch.charged);
    assert_int_equal(nonce_now(), nonce);
    assert_int_equal(unlink(path), 0);
    sent_only(&d);
    assert_int_equal(d.provider.pending_count, 1);
    assert_int_equal(files_in(&d, "pending"), 1);
    assert_int_equal(files_in(&d, "evidence"), 1);
    assay_sumtree_node leaf;
    assay_hash hash;
    assay_receipt_hash(&hash, &receipt);
    assay_sumtree_leaf(&leaf, receipt.fee, &hash);
    must(assay_provider_evidence(&d.provider, &leaf.hash, "receipts", &data, &size, err));
    assert_int_equal(size, assay_receipts_file_size((uint32_t)(size - 16), 1));
    free(data);
    must(assay_provider_evidence(&d.provider, &leaf.hash, "leaf/0", &data, &size, err));
    assert_int_equal(size, assay_leaf_file_size(PROMPT, receipt.output_count));
    free(data);
    snprintf(name, sizeof name, "leaf/1");
    work_refused(assay_provider_evidence(&d.provider, &leaf.hash, name, &data, &size, err),
                 NOT_FOUND, "");
    assay_provider_close(&d.provider);
}

// ---- V6 ----

// A model that too few can rerun: the ledger refuses the batch, as often as it is tried. Nothing
// pending is lost, and nothing is left that nobody will ask for.
static void evidence_of_refused_batches_goes(void **state) {
    desk d;
    assay_provider_batched batch;
    desk_open(&d);
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    asked(&d, &session, 1);
    work_declare(&world, VALIDATOR_3, false, false);
    for (int i = 0; i < 2; i++) {
        work_refused(assay_provider_batch(&d.provider, &batch, err), REJECTED, "bond");
        assert_true(batch.charged);
        assert_int_equal(files_in(&d, "pending"), 1);
        assert_int_equal(files_in(&d, "evidence"), 0);
        d.provider.pending[0].hold_until_ms = 0;
    }
    // One with this root was sent before, and for all that is known it may be taken.
    sent_only(&d);
    assert_int_equal(files_in(&d, "evidence"), 1);
    assay_status status;
    while ((status = assay_provider_batch(&d.provider, &batch, NULL)) == ASSAY_TIMEOUT) {
    } // until that one is in a block
    assert_int_equal(status, ASSAY_REJECTED);
    assert_int_equal(files_in(&d, "evidence"), 1);
    desk_reopen(&d);
    work_refused(assay_provider_batch(&d.provider, &batch, err), REJECTED, "bond");
    assert_int_equal(files_in(&d, "evidence"), 1);
    work_declare(&world, VALIDATOR_3, true, true);
    d.provider.pending[0].hold_until_ms = 0;
    batched(&d, 1);
    assert_int_equal(files_in(&d, "evidence"), 1);
    assay_provider_close(&d.provider);
}

// The base's lineage has a place beside those of as many adapters as --adapter takes.
static void all_that_is_loaded_is_served(void **state) {
    desk d;
    assay_receipt receipt;
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    desk_open(&d);
    for (uint8_t i = 0; i < ASSAY_OPTION_TEXTS_MAX; i++)
        d.provider.lineages[d.provider.lineage_count++].adapter = (assay_hash){{i, 1}};
    assay_request r = work_request(&world, &session, 1, prompt, PROMPT, TOKENS);
    memset(&r.adapter, 0, sizeof r.adapter);
    work_sign(&world, &r, CONSUMER);
    must(answer_to(&d, &r, &receipt, err));
    assay_provider_close(&d.provider);
}

// F-46: an answer that was lost on its way is given again, and not paid twice.
static void a_repeated_request_has_the_same_answer(void **state) {
    desk d;
    assay_hash a, b;
    uint32_t *first, *second;
    assay_receipt receipt, again;
    desk_open(&d);
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    assay_request r = work_request(&world, &session, 1, prompt, PROMPT, TOKENS);
    work_sign(&world, &r, CONSUMER);
    must(assay_provider_answer(&d.provider, &r, prompt, PROMPT, &receipt, &first, err));
    must(assay_provider_answer(&d.provider, &r, prompt, PROMPT, &again, &second, err));
    assay_receipt_hash(&a, &receipt);
    assay_receipt_hash(&b, &again);
    assert_memory_equal(a.bytes, b.bytes, ASSAY_HASH_SIZE);
    assert_memory_equal(first, second, receipt.output_count * sizeof *first);
    free(first);
    free(second);
    assert_int_equal(d.provider.pending_count, 1);
    r.seed = 1;
    work_sign(&world, &r, CONSUMER);
    refuse(&d, &r, ORDER, "sequence 1, expected 2");
    assay_provider_close(&d.provider);
}

// ---- V7 ----

// Asks once more what was answered. Returns: whether it is the same answer.
static bool is_again(desk *d, const assay_receipt *receipt) {
    assay_receipt again;
    assay_hash digest;
    uint32_t *ids;
    assay_error why = {0};
    if (assay_provider_answer(&d->provider, &receipt->request, prompt, PROMPT, &again, &ids,
                              &why) != ASSAY_OK) {
        assert_int_equal(why.status, ASSAY_ORDER);
        return false;
    }
    assay_ids_digest(&digest, ids, again.output_count);
    free(ids);
    assert_int_equal(assay_receipt_compare(&again, receipt), 0);
    assert_memory_equal(digest.bytes, receipt->output_digest.bytes, ASSAY_HASH_SIZE);
    return true;
}

static void look(desk *d) {
    assay_provider_facts facts;
    must(assay_provider_look(&d->provider, &facts, err));
}

// F-46: whoever lost an answer has it again after its batch is in a block, and pays once.
static void answers_outlast_their_batch(void **state) {
    desk d;
    assay_receipt receipts[2];
    desk_open(&d);
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    for (uint64_t i = 0; i < 2; i++)
        receipts[i] = asked(&d, &session, i + 1);
    batched(&d, 2);
    uint64_t reserved = session_now(&session).reserved;
    assert_int_equal(files_in(&d, "pending"), 0);
    assert_int_equal(files_in(&d, "answered"), 2);
    for (int run = 0; run < 2; run++) {
        assert_true(is_again(&d, &receipts[0]) && is_again(&d, &receipts[1]));
        assay_request r = receipts[0].request;
        r.seed = 1;
        work_sign(&world, &r, CONSUMER);
        refuse(&d, &r, ORDER, "sequence 1, expected 3");
        r = receipts[0].request;
        work_sign(&world, &r, RIVAL);
        refuse(&d, &r, SIGNATURE, "not signed by its session's keys");
        batched(&d, 0);
        assert_int_equal(d.provider.pending_count, 0);
        desk_reopen(&d);
    }
    asked(&d, &session, 3);
    batched(&d, 1);
    assert_int_equal(session_now(&session).last_sequence, 3);
    assert_int_equal(session_now(&session).reserved, reserved + reserved / 2);
    assay_provider_close(&d.provider);
}

// Killed after the block and before any file, or one of two, was renamed.
static void a_kill_between_block_and_rename_loses_no_answer(void **state) {
    desk d;
    char command[400], hex[ASSAY_HEX_HASH_MAX];
    assay_receipt receipts[2];
    desk_open(&d);
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    assay_hex_encode(hex, session.bytes, ASSAY_HASH_SIZE);
    for (uint64_t i = 0; i < 2; i++)
        receipts[i] = asked(&d, &session, i + 1);
    batched(&d, 2);
    uint64_t reserved = session_now(&session).reserved;
    for (int renamed = 0; renamed < 2; renamed++) {
        snprintf(command, sizeof command, "mv %s/answered/%s-*%s %s/pending/", d.home, hex,
                 renamed ? "2" : "", d.home);
        assert_int_equal(system(command), 0);
        desk_reopen(&d);
        assert_int_equal(d.provider.pending_count, 2 - renamed);
        batched(&d, 0);
        assert_int_equal(files_in(&d, "pending"), 0);
        assert_int_equal(files_in(&d, "answered"), 2);
        assert_true(is_again(&d, &receipts[0]) && is_again(&d, &receipts[1]));
    }
    assert_int_equal(session_now(&session).reserved, reserved);
    assay_provider_close(&d.provider);
}

// The oldest go first, at the next batch and at the next opening.
static void answers_are_kept_up_to_a_number(void **state) {
    desk d;
    assay_receipt receipts[4];
    assay_answered fewer;
    desk_open(&d);
    assert_int_equal(d.provider.answered.file_max, ASSAY_PROVIDER_ANSWERED_MAX);
    d.provider.answered.file_max = 3;
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    for (uint64_t i = 0; i < 4; i++) {
        receipts[i] = asked(&d, &session, i + 1);
        work_sleep(20); // files have their times
        if (i % 2) batched(&d, 2);
    }
    assert_int_equal(files_in(&d, "answered"), 3);
    assert_false(is_again(&d, &receipts[0]));
    assert_true(is_again(&d, &receipts[1]));
    must(assay_answered_open(&fewer, d.home, 1, err));
    assert_int_equal(fewer.file_count, 1);
    assay_answered_close(&fewer);
    assert_int_equal(files_in(&d, "answered"), 1);
    assert_false(is_again(&d, &receipts[2]));
    assert_true(is_again(&d, &receipts[3]));
    assay_provider_close(&d.provider);
}

// A session's answers go once it has ended, while the provider runs or not.
static void answers_go_with_their_session(void **state) {
    desk d;
    desk_open(&d);
    for (int run = 0; run < 2; run++) {
        assay_hash dead = work_session(&world, PROVIDER, OPEN, 1000, 2000);
        assay_hash live = work_session(&world, PROVIDER, OPEN, 1000, 2000);
        assay_receipt lost = asked(&d, &dead, 1), kept = asked(&d, &live, 1);
        batched(&d, 2);
        look(&d);
        assert_int_equal(files_in(&d, "answered"), 2 + run);
        session_close(&dead);
        until_ended(&dead);
        if (run) desk_reopen(&d);
        look(&d);
        assert_int_equal(files_in(&d, "answered"), 1 + run);
        assert_int_equal(d.provider.answered.file_count, 1 + run);
        refuse(&d, &lost.request, RANGE, "session ended at height");
        assert_true(is_again(&d, &kept));
    }
    assay_provider_close(&d.provider);
}

// However many there are, each session is asked for in its turn.
static void all_sessions_have_their_turn(void **state) {
    enum { SESSIONS = 5, ROOM = 2 };
    desk d;
    assay_hash ids[ROOM];
    uint32_t seen[SESSIONS] = {0};
    desk_open(&d);
    for (uint32_t i = 0; i < 2 * SESSIONS; i++)
        d.provider.answered.files[d.provider.answered.file_count++] =
            (assay_answered_file){{{(uint8_t)(i / 2)}}, 1 + i % 2, 0};
    for (int i = 0; i < SESSIONS; i++) {
        assert_int_equal(assay_answered_sessions(&d.provider.answered, ids, ROOM), ROOM);
        for (uint32_t k = 0; k < ROOM; k++)
            seen[ids[k].bytes[0]]++;
        assert_int_not_equal(ids[0].bytes[0], ids[1].bytes[0]);
    }
    for (uint32_t i = 0; i < SESSIONS; i++)
        assert_true(seen[i] > 0);
    assay_hash all[SESSIONS + 1];
    assert_int_equal(assay_answered_sessions(&d.provider.answered, all, SESSIONS + 1), SESSIONS);
    assay_provider_close(&d.provider);
}

// ---- V4 and batches ----

static void batches_hold_what_is_pending(void **state) {
    desk d;
    assay_hash batch, ids[2];
    assay_batch found;
    assay_batch_tables tables;
    assay_arena arena;
    uint64_t fees = 0;
    desk_open(&d);
    for (int i = 0; i < 2; i++)
        ids[i] = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    // Not in the order of a batch.
    fees += asked(&d, &ids[1], 1).fee;
    assert_false(assay_provider_due(&d.provider, false));
    fees += asked(&d, &ids[0], 1).fee;
    assert_true(assay_provider_due(&d.provider, false));
    fees += asked(&d, &ids[1], 2).fee;
    batch = batched(&d, 3);
    assay_arena_init(&arena, ASSAY_TABLE_ARENA_MAX);
    must(assay_batch_fetch(&found, &tables, &world.wallets[CONSUMER].client, &batch, &arena, err));
    assert_int_equal(found.count, 3);
    assert_int_equal(found.fee_total, fees);
    assert_int_equal(tables.sessions.count, 2);
    assert_int_equal(tables.models.count, 1);
    assay_arena_close(&arena);
    assert_int_equal(d.provider.pending_count, 0);
    assert_int_equal(files_in(&d, "pending"), 0);
    assert_int_equal(next_of(&d, &ids[1]), 3);
    batched(&d, 0);
    assert_false(assay_provider_due(&d.provider, true));
    // Another batch goes on where this one ended.
    asked(&d, &ids[1], 3);
    batched(&d, 1);
    assert_int_equal(session_now(&ids[1]).last_sequence, 3);
    assay_provider_close(&d.provider);
}

// A crash after the block and before the files are gone: the batch is not made twice, and what came
// later is not held up.
static void what_is_in_a_block_is_pending_no_more(void **state) {
    desk d;
    char command[400];
    assay_hash batch;
    desk_open(&d);
    assay_hash session = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    asked(&d, &session, 1);
    asked(&d, &session, 2);
    snprintf(command, sizeof command, "cp -r %s/pending %s/kept", d.home, d.home);
    assert_int_equal(system(command), 0);
    batched(&d, 2);
    uint64_t reserved = session_now(&session).reserved;
    snprintf(command, sizeof command, "cp %s/kept/* %s/pending/", d.home, d.home);
    assert_int_equal(system(command), 0);
    desk_reopen(&d);
    assert_int_equal(d.provider.pending_count, 2);
    assert_int_equal(next_of(&d, &session), 3);
    asked(&d, &session, 3);
    batch = batched(&d, 1);
    assert_int_equal(work_drawn(&world, &batch).count, 1);
    assert_int_equal(session_now(&session).last_sequence, 3);
    assert_int_equal(session_now(&session).reserved, reserved + reserved / 2);
    assert_int_equal(files_in(&d, "pending"), 0);
    assay_provider_close(&d.provider);
}

// A session that ended takes its receipts with it, and nobody else's.
static void an_ended_session_holds_up_nobody(void **state) {
    desk d;
    assay_hash batch;
    desk_open(&d);
    assay_hash dead = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    assay_hash live = work_session(&world, PROVIDER, OPEN, 1000, 2000);
    asked(&d, &dead, 1);
    asked(&d, &live, 1);
    session_close(&dead);
    until_ended(&dead);
    batch = batched(&d, 1);
    assert_int_equal(work_drawn(&world, &batch).count, 1);
    assert_int_equal(d.provider.pending_count, 0);
    assay_request r = work_request(&world, &dead, 2, prompt, PROMPT, TOKENS);
    work_sign(&world, &r, CONSUMER);
    refuse(&d, &r, RANGE, "session ended at height");
    assay_provider_close(&d.provider);
}

// docs/api.md: 404 of its server.
static void sessions_of_others_are_not_found(void **state) {
    desk d;
    uint64_t next;
    desk_open(&d);
    assay_hash session = work_session(&world, RIVAL, OPEN, 1000, 2000);
    work_refused(assay_provider_next_sequence(&d.provider, &session, &next, err), NOT_FOUND,
                 "another provider's");
    assay_provider_close(&d.provider);
}

// The ledger asks 1,000 nopen of a batch: less is not sent to be refused for a fee.
static void small_change_waits(void **state) {
    desk d;
    desk_open(&d);
    d.provider.options.batch_ms = 0;
    assay_hash session = work_session(&world, PROVIDER, OPEN, 50, 60);
    uint64_t fees = 0;
    for (uint64_t sequence = 1; fees < 1000; sequence++) {
        assert_false(assay_provider_due(&d.provider, true));
        fees += asked(&d, &session, sequence).fee;
    }
    assert_true(assay_provider_due(&d.provider, false));
    assay_provider_close(&d.provider);
}

static int world_make(void **state) {
    work_init(&world);
    world.genesis.params.min_batch_fee = 1000;
    work_start(&world);
    sent_prepare();
    work_shop_open(&world, &bare, false, 1);
    work_prompt(prompt, 1);
    return 0;
}

static int all_end(void **state) {
    assay_workshop_close(&bare);
    return world_end(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_refused_by_number),
        cmocka_unit_test(sessions_are_refused_by_number),
        cmocka_unit_test(no_bond_covers_any_price),
        cmocka_unit_test(deposits_run_out),
        cmocka_unit_test(a_receipt_is_on_disk_before_its_consumer_sees_it),
        cmocka_unit_test(without_a_disk_there_is_no_answer),
        cmocka_unit_test(damaged_pending_files_are_named),
        cmocka_unit_test(anothers_receipts_stay_on_disk),
        cmocka_unit_test(a_home_has_one_provider),
        cmocka_unit_test(an_ending_node_may_have_the_batch),
        cmocka_unit_test(evidence_is_on_disk_before_its_batch_is_sent),
        cmocka_unit_test(evidence_of_refused_batches_goes),
        cmocka_unit_test(all_that_is_loaded_is_served),
        cmocka_unit_test(a_repeated_request_has_the_same_answer),
        cmocka_unit_test(answers_outlast_their_batch),
        cmocka_unit_test(a_kill_between_block_and_rename_loses_no_answer),
        cmocka_unit_test(answers_are_kept_up_to_a_number),
        cmocka_unit_test(answers_go_with_their_session),
        cmocka_unit_test(all_sessions_have_their_turn),
        cmocka_unit_test(sessions_of_others_are_not_found),
        cmocka_unit_test(batches_hold_what_is_pending),
        cmocka_unit_test(what_is_in_a_block_is_pending_no_more),
        cmocka_unit_test(an_ended_session_holds_up_nobody),
        cmocka_unit_test(small_change_waits),
    };
    return cmocka_run_group_tests(tests, world_make, all_end);
}
