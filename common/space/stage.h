// SPDX-License-Identifier: Apache-2.0
// stage.h - the progressive stages: which part of a space each of them trains.
//
// largest -> kernel -> depth -> width1 -> width2: each stage's space contains the
// earlier ones' dimensions, each starts from the previous one's weights.
//
// Owns: nothing. Threads: any.
#ifndef COMMON_SPACE_STAGE_H
#define COMMON_SPACE_STAGE_H

#include "common/space/space.h"

enum stage_kind {
    STAGE_LARGEST,
    STAGE_KERNEL,
    STAGE_DEPTH,
    STAGE_WIDTH1,
    STAGE_WIDTH2
};
#define STAGE_KINDS 5

const char *stage_name(enum stage_kind k);
MUST_CHECK enum err stage_parse(const char *text, enum stage_kind *k);

// The space a stage draws its paths from, given the study's full space:
// largest: its largest architecture alone; kernel: all kernels; depth: kernels and
// depths; width1: also widths and cats at ratios .5, .75 and 1 of the largest (nearest
// multiple of 8, not below .9 of the ratio, and not below what the full space holds at
// its smallest); width2: the full space.
// For the paper's coarse space the counts are 1, 243, 351, 199,017 and 4,066,875.
void stage_space(const struct space *full, enum stage_kind k, struct space *out);

// The channel count for a ratio of a width: the multiple of 8 nearest to r * width, at
// least 8, one step up when that is below 0.9 r * width.
int stage_round_width(double ratio, int width);

#endif
