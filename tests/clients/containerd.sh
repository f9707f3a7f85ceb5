# containerd in a world: the daemon, an image in its own archive form; sourced behind lib.sh and images.sh.
# shellcheck shell=sh

# The tar of a root as an archive that `ctr images import` and `docker load` read.
image_archive() { # TAR NAME FILE [COMMAND as JSON strings]
    a_dir=$work/archive
    mkdir -p "$a_dir/layer" || return
    cp "$1" "$a_dir/layer/layer.tar"
    a_diff=$(sha256sum "$1" | cut -d ' ' -f 1)
    printf '{"architecture":"amd64","os":"linux","config":{"Env":["PATH=/bin:/usr/bin"],"Cmd":[%s]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]},"history":[{"created_by":"tests"}]}' \
        "${4:-\"/bin/sh\"}" "$a_diff" >"$a_dir/config.json"
    printf '[{"Config":"config.json","RepoTags":["%s"],"Layers":["layer/layer.tar"]}]' "$2" >"$a_dir/manifest.json"
    tar -C "$a_dir" -cf "$3" manifest.json config.json layer && rm -rf "$a_dir"
}

containerd_start() { # PLUGINS-TO-DISABLE
    mkdir -p /var/lib/containerd /run/containerd
    mount -t tmpfs -o mode=755 tmp /var/lib/containerd
    cat >"$world/containerd.toml" <<END
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
disabled_plugins = [$1]
[grpc]
address = "/run/containerd/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "docker.io/library/pause:latest"
disable_apparmor = true
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
default_runtime_name = "tested"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.tested]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.tested.options]
BinaryName = "$runtime"
END
    containerd --config "$world/containerd.toml" >"$world/containerd.log" 2>&1 </dev/null &
    containerd_pid=$!
    wait_until 30 ctr version >/dev/null 2>&1
}

containerd_stop() {
    kill -TERM "$containerd_pid" 2>/dev/null
    wait "$containerd_pid" 2>/dev/null
}
