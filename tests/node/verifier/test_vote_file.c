// SPDX-License-Identifier: Apache-2.0
// Votes on disk: what is appended, what is torn, what is swept, and whose they are. Rule F-49; W1
// to W4 of node/verifier/vote_file.h.
#include "node/verifier/vote_file.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/folder.h"
#include "tests/test.h"

enum { HEAD = 28, RECORD = 78 };

static char folder[64], path[96];
static const assay_address own = {{1}};
static assay_vote_file opened; // by the test that runs

static assay_vote_record vote_of(uint32_t i) {
    return (assay_vote_record){
        {{(uint8_t)i, 7}}, i, (uint8_t)(i % 2), i % 2 ? 33 : 0, {{(uint8_t)(i >> 8), 9}}};
}

// Reads the file anew and checks that it holds votes first .. first + count - 1, in order.
static void expect_votes(assay_vote_file *file, uint32_t first, uint32_t count) {
    assay_vote_record *votes;
    uint32_t found;
    assay_vote_file_close(file);
    must(assay_vote_file_open(file, &votes, &found, path, &own, err));
    assert_int_equal(found, count);
    for (uint32_t i = 0; i < count; i++) {
        const assay_vote_record wanted = vote_of(first + i);
        assert_memory_equal(&votes[i].batch, &wanted.batch, sizeof wanted.batch);
        assert_memory_equal(&votes[i].probe, &wanted.probe, sizeof wanted.probe);
        assert_int_equal(votes[i].sample, wanted.sample);
        assert_int_equal(votes[i].round, wanted.round);
        assert_int_equal(votes[i].verdict, wanted.verdict);
    }
    free(votes);
}

static void append(assay_vote_file *file, uint32_t first, uint32_t count) {
    static assay_vote_record votes[ASSAY_VOTES_KEPT_MAX];
    for (uint32_t i = 0; i < count; i++)
        votes[i] = vote_of(first + i);
    must(assay_vote_file_append(file, votes, count, err));
}

static off_t size_now(void) {
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    return info.st_size;
}

static void byte_flip(off_t at) {
    uint8_t byte;
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, (long)at, SEEK_SET), 0);
    assert_int_equal(fread(&byte, 1, 1, f), 1);
    byte ^= 1;
    assert_int_equal(fseek(f, (long)at, SEEK_SET), 0);
    assert_int_equal(fwrite(&byte, 1, 1, f), 1);
    assert_int_equal(fclose(f), 0);
}

// W1
static void what_is_appended_is_read_again(void **state) {
    unlink(path);
    expect_votes(&opened, 0, 0);
    append(&opened, 0, 1);
    append(&opened, 1, 3);
    assert_int_equal(size_now(), HEAD + 4 * RECORD);
    expect_votes(&opened, 0, 4);
    append(&opened, 4, 2);
    expect_votes(&opened, 0, 6);
}

// W2: at whatever byte of the last one a crash came, or a disk went bad.
static void a_torn_record_ends_the_file(void **state) {
    for (off_t cut = 1; cut <= RECORD; cut++) {
        unlink(path);
        expect_votes(&opened, 0, 0);
        append(&opened, 0, 3);
        assert_int_equal(truncate(path, size_now() - cut), 0);
        expect_votes(&opened, 0, 2);
        append(&opened, 2, 1);
        expect_votes(&opened, 0, 3);
        byte_flip(HEAD + 2 * RECORD - cut);
        expect_votes(&opened, 0, 1);
        assert_int_equal(size_now(), HEAD + RECORD);
    }
}

// W3
static void old_votes_are_swept(void **state) {
    unlink(path);
    expect_votes(&opened, 0, 0);
    append(&opened, 0, ASSAY_VOTES_KEPT_MAX);
    append(&opened, ASSAY_VOTES_KEPT_MAX, ASSAY_VOTES_KEPT_MAX);
    assert_int_equal(size_now(), HEAD + 2 * ASSAY_VOTES_KEPT_MAX * RECORD);
    append(&opened, 2 * ASSAY_VOTES_KEPT_MAX, 1);
    assert_int_equal(size_now(), HEAD + (ASSAY_VOTES_KEPT_MAX + 1) * RECORD);
    expect_votes(&opened, ASSAY_VOTES_KEPT_MAX + 1, ASSAY_VOTES_KEPT_MAX);
    assert_int_equal(size_now(), HEAD + ASSAY_VOTES_KEPT_MAX * RECORD);
}

// A disk on which no file can have more bytes than that.
static void disk_limit(rlim_t size) {
    struct rlimit limit;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

// W4: the lock is one open file's, so that a second opening here is as another process's.
static void a_file_is_one_process_s(void **state) {
    assay_vote_file second;
    assay_vote_record *votes;
    uint32_t count;
    assay_error why = {0};
    unlink(path);
    expect_votes(&opened, 0, 0);
    append(&opened, 0, 1);
    assert_int_equal(assay_vote_file_open(&second, &votes, &count, path, &own, &why), ASSAY_BUSY);
    assert_non_null(strstr(why.text, path));
    assert_null(votes);
    append(&opened, 1, 1);
    expect_votes(&opened, 0, 2);
    assert_int_equal(assay_vote_file_open(&second, &votes, &count,
                                          "/tmp/assay_no_such_folder/votes", &own, &why),
                     ASSAY_NOT_FOUND);
}

// W4: where not even a lock can be made, what is there is read; what another has appended meanwhile
// is not written over.
static void without_a_lock_nothing_is_written(void **state) {
    static assay_vote_file unlocked;
    const assay_vote_record vote = vote_of(3);
    char lock[128];
    assay_error why = {0};
    snprintf(lock, sizeof lock, "%s.lock", path);
    unlink(path);
    expect_votes(&opened, 0, 0);
    append(&opened, 0, 2);
    assay_vote_file_close(&opened);
    unlink(lock);
    assert_int_equal(mkdir(lock, 0700), 0); // nobody opens that for writing
    expect_votes(&unlocked, 0, 2);
    assert_int_not_equal(assay_vote_file_append(&unlocked, &vote, 1, &why), ASSAY_OK);
    assert_int_equal(rmdir(lock), 0);
    expect_votes(&opened, 0, 2);
    append(&opened, 2, 1);
    assert_int_equal(assay_vote_file_append(&unlocked, &vote, 1, &why), ASSAY_BUSY);
    assay_vote_file_close(&opened);
    disk_limit(1);
    for (int i = 0; i < 2; i++)
        assert_int_not_equal(assay_vote_file_append(&unlocked, &vote, 1, &why), ASSAY_OK);
    disk_limit(RLIM_INFINITY);
    append(&unlocked, 3, 1);
    expect_votes(&unlocked, 0, 4);
    assay_vote_file_close(&unlocked);
}

static ino_t inode_now(void) {
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return info.st_ino;
}

static void expect_unwritten(assay_vote_file *file, uint32_t first, uint32_t count) {
    off_t size = size_now();
    disk_limit(1);
    expect_votes(file, first, count);
    disk_limit(RLIM_INFINITY);
    assert_int_equal(size_now(), size);
}

// F-49: what can be read is good without a disk, and a file that is as it should be stays.
static void a_full_disk_costs_no_vote(void **state) {
    unlink(path);
    expect_votes(&opened, 0, 0);
    append(&opened, 0, 4);
    ino_t inode = inode_now();
    expect_unwritten(&opened, 0, 4);
    expect_votes(&opened, 0, 4);
    assert_int_equal(inode_now(), inode);
    append(&opened, 4, ASSAY_VOTES_KEPT_MAX);
    expect_unwritten(&opened, 4, ASSAY_VOTES_KEPT_MAX);
    append(&opened, 4 + ASSAY_VOTES_KEPT_MAX, 1);
    expect_votes(&opened, 5, ASSAY_VOTES_KEPT_MAX);
}

// W2: the records behind a damaged one, which nobody could cut, do not come back behind a later
// one.
static void what_was_not_cut_is_cut_later(void **state) {
    unlink(path);
    expect_votes(&opened, 0, 0);
    append(&opened, 0, 4);
    byte_flip(HEAD + 2 * RECORD - 1);
    expect_unwritten(&opened, 0, 1);
    append(&opened, 1, 1);
    assert_int_equal(size_now(), HEAD + 2 * RECORD);
    expect_votes(&opened, 0, 2);
}

// A file that could not be made at first is made when there is something for it; one that was away
// for an append has lost nothing by it.
static void a_missing_file_is_made_later(void **state) {
    const assay_vote_record vote = vote_of(0);
    char aside[96];
    assay_error why = {0};
    unlink(path);
    disk_limit(1);
    expect_votes(&opened, 0, 0);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_not_equal(assay_vote_file_append(&opened, &vote, 1, &why), ASSAY_OK);
    disk_limit(RLIM_INFINITY);
    append(&opened, 0, 2);
    expect_votes(&opened, 0, 2);
    snprintf(aside, sizeof aside, "%s/aside", folder);
    assert_int_equal(rename(path, aside), 0);
    disk_limit(1);
    assert_int_not_equal(assay_vote_file_append(&opened, &vote, 1, &why), ASSAY_OK);
    disk_limit(RLIM_INFINITY);
    assert_int_equal(rename(aside, path), 0);
    append(&opened, 2, 1);
    expect_votes(&opened, 0, 3);
}

static void expect_refused(const assay_address *validator, assay_status wanted) {
    assay_vote_file file;
    assay_vote_record *votes;
    uint32_t count;
    assay_error err = {0};
    assay_vote_file_close(&opened);
    assert_int_equal(assay_vote_file_open(&file, &votes, &count, path, validator, &err), wanted);
    assert_null(votes);
}

// What is no file of this validator's votes stays as it is.
static void other_files_are_refused(void **state) {
    static const assay_address other = {{2}};
    unlink(path);
    expect_votes(&opened, 0, 0);
    append(&opened, 0, 2);
    expect_refused(&other, ASSAY_MISMATCH);
    for (off_t at = 0; at < 8; at++) {
        byte_flip(at);
        expect_refused(&own, ASSAY_FORMAT);
        byte_flip(at);
    }
    expect_votes(&opened, 0, 2);
    assert_int_equal(truncate(path, HEAD + 2 * ASSAY_VOTES_KEPT_MAX * RECORD + 1), 0);
    expect_refused(&own, ASSAY_CAPACITY);
    assert_int_equal(truncate(path, HEAD - 1), 0);
    expect_refused(&own, ASSAY_FORMAT);
}

static int folder_open(void **state) {
    snprintf(folder, sizeof folder, "/tmp/assay_votes_XXXXXX");
    test_folder_make(folder);
    snprintf(path, sizeof path, "%s/votes", folder);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_appended_is_read_again),
        cmocka_unit_test(a_torn_record_ends_the_file),
        cmocka_unit_test(old_votes_are_swept),
        cmocka_unit_test(a_file_is_one_process_s),
        cmocka_unit_test(without_a_lock_nothing_is_written),
        cmocka_unit_test(a_full_disk_costs_no_vote),
        cmocka_unit_test(what_was_not_cut_is_cut_later),
        cmocka_unit_test(a_missing_file_is_made_later),
        cmocka_unit_test(other_files_are_refused),
    };
    return cmocka_run_group_tests(tests, folder_open, NULL);
}
