// SPDX-License-Identifier: Apache-2.0
// Safetensors files as a source: BF16, F16 and F32 tensors, each under its own name, and those that
// bitsandbytes made NF4, under the name of the weight.
#ifndef ASSAY_QUANT_IMPORT_SOURCE_SAFETENSORS_H
#define ASSAY_QUANT_IMPORT_SOURCE_SAFETENSORS_H

#include "quant/import/source.h"

// Opens one file, or the model.safetensors of a folder, single or in shards. Errors: those of
// assay_shards_open and assay_nf4_tensor_bind; MEMORY, UNSUPPORTED (a quant state that is not nf4),
// DUPLICATE (two of one tensor). Lives: until assay_source_close. Spec: F-4, F-12, F-13, F-14.
assay_status assay_source_safetensors_file(assay_source **out, const char *path, assay_error *err);
assay_status assay_source_safetensors_folder(assay_source **out, const char *folder,
                                             assay_error *err);

#endif
