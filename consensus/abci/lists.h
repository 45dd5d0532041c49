// SPDX-License-Identifier: Apache-2.0
// Entries that requests and responses share.
#ifndef ASSAY_CONSENSUS_ABCI_LISTS_H
#define ASSAY_CONSENSUS_ABCI_LISTS_H

#include "consensus/abci/abci.pb.h"
#include "consensus/abci/message.h"

// Reads into a zeroed wire struct whose lists have their kinds.
#define ASSAY_ABCI_DECODE(stream, type, wire)                                                      \
    pb_decode_ex((stream), type##_fields, (wire), PB_DECODE_NOINIT)

extern const assay_abci_list_kind assay_abci_list_validators; // assay_abci_validator_update

// One snapshot, both ways.
assay_statesync_snapshot assay_abci_snapshot_of(const abci_Snapshot *wire);
abci_Snapshot assay_abci_snapshot_wire(const assay_statesync_snapshot *snapshot);

#endif
