// SPDX-License-Identifier: Apache-2.0
// Any requests in any order: the kv application answers each or refuses, two of it answer with the
// same bytes, and a height counts when it is committed (E-3, E-9).
#include "consensus/kvstore/kv.h"
#include "tests/consensus/abci/stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// One instance and what it should be at.
typedef struct {
    assay_kvstore *kv;
    int64_t height, finalised;
} side;

static assay_status call(void *self, const assay_abci_request *request, assay_abci_reply *reply,
                         assay_arena *arena, assay_error *err) {
    assay_abci_application inner = assay_kvstore_application(((side *)self)->kv);
    return inner.call(inner.self, request, reply, arena, err);
}

static void witness(void *self, const assay_abci_request *request, const assay_abci_reply *reply) {
    side *s = self;
    switch (request->kind) {
    case ASSAY_ABCI_FINALIZE_BLOCK:
        ASSAY_ASSERT(reply->finalize.result_count == request->block.tx_count);
        s->finalised = request->block.height;
        break;
    case ASSAY_ABCI_COMMIT:
        s->height = s->finalised;
        break;
    case ASSAY_ABCI_INFO:
        ASSAY_ASSERT(reply->info.height == s->height);
        break;
    case ASSAY_ABCI_PREPARE_PROPOSAL:
        ASSAY_ASSERT(reply->txs.count <= request->block.tx_count);
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    assay_abci_buffer out[2] = {{0}};
    for (int i = 0; i < 2; i++) {
        side s = {0};
        ASSAY_ASSERT(assay_kvstore_open(&s.kv, NULL, NULL) == ASSAY_OK);
        stream_answer((assay_abci_application){&s, call, NULL}, data, size, &out[i], witness);
        assay_kvstore_close(s.kv);
    }
    ASSAY_ASSERT(out[0].size == out[1].size);
    ASSAY_ASSERT(out[0].size == 0 || memcmp(out[0].data, out[1].data, out[0].size) == 0);
    for (int i = 0; i < 2; i++)
        assay_abci_buffer_close(&out[i]);
    return 0;
}
