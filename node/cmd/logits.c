// SPDX-License-Identifier: Apache-2.0
// assay logits: the digest of all logits of a sequence, to compare machines and kernel sets.
#include <stdio.h>

#include "base/hex.h"
#include "base/sha256.h"
#include "node/cmd/commands.h"
#include "node/inference/inference.h"

static const char details[] =
    "SHA-256 over the f32 logits of every position, little-endian, row by row. --chunk changes "
    "how\n"
    "many positions share a pass over the weights, and may not change the digest (N-19).";

typedef struct {
    assay_sha256 sha;
    uint32_t vocab_size;
} digest;

static void row_hash(void *context, const assay_forward_row *row) {
    digest *d = context;
    assay_sha256_update(&d->sha, row->logits, d->vocab_size * sizeof *row->logits);
}

static assay_status logits_run(assay_hash *out, const assay_inference *inference, uint32_t chunk,
                               assay_error *err) {
    assay_forward forward = {0};
    uint32_t count = (uint32_t)inference->id_count;
    digest d = {.vocab_size = inference->model.shape.vocab_size};
    const assay_forward_hooks hooks = {.row = row_hash, .context = &d};
    assay_sha256_init(&d.sha);
    assay_sequence sequence = {0};
    assay_status status =
        assay_forward_open(&forward, &inference->engine, count, count, chunk, err);
    if (status == ASSAY_OK) status = assay_sequence_open(&sequence, &forward, count, err);
    if (status == ASSAY_OK) {
        assay_feed feed = {&sequence, inference->ids, count, &hooks};
        assay_sequence_reset(&sequence, inference->adapter);
        status = assay_forward_feed(&forward, &feed, 1, err);
    }
    if (status == ASSAY_OK && sequence.fault_position != ASSAY_NO_FAULT)
        status = ASSAY_FAIL(err, NONFINITE, "position %u faults, logits end there",
                            sequence.fault_position);
    assay_sequence_close(&sequence);
    assay_forward_close(&forward);
    assay_sha256_final(&d.sha, out);
    return status;
}

int assay_cmd_logits(assay_invocation *invocation) {
    assay_inference_options o = {0};
    uint64_t chunk = 0;
    const assay_option options[] = {
        ASSAY_INFERENCE_MODEL_OPTION(o),
        ASSAY_INFERENCE_ADAPTER_OPTION(o),
        ASSAY_PROMPT_OPTIONS(o.prompt),
        {"chunk", ASSAY_OPTION_U64, &chunk, "N", "positions a pass", 1, ASSAY_MODEL_CONTEXT_MAX,
         false},
        ASSAY_INFERENCE_THREADS_OPTION(o),
    };
    assay_inference inference;
    assay_hash hash;
    assay_error err = {0};
    int code;
    if (!assay_command_begin(invocation, options, ASSAY_COUNT(options), details, &code))
        return code;
    if (assay_inference_open(&inference, &o, false, invocation->isa, &err) != ASSAY_OK)
        return assay_command_fail(invocation, &err, NULL);
    if (logits_run(&hash, &inference, (uint32_t)chunk, &err) != ASSAY_OK) {
        code = assay_command_fail(invocation, &err, NULL);
    } else {
        char hex[2 * ASSAY_HASH_SIZE + 1];
        int positions = (int)inference.id_count, vocab = (int)inference.model.shape.vocab_size;
        assay_hex_encode(hex, hash.bytes, ASSAY_HASH_SIZE);
        if (invocation->json)
            code = assay_command_print(
                json_pack("{s:s,s:i,s:i}", "sha256", hex, "positions", positions, "vocab", vocab));
        else
            printf("sha256     %s\npositions  %d\nvocab      %d\n", hex, positions, vocab);
    }
    assay_inference_close(&inference);
    return code;
}
