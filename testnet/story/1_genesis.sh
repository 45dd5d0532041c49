# SPDX-License-Identifier: Apache-2.0
# Step 1: keys, genesis, data sets, model, adapters, bonds, and the processes of everyone.

data_sets=(doyle carroll shakespeare)
frauds=(altered-token wrong-adapter inflated-count withheld-evidence)
providers=(provider)  # honest ones: each answers its share of the requests
honest=(alice bob)    # rerun what they are drawn for
idle=(copier silent)  # do not
declare -A manner=([copier]=copy [silent]=silent [liar]=lie)
more=()
declare -A cheat=([altered-token]=forger [wrong-adapter]=swapper [inflated-count]=padder
    [withheld-evidence]=hider)
declare -A root

OPEN=1000000000
PROVIDER_BOND=$((200 * OPEN))
CHEAT_BOND=$((30 * OPEN))
HONEST_BOND=$((200 * OPEN)) # the honest hold > 2/3 of all verification bond
SPARE=10 # OPEN beside their bond
IDLE_BOND=$((40 * OPEN))
GENESIS_TIME=1700000000 # of no matter, but part of what --seed repeats
BATCH_COUNT=4 BATCH_MS=3000 # the honest provider's
PRICE_IN=1000000
PRICE_OUT=4000000

everyone() {
    echo operator publisher consumer "${providers[@]}" "${honest[@]}" "${idle[@]}" "${cheat[@]}" \
        "${more[@]}"
    printf '%s ' "${data_sets[@]}" "${data_sets[@]/#/tuner-}"
}

keys_make() {
    local name
    for name in $(everyone); do
        together key_make "$name"
    done
    together_wait
    for name in $(everyone); do
        address[$name]=$(jq -r .address "$home/keys/$name.address")
    done
    for name in $(everyone); do
        jq -n --arg name "$name" --arg address "${address[$name]}" '{($address): $name}'
    done | jq -s add >"$home/names.json"
}

ghost() { # the provider that vanishes, where one is to
    [[ " ${more[*]} " != *" ghost "* ]] || echo ghost
}

# The addresses of the honest providers, as JSON.
providers_json() {
    local name
    for name in "${providers[@]}"; do
        echo "${address[$name]}"
    done | jq -R . | jq -cs .
}

# Balances at genesis, in OPEN: the bond, and some to pay fees with.
balance_of() {
    [[ " ${honest[*]} " != *" $1 "* ]] || { echo $((HONEST_BOND / OPEN + SPARE)); return; }
    case $1 in
    consumer) echo 1000 ;;
    late) echo 20 ;;
    provider | provider[0-9]) echo 220 ;;
    copier | silent | liar) echo 50 ;;
    forger | swapper | padder | hider | ghost) echo 40 ;;
    *) echo 10 ;;
    esac
}

# The --account options of a new chain: everyone whose money is not the bond of a block maker.
accounts_at_genesis() {
    local name
    for name in $(everyone); do
        [ "$name" = operator ] || # its bond is the consensus bond
            printf -- '--account\n%s=%d\n' "${address[$name]}" $(($(balance_of "$name") * OPEN))
    done
}

dataset_register() { # name
    sign "$1" dataset register --file "$testnet/data/$1.txt" --name "$1" --license CC0-1.0 \
        >"$home/registered/$1.dataset"
    root[$1]=$("$assay" dataset inspect "$testnet/data/$1.txt" --json | jq -r .root)
    say "$(printf '%-12s registers the data set %-16s %9d bytes  %s' "$1" "$1.txt" \
        "$(stat -c %s "$testnet/data/$1.txt")" "${root[$1]}")"
}

pace_infer() {
    "$assay" infer --model "$home/base.assay" --threads 1 --ids 1 --max-tokens 128 --json \
        >/dev/null
}

# Windows are counted in blocks: a machine that computes slowly makes them slowly, so that reruns
# have their time.
pace_set() {
    local began took
    root[base]=$("$assay" model import "$testnet/model" --out "$home/base.assay" --json |
        jq -r .root)
    began=$(date +%s%3N)
    together pace_infer
    together pace_infer
    together_wait
    took=$(($(date +%s%3N) - began))
    [ $took -le 800 ] || block_ms=$((block_ms * took / 800))
}

model_register() {
    sign publisher model register --file "$home/base.assay" --name "demo base" \
        --royalty-ppm 100000 >"$home/registered/base"
    say "$(printf 'publisher    registers the base model, 4 bits     %9d bytes  %s' \
        "$(stat -c %s "$home/base.assay")" "${root[base]}")"
}

# A tuner's adapter, with the data set it was tuned on as its lineage.
adapter_register() { # name
    "$assay" adapter import "$testnet/adapters/$1" --model "$home/base.assay" \
        --out "$home/$1.assay" --json >"$home/registered/$1.adapter"
    sign "tuner-$1" adapter register --file "$home/$1.assay" --model "$home/base.assay" \
        --name "$1" --royalty-ppm 120000 --source "${root[$1]}=1000000" \
        >"$home/registered/$1.registered"
}

adapters_register() {
    local name
    for name in "${data_sets[@]}"; do
        together adapter_register "$name"
    done
    together_wait
    for name in "${data_sets[@]}"; do
        root[adapter-$name]=$(jq -r .root "$home/registered/$name.adapter")
        say "$(printf '%-18s the adapter %-16s %12d bytes  %s' "tuner-$name" "on $name" \
            "$(stat -c %s "$home/$name.assay")" "${root[adapter-$name]}")"
    done
}

bond() { # name, role, nopen
    sign "$1" bond --role "$2" --amount "$3" >"$home/registered/$1.bond"
}

bonds_put() {
    local name
    for name in "${providers[@]}"; do
        together bond "$name" provider $PROVIDER_BOND
    done
    for name in "${cheat[@]}" $(ghost); do
        together bond "$name" provider $CHEAT_BOND
    done
    for name in "${honest[@]}"; do
        together bond "$name" verification $HONEST_BOND
    done
    for name in "${idle[@]}"; do
        together bond "$name" verification $IDLE_BOND
    done
    together_wait
}

# What a process that computes needs to hold.
workshop() {
    local name
    printf '%s\n' --model "$home/base.assay"
    for name in "${data_sets[@]}"; do
        printf '%s\n' --adapter "$home/$name.assay" --dataset "$testnet/data/$name.txt"
    done
}

validator_start() { # name, options
    local name=$1
    shift
    spawn "$name" "$assay" verify --watch --node "$(node_of "$name")" \
        --key "$home/keys/$name.json" --password-file "$password" "${workshop[@]}" \
        --poll-ms 50 --allow-private --json "$@"
}

provider_start() { # name, options
    local name=$1
    shift
    spawn "$name" "$assay" serve --home "$home/$name" --node "$(node_of "$name")" \
        --key "$home/keys/$name.json" --password-file "$password" "${workshop[@]}" \
        --listen 127.0.0.1:0 --price-in $PRICE_IN --price-out $PRICE_OUT "$@"
}

roots_declared() {
    [ "$(api "account/${address[$1]}" | jq '.declared | length')" -eq 4 ]
}

everyone_start() {
    local name kind
    mapfile -t workshop < <(workshop)
    for name in "${honest[@]}"; do
        validator_start "$name"
    done
    for name in "${idle[@]}"; do
        validator_start "$name" --misbehave "${manner[$name]}"
    done
    for name in "${providers[@]}"; do
        provider_start "$name" --batch-count $BATCH_COUNT --batch-ms $BATCH_MS
    done
    for name in $(ghost); do
        provider_start "$name" --batch-count 3 --batch-ms 600000
    done
    for kind in "${frauds[@]}"; do
        provider_start "${cheat[$kind]}" --batch-count 3 --batch-ms 600000 --misbehave "$kind"
    done
    for name in "${providers[@]}" "${cheat[@]}" $(ghost); do
        url_of[$name]=$(await_line "$name" http 30)
    done
    for name in "${honest[@]}" "${idle[@]}"; do
        wait_until 30 "$name declares the roots it can rerun" "$name" roots_declared "$name"
    done
}

registered() { # plural, count
    [ "$(api "$1" | jq ".$1 | length")" -eq "$2" ]
}

step_genesis() {
    local name
    step 1 "Genesis: who takes part, and with what"
    mkdir "$home/keys" "$home/logs" "$home/registered" "$home/requests"
    keys_make
    pace_set
    chain_make
    say "chain 7070, genesis $(jq -r .genesis "$home/init.json")," \
        "supply $(in_open "$(jq .supply "$home/init.json")") OPEN"
    chain_show
    for name in "${data_sets[@]}"; do
        dataset_register "$name"
    done
    model_register
    adapters_register
    bonds_put
    everyone_start
    for name in "${providers[@]}"; do
        say "$(printf '%-12s serves at %s, bond %s OPEN' "$name" "${url_of[$name]}" \
            "$(in_open $PROVIDER_BOND)")"
    done
    say "${honest[*]} ${idle[*]} verify, each a process of its own; bonds" \
        "$((HONEST_BOND / OPEN)) OPEN, of ${idle[*]} $((IDLE_BOND / OPEN)) OPEN"
    hold "three data sets, one model and three adapters are on the ledger" \
        eval 'registered datasets 3 && registered models 1 && registered adapters 3'
}
