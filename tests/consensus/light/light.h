// SPDX-License-Identifier: Apache-2.0
// Light blocks out of vectors, as the code under test reads them.
#ifndef ASSAY_TESTS_CONSENSUS_LIGHT_LIGHT_H
#define ASSAY_TESTS_CONSENSUS_LIGHT_LIGHT_H

#include "consensus/light/verify.h"
#include "tests/consensus/cometbft.h"

// tests/vectors/light.json, or what ASSAY_LIGHT_VECTORS names: the live test makes one anew.
static inline json_t *light_vectors(void) {
    const char *path = getenv("ASSAY_LIGHT_VECTORS");
    json_t *root;
    if (!path) return vectors_read("light.json");
    must(assay_json_read_many(&root, path, 256 << 20, SIZE_MAX, err));
    return root;
}

// A time is only read as a header's.
static inline assay_time light_time(const json_t *any_block, const json_t *text) {
    json_t *copy = json_deep_copy(any_block);
    assay_arena arena;
    assay_light_block block;
    json_object_set(vectors_at(copy, "signed_header.header"), "time", (json_t *)text);
    assay_arena_init(&arena, ASSAY_LIGHT_ARENA_MAX);
    must(assay_light_document_read(&block, copy, &arena, err));
    assay_time time = block.header.time;
    assay_arena_close(&arena);
    json_decref(copy);
    return time;
}

// A question of the vectors and what CometBFT answers.
typedef struct {
    assay_arena arena;
    assay_light_block trusted, block;
    assay_light_policy policy;
    assay_time now;
    const char *name, *verdict, *reason;
} light_case;

// Errors: as those of reading `block`; the trusted one reads.
static inline assay_status light_case_read(light_case *out, const json_t *root, const json_t *one,
                                           assay_error *err) {
    const json_t *trusted = json_object_get(one, "trusted");
    *out = (light_case){
        .policy = {.chain_id = text_at(root, "chain_id"),
                   .trusting_seconds = number_at(one, "trusting_seconds"),
                   .drift_seconds = number_at(one, "drift_seconds"),
                   .trust_numerator = (uint32_t)number_at(one, "trust_numerator"),
                   .trust_denominator = (uint32_t)number_at(one, "trust_denominator")},
        .now = light_time(trusted, json_object_get(one, "now")),
        .name = text_at(one, "name"),
        .verdict = text_at(one, "verdict"),
        .reason = text_at(one, "reason"),
    };
    assay_arena_init(&out->arena, ASSAY_LIGHT_ARENA_MAX);
    assay_error why = {0};
    if (assay_light_document_read(&out->trusted, trusted, &out->arena, &why) != ASSAY_OK)
        fail_msg("%s: %s", out->name, why.text);
    return assay_light_document_read(&out->block, json_object_get(one, "block"), &out->arena, err);
}

#endif
