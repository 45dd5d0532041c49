# SPDX-License-Identifier: Apache-2.0
# The demo's way to the program and to the node: keys, commands, queries.

declare -A address

# A secret or a seed: SHA-256 of the demo's seed and a name, 64 hexadecimal digits.
derive() {
    printf '%s/%s' "$seed" "$1" | sha256sum | cut -c 1-64
}

# Below 2^60, for the sampling.
derive_number() {
    local digits
    digits=$(derive "$1")
    printf '%d' "0x${digits:0:15}"
}

key_make() { # name
    derive "key/$1" >"$home/keys/$1.secret"
    "$assay" key make --out "$home/keys/$1.json" --secret-file "$home/keys/$1.secret" \
        --password-file "$password" --light --json >"$home/keys/$1.address"
    rm "$home/keys/$1.secret"
}

# Signs as NAME: sign NAME COMMAND… Prints the program's JSON.
sign() {
    local name=$1
    shift
    "$assay" "$@" --node "${url_of[node]}" --key "$home/keys/$name.json" \
        --password-file "$password" --json
}

api() { # path below /v1/
    curl -sS --fail --max-time 30 "${url_of[node]}/v1/$1"
}

height() {
    api status | jq .height
}

node_start() { # block_ms, listen
    spawn_server node "$assay" node --home "$home/chain" --listen "$2" --block-ms "$1"
}

# Ends the node and starts it anew at the same address: the others wait for it.
node_restart() { # block_ms, signal
    local at=${url_of[node]#http://}
    stop node "${2:-TERM}"
    : >"$home/logs/node.out"
    node_start "$1" "$at"
}
