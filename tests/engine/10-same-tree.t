#!/bin/sh
# Images unpack to the same tree as umoci makes of them: content, mode, owner, time, attributes, links.
# A Debian root, made once for all runs of the tests: here, where there is a network still.
cache=${XDG_CACHE_HOME:-/var/cache}/ration-tests
if [ -z "${ENGINE_APART:-}" ] && [ ! -s "$cache/debian.tar" ]; then
    mkdir -p "$cache"
    if SOURCE_DATE_EPOCH=1700000000 timeout 600 mmdebstrap --quiet --variant=minbase bookworm \
        "$cache/debian.$$.tar" >"$cache/log.$$" 2>&1; then
        mv "$cache/debian.$$.tar" "$cache/debian.tar"
    else
        tail -n 3 "$cache/log.$$" | sed 's/^/# /'
    fi
    rm -f "$cache/debian.$$.tar" "$cache/log.$$"
fi
. "${0%/*}/lib.sh"
require_command umoci skopeo python3 mmdebstrap
here=${0%/*}

merged() { # IMAGE DIR: its layers as a container would see them
    layers=$("$RATION" image inspect -f '{{json .GraphDriver.Data.Layers}}' "$1" | tr -d '[]"' | tr , '\n' | tac | paste -sd :)
    mkdir -p "$2" "$work/empty"
    mount -t overlay overlay -o "ro,lowerdir=$layers:$work/empty" "$2"
}

same() { # NAME LAYOUT
    run_ration load "$2"
    expect_status 0 "$1: load"
    name=$(sed -n 's/^Loaded image: //p' "$out")
    umoci unpack --image "$2:latest" "$work/umoci-$1" >"$work/umoci.log" 2>&1 || diag "$(tail -n 3 "$work/umoci.log")"
    merged "$name" "$work/ours-$1"
    # Directories that no entry made have the time of now; nobody says what they should have.
    "$here/tree.py" "$work/umoci-$1/rootfs" | grep -v "$3" >"$work/umoci.tree"
    "$here/tree.py" "$work/ours-$1" | grep -v "$3" >"$work/ours.tree"
    umount "$work/ours-$1"
    check "$1: the same tree as umoci's, $(wc -l <"$work/umoci.tree") entries" diff "$work/umoci.tree" "$work/ours.tree"
    run_ration image verify
    expect_status 0 "$1: the store is whole"
}

"$here/layers.py" names "$work/names"
same names "$work/names" "^b'.' \\|^b'./x*[/x]*' 0o4"
"$here/layers.py" kinds "$work/kinds"
same kinds "$work/kinds" '^$'
"$here/layers.py" layered "$work/layered"
same layered "$work/layered" "^b'.' 0o4"

busybox_image
run_ration save --format oci-dir -o "$work/busybox" busybox
sed -i 's/"org.opencontainers.image.ref.name":"[^"]*"/"org.opencontainers.image.ref.name":"latest"/; s/"io.containerd.image.name":"[^"]*",//' "$work/busybox/index.json"
same busybox "$work/busybox" '^$'

if [ -s "$cache/debian.tar" ]; then
    "$here/layers.py" of "$work/debian" "$cache/debian.tar"
    same debian "$work/debian" '^$'
else
    not_ok 'debian: the same tree as umoci'"'"'s' 'no Debian root could be made'
fi
