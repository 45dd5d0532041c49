// SPDX-License-Identifier: Apache-2.0
#include "node/home/refusals.h"

#include "consensus/clock.h"
#include "node/log.h"

enum { LINES_MAX = 8, LINE_MS = 60000 };

// Not by reason: whoever floods has many.
static bool line_due(assay_refusals *refusals) {
    uint64_t now = assay_clock_ms(), minutes = (now - refusals->less_ms) / LINE_MS;
    if (minutes > 0) {
        refusals->lines -= minutes < refusals->lines ? (uint32_t)minutes : refusals->lines;
        refusals->less_ms = now;
    }
    if (refusals->lines == LINES_MAX) return false;
    refusals->lines++;
    return true;
}

void assay_refusals_tell(assay_refusals *refusals, assay_abci_server *server) {
    assay_abci_server_state state;
    assay_abci_server_state_get(server, &state);
    uint64_t count = state.refused - refusals->told;
    if (count == 0 || !line_due(refusals)) return;
    refusals->told = state.refused;
    assay_log(ASSAY_LOG_WARN, "abci_refused",
              json_pack("{s:I,s:I}", "count", (json_int_t)count, "all", (json_int_t)state.refused),
              "%llu refused at the ABCI address, %llu in all, the last: %s", (ull)count,
              (ull)state.refused, state.problem);
}
