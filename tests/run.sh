#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh - installs what is missing, builds, and runs every test.
#
#   tests/run.sh            everything: format, lint, gcc and clang, sanitizers, all tests,
#                           60 s of fuzzing each (VOXARCH_FUZZ_SECONDS)
#   tests/run.sh --quick    one release build and its tests
#   tests/run.sh -R NAME    arguments after the options go to ctest
#
# Tests against numbers of the method's authors read them from the folder that
# VOXARCH_FIXTURES names (or a folder fixtures/ shared beside the checkout) and say so
# when they are skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

quick=false
case "${1:-}" in
    -h | --help) sed -n '3,12p' "$0" | sed 's/^# \{0,1\}//'; exit 0 ;;
    --quick) quick=true; shift ;;
esac
if [ -z "${VOXARCH_FIXTURES:-}" ] && [ -d ../shared/fixtures ]; then
    VOXARCH_FIXTURES=$(cd ../shared/fixtures && pwd)
fi
export VOXARCH_FIXTURES=${VOXARCH_FIXTURES:-}
jobs=$(nproc)

say() { printf '\n== %s ==\n' "$*"; }

build() { # PRESET
    say "build: $1"
    cmake --preset "$1" >/dev/null
    cmake --build --preset "$1" -- -j"$jobs" | tail -n 1
}

say "packages"
deploy/install_packages.sh deploy/packages.txt deploy/packages-test.txt
build release
if ! $quick; then
    build clang
    say "format and lint"
    tests/lint.sh build-clang
    build asan
    say "tests: unit, numeric and model, with sanitizers"
    ctest --test-dir build-asan --output-on-failure -j"$jobs" -LE 'integration|chaos' "$@"
    build fuzz
    say "fuzz: ${VOXARCH_FUZZ_SECONDS:-60} s each"
    tests/fuzz/run.sh "${VOXARCH_FUZZ_SECONDS:-60}"
fi
say "tests: all, release build"
ctest --test-dir build --output-on-failure "$@"
