// SPDX-License-Identifier: Apache-2.0
// From pending receipts to a batch on the chain, and its defence there.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"
#include "consensus/clock.h"
#include "ledger/evidence.h"
#include "ledger/tx/reject.h"
#include "node/duty_json.h"
#include "node/error_json.h"
#include "node/log.h"
#include "node/provider/provider.h"
#include "node/workshop/batch_table.h"

enum {
    EVIDENCE_FILE_MAX = ASSAY_TABLE_BYTES_MAX,
    BATCH_MAX = 4096,
    PARTS_MAX = 1024,
    // Of a posting, at any params (EVIDENCE_SIZE); small ones, so that what floods leave of their
    // part of a block holds some (P-26).
    PARTS = 64,
    PART_MIN = 16 << 10,
    HOLD_MS = 60000, // the first time a session is left out; doubles up to
    HOLD_MS_MAX = 960000,
};

assay_provider_dues assay_provider_due(assay_provider *provider, bool all) {
    pthread_mutex_lock(&provider->lock);
    uint64_t now = assay_clock_ms(); // with the lock: no receipt is younger than now
    uint64_t count = 0, fees = 0;
    bool old = false, closes = false;
    for (uint32_t i = 0; i < provider->pending_count; i++) {
        const assay_provider_pending *entry = &provider->pending[i];
        if (entry->hold_until_ms > now) continue;
        count++;
        old = old || now - entry->since_ms >= provider->options.batch_ms;
        closes = closes || assay_provider_closes(provider, entry->end, provider->facts.height);
        if (__builtin_add_overflow(fees, entry->receipt.fee, &fees)) fees = UINT64_MAX;
    }
    bool due = old || count >= provider->options.batch_count || (all && count);
    pthread_mutex_unlock(&provider->lock);
    if (fees < provider->genesis->params.min_batch_fee) return ASSAY_DUE_NOTHING;
    return closes ? ASSAY_DUE_CLOSING : due ? ASSAY_DUE_SOME : ASSAY_DUE_NOTHING;
}

assay_status assay_provider_evidence(const assay_provider *provider, const assay_hash *root,
                                     const char *name, uint8_t **data, size_t *size,
                                     assay_error *err) {
    char path[PATH_MAX];
    ASSAY_TRY(assay_evidence_path(path, provider->options.home, root, name, err));
    return assay_file_read(path, EVIDENCE_FILE_MAX, data, size, err);
}

// A copy of a pending receipt; its leaf is still owned by the provider.
typedef struct {
    assay_provider_pending pending;
    uint64_t end; // of its session, if that closes; else UINT64_MAX
} candidate;

// A batch in the making, of what was pending at its start.
typedef struct {
    assay_arena arena;
    candidate *taken; // [count], in P-15's order once they are chosen
    assay_receipt *receipts;
    uint32_t count;
    bool all;      // of what was pending
    uint32_t half; // of its receipts, as they were chosen: so many make the next batch if it is
                   // refused; 0: it cannot be smaller
    assay_sumtree_node root;
    uint32_t receipt_bytes;
    assay_batch_tables tables;
    char uri[ASSAY_URI_SIZE_MAX + 1];
    bool first; // no evidence of this root was here: nobody can have sent a batch with it
} making;

// P-15's, which a batch is in.
static int batch_order(const void *a, const void *b) {
    return assay_receipt_compare(&((const candidate *)a)->pending.receipt,
                                 &((const candidate *)b)->pending.receipt);
}

// In which they are chosen: those first that have the least time left.
static int choice_order(const void *a, const void *b) {
    uint64_t x = ((const candidate *)a)->end, y = ((const candidate *)b)->end;
    return x != y ? (x < y ? -1 : 1) : batch_order(a, b);
}

// One session's are one: what was answered since the last look has no end of its own yet.
static void candidates_sort(making *m, const assay_provider *provider, uint64_t height) {
    qsort(m->taken, m->count, sizeof *m->taken, batch_order);
    for (uint32_t i = 0; i < m->count; i++) {
        candidate *one = &m->taken[i], *before = i ? one - 1 : one;
        bool same = assay_hash_equal(&one->pending.receipt.request.session,
                                     &before->pending.receipt.request.session);
        one->end = assay_provider_closes(provider, one->pending.end, height) ? one->pending.end
                                                                             : UINT64_MAX;
        if (i && same) one->end = before->end;
    }
    qsort(m->taken, m->count, sizeof *m->taken, choice_order);
}

// The first half of what is chosen, or as much more as the ledger asks of a batch. Returns: 0 if
// that is not less.
static uint32_t half_of(const making *m, uint64_t least) {
    uint64_t fees = 0;
    for (uint32_t i = 0; i + 1 < m->count; i++) {
        fees += m->taken[i].pending.receipt.fee;
        if (2 * (i + 1) >= m->count && fees >= least) return i + 1;
    }
    return 0;
}

// Drops from the sorted ones what this batch cannot hold; a session's sequences stay without a gap,
// from its first on. room: nopen of fees. Returns: whether the room was too small for some.
static bool making_choose(making *m, const assay_provider *provider, uint64_t room) {
    // As many as the ledger's limit on receipt bytes holds for sure.
    uint64_t most = provider->genesis->params.receipt_bytes_max / ASSAY_RECEIPT_SIZE_MAX;
    uint64_t least = provider->genesis->params.min_batch_fee, fees = 0;
    assay_request last = {.sequence = 0}; // taken or not; no session's is 0
    bool open = true, scarce = false;     // whether its session's next one may be taken
    uint32_t count = 0;
    if (most > BATCH_MAX) most = BATCH_MAX;
    if (room > ASSAY_BATCH_FEE_MAX) room = ASSAY_BATCH_FEE_MAX;
    for (uint32_t i = 0; i < m->count && count < most; i++) {
        if (provider->narrow && count >= provider->narrow && fees >= least) break;
        const assay_receipt *receipt = &m->taken[i].pending.receipt;
        bool same = last.sequence && assay_hash_equal(&last.session, &receipt->request.session);
        open = !same || (open && receipt->request.sequence == last.sequence + 1);
        if (open && receipt->fee > room - fees) {
            open = false;
            scarce = true;
        }
        last = receipt->request;
        if (!open) continue;
        fees += receipt->fee;
        m->taken[count++] = m->taken[i];
    }
    m->all = count == m->count;
    m->count = fees >= least ? count : 0;
    m->half = half_of(m, least);
    qsort(m->taken, m->count, sizeof *m->taken, batch_order);
    for (uint32_t i = 0; i < m->count; i++)
        m->receipts[i] = m->taken[i].pending.receipt;
    return scarce;
}

static assay_status making_take(making *m, assay_provider *provider,
                                const assay_provider_facts *facts, assay_error *err) {
    void *taken, *receipts;
    uint64_t now, room = facts->cover > facts->open ? facts->cover - facts->open : 0;
    pthread_mutex_lock(&provider->lock);
    uint32_t count = provider->pending_count;
    assay_status status = assay_arena_get(&m->arena, count, sizeof *m->taken, "batch", &taken, err);
    m->taken = taken;
    now = assay_clock_ms();
    for (uint32_t i = 0; status == ASSAY_OK && i < count; i++)
        if (provider->pending[i].hold_until_ms <= now)
            m->taken[m->count++].pending = provider->pending[i];
    pthread_mutex_unlock(&provider->lock);
    ASSAY_TRY(status);
    if (!m->count) return ASSAY_OK;
    candidates_sort(m, provider, facts->height);
    ASSAY_TRY(assay_arena_get(&m->arena, m->count, sizeof *m->receipts, "batch", &receipts, err));
    m->receipts = receipts;
    if (!making_choose(m, provider, room) || m->count) return ASSAY_OK;
    return ASSAY_FAIL(err, CAPACITY,
                      "no receipt fits: open fees %llu nopen, the provider bond covers %llu; raise "
                      "it or wait for settlements",
                      (ull)facts->open, (ull)facts->cover);
}

static assay_status making_sum(making *m, const assay_provider *provider, assay_error *err) {
    assay_sumtree_node *leaves;
    uint8_t encoded[ASSAY_RECEIPT_SIZE_MAX];
    char root[ASSAY_HEX_HASH_MAX];
    ASSAY_TRY(assay_receipt_leaves(&leaves, m->receipts, m->count, &m->arena, err));
    ASSAY_TRY(assay_sumtree_root(&m->root, leaves, m->count, err));
    ASSAY_TRY(assay_table_make(&m->tables, m->receipts, m->count, &m->arena, err));
    for (uint32_t i = 0; i < m->count; i++)
        m->receipt_bytes += (uint32_t)assay_receipt_encode(&m->receipts[i], encoded);
    assay_hex_encode(root, m->root.hash.bytes, ASSAY_HASH_SIZE);
    int length = snprintf(m->uri, sizeof m->uri, "%s/evidence/%s", provider->options.url, root);
    return length < (int)sizeof m->uri
               ? ASSAY_OK
               : ASSAY_FAIL(err, CAPACITY, "evidence URI of %d bytes, limit %d", length,
                            ASSAY_URI_SIZE_MAX);
}

static assay_status making_store(making *m, const assay_provider *provider, assay_error *err) {
    char path[PATH_MAX], name[32];
    assay_bytes file;
    ASSAY_TRY(assay_evidence_path(path, provider->options.home, &m->root.hash, "leaf", err));
    m->first = access(path, F_OK) != 0 && errno == ENOENT;
    ASSAY_TRY(assay_folder_make(path, err));
    for (uint32_t i = 0; i < m->count; i++) {
        const assay_provider_pending *pending = &m->taken[i].pending;
        snprintf(name, sizeof name, "leaf/%u", i);
        ASSAY_TRY(assay_evidence_path(path, provider->options.home, &m->root.hash, name, err));
        ASSAY_TRY(assay_file_replace(path, pending->leaf, pending->leaf_size, 0644, err));
    }
    ASSAY_TRY(assay_receipts_write(&file, m->receipts, m->count, &m->arena, err));
    ASSAY_TRY(assay_evidence_path(path, provider->options.home, &m->root.hash, "receipts", err));
    return assay_file_replace(path, file.data, file.size, 0644, err);
}

// After a refusal. A batch with the same root that was sent before may be in a block all the same:
// where there was evidence already, it stays (V6).
static void making_unstore(const making *m, const assay_provider *provider) {
    char path[PATH_MAX];
    if (m->first &&
        assay_evidence_path(path, provider->options.home, &m->root.hash, "", NULL) == ASSAY_OK)
        assay_folder_remove(path);
}

static assay_status making_send(making *m, assay_provider *provider, assay_provider_batched *out,
                                assay_error *err) {
    assay_tx tx = {.kind = ASSAY_TX_SUBMIT_BATCH};
    assay_sent sent = {.height = 0};
    tx.body.submit_batch = (assay_tx_submit_batch){.root = m->root.hash,
                                                   .count = m->count,
                                                   .fee_total = m->root.sum,
                                                   .receipt_bytes = m->receipt_bytes,
                                                   .uri = {(const uint8_t *)m->uri, strlen(m->uri)},
                                                   .sessions = m->tables.sessions,
                                                   .models = m->tables.models,
                                                   .datasets = m->tables.datasets};
    assay_status status = assay_wallet_send(provider->wallet, &tx, &sent, err);
    out->charged = status == ASSAY_REJECTED && sent.height;
    // Taken, for all that is known, and in no block yet: its receipts are as pending as before.
    if (assay_client_unsure(status) || (status == ASSAY_OK && !sent.height))
        provider->waiting = (assay_provider_sent){.id = sent.id};
    ASSAY_TRY(status);
    if (!sent.height) return ASSAY_FAIL(err, TIMEOUT, "the batch waits, in no block yet");
    out->id = sent.digest;
    return ASSAY_OK;
}

static bool was_taken(const void *context, const assay_receipt *receipt) {
    const making *m = context;
    for (uint32_t i = 0; i < m->count; i++)
        if (assay_receipt_compare(&m->receipts[i], receipt) == 0) return true;
    return false;
}

static bool has_session(const making *m, const assay_hash *session) {
    for (uint32_t i = 0; i < m->count; i++)
        if (assay_hash_equal(&m->receipts[i].request.session, session)) return true;
    return false;
}

// The batch is in a block: its receipts are pending no more but answered (V7), and its sessions may
// go on.
static void making_finish(const making *m, assay_provider *provider, const assay_hash *batch) {
    pthread_mutex_lock(&provider->lock);
    assay_provider_drop(provider, was_taken, m, true);
    for (uint32_t i = 0; i < provider->pending_count; i++) {
        assay_provider_pending *entry = &provider->pending[i];
        if (entry->hold_ms && has_session(m, &entry->receipt.request.session))
            entry->hold_ms = entry->hold_until_ms = 0;
    }
    // Twice at one width: what was refused is not just behind it, or is gone.
    if (provider->narrow_passed) provider->narrow *= 2;
    provider->narrow_passed = !provider->narrow_passed && provider->narrow;
    if (m->all || provider->narrow > BATCH_MAX) provider->narrow = 0;
    provider->batched++;
    pthread_mutex_unlock(&provider->lock);
    assay_outcomes_add(&provider->outcomes, batch);
}

// Refusals that speak of what is in a batch, so that another batch may be taken; all others speak
// of its provider, or of the moment.
static bool is_of_content(const assay_error *err) {
    switch (err->reject) {
    case ASSAY_REJECT_BATCH_BLOCK_FULL:
        return false;
    case ASSAY_REJECT_EXPOSURE:
    case ASSAY_REJECT_NOT_DECLARED:
    case ASSAY_REJECT_MODEL_UNKNOWN:
    case ASSAY_REJECT_ADAPTER_UNKNOWN:
    case ASSAY_REJECT_ADAPTER_BASE:
    case ASSAY_REJECT_SESSION_UNKNOWN:
    case ASSAY_REJECT_SESSION_ENDED:
    case ASSAY_REJECT_SESSION_PROVIDER:
    case ASSAY_REJECT_SEQUENCE:
    case ASSAY_REJECT_DEPOSIT_SHORT:
    case ASSAY_REJECT_TX_SIZE:
    case ASSAY_REJECT_TX_COUNT:
        return true;
    default:
        return err->reject >= ASSAY_REJECT_BATCH_COUNT && err->reject <= ASSAY_REJECT_BATCH_ROOTS;
    }
}

// Keeps the sessions of a batch that cannot be smaller out of the next ones for a while. The spread
// is by session, so that an innocent one does not come back together with a guilty one for ever.
static void sessions_hold(const making *m, assay_provider *provider) {
    uint64_t now = assay_clock_ms();
    for (uint32_t i = 0; i < provider->pending_count; i++) {
        assay_provider_pending *entry = &provider->pending[i];
        const assay_hash *session = &entry->receipt.request.session;
        if (!has_session(m, session)) continue;
        entry->hold_ms = entry->hold_ms ? 2 * entry->hold_ms : HOLD_MS;
        if (entry->hold_ms > HOLD_MS_MAX) entry->hold_ms = HOLD_MS_MAX;
        entry->hold_until_ms = now + entry->hold_ms + entry->hold_ms * session->bytes[0] / 256;
    }
}

// Halves what the next batch may hold, down to the sessions that are to blame.
static void making_narrow(const making *m, assay_provider *provider, const assay_error *err) {
    pthread_mutex_lock(&provider->lock);
    provider->narrow = m->half;
    provider->narrow_passed = false;
    if (!provider->narrow) sessions_hold(m, provider);
    pthread_mutex_unlock(&provider->lock);
    if (provider->narrow) return;
    char session[ASSAY_HEX_HASH_MAX];
    assay_hex_encode_0x(session, m->receipts[0].request.session.bytes, ASSAY_HASH_SIZE);
    assay_log(ASSAY_LOG_WARN, "receipts_held",
              json_pack("{s:s,s:i,s:o,s:o}", "session", session, "count", (int)m->count, "nopen",
                        assay_json_from_u64(m->root.sum), "error", assay_error_to_json(err, NULL)),
              "%u receipts of session %s or after it are tried again later: %s", m->count, session,
              err->text);
}

// Whether a transaction that was sent waits for its block; zero does not, and *tx is zero once it
// waits no more. sent: as the node told it. Errors: REJECTED (in its block), once; those of the
// node.
static assay_status tx_waits(bool *waits, assay_sent *sent, assay_provider_sent *tx,
                             const assay_provider *provider, assay_error *err) {
    assay_error why = {0};
    *waits = false;
    *sent = (assay_sent){.height = 0};
    if (assay_hash_is_zero(&tx->id)) return ASSAY_OK;
    assay_status status = assay_client_fate(sent, &provider->asking, &tx->id, &why);
    *waits = status == ASSAY_OK && !sent->height;
    if (*waits) tx->unsure = 0;
    if (sent->height || status == ASSAY_NOT_FOUND) *tx = (assay_provider_sent){.unsure = 0};
    return status == ASSAY_OK || status == ASSAY_NOT_FOUND ? ASSAY_OK : assay_error_pass(err, &why);
}

// The node could not tell of it, at this height: without an index it may never, where blocks are
// large and those who remember were started anew. Blocks and no clock: while the chain stands
// still, what was sent waits with it. Returns: whether it is given up, and zero.
static bool tx_is_lost(assay_provider_sent *tx, uint64_t height) {
    if (!tx->unsure) tx->unsure = height;
    bool lost = height >= tx->unsure + ASSAY_PROVIDER_UNSURE_BLOCKS;
    if (lost) *tx = (assay_provider_sent){.unsure = 0};
    return lost;
}

// A second batch with the receipts of one that waits would be refused behind it, for a fee; with
// those of one that is in a block none is made, since each batch is preceded by a look.
static assay_status waiting_ask(assay_provider *provider, assay_error *err) {
    bool waits;
    assay_sent sent;
    assay_error why = {0};
    assay_status status = tx_waits(&waits, &sent, &provider->waiting, provider, &why);
    if (status == ASSAY_OK && sent.height) assay_outcomes_add(&provider->outcomes, &sent.digest);
    if (status != ASSAY_OK && status != ASSAY_REJECTED) {
        pthread_mutex_lock(&provider->lock);
        uint64_t height = provider->facts.height; // of the last look
        pthread_mutex_unlock(&provider->lock);
        if (!tx_is_lost(&provider->waiting, height)) return assay_error_pass(err, &why);
    }
    return waits ? ASSAY_FAIL(err, TIMEOUT, "the batch before waits, in no block yet") : ASSAY_OK;
}

// A refusal that does not pass by itself, as that of a balance below the checks' escrow, or of an
// agent's key that may not send batches any more.
static bool is_of_provider(const assay_error *err) {
    return err->reject != ASSAY_REJECT_BATCH_BLOCK_FULL && err->reject != ASSAY_REJECT_NONCE &&
           err->reject != ASSAY_REJECT_PENDING && !is_of_content(err);
}

static void refusal_note(assay_provider *provider, assay_status status, const assay_error *why) {
    pthread_mutex_lock(&provider->lock);
    if (status == ASSAY_OK)
        provider->refused = (assay_error){0};
    else if (status == ASSAY_REJECTED && is_of_provider(why))
        provider->refused = *why;
    pthread_mutex_unlock(&provider->lock);
}

assay_status assay_provider_batch(assay_provider *provider, assay_provider_batched *out,
                                  assay_error *err) {
    making m = {.count = 0};
    assay_provider_facts facts;
    assay_error why = {0};
    memset(out, 0, sizeof *out);
    assay_arena_init(&m.arena, ASSAY_TABLE_ARENA_MAX);
    assay_status status = waiting_ask(provider, &why);
    if (status == ASSAY_OK) status = assay_provider_look(provider, &facts, &why);
    if (status == ASSAY_OK) status = making_take(&m, provider, &facts, &why);
    if (status == ASSAY_OK && m.count) {
        status = making_sum(&m, provider, &why);
        if (status == ASSAY_OK) status = making_store(&m, provider, &why);
        bool sent = status == ASSAY_OK;
        if (sent) status = making_send(&m, provider, out, &why);
        if (status != ASSAY_OK && (!sent || status == ASSAY_REJECTED)) making_unstore(&m, provider);
        if (status == ASSAY_OK) making_finish(&m, provider, &out->id);
        if (status == ASSAY_OK) out->count = m.count;
        refusal_note(provider, status, &why);
        out->narrowed = status == ASSAY_REJECTED && is_of_content(&why);
        if (out->narrowed) making_narrow(&m, provider, &why);
    }
    assay_arena_close(&m.arena);
    return status == ASSAY_OK ? status : assay_error_pass(err, &why);
}

// All parts in one row, and row after row: the answer window, which many cases share, is shorter
// than one block each would take.
static assay_status parts_post(assay_provider *provider, const assay_hash *batch, uint32_t sample,
                               const assay_bytes *data, assay_error *err) {
    size_t part = data->size / PARTS + 1;
    if (part < PART_MIN) part = PART_MIN;
    if (part > ASSAY_EVIDENCE_PART_MAX) part = ASSAY_EVIDENCE_PART_MAX;
    size_t count = (data->size + part - 1) / part;
    if (count == 0 || count > PARTS_MAX)
        return ASSAY_FAIL(err, CAPACITY, "evidence of %zu bytes in %zu parts, limit %d", data->size,
                          count, PARTS_MAX);
    assay_tx *txs = calloc(count, sizeof *txs);
    if (!txs) return ASSAY_FAIL(err, MEMORY, "no memory for %zu parts", count);
    for (size_t i = 0; i < count; i++) {
        size_t at = i * part, left = data->size - at;
        txs[i].kind = ASSAY_TX_POST_EVIDENCE;
        txs[i].body.post_evidence =
            (assay_tx_post_evidence){.batch = *batch,
                                     .sample = sample,
                                     .part = (uint16_t)i,
                                     .part_count = (uint16_t)count,
                                     .data = {data->data + at, left < part ? left : part}};
    }
    assay_status status = assay_wallet_send_all(provider->wallet, &provider->posting.id, txs,
                                                (uint32_t)count, provider->asking.stop, err);
    free(txs);
    return status;
}

// The posting for one duty, out of the files kept beside the batch.
static assay_status answer_build(assay_provider *provider, const assay_batch *batch,
                                 uint64_t position, bool leaf, assay_bytes *out, assay_arena *arena,
                                 assay_error *err) {
    uint8_t *table, *ids;
    size_t table_size, ids_size;
    assay_receipt *receipts;
    assay_sumtree_node *leaves;
    uint32_t count;
    char name[32];
    ASSAY_TRY(
        assay_provider_evidence(provider, &batch->root, "receipts", &table, &table_size, err));
    assay_status status = assay_arena_copy(arena, table, table_size, "table", out, err);
    free(table);
    ASSAY_TRY(status);
    if (!leaf) return ASSAY_OK;
    ASSAY_TRY(assay_receipts_read(&receipts, &count, out->data, out->size, ASSAY_BATCH_RECEIPTS_MAX,
                                  arena, err));
    ASSAY_TRY(assay_receipt_leaves(&leaves, receipts, count, arena, err));
    uint32_t index = assay_sumtree_find(leaves, count, position);
    snprintf(name, sizeof name, "leaf/%u", index);
    ASSAY_TRY(assay_provider_evidence(provider, &batch->root, name, &ids, &ids_size, err));
    status = assay_posting_write(out, receipts, count, index, ids, ids_size, arena, err);
    free(ids);
    return status;
}

// Builds one posting and sends it, if it passes the ledger's own test: what that would drop is not
// worth its fees.
static assay_status posting_send(assay_provider *provider, const assay_batch *batch,
                                 const assay_duty *a, bool leaf, assay_arena *arena,
                                 assay_error *err) {
    assay_bytes posting;
    ASSAY_TRY(answer_build(provider, batch, a->position, leaf, &posting, arena, err));
    ASSAY_TRY(leaf ? assay_evidence_leaf_check(batch, a->position, posting.data, posting.size, err)
                   : assay_evidence_table_check(batch, posting.data, posting.size, err));
    return parts_post(provider, &a->batch, a->sample, &posting, err);
}

// A failure that whatever comes next would have too: no room, or no answer.
static bool is_of_node(assay_status status, const assay_error *why) {
    return assay_client_unsure(status) || assay_wallet_full(status, why);
}

// The leaf alone where that is asked for: a table can cost a thousand times as much. With the table
// the leaf too, and before it, since nothing asks for it after the table: who could not fetch the
// one will not get the other. leaf_sent: it was just now.
static assay_status accusation_answer(assay_provider *provider, const assay_duty *a, bool leaf_sent,
                                      assay_error *err) {
    bool table = a->kind == ASSAY_DUTY_ANSWER_TABLE;
    assay_error why = {0};
    assay_batch batch;
    assay_batch_tables tables;
    assay_arena arena;
    assay_arena_init(&arena, ASSAY_TABLE_ARENA_MAX);
    assay_status status =
        assay_batch_fetch(&batch, &tables, &provider->asking, &a->batch, &arena, err);
    bool found = status == ASSAY_OK;
    if (found && !a->leaf_posted && !leaf_sent)
        status = posting_send(provider, &batch, a, true, &arena, err);
    // A leaf that is lost keeps no table from it.
    if (found && table && !is_of_node(status, err)) {
        assay_status sent = posting_send(provider, &batch, a, false, &arena, &why);
        if (sent != ASSAY_OK) status = assay_error_pass(err, &why);
    }
    assay_arena_close(&arena);
    return status;
}

static bool is_accusation(const assay_duty *duty) {
    return duty->kind == ASSAY_DUTY_ANSWER_LEAF || duty->kind == ASSAY_DUTY_ANSWER_TABLE;
}

// Answers what is due of the duties that the node told.
static assay_status duties_answer(assay_provider *provider, const json_t *duties, uint32_t *count,
                                  assay_error *err) {
    assay_status status = ASSAY_OK;
    assay_duty last = {.sample = UINT32_MAX};
    for (size_t i = 0; i < json_array_size(duties); i++) {
        assay_duty a;
        assay_error why = {0};
        assay_status answered = assay_duty_read(&a, json_array_get(duties, i), &why);
        if (answered == ASSAY_OK && !is_accusation(&a)) continue;
        if (answered == ASSAY_OK) {
            // The leaf of a case comes before its table.
            bool same = a.sample == last.sample && assay_hash_equal(&a.batch, &last.batch);
            last = a;
            answered = accusation_answer(provider, &a, same, &why);
        }
        if (answered == ASSAY_OK)
            (*count)++;
        else if (status == ASSAY_OK)
            status = assay_error_pass(err, &why);
        // The others would wait too, and with them batches and the end.
        if (is_of_node(answered, &why)) break;
    }
    return status;
}

assay_status assay_provider_defend(assay_provider *provider, uint32_t *count, assay_error *err) {
    char address[ASSAY_HEX_HASH_MAX];
    json_t *document;
    const json_t *duties;
    uint64_t height;
    bool waits;
    assay_sent sent;
    assay_error unsure = {0};
    *count = 0;
    if (provider->options.misbehaviour == ASSAY_MISBEHAVE_WITHHOLD) return ASSAY_OK;
    // Until the last one is in a block the duties do not show what was sent: it would be paid
    // twice. So they are asked for after it.
    assay_status told = tx_waits(&waits, &sent, &provider->posting, provider, &unsure);
    if (told == ASSAY_REJECTED) return assay_error_pass(err, &unsure);
    if (waits) return ASSAY_OK;
    assay_hex_encode_0x(address, provider->wallet->principal.bytes, ASSAY_ADDRESS_SIZE);
    ASSAY_TRY(assay_client_get(&document, &provider->asking, err, "duties/%s", address));
    assay_status status = assay_json_u64(&height, document, "height", 0, UINT64_MAX, err);
    if (status == ASSAY_OK && told != ASSAY_OK && !tx_is_lost(&provider->posting, height))
        status = assay_error_pass(err, &unsure);
    if (status == ASSAY_OK)
        status = assay_json_array(&duties, document, "duties", ASSAY_DUTIES_MAX, err);
    if (status == ASSAY_OK) status = duties_answer(provider, duties, count, err);
    json_decref(document);
    return status;
}
