#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# hostile.sh - nonsense at every socket of a coordinator: refused, counted, and the study
# goes on beside it as if nothing had happened.
source "$(dirname "$0")/lib.sh"

has_endpoints() { [ -s "$work/run/endpoints" ]; }
is_training() { [ "$(query "$work/run" 'SELECT count(*) FROM loss')" -ge 1 ]; }
endpoint() { sed -n "s/^$1=//p" "$work/run/endpoints"; }
refused() { ask "$(endpoint admin)" | sed -n 's/^messages_refused=//p'; }

make_test_corpus
write_study 12 2
voxarch run "$work/study.yaml" --dir "$work/run" --workers 2 >"$work/out" 2>"$work/err" &
run=$!
wait_until 60 "the first round" is_training
coordinator=$(sed -n 's/^pid=//p' "$work/run/endpoints")

for socket in worker bulk admin; do
    for kind in random stranger truncated; do
        before=$(refused)
        garbage "$(endpoint $socket)" $kind 50 || fail "$kind at $socket was not sent"
        more_refused() { [ "$(refused)" -gt "$before" ]; }
        wait_until 20 "refusals of $kind at $socket" more_refused
    done
    garbage "$(endpoint $socket)" huge 3 || true # cut off by ZeroMQ itself
done
[ "$(sed -n 's/^pid=//p' "$work/run/endpoints")" = "$coordinator" ] ||
    fail "the coordinator did not survive"
kill -0 "$coordinator" 2>/dev/null || fail "the coordinator did not survive"

status=0
wait $run || status=$?
[ $status -eq 0 ] || fail "the run ended with $status"
check_store "$work/run"
check_results "$work/run"
is_zero "attempts charged" "$work/run" 'SELECT sum(n_charged) FROM task'
