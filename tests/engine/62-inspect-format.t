#!/bin/sh
# shellcheck disable=SC2016,SC2034,SC2154 # expanded inside; read by the library
# What is told of containers: inspect, templates, top, exec by a container's name.
. "${0%/*}/lib.sh"

run_ration run -d --name web --label a=1 --label b.c=two --memory 60m --pids-limit 20 -e X=y --hostname inner -- sleep 1000
expect_status 0 'a container'
id=$(cat "$out")
run_ration inspect web
expect_status 0 'inspect'
cp "$out" "$work/web.json"
check 'it is a list of JSON' sh -c "sed -n 1p '$work/web.json' | grep -q '^\[\$'"

templates() { # TEMPLATE WANTED
    run_ration inspect --format "$1" web
    expect_stdout_is "$2" "$1"
}
templates '{{.Id}}' "$id"
templates '{{.Name}}' /web
templates '{{.State.Status}} {{.State.Running}} {{.State.Paused}} {{.State.OOMKilled}}' 'running true false false'
templates '{{.Config.Hostname}} {{.Config.Tty}}' 'inner false'
templates '{{index .Config.Labels "b.c"}}{{.Config.Labels.nosuch}}' 'two<no value>'
templates '{{json .Config.Cmd}}' '["sleep","1000"]'
templates '{{join .Config.Cmd "+"}}' 'sleep+1000'
templates '{{.HostConfig.Memory}}' 62914560
templates '{{range $k, $v := .HostConfig.Limits}}{{$k}}={{$v}};{{end}}' 'memory=60m;pids-limit=20;'
templates '{{if .State.Health}}asked{{else}}not asked{{end}}' 'not asked'
templates '{{range .Config.Env}}{{if eq . "X=y"}}found{{end}}{{end}}' found
run_ration inspect -f '{{.State.Pid}}' web
check 'its process is the one that runs' grep -q sleep "/proc/$(cat "$out")/cmdline"
run_ration inspect --format '{{.Stat}}' web
expect_refusal 2 'there is no field .Stat; there are Id' 'a wrong field names the right ones'
run_ration inspect --format '{{.State' web
expect_refusal 2 'no closing' 'a template that does not end'
run_ration inspect --format json web
expect_stdout_matches '^\[\{"Id":"[0-9a-f]{64}"' 'one line of JSON'
run_ration inspect "$(echo "$id" | cut -c1-12)" nosuch
expect_status 125 'one that is not there'
expect_stderr_matches 'nosuch' 'is named'
expect_stdout_matches "\"Id\": \"$id\"" 'and the others are shown'
run_ration inspect --type image web
expect_status 125 'no image is called so'
run_ration inspect --type volume web
expect_refusal 2 'container or image' 'a type that there is not'

# ---- lists ---------------------------------------------------------------------------------------------

run_ration ps --format '{{.ID}}|{{.Names}}|{{.Label "b.c"}}'
expect_stdout_is "$(echo "$id" | cut -c1-12)|web|two" 'a template for each row'
run_ration ps --format 'table {{.Names}}\t{{.ID}}'
expect_stdout_matches '^NAMES +CONTAINER ID$' 'a table has headings'
run_ration ps --format json
expect_stdout_matches '^\{.*"Names":"web"' 'JSON, one object a line'
run_ration ps --format yaml
expect_refusal 2 'format' 'a form that there is not'

# ---- top and exec --------------------------------------------------------------------------------------

run_ration exec -d web sleep 2000
run_ration top web
expect_stdout_matches '^UID +PID +INNER +PPID' 'top has headings'
expect_stdout_matches '^0 +[0-9]+ +2 +[0-9]+ +S .* sleep 1000$' 'COMMAND, by both numbers'
expect_stdout_matches 'sleep 2000$' 'what exec has started'
run_ration top --format '{{.INNER}} {{.COMM}}' web
expect_stdout_matches '^2 sleep$' 'by a template'
run_ration exec "$(echo "$id" | cut -c1-6)" hostname
expect_stdout_is inner 'exec finds a container by the beginning of its id'
run_ration rename web web2
run_ration exec web2 hostname
expect_stdout_is inner 'and by its new name'
run_ration pause web2
run_ration exec web2 true
expect_refusal 125 'paused' 'nobody enters what is paused'
run_ration inspect -f '{{.State.Status}} {{.State.Paused}}' web2
expect_stdout_is 'paused true' 'and it is told'
run_ration unpause web2
run_ration exec web2 hostname
expect_stdout_is inner 'until it goes on'
run_ration stop -t 1 web2
run_ration exec web2 true
expect_refusal 125 'not running' 'nobody enters what has ended'
run_ration top web2
expect_refusal 125 'not running' 'which has no processes'
run_ration inspect -f '{{.State.Status}} {{.State.Pid}} {{.State.ExitCode}}' web2
expect_stdout_matches '^exited 0 (143|137)$' 'how it ended is told'
run_ration create --name new -- true
run_ration exec new true
expect_refusal 125 'not running' 'nor what has not begun'
run_ration port new
expect_stdout_is '' 'no port is published'
run_ration port new 80
expect_refusal 125 '80/tcp' 'nor that one'
engine_clean
