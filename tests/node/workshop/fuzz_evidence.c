// SPDX-License-Identifier: Apache-2.0
// Evidence files as a hostile provider serves them; byte 0 chooses the reader. What is read is what
// is written from it again. Rules P-15, P-64.
#include "node/workshop/evidence_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void leaf_try(const uint8_t *data, size_t size, assay_arena *arena) {
    assay_leaf_ids ids;
    assay_bytes again;
    if (assay_leaf_read(&ids, data, size, arena, NULL) != ASSAY_OK) return;
    ASSAY_ASSERT(assay_leaf_file_size(ids.prompt_count, ids.output_count) == size);
    ASSAY_ASSERT(assay_leaf_write(&again, &ids, arena, NULL) == ASSAY_OK);
    ASSAY_ASSERT(again.size == size && memcmp(again.data, data, size) == 0);
}

static void receipts_try(const uint8_t *data, size_t size, assay_arena *arena) {
    assay_receipt *receipts;
    assay_bytes again;
    uint32_t count;
    if (assay_receipts_read(&receipts, &count, data, size, 64, arena, NULL) != ASSAY_OK) return;
    ASSAY_ASSERT(assay_receipts_write(&again, receipts, count, arena, NULL) == ASSAY_OK);
    ASSAY_ASSERT(again.size == size && memcmp(again.data, data, size) == 0);
}

static void posting_try(const uint8_t *data, size_t size, assay_arena *arena) {
    assay_receipt receipt;
    assay_leaf_ids ids;
    uint32_t index;
    if (assay_posting_read(&receipt, &index, &ids, data, size, arena, NULL) != ASSAY_OK) return;
    (void)assay_leaf_match(&receipt, &ids, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    assay_arena arena;
    if (size == 0) return 0;
    assay_arena_init(&arena, 8 << 20);
    switch (data[0] % 3) {
    case 0:
        leaf_try(data + 1, size - 1, &arena);
        break;
    case 1:
        receipts_try(data + 1, size - 1, &arena);
        break;
    default:
        posting_try(data + 1, size - 1, &arena);
    }
    assay_arena_close(&arena);
    return 0;
}
