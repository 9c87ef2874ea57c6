// SPDX-License-Identifier: Apache-2.0
// fake_driver.c - see fake_driver.h.
#include "tests/unit/coordinator/turn/fake_driver.h"

#include <stdio.h>

struct fake_driver fake_driver;

struct driver *fake_driver_init(struct store *s, struct driver_hooks hooks)
{
    fake_driver = (struct fake_driver){.store = s, .hooks = hooks};
    return (struct driver *)&fake_driver;
}

enum err driver_add_study(struct driver *d, const struct study_conf *conf,
                          uint64_t *study_id, struct errinfo *why)
{
    (void)d;
    struct study_row row = {.state = STUDY_TRAINING};
    snprintf(row.name, sizeof(row.name), "%s", conf->name);
    enum err e = study_row_insert(fake_driver.store, &row, why);
    *study_id = row.id;
    return e;
}

enum err driver_task_ended(struct driver *d, const struct task_row *row,
                           struct errinfo *why)
{
    (void)d;
    fake_driver.n_ended++;
    fake_driver.last_ended = *row;
    return fake_driver.ended_error
               ? err_set(why, fake_driver.ended_error, "the test says so")
               : ERR_OK;
}

enum err driver_wants_task(struct driver *d, const struct task_row *row,
                           struct errinfo *why)
{
    (void)d;
    return fake_driver.wants_error
               ? err_set(why, fake_driver.wants_error, "task %llu: the test says so",
                         (unsigned long long)row->id)
               : ERR_OK;
}

enum err driver_task_back(struct driver *d, const struct task_row *row,
                          struct errinfo *why)
{
    (void)d;
    (void)row;
    (void)why;
    fake_driver.n_back++;
    return ERR_OK;
}

static bool note_open(void *arg, const struct task_row *row)
{
    *(uint64_t *)arg = task_may_move(row->state, TASK_CANCELLED) ? row->id : 0;
    return *(uint64_t *)arg == 0;
}

enum err driver_cancel_study(struct driver *d, uint64_t study_id, struct errinfo *why)
{
    (void)d;
    uint64_t id = 0;
    struct study_row study;
    enum err e = study_row_get(fake_driver.store, study_id, &study);
    do {
        e = e == ERR_OK ? task_each(fake_driver.store, study_id, 0, note_open, &id, why)
                        : e;
        e = e == ERR_OK && id != 0 ? task_cancel(fake_driver.store, id, why) : e;
    } while (e == ERR_OK && id != 0);
    study.state = STUDY_CANCELLED;
    return e == ERR_OK ? study_row_update(fake_driver.store, &study, why) : e;
}

enum err driver_go_on(struct driver *d, uint64_t study_id, struct errinfo *why)
{
    (void)d;
    (void)study_id;
    (void)why;
    fake_driver.n_went_on++;
    return ERR_OK;
}

enum err driver_advance(struct driver *d, uint64_t study_id, struct errinfo *why)
{
    (void)d;
    (void)study_id;
    fake_driver.n_advanced++;
    if (fake_driver.advance_error) {
        return err_set(why, fake_driver.advance_error, "the test says so");
    }
    for (unsigned i = 0; i < fake_driver.n_to_add; i++) {
        struct task_row row = fake_driver.next_task;
        enum err e = task_insert(fake_driver.store, &row, why);
        if (e != ERR_OK) {
            return e;
        }
        fake_driver.hooks.task_added(fake_driver.hooks.arg, &row);
    }
    fake_driver.n_to_add = 0;
    return ERR_OK;
}

bool driver_is_mending(const struct driver *d)
{
    (void)d;
    return false;
}

void driver_settle_only(struct driver *d, bool is_settling)
{
    (void)d;
    fake_driver.is_settling = is_settling;
}

enum err driver_status(struct driver *d, uint64_t study_id, struct status_study *out)
{
    (void)d;
    *out = (struct status_study){.id = study_id, .name = "fake", .state = "training"};
    return ERR_OK;
}
