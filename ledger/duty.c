// SPDX-License-Identifier: Apache-2.0
#include "ledger/duty.h"

#include "ledger/case_private.h"

// The voter's next step in a case that is being voted on, if there is one at `height`.
static assay_status voter_duty(assay_duty *duty, bool *found, const assay_reader *reader,
                               const assay_case *record, uint64_t height,
                               const assay_address *account, assay_error *err) {
    assay_vote vote;
    bool commit = height > record->start && height <= record->commit_end;
    bool reveal = height > record->commit_end && height <= record->reveal_end;
    *found = false;
    if (record->state != ASSAY_CASE_VOTING || (!commit && !reveal)) return ASSAY_OK;
    ASSAY_TRY(assay_case_vote_get(&vote, found, reader, &duty->batch, duty->sample, duty->round,
                                  account, err));
    if (!*found) return ASSAY_OK;
    *found = commit ? !vote.committed : vote.committed && !vote.revealed;
    duty->kind = commit ? ASSAY_DUTY_COMMIT : ASSAY_DUTY_REVEAL;
    duty->deadline = commit ? record->commit_end : record->reveal_end;
    duty->commitment = vote.commitment;
    return ASSAY_OK;
}

// What the provider has to answer; at most two at a time.
static uint32_t answer_duties(assay_duty out[2], const assay_duty *base, const assay_case *record,
                              uint64_t height) {
    uint32_t count = 0;
    if (record->state != ASSAY_CASE_ANSWERING || height > record->answer_end) return 0;
    if (record->leaf_asked && record->leaf_answered == 0) {
        out[count] = *base;
        out[count++].kind = ASSAY_DUTY_ANSWER_LEAF;
    }
    if (record->table_asked && record->table_answered == 0) {
        out[count] = *base;
        out[count++].kind = ASSAY_DUTY_ANSWER_TABLE;
    }
    for (uint32_t i = 0; i < count; i++)
        out[i].deadline = record->answer_end;
    return count;
}

// Puts a duty that comes by (batch, sample, kind) in its place by deadline; of a full list the last
// makes room, or has it. Returns: whether one was left out.
static bool duty_insert(assay_duty *list, uint32_t *count, uint32_t capacity,
                        const assay_duty *duty) {
    bool full = *count == capacity;
    if (full && list[capacity - 1].deadline <= duty->deadline) return true;
    uint32_t at = full ? capacity - 1 : (*count)++;
    for (; at > 0 && list[at - 1].deadline > duty->deadline; at--)
        list[at] = list[at - 1];
    list[at] = *duty;
    return full;
}

assay_status assay_duty_list(assay_duty *out, uint32_t *count, bool *more, uint32_t capacity,
                             const assay_reader *reader, uint64_t height,
                             const assay_address *account, assay_error *err) {
    assay_duty base = {0};
    assay_case record;
    bool found;
    *count = 0;
    *more = false;
    for (;;) {
        assay_duty todo[2];
        uint32_t todo_count = 0;
        ASSAY_TRY(assay_case_next_open(&base.batch, &base.sample, &record, &found, reader, err));
        if (!found) return ASSAY_OK;
        base.round = record.round;
        base.position = record.position;
        base.leaf_posted = record.leaf_answered > 0;
        base.table_posted = record.table_answered > 0;
        todo[0] = base;
        ASSAY_TRY(voter_duty(&todo[0], &found, reader, &record, height, account, err));
        if (found) {
            todo_count = 1;
        } else if (record.state == ASSAY_CASE_ANSWERING) {
            assay_batch batch;
            ASSAY_TRY(assay_batch_get(&batch, &found, reader, &base.batch, err));
            if (found && assay_address_equal(&batch.provider, account))
                todo_count = answer_duties(todo, &base, &record, height);
        }
        for (uint32_t i = 0; i < todo_count; i++)
            *more |= duty_insert(out, count, capacity, &todo[i]);
    }
}
