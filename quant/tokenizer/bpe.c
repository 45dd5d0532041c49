// SPDX-License-Identifier: Apache-2.0
#include "quant/tokenizer/bpe.h"

#include <stdlib.h>

// Symbols form a list in text order; a merge extends the left one and takes the right one out.
typedef struct {
    uint32_t id; // ASSAY_TOKEN_NONE once merged away
    uint32_t previous, next;
} symbol;

enum { END = UINT32_MAX };

// A merge that was possible when it was pushed; stale if a neighbour has changed since.
typedef struct {
    uint32_t rank;
    uint32_t at; // the left symbol
    uint32_t left, right, id;
} candidate;

typedef struct {
    const assay_vocab *vocab;
    const bool *shunned;
    symbol *symbols; // [size]
    candidate *heap; // [count] of at most 3 * size: size - 1 pairs, then 2 a merge
    size_t count;
} state;

static bool before(const candidate *a, const candidate *b) {
    return a->rank != b->rank ? a->rank < b->rank : a->at < b->at;
}

static void push(state *s, uint32_t at) {
    uint32_t next = s->symbols[at].next;
    if (next == END) return;
    uint32_t left = s->symbols[at].id, right = s->symbols[next].id;
    const assay_merge *merge = assay_vocab_merge(s->vocab, left, right);
    if (!merge || (s->shunned && s->shunned[merge->id])) return;
    candidate new = {merge->rank, at, left, right, merge->id};
    size_t hole = s->count++;
    while (hole && before(&new, &s->heap[(hole - 1) / 2])) {
        s->heap[hole] = s->heap[(hole - 1) / 2];
        hole = (hole - 1) / 2;
    }
    s->heap[hole] = new;
}

static candidate pop(state *s) {
    candidate top = s->heap[0], last = s->heap[--s->count];
    size_t hole = 0;
    for (size_t child; (child = 2 * hole + 1) < s->count; hole = child) {
        if (child + 1 < s->count && before(&s->heap[child + 1], &s->heap[child])) child++;
        if (!before(&s->heap[child], &last)) break;
        s->heap[hole] = s->heap[child];
    }
    s->heap[hole] = last;
    return top;
}

static void apply(state *s, const candidate *merge) {
    symbol *left = &s->symbols[merge->at];
    if (left->id != merge->left || left->next == END) return;
    symbol *right = &s->symbols[left->next];
    if (right->id != merge->right) return;
    left->id = merge->id;
    left->next = right->next;
    right->id = ASSAY_TOKEN_NONE;
    if (left->next != END) s->symbols[left->next].previous = merge->at;
    if (left->previous != END) push(s, left->previous);
    push(s, merge->at);
}

static assay_status room_make(assay_bpe *bpe, size_t size, assay_error *err) {
    if (size > ASSAY_PIECE_TOKENS_MAX)
        return ASSAY_FAIL(err, CAPACITY, "a word of %zu bytes or characters, limit %d", size,
                          ASSAY_PIECE_TOKENS_MAX);
    if (size <= bpe->room) return ASSAY_OK;
    size_t room = size < 256 ? 256 : size;
    free(bpe->memory);
    bpe->room = 0;
    bpe->memory = malloc(room * (sizeof(symbol) + 3 * sizeof(candidate)));
    if (!bpe->memory) return ASSAY_FAIL(err, MEMORY, "no memory for a word of %zu tokens", size);
    bpe->room = room;
    return ASSAY_OK;
}

assay_status assay_bpe_merge(assay_bpe *bpe, uint32_t *ids, size_t *count, const assay_vocab *vocab,
                             const bool *shunned, assay_error *err) {
    size_t size = *count;
    ASSAY_TRY(room_make(bpe, size, err));
    state s = {.vocab = vocab, .shunned = shunned, .symbols = bpe->memory};
    s.heap = (candidate *)(s.symbols + bpe->room);
    for (uint32_t i = 0; i < size; i++)
        s.symbols[i] = (symbol){ids[i], i ? i - 1 : END, i + 1 < size ? i + 1 : END};
    for (uint32_t i = 0; i < size; i++)
        push(&s, i);
    while (s.count) {
        candidate next = pop(&s);
        apply(&s, &next);
    }
    *count = 0;
    for (uint32_t i = 0; i < size && i != END; i = s.symbols[i].next)
        ids[(*count)++] = s.symbols[i].id;
    return ASSAY_OK;
}

void assay_bpe_close(assay_bpe *bpe) {
    free(bpe->memory);
    *bpe = (assay_bpe){0};
}
