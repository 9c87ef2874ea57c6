#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# units.sh - systemd has nothing to say against the units we ship, here with the programs
# of this build.
source "$(dirname "$0")/lib.sh"

command -v systemd-analyze >/dev/null || {
    echo "SKIPPED: no systemd-analyze"
    exit 77
}
units=$(dirname "$0")/../../deploy/systemd
for unit in "$units"/*.service; do
    name=$(basename "$unit")
    sed "s|/usr/local/bin|$VOXARCH_BIN|" "$unit" >"$work/${name/@./@1.}"
done
systemd-analyze verify --man=no "$work"/*.service >"$work/said" 2>&1 || true
# Of the machine's own units it complains as well.
if grep -F "$work" "$work/said" || grep -E '^voxarch-' "$work/said"; then
    fail "systemd does not like them"
fi
for setting in Type=notify WatchdogSec= KillMode=mixed; do
    [ "$(grep -l "^$setting" "$units"/*.service | wc -l)" -eq 2 ] || fail "no $setting"
done
