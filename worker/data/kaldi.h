// SPDX-License-Identifier: Apache-2.0
// kaldi.h - Kaldi data folders: wav.scp (utterance file) and utt2spk (utterance
// speaker).
//
// Every utterance must be in both files, once. Entries that are commands or places in
// archives are refused: audio is read from files.
//
// Owns: nothing. Threads: any.
#ifndef WORKER_DATA_KALDI_H
#define WORKER_DATA_KALDI_H

#include "worker/data/recordings.h"

// Fills items, text, index, path (wav.scp), and root with the folder itself.
// ERR_NOTFOUND, ERR_LIMIT, ERR_INPUT naming file and line. Use recordings_load.
MUST_CHECK enum err kaldi_read(struct recordings *r, const char *dir,
                               struct errinfo *why);

#endif
