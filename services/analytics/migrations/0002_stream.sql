-- What the stream of orders did, as often as it did it: a row for each time that an event had its effect.
CREATE TABLE effects (
    id IDENTITY_KEY,
    event_id TEXT NOT NULL,
    order_id BIGINT NOT NULL,
    topic_partition BIGINT NOT NULL,
    topic_offset BIGINT NOT NULL,
    instance TEXT NOT NULL,
    at_ms BIGINT NOT NULL
);

-- Orders and revenue in windows of one second, by the time of the event.
CREATE TABLE revenue (
    window_s BIGINT PRIMARY KEY,
    orders BIGINT NOT NULL,
    amount_cents BIGINT NOT NULL
);
