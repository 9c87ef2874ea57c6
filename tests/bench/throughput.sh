#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# throughput.sh [--fast-disk] [BUILD] - tasks a second through the coordinator, grant
# latency, and beanstalkd -b -f0 beside it, in turn; then a thousand idle workers.
#
# How long the disk takes to sync decides most of it; that is printed first. --fast-disk
# takes an ext4 in memory instead, which syncs like a drive with a protected cache (as
# root: it is mounted in a namespace of its own).
#
# What is real: the coordinator's sockets with CURVE, wire, turn, store (WAL, synced before
# every acknowledgement) and log; the workers' sessions and sockets. What is not: the study
# (bench_driver.c: EVALUATE tasks that never run out) and the work (none).
# A task's life is inserted (300 bytes), leased, settled (RESULT of 135 bytes): each durable
# before it is told. A job's life is put (256 bytes), reserved, deleted, each answered
# before the next; with 8 x 8 in flight that is 64 connections.
#
#   VOXARCH_BENCH_DIR      where both keep their state; default: a folder beside BUILD
#   VOXARCH_BENCH_SECONDS  of each measurement; default 5
#   VOXARCH_BENCH_ROUNDS   A B A B ...; default 3
set -euo pipefail
if [ "${1:-}" = --fast-disk ]; then
    shift
    VOXARCH_FAST_DISK=1 exec unshare --mount bash "$0" "$@"
fi
build=$(realpath "${1:-$(dirname "$0")/../../build}")
export PATH=$build/bin:$PATH
seconds=${VOXARCH_BENCH_SECONDS:-5}
rounds=${VOXARCH_BENCH_ROUNDS:-3}
cmake --build "$build" --target bench_throughput -- -j"$(nproc)" >/dev/null
work=$(mktemp -d "${VOXARCH_BENCH_DIR:-$build}/throughput_XXXXXX")
server=
image=

stop_server() {
    if [ -n "$server" ]; then
        kill -9 "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
        server=
    fi
}
clean_up() {
    stop_server
    [ -z "$image" ] || umount "$work" || true
    rm -rf "$work" "$image"
}
trap clean_up EXIT
if [ -n "${VOXARCH_FAST_DISK:-}" ]; then
    image=$(mktemp /dev/shm/throughput_XXXXXX)
    truncate -s 2G "$image"
    mkfs.ext4 -q "$image"
    mount -o loop "$image" "$work"
fi

value() { sed -n "s/.*\b$1=\([0-9.]*\).*/\1/p"; }
endpoint() { sed -n "s/^worker=//p" "$work/c/endpoints"; }

start_coordinator() {
    rm -rf "$work/c"
    mkdir "$work/c"
    bench_coordinator --dir "$work/c" --key "$work/coordinator" --allow "$work/allow" \
        2>"$work/log" &
    server=$!
    until [ -s "$work/c/endpoints" ]; do sleep 0.05; done
}

fleet() { # ARGUMENT...
    bench_fleet --connect "$(endpoint)" --key "$work/worker" \
        --coordinator-key "$work/coordinator.pub" --seconds "$seconds" "$@"
}

# Processor time of a process in ms, and its threads by name.
cpu_ms() { awk '{print ($14 + $15) * 1000 / '"$(getconf CLK_TCK)"'}' "/proc/$1/stat"; }
rss_mib() { awk '/^VmRSS/ {print int($2 / 1024)}' "/proc/$1/status"; }

coordinator() { # NAME ARGUMENT...
    local name=$1 before after line
    shift
    start_coordinator
    before=$(cpu_ms "$server")
    line=$(fleet "$@")
    after=$(cpu_ms "$server")
    echo "voxarch $name $line cpu_ms_per_s=$(awk "BEGIN {print int(($after - $before) / ($seconds + 1))}")"
    stop_server
}

beanstalk() { # CONNECTIONS
    rm -rf "$work/b"
    mkdir "$work/b"
    beanstalkd -l 127.0.0.1 -p 11399 -b "$work/b" -f0 &
    server=$!
    sleep 0.3
    echo "beanstalkd $(bench_beanstalk --port 11399 --connections "$1" --seconds "$seconds")"
    stop_server
}

idle() {
    local before after
    start_coordinator_without_tasks
    fleet --workers 1000 --seconds $((seconds + 30)) --warm-up 1 >"$work/idle" &
    local clients=$!
    sleep 25 # all are connected, and have found nothing
    before=$(cpu_ms "$server")
    sleep "$seconds"
    after=$(cpu_ms "$server")
    echo "voxarch idle workers=1000 cpu_percent=$(awk "BEGIN {print ($after - $before) / $seconds / 10}")" \
        "rss_mib=$(rss_mib "$server")"
    wait $clients
    cat "$work/idle"
    stop_server
}
start_coordinator_without_tasks() {
    VOXARCH_BENCH_READY=0
    export VOXARCH_BENCH_READY
    start_coordinator
    unset VOXARCH_BENCH_READY
}

median() { sort -n | awk '{v[NR] = $1} END {print v[int((NR + 1) / 2)]}'; }

dd if=/dev/zero of="$work/sync" bs=4k count=200 oflag=append,dsync conv=notrunc 2>&1 |
    awk '/copied/ {for (i = 1; i < NF; i++) if ($(i + 1) ~ /^s,/) print "disk sync_us=" int($i * 5000)}'
for name in coordinator worker; do
    voxarch keygen -o "$work/$name" >"$work/$name.pub"
done
echo "worker $(cat "$work/worker.pub") bench" >"$work/allow"

for in_flight in 1 8; do
    for _ in $(seq "$rounds"); do
        coordinator "8x$in_flight" --workers 8 --slots $in_flight | tee -a "$work/ours_$in_flight"
        beanstalk $((8 * in_flight)) | tee -a "$work/theirs_$in_flight"
    done
    ours=$(value tasks_per_s <"$work/ours_$in_flight" | median)
    theirs=$(value jobs_per_s <"$work/theirs_$in_flight" | median)
    echo "median 8x$in_flight voxarch=$ours beanstalkd=$theirs" \
        "ratio=$(awk "BEGIN {printf \"%.1f\", $ours / $theirs}")"
done
# 64 in flight for 55 ms each, and some for the grant: about a thousand a second.
coordinator "paced" --workers 8 --slots 8 --work-ms 55
idle
