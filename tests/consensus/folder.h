// SPDX-License-Identifier: Apache-2.0
// A folder of its own for one test.
#ifndef ASSAY_TESTS_CONSENSUS_FOLDER_H
#define ASSAY_TESTS_CONSENSUS_FOLDER_H

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/consensus/cometbft.h"
#include "tests/folder.h"

enum { FOLDER_MAX = 512, FOLDER_PATH_MAX = 1024 };

// In memory where that can be had: thousands of fsyncs on a disk would take minutes.
static inline void folder_make(char folder[FOLDER_MAX]) {
    const char *where = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : ASSAY_BINARY_DIR;
    snprintf(folder, FOLDER_MAX, "%s/assay-consensus-XXXXXX", where);
    test_folder_make(folder);
}

static inline const char *folder_path(const char *folder, const char *name) {
    static char paths[4][FOLDER_PATH_MAX];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, FOLDER_PATH_MAX, "%s/%s", folder, name);
    return path;
}

static inline void file_copy(const char *from, const char *to, size_t size_max) {
    uint8_t *data;
    size_t size;
    must(assay_file_read(from, 1 << 30, &data, &size, err));
    must(assay_file_replace(to, data, size < size_max ? size : size_max, 0600, err));
    free(data);
}

static inline size_t file_size(const char *path) {
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return (size_t)info.st_size;
}

static inline void bit_flip(const char *path, size_t bit) {
    int fd = open(path, O_RDWR);
    uint8_t byte;
    assert_int_equal(pread(fd, &byte, 1, (off_t)(bit / 8)), 1);
    byte ^= (uint8_t)(1 << bit % 8);
    assert_int_equal(pwrite(fd, &byte, 1, (off_t)(bit / 8)), 1);
    close(fd);
}

#endif
