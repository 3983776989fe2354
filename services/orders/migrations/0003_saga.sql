-- Orders that come to their end step by step.
CREATE TABLE sagas (
    id IDENTITY_KEY,
    user_id BIGINT NOT NULL,
    product_id BIGINT NOT NULL,
    quantity BIGINT NOT NULL CHECK (quantity > 0),
    -- Not known before inventory has said it.
    amount_cents BIGINT NOT NULL DEFAULT 0 CHECK (amount_cents >= 0),
    status TEXT NOT NULL,
    -- 1 while pieces are set aside, or money is taken, for this order.
    held BIGINT NOT NULL DEFAULT 0,
    paid BIGINT NOT NULL DEFAULT 0,
    reason TEXT,
    created_ms BIGINT NOT NULL,
    -- When it is cancelled if nothing is decided by then.
    deadline_ms BIGINT NOT NULL,
    decided_ms BIGINT
);

CREATE INDEX sagas_by_status ON sagas (status, deadline_ms);

-- Each step of each of them.
CREATE TABLE saga_transitions (
    id IDENTITY_KEY,
    order_id BIGINT NOT NULL REFERENCES sagas (id),
    at_ms BIGINT NOT NULL,
    cause TEXT NOT NULL,
    from_status TEXT,
    to_status TEXT NOT NULL,
    held BIGINT NOT NULL,
    paid BIGINT NOT NULL
);

CREATE INDEX saga_transitions_of_order ON saga_transitions (order_id);
