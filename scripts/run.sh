#!/usr/bin/env bash
# Builds the module and runs it in a real Envoy in front of an echo upstream, until Ctrl-C.
#
#   PORT        where Envoy listens, on 127.0.0.1 (10000)
#   ADMIN_PORT  Envoy's admin interface (9901)
#   LOG         the format of the access log: text, or json
#   POLICY      a JSON file with the policy ({}: the recommended default)
set -euo pipefail
cd "$(dirname "$0")/.."
me='make run'
. scripts/toolchain.sh

port=${PORT:-10000}
admin=${ADMIN_PORT:-9901}
policy=${POLICY:-}
log=${LOG:-text}
policy_is=${policy:-'{}, the recommended default'}

need cargo python3 curl setsid
case $log in text | json) ;; *) die "LOG=$log is not a format; text or json" ;; esac
[ -z "$policy" ] || [ -f "$policy" ] || die "POLICY: there is no file $policy"
[ -z "$policy" ] || [ -r "$policy" ] || die "POLICY: $policy may not be read"
[ -z "$policy" ] || [ -s "$policy" ] || die "POLICY: $policy is empty; {} means the recommended default"

# Envoy shares a port with another process that also asks to share it, and each would get some of the
# connections: so the port must be free, and not merely open to sharing.
port_check='
import socket, sys
name, port = sys.argv[1:]
if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
    sys.exit(f"make run: {name}={port} is not a port number")
with socket.socket() as probe:
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind(("127.0.0.1", int(port)))
    except OSError as error:
        sys.exit(f"make run: port {port} of 127.0.0.1: {error.strerror}; choose another with {name}=…")
'
python3 -c "$port_check" PORT "$port"
python3 -c "$port_check" ADMIN_PORT "$admin"
[ "$port" != "$admin" ] || die "PORT and ADMIN_PORT are both $port"

# Every child leads a session of its own: so it is ended together with all that it started in turn, and
# Ctrl-C reaches this script alone, which ends them in order.
children=()
work=$(mktemp -d)

# Starts a child; its process id, which is that of its group too, is in $child.
start() {
    setsid "$@" </dev/null &
    child=$!
    children+=("$child")
}

running() {
    kill -0 -- "-$1" 2>/dev/null || kill -0 "$1" 2>/dev/null
}

stop() {
    local status=$? child patience=50
    trap '' INT TERM HUP
    trap - EXIT
    # Bash would report every job that a signal ended.
    exec 2>/dev/null
    # A child that is a moment old may not have a group yet.
    for child in "${children[@]}"; do
        kill -TERM -- "-$child" || kill -TERM "$child" || true
    done
    for child in "${children[@]}"; do
        while running "$child"; do
            if [ "$patience" = 0 ]; then
                kill -KILL -- "-$child" || kill -KILL "$child" || true
                break
            fi
            patience=$((patience - 1))
            sleep 0.1
        done
    done
    rm -rf "$work"
    exit "$status"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
trap 'exit 129' HUP

start scripts/wasm.sh
wait "$child" || exit 1
start scripts/envoy.sh >"$work/envoy-path"
wait "$child" || exit 1
envoy=$(cat "$work/envoy-path")

start python3 envoy/echo.py 0 >"$work/echo-port"
echo_process=$child
while [ ! -s "$work/echo-port" ]; do
    running "$echo_process" || die 'the echo upstream did not start'
    sleep 0.05
done

values=(ADDRESS=127.0.0.1 "PORT=$port" "ADMIN_PORT=$admin" "UPSTREAM_PORT=$(cat "$work/echo-port")")
values+=("MODULE=${CARGO_TARGET_DIR:-target}/wasm32-wasip1/release/palisade.wasm")
[ -z "$policy" ] || values+=("POLICY=@$policy")
[ "$log" = text ] || values+=('ACCESS_LOG=@envoy/access_log.json')
python3 envoy/render.py "${values[@]}" >"$work/envoy.yaml"

start "$envoy" -c "$work/envoy.yaml" --disable-hot-restart --concurrency 2 --log-level warning \
    --file-flush-interval-msec 100 2>"$work/envoy.log"
envoy_process=$child

# Envoy's own words about why it did not start, then one line of ours.
refused() {
    if grep -q 'Unable to create Wasm plugin' "$work/envoy.log" &&
        grep -E '\]\[(error|critical)\]\[wasm\].* wasm log ' "$work/envoy.log" >&2; then
        die "Envoy refused the policy $policy_is"
    fi
    grep -E '\]\[(error|critical)\]' "$work/envoy.log" >&2 || tail -n 5 "$work/envoy.log" >&2
    die 'Envoy did not start'
}
patience=600
until [ "$(curl -s --max-time 2 "http://127.0.0.1:$admin/ready" 2>/dev/null)" = LIVE ]; do
    running "$envoy_process" || refused
    [ "$patience" -gt 0 ] || die 'Envoy is not ready after a minute'
    patience=$((patience - 1))
    sleep 0.1
done

at=http://127.0.0.1:$port
cat <<END

Palisade in Envoy on $at, admin on http://127.0.0.1:$admin.
Policy: $policy_is

Try in another terminal:

  # an ordinary request: 200, and what the upstream received
  curl -i '$at/products?name=O%27Brien&sort=price'

  # SQL injection in the query: 403, JSON with the request's id
  curl -i '$at/products?name=%27%20OR%20%271%27%3D%271%27%20--%20'

  # SQL injection in a JSON body: 403, JSON with the request's id
  curl -i '$at/login' -H 'content-type: application/json' -d '{"user": "admin", "id": "1 UNION SELECT password FROM users"}'

Envoy's access log, one line a request, and the record of each that was blocked; Ctrl-C ends everything:

END

# From here on also what Envoy and the module have to complain about.
start tail -n +1 -f "$work/envoy.log" >&2

while running "$envoy_process"; do
    running "$echo_process" || die 'the echo upstream has ended'
    sleep 1 &
    wait $! || true
done
die 'Envoy has ended'
