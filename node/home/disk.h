// SPDX-License-Identifier: Apache-2.0
// What a node's folder takes, part by part, and what can be done about it. Reads beside a running
// node and changes nothing.
#ifndef ASSAY_NODE_HOME_DISK_H
#define ASSAY_NODE_HOME_DISK_H

#include <jansson.h>

#include "ledger/state/store.h"
#include "node/home/home.h"

enum {
    ASSAY_DISK_ADVICE_MAX = 8,
    ASSAY_DISK_SENTENCE_MAX = 200,
    ASSAY_DISK_PARTS_MAX = 32, // files of CometBFT's data folder, snapshots
    ASSAY_DISK_NAME_MAX = 64,
};

// A folder or file by name; bytes as the disk has them (sparse files take what they take).
typedef struct {
    char name[ASSAY_DISK_NAME_MAX];
    uint64_t bytes;
} assay_disk_part;

// Owns nothing. Bytes but where said.
typedef struct {
    bool has_state;
    uint64_t height;
    assay_store_usage store;
    uint64_t state_file;
    struct {
        uint64_t entries, bytes; // of keys and values
    } tables[256];               // by first key byte
    uint64_t log, log_index, torn;
    assay_disk_part snapshots[ASSAY_DISK_PARTS_MAX];
    uint32_t snapshot_count;   // those beyond the limit are in `other`
    uint64_t restoring;        // a state on its way
    char comet_data[PATH_MAX]; // CometBFT's data folder, where one was found
    assay_disk_part comet[ASSAY_DISK_PARTS_MAX];
    uint32_t comet_count;
    uint64_t other, total;
    uint64_t disk_free, disk_size; // of the file system
} assay_disk_report;

// Walks the home, CometBFT's data, and all entries of the state in one view. comet_home:
// CometBFT's; NULL: the one that config.json names as exported, else comet/ in the home. A home
// without a state or without some part has zeros there. Errors: NOT_FOUND (no such folder, or no
// data in comet_home), CORRUPT, VERSION, MISMATCH, BUSY, PERMISSION, IO. Spec: E-68.
assay_status assay_disk_measure(assay_disk_report *out, const assay_home *home,
                                const char *comet_home, assay_error *err);

// What to do where something is a lot, one sentence each. Returns: how many. Spec: E-68.
uint32_t assay_disk_advise(char out[ASSAY_DISK_ADVICE_MAX][ASSAY_DISK_SENTENCE_MAX],
                           const assay_disk_report *report, const assay_config *config);

// A table's name in lower case, "unknown" where there is none.
const char *assay_disk_table(uint8_t table);

// The report as one document. Returns: a new reference, NULL if memory is out. Spec: E-68.
json_t *assay_disk_json(const assay_disk_report *report, const assay_config *config);

#endif
