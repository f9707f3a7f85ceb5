#!/bin/sh
# shellcheck disable=SC2016,SC2034 # scripts for containers; lib.sh reads the parts of a document
# Containers when things go wrong: calls killed or failing half way, damaged records, numbers used again, many
# at once, strangers in the groups. Nothing of ours is left, nobody else is harmed, and success is never said
# while something remains.
: "${RATION_OCI:=${RATION%/cli/*}/ocicli/ration-oci}"
RUNTIME=$RATION_OCI
. "${0%/*}/../oci/lib.sh"
require_root

case ${RATION_SWEEP:-$(pick full quick)} in
full) stride=13 ;;
quick) stride=41 ;;
*) stride=$RATION_SWEEP ;;
esac

# A container of its own kind of sleeper, so that its process is found whatever becomes of its record.
new_container() { # [NAMESPACES]: $id, $bundle, $mark
    defaults
    mark=7$$$id_count
    ARGS="[\"/bin/sleep\",\"$mark\"]"
    LINUX=",\"cgroupsPath\":\"/ration-test-$$/$id\",\"resources\":{\"pids\":{\"limit\":30}}"
    [ -z "${1:-}" ] || NS=$1
    config
}
running() { # [NAMESPACES]
    new_container "${1:-}"
    rt run -d --bundle "$bundle" "$id"
    [ "$status" -eq 0 ] || t_fail_run "$id runs" "exit status $status"
}
processes() { pgrep -fx "/bin/sleep $1"; } # those of the container, by what it runs
# What there is of it anywhere; nothing when all is well.
remains() { # ID MARK
    groups_of "$1"
    processes "$2" | sed 's/^/process /'
    find "$runtime_root" -name "$1" 2>/dev/null
}
gone() { # NAME
    wait_until 3 is_gone
    expect_equal "$(remains "$id" "$mark")" '' "$1"
}
is_gone() { [ -z "$(remains "$id" "$mark")" ]; }

# ---- damaged records ----------------------------------------------------------------------------------------

running
bystander=$id bystander_mark=$mark
for damage in empty cut half nul binary deep huge foreign another flipped no-newline directory; do
    running
    record=$runtime_root/$id
    size=$(wc -c <"$record")
    case $damage in
    empty) : >"$record" ;;
    cut) head -c 20 "$record" >"$work/r" && cat "$work/r" >"$record" ;;
    half) head -c $((size / 2)) "$record" >"$work/r" && cat "$work/r" >"$record" ;;
    nul) head -c "$size" /dev/zero >"$record" ;;
    binary) head -c 5000 /dev/urandom >"$record" ;;
    deep) awk 'BEGIN { for (i = 0; i < 100000; i++) printf "[" }' >"$record" ;;
    huge) truncate -s 5G "$record" ;;
    foreign) printf '{"id":"%s","init_process_pid":1,"cgroup_paths":{}}\n' "$id" >"$record" ;;
    another) cat "$runtime_root/$bystander" >"$record" ;;
    flipped) sed -i "s|ration-test-$$/$id|ration-test-$$/$bystander|; s/^pids own/pids 0wn/" "$record" ;;
    no-newline) printf 'container %s' "$(sed -n 's/^container //p' "$runtime_root/$bystander")" >>"$record" ;;
    directory) rm "$record" && mkdir "$record" ;;
    esac
    [ "$damage" = directory ] || {
        rt state "$id"
        [ "$status" -le 1 ] && ok "damage $damage: state does not crash" ||
            t_fail_run "damage $damage: state does not crash" "exit status $status"
        rt list -q
        check "damage $damage: list shows the others" grep -qx "$bystander" "$out"
        rt kill "$id" KILL
        expect_status 0 "damage $damage: kill"
        wait_until 3 [ -z "$(processes "$mark")" ]
        expect_equal "$(processes "$mark")" '' "damage $damage: it is dead"
    }
    if [ "$damage" = directory ]; then
        # Not ours to touch: somebody put it there. The container is not to be found by its name any more.
        rmdir "$record"
        for t_pid in $(processes "$mark"); do kill -KILL "$t_pid"; done
        : >"$record"
    fi
    rt delete --force "$id"
    expect_status 0 "damage $damage: delete --force"
    gone "damage $damage: nothing is left"
done
status_of() { "$RUNTIME" --root "$runtime_root" state "$1" | "$TOOLS/jget" - status; }
expect_equal "$(status_of "$bystander")" running 'nobody else was harmed'
"$RUNTIME" --root "$runtime_root" delete --force "$bystander"

# ---- numbers used again ---------------------------------------------------------------------------------------

running
"$RUNTIME" --root "$runtime_root" kill "$id" KILL
wait_status stopped
sleep 0.1 # start times are told in hundredths of a second
"$TOOLS/hog" sleep 3600 &
victim=$!
sed -i "s/^container [0-9]*/container $victim/" "$runtime_root/$id"
brief=$(readlink "$runtime_root/.brief/$id")
ln -sfn "$victim ${brief#* }" "$runtime_root/.brief/$id"
expect_state status stopped 'a number that is another process'"'"'s by now: stopped'
rt kill "$id" KILL
expect_status 1 '... cannot be killed'
rt exec "$id" /bin/true
expect_status 255 '... nor entered'
rt delete --force "$id"
expect_status 0 '... but deleted'
check 'the process of that number lives' kill -0 "$victim"
kill "$victim"
gone 'nothing is left of it'

# ---- many at once -----------------------------------------------------------------------------------------------

new_container
script 'sleep 0.3'
config
for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
    { "$RUNTIME" --root "$runtime_root" run --bundle "$bundle" "$id" </dev/null >/dev/null 2>"$work/run.$n"
        echo $? >"$work/rc.$n"; } &
done
wait
won=0
for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
    if [ "$(cat "$work/rc.$n")" -eq 0 ]; then won=$((won + 1)); else grep -q 'exist' "$work/run.$n" || won=99; fi
done
expect_equal $won 1 'twelve runs of one name: one wins, the others say why'
gone 'twelve runs of one name: nothing is left'
running
for n in 1 2 3 4 5 6 7 8; do
    "$RUNTIME" --root "$runtime_root" exec "$id" /bin/sh -c 'exit 0' </dev/null >/dev/null 2>&1 &
    "$RUNTIME" --root "$runtime_root" kill "$id" CONT </dev/null >/dev/null 2>&1 &
    "$RUNTIME" --root "$runtime_root" delete --force "$id" </dev/null >/dev/null 2>&1 &
done
wait
rt delete --force "$id"
expect_status 0 'a storm of exec, kill and delete'
gone 'a storm of exec, kill and delete: nothing is left'

# ---- strangers, leftovers, the paused -------------------------------------------------------------------------

running
"$TOOLS/hog" sleep 3600 &
stranger=$!
put_stranger() { # into a group of the container's, where it can be put into one
    for t_dir in $(groups_of "$id"); do
        { echo $stranger >"$t_dir/cgroup.procs" || echo $stranger >"$t_dir/box/cgroup.procs"; } 2>/dev/null &&
            return
    done
}
check 'a stranger is put into the group of a container' put_stranger
rt delete --force "$id"
if [ "$status" -ne 0 ]; then
    ok "a stranger in the group: delete does not say success"
else
    t_fail_run "a stranger in the group: delete does not say success" 'it did'
fi
check 'the stranger lives' kill -0 $stranger
check 'the sentence names it' grep -q "$stranger" "$err"
kill $stranger
wait $stranger 2>/dev/null
rt delete --force "$id"
expect_status 0 'without it: delete'
gone 'without it: nothing is left'

running '"mount","ipc","uts","network"' # the host's processes
rt exec -d "$id" /bin/sleep "$mark"
rt kill "$id" KILL
wait_status stopped
rt kill --all "$id" CONT
expect_status 0 'kill --all reaches what is left of a stopped container'
rt delete "$id"
expect_status 0 "delete among the host's processes"
gone "delete among the host's processes: what its first process left is gone"

running
rt pause "$id"
rt kill "$id" KILL
expect_status 0 'kill of a paused container'
check 'it dies of it' wait_status stopped
rt delete "$id"
gone 'and can be deleted'
running
rt pause "$id"
rt delete --force "$id"
expect_status 0 'delete --force of a paused container'
gone 'nothing is left of it'

# ---- what is made in a root -------------------------------------------------------------------------------------

running
root=$bundle/rootfs
"$RUNTIME" --root "$runtime_root" delete --force "$id"
rm -rf "${root:?}/proc" "${root:?}/dev" "${root:?}/sys"
rt run -d --bundle "$bundle" "$id"
first=$id first_mark=$mark first_bundle=$bundle
new_container
rm -rf "$bundle/rootfs"
ROOT="{\"path\":\"$root\"}"
mkdir "$bundle/rootfs"
config
rt run -d --bundle "$bundle" "$id"
"$RUNTIME" --root "$runtime_root" delete --force "$first"
rt exec "$id" /bin/sh -c 'test -e /proc/self && test -c /dev/null'
expect_status 0 'a root that two use: the mounts of one live when the other goes'
rt delete --force "$id"
check 'a root that two used stays as the last one leaves it' [ -d "$root" ]
new_container
ROOT="{\"path\":\"$root\"}"
rm -rf "${root:?}/proc" "${root:?}/dev" "${root:?}/sys"
config
before=$(ls "$root")
rt run --bundle "$bundle" "$id" &
wait_status running
"$RUNTIME" --root "$runtime_root" kill "$id" KILL
wait
expect_equal "$(ls "$root")" "$before" 'what was made in a root for mounts goes with the container'
gone 'nothing is left of it'

# ---- hooks that fail ----------------------------------------------------------------------------------------------

hook() { printf '[{"path":"/bin/sh","args":["sh","-c","%s"]}]' "$1"; }
new_container
HOOKS="{\"createRuntime\":$(hook 'exit 3'),\"poststop\":$(hook "echo done >>$work/poststop")}"
config
create
expect_status 1 'create whose hook fails'
check 'the hooks of the end are run' grep -q "done" "$work/poststop"
gone 'nothing is left'
new_container
HOOKS="{\"poststart\":$(hook 'exit 3')}"
config
create
start
expect_status 1 'start whose hook fails'
check 'it is stopped' wait_status stopped
rt delete "$id"
expect_status 0 'and can be deleted'
new_container
HOOKS="{\"poststop\":[{\"path\":\"/bin/sh\",\"args\":[\"sh\",\"-c\",\"exit 3\"]},
{\"path\":\"/bin/sh\",\"args\":[\"sh\",\"-c\",\"echo second >>$work/poststop\"]}]}"
config
create
rt delete "$id"
expect_status 0 'delete whose hook fails'
check 'the others are run all the same' grep -q second "$work/poststop"
gone 'nothing is left of it'

# ---- a service manager that waits for the container to be ready ---------------------------------------------------

say_ready() { # in a container: sends READY=1 to where it is told to
    cat <<'END'
import os, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.sendto(b"STATUS=at it\nREADY=1\n", os.environ["HOST_VIEW"])
END
}
if command -v python3 >/dev/null; then
    new_container
    script 'echo $NOTIFY_SOCKET; sleep 1000'
    config
    python3 -c '
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(60)
print(s.recv(200).decode())' "$work/manager" >"$work/told" &
    manager=$!
    wait_until 20 [ -S "$work/manager" ]
    status=0
    NOTIFY_SOCKET=$work/manager "$RUNTIME" --root "$runtime_root" create --bundle "$bundle" "$id" \
        >"$bundle/out" 2>"$err" </dev/null || status=$?
    expect_status 0 'create for a service manager'
    NOTIFY_SOCKET=$work/manager "$RUNTIME" --root "$runtime_root" start "$id" >"$work/started" 2>&1 &
    starting=$!
    wait_until 20 grep -q notify "$bundle/out"
    check 'the program is told of a socket' grep -qx /run/notify/notify.sock "$bundle/out"
    pid=$(state_of pid)
    check 'start waits' kill -0 $starting
    # The program's own words need a program that can speak to sockets: somebody does it in its place.
    HOST_VIEW=$runtime_root/.own/$id/notify.sock python3 -c "$(say_ready)"
    status=0
    wait $starting || status=$?
    expect_status 0 'until it is ready'
    wait $manager
    expect_equal "$(tr '\n' ' ' <"$work/told")" "READY=1 MAINPID=$pid  " 'the service manager is told, with its number'
    rt delete --force "$id"
    expect_status 0 'and it can be deleted'
    expect_equal "$(find "$runtime_root/.own" -mindepth 1)" '' 'the socket goes with it'
    gone 'nothing is left of it'
fi

# ---- killed and failing calls ---------------------------------------------------------------------------------------

step=$TOOLS/faultstep
[ -x "$step" ] || exit 0

quiet() { "$RUNTIME" --root "$runtime_root" "$@" </dev/null >/dev/null 2>&1; }
prepare() { # VERB: what must be there before it
    case $1 in
    start) quiet create --bundle "$bundle" "$id" ;;
    create | run) ;;
    *) quiet run -d --bundle "$bundle" "$id" ;;
    esac
}
arguments() { # VERB
    case $1 in
    create | run) echo "$1 --bundle $bundle $id" ;;
    delete) echo "delete --force $id" ;;
    kill) echo "kill $id KILL" ;;
    exec) echo "exec -d $id /bin/true" ;;
    update) echo "update --pids-limit 20 $id" ;;
    *) echo "$1 $id" ;;
    esac
}
# One delete --force, whatever happened before: it succeeds, and nothing is left.
swept() { # POINT
    status=0
    "$RUNTIME" --root "$runtime_root" delete --force "$id" >"$work/deleted" 2>&1 </dev/null || status=$?
    [ "$status" -eq 0 ] || { diag "$1: delete: $(cat "$work/deleted")"; return 1; }
    wait_until 3 is_gone && return
    diag "$1: left: $(remains "$id" "$mark")"
    return 1
}
sweep_kill() { # VERB PROCESS
    new_container
    [ "$1" != run ] || { ARGS='["/bin/true"]'; config; }
    t_point=1 t_bad=0 t_points=0
    while :; do
        prepare "$1"
        # shellcheck disable=SC2046 # arguments are words
        t_said=$("$step" -p "$2" once kill $t_point -- "$RUNTIME" --root "$runtime_root" $(arguments "$1") 2>&1)
        t_rc=$?
        swept "point $t_point: $t_said" || t_bad=$((t_bad + 1))
        [ $t_rc -eq 0 ] || break
        t_points=$((t_points + 1))
        t_point=$((t_point + stride))
    done
    diag "$1, the $2 killed: $t_points points"
    [ "$t_rc" -eq 1 ] && [ "$t_points" -gt 0 ] || t_bad="faultstep: $t_said"
    expect_equal "$t_bad" 0 "$1, the $2 killed at any call: one delete --force clears all away"
}
for verb in create start run exec kill pause update delete; do
    sweep_kill $verb supervisor
done
sweep_kill create box
sweep_kill run box

# Without any delete, where create says that it failed; and it fails within time.
sweep_fail() { # VERB ERRNO
    new_container
    t_point=1 t_bad=0 t_points=0
    while :; do
        prepare "$1"
        # shellcheck disable=SC2046
        t_said=$("$step" -w 10000 once fail $t_point "$2" -- "$RUNTIME" --root "$runtime_root" $(arguments "$1") 2>&1)
        t_rc=$?
        t_first=${t_said%%
*}
        case $t_first in
        *hung* | *'status='*[1-9a-f]) diag "point $t_point: $t_said" && t_bad=$((t_bad + 1)) ;; # or a crash
        hit\ unlinkat*) ;; # what takes away is made to fail
        *'status=0') ;;
        *) [ "$1" != create ] || wait_until 3 is_gone ||
            { diag "point $t_point: $t_said: left: $(remains "$id" "$mark")" && t_bad=$((t_bad + 1)); } ;;
        esac
        swept "point $t_point: $t_said" || t_bad=$((t_bad + 1))
        [ $t_rc -eq 0 ] || break
        t_points=$((t_points + 1))
        t_point=$((t_point + stride))
    done
    diag "$1, $2: $t_points points"
    [ "$t_rc" -eq 1 ] && [ "$t_points" -gt 0 ] || t_bad="faultstep: $t_said"
    expect_equal "$t_bad" 0 "$1, a call fails with $2: in time, in order, and nothing is left"
}
for error in ENOSPC ENOMEM EPERM EMFILE EINTR EIO; do
    sweep_fail create $error
done
sweep_fail start ENOMEM
sweep_fail exec EMFILE
sweep_fail delete EIO
rm -rf "$bundles"
expect_equal "$(groups_of "ration-test-$$")" '' 'no group is left of all this'
