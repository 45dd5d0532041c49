# SPDX-License-Identifier: Apache-2.0
# The chain of several operators: each node is CometBFT with the application behind it, kept
# together by a unit. How their homes are made, who talks to which, what is measured.

ROUND_MS=50 # what a block takes beside the pause after its commit, about
NEWCOMER_SECONDS=300
declare -A rpc_of peer_of netns_of

# Node I belongs to the honest validator I.
cluster_names() { # how many
    local first=(alice bob carol dave erin frank grace heidi) i
    honest=() nodes=()
    for ((i = 0; i < $1; i++)); do
        honest+=("${first[i]:-validator$i}")
        nodes+=("node$i")
    done
}

# Validators ask their own node, everyone else one that is not everyone's.
node_of() { # name
    local i
    for i in "${!honest[@]}"; do
        [ "${honest[i]}" != "$1" ] || { echo "${url_of[node$i]}"; return; }
    done
    case $1 in
    publisher | doyle | carroll | shakespeare | tuner-*) i=0 ;;
    provider | copier) i=1 ;;
    consumer | silent) i=2 ;;
    provider[0-9]) i=${1#provider} ;; # each another one
    *) i=3 ;;
    esac
    echo "${url_of[node$((i % ${#honest[@]}))]}"
}

ports_free() { # how many
    python3 -c 'import socket, sys
held = [socket.create_server(("127.0.0.1", 0)) for _ in range(int(sys.argv[1]))]
print(*(server.getsockname()[1] for server in held))' "$1"
}

# Addresses: ports of 127.0.0.1, or with $wire a namespace a node.
addresses_choose() {
    local i ports node line
    read -ra ports < <(ports_free $((3 * ${#nodes[@]})))
    for i in "${!nodes[@]}"; do
        node=${nodes[i]}
        url_of[$node]=http://127.0.0.1:${ports[3 * i]}
        rpc_of[$node]=http://127.0.0.1:${ports[3 * i + 1]}
        peer_of[$node]=127.0.0.1:${ports[3 * i + 2]}
    done
    [ -n "$wire" ] || return 0
    launch wire "$testnet/nodes/wire.py" --with $$ ${#nodes[@]} "$home/wire.sock"
    for i in "${!nodes[@]}"; do
        node=${nodes[i]}
        wait_until 20 "a network of namespaces" wire wire_ready $((i + 1))
        line=$(wire_line $((i + 1)))
        netns_of[$node]=$(jq -r .netns <<<"$line")
        url_of[$node]=http://$(jq -r .inside <<<"$line"):26650
        rpc_of[$node]=http://$(jq -r .inside <<<"$line"):26657
        peer_of[$node]=$(jq -r .peer <<<"$line"):26656
        proxy_avoid "$(jq -r .inside <<<"$line")" "${peer_of[$node]%:*}"
    done
}

wire_line() { # number
    sed -n "$1p" "$home/logs/wire.out"
}

wire_ready() { # number
    [ -n "$(wire_line "$1")" ]
}

# Where a node's peers reach its RPC, which state sync asks: over the network that has faults.
rpc_for_peers() { # node
    if [ -n "$wire" ]; then
        echo "http://${peer_of[$1]%:*}:26657"
    else
        echo "${rpc_of[$1]}"
    fi
}

mounted='' # the small disk, from folders_make to chain_end

# One folder a node: assay/ and comet/. A small disk is one for its own faults.
folders_make() {
    local node
    for node in "${nodes[@]}"; do
        mkdir "$home/$node"
        if [ "$node" = "$small_disk" ]; then
            mount -t tmpfs -o "size=$SMALL_DISK,mode=700" assay "$home/$node"
            mounted=$home/$node
        fi
    done
}

validators_make() {
    local i accounts entries=()
    for i in "${!nodes[@]}"; do
        "$assay" validator new --home "$home/${nodes[i]}/assay" --json \
            --address "${address[${honest[i]}]}" >"$home/${nodes[i]}.validator"
        entries+=(--validator "$home/${nodes[i]}.validator=$CONSENSUS_BOND")
    done
    mapfile -t accounts < <(accounts_at_genesis)
    "$assay" init --home "$home/chain" "${entries[@]}" --chain-id 7070 \
        --name "first light" --testnet --time $GENESIS_TIME --params "$params" \
        --distributor $DISTRIBUTOR \
        "${accounts[@]}" --json >"$home/init.json"
    for i in "${!nodes[@]}"; do
        "$assay" init --home "$home/${nodes[i]}/assay" --genesis "$home/chain/genesis.json" \
            >"$home/logs/${nodes[i]}.init"
        [ -z "$chaos" ] || snapshots_often "$home/${nodes[i]}/assay/config.json"
    done
}

# CometBFT's home beside the node's own: genesis and keys from the chain, the rest its own.
comet_home_make() { # node
    local folder=$home/$1
    "$assay" export --home "$folder/assay" --to-cometbft "$folder/comet" >"$home/logs/$1.export"
    "$comet" init --home "$folder/comet" >"$home/logs/$1.init" 2>&1
    id_of[$1]=$("$comet" show-node-id --home "$folder/comet")
}

comet_configure() { # node
    local node peers=() rpc=${rpc_of[$1]#http://}
    [ -z "$wire" ] || rpc=0.0.0.0:${rpc##*:}
    for node in "${nodes[@]}"; do
        [ "$node" = "$1" ] || peers+=("${id_of[$node]}@${peer_of[$node]}")
    done
    "$testnet/nodes/configure.py" "$home/$1/comet" "top.moniker=$1" \
        "top.proxy_app=unix://$home/run/$1/app.sock" "rpc.laddr=tcp://$rpc" \
        "p2p.laddr=tcp://${peer_of[$1]}" "p2p.persistent_peers=$(IFS=,; echo "${peers[*]}")" \
        "consensus.timeout_commit=$((block_ms - ROUND_MS))ms"
}

# The unit's command line, one word a line: chaos starts units by the same.
unit_words() { # node
    local netns=()
    [ -z "${netns_of[$1]:-}" ] || netns=(--netns "${netns_of[$1]}")
    printf '%s\n' "$testnet/nodes/unit.py" "${netns[@]}" --ready "$home/run/$1/app.sock" \
        "$home/logs" "$home/run/$1" \
        -- "$1" "$assay" node --home "$home/$1/assay" --engine abci \
        --abci "unix://$home/run/$1/app.sock" --comet "${rpc_of[$1]}" \
        --listen "${url_of[$1]#http://}" \
        -- "$1-comet" "$comet" start --home "$home/$1/comet"
}

node_start() { # node
    local words
    mapfile -t words < <(unit_words "$1")
    mkdir -p "$home/run/$1"
    : >"$home/logs/$1.out"
    launch "$1-unit" "${words[0]}" $(with_us) "${words[@]:1}"
}

# A unit ends with this program, whatever ends it, unless everything is to stay.
with_us() {
    [ -n "$keep" ] || echo --with $$
}

# Everybody's process has a unit that starts it again. Who kills the unit kills it for good.
spawn() { # name, then the command
    local name=$1
    shift
    launch "$name-unit" "$testnet/nodes/unit.py" $(with_us) "$home/logs" "$home/run/$name" \
        -- "$name" "$@"
    pid_of[$name]=${pid_of[$name-unit]}
    unset "pid_of[$name-unit]"
}

first_block() {
    [ "$(height 2>/dev/null || echo 0)" -ge 1 ]
}

chain_make() {
    local node
    declare -gA id_of
    addresses_choose
    folders_make
    validators_make
    for node in "${nodes[@]}"; do
        comet_home_make "$node"
    done
    for node in "${nodes[@]}"; do
        comet_configure "$node"
        node_start "$node"
    done
    url_of[node]=${url_of[node0]}
    wait_until 60 "the first block" node0-unit first_block
    level
}

# Units that chaos started anew are known by a file; their disk is free only after them.
chain_end() {
    local file pids=() pid tries
    for file in "$home"/run/*/unit.pid; do
        [ ! -e "$file" ] || pids+=("$(cat "$file")")
    done
    [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
    for pid in "${pids[@]}"; do
        for ((tries = 0; tries < 400; tries++)); do
            kill -0 "$pid" 2>/dev/null || break
            sleep 0.05
        done
    done
    [ -z "$mounted" ] || umount "$mounted" || umount -l "$mounted" || true
}

chain_show() {
    local node i
    for i in "${!nodes[@]}"; do
        node=${nodes[i]}
        say "$(printf '%-6s of %-6s consensus bond %d OPEN, API %s, CometBFT %s %s' "$node" \
            "${honest[i]}" $((CONSENSUS_BOND / OPEN)) "${url_of[$node]}" \
            "$comet_version" "${rpc_of[$node]}")"
    done
}

height_of() { # node
    curl -sS --fail --max-time 30 "${url_of[$1]}/v1/status" | jq .height
}

at_least() { # node, height
    [ "$(height_of "$1")" -ge "$2" ]
}

# What one node has in a block, the others have at once after: waits until all are as far.
level() {
    local node top=0 have
    for node in "${nodes[@]}"; do
        have=$(height_of "$node")
        [ "$have" -le $top ] || top=$have
    done
    for node in "${nodes[@]}"; do
        wait_until 30 "$node has block $top" "$node-unit" at_least "$node" $top
    done
}

# The epoch's last blocks hold nothing new, and take their time.
epoch_close() {
    local state height last end=$((SECONDS + 900))
    state=$(api status)
    [ "$(jq .epoch <<<"$state")" -eq 0 ] || fail "this machine was too slow for one epoch" node0
    height=$(jq .height <<<"$state") last=$(jq .epoch_blocks "$params")
    say "block $height: the epoch ends with block $last"
    until [ "$height" -gt "$last" ]; do
        [ $SECONDS -lt $end ] || fail "epoch 0 did not close" node0
        moving "block $height of $last"
        sleep 0.5
        height=$(height)
    done
    "$assay" settle --epoch 0 --node "${url_of[node]}" --wait-ms 60000 --json \
        >"$home/epoch.json" || fail "epoch 0 did not close" node0
    level
}
