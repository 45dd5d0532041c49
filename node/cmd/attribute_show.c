// SPDX-License-Identifier: Apache-2.0
// assay attribute's answer, drawn or as a document.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "node/cmd/attribute.h"
#include "node/paint.h"

enum { EXCERPT_WIDTH = 60 };

static uint32_t source_weight(const assay_attribute *j, uint32_t source) {
    for (uint32_t i = 0; i < j->shares.count; i++)
        if (assay_hash_equal(&j->shares.items[i].dataset, &j->sources[source].id))
            return j->shares.items[i].weight_ppm;
    return 0;
}

// What it is paid once its batch settles, but for what settlement rounds over the whole batch.
static uint64_t source_nopen(const assay_attribute *j, uint32_t source) {
    assay_u128 weight = (assay_u128)j->of.receipt.fee * source_weight(j, source);
    return (uint64_t)(weight * j->of.data_ppm /
                      ((uint64_t)ASSAY_SHARES_TOTAL * ASSAY_SHARES_TOTAL));
}

static uint32_t source_tokens(const assay_attribute *j, uint32_t source) {
    uint32_t sum = 0;
    for (uint32_t i = 0; i < j->spans.count; i++)
        if (j->spans.items[i].source == source) sum += j->spans.items[i].length;
    return sum;
}

static json_t *dataset_json(const assay_attribute *j, uint32_t source) {
    const assay_attribute_dataset *set = &j->datasets[source];
    json_t *object = json_pack(
        "{s:s%,s:o,s:I,s:I,s:I,s:I,s:I}", "name", set->name, (size_t)set->name_size, "id",
        assay_json_from_hash(&set->corpus.root), "chunk_count", (json_int_t)set->corpus.chunk_count,
        "token_count", (json_int_t)set->index.token_count, "owned_tokens",
        (json_int_t)source_tokens(j, source), "credit", (json_int_t)j->spans.credits[source],
        "weight_ppm", (json_int_t)source_weight(j, source));
    if (!j->of.batch_text) return object;
    json_object_set_new(object, "lineage_ppm", json_integer(j->sources[source].lineage_ppm));
    json_object_set_new(object, "nopen", assay_json_from_u64(source_nopen(j, source)));
    return object;
}

// Names and text as JSON are valid UTF-8: names were checked, assay_tokenizer_text sees to the
// rest.
assay_status assay_attribute_json(json_t **out, const assay_attribute *j, assay_error *err) {
    json_t *datasets = json_array(), *spans = json_array();
    for (uint32_t i = 0; i < j->count; i++)
        json_array_append_new(datasets, dataset_json(j, i));
    for (uint32_t i = 0; i < j->spans.count; i++) {
        const assay_span *span = &j->spans.items[i];
        const assay_attribute_dataset *set = &j->datasets[span->source];
        char *text;
        size_t size;
        assay_status status = assay_tokenizer_text(j->tokenizer, &text, &size,
                                                   j->output + span->start, span->length, err);
        if (status != ASSAY_OK) {
            json_decref(datasets);
            json_decref(spans);
            return status;
        }
        json_array_append_new(
            spans, json_pack("{s:I,s:I,s:s%,s:I,s:I,s:s%}", "start", (json_int_t)span->start,
                             "length", (json_int_t)span->length, "dataset", set->name,
                             (size_t)set->name_size, "position", (json_int_t)span->position,
                             "credit", (json_int_t)span->credit, "text", text, size));
        free(text);
    }
    *out = json_pack("{s:I,s:I,s:I,s:I,s:o,s:o}", "span_tokens_min", (json_int_t)j->span_tokens_min,
                     "tokens", (json_int_t)j->output_count, "owned_tokens",
                     (json_int_t)j->spans.owned_count, "echo_tokens",
                     (json_int_t)j->spans.echo_count, "datasets", datasets, "spans", spans);
    if (j->of.batch_text) {
        json_object_set_new(*out, "fee", assay_json_from_u64(j->of.receipt.fee));
        json_object_set_new(*out, "as_paid", json_boolean(assay_attribute_as_paid(j)));
    }
    return ASSAY_OK;
}

// The text as its tokens spell it, each byte with the colour of its token's owner.
static assay_status text_print(const assay_attribute *j, bool colours, assay_error *err) {
    const assay_span *span = j->spans.items, *end = span + j->spans.count;
    uint8_t *text, *owners;
    size_t size, at = 0;
    ASSAY_TRY(assay_tokenizer_decode(j->tokenizer, &text, &size, j->output, j->output_count, err));
    owners = malloc(size + 1);
    if (!owners) {
        free(text);
        return ASSAY_FAIL(err, MEMORY, "no memory for %zu bytes", size);
    }
    assay_status status = ASSAY_OK;
    for (uint32_t i = 0; i < j->output_count && status == ASSAY_OK; i++) {
        uint8_t *token;
        size_t token_size;
        while (span < end && span->start + span->length <= i)
            span++;
        status = assay_tokenizer_decode(j->tokenizer, &token, &token_size, &j->output[i], 1, err);
        if (status != ASSAY_OK) break;
        ASSAY_ASSERT(token_size <= size - at);
        bool inside = span < end && span->start <= i;
        memset(owners + at, inside ? (int)span->source : ASSAY_PAINT_NONE, token_size);
        at += token_size;
        free(token);
    }
    if (status == ASSAY_OK) {
        assay_paint_text(stdout, text, size, colours ? owners : NULL);
        if (size && text[size - 1] != '\n') putchar('\n');
    }
    free(owners);
    free(text);
    return status;
}

static void dataset_print(const assay_attribute *j, uint32_t source, bool colours) {
    const assay_attribute_dataset *set = &j->datasets[source];
    uint32_t weight = source_weight(j, source), lineage = j->sources[source].lineage_ppm;
    uint64_t tenths = j->spans.credits[source] * 10 / 256;
    printf("  ");
    assay_paint_label(stdout, (const uint8_t *)set->name, (size_t)set->name_size,
                      ASSAY_ATTRIBUTE_NAME_MAX, colours ? (uint8_t)source : ASSAY_PAINT_NONE);
    printf("%*s %3u.%04u %%  %6u tokens  %8" PRIu64 ".%u bits",
           set->name_size < 16 ? 16 - set->name_size : 0, "", weight / 10000, weight % 10000,
           source_tokens(j, source), tenths / 10, (unsigned)(tenths % 10));
    if (j->of.batch_text)
        printf("  lineage %3u.%04u %%  %" PRIu64 " nopen", lineage / 10000, lineage % 10000,
               source_nopen(j, source));
    printf("\n");
}

assay_status assay_attribute_print(const assay_attribute *j, assay_error *err) {
    bool colours = assay_terminal_colours();
    ASSAY_TRY(text_print(j, colours, err));
    printf("\n%zu tokens, %u follow a data set, %u stand in the prompt\n\n", j->output_count,
           j->spans.owned_count, j->spans.echo_count);
    for (uint32_t i = 0; i < j->count; i++)
        dataset_print(j, i, colours);
    if (j->of.batch_text && !j->count)
        printf("the receipt%s: nobody is credited\n",
               assay_hash_is_zero(&j->of.receipt.request.adapter) ? " has no adapter"
                                                                  : "'s adapter names no data set");
    if (j->of.batch_text)
        printf("\nof a fee of %llu nopen; the receipt %s these shares\n", (ull)j->of.receipt.fee,
               assay_attribute_as_paid(j) ? "has" : "does NOT have");
    printf("\n");
    for (uint32_t i = 0; i < j->spans.count; i++) {
        const assay_span *span = &j->spans.items[i];
        const assay_attribute_dataset *set = &j->datasets[span->source];
        uint8_t *text;
        size_t size;
        ASSAY_TRY(assay_tokenizer_decode(j->tokenizer, &text, &size, j->output + span->start,
                                         span->length, err));
        printf("  tokens %u to %u = %.*s from token %u: ", span->start,
               span->start + span->length - 1, set->name_size, set->name, span->position);
        assay_paint_label(stdout, text, size, EXCERPT_WIDTH,
                          colours ? (uint8_t)span->source : ASSAY_PAINT_NONE);
        printf("\n");
        free(text);
    }
    return ASSAY_OK;
}
