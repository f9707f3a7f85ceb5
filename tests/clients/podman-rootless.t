#!/bin/sh
# podman as an ordinary user, with numbers of others lent to it: the runtime is called as root of
# podman's user namespace, with no path for groups and no limits.
# shellcheck disable=SC2016,SC2034 # the shell inside is to expand it; lib.sh reads CLIENTS
CLIENTS='podman conmon newuidmap slirp4netns tini-static buildah'
. "${0%/*}/lib.sh"
. "${0%/*}/images.sh"
. "${0%/*}/podman.sh"

user_make
mkdir -p "$world/user/.config/containers"
printf '[storage]\ndriver = "vfs"\n' >"$world/user/.config/containers/storage.conf"
podman_configure "$world/home"
chmod -R a+rX "$world/home" "$work"
image_tar "$work/image.tar"
chmod a+r "$work/image.tar"
podman_import as_user
bb=localhost/busybox
tells "true $runtime_name" 'podman info: without root, with the runtime' \
    as_user podman info -f '{{.Host.Security.Rootless}} {{.Host.OCIRuntime.Name}}'

# ---- a process and how it ends ------------------------------------------------------------------

says hello 'a container prints' as_user podman run --rm $bb echo hello
exits 42 'exit status 42' as_user podman run --rm $bb sh -c 'exit 42'
exits 134 'killed by ABRT is 134' as_user podman run --rm --init $bb hog abort
refuses 126 '[Pp]ermission denied' 'a file without x is 126' \
    as_user podman run --rm $bb /data/plain
refuses 127 'not found|[Nn]o such file' 'a program that is not there is 127' \
    as_user podman run --rm $bb nothing
echo 'line in' >"$work/in"
from "$work/in" says 'line in' 'with -i stdin arrives' as_user podman run --rm -i $bb cat
says 'x=1 /data' 'environment and directory' \
    as_user podman run --rm -e x=1 -w /data $bb sh -c 'echo "x=$x $PWD"'

# ---- identity -------------------------------------------------------------------------------------

says '0 23456 1;1 300000 65536;' 'its user namespace is the user'\''s' as_user podman run --rm $bb \
    sh -c 'while read -r a b c; do printf "%s %s %s;" $a $b $c; done </proc/self/uid_map'
says 'uid=1234(someone) gid=1235(someone) groups=1235(someone),2000(extra)' \
    'with -u a name' as_user podman run --rm -u someone $bb id
says 23456 'with keep-id the user is itself' as_user podman run --rm --userns keep-id $bb id -u
says 0 'with nomap too there is a root' as_user podman run --rm --userns nomap $bb id -u
says 00000000a80425fb 'the default capabilities' \
    as_user podman run --rm $bb sed -n 's/^CapEff:.//p' /proc/self/status
says 0000000000000000 'with --cap-drop all: none' \
    as_user podman run --rm --cap-drop all $bb sed -n 's/^CapEff:.//p' /proc/self/status
says 2 'the default seccomp profile is loaded' \
    as_user podman run --rm $bb sed -n 's/^Seccomp:.//p' /proc/self/status
says 1 'with no-new-privileges' as_user podman run --rm --security-opt no-new-privileges $bb \
    sed -n 's/^NoNewPrivs:.//p' /proc/self/status
works 'with --privileged it may mount' \
    as_user podman run --rm --privileged $bb mount -t tmpfs x /data

# ---- files, namespaces, devices -------------------------------------------------------------------

mkdir "$work/vol" && echo theirs >"$work/vol/file" && chown -R 23456:23456 "$work/vol"
says theirs 'with -v a directory of the user' as_user podman run --rm -v "$work/vol:/v" $bb cat /v/file
works 'it can be written to' as_user podman run --rm -v "$work/vol:/v:Z" $bb touch /v/new
expect_equal "$(stat -c %u "$work/vol/new")" 23456 'and the file is the user'\''s'
refuses 1 'Read-only' 'with ro it cannot' as_user podman run --rm -v "$work/vol:/v:ro" $bb touch /v/x
refuses 1 'Read-only' 'with --read-only the root is' \
    as_user podman run --rm --read-only $bb touch /data/x
tells ' /scratch tmpfs ' 'with --tmpfs' as_user podman run --rm --tmpfs /scratch:size=1m $bb \
    grep /scratch /proc/mounts
says 'kept' 'a volume keeps' sh -c "as_user podman run --rm -v named:/data $bb sh -c 'echo kept >/data/k' &&
    as_user podman run --rm -v named:/data $bb cat /data/k"
says inner 'with --hostname' as_user podman run --rm --hostname inner $bb hostname
says "$(readlink /proc/self/ns/net)" 'with --network host' \
    as_user podman run --rm --network host $bb readlink /proc/self/ns/net
tells 'inet 10.0.2.100' 'with slirp4netns there is an address' \
    as_user podman run --rm --network slirp4netns $bb ip -4 addr show tap0
says '1 3' '/dev/null is the null device' as_user podman run --rm $bb stat -c '%t %T' /dev/null
works 'a device of the host' as_user podman run --rm --device /dev/net/tun $bb test -c /dev/net/tun
says 7777 'with --sysctl' as_user podman run --rm --sysctl kernel.msgmax=7777 $bb \
    cat /proc/sys/kernel/msgmax
says 100 'with --ulimit' as_user podman run --rm --ulimit nofile=100:100 --ulimit nproc=1000:1000 $bb \
    sh -c 'ulimit -n'

# ---- a life ---------------------------------------------------------------------------------------

works 'a container in the background' as_user podman run -d --name life -e base=1 $bb \
    sh -c 'trap "echo bye; exit 5" TERM; echo ready; while :; do sleep 0.1; done'
user_log_has() { as_user podman logs life | grep -q "$1"; }
check 'its output is logged' wait_until 20 user_log_has ready
says 'running' 'inspect says running' as_user podman inspect -f '{{.State.Status}}' life
says 'base=1 e=2' 'exec has the environment' \
    as_user podman exec -e e=2 life sh -c 'echo "base=$base e=$e"'
exits 9 'exec tells the exit status' as_user podman exec life sh -c 'exit 9'
refuses 127 'not found|[Nn]o such file' 'exec of nothing is 127' as_user podman exec life nothing
says '1234 1235' 'exec -u' as_user podman exec -u someone life sh -c 'echo $(id -u) $(id -g)'
tells '^ready' 'exec -t has a terminal' as_user podman exec -t life sh -c 'test -t 1 && echo ready'
tells '^1 *sh' 'top shows it' as_user podman top life pid comm
works 'it is stopped' as_user podman stop -t 10 life
says 5 'by its handler' as_user podman wait life
works 'it is started again' as_user podman start life
works 'and killed' as_user podman kill life
says 137 'which is 137' as_user podman wait life
works 'and removed' as_user podman rm life
says 'status 7' 'a shell at a keyboard' ptyrun expect '#' send 'echo a$((1+1))b\n' expect a2b \
    send 'exit 7\n' wait -- as_user podman run --rm -it $bb sh
works 'a pod' as_user podman pod create --name pod --hostname podhost
says podhost 'a container in it has its name' as_user podman run --rm --pod pod $bb hostname
works 'it is removed' as_user podman pod rm -f -t 0 pod
peer_lacks runc 'podman takes it for one that cannot' \
    says free 'without groups' as_user podman run --rm --cgroups disabled $bb echo free

# ---- buildah --------------------------------------------------------------------------------------

says built 'buildah runs a step' as_user sh -c "
    c=\$(buildah from --pull-never $bb) &&
    buildah run --isolation oci --runtime '$runtime' --network none \$c sh -c 'echo built >/data/b' &&
    buildah run --isolation oci --runtime '$runtime' --network none \$c cat /data/b
    buildah rm \$c >/dev/null"

works 'all containers are removed' as_user podman rm -fa -t 0
works 'podman'\''s own process ends' as_user podman system migrate
expect_podman_gone podman-rootless
