#!/bin/sh
# shellcheck disable=SC2016,SC2034 # expanded in the run; read by the library
# Who COMMAND is and what it may do: numbers, capabilities, privileges, resource limits.
. "${LIB:-${0%/*}/../lib.sh}"
require_root
inside() { # SCRIPT OPTIONS...
    script=$1
    shift
    run_ration run "$@" -- sh -c "$script"
}
caps='grep -E "^Cap(Inh|Prm|Eff|Bnd|Amb)" /proc/self/status | tr -d "\t" | tr "\n" " "'
default=00000000a80425fb
none=0000000000000000

# ---- capabilities --------------------------------------------------------------------------------

inside "$caps"
expect_stdout_is "CapInh:$none CapPrm:$default CapEff:$default CapBnd:$default CapAmb:$none " \
    'the fourteen usual capabilities, and none to inherit'
inside "$caps" --cap-drop ALL
expect_stdout_is "CapInh:$none CapPrm:$none CapEff:$none CapBnd:$none CapAmb:$none " '--cap-drop ALL'
inside "$caps" --cap-drop ALL --cap-add KILL
expect_stdout_matches 'CapPrm:0000000000000020 CapEff:0000000000000020 CapBnd:0000000000000020' \
    '--cap-drop ALL --cap-add KILL'
inside "$caps" --cap-drop CHOWN
expect_stdout_matches 'CapBnd:00000000a80425fa' '--cap-drop CHOWN'
inside "$caps" -u 1234
expect_stdout_is "CapInh:$none CapPrm:$none CapEff:$none CapBnd:$default CapAmb:$none " \
    'another user has none'
inside "$caps" --privileged
expect_stdout_matches "CapBnd:$(awk '/^CapBnd/ { print $2 }' /proc/self/status)" '--privileged keeps all'
inside "$caps" --init=false
expect_stdout_matches "CapPrm:$default CapEff:$default CapBnd:$default" 'the same as process 1'
inside "$caps" --userns private
expect_stdout_matches "CapPrm:$default CapEff:$default CapBnd:$default" 'the same in a user namespace'
inside 'mount -t tmpfs none /mnt || chroot / true; mknod /tmp/x b 8 0; exit 0' --cap-drop ALL
check_not 'a device node that may not be made is not' test -e /tmp/x

# ---- numbers ----------------------------------------------------------------------------------------

inside 'id -u; id -g; id -G' -u 1234:5678
expect_stdout_is '1234
5678
5678' '-u N:N'
inside 'id -G' -u 1234:5678 --group-add 99 --group-add 98
expect_equal "$(tr ' ' '\n' <"$out" | sort -n | tr '\n' ' ')" '98 99 5678 ' '--group-add'
inside 'grep -E "^(Uid|Gid)" /proc/self/status | tr -s "\t" " "' -u 1234:5678
expect_stdout_is 'Uid: 1234 1234 1234 1234
Gid: 5678 5678 5678 5678' 'real, effective, saved and file system numbers alike'
inside 'id -u; cat /proc/self/uid_map | tr -s " "' --uidmap 0:100000:1000 --gidmap 0:100000:1000
expect_stdout_is '0
 0 100000 1000' '--uidmap'
inside 'id -u' --uidmap 0:100000:1000 --gidmap 0:100000:1000 -u 5:5
expect_stdout_is 5 '--uidmap with -u'
inside 'id -u' --uidmap 0:100000:1000 --gidmap 0:100000:1000 -u 1000:5
expect_status 125 'a number that is not mapped is refused'
expect_stderr_matches '--user|--uidmap' 'and the option is named'
inside umask --umask 027
expect_stdout_is 0027 '--umask'
umask 077
inside umask
expect_stdout_is 0077 'otherwise it is ours'
umask 022

# ---- privileges --------------------------------------------------------------------------------------

inside 'grep NoNewPrivs /proc/self/status | tr -d "\t"' --security-opt no-new-privileges
expect_stdout_is NoNewPrivs:1 'no-new-privileges'
inside 'grep NoNewPrivs /proc/self/status | tr -d "\t"'
expect_stdout_is NoNewPrivs:0 'only when asked for'
score=$(cat /proc/self/oom_score_adj)
inside 'cat /proc/self/oom_score_adj' --oom-score-adj $((score + 100))
expect_stdout_is $((score + 100)) '--oom-score-adj'
inside 'cat /proc/self/oom_score_adj' --oom-score-adj $((score + 100)) --userns private
expect_stdout_is $((score + 100)) '--oom-score-adj in a user namespace'
inside 'cat /proc/1/oom_score_adj' --oom-score-adj $((score + 100))
expect_stdout_is "$score" 'the reaper does not get it'

# ---- resource limits ------------------------------------------------------------------------------------

inside 'ulimit -Sn; ulimit -Hn' --ulimit nofile=50:60
expect_stdout_is '50
60' '--ulimit'
inside 'ulimit -n' --ulimit nofile=99999999999
expect_refusal 125 'nofile' 'one that cannot be had is refused'
run_ration run --ulimit nofile=3:3 -- "$TOOLS/hog" exit 4
expect_status 4 'few open files do not stand in the way of the start'
run_ration run --ulimit as=64m --ulimit fsize=0 --ulimit core=0 -- "$TOOLS/hog" exit 4
expect_status 4 'nor does little memory, or no file size'

# ---- keys --------------------------------------------------------------------------------------------------

mine=$(awk '{ print $1 }' /proc/keys 2>/dev/null | head -n 1)
if [ -n "$mine" ]; then
    inside 'wc -c </proc/keys | tr -d " "; grep -c _ses /proc/keys' --security-opt systempaths=unconfined
    expect_stdout_lacks "$mine" 'no key of ours is in its session'
else
    skip 'session keyring' 'no /proc/keys here'
fi
assert_no_leftovers
