#!/usr/bin/env bash
# Version 2 of AWS' command line, as Debian has it: its calls to services that speak the query protocol, SQS among them, which newer clients ask by
# JSON, give through the proxy what they give without it, and are on the map.
set -euo pipefail
# shellcheck source=tests/integration/support.sh
. "$(dirname "$0")/support.sh"
# shellcheck source=tests/integration/aws/support.sh
. "$root/tests/integration/aws/support.sh"

cli=/usr/bin/aws
if ! "$cli" --version 2> /dev/null | grep -q '^aws-cli/2\.'; then
  echo "skipped: awscli 2 is missing: scripts/install-deps --aws"
  exit 77
fi
models=/usr/lib/python3/dist-packages/awscli/botocore/data
protocols="$(jq -r .metadata.protocol "$models"/{sqs,sns,sts,iam}/*/service-2.json | sort -u)"
[ "$protocols" = query ] || fail "this awscli has other protocols: $protocols"
aws_test_can_run
aws_up

# The words of one call a line; arguments: pod, bundle. What it gives; or, of what fails, its exit code and words.
use_cli() {
  local call
  aws_begin_anew
  while read -ra call; do
    aws_in "$1" "$2" env -u PYTHONPATH "$cli" "${call[@]}" 2>&1 || echo "exit code $?"
  done << END
sqs create-queue --queue-name cli-jobs --query QueueUrl
sqs send-message --queue-url https://sqs.$aws_region.amazonaws.com/123456789012/cli-jobs --message-body work --query MD5OfMessageBody
sqs receive-message --queue-url https://sqs.$aws_region.amazonaws.com/123456789012/cli-jobs --query Messages[].Body
sqs get-queue-url --queue-name nothing
sts get-caller-identity --query Account
sts assume-role --role-arn arn:aws:iam::123456789012:role/cli --role-session-name cli --query AssumedRoleUser.Arn
sns create-topic --name cli-news --query TopicArn
sns publish --topic-arn arn:aws:sns:$aws_region:123456789012:cli-news --message news --query length(MessageId)
iam create-user --user-name cli --query User.Arn
iam get-user --user-name cli --query User.UserName
END
}
without="$(use_cli "$plain" roots.pem)"
[ "$(grep -c '^exit code' <<< "$without")" = 1 ] && grep -q NonExistentQueue <<< "$without" || fail "without the proxy: $without"
[ "$(aws_proxy_metric 'network_mapper_aws_proxy_exchanges_total{host="aws"}')" = 0 ] || fail "calls without the proxy went through it"
aws_same "what calls give through the proxy" "$without" "$(use_cli "$web" bundle.pem)"
wanted="$(LC_ALL=C sort << END
arn:aws:iam::123456789012:role/cli sts:AssumeRole
arn:aws:iam::123456789012:user/cli iam:CreateUser
arn:aws:iam::123456789012:user/cli iam:GetUser
arn:aws:sns:$aws_region:123456789012:cli-news sns:CreateTopic
arn:aws:sns:$aws_region:123456789012:cli-news sns:Publish
arn:aws:sqs:$aws_region:123456789012:cli-jobs sqs:CreateQueue
arn:aws:sqs:$aws_region:123456789012:cli-jobs sqs:ReceiveMessage
arn:aws:sqs:$aws_region:123456789012:cli-jobs sqs:SendMessage
END
)"
wait_for 10 aws_map_is web "$wanted" || aws_same "the map" "$wanted" "$(aws_on_map web)"
aws_same "what was attempted" "arn:aws:sqs:$aws_region:123456789012:nothing sqs:GetQueueUrl" "$(aws_on_map web ATTEMPTED)"
[ -z "$(aws_on_map plain)" ] || fail "there is more on the map: $(aws_on_map plain)"
