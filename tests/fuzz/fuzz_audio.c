// SPDX-License-Identifier: Apache-2.0
// fuzz_audio.c - recordings: libsndfile and libsoxr behind our own checks.
#include "tests/fuzz/fuzz.h"
#include "worker/data/audio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct audio a = {.samples = NULL};
    struct errinfo why = {0};
    if (audio_load(fuzz_file(data, n), &a, &why) == ERR_OK) {
        BUG_ON(a.n_samples == 0);
        audio_fini(&a);
    } else {
        BUG_ON(a.samples != NULL || why.text[0] == '\0');
    }
    return 0;
}
