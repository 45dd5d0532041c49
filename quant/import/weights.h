// SPDX-License-Identifier: Apache-2.0
// Tensors of a source, checked and written as canonical operands: some rows at a time on every
// thread, the same bytes for any number of them.
#ifndef ASSAY_QUANT_IMPORT_WEIGHTS_H
#define ASSAY_QUANT_IMPORT_WEIGHTS_H

#include "base/pool.h"
#include "quant/canonical.h"
#include "quant/import/source.h"

// Where converted tensors go: an open file and its laid-out list.
typedef struct {
    assay_canonical_writer *writer;
    const assay_tensor_list *list;
    assay_pool *pool; // may be NULL
    // Called on the caller's thread with the source bytes that came to an end; may be NULL.
    void (*advance)(void *context, uint64_t bytes);
    void *context;
} assay_weights_target;

// Converts a whole tensor of rank 1 (f32) or 2 and writes it as `name` (F32), as `name`.q and
// .scales, or as `name`.codes, .ratios and .scales; the shapes agree. To q4 the codes of an NF4
// tensor stay as they are. Memory: at most 1 MiB of rows, or one row, for each thread. Errors: as
// assay_source_rows and assay_source_nf4_rows, of the first row that has one; MEMORY, DISK_FULL,
// IO. Spec: N-5, N-6, F-5, F-14.
assay_status assay_weights_write_f32(const assay_weights_target *target, const char *name,
                                     const assay_source *source, const assay_source_tensor *tensor,
                                     assay_error *err);
assay_status assay_weights_write_q8(const assay_weights_target *target, const char *name,
                                    const assay_source *source, const assay_source_tensor *tensor,
                                    assay_error *err);
assay_status assay_weights_write_q4(const assay_weights_target *target, const char *name,
                                    const assay_source *source, const assay_source_tensor *tensor,
                                    assay_error *err);

#endif
