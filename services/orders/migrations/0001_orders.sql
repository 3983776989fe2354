CREATE TABLE orders (
    id IDENTITY_KEY,
    user_id BIGINT NOT NULL,
    product_id BIGINT NOT NULL,
    quantity BIGINT NOT NULL CHECK (quantity > 0),
    amount_cents BIGINT NOT NULL CHECK (amount_cents >= 0),
    reservation_id BIGINT NOT NULL UNIQUE,
    status TEXT NOT NULL
);
