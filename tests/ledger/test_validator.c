// SPDX-License-Identifier: Apache-2.0
// Many validators (P-90): their keys, powers, updates to the engine, and what they lose.
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(genesis_has_all_of_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
