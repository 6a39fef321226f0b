#!/usr/bin/env bash
# docs/regressions.md 1.1 tcpsniffer, P1, P8
# A SYN that nobody answers is an attempt; a refused connection and an answered one are told apart from it and from each
# other.
set -euo pipefail
# shellcheck source=tests/integration/support.sh
. "$(dirname "$0")/support.sh"

test_up
pod_up shop silent -- shop_workload --listen 8080
silent_ip="$POD_IP"
ip netns exec "$POD_NS" nft -f - << 'NFT'
table ip quiet {
  chain input { type filter hook input priority 0; tcp dport 8080 drop; }
}
NFT
pod_up shop refusing -- shop_workload --listen 8080
refusing_ip="$POD_IP"
pod_up shop answering -- shop_workload --listen 8080
answering_ip="$POD_IP"
start_mapper
sniffer_options=(--enable-socket-scanner=false)
start_sniffer
pod_up shop caller -- shop_workload --call "$silent_ip:8080" --call "$refusing_ip:9999" --call "$answering_ip:8080" --every-ms 200

expect_edge "caller.shop -> silent.shop"
expect_edge "caller.shop -> refusing.shop"
expect_edge "caller.shop -> answering.shop"
sleep 2
answer="$(query '{intents{server{name} strength evidence{answered count}}}')"
strength_of() {
  grep -o '{"server":{"name":"[^"]*"},"strength":"[^"]*"' <<< "$answer" | sed -n "s/.*\"name\":\"$1\"[^\n]*\"strength\":\"\([A-Za-z]*\)\".*/\1/p" | tr '[:upper:]' '[:lower:]'
}
[ "$(strength_of silent)" = attempted ] || fail "silent is $(strength_of silent)"
[ "$(strength_of refusing)" = attempted ] || fail "refusing is $(strength_of refusing)"
[ "$(strength_of answering)" = connected ] || fail "answering is $(strength_of answering)"

# The same on the command line.
mapper_cli() {
  on_node "$bin/network-mapper" "$@" --mapper-url "$mapper_url"
}
mapper_cli explain caller.shop silent.shop > "$CLUSTER_DIR/explained" || fail "explain does not know the edge"
grep -qE '^ +answered +0 of [0-9]+ SYNs$' "$CLUSTER_DIR/explained" || fail "silent is explained as: $(cat "$CLUSTER_DIR/explained")"
grep -qE '^ +client pods +caller' "$CLUSTER_DIR/explained" || fail "no sample in: $(cat "$CLUSTER_DIR/explained")"
! mapper_cli explain silent.shop caller.shop 2> /dev/null || fail "an edge is explained that is not there"
listed="$(mapper_cli list 2> "$CLUSTER_DIR/complete")"
grep -qxF '  - silent in namespace shop (attempted only)' <<< "$listed" || fail "silent is not marked: $listed"
grep -qxF '  - answering in namespace shop' <<< "$listed" || fail "answering is marked: $listed"
grep -qiE 'since .*: 1 of 1 node reporting, 0 of [0-9,]+ packets dropped, ' "$CLUSTER_DIR/complete" || fail "list says: $(cat "$CLUSTER_DIR/complete")"
[ "$(mapper_cli export -q | grep -c 'name: answering')" -eq 1 ] || fail "answering is not exported"
! mapper_cli export -q | grep -q 'name: silent' || fail "silent is exported"
mapper_cli export -q --include-attempted -o "$CLUSTER_DIR/before.yaml"
mapper_cli diff "$CLUSTER_DIR/before.yaml" now --include-attempted || fail "the map differs from what it just was"
mapper_cli status --no-headers | grep -qE "^sniffer +$NODE_NAME +yes " || fail "status is: $(mapper_cli status)"
mapper_cli reset --older-than 1h
has_edge "caller.shop -> silent.shop" || fail "reset forgot what is not old"
mapper_cli reset -n shop -q
