// SPDX-License-Identifier: Apache-2.0
#include "quant/tokenizer/tokenizer.h"

#include <stdlib.h>

#include "base/utf8.h"
#include "quant/model.h"
#include "quant/tokenizer/bpe.h"
#include "quant/tokenizer/steps.h"

// A token has a name and an id, a merge at most a list of two texts.
enum { VALUES_MAX = 2 * ASSAY_MODEL_VOCAB_MAX + 3 * ASSAY_MERGES_MAX + (1 << 16) };

assay_status assay_tokenizer_open(assay_tokenizer **out, const uint8_t *json, size_t size,
                                  uint32_t vocab_size, assay_error *err) {
    json_t *parsed;
    *out = NULL;
    if (vocab_size == 0 || vocab_size > ASSAY_MODEL_VOCAB_MAX)
        return ASSAY_FAIL(err, RANGE, "vocabulary is %u, limits 1 to %d", vocab_size,
                          ASSAY_MODEL_VOCAB_MAX);
    ASSAY_TRY(assay_json_parse_many(&parsed, json, size, ASSAY_MODEL_TOKENIZER_MAX, VALUES_MAX,
                                    "tokenizer", err));
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
    assay_matcher_close(&tokenizer->plain_matcher);
    assay_matcher_close(&tokenizer->normalized_matcher);
    for (uint32_t i = 0; i < tokenizer->added_count; i++)
        free(tokenizer->added[i].content);
    free(tokenizer->added);
    free(tokenizer->special);
    free(tokenizer);
}

uint32_t assay_tokenizer_added(const assay_tokenizer *tokenizer, const char *content) {
    for (uint32_t i = 0; i < tokenizer->added_count; i++)
        if (strcmp(tokenizer->added[i].content, content) == 0) return tokenizer->added[i].id;
    return ASSAY_TOKEN_NONE;
}

bool assay_tokenizer_normalizes(const assay_tokenizer *tokenizer) {
    return tokenizer->nfc;
}

bool assay_tokenizer_spaces_runs(const assay_tokenizer *tokenizer) {
    return tokenizer->space == ASSAY_SPACE_ALWAYS || tokenizer->space == ASSAY_SPACE_UNLESS;
}

bool assay_tokenizer_space_dropped(const assay_tokenizer *tokenizer) {
    return tokenizer->space_dropped;
}

// ---- encoding -------------------------------------------------------------------------------

typedef struct {
    const assay_tokenizer *tokenizer;
    const bool *shunned; // ids that are not made, or NULL
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

// A piece that is a token, where those are not merged. Returns: whether it was.
static bool whole_encode(encoder *e, const char *piece, size_t size) {
    if (!e->tokenizer->ignore_merges) return false;
    uint32_t id = assay_vocab_find(&e->tokenizer->vocab, piece, size);
    if (id == ASSAY_TOKEN_NONE || (e->shunned && e->shunned[id])) return false;
    e->ids[e->count++] = id;
    return true;
}

// Merging begins with a byte's token for each byte or, in SentencePiece, with a character's, and
// with its bytes' where it has none. Returns: the number of ids, at most size.
static size_t seeds_make(const assay_tokenizer *tokenizer, uint32_t *ids, const char *piece,
                         size_t size) {
    const assay_vocab *vocab = &tokenizer->vocab;
    size_t count = 0;
    for (size_t at = 0, end; at < size; at = end) {
        end = at + 1;
        if (!tokenizer->split) {
            while (end < size && ((uint8_t)piece[end] & 0xC0) == 0x80)
                end++;
            ids[count] = assay_vocab_find(vocab, piece + at, end - at);
            if (ids[count] != ASSAY_TOKEN_NONE) {
                count++;
                continue;
            }
        }
        for (size_t i = at; i < end; i++)
            ids[count++] = vocab->byte_ids[(uint8_t)piece[i]];
    }
    return count;
}

static assay_status piece_merge(encoder *e, const char *piece, size_t size, assay_error *err) {
    const assay_tokenizer *tokenizer = e->tokenizer;
    uint32_t *ids = e->ids + e->count;
    size_t count = seeds_make(tokenizer, ids, piece, size);
    ASSAY_TRY(assay_bpe_merge(&e->bpe, ids, &count, &tokenizer->vocab, e->shunned, err));
    e->count += count;
    return ASSAY_OK;
}

// Byte-level. The run's end is where the look-ahead of the split sees the text end.
static assay_status words_encode(encoder *e, const char *text, size_t size, assay_error *err) {
    for (size_t at = 0, end; at < size; at = end) {
        ASSAY_TRY(assay_split_next(e->split, &end, text, size, at, err));
        ASSAY_TRY(room_make(e, end - at, err));
        if (!whole_encode(e, text + at, end - at))
            ASSAY_TRY(piece_merge(e, text + at, end - at, err));
    }
    return ASSAY_OK;
}

// SentencePiece merges a whole run. Cut where no merge reaches over, it gives the same ids, sooner
// and of longer texts.
static assay_status marked_encode(encoder *e, const char *text, size_t size, assay_error *err) {
    ASSAY_TRY(room_make(e, size, err));
    if (whole_encode(e, text, size)) return ASSAY_OK;
    for (size_t at = 0, end; at < size; at = end) {
        end = e->tokenizer->space_cuts ? assay_tokenizer_space_cut(text, size, at) : size;
        ASSAY_TRY(room_make(e, end - at, err));
        ASSAY_TRY(piece_merge(e, text + at, end - at, err));
    }
    return ASSAY_OK;
}

// A run of normalized text without added tokens.
static assay_status run_encode(encoder *e, const char *text, size_t size, bool first,
                               assay_error *err) {
    const assay_tokenizer *tokenizer = e->tokenizer;
    char *marked;
    size_t marked_size;
    if (tokenizer->split) return words_encode(e, text, size, err);
    if (tokenizer->space_early) return marked_encode(e, text, size, err);
    ASSAY_TRY(assay_tokenizer_spaces_mark(&marked, &marked_size, text, size, tokenizer->space,
                                          first, err));
    assay_status status = marked_encode(e, marked, marked_size, err);
    free(marked);
    return status;
}

typedef assay_status (*run_encoder)(encoder *e, const char *text, size_t size, bool first,
                                    assay_error *err);

// Added tokens become their ids; what lies between is encoded by `next`.
static assay_status runs_encode(encoder *e, const assay_matcher *matcher, run_encoder next,
                                const char *text, size_t size, bool first, assay_error *err) {
    size_t begin = 0, at = 0;
    while (at < size) {
        const assay_matcher_entry *added = assay_matcher_find(matcher, text + at, size - at);
        if (!added) {
            at++;
            continue;
        }
        if (at > begin) ASSAY_TRY(next(e, text + begin, at - begin, first && begin == 0, err));
        ASSAY_TRY(room_make(e, 1, err));
        e->ids[e->count++] = added->id;
        begin = at += added->size;
    }
    if (size == begin) return ASSAY_OK;
    return next(e, text + begin, size - begin, first && begin == 0, err);
}

static assay_status normal_encode(encoder *e, const char *text, size_t size, bool first,
                                  assay_error *err) {
    char *normal;
    size_t normal_size;
    ASSAY_TRY(assay_tokenizer_normalize(e->tokenizer, &normal, &normal_size, text, size, err));
    assay_status status = e->shunned ? run_encode(e, normal, normal_size, first, err)
                                     : runs_encode(e, &e->tokenizer->normalized_matcher, run_encode,
                                                   normal, normal_size, first, err);
    free(normal);
    return status;
}

static assay_status text_encode(encoder *e, uint32_t **ids, size_t *count, const char *text,
                                size_t size, bool first, assay_error *err) {
    const assay_tokenizer *tokenizer = e->tokenizer;
    *ids = NULL;
    *count = 0;
    if (size > ASSAY_TOKENIZER_TEXT_MAX)
        return ASSAY_FAIL(err, CAPACITY, "text has %zu bytes, limit %d", size,
                          ASSAY_TOKENIZER_TEXT_MAX);
    size_t valid = assay_utf8_prefix((const uint8_t *)text, size);
    if (valid != size) return ASSAY_FAIL(err, FORMAT, "text is not UTF-8 at byte %zu", valid);
    if (tokenizer->split) ASSAY_TRY(assay_split_run_open(&e->split, tokenizer->split, err));
    assay_status status = room_make(e, size / 4 + 16, err);
    if (status == ASSAY_OK && e->shunned && size)
        status = normal_encode(e, text, size, first, err);
    else if (status == ASSAY_OK)
        status = runs_encode(e, &tokenizer->plain_matcher, normal_encode, text, size, first, err);
    assay_bpe_close(&e->bpe);
    assay_split_run_close(e->split);
    if (status != ASSAY_OK) {
        free(e->ids);
        return status;
    }
    *ids = e->ids;
    *count = e->count;
    return ASSAY_OK;
}

assay_status assay_tokenizer_encode(const assay_tokenizer *tokenizer, uint32_t **ids, size_t *count,
                                    const char *text, size_t size, assay_error *err) {
    encoder e = {.tokenizer = tokenizer};
    return text_encode(&e, ids, count, text, size, true, err);
}

assay_status assay_tokenizer_encode_plain(const assay_tokenizer *tokenizer, uint32_t **ids,
                                          size_t *count, const char *text, size_t size, bool first,
                                          assay_error *err) {
    encoder e = {.tokenizer = tokenizer, .shunned = tokenizer->special};
    return text_encode(&e, ids, count, text, size, first, err);
}

// ---- decoding -------------------------------------------------------------------------------

static unsigned digit_of(uint8_t character) {
    return character <= '9' ? character - (unsigned)'0' : character - (unsigned)'A' + 10;
}

// Writes what an id stands for (out NULL: nothing). Returns: its size.
static size_t token_put(const assay_tokenizer *tokenizer, uint8_t *out, uint32_t id) {
    const assay_bytes *token = &tokenizer->vocab.tokens[id];
    size_t written = 0;
    if (!token->size) return 0;
    if (tokenizer->split) {
        if (out) memcpy(out, token->data, token->size);
        return token->size;
    }
    if (token->size == 6 && memcmp(token->data, "<0x", 3) == 0 && token->data[5] == '>') {
        if (out) *out = (uint8_t)(16 * digit_of(token->data[3]) + digit_of(token->data[4]));
        return 1;
    }
    for (size_t at = 0; at < token->size; written++) {
        bool mark = token->size - at >= ASSAY_SPACE_MARK_SIZE &&
                    memcmp(token->data + at, ASSAY_SPACE_MARK, ASSAY_SPACE_MARK_SIZE) == 0;
        if (out) out[written] = mark ? ' ' : token->data[at];
        at += mark ? ASSAY_SPACE_MARK_SIZE : 1;
    }
    return written;
}

assay_status assay_tokenizer_decode(const assay_tokenizer *tokenizer, uint8_t **bytes, size_t *size,
                                    const uint32_t *ids, size_t count, assay_error *err) {
    const assay_vocab *vocab = &tokenizer->vocab;
    size_t total = 0;
    *bytes = NULL;
    *size = 0;
    for (size_t i = 0; i < count; i++) {
        if (ids[i] >= vocab->id_count)
            return ASSAY_FAIL(err, RANGE, "id %u in a vocabulary of %u", ids[i], vocab->id_count);
        total += token_put(tokenizer, NULL, ids[i]);
    }
    uint8_t *out = malloc(total + 1);
    if (!out) return ASSAY_FAIL(err, MEMORY, "no memory for a text of %zu bytes", total);
    size_t at = 0;
    for (size_t i = 0; i < count; i++)
        at += token_put(tokenizer, out + at, ids[i]);
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
