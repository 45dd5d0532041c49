// SPDX-License-Identifier: Apache-2.0
// What a command's --out may replace: nothing, or an older file of the kind that it writes.
#ifndef ASSAY_NODE_CMD_OUTPUT_H
#define ASSAY_NODE_CMD_OUTPUT_H

#include "base/status.h"

// What a file of the kind is called, and what stands in its first bytes.
typedef struct {
    const char *name, *mark;
} assay_output_kind;

extern const assay_output_kind assay_output_model, assay_output_adapter, assay_output_proof;

// Before the work is done. An empty file is as good as none; a link is not followed, for it would
// be the link that is replaced. Errors: EXISTS, PERMISSION, IO. Spec: F-9.
assay_status assay_output_check(const char *path, const assay_output_kind *kind, assay_error *err);

#endif
