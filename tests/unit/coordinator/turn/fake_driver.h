// SPDX-License-Identifier: Apache-2.0
// fake_driver.h - a driver that does what a test tells it and remembers what it heard.
#ifndef TESTS_UNIT_COORDINATOR_TURN_FAKE_DRIVER_H
#define TESTS_UNIT_COORDINATOR_TURN_FAKE_DRIVER_H

#include "coordinator/study/driver.h"

struct fake_driver {
    struct store *store;
    struct driver_hooks hooks;
    struct task_row next_task; // what driver_advance inserts
    unsigned n_to_add;         // so many times
    unsigned n_advanced;
    unsigned n_ended;
    struct task_row last_ended;
    enum err advance_error; // if not ERR_OK, what driver_advance fails with
    enum err ended_error;
    enum err wants_error;
    unsigned n_back;    // tasks that were buried and are READY again
    unsigned n_went_on; // studies, for such tasks
    bool is_settling;
};

extern struct fake_driver fake_driver;

// The same for every test: the driver is not looked into.
struct driver *fake_driver_init(struct store *s, struct driver_hooks hooks);

#endif
