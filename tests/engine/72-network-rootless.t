#!/bin/sh
# What an ordinary user has of networks: none, host and that of another run; the rest is refused in one sentence.
# shellcheck disable=SC2016 # expanded in the run
. "${0%/*}/lib.sh"
require_command ip
engine_user

as_user run -- sh -c 'ip -o link | wc -l; ip -o -4 addr show dev lo'
expect_status 0 'without a network there is loopback'
expect_stdout_matches '^1$' 'and nothing else'
expect_stdout_matches '127\.0\.0\.1/8' 'which is up'
as_user run --network host -- ip -o -4 addr show dev lo
expect_status 0 '--network host'
as_user run --network bridge -- true
expect_refusal 125 '--network bridge takes root: .*--network none, host or container:NAME' 'a link takes root'
as_user run -p 8080:80 -- true
expect_refusal 125 'takes root' 'and so do published ports'
as_user run --network blue -- true
expect_refusal 125 '--network "blue" takes root' 'and networks of one'"'"'s own'
as_user network create blue
expect_refusal 125 'root' 'which cannot be made either'
as_user run --bandwidth-in 1m -- true
expect_refusal 125 'no link of its own' 'nor is there a link to limit'
as_user run --add-host db:192.0.2.7 --dns 192.0.2.53 -- cat /etc/hosts /etc/resolv.conf
expect_status 0 'files of names'
expect_stdout_matches '^192\.0\.2\.7.db$' '--add-host'
expect_stdout_matches '^nameserver 192\.0\.2\.53$' '--dns'
left=$(find "$user_home/run" -name '.names' 2>/dev/null)
expect_equal "$left" '' 'and nothing of them is left'
