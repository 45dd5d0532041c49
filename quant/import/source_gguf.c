// SPDX-License-Identifier: Apache-2.0
#include "quant/import/source_gguf.h"

#include <stdlib.h>

#include "quant/import/gguf_names.h"

// A tensor's place is in items.
typedef struct {
    const assay_gguf_tensor *tensor;
    uint32_t head_size; // of its rows in rotary pairs; 0: the rows lie as they are
} item;

typedef struct {
    assay_source base;
    const assay_gguf *file;
    item *items; // [base.count]
} container;

static const item *item_of(const assay_source *source, const assay_source_tensor *tensor) {
    return &((const container *)source)->items[tensor->place];
}

static uint64_t row_bytes(const assay_gguf_tensor *tensor) {
    return tensor->dims[0] / assay_gguf_block_elements(tensor->type) *
           assay_gguf_block_bytes(tensor->type);
}

// Hugging Face turns element j of a head against element j + half; files of the llama architecture
// have such a pair side by side.
static uint64_t row_place(uint64_t row, uint32_t head_size) {
    if (head_size == 0) return row;
    uint64_t half = head_size / 2, within = row % head_size;
    return row - within + 2 * (within % half) + within / half;
}

static assay_status rows_read(float *out, const assay_source *source,
                              const assay_source_tensor *tensor, uint64_t first, uint64_t count,
                              assay_error *err) {
    const item *from = item_of(source, tensor);
    const uint8_t *data = ((const container *)source)->file->data + from->tensor->begin;
    uint64_t k = from->tensor->dims[0], size = row_bytes(from->tensor);
    uint64_t blocks = k / assay_gguf_block_elements(from->tensor->type);
    for (uint64_t i = 0; i < count; i++)
        assay_gguf_block_read(out + i * k, from->tensor->type,
                              data + row_place(first + i, from->head_size) * size, blocks);
    return ASSAY_OK;
}

// Of rows in pairs whole heads, when the last of their rows goes.
static void rows_drop(const assay_source *source, const assay_source_tensor *tensor, uint64_t first,
                      uint64_t count) {
    const item *from = item_of(source, tensor);
    const assay_gguf *file = ((const container *)source)->file;
    uint64_t size = row_bytes(from->tensor), end = first + count;
    if (from->head_size) {
        first -= first % from->head_size;
        end -= end % from->head_size;
    }
    assay_mapping_drop(&file->file, file->data + from->tensor->begin + first * size,
                       (end - first) * size);
}

static void container_close(assay_source *source) {
    container *c = (container *)source;
    free(c->base.tensors);
    free(c->items);
    free(c);
}

static const assay_source_methods methods = {rows_read, NULL, rows_drop, container_close};

static assay_status tensor_add(container *c, const assay_gguf_tensor *from,
                               const assay_gguf_named *named, uint32_t head_size,
                               assay_error *err) {
    assay_source_tensor *to = &c->base.tensors[c->base.count];
    if (from->rank > 2)
        return ASSAY_FAIL(err, UNSUPPORTED, "tensor \"%s\" has %u dimensions, limit 2", from->name,
                          from->rank);
    memcpy(to->name, named->name, sizeof to->name);
    to->rank = from->rank;
    to->shape[0] = from->dims[from->rank - 1];
    if (from->rank == 2) to->shape[1] = from->dims[0];
    to->size = from->size;
    to->place = c->base.count;
    c->items[c->base.count++] = (item){from, named->rotated ? head_size : 0};
    if (!named->rotated || !head_size) return ASSAY_OK;
    if (from->rank != 2)
        return ASSAY_FAIL(err, UNSUPPORTED, "tensor \"%s\": only matrices have rotary pairs",
                          from->name);
    if (to->shape[0] % head_size)
        return ASSAY_FAIL(err, MISMATCH, "tensor \"%s\" has %llu rows, no heads of %u", from->name,
                          (ull)to->shape[0], head_size);
    return ASSAY_OK;
}

static assay_status tensors_add(container *c, assay_gguf_content content, uint32_t head_size,
                                assay_error *err) {
    for (uint32_t i = 0; i < c->file->tensor_count; i++) {
        const assay_gguf_tensor *from = &c->file->tensors[i];
        assay_gguf_named named;
        if (content == ASSAY_GGUF_MODEL && strcmp(from->name, "rope_freqs.weight") == 0) continue;
        ASSAY_TRY(content == ASSAY_GGUF_MODEL ? assay_gguf_name_read(&named, from->name, err)
                                              : assay_gguf_lora_name_read(&named, from->name, err));
        ASSAY_TRY(tensor_add(c, from, &named, head_size, err));
    }
    return assay_source_finish(&c->base, err);
}

assay_status assay_source_gguf_open(assay_source **out, const assay_gguf *file,
                                    assay_gguf_content content, uint32_t head_size,
                                    assay_error *err) {
    *out = NULL;
    container *c = calloc(1, sizeof *c);
    if (!c) return ASSAY_FAIL(err, MEMORY, "no memory for a container");
    c->base.methods = &methods;
    c->file = file;
    c->base.tensors = calloc((size_t)file->tensor_count + 1, sizeof *c->base.tensors);
    c->items = calloc((size_t)file->tensor_count + 1, sizeof *c->items);
    assay_status status = ASSAY_OK;
    if (!c->base.tensors || !c->items)
        status = ASSAY_FAIL(err, MEMORY, "no memory for %u tensors", file->tensor_count);
    if (status == ASSAY_OK) status = tensors_add(c, content, head_size, err);
    if (status == ASSAY_OK)
        *out = &c->base;
    else
        container_close(&c->base);
    return status;
}
