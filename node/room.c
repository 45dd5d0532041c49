// SPDX-License-Identifier: Apache-2.0
#include "node/room.h"

#include <errno.h>
#include <sys/statvfs.h>

assay_status assay_room_check(const char *folder, assay_error *err) {
    struct statvfs disk;
    if (statvfs(folder, &disk) != 0)
        return assay_fail_errno(err, errno, "cannot measure the disk of %.200s", folder);
    uint64_t left = (uint64_t)disk.f_bavail * disk.f_frsize;
    if (disk.f_blocks && left < ASSAY_ROOM_BYTES_MIN)
        return ASSAY_FAIL(err, DISK_FULL,
                          "%llu KiB are free on the disk of %.200s, at least %d are needed",
                          (unsigned long long)(left >> 10), folder, ASSAY_ROOM_BYTES_MIN >> 10);
    if (disk.f_files && disk.f_favail == 0)
        return ASSAY_FAIL(err, DISK_FULL, "the disk of %.200s has no room for a file more", folder);
    return ASSAY_OK;
}
