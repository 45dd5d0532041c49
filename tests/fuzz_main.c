// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target over its committed corpus where libFuzzer is not linked.
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int file_run(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) return 1;
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    rewind(file);
    // Exactly sized, so that a read past the end is a report and not luck.
    uint8_t *data = malloc(size > 0 ? (size_t)size : 1);
    int bad = !data || fread(data, 1, (size_t)size, file) != (size_t)size;
    if (!bad) LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
    fclose(file);
    return bad;
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s CORPUS_FOLDER\n", argv[0]);
        return 2;
    }
    DIR *folder = opendir(argv[1]);
    if (!folder) {
        perror(argv[1]);
        return 1;
    }
    int count = 0, bad = 0;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (entry->d_name[0] == '.') continue;
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        bad += file_run(path);
        count++;
    }
    closedir(folder);
    printf("%d inputs, %d unreadable\n", count, bad);
    return bad || count == 0;
}
