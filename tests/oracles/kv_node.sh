# SPDX-License-Identifier: Apache-2.0
# For scripts that run a CometBFT of one validator over `assay node --app kv`; to be sourced, after
# name= (the script's) and assay= (the program). Everything lies in $work and goes with the script.
version=v0.39.4
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=${XDG_CACHE_HOME:-$HOME/.cache}/assay/oracles/go/cometbft-$version

skip() { echo "skipped: $1"; exit 77; }
fail() {
    echo "$name: $1" >&2
    [ ! -s "$work/engine.log" ] || tail -n 20 "$work/engine.log" >&2
    exit 1
}

tools() { # of the machine
    local tool
    for tool in "$@"; do
        command -v "$tool" >/dev/null || skip "no $tool"
    done
}
comet_tools() { # programs, by their folders in CometBFT's module
    local program
    for program in "$@"; do
        [ -x "$bin/${program##*/}" ] ||
            GOBIN=$bin go install "github.com/cometbft/cometbft/$program@$version" \
                >/dev/null 2>&1 || skip "go install $program failed"
    done
}
tools go jq curl python3
sources=$(cd / && go mod download -json "github.com/cometbft/cometbft@$version" | jq -r .Dir)
[ -d "$sources" ] || skip "go mod download failed"

work=$(mktemp -d) || exit 1
home=$work/home port='' app='' engine='' proxy=unix://$work/app.sock
stop() { # signal, process
    [ -z "$2" ] || { kill "-$1" "$2" && wait "$2"; } 2>/dev/null
}
both_stop() { # signal
    stop "$1" "$engine"
    stop "$1" "$app"
    engine='' app=''
}
trap 'both_stop KILL; rm -rf "$work"' EXIT

# Until the command succeeds, for at most 30 s.
wait_for() {
    for _ in $(seq 300); do
        "$@" && return
        sleep 0.1
    done
    return 1
}

app_start() { # address, more options; the address it got goes to $address
    : >"$work/address"
    "$assay" node --app kv --abci "$@" >"$work/address" &
    app=$!
    wait_for test -s "$work/address" || fail "assay does not listen"
    address=$(head -n 1 "$work/address")
}

home_make() { # a new chain, in $home
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])')
    "$bin/cometbft" init --home "$home" >/dev/null 2>&1 || fail "cometbft init"
}
engine_start() { # variables of its environment
    env "$@" "$bin/cometbft" start --home "$home" --proxy_app "$proxy" --abci socket \
        --rpc.laddr "tcp://127.0.0.1:$port" --p2p.laddr tcp://127.0.0.1:0 \
        >>"$work/engine.log" 2>&1 &
    engine=$!
}

height() { curl -s "127.0.0.1:$port/status" | jq -r .result.sync_info.latest_block_height; }
above() { [ "$(height 2>/dev/null || echo 0)" -gt "$1" ] 2>/dev/null; }
