#!/bin/sh
# A poste written by a stranger: mosquitto_sub, mosquitto_pub, a shell, and docs/protocol.md. Nothing of ours.
#
#   stranger.sh CODE
#
# It connects, asks what to do, types CODE, is unlocked, and lives until the session is over. One line a step.
# It listens with the poste's own account, and speaks through the poste's stand-in (see docs/protocol.md):
#   HOST SITE POSTE, LISTEN_PORT LISTEN_PASSWORD, SPEAK_PORT SPEAK_USER SPEAK_PASSWORD, ROOT (ppm).
# Exit: 0 the visit is over, 2 the code was refused, 3 the link was lost, 4 nothing happened for PATIENCE_S (120).
set -eu

code=$1
here=${ROOT:-ppm}/v1/$SITE/$POSTE
heartbeat_ms=${HEARTBEAT_MS:-20000}
patience_ms=$((${PATIENCE_S:-120} * 1000))
seen=' '

work=$(mktemp -d)
mkfifo "$work/inbox"

stop() {
    trap - EXIT INT TERM
    [ -z "${ears:-}" ] || kill "$ears" 2>/dev/null || :
    [ -z "${clock:-}" ] || kill "$clock" 2>/dev/null || :
    rm -rf "$work"
    exit "${1:-1}"
}
trap 'stop $?' EXIT
trap 'stop 1' INT TERM

tell() { printf '%s\n' "$*"; }

# Accounts stand in files that only we read: arguments can be seen by every user of the machine.
account() { (umask 077 && printf -- '-h %s\n-p %s\n-u %s\n-P %s\n' "$HOST" "$2" "$3" "$4" >"$work/$1"); }
account mosquitto_sub "$LISTEN_PORT" "$POSTE" "$LISTEN_PASSWORD"
account mosquitto_pub "$SPEAK_PORT" "$SPEAK_USER" "$SPEAK_PASSWORD"
export XDG_CONFIG_HOME="$work"

# ------------------------------------------------------------------ clock: /proc/uptime runs in suspend too

now() {
    read -r up _ </proc/uptime
    now=${up%.*}${up#*.}0
}

server_ms() { date -u -d "$1" +%s%3N; }

random() { od -An -N4 -tx4 /dev/urandom | tr -d ' \n'; }

# ------------------------------------------------------------------ JSON: one level of names is enough here

word() { printf '%s' "$message" | sed -n "s/.*\"$1\" *: *\"\{0,1\}\([^\",}]*\).*/\1/p"; }
text() { printf '%s' "$message" | sed -n "s/.*\"$1\" *: *\"\([^\"]*\)\".*/\1/p"; }
list() { printf '%s' "$message" | sed -n "s/.*\"$1\" *: *\[\([^]]*\)\].*/\1/p" | tr ',' ' '; }
number() {
    value=$(word "$1")
    case $value in '' | null | *[!0-9]*) value=${2:-0} ;; esac
    printf '%s' "$value"
}

# ------------------------------------------------------------------ what a poste says

say() { # topic, payload, [retained]
    mosquitto_pub -q 1 ${3:+-r} -t "$here/$1" -m "$2"
}

quoted() { if [ -n "$1" ]; then printf '"%s"' "$1"; else printf null; fi; }

left() { # the time to the deadline, or what a suspended session has kept, or null
    now
    case $phase in
    active) left=$((deadline > now ? deadline - now : 0)) ;;
    grace) left=0 ;;
    suspended) left=$kept ;;
    *) left=null ;;
    esac
}

say_state() {
    left
    seq=$((seq + 1))
    grace_left=null
    [ "$phase" != grace ] || grace_left=$((deadline + grace_ms > now ? deadline + grace_ms - now : 0))
    say up/state "{\"boot\":\"$boot\",\"seq\":$seq,\"term\":$term,\"rev\":$rev,\"phase\":\"$phase\",\"session\":$(quoted "$session"),\"remaining_ms\":$left,\"grace_ms\":$grace_left}" retained
}

say_ack() { # id, status, reason, session, remaining
    say up/ack "{\"id\":\"$1\",\"boot\":\"$boot\",\"status\":\"$2\",\"term\":$term,\"rev\":$rev,\"reason\":$(quoted "$3"),\"session\":$(quoted "${4:-}"),\"remaining_ms\":${5:-null}}"
    tell "acked $1 $2 rev $rev${3:+ $3}"
}

ack_desired() { # what is here now, or what was taken away and what it had left
    left
    if [ -n "$session" ]; then
        say_ack desired 'done' '' "$session" "$left"
    else
        say_ack desired 'done' '' "$over" "${over:+$over_left}"
    fi
}

say_heartbeat() {
    left
    mosquitto_pub -q 0 -t "$here/up/heartbeat" -m "{\"boot\":\"$boot\",\"term\":$term,\"rev\":$rev,\"phase\":\"$phase\",\"remaining_ms\":$left}"
    next_heartbeat=$((now + heartbeat_ms * 8 / 10 + 0x$(random) % (heartbeat_ms * 4 / 10 + 1)))
    tell "heartbeat $phase"
}

say_event() { # kind, the rest of the payload
    n=$((n + 1))
    say up/event "{\"kind\":\"$1\",\"n\":$n,\"boot\":\"$boot\",\"session\":$(quoted "$session")$2}"
    tell "event $n $1"
}

ask() { # op, the rest of the payload: the same question again until it is answered
    op=$1
    question=q-$(random)
    nonce=n-$(random)
    body="{\"op\":\"$op\",\"id\":\"$question\",\"nonce\":\"$nonce\",\"boot\":\"$boot\"$2}"
    wait_ms=1000
    now
    asked=$now
    tell "asked $op"
    repeat
}

repeat() {
    now
    next_ask=$((now + wait_ms))
    wait_ms=$((wait_ms < 15000 ? wait_ms * 2 : 30000))
    say up/request "$body"
}

resync() {
    [ "$op" != resync ] || return 0
    left
    ask resync ",\"term\":$term,\"rev\":$rev,\"phase\":\"$phase\",\"why\":\"$1\",\"session\":$(quoted "$session"),\"remaining_ms\":$left,\"connection\":$connection"
}

# ------------------------------------------------------------------ what a poste does

lock() {
    phase=$1
    tell "locked $phase"
}

clean() { # after the session that was in use or kept here; what it had left
    phase=cleaning
    say_state
    say_event cleaned ",\"ms\":12,\"items\":[{\"what\":\"files\",\"count\":3,\"bytes\":4096}],\"leftovers\":[]"
    over=$session
    over_left=$1
    session=
    phase=locked
    tell free
    say_state
    used=yes
    used_rev=$rev
}

unlock() { # phase, session: until `deadline`
    phase=$1
    session=$2
    tell "unlocked $session $((deadline - now)) ms"
}

arm() { # how long the visitor may stay, from a message that may have been late
    age=$((now + offset - $(server_ms "$(word computed_at)")))
    [ "$age" -gt 0 ] || age=0
    grace_ms=$(number grace_ms)
    if [ "$1" = grace ]; then
        deadline=$((now - age))
    else
        deadline=$((now + $(number remaining_ms) - age))
    fi
    ahead=
    for seconds in $(list warnings); do
        [ $((deadline - now)) -le $((seconds * 1000)) ] || ahead="$ahead $seconds"
    done
}

apply() { # the desired state in `message`
    wanted=$(word phase)
    whose=$(word session)
    [ "$whose" != null ] || whose=
    left
    case $wanted in locked | maintenance) whose= ;; esac
    if [ -n "$session" ] && [ "$whose" != "$session" ]; then
        had=$left
        lock locked
        clean "$had"
    fi
    term=$1
    rev=$2
    case $wanted in
    active | grace)
        was=$deadline
        arm "$wanted"
        if [ "$phase" = active ] || [ "$phase" = grace ]; then
            tell "changed by $((deadline - was)) ms"
            phase=$wanted
        else
            unlock "$wanted" "$whose"
        fi
        ;;
    suspended)
        if [ -n "$session" ]; then kept=$left; else kept=$(number remaining_ms); fi
        session=$whose
        lock suspended
        ;;
    maintenance) lock maintenance ;;
    locked) [ "$phase" = locked ] || lock locked ;;
    esac
    tell "holds $term $rev $phase"
    ack_desired
    say_state
}

# ------------------------------------------------------------------ what a poste hears

hear_session() { # retained
    now
    t=$(number term)
    r=$(number rev)
    wanted=$(word phase)
    if [ "$t" -lt "$term" ] || { [ "$t" -eq "$term" ] && [ "$r" -lt "$rev" ]; }; then
        say_ack desired superseded '' "$session"
    elif [ "$t" -eq "$term" ] && [ "$r" -eq "$rev" ]; then
        ack_desired
    elif [ "$wanted" = active ] || [ "$wanted" = grace ]; then
        hear_open "$1" "$t" "$r"
    else
        apply "$t" "$r"
    fi
}

hear_open() { # retained, term, rev: it may change what is unlocked, it opens nothing
    whose=$(word session)
    if [ -n "$over" ] && [ "$whose" = "$over" ]; then
        held="$term $rev"
        term=$2 rev=$3
        say_ack desired refused ending "$whose" 0
        term=${held% *} rev=${held#* }
    elif [ "$phase" != active ] && [ "$phase" != grace ] || [ "$whose" != "$session" ]; then
        resync unsolicited
    elif { [ "$1" = 1 ] || [ "$3" -le "$rev" ]; } && [ $((now + $(number remaining_ms))) -gt "$deadline" ]; then
        resync stale
    else
        apply "$2" "$3"
    fi
}

hear_reply() { # retained
    [ "$1" = 0 ] || return 0
    if [ "$(word status)" = noted ]; then
        [ "$(word boot)" != "$boot" ] || { noted=$(number n) && tell "noted $noted"; }
        return 0
    fi
    [ -n "$question" ] && [ "$(word id)" = "$question" ] && [ "$(word nonce)" = "$nonce" ] || return 0
    answered=$op
    op=
    question=
    now
    learn_offset
    case $(word status) in
    accepted) hear_accepted ;;
    refused)
        tell "refused $answered $(word reason): $(text fr)"
        [ "$answered" != start ] || stop 2
        ;;
    esac
}

learn_offset() { # from the answer with the shortest round trip
    trip=$((now - asked))
    [ "$trip" -lt "$best_trip" ] || return 0
    best_trip=$trip
    offset=$(($(server_ms "$(word server_time)") - (asked + now) / 2))
}

hear_accepted() { # equal is as good as higher: this answer may unlock what was only announced
    t=$(number term)
    r=$(number rev)
    if [ "$t" -gt "$term" ] || { [ "$t" -eq "$term" ] && [ "$r" -ge "$rev" ]; }; then
        apply "$t" "$r"
    else
        say_ack desired superseded '' "$session"
    fi
    if [ "$answered" = resync ] && [ -z "$typed" ] && [ "$phase" = locked ]; then
        typed=yes
        ask start ",\"code\":\"$code\""
    fi
}

hear_command() { # retained
    id=$(word id)
    aim=$(word boot)
    now
    case $seen in *" $id "*) say_ack "$id" 'done' '' && return 0 ;; esac
    if [ "$1" = 1 ]; then
        say_ack "$id" refused retained
    elif [ "$aim" != "$boot" ] && [ "${aim:-null}" != null ]; then
        say_ack "$id" refused other_boot
    elif [ "$(number term)" -lt "$term" ]; then
        say_ack "$id" refused old_term
    elif [ "$((now + offset - $(server_ms "$(word issued_at)")))" -gt "$(number ttl_ms)" ]; then
        say_ack "$id" expired ''
    else
        seen="$seen$id "
        obey "$(word op)"
    fi
}

obey() {
    case $1 in
    message) tell "message $(text text)" && say_ack "$id" 'done' '' ;;
    identify) tell "identify $POSTE" && say_ack "$id" 'done' '' ;;
    resync) say_ack "$id" 'done' '' && resync asked ;;
    *) say_ack "$id" refused not_supported ;;
    esac
}

hear() { # one line of mosquitto_sub: retain flag, topic, payload, or a word on the connection
    case $1 in
    [01]' '*)
        retained=${1%% *}
        message=${1#* * }
        path=${1#* }
        path=${path%% *}
        ;;
    *'received CONNACK (0)'*) hear_connack && return 0 ;;
    Subscribed*) hear_suback && return 0 ;;
    *) return 0 ;;
    esac
    now
    quiet_since=$now
    case $path in
    "$here/down/session") hear_session "$retained" ;;
    "$here/down/reply") hear_reply "$retained" ;;
    */down/command) hear_command "$retained" ;;
    "$here/down/config") tell "config $(text site)" ;;
    "$here/up/status") [ "$(word online)" = true ] || [ -z "$online" ] || say_status ;;
    esac
}

hear_connack() {
    [ -z "$connected" ] || { tell 'lost' && stop 3; }
    connected=yes
    tell connected
}

say_status() { say up/status "{\"online\":true,\"boot\":\"$boot\",\"connection\":$connection,\"reason\":null}" retained; }

hear_suback() {
    [ -z "$online" ] || return 0
    online=yes
    tell subscribed
    say_status
    say up/info '{"protocol":1,"software":"stranger","os":"sh","capabilities":[]}' retained
    say_state
    tell online
    say_heartbeat
    resync boot
}

# ------------------------------------------------------------------ what time does

tick() {
    now
    [ -n "$online" ] || return 0
    [ "$now" -lt "$next_heartbeat" ] || say_heartbeat
    [ -z "$question" ] || [ "$now" -lt "$next_ask" ] || repeat
    case $phase in
    active)
        warn
        [ "$now" -lt "$deadline" ] || begin_grace
        ;;
    grace) [ "$now" -lt $((deadline + grace_ms)) ] || end ;;
    locked) [ -z "$used" ] || [ "$noted" -lt "$n" ] || leave ;;
    esac
    [ $((now - quiet_since)) -lt "$patience_ms" ] || { tell 'nothing happens' && stop 4; }
}

warn() { # of several that are due, only the last
    rest='' due=''
    for seconds in $ahead; do
        if [ $((deadline - now)) -gt $((seconds * 1000)) ]; then
            rest="$rest $seconds"
        elif [ -z "$due" ] || [ "$seconds" -lt "$due" ]; then
            due=$seconds
        fi
    done
    ahead=$rest
    [ -n "$due" ] || return 0
    tell "warned $due s"
    say_event warned ",\"left_s\":$due"
}

begin_grace() {
    phase=grace
    tell "grace $grace_ms ms"
    say_state
}

end() {
    lock locked
    say_event ended ",\"reason\":\"expired\",\"remaining_ms\":0"
    clean 0
}

leave() { # a clean stop: said before, so that no will is needed
    [ "$rev" -gt "$used_rev" ] || return 0
    say up/status "{\"online\":false,\"boot\":\"$boot\",\"connection\":$connection,\"reason\":\"stopping\"}" retained
    tell bye
    stop 0
}

# ------------------------------------------------------------------ the day of a poste

boot=$(random)
connection=1
over_left=0 term=0 rev=0 seq=0 n=0 noted=0 offset=0 best_trip=999999 deadline=0 grace_ms=0 kept=0 used_rev=0
phase=locked session='' over='' op='' question='' nonce='' typed='' used='' online='' connected='' ahead=''
now
quiet_since=$now

stdbuf -oL mosquitto_sub -d -q 1 -F '%r %t %p' \
    -t "$here/down/session" -t "$here/down/config" -t "$here/down/reply" -t "$here/down/command" \
    -t "$here/up/status" -t "${ROOT:-ppm}/v1/$SITE/_all/down/command" \
    --will-topic "$here/up/status" --will-qos 1 --will-retain \
    --will-payload "{\"online\":false,\"boot\":\"$boot\",\"connection\":$connection,\"reason\":\"lost\"}" \
    >"$work/inbox" 2>&1 &
ears=$!
while :; do echo tick && sleep 0.1; done >"$work/inbox" 2>/dev/null &
clock=$!

while IFS= read -r line; do
    if [ "$line" = tick ]; then tick; else hear "$line"; fi
done <"$work/inbox"
