// SPDX-License-Identifier: Apache-2.0
// Models, and adapters with their lineage: registered once, as one of the two, fixed for ever.
#ifndef ASSAY_LEDGER_REGISTRY_H
#define ASSAY_LEDGER_REGISTRY_H

#include "ledger/bond.h"
#include "ledger/dataset.h"
#include "ledger/declared.h"

// A base model. Fixed for ever but for its bond.
typedef struct {
    assay_address owner; // publisher or tuner
    uint64_t registered; // height
    uint64_t byte_count;
    uint32_t royalty_ppm;
    uint64_t bond; // nopen
    char name[ASSAY_NAME_SIZE_MAX + 1];
    char uri[ASSAY_URI_SIZE_MAX + 1];
} assay_model_entry;

typedef struct {
    assay_model_entry entry;
    assay_hash base;
    uint32_t source_count;
    assay_source_row sources[ASSAY_SOURCES_MAX]; // ascending by dataset; weights sum 1,000,000
} assay_adapter_entry;

// Errors: CORRUPT, MEMORY, IO. Spec: P-34, P-35.
assay_status assay_model_get(assay_model_entry *out, bool *found, const assay_reader *reader,
                             const assay_hash *root, assay_error *err);
assay_status assay_adapter_get(assay_adapter_entry *out, bool *found, const assay_reader *reader,
                               const assay_hash *root, assay_error *err);

// Ascending by root; start from the zero hash. Errors: CORRUPT, MEMORY, IO.
assay_status assay_model_next(assay_hash *root, assay_model_entry *out, bool *found,
                              const assay_reader *reader, assay_error *err);
assay_status assay_adapter_next(assay_hash *root, assay_adapter_entry *out, bool *found,
                                const assay_reader *reader, assay_error *err);

// Refuses what a provider may not be paid for: model unknown, adapter unknown or of another base,
// either declared by <= 2/3 of verification bond without the provider. adapter zero: none.
// byte_count: that of model and adapter together. Errors: REJECTED (MODEL_UNKNOWN, ADAPTER_UNKNOWN,
// ADAPTER_BASE, NOT_DECLARED), CORRUPT, MEMORY, IO. Spec: P-36.
assay_status assay_registry_payable(uint64_t *byte_count, const assay_reader *reader,
                                    const assay_params *params, const assay_hash *model,
                                    const assay_hash *adapter, const assay_address *provider,
                                    assay_error *err);

// Transactions. Errors: REJECTED (MODEL_EXISTS, MODEL_UNKNOWN, ADAPTER_EXISTS, ADAPTER_SIZE,
// DATASET_UNKNOWN, DATASET_RETIRED, ROYALTY, ROOT_ZERO, COMMITMENT_UNKNOWN, COMMITMENT_EARLY,
// BALANCE_SHORT, AGENT_LIMIT), CAPACITY, CORRUPT, MEMORY, IO. Spec: P-34, P-35.
assay_status assay_model_register(assay_ledger *ledger, const assay_tx *tx, assay_error *err);
assay_status assay_adapter_register(assay_ledger *ledger, const assay_tx *tx, assay_error *err);

#endif
