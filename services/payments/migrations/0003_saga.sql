-- Money that was given back: each payment once.
CREATE TABLE refunds (
    payment_id BIGINT PRIMARY KEY,
    order_id BIGINT NOT NULL,
    amount_cents BIGINT NOT NULL CHECK (amount_cents > 0)
);

-- Orders that were cancelled before anything was paid for them: nothing is taken for them any more.
CREATE TABLE cancelled_orders (
    order_id BIGINT PRIMARY KEY
);
