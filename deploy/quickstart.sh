#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# quickstart.sh [RUN_DIR] - from nothing to a Pareto front in some minutes: installs,
# builds, speaks a demo corpus, searches it with local workers, prints the front.
#
# Everything lands under RUN_DIR (default runs/quickstart). Run it again and it goes on
# where it was. WORKERS sets the number of workers (default: one per CPU, at least 2).
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)

case "${1:-}" in -h | --help) sed -n '3,7p' "$0" | sed 's/^# \{0,1\}//'; exit 0 ;; esac
run_dir=${1:-$root/runs/quickstart}
workers=${WORKERS:-$(($(nproc) > 2 ? $(nproc) : 2))}
corpus=$run_dir/corpus

say() { printf '\n== %s ==\n' "$*"; }

say "packages"
"$root/deploy/install_packages.sh" "$root/deploy/packages.txt" "$root/deploy/packages-demo.txt"
say "build"
cmake -S "$root" -B "$root/build" -G Ninja -DVOXARCH_TESTS=OFF >/dev/null
cmake --build "$root/build" | tail -n 1
if [ ! -f "$corpus/trials.txt" ]; then
    say "demo corpus"
    mkdir -p "$run_dir"
    "$root/deploy/demo_corpus.sh" "$corpus"
fi
say "search"
cp "$root/deploy/studies/quickstart.yaml" "$run_dir/quickstart.yaml"
exec "$root/build/bin/voxarch" run "$run_dir/quickstart.yaml" --dir "$run_dir" --workers "$workers"
