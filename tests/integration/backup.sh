#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# backup.sh - backups are taken while a run goes on; the run is lost, and one of them
# goes on to the end.
source "$(dirname "$0")/lib.sh"

has_rounds() { [ "$(query "$work/run" 'SELECT count(*) FROM loss')" -ge "$1" ]; }

make_test_corpus
write_study 4 2
voxarch run "$work/study.yaml" --dir "$work/run" --workers 2 >"$work/run.out" 2>"$work/run.err" &
run=$!
wait_until 60 "the first round" has_rounds 1

# One after the other, while tasks are granted and settled.
for i in 1 2 3 4; do
    wait_until 60 "round $((2 * i))" has_rounds $((2 * i))
    expect 0 voxarch backup "$work/run" --to "$work/backup$i"
    says "backup$i: the database and [0-9]+ artifacts"
    [ "$(query "$work/backup$i" 'PRAGMA integrity_check')" = ok ] || fail "backup $i is damaged"
done
kill -0 $run || fail "the run ended before its last backup"
expect 2 voxarch backup "$work/run" --to "$work/backup1"
says 'there already'
expect 2 voxarch backup "$work/nowhere" --to "$work/backup9"
says 'no run directory'

# Every task and process is lost.
pkill -9 -P $run
kill -9 $run
wait $run 2>/dev/null || true
wait_until 10 "the processes to be gone" no_process_left
rounds=$(query "$work/backup4" 'SELECT count(*) FROM loss')
[ "$rounds" -ge 4 ] || fail "the last backup knows of $rounds shards only"
rm -rf "$work/run"

expect 0 voxarch run "$work/study.yaml" --dir "$work/backup4" --workers 2
check_store "$work/backup4"
check_results "$work/backup4"
[ "$(query "$work/backup4" 'SELECT count(*) FROM loss')" -gt "$rounds" ] || fail "nothing was left to do"
