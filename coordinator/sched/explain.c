// SPDX-License-Identifier: Apache-2.0
// explain.c - see explain.h. A table of reasons, by state.
#include "coordinator/sched/explain.h"

#include "proto/wire.h"

#include <inttypes.h>

#define STATE(s) (1u << (s))
#define ANY_STATE                                                         \
    (STATE(EXPLAIN_READY) | STATE(EXPLAIN_LEASED) | STATE(EXPLAIN_DONE) | \
     STATE(EXPLAIN_BURIED) | STATE(EXPLAIN_CANCELLED))

static int seconds(int64_t ms)
{
    return (int)((ms + 999) / 1000);
}

static const char *plural(uint32_t n)
{
    return n == 1 ? "" : "s";
}

// ---- what it is

static bool say_head(const struct explain_facts *f, struct buf *out)
{
    static const char *const states[] = {
        [EXPLAIN_READY] = "is ready to be handed out",
        [EXPLAIN_LEASED] = "is being worked on",
        [EXPLAIN_DONE] = "is done",
        [EXPLAIN_BURIED] = "is buried: it failed too often",
        [EXPLAIN_CANCELLED] = "is cancelled",
    };
    buf_addf(out, "Task %" PRIu64 " (%s %s, study %s) %s.\n", f->task_id,
             task_kind_name(f->kind), f->what, f->study, states[f->state]);
    return true;
}

// ---- why it is not running

static bool say_study_paused(const struct explain_facts *f, struct buf *out)
{
    if (f->study_is_paused) {
        buf_addf(out, "Its study is paused: voxarch study resume %s lets it go on.\n",
                 f->study);
    }
    return f->study_is_paused;
}

static bool say_draining(const struct explain_facts *f, struct buf *out)
{
    if (f->is_draining) {
        buf_addf(out, "The coordinator is draining: it hands out nothing more.\n");
    }
    return f->is_draining;
}

static bool say_disk_full(const struct explain_facts *f, struct buf *out)
{
    if (f->is_disk_full) {
        buf_addf(out,
                 "The coordinator's disk is full: nothing new is begun until there "
                 "is room.\n");
    }
    return f->is_disk_full;
}

static bool say_back_off(const struct explain_facts *f, struct buf *out)
{
    if (f->ready_in_ms > 0) {
        buf_addf(out, "It failed, and is tried again in %d s at the earliest.\n",
                 seconds(f->ready_in_ms));
    }
    return f->ready_in_ms > 0;
}

static bool say_nobody(const struct explain_facts *f, struct buf *out)
{
    if (f->workers.n_all == 0) {
        buf_addf(out, "No worker is connected.\n");
    }
    return f->workers.n_all == 0;
}

static bool say_nobody_able(const struct explain_facts *f, struct buf *out)
{
    if (f->workers.n_all == 0 || f->workers.n_able > 0) {
        return false;
    }
    buf_addf(out, "None of the %u worker%s can run it: it needs one that can %s",
             f->workers.n_all, plural(f->workers.n_all), task_kind_name(f->kind));
    if (f->kind == TASK_MEASURE) {
        buf_addf(out, " on the device %s (--device %s)", f->device, f->device);
    }
    if (f->memory_bytes > 0) {
        buf_addf(out, " and gives a task %" PRIu64 " MiB of memory",
                 f->memory_bytes >> 20);
    }
    buf_addf(out, ".\n");
    return true;
}

static bool say_out_of_standing(const struct explain_facts *f, struct buf *out)
{
    const struct explain_workers *w = &f->workers;
    if (w->n_quarantined > 0) {
        buf_addf(out,
                 "%u worker%s that could run it %s in quarantine: voxarch status "
                 "says why, voxarch worker release NAME lets one back in.\n",
                 w->n_quarantined, plural(w->n_quarantined),
                 w->n_quarantined == 1 ? "is" : "are");
    }
    if (w->n_drained > 0) {
        buf_addf(out, "%u worker%s that could run it %s drained.\n", w->n_drained,
                 plural(w->n_drained), w->n_drained == 1 ? "is" : "are");
    }
    return w->n_able > 0 && w->n_given == 0;
}

static bool say_all_busy(const struct explain_facts *f, struct buf *out)
{
    const struct explain_workers *w = &f->workers;
    if (w->n_given == 0 || w->n_free > 0) {
        return false;
    }
    buf_addf(out, "All slots are busy: %u worker%s could run it.\n", w->n_given,
             plural(w->n_given));
    return true;
}

static bool say_not_idle(const struct explain_facts *f, struct buf *out)
{
    bool waits =
        f->kind == TASK_MEASURE && f->workers.n_free > 0 && f->workers.n_idle == 0;
    if (waits) {
        buf_addf(out,
                 "A measurement needs a whole worker: it waits for what still runs "
                 "there.\n");
    }
    return waits;
}

static bool say_avoids(const struct explain_facts *f, struct buf *out)
{
    if (f->avoids) {
        buf_addf(out,
                 "Another worker than %s, which failed it last, is to try it "
                 "first.\n",
                 f->avoids);
    }
    return f->avoids != NULL;
}

static bool say_queue(const struct explain_facts *f, struct buf *out)
{
    if (f->n_ready_ahead > 0) {
        buf_addf(out, "%u task%s of its study %s before it.\n", f->n_ready_ahead,
                 plural(f->n_ready_ahead), f->n_ready_ahead == 1 ? "goes" : "go");
    }
    if (f->n_other_studies > 0) {
        buf_addf(out, "%u other stud%s the workers with its study, by weight.\n",
                 f->n_other_studies,
                 f->n_other_studies == 1 ? "y shares" : "ies share");
    }
    return f->n_ready_ahead > 0;
}

static bool say_next(const struct explain_facts *f, struct buf *out)
{
    (void)f;
    buf_addf(out, "It goes to the next worker that asks.\n");
    return true;
}

// ---- where it is, or how it ended

static bool say_holder(const struct explain_facts *f, struct buf *out)
{
    buf_addf(out, "%s holds it", f->worker[0] ? f->worker : "A worker");
    if (f->has_started) {
        buf_addf(out, ", %.0f %% done by its last beat", 100 * f->fraction);
    } else {
        buf_addf(out, " and has not said yet that it started");
    }
    buf_addf(out,
             "; unless it says so again within %d s, the task is given to another "
             "one.\n",
             seconds(f->lease_ends_in_ms));
    return true;
}

static bool say_winner(const struct explain_facts *f, struct buf *out)
{
    if (f->worker[0]) {
        buf_addf(out, "%s did it.\n", f->worker);
    }
    return true;
}

static bool say_study(const struct explain_facts *f, struct buf *out)
{
    if (f->study_is_over) {
        buf_addf(out, "Its study is %s%s%s.\n", f->study_state,
                 f->study_error[0] ? ": " : "", f->study_error);
    }
    return f->study_is_over;
}

static bool say_kick(const struct explain_facts *f, struct buf *out)
{
    buf_addf(out, "voxarch task kick %" PRIu64 " has it tried again.\n", f->task_id);
    return true;
}

static bool say_failure(const struct explain_facts *f, struct buf *out)
{
    if (f->outcome == 0) {
        return false;
    }
    buf_addf(out, "It failed %u time%s that count%s; last (%s) %d s ago on %s: %s\n",
             f->n_charged, plural(f->n_charged), f->n_charged == 1 ? "s" : "",
             outcome_name(f->outcome), seconds(f->failed_ago_ms),
             f->failed_by[0] ? f->failed_by : "a worker", f->error);
    if (f->log_tail[0]) {
        buf_addf(out, "The last lines of its log:\n%s\n", f->log_tail);
    }
    return true;
}

static const struct reason {
    bool (*say)(const struct explain_facts *f, struct buf *out);
    unsigned states;
    bool is_enough; // when it holds, what follows is not asked
} reasons[] = {
    {say_head, ANY_STATE, false},
    {say_study_paused, STATE(EXPLAIN_READY), true},
    {say_draining, STATE(EXPLAIN_READY), true},
    {say_disk_full, STATE(EXPLAIN_READY), true},
    {say_back_off, STATE(EXPLAIN_READY), true},
    {say_nobody, STATE(EXPLAIN_READY), true},
    {say_nobody_able, STATE(EXPLAIN_READY), true},
    {say_out_of_standing, STATE(EXPLAIN_READY), true},
    {say_all_busy, STATE(EXPLAIN_READY), false},
    {say_not_idle, STATE(EXPLAIN_READY), true},
    {say_avoids, STATE(EXPLAIN_READY), false},
    {say_queue, STATE(EXPLAIN_READY), false},
    {say_holder, STATE(EXPLAIN_LEASED), false},
    {say_winner, STATE(EXPLAIN_DONE), false},
    {say_study, STATE(EXPLAIN_BURIED) | STATE(EXPLAIN_CANCELLED), false},
    {say_kick, STATE(EXPLAIN_BURIED), false},
};

void explain(const struct explain_facts *f, struct buf *out)
{
    unsigned n_said = 0;
    bool is_enough = false;
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]) && !is_enough; i++) {
        const struct reason *r = &reasons[i];
        bool holds = (r->states & STATE(f->state)) && r->say(f, out);
        n_said += holds;
        is_enough = holds && r->is_enough;
    }
    if (f->state == EXPLAIN_READY && n_said == 1) {
        say_next(f, out);
    }
    say_failure(f, out);
}
