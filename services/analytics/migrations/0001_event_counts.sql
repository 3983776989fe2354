CREATE TABLE event_counts (
    kind TEXT PRIMARY KEY,
    occurrences BIGINT NOT NULL
);
