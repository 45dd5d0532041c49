# SPDX-License-Identifier: Apache-2.0
# --chaos: what the cluster needs for faults, before it starts; then the document that
# testnet/chaos/run.py takes everything from.

SMALL_DISK=256m
SNAPSHOT_BLOCKS=40 SNAPSHOT_KEEP=3
PAYERS=4 # as many as load.py's

# Faults of network and disk need rights and devices; what is missing is said by each fault.
chaos_prepare() {
    local stretch window
    SPARE=100 BATCH_COUNT=8 BATCH_MS=6000
    more=(ghost late) idle+=(liar)
    for ((i = 0; i < PAYERS; i++)); do
        more+=("payer$i")
    done
    if [ "$(id -u)" -eq 0 ]; then
        [ ! -c /dev/net/tun ] || ! ip netns list >/dev/null 2>&1 || wire=yes
        small_disk=node$(($(derive_number disk) % ${#nodes[@]}))
        disk_works || small_disk=''
    fi
    # Nobody may miss a window for having been cut off: its last quarter, in which evidence is no
    # longer waited for, is longer than the longest fault, a stop. Of one of four that is up to 1.5
    # blocks a second, as each fourth waits for its proposer.
    stretch=$((minutes < 9 ? minutes : 9))
    window=$((40 + 40 * stretch))
    params=$home/params.json
    jq --argjson window $window '.commit_blocks = $window | .reveal_blocks = $window
        | .answer_blocks = $window | .epoch_blocks = 60 | .unbond_trust_blocks = 2000' \
        "$story/cluster_params.json" >"$params"
}

snapshots_often() { # config.json
    jq --argjson blocks $SNAPSHOT_BLOCKS --argjson keep $SNAPSHOT_KEEP \
        '.snapshot_blocks = $blocks | .snapshot_keep = $keep' "$1" >"$1.new"
    mv "$1.new" "$1"
}

disk_works() {
    local folder
    folder=$(mktemp -d)
    local code=0
    mount -t tmpfs -o size=1m assay "$folder" 2>/dev/null && umount "$folder" || code=1
    rmdir "$folder"
    return $code
}

json_of() { # names of entries, from an associative array of that name
    local -n from=$1
    local name
    shift
    for name in "$@"; do
        jq -n --arg name "$name" --arg value "${from[$name]}" '{($name): $value}'
    done | jq -s add
}

node_document() { # node, owner
    local words
    mapfile -t words < <(unit_words "$1")
    jq -n --arg name "$1" --arg owner "$2" --arg api "${url_of[$1]}" --arg rpc "${rpc_of[$1]}" \
        --arg peers "$(rpc_for_peers "$1")" --arg comet "$comet" \
        --argjson pid "${pid_of[$1-unit]}" \
        '{name: $name, owner: $owner, api: $api, rpc: $rpc, rpc_for_peers: $peers, comet: $comet,
          pid: $pid, unit: $ARGS.positional}' --args -- "${words[@]}"
}

nodes_document() {
    local i
    for i in "${!nodes[@]}"; do
        node_document "${nodes[i]}" "${honest[i]}"
    done | jq -s .
}

sinks_document() {
    local i
    for ((i = 0; i < PAYERS; i++)); do
        echo "0x$(derive "sink/$i" | cut -c 1-40)"
    done | jq -R . | jq -s .
}

cluster_document() {
    local -a everyone
    read -ra everyone <<<"$(everyone | xargs)"
    jq -n --arg home "$home" --arg assay "$assay" --arg seed "$seed" --argjson minutes "$minutes" \
        --arg wire "${wire:+$home/wire.sock}" --arg small "$small_disk" \
        --argjson nodes "$(nodes_document)" --argjson sinks "$(sinks_document)" \
        --argjson address "$(json_of address "${everyone[@]}")" \
        --argjson url "$(json_of url_of provider ghost "${cheat[@]}")" \
        --argjson pid "$(json_of pid_of ghost | jq 'map_values(tonumber)')" \
        --argjson root "$(json_of root base "${data_sets[@]/#/adapter-}")" \
        --argjson cheats "$(json_of cheat "${frauds[@]}")" \
        --argjson prices "[$PRICE_IN, $PRICE_OUT]" \
        --argjson idle "$(printf '%s\n' "${idle[@]}" | jq -R . | jq -s .)" \
        --argjson bonds "{\"provider\": $PROVIDER_BOND, \"consensus\": $CONSENSUS_BOND}" \
        '{home: $home, assay: $assay, seed: $seed, minutes: $minutes, nodes: $nodes,
          wire: ($wire | if . == "" then null else . end),
          small_disk: ($small | if . == "" then null else . end), sinks: $sinks,
          address: $address, url: $url, pid: $pid, root: $root, cheats: $cheats,
          prices: $prices, bonds: $bonds, idle: $idle,
          honest: $ARGS.positional}' --args -- "${honest[@]}"
}

chaos_play() {
    local kind results=${json:-$home/chaos.json} skipped code=0
    "$assay" validator new --home "$home/late" --address "${address[late]}" --json \
        >"$home/late.validator"
    step 2 "Chaos: what is done to them"
    for kind in "${data_sets[@]}"; do
        prompts_choose "$kind" 8
    done >"$home/prompts"
    cluster_document >"$home/cluster.json"
    python3 -B "$testnet/chaos/run.py" "$home/cluster.json" "$results" || code=$?
    [ $code -eq 0 ] ||
        fail "not everything held, to repeat: --chaos --seed $seed --minutes $minutes"
    say ''
    skipped=$(jq -r 'if .skipped > 0 then ", \(.skipped) of \(.faults | length) faults skipped"
        else "" end' "$results")
    say "${bold}everything held$plain$skipped, $((SECONDS - began)) s after the build"
}
