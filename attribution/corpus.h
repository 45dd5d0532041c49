// SPDX-License-Identifier: Apache-2.0
// A data set as text: its canonical chunks and the commitment to them, which depend on no model.
#ifndef ASSAY_ATTRIBUTION_CORPUS_H
#define ASSAY_ATTRIBUTION_CORPUS_H

#include "attribution/index.h"
#include "base/bytes.h"
#include "base/merkle.h"
#include "base/status.h"
#include "quant/tokenizer/tokenizer.h"

enum {
    ASSAY_CORPUS_SIZE_MAX = 1 << 30,
    ASSAY_CHUNK_SIZE_MAX = 4096,
    ASSAY_CHUNK_LINE_MIN = 2048, // a line feed ends a chunk only behind this many bytes
};

// Lives: from open to close, the text as long; read-only and shareable. Zeroed: safe to close.
typedef struct {
    assay_bytes text;     // borrowed
    assay_hash *leaves;   // [chunk_count] leaf hashes
    uint32_t chunk_count; // at most 2^19
    assay_hash root;      // the data set's id
} assay_corpus;

// Length of the first chunk of a text of `size` bytes, size > 0. Spec: A-2.
size_t assay_chunk_cut(const uint8_t *text, size_t size);

// Cuts the text into chunks and hashes them; keeps at most 16 bytes a KiB of text.
// Errors: CAPACITY (over 2^30 bytes), FORMAT (empty, or not UTF-8, with the offset), MEMORY.
// Lives: `text` must outlive the corpus. Spec.
assay_status assay_corpus_open(assay_corpus *corpus, assay_bytes text, assay_error *err);
void assay_corpus_close(assay_corpus *corpus);

// Tokenises the whole text for a model and indexes it. Errors: as assay_tokenizer_encode and
// assay_index_open. Lives: independent of the corpus, until assay_index_close. Spec: A-4.
assay_status assay_corpus_index(assay_index *index, const assay_corpus *corpus,
                                const assay_tokenizer *tokenizer, uint32_t vocab_size,
                                assay_error *err);

// Checks a stranger's chunk against a registered root and chunk count.
// Errors: CAPACITY (chunk size), MISMATCH or RANGE as assay_merkle_check. Spec: A-3.
assay_status assay_chunk_check(const assay_hash *root, uint64_t chunk_count, uint64_t index,
                               assay_bytes chunk, const assay_hash *path, uint32_t path_count,
                               assay_error *err);

#endif
