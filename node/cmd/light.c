// SPDX-License-Identifier: Apache-2.0
// A light client: from a header one trusts to a later one, and from there to a payout.
#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "base/json.h"
#include "node/cmd/commands.h"
#include "node/cmd/proof_print.h"
#include "node/comet/comet.h"
#include "node/http/client.h"

enum {
    TRUSTING_SECONDS = 7 * 24 * 3600,
    DRIFT_SECONDS = 10,
    SOURCE_SECONDS = 600, // of one source, all it is asked for
    ARENA_MAX = 1 << 30,  // of all the headers on the way
};

typedef struct {
    const char *trust, *node, *proof;
    assay_option_texts witnesses;
    uint64_t height, trusting_seconds;
} light_options;

typedef struct {
    assay_light_options follow;
    assay_comet primary;
    assay_comet witness_urls[ASSAY_LIGHT_WITNESSES_MAX];
    assay_light_source witnesses[ASSAY_LIGHT_WITNESSES_MAX];
    assay_proof proof;
    uint64_t height;         // what is followed to, 0: the latest
    bool followed;           // it came to following: what was given is well-formed
    assay_light_block block; // what was verified
    assay_light_report report;
} light_parts;

// "HEIGHT:HASH", as a header's hash is shown. Errors: USAGE.
static assay_status trust_parse(assay_light_options *out, const char *text, assay_error *err) {
    char height[24];
    assay_error why = {0};
    const char *colon = strchr(text, ':');
    if (!colon || (size_t)(colon - text) >= sizeof height)
        return ASSAY_FAIL(err, USAGE, "\"%.80s\" is not HEIGHT:HASH", text);
    memcpy(height, text, (size_t)(colon - text));
    height[colon - text] = 0;
    if (assay_number_parse(&out->trusted_height, height, "trusted height", 1, INT64_MAX, &why) !=
        ASSAY_OK)
        return ASSAY_FAIL(err, USAGE, "%s", why.text);
    return assay_hex_parse(out->trusted_hash.bytes, ASSAY_HASH_SIZE, colon + 1, "--trust", err);
}

static assay_status source_open(assay_light_source *out, assay_comet *comet, const char *url,
                                assay_error *err) {
    ASSAY_TRY(assay_comet_open(comet, url, err));
    ASSAY_TRY(assay_url_check(url, "the address", err));
    comet->light_ms = SOURCE_SECONDS * 1000;
    *out = assay_comet_light_source(comet);
    return ASSAY_OK;
}

static assay_status options_take(light_parts *parts, const light_options *options,
                                 assay_error *err) {
    assay_light_options *follow = &parts->follow;
    follow->policy = (assay_light_policy){.trusting_seconds = options->trusting_seconds,
                                          .drift_seconds = DRIFT_SECONDS,
                                          .trust_numerator = 1,
                                          .trust_denominator = 3};
    follow->clock = assay_time_now;
    ASSAY_TRY(trust_parse(follow, options->trust, err));
    ASSAY_TRY(source_open(&follow->primary, &parts->primary, options->node, err));
    if (options->witnesses.count > ASSAY_LIGHT_WITNESSES_MAX)
        return ASSAY_FAIL(err, CAPACITY, "%zu witnesses, limit %d",
                          (size_t)options->witnesses.count, ASSAY_LIGHT_WITNESSES_MAX);
    follow->witness_count = (uint32_t)options->witnesses.count;
    for (uint32_t i = 0; i < follow->witness_count; i++) {
        const char *url = options->witnesses.items[i];
        ASSAY_TRY(source_open(&parts->witnesses[i], &parts->witness_urls[i], url, err));
        // It would agree with itself.
        if (strcmp(parts->witness_urls[i].url, parts->primary.url) == 0)
            return ASSAY_FAIL(err, USAGE, "--witness %.200s is the --node", url);
    }
    follow->witnesses = parts->witnesses;
    return ASSAY_OK;
}

// Reads the file and checks it down to its header, whose height and hash are what to follow to.
static assay_status proof_take(light_parts *parts, const char *path, assay_light_block *claimed,
                               assay_arena *arena, assay_error *err) {
    json_t *document;
    ASSAY_TRY(assay_json_read_many(&document, path, ASSAY_PROOF_JSON_MAX,
                                   ASSAY_PROOF_JSON_VALUES_MAX, err));
    assay_status status = assay_proof_read(&parts->proof, document, NULL, err);
    json_decref(document);
    ASSAY_TRY(status);
    return assay_proof_links(claimed, &parts->proof, arena, err);
}

static assay_status light_run(light_parts *parts, const light_options *options, assay_arena *arena,
                              assay_error *err) {
    assay_light_block claimed;
    parts->height = options->height;
    ASSAY_TRY(options_take(parts, options, err));
    if (options->proof) {
        ASSAY_TRY(proof_take(parts, options->proof, &claimed, arena, err));
        parts->height = claimed.header.height;
    }
    parts->followed = true;
    ASSAY_TRY(assay_light_follow(&parts->block, &parts->report, &parts->follow, parts->height,
                                 arena, err));
    if (options->proof && !assay_hash_equal(&claimed.hash, &parts->block.hash))
        return ASSAY_FAIL(err, MISMATCH, "the proof's header of height %llu is not the chain's",
                          (ull)parts->height);
    return ASSAY_OK;
}

// Those that did not agree, with the reason: what was verified does not rest on them. E-95
static json_t *dropped_json(const light_parts *parts, bool json) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < parts->follow.witness_count; i++) {
        const char *url = parts->witness_urls[i].url, *why = parts->report.witnesses[i].why.text;
        assay_witness_verdict verdict = parts->report.witnesses[i].verdict;
        if (verdict == ASSAY_WITNESS_AGREES) continue;
        json_array_append_new(list, json_pack("{s:s,s:s,s:s}", "witness", url, "verdict",
                                              assay_witness_verdict_name(verdict), "text", why));
        if (!json)
            printf("dropped: witness %s is %s: %s\n", url, assay_witness_verdict_name(verdict),
                   why);
    }
    return list;
}

static int light_print(const assay_invocation *invocation, const light_parts *parts, bool proof) {
    char hash[ASSAY_HEX_HASH_MAX];
    const assay_light_block *block = &parts->block;
    json_t *dropped = dropped_json(parts, invocation->json);
    size_t agreed = parts->follow.witness_count - json_array_size(dropped);
    assay_hex_encode_0x(hash, block->hash.bytes, ASSAY_HASH_SIZE);
    if (!invocation->json) {
        json_decref(dropped);
        printf("verified: height %llu of %.*s from height %llu, by %u headers\n",
               (ull)block->header.height, (int)block->header.chain_id.size,
               (const char *)block->header.chain_id.data, (ull)parts->follow.trusted_height,
               parts->report.fetches);
        if (proof) return assay_proof_print(invocation, &parts->proof, block, NULL);
        if (block->header.height >= parts->follow.trusted_height)
            printf("next time: --trust %llu:%s\n", (ull)block->header.height, hash + 2);
        return ASSAY_EXIT_OK;
    }
    json_t *how = json_pack(
        "{s:b,s:o,s:o,s:i,s:i,s:o,s:o}", "valid", 1, "height",
        assay_json_from_u64(block->header.height), "hash", assay_json_from_hash(&block->hash),
        "fetched", (int)parts->report.fetches, "witnesses", (int)agreed, "dropped", dropped,
        "trusted_height", assay_json_from_u64(parts->follow.trusted_height));
    if (proof) return assay_proof_print(invocation, &parts->proof, block, how);
    return assay_command_print(how);
}

static const char *next_of(const assay_error *err) {
    static const struct {
        const char *part, *next;
    } known[] = {
        {"may be trusted", "ask someone you trust for the height and hash of a newer header"},
        {"needed", "too few of the validators signed: ask another --node"},
        {"an attack above", "two histories hold: believe neither, and tell the chain's validators"},
        {"cannot prove", "that witness is faulty: ask another --witness"},
        {"no witness has", "ask another --witness"},
        {"has header", "the node does not have what you trust: ask another --node"},
        {"must be less than or equal to", "wait until the chain is there, or ask another --node"},
        {"is not available", "the node keeps no blocks that old: ask another --node"},
        {"cannot fetch", "check the address, or ask another --node"},
    };
    for (size_t i = 0; i < ASSAY_COUNT(known); i++)
        if (strstr(err->text, known[i].part)) return known[i].next;
    return NULL;
}

// A limit of ours on the way: nothing was found wrong, so the answer is not no. E-45
static int capacity_fail(const assay_invocation *invocation, const light_parts *parts, bool proof,
                         const assay_error *err) {
    bool below = parts->height && parts->height < parts->follow.trusted_height;
    if (below && proof)
        return assay_command_fail(invocation, err,
                                  "make the proof anew, by assay proof payout: it stands at the "
                                  "chain's last height");
    return assay_command_fail(invocation, err, "trust a header nearer to it");
}

int assay_cmd_light(assay_invocation *invocation) {
    light_options options = {.trusting_seconds = TRUSTING_SECONDS};
    const assay_option table[] = {
        {"", ASSAY_OPTION_TEXT, &options.proof, "FILE", "a proof file, made by assay proof payout",
         0, 0, false},
        {"trust", ASSAY_OPTION_TEXT, &options.trust, "HEIGHT:HASH",
         "a header you know to be the chain's", 0, 0, true},
        {"node", ASSAY_OPTION_TEXT, &options.node, "URL",
         "CometBFT's RPC, or a node's API: nothing it says is believed", 0, 0, true},
        {"witness", ASSAY_OPTION_TEXTS, &options.witnesses, "URL",
         "another one to compare with, of which one at least must agree; may be repeated", 0, 0,
         false},
        {"height", ASSAY_OPTION_U64, &options.height, "N",
         "header to verify where there is no proof (the last one)", 1, INT64_MAX, false},
        {"trusting-seconds", ASSAY_OPTION_U64, &options.trusting_seconds, "N",
         "how old the trusted header may be (604800). Below the chain's unbonding time, or those "
         "who signed it may have left: commit_blocks and the like, two epochs and "
         "unbond_trust_blocks of its params, times what a block takes. A chain for tests with few "
         "of these needs less",
         1, UINT32_MAX, false},
    };
    int code;
    if (!assay_command_begin(
            invocation, table, ASSAY_COUNT(table),
            "Verifies a header of a chain it does not run, and a payout down to it. Each header "
            "is\n"
            "believed for more than 2/3 of its validators and more than 1/3 of those of one that\n"
            "was believed before. Exits with 0 if it holds, with 1 if it does not, with 7 if a\n"
            "witness proves another history; with 2, 3 or 5 nothing is said of it: usage, no such\n"
            "file or more than 1024 headers on the way, no answer.",
            &code))
        return code;
    static light_parts parts;
    static const char *const proofs[] = {"height", NULL};
    assay_arena arena;
    assay_error err = {0};
    if (assay_command_apart(invocation, table, "", proofs, &err) != ASSAY_OK)
        return assay_command_fail(invocation, &err, NULL);
    assay_arena_init(&arena, ARENA_MAX);
    assay_status status = light_run(&parts, &options, &arena, &err);
    if (status == ASSAY_OK)
        code = light_print(invocation, &parts, options.proof != NULL);
    else if (status == ASSAY_CAPACITY && parts.followed)
        code = capacity_fail(invocation, &parts, options.proof != NULL, &err);
    else
        code = assay_proof_fail(invocation, &err, next_of(&err));
    assay_proof_close(&parts.proof);
    assay_arena_close(&arena);
    return code;
}
