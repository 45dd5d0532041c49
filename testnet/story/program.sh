# SPDX-License-Identifier: Apache-2.0
# A testnet program's frame: its folder, the build, and its end, whatever comes first. $program is
# its name.

source_root=$(dirname "$testnet")
assay=$source_root/build/release/assay

# The nodes are spoken to without the user's proxy; what is downloaded still goes through it.
proxy_avoid() { # hosts
    local hosts name
    hosts=$(IFS=,; echo "$*")
    no_proxy=${no_proxy:-${NO_PROXY:-}} NO_PROXY=${NO_PROXY:-${no_proxy:-}} # some read one alone
    for name in no_proxy NO_PROXY; do
        [ "${!name}" = '*' ] || printf -v "$name" %s "${!name:+${!name},}$hosts"
    done
    export no_proxy NO_PROXY
}
proxy_avoid 127.0.0.1 localhost

# Absolute, since the build changes the working directory.
options_settle() {
    if [ -n "$json" ]; then
        json=$(realpath -m -- "$json")
        { : >>"$json"; } 2>/dev/null || { echo "$program: cannot write $json" >&2; exit 2; }
    fi
    [ -z "$home" ] || home=$(realpath -m -- "$home")
    [ -n "$seed" ] || seed=$(od -An -N 4 -tx4 /dev/urandom | tr -d ' ')
}

home_make() {
    if [ -z "$home" ]; then
        temporary=$(mktemp -d "${TMPDIR:-/tmp}/assay-$(basename "$program").XXXXXX")
        home=$temporary
    elif ! mkdir -p -- "$home" || [ -n "$(ls -A -- "$home")" ]; then
        fail "$home is not an empty folder"
    fi
    password=$home/password
    (umask 077 && echo demo >"$password")
}

# However it ends: no process and no temporary folder stays. chain_end, of solo.sh or comet.sh, ends
# what the chain's nodes need beside processes.
temporary=''
finish() {
    local code=$?
    trap - EXIT
    still
    if [ $code -ne 0 ]; then
        keep=''
        echo "$program: stopped, exit code $code${temporary:+; --home DIR keeps the logs}" >&2
    fi
    # shellcheck disable=SC2046
    kill $(jobs -p) 2>/dev/null || true
    if [ -z "$keep" ]; then
        stop_all
        chain_end
        [ -z "$temporary" ] || rm -rf "$temporary"
    fi
    exit $code
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

build() {
    local log
    "$testnet/packages" build
    log=$source_root/build/release.log
    mkdir -p "$source_root/build"
    if [ -n "$live" ]; then moving "building"; else say "building the release preset"; fi
    if ! (cd "$source_root" && cmake --workflow --preset release) >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        fail "the release preset does not build, see $log"
    fi
}
