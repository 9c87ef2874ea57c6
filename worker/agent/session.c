// SPDX-License-Identifier: Apache-2.0
// session.c - see session.h.
#include "worker/agent/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELLO_AGAIN_MS  2000
#define RESULT_AGAIN_MS 5000
#define RELEASE_REST_MS 5000 // without a FETCH after a task could not be done here
#define SILENT_BEATS    3
#define GOODBYE_MS      2000 // one who goes at once waits no longer to hand tasks back
#define NEVER           INT64_MAX

enum phase {
    PHASE_GREETING, // HELLO until WELCOME
    PHASE_LIVE,
    PHASE_OVER, // BYE was said, or we were refused
};

struct returned { // a task to give back
    uint64_t task_id;
    uint64_t token;
};

struct session {
    struct session_conf conf;
    enum phase phase;
    bool is_draining;
    bool is_leaving;      // BYE as soon as all is given back
    int64_t leave_end_ms; // when leaving ends, said or unsaid
    struct errinfo refusal;
    int64_t hello_due_ms;
    int64_t fetch_due_ms; // NEVER while nothing is to be fetched
    int64_t rest_end_ms;  // and not before
    int64_t beat_due_ms;
    int64_t heard_ms; // anything from the coordinator
    struct msg_welcome welcome;
    uint32_t n_welcomes;
    uint32_t n_returned;
    struct returned returned[LIMIT_HELD_TASKS];
    struct slot slots[LIMIT_HELD_TASKS];
};

struct session *session_create(const struct session_conf *conf, int64_t now_ms)
{
    BUG_ON(conf->n_slots < 1 || conf->n_slots > LIMIT_HELD_TASKS || conf->id == 0);
    struct session *s = calloc(1, sizeof(*s));
    BUG_ON(!s);
    s->conf = *conf;
    s->hello_due_ms = now_ms;
    s->fetch_due_ms = NEVER;
    s->heard_ms = now_ms;
    s->welcome.beat_ms = BEAT_MS;
    return s;
}

void session_destroy(struct session *s)
{
    free(s);
}

// ---- slots

static uint32_t count_state(const struct session *s, enum slot_state state)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->conf.n_slots; i++) {
        n += s->slots[i].state == state ? 1 : 0;
    }
    return n;
}

// A task is ours until its verdict; one that is being stopped is not any more.
static bool is_ours(const struct slot *slot)
{
    return slot->state == SLOT_HELD || slot->state == SLOT_REPORTING;
}

static struct slot *find_ours(struct session *s, uint64_t task_id)
{
    for (uint32_t i = 0; i < s->conf.n_slots; i++) {
        if (is_ours(&s->slots[i]) && s->slots[i].task_id == task_id) {
            return &s->slots[i];
        }
    }
    return NULL;
}

// How many tasks may be fetched: none beside a measurement.
static uint32_t count_open(const struct session *s)
{
    for (uint32_t i = 0; i < s->conf.n_slots; i++) {
        const struct slot *slot = &s->slots[i];
        if (slot->state != SLOT_FREE && slot->spec.kind == TASK_MEASURE) {
            return 0;
        }
    }
    return count_state(s, SLOT_FREE);
}

static bool has_room_for(const struct session *s, enum task_kind kind)
{
    uint32_t n_open = count_open(s);
    return kind == TASK_MEASURE ? n_open == s->conf.n_slots : n_open > 0;
}

static struct slot *find_free(struct session *s)
{
    for (uint32_t i = 0; i < s->conf.n_slots; i++) {
        if (s->slots[i].state == SLOT_FREE) {
            return &s->slots[i];
        }
    }
    return NULL;
}

static struct slot *slot_at(struct session *s, uint32_t i)
{
    BUG_ON(i >= s->conf.n_slots);
    return &s->slots[i];
}

static void set_free(struct session *s, struct slot *slot, int64_t now_ms)
{
    *slot = (struct slot){.state = SLOT_FREE};
    s->fetch_due_ms = now_ms;
}

// The coordinator says that the task is not ours. A result has nobody to go to.
static void lose(struct session *s, struct slot *slot, int64_t now_ms)
{
    if (slot->state == SLOT_HELD) {
        slot->state = SLOT_STOPPING;
    } else {
        set_free(s, slot, now_ms);
    }
}

// One that does not fit here any more falls back when its lease expires.
static void give_back(struct session *s, uint64_t task_id, uint64_t token)
{
    if (s->n_returned < LIMIT_HELD_TASKS) {
        s->returned[s->n_returned++] = (struct returned){task_id, token};
    }
}

uint32_t session_n_slots(const struct session *s)
{
    return s->conf.n_slots;
}

const struct slot *session_slot(const struct session *s, uint32_t i)
{
    BUG_ON(i >= s->conf.n_slots);
    return &s->slots[i];
}

void session_started(struct session *s, uint32_t i)
{
    slot_at(s, i)->has_started = true;
}

void session_progress(struct session *s, uint32_t i, const struct task_progress *p)
{
    slot_at(s, i)->progress = *p;
}

void session_finish(struct session *s, uint32_t i, int64_t now_ms,
                    const struct msg_result *r)
{
    struct slot *slot = slot_at(s, i);
    BUG_ON(slot->state != SLOT_HELD);
    slot->state = SLOT_REPORTING;
    slot->report_due_ms = now_ms;
    slot->result = *r;
    slot->result.session = s->conf.id;
    slot->result.task_id = slot->task_id;
    slot->result.token = slot->token;
}

void session_release(struct session *s, uint32_t i, int64_t now_ms)
{
    struct slot *slot = slot_at(s, i);
    BUG_ON(slot->state != SLOT_HELD);
    give_back(s, slot->task_id, slot->token);
    set_free(s, slot, now_ms);
    s->rest_end_ms = now_ms + RELEASE_REST_MS;
}

void session_forget(struct session *s, uint32_t i, int64_t now_ms)
{
    struct slot *slot = slot_at(s, i);
    BUG_ON(slot->state != SLOT_STOPPING);
    set_free(s, slot, now_ms);
}

// ---- leaving

void session_drain(struct session *s)
{
    s->is_draining = true;
}

void session_leave(struct session *s, int64_t now_ms)
{
    s->is_draining = true;
    if (!s->is_leaving) {
        s->is_leaving = true;
        s->leave_end_ms = now_ms + GOODBYE_MS;
    }
    for (uint32_t i = 0; i < s->conf.n_slots; i++) {
        struct slot *slot = &s->slots[i];
        if (slot->state == SLOT_HELD) {
            session_release(s, i, now_ms);
        } else if (slot->state == SLOT_STOPPING) {
            session_forget(s, i, now_ms);
        }
    }
}

bool session_is_live(const struct session *s)
{
    return s->phase == PHASE_LIVE;
}

bool session_is_draining(const struct session *s)
{
    return s->is_draining;
}

static bool holds_nothing(const struct session *s)
{
    return s->n_returned == 0 && count_state(s, SLOT_FREE) == s->conf.n_slots;
}

// Results that wait for a verdict do not keep one who was told to go at once.
static bool may_say_bye(const struct session *s)
{
    if (!s->is_draining || s->n_returned > 0) {
        return false;
    }
    return s->is_leaving || holds_nothing(s);
}

bool session_is_over(const struct session *s, int64_t now_ms)
{
    if (s->phase == PHASE_OVER || (s->is_leaving && now_ms >= s->leave_end_ms)) {
        return true;
    }
    if (!s->is_draining) {
        return false;
    }
    // Without a coordinator there is nobody to say BYE to, and in the end nobody to
    // wait for with a result.
    bool is_alone = s->phase == PHASE_GREETING;
    bool is_patient = now_ms - s->heard_ms < DRAIN_MS;
    bool is_computing = count_state(s, SLOT_HELD) > 0 && !s->is_leaving;
    return is_alone && !is_computing &&
           (s->is_leaving || holds_nothing(s) || !is_patient);
}

enum err session_verdict(const struct session *s, struct errinfo *why)
{
    if (s->refusal.code != ERR_OK && why) {
        *why = s->refusal;
    }
    return s->refusal.code;
}

const struct msg_welcome *session_welcome(const struct session *s, uint32_t *welcomes)
{
    *welcomes = s->n_welcomes;
    return &s->welcome;
}

// ---- what to say

static uint32_t fill_held(const struct session *s, struct held_task *out)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->conf.n_slots; i++) {
        const struct slot *slot = &s->slots[i];
        if (is_ours(slot)) {
            out[n++] = (struct held_task){slot->task_id, slot->token, slot->has_started,
                                          slot->progress};
        }
    }
    return n;
}

static void make_hello(const struct session *s, struct msg *out)
{
    out->kind = MSG_HELLO;
    out->hello = (struct msg_hello){
        .version_min = PROTO_VERSION_MIN,
        .version_max = PROTO_VERSION,
        .session = s->conf.id,
        .slots = s->conf.n_slots,
        .threads = s->conf.n_threads,
        .capabilities = s->conf.capabilities,
        .memory_bytes = s->conf.memory_bytes,
    };
    snprintf(out->hello.name, sizeof(out->hello.name), "%s", s->conf.name);
    memcpy(out->hello.device, s->conf.device, sizeof(out->hello.device));
    out->hello.n_held = fill_held(s, out->hello.held);
}

static bool next_release(struct session *s, int64_t now_ms, struct msg *out)
{
    (void)now_ms;
    if (s->n_returned == 0) {
        return false;
    }
    const struct returned *r = &s->returned[s->n_returned - 1];
    out->kind = MSG_RELEASE;
    out->release = (struct msg_release){s->conf.id, r->task_id, r->token};
    return true;
}

static bool next_result(struct session *s, int64_t now_ms, struct msg *out)
{
    for (uint32_t i = 0; i < s->conf.n_slots; i++) {
        const struct slot *slot = &s->slots[i];
        if (slot->state == SLOT_REPORTING && now_ms >= slot->report_due_ms) {
            out->kind = MSG_RESULT;
            out->result = slot->result;
            out->result.wants_more = !s->is_draining && now_ms >= s->rest_end_ms;
            return true;
        }
    }
    return false;
}

static bool next_beat(struct session *s, int64_t now_ms, struct msg *out)
{
    if (now_ms < s->beat_due_ms) {
        return false;
    }
    out->kind = MSG_BEAT;
    out->beat = (struct msg_beat){.session = s->conf.id};
    out->beat.n_held = fill_held(s, out->beat.held);
    return true;
}

static int64_t next_fetch_ms(const struct session *s)
{
    return s->fetch_due_ms > s->rest_end_ms ? s->fetch_due_ms : s->rest_end_ms;
}

static bool next_fetch(struct session *s, int64_t now_ms, struct msg *out)
{
    uint32_t n_free = count_open(s);
    if (s->is_draining || n_free == 0 || now_ms < next_fetch_ms(s)) {
        return false;
    }
    out->kind = MSG_FETCH;
    out->fetch = (struct msg_fetch){s->conf.id, n_free};
    return true;
}

static bool next_bye(struct session *s, int64_t now_ms, struct msg *out)
{
    (void)now_ms;
    out->kind = MSG_BYE;
    return may_say_bye(s);
}

// In order of weight: what ends a task goes before what keeps one.
static bool (*const live_steps[])(struct session *, int64_t, struct msg *) = {
    next_result, next_release, next_beat, next_fetch, next_bye,
};

static bool is_silent(const struct session *s, int64_t now_ms)
{
    return now_ms - s->heard_ms >= SILENT_BEATS * (int64_t)s->welcome.beat_ms;
}

static void greet(struct session *s, int64_t now_ms)
{
    s->phase = PHASE_GREETING;
    s->hello_due_ms = now_ms;
}

bool session_next(struct session *s, int64_t now_ms, struct msg *out)
{
    if (s->phase == PHASE_LIVE && is_silent(s, now_ms)) {
        greet(s, now_ms);
    }
    if (s->phase == PHASE_GREETING) {
        make_hello(s, out);
        return now_ms >= s->hello_due_ms;
    }
    for (size_t i = 0;
         s->phase == PHASE_LIVE && i < sizeof(live_steps) / sizeof(live_steps[0]);
         i++) {
        if (live_steps[i](s, now_ms, out)) {
            return true;
        }
    }
    return false;
}

static void sent_result(struct session *s, int64_t now_ms, const struct msg_result *r)
{
    struct slot *slot = find_ours(s, r->task_id);
    if (slot && slot->state == SLOT_REPORTING) {
        slot->report_due_ms = now_ms + RESULT_AGAIN_MS;
        slot->has_asked = r->wants_more;
    }
}

// What the coordinator says next is not ours was among what we named.
static void named_all(struct session *s)
{
    for (uint32_t i = 0; i < s->conf.n_slots; i++) {
        s->slots[i].was_named = is_ours(&s->slots[i]);
    }
}

static void sent_hello(struct session *s, int64_t now_ms)
{
    s->hello_due_ms = now_ms + HELLO_AGAIN_MS;
    named_all(s);
}

static void sent_beat(struct session *s, int64_t now_ms)
{
    s->beat_due_ms = now_ms + s->welcome.beat_ms;
    named_all(s);
}

void session_sent(struct session *s, int64_t now_ms, const struct msg *m)
{
    switch (m->kind) {
    case MSG_HELLO: sent_hello(s, now_ms); break;
    case MSG_FETCH: s->fetch_due_ms = now_ms + s->welcome.beat_ms; break;
    case MSG_BEAT: sent_beat(s, now_ms); break;
    case MSG_RESULT: sent_result(s, now_ms, &m->result); break;
    case MSG_RELEASE: s->n_returned--; break;
    case MSG_BYE: s->phase = PHASE_OVER; break;
    default: err_bug(__FILE__, __LINE__, "a worker does not say this");
    }
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t session_due_ms(const struct session *s)
{
    if (s->phase == PHASE_OVER) {
        return NEVER;
    }
    if (s->phase == PHASE_GREETING) {
        return s->hello_due_ms;
    }
    if (s->n_returned > 0 || may_say_bye(s)) {
        return 0;
    }
    int64_t silent_ms = s->heard_ms + SILENT_BEATS * (int64_t)s->welcome.beat_ms;
    int64_t due_ms = earlier(s->beat_due_ms, silent_ms);
    if (!s->is_draining && count_open(s) > 0) {
        due_ms = earlier(due_ms, next_fetch_ms(s));
    }
    for (uint32_t i = 0; i < s->conf.n_slots; i++) {
        if (s->slots[i].state == SLOT_REPORTING) {
            due_ms = earlier(due_ms, s->slots[i].report_due_ms);
        }
    }
    return due_ms;
}

// ---- what to make of what is said

// One leased after we named what we held is not what they speak of.
static void lose_named(struct session *s, int64_t now_ms, const uint64_t *task_ids,
                       uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        struct slot *slot = find_ours(s, task_ids[i]);
        if (slot && slot->was_named) {
            lose(s, slot, now_ms);
        }
    }
}

static void take_welcome(struct session *s, int64_t now_ms, const struct msg *m)
{
    const struct msg_welcome *w = &m->welcome;
    if (w->version < PROTO_VERSION_MIN || w->version > PROTO_VERSION) {
        s->phase = PHASE_OVER;
        err_set(&s->refusal, ERR_PROTO,
                "the coordinator speaks version %u of the protocol", w->version);
        return;
    }
    s->welcome = *w;
    s->n_welcomes++;
    s->phase = PHASE_LIVE;
    s->beat_due_ms = now_ms + w->beat_ms;
    s->fetch_due_ms = now_ms;
    lose_named(s, now_ms, w->stale, w->n_stale);
    for (uint32_t i = 0; i < s->conf.n_slots; i++) {
        s->slots[i].report_due_ms = now_ms; // at once: the last one may be lost
    }
}

static void take_lease(struct session *s, int64_t now_ms, const struct msg *m)
{
    const struct msg_lease *l = &m->lease;
    struct slot *held = find_ours(s, l->task_id);
    if (held && held->token >= l->token) {
        return; // said twice
    }
    if (held) { // ours again under a new token: the old attempt is over
        lose(s, held, now_ms);
    }
    if (!has_room_for(s, l->spec.kind) || s->is_draining) {
        give_back(s, l->task_id, l->token);
        return;
    }
    *find_free(s) = (struct slot){
        .state = SLOT_HELD, .task_id = l->task_id, .token = l->token, .spec = l->spec};
    s->fetch_due_ms = now_ms + s->welcome.beat_ms; // the rest of the credit stands
}

static void take_no_task(struct session *s, int64_t now_ms, const struct msg *m)
{
    s->fetch_due_ms = now_ms + m->no_task.retry_ms;
    s->is_draining = s->is_draining || m->no_task.is_draining;
}

static void take_beat_reply(struct session *s, int64_t now_ms, const struct msg *m)
{
    lose_named(s, now_ms, m->beat_reply.cancelled, m->beat_reply.n_cancelled);
}

// A FETCH now would cross the LEASE that an accepted RESULT asked for.
static void take_verdict(struct session *s, int64_t now_ms, const struct msg *m)
{
    struct slot *slot = find_ours(s, m->result_reply.task_id);
    if (!slot || slot->state != SLOT_REPORTING ||
        slot->token != m->result_reply.token) {
        return;
    }
    bool has_asked = slot->has_asked && m->result_reply.verdict == VERDICT_ACCEPTED;
    int64_t asked_due_ms =
        count_open(s) > 0 ? s->fetch_due_ms : now_ms + s->welcome.beat_ms;
    set_free(s, slot, now_ms);
    if (has_asked) {
        s->fetch_due_ms = asked_due_ms;
    }
}

static void take_refused(struct session *s, int64_t now_ms, const struct msg *m)
{
    const struct msg_refused *r = &m->refused;
    if (r->code == ERR_STALE && s->phase == PHASE_LIVE) {
        greet(s, now_ms);
    } else if (s->n_welcomes == 0 && (r->code == ERR_PROTO || r->code == ERR_AUTH)) {
        s->phase = PHASE_OVER;
        err_set(&s->refusal, r->code, "the coordinator refuses this worker: %s",
                r->text);
    }
}

typedef void take_fn(struct session *s, int64_t now_ms, const struct msg *m);

// Once welcomed, all is taken at its word, also while we say HELLO again: a coordinator
// that was merely slow has counted on it.
static const struct {
    take_fn *take;
    bool needs_welcome;
} takers[MSG_KINDS] = {
    [MSG_WELCOME] = {take_welcome, false},
    [MSG_LEASE] = {take_lease, true},
    [MSG_NO_TASK] = {take_no_task, true},
    [MSG_BEAT_REPLY] = {take_beat_reply, true},
    [MSG_RESULT_REPLY] = {take_verdict, true},
    [MSG_REFUSED] = {take_refused, false},
};

void session_take(struct session *s, int64_t now_ms, const struct msg *m)
{
    if (s->phase == PHASE_OVER || !takers[m->kind].take) {
        return;
    }
    s->heard_ms = now_ms;
    if (s->n_welcomes > 0 || !takers[m->kind].needs_welcome) {
        takers[m->kind].take(s, now_ms, m);
    }
}
