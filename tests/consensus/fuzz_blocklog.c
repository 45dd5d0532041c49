// SPDX-License-Identifier: Apache-2.0
// A block log whose files were damaged in any way opens as records that were written, or is refused
// with the reason, and no byte of it is lost (C-10, and the invariants B1, B3 and B4 of
// consensus/blocklog.c). An input is a byte with the number of records, one with how many were
// known to be complete, and edits of six bytes: which file and what, where (u16), how much (u16), a
// byte.
#include "consensus/blocklog.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bytes.h"
#include "tests/folder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECORDS_MAX = 8, EDIT_SIZE = 6, EDITS_MAX = 16, FILE_MAX = 1 << 16, HEAD = 16 };
enum { FLIP, CUT, REMOVE, REPEAT, FILL, NUMBER, EDIT_KINDS };

typedef struct {
    uint8_t bytes[FILE_MAX];
    size_t size;
} file;

static char folder[64];
static file log_file, index_file, kept, torn; // as damaged; as they are afterwards

// In memory where that can be had: each append syncs.
static void folder_make(void) {
    const char *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(folder, sizeof folder, "%s/assay-fuzz-blocklog-XXXXXX", memory);
    test_folder_make(folder);
}

static const char *path_of(const char *name) {
    static char paths[2][PATH_MAX];
    static int next;
    char *path = paths[next++ % 2];
    snprintf(path, PATH_MAX, "%s/%s", folder, name);
    return path;
}

static void file_load(file *out, const char *name) {
    FILE *from = fopen(path_of(name), "rb");
    out->size = from ? fread(out->bytes, 1, sizeof out->bytes, from) : 0;
    if (from) fclose(from);
}

static void file_save(const file *from, const char *name) {
    FILE *to = fopen(path_of(name), "wb");
    ASSAY_ASSERT(to && fwrite(from->bytes, 1, from->size, to) == from->size && fclose(to) == 0);
}

static size_t payload_make(uint8_t *out, uint64_t number) {
    size_t size = 1 + (size_t)(number * 37 % 90);
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(number * 101 + i * 7);
    return size;
}

static void record_append(assay_blocklog *log, uint64_t number) {
    uint8_t payload[128];
    size_t size = payload_make(payload, number);
    ASSAY_ASSERT(assay_blocklog_append(log, payload, size, NULL) == ASSAY_OK);
}

static void log_make(uint32_t count) {
    assay_blocklog *log;
    unlink(path_of("blocks.log"));
    unlink(path_of("blocks.idx"));
    unlink(path_of("blocks.torn"));
    ASSAY_ASSERT(assay_blocklog_open(&log, folder, true, 0, NULL) == ASSAY_OK);
    for (uint32_t i = 0; i < count; i++)
        record_append(log, i);
    assay_blocklog_close(log);
    file_load(&log_file, "blocks.log");
    file_load(&index_file, "blocks.idx");
}

// --- damage ---

static void range_repeat(file *f, size_t at, size_t length) {
    if (f->size + length > sizeof f->bytes) return;
    memmove(f->bytes + at + length, f->bytes + at, f->size - at);
    f->size += length;
}

static size_t number_at(const uint8_t *data) {
    return (size_t)data[0] << 8 | data[1];
}

static void file_edit(file *f, uint8_t kind, size_t at, size_t number, uint8_t byte) {
    at %= f->size + 1;
    size_t length = number < f->size - at ? number : f->size - at;
    switch (kind) {
    case FLIP:
        if (at < f->size) f->bytes[at] ^= byte;
        break;
    case CUT:
        f->size = at;
        break;
    case REMOVE:
        memmove(f->bytes + at, f->bytes + at + length, f->size - at - length);
        f->size -= length;
        break;
    case REPEAT:
        range_repeat(f, at, length);
        break;
    case FILL:
        memset(f->bytes + at, byte, length);
        break;
    case NUMBER: // a plausible one: an index entry, or a record's number
        if (f->size - at >= 8) assay_store_be64(f->bytes + at, number);
    }
}

static void damage(const uint8_t *data, size_t size) {
    for (size_t i = 0; i < EDITS_MAX && size >= EDIT_SIZE; i++) {
        file *f = data[0] & 0x80 ? &index_file : &log_file;
        file_edit(f, (data[0] & 0x7f) % EDIT_KINDS, number_at(data + 1), number_at(data + 3),
                  data[5]);
        data += EDIT_SIZE;
        size -= EDIT_SIZE;
    }
    file_save(&log_file, "blocks.log");
    file_save(&index_file, "blocks.idx");
}

// --- what is there then ---

// Each record reads as it was written, or is known to be damaged.
static void records_check(assay_blocklog *log, uint64_t written) {
    uint64_t count = assay_blocklog_count(log);
    ASSAY_ASSERT(count <= written);
    for (uint64_t i = 0; i < count; i++) {
        uint8_t expected[128], *found;
        size_t size = payload_make(expected, i), found_size;
        assay_error err = {0};
        assay_status status = assay_blocklog_read(log, i, &found, &found_size, &err);
        ASSAY_ASSERT(status == ASSAY_OK || (status == ASSAY_CORRUPT && *err.text));
        if (status == ASSAY_OK)
            ASSAY_ASSERT(found_size == size && memcmp(found, expected, size) == 0);
        free(found);
    }
}

// The damaged file is the log and what was cut off it. A head that a crash left is completed.
static void nothing_lost(void) {
    file_load(&kept, "blocks.log");
    file_load(&torn, "blocks.torn");
    if (log_file.size < HEAD) {
        ASSAY_ASSERT(memcmp(kept.bytes, log_file.bytes, log_file.size) == 0 && torn.size == 0);
        return;
    }
    ASSAY_ASSERT(kept.size + torn.size == log_file.size);
    ASSAY_ASSERT(memcmp(kept.bytes, log_file.bytes, kept.size) == 0);
    ASSAY_ASSERT(memcmp(torn.bytes, log_file.bytes + kept.size, torn.size) == 0);
}

static bool log_try(assay_blocklog **log, bool writable, uint64_t count_min) {
    assay_error err = {0};
    assay_status status = assay_blocklog_open(log, folder, writable, count_min, &err);
    ASSAY_ASSERT(status == ASSAY_OK || (err.status == status && *err.text &&
                                        (status == ASSAY_CORRUPT || status == ASSAY_VERSION ||
                                         (status == ASSAY_NOT_FOUND && !writable))));
    if (status == ASSAY_OK) ASSAY_ASSERT(assay_blocklog_count(*log) >= count_min);
    return status == ASSAY_OK;
}

// A record more, and the log as it is found again.
static void goes_on(assay_blocklog *log) {
    uint64_t count = assay_blocklog_count(log);
    record_append(log, count);
    records_check(log, count + 1);
    assay_blocklog_close(log);
    ASSAY_ASSERT(log_try(&log, false, count + 1));
    records_check(log, count + 1);
    assay_blocklog_close(log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static bool begun;
    assay_blocklog *log;
    if (!begun) folder_make();
    begun = true;
    if (size < 2) return 0;
    uint32_t written = data[0] % (RECORDS_MAX + 1), known = data[1] % (written + 1);
    log_make(written);
    damage(data + 2, size - 2);
    if (log_try(&log, false, known)) {
        records_check(log, written);
        assay_blocklog_close(log);
    }
    nothing_lost();
    ASSAY_ASSERT(torn.size == 0 && kept.size == log_file.size);
    bool opened = log_try(&log, true, known);
    nothing_lost();
    if (!opened) return 0;
    records_check(log, written);
    goes_on(log);
    return 0;
}
