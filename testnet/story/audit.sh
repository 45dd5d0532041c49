# SPDX-License-Identifier: Apache-2.0
# The audit from outside: every block replayed from the genesis, every receipt rerun.

# What the audit's reruns need, where it looks for it. Nobody has the evidence that was withheld.
archive_fill() {
    local archive=$home/chain/archive name folder
    mkdir -p "$archive/adapters" "$archive/datasets" "$archive/evidence"
    ln -s "$home/base.assay" "$archive/model.safetensors"
    for name in "${data_sets[@]}"; do
        ln -s "$home/$name.assay" "$archive/adapters/$name.safetensors"
        ln -s "$testnet/data/$name.txt" "$archive/datasets/$name.txt"
    done
    for name in "${providers[@]}" forger swapper padder; do
        for folder in "$home/$name/evidence"/*; do
            ln -s "$folder" "$archive/evidence/"
        done
    done
}

audited() { # jq condition on the audit and the epoch
    [ "$(jq -rn --slurpfile audit "$home/audit.json" --slurpfile epoch "$home/epoch.json" \
        --argjson asked "$asked" "\$audit[0] as \$audit | \$epoch[0] as \$epoch | $1")" = true ]
}

audit_show() { # options that say where the blocks are
    local code=0
    archive_fill
    "$assay" audit --home "$home/chain" "$@" --rerun all --json >"$home/audit.json" || code=$?
    say ''
    say "the audit, from the genesis in a fresh home:"
    jq -r '"\(.blocks) blocks replayed, state root \(.state_root)",
        "\(.receipts_rerun) of \(.receipts) settled receipts rerun, \(.mismatches) mismatches",
        "\(.voided) voided receipts in \(.voided_batches) batches, " +
        "\(.voided_rerun) of them rerun: found guilty again"' "$home/audit.json" |
        sed 's/^/     /'
    hold "the audit agrees" test $code -eq 0
    hold "it comes to the epoch's payout root" \
        audited '$audit.payout_roots[0].root == $epoch.payout_root'
    hold "it reran every settled receipt, and each came out the same" \
        audited '$audit.receipts_rerun == $asked and $audit.receipts == $asked
            and $audit.mismatches == 0'
}
