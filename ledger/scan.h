// SPDX-License-Identifier: Apache-2.0
// The supply equation the slow way: from every record, not from running totals.
#ifndef ASSAY_LEDGER_SCAN_H
#define ASSAY_LEDGER_SCAN_H

#include "ledger/money.h"

// Adds every record that holds money, category by category, by reading the whole state; pools and
// burned come from the totals. Then compares with the running totals, and the sums of effective
// and declared bond with theirs. For tests and audits.
// Errors: MISMATCH (names the category and both sums), CORRUPT, MEMORY, IO. Spec: P-24, P-28, P-36.
assay_status assay_totals_scan(assay_totals *out, const assay_reader *reader,
                               const assay_params *params, assay_error *err);

#endif
