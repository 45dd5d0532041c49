// SPDX-License-Identifier: Apache-2.0
// Answers whose receipts the chain counts, in <home>/answered: a consumer to whom one never came
// has it again from here, for nothing (V7 of node/provider/provider.h). No money hangs on these
// files: whatever becomes of one, the worst is a repeated request that is refused.
#ifndef ASSAY_NODE_PROVIDER_ANSWERED_H
#define ASSAY_NODE_PROVIDER_ANSWERED_H

#include "base/bytes.h"
#include "base/status.h"

typedef struct {
    assay_hash session;
    uint64_t sequence;
    int64_t made_ns; // when the answer was, by its file
} assay_answered_file;

// A zeroed struct is safe to close. Whoever calls keeps its calls apart.
typedef struct {
    const char *home; // borrowed
    assay_answered_file *files;
    uint32_t file_count, file_max;
    uint32_t turn; // of the file whose session is asked for next
} assay_answered;

// <home>/<folder>/<session>-<sequence>, of an answer that is pending or answered. out[PATH_MAX].
// Errors: CAPACITY.
assay_status assay_answer_path(char *out, const char *home, const char *folder,
                               const assay_hash *session, uint64_t sequence, assay_error *err);

// Learns what an earlier run left; of more than file_max the oldest go. Errors: MEMORY, CAPACITY,
// and those of files. Lives: until close, after errors too. Spec: F-46.
assay_status assay_answered_open(assay_answered *answered, const char *home, uint32_t file_max,
                                 assay_error *err);
void assay_answered_close(assay_answered *answered);

// The pending file becomes an answered one, and the oldest goes if it is one too many. Where that
// fails the pending file goes all the same.
void assay_answered_take(assay_answered *answered, const assay_hash *session, uint64_t sequence);

// The session has ended: its files go.
void assay_answered_forget(assay_answered *answered, const assay_hash *session);

// Sessions that have files here, each once, and in turn with those of other calls. ids [id_max].
// Returns: how many.
uint32_t assay_answered_sessions(assay_answered *answered, assay_hash *ids, uint32_t id_max);

#endif
