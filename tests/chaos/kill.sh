#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill.sh coordinator|agent|runner - kill -9 of one process, several times, in the middle
# of a run: the run completes, and every acknowledged result is there once.
source "$(dirname "$0")/../integration/lib.sh"
victim=$1
n_kills=3

agent=
has_agent() { agent=$(agent_pid "$work/run" 1) && [ -n "$agent" ]; }
find_victim() { # in $pid
    case $victim in
        coordinator) pid=$(coordinator_pid "$work/run") && [ -n "$pid" ] ;;
        agent) has_agent && pid=$agent ;;
        runner) find_runner_of "$agent" ;;
    esac
}

has_done() { [ "$(query "$work/run" 'SELECT count(*) FROM task WHERE state = 3')" -ge "$1" ]; }

make_test_corpus
write_study 16 2 # long enough for all kills, however slow we are at them
voxarch run "$work/study.yaml" --dir "$work/run" --workers 2 >"$work/out" 2>"$work/err" &
run=$!

: >"$work/settled"
wait_until 30 "an agent" has_agent
killed=0
while [ $killed -lt $n_kills ]; do
    wait_until 90 "progress" has_done $((2 + 4 * killed))
    # What was acknowledged before the kill: (task, token, result) must be there after it.
    query "$work/run" "SELECT id, token, hex(result) FROM task WHERE state = 3" >>"$work/settled"
    wait_until 30 "a $victim" find_victim
    kill -9 "$pid" && killed=$((killed + 1)) # at once: a runner is soon gone
done

status=0
wait $run || status=$?
[ $status -eq 0 ] || { cat "$work/err"; fail "the run ended with $status"; }
no_process_left || fail "processes are left: $(ours)"
check_store "$work/run"
check_results "$work/run"
query "$work/run" "SELECT id, token, hex(result) FROM task WHERE state = 3" >"$work/final"
lost=$(sort -u "$work/settled" | grep -vxFf "$work/final" || true)
[ -z "$lost" ] || fail "acknowledged before the kill, gone or changed after it: $lost"
