// SPDX-License-Identifier: Apache-2.0
// State: blocks.log = head ‖ record*, record = u32 size ‖ SHA-256(payload) ‖ payload;
//        blocks.idx = u64 offset of each record, a cache that can always be made again.
//
//   closed ──open──▶ ready ──append: written, fsynced──▶ ready      (count + 1)
//                      │  └─append fails: cut back──▶ ready         (count as before)
//                      └─crash──▶ torn tail ──open cuts it──▶ ready (no acknowledged record lost)
//
// Invariants, each with its test in tests/consensus/test_blocklog.c:
//  B1 every record below count is whole and its hash fits (test_reads_back, test_damage)
//  B2 a record is counted only after fsync returned (test_full_disk)
//  B3 bytes after the last whole record are gone after open (test_torn_tail)
//  B4 the index never decides what exists: a wrong or missing one is made anew (test_index_lost)
#include "consensus/blocklog.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/sha256.h"
#include "consensus/block.h"

enum { HEAD_SIZE = 16, RECORD_HEAD_SIZE = 4 + ASSAY_HASH_SIZE };
static const uint8_t file_head[HEAD_SIZE] = "assay blocks 1\n";

struct assay_blocklog {
    int log;
    int index;
    bool writable;
    pthread_mutex_t lock; // guards count and size
    uint64_t count;
    uint64_t size; // end of the last whole record
};

static assay_status all_read(int fd, void *out, size_t size, uint64_t at, assay_error *err) {
    uint8_t *to = out;
    while (size) {
        ssize_t part = pread(fd, to, size, (off_t)at);
        if (part < 0 && errno == EINTR) continue;
        if (part < 0) return assay_fail_errno(err, errno, "cannot read the block log");
        if (part == 0)
            return ASSAY_FAIL(err, TRUNCATED, "block log ends at byte %llu",
                              (unsigned long long)at);
        to += part;
        at += (uint64_t)part;
        size -= (size_t)part;
    }
    return ASSAY_OK;
}

static assay_status all_write(int fd, const void *data, size_t size, uint64_t at,
                              assay_error *err) {
    const uint8_t *from = data;
    while (size) {
        ssize_t part = pwrite(fd, from, size, (off_t)at);
        if (part < 0 && errno == EINTR) continue;
        if (part < 0) return assay_fail_errno(err, errno, "cannot write the block log");
        from += part;
        at += (uint64_t)part;
        size -= (size_t)part;
    }
    return ASSAY_OK;
}

// Reads the record at an offset. TRUNCATED: the file ends inside it; CORRUPT: its hash differs.
static assay_status record_read(int fd, uint64_t at, uint8_t **data, size_t *size,
                                assay_error *err) {
    uint8_t head[RECORD_HEAD_SIZE];
    assay_hash hash;
    *data = NULL;
    ASSAY_TRY(all_read(fd, head, sizeof head, at, err));
    uint32_t length = assay_load_be32(head);
    if (length == 0 || length > ASSAY_BLOCK_SIZE_MAX)
        return ASSAY_FAIL(err, CORRUPT,
                          "record at byte %llu of the block log has %u bytes, limit %d",
                          (unsigned long long)at, length, ASSAY_BLOCK_SIZE_MAX);
    uint8_t *payload = malloc(length);
    if (!payload) return ASSAY_FAIL(err, MEMORY, "a record of %u bytes needs memory", length);
    assay_status status = all_read(fd, payload, length, at + sizeof head, err);
    if (status == ASSAY_OK) {
        assay_sha256_of(&hash, payload, length);
        if (memcmp(hash.bytes, head + 4, ASSAY_HASH_SIZE) != 0)
            status = ASSAY_FAIL(err, CORRUPT, "record at byte %llu of the block log is damaged",
                                (unsigned long long)at);
    }
    if (status != ASSAY_OK) {
        free(payload);
        return status;
    }
    *data = payload;
    *size = length;
    return ASSAY_OK;
}

// Whether the record at `at` is whole; next: where the following one starts.
static assay_status record_skip(int fd, uint64_t at, uint64_t *next, assay_error *err) {
    uint8_t *data;
    size_t size;
    ASSAY_TRY(record_read(fd, at, &data, &size, err));
    free(data);
    *next = at + RECORD_HEAD_SIZE + size;
    return ASSAY_OK;
}

static assay_status index_write(assay_blocklog *log, uint64_t entry, uint64_t at,
                                assay_error *err) {
    uint8_t bytes[8];
    assay_store_be64(bytes, at);
    return all_write(log->index, bytes, sizeof bytes, entry * sizeof bytes, err);
}

// Takes over the index as far as its last entry leads to a whole record that ends where the file
// can go on; otherwise starts from nothing.
static void index_trust(assay_blocklog *log) {
    uint8_t bytes[8];
    struct stat info;
    log->count = 0;
    log->size = HEAD_SIZE;
    if (fstat(log->index, &info) != 0) return;
    for (uint64_t entry = (uint64_t)info.st_size / 8; entry > 0; entry--) {
        uint64_t next;
        if (all_read(log->index, bytes, sizeof bytes, (entry - 1) * 8, NULL) != ASSAY_OK) return;
        uint64_t at = assay_load_be64(bytes);
        if (at < HEAD_SIZE || record_skip(log->log, at, &next, NULL) != ASSAY_OK) continue;
        log->count = entry;
        log->size = next;
        return;
    }
}

// Walks from the trusted end over further whole records. What follows the last whole one is a torn
// append when it reaches the end of the file, and damage when whole records come after it.
static assay_status tail_scan(assay_blocklog *log, assay_error *err) {
    struct stat info;
    if (fstat(log->log, &info) != 0)
        return assay_fail_errno(err, errno, "cannot stat the block log");
    while (log->size < (uint64_t)info.st_size) {
        uint64_t next;
        assay_error why = {0};
        assay_status status = record_skip(log->log, log->size, &next, &why);
        if (status == ASSAY_OK) {
            if (log->writable) ASSAY_TRY(index_write(log, log->count, log->size, err));
            log->count++;
            log->size = next;
            continue;
        }
        uint8_t head[4];
        bool torn = status == ASSAY_TRUNCATED;
        if (!torn && all_read(log->log, head, sizeof head, log->size, NULL) == ASSAY_OK)
            torn = log->size + RECORD_HEAD_SIZE + assay_load_be32(head) >= (uint64_t)info.st_size;
        if (!torn) return ASSAY_FAIL(err, CORRUPT, "%s, and more follows", why.text);
        if (log->writable && ftruncate(log->log, (off_t)log->size) != 0)
            return assay_fail_errno(err, errno, "cannot cut the torn end of the block log");
        break;
    }
    return ASSAY_OK;
}

static assay_status files_open(assay_blocklog *log, const char *folder, assay_error *err) {
    char path[PATH_MAX];
    int flags = (log->writable ? O_RDWR | O_CREAT : O_RDONLY) | O_CLOEXEC;
    if (snprintf(path, sizeof path, "%s/blocks.log", folder) >= (int)sizeof path)
        return ASSAY_FAIL(err, CAPACITY, "path of the block log is over %d characters", PATH_MAX);
    log->log = open(path, flags, 0600);
    if (log->log < 0) return assay_fail_errno(err, errno, "cannot open %s", path);
    if (log->writable && flock(log->log, LOCK_EX | LOCK_NB) != 0)
        return ASSAY_FAIL(err, BUSY, "%s is in use by another process", path);
    snprintf(path, sizeof path, "%s/blocks.idx", folder);
    log->index = open(path, flags, 0600);
    if (log->index < 0 && log->writable)
        return assay_fail_errno(err, errno, "cannot open %s", path);
    return ASSAY_OK;
}

static assay_status head_check(assay_blocklog *log, assay_error *err) {
    uint8_t head[HEAD_SIZE];
    struct stat info;
    if (fstat(log->log, &info) != 0)
        return assay_fail_errno(err, errno, "cannot stat the block log");
    // A crash while the file was made leaves less than a head and nothing else.
    if (info.st_size < HEAD_SIZE && log->writable) {
        ASSAY_TRY(all_write(log->log, file_head, HEAD_SIZE, 0, err));
        if (fsync(log->log) != 0) return assay_fail_errno(err, errno, "cannot sync the block log");
        return ASSAY_OK;
    }
    ASSAY_TRY(all_read(log->log, head, sizeof head, 0, err));
    if (memcmp(head, file_head, HEAD_SIZE) != 0)
        return ASSAY_FAIL(err, VERSION,
                          "block log starts with another head than \"assay blocks 1\"");
    return ASSAY_OK;
}

assay_status assay_blocklog_open(assay_blocklog **out, const char *folder, bool writable,
                                 assay_error *err) {
    *out = NULL;
    if (writable) ASSAY_TRY(assay_folder_make(folder, err));
    assay_blocklog *log = calloc(1, sizeof *log);
    if (!log) return ASSAY_FAIL(err, MEMORY, "no memory for the block log");
    log->log = log->index = -1;
    log->writable = writable;
    pthread_mutex_init(&log->lock, NULL);
    assay_status status = files_open(log, folder, err);
    if (status == ASSAY_OK) status = head_check(log, err);
    if (status == ASSAY_OK) {
        index_trust(log);
        status = tail_scan(log, err);
    }
    if (status != ASSAY_OK) {
        assay_blocklog_close(log);
        return status;
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

static void end_get(assay_blocklog *log, uint64_t *count, uint64_t *size) {
    pthread_mutex_lock(&log->lock);
    *count = log->count;
    *size = log->size;
    pthread_mutex_unlock(&log->lock);
}

uint64_t assay_blocklog_count(const assay_blocklog *log) {
    uint64_t count, size;
    end_get((assay_blocklog *)log, &count, &size);
    return count;
}

assay_status assay_blocklog_append(assay_blocklog *log, const uint8_t *data, size_t size,
                                   assay_error *err) {
    uint8_t head[RECORD_HEAD_SIZE];
    assay_hash hash;
    ASSAY_ASSERT(log->writable && size > 0);
    if (size > ASSAY_BLOCK_SIZE_MAX)
        return ASSAY_FAIL(err, CAPACITY, "block record of %zu bytes, limit %d", size,
                          ASSAY_BLOCK_SIZE_MAX);
    assay_store_be32(head, (uint32_t)size);
    assay_sha256_of(&hash, data, size);
    memcpy(head + 4, hash.bytes, ASSAY_HASH_SIZE);
    assay_status status = all_write(log->log, head, sizeof head, log->size, err);
    if (status == ASSAY_OK) status = all_write(log->log, data, size, log->size + sizeof head, err);
    if (status == ASSAY_OK && fdatasync(log->log) != 0)
        status = assay_fail_errno(err, errno, "cannot sync the block log");
    if (status == ASSAY_OK) status = index_write(log, log->count, log->size, err);
    if (status != ASSAY_OK) {
        // Ours alone to cut: the record was never counted. If even this fails, open cuts it.
        if (ftruncate(log->log, (off_t)log->size) != 0) return status;
        return status;
    }
    pthread_mutex_lock(&log->lock);
    log->count++;
    log->size += sizeof head + size;
    pthread_mutex_unlock(&log->lock);
    return ASSAY_OK;
}

// Where record `index` starts, by the index file if there is one, else by walking.
static assay_status offset_find(assay_blocklog *log, uint64_t index, uint64_t *at,
                                assay_error *err) {
    uint8_t bytes[8];
    if (log->index >= 0 && all_read(log->index, bytes, 8, index * 8, NULL) == ASSAY_OK) {
        *at = assay_load_be64(bytes);
        return ASSAY_OK;
    }
    *at = HEAD_SIZE;
    for (uint64_t i = 0; i < index; i++)
        ASSAY_TRY(record_skip(log->log, *at, at, err));
    return ASSAY_OK;
}

assay_status assay_blocklog_read(assay_blocklog *log, uint64_t index, uint8_t **data, size_t *size,
                                 assay_error *err) {
    uint64_t count, end, at;
    *data = NULL;
    *size = 0;
    end_get(log, &count, &end);
    if (index >= count)
        return ASSAY_FAIL(err, NOT_FOUND, "no block of height %llu, last is %llu",
                          (unsigned long long)index + 1, (unsigned long long)count);
    ASSAY_TRY(offset_find(log, index, &at, err));
    return record_read(log->log, at, data, size, err);
}
