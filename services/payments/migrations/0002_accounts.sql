-- What makes a payment single moves from the payment to a table of its own, which only those who claim a key use. The
-- old column stays, empty: SQLite cannot take a constraint off a column.
ALTER TABLE payments ADD COLUMN request_key TEXT;

-- A claimed key with the answer that was given under it: the members of the payment.
CREATE TABLE idempotency_keys (
    request_key TEXT PRIMARY KEY,
    payment_id BIGINT NOT NULL,
    order_id BIGINT NOT NULL,
    amount_cents BIGINT NOT NULL
);

INSERT INTO idempotency_keys (request_key, payment_id, order_id, amount_cents)
    SELECT idempotency_key, id, order_id, amount_cents FROM payments WHERE idempotency_key IS NOT NULL;

UPDATE payments SET request_key = idempotency_key, idempotency_key = NULL;

CREATE INDEX payments_of_key ON payments (request_key);

CREATE INDEX payments_of_order ON payments (order_id);

CREATE TABLE accounts (
    id BIGINT PRIMARY KEY,
    balance_cents BIGINT NOT NULL CHECK (balance_cents >= 0),
    -- The highest fencing token that the account has seen.
    token BIGINT NOT NULL DEFAULT 0
);
