#!/bin/sh
# Images of an ordinary user: with subordinate ids, and without.
# shellcheck disable=SC2016,SC2154 # expanded in the container
. "${0%/*}/lib.sh"

engine_user

mine() { # NAME STATUS ERE ARGS...: what the user's `run --rm` of these prints, and how it ends
    i_name=$1 i_status=$2 i_ere=$3
    shift 3
    as_user run --rm --network none "$@"
    expect_inside "$i_name" "$i_status" "$i_ere"
}

as_user image import --host-busybox busybox
[ "$status" -eq 0 ] || t_fail_run 'a user has images of his own' "exit status $status"
mine 'a command in it' 0 '^hello$' busybox echo hello
mine 'he is root there' 0 '^0$' busybox id -u
mine 'what is written is not seen by the next' 0 '^0 *$' busybox sh -c 'touch /x; ls /x >/dev/null; echo 0'
mine 'and it is not' 1 'No such file' busybox ls /x
mine 'directories can be replaced' 0 '^0$' busybox sh -c 'd=/root; rm -r $d; mkdir $d && ls -A $d | wc -l'
mine '--read-only' 1 'Read-only' --read-only busybox touch /x
mine 'a bound on what is written' 0 'No space left' --storage-opt size=1m busybox \
    sh -c 'dd if=/dev/zero of=/big bs=64k count=32 2>&1; true'
mine 'nothing is above the root' 0 '^same$' busybox \
    sh -c 'set -- $(stat -c %d:%i / /.. /../..); [ "$1" = "$2" ] && [ "$1" = "$3" ] && echo same'
mine 'a volume' 0 '^kept$' -v store:/data busybox sh -c 'echo kept >/data/file; cat /data/file'
mine 'that stays' 0 '^kept$' -v store:/data busybox cat /data/file
mine 'the host shows what he may see' 0 '^user$' -v "$user_home:/home" busybox sh -c 'echo user'
expect_equal "$(find "$user_home/data/containers" -mindepth 1 ! -name '.*' 2>/dev/null | wc -l)" 0 'nothing of any run is left'
if [ -x /usr/bin/newuidmap ]; then
    mine 'other users of the image' 0 '^12$' -u 12 busybox id -u
    mine 'whose files can be removed afterwards' 0 '^12$' busybox \
        sh -c 'mkdir -p /deep/er && chown -R 12:12 /deep && chmod 700 /deep && touch /deep/er/x && stat -c %u /deep'
    mine 'in volumes, too' 0 '^12$' -v other:/data busybox \
        sh -c 'mkdir /data/deep && touch /data/deep/x && chown -R 12:12 /data/deep && chmod 700 /data/deep && stat -c %u /data/deep'
    expect_equal "$(find "$user_home/data/containers" -mindepth 1 ! -name '.*' 2>/dev/null | wc -l)" 0 'nothing of those is left'
fi

as_user volume ls -q
expect_equal "$(grep -c . "$out")" "$( [ -x /usr/bin/newuidmap ] && echo 2 || echo 1)" 'volume ls'
as_user volume prune -a
expect_equal "$(ls -A "$user_home/data/volumes")" .lock 'volume rm removes what others have written'
