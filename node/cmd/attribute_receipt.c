// SPDX-License-Identifier: Apache-2.0
// Of assay attribute: an output that was paid for. Its evidence says what it was, the node says
// whose data may have been followed.
#include <stdlib.h>

#include "base/hex.h"
#include "node/cmd/attribute.h"
#include "node/verifier/check.h"
#include "node/workshop/batch_table.h"

enum { FETCH_MS = 10000, REDIRECTS_MAX = 3 };

static assay_status ids_copy(uint32_t **out, size_t *out_count, const uint32_t *ids, uint32_t count,
                             assay_error *err) {
    *out = malloc(((size_t)count + 1) * sizeof **out);
    if (!*out) return ASSAY_FAIL(err, MEMORY, "no memory for %u tokens", count);
    memcpy(*out, ids, count * sizeof **out);
    *out_count = count;
    return ASSAY_OK;
}

static assay_status evidence_take(assay_attribute *j, const assay_check_result *result,
                                  assay_error *err) {
    const assay_leaf_ids *ids = &result->ids;
    if (result->verdict == ASSAY_VERDICT_TABLE)
        return ASSAY_FAIL(err, MISMATCH, "the batch's table is false: %.200s", result->reason);
    j->of.next = result->lacks;
    if (result->lacks) return ASSAY_FAIL(err, FORBIDDEN, "no evidence: %.200s", result->reason);
    if (result->verdict != ASSAY_VERDICT_MATCH)
        return ASSAY_FAIL(err, NETWORK, "no evidence: %.200s", result->reason);
    if (!assay_hash_equal(&result->receipt.request.model, &j->model.root))
        return ASSAY_FAIL(err, MISMATCH, "the receipt is of another base model than %s",
                          j->model_path);
    j->of.receipt = result->receipt;
    ASSAY_TRY(ids_copy(&j->prompt, &j->prompt_count, ids->prompt, ids->prompt_count, err));
    return ids_copy(&j->output, &j->output_count, ids->output, assay_check_claim_cut(result), err);
}

static assay_status evidence_read(assay_attribute *j, const assay_client *client,
                                  const assay_params *params, assay_error *err) {
    assay_workshop unopened = {0}; // its meter alone is used
    const assay_checker checker = {.shop = &unopened,
                                   .client = client,
                                   .params = params,
                                   .limits = {.timeout_ms = FETCH_MS,
                                              .redirects_max = REDIRECTS_MAX,
                                              .allow_private = j->of.allow_private,
                                              .allow_file = j->of.allow_file}};
    assay_check_result result;
    assay_hash batch;
    assay_arena arena;
    ASSAY_TRY(assay_hex_parse(batch.bytes, ASSAY_HASH_SIZE, j->of.batch_text, "--batch", err));
    assay_arena_init(&arena, ASSAY_TABLE_ARENA_MAX);
    assay_status status =
        assay_check_evidence(&result, &checker, &batch, (uint32_t)j->of.leaf, &arena, err);
    if (status == ASSAY_OK) status = evidence_take(j, &result, err);
    assay_arena_close(&arena);
    return status;
}

static uint32_t dataset_find(const assay_attribute *j, const assay_hash *root) {
    uint32_t at = 0;
    while (at < j->count && !assay_hash_equal(&j->datasets[at].corpus.root, root))
        at++;
    return at;
}

// All of the adapter's and no others: what a token is worth depends on each of them.
static assay_status lineage_take(assay_attribute *j, const assay_lineage *lineage,
                                 assay_error *err) {
    char id[ASSAY_HEX_HASH_MAX];
    for (uint32_t i = 0; i < lineage->count; i++) {
        const assay_lineage_source *from = &lineage->sources[i];
        uint32_t at = dataset_find(j, &from->dataset);
        if (at == j->count) {
            assay_hex_encode_0x(id, from->dataset.bytes, ASSAY_HASH_SIZE);
            return ASSAY_FAIL(err, MISSING, "the adapter names data set %s, which is not given",
                              id);
        }
        const assay_attribute_dataset found = j->datasets[at];
        j->datasets[at] = j->datasets[i];
        j->datasets[i] = found;
        j->sources[i].lineage_ppm = from->weight_ppm;
    }
    if (j->count == lineage->count) return ASSAY_OK;
    const assay_attribute_dataset *other = &j->datasets[lineage->count];
    if (assay_hash_is_zero(&lineage->adapter))
        return ASSAY_FAIL(err, USAGE,
                          "the receipt has no adapter: nobody is credited, without any "
                          "--dataset");
    return ASSAY_FAIL(err, USAGE,
                      "--dataset %.*s is none that the adapter names, or is given twice",
                      other->name_size, other->name);
}

assay_status assay_attribute_receipt_read(assay_attribute *j, assay_error *err) {
    assay_client client;
    assay_genesis genesis;
    assay_lineage lineage;
    ASSAY_TRY(assay_client_open(&client, j->of.node_url, NULL, err));
    ASSAY_TRY(assay_genesis_fetch(&genesis, &client, err));
    j->span_tokens_min = genesis.params.span_tokens_min;
    j->of.data_ppm = genesis.params.data_ppm;
    assay_status status = evidence_read(j, &client, &genesis.params, err);
    assay_genesis_close(&genesis);
    ASSAY_TRY(status);
    ASSAY_TRY(assay_lineage_fetch(&lineage, &client, &j->of.receipt.request.adapter, err));
    return lineage_take(j, &lineage, err);
}

bool assay_attribute_as_paid(const assay_attribute *j) {
    assay_receipt own;
    assay_workshop_rows(&own, &j->shares);
    return assay_check_rows_equal(&own, &j->of.receipt);
}
