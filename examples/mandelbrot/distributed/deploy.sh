#!/usr/bin/env bash
# The Mandelbrot set on a coordinator and four workers, each a process of its own.
#
# usage: deploy.sh [--no-mqtt] [--once]
#   --no-mqtt  do without a broker: pixels are in the replies only
#   --once     stop when all pixels are computed, instead of waiting for Ctrl+C
#
# From the environment: COORDINATOR_PORT (9100), WORKER_PORT (9000, the four take this
# one and the next three), API_KEY (admin), WORKER_KEY (test), MQTT_HOST (localhost),
# MQTT_PORT (1883), WAIT_SECONDS (300), VARPULIS and PYTHON (programs to use).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../../.." && pwd)
coordinator_port=${COORDINATOR_PORT:-9100}
worker_port=${WORKER_PORT:-9000}
api_key=${API_KEY:-admin}
worker_key=${WORKER_KEY:-test}
mqtt_host=${MQTT_HOST:-localhost}
mqtt_port=${MQTT_PORT:-1883}
wait_seconds=${WAIT_SECONDS:-300}
url=http://127.0.0.1:$coordinator_port
api=$url/api/v1/cluster
with_mqtt=yes
once=no

fail() { printf 'deploy.sh: %s\n' "$*" >&2; exit 1; }

while [ $# -gt 0 ]; do
    case $1 in
        --no-mqtt) with_mqtt=no ;;
        --once) once=yes ;;
        -h | --help) sed -n '2,10s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; exit 0 ;;
        *) fail "unknown option $1 (deploy.sh --help tells them)" ;;
    esac
    shift
done

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

listens() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

if [ "$with_mqtt" = yes ] && ! listens "$mqtt_host" "$mqtt_port"; then
    fail "no MQTT broker listens on $mqtt_host:$mqtt_port. One of these gives you one:
    docker run -d -p 1883:1883 eclipse-mosquitto
    apt install mosquitto && mosquitto -p $mqtt_port -d
or do without: deploy.sh --no-mqtt"
fi
for port in "$coordinator_port" $(seq "$worker_port" $((worker_port + 3))); do
    ! listens 127.0.0.1 "$port" || fail "port $port is taken: set COORDINATOR_PORT or WORKER_PORT"
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
wait_until() { # what, seconds, then the condition
    local what=$1 end=$((SECONDS + $2))
    shift 2
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
workers_are_ready() {
    call "$api/workers" 2>/dev/null | "$python" -c '
import json, sys
ready = {w["id"] for w in json.load(sys.stdin)["workers"] if w["status"] == "ready"}
sys.exit(not {f"worker-{i}" for i in range(4)} <= ready)' 2>/dev/null
}

echo "1. coordinator on port $coordinator_port"
VARPULIS_STATE_DIR=$work/state start coordinator coordinator --port "$coordinator_port" --api-key "$api_key"
wait_until "the coordinator" 30 coordinator_is_up

echo "2. workers on ports $worker_port to $((worker_port + 3))"
for i in 0 1 2 3; do
    start "worker-$i" server --port $((worker_port + i)) --api-key "$worker_key" \
        --coordinator "$url" --worker-id "worker-$i"
done

echo "3. waiting for their registration"
wait_until "the registration of four workers" 30 workers_are_ready

echo "4. deploying the group mandelbrot-distributed"
if [ "$with_mqtt" = yes ]; then
    "$python" "$here/group.py" --mqtt "$mqtt_host:$mqtt_port" >"$work/group.json"
    echo "   pixels go to mqtt://$mqtt_host:$mqtt_port, topic mandelbrot/pixels"
else
    "$python" "$here/group.py" --no-mqtt >"$work/group.json"
fi
call -X POST "$api/pipeline-groups" -d @"$work/group.json" >"$work/deployed.json" ||
    fail "the deploy was refused: $(cat "$work/deployed.json")"
group_id=$("$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))["id"])' "$work/deployed.json")
echo "   group $group_id"

echo "5. injecting 16 ComputeTile events in parallel"
started=$(date +%s)
injects=()
for row in 0 1 2 3; do
    for column in 0 1 2 3; do
        call -o "$work/tile$row$column.json" -X POST "$api/pipeline-groups/$group_id/inject" \
            -d "{\"event_type\": \"ComputeTile$row$column\", \"fields\": {}}" &
        injects+=($!)
    done
done
for inject in "${injects[@]}"; do
    wait "$inject" || fail "an inject was refused: $(head -c 500 "$work"/tile*.json | tail -c 500)"
done

# A busy machine needs longer for a tile than an answer may take: the coordinator then
# says "complete": false and the worker goes on. Its /metrics count what it has made.
pixels_made() {
    local i
    for i in 0 1 2 3; do curl -sf "http://127.0.0.1:$((worker_port + i))/metrics"; done |
        "$python" -c '
import sys
counts = (x for x in sys.stdin if x.startswith("varpulis_output_events_total{"))
print(round(sum(float(x.rsplit(" ", 1)[1]) for x in counts)))'
}
wanted=$("$python" "$here/group.py" --pixels)
all_made() { [ "$(pixels_made)" = "$wanted" ]; }
wait_until "computing $wanted pixels" "$wait_seconds" all_made
echo "   $wanted pixels computed in $(($(date +%s) - started)) s"

echo "6. topology"
call "$api/topology" | "$python" -m json.tool

[ "$once" = no ] || exit 0
echo
echo "Running. Topology: $url/topology/ (key $api_key). Ctrl+C stops everything."
while all_alive; do sleep 1; done
fail "a process has ended: $(tail -n 5 "$work"/*.log)"
