// SPDX-License-Identifier: Apache-2.0
#include "node/verifier/declaration.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "base/json.h"
#include "node/log.h"

static const assay_hash *root_of(const assay_workshop *shop, uint32_t index) {
    return index ? &shop->adapters[index - 1].root : &shop->model.root;
}

static const char *kind_of(uint32_t index) {
    return index ? "adapter" : "model";
}

// Errors: NOT_FOUND (not registered as a model), NETWORK …
static assay_status model_fetch(const assay_client *client, const assay_hash *root,
                                assay_error *err) {
    json_t *object;
    ASSAY_TRY(assay_client_get_id(&object, client, "model", root->bytes, ASSAY_HASH_SIZE, err));
    json_decref(object);
    return ASSAY_OK;
}

// A registered adapter: is it of the loaded base, and are its data here?
static assay_loaded_state lineage_judge(char *reason, const assay_workshop *shop,
                                        const assay_lineage *lineage) {
    char base[ASSAY_HEX_HASH_MAX];
    assay_error why = {0};
    assay_hash missing;
    if (!assay_hash_equal(&lineage->base, &shop->model.root)) {
        assay_hex_encode_0x(base, lineage->base.bytes, ASSAY_HASH_SIZE);
        snprintf(reason, ASSAY_ERROR_TEXT_MAX,
                 "it is registered for the base %s, which is not the one loaded; give --model that "
                 "one, and start again",
                 base);
        return ASSAY_LOADED_LEFT_OUT;
    }
    assay_status status = assay_workshop_sources_check(shop, lineage, &missing, &why);
    if (status == ASSAY_OK) return ASSAY_LOADED_FIT;
    snprintf(reason, ASSAY_ERROR_TEXT_MAX, "%.200s; %s", why.text,
             status == ASSAY_MISSING ? "give its text with --dataset, and start again"
                                     : "what is registered cannot change: leave the adapter out");
    return ASSAY_LOADED_LEFT_OUT;
}

static void loaded_tell(const assay_loaded *loaded, const char *kind, const assay_hash *root) {
    char text[ASSAY_HEX_HASH_MAX];
    assay_hex_encode_0x(text, root->bytes, ASSAY_HASH_SIZE);
    assay_log(ASSAY_LOG_WARN, "root_not_declared",
              json_pack("{s:s,s:s,s:s}", "kind", kind, "root", text, "reason", loaded->reason),
              "%s %s is not declared: %s", kind, text, loaded->reason);
}

static assay_status loaded_look(assay_declaration *d, uint32_t index, assay_error *err) {
    assay_loaded *loaded = &d->loaded[index];
    const assay_hash *root = root_of(d->shop, index);
    const assay_client *client = &d->wallet->client;
    assay_error why = {0};
    assay_lineage lineage;
    if (loaded->state == ASSAY_LOADED_LEFT_OUT || loaded->state == ASSAY_LOADED_FIT)
        return ASSAY_OK;
    assay_loaded_state before = loaded->state;
    assay_status status =
        index ? assay_lineage_fetch(&lineage, client, root, &why) : model_fetch(client, root, &why);
    if (status == ASSAY_NOT_FOUND) {
        loaded->state = ASSAY_LOADED_AWAITED;
        snprintf(
            loaded->reason, sizeof loaded->reason,
            "it is not registered as %s (assay %s register); looked for again every %d seconds",
            index ? "an adapter" : "a model", kind_of(index), ASSAY_DECLARATION_MS / 1000);
    } else if (status != ASSAY_OK) {
        return assay_error_pass(err, &why);
    } else {
        loaded->state = index ? lineage_judge(loaded->reason, d->shop, &lineage) : ASSAY_LOADED_FIT;
    }
    if (loaded->state == before) return ASSAY_OK;
    if (loaded->state == ASSAY_LOADED_FIT)
        d->declared = false;
    else
        loaded_tell(loaded, kind_of(index), root);
    return ASSAY_OK;
}

static assay_status declared_read(const assay_wallet *wallet, assay_hash *roots, uint32_t *count,
                                  assay_error *err) {
    json_t *account;
    const json_t *list;
    ASSAY_TRY(assay_client_get_id(&account, &wallet->client, "account", wallet->principal.bytes,
                                  ASSAY_ADDRESS_SIZE, err));
    assay_status status = assay_json_array(&list, account, "declared", ASSAY_ROOTS_MAX, err);
    *count = status == ASSAY_OK ? (uint32_t)json_array_size(list) : 0;
    for (uint32_t i = 0; status == ASSAY_OK && i < *count; i++)
        status = assay_json_item_hash(&roots[i], list, i, "declared", err);
    json_decref(account);
    return status;
}

static int hash_order(const void *a, const void *b) {
    return memcmp(a, b, ASSAY_HASH_SIZE);
}

// Those that are fit, ascending, each once: a file may be named twice.
static uint32_t fit_list(assay_hash *out, const assay_declaration *d) {
    uint32_t count = 0, kept = 0;
    for (uint32_t i = 0; i <= d->shop->adapter_count; i++)
        if (d->loaded[i].state == ASSAY_LOADED_FIT) out[count++] = *root_of(d->shop, i);
    qsort(out, count, sizeof *out, hash_order);
    for (uint32_t i = 0; i < count; i++)
        if (i == 0 || !assay_hash_equal(&out[i], &out[i - 1])) out[kept++] = out[i];
    return kept;
}

static assay_status declare(assay_declaration *d, bool waits, assay_error *err) {
    assay_hash fit[ASSAY_OPTION_TEXTS_MAX + 1], declared[ASSAY_ROOTS_MAX];
    uint32_t declared_count, count = fit_list(fit, d);
    uint64_t wait_ms = d->wallet->wait_ms;
    ASSAY_TRY(declared_read(d->wallet, declared, &declared_count, err));
    d->declared = declared_count == count && memcmp(declared, fit, count * sizeof *fit) == 0;
    if (d->declared) return ASSAY_OK;
    assay_tx tx = {.kind = ASSAY_TX_DECLARE_ROOTS};
    assay_sent sent;
    tx.body.declare_roots.roots = (assay_hash_list){fit, count};
    if (!waits) d->wallet->wait_ms = 0;
    assay_status status = assay_wallet_send(d->wallet, &tx, &sent, err);
    d->wallet->wait_ms = wait_ms;
    ASSAY_TRY(status);
    assay_log(ASSAY_LOG_TRACE, "roots_declared", json_pack("{s:i}", "count", (int)count),
              "declared %u roots", count);
    d->declared = sent.height > 0;
    return ASSAY_OK;
}

assay_status assay_declaration_look(assay_declaration *d, uint64_t now_ms, assay_error *err) {
    bool awaited = false, waits = !d->started;
    if (now_ms < d->next_ms) return ASSAY_OK;
    d->started = true;
    if (d->pause_ms < ASSAY_DECLARATION_MS) d->pause_ms = ASSAY_DECLARATION_MS;
    d->next_ms = now_ms + d->pause_ms;
    for (uint32_t i = 0; i <= d->shop->adapter_count; i++) {
        ASSAY_TRY(loaded_look(d, i, err));
        awaited = awaited || d->loaded[i].state == ASSAY_LOADED_AWAITED;
    }
    assay_status status = d->declared ? ASSAY_OK : declare(d, waits, err);
    if (d->declared) {
        d->pause_ms = ASSAY_DECLARATION_MS;
        d->next_ms = awaited ? now_ms + d->pause_ms : UINT64_MAX;
    } else if (d->pause_ms < ASSAY_DECLARATION_PAUSE_MS) {
        d->pause_ms *= 2;
    }
    return status;
}
