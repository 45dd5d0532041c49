# SPDX-License-Identifier: Apache-2.0
# The way to the program and to a node: keys, commands, queries. node_of NAME, from solo.sh or
# comet.sh, is the URL of the node that serves someone.

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
    "$assay" "$@" --node "$(node_of "$name")" --key "$home/keys/$name.json" \
        --password-file "$password" --json
}

api() { # path below /v1/
    curl -sS --fail --max-time 30 "${url_of[node]}/v1/$1"
}

height() {
    api status | jq .height
}
