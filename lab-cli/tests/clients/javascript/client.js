// What a client of Kafka does every day, with kafkajs: topics, messages, a group of two, resuming.

const assert = require('node:assert');
const { CompressionTypes, Kafka, logLevel } = require('kafkajs');

const PATIENCE_MS = 60_000;
const TOPIC = 'javascript-orders';
const GROUP = 'javascript-team';

const kafka = new Kafka({ clientId: 'test', brokers: [process.argv[2]], logLevel: logLevel.ERROR });
const admin = kafka.admin();
const producer = kafka.producer();

/** Waits until something holds. */
async function until(what, holds) {
  const end = Date.now() + PATIENCE_MS;
  while (!(await holds())) {
    assert(Date.now() < end, `in vain waited until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const expected = (from, to) =>
  Array.from({ length: to - from }, (_, index) => `message ${from + index}`).sort();

async function publish(from, to, compression) {
  const messages = Array.from({ length: to - from }, (_, index) => ({
    key: String(from + index),
    value: `message ${from + index}`,
  }));
  await producer.send({ topic: TOPIC, messages, compression });
}

/** A member of the group; what it reads goes into `seen`. */
async function join(seen) {
  const consumer = kafka.consumer({ groupId: GROUP, sessionTimeout: 6000, heartbeatInterval: 500 });
  const member = { consumer, partitions: 0 };
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    member.partitions = Object.values(payload.memberAssignment).flat().length;
  });
  await consumer.connect();
  await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
  await consumer.run({ eachMessage: async ({ message }) => seen.push(message.value.toString()) });
  return member;
}

async function topics() {
  await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 2 }] });
  const again = await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 2 }] });
  assert.strictEqual(again, false, 'it was made again');
  await assert.rejects(admin.createTopics({ topics: [{ topic: 'a b' }] }));
  assert((await admin.listTopics()).includes(TOPIC));
  const described = await admin.fetchTopicMetadata({ topics: [TOPIC] });
  assert.strictEqual(described.topics[0].partitions.length, 2);
}

async function main() {
  await admin.connect();
  await producer.connect();
  await topics();
  await publish(0, 10);
  await publish(10, 20, CompressionTypes.GZIP);

  const seen = [];
  const first = await join(seen);
  await until('20 messages are read', () => seen.length >= 20);
  assert.deepStrictEqual(seen.sort(), expected(0, 20));
  const second = await join(seen);
  await until('both have a partition', () => first.partitions === 1 && second.partitions === 1);
  const { groups } = await admin.listGroups();
  assert(groups.some((group) => group.groupId === GROUP));
  const described = await admin.describeGroups([GROUP]);
  assert.strictEqual(described.groups[0].members.length, 2);
  await publish(20, 30);
  await until('30 messages are read', () => seen.length >= 30);
  assert.deepStrictEqual([...new Set(seen)].sort(), expected(0, 30));
  await first.consumer.disconnect();
  await until('the other has both', () => second.partitions === 2);
  await second.consumer.disconnect();

  await publish(30, 35);
  const later = [];
  const resumed = await join(later);
  await until('5 messages are read', () => later.length >= 5);
  assert.deepStrictEqual(later.sort(), expected(30, 35), 'what was committed does not come again');
  await resumed.consumer.disconnect();
  await admin.deleteGroups([GROUP]);
  await admin.deleteTopics({ topics: [TOPIC] });
  assert(!(await admin.listTopics()).includes(TOPIC));
  await producer.disconnect();
  await admin.disconnect();
  console.log('everything came out');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
