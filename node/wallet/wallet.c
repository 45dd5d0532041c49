// SPDX-License-Identifier: Apache-2.0
#include "node/wallet/wallet.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "base/json.h"
#include "consensus/clock.h"
#include "ledger/tx/reject.h"

assay_status assay_wallet_open(assay_wallet *wallet, assay_error *err) {
    ASSAY_TRY(assay_keystore_read(&wallet->key, wallet->key_file, wallet->password_file, err));
    ASSAY_TRY(assay_key_address(&wallet->address, &wallet->key, err));
    wallet->principal = wallet->address;
    if (wallet->principal_text)
        ASSAY_TRY(assay_hex_parse(wallet->principal.bytes, ASSAY_ADDRESS_SIZE,
                                  wallet->principal_text, "--principal", err));
    return assay_client_open(&wallet->client, wallet->node_url, NULL, err);
}

void assay_wallet_close(assay_wallet *wallet) {
    assay_key_clear(&wallet->key);
}

assay_status assay_wallet_send(assay_wallet *wallet, assay_tx *tx, assay_sent *sent,
                               assay_error *err) {
    tx->principal = wallet->principal;
    return assay_client_send(sent, &wallet->client, tx, &wallet->key, (uint32_t)wallet->wait_ms,
                             err);
}

assay_status assay_wallet_send_row(assay_wallet *wallet, assay_tx *txs, uint32_t count,
                                   uint32_t wait_ms, assay_sent *sents, uint32_t *taken,
                                   assay_error *err) {
    const assay_client *client = &wallet->client;
    uint64_t nonce;
    *taken = 0;
    if (!count) return ASSAY_OK;
    ASSAY_TRY(
        assay_client_nonce(&nonce, client, &wallet->address, assay_tx_lane(txs[0].kind), err));
    uint8_t *data = malloc(ASSAY_TX_SIZE_MAX);
    if (!data) return ASSAY_FAIL(err, MEMORY, "no memory for a transaction");
    assay_status status = ASSAY_OK;
    for (uint32_t i = 0; status == ASSAY_OK && i < count; i++) {
        assay_tx *tx = &txs[i];
        size_t size;
        memset(&sents[i], 0, sizeof sents[i]);
        tx->chain_id = client->domain.chain_id;
        tx->signer = wallet->address;
        tx->principal = wallet->principal;
        tx->lane = assay_tx_lane(tx->kind);
        tx->nonce = nonce + i;
        status = assay_tx_sign(tx, &client->domain, &wallet->key, err);
        if (status == ASSAY_OK) status = assay_tx_encode(tx, data, ASSAY_TX_SIZE_MAX, &size, err);
        assay_tx_digest(&sents[i].digest, tx, &client->domain);
        if (status == ASSAY_OK)
            status = assay_client_send_bytes(&sents[i], client, data, size,
                                             i + 1 < count ? 0 : wait_ms, err);
        // A refusal in a block, or a wait that was too short, comes after it was taken.
        if (status == ASSAY_OK || sents[i].height || status == ASSAY_TIMEOUT) *taken = i + 1;
    }
    free(data);
    return status;
}

bool assay_wallet_full(assay_status status, const assay_error *why) {
    return status == ASSAY_BUSY ||
           (status == ASSAY_REJECTED &&
            (why->reject == ASSAY_REJECT_PENDING || why->reject == ASSAY_REJECT_NONCE));
}

assay_status assay_wallet_send_all(assay_wallet *wallet, assay_hash *last, assay_tx *txs,
                                   uint32_t count, const atomic_bool *stop, assay_error *err) {
    static const struct timespec pause = {0, 200000000};
    uint64_t moved = 0; // when some were taken; 0: none was
    assay_sent *sents = calloc(count, sizeof *sents);
    if (!sents) return ASSAY_FAIL(err, MEMORY, "no memory for %u transactions", count);
    for (;;) {
        assay_error why = {0};
        uint32_t taken;
        assay_status status = assay_wallet_send_row(wallet, txs, count, 0, sents, &taken, &why);
        uint64_t now = assay_clock_ms();
        // Without an answer the first may have been taken too.
        if (taken || assay_client_unsure(status)) *last = sents[taken ? taken - 1 : 0].id;
        txs += taken;
        count -= taken;
        if (taken) moved = now;
        // What is begun is worth a wait: its caller would begin anew.
        bool again = assay_wallet_full(status, &why) && moved &&
                     now - moved <= ASSAY_WALLET_PATIENCE_MS && !(stop && atomic_load(stop));
        if (!count || !again) {
            free(sents);
            return status == ASSAY_OK ? status : assay_error_pass(err, &why);
        }
        nanosleep(&pause, NULL);
    }
}

assay_status assay_wallet_height(uint64_t *out, const assay_wallet *wallet, const char *text,
                                 assay_error *err) {
    json_t *status;
    uint64_t height;
    bool ahead = *text == '+';
    ASSAY_TRY(assay_number_parse(out, text + ahead, "--expiry", 1, INT64_MAX, err));
    if (!ahead) return ASSAY_OK;
    ASSAY_TRY(assay_client_get(&status, &wallet->client, err, "status"));
    assay_status result = assay_json_u64(&height, status, "height", 0, INT64_MAX, err);
    json_decref(status);
    *out += height; // both below 2^63
    return result;
}

// What sending so many bytes costs, keys aside. P-27
static assay_status fee_ask(uint64_t *fee, const assay_client *client, size_t size,
                            assay_error *err) {
    uint64_t base, byte;
    ASSAY_TRY(assay_client_param(&base, client, "tx_fee_base", err));
    ASSAY_TRY(assay_client_param(&byte, client, "tx_fee_byte", err));
    *fee = base + byte * size;
    return ASSAY_OK;
}

assay_status assay_wallet_balance(uint64_t *out, const assay_wallet *wallet, assay_error *err) {
    json_t *account;
    ASSAY_TRY(assay_client_get_id(&account, &wallet->client, "account", wallet->principal.bytes,
                                  ASSAY_ADDRESS_SIZE, err));
    assay_status status = assay_json_u64(out, account, "balance", 0, INT64_MAX, err);
    json_decref(account);
    return status;
}

assay_status assay_wallet_balance_check(const assay_wallet *wallet, const assay_tx *tx,
                                        uint64_t amount, assay_error *err) {
    uint64_t balance, fee;
    if (!assay_address_equal(&wallet->principal, &wallet->address)) return ASSAY_OK;
    ASSAY_TRY(fee_ask(&fee, &wallet->client, assay_tx_size(tx), err));
    ASSAY_TRY(assay_wallet_balance(&balance, wallet, err));
    if (balance >= fee && balance - fee >= amount) return ASSAY_OK;
    return assay_fail(err, ASSAY_REJECTED, ASSAY_REJECT_BALANCE_SHORT,
                      "balance %llu nopen, %llu and a fee of %llu needed", (ull)balance,
                      (ull)amount, (ull)fee);
}

// What to ask about a transaction, of the node that has it.
enum { NEXT_MAX = 32 + ASSAY_HEX_HASH_MAX + ASSAY_CLIENT_URL_MAX };
static void next_make(char out[NEXT_MAX], const assay_wallet *wallet, const assay_sent *sent) {
    char id[ASSAY_HEX_HASH_MAX];
    bool usual = strcmp(wallet->client.url, ASSAY_NODE_URL_DEFAULT) == 0;
    assay_hex_encode_0x(id, sent->id.bytes, ASSAY_HASH_SIZE);
    snprintf(out, NEXT_MAX, "assay tx status %s%s%s", id, usual ? "" : " --node ",
             usual ? "" : wallet->client.url);
}

static int taken_print(const assay_wallet *wallet, const assay_invocation *invocation,
                       const assay_tx *tx, const assay_sent *sent, const assay_registered *thing) {
    char id[ASSAY_HEX_HASH_MAX], digest[ASSAY_HEX_HASH_MAX], text[NEXT_MAX];
    if (invocation->json)
        return assay_command_print(json_pack(
            "{s:o,s:o,s:s,s:o,s:o*}", "id", assay_json_from_hash(&sent->id), "digest",
            assay_json_from_hash(&sent->digest), "state", sent->height ? "committed" : "pending",
            "height", assay_json_from_u64(sent->height), "root",
            thing ? assay_json_from_hash(&thing->root) : NULL));
    if (thing) {
        assay_hex_encode_0x(id, thing->root.bytes, ASSAY_HASH_SIZE);
        printf("%s %s\n", thing->name, id);
    }
    assay_hex_encode_0x(id, sent->id.bytes, ASSAY_HASH_SIZE);
    assay_hex_encode_0x(digest, sent->digest.bytes, ASSAY_HASH_SIZE);
    if (sent->height)
        printf("%s in block %llu\n", assay_tx_kind_name(tx->kind), (ull)sent->height);
    else
        printf("%s sent, in no block yet\n", assay_tx_kind_name(tx->kind));
    printf("transaction %s\nmessage %s\n", id, digest);
    if (sent->height) return ASSAY_EXIT_OK;
    next_make(text, wallet, sent);
    printf("next: %s\n", text);
    return ASSAY_EXIT_OK;
}

// What a refusal in a block cost (P-27). A key that acts for another for the first time may have
// paid for its place in the state too, which cannot be told any more.
static void fee_tell(const assay_wallet *wallet, const assay_tx *tx, const assay_sent *sent,
                     assay_error *err) {
    uint64_t fee;
    if (tx->nonce == 0 && !assay_address_equal(&tx->signer, &tx->principal)) return;
    if (fee_ask(&fee, &wallet->client, sent->size, NULL) != ASSAY_OK) return;
    const assay_error why = *err;
    assay_fail(err, why.status, why.reject, "%s, for a fee of %llu nopen", why.text, (ull)fee);
}

// The id of what it makes, which no one can tell before it is in a block.
static void made_tell(const assay_tx *tx, const assay_sent *sent, assay_error *err) {
    char text[ASSAY_HEX_HASH_MAX];
    const bool session = tx->kind == ASSAY_TX_OPEN_SESSION;
    const assay_error why = *err;
    if (!session && tx->kind != ASSAY_TX_SUBMIT_BATCH) return;
    assay_hex_encode_0x(text, sent->digest.bytes, ASSAY_HASH_SIZE);
    assay_fail(err, why.status, why.reject, "%s; the id of its %s is %s", why.text,
               session ? "session" : "batch", text);
}

int assay_sent_print(assay_wallet *wallet, const assay_invocation *invocation, const assay_tx *tx,
                     const assay_sent *sent, const assay_registered *thing, assay_status status,
                     assay_error *err) {
    char next[NEXT_MAX];
    assay_wallet_close(wallet);
    if (status == ASSAY_OK) return taken_print(wallet, invocation, tx, sent, thing);
    // Or it is in a block, refused.
    bool refused = status == ASSAY_REJECTED && sent->height;
    bool unsure = assay_client_unsure(status) && !assay_hash_is_zero(&sent->id);
    if (refused) fee_tell(wallet, tx, sent, err);
    if (unsure) made_tell(tx, sent, err);
    next_make(next, wallet, sent);
    return assay_command_fail(invocation, err, refused || unsure ? next : NULL);
}

int assay_wallet_finish_thing(assay_wallet *wallet, const assay_invocation *invocation,
                              assay_tx *tx, const assay_registered *thing, assay_status status,
                              assay_error *err) {
    assay_sent sent = {0};
    if (status == ASSAY_OK) status = assay_wallet_send(wallet, tx, &sent, err);
    return assay_sent_print(wallet, invocation, tx, &sent, thing, status, err);
}

int assay_wallet_finish(assay_wallet *wallet, const assay_invocation *invocation, assay_tx *tx,
                        assay_status status, assay_error *err) {
    return assay_wallet_finish_thing(wallet, invocation, tx, NULL, status, err);
}

int assay_wallet_run(assay_wallet *wallet, const assay_invocation *invocation, assay_tx *tx) {
    assay_error err = {0};
    assay_status status = assay_wallet_open(wallet, &err);
    return assay_wallet_finish(wallet, invocation, tx, status, &err);
}
