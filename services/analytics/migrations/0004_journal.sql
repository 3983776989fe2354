-- Everything that was heard of orders, each event once.
CREATE TABLE journal (
    id IDENTITY_KEY,
    event_id TEXT NOT NULL UNIQUE,
    order_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    at_us BIGINT NOT NULL
);

-- How many orders of a window came to which end.
ALTER TABLE revenue ADD COLUMN confirmed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE revenue ADD COLUMN confirmed_cents BIGINT NOT NULL DEFAULT 0;
ALTER TABLE revenue ADD COLUMN cancelled BIGINT NOT NULL DEFAULT 0;
