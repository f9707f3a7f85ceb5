#!/bin/sh
# podman as root: what people do with it every day, each time seen to have happened.
# shellcheck disable=SC2016,SC2034 # the shell inside is to expand it; lib.sh reads CLIENTS
CLIENTS='podman conmon tini-static'
. "${0%/*}/lib.sh"
. "${0%/*}/images.sh"
. "${0%/*}/podman.sh"

podman_configure "$world/home"
image_tar "$work/image.tar"
podman_import env
bb=localhost/busybox
tells "$runtime_name" 'podman info names the runtime' podman info -f '{{.Host.OCIRuntime.Name}}'

# ---- a process and how it ends ------------------------------------------------------------------

says hello 'a container prints' podman run --rm $bb echo hello
exits 0 'exit status 0' podman run --rm $bb true
exits 1 'exit status 1' podman run --rm $bb false
exits 42 'exit status 42' podman run --rm $bb sh -c 'exit 42'
exits 137 'killed by KILL is 137' podman run --rm --pid host $bb hog signal 9
exits 134 'killed by ABRT is 134' podman run --rm --pid host $bb hog abort
refuses 125 'not known' 'an image that is not there is 125' \
    podman run --rm --pull=never localhost/nothing true
refuses 126 '[Pp]ermission denied' 'a file without x is 126' podman run --rm $bb /data/plain
refuses 126 '[Pp]ermission denied|is a directory' 'a directory is 126' podman run --rm $bb /data
refuses 127 'not found|[Nn]o such file' 'a program not in PATH is 127' podman run --rm $bb nothing
refuses 127 'not found|[Nn]o such file' 'a path that is not there is 127' \
    podman run --rm $bb /bin/nothing
says 'out' 'stdout is stdout' podman run --rm $bb sh -c 'echo out; echo err >&2'
expect_equal "$(cat "$err")" err 'stderr is stderr'
echo 'line in' >"$work/in"
from "$work/in" says 'line in' 'with -i stdin arrives' podman run --rm -i $bb cat
from "$work/in" says '' 'without -i stdin is empty' podman run --rm $bb cat
says 1 'the program is process 1' podman run --rm $bb sh -c 'echo $$'
says '/run/podman-init' 'with --init process 1 is the init' \
    podman run --rm --init $bb readlink /proc/1/exe
says '0' 'with --init orphans are reaped' podman run --rm --init $bb \
    sh -c 'hog orphans 5; sleep 0.2; ps -o stat | grep -c ^Z || :'

# ---- environment, directory, identity ------------------------------------------------------------

says 'x=1 y=two words' 'with -e the environment' \
    podman run --rm -e x=1 -e y='two words' $bb sh -c 'echo "x=$x y=$y"'
says /data 'with -w the directory' podman run --rm -w /data $bb pwd
refuses 126 'nothere' 'a directory that is not there is told' podman run --rm -w /nothere $bb pwd
says 'uid=1234(someone) gid=1235(someone) groups=1235(someone),2000(extra)' \
    'with -u a name: its group, and those it is in' podman run --rm -u someone $bb id
says '77 88' 'with -u numbers' podman run --rm -u 77:88 $bb sh -c 'echo $(id -u) $(id -g)'
says '1234 2000' 'with -u a name and a group' \
    podman run --rm -u someone:extra $bb sh -c 'echo $(id -u) $(id -g)'
says '0 55' 'with --group-add one more group' podman run --rm --group-add 55 $bb id -G
says /home/someone 'HOME is the user'\''s' podman run --rm -u someone $bb sh -c 'echo $HOME'
says 0027 'with --umask' podman run --rm --umask 0027 $bb sh -c umask
says 500 'with --oom-score-adj' podman run --rm --oom-score-adj 500 $bb cat /proc/self/oom_score_adj
says myhost 'with --hostname' podman run --rm --hostname myhost $bb hostname
peer_lacks runc 'runc before 1.2 leaves the personality as it is' \
    says 00000008 'with --personality' \
    podman run --rm --personality=LINUX32 $bb cat /proc/self/personality

# ---- what it may do ------------------------------------------------------------------------------

caps() { # NAME WANTED OPTIONS...: the effective set
    c_name=$1 c_wanted=$2
    shift 2
    says "$c_wanted" "$c_name" podman run --rm "$@" $bb sed -n 's/^CapEff:.//p' /proc/self/status
}
default_caps=00000000a80425fb # podman's own fourteen
caps 'the default capabilities' $default_caps
caps 'with --cap-drop all: none' 0000000000000000 --cap-drop all
caps 'with --cap-add' 00000000a80435fb --cap-add NET_ADMIN
caps 'with --cap-drop all and --cap-add one' 0000000000000001 --cap-drop all --cap-add CHOWN
caps 'another user has no effective capability' 0000000000000000 -u 1234
caps 'another user has those added, ambient' 0000000000001000 -u 1234 --cap-add NET_ADMIN
says 0000000000000000 'the inheritable set is empty' \
    podman run --rm $bb sed -n 's/^CapInh:.//p' /proc/self/status
says $default_caps 'the bounding set is the default one' \
    podman run --rm $bb sed -n 's/^CapBnd:.//p' /proc/self/status
status_of() { # FIELD NAME WANTED OPTIONS...
    c_field=$1 c_name=$2 c_wanted=$3
    shift 3
    says "$c_wanted" "$c_name" podman run --rm "$@" $bb sed -n "s/^$c_field:.//p" /proc/self/status
}
status_of NoNewPrivs 'no_new_privs is not set by itself' 0
status_of NoNewPrivs 'with --security-opt no-new-privileges' 1 --security-opt no-new-privileges
status_of Seccomp 'the default seccomp profile is loaded' 2
status_of Seccomp 'with seccomp=unconfined there is none' 0 --security-opt seccomp=unconfined
cat >"$work/seccomp.json" <<END
{"defaultAction": "SCMP_ACT_ALLOW", "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
 "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 28},
              {"names": ["personality"], "action": "SCMP_ACT_ERRNO", "errnoRet": 2,
               "args": [{"index": 0, "value": 8, "op": "SCMP_CMP_EQ"}]}]}
END
refuses 1 'No space left' 'a seccomp profile of one'\''s own refuses with its error number' \
    podman run --rm --security-opt seccomp="$work/seccomp.json" $bb mkdir /tmp/x
works 'and lets through what it does not name' \
    podman run --rm --security-opt seccomp="$work/seccomp.json" $bb touch /tmp/x
refuses 1 'No such file' 'an argument that is named is refused' \
    podman run --rm --security-opt seccomp="$work/seccomp.json" $bb linux32 true
works 'and another argument is not' \
    podman run --rm --security-opt seccomp="$work/seccomp.json" $bb linux64 true
works 'with --privileged devices may be mounted on' \
    podman run --rm --privileged $bb mount -t tmpfs x /data
status_of Seccomp 'with --privileged no seccomp' 0 --privileged
works 'with --privileged there are devices of the host' \
    podman run --rm --privileged $bb test -c /dev/kmsg
works 'with --privileged /proc/sys can be written to' \
    podman run --rm --privileged $bb test -w /proc/sys/kernel/hostname
refuses 1 'Read-only' 'without it /proc/sys is read-only' \
    podman run --rm $bb sh -c 'echo x >/proc/sys/kernel/hostname'
for masked in /proc/kcore /proc/keys /proc/timer_list; do
    [ ! -e "$masked" ] || break
done
says 'character special file 1 3' "$masked is masked" \
    podman run --rm $bb stat -c '%F %t %T' "$masked"
says '' 'with mask= one more path is masked' \
    podman run --rm --security-opt mask=/data/plain $bb cat /data/plain
says '' 'with unmask=ALL nothing beneath /proc is a mount' \
    podman run --rm --security-opt unmask=ALL $bb sed -n '/ \/proc\//p' /proc/self/mountinfo
refuses 1 'not permitted|denied' 'mount is refused' podman run --rm $bb mount -t tmpfs x /data

# ---- devices and limits of one process -----------------------------------------------------------

works 'a device is there' podman run --rm --device /dev/fuse:/dev/mine $bb test -c /dev/mine
works 'with r it can be read' podman run --rm --device /dev/loop0:/dev/mine:r $bb \
    sh -c 'head -c 0 /dev/mine; : </dev/mine'
refuses 1 'not permitted' 'with r it cannot be written to' \
    podman run --rm --device /dev/fuse:/dev/mine:r $bb sh -c ': >>/dev/mine'
refuses 1 'not permitted' 'a device that was not given cannot be opened' \
    podman run --rm --cap-add MKNOD $bb sh -c 'mknod /tmp/d c 10 229 && : </tmp/d'
works 'with --device-cgroup-rule it can' podman run --rm --cap-add MKNOD \
    --device-cgroup-rule 'c 10:229 rw' $bb sh -c 'mknod /tmp/d c 10 229 && : </tmp/d'
says 'crw-rw-rw- 1 3' '/dev/null is the null device' \
    podman run --rm $bb stat -c '%A %t %T' /dev/null
says '1024 2048 100' 'with --ulimit soft and hard' podman run --rm \
    --ulimit nofile=1024:2048 --ulimit nproc=100:100 $bb \
    sh -c 'echo $(ulimit -Sn) $(ulimit -Hn) $(sed -n "s/^Max processes *\([0-9]*\) .*/\1/p" /proc/self/limits)'
says 0 'with --ulimit core' podman run --rm --ulimit core=0 --ulimit nproc=100:100 \
    --ulimit nofile=64:64 $bb sh -c 'ulimit -c'
says 7777 'with --sysctl' podman run --rm --sysctl kernel.msgmax=7777 $bb \
    cat /proc/sys/kernel/msgmax
says 81 'with --sysctl of the network' podman run --rm \
    --sysctl net.ipv4.ip_unprivileged_port_start=81 $bb \
    cat /proc/sys/net/ipv4/ip_unprivileged_port_start

# ---- files ----------------------------------------------------------------------------------------

mkdir "$work/vol" && echo theirs >"$work/vol/file"
refuses 1 'Read-only' 'with --read-only the root is' podman run --rm --read-only $bb touch /data/x
works 'and /tmp is not' podman run --rm --read-only $bb touch /tmp/x
refuses 1 'Read-only' 'with --read-only-tmpfs=false nor is /tmp' \
    podman run --rm --read-only --read-only-tmpfs=false $bb touch /tmp/x
tells ' /scratch tmpfs .*noexec.*size=1024k' 'with --tmpfs its options' \
    podman run --rm --tmpfs /scratch:size=1m,noexec $bb grep /scratch /proc/mounts
says 'not a program' '--tmpfs begins with what the image has there' \
    podman run --rm --tmpfs /data $bb cat /data/plain
says theirs 'with -v a directory of the host' podman run --rm -v "$work/vol:/v" $bb cat /v/file
works 'it can be written to' podman run --rm -v "$work/vol:/v:rw" $bb sh -c 'echo ours >/v/new'
expect_equal "$(cat "$work/vol/new")" ours 'and the host sees it'
refuses 1 'Read-only' 'with ro it cannot' podman run --rm -v "$work/vol:/v:ro" $bb touch /v/x
says theirs 'Z and z change nothing' podman run --rm -v "$work/vol:/v:Z" $bb cat /v/file
says theirs 'one file is mounted' podman run --rm -v "$work/vol/file:/etc/one:ro" $bb cat /etc/one
refuses 125 'no such file' 'a source that is not there is 125' \
    podman run --rm --mount type=bind,src="$work/nothing",dst=/v $bb true
mkdir -p "$work/vol/sub" && mount -t tmpfs sub "$work/vol/sub" && echo deep >"$work/vol/sub/file"
says deep 'mounts beneath are taken along' podman run --rm -v "$work/vol:/v" $bb cat /v/sub/file
peer_lacks crun 'crun 1.8 takes them along all the same' \
    refuses 1 'No such file' 'with bind-nonrecursive they are not' \
    podman run --rm --mount type=bind,src="$work/vol",dst=/v,bind-nonrecursive $bb \
    cat /v/sub/file
umount "$work/vol/sub"
tells ' /v .*noexec' 'options of a bind mount are set' \
    podman run --rm -v "$work/vol:/v:noexec,nosuid,nodev" $bb grep ' /v ' /proc/mounts
mount --bind "$work/vol" "$work/vol" && mount --make-shared "$work/vol"
tells ' /v .* shared:' 'with rshared a mount is shared' \
    podman run --rm -v "$work/vol:/v:rshared" $bb grep ' /v ' /proc/self/mountinfo
tells ' /v .* master:' 'with rslave it is a slave' \
    podman run --rm -v "$work/vol:/v:rslave" $bb grep ' /v ' /proc/self/mountinfo
umount "$work/vol"
works 'a volume is made' podman volume create named
works 'a volume keeps' podman run --rm -v named:/data $bb sh -c 'echo kept >/data/kept'
says 'kept' 'from one container to the next' podman run --rm -v named:/data:ro $bb cat /data/kept
says 'not a program' 'a new volume begins with what the image has' \
    podman run --rm -v named:/data $bb cat /data/plain
tells ' /dev/shm tmpfs .*size=2048k' 'with --shm-size' \
    podman run --rm --shm-size 2m $bb grep /dev/shm /proc/mounts
works 'the standard links are in /dev' podman run --rm $bb sh -c '
    test -L /dev/fd && test -L /dev/stdin && test -L /dev/ptmx || test -c /dev/ptmx'

# ---- namespaces -----------------------------------------------------------------------------------

own() { readlink "/proc/self/ns/$1"; }
says "$(own net)" 'with --network host the network is the host'\''s' \
    podman run --rm --network host $bb readlink /proc/self/ns/net
says lo 'with --network none there is only lo' podman run --rm --network none $bb \
    sh -c 'ls /sys/class/net'
says "$(own pid)" 'with --pid host the processes are the host'\''s' \
    podman run --rm --pid host $bb readlink /proc/self/ns/pid
says "$(own ipc)" 'with --ipc host its ipc' \
    podman run --rm --ipc host $bb readlink /proc/self/ns/ipc
says "$(own uts)" 'with --uts host its name' \
    podman run --rm --uts host $bb readlink /proc/self/ns/uts
says "$(own cgroup)" 'with --cgroupns host its groups' \
    podman run --rm --cgroupns host $bb readlink /proc/self/ns/cgroup
for ns in pid ipc uts net mnt; do
    run podman run --rm $bb readlink /proc/self/ns/$ns
    check_not "its own $ns namespace otherwise" grep -qF "$(own $ns)" "$out"
done
says '0 100000 5000' 'with --uidmap a user namespace' \
    podman run --rm --uidmap 0:100000:5000 $bb sh -c 'echo $(cat /proc/self/uid_map)'
says '0 root' 'and files of the image are root'\''s there' \
    podman run --rm --uidmap 0:100000:5000 $bb stat -c '%u %U' /bin/busybox
works 'a container to join' podman run -d --name first --hostname firsthost $bb sleep 1000
says firsthost 'with --uts of another container' \
    podman run --rm --network container:first --pid container:first --ipc container:first \
    --uts container:first $bb hostname
tells 'sleep 1000' 'with --pid of another container its processes are seen' \
    podman run --rm --pid container:first $bb ps
works 'it is removed by force' podman rm -f -t 0 first

# ---- a life ---------------------------------------------------------------------------------------

loop='trap "echo bye; exit 5" TERM; trap "echo usr1" USR1; echo ready; while :; do sleep 0.1; done'
works 'a container in the background' podman run -d --name life $bb sh -c "$loop"
check 'its output is logged' log_has life ready
expect_equal "$(field State.Status life)" running 'inspect says running'
check 'inspect has its process' test -d "/proc/$(field State.Pid life)"
tells '^1 *sh' 'top shows it' podman top life pid comm
works 'a signal is sent' podman kill -s USR1 life
check 'and arrives' log_has life usr1
works 'it is paused' podman pause life
expect_equal "$(field State.Status life)" paused 'inspect says paused'
check 'its group is frozen' is_frozen life
refuses 255 'paused|running' 'exec is refused meanwhile' podman exec life true
works 'it goes on' podman unpause life
check_not 'its group is no longer frozen' is_frozen life
works 'exec works again' podman exec life true
works 'it is restarted' podman restart -t 5 life
check 'and runs again' wait_until 10 test "$(field State.Status life)" = running
check 'the first ended by its handler' log_has life bye
check 'and it is ready again' wait_until 10 sh -c '[ "$(podman logs life | grep -c ready)" = 2 ]'
works 'it is stopped' podman stop -t 10 life
says 5 'wait tells the status of the handler' podman wait life
expect_equal "$(field State.Status life)" exited 'inspect says exited'
works 'it is started again' podman start life
works 'and killed' podman kill life
says 137 'wait tells 137' podman wait life
works 'and removed' podman rm life
works 'a container that ignores TERM' podman run -d --name deaf $bb hog ignore-term
check 'is ready' log_has deaf ready
works 'is stopped by force' podman stop -t 1 deaf
says 137 'which is 137' podman wait deaf
works 'it is removed' podman rm deaf
works 'with --stop-signal' podman run -d --name sig --stop-signal USR2 $bb hog report-signal
check 'it is ready' log_has sig ready
works 'stop sends that signal' podman stop -t 10 sig
says 12 'that one arrived' podman wait sig
check 'and was printed' log_has sig 'signal 12'
works 'it is removed' podman rm sig
says 3 'with --restart on-failure it is tried again' sh -c "
    podman run -d --name again --restart on-failure:2 $bb sh -c 'echo try; exit 1' >/dev/null
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        [ \"\$(podman logs again | grep -c try)\" -lt 3 ] || break
        sleep 0.3
    done
    podman logs again | grep -c try
    podman rm -f -t 0 again >/dev/null"
works 'a container is made without a start' podman create --name made -i $bb cat
expect_equal "$(field State.Status made)" created 'inspect says created'
works 'init makes its namespaces' podman init made
expect_equal "$(field State.Status made)" initialized 'inspect says initialized'
works 'it is started' podman start made
works 'it is removed while it runs' podman rm -f -t 0 made
works 'a container that is made and not started' sh -c "podman create --name made $bb true && podman init made"
works 'is removed' podman rm -f made

# ---- exec -----------------------------------------------------------------------------------------

works 'a container to run more in' podman run -d --name room -e base=1 $bb sleep 1000
says 'more' 'exec prints' podman exec room echo more
exits 9 'exec tells the exit status' podman exec room sh -c 'exit 9'
exits 137 'exec tells a signal' podman exec room sh -c 'kill -9 $$'
refuses 127 'not found|[Nn]o such file' 'a program that is not there is 127' podman exec room nothing
refuses 126 '[Pp]ermission denied' 'a file without x is 126' podman exec room /data/plain
says 'base=1 e=2' 'exec has the environment, and -e' \
    podman exec -e e=2 room sh -c 'echo "base=$base e=$e"'
says '1234 1235' 'exec -u a name' podman exec -u someone room sh -c 'echo $(id -u) $(id -g)'
says '77 88' 'exec -u numbers' podman exec -u 77:88 room sh -c 'echo $(id -u) $(id -g)'
says /data 'exec -w' podman exec -w /data room pwd
from "$work/in" says 'line in' 'exec -i' podman exec -i room cat
says $default_caps 'exec has the same capabilities' \
    podman exec room sed -n 's/^CapEff:.//p' /proc/self/status
says 2 'exec has the same seccomp profile' podman exec room sed -n 's/^Seccomp:.//p' /proc/self/status
check_not 'exec --privileged has more capabilities' \
    podman exec --privileged room grep -q "^CapEff:.$default_caps" /proc/self/status
works 'exec -d leaves it running' podman exec -d room sleep 2000
check 'it is seen inside' wait_until 10 sh -c 'podman exec room ps | grep -q "sleep 2000"'
room=$(field State.CgroupPath room)
expect_equal "$(find "$(t_hierarchy pids | cut -d' ' -f1)$room" -name cgroup.procs -exec cat {} + |
    while read -r pid; do tr '\0' ' ' <"/proc/$pid/cmdline"; echo; done | sort | tr '\n' ';')" \
    'sleep 1000 ;sleep 2000 ;' 'both are in the container'\''s group'
tells '^ready' 'exec -t has a terminal' podman exec -t room sh -c 'test -t 1 && echo ready'
works 'cp into a running container' podman cp "$work/in" room:/data/copied
says 'line in' 'arrives' podman exec room cat /data/copied
works 'it is removed with all that runs in it' podman rm -f -t 0 room
refuses 125 'no such container' 'exec in nothing is 125' podman exec room true

# ---- terminals ------------------------------------------------------------------------------------

tells '^yes' 'with -t there is a terminal' podman run --rm -t $bb sh -c 'test -t 0 && test -t 1 && echo yes'
tells '/dev/pts/0|/dev/console' 'it is one of the container'\''s own' podman run --rm -t $bb tty
says 'status 7' 'a shell at a keyboard' ptyrun expect '#' send 'echo a$((1+1))b\n' expect a2b \
    send 'exit 7\n' wait -- podman run --rm -it $bb sh
says 'status 0' 'the size of the terminal arrives' ptyrun -r 41 -c 97 expect there wait -- \
    podman run --rm -it $bb sh -c 'until [ "$(stty size)" = "41 97" ]; do :; done; echo there'
says 'status 0' 'and so does a new one' ptyrun -r 41 -c 97 expect '#' resize 30 60 \
    send 'until [ "$(stty size)" = "30 60" ]; do :; done; echo the""re\n' expect there \
    send 'exit\n' wait -- podman run --rm -it $bb sh
says 'status 130' 'Ctrl-C ends what runs' ptyrun expect ready send '\003' wait -- \
    podman run --rm -it --init $bb sh -c 'echo ready; sleep 1000'
works 'a terminal in the background' podman run -dit --name term $bb sh
says 'status 0' 'attach, and detach by keys' ptyrun send '\n' expect '#' send 'echo a$((1+1))b\n' \
    expect a2b send '\020' pause 300 send '\021' wait -- podman attach term
expect_equal "$(field State.Status term)" running 'it runs on'
says 'status 3' 'exec -it' ptyrun expect '#' send 'tty; exit 3\n' expect /dev/pts/ wait -- \
    podman exec -it term sh
works 'it is removed' podman rm -f -t 0 term

# ---- health, pods, kube ---------------------------------------------------------------------------

works 'a container with a health check' podman run -d --name health --health-interval disable \
    --health-cmd 'test -f /tmp/fine' $bb sleep 1000
exits 1 'it is not healthy at first' podman healthcheck run health
works 'then it is' podman exec health touch /tmp/fine
works 'and says so' podman healthcheck run health
works 'it is removed' podman rm -f -t 0 health

works 'a pod without an infra container' podman pod create --name bare --infra=false
says alone 'a container in it' podman run --rm --pod bare $bb echo alone
works 'it is removed' podman pod rm -f bare
# On v2, and without systemd, podman 4.3 puts a program on the group of a pod that denies every device. That
# of a pod whose containers do not share it is not made.
pod_options=
[ "$(controller_version memory)" = 1 ] || pod_options=--share-parent=false
# shellcheck disable=SC2086 # none or one
works 'a pod' podman pod create $pod_options --name pod --hostname podhost
works 'a container in it' podman run -d --pod pod --name one $bb \
    sh -c 'while :; do nc -l -p 8000 -e echo fromone; done'
says podhost 'another has the same name' podman run --rm --pod pod $bb hostname
says fromone 'and the same network' podman run --rm --pod pod $bb \
    sh -c 'until nc 127.0.0.1 8000 </dev/null; do sleep 0.1; done'
works 'the pod is paused' podman pod pause pod
works 'and goes on' podman pod unpause pod
works 'the pod is stopped' podman pod stop -t 0 pod
works 'and started' podman pod start pod
works 'and removed' podman pod rm -f -t 0 pod
if [ -n "$pod_options" ]; then
    skip 'a pod from Kubernetes'\'' description' 'podman play kube makes that group, see above'
else
    cat >"$work/pod.yaml" <<END
apiVersion: v1
kind: Pod
metadata:
  name: kube
spec:
  containers:
    - name: a
      image: localhost/busybox:latest
      command: [sleep, "1000"]
      resources:
        limits: {memory: 48Mi, cpu: 250m}
    - name: b
      image: localhost/busybox:latest
      command: [sleep, "1000"]
      securityContext: {runAsUser: 1234, readOnlyRootFilesystem: true}
END
    works 'a pod from Kubernetes'\'' description' podman play kube --network none "$work/pod.yaml"
    expect_limit kube-a memory memory.limit_in_bytes 50331648 memory.max 50331648 'has its memory limit'
    expect_limit kube-a cpu cpu.cfs_quota_us 25000 cpu.max '25000 100000' 'has its quota'
    says 1234 'and its user' podman exec kube-b id -u
    works 'it is taken down' podman play kube --down "$work/pod.yaml"
fi

# ---- a network ------------------------------------------------------------------------------------

works 'a network of containers' podman network create --subnet 10.99.0.0/24 bridge9
tells 'inet 10.99.0.' 'a container has an address in it' \
    podman run --rm --network bridge9 $bb ip -4 addr show eth0
works 'it is removed' podman network rm bridge9

works 'all containers are removed' podman rm -fa -t 0
works 'the volume is removed' podman volume rm named
expect_podman_gone podman
