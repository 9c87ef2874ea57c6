#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# kill_run.sh - kill -9 of `voxarch run` itself: no process is left, and the same command
# completes the run.
source "$(dirname "$0")/../integration/lib.sh"

is_training() { [ "$(query "$work/run" 'SELECT count(*) FROM loss')" -ge 3 ]; }

make_test_corpus
write_study 6 2
voxarch run "$work/study.yaml" --dir "$work/run" --workers 2 >"$work/out" 2>"$work/err" &
run=$!
wait_until 60 "some rounds" is_training
[ "$(ours | wc -l)" -ge 4 ] || fail "expected run, coordinator and two workers"
kill -9 $run
wait $run 2>/dev/null || true
wait_until 10 "the children to go" no_process_left

query "$work/run" "SELECT id, token, hex(result) FROM task WHERE state = 3" >"$work/settled"
expect 0 voxarch run "$work/study.yaml" --dir "$work/run" --workers 2
check_store "$work/run"
check_results "$work/run"
query "$work/run" "SELECT id, token, hex(result) FROM task WHERE state = 3" >"$work/final"
lost=$(grep -vxFf "$work/final" "$work/settled" || true)
[ -z "$lost" ] || fail "acknowledged before the kill, gone or changed after it: $lost"
