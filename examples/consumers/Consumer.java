// Follows Lightbar's alerts: java -cp 'libs/*' Consumer.java BROKER:9092 TOPIC [END after so many records]
// libs: kafka-clients, jackson-databind and what they need.
import com.fasterxml.jackson.databind.*;
import java.time.*;
import java.util.*;
import org.apache.kafka.clients.consumer.*;
import org.apache.kafka.common.serialization.*;

class Follow {
    static final Set<List<String>> seen = new HashSet<>();  // keep both of these in your database, in one
    static final Map<List<String>, Long> last = new HashMap<>();  // transaction with what you do

    public static void main(String[] args) throws Exception {
        var left = args.length > 2 ? Long.parseLong(args[2]) : Long.MAX_VALUE;
        var settings = Map.<String, Object>of("bootstrap.servers", args[0], "group.id", "example-java",
            "auto.offset.reset", "earliest", "enable.auto.commit", "false");
        try (var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            consumer.subscribe(List.of(args[1]));
            while (left > 0) {
                for (var record : consumer.poll(Duration.ofSeconds(60))) {
                    var headers = new HashMap<String, String>();
                    record.headers().forEach(header -> headers.put(header.key(), new String(header.value())));
                    handle(headers, record.value());
                    left--;
                }
                consumer.commitSync();
            }
        }
    }

    static void handle(Map<String, String> headers, String value) throws Exception {
        var type = headers.get("ce_type").split("\\.");
        if (type.length < 3 || !type[type.length - 3].equals("alert") || !type[type.length - 1].equals("v1")) {
            System.out.println("pass over " + headers.get("ce_type"));
            return;
        }
        var source = headers.get("ce_source");
        if (!seen.add(List.of(source, headers.get("ce_id")))) { System.out.println("repeat"); return; }
        var count = Long.parseLong(headers.get("ce_sequence"));
        var before = last.put(List.of(source, headers.get("ce_epoch")), count);
        if (before != null && count > before + 1) System.out.println("gap of " + (count - before - 1) + " at " + source);
        JsonNode alert = new ObjectMapper().readTree(value);
        var phase = type[type.length - 2];
        var now = Instant.now();
        var todo = phase.equals("ended") ? "close"
            : !phase.equals("opened") ? "update"  // updated, or a word of the future
            : !alert.path("status").asText().equals("Actual") ? "drill"
            : now.isAfter(Instant.parse(headers.get("ce_expirytime"))) ? "expired"  // record it, send nobody
            : now.minusSeconds(60).isAfter(Instant.parse(headers.get("ce_time"))) ? "late" : "act";
        var speaker = alert.has("camera") ? alert.get("camera") : alert.path("node");
        System.out.printf("%s %s %s %s%n", todo, speaker.path("id").asText(), alert.path("kind").asText(),
            alert.at("/text/en/headline").asText());
    }
}
