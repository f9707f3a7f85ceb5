#!/bin/sh
# Roots that were made by an enemy: what is in them leads nowhere, hangs nothing and is believed in nothing.
# shellcheck disable=SC2016,SC2034,SC2154 # expanded in the container
. "${0%/*}/lib.sh"

busybox_image
tree=$work/tree
mkdir "$tree"
cp -a "$RATION_DATA_DIR"/image/layers/*/tree/. "$tree/"

# Files outside that must stay as they are, whatever a root says.
canary=$work/canary
mkdir "$canary" && echo alive >"$canary/file" && : >"$canary/null"
mark() { find "$canary" -exec stat -c '%n %i %f %s %y' {} + | sort; cat "$canary/file"; }
mark >"$work/.canary"
unchanged() { # NAME
    mark >"$work/.canary.now"
    if cmp -s "$work/.canary" "$work/.canary.now"; then ok "$1: nothing outside has changed"; else not_ok "$1: nothing outside has changed" "$(diff "$work/.canary" "$work/.canary.now")"; fi
}

# A root of its own for each: the usual one with what the script does to it, in it.
hostile() { # NAME SCRIPT: makes $root
    root=$work/root
    rm -rf "$root"
    cp -a "$tree" "$root"
    (cd "$root" && eval "$2")
    t_name=$1
}

# However it ends, it ends, in the time of a run, with one sentence or as it should; and nothing else happens.
tried() { # STATUS-ERE ARGS...
    t_ere=$1
    shift
    status=0
    timeout 20 "$RATION" run --rm --network none "$@" >"$out" 2>"$err" </dev/null || status=$?
    t_last="run $*"
    if ! echo "$status" | grep -qE "^($t_ere)\$"; then
        t_fail_run "$t_name" "exit status $status, wanted $t_ere"
    elif [ "$status" -gt 2 ] && [ "$(wc -l <"$err")" -gt 1 ]; then
        t_fail_run "$t_name" 'more than one sentence'
    else
        ok "$t_name"
    fi
    unchanged "$t_name"
}

hostile '/dev is a link to outside' "rm -rf dev; ln -s $canary dev"
tried '0|125' "dir:$root" true
hostile '/dev is a link that climbs' 'rm -rf dev; ln -s ../../../../../../../tmp dev'
tried '0|125' "dir:$root" true
hostile '/dev/null is a file' "mkdir -p dev; rm -f dev/null; echo file >dev/null"
tried 0 "dir:$root" sh -c 'test -c /dev/null'
hostile '/dev/null is a link to outside' "mkdir -p dev; ln -sf $canary/file dev/null"
tried 0 "dir:$root" sh -c 'test -c /dev/null && echo x >/dev/null'
hostile '/proc is a link' "rm -rf proc; ln -s $canary proc"
tried 125 "dir:$root" true
hostile '/sys is a link' "rm -rf sys; ln -s $canary sys"
tried 125 "dir:$root" true
hostile '/proc is a file' 'rm -rf proc; : >proc'
tried 125 "dir:$root" true
hostile '/etc is a link to outside' "rm -rf etc; ln -s $canary etc"
tried '0|2|125' -u nobody "dir:$root" true
hostile '/etc/hosts is a link to outside' "rm -f etc/hosts; ln -s $canary/file etc/hosts"
tried '0|125' "dir:$root" sh -c 'echo mine >>/etc/hosts; true'
hostile '/etc/passwd is a FIFO' 'rm -f etc/passwd; mkfifo etc/passwd'
tried 125 -u somebody "dir:$root" true
grep -q 'not a regular file' "$err" && ok 'the sentence says so' || not_ok 'the sentence says so' "$(cat "$err")"
hostile '/etc/passwd is a link to outside' "rm -f etc/passwd; ln -s $canary/file etc/passwd"
tried '2|125' -u somebody "dir:$root" true
hostile '/etc/passwd is endless' 'rm -f etc/passwd; head -c 2097152 /dev/zero >etc/passwd'
tried 125 -u somebody "dir:$root" true
hostile '/etc/group is a directory' 'rm -f etc/group; mkdir etc/group'
tried 125 -u root "dir:$root" true
hostile '/etc/passwd has numbers that are none' 'printf "evil:x:-1:0::/:/bin/sh\nevil:x:4294967295:0::/:/bin/sh\n" >etc/passwd'
tried 2 -u evil "dir:$root" true
hostile 'the directory to work in is a link to outside' "ln -s $canary work"
tried '0|125' -w /work/made "dir:$root" true
hostile 'a mount point is a link to outside' "ln -s $canary mnt2"
tried '0|125' -v "$work:/mnt2/point" "dir:$root" true
hostile 'a device node in the root' 'mknod null c 1 3; mknod mem c 1 1'
tried 1 "dir:$root" cat /null
hostile 'set-user-id programs stay what they are' 'chmod 4755 bin/busybox; chown 0 bin/busybox'
tried 1 -u 1000:1000 --security-opt no-new-privileges "dir:$root" sh -c 'test "$(id -u)" = 0'
hostile 'a volume of links' "mkdir data; ln -s $canary/file data/link; ln -s /etc/passwd data/passwd; mkfifo data/fifo"
tried 0 -v hostile:/data "dir:$root" sh -c 'test -p /data/fifo && test -L /data/link'
hostile 'a name of 255 bytes, and a path of 4,000' \
    'n=$(printf "%0250d" 0); for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do mkdir "$n" || break; cd "$n"; done'
tried 0 "dir:$root" true
hostile 'a root that nobody may enter' 'chmod 0 .'
tried '0|126|127|125' -u 1000:1000 "dir:$root" true

# ---- what a configuration says -------------------------------------------------------------------------------

# An image whose configuration has these members: the usual one, and its blobs and name written by hand.
image=$RATION_DATA_DIR/image
read -r manifest config <"$image/names/docker.io%2Flibrary%2Fbusybox:latest"
configured() { # NAME MEMBERS
    t_name=$1
    sed "s|\"config\":{.*|\"config\":{$2}}|" "$work/config.usual" >"$work/config"
    sum=$(sha256sum "$work/config" | cut -d ' ' -f 1)
    cp "$work/config" "$image/blobs/sha256/$sum"
    sed "s|${config#*:}|$sum|; s|\"size\":$config_size,|\"size\":$(wc -c <"$work/config"),|; s|\"size\":$config_size}|\"size\":$(wc -c <"$work/config")}|" \
        "$image/blobs/sha256/${manifest#*:}" >"$work/manifest"
    made=$(sha256sum "$work/manifest" | cut -d ' ' -f 1)
    cp "$work/manifest" "$image/blobs/sha256/$made"
    echo "sha256:$made sha256:$sum" >"$image/names/docker.io%2Flibrary%2Fevil:latest"
}
config_size=$(wc -c <"$image/blobs/sha256/${config#*:}")
cp "$image/blobs/sha256/${config#*:}" "$work/config.usual"
long=$(printf '%04096d' 0)
while IFS='|' read -r name members wanted; do
    configured "$name" "$members"
    tried "$wanted" evil true
done <<END
a usual configuration|"Env":["A=1"],"Volumes":{"/vol":{}},"WorkingDir":"/tmp"|0
a volume outside|"Volumes":{"/../..":{}}|125
a volume over the root|"Volumes":{"/":{}}|125
a volume in /proc|"Volumes":{"/proc/sys":{}}|125
a volume with a name of 4,096 bytes|"Volumes":{"/$long":{}}|125|1
a user that is no number|"User":"-1"|125
a working directory that climbs|"WorkingDir":"/a/../../.."|125
a stop signal that is none|"StopSignal":"SIGNOTHING"|125
a variable without a name|"Env":["=x"]|125
environment that is a number|"Env":42|125|1
an entrypoint of numbers|"Entrypoint":[1,2]|125|1
volumes that are a list|"Volumes":["/a"]|125|1
a user that is an object|"User":{}|125|1
END

# ---- many layers ------------------------------------------------------------------------------------------------

engine_clean
