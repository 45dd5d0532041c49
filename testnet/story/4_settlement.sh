# SPDX-License-Identifier: Apache-2.0
# Step 4: the epoch settles. Who was paid what, and why; the supply; whose data one output follows.

WITHDRAWN=$((OPEN / 10))
DISTRIBUTOR=0x$(printf d%.0s {1..40}) # the EVM contract that would pay it

all_settled() {
    ask_ledger --argjson of "$(providers_json)" \
        '[batches | select(.provider | IN($of[])) | .state == "settled"] | all | tostring' |
        grep -q true
}

# Receipts of one kind as "8 receipts (1-8)".
receipts_of() { # kind, or "" for all
    local numbers
    numbers=$(awk -F '|' -v kind="$1" 'kind == "" || $2 == kind { print $1 }' \
        "$home/requests/list")
    printf '%d receipts (%d-%d)' "$(wc -l <<<"$numbers")" "$(head -n 1 <<<"$numbers")" \
        "$(tail -n 1 <<<"$numbers")"
}

# Every honest provider has a payout as such.
providers_paid() {
    [ "$(ask_epoch --argjson of "$(providers_json)" '[$epoch[0].payouts[]
        | select(.role == 4 and .nopen > 0 and (.account | IN($of[]))) | .account]
        | unique | length')" -eq ${#providers[@]} ]
}

labels_write() {
    local name
    {
        jq -n --arg id "${root[base]}" --arg n "$(receipts_of '')" '{($id): ["demo base", $n]}'
        for name in "${data_sets[@]}"; do
            jq -n --arg set "${root[$name]}" --arg adapter "${root[adapter-$name]}" \
                --arg name "$name" --arg n "$(receipts_of "$name")" \
                '{($set): ["data set \($name)", $n], ($adapter): ["adapter \($name)", $n]}'
        done
    } | jq -s add >"$home/labels.json"
}

ask_epoch() {
    ask_ledger --slurpfile epoch "$home/epoch.json" --slurpfile labels "$home/labels.json" "$@"
}

payouts_show() {
    local who role amount why
    say "$bold$(printf '%-18s %-11s %15s  %s' account role OPEN 'because of')$plain"
    while IFS=$'\t' read -r who role amount why; do
        say "$(printf '%-18s %-11s %15s  %s' "$who" "$role" "$amount" "$why")"
    done < <(ask_epoch payout_rows)
    say "$(printf '%-30s %15s' sum "$(in_open "$(jq .payout_total "$home/epoch.json")")")"
    say "payout root $(jq -r .payout_root "$home/epoch.json")"
}

supply_holds() {
    local genesis balances deposits bonds claims burned
    read -r genesis balances deposits bonds claims burned < <(jq -r '.supply |
        "\(.genesis) \(.balances) \(.deposits) \(.bonds) \(.claims) \(.burned)"' \
        "$home/status.json")
    say ''
    say "$(in_open "$genesis") OPEN at genesis ="
    say "    $(in_open "$balances") in balances + $(in_open "$deposits") in deposits" \
        "+ $(in_open "$bonds") in bonds"
    say "  + $(in_open "$claims") in claims + $(in_open "$burned") burned"
    [ "$genesis" -eq $((balances + deposits + bonds + claims + burned)) ]
}

# Whose data the words of receipt NUMBER follow, all data sets being candidates.
spans_measure() { # number, options
    local prompt
    prompt=$(grep "^$1|" "$home/requests/list")
    "$assay" attribute --model "$home/base.assay" --prompt "${prompt#*|*|}" \
        --ids "$(jq -r '.ids | map(tostring) | join(",")' "$home/requests/$1.json")" \
        --dataset "doyle=$testnet/data/doyle.txt" --dataset "carroll=$testnet/data/carroll.txt" \
        --dataset "shakespeare=$testnet/data/shakespeare.txt" "${@:2}"
}

# For each answer with an adapter, beside what the validators compute: number, kind, and how many
# tokens follow the data set that its adapter was tuned on.
spans_start() {
    (
        renice -n 19 -p $BASHPID >/dev/null 2>&1 || true
        while IFS='|' read -r number kind _; do
            [ "$kind" = base ] || spans_measure "$number" --json | jq -r \
                --arg number "$number" --arg kind "$kind" '"\(.datasets[]
                | select(.name == $kind) | .owned_tokens) \($number) \($kind)"'
        done <"$home/requests/list" >"$home/requests/spans"
    ) &
    spans_pid=$!
}

# The answer that follows its own data most, painted.
spans_show() {
    local tokens number kind
    wait $spans_pid || fail "the answers cannot be attributed"
    read -r tokens number kind < <(sort -rn "$home/requests/spans")
    say ''
    say "answer $number, by the adapter on $kind; the words that stand in a data set:"
    say ''
    say "$bold$(grep "^$number|" "$home/requests/list" | cut -d '|' -f 3-)$plain"
    spans_measure "$number" | sed 's/^/  /'
    say ''
    hold "$tokens of its tokens follow $kind, and its receipt pays $kind" \
        test "$tokens" -gt 0 -a "$(jq -r '.receipt.attribution[] | "\(.dataset) \(.ppm)"' \
            "$home/requests/$number.json")" = "${root[$kind]} 1000000"
}

step_settlement() {
    step 4 "Settlement: the epoch closes, everyone is paid"
    hold "every honest batch is settled" all_settled
    sign doyle withdraw --recipient "${address[doyle]}" --amount $WITHDRAWN \
        >"$home/registered/withdraw"
    say "doyle moves $(in_open $WITHDRAWN) OPEN to the claims tree that an EVM contract can pay"
    epoch_close
    verdicts_fetch
    labels_write
    say ''
    payouts_show
    hold "each payout is the sum of its batches' lines" \
        test "$(ask_epoch payouts_explained)" = true
    [ ${#providers[@]} -eq 1 ] ||
        hold "each of the ${#providers[@]} honest providers is paid" providers_paid
    api status >"$home/status.json"
    hold "the supply adds up to the last nopen" supply_holds
    spans_show
}
