// SPDX-License-Identifier: Apache-2.0
// cpus.c - see cpus.h. Linux tells who was where in /proc/stat, in ticks of 10 ms.
#include "worker/probe/cpus.h"

#include "common/base/clock.h"
#include "common/base/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifdef __linux__
#    include <sys/syscall.h>
#endif

#define STAT_MAX_BYTES (1 << 20)

struct mask {
    unsigned long words[CPUS_MAX / CPUS_BITS];
};

static bool mask_has(const struct mask *m, int cpu)
{
    return m->words[(size_t)cpu / CPUS_BITS] >> ((size_t)cpu % CPUS_BITS) & 1;
}

static void mask_add(struct mask *m, int cpu)
{
    m->words[(size_t)cpu / CPUS_BITS] |= 1ul << ((size_t)cpu % CPUS_BITS);
}

// ---- /proc/stat

struct ticks {
    bool is_there;
    uint64_t busy, idle, stolen;
};

// "cpu3 user nice system idle iowait irq softirq steal ..."; false for other lines.
static bool read_line(const char *line, int *cpu, struct ticks *out)
{
    enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, FIELDS };
    uint64_t t[FIELDS] = {0};
    char *end = NULL;
    if (strncmp(line, "cpu", 3) != 0 || line[3] < '0' || line[3] > '9') {
        return false;
    }
    long number = strtol(line + 3, &end, 10);
    for (int i = 0; i < FIELDS; i++) {
        t[i] = strtoull(end, &end, 10);
    }
    *cpu = number < CPUS_MAX ? (int)number : CPUS_MAX;
    *out = (struct ticks){.is_there = true,
                          .busy = t[USER] + t[NICE] + t[SYSTEM] + t[IRQ] + t[SOFTIRQ],
                          .idle = t[IDLE] + t[IOWAIT],
                          .stolen = t[STEAL]};
    return *cpu < CPUS_MAX;
}

static bool read_ticks(struct ticks all[static CPUS_MAX])
{
    struct buf text = BUF_INIT;
    bool is_read = file_read("/proc/stat", STAT_MAX_BYTES, &text, NULL) == ERR_OK;
    memset(all, 0, CPUS_MAX * sizeof(*all));
    buf_add(&text, "", 1);
    for (const char *line = text.data; is_read && *line;) {
        int cpu = 0;
        struct ticks t;
        if (read_line(line, &cpu, &t)) {
            all[cpu] = t;
        }
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    buf_fini(&text);
    return is_read;
}

// ---- pinning

#ifdef __linux__
static bool get_affinity(struct mask *out)
{
    memset(out, 0, sizeof(*out));
    return syscall(SYS_sched_getaffinity, 0, sizeof(out->words), out->words) > 0;
}

static bool set_affinity(long thread, const struct mask *m)
{
    return syscall(SYS_sched_setaffinity, thread, sizeof(m->words), m->words) == 0;
}
#else
static bool get_affinity(struct mask *out)
{
    memset(out, 0, sizeof(*out));
    for (int i = 0; i < sysconf(_SC_NPROCESSORS_ONLN) && i < CPUS_MAX; i++) {
        mask_add(out, i);
    }
    return true;
}

static bool set_affinity(long thread, const struct mask *m)
{
    (void)thread;
    (void)m;
    return true; // the scheduler's to decide
}
#endif

// Libraries may have started threads of their own.
static bool pin_threads(const struct mask *m)
{
    bool is_pinned = set_affinity(0, m);
    DIR *threads = opendir("/proc/self/task");
    // NOLINTNEXTLINE(concurrency-mt-unsafe): a stream of our own
    for (struct dirent *d; threads && (d = readdir(threads)) != NULL;) {
        if (d->d_name[0] != '.') {
            is_pinned = set_affinity(strtol(d->d_name, NULL, 10), m) && is_pinned;
        }
    }
    if (threads) {
        closedir(threads);
    }
    return is_pinned;
}

struct candidate {
    uint64_t busy; // ticks while we looked
    int cpu;
    int turn; // of equals, who goes first: another one for each process
};

static int compare(const void *x, const void *y)
{
    const struct candidate *a = x;
    const struct candidate *b = y;
    if (a->busy != b->busy) {
        return a->busy < b->busy ? -1 : 1;
    }
    return (a->turn > b->turn) - (a->turn < b->turn);
}

// The allowed processors, the least busy first.
static int rank(const struct mask *allowed, struct candidate out[static CPUS_MAX])
{
    static struct ticks before[CPUS_MAX];
    static struct ticks after[CPUS_MAX];
    bool is_known = read_ticks(before);
    nanosleep(&(struct timespec){.tv_nsec = CPUS_LOOK_MS * 1000000L}, NULL);
    is_known = read_ticks(after) && is_known;
    int n = 0;
    for (int i = 0; i < CPUS_MAX; i++) {
        if (mask_has(allowed, i)) {
            uint64_t busy =
                after[i].busy + after[i].stolen - before[i].busy - before[i].stolen;
            out[n++] = (struct candidate){.cpu = i, .busy = is_known ? busy : 0};
        }
    }
    for (int i = 0; i < n; i++) {
        out[i].turn = (i + (int)(getpid() % n)) % n;
    }
    qsort(out, (size_t)n, sizeof(*out), compare);
    return n;
}

enum err cpus_pin(int n, struct cpus *out, struct errinfo *why)
{
    static struct candidate candidates[CPUS_MAX];
    struct mask allowed;
    struct mask taken = {{0}};
    BUG_ON(n < 1 || n > CPUS_TAKEN);
    if (!get_affinity(&allowed)) {
        return err_set(why, ERR_IO, "cannot tell which processors may be used: %m");
    }
    int n_allowed = rank(&allowed, candidates);
    if (n > n_allowed) {
        return err_set(why, ERR_INPUT,
                       "%d threads are to be timed, but this process may use %d "
                       "processor%s",
                       n, n_allowed, n_allowed == 1 ? "" : "s");
    }
    out->n = n;
    for (int i = 0; i < n; i++) {
        out->ids[i] = candidates[i].cpu;
        mask_add(&taken, candidates[i].cpu);
    }
    return pin_threads(&taken) ? ERR_OK
                               : err_set(why, ERR_IO, "cannot pin threads: %m");
}

char *cpus_print(const struct cpus *c, char out[static CPUS_TEXT])
{
    size_t at = 0;
    out[0] = '\0';
    for (int i = 0; i < c->n && at < CPUS_TEXT; i++) {
        at += (size_t)snprintf(out + at, CPUS_TEXT - at, "%s%d", i > 0 ? "," : "",
                               c->ids[i]);
    }
    return out;
}

// ---- who was where

static bool is_taken(const struct cpus *c, int cpu)
{
    for (int i = 0; i < c->n; i++) {
        if (c->ids[i] == cpu) {
            return true;
        }
    }
    return false;
}

static int64_t own_ns(void)
{
    struct timespec t = {0};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void cpus_time_read(const struct cpus *c, struct cpus_time *out)
{
    static struct ticks all[CPUS_MAX];
    double per_second = (double)sysconf(_SC_CLK_TCK);
    *out = (struct cpus_time){
        .is_known = read_ticks(all), .wall_ns = clock_mono_ns(), .own_ns = own_ns()};
    for (int i = 0; i < CPUS_MAX; i++) {
        if (is_taken(c, i)) {
            out->taken_s += (double)all[i].busy / per_second;
            out->stolen_s += (double)all[i].stolen / per_second;
            out->n_taken++;
        } else if (all[i].is_there) {
            out->others_s += (double)all[i].busy / per_second;
            out->n_rest++;
        }
    }
}

static double share(double part_s, double wall_s, int n)
{
    double s = wall_s > 0 && n > 0 ? part_s / (wall_s * n) : 0;
    return s < 0 ? 0 : s > 1 ? 1 : s;
}

struct cpus_use cpus_use_between(const struct cpus_time *a, const struct cpus_time *b)
{
    double wall_s = (double)(b->wall_ns - a->wall_ns) / 1e9;
    double own_s = (double)(b->own_ns - a->own_ns) / 1e9;
    if (!a->is_known || !b->is_known) {
        return (struct cpus_use){0};
    }
    return (struct cpus_use){
        .foreign = share(b->taken_s - a->taken_s - own_s, wall_s, b->n_taken),
        .stolen = share(b->stolen_s - a->stolen_s, wall_s, b->n_taken),
        .elsewhere = share(b->others_s - a->others_s, wall_s, b->n_rest),
    };
}
