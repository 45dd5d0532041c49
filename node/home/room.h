// SPDX-License-Identifier: Apache-2.0
// Whether a folder's disk has room for what an engine beside it may write next.
#ifndef ASSAY_NODE_HOME_ROOM_H
#define ASSAY_NODE_HOME_ROOM_H

#include "base/status.h"

// A block of the largest default size, four times over, as engine and application store it.
enum { ASSAY_ROOM_BYTES_MIN = 16 << 20 };

// Errors: DISK_FULL (fewer bytes than ASSAY_ROOM_BYTES_MIN for whoever is not root, or no file
// more), NOT_FOUND, PERMISSION, IO. A file system that tells no size has room. Spec: E-90.
assay_status assay_room_check(const char *folder, assay_error *err);

// Removes what a crash left of a restore and of snapshots being made, as a node does when it opens:
// one that waits for room has opened nothing, and may wait for just that. Nothing happens where the
// home's state is open for writing, or was never opened. Spec: E-90.
void assay_room_clear(const char *home);

#endif
