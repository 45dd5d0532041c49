// SPDX-License-Identifier: Apache-2.0
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static assay_status regular_open(int *fd, struct stat *out, const char *path, uint64_t size_max,
                                 assay_error *err) {
    struct stat info;
    // O_NONBLOCK: a FIFO in place of a file must not hang the open.
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0) return assay_fail_errno(err, errno, "cannot open %s", path);
    assay_status status = ASSAY_OK;
    if (fstat(*fd, &info) != 0)
        status = assay_fail_errno(err, errno, "cannot stat %s", path);
    else if (!S_ISREG(info.st_mode))
        status = ASSAY_FAIL(err, IO, "%s is not a regular file", path);
    else if ((uint64_t)info.st_size > size_max)
        status = ASSAY_FAIL(err, CAPACITY, "%s has %llu bytes, limit %llu", path, (ull)info.st_size,
                            (ull)size_max);
    if (status != ASSAY_OK) {
        close(*fd);
        return status;
    }
    *out = info;
    return ASSAY_OK;
}

assay_status assay_file_read(const char *path, uint64_t size_max, uint8_t **data, size_t *size,
                             assay_error *err) {
    int fd;
    struct stat info;
    *data = NULL;
    *size = 0;
    ASSAY_TRY(regular_open(&fd, &info, path, size_max, err));
    size_t total = (size_t)info.st_size;
    uint8_t *out = malloc(total + 1);
    size_t got = 0;
    while (out && got < total) {
        ssize_t part = read(fd, out + got, total - got);
        if (part < 0 && errno == EINTR) continue;
        if (part == 0) errno = EIO; // it shrank since fstat
        if (part <= 0) break;
        got += (size_t)part;
    }
    int saved = errno;
    close(fd);
    if (!out) return ASSAY_FAIL(err, MEMORY, "%s needs %zu bytes of memory", path, total);
    if (got < total) {
        free(out);
        return assay_fail_errno(err, saved, "cannot read %s", path);
    }
    out[total] = 0;
    *data = out;
    *size = total;
    return ASSAY_OK;
}

assay_status assay_file_write_at(int fd, const void *data, size_t size, uint64_t at,
                                 const char *what, assay_error *err) {
    const uint8_t *from = data;
    while (size) {
        ssize_t part = pwrite(fd, from, size, (off_t)at);
        if (part < 0 && errno == EINTR) continue;
        if (part <= 0) return assay_fail_errno(err, part ? errno : EIO, "cannot write %s", what);
        from += part;
        at += (uint64_t)part;
        size -= (size_t)part;
    }
    return ASSAY_OK;
}

assay_status assay_folder_sync(const char *path, assay_error *err) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int saved = fd < 0 || fsync(fd) != 0 ? errno : 0;
    if (fd >= 0) close(fd);
    return saved ? assay_fail_errno(err, saved, "cannot sync %s", path) : ASSAY_OK;
}

static assay_status parent_sync(const char *path, assay_error *err) {
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (!slash)
        snprintf(folder, sizeof folder, ".");
    else
        slash[slash == folder] = 0;
    return assay_folder_sync(folder, err);
}

// One step moves the finished file to its place: rename replaces, link refuses to. Of its pages in
// the cache the system is told `advice`.
static assay_status publish(int fd, const char *temporary, const char *path, bool replace,
                            int advice, assay_error *err) {
    int saved = fsync(fd) == 0 ? 0 : errno;
    if (!saved) posix_fadvise(fd, 0, 0, advice);
    if (close(fd) != 0 && !saved) saved = errno;
    if (!saved && (replace ? rename(temporary, path) : link(temporary, path)) != 0) saved = errno;
    if (saved || !replace) unlink(temporary);
    if (saved) return assay_fail_errno(err, saved, "cannot write %s", path);
    return parent_sync(path, err);
}

assay_status assay_file_publish(int fd, const char *temporary, const char *path, assay_error *err) {
    return publish(fd, temporary, path, true, POSIX_FADV_DONTNEED, err);
}

static assay_status file_place(const char *path, const void *data, size_t size, unsigned mode,
                               bool replace, assay_error *err) {
    char temporary[PATH_MAX];
    int length = snprintf(temporary, sizeof temporary, "%s.%ld.tmp", path, (long)getpid());
    if (length < 0 || (size_t)length >= sizeof temporary)
        return ASSAY_FAIL(err, CAPACITY, "path of %d characters, limit %d", length, PATH_MAX - 1);
    // What lies there is a dead process's rest or a trap: never written through, never followed.
    unlink(temporary);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) return assay_fail_errno(err, errno, "cannot create %s", temporary);
    assay_status status = assay_file_write_at(fd, data, size, 0, path, err);
    if (status != ASSAY_OK) {
        close(fd);
        unlink(temporary);
        return status;
    }
    return publish(fd, temporary, path, replace, POSIX_FADV_NORMAL, err);
}

assay_status assay_file_replace(const char *path, const void *data, size_t size, unsigned mode,
                                assay_error *err) {
    return file_place(path, data, size, mode, true, err);
}

assay_status assay_file_create(const char *path, const void *data, size_t size, unsigned mode,
                               assay_error *err) {
    return file_place(path, data, size, mode, false, err);
}

assay_status assay_mapping_open(assay_mapping *mapping, const char *path, uint64_t size_max,
                                assay_error *err) {
    // The system's clock of files goes in steps of up to 10 ms: what is written after that has
    // another time than what was written before.
    static const struct timespec steps = {0, 20000000};
    int fd;
    struct stat info;
    *mapping = (assay_mapping){0};
    ASSAY_TRY(regular_open(&fd, &info, path, size_max, err));
    size_t size = (size_t)info.st_size;
    void *data = size ? mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0) : NULL;
    int saved = errno;
    if (!data || data == MAP_FAILED) close(fd);
    if (data == MAP_FAILED) return assay_fail_errno(err, saved, "cannot map %s", path);
    if (!data) return ASSAY_OK;
    madvise(data, size, MADV_HUGEPAGE); // weights are read from end to end; refused, it is slower
    nanosleep(&steps, NULL);
    *mapping = (assay_mapping){data, size, fd, info.st_mtim};
    return ASSAY_OK;
}

void assay_mapping_close(assay_mapping *mapping) {
    if (mapping->data) {
        munmap((void *)mapping->data, mapping->size);
        close(mapping->fd);
    }
    *mapping = (assay_mapping){0};
}

assay_status assay_mapping_unchanged(const assay_mapping *mapping, const char *what,
                                     assay_error *err) {
    struct stat info;
    if (!mapping->data) return ASSAY_OK;
    if (fstat(mapping->fd, &info) != 0) return assay_fail_errno(err, errno, "cannot stat %s", what);
    if ((size_t)info.st_size == mapping->size && info.st_mtim.tv_sec == mapping->modified.tv_sec &&
        info.st_mtim.tv_nsec == mapping->modified.tv_nsec)
        return ASSAY_OK;
    return ASSAY_FAIL(err, CORRUPT,
                      "%s was written to while it is used: put new files in place by renaming, and "
                      "start again",
                      what);
}

void assay_mapping_drop(const assay_mapping *mapping, const void *data, size_t size) {
    uintptr_t begin = (uintptr_t)data, base = (uintptr_t)mapping->data;
    if (!mapping->data || begin < base || begin - base > mapping->size ||
        size > mapping->size - (begin - base))
        return;
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), skew = begin % page;
    if (size) madvise((void *)(begin - skew), size + skew, MADV_DONTNEED);
}

static assay_status folder_make_one(const char *path, assay_error *err) {
    struct stat info;
    if (mkdir(path, 0700) == 0) return parent_sync(path, err);
    if (errno != EEXIST) return assay_fail_errno(err, errno, "cannot create folder %s", path);
    if (stat(path, &info) != 0) return assay_fail_errno(err, errno, "cannot stat %s", path);
    if (!S_ISDIR(info.st_mode)) return assay_fail_errno(err, ENOTDIR, "cannot use %s", path);
    return ASSAY_OK;
}

assay_status assay_path_join(char *out, size_t size, const char *folder, const char *name,
                             assay_error *err) {
    int length = snprintf(out, size, "%s/%s", folder, name);
    if (length < 0 || (size_t)length >= size)
        return ASSAY_FAIL(err, CAPACITY, "path of %d characters, limit %zu", length, size - 1);
    return ASSAY_OK;
}

assay_status assay_folder_make(const char *path, assay_error *err) {
    char part[PATH_MAX];
    size_t length = strlen(path);
    if (length >= sizeof part)
        return ASSAY_FAIL(err, CAPACITY, "path of %zu characters, limit %d", length, PATH_MAX - 1);
    memcpy(part, path, length + 1);
    for (char *at = part + 1; *at; at++) {
        if (*at != '/') continue;
        *at = 0;
        ASSAY_TRY(folder_make_one(part, err));
        *at = '/';
    }
    return folder_make_one(part, err);
}

const char *assay_folder_temporary_parent(const char *otherwise) {
    const char *parent = getenv("TMPDIR");
    return parent && *parent ? parent : otherwise;
}

assay_status assay_folder_temporary(char *out, size_t size, const char *parent, const char *pattern,
                                    assay_error *err) {
    assay_status status = assay_path_join(out, size, parent, pattern, err);
    if (status == ASSAY_OK && !mkdtemp(out))
        status = assay_fail_errno(err, errno, "cannot make a folder in %s", parent);
    if (status != ASSAY_OK) out[0] = 0;
    return status;
}

assay_status assay_file_lock(int *out, const char *path, const char *what, bool make,
                             assay_error *err) {
    int fd = open(path, O_RDWR | (make ? O_CREAT : 0) | O_CLOEXEC, 0600);
    if (fd < 0) return assay_fail_errno(err, errno, "cannot open %s", path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int saved = errno;
        close(fd);
        if (saved == EWOULDBLOCK)
            return ASSAY_FAIL(err, BUSY, "%s is in use by another process", what);
        return assay_fail_errno(err, saved, "cannot lock %s", path);
    }
    *out = fd;
    return ASSAY_OK;
}

assay_status assay_folder_lock(int *out, const char *folder, const char *name, bool make,
                               assay_error *err) {
    char path[PATH_MAX];
    ASSAY_TRY(assay_path_join(path, sizeof path, folder, name, err));
    return assay_file_lock(out, path, folder, make, err);
}

assay_status assay_disk_space_get(assay_disk_space *out, const char *path, assay_error *err) {
    struct statvfs disk;
    if (statvfs(path, &disk) != 0)
        return assay_fail_errno(err, errno, "cannot measure the disk of %.200s", path);
    *out = (assay_disk_space){.size = (uint64_t)disk.f_blocks * disk.f_frsize,
                              .free = (uint64_t)disk.f_bavail * disk.f_frsize,
                              .names_full = disk.f_files && disk.f_favail == 0};
    return ASSAY_OK;
}

static int entry_remove(const char *path, const struct stat *info, int kind, struct FTW *walk) {
    return remove(path);
}

void assay_folder_remove(const char *path) {
    enum { OPEN_FOLDERS_MAX = 8 };
    nftw(path, entry_remove, OPEN_FOLDERS_MAX, FTW_DEPTH | FTW_PHYS);
}
