// SPDX-License-Identifier: Apache-2.0
// Posted evidence from strangers: byte 0 chooses leaf or table, byte 1 a size of batch; whatever is
// not what the batch commits to is refused by its number.
#include "ledger/evidence.h"
#include "ledger/tx/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// The batch that the corpus is about: its receipts are `count` copies of one, so that an input can
// reach every check behind the root.
static void batch_make(assay_batch *batch, uint32_t count) {
    static const uint32_t ids[3] = {7, 8, 9};
    assay_receipt receipt = {.output_count = 2, .stop = 1, .fee = 5};
    assay_sumtree_node leaves[16], root;
    assay_hash hash;
    receipt.request = (assay_request){
        .sequence = 1, .prompt_count = 3, .max_tokens = 2, .top_p_ppm = 1000000, .max_fee = 9};
    assay_ids_digest(&receipt.request.prompt_digest, ids, 3);
    assay_ids_digest(&receipt.output_digest, ids, 2);
    assay_receipt_hash(&hash, &receipt);
    for (uint32_t i = 0; i < count; i++)
        assay_sumtree_leaf(&leaves[i], receipt.fee, &hash);
    ASSAY_ASSERT(assay_sumtree_root(&root, leaves, count, NULL) == ASSAY_OK);
    *batch = (assay_batch){.count = count, .fee_total = root.sum, .root = root.hash};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    assay_batch batch;
    assay_error why = {0};
    if (size < 2) return 0;
    batch_make(&batch, 1 + data[1] % 16);
    assay_status status = data[0] % 2 ? assay_evidence_table_check(&batch, data + 2, size - 2, &why)
                                      : assay_evidence_leaf_check(&batch, batch.fee_total / 2,
                                                                  data + 2, size - 2, &why);
    ASSAY_ASSERT(status == ASSAY_OK || why.reject == ASSAY_REJECT_EVIDENCE_BAD);
    return 0;
}
