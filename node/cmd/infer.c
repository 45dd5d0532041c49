// SPDX-License-Identifier: Apache-2.0
// assay infer: one request on this machine, without a chain.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/utf8.h"
#include "node/cmd/commands.h"
#include "node/inference/inference.h"
#include "node/paint.h"
#include "quant/generate.h"

static const char details[] =
    "Temperature 0 takes the highest logit. The output is a function of the model, the adapter "
    "and\n"
    "these options; the trace starts from a request digest of 32 zero bytes.";

// Text that is printed as its tokens come: what a token leaves of a character waits here.
typedef struct {
    const assay_tokenizer *tokenizer;
    uint8_t waiting[4];
    size_t waiting_size;
    bool failed; // standard output is gone
} stream;

static void stream_put(stream *s, const uint8_t *bytes, size_t size, bool last) {
    size_t used;
    uint8_t *data = malloc(sizeof s->waiting + size);
    char *text = malloc(3 * (sizeof s->waiting + size) + 1);
    s->failed = s->failed || !data || !text;
    if (data && text) {
        memcpy(data, s->waiting, s->waiting_size);
        if (size) memcpy(data + s->waiting_size, bytes, size);
        size += s->waiting_size;
        size_t written = assay_utf8_repair(text, data, size, last, &used);
        s->waiting_size = size - used;
        memcpy(s->waiting, data + used, s->waiting_size);
        assay_paint_text(stdout, (const uint8_t *)text, written, NULL);
        if (fflush(stdout) != 0 || ferror(stdout)) s->failed = true;
    }
    free(text);
    free(data);
}

static bool token_show(void *context, uint32_t index, uint32_t id) {
    stream *s = context;
    uint8_t *bytes;
    size_t size;
    if (assay_tokenizer_decode(s->tokenizer, &bytes, &size, &id, 1, NULL) != ASSAY_OK) return false;
    stream_put(s, bytes, size, false);
    free(bytes);
    return !s->failed;
}

static int output_print(const assay_invocation *invocation, const assay_inference *inference,
                        const assay_output *output) {
    char *text, trace[2 * ASSAY_HASH_SIZE + 1];
    size_t size;
    assay_error err = {0};
    if (assay_tokenizer_text(inference->tokenizer, &text, &size, output->ids, output->count,
                             &err) != ASSAY_OK)
        return assay_command_fail(invocation, &err, NULL);
    json_t *ids = json_array();
    for (uint32_t i = 0; i < output->count; i++)
        json_array_append_new(ids, json_integer(output->ids[i]));
    assay_hex_encode(trace, output->trace.bytes, ASSAY_HASH_SIZE);
    int code = assay_command_print(
        json_pack("{s:o,s:s%,s:s}", "ids", ids, "text", text, size, "trace", trace));
    free(text);
    return code;
}

static int request_run(const assay_invocation *invocation, const assay_inference *inference,
                       assay_generate_request *request) {
    assay_generator generator = {0};
    assay_output output;
    assay_error err = {0};
    stream s = {.tokenizer = inference->tokenizer};
    int code;
    request->adapter = inference->adapter;
    request->prompt = inference->ids;
    request->prompt_count = (uint32_t)inference->id_count;
    assay_status status = assay_generate_check(&inference->model, request, &err);
    if (status == ASSAY_OK)
        status = assay_generator_open(&generator, &inference->engine, 1,
                                      request->prompt_count + request->max_tokens, 0, &err);
    if (status == ASSAY_OK)
        status = assay_generator_run(&generator, request, &output,
                                     invocation->json ? NULL : token_show, &s, &err);
    if (status != ASSAY_OK && !s.failed) {
        code = assay_command_fail(invocation, &err, NULL);
    } else if (invocation->json) {
        code = output_print(invocation, inference, &output);
    } else {
        stream_put(&s, (const uint8_t *)"", 0, true);
        stream_put(&s, (const uint8_t *)"\n", 1, true);
        code = s.failed ? ASSAY_EXIT_SYSTEM : ASSAY_EXIT_OK;
        if (!s.failed && output.stop == ASSAY_STOP_FAULT)
            fprintf(stderr, "assay: the output ends at a fault (N-3)\n");
    }
    assay_generator_close(&generator);
    return code;
}

int assay_cmd_infer(assay_invocation *invocation) {
    assay_inference_options o = {0};
    uint64_t max_tokens = 64, temperature = 0, top_k = 0, top_p = ASSAY_SAMPLING_PPM, seed = 0;
    bool stop_eos = false;
    const assay_option options[] = {
        ASSAY_INFERENCE_MODEL_OPTION(o),
        ASSAY_INFERENCE_ADAPTER_OPTION(o),
        ASSAY_PROMPT_OPTIONS(o.prompt),
        {"max-tokens", ASSAY_OPTION_U64, &max_tokens, "N", "tokens to make (64)", 1,
         ASSAY_MODEL_CONTEXT_MAX, false},
        {"temperature-milli", ASSAY_OPTION_U64, &temperature, "T", "1000 samples as trained (0)", 0,
         ASSAY_SAMPLING_TEMPERATURE_MAX, false},
        {"top-k", ASSAY_OPTION_U64, &top_k, "K", "the likeliest K only; 0 keeps all (0)", 0,
         UINT32_MAX, false},
        {"top-p-ppm", ASSAY_OPTION_U64, &top_p, "P", "the likeliest that add up to P (1000000)", 1,
         ASSAY_SAMPLING_PPM, false},
        {"seed", ASSAY_OPTION_U64, &seed, "S", "of the sampling (0)", 0, UINT64_MAX, false},
        {"stop-eos", ASSAY_OPTION_FLAG, &stop_eos, NULL, "end after a stop id of the model", 0, 0,
         false},
        ASSAY_INFERENCE_THREADS_OPTION(o),
    };
    assay_inference inference;
    assay_error err = {0};
    int code;
    if (!assay_command_begin(invocation, options, ASSAY_COUNT(options), details, &code))
        return code;
    if (assay_inference_open(&inference, &o, false, invocation->isa, &err) != ASSAY_OK)
        return assay_command_fail(invocation, &err, NULL);
    assay_generate_request request = {
        .max_tokens = (uint32_t)max_tokens,
        .stop_ids_ignored = !stop_eos,
        .sampling = {(uint32_t)temperature, (uint32_t)top_k, (uint32_t)top_p, seed},
    };
    code = request_run(invocation, &inference, &request);
    assay_inference_close(&inference);
    return code;
}
