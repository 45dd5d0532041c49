// SPDX-License-Identifier: Apache-2.0
// A folder with what reruns need, so that an audit needs no one's help:
//   model.safetensors · adapters/* · datasets/* · evidence/<batch root>/{receipts,leaf/<index>}
// None of it is believed: models, adapters and data sets are found by their roots, evidence by that
// of its batch.
#ifndef ASSAY_NODE_AUDIT_ARCHIVE_H
#define ASSAY_NODE_AUDIT_ARCHIVE_H

#include "node/workshop/workshop.h"

// Adds the folder's files to those named already: the model where none is, every adapter and every
// data set (hidden files aside), and the folder itself to `evidence`. What the folder lacks is left
// out. Errors: CAPACITY (the arena, or a path too long), MEMORY, IO, PERMISSION.
// Lives: the paths in the arena; folder is borrowed as long. Spec: F-52.
assay_status assay_archive_add(assay_workshop_options *options, assay_option_texts *evidence,
                               const char *folder, assay_arena *arena, assay_error *err);

#endif
