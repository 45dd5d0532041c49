// SPDX-License-Identifier: Apache-2.0
#include "quant/tokenizer/json.h"

#include <stdlib.h>

#include "quant/model.h"
#include "quant/tokenizer/json_expect.h"
#include "quant/tokenizer/steps.h"

// ---- the byte alphabet ----------------------------------------------------------------------

// Printable Latin-1 stands for itself; the other bytes, 0..32, 127..160 and 173, for U+0100 to
// U+0143 in that order, so that every byte has a visible character. Source: GPT-2,
// bytes_to_unicode. Returns: the byte, or -1.
static int alphabet_byte(unsigned code) {
    if ((code > 32 && code < 127) || (code > 160 && code < 256 && code != 173)) return (int)code;
    if (code < 256) return -1;
    if (code < 256 + 33) return (int)code - 256;
    if (code < 256 + 67) return (int)code - 256 - 33 + 127;
    return code == 256 + 67 ? 173 : -1;
}

// Decodes well-formed UTF-8 to the bytes it stands for; the alphabet's characters have one or two.
// Returns: false if a character is none of them. out has room for `size`.
static bool alphabet_decode(uint8_t *out, size_t *out_size, const char *text, size_t size) {
    *out_size = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned code = (uint8_t)text[i];
        if (code >= 0x80) {
            if (code >= 0xE0 || ++i == size) return false;
            code = (code & 0x1F) << 6 | ((uint8_t)text[i] & 0x3F);
        }
        int byte = alphabet_byte(code);
        if (byte < 0) return false;
        out[(*out_size)++] = (uint8_t)byte;
    }
    return true;
}

// ---- added tokens ---------------------------------------------------------------------------

static int added_compare(const void *left, const void *right) {
    return strcmp(((const assay_added *)left)->content, ((const assay_added *)right)->content);
}

static assay_status added_read(assay_added *out, const json_t *entry, uint32_t vocab_size,
                               assay_error *err) {
    static const char *const names[] = {"id",     "content", "single_word", "lstrip",
                                        "rstrip", "special", "normalized",  NULL};
    static const char *const off[] = {"single_word", "lstrip", "rstrip"};
    uint64_t id;
    const char *content;
    ASSAY_TRY(assay_json_names(entry, names, "added token", err));
    ASSAY_TRY(assay_json_u64(&id, entry, "id", 0, vocab_size - 1, err));
    ASSAY_TRY(assay_json_text(&content, entry, "content", ASSAY_TOKENIZER_ADDED_BYTES_MAX, err));
    for (int i = 0; i < 3; i++)
        ASSAY_TRY(assay_expect_flag(entry, off[i], false, false, err));
    ASSAY_TRY(assay_expect_flag_read(&out->special, entry, "special", false, err));
    ASSAY_TRY(assay_expect_flag_read(&out->normalized, entry, "normalized", !out->special, err));
    if (!*content) return ASSAY_FAIL(err, RANGE, "added token %u is empty", (unsigned)id);
    out->id = (uint32_t)id;
    out->content = strdup(content);
    return out->content ? ASSAY_OK : ASSAY_FAIL(err, MEMORY, "no memory for an added token");
}

// Hugging Face's library passes over the id that is stated: a token outside the vocabulary gets the
// next one after the vocabulary's count, or after the highest before it in the list if that is
// more. Another id would be another row of the embedding than the model's authors saw.
static assay_status added_ids_check(const assay_tokenizer *tokenizer, const json_t *vocab,
                                    assay_error *err) {
    uint32_t next = (uint32_t)json_object_size(vocab);
    for (uint32_t i = 0; i < tokenizer->added_count; i++) {
        const assay_added *added = &tokenizer->added[i];
        if (!json_object_get(vocab, added->content) && added->id != next)
            return ASSAY_FAIL(err, MISMATCH, "added token \"%.64s\" is %u, the library makes it %u",
                              added->content, added->id, next);
        if (added->id >= next) next = added->id + 1;
    }
    return ASSAY_OK;
}

// Reads the list into memory; the vocabulary takes it in later.
static assay_status added_list_read(assay_tokenizer *tokenizer, const json_t *json,
                                    uint32_t vocab_size, assay_error *err) {
    const json_t *list = json_object_get(json, "added_tokens");
    if (!list || json_is_null(list)) return ASSAY_OK;
    ASSAY_TRY(assay_json_array(&list, json, "added_tokens", ASSAY_TOKENIZER_ADDED_MAX, err));
    size_t count = json_array_size(list);
    tokenizer->added = calloc(count + 1, sizeof *tokenizer->added);
    if (!tokenizer->added) return ASSAY_FAIL(err, MEMORY, "no memory for %zu added tokens", count);
    for (size_t i = 0; i < count; i++)
        ASSAY_TRY(added_read(&tokenizer->added[tokenizer->added_count++], json_array_get(list, i),
                             vocab_size, err));
    const json_t *vocab = json_object_get(json_object_get(json, "model"), "vocab");
    if (json_is_object(vocab)) ASSAY_TRY(added_ids_check(tokenizer, vocab, err));
    if (count) qsort(tokenizer->added, count, sizeof *tokenizer->added, added_compare);
    for (size_t i = 1; i < count; i++)
        if (added_compare(&tokenizer->added[i - 1], &tokenizer->added[i]) == 0)
            return ASSAY_FAIL(err, DUPLICATE, "added token \"%.64s\" is given twice",
                              tokenizer->added[i].content);
    return ASSAY_OK;
}

// What the texts of added tokens are sought by, in the text and in the normalized text.
static assay_status matchers_make(assay_tokenizer *tokenizer, assay_error *err) {
    uint32_t count = tokenizer->added_count;
    ASSAY_TRY(assay_matcher_open(&tokenizer->plain_matcher, count, err));
    ASSAY_TRY(assay_matcher_open(&tokenizer->normalized_matcher, count, err));
    for (uint32_t i = 0; i < count; i++) {
        const assay_added *added = &tokenizer->added[i];
        size_t size = strlen(added->content);
        char *text;
        if (!added->normalized) {
            ASSAY_TRY(
                assay_matcher_add(&tokenizer->plain_matcher, added->content, size, added->id, err));
            continue;
        }
        ASSAY_TRY(assay_tokenizer_normalize(tokenizer, &text, &size, added->content, size, err));
        assay_status status =
            assay_matcher_add(&tokenizer->normalized_matcher, text, size, added->id, err);
        free(text);
        if (status != ASSAY_OK) return status;
    }
    ASSAY_TRY(assay_matcher_sort(&tokenizer->plain_matcher, err));
    return assay_matcher_sort(&tokenizer->normalized_matcher, err);
}

// Special ids steer a model; text that is not to be read for added tokens must never make one, so
// none may be where merging begins.
static assay_status special_set(assay_tokenizer *tokenizer, uint32_t vocab_size, assay_error *err) {
    tokenizer->special = calloc(vocab_size, sizeof *tokenizer->special);
    if (!tokenizer->special) return ASSAY_FAIL(err, MEMORY, "no memory for %u ids", vocab_size);
    for (uint32_t i = 0; i < tokenizer->added_count; i++) {
        const assay_added *added = &tokenizer->added[i];
        tokenizer->special[added->id] = added->special;
        uint8_t lead = (uint8_t)added->content[0];
        size_t first = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
        if (added->special && !added->content[first])
            return ASSAY_FAIL(err, UNSUPPORTED, "special token %u is one character", added->id);
    }
    for (int i = 0; i < 256; i++)
        if (tokenizer->special[tokenizer->vocab.byte_ids[i]])
            return ASSAY_FAIL(err, UNSUPPORTED, "special token %u is byte 0x%02x",
                              tokenizer->vocab.byte_ids[i], (unsigned)i);
    return ASSAY_OK;
}

// ---- vocabulary and merges ------------------------------------------------------------------

// Whether a text has the form of a byte's token, and is none of the 256.
static bool byte_is_misspelt(const char *text, size_t size) {
    static const char digits[] = "0123456789ABCDEF";
    if (size != 6 || memcmp(text, "<0x", 3) != 0 || text[5] != '>') return false;
    return !memchr(digits, text[3], 16) || !memchr(digits, text[4], 16);
}

// What a token is merged as. Byte-level, the bytes that its text stands for in the alphabet or, for
// an added token with other characters, the text itself; SentencePiece's is its text.
static assay_status token_add(assay_tokenizer *tokenizer, uint32_t id, const char *text,
                              assay_error *err) {
    uint8_t bytes[ASSAY_TOKEN_BYTES_MAX];
    size_t length = strlen(text), size;
    if (length > ASSAY_TOKEN_BYTES_MAX)
        return ASSAY_FAIL(err, RANGE, "token %u has %zu bytes, limit %d", id, length,
                          ASSAY_TOKEN_BYTES_MAX);
    if (!tokenizer->split && byte_is_misspelt(text, length))
        return ASSAY_FAIL(err, FORMAT, "token %u \"%s\" is no byte", id, text);
    if (tokenizer->split && alphabet_decode(bytes, &size, text, length))
        return assay_vocab_add(&tokenizer->vocab, id, bytes, size, err);
    if (tokenizer->split && assay_tokenizer_added(tokenizer, text) == ASSAY_TOKEN_NONE)
        return ASSAY_FAIL(err, FORMAT, "token %u \"%.64s\" is not of the byte alphabet", id, text);
    return assay_vocab_add(&tokenizer->vocab, id, text, length, err);
}

static assay_status vocab_read(assay_tokenizer *tokenizer, const json_t *model, uint32_t vocab_size,
                               assay_error *err) {
    const json_t *vocab;
    const char *text;
    json_t *value;
    size_t byte_count = 0;
    ASSAY_TRY(assay_json_object(&vocab, model, "vocab", err));
    json_object_foreach((json_t *)vocab, text, value) byte_count += strlen(text);
    for (uint32_t i = 0; i < tokenizer->added_count; i++)
        byte_count += strlen(tokenizer->added[i].content);
    ASSAY_TRY(assay_vocab_open(&tokenizer->vocab, vocab_size, byte_count, err));
    json_object_foreach((json_t *)vocab, text, value) {
        json_int_t id = json_integer_value(value);
        if (!json_is_integer(value) || id < 0 || id >= vocab_size)
            return ASSAY_FAIL(err, RANGE, "token \"%.64s\" has no id below %u", text, vocab_size);
        ASSAY_TRY(token_add(tokenizer, (uint32_t)id, text, err));
    }
    for (uint32_t i = 0; i < tokenizer->added_count; i++) {
        const assay_added *added = &tokenizer->added[i];
        value = json_object_get(vocab, added->content);
        if (!value)
            ASSAY_TRY(token_add(tokenizer, added->id, added->content, err));
        else if (json_integer_value(value) != (json_int_t)added->id)
            return ASSAY_FAIL(err, MISMATCH, "added token \"%.64s\" is %u, in the vocabulary %lld",
                              added->content, added->id, (long long)json_integer_value(value));
    }
    ASSAY_TRY(assay_vocab_sort(&tokenizer->vocab, err));
    // The library's BPE sees model.vocab alone.
    for (uint32_t i = 0; i < tokenizer->added_count; i++)
        if (!json_object_get(vocab, tokenizer->added[i].content))
            assay_vocab_hide(&tokenizer->vocab, tokenizer->added[i].id);
    return assay_vocab_bytes_find(&tokenizer->vocab, !tokenizer->split, err);
}

static assay_status half_find(uint32_t *out, const assay_tokenizer *tokenizer, const char *text,
                              size_t length, uint32_t rank, assay_error *err) {
    uint8_t bytes[ASSAY_TOKEN_BYTES_MAX];
    size_t size;
    *out = ASSAY_TOKEN_NONE;
    if (!tokenizer->split)
        *out = assay_vocab_find(&tokenizer->vocab, text, length);
    else if (length && length <= sizeof bytes && alphabet_decode(bytes, &size, text, length))
        *out = assay_vocab_find(&tokenizer->vocab, bytes, size);
    if (*out == ASSAY_TOKEN_NONE)
        return ASSAY_FAIL(err, MISSING, "merge %u: \"%.*s\" is no token", rank,
                          length > 64 ? 64 : (int)length, text);
    return ASSAY_OK;
}

// "left right", or a list of the two.
static assay_status merge_read(assay_merge *out, const assay_tokenizer *tokenizer,
                               const json_t *entry, uint32_t rank, assay_error *err) {
    const char *left = json_string_value(entry), *right;
    size_t left_size, right_size;
    if (left) {
        const char *space = strchr(left, ' ');
        if (!space) return ASSAY_FAIL(err, FORMAT, "merge %u is no pair", rank);
        left_size = (size_t)(space - left);
        right = space + 1;
        right_size = json_string_length(entry) - left_size - 1;
    } else {
        const json_t *first = json_array_get(entry, 0), *second = json_array_get(entry, 1);
        if (json_array_size(entry) != 2 || !json_is_string(first) || !json_is_string(second))
            return ASSAY_FAIL(err, FORMAT, "merge %u is no pair", rank);
        left = json_string_value(first);
        left_size = json_string_length(first);
        right = json_string_value(second);
        right_size = json_string_length(second);
    }
    ASSAY_TRY(half_find(&out->left, tokenizer, left, left_size, rank, err));
    return half_find(&out->right, tokenizer, right, right_size, rank, err);
}

static assay_status merges_read(assay_tokenizer *tokenizer, const json_t *model, assay_error *err) {
    const json_t *list;
    ASSAY_TRY(assay_json_array(&list, model, "merges", ASSAY_MERGES_MAX, err));
    uint32_t count = (uint32_t)json_array_size(list);
    assay_merge *merges = calloc((size_t)count + 1, sizeof *merges);
    if (!merges) return ASSAY_FAIL(err, MEMORY, "no memory for %u merges", count);
    for (uint32_t i = 0; i < count; i++) {
        assay_status status = merge_read(&merges[i], tokenizer, json_array_get(list, i), i, err);
        if (status == ASSAY_OK) continue;
        free(merges);
        return status;
    }
    return assay_vocab_merges_set(&tokenizer->vocab, merges, count, err);
}

static bool space_cuts_find(const assay_vocab *vocab) {
    for (uint32_t i = 0; i < vocab->merge_count; i++) {
        const assay_bytes *token = &vocab->tokens[vocab->merges[i].id];
        if (assay_tokenizer_space_cut((const char *)token->data, token->size, 0) < token->size)
            return false;
    }
    return true;
}

static assay_status model_read(assay_tokenizer *tokenizer, const json_t *json, uint32_t vocab_size,
                               assay_error *err) {
    static const char *const names[] = {"type",
                                        "dropout",
                                        "unk_token",
                                        "continuing_subword_prefix",
                                        "end_of_word_suffix",
                                        "fuse_unk",
                                        "byte_fallback",
                                        "ignore_merges",
                                        "vocab",
                                        "merges",
                                        NULL};
    // unk_token and fuse_unk have no effect where every byte is a token.
    static const char *const nothing[] = {"dropout", "continuing_subword_prefix",
                                          "end_of_word_suffix"};
    const json_t *model;
    ASSAY_TRY(assay_json_object(&model, json, "model", err));
    ASSAY_TRY(assay_json_names(model, names, "model", err));
    ASSAY_TRY(assay_expect_text(model, "type", "BPE", err));
    for (int i = 0; i < 3; i++)
        ASSAY_TRY(assay_expect_nothing(model, nothing[i], err));
    ASSAY_TRY(assay_expect_flag(model, "byte_fallback", !tokenizer->split, false, err));
    ASSAY_TRY(
        assay_expect_flag_read(&tokenizer->ignore_merges, model, "ignore_merges", false, err));
    ASSAY_TRY(vocab_read(tokenizer, model, vocab_size, err));
    ASSAY_TRY(merges_read(tokenizer, model, err));
    tokenizer->space_cuts = !tokenizer->split && space_cuts_find(&tokenizer->vocab);
    return ASSAY_OK;
}

assay_status assay_tokenizer_read(assay_tokenizer *tokenizer, const json_t *json,
                                  uint32_t vocab_size, assay_error *err) {
    static const char *const names[] = {
        "version",       "truncation",     "padding", "added_tokens", "normalizer",
        "pre_tokenizer", "post_processor", "decoder", "model",        NULL};
    // The post-processor only adds ids of its own, which no request asks for.
    ASSAY_TRY(assay_json_names(json, names, "tokenizer", err));
    ASSAY_TRY(assay_expect_text(json, "version", "1.0", err));
    ASSAY_TRY(assay_expect_nothing(json, "truncation", err));
    ASSAY_TRY(assay_expect_nothing(json, "padding", err));
    ASSAY_TRY(assay_tokenizer_steps_read(tokenizer, json, err));
    ASSAY_TRY(added_list_read(tokenizer, json, vocab_size, err));
    ASSAY_TRY(model_read(tokenizer, json, vocab_size, err));
    ASSAY_TRY(special_set(tokenizer, vocab_size, err));
    return matchers_make(tokenizer, err);
}
