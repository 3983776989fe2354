import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig.SlidingWindowSynchronizationStrategy;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig.SlidingWindowType;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Does to resilience4j's circuit breaker what a file says, and prints the state after each step. */
public final class Breakers {
    private final Hand clock = new Hand();
    /** The changes of state so far when the permit of a call was given. */
    private final Map<String, Integer> permits = new HashMap<>();
    private CircuitBreaker breaker;
    private int changes;

    public static void main(String[] arguments) throws Exception {
        Breakers breakers = new Breakers();
        PrintStream out = new PrintStream(System.out, false);
        for (String line : Files.readAllLines(Path.of(arguments[0]))) {
            out.println(breakers.step(line.split(" ")));
        }
        out.flush();
    }

    private String step(String[] words) {
        switch (words[0]) {
            case "new":
                start(words);
                return "new";
            case "pass":
                clock.nowMs += Long.parseLong(words[1]);
                return "pass";
            case "acquire":
                boolean permitted = breaker.tryAcquirePermission();
                if (permitted) {
                    permits.put(words[1], changes);
                }
                return (permitted ? "permitted " : "rejected ") + breaker.getState();
            case "end":
                // It counts late results of an earlier state, and we do not: here they are left out.
                if (permits.remove(words[1]) == changes) {
                    end(words[2].equals("failed"), Long.parseLong(words[3]));
                }
                return "ended " + breaker.getState();
            case "drop":
                if (permits.remove(words[1]) == changes) {
                    breaker.releasePermission();
                }
                return "dropped " + breaker.getState();
            default:
                throw new IllegalArgumentException(words[0]);
        }
    }

    private void start(String[] words) {
        clock.nowMs = 0;
        changes = 0;
        permits.clear();
        CircuitBreakerConfig config = CircuitBreakerConfig.custom()
            .clock(clock)
            // Without the lock, the window of time would read the clock of the system (2.3.0).
            .slidingWindow(
                Integer.parseInt(words[2]),
                Integer.parseInt(words[3]),
                SlidingWindowType.valueOf(words[1]),
                SlidingWindowSynchronizationStrategy.SYNCHRONIZED)
            .failureRateThreshold(Float.parseFloat(words[4]))
            .slowCallRateThreshold(Float.parseFloat(words[5]))
            .slowCallDurationThreshold(Duration.ofMillis(Long.parseLong(words[6])))
            .waitDurationInOpenState(Duration.ofMillis(Long.parseLong(words[7])))
            .permittedNumberOfCallsInHalfOpenState(Integer.parseInt(words[8]))
            .build();
        breaker = CircuitBreaker.of("breaker", config);
        breaker.getEventPublisher().onStateTransition(event -> changes++);
    }

    private void end(boolean failed, long tookMs) {
        if (failed) {
            breaker.onError(tookMs, TimeUnit.MILLISECONDS, new RuntimeException());
        } else {
            breaker.onSuccess(tookMs, TimeUnit.MILLISECONDS);
        }
    }

    /** A clock that is moved by hand. */
    private static final class Hand extends Clock {
        private long nowMs;

        @Override
        public Instant instant() {
            return Instant.ofEpochMilli(nowMs);
        }

        @Override
        public ZoneId getZone() {
            return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
            return this;
        }
    }
}
