// SPDX-License-Identifier: Apache-2.0
// fuzz.h - what the fuzz targets share: the entry point, and bytes as a file.
//
// A target takes bytes that anybody could have made and must neither crash nor leak nor
// hang; where there is a way back to bytes, what was accepted survives the round trip.
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "common/base/file.h"

#include <stdint.h>

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer calls it so
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

// The path of a file of this process with these bytes; gone when the process ends.
const char *fuzz_file(const uint8_t *data, size_t n);

#endif
