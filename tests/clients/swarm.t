#!/bin/sh
# A Docker swarm of three nodes, each a dockerd in a network namespace of its own, over one bridge.
# shellcheck disable=SC2016,SC2034 # scripts are for the container; lib.sh reads CLIENTS
CLIENTS='dockerd docker containerd containerd-shim-runc-v2 iptables ip'
. "${0%/*}/lib.sh"
. "${0%/*}/images.sh"
. "${0%/*}/containerd.sh"

image_tar "$work/image.tar"
image_archive "$work/image.tar" busybox:latest "$work/archive.tar"
mount -t tmpfs -o mode=755 tmp /var/lib/docker 2>/dev/null || { mkdir -p /var/lib/docker && mount -t tmpfs -o mode=755 tmp /var/lib/docker; }
ip link add nodes type bridge && ip addr add 10.98.0.254/24 dev nodes && ip link set nodes up

mkdir -p "$world/bin"
swarm_pids=
node_start() { # NUMBER: dockerd number N, its client is the program dN
    n_dir=/var/lib/docker/$1
    mkdir -p "$n_dir/data" "/run/d$1"
    ip netns add "node$1" && ip link add "up$1" type veth peer name eth0 netns "node$1" &&
        ip link set "up$1" master nodes up && ip -n "node$1" addr add "10.98.0.$1/24" dev eth0 &&
        ip -n "node$1" link set eth0 up && ip -n "node$1" link set lo up &&
        ip -n "node$1" route add default via 10.98.0.254 || return
    # `ip netns exec` would give it another /sys; its groups are there.
    nsenter --net="/run/netns/node$1" unshare -u sh -c "hostname node$1"'; exec "$@"' sh \
        dockerd --host "unix:///run/d$1/docker.sock" --data-root "$n_dir/data" --exec-root "/run/d$1/exec" \
        --pidfile "/run/d$1/pid" --storage-driver overlay2 --add-runtime "tested=$runtime" --default-runtime tested \
        --oom-score-adjust 0 --log-level warn >"$world/d$1.log" 2>&1 </dev/null &
    swarm_pids="$swarm_pids $!"
    printf '#!/bin/sh\nexec /usr/bin/docker -H unix:///run/d%s/docker.sock "$@"\n' "$1" >"$world/bin/d$1"
    chmod 755 "$world/bin/d$1"
}
for i in 1 2 3; do node_start $i; done
for i in 1 2 3; do
    wait_until 60 sh -c "d$i info >/dev/null 2>&1"
    check "dockerd $i starts" "d$i" info
    works "it has an image" "d$i" load -i "$work/archive.tar"
done
[ "$t_failed" -eq 0 ] || tail -n 20 "$world"/d?.log | sed 's/^/# /'

works 'a swarm begins' d1 swarm init --advertise-addr 10.98.0.1
token=$(d1 swarm join-token -q worker)
works 'a second node joins' d2 swarm join --token "$token" --advertise-addr 10.98.0.2 10.98.0.1:2377
works 'a third node joins' d3 swarm join --token "$token" --advertise-addr 10.98.0.3 10.98.0.1:2377
ready() { [ "$(d1 node ls --format '{{.Status}}' | grep -c Ready)" = 3 ]; }
wait_until 30 ready
check 'three nodes are ready' ready

service() { # NAME COUNT: are that many of its tasks running?
    [ "$(d1 service ps -f desired-state=running --format '{{.CurrentState}}' "$1" 2>/dev/null | grep -c '^Running')" = "$2" ]
}
works 'a service of three' d1 service create -d --name web --replicas 3 --limit-memory 64m --limit-cpu 0.5 \
    --limit-pids 50 --no-resolve-image busybox sh -c 'trap "exit 0" TERM; while :; do sleep 0.2; done'
wait_until 60 service web 3
check 'its tasks run' service web 3
for i in 1 2 3; do
    id=$("d$i" ps -q -f name=web | head -n 1)
    check "one of them on node $i" test -n "$id"
    says 67108864 "with its memory limit on node $i" "d$i" exec "$id" sh -c \
        'cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null || cat /sys/fs/cgroup/memory.max'
    says 50 "with its limit of processes on node $i" "d$i" exec "$id" sh -c 'cat /sys/fs/cgroup/pids/pids.max 2>/dev/null || cat /sys/fs/cgroup/pids.max'
done
works 'scaled to five' d1 service scale -d web=5
wait_until 60 service web 5
check 'five tasks run' service web 5
id=$(d2 ps -q -f name=web | head -n 1)
d2 kill "$id" >/dev/null
wait_until 60 service web 5
check 'a task that was killed is made again' service web 5
works 'its limits are changed' d1 service update -d --limit-memory 80m web
updated() {
    u_id=$(d3 ps -q -f name=web | head -n 1)
    [ -n "$u_id" ] && [ "$(d3 exec "$u_id" sh -c 'cat /sys/fs/cgroup/memory/memory.limit_in_bytes 2>/dev/null ||
        cat /sys/fs/cgroup/memory.max' 2>/dev/null)" = 83886080 ]
}
wait_until 120 updated
check 'and in force on a node' updated
works 'a service is removed' d1 service rm web
empty() { [ -z "$(d1 ps -q)$(d2 ps -q)$(d3 ps -q)" ]; }
wait_until 60 empty
check 'its containers are gone' empty

# shellcheck disable=SC2086 # a list
kill -TERM $swarm_pids 2>/dev/null
# shellcheck disable=SC2086
wait $swarm_pids 2>/dev/null
expect_no_groups 'no group is left' '/docker$|/system.slice'
expect_equal "$(find /run/d?/exec/runtime-runc -mindepth 2 \( ! -path '*/.*' -o -path '*/.pending/*' \) 2>/dev/null)" '' 'no record of the runtime is left'
