#!/usr/bin/env bash
# AWS' SDK for Java and the JDK's own HTTPS client, in a JVM that trusts the proxy by nothing but the variable that the annotation `trust: all`
# gives a pod: their calls give through the proxy what they give without it, and are on the map. Without that variable they are passed on unread.
set -euo pipefail
# shellcheck source=tests/integration/support.sh
. "$(dirname "$0")/support.sh"
# shellcheck source=tests/integration/aws/support.sh
. "$root/tests/integration/aws/support.sh"

if ! command -v keytool > /dev/null; then
  echo "skipped: Java is missing: scripts/install-deps --aws"
  exit 77
fi
if ! "$aws_here/jvm/fetch" --cached > /dev/null 2>&1 && ! { command -v javac && command -v mvn; } > /dev/null; then
  echo "skipped: Java's compiler or Maven is missing, to fetch AWS' SDK for Java: scripts/install-deps --aws"
  exit 77
fi
aws_test_can_run
jars="$("$aws_here/jvm/fetch")"
aws_up

# /run is this test's own.
volume=/var/run/otterize/aws-visibility
mkdir -p "$volume"
"$bin/aws_make_trust_bundle" "$CLUSTER_DIR/proxy/ca.crt" "$CLUSTER_DIR/roots.pem" "$volume"
trusting="$(jq -er '[.. | objects | select(.name == "JAVA_TOOL_OPTIONS") | .value |
  strings | select(startswith("-Djavax"))] | first' "$root/tests/testdata/aws-visibility/pods/trust-all.json")"
[ "${trusting#*=}" = "$volume/truststore.jks" ] || fail "the webhook names another trust store: $trusting"
# What a JVM has of itself: it trusts AWS.
keytool -importcert -noprompt -alias aws -file "$CLUSTER_DIR/roots.pem" -storetype JKS -keystore "$CLUSTER_DIR/roots.jks" -storepass changeit \
  2> "$CLUSTER_DIR/log/keytool.log" || fail "keytool: $(< "$CLUSTER_DIR/log/keytool.log")"
unaware="-Djavax.net.ssl.trustStore=$CLUSTER_DIR/roots.jks"

# Arguments: pod, JAVA_TOOL_OPTIONS, those of Client
java_in() {
  local pod="$1" options="$2"
  shift 2
  aws_in "$pod" roots.pem env JAVA_TOOL_OPTIONS="$options" java -Xmx256m -XX:TieredStopAtLevel=1 -cp "$jars:$jars/*" Client "$@" 2> "$CLUSTER_DIR/log/java.log"
}
use_sdk() {
  aws_begin_anew
  java_in "$1" "$2" sdk || fail "Java's SDK: $(grep -v '^SLF4J\|^Picked up' "$CLUSTER_DIR/log/java.log")"
}
s3="https://s3.$aws_region.amazonaws.com/"

without="$(use_sdk "$plain" "$unaware")"
[ "$(wc -l <<< "$without")" = 10 ] && grep -qx 'nothing: 404 NoSuchKey' <<< "$without" && [ "$(grep -c ': [45]' <<< "$without")" = 1 ] ||
  fail "without the proxy: $without"
aws_same "what calls give through the proxy" "$without" "$(use_sdk "$web" "$trusting")"
[[ "$(java_in "$web" "$trusting" get "$s3")" = "200 "*"<Name>jvm-pictures</Name>"* ]] || fail "the JDK's client: $(< "$CLUSTER_DIR/log/java.log")"
wanted="$(LC_ALL=C sort << END
* s3:ListAllMyBuckets
arn:aws:dynamodb:$aws_region:123456789012:table/jvm-carts dynamodb:CreateTable
arn:aws:dynamodb:$aws_region:123456789012:table/jvm-carts dynamodb:GetItem
arn:aws:dynamodb:$aws_region:123456789012:table/jvm-carts dynamodb:PutItem
arn:aws:s3:::jvm-pictures s3:CreateBucket
arn:aws:s3:::jvm-pictures/a/b.png s3:GetObject
arn:aws:s3:::jvm-pictures/a/b.png s3:PutObject
arn:aws:sqs:$aws_region:123456789012:jvm-jobs sqs:CreateQueue
arn:aws:sqs:$aws_region:123456789012:jvm-jobs sqs:ReceiveMessage
arn:aws:sqs:$aws_region:123456789012:jvm-jobs sqs:SendMessage
END
)"
wait_for 10 aws_map_is web "$wanted" || aws_same "the map" "$wanted" "$(aws_on_map web)"
aws_same "what was attempted" "arn:aws:s3:::jvm-pictures/nothing s3:GetObject" "$(aws_on_map web ATTEMPTED)"
for metric in 'network_mapper_aws_proxy_failed_total{reason="client_distrust"}' 'network_mapper_aws_proxy_spliced_total{reason="client_distrust"}'; do
  [ "$(aws_proxy_metric "$metric")" = 0 ] || fail "a JVM with the variable does not trust the proxy: $metric"
done

# The JDK's client does not try again by itself, the SDK does.
code=0
java_in "$pinned" "$unaware" get "$s3" > /dev/null || code=$?
[ "$code" = 1 ] && grep -q 'SSLHandshakeException: .*PKIX path building failed' "$CLUSTER_DIR/log/java.log" ||
  fail "a JVM without the variable ends with $code: $(< "$CLUSTER_DIR/log/java.log")"
[[ "$(java_in "$pinned" "$unaware" get "$s3")" = "200 "* ]] || fail "the JDK's client does not get through: $(< "$CLUSTER_DIR/log/java.log")"
aws_same "what calls give that are passed on" "$without" "$(use_sdk "$pinned" "$unaware")"
# s3., jvm-pictures.s3., sqs. and dynamodb.
failures="$(aws_proxy_metric 'network_mapper_aws_proxy_failed_total{reason="client_distrust"}')"
spliced="$(aws_proxy_metric 'network_mapper_aws_proxy_spliced_total{reason="client_distrust"}')"
echo "$failures connections without trust, $spliced passed on"
[ "$failures" -ge 4 ] && [ "$spliced" -ge 4 ] || fail "they are not counted"
[ "$spliced" = "$(aws_proxy_metric 'network_mapper_aws_proxy_connections_total{outcome="spliced"}')" ] || fail "not all that are passed on are counted"
[ -z "$(aws_on_map pinned)$(aws_on_map pinned ATTEMPTED)" ] || fail "what is passed on unread is on the map"
