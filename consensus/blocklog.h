// SPDX-License-Identifier: Apache-2.0
// The solo engine's own record of blocks: one append-only file, durable before anything is applied.
#ifndef ASSAY_CONSENSUS_BLOCKLOG_H
#define ASSAY_CONSENSUS_BLOCKLOG_H

#include "base/bytes.h"
#include "base/status.h"

typedef struct assay_blocklog assay_blocklog;

// Opens the log in a folder; writable: makes it if there is none and takes its lock. A torn record
// at the end (a crash while appending) is cut off; what cannot be one is damage and stays.
// count_min: records known to have been complete, so that fewer are damage too.
// A reader sees what was complete when it opened.
// Errors: BUSY (another process holds the lock), CORRUPT (damage), VERSION (another head),
// NOT_FOUND (reader), IO, PERMISSION, DISK_FULL, MEMORY. Lives: until close. Spec: C-10.
assay_status assay_blocklog_open(assay_blocklog **out, const char *folder, bool writable,
                                 uint64_t count_min, assay_error *err);
void assay_blocklog_close(assay_blocklog *log);

// How many records there are; record i is the block of height i + 1. Any thread.
uint64_t assay_blocklog_count(const assay_blocklog *log);

// Appends one record and fsyncs. On failure the file is cut back to what it was: nothing is lost
// and nothing half-written. Errors: DISK_FULL, IO, CAPACITY. One thread. Spec: C-10.
assay_status assay_blocklog_append(assay_blocklog *log, const uint8_t *data, size_t size,
                                   assay_error *err);

// Appends up to count_max of the records that `from` has beyond its own, each checked as it is
// read, with one fsync for all. Errors: as append and read; then none of them is there. One thread.
// Spec: C-10.
enum { ASSAY_BLOCKLOG_COPY_MAX = 1024 };
assay_status assay_blocklog_copy(assay_blocklog *log, assay_blocklog *from, uint32_t count_max,
                                 assay_error *err);

// Reads one record into fresh memory. Errors: NOT_FOUND (index), CORRUPT, IO, MEMORY.
// Lives: the caller frees *data. Any thread. Spec: C-10.
assay_status assay_blocklog_read(assay_blocklog *log, uint64_t index, uint8_t **data, size_t *size,
                                 assay_error *err);

#endif
