// SPDX-License-Identifier: Apache-2.0
// mend.h - what a study needs and is not there any more is made again, where it can be.
//
// Artifacts get lost when they were found damaged and taken out of the way (scrub.h),
// or when somebody deleted them. The settings are printed anew. The pack is read again
// from the recordings; the same recordings give the same pack. Weights: back to the
// round that made them, whose shards are merged again, or, where those are gone too,
// trained again from what it began with. Everything else needs a backup, and the study
// fails with a sentence that names the file.
//
// Owns: nothing. Threads: loop thread, inside a transaction.
#ifndef COORDINATOR_STUDY_MEND_H
#define COORDINATOR_STUDY_MEND_H

#include "coordinator/study/tracked.h"

// Looks once after study->is_suspect was set. `error` is not empty when the study is
// lost for good. ERR_IO, ERR_FULL, ERR_NOMEM.
MUST_CHECK enum err mend_study(struct driver *d, struct tracked *t,
                               char error[static LIMIT_TEXT], struct errinfo *why);

// Is something of it missing that is being made again?
bool mend_is_due(const struct driver *d, const struct tracked *t);

#endif
