#!/bin/sh
# A day of work on one machine, from an empty store to an empty store: what a person does with docker.
# shellcheck disable=SC2016 # expanded in the container
. "${0%/*}/lib.sh"
require_command curl docker-registry
require_images

# ---- an image ------------------------------------------------------------------------------------------

run_ration run --rm busybox true
expect_refusal 2 'ration (pull|image import).*run --' 'with no image in the store one is told how to get one'
busybox_image
run_ration images
expect_stdout_matches '^busybox +latest ' 'the image is in the list'
run_ration run --rm busybox echo hello
expect_stdout_is hello 'a container prints'
run_ration run --rm --name box -e GREETING=hi -w /tmp -u 65534 --hostname boxy busybox sh -c 'echo $GREETING $(pwd) $(id -u) $(hostname)'
expect_stdout_is 'hi /tmp 65534 boxy' 'run -e -w -u --hostname IMAGE CMD'
run_ration run --rm --memory 20m busybox sh -c 'dd if=/dev/zero bs=60M count=1 | wc -c'
check_not 'a limit is in force in a container of an image' grep -q 62914560 "$out"

# ---- a server ------------------------------------------------------------------------------------------

run_ration volume create www
expect_status 0 'volume create'
run_ration run -d --name web -v www:/www -p 127.0.0.1:18080:80 -p 18081:80 --memory 32m --label role=web busybox httpd -f -p 80 -h /www
expect_status 0 'run -d with a volume and published ports'
id=$(cat "$out")
check 'it prints the whole id' test "${#id}" -eq 64
echo '<h1>a page</h1>' >"$work/index.html"
run_ration cp "$work/index.html" web:/www/index.html
expect_status 0 'cp into a running container'
fetch() { # URL WANTED NAME
    wait_until 10 curl -sf -o /dev/null "$1"
    expect_equal "$(curl -s -m 5 "$1")" "$2" "$3"
}
fetch http://127.0.0.1:18080/ '<h1>a page</h1>' 'the page comes through the port published on 127.0.0.1'
address=$("$RATION" inspect --format '{{.NetworkSettings.IPAddress}}' web)
fetch "http://$address/" '<h1>a page</h1>' 'and from the container'"'"'s own address'
fetch http://127.0.0.1:18081/ '<h1>a page</h1>' 'and through a port published on every address'
run_ration port web
expect_stdout_matches '80/tcp -> 127.0.0.1:18080' 'port tells where'
run_ration ps
expect_stdout_matches 'busybox.*Up.*18080->80/tcp.* web' 'ps shows it'
run_ration ps -q --filter label=role=web --no-trunc
expect_stdout_is "$id" 'ps -q --filter label='
run_ration top web
expect_stdout_matches httpd 'top lists its processes'
run_ration exec web cat /www/index.html
expect_stdout_is '<h1>a page</h1>' 'exec'
run_ration exec -w /www -e A=b web sh -c 'echo $A >made; pwd'
expect_stdout_is /www 'exec -w -e'
run_ration update --memory 48m web
expect_status 0 'update --memory'
run_ration inspect --format '{{.HostConfig.Memory}}' web
expect_stdout_is 50331648 'inspect tells the new limit'
group=ration-$(echo "$id" | cut -c1-12)
limit=$(cat "/sys/fs/cgroup/memory/$group/memory.limit_in_bytes" 2>/dev/null || cat "/sys/fs/cgroup/$group/memory.max")
expect_equal "$limit" 50331648 'and it is in force'

# ---- two containers that talk by name ---------------------------------------------------------------------

run_ration network create backend
expect_status 0 'network create'
run_ration run -d --name db --network backend busybox sh -c 'while :; do echo answer | nc -l -p 5000; done'
expect_status 0 'a container in it'
ask() {
    run_ration run --rm --network backend busybox nc -w 2 db 5000
    [ "$(cat "$out")" = answer ]
}
check 'another one reaches it by name' wait_until 10 ask
run_ration run --rm busybox nc -w 2 db 5000
check_not 'one that is not in it does not' grep -q answer "$out"

# ---- logs -----------------------------------------------------------------------------------------------------

run_ration run -d --name talk busybox sh -c 'echo one; echo two >&2; sleep 1; echo three; exit 3'
run_ration wait talk
expect_stdout_is 3 'wait tells the exit status'
run_ration logs talk
expect_stdout_is "$(printf 'one\nthree')" 'logs: stdout to stdout'
expect_stderr_matches '^two$' 'and stderr to stderr'
run_ration logs --tail 1 talk
expect_stdout_is three 'logs --tail'
run_ration ps -a --filter name=talk --format '{{.Status}}'
expect_stdout_matches '^Exited \(3\)' 'ps -a tells how it ended'
run_ration rm talk
expect_status 0 'rm'

# ---- images of one's own -------------------------------------------------------------------------------------------

run_ration diff web
expect_status 0 'diff'
run_ration run --name work busybox sh -c 'echo mine >/etc/mine; rm /etc/group; mkdir /new'
expect_status 0 'a container writes in its root'
run_ration diff work
expect_stdout_matches '^A /etc/mine$' 'diff: what was added'
expect_stdout_matches '^D /etc/group$' 'diff: what was removed'
run_ration commit work mine:1
expect_status 0 'commit'
run_ration run --rm mine:1 sh -c 'cat /etc/mine; ls -d /new; ls /etc/group 2>/dev/null'
expect_stdout_is "$(printf 'mine\n/new')" 'the image has what the container wrote'
run_ration run --rm busybox sh -c 'ls /etc/mine 2>/dev/null; ls /etc/group'
expect_stdout_is /etc/group 'and the one beneath has not'
run_ration history mine:1
expect_status 0 'history'
run_ration save -o "$work/mine.tar" mine:1
expect_status 0 'save'
RATION_DATA_DIR=$work/elsewhere run_ration load -i "$work/mine.tar"
expect_status 0 'load elsewhere'
RATION_DATA_DIR=$work/elsewhere run_ration run --rm mine:1 cat /etc/mine
expect_stdout_is mine 'the image runs there'
RATION_DATA_DIR=$work/elsewhere run_ration rmi mine:1
RATION_DATA_DIR=$work/elsewhere run_ration image verify
expect_status 0 'and the store there is whole'

# ---- a registry ---------------------------------------------------------------------------------------------------------

cat >"$work/registry.yml" <<END
version: 0.1
log: {level: error, accesslog: {disabled: true}}
storage: {filesystem: {rootdirectory: $work/registry}}
http: {addr: "127.0.0.1:5000"}
END
docker-registry serve "$work/registry.yml" >"$work/registry.log" 2>&1 &
t_pids="$t_pids $!"
check 'a registry' wait_until 20 curl -sf http://127.0.0.1:5000/v2/
run_ration tag mine:1 127.0.0.1:5000/team/mine:1
expect_status 0 'tag'
run_ration push 127.0.0.1:5000/team/mine:1
expect_status 0 'push'
run_ration rm work
run_ration rmi mine:1 127.0.0.1:5000/team/mine:1
expect_status 0 'rmi'
run_ration run --rm 127.0.0.1:5000/team/mine:1 true
expect_refusal 2 'pull' 'an image that is gone does not run'
run_ration pull 127.0.0.1:5000/team/mine:1
expect_status 0 'pull'
run_ration run --rm 127.0.0.1:5000/team/mine:1 cat /etc/mine
expect_stdout_is mine 'what came back is what was sent'

# ---- the evening --------------------------------------------------------------------------------------------------------

run_ration pause web
expect_status 0 'pause'
run_ration ps --format '{{.Names}} {{.Status}}'
expect_stdout_matches '^web Up.*\(Paused\)' 'ps shows that it is paused'
run_ration unpause web
expect_status 0 'unpause'
run_ration rename web front
expect_status 0 'rename'
run_ration stop -t 1 front
expect_status 0 'stop'
run_ration start front
expect_status 0 'start again'
fetch http://127.0.0.1:18080/made b 'with its volume, and its port'
run_ration restart -t 1 front
expect_status 0 'restart'
fetch http://127.0.0.1:18080/made b 'and again'
run_ration rmi -f busybox
run_ration images -q
check 'an image that a container uses does not go away beneath it' test "$(wc -l <"$out")" -ge 1
run_ration stop -t 1 front db
run_ration rm front db
expect_status 0 'rm of several'
run_ration network rm backend
expect_status 0 'network rm'
run_ration volume rm www
expect_status 0 'volume rm'
run_ration images -q --no-trunc
sort -u "$out" >"$work/images"
while read -r image; do
    run_ration rmi -f "$image"
done <"$work/images"
run_ration image gc
expect_status 0 'image gc'
run_ration image verify
expect_status 0 'the store is whole'
engine_clean 'the day leaves no container, mount, group, link or rule'
# What stays is history, and how the machine's usual network is made.
left=$(find "$RATION_DATA_DIR" -type f -size +0 ! -path '*/events*' ! -path '*/networks/bridge/config' | head)
expect_equal "$left" '' 'nor a file'
