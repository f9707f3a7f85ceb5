#!/bin/sh
# containerd through its Kubernetes interface (CRI), as a kubelet calls it.
# shellcheck disable=SC2034 # lib.sh reads CLIENTS
CLIENTS='containerd ctr containerd-shim-runc-v2 /usr/bin/python3'
. "${0%/*}/lib.sh"
. "${0%/*}/images.sh"
. "${0%/*}/containerd.sh"

image_tar "$work/image.tar"
image_archive "$work/image.tar" docker.io/library/busybox:latest "$work/busybox.tar"
mkdir -p "$work/pause/bin"
cp "$(command -v busybox)" "$work/pause/bin/busybox"
ln -s busybox "$work/pause/bin/sleep"
tar -C "$work/pause" -cf "$work/pause.tar" .
image_archive "$work/pause.tar" docker.io/library/pause:latest "$work/pause-archive.tar" '"/bin/sleep","100000"'
containerd_start ''
check 'containerd starts' ctr version
works 'an image' ctr -n k8s.io images import --snapshotter overlayfs "$work/busybox.tar"
works 'an image for pods' ctr -n k8s.io images import --snapshotter overlayfs "$work/pause-archive.tar"

# Its assertions become ours.
RUN_SECONDS=300 run /usr/bin/python3 "${0%/*}/cri.py" /run/containerd/containerd.sock
grep -E '^(not )?ok ' "$out" >"$work/lines"
while read -r line; do
    case $line in
    ok*) ok "${line#* - }" ;;
    *) not_ok "${line#* - }" "$(grep -F -A 4 "$line" "$out" | tail -n +2)" ;;
    esac
done <"$work/lines"
expect_status 0 'the client came to its end'

containerd_stop
expect_no_groups 'no group is left' '/pods$|/pods/[a-z]*$|/k8s.io$'
expect_equal "$(find /run/containerd/runc -mindepth 2 \( ! -path '*/.*' -o -path '*/.pending/*' \) 2>/dev/null)" '' 'no record of the runtime is left'
