// SPDX-License-Identifier: Apache-2.0
// assay bench infer: how fast prefill and decode are here, and what memory allows.
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "node/commands.h"
#include "node/inference.h"
#include "node/measure.h"
#include "quant/import.h"

static const char details[] =
    "Each run feeds the same positions twice: all at once (prefill) and one by one (decode). The\n"
    "figures are medians. A decoded token reads all weights once, so memory's read bandwidth over\n"
    "their size bounds decode where the model does not fit a cache.";

enum { RUNS_MAX = 99, BANDWIDTH_BYTES = 256 << 20, BANDWIDTH_PARTS = 64, BANDWIDTH_RUNS = 5 };

typedef struct {
    uint32_t tokens, runs;
    double prefill, decode, ratio; // tokens/s, medians; the ratio's own median
    uint64_t rss_bytes, kv_bytes, weight_bytes;
    double read_bytes_per_s;
} result;

static void row_drop(void *context, const assay_forward_row *row) {
    (void)context;
    (void)row;
}

// Tokens/s over ids[count] in calls of `call`; the head is computed for the last of each call, as
// generation does.
static assay_status pass(double *out, assay_forward *forward, const assay_inference *inference,
                         uint32_t count, uint32_t call, assay_error *err) {
    assay_sequence sequence;
    ASSAY_TRY(assay_sequence_open(&sequence, forward, count, err));
    assay_sequence_reset(&sequence, inference->adapter);
    double start = assay_measure_seconds();
    assay_status status = ASSAY_OK;
    for (uint32_t at = 0; at < count && status == ASSAY_OK; at += call) {
        assay_forward_hooks hooks = {.row = row_drop, .rows_from = at + call - 1, .greedy = true};
        assay_feed feed = {&sequence, inference->ids + at, call, &hooks};
        status = assay_forward_feed(forward, &feed, 1, err);
    }
    *out = count / (assay_measure_seconds() - start);
    assay_sequence_close(&sequence);
    return status;
}

// The two ways take turns, so that a machine that slows down slows both.
static assay_status runs_measure(result *r, assay_forward *forward,
                                 const assay_inference *inference, assay_error *err) {
    double prefill[RUNS_MAX], decode[RUNS_MAX], ratio[RUNS_MAX], warm;
    ASSAY_TRY(pass(&warm, forward, inference, r->tokens, r->tokens, err));
    for (uint32_t i = 0; i < r->runs; i++) {
        ASSAY_TRY(pass(&prefill[i], forward, inference, r->tokens, r->tokens, err));
        ASSAY_TRY(pass(&decode[i], forward, inference, r->tokens, 1, err));
        ratio[i] = prefill[i] / decode[i];
    }
    r->prefill = assay_measure_median(prefill, r->runs);
    r->decode = assay_measure_median(decode, r->runs);
    r->ratio = assay_measure_median(ratio, r->runs);
    return ASSAY_OK;
}

typedef struct {
    const uint64_t *words;
    uint64_t sums[BANDWIDTH_PARTS];
} reading;

static void part_read(void *context, size_t index) {
    reading *r = context;
    size_t count = BANDWIDTH_BYTES / sizeof *r->words / BANDWIDTH_PARTS;
    const uint64_t *words = r->words + index * count;
    uint64_t sums[4] = {0};
    for (size_t i = 0; i < count; i += 4)
        for (int k = 0; k < 4; k++)
            sums[k] += words[i + (size_t)k];
    r->sums[index] = sums[0] + sums[1] + sums[2] + sums[3];
}

// The best of some passes over more memory than any cache has. 0: there was none.
static double bandwidth_measure(assay_pool *pool) {
    uint64_t *words = malloc(BANDWIDTH_BYTES);
    double best = 0;
    volatile uint64_t sink = 0;
    if (!words) return 0;
    for (size_t i = 0; i < BANDWIDTH_BYTES / sizeof *words; i++)
        words[i] = i;
    for (int run = 0; run < BANDWIDTH_RUNS; run++) {
        reading r = {.words = words};
        double start = assay_measure_seconds();
        assay_pool_run(pool, BANDWIDTH_PARTS, part_read, &r);
        double rate = BANDWIDTH_BYTES / (assay_measure_seconds() - start);
        for (int i = 0; i < BANDWIDTH_PARTS; i++)
            sink = sink + r.sums[i];
        if (rate > best) best = rate;
    }
    free(words);
    return best;
}

// What one decoded token reads: every linear and the head.
static uint64_t weight_bytes(const assay_model *model) {
    uint64_t bytes = (uint64_t)model->head.n * (model->head.k + sizeof(float));
    for (int i = 0; i < ASSAY_LINEAR_COUNT; i++) {
        const assay_q4 *q4 = &model->layers[0].linears[i];
        uint64_t row = q4->k / 2 + q4->k / 64 + sizeof(float);
        bytes += model->shape.layer_count * q4->n * row;
    }
    return bytes;
}

static assay_status measure(result *r, assay_inference *inference, assay_error *err) {
    const assay_model_shape *shape = &inference->model.shape;
    assay_forward forward = {0};
    uint64_t anonymous_bytes;
    inference->ids = malloc(r->tokens * sizeof *inference->ids);
    if (!inference->ids) return ASSAY_FAIL(err, MEMORY, "no memory for %u ids", r->tokens);
    for (uint32_t i = 0; i < r->tokens; i++)
        inference->ids[i] = i * 7919u % shape->vocab_size;
    ASSAY_TRY(assay_forward_open(&forward, &inference->engine, r->tokens, r->tokens, 0, err));
    assay_status status = runs_measure(r, &forward, inference, err);
    r->rss_bytes = assay_measure_resident(&anonymous_bytes);
    assay_forward_close(&forward);
    if (status != ASSAY_OK) return status;
    r->kv_bytes = assay_kv_cache_size(shape, r->tokens);
    r->weight_bytes = weight_bytes(&inference->model);
    r->read_bytes_per_s = bandwidth_measure(inference->pool);
    return ASSAY_OK;
}

static int result_print(const assay_invocation *invocation, const assay_inference *inference,
                        const result *r) {
    double limit = r->read_bytes_per_s / (double)r->weight_bytes;
    uint64_t model_bytes = inference->model.file.size;
    unsigned threads = assay_pool_thread_count(inference->pool);
    const char *isa = inference->engine.kernels->name;
    if (invocation->json)
        return assay_command_print(json_pack(
            "{s:f,s:f,s:f,s:I,s:I,s:I,s:I,s:f,s:f,s:i,s:i,s:i,s:s}", "prefill_tokens_per_s",
            r->prefill, "decode_tokens_per_s", r->decode, "prefill_to_decode", r->ratio,
            "rss_bytes", (json_int_t)r->rss_bytes, "model_bytes", (json_int_t)model_bytes,
            "kv_bytes", (json_int_t)r->kv_bytes, "weight_bytes_per_token",
            (json_int_t)r->weight_bytes, "memory_read_bytes_per_s", r->read_bytes_per_s,
            "decode_memory_limit_tokens_per_s", limit, "tokens", (int)r->tokens, "runs",
            (int)r->runs, "threads", (int)threads, "isa", isa));
    printf("prefill   %10.1f tokens/s  %u at once, median of %u runs, %u threads, %s\n", r->prefill,
           r->tokens, r->runs, threads, isa);
    printf("decode    %10.1f tokens/s  one by one; prefill is %.2f times that\n", r->decode,
           r->ratio);
    printf("limit     %10.1f tokens/s  %.1f GB/s of memory reads / %.2f MB of weights a token\n",
           limit, r->read_bytes_per_s / 1e9, (double)r->weight_bytes / 1e6);
    printf("resident  %10.2f MB        model file %.2f MB, keys and values %.2f MB\n",
           (double)r->rss_bytes / 1e6, (double)model_bytes / 1e6, (double)r->kv_bytes / 1e6);
    return ASSAY_EXIT_OK;
}

// A folder is imported to a file that is gone when the bench ends.
static assay_status model_prepare(char *temporary, const char **path, assay_error *err) {
    struct stat info;
    assay_hash root;
    temporary[0] = 0;
    if (stat(*path, &info) != 0 || !S_ISDIR(info.st_mode)) return ASSAY_OK;
    const char *folder = getenv("TMPDIR");
    ASSAY_TRY(assay_path_join(temporary, PATH_MAX, folder && *folder ? folder : "/tmp",
                              "assay-bench-XXXXXX", err));
    int fd = mkstemp(temporary);
    if (fd < 0) {
        temporary[0] = 0;
        return assay_fail_errno(err, errno, "cannot make a temporary file");
    }
    close(fd);
    ASSAY_TRY(assay_model_import(&root, *path, temporary, NULL, NULL, err));
    *path = temporary;
    return ASSAY_OK;
}

int assay_cmd_bench_infer(assay_invocation *invocation) {
    assay_inference_options o = {.model_file = "testnet/model"};
    uint64_t tokens = 256, runs = 5;
    const assay_option options[] = {
        {"model", ASSAY_OPTION_TEXT, &o.model_file, "FILE",
         "canonical model or folder to import "
         "(testnet/model)",
         0, 0, false},
        ASSAY_INFERENCE_ADAPTER_OPTION(o),
        {"tokens", ASSAY_OPTION_U64, &tokens, "N", "positions (256)", 2, ASSAY_MODEL_CONTEXT_MAX,
         false},
        {"runs", ASSAY_OPTION_U64, &runs, "N", "interleaved pairs of runs (5)", 1, RUNS_MAX, false},
        ASSAY_INFERENCE_THREADS_OPTION(o),
    };
    char temporary[PATH_MAX];
    assay_inference inference = {0};
    assay_error err = {0};
    int code;
    if (!assay_command_begin(invocation, options, sizeof options / sizeof *options, details, &code))
        return code;
    result r = {.tokens = (uint32_t)tokens, .runs = (uint32_t)runs};
    if (model_prepare(temporary, &o.model_file, &err) == ASSAY_OK &&
        assay_inference_open(&inference, &o, true, invocation->isa, &err) == ASSAY_OK &&
        measure(&r, &inference, &err) == ASSAY_OK)
        code = result_print(invocation, &inference, &r);
    else
        code = assay_command_fail(invocation, &err, "assay bench infer --model FILE");
    assay_inference_close(&inference);
    if (temporary[0]) unlink(temporary);
    return code;
}
