// SPDX-License-Identifier: Apache-2.0
#include "quant/tokenizer/nfc.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "quant/tokenizer/nfc_table.h"

// Hangul syllables are composed of consonant, vowel and consonant by place (Unicode, 3.12).
enum {
    S_BASE = 0xAC00,
    L_BASE = 0x1100,
    V_BASE = 0x1161,
    T_BASE = 0x11A7,
    L_COUNT = 19,
    V_COUNT = 21,
    T_COUNT = 28,
    S_COUNT = L_COUNT * V_COUNT * T_COUNT
};

// A character of the run that waits to be composed: class in the highest 8 bits, then the place
// (28 bits), then the code (28), so that sorting the numbers is the canonical order.
enum { PLACE_BITS = 28, CODE_BITS = 28 };

typedef struct {
    uint64_t *run; // [count]; the first is a starter, or opens the text
    size_t count, room;
    char *out; // [size]
    size_t size, out_room;
} state;

static int class_find(const void *code, const void *range) {
    const assay_nfc_class *of = range;
    uint32_t wanted = *(const uint32_t *)code;
    return wanted < of->first ? -1 : wanted > of->last;
}

static unsigned class_of(uint32_t code) {
    if (code < 0x300) return 0;
    if ((code >= V_BASE && code < V_BASE + V_COUNT) || (code > T_BASE && code < T_BASE + T_COUNT))
        return ASSAY_NFC_CLASS_SECOND;
    const assay_nfc_class *range =
        bsearch(&code, assay_nfc_classes, ASSAY_NFC_CLASS_COUNT, sizeof *range, class_find);
    return range ? range->combining : 0;
}

static int pair_find(const void *code, const void *pair) {
    uint32_t wanted = *(const uint32_t *)code, is = ((const assay_nfc_pair *)pair)->code;
    return wanted < is ? -1 : wanted > is;
}

static const assay_nfc_pair *pair_of(uint32_t code) {
    return bsearch(&code, assay_nfc_pairs, ASSAY_NFC_PAIR_COUNT, sizeof(assay_nfc_pair), pair_find);
}

static int composite_find(const void *parts, const void *place) {
    const assay_nfc_pair *wanted = parts, *is = &assay_nfc_pairs[*(const uint16_t *)place];
    if (wanted->first != is->first) return wanted->first < is->first ? -1 : 1;
    return wanted->second < is->second ? -1 : wanted->second > is->second;
}

// Returns: the character that the two make, or 0.
static uint32_t composite_of(uint32_t first, uint32_t second) {
    uint32_t l = first - L_BASE, v = second - V_BASE, s = first - S_BASE, t = second - T_BASE;
    if (l < L_COUNT && v < V_COUNT) return S_BASE + (l * V_COUNT + v) * T_COUNT;
    if (s < S_COUNT && s % T_COUNT == 0 && t > 0 && t < T_COUNT) return first + t;
    const assay_nfc_pair parts = {0, first, second};
    const uint16_t *place = bsearch(&parts, assay_nfc_composites, ASSAY_NFC_COMPOSITE_COUNT,
                                    sizeof *place, composite_find);
    return place ? assay_nfc_pairs[*place].code : 0;
}

static uint32_t code_read(const char *text, size_t *at) {
    uint32_t code = (uint8_t)text[(*at)++];
    if (code < 0x80) return code;
    int more = code < 0xE0 ? 1 : code < 0xF0 ? 2 : 3;
    code &= 0x3Fu >> more;
    while (more--)
        code = code << 6 | ((uint8_t)text[(*at)++] & 0x3F);
    return code;
}

static void code_write(state *s, uint32_t code) {
    int more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    static const uint8_t leads[] = {0, 0xC0, 0xE0, 0xF0};
    s->out[s->size++] = (char)(leads[more] | code >> 6 * more);
    while (more--)
        s->out[s->size++] = (char)(0x80 | (code >> 6 * more & 0x3F));
}

static int place_compare(const void *left, const void *right) {
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

static uint32_t code_at(const state *s, size_t at) {
    return (uint32_t)(s->run[at] & ((1u << CODE_BITS) - 1));
}

static unsigned class_at(const state *s, size_t at) {
    unsigned class = (unsigned)(s->run[at] >> (PLACE_BITS + CODE_BITS));
    return class == ASSAY_NFC_CLASS_SECOND ? 0 : class;
}

// Marks between two starters stand in the order of their classes, equals as they came.
static void run_sort(state *s) {
    for (size_t begin = 0, end; begin < s->count; begin = end) {
        end = begin + 1;
        if (class_at(s, begin) == 0) continue;
        while (end < s->count && class_at(s, end) != 0)
            end++;
        qsort(s->run + begin, end - begin, sizeof *s->run, place_compare);
    }
}

// A starter takes in what follows unless something of the same class, or a starter, is between.
static void run_compose(state *s) {
    size_t starter = 0, kept = 1;
    bool open = class_at(s, 0) == 0;
    unsigned between = 0; // class of the last kept one after the starter
    for (size_t i = 1; i < s->count; i++) {
        unsigned class = class_at(s, i);
        bool reaches = open && (kept == starter + 1 || between < class);
        uint32_t made = reaches ? composite_of(code_at(s, starter), code_at(s, i)) : 0;
        if (made) {
            s->run[starter] = made;
            continue;
        }
        if (class == 0) {
            starter = kept;
            open = true;
        }
        between = class;
        s->run[kept++] = s->run[i];
    }
    s->count = kept;
}

// Composes and writes the run that waits.
static assay_status run_end(state *s, assay_error *err) {
    if (s->count == 0) return ASSAY_OK;
    if (s->count > 1) {
        run_sort(s);
        run_compose(s);
    }
    if (s->out_room - s->size < 4 * s->count) {
        size_t room = s->out_room + s->out_room / 2 + 4 * s->count;
        char *grown = realloc(s->out, room);
        if (!grown) return ASSAY_FAIL(err, MEMORY, "no memory to normalize %zu bytes", room);
        s->out = grown;
        s->out_room = room;
    }
    for (size_t i = 0; i < s->count; i++)
        code_write(s, code_at(s, i));
    s->count = 0;
    return ASSAY_OK;
}

static assay_status part_add(state *s, uint32_t code, assay_error *err) {
    unsigned class = class_of(code);
    if (class == 0) ASSAY_TRY(run_end(s, err));
    if (s->count == 1u << PLACE_BITS)
        return ASSAY_FAIL(err, CAPACITY, "%zu marks in a row", s->count);
    if (s->count == s->room) {
        size_t room = 2 * s->room + 16;
        uint64_t *grown = realloc(s->run, room * sizeof *grown);
        if (!grown) return ASSAY_FAIL(err, MEMORY, "no memory to order %zu marks", room);
        s->run = grown;
        s->room = room;
    }
    s->run[s->count] =
        (uint64_t) class << (PLACE_BITS + CODE_BITS) | (uint64_t)s->count << CODE_BITS | code;
    s->count++;
    return ASSAY_OK;
}

static assay_status code_add(state *s, uint32_t code, assay_error *err) {
    enum { PARTS_MAX = 4 }; // of a full decomposition, Unicode's stability policy
    uint32_t seconds[PARTS_MAX], syllable = code - S_BASE;
    size_t count = 0;
    if (syllable < S_COUNT) {
        uint32_t t = syllable % T_COUNT;
        ASSAY_TRY(part_add(s, L_BASE + syllable / (V_COUNT * T_COUNT), err));
        ASSAY_TRY(part_add(s, V_BASE + syllable / T_COUNT % V_COUNT, err));
        return t ? part_add(s, T_BASE + t, err) : ASSAY_OK;
    }
    for (const assay_nfc_pair *pair; code >= 0xC0 && (pair = pair_of(code)); code = pair->first) {
        ASSAY_ASSERT(count < PARTS_MAX);
        if (pair->second) seconds[count++] = pair->second;
    }
    ASSAY_TRY(part_add(s, code, err));
    while (count)
        ASSAY_TRY(part_add(s, seconds[--count], err));
    return ASSAY_OK;
}

assay_status assay_nfc(char **out, size_t *out_size, const char *text, size_t size,
                       assay_error *err) {
    state s = {.out = malloc(size + 1), .out_room = size};
    assay_status status =
        s.out ? ASSAY_OK : ASSAY_FAIL(err, MEMORY, "no memory to normalize %zu bytes", size);
    for (size_t at = 0; status == ASSAY_OK && at < size;)
        status = code_add(&s, code_read(text, &at), err);
    if (status == ASSAY_OK) status = run_end(&s, err);
    free(s.run);
    if (status != ASSAY_OK) {
        free(s.out);
        s.out = NULL;
    }
    *out = s.out;
    *out_size = status == ASSAY_OK ? s.size : 0;
    return status;
}
