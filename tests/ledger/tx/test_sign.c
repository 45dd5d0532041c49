// SPDX-License-Identifier: Apache-2.0
// Keys, addresses and recoverable signatures (P-1, P-4). The addresses of the small keys are known
// to every Ethereum tool.
#include "tests/vectors.h"

#include "base/pool.h"
#include "base/sha256.h"
#include "ledger/tx/reject.h"
#include "ledger/tx/sign.h"

static const uint8_t order[32] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                  0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc, 0xe6, 0xaf, 0x48,
                                  0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41};

static assay_key key_of(uint8_t last) {
    assay_key key = {{0}};
    key.bytes[31] = last;
    return key;
}

static assay_hash digest_of(uint32_t number) {
    assay_hash digest;
    assay_sha256_of(&digest, &number, sizeof number);
    return digest;
}

static void addresses_are_ethereums(void **state) {
    static const char *const expected[] = {"7e5f4552091a69125d5dfcb7b8c2659029395bdf",
                                           "2b5ad5c4795c026514f8317c7a215e218dccd6cf",
                                           "6813eb9362372eef6200f3b1dbc3f819671cba69"};
    for (uint8_t i = 0; i < 3; i++) {
        assay_key key = key_of((uint8_t)(i + 1));
        assay_address address;
        char text[2 * ASSAY_ADDRESS_SIZE + 1];
        assert_int_equal(assay_key_address(&address, &key, NULL), ASSAY_OK);
        assay_hex_encode(text, address.bytes, ASSAY_ADDRESS_SIZE);
        assert_string_equal(text, expected[i]);
    }
}

static void refuses_scalars_outside_the_group(void **state) {
    assay_key bad[3] = {key_of(0)}, largest;
    assay_address address;
    assay_signature signature;
    assay_hash digest = digest_of(0);
    memcpy(bad[1].bytes, order, sizeof order);
    memset(bad[2].bytes, 0xff, sizeof bad[2].bytes);
    for (int i = 0; i < 3; i++) {
        assay_error err = {0};
        assert_int_equal(assay_key_address(&address, &bad[i], &err), ASSAY_RANGE);
        assert_int_equal(assay_key_sign(&signature, &bad[i], &digest, &err), ASSAY_RANGE);
    }
    memcpy(largest.bytes, order, sizeof order);
    largest.bytes[31]--;
    assert_int_equal(assay_key_address(&address, &largest, NULL), ASSAY_OK);
}

static void keys_are_made_and_cleared(void **state) {
    assay_key a, b, zero = {{0}};
    assay_address address;
    assert_int_equal(assay_key_make(&a, NULL), ASSAY_OK);
    assert_int_equal(assay_key_make(&b, NULL), ASSAY_OK);
    assert_memory_not_equal(&a, &b, sizeof a);
    assert_int_equal(assay_key_address(&address, &a, NULL), ASSAY_OK);
    assay_key_clear(&a);
    assert_memory_equal(&a, &zero, sizeof a);
}

static void signs_low_and_recovers(void **state) {
    assay_key key = key_of(5);
    assay_address own, found;
    assay_signature signature;
    bool v_seen[2] = {false, false};
    assert_int_equal(assay_key_address(&own, &key, NULL), ASSAY_OK);
    for (uint32_t i = 0; i < 64; i++) {
        assay_hash digest = digest_of(i);
        assert_int_equal(assay_key_sign(&signature, &key, &digest, NULL), ASSAY_OK);
        assert_true(signature.bytes[32] <= 0x7f);
        assert_in_range(signature.bytes[64], 27, 28);
        v_seen[signature.bytes[64] - 27] = true;
        assert_int_equal(assay_signature_recover(&found, &signature, &digest, NULL), ASSAY_OK);
        assert_memory_equal(&found, &own, sizeof own);
    }
    assert_true(v_seen[0] && v_seen[1]);
}

static void expect_form(const assay_signature *signature, const assay_hash *digest) {
    assay_address found;
    assay_error err = {0};
    assert_int_equal(assay_signature_recover(&found, signature, digest, &err), ASSAY_REJECTED);
    assert_int_equal(err.reject, ASSAY_REJECT_SIGNATURE_FORM);
}

// s → n − s with the other v is the same signature to plain ECDSA.
static void flip(assay_signature *signature) {
    int borrow = 0;
    for (int i = 31; i >= 0; i--) {
        int digit = order[i] - signature->bytes[32 + i] - borrow;
        borrow = digit < 0;
        signature->bytes[32 + i] = (uint8_t)(digit + (borrow << 8));
    }
    signature->bytes[64] = (uint8_t)(55 - signature->bytes[64]);
}

static void refuses_every_other_form(void **state) {
    assay_key key = key_of(5);
    assay_hash digest = digest_of(1);
    assay_signature good, bad;
    assert_int_equal(assay_key_sign(&good, &key, &digest, NULL), ASSAY_OK);
    bad = good;
    flip(&bad);
    expect_form(&bad, &digest);
    flip(&bad);
    assert_memory_equal(&bad, &good, sizeof bad);
    for (unsigned v = 0; v < 256; v++) {
        if (v == 27 || v == 28) continue;
        bad.bytes[64] = (uint8_t)v;
        expect_form(&bad, &digest);
    }
    bad = good;
    memset(bad.bytes, 0, 32);
    expect_form(&bad, &digest);
    bad = good;
    memset(bad.bytes + 32, 0, 32);
    expect_form(&bad, &digest);
    bad = good;
    memcpy(bad.bytes, order, 32);
    expect_form(&bad, &digest);
    memset(bad.bytes, 0xff, 32);
    expect_form(&bad, &digest);
    bad = (assay_signature){{0}};
    expect_form(&bad, &digest);
    // For a small r the nonce point's x may have been r + order: ids 2 and 3 would then recover.
    for (uint8_t r = 1; r < 32; r++) {
        bad = (assay_signature){{0}};
        bad.bytes[31] = r;
        bad.bytes[63] = 1;
        for (bad.bytes[64] = 29; bad.bytes[64] <= 30; bad.bytes[64]++)
            expect_form(&bad, &digest);
    }
}

// Half of the order itself passes the form, one more does not.
static void the_largest_s_is_exact(void **state) {
    static const char half[] = "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0";
    assay_key key = key_of(5);
    assay_hash digest = digest_of(1);
    assay_signature signature;
    assay_address found;
    assert_int_equal(assay_key_sign(&signature, &key, &digest, NULL), ASSAY_OK);
    assert_int_equal(assay_hex_decode(signature.bytes + 32, 32, half, NULL), ASSAY_OK);
    assert_int_equal(assay_signature_recover(&found, &signature, &digest, NULL), ASSAY_OK);
    signature.bytes[63]++;
    expect_form(&signature, &digest);
}

static void check_names_the_wrong_signer(void **state) {
    assay_key key = key_of(5);
    assay_hash digest = digest_of(1), other = digest_of(2);
    assay_signature signature;
    assay_address own;
    assay_error err = {0};
    assert_int_equal(assay_key_address(&own, &key, NULL), ASSAY_OK);
    assert_int_equal(assay_key_sign(&signature, &key, &digest, NULL), ASSAY_OK);
    assert_int_equal(assay_signature_check(&signature, &digest, &own, NULL), ASSAY_OK);
    assert_int_equal(assay_signature_check(&signature, &other, &own, &err), ASSAY_REJECTED);
    assert_int_equal(err.reject, ASSAY_REJECT_SIGNATURE_SIGNER);
}

typedef struct {
    assay_status status[256];
} thread_results;

static void thread_task(void *context, size_t index) {
    thread_results *results = context;
    assay_key key = key_of((uint8_t)(index + 1));
    assay_hash digest = digest_of((uint32_t)index);
    assay_signature signature;
    assay_address own;
    assay_key_address(&own, &key, NULL);
    assay_key_sign(&signature, &key, &digest, NULL);
    results->status[index] = assay_signature_check(&signature, &digest, &own, NULL);
}

static void threads_share_the_context(void **state) {
    assay_pool *pool;
    thread_results results;
    memset(&results, 0xff, sizeof results);
    assert_int_equal(assay_pool_open(&pool, 4, NULL), ASSAY_OK);
    assay_pool_run(pool, 255, thread_task, &results);
    assay_pool_close(pool);
    for (int i = 0; i < 255; i++)
        assert_int_equal(results.status[i], ASSAY_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_the_context),
        cmocka_unit_test(addresses_are_ethereums),
        cmocka_unit_test(refuses_scalars_outside_the_group),
        cmocka_unit_test(keys_are_made_and_cleared),
        cmocka_unit_test(signs_low_and_recovers),
        cmocka_unit_test(refuses_every_other_form),
        cmocka_unit_test(the_largest_s_is_exact),
        cmocka_unit_test(check_names_the_wrong_signer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
