#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# versions.sh - workers and coordinators of other versions: the highest that both speak,
# or a sentence and an end.
source "$(dirname "$0")/lib.sh"

mkdir -p "$work/c"
voxarch-coordinator --dir "$work/c" 2>"$work/c/log" &
coordinator=$!
has_endpoints() { [ -s "$work/c/endpoints" ]; }
wait_until 20 "the endpoints" has_endpoints
at=$(sed -n 's/^worker=//p' "$work/c/endpoints")

# ---- a later worker and this coordinator
expect 0 versions hello "$at" 1 2
says '^welcome version=1$'
expect 0 versions hello "$at" 2 5
says '^refused code=proto protocol 2..5: this coordinator speaks 1..1$'
kill $coordinator
wait $coordinator || fail "coordinator: exit status $?"

# ---- this worker and a later coordinator
refused_by() { # REPLY SENTENCE
    rm -f "$work/at"
    versions serve "$1" >"$work/at" &
    local later=$!
    is_bound() { [ -s "$work/at" ]; }
    wait_until 10 "the later coordinator" is_bound
    expect 1 timeout 20 voxarch-worker --connect "$(cat "$work/at")" --dir "$work/w"
    says "$2"
    kill $later
    wait $later || true
}
refused_by refuse 'the coordinator refuses this worker: protocol 1..1: this coordinator speaks 2..3'
refused_by welcome 'the coordinator speaks version 2 of the protocol'
