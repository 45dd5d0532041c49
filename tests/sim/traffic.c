// SPDX-License-Identifier: Apache-2.0
// What people send: every kind of transaction by a pool of actors who know the judge's state, the
// whole life of batches with honest and lying voters, and rubbish.
#include "tests/sim/private.h"

typedef struct {
    sim *s;
    trial *t;
    chain *c;
} sender;

static uint32_t someone(sim *s) {
    return draw(s, CHAIN_ACTORS);
}

static uint64_t amount(sim *s) {
    switch (draw(s, 6)) {
    case 0:
        return 1;
    case 1:
        return UINT64_MAX - draw(s, 3);
    case 2:
        return (uint64_t)draw(s, 1200) * CHAIN_OPEN;
    default:
        return (uint64_t)(1 + draw(s, 30000)) * (CHAIN_OPEN / 1000);
    }
}

static assay_hash something(sim *s) {
    return sim_thing(draw(s, 2 * SIM_THINGS));
}

uint32_t sim_entry_add(sim *s, const void *data, size_t size) {
    chain *c = &s->trial->chain;
    if (s->entry_count == SIM_ENTRIES_MAX || size > CHAIN_TX_BYTES - c->used)
        sim_die("too much traffic for a seed");
    sim_entry *entry = &s->entries[s->entry_count];
    if (data != c->bytes + c->used) memcpy(c->bytes + c->used, data, size);
    *entry = (sim_entry){.bytes = {c->bytes + c->used, size}};
    c->used += size;
    assay_tx_id(&entry->id, entry->bytes.data, size);
    return s->entry_count++;
}

// --- money, bonds, agents, registries ---

static void money_send(sender *to, assay_tx *tx) {
    sim *s = to->s;
    chain *c = to->c;
    switch (tx->kind) {
    case ASSAY_TX_TRANSFER:
        tx->body.transfer = (assay_tx_transfer){c->actors[someone(s)], amount(s)};
        break;
    case ASSAY_TX_BOND:
    case ASSAY_TX_UNBOND:
        tx->body.bond = (assay_tx_bond){(uint8_t)(1 + draw(s, 3)), amount(s)};
        break;
    case ASSAY_TX_AUTHORIZE_AGENT:
        tx->body.authorize_agent =
            (assay_tx_authorize_agent){c->actors[someone(s)], 1 + draw(s, ASSAY_SCOPE_ALL),
                                       s->height + draw(s, 30), amount(s)};
        if (chance(s, 60)) tx->body.authorize_agent.agent = c->actors[SPARE];
        break;
    case ASSAY_TX_REVOKE_AGENT:
        tx->body.revoke_agent.agent = c->actors[chance(s, 60) ? SPARE : someone(s)];
        break;
    default:
        tx->body.withdraw = (assay_tx_withdraw){c->actors[someone(s)], amount(s)};
        break;
    }
}

static void registry_send(sender *to, assay_tx *tx) {
    static const assay_bytes text = {(const uint8_t *)"text", 4};
    static assay_source_row source;
    static assay_hash roots[2];
    sim *s = to->s;
    assay_hash thing = sim_thing(draw(s, SIM_THINGS)), salt = trial_hash("salt");
    uint32_t link;
    switch (tx->kind) {
    case ASSAY_TX_COMMIT_DATASET:
        assay_commitment_hash(&tx->body.commit_dataset.commitment, &thing,
                              chance(s, 50) ? &salt : NULL, &tx->principal);
        break;
    case ASSAY_TX_REGISTER_DATASET:
        tx->body.register_dataset = (assay_tx_register_dataset){
            thing, salt, 1 + draw(s, 9), 1 + draw(s, 999), text, text, text, {{0}}};
        break;
    case ASSAY_TX_RETIRE_DATASET:
        tx->body.retire_dataset.dataset = chance(s, 30) ? to->t->datasets[draw(s, 2)] : thing;
        break;
    case ASSAY_TX_REGISTER_MODEL:
        tx->body.register_model =
            (assay_tx_register_model){thing, 1 + draw(s, 1 << 20), draw(s, 200000), text, text};
        break;
    case ASSAY_TX_REGISTER_ADAPTER:
        source = (assay_source_row){to->t->datasets[draw(s, 2)], 1000000};
        tx->body.register_adapter = (assay_tx_register_adapter){
            to->t->model, thing, 1 + draw(s, 1 << 20), draw(s, 200000), text, text, {&source, 1}};
        break;
    case ASSAY_TX_DECLARE_ROOTS:
        trial_roots(to->t, roots);
        tx->body.declare_roots.roots = (assay_hash_list){roots, chance(s, 80) ? 2 : draw(s, 3)};
        break;
    default:
        // The rest of the one chain, so that its place tells the next preimage.
        link = draw(s, 3);
        tx->body.register_chain =
            (assay_tx_register_chain){to->c->links[link], CHAIN_PREIMAGES - link};
        break;
    }
}

static void session_send(sender *to, assay_tx *tx) {
    sim *s = to->s;
    if (tx->kind == ASSAY_TX_CLOSE_SESSION) {
        tx->body.close_session.session = chance(s, 50) ? s->trial->session : something(s);
        return;
    }
    tx->body.open_session = (assay_tx_open_session){
        .provider = to->c->actors[chance(s, 70) ? PROVIDER : someone(s)],
        .deposit = amount(s),
        .price_in = TRIAL_PRICE,
        .price_out = TRIAL_PRICE,
        .expiry = s->height + draw(s, 12),
    };
}

// Who has something to do with a kind, so that it is not only refused.
static uint32_t usual(assay_tx_kind kind, sim *s) {
    switch (kind) {
    case ASSAY_TX_UNBOND:
        return PROVIDER + draw(s, 1 + VALIDATOR_COUNT);
    case ASSAY_TX_AUTHORIZE_AGENT:
    case ASSAY_TX_REVOKE_AGENT:
        return PUBLISHER + draw(s, 2);
    case ASSAY_TX_COMMIT_DATASET:
    case ASSAY_TX_REGISTER_DATASET:
    case ASSAY_TX_RETIRE_DATASET:
    case ASSAY_TX_REGISTER_MODEL:
    case ASSAY_TX_REGISTER_ADAPTER:
        return DORA;
    case ASSAY_TX_CLOSE_SESSION:
        return CONSUMER;
    default:
        return someone(s);
    }
}

static void any_send(sender *to) {
    static const assay_tx_kind kinds[] = {
        ASSAY_TX_TRANSFER,         ASSAY_TX_TRANSFER,
        ASSAY_TX_TRANSFER,         ASSAY_TX_BOND,
        ASSAY_TX_UNBOND,           ASSAY_TX_AUTHORIZE_AGENT,
        ASSAY_TX_AUTHORIZE_AGENT,  ASSAY_TX_REVOKE_AGENT,
        ASSAY_TX_WITHDRAW,         ASSAY_TX_COMMIT_DATASET,
        ASSAY_TX_COMMIT_DATASET,   ASSAY_TX_REGISTER_DATASET,
        ASSAY_TX_REGISTER_DATASET, ASSAY_TX_RETIRE_DATASET,
        ASSAY_TX_REGISTER_MODEL,   ASSAY_TX_REGISTER_MODEL,
        ASSAY_TX_REGISTER_ADAPTER, ASSAY_TX_REGISTER_ADAPTER,
        ASSAY_TX_DECLARE_ROOTS,    ASSAY_TX_REGISTER_CHAIN,
        ASSAY_TX_OPEN_SESSION,     ASSAY_TX_CLOSE_SESSION,
    };
    sim *s = to->s;
    assay_tx_kind kind = kinds[draw(s, sizeof kinds / sizeof *kinds)];
    assay_tx tx = chain_tx(to->c, chance(s, 75) ? usual(kind, s) : someone(s), kind);
    if (chance(s, 15)) tx.principal = to->c->actors[someone(s)];
    if (chance(s, 10)) tx = chain_agent_tx(to->c, SPARE, PUBLISHER + draw(s, 2), kind);
    if (assay_tx_scope(kind) == 0) tx.principal = tx.signer;
    if (chance(s, 5)) tx.nonce += draw(s, 3);
    if (kind == ASSAY_TX_OPEN_SESSION || kind == ASSAY_TX_CLOSE_SESSION)
        session_send(to, &tx);
    else if (kind >= ASSAY_TX_COMMIT_DATASET && kind <= ASSAY_TX_REGISTER_CHAIN)
        registry_send(to, &tx);
    else
        money_send(to, &tx);
    // What has no valid form cannot be signed by the library; mutants and rubbish stand for it.
    assay_error err = {0};
    if (assay_tx_check(&tx, &err) == ASSAY_OK) chain_add(to->c, &tx);
}

// --- validators ---

static void registration_send(sender *to, uint32_t actor) {
    static uint8_t proof[ASSAY_ED25519_SIGNATURE_SIZE];
    sim *s = to->s;
    uint32_t key = chance(s, 90) ? actor : someone(s);
    uint32_t stands_for = chance(s, 95) ? actor : someone(s);
    assay_tx tx = chain_tx(to->c, actor, ASSAY_TX_REGISTER_VALIDATOR);
    assay_tx_register_validator *body = &tx.body.register_validator;
    must(assay_ed25519_public(body->ed25519.bytes, chain_seed(key).bytes, err));
    chain_proof(proof, key, &to->c->genesis.hash, &to->c->actors[stands_for]);
    body->proof = (assay_bytes){proof, sizeof proof};
    chain_add(to->c, &tx);
}

// Somebody comes with bond, chain and key, or takes the bond away: sets grow and shrink.
static void validator_send(sender *to) {
    sim *s = to->s;
    uint32_t actor = chance(s, 70) ? draw(s, SIM_NODES_MAX) : someone(s);
    uint64_t bond;
    assay_view view = chain_view(to->c);
    must(assay_bond_weight(&bond, &view.reader, view.params, ASSAY_ROLE_CONSENSUS,
                           &to->c->actors[actor], err));
    assay_view_close(&view);
    bool leaves = bond > 0 && chance(s, 40);
    assay_tx tx = chain_tx(to->c, actor, leaves ? ASSAY_TX_UNBOND : ASSAY_TX_BOND);
    tx.body.bond =
        (assay_tx_bond){ASSAY_ROLE_CONSENSUS, leaves ? bond : (10 + draw(s, 60)) * CHAIN_OPEN};
    if (bond == 0 || leaves || chance(s, 30)) chain_add(to->c, &tx);
    if (leaves) return;
    registration_send(to, actor);
    tx = chain_tx(to->c, actor, ASSAY_TX_REGISTER_CHAIN);
    tx.body.register_chain = (assay_tx_register_chain){to->c->links[0], CHAIN_PREIMAGES};
    if (chance(s, 50)) chain_add(to->c, &tx);
}

// --- batches, votes, evidence ---

static bool batch_waits(const chain *c) {
    for (uint32_t i = 0; i < c->tx_count; i++)
        if (c->txs[i].data[1] == ASSAY_TX_SUBMIT_BATCH) return true;
    return false;
}

static uint32_t bundle_find(const sim *s, const assay_hash *id) {
    uint32_t i = 0;
    while (i < s->bundle_count && !assay_hash_equal(&s->bundles[i].id, id))
        i++;
    return i;
}

// The next batch on the consumer's session, or a new session if that one is gone.
static void batch_send(sender *to) {
    static const uint8_t truths[] = {
        ASSAY_VERDICT_MATCH,   ASSAY_VERDICT_MATCH,       ASSAY_VERDICT_MATCH,
        ASSAY_VERDICT_MATCH,   ASSAY_VERDICT_MATCH,       ASSAY_VERDICT_OUTPUT,
        ASSAY_VERDICT_REQUEST, ASSAY_VERDICT_UNAVAILABLE, ASSAY_VERDICT_TABLE,
        ASSAY_VERDICT_MATCH,   ASSAY_VERDICT_DATA_MISSING};
    sim *s = to->s;
    assay_session session;
    bool found;
    if (s->bundle_count == SIM_BUNDLES_MAX || batch_waits(to->c)) return;
    assay_view view = chain_view(to->c);
    must(assay_session_get(&session, &found, &view.reader, &to->t->session, err));
    assay_view_close(&view);
    if (!found || session.ended != 0) {
        to->t->session = trial_open_session(to->t, 1 + draw(s, 50));
        return;
    }
    to->t->next_sequence = session.last_sequence + 1 + chance(s, 4);
    bundle *b = &s->bundles[s->bundle_count];
    s->truths[s->bundle_count] = truths[draw(s, sizeof truths)];
    trial_bundle(to->t, b, 1 + draw(s, 4));
    if (chance(s, 5)) b->tx.body.submit_batch.fee_total++;
    b->id = chain_add(to->c, &b->tx);
    // One that was forgotten may come again, the same to the last bit: it keeps its truth.
    if (bundle_find(s, &b->id) == s->bundle_count) s->bundle_count++;
}

// A voter's mind is the same when it commits and when it reveals: a stream of its own.
static ballot mind_of(sim *s, uint32_t actor, const assay_duty *duty) {
    static const uint8_t lies[] = {ASSAY_VERDICT_MATCH, ASSAY_VERDICT_TRACE,
                                   ASSAY_VERDICT_UNAVAILABLE, ASSAY_VERDICT_TABLE_UNAVAILABLE};
    sim_random own;
    ballot mind = {0};
    uint32_t index = bundle_find(s, &duty->batch);
    sim_random_init(&own, s->seed,
                    assay_load_be32(duty->batch.bytes) ^
                        (duty->sample << 16 | (uint32_t)duty->round << 8 | actor));
    mind.verdict = index < s->bundle_count ? s->truths[index] : 0;
    mind.dataset = s->trial->datasets[0];
    if (sim_chance(&own, 5)) mind.verdict = lies[sim_draw(&own, sizeof lies)];
    mind.wrong_probe = sim_chance(&own, 3);
    mind.no_commit = sim_chance(&own, 3);
    mind.no_reveal = sim_chance(&own, 3);
    return mind;
}

static void vote_send(sender *to, uint32_t actor, const assay_duty *duty) {
    ballot mind = mind_of(to->s, actor, duty);
    if (duty->kind == ASSAY_DUTY_COMMIT && !mind.no_commit) {
        trial_commit_add(to->t, actor, duty, &mind);
    } else if (duty->kind == ASSAY_DUTY_REVEAL && !mind.no_reveal) {
        assay_tx tx = trial_reveal_tx(to->t, actor, duty, &mind);
        chain_add(to->c, &tx);
    }
}

static void answer_send(sender *to, const assay_duty *duty) {
    static uint8_t data[ASSAY_EVIDENCE_PART_MAX];
    uint32_t index = bundle_find(to->s, &duty->batch);
    if (index == to->s->bundle_count) return;
    const bundle *b = &to->s->bundles[index];
    size_t size = duty->kind == ASSAY_DUTY_ANSWER_LEAF
                      ? trial_leaf_evidence(b, duty->position, data, sizeof data)
                      : trial_table_evidence(b, data, sizeof data);
    if (chance(to->s, 20)) data[draw(to->s, (uint32_t)size)] ^= 1;
    assay_tx tx = trial_post_tx(to->t, &duty->batch, duty->sample, 0, 1, data, size);
    chain_add(to->c, &tx);
}

static void duties_send(sender *to) {
    static assay_duty duties[TRIAL_DUTIES];
    for (uint32_t actor = 0; actor < CHAIN_ACTORS; actor++) {
        uint32_t count = trial_duties(to->t, actor, duties);
        for (uint32_t i = 0; i < count; i++) {
            if (!chance(to->s, 90)) continue;
            if (duties[i].kind == ASSAY_DUTY_COMMIT || duties[i].kind == ASSAY_DUTY_REVEAL)
                vote_send(to, actor, &duties[i]);
            else
                answer_send(to, &duties[i]);
        }
    }
}

// --- rubbish ---

static void rubbish_send(sim *s) {
    static uint8_t bytes[ASSAY_TX_SIZE_MAX];
    size_t size = draw(s, 200);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)draw(s, 256);
    if (s->entry_count > 0 && chance(s, 80)) { // something real, damaged, cut, or once more
        assay_bytes old = s->entries[draw(s, s->entry_count)].bytes;
        size = old.size;
        memcpy(bytes, old.data, size);
        if (size > 0 && chance(s, 60)) bytes[draw(s, (uint32_t)size)] ^= (uint8_t)(1 << draw(s, 8));
        if (size > 0 && chance(s, 20)) size = draw(s, (uint32_t)size);
    }
    if (chance(s, 10)) { // the operator's beacon, sent by a stranger
        chain *c = &s->trial->chain;
        assay_tx tx = chain_beacon(c, 0, s->height + 1, &c->links[draw(s, 8)]);
        must(assay_tx_encode(&tx, bytes, sizeof bytes, &size, err));
    }
    sim_entry_add(s, bytes, size);
}

bool sim_traffic(sim *s) {
    sender to = {s, s->trial, &s->trial->chain};
    uint32_t before = to.c->tx_count;
    if (chance(s, 40)) batch_send(&to);
    if (chance(s, 25)) validator_send(&to);
    duties_send(&to);
    for (uint32_t i = draw(s, 6); i > 0; i--)
        any_send(&to);
    for (uint32_t i = before; i < to.c->tx_count; i++) {
        if (s->entry_count == SIM_ENTRIES_MAX) sim_die("too much traffic for a seed");
        sim_entry *entry = &s->entries[s->entry_count++];
        *entry = (sim_entry){.bytes = to.c->txs[i]};
        assay_tx_id(&entry->id, entry->bytes.data, entry->bytes.size);
    }
    if (chance(s, 30)) rubbish_send(s);
    return true;
}

void sim_traffic_settle(sim *s) {
    chain *c = &s->trial->chain;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < c->tx_count; i++) {
        const uint8_t *head = c->txs[i].data;
        assay_address signer;
        memcpy(signer.bytes, head + ASSAY_TX_SIGNER_AT, sizeof signer.bytes);
        uint64_t next = chain_account(c, &signer).nonces[head[ASSAY_TX_LANE_AT]];
        // A gap that nobody fills is forgotten with what stands behind it.
        if (assay_load_be64(head + ASSAY_TX_NONCE_AT) >= next && !chance(s, 25))
            c->txs[kept++] = c->txs[i];
    }
    c->tx_count = kept;
}
