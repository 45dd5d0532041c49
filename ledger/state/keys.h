// SPDX-License-Identifier: Apache-2.0
// Every table of the store by its first key byte (P-20). Classes are the store's: below 0x80 a key
// is under the state root, from 0x80 on it is an aux key. Integers in keys are big-endian, so
// tables iterate in number order. A number is never reused for another table; 0xa9
// was one.
//   0x00..0x3f  registries, money, sessions    0x40..0x7f  beacon, batches, cases, epochs
//   0x80..0x9f  aux of the former              0xa0..0xef  aux of the latter
#ifndef ASSAY_LEDGER_STATE_KEYS_H
#define ASSAY_LEDGER_STATE_KEYS_H

#include "base/bytes.h"

// X(NAME, first byte): what follows the byte → what the record is
#define ASSAY_TABLE_LIST(X)                                                                        \
    X(TOTALS, 0x00)            /* nothing → six running totals */                                \
    X(ACCOUNT, 0x01)           /* address → balance, nonces */                                   \
    X(BOND, 0x02)              /* role u8, address → active, unbonding */                        \
    X(BOND_TOTAL, 0x03)        /* role u8 → effective bond of all */                             \
    X(EXPOSURE, 0x04)          /* provider → fees of its batches not yet final */                \
    X(AGENT, 0x05)             /* principal, agent → scopes, expiry */                           \
    X(ALLOWANCE, 0x06)         /* principal → limit, epoch, spent */                             \
    X(COMMITMENT, 0x07)        /* commitment → height, transaction index */                      \
    X(DATASET, 0x08)           /* root → dataset */                                              \
    X(MODEL, 0x09)             /* root → model */                                                \
    X(ADAPTER, 0x0a)           /* root → adapter */                                              \
    X(DECLARED, 0x0b)          /* validator → its roots */                                       \
    X(DECLARER, 0x0c)          /* root, validator → nothing */                                   \
    X(DECLARED_SUM, 0x0d)      /* root → effective verification bond behind it */                \
    X(SESSION, 0x0e)           /* id → session */                                                \
    X(ESCROW, 0x0f)            /* id → nopen */                                                  \
    X(CLAIM, 0x10)             /* recipient → nopen, epoch of its last change, before it */      \
    X(DUE, 0x11)               /* kind u8, height u64, id → nothing */                           \
    X(ENDED_SESSION, 0x80)     /* id → the session as it ended */                                \
    X(PRINCIPAL_SESSION, 0x81) /* principal, id → nothing */                                     \
    X(PROVIDER_SESSION, 0x82)  /* provider, id → nothing */                                      \
    X(BEACON, 0x40)            /* nothing → B of the last block */                               \
    X(CHAIN, 0x41)             /* proposer → its hash chain */                                   \
    X(POWER, 0x42)             /* proposer → power */                                            \
    X(BATCH, 0x43)             /* id → batch */                                                  \
    X(BATCH_TABLES, 0x44)      /* id → its three tables */                                       \
    X(BATCH_PLACE, 0x45)       /* nothing → height, how many batches it has */                   \
    X(WAITING, 0x46)           /* height u64, index u32 → batch that waits for a beacon */       \
    X(CASE, 0x47)              /* batch, sample u32 → case */                                    \
    X(VOTE, 0x48)              /* batch, sample u32, round u8, validator → vote */               \
    X(CASE_DUE, 0x49)          /* height u64, batch, sample u32 → nothing */                     \
    X(ACCUSER, 0x4a)           /* validator, fee class u8 → its open accusations */              \
    X(POSTING, 0x4b)           /* batch, sample u32 → evidence being posted */                   \
    X(EVIDENCE, 0x4c)          /* batch, sample u32, kind u8, part u16 → bytes */                \
    X(FINAL, 0x4d)             /* height u64, index u32 → batch to settle */                     \
    X(CHECKER, 0x4e)           /* batch, validator → weight of its right votes, 2^32 a case */   \
    X(CATCHER, 0x4f)           /* batch, validator → frauds it saw first */                      \
    X(MISSING, 0x50)           /* batch, data set found missing → nothing */                     \
    X(MISSING_SINCE, 0x51)     /* data set → first and last height it was found missing */       \
    X(PAYOUT, 0x52)            /* epoch u64, account, role u8 → nopen */                         \
    X(EPOCH, 0x53)             /* epoch u64 → closed epoch */                                    \
    X(VALIDATOR, 0x54)         /* account → consensus key, barred u8 */                          \
    X(CONSENSUS_KEY, 0x55)     /* consensus address → account */                                 \
    X(OFFENCE, 0x56)           /* height u64, account → 0x01 */                                  \
    X(MAY_CHECK, 0x57)         /* batch → who may check it, with the bonds of its inclusion */   \
    X(CASE_WAITING, 0x58)      /* 2^64 − 1 − fee total, batch, sample u32 → nothing */       \
    X(BEACON_AT, 0xa0)         /* height u64 → B */                                              \
    X(ENDED_BATCH, 0xa1)       /* id → batch as it ended */                                      \
    X(ENDED_TABLES, 0xa2)      /* id → its three tables */                                       \
    X(BATCH_AT, 0xa3)          /* height u64, index u32 → batch */                               \
    X(ENDED_CASE, 0xa4)        /* batch, sample u32 → case as it ended */                        \
    X(ENDED_VOTE, 0xa5)        /* batch, sample u32, round u8, validator → vote */               \
    X(PAID, 0xa6)              /* epoch u64, account, role u8 → nopen */                         \
    X(PAID_LINE, 0xa7)         /* batch, line u32 → payment */                                   \
    X(PAID_LINES, 0xa8)        /* batch → number of lines */                                     \
    X(RESTORED, 0xaa)          /* nothing → height u64 that state sync brought */

typedef enum {
#define X(name, byte) ASSAY_TABLE_##name = (byte),
    ASSAY_TABLE_LIST(X)
#undef X
} assay_table;

enum {
    ASSAY_RECORD_KEY_MAX = 1 + 8 + 1 + 2 * ASSAY_HASH_SIZE + 1,
    // Keys that are no longer than BOND_TOTAL's are few; of all others the least record, key and
    // value, is ACCUSER's: an address, a u8 and a u32.
    ASSAY_RECORD_KEY_FEW = 2,
    ASSAY_RECORD_LEAST = 1 + ASSAY_ADDRESS_SIZE + 1 + 4,
};

// A key, put together part by part. Fixed size, owns nothing.
typedef struct {
    uint8_t bytes[ASSAY_RECORD_KEY_MAX];
    size_t size;
} assay_record_key;

static inline void assay_record_key_start(assay_record_key *key, uint8_t table) {
    key->bytes[0] = table;
    key->size = 1;
}

static inline void assay_record_key_add(assay_record_key *key, const void *data, size_t size) {
    memcpy(key->bytes + key->size, data, size);
    key->size += size;
}

static inline void assay_record_key_add_u8(assay_record_key *key, uint8_t value) {
    key->bytes[key->size++] = value;
}

static inline void assay_record_key_add_u32(assay_record_key *key, uint32_t value) {
    assay_store_be32(key->bytes + key->size, value);
    key->size += 4;
}

static inline void assay_record_key_add_u64(assay_record_key *key, uint64_t value) {
    assay_store_be64(key->bytes + key->size, value);
    key->size += 8;
}

// The commonest keys: table ‖ address and table ‖ hash.
static inline assay_record_key assay_record_key_of_address(uint8_t table,
                                                           const assay_address *address) {
    assay_record_key key;
    assay_record_key_start(&key, table);
    assay_record_key_add(&key, address->bytes, ASSAY_ADDRESS_SIZE);
    return key;
}

static inline assay_record_key assay_record_key_of_hash(uint8_t table, const assay_hash *hash) {
    assay_record_key key;
    assay_record_key_start(&key, table);
    assay_record_key_add(&key, hash->bytes, ASSAY_HASH_SIZE);
    return key;
}

static inline assay_record_key assay_record_key_of_sample(uint8_t table, const assay_hash *batch,
                                                          uint32_t sample) {
    assay_record_key key = assay_record_key_of_hash(table, batch);
    assay_record_key_add_u32(&key, sample);
    return key;
}

#endif
