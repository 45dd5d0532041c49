// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>

#include "tests/test.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/folder.h"

enum { PATH_SIZE = 600, NOBODY = 65534 };

// Each test has a fresh folder, open to everyone so that one of them can drop root.
static int folder_setup(void **state) {
    char *folder = strdup("/tmp/assay_test_file_XXXXXX");
    *state = folder;
    test_folder_make(folder);
    return chmod(folder, 0755);
}

static int folder_teardown(void **state) {
    free(*state);
    return 0;
}

static const char *in_folder(char path[PATH_SIZE], void **state, const char *name) {
    snprintf(path, PATH_SIZE, "%s/%s", (char *)*state, name);
    return path;
}

static void content_expect(const char *path, const char *expected) {
    uint8_t *data;
    size_t size;
    assert_int_equal(assay_file_read(path, 1 << 20, &data, &size, NULL), ASSAY_OK);
    assert_int_equal(size, strlen(expected));
    assert_memory_equal(data, expected, size + 1); // with the zero byte after the end
    free(data);
}

static size_t entry_count(const char *folder) {
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    size_t count = 0;
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 2; // . and ..
}

static void replace_writes_the_whole_and_leaves_nothing_else(void **state) {
    char path[PATH_SIZE];
    struct stat info;
    in_folder(path, state, "config.json");
    assert_int_equal(assay_file_replace(path, "one", 3, 0600, NULL), ASSAY_OK);
    content_expect(path, "one");
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    assert_int_equal(assay_file_replace(path, "", 0, 0600, NULL), ASSAY_OK);
    content_expect(path, "");
    assert_int_equal(assay_file_replace(path, "three", 5, 0600, NULL), ASSAY_OK);
    content_expect(path, "three");
    assert_int_equal(entry_count(*state), 1);
}

// A reader must see the old or the new content at every moment, never a part.
static void replace_is_atomic_to_readers(void **state) {
    enum { SIZE = 200000, ROUNDS = 40 };
    char path[PATH_SIZE];
    in_folder(path, state, "big");
    uint8_t *data = malloc(SIZE);
    assert_non_null(data);
    memset(data, 0, SIZE);
    assert_int_equal(assay_file_replace(path, data, SIZE, 0600, NULL), ASSAY_OK);
    pid_t writer = fork();
    assert_true(writer >= 0);
    if (writer == 0) {
        for (int round = 1; round < ROUNDS; round++) {
            memset(data, round, SIZE);
            if (assay_file_replace(path, data, SIZE, 0600, NULL) != ASSAY_OK) _exit(1);
        }
        _exit(0);
    }
    int status = 0, torn = 0;
    while (waitpid(writer, &status, WNOHANG) == 0) {
        uint8_t *seen;
        size_t size;
        assert_int_equal(assay_file_read(path, SIZE, &seen, &size, NULL), ASSAY_OK);
        torn += size != SIZE || memcmp(seen, seen + 1, SIZE - 1) != 0;
        free(seen);
    }
    assert_int_equal(status, 0);
    assert_int_equal(torn, 0);
    free(data);
}

static void a_killed_writer_leaves_old_or_new(void **state) {
    enum { SIZE = 1 << 20 };
    char path[PATH_SIZE];
    in_folder(path, state, "big");
    uint8_t *data = malloc(SIZE);
    assert_non_null(data);
    memset(data, 0, SIZE);
    assert_int_equal(assay_file_replace(path, data, SIZE, 0600, NULL), ASSAY_OK);
    for (int round = 0; round < 10; round++) {
        pid_t writer = fork();
        assert_true(writer >= 0);
        for (int value = 1; writer == 0; value++) {
            memset(data, value, SIZE);
            assay_file_replace(path, data, SIZE, 0600, NULL);
        }
        usleep(1000 + (unsigned)round * 700);
        kill(writer, SIGKILL);
        waitpid(writer, NULL, 0);
        uint8_t *seen;
        size_t size;
        assert_int_equal(assay_file_read(path, SIZE, &seen, &size, NULL), ASSAY_OK);
        assert_int_equal(size, SIZE);
        assert_int_equal(memcmp(seen, seen + 1, SIZE - 1), 0);
        free(seen);
    }
    // What the killed writers left beside it does not hinder the next one.
    assert_int_equal(assay_file_replace(path, "end", 3, 0600, NULL), ASSAY_OK);
    content_expect(path, "end");
    free(data);
}

static void a_planted_link_is_not_followed(void **state) {
    char path[PATH_SIZE], trap[PATH_SIZE + 32], victim[PATH_SIZE];
    in_folder(path, state, "key.json");
    in_folder(victim, state, "victim");
    assert_int_equal(assay_file_replace(victim, "safe", 4, 0600, NULL), ASSAY_OK);
    snprintf(trap, sizeof trap, "%s.%ld.tmp", path, (long)getpid());
    assert_int_equal(symlink(victim, trap), 0);
    assert_int_equal(assay_file_replace(path, "secret", 6, 0600, NULL), ASSAY_OK);
    content_expect(path, "secret");
    content_expect(victim, "safe");
}

static void every_reader_refuses(const char *path, uint64_t size_max, assay_status status) {
    uint8_t *data;
    size_t size;
    assay_mapping mapping;
    assay_error err = {0};
    assert_int_equal(assay_file_read(path, size_max, &data, &size, &err), status);
    assert_null(data);
    assert_int_equal(err.status, status);
    assert_int_equal(assay_mapping_open(&mapping, path, size_max, &err), status);
    assert_null(mapping.data);
    assay_mapping_close(&mapping);
}

static void what_is_no_file_is_refused_at_once(void **state) {
    char path[PATH_SIZE];
    every_reader_refuses(in_folder(path, state, "none"), 10, ASSAY_NOT_FOUND);
    every_reader_refuses(*state, 1 << 20, ASSAY_IO);
    every_reader_refuses("/dev/zero", 10, ASSAY_IO);
    in_folder(path, state, "fifo");
    assert_int_equal(mkfifo(path, 0600), 0);
    alarm(10); // a blocking open of a FIFO without a writer would hang for ever
    every_reader_refuses(path, 10, ASSAY_IO);
    alarm(0);
}

static void sizes_are_bounded(void **state) {
    char path[PATH_SIZE];
    in_folder(path, state, "file");
    assert_int_equal(assay_file_replace(path, "12345", 5, 0600, NULL), ASSAY_OK);
    every_reader_refuses(path, 4, ASSAY_CAPACITY);
    assay_mapping mapping;
    assert_int_equal(assay_mapping_open(&mapping, path, 5, NULL), ASSAY_OK);
    assert_int_equal(mapping.size, 5);
    assert_memory_equal(mapping.data, "12345", 5);
    assay_mapping_close(&mapping);
    assert_int_equal(assay_file_replace(path, "", 0, 0600, NULL), ASSAY_OK);
    assert_int_equal(assay_mapping_open(&mapping, path, 0, NULL), ASSAY_OK);
    assert_int_equal(mapping.size, 0);
    assay_mapping_close(&mapping);
    // A sparse terabyte costs nothing to refuse.
    int fd = open(path, O_WRONLY);
    assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
    close(fd);
    every_reader_refuses(path, (uint64_t)1 << 32, ASSAY_CAPACITY);
}

// Root may do everything, so the checks run as nobody.
static void missing_permission_is_named(void **state) {
    char path[PATH_SIZE], fresh[PATH_SIZE];
    in_folder(path, state, "secret");
    assert_int_equal(assay_file_replace(path, "old", 3, 0600, NULL), ASSAY_OK);
    bool root = geteuid() == 0;
    if (root)
        assert_int_equal(seteuid(NOBODY), 0);
    else
        assert_int_equal(chmod(path, 0) | chmod(*state, 0555), 0);
    every_reader_refuses(path, 10, ASSAY_PERMISSION);
    assay_error err = {0};
    assert_int_equal(assay_file_replace(path, "new", 3, 0600, &err), ASSAY_PERMISSION);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(assay_folder_make(in_folder(fresh, state, "a/b"), NULL), ASSAY_PERMISSION);
    if (root)
        assert_int_equal(seteuid(0), 0);
    else
        assert_int_equal(chmod(*state, 0755) | chmod(path, 0600), 0);
    content_expect(path, "old");
    assert_int_equal(entry_count(*state), 1);
}

static void a_target_that_is_a_folder_stays(void **state) {
    char path[PATH_SIZE];
    in_folder(path, state, "folder");
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(assay_file_replace(path, "x", 1, 0600, NULL), ASSAY_IO);
    assert_int_equal(assay_file_replace("/nowhere/at/all", "x", 1, 0600, NULL), ASSAY_NOT_FOUND);
    assert_int_equal(entry_count(*state), 1);
}

static void folders_are_made_with_their_parents(void **state) {
    char path[PATH_SIZE], file[PATH_SIZE];
    struct stat info;
    in_folder(path, state, "a/b//c/");
    assert_int_equal(assay_folder_make(path, NULL), ASSAY_OK);
    assert_int_equal(assay_folder_make(path, NULL), ASSAY_OK);
    assert_int_equal(stat(path, &info), 0);
    assert_true(S_ISDIR(info.st_mode));
    assert_int_equal(info.st_mode & 0777, 0700);
    in_folder(file, state, "a/file");
    assert_int_equal(assay_file_replace(file, "x", 1, 0600, NULL), ASSAY_OK);
    assay_error err = {0};
    assert_int_equal(assay_folder_make(file, &err), ASSAY_IO); // a file is not a folder
    assert_non_null(strstr(err.text, file));
    char *endless = calloc(1, 10000);
    assert_non_null(endless);
    memset(endless, 'x', 9999);
    assert_int_equal(assay_folder_make(endless, NULL), ASSAY_CAPACITY);
    assert_int_equal(assay_file_replace(endless, "x", 1, 0600, NULL), ASSAY_CAPACITY);
    free(endless);
}

static void folders_go_with_what_is_in_them(void **state) {
    char kept[PATH_SIZE], inner[PATH_SIZE], path[PATH_SIZE];
    in_folder(kept, state, "kept");
    assert_int_equal(assay_file_replace(kept, "x", 1, 0600, NULL), ASSAY_OK);
    in_folder(inner, state, "outer/inner");
    assert_int_equal(assay_folder_make(inner, NULL), ASSAY_OK);
    in_folder(path, state, "outer/inner/file");
    assert_int_equal(assay_file_replace(path, "y", 1, 0600, NULL), ASSAY_OK);
    in_folder(path, state, "outer/link");
    assert_int_equal(symlink(*state, path), 0);
    in_folder(path, state, "outer");
    assay_folder_remove(path);
    assert_int_equal(entry_count(*state), 1);
    content_expect(kept, "x");
}

static void temporary_folders_are_new_and_private(void **state) {
    char one[PATH_SIZE], two[PATH_SIZE], shortest[8];
    struct stat info;
    assay_error err = {0};
    assert_int_equal(assay_folder_temporary(one, sizeof one, *state, "t-XXXXXX", NULL), ASSAY_OK);
    assert_int_equal(assay_folder_temporary(two, sizeof two, *state, "t-XXXXXX", NULL), ASSAY_OK);
    assert_string_not_equal(one, two);
    assert_int_equal(stat(one, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    assert_int_equal(entry_count(*state), 2);
    assert_int_equal(assay_folder_temporary(one, sizeof one, "/nowhere/at/all", "t-XXXXXX", &err),
                     ASSAY_NOT_FOUND);
    assert_non_null(strstr(err.text, "/nowhere/at/all"));
    assert_string_equal(one, "");
    assert_int_equal(assay_folder_temporary(shortest, sizeof shortest, *state, "t-XXXXXX", NULL),
                     ASSAY_CAPACITY);
    assert_string_equal(shortest, "");
}

static void a_disk_says_what_it_has(void **state) {
    assay_disk_space space = {0};
    assay_error err = {0};
    struct statvfs disk;
    assert_int_equal(statvfs(*state, &disk), 0);
    assert_int_equal(assay_disk_space_get(&space, *state, NULL), ASSAY_OK);
    assert_int_equal(space.size, (uint64_t)disk.f_blocks * disk.f_frsize);
    assert_true(space.free > 0 && space.free <= space.size);
    assert_false(space.names_full);
    assert_int_equal(assay_disk_space_get(&space, "/nowhere/at/all", &err), ASSAY_NOT_FOUND);
    assert_non_null(strstr(err.text, "/nowhere/at/all"));
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_setup, folder_teardown)

static void write_over(const char *path, const char *text) {
    int fd = open(path, O_WRONLY);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
}

// F-5: of files in use, that one is written to is noticed, even if it is as long as before and at
// once; that another takes its name changes nothing.
static void a_mapped_file_that_is_written_to_is_noticed(void **state) {
    char path[PATH_SIZE];
    assay_mapping mapping;
    assay_error err = {0};
    in_folder(path, state, "mapped");
    assert_int_equal(assay_file_replace(path, "12345", 5, 0600, NULL), ASSAY_OK);
    assert_int_equal(assay_mapping_open(&mapping, path, 5, NULL), ASSAY_OK);
    assert_int_equal(assay_mapping_unchanged(&mapping, "it", NULL), ASSAY_OK);
    assert_int_equal(assay_file_replace(path, "other", 5, 0600, NULL), ASSAY_OK);
    assert_int_equal(assay_mapping_unchanged(&mapping, "it", NULL), ASSAY_OK);
    assert_memory_equal(mapping.data, "12345", 5);
    assay_mapping_close(&mapping);
    assert_int_equal(assay_mapping_open(&mapping, path, 5, NULL), ASSAY_OK);
    write_over(path, "54321");
    assert_int_equal(assay_mapping_unchanged(&mapping, "it", &err), ASSAY_CORRUPT);
    assert_non_null(strstr(err.text, "it was written to"));
    assay_mapping_close(&mapping);
    assert_int_equal(assay_mapping_open(&mapping, path, 5, NULL), ASSAY_OK);
    assert_int_equal(truncate(path, 2), 0);
    assert_int_equal(assay_mapping_unchanged(&mapping, "it", NULL), ASSAY_CORRUPT);
    assay_mapping_close(&mapping);
    assert_int_equal(assay_mapping_unchanged(&mapping, "it", NULL), ASSAY_OK); // nothing is
}

// ---- writes that do not go as asked ----

static const char *script = ""; // of the next ones, a letter each; then they are the system's

ssize_t __real_pwrite(int fd, const void *data, size_t size, off_t at);
ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t at);

ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t at) {
    switch (*script ? *script++ : 0) {
    case 'i':
        errno = EINTR;
        return -1;
    case 'f':
        errno = ENOSPC;
        return -1;
    case '0':
        return 0;
    case '1':
        size = 1;
    }
    return __real_pwrite(fd, data, size, at);
}

// Interrupted and in parts, all is written; and what the system cannot write at all is an end.
static void a_write_is_whole_or_fails(void **state) {
    char path[PATH_SIZE];
    assay_error err = {0};
    in_folder(path, state, "file");
    assert_int_equal(assay_file_replace(path, "12345678", 8, 0600, NULL), ASSAY_OK);
    int fd = open(path, O_WRONLY);
    script = "i11i";
    assert_int_equal(assay_file_write_at(fd, "abcd", 4, 2, "it", NULL), ASSAY_OK);
    content_expect(path, "12abcd78");
    script = "10";
    assert_int_equal(assay_file_write_at(fd, "xy", 2, 0, "it", &err), ASSAY_IO);
    assert_non_null(strstr(err.text, "cannot write it"));
    script = "f";
    assert_int_equal(assay_file_write_at(fd, "xy", 2, 0, "it", NULL), ASSAY_DISK_FULL);
    content_expect(path, "x2abcd78");
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        IN_FOLDER(replace_writes_the_whole_and_leaves_nothing_else),
        IN_FOLDER(replace_is_atomic_to_readers),
        IN_FOLDER(a_write_is_whole_or_fails),
        IN_FOLDER(a_killed_writer_leaves_old_or_new),
        IN_FOLDER(a_planted_link_is_not_followed),
        IN_FOLDER(what_is_no_file_is_refused_at_once),
        IN_FOLDER(sizes_are_bounded),
        IN_FOLDER(a_mapped_file_that_is_written_to_is_noticed),
        IN_FOLDER(missing_permission_is_named),
        IN_FOLDER(a_target_that_is_a_folder_stays),
        IN_FOLDER(folders_are_made_with_their_parents),
        IN_FOLDER(folders_go_with_what_is_in_them),
        IN_FOLDER(a_disk_says_what_it_has),
        IN_FOLDER(temporary_folders_are_new_and_private),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
