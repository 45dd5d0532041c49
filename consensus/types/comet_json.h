// SPDX-License-Identifier: Apache-2.0
// Values as CometBFT's JSON has them: numbers as texts, hashes in capital digits, times in UTC,
// keys in base64 under their type. Each gives a new reference, NULL if memory is out. Spec: E-40.
#ifndef ASSAY_CONSENSUS_TYPES_COMET_JSON_H
#define ASSAY_CONSENSUS_TYPES_COMET_JSON_H

#include <jansson.h>

#include "consensus/types/header.h"

#define ASSAY_COMET_KEY_TYPE "tendermint/PubKeyEd25519"

json_t *assay_comet_number_json(uint64_t value);
json_t *assay_comet_hex_json(const uint8_t *data, size_t size); // at most 32 bytes
json_t *assay_comet_time_json(const assay_time *time);
json_t *assay_comet_base64_json(const uint8_t *data, size_t size); // at most 64 bytes
json_t *assay_comet_key_json(const char *type, const uint8_t *key, size_t size);

#endif
