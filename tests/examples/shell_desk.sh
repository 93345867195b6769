#!/usr/bin/env bash
# A helpdesk in shell scripts: events by jq and out of a here-document, to Kafka at SUPPORTPULSE_BOOTSTRAP.
set -euo pipefail

# TYPE TICKET ID [DATA]: one event of now, as a line. Times are whole seconds here, so `sequence` keeps the order.
event() {
    jq -cn --arg type "supportpulse.$1.v1" --arg subject "$2" --arg id "$3" --argjson data "${4:-null}" '
        {specversion: "1.0", $type, $id, source: "shell-desk", $subject, time: (now | todate), sequence: (now * 1e6 | floor)}
        + if $data then {$data} else {} end'
}

{
    event TicketCreated 4711 audit/1 '{"priority": "urgent", "actor": {"kind": "customer"}}'
    event ProblemConfirmed 4711 audit/2
    event StatusChanged 4711 audit/3 '{"status": "open", "actor": {"kind": "agent"}}'
    # What was noted down elsewhere, with its own times:
    cat <<'EVENTS'
{"specversion":"1.0","type":"supportpulse.MessagePosted.v1","id":"audit/4","source":"shell-desk","subject":"4712","time":"2026-01-31T12:00:00Z","data":{"public":true,"actor":{"kind":"agent"},"signals":{"length":120,"cause":true}}}
{"specversion":"1.0","type":"supportpulse.SatisfactionRated.v1","id":"audit/5","source":"shell-desk","subject":"4712","time":"2026-01-31T13:00:00Z","data":{"score":1}}
EVENTS
} | supportpulse emit --instance "shell-1" --json
