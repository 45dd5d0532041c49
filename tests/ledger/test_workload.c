// SPDX-License-Identifier: Apache-2.0
// Thousands of random transactions, many of them refused, against a second, naive ledger in plain
// arrays that predicts every result code and every balance; then the same blocks once more, in a
// fresh store with threads, for the same hashes.
#include "ledger/agent.h"
#include "tests/ledger/chain.h"

enum {
    ACTORS = 6,    // of the chain's: these act, as principals and as agents
    STRANGERS = 8, // addresses that only receive
    BLOCKS = 120,
    BLOCK_TXS = 24,
    SESSIONS = 4096,
    PARTS = 64
};

typedef struct {
    uint64_t active;
    uint64_t part[PARTS], release[PARTS];
    uint32_t part_count;
} model_bond;

typedef struct {
    assay_hash id;
    uint32_t principal;
    uint64_t free, end;
    bool ended;
} model_session;

// Everything the workload touches, with no thought of speed.
typedef struct {
    uint64_t balance[ACTORS + STRANGERS];
    uint64_t nonce[ACTORS];
    uint64_t claim[STRANGERS];
    uint64_t burned;
    model_bond bonds[ASSAY_ROLE_MAX + 1][ACTORS];
    model_session sessions[SESSIONS];
    uint32_t session_count;
    uint32_t scopes[ACTORS][ACTORS]; // [principal][agent]
    uint64_t expiry[ACTORS][ACTORS];
    bool allowed[ACTORS]; // has an allowance
    uint64_t limit[ACTORS], epoch[ACTORS], spent[ACTORS];
    uint64_t height; // of the block being made
    const assay_params *params;
} model;

typedef struct {
    chain *c;
    model *m;
    uint64_t seed;
    assay_address strangers[STRANGERS];
    uint32_t seen[256]; // result codes met
} workload;

static uint64_t next(workload *w) { // xorshift64*
    w->seed ^= w->seed >> 12;
    w->seed ^= w->seed << 25;
    w->seed ^= w->seed >> 27;
    return w->seed * UINT64_C(0x2545f4914f6cdd1d);
}

static uint64_t below(workload *w, uint64_t limit) {
    return next(w) % limit;
}

// --- the model ---

static uint64_t model_min(const model *m, uint8_t role) {
    return role == 1   ? m->params->provider_bond_min
           : role == 2 ? m->params->verification_bond_min
                       : m->params->consensus_bond_min;
}

static uint64_t model_total(const model *m, uint8_t role) {
    uint64_t total = role == ASSAY_ROLE_CONSENSUS ? 100 * CHAIN_OPEN : 0; // the operator's
    for (uint32_t i = 0; i < ACTORS; i++)
        if (m->bonds[role][i].active >= model_min(m, role)) total += m->bonds[role][i].active;
    return total;
}

static bool model_exists(const model *m, uint32_t who) {
    return m->balance[who] != 0 || (who < ACTORS && m->nonce[who] != 0);
}

// Takes from the principal, within its agents' limit if one of them acts. 0 or a reject code.
static uint32_t model_pay(model *m, uint32_t principal, bool by_agent, uint64_t amount,
                          uint32_t short_code) {
    if (short_code == ASSAY_REJECT_FEE_SHORT && m->balance[principal] < amount) return short_code;
    if (by_agent) {
        uint64_t epoch = (m->height - 1) / m->params->epoch_blocks;
        uint64_t spent = m->epoch[principal] == epoch ? m->spent[principal] : 0;
        if (m->limit[principal] < spent || amount > m->limit[principal] - spent)
            return ASSAY_REJECT_AGENT_LIMIT;
        m->epoch[principal] = epoch;
        m->spent[principal] = spent + amount;
    }
    if (m->balance[principal] < amount) return short_code;
    m->balance[principal] -= amount;
    return 0;
}

static uint32_t model_of(const workload *w, const assay_address *address) {
    for (uint32_t i = 0; i < STRANGERS; i++)
        if (assay_address_equal(address, &w->strangers[i])) return ACTORS + i;
    for (uint32_t i = 0; i < ACTORS; i++)
        if (assay_address_equal(address, &w->c->actors[i + 1])) return i;
    return UINT32_MAX;
}

static uint32_t model_bond_add(model *m, uint32_t p, bool agent, const assay_tx_bond *body,
                               uint64_t *keys) {
    model_bond *bond = &m->bonds[body->role][p];
    if (bond->active < model_min(m, body->role) &&
        body->amount < model_min(m, body->role) - bond->active)
        return ASSAY_REJECT_BOND_MIN;
    *keys = (bond->active == 0 && bond->part_count == 0) + (model_total(m, body->role) == 0);
    uint32_t code = model_pay(m, p, agent, body->amount, ASSAY_REJECT_BALANCE_SHORT);
    if (code == 0) bond->active += body->amount;
    return code;
}

static uint32_t model_unbond(model *m, uint32_t p, const assay_tx_bond *body, uint64_t *keys) {
    model_bond *bond = &m->bonds[body->role][p];
    if (bond->active < body->amount) return ASSAY_REJECT_BOND_SHORT;
    uint64_t rest = bond->active - body->amount;
    if (rest != 0 && rest < model_min(m, body->role)) return ASSAY_REJECT_BOND_MIN;
    uint64_t rounds = 2 + m->params->escalation_rounds;
    uint64_t release = m->height + 2 * m->params->beacon_delay + 288 + m->params->answer_blocks +
                       rounds * (m->params->commit_blocks + m->params->reveal_blocks) +
                       2 * m->params->epoch_blocks + m->params->unbond_trust_blocks;
    bool same = bond->part_count != 0 && bond->release[bond->part_count - 1] == release;
    if (!same && bond->part_count == 16) return ASSAY_REJECT_UNBONDING_FULL;
    if (!same) {
        bond->part[bond->part_count] = 0;
        bond->release[bond->part_count++] = release;
        *keys = 1;
    }
    bond->part[bond->part_count - 1] += body->amount;
    bond->active = rest;
    return 0;
}

static uint32_t model_authorize(workload *w, uint32_t p, const assay_tx_authorize_agent *body,
                                uint64_t *keys) {
    model *m = w->m;
    uint32_t agent = model_of(w, &body->agent);
    if (agent == p) return ASSAY_REJECT_AGENT_SELF;
    if (body->expiry <= m->height) return ASSAY_REJECT_AGENT_EXPIRY;
    *keys = (m->scopes[p][agent] == 0) + !m->allowed[p];
    m->scopes[p][agent] = body->scopes;
    m->expiry[p][agent] = body->expiry;
    m->limit[p] = body->limit;
    m->allowed[p] = true;
    return 0;
}

static uint32_t model_open(workload *w, uint32_t p, bool agent, const assay_tx_open_session *body,
                           const assay_hash *id, uint64_t *keys) {
    model *m = w->m;
    if (model_of(w, &body->provider) == p) return ASSAY_REJECT_SESSION_PROVIDER;
    if (body->expiry <= m->height || body->expiry > m->height + m->params->expiry_max)
        return ASSAY_REJECT_SESSION_EXPIRY;
    uint32_t code = model_pay(m, p, agent, body->deposit, ASSAY_REJECT_BALANCE_SHORT);
    if (code != 0) return code;
    m->sessions[m->session_count++] =
        (model_session){*id, p, body->deposit, body->expiry + m->params->close_delay, false};
    *keys = 2;
    return 0;
}

static uint32_t model_close(model *m, uint32_t p, const assay_hash *id, uint64_t *keys) {
    for (uint32_t i = 0; i < m->session_count; i++) {
        model_session *session = &m->sessions[i];
        if (session->ended || !assay_hash_equal(&session->id, id)) continue;
        if (session->principal != p) return ASSAY_REJECT_SESSION_OWNER;
        if (session->end <= m->height + m->params->close_delay) return ASSAY_REJECT_SESSION_CLOSED;
        session->end = m->height + m->params->close_delay;
        *keys = 1;
        return 0;
    }
    return ASSAY_REJECT_SESSION_UNKNOWN;
}

static uint32_t model_rule(workload *w, uint32_t p, bool agent, const assay_tx *tx,
                           const assay_hash *id, uint64_t *keys) {
    model *m = w->m;
    uint32_t to, code;
    switch (tx->kind) {
    case ASSAY_TX_TRANSFER:
        to = model_of(w, &tx->body.transfer.to);
        *keys = !model_exists(m, to);
        code = model_pay(m, p, agent, tx->body.transfer.amount, ASSAY_REJECT_BALANCE_SHORT);
        if (code == 0) m->balance[to] += tx->body.transfer.amount;
        return code;
    case ASSAY_TX_WITHDRAW:
        to = model_of(w, &tx->body.withdraw.recipient) - ACTORS;
        *keys = m->claim[to] == 0 ? ASSAY_CLAIM_KEYS : 0;
        code = model_pay(m, p, agent, tx->body.withdraw.amount, ASSAY_REJECT_BALANCE_SHORT);
        if (code == 0) m->claim[to] += tx->body.withdraw.amount;
        return code;
    case ASSAY_TX_BOND:
        return model_bond_add(m, p, agent, &tx->body.bond, keys);
    case ASSAY_TX_UNBOND:
        return model_unbond(m, p, &tx->body.unbond, keys);
    case ASSAY_TX_AUTHORIZE_AGENT:
        return model_authorize(w, p, &tx->body.authorize_agent, keys);
    case ASSAY_TX_REVOKE_AGENT:
        to = model_of(w, &tx->body.revoke_agent.agent);
        if (m->scopes[p][to] == 0) return ASSAY_REJECT_AGENT_UNKNOWN;
        m->scopes[p][to] = 0;
        return 0;
    case ASSAY_TX_OPEN_SESSION:
        return model_open(w, p, agent, &tx->body.open_session, id, keys);
    default:
        assert_int_equal(tx->kind, ASSAY_TX_CLOSE_SESSION);
        return model_close(m, p, &tx->body.close_session.session, keys);
    }
}

// The whole life of one transaction in the model; copies the model to undo a refusal.
static uint32_t model_run(workload *w, const assay_tx *tx, const assay_hash *id) {
    static model undo;
    model *m = w->m;
    uint32_t signer = model_of(w, &tx->signer), p = model_of(w, &tx->principal);
    bool agent = signer != p;
    if (tx->nonce != m->nonce[signer]) return ASSAY_REJECT_NONCE;
    if (agent) {
        if (m->scopes[p][signer] == 0) return ASSAY_REJECT_AGENT_UNKNOWN;
        if (m->expiry[p][signer] < m->height) return ASSAY_REJECT_AGENT_EXPIRED;
        if ((m->scopes[p][signer] & assay_tx_scope(tx->kind)) == 0) return ASSAY_REJECT_AGENT_SCOPE;
    }
    uint64_t fee = m->params->tx_fee_base + m->params->tx_fee_byte * assay_tx_size(tx);
    if (!model_exists(m, signer)) fee += m->params->key_fee;
    uint32_t code = model_pay(m, p, agent, fee, ASSAY_REJECT_FEE_SHORT);
    if (code != 0) return code;
    m->burned += fee;
    m->nonce[signer]++;
    undo = *m;
    uint64_t keys = 0;
    code = model_rule(w, p, agent, tx, id, &keys);
    if (code == 0 && keys != 0) {
        uint64_t more = keys * m->params->key_fee;
        code = model_pay(m, p, agent, more, ASSAY_REJECT_FEE_SHORT);
        if (code == 0) m->burned += more;
    }
    if (code != 0) *m = undo;
    return code;
}

static void model_block_end(model *m) {
    for (uint8_t role = 1; role <= ASSAY_ROLE_MAX; role++)
        for (uint32_t i = 0; i < ACTORS; i++) {
            model_bond *bond = &m->bonds[role][i];
            while (bond->part_count != 0 && bond->release[0] <= m->height) {
                m->balance[i] += bond->part[0];
                bond->part_count--;
                memmove(bond->part, bond->part + 1, bond->part_count * sizeof *bond->part);
                memmove(bond->release, bond->release + 1, bond->part_count * sizeof *bond->release);
            }
        }
    for (uint32_t i = 0; i < m->session_count; i++) {
        model_session *session = &m->sessions[i];
        if (session->ended || session->end > m->height) continue;
        session->ended = true;
        m->balance[session->principal] += session->free;
    }
    m->height++;
}

// --- the workload ---

static uint64_t amount(workload *w) {
    switch (below(w, 8)) {
    case 0:
        return 1;
    case 1:
        return UINT64_MAX - below(w, 3);
    case 2:
        return w->m->balance[below(w, ACTORS)] + 1;
    case 3:
        return 10 * CHAIN_OPEN;
    case 4:
        return 1 + below(w, 2000 * CHAIN_OPEN);
    default:
        return 1 + below(w, 20 * CHAIN_OPEN);
    }
}

static const assay_address *someone(workload *w) {
    uint64_t who = below(w, ACTORS + STRANGERS);
    return who < ACTORS ? &w->c->actors[who + 1] : &w->strangers[who - ACTORS];
}

static void body_fill(workload *w, assay_tx *tx) {
    model *m = w->m;
    const assay_address *actor = &w->c->actors[1 + below(w, ACTORS)];
    switch (tx->kind) {
    case ASSAY_TX_TRANSFER:
        tx->body.transfer = (assay_tx_transfer){*someone(w), amount(w)};
        break;
    case ASSAY_TX_BOND:
    case ASSAY_TX_UNBOND:
        tx->body.bond = (assay_tx_bond){(uint8_t)(1 + below(w, 3)), amount(w)};
        break;
    case ASSAY_TX_AUTHORIZE_AGENT:
        tx->body.authorize_agent =
            (assay_tx_authorize_agent){*actor, (uint32_t)(1 + below(w, 127)),
                                       m->height + below(w, 30), below(w, 60 * CHAIN_OPEN)};
        break;
    case ASSAY_TX_REVOKE_AGENT:
        tx->body.revoke_agent.agent = *actor;
        break;
    case ASSAY_TX_OPEN_SESSION:
        tx->body.open_session =
            (assay_tx_open_session){*actor, amount(w), 1, 2, m->height + below(w, 25)};
        break;
    case ASSAY_TX_CLOSE_SESSION:
        if (m->session_count != 0)
            tx->body.close_session.session = m->sessions[below(w, m->session_count)].id;
        break;
    default:
        tx->body.withdraw = (assay_tx_withdraw){w->strangers[below(w, STRANGERS)], amount(w)};
        break;
    }
}

static void tx_make(workload *w, assay_tx *tx) {
    static const assay_tx_kind kinds[] = {
        ASSAY_TX_TRANSFER,        ASSAY_TX_TRANSFER,      ASSAY_TX_BOND,
        ASSAY_TX_UNBOND,          ASSAY_TX_UNBOND,        ASSAY_TX_AUTHORIZE_AGENT,
        ASSAY_TX_AUTHORIZE_AGENT, ASSAY_TX_REVOKE_AGENT,  ASSAY_TX_OPEN_SESSION,
        ASSAY_TX_OPEN_SESSION,    ASSAY_TX_CLOSE_SESSION, ASSAY_TX_WITHDRAW,
    };
    uint32_t signer = (uint32_t)below(w, ACTORS);
    *tx = (assay_tx){.kind = kinds[below(w, sizeof kinds / sizeof *kinds)], .chain_id = CHAIN_ID};
    tx->signer = w->c->actors[signer + 1];
    tx->principal = below(w, 3) == 0 ? w->c->actors[1 + below(w, ACTORS)] : tx->signer;
    if (assay_tx_scope(tx->kind) == 0) tx->principal = tx->signer;
    tx->nonce = w->m->nonce[signer] + (below(w, 20) == 0);
    body_fill(w, tx);
}

static void block_make(workload *w, uint32_t codes[BLOCK_TXS]) {
    for (int i = 0; i < BLOCK_TXS; i++) {
        assay_tx tx;
        tx_make(w, &tx);
        assay_hash id = chain_add(w->c, &tx);
        codes[i] = model_run(w, &tx, &id);
        w->seen[codes[i]]++;
    }
}

static void compare(const workload *w) {
    for (uint32_t i = 0; i < ACTORS + STRANGERS; i++) {
        const assay_address *address =
            i < ACTORS ? &w->c->actors[i + 1] : &w->strangers[i - ACTORS];
        assert_int_equal(chain_account(w->c, address).balance, w->m->balance[i]);
    }
    assert_int_equal(chain_totals(w->c).nopen[ASSAY_MONEY_BURNED], w->m->burned);
}

// The blocks as they were made: with their beacons.
typedef struct {
    uint8_t *bytes;
    size_t used;
    size_t sizes[BLOCKS][BLOCK_TXS + 1];
    assay_hash hashes[BLOCKS];
} recording;

static void record(recording *r, const chain *c, uint32_t block) {
    for (uint32_t i = 0; i < c->tx_count; i++) {
        memcpy(r->bytes + r->used, c->txs[i].data, c->txs[i].size);
        r->used += c->txs[i].size;
        r->sizes[block][i] = c->txs[i].size;
    }
}

// P-25: the same blocks give the same hashes, whatever the store, the threads, or what check_tx
// saw.
static void replay(const recording *r) {
    static chain c;
    chain_init(&c);
    chain_start(&c);
    assay_pool *pool;
    must(assay_pool_open(&pool, 3, err));
    assay_app_close(c.app);
    assay_app_options options = {.skip_sync = true, .pool = pool, .map_size = 1 << 30};
    must(assay_app_open(&c.app, c.folder, &c.genesis, &options, err));
    size_t at = 0;
    for (uint32_t block = 0; block < BLOCKS; block++) {
        for (uint32_t i = 0; i <= BLOCK_TXS; i++) {
            chain_add_bytes(&c, r->bytes + at, r->sizes[block][i]);
            at += r->sizes[block][i];
            assay_hash id;
            (void)assay_app_check_tx(c.app, c.txs[i].data, c.txs[i].size, false, &id, NULL);
        }
        c.silent = true; // the beacon is in the recording
        chain_block(&c);
        assert_memory_equal(&c.outcome.app_hash, &r->hashes[block], sizeof r->hashes[block]);
    }
    chain_close(&c);
    assay_pool_close(pool);
}

// P-24 to P-28, P-31, P-32, P-37, P-38, P-40
static void test_workload(void **state) {
    static chain c;
    static model m;
    static recording r;
    workload w = {.c = &c, .m = &m, .seed = 0x5eed};
    uint32_t codes[BLOCK_TXS];
    chain_init(&c);
    chain_start(&c);
    r.bytes = malloc(BLOCKS * BLOCK_TXS * 512);
    m.params = &c.genesis.params;
    m.height = 1;
    for (uint32_t i = 0; i < ACTORS; i++)
        m.balance[i] = CHAIN_BALANCE;
    for (uint32_t i = 0; i < STRANGERS; i++)
        memset(w.strangers[i].bytes, (int)(0xa0 + i), ASSAY_ADDRESS_SIZE);
    for (uint32_t block = 0; block < BLOCKS; block++) {
        block_make(&w, codes);
        assay_app_block input = chain_block_input(&c);
        record(&r, &c, block);
        must(assay_app_finalize_block(c.app, &input, &c.outcome, err));
        r.hashes[block] = c.outcome.app_hash;
        must(assay_app_commit(c.app, err));
        c.height++;
        chain_block_clear(&c);
        chain_scan(&c);
        for (uint32_t i = 0; i < BLOCK_TXS; i++)
            if (chain_code(&c, i) != codes[i])
                fail_msg("block %u, transaction %u: %s, the model says %s", block, i,
                         reject_name(chain_code(&c, i)), reject_name(codes[i]));
        model_block_end(&m);
        compare(&w);
    }
    // The workload reached what it is for.
    static const uint32_t wanted[] = {
        ASSAY_REJECT_NONE,           ASSAY_REJECT_NONCE,         ASSAY_REJECT_BALANCE_SHORT,
        ASSAY_REJECT_AGENT_UNKNOWN,  ASSAY_REJECT_AGENT_EXPIRED, ASSAY_REJECT_AGENT_SCOPE,
        ASSAY_REJECT_AGENT_LIMIT,    ASSAY_REJECT_AGENT_SELF,    ASSAY_REJECT_AGENT_EXPIRY,
        ASSAY_REJECT_BOND_MIN,       ASSAY_REJECT_BOND_SHORT,    ASSAY_REJECT_SESSION_EXPIRY,
        ASSAY_REJECT_SESSION_CLOSED, ASSAY_REJECT_SESSION_OWNER, ASSAY_REJECT_SESSION_PROVIDER,
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (w.seen[wanted[i]] == 0) fail_msg("never met %s", reject_name(wanted[i]));
    chain_close(&c);
    replay(&r);
    free(r.bytes);
}

// The picked candidates as the block, in their order.
static void picks_take(chain *c, const uint32_t *picked, uint32_t count) {
    static assay_bytes txs[BLOCK_TXS];
    assert_in_range(count, 0, BLOCK_TXS);
    for (uint32_t i = 0; i < count; i++)
        txs[i] = c->txs[picked[i]];
    memcpy(c->txs, txs, count * sizeof *txs);
    c->tx_count = count;
}

static uint64_t nonces_sum(const chain *c, model *m) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < ACTORS; i++) {
        m->nonce[i] = chain_account(c, &c->actors[i + 1]).nonces[0];
        m->balance[i] = chain_balance(c, i + 1);
        sum += m->nonce[i];
    }
    return sum;
}

// P-39: whatever waits, what a proposer picks is honest and every transaction of it is admitted.
static void test_proposals(void **state) {
    static chain c;
    static model m;
    workload w = {.c = &c, .m = &m, .seed = 0xf00d};
    uint32_t picked[BLOCK_TXS], count, all = 0;
    bool with_beacon;
    chain_init(&c);
    chain_start(&c);
    for (uint32_t i = 0; i < STRANGERS; i++)
        memset(w.strangers[i].bytes, (int)(0xa0 + i), ASSAY_ADDRESS_SIZE);
    for (uint32_t block = 0; block < BLOCKS; block++) {
        uint64_t before = nonces_sum(&c, &m);
        m.height = c.height + 1;
        for (uint32_t i = 0; i < BLOCK_TXS; i++) {
            assay_tx tx;
            tx_make(&w, &tx);
            tx.nonce += below(&w, 3);
            chain_add(&c, &tx);
        }
        assay_app_proposal proposal = {.height = m.height,
                                       .proposer = c.actors[0],
                                       .candidates = c.txs,
                                       .candidate_count = c.tx_count};
        must(assay_app_prepare_proposal(c.app, &proposal, picked, &count, &with_beacon, err));
        picks_take(&c, picked, count);
        all += count;
        assay_app_block input = chain_block_input(&c);
        must(assay_app_process_proposal(c.app, &input, err));
        must(assay_app_finalize_block(c.app, &input, &c.outcome, err));
        must(assay_app_commit(c.app, err));
        c.height++;
        chain_block_clear(&c);
        assert_int_equal(nonces_sum(&c, &m), before + count);
    }
    assert_true(all > BLOCKS * 3);
    chain_scan(&c);
    chain_close(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_workload),
        cmocka_unit_test(test_proposals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
