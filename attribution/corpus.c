// SPDX-License-Identifier: Apache-2.0
#include "attribution/corpus.h"

#include <stdlib.h>

#include "base/utf8.h"

// In UTF-8 the second search ends within three steps.
size_t assay_chunk_cut(const uint8_t *text, size_t size) {
    if (size <= ASSAY_CHUNK_SIZE_MAX) return size;
    for (size_t length = ASSAY_CHUNK_SIZE_MAX; length > ASSAY_CHUNK_LINE_MIN; length--)
        if (text[length - 1] == '\n') return length;
    size_t length = ASSAY_CHUNK_SIZE_MAX;
    while (length > ASSAY_CHUNK_LINE_MIN && (text[length] & 0xC0) == 0x80)
        length--;
    return length;
}

//
static assay_status text_check(assay_bytes text, assay_error *err) {
    if (text.size == 0) return ASSAY_FAIL(err, FORMAT, "data set of 0 bytes");
    if (text.size > ASSAY_CORPUS_SIZE_MAX)
        return ASSAY_FAIL(err, CAPACITY, "data set of %zu bytes, limit %d", text.size,
                          ASSAY_CORPUS_SIZE_MAX);
    size_t good = assay_utf8_prefix(text.data, text.size);
    if (good < text.size) return ASSAY_FAIL(err, FORMAT, "data set is not UTF-8 at byte %zu", good);
    return ASSAY_OK;
}

assay_status assay_corpus_open(assay_corpus *corpus, assay_bytes text, assay_error *err) {
    *corpus = (assay_corpus){.text = text};
    ASSAY_TRY(text_check(text, err));
    // All chunks but the last have more than ASSAY_CHUNK_LINE_MIN bytes.
    size_t room = text.size / ASSAY_CHUNK_LINE_MIN + 1;
    corpus->leaves = malloc(room * sizeof *corpus->leaves);
    if (!corpus->leaves) return ASSAY_FAIL(err, MEMORY, "no memory for %zu chunks", room);
    for (size_t at = 0; at < text.size;) {
        size_t length = assay_chunk_cut(text.data + at, text.size - at);
        ASSAY_ASSERT(corpus->chunk_count < room);
        assay_merkle_leaf(&corpus->leaves[corpus->chunk_count++], text.data + at, length);
        at += length;
    }
    assay_merkle_root(&corpus->root, corpus->leaves, corpus->chunk_count);
    return ASSAY_OK;
}

void assay_corpus_close(assay_corpus *corpus) {
    free(corpus->leaves);
    *corpus = (assay_corpus){0};
}

assay_status assay_corpus_index(assay_index *index, const assay_corpus *corpus,
                                const assay_tokenizer *tokenizer, uint32_t vocab_size,
                                assay_error *err) {
    uint32_t *ids = NULL;
    size_t count;
    *index = (assay_index){0};
    ASSAY_TRY(assay_tokenizer_encode(tokenizer, &ids, &count, (const char *)corpus->text.data,
                                     corpus->text.size, err));
    assay_status status = assay_index_open(index, ids, count, vocab_size, err);
    free(ids);
    return status;
}

assay_status assay_chunk_check(const assay_hash *root, uint64_t chunk_count, uint64_t index,
                               assay_bytes chunk, const assay_hash *path, uint32_t path_count,
                               assay_error *err) {
    assay_hash leaf;
    if (chunk.size == 0 || chunk.size > ASSAY_CHUNK_SIZE_MAX)
        return ASSAY_FAIL(err, CAPACITY, "chunk of %zu bytes, limits 1 and %d", chunk.size,
                          ASSAY_CHUNK_SIZE_MAX);
    assay_merkle_leaf(&leaf, chunk.data, chunk.size);
    return assay_merkle_check(root, chunk_count, index, &leaf, path, path_count, err);
}
