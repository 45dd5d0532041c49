// SPDX-License-Identifier: Apache-2.0
// C-10 and the invariants B1 to B4 of consensus/blocklog.c.
#include "consensus/blocklog.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "consensus/block.h"
#include "tests/consensus/folder.h"

enum { RECORDS = 12, HEAD = 16, RECORD_HEAD = 44 };

static size_t payload_make(uint8_t *out, uint64_t number) {
    size_t size = 1 + (size_t)(number * 37 % 90);
    for (size_t i = 0; i < size; i++)
        out[i] = (uint8_t)(number * 101 + i * 7);
    return size;
}

static assay_blocklog *log_open(const char *folder, bool writable, uint64_t count_min) {
    assay_blocklog *log;
    must(assay_blocklog_open(&log, folder, writable, count_min, err));
    return log;
}

static assay_status log_try(const char *folder, bool writable, uint64_t count_min,
                            assay_error *why) {
    assay_blocklog *log;
    memset(why, 0, sizeof *why);
    assay_status status = assay_blocklog_open(&log, folder, writable, count_min, why);
    assay_blocklog_close(log);
    return status;
}

static void log_append(assay_blocklog *log, uint64_t count) {
    for (uint64_t i = 0; i < count; i++) {
        uint8_t payload[256];
        size_t size = payload_make(payload, assay_blocklog_count(log));
        must(assay_blocklog_append(log, payload, size, err));
    }
}

static assay_status record_try(assay_blocklog *log, uint64_t number) {
    uint8_t payload[256], *data;
    size_t size = payload_make(payload, number), found;
    assay_status status = assay_blocklog_read(log, number, &data, &found, NULL);
    if (status == ASSAY_OK) {
        assert_int_equal(found, size);
        assert_memory_equal(data, payload, size);
    }
    free(data);
    return status;
}

static void log_expect(assay_blocklog *log, uint64_t count) {
    assert_int_equal(assay_blocklog_count(log), count);
    for (uint64_t i = 0; i < count; i++)
        assert_int_equal(record_try(log, i), ASSAY_OK);
    assert_int_equal(record_try(log, count), ASSAY_NOT_FOUND);
}

static void log_make(char folder[FOLDER_MAX], uint64_t count) {
    folder_make(folder);
    assay_blocklog *log = log_open(folder, true, 0);
    log_append(log, count);
    assay_blocklog_close(log);
}

// A fresh copy of `from` in `to`: log_size and index_size bytes of its files (SIZE_MAX: all).
static void log_copy(const char *from, const char *to, size_t log_size, size_t index_size) {
    file_copy(folder_path(from, "blocks.log"), folder_path(to, "blocks.log"), log_size);
    file_copy(folder_path(from, "blocks.idx"), folder_path(to, "blocks.idx"), index_size);
}

// B1
static void test_reads_back(void **state) {
    char folder[FOLDER_MAX];
    log_make(folder, RECORDS);
    assay_blocklog *log = log_open(folder, true, RECORDS);
    log_expect(log, RECORDS);
    log_append(log, 5);
    log_expect(log, RECORDS + 5);
    assay_blocklog_close(log);
    log = log_open(folder, false, 0);
    log_expect(log, RECORDS + 5);
    assay_blocklog_close(log);
}

static void test_largest(void **state) {
    char folder[FOLDER_MAX];
    log_make(folder, 1);
    uint8_t *large = malloc(ASSAY_BLOCK_SIZE_MAX + 1), *data;
    size_t size;
    assay_error why = {0};
    memset(large, 7, ASSAY_BLOCK_SIZE_MAX + 1);
    assay_blocklog *log = log_open(folder, true, 0);
    assert_int_equal(assay_blocklog_append(log, large, ASSAY_BLOCK_SIZE_MAX + 1, &why),
                     ASSAY_CAPACITY);
    assert_string_equal(why.text, "block record of 83886081 bytes, limit 83886080");
    must(assay_blocklog_append(log, large, ASSAY_BLOCK_SIZE_MAX, err));
    must(assay_blocklog_read(log, 1, &data, &size, err));
    assert_int_equal(size, ASSAY_BLOCK_SIZE_MAX);
    assert_memory_equal(data, large, size);
    free(data);
    free(large);
    assay_blocklog_close(log);
}

// A copy has the same bytes, in as many steps as it takes; damage does not travel.
static void test_copy(void **state) {
    char from[FOLDER_MAX], to[FOLDER_MAX];
    log_make(from, RECORDS);
    folder_make(to);
    assay_blocklog *source = log_open(from, false, 0), *target = log_open(to, true, 0);
    for (uint64_t count = 5; count < RECORDS + 5; count += 5) {
        must(assay_blocklog_copy(target, source, 5, err));
        log_expect(target, count < RECORDS ? count : RECORDS);
    }
    must(assay_blocklog_copy(target, source, 5, err)); // nothing left
    assay_blocklog_close(target);
    uint8_t *a, *b;
    size_t a_size, b_size;
    must(assay_file_read(folder_path(from, "blocks.log"), 1 << 20, &a, &a_size, err));
    must(assay_file_read(folder_path(to, "blocks.log"), 1 << 20, &b, &b_size, err));
    assert_int_equal(a_size, b_size);
    assert_memory_equal(a, b, a_size);
    free(a);
    free(b);
    target = log_open(to, true, RECORDS);
    log_expect(target, RECORDS);
    assay_blocklog_close(target);
    folder_make(to);
    target = log_open(to, true, 0);
    bit_flip(folder_path(from, "blocks.log"), 8 * (HEAD + RECORD_HEAD));
    assert_int_equal(assay_blocklog_copy(target, source, 5, NULL), ASSAY_CORRUPT);
    log_expect(target, 0);
    assert_int_equal(file_size(folder_path(to, "blocks.log")), HEAD);
    assay_blocklog_close(target);
    assay_blocklog_close(source);
}

// B3: the file may end at any byte; what was whole stays, the rest is kept aside and gone.
static void test_torn_tail(void **state) {
    char whole[FOLDER_MAX], folder[FOLDER_MAX];
    size_t ends[RECORDS + 1];
    folder_make(whole);
    folder_make(folder);
    assay_blocklog *log = log_open(whole, true, 0);
    for (size_t i = 0; i <= RECORDS; i++) {
        ends[i] = file_size(folder_path(whole, "blocks.log"));
        if (i < RECORDS) log_append(log, 1);
    }
    assay_blocklog_close(log);
    for (size_t size = 0; size <= ends[RECORDS]; size++) {
        // The index lists what was synced before the append that was torn, or less, or nothing.
        uint64_t count = 0;
        while (count < RECORDS && ends[count + 1] <= size)
            count++;
        log_copy(whole, folder, size, (size_t)(count * 8 * (size % 3) / 2));
        if (size < HEAD) {
            assay_error why;
            assert_int_equal(log_try(folder, false, 0, &why), ASSAY_NOT_FOUND);
        }
        log = log_open(folder, true, count);
        log_expect(log, count);
        if (size > ends[count] && size > HEAD)
            assert_int_equal(file_size(folder_path(folder, "blocks.torn")), size - ends[count]);
        log_append(log, 2);
        log_expect(log, count + 2);
        assay_blocklog_close(log);
    }
}

// What a power cut may leave of an append: the right length, and zeros in place of some pages.
static void test_torn_zeros(void **state) {
    char folder[FOLDER_MAX];
    log_make(folder, RECORDS);
    const char *path = folder_path(folder, "blocks.log");
    size_t end = file_size(path);
    assert_int_equal(truncate(path, (off_t)(end + 500)), 0);
    assay_blocklog *log = log_open(folder, true, RECORDS);
    log_expect(log, RECORDS);
    assay_blocklog_close(log);
    assert_int_equal(file_size(path), end);
}

// B1: a bit flipped anywhere makes open or one read fail, and touches nothing else.
static void test_every_bit(void **state) {
    char whole[FOLDER_MAX], folder[FOLDER_MAX];
    log_make(whole, RECORDS);
    folder_make(folder);
    size_t size = file_size(folder_path(whole, "blocks.log"));
    for (size_t bit = 0; bit < 8 * size; bit++) {
        assay_blocklog *log;
        log_copy(whole, folder, SIZE_MAX, SIZE_MAX);
        bit_flip(folder_path(folder, "blocks.log"), bit);
        assay_status status = assay_blocklog_open(&log, folder, true, bit % 2 ? RECORDS : 0, NULL);
        assert_int_equal(file_size(folder_path(folder, "blocks.log")), size);
        if (bit < 8 * HEAD) {
            assert_int_equal(status, ASSAY_VERSION);
            continue;
        }
        if (status == ASSAY_OK) {
            int damaged = 0;
            for (uint64_t i = 0; i < RECORDS; i++)
                damaged += record_try(log, i) == ASSAY_CORRUPT;
            assert_int_equal(damaged, 1);
            assay_blocklog_close(log);
        } else {
            assert_int_equal(status, ASSAY_CORRUPT);
        }
    }
}

// B1: with the index lost too, damage that is not the very end still stays in the file, and a
// count that is known makes any damage an error.
static void test_damage_stays(void **state) {
    char whole[FOLDER_MAX], folder[FOLDER_MAX];
    assay_error why;
    log_make(whole, RECORDS);
    folder_make(folder);
    size_t size = file_size(folder_path(whole, "blocks.log"));
    for (size_t bit = 8 * HEAD; bit < 8 * size; bit += 7) {
        log_copy(whole, folder, SIZE_MAX, 0);
        bit_flip(folder_path(folder, "blocks.log"), bit);
        assert_int_equal(log_try(folder, true, RECORDS, &why), ASSAY_CORRUPT);
        assert_int_equal(file_size(folder_path(folder, "blocks.log")), size);
    }
    // A payload in the middle: the record's own length says that more follows.
    log_copy(whole, folder, SIZE_MAX, 0);
    bit_flip(folder_path(folder, "blocks.log"), 8 * (HEAD + RECORD_HEAD));
    assert_int_equal(log_try(folder, true, 0, &why), ASSAY_CORRUPT);
    assert_non_null(strstr(why.text, "not the rest of a crash"));
    log_copy(whole, folder, size - 1, 0);
    assert_int_equal(log_try(folder, true, RECORDS, &why), ASSAY_CORRUPT);
    assert_non_null(strstr(why.text, "ends at byte"));
    assert_non_null(strstr(why.text, "inside record 11"));
    // More after the end than one record can be.
    log_copy(whole, folder, SIZE_MAX, SIZE_MAX);
    assert_int_equal(truncate(folder_path(folder, "blocks.log"),
                              (off_t)size + RECORD_HEAD + ASSAY_BLOCK_SIZE_MAX + 1),
                     0);
    assert_int_equal(log_try(folder, true, 0, &why), ASSAY_CORRUPT);
    // A log that ends too early, at a record's end.
    assay_blocklog *log;
    log_copy(whole, folder, SIZE_MAX, SIZE_MAX);
    assert_int_equal(log_try(folder, true, RECORDS + 1, &why), ASSAY_CORRUPT);
    assert_string_equal(why.text, "block log has 12 whole records of at least 13: it ends there");
    log = log_open(folder, true, RECORDS);
    log_expect(log, RECORDS);
    assay_blocklog_close(log);
}

// B4: none, a short, a long, a foreign one.
static void test_index_lost(void **state) {
    char whole[FOLDER_MAX], folder[FOLDER_MAX];
    log_make(whole, RECORDS);
    folder_make(folder);
    for (size_t size = 0; size <= 8 * RECORDS; size++) {
        log_copy(whole, folder, SIZE_MAX, size);
        assay_blocklog *log = log_open(folder, true, RECORDS);
        log_expect(log, RECORDS);
        assay_blocklog_close(log);
        log_copy(whole, folder, SIZE_MAX, size);
        log = log_open(folder, false, RECORDS);
        log_expect(log, RECORDS);
        assay_blocklog_close(log);
    }
    assert_int_equal(unlink(folder_path(folder, "blocks.idx")), 0);
    assay_blocklog *log = log_open(folder, false, 0);
    log_expect(log, RECORDS);
    assay_blocklog_close(log);
    log = log_open(folder, true, 0);
    log_expect(log, RECORDS);
    assay_blocklog_close(log);
    assert_int_equal(file_size(folder_path(folder, "blocks.idx")), 8 * RECORDS);
    assert_int_equal(truncate(folder_path(folder, "blocks.idx"), 100000), 0);
    log = log_open(folder, true, 0);
    log_expect(log, RECORDS);
    log_append(log, 3);
    log_expect(log, RECORDS + 3);
    assay_blocklog_close(log);
}

// B4: any bit of it, and entries that lead elsewhere, before opening and under an open log.
static void test_index_garbled(void **state) {
    char whole[FOLDER_MAX], folder[FOLDER_MAX];
    log_make(whole, RECORDS);
    folder_make(folder);
    for (size_t bit = 0; bit < 64 * RECORDS; bit++) {
        log_copy(whole, folder, SIZE_MAX, SIZE_MAX);
        bit_flip(folder_path(folder, "blocks.idx"), bit);
        assay_blocklog *log = log_open(folder, bit % 2, bit % 3 ? RECORDS : 0);
        log_expect(log, RECORDS);
        bit_flip(folder_path(folder, "blocks.idx"), 64 * RECORDS - 1 - bit);
        log_expect(log, RECORDS);
        assay_blocklog_close(log);
    }
    uint8_t index[8 * RECORDS];
    for (uint64_t i = 0; i < RECORDS; i++) // the last record's place for all
        assay_store_be64(index + 8 * i, file_size(folder_path(whole, "blocks.log")) - 60);
    log_copy(whole, folder, SIZE_MAX, 0);
    must(assay_file_replace(folder_path(folder, "blocks.idx"), index, sizeof index, 0600, err));
    assay_blocklog *log = log_open(folder, true, RECORDS);
    log_expect(log, RECORDS);
    assay_blocklog_close(log);
}

// B2: the limit on the file's size stands in for a disk that fills, at every byte of an append.
static void test_full_disk(void **state) {
    char folder[FOLDER_MAX];
    struct rlimit old, limit;
    log_make(folder, RECORDS);
    const char *path = folder_path(folder, "blocks.log");
    size_t size = file_size(path);
    uint8_t payload[256];
    size_t next = payload_make(payload, RECORDS);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    assay_blocklog *log = log_open(folder, true, RECORDS);
    for (size_t room = 0; room < RECORD_HEAD + next; room++) {
        assay_error why = {0};
        limit = (struct rlimit){size + room, old.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        assay_status status = assay_blocklog_append(log, payload, next, &why);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
        assert_int_equal(status, ASSAY_DISK_FULL);
        assert_int_equal(file_size(path), size);
        log_expect(log, RECORDS);
    }
    log_append(log, 1);
    log_expect(log, RECORDS + 1);
    assay_blocklog_close(log);
}

// One writer at a time, in any process; readers beside it see what was there when they opened.
static void test_lock_and_reader(void **state) {
    char folder[FOLDER_MAX];
    assay_error why;
    log_make(folder, RECORDS);
    assay_blocklog *log = log_open(folder, true, 0);
    assert_int_equal(log_try(folder, true, 0, &why), ASSAY_BUSY);
    pid_t child = fork();
    if (child == 0) _exit(log_try(folder, true, 0, &why) == ASSAY_BUSY ? 0 : 1);
    int code;
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
    assay_blocklog *reader = log_open(folder, false, 0);
    log_append(log, 3);
    log_expect(reader, RECORDS);
    assay_blocklog *later = log_open(folder, false, 0);
    log_expect(later, RECORDS + 3);
    assay_blocklog_close(reader);
    assay_blocklog_close(later);
    assay_blocklog_close(log);
    log = log_open(folder, true, RECORDS + 3); // the lock went with its holder
    assay_blocklog_close(log);
}

// A reader in another process while records come in: what it sees is whole, and a prefix.
static void test_reader_beside_writer(void **state) {
    char folder[FOLDER_MAX];
    log_make(folder, 1);
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 200; i++) {
            assay_blocklog *reader;
            if (assay_blocklog_open(&reader, folder, false, 1, NULL) != ASSAY_OK) _exit(1);
            uint64_t count = assay_blocklog_count(reader);
            for (uint64_t at = count > 5 ? count - 5 : 0; at < count; at++)
                if (record_try(reader, at) != ASSAY_OK) _exit(2);
            assay_blocklog_close(reader);
        }
        _exit(0);
    }
    assay_blocklog *log = log_open(folder, true, 1);
    int code;
    while (waitpid(child, &code, WNOHANG) == 0)
        log_append(log, 1);
    assert_int_equal(code, 0);
    assay_blocklog_close(log);
}

static void test_strangers(void **state) {
    char folder[FOLDER_MAX];
    assay_error why;
    folder_make(folder);
    assert_int_equal(log_try(folder_path(folder, "none"), false, 0, &why), ASSAY_NOT_FOUND);
    must(
        assay_file_replace(folder_path(folder, "blocks.log"), "assay blocks 2\n\0", 16, 0600, err));
    assert_int_equal(log_try(folder, true, 0, &why), ASSAY_VERSION);
    assert_int_equal(log_try(folder, false, 0, &why), ASSAY_VERSION);
    must(assay_file_replace(folder_path(folder, "blocks.log"), "my notes", 8, 0600, err));
    assert_int_equal(log_try(folder, true, 0, &why), ASSAY_VERSION); // and is not written over
    assert_int_equal(file_size(folder_path(folder, "blocks.log")), 8);
    must(assay_file_replace(folder_path(folder, "file"), "x", 1, 0600, err));
    assert_int_not_equal(log_try(folder_path(folder, "file"), true, 0, &why), ASSAY_OK);
}

static void test_permission(void **state) {
    char folder[FOLDER_MAX];
    assay_error why;
    log_make(folder, 1);
    pid_t child = fork();
    if (child == 0) {
        // Root may open anything: only another user can be refused.
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0)) _exit(0);
        if (geteuid() == getuid() && geteuid() != 65534) chmod(folder, 0);
        _exit(log_try(folder, true, 1, &why) == ASSAY_PERMISSION ? 0 : 1);
    }
    int code;
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_int_equal(code, 0);
    chmod(folder, 0700);
}

// ---- the order of writes ----

static struct {
    bool watched, synced, early; // the log was; the index was written to before
} order;

static bool is_file(int fd, const char *name) {
    char link[32], path[4096] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    if (readlink(link, path, sizeof path - 1) < 0) return false;
    return strstr(path, name) != NULL;
}

ssize_t __real_pwrite(int fd, const void *data, size_t size, off_t at);
ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t at);

ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t at) {
    if (order.watched && is_file(fd, "/blocks.idx")) order.early |= !order.synced;
    return __real_pwrite(fd, data, size, at);
}

int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

int __wrap_fdatasync(int fd) {
    if (order.watched && is_file(fd, "/blocks.log")) order.synced = true;
    return __real_fdatasync(fd);
}

// A record that a killed process left unsynced is synced before the index lists it: a power cut in
// between would leave an entry of nothing, which no crash of an append does.
static void what_the_index_lists_is_synced(void **state) {
    char folder[FOLDER_MAX];
    folder_make(folder);
    assay_blocklog *log = log_open(folder, true, 0);
    log_append(log, RECORDS);
    assay_blocklog_close(log);
    assert_int_equal(truncate(folder_path(folder, "blocks.idx"), 8), 0);
    order.watched = true;
    log = log_open(folder, true, RECORDS);
    order.watched = false;
    log_expect(log, RECORDS);
    assay_blocklog_close(log);
    assert_true(order.synced);
    assert_false(order.early);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_index_lists_is_synced),
        cmocka_unit_test(test_reads_back),
        cmocka_unit_test(test_largest),
        cmocka_unit_test(test_copy),
        cmocka_unit_test(test_torn_tail),
        cmocka_unit_test(test_torn_zeros),
        cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_damage_stays),
        cmocka_unit_test(test_index_lost),
        cmocka_unit_test(test_index_garbled),
        cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_lock_and_reader),
        cmocka_unit_test(test_reader_beside_writer),
        cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_permission),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
