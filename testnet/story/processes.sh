# SPDX-License-Identifier: Apache-2.0
# The processes: each by a name, with its own logs; all end with the program, however it ends.

declare -A pid_of url_of

# Ends the program with a sentence, and the end of a process's log where one is to blame.
fail() {
    local name=${2:-}
    still
    printf '%s%s: %s%s\n' "$red" "$program" "$1" "$plain" >&2
    if [ -n "$name" ]; then
        tail -n 12 "$home/logs/$name.out" "$home/logs/$name.err" >&2 || true
    fi
    exit 1
}

# spawn, of solo.sh or comet.sh, starts somebody's process: this alone, or under a unit.
launch() { # name, then the command
    local name=$1
    shift
    # A session of its own: it outlives the terminal with --keep, and only `finish` ends it else.
    setsid "$@" >>"$home/logs/$name.out" 2>>"$home/logs/$name.err" </dev/null &
    pid_of[$name]=$!
    disown $! # the shell has nothing to say when it ends
}

running() {
    kill -0 "${pid_of[$1]:-0}" 2>/dev/null
}

# Waits until a process has printed a line that begins like this, and prints the line.
await_line() { # name, beginning, seconds
    local end=$((SECONDS + $3)) line
    while [ $SECONDS -le $end ]; do
        line=$(grep -m 1 "^$2" "$home/logs/$1.out" 2>/dev/null || true)
        if [ -n "$line" ]; then
            printf '%s\n' "$line"
            return
        fi
        running "$1" || fail "$1 ended before it was ready" "$1"
        sleep 0.05
    done
    fail "$1 was not ready after $3 s" "$1"
}

# Like spawn, for a server on a port of its own choice: its first line is its URL.
spawn_server() {
    spawn "$@"
    url_of[$1]=$(await_line "$1" http 30)
}

# Ends a process by SIGTERM and waits: it drains. Stubborn ones are killed.
stop() { # name, signal
    local name=$1 pid=${pid_of[$1]:-} tries
    [ -n "$pid" ] || return 0
    unset "pid_of[$name]"
    kill "-${2:-TERM}" "$pid" 2>/dev/null || true
    for ((tries = 0; tries < 200; tries++)); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.05
    done
    kill -KILL "$pid" 2>/dev/null || true
}

stop_all() {
    local name
    # Nodes last: the others finish their work with them.
    for name in "${!pid_of[@]}"; do
        [[ $name = node* ]] || kill -TERM "${pid_of[$name]}" 2>/dev/null || true
    done
    for name in "${!pid_of[@]}"; do
        [[ $name = node* ]] || stop "$name"
    done
    for name in "${!pid_of[@]}"; do
        kill -TERM "${pid_of[$name]}" 2>/dev/null || true
    done
    for name in "${!pid_of[@]}"; do
        stop "$name"
    done
}

# Several commands at once; fails if one of them does.
declare -a together_pids
together() {
    "$@" &
    together_pids+=($!)
}
together_wait() {
    local pid failed=0
    for pid in "${together_pids[@]}"; do
        wait "$pid" || failed=1
    done
    together_pids=()
    [ $failed -eq 0 ] || fail "a command failed, its message is above"
}

# Waits until a command succeeds: wait_until SECONDS WHAT NAME COMMAND…; NAME's process may be to
# blame ("" for none).
wait_until() {
    local end=$((SECONDS + $1)) what=$2 name=$3
    shift 3
    until "$@"; do
        [ $SECONDS -le $end ] || fail "waited in vain: $what" "$name"
        [ -z "$name" ] || running "$name" || fail "$name ended" "$name"
        sleep 0.05
    done
}
