// SPDX-License-Identifier: Apache-2.0
// Tokenizers of recorded vectors: the demo's or a SentencePiece one, with members of their own.
#ifndef ASSAY_TESTS_QUANT_RECORDED_H
#define ASSAY_TESTS_QUANT_RECORDED_H

#include "quant/tokenizer/tokenizer.h"
#include "tests/vectors.h"

enum { RECORDED_VOCAB = 2100 };

static json_t *vectors, *demo_json, *spm_vectors;

static inline int recorded_open(const char *name) {
    assay_error err = {0};
    vectors = vectors_read(name);
    spm_vectors = vectors_read("tokenizer_spm.json");
    if (assay_json_read_many(&demo_json, ASSAY_SOURCE_DIR "/testnet/model/tokenizer.json", 1 << 20,
                             SIZE_MAX, &err) != ASSAY_OK)
        fail_msg("%s", err.text);
    return 0;
}

static inline int recorded_close(void **state) {
    json_decref(demo_json);
    json_decref(spm_vectors);
    json_decref(vectors);
    return 0;
}

// members: beside the recorded ones, may be NULL, and is released.
static inline assay_tokenizer *recorded_tokenizer(const char *name, json_t *members) {
    json_t *entry = json_object_get(json_object_get(vectors, "tokenizers"), name);
    bool demo = strcmp(json_string_value(json_object_get(entry, "base")), "demo") == 0;
    json_t *json = json_deep_copy(demo ? demo_json : json_object_get(spm_vectors, "tokenizer"));
    assay_tokenizer *out;
    assay_error err = {0};
    json_object_update(json, json_object_get(entry, "change"));
    if (members) json_object_update(json, members);
    json_decref(members);
    char *text = json_dumps(json, JSON_COMPACT);
    if (assay_tokenizer_open(&out, (uint8_t *)text, strlen(text), RECORDED_VOCAB, &err) != ASSAY_OK)
        fail_msg("%s: %s", name, err.text);
    free(text);
    json_decref(json);
    return out;
}

#endif
