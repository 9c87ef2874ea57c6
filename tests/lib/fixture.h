// SPDX-License-Identifier: Apache-2.0
// fixture.h - files with numbers of the method's authors, in the folder that
// VOXARCH_FIXTURES names; tests that need one say so aloud and pass where it is absent.
#ifndef TESTS_LIB_FIXTURE_H
#define TESTS_LIB_FIXTURE_H

#include "common/base/file.h"
#include "common/space/arch.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// False, and a word on stdout, when the file is not there.
static inline bool fixture_path(const char *name, char out[static FILE_PATH_MAX])
{
    const char *dir = getenv("VOXARCH_FIXTURES"); // NOLINT(concurrency-mt-unsafe)
    snprintf(out, FILE_PATH_MAX, "%s/%s", dir ? dir : "", name);
    if (dir && *dir && file_exists(out)) {
        return true;
    }
    printf("SKIPPED: %s (set VOXARCH_FIXTURES to its folder)\n", name);
    return false;
}

// One line of golden_50.csv: depth, five widths, five kernels, cat, params, macs_T300,
// macs_T301, lat_ms, pred_eer.
struct fixture_golden {
    struct arch arch;
    double params, macs_300, macs_301, latency_ms, eer;
};

#define FIXTURE_GOLDEN_FIELDS 17

static inline bool fixture_golden(const char *line, struct fixture_golden *out)
{
    double v[FIXTURE_GOLDEN_FIELDS];
    char *end = NULL;
    for (int i = 0; i < FIXTURE_GOLDEN_FIELDS; i++) {
        v[i] = strtod(line, &end);
        if (end == line) {
            return false;
        }
        line = end + (*end == ',');
    }
    memset(out, 0, sizeof(*out));
    out->arch.depth = (int)v[0];
    out->arch.cat = (int)v[11];
    for (int i = 0; i <= out->arch.depth && i < 5; i++) {
        out->arch.width[i] = (int)v[1 + i];
        out->arch.kernel[i] = (int)v[6 + i];
    }
    out->params = v[12];
    out->macs_300 = v[13];
    out->macs_301 = v[14];
    out->latency_ms = v[15];
    out->eer = v[16];
    return true;
}

#endif
