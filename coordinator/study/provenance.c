// SPDX-License-Identifier: Apache-2.0
// provenance.c - see provenance.h.
#include "coordinator/study/provenance.h"

#include "common/base/file.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define CPUINFO_MAX_BYTES (4 << 20) // 1.5 KiB a processor: enough for thousands

// The value of the first "model name : ..." line.
static void find_model(const char *cpuinfo, char *out, size_t cap)
{
    const char *line = strstr(cpuinfo, "model name");
    const char *colon = line ? strchr(line, ':') : NULL;
    if (!colon) {
        return;
    }
    const char *value = colon + 1 + strspn(colon + 1, " \t");
    snprintf(out, cap, "%.*s", (int)strcspn(value, "\n"), value);
}

static void read_cpu(struct provenance *p)
{
    snprintf(p->cpu, sizeof(p->cpu), "unknown");
    struct buf text = BUF_INIT;
    if (file_read("/proc/cpuinfo", CPUINFO_MAX_BYTES, &text, NULL) == ERR_OK &&
        text.data) {
        find_model(text.data, p->cpu, sizeof(p->cpu));
    }
    buf_fini(&text);
    p->n_cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
}

void provenance_read(struct provenance *p)
{
    *p = (struct provenance){.version = VOXARCH_VERSION};
    if (gethostname(p->host, sizeof(p->host) - 1) != 0) {
        snprintf(p->host, sizeof(p->host), "unknown");
    }
    read_cpu(p);
}

char *provenance_time(int64_t wall_ms, char out[static 24])
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm utc = {0};
    gmtime_r(&seconds, &utc);
    out[0] = '\0';
    strftime(out, 24, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return out;
}
