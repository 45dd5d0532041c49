// SPDX-License-Identifier: Apache-2.0
// Duties as the node's API tells them, and back.
#ifndef ASSAY_NODE_DUTY_JSON_H
#define ASSAY_NODE_DUTY_JSON_H

#include <jansson.h>

#include "ledger/duty.h"

enum { ASSAY_DUTIES_MAX = 256 }; // of one answer

// Returns: a new reference, NULL if memory is out. Spec: F-40.
json_t *assay_duty_json(const assay_duty *duty);

// A kind that is not known is 0. Errors: FORMAT, MISSING, RANGE. Spec: F-3.
assay_status assay_duty_read(assay_duty *out, const json_t *object, assay_error *err);

#endif
