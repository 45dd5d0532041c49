// SPDX-License-Identifier: Apache-2.0
// Many validators (P-90, P-91): their keys, powers, updates to the engine, and what they lose.
#include "tests/ledger/chain.h"

#include "ledger/validator.h"

enum { THREE = 3 };

// The operator and actors 1 and 2, with 100, 50 and 30 OPEN.
static chain *three_start(void) {
    static const uint64_t bonds[THREE] = {100, 50, 30};
    chain *c = calloc(1, sizeof *c);
    chain_init(c);
    chain_validators(c, bonds, THREE);
    chain_start(c);
    return c;
}

static void chain_end(chain *c) {
    chain_close(c);
    free(c);
}

static assay_validator_power power_of(const chain *c, uint32_t actor) {
    assay_view view = chain_view(c);
    assay_validator_power list[ASSAY_POWER_MAX], found = {.power = UINT64_MAX};
    uint32_t count;
    chain_ok(assay_validator_list(list, &count, &view.reader, err));
    for (uint32_t i = 0; i < count; i++) {
        if (i > 0) assert_true(memcmp(&list[i - 1].address, &list[i].address, 20) < 0);
        if (assay_address_equal(&list[i].address, &c->actors[actor])) found = list[i];
    }
    assay_view_close(&view);
    return found;
}

// P-21, P-90: bonds, powers, keys both ways, and hash chains from height 0.
static void genesis_has_all_of_them(void **state) {
    chain *c = three_start();
    static const uint64_t powers[THREE] = {100, 50, 30};
    assay_view view = chain_view(c);
    for (uint32_t i = 0; i < THREE; i++) {
        uint8_t key[ASSAY_ED25519_KEY_SIZE];
        assay_validator validator;
        assay_address consensus, account;
        assay_chain links;
        bool found;
        chain_ok(assay_ed25519_public(key, chain_seed(i).bytes, err));
        assay_validator_power listed = power_of(c, i);
        assert_int_equal(listed.power, powers[i]);
        assert_memory_equal(listed.ed25519, key, sizeof key);
        chain_ok(assay_validator_get(&validator, &found, &view.reader, &c->actors[i], err));
        assert_true(found && !validator.barred);
        assert_memory_equal(validator.ed25519, key, sizeof key);
        assay_ed25519_address(&consensus, key);
        chain_ok(assay_validator_by_consensus(&account, &found, &view.reader, &consensus, err));
        assert_true(found && assay_address_equal(&account, &c->actors[i]));
        chain_ok(assay_chain_get(&links, &view.reader, &c->actors[i], err));
        assert_int_equal(links.left, CHAIN_PREIMAGES);
        consensus.bytes[0] ^= 1;
        chain_ok(assay_validator_by_consensus(&account, &found, &view.reader, &consensus, err));
        assert_false(found);
        chain_ok(assay_validator_get(&validator, &found, &view.reader, &consensus, err));
        assert_false(found);
    }
    assay_view_close(&view);
    assert_int_equal(chain_totals(c).nopen[ASSAY_MONEY_BONDS], 180 * CHAIN_OPEN);
    chain_blocks(c, 3);
    chain_end(c);
}

// register_validator by `actor` with the key of `seed`'s actor and a proof by it for `account`.
typedef struct {
    assay_tx tx;
    uint8_t proof[ASSAY_ED25519_SIGNATURE_SIZE];
} registration;

static void registration_make(const chain *c, registration *out, uint32_t actor, uint32_t seed,
                              const assay_hash *genesis, const assay_address *account) {
    uint8_t message[ASSAY_VALIDATOR_MESSAGE_SIZE];
    assay_hash secret = chain_seed(seed);
    out->tx = chain_tx(c, actor, ASSAY_TX_REGISTER_VALIDATOR);
    assay_tx_register_validator *body = &out->tx.body.register_validator;
    chain_ok(assay_ed25519_public(body->ed25519.bytes, secret.bytes, err));
    assay_validator_message(message, genesis, account);
    chain_ok(assay_ed25519_sign(out->proof, secret.bytes, message, sizeof message, err));
    body->proof = (assay_bytes){out->proof, sizeof out->proof};
}

static void registration_own(const chain *c, registration *out, uint32_t actor, uint32_t seed) {
    registration_make(c, out, actor, seed, &c->genesis.hash, &c->actors[actor]);
}

static void bond(chain *c, uint32_t actor, uint64_t open) {
    assay_tx tx = chain_tx(c, actor, ASSAY_TX_BOND);
    tx.body.bond = (assay_tx_bond){ASSAY_ROLE_CONSENSUS, open * CHAIN_OPEN};
    chain_run(c, &tx, NONE);
}

static void unbond(chain *c, uint32_t actor, uint64_t open) {
    assay_tx tx = chain_tx(c, actor, ASSAY_TX_UNBOND);
    tx.body.unbond = (assay_tx_unbond){ASSAY_ROLE_CONSENSUS, open * CHAIN_OPEN};
    chain_run(c, &tx, NONE);
}

// P-91: who has no bond, no proof, another's key or a second key is refused and changes nothing.
static void registering_takes_a_bond_and_the_key_itself(void **state) {
    chain *c = three_start();
    registration r;
    assay_hash other = chain_seed(99);
    registration_own(c, &r, 5, 5);
    chain_refuse(c, &r.tx, VALIDATOR_BOND);
    bond(c, 5, 10);
    registration_make(c, &r, 5, 5, &other, &c->actors[5]); // of another chain
    chain_refuse(c, &r.tx, VALIDATOR_PROOF);
    registration_make(c, &r, 5, 5, &c->genesis.hash, &c->actors[6]); // for another account
    chain_refuse(c, &r.tx, VALIDATOR_PROOF);
    registration_own(c, &r, 5, 5);
    r.tx.body.register_validator.ed25519.bytes[0] ^= 1; // of another key
    chain_refuse(c, &r.tx, VALIDATOR_PROOF);
    registration_own(c, &r, 5, 1); // the key of a validator
    chain_refuse(c, &r.tx, VALIDATOR_KEY);
    registration_own(c, &r, 5, 5);
    chain_run(c, &r.tx, NONE);
    assert_int_equal(power_of(c, 5).power, 0);
    assert_memory_equal(power_of(c, 5).ed25519, r.tx.body.register_validator.ed25519.bytes, 32);
    registration_own(c, &r, 5, 6); // a second key
    chain_refuse(c, &r.tx, VALIDATOR_KEY);
    bond(c, 6, 10);
    registration_own(c, &r, 6, 5); // a key that is another's
    chain_refuse(c, &r.tx, VALIDATOR_KEY);
    registration_own(c, &r, 5, 5); // again: nothing is new
    chain_run(c, &r.tx, NONE);
    chain_until(c, 20);
    assert_int_equal(power_of(c, 5).power, 10);
    chain_end(c);
}

// P-91: what one key of state costs, for each of three.
static void registering_pays_for_its_keys(void **state) {
    chain *c = three_start();
    registration r;
    bond(c, 5, 10);
    uint64_t before = chain_balance(c, 5);
    registration_own(c, &r, 5, 5);
    uint64_t fee = c->genesis.params.tx_fee_base +
                   assay_tx_size(&r.tx) * c->genesis.params.tx_fee_byte +
                   3 * c->genesis.params.key_fee;
    chain_run(c, &r.tx, NONE);
    assert_int_equal(before - chain_balance(c, 5), fee);
    chain_end(c);
}

// P-91: a bond that has gone takes the place along; with it back, the same key returns.
static void a_place_goes_with_the_bond_and_the_key_stays(void **state) {
    chain *c = three_start();
    registration r;
    bond(c, 5, 10);
    registration_own(c, &r, 5, 5);
    chain_run(c, &r.tx, NONE);
    chain_until(c, 20);
    assert_int_equal(power_of(c, 5).power, 10);
    unbond(c, 5, 10);
    assert_int_equal(power_of(c, 5).power, 10);
    chain_until(c, 40);
    assert_int_equal(power_of(c, 5).power, UINT64_MAX); // no place
    bond(c, 5, 20);
    registration_own(c, &r, 5, 7);
    chain_refuse(c, &r.tx, VALIDATOR_KEY);
    registration_own(c, &r, 6, 5);
    bond(c, 6, 20);
    registration_own(c, &r, 6, 5);
    chain_refuse(c, &r.tx, VALIDATOR_KEY);
    registration_own(c, &r, 5, 5);
    chain_run(c, &r.tx, NONE);
    assert_int_equal(power_of(c, 5).power, 0);
    chain_until(c, 60);
    assert_int_equal(power_of(c, 5).power, 20);
    chain_end(c);
}

// P-91: 256 have a place, one more has not.
static void places_are_bounded(void **state) {
    chain *c = three_start();
    assay_ledger ledger = chain_by_hand(c);
    for (uint32_t i = 0; i < ASSAY_POWER_MAX - THREE; i++) {
        assay_address account = {{0}};
        assay_store_be32(account.bytes + 8, i + 1);
        chain_ok(assay_power_join(&ledger, &account, err));
        chain_ok(assay_power_join(&ledger, &account, err)); // has it already
    }
    assay_error refusal = {0};
    assert_int_equal(assay_power_join(&ledger, &c->actors[5], &refusal), ASSAY_REJECTED);
    assert_int_equal(refusal.reject, ASSAY_REJECT_VALIDATORS_FULL);
    chain_ok(assay_power_join(&ledger, &c->actors[1], err));
    chain_ok(assay_power_epoch(&ledger, err)); // none of them has a bond
    assay_power powers[ASSAY_POWER_MAX];
    uint32_t count;
    chain_ok(assay_power_list(powers, &count, &ledger.reader, err));
    assert_int_equal(count, THREE);
    chain_ok(assay_power_join(&ledger, &c->actors[5], err));
    chain_by_hand_end(c, &ledger);
    chain_end(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(genesis_has_all_of_them),
        cmocka_unit_test(registering_takes_a_bond_and_the_key_itself),
        cmocka_unit_test(registering_pays_for_its_keys),
        cmocka_unit_test(a_place_goes_with_the_bond_and_the_key_stays),
        cmocka_unit_test(places_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
