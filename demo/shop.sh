# shellcheck shell=bash
# The Online Boutique on the cluster of cluster.sh: twelve workloads and who calls whom.

# workload, service port, container port ("-" for none), and what it calls with which flag.
SHOP_WORKLOADS=(
  "redis-cart 6379 6379"
  "adservice 9555 9555"
  "currencyservice 7000 7000"
  "emailservice 5000 8080"
  "paymentservice 50051 50051"
  "productcatalogservice 3550 3550"
  "shippingservice 50051 50051"
  "cartservice 7070 7070 --hold redis-cart:6379"
  "recommendationservice 8080 8080 --call productcatalogservice:3550"
  "checkoutservice 5050 5050 --call cartservice:7070 --call currencyservice:7000 --call emailservice:5000
    --call paymentservice:50051 --call productcatalogservice:3550 --call shippingservice:50051"
  "frontend 80 8080 --call adservice:9555 --call cartservice:7070 --call checkoutservice:5050
    --call currencyservice:7000 --call productcatalogservice:3550 --call recommendationservice:8080
    --call shippingservice:50051"
  "loadgenerator - - --call frontend:80"
)

# Starts all pods, then makes the services, so that first look-ups may fail as they do in a real cluster.
shop_up() {
  local namespace="$1" entry fields names=() ports=()
  for entry in "${SHOP_WORKLOADS[@]}"; do
    read -r -d '' -a fields <<< "$entry" || true
    local listen=()
    [ "${fields[2]}" = - ] || listen=(--listen "${fields[2]}")
    pod_up "$namespace" "${fields[0]}" -- shop_workload "${listen[@]}" "${fields[@]:3}"
    names+=("${fields[0]} $POD_NAME")
    ports+=("${fields[1]}:${fields[2]}")
  done
  local i name pod
  for i in "${!names[@]}"; do
    [ "${ports[$i]}" != -:- ] || continue
    read -r name pod <<< "${names[$i]}"
    service_up "$namespace" "$name" "${ports[$i]}" "$pod"
  done
}

# What `network-mapper list` has to print for the shop.
shop_expected_list() {
  local namespace="$1" entry fields i
  for entry in "${SHOP_WORKLOADS[@]}"; do
    read -r -d '' -a fields <<< "$entry" || true
    [ "${#fields[@]}" -gt 3 ] || continue
    local servers=()
    for ((i = 4; i < ${#fields[@]}; i += 2)); do
      servers+=("${fields[$i]%%:*}")
    done
    printf '%s\t%s\n' "${fields[0]}" "${servers[*]}"
  done | sort | while IFS=$'\t' read -r client servers; do
    echo "$client in namespace $namespace calls:"
    tr ' ' '\n' <<< "$servers" | sort | sed "s/.*/  - & in namespace $namespace/"
  done
}
