// SPDX-License-Identifier: Apache-2.0
// sim_wrap.h - how a function of a simulation gets in front of one of the program's:
// the linker (--wrap=NAME) calls `... SIM_WRAP(NAME)` instead, and the real one remains
// `... SIM_REAL(NAME)`. The code under test has no seams for it.
//
// Owns: nothing. Threads: any.
#ifndef TESTS_SIM_SIM_WRAP_H
#define TESTS_SIM_SIM_WRAP_H

#define SIM_WRAP(name) __asm__("__wrap_" #name)
#define SIM_REAL(name) __asm__("__real_" #name)

#endif
