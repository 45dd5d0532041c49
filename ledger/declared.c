// SPDX-License-Identifier: Apache-2.0
// Which validators can rerun which roots. Three tables that move together:
//   1  DECLARER (root, validator) exists exactly if DECLARED of the validator lists the root and
//      its bond counts: every batch walks the declarers of its model
//   2  DECLARED_SUM of a root is the sum of its declarers' effective verification bond
// replace_roots and assay_declared_reweigh are the only writers (tests/ledger/test_registry.c).
#include "ledger/declared.h"

#include "ledger/record.h"

static assay_record_key declarer_key(const assay_hash *root, const assay_address *validator) {
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_DECLARER, root);
    assay_record_key_add(&key, validator->bytes, ASSAY_ADDRESS_SIZE);
    return key;
}

assay_status assay_declared_get(assay_declared *out, const assay_reader *reader,
                                const assay_address *validator, assay_error *err) {
    assay_record_key key = assay_record_key_of_address(ASSAY_TABLE_DECLARED, validator);
    assay_bytes value;
    ASSAY_TRY(assay_reader_get(reader, &key, &value, err));
    out->count = (uint32_t)(value.size / ASSAY_HASH_SIZE);
    if (value.size % ASSAY_HASH_SIZE != 0 || out->count > ASSAY_ROOTS_MAX)
        return ASSAY_FAIL(err, CORRUPT, "declared roots have %zu bytes", value.size);
    if (value.size != 0) memcpy(out->roots, value.data, value.size);
    return ASSAY_OK;
}

assay_status assay_declared_has(bool *out, const assay_reader *reader, const assay_hash *root,
                                const assay_address *validator, assay_error *err) {
    assay_record_key key = declarer_key(root, validator);
    assay_bytes value;
    ASSAY_TRY(assay_reader_get(reader, &key, &value, err));
    *out = value.data != NULL;
    return ASSAY_OK;
}

assay_status assay_declared_sum(uint64_t *out, const assay_reader *reader, const assay_hash *root,
                                assay_error *err) {
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_DECLARED_SUM, root);
    return assay_amount_get(out, reader, &key, err);
}

assay_status assay_declarer_next(assay_address *validator, uint64_t *weight, bool *found,
                                 const assay_reader *reader, const assay_params *params,
                                 const assay_hash *root, assay_error *err) {
    assay_record_key after = declarer_key(root, validator);
    assay_bytes nothing;
    ASSAY_TRY(assay_record_next(&nothing, found, reader, &after, validator->bytes,
                                ASSAY_ADDRESS_SIZE, err));
    if (!*found) return ASSAY_OK;
    ASSAY_TRY(assay_bond_weight(weight, reader, params, ASSAY_ROLE_VERIFICATION, validator, err));
    if (*weight == 0) return ASSAY_FAIL(err, CORRUPT, "a declarer has no bond that counts");
    return ASSAY_OK;
}

assay_status assay_declared_share(uint64_t *declared, uint64_t *total, const assay_reader *reader,
                                  const assay_params *params, const assay_hash *root,
                                  const assay_address *aside, assay_error *err) {
    ASSAY_TRY(assay_declared_sum(declared, reader, root, err));
    ASSAY_TRY(assay_bond_total(total, reader, ASSAY_ROLE_VERIFICATION, err));
    if (aside == NULL) return ASSAY_OK;
    uint64_t own;
    bool declares;
    ASSAY_TRY(assay_bond_weight(&own, reader, params, ASSAY_ROLE_VERIFICATION, aside, err));
    ASSAY_TRY(assay_declared_has(&declares, reader, root, aside, err));
    *total -= own;
    if (declares) *declared -= own;
    return ASSAY_OK;
}

static assay_status row_change(assay_ledger *ledger, const assay_hash *root,
                               const assay_address *validator, bool there, assay_error *err) {
    assay_record_key key = declarer_key(root, validator);
    return there ? assay_ledger_put(ledger, &key, "", 0, err)
                 : assay_ledger_delete(ledger, &key, err);
}

static assay_status sum_change(assay_ledger *ledger, const assay_hash *root, uint64_t before,
                               uint64_t after, assay_error *err) {
    assay_record_key key = assay_record_key_of_hash(ASSAY_TABLE_DECLARED_SUM, root);
    uint64_t sum;
    if (before == after) return ASSAY_OK;
    ASSAY_TRY(assay_amount_get(&sum, &ledger->reader, &key, err));
    ASSAY_ASSERT(sum >= before);
    return assay_amount_put(ledger, &key, sum - before + after, err);
}

assay_status assay_declared_reweigh(assay_ledger *ledger, const assay_address *validator,
                                    uint64_t before, uint64_t after, assay_error *err) {
    assay_declared declared;
    ASSAY_TRY(assay_declared_get(&declared, &ledger->reader, validator, err));
    for (uint32_t i = 0; i < declared.count; i++) {
        ASSAY_TRY(sum_change(ledger, &declared.roots[i], before, after, err));
        if ((before == 0) != (after == 0))
            ASSAY_TRY(row_change(ledger, &declared.roots[i], validator, after != 0, err));
    }
    return ASSAY_OK;
}

static assay_status root_remove(assay_ledger *ledger, const assay_hash *root, uint64_t weight,
                                assay_error *err) {
    if (weight != 0) ASSAY_TRY(row_change(ledger, root, &ledger->principal, false, err));
    return sum_change(ledger, root, weight, 0, err);
}

static assay_status root_add(assay_ledger *ledger, const assay_hash *root, uint64_t weight,
                             assay_error *err) {
    ASSAY_TRY(row_change(ledger, root, &ledger->principal, true, err));
    return sum_change(ledger, root, 0, weight, err);
}

// Walks both ascending lists; what stays in the set is not touched.
static assay_status replace_roots(assay_ledger *ledger, const assay_declared *old,
                                  const assay_hash_list *new, uint64_t weight, assay_error *err) {
    uint32_t i = 0, j = 0;
    while (i < old->count || j < new->count) {
        int order = i == old->count   ? 1
                    : j == new->count ? -1
                                      : memcmp(&old->roots[i], &new->items[j], ASSAY_HASH_SIZE);
        if (order < 0) ASSAY_TRY(root_remove(ledger, &old->roots[i], weight, err));
        if (order > 0) ASSAY_TRY(root_add(ledger, &new->items[j], weight, err));
        i += order <= 0;
        j += order >= 0;
    }
    return ASSAY_OK;
}

assay_status assay_declared_replace(assay_ledger *ledger, const assay_tx *tx, assay_error *err) {
    const assay_hash_list *roots = &tx->body.declare_roots.roots;
    assay_record_key key = assay_record_key_of_address(ASSAY_TABLE_DECLARED, &ledger->principal);
    assay_declared old;
    uint64_t weight;
    ASSAY_TRY(assay_bond_weight(&weight, &ledger->reader, ledger->params, ASSAY_ROLE_VERIFICATION,
                                &ledger->principal, err));
    // Leaving the set is always allowed; entering it takes a bond that counts.
    if (weight == 0 && roots->count != 0)
        return ASSAY_REJECT(err, NO_VERIFIER, "no verification bond of at least %llu nopen",
                            (ull)ledger->params->verification_bond_min);
    ASSAY_TRY(assay_declared_get(&old, &ledger->reader, &ledger->principal, err));
    ASSAY_TRY(replace_roots(ledger, &old, roots, weight, err));
    if (roots->count == 0) return assay_ledger_delete(ledger, &key, err);
    return assay_ledger_put(ledger, &key, roots->items, roots->count * sizeof *roots->items, err);
}
