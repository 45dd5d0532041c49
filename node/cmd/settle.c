// SPDX-License-Identifier: Apache-2.0
// Who was paid what in an epoch.
#include <stdio.h>
#include <time.h>

#include "base/hex.h"
#include "base/json.h"
#include "consensus/clock.h"
#include "ledger/payout.h"
#include "node/cmd/commands.h"
#include "node/wallet/client.h"
#include "node/wallet/wallet.h"

// Whose payout it is, and what for: the key of an epoch's list.
typedef struct {
    assay_address account;
    uint64_t role; // 0: before all of them
} place;

// One page of an epoch after a place.
static assay_status page_get(json_t **out, const assay_client *client, uint64_t epoch,
                             const place *after, assay_error *err) {
    char account[ASSAY_HEX_HASH_MAX];
    assay_hex_encode_0x(account, after->account.bytes, ASSAY_ADDRESS_SIZE);
    return assay_client_get(out, client, err, "epoch/%llu?account=%s&role=%llu", (ull)epoch,
                            account, (ull)after->role);
}

// Adds rows that come after *last, one after the other: a node that repeats itself cannot keep us
// here. F-40
static assay_status rows_add(json_t *rows, place *last, json_t *list, assay_error *err) {
    size_t size = json_array_size(list);
    for (size_t i = 0; i < size; i++) {
        place next;
        const json_t *row = json_array_get(list, i);
        ASSAY_TRY(assay_json_address(&next.account, row, "account", err));
        ASSAY_TRY(assay_json_u64(&next.role, row, "role", 1, UINT8_MAX, err));
        int order = memcmp(last->account.bytes, next.account.bytes, ASSAY_ADDRESS_SIZE);
        if (order > 0 || (order == 0 && last->role >= next.role))
            return ASSAY_FAIL(err, ORDER, "the node's payouts are not in the order of accounts");
        *last = next;
    }
    if (size) json_array_extend(rows, list);
    return ASSAY_OK;
}

// The epoch's document with the rows of all its pages.
static assay_status epoch_get(json_t **out, const assay_client *client, uint64_t epoch,
                              assay_error *err) {
    json_t *page = NULL, *rows = json_array();
    place last = {{{0}}, 0};
    assay_status status;
    bool more;
    do {
        json_decref(page);
        status = page_get(&page, client, epoch, &last, err);
        json_t *list = json_object_get(page, "payouts");
        if (status == ASSAY_OK) status = rows_add(rows, &last, list, err);
        more = json_is_true(json_object_get(page, "more")) && json_array_size(list);
    } while (status == ASSAY_OK && more);
    if (status == ASSAY_OK) {
        json_object_set(page, "payouts", rows);
        json_object_del(page, "more");
        *out = json_incref(page);
    }
    json_decref(page);
    json_decref(rows);
    return status;
}

// Asks again until the epoch is closed or the time is up.
static assay_status epoch_wait(json_t **out, const assay_client *client, uint64_t epoch,
                               uint64_t wait_ms, assay_error *err) {
    const struct timespec pause = {0, 100000000};
    uint64_t begun = assay_clock_ms();
    for (;;) {
        ASSAY_TRY(epoch_get(out, client, epoch, err));
        if (json_is_true(json_object_get(*out, "closed")) || assay_clock_ms() - begun >= wait_ms)
            return ASSAY_OK;
        json_decref(*out);
        nanosleep(&pause, NULL);
    }
}

// Of an epoch that is not closed. The node told its epoch after it told the payouts: at worst one
// that has begun since.
static assay_status open_say(const assay_client *client, uint64_t epoch, assay_error *err) {
    json_t *status;
    uint64_t number;
    ASSAY_TRY(assay_client_get(&status, client, err, "status"));
    assay_status result = assay_json_u64(&number, status, "epoch", 0, UINT64_MAX, err);
    json_decref(status);
    ASSAY_TRY(result);
    if (number < epoch)
        printf("the epoch has not begun: it is epoch %llu\n", (ull)number);
    else
        printf("the epoch is open\n");
    return ASSAY_OK;
}

static void table_print(const json_t *document) {
    size_t i;
    json_t *row;
    uint64_t sum = 0;
    printf("%-42s  %-11s  %20s\n", "account", "role", "nopen");
    json_array_foreach(json_object_get(document, "payouts"), i, row) {
        uint64_t nopen, role;
        assay_address account;
        char text[ASSAY_HEX_HASH_MAX];
        if (assay_json_address(&account, row, "account", NULL) != ASSAY_OK ||
            assay_json_u64(&nopen, row, "nopen", 0, UINT64_MAX, NULL) != ASSAY_OK ||
            assay_json_u64(&role, row, "role", 1, ASSAY_PAID_VALIDATOR, NULL) != ASSAY_OK)
            continue; // no payout of this protocol
        assay_hex_encode_0x(text, account.bytes, ASSAY_ADDRESS_SIZE);
        printf("%-42s  %-11s  %20llu\n", text, assay_paid_role_names[role], (ull)nopen);
        if (__builtin_add_overflow(sum, nopen, &sum)) sum = UINT64_MAX; // as the epoch's (P-71)
    }
    printf("%-42s  %-11s  %20llu\n", "", "sum", (ull)sum);
    assay_hash root;
    char text[ASSAY_HEX_HASH_MAX];
    if (assay_json_hash(&root, document, "payout_root", NULL) != ASSAY_OK) return;
    assay_hex_encode_0x(text, root.bytes, ASSAY_HASH_SIZE);
    printf("payout root %s\n", text);
}

int assay_cmd_settle(assay_invocation *invocation) {
    assay_wallet wallet = ASSAY_WALLET_INIT;
    uint64_t epoch = 0, wait_ms = 0;
    const assay_option table[] = {
        {"epoch", ASSAY_OPTION_U64, &epoch, "N", "which epoch, from 0", 0, INT64_MAX, true},
        {"wait-ms", ASSAY_OPTION_U64, &wait_ms, "MS", "wait this long for its last block (0)", 0,
         3600000, false},
        ASSAY_WALLET_NODE_OPTION(wallet),
    };
    int code;
    if (!assay_command_begin(invocation, table, 3,
                             "Exits with 1 while the epoch is open: its payouts may still grow.",
                             &code))
        return code;
    assay_client client;
    assay_error err = {0};
    json_t *document;
    assay_status status = assay_client_open(&client, wallet.node_url, NULL, &err);
    if (status == ASSAY_OK) status = epoch_wait(&document, &client, epoch, wait_ms, &err);
    if (status != ASSAY_OK) return assay_command_fail(invocation, &err, NULL);
    bool closed = json_is_true(json_object_get(document, "closed"));
    if (invocation->json) {
        code = assay_command_print(document);
    } else {
        table_print(document);
        json_decref(document);
        code = ASSAY_EXIT_OK;
        if (!closed && open_say(&client, epoch, &err) != ASSAY_OK)
            code = assay_command_fail(invocation, &err, NULL);
    }
    return code == ASSAY_EXIT_OK && !closed ? ASSAY_EXIT_NO : code;
}
