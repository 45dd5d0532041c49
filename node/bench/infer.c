// SPDX-License-Identifier: Apache-2.0
#include "node/bench/infer.h"

#include <stdlib.h>

#include "node/bench/machine.h"
#include "quant/verify.h"

// One run's figures; seconds unless said otherwise.
typedef struct {
    double prefill, decode;
    double adapter_prefill, adapter_decode, batch;
    double peak_macs, read_bytes; // a second
    double generation, verification;
    assay_bench_rates against[ASSAY_BENCH_AGAINST_MAX];
} sample;

typedef struct {
    const assay_bench_infer_options *options;
    assay_bench_machine machine;
    assay_forward forward;
    assay_generator generator;
    uint32_t *ids; // what is fed
    sample samples[ASSAY_BENCH_RUNS_MAX];
} bench;

static uint32_t largest(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

static void row_drop(void *context, const assay_forward_row *row) {
    (void)context;
    (void)row;
}

// Sequences that advance together, each fed ids[count] in calls of `call`; the head is computed for
// the last of each call, as generation does.
typedef struct {
    const assay_adapter *const *adapters; // [sequence_count], NULL: the base alone
    uint32_t sequence_count;
    uint32_t count, call;
} way;

static assay_status steps_run(bench *b, const way *w, assay_sequence *sequences, assay_error *err) {
    static const assay_sampling greedy = {.top_p_ppm = ASSAY_SAMPLING_PPM};
    assay_feed feeds[ASSAY_BENCH_BATCH_MAX];
    for (uint32_t at = 0; at < w->count; at += w->call) {
        assay_forward_hooks hooks = {
            .row = row_drop, .rows_from = at + w->call - 1, .sampling = &greedy};
        for (uint32_t i = 0; i < w->sequence_count; i++)
            feeds[i] = (assay_feed){&sequences[i], b->ids + at, w->call, &hooks};
        ASSAY_TRY(assay_forward_feed(&b->forward, feeds, w->sequence_count, err));
    }
    return ASSAY_OK;
}

static assay_status pass(double *seconds, bench *b, const way *w, assay_error *err) {
    assay_sequence sequences[ASSAY_BENCH_BATCH_MAX] = {0};
    assay_status status = ASSAY_OK;
    for (uint32_t i = 0; i < w->sequence_count && status == ASSAY_OK; i++) {
        status = assay_sequence_open(&sequences[i], &b->forward, w->count, err);
        if (status == ASSAY_OK)
            assay_sequence_reset(&sequences[i], w->adapters ? w->adapters[i] : NULL);
    }
    double start = assay_measure_seconds();
    if (status == ASSAY_OK) status = steps_run(b, w, sequences, err);
    *seconds = assay_measure_seconds() - start;
    for (uint32_t i = 0; i < w->sequence_count; i++)
        assay_sequence_close(&sequences[i]);
    return status;
}

static assay_status receipt_run(sample *s, bench *b, assay_error *err) {
    const assay_bench_infer_options *o = b->options;
    assay_generate_request request = {.adapter = o->adapter_count ? o->adapters[0] : NULL,
                                      .prompt = b->ids,
                                      .prompt_count = o->receipt,
                                      .max_tokens = o->receipt,
                                      .sampling = {.top_p_ppm = ASSAY_SAMPLING_PPM}};
    assay_output output;
    assay_difference difference;
    double start = assay_measure_seconds();
    ASSAY_TRY(assay_generator_run(&b->generator, &request, &output, NULL, NULL, err));
    s->generation = assay_measure_seconds() - start;
    uint32_t *claimed = malloc((output.count + 1) * sizeof *claimed);
    if (!claimed) return ASSAY_FAIL(err, MEMORY, "no memory for %u ids", output.count);
    memcpy(claimed, output.ids, output.count * sizeof *claimed);
    assay_output_claim claim = {claimed, output.count, output.stop, output.trace};
    start = assay_measure_seconds();
    assay_status status =
        assay_generator_verify(&b->generator, &request, &claim, NULL, &difference, err);
    s->verification = assay_measure_seconds() - start;
    free(claimed);
    if (status == ASSAY_OK && difference.finding != ASSAY_FINDING_MATCH)
        status = ASSAY_FAIL(err, MISMATCH, "verification finds %d at token %u of the own receipt",
                            difference.finding, difference.place);
    return status;
}

static assay_status sample_take(sample *s, bench *b, assay_error *err) {
    const assay_bench_infer_options *o = b->options;
    const way prefill = {NULL, 1, o->tokens, o->tokens}, decode = {NULL, 1, o->decode, 1};
    const way adapter_prefill = {o->adapters, 1, o->tokens, o->tokens},
              adapter_decode = {o->adapters, 1, o->decode, 1},
              batch = {o->adapters, o->adapter_count, o->decode, 1};
    ASSAY_TRY(pass(&s->prefill, b, &prefill, err));
    s->peak_macs = assay_bench_machine_macs(&b->machine);
    ASSAY_TRY(pass(&s->decode, b, &decode, err));
    s->read_bytes = assay_bench_machine_read(&b->machine);
    if (o->adapter_count) {
        ASSAY_TRY(pass(&s->adapter_prefill, b, &adapter_prefill, err));
        ASSAY_TRY(pass(&s->adapter_decode, b, &adapter_decode, err));
    }
    if (o->adapter_count > 1) ASSAY_TRY(pass(&s->batch, b, &batch, err));
    for (uint32_t i = 0; i < o->against_count; i++)
        ASSAY_TRY(assay_bench_against_run(&s->against[i], o->against[i], o->timeout_s, err));
    if (o->receipt) ASSAY_TRY(receipt_run(s, b, err));
    return ASSAY_OK;
}

static assay_status bench_open(bench *b, assay_error *err) {
    const assay_bench_infer_options *o = b->options;
    uint32_t capacity = largest(o->tokens, o->decode), count = largest(capacity, o->receipt);
    uint32_t vocab_size = o->engine.model->shape.vocab_size;
    uint64_t positions =
        (uint64_t)largest(1, o->adapter_count) * assay_kv_page_count(o->decode) * ASSAY_KV_PAGE;
    if (positions < capacity) positions = capacity;
    b->ids = malloc(count * sizeof *b->ids);
    if (!b->ids) return ASSAY_FAIL(err, MEMORY, "no memory for %u ids", count);
    for (uint32_t i = 0; i < count; i++)
        b->ids[i] = i * 7919u % vocab_size;
    return assay_forward_open(&b->forward, &o->engine, capacity, positions, 0, err);
}

static uint64_t q4_bytes(uint64_t rows, uint64_t k) {
    return rows * (k / 2 + k / ASSAY_Q4_BLOCK + sizeof(float));
}

// What one pass over the weights reads.
static void weights_count(assay_bench_infer_result *r, const assay_model *model) {
    const assay_model_shape *shape = &model->shape;
    for (int i = 0; i < ASSAY_LINEAR_COUNT; i++) {
        const assay_q4 *q4 = &model->layers[0].linears[i];
        uint64_t rows = (uint64_t)shape->layer_count * q4->n;
        r->linear_weights += rows * q4->k;
        r->linear_bytes += q4_bytes(rows, q4->k);
    }
    r->head_weights = (uint64_t)shape->vocab_size * shape->width;
    r->head_bytes = shape->vocab_q4 ? q4_bytes(shape->vocab_size, shape->width)
                                    : r->head_weights + shape->vocab_size * sizeof(float);
}

// Multiply-adds of `count` positions from the first on, with the head at `heads` of them.
static double macs_count(const assay_bench_infer_result *r, const assay_model_shape *shape,
                         double count, double heads) {
    double seen = count * (count + 1) / 2; // positions that queries attend to
    double query = (double)shape->layer_count * shape->head_count * shape->head_size;
    return count * (double)r->linear_weights + heads * (double)r->head_weights + 2 * seen * query;
}

static double bytes_count(const assay_bench_infer_result *r, const assay_model_shape *shape,
                          double count) {
    double seen = count * (count + 1) / 2,
           heads = (double)shape->layer_count * shape->kv_head_count;
    return count * (double)(r->linear_bytes + r->head_bytes) +
           seen * heads * 2 * (double)(shape->head_size + sizeof(float));
}

// The spread of an expression over the samples *s.
#define SPREAD(out, expression)                                                                    \
    do {                                                                                           \
        for (uint32_t run = 0; run < o->runs; run++) {                                             \
            const sample *s = &b->samples[run];                                                    \
            values[run] = (expression);                                                            \
        }                                                                                          \
        (out) = assay_measure_spread(values, o->runs);                                             \
    } while (0)

static void against_fill(assay_bench_infer_result *r, const bench *b, uint32_t i) {
    const assay_bench_infer_options *o = b->options;
    assay_bench_infer_against *a = &r->against[i];
    double values[ASSAY_BENCH_RUNS_MAX];
    SPREAD(a->prefill, s->against[i].prefill);
    SPREAD(a->decode, s->against[i].decode);
    if (a->prefill.min > 0)
        SPREAD(a->prefill_ratio, o->tokens / s->prefill / s->against[i].prefill);
    if (a->decode.min > 0) SPREAD(a->decode_ratio, o->decode / s->decode / s->against[i].decode);
}

static void result_fill(assay_bench_infer_result *r, const bench *b) {
    const assay_bench_infer_options *o = b->options;
    const assay_model *model = o->engine.model;
    double values[ASSAY_BENCH_RUNS_MAX];
    weights_count(r, model);
    double macs = macs_count(r, &model->shape, o->tokens, 1);
    double bytes = bytes_count(r, &model->shape, o->decode);
    SPREAD(r->prefill, o->tokens / s->prefill);
    SPREAD(r->decode, o->decode / s->decode);
    SPREAD(r->peak_macs, s->peak_macs);
    SPREAD(r->read_bytes, s->read_bytes);
    if (r->peak_macs.min > 0) SPREAD(r->prefill_share, macs / s->prefill / s->peak_macs);
    SPREAD(r->decode_share, bytes / s->decode / s->read_bytes);
    if (o->adapter_count) {
        SPREAD(r->adapter_prefill, s->adapter_prefill / s->prefill);
        SPREAD(r->adapter_decode, s->adapter_decode / s->decode);
    }
    if (o->adapter_count > 1) SPREAD(r->batch, o->adapter_count * s->adapter_decode / s->batch);
    if (o->receipt) SPREAD(r->receipt, s->verification / s->generation);
    for (uint32_t i = 0; i < o->against_count; i++)
        against_fill(r, b, i);
    r->kv_bytes = assay_kv_cache_size(&model->shape, largest(o->tokens, o->decode));
}

static assay_status bench_run(assay_bench_infer_result *out, bench *b, assay_error *err) {
    const assay_bench_infer_options *o = b->options;
    uint64_t anonymous;
    double seconds;
    assay_bench_rates rates;
    ASSAY_TRY(bench_open(b, err));
    const way prefill = {NULL, 1, o->tokens, o->tokens}, decode = {NULL, 1, 1, 1};
    ASSAY_TRY(pass(&seconds, b, &prefill, err));
    ASSAY_TRY(pass(&seconds, b, &decode, err));
    out->resident_bytes = assay_measure_resident(&anonymous);
    if (o->receipt)
        ASSAY_TRY(assay_generator_open(&b->generator, &o->engine, 1, 2 * o->receipt, 0, err));
    ASSAY_TRY(assay_bench_machine_open(&b->machine, o->engine.pool, o->engine.kernels, err));
    for (uint32_t i = 0; i < o->against_count; i++)
        ASSAY_TRY(assay_bench_against_run(&rates, o->against[i], o->timeout_s, err));
    for (uint32_t i = 0; i < o->runs; i++)
        ASSAY_TRY(sample_take(&b->samples[i], b, err));
    result_fill(out, b);
    return ASSAY_OK;
}

assay_status assay_bench_infer_run(assay_bench_infer_result *out,
                                   const assay_bench_infer_options *options, assay_error *err) {
    *out = (assay_bench_infer_result){0};
    bench *b = calloc(1, sizeof *b);
    if (!b) return ASSAY_FAIL(err, MEMORY, "no memory for %u runs", options->runs);
    b->options = options;
    assay_status status = bench_run(out, b, err);
    assay_bench_machine_close(&b->machine);
    assay_generator_close(&b->generator);
    assay_forward_close(&b->forward);
    free(b->ids);
    free(b);
    return status;
}
