#!/bin/sh
# umoci's bundles: the runtime called by hand, as root and as an ordinary user, the way that people
# do who have no client at all.
# shellcheck disable=SC2016,SC2034 # the shell inside is to expand it; lib.sh reads CLIENTS
CLIENTS='umoci skopeo newuidmap'
. "${0%/*}/lib.sh"
. "${0%/*}/images.sh"

image_root "$work/root"
layout=$work/layout
works 'an image from nothing' umoci init --layout "$layout"
works 'is begun' umoci new --image "$layout:busybox"
works 'and given a root' umoci insert --image "$layout:busybox" "$work/root" /
works 'and a configuration' umoci config --image "$layout:busybox" --config.env PATH=/bin:/usr/bin \
    --config.env made=by-umoci --config.workingdir /data --config.cmd sh --config.cmd -c \
    --config.cmd 'echo "$made $PWD $(id -u) $(hostname)"'
rm -rf "$work/root"

# umoci asks for a terminal; most of this is without one.
no_terminal() { # BUNDLE
    sed -i 's/"terminal": true/"terminal": false/' "$1/config.json"
}
command_of() { # BUNDLE JSON-OF-THE-ARGUMENTS
    tr -d '\n\t' <"$1/config.json" | sed "s|\"args\": *\\[[^]]*\\]|\"args\": $2|" >"$1/new" &&
        mv "$1/new" "$1/config.json"
}
state_is() { # STATUS ID [AS...]
    t_id=$2 t_status=$1
    shift 2
    "$@" "$runtime" state "$t_id" >"$work/state.json" && [ "$(json "$work/state.json" status)" = "$t_status" ]
}

bundle=$work/bundle
works 'it is unpacked' umoci unpack --image "$layout:busybox" "$bundle"
says 'status 0' 'run with a terminal' ptyrun expect 'by-umoci /data 0 umoci-default' wait -- \
    "$runtime" run -b "$bundle" um-tty
no_terminal "$bundle"
says 'by-umoci /data 0 umoci-default' 'run prints' "$runtime" run -b "$bundle" um-run
says 'by-umoci /data 0 umoci-default' 'run takes the directory that it is in' \
    sh -c "cd '$bundle' && '$runtime' run um-here"
command_of "$bundle" '["sh", "-c", "exit 42"]'
exits 42 'run ends as the program does' "$runtime" run --bundle "$bundle" um-42
command_of "$bundle" '["nothing"]'
refuses 1 'executable file.* not found' 'a program that is not there' \
    "$runtime" run --bundle "$bundle" um-nothing
expect_no_groups 'nothing is left of these'
command_of "$bundle" '["cat"]'
echo 'line in' >"$work/in"
from "$work/in" says 'line in' 'stdin arrives' "$runtime" run -b "$bundle" um-cat

command_of "$bundle" '["sleep", "1000"]'
works 'run --detach' "$runtime" run -d --pid-file "$work/pid" -b "$bundle" um-life
check 'it runs' state_is running um-life env
expect_equal "$(cat "$work/pid")" "$(json "$work/state.json" pid)" 'the file has its number'
expect_json "$work/state.json" bundle "$bundle" 'state has its bundle'
expect_json_matches "$work/state.json" ociVersion '^1\.' 'and the version'
says 'in it' 'exec' "$runtime" exec um-life echo 'in it'
exits 9 'exec ends as the program does' "$runtime" exec um-life sh -c 'exit 9'
says '/tmp 77' 'exec with a directory and a user' \
    "$runtime" exec --cwd /tmp --user 77:88 um-life sh -c 'echo $PWD $(id -u)'
peer_lacks crun 'crun 1.8 looks for the program in its own PATH then' \
    says 'x=1' 'exec with a variable' "$runtime" exec -e x=1 um-life sh -c 'echo "x=$x"'
says 'status 4' 'exec at a keyboard' ptyrun expect '#' send 'exit 4\n' wait -- \
    "$runtime" exec -t um-life sh
refuses 1 'exist|already|in use' 'its name is taken' "$runtime" run -b "$bundle" um-life
works 'pause' "$runtime" pause um-life
check 'it is paused' state_is paused um-life env
works 'resume' "$runtime" resume um-life
check 'it runs again' state_is running um-life env
tells "^ *\\[?$(cat "$work/pid")" 'ps' "$runtime" ps --format json um-life
works 'kill' "$runtime" kill um-life KILL
check 'it is stopped' wait_until 10 state_is stopped um-life env
works 'delete' "$runtime" delete um-life
check_not 'it is gone' "$runtime" state um-life

# stdin and stdout of create are the container's: they are kept off the pipe that $(...) waits on.
works 'create' sh -c "'$runtime' create -b '$bundle' um-two >'$work/two.out' 2>&1"
check 'it is created' state_is created um-two env
works 'start' "$runtime" start um-two
check 'it runs' state_is running um-two env
works 'delete --force' "$runtime" delete --force um-two
works 'create, once more' sh -c "'$runtime' create -b '$bundle' um-three >'$work/two.out' 2>&1"
works 'delete --force of what has not begun' "$runtime" delete --force um-three
check_not 'it is gone' "$runtime" state um-three

command_of "$bundle" '["sh", "-c", "echo changed >/data/changed"]'
works 'the root is changed' "$runtime" run -b "$bundle" um-change
works 'and becomes a layer' umoci repack --image "$layout:changed" "$bundle"
works 'it is unpacked' umoci unpack --image "$layout:changed" "$work/changed"
expect_equal "$(cat "$work/changed/rootfs/data/changed")" changed 'the change is in it'

mkdir "$work/own" && cp -a "$bundle/rootfs" "$work/own/rootfs"
works 'spec makes a bundle' sh -c "cd '$work/own' && '$runtime' spec"
says 'status 0' 'that runs at once' ptyrun expect '#' send 'echo a$((1+1))b\n' expect a2b \
    send 'exit\n' wait -- "$runtime" run -b "$work/own" um-spec

# ---- as an ordinary user ---------------------------------------------------------------------------

user_make
chmod -R a+rX "$work"
mine=$world/user/bundle
works 'it is unpacked by a user' as_user umoci unpack --rootless --image "$layout:busybox" "$mine"
no_terminal "$mine"
says 'by-umoci /data 0 umoci-default' 'run prints' as_user "$runtime" run -b "$mine" um-user
command_of "$mine" '["sh", "-c", "exit 42"]'
exits 42 'run ends as the program does' as_user "$runtime" run -b "$mine" um-user
command_of "$mine" '["cat", "/proc/self/uid_map"]'
tells '^ *0 +23456 +1$' 'root inside is the user' as_user "$runtime" run -b "$mine" um-user
command_of "$mine" '["sleep", "1000"]'
works 'run --detach' as_user "$runtime" run -d -b "$mine" um-user
check 'it runs' state_is running um-user as_user
says 'in it' 'exec' as_user "$runtime" exec um-user echo 'in it'
check_not 'root does not see it' "$runtime" state um-user
works 'kill' as_user "$runtime" kill um-user KILL
check 'it is stopped' wait_until 10 state_is stopped um-user as_user
works 'delete' as_user "$runtime" delete um-user
mkdir "$world/user/own" && cp -a "$mine/rootfs" "$world/user/own/rootfs"
chown -R 23456:23456 "$world/user/own"
works 'spec --rootless makes a bundle' as_user sh -c "cd own && '$runtime' spec --rootless"
says 'status 0' 'that runs at once' ptyrun expect '#' send 'exit\n' wait -- \
    as_user "$runtime" run -b "$world/user/own" um-spec

expect_no_groups 'no group is left'
expect_equal "$(world_processes)" '' 'no process is left'
expect_equal "$(world_records)" '' 'no record is left'
