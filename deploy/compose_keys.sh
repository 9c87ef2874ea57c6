#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# compose_keys.sh DIR - the keys of a compose set-up, made once: DIR/coordinator/{key,
# key.pub,allow,operator}, DIR/worker/{key,key.pub,coordinator.pub}. What is there stays.
set -eu
dir=${1:?usage: compose_keys.sh DIR}

make_key() { # FILE
    [ -s "$1" ] || { rm -f "$1" && voxarch keygen -o "$1" >"$1.pub"; }
}

make_key "$dir/coordinator/key"
make_key "$dir/coordinator/operator"
make_key "$dir/worker/key"
cp "$dir/coordinator/key.pub" "$dir/worker/coordinator.pub"
if [ ! -s "$dir/coordinator/allow" ]; then
    {
        echo "# ROLE PUBLICKEY NAME; roles are worker, operator and viewer"
        echo "worker $(cat "$dir/worker/key.pub") compose"
        echo "operator $(cat "$dir/coordinator/operator.pub") operator"
    } >"$dir/coordinator/allow.new"
    chmod 644 "$dir/coordinator/allow.new"
    mv "$dir/coordinator/allow.new" "$dir/coordinator/allow"
fi
