// SPDX-License-Identifier: Apache-2.0
#include "ledger/state/smt_tree.h"

#include <stdlib.h>

enum {
    LEVELS = ASSAY_TREE_LEVELS,
    INNER = ASSAY_TREE_INNER,
    BUCKET_MAX = ASSAY_TREE_BUCKET_MAX,
    LINK_COUNT = 1 << LEVELS,
    SMALL_MAX = 4 * BUCKET_MAX, // leaves that fit on the stack while a bucket changes
};

// A node after the update. A bucket is not final before its parent is: the parent may merge it.
typedef struct {
    assay_tree_record record;
    assay_bytes fresh; // a bucket's new bytes; data NULL if it is as stored
    bool stored;       // the store holds a bucket at this place
} tree_node;

// A page on its way from the old bytes to the new ones.
typedef struct {
    assay_cursor old;
    uint8_t *out;
    size_t out_size;
    uint32_t depth;
} tree_page;

// The work below one link of the top page, done ahead by the pool.
typedef struct {
    assay_tree_place place;
    assay_hash old_hash;
    const assay_tree_leaf *changes;
    size_t count;
    tree_node result;
} tree_link;

typedef struct {
    assay_tree_worker *worker;
    const tree_link *links; // [LINK_COUNT] results by first path byte, or NULL
} tree_job;

static assay_status write_add(assay_tree_worker *worker, const assay_tree_place *place,
                              bool is_page, assay_bytes data, assay_error *err) {
    void *taken;
    ASSAY_TRY(assay_arena_get(&worker->arena, 1, sizeof(assay_tree_write), "a state tree write",
                              &taken, err));
    assay_tree_write *write = taken;
    write->data = data.data;
    write->size = data.size;
    assay_tree_write ***end = is_page ? &worker->pages_end : &worker->buckets_end;
    write->key_size = (uint8_t)(is_page ? assay_tree_page_key(write->key, place)
                                        : assay_tree_bucket_key(write->key, place));
    **end = write;
    *end = &write->next;
    return ASSAY_OK;
}

static assay_status bucket_delete(tree_job *job, const assay_tree_place *place, assay_error *err) {
    return write_add(job->worker, place, false, (assay_bytes){NULL, 0}, err);
}

static assay_status page_save(tree_job *job, const assay_tree_place *place, const tree_page *page,
                              assay_error *err) {
    void *data;
    ASSAY_TRY(
        assay_arena_get(&job->worker->arena, page->out_size, 1, "a state tree page", &data, err));
    memcpy(data, page->out, page->out_size);
    return write_add(job->worker, place, true, (assay_bytes){data, page->out_size}, err);
}

static assay_status page_start(tree_job *job, tree_page *page, uint32_t depth, assay_error *err) {
    uint8_t **data = &job->worker->page_data[depth / LEVELS];
    if (!*data) *data = malloc(ASSAY_TREE_PAGE_MAX);
    if (!*data) return ASSAY_FAIL(err, MEMORY, "no memory for a page of the state tree");
    *page = (tree_page){.out = *data, .depth = depth};
    return ASSAY_OK;
}

static void record_add(tree_page *page, const assay_tree_record *record) {
    ASSAY_ASSERT(page->out_size + ASSAY_TREE_RECORD_MAX <= ASSAY_TREE_PAGE_MAX);
    page->out_size += assay_tree_record_write(page->out + page->out_size, record);
}

// Makes the bucket of sorted leaves [count <= BUCKET_MAX] at a place and adds its record.
static assay_status bucket_make(tree_job *job, tree_page *page, const assay_tree_place *place,
                                const assay_tree_leaf *leaves, size_t count, bool stored,
                                tree_node *out, assay_error *err) {
    *out = (tree_node){.stored = stored && count};
    out->record.kind = (uint8_t)count;
    assay_tree_leaves_hash(&out->record.hash, leaves, count, place->depth);
    record_add(page, &out->record);
    if (count == 0) return stored ? bucket_delete(job, place, err) : ASSAY_OK;
    size_t size = assay_tree_bucket_size(leaves, count);
    void *data;
    ASSAY_TRY(
        assay_arena_get(&job->worker->arena, size, 1, "a bucket of the state tree", &data, err));
    assay_tree_bucket_write(data, leaves, count);
    out->fresh = (assay_bytes){data, size};
    return ASSAY_OK;
}

// Nothing above will change this node any more: what is new of its bucket is written.
static assay_status node_settle(tree_job *job, const assay_tree_place *place, const tree_node *node,
                                assay_error *err) {
    if (!node->fresh.data) return ASSAY_OK;
    return write_add(job->worker, place, false, node->fresh, err);
}

static assay_status bucket_take(tree_job *job, const assay_tree_place *place, const tree_node *node,
                                assay_tree_leaf *leaves, assay_error *err) {
    size_t count = node->record.kind;
    if (count == 0) return ASSAY_OK;
    if (node->fresh.data) ASSAY_TRY(assay_tree_bucket_read(leaves, count, place, node->fresh, err));
    if (!node->fresh.data)
        ASSAY_TRY(assay_tree_bucket_load(leaves, count, &job->worker->source, place, err));
    return node->stored ? bucket_delete(job, place, err) : ASSAY_OK;
}

// Ends an inner node whose record stands at `at` in the page, with both children behind it. Few
// enough leaves become one bucket here.
static assay_status node_join(tree_job *job, tree_page *page, const assay_tree_place *place,
                              size_t at, const tree_node children[2], tree_node *out,
                              assay_error *err) {
    assay_tree_place places[2] = {assay_tree_child(place, 0), assay_tree_child(place, 1)};
    uint8_t left = children[0].record.kind, right = children[1].record.kind;
    if (left != INNER && right != INNER && left + right <= BUCKET_MAX) {
        assay_tree_leaf leaves[BUCKET_MAX];
        ASSAY_TRY(bucket_take(job, &places[0], &children[0], leaves, err));
        ASSAY_TRY(bucket_take(job, &places[1], &children[1], leaves + left, err));
        page->out_size = at;
        return bucket_make(job, page, place, leaves, (size_t)left + right, false, out, err);
    }
    ASSAY_TRY(node_settle(job, &places[0], &children[0], err));
    ASSAY_TRY(node_settle(job, &places[1], &children[1], err));
    *out = (tree_node){.record.kind = INNER};
    assay_smt_node(&out->record.hash, &children[0].record.hash, &children[1].record.hash);
    assay_tree_record_write(page->out + at, &out->record);
    return ASSAY_OK;
}

// Builds a subtree from nothing but sorted leaves [count].
static assay_status node_build(tree_job *job, tree_page *page, const assay_tree_place *place,
                               const assay_tree_leaf *leaves, size_t count, bool stored,
                               tree_node *out, assay_error *err) {
    if (count <= BUCKET_MAX) return bucket_make(job, page, place, leaves, count, stored, out, err);
    if (stored) ASSAY_TRY(bucket_delete(job, place, err));
    if (place->depth == page->depth + LEVELS) {
        tree_page below;
        ASSAY_TRY(page_start(job, &below, place->depth, err));
        ASSAY_TRY(node_build(job, &below, place, leaves, count, false, out, err));
        record_add(page, &out->record);
        return page_save(job, place, &below, err);
    }
    size_t at = page->out_size, left_count = assay_tree_leaves_split(leaves, count, place->depth);
    page->out_size += ASSAY_TREE_RECORD_MAX;
    assay_tree_place left = assay_tree_child(place, 0), right = assay_tree_child(place, 1);
    tree_node children[2];
    ASSAY_TRY(node_build(job, page, &left, leaves, left_count, false, &children[0], err));
    ASSAY_TRY(node_build(job, page, &right, leaves + left_count, count - left_count, false,
                         &children[1], err));
    return node_join(job, page, place, at, children, out, err);
}

// Applies sorted changes to sorted leaves. Returns: how many leaves there are then.
static size_t leaves_merge(assay_tree_leaf *out, const assay_tree_leaf *leaves, size_t count,
                           const assay_tree_leaf *changes, size_t change_count) {
    size_t out_count = 0, i = 0, j = 0;
    while (i < count || j < change_count) {
        int order = i == count ? 1
                    : j == change_count
                        ? -1
                        : memcmp(leaves[i].path.bytes, changes[j].path.bytes, ASSAY_HASH_SIZE);
        if (order < 0) {
            out[out_count++] = leaves[i++];
            continue;
        }
        if (order == 0) i++;
        if (!changes[j].removed) out[out_count++] = changes[j];
        j++;
    }
    return out_count;
}

// Changes a node that was a bucket of old->kind leaves (or empty).
static assay_status bucket_update(tree_job *job, tree_page *page, const assay_tree_place *place,
                                  const assay_tree_record *old, const assay_tree_leaf *changes,
                                  size_t change_count, tree_node *out, assay_error *err) {
    assay_tree_leaf leaves[BUCKET_MAX], small[SMALL_MAX], *merged = small;
    if (old->kind)
        ASSAY_TRY(assay_tree_bucket_load(leaves, old->kind, &job->worker->source, place, err));
    if (old->kind + change_count > SMALL_MAX) {
        void *taken;
        ASSAY_TRY(assay_arena_get(&job->worker->arena, old->kind + change_count, sizeof *merged,
                                  "new leaves of the state tree", &taken, err));
        merged = taken;
    }
    size_t count = leaves_merge(merged, leaves, old->kind, changes, change_count);
    return node_build(job, page, place, merged, count, old->kind != 0, out, err);
}

// Copies a node and all below it in its page.
static void node_keep(tree_page *page, uint32_t level, tree_node *out) {
    const uint8_t *from = page->old.at;
    *out = (tree_node){.stored = true};
    assay_tree_record_skip(&out->record, &page->old, level);
    size_t size = (size_t)(page->old.at - from);
    ASSAY_ASSERT(!page->old.failed && page->out_size + size <= ASSAY_TREE_PAGE_MAX);
    memcpy(page->out + page->out_size, from, size);
    page->out_size += size;
}

static assay_status node_update(tree_job *job, tree_page *page, const assay_tree_place *place,
                                const assay_tree_leaf *changes, size_t count, tree_node *out,
                                assay_error *err);

// The page below a link: rewritten, or deleted if its leaves fit a bucket now.
static assay_status link_update(tree_job *job, const assay_tree_place *place,
                                const assay_hash *old_hash, const assay_tree_leaf *changes,
                                size_t count, tree_node *out, assay_error *err) {
    if (job->links && place->depth == LEVELS) {
        *out = job->links[place->prefix.bytes[0]].result;
        return ASSAY_OK;
    }
    if (place->depth == ASSAY_SMT_DEPTH_MAX)
        return ASSAY_FAIL(err, CORRUPT, "state tree goes deeper than %u", place->depth);
    tree_page page;
    ASSAY_TRY(page_start(job, &page, place->depth, err));
    ASSAY_TRY(assay_tree_page_open(&page.old, &job->worker->source, place, old_hash, err));
    ASSAY_TRY(node_update(job, &page, place, changes, count, out, err));
    if (out->record.kind == INNER) return page_save(job, place, &page, err);
    return write_add(job->worker, place, true, (assay_bytes){NULL, 0}, err);
}

static assay_status node_update(tree_job *job, tree_page *page, const assay_tree_place *place,
                                const assay_tree_leaf *changes, size_t count, tree_node *out,
                                assay_error *err) {
    uint32_t level = place->depth - page->depth;
    if (count == 0) {
        node_keep(page, level, out);
        return ASSAY_OK;
    }
    assay_tree_record old;
    assay_tree_record_read(&old, &page->old);
    if (old.kind != INNER) return bucket_update(job, page, place, &old, changes, count, out, err);
    if (level == LEVELS) {
        ASSAY_TRY(link_update(job, place, &old.hash, changes, count, out, err));
        record_add(page, &out->record);
        return ASSAY_OK;
    }
    size_t at = page->out_size, left_count = assay_tree_leaves_split(changes, count, place->depth);
    page->out_size += ASSAY_TREE_RECORD_MAX;
    assay_tree_place left = assay_tree_child(place, 0), right = assay_tree_child(place, 1);
    tree_node children[2];
    ASSAY_TRY(node_update(job, page, &left, changes, left_count, &children[0], err));
    ASSAY_TRY(node_update(job, page, &right, changes + left_count, count - left_count, &children[1],
                          err));
    return node_join(job, page, place, at, children, out, err);
}

// Finds the changed links of the top page.
static void links_find(tree_link *links, assay_cursor *page, const assay_tree_place *place,
                       const assay_tree_leaf *changes, size_t count) {
    assay_tree_record record;
    if (count == 0) {
        assay_tree_record_skip(&record, page, place->depth);
        return;
    }
    assay_tree_record_read(&record, page);
    if (record.kind != INNER) return;
    if (place->depth == LEVELS) {
        links[place->prefix.bytes[0]] = (tree_link){
            .place = *place, .old_hash = record.hash, .changes = changes, .count = count};
        return;
    }
    size_t left_count = assay_tree_leaves_split(changes, count, place->depth);
    assay_tree_place left = assay_tree_child(place, 0), right = assay_tree_child(place, 1);
    links_find(links, page, &left, changes, left_count);
    links_find(links, page, &right, changes + left_count, count - left_count);
}

typedef struct {
    assay_tree_update *update;
    tree_link *links;
} links_run;

// One worker's run of neighbouring links: its writes come out nearly in order.
static void links_update(void *context, size_t index) {
    links_run *run = context;
    assay_tree_worker *worker = &run->update->workers[index];
    size_t first = LINK_COUNT * index / run->update->worker_count;
    size_t end = LINK_COUNT * (index + 1) / run->update->worker_count;
    tree_job job = {worker, NULL};
    for (size_t i = first; i < end && worker->status == ASSAY_OK; i++) {
        tree_link *link = &run->links[i];
        if (link->count)
            worker->status = link_update(&job, &link->place, &link->old_hash, link->changes,
                                         link->count, &link->result, &worker->error);
    }
}

static void worker_reset(assay_tree_worker *worker) {
    assay_arena_reset(&worker->arena);
    worker->buckets = worker->pages = NULL;
    worker->buckets_end = &worker->buckets;
    worker->pages_end = &worker->pages;
    worker->status = ASSAY_OK;
}

void assay_tree_update_init(assay_tree_update *update, size_t worker_count, size_t memory_max) {
    ASSAY_ASSERT(worker_count >= 1 && worker_count <= ASSAY_TREE_WORKERS_MAX);
    *update = (assay_tree_update){.worker_count = worker_count};
    for (size_t i = 0; i < worker_count; i++) {
        assay_arena_init(&update->workers[i].arena, memory_max);
        worker_reset(&update->workers[i]);
    }
}

void assay_tree_update_reset(assay_tree_update *update) {
    for (size_t i = 0; i < update->worker_count; i++)
        worker_reset(&update->workers[i]);
}

void assay_tree_update_close(assay_tree_update *update) {
    for (size_t i = 0; i < update->worker_count; i++) {
        assay_tree_worker *worker = &update->workers[i];
        assay_arena_close(&worker->arena);
        for (size_t j = 0; j < ASSAY_COUNT(worker->page_data); j++)
            free(worker->page_data[j]);
    }
    *update = (assay_tree_update){0};
}

static assay_status links_run_all(assay_tree_update *update, assay_pool *pool, tree_link *links,
                                  const tree_page *page, const assay_tree_leaf *changes,
                                  size_t count, assay_error *err) {
    assay_cursor peek = page->old;
    assay_tree_place top = {0};
    links_find(links, &peek, &top, changes, count);
    links_run run = {update, links};
    assay_pool_run(pool, update->worker_count, links_update, &run);
    for (size_t i = 0; i < update->worker_count; i++) {
        const assay_tree_worker *worker = &update->workers[i];
        if (worker->status != ASSAY_OK) return assay_error_pass(err, &worker->error);
    }
    return ASSAY_OK;
}

assay_status assay_tree_update_run(assay_tree_update *update, assay_pool *pool,
                                   const assay_hash *old_root, assay_tree_leaf *changes,
                                   size_t count, assay_hash *root, assay_error *err) {
    assay_tree_update_reset(update);
    assay_tree_leaves_sort(changes, count);
    tree_link links[LINK_COUNT] = {0};
    tree_job job = {&update->workers[0], NULL};
    assay_tree_place top = {0};
    tree_page page;
    tree_node node;
    ASSAY_TRY(page_start(&job, &page, 0, err));
    ASSAY_TRY(assay_tree_page_open(&page.old, &job.worker->source, &top, old_root, err));
    if (pool && update->worker_count > 1) {
        ASSAY_TRY(links_run_all(update, pool, links, &page, changes, count, err));
        job.links = links;
    }
    ASSAY_TRY(node_update(&job, &page, &top, changes, count, &node, err));
    ASSAY_TRY(node_settle(&job, &top, &node, err));
    *root = node.record.hash;
    return count ? page_save(&job, &top, &page, err) : ASSAY_OK;
}
