// SPDX-License-Identifier: Apache-2.0
// EIP-712 types, digests, documents, signatures and recovered addresses against ethers (P-4, P-5),
// for every kind of transaction and for requests.
#include "tests/ledger/cases.h"

#include "ledger/tx/reject.h"

static void hash_expect(const json_t *entry, const char *name, const assay_hash *hash) {
    assay_hash expected;
    assert_int_equal(assay_json_hash(&expected, entry, name, NULL), ASSAY_OK);
    assert_memory_equal(hash->bytes, expected.bytes, ASSAY_HASH_SIZE);
}

static void document_expect(const json_t *entry, json_t *document) {
    const json_t *expected = json_object_get(entry, "typed");
    assert_non_null(document);
    if (expected && !json_equal(document, expected)) {
        char *text = json_dumps(document, JSON_INDENT(1));
        fail_msg("another document than ethers took: %s", text);
    }
    json_decref(document);
}

static void transactions_match_ethers(void **state) {
    cases all;
    unsigned kinds[ASSAY_TX_KIND_COUNT + 1] = {0}, documents = 0;
    cases_open(&all);
    for (size_t i = 0; i < cases_count(&all); i++) {
        const json_t *entry = cases_at(&all, i);
        assay_tx tx;
        assay_domain domain;
        cases_tx(&all, i, &tx, &domain);
        kinds[tx.kind]++;
        assay_hash digest;
        assay_tx_digest(&digest, &tx, &domain);
        hash_expect(entry, "digest", &digest);
        document_expect(entry, assay_tx_typed_json(&tx, &domain));
        documents += json_object_get(entry, "typed") != NULL;
        assay_error err = {0};
        if (assay_tx_verify(&tx, &domain, &err) != ASSAY_OK) fail_msg("case %zu: %s", i, err.text);
    }
    assert_int_equal(documents, ASSAY_TX_KIND_COUNT);
    for (unsigned kind = 1; kind <= ASSAY_TX_KIND_COUNT; kind++)
        assert_int_equal(kinds[kind], 4);
    cases_close(&all);
}

// Both sides sign deterministically (RFC 6979), so the signatures are equal to the byte.
static void signatures_equal_those_of_ethers(void **state) {
    cases all;
    cases_open(&all);
    for (size_t i = 0; i < cases_count(&all); i++) {
        const json_t *entry = cases_at(&all, i);
        assay_tx tx, own;
        assay_domain domain;
        assay_key key;
        cases_tx(&all, i, &tx, &domain);
        if (tx.kind == ASSAY_TX_BEACON) continue;
        assert_int_equal(assay_json_hex(key.bytes, sizeof key, entry, "key", NULL), ASSAY_OK);
        own = tx;
        memset(&own.signature, 0, sizeof own.signature);
        assert_int_equal(assay_tx_sign(&own, &domain, &key, NULL), ASSAY_OK);
        assert_memory_equal(&own.signature, &tx.signature, sizeof own.signature);
    }
    cases_close(&all);
}

static void requests_match_ethers(void **state) {
    cases all;
    cases_open(&all);
    json_t *requests = json_object_get(all.root, "requests"), *entry;
    size_t i;
    assert_int_equal(json_array_size(requests), 4);
    json_array_foreach(requests, i, entry) {
        assay_error err = {0};
        assay_request request, own;
        assay_hash genesis, digest;
        assay_address signer, expected;
        assay_domain domain;
        assay_key key;
        uint64_t chain_id;
        if (assay_request_from_json(&request, json_object_get(entry, "json"), &err) != ASSAY_OK)
            fail_msg("request %zu: %s", i, err.text);
        assert_int_equal(assay_json_u64(&chain_id, entry, "chain_id", 0, UINT64_MAX, NULL), 0);
        assert_int_equal(assay_json_hash(&genesis, entry, "genesis", NULL), ASSAY_OK);
        assert_int_equal(assay_json_address(&expected, entry, "signer", NULL), ASSAY_OK);
        assert_int_equal(assay_json_hex(key.bytes, sizeof key, entry, "key", NULL), ASSAY_OK);
        assay_domain_init(&domain, chain_id, &genesis);
        assay_request_digest(&digest, &request, &domain);
        hash_expect(entry, "digest", &digest);
        assert_int_equal(assay_request_signer(&signer, &request, &domain, NULL), ASSAY_OK);
        assert_memory_equal(&signer, &expected, sizeof signer);
        own = request;
        memset(&own.signature, 0, sizeof own.signature);
        assert_int_equal(assay_request_sign(&own, &domain, &key, NULL), ASSAY_OK);
        assert_memory_equal(&own.signature, &request.signature, sizeof own.signature);
    }
    cases_close(&all);
}

// A digest depends on every field it covers, on the kind, the chain and the genesis.
static void every_body_byte_changes_the_digest(void **state) {
    cases all;
    cases_open(&all);
    for (unsigned kind = 1; kind <= ASSAY_TX_KIND_COUNT; kind++) {
        assay_tx tx, changed;
        assay_hash genesis = {{1}}, before, after;
        assay_domain domain;
        size_t size;
        cases_tx_of(&all, (assay_tx_kind)kind, &tx);
        assay_domain_init(&domain, tx.chain_id, &genesis);
        assay_tx_digest(&before, &tx, &domain);
        uint8_t *data = cases_encode(&tx, &size);
        unsigned tried = 0;
        for (size_t at = 10; at < size - ASSAY_SIGNATURE_SIZE; at++) {
            data[at] ^= 1;
            assay_error err = {0};
            if (assay_tx_decode(&changed, data, size, &all.arena, &err) == ASSAY_OK) {
                assay_tx_digest(&after, &changed, &domain);
                assert_false(assay_hash_equal(&before, &after));
                tried++;
            }
            data[at] ^= 1;
        }
        assert_true(tried > 20);
        domain.separator.bytes[0] ^= 1;
        assay_tx_digest(&after, &tx, &domain);
        assert_false(assay_hash_equal(&before, &after));
        free(data);
    }
    cases_close(&all);
}

static void refuses_what_the_signer_did_not_sign(void **state) {
    cases all;
    assay_tx tx, other;
    assay_domain domain, elsewhere;
    assay_error err = {0};
    cases_open(&all);
    cases_tx(&all, 0, &tx, &domain);
    assert_int_equal(tx.kind, ASSAY_TX_TRANSFER);

    other = tx;
    other.chain_id++;
    assert_int_equal(assay_tx_verify(&other, &domain, &err), ASSAY_REJECTED);
    assert_int_equal(err.reject, ASSAY_REJECT_TX_CHAIN);
    other = tx;
    other.body.transfer.amount--;
    assert_int_equal(assay_tx_verify(&other, &domain, &err), ASSAY_REJECTED);
    assert_int_equal(err.reject, ASSAY_REJECT_SIGNATURE_SIGNER);
    other = tx;
    other.signer.bytes[19] ^= 1;
    assert_int_equal(assay_tx_verify(&other, &domain, &err), ASSAY_REJECTED);
    assert_int_equal(err.reject, ASSAY_REJECT_SIGNATURE_SIGNER);

    assay_hash genesis = domain.genesis;
    genesis.bytes[31] ^= 1;
    assay_domain_init(&elsewhere, tx.chain_id, &genesis);
    assert_int_equal(assay_tx_verify(&tx, &elsewhere, &err), ASSAY_REJECTED);
    assert_int_equal(err.reject, ASSAY_REJECT_SIGNATURE_SIGNER);
    cases_close(&all);
}

static void signs_only_for_the_named_signer(void **state) {
    cases all;
    assay_tx tx;
    assay_domain domain;
    assay_key key = {{7}};
    assay_error err = {0};
    cases_open(&all);
    cases_tx(&all, 0, &tx, &domain);
    assert_int_equal(assay_tx_sign(&tx, &domain, &key, &err), ASSAY_REJECTED);
    assert_int_equal(err.reject, ASSAY_REJECT_SIGNATURE_SIGNER);
    assert_int_equal(assay_key_address(&tx.signer, &key, NULL), ASSAY_OK);
    assert_int_equal(assay_tx_sign(&tx, &domain, &key, NULL), ASSAY_OK);
    assert_int_equal(assay_tx_verify(&tx, &domain, NULL), ASSAY_OK);
    tx.chain_id++;
    assert_int_equal(assay_tx_sign(&tx, &domain, &key, &err), ASSAY_REJECTED);
    assert_int_equal(err.reject, ASSAY_REJECT_TX_CHAIN);
    cases_close(&all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transactions_match_ethers),
        cmocka_unit_test(signatures_equal_those_of_ethers),
        cmocka_unit_test(requests_match_ethers),
        cmocka_unit_test(every_body_byte_changes_the_digest),
        cmocka_unit_test(refuses_what_the_signer_did_not_sign),
        cmocka_unit_test(signs_only_for_the_named_signer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
