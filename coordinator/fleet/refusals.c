// SPDX-License-Identifier: Apache-2.0
// refusals.c - see refusals.h.
#include "coordinator/fleet/refusals.h"

#include "common/base/log.h"

static const char *const names[REFUSAL_REASONS] = {
    [REFUSAL_MALFORMED] = "malformed", [REFUSAL_RIGHTS] = "rights",
    [REFUSAL_OWNER] = "owner",         [REFUSAL_KEY] = "key",
    [REFUSAL_HANDSHAKE] = "handshake",
};

void refusals_note(struct refusals *r, enum refusal reason, int64_t now_ms,
                   const char *text)
{
    r->n[reason]++;
    int64_t *logged_ms = &r->logged_ms[reason];
    if (*logged_ms == 0 || now_ms - *logged_ms >= REFUSALS_LOG_MS) {
        *logged_ms = now_ms;
        log_warn("peer.refused", "reason=%s total=%llu why=\"%s\"", names[reason],
                 (unsigned long long)r->n[reason], text);
    }
}

void refusals_add_to(const struct refusals *r, uint64_t n[static REFUSAL_REASONS])
{
    for (int i = 0; i < REFUSAL_REASONS; i++) {
        n[i] += r->n[i];
    }
}

uint64_t refusals_messages(const struct refusals *r)
{
    return r->n[REFUSAL_MALFORMED] + r->n[REFUSAL_RIGHTS] + r->n[REFUSAL_OWNER];
}
