#!/bin/sh
# shellcheck disable=SC2016,SC2034 # expanded in the container; read by the library
# Containers straight from the spawn room: hooks, the gate, namespaces that exist, console sockets, kept
# file descriptors, further processes, and our own program out of reach.
. "${LIB:-${0%/*}/../lib.sh}"
require_root
for busybox in /bin/busybox /usr/bin/busybox none; do
    [ -x "$busybox" ] && break
done
[ "$busybox" != none ] || skip_all 'there is no busybox'
spawntest=$TOOLS/spawntest
root=$work/root
gate=$work/gate
pid=
pids=
mkdir -p "$root/bin" "$root/proc" "$root/dev/pts" "$root/etc" "$root/tmp"
cp "$busybox" "$root/bin/busybox"
for applet in sh ls cat echo grep id readlink sleep stat true tty env wc printf tr kill; do
    ln -s busybox "$root/bin/$applet"
done
trap 'for p in $pids; do kill -9 "$p" 2>/dev/null; done; t_done' EXIT
cd "$work" || exit

create() { # ARGS...: a container at the gate; sets $status and $pid
    rm -f "$gate"
    status=0
    "$spawntest" create "$root" "$gate" "$@" >"$out" 2>"$err" </dev/null || status=$?
    pid=$(sed -n 's/^pid //p' "$out")
    pids="$pids $pid"
}
begin() { # sets $status
    status=0
    "$spawntest" begin "$gate" 2>"$err" || status=$?
}
enter() { # PID ARGS...
    status=0
    "$spawntest" enter "$@" >"$out" 2>"$err" </dev/null || status=$?
}
gone() { # PID: no process, or a dead one
    case $(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null) in
    '' | Z | X) return 0 ;;
    esac
    return 1
}
end() { # PID
    kill -9 "$1"
    wait_until 5 gone "$1"
}
is_executing() { # PID NAME
    grep -q "^Name:[[:space:]]*$2\$" "/proc/$1/status"
}
script() { # FILE LINE...
    script_file=$1
    shift
    printf '%s\n' '#!/bin/sh' "$@" >"$script_file"
    chmod 755 "$script_file"
}

# ---- the gate -------------------------------------------------------------------------------------

create -- sh -c 'echo began >/tmp/began; exec sleep 1000'
expect_status 0 'a container is created'
check_not 'its program has not begun' test -e "$root/tmp/began"
check 'its process is there' test -d "/proc/$pid"
expect_equal "$(tr '\0' ' ' <"/proc/$pid/cmdline" | sed 's/ *$//')" 'ration: init' \
    'what it was called with is not told'
expect_between "$(awk '/^RssAnon/ { print $2 }' "/proc/$pid/status")" 0 256 'it needs next to no memory'
for fd in "/proc/$pid/fd/"*; do readlink "$fd"; done >"$work/fds"
check_not 'it has nothing open of the directory that it was made in' grep -q "$gate" "$work/fds"
"$spawntest" poke "$gate"
check_not 'a connection that says nothing does not let it begin' test -e "$root/tmp/began"
begin
expect_status 0 'it is let begin'
check 'its program was executed by then' wait_until 5 is_executing "$pid" sleep
begin
expect_equal "$status" 99 'a second time nobody listens'
end "$pid"

create --abandon -- sleep 1000
check 'without its creator it ends, before it is released' wait_until 5 gone "$pid"
create -- sleep 1000
end "$pid"
begin
expect_equal "$status" 99 'one that was killed at the gate does not begin'

create -- /bin/sh
rm "$root/bin/sh"
begin
ln -s busybox "$root/bin/sh"
expect_equal "$status" 1 'a program that is gone by then is an error of start'
expect_stderr_matches '^not found: exec: "/bin/sh": no such file or directory$'
check 'and the process ends' wait_until 5 gone "$pid"

# ---- what cannot be executed ---------------------------------------------------------------------------

touch "$root/etc/data"
while read -r program words; do
    create -- "$program"
    expect_equal "$status" 1 "$program: not created"
    expect_stderr_matches "^(not found|not executable): exec: \"$program\": $words\$"
done <<-'END'
	nosuch executable file not found in \$PATH
	/nosuch stat /nosuch: no such file or directory
	/etc/data permission denied
	/etc permission denied
	/proc/self/exe permission denied
	/proc/1/exe permission denied
END

# ---- hooks ------------------------------------------------------------------------------------------------

for place in "$work" "$root/bin"; do
    script "$place/hook" 'read -r state' 'echo "hook $0 $state $(readlink /proc/self/ns/net)"' \
        'env | grep -v "^PATH=\|^PWD=\|^SHLVL=\|^_="; ls /proc/self/fd | wc -l'
    script "$place/bad" 'exit 3'
    script "$place/slow" 'sleep 7731 &' 'sleep 7731'
done
host=$(readlink /proc/self/ns/net)
create --hook prestart="$work/hook" --hook createRuntime="$work/hook" \
    --hook createContainer="$work/hook" --hook startContainer=/bin/hook -- sh -c 'echo began; exec sleep 1000'
expect_status 0 'a container with hooks is created'
inside=$(readlink "/proc/$pid/ns/net")
# Standard input, output and error, and the directory that ls reads.
expect_equal "$(sed '/^pid/d' "$out")" "prestart
hook $work/hook {\"status\":\"creating\"} $host
4
createRuntime
hook $work/hook {\"status\":\"creating\"} $host
4
hook $work/hook {\"status\":\"creating\"} $inside
4
created" 'each is run in its turn and place, with the state, no variable and no file of ours'
: >"$out"
begin
wait_until 5 is_executing "$pid" sleep
expect_equal "$(cat "$out")" "hook /bin/hook {\"status\":\"created\"} $inside
4
began" 'the last one is run before the program'
end "$pid"

for point in prestart createRuntime createContainer; do
    create --hook "$point=$work/bad" -- true
    expect_equal "$status" 1 "$point: a hook that fails is an error of create"
    expect_stderr_matches "hook $work/bad ended with exit status 3\$"
    create --hook "$point=$work/slow" --timeout 200 -- true
    expect_equal "$status" 1 "$point: so is one that takes too long"
    expect_stderr_matches "hook $work/slow did not end within its timeout of 200 ms\$"
    create --hook "$point=/nosuch" -- true
    expect_stderr_matches 'hook /nosuch cannot be executed: No such file or directory$' \
        "$point: and one that is not there"
    check "$point: the process is gone" wait_until 5 gone "$pid"
done
create --hook startContainer=/bin/slow --timeout 200 -- true
begin
expect_equal "$status" 1 'startContainer: a hook that takes too long is an error of start'
expect_stderr_matches 'startContainer hook #0: hook /bin/slow did not end within its timeout of 200 ms$'
check_not 'what they have started is gone' find_process busybox 7731
check_not 'and the shell of the host too' find_process sleep 7731

# ---- namespaces that exist --------------------------------------------------------------------------------

create -- sleep 1000
begin
first=$pid
create --join "net=/proc/$first/ns/net" --join "pid=/proc/$first/ns/pid" \
    --join "ipc=/proc/$first/ns/ipc" -- sleep 200
expect_status 0 'a container in namespaces of another is created'
for kind in net pid ipc; do
    expect_equal "$(readlink "/proc/$pid/ns/$kind")" "$(readlink "/proc/$first/ns/$kind")" "$kind: joined"
done
for kind in mnt uts cgroup; do
    check_not "$kind: its own" test "$(readlink "/proc/$pid/ns/$kind")" = "$(readlink "/proc/$first/ns/$kind")"
done
begin
expect_status 0 'and begins'
enter "$first" -- sh -c 'tr "\0" " " <"$0"' "/proc/$(awk '/^NSpid/ { print $3 }' "/proc/$pid/status")/cmdline"
expect_stdout_matches '^sleep 200' 'the other sees its process'
end "$pid"

create --map 100000 -- sleep 1000
begin
mapped=$pid
create --join "user=/proc/$mapped/ns/user" -- sh -c 'id -u; exec sleep 1000'
expect_status 0 'a container in the user namespace of another is created'
begin
wait_until 5 is_executing "$pid" sleep
expect_equal "$(tail -n 1 "$out")" 0 'user: it is root there'
expect_equal "$(awk '/^Uid/ { print $2 }' "/proc/$pid/status")" 100000 'user: and another outside'
expect_equal "$(readlink "/proc/$pid/ns/user")" "$(readlink "/proc/$mapped/ns/user")" 'user: joined'
end "$pid"
create --join "user=/proc/$mapped/ns/user" --join "pid=/proc/$mapped/ns/pid" --join "net=/proc/$first/ns/net" \
    -- sleep 1000
expect_status 0 'user and pid of one, network of a third'
expect_equal "$(readlink "/proc/$pid/ns/pid")" "$(readlink "/proc/$mapped/ns/pid")"  'pid: joined'
expect_equal "$(readlink "/proc/$pid/ns/net")" "$(readlink "/proc/$first/ns/net")" 'net: joined'
end "$pid"
create --map 200000 --join "net=/proc/$first/ns/net" -- sleep 1000
expect_status 0 'a new user namespace in a network that is not its own'
expect_equal "$(readlink "/proc/$pid/ns/net")" "$(readlink "/proc/$first/ns/net")" 'net: joined'
end "$pid"

mkfifo "$work/fifo"
while read -r path words; do
    create --join "net=$path" -- true
    expect_equal "$status" 1 "$path as network namespace: refused"
    expect_stderr_matches "^refused: linux.namespaces: $words"
done <<-END
	/proc/self/ns/ipc /proc/self/ns/ipc is a namespace but not a network namespace\$
	/etc/passwd /etc/passwd is not a namespace\$
	$work/fifo $work/fifo is not a namespace\$
	/nosuch cannot open the network namespace /nosuch: No such file
END

# ---- a further process ------------------------------------------------------------------------------------

enter "$first" -- sh -c 'exit 9'
expect_status 9 'its exit status is told'
enter "$first" -- sh -c 'kill -TERM $$'
expect_status 143 'and its signal'
enter "$first" -- sh -c 'for n in user pid net ipc uts mnt cgroup; do readlink /proc/self/ns/$n; done'
for kind in user pid net ipc uts mnt cgroup; do readlink "/proc/$first/ns/$kind"; done >"$work/wanted"
check 'it is in all of the namespaces' cmp "$work/wanted" "$out"
enter "$mapped" -- sh -c 'for n in user pid net ipc uts mnt cgroup; do readlink /proc/self/ns/$n; done; id -u'
for kind in user pid net ipc uts mnt cgroup; do readlink "/proc/$mapped/ns/$kind"; done >"$work/wanted"
echo 0 >>"$work/wanted"
check 'with a user namespace too, as its root' cmp "$work/wanted" "$out"
enter "$first" --uid 1000 -- sh -c 'id -u; grep -c "^Cap[PE].*0000000000000000" /proc/self/status'
expect_stdout_is '1000
2' 'as somebody else it has no capabilities'
enter "$first" -- ls /proc/self/fd
expect_stdout_is '0
1
2
3' 'no file of ours is open in it'
enter "$first" -- nosuch
expect_stderr_matches '^not found: exec: "nosuch": executable file not found in \$PATH$'
enter "$first" --cwd /nosuch -- true
expect_stderr_matches 'chdir to cwd \("/nosuch"\) set in config.json failed: no such file or directory$'
check_not 'a missing directory is not made' test -e "$root/nosuch"
read -r mount _ <<END
$(t_hierarchy unified)
END
if [ -n "$mount" ] && mkdir "$mount/ration-spawn-$$"; then
    group=$mount/ration-spawn-$$
    enter "$first" --v2 "$group" -- grep '^0:' /proc/self/cgroup
    expect_stdout_matches "^0::.*ration-spawn-$$\$" 'it is born in its group'
    create --v2 "$group" -- sleep 1000
    expect_equal "$(cat "$group/cgroup.procs")" "$pid" 'and so is a container'
    end "$pid"
    check 'the group can be removed' wait_until 5 rmdir "$group"
fi
enter 2147483 -- true
expect_equal "$status" 99 'there is no process in a container that is gone'

# ---- terminals ---------------------------------------------------------------------------------------------

console() { # in the background: what a terminal says, in $work/console
    rm -f "$work/socket"
    "$spawntest" console "$work/socket" >"$work/console" 2>&1 &
    console_pid=$!
    wait_until 5 test -S "$work/socket"
}
console
create --tty --console "$work/socket" --uid 33 -- \
    sh -c 'tty; stat -c %u:%t:%T /dev/console /dev/pts/0; echo typed >/dev/console'
expect_status 0 'a container with a terminal is created'
begin
wait "$console_pid"
expect_equal "$(tr -d '\r' <"$work/console")" 'name /dev/pts/0
/dev/pts/0
33:88:0
33:88:0
typed' 'its terminal goes to the console socket, is its user'"'"'s, and is /dev/console'
console
create --tty --console "$work/socket" -- sleep 1000
begin
first_console=$console_pid
console
enter "$pid" --tty --console "$work/socket" -- sh -c 'tty; exit 5'
expect_status 5 'a further process has a terminal of its own'
wait "$console_pid"
expect_equal "$(tr -d '\r' <"$work/console")" 'name /dev/pts/1
/dev/pts/1' 'which goes to its console socket'
end "$pid"
wait "$first_console"

# ---- kept file descriptors ------------------------------------------------------------------------------------

echo three >"$work/three"
echo four >"$work/four"
for verb in "run $root" "enter $first"; do
    # shellcheck disable=SC2086 # two words
    "$spawntest" $verb --preserve 2 --env LISTEN_FDS=2 -- \
        sh -c 'cat <&3; cat <&4; [ "$LISTEN_PID" = $$ ] && echo mine; ls /proc/self/fd' \
        3<"$work/three" 4<"$work/four" 5<"$work/three" </dev/null 2>"$err" | sed '/^pid/d' >"$out"
    expect_stdout_is 'three
four
mine
0
1
2
3
4
5' "${verb%% *}: two are kept, and no third"
    # shellcheck disable=SC2086
    "$spawntest" $verb --preserve 2 -- true 3<"$work/three" </dev/null >"$out" 2>"$err"
    expect_stderr_matches '^refused: --preserve-fds 2: file descriptor 4 is not open$'
done

# ---- our own program ----------------------------------------------------------------------------------------

# A copy of the tool stands for the runtime. Whoever is inside has it executed there, as the interpreter of a
# script, and then writes to it by way of that process's /proc/PID/exe.
runtime=$work/runtime
cp "$spawntest" "$runtime"
printf '#!/proc/self/exe hold\n' >"$root/bin/hostile"
chmod 755 "$root/bin/hostile"
overwrite='for p in /proc/[0-9]*; do
    case "$(cat $p/cmdline | tr "\0" " ")" in
    "/proc/self/exe hold "*)
        exec 3<$p/exe && echo opened
        kill -9 ${p#/proc/}
        while [ -e $p/exe ] && ls $p/exe >/dev/null 2>&1; do sleep 0.1; done
        # Older kernels refuse as long as somebody executes it, which its parent does a little longer.
        for try in 1 2 3 4 5 6 7 8; do
            (echo overwritten >/proc/self/fd/3) && echo written && break
            sleep 0.1
        done ;;
    esac
done'
before=$(md5sum <"$runtime")
attack() { # PROTECT: sets $out
    env ${1:+PROTECT=1} "$runtime" enter "$first" -- hostile >/dev/null 2>&1 </dev/null &
    hostile_pid=$!
    wait_until 5 find_process runtime hold || wait_until 1 find_process '' hold
    enter "$first" -- sh -c "$overwrite"
    wait "$hostile_pid"
}
attack yes
expect_stdout_is opened 'our program is found inside, and cannot be opened for writing'
expect_stderr_matches 'Read-only file system'
expect_equal "$(md5sum <"$runtime")" "$before" 'it is unchanged'
# Without, it can: else the above would show nothing.
attack ''
expect_stdout_is 'opened
written' 'the same attack on one that is not protected succeeds'
check_not 'it was overwritten' test "$(md5sum <"$runtime")" = "$before"

create -- sleep 1000
enter "$pid" -- readlink /proc/1/exe
expect_equal "$status" 1 'the process at the gate cannot be looked into from inside'
begin
enter "$pid" -- readlink /proc/1/exe
expect_stdout_is /bin/busybox 'once it is its program, it can'

for p in $pids; do kill -9 "$p" 2>/dev/null; done
pids=
assert_no_leftovers 'nothing is left'
