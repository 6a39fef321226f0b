// Plays clients of a Kafka broker: does what each line of standard input says and prints, for each, "ok", "denied" or, with the
// cause, "failed"; ends with 1 after the first failure. A denial is no failure: it is what some tests are after.
//
// Usage: java -Xmx256m -cp 'JARS/*' Clients.java ADDRESS[:PORT] [USER]      with USER by SASL PLAIN, password "USER-secret"
//
//   create TOPIC PARTITIONS          delete TOPIC                   add-partitions TOPIC TOTAL
//   describe TOPIC                   list-topics                    list-groups
//   describe-configs TOPIC           alter-configs TOPIC KEY=VALUE  delete-records TOPIC BEFORE
//   produce TOPIC RECORDS            produce-plain TOPIC RECORDS    (without idempotence)
//   transact TOPIC RECORDS ID        copy FROM TO GROUP ID          (consumes, produces and commits in one transaction)
//   consume TOPIC GROUP RECORDS      consume-pattern REGEX GROUP RECORDS
//   acl allow|deny PRINCIPAL OPERATION TYPE LITERAL|PREFIXED NAME   (every host; %20 stands for a blank)
//   delete-acls TYPE NAME            pause MILLISECONDS
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.regex.Pattern;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AccessControlEntryFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.TimeoutException;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourcePatternFilter;
import org.apache.kafka.common.resource.ResourceType;

public class Clients {
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private final Map<String, Object> connection = new HashMap<>();

  public static void main(String[] arguments) throws Exception {
    Clients clients = new Clients(arguments[0], arguments.length > 1 ? arguments[1] : null);
    BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
      if (line.isBlank()) {
        continue;
      }
      String outcome = clients.attempt(line.trim().split(" "));
      System.out.println(line + ": " + outcome);
      if (outcome.startsWith("failed")) {
        System.exit(1);
      }
    }
    System.exit(0);
  }

  Clients(String address, String user) {
    String port = address.matches("(\\[.*\\]|[^:]*):[0-9]+") ? "" : user == null ? ":9092" : ":9094";
    connection.put("bootstrap.servers", address + port);
    connection.put("default.api.timeout.ms", (int) PATIENCE.toMillis());
    connection.put("request.timeout.ms", 10_000);
    if (user != null) {
      connection.put("security.protocol", "SASL_PLAINTEXT");
      connection.put("sasl.mechanism", "PLAIN");
      connection.put("sasl.jaas.config", String.format(
          "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"%s\" password=\"%s-secret\";", user, user));
    }
  }

  String attempt(String[] words) {
    try {
      for (int i = 0; i < words.length; ++i) {
        words[i] = words[i].replace("%20", " ").replace("%0A", "\n");
      }
      perform(words);
      return "ok";
    } catch (Exception exception) {
      Throwable cause = exception instanceof ExecutionException ? exception.getCause() : exception;
      boolean denied = cause instanceof AuthorizationException || cause instanceof InvalidTopicException;
      return denied ? "denied" : "failed: " + cause;
    }
  }

  void perform(String[] words) throws Exception {
    switch (words[0]) {
      case "produce" -> produce(words[1], Integer.parseInt(words[2]), Map.of());
      case "produce-plain" -> produce(words[1], Integer.parseInt(words[2]), Map.of("enable.idempotence", false));
      case "transact" -> produce(words[1], Integer.parseInt(words[2]), Map.of("transactional.id", words[3]));
      case "copy" -> copy(words[1], words[2], words[3], words[4]);
      case "consume" -> consume(words[1], null, words[2], Integer.parseInt(words[3]));
      case "consume-pattern" -> consume(null, Pattern.compile(words[1]), words[2], Integer.parseInt(words[3]));
      case "pause" -> Thread.sleep(Long.parseLong(words[1]));
      default -> {
        try (Admin admin = Admin.create(connection)) {
          administer(admin, words).get();
        }
      }
    }
  }

  // Kafka 3.9 has no other way to list groups.
  @SuppressWarnings("removal")
  Future<?> administer(Admin admin, String[] words) {
    ConfigResource resource = words.length > 1 ? new ConfigResource(ConfigResource.Type.TOPIC, words[1]) : null;
    return switch (words[0]) {
      case "create" -> admin.createTopics(List.of(new NewTopic(words[1], Integer.parseInt(words[2]), (short) 1))).all();
      case "delete" -> admin.deleteTopics(List.of(words[1])).all();
      case "add-partitions" ->
          admin.createPartitions(Map.of(words[1], NewPartitions.increaseTo(Integer.parseInt(words[2])))).all();
      case "describe" -> admin.describeTopics(List.of(words[1])).allTopicNames();
      case "list-topics" -> admin.listTopics().names();
      case "list-groups" -> admin.listConsumerGroups().all();
      case "describe-configs" -> admin.describeConfigs(List.of(resource)).all();
      case "alter-configs" -> {
        String[] setting = words[2].split("=");
        AlterConfigOp change = new AlterConfigOp(new ConfigEntry(setting[0], setting[1]), AlterConfigOp.OpType.SET);
        yield admin.incrementalAlterConfigs(Map.of(resource, List.of(change))).all();
      }
      case "delete-records" -> admin.deleteRecords(
          Map.of(new TopicPartition(words[1], 0), RecordsToDelete.beforeOffset(Long.parseLong(words[2])))).all();
      case "acl" -> admin.createAcls(List.of(new AclBinding(
          new ResourcePattern(ResourceType.fromString(words[4]), words[6], PatternType.valueOf(words[5])),
          new AccessControlEntry(words[2], "*", AclOperation.fromString(words[3]), AclPermissionType.fromString(words[1]))))).all();
      case "delete-acls" -> admin.deleteAcls(List.of(new AclBindingFilter(
          new ResourcePatternFilter(ResourceType.fromString(words[1]), words[2], PatternType.ANY),
          AccessControlEntryFilter.ANY))).all();
      default -> throw new IllegalArgumentException("no such action: " + words[0]);
    };
  }

  KafkaProducer<String, String> producer(Map<String, Object> options) {
    Map<String, Object> settings = new HashMap<>(connection);
    settings.remove("default.api.timeout.ms");
    settings.put("key.serializer", "org.apache.kafka.common.serialization.StringSerializer");
    settings.put("value.serializer", "org.apache.kafka.common.serialization.StringSerializer");
    settings.put("max.block.ms", PATIENCE.toMillis());
    settings.put("delivery.timeout.ms", 20_000);
    settings.putAll(options);
    return new KafkaProducer<>(settings);
  }

  KafkaConsumer<String, String> consumer(String group) {
    Map<String, Object> settings = new HashMap<>(connection);
    settings.put("key.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
    settings.put("value.deserializer", "org.apache.kafka.common.serialization.StringDeserializer");
    settings.put("group.id", group);
    settings.put("auto.offset.reset", "earliest");
    settings.put("enable.auto.commit", false);
    settings.put("allow.auto.create.topics", false);
    return new KafkaConsumer<>(settings);
  }

  // One record after the other, each waited for: as many requests as records.
  void produce(String topic, int records, Map<String, Object> options) throws Exception {
    try (KafkaProducer<String, String> producer = producer(options)) {
      boolean transactional = options.containsKey("transactional.id");
      if (transactional) {
        producer.initTransactions();
        producer.beginTransaction();
      }
      for (int i = 0; i < records; ++i) {
        producer.send(new ProducerRecord<>(topic, "record " + i)).get();
      }
      if (transactional) {
        producer.commitTransaction();
      }
    }
  }

  // Until so many records were read; then commits.
  void consume(String topic, Pattern pattern, String group, int records) {
    try (KafkaConsumer<String, String> consumer = consumer(group)) {
      if (topic != null) {
        consumer.subscribe(List.of(topic));
      } else {
        consumer.subscribe(pattern);
      }
      read(consumer, records);
      consumer.commitSync();
    }
  }

  Map<TopicPartition, OffsetAndMetadata> read(KafkaConsumer<String, String> consumer, int records) {
    Map<TopicPartition, OffsetAndMetadata> offsets = new HashMap<>();
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    for (int seen = 0; seen < records;) {
      if (System.nanoTime() > deadline) {
        throw new TimeoutException("read " + seen + " of " + records + " records");
      }
      ConsumerRecords<String, String> batch = consumer.poll(Duration.ofMillis(200));
      seen += batch.count();
      for (ConsumerRecord<String, String> record : batch) {
        offsets.put(new TopicPartition(record.topic(), record.partition()), new OffsetAndMetadata(record.offset() + 1));
      }
    }
    return offsets;
  }

  void copy(String from, String to, String group, String id) throws Exception {
    try (KafkaConsumer<String, String> consumer = consumer(group);
        KafkaProducer<String, String> producer = producer(Map.of("transactional.id", id))) {
      producer.initTransactions();
      consumer.subscribe(List.of(from));
      Map<TopicPartition, OffsetAndMetadata> offsets = read(consumer, 1);
      producer.beginTransaction();
      producer.send(new ProducerRecord<>(to, "copied")).get();
      producer.sendOffsetsToTransaction(offsets, consumer.groupMetadata());
      producer.commitTransaction();
    }
  }
}
