#!/bin/sh
# shellcheck disable=SC2034 # status and the like are read by the library
# The command line of ration-oci: every way to write an option, what is wrong with one, where errors go.
. "${LIB:-${0%/*}/../lib.sh}"
RATION=${RATION_OCI:?the OCI runtime to test}
root=$work/root

# A container is asked for that does not exist: whoever comes to say so has understood the rest.
understands() { # ARGS...
    run_ration "$@"
    if [ "$status" -ne 0 ] && grep -q 'does not exist' "$err"; then
        ok "understood: $*"
    else
        t_fail_run "understood: $*" 'not the sentence of a container that does not exist'
    fi
}

understands --root "$root" state nobody
understands --root="$root" state nobody
understands -root "$root" state nobody
understands -root="$root" state nobody
understands --debug --root "$root" state nobody
understands --root "$root" --systemd-cgroup=false --rootless auto --cgroup-manager cgroupfs state nobody
understands --root "$root" --log-level debug --criu /bin/criu state nobody
understands --root "$root" kill nobody
understands --root "$root" kill -a nobody
understands --root "$root" kill --all nobody KILL
understands --root "$root" kill nobody SIGTERM
understands --root "$root" kill nobody 15
understands --root "$root" kill nobody RTMIN+3
understands --root "$root" delete nobody
understands --root "$root" start nobody
understands --root "$root" pause nobody
understands --root "$root" resume nobody
understands --root "$root" ps nobody -o pid
understands --root "$root" ps -f json nobody
understands --root "$root" ps --format=json nobody
understands --root "$root" events --stats nobody
understands --root "$root" events --interval=5s nobody
understands --root "$root" events -interval 500ms nobody
understands --root "$root" update --memory 100m --cpu-share 512 --pids-limit=50 nobody
understands --root "$root" exec -td -e A=1 --env B=2 -u 1:2 -g 3 --cap NET_RAW --cwd / nobody sh -c true
understands --root "$root" exec --process "$work/none" --pid-file="$work/pid" --detach nobody
understands --root "$root" exec --ignore-paused --cgroup /x --preserve-fds 1 --no-new-privs nobody sh

run_ration --root "$root" update --resources - nobody
expect_refusal 1 '^ration-oci: ' 'update with an empty document'
run_ration --root "$root" delete --force nobody
expect_status 0 'what is gone is deleted by force'
expect_silent
run_ration --root "$root" exec nobody true
expect_status 255 'exec that fails is told from a program that does'

# ---- what is none --------------------------------------------------------------------------------------------

run_ration
expect_refusal 1 '^ration-oci: a command is missing'
run_ration --frobnicate
expect_refusal 1 'ration-oci has no option --frobnicate'
run_ration --rot x state a
expect_refusal 1 'no option --rot; did you mean --root\?$'
run_ration frobnicate
expect_refusal 1 'there is no command frobnicate; ration-oci --help'
run_ration creat a
expect_refusal 1 'there is no command creat; did you mean create\?$'
run_ration --root
expect_refusal 1 '--root needs a value'
run_ration create --bundel x a
expect_refusal 1 'create has no option --bundel; did you mean --bundle\?$'
run_ration create
expect_refusal 1 'create needs ID'
run_ration start a b
expect_refusal 1 'start takes ID, and not "b" besides'
run_ration list a
expect_refusal 1 'list takes no argument'
run_ration exec
expect_refusal 255 'exec needs ID'
run_ration kill a b c
expect_refusal 1 'not "c" besides'
run_ration kill a FOO
expect_refusal 1 'unknown signal "FOO"'
run_ration kill a 0
expect_refusal 1 'unknown signal "0"'
run_ration kill a 65
expect_refusal 1 'unknown signal "65"'
run_ration kill a -- -9
expect_refusal 1 'unknown signal|besides'
run_ration list --format xml
expect_refusal 1 '--format is one of table|json, not "xml"'
run_ration --log-format xml list
expect_refusal 1 '--log-format is one of'
run_ration --rootless maybe list
expect_refusal 1 '--rootless is one of'
run_ration --debug=maybe list
expect_refusal 1 '--debug is a flag'
run_ration create --preserve-fds -1 a
expect_refusal 1 '"-1" is not a number'
run_ration create --preserve-fds x a
expect_refusal 1 '"x" is not a number'
run_ration events --interval 0 a
expect_refusal 1 'is not a time'
run_ration events --interval soon a
expect_refusal 1 'is not a time'
run_ration --root "$root" update --memory much a
expect_refusal 1 '--memory'
run_ration --root "$root" update --kernel-memory 5m a
expect_refusal 1 'kernels no longer limit it'
run_ration --root "$root" update --l3-cache-schema L3:0=f a
expect_refusal 1 'Intel RDT'

for id in '' . .. .a 'a&b' a,b a/b ../a 'a b' "a$(printf '\n')b
" "$(head -c 129 /dev/zero | tr '\0' x)" 'ä'; do
    for command in create start state delete pause; do
        run_ration --root "$root" "$command" "$id"
        expect_refusal 1 'invalid container ID format' "$command of the id \"$(printf %.10s "$id" | tr '\n' '?')\""
    done
done
understands --root "$root" state a_b-c-d.e0
understands --root "$root" state _a+b
understands --root "$root" state "$(head -c 128 /dev/zero | tr '\0' x)"
understands --root "$root" state 0123456789012345678901234567890123456789012345678901234567890123

# ---- where errors go -----------------------------------------------------------------------------------------

log=$work/log
run_ration --root "$root" --log "$log" state nobody
expect_refusal 1 '^ration-oci: container .*does not exist' 'stderr has the error besides the log'
check 'the log is logfmt unless asked for otherwise' \
    grep -qE '^time="[0-9T:.-]+Z" level=error msg=".*does not exist.*"$' "$log"
rm "$log"
run_ration --root "$root" --log "$log" --log-format json state nobody
run_ration --root "$root" --log-format=json --log="$log" state nobody
expect_equal "$(grep -cE '^\{"level":"error","msg":".*does not exist.*","time":"[0-9T:.-]+Z"\}$' "$log")" 2 \
    'errors are appended to a JSON log, one line each'
expect_equal "$(stat -c %a "$log")" 644 'the log can be read by its client'
run_ration --log-format json --log "$log" --bogus
check 'even one of the command line is in the log' grep -q 'no option --bogus' "$log"
run_ration --log-format json frobnicate
expect_stderr_matches '^\{"level":"error","msg":"there is no command frobnicate' 'JSON on stderr without a log'
expect_equal "$(wc -l <"$err")" 1 'and nothing besides'
run_ration --log /dev/stderr frobnicate
expect_equal "$(cat "$err")" 'ration-oci: there is no command frobnicate; ration-oci --help lists what there is' \
    'a log that is stderr gets it once'
run_ration --log "$work/no/log" --root "$root" delete --force nobody
expect_refusal 1 'cannot open the log .*no such file or directory' 'a log that cannot be'
mkfifo "$work/fifo"
run_ration --log "$work/fifo" --root "$root" delete --force nobody
expect_refusal 1 'cannot open the log' 'a FIFO that nobody reads'
run_ration --log /dev/fd/77 --root "$root" delete --force nobody
expect_refusal 1 'cannot open the log' 'a descriptor that is not open'
run_ration --log "$log" state "$(printf 'a\033[31m"\\\377')"
check_not 'no escape is in the log' grep -q "$(printf '\033')" "$log"
check_not 'no escape is on stderr' grep -q "$(printf '\033')" "$err"
rm "$log"
run_ration --log "$log" --log-format json state "$(printf 'a\033[31m"\\\377')"
check 'a line of JSON whatever is in it' "$TOOLS/jget" "$log" msg

# ---- reading a bundle ----------------------------------------------------------------------------------------

create() { # what is wrong with the bundle: EREGEX NAME
    run_ration --root "$root" create --bundle "$work/b" one
    expect_refusal 1 "$1" "$2"
}
run_ration --root "$root" create --bundle "$work/none" one
expect_refusal 1 'cannot open the bundle .*no such file or directory'
mkdir "$work/b"
create "cannot read the bundle's config.json: no such file or directory" 'a bundle without config.json'
mkfifo "$work/b/config.json"
create 'config.json is not a regular file' 'config.json that is a FIFO'
rm "$work/b/config.json"
mkdir "$work/b/config.json"
create 'config.json is not a regular file' 'config.json that is a directory'
rmdir "$work/b/config.json"
ln -s /dev/zero "$work/b/config.json"
create 'config.json is not a regular file' 'config.json that is a link to a device'
rm "$work/b/config.json"
truncate -s 17M "$work/b/config.json"
create 'config.json is larger than 16 MiB' 'config.json of 17 MiB'
rm "$work/b/config.json"
: >"$work/b/config.json"
create '^ration-oci: ' 'config.json that is empty'
run_ration --root "$root" create --bundle "$work/b" --config "$work/none" one
expect_refusal 1 'cannot read the document .*no such file'

run_ration spec --bundle "$work/b"
expect_refusal 1 'config.json exists' 'spec overwrites nothing'
rm "$work/b/config.json"
run_ration spec --bundle "$work/b"
expect_status 0 'spec'
check 'what spec writes is JSON with a version' "$TOOLS/jget" "$work/b/config.json" ociVersion
run_ration --root "$root" create --bundle "$work/b" --preserve-fds 5 one
expect_refusal 1 'is to be preserved, and is not open'

# ---- what it tells -------------------------------------------------------------------------------------------

run_ration --version
expect_status 0 '--version'
expect_stdout_matches '^ration-oci version [0-9.]+$'
expect_stdout_matches '^spec: [0-9.]+$'
cp "$out" "$work/version"
run_ration -v
check '-v is --version' cmp "$out" "$work/version"
run_ration --help
expect_status 0 '--help'
cp "$out" "$work/help"
run_ration help
check 'help is --help' cmp "$out" "$work/help"
for command in create start state kill delete run exec ps list pause resume update events spec features \
    checkpoint restore help; do
    check "help lists $command" grep -q "^  $command " "$work/help"
    run_ration "$command" --help
    expect_status 0 "$command --help"
    expect_stdout_matches "^Usage: ration-oci \[GLOBAL OPTION...\] $command "
    cp "$out" "$work/one"
    run_ration help "$command"
    check "help $command is $command --help" cmp "$out" "$work/one"
    check_not "help of $command keeps within 80 columns" awk 'length > 80 { bad = 1 } END { exit !bad }' "$out"
done
for shell in bash zsh fish; do
    run_ration help --completion "$shell"
    expect_status 0 "completions for $shell"
    expect_stdout_matches 'preserve-fds'
done
run_ration help --completion csh
expect_refusal 1 '--completion is one of'
run_ration help --roff update
expect_stdout_matches '^\\fB\\-\\-cpu\\-shares\\fR, \\fB\\-\\-cpu\\-share\\fR \\fINUMBER'
run_ration help frobnicate
expect_refusal 1 'there is no command frobnicate'
run_ration features
expect_status 0 'features'
check 'features are JSON' "$TOOLS/jget" "$out" ociVersionMax
run_ration --root "$root" list
expect_equal "$(cat "$out")" 'ID          PID         STATUS      BUNDLE      CREATED     OWNER' 'an empty list'
run_ration --root "$root" list --format json
expect_stdout_is '[]'
run_ration --root "$root" list -q
expect_stdout_is ''

# ---- a bare environment --------------------------------------------------------------------------------------

env -i "$RATION" --root "$root" delete --force nobody
expect_equal $? 0 'nothing in the environment is needed'
"$RATION" --root "$root" delete --force nobody <&- >&- 2>&-
expect_equal $? 0 'none of the first three descriptors is'
expect_equal "$("$RATION" --root "$root" state nobody 2>&1 <&- | grep -c 'does not exist')" 1 \
    'without stdin the error still goes to stderr'
# shellcheck disable=SC2094 # that is the point
"$RATION" --root "$root" list -q >/dev/full 2>"$err"
expect_equal $? 0 'nothing to print needs no room'
"$RATION" --root "$root" list >/dev/full 2>"$err"
expect_equal $? 1 'a list that cannot be printed'
check 'is an error' grep -q 'standard output cannot be written' "$err"
