#!/bin/sh
# The root of an image: layers and what is written above them, users, directories, volumes, bounds.
# shellcheck disable=SC2016,SC2154 # expanded in the container
. "${0%/*}/lib.sh"

busybox_image

volumes() {
    find "$RATION_DATA_DIR/volumes" -mindepth 1 -maxdepth 1 ! -name '.*' | sed 's|.*/||' | sort | tr '\n' ' '
}

inside() { # NAME STATUS ERE ARGS...: what `run --rm` of these prints, and how it ends
    i_name=$1 i_status=$2 i_ere=$3
    shift 3
    run_ration run --rm --network none "$@"
    expect_inside "$i_name" "$i_status" "$i_ere"
}

# Numbers, modes, sizes, times and content of all files beneath: what a layer is.
fingerprint() { # DIR
    (cd "$1" && find . -exec ls -ldn {} + | sort -k 9 && find . -type f -exec cksum {} +) | cksum
}

layers=$RATION_DATA_DIR/image/layers
before=$(fingerprint "$layers")

# ---- operands ------------------------------------------------------------------------------------------

inside 'an image runs its command' 0 '^hello$' busybox echo hello
inside 'by its tag' 0 '^hello$' busybox:latest echo hello
inside 'a word that is no image names both ways' 2 'no image "nosuch".*ration pull nosuch.*ration run -- nosuch' nosuch
inside 'a path is a command of this machine' 0 '^here$' /bin/sh -c 'echo here'
inside 'so is what follows --' 0 '^here$' -- sh -c 'echo here'
mkdir "$work/tree"
cp -a "$layers"/*/tree/. "$work/tree/" && echo mine >"$work/tree/mine"
inside 'dir:PATH is an image of one layer' 0 '^mine$' "dir:$work/tree" cat /mine
inside 'what is written there is not written to it' 0 '^$' "dir:$work/tree" sh -c 'rm /mine; echo'
expect_equal "$(cat "$work/tree/mine")" mine 'the directory is unchanged'
run_ration save --format oci-dir -o "$work/layout" busybox
inside 'oci:PATH is a layout'"'"'s image' 0 '^hello$' "oci:$work/layout" echo hello
run_ration save -o "$work/archive.tar" busybox
inside 'docker-archive:PATH is an archive'"'"'s' 0 '^hello$' "docker-archive:$work/archive.tar" echo hello
inside 'one that is not there' 125 'none' "oci:$work/none" true
inside 'a missing directory' 2 'cannot use the directory' "dir:$work/none" true
inside 'an image without a command says so' 2 'no command' --entrypoint '' "dir:$work/tree"

# ---- copy on write -----------------------------------------------------------------------------------------

inside 'one run writes' 0 '^1$' busybox sh -c 'echo x >/written; rm /bin/busybox.none 2>/dev/null; ls /written | wc -l'
inside 'another does not see it' 1 'No such file' busybox ls /written
run_ration run --network none --name first busybox sh -c 'echo one >/etc/motd; rm -r /root; mkdir /root; echo 1 >/root/new'
run_ration run --network none --name second busybox sh -c 'cat /etc/motd; ls /root'
grep -q one "$out" && not_ok 'two containers do not see what the other has written' ||
    ok 'two containers do not see what the other has written'
run_ration start -a first
expect_equal "$status" 0 'a container starts again with what it has written'
expect_equal "$(fingerprint "$layers")" "$before" 'no layer has changed'

# ---- the root itself -----------------------------------------------------------------------------------------

# "/.." is what is uppermost at /: the same, or something of the host's stands there.
for options in '' '--read-only' '--storage-opt size=1m' '--userns private' '--userns private --storage-opt size=1m'; do
    # shellcheck disable=SC2086 # words
    inside "nothing is above the root (${options:-no options})" 0 '^same$' $options busybox \
        sh -c 'set -- $(stat -c %d:%i / /.. /../..); [ "$1" = "$2" ] && [ "$1" = "$3" ] && echo same'
done
inside '--read-only: no file is made' 1 'Read-only' --read-only busybox touch /x
inside '--read-only: but in a --tmpfs' 0 '^x$' --read-only --tmpfs /scratch busybox \
    sh -c 'touch /scratch/x; ls /scratch'
inside '--read-only: but in a volume' 0 '^x$' --read-only -v "$work:/shown" busybox \
    sh -c 'touch /shown/x; ls /shown/x | sed s,.*/,,'
rm -f "$work/x"
inside '-w makes what is missing' 0 '^/a/b/c$' -w /a/b/c busybox pwd
inside '-e is seen' 0 '^B=two words$' -e 'B=two words' busybox env
inside 'and not what we have' 0 '^0$' busybox sh -c 'env | grep -c RATION_DATA_DIR || :'
inside '--entrypoint stands before COMMAND' 0 '^a b$' --entrypoint /bin/echo busybox a b
inside 'device nodes in the root do not work' 0 '^nodev$' busybox \
    sh -c 'grep -q " / .*nodev" /proc/self/mountinfo && echo nodev'

# ---- users -----------------------------------------------------------------------------------------------------

printf 'root:x:0:0:root:/root:/bin/sh\nsomebody:x:1234:100::/home/some:/bin/sh\n' >"$work/tree/etc/passwd"
printf 'root:x:0:\nusers:x:100:\nextra:x:55:somebody\n' >"$work/tree/etc/group"
inside '-u NAME is the image'"'"'s own' 0 '^1234 100 100 55 /home/some$' -u somebody "dir:$work/tree" \
    sh -c 'echo "$(id -u) $(id -g) $(id -G) $HOME"'
inside '-u NUMBER has the home that the image says' 0 '/home/some' -u 1234 "dir:$work/tree" env
inside '-u of nobody there' 2 'no user' -u alice "dir:$work/tree" true
inside '-u NAME:GROUP' 0 '^1234:55$' -u somebody:extra "dir:$work/tree" sh -c 'echo "$(id -u):$(id -g)"'

# ---- a bound on what is written ----------------------------------------------------------------------------------

inside '--storage-opt size= bounds what is written' 0 'No space left' --storage-opt size=1m busybox \
    sh -c 'dd if=/dev/zero of=/big bs=64k count=32 2>&1; rm /big; echo fits >/small'
inside 'df tells it' 0 ' 1024 ' --storage-opt size=1m busybox df -k /
inside 'what the image has is there all the same' 0 '^root:' --storage-opt size=1m busybox head -n 1 /etc/passwd
inside '--storage-opt without an image is refused' 2 'takes an IMAGE' --storage-opt size=1m -- true

# ---- volumes -------------------------------------------------------------------------------------------------------

mkdir "$work/tree/data" && echo original >"$work/tree/data/file" && chmod 1777 "$work/tree/data"
inside 'a new volume gets what the image has there' 0 '^original$' -v store:/data "dir:$work/tree" cat /data/file
inside 'what is written to it stays' 0 '^$' -v store:/data "dir:$work/tree" sh -c 'echo more >/data/more; rm /data/file; echo'
inside 'for other runs, without the content again' 0 '^more$' -v store:/data "dir:$work/tree" ls /data
expect_equal "$(stat -c %a "$RATION_DATA_DIR/volumes/store/data")" 1777 'it has the mode of the directory'
inside 'nocopy leaves it empty' 0 '^0$' -v plain:/data:nocopy "dir:$work/tree" sh -c 'ls /data | wc -l'
inside 'ro is read-only' 1 'Read-only' -v store:/data:ro "dir:$work/tree" touch /data/x
inside 'for a run on the host'"'"'s root, too' 0 '^more$' -v "store:$work/tree/data" -- ls "$work/tree/data"
inside '--mount type=volume' 0 '^more$' --mount type=volume,src=store,dst=/elsewhere busybox ls /elsewhere
inside 'a volume without a name is one' 0 '^original$' -v /data "dir:$work/tree" cat /data/file
expect_equal "$(volumes)" 'plain store ' \
    'and goes with its container'

run_ration volume create --label kind=test made
run_ration volume ls -q
expect_equal "$(tr '\n' ' ' <"$out")" 'made plain store ' 'volume ls'
run_ration volume inspect made
grep -q '"kind": "test"' "$out" && ok 'volume inspect tells labels' || t_fail_run 'volume inspect tells labels'
run_ration create --name holder -v made:/data busybox true
run_ration volume rm made
expect_refusal_of 125 'belongs to the container' 'a volume that a container has stays'
run_ration rm holder
run_ration volume rm made plain
expect_equal "$status" 0 'and goes when nobody has it'
run_ration volume rm made
expect_refusal_of 125 'no volume made' 'one that is not there'
run_ration volume create ../outside
expect_refusal_of 2 "volume's name" 'a name is no path'

# ---- user namespaces ---------------------------------------------------------------------------------------------------

maps='--uidmap 0:100000:1000 --gidmap 0:100000:1000'
# shellcheck disable=SC2086 # words
inside 'shared layers are shown through maps' 0 '^0:0$' $maps busybox sh -c 'touch /mine; stat -c %u:%g /bin/busybox'
# shellcheck disable=SC2086
run_ration run --network none --name mapped $maps busybox sh -c 'echo x >/mine; chown 5:6 /mine; stat -c %u:%g /mine'
expect_equal "$(cat "$out")" 5:6 'whoever is mapped can be given a file'
upper=$(find "$RATION_DATA_DIR/containers" -name mine)
expect_equal "$(stat -c %u:%g "$upper")" 5:6 'what is written has the numbers that the run sees'
# shellcheck disable=SC2086
inside 'volumes are the same to every run' 0 '^0:0$' $maps -v store:/data busybox stat -c %u:%g /data/more
# shellcheck disable=SC2086
inside 'with a bound, too' 0 '^0:0$' $maps --storage-opt size=1m busybox sh -c 'touch /x; stat -c %u:%g /x'

expect_equal "$(fingerprint "$layers")" "$before" 'no layer has changed after all'

# ---- many layers ----------------------------------------------------------------------------------------------

# The usual image with 199 layers above, of a file each; its blobs and name are written by hand.
image=$RATION_DATA_DIR/image
read -r manifest config <"$image/names/docker.io%2Flibrary%2Fbusybox:latest"
first=$(ls "$layers")
diffs="\"sha256:$first\"" blobs=
blob=$(sed 's/.*"layers":\[\({[^}]*}\).*/\1/' "$image/blobs/sha256/${manifest#*:}")
i=1
while [ "$i" -lt 200 ]; do
    hex=$(printf '%064x' "$i")
    mkdir "$layers/$hex" && cp "$layers/$first/sum" "$layers/$hex/"
    mkdir "$layers/$hex/tree" && echo "$i" >"$layers/$hex/tree/of-$i" && echo "$i" >"$layers/$hex/tree/last"
    diffs="$diffs,\"sha256:$hex\"" blobs="$blobs,$blob"
    i=$((i + 1))
done
put() { # FILE: as a blob; its digest's digits
    p_sum=$(sha256sum "$1" | cut -d ' ' -f 1)
    cp "$1" "$image/blobs/sha256/$p_sum" && echo "$p_sum"
}
sed "s|\"diff_ids\":\[[^]]*\]|\"diff_ids\":[$diffs]|; s|\"history\":\[[^]]*\],||" \
    "$image/blobs/sha256/${config#*:}" >"$work/config"
c=$(put "$work/config")
size=$(wc -c <"$image/blobs/sha256/${config#*:}")
sed "s|${config#*:}|$c|; s|\"size\":$size}|\"size\":$(wc -c <"$work/config")}|; s|\"layers\":\[\([^]]*\)\]|\"layers\":[\1$blobs]|" \
    "$image/blobs/sha256/${manifest#*:}" >"$work/manifest"
m=$(put "$work/manifest")
echo "sha256:$m sha256:$c" >"$image/names/docker.io%2Flibrary%2Fmany:latest"
inside '200 layers are one root' 0 '^199 199$' many sh -c 'echo $(ls /of-* | wc -l) $(cat /last)'
inside 'read-only' 0 '^199 199$' --read-only many sh -c 'echo $(ls /of-* | wc -l) $(cat /last)'
# shellcheck disable=SC2086
inside 'and shown through maps' 0 '^199 0$' $maps many sh -c 'echo $(ls /of-* | wc -l) $(stat -c %u /last)'

# ---- killed at any moment --------------------------------------------------------------------------------------

i=0
while [ "$i" -lt 24 ]; do
    "$RATION" run --rm --network none -v /anonymous busybox sh -c 'echo x >/x; sleep 5' >"$out" 2>&1 </dev/null &
    pid=$!
    sleep "0.0$(printf %02d $((i * 37 % 60)))"
    kill -KILL "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    i=$((i + 1))
done
sleep 0.3
run_ration run --rm --network none busybox true
expect_equal "$status" 0 'a run after 24 that were killed'
run_ration ps -a -q
expect_equal "$(volumes)" 'store ' 'no volume of theirs is left'
engine_clean
