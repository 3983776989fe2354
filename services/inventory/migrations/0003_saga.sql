-- What is set aside for orders that come through Kafka: each order once, whatever is heard twice.
CREATE TABLE order_reservations (
    order_id BIGINT PRIMARY KEY,
    reservation_id BIGINT NOT NULL,
    product_id BIGINT NOT NULL,
    quantity BIGINT NOT NULL,
    -- 1 once the pieces are put back.
    released BIGINT NOT NULL DEFAULT 0
);
