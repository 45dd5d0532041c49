# SPDX-License-Identifier: Apache-2.0
# The cluster's last step: a proof checked against another node, a newcomer that replays it all,
# what the nodes' own servers say of heights, rounds, times and roots, and an audit that believes
# none of them.

light_check() { # file
    local other words=()
    for other in node0 node1; do
        [ "$other" = "$asked" ] || words=(--witness "${rpc_of[$other]}")
    done
    "$assay" light --trust "$trusted" --node "${rpc_of[$asked]}" "${words[@]}" "$1"
}

# The proof is made by one node, and checked from the hash of one early header, which another one
# told, by what a third one has. Block 1 states the genesis's time, which is too old to be trusted.
proof_show() {
    if ! "$assay" light --help >/dev/null 2>&1; then
        say "${yellow}SKIPPED$plain: this assay has no light client"
        return
    fi
    local proof=$home/doyle.proof.json asked=node$((${#nodes[@]} - 1)) trusted
    "$assay" proof payout --epoch 0 --account "${address[doyle]}" --out "$proof" \
        --node "${url_of[node0]}" --json >/dev/null
    trusted=2:$(curl -sS --fail "${rpc_of[node1]:-${rpc_of[node0]}}/commit?height=2" |
        jq -r .result.signed_header.commit.block_id.hash)
    jq '.payouts[0].nopen += 1' "$proof" >"$home/tampered.proof.json"
    say "doyle's proof, $(stat -c %s "$proof") bytes, made by node0, checked by what $asked has:"
    light_check "$proof" | sed 's/^/     /'
    hold "the proof checks from the hash of block 2" exits 0 light_check "$proof"
    hold "one nopen more, and it does not" exits 1 light_check "$home/tampered.proof.json"
}

pairs() { # nodes, as heights.py takes them
    local node
    for node in "$@"; do
        echo "${url_of[$node]}=${rpc_of[$node]}"
    done
}

heights_measure() { # file, nodes
    local file=$1 words
    shift
    mapfile -t words < <(pairs "$@")
    "$testnet/nodes/heights.py" "${words[@]}" >"$file" || fail "the heights cannot be read"
}

# A fifth node that knows the genesis and its peers' addresses, and trusts neither.
newcomer_start() {
    local ports
    read -ra ports < <(ports_free 3)
    url_of[newcomer]=http://127.0.0.1:${ports[0]}
    rpc_of[newcomer]=http://127.0.0.1:${ports[1]}
    peer_of[newcomer]=127.0.0.1:${ports[2]}
    mkdir "$home/newcomer"
    "$assay" init --home "$home/newcomer/assay" --genesis "$home/chain/genesis.json" \
        >"$home/logs/newcomer.init"
    comet_home_make newcomer
    comet_configure newcomer
    node_start newcomer
}

newcomer_follows() {
    at_least newcomer "$(height)" 2>/dev/null
}

replay_show() {
    local node began=$SECONDS top
    top=$(height)
    newcomer_start
    wait_until $NEWCOMER_SECONDS "a newcomer follows the chain" newcomer-unit newcomer_follows
    say ''
    say "a newcomer replayed $top blocks from the genesis in $((SECONDS - began)) s"
    heights_measure "$home/heights.json" "${nodes[@]}" newcomer
    api status >"$home/status.json"
    heights_show
    hold "each application answered one app hash at every height, and all state roots are one" \
        test "$(jq .agree "$home/heights.json")" = true
    audit_show --comet "${rpc_of[node0]}"
}

heights_show() {
    local node i all=("${nodes[@]}" newcomer)
    jq -r '"\(.height) blocks; rounds needed: " + ([.rounds | to_entries[]
            | "\(.value) × \(.key)"] | join(", "))
        + "; between blocks \(.block_ms.median) ms median, \(.block_ms.p99) ms p99,"
        + " \(.block_ms.max) ms at most"' "$home/heights.json" | while IFS= read -r line; do
        say "$line"
    done
    for i in "${!all[@]}"; do
        say "$(printf '%-9s block %d  state root %s' "${all[i]}" "$(jq .at "$home/heights.json")" \
            "$(jq -r ".state_roots[$i]" "$home/heights.json")")"
    done
}

results_own() {
    jq --arg comet "$comet_version" '{cluster: ({comet: $comet} + .)}' "$home/heights.json"
}
