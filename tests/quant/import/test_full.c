// SPDX-License-Identifier: Apache-2.0
// Imports onto a full disk (F-10, F-11): a small file system of its own, in a mount namespace that
// ends with this process.
#include <stdlib.h>

#include "tests/test.h"
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "quant/import/adapter_import.h"
#include "quant/import/import.h"
#include "tests/folder.h"
#include "tests/skip.h"

static char folder[] = "/tmp/assay_import_full_XXXXXX";
static char path[sizeof folder + 8];

static void old_file_alone_expect(void) {
    uint8_t *data;
    size_t size;
    assert_int_equal(assay_file_read(path, 100, &data, &size, NULL), ASSAY_OK);
    assert_int_equal(size, 3);
    assert_memory_equal(data, "old", 3);
    free(data);
    DIR *dir = opendir(folder);
    int count = 0;
    while (readdir(dir))
        count++;
    closedir(dir);
    assert_int_equal(count, 3); // ., .. and the file
}

static void a_full_disk_keeps_the_old_file(void **state) {
    assay_hash root;
    assay_error err = {0};
    assert_int_equal(assay_file_replace(path, "old", 3, 0600, NULL), ASSAY_OK);
    assert_int_equal(
        assay_model_import(&root, ASSAY_SOURCE_DIR "/testnet/model", path, NULL, NULL, &err),
        ASSAY_DISK_FULL);
    assert_non_null(strstr(err.text, path));
    old_file_alone_expect();
    assert_int_equal(
        assay_adapter_import(&root, ASSAY_SOURCE_DIR "/testnet/adapters/doyle", path, NULL, &err),
        ASSAY_DISK_FULL);
    old_file_alone_expect();
}

int main(void) {
    test_folder_make(folder);
    snprintf(path, sizeof path, "%s/file", folder);
    int flags = geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWUSER | CLONE_NEWNS;
    if (unshare(flags) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", folder, "tmpfs", 0, "size=192k") != 0)
        return assay_test_skip("cannot mount a small file system: %s", strerror(errno));
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_full_disk_keeps_the_old_file)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    umount(folder);
    return failed;
}
