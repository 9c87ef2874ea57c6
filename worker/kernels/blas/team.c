// SPDX-License-Identifier: Apache-2.0
// team.c - see team.h. Work comes every few microseconds, so who waits spins at first.
//
// Parts are claimed one by one, by the members and by the caller, who does what nobody
// has claimed when its own part is done. So a member that sleeps soundly, or that the
// machine runs elsewhere, costs time but never makes work slower than one thread alone.
#include "worker/kernels/blas/team.h"

#include "common/base/err.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SPINS_MAX 4000

// The work's number, its parts, and the next of them: one word, so that no part of one
// work is claimed for another.
#define TICKET(round, n_parts) (((uint64_t)(round) << 32) | ((uint64_t)(n_parts) << 16))

static struct {
    pthread_mutex_t caller; // who has the team
    pthread_mutex_t lock;   // for sleeping on the conditions
    pthread_cond_t wake, done;
    _Atomic uint64_t ticket;
    atomic_int n_done;   // parts
    atomic_int n_asleep; // members
    atomic_bool is_caller_asleep;
    atomic_int n;  // threads that share work
    int n_started; // members there are, the caller included
    uint32_t round;
    team_fn *fn; // of the ticket's work, as long as a part of it is claimed and undone
    const void *work;
} team = {.caller = PTHREAD_MUTEX_INITIALIZER,
          .lock = PTHREAD_MUTEX_INITIALIZER,
          .wake = PTHREAD_COND_INITIALIZER,
          .done = PTHREAD_COND_INITIALIZER,
          .n = 1,
          .n_started = 1};

static void pause_briefly(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int next_part(uint64_t ticket)
{
    return (int)(ticket & 0xffff);
}

static int parts_of(uint64_t ticket)
{
    return (int)(ticket >> 16 & 0xffff);
}

static bool has_part(uint64_t ticket)
{
    return next_part(ticket) < parts_of(ticket);
}

// Claims a part and does it; false when none was left.
static bool do_a_part(void)
{
    uint64_t ticket = atomic_load(&team.ticket);
    do {
        if (!has_part(ticket)) {
            return false;
        }
    } while (!atomic_compare_exchange_weak(&team.ticket, &ticket, ticket + 1));
    team.fn(team.work, next_part(ticket), parts_of(ticket));
    atomic_fetch_add(&team.n_done, 1);
    return true;
}

static void await_work(void)
{
    for (int i = 0; i < SPINS_MAX; i++) {
        if (has_part(atomic_load(&team.ticket))) {
            return;
        }
        pause_briefly();
    }
    pthread_mutex_lock(&team.lock);
    atomic_fetch_add(&team.n_asleep, 1);
    while (!has_part(atomic_load(&team.ticket))) {
        pthread_cond_wait(&team.wake, &team.lock);
    }
    atomic_fetch_sub(&team.n_asleep, 1);
    pthread_mutex_unlock(&team.lock);
}

static void await_parts(int n_parts)
{
    for (int i = 0; i < SPINS_MAX; i++) {
        if (atomic_load(&team.n_done) == n_parts) {
            return;
        }
        pause_briefly();
    }
    pthread_mutex_lock(&team.lock);
    atomic_store(&team.is_caller_asleep, true);
    while (atomic_load(&team.n_done) < n_parts) {
        pthread_cond_wait(&team.done, &team.lock);
    }
    atomic_store(&team.is_caller_asleep, false);
    pthread_mutex_unlock(&team.lock);
}

static void *member(void *unused)
{
    (void)unused;
    for (;;) {
        await_work();
        if (do_a_part() && atomic_load(&team.is_caller_asleep)) {
            pthread_mutex_lock(&team.lock);
            pthread_cond_signal(&team.done);
            pthread_mutex_unlock(&team.lock);
        }
    }
    return NULL;
}

// Signals are for the threads that were there before.
static bool start_member(void)
{
    sigset_t all;
    sigset_t before;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool is_started = pthread_create(&thread, NULL, member, NULL) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (is_started) {
        pthread_detach(thread);
    }
    return is_started;
}

// A child of fork has none of the members, nor what they held.
static void forget_members(void)
{
    pthread_mutex_init(&team.caller, NULL);
    pthread_mutex_init(&team.lock, NULL);
    pthread_cond_init(&team.wake, NULL);
    pthread_cond_init(&team.done, NULL);
    team.n_started = 1;
    atomic_store(&team.n, 1);
    atomic_store(&team.n_asleep, 0);
    atomic_store(&team.is_caller_asleep, false);
    atomic_store(&team.ticket, 0);
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, forget_members);
}

void team_set_size(int n_threads)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    BUG_ON(n_threads < 1);
    pthread_once(&once, watch_forks);
    int n = n_threads < TEAM_MAX ? n_threads : TEAM_MAX;
    pthread_mutex_lock(&team.caller);
    while (team.n_started < n && start_member()) {
        team.n_started++;
    }
    atomic_store(&team.n, n < team.n_started ? n : team.n_started);
    pthread_mutex_unlock(&team.caller);
}

int team_size(void)
{
    return atomic_load(&team.n);
}

static void share_out(team_fn *fn, const void *work, int n_parts)
{
    team.fn = fn;
    team.work = work;
    atomic_store(&team.n_done, 0);
    atomic_store(&team.ticket, TICKET(++team.round, n_parts));
    if (atomic_load(&team.n_asleep) > 0) {
        pthread_mutex_lock(&team.lock);
        pthread_cond_broadcast(&team.wake);
        pthread_mutex_unlock(&team.lock);
    }
    while (do_a_part()) {
    }
    await_parts(n_parts);
}

void team_run(team_fn *fn, const void *work, int n_parts)
{
    BUG_ON(n_parts > TEAM_MAX);
    if (n_parts > 1 && pthread_mutex_trylock(&team.caller) == 0) {
        share_out(fn, work, n_parts);
        pthread_mutex_unlock(&team.caller);
        return;
    }
    for (int part = 0; part < n_parts; part++) {
        fn(work, part, n_parts);
    }
}
