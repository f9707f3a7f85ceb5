# podman in a world: its configuration and helpers, sourced behind lib.sh and images.sh.
# shellcheck shell=sh

# A configuration with the runtime under test and nothing that would look outside, in DIR.
podman_configure() { # DIR
    cat >"$1/containers.conf" <<END
[containers]
netns = "none"
init_path = "$(command -v tini-static)"
log_driver = "k8s-file"
[network]
network_backend = "netavark"
[engine]
runtime = "$runtime_name"
runtime_supports_json = ["$runtime_name"]
runtime_supports_nocgroup = ["ration-oci", "crun"]
cgroup_manager = "cgroupfs"
events_logger = "file"
infra_image = "localhost/pause:latest"
[engine.runtimes]
$runtime_name = ["$runtime"]
END
    export CONTAINERS_CONF="$1/containers.conf"
}

podman_import() { # as whoever calls it; the tar is $work/image.tar
    run "$@" podman import -q -c 'ENV PATH=/bin:/usr/bin' -c 'CMD ["/bin/sh"]' \
        "$work/image.tar" localhost/busybox:latest
    expect_status 0 'podman imports a root of busybox'
    run "$@" podman import -q -c 'ENTRYPOINT ["/bin/sleep", "100000"]' \
        "$work/image.tar" localhost/pause:latest
    expect_status 0 'and one that sleeps, for pods'
}

# Prints a field of a container: field State.Pid NAME
field() { # GO-PATH NAME
    podman inspect --type container -f "{{.$1}}" "$2"
}

# Waits until the log of a container has a line that matches.
log_has() { # NAME ERE
    wait_until 20 t_log_has "$1" "$2" || return
}
t_log_has() {
    podman logs "$1" 2>&1 | grep -qE -e "$2"
}

# A limit in the files of a container's group: v1 and v2 have other names and other words for it.
expect_limit() { # CONTAINER CONTROLLER V1FILE V1VALUE V2FILE V2VALUE NAME
    l_group=$(field State.CgroupPath "$1")
    if [ "$(controller_version "$2")" = 1 ]; then
        l_file=$3 l_value=$4
    else
        l_file=$5 l_value=$6
    fi
    expect_equal "$(group_value "$2" "$l_group" "$l_file" 2>&1)" "$l_value" "$7"
}

# Prints what a container reads of its own group: inside NAME CONTROLLER V1FILE V2FILE
inside() {
    if [ "$(controller_version "$2")" = 1 ]; then
        podman exec "$1" cat "/sys/fs/cgroup/$2/$3"
    else
        podman exec "$1" cat "/sys/fs/cgroup/$4"
    fi
}

# Is the container's group frozen, by the freezer of v1 or by that of v2, which may stand beside it?
is_frozen() { # CONTAINER
    l_group=$(field State.CgroupPath "$1")
    for l_freezer in freezer unified; do
        has_controller "$l_freezer" || continue
        t_where=$(t_hierarchy "$l_freezer")
        l_dir=${t_where%% *}$l_group
        ! grep -qs FROZEN "$l_dir/freezer.state" || return 0
        ! grep -qs '^frozen 1' "$l_dir/cgroup.events" || return 0
    done
    return 1
}

# Nothing of podman, conmon, the runtime or a container is left, except by name this script.
expect_podman_gone() { # PREFIX of the names [ERE of groups that podman leaves]
    expect_no_groups "$1: no group is left" "/libpod_parent/[0-9a-f]{64}\$${2:+|$2}"
    t_tries=50
    while t_remains=$(world_processes) && [ -n "$t_remains" ] && [ "$t_tries" -gt 0 ]; do
        t_tries=$((t_tries - 1))
        sleep 0.1
    done
    expect_equal "$t_remains" '' "$1: no process is left"
    expect_equal "$(world_records)" '' "$1: no record of the runtime is left"
    expect_equal "$(find /tmp /var/tmp -name 'conmon*' -o -name 'podman[0-9]*' -o \
        -name 'buildah[0-9]*')" '' "$1: no temporary file of a client is left"
    expect_equal "$(awk '$5 ~ /overlay-containers|\/merged$|\/vfs\/dir|buildah/ { print $5 }' \
        /proc/self/mountinfo)" '' "$1: no mount is left"
}
