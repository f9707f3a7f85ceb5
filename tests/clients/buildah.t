#!/bin/sh
# buildah as root: containers that live for one step, started from images and from nothing, and the
# images that come of it in the forms that are handed around.
# shellcheck disable=SC2016,SC2034 # the shell inside is to expand it; lib.sh reads CLIENTS
CLIENTS='buildah podman skopeo conmon tini-static'
. "${0%/*}/lib.sh"
. "${0%/*}/images.sh"
. "${0%/*}/podman.sh"

podman_configure "$world/home"
image_tar "$work/image.tar"
export BUILDAH_RUNTIME="$runtime" BUILDAH_ISOLATION=oci BUILDAH_FORMAT=oci

# ---- from nothing ---------------------------------------------------------------------------------

says working-container 'a container from nothing' buildah from scratch
works 'a root is added' buildah add -q working-container "$work/image.tar" /
works 'it is configured' buildah config --env PATH=/bin:/usr/bin --env made=here --cmd /bin/sh \
    --workingdir /data working-container
step() { # CHECK WANTED NAME OPTIONS... -- COMMAND...
    s_check=$1 s_wanted=$2 s_name=$3
    shift 3
    "$s_check" "$s_wanted" "$s_name" buildah run --network none "$@"
}
c=working-container
step says hello 'a step prints' $c echo hello
step exits 7 'a step'\''s status is buildah'\''s' $c sh -c 'exit 7'
step says 'here /data' 'it has the environment and the directory' $c sh -c 'echo $made $PWD'
step says 'uid=1234(someone) gid=1235(someone) groups=1235(someone),2000(extra)' 'a user by name' \
    --user someone $c id
step says /tmp 'another directory' --workingdir /tmp $c pwd
step says 1 'it is process 1' $c sh -c 'echo $$'
step says named 'a host name' --hostname named $c hostname
step says 2 'a seccomp profile' $c sed -n 's/^Seccomp:.//p' /proc/self/status
step says 00000000a80435fb 'one more capability' --cap-add CAP_NET_ADMIN $c \
    sed -n 's/^CapEff:.//p' /proc/self/status
step says 0000000000000000 'and none' --cap-drop all $c sed -n 's/^CapEff:.//p' /proc/self/status
mkdir "$work/vol" && echo theirs >"$work/vol/file"
step says theirs 'a volume' -v "$work/vol:/v:ro" $c cat /v/file
refuses 1 'Read-only' 'that is read-only' \
    buildah run --network none -v "$work/vol:/v:ro" $c touch /v/x
step tells '^yes' 'a terminal' -t $c sh -c 'test -t 0 && echo yes'
says 'status 3' 'a shell at a keyboard' ptyrun expect '#' send 'echo a$((1+1))b\n' expect a2b \
    send 'exit 3\n' wait -- buildah run --network none -t $c sh
echo 'line in' >"$work/in"
from "$work/in" step says 'line in' 'stdin arrives' $c cat
step exits 0 'a step changes the root' $c sh -c 'echo changed >/data/change'
step says changed 'and the next one sees it' $c cat /data/change
says "$(readlink /proc/self/ns/net)" 'a step on the host'\''s network' \
    buildah run --network host $c readlink /proc/self/ns/net
refuses 1 'not found|[Nn]o such file' 'a program that is not there' \
    sh -c "buildah run --network none $c nothing || exit 1"
works 'it becomes an image' buildah commit -q $c localhost/made
works 'it is removed' buildah rm $c
says changed 'podman runs the image' podman run --rm localhost/made cat change

# ---- from a file ----------------------------------------------------------------------------------

mkdir "$work/context" && echo 'from the context' >"$work/context/file"
cat >"$work/context/Containerfile" <<'END'
FROM localhost/made AS first
ARG given=none
ENV kept=yes
RUN echo "given $given" >/data/given
RUN --mount=type=bind,source=file,target=/mnt/file cp /mnt/file /data/bound
RUN --mount=type=cache,target=/cache echo cached >/cache/x
RUN --mount=type=cache,target=/cache cp /cache/x /data/cached
RUN --mount=type=tmpfs,target=/scratch touch /scratch/x
RUN --mount=type=secret,id=word cat /run/secrets/word >/data/secret
USER someone
RUN id -u >/tmp/who
FROM localhost/made
COPY --from=first /data /data
COPY --from=first /tmp/who /data/who
RUN cat /data/given /data/bound /data/cached /data/secret /data/who >/data/all
CMD ["cat", "/data/all"]
END
printf 'secret\n' >"$work/word"
works 'a file is built' buildah build --pull-never --network none --layers \
    --build-arg given=this --secret "id=word,src=$work/word" -t localhost/built "$work/context"
says 'given this
from the context
cached
secret
1234' 'every step did its work' podman run --rm localhost/built
works 'it is built again, from what was kept' buildah build --pull-never --network none --layers \
    --build-arg given=this --secret "id=word,src=$work/word" -t localhost/again "$work/context"
printf 'FROM localhost/made\nRUN exit 9\n' >"$work/context/fails"
refuses 9 'exit status 9' 'a step that fails ends it with its status' buildah build \
    --pull-never --network none -f "$work/context/fails" "$work/context"
printf 'FROM localhost/made\nRUN hog mem 100m\n' >"$work/context/greedy"
refuses 1 'killed' 'a step with too little memory is ended' buildah build \
    --pull-never --network none -m 32m --memory-swap 32m -f "$work/context/greedy" "$work/context"
printf 'FROM localhost/made\nRUN test "$(ulimit -n)" = 99\n' >"$work/context/limits"
works 'a step with limits of its own' buildah build --pull-never --network none \
    --ulimit nofile=99:99 --cpu-shares 200 -f "$work/context/limits" "$work/context"
works 'podman builds too' podman build --pull=never --network none --runtime "$runtime" \
    --build-arg given=that --secret "id=word,src=$work/word" -t localhost/podbuilt "$work/context"
tells '^given that' 'and its image runs' podman run --rm localhost/podbuilt

# ---- forms of images ------------------------------------------------------------------------------

pass() { # NAME TRANSPORT:PATH OPTIONS...
    p_name=$1 p_to=$2
    shift 2
    works "to $p_name" skopeo copy -q "$@" containers-storage:localhost/built:latest "$p_to"
    podman rmi -f localhost/carried >/dev/null 2>&1
    works "from $p_name" skopeo copy -q "$p_to" containers-storage:localhost/carried:latest
    tells '^given this' "an image that was $p_name runs" podman run --rm localhost/carried
}
pass 'an OCI layout' "oci:$work/layout:built"
pass 'an OCI archive' "oci-archive:$work/built.oci:built"
pass 'a Docker archive' "docker-archive:$work/built.docker:built:latest"
pass 'a layout packed by zstd' "oci:$work/zstd:built" --dest-compress-format zstd --dest-compress

works 'all containers are removed' podman rm -fa -t 0
works 'and those of buildah' sh -c '[ -z "$(buildah ps -q)" ] || buildah rm -a'
expect_podman_gone buildah
