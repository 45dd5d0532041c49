// SPDX-License-Identifier: Apache-2.0
// Text to token ids and back: byte-level BPE and SentencePiece's BPE with byte fallback, as Hugging
// Face's tokenizer.json describes them.
#ifndef ASSAY_QUANT_TOKENIZER_TOKENIZER_H
#define ASSAY_QUANT_TOKENIZER_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum {
    ASSAY_TOKENIZER_TEXT_MAX = 1 << 30,
    ASSAY_TOKENIZER_ADDED_MAX = 1024,
    // At each place of a text as many bytes may be looked at in vain.
    ASSAY_TOKENIZER_ADDED_BYTES_MAX = 256
};

// Read-only after open; shareable between threads.
typedef struct assay_tokenizer assay_tokenizer;

// Reads a tokenizer.json. vocab_size: of the model; every id is below it. What is not BPE of one of
// the two kinds with known steps is refused by name.
// Errors: CAPACITY, DEPTH, FORMAT, DUPLICATE, MISSING, UNKNOWN, RANGE, MISMATCH, UNSUPPORTED.
// Lives: until close; json may go at once. Spec: F-8.
assay_status assay_tokenizer_open(assay_tokenizer **out, const uint8_t *json, size_t size,
                                  uint32_t vocab_size, assay_error *err);
void assay_tokenizer_close(assay_tokenizer *tokenizer);

// Encodes well-formed UTF-8. Added tokens standing in the text become their ids; no id is added of
// its own. Errors: FORMAT (not UTF-8; names the byte), CAPACITY, MEMORY. Lives: the caller frees
// *ids [*count]. Spec: F-8.
assay_status assay_tokenizer_encode(const assay_tokenizer *tokenizer, uint32_t **ids, size_t *count,
                                    const char *text, size_t size, assay_error *err);

// Encodes a run of text that is to be no more than text: added tokens in it are spelled out, and no
// special id is ever made. first: nothing stands before it. Errors, Lives: as encode. Spec: F-32.
assay_status assay_tokenizer_encode_plain(const assay_tokenizer *tokenizer, uint32_t **ids,
                                          size_t *count, const char *text, size_t size, bool first,
                                          assay_error *err);

// Returns: the id of the added token with this content, or UINT32_MAX. Spec: F-8.
uint32_t assay_tokenizer_added(const assay_tokenizer *tokenizer, const char *content);

// Whether text is normalized to NFC before it is split. Spec: F-8.
bool assay_tokenizer_normalizes(const assay_tokenizer *tokenizer);

// Whether every run of text between special tokens gets a space in front. Spec: F-30.
bool assay_tokenizer_spaces_runs(const assay_tokenizer *tokenizer);

// Whether the text of decoded ids has a space in front that a reader of a whole text leaves out.
// Spec: F-30.
bool assay_tokenizer_space_dropped(const assay_tokenizer *tokenizer);

// Decodes to the tokens' bytes; an id without a token has none. A zero byte follows the end.
// Errors: RANGE (id), MEMORY. Lives: the caller frees *bytes. Spec: F-8.
assay_status assay_tokenizer_decode(const assay_tokenizer *tokenizer, uint8_t **bytes, size_t *size,
                                    const uint32_t *ids, size_t count, assay_error *err);

// As decode, with U+FFFD in place of what is not UTF-8. Errors: as decode. Spec: F-8.
assay_status assay_tokenizer_text(const assay_tokenizer *tokenizer, char **text, size_t *size,
                                  const uint32_t *ids, size_t count, assay_error *err);

#endif
