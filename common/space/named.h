// SPDX-License-Identifier: Apache-2.0
// named.h - the search spaces of the paper, by name.
//
// `coarse`: 4,066,875 networks, few values per gene. `fine`: 10,021,183,582,095, widths
// and cat in steps of 8. Both are cut out of the supernet DIMS_PAPER.
// Source: arXiv 2103.13581.
//
// Owns: nothing. Threads: any.
#ifndef COMMON_SPACE_NAMED_H
#define COMMON_SPACE_NAMED_H

#include "common/space/space.h"

#define NAMED_SPACES "coarse, fine" // for sentences

// False when there is none of that name.
bool named_space(const char *name, struct space *out);

#endif
