// SPDX-License-Identifier: Apache-2.0
// checkmodel SET
// The forward pass of a whole model on one kernel set, for processors that have an emulator and
// none of the libraries of the cmocka tests (tests/quant/test_matrix.c): requests of two KV pages,
// alone and together, with mixed adapters, in chunks, on threads. Prints in how many ways it ran,
// how many of them left other bits than the first, and a digest of those, the same on every machine
// and for every set. Exit status: 0 only if all agree. Spec: N-19.
#include <inttypes.h>
#include <stdio.h>

#include "quant/forward.h"
#include "tests/quant/synthetic_model.h"

enum { COUNT = 90, MEMBERS = 8, ALONE = 3 };

typedef struct {
    synthetic model;
    uint32_t ids[MEMBERS][COUNT];
    assay_engine engine;
    uint64_t wanted[MEMBERS];
    unsigned ways, failed;
} session;

// The model is in memory; no file can change under it.
assay_status assay_model_unchanged(const assay_model *model, assay_error *err) {
    return ASSAY_OK;
}

assay_status assay_adapter_unchanged(const assay_adapter *adapter, assay_error *err) {
    return ASSAY_OK;
}

// FNV-1a.
static void digest_add(uint64_t *digest, const void *data, size_t size) {
    for (size_t i = 0; i < size; i++)
        *digest = (*digest ^ ((const uint8_t *)data)[i]) * 0x100000001b3;
}

static void row_digest(void *context, const assay_forward_row *row) {
    digest_add(context, &row->position, sizeof row->position);
    digest_add(context, row->head_q, SYNTHETIC_WIDTH * sizeof *row->head_q);
    digest_add(context, &row->head_scale, sizeof row->head_scale);
    digest_add(context, row->logits, SYNTHETIC_VOCAB * sizeof *row->logits);
}

// Members first .. first + count - 1 in one pass: their digests.
static void pass(uint64_t *digests, const session *s, uint32_t first, uint32_t count,
                 uint32_t chunk) {
    assay_forward forward;
    assay_sequence sequences[MEMBERS];
    assay_forward_hooks hooks[MEMBERS];
    assay_feed feeds[MEMBERS];
    assay_status status =
        assay_forward_open(&forward, &s->engine, COUNT, MEMBERS * 2 * ASSAY_KV_PAGE, chunk, NULL);
    ASSAY_ASSERT(status == ASSAY_OK);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t member = first + i;
        digests[i] = 0xcbf29ce484222325;
        hooks[i] = (assay_forward_hooks){.row = row_digest, .context = &digests[i]};
        status = assay_sequence_open(&sequences[i], &forward, COUNT, NULL);
        ASSAY_ASSERT(status == ASSAY_OK);
        assay_sequence_reset(&sequences[i], member % 3 ? &s->model.adapters[member % 3 - 1] : NULL);
        feeds[i] = (assay_feed){&sequences[i], s->ids[member], COUNT, &hooks[i]};
    }
    status = assay_forward_feed(&forward, feeds, count, NULL);
    ASSAY_ASSERT(status == ASSAY_OK);
    for (uint32_t i = 0; i < count; i++)
        assay_sequence_close(&sequences[i]);
    assay_forward_close(&forward);
}

static void way_check(session *s, uint32_t first, uint32_t count, uint32_t chunk) {
    uint64_t got[MEMBERS];
    pass(got, s, first, count, chunk);
    s->ways++;
    s->failed += memcmp(got, s->wanted + first, count * sizeof *got) != 0;
}

static void threads_check(session *s, unsigned threads) {
    static const uint32_t chunks[] = {1, 7, 64, MEMBERS * COUNT};
    assay_status status = assay_pool_open(&s->engine.pool, threads, NULL);
    ASSAY_ASSERT(status == ASSAY_OK);
    for (size_t c = 0; c < sizeof chunks / sizeof *chunks; c++) {
        for (uint32_t member = 0; member < ALONE; member++)
            way_check(s, member, 1, chunks[c]);
        way_check(s, 0, MEMBERS, chunks[c]);
    }
    assay_pool_close(s->engine.pool);
}

int main(int argc, char **argv) {
    static session s;
    uint32_t ids[MEMBERS * COUNT];
    assay_error err = {0};
    if (argc != 2) {
        fprintf(stderr, "usage: checkmodel SET\n");
        return 2;
    }
    s.engine.model = &s.model.model;
    if (assay_kernels_find(&s.engine.kernels, argv[1], &err) != ASSAY_OK) {
        fprintf(stderr, "checkmodel: %s\n", err.text);
        return 1;
    }
    synthetic_open(&s.model, 47);
    synthetic_ids(&s.model, ids, MEMBERS * COUNT);
    memcpy(s.ids, ids, sizeof s.ids);
    for (uint32_t member = 0; member < MEMBERS; member++)
        pass(&s.wanted[member], &s, member, 1, COUNT);
    for (unsigned threads = 1; threads <= 4; threads *= 2)
        threads_check(&s, threads);
    uint64_t digest = 0xcbf29ce484222325;
    digest_add(&digest, s.wanted, sizeof s.wanted);
    printf("%s: %u ways, %u differ, digest %016" PRIx64 "\n", s.engine.kernels->name, s.ways,
           s.failed, digest);
    synthetic_close(&s.model);
    return s.failed != 0;
}
