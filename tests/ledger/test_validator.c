// SPDX-License-Identifier: Apache-2.0
// Many validators (P-90 to P-96): their keys, powers, updates to the engine, and what they lose.
#include "tests/ledger/chain.h"

#include "ledger/validator.h"

enum { THREE = 3 };

// The operator and actors 1 and 2, with 100, 50 and 30 OPEN.
static chain *three_start(void) {
    static const uint64_t bonds[THREE] = {100, 50, 30};
    chain *c = chain_new();
    chain_validators(c, bonds, THREE);
    chain_start(c);
    return c;
}

static assay_validator_power power_of(const chain *c, uint32_t actor) {
    assay_view view = chain_view(c);
    assay_validator_power list[ASSAY_POWER_MAX], found = {.power = UINT64_MAX};
    uint32_t count;
    must(assay_validator_list(list, &count, &view.reader, err));
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
        must(assay_ed25519_public(key, chain_seed(i).bytes, err));
        assay_validator_power listed = power_of(c, i);
        assert_int_equal(listed.power, powers[i]);
        assert_memory_equal(listed.ed25519, key, sizeof key);
        must(assay_validator_get(&validator, &found, &view.reader, &c->actors[i], err));
        assert_true(found && !validator.barred);
        assert_memory_equal(validator.ed25519, key, sizeof key);
        assay_ed25519_address(&consensus, key);
        must(assay_validator_by_consensus(&account, &found, &view.reader, &consensus, err));
        assert_true(found && assay_address_equal(&account, &c->actors[i]));
        must(assay_chain_get(&links, &view.reader, &c->actors[i], err));
        assert_int_equal(links.left, CHAIN_PREIMAGES);
        consensus.bytes[0] ^= 1;
        must(assay_validator_by_consensus(&account, &found, &view.reader, &consensus, err));
        assert_false(found);
        must(assay_validator_get(&validator, &found, &view.reader, &consensus, err));
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
    assay_hash secret = chain_seed(seed);
    out->tx = chain_tx(c, actor, ASSAY_TX_REGISTER_VALIDATOR);
    assay_tx_register_validator *body = &out->tx.body.register_validator;
    must(assay_ed25519_public(body->ed25519.bytes, secret.bytes, err));
    chain_proof(out->proof, seed, genesis, account);
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
    uint64_t fee = chain_fee(c, &r.tx) + 3 * c->genesis.params.key_fee;
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

// ---- places, P-91 ----

enum { DUST = ASSAY_POWER_MAX - THREE };

static assay_address dust_of(uint32_t index) {
    assay_address account = {{0}};
    assay_store_be32(account.bytes + 8, index + 1);
    return account;
}

// Bonds for an account what some actor has.
static void bond_by_hand(chain *c, assay_ledger *ledger, const assay_address *account,
                         uint64_t nopen) {
    static uint32_t payer;
    payer = (payer + 1) % 9;
    must(assay_money_move(ledger, assay_purse_balance(&c->actors[THREE + payer]),
                          assay_purse_bond(ASSAY_ROLE_CONSENSUS, account), nopen, err));
}

// Joins with the bond it has. Returns: 0, or the reject code.
static uint32_t join(assay_ledger *ledger, const assay_address *account) {
    uint64_t bond;
    assay_error refusal = {0};
    must(assay_bond_weight(&bond, &ledger->reader, ledger->params, ASSAY_ROLE_CONSENSUS, account,
                           err));
    assay_status status = assay_power_join(ledger, account, bond, &refusal);
    assert_true(status == ASSAY_OK || status == ASSAY_REJECTED);
    return refusal.reject;
}

// Takes all places that are left, for a little each.
static void dust_fill(chain *c, assay_ledger *ledger, uint64_t nopen) {
    for (uint32_t i = 0; i < DUST; i++) {
        assay_address account = dust_of(i);
        bond_by_hand(c, ledger, &account, nopen + (i == 7 ? 0 : 1));
        assert_int_equal(join(ledger, &account), 0);
        assert_int_equal(join(ledger, &account), 0); // has it already
    }
}

// *power UINT64_MAX: no place. Returns: how many have power.
static uint32_t place_read(const assay_ledger *ledger, const assay_address *account,
                           uint64_t *power) {
    assay_power powers[ASSAY_POWER_MAX];
    uint32_t count, active = 0;
    *power = UINT64_MAX;
    must(assay_power_list(powers, &count, &ledger->reader, err));
    for (uint32_t i = 0; i < count; i++) {
        active += powers[i].power > 0;
        if (assay_address_equal(&powers[i].address, account)) *power = powers[i].power;
    }
    return active;
}

static void expect_place(const assay_ledger *ledger, const assay_address *account, bool expected) {
    uint64_t power;
    place_read(ledger, account, &power);
    assert_int_equal(power != UINT64_MAX, expected);
}

// The least bond without power gives way to more, and to nothing less; power never does.
static void a_newcomer_with_more_bond_takes_a_place(void **state) {
    chain *c = three_start();
    assay_ledger ledger = chain_by_hand(c);
    const assay_address *newcomer = &c->actors[5], *next = &c->actors[6];
    assay_address least = dust_of(7), last = dust_of(DUST - 1);
    uint64_t ten = 10 * CHAIN_OPEN;
    must(assay_bond_slash(&ledger, ASSAY_ROLE_CONSENSUS, &c->actors[2], 30 * CHAIN_OPEN,
                          assay_purse_burned(), NULL, err)); // no bond, but power
    dust_fill(c, &ledger, ten);
    assert_int_equal(join(&ledger, newcomer), ASSAY_REJECT_VALIDATORS_FULL);
    bond_by_hand(c, &ledger, newcomer, ten);
    assert_int_equal(join(&ledger, newcomer), ASSAY_REJECT_VALIDATORS_FULL);
    expect_place(&ledger, &least, true);
    bond_by_hand(c, &ledger, newcomer, 5);
    assert_int_equal(join(&ledger, newcomer), 0);
    expect_place(&ledger, newcomer, true);
    expect_place(&ledger, &least, false);
    bond_by_hand(c, &ledger, next, ten + 1); // as much as the least has now
    assert_int_equal(join(&ledger, next), ASSAY_REJECT_VALIDATORS_FULL);
    bond_by_hand(c, &ledger, next, 1);
    assert_int_equal(join(&ledger, next), 0);
    expect_place(&ledger, &last, false); // of equals the higher address
    expect_place(&ledger, newcomer, true);
    for (uint32_t i = 0; i < THREE; i++)
        expect_place(&ledger, &c->actors[i], true);
    assert_int_equal(join(&ledger, &least), ASSAY_REJECT_VALIDATORS_FULL);
    chain_by_hand_end(c, &ledger);
    chain_end(c);
}

// The same by transaction: in a full set its place takes more bond than the least there.
static void a_full_set_refuses_a_registration(void **state) {
    chain *c = three_start();
    assay_ledger ledger = chain_by_hand(c);
    dust_fill(c, &ledger, 10 * CHAIN_OPEN);
    for (uint32_t i = 0; i < DUST; i++) { // a key each, as registered accounts have
        assay_address account = dust_of(i);
        assay_record_key key = assay_record_key_of_address(ASSAY_TABLE_VALIDATOR, &account);
        uint8_t record[ASSAY_ED25519_KEY_SIZE + 1] = {0};
        memcpy(record, account.bytes, sizeof account.bytes);
        must(assay_ledger_put(&ledger, &key, record, sizeof record, err));
    }
    chain_by_hand_end(c, &ledger);
    registration r;
    bond(c, 5, 10);
    registration_own(c, &r, 5, 5);
    chain_refuse(c, &r.tx, VALIDATORS_FULL);
    bond(c, 5, 1);
    registration_own(c, &r, 5, 5);
    chain_run(c, &r.tx, NONE);
    assert_int_equal(power_of(c, 5).power, 0);
    chain_end(c);
}

static void epochs_run(assay_ledger *ledger, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        ledger->height += ledger->params->epoch_blocks;
        must(assay_power_epoch(ledger, err));
    }
}

// However long little bonds stand in all places, 256 have power, and who brings more comes in.
static void dust_does_not_keep_anybody_out(void **state) {
    chain *c = three_start();
    assay_ledger ledger = chain_by_hand(c);
    uint64_t power, height = ledger.height;
    dust_fill(c, &ledger, 10 * CHAIN_OPEN);
    epochs_run(&ledger, 40);
    assay_address first = dust_of(0), last = dust_of(ASSAY_POWER_ACTIVE_MAX - THREE - 1);
    assert_int_equal(place_read(&ledger, &first, &power), ASSAY_POWER_ACTIVE_MAX);
    assert_int_equal(power, 10);
    place_read(&ledger, &last, &power);
    assert_int_equal(power, 10);
    bond_by_hand(c, &ledger, &c->actors[5], 11 * CHAIN_OPEN);
    assert_int_equal(join(&ledger, &c->actors[5]), 0);
    epochs_run(&ledger, 40);
    assert_int_equal(place_read(&ledger, &c->actors[5], &power), ASSAY_POWER_ACTIVE_MAX);
    assert_int_equal(power, 11);
    place_read(&ledger, &last, &power);
    assert_int_equal(power, 0);
    ledger.height = height;
    chain_by_hand_end(c, &ledger);
    chain_end(c);
}

// Whoever has neither bond nor power goes at an epoch's end.
static void places_come_back(void **state) {
    chain *c = three_start();
    assay_ledger ledger = chain_by_hand(c);
    uint64_t power;
    for (uint32_t i = 0; i < DUST; i++) {
        assay_address account = dust_of(i);
        assert_int_equal(join(&ledger, &account), 0);
    }
    must(assay_power_epoch(&ledger, err));
    assay_address first = dust_of(0);
    assert_int_equal(place_read(&ledger, &first, &power), THREE);
    assert_int_equal(power, UINT64_MAX);
    assert_int_equal(join(&ledger, &c->actors[5]), 0);
    chain_by_hand_end(c, &ledger);
    chain_end(c);
}

// ---- updates, P-92 ----

// The block's update for an actor's key, UINT64_MAX if it has none; all ascend by key.
static uint64_t update_of(const chain *c, uint32_t actor) {
    uint8_t key[ASSAY_ED25519_KEY_SIZE];
    uint64_t power = UINT64_MAX;
    must(assay_ed25519_public(key, chain_seed(actor).bytes, err));
    for (uint32_t i = 0; i < c->outcome.update_count; i++) {
        const assay_validator_update *update = &c->outcome.updates[i];
        if (i > 0) assert_true(memcmp(update[-1].ed25519, update->ed25519, sizeof key) < 0);
        if (memcmp(update->ed25519, key, sizeof key) == 0) power = update->power;
    }
    return power;
}

// A second bond shows at epoch ends, step by step, and nothing but what changed is told.
static void updates_tell_what_an_epoch_changed(void **state) {
    chain *c = three_start();
    registration r;
    chain_block(c);
    assert_int_equal(c->outcome.update_count, 0);
    bond(c, 1, 50);
    bond(c, 5, 10);
    registration_own(c, &r, 5, 5);
    chain_run(c, &r.tx, NONE);
    assert_int_equal(c->outcome.update_count, 0); // power 0 is nothing that an engine knows
    chain_until(c, 19);
    assert_int_equal(c->outcome.update_count, 0);
    chain_block(c); // 29 of 180 may change, 60 would: by 24 and 5, the one left over by address
    assert_int_equal(c->outcome.update_count, 2);
    assert_int_equal(update_of(c, 1) - 50 + update_of(c, 5), 29);
    for (uint32_t i = 0; i < 3; i++)
        chain_until(c, 20 * (i + 2));
    assert_int_equal(power_of(c, 1).power, 100);
    assert_int_equal(power_of(c, 5).power, 10);
    unbond(c, 5, 10);
    chain_until(c, 100);
    assert_int_equal(c->outcome.update_count, 1);
    assert_int_equal(update_of(c, 5), 0); // told once, as it goes
    chain_until(c, 120);
    assert_int_equal(c->outcome.update_count, 0);
    chain_end(c);
}

// What an engine does with updates, over random bonds and offences: its set is the ledger's, it is
// never told to remove whom it does not know, and it is never left without power.
static void an_engine_that_follows_has_the_same_set(void **state) {
    static const uint64_t bonds[4] = {100, 50, 30, 20};
    enum { ENGINE_ACTORS = 8 };
    chain *c = chain_new();
    uint64_t engine[ENGINE_ACTORS] = {100, 50, 30, 20};
    uint32_t draw = 1;
    c->genesis.params.epoch_blocks = 3;
    chain_validators(c, bonds, 4);
    chain_start(c);
    for (uint32_t block = 0; block < 300; block++) {
        registration r;
        assay_misbehavior offence = {.height = c->height, .type = 1};
        draw = draw * 1664525 + 1013904223;
        uint32_t actor = draw >> 16 & 7, act = draw >> 20 & 7;
        assay_tx tx = chain_tx(c, actor, act < 4 ? ASSAY_TX_BOND : ASSAY_TX_UNBOND);
        tx.body.bond = (assay_tx_bond){ASSAY_ROLE_CONSENSUS, (10 + (draw >> 24)) * CHAIN_OPEN};
        chain_add(c, &tx);
        registration_own(c, &r, actor, actor);
        if (act & 1) chain_add(c, &r.tx);
        assay_ed25519_address(&offence.validator, r.tx.body.register_validator.ed25519.bytes);
        chain_block_with(c, &offence, draw >> 8 & 31 ? 0 : 1);
        for (uint32_t i = 0; i < ENGINE_ACTORS; i++) {
            uint64_t power = update_of(c, i);
            if (power == UINT64_MAX) continue;
            assert_true(power != engine[i]);
            assert_true(power > 0 || engine[i] > 0);
            engine[i] = power;
        }
        uint64_t total = 0;
        for (uint32_t i = 0; i < ENGINE_ACTORS; i++) {
            uint64_t power = power_of(c, i).power;
            assert_int_equal(power == UINT64_MAX ? 0 : power, engine[i]);
            total += engine[i];
        }
        assert_true(total > 0);
    }
    chain_end(c);
}

// ---- misbehaviour, P-93 ----

static assay_misbehavior offence_of(uint32_t actor, uint64_t height) {
    uint8_t key[ASSAY_ED25519_KEY_SIZE];
    assay_misbehavior offence = {.height = height, .type = ASSAY_MISBEHAVIOR_DOUBLE_SIGN};
    must(assay_ed25519_public(key, chain_seed(actor).bytes, err));
    assay_ed25519_address(&offence.validator, key);
    return offence;
}

static uint64_t bonded(const chain *c, uint32_t actor) {
    assay_view view = chain_view(c);
    assay_bond bond;
    must(assay_bond_get(&bond, &view.reader, ASSAY_ROLE_CONSENSUS, &c->actors[actor], err));
    assay_view_close(&view);
    uint64_t all = bond.active;
    for (uint32_t i = 0; i < bond.unbonding_count; i++)
        all += bond.unbonding[i].amount;
    return all;
}

// P-25: who is reported counts for the beacon of that block. Without the two others the operator's
// new chain would be in force at once, and its old one's preimage, which is proposed, refused.
static void a_beacon_comes_before_misbehaviour(void **state) {
    chain *c = three_start();
    assay_tx tx = chain_tx(c, 0, ASSAY_TX_REGISTER_CHAIN);
    tx.body.register_chain = (assay_tx_register_chain){{{0x77}}, 9};
    chain_run(c, &tx, NONE);
    chain_until(c, 45); // two epochs on
    const assay_misbehavior offences[] = {offence_of(1, 40), offence_of(2, 40)};
    chain_block_with(c, offences, 2);
    assert_int_equal(power_of(c, 1).power, 0);
    assert_int_equal(c->outcome.results[0].code, 0);
    chain_end(c);
}

// A fifth of what is bonded and leaving burns, the power goes at once, and never comes back.
static void signing_twice_costs_and_bars(void **state) {
    chain *c = three_start();
    registration r;
    assay_misbehavior offences[2];
    chain_blocks(c, 3);
    unbond(c, 1, 20);
    uint64_t burned = chain_totals(c).nopen[ASSAY_MONEY_BURNED];
    offences[0] = offences[1] = offence_of(1, 2); // reported twice
    chain_block_with(c, offences, 2);
    assert_int_equal(chain_totals(c).nopen[ASSAY_MONEY_BURNED] - burned, 10 * CHAIN_OPEN);
    assert_int_equal(bonded(c, 1), 40 * CHAIN_OPEN);
    assert_int_equal(power_of(c, 1).power, 0);
    assert_int_equal(c->outcome.update_count, 1);
    assert_int_equal(update_of(c, 1), 0);
    chain_block_with(c, offences, 1); // and once more
    assert_int_equal(bonded(c, 1), 40 * CHAIN_OPEN);
    assert_int_equal(c->outcome.update_count, 0);
    offences[0] = offence_of(1, 3); // another height
    offences[0].type = ASSAY_MISBEHAVIOR_LIGHT_CLIENT;
    chain_block_with(c, offences, 1);
    assert_int_equal(bonded(c, 1), 32 * CHAIN_OPEN);
    registration_own(c, &r, 1, 1);
    chain_refuse(c, &r.tx, VALIDATOR_BARRED);
    chain_until(c, 20); // the others keep what they have
    assert_int_equal(power_of(c, 1).power, UINT64_MAX);
    assert_int_equal(power_of(c, 0).power, 100);
    registration_own(c, &r, 1, 1);
    chain_refuse(c, &r.tx, VALIDATOR_BARRED);
    chain_end(c);
}

// Strangers, heights to come, old ones and unknown kinds.
static void what_proves_nothing_changes_nothing(void **state) {
    chain *c = three_start();
    uint64_t age = assay_params_unbond_blocks(&c->genesis.params);
    chain_until(c, age + 3);
    assay_hash before = chain_digest(c, NULL);
    assay_misbehavior offences[5];
    offences[0] = offence_of(7, 2);             // not a validator
    offences[1] = offence_of(1, c->height + 2); // not yet
    offences[2] = offence_of(1, c->height - age);
    offences[3] = offence_of(1, 5);
    offences[3].type = 0;
    offences[4] = offence_of(1, 5);
    offences[4].type = 3;
    assert_int_equal((c->height + 1) % c->genesis.params.epoch_blocks == 0, false);
    chain_block_with(c, offences, 5);
    assay_hash after = chain_digest(c, NULL);
    assert_memory_equal(&before, &after, sizeof after);
    assert_int_equal(c->outcome.update_count, 0);
    offences[0] = offence_of(1, c->height + 1 - age); // just young enough
    chain_block_with(c, offences, 1);
    assert_int_equal(power_of(c, 1).power, 0);
    offences[0] = offence_of(2, c->height + 1); // the block's own height
    chain_block_with(c, offences, 1);
    assert_int_equal(power_of(c, 2).power, 0);
    chain_end(c);
}

static uint32_t offences_count(const chain *c) {
    assay_view view = chain_view(c);
    assay_record_key from;
    assay_store_position at;
    uint32_t count = 0;
    assay_record_key_start(&from, ASSAY_TABLE_OFFENCE);
    must(assay_reader_seek(&view.reader, &at, &from, 1, err));
    for (; at.key_size > 0; count++)
        must(assay_reader_next(&view.reader, &at, err));
    assay_view_close(&view);
    return count;
}

// P-93: a record stands until the last block that could punish for its height again, not longer.
static void offences_go_when_they_cannot_matter(void **state) {
    chain *c = three_start();
    uint64_t age = assay_params_unbond_blocks(&c->genesis.params);
    chain_blocks(c, 4);
    assay_misbehavior offences[] = {offence_of(1, 2), offence_of(1, 3), offence_of(2, 3)};
    chain_block_with(c, offences, 3);
    assert_int_equal(offences_count(c), 3);
    uint64_t left = bonded(c, 1);
    chain_until(c, 2 + age - 1);
    chain_block_with(c, offences, 1); // the last block for height 2
    assert_int_equal(bonded(c, 1), left);
    assert_int_equal(offences_count(c), 3);
    chain_block_with(c, offences, 3);
    assert_int_equal(offences_count(c), 2);
    chain_block_with(c, offences, 3);
    assert_int_equal(offences_count(c), 0);
    assert_int_equal(bonded(c, 1), left);
    chain_end(c);
}

// The last power stays until an epoch's end finds others.
static void the_last_power_stays(void **state) {
    chain *c = chain_new();
    registration r;
    chain_validators(c, &(uint64_t){100}, 1);
    chain_start(c);
    chain_blocks(c, 2);
    assay_misbehavior offence = offence_of(0, 1);
    chain_block_with(c, &offence, 1);
    assert_int_equal(bonded(c, 0), 80 * CHAIN_OPEN);
    assert_int_equal(power_of(c, 0).power, 100);
    assert_int_equal(c->outcome.update_count, 0);
    chain_until(c, 20); // every target is zero
    assert_int_equal(power_of(c, 0).power, 100);
    bond(c, 5, 500);
    registration_own(c, &r, 5, 5);
    chain_run(c, &r.tx, NONE);
    for (uint32_t epoch = 2; power_of(c, 0).power != UINT64_MAX; epoch++) {
        assert_true(epoch < 40);
        chain_until(c, 20 * epoch);
    }
    assert_true(power_of(c, 5).power > 100);
    chain_end(c);
}

// P-94: younger than any bond that was there up to two epochs before.
static void evidence_is_younger_than_unbonding(void **state) {
    assay_params params;
    assay_params_init(&params);
    assert_int_equal(assay_misbehavior_blocks(&params), 1012 + 1000000);
    assert_true(assay_misbehavior_blocks(&params) < assay_params_unbond_blocks(&params));
#define X(name, value, min, max) params.name = min;
    ASSAY_PARAM_LIST(X)
#undef X
    assert_int_equal(assay_misbehavior_blocks(&params), 2 + 288 + 8 * 2 + 2); // the least
}

// ---- missed votes, P-95 ----

static assay_chain links_of(const assay_ledger *ledger, const assay_address *account) {
    assay_chain links;
    must(assay_chain_get(&links, &ledger->reader, account, err));
    return links;
}

static void missed_votes_lead_to_jail(void **state) {
    chain *c = three_start();
    assay_ledger ledger = chain_by_hand(c);
    for (uint32_t i = 0; i < 20; i++)
        must(assay_beacon_vote_missed(&ledger, &c->actors[1], err));
    assert_false(links_of(&ledger, &c->actors[1]).jailed);
    ledger.height += 20; // another epoch, another count
    must(assay_beacon_vote_missed(&ledger, &c->actors[1], err));
    assert_int_equal(links_of(&ledger, &c->actors[1]).vote_misses, 1);
    for (uint32_t i = 0; i < 20; i++)
        must(assay_beacon_vote_missed(&ledger, &c->actors[1], err));
    assay_chain links = links_of(&ledger, &c->actors[1]);
    assert_true(assay_chain_is_jailed(&links, 2) && !assay_chain_is_jailed(&links, 3));
    assert_int_equal(links.misses, 0);
    // Accounts without a consensus key leave no record.
    must(assay_beacon_vote_missed(&ledger, &c->actors[7], err));
    links = links_of(&ledger, &c->actors[7]);
    assert_int_equal(links.vote_misses, 0);
    ledger.height = 40;
    must(assay_power_epoch(&ledger, err));
    ledger.height = c->height + 1;
    chain_by_hand_end(c, &ledger);
    assert_int_equal(power_of(c, 1).power, 50 - 29); // of 180, a sixth
    chain_end(c);
}

// ---- results, P-96 ----

static void results_carry_receipts(void **state) {
    chain *c = three_start();
    assay_hash ids[3], none = {{0}};
    assay_tx tx = chain_tx(c, 5, ASSAY_TX_TRANSFER);
    tx.body.transfer = (assay_tx_transfer){c->actors[6], 1};
    chain_add(c, &tx);
    assay_tx_id(&ids[0], c->txs[0].data, c->txs[0].size);
    tx = chain_tx(c, 5, ASSAY_TX_OPEN_SESSION);
    tx.body.open_session = (assay_tx_open_session){c->actors[6], 5, 1, 1, 100};
    ids[1] = chain_add(c, &tx);
    tx = chain_tx(c, 5, ASSAY_TX_CLOSE_SESSION);
    tx.body.close_session.session = none;
    chain_add(c, &tx);
    chain_block(c);
    for (uint32_t i = 0; i < 2; i++) {
        const assay_tx_result *result = &c->outcome.results[1 + i];
        assert_int_equal(result->data_size, 32);
        assert_memory_equal(result->data, ids[i].bytes, 32);
    }
    assert_int_equal(c->outcome.results[0].data_size, 32); // the beacon
    chain_expect(c, 2, SESSION_UNKNOWN);
    assert_int_equal(c->outcome.results[3].data_size, 0);
    chain_end(c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(genesis_has_all_of_them),
        cmocka_unit_test(registering_takes_a_bond_and_the_key_itself),
        cmocka_unit_test(registering_pays_for_its_keys),
        cmocka_unit_test(a_place_goes_with_the_bond_and_the_key_stays),
        cmocka_unit_test(a_newcomer_with_more_bond_takes_a_place),
        cmocka_unit_test(a_full_set_refuses_a_registration),
        cmocka_unit_test(dust_does_not_keep_anybody_out),
        cmocka_unit_test(places_come_back),
        cmocka_unit_test(updates_tell_what_an_epoch_changed),
        cmocka_unit_test(an_engine_that_follows_has_the_same_set),
        cmocka_unit_test(a_beacon_comes_before_misbehaviour),
        cmocka_unit_test(signing_twice_costs_and_bars),
        cmocka_unit_test(what_proves_nothing_changes_nothing),
        cmocka_unit_test(offences_go_when_they_cannot_matter),
        cmocka_unit_test(the_last_power_stays),
        cmocka_unit_test(evidence_is_younger_than_unbonding),
        cmocka_unit_test(missed_votes_lead_to_jail),
        cmocka_unit_test(results_carry_receipts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
