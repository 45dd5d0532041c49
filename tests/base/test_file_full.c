// SPDX-License-Identifier: Apache-2.0
// A full disk: a 64 KiB file system of its own, in a mount namespace that ends with this process.
#include <stdlib.h>

#include "tests/test.h"
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/folder.h"
#include "tests/skip.h"

static char folder[] = "/tmp/assay_test_full_XXXXXX";
static char path[sizeof folder + 8];

static void a_full_disk_keeps_the_old_file(void **state) {
    enum { SIZE = 1 << 20 };
    uint8_t *big = calloc(1, SIZE);
    assert_non_null(big);
    assert_int_equal(assay_file_replace(path, "old", 3, 0600, NULL), ASSAY_OK);
    assay_error err = {0};
    assert_int_equal(assay_file_replace(path, big, SIZE, 0600, &err), ASSAY_DISK_FULL);
    assert_non_null(strstr(err.text, path));
    free(big);

    uint8_t *data;
    size_t size;
    assert_int_equal(assay_file_read(path, 100, &data, &size, NULL), ASSAY_OK);
    assert_int_equal(size, 3);
    assert_memory_equal(data, "old", 3);
    free(data);
    // The failed attempt gave its space back.
    assert_int_equal(assay_file_replace(path, "new", 3, 0600, NULL), ASSAY_OK);
    DIR *dir = opendir(folder);
    int count = 0;
    while (readdir(dir))
        count++;
    closedir(dir);
    assert_int_equal(count, 3); // ., .. and the file
}

int main(void) {
    test_folder_make(folder);
    snprintf(path, sizeof path, "%s/file", folder);
    int flags = geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS;
    if (unshare(flags) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", folder, "tmpfs", 0, "size=64k") != 0)
        return assay_test_skip("cannot mount a small file system: %s", strerror(errno));
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_full_disk_keeps_the_old_file)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    umount(folder);
    return failed;
}
