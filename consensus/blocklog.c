// SPDX-License-Identifier: Apache-2.0
// State: blocks.log = head ‖ record*,
//        record = u64 number ‖ u32 size ‖ SHA-256(number ‖ size ‖ payload) ‖ payload;
//        blocks.idx = u64 offset of each record, a cache that can always be made again;
//        blocks.torn = the bytes that open last cut off, for a person who thinks it was wrong.
//
//   closed ──open──▶ ready ──append: written, fsynced──▶ ready      (count + 1)
//                      │  └─append fails: cut back──▶ ready         (count as before)
//                      └─crash──▶ torn tail ──open cuts it──▶ ready (no acknowledged record lost)
//
// Invariants, each with its test in tests/consensus/test_blocklog.c:
//  B1 a record that reads is the one that was appended, and damage anywhere is found when it is
//     read or opened, never cut off (test_reads_back, test_every_bit, test_damage_stays)
//  B2 a record is counted only after fsync returned (test_full_disk)
//  B3 what a crash left of an append is gone after open, at any byte (test_torn_tail)
//  B4 the index never decides what exists: wrong or missing entries cost time alone
//     (test_index_lost, test_index_garbled)
#include "consensus/blocklog.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sha256.h"
#include "consensus/block.h"

enum { HEAD_SIZE = 16, NUMBERS_SIZE = 8 + 4, RECORD_HEAD_SIZE = NUMBERS_SIZE + ASSAY_HASH_SIZE };
enum { LOOKS_MAX = 1000 }; // of a reader at a file that grows
static const uint8_t file_head[HEAD_SIZE] = "assay blocks 1\n";

struct assay_blocklog {
    int log;
    int index; // -1: a reader found none
    bool writable;
    pthread_mutex_t lock; // guards all below
    uint64_t count;
    uint64_t size; // end of the last whole record
    uint64_t near; // a record, and where it starts: one read lately ended there
    uint64_t near_at;
};

// What stands before a payload.
typedef struct {
    uint8_t bytes[RECORD_HEAD_SIZE];
    uint32_t size; // of the payload
    uint64_t end;  // where the next record starts
} record_head;

static assay_status all_read(int fd, void *out, size_t size, uint64_t at, assay_error *err) {
    uint8_t *to = out;
    while (size) {
        ssize_t part = pread(fd, to, size, (off_t)at);
        if (part < 0 && errno == EINTR) continue;
        if (part < 0) return assay_fail_errno(err, errno, "cannot read the block log");
        if (part == 0)
            return ASSAY_FAIL(err, CORRUPT, "block log ends at byte %llu, inside a record",
                              (ull)at);
        to += part;
        at += (uint64_t)part;
        size -= (size_t)part;
    }
    return ASSAY_OK;
}

static assay_status log_write(const assay_blocklog *log, const void *data, size_t size, uint64_t at,
                              assay_error *err) {
    return assay_file_write_at(log->log, data, size, at, "the block log", err);
}

static void record_hash(assay_hash *out, const uint8_t *numbers, const uint8_t *payload,
                        size_t size) {
    assay_sha256 sha;
    assay_sha256_init(&sha);
    assay_sha256_update(&sha, numbers, NUMBERS_SIZE);
    assay_sha256_update(&sha, payload, size);
    assay_sha256_final(&sha, out);
}

// Reads what stands before the payload of record `number`, which has to end by `end_max`.
static assay_status head_read(const assay_blocklog *log, uint64_t at, uint64_t number,
                              uint64_t end_max, record_head *head, assay_error *err) {
    if (at > end_max || end_max - at < RECORD_HEAD_SIZE)
        return ASSAY_FAIL(err, CORRUPT, "block log ends at byte %llu, inside record %llu",
                          (ull)end_max, (ull)number);
    ASSAY_TRY(all_read(log->log, head->bytes, sizeof head->bytes, at, err));
    uint64_t found = assay_load_be64(head->bytes);
    head->size = assay_load_be32(head->bytes + 8);
    head->end = at + RECORD_HEAD_SIZE + head->size;
    if (found != number)
        return ASSAY_FAIL(err, CORRUPT, "byte %llu of the block log starts record %llu, not %llu",
                          (ull)at, (ull)found, (ull)number);
    if (head->size == 0 || head->size > ASSAY_BLOCK_SIZE_MAX)
        return ASSAY_FAIL(err, CORRUPT, "record %llu of the block log has %u bytes, limits 1 to %d",
                          (ull)number, head->size, ASSAY_BLOCK_SIZE_MAX);
    if (head->end > end_max)
        return ASSAY_FAIL(err, CORRUPT, "block log ends at byte %llu, inside record %llu",
                          (ull)end_max, (ull)number);
    return ASSAY_OK;
}

static assay_status record_read(const assay_blocklog *log, uint64_t at, uint64_t number,
                                uint64_t end_max, record_head *head, uint8_t **data,
                                assay_error *err) {
    assay_hash hash;
    *data = NULL;
    ASSAY_TRY(head_read(log, at, number, end_max, head, err));
    uint8_t *payload = malloc(head->size);
    if (!payload) return ASSAY_FAIL(err, MEMORY, "a record of %u bytes needs memory", head->size);
    assay_status status = all_read(log->log, payload, head->size, at + RECORD_HEAD_SIZE, err);
    if (status == ASSAY_OK) {
        record_hash(&hash, head->bytes, payload, head->size);
        if (memcmp(hash.bytes, head->bytes + NUMBERS_SIZE, ASSAY_HASH_SIZE) != 0)
            status =
                ASSAY_FAIL(err, CORRUPT, "record %llu of the block log is damaged", (ull)number);
    }
    if (status == ASSAY_OK)
        *data = payload;
    else
        free(payload);
    return status;
}

// --- the index ---

// Where the index says that a record starts; 0 (never a record's place) if it says nothing.
static uint64_t index_get(const assay_blocklog *log, uint64_t number) {
    uint8_t bytes[8];
    if (log->index < 0 || all_read(log->index, bytes, sizeof bytes, number * 8, NULL) != ASSAY_OK)
        return 0;
    return assay_load_be64(bytes);
}

// A failure costs the next reader time and nothing else.
static void index_put(assay_blocklog *log, uint64_t number, uint64_t at) {
    uint8_t bytes[8];
    assay_store_be64(bytes, at);
    assay_file_write_at(log->index, bytes, sizeof bytes, number * 8, "the index", NULL);
}

// Takes over what the last entry says that leads to a whole record; otherwise starts from nothing.
static void index_trust(assay_blocklog *log, uint64_t file_size) {
    struct stat info;
    log->count = 0;
    log->size = HEAD_SIZE;
    if (log->index < 0 || fstat(log->index, &info) != 0) return;
    for (uint64_t number = (uint64_t)info.st_size / 8; number-- > 0;) {
        record_head head;
        uint8_t *data;
        uint64_t at = index_get(log, number);
        if (at < HEAD_SIZE ||
            record_read(log, at, number, file_size, &head, &data, NULL) != ASSAY_OK)
            continue;
        free(data);
        log->count = number + 1;
        log->size = head.end;
        return;
    }
}

// --- opening ---

static assay_status files_open(assay_blocklog *log, const char *folder, assay_error *err) {
    char path[PATH_MAX];
    int flags = (log->writable ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC;
    ASSAY_TRY(assay_path_join(path, sizeof path, folder, "blocks.log", err));
    if (log->writable)
        ASSAY_TRY(assay_file_lock(&log->log, path, path, true, err));
    else if ((log->log = open(path, flags)) < 0)
        return assay_fail_errno(err, errno, "cannot open %s", path);
    ASSAY_TRY(assay_path_join(path, sizeof path, folder, "blocks.idx", err));
    log->index = open(path, flags, 0600);
    if (log->index < 0 && log->writable)
        return assay_fail_errno(err, errno, "cannot open %s", path);
    return ASSAY_OK;
}

// A new file gets its head; it and its folder outlive a power cut before the first append does.
static assay_status head_make(const assay_blocklog *log, const char *folder, assay_error *err) {
    char parent[PATH_MAX];
    ASSAY_TRY(log_write(log, file_head, HEAD_SIZE, 0, err));
    if (fsync(log->log) != 0) return assay_fail_errno(err, errno, "cannot sync the block log");
    ASSAY_TRY(assay_folder_sync(folder, err));
    ASSAY_TRY(assay_path_join(parent, sizeof parent, folder, "..", err));
    return assay_folder_sync(parent, err);
}

static assay_status head_check(const assay_blocklog *log, const char *folder, uint64_t *file_size,
                               assay_error *err) {
    uint8_t head[HEAD_SIZE];
    struct stat info;
    if (fstat(log->log, &info) != 0)
        return assay_fail_errno(err, errno, "cannot stat the block log");
    *file_size = (uint64_t)info.st_size;
    // A crash while the file was made leaves the start of a head and nothing else.
    size_t present = info.st_size < HEAD_SIZE ? (size_t)info.st_size : HEAD_SIZE;
    ASSAY_TRY(all_read(log->log, head, present, 0, err));
    if (memcmp(head, file_head, present) != 0)
        return ASSAY_FAIL(err, VERSION,
                          "%s/blocks.log starts with another head than \"assay blocks 1\"", folder);
    if (present == HEAD_SIZE) return ASSAY_OK;
    if (!log->writable)
        return ASSAY_FAIL(err, NOT_FOUND, "%s/blocks.log has no blocks yet", folder);
    *file_size = HEAD_SIZE;
    return head_make(log, folder, err);
}

// Whether the bytes after the last whole record may be what a crash left of one append: then the
// record reaches their end, and the index, written after fsync, does not list it.
static bool tail_is_torn(const assay_blocklog *log, uint64_t file_size) {
    record_head head;
    if (file_size - log->size > (uint64_t)RECORD_HEAD_SIZE + ASSAY_BLOCK_SIZE_MAX) return false;
    if (index_get(log, log->count) == log->size) return false;
    return head_read(log, log->size, log->count, file_size, &head, NULL) != ASSAY_OK ||
           head.end == file_size;
}

// Cuts off what follows the last whole record, and keeps it beside the log.
static assay_status tail_cut(assay_blocklog *log, const char *folder, uint64_t file_size,
                             assay_error *err) {
    char path[PATH_MAX];
    size_t size = (size_t)(file_size - log->size);
    ASSAY_TRY(assay_path_join(path, sizeof path, folder, "blocks.torn", err));
    uint8_t *tail = malloc(size);
    if (!tail) return ASSAY_FAIL(err, MEMORY, "a torn record of %zu bytes needs memory", size);
    assay_status status = all_read(log->log, tail, size, log->size, err);
    if (status == ASSAY_OK) status = assay_file_replace(path, tail, size, 0600, err);
    free(tail);
    ASSAY_TRY(status);
    if (ftruncate(log->log, (off_t)log->size) != 0)
        return assay_fail_errno(err, errno, "cannot cut the torn end of the block log");
    return ASSAY_OK;
}

static assay_status log_sync(const assay_blocklog *log, assay_error *err) {
    if (fdatasync(log->log) == 0) return ASSAY_OK;
    return assay_fail_errno(err, errno, "cannot sync the block log");
}

// Walks from the trusted end over further whole records, to the end or to what a crash left.
static assay_status tail_scan(assay_blocklog *log, const char *folder, uint64_t file_size,
                              uint64_t count_min, assay_error *err) {
    assay_error why = {0};
    // Who appended the last record may have ended before it was synced, and it counts from here on;
    // the index must not list it before (tail_is_torn).
    if (log->writable) ASSAY_TRY(log_sync(log, err));
    while (log->size < file_size) {
        record_head head;
        uint8_t *data;
        assay_status status =
            record_read(log, log->size, log->count, file_size, &head, &data, &why);
        if (status == ASSAY_CORRUPT) break;
        if (status != ASSAY_OK) return assay_error_pass(err, &why);
        free(data);
        if (log->writable) index_put(log, log->count, log->size);
        log->count++;
        log->size = head.end;
    }
    if (log->count < count_min)
        return ASSAY_FAIL(err, CORRUPT, "block log has %llu whole records of at least %llu: %s",
                          (ull)log->count, (ull)count_min,
                          log->size < file_size ? why.text : "it ends there");
    if (log->size < file_size && !tail_is_torn(log, file_size))
        return ASSAY_FAIL(err, CORRUPT, "%s, and it is not the rest of a crash", why.text);
    if (!log->writable) return ASSAY_OK;
    if (log->size < file_size) {
        ASSAY_TRY(tail_cut(log, folder, file_size, err));
        ASSAY_TRY(log_sync(log, err));
    }
    if (ftruncate(log->index, (off_t)(log->count * 8)) != 0)
        return assay_fail_errno(err, errno, "cannot cut the block log's index");
    return ASSAY_OK;
}

static assay_status end_find(assay_blocklog *log, const char *folder, uint64_t *file_size,
                             uint64_t count_min, assay_error *err) {
    ASSAY_TRY(head_check(log, folder, file_size, err));
    index_trust(log, *file_size);
    return tail_scan(log, folder, *file_size, count_min, err);
}

// A reader may have measured the file amid an append that has ended since: the index then lists
// what the measured size cuts in two. The file has grown, and another look settles it.
static bool has_grown(const assay_blocklog *log, uint64_t file_size) {
    struct stat info;
    return !log->writable && fstat(log->log, &info) == 0 && (uint64_t)info.st_size > file_size;
}

assay_status assay_blocklog_open(assay_blocklog **out, const char *folder, bool writable,
                                 uint64_t count_min, assay_error *err) {
    uint64_t file_size = 0;
    *out = NULL;
    if (writable) ASSAY_TRY(assay_folder_make(folder, err));
    assay_blocklog *log = calloc(1, sizeof *log);
    if (!log) return ASSAY_FAIL(err, MEMORY, "no memory for the block log");
    log->log = log->index = -1;
    log->writable = writable;
    pthread_mutex_init(&log->lock, NULL);
    assay_error why = {0};
    assay_status status = files_open(log, folder, &why);
    if (status == ASSAY_OK) status = end_find(log, folder, &file_size, count_min, &why);
    for (int look = 1; status == ASSAY_CORRUPT && look < LOOKS_MAX && has_grown(log, file_size);
         look++)
        status = end_find(log, folder, &file_size, count_min, &why);
    if (status != ASSAY_OK) {
        assay_blocklog_close(log);
        return assay_error_pass(err, &why);
    }
    *out = log;
    return ASSAY_OK;
}

void assay_blocklog_close(assay_blocklog *log) {
    if (!log) return;
    if (log->index >= 0) close(log->index);
    if (log->log >= 0) close(log->log);
    pthread_mutex_destroy(&log->lock);
    free(log);
}

// --- records ---

uint64_t assay_blocklog_count(const assay_blocklog *log) {
    pthread_mutex_t *lock = (pthread_mutex_t *)&log->lock;
    pthread_mutex_lock(lock);
    uint64_t count = log->count;
    pthread_mutex_unlock(lock);
    return count;
}

// Writes record `number` at a place behind all that count; next: the place behind it.
static assay_status record_write(const assay_blocklog *log, uint64_t number, uint64_t at,
                                 const uint8_t *data, size_t size, uint64_t *next,
                                 assay_error *err) {
    uint8_t head[RECORD_HEAD_SIZE];
    assay_hash hash;
    if (size > ASSAY_BLOCK_SIZE_MAX)
        return ASSAY_FAIL(err, CAPACITY, "block record of %zu bytes, limit %d", size,
                          ASSAY_BLOCK_SIZE_MAX);
    assay_store_be64(head, number);
    assay_store_be32(head + 8, (uint32_t)size);
    record_hash(&hash, head, data, size);
    memcpy(head + NUMBERS_SIZE, hash.bytes, ASSAY_HASH_SIZE);
    *next = at + sizeof head + size;
    ASSAY_TRY(log_write(log, head, sizeof head, at, err));
    return log_write(log, data, size, at + sizeof head, err);
}

// Ends an append of `count` records, written from log->size on, the last of them up to `end`:
// syncs them and counts them, or cuts them off. starts [count]: where each begins.
static assay_status records_count(assay_blocklog *log, assay_status status, const uint64_t *starts,
                                  uint64_t count, uint64_t end, assay_error *err) {
    if (status == ASSAY_OK) status = log_sync(log, err);
    if (status != ASSAY_OK) {
        // None was counted. If even this fails, the next append or open does it.
        int ignored = ftruncate(log->log, (off_t)log->size);
        (void)ignored;
        return status;
    }
    for (uint64_t i = 0; i < count; i++)
        index_put(log, log->count + i, starts[i]);
    pthread_mutex_lock(&log->lock);
    log->count += count;
    log->size = end;
    pthread_mutex_unlock(&log->lock);
    return ASSAY_OK;
}

assay_status assay_blocklog_append(assay_blocklog *log, const uint8_t *data, size_t size,
                                   assay_error *err) {
    uint64_t start = log->size, end;
    ASSAY_ASSERT(log->writable && size > 0);
    assay_status status = record_write(log, log->count, start, data, size, &end, err);
    return records_count(log, status, &start, 1, end, err);
}

assay_status assay_blocklog_copy(assay_blocklog *log, assay_blocklog *from, uint32_t count_max,
                                 assay_error *err) {
    uint64_t starts[ASSAY_BLOCKLOG_COPY_MAX], count = 0, end = log->size;
    uint64_t limit = assay_blocklog_count(from);
    assay_status status = ASSAY_OK;
    ASSAY_ASSERT(log->writable && count_max <= ASSAY_BLOCKLOG_COPY_MAX);
    while (status == ASSAY_OK && count < count_max && log->count + count < limit) {
        uint8_t *data;
        size_t size;
        uint64_t number = log->count + count;
        starts[count++] = end;
        status = assay_blocklog_read(from, number, &data, &size, err);
        if (status == ASSAY_OK) status = record_write(log, number, end, data, size, &end, err);
        free(data);
    }
    return records_count(log, status, starts, count, end, err);
}

// Finds a record without the index: from the one last read, or from the first.
static assay_status record_walk(const assay_blocklog *log, uint64_t near, uint64_t near_at,
                                uint64_t number, uint64_t end, uint64_t *at, assay_error *err) {
    bool behind = near_at >= HEAD_SIZE && near <= number;
    *at = behind ? near_at : HEAD_SIZE;
    for (uint64_t i = behind ? near : 0; i < number; i++) {
        record_head head;
        ASSAY_TRY(head_read(log, *at, i, end, &head, err));
        *at = head.end;
    }
    return ASSAY_OK;
}

assay_status assay_blocklog_read(assay_blocklog *log, uint64_t index, uint8_t **data, size_t *size,
                                 assay_error *err) {
    record_head head;
    *data = NULL;
    *size = 0;
    pthread_mutex_lock(&log->lock);
    uint64_t count = log->count, end = log->size, near = log->near, near_at = log->near_at;
    pthread_mutex_unlock(&log->lock);
    if (index >= count)
        return ASSAY_FAIL(err, NOT_FOUND, "no block of height %llu, last is %llu", (ull)index + 1,
                          (ull)count);
    uint64_t at = index_get(log, index);
    if (at < HEAD_SIZE || record_read(log, at, index, end, &head, data, NULL) != ASSAY_OK) {
        ASSAY_TRY(record_walk(log, near, near_at, index, end, &at, err));
        ASSAY_TRY(record_read(log, at, index, end, &head, data, err));
    }
    pthread_mutex_lock(&log->lock);
    log->near = index + 1;
    log->near_at = head.end;
    pthread_mutex_unlock(&log->lock);
    *size = head.size;
    return ASSAY_OK;
}
