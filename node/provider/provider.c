// SPDX-License-Identifier: Apache-2.0
#include "node/provider/provider.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "consensus/clock.h"
#include "node/log.h"
#include "node/options.h"

enum { PENDING_FILE_MAX = 16 << 20, INFLATION = 8, LEAF_ARENA_MAX = 16 << 20 };

assay_status assay_misbehaviour_parse(assay_misbehaviour *out, const char *text, assay_error *err) {
    static const char *const names[] = {"altered-token", "wrong-adapter", "inflated-count",
                                        "withheld-evidence"};
    uint32_t index;
    ASSAY_TRY(assay_name_parse(&index, text, names, ASSAY_COUNT(names), "misbehaviour", err));
    *out = (assay_misbehaviour)(ASSAY_MISBEHAVE_TOKEN + index);
    return ASSAY_OK;
}

// u32 size || receipt || leaf file
static assay_status pending_write(const assay_provider *provider, const assay_receipt *receipt,
                                  const assay_bytes *leaf, assay_error *err) {
    char path[PATH_MAX];
    uint8_t encoded[ASSAY_RECEIPT_SIZE_MAX];
    ASSAY_TRY(assay_answer_path(path, provider->options.home, "pending", &receipt->request.session,
                                receipt->request.sequence, err));
    size_t size = assay_receipt_encode(receipt, encoded);
    uint8_t *file = malloc(4 + size + leaf->size);
    if (!file) return ASSAY_FAIL(err, MEMORY, "no memory for a receipt");
    assay_writer writer;
    assay_writer_init(&writer, file, 4 + size + leaf->size);
    assay_writer_blob(&writer, encoded, (uint32_t)size);
    assay_writer_copy(&writer, leaf->data, leaf->size);
    assay_status status = assay_file_replace(path, file, writer.size, 0600, err);
    free(file);
    return status;
}

static assay_status pending_add(assay_provider *provider, const assay_receipt *receipt,
                                uint64_t end, const uint8_t *leaf, size_t leaf_size,
                                assay_error *err) {
    uint8_t *copy = malloc(leaf_size ? leaf_size : 1);
    if (!copy) return ASSAY_FAIL(err, MEMORY, "no memory for a receipt");
    memcpy(copy, leaf, leaf_size);
    assay_provider_pending entry = {.receipt = *receipt,
                                    .leaf = copy,
                                    .leaf_size = leaf_size,
                                    .since_ms = assay_clock_ms(),
                                    .end = end};
    for (uint32_t i = 0; i < provider->pending_count; i++) {
        const assay_provider_pending *other = &provider->pending[i];
        if (!assay_hash_equal(&other->receipt.request.session, &receipt->request.session)) continue;
        entry.hold_until_ms = other->hold_until_ms;
        entry.hold_ms = other->hold_ms;
        break;
    }
    provider->pending[provider->pending_count++] = entry;
    return ASSAY_OK;
}

// rest: the leaf file behind it.
static assay_status receipt_read(assay_receipt *receipt, const uint8_t *data, size_t size,
                                 assay_cursor *rest, assay_error *err) {
    assay_cursor_init(rest, data, size);
    assay_bytes bytes = assay_cursor_blob(rest, ASSAY_RECEIPT_SIZE_MAX);
    if (rest->failed) return ASSAY_FAIL(err, TRUNCATED, "an answer's file ends in its receipt");
    return assay_receipt_decode(receipt, bytes.data, bytes.size, err);
}

static assay_status pending_read(assay_receipt *receipt, const uint8_t *data, size_t size,
                                 assay_cursor *rest, assay_error *err) {
    assay_leaf_ids ids;
    assay_arena arena;
    ASSAY_TRY(receipt_read(receipt, data, size, rest, err));
    assay_arena_init(&arena, LEAF_ARENA_MAX);
    assay_status status = assay_leaf_read(&ids, rest->at, assay_cursor_left(rest), &arena, err);
    if (status == ASSAY_OK) status = assay_leaf_match(receipt, &ids, err);
    assay_arena_close(&arena);
    return status;
}

static assay_status pending_load(assay_provider *provider, const char *path, assay_error *err) {
    uint8_t *data;
    size_t size;
    assay_cursor cursor;
    assay_receipt receipt = {0};
    assay_error why = {0};
    ASSAY_TRY(assay_file_read(path, PENDING_FILE_MAX, &data, &size, err));
    assay_status status = pending_read(&receipt, data, size, &cursor, &why);
    if (status != ASSAY_OK)
        status = assay_fail(err, status, 0, "%.200s is damaged: %.100s", path, why.text);
    // Another key's home: the ledger takes no batch with such a receipt (SESSION_PROVIDER).
    bool own = assay_address_equal(&receipt.request.provider, &provider->wallet->principal);
    if (status == ASSAY_OK && !own) provider->foreign_count++;
    if (status == ASSAY_OK && own)
        status = pending_add(provider, &receipt, 0, cursor.at, assay_cursor_left(&cursor), err);
    free(data);
    return status;
}

static assay_status pending_load_all(assay_provider *provider, assay_error *err) {
    char folder[PATH_MAX], path[PATH_MAX + 256];
    snprintf(folder, sizeof folder, "%s/pending", provider->options.home);
    ASSAY_TRY(assay_folder_make(folder, err));
    DIR *list = opendir(folder);
    if (!list) return ASSAY_FAIL(err, IO, "cannot list %s", folder);
    assay_status status = ASSAY_OK;
    for (struct dirent *entry; status == ASSAY_OK && (entry = readdir(list));) {
        // Only whole files: a name with a dot is a temporary one of a write that did not end.
        if (strchr(entry->d_name, '.')) continue;
        if (provider->pending_count == ASSAY_PROVIDER_PENDING_MAX) break;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        status = pending_load(provider, path, err);
    }
    closedir(list);
    if (status == ASSAY_OK && provider->foreign_count)
        assay_log(ASSAY_LOG_WARN, "receipts_foreign",
                  json_pack("{s:i,s:s}", "count", (int)provider->foreign_count, "folder", folder),
                  "%u receipts in %s are another provider's and stay there: serve with its key",
                  provider->foreign_count, folder);
    return status;
}

assay_status assay_provider_open(assay_provider *provider, assay_workshop *shop,
                                 assay_wallet *wallet, const assay_genesis *genesis,
                                 const assay_provider_options *options, assay_error *err) {
    memset(provider, 0, sizeof *provider);
    provider->lock_fd = -1;
    provider->shop = shop;
    provider->wallet = wallet;
    provider->genesis = genesis;
    provider->options = *options;
    provider->asking = provider->finishing = wallet->client;
    provider->asking.stop = options->stop;
    provider->finishing.stop = &provider->cut;
    pthread_mutex_init(&provider->lock, NULL);
    pthread_cond_init(&provider->turned, NULL);
    provider->sessions = calloc(ASSAY_PROVIDER_SESSIONS_MAX, sizeof *provider->sessions);
    provider->pending = calloc(ASSAY_PROVIDER_PENDING_MAX, sizeof *provider->pending);
    provider->lineages = calloc(ASSAY_PROVIDER_LINEAGES_MAX, sizeof *provider->lineages);
    if (!provider->sessions || !provider->pending || !provider->lineages)
        return ASSAY_FAIL(err, MEMORY, "no memory for a provider");
    ASSAY_TRY(assay_folder_make(options->home, err));
    ASSAY_TRY(assay_folder_lock(&provider->lock_fd, options->home, "serve.lock", true, err));
    ASSAY_TRY(
        assay_answered_open(&provider->answered, options->home, ASSAY_PROVIDER_ANSWERED_MAX, err));
    return pending_load_all(provider, err);
}

void assay_provider_close(assay_provider *provider) {
    for (uint32_t i = 0; i < provider->pending_count; i++)
        free(provider->pending[i].leaf);
    free(provider->pending);
    free(provider->sessions);
    free(provider->lineages);
    assay_answered_close(&provider->answered);
    if (provider->lock_fd >= 0) close(provider->lock_fd);
    pthread_cond_destroy(&provider->turned);
    pthread_mutex_destroy(&provider->lock);
}

// Its place in the cache, a new one where there is none; a full cache is emptied.
static assay_provider_session *session_place(assay_provider *provider, const assay_hash *id) {
    for (uint32_t i = 0; i < provider->session_count; i++)
        if (assay_hash_equal(&provider->sessions[i].id, id)) return &provider->sessions[i];
    if (provider->session_count == ASSAY_PROVIDER_SESSIONS_MAX) provider->session_count = 0;
    return &provider->sessions[provider->session_count];
}

// With the lock, and without it meanwhile. What left the pending ones while it was asked for may be
// counted neither there nor by the answer: then it is asked for again.
static assay_status session_ask(assay_provider_session *out, assay_provider *provider,
                                const assay_client *client, const assay_hash *id,
                                assay_error *err) {
    assay_status status;
    uint64_t drops;
    do {
        memset(out, 0, sizeof *out);
        out->id = *id;
        out->fetched_ms = assay_clock_ms();
        drops = provider->drop_count;
        pthread_mutex_unlock(&provider->lock);
        status = assay_session_fetch(&out->session, client, id, err);
        pthread_mutex_lock(&provider->lock);
    } while (status == ASSAY_OK && drops != provider->drop_count);
    return status;
}

// The session, asked for where it is new or not younger than age_ms. Its next sequence counts what
// is pending. With the lock, and without it while the client asks.
static assay_status session_find(assay_provider_session *out, assay_provider *provider,
                                 const assay_client *client, const assay_hash *id, uint64_t age_ms,
                                 assay_error *err) {
    assay_provider_session *place = session_place(provider, id);
    bool known = place < provider->sessions + provider->session_count;
    if (known && assay_clock_ms() - place->fetched_ms < age_ms) {
        *out = *place;
        return ASSAY_OK;
    }
    ASSAY_TRY(session_ask(out, provider, client, id, err));
    // Others may have asked meanwhile, and have a younger answer.
    place = session_place(provider, id);
    known = place < provider->sessions + provider->session_count;
    if (known && place->fetched_ms > out->fetched_ms) {
        *out = *place;
        return ASSAY_OK;
    }
    out->next_sequence = out->session.last_sequence + 1;
    for (uint32_t i = 0; i < provider->pending_count; i++) {
        const assay_receipt *receipt = &provider->pending[i].receipt;
        if (!assay_hash_equal(&receipt->request.session, id) ||
            receipt->request.sequence <= out->session.last_sequence)
            continue;
        out->pending_fees += receipt->fee;
        if (receipt->request.sequence >= out->next_sequence)
            out->next_sequence = receipt->request.sequence + 1;
    }
    *place = *out;
    if (!known) provider->session_count++;
    return ASSAY_OK;
}

void assay_provider_cut(assay_provider *provider) {
    pthread_mutex_lock(&provider->lock);
    provider->cut = true;
    pthread_mutex_unlock(&provider->lock);
}

// Without the lock, and given back whatever it returns. Errors: BUSY.
static assay_status asker_take(assay_provider *provider, assay_error *err) {
    uint32_t most = provider->options.askers_max;
    uint32_t others = atomic_fetch_add(&provider->asker_count, 1);
    if (!most || others < most) return ASSAY_OK;
    return ASSAY_FAIL(err, BUSY, "%u requests are answered or wait, limit %u", others, most);
}

static void asker_give(assay_provider *provider) {
    atomic_fetch_sub(&provider->asker_count, 1);
}

static assay_status sequence_find(assay_provider *provider, const assay_hash *session,
                                  uint64_t *out, assay_error *err) {
    assay_provider_session entry;
    pthread_mutex_lock(&provider->lock);
    assay_status status =
        session_find(&entry, provider, &provider->asking, session, ASSAY_PROVIDER_SESSION_MS, err);
    if (status == ASSAY_OK &&
        !assay_address_equal(&entry.session.provider, &provider->wallet->principal))
        status = ASSAY_FAIL(err, NOT_FOUND, "the session is another provider's");
    if (status == ASSAY_OK) *out = entry.next_sequence;
    pthread_mutex_unlock(&provider->lock);
    return status;
}

assay_status assay_provider_next_sequence(assay_provider *provider, const assay_hash *session,
                                          uint64_t *out, assay_error *err) {
    assay_status status = asker_take(provider, err);
    if (status == ASSAY_OK) status = sequence_find(provider, session, out, err);
    asker_give(provider);
    return status;
}

static const assay_lineage *lineage_known(const assay_provider *provider,
                                          const assay_hash *adapter) {
    for (uint32_t i = 0; i < provider->lineage_count; i++)
        if (assay_hash_equal(&provider->lineages[i].adapter, adapter))
            return &provider->lineages[i];
    return NULL;
}

// With the lock, and without it while the node is asked.
static assay_status lineage_find(assay_lineage *out, assay_provider *provider,
                                 const assay_hash *adapter, assay_error *err) {
    const assay_lineage *known = lineage_known(provider, adapter);
    if (known) {
        *out = *known;
        return ASSAY_OK;
    }
    pthread_mutex_unlock(&provider->lock);
    assay_status status = assay_lineage_fetch(out, &provider->asking, adapter, err);
    pthread_mutex_lock(&provider->lock);
    ASSAY_TRY(status);
    if (lineage_known(provider, adapter)) return ASSAY_OK;
    if (provider->lineage_count == ASSAY_PROVIDER_LINEAGES_MAX)
        return ASSAY_FAIL(err, CAPACITY, "%u adapters are served, limit %d",
                          provider->lineage_count, ASSAY_PROVIDER_LINEAGES_MAX);
    provider->lineages[provider->lineage_count++] = *out;
    return ASSAY_OK;
}

// Refuses what the chain would not pay for. With the lock, and without it while the node is asked
// or a change is told.
static assay_status payable_check(assay_provider *provider, const assay_hash *adapter,
                                  assay_error *err) {
    uint32_t row = assay_payable_row_of(provider->shop, adapter);
    assay_payable_row answer;
    if (!assay_payable_known(&provider->payable, row, ASSAY_PROVIDER_SESSION_MS)) {
        pthread_mutex_unlock(&provider->lock);
        assay_status status = assay_payable_fetch(&answer, &provider->asking, provider->shop, row,
                                                  &provider->wallet->principal, err);
        pthread_mutex_lock(&provider->lock);
        ASSAY_TRY(status);
        if (assay_payable_note(&provider->payable, row, &answer)) {
            pthread_mutex_unlock(&provider->lock);
            assay_payable_tell(provider->shop, row, &answer);
            pthread_mutex_lock(&provider->lock);
        }
    }
    const assay_error *refusal = &provider->payable.rows[row].refusal;
    return refusal->reject ? assay_error_pass(err, refusal) : ASSAY_OK;
}

// An answer behind receipts that no batch is taken for would be lost as they are.
static assay_status batches_check(const assay_provider *provider, assay_error *err) {
    const assay_error *why = &provider->refused;
    if (why->status == ASSAY_OK || !provider->pending_count) return ASSAY_OK;
    return assay_fail(err, why->status, why->reject, "no batch of this provider is taken: %.200s",
                      why->text);
}

// What the chain says of this provider, asked for where it is not younger than age_ms. With the
// lock, and without it while the client asks.
static assay_status facts_find(assay_provider_facts *out, assay_provider *provider,
                               const assay_client *client, uint64_t age_ms, assay_error *err) {
    uint64_t now = assay_clock_ms();
    if (provider->facts_ms && now - provider->facts_ms < age_ms) {
        *out = provider->facts;
        return ASSAY_OK;
    }
    pthread_mutex_unlock(&provider->lock);
    assay_status status = assay_provider_facts_fetch(out, client, &provider->wallet->principal,
                                                     provider->genesis->params.bond_multiple, err);
    pthread_mutex_lock(&provider->lock);
    ASSAY_TRY(status);
    if (provider->facts_ms > now) return ASSAY_OK; // others have younger ones
    provider->facts = *out;
    provider->facts_ms = now;
    return ASSAY_OK;
}

static assay_status parties_check(const assay_provider *provider, const assay_session *session,
                                  const assay_request *request, assay_error *err) {
    if (!assay_address_equal(&session->provider, &provider->wallet->principal) ||
        !assay_address_equal(&request->provider, &provider->wallet->principal))
        return ASSAY_FAIL(err, MISMATCH, "session or request is for another provider");
    return assay_session_signer_check(session, request, &provider->wallet->client.domain, err);
}

static assay_status session_check(const assay_provider *provider,
                                  const assay_provider_session *entry, const assay_request *request,
                                  assay_error *err) {
    const assay_session *session = &entry->session;
    ASSAY_TRY(parties_check(provider, session, request, err));
    if (session->ended)
        return ASSAY_FAIL(err, RANGE, "session ended at height %llu", (ull)session->ended);
    if (session->price_in == 0)
        return ASSAY_FAIL(err, RANGE,
                          "session pays 0 a prompt token: an answer could be worth "
                          "nothing, and so be in no batch");
    if (session->price_in < provider->options.price_in_min ||
        session->price_out < provider->options.price_out_min)
        return ASSAY_FAIL(err, RANGE, "session pays %llu and %llu a token, limits %llu and %llu",
                          (ull)session->price_in, (ull)session->price_out,
                          (ull)provider->options.price_in_min,
                          (ull)provider->options.price_out_min);
    if (request->sequence != entry->next_sequence)
        return ASSAY_FAIL(err, ORDER, "sequence %llu, expected %llu", (ull)request->sequence,
                          (ull)entry->next_sequence);
    ASSAY_TRY(assay_request_fee_check(request, session->price_in, session->price_out, err));
    uint64_t free = session->free > entry->pending_fees ? session->free - entry->pending_fees : 0;
    if (request->max_fee > free)
        return ASSAY_FAIL(err, RANGE, "max_fee %llu, the session's deposit has %llu left",
                          (ull)request->max_fee, (ull)free);
    return ASSAY_OK;
}

// What the chain would not pay for, whatever the session says.
static assay_status facts_check(const assay_provider *provider, const assay_provider_facts *facts,
                                const assay_provider_session *entry, const assay_request *request,
                                assay_error *err) {
    if (assay_provider_closes(provider, entry->session.end, facts->height))
        return ASSAY_FAIL(err, RANGE, "the session closes: it ends at height %llu, this is %llu",
                          (ull)entry->session.end, (ull)facts->height);
    // A price can be any number: a receipt that no batch can hold would be work for nothing.
    if (request->max_fee > ASSAY_BATCH_FEE_MAX)
        return ASSAY_FAIL(err, RANGE, "max_fee %llu, a batch holds at most %llu",
                          (ull)request->max_fee, (ull)ASSAY_BATCH_FEE_MAX);
    if (request->max_fee > facts->cover)
        return ASSAY_FAIL(err, RANGE, "max_fee %llu, the provider's bond covers batches of %llu",
                          (ull)request->max_fee, (ull)facts->cover);
    return ASSAY_OK;
}

// An answer takes its time, and a request waits before it: a consumer that closes its session
// meanwhile gets nothing that no block can pay for any more. session: as it is now.
static assay_status answer_recheck(assay_provider *provider, const assay_hash *id,
                                   assay_provider_session *session, assay_error *err) {
    assay_provider_facts facts;
    ASSAY_TRY(session_find(session, provider, &provider->finishing, id, 0, err));
    ASSAY_TRY(facts_find(&facts, provider, &provider->finishing, 0, err));
    uint64_t end = session->session.end;
    if (session->session.ended || end <= facts.height)
        return ASSAY_FAIL(err, RANGE,
                          "the session ended while its answer was made: at height %llu, this is "
                          "%llu",
                          (ull)end, (ull)facts.height);
    return ASSAY_OK;
}

// Turns an honest answer into the kind of fraud this provider shows.
static void answer_spoil(const assay_provider *provider, uint32_t *ids, uint32_t *count) {
    uint32_t vocab = provider->shop->model.shape.vocab_size;
    if (provider->options.misbehaviour == ASSAY_MISBEHAVE_TOKEN && *count)
        ids[*count / 2] = (ids[*count / 2] + 1) % vocab;
    if (provider->options.misbehaviour == ASSAY_MISBEHAVE_COUNT)
        for (uint32_t i = 0; i < INFLATION; i++)
            ids[(*count)++] = 1 % vocab;
}

// Generates and attributes. ids: the output, which the caller frees.
static assay_status answer_make(assay_provider *provider, const assay_provider_session *entry,
                                const assay_lineage *lineage, const assay_request *request,
                                const uint32_t *prompt, assay_receipt *receipt, uint32_t **ids,
                                assay_error *err) {
    assay_workshop *shop = provider->shop;
    assay_generate_request run;
    assay_output output;
    assay_hash digest, missing;
    const assay_adapter *adapter = assay_workshop_adapter(shop, &request->adapter);
    ASSAY_TRY(assay_workshop_sources_check(shop, lineage, &missing, err));
    if (provider->options.misbehaviour == ASSAY_MISBEHAVE_ADAPTER) adapter = NULL;
    assay_request_digest(&digest, request, &provider->wallet->client.domain);
    assay_workshop_request(&run, request, &digest, prompt, adapter);
    ASSAY_TRY(assay_generate_check(&shop->model, &run, err)); // before max_tokens is allocated
    *ids = malloc(((size_t)run.max_tokens + INFLATION) * sizeof **ids);
    if (!*ids) return ASSAY_FAIL(err, MEMORY, "no memory for an output");
    ASSAY_TRY(assay_batcher_generate(&shop->batcher, &run, *ids, &output, err));
    uint32_t count = output.count;
    answer_spoil(provider, *ids, &count);
    *receipt = (assay_receipt){.request = *request,
                               .output_count = count,
                               .stop = (uint8_t)output.stop,
                               .trace = output.trace};
    assay_ids_digest(&receipt->output_digest, *ids, count);
    ASSAY_TRY(assay_workshop_attribute(shop, lineage,
                                       (uint32_t)provider->genesis->params.span_tokens_min, prompt,
                                       request->prompt_count, *ids, count, receipt, &missing, err));
    return assay_fee_compute(&receipt->fee, request->prompt_count, entry->session.price_in, count,
                             entry->session.price_out, err);
}

static assay_status answer_keep(assay_provider *provider, uint64_t end, const uint32_t *prompt,
                                const assay_receipt *receipt, const uint32_t *ids,
                                assay_error *err) {
    assay_arena arena;
    assay_bytes leaf;
    const assay_leaf_ids leaf_ids = {prompt, receipt->request.prompt_count, ids,
                                     receipt->output_count};
    assay_arena_init(&arena, LEAF_ARENA_MAX);
    assay_status status = assay_leaf_write(&leaf, &leaf_ids, &arena, err);
    if (status == ASSAY_OK) status = pending_write(provider, receipt, &leaf, err);
    if (status == ASSAY_OK) status = pending_add(provider, receipt, end, leaf.data, leaf.size, err);
    assay_arena_close(&arena);
    return status;
}

static bool requests_equal(const assay_request *a, const assay_request *b) {
    uint8_t left[ASSAY_REQUEST_SIZE], right[ASSAY_REQUEST_SIZE];
    assay_request_encode(a, left);
    assay_request_encode(b, right);
    return memcmp(left, right, sizeof left) == 0;
}

// The output out of a leaf file, which the caller frees.
static assay_status output_take(uint32_t **ids, const uint8_t *data, size_t size,
                                assay_error *err) {
    assay_leaf_ids leaf;
    assay_arena arena;
    assay_arena_init(&arena, LEAF_ARENA_MAX);
    assay_status status = assay_leaf_read(&leaf, data, size, &arena, err);
    if (status == ASSAY_OK) {
        *ids = malloc(((size_t)leaf.output_count + 1) * sizeof **ids);
        if (*ids)
            memcpy(*ids, leaf.output, leaf.output_count * sizeof **ids);
        else
            status = ASSAY_FAIL(err, MEMORY, "no memory for an output");
    }
    assay_arena_close(&arena);
    return status;
}

// The same of one that the chain counts, from its file: *again false where there is none.
static assay_status answered_again(const assay_provider *provider, const assay_request *request,
                                   assay_receipt *receipt, uint32_t **ids, bool *again,
                                   assay_error *err) {
    char path[PATH_MAX];
    uint8_t *data;
    size_t size;
    assay_cursor rest;
    assay_error why = {0};
    ASSAY_TRY(assay_answer_path(path, provider->options.home, "answered", &request->session,
                                request->sequence, err));
    assay_status status = assay_file_read(path, PENDING_FILE_MAX, &data, &size, &why);
    if (status == ASSAY_NOT_FOUND) return ASSAY_OK;
    if (status != ASSAY_OK) return assay_error_pass(err, &why);
    status = receipt_read(receipt, data, size, &rest, err);
    *again = status == ASSAY_OK && requests_equal(request, &receipt->request);
    if (*again) status = output_take(ids, rest.at, assay_cursor_left(&rest), err);
    free(data);
    return status;
}

// A request that was answered: the answer may have been lost on its way. *again false if it is
// another request. ids: the output, which the caller frees.
static assay_status answer_again(assay_provider *provider, const assay_request *request,
                                 assay_receipt *receipt, uint32_t **ids, bool *again,
                                 assay_error *err) {
    *again = false;
    for (uint32_t i = 0; i < provider->pending_count; i++) {
        const assay_provider_pending *entry = &provider->pending[i];
        if (!requests_equal(request, &entry->receipt.request)) continue;
        *again = true;
        *receipt = entry->receipt;
        return output_take(ids, entry->leaf, entry->leaf_size, err);
    }
    return answered_again(provider, request, receipt, ids, again, err);
}

// What is checked before any work is done. lineage: of the request's adapter.
static assay_status answer_admit(assay_provider *provider, const assay_request *request,
                                 assay_provider_session *session, assay_lineage *lineage,
                                 assay_error *err) {
    assay_provider_facts facts;
    uint32_t others = provider->pending_count + provider->turn_count - 1;
    if (others >= ASSAY_PROVIDER_PENDING_MAX)
        return ASSAY_FAIL(err, CAPACITY, "%u receipts are made or wait for a batch, limit %d",
                          others, ASSAY_PROVIDER_PENDING_MAX);
    if (!assay_hash_equal(&request->model, &provider->shop->model.root))
        return ASSAY_FAIL(err, NOT_FOUND, "this provider has another model");
    if (!assay_hash_is_zero(&request->adapter) &&
        !assay_workshop_adapter(provider->shop, &request->adapter))
        return ASSAY_FAIL(err, NOT_FOUND, "this provider has no such adapter");
    const assay_client *client = &provider->asking;
    ASSAY_TRY(
        session_find(session, provider, client, &request->session, ASSAY_PROVIDER_SESSION_MS, err));
    ASSAY_TRY(session_check(provider, session, request, err));
    ASSAY_TRY(facts_find(&facts, provider, client, ASSAY_PROVIDER_SESSION_MS, err));
    ASSAY_TRY(facts_check(provider, &facts, session, request, err));
    ASSAY_TRY(payable_check(provider, &request->adapter, err));
    ASSAY_TRY(batches_check(provider, err));
    return lineage_find(lineage, provider, &request->adapter, err);
}

// The receipt counts from now on.
static void answer_note(assay_provider *provider, const assay_receipt *receipt) {
    assay_provider_session *entry = session_place(provider, &receipt->request.session);
    provider->served++;
    // Not in the cache any more: it will be asked for, and what is pending counted.
    if (entry == provider->sessions + provider->session_count) return;
    entry->next_sequence = receipt->request.sequence + 1;
    entry->pending_fees += receipt->fee;
}

// How many answers of a session are in progress, or wait to be.
static uint32_t turns_count(const assay_provider *provider, const assay_hash *session, bool begun) {
    uint32_t count = 0;
    for (const assay_provider_turn *turn = provider->turns; turn; turn = turn->next)
        count += turn->begun == begun && assay_hash_equal(turn->session, session);
    return count;
}

// With the lock, and without it while the node is asked and the session's other answer is made: for
// which a stranger to the session, who may not ask, does not wait either, nor one request of many.
static assay_status turn_take(assay_provider *provider, const assay_request *request,
                              assay_provider_turn *turn, assay_error *err) {
    assay_provider_session session;
    if (turns_count(provider, turn->session, true)) {
        ASSAY_TRY(session_find(&session, provider, &provider->asking, turn->session,
                               ASSAY_PROVIDER_SESSION_MS, err));
        ASSAY_TRY(parties_check(provider, &session.session, request, err));
        if (turns_count(provider, turn->session, false) >= ASSAY_PROVIDER_WAITERS_MAX)
            return ASSAY_FAIL(err, BUSY, "%d requests of this session wait already, the limit",
                              ASSAY_PROVIDER_WAITERS_MAX);
    }
    turn->next = provider->turns;
    provider->turns = turn;
    while (turns_count(provider, turn->session, true))
        pthread_cond_wait(&provider->turned, &provider->lock);
    turn->begun = true;
    provider->turn_count++;
    return ASSAY_OK;
}

static void turn_give(assay_provider *provider, const assay_provider_turn *turn) {
    assay_provider_turn **at = &provider->turns;
    while (*at != turn)
        at = &(*at)->next;
    *at = turn->next;
    provider->turn_count--;
    pthread_cond_broadcast(&provider->turned);
}

// In its session's turn: checks, works without the lock, keeps.
static assay_status answer_turn(assay_provider *provider, const assay_request *request,
                                const uint32_t *prompt, assay_receipt *receipt, uint32_t **ids,
                                assay_error *err) {
    assay_provider_turn turn = {.session = &request->session};
    assay_provider_session session;
    assay_lineage lineage;
    bool again;
    pthread_mutex_lock(&provider->lock);
    assay_status status = turn_take(provider, request, &turn, err);
    if (status != ASSAY_OK) {
        pthread_mutex_unlock(&provider->lock);
        return status;
    }
    status = answer_again(provider, request, receipt, ids, &again, err);
    if (status == ASSAY_OK && !again)
        status = answer_admit(provider, request, &session, &lineage, err);
    if (status == ASSAY_OK && !again) {
        pthread_mutex_unlock(&provider->lock);
        status = answer_make(provider, &session, &lineage, request, prompt, receipt, ids, err);
        pthread_mutex_lock(&provider->lock);
        if (status == ASSAY_OK) status = answer_recheck(provider, &request->session, &session, err);
        if (status == ASSAY_OK && provider->cut)
            status = ASSAY_FAIL(err, STOPPED, "stopping: the answer came too late to be sent");
        if (status == ASSAY_OK)
            status = answer_keep(provider, session.session.end, prompt, receipt, *ids, err);
        if (status == ASSAY_OK) answer_note(provider, receipt);
    }
    turn_give(provider, &turn);
    pthread_mutex_unlock(&provider->lock);
    return status;
}

assay_status assay_provider_answer(assay_provider *provider, const assay_request *request,
                                   const uint32_t *prompt, uint32_t prompt_count,
                                   assay_receipt *receipt, uint32_t **ids, assay_error *err) {
    assay_hash digest;
    *ids = NULL;
    ASSAY_TRY(assay_request_check(request, provider->genesis->params.request_tokens_max, err));
    assay_ids_digest(&digest, prompt, prompt_count);
    if (prompt_count != request->prompt_count ||
        !assay_hash_equal(&digest, &request->prompt_digest))
        return ASSAY_FAIL(err, MISMATCH, "prompt ids are not those the request commits to");
    assay_status status = asker_take(provider, err);
    if (status == ASSAY_OK) status = answer_turn(provider, request, prompt, receipt, ids, err);
    asker_give(provider);
    if (status != ASSAY_OK) {
        free(*ids);
        *ids = NULL;
    }
    return status;
}
