// SPDX-License-Identifier: Apache-2.0
// What NFC needs to know of Unicode's characters; Hangul is computed.
#ifndef ASSAY_QUANT_TOKENIZER_NFC_TABLE_H
#define ASSAY_QUANT_TOKENIZER_NFC_TABLE_H

#include <stdint.h>

enum {
    ASSAY_NFC_PAIR_COUNT = 2060,
    ASSAY_NFC_COMPOSITE_COUNT = 940,
    ASSAY_NFC_CLASS_COUNT = 354,
    ASSAY_NFC_CLASS_SECOND = 255, // a starter that the one before it may take in
};

// One step of a canonical decomposition; second is 0 where there is one part.
typedef struct {
    uint32_t code, first, second;
} assay_nfc_pair;

// The combining class of the characters first to last, where it is not 0.
typedef struct {
    uint32_t first, last;
    uint8_t combining;
} assay_nfc_class;

extern const assay_nfc_pair assay_nfc_pairs[ASSAY_NFC_PAIR_COUNT];     // ascending by code
extern const assay_nfc_class assay_nfc_classes[ASSAY_NFC_CLASS_COUNT]; // ascending
// Places in assay_nfc_pairs of those that are composed again, ascending by (first, second).
extern const uint16_t assay_nfc_composites[ASSAY_NFC_COMPOSITE_COUNT];

#endif
