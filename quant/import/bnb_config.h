// SPDX-License-Identifier: Apache-2.0
// quantization_config of a config.json, as transformers writes it for bitsandbytes.
#ifndef ASSAY_QUANT_IMPORT_BNB_CONFIG_H
#define ASSAY_QUANT_IMPORT_BNB_CONFIG_H

#include "base/json.h"

// Whether a configuration says that linears may be NF4: quantization_config is absent, null or
// empty (no), or bitsandbytes' 4 bits of type nf4 (yes). Which linears, and with which second
// level, the tensors say. Errors: FORMAT, UNSUPPORTED (any other quantisation), UNKNOWN (a member).
// Spec: F-14.
assay_status assay_bnb_config_read(bool *nf4, const json_t *config, assay_error *err);

#endif
