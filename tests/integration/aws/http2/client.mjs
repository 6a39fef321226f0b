// Uses Kinesis by AWS' SDK for JavaScript, which speaks HTTP/2 with it, and prints what the calls gave. By itself it takes a connection for
// each call; another client of the SDK makes many calls at the same time on one. AWS_REGION and credentials come from the environment, its trust from NODE_EXTRA_CA_CERTS.
import { createRequire } from "node:module";
// The packages are in a folder of their own.
const require = createRequire(`${process.env.NODE_PACKAGES}/`);
const { Kinesis } = require("@aws-sdk/client-kinesis");
const { NodeHttp2Handler } = require("@smithy/node-http-handler");

const kinesis = new Kinesis({});
const together = new Kinesis({ requestHandler: new NodeHttp2Handler({ disableConcurrentStreams: false, sessionTimeout: 5000 }) });
const give = async (name, promise) => {
  let result;
  try {
    const { $metadata, ...rest } = await promise;
    result = { status: $metadata.httpStatusCode, ...rest };
  } catch (error) {
    result = { error: error.name, status: error.$metadata?.httpStatusCode, message: error.message };
  }
  console.log(JSON.stringify([name, result], (key, value) => (/Timestamp|Sequence/.test(key) ? "MOMENT" : value instanceof Uint8Array ? [...value] : value)));
  return result;
};

await give("create", kinesis.createStream({ StreamName: "clicks", ShardCount: 1 }));
const records = Array.from({ length: 50 }, (_, i) =>
  together.putRecord({ StreamName: "clicks", PartitionKey: "a", Data: new Uint8Array(1000 * i).fill(i) }));
await give("records", Promise.all(records).then((all) => ({ $metadata: all[0].$metadata, shards: all.map((one) => one.ShardId) })));
const small = Array.from({ length: 4 }, (_, i) => ({ PartitionKey: "a", Data: new Uint8Array(9000).fill(i) }));
await give("small", kinesis.putRecords({ StreamName: "clicks", Records: small }));
// More than one frame and one window of HTTP/2 hold.
const large = Array.from({ length: 4 }, (_, i) => ({ PartitionKey: "a", Data: new Uint8Array(900_000).fill(i) }));
await give("large", kinesis.putRecords({ StreamName: "clicks", Records: large }));
await give("stream", kinesis.describeStreamSummary({ StreamName: "clicks" }));
const { ShardIterator } = await kinesis.getShardIterator({ StreamName: "clicks", ShardId: "shardId-000000000000", ShardIteratorType: "TRIM_HORIZON" });
const got = await kinesis.getRecords({ ShardIterator });
console.log(JSON.stringify(["got", got.Records.map((one) => one.Data.length).sort((a, b) => a - b)]));
await give("streams", kinesis.listStreams({}));
await give("nothing", kinesis.describeStreamSummary({ StreamName: "nothing" }));
together.destroy();
