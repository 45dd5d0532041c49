# SPDX-License-Identifier: Apache-2.0
# What the demo shows: numbered steps, facts, checks, tables. On a terminal with colours and one
# line that moves while something is waited for; elsewhere plain lines.

live=
[ -t 1 ] && [ "${TERM:-dumb}" != dumb ] && live=yes
if [ -z "${NO_COLOR:-}" ] && { [ -n "$live" ] || [ "${CLICOLOR_FORCE:-0}" != 0 ]; }; then
    bold=$'\e[1m' faint=$'\e[2m' red=$'\e[31m' green=$'\e[32m' yellow=$'\e[33m' blue=$'\e[36m'
    plain=$'\e[0m'
    export CLICOLOR_FORCE=1
else
    bold='' faint='' red='' green='' yellow='' blue='' plain=''
fi

step() { # number and title
    still
    printf '\n%s%s. %s%s\n\n' "$bold$blue" "$1" "$2" "$plain"
}

say() {
    still
    printf '  %s\n' "$*"
}

remark() {
    still
    printf '  %s%s%s\n' "$faint" "$*" "$plain"
}

# A line that the next one replaces; nothing where lines can't be replaced.
moving() {
    [ -n "$live" ] || return 0
    local width=${COLUMNS:-$(tput cols 2>/dev/null || echo 80)} text="  $*"
    printf '\r\e[K%s%s%s' "$faint" "${text:0:width-1}" "$plain"
}

still() {
    [ -z "$live" ] || printf '\r\e[K'
}

# A claim and the command that decides it: the demo ends with the first that fails.
hold() {
    local claim=$1
    shift
    still
    if "$@"; then
        printf '  %sholds%s  %s\n' "$green" "$plain" "$claim"
    else
        printf '  %sFAILS%s  %s\n' "$red" "$plain" "$claim"
        fail "a check failed: $claim"
    fi
}

# Strangers' text on one line: no control character reaches the terminal.
one_line() {
    tr '\n\t' '  ' <<<"$1" | tr -d '\000-\037\177' | tr -s ' '
}

# nopen as OPEN, all nine decimals.
in_open() {
    printf '%d.%09d' $(($1 / 1000000000)) $(($1 % 1000000000))
}

short() { # an id or address
    printf '%s…' "${1:0:10}"
}
