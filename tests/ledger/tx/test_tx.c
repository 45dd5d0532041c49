// SPDX-License-Identifier: Apache-2.0
// The binary form of transactions: one encoding, bounded, every limit refused by number (P-2, P-6,
// P-7, P-8, P-9, P-10). The limits stand here a second time, by hand.
#include "tests/ledger/cases.h"

#include "base/sha256.h"
#include "ledger/tx/reject.h"

static assay_tx tx_of(cases *all, assay_tx_kind kind) {
    assay_tx tx;
    cases_tx_of(all, kind, &tx);
    return tx;
}

static void expect_refused(const assay_tx *tx, uint32_t reject) {
    uint8_t out[4096];
    size_t size;
    assay_error err = {0};
    assert_int_equal(assay_tx_check(tx, &err), ASSAY_REJECTED);
    if (err.reject != reject)
        fail_msg("%s: code %u instead of %u: %s", assay_tx_kind_name(tx->kind), err.reject, reject,
                 err.text);
    assert_int_equal(assay_tx_encode(tx, out, sizeof out, &size, NULL), ASSAY_REJECTED);
}

// Bytes as they are must be refused; decoded from memory of exactly their size.
static void expect_bytes_refused(const uint8_t *bytes, size_t size, uint32_t reject) {
    uint8_t *data = malloc(size ? size : 1);
    assay_arena arena;
    assay_tx tx;
    assay_error err = {0};
    assert_non_null(data);
    memcpy(data, bytes, size);
    assay_arena_init(&arena, ASSAY_TX_ARENA_MAX);
    assert_int_equal(assay_tx_decode(&tx, data, size, &arena, &err), ASSAY_REJECTED);
    if (err.reject != reject)
        fail_msg("%zu bytes: code %u instead of %u: %s", size, err.reject, reject, err.text);
    assay_arena_close(&arena);
    free(data);
}

static void expect_round_trip(const assay_tx *tx) {
    size_t size, again_size;
    assay_tx back;
    assay_arena arena;
    assay_error err = {0};
    uint8_t *data = cases_encode(tx, &size);
    assay_arena_init(&arena, ASSAY_TX_ARENA_MAX);
    if (assay_tx_decode(&back, data, size, &arena, &err) != ASSAY_OK)
        fail_msg("%s: %s", assay_tx_kind_name(tx->kind), err.text);
    uint8_t *again = cases_encode(&back, &again_size);
    assert_int_equal(again_size, size);
    assert_memory_equal(again, data, size);
    // The JSON form shows every field, so equal JSON is equal meaning.
    json_t *a = assay_tx_to_json(tx), *b = assay_tx_to_json(&back);
    assert_true(json_equal(a, b));
    json_decref(a);
    json_decref(b);
    assay_arena_close(&arena);
    free(again);
    free(data);
}

static void every_kind_round_trips(void **state) {
    cases all;
    cases_open(&all);
    for (size_t i = 0; i < cases_count(&all); i++) {
        assay_tx tx;
        cases_tx(&all, i, &tx, NULL);
        expect_round_trip(&tx);
    }
    cases_close(&all);
}

// P-6, P-8 written out by hand: byte for byte, what a second implementation would write.
static void the_wire_is_as_the_table_says(void **state) {
    assay_tx tx = {.kind = ASSAY_TX_OPEN_SESSION, .chain_id = 0x0102030405060708, .nonce = 9};
    memset(tx.signer.bytes, 0xa1, ASSAY_ADDRESS_SIZE);
    memset(tx.principal.bytes, 0xb2, ASSAY_ADDRESS_SIZE);
    memset(tx.body.open_session.provider.bytes, 0xc3, ASSAY_ADDRESS_SIZE);
    tx.body.open_session.deposit = 0x1122334455667788;
    tx.body.open_session.price_in = 2;
    tx.body.open_session.price_out = 3;
    tx.body.open_session.expiry = 4;
    memset(tx.signature.bytes, 0xd4, ASSAY_SIGNATURE_SIZE);
    static const char head[] = "010d0102030405060708"
                               "a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1"
                               "b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2b2"
                               "000000000000000009";
    static const char body[] = "c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3c3"
                               "1122334455667788000000000000000200000000000000030000000000000004";
    char expected[512], text[512];
    size_t used = (size_t)snprintf(expected, sizeof expected, "%s%s", head, body);
    for (int i = 0; i < ASSAY_SIGNATURE_SIZE; i++)
        used += (size_t)snprintf(expected + used, sizeof expected - used, "d4");
    size_t size;
    uint8_t *data = cases_encode(&tx, &size);
    assay_hex_encode(text, data, size);
    assert_string_equal(text, expected);
    assay_hash id, sha;
    assay_tx_id(&id, data, size);
    assay_sha256_of(&sha, data, size);
    assert_memory_equal(&id, &sha, sizeof id);
    free(data);
}

static void batch_rows_are_as_the_table_says(void **state) {
    cases all;
    cases_open(&all);
    assay_session_row session = {.first_sequence = 1, .count = 2, .fee_sum = 3};
    assay_model_row model = {.fee_sum = 4};
    assay_dataset_row dataset = {.weight = (assay_u128)5 << 64 | 6};
    assay_tx tx = tx_of(&all, ASSAY_TX_SUBMIT_BATCH);
    assay_tx_submit_batch *batch = &tx.body.submit_batch;
    memset(session.session.bytes, 0x11, ASSAY_HASH_SIZE);
    memset(model.model.bytes, 0x22, ASSAY_HASH_SIZE);
    memset(model.adapter.bytes, 0x33, ASSAY_HASH_SIZE);
    memset(dataset.dataset.bytes, 0x44, ASSAY_HASH_SIZE);
    memset(batch->root.bytes, 0x55, ASSAY_HASH_SIZE);
    *batch = (assay_tx_submit_batch){
        batch->root, 7, 8, 9, {(const uint8_t *)"u", 1}, {&session, 1}, {&model, 1}, {&dataset, 1}};
    static const char expected[] =
        "5555555555555555555555555555555555555555555555555555555555555555"
        "00000007000000000000000800000009000175"
        "000000011111111111111111111111111111111111111111111111111111111111111111"
        "0000000000000001000000020000000000000003"
        "000000012222222222222222222222222222222222222222222222222222222222222222"
        "33333333333333333333333333333333333333333333333333333333333333330000000000000004"
        "000000014444444444444444444444444444444444444444444444444444444444444444"
        "00000000000000050000000000000006";
    size_t size;
    uint8_t *data = cases_encode(&tx, &size);
    char text[1024];
    assay_hex_encode(text, data + ASSAY_TX_HEAD_SIZE,
                     size - ASSAY_TX_HEAD_SIZE - ASSAY_SIGNATURE_SIZE);
    assert_string_equal(text, expected);
    free(data);
    cases_close(&all);
}

static void refuses_every_truncation_and_trailing_bytes(void **state) {
    cases all;
    cases_open(&all);
    for (unsigned kind = 1; kind <= ASSAY_TX_KIND_COUNT; kind++) {
        assay_tx tx = tx_of(&all, (assay_tx_kind)kind);
        size_t size;
        uint8_t *data = cases_encode(&tx, &size);
        for (size_t cut = 0; cut < size; cut++)
            expect_bytes_refused(data, cut, ASSAY_REJECT_TX_TRUNCATED);
        uint8_t *more = calloc(1, size + 1);
        assert_non_null(more);
        memcpy(more, data, size);
        expect_bytes_refused(more, size + 1, ASSAY_REJECT_TX_TRAILING);
        free(more);
        free(data);
    }
    cases_close(&all);
}

// No flip is taken for the transaction it was made from: what decodes encodes to other bytes.
static void every_flipped_bit_is_seen(void **state) {
    cases all;
    cases_open(&all);
    for (unsigned kind = 1; kind <= ASSAY_TX_KIND_COUNT; kind++) {
        assay_tx tx = tx_of(&all, (assay_tx_kind)kind), back;
        size_t size, again_size;
        uint8_t *data = cases_encode(&tx, &size);
        for (size_t bit = 0; bit < 8 * size; bit += 7) {
            data[bit / 8] ^= (uint8_t)(1 << (bit % 8));
            assay_error err = {0};
            assay_arena arena;
            assay_arena_init(&arena, ASSAY_TX_ARENA_MAX);
            if (assay_tx_decode(&back, data, size, &arena, &err) == ASSAY_OK) {
                uint8_t *again = cases_encode(&back, &again_size);
                assert_int_equal(again_size, size);
                assert_memory_equal(again, data, size);
                free(again);
            } else {
                assert_int_equal(err.status, ASSAY_REJECTED);
                assert_in_range(err.reject, 100, 139);
            }
            assay_arena_close(&arena);
            data[bit / 8] ^= (uint8_t)(1 << (bit % 8));
        }
        free(data);
    }
    cases_close(&all);
}

static void refuses_a_wrong_envelope(void **state) {
    cases all;
    cases_open(&all);
    assay_tx tx = tx_of(&all, ASSAY_TX_TRANSFER);
    size_t size;
    uint8_t *data = cases_encode(&tx, &size);
    for (unsigned value = 0; value < 256; value++) {
        data[0] = (uint8_t)value;
        if (value != 1) expect_bytes_refused(data, size, ASSAY_REJECT_TX_VERSION);
        data[0] = 1;
        data[1] = (uint8_t)value;
        if (value == 0 || value > ASSAY_TX_KIND_COUNT)
            expect_bytes_refused(data, size, ASSAY_REJECT_TX_KIND);
        data[1] = ASSAY_TX_TRANSFER;
        data[50] = (uint8_t)value;
        if (value != 0) expect_bytes_refused(data, size, ASSAY_REJECT_TX_LANE);
        data[50] = 0;
    }
    free(data);
    tx.kind = (assay_tx_kind)0;
    expect_refused(&tx, ASSAY_REJECT_TX_KIND);
    tx.kind = (assay_tx_kind)(ASSAY_TX_KIND_COUNT + 1);
    expect_refused(&tx, ASSAY_REJECT_TX_KIND);
    tx = tx_of(&all, ASSAY_TX_VERDICT_COMMIT);
    tx.lane = 0;
    expect_refused(&tx, ASSAY_REJECT_TX_LANE);
    cases_close(&all);
}

static void refuses_more_than_a_mebibyte(void **state) {
    uint8_t *data = calloc(1, ASSAY_TX_SIZE_MAX + 1);
    assert_non_null(data);
    expect_bytes_refused(data, ASSAY_TX_SIZE_MAX + 1, ASSAY_REJECT_TX_SIZE);
    expect_bytes_refused(data, ASSAY_TX_SIZE_MAX, ASSAY_REJECT_TX_VERSION); // its size is legal
    free(data);
    cases all;
    cases_open(&all);
    // 21,000 session rows of 52 bytes are over; 20,000 are not.
    enum { ROWS = 21000 };
    assay_session_row *rows = calloc(ROWS, sizeof *rows);
    assert_non_null(rows);
    for (uint32_t i = 0; i < ROWS; i++) {
        assay_store_be32(rows[i].session.bytes, i);
        rows[i].first_sequence = rows[i].count = 1;
        rows[i].fee_sum = 1;
    }
    assay_tx tx = tx_of(&all, ASSAY_TX_SUBMIT_BATCH);
    tx.body.submit_batch.sessions = (assay_session_list){rows, ROWS};
    size_t size;
    assay_error err = {0};
    uint8_t *out = malloc(2 * ASSAY_TX_SIZE_MAX);
    assert_non_null(out);
    assert_int_equal(assay_tx_encode(&tx, out, 2 * ASSAY_TX_SIZE_MAX, &size, &err), ASSAY_REJECTED);
    assert_int_equal(err.reject, ASSAY_REJECT_TX_SIZE);
    tx.body.submit_batch.sessions.count = 20000;
    expect_round_trip(&tx);
    assert_int_equal(assay_tx_encode(&tx, out, 1024 * 1000, &size, &err), ASSAY_CAPACITY);
    free(out);
    free(rows);
    cases_close(&all);
}

// A claimed row count costs nothing before the bytes for it are there.
static void counts_are_checked_before_memory_is_taken(void **state) {
    cases all;
    cases_open(&all);
    assay_tx tx = tx_of(&all, ASSAY_TX_DECLARE_ROOTS);
    tx.body.declare_roots.roots.count = 0;
    size_t size;
    uint8_t *data = cases_encode(&tx, &size);
    assay_store_be32(data + ASSAY_TX_HEAD_SIZE, 257);
    expect_bytes_refused(data, size, ASSAY_REJECT_TX_COUNT);
    assay_store_be32(data + ASSAY_TX_HEAD_SIZE, UINT32_MAX);
    expect_bytes_refused(data, size, ASSAY_REJECT_TX_COUNT);
    assay_store_be32(data + ASSAY_TX_HEAD_SIZE, 256);
    assay_arena none = {0};
    assay_error err = {0};
    assert_int_equal(assay_tx_decode(&tx, data, size, &none, &err), ASSAY_REJECTED);
    assert_int_equal(err.reject, ASSAY_REJECT_TX_TRUNCATED);
    free(data);
    tx = tx_of(&all, ASSAY_TX_DECLARE_ROOTS);
    data = cases_encode(&tx, &size);
    assert_int_equal(assay_tx_decode(&tx, data, size, &none, &err), ASSAY_CAPACITY);
    free(data);
    cases_close(&all);
}

// `field` in a good transaction: most and least pass; one less and `over` (0: none) do not.
#define EXPECT_LIMITS(kind, member, field, least, most, over)                                      \
    do {                                                                                           \
        assay_tx tx = tx_of(all, kind);                                                            \
        tx.body.member.field = (most);                                                             \
        expect_round_trip(&tx);                                                                    \
        tx.body.member.field = (least);                                                            \
        expect_round_trip(&tx);                                                                    \
        if ((least) > 0) {                                                                         \
            tx.body.member.field = (least)-1;                                                      \
            expect_refused(&tx, ASSAY_REJECT_TX_RANGE);                                            \
        }                                                                                          \
        if ((over) > 0) {                                                                          \
            tx.body.member.field = (over);                                                         \
            expect_refused(&tx, ASSAY_REJECT_TX_RANGE);                                            \
        }                                                                                          \
    } while (0)

static void numbers_keep_their_limits_with(cases *all) {
    EXPECT_LIMITS(ASSAY_TX_TRANSFER, transfer, amount, 1, UINT64_MAX, 0);
    EXPECT_LIMITS(ASSAY_TX_BOND, bond, role, 1, 3, 4);
    EXPECT_LIMITS(ASSAY_TX_BOND, bond, amount, 1, UINT64_MAX, 0);
    EXPECT_LIMITS(ASSAY_TX_UNBOND, unbond, role, 1, 3, 4);
    EXPECT_LIMITS(ASSAY_TX_UNBOND, unbond, amount, 1, UINT64_MAX, 0);
    EXPECT_LIMITS(ASSAY_TX_AUTHORIZE_AGENT, authorize_agent, scopes, 1, 127, 128);
    EXPECT_LIMITS(ASSAY_TX_AUTHORIZE_AGENT, authorize_agent, expiry, 1, UINT64_MAX, 0);
    EXPECT_LIMITS(ASSAY_TX_AUTHORIZE_AGENT, authorize_agent, limit, 0, UINT64_MAX, 0);
    EXPECT_LIMITS(ASSAY_TX_REGISTER_DATASET, register_dataset, chunk_count, 1, UINT64_MAX, 0);
    EXPECT_LIMITS(ASSAY_TX_REGISTER_DATASET, register_dataset, byte_count, 1, UINT64_MAX, 0);
    EXPECT_LIMITS(ASSAY_TX_REGISTER_MODEL, register_model, byte_count, 1, UINT64_C(1) << 44,
                  (UINT64_C(1) << 44) + 1);
    EXPECT_LIMITS(ASSAY_TX_REGISTER_MODEL, register_model, royalty_ppm, 0, 1000000, 1000001);
    EXPECT_LIMITS(ASSAY_TX_REGISTER_ADAPTER, register_adapter, byte_count, 1, UINT64_C(1) << 44,
                  (UINT64_C(1) << 44) + 1);
    EXPECT_LIMITS(ASSAY_TX_REGISTER_ADAPTER, register_adapter, royalty_ppm, 0, 1000000, 1000001);
    EXPECT_LIMITS(ASSAY_TX_REGISTER_CHAIN, register_chain, length, 1, UINT64_MAX, 0);
    EXPECT_LIMITS(ASSAY_TX_OPEN_SESSION, open_session, deposit, 1, UINT64_MAX, 0);
    EXPECT_LIMITS(ASSAY_TX_OPEN_SESSION, open_session, price_in, 0, UINT64_MAX, 0);
    EXPECT_LIMITS(ASSAY_TX_OPEN_SESSION, open_session, price_out, 0, UINT64_MAX, 0);
    EXPECT_LIMITS(ASSAY_TX_OPEN_SESSION, open_session, expiry, 1, UINT64_MAX, 0);
    EXPECT_LIMITS(ASSAY_TX_SUBMIT_BATCH, submit_batch, count, 1, 65536, 65537);
    EXPECT_LIMITS(ASSAY_TX_SUBMIT_BATCH, submit_batch, fee_total, 1, UINT64_MAX, 0);
    EXPECT_LIMITS(ASSAY_TX_SUBMIT_BATCH, submit_batch, receipt_bytes, 1, UINT32_MAX, 0);
    EXPECT_LIMITS(ASSAY_TX_VERDICT_COMMIT, verdict_commit, sample, 0, UINT32_MAX, 0);
    EXPECT_LIMITS(ASSAY_TX_VERDICT_COMMIT, verdict_commit, round, 0, UINT8_MAX, 0);
    EXPECT_LIMITS(ASSAY_TX_VERDICT_REVEAL, verdict_reveal, round, 0, UINT8_MAX, 0);
    EXPECT_LIMITS(ASSAY_TX_POST_EVIDENCE, post_evidence, part_count, 1, UINT16_MAX, 0);
    EXPECT_LIMITS(ASSAY_TX_WITHDRAW, withdraw, amount, 1, UINT64_MAX, 0);
}

static void numbers_keep_their_limits(void **state) {
    cases all;
    cases_open(&all);
    numbers_keep_their_limits_with(&all);

    assay_tx tx = tx_of(&all, ASSAY_TX_POST_EVIDENCE);
    tx.body.post_evidence.part_count = 3;
    tx.body.post_evidence.part = 2;
    expect_round_trip(&tx);
    tx.body.post_evidence.part = 3;
    expect_refused(&tx, ASSAY_REJECT_TX_RANGE);

    tx = tx_of(&all, ASSAY_TX_VERDICT_REVEAL);
    for (unsigned verdict = 0; verdict < 256; verdict++) {
        tx.body.verdict_reveal.verdict = (uint8_t)verdict;
        bool known = verdict <= 6 || (verdict >= 32 && verdict <= 35);
        assert_int_equal(assay_verdict_is_known((uint8_t)verdict), known);
        if (known)
            expect_round_trip(&tx);
        else
            expect_refused(&tx, ASSAY_REJECT_TX_RANGE);
    }
    cases_close(&all);
}

// least passes unless it is 0, most passes, one beyond each does not.
static void expect_text_limits(assay_tx *tx, assay_bytes *field, size_t least, size_t most) {
    static uint8_t letters[ASSAY_EVIDENCE_PART_MAX + 1];
    memset(letters, 'x', sizeof letters);
    for (size_t size = least ? least - 1 : 0; size <= most + 1; size += size ? size : 1) {
        *field = (assay_bytes){letters, size};
        if (size >= least && size <= most)
            expect_round_trip(tx);
        else
            expect_refused(tx, ASSAY_REJECT_TX_LENGTH);
    }
    *field = (assay_bytes){letters, most};
    expect_round_trip(tx);
    *field = (assay_bytes){letters, most + 1};
    expect_refused(tx, ASSAY_REJECT_TX_LENGTH);
}

static void texts_keep_their_limits(void **state) {
    cases all;
    cases_open(&all);
    assay_tx tx = tx_of(&all, ASSAY_TX_REGISTER_DATASET);
    expect_text_limits(&tx, &tx.body.register_dataset.license, 1, 64);
    tx = tx_of(&all, ASSAY_TX_REGISTER_DATASET);
    expect_text_limits(&tx, &tx.body.register_dataset.name, 1, 64);
    tx = tx_of(&all, ASSAY_TX_REGISTER_DATASET);
    expect_text_limits(&tx, &tx.body.register_dataset.uri, 0, 256);
    tx = tx_of(&all, ASSAY_TX_REGISTER_MODEL);
    expect_text_limits(&tx, &tx.body.register_model.name, 1, 64);
    tx = tx_of(&all, ASSAY_TX_REGISTER_MODEL);
    expect_text_limits(&tx, &tx.body.register_model.uri, 0, 256);
    tx = tx_of(&all, ASSAY_TX_REGISTER_ADAPTER);
    expect_text_limits(&tx, &tx.body.register_adapter.name, 1, 64);
    tx = tx_of(&all, ASSAY_TX_REGISTER_ADAPTER);
    expect_text_limits(&tx, &tx.body.register_adapter.uri, 0, 256);
    tx = tx_of(&all, ASSAY_TX_SUBMIT_BATCH);
    expect_text_limits(&tx, &tx.body.submit_batch.uri, 1, 256);
    tx = tx_of(&all, ASSAY_TX_POST_EVIDENCE);
    expect_text_limits(&tx, &tx.body.post_evidence.data, 1, 65536);
    tx = tx_of(&all, ASSAY_TX_REGISTER_VALIDATOR);
    expect_text_limits(&tx, &tx.body.register_validator.proof, 64, 64);

    // A length over the limit is refused before its bytes are asked for.
    size_t size;
    tx = tx_of(&all, ASSAY_TX_REGISTER_MODEL);
    uint8_t *data = cases_encode(&tx, &size);
    data[ASSAY_TX_HEAD_SIZE + 44] = 0xff;
    expect_bytes_refused(data, size, ASSAY_REJECT_TX_LENGTH);
    free(data);
    cases_close(&all);
}

static void texts_are_clean_utf8(void **state) {
    static const char *const good[] = {" ",
                                       "~",
                                       "\xc2\xa0",
                                       "\xc3\xa9",
                                       "\xe2\x82\xac",
                                       "\xf0\x9f\xa6\x89",
                                       "\xf4\x8f\xbf\xbf",
                                       "\xed\x9f\xbf"};
    static const char *const bad[] = {
        "\x01",
        "\n",
        "\x1f",
        "\x7f",
        "\xc2\x80",
        "\xc2\x9f",
        "\x80",
        "\xc0\xaf",
        "\xc1\xbf",
        "\xc3",
        "\xe0\x80\xaf",
        "\xe2\x82",
        "\xed\xa0\x80",
        "\xf0\x80\x80\xaf",
        "\xf0\x9f\xa6",
        "\xf4\x90\x80\x80",
        "\xf8\x88\x80\x80",
        "\xff",
        "a\xc3(",
    };
    cases all;
    cases_open(&all);
    assay_tx tx = tx_of(&all, ASSAY_TX_REGISTER_MODEL);
    assay_bytes *name = &tx.body.register_model.name;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        *name = (assay_bytes){(const uint8_t *)good[i], strlen(good[i])};
        expect_round_trip(&tx);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        *name = (assay_bytes){(const uint8_t *)bad[i], strlen(bad[i])};
        expect_refused(&tx, ASSAY_REJECT_TX_TEXT);
    }
    *name = (assay_bytes){(const uint8_t *)"a\0b", 3};
    expect_refused(&tx, ASSAY_REJECT_TX_TEXT);
    cases_close(&all);
}

static void lists_ascend_and_are_bounded(void **state) {
    cases all;
    cases_open(&all);
    static assay_hash roots[257];
    for (uint32_t i = 0; i < 257; i++)
        assay_store_be32(roots[i].bytes + 28, i);
    assay_tx tx = tx_of(&all, ASSAY_TX_DECLARE_ROOTS);
    tx.body.declare_roots.roots = (assay_hash_list){roots, 256};
    expect_round_trip(&tx);
    tx.body.declare_roots.roots.count = 0;
    expect_round_trip(&tx);
    tx.body.declare_roots.roots.count = 257;
    expect_refused(&tx, ASSAY_REJECT_TX_COUNT);
    tx.body.declare_roots.roots.count = 256;
    roots[200] = roots[199];
    expect_refused(&tx, ASSAY_REJECT_TX_ORDER);
    roots[200].bytes[0] = 1;
    expect_refused(&tx, ASSAY_REJECT_TX_ORDER);
    cases_close(&all);
}

static void batch_tables_ascend(void **state) {
    cases all;
    cases_open(&all);
    assay_tx good = tx_of(&all, ASSAY_TX_SUBMIT_BATCH), tx = good;
    assay_session_row sessions[2] = {good.body.submit_batch.sessions.items[0],
                                     good.body.submit_batch.sessions.items[1]};
    tx.body.submit_batch.sessions = (assay_session_list){sessions, 2};
    expect_round_trip(&tx);
    sessions[1].session = sessions[0].session;
    sessions[1].first_sequence++;
    expect_refused(&tx, ASSAY_REJECT_TX_ORDER);
    tx.body.submit_batch.sessions.count = 1;
    sessions[0].count = 0;
    expect_refused(&tx, ASSAY_REJECT_TX_RANGE);
    sessions[0].count = 1;
    sessions[0].first_sequence = 0;
    expect_refused(&tx, ASSAY_REJECT_TX_RANGE);
    sessions[0].first_sequence = 1;
    sessions[0].fee_sum = 0;
    expect_refused(&tx, ASSAY_REJECT_TX_RANGE);
    tx.body.submit_batch.sessions.count = 0;
    expect_refused(&tx, ASSAY_REJECT_TX_COUNT);

    // The adapter is part of a model row's key.
    tx = good;
    assay_model_row models[2] = {good.body.submit_batch.models.items[0],
                                 good.body.submit_batch.models.items[0]};
    tx.body.submit_batch.models = (assay_model_list){models, 2};
    expect_refused(&tx, ASSAY_REJECT_TX_ORDER);
    models[0].adapter = (assay_hash){{0}};
    expect_round_trip(&tx);
    models[0].fee_sum = 0;
    expect_refused(&tx, ASSAY_REJECT_TX_RANGE);
    tx.body.submit_batch.models.count = 0;
    expect_refused(&tx, ASSAY_REJECT_TX_COUNT);

    tx = good;
    tx.body.submit_batch.datasets.count = 0;
    expect_round_trip(&tx);
    assay_dataset_row datasets[2] = {{.weight = 1}, {.weight = 2}};
    tx.body.submit_batch.datasets = (assay_dataset_list){datasets, 2};
    expect_refused(&tx, ASSAY_REJECT_TX_ORDER);
    datasets[1].dataset.bytes[31] = 1;
    datasets[1].weight = ~(assay_u128)0;
    expect_round_trip(&tx);
    cases_close(&all);
}

static void sources_add_up(void **state) {
    cases all;
    cases_open(&all);
    assay_source_row rows[33] = {{.weight_ppm = 0}};
    for (uint32_t i = 0; i < 33; i++) {
        rows[i].dataset.bytes[0] = (uint8_t)i;
        rows[i].weight_ppm = 31250;
    }
    assay_tx tx = tx_of(&all, ASSAY_TX_REGISTER_ADAPTER);
    assay_source_list *sources = &tx.body.register_adapter.sources;
    *sources = (assay_source_list){rows, 32};
    expect_round_trip(&tx);
    sources->count = 33;
    expect_refused(&tx, ASSAY_REJECT_TX_COUNT);
    sources->count = 31;
    expect_refused(&tx, ASSAY_REJECT_TX_SUM);
    sources->count = 0;
    expect_round_trip(&tx);
    sources->count = 32;
    rows[0].weight_ppm++;
    expect_refused(&tx, ASSAY_REJECT_TX_SUM);
    rows[0].weight_ppm = 0;
    expect_refused(&tx, ASSAY_REJECT_TX_RANGE);
    rows[0].weight_ppm = 1000001;
    expect_refused(&tx, ASSAY_REJECT_TX_RANGE);
    sources->count = 1;
    rows[0].weight_ppm = 1000000;
    expect_round_trip(&tx);
    cases_close(&all);
}

static void a_beacon_is_its_signers(void **state) {
    cases all;
    cases_open(&all);
    assay_tx good = tx_of(&all, ASSAY_TX_BEACON), tx = good;
    assay_domain domain;
    assay_domain_init(&domain, tx.chain_id, &(assay_hash){{0}});
    assert_int_equal(assay_tx_verify(&tx, &domain, NULL), ASSAY_OK);
    tx.nonce = UINT64_MAX; // its height
    expect_round_trip(&tx);
    tx = good;
    tx.principal.bytes[0] ^= 1;
    expect_refused(&tx, ASSAY_REJECT_TX_BEACON);
    tx = good;
    tx.signature.bytes[64] = 27;
    expect_refused(&tx, ASSAY_REJECT_TX_BEACON);
    tx = good;
    tx.chain_id++;
    assert_int_equal(assay_tx_verify(&tx, &domain, NULL), ASSAY_REJECTED);
    cases_close(&all);
}

static void kinds_have_names_lanes_and_scopes(void **state) {
    static const char *const names[] = {"transfer",         "bond",           "unbond",
                                        "authorize_agent",  "revoke_agent",   "commit_dataset",
                                        "register_dataset", "retire_dataset", "register_model",
                                        "register_adapter", "declare_roots",  "register_chain",
                                        "open_session",     "close_session",  "submit_batch",
                                        "verdict_commit",   "verdict_reveal", "post_evidence",
                                        "withdraw",         "beacon",         "register_validator"};
    static const uint8_t scopes[] = {1, 32, 32, 0,  0, 4, 4, 4,  4, 4, 8,
                                     8, 2,  2,  16, 8, 8, 8, 64, 0, 0};
    for (uint32_t kind = 1; kind <= 21; kind++) {
        assert_string_equal(assay_tx_kind_name(kind), names[kind - 1]);
        assert_int_equal(assay_tx_kind_find(names[kind - 1]), kind);
        assert_int_equal(assay_tx_lane((assay_tx_kind)kind), kind >= 16 && kind <= 18);
        assert_int_equal(assay_tx_scope((assay_tx_kind)kind), scopes[kind - 1]);
    }
    assert_null(assay_tx_kind_name(0));
    assert_null(assay_tx_kind_name(22));
    assert_int_equal(assay_tx_kind_find("challenge"), 0);
    assert_int_equal(assay_tx_kind_find(""), 0);
}

static void a_commitment_binds_its_four_parts(void **state) {
    uint8_t bytes[20 + 32 + 1 + 32];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)i;
    assay_address validator;
    assay_hash salt, probe, expected, found;
    memcpy(&validator, bytes, 20);
    memcpy(&salt, bytes + 20, 32);
    memcpy(&probe, bytes + 53, 32);
    assay_sha256_of(&expected, bytes, sizeof bytes);
    assay_verdict_commitment(&found, &validator, &salt, bytes[52], &probe);
    assert_memory_equal(&found, &expected, sizeof found);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_round_trips),
        cmocka_unit_test(the_wire_is_as_the_table_says),
        cmocka_unit_test(batch_rows_are_as_the_table_says),
        cmocka_unit_test(refuses_every_truncation_and_trailing_bytes),
        cmocka_unit_test(every_flipped_bit_is_seen),
        cmocka_unit_test(refuses_a_wrong_envelope),
        cmocka_unit_test(refuses_more_than_a_mebibyte),
        cmocka_unit_test(counts_are_checked_before_memory_is_taken),
        cmocka_unit_test(numbers_keep_their_limits),
        cmocka_unit_test(texts_keep_their_limits),
        cmocka_unit_test(texts_are_clean_utf8),
        cmocka_unit_test(lists_ascend_and_are_bounded),
        cmocka_unit_test(batch_tables_ascend),
        cmocka_unit_test(sources_add_up),
        cmocka_unit_test(a_beacon_is_its_signers),
        cmocka_unit_test(kinds_have_names_lanes_and_scopes),
        cmocka_unit_test(a_commitment_binds_its_four_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
