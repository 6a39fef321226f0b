import java.io.ByteArrayInputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.Callable;
import javax.net.ssl.HttpsURLConnection;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbClient;
import software.amazon.awssdk.services.dynamodb.model.AttributeDefinition;
import software.amazon.awssdk.services.dynamodb.model.AttributeValue;
import software.amazon.awssdk.services.dynamodb.model.BillingMode;
import software.amazon.awssdk.services.dynamodb.model.KeySchemaElement;
import software.amazon.awssdk.services.dynamodb.model.KeyType;
import software.amazon.awssdk.services.dynamodb.model.ScalarAttributeType;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.sqs.SqsClient;

/**
 * Uses S3, SQS and DynamoDB by AWS' SDK for Java, and prints what the calls gave. Region and credentials come from the environment, trust from the
 * JVM alone.
 *
 * <p>Usage: Client sdk | Client get URL (by the JDK's own client, once; its exit code)
 */
final class Client {
  private Client() {}

  private static void give(String name, Callable<Object> call) throws Exception {
    Object result;
    try {
      result = call.call();
    } catch (AwsServiceException error) {
      result = error.statusCode() + " " + error.awsErrorDetails().errorCode();
    }
    System.out.println(name + ": " + result);
  }

  private static void useS3() throws Exception {
    // More than one buffer holds; of a stream, so that the SDK sends it in chunks with signatures of their own.
    byte[] picture = new byte[3_000_000];
    Arrays.fill(picture, (byte) 7);
    try (S3Client s3 = S3Client.create()) {
      give("create bucket", () -> s3.createBucket(b -> b.bucket("jvm-pictures").createBucketConfiguration(
          c -> c.locationConstraint(System.getenv("AWS_REGION")))).sdkHttpResponse().statusCode());
      give("put", () -> s3.putObject(b -> b.bucket("jvm-pictures").key("a/b.png"),
          RequestBody.fromInputStream(new ByteArrayInputStream(picture), picture.length)).eTag());
      give("get", () -> Arrays.equals(s3.getObjectAsBytes(b -> b.bucket("jvm-pictures").key("a/b.png")).asByteArray(), picture));
      give("nothing", () -> s3.getObjectAsBytes(b -> b.bucket("jvm-pictures").key("nothing")).asUtf8String());
    }
  }

  private static void useSqs() throws Exception {
    try (SqsClient sqs = SqsClient.create()) {
      String url = sqs.createQueue(b -> b.queueName("jvm-jobs")).queueUrl();
      System.out.println("queue: " + url);
      give("send", () -> sqs.sendMessage(b -> b.queueUrl(url).messageBody("work")).md5OfMessageBody());
      give("receive", () -> sqs.receiveMessage(b -> b.queueUrl(url)).messages().get(0).body());
    }
  }

  private static void useDynamoDb() throws Exception {
    try (DynamoDbClient table = DynamoDbClient.create(); DynamoDbAsyncClient together = DynamoDbAsyncClient.create()) {
      give("create table", () -> table.createTable(b -> b.tableName("jvm-carts").billingMode(BillingMode.PAY_PER_REQUEST)
          .keySchema(KeySchemaElement.builder().attributeName("id").keyType(KeyType.HASH).build())
          .attributeDefinitions(AttributeDefinition.builder().attributeName("id").attributeType(ScalarAttributeType.S).build()))
          .tableDescription().tableName());
      // By Netty.
      give("put item", () -> together.putItem(b -> b.tableName("jvm-carts").item(Map.of("id", AttributeValue.fromS("1")))).get()
          .sdkHttpResponse().statusCode());
      give("get item", () -> table.getItem(b -> b.tableName("jvm-carts").key(Map.of("id", AttributeValue.fromS("1")))).item().get("id").s());
    }
  }

  private static void get(String url) throws Exception {
    HttpsURLConnection connection = (HttpsURLConnection) URI.create(url).toURL().openConnection();
    connection.setConnectTimeout(10_000);
    connection.setReadTimeout(10_000);
    int status = connection.getResponseCode();
    System.out.println(status + " " + new String(connection.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
  }

  public static void main(String[] arguments) throws Exception {
    if (arguments[0].equals("get")) {
      get(arguments[1]);
      return;
    }
    useS3();
    useSqs();
    useDynamoDb();
  }
}
