#!/bin/sh
# shellcheck disable=SC2016,SC2034 # scripts for containers; status and the like are read by the library
# The commands of ration-oci with real containers: what each prints, its exit status, and the words that clients
# go by. RUNTIME=/usr/sbin/runc runs most of it with another runtime.
. "${0%/*}/../oci/lib.sh"
ours=false
[ "$runtime_name" != ration-oci ] || ours=true

expect_error_of() { # STATUS ERE NAME: of the last rt
    if [ "$status" -ne "$1" ]; then
        t_fail_run "$3" "exit status $status, wanted $1"
    elif ! grep -qE -e "$2" "$err"; then
        t_fail_run "$3" "stderr does not match: $2"
    elif $ours && [ "$(wc -l <"$err")" -ne 1 ]; then
        t_fail_run "$3" 'stderr has not one line'
    else
        ok "$3"
    fi
}

running() { # a container that sleeps
    defaults
    sleeper
    create_here
    start
    wait_status running
}

# ---- the life of a container ---------------------------------------------------------------------------------

defaults
sleeper
config
rt create --bundle "$bundle" --pid-file "$work/pid" "$id"
expect_status 0 'create'
expect_silent 'create says nothing'
expect_state status created 'its state is created'
expect_state pid "$(cat "$work/pid")" 'its pid is that of the pid file'
check 'which has no newline' [ "$(wc -l <"$work/pid")" -eq 0 ]
expect_state id "$id" 'its id'
expect_state bundle "$bundle" 'its bundle is an absolute path'
check 'the specification names its version' [ -n "$(state_of ociVersion)" ]
check 'the state is for people to read: indented' sh -c "'$RUNTIME' --root '$runtime_root' state $id | grep -q '^  \"id\"'"
rt create --bundle "$bundle" "$id"
expect_error_of 1 'exist' 'an id in use'
rt exec "$id" /bin/true
expect_equal "$status" 0 'exec in a created container'
rt pause "$id"
rt resume "$id"
expect_state status created 'pausing a created container leaves it created'
start
expect_status 0 'start'
expect_silent 'start says nothing'
expect_state status running 'its state is running'
rt start "$id"
expect_error_of 1 'running|already' 'start of a running container'
rt delete "$id"
expect_error_of 1 'running' 'delete of a running container'
rt resume "$id"
expect_error_of 1 'not paused' 'resume of one that is not paused'
rt pause "$id"
expect_status 0 'pause'
expect_state status paused 'its state is paused'
rt pause "$id"
expect_error_of 1 'not running|paused' 'pause of a paused one'
rt exec "$id" /bin/true
expect_error_of 255 'paused' 'exec in a paused one'
rt resume "$id"
expect_status 0 'resume'
expect_state status running 'its state is running again'
rt kill "$id" FOO
expect_error_of 1 'unknown signal|invalid signal' 'a signal that is none'
rt kill "$id"
expect_status 0 'kill without a signal'
check 'is TERM, on which it ends' wait_status stopped
expect_state pid 0 'a stopped container has the pid 0'
rt kill "$id" 9
expect_error_of 1 'container not running' 'kill of a stopped container'
rt kill --all "$id" 9
expect_status 0 'kill --all of a stopped container'
rt start "$id"
expect_error_of 1 'stopped' 'start of a stopped container'
rt exec "$id" /bin/true
expect_error_of 255 'stopped' 'exec in a stopped container'
rt pause "$id"
expect_error_of 1 'not running|stopped' 'pause of a stopped container'
rt delete "$id"
expect_status 0 'delete'
rt state "$id"
expect_error_of 1 'does not exist' 'state of what is gone'
rt delete "$id"
expect_error_of 1 'does not exist' 'delete of what is gone'
rt delete --force "$id"
expect_status 0 'delete --force of what is gone'
expect_silent 'says nothing'
for verb in start pause resume ps kill 'events --stats'; do
    # shellcheck disable=SC2086 # words
    rt $verb "$id"
    expect_error_of 1 'does not exist' "$verb of what is gone"
done
rt exec "$id" true
expect_error_of 255 'does not exist' 'exec of what is gone'
expect_equal "$(groups_of "$id")" '' 'no group is left'

running
rt delete --force "$id"
expect_status 0 'delete --force of a running container'
rt state "$id"
expect_error_of 1 'does not exist' 'and it is gone'
expect_equal "$(groups_of "$id")" '' 'with its groups'
defaults
config
create
rt delete "$id"
expect_status 0 'delete of a created container'

# ---- run -----------------------------------------------------------------------------------------------------

for code in 0 7 255; do
    defaults
    script "exit $code"
    config
    rt run --bundle "$bundle" "$id"
    expect_status "$code" "run ends with $code as its program did"
done
defaults
script 'kill -TERM $$; sleep 5; kill -KILL $$'
NS='"mount","ipc","uts","network"'
config
rt run --bundle "$bundle" "$id"
expect_status 143 'run of a program that a signal ended'
defaults
script 'cat; echo err >&2'
config
echo from-stdin | "$RUNTIME" --root "$runtime_root" run -b "$bundle" "$id" >"$out" 2>"$err"
expect_equal "$(cat "$out")" from-stdin 'standard input is its'
expect_equal "$(cat "$err")" err 'and standard error'
rt state "$id"
expect_error_of 1 'does not exist' 'run deletes the container'
rt run --keep --bundle "$bundle" "$id"
expect_state status stopped 'run --keep does not'
rt delete "$id"
expect_status 0 'and it can be deleted'
sleeper
config
rt run -d --pid-file "$work/pid" -b "$bundle" "$id"
expect_status 0 'run --detach'
expect_state pid "$(cat "$work/pid")" 'returns when the program has begun'
kill_and_delete

defaults
ARGS='["nothing-of-that-name"]'
config
rt run --bundle "$bundle" "$id"
expect_error_of 1 'executable file not found in \$PATH' 'a program that $PATH has not'
ARGS='["/bin/none"]'
config
rt run --bundle "$bundle" "$id"
expect_error_of 1 'no such file or directory' 'a program that does not exist'
ARGS='["/etc/passwd"]'
config
rt run --bundle "$bundle" "$id"
expect_error_of 1 'permission denied' 'a program that is none'
ARGS='["/etc"]'
config
rt run --bundle "$bundle" "$id"
expect_error_of 1 'permission denied|is a directory' 'a program that is a directory'
rt state "$id"
expect_error_of 1 'does not exist' 'nothing of them is left'
(cd "$work" && exec "$RUNTIME" --root "$runtime_root" run "$id") >"$out" 2>"$err"
expect_equal $? 1 'a current directory that is no bundle'
expect_stderr_matches 'config.json'

defaults
script 'pwd'
config
(cd "$bundle" && exec "$RUNTIME" --root "$runtime_root" run "$id") >"$out" 2>"$err"
expect_equal "$(cat "$out")" / 'the current directory is the bundle unless one is named'
if $ours; then
    mv "$bundle/config.json" "$work/other.json"
    rt run --bundle "$bundle" --config "$work/other.json" "$id"
    expect_equal "$(cat "$out")" / '--config names another document'
fi

# ---- exec ----------------------------------------------------------------------------------------------------

running
ex() { rt exec "$@"; }
ex "$id" /bin/sh -c 'exit 7'
expect_status 7 'exec ends with 7 as its program did'
ex "$id" /bin/sh -c 'kill -9 $$'
expect_status 137 'exec of a program that a signal ended'
ex "$id" nothing-of-that-name
expect_error_of 255 'executable file not found in \$PATH' 'exec: a program that $PATH has not'
ex "$id" /bin/none
expect_error_of 255 'no such file or directory' 'exec: a program that does not exist'
ex "$id" /etc/passwd
expect_error_of 255 'permission denied' 'exec: a program that is none'
ex "$id" pwd
expect_equal "$(cat "$out")" / 'its directory is the container'\''s'
ex --cwd /tmp "$id" pwd
expect_equal "$(cat "$out")" /tmp 'exec --cwd'
ex -e A=1 --env TERM=dumb "$id" sh -c 'echo $A $TERM'
expect_equal "$(cat "$out")" '1 dumb' 'exec --env adds a variable, and replaces one'
ex --user 5:6 -g 7 -g 8 "$id" id
expect_stdout_matches '^uid=5 gid=6 groups=(6,)?7,8' 'exec --user and --additional-gids'
ex --user 5 "$id" id -u
expect_equal "$(cat "$out")" 5 'exec --user without a group'
if $ours; then
    for user in -1 4294967295 4294967296 root 1:x ''; do
        ex --user "$user" "$id" id
        expect_error_of 255 'is not a number' "exec --user \"$user\" is nobody"
    done
    ex --cap NO_SUCH "$id" true
    expect_error_of 255 'no capability' 'a capability that is none'
    ex --env NOTHING "$id" true
    expect_error_of 255 'not NAME=VALUE' 'a variable without a value'
    ex "$id"
    expect_error_of 255 'COMMAND' 'exec without a COMMAND'
    ex --process "$work/none" "$id" true
    expect_error_of 255 'not both' 'exec with both a document and a COMMAND'
fi
ex --cap CAP_NET_RAW "$id" grep Cap /proc/self/status
expect_stdout_matches '^CapInh:.*0000000000000000' 'exec --cap: nothing is inheritable'
expect_stdout_matches '^CapBnd:.*0420eb$' 'and the capability is in the bounding set'
ex --no-new-privs "$id" grep NoNewPrivs /proc/self/status
expect_stdout_matches '1$' 'exec --no-new-privs'
echo '{"args":["/bin/sh","-c","echo $X; pwd; exit 3"],"cwd":"/tmp","user":{"uid":0,"gid":0},"env":["X=y"]}' >"$work/p.json"
ex --process "$work/p.json" "$id"
expect_status 3 'exec --process'
expect_equal "$(tr '\n' ' ' <"$out")" 'y /tmp ' 'goes by the document'
echo '{"args":["/bin/sleep","1000"],"cwd":"/","user":{"uid":0,"gid":0}}' >"$work/p.json"
ex --process "$work/p.json" --detach --pid-file "$work/pid" "$id"
expect_status 0 'exec --detach'
check 'leaves the process running, its number in the pid file' \
    grep -q sleep "/proc/$(cat "$work/pid")/cmdline"
ex --process "$work/none" "$id"
expect_error_of 255 'no such file' 'a process document that does not exist'
if $ours; then
    echo '{"args":' >"$work/bad.json"
    ex --process "$work/bad.json" "$id"
    expect_error_of 255 '.' 'a process document that is none'
fi
echo from-stdin | "$RUNTIME" --root "$runtime_root" exec "$id" cat >"$out"
expect_equal "$(cat "$out")" from-stdin 'standard input is its'

# ---- ps ------------------------------------------------------------------------------------------------------

members() { # every process in a group called after the container
    for t_group in $(groups_of "$id"); do
        find "$t_group" -name cgroup.procs -exec cat {} +
    done | sort -u
}
same_pids() {
    rt ps --format json "$id"
    [ "$("$TOOLS/jget" "$out" '' | tr -d '[] ' | tr ',' '\n' | sort)" = "$(members)" ]
}
# Short-lived ones come and go, unless it is frozen.
rt pause "$id"
check 'ps --format json has every process' same_pids
check 'the first of the container is among them' grep -qw "$(state_of pid)" "$out"
rt resume "$id"
# That of busybox knows no numbers and no such tables.
# shellcheck disable=SC2009 # what it prints is asked
if ps -ef 2>/dev/null | grep -q '^UID  *PID'; then
    rt ps "$id"
    expect_status 0 'ps'
    expect_stdout_matches '^UID +PID' 'shows what the ps of the host shows'
    expect_stdout_matches "^root +$(cat "$work/pid") "
    expect_stdout_lacks '^root +1 '
    rt ps "$id" -o pid,comm
    expect_stdout_matches 'PID COMMAND' 'with options of its own'
    expect_stdout_matches "^ *$(cat "$work/pid") sleep"
    if $ours; then
        rt ps "$id" -o comm
        expect_error_of 1 'no column PID' 'a table without numbers'
        rt ps "$id" --no-such-option
        if [ "$status" -eq 1 ] && grep -q 'ration-oci: ps failed' "$err"; then
            ok 'a ps that fails'
        else
            t_fail_run 'a ps that fails' 'no sentence'
        fi
    fi
fi
if $ours; then
    PATH=/nowhere "$RUNTIME" --root "$runtime_root" ps "$id" >"$out" 2>"$err"
    expect_stdout_matches '^UID +PID +PPID CMD' 'without a ps on the host there is a table all the same'
    expect_stdout_matches "^0 +$(cat "$work/pid") .*/bin/sleep 1000"
fi
kill -KILL "$(cat "$work/pid")"

# ---- list ----------------------------------------------------------------------------------------------------

rt list
expect_stdout_matches '^ID +PID +STATUS +BUNDLE +CREATED +OWNER$'
expect_stdout_matches "^$id +$(state_of pid) +running +$bundle +20[0-9T:.-]+Z +root$"
rt list --quiet
expect_stdout_is "$id"
rt list -f json
expect_equal "$("$TOOLS/jget" "$out" 0.id) $("$TOOLS/jget" "$out" 0.status) $("$TOOLS/jget" "$out" 0.owner)" \
    "$id running root" 'list --format json'

# ---- update and events ---------------------------------------------------------------------------------------

limit_of() { # FILE-OF-V1 FILE-OF-V2: of the container's own group, as its programs see it
    ex "$id" true
    for t_group in $(groups_of "$id"); do
        for t_file in "$1" "$2"; do
            [ ! -f "$t_group/$t_file" ] || cat "$t_group/$t_file"
        done
    done | head -n 1
}
has_controller() { # NAME: can this machine limit it?
    "$RUNTIME" --root "$runtime_root" update "$@" "$id" >"$out" 2>"$err" </dev/null
}
if has_controller --memory 100m; then
    expect_equal "$(limit_of memory.limit_in_bytes memory.max)" 104857600 'update --memory'
    rt update --memory 50m --memory-swap 50m "$id"
    expect_equal "$status $(limit_of memory.limit_in_bytes memory.max)" '0 52428800' 'and a smaller one'
    echo '{"memory":{"limit":83886080,"reservation":0,"swap":83886080}}' >"$work/r.json"
    rt update --resources "$work/r.json" "$id"
    expect_equal "$status $(limit_of memory.limit_in_bytes memory.max)" '0 83886080' 'update --resources FILE'
    echo '{"memory":{"limit":94371840,"swap":94371840},"blockIO":{"weight":0}}' |
        "$RUNTIME" --root "$runtime_root" update --resources - "$id"
    expect_equal "$? $(limit_of memory.limit_in_bytes memory.max)" '0 94371840' 'update --resources -, zero being unset'
    if $ours; then
        echo '{"memory":{"limit":"64M"}}' >"$work/r.json"
        rt update --resources "$work/r.json" "$id"
        expect_error_of 1 'memory.limit' 'a limit in quotes'
        echo '{"memory":{"limit":62914560,"swap":62914560},"cpu":{"cpus":"4096"}}' >"$work/r.json"
        rt update --resources "$work/r.json" "$id"
        expect_error_of 1 'cpu' 'a limit that cannot be in force'
        expect_equal "$(limit_of memory.limit_in_bytes memory.max)" 94371840 'and nothing is changed then'
    fi
    rt events --stats "$id"
    expect_equal "$("$TOOLS/jget" "$out" type) $("$TOOLS/jget" "$out" id)" "stats $id" 'events --stats'
    check 'has the memory in use' [ "$("$TOOLS/jget" "$out" data.memory.usage.usage)" -gt 0 ]
    check 'and CPU time' [ "$("$TOOLS/jget" "$out" data.cpu.usage.total)" -gt 0 ]
    expect_equal "$(wc -l <"$out")" 1 'on one line'
else
    skip 'update and events' 'this machine cannot limit memory'
fi
"$RUNTIME" --root "$runtime_root" events --interval 200ms "$id" >"$work/events" 2>&1 &
events=$!
two_lines() { [ "$(grep -c '"stats"' "$work/events")" -ge 2 ]; }
check 'events prints figures again and again' wait_until 10 two_lines
kill_and_delete
ended() { ! kill -0 "$events" 2>/dev/null; }
check 'and ends with the container' wait_until 10 ended
kill "$events" 2>/dev/null
wait "$events"

# ---- descriptors ---------------------------------------------------------------------------------------------

defaults
script 'cat <&3; ls /proc/self/fd | tr "\n" " "'
config
echo preserved >"$work/fd3"
"$RUNTIME" --root "$runtime_root" run --preserve-fds 1 -b "$bundle" "$id" 3<"$work/fd3" 4<"$work/fd3" >"$out" 2>"$err"
expect_equal "$(head -n 1 "$out")" preserved 'run --preserve-fds passes descriptor 3 on'
expect_stdout_lacks '(^| )5( |$)' 'and no other'
script 'echo $LISTEN_FDS $LISTEN_PID; cat <&3'
config
LISTEN_FDS=1 sh -c 'LISTEN_PID=$$ exec "$@"' sh "$RUNTIME" --root "$runtime_root" run -b "$bundle" "$id" \
    3<"$work/fd3" >"$out" 2>"$err"
expect_equal "$(tr '\n' ' ' <"$out")" '1 1 preserved ' 'sockets of a service manager are passed on'
if $ours; then
    LISTEN_PID=1 LISTEN_FDS=1 "$RUNTIME" --root "$runtime_root" run -b "$bundle" "$id" 3<"$work/fd3" >"$out" 2>"$err"
    expect_equal "$(head -n 1 "$out")" '' 'unless they are those of another process'
    rt run --preserve-fds 3 -b "$bundle" "$id"
    expect_error_of 1 'not open' 'a descriptor that is not open'
fi
# A socket of a listener's, as a service manager has one.
listen() { # SOCKET
    "$TOOLS/spawntest" console "$1" >"$work/listener" 2>&1 &
    listener=$!
    wait_until 10 test -S "$1"
}
listen "$work/notify"
defaults
script 'echo $NOTIFY_SOCKET; test -S $NOTIFY_SOCKET && echo it is one'
config
NOTIFY_SOCKET=$work/notify "$RUNTIME" --root "$runtime_root" run -b "$bundle" "$id" >"$out" 2>"$err"
if $ours; then
    expect_equal "$(tr '\n' ' ' <"$out")" '/run/notify/notify.sock it is one ' 'a service manager hears from the program'
    ROOT='{"path":"rootfs","readonly":true}'
    config
    rm -rf "$bundle/rootfs/run"
    NOTIFY_SOCKET=$work/notify "$RUNTIME" --root "$runtime_root" run -b "$bundle" "$id" >"$out" 2>"$err"
    expect_equal "$(tr '\n' ' ' <"$out")" '/run/notify/notify.sock it is one ' 'also in a root that is read-only'
    NOTIFY_SOCKET=$work/none "$RUNTIME" --root "$runtime_root" run -b "$bundle" "$id" >"$out" 2>"$err"
    expect_equal "$(head -n 1 "$out")" '' 'a socket that is not there is none'
fi
kill "$listener" 2>/dev/null
wait "$listener" 2>/dev/null

# ---- a terminal ----------------------------------------------------------------------------------------------

listen "$work/console"
defaults
TERMINAL=true
script 'tty; echo on a terminal'
config
rt create --bundle "$bundle" --console-socket "$work/console" "$id"
expect_status 0 'create with a console socket'
start
wait_status stopped
wait "$listener"
check 'sends the terminal there' grep -q 'on a terminal' "$work/listener"
rt delete "$id"
rt create --bundle "$bundle" --console-socket "$work/none" "$id"
expect_error_of 1 'no such file|console' 'a console socket that is not there'
rt create --bundle "$bundle" "$id"
expect_error_of 1 'console' 'create of a terminal without a console socket'
rt run --detach --bundle "$bundle" "$id"
expect_error_of 1 'console' 'run --detach of one'
"$TOOLS/ptyrun" -o "$out" wait -- "$RUNTIME" --root "$runtime_root" run -b "$bundle" "$id" >"$work/pty" 2>"$err"
expect_stdout_matches 'on a terminal' 'run joins the terminal to that of the caller'
running
"$TOOLS/ptyrun" -o "$out" send 'exit 9\n' wait -- "$RUNTIME" --root "$runtime_root" exec -t "$id" sh >"$work/pty" 2>"$err"
check 'exec --tty likewise' grep -qx 'status 9' "$work/pty"
rm -f "$work/console"
listen "$work/console"
rt exec -t -d --console-socket "$work/console" "$id" echo of exec
expect_status 0 'exec --tty --detach with a console socket'
wait "$listener"
check 'sends its terminal there' grep -q 'of exec' "$work/listener"
kill_and_delete

# ---- groups beneath the container's own ----------------------------------------------------------------------

if $ours && has_controller pids; then
    running
    own=$(group_dir pids "$(state_of pid)")
    mkdir "$own/sub"
    rt exec --cgroup pids:sub "$id" cat /proc/self/cgroup
    expect_status 0 'exec --cgroup CONTROLLER:PATH'
    expect_stdout_matches '^[0-9]+:(.*pids.*)?:.*/sub$' 'runs the process in that group beneath the container'"'"'s'
    rt exec "$id" cat /proc/self/cgroup
    expect_stdout_lacks '/sub$' 'and the next one in its own'
    rt exec --cgroup nosuch "$id" true
    expect_error_of 255 'nosuch' 'a group that is not there'
    rt exec --cgroup .. "$id" true
    expect_error_of 255 '\.\.' 'one that is not beneath'
    delete_force
fi

# ---- nothing open, nothing set -------------------------------------------------------------------------------

defaults
script 'exec 3>/tmp/fds; for fd in 0 1 2; do echo $(readlink /proc/$$/fd/$fd) >&3; done'
config
"$RUNTIME" --root "$runtime_root" run -b "$bundle" "$id" <&- >&- 2>&-
expect_equal "$? $(sort -u "$bundle/rootfs/tmp/fds")" '0 /dev/null' 'what the caller has closed is /dev/null'
env -i "$RUNTIME" --root "$runtime_root" run -b "$bundle" "$id" </dev/null >"$out" 2>"$err"
expect_equal $? 0 'the environment may be empty'

# ---- what spec makes -----------------------------------------------------------------------------------------

mkdir "$work/made"
cp -a "$template" "$work/made/rootfs"
(cd "$work/made" && exec "$RUNTIME" --root "$runtime_root" spec) >"$out" 2>"$err"
expect_equal $? 0 'spec'
"$TOOLS/ptyrun" -o "$out" send 'echo it" "runs; exit 5\n' wait -- \
    "$RUNTIME" --root "$runtime_root" run -b "$work/made" "made$$" >"$work/pty" 2>"$err"
check 'what spec makes runs at once' grep -qx 'status 5' "$work/pty"
expect_stdout_matches 'it runs'

if $ours; then
    if command -v criu >/dev/null; then
        skip 'checkpoint without criu' 'criu is installed'
    else
        rt checkpoint "$id"
        expect_error_of 1 'criu' 'checkpoint without criu names it'
    fi
    cat >"$work/criu" <<EOF
#!/bin/sh
printf '%s ' "\$@" >"$work/criu.words"
echo '(00.1) Error (criu/x.c:1): it is not to be' >"$work/image/dump.log"
exit 1
EOF
    chmod +x "$work/criu"
    running
    rt --criu "$work/criu" checkpoint --image-path "$work/image" --leave-running --page-server h:1 "$id"
    expect_error_of 1 'criu dump failed with status 1: Error .*it is not to be' 'what criu says when it fails'
    check 'criu was told the process' grep -q "^dump --tree $(state_of pid) --images-dir $work/image " "$work/criu.words"
    rt --criu "$work/criu" restore "$id"
    expect_error_of 1 'not supported' 'restore is refused'
    kill_and_delete
fi
rt list -q
expect_stdout_is '' 'no container is left'
