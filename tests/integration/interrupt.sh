#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# interrupt.sh - Ctrl-C drains and the same command goes on: to the same weights and
# figures, bit for bit, as a run that nobody interrupted (one worker, one shard).
source "$(dirname "$0")/lib.sh"

outcome() {
    query "$1" 'SELECT checkpoint FROM study;
        SELECT origin, architecture, checkpoint, eer_percent, mindcf_p01, mindcf_p05, network
        FROM trial ORDER BY origin, stage, architecture;
        SELECT stage, round, shard, position, loss FROM loss ORDER BY stage, round'
}

has_rounds() { [ "$(query "$1" 'SELECT count(*) FROM loss')" -ge "$2" ]; }

# interrupt SIGNAL AFTER_ROUNDS: runs, stops it in the middle, checks that it stopped well.
interrupt() {
    local status=0
    voxarch run "$work/study.yaml" --dir "$work/b" --workers 1 >"$work/out" 2>"$work/err" &
    local run=$!
    wait_until 60 "round $2" has_rounds "$work/b" "$2"
    kill -"$1" $run
    wait $run || status=$?
    [ $status -eq 130 ] || fail "exit status $status after $1"
    says 'draining.*Ctrl-C again to stop now'
    says 'go on with: voxarch run'
    no_process_left || fail "processes are left after $1: $(ours)"
    [ "$(query "$work/b" "SELECT state < $STUDY_DONE FROM study")" = 1 ] || fail "it was done already"
    is_zero "tasks leased after a drain" "$work/b" 'SELECT count(*) FROM task WHERE state = 2'
    is_zero "attempts charged by a drain" "$work/b" 'SELECT sum(n_charged) FROM task'
}

make_test_corpus
write_study 4 1

expect 0 voxarch run "$work/study.yaml" --dir "$work/a" --workers 1
check_store "$work/a"

interrupt INT 3
interrupt TERM 7
expect 0 voxarch run "$work/study.yaml" --dir "$work/b" --workers 1
check_store "$work/b"
check_results "$work/b"

outcome "$work/a" >"$work/outcome_a"
outcome "$work/b" >"$work/outcome_b"
diff "$work/outcome_a" "$work/outcome_b" || fail "the interrupted run came out differently"
