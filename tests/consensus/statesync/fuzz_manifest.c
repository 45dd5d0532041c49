// SPDX-License-Identifier: Apache-2.0
// Any bytes are a manifest or are refused; one that reads is written again as the same bytes.
#include <stdlib.h>

#include "consensus/statesync/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    assay_statesync_manifest manifest;
    if (assay_statesync_manifest_read(&manifest, data, size, NULL) != ASSAY_OK) return 0;
    uint8_t *again = malloc(size);
    assay_writer writer;
    ASSAY_ASSERT(again != NULL);
    assay_writer_init(&writer, again, size);
    assay_statesync_manifest_write(&writer, &manifest);
    ASSAY_ASSERT(!writer.failed && writer.size == size && memcmp(again, data, size) == 0);
    ASSAY_ASSERT(manifest.chunk_count >= 1 && manifest.chunk_count <= ASSAY_STATESYNC_CHUNKS_MAX);
    free(again);
    return 0;
}
