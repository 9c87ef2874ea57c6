#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# keys.sh - a search under keys, and everybody who has no business there: unlisted keys,
# peers that do not encrypt, wrong roles, a thief, a tape. Refused, counted, and the
# search goes on beside it as if nothing had happened.
source "$(dirname "$0")/lib.sh"

keys=$work/keys
has_endpoints() { [ -s "$work/c/endpoints" ]; }
endpoint() { sed -n "s/^$1=//p" "$work/c/endpoints"; }
status_of() { ask "$(endpoint admin)" "$keys/viewer" "$keys/coordinator.pub" | sed -n "s/^$1=//p"; }
# grows COUNTER COMMAND...: the command may fail, the counter must grow.
grows() {
    local counter=$1 before
    before=$(status_of "$counter")
    shift
    "$@" >"$work/out" 2>&1 || true
    more() { [ "$(status_of "$counter")" -gt "$before" ]; }
    wait_until 20 "$counter after: $*" more
}
allow() { # NAME...: lists them, by the role their names begin with
    local name
    for name in "$@"; do
        printf '%s %s %s\n' "${name%%-*}" "$(cat "$keys/$name.pub")" "$name"
    done >"$work/allow.new"
    mv "$work/allow.new" "$work/allow"
}
start_worker() { # KEY NAME
    mkdir -p "$work/$2"
    voxarch-worker --connect "$(endpoint worker)" --dir "$work/$2" --name "$2" \
        --key "$keys/$1" --coordinator-key "$keys/coordinator.pub" 2>"$work/$2/log" &
}

mkdir -p "$keys" "$work/c"
for name in coordinator worker-1 worker-2 operator viewer stranger; do
    voxarch keygen -o "$keys/$name" >"$keys/$name.pub"
done
[ "$(stat -c %a "$keys/viewer")" = 600 ] || fail "a key file that others may read"
expect 1 voxarch keygen -o "$keys/viewer"
says 'never overwritten'

# ---- what the command lines refuse
expect 2 voxarch-coordinator --dir "$work/c" --listen tcp://0.0.0.0:20599
says 'keygen'
expect 2 voxarch-coordinator --dir "$work/c" --key "$keys/coordinator"
says 'allow is missing'
chmod 640 "$keys/worker-1"
expect 2 voxarch-worker --connect tcp://127.0.0.1:20599 --dir "$work/x" \
    --key "$keys/worker-1" --coordinator-key "$keys/coordinator.pub"
says "chmod 600 $keys/worker-1"
chmod 600 "$keys/worker-1"
expect 2 voxarch-worker --connect tcp://127.0.0.1:20599 --dir "$work/x" \
    --key "$keys/worker-1" --coordinator-key "$keys/coordinator"
says 'secret key'
printf 'worker %s w\nworker nonsense v\n' "$(cat "$keys/worker-1.pub")" >"$work/allow"
expect 2 voxarch-coordinator --dir "$work/c" --key "$keys/coordinator" --allow "$work/allow"
says "$work/allow:2"

# ---- a search under keys; the workers share one
make_test_corpus
write_study 4 2
allow worker-1 worker-2 operator viewer
voxarch-coordinator --dir "$work/c" --study "$work/study.yaml" --key "$keys/coordinator" \
    --allow "$work/allow" --worker-program "$VOXARCH_BIN/voxarch-worker" \
    2>"$work/c/log" &
coordinator=$!
wait_until 30 "the endpoints" has_endpoints
[ "$(endpoint public)" = "$(cat "$keys/coordinator.pub")" ] || fail "another public key"
expect 0 voxarch-coordinator --health --dir "$work/c" --key "$keys/coordinator"
start_worker worker-1 a
start_worker worker-1 b
is_training() { [ "$(query "$work/c" 'SELECT count(*) FROM loss')" -ge 1 ]; }
wait_until 60 "the first round" is_training

# ---- who is not listed, who does not encrypt, who is of another role
for socket in worker bulk admin; do
    at=$(endpoint $socket)
    grows refused_keys garbage "$at" random 3 "$keys/stranger" "$keys/coordinator.pub"
    grows refused_handshakes garbage "$at" random 3
    grows refused_handshakes garbage "$at" random 3 "$keys/viewer" "$keys/stranger.pub"
done
grows refused_keys garbage "$(endpoint worker)" stranger 3 "$keys/operator" "$keys/coordinator.pub"
grows refused_keys garbage "$(endpoint bulk)" stranger 3 "$keys/viewer" "$keys/coordinator.pub"
grows refused_keys garbage "$(endpoint admin)" stranger 3 "$keys/worker-1" "$keys/coordinator.pub"
grows refused_rights voxarch drain --dir "$work/c" --key "$keys/viewer"
says "only an operator's key"
expect 1 voxarch status --dir "$work/c" --key "$keys/stranger"
says 'allow-list'
expect 0 voxarch status --dir "$work/c" --key "$keys/operator"
says 'worker-1/a'

# ---- a listed worker that speaks nonsense, or wants what is another's
grows refused_malformed garbage "$(endpoint worker)" random 10000 "$keys/worker-2" "$keys/coordinator.pub"
grows refused_malformed garbage "$(endpoint bulk)" random 1000 "$keys/worker-2" "$keys/coordinator.pub"
garbage "$(endpoint worker)" huge 3 "$keys/worker-2" "$keys/coordinator.pub" || true
read -r session < <(query "$work/c" "SELECT session FROM worker WHERE name = 'worker-1/a'")
session=$(printf %u "$session")
grows refused_owner expect 0 thief "$(endpoint worker)" "$keys/worker-2" \
    "$keys/coordinator.pub" session "$session" 1 1
pack=$(query "$work/c" 'SELECT pack FROM study')
grows refused_owner expect 0 thief "$(endpoint bulk)" "$keys/worker-2" \
    "$keys/coordinator.pub" artifact "$pack"
grows refused_handshakes expect 0 replay "$(endpoint admin)" "$keys/operator" "$keys/coordinator.pub"

# ---- the list changes while it runs: a flaw in it changes nothing
echo 'worker and something' >"$work/allow"
wait_until 10 "the flaw" grep -q 'event=allow.refused' "$work/c/log"
expect 0 voxarch status --dir "$work/c" --key "$keys/viewer"
start_worker worker-2 gone
has_joined() { grep -q "event=worker.joined.*$1" "$work/c/log"; }
wait_until 20 "worker-2" has_joined worker-2/gone
voxarch keygen -o "$keys/worker-3" >"$keys/worker-3.pub"
start_worker worker-3 late
is_turned_away() { grep -q 'does not list our key' "$work/late/log"; }
wait_until 20 "worker-3 is told why" is_turned_away
allow worker-1 worker-3 viewer # operator and worker-2 are gone
kill -HUP $coordinator
wait_until 60 "worker-3 after it was listed" has_joined worker-3/late
loses_its_say() { grep -q "reason=rights.*listed as a worker's" "$work/c/log"; }
wait_until 20 "the connection of worker-2 after it was removed" loses_its_say
expect 1 voxarch status --dir "$work/c" --key "$keys/operator"

# ---- meanwhile, the search
is_done() { grep -q 'event=study.done' "$work/c/log"; }
wait_until 120 "the study" is_done
kill $coordinator
status=0
wait $coordinator || status=$?
[ $status -eq 0 ] || { tail -n 5 "$work"/*/log; fail "coordinator: exit status $status"; }
check_store "$work/c"
check_results "$work/c"
is_zero "attempts charged" "$work/c" 'SELECT sum(n_charged) FROM task'
! grep -qf <(sed -n 's/^secret //p' "$keys"/*[!b]) "$work"/*/log || fail "a secret in a log"
