# SPDX-License-Identifier: Apache-2.0
# Step 3: four providers that cheat, what became of them, and of the validators that did not work.

VERDICT_SECONDS=120 # with blocks of 50 ms

# One request of each adapter, with prompts that step 2 left.
cheat_ask() { # kind of fraud, its place
    local kind number=$((100 + 10 * $2 + 1))
    for kind in "${data_sets[@]}"; do
        ask $number "${cheat[$1]}" "$kind" \
            "$(prompts_choose "$kind" $((8 + $2)) | sed -n '$p' | cut -d '|' -f 2)"
        number=$((number + 2)) # greedy ones
    done
}

frauds_commit() {
    local kind at=0
    for kind in "${frauds[@]}"; do
        session_open "${cheat[$kind]}" $((2 * OPEN))
    done
    for kind in "${frauds[@]}"; do
        at=$((at + 1))
        together cheat_ask "$kind" $at
    done
    together_wait
    wait_until 20 "every provider has a batch" '' frauds_batched
}

frauds_batched() {
    local name
    for name in "${cheat[@]}"; do
        [ -n "$(batch_ids "$name")" ] || return 1
    done
}

batch_ids() { # provider's name
    api batches | jq -r --arg p "${address[$1]}" '.batches[] | select(.provider == $p) | .id'
}

votes_count() {
    local name
    for name in "${honest[@]}" "${idle[@]}"; do
        cat "$home/logs/$name.out"
    done | grep -c '"vote"' || true
}

last_vote() {
    local name all=("${honest[@]}" "${idle[@]}")
    name=${all[$((SECONDS % ${#all[@]}))]}
    tail -n 1 "$home/logs/$name.out" | jq -r --arg name "$name" \
        'select(.vote) | "\($name): \(.vote) \(.verdict_name)"' 2>/dev/null || true
}

# The next moment is 50 to 1,250 ms ahead; in ms since 1970.
kill_plan() {
    kill_at=$(($(date +%s%3N) + 50 + RANDOM % 1200))
}

# --kills: what was acknowledged is on disk, so nobody needs to know.
node_kill() {
    sign consumer transfer --to "${address[doyle]}" --amount 1 >>"$home/acknowledged"
    node_restart "$block_ms" KILL
    killed=$((killed + 1))
    say "killed the node, time $killed: it is back at block $(height)"
    kill_plan
}

none_lost() {
    local id at
    while read -r id at; do
        [ "$(api "tx/$id" | jq -r '"\(.state) \(.code) \(.height)"')" = "committed 0 $at" ] ||
            return 1
    done < <(jq -r '"\(.id) \(.height)"' "$home/acknowledged")
    [ "$(wc -l <"$home/acknowledged")" -eq "$kills" ]
}

# Until no batch is open any more, and the node was killed as often as asked for.
verdicts_wait() {
    local end=$((SECONDS + VERDICT_SECONDS * block_ms / 50)) states seen=''
    local open settled void killed=0 kill_at
    RANDOM=$((0x$(derive kills | cut -c 1-4))) # the moments follow from the seed
    kill_plan
    while [ $SECONDS -le $end ]; do
        [ $killed -ge "$kills" ] || [ "$(date +%s%3N)" -lt "$kill_at" ] || node_kill
        states=$(api batches | jq -r '[.batches[].state] |
            (map(select(. == "settled")) | length) as $settled |
            (map(select(. == "void")) | length) as $void |
            "\(length - $settled - $void) \($settled) \($void)"')
        read -r open settled void <<<"$states"
        moving "block $(height): $open batches being checked, $settled settled, $void void;" \
            "$(votes_count) votes; $(last_vote)"
        if [ -z "$live" ] && [ "$settled $void" != "$seen" ]; then
            seen="$settled $void"
            say "block $(height): $open batches being checked, $settled settled, $void void"
        fi
        [ "$open" -gt 0 ] || [ $killed -lt "$kills" ] || return 0
        sleep 0.1
    done
    fail "batches are still open for too long" alice
}

# Every batch with its payouts, and every case with its votes, as two lists.
verdicts_fetch() {
    local id
    api batches | jq -r '.batches[].id' >"$home/batch.ids"
    while read -r id; do
        api "batch/$id"
    done <"$home/batch.ids" | jq -s . >"$home/batches.json"
    jq -r '.[] | .id as $id | range(.sample_count) | "\($id)/\(.)"' "$home/batches.json" |
        while read -r id; do
            api "case/$id"
        done | jq -s . >"$home/cases.json"
}

# ask_ledger OPTIONS PROGRAM: jq over what was fetched, with the words of ledger.jq.
ask_ledger() {
    local program=${*: -1}
    jq -rn --slurpfile names "$home/names.json" --slurpfile batches "$home/batches.json" \
        --slurpfile cases "$home/cases.json" "${@:1:$#-1}" "$(cat "$story/ledger.jq") $program"
}

# What the first honest validator that reran a sample of this batch found.
finding() { # batch
    local name
    for name in "${honest[@]}"; do
        cat "$home/logs/$name.out"
    done | jq -rs --arg batch "$1" \
        '[.[] | select(.vote == "commit" and .batch == $batch and .verdict != 0)][0]
         | "\(.verdict_name): \(.reason)"'
}

# One fraud: its story, then whether it went as the rules say.
fraud_show() { # kind
    local name=${cheat[$1]} batch before after
    batch=$(batch_ids "$name")
    say "$yellow$1$plain by $name ${address[$name]}"
    ask_ledger --arg provider "${address[$name]}" 'fraud_lines($provider)' |
        while IFS= read -r line; do
            say "   $line"
            [ "${line#drawn}" = "$line" ] || say "   rerun     $(finding "$batch")"
        done
    before=$CHEAT_BOND after=$(bond_of "$name" provider)
    hold "$1 is caught, voided, refunded in full, and slashed ten times its fees" \
        fraud_held "$name" $((before - after))
    ask_ledger --arg kind "$1" --arg provider "${address[$name]}" \
        'fraud_result($kind; $provider)' >>"$home/frauds.json"
}

bond_of() { # name, role
    api "account/${address[$1]}" | jq --arg role "$2" \
        '[.bonds[] | select(.role == $role) | .active] | add // 0'
}

# The batch is void for fraud; its fees are back in the session; the bond is short of the slash.
fraud_held() { # name, what its bond lost
    local fees slashed refunded
    read -r fees slashed refunded < <(ask_ledger --arg provider "${address[$1]}" \
        'batch_of($provider) | select(.void_reason == "fraud" and .caught > 0)
         | "\(.fee_total) \(.slashed) \(.refunded)"')
    [ -n "$fees" ] && [ "$refunded" -eq "$fees" ] && [ "$slashed" -eq $((10 * fees)) ] &&
        [ "$slashed" -eq "$2" ] &&
        [ "$(api "session/${session[$1]}" | jq '.free')" -eq $((2 * OPEN)) ]
}

validator_show() { # name, bond, how it worked
    local votes revealed bad slashed paid
    read -r votes revealed bad slashed paid < <(ask_ledger --arg v "${address[$1]}" \
        'record($v) | "\(.votes) \(.revealed) \(.slashed_votes) \(.slashed) \(.paid)"')
    say "$(printf '%-8s %-26s %3d votes asked, %3d revealed, %3d slashed: lost %s of %d OPEN' \
        "$1" "$3" "$votes" "$revealed" "$bad" "$(in_open "$slashed")" $(($2 / OPEN)))"
    lost[$1]=$slashed
}

validators_show() {
    local name
    declare -gA lost
    for name in "${honest[@]}"; do
        validator_show "$name" $HONEST_BOND "reruns every sample"
    done
    validator_show copier $IDLE_BOND "says what others say"
    validator_show silent $IDLE_BOND "commits, never reveals"
    for name in copier silent; do
        hold "$name is penalised: $(in_open "${lost[$name]}") OPEN, as its bond shows" \
            test "${lost[$name]}" -gt 0 -a \
            $((IDLE_BOND - $(bond_of $name verification))) -eq "${lost[$name]}"
    done
    [ "$kills" -eq 0 ] ||
        hold "$kills transactions acknowledged right before a kill are on the ledger" none_lost
}

step_fraud() {
    local kind
    step 3 "Fraud: four providers cheat, two validators do not work"
    for kind in "${frauds[@]}"; do
        say "$(printf '%-8s serves with %-18s bond %d OPEN, %s' "${cheat[$kind]}" "$kind," \
            $((CHEAT_BOND / OPEN)) "${url_of[${cheat[$kind]}]}")"
    done
    frauds_commit
    say "each has sold three answers, one of each adapter; their batches are on the ledger"
    spans_start
    verdicts_wait
    verdicts_fetch
    : >"$home/frauds.json"
    for kind in "${frauds[@]}"; do
        say ''
        fraud_show "$kind"
    done
    say ''
    validators_show
}
