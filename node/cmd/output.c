// SPDX-License-Identifier: Apache-2.0
#include "node/cmd/output.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD_MAX = 128 }; // bytes in which a mark stands

// Of any version: an older one is what is replaced by importing again.
const assay_output_kind assay_output_model = {"model",
                                              "{\"__metadata__\":{\"format\":\"assay-model-"};
const assay_output_kind assay_output_adapter = {"adapter",
                                                "{\"__metadata__\":{\"format\":\"assay-adapter-"};
const assay_output_kind assay_output_proof = {"proof", "\"kind\": \"payout\""};

static assay_status head_check(int fd, const char *path, const assay_output_kind *kind,
                               assay_error *err) {
    char head[HEAD_MAX];
    ssize_t size = read(fd, head, sizeof head);
    if (size < 0) return assay_fail_errno(err, errno, "cannot read %s", path);
    if (size == 0 || memmem(head, (size_t)size, kind->mark, strlen(kind->mark))) return ASSAY_OK;
    return ASSAY_FAIL(err, EXISTS, "%s is there and is no %s file: remove it first", path,
                      kind->name);
}

assay_status assay_output_check(const char *path, const assay_output_kind *kind, assay_error *err) {
    struct stat info;
    if (lstat(path, &info) != 0)
        return errno == ENOENT ? ASSAY_OK : assay_fail_errno(err, errno, "cannot stat %s", path);
    if (!S_ISREG(info.st_mode))
        return ASSAY_FAIL(err, EXISTS, "%s is there and is no regular file: give another name",
                          path);
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return assay_fail_errno(err, errno, "cannot open %s", path);
    assay_status status = head_check(fd, path, kind, err);
    close(fd);
    return status;
}
