// SPDX-License-Identifier: Apache-2.0
// machine.c - see machine.h. What is not told is left out.
#include "worker/probe/machine.h"

#include "common/base/file.h"
#include "worker/kernels/backend.h"
#include "worker/kernels/kernels.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#define VALUE_MAX      160
#define FILE_MAX_BYTES (4 << 20) // of /proc/cpuinfo: 1.5 KiB a processor

struct lines {
    char *text;
    size_t len, cap;
};

static void add(struct lines *l, const char *key, const char *format, ...) PRINTF(3, 4);

static void add(struct lines *l, const char *key, const char *format, ...)
{
    char line[VALUE_MAX + 32];
    int n = snprintf(line, sizeof(line), "%s: ", key);
    va_list args;
    va_start(args, format);
    vsnprintf(line + n, VALUE_MAX, format, args);
    va_end(args);
    size_t size = strlen(line);
    if (l->len + size + 2 <= l->cap) {
        memcpy(l->text + l->len, line, size);
        memcpy(l->text + l->len + size, "\n", 2);
        l->len += size + 1;
    }
}

// The first line of a small file; false when there is none.
static bool first_line(const char *path, char out[static VALUE_MAX])
{
    struct buf text = BUF_INIT;
    out[0] = '\0';
    if (file_read(path, FILE_MAX_BYTES, &text, NULL) == ERR_OK && text.len > 0) {
        buf_add(&text, "", 1);
        snprintf(out, VALUE_MAX, "%.*s", (int)strcspn(text.data, "\n"), text.data);
    }
    buf_fini(&text);
    return out[0] != '\0';
}

// The value of the first "key : value" line of /proc/cpuinfo.
static bool cpuinfo(const char *key, char out[static VALUE_MAX])
{
    struct buf text = BUF_INIT;
    out[0] = '\0';
    if (file_read("/proc/cpuinfo", FILE_MAX_BYTES, &text, NULL) == ERR_OK) {
        buf_add(&text, "", 1);
        const char *line = strstr(text.data, key);
        const char *colon = line ? strchr(line, ':') : NULL;
        if (colon) {
            const char *value = colon + 1 + strspn(colon + 1, " \t");
            snprintf(out, VALUE_MAX, "%.*s", (int)strcspn(value, "\n"), value);
        }
    }
    buf_fini(&text);
    return out[0] != '\0';
}

static void add_processor(struct lines *l)
{
    char model[VALUE_MAX];
    char mhz[VALUE_MAX];
    if (!cpuinfo("model name", model) && !cpuinfo("Hardware", model)) {
        snprintf(model, sizeof(model), "unknown");
    }
    add(l, "processor", "%s", model);
    if (cpuinfo("cpu MHz", mhz)) {
        add(l, "frequency", "%s MHz", mhz);
    }
}

static void add_governor(struct lines *l, int cpu)
{
    static const struct {
        const char *key, *file;
    } told[] = {{"governor", "scaling_governor"},
                {"frequency now, kHz", "scaling_cur_freq"},
                {"frequency at most, kHz", "cpuinfo_max_freq"}};
    for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
        char path[VALUE_MAX];
        char value[VALUE_MAX];
        snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/cpufreq/%s", cpu,
                 told[i].file);
        if (first_line(path, value)) {
            add(l, told[i].key, "%s", value);
        }
    }
}

void machine_describe(const struct kernels *k, const struct cpus *pinned, char *out,
                      size_t cap)
{
    struct lines l = {out, 0, cap};
    struct utsname system;
    char text[VALUE_MAX];
    char ids[CPUS_TEXT];
    out[0] = '\0';
    add_processor(&l);
    add(&l, "pinned to processors", "%s", cpus_print(pinned, ids));
    add_governor(&l, pinned->ids[0]);
    add(&l, "compute", "%s", k->name);
    add(&l, "library", "%s", backend_library());
    if (uname(&system) == 0) {
        add(&l, "system", "%.60s %.60s", system.sysname, system.release);
    }
    if (first_line("/proc/loadavg", text)) {
        add(&l, "load", "%s", text);
    }
}
