#!/bin/sh
# dockerd with the runtime as its default and by --add-runtime; bridge networking by its hook.
# shellcheck disable=SC2016,SC2034 # scripts are for the container; lib.sh reads CLIENTS
CLIENTS='dockerd docker containerd containerd-shim-runc-v2 iptables ip'
. "${0%/*}/lib.sh"
. "${0%/*}/images.sh"
. "${0%/*}/containerd.sh"

# Before whatever other docker is in PATH.
mkdir -p "$world/bin"
printf '#!/bin/sh\nexec /usr/bin/docker -H unix:///run/docker.sock "$@"\n' >"$world/bin/docker"
chmod 755 "$world/bin/docker"

dockerd_start() { # DEFAULT-RUNTIME
    mkdir -p /var/lib/docker /run/docker
    mountpoint -q /var/lib/docker || mount -t tmpfs -o mode=755 tmp /var/lib/docker
    # A process below the score that it would want is not to be had without CAP_SYS_RESOURCE.
    /usr/sbin/dockerd --host unix:///run/docker.sock --data-root /var/lib/docker --exec-root /run/docker \
        --pidfile /run/dockerd.pid --storage-driver overlay2 --add-runtime "tested=$runtime" --oom-score-adjust 0 \
        --default-runtime "$1" --log-level warn >"$world/dockerd.log" 2>&1 </dev/null &
    dockerd_pid=$!
    wait_until 60 sh -c 'docker info >/dev/null 2>&1'
}
dockerd_stop() {
    kill -TERM "$dockerd_pid" 2>/dev/null
    wait "$dockerd_pid" 2>/dev/null
}

image_tar "$work/image.tar"
image_archive "$work/image.tar" busybox:latest "$work/archive.tar"
containerd_program=$(command -v containerd)
check 'containerd is there' test -x "$containerd_program"
dockerd_start tested
check 'dockerd starts' docker info
[ "$t_failed" -eq 0 ] || tail -n 30 "$world/dockerd.log" | sed 's/^/# /'
tells 'tested' 'docker info names the runtime' docker info -f '{{.DefaultRuntime}}'
works 'docker loads an image' docker load -i "$work/archive.tar"
bb=busybox

# ---- a process and how it ends -----------------------------------------------------------------------

says hello 'a container prints' docker run --rm $bb echo hello
exits 42 'exit status 42' docker run --rm $bb sh -c 'exit 42'
exits 0 'the runtime by name' docker run --rm --runtime tested $bb true
refuses 127 'executable file not found' 'a program not in PATH is 127' docker run --rm $bb nothing
refuses 127 'no such file or directory' 'a path that is not there is 127' docker run --rm $bb /bin/nothing
refuses 126 'permission denied' 'a file without x is 126' docker run --rm $bb /data/plain
says out 'stdout is stdout' docker run --rm $bb sh -c 'echo out; echo err >&2'
echo 'line in' >"$work/in"
from "$work/in" says 'line in' 'with -i stdin arrives' docker run --rm -i $bb cat
says 1 'the program is process 1' docker run --rm $bb sh -c 'echo $$'
tells 'docker-init|/sbin/docker-init' 'with --init the init' docker run --rm --init $bb sh -c 'tr "\0" " " </proc/1/cmdline'
says 'x=1 y=two words' 'with -e the environment' \
    docker run --rm -e x=1 -e y='two words' $bb sh -c 'echo "x=$x y=$y"'
says /data 'with -w the directory' docker run --rm -w /data $bb pwd
says 'uid=1234(someone) gid=1235(someone) groups=1235(someone),2000(extra)' 'with -u a name' docker run --rm -u someone $bb id
says '77 88' 'with -u numbers' docker run --rm -u 77:88 $bb sh -c 'echo $(id -u) $(id -g)'
says myhost 'with --hostname' docker run --rm --hostname myhost $bb hostname
says '0 55' 'with --group-add' docker run --rm --group-add 55 $bb id -G
says 500 'with --oom-score-adj' docker run --rm --oom-score-adj 500 $bb cat /proc/self/oom_score_adj
works 'a terminal: typed and answered' ptyrun -o "$work/tty" expect '#' send 'echo a$((1+1))b\n' expect a2b \
    send 'exit 5\n' wait -- docker run --rm -it $bb sh
expect_stdout_matches 'status 5' '... with its exit status'

# ---- what it may do ------------------------------------------------------------------------------------

cap() { # WANTED NAME OPTIONS...
    c_wanted=$1 c_name=$2
    shift 2
    says "$c_wanted" "$c_name" docker run --rm "$@" $bb sed -n 's/^CapEff:.//p' /proc/self/status
}
cap 00000000a80425fb 'the default capabilities'
cap 0000000000000000 'with --cap-drop ALL: none' --cap-drop ALL
cap 00000000a80435fb 'with --cap-add' --cap-add NET_ADMIN
says 1 'with no-new-privileges' docker run --rm --security-opt no-new-privileges $bb \
    sed -n 's/^NoNewPrivs:.//p' /proc/self/status
says 2 'the default seccomp profile' docker run --rm $bb sed -n 's/^Seccomp:.//p' /proc/self/status
says 0 'seccomp=unconfined' docker run --rm --security-opt seccomp=unconfined $bb \
    sed -n 's/^Seccomp:.//p' /proc/self/status
says 1 'with --read-only' docker run --rm --read-only $bb sh -c 'touch /x 2>/dev/null; echo $?'
tells 'size=1024k' 'with --tmpfs' docker run --rm --tmpfs /scratch:size=1m $bb grep /scratch /proc/mounts
mkdir -p "$work/share"
echo shared >"$work/share/file"
says shared 'with -v' docker run --rm -v "$work/share:/mnt" $bb cat /mnt/file
says ro 'with -v :ro' docker run --rm -v "$work/share:/mnt:ro" $bb sh -c 'touch /mnt/x 2>/dev/null || echo ro'
says kept 'a named volume' docker run --rm -v vol:/mnt $bb sh -c 'echo kept >/mnt/x; cat /mnt/x'
says kept '... keeps' docker run --rm -v vol:/mnt $bb cat /mnt/x
says 'a:c8' 'with --device' docker run --rm --device /dev/net/tun $bb stat -c '%t:%T' /dev/net/tun
works 'remove the volume' docker volume rm vol
says 100 'with --ulimit' docker run --rm --ulimit nofile=100:200 $bb sh -c 'ulimit -n'
says 1 'with --sysctl' docker run --rm --sysctl net.ipv4.ip_forward=1 $bb cat /proc/sys/net/ipv4/ip_forward

# ---- limits --------------------------------------------------------------------------------------------

limit_inside() { # V1 V2
    echo "cat /sys/fs/cgroup/$1 2>/dev/null || cat /sys/fs/cgroup/$2"
}
says 67108864 'with -m, read inside' docker run --rm -m 64m $bb sh -c \
    "$(limit_inside memory/memory.limit_in_bytes memory.max)"
says 37 'with --pids-limit, read inside' docker run --rm --pids-limit 37 $bb sh -c \
    "$(limit_inside pids/pids.max pids.max)"
says 0 'with --cpuset-cpus' docker run --rm --cpuset-cpus 0 $bb sh -c \
    'sed -n "s/^Cpus_allowed_list:.//p" /proc/self/status'
tells '^50000' 'with --cpus' docker run --rm --cpus 0.5 $bb sh -c "$(limit_inside cpu/cpu.cfs_quota_us cpu.max)"
exits 137 'a program above its memory is killed' docker run --name oom -m 32m $bb hog mem 100m
says true '... and docker says why' docker inspect -f '{{.State.OOMKilled}}' oom
works 'rm' docker rm oom

# ---- a container that stays ------------------------------------------------------------------------------

works 'run -d' docker run -d --name stays -m 64m $bb sh -c 'echo begun; trap "exit 9" TERM; while :; do sleep 0.1; done'
says begun 'logs' docker logs stays
says hello 'exec' docker exec stays echo hello
exits 3 'exec: exit status' docker exec stays sh -c 'exit 3'
says '5 6' 'exec: user' docker exec -u 5:6 stays sh -c 'echo $(id -u) $(id -g)'
says b 'exec: environment' docker exec -e a=b stays sh -c 'echo $a'
says /data 'exec: directory' docker exec -w /data stays pwd
from "$work/in" says 'line in' 'exec -i' docker exec -i stays cat
exits 126 'exec: a program that is not there' docker exec stays nothing
expect_stdout_matches 'executable file not found' '... and says so'
says hello 'exec after that' docker exec stays echo hello
works 'exec -d' docker exec -d stays sleep 1000
tells 'sleep 1000' 'top' docker top stays
tells '/ 64MiB' 'stats' docker stats --no-stream stays
works 'pause' docker pause stays
says true '... is told' docker inspect -f '{{.State.Paused}}' stays
works 'unpause' docker unpause stays
works 'update' docker update --memory 80m --memory-swap -1 stays
says 83886080 '... in force' docker exec stays sh -c "$(limit_inside memory/memory.limit_in_bytes memory.max)"
works 'restart' docker restart -t 5 stays
says true '... runs' docker inspect -f '{{.State.Running}}' stays
works 'stop' docker stop -t 5 stays
says 9 '... by TERM' docker inspect -f '{{.State.ExitCode}}' stays
works 'start again' docker start stays
works 'kill' docker kill -s USR1 stays
works 'kill for good' docker kill stays
works 'rm' docker rm stays

# ---- networks ----------------------------------------------------------------------------------------------

works 'a network' docker network create net1
works 'a server in it' docker run -d --name server --network net1 $bb sh -c 'while :; do echo served | nc -l -p 80; done'
server=$(docker inspect -f '{{.NetworkSettings.Networks.net1.IPAddress}}' server)
wait_until 20 sh -c "docker run --rm --network net1 $bb nc -w 2 $server 80 </dev/null | grep -q served"
says served 'reached from another container' docker run --rm --network net1 $bb nc -w 2 "$server" 80
says served 'reached by --network container:' docker run --rm --network container:server $bb nc -w 2 127.0.0.1 80
works 'away with it' docker rm -f server
works 'and the network' docker network rm net1
says world '--network host' docker run --rm --network host --uts host $bb hostname
says 'lo' '--network none' docker run --rm --network none $bb sh -c 'ls /sys/class/net | tr "\n" " " | sed "s/ $//"'

# ---- a build -------------------------------------------------------------------------------------------------

mkdir "$work/build"
printf 'FROM busybox\nRUN echo built >/made\nCMD ["cat","/made"]\n' >"$work/build/Dockerfile"
works 'build' env DOCKER_BUILDKIT=0 docker build -q -t made "$work/build"
says built '... runs' docker run --rm made

dockerd_stop
expect_no_groups 'no group is left' '/docker$|/system.slice'
expect_equal "$(find /run/docker/runtime-runc -mindepth 2 \( ! -path '*/.*' -o -path '*/.pending/*' \) 2>/dev/null)" '' 'no record of the runtime is left'
check 'dockerd stopped in order' sh -c '! test -e /run/docker.sock'
