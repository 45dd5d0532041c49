// SPDX-License-Identifier: Apache-2.0
// The canonical form (F-5) and its root (F-6).
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/merkle.h"
#include "base/sha256.h"
#include "quant/canonical.h"
#include "tests/folder.h"
#include "tests/vectors.h"

// What safetensors 0.5.3 writes for these tensors: tests/oracles/safetensors_canonical.py.
static const char recorded_sha256[] =
    "031af68d0c17e1f4e9fee7e01b0fabbddc2b2c913c8d2882799d54ac34a1d4fb";

static void list_make(assay_tensor_list *list) {
    assay_tensor_list_add(list, ASSAY_DTYPE_U8, 3, 0, "b.bytes");
    assay_tensor_list_add(list, ASSAY_DTYPE_F32, 2, 2, "a.matrix");
    assay_tensor_list_add(list, ASSAY_DTYPE_I8, 1, 0, "z.int");
    assay_tensor_list_add(list, ASSAY_DTYPE_F64, 1, 0, "x.wide");
    assay_tensor_list_add(list, ASSAY_DTYPE_F32, 0, 0, "a.empty");
}

static void file_write(const char *path, const assay_tensor_list *list) {
    static const double wide = 0.5;
    static const float matrix[4] = {1, 2, 3, 4};
    static const struct {
        const char *name;
        const void *data;
        size_t size;
    } parts[] = {{"x.wide", &wide, 8},
                 {"a.matrix", matrix, 16},
                 {"z.int", "\x81", 1},
                 {"b.bytes", "\1\2\3", 3}};
    assay_canonical_writer writer;
    assay_error err = {0};
    assert_int_equal(assay_canonical_create(&writer, path, "test", list, &err), ASSAY_OK);
    for (int i = 0; i < 4; i++)
        assert_int_equal(assay_canonical_put(&writer,
                                             assay_tensor_list_find(list, parts[i].name, ""), 0,
                                             parts[i].data, parts[i].size, &err),
                         ASSAY_OK);
    assert_int_equal(assay_canonical_commit(&writer, path, &err), ASSAY_OK);
}

static void the_form_is_the_library_s_own(void **state) {
    assay_tensor_list list = {0};
    assay_error err = {0};
    uint64_t data_size;
    char path[] = "/tmp/assay_canonical_XXXXXX", hex[65];
    uint8_t *data;
    size_t size;
    assay_hash hash;
    close(mkstemp(path));
    list_make(&list);
    assert_int_equal(assay_canonical_layout(&list, &data_size, &err), ASSAY_OK);
    assert_int_equal(data_size, 8 + 16 + 1 + 3);
    file_write(path, &list);
    assert_int_equal(assay_file_read(path, 1 << 20, &data, &size, &err), ASSAY_OK);
    assay_sha256_of(&hash, data, size);
    assay_hex_encode(hex, hash.bytes, 32);
    assert_string_equal(hex, recorded_sha256);

    assay_safetensors file;
    assert_int_equal(assay_safetensors_open(&file, data, size, &err), ASSAY_OK);
    assert_int_equal(assay_canonical_check(&file, data, size, "test", &list, &err), ASSAY_OK);
    assert_int_equal(assay_canonical_check(&file, data, size, "tess", &list, NULL), ASSAY_VERSION);
    list.count = 4;
    assert_int_equal(assay_canonical_check(&file, data, size, "test", &list, NULL), ASSAY_UNKNOWN);
    list.count = 5;
    assay_tensor_list_add(&list, ASSAY_DTYPE_U8, 3, 0, "c");
    assert_int_equal(assay_canonical_check(&file, data, size, "test", &list, NULL), ASSAY_MISSING);
    list.count = 5;
    list.tensors[1].shape[0] = 1;
    assert_int_equal(assay_canonical_check(&file, data, size, "test", &list, NULL), ASSAY_MISMATCH);
    assay_safetensors_close(&file);
    free(data);
    unlink(path);
    assay_tensor_list_close(&list);
}

// The same content in another container opens, and is not canonical.
static void other_containers_are_not_canonical(void **state) {
    assay_tensor_list list = {0};
    assay_error err = {0};
    uint64_t data_size;
    uint8_t *header;
    size_t size;
    assay_tensor_list_add(&list, ASSAY_DTYPE_U8, 3, 0, "a");
    assert_int_equal(assay_canonical_layout(&list, &data_size, &err), ASSAY_OK);
    assert_int_equal(assay_canonical_header(&header, &size, "f", &list, &err), ASSAY_OK);
    assert_int_equal(size % 8, 0);
    for (size_t spaces = 0; spaces < 3; spaces++) {
        uint8_t file[256] = {0};
        memcpy(file, header, size);
        memset(file + size, ' ', spaces); // longer padding
        assay_store_le64(file, size - 8 + spaces);
        size_t total = size + spaces + 3;
        assay_safetensors opened;
        assert_int_equal(assay_safetensors_open(&opened, file, total, &err), ASSAY_OK);
        assert_int_equal(assay_canonical_check(&opened, file, total, "f", &list, NULL),
                         spaces ? ASSAY_CANONICAL : ASSAY_OK);
        assay_safetensors_close(&opened);
    }
    free(header);
    assay_tensor_list_close(&list);
}

// F-6 spelled out by hand for one tensor.
static void the_root_is_over_content(void **state) {
    assay_tensor_list list = {0};
    assay_hash root, expected, content, leaves[2];
    uint64_t data_size;
    static const uint8_t data[3] = {1, 2, 3};
    uint8_t leaf[] = "\0\0\0\2ab\0\0\0\2U8\1\0\0\0\0\0\0\0\3--------------------------------";
    assay_tensor_list_add(&list, ASSAY_DTYPE_U8, 3, 0, "ab");
    assert_int_equal(assay_canonical_layout(&list, &data_size, NULL), ASSAY_OK);
    assert_int_equal(assay_canonical_root(&root, "form", &list, data, NULL, NULL), ASSAY_OK);
    assay_sha256_of(&content, data, 3);
    memcpy(leaf + sizeof leaf - 33, content.bytes, 32);
    assay_merkle_leaf(&leaves[0], "form", 4);
    assay_merkle_leaf(&leaves[1], leaf, sizeof leaf - 1);
    assay_merkle_node(&expected, &leaves[0], &leaves[1]);
    assert_memory_equal(&root, &expected, sizeof root);
    assay_tensor_list_close(&list);
}

static void an_aborted_file_leaves_nothing(void **state) {
    assay_tensor_list list = {0};
    assay_canonical_writer writer;
    uint64_t data_size;
    char folder[] = "/tmp/assay_canonical_XXXXXX", path[64];
    test_folder_make(folder);
    snprintf(path, sizeof path, "%s/file", folder);
    list_make(&list);
    assert_int_equal(assay_canonical_layout(&list, &data_size, NULL), ASSAY_OK);
    assert_int_equal(assay_canonical_create(&writer, path, "test", &list, NULL), ASSAY_OK);
    assay_canonical_abort(&writer);
    assay_canonical_abort(&writer);
    assert_int_equal(rmdir(folder), 0); // empty
    assert_int_equal(assay_canonical_create(&writer, path, "test", &list, NULL), ASSAY_NOT_FOUND);
    assay_tensor_list_close(&list);
}

// A link where a file might be written leads to somebody else's; two writers of one place, as two
// containers with one process id are, have a file each.
static void only_new_files_are_written(void **state) {
    assay_tensor_list list = {0};
    assay_error err = {0};
    uint64_t data_size;
    char folder[64], path[96], link[160], victim[96];
    assay_canonical_writer one, two;
    struct stat info;
    assert_int_equal(
        assay_folder_temporary(folder, sizeof folder, "/tmp", "assay_canonical_XXXXXX", &err),
        ASSAY_OK);
    snprintf(path, sizeof path, "%s/model", folder);
    snprintf(link, sizeof link, "%s.%ld.tmp", path, (long)getpid());
    snprintf(victim, sizeof victim, "%s/victim", folder);
    assert_int_equal(assay_file_create(victim, "precious", 8, 0600, &err), ASSAY_OK);
    assert_int_equal(symlink(victim, link), 0);
    list_make(&list);
    assert_int_equal(assay_canonical_layout(&list, &data_size, &err), ASSAY_OK);
    assert_int_equal(assay_canonical_create(&one, path, "test", &list, &err), ASSAY_OK);
    assert_int_equal(assay_canonical_create(&two, path, "test", &list, &err), ASSAY_OK);
    assert_string_not_equal(one.temporary, two.temporary);
    assay_canonical_abort(&one);
    mode_t mask = umask(022);
    file_write(path, &list);
    umask(mask);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode, S_IFREG | 0644);
    assert_int_equal(access(two.temporary, F_OK), 0);
    assay_canonical_abort(&two);
    assert_int_equal(stat(victim, &info), 0);
    assert_int_equal(info.st_size, 8);
    assay_tensor_list_close(&list);
    assay_folder_remove(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_form_is_the_library_s_own),
        cmocka_unit_test(other_containers_are_not_canonical),
        cmocka_unit_test(the_root_is_over_content),
        cmocka_unit_test(an_aborted_file_leaves_nothing),
        cmocka_unit_test(only_new_files_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
