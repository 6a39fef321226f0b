"""What the workload of aws_test.sh does in AWS: commands of awscli in the order in which they run, and of each what the map has to show."""

import base64
import dataclasses
from dataclasses import dataclass, field

REGION = "eu-west-1"
ACCOUNT = "123456789012"


def key_id():
    """An access key's id says its account: bits 7 to 46 of its first 48."""
    return "AKIA" + base64.b32encode(((int(ACCOUNT) << 7) | 1 << 47).to_bytes(6, "big") + b"shop").decode()


@dataclass
class Call:
    # Words as in a shell; $name is a value that an earlier call's result gave, $R the region, $A the account.
    command: str
    # "ACTION RESOURCE", both as in an IAM policy; none for what needs no permission.
    accesses: list = field(default_factory=list)
    # Values for later calls, by JMESPath.
    save: dict = field(default_factory=dict)
    exit_code: int = 0


def call(command, *accesses, exit_code=0, **save):
    return Call(command, list(accesses), save, exit_code)


PICTURES = "arn:aws:s3:::shop-pictures"
DOTTED = "arn:aws:s3:::shop.dotted.example"
QUEUE = "arn:aws:sqs:$R:$A:orders"
QUEUE_URL = "--queue-url https://sqs.$R.amazonaws.com/$A/orders"
TOPIC = "arn:aws:sns:$R:$A:sales"
TABLE = "arn:aws:dynamodb:$R:$A:table/carts"
KEY = "arn:aws:kms:$R:$A:key/$key"
SECRET = "arn:aws:secretsmanager:$R:$A:secret:shop/db"
ROLE = "arn:aws:iam::$A:role/worker"
FUNCTION = "arn:aws:lambda:$R:$A:function:resize"
GROUP = "arn:aws:logs:$R:$A:log-group:/shop/web"
STREAM = "arn:aws:kinesis:$R:$A:stream/clicks"
MACHINE = "arn:aws:states:$R:$A:stateMachine:checkout"

CALLS = [
    # S3
    call("s3 mb s3://shop-pictures", f"s3:CreateBucket {PICTURES}"),
    call("s3api create-bucket --bucket shop.dotted.example --create-bucket-configuration LocationConstraint=$R",
         f"s3:CreateBucket {DOTTED}"),
    call("s3 cp --no-progress small.txt 's3://shop-pictures/a b/c+d é.txt'", f"s3:PutObject {PICTURES}/a b/c+d é.txt"),
    call("s3 cp 's3://shop-pictures/a b/c+d é.txt' -", f"s3:GetObject {PICTURES}/a b/c+d é.txt"),
    call("s3 cp --no-progress big.bin s3://shop-pictures/big.bin", f"s3:PutObject {PICTURES}/big.bin"),
    call("s3 cp --no-progress s3://shop-pictures/big.bin down.bin", f"s3:GetObject {PICTURES}/big.bin"),
    call("s3 ls s3://shop-pictures --recursive", f"s3:ListBucket {PICTURES}"),
    call("s3api list-buckets", "s3:ListAllMyBuckets *"),
    call("s3api head-bucket --bucket shop.dotted.example", f"s3:ListBucket {DOTTED}"),
    call("s3api get-bucket-location --bucket shop-pictures", f"s3:GetBucketLocation {PICTURES}"),
    call("s3api put-object --bucket shop.dotted.example --key in.txt --body small.txt --metadata a=b", f"s3:PutObject {DOTTED}/in.txt"),
    call("s3api put-object-tagging --bucket shop.dotted.example --key in.txt --tagging 'TagSet=[{Key=k,Value=v}]'",
         f"s3:PutObjectTagging {DOTTED}/in.txt"),
    call("s3api get-object-tagging --bucket shop.dotted.example --key in.txt", f"s3:GetObjectTagging {DOTTED}/in.txt"),
    call("s3 cp --no-progress s3://shop.dotted.example/in.txt s3://shop-pictures/copy.txt", f"s3:GetObject {DOTTED}/in.txt",
         f"s3:PutObject {PICTURES}/copy.txt"),
    call("s3api create-multipart-upload --bucket shop-pictures --key parts.bin", f"s3:PutObject {PICTURES}/parts.bin", upload="UploadId"),
    call("s3api upload-part --bucket shop-pictures --key parts.bin --part-number 1 --body small.txt --upload-id $upload",
         f"s3:PutObject {PICTURES}/parts.bin"),
    call("s3api list-parts --bucket shop-pictures --key parts.bin --upload-id $upload", f"s3:ListMultipartUploadParts {PICTURES}/parts.bin"),
    call("s3api abort-multipart-upload --bucket shop-pictures --key parts.bin --upload-id $upload",
         f"s3:AbortMultipartUpload {PICTURES}/parts.bin"),
    call("presign s3://shop-pictures/copy.txt", f"s3:GetObject {PICTURES}/copy.txt"),
    call("s3api get-object --bucket shop-pictures --key nowhere.txt nowhere.txt", f"s3:GetObject {PICTURES}/nowhere.txt", exit_code=254),
    call("s3 rm s3://shop-pictures/copy.txt", f"s3:DeleteObject {PICTURES}/copy.txt"),
    # SQS
    call("sqs create-queue --queue-name orders", f"sqs:CreateQueue {QUEUE}"),
    call("sqs get-queue-url --queue-name orders", f"sqs:GetQueueUrl {QUEUE}"),
    call(f"sqs send-message {QUEUE_URL} --message-body one", f"sqs:SendMessage {QUEUE}"),
    call(f"sqs send-message-batch {QUEUE_URL} --entries Id=1,MessageBody=two Id=2,MessageBody=three", f"sqs:SendMessage {QUEUE}"),
    call(f"sqs receive-message {QUEUE_URL}", f"sqs:ReceiveMessage {QUEUE}", receipt="Messages[0].ReceiptHandle"),
    call(f"sqs delete-message {QUEUE_URL} --receipt-handle $receipt", f"sqs:DeleteMessage {QUEUE}"),
    call("sqs list-queues --region us-east-1", "sqs:ListQueues *"),
    # SNS
    call("sns create-topic --name sales", f"sns:CreateTopic {TOPIC}"),
    call(f"sns subscribe --topic-arn {TOPIC} --protocol sqs --notification-endpoint {QUEUE}", f"sns:Subscribe {TOPIC}"),
    call(f"sns publish --topic-arn {TOPIC} --message sold", f"sns:Publish {TOPIC}"),
    call("sns list-topics", "sns:ListTopics *"),
    # DynamoDB
    call("dynamodb create-table --table-name carts --billing-mode PAY_PER_REQUEST --key-schema AttributeName=id,KeyType=HASH "
         "--attribute-definitions AttributeName=id,AttributeType=S AttributeName=owner,AttributeType=S --global-secondary-indexes "
         "'IndexName=by-owner,KeySchema=[{AttributeName=owner,KeyType=HASH}],Projection={ProjectionType=ALL}'",
         f"dynamodb:CreateTable {TABLE}"),
    call("""dynamodb put-item --table-name carts --item '{"id":{"S":"1"},"owner":{"S":"ada"}}'""", f"dynamodb:PutItem {TABLE}"),
    call("""dynamodb get-item --table-name carts --key '{"id":{"S":"1"}}'""", f"dynamodb:GetItem {TABLE}"),
    call("""dynamodb query --table-name carts --index-name by-owner --key-condition-expression '#o = :o' --expression-attribute-names """
         """'{"#o":"owner"}' --expression-attribute-values '{":o":{"S":"ada"}}'""", f"dynamodb:Query {TABLE}/index/by-owner"),
    call("""dynamodb batch-write-item --request-items '{"carts":[{"PutRequest":{"Item":{"id":{"S":"2"}}}}]}'""",
         f"dynamodb:BatchWriteItem {TABLE}"),
    call("""dynamodb transact-write-items --transact-items '[{"Delete":{"TableName":"carts","Key":{"id":{"S":"2"}}}}]'""",
         f"dynamodb:DeleteItem {TABLE}"),
    # KMS, Secrets Manager, SSM
    call("kms create-key --description shop", "kms:CreateKey *", key="KeyMetadata.KeyId"),
    call("kms create-alias --alias-name alias/shop --target-key-id $key", "kms:CreateAlias arn:aws:kms:$R:$A:alias/shop",
         f"kms:CreateAlias {KEY}"),
    call("kms encrypt --key-id alias/shop --plaintext c2VjcmV0", f"kms:Encrypt {KEY}", cipher="CiphertextBlob"),
    call("kms decrypt --ciphertext-blob fileb://cipher.bin", f"kms:Decrypt {KEY}"),
    call("kms generate-data-key --key-id $key --key-spec AES_256 --query KeyId", f"kms:GenerateDataKey {KEY}"),
    call("secretsmanager create-secret --name shop/db --secret-string hunter2 --client-request-token 00000000-0000-4000-8000-000000000001", f"secretsmanager:CreateSecret {SECRET}-??????",
         secret="ARN"),
    call("secretsmanager get-secret-value --secret-id shop/db", "secretsmanager:GetSecretValue $secret"),
    call("ssm put-parameter --name /shop/color --value red --type String", "ssm:PutParameter arn:aws:ssm:$R:$A:parameter/shop/color"),
    call("ssm get-parameter --name /shop/color", "ssm:GetParameter arn:aws:ssm:$R:$A:parameter/shop/color"),
    call("ssm get-parameters-by-path --path /shop", "ssm:GetParametersByPath arn:aws:ssm:$R:$A:parameter/shop*"),
    # STS, IAM, Lambda
    call("sts get-caller-identity"),
    call("""iam create-role --role-name worker --assume-role-policy-document '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","""
         """"Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}'""", f"iam:CreateRole {ROLE}"),
    call("iam get-role --role-name worker", f"iam:GetRole {ROLE}"),
    call(f"sts assume-role --role-arn {ROLE} --role-session-name one", f"sts:AssumeRole {ROLE}",
         token="Credentials.SessionToken"),
    call(f"lambda create-function --function-name resize --runtime python3.11 --handler f.h --role {ROLE} --zip-file fileb://f.zip",
         f"lambda:CreateFunction {FUNCTION}", f"iam:PassRole {ROLE}"),
    call("lambda invoke --function-name resize --payload e30= out.json", f"lambda:InvokeFunction {FUNCTION}"),
    call("lambda list-functions", "lambda:ListFunctions *"),
    # Logs, CloudWatch
    call("logs create-log-group --log-group-name /shop/web", f"logs:CreateLogGroup {GROUP}"),
    call("logs create-log-stream --log-group-name /shop/web --log-stream-name one", f"logs:CreateLogStream {GROUP}:log-stream:one"),
    call("logs put-log-events --log-group-name /shop/web --log-stream-name one --log-events timestamp=$now,message=hello",
         f"logs:PutLogEvents {GROUP}:log-stream:*"),
    call("cloudwatch put-metric-data --namespace Shop --metric-name sold --value 1", "cloudwatch:PutMetricData *"),
    call("cloudwatch list-metrics --namespace Shop", "cloudwatch:ListMetrics *"),
    # Kinesis, EventBridge, Step Functions
    call("kinesis create-stream --stream-name clicks --shard-count 1", f"kinesis:CreateStream {STREAM}"),
    call("kinesis put-record --stream-name clicks --partition-key a --data Y2xpY2s=", f"kinesis:PutRecord {STREAM}"),
    call("kinesis describe-stream-summary --stream-name clicks", f"kinesis:DescribeStreamSummary {STREAM}"),
    call("events put-rule --name nightly --schedule-expression 'rate(1 day)'", "events:PutRule arn:aws:events:$R:$A:rule/nightly"),
    call("events put-events --entries 'Source=shop,DetailType=sold,Detail=\"{}\"'", "events:PutEvents arn:aws:events:$R:$A:event-bus/default"),
    call(f"""stepfunctions create-state-machine --name checkout --role-arn {ROLE} --definition """
         """'{"StartAt":"A","States":{"A":{"Type":"Pass","End":true}}}'""", f"states:CreateStateMachine {MACHINE}", f"iam:PassRole {ROLE}"),
    call(f"stepfunctions start-execution --state-machine-arn {MACHINE} --name first", f"states:StartExecution {MACHINE}"),
    # ECR, EC2, Route 53
    call("ecr create-repository --repository-name shop/web", "ecr:CreateRepository arn:aws:ecr:$R:$A:repository/shop/web"),
    call("ecr describe-repositories --repository-names shop/web", "ecr:DescribeRepositories arn:aws:ecr:$R:$A:repository/shop/web"),
    call("ecr get-authorization-token --query authorizationData[].proxyEndpoint", "ecr:GetAuthorizationToken *"),
    call("ec2 describe-instances", "ec2:DescribeInstances *"),
    call("ec2 create-key-pair --key-name shop --query KeyName", "ec2:CreateKeyPair arn:aws:ec2:$R:$A:key-pair/shop"),
    call("route53 list-hosted-zones", "route53:ListHostedZones *"),
]


def services():
    """Botocore's names of those that are called."""
    return {c.command.split()[0] for c in CALLS} - {"s3api", "presign"}
