"""What a client of Kafka does every day, with kafka-python: topics, messages, a group of two, resuming."""

import sys
import threading
import time

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import InvalidTopicError, TopicAlreadyExistsError

PATIENCE_S = 60
TOPIC, GROUP = "python-orders", "python-team"


def until(what, holds):
    """Waits until something holds."""
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, f"in vain waited until {what}"
        time.sleep(0.02)


def topics(admin):
    admin.create_topics({TOPIC: {"num_partitions": 2, "replication_factor": 1}})
    for name, error in [(TOPIC, TopicAlreadyExistsError), ("a b", InvalidTopicError)]:
        try:
            admin.create_topics({name: {"num_partitions": 1, "replication_factor": 1}})
        except error:
            continue
        raise AssertionError(f"{name} was made")
    assert TOPIC in admin.list_topics()
    (described,) = admin.describe_topics([TOPIC])
    assert len(described["partitions"]) == 2, described


def publish(producer, numbers):
    for number in numbers:
        producer.send(TOPIC, key=str(number).encode(), value=f"message {number}".encode()).get(PATIENCE_S)


class Member(threading.Thread):
    """A member of the group, which polls by itself: one that does not cannot take part in a rebalance."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.consumer = KafkaConsumer(
            TOPIC, bootstrap_servers=address, group_id=GROUP, auto_offset_reset="earliest", enable_auto_commit=False
        )
        self.seen, self.partitions, self.ending = [], 0, False
        self.start()

    def run(self):
        while not self.ending:
            polled = self.consumer.poll(timeout_ms=1000)
            self.partitions = len(self.consumer.assignment())
            if polled:
                self.consumer.commit()
            for records in polled.values():
                self.seen.extend(record.value.decode() for record in records)
        self.consumer.close()

    def end(self):
        self.ending = True
        self.join(PATIENCE_S)
        assert not self.is_alive()


def read(members, count):
    """What so many messages are, whoever reads them."""
    seen = lambda: sorted(message for member in members for message in member.seen)
    until(f"{count} messages are read", lambda: len(seen()) >= count)
    return seen()


def shares(members, expected):
    until(f"partitions are shared as {expected}", lambda: [member.partitions for member in members] == expected)


def expected(numbers):
    return sorted(f"message {number}" for number in numbers)


def main(address):
    admin = KafkaAdminClient(bootstrap_servers=address)
    topics(admin)
    plain = KafkaProducer(bootstrap_servers=address, acks="all")
    publish(plain, range(10))
    packed = KafkaProducer(bootstrap_servers=address, compression_type="gzip")
    publish(packed, range(10, 20))

    first = Member(address)
    assert read([first], 20) == expected(range(20))
    second = Member(address)
    shares([first, second], [1, 1])
    assert GROUP in [group["group_id"] for group in admin.list_groups()]
    described = admin.describe_groups([GROUP])[GROUP]
    assert described["group_state"] == "Stable" and len(described["members"]) == 2, described
    publish(plain, range(20, 30))
    assert read([first, second], 30) == expected(range(30))
    first.end()
    shares([second], [2])
    second.end()

    publish(plain, range(30, 35))
    resumed = Member(address)
    assert read([resumed], 5) == expected(range(30, 35)), "what was committed does not come again"
    resumed.end()
    admin.delete_groups([GROUP])
    admin.delete_topics([TOPIC])
    until("the topic is gone", lambda: TOPIC not in admin.list_topics())
    print("everything came out")


main(sys.argv[1])
