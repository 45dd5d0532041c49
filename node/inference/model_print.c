// SPDX-License-Identifier: Apache-2.0
#include "node/inference/model_print.h"

#include <stdio.h>

#include "base/hex.h"
#include "base/json.h"

static uint64_t operand_bytes(uint64_t n, uint64_t k, bool q4) {
    return n * (q4 ? k / 2 + k / ASSAY_Q4_BLOCK : k) + n * sizeof(float);
}

// The parts of a model file in bytes, and the weights that share the first two.
typedef struct {
    uint64_t linears, vocab, tokenizer, linear_weights, vocab_weights;
} parts;

static parts parts_of(const assay_model *model) {
    const assay_model_shape *s = &model->shape;
    parts p = {.tokenizer = model->tokenizer.size};
    for (int i = 0; i < ASSAY_LINEAR_COUNT; i++) {
        const assay_q4 *q4 = &model->layers[0].linears[i];
        p.linears += s->layer_count * operand_bytes(q4->n, q4->k, true);
        p.linear_weights += s->layer_count * (uint64_t)q4->n * q4->k;
    }
    uint64_t count = model->tied ? 1 : 2;
    p.vocab = count * operand_bytes(s->vocab_size, s->width, s->vocab_q4);
    p.vocab_weights = count * s->vocab_size * s->width;
    return p;
}

static json_t *stops_json(const assay_model_shape *shape) {
    json_t *list = json_array();
    for (uint32_t i = 0; i < shape->stop_count; i++)
        json_array_append_new(list, json_integer(shape->stop_ids[i]));
    return list;
}

static json_t *model_json(const assay_model *model, const parts *p) {
    const assay_model_shape *s = &model->shape;
    return json_pack(
        "{s:o,s:I,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:i,s:b,s:b,s:b,s:s,s:o,s:I,s:I,s:I}", "root",
        assay_json_from_hash(&model->root), "bytes", (json_int_t)model->file.size, "layers",
        (int)s->layer_count, "width", (int)s->width, "heads", (int)s->head_count, "kv_heads",
        (int)s->kv_head_count, "head_size", (int)s->head_size, "ff_width", (int)s->ff_width,
        "vocab", (int)s->vocab_size, "context", (int)s->context_size, "tied", model->tied, "biases",
        s->biases, "head_norms", s->head_norms, "embedding", s->vocab_q4 ? "q4" : "q8", "stop_ids",
        stops_json(s), "linear_bytes", (json_int_t)p->linears, "embedding_bytes",
        (json_int_t)p->vocab, "tokenizer_bytes", (json_int_t)p->tokenizer);
}

static void stops_text(const assay_model_shape *shape) {
    printf("stops    ");
    for (uint32_t i = 0; i < shape->stop_count; i++)
        printf("%s%u", i ? ", " : "after ", shape->stop_ids[i]);
    printf("%s\n", shape->stop_count ? "" : "after no token");
}

static void model_text(const assay_model *model, const parts *p) {
    const assay_model_shape *s = &model->shape;
    char root[ASSAY_HEX_HASH_MAX];
    assay_hex_encode_0x(root, model->root.bytes, ASSAY_HASH_SIZE);
    printf("root     %s\nbytes    %zu\n"
           "shape    %u layers, width %u, %u heads of %u over %u, feed-forward %u\n"
           "         vocabulary %u, context %u, %s head\n",
           root, model->file.size, s->layer_count, s->width, s->head_count, s->head_size,
           s->kv_head_count, s->ff_width, s->vocab_size, s->context_size,
           model->tied ? "tied" : "own");
    if (s->biases) printf("         biases of queries, keys and values\n");
    if (s->head_norms) printf("         norms of heads\n");
    stops_text(s);
    printf("linears  %llu bytes, q4, %.3f bits a weight\n"
           "vocab    %llu bytes, %s, %.3f bits a weight\n"
           "text     tokenizer of %llu bytes\n",
           (ull)p->linears, 8.0 * (double)p->linears / (double)p->linear_weights, (ull)p->vocab,
           s->vocab_q4 ? "q4" : "q8", 8.0 * (double)p->vocab / (double)p->vocab_weights,
           (ull)p->tokenizer);
}

int assay_model_print(const assay_invocation *invocation, const assay_model *model,
                      const assay_perplexity *perplexity) {
    parts p = parts_of(model);
    if (invocation->json) {
        json_t *json = model_json(model, &p);
        if (perplexity)
            json_object_update_new(
                json, json_pack("{s:f,s:I,s:f}", "perplexity", perplexity->perplexity, "tokens",
                                (json_int_t)perplexity->token_count, "tokens_per_s",
                                (double)perplexity->token_count / perplexity->seconds));
        return assay_command_print(json);
    }
    model_text(model, &p);
    if (perplexity)
        printf("perplexity %.4f over %llu tokens, %.1f tokens/s\n", perplexity->perplexity,
               (ull)perplexity->token_count, (double)perplexity->token_count / perplexity->seconds);
    return ASSAY_EXIT_OK;
}
