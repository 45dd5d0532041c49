// SPDX-License-Identifier: Apache-2.0
#include "ledger/pending.h"

#include <stdlib.h>
#include <sys/random.h>

#include "ledger/agent.h"
#include "ledger/app.h"
#include "ledger/money.h"
#include "ledger/record.h"

enum {
    SLOTS_MIN = 1 << 10,
    SLOTS_TX = 4, // that one transaction takes at most
    FREE = 0,
    LANE = 1,
    OUTFLOW = 1 + ASSAY_TX_LANE_COUNT,
    BY_AGENTS,
    BYTES, // + class
};

// What may wait is cut into these parts, and of what the others leave of one a principal may take
// so many eighths, or by this node's API, so that something is left for who comes next.
static const struct {
    const char *name;
    uint32_t part, own, own_api;
} classes[ASSAY_CLASS_COUNT] = {{"lane 0", 2, 8, 8}, {"votes", 4, 2, 1}, {"evidence", 4, 6, 4}};

struct assay_pending_slot {
    uint64_t value; // next nonce, nopen leaving, or bytes waiting
    uint8_t kind;   // FREE, LANE + lane, OUTFLOW, BY_AGENTS, BYTES + class
    assay_address address;
};

void assay_pending_reset(assay_pending *pending) {
    if (pending->slots != NULL)
        memset(pending->slots, 0, pending->slot_count * sizeof *pending->slots);
    pending->used = 0;
    memset(pending->waiting, 0, sizeof pending->waiting);
}

void assay_pending_outflow_reset(assay_pending *pending) {
    for (uint32_t i = 0; i < pending->slot_count; i++)
        if (pending->slots[i].kind == OUTFLOW || pending->slots[i].kind == BY_AGENTS)
            pending->slots[i].value = 0;
}

void assay_pending_close(assay_pending *pending) {
    free(pending->slots);
    *pending = (assay_pending){0};
}

static uint64_t mix(uint64_t hash, uint64_t word) {
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 32;
}

// The slot of (kind, address), or the free one it would take. There always is a free one.
static assay_pending_slot *slot_find(const assay_pending *pending, uint8_t kind,
                                     const assay_address *address) {
    uint64_t hash = mix(pending->seed, kind);
    hash = mix(hash, assay_load_be64(address->bytes));
    hash = mix(hash, assay_load_be64(address->bytes + 8));
    hash = mix(hash, assay_load_be32(address->bytes + 16));
    for (uint32_t i = (uint32_t)hash;; i++) {
        assay_pending_slot *slot = &pending->slots[i & (pending->slot_count - 1)];
        if (slot->kind == FREE ||
            (slot->kind == kind && assay_address_equal(&slot->address, address)))
            return slot;
    }
}

// Makes room for what one transaction adds, at a load of at most one half.
static assay_status room_make(assay_pending *pending, assay_error *err) {
    if (pending->slot_count != 0 && pending->used + SLOTS_TX <= pending->slot_count / 2)
        return ASSAY_OK;
    if (pending->used + SLOTS_TX > ASSAY_PENDING_MAX)
        return ASSAY_FAIL(err, CAPACITY, "%u signers and principals wait, limit %d", pending->used,
                          ASSAY_PENDING_MAX);
    assay_pending larger = *pending;
    larger.slot_count = pending->slot_count != 0 ? 2 * pending->slot_count : SLOTS_MIN;
    // Without entropy the table still works; only its worst case is then somebody's choice.
    if (pending->slots == NULL && getrandom(&larger.seed, sizeof larger.seed, GRND_NONBLOCK) < 0)
        larger.seed = (uint64_t)(uintptr_t)pending;
    larger.slots = calloc(larger.slot_count, sizeof *larger.slots);
    if (larger.slots == NULL) return ASSAY_FAIL(err, MEMORY, "no memory for pending signers");
    for (uint32_t i = 0; i < pending->slot_count; i++) {
        const assay_pending_slot *slot = &pending->slots[i];
        if (slot->kind != FREE) *slot_find(&larger, slot->kind, &slot->address) = *slot;
    }
    free(pending->slots);
    *pending = larger;
    return ASSAY_OK;
}

static void value_set(assay_pending *pending, uint8_t kind, const assay_address *address,
                      uint64_t value) {
    assay_pending_slot *slot = slot_find(pending, kind, address);
    if (slot->kind == FREE) {
        slot->kind = kind;
        slot->address = *address;
        pending->used++;
    }
    slot->value = value;
}

// What may leave the principal's balance by a transaction beside its fee. An agent that names more
// than its limit has left moves nothing, and must not keep its principal's own from waiting.
static assay_status named_get(uint64_t *out, const assay_reader *reader, const assay_params *params,
                              uint64_t height, const assay_tx *tx, uint64_t fee, assay_error *err) {
    assay_allowance allowance;
    *out = assay_outflow_named(tx, params);
    if (assay_address_equal(&tx->signer, &tx->principal)) return ASSAY_OK;
    ASSAY_TRY(assay_allowance_get(&allowance, reader, &tx->principal, err));
    if (*out > assay_allowance_left(&allowance, params, height) - fee) *out = 0;
    return ASSAY_OK;
}

// What leaves counts against the balance, and if an agent signs also against the limit. Nobody acts
// for a principal in the block in which it changes its authorities.
static void tx_add(assay_pending *pending, const assay_tx *tx, const assay_ahead *ahead,
                   uint64_t leaving, assay_pending_count count) {
    bool by_agent = !assay_address_equal(&tx->signer, &tx->principal);
    bool authority = tx->kind == ASSAY_TX_AUTHORIZE_AGENT || tx->kind == ASSAY_TX_REVOKE_AGENT;
    value_set(pending, (uint8_t)(LANE + tx->lane), &tx->signer, tx->nonce + 1);
    value_set(pending, OUTFLOW, &tx->principal, assay_amount_add(ahead->outflow, leaving));
    if (by_agent)
        value_set(pending, BY_AGENTS, &tx->principal, assay_amount_add(ahead->by_agents, leaving));
    if (authority && count == ASSAY_PENDING_ALL)
        value_set(pending, BY_AGENTS, &tx->principal, UINT64_MAX);
}

uint64_t assay_pending_nonce(const assay_pending *pending, const assay_address *signer,
                             uint8_t lane) {
    if (pending->slots == NULL) return 0;
    return slot_find(pending, (uint8_t)(LANE + lane), signer)->value;
}

// A signer whose first transaction has not come for long must not fill the queue with later ones.
static assay_status count_check(const assay_reader *reader, const assay_tx *tx,
                                const assay_ahead *ahead, assay_error *err) {
    assay_account signer;
    if (ahead->nonce == 0) return ASSAY_OK;
    ASSAY_TRY(assay_account_get(&signer, reader, &tx->signer, err));
    uint64_t done = signer.nonces[tx->lane];
    if (ahead->nonce > done && ahead->nonce - done >= ASSAY_PENDING_SIGNER_MAX)
        return ASSAY_REJECT(err, PENDING, "%llu transactions of this signer wait, limit %d",
                            (ull)(ahead->nonce - done), ASSAY_PENDING_SIGNER_MAX);
    return ASSAY_OK;
}

assay_pending_class assay_pending_class_of(uint8_t kind, uint8_t lane) {
    if (lane == 0) return ASSAY_CLASS_PLAIN;
    return kind == ASSAY_TX_POST_EVIDENCE ? ASSAY_CLASS_EVIDENCE : ASSAY_CLASS_VOTE;
}

// Where the class has a share for each principal, its slot there; else NULL.
static assay_pending_slot *own_slot(const assay_pending *pending, assay_pending_class class,
                                    const assay_address *principal) {
    if (class == ASSAY_CLASS_PLAIN || pending->slots == NULL) return NULL;
    return slot_find(pending, (uint8_t)(BYTES + class), principal);
}

assay_status assay_pending_room(const assay_pending *pending, assay_pending_class class,
                                const assay_address *principal, size_t size, uint64_t waiting_max,
                                bool by_api, assay_error *err) {
    const assay_pending_slot *slot = own_slot(pending, class, principal);
    uint64_t part = waiting_max / classes[class].part;
    uint64_t room = by_api && class != ASSAY_CLASS_EVIDENCE ? part / 2 : part;
    uint64_t all = pending->waiting[class], own = slot != NULL ? slot->value : 0;
    uint64_t left = part > all - own ? part - (all - own) : 0;
    uint64_t own_room = left / 8 * (by_api ? classes[class].own_api : classes[class].own);
    size += ASSAY_APP_TX_OVERHEAD;
    if (all > 0 && all + size > room) // a single one always has room
        return ASSAY_REJECT(err, PENDING, "%llu bytes of %s wait, limit %llu: try again later",
                            (ull)all, classes[class].name, (ull)room);
    if (own > 0 && own + size > own_room)
        return ASSAY_REJECT(err, PENDING,
                            "%llu bytes of this principal's %s wait, limit %llu: try again later",
                            (ull)own, classes[class].name, (ull)own_room);
    return ASSAY_OK;
}

static void bytes_add(assay_pending *pending, assay_pending_class class,
                      const assay_verified_tx *verified) {
    uint64_t size = verified->bytes.size + ASSAY_APP_TX_OVERHEAD;
    const assay_pending_slot *slot = own_slot(pending, class, &verified->tx.principal);
    pending->waiting[class] += size;
    if (slot != NULL)
        value_set(pending, (uint8_t)(BYTES + class), &verified->tx.principal, slot->value + size);
}

assay_status assay_pending_admit(assay_pending *pending, const assay_reader *reader,
                                 const assay_params *params, uint64_t height,
                                 const assay_verified_tx *verified, assay_pending_count count,
                                 uint64_t waiting_max, assay_error *err) {
    static const assay_ahead nothing;
    const assay_tx *tx = &verified->tx;
    uint64_t fee, amount = 0;
    // What is not even decoded has no signer to look up.
    if (verified->code != 0 || tx->kind == ASSAY_TX_BEACON)
        return assay_admission_check(&fee, reader, params, height, verified, &nothing, err);
    ASSAY_TRY(room_make(pending, err));
    assay_ahead ahead = {
        .nonce = slot_find(pending, (uint8_t)(LANE + tx->lane), &tx->signer)->value,
        .outflow = slot_find(pending, OUTFLOW, &tx->principal)->value,
        .by_agents = slot_find(pending, BY_AGENTS, &tx->principal)->value,
    };
    ASSAY_TRY(assay_admission_check(&fee, reader, params, height, verified, &ahead, err));
    if (count != ASSAY_PENDING_FEES) ASSAY_TRY(count_check(reader, tx, &ahead, err));
    if (count == ASSAY_PENDING_ALL) amount = assay_outflow_max(tx, params);
    if (count == ASSAY_PENDING_NAMED) {
        ASSAY_TRY(named_get(&amount, reader, params, height, tx, fee, err));
        assay_pending_class class = assay_pending_class_of((uint8_t)tx->kind, tx->lane);
        ASSAY_TRY(assay_pending_room(pending, class, &tx->principal, verified->bytes.size,
                                     waiting_max, false, err));
        bytes_add(pending, class, verified);
    }
    tx_add(pending, tx, &ahead, assay_amount_add(fee, amount), count);
    return ASSAY_OK;
}
