// SPDX-License-Identifier: Apache-2.0
// Any bytes are entries up to the first that is refused; those that read are written again as the
// same bytes.
#include <stdlib.h>

#include "consensus/statesync/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    assay_cursor cursor;
    assay_writer writer;
    assay_bytes key, value;
    uint8_t *again = malloc(size + 1);
    ASSAY_ASSERT(again != NULL);
    assay_writer_init(&writer, again, size + 1);
    assay_cursor_init(&cursor, data, size);
    while (assay_cursor_left(&cursor) > 0 &&
           assay_statesync_entry_read(&key, &value, &cursor, NULL) == ASSAY_OK) {
        ASSAY_ASSERT(key.size >= 1 && key.size <= ASSAY_STORE_KEY_MAX);
        ASSAY_ASSERT(value.size <= ASSAY_STORE_VALUE_MAX);
        assay_statesync_entry_write(&writer, key, value);
        ASSAY_ASSERT(!writer.failed && memcmp(again, data, writer.size) == 0);
    }
    free(again);
    return 0;
}
