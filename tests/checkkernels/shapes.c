// SPDX-License-Identifier: Apache-2.0
// Which cases there are.
#include <string.h>

#include "tests/checkkernels/cases.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

// One dimension: every tail of a 16-wide vector, block borders, and a width of a large model.
static const uint32_t lengths[][3] = {
    {1},  {2},  {3},  {5},   {7},   {8},   {9},   {15},  {16},  {17},  {23},  {31},  {32},  {33},
    {63}, {64}, {65}, {127}, {129}, {191}, {255}, {256}, {257}, {511}, {513}, {704}, {4099}};
static const uint32_t q4_lengths[][3] = {{64}, {128}, {192}, {320}, {704}, {2048}, {28672}};
// Few rows and many, each with one block of a row and several, up to the longest row there is.
static const uint32_t q4_products[][3] = {
    {1, 1, 64},    {1, 2, 128},    {2, 3, 192},   {3, 7, 448},     {4, 5, 512},     {5, 4, 576},
    {7, 33, 320},  {16, 9, 704},   {33, 3, 256},  {64, 3, 192},    {65, 5, 64},     {130, 4, 128},
    {1, 257, 64},  {1, 4, 8192},   {2, 3, 28672}, {10, 12, 2112},  {7, 3, 65536},   {2060, 3, 64},
    {290, 18, 64}, {20, 35, 8320}, {9, 70, 1088}, {37, 300, 2112}, {273, 165, 1088}};
static const uint32_t q8_products[][3] = {
    {1, 1, 1},      {2, 3, 5},     {3, 4, 8},       {5, 7, 16},       {4, 3, 17},     {9, 5, 63},
    {8, 7, 64},     {17, 3, 65},   {7, 8, 130},     {1, 300, 64},     {64, 3, 256},   {65, 5, 511},
    {130, 4, 513},  {16, 9, 704},  {2, 3, 28672},   {10, 12, 2065},   {7, 3, 65535},  {2060, 3, 7},
    {18, 35, 4100}, {9, 70, 1090}, {37, 300, 2112}, {273, 165, 1088}, {13, 1030, 16}, {65, 40, 64}};
static const uint32_t rotations[][3] = {{1, 1}, {2, 3}, {3, 4}, {12, 16}, {5, 20}, {8, 64}};
static const uint32_t attentions[][3] = {{2, 1, 1},   {8, 3, 2},    {32, 1, 3},    {32, 2, 4},
                                         {32, 15, 5}, {32, 17, 1},  {32, 512, 2},  {32, 513, 4},
                                         {40, 64, 3}, {64, 65, 8},  {80, 1000, 2}, {128, 33, 4},
                                         {256, 3, 1}, {256, 130, 9}};

typedef struct {
    const char *op;
    const uint32_t (*shapes)[3];
    size_t shape_count;
    unsigned fills; // bit set of what the operation's contract takes
} family;

enum {
    ALL = (1 << FILL_COUNT) - 1,
    FINITE = ALL & ~(1 << FILL_INFINITE | 1 << FILL_NAN),
    INTEGERS = 1 << FILL_ZEROS | 1 << FILL_MAXIMA | 1 << FILL_ALTERNATING | 1 << FILL_OUTLIER |
               1 << FILL_RANDOM,
};

static const family families[] = {
    {"quantise_q4", q4_lengths, COUNT(q4_lengths), ALL},
    {"quantise_q8", lengths, COUNT(lengths), ALL},
    {"quantise_x16", lengths, COUNT(lengths), ALL},
    {"gemm_q4", q4_products, COUNT(q4_products), INTEGERS},
    {"gemm_q8", q8_products, COUNT(q8_products), INTEGERS},
    {"rmsnorm", lengths, COUNT(lengths), ALL},
    {"rope", rotations, COUNT(rotations), FINITE},
    {"exp", lengths, COUNT(lengths), ALL},
    {"silu_mul", lengths, COUNT(lengths), FINITE},
    {"attention", attentions, COUNT(attentions), INTEGERS},
    {"add", lengths, COUNT(lengths), FINITE},
    {"add_scaled", lengths, COUNT(lengths), FINITE},
    {"unfold_q8", lengths, COUNT(lengths), INTEGERS},
    {"unfold_q4", q4_lengths, COUNT(q4_lengths), INTEGERS},
};

void cases_enumerate(bool (*each)(void *context, const check_case *c), void *context) {
    const uint32_t gaps[] = {0, 1, 3};
    for (size_t f = 0; f < COUNT(families); f++)
        for (size_t s = 0; s < families[f].shape_count; s++)
            for (int fill_number = 0; fill_number < FILL_COUNT; fill_number++)
                for (size_t g = 0; g < COUNT(gaps); g++) {
                    if (!(families[f].fills >> fill_number & 1)) continue;
                    check_case c = {families[f].op, {0}, (fill)fill_number, gaps[g]};
                    memcpy(c.shape, families[f].shapes[s], sizeof c.shape);
                    if (!each(context, &c)) return;
                }
}
