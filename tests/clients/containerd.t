#!/bin/sh
# containerd by its own client, ctr: the shim's calls of a runtime.
# shellcheck disable=SC2016,SC2034 # scripts are for the container; lib.sh reads CLIENTS
CLIENTS='containerd ctr containerd-shim-runc-v2'
. "${0%/*}/lib.sh"
. "${0%/*}/images.sh"
. "${0%/*}/containerd.sh"

image=docker.io/library/busybox:latest
image_tar "$work/image.tar"
image_archive "$work/image.tar" "$image" "$work/archive.tar"
containerd_start '"io.containerd.grpc.v1.cri"'
check 'containerd starts' ctr version
[ "$t_failed" -eq 0 ] || tail -n 20 "$world/containerd.log" | sed 's/^/# /'
works 'ctr imports an image' ctr images import --snapshotter overlayfs "$work/archive.tar"

n=0
c() { # OPTIONS...: ctr run with the runtime under test
    ctr run --snapshotter overlayfs --runc-binary "$runtime" "$@"
}
one() { # CHECK WANTED NAME [OPTIONS... --] ARGS...: in a container that is removed
    n=$((n + 1))
    o_check=$1 o_wanted=$2 o_name=$3
    shift 3
    o_options=
    for o_word in "$@"; do
        [ "$o_word" != -- ] || o_options=yes
    done
    if [ -n "$o_options" ]; then
        o_given=
        while [ "$1" != -- ]; do
            o_given="$o_given $1"
            shift
        done
        shift
        # shellcheck disable=SC2086 # options have no blanks
        "$o_check" "$o_wanted" "$o_name" ctr run --rm --snapshotter overlayfs --runc-binary "$runtime" $o_given $image "c$n" "$@"
    else
        "$o_check" "$o_wanted" "$o_name" ctr run --rm --snapshotter overlayfs --runc-binary "$runtime" $image "c$n" "$@"
    fi
}

one says hello 'a container prints' echo hello
one exits 42 'exit status 42' sh -c 'exit 42'
one exits 1 'exit status 1' false
one says 'out' 'stdout is stdout' sh -c 'echo out; echo err >&2'
one says 1 'the program is process 1' sh -c 'echo $$'
one says 'a=b' 'with --env' --env a=b -- sh -c 'echo a=$a'
one says /data 'with --cwd' --cwd /data -- pwd
one says 0 'the default root can be written' sh -c 'touch /x; echo $?'
one says 1 'with --read-only it cannot' --read-only -- sh -c 'touch /x 2>/dev/null; echo $?'
one says 00000000a80425fb 'the default capabilities' sed -n 's/^CapEff:.//p' /proc/self/status
one says 00000000a80435fb 'with --cap-add' --cap-add CAP_NET_ADMIN -- sed -n 's/^CapEff:.//p' /proc/self/status
one says 0 'without --seccomp no filter' sed -n 's/^Seccomp:.//p' /proc/self/status
one says 2 'with --seccomp the default profile' --seccomp -- sed -n 's/^Seccomp:.//p' /proc/self/status
one exits 137 'a program above its memory limit is killed' --memory-limit 33554432 -- hog mem 100m
one exits 0 'one below it lives' --memory-limit 67108864 -- hog mem 20m
one says 'lo' 'a network of its own' sh -c 'ls /sys/class/net | tr "\n" " " | sed "s/ $//"'
one tells '^1: lo' 'with --net-host the network of the host' --net-host -- ip link
one says world 'with --net-host the name of the host' --net-host -- hostname
mkdir -p "$work/share"
echo shared >"$work/share/file"
one says shared 'with --mount a directory of the host' \
    --mount "type=bind,src=$work/share,dst=/mnt,options=rbind:ro" -- cat /mnt/file
n=$((n + 1))
works 'a terminal: typed and answered' ptyrun -o "$work/tty" expect '/dev/pts/0' send 'echo a$((1+1))b\n' \
    expect a2b send 'exit 5\n' wait -- ctr run --rm -t --snapshotter overlayfs --runc-binary "$runtime" $image "c$n" \
    sh -c 'tty; exec sh'
expect_stdout_matches 'status 5' '... with its exit status'
n=$((n + 1))
run ctr run --rm --snapshotter overlayfs --runc-binary "$runtime" $image "c$n" nothing
check 'a program that is not there is an error' test "$status" -ne 0
expect_stderr_matches 'executable file not found' '... that says so'
expect_equal "$(ctr containers list -q | tr '\n' ' ')" '' 'no container remains'

# ---- a container that stays ------------------------------------------------------------------------

works 'run --detach' ctr run -d --snapshotter overlayfs --runc-binary "$runtime" --memory-limit 67108864 \
    $image stays sleep 1000
tells 'stays +[0-9]+ +RUNNING' 'task list tells it' ctr task list
says hello 'exec' ctr task exec --exec-id e1 stays echo hello
exits 3 'exec: exit status' ctr task exec --exec-id e2 stays sh -c 'exit 3'
says '5 6' 'exec: user' ctr task exec --exec-id e3 --user 5:6 stays sh -c 'echo $(id -u) $(id -g)'
says /data 'exec: cwd' ctr task exec --exec-id e4 --cwd /data stays pwd
run ctr task exec --exec-id e5 stays nothing
check 'exec: a program that is not there is an error' test "$status" -ne 0
expect_stderr_matches 'executable file not found' '... that says so'
says hello 'exec after that' ctr task exec --exec-id e6 stays echo hello
tells '^[0-9]+' 'task ps lists processes' ctr task ps stays
tells 'memory\.usage|memory' 'task metrics reads the groups' ctr task metrics stays
tells '67108864' '... with the limit' ctr task metrics --format json stays
works 'pause' ctr task pause stays
tells 'stays +[0-9]+ +PAUSED' '... is told' ctr task list
works 'resume' ctr task resume stays
tells 'stays +[0-9]+ +RUNNING' '... is told' ctr task list
works 'kill' ctr task kill -s SIGKILL stays
wait_until 10 sh -c 'ctr task list | grep -q STOPPED'
tells 'stays +[0-9]+ +STOPPED' '... ends it' ctr task list
run ctr task delete stays
expect_stderr_matches 'exit code 137' 'task delete tells the exit status'
works 'container delete' ctr containers delete stays

works 'a second one' ctr run -d --snapshotter overlayfs --runc-binary "$runtime" $image again \
    sh -c 'trap "exit 9" TERM; while :; do sleep 0.1; done'
works 'exec -d' ctr task exec -d --exec-id e1 again sleep 1000
works 'kill with a signal' ctr task kill -s SIGTERM again
wait_until 10 sh -c 'ctr task list | grep -q STOPPED'
run ctr task delete again
expect_stderr_matches 'exit code 9' '... that it handles'
works 'container delete' ctr containers delete again

for i in 1 2 3 4 5 6; do
    ctr run --rm --snapshotter overlayfs --runc-binary "$runtime" $image "many$i" sh -c "exit $i" >/dev/null 2>&1 &
    eval "many$i=\$!"
done
for i in 1 2 3 4 5 6; do
    eval "wait \$many$i"
    expect_equal $? $i "of six containers at once, number $i ends as it should"
done

containerd_stop
expect_no_groups 'no group is left' '/default$'
expect_equal "$(find /run/containerd/runc -mindepth 2 \( ! -path '*/.*' -o -path '*/.pending/*' \) 2>/dev/null)" '' 'no record of the runtime is left'
expect_equal "$(world_processes | grep -v ' ctr ' )" '' 'no process is left'
