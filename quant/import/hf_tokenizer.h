// SPDX-License-Identifier: Apache-2.0
// What the files beside tokenizer.json in a Hugging Face folder would change in it. Only
// tokenizer.json is kept in a model; transformers' AutoTokenizer lays tokenizer_config.json over
// it, and a folder where that gives other ids is refused.
#ifndef ASSAY_QUANT_IMPORT_HF_TOKENIZER_H
#define ASSAY_QUANT_IMPORT_HF_TOKENIZER_H

#include "base/json.h"
#include "quant/tokenizer/tokenizer.h"

// Checks the files of a folder, none of which need be there, against its tokenizer.json. Errors:
// UNSUPPORTED (text would have other ids); FORMAT and as assay_json_read_many. Spec: F-8.
assay_status assay_hf_tokenizer_check(const assay_tokenizer *tokenizer, const char *folder,
                                      assay_error *err);

// The same of what is in them: tokenizer_config.json, and special_tokens_map.json and
// added_tokens.json, either of which may be NULL. config is changed. Errors: UNSUPPORTED, FORMAT,
// MISSING, MEMORY. Spec: F-8.
assay_status assay_hf_tokenizer_config_check(const assay_tokenizer *tokenizer, json_t *config,
                                             const json_t *special, const json_t *added,
                                             assay_error *err);

#endif
