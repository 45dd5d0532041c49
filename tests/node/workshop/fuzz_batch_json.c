// SPDX-License-Identifier: Apache-2.0
// What a hostile node could answer about a batch, a session or a duty; byte 0 chooses. Whatever is
// read is within the ledger's limits. Rule F-3.
#include "base/json.h"
#include "node/duty_json.h"
#include "node/workshop/batch_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    json_t *object;
    assay_batch batch;
    assay_batch_tables tables;
    assay_session session;
    assay_duty duty;
    assay_arena arena;
    if (size == 0 ||
        assay_json_parse(&object, data + 1, size - 1, 1 << 20, "answer", NULL) != ASSAY_OK)
        return 0;
    assay_arena_init(&arena, 1 << 20);
    if (data[0] % 2 == 0 && assay_batch_read(&batch, &tables, object, &arena, NULL) == ASSAY_OK) {
        ASSAY_ASSERT(batch.state >= ASSAY_BATCH_WAITING && batch.state <= ASSAY_BATCH_VOID);
        ASSAY_ASSERT(batch.uri_size <= ASSAY_URI_SIZE_MAX);
        ASSAY_ASSERT(tables.sessions.count <= ASSAY_BATCH_ROWS_MAX);
    }
    if (data[0] % 2 == 1) {
        (void)assay_session_read(&session, object, NULL);
        if (assay_duty_read(&duty, object, NULL) == ASSAY_OK)
            ASSAY_ASSERT(duty.kind <= ASSAY_DUTY_ANSWER_TABLE);
    }
    assay_arena_close(&arena);
    json_decref(object);
    return 0;
}
