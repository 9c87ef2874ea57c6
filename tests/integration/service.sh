#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# service.sh - both daemons under a service manager: ready when they serve, alive only
# while they turn, stopping when told; SIGTERM drains, a second one ends it now. Every
# line they log is logfmt, whatever peers are called.
source "$(dirname "$0")/lib.sh"

has_endpoints() { [ -s "$work/c/endpoints" ]; }
has_told() { grep -q -- "$2" "$work/$1.told"; }
n_alive() { grep -c '^WATCHDOG=1$' "$work/$1.told" || true; }
listen() { # NAME: the manager of NAME
    manager "$work/$1.socket" >"$work/$1.told" &
    is_there() { [ -S "$work/$1.socket" ]; }
    wait_until 5 "the manager's socket" is_there "$1"
}
as_service() { # NAME COMMAND...: in place of this shell, so that the pid is its own
    local name=$1
    shift
    NOTIFY_SOCKET=$work/$name.socket WATCHDOG_USEC=1000000 exec "$@" 2>>"$work/$name.log"
}
start_coordinator() {
    (as_service c voxarch-coordinator --dir "$work/c" --study "$work/study.yaml") &
    coordinator=$!
    wait_until 20 "the endpoints" has_endpoints
}
start_worker() { # NAME
    (as_service w voxarch-worker --connect "$(sed -n 's/^worker=//p' "$work/c/endpoints")" \
        --dir "$work/w" --name "$1") &
    worker=$!
}
is_leased() { [ "$(query "$work/c" 'SELECT count(*) FROM task WHERE state = 2')" -ge 1 ]; }
grows() { # NAME: its watchdog hears of it
    local before
    before=$(n_alive "$1")
    more() { [ "$(n_alive "$1")" -gt $((before + 1)) ]; }
    wait_until 10 "life of $1" more "$1"
}
falls_silent() { # NAME PID: stopped, it says nothing, and then again
    kill -STOP "$2"
    sleep 0.2 # what is on its way
    local before
    before=$(n_alive "$1")
    sleep 1.3 # more than a period
    [ "$(n_alive "$1")" -eq "$before" ] || fail "$1 is alive while it stands still"
    kill -CONT "$2"
    grows "$1"
}
ends_with() { # STATUS SECONDS PID
    local status=0 began=$SECONDS
    wait "$3" || status=$?
    [ $status -eq "$1" ] || fail "exit status $status instead of $1"
    [ $((SECONDS - began)) -le "$2" ] || fail "took longer than $2 s to leave"
}

make_test_corpus
write_study 20000 1
sed -i 's/round_steps: 2$/round_steps: 100000/' "$work/study.yaml" # a task of minutes

listen c
listen w
start_coordinator
wait_until 10 "READY of the coordinator" has_told c '^READY=1$'
start_worker 'a " event=forged.line x="1'
wait_until 10 "READY of the worker" has_told w '^READY=1$'
wait_until 20 "a leased task" is_leased
wait_until 5 "a status line" has_told c '^STATUS=1 workers, 1 tasks leased, 0 waiting$'
wait_until 5 "a status line" has_told w '^STATUS=works for tcp://.*, holds 1 tasks$'
grows c
grows w
falls_silent c "$coordinator"
falls_silent w "$worker"

# ---- a worker that is told twice gives back what it holds, uncharged
kill "$worker"
wait_until 5 "the drain of the worker" has_told w '^STATUS=draining; works for'
kill -0 "$worker" || fail "it left though it holds a task"
kill "$worker"
ends_with 0 3 "$worker"
has_told w '^STOPPING=1$' || fail "the worker did not say that it stops"
is_back() { ! is_leased; }
wait_until 5 "the task given back" is_back
is_zero "charges" "$work/c" 'SELECT sum(n_charged) FROM task'

# ---- a coordinator drains while a task is out, and leaves when told twice
start_worker plain
wait_until 20 "a leased task" is_leased
kill "$coordinator"
wait_until 5 "the drain of the coordinator" has_told c '^STATUS=draining; 1 workers, 1 tasks'
kill -0 "$coordinator" || fail "it left though a task is leased"
kill "$coordinator"
ends_with 0 3 "$coordinator"
has_told c '^STOPPING=1$' || fail "the coordinator did not say that it stops"
kill "$worker"
drains_too() { [ "$(grep -c event=agent.draining "$work/w.log")" -ge 2 ]; }
wait_until 5 "the drain of the second worker" drains_too # two at once would be one
kill "$worker"
ends_with 0 5 "$worker"

# ---- the logs, by another reader than ours
value='("([^"\\]|\\["\\])*"|[^ "=\\]*)'
pair="[A-Za-z0-9_.]+=$value"
line="^ts=[0-9T:.Z-]+ level=(debug|info|warn|error) prog=[a-z-]+ pid=[0-9]+ event=[a-z]+\.[a-z_.]+( $pair)*\$"
[ "$(cat "$work"/[cw].log | wc -l)" -ge 10 ] || fail "hardly a line was logged"
if grep -EHnv -- "$line" "$work"/[cw].log; then
    fail "those lines are not logfmt"
fi
grep -q 'event=worker.joined.*name="a \\" event=forged.line x=\\"1"' "$work/c.log" ||
    fail "the name with quotes is not in the log"
