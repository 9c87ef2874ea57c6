// SPDX-License-Identifier: Apache-2.0
// confine.c - see confine.h.
#include "worker/exec/confine.h"

#include "common/base/file.h"
#include "worker/kernels/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#ifdef __linux__
#    include <sys/prctl.h>
#endif

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#    define HAS_SHADOW true
#elif defined(__has_feature)
#    if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#        define HAS_SHADOW true
#    endif
#endif
#ifndef HAS_SHADOW
#    define HAS_SHADOW false
#endif

#define STATUS_BYTES_MAX 65536
#define STACK_BYTES      (16u << 20) // of a thread, and its allocator's first arena
#define N_OTHER_THREADS  1           // the batcher's; the main one has its own already

static bool is_done;

// Allocations that fail end in BUG_ON, or in a library's exit: errno still says why.
static void end_without_memory(void)
{
    if (errno == ENOMEM && !is_done) {
        _exit(CONFINE_EXIT_NOMEM);
    }
}

// A runner without its agent computes for nobody. Where the kernel does not see to it,
// the broken pipe does at the next progress.
static void die_with_parent(void)
{
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, "voxarch-runner");
#endif
}

// When the machine runs out of memory, the runner is to go, not its agent, which would
// take all its other tasks along.
static void volunteer(void)
{
    static const char more[] = "500";
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t done = write(fd, more, sizeof(more) - 1);
        (void)done; // a wish
        close(fd);
    }
}

void confine_process(void)
{
    die_with_parent();
    volunteer();
    // Ctrl-C goes to the whole foreground group: the agent decides what becomes of a
    // task.
    signal(SIGINT, SIG_IGN);
    signal(SIGPIPE, SIG_IGN);
    err_on_bug(end_without_memory);
    BUG_ON(atexit(end_without_memory) != 0);
    errno = 0;
}

// VmData of /proc/self/status: what RLIMIT_DATA counts. 0 = cannot be told.
static uint64_t data_bytes(void)
{
    struct buf text = BUF_INIT;
    uint64_t kib = 0;
    if (file_read("/proc/self/status", STATUS_BYTES_MAX, &text, NULL) == ERR_OK &&
        text.len > 0) {
        const char *line = strstr(text.data, "\nVmData:");
        kib = line ? strtoull(line + sizeof("\nVmData:") - 1, NULL, 10) : 0;
    }
    buf_fini(&text);
    return kib * 1024;
}

enum err confine_memory(uint64_t bytes, int n_threads, struct errinfo *why)
{
    if (bytes == 0 || HAS_SHADOW) {
        return ERR_OK;
    }
    uint64_t before = data_bytes();
    backend_warm_up();
    uint64_t after = data_bytes();
    uint64_t each = after - before + STACK_BYTES;
    uint64_t all = after + bytes + (uint64_t)(n_threads + N_OTHER_THREADS) * each;
    const struct rlimit limit = {all, all};
    return setrlimit(RLIMIT_DATA, &limit) == 0
               ? ERR_OK
               : err_set(why, ERR_IO,
                         "cannot limit memory to %" PRIu64 " bytes: errno %d", all,
                         errno);
}

void confine_done(void)
{
    is_done = true;
}
