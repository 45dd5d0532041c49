// SPDX-License-Identifier: Apache-2.0
// usage: abci_tool requests <FRAMES | abci_tool replies SEED COUNT
// Shows what our codec makes of requests, or makes replies, for a comparison with CometBFT's types.
// A line "." ends each; before a reply's lines stands its frame in hexadecimal.
#include <stdlib.h>

#include "consensus/abci/frame.h"
#include "tests/consensus/abci/replies.h"

enum { FRAME_MAX = 32 << 20, ARENA_MAX = 64 << 20 };

static int failed(const assay_error *err) {
    fprintf(stderr, "abci_tool: %s\n", err->text);
    return 1;
}

static int requests_show(void) {
    assay_abci_frames frames;
    assay_arena arena;
    assay_error err = {0};
    assay_abci_request request;
    assay_bytes frame;
    char piece[4096];
    size_t count;
    assay_abci_frames_init(&frames, FRAME_MAX);
    assay_arena_init(&arena, ASSAY_ABCI_READ_MAX);
    while ((count = fread(piece, 1, sizeof piece, stdin)) > 0) {
        if (assay_abci_frames_add(&frames, piece, count, &err) != ASSAY_OK) return failed(&err);
        for (;;) {
            if (assay_abci_frames_next(&frames, &frame, &err) != ASSAY_OK) return failed(&err);
            if (!frame.data) break;
            assay_arena_reset(&arena);
            if (assay_abci_request_read(&request, frame, &arena, &err) != ASSAY_OK)
                return failed(&err);
            dump_request(stdout, &request);
            printf(".\n");
        }
    }
    bool half = assay_abci_frames_left(&frames) > 0;
    assay_abci_frames_close(&frames);
    assay_arena_close(&arena);
    return half;
}

static int replies_make(uint64_t seed, uint64_t count) {
    assay_arena arena;
    assay_error err = {0};
    assay_abci_buffer out = {0};
    assay_arena_init(&arena, ARENA_MAX);
    reply_source source = {seed, &arena};
    for (uint64_t i = 0; i < count; i++) {
        assay_abci_reply reply;
        assay_arena_reset(&arena);
        random_reply(&source, &reply);
        if (assay_abci_reply_write(&out, &reply, &arena, &err) != ASSAY_OK) return failed(&err);
        dump_bytes(stdout, "frame", (assay_bytes){out.data, out.size});
        dump_reply(stdout, &reply);
        printf(".\n");
        assay_abci_buffer_reset(&out);
    }
    assay_arena_close(&arena);
    assay_abci_buffer_close(&out);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "requests") == 0) return requests_show();
    if (argc == 4 && strcmp(argv[1], "replies") == 0)
        return replies_make(strtoull(argv[2], NULL, 10), strtoull(argv[3], NULL, 10));
    fprintf(stderr, "usage: abci_tool requests | abci_tool replies SEED COUNT\n");
    return 2;
}
