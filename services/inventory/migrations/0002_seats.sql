-- The highest fencing token that a product has seen.
ALTER TABLE products ADD COLUMN token BIGINT NOT NULL DEFAULT 0;

-- A seat may be booked twice here: what keeps that from happening is the strategy of the request, or nothing.
CREATE TABLE bookings (
    id IDENTITY_KEY,
    seat TEXT NOT NULL,
    customer TEXT NOT NULL
);

CREATE INDEX bookings_of_seat ON bookings (seat);

-- The highest fencing token that a seat has seen.
CREATE TABLE seat_fences (
    seat TEXT PRIMARY KEY,
    token BIGINT NOT NULL
);

-- Seats that were booked in one statement: each once.
CREATE TABLE seat_claims (
    seat TEXT PRIMARY KEY
);
