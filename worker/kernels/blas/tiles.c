// SPDX-License-Identifier: Apache-2.0
// tiles.c - see tiles.h. Built with TILES_FN, TILES_LANES (floats of a vector) and
// TILES_ROWS, the rows of a tile: so many that two vectors of each stay in registers.
//
// The sum runs over taps and k in blocks; all taps of narrow matrices make one block,
// so that C is touched once. B is packed in panels two vectors wide, zeros beyond its
// end, or read where it lies when too few rows go over it. A is read where it
// lies, but for its last rows. What is read or written next is fetched ahead: rows a
// stride apart are not foreseen by processors.
#include "worker/kernels/blas/tiles.h"

#include <string.h>

extern tiles_fn TILES_FN;

#define LANES TILES_LANES
#define ROWS  TILES_ROWS
#define DEPTH 256 // of a block of the sum: a panel of B stays in the first cache
#define WIDTH 768 // of a block of n: B's block stays in the second
#define SMALL 4   // rows of the smallest transposition
#define FEW   64  // rows of C for which packing B does not pay
#define LINE  16  // floats of a line of the cache

enum { PANEL = 2 * LANES }; // floats of one row of a panel of B

typedef float vec __attribute__((vector_size(LANES * sizeof(float)), may_alias));
typedef float quad __attribute__((vector_size(SMALL * sizeof(float))));

static _Thread_local _Alignas(64) float packed_b[(size_t)DEPTH * WIDTH];
static _Thread_local _Alignas(64) float packed_a[(size_t)DEPTH * ROWS];

// Part of the sum: `n_taps` taps of `depth` each, and how A and B go on.
struct block {
    int n_taps, depth;
    ptrdiff_t a_tap, b_tap;
    ptrdiff_t b_panel; // from one panel of B to the next
    bool accumulate;
};

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

// The first n floats of a vector, n a constant; zeros behind them.
static inline __attribute__((always_inline)) vec load(const float *from, const int n)
{
    vec v = {0};
    memcpy(&v, from, (size_t)n * sizeof(*from));
    return v;
}

// The sums of `rows` rows and `wide` columns, both constants, to C.
static inline __attribute__((always_inline)) void store(const struct block *s,
                                                        const vec sum[ROWS][2],
                                                        struct rows c, const int rows,
                                                        const int wide)
{
    const int n_vecs = wide > LANES ? 2 : 1;
    const int n = wide > LANES ? LANES : wide;
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
        for (int v = 0; v < n_vecs; v++) {
            float *to = c.at + (ptrdiff_t)i * c.ld + (ptrdiff_t)v * LANES;
            vec total = sum[i][v];
            if (s->accumulate) {
                total += load(to, n);
            }
            memcpy(to, &total, (size_t)n * sizeof(*to));
        }
    }
}

// Adds a column of A, its values `step` apart, times a row of B.
static inline __attribute__((always_inline)) void
add_row(vec sum[ROWS][2], const float *column, int step, const float *of_b,
        const int rows, const int wide)
{
    const int n_vecs = wide > LANES ? 2 : 1;
    vec row[2];
    for (int v = 0; v < n_vecs; v++) {
        row[v] = load(of_b + (ptrdiff_t)v * LANES, wide > LANES ? LANES : wide);
    }
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
        float value = column[(ptrdiff_t)i * step];
        for (int v = 0; v < n_vecs; v++) {
            sum[i][v] += value * row[v];
        }
    }
}

// C's tile of `rows` rows and `wide` columns, both constants: at most ROWS and PANEL.
static inline __attribute__((always_inline)) void tile(const struct block *s,
                                                       struct strided a,
                                                       struct strided b, struct rows c,
                                                       const int rows, const int wide)
{
    const int n_vecs = wide > LANES ? 2 : 1;
    vec sum[ROWS][2];
    for (int i = 0; i < rows; i++) {
        for (int v = 0; v < n_vecs; v++) {
            sum[i][v] = (vec){0};
        }
    }
    for (int t = 0; t < s->n_taps; t++) {
        const float *column = a.at + (ptrdiff_t)t * s->a_tap;
        const float *of_b = b.at + (ptrdiff_t)t * s->b_tap;
        for (int k = 0; k < s->depth; k++) {
            add_row(sum, column, a.row, of_b, rows, wide);
            column += a.column;
            of_b += b.row;
        }
    }
    store(s, sum, c, rows, wide);
}

typedef void tile_fn(const struct block *s, struct strided a, struct strided b,
                     struct rows c);

// A tile of some rows: as wide as a panel, a vector, half of one.
#define TILE(name, n_rows, n_columns)                                           \
    static void name(const struct block *s, struct strided a, struct strided b, \
                     struct rows c)                                             \
    {                                                                           \
        tile(s, a, b, c, n_rows, n_columns);                                    \
    }

TILE(tall_panel, ROWS, PANEL)
TILE(tall_vector, ROWS, LANES)
TILE(tall_half, ROWS, LANES / 2)
TILE(medium_panel, ROWS / 3 * 2, PANEL)
TILE(medium_vector, ROWS / 3 * 2, LANES)
TILE(medium_half, ROWS / 3 * 2, LANES / 2)
TILE(low_panel, ROWS / 3, PANEL)
TILE(low_vector, ROWS / 3, LANES)
TILE(low_half, ROWS / 3, LANES / 2)

// The highest first.
static const struct tiles {
    int n_rows;
    tile_fn *panel, *vector, *half;
} heights[] = {
    {ROWS, tall_panel, tall_vector, tall_half},
    {ROWS / 3 * 2, medium_panel, medium_vector, medium_half},
    {ROWS / 3, low_panel, low_vector, low_half},
};

// The tile of n columns; NULL where none is as wide.
static tile_fn *tile_of(const struct tiles *t, int n)
{
    return n >= PANEL       ? t->panel
           : n == LANES     ? t->vector
           : n == LANES / 2 ? t->half
                            : NULL;
}

// A tile that C's edge cuts: computed beside, then copied as far as C goes. It reads no
// more of A and B than there is: tiles of t's height, of n columns or of a packed
// panel.
static void tile_at_edge(const struct block *s, const struct tiles *t, struct strided a,
                         struct strided b, struct rows c, struct extent e)
{
    _Alignas(64) float beside[ROWS * PANEL];
    struct block alone = *s;
    alone.accumulate = false;
    tile_fn *fn = tile_of(t, e.n);
    if (!fn) {
        fn = e.n > LANES ? t->panel : t->vector;
    }
    fn(&alone, a, b, (struct rows){beside, PANEL});
    for (int i = 0; i < e.n_rows; i++) {
        float *to = c.at + (ptrdiff_t)i * c.ld;
        for (int j = 0; j < e.n; j++) {
            to[j] = beside[i * PANEL + j] + (s->accumulate ? to[j] : 0);
        }
    }
}

static quad load_quad(const float *from)
{
    quad q;
    memcpy(&q, from, sizeof(q));
    return q;
}

static void store_quad(float *to, quad q)
{
    memcpy(to, &q, sizeof(q));
}

// Four rows of four, `ld` apart, to the columns of a panel.
static void transpose_small(float *to, const float *from, ptrdiff_t ld)
{
    quad a = load_quad(from);
    quad b = load_quad(from + ld);
    quad c = load_quad(from + 2 * ld);
    quad d = load_quad(from + 3 * ld);
    quad ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
    quad ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    quad cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
    quad cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    store_quad(to, __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5));
    store_quad(to + PANEL, __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7));
    store_quad(to + 2 * (ptrdiff_t)PANEL,
               __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5));
    store_quad(to + 3 * (ptrdiff_t)PANEL,
               __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7));
}

// A panel of `wide` columns of B, transposed: each of them contiguous.
static void pack_columns(float *to, int depth, int wide, struct strided b)
{
    int n_small = b.row == 1 ? wide / SMALL * SMALL : 0;
    int small_depth = depth / SMALL * SMALL;
    if (wide < PANEL) {
        memset(to, 0, (size_t)depth * PANEL * sizeof(*to));
    }
    for (int j = 0; j < n_small; j += SMALL) {
        for (int k = 0; k < small_depth; k += SMALL) {
            transpose_small(to + (ptrdiff_t)k * PANEL + j,
                            b.at + (ptrdiff_t)j * b.column + k, b.column);
        }
    }
    for (int j = 0; j < wide; j++) {
        for (int k = j < n_small ? small_depth : 0; k < depth; k++) {
            to[(ptrdiff_t)k * PANEL + j] =
                b.at[(ptrdiff_t)k * b.row + (ptrdiff_t)j * b.column];
        }
    }
}

// A panel of `wide` columns of B: each row contiguous.
static void pack_rows(float *to, int depth, int wide, struct strided b)
{
    if (wide < PANEL) {
        memset(to, 0, (size_t)depth * PANEL * sizeof(*to));
    }
    for (int k = 0; k < depth; k++, to += PANEL) {
        const float *from = b.at + (ptrdiff_t)k * b.row;
        if (wide == PANEL) {
            memcpy(to, from, PANEL * sizeof(*to));
        } else {
            memcpy(to, from, (size_t)wide * sizeof(*to));
        }
    }
}

static void pack_b(const struct block *s, int n, struct strided b)
{
    float *to = packed_b;
    for (int first = 0; first < n; first += PANEL) {
        for (int t = 0; t < s->n_taps; t++, to += (ptrdiff_t)s->depth * PANEL) {
            struct strided from = b;
            from.at += (ptrdiff_t)first * b.column + (ptrdiff_t)t * s->b_tap;
            int wide = smaller(PANEL, n - first);
            if (b.column == 1) {
                pack_rows(to, s->depth, wide, from);
            } else {
                pack_columns(to, s->depth, wide, from);
            }
        }
    }
}

// The last rows of A, and zeros to make them a tile's.
static struct strided pack_a(const struct block *s, int rows, struct strided a)
{
    float *to = packed_a;
    for (int t = 0; t < s->n_taps; t++) {
        for (int k = 0; k < s->depth; k++, to += ROWS) {
            const float *column =
                a.at + (ptrdiff_t)t * s->a_tap + (ptrdiff_t)k * a.column;
            for (int i = 0; i < rows; i++) {
                to[i] = column[(ptrdiff_t)i * a.row];
            }
            for (int i = rows; i < ROWS; i++) {
                to[i] = 0;
            }
        }
    }
    return (struct strided){packed_a, 1, ROWS};
}

static void fetch(const float *from, int n)
{
    for (int i = 0; i < n; i += LINE) {
        __builtin_prefetch(from + i, 0, 2);
    }
}

// The rows of A behind these, where they are contiguous.
static void fetch_rows(const struct block *s, int n_rows, struct strided a)
{
    for (int i = 0; a.column == 1 && i < n_rows; i++) {
        fetch(a.at + (ptrdiff_t)(n_rows + i) * a.row, s->depth);
    }
}

// A's columns, where they are contiguous.
static void fetch_columns(const struct block *s, int n_rows, struct strided a)
{
    for (int k = 0; a.column != 1 && k < s->depth; k++) {
        fetch(a.at + (ptrdiff_t)k * a.column, n_rows);
    }
}

static void fetch_to_write(struct rows c, struct extent e)
{
    for (int i = 0; i < e.n_rows; i++) {
        for (int j = 0; j < e.n; j += LINE) {
            __builtin_prefetch(c.at + (ptrdiff_t)i * c.ld + j, 1, 3);
        }
    }
}

// Rows of C, as many as t is high or what is left of them, times the panels of B.
static void row_of_tiles(const struct block *s, const struct tiles *t, struct extent e,
                         struct strided a, struct strided b, struct rows c)
{
    struct block block = *s;
    fetch_rows(s, e.n_rows, a);
    bool is_whole = e.n_rows == t->n_rows;
    if (!is_whole) {
        a = pack_a(s, e.n_rows, a);
        block.a_tap = (ptrdiff_t)s->depth * ROWS;
    }
    for (int j = 0; j < e.n; j += PANEL) {
        struct strided panel = b;
        panel.at += j / PANEL * s->b_panel;
        struct rows to = {c.at + j, c.ld};
        fetch_to_write(to, (struct extent){e.n_rows, smaller(PANEL, e.n - j)});
        tile_fn *fn = is_whole ? tile_of(t, e.n - j) : NULL;
        if (fn) {
            fn(&block, a, panel, to);
        } else {
            tile_at_edge(&block, t, a, panel, to,
                         (struct extent){e.n_rows, smaller(PANEL, e.n - j)});
        }
    }
}

static const struct tiles *height_for(int n_rows)
{
    const struct tiles *t = heights;
    while (t->n_rows > n_rows && t->n_rows > ROWS / 3) {
        t++;
    }
    return t;
}

// Where it lies, B is as wide as whole panels and one tile.
static bool is_packed(const struct product *p, int n, struct strided b)
{
    bool has_tiles = n % PANEL == 0 || tile_of(heights, n % PANEL);
    return b.column != 1 || !has_tiles || (n > PANEL && p->m > FEW);
}

// One block of the sum, over all rows.
static void add_block(const struct product *p, const struct block *s, int n,
                      struct strided a, struct strided b, struct rows c)
{
    struct block block = *s;
    fetch_columns(s, p->m, a);
    if (is_packed(p, n, b)) {
        pack_b(s, n, b);
        b = (struct strided){packed_b, PANEL, 1};
        block.b_tap = (ptrdiff_t)s->depth * PANEL;
        block.b_panel = s->n_taps * block.b_tap;
    }
    for (int i = 0; i < p->m;) {
        const struct tiles *t = height_for(p->m - i);
        struct extent e = {smaller(t->n_rows, p->m - i), n};
        struct strided rows = {a.at + (ptrdiff_t)i * a.row, a.row, a.column};
        row_of_tiles(&block, t, e, rows, b,
                     (struct rows){c.at + (ptrdiff_t)i * c.ld, c.ld});
        i += e.n_rows;
    }
}

// The columns of C from j on.
static void add_columns(const struct product *p, int j, int n)
{
    int taps_at_once = p->k < DEPTH ? DEPTH / p->k : 1;
    struct rows c = {p->c.at + j, p->c.ld};
    for (int t = 0; t < p->n_taps; t += taps_at_once) {
        for (int k = 0; k < p->k; k += DEPTH) {
            struct block s = {smaller(taps_at_once, p->n_taps - t),
                              smaller(DEPTH, p->k - k),
                              p->a_tap,
                              p->b_tap,
                              PANEL,
                              p->accumulate || t > 0 || k > 0};
            struct strided a = p->a;
            struct strided b = p->b;
            a.at += t * p->a_tap + (ptrdiff_t)k * a.column;
            b.at += t * p->b_tap + (ptrdiff_t)k * b.row + (ptrdiff_t)j * b.column;
            add_block(p, &s, n, a, b, c);
        }
    }
}

void TILES_FN(const struct product *p)
{
    for (int j = 0; j < p->n; j += WIDTH) {
        add_columns(p, j, smaller(WIDTH, p->n - j));
    }
}
