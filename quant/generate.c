// SPDX-License-Identifier: Apache-2.0
#include "quant/generate.h"

#include <stdlib.h>

#include "quant/trace.h"

assay_status assay_generator_open(assay_generator *generator, const assay_engine *engine,
                                  uint32_t capacity, uint32_t chunk_max, assay_error *err) {
    *generator = (assay_generator){0};
    assay_status status = assay_forward_open(&generator->forward, engine, capacity, chunk_max, err);
    if (status == ASSAY_OK)
        status = assay_sampler_open(&generator->sampler, engine->kernels,
                                    engine->model->shape.vocab_size, err);
    if (status == ASSAY_OK) {
        generator->ids = calloc(capacity, sizeof *generator->ids);
        if (!generator->ids) status = ASSAY_FAIL(err, MEMORY, "no memory for %u ids", capacity);
    }
    if (status != ASSAY_OK) assay_generator_close(generator);
    return status;
}

void assay_generator_close(assay_generator *generator) {
    assay_forward_close(&generator->forward);
    assay_sampler_close(&generator->sampler);
    free(generator->ids);
    *generator = (assay_generator){0};
}

assay_status assay_generate_check(const assay_model *model, const assay_generate_request *request,
                                  assay_error *err) {
    uint32_t context_size = model->shape.context_size;
    if (request->prompt_count < 1 || request->max_tokens < 1)
        return ASSAY_FAIL(err, RANGE, "%u prompt ids and at most %u new ones, both at least 1",
                          request->prompt_count, request->max_tokens);
    if (request->prompt_count > context_size ||
        request->max_tokens > context_size - request->prompt_count)
        return ASSAY_FAIL(err, RANGE, "%u prompt ids and up to %u new ones, context %u",
                          request->prompt_count, request->max_tokens, context_size);
    for (uint32_t i = 0; i < request->prompt_count; i++)
        if (request->prompt[i] >= model->shape.vocab_size)
            return ASSAY_FAIL(err, RANGE, "prompt id %u, vocabulary %u", request->prompt[i],
                              model->shape.vocab_size);
    return assay_sampling_check(&request->sampling, err);
}

bool assay_model_stops_at(const assay_model_shape *shape, uint32_t id) {
    for (uint32_t i = 0; i < shape->stop_count; i++)
        if (shape->stop_ids[i] == id) return true;
    return false;
}

typedef struct {
    assay_generator *generator;
    const assay_generate_request *request;
    uint32_t *next; // where the chosen token goes
    assay_hash *trace;
    bool chosen;
} choice;

static void row_choose(void *context, const assay_forward_row *row) {
    choice *c = context;
    assay_trace_add(c->trace, row->head_q, c->generator->forward.engine.model->shape.width,
                    row->head_scale);
    *c->next = assay_sampler_choose(&c->generator->sampler, row->logits, &c->request->sampling,
                                    (uint64_t)row->position + 1);
    c->chosen = true;
}

assay_status assay_generator_run(assay_generator *generator, const assay_generate_request *request,
                                 assay_output *out, assay_token_fn *token, void *context,
                                 assay_error *err) {
    assay_forward *forward = &generator->forward;
    const assay_model *model = forward->engine.model;
    ASSAY_TRY(assay_generate_check(model, request, err));
    uint32_t end = request->prompt_count + request->max_tokens;
    if (end > forward->cache.capacity)
        return ASSAY_FAIL(err, CAPACITY, "prompt and output of %u tokens, limit %u", end,
                          forward->cache.capacity);
    memcpy(generator->ids, request->prompt, request->prompt_count * sizeof *request->prompt);
    *out = (assay_output){generator->ids + request->prompt_count, 0, ASSAY_STOP_LENGTH,
                          request->digest};
    assay_forward_reset(forward, request->adapter);
    while (out->count < request->max_tokens) {
        uint32_t fed = forward->position_count, known = request->prompt_count + out->count;
        choice c = {generator, request, generator->ids + known, &out->trace, false};
        assay_forward_hooks hooks = {.row = row_choose, .rows_from = known - 1, .context = &c};
        ASSAY_TRY(assay_forward_feed(forward, generator->ids + fed, known - fed, &hooks, err));
        if (!c.chosen) {
            out->stop = ASSAY_STOP_FAULT;
            break;
        }
        out->count++;
        if (token && !token(context, out->count - 1, *c.next))
            return ASSAY_FAIL(err, STOPPED, "stopped after %u tokens", out->count);
        if (!request->stop_ids_ignored && assay_model_stops_at(&model->shape, *c.next)) {
            out->stop = ASSAY_STOP_ID;
            break;
        }
    }
    return ASSAY_OK;
}
