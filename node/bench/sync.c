// SPDX-License-Identifier: Apache-2.0
#include "node/bench/sync.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "base/file.h"
#include "node/measure.h"

enum { PAGE = 4096, SYNC_COUNT = 31 };

assay_status assay_bench_sync_measure(double *out_ms, const char *folder, assay_error *err) {
    static const uint8_t page[PAGE];
    char path[PATH_MAX];
    double times[SYNC_COUNT];
    ASSAY_TRY(assay_path_join(path, sizeof path, folder, "page", err));
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    bool bad = fd < 0;
    for (int i = 0; i < SYNC_COUNT && !bad; i++) {
        double start = assay_measure_seconds();
        bad = pwrite(fd, page, sizeof page, 0) != sizeof page || fsync(fd) != 0;
        times[i] = assay_measure_seconds() - start;
    }
    assay_status status = bad ? assay_fail_errno(err, errno, "cannot sync %s", path) : ASSAY_OK;
    if (fd >= 0) close(fd);
    if (status == ASSAY_OK) *out_ms = 1000 * assay_measure_median(times, SYNC_COUNT);
    return status;
}
