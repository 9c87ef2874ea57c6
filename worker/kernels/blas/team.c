// SPDX-License-Identifier: Apache-2.0
// team.c - see team.h. Work comes every few microseconds, so who waits spins at first.
#include "worker/kernels/blas/team.h"

#include "common/base/err.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define SPINS_MAX 4000

static struct {
    pthread_mutex_t caller; // who has the team
    pthread_mutex_t lock;   // for sleeping on the conditions
    pthread_cond_t wake, done;
    atomic_uint round; // of work, counted
    atomic_int n_left; // members still at it
    atomic_int n;      // threads that share work
    int n_started;     // members there are, the caller included
    team_fn *fn;
    const void *work;
    int n_parts;
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
#endif
}

static void await_round(unsigned last)
{
    for (int i = 0; i < SPINS_MAX; i++) {
        if (atomic_load(&team.round) != last) {
            return;
        }
        pause_briefly();
    }
    pthread_mutex_lock(&team.lock);
    while (atomic_load(&team.round) == last) {
        pthread_cond_wait(&team.wake, &team.lock);
    }
    pthread_mutex_unlock(&team.lock);
}

static void await_members(void)
{
    for (int i = 0; i < SPINS_MAX; i++) {
        if (atomic_load(&team.n_left) == 0) {
            return;
        }
        pause_briefly();
    }
    pthread_mutex_lock(&team.lock);
    while (atomic_load(&team.n_left) > 0) {
        pthread_cond_wait(&team.done, &team.lock);
    }
    pthread_mutex_unlock(&team.lock);
}

static int numbers[TEAM_MAX]; // of the members, to point at

static void *member(void *number)
{
    int part = *(const int *)number;
    for (unsigned round = 0;; round++) {
        await_round(round);
        if (part < team.n_parts) {
            team.fn(team.work, part, team.n_parts);
        }
        if (atomic_fetch_sub(&team.n_left, 1) == 1) {
            pthread_mutex_lock(&team.lock);
            pthread_cond_signal(&team.done);
            pthread_mutex_unlock(&team.lock);
        }
    }
    return NULL;
}

// Signals are for the threads that were there before.
static bool start_member(int part)
{
    sigset_t all;
    sigset_t before;
    pthread_t thread;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    numbers[part] = part;
    bool is_started = pthread_create(&thread, NULL, member, &numbers[part]) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (is_started) {
        pthread_detach(thread);
    }
    return is_started;
}

// A child of fork has none of the members.
static void forget_members(void)
{
    team.n_started = 1;
    atomic_store(&team.n, 1);
    atomic_store(&team.round, 0);
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
    // Members count rounds from none, so all are started before the first.
    bool may_start = atomic_load(&team.round) == 0;
    while (may_start && team.n_started < n && start_member(team.n_started)) {
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
    team.n_parts = n_parts;
    atomic_store(&team.n_left, team.n_started - 1);
    pthread_mutex_lock(&team.lock);
    atomic_fetch_add(&team.round, 1);
    pthread_cond_broadcast(&team.wake);
    pthread_mutex_unlock(&team.lock);
    fn(work, 0, n_parts);
    await_members();
}

void team_run(team_fn *fn, const void *work, int n_parts)
{
    if (n_parts > 1 && pthread_mutex_trylock(&team.caller) == 0) {
        bool are_there = n_parts <= team.n_started;
        if (are_there) {
            share_out(fn, work, n_parts);
        }
        pthread_mutex_unlock(&team.caller);
        if (are_there) {
            return;
        }
    }
    for (int part = 0; part < n_parts; part++) {
        fn(work, part, n_parts);
    }
}
