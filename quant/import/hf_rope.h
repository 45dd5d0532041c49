// SPDX-License-Identifier: Apache-2.0
// The rotary part of a Hugging Face config.json.
#ifndef ASSAY_QUANT_IMPORT_HF_ROPE_H
#define ASSAY_QUANT_IMPORT_HF_ROPE_H

#include "base/json.h"
#include "quant/inv_freq.h"

// Reads rope_theta and rope_scaling, or rope_parameters, which holds both. theta is 10^4 where
// nothing says otherwise. Errors: FORMAT, MISSING, DUPLICATE (rope_parameters beside the others),
// UNSUPPORTED (another type of scaling), UNKNOWN (a member), RANGE (theta outside 1 .. 2^40; a
// context that is no count). Spec: F-27.
assay_status assay_hf_rope_read(double *theta, assay_rope_scaling *scaling, const json_t *config,
                                assay_error *err);

// A number, needed. Errors: MISSING, FORMAT.
assay_status assay_hf_number_read(double *out, const json_t *object, const char *name,
                                  assay_error *err);

#endif
