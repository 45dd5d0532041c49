// SPDX-License-Identifier: Apache-2.0
// Rules that are broken on all nodes alike, so that no comparison of nodes shows it: only what the
// simulator itself knows of frauds and votes (E-97). Stands in front of what it breaks (the
// linker's
// --wrap).
#include "tests/sim/private.h"

#include "ledger/accusations.h"
#include "ledger/tally.h"

sim_defect sim_rules_defect;

assay_status __real_assay_bond_slash(assay_ledger *ledger, uint8_t role,
                                     const assay_address *address, uint64_t amount, assay_purse to,
                                     uint64_t *taken, assay_error *err);
assay_status __wrap_assay_bond_slash(assay_ledger *ledger, uint8_t role,
                                     const assay_address *address, uint64_t amount, assay_purse to,
                                     uint64_t *taken, assay_error *err);

assay_status __wrap_assay_bond_slash(assay_ledger *ledger, uint8_t role,
                                     const assay_address *address, uint64_t amount, assay_purse to,
                                     uint64_t *taken, assay_error *err) {
    if (sim_rules_defect == SIM_DEFECT_SPARES && role == ASSAY_ROLE_PROVIDER) amount = 0;
    if (sim_rules_defect == SIM_DEFECT_FINES && role == ASSAY_ROLE_VERIFICATION) amount *= 2;
    return __real_assay_bond_slash(ledger, role, address, amount, to, taken, err);
}

bool __real_assay_vote_is_stale(const assay_case *record, const assay_vote *vote);
bool __wrap_assay_vote_is_stale(const assay_case *record, const assay_vote *vote);

bool __wrap_assay_vote_is_stale(const assay_case *record, const assay_vote *vote) {
    if (sim_rules_defect == SIM_DEFECT_STRIKES) return assay_verdict_is_unavailable(vote->verdict);
    return __real_assay_vote_is_stale(record, vote);
}

assay_status __real_assay_accusations_open(uint32_t *open, const assay_reader *reader,
                                           const assay_address *validator, uint64_t fee_total,
                                           assay_error *err);
assay_status __wrap_assay_accusations_open(uint32_t *open, const assay_reader *reader,
                                           const assay_address *validator, uint64_t fee_total,
                                           assay_error *err);

assay_status __wrap_assay_accusations_open(uint32_t *open, const assay_reader *reader,
                                           const assay_address *validator, uint64_t fee_total,
                                           assay_error *err) {
    ASSAY_TRY(__real_assay_accusations_open(open, reader, validator, fee_total, err));
    if (sim_rules_defect == SIM_DEFECT_SILENCES) *open = UINT32_MAX;
    return ASSAY_OK;
}
