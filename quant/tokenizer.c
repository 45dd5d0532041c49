// SPDX-License-Identifier: Apache-2.0
#include "quant/tokenizer.h"

#include <stdlib.h>

#include "base/utf8.h"
#include "quant/bpe.h"
#include "quant/model.h"
#include "quant/tokenizer_json.h"

assay_status assay_tokenizer_open(assay_tokenizer **out, const uint8_t *json, size_t size,
                                  uint32_t vocab_size, assay_error *err) {
    json_t *parsed;
    *out = NULL;
    if (vocab_size == 0 || vocab_size > ASSAY_MODEL_VOCAB_MAX)
        return ASSAY_FAIL(err, RANGE, "vocabulary is %u, limits 1 to %d", vocab_size,
                          ASSAY_MODEL_VOCAB_MAX);
    ASSAY_TRY(assay_json_parse(&parsed, json, size, ASSAY_MODEL_TOKENIZER_MAX, "tokenizer", err));
    assay_tokenizer *tokenizer = calloc(1, sizeof *tokenizer);
    assay_status status = tokenizer ? assay_tokenizer_read(tokenizer, parsed, vocab_size, err)
                                    : ASSAY_FAIL(err, MEMORY, "no memory for a tokenizer");
    json_decref(parsed);
    if (status == ASSAY_OK)
        *out = tokenizer;
    else
        assay_tokenizer_close(tokenizer);
    return status;
}

void assay_tokenizer_close(assay_tokenizer *tokenizer) {
    if (!tokenizer) return;
    assay_vocab_close(&tokenizer->vocab);
    assay_split_close(tokenizer->split);
    for (uint32_t i = 0; i < tokenizer->added_count; i++)
        free(tokenizer->added[i].content);
    free(tokenizer->added);
    free(tokenizer);
}

// ---- encoding -------------------------------------------------------------------------------

typedef struct {
    const assay_tokenizer *tokenizer;
    assay_split_run *split;
    assay_bpe bpe;
    uint32_t *ids;
    size_t count;
    size_t room;
} encoder;

static assay_status room_make(encoder *e, size_t more, assay_error *err) {
    if (e->room - e->count >= more) return ASSAY_OK;
    size_t room = e->room + e->room / 2 + more;
    uint32_t *grown = realloc(e->ids, room * sizeof *grown);
    if (!grown) return ASSAY_FAIL(err, MEMORY, "no memory for %zu ids", room);
    e->ids = grown;
    e->room = room;
    return ASSAY_OK;
}

static assay_status piece_encode(encoder *e, const char *piece, size_t size, assay_error *err) {
    const assay_vocab *vocab = &e->tokenizer->vocab;
    size_t count;
    ASSAY_TRY(room_make(e, size, err));
    if (e->tokenizer->ignore_merges) {
        uint32_t id = assay_vocab_find(vocab, piece, size);
        if (id != ASSAY_TOKEN_NONE) {
            e->ids[e->count++] = id;
            return ASSAY_OK;
        }
    }
    ASSAY_TRY(assay_bpe_merge(&e->bpe, e->ids + e->count, &count, vocab, piece, size, err));
    e->count += count;
    return ASSAY_OK;
}

// The first of added[low .. high), which agree up to `depth` and go on, with a byte of at least
// `byte` there.
static uint32_t added_bound(const assay_added *added, uint32_t low, uint32_t high, size_t depth,
                            unsigned byte) {
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if ((uint8_t)added[middle].content[depth] < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

// The longest added token that stands at the start of text, or NULL. Narrows a range byte by byte,
// so that many tokens with a long common start cost little.
static const assay_added *added_match(const assay_tokenizer *tokenizer, const char *text,
                                      size_t size) {
    const assay_added *added = tokenizer->added, *longest = NULL;
    uint32_t low = tokenizer->added_first[(uint8_t)text[0]];
    uint32_t high = tokenizer->added_first[(uint8_t)text[0] + 1];
    for (size_t depth = 1; low < high; depth++) {
        if (added[low].size == depth) longest = &added[low++];
        if (depth == size) break;
        unsigned byte = (uint8_t)text[depth];
        low = added_bound(added, low, high, depth, byte);
        high = added_bound(added, low, high, depth, byte + 1);
    }
    return longest;
}

// Text without added tokens. Its end is where the look-ahead of the split sees the text end.
static assay_status run_encode(encoder *e, const char *text, size_t size, assay_error *err) {
    for (size_t at = 0, end; at < size; at = end) {
        ASSAY_TRY(assay_split_next(e->split, &end, text, size, at, err));
        ASSAY_TRY(piece_encode(e, text + at, end - at, err));
    }
    return ASSAY_OK;
}

static assay_status text_encode(encoder *e, const char *text, size_t size, assay_error *err) {
    size_t begin = 0, at = 0;
    while (at < size) {
        const assay_added *added = added_match(e->tokenizer, text + at, size - at);
        if (!added) {
            at++;
            continue;
        }
        ASSAY_TRY(run_encode(e, text + begin, at - begin, err));
        ASSAY_TRY(room_make(e, 1, err));
        e->ids[e->count++] = added->id;
        begin = at += added->size;
    }
    return run_encode(e, text + begin, size - begin, err);
}

assay_status assay_tokenizer_encode(const assay_tokenizer *tokenizer, uint32_t **ids, size_t *count,
                                    const char *text, size_t size, assay_error *err) {
    encoder e = {.tokenizer = tokenizer};
    *ids = NULL;
    *count = 0;
    if (size > ASSAY_TOKENIZER_TEXT_MAX)
        return ASSAY_FAIL(err, CAPACITY, "text has %zu bytes, limit %d", size,
                          ASSAY_TOKENIZER_TEXT_MAX);
    size_t valid = assay_utf8_prefix((const uint8_t *)text, size);
    if (valid != size) return ASSAY_FAIL(err, FORMAT, "text is not UTF-8 at byte %zu", valid);
    ASSAY_TRY(assay_split_run_open(&e.split, tokenizer->split, err));
    assay_status status = room_make(&e, size / 4 + 16, err);
    if (status == ASSAY_OK) status = text_encode(&e, text, size, err);
    assay_bpe_close(&e.bpe);
    assay_split_run_close(e.split);
    if (status != ASSAY_OK) {
        free(e.ids);
        return status;
    }
    *ids = e.ids;
    *count = e.count;
    return ASSAY_OK;
}

// ---- decoding -------------------------------------------------------------------------------

assay_status assay_tokenizer_decode(const assay_tokenizer *tokenizer, uint8_t **bytes, size_t *size,
                                    const uint32_t *ids, size_t count, assay_error *err) {
    const assay_vocab *vocab = &tokenizer->vocab;
    size_t total = 0;
    *bytes = NULL;
    *size = 0;
    for (size_t i = 0; i < count; i++) {
        if (ids[i] >= vocab->id_count)
            return ASSAY_FAIL(err, RANGE, "id %u in a vocabulary of %u", ids[i], vocab->id_count);
        total += vocab->tokens[ids[i]].size;
    }
    uint8_t *out = malloc(total + 1);
    if (!out) return ASSAY_FAIL(err, MEMORY, "no memory for a text of %zu bytes", total);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        const assay_bytes *token = &vocab->tokens[ids[i]];
        if (token->size) memcpy(out + at, token->data, token->size);
        at += token->size;
    }
    out[total] = 0;
    *bytes = out;
    *size = total;
    return ASSAY_OK;
}

assay_status assay_tokenizer_text(const assay_tokenizer *tokenizer, char **text, size_t *size,
                                  const uint32_t *ids, size_t count, assay_error *err) {
    uint8_t *bytes;
    size_t byte_count, used;
    *text = NULL;
    *size = 0;
    ASSAY_TRY(assay_tokenizer_decode(tokenizer, &bytes, &byte_count, ids, count, err));
    char *out = malloc(3 * byte_count + 1);
    if (out) {
        *size = assay_utf8_repair(out, bytes, byte_count, true, &used);
        out[*size] = 0;
    }
    free(bytes);
    *text = out;
    return out ? ASSAY_OK : ASSAY_FAIL(err, MEMORY, "no memory for a text");
}
