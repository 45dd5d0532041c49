// SPDX-License-Identifier: Apache-2.0
#include "node/duty_json.h"

#include "base/json.h"

// [assay_duty_kind]
static const char *const kinds[] = {"none", "commit", "reveal", "answer_leaf", "answer_table"};

json_t *assay_duty_json(const assay_duty *duty) {
    return json_pack(
        "{s:s,s:o,s:o,s:i,s:o,s:o,s:b,s:b,s:o}", "kind", kinds[duty->kind], "batch",
        assay_json_from_hash(&duty->batch), "sample", assay_json_from_u64(duty->sample), "round",
        (int)duty->round, "position", assay_json_from_u64(duty->position), "deadline",
        assay_json_from_u64(duty->deadline), "leaf_posted", (int)duty->leaf_posted, "table_posted",
        (int)duty->table_posted, "commitment", assay_json_from_hash(&duty->commitment));
}

assay_status assay_duty_read(assay_duty *out, const json_t *object, assay_error *err) {
    const char *kind;
    uint64_t sample, round;
    *out = (assay_duty){0};
    ASSAY_TRY(assay_json_text(&kind, object, "kind", 32, err));
    for (size_t i = 0; i < ASSAY_COUNT(kinds); i++)
        if (strcmp(kind, kinds[i]) == 0) out->kind = (assay_duty_kind)i;
    ASSAY_TRY(assay_json_hash(&out->batch, object, "batch", err));
    ASSAY_TRY(assay_json_u64(&sample, object, "sample", 0, UINT32_MAX, err));
    ASSAY_TRY(assay_json_u64(&round, object, "round", 0, UINT8_MAX, err));
    ASSAY_TRY(assay_json_u64(&out->position, object, "position", 0, UINT64_MAX, err));
    ASSAY_TRY(assay_json_u64(&out->deadline, object, "deadline", 0, UINT64_MAX, err));
    ASSAY_TRY(assay_json_hash(&out->commitment, object, "commitment", err));
    out->sample = (uint32_t)sample;
    out->round = (uint8_t)round;
    out->leaf_posted = json_is_true(json_object_get(object, "leaf_posted"));
    out->table_posted = json_is_true(json_object_get(object, "table_posted"));
    return ASSAY_OK;
}
