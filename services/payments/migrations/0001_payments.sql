CREATE TABLE payments (
    id IDENTITY_KEY,
    order_id BIGINT NOT NULL,
    amount_cents BIGINT NOT NULL CHECK (amount_cents > 0),
    idempotency_key TEXT UNIQUE
);
