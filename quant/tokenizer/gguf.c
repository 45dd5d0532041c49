// SPDX-License-Identifier: Apache-2.0
#include "quant/tokenizer/gguf.h"

#include <jansson.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "quant/model.h"
#include "quant/tokenizer/split.h"
#include "quant/tokenizer/tokenizer.h"
#include "quant/tokenizer/vocab.h"

// llama.cpp's names of what a token is.
enum { NORMAL = 1, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE };

#define KEY(name) "tokenizer.ggml." name
#define HEAD(added, normalizer, pre_tokenizer, decoder, model)                                     \
    "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,\"added_tokens\":" added            \
    ",\"normalizer\":" normalizer ",\"pre_tokenizer\":" pre_tokenizer                              \
    ",\"post_processor\":null,\"decoder\":" decoder ",\"model\":" model "}"
#define MODEL(unknown, spelled)                                                                    \
    "{\"type\":\"BPE\",\"dropout\":null,\"unk_token\":" unknown                                    \
    ",\"continuing_subword_prefix\":null,\"end_of_word_suffix\":null,\"fuse_unk\":" spelled        \
    ",\"byte_fallback\":" spelled ",\"ignore_merges\":false}"
#define BYTE_LEVEL                                                                                 \
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":true,\"use_regex\":"
#define MARK      "\"\xE2\x96\x81\""
#define REPLACE   "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":" MARK "}"
#define UNREPLACE "{\"type\":\"Replace\",\"pattern\":{\"String\":" MARK "},\"content\":\" \"}"

static const char byte_level[] =
    HEAD("[]", "null",
         "{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{},"
         "\"behavior\":\"Isolated\",\"invert\":false}," BYTE_LEVEL "false}]}",
         BYTE_LEVEL "true}", MODEL("null", "false"));
static const char spaced[] =
    HEAD("[]",
         "{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":" MARK
         "}," REPLACE "]}",
         "null",
         "{\"type\":\"Sequence\",\"decoders\":[" UNREPLACE
         ",{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},"
         "{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}]}",
         MODEL("null", "true"));
static const char unspaced[] =
    HEAD("[]", "{\"type\":\"Sequence\",\"normalizers\":[" REPLACE "]}", "null",
         "{\"type\":\"Sequence\",\"decoders\":[" UNREPLACE
         ",{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"}]}",
         MODEL("null", "true"));

typedef struct {
    const assay_gguf *file;
    json_t *json, *model; // what is written; model is a part of it
    assay_vocab vocab;    // the tokens' texts
    const uint8_t *types, *scores;
    uint32_t count, added_count;
    uint64_t text_size; // so far, of the JSON at least
} reader;

// A token's text beside its name's quotes and its id, a merge's beside its own.
enum { TOKEN_MARKS = sizeof "\"\":0," - 1, PAIR_MARKS = sizeof "[\"\",\"\"]," - 1 };

static int32_t type_of(const reader *r, uint32_t id) {
    return (int32_t)assay_load_le32(r->types + 4 * (size_t)id);
}

static bool is_added(int32_t type) {
    return type == UNKNOWN || type == CONTROL || type == USER_DEFINED;
}

static float score_of(const reader *r, uint32_t id) {
    uint32_t bits = assay_load_le32(r->scores + 4 * (size_t)id);
    float score;
    memcpy(&score, &bits, sizeof score);
    return score;
}

// A text that F-8 would refuse is not made first: in memory its parts take ten times their size.
static assay_status text_count(reader *r, uint64_t size, assay_error *err) {
    r->text_size += size;
    if (r->text_size > ASSAY_MODEL_TOKENIZER_MAX)
        return ASSAY_FAIL(err, CAPACITY, "the tokenizer.json has %llu bytes or more, limit %d",
                          (ull)r->text_size, ASSAY_MODEL_TOKENIZER_MAX);
    return ASSAY_OK;
}

// ---- tokens ---------------------------------------------------------------------------------

// An array with an item for each token.
static assay_status column_read(const uint8_t **out, const reader *r, const char *key,
                                assay_gguf_type type, assay_error *err) {
    const assay_gguf_pair *pair;
    ASSAY_TRY(assay_gguf_array(&pair, r->file, key, type, err));
    if (pair->count != r->count)
        return ASSAY_FAIL(err, MISMATCH, "%s has %llu items for %u tokens", key, (ull)pair->count,
                          r->count);
    *out = pair->data.data;
    return ASSAY_OK;
}

static assay_status token_read(reader *r, uint32_t id, assay_bytes text, assay_error *err) {
    int32_t type = type_of(r, id);
    if (type < NORMAL || type > BYTE)
        return ASSAY_FAIL(err, RANGE, "token %u has type %d, limits 1 to 6", id, type);
    if (r->scores && !__builtin_isfinite(score_of(r, id)))
        return ASSAY_FAIL(err, NONFINITE, "the score of token %u is no number", id);
    // A place that only fills the embedding up has a name and nothing else.
    if (type == UNUSED) return ASSAY_OK;
    if (assay_utf8_prefix(text.data, text.size) != text.size ||
        (text.size && memchr(text.data, 0, text.size)))
        return ASSAY_FAIL(err, FORMAT, "token %u is no text", id);
    if (type == BYTE && (!r->scores || text.size != 6 || memcmp(text.data, "<0x", 3) != 0))
        return ASSAY_FAIL(err, FORMAT, "token %u is no byte", id);
    if (is_added(type) && r->added_count++ == ASSAY_TOKENIZER_ADDED_MAX)
        return ASSAY_FAIL(err, CAPACITY, "token %u is an added one more, limit %d", id,
                          ASSAY_TOKENIZER_ADDED_MAX);
    ASSAY_TRY(text_count(r, text.size + TOKEN_MARKS, err));
    return assay_vocab_add(&r->vocab, id, text.data, text.size, err);
}

static assay_status tokens_read(reader *r, uint32_t vocab_size, bool scored, assay_error *err) {
    const assay_gguf_pair *tokens;
    assay_cursor at;
    ASSAY_TRY(assay_gguf_array(&tokens, r->file, KEY("tokens"), ASSAY_GGUF_TYPE_TEXT, err));
    if (tokens->count > vocab_size)
        return ASSAY_FAIL(err, MISMATCH, "%llu tokens in a vocabulary of %u", (ull)tokens->count,
                          vocab_size);
    r->count = (uint32_t)tokens->count;
    ASSAY_TRY(column_read(&r->types, r, KEY("token_type"), ASSAY_GGUF_TYPE_I32, err));
    if (scored) ASSAY_TRY(column_read(&r->scores, r, KEY("scores"), ASSAY_GGUF_TYPE_F32, err));
    ASSAY_TRY(assay_vocab_open(&r->vocab, r->count, tokens->data.size, err));
    assay_cursor_init(&at, tokens->data.data, tokens->data.size);
    for (uint32_t id = 0; id < r->count; id++)
        ASSAY_TRY(token_read(r, id, assay_gguf_text_next(&at), err));
    return assay_vocab_sort(&r->vocab, err);
}

static json_t *text_of(const reader *r, uint32_t id) {
    const assay_bytes *token = &r->vocab.tokens[id];
    return json_stringn((const char *)token->data, token->size);
}

// jansson frees what it cannot take and answers all later calls with failures; one sum is enough.
static assay_status tokens_write(const reader *r, assay_error *err) {
    char text[ASSAY_TOKEN_BYTES_MAX + 1];
    json_t *added = json_object_get(r->json, "added_tokens"), *vocab = json_object();
    int failed = json_object_set_new(r->model, "vocab", vocab);
    for (uint32_t id = 0; id < r->count; id++) {
        const assay_bytes *token = &r->vocab.tokens[id];
        int32_t type = type_of(r, id);
        if (!token->size) continue;
        memcpy(text, token->data, token->size);
        text[token->size] = 0;
        failed |= json_object_set_new(vocab, text, json_integer(id));
        if (!is_added(type)) continue;
        json_t *entry = json_pack("{s:i,s:o,s:b,s:b,s:b,s:b,s:b}", "id", (int)id, "content",
                                  text_of(r, id), "single_word", 0, "lstrip", 0, "rstrip", 0,
                                  "normalized", 0, "special", type != USER_DEFINED);
        failed |= json_array_append_new(added, entry);
        // Every byte has a token, so that the unknown one is never made.
        if (type == UNKNOWN && json_is_null(json_object_get(r->model, "unk_token")))
            failed |= json_object_set_new(r->model, "unk_token", text_of(r, id));
    }
    return failed ? ASSAY_FAIL(err, MEMORY, "no memory for %u tokens", r->count) : ASSAY_OK;
}

// ---- byte-level -----------------------------------------------------------------------------

static assay_status split_write(const reader *r, assay_error *err) {
    static const struct {
        const char *name;
        assay_split_kind kind;
        bool nfc, whole;
    } known[] = {{"gpt-2", ASSAY_SPLIT_GPT2, false, false},
                 {"llama-bpe", ASSAY_SPLIT_LLAMA3, false, true},
                 {"llama3", ASSAY_SPLIT_LLAMA3, false, true},
                 {"llama-v3", ASSAY_SPLIT_LLAMA3, false, true},
                 {"qwen2", ASSAY_SPLIT_QWEN2, true, false}};
    assay_bytes pre;
    ASSAY_TRY(assay_gguf_text(&pre, r->file, KEY("pre"), err));
    for (size_t i = 0; i < ASSAY_COUNT(known); i++) {
        if (!assay_gguf_text_is(pre, known[i].name)) continue;
        json_t *steps = json_object_get(json_object_get(r->json, "pre_tokenizer"), "pretokenizers");
        int failed = json_object_set_new(json_object_get(json_array_get(steps, 0), "pattern"),
                                         "Regex", json_string(assay_split_pattern(known[i].kind)));
        if (known[i].nfc)
            failed |= json_object_set_new(r->json, "normalizer", json_pack("{s:s}", "type", "NFC"));
        failed |= json_object_set_new(r->model, "ignore_merges", json_boolean(known[i].whole));
        return failed ? ASSAY_FAIL(err, MEMORY, "no memory for a split") : ASSAY_OK;
    }
    return ASSAY_FAIL(err, UNSUPPORTED, "tokenizer.ggml.pre \"%.*s\" is not known",
                      pre.size > 64 ? 64 : (int)pre.size, (const char *)pre.data);
}

static assay_status merges_copy(reader *r, assay_error *err) {
    const assay_gguf_pair *merges;
    assay_cursor at;
    ASSAY_TRY(assay_gguf_array(&merges, r->file, KEY("merges"), ASSAY_GGUF_TYPE_TEXT, err));
    json_t *list = json_array();
    int failed = json_object_set_new(r->model, "merges", list);
    assay_cursor_init(&at, merges->data.data, merges->data.size);
    for (uint64_t i = 0; !failed && i < merges->count; i++) {
        assay_bytes text = assay_gguf_text_next(&at);
        if (assay_utf8_prefix(text.data, text.size) != text.size)
            return ASSAY_FAIL(err, FORMAT, "merge %llu is no text", (ull)i);
        ASSAY_TRY(text_count(r, text.size, err));
        failed |= json_array_append_new(list, json_stringn((const char *)text.data, text.size));
    }
    return failed ? ASSAY_FAIL(err, MEMORY, "no memory for the merges") : ASSAY_OK;
}

// ---- SentencePiece --------------------------------------------------------------------------

// A way to make a token of two.
typedef struct {
    float score;
    uint32_t left, right;
    uint32_t left_length, right_length; // characters
    uint32_t id;
} way;

// SentencePiece merges what gives the token with the highest score. In a list of pairs that is: by
// score, then the longer left part, as Hugging Face's converter orders them.
static int way_compare(const void *left, const void *right) {
    const way *a = left, *b = right;
    if (a->score != b->score) return a->score > b->score ? -1 : 1;
    if (a->left_length != b->left_length) return a->left_length > b->left_length ? -1 : 1;
    if (a->right_length != b->right_length) return a->right_length > b->right_length ? -1 : 1;
    if (a->id != b->id) return a->id < b->id ? -1 : 1;
    if (a->left != b->left) return a->left < b->left ? -1 : 1;
    return a->right < b->right ? -1 : a->right > b->right;
}

typedef struct {
    way *list; // [count]
    size_t count, room;
    uint64_t compared; // squares of the sizes of the tokens that were split
} ways;

// Each place in a token is looked up as two texts, together as long as the token. A vocabulary of
// 2^20 tokens of 16 bytes may have this, and takes seconds.
enum { COMPARED_MAX = 1 << 28 };

static assay_status way_add(ways *w, way new, assay_error *err) {
    if (w->count == ASSAY_MERGES_MAX)
        return ASSAY_FAIL(err, CAPACITY, "the scores give more than %d merges", ASSAY_MERGES_MAX);
    if (w->count == w->room) {
        size_t room = 2 * w->room + 1024;
        way *grown = realloc(w->list, room * sizeof *grown);
        if (!grown) return ASSAY_FAIL(err, MEMORY, "no memory for %zu merges", room);
        w->list = grown;
        w->room = room;
    }
    w->list[w->count++] = new;
    return ASSAY_OK;
}

static assay_status token_split(ways *w, reader *r, uint32_t id, assay_error *err) {
    const assay_bytes *token = &r->vocab.tokens[id];
    uint32_t length = 0, before = 0;
    w->compared += (uint64_t)token->size * token->size;
    if (w->compared > COMPARED_MAX)
        return ASSAY_FAIL(err, CAPACITY,
                          "the squares of the tokens' sizes are %llu at token %u, "
                          "limit %d",
                          (ull)w->compared, id, COMPARED_MAX);
    for (size_t i = 0; i < token->size; i++)
        length += (token->data[i] & 0xC0) != 0x80;
    for (size_t i = 1; i < token->size; i++) {
        if ((token->data[i] & 0xC0) == 0x80) continue;
        before++;
        uint32_t left = assay_vocab_find(&r->vocab, token->data, i);
        if (left == ASSAY_TOKEN_NONE) continue;
        uint32_t right = assay_vocab_find(&r->vocab, token->data + i, token->size - i);
        if (right == ASSAY_TOKEN_NONE) continue;
        ASSAY_TRY(text_count(r, token->size + PAIR_MARKS, err));
        way new = {score_of(r, id), left, right, before, length - before, id};
        ASSAY_TRY(way_add(w, new, err));
    }
    return ASSAY_OK;
}

static assay_status ways_write(ways *w, reader *r, assay_error *err) {
    for (uint32_t id = 0; id < r->count; id++)
        ASSAY_TRY(token_split(w, r, id, err));
    if (w->count) qsort(w->list, w->count, sizeof *w->list, way_compare);
    json_t *list = json_array();
    int failed = json_object_set_new(r->model, "merges", list);
    for (size_t i = 0; !failed && i < w->count; i++)
        failed = json_array_append_new(
            list, json_pack("[o,o]", text_of(r, w->list[i].left), text_of(r, w->list[i].right)));
    return failed ? ASSAY_FAIL(err, MEMORY, "no memory for %zu merges", w->count) : ASSAY_OK;
}

static assay_status merges_find(reader *r, assay_error *err) {
    ways w = {0};
    assay_status status = ways_write(&w, r, err);
    free(w.list);
    return status;
}

// ---- all of it ------------------------------------------------------------------------------

static assay_status prefix_read(bool *out, const assay_gguf *file, assay_error *err) {
    const assay_gguf_pair *pair = assay_gguf_find(file, KEY("add_space_prefix"));
    *out = true;
    if (!pair) return ASSAY_OK;
    if (pair->is_array || pair->type != ASSAY_GGUF_TYPE_BOOL)
        return ASSAY_FAIL(err, FORMAT, "tokenizer.ggml.add_space_prefix is neither true nor false");
    *out = pair->data.data[0];
    return ASSAY_OK;
}

static assay_status all_read(reader *r, uint32_t vocab_size, assay_error *err) {
    assay_bytes model;
    bool prefix;
    ASSAY_TRY(assay_gguf_text(&model, r->file, KEY("model"), err));
    bool pieces = assay_gguf_text_is(model, "llama");
    if (!pieces && !assay_gguf_text_is(model, "gpt2"))
        return ASSAY_FAIL(err, UNSUPPORTED,
                          "tokenizer.ggml.model \"%.*s\", only gpt2 and llama are supported",
                          model.size > 64 ? 64 : (int)model.size, (const char *)model.data);
    ASSAY_TRY(prefix_read(&prefix, r->file, err));
    r->json = json_loads(!pieces ? byte_level : prefix ? spaced : unspaced, 0, NULL);
    r->model = json_object_get(r->json, "model");
    if (!r->model) return ASSAY_FAIL(err, MEMORY, "no memory for a tokenizer");
    ASSAY_TRY(tokens_read(r, vocab_size, pieces, err));
    ASSAY_TRY(tokens_write(r, err));
    if (pieces) return merges_find(r, err);
    ASSAY_TRY(split_write(r, err));
    return merges_copy(r, err);
}

assay_status assay_tokenizer_gguf(char **json, size_t *size, const assay_gguf *file,
                                  uint32_t vocab_size, assay_error *err) {
    reader r = {.file = file};
    *json = NULL;
    *size = 0;
    assay_status status = all_read(&r, vocab_size, err);
    if (status == ASSAY_OK) {
        *json = json_dumps(r.json, JSON_COMPACT);
        if (!*json) status = ASSAY_FAIL(err, MEMORY, "no memory for a tokenizer.json");
        if (*json) *size = strlen(*json);
    }
    assay_vocab_close(&r.vocab);
    json_decref(r.json);
    return status;
}
