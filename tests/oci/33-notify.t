#!/bin/sh
# config-linux.md: seccomp, "listenerPath" and the container process state.
# shellcheck disable=SC2016,SC2034 # lib.sh reads the parts of a document; scripts are for the container
. "${0%/*}/lib.sh"

socket=$work/agent
document=$work/document
agent=

listen() { # ERRNO|continue: an agent that answers so
    rm -f "$socket" "$document"
    "$TOOLS/notify" "$socket" "$document" "$1" >"$work/calls" 2>"$work/agent.err" &
    agent=$!
    t_pids="$t_pids $agent"
    wait_until 10 test -S "$socket"
}
agent_done() {
    if ! kill -0 "$agent" 2>/dev/null; then return 0; fi
    kill "$agent" 2>/dev/null
    wait "$agent" 2>/dev/null
}
notify() { # NAMES [MORE]: of calls that are told
    LINUX=",\"seccomp\":{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"listenerPath\":\"$socket\"${2:-},
\"syscalls\":[{\"names\":[$1],\"action\":\"SCMP_ACT_NOTIFY\"}]}"
    PROCESS=',"noNewPrivileges":true'
}
# Whoever waits for an answer that never comes is ended.
run_bounded() {
    config
    t_last="run $id"
    status=0
    timeout -k 2 20 "$RUNTIME" --root "$runtime_root" run --bundle "$bundle" "$id" >"$out" 2>"$err" </dev/null ||
        status=$?
    delete_force
}

defaults
notify '"mkdir","mkdirat"' ',"listenerMetadata":"for \"me\""'
script 'mkdir /tmp/x 2>&1; echo done'
TOP=',"annotations":{"org.example":"yes"}'
listen 28
run_bounded
check 'listenerPath: the agent answers for the system call' grep -q 'No space' "$out"
check '... and the process goes on' grep -qx 'done' "$out"
expect_equal "$("$TOOLS/jget" "$document" metadata 2>&1)" 'for "me"' \
    'listenerMetadata is passed as is in the container process state'
expect_equal "$("$TOOLS/jget" "$document" fds.0 2>&1)" seccompFd \
    'fds: the name of the notify file descriptor MUST be seccompFd'
expect_equal "$("$TOOLS/jget" "$document" state.id 2>&1)" "$id" \
    'state: the state of the container is part of the container process state'
expect_equal "$("$TOOLS/jget" "$document" state.bundle 2>&1)" "$bundle" '... with its bundle'
expect_equal "$("$TOOLS/jget" "$document" 'state.annotations.org\.example' 2>&1)" yes '... and its annotations'
check 'ociVersion is the version of the container process state' "$TOOLS/jget" "$document" ociVersion
check 'pid is the container process ID, as seen by the runtime' \
    test "$("$TOOLS/jget" "$document" pid 2>/dev/null)" -gt 1
agent_done

defaults
notify '"mkdir","mkdirat"'
script 'mkdir /tmp/x && echo made'
USER_JSON='{"uid":7,"gid":7}'
PROCESS=
listen continue
run_bounded
expect_equal "$(cat "$out")" made 'a user without privileges is told of as well, and may be let go on'
agent_done

# What the process itself does between the filter and its program is for the agent to answer, too.
defaults
notify '"close","capset","prctl","execve","setgroups","fchdir"'
script 'echo ran'
listen continue
run_bounded
expect_equal "$(cat "$out")" ran 'calls that are made before the program is executed are let go on by an agent'
agent_done
for name in write sendmsg; do
    defaults
    notify "\"$name\""
    script 'echo ran'
    listen continue
    run_bounded
    case $status:$(cat "$out") in
    124:* | 137:*) t_fail_run "notify: a call that hands the fd over MUST not hang: $name" 'it hung' ;;
    0:*) [ "$(cat "$out")" = ran ] && ok "notify: a call that hands the fd over MUST not hang: $name" ||
        t_fail_run "notify: a call that hands the fd over MUST not hang: $name" 'it did not run' ;;
    *) ok "notify: a call that hands the fd over MUST not hang: $name" ;;
    esac
    agent_done
done

# exec: a process of its own, told of by itself.
defaults
sleeper
notify '"mkdir","mkdirat"'
listen continue
create_here
start
wait_status running
agent_done
listen 28
rt exec "$id" /bin/sh -c 'mkdir /tmp/y 2>&1; true'
check 'exec: a further process is told of by itself' grep -q 'No space' "$out"
expect_equal "$("$TOOLS/jget" "$document" state.status 2>&1)" running '... with the state of a container that runs'
agent_done
kill_and_delete

defaults
notify '"mkdir"'
rm -f "$socket"
config
rt run --bundle "$bundle" "$id"
check 'listenerPath: where nobody listens the runtime MUST generate an error' test "$status" -ne 0
delete_force
defaults
LINUX=',"seccomp":{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir"],"action":"SCMP_ACT_NOTIFY"}]}'
config
rt run --bundle "$bundle" "$id"
check 'listenerPath: notify without it MUST generate an error' test "$status" -ne 0
delete_force
defaults
LINUX=",\"seccomp\":{\"defaultAction\":\"SCMP_ACT_NOTIFY\",\"listenerPath\":\"$socket\"}"
config
rt run --bundle "$bundle" "$id"
check 'SCMP_ACT_NOTIFY as the default action is an error' test "$status" -ne 0
delete_force
