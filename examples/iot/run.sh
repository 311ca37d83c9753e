#!/usr/bin/env bash
# Sensors on two workers: temperatures on one, pressures on the other.
#
# usage: run.sh [--once]
#   --once  stop after the events, instead of waiting for Ctrl+C
#
# From the environment: COORDINATOR_PORT (9100), WORKER_PORT (9000, the second worker
# takes the next one), API_KEY (admin), WORKER_KEY (test), VARPULIS, PYTHON.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
coordinator_port=${COORDINATOR_PORT:-9100}
worker_port=${WORKER_PORT:-9000}
api_key=${API_KEY:-admin}
worker_key=${WORKER_KEY:-test}
url=http://127.0.0.1:$coordinator_port
api=$url/api/v1/cluster
once=no

fail() { printf 'run.sh: %s\n' "$*" >&2; exit 1; }

case ${1:-} in
    "") ;;
    --once) once=yes ;;
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
    *) fail "unknown option $1 (run.sh --help tells them)" ;;
esac

find_program() { # variable's value, name, place in the checkout
    if [ -n "$1" ]; then printf '%s\n' "$1"
    elif [ -x "$root/$3" ]; then printf '%s\n' "$root/$3"
    else command -v "$2" || true; fi
}
varpulis=$(find_program "${VARPULIS:-}" varpulis .venv/bin/varpulis)
python=$(find_program "${PYTHON:-}" python3 .venv/bin/python)
[ -n "$varpulis" ] || fail "varpulis is not installed: run 'make setup' in $root, or 'pip install .'"
[ -n "$python" ] || fail "python3 is missing"
command -v curl >/dev/null || fail "curl is missing: apt install curl"

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
for port in "$coordinator_port" "$worker_port" $((worker_port + 1)); do
    ! listens "$port" || fail "port $port is taken: set COORDINATOR_PORT or WORKER_PORT"
done

work=$(mktemp -d)
pids=()
stop_all() {
    trap - EXIT INT TERM HUP
    [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2>/dev/null || true
    wait "${pids[@]}" 2>/dev/null || true
    rm -rf "$work"
}
trap stop_all EXIT
trap 'exit 130' INT TERM HUP

start() { # name, then the command; its log goes to a file
    local log=$work/$1.log
    shift
    "$varpulis" "$@" >"$log" 2>&1 &
    pids+=($!)
}
all_alive() {
    local pid
    for pid in "${pids[@]}"; do kill -0 "$pid" 2>/dev/null || return 1; done
}
wait_until() { # what, then the condition
    local what=$1 end=$((SECONDS + 30))
    shift
    until "$@"; do
        if ! all_alive || [ $SECONDS -ge $end ]; then
            tail -n 5 "$work"/*.log >&2
            fail "$what: gave up"
        fi
        sleep 0.2
    done
}
call() { curl -sS --fail-with-body -H "x-api-key: $api_key" -H "Content-Type: application/json" "$@"; }
coordinator_is_up() { curl -sf "$url/health" >/dev/null; }
worker_is_ready() { call "$api/workers/$1" 2>/dev/null | grep -q '"status": *"ready"'; }

echo "1. a coordinator, a worker for temperatures, a worker for pressures"
VARPULIS_STATE_DIR=$work/state start coordinator coordinator --port "$coordinator_port" --api-key "$api_key"
wait_until "the coordinator" coordinator_is_up
port=$worker_port
for name in temp-worker pressure-worker; do
    start "$name" server --port "$port" --api-key "$worker_key" --coordinator "$url" --worker-id "$name"
    port=$((port + 1))
done
for name in temp-worker pressure-worker; do
    wait_until "the registration of $name" worker_is_ready "$name"
done

echo "2. the group iot-monitoring"
call -X POST "$api/pipeline-groups" -d @"$here/group.json" >"$work/deployed.json" ||
    fail "the deploy was refused: $(cat "$work/deployed.json")"
group_id=$("$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["id"])' "$work/deployed.json")

echo "3. events, and what comes of them"
while IFS= read -r event; do
    printf '> %s\n< ' "$event"
    call -X POST "$api/pipeline-groups/$group_id/inject" -d "$event"
    echo
done <"$here/events.ndjson"

echo "4. the topology"
call "$api/topology" | "$python" -m json.tool

[ "$once" = no ] || exit 0
echo
echo "Running. Topology: $url/topology/ (key $api_key). Ctrl+C stops everything."
while all_alive; do sleep 1; done
fail "a process has ended: $(tail -n 5 "$work"/*.log)"
