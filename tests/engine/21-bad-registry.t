#!/bin/sh
# Registries that hang, break off, lie, and lead astray: bad_registry.py does each thing on request. Each pull and push
# ends with one sentence within its time, and the store is whole afterwards.
# shellcheck disable=SC2016,SC2034
. "${0%/*}/lib.sh"
require_command python3

mkdir "$work/server"
python3 "${0%/*}/bad_registry.py" "$work/server" 2>"$work/server/err" &
server=$!
end_server() {
    kill "$server" 2>/dev/null
    engine_end
}
trap end_server EXIT
wait_until 20 test -e "$work/server/ports" || diag "$(tail -n 3 "$work/server/err")"
port() { # NAME
    awk -v name="$1" '$1 == name { print $2 }' "$work/server/ports"
}
main=127.0.0.1:$(port main)

# Nothing here takes a minute: what does has no bound.
bounded() { # ARGS...: run_ration
    t_last=$*
    status=0
    timeout -k 1 60 "$RATION" "$@" >"$out" 2>"$err" </dev/null || status=$?
}
asked() { # NAME ERE: how often the log has that
    grep -cE -e "$1" "$work/server/log"
}

# ---- what comes well in spite of it ------------------------------------------------------------------------

bounded pull -q "$main/good"
expect_status 0 'the good image comes'
good=$(cat "$out")
run_ration image inspect "$main/good"
cp "$out" "$work/inspect"
check 'with its layers' grep -q "$good" "$work/inspect"

comes() { # NAME WHAT: pulled into an empty store
    RATION_DATA_DIR=$work/once bounded pull -q --retries "${retries:-3}" --timeout 5s "$main/$1"
    expect_stdout_is "$good" "$2"
    RATION_DATA_DIR=$work/once run_ration image verify
    expect_status 0 'and the store is whole'
    rm -rf "$work/once"
}
comes manifest-flaky 'a manifest that comes at the fourth try, after a reset, a 503 and a 429'
comes blob-resume 'layers whose connections break all the time, each gone on with where it stopped'
check 'the registry was asked for the rest' grep -q '^main GET /v2/blob-resume/blobs/.* bytes=[1-9][0-9]*-$' "$work/server/log"
comes blob-once 'layers that break off, from a registry that knows no ranges'
comes blob-elsewhere 'layers that are on another server'
comes blob-token 'layers for which the token runs out again and again'
RATION_DATA_DIR=$work/once bounded pull -q "$main/index"
expect_status 0 'an index'
rm -rf "$work/once"

# ---- what never comes ---------------------------------------------------------------------------------------

ends() { # NAME ERE [ARGS...]: the pull of a repository on port main
    b_name=$1
    b_ere=$2
    shift 2
    RATION_DATA_DIR=$work/bad bounded pull -q --timeout 1s --retries 1 "$@" "$main/$b_name"
    expect_refusal 125 "$b_ere" "$b_name: one sentence, \"$b_ere\""
    RATION_DATA_DIR=$work/bad run_ration image verify -q
    [ "$status" -eq 0 ] || t_fail_run "$b_name: the store is whole afterwards" 'verify failed'
}

ends manifest-hang 'sent nothing for 1 s.*--timeout'
ends manifest-half 'came to a halt for 1 s'
ends manifest-short 'broke the connection'
ends manifest-reset 'broke the connection'
ends manifest-close 'broke the connection'
ends manifest-drip 'came to a halt for 1 s|was not at its end'
ends manifest-endless 'more than the 4096 KiB that it may have'
ends manifest-big 'more than the 4096 KiB that it may have'
ends manifest-headers 'more than 128 KiB of headers'
ends manifest-header 'a header line of more than|KiB of headers'
ends manifest-interim 'more than 128 KiB of headers'
ends manifest-gzip "sends it as 'gzip', unasked"
ends manifest-html 'sends a page \(text/html'
ends manifest-old 'schema 1'
ends manifest-lie 'tells the digest sha256:e3b0.* and sends something with'
ends manifest-circle 'leads from one address to the next'
ends manifest-spiral 'leads from one address to the next'
ends manifest-file "leads to 'file:///etc/passwd'"
ends manifest-plain 'has no TLS, and --plain-http is not given'
ends manifest-nowhere 'which is no http address'
ends manifest-lost 'answers 302'
ends manifest-garbage 'gives no answer'
ends manifest-status '999'
ends manifest-400 '400, \?\[31mRED: bell\? \?\]0;title\?\?line'
check_not 'no control character of a registry'"'"'s reaches the terminal' grep -q "$(printf '[\033\007]')" "$err"
ends manifest-403 'refuses .* \(403, DENIED: not you\)'
ends manifest-404 'has not got the manifest .* \(404, MANIFEST_UNKNOWN'
ends manifest-500 'has trouble \(500'
ends manifest-503 'has trouble \(503'
ends manifest-429 'too many questions \(429\): try again in 86400 s'
ends manifest-teapot 'answers 418'
ends manifest-broken 'manifest is no JSON'
ends manifest-deep 'manifest is no JSON'
ends manifest-many '10000 layers'
ends manifest-size '"size" is not a whole number'
ends manifest-huge-size 'announces|its layers take'
ends manifest-path 'where a sha256 digest has to stand'
ends manifest-nothing 'manifest is no JSON'
ends manifest-number 'manifest is no JSON'
ends manifest-401 'to nobody whom it does not know'
ends manifest-401-basic 'to nobody whom it does not know'
ends manifest-401-none 'to nobody whom it does not know'
ends manifest-401-broken 'its WWW-Authenticate header is wrong'
ends manifest-401-hang 'asked for a token .* sent nothing for 1 s'
ends manifest-401-endless 'asked for a token .* more than the 256 KiB'
ends manifest-401-page 'its answer has no token in it'
ends manifest-401-circle 'asked for a token .* leads elsewhere \(307\)'
ends manifest-401-denied 'a token .* incorrect username or password'
ends manifest-401-newline 'its answer has no token in it'
ends manifest-401-far 'a token server that is not visited'
ends manifest-401-file 'a token server that is not visited'
check 'a token is asked for once, and not again for each refusal' test "$(asked "^token GET /token.*manifest-401[^-]")" -eq 1

ends index-none 'no image for .* but for linux/s390x'
ends index-size 'its index says that the manifest has 5 bytes'
ends index-index 'leads to another index'
ends index-empty 'no image for'
ends config-swapped 'configuration'
ends blob-hang 'sent nothing for 1 s'
ends blob-half 'came to a halt for 1 s'
ends blob-drip 'came to a halt for 1 s'
ends blob-reset 'broke the connection'
ends blob-broken 'broke the connection'
ends blob-close 'broke the connection .*\(after [0-9]+ of [0-9]+ bytes\)'
ends blob-endless 'more than the [0-9]+ bytes that the manifest says'
ends blob-short 'announces [0-9]+ bytes where the manifest says'
ends blob-long 'announces [0-9]+ bytes where the manifest says'
ends blob-less 'announces [0-9]+ bytes where the manifest says'
ends blob-more 'announces [0-9]+ bytes where the manifest says'
ends blob-gzip 'more than the|another digest|broke the connection'
ends blob-bomb 'more than the|another digest|broke the connection'
ends blob-page 'announces 12 bytes where the manifest says'
ends blob-range 'asked for what follows byte [0-9]+ of [0-9]+ it sends'
ends blob-part "says 'nonsense' of where that belongs"
ends blob-404 'has not got the blob .* BLOB_UNKNOWN.*not whole there'
ends blob-500 'has trouble \(500'
ends blob-416 'answers 416'
ends blob-circle 'leads from one address to the next'
# Last, and with a store of its own: what was kept of earlier ones is not wrong.
rm -rf "$work/bad"
ends blob-wrong 'another digest' --parallel 1
check_not 'of a blob that is wrong nothing is kept' sh -c 'ls "$1"/image/tmp | grep -q partial' sh "$work/bad"
RATION_DATA_DIR=$work/bad run_ration images -q
expect_stdout_is '' 'no image has come of all this'
rm -rf "$work/bad"

before() { # NAME ERE: the pull from a port of its own
    bounded pull -q --timeout 1s --retries 1 "127.0.0.1:$(port "$1")/x"
    expect_refusal 125 "$2" "$1: one sentence, \"$2\""
}
before ping-hang 'sent nothing for 1 s'
before ping-close 'broke the connection'
before ping-reset 'broke the connection'
before ping-404 'nothing there speaks the distribution protocol'
before ping-page 'nothing there speaks the distribution protocol'
before ping-garbage 'gives no answer'
before ping-endless 'more than the 64 KiB'
before ping-negotiate 'in no way that is known here'
before ping-broken 'its WWW-Authenticate header is wrong'
before ping-500 'has trouble \(500'

# ---- passwords go to nobody else ------------------------------------------------------------------------------

password=127.0.0.1:$(port password)
bearer=127.0.0.1:$(port bearer)
mkdir "$work/once"
cat >"$work/auth.json" <<JSON
{"auths": {"$password": {"username": "user", "password": "secret"}, "$bearer": {"username": "user", "password": "secret"}}}
JSON
RATION_DATA_DIR=$work/once bounded pull -q --authfile "$work/auth.json" "$password/good"
expect_stdout_is "$good" 'a registry with a password, whose layers are elsewhere'
check 'the registry got the password' grep -q '^password GET /v2/good/blobs/.* Basic_' "$work/server/log"
check_not 'the other server did not' grep -q '^store .* Basic_' "$work/server/log"
check 'though it was asked' grep -q '^store GET ' "$work/server/log"
rm -rf "$work/once"
RATION_DATA_DIR=$work/once bounded pull -q --authfile "$work/auth.json" "$bearer/good"
expect_stdout_is "$good" 'a registry with tokens for user and password'
check_not 'it does not see the password' grep -q '^bearer .* Basic_' "$work/server/log"
rm -rf "$work/once"
cat >"$work/auth2.json" <<JSON
{"auths": {"$bearer": {"auth": "$(printf 'x:' | base64)", "identitytoken": "refresh&me"}}}
JSON
RATION_DATA_DIR=$work/once bounded pull -q --authfile "$work/auth2.json" "$bearer/good"
expect_stdout_is "$good" 'and for an identity token'
rm -rf "$work/once"
bounded pull -q "$bearer/good"
expect_refusal 125 'a token for good to nobody whom it does not know \(401, incorrect username or password'
bounded pull -q --authfile "$work/none.json" "$bearer/good"
expect_refusal 125 'none.json is not there'
echo '{"auths": 5}' >"$work/broken.json"
bounded pull -q --authfile "$work/broken.json" "$bearer/good"
expect_refusal 125 'broken.json.*it is no configuration of docker'

# ---- pushes -----------------------------------------------------------------------------------------------------

bounded push -q "$main/good" "$main/push-good"
expect_stdout_is "$good" 'a push'
bounded push -q "$main/good" "$main/push-break"
expect_stdout_is "$good" 'a push whose connections break in the middle'
check 'goes on with what the registry had' grep -q '^main PATCH /v2/push-break/' "$work/server/log"
check 'and all blobs are whole' test "$(asked '^push-break uploaded whole')" -eq 3
check_not 'none is broken' grep -q 'uploaded broken' "$work/server/log"
bounded push -q "$main/good" "$main/push-lose"
expect_stdout_is "$good" 'a push whose answers are lost'
check 'sends nothing twice' test "$(asked '^push-lose uploaded whole')" -eq 3

fails() { # NAME ERE
    bounded push -q --timeout 1s --retries 1 "$main/good" "$main/$1"
    expect_refusal 125 "$2" "$1: one sentence, \"$2\""
}
fails push-hang 'asked for room for the blob .* sent nothing for 1 s'
fails push-nowhere 'does not say where to send it'
fails push-file "leads to 'file:///etc/passwd'"
fails push-plain 'has no TLS, and --plain-http is not given'
fails push-refuse 'refuses room for the blob .* \(403, DENIED: read only\)'
fails push-mount 'answers 201'
fails push-swallow 'sent nothing for|came to a halt for'
fails push-busy 'has trouble \(503'
fails push-large 'answers 413, SIZE_INVALID: too large'
fails push-forget 'has not got room for the blob .*404'
fails push-digest 'it is damaged or forged'

run_ration image verify
expect_status 0 'the store is whole after all this'
engine_clean 'and nothing is left'
