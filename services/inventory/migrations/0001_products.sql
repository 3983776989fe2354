CREATE TABLE products (
    id IDENTITY_KEY,
    name TEXT NOT NULL,
    price_cents BIGINT NOT NULL CHECK (price_cents >= 0),
    stock BIGINT NOT NULL CHECK (stock >= 0)
);

CREATE TABLE reservations (
    id IDENTITY_KEY,
    product_id BIGINT NOT NULL REFERENCES products (id),
    quantity BIGINT NOT NULL CHECK (quantity > 0)
);

-- Plenty of everything, so that load does not run out of it, but ten tickets.
INSERT INTO products (name, price_cents, stock) VALUES
    ('Keyboard', 8900, 1000000),
    ('Mouse', 3900, 1000000),
    ('Screen', 24900, 1000000),
    ('Cable', 900, 1000000),
    ('Ticket', 5000, 10);
