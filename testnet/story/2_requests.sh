# SPDX-License-Identifier: Apache-2.0
# Step 2: signed requests over HTTP, answers as text, batches.

TOKENS=56
DEPOSIT=$((30 * OPEN))
declare -A session

session_open() { # provider's name, nopen
    session[$1]=$(sign consumer session open --provider "${address[$1]}" --deposit "$2" \
        --price-in $PRICE_IN --price-out $PRICE_OUT --expiry 900000 | jq -r .digest)
}

# The first COUNT prompts of a kind, in the order that the seed gives them.
prompts_choose() { # kind, count
    local kind prompt
    while IFS='|' read -r kind prompt; do
        [ "$kind" != "$1" ] ||
            printf '%s|%s|%s\n' "$(derive "prompt/$prompt")" "$kind" "$prompt"
    done <"$story/prompts.txt" | sort | sed -n "1,$2p" | cut -d '|' -f 2-
}

# Every other request is sampled, with a seed of its own.
sampling_of() { # number
    if [ $(($1 % 2)) -eq 1 ]; then
        echo --temperature-milli 0
    else
        echo --temperature-milli 700 --top-k 40 --top-p-ppm 950000 \
            --seed "$(derive_number "sampling/$1")"
    fi
}

# ask NUMBER PROVIDER KIND PROMPT: the answer goes to requests/NUMBER.json.
ask() {
    local adapter=()
    [ "$3" = base ] || adapter=(--adapter "${root[adapter-$3]}")
    # shellcheck disable=SC2046
    sign consumer ask --provider "${url_of[$2]}" --session "${session[$2]}" \
        --model "$home/base.assay" "${adapter[@]}" --prompt "$4" --max-tokens $TOKENS \
        $(sampling_of "$1") >"$home/requests/$1.json"
}

# Who answers request NUMBER: each in turn.
provider_of() { # number
    echo "${providers[$((($1 - 1) % ${#providers[@]}))]}"
}

show_answer() { # number, kind, prompt
    local how=greedy text by=
    [ ${#providers[@]} -eq 1 ] || by=", $(provider_of "$1")"
    [ $(($1 % 2)) -eq 1 ] || how=sampled
    text="$bold$(one_line "$3")$plain│$(one_line "$(jq -r .text "$home/requests/$1.json")")"
    say "$bold$(printf '%2d' "$1")$plain $faint$2, $how$by," \
        "$(in_open "$(jq .fee "$home/requests/$1.json")") OPEN$plain"
    fold -s -w 88 <<<"$text" | sed 's/^/     /'
}

requests_send() {
    local kind prompt number=0
    while IFS='|' read -r kind prompt; do
        number=$((number + 1))
        moving "asking for number $number"
        ask $number "$(provider_of $number)" "$kind" "$prompt"
        show_answer $number "$kind" "$prompt"
        printf '%s|%s|%s\n' $number "$kind" "$prompt" >>"$home/requests/list"
    done < <(for kind in "${data_sets[@]}"; do prompts_choose "$kind" 8; done
        prompts_choose base 4)
    asked=$number
}

batched() {
    [ "$(api batches | jq --argjson of "$(providers_json)" \
        '[.batches[] | select(.provider | IN($of[])) | .count] | add // 0')" -eq "$asked" ]
}

step_requests() {
    step 2 "Requests: signed, answered, paid by the token"
    local name
    for name in "${providers[@]}"; do
        session_open "$name" $DEPOSIT
        say "the consumer deposits $(in_open $DEPOSIT) OPEN in session ${session[$name]}"
    done
    say "prices: $(in_open $PRICE_IN) OPEN a prompt token, $(in_open $PRICE_OUT) an output token"
    say ''
    requests_send
    wait_until 20 "all receipts are in batches" provider batched
    say ''
    hold "$asked requests answered; their receipts are in $(api batches |
        jq '.batches | length') batches on the ledger" test "$asked" -ge 24
}
