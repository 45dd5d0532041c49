// SPDX-License-Identifier: Apache-2.0
// The consumer: signs a request, sends it to its provider, shows what comes back.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "base/json.h"
#include "ledger/tx/tx_json.h"
#include "node/cmd/commands.h"
#include "node/inference/prompt.h"
#include "node/paint.h"
#include "node/wallet/wallet.h"
#include "node/workshop/batch_json.h"
#include "quant/model.h"
#include "quant/sampler.h"
#include "quant/tokenizer/tokenizer.h"

enum { ANSWER_MAX = 64 << 20, ANSWER_MS = 600000, ANSWER_VALUES = 1024 }; // besides output ids

typedef struct {
    assay_wallet wallet;
    const char *provider_url, *model_file;
    char provider[ASSAY_CLIENT_URL_MAX]; // without slashes at its end
    assay_prompt prompt;
    uint64_t max_tokens, temperature, top_k, top_p, seed, max_fee;
    assay_model model;
    assay_tokenizer *tokenizer;
    uint32_t *prompt_ids;
    size_t prompt_count;
    assay_request request;
    assay_session terms;
    bool unanswered; // for all that is known: the answer may be there, and charged
} asking;

static void asking_close(asking *a) {
    free(a->prompt_ids);
    assay_tokenizer_close(a->tokenizer);
    assay_model_close(&a->model);
    assay_wallet_close(&a->wallet);
}

static assay_status prompt_take(asking *a, assay_error *err) {
    ASSAY_TRY(assay_model_open(&a->model, a->model_file, err));
    ASSAY_TRY(assay_tokenizer_open(&a->tokenizer, a->model.tokenizer.data, a->model.tokenizer.size,
                                   a->model.shape.vocab_size, err));
    return assay_prompt_take(&a->prompt_ids, &a->prompt_count, &a->prompt, a->tokenizer,
                             a->model.shape.vocab_size, err);
}

// The provider's context is the model's: it would refuse, and in words about its body's size.
static assay_status context_check(const asking *a, assay_error *err) {
    uint64_t context = a->model.shape.context_size;
    if (!a->prompt_count) return ASSAY_FAIL(err, RANGE, "the prompt has 0 tokens, at least 1");
    if (a->prompt_count <= context && a->max_tokens <= context - a->prompt_count) return ASSAY_OK;
    return ASSAY_FAIL(err, RANGE, "%zu tokens of the prompt and up to %llu new ones, context %llu",
                      a->prompt_count, (ull)a->max_tokens, (ull)context);
}

// The chain's own limit, which a provider whose context is longer would refuse by.
static assay_status limit_check(const asking *a, assay_error *err) {
    uint64_t most;
    ASSAY_TRY(assay_client_param(&most, &a->wallet.client, "request_tokens_max", err));
    if (a->prompt_count + a->max_tokens <= most) return ASSAY_OK;
    return ASSAY_FAIL(err, RANGE,
                      "%zu tokens of the prompt and up to %llu new ones, request_tokens_max %llu",
                      a->prompt_count, (ull)a->max_tokens, (ull)most);
}

static assay_status provider_read(asking *a, assay_error *err) {
    size_t length = assay_url_length(a->provider_url);
    if (length == 0 || length >= sizeof a->provider)
        return ASSAY_FAIL(err, USAGE, "--provider has %zu characters, limits 1 to %zu", length,
                          sizeof a->provider - 1);
    ASSAY_TRY(assay_url_check(a->provider_url, "--provider", err));
    memcpy(a->provider, a->provider_url, length);
    return ASSAY_OK;
}

// Asks the provider which sequence it expects. What it says is checked by the session's owner
// only in that a wrong one is useless to the provider: the ledger wants them without a gap.
static assay_status sequence_fetch(asking *a, assay_error *err) {
    char url[ASSAY_CLIENT_URL_MAX + 128], session[ASSAY_HEX_HASH_MAX];
    json_t *answer;
    const assay_fetch_limits limits = {.size_max = ANSWER_MAX,
                                       .values_max = ANSWER_VALUES,
                                       .timeout_ms = ANSWER_MS,
                                       .allow_private = true};
    assay_hex_encode_0x(session, a->request.session.bytes, ASSAY_HASH_SIZE);
    snprintf(url, sizeof url, "%s/v1/session/%s", a->provider, session);
    ASSAY_TRY(assay_fetch_json(&answer, url, NULL, &limits, err));
    assay_status status =
        json_object_get(answer, "next_sequence")
            ? assay_json_u64(&a->request.sequence, answer, "next_sequence", 1, UINT64_MAX, err)
            : ASSAY_FAIL(err, FORMAT,
                         "--provider %.200s is no provider's address: no next_sequence",
                         a->provider);
    json_decref(answer);
    return status;
}

static assay_status request_make(asking *a, assay_error *err) {
    assay_request *request = &a->request;
    ASSAY_TRY(assay_session_fetch(&a->terms, &a->wallet.client, &request->session, err));
    if (!request->sequence) ASSAY_TRY(sequence_fetch(a, err));
    request->provider = a->terms.provider;
    request->model = a->model.root;
    assay_ids_digest(&request->prompt_digest, a->prompt_ids, (uint32_t)a->prompt_count);
    request->prompt_count = (uint32_t)a->prompt_count;
    request->max_tokens = (uint32_t)a->max_tokens;
    request->temperature_milli = (uint32_t)a->temperature;
    request->top_k = (uint32_t)a->top_k;
    request->top_p_ppm = (uint32_t)a->top_p;
    request->seed = a->seed;
    request->max_fee = a->max_fee;
    if (a->max_fee == UINT64_MAX) // not given
        ASSAY_TRY(assay_fee_compute(&request->max_fee, request->prompt_count, a->terms.price_in,
                                    request->max_tokens, a->terms.price_out, err));
    ASSAY_TRY(assay_request_check(request, UINT64_MAX, err));
    return assay_request_sign(request, &a->wallet.client.domain, &a->wallet.key, err);
}

static assay_status request_send(asking *a, json_t **answer, assay_error *err) {
    char url[ASSAY_CLIENT_URL_MAX + 128];
    const assay_fetch_limits limits = {.size_max = ANSWER_MAX,
                                       .values_max = ASSAY_MODEL_CONTEXT_MAX + ANSWER_VALUES,
                                       .timeout_ms = ANSWER_MS,
                                       .allow_private = true};
    json_t *ids = json_array();
    for (size_t i = 0; i < a->prompt_count; i++)
        json_array_append_new(ids, json_integer(a->prompt_ids[i]));
    snprintf(url, sizeof url, "%s/v1/request", a->provider);
    assay_status status = assay_fetch_json(
        answer, url,
        json_pack("{s:o,s:o}", "request", assay_request_to_json(&a->request), "prompt_ids", ids),
        &limits, err);
    a->unanswered = status == ASSAY_NETWORK || status == ASSAY_TIMEOUT || status == ASSAY_STOPPED;
    return status;
}

// The receipt must be of this request, of these ids, at these prices.
static assay_status answer_check(const asking *a, const json_t *answer, assay_receipt *receipt,
                                 uint32_t **ids, assay_error *err) {
    const json_t *object, *list;
    uint8_t sent[ASSAY_REQUEST_SIZE], got[ASSAY_REQUEST_SIZE];
    assay_hash digest;
    ASSAY_TRY(assay_json_object(&object, answer, "receipt", err));
    ASSAY_TRY(assay_receipt_from_json(receipt, object, err));
    assay_request_encode(&a->request, sent);
    assay_request_encode(&receipt->request, got);
    if (memcmp(sent, got, sizeof sent) != 0)
        return ASSAY_FAIL(err, MISMATCH, "the receipt is for another request");
    ASSAY_TRY(assay_json_array(&list, answer, "output_ids", ASSAY_MODEL_CONTEXT_MAX, err));
    size_t count = json_array_size(list);
    *ids = malloc((count + 1) * sizeof **ids);
    if (!*ids) return ASSAY_FAIL(err, MEMORY, "no memory for %zu ids", count);
    for (size_t i = 0; i < count; i++)
        (*ids)[i] = (uint32_t)json_integer_value(json_array_get(list, i));
    assay_ids_digest(&digest, *ids, (uint32_t)count);
    if (count != receipt->output_count || !assay_hash_equal(&digest, &receipt->output_digest))
        return ASSAY_FAIL(err, MISMATCH, "the output is not the one the receipt commits to");
    return assay_receipt_fee_check(receipt, a->terms.price_in, a->terms.price_out, err);
}

static assay_status answer_print(const asking *a, const assay_receipt *receipt, const uint32_t *ids,
                                 bool json, assay_error *err) {
    static const char *const stops[] = {"stop-id", "length", "fault"};
    char *text;
    size_t size;
    assay_hash hash;
    ASSAY_TRY(assay_tokenizer_text(a->tokenizer, &text, &size, ids, receipt->output_count, err));
    assay_receipt_hash(&hash, receipt);
    if (json) {
        json_t *list = json_array();
        for (uint32_t i = 0; i < receipt->output_count; i++)
            json_array_append_new(list, json_integer(ids[i]));
        assay_command_print(json_pack("{s:o,s:o,s:o,s:o,s:s%,s:s,s:o,s:o}", "session",
                                      assay_json_from_hash(&receipt->request.session), "sequence",
                                      assay_json_from_u64(receipt->request.sequence),
                                      "receipt_hash", assay_json_from_hash(&hash), "ids", list,
                                      "text", text, size, "stop", stops[receipt->stop], "fee",
                                      assay_json_from_u64(receipt->fee), "receipt",
                                      assay_receipt_to_json(receipt)));
    } else {
        if (a->prompt.text)
            assay_paint_text(stdout, (const uint8_t *)a->prompt.text, strlen(a->prompt.text), NULL);
        assay_paint_text(stdout, (const uint8_t *)text, size, NULL);
        printf("\n");
        fprintf(stderr, "%u tokens for %llu nopen, sequence %llu\n", receipt->output_count,
                (ull)receipt->fee, (ull)receipt->request.sequence);
    }
    free(text);
    return ASSAY_OK;
}

static assay_status asking_run(asking *a, bool json, assay_error *err) {
    json_t *answer;
    assay_receipt receipt;
    uint32_t *ids = NULL;
    ASSAY_TRY(provider_read(a, err));
    ASSAY_TRY(prompt_take(a, err));
    ASSAY_TRY(context_check(a, err));
    ASSAY_TRY(assay_wallet_open(&a->wallet, err));
    ASSAY_TRY(limit_check(a, err));
    ASSAY_TRY(request_make(a, err));
    ASSAY_TRY(request_send(a, &answer, err));
    assay_status status = answer_check(a, answer, &receipt, &ids, err);
    if (status == ASSAY_OK) status = answer_print(a, &receipt, ids, json, err);
    json_decref(answer);
    free(ids);
    return status;
}

int assay_cmd_ask(assay_invocation *invocation) {
    asking a = {
        .wallet = ASSAY_WALLET_INIT, .max_tokens = 64, .top_p = 1000000, .max_fee = UINT64_MAX};
    const assay_option table[] = {
        ASSAY_WALLET_SIGNER_OPTIONS(a.wallet),
        {"provider", ASSAY_OPTION_TEXT, &a.provider_url, "URL", "the provider's server", 0, 0,
         true},
        {"session", ASSAY_OPTION_HEX, a.request.session.bytes, "ID", "an open session with it", 0,
         ASSAY_HASH_SIZE, true},
        {"sequence", ASSAY_OPTION_U64, &a.request.sequence, "N",
         "that of an answer which was lost, to have it again (the next)", 1, UINT64_MAX, false},
        {"model", ASSAY_OPTION_TEXT, &a.model_file, "FILE",
         "the base model, for its tokenizer and root", 0, 0, true},
        {"adapter", ASSAY_OPTION_HEX, a.request.adapter.bytes, "ROOT", "the adapter to answer with",
         0, ASSAY_HASH_SIZE, false},
        ASSAY_PROMPT_OPTIONS(a.prompt),
        {"max-tokens", ASSAY_OPTION_U64, &a.max_tokens, "N", "longest output (64)", 1, 1 << 17,
         false},
        {"temperature-milli", ASSAY_OPTION_U64, &a.temperature, "T", "0: greedy (0)", 0,
         ASSAY_SAMPLING_TEMPERATURE_MAX, false},
        {"top-k", ASSAY_OPTION_U64, &a.top_k, "K", "0: all (0)", 0, UINT32_MAX, false},
        {"top-p-ppm", ASSAY_OPTION_U64, &a.top_p, "P", "in parts per million (1000000)", 1, 1000000,
         false},
        {"seed", ASSAY_OPTION_U64, &a.seed, "S", "of the sampling (0)", 0, UINT64_MAX, false},
        {"max-fee", ASSAY_OPTION_NOPEN, &a.max_fee, "NOPEN", "limit (what max-tokens would cost)",
         0, INT64_MAX, false},
    };
    int code;
    if (!assay_command_begin(
            invocation, table, ASSAY_COUNT(table),
            "An answer that was lost on its way is paid for all the same. The same "
            "command with its\n--sequence has it again, until its session ends or "
            "many others were answered since.",
            &code))
        return code;
    assay_error err = {0};
    bool again = a.request.sequence; // an answer that was lost
    assay_status status = asking_run(&a, invocation->json, &err);
    asking_close(&a);
    if (status == ASSAY_OK && (fflush(stdout) != 0 || ferror(stdout))) {
        status = assay_fail_errno(&err, errno, "cannot write the answer, which is paid for");
        a.unanswered = true;
        invocation->json = false; // where it would go, nothing goes
    }
    if (status == ASSAY_OK) return ASSAY_EXIT_OK;
    char next[80] = "";
    // The next sequence would be another request, and be paid beside this one.
    if (a.unanswered)
        snprintf(next, sizeof next, "the same command with --sequence %llu",
                 (ull)a.request.sequence);
    else if (status == ASSAY_ORDER && !again)
        snprintf(next, sizeof next, "the same command: another request of this session came first");
    return assay_command_fail(invocation, &err, *next ? next : NULL);
}
