// SPDX-License-Identifier: Apache-2.0
// The provider: answers signed requests, keeps the evidence, submits batches.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "base/json.h"
#include "consensus/clock.h"
#include "ledger/tx/tx_json.h"
#include "node/cmd/commands.h"
#include "node/ending.h"
#include "node/error_json.h"
#include "node/http/server.h"
#include "node/log.h"
#include "node/provider/provider.h"
#include "node/provider/request_body.h"
#include "node/provider/retry.h"
#include "node/provider/served_url.h"

enum {
    CONNECTIONS_MAX = 64,
    ASKERS_MAX = CONNECTIONS_MAX / 2, // the others are for evidence, whoever waits for answers
    REQUESTS_PER_SECOND = 200,
    TICK_MS = 50,
    DRAIN_MS = 10000, // for answers in progress at the end, and
    SEND_MS = 1000,   // for what was kept by then to go out
    DEFEND_MS = 500,
    TELL_MS = 60000, // between sentences about the same failure
    LOOK_MS = 5000,  // between looks at the sessions with something pending or answered, and
    LOOK_REST = 10, // at least so many times as long as the last look took; so with what is payable
};

static assay_status answer_reply(assay_provider *provider, const assay_receipt *receipt,
                                 const uint32_t *ids, assay_http_reply *reply, assay_error *err) {
    char *text;
    size_t size;
    assay_hash hash;
    ASSAY_TRY(assay_tokenizer_text(provider->shop->tokenizer, &text, &size, ids,
                                   receipt->output_count, err));
    for (size_t i = 0; i < size; i++)
        if (!text[i]) text[i] = ' '; // readers refuse JSON with NUL; output_ids are what counts
    json_t *list = json_array();
    for (uint32_t i = 0; i < receipt->output_count; i++)
        json_array_append_new(list, json_integer(ids[i]));
    assay_receipt_hash(&hash, receipt);
    assay_http_reply_json(reply, 200,
                          json_pack("{s:o,s:o,s:o,s:s%}", "receipt", assay_receipt_to_json(receipt),
                                    "receipt_hash", assay_json_from_hash(&hash), "output_ids", list,
                                    "text", text, size));
    free(text);
    return ASSAY_OK;
}

// receipt: of the answer, NULL: there was none.
static void request_note(assay_provider *provider, uint64_t begun, const assay_receipt *receipt,
                         const assay_error *err) {
    assay_meter *meter = &provider->shop->meter;
    uint64_t ns = assay_clock_ns() - begun;
    if (!receipt) {
        atomic_fetch_add(&meter->refusals, 1);
        assay_log(ASSAY_LOG_TRACE, "request_refused", assay_error_to_json(err, NULL), "%s",
                  err->text);
        return;
    }
    char session[ASSAY_HEX_HASH_MAX];
    assay_hex_encode_0x(session, receipt->request.session.bytes, ASSAY_HASH_SIZE);
    assay_timing_add(&meter->answers, ns);
    assay_log(ASSAY_LOG_TRACE, "request_answered",
              json_pack("{s:s,s:o,s:i,s:i,s:o}", "session", session, "sequence",
                        assay_json_from_u64(receipt->request.sequence), "prompt_tokens",
                        (int)receipt->request.prompt_count, "output_tokens",
                        (int)receipt->output_count, "ms", assay_json_from_u64(ns / 1000000)),
              "answered a request");
}

static assay_status request_post(assay_provider *provider, const assay_http_request *http,
                                 assay_http_reply *reply, assay_error *err) {
    assay_request_body body;
    assay_receipt receipt;
    uint32_t *ids = NULL;
    uint64_t begun = assay_clock_ns();
    assay_status status = assay_request_body_read(&body, http->body.data, http->body.size,
                                                  provider->shop->model.shape.context_size, err);
    if (status == ASSAY_OK)
        status = assay_provider_answer(provider, &body.request, body.prompt, body.prompt_count,
                                       &receipt, &ids, err);
    if (status == ASSAY_OK) status = answer_reply(provider, &receipt, ids, reply, err);
    request_note(provider, begun, status == ASSAY_OK ? &receipt : NULL, err);
    assay_request_body_close(&body);
    free(ids);
    return status;
}

// /v1/session/ID: which sequence comes next.
static assay_status session_get(assay_provider *provider, const char *id, assay_http_reply *reply,
                                assay_error *err) {
    assay_hash session;
    uint64_t next;
    ASSAY_TRY(assay_hex_decode(session.bytes, ASSAY_HASH_SIZE, id, err));
    ASSAY_TRY(assay_provider_next_sequence(provider, &session, &next, err));
    assay_http_reply_json(reply, 200,
                          json_pack("{s:o}", "next_sequence", assay_json_from_u64(next)));
    return ASSAY_OK;
}

static assay_status evidence_fail(const char *path, assay_error *err) {
    return ASSAY_FAIL(err, NOT_FOUND, "no evidence \"%.100s\"", path);
}

// /evidence/ROOT/receipts or /evidence/ROOT/leaf/N, and nothing else of the folder.
static assay_status evidence_get(assay_provider *provider, const char *path,
                                 assay_http_reply *reply, assay_error *err) {
    assay_hash root;
    char text[2 * ASSAY_HASH_SIZE + 1], name[32];
    uint64_t leaf;
    uint8_t *data;
    size_t size;
    if (strlen(path) <= 2 * ASSAY_HASH_SIZE || path[2 * ASSAY_HASH_SIZE] != '/')
        return evidence_fail(path, err);
    memcpy(text, path, 2 * ASSAY_HASH_SIZE);
    text[2 * ASSAY_HASH_SIZE] = 0;
    ASSAY_TRY(assay_hex_decode(root.bytes, ASSAY_HASH_SIZE, text, err));
    const char *rest = path + 2 * ASSAY_HASH_SIZE + 1;
    if (strcmp(rest, "receipts") == 0) {
        snprintf(name, sizeof name, "receipts");
    } else if (strncmp(rest, "leaf/", 5) == 0) {
        if (provider->options.misbehaviour == ASSAY_MISBEHAVE_WITHHOLD)
            return evidence_fail(path, err);
        ASSAY_TRY(assay_number_parse(&leaf, rest + 5, "leaf", 0, UINT32_MAX, err));
        snprintf(name, sizeof name, "leaf/%u", (unsigned)leaf);
    } else {
        return evidence_fail(path, err);
    }
    assay_status status = assay_provider_evidence(provider, &root, name, &data, &size, err);
    if (status == ASSAY_NOT_FOUND) return evidence_fail(path, err); // its words name our folder
    ASSAY_TRY(status);
    assay_http_reply_bytes(reply, data, size);
    free(data);
    return ASSAY_OK;
}

static assay_status provider_get(assay_provider *provider, assay_http_reply *reply) {
    const assay_workshop *shop = provider->shop;
    json_t *adapters = json_array();
    pthread_mutex_lock(&provider->lock);
    for (uint32_t i = 0; i < shop->adapter_count; i++)
        if (!provider->payable.rows[1 + i].refusal.reject && !provider->unsourced.adapters[i])
            json_array_append_new(adapters, assay_json_from_hash(&shop->adapters[i].root));
    json_t *document =
        json_pack("{s:o,s:o,s:o,s:o,s:o,s:i,s:o,s:i,s:o,s:o}", "provider",
                  assay_json_from_address(&provider->wallet->principal), "model",
                  assay_json_from_hash(&shop->model.root), "adapters", adapters, "price_in_min",
                  assay_json_from_u64(provider->options.price_in_min), "price_out_min",
                  assay_json_from_u64(provider->options.price_out_min), "context",
                  (int)shop->model.shape.context_size, "genesis",
                  assay_json_from_hash(&provider->genesis->hash), "pending",
                  (int)provider->pending_count, "served", assay_json_from_u64(provider->served),
                  "batched", assay_json_from_u64(provider->batched));
    pthread_mutex_unlock(&provider->lock);
    assay_http_reply_json(reply, 200, document);
    return ASSAY_OK;
}

static uint32_t pending_count(assay_provider *provider) {
    pthread_mutex_lock(&provider->lock);
    uint32_t count = provider->pending_count;
    pthread_mutex_unlock(&provider->lock);
    return count;
}

static assay_status metrics_get(assay_provider *provider, assay_http_reply *reply) {
    assay_metrics metrics = {0};
    assay_meter_provider(&provider->shop->meter, pending_count(provider), &metrics);
    assay_metrics_reply(&metrics, reply);
    return ASSAY_OK;
}

static assay_status serve_route(assay_provider *provider, const assay_http_request *request,
                                assay_http_reply *reply, assay_error *err) {
    const char *path = request->path;
    bool post = strcmp(path, "/v1/request") == 0, facts = strcmp(path, "/v1/provider") == 0;
    bool session = strncmp(path, "/v1/session/", 12) == 0;
    bool evidence = strncmp(path, "/evidence/", 10) == 0;
    if (!post && !facts && !session && !evidence && strcmp(path, "/metrics") != 0)
        return ASSAY_FAIL(err, NOT_FOUND, "no path \"%.60s\", see docs/api.md", path);
    ASSAY_TRY(assay_http_method_check(request, post ? "POST" : "GET", err));
    if (post) return request_post(provider, request, reply, err);
    if (facts) return provider_get(provider, reply);
    if (session) return session_get(provider, path + 12, reply, err);
    if (evidence) return evidence_get(provider, path + 10, reply, err);
    return metrics_get(provider, reply);
}

static void serve_handle(void *context, const assay_http_request *request,
                         assay_http_reply *reply) {
    assay_error err = {0};
    if (serve_route(context, request, reply, &err) != ASSAY_OK) assay_http_reply_error(reply, &err);
}

typedef struct {
    assay_workshop_options shop_options;
    assay_provider_options options;
    assay_wallet wallet;
    const char *listen;
    const char *url;
    const char *misbehave;
    const char *log;
} serve_options;

// The last failure that was told.
typedef struct {
    uint32_t code; // 0: none since it last went well
    uint64_t ms;
} telling;

typedef struct {
    assay_retry retry;
    telling told;
    assay_error refusal; // the last one
    assay_error blame;   // the last one for what was in a batch, which leaves some out
} batching;

// What fails every second is told once a minute. Returns: whether this is the time.
static bool telling_due(telling *told, const assay_error *err) {
    uint32_t code = assay_error_code(err);
    uint64_t now = assay_clock_ms();
    if (code == told->code && now < told->ms + TELL_MS) return false;
    *told = (telling){code, now};
    return true;
}

static void work_step(assay_provider *provider, bool all, batching *work) {
    assay_error err = {0};
    assay_provider_batched batch;
    if (!assay_retry_is_over(&work->retry, assay_provider_due(provider, all), assay_clock_ms()))
        return;
    assay_status status = assay_provider_batch(provider, &batch, &err);
    assay_retry_note(&work->retry, status, &batch, assay_clock_ms());
    if (status != ASSAY_OK) {
        work->refusal = err;
        if (batch.narrowed) work->blame = err;
        atomic_fetch_add(&provider->shop->meter.batch_failures, 1);
        if (telling_due(&work->told, &err))
            assay_log(ASSAY_LOG_WARN, "batch_not_taken", assay_error_to_json(&err, NULL),
                      "batch not taken, error %u: %s", (unsigned)assay_error_code(&err), err.text);
    } else if (batch.count) {
        char text[ASSAY_HEX_HASH_MAX];
        assay_hex_encode_0x(text, batch.id.bytes, ASSAY_HASH_SIZE);
        atomic_fetch_add(&provider->shop->meter.batches, 1);
        assay_log(ASSAY_LOG_INFO, "batch_sent", json_pack("{s:s}", "batch", text), "batch %s",
                  text);
        work->told.code = 0;
    }
}

static uint64_t rest_after(uint64_t begun) {
    uint64_t now = assay_clock_ms();
    return now + LOOK_MS + LOOK_REST * (now - begun);
}

typedef struct {
    telling failure;
    bool unbonded; // at the last look
} looking;

// Without a bond everything is refused, and each of those who ask has paid a deposit by then.
static void bond_tell(const assay_provider_facts *facts, looking *told) {
    static const char next[] = "assay bond --role provider --amount …";
    bool unbonded = facts->cover == 0;
    if (unbonded && !told->unbonded)
        assay_log(ASSAY_LOG_WARN, "no_bond", json_pack("{s:s}", "next", next),
                  "no request is answered: the provider bond covers none (P-30); next: %s", next);
    told->unbonded = unbonded;
}

// Sessions end whether or not a batch is due. Returns: when to look again.
static uint64_t look_step(assay_provider *provider, looking *told) {
    assay_error err = {0};
    assay_provider_facts facts;
    uint32_t voided = 0;
    uint64_t begun = assay_clock_ms();
    assay_status status = assay_provider_look(provider, &facts, &err);
    if (status == ASSAY_OK)
        status = assay_outcomes_look(&provider->outcomes, &voided, &provider->asking, &err);
    atomic_fetch_add(&provider->shop->meter.batches_void, voided);
    if (status == ASSAY_OK) {
        told->failure.code = 0;
        bond_tell(&facts, told);
    } else if (telling_due(&told->failure, &err))
        assay_log(ASSAY_LOG_WARN, "look_failed", assay_error_to_json(&err, NULL),
                  "cannot ask the node about itself and its sessions: %s", err.text);
    return rest_after(begun);
}

// Declarations change whether or not anyone asks for the model. Returns: when to look again.
static uint64_t payable_step(assay_provider *provider, telling *told) {
    assay_error err = {0};
    uint64_t begun = assay_clock_ms();
    if (assay_provider_payable_look(provider, &err) == ASSAY_OK)
        told->code = 0;
    else if (telling_due(told, &err))
        assay_log(ASSAY_LOG_WARN, "payable_unknown", assay_error_to_json(&err, NULL),
                  "cannot ask the node what the chain would pay for: %s", err.text);
    return rest_after(begun);
}

// What is in no batch yet, why, and until when it can be.
static void waiting_tell(assay_provider *provider, const batching *work) {
    uint64_t fees = 0, until = UINT64_MAX;
    const assay_error *refusal = work->told.code ? &work->refusal : NULL; // of the last batch
    pthread_mutex_lock(&provider->lock);
    uint32_t count = provider->pending_count;
    for (uint32_t i = 0; i < count; i++) {
        const assay_provider_pending *entry = &provider->pending[i];
        fees += entry->receipt.fee;
        if (entry->end && entry->end < until) until = entry->end;
        if (!refusal && entry->hold_ms) refusal = &work->blame;
    }
    pthread_mutex_unlock(&provider->lock);
    if (!count) return;
    char folder[PATH_MAX], height[48] = "an unknown height";
    char why[ASSAY_ERROR_TEXT_MAX + 80];
    uint64_t least = provider->genesis->params.min_batch_fee;
    snprintf(folder, sizeof folder, "%s/pending", provider->options.home);
    if (until != UINT64_MAX) snprintf(height, sizeof height, "height %llu", (ull)until);
    snprintf(why, sizeof why, "a batch takes %llu nopen", (ull)least);
    if (refusal)
        snprintf(why, sizeof why, "a batch was not taken, error %u: %s",
                 (unsigned)assay_error_code(refusal), refusal->text);
    assay_log(ASSAY_LOG_INFO, "receipts_waiting",
              json_pack("{s:i,s:o,s:s,s:o,s:o,s:o*}", "count", (int)count, "nopen",
                        assay_json_from_u64(fees), "folder", folder, "min_batch_fee",
                        assay_json_from_u64(least), "until",
                        until == UINT64_MAX ? json_null() : assay_json_from_u64(until), "error",
                        refusal ? assay_error_to_json(refusal, NULL) : NULL),
              "%u receipts worth %llu nopen wait in %s: %s; the first of their sessions ends at %s",
              count, (ull)fees, folder, why, height);
}

static void defend_step(assay_provider *provider, telling *told) {
    assay_error err = {0};
    uint32_t posted;
    if (assay_provider_defend(provider, &posted, &err) == ASSAY_OK)
        told->code = 0;
    else if (telling_due(told, &err))
        assay_log(ASSAY_LOG_WARN, "defence_failed", assay_error_to_json(&err, NULL),
                  "cannot answer accusations: %s", err.text);
    atomic_fetch_add(&provider->shop->meter.postings, posted);
    if (posted)
        assay_log(ASSAY_LOG_INFO, "evidence_posted", json_pack("{s:i}", "count", (int)posted),
                  "posted evidence for %u accusations", posted);
}

// It answers no more, and goes on: what it answered for is to be settled, and defended.
static void files_step(const assay_provider *provider, telling *told) {
    assay_error err = {0};
    if (assay_workshop_unchanged(provider->shop, &err) != ASSAY_OK && telling_due(told, &err))
        assay_log(ASSAY_LOG_WARN, "files_changed", assay_error_to_json(&err, NULL),
                  "no more is answered: %s", err.text);
}

static void url_warn(const assay_provider *provider) {
    static const char next[] = "assay serve --url with an address that all validators reach";
    const char *url = provider->options.url;
    assay_log(ASSAY_LOG_WARN, "url_private", json_pack("{s:s,s:s}", "url", url, "next", next),
              "validators do not fetch evidence from %s unless their operators allow private "
              "addresses; next: %s",
              url, next);
}

static void serve_tell(const assay_invocation *invocation, const assay_provider *provider,
                       const char *url) {
    if (invocation->json)
        assay_command_print(json_pack("{s:s}", "url", url));
    else
        printf("%s\n", url);
    fflush(stdout);
    assay_log(ASSAY_LOG_TRACE, "started", json_pack("{s:s}", "url", url), "serving");
    if (assay_served_url_private(provider->options.url)) url_warn(provider);
}

// While data sets are indexed, evidence is served and posted, and requests are refused as BUSY.
static assay_status serve_loop(const assay_invocation *invocation, assay_provider *provider,
                               batching *work, const char *url, assay_error *fatal) {
    telling defence = {0}, payable = {0}, files = {0};
    looking look = {0};
    bool told = false;
    uint64_t defend_at = 0, look_at = look_step(provider, &look);
    uint64_t payable_at = payable_step(provider, &payable);
    if (!assay_provider_due(provider, true)) waiting_tell(provider, work);
    do {
        uint64_t now = assay_clock_ms();
        // The defence first: its windows are the short ones.
        if (now >= defend_at) {
            defend_step(provider, &defence);
            defend_at = now + DEFEND_MS;
        }
        if (now >= look_at) look_at = look_step(provider, &look);
        work_step(provider, false, work);
        if (now >= payable_at) payable_at = payable_step(provider, &payable);
        files_step(provider, &files);
        if (told) continue;
        assay_status status = assay_workshop_ready(provider->shop, fatal);
        if (status == ASSAY_BUSY) continue;
        ASSAY_TRY(status);
        serve_tell(invocation, provider, url);
        told = true;
    } while (!assay_ending_sleep(TICK_MS));
    return ASSAY_OK;
}

static assay_status serve_run(const assay_invocation *invocation, serve_options *options,
                              assay_workshop *shop, const assay_genesis *genesis,
                              assay_error *err) {
    assay_provider provider;
    batching work = {0};
    assay_http_server *server;
    assay_http_options http = {.listen = options->listen,
                               .body_max = assay_request_body_max(shop->model.shape.context_size),
                               .connections_max = CONNECTIONS_MAX,
                               .requests_per_second = REQUESTS_PER_SECOND,
                               .handle = serve_handle,
                               .context = &provider};
    options->options.stop = assay_ending_asked();
    assay_status status =
        assay_provider_open(&provider, shop, &options->wallet, genesis, &options->options, err);
    if (status == ASSAY_OK) status = assay_http_server_open(&server, &http, err);
    if (status == ASSAY_OK) {
        if (!options->url)
            snprintf(provider.options.url, sizeof provider.options.url, "%s",
                     assay_http_server_url(server));
        status = serve_loop(invocation, &provider, &work, assay_http_server_url(server), err);
        assay_ending_ask(); // where it was no signal
        // Answers in progress are finished first: they belong into the last batch. What only waits
        // for the model, or takes longer, would be charged after its connection is gone.
        assay_batcher_stop(&shop->batcher);
        assay_http_server_drain(server, DRAIN_MS);
        assay_provider_cut(&provider);
        assay_batcher_cut(&shop->batcher);
        assay_http_server_drain(server, SEND_MS);
        assay_http_server_close(server);
        provider.asking.stop = NULL; // nobody else asks any more
        work.retry = (assay_retry){0};
        // What was refused may be gone, and what is left not be enough for a batch.
        if (assay_provider_due(&provider, true) == ASSAY_DUE_NOTHING) work.told.code = 0;
        work_step(&provider, true, &work);
        waiting_tell(&provider, &work);
    }
    assay_provider_close(&provider);
    return status;
}

static assay_status serve_begin(serve_options *options, assay_workshop *shop,
                                assay_genesis *genesis, assay_error *err) {
    if (options->misbehave)
        ASSAY_TRY(
            assay_misbehaviour_parse(&options->options.misbehaviour, options->misbehave, err));
    if (!options->wallet.wait_ms)
        return ASSAY_FAIL(err, USAGE,
                          "--wait-ms 0: a provider must learn whether its batches are in a block");
    if (options->url)
        ASSAY_TRY(assay_served_url_read(options->options.url, sizeof options->options.url - 80,
                                        options->url, err));
    ASSAY_TRY(assay_wallet_open(&options->wallet, err));
    if (options->misbehave && !options->wallet.client.testnet)
        return ASSAY_FAIL(err, FORBIDDEN, "--misbehave is for chains whose genesis says testnet");
    ASSAY_TRY(assay_genesis_fetch(genesis, &options->wallet.client, err));
    options->wallet.client.stop = NULL; // batches and evidence are sent to the end
    return assay_workshop_open(shop, &options->shop_options, err);
}

int assay_cmd_serve(assay_invocation *invocation) {
    serve_options options = {
        .wallet = ASSAY_WALLET_INIT,
        .listen = "127.0.0.1:26670",
        .shop_options = {.threads = 1},
        .options = {.batch_count = 64, .batch_ms = 10000, .askers_max = ASKERS_MAX}};
    const assay_option table[] = {
        {"home", ASSAY_OPTION_TEXT, &options.options.home, "DIR",
         "folder for receipts and evidence", 0, 0, true},
        ASSAY_WALLET_OPTIONS(options.wallet),
        ASSAY_WORKSHOP_OPTIONS(options.shop_options, true),
        {"listen", ASSAY_OPTION_TEXT, &options.listen, "HOST:PORT", "address (127.0.0.1:26670)", 0,
         0, false},
        {"url", ASSAY_OPTION_TEXT, &options.url, "URL",
         "how verifiers reach this server (the address it listens on)", 0, 0, false},
        {"price-in", ASSAY_OPTION_NOPEN, &options.options.price_in_min, "NOPEN",
         "least price of a prompt token (0)", 0, INT64_MAX, false},
        {"price-out", ASSAY_OPTION_NOPEN, &options.options.price_out_min, "NOPEN",
         "least price of an output token (0)", 0, INT64_MAX, false},
        {"batch-count", ASSAY_OPTION_U64, &options.options.batch_count, "N",
         "receipts that make a batch (64)", 1, 4096, false},
        {"batch-ms", ASSAY_OPTION_U64, &options.options.batch_ms, "MS",
         "age of a receipt that makes a batch (10000)", 0, 86400000, false},
        ASSAY_LOG_OPTION(options.log),
        {"misbehave", ASSAY_OPTION_TEXT, &options.misbehave, "KIND",
         "testnets only: altered-token, wrong-adapter, inflated-count, withheld-evidence", 0, 0,
         false},
    };
    int code;
    if (!assay_command_begin(invocation, table, ASSAY_COUNT(table),
                             "Serves until SIGTERM; then submits what is pending.", &code))
        return code;
    static assay_workshop shop;
    assay_genesis genesis = {0};
    assay_error err = {0};
    options.shop_options.isa = invocation->isa;
    assay_status status = assay_ending_listen(&err);
    if (status == ASSAY_OK) status = assay_log_open(options.log, invocation->json, &err);
    if (status == ASSAY_OK) status = serve_begin(&options, &shop, &genesis, &err);
    if (status == ASSAY_OK) status = serve_run(invocation, &options, &shop, &genesis, &err);
    assay_workshop_leave(&shop);
    assay_genesis_close(&genesis);
    assay_wallet_close(&options.wallet);
    if (assay_ending_stopped(status)) status = ASSAY_OK;
    return status == ASSAY_OK ? ASSAY_EXIT_OK : assay_command_fail(invocation, &err, NULL);
}
