// SPDX-License-Identifier: Apache-2.0
// Votes that outlive their process: with what was committed at hand, a restart costs a validator no
// second rerun, and the evidence may be gone by then.
//   file   = "ASPV" || u32 1 || address of the validator || record*
//   record = batch || u32 sample || u8 round || u8 verdict || probe || 8 bytes of their SHA-256
// Invariants, with their tests in tests/node/verifier/test_vote_file.c:
//  W1 what was appended is read again, the last ASSAY_VOTES_KEPT_MAX of it
//  W2 a record that is torn or damaged ends the file: what is behind it is dropped, before the next
//     append at the latest
//  W3 the file has at most twice as many records: what is older than the kept ones is swept
//  W4 one process has it: the second is refused, and who has no lock writes nothing
#ifndef ASSAY_NODE_VERIFIER_VOTE_FILE_H
#define ASSAY_NODE_VERIFIER_VOTE_FILE_H

#include <limits.h>

#include "base/bytes.h"
#include "base/status.h"

enum { ASSAY_VOTES_KEPT_MAX = 4096 };

// All that a reveal needs: the salt follows from the key.
typedef struct {
    assay_hash batch;
    uint32_t sample;
    uint8_t round;
    uint8_t verdict;
    assay_hash probe;
} assay_vote_record;

// One process's, by the lock on <path>.lock. Opened once, closed once; path "": there is none, and
// nothing is kept. A zeroed struct is safe to close.
typedef struct {
    char path[PATH_MAX];
    assay_address validator;
    uint32_t count; // records in it
    bool locked;
    int lock_fd; // if locked
} assay_vote_file;

// Reads votes [*count, at most ASSAY_VOTES_KEPT_MAX], the oldest first, and where there is more in
// the file, sweeps. A file that is not there is made. If only that fails, or a lock that nobody
// else has, the log tells it, and append comes back to it: what was read is good without. Errors:
// BUSY (another process has it), NOT_FOUND (the folder), FORMAT, MISMATCH (another validator's),
// CAPACITY (path, size), MEMORY, and those of files. Lives: the caller frees *votes. Spec: F-49.
assay_status assay_vote_file_open(assay_vote_file *file, assay_vote_record **votes, uint32_t *count,
                                  const char *path, const assay_address *validator,
                                  assay_error *err);

void assay_vote_file_close(assay_vote_file *file);

// Appends votes [count], at most ASSAY_VOTES_KEPT_MAX, durably. Errors: those of files, and of open
// where it sweeps or makes the file; none of them is kept then. Spec: F-49.
assay_status assay_vote_file_append(assay_vote_file *file, const assay_vote_record *votes,
                                    uint32_t count, assay_error *err);

#endif
