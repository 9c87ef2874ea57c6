// SPDX-License-Identifier: Apache-2.0
// sim_home.c - see sim_home.h.
#include "tests/sim/sim_home.h"

#include "coordinator/turn.h"
#include "proto/wire.h"
#include "tests/sim/sim_agent.h"
#include "tests/sim/sim_commit.h"
#include "tests/sim/sim_driver.h"
#include "tests/sim/sim_net.h"
#include "tests/sim/sim_oracle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS        500
#define PAGES_NO_LIMIT (1 << 28)

typedef unsigned long long llu;

// Where in a turn the process dies.
enum death {
    DEATH_NONE,
    DEATH_BEFORE_COMMIT,
    DEATH_AFTER_COMMIT, // some replies may have left
};

struct sim_home {
    struct store *store; // NULL: not running
    struct blob_store *blobs;
    struct turn *turn;
    uint32_t life;
    char artifact[HASH_HEX_MAX];
    int64_t resume_ms;
    int64_t commits_fail_until_ms, disk_full_until_ms;
    bool is_disk_full;
    int64_t turn_ms; // when a turn is due; SIM_NEVER
    enum death death;
    int64_t n_last_words; // replies that leave a dying process
};

static struct sim_world *world; // whose turn it is: store_commit has no argument for it
static struct msg heard, said;  // large

static void must(struct sim_world *w, enum err e, const struct errinfo *why)
{
    if (e != ERR_OK) {
        sim_world_fail(w, "the coordinator cannot start: %s: %s", err_name(e),
                       why->text);
    }
}

static void path_of(const struct sim_world *w, const char *name, char out[128])
{
    snprintf(out, 128, "%s/%s", w->dir, name);
}

// ---- what the turn says

static uint32_t connection_of(const struct route *r)
{
    uint32_t connection = 0;
    memcpy(&connection, r->bytes + 1, sizeof(connection));
    return connection;
}

static struct route route_of(uint32_t connection)
{
    struct route r = {.n = 5};
    memcpy(r.bytes + 1, &connection, sizeof(connection));
    return r;
}

static bool has_last_words(struct sim_home *h)
{
    return h->death == DEATH_NONE ||
           (h->death == DEATH_AFTER_COMMIT && h->n_last_words-- > 0);
}

static bool on_send(void *arg, const struct route *to, const void *bytes, size_t n)
{
    struct sim_world *w = arg;
    uint32_t connection = connection_of(to);
    uint32_t agent = sim_agent_of(connection);
    struct errinfo why = {0};
    if (!has_last_words(w->home)) {
        return true;
    }
    if (wire_decode(bytes, n, &said, &why) != ERR_OK) {
        sim_world_fail(w, "the coordinator cannot be understood: %s", why.text);
        return false;
    }
    if (said.kind == MSG_LEASE) {
        sim_oracle_granted(w, said.lease.task_id, said.lease.token, agent);
        sim_world_trace(w, "agent %u is leased task %llu token %llu", agent,
                        (llu)said.lease.task_id, (llu)said.lease.token);
    }
    if (connection != sim_agent_connection(w, agent)) {
        return false;
    }
    sim_net_to_agent(w, agent, bytes, n);
    return true;
}

static void plan_turn(struct sim_world *w, int64_t at_ms)
{
    struct sim_home *h = w->home;
    if (at_ms < h->turn_ms) {
        h->turn_ms = at_ms;
        sim_world_at(w, at_ms, SIM_HOME_TURN)->life = h->life;
    }
}

static void on_wake(void *arg)
{
    struct sim_world *w = arg;
    plan_turn(w, w->now_ms);
}

static struct turn_now now_of(const struct sim_world *w)
{
    return (struct turn_now){w->now_ms, w->wall_ms};
}

// ---- life

static void open_stored(struct sim_world *w)
{
    struct errinfo why = {0};
    must(w, store_open(w->dir, &w->home->store, &why), &why);
}

static void add_studies(struct sim_world *w)
{
    struct errinfo why = {0};
    struct store *s = w->home->store;
    enum err e = store_begin(s, &why);
    for (uint32_t i = 0; i < w->plan.n_studies && e == ERR_OK; i++) {
        struct study_row study = {.state = STUDY_TRAINING};
        snprintf(study.name, sizeof(study.name), "study-%u", i + 1);
        e = study_row_insert(s, &study, &why);
    }
    must(w, e == ERR_OK ? store_commit(s, &why) : e, &why);
}

void sim_home_create(struct sim_world *w)
{
    w->home = calloc(1, sizeof(*w->home));
    BUG_ON(!w->home);
    world = w;
    char path[128];
    path_of(w, "blobs", path);
    struct errinfo why = {0};
    must(w, blob_store_open(path, NULL, &w->home->blobs, &why), &why);
    must(w, blob_put_bytes(w->home->blobs, "x", 1, w->home->artifact, &why), &why);
    open_stored(w);
    add_studies(w);
    store_close(w->home->store);
    w->home->store = NULL;
    sim_world_at(w, w->now_ms + TICK_MS, SIM_HOME_TICK);
}

static void stop(struct sim_world *w)
{
    struct sim_home *h = w->home;
    turn_destroy(h->turn);
    store_close(h->store); // rolls back what was not committed
    h->turn = NULL;
    h->store = NULL;
}

void sim_home_destroy(struct sim_world *w)
{
    stop(w);
    blob_store_close(w->home->blobs);
    free(w->home);
    world = NULL;
}

void sim_home_starts(struct sim_world *w, struct sim_event *e)
{
    (void)e;
    struct sim_home *h = w->home;
    open_stored(w);
    if (w->failure[0]) {
        return;
    }
    h->life++;
    h->death = DEATH_NONE;
    h->resume_ms = 0;
    h->is_disk_full = false;
    h->turn_ms = SIM_NEVER;
    const struct turn_ports ports = {.arg = w, .send = on_send, .wake = on_wake};
    struct errinfo why = {0};
    must(w, turn_create(h->store, h->blobs, &ports, now_of(w), &h->turn, &why), &why);
    if (!w->failure[0]) {
        turn_set_driver(h->turn, sim_driver_init(h->store, turn_driver_hooks(h->turn),
                                                 &w->plan, h->artifact));
        turn_set_bulk_port(h->turn, 20001);
    }
    for (uint32_t i = 0; i < w->plan.n_agents; i++) {
        sim_agent_reconnect(w, i);
    }
    sim_oracle_excuse(w);
    sim_world_trace(w, "the coordinator begins");
}

static void die(struct sim_world *w)
{
    sim_world_trace(w, "the coordinator crashes");
    stop(w);
    sim_world_at(w, w->now_ms + sim_world_between(w, 100, 20000), SIM_HOME_STARTS);
}

bool sim_home_is_up(const struct sim_world *w)
{
    return w->home->turn != NULL;
}

static bool is_awake(struct sim_world *w)
{
    return w->home->turn && w->home->resume_ms <= w->now_ms;
}

// ---- the environment

bool sim_commit_fails(void)
{
    const struct sim_home *h = world->home;
    return h->death == DEATH_BEFORE_COMMIT ||
           (h->turn && world->now_ms < h->commits_fail_until_ms &&
            sim_world_has_faults(world));
}

static void set_disk(struct sim_world *w)
{
    struct sim_home *h = w->home;
    bool is_full = w->now_ms < h->disk_full_until_ms && sim_world_has_faults(w);
    if (is_full != h->is_disk_full) {
        store_limit_pages(h->store, is_full ? 1 : PAGES_NO_LIMIT);
        h->is_disk_full = is_full;
        sim_world_trace(w, "disk full: %d", is_full);
    }
    if (is_full || w->now_ms < h->commits_fail_until_ms) {
        sim_oracle_excuse(w); // what cannot be written does not expire
    }
}

// ---- events

static void run_turn(struct sim_world *w)
{
    set_disk(w);
    turn_end(w->home->turn, now_of(w));
    if (w->home->death != DEATH_NONE) {
        die(w);
    }
}

void sim_home_turn(struct sim_world *w, struct sim_event *e)
{
    struct sim_home *h = w->home;
    if (!h->turn || e->life != h->life || h->turn_ms == SIM_NEVER) {
        return;
    }
    h->turn_ms = SIM_NEVER;
    if (is_awake(w)) {
        run_turn(w);
    } else {
        plan_turn(w, h->resume_ms);
    }
}

void sim_home_tick(struct sim_world *w, struct sim_event *e)
{
    (void)e;
    if (is_awake(w)) {
        run_turn(w);
    }
    sim_world_at(w, w->now_ms + TICK_MS, SIM_HOME_TICK);
}

static void note_held(struct sim_world *w, uint32_t agent, const struct held_task *held,
                      uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        sim_oracle_renewed(w, held[i].token, agent, held[i].has_started);
    }
}

static void note_heard(struct sim_world *w, uint32_t agent)
{
    switch (heard.kind) {
    case MSG_HELLO: note_held(w, agent, heard.hello.held, heard.hello.n_held); break;
    case MSG_BEAT: note_held(w, agent, heard.beat.held, heard.beat.n_held); break;
    case MSG_RESULT:
        if (heard.result.outcome != OUTCOME_OK) {
            sim_oracle_failed(w, heard.result.token);
        }
        break;
    default: break;
    }
}

static void put_off(struct sim_world *w, struct sim_event *e)
{
    struct sim_event *later = sim_world_at(w, w->home->resume_ms, SIM_HOME_HEARS);
    struct buf spare = later->bytes;
    later->agent = e->agent;
    later->life = e->life;
    later->bytes = e->bytes;
    e->bytes = spare;
}

void sim_home_hears(struct sim_world *w, struct sim_event *e)
{
    struct sim_home *h = w->home;
    if (!h->turn || e->life != sim_agent_connection(w, e->agent)) {
        return;
    }
    if (!is_awake(w)) {
        put_off(w, e);
        return;
    }
    struct errinfo why = {0};
    if (wire_decode(e->bytes.data, e->bytes.len, &heard, &why) != ERR_OK) {
        sim_world_fail(w, "a worker cannot be understood: %s", why.text);
        return;
    }
    sim_world_trace(w, "home hears %s of agent %u", msg_kind_name(heard.kind),
                    e->agent);
    note_heard(w, e->agent);
    struct route from = route_of(e->life);
    set_disk(w);
    turn_message(h->turn, &from, e->bytes.data, e->bytes.len, now_of(w));
    plan_turn(w, w->now_ms + sim_world_between(w, 0, 3)); // others come with it
}

// ---- faults

void sim_home_crash(struct sim_world *w)
{
    struct sim_home *h = w->home;
    if (!h->turn || h->death != DEATH_NONE) {
        return;
    }
    switch (sim_world_between(w, 0, 2)) {
    case 0: die(w); break; // with messages taken in and nothing decided
    case 1: h->death = DEATH_BEFORE_COMMIT; break;
    default:
        h->death = DEATH_AFTER_COMMIT;
        h->n_last_words = sim_world_between(w, 0, 3);
    }
}

void sim_home_pause(struct sim_world *w, int64_t ms)
{
    sim_world_trace(w, "the coordinator is stopped for %lld ms", (long long)ms);
    w->home->resume_ms = w->now_ms + ms;
    sim_oracle_excuse(w);
}

void sim_home_fail_commits(struct sim_world *w, int64_t ms)
{
    sim_world_trace(w, "commits fail for %lld ms", (long long)ms);
    w->home->commits_fail_until_ms = w->now_ms + ms;
}

void sim_home_fill_disk(struct sim_world *w, int64_t ms)
{
    w->home->disk_full_until_ms = w->now_ms + ms;
}

// ---- checks

void sim_home_check(struct sim_world *w)
{
    if (!w->home->turn) {
        return;
    }
    if (!is_awake(w)) {
        sim_oracle_excuse(w);
    }
    sim_oracle_check(w, w->home->store);
}

bool sim_home_is_done(struct sim_world *w)
{
    struct task_counts n;
    return is_awake(w) && task_count(w->home->store, 0, &n) == ERR_OK && n.ready == 0 &&
           n.leased == 0 && n.done + n.buried + n.cancelled > 0 &&
           turn_is_quiet(w->home->turn);
}

void sim_home_check_end(struct sim_world *w)
{
    sim_oracle_check_end(w, w->home->store);
}
