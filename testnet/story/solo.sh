# SPDX-License-Identifier: Apache-2.0
# The chain of one operator: how it is made, hurried through an epoch, stopped and audited.

chain_make() {
    local accounts
    mapfile -t accounts < <(accounts_at_genesis)
    jq -n --arg key "$(derive operator/ed25519)" --arg beacon "$(derive operator/beacon)" \
        '{version: 1, ed25519_seed: $key, beacon_seed: $beacon, beacon_length: 65536}' \
        >"$home/operator.secrets"
    chmod 600 "$home/operator.secrets"
    "$assay" init --home "$home/chain" --operator "${address[operator]}" --chain-id 7070 \
        --name "first light" --testnet --time $GENESIS_TIME --params "$story/params.json" \
        --distributor $DISTRIBUTOR --secrets "$home/operator.secrets" --block-ms "$block_ms" \
        "${accounts[@]}" --json >"$home/init.json"
    rm "$home/operator.secrets"
    node_start "$block_ms" 127.0.0.1:0
}

chain_show() {
    say "node ${url_of[node]}, a block every $block_ms ms"
}

spawn() { # name, then the command
    launch "$@"
}

chain_end() {
    :
}

node_of() { # whoever asks
    echo "${url_of[node]}"
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

# The epoch's last blocks hold nothing new: the node makes them without a pause. That it stops and
# starts in between changes nothing.
epoch_close() {
    local root_before
    [ "$(api status | jq .epoch)" -eq 0 ] || fail "this machine was too slow for one epoch" node
    root_before=$(api status | jq -r '"\(.height) \(.state_root)"')
    say "block ${root_before%% *}: the node restarts and hurries through the epoch's last blocks"
    node_restart 0
    "$assay" settle --epoch 0 --node "${url_of[node]}" --wait-ms 120000 --json \
        >"$home/epoch.json" || fail "epoch 0 did not close" node
}

proof_check() { # file
    "$assay" proof check "$1" --genesis "$home/chain/genesis.json"
}

proof_show() {
    local proof=$home/doyle.proof.json
    "$assay" proof payout --epoch 0 --account "${address[doyle]}" --out "$proof" \
        --node "${url_of[node]}" --json >/dev/null
    jq '.payouts[0].nopen += 1' "$proof" >"$home/tampered.proof.json"
    say "doyle's proof, $(stat -c %s "$proof") bytes, checked with the genesis file alone:"
    proof_check "$proof" | sed 's/^/     /'
    hold "the proof checks offline" exits 0 proof_check "$proof"
    hold "one nopen more, and it does not" exits 1 proof_check "$home/tampered.proof.json"
}

quiet() { # the chain has nothing left to do
    local before
    before=$(height)
    sleep 0.3
    [ "$(height)" = "$before" ]
}

replay_show() {
    wait_until 30 "the chain is quiet" node quiet
    audit_show
    api status >"$home/status.json"
    hold "it comes to the node's state root" \
        test "$(jq .state_root "$home/audit.json")" = "$(jq .state_root "$home/status.json")"
}

# What only this engine's results hold.
results_own() {
    jq '{audit: {blocks, receipts_rerun, mismatches, voided, state_root,
                 payout_root: .payout_roots[0].root}}' "$home/audit.json"
}
