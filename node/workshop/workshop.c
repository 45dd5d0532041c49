// SPDX-License-Identifier: Apache-2.0
#include "node/workshop/workshop.h"

#include <stdlib.h>

#include "base/hex.h"
#include "node/error_json.h"
#include "node/log.h"

// Those that were named come before those that were found.
static const char *file_at(const assay_option_texts *named, const assay_workshop_files *found,
                           uint32_t i) {
    return i < named->count ? named->items[i] : found->items[i - named->count];
}

// One that was found, and not named, is of no harm: receipts that need it are told to lack it.
static assay_status refusal_judge(const char *file, bool named, const assay_error *why,
                                  assay_error *err) {
    if (named || why->status == ASSAY_MEMORY) return assay_error_pass(err, why);
    assay_log(ASSAY_LOG_WARN, "file_passed_over",
              json_pack("{s:s,s:o}", "file", file, "error", assay_error_to_json(why, NULL)),
              "passed over: %s", why->text);
    return ASSAY_OK;
}

static assay_status adapters_open(assay_workshop *shop, const assay_workshop_options *options,
                                  assay_error *err) {
    const assay_option_texts *named = &options->adapter_files;
    const assay_workshop_files *found = &options->found_adapters;
    uint32_t count = named->count + found->count;
    shop->adapters = calloc(count + 1, sizeof *shop->adapters);
    if (!shop->adapters) return ASSAY_FAIL(err, MEMORY, "no memory for %u adapters", count);
    for (uint32_t i = 0; i < count; i++) {
        assay_error why = {0};
        const char *file = file_at(named, found, i);
        if (assay_adapter_open(&shop->adapters[shop->adapter_count], file, &shop->model, &why) ==
            ASSAY_OK)
            shop->adapter_count++;
        else
            ASSAY_TRY(refusal_judge(file, i < named->count, &why, err));
    }
    return ASSAY_OK;
}

static void dataset_close(assay_workshop_dataset *set) {
    assay_index_close(&set->index);
    assay_corpus_close(&set->corpus);
    assay_mapping_close(&set->file);
}

static assay_status dataset_open(assay_workshop_dataset *set, const char *file, assay_error *err) {
    *set = (assay_workshop_dataset){.name = file};
    ASSAY_TRY(assay_mapping_open(&set->file, file, ASSAY_CORPUS_SIZE_MAX, err));
    const assay_bytes text = {set->file.data, set->file.size};
    assay_status status = assay_fail_in(err, assay_corpus_open(&set->corpus, text, err), file);
    if (status != ASSAY_OK) dataset_close(set);
    return status;
}

// A text that cannot be indexed is the end of its adapters only. Errors: CORRUPT, IO, MEMORY.
static assay_status dataset_index(assay_workshop_dataset *set, const assay_workshop *shop,
                                  assay_error *err) {
    assay_error *why = &set->refusal;
    assay_status status = assay_corpus_index(&set->index, &set->corpus, shop->tokenizer,
                                             shop->model.shape.vocab_size, why);
    assay_fail_in(why, status, set->name);
    ASSAY_TRY(assay_mapping_unchanged(&set->file, set->name, err));
    if (status == ASSAY_MEMORY) return assay_error_pass(err, why);
    if (status != ASSAY_OK)
        assay_log(
            ASSAY_LOG_WARN, "dataset_refused",
            json_pack("{s:s,s:o}", "file", set->name, "error", assay_error_to_json(why, NULL)),
            "adapters with this data set cannot be checked or answered for: %s", why->text);
    return ASSAY_OK;
}

static void *indexer_run(void *context) {
    assay_workshop *shop = context;
    for (uint32_t i = 0; i < shop->dataset_count; i++)
        if (dataset_index(&shop->datasets[i], shop, &shop->index_error) != ASSAY_OK) break;
    atomic_store(&shop->indexing, false);
    return NULL;
}

static assay_status datasets_open(assay_workshop *shop, const assay_workshop_options *options,
                                  assay_error *err) {
    const assay_option_texts *named = &options->dataset_files;
    const assay_workshop_files *found = &options->found_datasets;
    uint32_t count = named->count + found->count;
    shop->datasets = calloc(count + 1, sizeof *shop->datasets);
    if (!shop->datasets) return ASSAY_FAIL(err, MEMORY, "no memory for %u data sets", count);
    for (uint32_t i = 0; i < count; i++) {
        assay_error why = {0};
        const char *file = file_at(named, found, i);
        if (dataset_open(&shop->datasets[shop->dataset_count], file, &why) == ASSAY_OK)
            shop->dataset_count++;
        else
            ASSAY_TRY(refusal_judge(file, i < named->count, &why, err));
    }
    return ASSAY_OK;
}

// After all that may fail: what it has begun it ends.
static assay_status indexer_start(assay_workshop *shop, assay_error *err) {
    if (!shop->dataset_count) return ASSAY_OK;
    atomic_store(&shop->indexing, true);
    shop->indexer_runs = pthread_create(&shop->indexer, NULL, indexer_run, shop) == 0;
    if (shop->indexer_runs) return ASSAY_OK;
    atomic_store(&shop->indexing, false);
    return ASSAY_FAIL(err, MEMORY, "no thread for an indexer");
}

assay_status assay_workshop_ready(const assay_workshop *shop, assay_error *err) {
    if (atomic_load(&shop->indexing))
        return ASSAY_FAIL(err, BUSY, "the data sets are being indexed");
    if (shop->index_error.status == ASSAY_OK) return ASSAY_OK;
    return assay_error_pass(err, &shop->index_error);
}

static void indexer_join(assay_workshop *shop) {
    if (shop->indexer_runs) pthread_join(shop->indexer, NULL);
    shop->indexer_runs = false;
}

assay_status assay_workshop_wait(assay_workshop *shop, assay_error *err) {
    indexer_join(shop);
    return assay_workshop_ready(shop, err);
}

uint64_t assay_workshop_position_count(const assay_model_shape *shape) {
    uint64_t one = assay_kv_page_count(shape->context_size);
    uint64_t pages = ASSAY_WORKSHOP_KV_BYTES / assay_kv_cache_size(shape, ASSAY_KV_PAGE);
    if (pages > ASSAY_WORKSHOP_MEMBERS * one) pages = ASSAY_WORKSHOP_MEMBERS * one;
    return (pages > one ? pages : one) * ASSAY_KV_PAGE;
}

static assay_status parts_open(assay_workshop *shop, const assay_workshop_options *options,
                               assay_error *err) {
    assay_engine engine = {.model = &shop->model};
    ASSAY_TRY(assay_kernels_find(&engine.kernels, options->isa, err));
    ASSAY_TRY(assay_model_open(&shop->model, options->model_file, err));
    ASSAY_TRY(assay_tokenizer_open(&shop->tokenizer, shop->model.tokenizer.data,
                                   shop->model.tokenizer.size, shop->model.shape.vocab_size, err));
    ASSAY_TRY(adapters_open(shop, options, err));
    ASSAY_TRY(datasets_open(shop, options, err));
    ASSAY_TRY(assay_pool_open(&shop->pool, (unsigned)options->threads, err));
    engine.pool = shop->pool;
    const assay_model_shape *shape = &shop->model.shape;
    ASSAY_TRY(assay_generator_open_shared(&shop->generator, &engine, ASSAY_WORKSHOP_MEMBERS,
                                          shape->context_size, assay_workshop_position_count(shape),
                                          0, err));
    assay_batcher_open(&shop->batcher, &shop->generator);
    return indexer_start(shop, err);
}

assay_status assay_workshop_open(assay_workshop *shop, const assay_workshop_options *options,
                                 assay_error *err) {
    memset(shop, 0, sizeof *shop);
    assay_status status = parts_open(shop, options, err);
    if (status != ASSAY_OK) assay_workshop_close(shop);
    return status;
}

void assay_workshop_leave(assay_workshop *shop) {
    if (!atomic_load(&shop->indexing)) assay_workshop_close(shop);
}

void assay_workshop_close(assay_workshop *shop) {
    indexer_join(shop);
    assay_batcher_close(&shop->batcher);
    assay_generator_close(&shop->generator);
    assay_pool_close(shop->pool);
    for (uint32_t i = 0; i < shop->dataset_count; i++)
        dataset_close(&shop->datasets[i]);
    for (uint32_t i = 0; i < shop->adapter_count; i++)
        assay_adapter_close(&shop->adapters[i]);
    free(shop->datasets);
    free(shop->adapters);
    assay_tokenizer_close(shop->tokenizer);
    assay_model_close(&shop->model);
    memset(shop, 0, sizeof *shop);
}

const assay_adapter *assay_workshop_adapter(const assay_workshop *shop, const assay_hash *root) {
    for (uint32_t i = 0; i < shop->adapter_count; i++)
        if (assay_hash_equal(&shop->adapters[i].root, root)) return &shop->adapters[i];
    return NULL;
}

assay_status assay_workshop_unchanged(const assay_workshop *shop, assay_error *err) {
    for (uint32_t i = 0; i < shop->adapter_count; i++)
        ASSAY_TRY(assay_adapter_unchanged(&shop->adapters[i], err));
    if (!atomic_load(&shop->indexing)) ASSAY_TRY(assay_workshop_ready(shop, err));
    return assay_model_unchanged(&shop->model, err);
}

static const assay_workshop_dataset *dataset_find(const assay_workshop *shop,
                                                  const assay_hash *dataset) {
    for (uint32_t i = 0; i < shop->dataset_count; i++)
        if (assay_hash_equal(&shop->datasets[i].corpus.root, dataset)) return &shop->datasets[i];
    return NULL;
}

// Of indexed data sets. FORMAT names the lowest id whose text was refused.
static assay_status refusals_check(const assay_workshop *shop, const assay_lineage *lineage,
                                   assay_hash *missing, assay_error *err) {
    const assay_workshop_dataset *refused = NULL;
    for (uint32_t i = 0; i < lineage->count; i++) {
        const assay_workshop_dataset *set = dataset_find(shop, &lineage->sources[i].dataset);
        if (set->refusal.status == ASSAY_OK) continue;
        if (!refused || memcmp(&set->corpus.root, missing, ASSAY_HASH_SIZE) < 0) {
            refused = set;
            *missing = set->corpus.root;
        }
    }
    if (!refused) return ASSAY_OK;
    return ASSAY_FAIL(err, FORMAT, "a data set of the adapter cannot be indexed: %.250s",
                      refused->refusal.text);
}

// Candidates by date. MISSING names the lowest id that is not loaded.
static assay_status sources_find(assay_span_source *sources, const assay_workshop *shop,
                                 const assay_lineage *lineage, assay_hash *missing,
                                 assay_error *err) {
    char id[ASSAY_HEX_HASH_MAX];
    bool all = true;
    for (uint32_t i = 0; i < lineage->count; i++) {
        const assay_lineage_source *from = &lineage->sources[i];
        const assay_workshop_dataset *set = dataset_find(shop, &from->dataset);
        sources[i] = (assay_span_source){from->dataset, set ? &set->index : NULL, from->weight_ppm};
        if (set) continue;
        if (all || memcmp(&from->dataset, missing, ASSAY_HASH_SIZE) < 0) *missing = from->dataset;
        all = false;
    }
    if (!all) {
        assay_hex_encode_0x(id, missing->bytes, ASSAY_HASH_SIZE);
        return ASSAY_FAIL(err, MISSING, "a data set of the adapter is not loaded: %s", id);
    }
    if (!lineage->count) return ASSAY_OK;
    ASSAY_TRY(assay_workshop_ready(shop, err));
    return refusals_check(shop, lineage, missing, err);
}

// A root has one text, and so one pair of counts: others were registered to mislead, or in error.
static assay_status counts_check(const assay_workshop *shop, const assay_lineage_source *from,
                                 assay_error *err) {
    char id[ASSAY_HEX_HASH_MAX];
    const assay_corpus *corpus = &dataset_find(shop, &from->dataset)->corpus;
    if (from->byte_count == corpus->text.size && from->chunk_count == corpus->chunk_count)
        return ASSAY_OK;
    assay_hex_encode_0x(id, from->dataset.bytes, ASSAY_HASH_SIZE);
    return ASSAY_FAIL(err, MISMATCH,
                      "data set %s is registered with %llu bytes in %llu chunks, its text has %zu "
                      "in %u",
                      id, (ull)from->byte_count, (ull)from->chunk_count, corpus->text.size,
                      corpus->chunk_count);
}

assay_status assay_workshop_sources_check(const assay_workshop *shop, const assay_lineage *lineage,
                                          assay_hash *missing, assay_error *err) {
    assay_span_source sources[ASSAY_SOURCES_MAX];
    ASSAY_TRY(sources_find(sources, shop, lineage, missing, err));
    for (uint32_t i = 0; i < lineage->count; i++)
        ASSAY_TRY(counts_check(shop, &lineage->sources[i], err));
    return ASSAY_OK;
}

void assay_workshop_rows(assay_receipt *receipt, const assay_shares *shares) {
    receipt->attribution_count = (uint8_t)shares->count;
    for (uint32_t i = 0; i < shares->count; i++)
        receipt->attribution[i] =
            (assay_attribution_row){shares->items[i].dataset, shares->items[i].weight_ppm};
}

assay_status assay_workshop_attribute(const assay_workshop *shop, const assay_lineage *lineage,
                                      uint32_t span_tokens_min, const uint32_t *prompt,
                                      uint32_t prompt_count, const uint32_t *output,
                                      uint32_t output_count, assay_receipt *receipt,
                                      assay_hash *missing, assay_error *err) {
    assay_span_source sources[ASSAY_SOURCES_MAX];
    assay_spans found = {0};
    assay_shares shares;
    ASSAY_TRY(sources_find(sources, shop, lineage, missing, err));
    ASSAY_TRY(assay_spans_open(&found, sources, lineage->count, prompt, prompt_count, output,
                               output_count, span_tokens_min, err));
    assay_status status = assay_shares_make(&shares, sources, lineage->count, found.credits, err);
    if (status == ASSAY_OK) assay_workshop_rows(receipt, &shares);
    assay_spans_close(&found);
    return status;
}

void assay_workshop_request(assay_generate_request *out, const assay_request *request,
                            const assay_hash *digest, const uint32_t *prompt,
                            const assay_adapter *adapter) {
    *out = (assay_generate_request){
        .adapter = adapter,
        .prompt = prompt,
        .prompt_count = request->prompt_count,
        .max_tokens = request->max_tokens,
        .sampling = {request->temperature_milli, request->top_k, request->top_p_ppm, request->seed},
        .digest = *digest};
}
