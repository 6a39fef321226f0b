# shellcheck shell=bash
# What `scripts/demo --istio` adds to the shop of shop.sh: four workloads with Istio's proxies. Source istio.sh first.

ISTIO_SHOP_CALLS=(
  "visitor webstore GET /"
  "visitor webstore GET /products/shoes"
  "webstore pricing GET /prices"
  "webstore stock POST /shop.stock.v1.Stock/Reserve"
)

istio_shop_up() {
  local namespace="$1" name client server method path number=0
  local -A pod=() calls=([visitor]=webstore [webstore]="pricing stock")
  for name in pricing stock webstore visitor; do
    # shellcheck disable=SC2086 # a list
    istio_up "$namespace" "$name" ${calls[$name]:-} || return 1
    pod[$name]="$POD_NAME"
    service_up "$namespace" "$name" 80:15006 "$POD_NAME"
  done
  for name in "${ISTIO_SHOP_CALLS[@]}"; do
    read -r client server method path <<< "$name"
    while sleep 1; do
      istio_call "$namespace" "${pod[$client]}" "$server" "$path" -X "$method"
    done > /dev/null 2>&1 9>&- &
    echo $! > "$CLUSTER_DIR/istio-calls-$((number += 1)).pid"
    disown
  done
}

# What `network-mapper list` has to print for it: each calls the others, and their paths.
istio_shop_expected_list() {
  local call client server method path last_client="" last_server=""
  for call in "${ISTIO_SHOP_CALLS[@]}"; do
    read -r client server method path <<< "$call"
    if [ "$client" != "$last_client" ]; then
      echo "$client in namespace $1 calls:"
      last_server=""
    fi
    [ "$server" = "$last_server" ] || echo "  - $server in namespace $1"
    echo "    - path $path, methods: [$method]"
    last_client="$client" last_server="$server"
  done
}
