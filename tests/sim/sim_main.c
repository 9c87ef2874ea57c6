// SPDX-License-Identifier: Apache-2.0
// sim_main.c - runs seeds of the simulated fleet, on several processors, and says which
// one failed and how.
#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/base/options.h"
#include "tests/sim/sim_world.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAM   "sim_fleet"
#define JOBS_MAX  64
#define SEEDS_MAX 1000000000

struct arguments {
    const char *program;
    long first, seeds, workers, jobs;
    bool trace, must_fail;
};

// What the processes tell each other.
struct shared {
    uint32_t next;
    uint32_t n_run, n_failed;
    uint32_t first_failed; // the smallest seed
    uint64_t n_events;
    char failure[SIM_FAILED_MAX];
};

static void note(struct shared *shared, const struct sim_world *w, bool is_fine)
{
    __atomic_add_fetch(&shared->n_run, 1, __ATOMIC_SEQ_CST);
    __atomic_add_fetch(&shared->n_events, w->n_run, __ATOMIC_SEQ_CST);
    if (is_fine) {
        return;
    }
    uint32_t seed = (uint32_t)w->plan.seed;
    if (__atomic_add_fetch(&shared->n_failed, 1, __ATOMIC_SEQ_CST) == 1 ||
        seed < shared->first_failed) {
        shared->first_failed = seed;
        memcpy(shared->failure, w->failure, sizeof(shared->failure));
    }
}

static void remove_dir(const char *dir)
{
    char command[160];
    snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    int status = system(command); // NOLINT(cert-env33-c,concurrency-mt-unsafe)
    (void)status;
}

static void clear_store(const char *dir)
{
    static const char *const names[] = {"state.db", "state.db-wal", "state.db-shm"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char path[160];
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
        unlink(path);
    }
}

// A folder in memory, where syncing costs nothing.
static const char *make_dir(char dir[static 64])
{
    snprintf(dir, 64, "/dev/shm/voxarch_sim_XXXXXX");
    if (mkdtemp(dir)) {
        return dir;
    }
    snprintf(dir, 64, "/tmp/voxarch_sim_XXXXXX");
    BUG_ON(!mkdtemp(dir));
    return dir;
}

static void run_seeds(const struct arguments *a, struct shared *shared)
{
    char dir[64];
    make_dir(dir);
    static struct sim_world w;
    w.is_traced = a->trace;
    while (shared->n_failed == 0) {
        uint32_t i = __atomic_fetch_add(&shared->next, 1, __ATOMIC_SEQ_CST);
        if ((long)i >= a->seeds) {
            break;
        }
        struct sim_scenario plan;
        sim_scenario_draw(&plan, (uint64_t)a->first + i, (uint32_t)a->workers);
        clear_store(dir);
        bool is_fine = sim_world_run(&w, &plan, dir);
        note(shared, &w, is_fine);
    }
    remove_dir(dir);
}

static bool run_all(const struct arguments *a, struct shared *shared)
{
    bool is_fine = true;
    for (long i = 0; i < a->jobs; i++) {
        pid_t pid = fork();
        BUG_ON(pid < 0);
        if (pid == 0) {
            run_seeds(a, shared);
            fflush(stdout);
            _exit(0);
        }
    }
    int status = 0;
    pid_t pid = 0;
    while ((pid = wait(&status)) > 0 || errno == EINTR) {
        is_fine = is_fine && (pid <= 0 || status == 0);
    }
    return is_fine;
}

static int say(const struct arguments *a, const struct shared *shared, bool has_ended,
               double seconds)
{
    printf("seeds=%u first=%ld jobs=%ld seconds=%.1f seeds_per_s=%.0f events=%llu "
           "failed=%u\n",
           shared->n_run, a->first, a->jobs, seconds, shared->n_run / seconds,
           (unsigned long long)shared->n_events, shared->n_failed);
    if (shared->n_failed > 0) {
        printf("seed %u: %s\nagain: %s --first %u --seeds 1 --jobs 1 --trace\n",
               shared->first_failed, shared->failure, a->program, shared->first_failed);
    } else if (!has_ended) {
        printf("a process of the simulation died\n");
    }
    bool has_failed = shared->n_failed > 0;
    return has_ended && has_failed == a->must_fail ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool parse(int argc, char **argv, struct arguments *a, int *status)
{
    const struct option table[] = {
        OPTION_AS_NUMBER("first", "N", &a->first, 0, SEEDS_MAX,
                         "the first seed; default 0"),
        OPTION_AS_NUMBER("seeds", "N", &a->seeds, 1, SEEDS_MAX,
                         "how many; default 1000"),
        OPTION_AS_NUMBER("workers", "N", &a->workers, 0, SIM_AGENTS_MAX,
                         "in every fleet; default: a few, 1000 in every thousandth"),
        OPTION_AS_NUMBER("jobs", "N", &a->jobs, 1, JOBS_MAX,
                         "processes; default: as processors"),
        OPTION_AS_FLAG("trace", &a->trace, "say what happens"),
        OPTION_AS_FLAG("must-fail", &a->must_fail,
                       "the other way round: status 0 when a violation is found"),
    };
    const struct options o = {.command = PROGRAM,
                              .operands = "",
                              .summary = "Simulates fleets in which all goes wrong.",
                              .examples = "  sim_fleet --seeds 10000\n",
                              .table = table,
                              .n_options = sizeof(table) / sizeof(table[0])};
    struct operands operands;
    return options_parse(&o, argc, argv, &operands, status);
}

int main(int argc, char **argv)
{
    struct arguments a = {
        .program = argv[0], .seeds = 1000, .jobs = sysconf(_SC_NPROCESSORS_ONLN)};
    int status = 0;
    if (!parse(argc, argv, &a, &status)) {
        return status;
    }
    log_init(PROGRAM, LOG_ERROR + 1);
    struct shared *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    BUG_ON(shared == MAP_FAILED);
    int64_t start_ns = clock_mono_ns();
    bool has_ended = run_all(&a, shared);
    return say(&a, shared, has_ended, (double)(clock_mono_ns() - start_ns) / 1e9);
}
