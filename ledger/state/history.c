// SPDX-License-Identifier: Apache-2.0
// Stored form (P-88): one entry a leaf, 0xf0 || index u64, holding the leaf's hash and those of the
// perfect trees the leaf completes, lowest first. So node (level, place) stands in the entry of its
// last leaf, (place + 1) * 2^level - 1, and appending never rewrites. 0xf1 holds the count. In a
// store that began with a snapshot the leaves before it are absent; the peaks of then stand under
// 0xf2 || level u8 || place u64. Whatever is appended needs no other node from below them.
#include "ledger/state/history.h"

#include "base/sha256.h"

enum {
    LEAF_TAG = ASSAY_STORE_HISTORY,
    COUNT_TAG = ASSAY_STORE_HISTORY + 1,
    PEAK_TAG = ASSAY_STORE_HISTORY + 2,
    ROOT_PREFIX = 2,
};

static const assay_record_key count_key = {.bytes = {COUNT_TAG}, .size = 1};

static assay_status count_get(uint64_t *count, const assay_reader *reader, assay_error *err) {
    assay_bytes value;
    *count = 0;
    ASSAY_TRY(assay_reader_get(reader, &count_key, &value, err));
    if (!value.data) return ASSAY_OK;
    if (value.size != 8)
        return ASSAY_FAIL(err, CORRUPT, "history count of %zu bytes, not 8", value.size);
    *count = assay_load_be64(value.data);
    return ASSAY_OK;
}

static assay_record_key leaf_key(uint64_t index) {
    assay_record_key key;
    assay_record_key_start(&key, LEAF_TAG);
    assay_record_key_add_u64(&key, index);
    return key;
}

static assay_record_key peak_key(uint32_t level, uint64_t place) {
    assay_record_key key;
    assay_record_key_start(&key, PEAK_TAG);
    assay_record_key_add_u8(&key, (uint8_t)level);
    assay_record_key_add_u64(&key, place);
    return key;
}

// The root of the perfect tree `place` of 2^level leaves.
static assay_status node_get(assay_hash *out, const assay_reader *reader, uint32_t level,
                             uint64_t place, assay_error *err) {
    assay_bytes value;
    uint64_t last = ((place + 1) << level) - 1;
    assay_record_key key = leaf_key(last);
    ASSAY_TRY(assay_reader_get(reader, &key, &value, err));
    if (!value.data) {
        key = peak_key(level, place);
        ASSAY_TRY(assay_reader_get(reader, &key, &value, err));
        if (value.size == sizeof *out) {
            memcpy(out->bytes, value.data, sizeof *out);
            return ASSAY_OK;
        }
    }
    if (!value.data || value.size < (level + 1) * sizeof *out)
        return ASSAY_FAIL(err, CORRUPT, "history leaf %llu lacks its node of level %u", (ull)last,
                          level);
    memcpy(out->bytes, value.data + level * sizeof *out, sizeof *out);
    return ASSAY_OK;
}

static void count_bind(assay_hash *out, uint64_t count, const assay_hash *tree_root) {
    uint8_t data[1 + 8 + ASSAY_HASH_SIZE];
    data[0] = ROOT_PREFIX;
    assay_store_be64(data + 1, count);
    memcpy(data + 9, tree_root->bytes, ASSAY_HASH_SIZE);
    assay_sha256_of(out, data, sizeof data);
}

// Of the leaves [first, first + count), which begin at 0 or where a mountain ends.
static assay_status peaks_read(assay_merkle_peaks *out, const assay_reader *reader, uint64_t first,
                               uint64_t count, assay_error *err) {
    *out = (assay_merkle_peaks){.count = count};
    for (uint32_t level = 64; level-- > 0;) {
        if (!(count >> level & 1)) continue;
        ASSAY_TRY(node_get(&out->peaks[out->peak_count++], reader, level, first >> level, err));
        first += (uint64_t)1 << level;
    }
    return ASSAY_OK;
}

// The root of a tree over those leaves alone.
static assay_status peaks_fold(assay_hash *out, const assay_reader *reader, uint64_t first,
                               uint64_t count, assay_error *err) {
    assay_merkle_peaks peaks;
    ASSAY_TRY(peaks_read(&peaks, reader, first, count, err));
    assay_merkle_peaks_root(out, &peaks);
    return ASSAY_OK;
}

assay_status assay_history_root(assay_hash *root, uint64_t *count, const assay_reader *reader,
                                assay_error *err) {
    assay_hash tree_root;
    ASSAY_TRY(count_get(count, reader, err));
    ASSAY_TRY(peaks_fold(&tree_root, reader, 0, *count, err));
    count_bind(root, *count, &tree_root);
    return ASSAY_OK;
}

assay_status assay_history_append(assay_store *store, const void *data, size_t size,
                                  assay_error *err) {
    const assay_reader reader = assay_reader_of_store(store);
    assay_hash nodes[64];
    uint64_t count;
    uint8_t count_value[8];
    ASSAY_TRY(count_get(&count, &reader, err));
    assay_merkle_leaf(&nodes[0], data, size);
    uint32_t level = 0;
    for (; count >> level & 1; level++) {
        assay_hash left;
        ASSAY_TRY(node_get(&left, &reader, level, (count >> level) - 1, err));
        assay_merkle_node(&nodes[level + 1], &left, &nodes[level]);
    }
    const assay_record_key key = leaf_key(count);
    assay_store_be64(count_value, count + 1);
    ASSAY_TRY(
        assay_store_put(store, key.bytes, key.size, nodes, (level + 1) * sizeof nodes[0], err));
    return assay_store_put(store, count_key.bytes, count_key.size, count_value, 8, err);
}

assay_status assay_history_peaks_get(assay_merkle_peaks *out, const assay_reader *reader,
                                     assay_error *err) {
    uint64_t count;
    ASSAY_TRY(count_get(&count, reader, err));
    return peaks_read(out, reader, 0, count, err);
}

void assay_history_peaks_root(assay_hash *root, const assay_merkle_peaks *peaks) {
    assay_hash tree_root;
    ASSAY_ASSERT(peaks->peak_count == assay_merkle_peak_count(peaks->count));
    assay_merkle_peaks_root(&tree_root, peaks);
    count_bind(root, peaks->count, &tree_root);
}

assay_status assay_history_load(assay_store_load *load, const assay_merkle_peaks *peaks,
                                assay_error *err) {
    uint8_t count_value[8];
    uint32_t index = 0;
    ASSAY_ASSERT(peaks->peak_count == assay_merkle_peak_count(peaks->count));
    for (uint32_t level = 64; level-- > 0;) {
        if (!(peaks->count >> level & 1)) continue;
        const assay_record_key key = peak_key(level, (peaks->count >> level) - 1);
        ASSAY_TRY(assay_store_load_aux(load, key.bytes, key.size, peaks->peaks[index++].bytes,
                                       ASSAY_HASH_SIZE, err));
    }
    if (peaks->count == 0) return ASSAY_OK; // as a store that never appended
    assay_store_be64(count_value, peaks->count);
    return assay_store_load_aux(load, count_key.bytes, count_key.size, count_value, 8, err);
}

assay_status assay_history_prove(assay_history_proof *proof, const assay_reader *reader,
                                 uint64_t index, assay_error *err) {
    *proof = (assay_history_proof){.index = index};
    ASSAY_TRY(count_get(&proof->count, reader, err));
    if (index >= proof->count)
        return ASSAY_FAIL(err, RANGE, "leaf %llu of a history of %llu", (ull)index,
                          (ull)proof->count);
    const assay_record_key leaf = leaf_key(index);
    assay_bytes kept;
    ASSAY_TRY(assay_reader_get(reader, &leaf, &kept, err));
    if (!kept.data)
        return ASSAY_FAIL(err, NOT_FOUND, "leaf %llu of the history is not kept here", (ull)index);
    ASSAY_TRY(peaks_fold(&proof->tree_root, reader, 0, proof->count, err));
    // Inside the leaf's mountain: the sibling on each level.
    uint32_t level = 0;
    while ((index >> level ^ 1) < proof->count >> level) {
        assay_hash *step = &proof->path[proof->step_count];
        ASSAY_TRY(node_get(step, reader, level, index >> level ^ 1, err));
        proof->step_count++;
        level++;
    }
    // Everything to the right folded into one, then each mountain to the left, nearest first.
    uint64_t first = (index >> level) << level, end = first + ((uint64_t)1 << level);
    if (end < proof->count)
        ASSAY_TRY(
            peaks_fold(&proof->path[proof->step_count++], reader, end, proof->count - end, err));
    for (; level < 63 && first; level++) {
        if (!(first >> level & 1)) continue;
        first -= (uint64_t)1 << level;
        ASSAY_TRY(node_get(&proof->path[proof->step_count++], reader, level, first >> level, err));
    }
    return ASSAY_OK;
}

assay_status assay_history_check(const assay_hash *root, const void *data, size_t size,
                                 const assay_history_proof *proof, assay_error *err) {
    if (proof->step_count > ASSAY_MERKLE_PATH_MAX)
        return ASSAY_FAIL(err, RANGE, "path of %u steps, limit %d", proof->step_count,
                          ASSAY_MERKLE_PATH_MAX);
    assay_hash leaf, bound;
    count_bind(&bound, proof->count, &proof->tree_root);
    if (!assay_hash_equal(&bound, root))
        return ASSAY_FAIL(err, MISMATCH, "proof for a history of %llu leaves has another root",
                          (ull)proof->count);
    assay_merkle_leaf(&leaf, data, size);
    return assay_merkle_check(&proof->tree_root, proof->count, proof->index, &leaf, proof->path,
                              proof->step_count, err);
}
