#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# twice.sh - a second `voxarch run` on a live directory is told so; a second Ctrl-C stops
# at once and loses nothing.
source "$(dirname "$0")/lib.sh"

is_training() { [ "$(query "$work/run" 'SELECT count(*) FROM loss')" -ge 1 ]; }

make_test_corpus
write_study 200 2
voxarch run "$work/study.yaml" --dir "$work/run" --workers 1 >"$work/out" 2>"$work/err" &
run=$!
wait_until 60 "the first round" is_training

cp "$work/err" "$work/first"
expect 1 voxarch run "$work/study.yaml" --dir "$work/run" --workers 1
says "in use by another voxarch run \\(process $run\\)"
expect 0 voxarch study show --dir "$work/run"
says 'study tiny \(id 1\): training'
expect 0 voxarch study ls --dir "$work/run" --json
kill -0 $run || fail "the first run did not survive the second"

kill -INT $run
sleep 0.2
kill -INT $run 2>/dev/null || true
status=0
wait $run || status=$?
[ $status -eq 130 ] || fail "exit status $status after the second Ctrl-C"
no_process_left || fail "processes are left: $(ours)"
[ "$(query "$work/run" 'PRAGMA integrity_check')" = ok ] || fail "database damaged"
