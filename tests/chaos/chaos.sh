#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# chaos.sh - everything goes wrong at random while a coordinator and three workers search
# under keys: kill -9 of coordinator, agents and runners; SIGSTOP; partitions one way, the
# other way, both ways, flapping; a full disk; steps of the wall clock. Then calm, and the
# search must complete. An oracle looks at what is stored and at what agents were told.
#
#   VOXARCH_CHAOS_SECONDS  of chaos; default 25: one search. From 60 on: search after
#                          search, and stops that outlast a lease.
#   VOXARCH_CHAOS_SEED     the same draws again (not the same run: processes race)
#
# Partitions and the full disk need namespaces of their own; where those are not allowed,
# and where there is no libfaketime, the test says what it leaves out.
if [ -z "${VOXARCH_OWN_SPACES:-}" ]; then
    if unshare --mount --net true 2>/dev/null && command -v ip >/dev/null; then
        VOXARCH_OWN_SPACES=yes exec unshare --mount --net bash "$0" "$@"
    fi
    echo "LEFT OUT: partitions and the full disk (no namespaces, or no iproute2)"
    export VOXARCH_OWN_SPACES=no
fi
source "$(dirname "$0")/../integration/lib.sh"
source "$(dirname "$0")/chaos_oracle.sh"

chaos_seconds=${VOXARCH_CHAOS_SECONDS:-25}
seed=${VOXARCH_CHAOS_SEED:-$((SRANDOM % 32768))}
RANDOM=$seed
n_workers=3
is_long=$((chaos_seconds >= 60))
faketime=$(find /usr/lib -name libfaketime.so.1 2>/dev/null | head -n 1)
declare -A pid restart_at n_faults
host=127.0.0.1

below() { echo $((RANDOM % $1)); }
now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }
count() { n_faults[$1]=$((${n_faults[$1]:-0} + 1)); }
later() { # SECONDS COMMAND...
    { sleep "$1"; shift; "$@"; } >/dev/null 2>&1 &
}

leave() {
    local status=$?
    jobs -p | xargs -r kill -9 2>/dev/null || true
    ours | xargs -r kill -9 2>/dev/null || true
    [ $status -eq 0 ] || cp "$run"/state.db* "$round/logs" 2>/dev/null || true
    umount -l "$work"/round_*/disk 2>/dev/null || true
    forget_clock
    clean_up $status
}
trap leave EXIT

# ---- the network: a coordinator, and each worker in a namespace of its own

set_up_network() {
    local i
    mount -t tmpfs none /run # for names of namespaces, ours alone
    ip link set lo up
    for i in $(seq $n_workers); do
        ip netns add "w$i"
        ip link add "to_w$i" type veth peer name out netns "w$i"
        ip addr add "10.213.$i.1/24" dev "to_w$i"
        ip link set "to_w$i" up
        ip -n "w$i" addr add "10.213.$i.2/24" dev out
        ip -n "w$i" link set out up
    done
}

within() { # WORKER COMMAND...: in the worker's network
    local i=$1
    shift
    if [ "$VOXARCH_OWN_SPACES" = yes ]; then
        exec ip netns exec "w$i" "$@"
    fi
    exec "$@"
}

cut_off() { # WORKER up|down
    case $2 in
        up) ip -n "w$1" route replace blackhole "10.213.$1.1/32" ;;
        down) ip route replace blackhole "10.213.$1.2/32" ;;
    esac
}
mend() {
    ip -n "w$1" route del blackhole "10.213.$1.1/32" 2>/dev/null || true
    ip route del blackhole "10.213.$1.2/32" 2>/dev/null || true
}

# ---- processes; what was killed comes back by itself

# What libfaketime leaves of a process that was killed.
forget_clock() { [ -z "${pid[coordinator]:-}" ] || rm -f /dev/shm/{,sem.}faketime_*_"${pid[coordinator]}"; }
start_coordinator() {
    local preload=
    forget_clock
    [ -z "$faketime" ] || preload="LD_PRELOAD=$faketime"
    env $preload FAKETIME_TIMESTAMP_FILE="$round/clock" FAKETIME_NO_CACHE=1 \
        FAKETIME_DONT_FAKE_MONOTONIC=1 \
        "$VOXARCH_BIN/voxarch-coordinator" --dir "$run" --study "$round/study.yaml" \
        --key "$keys/coordinator" --allow "$keys/allow" --reserve 2 \
        --worker-program "$VOXARCH_BIN/voxarch-worker" --log-level info \
        --listen "tcp://0.0.0.0:$((port))" --bulk "tcp://0.0.0.0:$((port + 1))" \
        2>>"$round/logs/coordinator.log" &
    pid[coordinator]=$!
    disown $!
}
start_worker() { # NUMBER
    [ "$VOXARCH_OWN_SPACES" != yes ] || host=10.213.$1.1
    within "$1" "$VOXARCH_BIN/voxarch-worker" --connect "tcp://$host:$port" \
        --dir "$round/worker_$1" --name "w$1" --slots 2 --key "$keys/worker" \
        --coordinator-key "$keys/coordinator.pub" 2>>"$round/logs/worker_$1.log" &
    pid[$1]=$!
    disown $!
}
start() { if [ "$1" = coordinator ]; then start_coordinator; else start_worker "$1"; fi; }

# Restarts who is gone, after a moment.
revive() { # MOMENT_MS
    local who
    for who in coordinator $(seq $n_workers); do
        kill -0 "${pid[$who]}" 2>/dev/null && continue
        if [ -z "${restart_at[$who]:-}" ]; then
            restart_at[$who]=$(($(now_ms) + ($1 ? RANDOM % $1 : 0)))
        elif [ "$(now_ms)" -ge "${restart_at[$who]}" ]; then
            restart_at[$who]=
            start "$who"
        fi
    done
}

# ---- faults

stop_ms() { # how long somebody stands still
    if ((is_long && RANDOM % 4 == 0)); then echo $((31000 + RANDOM % 8000)); else echo $((500 + RANDOM % 4000)); fi
}
seconds_of() { printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)); }

agents() { for i in $(seq $n_workers); do echo "${pid[$i]}"; done | paste -sd, -; }

kill_coordinator() { kill -9 "${pid[coordinator]}" 2>/dev/null && count kill_coordinator; }
kill_agent() { kill -9 "${pid[$((1 + $(below $n_workers)))]}" 2>/dev/null && count kill_agent; }
kill_runner() { # they live for a tenth of a second
    local runner i
    for i in 1 2 3 4 5 6 7 8; do
        runner=$(pgrep -P "$(agents)" voxarch | shuf -n 1)
        if [ -n "$runner" ] && kill -9 "$runner" 2>/dev/null; then
            count kill_runner
            return
        fi
        sleep 0.02
    done
}
stop_agent() {
    local victim=${pid[$((1 + $(below $n_workers)))]} ms
    ms=$(stop_ms)
    kill -STOP "$victim" 2>/dev/null || return 0
    later "$(seconds_of "$ms")" kill -CONT "$victim"
    count $([ "$ms" -gt 30000 ] && echo stop_agent_past_lease || echo stop_agent)
}
stop_coordinator() {
    local victim=${pid[coordinator]}
    kill -STOP "$victim" 2>/dev/null || return 0
    later "$(seconds_of $((300 + RANDOM % 3000)))" kill -CONT "$victim"
    count stop_coordinator
}
partition() {
    local i=$((1 + $(below $n_workers))) kind ways
    kind=$(below 4)
    ways=(up down "up down" "up down")
    for way in ${ways[$kind]}; do cut_off "$i" "$way"; done
    if [ "$kind" = 3 ]; then
        later 0 flap "$i"
        count partition_flapping
    else
        later "$(seconds_of $((500 + RANDOM % 7000)))" mend "$i"
        count "partition_${ways[$kind]// /_}"
    fi
}
flap() {
    for _ in 1 2 3 4; do
        sleep 0.4
        mend "$1"
        sleep 0.4
        cut_off "$1" up
        cut_off "$1" down
    done
    mend "$1"
}
fill_disk() {
    [ ! -e "$round/disk/filler" ] || return 0
    dd if=/dev/zero of="$round/disk/filler" bs=64k >/dev/null 2>&1 || true
    later "$(seconds_of $((500 + RANDOM % 3000)))" rm -f "$round/disk/filler"
    count fill_disk
}
step_clock() {
    echo "$((RANDOM % 2 ? 1 : -1))$(below 7200)" | sed -E 's/^(1)/+/; s/^-1/-/' >"$round/clock.new"
    mv "$round/clock.new" "$round/clock"
    count step_clock
}

kills=(kill_coordinator kill_agent kill_agent kill_runner kill_runner)
faults=(stop_agent stop_agent stop_coordinator)
[ "$VOXARCH_OWN_SPACES" != yes ] || faults+=(partition partition fill_disk)
if [ -n "$faketime" ]; then faults+=(step_clock); else echo "LEFT OUT: clock steps (no libfaketime)"; fi

calm_down() {
    local i
    for i in $(seq $n_workers); do
        [ "$VOXARCH_OWN_SPACES" != yes ] || mend "$i"
    done
    rm -f "$round/disk/filler"
    for i in "${pid[@]}"; do kill -CONT "$i" 2>/dev/null || true; done
}

# ---- one search

study_state() { query "$run" 'SELECT state FROM study' 2>/dev/null || true; }
is_done() { [ "$(study_state)" = $STUDY_DONE ]; }

set_up_round() { # NUMBER
    round=$work/round_$1
    run=$round/disk/run
    mkdir -p "$round/disk" "$round/logs"
    [ "$VOXARCH_OWN_SPACES" != yes ] || mount -t tmpfs -o size=128m none "$round/disk"
    echo +0 >"$round/clock"
    port=$((20000 + RANDOM % 11000))
    sed "s|corpus/|$work/corpus/|; s|max_shards: .*|max_shards: $2|" "$work/study.yaml" >"$round/study.yaml"
    local who
    for who in coordinator $(seq $n_workers); do
        restart_at[$who]=
        start "$who"
    done
}

cause_chaos() { # UNTIL, in SECONDS
    local n=0
    while [ $SECONDS -lt "$1" ]; do
        if ((++n % 10 == 0)) && is_done; then break; fi
        "${kills[$(below ${#kills[@]})]}" || true
        [ "$(below 4)" != 0 ] || "${faults[$(below ${#faults[@]})]}" || true
        revive 400
        sleep "0.$((10 + RANDOM % 20))"
        revive 400
    done
}

# A study that failed, its tasks buried, goes on when it is given again.
recover() {
    revive 0
    if [ "$(study_state)" = $STUDY_FAILED ]; then kill -9 "${pid[coordinator]}" 2>/dev/null || true; fi
    is_done
}

no_one_lives() {
    ours | xargs -r kill -9 2>/dev/null || true
    no_process_left
}

end_round() {
    local who
    for who in "${pid[@]}"; do kill -9 "$who" 2>/dev/null || true; done
    wait_until 10 "all processes to go" no_one_lives
}

one_search() { # NUMBER SHARDS
    set_up_round "$1" "$2"
    cause_chaos $((SECONDS + (chaos_seconds < 40 ? chaos_seconds : 40)))
    calm_down
    wait_until 120 "the search to complete" recover
    end_round
    check_told "$run" "$round/logs"
    check_stored "$run"
    check_results "$run"
    [ "$2" != 1 ] || check_same "$work/reference/results/tiny" "$run/results/tiny"
    [ "$VOXARCH_OWN_SPACES" != yes ] || umount -l "$round/disk"
    rm -rf "$round"
}

# ---- all of it

echo "seed $seed"
[ "$VOXARCH_OWN_SPACES" != yes ] || set_up_network
keys=$work/keys
mkdir -p "$keys"
for name in coordinator worker; do
    voxarch keygen -o "$keys/$name" >"$keys/$name.pub"
done
echo "worker $(cat "$keys/worker.pub") worker" >"$keys/allow"
make_test_corpus
write_study 12 1
expect 0 voxarch run "$work/study.yaml" --dir "$work/reference" --workers 2

end=$((SECONDS + chaos_seconds)) n_searches=0
while [ $SECONDS -lt $end ]; do
    n_searches=$((n_searches + 1))
    one_search $n_searches $((2 - n_searches % 2)) # with one shard the outcome is known
done
[ $n_acknowledged -gt 0 ] || fail "no agent was told that a result counts"
for name in "${!n_faults[@]}"; do echo "$name=${n_faults[$name]}"; done | sort
kills=$((${n_faults[kill_coordinator]:-0} + ${n_faults[kill_agent]:-0} + ${n_faults[kill_runner]:-0}))
echo "searches=$n_searches kills=$kills acknowledged=$n_acknowledged lost=0 double=0"
