// SPDX-License-Identifier: Apache-2.0
#include "node/verifier/vote_file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/file.h"
#include "base/sha256.h"
#include "ledger/tx/tx.h"
#include "node/error_json.h"
#include "node/log.h"

enum {
    VERSION = 1,
    HEAD = 8 + ASSAY_ADDRESS_SIZE,
    BODY = 2 * ASSAY_HASH_SIZE + 6,
    SUM = 8,
    RECORD = BODY + SUM,
    RECORDS_MAX = 2 * ASSAY_VOTES_KEPT_MAX,
    FILE_MAX = HEAD + RECORDS_MAX * RECORD,
};
static_assert(RECORD == 78, "a vote's record");

static void record_write(assay_writer *writer, const assay_vote_record *vote) {
    assay_hash sum;
    const uint8_t *body = writer->data + writer->size;
    assay_writer_hash(writer, &vote->batch);
    assay_writer_u32(writer, vote->sample);
    assay_writer_u8(writer, vote->round);
    assay_writer_u8(writer, vote->verdict);
    assay_writer_hash(writer, &vote->probe);
    ASSAY_ASSERT(!writer->failed);
    assay_sha256_of(&sum, body, BODY);
    assay_writer_copy(writer, sum.bytes, SUM);
}

// Returns: whether it is whole.
static bool record_read(assay_vote_record *out, assay_cursor *cursor) {
    assay_hash sum;
    const uint8_t *body = cursor->at;
    assay_cursor_hash(cursor, &out->batch);
    out->sample = assay_cursor_u32(cursor);
    out->round = assay_cursor_u8(cursor);
    out->verdict = assay_cursor_u8(cursor);
    assay_cursor_hash(cursor, &out->probe);
    const uint8_t *said = assay_cursor_take(cursor, SUM);
    if (cursor->failed || !assay_verdict_is_known(out->verdict)) return false;
    assay_sha256_of(&sum, body, BODY);
    return memcmp(said, sum.bytes, SUM) == 0;
}

static assay_status head_read(const assay_vote_file *file, assay_cursor *cursor, assay_error *err) {
    assay_address validator;
    const uint8_t *magic = assay_cursor_take(cursor, 4);
    uint32_t version = assay_cursor_u32(cursor);
    assay_cursor_address(cursor, &validator);
    if (cursor->failed || memcmp(magic, "ASPV", 4) != 0 || version != VERSION)
        return ASSAY_FAIL(err, FORMAT, "%s is not a file of votes", file->path);
    if (!assay_address_equal(&validator, &file->validator))
        return ASSAY_FAIL(err, MISMATCH, "%s has the votes of another validator", file->path);
    return ASSAY_OK;
}

// Those that are whole into votes [RECORDS_MAX]; file->count: how many. fit: nothing is behind
// them.
static assay_status whole_read(assay_vote_file *file, assay_vote_record *votes, bool *fit,
                               assay_error *err) {
    uint8_t *data;
    size_t size;
    assay_cursor cursor;
    assay_error why = {0};
    file->count = 0;
    *fit = false;
    assay_status status = assay_file_read(file->path, FILE_MAX, &data, &size, &why);
    if (status == ASSAY_NOT_FOUND) return ASSAY_OK;
    if (status != ASSAY_OK) return assay_error_pass(err, &why);
    assay_cursor_init(&cursor, data, size);
    status = head_read(file, &cursor, err);
    if (status == ASSAY_OK)
        while (file->count < RECORDS_MAX && record_read(&votes[file->count], &cursor))
            file->count++;
    *fit = size == HEAD + (size_t)file->count * RECORD;
    free(data);
    return status;
}

// The last ones, at most ASSAY_VOTES_KEPT_MAX. fit: the file has them and nothing else.
static assay_status votes_read(assay_vote_file *file, assay_vote_record **votes, uint32_t *count,
                               bool *fit, assay_error *err) {
    *count = 0;
    *votes = calloc(RECORDS_MAX, sizeof **votes);
    if (!*votes) return ASSAY_FAIL(err, MEMORY, "no memory for votes");
    assay_status status = whole_read(file, *votes, fit, err);
    if (status != ASSAY_OK) {
        free(*votes);
        *votes = NULL;
        return status;
    }
    *count = file->count;
    if (*count <= ASSAY_VOTES_KEPT_MAX) return ASSAY_OK;
    *fit = false;
    memmove(*votes, *votes + *count - ASSAY_VOTES_KEPT_MAX, ASSAY_VOTES_KEPT_MAX * sizeof **votes);
    *count = ASSAY_VOTES_KEPT_MAX;
    return ASSAY_OK;
}

// Leaves these in the file alone (W2, W3).
static assay_status sweep(assay_vote_file *file, const assay_vote_record *votes, uint32_t count,
                          assay_error *err) {
    assay_writer writer;
    uint8_t *data = malloc(FILE_MAX);
    if (!data) return ASSAY_FAIL(err, MEMORY, "no memory for votes");
    assay_writer_init(&writer, data, FILE_MAX);
    assay_writer_copy(&writer, "ASPV", 4);
    assay_writer_u32(&writer, VERSION);
    assay_writer_address(&writer, &file->validator);
    for (uint32_t i = 0; i < count; i++)
        record_write(&writer, &votes[i]);
    assay_status status = assay_file_replace(file->path, data, writer.size, 0600, err);
    free(data);
    if (status == ASSAY_OK) file->count = count;
    return status;
}

// So that no two append at their own idea of its end, or sweep what the other has appended.
static assay_status lock(assay_vote_file *file, assay_error *err) {
    char path[PATH_MAX + sizeof ".lock"];
    if (file->locked) return ASSAY_OK;
    snprintf(path, sizeof path, "%s.lock", file->path);
    ASSAY_TRY(assay_file_lock(&file->lock_fd, path, file->path, true, err));
    file->locked = true;
    return ASSAY_OK;
}

static void unwritten_tell(const assay_error *err) {
    assay_log(ASSAY_LOG_WARN, "votes_unwritten", assay_error_to_json(err, NULL),
              "votes are read, their file is not written, error %u: %s",
              (unsigned)assay_error_code(err), err->text);
}

// Without a lock nothing is written. What a disk does not let be done here is before the next
// append; a folder that is not there is no such case.
static assay_status read_and_sweep(assay_vote_file *file, assay_vote_record **votes,
                                   uint32_t *count, assay_error *err) {
    bool fit;
    assay_error why = {0};
    assay_status status = lock(file, &why);
    if (status == ASSAY_BUSY || status == ASSAY_NOT_FOUND) return assay_error_pass(err, &why);
    ASSAY_TRY(votes_read(file, votes, count, &fit, err));
    if (status == ASSAY_OK && !fit) status = sweep(file, *votes, *count, &why);
    if (status != ASSAY_OK) unwritten_tell(&why);
    return ASSAY_OK;
}

assay_status assay_vote_file_open(assay_vote_file *file, assay_vote_record **votes, uint32_t *count,
                                  const char *path, const assay_address *validator,
                                  assay_error *err) {
    *file = (assay_vote_file){.validator = *validator};
    *votes = NULL;
    *count = 0;
    size_t length = strlen(path);
    if (length >= sizeof file->path)
        return ASSAY_FAIL(err, CAPACITY, "path of %zu bytes, limit %d", length, PATH_MAX - 1);
    memcpy(file->path, path, length + 1);
    assay_status status = read_and_sweep(file, votes, count, err);
    if (status != ASSAY_OK) assay_vote_file_close(file);
    return status;
}

void assay_vote_file_close(assay_vote_file *file) {
    if (file->locked) close(file->lock_fd);
    memset(file, 0, sizeof *file);
}

static assay_status unwritten(const assay_vote_file *file, assay_error *err) {
    return assay_fail_errno(err, errno, "cannot write %s", file->path);
}

// Behind the whole records: what a write that failed has left there goes, that it never counts.
static assay_status records_put(const assay_vote_file *file, const uint8_t *data, size_t size,
                                assay_error *err) {
    uint64_t at = HEAD + (uint64_t)file->count * RECORD;
    int fd = open(file->path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return unwritten(file, err);
    assay_status status = ftruncate(fd, (off_t)at) == 0 ? ASSAY_OK : unwritten(file, err);
    if (status == ASSAY_OK) status = assay_file_write_at(fd, data, size, at, file->path, err);
    if (status == ASSAY_OK && fsync(fd) != 0) status = unwritten(file, err);
    if (close(fd) != 0 && status == ASSAY_OK) status = unwritten(file, err);
    return status;
}

// What is not swept changes nothing: a file that is away may come back.
static assay_status room_make(assay_vote_file *file, assay_error *err) {
    assay_vote_file swept = *file;
    assay_vote_record *votes = NULL;
    uint32_t count;
    bool fit;
    assay_status status = lock(&swept, err);
    if (status == ASSAY_OK) status = votes_read(&swept, &votes, &count, &fit, err);
    if (status == ASSAY_OK) status = sweep(&swept, votes, count, err);
    free(votes);
    if (status == ASSAY_OK)
        *file = swept;
    else if (!file->locked)
        assay_vote_file_close(&swept);
    return status;
}

assay_status assay_vote_file_append(assay_vote_file *file, const assay_vote_record *votes,
                                    uint32_t count, assay_error *err) {
    ASSAY_ASSERT(count <= ASSAY_VOTES_KEPT_MAX);
    if (!*file->path || !count) return ASSAY_OK;
    if (!file->locked || file->count + count > RECORDS_MAX || access(file->path, F_OK) != 0)
        ASSAY_TRY(room_make(file, err));
    uint8_t *data = malloc((size_t)count * RECORD);
    if (!data) return ASSAY_FAIL(err, MEMORY, "no memory for votes");
    assay_writer writer;
    assay_writer_init(&writer, data, (size_t)count * RECORD);
    for (uint32_t i = 0; i < count; i++)
        record_write(&writer, &votes[i]);
    assay_status status = records_put(file, data, writer.size, err);
    free(data);
    if (status == ASSAY_OK) file->count += count;
    return status;
}
