// SPDX-License-Identifier: Apache-2.0
// clock.h - the clocks: monotonic for deadlines, wall for people and provenance, the
// thread's own for what a piece of work costs.
//
// Pure modules take `now_ms` as an argument instead of asking here.
// Threads: any.
#ifndef COMMON_BASE_CLOCK_H
#define COMMON_BASE_CLOCK_H

#include <stdint.h>

int64_t clock_mono_ms(void); // never goes back; zero is arbitrary
int64_t clock_mono_ns(void);
int64_t clock_wall_ms(void);   // since 1970-01-01 UTC; may step
int64_t clock_thread_ns(void); // processor time of the calling thread

#endif
