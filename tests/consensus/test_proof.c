// SPDX-License-Identifier: Apache-2.0
// C-17 and F-44: proofs of payouts from a real closed epoch, and everything that is wrong with any
// other file.
#include "tests/consensus/settled.h"

#include "base/hex.h"
#include "base/json.h"
#include "base/merkle.h"

static settled *shared;

static int chain_make(void **state) {
    shared = settled_new();
    return 0;
}

static int chain_free(void **state) {
    settled_free(shared);
    return 0;
}

static const assay_genesis *genesis_get(void) {
    return &shared->trial->chain.genesis;
}

static assay_status proof_check(const assay_proof *proof, const assay_genesis *genesis,
                                assay_error *err) {
    assay_light_block block;
    assay_arena arena;
    assay_arena_init(&arena, ASSAY_LIGHT_ARENA_MAX);
    assay_status status = assay_proof_check(&block, proof, genesis, &arena, err);
    assay_arena_close(&arena);
    return status;
}

// What is read is left in *out, without its part of the document.
static assay_status document_check(assay_proof *out, const json_t *document,
                                   const assay_genesis *genesis, assay_error *err) {
    assay_status status = assay_proof_read(out, document, genesis, err);
    if (status == ASSAY_OK) status = proof_check(out, genesis, err);
    json_decref(out->light_block);
    out->light_block = NULL;
    return status;
}

// Everyone who was paid, in each role; through the file and back.
static void test_round_trip(void **state) {
    static const struct {
        uint32_t actor;
        uint8_t role;
    } paid[] = {{DORA, ASSAY_PAID_CONTRIBUTOR},
                {PUBLISHER, ASSAY_PAID_PUBLISHER},
                {TUNER, ASSAY_PAID_TUNER},
                {PROVIDER, ASSAY_PAID_PROVIDER}};
    for (size_t i = 0; i < sizeof paid / sizeof paid[0]; i++) {
        static assay_proof proof, back;
        settled_prove(shared, &proof, paid[i].actor);
        must(proof_check(&proof, genesis_get(), err));
        assert_int_equal(proof.payout_count, 1);
        assert_int_equal(proof.payouts[0].payout.role, paid[i].role);
        assert_true(proof.payouts[0].payout.amount > 0);
        json_t *document = assay_proof_json(&proof, genesis_get());
        char *text = json_dumps(document, JSON_INDENT(1));
        assert_true(strlen(text) < ASSAY_PROOF_JSON_MAX);
        json_t *parsed;
        must(assay_json_parse(&parsed, text, strlen(text), ASSAY_PROOF_JSON_MAX, "proof", err));
        must(document_check(&back, parsed, genesis_get(), err));
        assert_memory_equal(&back.payouts[0], &proof.payouts[0], sizeof back.payouts[0]);
        assert_memory_equal(&back.epoch, &proof.epoch, sizeof back.epoch);
        free(text);
        json_decref(parsed);
        json_decref(document);
        assay_proof_close(&proof);
    }
}

static void test_not_found(void **state) {
    static assay_proof proof;
    chain *c = &shared->trial->chain;
    assay_view view = chain_view(c);
    assay_error why = {0};
    assert_int_equal(assay_proof_make(&proof, &view, shared->epoch, &c->actors[SPARE], &why),
                     ASSAY_NOT_FOUND);
    assert_string_equal(why.text, "this account was paid nothing in epoch 0");
    assert_int_equal(assay_proof_make(&proof, &view, 99, &c->actors[DORA], &why), ASSAY_NOT_FOUND);
    assay_view_close(&view);
}

// ---- every value of the file, changed ----

typedef struct {
    json_t *document;
    uint32_t tried;
} mutation;

static void refused(mutation *m, const char *name) {
    static assay_proof proof;
    assay_error why = {0};
    m->tried++;
    if (document_check(&proof, m->document, genesis_get(), &why) == ASSAY_OK)
        fail_msg("a proof with another \"%s\" holds", name);
    assert_true(why.text[0] != 0);
}

// Each bit of a hex text, each digit of a number, one digit more and one less.
static void text_mutate(mutation *m, json_t *value, const char *old, const char *name) {
    size_t length = strlen(old);
    char *text = malloc(length + 2);
    bool hex = strncmp(old, "0x", 2) == 0;
    for (size_t i = hex ? 2 : 0; i < length; i++) {
        uint8_t digit = hex ? (uint8_t)strtoul((char[]){old[i], 0}, NULL, 16) : 0;
        for (int bit = 0; bit < (hex ? 4 : 1); bit++) {
            memcpy(text, old, length + 1);
            text[i] = hex ? "0123456789abcdef"[digit ^ 1 << bit]
                          : (char)(old[i] == '9' ? '8' : old[i] + 1);
            json_string_set(value, text);
            refused(m, name);
        }
    }
    memcpy(text, old, length + 1);
    text[length - 1] = 0;
    json_string_set(value, text);
    refused(m, name);
    memcpy(text, old, length);
    memcpy(text + length, "0", 2);
    json_string_set(value, text);
    refused(m, name);
    free(text);
}

static void number_mutate(mutation *m, json_t *value, const char *name) {
    json_int_t old = json_integer_value(value);
    const json_int_t others[] = {old + 1, old - 1, old ^ 1 << 20, -old - 1, INT64_MAX};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        json_integer_set(value, others[i]);
        refused(m, name);
    }
    json_integer_set(value, old);
}

static void value_mutate(mutation *m, json_t *value, const char *name);

static void array_mutate(mutation *m, json_t *array, const char *name) {
    size_t count = json_array_size(array);
    for (size_t i = 0; i < count; i++)
        value_mutate(m, json_array_get(array, i), name);
    assert_true(count > 0);
    json_t *last = json_deep_copy(json_array_get(array, count - 1));
    json_array_append(array, last);
    refused(m, name);
    json_array_remove(array, count);
    json_array_remove(array, count - 1);
    refused(m, name);
    json_array_append_new(array, last);
}

static void object_mutate(mutation *m, json_t *object) {
    enum { MEMBERS_MAX = 16, NAME_MAX_SIZE = 32 };
    char names[MEMBERS_MAX][NAME_MAX_SIZE];
    size_t count = 0;
    const char *key;
    json_t *member;
    json_object_set_new(object, "unknown", json_integer(1));
    refused(m, "unknown");
    json_object_del(object, "unknown");
    json_object_foreach(object, key, member) {
        assert_true(count < MEMBERS_MAX);
        snprintf(names[count++], NAME_MAX_SIZE, "%s", key);
    }
    for (size_t i = 0; i < count; i++) {
        member = json_incref(json_object_get(object, names[i]));
        value_mutate(m, member, names[i]);
        json_object_del(object, names[i]);
        refused(m, names[i]);
        json_object_set_new(object, names[i], json_null());
        refused(m, names[i]);
        json_object_set_new(object, names[i], member);
    }
}

static void value_mutate(mutation *m, json_t *value, const char *name) {
    if (json_is_string(value)) {
        json_t *old = json_deep_copy(value);
        text_mutate(m, value, json_string_value(old), name);
        json_string_set(value, json_string_value(old));
        json_decref(old);
    } else if (json_is_integer(value)) {
        number_mutate(m, value, name);
    } else if (json_is_array(value)) {
        array_mutate(m, value, name);
    } else {
        object_mutate(m, value);
    }
}

static void test_every_field(void **state) {
    static assay_proof proof;
    settled_prove(shared, &proof, PROVIDER);
    mutation m = {assay_proof_json(&proof, genesis_get()), 0};
    assay_proof_close(&proof);
    must(document_check(&proof, m.document, genesis_get(), err));
    value_mutate(&m, m.document, "document");
    must(document_check(&proof, m.document, genesis_get(), err)); // all put back
    print_message("%u files refused\n", m.tried);
    assert_true(m.tried > 4000);
    json_decref(m.document);
}

// Every bit of the file's text: refused, or another way to write the same (a letter's case).
static void test_every_bit(void **state) {
    static assay_proof proof, back;
    settled_prove(shared, &proof, DORA);
    json_t *document = assay_proof_json(&proof, genesis_get());
    char *text = json_dumps(document, JSON_COMPACT);
    size_t size = strlen(text), same = 0;
    assay_proof_close(&proof);
    must(document_check(&proof, document, genesis_get(), err));
    for (size_t bit = 0; bit < 8 * size; bit++) {
        json_t *parsed;
        text[bit / 8] ^= (char)(1 << bit % 8);
        if (assay_json_parse(&parsed, text, size, size, "proof", NULL) == ASSAY_OK &&
            document_check(&back, parsed, genesis_get(), NULL) == ASSAY_OK) {
            assert_memory_equal(&back, &proof, sizeof back);
            same++;
        }
        json_decref(parsed);
        text[bit / 8] ^= (char)(1 << bit % 8);
    }
    print_message("%zu bits, %zu of them the case of a letter\n", 8 * size, same);
    assert_in_range(same, 1, size);
    free(text);
    json_decref(document);
}

// P-71: an entry may be more than any supply.
static void test_largest_payout(void **state) {
    static assay_proof proof, back;
    settled_prove(shared, &proof, DORA);
    proof.payouts[0].payout.amount = UINT64_MAX;
    json_t *document = assay_proof_json(&proof, genesis_get());
    must(assay_proof_read(&back, document, genesis_get(), err));
    assert_true(back.payouts[0].payout.amount == UINT64_MAX);
    json_decref(document);
    assay_proof_close(&back);
    assay_proof_close(&proof);
}

// C-17: a role stands once, in order, so that nobody adds the same payout up twice.
static void test_roles(void **state) {
    static assay_proof proof;
    assay_error why = {0};
    settled_prove(shared, &proof, DORA);
    proof.payouts[1] = proof.payouts[0];
    proof.payout_count = 2;
    assert_int_equal(proof_check(&proof, genesis_get(), &why), ASSAY_MISMATCH);
    assert_string_equal(why.text, "payout 1 has role 1 after role 1");
    proof.payout_count = 0;
    assert_int_equal(proof_check(&proof, genesis_get(), NULL), ASSAY_RANGE);
    proof.payout_count = ASSAY_PROOF_PAYOUTS_MAX + 1;
    assert_int_equal(proof_check(&proof, genesis_get(), NULL), ASSAY_RANGE);
    assay_proof_close(&proof);
}

// Another account's payout, though in the same tree.
static void test_two_accounts(void **state) {
    static assay_proof proof, other;
    assay_error why = {0};
    settled_prove(shared, &proof, DORA);
    settled_prove(shared, &other, PROVIDER);
    proof.payouts[1] = other.payouts[0];
    proof.payout_count = 2;
    assert_int_equal(proof_check(&proof, genesis_get(), &why), ASSAY_MISMATCH);
    assert_string_equal(why.text, "payout 1 is of another account");
    assay_proof_close(&proof);
    assay_proof_close(&other);
}

// The header of another height states another state; a commit of another height signs another.
static void test_other_height(void **state) {
    static assay_proof proof, later;
    assay_error why = {0};
    settled_prove(shared, &proof, DORA);
    settled_prove(shared, &later, DORA);
    assay_proof mixed = proof;
    mixed.light_block = later.light_block;
    assert_int_equal(proof_check(&mixed, genesis_get(), &why), ASSAY_MISMATCH);
    assert_non_null(strstr(why.text, "names another state"));
    json_t *commit = json_object_get(json_object_get(later.light_block, "signed_header"), "commit");
    json_object_set(json_object_get(proof.light_block, "signed_header"), "commit", commit);
    assert_int_equal(proof_check(&proof, genesis_get(), NULL), ASSAY_MISMATCH);
    assay_proof_close(&proof);
    assay_proof_close(&later);
}

// C-3, C-17: a chain that the same operator starts anew, with the same key and number: neither the
// file nor one that names the new genesis convinces it.
static void test_other_genesis(void **state) {
    static assay_proof proof, back;
    assay_error why = {0};
    settled_prove(shared, &proof, DORA);
    json_t *document = assay_proof_json(&proof, genesis_get());
    assay_genesis other = *genesis_get();
    other.time++;
    must(assay_genesis_seal(&other, err));
    assert_int_equal(document_check(&back, document, &other, &why), ASSAY_MISMATCH);
    assert_string_equal(why.text, "proof is of another chain than the genesis file's");
    json_object_set_new(document, "genesis", assay_json_from_hash(&other.hash));
    assert_int_equal(document_check(&back, document, &other, &why), ASSAY_MISMATCH);
    assert_non_null(strstr(why.text, "is of chain"));
    json_decref(document);
    assay_proof_close(&proof);
}

// C-17: of a genesis of two validators, one alone signs a header that names it twice.
static void test_one_validator_twice(void **state) {
    static assay_proof proof;
    assay_error why = {0};
    const assay_tip *tip = &shared->tip;
    settled_prove(shared, &proof, DORA);
    assay_genesis genesis = *genesis_get();
    assay_genesis_validator both[2] = {genesis.validators[0], genesis.validators[0]};
    both[1].ed25519[0] ^= 1;
    genesis.validators = both;
    genesis.validator_count = 2;
    assert_int_equal(proof_check(&proof, &genesis, &why), ASSAY_MISMATCH);
    assert_non_null(strstr(why.text, "other validators than the genesis's"));
    assay_header header = shared->header;
    assay_hash leaves[2];
    assay_validator_leaf(&leaves[0], tip->public_key, tip->power);
    leaves[1] = leaves[0];
    assay_merkle_root(&header.validators_hash, leaves, 2);
    assay_commit commit = tip->commit;
    assay_header_hash(&commit.block.hash, &header);
    must(assay_commit_sign(&commit, tip->chain_id, shared->seed, err));
    json_decref(proof.light_block);
    proof.light_block = assay_light_document(&header, &commit, tip->public_key, tip->power);
    json_t *validators = json_object_get(proof.light_block, "validators");
    json_array_append(validators, json_array_get(validators, 0));
    json_t *signatures = json_object_get(
        json_object_get(json_object_get(proof.light_block, "signed_header"), "commit"),
        "signatures");
    json_array_append(signatures, json_array_get(signatures, 0));
    assert_int_equal(proof_check(&proof, &genesis, &why), ASSAY_MISMATCH);
    assert_non_null(strstr(why.text, "other validators than the genesis's"));
    assay_proof_close(&proof);
}

// F-44: versions and kinds to come.
static void test_version(void **state) {
    static assay_proof proof, back;
    assay_error why = {0};
    settled_prove(shared, &proof, DORA);
    json_t *document = assay_proof_json(&proof, genesis_get());
    json_object_set_new(document, "version", json_integer(3));
    json_object_set_new(document, "more", json_true());
    assert_int_equal(assay_proof_read(&back, document, genesis_get(), &why), ASSAY_VERSION);
    assert_string_equal(why.text, "proof file of version 3, known is 2");
    json_decref(document);
    document = assay_proof_json(&proof, genesis_get());
    json_object_set_new(document, "kind", json_string("state"));
    assert_int_equal(assay_proof_read(&back, document, genesis_get(), NULL), ASSAY_UNKNOWN);
    json_decref(document);
    assay_proof_close(&proof);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),     cmocka_unit_test(test_not_found),
        cmocka_unit_test(test_every_field),    cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_largest_payout), cmocka_unit_test(test_roles),
        cmocka_unit_test(test_two_accounts),   cmocka_unit_test(test_other_height),
        cmocka_unit_test(test_other_genesis),  cmocka_unit_test(test_one_validator_twice),
        cmocka_unit_test(test_version),
    };
    return cmocka_run_group_tests(tests, chain_make, chain_free);
}
