#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# full_disk.sh - the disk of a run fills up: what is leased is settled, nothing new is
# begun, it is said so; when there is room again the run goes on by itself to its end.
# Needs to mount a small file system; where that is not allowed it is skipped.
if [ -z "${VOXARCH_OWN_MOUNTS:-}" ]; then
    if ! unshare --mount true 2>/dev/null; then
        echo "SKIPPED: mounting a small file system is not allowed here"
        exit 77
    fi
    VOXARCH_OWN_MOUNTS=1 exec unshare --mount bash "$0" "$@"
fi
source "$(dirname "$0")/lib.sh"

leave() {
    local status=$?
    ours | xargs -r kill -9 2>/dev/null || true
    umount -l "$work/disk" 2>/dev/null || true
    clean_up $status
}
trap leave EXIT

run=$work/disk/run
losses() { query "$run" 'SELECT count(*) FROM loss'; }
attempts() { query "$run" 'SELECT count(*) FROM attempt'; }
has_rounds() { [ "$(losses)" -ge "$1" ]; }
is_full() { voxarch status --dir "$run" | grep -q 'the disk is full'; }
has_room() { voxarch status --dir "$run" >"$work/out" && ! grep -q 'the disk is full' "$work/out"; }
is_settled() { [ "$(query "$run" 'SELECT count(*) FROM task WHERE state = 2')" = 0 ]; }

make_test_corpus
write_study 6 1
mkdir "$work/disk"
mount -t tmpfs -o size=24m voxarch_test "$work/disk"

voxarch-coordinator --dir "$run" --study "$work/study.yaml" --reserve 4 --exit-when-done \
    2>"$work/coordinator.log" &
coordinator=$!
wait_until 20 "endpoints" test -s "$run/endpoints"
[ "$(stat -c %s "$run/reserve")" = $((4 << 20)) ] || fail "no reserve"
endpoint=$(sed -n 's/^worker=//p' "$run/endpoints")
voxarch-worker --connect "$endpoint" --dir "$work/cache" 2>"$work/worker.log" &
wait_until 60 "the first rounds" has_rounds 3

# Everything but the reserve is taken.
dd if=/dev/zero of="$work/disk/filler" bs=64k 2>/dev/null && fail "the disk did not fill"
wait_until 20 "the status to say so" is_full
[ ! -e "$run/reserve" ] || fail "the reserve is still there"
grep -q 'event=disk.full' "$work/coordinator.log" || fail "not in the log"
wait_until 20 "what was leased to be settled" is_settled
is_zero "settled as failures" "$run" 'SELECT count(*) FROM attempt WHERE outcome != 1'

# Nothing new begins, whatever the worker asks for.
before=$(attempts)
sleep 2
[ "$(attempts)" = "$before" ] || fail "a task was granted on a full disk"
is_full || fail "it took its reserve back too early"
kill -0 $coordinator || fail "the coordinator left"

rm "$work/disk/filler"
wait_until 20 "normal service" has_room
[ "$(stat -c %s "$run/reserve")" = $((4 << 20)) ] || fail "the reserve is not made anew"
wait $coordinator || fail "the coordinator ended with status $?"
grep -q 'event=disk.has_room' "$work/coordinator.log" || fail "recovery is not in the log"
check_store "$run"
check_results "$run"
