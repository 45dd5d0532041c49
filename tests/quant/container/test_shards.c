// SPDX-License-Identifier: Apache-2.0
// Tensors in many files (F-13), and that the files they lie in change nothing (F-12).
#include "base/pool.h"
#include "quant/container/shard_index.h"
#include "quant/import/import.h"
#include "tests/quant/checkpoint.h"
#include "tests/quant/largest.h"
#include "tests/quant/tiny.h"

enum { SHARDS = 3 };

// A tiny folder whose tensors a test moves between files.
typedef struct {
    tiny t;
    checkpoint c;
    uint32_t shards[CHECKPOINT_TENSORS_MAX]; // of each tensor
    json_t *index;
} folder;

static void file_name(char *out, size_t size, uint32_t shard) {
    snprintf(out, size, "model-%05u-of-%05u.safetensors", shard + 1, SHARDS);
}

static void path_in(char *out, size_t size, const folder *f, uint32_t shard) {
    char name[64];
    file_name(name, sizeof name, shard);
    tiny_path(out, size, &f->t, name);
}

// Writes the single file, reads it and deals its tensors out.
static void folder_open(folder *f) {
    uint8_t *data;
    size_t size;
    char path[160], file[64];
    memset(f, 0, sizeof *f);
    tiny_open(&f->t);
    tiny_write(&f->t);
    tiny_path(path, sizeof path, &f->t, "model.safetensors");
    assert_int_equal(assay_file_read(path, 1 << 24, &data, &size, NULL), ASSAY_OK);
    checkpoint_read(&f->c, data, size);
    free(data);
    json_t *map = json_object();
    for (uint32_t i = 0; i < f->c.count; i++) {
        f->shards[i] = i % SHARDS;
        file_name(file, sizeof file, f->shards[i]);
        json_object_set_new(map, f->c.tensors[i].name, json_string(file));
    }
    f->index = json_pack("{s:{s:i},s:o}", "metadata", "total_size", 7, "weight_map", map);
}

static json_t *map_of(const folder *f) {
    return json_object_get(f->index, "weight_map");
}

static void index_path(char *out, size_t size, const folder *f) {
    tiny_path(out, size, &f->t, "model.safetensors.index.json");
}

// The single file goes, the shards and their index come.
static void folder_write(const folder *f) {
    char path[160];
    tiny_path(path, sizeof path, &f->t, "model.safetensors");
    unlink(path);
    for (uint32_t i = 0; i < SHARDS; i++) {
        path_in(path, sizeof path, f, i);
        checkpoint_shard_write(&f->c, path, f->shards, i);
    }
    index_path(path, sizeof path, f);
    assert_int_equal(json_dump_file(f->index, path, 0), 0);
}

static void folder_close(folder *f) {
    char path[160];
    for (uint32_t i = 0; i < SHARDS; i++) {
        path_in(path, sizeof path, f, i);
        unlink(path);
    }
    index_path(path, sizeof path, f);
    unlink(path);
    checkpoint_close(&f->c);
    json_decref(f->index);
    tiny_close(&f->t);
}

static void file_read(const folder *f, uint8_t **data, size_t *size) {
    assert_int_equal(assay_file_read(f->t.out, 1 << 24, data, size, NULL), ASSAY_OK);
}

// One file or three, BF16, F32 or F16, one thread or four: the same bytes.
static void the_container_changes_nothing(void **state) {
    static const assay_dtype dtypes[] = {ASSAY_DTYPE_BF16, ASSAY_DTYPE_F32, ASSAY_DTYPE_F16};
    folder f;
    assay_hash root;
    assay_error err = {0};
    assay_pool *pool;
    uint8_t *single, *sharded;
    size_t single_size, sharded_size;
    folder_open(&f);
    assert_int_equal(assay_model_import(&root, f.t.folder, f.t.out, NULL, NULL, &err), ASSAY_OK);
    file_read(&f, &single, &single_size);
    folder_close(&f);
    for (int i = 0; i < 6; i++) {
        folder_open(&f);
        f.t.dtype = dtypes[i / 2];
        tiny_write(&f.t);
        char path[160];
        uint8_t *data;
        size_t size;
        tiny_path(path, sizeof path, &f.t, "model.safetensors");
        assert_int_equal(assay_file_read(path, 1 << 24, &data, &size, NULL), ASSAY_OK);
        checkpoint_close(&f.c);
        checkpoint_read(&f.c, data, size);
        free(data);
        folder_write(&f);
        assert_int_equal(assay_pool_open(&pool, i % 2 ? 4 : 1, NULL), ASSAY_OK);
        assay_status status = assay_model_import(&root, f.t.folder, f.t.out, NULL, pool, &err);
        assay_pool_close(pool);
        if (status != ASSAY_OK) fail_msg("%s", err.text);
        file_read(&f, &sharded, &sharded_size);
        assert_int_equal(sharded_size, single_size);
        assert_memory_equal(sharded, single, single_size);
        free(sharded);
        folder_close(&f);
    }
    free(single);
}

static void import_expect(const folder *f, assay_status expected, const char *named) {
    assay_hash root;
    assay_error err = {0};
    assay_status status = assay_model_import(&root, f->t.folder, f->t.out, NULL, NULL, &err);
    if (status != expected || !strstr(err.text, named))
        fail_msg("%s (%s), expected %s naming %s", assay_status_name(status), err.text,
                 assay_status_name(expected), named);
}

static void files_and_index_must_agree(void **state) {
    folder f;
    char path[160];
    static const char norm[] = "model.norm.weight";
    // A file that is not there.
    folder_open(&f);
    folder_write(&f);
    path_in(path, sizeof path, &f, 1);
    unlink(path);
    import_expect(&f, ASSAY_NOT_FOUND, "model-00002-of-00003.safetensors");
    folder_close(&f);
    // A tensor that its file does not have.
    folder_open(&f);
    checkpoint_remove(&f.c, checkpoint_find(&f.c, norm));
    folder_write(&f);
    import_expect(&f, ASSAY_MISSING, norm);
    folder_close(&f);
    // A tensor in two files.
    folder_open(&f);
    uint32_t at = checkpoint_find(&f.c, norm);
    f.shards[f.c.count] = (f.shards[at] + 1) % SHARDS;
    checkpoint_add(&f.c, norm, ASSAY_DTYPE_BF16, 64, 0, f.c.contents[at]);
    folder_write(&f);
    import_expect(&f, ASSAY_DUPLICATE, norm);
    folder_close(&f);
    // A tensor in another file than the index says.
    folder_open(&f);
    at = checkpoint_find(&f.c, norm);
    f.shards[at] = (f.shards[at] + 1) % SHARDS;
    folder_write(&f);
    import_expect(&f, ASSAY_MISMATCH, norm);
    folder_close(&f);
    // A tensor that the index does not name.
    folder_open(&f);
    json_object_del(map_of(&f), norm);
    folder_write(&f);
    import_expect(&f, ASSAY_UNKNOWN, norm);
    folder_close(&f);
    // A file that is cut short, and one file beside the shards.
    folder_open(&f);
    folder_write(&f);
    path_in(path, sizeof path, &f, 2);
    assert_int_equal(truncate(path, 2000), 0);
    import_expect(&f, ASSAY_TRUNCATED, "");
    tiny_weights_write(&f.t);
    import_expect(&f, ASSAY_DUPLICATE, "model.safetensors.index.json");
    folder_close(&f);
}

// What the index itself may not say.
static const struct {
    const char *json;
    assay_status status;
} indices[] = {
    {"{\"weight_map\":{\"a\":\"a.safetensors\"}}", ASSAY_OK},
    {"{\"weight_map\":{}}", ASSAY_OK},
    {"{\"metadata\":null,\"weight_map\":{\"a\":\"A_1-x.y.safetensors\",\"b\":\"a.safetensors\"}}",
     ASSAY_OK},
    {"{\"metadata\":{}}", ASSAY_MISSING},
    {"{\"weight_map\":[]}", ASSAY_FORMAT},
    {"{\"weight_map\":{},\"files\":[]}", ASSAY_UNKNOWN},
    {"[]", ASSAY_FORMAT},
    {"{\"weight_map\":{\"a\":1}}", ASSAY_FORMAT},
    {"{\"weight_map\":{\"a\":null}}", ASSAY_FORMAT},
    {"{\"weight_map\":{\"a\":\"\"}}", ASSAY_FORBIDDEN},
    {"{\"weight_map\":{\"a\":\".safetensors\"}}", ASSAY_FORBIDDEN},
    {"{\"weight_map\":{\"a\":\"..\"}}", ASSAY_FORBIDDEN},
    {"{\"weight_map\":{\"a\":\"../a.safetensors\"}}", ASSAY_FORBIDDEN},
    {"{\"weight_map\":{\"a\":\"/etc/a.safetensors\"}}", ASSAY_FORBIDDEN},
    {"{\"weight_map\":{\"a\":\"b/a.safetensors\"}}", ASSAY_FORBIDDEN},
    {"{\"weight_map\":{\"a\":\"b\\\\a.safetensors\"}}", ASSAY_FORBIDDEN},
    {"{\"weight_map\":{\"a\":\"b\\na.safetensors\"}}", ASSAY_FORBIDDEN},
    {"{\"weight_map\":{\"a\":\"\\u00e4.safetensors\"}}", ASSAY_FORBIDDEN},
    {"{\"weight_map\":{\"a\":\"file:a.safetensors\"}}", ASSAY_FORBIDDEN},
    {"{\"weight_map\":{\"a\":\".a.safetensors\"}}", ASSAY_FORBIDDEN},
    {"{\"weight_map\":{\"a\":\"a.bin\"}}", ASSAY_FORBIDDEN},
    {"{\"weight_map\":{\"a\":\"pytorch_model.safetensors.bin\"}}", ASSAY_FORBIDDEN},
};

static void index_expect(const char *what, json_t *json, assay_status expected) {
    assay_shard_index index;
    assay_error err = {0};
    char *text = json_dumps(json, JSON_COMPACT);
    largest_begin();
    assay_status status = assay_shard_index_read(&index, json, &err);
    largest_end(strlen(text));
    free(text);
    if (status != expected)
        fail_msg("%s: %s (%s), expected %s", what, assay_status_name(status), err.text,
                 assay_status_name(expected));
    assay_shard_index_close(&index);
}

static void indices_are_checked(void **state) {
    for (size_t i = 0; i < sizeof indices / sizeof *indices; i++) {
        json_t *json = json_loads(indices[i].json, 0, NULL);
        assert_non_null(json);
        index_expect(indices[i].json, json, indices[i].status);
    }
    // A file name of 127 bytes and of 128.
    for (int length = ASSAY_SHARD_NAME_MAX; length <= ASSAY_SHARD_NAME_MAX + 1; length++) {
        char name[160];
        snprintf(name, sizeof name, "%0*d.safetensors", length - 12, 0);
        index_expect(name, json_pack("{s:{s:s}}", "weight_map", "a", name),
                     length > ASSAY_SHARD_NAME_MAX ? ASSAY_CAPACITY : ASSAY_OK);
    }
}

static void counts_are_bounded(void **state) {
    static const struct {
        unsigned tensors, files;
        assay_status status;
    } cases[] = {{16384, 4096, ASSAY_OK}, {16385, 1, ASSAY_CAPACITY}, {8000, 4097, ASSAY_CAPACITY}};
    for (int i = 0; i < 3; i++) {
        json_t *map = json_object();
        for (unsigned t = 0; t < cases[i].tensors; t++) {
            char tensor[32], file[32];
            snprintf(tensor, sizeof tensor, "%u", t);
            snprintf(file, sizeof file, "%u.safetensors", t % cases[i].files);
            json_object_set_new(map, tensor, json_string(file));
        }
        index_expect("many", json_pack("{s:o}", "weight_map", map), cases[i].status);
    }
}

// The answer is one of the listed files, so that places can be compared.
static void files_are_found(void **state) {
    assay_shard_index index;
    json_t *json = json_pack("{s:{s:s,s:s,s:s}}", "weight_map", "x", "b.safetensors", "y",
                             "a.safetensors", "z", "b.safetensors");
    assert_int_equal(assay_shard_index_read(&index, json, NULL), ASSAY_OK);
    assert_int_equal(index.file_count, 2);
    assert_string_equal(index.files[0], "a.safetensors");
    assert_ptr_equal(assay_shard_index_file(&index, "x"), index.files[1]);
    assert_ptr_equal(assay_shard_index_file(&index, "y"), index.files[0]);
    assert_ptr_equal(assay_shard_index_file(&index, "z"), index.files[1]);
    assert_null(assay_shard_index_file(&index, "w"));
    assay_shard_index_close(&index);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_container_changes_nothing),
        cmocka_unit_test(files_and_index_must_agree),
        cmocka_unit_test(indices_are_checked),
        cmocka_unit_test(counts_are_bounded),
        cmocka_unit_test(files_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
