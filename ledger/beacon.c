// SPDX-License-Identifier: Apache-2.0
// A chain's life:
//
//   (none) ──register──→ pending ──2 epochs, > 1/3 of the others revealed──→ in force
//                           ▲ │ register: starts over                          │ next pending
//                           └─┘                                                ▼ replaces it
//                                                        preimages left → 0: every block is a miss
//
//   I1  SHA-256 of the next preimage accepted from a proposer is `head`; that there was none to
//       accept is held against it only where its key has signed so
//       test_beacon: preimages, a_miss_is_signed
//   I2  a chain registered at h is not in force before epoch(h) + 2
//       test_beacon: a_chain_waits_for_epochs_and_for_the_others
//   I3  B_h depends on the headers' proposers and what they signed alone
//       test_beacon: values_match_the_oracle
// assay_beacon_init and assay_beacon_register fill pending or in force; assay_beacon_block makes
// every other transition, at a block of the chain's own proposer.
#include "ledger/beacon.h"

#include "base/cursor.h"
#include "base/sha256.h"
#include "ledger/bond.h"
#include "ledger/record.h"
#include "ledger/validator.h"

_Static_assert((int)ASSAY_BEACON_WAIT_MAX == (int)ASSAY_POWER_MAX, "a block for each proposer");

enum { CHAIN_SIZE = 32 + 8 + 32 + 7 * 8 + 1 };

static void chain_encode(const assay_chain *chain, uint8_t out[CHAIN_SIZE]) {
    assay_writer writer;
    assay_writer_init(&writer, out, CHAIN_SIZE);
    assay_writer_hash(&writer, &chain->head);
    assay_writer_u64(&writer, chain->left);
    assay_writer_hash(&writer, &chain->pending_tip);
    assay_writer_u64(&writer, chain->pending_length);
    assay_writer_u64(&writer, chain->pending_height);
    assay_writer_u64(&writer, chain->revealed);
    assay_writer_u64(&writer, chain->misses);
    assay_writer_u64(&writer, chain->vote_misses);
    assay_writer_u64(&writer, chain->miss_epoch);
    assay_writer_u64(&writer, chain->jailed_epoch);
    assay_writer_u8(&writer, chain->jailed);
    ASSAY_ASSERT(!writer.failed && writer.size == CHAIN_SIZE);
}

assay_status assay_chain_get(assay_chain *out, const assay_reader *reader,
                             const assay_address *proposer, assay_error *err) {
    assay_record_key key = assay_record_key_of_address(ASSAY_TABLE_CHAIN, proposer);
    assay_bytes value;
    assay_cursor cursor;
    *out = (assay_chain){0};
    ASSAY_TRY(assay_reader_get(reader, &key, &value, err));
    if (value.data == NULL) return ASSAY_OK;
    assay_cursor_init(&cursor, value.data, value.size);
    assay_cursor_hash(&cursor, &out->head);
    out->left = assay_cursor_u64(&cursor);
    assay_cursor_hash(&cursor, &out->pending_tip);
    out->pending_length = assay_cursor_u64(&cursor);
    out->pending_height = assay_cursor_u64(&cursor);
    out->revealed = assay_cursor_u64(&cursor);
    out->misses = assay_cursor_u64(&cursor);
    out->vote_misses = assay_cursor_u64(&cursor);
    out->miss_epoch = assay_cursor_u64(&cursor);
    out->jailed_epoch = assay_cursor_u64(&cursor);
    out->jailed = assay_cursor_u8(&cursor) != 0;
    return assay_record_finish(&cursor, "a hash chain", err);
}

static assay_status chain_put(assay_ledger *ledger, const assay_address *proposer,
                              const assay_chain *chain, assay_error *err) {
    assay_record_key key = assay_record_key_of_address(ASSAY_TABLE_CHAIN, proposer);
    uint8_t value[CHAIN_SIZE];
    chain_encode(chain, value);
    return assay_ledger_put(ledger, &key, value, sizeof value, err);
}

bool assay_chain_is_jailed(const assay_chain *chain, uint64_t epoch) {
    return chain->jailed && epoch <= chain->jailed_epoch;
}

// Has had a chain in force. Whoever never had one cannot reveal, and a solo engine never lets it
// propose, so that it is never jailed for it: the others must not wait.
static bool has_revealed_or_can(const assay_chain *chain) {
    return chain->left > 0 || chain->revealed > 0;
}

assay_status assay_turnout_load(assay_turnout *out, const assay_reader *reader, uint64_t epoch,
                                assay_error *err) {
    assay_power powers[ASSAY_POWER_MAX];
    *out = (assay_turnout){0};
    ASSAY_TRY(assay_power_list(powers, &out->count, reader, err));
    for (uint32_t i = 0; i < out->count; i++) {
        assay_chain chain;
        assay_proposer *proposer = &out->proposers[i];
        ASSAY_TRY(assay_chain_get(&chain, reader, &powers[i].address, err));
        *proposer =
            (assay_proposer){powers[i].address, powers[i].power, chain.revealed,
                             !assay_chain_is_jailed(&chain, epoch) && has_revealed_or_can(&chain)};
        out->powerful += powers[i].power > 0;
        if (proposer->counts) out->total += proposer->power;
    }
    return ASSAY_OK;
}

// What of the power but that of `aside` counts; how much of it has revealed in a block after
// `since`; and whether anyone at all has, `aside` and the jailed included.
typedef struct {
    uint64_t total;
    uint64_t revealed;
    bool any;
} share;

static share share_of(const assay_turnout *turnout, uint64_t since, const assay_address *aside) {
    share out = {0, 0, false};
    for (uint32_t i = 0; i < turnout->count; i++) {
        const assay_proposer *proposer = &turnout->proposers[i];
        bool revealed = proposer->revealed > since;
        out.any |= revealed;
        if (!proposer->counts || assay_address_equal(&proposer->address, aside)) continue;
        out.total += proposer->power;
        if (revealed) out.revealed += proposer->power;
    }
    return out;
}

bool assay_beacon_ready(const assay_turnout *turnout, uint64_t height,
                        const assay_address *provider) {
    share others = share_of(turnout, height, provider);
    return others.total == 0 ? others.any : (assay_u128)others.revealed * 3 > others.total;
}

// The provider that is left out may be, at best, the greatest of those that have not revealed, or
// the only one.
bool assay_beacon_possible(const assay_turnout *turnout, uint64_t height) {
    uint64_t seen = 0, greatest = 0, greatest_silent = 0;
    bool any = false;
    for (uint32_t i = 0; i < turnout->count; i++) {
        const assay_proposer *proposer = &turnout->proposers[i];
        bool revealed = proposer->revealed > height;
        any |= revealed;
        if (!proposer->counts) continue;
        if (proposer->power > greatest) greatest = proposer->power;
        if (revealed)
            seen += proposer->power;
        else if (proposer->power > greatest_silent)
            greatest_silent = proposer->power;
    }
    if (greatest == turnout->total) return any;
    return (assay_u128)seen * 3 > turnout->total - greatest_silent;
}

uint64_t assay_beacon_deadline(const assay_turnout *turnout, const assay_params *params,
                               uint64_t height) {
    return height + 2 * params->beacon_delay + turnout->powerful;
}

// Puts a waiting chain in force if it may be. With nobody else to wait for, time is enough. P-46
static assay_status promote(assay_chain *chain, const assay_reader *reader,
                            const assay_params *params, uint64_t height,
                            const assay_address *proposer, assay_error *err) {
    if (chain->pending_length == 0) return ASSAY_OK;
    uint64_t epoch = assay_params_epoch(params, height);
    if (epoch < assay_params_epoch(params, chain->pending_height) + 2) return ASSAY_OK;
    assay_turnout turnout;
    ASSAY_TRY(assay_turnout_load(&turnout, reader, epoch, err));
    share others = share_of(&turnout, chain->pending_height, proposer);
    if (others.total > 0 && (assay_u128)others.revealed * 3 <= others.total) return ASSAY_OK;
    chain->head = chain->pending_tip;
    chain->left = chain->pending_length;
    chain->pending_tip = (assay_hash){{0}};
    chain->pending_length = chain->pending_height = 0;
    return ASSAY_OK;
}

assay_status assay_chain_next(assay_chain *out, const assay_reader *reader,
                              const assay_params *params, uint64_t height,
                              const assay_address *proposer, assay_error *err) {
    ASSAY_TRY(assay_chain_get(out, reader, proposer, err));
    return promote(out, reader, params, height, proposer, err);
}

// The height as nonce makes the bytes of a beacon those of one block, even where a preimage comes
// again because its chain was registered again.
bool assay_beacon_is_for(const assay_tx *tx, const assay_address *proposer, uint64_t height) {
    return tx->kind == ASSAY_TX_BEACON && tx->nonce == height &&
           assay_address_equal(&tx->signer, proposer);
}

// P-45
static assay_status preimage_check(const assay_chain *chain, const assay_hash *preimage,
                                   assay_error *err) {
    if (chain->left == 0)
        return ASSAY_REJECT(err, BEACON_NO_CHAIN, "no preimages left in the proposer's chain");
    assay_hash hash;
    assay_sha256_of(&hash, preimage->bytes, sizeof preimage->bytes);
    if (!assay_hash_equal(&hash, &chain->head))
        return ASSAY_REJECT(err, BEACON_PREIMAGE, "the preimage does not hash to the chain's head");
    return ASSAY_OK;
}

static const char beacon_domain[] = "assay beacon";
enum { MESSAGE_SIZE = sizeof beacon_domain - 1 + ASSAY_HASH_SIZE + 8 + ASSAY_HASH_SIZE };

static void message_make(uint8_t out[MESSAGE_SIZE], const assay_tx *tx, const assay_hash *genesis) {
    assay_writer writer;
    assay_writer_init(&writer, out, MESSAGE_SIZE);
    assay_writer_copy(&writer, beacon_domain, sizeof beacon_domain - 1);
    assay_writer_hash(&writer, genesis);
    assay_writer_u64(&writer, tx->nonce);
    assay_writer_hash(&writer, &tx->body.beacon.preimage);
    ASSAY_ASSERT(!writer.failed && writer.size == MESSAGE_SIZE);
}

assay_status assay_beacon_sign(assay_tx *tx, const assay_hash *genesis,
                               const uint8_t seed[ASSAY_ED25519_KEY_SIZE], assay_error *err) {
    uint8_t message[MESSAGE_SIZE];
    message_make(message, tx, genesis);
    tx->signature = (assay_signature){{0}};
    return assay_ed25519_sign(tx->signature.bytes, seed, message, sizeof message, err);
}

// A header names its proposer, but no engine asks whether it is the one whose turn it was: without
// the signature anybody's block could miss in another's name. P-45
static assay_status signature_check(const assay_reader *reader, const assay_hash *genesis,
                                    const assay_tx *tx, assay_error *err) {
    uint8_t message[MESSAGE_SIZE];
    assay_validator validator;
    assay_error why = {.status = ASSAY_SIGNATURE};
    bool found;
    ASSAY_TRY(assay_validator_get(&validator, &found, reader, &tx->signer, err));
    message_make(message, tx, genesis);
    if (found && assay_ed25519_check(validator.ed25519, tx->signature.bytes, message,
                                     sizeof message, &why) == ASSAY_OK)
        return ASSAY_OK;
    if (why.status != ASSAY_SIGNATURE) return assay_error_pass(err, &why);
    return ASSAY_REJECT(err, BEACON_SIGNATURE,
                        "the proposer's consensus key has not signed the beacon");
}

static bool has_preimage(const assay_tx *beacon) {
    return !assay_hash_is_zero(&beacon->body.beacon.preimage);
}

assay_status assay_beacon_check(const assay_reader *reader, const assay_genesis *genesis,
                                const assay_tx *tx, assay_error *err) {
    assay_chain chain;
    ASSAY_TRY(signature_check(reader, &genesis->hash, tx, err));
    if (!has_preimage(tx)) return ASSAY_OK;
    ASSAY_TRY(assay_chain_next(&chain, reader, &genesis->params, tx->nonce, &tx->signer, err));
    return preimage_check(&chain, &tx->body.beacon.preimage, err);
}

// Counts one more of the epoch's misses of a kind; jails past its limit. P-46, P-95
static void miss(assay_chain *chain, uint64_t *count, uint64_t epoch, uint64_t max) {
    if (chain->miss_epoch != epoch) {
        chain->miss_epoch = epoch;
        chain->misses = chain->vote_misses = 0;
    }
    (*count)++;
    if (*count <= max) return;
    chain->jailed = true;
    chain->jailed_epoch = epoch + 1;
}

assay_status assay_beacon_vote_missed(assay_ledger *ledger, const assay_address *account,
                                      assay_error *err) {
    assay_chain chain;
    assay_validator validator;
    bool found;
    ASSAY_TRY(assay_validator_get(&validator, &found, &ledger->reader, account, err));
    if (!found) return ASSAY_OK;
    ASSAY_TRY(assay_chain_get(&chain, &ledger->reader, account, err));
    miss(&chain, &chain.vote_misses, assay_params_epoch(ledger->params, ledger->height),
         ledger->params->verdict_misses_max);
    return chain_put(ledger, account, &chain, err);
}

static assay_status beacon_put(assay_ledger *ledger, const assay_hash *beacon, assay_error *err) {
    assay_record_key key;
    assay_record_key_start(&key, ASSAY_TABLE_BEACON);
    ASSAY_TRY(assay_ledger_put(ledger, &key, beacon->bytes, sizeof beacon->bytes, err));
    assay_record_key_start(&key, ASSAY_TABLE_BEACON_AT);
    assay_record_key_add_u64(&key, ledger->height);
    return assay_ledger_put(ledger, &key, beacon->bytes, sizeof beacon->bytes, err);
}

// Whether a beacon is its signer's, and whether its preimage is taken. P-45
static assay_status beacon_judge(const assay_ledger *ledger, const assay_chain *chain,
                                 const assay_tx *beacon, bool *own, bool *taken, uint32_t *code,
                                 assay_error *err) {
    assay_error refusal = {0};
    *own = *taken = false;
    *code = 0;
    if (beacon == NULL) return ASSAY_OK;
    assay_status status =
        signature_check(&ledger->reader, &ledger->genesis->hash, beacon, &refusal);
    *own = status == ASSAY_OK;
    if (*own && has_preimage(beacon))
        status = preimage_check(chain, &beacon->body.beacon.preimage, &refusal);
    *taken = *own && has_preimage(beacon) && status == ASSAY_OK;
    *code = refusal.reject;
    if (status == ASSAY_OK || status == ASSAY_REJECTED) return ASSAY_OK;
    return assay_error_pass(err, &refusal);
}

// P-45, P-46
assay_status assay_beacon_block(assay_ledger *ledger, const assay_tx *tx, uint32_t *code,
                                assay_error *err) {
    assay_chain chain;
    bool own, taken;
    assay_hash beacon;
    const assay_address *proposer = &ledger->proposer;
    uint64_t epoch = assay_params_epoch(ledger->params, ledger->height);
    ASSAY_TRY(
        assay_chain_next(&chain, &ledger->reader, ledger->params, ledger->height, proposer, err));
    ASSAY_TRY(assay_beacon_last(&beacon, &ledger->reader, err));
    ASSAY_TRY(beacon_judge(ledger, &chain, tx, &own, &taken, code, err));
    assay_sha256 sha;
    assay_sha256_init(&sha);
    assay_sha256_update(&sha, beacon.bytes, sizeof beacon.bytes);
    if (taken) {
        const assay_hash *preimage = &tx->body.beacon.preimage;
        assay_sha256_update(&sha, preimage->bytes, sizeof preimage->bytes);
        chain.head = *preimage;
        chain.left--;
        chain.revealed = ledger->height;
    } else if (own) {
        miss(&chain, &chain.misses, epoch, ledger->params->beacon_misses_max);
        ledger->counts.of[ASSAY_COUNTED_BEACON_MISSES]++;
    }
    assay_sha256_final(&sha, &beacon);
    ASSAY_TRY(chain_put(ledger, proposer, &chain, err));
    return beacon_put(ledger, &beacon, err);
}

// P-45
assay_status assay_beacon_init(assay_ledger *ledger, assay_error *err) {
    const assay_genesis *genesis = ledger->genesis;
    assay_hash beacon;
    assay_sha256 sha;
    assay_sha256_init(&sha);
    assay_sha256_update(&sha, "beacon", 6);
    assay_sha256_update(&sha, genesis->hash.bytes, ASSAY_HASH_SIZE);
    assay_sha256_final(&sha, &beacon);
    for (uint32_t i = 0; i < genesis->validator_count; i++) {
        const assay_genesis_validator *validator = &genesis->validators[i];
        assay_chain chain = {.head = validator->chain_tip, .left = validator->chain_length};
        ASSAY_TRY(chain_put(ledger, &validator->address, &chain, err));
    }
    return beacon_put(ledger, &beacon, err);
}

// P-46
assay_status assay_beacon_register(assay_ledger *ledger, const assay_tx *tx, assay_error *err) {
    const assay_tx_register_chain *body = &tx->body.register_chain;
    assay_chain chain;
    uint64_t bond;
    if (body->length == 0 || body->length > ASSAY_CHAIN_LENGTH_MAX)
        return ASSAY_REJECT(err, CHAIN_LENGTH, "%llu links, 1 to %llu are legal", (ull)body->length,
                            (ull)ASSAY_CHAIN_LENGTH_MAX);
    ASSAY_TRY(assay_bond_weight(&bond, &ledger->reader, ledger->params, ASSAY_ROLE_CONSENSUS,
                                &ledger->principal, err));
    if (bond == 0)
        return ASSAY_REJECT(err, CHAIN_BOND, "no consensus bond of at least %llu nopen",
                            (ull)ledger->params->consensus_bond_min);
    ASSAY_TRY(assay_chain_get(&chain, &ledger->reader, &ledger->principal, err));
    chain.pending_tip = body->tip;
    chain.pending_length = body->length;
    chain.pending_height = ledger->height;
    return chain_put(ledger, &ledger->principal, &chain, err);
}

static assay_status hash_get(assay_hash *out, const assay_reader *reader,
                             const assay_record_key *key, assay_error *err) {
    assay_bytes value;
    ASSAY_TRY(assay_reader_get(reader, key, &value, err));
    if (value.data == NULL) return ASSAY_FAIL(err, NOT_FOUND, "no beacon at that height");
    if (value.size != ASSAY_HASH_SIZE) return ASSAY_FAIL(err, CORRUPT, "the beacon is damaged");
    memcpy(out->bytes, value.data, ASSAY_HASH_SIZE);
    return ASSAY_OK;
}

assay_status assay_beacon_last(assay_hash *out, const assay_reader *reader, assay_error *err) {
    assay_record_key key;
    assay_record_key_start(&key, ASSAY_TABLE_BEACON);
    return hash_get(out, reader, &key, err);
}

assay_status assay_beacon_at(assay_hash *out, const assay_reader *reader, uint64_t height,
                             assay_error *err) {
    assay_record_key key;
    assay_record_key_start(&key, ASSAY_TABLE_BEACON_AT);
    assay_record_key_add_u64(&key, height);
    return hash_get(out, reader, &key, err);
}
