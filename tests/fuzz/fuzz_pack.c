// SPDX-License-Identifier: Apache-2.0
// fuzz_pack.c - packed data sets: what the index promises is there.
#include "tests/fuzz/fuzz.h"
#include "worker/data/pack.h"

#include <string.h>

static volatile uint64_t sink; // so that samples are really read

static uint64_t read_utt(const struct pack *p, enum pack_part part, size_t i)
{
    struct pack_utt u = pack_utt_at(p, part, i);
    BUG_ON(strlen(u.id) == 0 || u.n_samples == 0);
    BUG_ON(part == PACK_TRAIN && (u.speaker < 0 || u.speaker >= pack_n_speakers(p)));
    return (uint64_t)(uint16_t)u.samples[0] + (uint16_t)u.samples[u.n_samples - 1];
}

static void read_all(const struct pack *p)
{
    static const enum pack_part parts[] = {PACK_TRAIN, PACK_EVAL, PACK_NOISE};
    char hash[HASH_HEX_MAX];
    for (size_t k = 0; k < 3; k++) {
        for (size_t i = 0; i < pack_count(p, parts[k]); i++) {
            sink += read_utt(p, parts[k], i);
        }
    }
    for (int i = 0; i < pack_n_speakers(p); i++) {
        BUG_ON(!pack_speaker_name(p, i));
    }
    for (size_t i = 0; i < pack_n_trials(p); i++) {
        const struct pack_trial *t = &pack_trials(p)[i];
        BUG_ON(t->enroll >= pack_count(p, PACK_EVAL) ||
               t->test >= pack_count(p, PACK_EVAL));
    }
    enum err e = pack_verify(p, hash, NULL);
    BUG_ON(e != ERR_OK && e != ERR_CORRUPT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    struct pack *p = NULL;
    struct errinfo why = {0};
    if (pack_open(fuzz_file(data, n), &p, &why) == ERR_OK) {
        read_all(p);
        pack_close(p);
    }
    return 0;
}
