#!/usr/bin/env bash
# AWS' SDK for JavaScript, which takes it for granted that Kinesis speaks HTTP/2: its calls give through the proxy what they give without it,
# and are on the map.
set -euo pipefail
# shellcheck source=tests/integration/support.sh
. "$(dirname "$0")/support.sh"
# shellcheck source=tests/integration/aws/support.sh
. "$root/tests/integration/aws/support.sh"

if ! command -v npm > /dev/null || [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ]; then
  echo "skipped: Node.js 20 or newer and npm are missing: https://nodejs.org"
  exit 77
fi
aws_test_can_run
node_packages="$("$aws_here/http2/fetch")"
kinesis_ip=10.88.0.201
CLUSTER_DNS_OPTIONS=("--address=/kinesis.$aws_region.amazonaws.com/$kinesis_ip")
aws_up
POD_IP_WANTED="$kinesis_ip" pod_up aws kinesis -- node "$aws_here/http2/server.mjs" "$aws_ip" "$CLUSTER_DIR/aws.pem" "$CLUSTER_DIR/aws.key" "$CLUSTER_DIR/roots.pem"
http2_is_up() {
  in_pod shop "$plain" curl -s --max-time 2 --http2-prior-knowledge --cacert "$CLUSTER_DIR/roots.pem" "https://kinesis.$aws_region.amazonaws.com/"
}
wait_for 10 http2_is_up || fail "there is no HTTP/2: $(tail -n 3 "$CLUSTER_DIR"/log/aws.kinesis-*.log)"

# Arguments: pod, bundle
use_kinesis() {
  aws_begin_anew
  aws_in "$1" "$2" env NODE_PACKAGES="$node_packages" node --no-warnings "$aws_here/http2/client.mjs"
}
without="$(use_kinesis "$plain" roots.pem)"
jq -es 'length == 8 and ([.[] | select((.[1] | type) == "object" and .[1].error) | .[0]] == ["nothing"])' <<< "$without" > /dev/null || fail "without the proxy: $without"
aws_same "what calls give through the proxy" "$without" "$(use_kinesis "$web" bundle.pem)"
# The SDK names the stream after the records, and of the large batch of records that is beyond what is read.
wanted="$(LC_ALL=C sort << END
* kinesis:ListStreams
arn:aws:kinesis:$aws_region:123456789012:stream/* kinesis:PutRecords
arn:aws:kinesis:$aws_region:123456789012:stream/clicks kinesis:CreateStream
arn:aws:kinesis:$aws_region:123456789012:stream/clicks kinesis:DescribeStreamSummary
arn:aws:kinesis:$aws_region:123456789012:stream/clicks kinesis:GetRecords
arn:aws:kinesis:$aws_region:123456789012:stream/clicks kinesis:GetShardIterator
arn:aws:kinesis:$aws_region:123456789012:stream/clicks kinesis:PutRecord
arn:aws:kinesis:$aws_region:123456789012:stream/clicks kinesis:PutRecords
END
)"
wait_for 10 aws_map_is web "$wanted" || aws_same "the map" "$wanted" "$(aws_on_map web)"
aws_same "what was attempted" "arn:aws:kinesis:$aws_region:123456789012:stream/nothing kinesis:DescribeStreamSummary" "$(aws_on_map web ATTEMPTED)"
[ "$(aws_proxy_metric network_mapper_aws_truncated_calls_total)" = 1 ] || fail "the call that was not read to its end is not counted"
exchanges="$(aws_proxy_metric 'network_mapper_aws_proxy_exchanges_total{host="aws"}')"
connections="$(aws_proxy_metric 'network_mapper_aws_proxy_connections_total{outcome="relayed"}')"
echo "$exchanges exchanges over $connections connections"
[ "$exchanges" = 58 ] || fail "$exchanges exchanges, not 58"
[ "$connections" -lt 20 ] || fail "$connections connections: none has many calls"
