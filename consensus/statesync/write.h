// SPDX-License-Identifier: Apache-2.0
// One snapshot as files: FOLDER/HEIGHT/manifest and FOLDER/HEIGHT/000000, 000001, … A folder with
// the height for a name is whole; HEIGHT.part is on its way, or the rest of a crash.
#ifndef ASSAY_CONSENSUS_STATESYNC_WRITE_H
#define ASSAY_CONSENSUS_STATESYNC_WRITE_H

#include <stdatomic.h>

#include "consensus/statesync/manifest.h"

enum { ASSAY_STATESYNC_RESERVE = 256 << 20 }; // bytes of the disk that snapshots leave to blocks

// Whether `bytes` more leave the folder's disk its reserve. Errors: DISK_FULL, NOT_FOUND,
// PERMISSION, IO. A file system that tells no size has room. Spec: E-64.
assay_status assay_statesync_room(const char *folder, uint64_t bytes, assay_error *err);

// Writes the snapshot of a committed height. chunk_max: bytes of a chunk, 0:
// ASSAY_STATESYNC_CHUNK_MAX (another one makes other bytes: tests only). stop (may be NULL): set by
// another thread to end early. Takes as long as reading the state; memory: one chunk and the
// manifest; disk: never of its reserve. Errors: EXISTS, STOPPED, CAPACITY (chunks), CORRUPT,
// DISK_FULL, PERMISSION, MEMORY, IO; nothing is then left. Spec: E-62, E-63, E-64.
assay_status assay_statesync_write(const char *folder, assay_snapshot *snapshot,
                                   const assay_hash *genesis, uint32_t chunk_max,
                                   const atomic_bool *stop, assay_error *err);

// Reads a whole snapshot's manifest, as strictly as a stranger's. Errors: NOT_FOUND, MISMATCH
// (another height in it), CORRUPT, and those of manifest_read. Lives: the caller frees *data, which
// `out` borrows.
assay_status assay_statesync_open(assay_statesync_manifest *out, uint8_t **data, size_t *size,
                                  const char *folder, uint64_t height, assay_error *err);

// Reads one chunk and checks it against its hash. Errors: NOT_FOUND, CORRUPT, MEMORY, IO. Lives:
// the caller frees *data.
assay_status assay_statesync_read(uint8_t **data, size_t *size, const char *folder, uint64_t height,
                                  uint32_t index, const assay_hash *hash, assay_error *err);

// Removes one, whole or half: it is half from the first moment on. Errors: PERMISSION, IO.
assay_status assay_statesync_remove(const char *folder, uint64_t height, assay_error *err);

#endif
