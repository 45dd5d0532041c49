// SPDX-License-Identifier: Apache-2.0
// Rounds of a height: who proposes, who judges, and what is abandoned.
#include "tests/sim/private.h"

#include "ledger/beacon.h"

// Whose consensus key an account has: mostly its own actor's.
static uint32_t key_of(const chain *c, const assay_view *view, uint32_t actor) {
    assay_validator validator;
    uint8_t key[ASSAY_ED25519_KEY_SIZE];
    bool found;
    uint32_t at = CHAIN_ACTORS;
    must(assay_validator_get(&validator, &found, &view->reader, &c->actors[actor], err));
    while (found && at-- > 0) {
        must(assay_ed25519_public(key, chain_seed(at).bytes, err));
        if (memcmp(key, validator.ed25519, sizeof key) == 0) return at;
    }
    return actor;
}

// The proposer's beacon with its next preimage, now and then with none or another, or not its own.
static assay_bytes beacon_make(sim *s, const sim_node *node) {
    static uint8_t bytes[256];
    chain *c = &s->trial->chain;
    assay_chain links;
    assay_view view = chain_view(c);
    must(assay_chain_get(&links, &view.reader, &c->actors[node->actor], err));
    uint32_t key = key_of(c, &view, node->actor);
    assay_view_close(&view);
    uint64_t next = links.left != 0 ? CHAIN_PREIMAGES - links.left + 1 : 0;
    if (chance(s, 10)) next += draw(s, 3);
    assay_tx tx = {.kind = ASSAY_TX_BEACON, .chain_id = CHAIN_ID, .nonce = s->height + 1};
    if (chance(s, 3)) tx.nonce -= draw(s, 3);
    tx.signer = tx.principal = c->actors[chance(s, 95) ? node->actor : draw(s, CHAIN_ACTORS)];
    if (chance(s, sim_has_power(s, node->actor) ? 85 : 10))
        tx.body.beacon.preimage = c->links[next <= CHAIN_PREIMAGES ? next : 0];
    must(assay_beacon_sign(&tx, &c->genesis.hash, chain_seed(key).bytes, err));
    if (chance(s, 3)) tx.signature.bytes[draw(s, ASSAY_ED25519_SIGNATURE_SIZE)] ^= 1;
    size_t size;
    must(assay_tx_encode(&tx, bytes, sizeof bytes, &size, err));
    return s->entries[sim_entry_add(s, bytes, size)].bytes;
}

// What a call before the decision must leave alone. Spec: E-82.
typedef struct {
    uint64_t writes, height;
    assay_hash app_hash, digest;
    bool deep;
} untouched;

static bool untouched_mark(sim *s, const sim_node *node, untouched *mark) {
    assay_app_info info;
    assay_app_info_get(node->app, &info);
    *mark = (untouched){sim_writes_count(), info.height, info.app_hash, {{0}}, chance(s, 3)};
    return !mark->deep || sim_node_digest(s, node, &mark->digest);
}

static bool untouched_check(sim *s, const sim_node *node, const untouched *mark) {
    assay_app_info info;
    assay_hash digest;
    assay_app_info_get(node->app, &info);
    if (mark->writes != sim_writes_count() || mark->height != info.height ||
        !assay_hash_equal(&mark->app_hash, &info.app_hash))
        return sim_fail(s, node, "a proposal has changed the state");
    if (!mark->deep) return true;
    SIM_TRY(sim_node_digest(s, node, &digest));
    return assay_hash_equal(&digest, &mark->digest)
               ? true
               : sim_fail(s, node, "a proposal has changed an entry");
}

// Sometimes the engine has caught somebody: whose key is an actor's, registered or not.
static void misbehaviors_add(sim *s, sim_proposal *out) {
    out->misbehavior_count = chance(s, 6) ? 1 + draw(s, 2) : 0;
    for (uint32_t i = 0; i < out->misbehavior_count; i++) {
        assay_misbehavior *one = &out->misbehaviors[i];
        uint8_t key[ASSAY_ED25519_KEY_SIZE];
        // Mostly one of the genesis, which has power.
        uint32_t who = draw(s, chance(s, 70) ? s->world->validator_count : CHAIN_ACTORS);
        must(assay_ed25519_public(key, chain_seed(who).bytes, err));
        *one =
            (assay_misbehavior){.height = 1 + draw(s, (uint32_t)s->height), .type = 1 + draw(s, 2)};
        assay_ed25519_address(&one->validator, key);
    }
}

static bool propose(sim *s, sim_node *node, sim_proposal *out) {
    uint64_t lanes[ASSAY_TX_LANE_COUNT] = {0};
    uint64_t half = s->trial->chain.genesis.params.block_bytes_max / 2;
    untouched mark;
    assay_bytes beacon = beacon_make(s, node);
    SIM_TRY(untouched_mark(s, node, &mark));
    uint64_t bytes_max = chance(s, 20) ? 200 + draw(s, 3000) : 0, bytes = 0;
    SIM_TRY(sim_prepare(s, node, s->height + 1, chance(s, 97) ? &beacon : NULL, bytes_max, out));
    SIM_TRY(untouched_check(s, node, &mark));
    misbehaviors_add(s, out);
    s->report->proposals++;
    for (uint32_t i = 0; i < out->count; i++) {
        lanes[out->txs[i].data[ASSAY_TX_LANE_AT]] += out->txs[i].size;
        bytes += out->txs[i].size + ASSAY_APP_TX_OVERHEAD;
    }
    if (bytes_max != 0 && bytes > bytes_max)
        return sim_fail(s, node, "%llu bytes proposed, limit %llu", (ull)bytes, (ull)bytes_max);
    if (lanes[0] > half || lanes[1] > half)
        return sim_fail(s, node, "%llu and %llu bytes proposed, limit %llu each", (ull)lanes[0],
                        (ull)lanes[1], (ull)half);
    return true;
}

// Some nodes judge the proposal, some of them twice. All say the same; of an honest one, yes.
static bool judged(sim *s, const sim_proposal *proposal, uint32_t *verdict) {
    sim_node *up[SIM_NODES_MAX];
    uint32_t count = sim_nodes_up(s, up), judges = 0, first = 0, code;
    for (uint32_t n = 0; n < count; n++) {
        untouched mark;
        if (n > 0 && chance(s, 20)) continue; // late, or on the other side of a partition
        for (uint32_t times = 1 + chance(s, 15); times > 0; times--) {
            SIM_TRY(untouched_mark(s, up[n], &mark));
            SIM_TRY(sim_process(s, up[n], s->height + 1, proposal, &code));
            SIM_TRY(untouched_check(s, up[n], &mark));
            if (judges++ == 0) first = code;
            if (code != first)
                return sim_fail(s, up[n], "process_proposal: code %u, another judge says %u", code,
                                first);
        }
    }
    *verdict = first;
    if (proposal->honest && first != 0)
        return sim_fail(s, NULL, "an honest proposal is refused with code %u", first);
    return true;
}

static bool mutants(sim *s, const sim_proposal *proposal) {
    uint32_t code;
    sim_mutate(s, proposal, &s->mutant);
    SIM_TRY(judged(s, &s->mutant, &code));
    s->report->mutants++;
    s->report->mutants_refused += code != 0;
    return true;
}

// The rounds of a height leave the block to decide in s->proposal.
bool sim_rounds(sim *s) {
    uint32_t count = s->quiet ? 1 : chance(s, 25) ? 0 : 1 + draw(s, 3), code;
    s->abandoned = (sim_proposal){.proposer = s->trial->chain.actors[0]};
    for (uint32_t round = 0; round < (count ? count : 1); round++) {
        sim_node *up[SIM_NODES_MAX];
        uint32_t live = sim_nodes_up(s, up);
        if (round > 0) s->abandoned = s->proposal;
        // With nobody up, the block is an empty one of somebody far away.
        s->proposal = (sim_proposal){.proposer = s->trial->chain.actors[0]};
        if (live == 0) return true;
        // The first has most of the power: without its beacon no batch is ever drawn.
        bool first = s->nodes[0].app != NULL && chance(s, 60);
        sim_node *proposer = first ? &s->nodes[0] : up[0];
        SIM_TRY(propose(s, proposer, &s->proposal));
        if (count > 0) SIM_TRY(judged(s, &s->proposal, &code));
        if (chance(s, 25)) SIM_TRY(mutants(s, &s->proposal));
    }
    s->report->roundless += count == 0;
    if (!s->quiet && chance(s, 8)) { // a block of liars: execution must be of one mind even then
        sim_mutate(s, &s->proposal, &s->mutant);
        s->proposal = s->mutant;
        s->report->lawless++;
    }
    return true;
}
