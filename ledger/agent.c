// SPDX-License-Identifier: Apache-2.0
#include "ledger/agent.h"

#include "ledger/params.h"
#include "ledger/record.h"

enum { AGENT_SIZE = 4 + 8, ALLOWANCE_SIZE = 3 * 8 };
static_assert(AGENT_SIZE == 12 && ALLOWANCE_SIZE == 24, "record layouts");

static assay_record_key agent_key(const assay_address *principal, const assay_address *agent) {
    assay_record_key key = assay_record_key_of_address(ASSAY_TABLE_AGENT, principal);
    assay_record_key_add(&key, agent->bytes, ASSAY_ADDRESS_SIZE);
    return key;
}

static assay_status agent_decode(assay_agent *out, assay_bytes value, assay_error *err) {
    *out = (assay_agent){0};
    if (value.data == NULL) return ASSAY_OK;
    if (value.size != AGENT_SIZE)
        return ASSAY_FAIL(err, CORRUPT, "an agent's record has %zu bytes", value.size);
    out->scopes = assay_load_be32(value.data);
    out->expiry = assay_load_be64(value.data + 4);
    return ASSAY_OK;
}

// An absent agent is zeros.
static assay_status agent_get(assay_agent *out, const assay_reader *reader,
                              const assay_address *principal, const assay_address *agent,
                              assay_error *err) {
    assay_record_key key = agent_key(principal, agent);
    assay_bytes value;
    ASSAY_TRY(assay_reader_get(reader, &key, &value, err));
    return agent_decode(out, value, err);
}

assay_status assay_agent_next(assay_address *agent, assay_agent *out, bool *found,
                              const assay_reader *reader, const assay_address *principal,
                              assay_error *err) {
    assay_record_key after = agent_key(principal, agent);
    assay_bytes value;
    ASSAY_TRY(
        assay_record_next(&value, found, reader, &after, agent->bytes, ASSAY_ADDRESS_SIZE, err));
    return *found ? agent_decode(out, value, err) : ASSAY_OK;
}

assay_status assay_allowance_get(assay_allowance *out, const assay_reader *reader,
                                 const assay_address *principal, assay_error *err) {
    assay_record_key key = assay_record_key_of_address(ASSAY_TABLE_ALLOWANCE, principal);
    assay_bytes value;
    *out = (assay_allowance){0};
    ASSAY_TRY(assay_reader_get(reader, &key, &value, err));
    if (value.data == NULL) return ASSAY_OK;
    if (value.size != ALLOWANCE_SIZE)
        return ASSAY_FAIL(err, CORRUPT, "an allowance has %zu bytes", value.size);
    out->limit = assay_load_be64(value.data);
    out->epoch = assay_load_be64(value.data + 8);
    out->spent = assay_load_be64(value.data + 16);
    return ASSAY_OK;
}

static assay_status allowance_put(assay_ledger *ledger, const assay_allowance *allowance,
                                  assay_error *err) {
    assay_record_key key = assay_record_key_of_address(ASSAY_TABLE_ALLOWANCE, &ledger->principal);
    uint8_t value[ALLOWANCE_SIZE];
    assay_store_be64(value, allowance->limit);
    assay_store_be64(value + 8, allowance->epoch);
    assay_store_be64(value + 16, allowance->spent);
    return assay_ledger_put(ledger, &key, value, sizeof value, err);
}

static uint64_t spent_in(const assay_allowance *allowance, uint64_t epoch) {
    return allowance->epoch == epoch ? allowance->spent : 0;
}

uint64_t assay_allowance_left(const assay_allowance *allowance, const assay_params *params,
                              uint64_t height) {
    uint64_t spent = spent_in(allowance, assay_params_epoch(params, height));
    return spent < allowance->limit ? allowance->limit - spent : 0;
}

assay_status assay_allowance_spend(assay_ledger *ledger, uint64_t amount, assay_error *err) {
    uint64_t epoch = assay_params_epoch(ledger->params, ledger->height);
    assay_allowance allowance;
    ASSAY_TRY(assay_allowance_get(&allowance, &ledger->reader, &ledger->principal, err));
    uint64_t left = assay_allowance_left(&allowance, ledger->params, ledger->height);
    if (amount > left)
        return ASSAY_REJECT(err, AGENT_LIMIT, "%llu nopen of %llu left in epoch %llu, %llu needed",
                            (ull)left, (ull)allowance.limit, (ull)epoch, (ull)amount);
    allowance.spent = spent_in(&allowance, epoch) + amount;
    allowance.epoch = epoch;
    return allowance_put(ledger, &allowance, err);
}

assay_status assay_agent_check(const assay_reader *reader, const assay_tx *tx, uint64_t height,
                               assay_error *err) {
    if (assay_address_equal(&tx->signer, &tx->principal)) return ASSAY_OK;
    assay_agent agent;
    ASSAY_TRY(agent_get(&agent, reader, &tx->principal, &tx->signer, err));
    uint32_t needed = assay_tx_scope(tx->kind);
    if (agent.scopes == 0)
        return ASSAY_REJECT(err, AGENT_UNKNOWN, "the signer is no agent of the principal");
    if (height > agent.expiry)
        return ASSAY_REJECT(err, AGENT_EXPIRED, "the agent's last height was %llu, this is %llu",
                            (ull)agent.expiry, (ull)height);
    if (needed != 0 && (agent.scopes & needed) == needed) return ASSAY_OK;
    char has[ASSAY_SCOPES_TEXT_MAX], needs[ASSAY_SCOPES_TEXT_MAX];
    const char *kind = assay_tx_kind_name(tx->kind);
    if (needed == 0) return ASSAY_REJECT(err, AGENT_SCOPE, "no scope lets an agent send %s", kind);
    assay_scopes_text(has, agent.scopes);
    assay_scopes_text(needs, needed);
    return ASSAY_REJECT(err, AGENT_SCOPE, "the agent's scopes are %s, %s needs %s", has, kind,
                        needs);
}

assay_status assay_agent_authorize(assay_ledger *ledger, const assay_tx *tx, assay_error *err) {
    const assay_tx_authorize_agent *body = &tx->body.authorize_agent;
    if (assay_address_is_zero(&body->agent))
        return ASSAY_REJECT(err, ADDRESS_ZERO, "the zero address as an agent");
    if (assay_address_equal(&body->agent, &ledger->principal))
        return ASSAY_REJECT(err, AGENT_SELF, "a principal needs no authority from itself");
    if (body->expiry <= ledger->height)
        return ASSAY_REJECT(err, AGENT_EXPIRY, "expiry %llu, this is height %llu",
                            (ull)body->expiry, (ull)ledger->height);
    assay_record_key key = agent_key(&ledger->principal, &body->agent);
    uint8_t value[AGENT_SIZE];
    assay_store_be32(value, body->scopes);
    assay_store_be64(value + 4, body->expiry);
    ASSAY_TRY(assay_ledger_put(ledger, &key, value, sizeof value, err));

    assay_allowance allowance;
    ASSAY_TRY(assay_allowance_get(&allowance, &ledger->reader, &ledger->principal, err));
    allowance.limit = body->limit;
    return allowance_put(ledger, &allowance, err);
}

assay_status assay_agent_revoke(assay_ledger *ledger, const assay_tx *tx, assay_error *err) {
    const assay_address *address = &tx->body.revoke_agent.agent;
    assay_agent agent;
    ASSAY_TRY(agent_get(&agent, &ledger->reader, &ledger->principal, address, err));
    if (agent.scopes == 0)
        return ASSAY_REJECT(err, AGENT_UNKNOWN, "the named agent is no agent of the principal");
    assay_record_key key = agent_key(&ledger->principal, address);
    return assay_ledger_delete(ledger, &key, err);
}
