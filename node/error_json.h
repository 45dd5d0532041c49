// SPDX-License-Identifier: Apache-2.0
// One JSON form of an error, whoever tells it: the API, a command with --json, a provider.
#ifndef ASSAY_NODE_ERROR_JSON_H
#define ASSAY_NODE_ERROR_JSON_H

#include <jansson.h>

#include "base/status.h"

// The number people are told: a ledger rule's if one refused, else the status's. Spec: F-9.
uint32_t assay_error_code(const assay_error *err);

// {"code","name","reject","text"}, and "next" unless it is NULL. Returns: a new reference, NULL if
// memory is out. Spec: F-9.
json_t *assay_error_to_json(const assay_error *err, const char *next);

// Takes over another program's error. Errors: the one it names; NETWORK if it names none that this
// program knows. `from` stands for a missing sentence. Spec: F-9.
assay_status assay_error_from_json(assay_error *err, const json_t *error, const char *from);

#endif
