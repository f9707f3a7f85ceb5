#!/bin/sh
# podman as root, called in ways that are rare: each makes a call of the runtime that daily use
# does not, or a document that it does not.
# shellcheck disable=SC2016,SC2034 # the shell inside is to expand it; lib.sh reads CLIENTS
CLIENTS='podman conmon tini-static'
. "${0%/*}/lib.sh"
. "${0%/*}/images.sh"
. "${0%/*}/podman.sh"

podman_configure "$world/home"
image_tar "$work/image.tar"
podman_import env
bb=localhost/busybox

# ---- calls of the runtime that take other forms ----------------------------------------------------

says debug 'with a flag for the runtime before everything' \
    podman --runtime-flag debug run --rm $bb echo debug
sed 's/^\[engine\]/&\nno_pivot_root = true/' "$CONTAINERS_CONF" >"$work/no-pivot.conf"
says moved 'without pivot_root' env CONTAINERS_CONF="$work/no-pivot.conf" \
    podman run --rm $bb sh -c 'test -f /data/plain && ! test -e /run/world && echo moved'
echo 'by descriptor' >"$work/three"
exec 3<"$work/three"
says 'by descriptor' 'with a descriptor handed on' podman run --rm --preserve-fds 1 $bb sh -c 'cat <&3'
exec 3<"$work/three" 8<"$work/three" 9<"$work/three"
says '0 1 2 3 ' 'descriptors that were not handed on do not arrive' \
    podman run --rm $bb sh -c 'ls /proc/self/fd | tr "\n" " "'
exec 3<&- 8<&- 9<&-
works 'a container among the processes of the host' \
    podman run -d --name hostpid --pid host $bb sh -c 'sleep 4321 & sleep 4322 & wait'
works 'it is stopped, with all that it started' podman stop -t 2 hostpid
check_not 'none of them is left' grep -lq 'sleep.432' /proc/[0-9]*/cmdline
works 'it is removed' podman rm hostpid
sed 's/^cgroup_manager.*/cgroup_manager = "systemd"/' "$CONTAINERS_CONF" >"$work/systemd.conf"
refuses 1 'systemd|dbus|D-Bus|bus' 'groups from a systemd that is not there are refused' \
    sh -c "env CONTAINERS_CONF='$work/systemd.conf' podman run --rm $bb true || exit 1"
says bare 'with an empty environment' env -i CONTAINERS_CONF="$CONTAINERS_CONF" HOME=/nowhere \
    /usr/bin/podman --log-level error run --rm $bb echo bare
says '0022' 'the caller'\''s umask is not the container'\''s' sh -c "umask 077; podman run --rm $bb sh -c umask"
says '0000000000000000 0000000000000000' 'signals that the caller ignores or blocks are not' \
    sh -c "trap '' HUP INT QUIT PIPE USR1; podman run --rm $bb sh -c '
        echo \$(sed -n \"s/^Sig[BI][lg][kn]:.//p\" /proc/self/status)'"

# ---- the runtime, asked beside podman ---------------------------------------------------------------

works 'a container' podman run -d --name beside $bb sleep 1000
id=$(field Id beside)
run "$runtime" state "$id"
cp "$out" "$work/state.json"
expect_json "$work/state.json" id "$id" 'state knows it'
expect_json "$work/state.json" status running 'it runs'
expect_json "$work/state.json" pid "$(field State.Pid beside)" 'with the same process'
tells "^$id .*running" 'list shows it' "$runtime" list
exits 7 'exec of the runtime in front' "$runtime" exec "$id" sh -c 'exit 7'
says 'of the runtime' 'exec prints' "$runtime" exec "$id" echo 'of the runtime'
peer_lacks crun 'crun has other words' \
    refuses 1 'running|not stopped' 'delete of what runs is refused' "$runtime" delete "$id"
works 'it runs on' podman exec beside true
works 'pause by the runtime' "$runtime" pause "$id"
tells '"status": *"paused"' 'state says paused' "$runtime" state "$id"
works 'resume by the runtime' "$runtime" resume "$id"
works 'kill by the runtime' "$runtime" kill "$id" KILL
says 137 'podman sees the end' podman wait beside
works 'podman removes it' podman rm beside
peer_lacks crun 'crun has other words' \
    refuses 1 'does not exist' 'state of what is gone is refused' "$runtime" state "$id"
works 'delete --force of what is gone is not' "$runtime" delete --force "$id"
works 'conmon is killed behind a container' sh -c "podman run -d --name orphan $bb sleep 1000 &&
    kill -9 \$(podman inspect -f '{{.State.ConmonPid}}' orphan)"
id=$(field Id orphan)
works 'it is removed' podman rm -f -t 0 orphan
# podman kills it and has it no longer deleted, for that was conmon's to call.
works 'the runtime deletes what podman left' "$runtime" delete --force "$id"

# ---- documents ---------------------------------------------------------------------------------------

mkdir "$work/rootfs" && tar -C "$work/rootfs" -xf "$work/image.tar"
says rootfs 'with a root that is a directory' podman run --rm --rootfs "$work/rootfs" echo rootfs
says overlay 'with one below an overlay' \
    podman run --rm --rootfs "$work/rootfs:O" sh -c 'echo overlay | tee /data/written'
check_not 'the directory is as it was' test -e "$work/rootfs/data/written"
peer_lacks runc 'podman takes it for one that cannot' \
    says free 'without groups of its own' podman run --rm --cgroups disabled $bb echo free
says free 'without one for conmon' podman run --rm --cgroups no-conmon $bb echo free
works 'in a group that is named' podman run -d --name under --cgroup-parent /under -m 48m $bb sleep 1000
expect_equal "$(field State.CgroupPath under)" "/under/libpod-$(field Id under)" 'it is there'
expect_limit under memory memory.limit_in_bytes 50331648 memory.max 50331648 'with its limit'
works 'it is removed' podman rm -f -t 0 under
works 'with --memory-swappiness' podman run -d --name swappy --memory-swappiness 30 $bb sleep 1000
[ "$LAYOUT" = v2 ] || expect_limit swappy memory memory.swappiness 30 - - 'it is set'
works 'it is removed' podman rm -f -t 0 swappy
disk=$(sed -n 's/^ *[0-9]* *[0-9]* *[0-9]* \([a-z]*d[a-z]\)$/\1/p' /proc/partitions | head -n 1)
if [ -b "/dev/$disk" ] && has_controller blkio; then
    works 'with a limit of reading' podman run -d --name slow --device-read-bps "/dev/$disk:1mb" \
        --device-write-iops "/dev/$disk:100" $bb sleep 1000
    expect_limit slow blkio blkio.throttle.read_bps_device \
        "$(stat -c '%Hr:%Lr' "/dev/$disk") 1048576" - - 'it is set'
    expect_limit slow blkio blkio.throttle.write_iops_device \
        "$(stat -c '%Hr:%Lr' "/dev/$disk") 100" - - 'and that of writing'
    works 'it is removed' podman rm -f -t 0 slow
else
    skip 'with a limit of reading' 'there is no disk, or no controller for it'
fi
mkdir "$work/hooks"
cat >"$work/hook" <<'END'
#!/bin/sh
cat >"$2/$1.json"
env >"$2/$1.env"
END
chmod 755 "$work/hook"
mkdir -m 777 "$work/hooked"
for stage in prestart createRuntime createContainer startContainer poststart poststop; do
    cat >"$work/hooks/$stage.json" <<END
{"version": "1.0.0", "hook": {"path": "$work/hook", "args": ["hook", "$stage", "$work/hooked"],
 "env": ["PATH=/bin:/usr/bin", "stage=$stage"]}, "when": {"always": true}, "stages": ["$stage"]}
END
done
run podman --hooks-dir "$work/hooks" run --name hooked -v "$work/hook:$work/hook" \
    -v "$work/hooked:$work/hooked" $bb echo hooked
expect_status 0 'with a hook of every kind'
hooked=$(field Id hooked)
works 'and it is removed' podman --hooks-dir "$work/hooks" rm hooked
for stage in prestart createRuntime createContainer startContainer poststart poststop; do
    expect_json "$work/hooked/$stage.json" id "$hooked" "the hook $stage got the state"
    expect_equal "$(grep ^stage= "$work/hooked/$stage.env")" "stage=$stage" 'and its environment'
done
cat >"$work/hooks/createRuntime.json" <<END
{"version": "1.0.0", "hook": {"path": "/bin/false"}, "when": {"always": true}, "stages": ["createRuntime"]}
END
refuses 126 'hook' 'a hook that fails stops it all' podman --hooks-dir "$work/hooks" run --rm $bb true

says passed 'with stdio handed through' podman run --rm --log-driver passthrough $bb echo passed
says silent 'without a log' podman run --rm --log-driver none $bb echo silent
works 'files with numbers are written' podman run -d --name files --cidfile "$work/cid" \
    --pidfile "$work/pid" --conmon-pidfile "$work/monitor" $bb sleep 1000
expect_equal "$(cat "$work/pid")" "$(field State.Pid files)" 'the process'\''s'
expect_equal "$(cat "$work/cid")" "$(field Id files)" 'and the name'
works 'the network of a process is joined by path' podman run --rm \
    --network "ns:/proc/$(cat "$work/pid")/ns/net" $bb true
says "$(readlink "/proc/$(cat "$work/pid")/ns/ipc")" 'and its ipc' podman run --rm \
    --ipc "ns:/proc/$(cat "$work/pid")/ns/ipc" $bb readlink /proc/self/ns/ipc
works 'it is removed' podman rm -f -t 0 files
says 'works' 'systemd in it: it can write its groups and /run' podman run --rm --systemd=always $bb sh -c '
    touch /run/x /run/lock/y && if [ -d /sys/fs/cgroup/systemd ]; then
        mkdir /sys/fs/cgroup/systemd/own && rmdir /sys/fs/cgroup/systemd/own
    elif [ -f /sys/fs/cgroup/cgroup.procs ]; then
        mkdir /sys/fs/cgroup/own && rmdir /sys/fs/cgroup/own
    fi && echo works'
refuses 1 'Read-only' 'without that it cannot' podman run --rm $bb sh -c '
    if [ -d /sys/fs/cgroup/pids ]; then mkdir /sys/fs/cgroup/pids/own; else mkdir /sys/fs/cgroup/own; fi'
mkdir "$work/owned" && touch "$work/owned/file"
says 1234 'with :U the owner of a volume is changed' \
    podman run --rm -u 1234 -v "$work/owned:/v:U" $bb stat -c %u /v/file
chown -R 0:0 "$work/owned"
# (and idmap below needs another file system than tmpfs has been, on kernels before 6.3)
peer_lacks runc 'runc before 1.2 has no shifted mounts' \
    says 0 'with idmap owners are shifted' podman run --rm --uidmap 0:100000:5000 \
    -v "$work/owned:/v:idmap" $bb stat -c %u /v/file
says image 'an image as a volume' podman run --rm --mount "type=image,src=$bb,dst=/image" $bb \
    sh -c 'test -f /image/data/plain && echo image'
says secret 'a secret' sh -c "printf secret | podman secret create s - >/dev/null &&
    podman run --rm --secret s $bb cat /run/secrets/s; podman secret rm s >/dev/null"
says written 'a volume below an overlay' podman run --rm -v "$work/owned:/v:O" $bb \
    sh -c 'echo written >/v/file; cat /v/file'
expect_equal "$(cat "$work/owned/file")" '' 'it is as it was'

# ---- much of it ---------------------------------------------------------------------------------------

set --
i=0
while [ "$i" -lt 500 ]; do
    set -- "$@" -e "VARIABLE_$i=$i"
    i=$((i + 1))
done
says 500 'with 500 variables' podman run --rm "$@" $bb sh -c 'env | grep -c ^VARIABLE_'
long=$(head -c 100000 /dev/zero | tr '\0' x)
says 100000 'with an argument of 100,000 characters' podman run --rm $bb sh -c 'echo ${#1}' sh "$long"
says "3 a
b || \"' \\ \$" 'arguments are taken as they are' \
    podman run --rm $bb sh -c 'echo $# "$1" "|$2|" "$3"' sh 'a
b' '' "\"' \\ \$"
head -c 10000000 /dev/urandom >"$work/big"
run podman run --rm -i --log-driver none $bb cat </dev/null
from "$work/big" run podman run --rm -i --log-driver none $bb cat
check '10 MB go in and come out' cmp "$work/big" "$out"
says '12' 'twelve at once' sh -c "
    for i in 1 2 3 4 5 6 7 8 9 10 11 12; do
        podman run --rm --name many\$i $bb echo done &
    done | grep -c done"
works 'with many mounts' sh -c "set --; i=0
    while [ \$i -lt 100 ]; do set -- \"\$@\" -v '$work/three':/data/m\$i:ro; i=\$((i + 1)); done
    podman run --rm \"\$@\" $bb sh -c '[ \$(grep -c /data/m /proc/mounts) = 100 ]'"
works 'what it leaves in the background' podman run --rm $bb sh -c 'sleep 5432 & hog daemon 100'
check_not 'ends with it' grep -lq 'sleep.5432' /proc/[0-9]*/cmdline

works 'all containers are removed' podman rm -fa -t 0
expect_podman_gone podman-odd '/under(/conmon)?$'
