// SPDX-License-Identifier: Apache-2.0
// The tables of ledger/tx/field.h as JSON, in two manners: for people and files, and for wallets.
#ifndef ASSAY_LEDGER_TX_FIELD_JSON_H
#define ASSAY_LEDGER_TX_FIELD_JSON_H

#include <jansson.h>

#include "ledger/tx/field.h"

enum { ASSAY_FIELD_NAME_MAX = 64 };

// PLAIN: snake_case, integers of 2^53 and more as decimal strings (P-16). TYPED: camelCase, every
// integer of 64 bits and more as a decimal string, as wallets want it (P-5).
typedef enum { ASSAY_JSON_PLAIN, ASSAY_JSON_TYPED } assay_json_manner;

// open_session to openSession, or to OpenSession with upper. out[ASSAY_FIELD_NAME_MAX]. Spec: P-5.
void assay_field_camel(char *out, const char *snake, bool upper);

// Any integer as a decimal string. Returns: a new reference, NULL if memory is out. Spec: P-16.
json_t *assay_json_decimal(assay_u128 value);

// Adds the struct's fields to an object, in wire order. Returns: false if memory is out.
// Spec: P-5, P-16.
bool assay_schema_json_add(json_t *object, const assay_schema *schema, const void *in,
                           assay_json_manner manner);

// Fills the struct from an object's members in the plain manner. Names the table does not have are
// left to the caller; rows are checked here. Texts, blobs and lists are copied into the arena.
// Errors: MISSING, FORMAT, RANGE, UNKNOWN, CAPACITY. Spec: P-16.
assay_status assay_schema_json_read(const assay_schema *schema, void *out, const json_t *object,
                                    assay_arena *arena, assay_error *err);

// Refuses members that are neither in the table nor in `more` (NULL-terminated).
// Errors: UNKNOWN, FORMAT. Spec: P-16.
assay_status assay_schema_json_names(const assay_schema *schema, const char *const *more,
                                     const json_t *object, const char *what, assay_error *err);

#endif
