// SPDX-License-Identifier: Apache-2.0
// Whole files: read bounded, mapped, and replaced so that a crash leaves the old or the new one.
#ifndef ASSAY_BASE_FILE_H
#define ASSAY_BASE_FILE_H

#include <time.h>

#include "base/bytes.h"
#include "base/status.h"

// Reads a file of at most size_max bytes into fresh memory, with a zero byte after the end.
// Errors: NOT_FOUND, PERMISSION, CAPACITY, IO. Lives: the caller frees *data.
assay_status assay_file_read(const char *path, uint64_t size_max, uint8_t **data, size_t *size,
                             assay_error *err);

// Writes data beside `path`, fsyncs, renames over it and fsyncs the folder.
// mode: permission bits of a new file. Errors: DISK_FULL, PERMISSION, IO; the old file then stays.
assay_status assay_file_replace(const char *path, const void *data, size_t size, unsigned mode,
                                assay_error *err);

// Writes the whole of `data` from byte `at` of an open file on; what: for the sentence.
// Errors: DISK_FULL, IO; some of it may be written then.
assay_status assay_file_write_at(int fd, const void *data, size_t size, uint64_t at,
                                 const char *what, assay_error *err);

// Ends a file written beside its place: fsyncs and closes fd, renames `temporary` to `path`, fsyncs
// the folder. On failure the temporary file is gone and the old one stays; fd is closed either way.
// Written pages are small and leave the cache: whoever maps the file reads it into large ones.
// Errors: DISK_FULL, PERMISSION, IO.
assay_status assay_file_publish(int fd, const char *temporary, const char *path, assay_error *err);

// As assay_file_replace, but never over an existing file. Errors: also EXISTS.
assay_status assay_file_create(const char *path, const void *data, size_t size, unsigned mode,
                               assay_error *err);

// A read-only mapping of a whole file. A zeroed struct is safe to close.
typedef struct {
    const uint8_t *data;
    size_t size;
    int fd; // while there is data
    struct timespec modified;
} assay_mapping;

// Errors: NOT_FOUND, PERMISSION, CAPACITY (over size_max), IO. An empty file maps to size 0.
assay_status assay_mapping_open(assay_mapping *mapping, const char *path, uint64_t size_max,
                                assay_error *err);
void assay_mapping_close(assay_mapping *mapping);

// Whether the file has still the bytes that were mapped: what was read before is then what it had.
// One that another was renamed over has; one that is written to, as cp and an editor do, has not.
// Not noticed is who sets its time back, or writes through a mapping of his own. what: for the
// sentence. Errors: CORRUPT, IO.
assay_status assay_mapping_unchanged(const assay_mapping *mapping, const char *what,
                                     assay_error *err);

// The pages that hold data[size] leave this process's memory; a later read brings them back from
// the file. Nothing happens where they are not the mapping's, which may be a zeroed struct.
void assay_mapping_drop(const assay_mapping *mapping, const void *data, size_t size);

// Writes "<folder>/<name>" into out. Errors: CAPACITY (names the length and the limit).
assay_status assay_path_join(char *out, size_t size, const char *folder, const char *name,
                             assay_error *err);

// Makes a folder and its parents (mode 0700 where new). Errors: PERMISSION, IO.
assay_status assay_folder_make(const char *path, assay_error *err);

// A folder's entries outlive a power cut. Errors: NOT_FOUND, PERMISSION, IO.
assay_status assay_folder_sync(const char *path, assay_error *err);

// Where temporary folders go: $TMPDIR, or `otherwise` where that is not set. Lives: as long as the
// environment.
const char *assay_folder_temporary_parent(const char *otherwise);

// Makes a folder (mode 0700) below `parent`, named as the pattern but for the XXXXXX at its end.
// Its path into out, or "" on failure. Errors: CAPACITY, NOT_FOUND, PERMISSION, IO.
assay_status assay_folder_temporary(char *out, size_t size, const char *parent, const char *pattern,
                                    assay_error *err);

// Makes something one process's: an exclusive lock on the file at `path`, which is made if missing
// and wanted. what: is in use, where another process has it. Errors: BUSY, NOT_FOUND, PERMISSION,
// DISK_FULL, IO. Lives: until the caller closes *fd.
assay_status assay_file_lock(int *fd, const char *path, const char *what, bool make,
                             assay_error *err);

// Makes a folder one process's: an exclusive lock on the file `name` in it, which is made if
// missing and wanted. Errors: BUSY, NOT_FOUND, CAPACITY (path), PERMISSION, DISK_FULL, IO. Lives:
// until the caller closes *fd.
assay_status assay_folder_lock(int *fd, const char *folder, const char *name, bool make,
                               assay_error *err);

// Bytes of the file system that `path` is on, free ones as whoever is not root has them.
typedef struct {
    uint64_t size, free; // both 0 where it tells none
    bool names_full;     // no room for a file more
} assay_disk_space;

// Errors: NOT_FOUND, PERMISSION, IO.
assay_status assay_disk_space_get(assay_disk_space *out, const char *path, assay_error *err);

// Removes a folder with all that is in it; links are removed, not followed. What cannot be removed
// stays: this is for temporary folders.
void assay_folder_remove(const char *path);

#endif
