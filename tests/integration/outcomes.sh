#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# outcomes.sh - each way a runner can fail is told from the others, with its last lines;
# the agent lives on through all of them, and no process is left.
source "$(dirname "$0")/lib.sh"

is_sanitized() { grep -qa __asan_init "$VOXARCH_BIN/voxarch-worker"; }
has_endpoints() { [ -s "$work/$1/endpoints" ]; }
start_coordinator() { # DIR
    mkdir -p "$work/$1"
    voxarch-coordinator --dir "$work/$1" --study "$work/study.yaml" 2>"$work/$1/log" &
    wait_until 20 "the endpoints" has_endpoints "$1"
}
start_worker() { # DIR OPTION...
    local dir=$1
    shift
    voxarch-worker --connect "$(sed -n 's/^worker=//p' "$work/$dir/endpoints")" \
        --dir "$work/$dir-w" --name w "$@" 2>>"$work/$dir/worker.log" &
    agent=$!
}
stop() { # DIR
    kill -9 "$agent" 2>/dev/null || true
    pkill -9 -f -- "voxarch-coordinator --dir $work/$1 " || true
    wait 2>/dev/null || true
}
runner() { pgrep -P "$agent" | head -n 1 || true; }
has_runner() { [ -n "$(runner)" ]; }
is_busy() { has_runner && [ "$(grep -c event=task.started "$work/$1/worker.log")" -gt "$2" ]; }
has_outcome() { # DIR OUTCOME: enum outcome
    [ "$(query "$work/$1" "SELECT count(*) FROM attempt WHERE outcome = $2")" -ge 1 ]
}
fails_as() { # DIR OUTCOME NAME SENTENCE
    wait_until 30 "outcome $3" has_outcome "$1" "$2"
    kill -0 "$agent" || fail "the agent is gone after $3"
    expect 0 voxarch study show "$work/$1"
    says "$3 +.*$4"
}

make_test_corpus
write_study 20000 1
sed -i 's/round_steps: 2$/round_steps: 100000/' "$work/study.yaml" # a task of minutes

# ---- by signals from outside: a crash has a name, one that hangs is seen to be alive
start_coordinator a
start_worker a --task-timeout 2
wait_until 30 "a runner" is_busy a 0
is_under_way() { ! has_outcome a 3; }
kill -ABRT "$(runner)"
fails_as a 3 crash 'died of SIGABRT \(aborted\)'
wait_until 30 "a runner" is_busy a 1
kill -STOP "$(runner)"
fails_as a 7 hang 'alive, but no progress for 2 s'
stop a

# ---- memory: refused under the limit of the study, which is also a need
if is_sanitized; then
    echo "SKIPPED: limits of memory (sanitizers map more than any)"
else
    sed -i 's/width: \[16\]/width: [2048]/; s/cat: .*/cat: [4096]/; s/crop: 0.5/crop: 4/; s/batch: 8/batch: 32/; /^targets/d' \
        "$work/study.yaml"
    echo 'limits: {memory: 128MiB}' >>"$work/study.yaml"
    start_coordinator b
    start_worker b --memory 127MiB
    has_joined() { grep -q event=worker.joined "$work/b/log"; }
    wait_until 20 "the small worker" has_joined
    sleep 1.5 # more than a FETCH
    is_zero "tasks given to a worker too small" "$work/b" 'SELECT count(*) FROM attempt'
    kill "$agent"
    wait "$agent"
    start_worker b --memory 4GiB
    fails_as b 5 nomem 'memory was refused: the task may allocate 128.0 MiB'
    says 'bug.found at='
    stop b
fi

# ---- too long, though it makes progress
write_study 20000 1 slow
sed -i 's/round_steps: 2$/round_steps: 100000/' "$work/study.yaml"
echo 'limits: {run_s: 1}' >>"$work/study.yaml"
start_coordinator d
start_worker d
fails_as d 6 timeout 'ran for longer than its limit of 1 s'
stop d

# ---- nothing is left: neither of those that were killed nor of their agents'
no_process_left || fail "processes are left: $(ours)"
no_runner_left() {
    local pid
    for pid in $(sed -n 's/.*event=task.started.* runner=//p' "$work"/*/worker.log); do
        [ "$(readlink -f "/proc/$pid/exe")" != "$(readlink -f "$VOXARCH_BIN/voxarch-worker")" ] ||
            return 1
    done
}
wait_until 5 "runners that are left end" no_runner_left
