// SPDX-License-Identifier: Apache-2.0
#include "node/provider/retry.h"

bool assay_retry_is_over(const assay_retry *retry, assay_provider_dues due, uint64_t now_ms) {
    return due != ASSAY_DUE_NOTHING &&
           now_ms >= (due == ASSAY_DUE_CLOSING ? retry->at_closing : retry->at);
}

void assay_retry_note(assay_retry *retry, assay_status status, const assay_provider_batched *batch,
                      uint64_t now_ms) {
    if (status == ASSAY_OK && batch->count) {
        *retry = (assay_retry){0};
        return;
    }
    // A smaller batch follows at once, so that one session does not hold up the others; but where
    // everything is refused, fees are not thrown after it.
    if (batch->narrowed && ++retry->narrowed <= ASSAY_RETRY_NARROWED_MAX) return;
    uint64_t pause = ASSAY_RETRY_MS;
    if (batch->charged) {
        retry->pause = retry->pause ? 2 * retry->pause : ASSAY_RETRY_MS;
        if (retry->pause > ASSAY_RETRY_MS_MAX) retry->pause = ASSAY_RETRY_MS_MAX;
        pause = retry->pause;
    }
    // What costs nothing takes nothing from a pause that is still to come.
    if (retry->at < now_ms + pause) retry->at = now_ms + pause;
    // The last chance of its receipts is worth more than fees, which close_delay bounds: one a
    // block.
    retry->at_closing = now_ms + ASSAY_RETRY_MS;
}
