// SPDX-License-Identifier: Apache-2.0
#include "quant/canonical.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/file.h"
#include "base/merkle.h"
#include "base/sha256.h"

// The header is padded with spaces so that 8-byte elements lie at 8-byte addresses (F-5).
enum { LENGTH_SIZE = 8, HEADER_ALIGNMENT = 8, HASH_STEP = 4 << 20 };

void assay_tensor_list_add(assay_tensor_list *list, assay_dtype dtype, uint64_t rows,
                           uint64_t columns, const char *format, ...) {
    if (list->status != ASSAY_OK) return;
    if (list->count == list->room) {
        uint32_t room = list->room ? 2 * list->room : 64;
        assay_tensor *grown = realloc(list->tensors, room * sizeof *grown);
        if (!grown) {
            list->status = ASSAY_MEMORY;
            return;
        }
        list->tensors = grown;
        list->room = room;
    }
    assay_tensor *tensor = &list->tensors[list->count++];
    *tensor = (assay_tensor){.dtype = dtype, .rank = columns ? 2 : 1, .shape = {rows, columns}};
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(tensor->name, sizeof tensor->name, format, arguments);
    va_end(arguments);
    ASSAY_ASSERT(length > 0 && length <= ASSAY_TENSOR_NAME_MAX);
}

void assay_tensor_list_close(assay_tensor_list *list) {
    free(list->tensors);
    *list = (assay_tensor_list){0};
}

const assay_tensor *assay_tensor_list_find(const assay_tensor_list *list, const char *name,
                                           const char *part) {
    size_t size = strlen(name);
    for (uint32_t i = 0; i < list->count; i++) {
        const char *full = list->tensors[i].name;
        if (strncmp(full, name, size) == 0 && strcmp(full + size, part) == 0)
            return &list->tensors[i];
    }
    ASSAY_ASSERT(!"a tensor of the list");
}

const void *assay_tensor_data(const assay_safetensors *file, const char *format, ...) {
    char name[ASSAY_TENSOR_NAME_MAX + 1];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    const assay_tensor *tensor = assay_safetensors_find(file, name);
    ASSAY_ASSERT(tensor);
    return file->data + tensor->begin;
}

static int file_order(const void *left, const void *right) {
    const assay_tensor *a = left, *b = right;
    if (a->dtype != b->dtype) return a->dtype > b->dtype ? -1 : 1;
    return strcmp(a->name, b->name);
}

assay_status assay_canonical_layout(assay_tensor_list *list, uint64_t *data_size,
                                    assay_error *err) {
    if (list->status != ASSAY_OK) return ASSAY_FAIL(err, MEMORY, "no memory for a tensor list");
    if (list->count > ASSAY_TENSOR_COUNT_MAX)
        return ASSAY_FAIL(err, CAPACITY, "%u tensors, limit %d", list->count,
                          ASSAY_TENSOR_COUNT_MAX);
    if (list->count) qsort(list->tensors, list->count, sizeof *list->tensors, file_order);
    uint64_t end = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        assay_tensor *tensor = &list->tensors[i];
        uint64_t columns = tensor->rank == 2 ? tensor->shape[1] : 1;
        tensor->begin = end;
        tensor->size = tensor->shape[0] * columns * assay_dtype_size(tensor->dtype);
        end += tensor->size;
    }
    *data_size = end;
    return ASSAY_OK;
}

static size_t entry_write(char *out, size_t room, const assay_tensor *tensor) {
    char shape[48];
    if (tensor->rank == 2)
        snprintf(shape, sizeof shape, "%llu,%llu", (ull)tensor->shape[0], (ull)tensor->shape[1]);
    else
        snprintf(shape, sizeof shape, "%llu", (ull)tensor->shape[0]);
    int length = snprintf(out, room,
                          ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%llu,%llu]}",
                          tensor->name, assay_dtype_name(tensor->dtype), shape, (ull)tensor->begin,
                          (ull)(tensor->begin + tensor->size));
    ASSAY_ASSERT(length > 0 && (size_t)length < room);
    return (size_t)length;
}

assay_status assay_canonical_header(uint8_t **out, size_t *size, const char *format,
                                    const assay_tensor_list *list, assay_error *err) {
    enum { ENTRY_MAX = ASSAY_TENSOR_NAME_MAX + 160 };
    size_t room = LENGTH_SIZE + (size_t)(list->count + 1) * ENTRY_MAX;
    uint8_t *data = malloc(room);
    if (!data) return ASSAY_FAIL(err, MEMORY, "no memory for a header of %zu bytes", room);
    size_t at = LENGTH_SIZE;
    at += (size_t)snprintf((char *)data + at, room - at, "{\"__metadata__\":{\"format\":\"%s\"}",
                           format);
    for (uint32_t i = 0; i < list->count; i++)
        at += entry_write((char *)data + at, room - at, &list->tensors[i]);
    data[at++] = '}';
    while (at % HEADER_ALIGNMENT)
        data[at++] = ' ';
    assay_store_le64(data, at - LENGTH_SIZE);
    *out = data;
    *size = at;
    return ASSAY_OK;
}

static bool list_has(const assay_tensor_list *list, const char *name) {
    for (uint32_t i = 0; i < list->count; i++)
        if (strcmp(list->tensors[i].name, name) == 0) return true;
    return false;
}

assay_status assay_canonical_format_check(const assay_safetensors *file, const char *format,
                                          assay_error *err) {
    if (strcmp(file->format, format) == 0) return ASSAY_OK;
    return ASSAY_FAIL(err, VERSION, "file format is \"%s\", needs \"%s\"", file->format, format);
}

assay_status assay_canonical_check(const assay_safetensors *file, const uint8_t *data, size_t size,
                                   const char *format, const assay_tensor_list *list,
                                   assay_error *err) {
    ASSAY_TRY(assay_canonical_format_check(file, format, err));
    const uint8_t *content;
    for (uint32_t i = 0; i < list->count; i++)
        ASSAY_TRY(assay_safetensors_get(&content, file, &list->tensors[i], err));
    for (uint32_t i = 0; file->count != list->count && i < file->count; i++)
        if (!list_has(list, file->tensors[i].name))
            return ASSAY_FAIL(err, UNKNOWN, "tensor \"%s\" has no place in %s",
                              file->tensors[i].name, format);
    uint8_t *header;
    size_t header_size;
    ASSAY_TRY(assay_canonical_header(&header, &header_size, format, list, err));
    bool same = header_size <= size && memcmp(header, data, header_size) == 0;
    free(header);
    if (!same) return ASSAY_FAIL(err, CANONICAL, "header is not that of the canonical file");
    return ASSAY_OK;
}

static void content_hash(assay_hash *out, const uint8_t *data, uint64_t size,
                         const assay_mapping *mapping) {
    assay_sha256 sha;
    assay_sha256_init(&sha);
    for (uint64_t at = 0; at < size; at += HASH_STEP) {
        size_t step = size - at < HASH_STEP ? (size_t)(size - at) : HASH_STEP;
        assay_sha256_update(&sha, data + at, step);
        if (mapping) assay_mapping_drop(mapping, data + at, step);
    }
    assay_sha256_final(&sha, out);
}

// Leaf data: name, dtype, rank, dimensions, SHA-256 of the content, all as the cursor writes them.
static void tensor_leaf(assay_hash *out, const assay_tensor *tensor, const uint8_t *data,
                        const assay_mapping *mapping) {
    enum { LEAF_MAX = 4 + ASSAY_TENSOR_NAME_MAX + 4 + 1 + 8 * 2 + ASSAY_HASH_SIZE + 4 };
    uint8_t leaf[LEAF_MAX];
    assay_hash content;
    assay_writer writer;
    const char *dtype = assay_dtype_name(tensor->dtype);
    content_hash(&content, data + tensor->begin, tensor->size, mapping);
    assay_writer_init(&writer, leaf, sizeof leaf);
    assay_writer_blob(&writer, tensor->name, (uint32_t)strlen(tensor->name));
    assay_writer_blob(&writer, dtype, (uint32_t)strlen(dtype));
    assay_writer_u8(&writer, (uint8_t)tensor->rank);
    for (uint32_t i = 0; i < tensor->rank; i++)
        assay_writer_u64(&writer, tensor->shape[i]);
    assay_writer_hash(&writer, &content);
    ASSAY_ASSERT(!writer.failed);
    assay_merkle_leaf(out, leaf, writer.size);
}

assay_status assay_canonical_root(assay_hash *out, const char *format,
                                  const assay_tensor_list *list, const uint8_t *data,
                                  const assay_mapping *mapping, assay_error *err) {
    assay_hash *leaves = malloc(((size_t)list->count + 1) * sizeof *leaves);
    if (!leaves) return ASSAY_FAIL(err, MEMORY, "no memory for %u leaves", list->count + 1);
    assay_merkle_leaf(&leaves[0], format, strlen(format));
    for (uint32_t i = 0; i < list->count; i++)
        tensor_leaf(&leaves[i + 1], &list->tensors[i], data, mapping);
    assay_merkle_root(out, leaves, (uint64_t)list->count + 1);
    free(leaves);
    return ASSAY_OK;
}

// Opens a new file under a name that nobody foresees: a link that lies in wait is never followed,
// and programs that see one folder and not each other (containers' process ids are alike) share
// none.
static assay_status temporary_open(assay_canonical_writer *writer, const char *path,
                                   assay_error *err) {
    uint64_t random;
    writer->fd = -1;
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        return assay_fail_errno(err, errno, "no random bytes");
    int length =
        snprintf(writer->temporary, sizeof writer->temporary, "%s.%016llx.tmp", path, (ull)random);
    if (length < 0 || (size_t)length >= sizeof writer->temporary)
        return ASSAY_FAIL(err, CAPACITY, "path of %d characters, limit %d", length, PATH_MAX - 1);
    writer->fd = open(writer->temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (writer->fd < 0) return assay_fail_errno(err, errno, "cannot create %s", writer->temporary);
    return ASSAY_OK;
}

assay_status assay_canonical_create(assay_canonical_writer *writer, const char *path,
                                    const char *format, const assay_tensor_list *list,
                                    assay_error *err) {
    uint8_t *header;
    size_t size;
    writer->fd = -1;
    ASSAY_TRY(assay_canonical_header(&header, &size, format, list, err));
    writer->data_begin = size;
    assay_status status = temporary_open(writer, path, err);
    if (status == ASSAY_OK)
        status = assay_file_write_at(writer->fd, header, size, 0, writer->temporary, err);
    free(header);
    if (status != ASSAY_OK) assay_canonical_abort(writer);
    return status;
}

assay_status assay_canonical_put(assay_canonical_writer *writer, const assay_tensor *tensor,
                                 uint64_t offset, const void *data, size_t size, assay_error *err) {
    ASSAY_ASSERT(offset <= tensor->size && size <= tensor->size - offset);
    uint64_t at = writer->data_begin + tensor->begin + offset;
    return assay_file_write_at(writer->fd, data, size, at, writer->temporary, err);
}

assay_status assay_canonical_commit(assay_canonical_writer *writer, const char *path,
                                    assay_error *err) {
    int fd = writer->fd;
    writer->fd = -1;
    return assay_file_publish(fd, writer->temporary, path, err);
}

void assay_canonical_abort(assay_canonical_writer *writer) {
    if (writer->fd < 0) return;
    close(writer->fd);
    unlink(writer->temporary);
    writer->fd = -1;
}
