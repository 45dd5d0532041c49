// SPDX-License-Identifier: Apache-2.0
// What is pending, compared with the chain: what must go soon, and what is dropped since it can be
// in no batch any more.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hex.h"
#include "base/json.h"
#include "consensus/clock.h"
#include "node/log.h"
#include "node/provider/provider.h"

// The delay is there for the provider: what was answered before it has all of it to reach a block.
bool assay_provider_closes(const assay_provider *provider, uint64_t end, uint64_t height) {
    uint64_t delay = provider->genesis->params.close_delay;
    return end && (end <= delay || end - delay <= height);
}

// Sessions are asked for anew after it, since their deposits have changed.
void assay_provider_drop(assay_provider *provider,
                         bool gone(const void *context, const assay_receipt *receipt),
                         const void *context, bool counted) {
    uint32_t kept = 0;
    char path[PATH_MAX];
    for (uint32_t i = 0; i < provider->pending_count; i++) {
        assay_provider_pending *entry = &provider->pending[i];
        if (!gone(context, &entry->receipt)) {
            provider->pending[kept++] = *entry;
            continue;
        }
        const assay_request *request = &entry->receipt.request;
        if (counted)
            assay_answered_take(&provider->answered, &request->session, request->sequence);
        else if (assay_answer_path(path, provider->options.home, "pending", &request->session,
                                   request->sequence, NULL) == ASSAY_OK)
            unlink(path);
        free(entry->leaf);
    }
    if (kept < provider->pending_count) {
        provider->session_count = 0;
        provider->drop_count++;
    }
    provider->pending_count = kept;
}

enum {
    UNKNOWN_MS = 60000,  // until receipts of a session that the node did not know go again
    ANSWERED_LOOKS = 32, // sessions with something answered that one look asks for
    SESSIONS_MAX = ASSAY_PROVIDER_PENDING_MAX + ANSWERED_LOOKS,
};

typedef struct {
    assay_hash id;
    uint64_t last_sequence;
    bool over; // ended
} pruning;

static bool is_over(const void *context, const assay_receipt *receipt) {
    const pruning *p = context;
    return assay_hash_equal(&p->id, &receipt->request.session) &&
           (p->over || receipt->request.sequence <= p->last_sequence);
}

static void loss_tell(const assay_hash *id, uint64_t lost) {
    char session[ASSAY_HEX_HASH_MAX];
    assay_hex_encode_0x(session, id->bytes, ASSAY_HASH_SIZE);
    assay_log(ASSAY_LOG_WARN, "income_lost",
              json_pack("{s:o,s:s}", "nopen", assay_json_from_u64(lost), "session", session),
              "session %s ended with %llu nopen in no batch", session, (ull)lost);
}

// Of another chain, ended long ago, or the node is behind: what is pending may still be money, and
// its sequences are taken.
static void session_unknown(assay_provider *provider, const assay_hash *id) {
    uint64_t now = assay_clock_ms(), nopen = 0;
    bool held = true;
    pthread_mutex_lock(&provider->lock);
    for (uint32_t i = 0; i < provider->pending_count; i++) {
        assay_provider_pending *entry = &provider->pending[i];
        if (!assay_hash_equal(&entry->receipt.request.session, id)) continue;
        held = held && entry->hold_until_ms > now;
        nopen += entry->receipt.fee;
        if (entry->hold_until_ms < now + UNKNOWN_MS) entry->hold_until_ms = now + UNKNOWN_MS;
    }
    pthread_mutex_unlock(&provider->lock);
    if (held) return; // told before
    char session[ASSAY_HEX_HASH_MAX];
    assay_hex_encode_0x(session, id->bytes, ASSAY_HASH_SIZE);
    assay_log(ASSAY_LOG_WARN, "session_unknown",
              json_pack("{s:o,s:s}", "nopen", assay_json_from_u64(nopen), "session", session),
              "the node knows no session %s: its receipts for %llu nopen wait in %s/pending",
              session, (ull)nopen, provider->options.home);
}

// A crash, or a wait that was too short, can leave receipts pending that are in a block; sessions
// end. A batch with either would be refused.
static assay_status session_prune(assay_provider *provider, const assay_hash *id,
                                  assay_error *err) {
    assay_session session = {0};
    assay_error why = {0};
    uint64_t lost = 0;
    assay_status status = assay_session_fetch(&session, &provider->asking, id, &why);
    if (status == ASSAY_NOT_FOUND) {
        session_unknown(provider, id);
        return ASSAY_OK;
    }
    if (status != ASSAY_OK) return assay_error_pass(err, &why);
    const pruning p = {*id, session.last_sequence, session.ended};
    pthread_mutex_lock(&provider->lock);
    for (uint32_t i = 0; i < provider->pending_count; i++) {
        const assay_receipt *receipt = &provider->pending[i].receipt;
        if (is_over(&p, receipt) && receipt->request.sequence > p.last_sequence)
            lost += receipt->fee;
    }
    assay_provider_drop(provider, is_over, &p, !p.over);
    if (p.over) assay_answered_forget(&provider->answered, id);
    for (uint32_t i = 0; i < provider->pending_count; i++)
        if (assay_hash_equal(&provider->pending[i].receipt.request.session, id))
            provider->pending[i].end = session.end;
    pthread_mutex_unlock(&provider->lock);
    if (lost) loss_tell(id, lost);
    return ASSAY_OK;
}

static void session_list(assay_hash *ids, uint32_t *count, const assay_hash *id) {
    uint32_t at = 0;
    while (at < *count && !assay_hash_equal(&ids[at], id))
        at++;
    if (at == *count) ids[(*count)++] = *id;
}

// ids [SESSIONS_MAX]: the sessions with something pending, and some of those with something
// answered. Returns: their number.
static uint32_t sessions_list(assay_hash *ids, assay_provider *provider) {
    assay_hash answered[ANSWERED_LOOKS];
    uint32_t count = 0;
    pthread_mutex_lock(&provider->lock);
    for (uint32_t i = 0; i < provider->pending_count; i++)
        session_list(ids, &count, &provider->pending[i].receipt.request.session);
    uint32_t more = assay_answered_sessions(&provider->answered, answered, ANSWERED_LOOKS);
    for (uint32_t i = 0; i < more; i++)
        session_list(ids, &count, &answered[i]);
    pthread_mutex_unlock(&provider->lock);
    return count;
}

static assay_status unsourced_look(assay_provider *provider, assay_error *err) {
    const assay_workshop *shop = provider->shop;
    for (uint32_t i = 0; i < shop->adapter_count; i++) {
        bool found;
        ASSAY_TRY(
            assay_unsourced_look(&provider->unsourced, &found, &provider->asking, shop, i, err));
        if (!found) continue;
        pthread_mutex_lock(&provider->lock);
        provider->unsourced.adapters[i] = true;
        pthread_mutex_unlock(&provider->lock);
    }
    return ASSAY_OK;
}

// One thread takes from the pending ones: this one.
assay_status assay_provider_look(assay_provider *provider, assay_provider_facts *facts,
                                 assay_error *err) {
    ASSAY_TRY(assay_provider_facts_fetch(facts, &provider->asking, &provider->wallet->principal,
                                         provider->genesis->params.bond_multiple, err));
    assay_hash *ids = calloc(SESSIONS_MAX, sizeof *ids);
    if (!ids) return ASSAY_FAIL(err, MEMORY, "no memory for sessions");
    pthread_mutex_lock(&provider->lock);
    provider->facts = *facts;
    provider->facts_ms = assay_clock_ms();
    pthread_mutex_unlock(&provider->lock);
    assay_status status = ASSAY_OK;
    uint32_t count = sessions_list(ids, provider);
    for (uint32_t i = 0; status == ASSAY_OK && i < count; i++)
        status = session_prune(provider, &ids[i], err);
    free(ids);
    return status;
}

assay_status assay_provider_payable_look(assay_provider *provider, assay_error *err) {
    const assay_workshop *shop = provider->shop;
    for (uint32_t row = 0; row <= shop->adapter_count; row++) {
        assay_payable_row answer;
        ASSAY_TRY(assay_payable_fetch(&answer, &provider->asking, shop, row,
                                      &provider->wallet->principal, err));
        pthread_mutex_lock(&provider->lock);
        bool other = assay_payable_note(&provider->payable, row, &answer);
        pthread_mutex_unlock(&provider->lock);
        if (other) assay_payable_tell(shop, row, &answer);
    }
    return unsourced_look(provider, err);
}
