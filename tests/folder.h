// SPDX-License-Identifier: Apache-2.0
// Folders that go with the process: a failed assertion jumps over whatever would have removed them.
#ifndef ASSAY_TESTS_FOLDER_H
#define ASSAY_TESTS_FOLDER_H

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/status.h"

static struct {
    char **paths;
    size_t count;
    pid_t owner; // its children leave by exit() too
} test_folders;

static inline void test_folders_remove(void) {
    bool mine = getpid() == test_folders.owner;
    for (size_t i = 0; i < test_folders.count; i++) {
        if (mine) assay_folder_remove(test_folders.paths[i]);
        free(test_folders.paths[i]);
    }
    free(test_folders.paths);
}

// Makes a folder whose name is the path with other letters for the XXXXXX at its end; whatever is
// in it at the end of the process is removed with it. Who makes many removes each when it is done.
static inline void test_folder_make(char *path) {
    if (!test_folders.owner) {
        test_folders.owner = getpid();
        ASSAY_ASSERT(atexit(test_folders_remove) == 0);
    }
    size_t size = (test_folders.count + 1) * sizeof *test_folders.paths;
    char **paths = realloc(test_folders.paths, size);
    ASSAY_ASSERT(mkdtemp(path) && paths);
    test_folders.paths = paths;
    paths[test_folders.count++] = strdup(path);
}

#endif
