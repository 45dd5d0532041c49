# SPDX-License-Identifier: Apache-2.0
# Step 5: a payout proved to someone who trusts no node; everything replayed.

# Whether a command exits with this code.
exits() { # code, command
    local want=$1 code=0
    shift
    "$@" >/dev/null 2>&1 || code=$?
    [ "$code" -eq "$want" ]
}

step_proof() {
    step 5 "Proof: what one needs not believe"
    proof_show
    replay_show
}

results_write() { # file
    results_own >"$home/own.json"
    ask_epoch --slurpfile status "$home/status.json" --slurpfile own "$home/own.json" \
        --slurpfile frauds "$home/frauds.json" --arg seed "$seed" '
        $status[0] as $status |
        {seed: $seed,
         supply: $status.supply,
         receipts: [batches | select(.state == "settled") | .count] | add,
         fraud: $frauds,
         payouts: payouts_named,
         payout_root: $epoch[0].payout_root,
         state_root: $status.state_root} + $own[0]' |
        jq . >"$1"
}
