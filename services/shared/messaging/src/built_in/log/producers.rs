//! What idempotent producers have sent to a partition: a batch that comes again is stored once.

use std::collections::VecDeque;

use crate::built_in::batch::Sender;
use crate::built_in::code::Code;

/// Producers that a partition remembers. Whoever was silent longest is forgotten first.
const PRODUCERS_MAX: usize = 64;
/// Batches of a producer that are remembered: as many as it may have under way.
const BATCHES_MAX: usize = 5;

/// What was sent, by producer; the one heard last stands last.
#[derive(Debug, Default)]
pub(super) struct Producers(VecDeque<Producer>);

#[derive(Debug)]
struct Producer {
    id: i64,
    epoch: i16,
    sent: VecDeque<Sent>,
}

#[derive(Debug, Clone, Copy)]
struct Sent {
    first: i32,
    last: i32,
    offset: i64,
}

/// The sequence number some records after this one: after the largest comes 0.
fn after(sequence: i32, records: u32) -> i32 {
    let numbers = 1_u64 << 31;
    let sum = (u64::from(sequence.unsigned_abs()) + u64::from(records)) % numbers;
    i32::try_from(sum).expect("it is less than 2^31")
}

impl Producers {
    /// The offset under which this batch is stored already, or `None` if it is new and in its order.
    pub(super) fn check(&self, sender: Sender, records: u32) -> Result<Option<i64>, Code> {
        let Some(producer) = self.0.iter().find(|producer| producer.id == sender.id) else {
            return Ok(None);
        };
        if sender.epoch < producer.epoch {
            return Err(Code::InvalidProducerEpoch);
        }
        if sender.epoch > producer.epoch {
            return if sender.sequence == 0 {
                Ok(None)
            } else {
                Err(Code::OutOfOrderSequence)
            };
        }
        let last = after(sender.sequence, records - 1);
        let same = |sent: &&Sent| sent.first == sender.sequence && sent.last == last;
        if let Some(sent) = producer.sent.iter().find(same) {
            return Ok(Some(sent.offset));
        }
        let is_next = producer
            .sent
            .back()
            .is_none_or(|sent| after(sent.last, 1) == sender.sequence);
        if is_next {
            Ok(None)
        } else {
            Err(Code::OutOfOrderSequence)
        }
    }

    /// Remembers a batch that was found new.
    pub(super) fn stored(&mut self, sender: Sender, records: u32, offset: i64) {
        let known = self.0.iter().position(|producer| producer.id == sender.id);
        let known = known
            .and_then(|at| self.0.remove(at))
            .filter(|producer| producer.epoch == sender.epoch);
        let mut producer = known.unwrap_or_else(|| Producer {
            id: sender.id,
            epoch: sender.epoch,
            sent: VecDeque::new(),
        });
        if producer.sent.len() == BATCHES_MAX {
            producer.sent.pop_front();
        }
        producer.sent.push_back(Sent {
            first: sender.sequence,
            last: after(sender.sequence, records - 1),
            offset,
        });
        if self.0.len() == PRODUCERS_MAX {
            self.0.pop_front();
        }
        self.0.push_back(producer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn sender(epoch: i16, sequence: i32) -> Sender {
        Sender { id: 1, epoch, sequence }
    }

    #[test]
    fn a_batch_that_comes_again_has_its_offset_and_one_out_of_order_is_refused() {
        let mut producers = Producers::default();
        for number in 0..7 {
            let sender = sender(0, number * 10);
            assert_eq!(producers.check(sender, 10), Ok(None));
            producers.stored(sender, 10, i64::from(number) * 10);
        }
        assert_eq!(producers.check(sender(0, 60), 10), Ok(Some(60)));
        assert_eq!(producers.check(sender(0, 20), 10), Ok(Some(20)));
        for sequence in [0, 10, 59, 80] {
            assert_eq!(
                producers.check(sender(0, sequence), 10),
                Err(Code::OutOfOrderSequence),
                "{sequence}"
            );
        }
    }

    #[test]
    fn a_new_epoch_begins_anew_and_an_old_one_is_over() {
        let mut producers = Producers::default();
        producers.stored(sender(3, 0), 1, 0);
        assert_eq!(producers.check(sender(2, 1), 1), Err(Code::InvalidProducerEpoch));
        assert_eq!(producers.check(sender(4, 1), 1), Err(Code::OutOfOrderSequence));
        assert_eq!(producers.check(sender(4, 0), 1), Ok(None));
        producers.stored(sender(4, 0), 1, 1);
        assert_eq!(producers.check(sender(4, 1), 1), Ok(None));
    }

    #[test]
    fn numbers_begin_again_after_the_largest() {
        let mut producers = Producers::default();
        producers.stored(sender(0, i32::MAX - 1), 3, 0);
        assert_eq!(producers.check(sender(0, 1), 1), Ok(None));
        assert_eq!(producers.check(sender(0, i32::MAX), 1), Err(Code::OutOfOrderSequence));
    }

    #[test]
    fn a_bounded_number_of_producers_is_remembered() {
        let mut producers = Producers::default();
        for id in 0..1000 {
            producers.stored(Sender { id, ..sender(0, 0) }, 1, id);
        }
        assert_eq!(producers.0.len(), PRODUCERS_MAX);
        assert_eq!(
            producers.check(
                Sender {
                    id: 999,
                    ..sender(0, 0)
                },
                1
            ),
            Ok(Some(999))
        );
    }
}
