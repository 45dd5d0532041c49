// SPDX-License-Identifier: Apache-2.0
#include "quant/tokenizer/vocab.h"

#include <stdio.h>
#include <stdlib.h>

// Everything is found by bisection of sorted arrays: no hash that a hostile file could flood.

assay_status assay_vocab_open(assay_vocab *vocab, uint32_t id_count, size_t byte_count,
                              assay_error *err) {
    *vocab = (assay_vocab){.id_count = id_count};
    vocab->tokens = calloc((size_t)id_count + 1, sizeof *vocab->tokens);
    vocab->order = malloc(((size_t)id_count + 1) * sizeof *vocab->order);
    vocab->first = calloc((size_t)id_count + 2, sizeof *vocab->first);
    vocab->bytes = malloc(byte_count + 1);
    if (vocab->tokens && vocab->order && vocab->first && vocab->bytes) return ASSAY_OK;
    assay_vocab_close(vocab);
    return ASSAY_FAIL(err, MEMORY, "no memory for a vocabulary of %u tokens", id_count);
}

void assay_vocab_close(assay_vocab *vocab) {
    free(vocab->tokens);
    free(vocab->order);
    free(vocab->first);
    free(vocab->bytes);
    free(vocab->merges);
    *vocab = (assay_vocab){0};
}

assay_status assay_vocab_add(assay_vocab *vocab, uint32_t id, const void *data, size_t size,
                             assay_error *err) {
    if (id >= vocab->id_count)
        return ASSAY_FAIL(err, RANGE, "token id %u in a vocabulary of %u", id, vocab->id_count);
    if (size == 0 || size > ASSAY_TOKEN_BYTES_MAX)
        return ASSAY_FAIL(err, RANGE, "token %u has %zu bytes, limits 1 to %d", id, size,
                          ASSAY_TOKEN_BYTES_MAX);
    if (vocab->tokens[id].data) return ASSAY_FAIL(err, DUPLICATE, "token id %u is given twice", id);
    // The tokens' bytes follow each other in the order they were added.
    uint8_t *at = vocab->bytes;
    if (vocab->token_count) {
        const assay_bytes *last = &vocab->tokens[vocab->order[vocab->token_count - 1]];
        at += (size_t)(last->data - vocab->bytes) + last->size;
    }
    memcpy(at, data, size);
    vocab->tokens[id] = (assay_bytes){at, size};
    vocab->order[vocab->token_count++] = id;
    return ASSAY_OK;
}

static int id_compare(const void *left, const void *right, void *context) {
    const assay_bytes *tokens = context;
    const assay_bytes *a = &tokens[*(const uint32_t *)left], *b = &tokens[*(const uint32_t *)right];
    return assay_bytes_order(a->data, a->size, b->data, b->size);
}

assay_status assay_vocab_sort(assay_vocab *vocab, assay_error *err) {
    qsort_r(vocab->order, vocab->token_count, sizeof *vocab->order, id_compare, vocab->tokens);
    for (uint32_t i = 1; i < vocab->token_count; i++)
        if (id_compare(&vocab->order[i - 1], &vocab->order[i], vocab->tokens) == 0)
            return ASSAY_FAIL(err, DUPLICATE, "tokens %u and %u have the same bytes",
                              vocab->order[i - 1], vocab->order[i]);
    return ASSAY_OK;
}

void assay_vocab_hide(assay_vocab *vocab, uint32_t id) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < vocab->token_count; i++)
        if (vocab->order[i] != id) vocab->order[kept++] = vocab->order[i];
    vocab->token_count = kept;
}

assay_status assay_vocab_bytes_find(assay_vocab *vocab, bool spelled, assay_error *err) {
    for (int i = 0; i < 256; i++) {
        char text[8] = {(char)i};
        size_t size = spelled ? (size_t)snprintf(text, sizeof text, "<0x%02X>", (unsigned)i) : 1;
        vocab->byte_ids[i] = assay_vocab_find(vocab, text, size);
        if (vocab->byte_ids[i] == ASSAY_TOKEN_NONE)
            return ASSAY_FAIL(err, MISSING, "no token for byte 0x%02x", (unsigned)i);
    }
    return ASSAY_OK;
}

uint32_t assay_vocab_find(const assay_vocab *vocab, const void *data, size_t size) {
    uint32_t low = 0, high = vocab->token_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2, id = vocab->order[middle];
        int order = assay_bytes_order(vocab->tokens[id].data, vocab->tokens[id].size, data, size);
        if (order == 0) return id;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return ASSAY_TOKEN_NONE;
}

static int merge_compare(const void *left, const void *right) {
    const assay_merge *a = left, *b = right;
    if (a->left != b->left) return a->left < b->left ? -1 : 1;
    if (a->right != b->right) return a->right < b->right ? -1 : 1;
    return 0;
}

assay_status assay_vocab_merges_set(assay_vocab *vocab, assay_merge *merges, uint32_t count,
                                    assay_error *err) {
    uint8_t joined[2 * ASSAY_TOKEN_BYTES_MAX];
    ASSAY_ASSERT(!vocab->merges);
    vocab->merges = merges;
    vocab->merge_count = count;
    for (uint32_t i = 0; i < count; i++) {
        const assay_bytes *left = &vocab->tokens[merges[i].left];
        const assay_bytes *right = &vocab->tokens[merges[i].right];
        memcpy(joined, left->data, left->size);
        memcpy(joined + left->size, right->data, right->size);
        merges[i].rank = i;
        merges[i].id = assay_vocab_find(vocab, joined, left->size + right->size);
        if (merges[i].id == ASSAY_TOKEN_NONE)
            return ASSAY_FAIL(err, MISSING, "merge %u of tokens %u and %u makes no token", i,
                              merges[i].left, merges[i].right);
    }
    if (count) qsort(merges, count, sizeof *merges, merge_compare);
    for (uint32_t i = 0; i < count; i++) {
        if (i && merge_compare(&merges[i - 1], &merges[i]) == 0)
            return ASSAY_FAIL(err, DUPLICATE, "tokens %u and %u are merged twice", merges[i].left,
                              merges[i].right);
        vocab->first[merges[i].left + 1] = i + 1;
    }
    for (uint32_t id = 0; id < vocab->id_count; id++)
        if (vocab->first[id + 1] < vocab->first[id]) vocab->first[id + 1] = vocab->first[id];
    return ASSAY_OK;
}

const assay_merge *assay_vocab_merge(const assay_vocab *vocab, uint32_t left, uint32_t right) {
    const assay_merge wanted = {.left = left, .right = right};
    uint32_t first = vocab->first[left];
    if (!vocab->merges) return NULL;
    return bsearch(&wanted, vocab->merges + first, vocab->first[left + 1] - first, sizeof wanted,
                   merge_compare);
}
