// SPDX-License-Identifier: Apache-2.0
// tiles.c - see tiles.h. Built with TILES_FN, TILES_LANES (floats of a vector) and
// TILES_ROWS, the rows of a tile: so many that two vectors of each stay in registers.
//
// B is packed in panels two vectors wide, zeros beyond its end; A is read where it lies
// when its rows are contiguous, and packed a tile at a time when its columns are.
#include "worker/kernels/blas/tiles.h"

#include <string.h>

extern tiles_fn TILES_FN;

#define LANES TILES_LANES
#define ROWS  TILES_ROWS
#define PANEL ((ptrdiff_t)2 * LANES)
#define DEPTH 256 // of a block of k: a panel of B stays in the first cache
#define WIDTH 768 // of a block of n: B's block stays in the second

typedef float vec __attribute__((vector_size(LANES * sizeof(float)), may_alias));
typedef float vec_anywhere __attribute__((vector_size(LANES * sizeof(float)),
                                          aligned(sizeof(float)), may_alias));

static _Thread_local _Alignas(64) float packed_b[(size_t)DEPTH * WIDTH];
static _Thread_local _Alignas(64) float packed_a[(size_t)DEPTH * ROWS];

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

// C's tile of ROWS rows and `wide` vectors.
static inline __attribute__((always_inline)) void tile(int depth, struct strided a,
                                                       const float *b, bool accumulate,
                                                       struct rows c, const int wide)
{
    vec sum[ROWS][2];
    for (int i = 0; i < ROWS; i++) {
        for (int v = 0; v < wide; v++) {
            sum[i][v] = (vec){0};
        }
    }
    for (int k = 0; k < depth; k++) {
        const float *column = a.at + (ptrdiff_t)k * a.column;
        const vec *of_b = (const vec *)(b + (size_t)k * PANEL);
#pragma GCC unroll 16
        for (int i = 0; i < ROWS; i++) {
            float value = column[(ptrdiff_t)i * a.row];
            for (int v = 0; v < wide; v++) {
                sum[i][v] += value * of_b[v];
            }
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < ROWS; i++) {
        for (int v = 0; v < wide; v++) {
            vec_anywhere *to =
                (vec_anywhere *)(c.at + (ptrdiff_t)i * c.ld + (ptrdiff_t)v * LANES);
            vec total = sum[i][v];
            if (accumulate) {
                total += *to;
            }
            *to = total;
        }
    }
}

// A tile that C's edge cuts: computed beside, then copied as far as C goes.
static void tile_at_edge(int depth, struct strided a, const float *b, bool accumulate,
                         struct rows c, struct extent e)
{
    _Alignas(64) float beside[ROWS * PANEL];
    tile(depth, a, b, false, (struct rows){beside, (int)PANEL}, 2);
    for (int i = 0; i < e.n_rows; i++) {
        float *to = c.at + (ptrdiff_t)i * c.ld;
        for (int j = 0; j < e.n; j++) {
            to[j] = beside[i * PANEL + j] + (accumulate ? to[j] : 0);
        }
    }
}

// `wide` values, `step` apart, and zeros up to a whole panel.
static void pack_row(float *to, int wide, const float *from, int step)
{
    if (step == 1) {
        memcpy(to, from, (size_t)wide * sizeof(*to));
    } else {
        for (int j = 0; j < wide; j++) {
            to[j] = from[(ptrdiff_t)j * step];
        }
    }
    memset(to + wide, 0, (size_t)(PANEL - wide) * sizeof(*to));
}

static void pack_b(int depth, int n, struct strided b)
{
    float *to = packed_b;
    for (int first = 0; first < n; first += (int)PANEL) {
        int wide = smaller((int)PANEL, n - first);
        for (int k = 0; k < depth; k++, to += PANEL) {
            pack_row(to, wide,
                     b.at + (ptrdiff_t)k * b.row + (ptrdiff_t)first * b.column,
                     b.column);
        }
    }
}

static struct strided pack_a(int depth, int rows, struct strided a)
{
    for (int k = 0; k < depth; k++) {
        for (int i = 0; i < ROWS; i++) {
            packed_a[k * ROWS + i] =
                i < rows ? a.at[(ptrdiff_t)i * a.row + (ptrdiff_t)k * a.column] : 0;
        }
    }
    return (struct strided){packed_a, 1, ROWS};
}

// ROWS rows of C, or what is left of them, from the packed block of B.
static void row_of_tiles(int depth, int n, int rows, struct strided a, bool accumulate,
                         struct rows c)
{
    struct strided from = rows < ROWS || a.column != 1 ? pack_a(depth, rows, a) : a;
    for (int j = 0; j < n; j += (int)PANEL) {
        const float *b = packed_b + (size_t)(j / PANEL) * (size_t)depth * PANEL;
        struct rows to = {c.at + j, c.ld};
        if (rows == ROWS && n - j >= PANEL) {
            tile(depth, from, b, accumulate, to, 2);
        } else if (rows == ROWS && n - j == LANES) {
            tile(depth, from, b, accumulate, to, 1);
        } else {
            tile_at_edge(depth, from, b, accumulate, to,
                         (struct extent){rows, smaller((int)PANEL, n - j)});
        }
    }
}

static struct strided from(struct strided x, int row, int column)
{
    x.at += (ptrdiff_t)row * x.row + (ptrdiff_t)column * x.column;
    return x;
}

void TILES_FN(const struct product *p)
{
    for (int j = 0; j < p->n; j += WIDTH) {
        int n = smaller(WIDTH, p->n - j);
        for (int k = 0; k < p->k; k += DEPTH) {
            int depth = smaller(DEPTH, p->k - k);
            pack_b(depth, n, from(p->b, k, j));
            for (int i = 0; i < p->m; i += ROWS) {
                struct rows c = {p->c.at + (ptrdiff_t)i * p->c.ld + j, p->c.ld};
                row_of_tiles(depth, n, smaller(ROWS, p->m - i), from(p->a, i, k),
                             p->accumulate || k > 0, c);
            }
        }
    }
}
