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
