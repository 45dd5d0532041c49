// SPDX-License-Identifier: Apache-2.0
#include "ledger/registry.h"

#include "ledger/commitment.h"
#include "ledger/purse.h"
#include "ledger/record.h"

enum {
    MODEL_HEAD_SIZE = 20 + 8 + 8 + 4 + 8,
    MODEL_SIZE_MAX = MODEL_HEAD_SIZE + 2 * 2 + ASSAY_NAME_SIZE_MAX + ASSAY_URI_SIZE_MAX,
    ADAPTER_SIZE_MAX = MODEL_SIZE_MAX + 32 + 4 + ASSAY_SOURCES_MAX * 36,
};
static_assert(MODEL_HEAD_SIZE == 48 && MODEL_SIZE_MAX == 372, "record layout");
static_assert(ADAPTER_SIZE_MAX == 372 + 36 + 32 * 36, "record layout");

static void entry_write(assay_writer *writer, const assay_model_entry *entry) {
    assay_writer_address(writer, &entry->owner);
    assay_writer_u64(writer, entry->registered);
    assay_writer_u64(writer, entry->byte_count);
    assay_writer_u32(writer, entry->royalty_ppm);
    assay_writer_u64(writer, entry->bond);
    assay_record_text_write(writer, entry->name);
    assay_record_text_write(writer, entry->uri);
}

static void entry_read(assay_cursor *cursor, assay_model_entry *out) {
    assay_cursor_address(cursor, &out->owner);
    out->registered = assay_cursor_u64(cursor);
    out->byte_count = assay_cursor_u64(cursor);
    out->royalty_ppm = assay_cursor_u32(cursor);
    out->bond = assay_cursor_u64(cursor);
    assay_record_text_read(cursor, out->name, ASSAY_NAME_SIZE_MAX);
    assay_record_text_read(cursor, out->uri, ASSAY_URI_SIZE_MAX);
}

static assay_status model_put(assay_ledger *ledger, const assay_hash *root,
                              const assay_model_entry *entry, assay_error *err) {
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_MODEL, root);
    uint8_t value[MODEL_SIZE_MAX];
    assay_writer writer;
    assay_writer_init(&writer, value, sizeof value);
    entry_write(&writer, entry);
    ASSAY_ASSERT(!writer.failed);
    return assay_ledger_put(ledger, &key, value, writer.size, err);
}

static assay_status adapter_put(assay_ledger *ledger, const assay_hash *root,
                                const assay_adapter_entry *adapter, assay_error *err) {
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_ADAPTER, root);
    uint8_t value[ADAPTER_SIZE_MAX];
    assay_writer writer;
    assay_writer_init(&writer, value, sizeof value);
    entry_write(&writer, &adapter->entry);
    assay_writer_hash(&writer, &adapter->base);
    assay_writer_u32(&writer, adapter->source_count);
    for (uint32_t i = 0; i < adapter->source_count; i++) {
        assay_writer_hash(&writer, &adapter->sources[i].dataset);
        assay_writer_u32(&writer, adapter->sources[i].weight_ppm);
    }
    ASSAY_ASSERT(!writer.failed);
    return assay_ledger_put(ledger, &key, value, writer.size, err);
}

static assay_status model_decode(assay_model_entry *out, assay_bytes value, assay_error *err) {
    assay_cursor cursor;
    assay_cursor_init(&cursor, value.data, value.size);
    entry_read(&cursor, out);
    return assay_record_finish(&cursor, "a model", err);
}

static assay_status adapter_decode(assay_adapter_entry *out, assay_bytes value, assay_error *err) {
    assay_cursor cursor;
    assay_cursor_init(&cursor, value.data, value.size);
    entry_read(&cursor, &out->entry);
    assay_cursor_hash(&cursor, &out->base);
    out->source_count = assay_cursor_u32(&cursor);
    if (out->source_count > ASSAY_SOURCES_MAX) cursor.failed = true;
    for (uint32_t i = 0; i < out->source_count && !cursor.failed; i++) {
        assay_cursor_hash(&cursor, &out->sources[i].dataset);
        out->sources[i].weight_ppm = assay_cursor_u32(&cursor);
    }
    return assay_record_finish(&cursor, "an adapter", err);
}

assay_status assay_model_get(assay_model_entry *out, bool *found, const assay_reader *reader,
                             const assay_hash *root, assay_error *err) {
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_MODEL, root);
    assay_bytes value;
    ASSAY_TRY(assay_reader_get(reader, &key, &value, err));
    *found = value.data != NULL;
    return *found ? model_decode(out, value, err) : ASSAY_OK;
}

assay_status assay_adapter_get(assay_adapter_entry *out, bool *found, const assay_reader *reader,
                               const assay_hash *root, assay_error *err) {
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_ADAPTER, root);
    assay_bytes value;
    ASSAY_TRY(assay_reader_get(reader, &key, &value, err));
    *found = value.data != NULL;
    return *found ? adapter_decode(out, value, err) : ASSAY_OK;
}

assay_status assay_model_next(assay_hash *root, assay_model_entry *out, bool *found,
                              const assay_reader *reader, assay_error *err) {
    assay_bytes value;
    ASSAY_TRY(assay_record_next_hash(&value, found, reader, ASSAY_TABLE_MODEL, root, err));
    return *found ? model_decode(out, value, err) : ASSAY_OK;
}

assay_status assay_adapter_next(assay_hash *root, assay_adapter_entry *out, bool *found,
                                const assay_reader *reader, assay_error *err) {
    assay_bytes value;
    ASSAY_TRY(assay_record_next_hash(&value, found, reader, ASSAY_TABLE_ADAPTER, root, err));
    return *found ? adapter_decode(out, value, err) : ASSAY_OK;
}

static assay_status entry_check(const assay_params *params, const assay_hash *root,
                                uint32_t royalty_ppm, assay_error *err) {
    if (assay_hash_is_zero(root)) return ASSAY_REJECT(err, ROOT_ZERO, "a file with the zero root");
    if (royalty_ppm <= params->max_royalty_ppm) return ASSAY_OK;
    return ASSAY_REJECT(err, ROYALTY, "royalty %u ppm, limit %llu", royalty_ppm,
                        (ull)params->max_royalty_ppm);
}

static void entry_make(assay_model_entry *out, const assay_ledger *ledger, uint64_t byte_count,
                       uint32_t royalty_ppm, assay_bytes name, assay_bytes uri) {
    *out = (assay_model_entry){
        .owner = ledger->principal,
        .registered = ledger->height,
        .byte_count = byte_count,
        .royalty_ppm = royalty_ppm,
    };
    assay_record_text_copy(out->name, name, ASSAY_NAME_SIZE_MAX);
    assay_record_text_copy(out->uri, uri, ASSAY_URI_SIZE_MAX);
}

// Validators declare roots and do not say of which kind: a root that were both would be payable as
// a pair with itself, which nobody can rerun. P-34, P-35
static assay_status root_unused(const assay_ledger *ledger, const assay_hash *root,
                                assay_error *err) {
    assay_model_entry model;
    assay_adapter_entry adapter;
    bool found;
    ASSAY_TRY(assay_model_get(&model, &found, &ledger->reader, root, err));
    if (found)
        return ASSAY_REJECT(err, MODEL_EXISTS, "registered before as a model, at height %llu",
                            (ull)model.registered);
    ASSAY_TRY(assay_adapter_get(&adapter, &found, &ledger->reader, root, err));
    if (found)
        return ASSAY_REJECT(err, ADAPTER_EXISTS, "registered before as an adapter, at height %llu",
                            (ull)adapter.entry.registered);
    return ASSAY_OK;
}

// A root that is known to its maker alone needs no salt: nobody can commit to it.
static assay_status commitment_use(assay_ledger *ledger, const assay_hash *root, assay_error *err) {
    assay_commitment date;
    return assay_commitment_use(&date, ledger, root, NULL, err);
}

assay_status assay_model_register(assay_ledger *ledger, const assay_tx *tx, assay_error *err) {
    const assay_tx_register_model *body = &tx->body.register_model;
    assay_model_entry entry;
    ASSAY_TRY(root_unused(ledger, &body->root, err));
    ASSAY_TRY(entry_check(ledger->params, &body->root, body->royalty_ppm, err));
    ASSAY_TRY(commitment_use(ledger, &body->root, err));
    entry_make(&entry, ledger, body->byte_count, body->royalty_ppm, body->name, body->uri);
    ASSAY_TRY(model_put(ledger, &body->root, &entry, err));
    return assay_money_spend(ledger, assay_purse_registration(ASSAY_TABLE_MODEL, &body->root),
                             ledger->params->model_bond, err);
}

// Sources are registered, not retired, and together within the adapter's limit of bytes.
static assay_status sources_check(const assay_ledger *ledger, const assay_source_list *sources,
                                  assay_error *err) {
    uint64_t left = ledger->params->adapter_bytes_max;
    for (uint32_t i = 0; i < sources->count; i++) {
        assay_dataset dataset;
        bool found;
        ASSAY_TRY(
            assay_dataset_get(&dataset, &found, &ledger->reader, &sources->items[i].dataset, err));
        if (!found) return ASSAY_REJECT(err, DATASET_UNKNOWN, "source %u is no data set", i);
        if (dataset.retired != 0)
            return ASSAY_REJECT(err, DATASET_RETIRED, "source %u was retired at height %llu", i,
                                (ull)dataset.retired);
        if (dataset.byte_count > left)
            return ASSAY_REJECT(err, ADAPTER_SIZE,
                                "sources up to %u have more than %llu bytes, the limit", i,
                                (ull)ledger->params->adapter_bytes_max);
        left -= dataset.byte_count;
    }
    return ASSAY_OK;
}

assay_status assay_adapter_register(assay_ledger *ledger, const assay_tx *tx, assay_error *err) {
    const assay_tx_register_adapter *body = &tx->body.register_adapter;
    assay_adapter_entry adapter;
    assay_model_entry base;
    bool found;
    ASSAY_TRY(root_unused(ledger, &body->root, err));
    ASSAY_TRY(assay_model_get(&base, &found, &ledger->reader, &body->base, err));
    if (!found) return ASSAY_REJECT(err, MODEL_UNKNOWN, "the adapter's base is no model");
    ASSAY_TRY(entry_check(ledger->params, &body->root, body->royalty_ppm, err));
    ASSAY_TRY(sources_check(ledger, &body->sources, err));
    ASSAY_TRY(commitment_use(ledger, &body->root, err));
    adapter = (assay_adapter_entry){.base = body->base, .source_count = body->sources.count};
    entry_make(&adapter.entry, ledger, body->byte_count, body->royalty_ppm, body->name, body->uri);
    if (body->sources.count != 0)
        memcpy(adapter.sources, body->sources.items,
               body->sources.count * sizeof *body->sources.items);
    ASSAY_TRY(adapter_put(ledger, &body->root, &adapter, err));
    return assay_money_spend(ledger, assay_purse_registration(ASSAY_TABLE_ADAPTER, &body->root),
                             ledger->params->adapter_bond, err);
}

static assay_status root_payable(const assay_reader *reader, const assay_params *params,
                                 const char *what, const assay_hash *root,
                                 const assay_address *provider, assay_error *err) {
    uint64_t declared, total;
    ASSAY_TRY(assay_declared_share(&declared, &total, reader, params, root, provider, err));
    // > 2/3 of the total; with no bond at all nothing is payable.
    if ((assay_u128)declared * 3 <= (assay_u128)total * 2)
        return ASSAY_REJECT(err, NOT_DECLARED,
                            "%llu nopen of verification bond declare the %s, more than 2/3 of %llu "
                            "needed",
                            (ull)declared, what, (ull)total);
    return ASSAY_OK;
}

assay_status assay_registry_payable(uint64_t *byte_count, const assay_reader *reader,
                                    const assay_params *params, const assay_hash *model,
                                    const assay_hash *adapter, const assay_address *provider,
                                    assay_error *err) {
    assay_model_entry entry;
    bool found;
    ASSAY_TRY(assay_model_get(&entry, &found, reader, model, err));
    if (!found) return ASSAY_REJECT(err, MODEL_UNKNOWN, "no model has this root");
    ASSAY_TRY(root_payable(reader, params, "model", model, provider, err));
    *byte_count = entry.byte_count;
    if (assay_hash_is_zero(adapter)) return ASSAY_OK;
    assay_adapter_entry tuned;
    ASSAY_TRY(assay_adapter_get(&tuned, &found, reader, adapter, err));
    if (!found) return ASSAY_REJECT(err, ADAPTER_UNKNOWN, "no adapter has this root");
    if (!assay_hash_equal(&tuned.base, model))
        return ASSAY_REJECT(err, ADAPTER_BASE, "the adapter's base is another model");
    ASSAY_TRY(root_payable(reader, params, "adapter", adapter, provider, err));
    *byte_count += tuned.entry.byte_count; // each at most 2^44 (P-8)
    return ASSAY_OK;
}

assay_status assay_model_bond_change(assay_ledger *ledger, const assay_hash *root, int64_t change,
                                     assay_error *err) {
    assay_model_entry entry;
    bool found;
    ASSAY_TRY(assay_model_get(&entry, &found, &ledger->reader, root, err));
    ASSAY_ASSERT(found);
    entry.bond = assay_purse_changed(entry.bond, change);
    return model_put(ledger, root, &entry, err);
}

assay_status assay_adapter_bond_change(assay_ledger *ledger, const assay_hash *root, int64_t change,
                                       assay_error *err) {
    assay_adapter_entry adapter;
    bool found;
    ASSAY_TRY(assay_adapter_get(&adapter, &found, &ledger->reader, root, err));
    ASSAY_ASSERT(found);
    adapter.entry.bond = assay_purse_changed(adapter.entry.bond, change);
    return adapter_put(ledger, root, &adapter, err);
}
