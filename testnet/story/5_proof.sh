# SPDX-License-Identifier: Apache-2.0
# Step 5: a payout proved to someone who has only the genesis file; everything replayed and rerun.

# Whether a command exits with this code.
exits() { # code, command
    local want=$1 code=0
    shift
    "$@" >/dev/null 2>&1 || code=$?
    [ "$code" -eq "$want" ]
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

# What the audit's reruns need, where it looks for it. Nobody has the evidence that was withheld.
archive_fill() {
    local archive=$home/chain/archive name folder
    mkdir -p "$archive/adapters" "$archive/datasets" "$archive/evidence"
    ln -s "$home/base.assay" "$archive/model.safetensors"
    for name in "${data_sets[@]}"; do
        ln -s "$home/$name.assay" "$archive/adapters/$name.safetensors"
        ln -s "$testnet/data/$name.txt" "$archive/datasets/$name.txt"
    done
    for name in provider forger swapper padder; do
        for folder in "$home/$name/evidence"/*; do
            ln -s "$folder" "$archive/evidence/"
        done
    done
}

quiet() { # the chain has nothing left to do
    local before
    before=$(height)
    sleep 0.3
    [ "$(height)" = "$before" ]
}

audited() { # jq condition on the audit, the node's status and the epoch
    [ "$(jq -rn --slurpfile audit "$home/audit.json" --slurpfile status "$home/status.json" \
        --slurpfile epoch "$home/epoch.json" --argjson asked "$asked" \
        "\$audit[0] as \$audit | \$status[0] as \$status | \$epoch[0] as \$epoch | $1")" = true ]
}

audit_show() {
    local code=0
    archive_fill
    wait_until 30 "the chain is quiet" node quiet
    "$assay" audit --home "$home/chain" --rerun all --json >"$home/audit.json" || code=$?
    api status >"$home/status.json"
    say ''
    say "the audit, from the genesis in a fresh home:"
    jq -r '"\(.blocks) blocks replayed, state root \(.state_root)",
        "\(.receipts_rerun) of \(.receipts) settled receipts rerun, \(.mismatches) mismatches",
        "\(.voided) voided receipts in \(.voided_batches) batches, " +
        "\(.voided_rerun) of them rerun: found guilty again"' "$home/audit.json" |
        sed 's/^/     /'
    hold "the audit agrees" test $code -eq 0
    hold "it comes to the node's state root" audited '$audit.state_root == $status.state_root'
    hold "it comes to the epoch's payout root" \
        audited '$audit.payout_roots[0].root == $epoch.payout_root'
    hold "it reran every settled receipt, and each came out the same" \
        audited '$audit.receipts_rerun == $asked and $audit.receipts == $asked
            and $audit.mismatches == 0'
}

step_proof() {
    step 5 "Proof: what one needs not believe"
    proof_show
    audit_show
}

results_write() { # file
    ask_epoch --slurpfile audit "$home/audit.json" --slurpfile status "$home/status.json" \
        --slurpfile frauds "$home/frauds.json" --arg seed "$seed" '
        $status[0] as $status | $audit[0] as $audit |
        {seed: $seed,
         supply: $status.supply,
         receipts: [batches | select(.state == "settled") | .count] | add,
         fraud: $frauds,
         payouts: payouts_named,
         payout_root: $epoch[0].payout_root,
         state_root: $status.state_root,
         audit: {blocks: $audit.blocks, receipts_rerun: $audit.receipts_rerun,
                 mismatches: $audit.mismatches, voided: $audit.voided,
                 state_root: $audit.state_root, payout_root: $audit.payout_roots[0].root}}' |
        jq . >"$1"
}
