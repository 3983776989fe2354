import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.function.BooleanSupplier;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.TopicExistsException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** What a client of Kafka does every day, with Kafka's own library: topics, messages, a group of two, resuming. */
public final class Client {
    private static final Duration PATIENCE = Duration.ofSeconds(60);
    private static final String TOPIC = "java-orders";
    private static final String GROUP = "java-team";

    private final String address;
    private final Admin admin;

    private Client(String address) {
        this.address = address;
        this.admin = Admin.create(settings());
    }

    public static void main(String[] arguments) throws Exception {
        new Client(arguments[0]).run();
        System.out.println("everything came out");
    }

    private void run() throws Exception {
        topics();
        publish("none", 0, 10);
        publish("gzip", 10, 20);
        KafkaConsumer<String, String> first = join();
        check(read(List.of(first), 20).equals(expected(0, 20)), "20 messages come");
        KafkaConsumer<String, String> second = join();
        shares(List.of(first, second), List.of(1, 1));
        check(groups().contains(GROUP), "the group is listed");
        var described = admin.describeConsumerGroups(List.of(GROUP)).all().get().get(GROUP);
        check(described.members().size() == 2, "two members: " + described);
        publish("none", 20, 30);
        check(read(List.of(first, second), 10).equals(expected(20, 30)), "10 messages come");
        first.close();
        shares(List.of(second), List.of(2));
        second.close();

        publish("none", 30, 35);
        KafkaConsumer<String, String> resumed = join();
        check(read(List.of(resumed), 5).equals(expected(30, 35)), "what was committed does not come again");
        resumed.close();
        admin.deleteConsumerGroups(List.of(GROUP)).all().get();
        admin.deleteTopics(List.of(TOPIC)).all().get();
        check(!admin.listTopics().names().get().contains(TOPIC), "the topic is gone");
        admin.close();
    }

    private void topics() throws Exception {
        admin.createTopics(List.of(new NewTopic(TOPIC, 2, (short) 1))).all().get();
        refused(new NewTopic(TOPIC, 2, (short) 1), TopicExistsException.class);
        refused(new NewTopic("a b", 2, (short) 1), InvalidTopicException.class);
        check(admin.listTopics().names().get().contains(TOPIC), "the topic is listed");
        var described = admin.describeTopics(List.of(TOPIC)).allTopicNames().get().get(TOPIC);
        check(described.partitions().size() == 2, "two partitions: " + described);
    }

    private void refused(NewTopic topic, Class<? extends Exception> expected) throws InterruptedException {
        try {
            admin.createTopics(List.of(topic)).all().get();
        } catch (ExecutionException error) {
            check(expected.isInstance(error.getCause()), "another error: " + error.getCause());
            return;
        }
        check(false, topic + " was made");
    }

    private Collection<String> groups() throws Exception {
        return admin.listConsumerGroups().all().get().stream().map(group -> group.groupId()).toList();
    }

    private void publish(String compression, int from, int to) throws Exception {
        Properties settings = settings();
        settings.put("compression.type", compression);
        try (var producer = new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer())) {
            for (int number = from; number < to; number++) {
                producer.send(new ProducerRecord<>(TOPIC, String.valueOf(number), "message " + number)).get();
            }
        }
    }

    private KafkaConsumer<String, String> join() {
        Properties settings = settings();
        settings.put("group.id", GROUP);
        settings.put("auto.offset.reset", "earliest");
        settings.put("enable.auto.commit", "false");
        var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
        consumer.subscribe(List.of(TOPIC));
        return consumer;
    }

    /** Reads so many messages, by whomever, and commits them. */
    private List<String> read(List<KafkaConsumer<String, String>> consumers, int count) {
        List<String> seen = new ArrayList<>();
        until(count + " messages are read", () -> {
            for (var consumer : consumers) {
                for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(100))) {
                    seen.add(record.value());
                }
            }
            return seen.size() >= count;
        });
        consumers.forEach(consumer -> consumer.commitSync(PATIENCE));
        return seen.stream().sorted().toList();
    }

    private void shares(List<KafkaConsumer<String, String>> consumers, List<Integer> expected) {
        until("partitions are shared as " + expected, () -> {
            consumers.forEach(consumer -> consumer.poll(Duration.ofMillis(100)));
            return consumers.stream().map(consumer -> consumer.assignment().size()).toList().equals(expected);
        });
    }

    private static List<String> expected(int from, int to) {
        return IntStream.range(from, to).mapToObj(number -> "message " + number).sorted().toList();
    }

    private Properties settings() {
        Properties settings = new Properties();
        settings.putAll(Map.of("bootstrap.servers", address));
        return settings;
    }

    private static void until(String what, BooleanSupplier holds) {
        long end = System.nanoTime() + PATIENCE.toNanos();
        while (!holds.getAsBoolean()) {
            check(System.nanoTime() < end, "in vain waited until " + what);
        }
    }

    private static void check(boolean holds, String what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
