// SPDX-License-Identifier: Apache-2.0
#include "consensus/kvstore/store.h"

#include <stdlib.h>

#include "base/cursor.h"
#include "base/file.h"

enum { ROOM_LEAST = 64, HEAD_SIZE = 8 + 8 + 8 + 4, ENTRY_HEAD_SIZE = 4 + 4 };

static const uint8_t mark[8] = {'a', 's', 's', 'a', 'y', 'k', 'v', '1'};

static int key_order(assay_bytes a, assay_bytes b) {
    return assay_bytes_order(a.data, a.size, b.data, b.size);
}

// Where a key is or would be.
static uint32_t place_find(const assay_kvstore_store *store, assay_bytes key, bool *there) {
    uint32_t low = 0, high = store->count;
    *there = false;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = key_order(store->entries[middle].key, key);
        if (order == 0) {
            *there = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const assay_bytes *assay_kvstore_get(const assay_kvstore_store *store, assay_bytes key) {
    bool there;
    uint32_t place = place_find(store, key, &there);
    return there ? &store->entries[place].value : NULL;
}

static uint64_t entry_size(assay_bytes key, assay_bytes value) {
    return ENTRY_HEAD_SIZE + (uint64_t)key.size + value.size;
}

// Key and value in one piece of memory, which starts with the key.
static bool entry_make(assay_kvstore_entry *out, assay_bytes key, assay_bytes value) {
    uint8_t *copy = malloc(key.size + value.size + 1);
    if (!copy) return false;
    if (key.size) memcpy(copy, key.data, key.size);
    if (value.size) memcpy(copy + key.size, value.data, value.size);
    *out = (assay_kvstore_entry){{copy, key.size}, {copy + key.size, value.size}};
    return true;
}

static bool room_make(assay_kvstore_store *store) {
    if (store->count < store->room) return true;
    uint32_t room = store->room ? 2 * store->room : ROOM_LEAST;
    void *grown = realloc(store->entries, room * sizeof store->entries[0]);
    if (!grown) return false;
    store->entries = grown;
    store->room = room;
    return true;
}

static void entry_free(assay_kvstore_store *store, uint32_t place) {
    assay_kvstore_entry *entry = &store->entries[place];
    store->bytes -= entry_size(entry->key, entry->value);
    free((void *)entry->key.data);
}

assay_status assay_kvstore_set(assay_kvstore_store *store, assay_bytes key, assay_bytes value,
                               assay_error *err) {
    assay_kvstore_entry entry;
    bool there;
    uint64_t bytes = store->bytes + entry_size(key, value);
    if (key.size > UINT32_MAX || value.size > UINT32_MAX ||
        bytes > ASSAY_KVSTORE_FILE_MAX - HEAD_SIZE)
        return ASSAY_FAIL(err, CAPACITY, "keys and values of %llu bytes, limit %d", (ull)bytes,
                          ASSAY_KVSTORE_FILE_MAX - HEAD_SIZE);
    if (!room_make(store) || !entry_make(&entry, key, value))
        return ASSAY_FAIL(err, MEMORY, "no memory for a key of %zu bytes", key.size);
    uint32_t place = place_find(store, key, &there);
    if (there) {
        entry_free(store, place);
    } else {
        memmove(store->entries + place + 1, store->entries + place,
                (store->count - place) * sizeof entry);
        store->count++;
    }
    store->entries[place] = entry;
    store->bytes += entry_size(key, value);
    return ASSAY_OK;
}

void assay_kvstore_remove(assay_kvstore_store *store, assay_bytes key) {
    bool there;
    uint32_t place = place_find(store, key, &there);
    if (!there) return;
    entry_free(store, place);
    store->count--;
    memmove(store->entries + place, store->entries + place + 1,
            (store->count - place) * sizeof store->entries[0]);
}

static assay_status entries_read(assay_kvstore_store *store, assay_cursor *cursor,
                                 assay_error *err) {
    uint32_t count = assay_cursor_u32(cursor);
    for (uint32_t i = 0; i < count && !cursor->failed; i++) {
        assay_bytes key = assay_cursor_blob(cursor, ASSAY_KVSTORE_FILE_MAX);
        assay_bytes value = assay_cursor_blob(cursor, ASSAY_KVSTORE_FILE_MAX);
        if (cursor->failed) break;
        if (i > 0 && key_order(store->entries[i - 1].key, key) >= 0)
            return ASSAY_FAIL(err, ORDER, "key %u of %u is not above the one before", i, count);
        ASSAY_TRY(assay_kvstore_set(store, key, value, err));
    }
    return assay_cursor_finish(cursor, "the kv state", err);
}

assay_status assay_kvstore_load(assay_kvstore_store *store, const char *path, assay_error *err) {
    uint8_t *data;
    size_t size;
    assay_cursor cursor;
    ASSAY_TRY(assay_file_read(path, ASSAY_KVSTORE_FILE_MAX, &data, &size, err));
    assay_cursor_init(&cursor, data, size);
    const uint8_t *found = assay_cursor_take(&cursor, sizeof mark);
    assay_status status;
    if (found && memcmp(found, mark, sizeof mark) != 0) {
        status = ASSAY_FAIL(err, VERSION, "%s does not start with \"assaykv1\"", path);
    } else {
        store->size = (int64_t)assay_cursor_u64(&cursor);
        store->height = (int64_t)assay_cursor_u64(&cursor);
        status = entries_read(store, &cursor, err);
    }
    free(data);
    if (status == ASSAY_OK && (store->size < 0 || store->height < 0))
        return ASSAY_FAIL(err, RANGE, "%s has a negative count or height", path);
    return status;
}

assay_status assay_kvstore_save(const assay_kvstore_store *store, const char *path,
                                assay_error *err) {
    size_t size = HEAD_SIZE + (size_t)store->bytes;
    assay_writer writer;
    uint8_t *data = malloc(size);
    if (!data) return ASSAY_FAIL(err, MEMORY, "no memory for a file of %zu bytes", size);
    assay_writer_init(&writer, data, size);
    assay_writer_copy(&writer, mark, sizeof mark);
    assay_writer_u64(&writer, (uint64_t)store->size);
    assay_writer_u64(&writer, (uint64_t)store->height);
    assay_writer_u32(&writer, store->count);
    for (uint32_t i = 0; i < store->count; i++) {
        const assay_kvstore_entry *entry = &store->entries[i];
        assay_writer_blob(&writer, entry->key.data, (uint32_t)entry->key.size);
        assay_writer_blob(&writer, entry->value.data, (uint32_t)entry->value.size);
    }
    ASSAY_ASSERT(!writer.failed && writer.size == size);
    assay_status status = assay_file_replace(path, data, size, 0600, err);
    free(data);
    return status;
}

void assay_kvstore_store_close(assay_kvstore_store *store) {
    for (uint32_t i = 0; i < store->count; i++)
        entry_free(store, i);
    free(store->entries);
    *store = (assay_kvstore_store){0};
}
