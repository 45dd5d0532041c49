// SPDX-License-Identifier: Apache-2.0
// adapter_config.json of a PEFT LoRA folder.
#ifndef ASSAY_QUANT_IMPORT_PEFT_CONFIG_H
#define ASSAY_QUANT_IMPORT_PEFT_CONFIG_H

#include "base/json.h"

// Borrows from the JSON it was read from.
typedef struct {
    uint32_t rank;
    double alpha;
    bool rank_stabilised;        // scale = alpha / sqrt(rank) instead of alpha / rank
    const json_t *targets;       // list of module names, NULL: all linears
    const json_t *rank_pattern;  // object of module name endings, or NULL
    const json_t *alpha_pattern; // likewise
} assay_peft_config;

// Reads a configuration. Whatever would change the result and is not plain LoRA on the seven
// linears is refused by name, as are members it does not know.
// Errors: MISSING, FORMAT, RANGE (rank, alpha), UNSUPPORTED (a feature), UNKNOWN (a member).
// Lives: as long as the JSON. Spec: F-11.
assay_status assay_peft_config_read(assay_peft_config *out, const json_t *config, assay_error *err);

// Whether a module's name is `ending`, or ends so after a dot. Spec: F-11.
bool assay_peft_fits(const char *ending, const char *module);

// Whether the module "model.layers.0.self_attn.q_proj" is targeted; marks the list entries that
// say so in used[] (NULL: none are). Spec: F-11.
bool assay_peft_targeted(const assay_peft_config *config, const char *module, bool *used);

// Rank and scale of a module; patterns apply, the first that fits. That each of them fits some
// targeted module is the caller's to check, who knows them. Errors: RANGE. Spec: F-11.
assay_status assay_peft_scale(uint32_t *rank, float *scale, const assay_peft_config *config,
                              const char *module, assay_error *err);

#endif
