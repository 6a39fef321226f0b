#!/usr/bin/env bash
# A real Envoy beside each workload, which counts as Istio's proxies do: what was called before the mapper watches is not on the map; what
# is called then is, each call once, over restarts of proxies, pods and mapper; what was denied was attempted only. docs/istio.md
set -euo pipefail
# shellcheck source=tests/integration/support.sh
. "$(dirname "$0")/support.sh"
# shellcheck source=demo/istio.sh
. "$root/demo/istio.sh"

declare -A pod=() wanted_count=([web]=0 [mallory]=0)

# workload NAME [SERVICE ...]: a pod, or another one in its place
workload() {
  [ -z "${pod[$1]:-}" ] || pod_down shop "${pod[$1]}"
  istio_up shop "$@" || fail "the proxy of $1 does not start"
  pod[$1]="$POD_NAME"
}

# call CLIENT TIMES CODE PATH [curl's option ...]: calls of cart that are answered so
call() {
  local client="$1" times="$2" code="$3" path="$4" i answer
  shift 4
  for ((i = 0; i < times; i++)); do
    answer="$(istio_call shop "${pod[$client]}" cart "$path" "$@")"
    [ "$answer" = "$code" ] || fail "$client gets $answer for $path, not $code"
  done
  wanted_count[$client]=$((wanted_count[$client] + times))
}

start_watching() {
  start_mapper
  # Proxies that are older than the watching have been read then.
  wait_for 20 all_are_read || fail "the proxies are not read"
}

all_are_read() {
  [ "$(metric 2112 network_mapper_istio_scrapes_total)" -ge 6 ]
}

# "CLIENT SERVER COUNT STRENGTH", sorted, of what the Istio watcher saw.
counts() {
  query '{intents{client{name} server{name} evidence{collector strength count}}}' | jq -r '.data.intents[] | .client.name as $client |
    .server.name as $server | .evidence[] | select(.collector == "istio") | "\($client) \($server) \(.count) \(.strength | ascii_downcase)"' | sort
}

wanted_counts() {
  [ "${wanted_count[mallory]}" = 0 ] || echo "mallory cart ${wanted_count[mallory]} attempted"
  [ "${wanted_count[web]}" = 0 ] || echo "web cart ${wanted_count[web]} used"
}

counts_are_complete() {
  [ "$(counts)" = "$(wanted_counts)" ]
}

same() {
  diff <(echo "$2") <(echo "$3") >&2 || fail "$1 differs (< wanted, > found)"
}

# Soon, and nothing comes twice.
expect_counts() {
  wait_for 20 counts_are_complete || same "the count $1" "$(wanted_counts)" "$(counts)"
  sleep 3
  same "the count $1, later," "$(wanted_counts)" "$(counts)"
}

# "CLIENT METHOD PATH", sorted: of the map, and of an export
resources() {
  query '{intents{client{name} server{name} type httpResources{path methods}}}' | jq -r '.data.intents[] | select(.type == "HTTP") |
    .client.name as $client | .httpResources[] | .path as $path | .methods[] | "\($client) \(.) \($path)"' | sort
}

exported() {
  on_node "$bin/network-mapper" export --quiet --mapper-url "$mapper_url" -n shop --format json "$@" | jq -r '[.] | flatten[] |
    .metadata.name as $client | .spec.targets[] | (.kubernetes // .service).http[]? | .path as $path | .methods[] | "\($client) \(.) \($path)"' | sort
}

wanted_resources() {
  sort << 'END'
web DELETE /items/7
web GET /items
web GET /items/a.b,c={1}
web GET /missing
web GET /second
web GET /third
web GET /fourth
web GET /fifth
web POST /items
web POST /shop.cart.v1.CartService/GetCart
mallory GET /denied
mallory GET /unavailable
END
}

if ! reason="$(istio_can_run 2>&1)"; then
  echo "skipped: $reason"
  exit 77
fi
istio_prepare || fail "there is no Envoy"
test_up
mapper_options=(--store "sqlite:$CLUSTER_DIR/map.db" --istio-report-interval 1s --istio-cooldown-interval 100ms "${ISTIO_MAPPER_OPTIONS[@]}")
workload cart
service_up shop cart 80:15006 "${pod[cart]}"
workload web cart
workload mallory cart
pod_up shop outsider -- sleep infinity
pod[outsider]="$POD_NAME"

call web 3 200 /before
call mallory 1 403 /denied
wanted_count=([web]=0 [mallory]=0)
start_watching
expect_counts "of what was before"

call web 3 200 "/items?page=2"
call web 2 200 /items -X POST
call web 1 200 /items/7 -X DELETE
call web 1 200 "/items/a.b,c={1}"
call web 4 200 /items --http2-prior-knowledge
call web 2 200 /shop.cart.v1.CartService/GetCart -X POST --http2-prior-knowledge -H "Content-Type: application/grpc"
call web 1 404 /missing
call web 2 403 /denied
call web 1 503 /unavailable
call mallory 2 403 /denied
call mallory 3 503 /unavailable
in_pod shop "${pod[outsider]}" curl -sS --max-time 10 -o /dev/null http://cart.shop/outside
expect_counts "of what was watched"
# The server's proxy counts them, too, but for the two kinds of calls that did not get there, and that of a client without one.
found="$(metric 2112 network_mapper_istio_counted_elsewhere_total)"
[ "$found" = 18 ] || fail "$found calls were also counted by another proxy, not 18"
on_node curl -sS --max-time 5 http://127.0.0.1:2112/metrics | grep -E '^network_mapper_istio_series_refused_total\{reason="unknown_client"\} [1-9]' ||
  fail "the call of a client without a proxy is not counted as that"

for name in web cart; do
  istio_restart shop "${pod[$name]}" || fail "the proxy of $name does not come back"
done
call web 2 200 /second
expect_counts "after a restart of the proxies"

kill_and_wait KILL "$mapper_pid"
call web 4 200 /third
start_mapper
expect_counts "after a restart of the mapper"

workload web cart
call web 5 200 /fourth
expect_counts "after another pod came"

kill_and_wait KILL "$mapper_pid"
istio_restart shop "${pod[web]}" || fail "the proxy of web does not come back"
call web 2 200 /fifth
start_mapper
expect_counts "after a restart of proxy and mapper"
counts

same "the map" "$(wanted_resources)" "$(resources)"
same "the export" "$(wanted_resources | grep -v mallory)" "$(exported)"
same "the export with attempts" "$(wanted_resources)" "$(exported --include-attempted)"
