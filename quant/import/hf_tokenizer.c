// SPDX-License-Identifier: Apache-2.0
#include "quant/import/hf_tokenizer.h"

#include <limits.h>

#include "base/file.h"
#include "quant/tokenizer/json.h"
#include "quant/tokenizer/json_expect.h"

// Two thousand added tokens with all their flags, and chat templates.
enum { FILE_MAX = 1 << 20, VALUES_MAX = 1 << 16 };

// The rules are transformers' (tests/oracles/tokenizer_config.py asks it).
typedef struct {
    const assay_tokenizer *tokenizer;
    const json_t *config;  // with special_tokens_map.json over it, where that counts
    const json_t *decoder; // added_tokens_decoder, or NULL
    json_t *decoded;       // the contents of its entries
    json_t *named;         // the contents of the tokens that have a part to play
} overlay;

static assay_status content_keep(json_t *contents, const char *content, assay_error *err) {
    if (json_object_set_new(contents, content, json_true()) != 0)
        return ASSAY_FAIL(err, MEMORY, "no memory for the name of a token");
    return ASSAY_OK;
}

// ---- tokens ---------------------------------------------------------------------------------

static const assay_added *added_find(const assay_tokenizer *tokenizer, const char *content) {
    for (uint32_t i = 0; i < tokenizer->added_count; i++)
        if (strcmp(tokenizer->added[i].content, content) == 0) return &tokenizer->added[i];
    return NULL;
}

// The library adds a token that is none, even one of the vocabulary, and none that is empty.
static assay_status content_check(const assay_tokenizer *tokenizer, const char *content,
                                  const char *name, assay_error *err) {
    if (*content && !added_find(tokenizer, content))
        return ASSAY_FAIL(err, UNSUPPORTED,
                          "%s adds \"%.64s\", which is no added token of tokenizer.json", name,
                          content);
    return ASSAY_OK;
}

// Whether no other text is normalized to it, by NFC or to U+2581 for spaces. Of what is not ASCII
// NFC makes no ASCII but these three characters.
static bool normal_alone(const char *content) {
    for (; *content; content++)
        if ((uint8_t)*content >= 0x80 || strchr(" K;`", *content)) return false;
    return true;
}

// Whether it makes a difference that a token is sought in the normalized text, or not there,
// against what tokenizer.json says: of a special token the library keeps that; another is sought as
// both say, first in the text.
static bool seeking_differs(const assay_tokenizer *tokenizer, const assay_added *added,
                            bool normalized) {
    bool normalizer = tokenizer->nfc || tokenizer->space_early;
    if (added->special || normalized == added->normalized) return false;
    return !normalized || (normalizer && !normal_alone(added->content));
}

// A token that is given with its flags takes the place of tokenizer.json's, all of which but
// `normalized` are false; that one counts beside a decoder only.
static assay_status flags_check(const overlay *o, const json_t *token, const char *content,
                                bool special, const char *name, assay_error *err) {
    static const char *const off[] = {"single_word", "lstrip", "rstrip"};
    const assay_added *added = added_find(o->tokenizer, content);
    bool flag;
    for (size_t i = 0; i < ASSAY_COUNT(off); i++) {
        ASSAY_TRY(assay_expect_flag_read(&flag, token, off[i], false, err));
        if (flag && *content)
            return ASSAY_FAIL(err, UNSUPPORTED, "%s gives \"%.64s\" %s, tokenizer.json does not",
                              name, content, off[i]);
    }
    ASSAY_TRY(assay_expect_flag_read(&flag, token, "normalized", !special, err));
    if (!o->decoder || !added || !seeking_differs(o->tokenizer, added, flag)) return ASSAY_OK;
    return ASSAY_FAIL(err, UNSUPPORTED, "%s has normalized %s for \"%.64s\", not tokenizer.json",
                      name, flag ? "true" : "false", content);
}

// A token with a part to play: a text, an object with its flags, or null. Where a decoder entry has
// a token, that one's flags count, but not before those of a list's.
static assay_status named_check(overlay *o, const json_t *token, const char *name, bool listed,
                                assay_error *err) {
    const char *content = json_string_value(token);
    if (!token || json_is_null(token)) return ASSAY_OK;
    if (json_is_object(token))
        ASSAY_TRY(assay_json_text(&content, token, "content", FILE_MAX, err));
    if (!content) return ASSAY_FAIL(err, FORMAT, "%s is neither a text nor a token", name);
    ASSAY_TRY(content_keep(o->named, content, err));
    bool decoded = json_object_get(o->decoded, content);
    if (!decoded) ASSAY_TRY(content_check(o->tokenizer, content, name, err));
    // Without any decoder the library takes the flags of tokenizer.json.
    if (!json_is_object(token) || (!listed && (decoded || !o->decoder))) return ASSAY_OK;
    return flags_check(o, token, content, true, name, err);
}

// A list of tokens, or an object of them by names.
static assay_status list_check(overlay *o, const char *name, assay_error *err) {
    json_t *list = json_object_get(o->config, name), *token;
    const char *member;
    size_t i;
    if (!list || json_is_null(list)) return ASSAY_OK;
    if (!json_is_array(list) && !json_is_object(list))
        return ASSAY_FAIL(err, FORMAT, "%s is no list", name);
    json_array_foreach(list, i, token) ASSAY_TRY(named_check(o, token, name, true, err));
    json_object_foreach(list, member, token) ASSAY_TRY(named_check(o, token, name, true, err));
    return ASSAY_OK;
}

static assay_status tokens_check(overlay *o, assay_error *err) {
    static const char *const names[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                        "pad_token", "cls_token", "mask_token"};
    for (size_t i = 0; i < ASSAY_COUNT(names); i++)
        ASSAY_TRY(named_check(o, json_object_get(o->config, names[i]), names[i], false, err));
    ASSAY_TRY(list_check(o, "additional_special_tokens", err));
    return list_check(o, "extra_special_tokens", err);
}

// ---- the decoder ----------------------------------------------------------------------------

static assay_status decoder_read(overlay *o, assay_error *err) {
    const char *id, *content;
    json_t *entry;
    if (!json_object_get(o->config, "added_tokens_decoder")) return ASSAY_OK;
    ASSAY_TRY(assay_json_object(&o->decoder, o->config, "added_tokens_decoder", err));
    json_object_foreach((json_t *)o->decoder, id, entry) {
        if (!json_is_object(entry))
            return ASSAY_FAIL(err, FORMAT, "added_tokens_decoder \"%.64s\" is not an object", id);
        ASSAY_TRY(assay_json_text(&content, entry, "content", FILE_MAX, err));
        ASSAY_TRY(content_keep(o->decoded, content, err));
    }
    return ASSAY_OK;
}

// The ids are passed over by the library.
static assay_status decoder_check(overlay *o, assay_error *err) {
    static const char name[] = "added_tokens_decoder";
    const char *id;
    json_t *entry;
    json_object_foreach((json_t *)o->decoder, id, entry) {
        const char *content = json_string_value(json_object_get(entry, "content"));
        bool special;
        ASSAY_TRY(content_check(o->tokenizer, content, name, err));
        ASSAY_TRY(assay_expect_flag_read(&special, entry, "special", false, err));
        special = special || json_object_get(o->named, content);
        ASSAY_TRY(flags_check(o, entry, content, special, name, err));
    }
    return ASSAY_OK;
}

// ---- other members --------------------------------------------------------------------------

// Llama's class takes SentencePiece's own tokenizer.model in place of tokenizer.json where one of
// two members is there, with a space in front as they say.
static assay_status spaces_check(const assay_tokenizer *tokenizer, const json_t *config,
                                 assay_error *err) {
    const char *class = json_string_value(json_object_get(config, "tokenizer_class"));
    const json_t *prefix = json_object_get(config, "add_prefix_space");
    bool stated = prefix && !json_is_null(prefix);
    if (class && strncmp(class, "Llama", 5) != 0) return ASSAY_OK;
    if (!stated && !json_is_true(json_object_get(config, "from_slow"))) return ASSAY_OK;
    assay_space_rule wanted =
        json_is_false(json_object_get(config, "legacy")) ? ASSAY_SPACE_FIRST : ASSAY_SPACE_ALWAYS;
    if (!json_is_true(prefix)) wanted = ASSAY_SPACE_NEVER;
    if (tokenizer->space != wanted)
        return ASSAY_FAIL(err, UNSUPPORTED,
                          "%s is %s, for which tokenizer.json's spaces are others",
                          stated ? "add_prefix_space" : "from_slow",
                          !stated || json_is_true(prefix) ? "true" : "false");
    return ASSAY_OK;
}

static assay_status members_check(const assay_tokenizer *tokenizer, const json_t *config,
                                  assay_error *err) {
    const char *file = json_string_value(json_object_get(config, "tokenizer_file"));
    ASSAY_TRY(assay_expect_flag(config, "split_special_tokens", false, false, err));
    if (file)
        return ASSAY_FAIL(err, UNSUPPORTED, "tokenizer_file is \"%.64s\", not tokenizer.json",
                          file);
    if (tokenizer->level_alone && json_is_true(json_object_get(config, "add_prefix_space")))
        return ASSAY_FAIL(err, UNSUPPORTED, "add_prefix_space is true, tokenizer.json's is false");
    return tokenizer->split ? ASSAY_OK : spaces_check(tokenizer, config, err);
}

// ---- the files ------------------------------------------------------------------------------

// Members of special_tokens_map.json take the place of the others, and its list is added to theirs.
static assay_status special_lay(json_t *config, const json_t *special, assay_error *err) {
    static const char name[] = "additional_special_tokens";
    json_t *list = json_incref(json_object_get(config, name));
    const json_t *more = json_object_get(special, name);
    int failed = json_object_update(config, (json_t *)special);
    if (!failed && json_is_array(more) && json_is_array(list)) {
        failed = json_array_extend(list, (json_t *)more);
        if (!failed) failed = json_object_set(config, name, list);
    }
    json_decref(list);
    if (failed) return ASSAY_FAIL(err, MEMORY, "no memory for special_tokens_map.json");
    return ASSAY_OK;
}

static assay_status legacy_check(const assay_tokenizer *tokenizer, json_t *config,
                                 const json_t *special, const json_t *added, assay_error *err) {
    const char *content;
    json_t *id;
    if (special && !json_is_object(special))
        return ASSAY_FAIL(err, FORMAT, "special_tokens_map.json is not an object");
    if (added && !json_is_object(added))
        return ASSAY_FAIL(err, FORMAT, "added_tokens.json is not an object");
    if (special) ASSAY_TRY(special_lay(config, special, err));
    json_object_foreach((json_t *)added, content, id)
        ASSAY_TRY(content_check(tokenizer, content, "added_tokens.json", err));
    return ASSAY_OK;
}

static assay_status overlay_check(overlay *o, assay_error *err) {
    if (!o->decoded || !o->named) return ASSAY_FAIL(err, MEMORY, "no memory for names of tokens");
    ASSAY_TRY(members_check(o->tokenizer, o->config, err));
    ASSAY_TRY(decoder_read(o, err));
    ASSAY_TRY(tokens_check(o, err));
    return decoder_check(o, err);
}

assay_status assay_hf_tokenizer_config_check(const assay_tokenizer *tokenizer, json_t *config,
                                             const json_t *special, const json_t *added,
                                             assay_error *err) {
    if (!json_is_object(config))
        return ASSAY_FAIL(err, FORMAT, "tokenizer_config.json is not an object");
    if (!json_object_get(config, "added_tokens_decoder"))
        ASSAY_TRY(legacy_check(tokenizer, config, special, added, err));
    overlay o = {
        .tokenizer = tokenizer, .config = config, .decoded = json_object(), .named = json_object()};
    assay_status status = overlay_check(&o, err);
    json_decref(o.decoded);
    json_decref(o.named);
    return status;
}

// NULL where there is no such file.
static assay_status file_read(json_t **out, const char *folder, const char *name,
                              assay_error *err) {
    char path[PATH_MAX];
    *out = NULL;
    ASSAY_TRY(assay_path_join(path, sizeof path, folder, name, err));
    assay_status status = assay_json_read_many(out, path, FILE_MAX, VALUES_MAX, err);
    return status == ASSAY_NOT_FOUND ? ASSAY_OK : status;
}

assay_status assay_hf_tokenizer_check(const assay_tokenizer *tokenizer, const char *folder,
                                      assay_error *err) {
    json_t *config, *special = NULL, *added = NULL;
    assay_status status = file_read(&config, folder, "tokenizer_config.json", err);
    if (status == ASSAY_OK && !config) config = json_object();
    // Where they do not count they are not looked at.
    if (status == ASSAY_OK && !json_object_get(config, "added_tokens_decoder")) {
        status = file_read(&special, folder, "special_tokens_map.json", err);
        if (status == ASSAY_OK) status = file_read(&added, folder, "added_tokens.json", err);
    }
    if (status == ASSAY_OK)
        status = assay_hf_tokenizer_config_check(tokenizer, config, special, added, err);
    json_decref(config);
    json_decref(special);
    json_decref(added);
    return status;
}
