// SPDX-License-Identifier: Apache-2.0
// config.json and generation_config.json of a Hugging Face folder: Llama, Mistral, Qwen2 and Qwen3.
#ifndef ASSAY_QUANT_IMPORT_HF_CONFIG_H
#define ASSAY_QUANT_IMPORT_HF_CONFIG_H

#include "base/json.h"
#include "quant/import/hf_rope.h"
#include "quant/model.h"

typedef struct {
    assay_model_shape shape; // vocab_q4 is the importer's choice
    double rope_theta;
    assay_rope_scaling rope_scaling;
    bool tied; // the head is the embedding
    bool nf4;  // linears may be bitsandbytes NF4 (F-14)
} assay_hf_config;

// Reads a configuration. Whatever would change the result and is not this arithmetic's is refused
// by name; members that cannot change it are passed over by name; any other member is refused.
// context: as assay_context_choose. Errors: MISSING, FORMAT, RANGE (counts, eps, theta),
// UNSUPPORTED (a feature), UNKNOWN (a member). Spec: F-10, F-27.
assay_status assay_hf_config_read(assay_hf_config *out, const json_t *config, uint32_t context,
                                  assay_error *err);

// Reads generation_config.json, whose eos_token_id, unless absent or null, takes the place of the
// configuration's stop ids; its other members are of sampling. Errors: FORMAT, CAPACITY, RANGE.
// Spec: F-10.
assay_status assay_hf_generation_read(assay_model_shape *shape, const json_t *generation,
                                      assay_error *err);

// The positions that a model is imported with: those it states, or the first `context` of them
// where that is not 0. Errors: RANGE (more than it states; either over the limit). Spec: F-10.
assay_status assay_context_choose(uint32_t *out, uint32_t stated, uint32_t context,
                                  assay_error *err);

// Adds to the ascending list, which has room, unless the id is there.
void assay_stop_add(assay_model_shape *shape, uint32_t id);

// Whether `name` stands in the NULL-terminated list.
bool assay_name_listed(const char *name, const char *const *list);

// Checks the members of a configuration against three NULL-terminated lists. Errors: FORMAT (not an
// object), UNSUPPORTED (a member of `neutral` that is not null, false or empty), UNKNOWN (a member
// of no list). Spec: F-10, F-11.
assay_status assay_config_names_check(const json_t *config, const char *const *read,
                                      const char *const *neutral, const char *const *ignored,
                                      assay_error *err);

#endif
