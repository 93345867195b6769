#!/usr/bin/env bash
# Does the compose file work on this machine? Brings everything up with the demo desk, asks each part for what it must
# have by now, takes it all down again, data included, and ends with 0 only if nothing was wrong.
#
#   grafana/smoke.sh            needs Docker with the compose plugin (2.23 or newer) and curl; its ports must be free
#   KEEP=1 grafana/smoke.sh     leaves it running
#
# It runs as a project of its own (supportpulse-smoke), so it touches no data of yours. It was written where no Docker
# engine runs: what it asks for was tried on the parts one by one, the whole of it was not.
# shellcheck disable=SC2317  # most functions are called by name: by `check`, by the trap
set -euo pipefail
cd "$(dirname "$0")/.."

START_SECONDS=${START_SECONDS:-420} # images have to be fetched and built the first time
CHECK_SECONDS=${CHECK_SECONDS:-240}
export COMPOSE_PROJECT_NAME=supportpulse-smoke COMPOSE_PROFILES=demo
GRAFANA_ADMIN_PASSWORD=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
HELPDESK_WEBHOOK_SECRET=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
export GRAFANA_ADMIN_PASSWORD HELPDESK_WEBHOOK_SECRET
failed=0

say() { printf '%s\n' "$*"; }

need() {
    command -v "$1" >/dev/null || { say "FAILED: $1 is not installed"; exit 1; }
}

down() {
    if [ -n "${KEEP:-}" ]; then
        say "left running; to end it: COMPOSE_PROJECT_NAME=$COMPOSE_PROJECT_NAME COMPOSE_PROFILES=demo GRAFANA_ADMIN_PASSWORD=x HELPDESK_WEBHOOK_SECRET=x docker compose down -v"
    else
        docker compose down --volumes --remove-orphans --timeout 20 >/dev/null 2>&1 || say "could not take everything down: docker compose -p $COMPOSE_PROJECT_NAME down -v"
    fi
}

# get URL: the body of an answer that is a success.
get() { curl --silent --show-error --fail --max-time 10 --noproxy '*' "$@"; }

# grafana PATH: the same from Grafana's API, as admin; the password goes by standard input, not by the command line.
grafana() {
    get --config - "http://127.0.0.1:3000$1" <<<"user = \"admin:$GRAFANA_ADMIN_PASSWORD\""
}

# check WHAT COMMAND...: tries until it holds; what it last said is shown if it never does.
check() {
    local what=$1 deadline=$((SECONDS + CHECK_SECONDS)) told
    shift
    until told=$("$@" 2>&1); do
        if [ "$SECONDS" -ge "$deadline" ]; then
            say "FAILED: $what (waited ${CHECK_SECONDS} s)"
            [ -z "$told" ] || say "        ${told:0:600}"
            failed=1
            return 0
        fi
        sleep 2
    done
    say "ok: $what${told:+ ($told)}"
}

# count PATTERN: how often standard input has it.
count() { grep -oE "$1" | wc -l | tr -d ' '; }

# atleast NUMBER FOUND WHAT
atleast() {
    say "$2 $3"
    [ "$2" -ge "$1" ]
}

services_are_healthy() {
    local states bad
    states=$(docker compose ps --all --format '{{.Service}} {{.State}} {{.Health}} {{.ExitCode}}')
    bad=$(grep -vE '^(topics exited +0|[a-z]+ running healthy 0)$' <<<"$states" || true)
    if [ -n "$bad" ] || [ "$(wc -l <<<"$states")" -lt 9 ]; then
        say "${bad:-only these are there: $states}"
        return 1
    fi
}

prometheus_query() { get --get --data-urlencode "query=$1" http://127.0.0.1:9090/api/v1/query; }

events_are_counted() {
    local value
    value=$(prometheus_query 'sum(sla_events_processed_total)' | sed -nE 's/.*"value":\[[^,]*,"([0-9]+)[^"]*".*/\1/p')
    atleast 1 "${value:-0}" events
}

# targets_are_up JOB WHAT
targets_are_up() {
    local value
    value=$(prometheus_query "sum(up{job=\"$1\"})" | sed -nE 's/.*"value":\[[^,]*,"([0-9]+)".*/\1/p')
    atleast 1 "${value:-0}" "$2"
}

# A webhook of now, signed with the secret of the example source; success means that Kafka has acknowledged its event.
a_webhook_is_taken() {
    local now
    now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
    docker compose exec -T gateway sh -c 'cat >/tmp/sample.json && supportpulse webhook helpdesk /tmp/sample.json --sources /etc/supportpulse/sources.toml' <<EOF
{"type": "zen:event-type:ticket.created", "id": "smoke", "time": "$now", "subject": "zen:ticket:1",
 "event": {}, "detail": {"id": "1", "status": "NEW", "requester_id": "2", "created_at": "$now", "updated_at": "$now"}}
EOF
}

a_forged_webhook_is_not() {
    local status
    status=$(curl --silent --max-time 10 --noproxy '*' --output /dev/null --write-out '%{http_code}' --data '{}' http://127.0.0.1:9466/webhooks/helpdesk)
    say "answer $status"
    [ "$status" = 401 ]
}

prometheus_has_rules() {
    local rules
    rules=$(get http://127.0.0.1:9090/api/v1/rules)
    if grep -q '"health":"err"' <<<"$rules"; then
        say "a rule cannot be evaluated: $(grep -oE '"lastError":"[^"]+"' <<<"$rules" | head -1)"
        return 1
    fi
    atleast 20 "$(count '"type":"(alerting|recording)"' <<<"$rules")" rules
}

grafana_has_boards() { atleast 4 "$(grafana '/api/search?type=dash-db' | count '"uid":"supportpulse-(overview|detail|pipeline|gateway)"')" boards; }

anybody_may_look() { get http://127.0.0.1:3000/api/dashboards/uid/supportpulse-overview >/dev/null; }

nobody_else_may_write() {
    local status
    status=$(curl --silent --max-time 10 --noproxy '*' --output /dev/null --write-out '%{http_code}' --header 'Content-Type: application/json' --data '{"title": "smoke"}' http://127.0.0.1:3000/api/folders)
    say "answer $status"
    [ "$status" = 401 ] || [ "$status" = 403 ]
}

the_default_password_is_wrong() {
    local status
    status=$(curl --silent --max-time 10 --noproxy '*' --output /dev/null --write-out '%{http_code}' --user admin:admin http://127.0.0.1:3000/api/user)
    say "answer $status"
    [ "$status" = 401 ]
}

grafana_has_rules() { atleast 20 "$(grafana /api/v1/provisioning/alert-rules | count '"title":"Sla[A-Za-z0-9]+"')" rules; }

grafana_reads_prometheus() { grafana /api/datasources/uid/supportpulse-prometheus/health | grep -q '"status":"OK"'; }

board_answers() { get http://127.0.0.1:9470/ >/dev/null; }

the_watchdog_beats() {
    local health
    health=$(get http://127.0.0.1:9480/healthz)
    say "$health"
    grep -qE '"heartbeat_seconds_ago": [0-9]' <<<"$health"
}

# /var/tmp may be written by everybody where the file system as a whole may.
files_are_read_only() {
    local service code='
import errno
try:
    open("/var/tmp/written", "w")
except OSError as error:
    raise SystemExit(error.errno != errno.EROFS)
raise SystemExit("a file could be written")'
    for service in worker gateway board alerts; do
        docker compose exec -T "$service" python -c "$code" || return 1
    done
}

need docker
need curl
docker compose version >/dev/null 2>&1 || { say "FAILED: docker compose is not there (the compose plugin)"; exit 1; }
docker info >/dev/null 2>&1 || { say "FAILED: no Docker engine answers"; exit 1; }
trap down EXIT

say "starting (up to $START_SECONDS s)"
if ! docker compose up --build --detach --quiet-pull --wait --wait-timeout "$START_SECONDS"; then
    say "FAILED: it did not get ready"
    docker compose ps --all
    docker compose logs --tail 15
    exit 1
fi
check "every service is healthy" services_are_healthy
check "events reach the worker and Prometheus" events_are_counted
check "the gateway takes a signed webhook" a_webhook_is_taken
check "the gateway takes no other" a_forged_webhook_is_not
check "Prometheus scrapes the worker" targets_are_up supportpulse workers
check "Prometheus scrapes the gateway" targets_are_up supportpulse-gateway gateways
check "Prometheus has evaluated the rules" prometheus_has_rules
check "Grafana has the four boards" grafana_has_boards
check "Grafana has the alert rules" grafana_has_rules
check "Grafana reads Prometheus" grafana_reads_prometheus
check "anybody may look at a board" anybody_may_look
check "nobody may change anything without the password" nobody_else_may_write
check "the default password is wrong" the_default_password_is_wrong
check "the board answers" board_answers
check "Grafana's watchdog reaches the alerts service" the_watchdog_beats
check "file systems are read-only" files_are_read_only
if [ "$failed" = 0 ]; then say "all of it works"; else docker compose logs --tail 15; fi
exit "$failed"
