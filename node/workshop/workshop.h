// SPDX-License-Identifier: Apache-2.0
// What a provider or a verifier works with: one resident base model, many adapters, the indexed
// data sets, and the one generator whose passes all requests and checks share.
#ifndef ASSAY_NODE_WORKSHOP_WORKSHOP_H
#define ASSAY_NODE_WORKSHOP_WORKSHOP_H

#include <pthread.h>
#include <stdatomic.h>

#include "attribution/corpus.h"
#include "attribution/index.h"
#include "attribution/shares.h"
#include "node/options.h"
#include "node/workshop/batcher.h"
#include "node/workshop/lineage.h"
#include "node/workshop/meter.h"
#include "quant/tokenizer/tokenizer.h"

// How many requests or checks are computed together at most, and the bytes of keys and values that
// they share. Pages that were never used take no memory.
enum { ASSAY_WORKSHOP_MEMBERS = 8 };
#define ASSAY_WORKSHOP_KV_BYTES (UINT64_C(1) << 30)

typedef struct {
    const char *name; // of the file, borrowed
    assay_mapping file;
    assay_corpus corpus;
    assay_index index;
    assay_error refusal; // of a text that cannot be indexed; empty until the indexer has ended
} assay_workshop_dataset;

// A zeroed struct is safe to close. After open only `generator` changes, which is the batcher's,
// `meter`, and the data sets' indexes while `indexing` is set.
typedef struct {
    assay_model model;
    assay_tokenizer *tokenizer;
    assay_adapter *adapters; // [adapter_count]
    uint32_t adapter_count;
    assay_workshop_dataset *datasets; // [dataset_count]
    uint32_t dataset_count;
    pthread_t indexer; // indexes them after open
    bool indexer_runs; // is to be joined
    atomic_bool indexing;
    assay_error index_error; // of the indexer that has ended
    assay_pool *pool;
    assay_generator generator;
    assay_batcher batcher; // where requests and checks go
    assay_meter meter;
} assay_workshop;

// Paths of files that nobody named one by one.
typedef struct {
    const char **items; // [count]
    uint32_t count;
} assay_workshop_files;

typedef struct {
    const char *model_file;
    assay_option_texts adapter_files;
    assay_option_texts dataset_files;
    assay_workshop_files found_adapters; // after those; what is none of this model is passed over
    assay_workshop_files found_datasets; // likewise
    uint64_t threads;
    const char *isa; // NULL: the best
} assay_workshop_options;

// Rows for a command's option table. needed: whether a model must be named.
#define ASSAY_WORKSHOP_OPTIONS(options, needed)                                                    \
    {"model", ASSAY_OPTION_TEXT, &(options).model_file, "FILE", "canonical base model", 0, 0,      \
     needed},                                                                                      \
        {"adapter",                                                                                \
         ASSAY_OPTION_TEXTS,                                                                       \
         &(options).adapter_files,                                                                 \
         "FILE",                                                                                   \
         "canonical adapter; may be repeated",                                                     \
         0,                                                                                        \
         0,                                                                                        \
         false},                                                                                   \
        {"dataset",                                                                                \
         ASSAY_OPTION_TEXTS,                                                                       \
         &(options).dataset_files,                                                                 \
         "FILE",                                                                                   \
         "data set text for attribution; may be repeated",                                         \
         0,                                                                                        \
         0,                                                                                        \
         false},                                                                                   \
    {                                                                                              \
        "threads", ASSAY_OPTION_U64, &(options).threads, "N", "for inference (1)", 1, 256, false   \
    }

// Loads it all, but for the indexes: a thread makes those, minutes long where data sets are large.
// Errors: those of the files, UNKNOWN or UNSUPPORTED (kernel set), MEMORY. Lives: until close.
assay_status assay_workshop_open(assay_workshop *shop, const assay_workshop_options *options,
                                 assay_error *err);

// Whether the data sets are indexed, or refused. Errors: BUSY (not yet), CORRUPT (a file changed
// meanwhile), IO, MEMORY. Spec: F-56.
assay_status assay_workshop_ready(const assay_workshop *shop, assay_error *err);

// The same, once the thread has ended. Errors: as assay_workshop_ready, without BUSY.
assay_status assay_workshop_wait(assay_workshop *shop, assay_error *err);

// Ends when the thread has.
void assay_workshop_close(assay_workshop *shop);

// The same at the end of the process; but what is still being indexed cannot be stopped, and it and
// all it uses are left to the process's end. shop: not of a function that returns before that.
void assay_workshop_leave(assay_workshop *shop);

// Positions that requests computed together share: what all of them could use, but no more than
// ASSAY_WORKSHOP_KV_BYTES hold, unless one of the whole context needs more. With an 8B model's
// context of 131,072 all could use 66 GiB, and one uses 8.25. Whole pages.
uint64_t assay_workshop_position_count(const assay_model_shape *shape);

// Whether the files of model and adapters are as they were opened; data sets are read whole by the
// indexer. Errors: CORRUPT, after which nothing is computed any more, IO; what the indexer failed
// with. Spec: F-6.
assay_status assay_workshop_unchanged(const assay_workshop *shop, assay_error *err);

// The adapter of that root; NULL if it is not loaded. Lives: as long as the workshop.
const assay_adapter *assay_workshop_adapter(const assay_workshop *shop, const assay_hash *root);

// Whether all data sets of a lineage are loaded and indexed, and are of the bytes and chunks they
// are registered with. missing: the lowest id that is not loaded, set with MISSING; or whose text
// cannot be indexed, set with FORMAT. Errors: MISSING, FORMAT, MISMATCH (names both pairs of
// numbers), those of assay_workshop_ready. Spec: P-10, F-56.
assay_status assay_workshop_sources_check(const assay_workshop *shop, const assay_lineage *lineage,
                                          assay_hash *missing, assay_error *err);

// Whose data an output follows, as a receipt's table. missing: as of assay_workshop_sources_check.
// Errors: MISSING, FORMAT, those of assay_workshop_ready and of attribution. Spec.
assay_status assay_workshop_attribute(const assay_workshop *shop, const assay_lineage *lineage,
                                      uint32_t span_tokens_min, const uint32_t *prompt,
                                      uint32_t prompt_count, const uint32_t *output,
                                      uint32_t output_count, assay_receipt *receipt,
                                      assay_hash *missing, assay_error *err);

// Shares as a receipt's table. Spec: A-15.
void assay_workshop_rows(assay_receipt *receipt, const assay_shares *shares);

// A ledger request in the generator's terms. adapter: that of request->adapter.
void assay_workshop_request(assay_generate_request *out, const assay_request *request,
                            const assay_hash *digest, const uint32_t *prompt,
                            const assay_adapter *adapter);

#endif
