#!/bin/sh
# diff, commit, cp and export, with a container that wants out of its root.
# shellcheck disable=SC2016 # expanded in the container
. "${0%/*}/lib.sh"

busybox_image
run_ration create --name box busybox sh -c 'mkdir /d; echo one >/d/one; ln -s / /d/top; ln -s /../../../etc /d/etc;
    ln -s /nowhere/x /d/dangling; mkfifo /d/fifo; rm /etc/group; echo root::0:0::/:/bin/sh >/etc/passwd; chown 12:34 /d/one'
run_ration start box
run_ration wait box
expect_stdout_is 0 'a container has written'

run_ration diff box
expect_stdout_is "$(printf 'A /d\nA /d/dangling\nA /d/etc\nA /d/fifo\nA /d/one\nA /d/top\nC /etc\nD /etc/group\nC /etc/passwd')" 'diff'

run_ration cp box:/d/one "$work/one"
expect_equal "$(cat "$work/one") $(stat -c %u:%g "$work/one")" 'one 0:0' 'cp out: content, and ours'
run_ration cp -a box:/d/one "$work/kept"
expect_equal "$(stat -c %u:%g "$work/kept")" 12:34 'cp -a keeps the owner'
mkdir "$work/into"
run_ration cp box:/d "$work/into"
check 'cp of a directory into one that is there' test -p "$work/into/d/fifo"
run_ration cp box:/d/. "$work/contents"
check 'cp of contents' test -f "$work/contents/one"
run_ration cp -L box:/d/etc/passwd "$work/passwd"
expect_equal "$(cat "$work/passwd")" 'root::0:0::/:/bin/sh' 'a link that leads out leads to the container'"'"'s own'
echo secret >"$work/secret"
run_ration cp "$work/secret" box:/d/etc/secret
expect_status 0 'cp in through such a link'
check_not 'does not reach the machine' test -e /etc/secret
run_ration cp box:/etc/secret "$work/back"
check 'but the container' cmp "$work/secret" "$work/back"
run_ration cp "$work/secret" box:/d/dangling/x
expect_refusal 125 dangling
run_ration cp box:/nothing "$work/x"
expect_refusal 125 'no .*nothing'
run_ration cp "$work/secret" "$work/x"
expect_refusal 2 CONTAINER:PATH
run_ration cp nobody:/x "$work/x"
expect_refusal 125 nobody
"$RATION" cp box:/d - >"$work/d.tar" 2>"$work/d.err"
check 'cp to - is a tar archive' sh -c 'tar tf "$1" | grep -qx d/one' sh "$work/d.tar"
run_ration_stdin "$work/d.tar" cp - box:/tmp
expect_status 0 'cp from -'
run_ration cp box:/tmp/d/one "$work/again"
check 'brings it in' cmp "$work/one" "$work/again"

"$RATION" export box >"$work/root.tar" 2>"$work/export.err"
check 'export has the container'"'"'s root' sh -c 'tar tf "$1" | grep -qx d/one && ! tar tf "$1" | grep -qx etc/group' sh "$work/root.tar"
run_ration import -c 'CMD ["cat","/d/one"]' "$work/root.tar" exported
expect_status 0 'import of it'

run_ration commit -m why -c 'ENV A=b' -c 'CMD ["cat","/d/one"]' box mine:1
expect_status 0 'commit'
run_ration run --rm --network none mine:1
expect_stdout_is one 'the image runs'
run_ration run --rm --network none exported
expect_stdout_is one 'the exported one, too'
run_ration history mine:1
expect_stdout_matches 'ration commit.*why' 'history'
run_ration image inspect -f '{{json .Config.Env}}' mine:1
expect_stdout_matches 'A=b' 'a changed configuration'
run_ration commit -c 'CMD [' box x
expect_refusal 2 JSON
run_ration rmi mine:1 exported
expect_status 0 'rmi'
run_ration rmi busybox
expect_refusal 125 'container box'
run_ration rmi -f busybox
expect_status 0 'rmi -f takes the name'
run_ration diff box
expect_status 0 'and leaves the container its layers'
run_ration image verify
expect_status 0 'the store is whole'

run_ration rm box
run_ration import --host-busybox busybox
run_ration create --name live busybox sleep 1000
run_ration start live
run_ration cp "$work/one" live:/tmp/one
expect_status 0 'cp into one that runs'
run_ration exec live cat /tmp/one
expect_stdout_is one 'is seen there'
run_ration cp live:/tmp/one "$work/live"
check 'and out of it' cmp "$work/one" "$work/live"
run_ration rm -f live
engine_clean
