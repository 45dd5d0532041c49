// SPDX-License-Identifier: Apache-2.0
// The beacon and its hash chains (P-45, P-46, P-48): values against tests/oracles/draws.py, and
// several proposers on a block opened by hand, since the solo engine has one.
#include "tests/ledger/chain.h"
#include "tests/vectors.h"

#include "ledger/power.h"

enum { PROPOSERS = 4, LINKS = 64 };

// A block at any height by any proposer, on the chain's own store.
typedef struct {
    chain chain;
    assay_ledger ledger;
    assay_hash links[PROPOSERS][LINKS + 1];
} bench;

static void consensus_key_put(bench *b, uint32_t actor) {
    assay_record_key key =
        assay_record_key_of_address(ASSAY_TABLE_VALIDATOR, &b->chain.actors[actor]);
    uint8_t value[ASSAY_ED25519_KEY_SIZE + 1] = {0};
    must(assay_ed25519_public(value, chain_seed(actor).bytes, err));
    must(assay_ledger_put(&b->ledger, &key, value, sizeof value, err));
}

static bench *bench_new(void) {
    bench *b = calloc(1, sizeof *b);
    chain_init(&b->chain);
    chain_start(&b->chain);
    b->ledger = chain_by_hand(&b->chain);
    b->ledger.height = 0;
    for (uint32_t p = 0; p < PROPOSERS; p++) {
        consensus_key_put(b, p);
        assay_sha256_of(&b->links[p][LINKS], &p, sizeof p);
        for (uint32_t i = LINKS; i > 0; i--)
            assay_sha256_of(&b->links[p][i - 1], b->links[p][i].bytes, 32);
    }
    return b;
}

static void bench_close(bench *b) {
    assay_store_abort(b->ledger.store);
    chain_close(&b->chain);
    free(b);
}

static void power_set(bench *b, uint32_t actor, uint64_t power) {
    assay_record_key key = assay_record_key_of_address(ASSAY_TABLE_POWER, &b->chain.actors[actor]);
    uint8_t value[8];
    assay_store_be64(value, power);
    must(assay_ledger_put(&b->ledger, &key, value, 8, err));
}

// The next block, by `proposer`, with a beacon (NULL: none). Returns: the beacon's result code.
static uint32_t block_with(bench *b, uint32_t proposer, const assay_tx *beacon) {
    uint32_t code;
    b->ledger.height++;
    b->ledger.proposer = b->chain.actors[proposer];
    must(assay_beacon_block(&b->ledger, beacon, &code, err));
    return code;
}

// The same with its own beacon, with a preimage or, NULL, without.
static uint32_t block(bench *b, uint32_t proposer, const assay_hash *preimage) {
    assay_tx tx = chain_beacon(&b->chain, proposer, b->ledger.height + 1, preimage);
    return block_with(b, proposer, &tx);
}

static assay_hash last(bench *b) {
    assay_hash value;
    must(assay_beacon_last(&value, &b->ledger.reader, err));
    return value;
}

static assay_chain chain_of(bench *b, uint32_t actor) {
    assay_chain links;
    must(assay_chain_get(&links, &b->ledger.reader, &b->chain.actors[actor], err));
    return links;
}

static bool ready(bench *b, uint64_t height, uint32_t provider) {
    assay_turnout turnout;
    must(assay_turnout_load(&turnout, &b->ledger.reader,
                            assay_params_epoch(b->ledger.params, b->ledger.height), err));
    bool out = assay_beacon_ready(&turnout, height, &b->chain.actors[provider]);
    assert_true(assay_beacon_possible(&turnout, height) || !out);
    return out;
}

// Makes `preimage` the operator's next one; B stays what it is.
static void expect_next(bench *b, const assay_hash *preimage) {
    uint64_t height = b->ledger.height;
    assay_hash before = last(b);
    assay_record_key key;
    assay_sha256_of(&b->chain.genesis.validators[0].chain_tip, preimage->bytes, 32);
    b->ledger.height = 1000;
    must(assay_beacon_init(&b->ledger, err));
    b->ledger.height = height;
    assay_record_key_start(&key, ASSAY_TABLE_BEACON);
    must(assay_ledger_put(&b->ledger, &key, before.bytes, 32, err));
}

static void values_match_the_oracle(void **state) {
    json_t *root = vectors_read("draws.json"), *item;
    bench *b = bench_new();
    size_t i;
    const char *hex = json_string_value(vectors_at(root, "genesis"));
    must(assay_hex_decode(b->chain.genesis.hash.bytes, 32, hex, err));
    must(assay_beacon_init(&b->ledger, err));
    json_array_foreach(vectors_at(root, "beacons"), i, item) {
        assay_hash value, preimage, found;
        hex = json_string_value(json_object_get(item, "preimage"));
        if (*hex) {
            must(assay_hex_decode(preimage.bytes, 32, hex, err));
            expect_next(b, &preimage);
        }
        if (i > 0) assert_int_equal(block(b, 0, *hex ? &preimage : NULL), 0);
        hex = json_string_value(json_object_get(item, "value"));
        must(assay_hex_decode(value.bytes, 32, hex, err));
        found = last(b);
        assert_memory_equal(&found, &value, 32);
        must(assay_beacon_at(&found, &b->ledger.reader, b->ledger.height, err));
        assert_memory_equal(&found, &value, 32);
    }
    assert_int_equal(i, 40);
    assay_hash none;
    assert_int_equal(assay_beacon_at(&none, &b->ledger.reader, 5000, NULL), ASSAY_NOT_FOUND);
    bench_close(b);
    json_decref(root);
}

// What an honest validator says of a proposal with this beacon: 0 or why not.
static uint32_t beacon_check(bench *b, const assay_tx *tx) {
    assay_error refusal = {0};
    if (assay_beacon_check(&b->ledger.reader, &b->chain.genesis, tx, &refusal) == ASSAY_OK)
        return 0;
    assert_int_equal(refusal.status, ASSAY_REJECTED);
    return refusal.reject;
}

static uint32_t check(bench *b, uint32_t proposer, const assay_hash *preimage) {
    assay_tx tx = chain_beacon(&b->chain, proposer, b->ledger.height + 1, preimage);
    return beacon_check(b, &tx);
}

// A preimage counts once, in its turn, from its owner; a wrong one is as good as none.
static void preimages(void **state) {
    bench *b = bench_new();
    const assay_hash *links = b->chain.links;
    assert_int_equal(block(b, 0, &links[1]), 0);
    assay_hash with = last(b);
    assert_int_equal(chain_of(b, 0).left, CHAIN_PREIMAGES - 1);
    assert_int_equal(block(b, 0, &links[1]), ASSAY_REJECT_BEACON_PREIMAGE); // again
    assay_hash without;
    assay_sha256_of(&without, with.bytes, 32);
    with = last(b);
    assert_memory_equal(&with, &without, 32);
    assert_int_equal(block(b, 0, &links[3]), ASSAY_REJECT_BEACON_PREIMAGE); // a link ahead
    assert_int_equal(chain_of(b, 0).misses, 2);
    assert_int_equal(block(b, 1, &links[2]), ASSAY_REJECT_BEACON_NO_CHAIN); // a stranger's
    assert_int_equal(check(b, 0, &links[3]), ASSAY_REJECT_BEACON_PREIMAGE);
    assert_int_equal(check(b, 0, &links[2]), 0);
    assert_int_equal(check(b, 0, NULL), 0);
    assert_int_equal(check(b, 1, &links[2]), ASSAY_REJECT_BEACON_NO_CHAIN);
    assert_int_equal(block(b, 0, &links[2]), 0);
    assert_int_equal(chain_of(b, 0).revealed, b->ledger.height);
    bench_close(b);
}

// B goes on by itself, and nothing of the proposer's changes.
static void expect_nobodys(bench *b, const assay_tx *beacon, uint32_t code) {
    assay_hash expected, value = last(b);
    assay_chain before = chain_of(b, 0);
    if (beacon) assert_int_equal(beacon_check(b, beacon), code);
    assert_int_equal(block_with(b, 0, beacon), code);
    assay_sha256_of(&expected, value.bytes, sizeof value.bytes);
    value = last(b);
    assert_memory_equal(&value, &expected, sizeof value);
    assay_chain after = chain_of(b, 0);
    assert_int_equal(after.misses, before.misses);
    assert_int_equal(after.left, before.left);
    assert_int_equal(after.revealed, before.revealed);
}

// Whose block it is, a header says of itself: another's preimage is not taken, and a miss is not
// counted, but by the proposer's own key, for this height of this chain.
static void a_miss_is_signed(void **state) {
    bench *b = bench_new();
    const assay_hash *links = b->chain.links;
    uint64_t next = b->ledger.height + 1;
    assay_hash elsewhere = b->chain.genesis.hash;
    expect_nobodys(b, NULL, 0);
    for (int with = 0; with < 2; with++) {
        const assay_hash *preimage = with ? &links[1] : NULL;
        assay_tx other = chain_beacon(&b->chain, 1, ++next, preimage);
        other.signer = other.principal = b->chain.actors[0];
        expect_nobodys(b, &other, ASSAY_REJECT_BEACON_SIGNATURE);
        assay_tx late = chain_beacon(&b->chain, 0, next++, preimage);
        late.nonce = next;
        expect_nobodys(b, &late, ASSAY_REJECT_BEACON_SIGNATURE);
        assay_tx changed = chain_beacon(&b->chain, 0, ++next, with ? NULL : &links[1]);
        changed.body.beacon.preimage = with ? links[1] : (assay_hash){{0}};
        expect_nobodys(b, &changed, ASSAY_REJECT_BEACON_SIGNATURE);
        assay_tx foreign = chain_beacon(&b->chain, 0, ++next, preimage);
        elsewhere.bytes[0] ^= 1;
        must(assay_beacon_sign(&foreign, &elsewhere, chain_seed(0).bytes, err));
        expect_nobodys(b, &foreign, ASSAY_REJECT_BEACON_SIGNATURE);
        elsewhere.bytes[0] ^= 1;
    }
    // One without a key has none that could sign.
    assay_tx keyless = chain_beacon(&b->chain, PROPOSERS, ++next, NULL);
    assert_int_equal(beacon_check(b, &keyless), ASSAY_REJECT_BEACON_SIGNATURE);
    assert_int_equal(block(b, 0, NULL), 0);
    assert_int_equal(chain_of(b, 0).misses, 1);
    assert_int_equal(block(b, 0, &links[1]), 0);
    bench_close(b);
}

static uint32_t join(bench *b, uint32_t actor, uint64_t length) {
    assay_error refusal = {0};
    assay_tx tx = {.body.register_chain = {b->links[actor][0], length}};
    b->ledger.principal = b->chain.actors[actor];
    assay_status status = assay_beacon_register(&b->ledger, &tx, &refusal);
    assert_true(status == ASSAY_OK || status == ASSAY_REJECTED);
    return status == ASSAY_OK ? 0 : refusal.reject;
}

static void bond(bench *b, uint32_t actor, uint64_t open) {
    must(assay_money_move(&b->ledger, assay_purse_balance(&b->chain.actors[actor]),
                          assay_purse_bond(ASSAY_ROLE_CONSENSUS, &b->chain.actors[actor]),
                          open * CHAIN_OPEN, err));
}

static void only_bonded_proposers_register_chains(void **state) {
    bench *b = bench_new();
    b->ledger.height = 1;
    assert_int_equal(join(b, 1, LINKS), ASSAY_REJECT_CHAIN_BOND);
    bond(b, 1, 9); // under the minimum
    assert_int_equal(join(b, 1, LINKS), ASSAY_REJECT_CHAIN_BOND);
    bond(b, 1, 1);
    assert_int_equal(join(b, 1, 0), ASSAY_REJECT_CHAIN_LENGTH);
    assert_int_equal(join(b, 1, (UINT64_C(1) << 40) + 1), ASSAY_REJECT_CHAIN_LENGTH);
    assert_int_equal(join(b, 1, UINT64_C(1) << 40), 0);
    assert_int_equal(join(b, 1, LINKS), 0);
    assert_int_equal(chain_of(b, 1).pending_length, LINKS);
    assert_int_equal(chain_of(b, 1).left, 0);
    bench_close(b);
}

// Two epochs are not enough, and neither are reveals: a chain waits for both.
static void a_chain_waits_for_epochs_and_for_the_others(void **state) {
    bench *b = bench_new();
    uint32_t own = 1; // next link of the operator
    bond(b, 1, 50);
    bond(b, 2, 200);
    power_set(b, 1, 50);
    power_set(b, 2, 200); // never reveals: the operator has exactly a third of the others' power
    power_set(b, 3, 500); // never has a chain: is not waited for
    b->ledger.height = 1;
    assert_int_equal(join(b, 2, LINKS), 0);
    assert_int_equal(block(b, 0, &b->chain.links[own++]), 0);
    b->ledger.height = 60;
    assert_int_equal(block(b, 2, NULL), 0); // in force
    b->ledger.height = 10;
    assert_int_equal(join(b, 1, LINKS), 0);
    assert_int_equal(block(b, 0, &b->chain.links[own++]), 0);
    assert_int_equal(block(b, 1, &b->links[1][1]), ASSAY_REJECT_BEACON_NO_CHAIN);
    b->ledger.height = 40; // the third epoch begins with 41
    assert_int_equal(block(b, 1, &b->links[1][1]), ASSAY_REJECT_BEACON_NO_CHAIN);
    power_set(b, 2, 199);
    b->ledger.height = 38; // more than a third now, but too early
    assert_int_equal(block(b, 1, &b->links[1][1]), ASSAY_REJECT_BEACON_NO_CHAIN);
    b->ledger.height = 40;
    assert_int_equal(block(b, 1, &b->links[1][1]), 0);
    assert_int_equal(chain_of(b, 1).left, LINKS - 1);
    assert_int_equal(chain_of(b, 1).pending_length, 0);
    // A new chain waits beside the old one, which goes on.
    assert_int_equal(join(b, 1, 7), 0);
    assert_int_equal(block(b, 1, &b->links[1][2]), 0);
    assert_int_equal(chain_of(b, 1).pending_length, 7);
    b->ledger.height = 100; // two epochs on, but nobody has revealed since it was registered
    assert_int_equal(block(b, 1, &b->links[1][3]), 0);
    assert_int_equal(chain_of(b, 1).pending_length, 7);
    assert_int_equal(block(b, 0, &b->chain.links[own++]), 0);
    assert_int_equal(block(b, 1, NULL), 0);
    assert_int_equal(chain_of(b, 1).pending_length, 0);
    bench_close(b);
}

// A solo operator that runs out of links registers more: with nobody else, time is enough.
static void a_lone_proposer_waits_for_time_only(void **state) {
    bench *b = bench_new();
    b->ledger.height = 5;
    assert_int_equal(join(b, 0, LINKS), 0);
    b->ledger.height = 39;
    assert_int_equal(block(b, 0, &b->links[0][1]), ASSAY_REJECT_BEACON_PREIMAGE);
    assert_int_equal(block(b, 0, &b->links[0][1]), 0); // 41, the first of epoch 2
    assert_int_equal(chain_of(b, 0).left, LINKS - 1);
    bench_close(b);
}

// Reveals of > 1/3 of power since the batch, its provider's not among them (P-48).
static void a_batch_waits_for_a_third_of_the_others(void **state) {
    bench *b = bench_new();
    b->ledger.height = 1;
    for (uint32_t p = 1; p < PROPOSERS; p++) {
        power_set(b, p, 100);
        bond(b, p, 100);
        assert_int_equal(join(b, p, LINKS), 0);
    }
    b->ledger.height = 60;
    assert_int_equal(block(b, 0, &b->chain.links[1]), 0); // 61
    assert_int_equal(block(b, 1, &b->links[1][1]), 0);    // 62
    assert_int_equal(block(b, 2, NULL), 0);               // 63: its chain is in force
    assert_int_equal(block(b, 3, NULL), 0);               // 64
    power_set(b, 4, 900);                                 // has no chain: is not waited for
    assert_false(ready(b, 62, 5));                        // nobody since 62
    assert_false(ready(b, 61, 5));                        // 100 of 400
    assert_int_equal(block(b, 2, &b->links[2][1]), 0);    // 65
    assert_true(ready(b, 61, 5));                         // 200 of 400
    assert_false(ready(b, 62, 5));                        // 100 of 400
    assert_false(ready(b, 62, 2));                        // 0 of 300
    assert_false(ready(b, 62, 1));                        // 100 of 300 is no more than a third
    power_set(b, 3, 99);
    assert_true(ready(b, 62, 1)); // 100 of 299
    bench_close(b);
}

// A solo operator that is its own provider: any reveal since will do, silence will not.
static void the_last_proposer_binds_itself(void **state) {
    bench *b = bench_new();
    for (uint32_t i = 1; i < 6; i++)
        power_set(b, i, 0); // proposers once, before their bonds left
    assert_int_equal(block(b, 0, &b->chain.links[1]), 0);
    assert_false(ready(b, 1, 0));
    assert_int_equal(block(b, 0, NULL), 0);
    assert_false(ready(b, 1, 0));
    assert_false(ready(b, 1, 3));
    assert_int_equal(block(b, 0, &b->chain.links[2]), 0);
    assert_true(ready(b, 1, 0));
    assert_true(ready(b, 1, 3));
    assay_turnout turnout;
    must(assay_turnout_load(&turnout, &b->ledger.reader, 0, err));
    assert_int_equal(turnout.count, 6);
    assert_int_equal(turnout.powerful, 1); // who has a turn before a batch is void
    bench_close(b);
}

// P-48: whoever had a chain in force is waited for, also when its links have run out.
static void who_runs_out_of_links_is_waited_for(void **state) {
    bench *b = bench_new();
    b->ledger.height = 1;
    for (uint32_t p = 1; p < 3; p++) {
        power_set(b, p, p == 1 ? 300 : 100);
        bond(b, p, 300);
        assert_int_equal(join(b, p, p == 1 ? 1 : LINKS), 0);
    }
    b->ledger.height = 60;
    assert_int_equal(block(b, 0, &b->chain.links[1]), 0); // 61
    assert_int_equal(block(b, 1, &b->links[1][1]), 0);    // 62, its only one
    assert_int_equal(chain_of(b, 1).left, 0);
    assert_int_equal(block(b, 2, &b->links[2][1]), 0); // 63
    assert_false(ready(b, 62, 5));                     // 100 of 500
    bench_close(b);
}

// P-48: however many they are, each has its turn before a batch is void. One block after another,
// of proposers of equal power: `provider` is one of them, or none.
static void however_many_propose(void **state) {
    static const assay_address stranger = {{0xee, 0xee}};
    const uint64_t height = 100;
    for (uint32_t n = 1; n <= ASSAY_POWER_MAX; n++) {
        assay_turnout turnout = {.total = 10 * n, .powerful = n, .count = n};
        for (uint32_t i = 0; i < n; i++)
            turnout.proposers[i] =
                (assay_proposer){{{(uint8_t)i, (uint8_t)(i >> 8)}}, 10, height, true};
        assay_address last = turnout.proposers[n - 1].address;
        const assay_params params = {.beacon_delay = 2};
        uint64_t deadline = assay_beacon_deadline(&turnout, &params, height);
        assert_int_equal(deadline, height + 4 + n);
        for (uint32_t i = 0; i < n; i++) {
            bool third = 3 * i > n, rest = n == 1 ? i > 0 : 3 * i > n - 1;
            assert_int_equal(assay_beacon_ready(&turnout, height, &stranger), third);
            assert_int_equal(assay_beacon_ready(&turnout, height, &last), rest);
            assert_int_equal(assay_beacon_possible(&turnout, height), rest);
            turnout.proposers[i].revealed = height + 1 + i;
        }
        assert_true(height + n <= deadline);
        assert_true(assay_beacon_ready(&turnout, height, &stranger));
        assert_true(assay_beacon_ready(&turnout, height, &last));
    }
}

// Past beacon_misses_max in an epoch: jailed until the end of the next.
static void misses_lead_to_jail(void **state) {
    bench *b = bench_new();
    b->chain.genesis.params.beacon_misses_max = 3;
    power_set(b, 1, 10);
    bond(b, 1, 20);
    b->chain.genesis.validators[0].address = b->chain.actors[1];
    must(assay_beacon_init(&b->ledger, err)); // has a chain in force, too
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(block(b, 0, NULL), 0);
    assert_false(chain_of(b, 0).jailed);
    assert_int_equal(block(b, 0, NULL), 0);
    assay_chain links = chain_of(b, 0);
    assert_true(links.jailed);
    assert_true(assay_chain_is_jailed(&links, 0));
    assert_true(assay_chain_is_jailed(&links, 1));
    assert_false(assay_chain_is_jailed(&links, 2));
    assert_int_equal(block(b, 0, &b->chain.links[1]), 0); // its reveals count for nothing
    assert_false(ready(b, 0, 5));
    b->ledger.height = 20;
    must(assay_power_epoch(&b->ledger, err));
    assay_power powers[ASSAY_POWER_MAX];
    uint32_t count, own = 0;
    must(assay_power_list(powers, &count, &b->ledger.reader, err));
    assert_int_equal(count, 2);
    if (!assay_address_equal(&powers[0].address, &b->chain.actors[0])) own = 1;
    // 18 of 110 may change: power begins to leave it, and to reach the other's bond.
    assert_int_equal(powers[own].power, 100 - 16);
    assert_int_equal(powers[1 - own].power, 10 + 1 + 1); // with what floors left over
    b->ledger.height = 21; // a miss in another epoch starts a new count
    assert_int_equal(block(b, 0, NULL), 0);
    assert_int_equal(chain_of(b, 0).misses, 1);
    bench_close(b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_match_the_oracle),
        cmocka_unit_test(preimages),
        cmocka_unit_test(a_miss_is_signed),
        cmocka_unit_test(only_bonded_proposers_register_chains),
        cmocka_unit_test(a_chain_waits_for_epochs_and_for_the_others),
        cmocka_unit_test(a_lone_proposer_waits_for_time_only),
        cmocka_unit_test(a_batch_waits_for_a_third_of_the_others),
        cmocka_unit_test(the_last_proposer_binds_itself),
        cmocka_unit_test(who_runs_out_of_links_is_waited_for),
        cmocka_unit_test(however_many_propose),
        cmocka_unit_test(misses_lead_to_jail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
