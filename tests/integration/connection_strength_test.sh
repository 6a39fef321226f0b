#!/usr/bin/env bash
# docs/regressions.md 1.1 tcpsniffer, P1
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
