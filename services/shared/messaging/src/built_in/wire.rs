//! The primitive types of Kafka's protocol (<https://kafka.apache.org/protocol>).
//!
//! A version of a message is either "flexible" (lengths of variable size, and tagged fields at the end of each
//! structure) or not. [`Reader`] and [`Writer`] know which, so that the code of a message reads alike for both.

/// The most elements of arrays, all together, that one request may hold.
const ELEMENTS_MAX: usize = 50_000;

/// Why a frame is not a request that this broker speaks. The connection is closed, as Apache Kafka does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct Malformed(pub(super) &'static str);

/// Reads from the front of a frame. Nothing is allocated for a length that the frame does not hold.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
    flexible: bool,
    elements: usize,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(frame: &'a [u8]) -> Self {
        Self {
            rest: frame,
            flexible: false,
            elements: ELEMENTS_MAX,
        }
    }

    pub(super) const fn set_flexible(&mut self, flexible: bool) {
        self.flexible = flexible;
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(Malformed("it is too short"))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array_of<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(Malformed("it is too short"))?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(super) fn i8(&mut self) -> Result<i8, Malformed> {
        self.array_of().map(i8::from_be_bytes)
    }

    pub(super) fn i16(&mut self) -> Result<i16, Malformed> {
        self.array_of().map(i16::from_be_bytes)
    }

    pub(super) fn i32(&mut self) -> Result<i32, Malformed> {
        self.array_of().map(i32::from_be_bytes)
    }

    pub(super) fn i64(&mut self) -> Result<i64, Malformed> {
        self.array_of().map(i64::from_be_bytes)
    }

    pub(super) fn bool(&mut self) -> Result<bool, Malformed> {
        Ok(self.i8()? != 0)
    }

    /// An unsigned number of one to five bytes.
    fn varint(&mut self) -> Result<u32, Malformed> {
        let mut value = 0_u32;
        for shift in (0..).step_by(7).take(5) {
            let [byte] = self.array_of()?;
            let bits = u32::from(byte & 0x7f);
            value |= bits
                .checked_shl(shift)
                .filter(|shifted| shifted >> shift == bits)
                .ok_or(TOO_LARGE)?;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(TOO_LARGE)
    }

    /// A length in the compact form, which is one more than the length, or 0 for none.
    fn compact_length(&mut self) -> Result<Option<usize>, Malformed> {
        let length = self.varint()?.checked_sub(1);
        Ok(length.map(|length| length as usize))
    }

    fn length(&mut self, plain: fn(&mut Self) -> Result<i32, Malformed>) -> Result<Option<usize>, Malformed> {
        if self.flexible {
            return self.compact_length();
        }
        match plain(self)? {
            -1 => Ok(None),
            length => usize::try_from(length)
                .map(Some)
                .map_err(|_| Malformed("a length is negative")),
        }
    }

    /// A text that may be absent.
    pub(super) fn maybe_text(&mut self) -> Result<Option<&'a str>, Malformed> {
        let Some(length) = self.length(|reader| reader.i16().map(i32::from))? else {
            return Ok(None);
        };
        if length > i16::MAX as usize {
            return Err(Malformed("a text is too long"));
        }
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| Malformed("a text is not UTF-8"))?;
        Ok(Some(text))
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Malformed> {
        self.maybe_text()?.ok_or(Malformed("a text is missing"))
    }

    /// Bytes that may be absent.
    pub(super) fn maybe_bytes(&mut self) -> Result<Option<&'a [u8]>, Malformed> {
        match self.length(Self::i32)? {
            None => Ok(None),
            Some(length) => self.take(length).map(Some),
        }
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], Malformed> {
        self.maybe_bytes()?.ok_or(Malformed("bytes are missing"))
    }

    /// An array that may be absent. Each element is followed by its tagged fields if it is a structure: `element` reads
    /// them.
    pub(super) fn maybe_array<T>(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Option<Vec<T>>, Malformed> {
        let Some(count) = self.length(Self::i32)? else {
            return Ok(None);
        };
        // Every element takes a byte at least.
        if count > self.rest.len() {
            return Err(Malformed("an array is longer than the frame"));
        }
        self.elements = self
            .elements
            .checked_sub(count)
            .ok_or(Malformed("its arrays are too long"))?;
        let mut elements = Vec::new();
        for _ in 0..count {
            elements.push(element(self)?);
        }
        Ok(Some(elements))
    }

    pub(super) fn array<T>(
        &mut self,
        element: impl FnMut(&mut Self) -> Result<T, Malformed>,
    ) -> Result<Vec<T>, Malformed> {
        self.maybe_array(element)?.ok_or(Malformed("an array is missing"))
    }

    /// The tagged fields at the end of a structure, none of which matters here.
    pub(super) fn tags(&mut self) -> Result<(), Malformed> {
        if !self.flexible {
            return Ok(());
        }
        let count = self.varint()? as usize;
        self.elements = self
            .elements
            .checked_sub(count)
            .ok_or(Malformed("its tagged fields are too many"))?;
        for _ in 0..count {
            let _tag = self.varint()?;
            let length = self.varint()? as usize;
            self.take(length)?;
        }
        Ok(())
    }

    /// The end of the whole request: its tagged fields. Whatever follows is ignored, as Apache Kafka does: librdkafka
    /// leaves some bytes behind its request for the metadata of all topics.
    pub(super) fn end(mut self) -> Result<(), Malformed> {
        self.tags()
    }
}

const TOO_LARGE: Malformed = Malformed("a number is too large");

/// Writes a frame from its head on.
pub(super) struct Writer {
    out: Vec<u8>,
    flexible: bool,
}

impl Writer {
    /// A frame that begins with these bytes.
    pub(super) const fn new(out: Vec<u8>, flexible: bool) -> Self {
        Self { out, flexible }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.out
    }

    pub(super) fn i8(&mut self, value: i8) {
        self.out.extend(value.to_be_bytes());
    }

    pub(super) fn i16(&mut self, value: i16) {
        self.out.extend(value.to_be_bytes());
    }

    pub(super) fn i32(&mut self, value: i32) {
        self.out.extend(value.to_be_bytes());
    }

    pub(super) fn i64(&mut self, value: i64) {
        self.out.extend(value.to_be_bytes());
    }

    pub(super) fn bool(&mut self, value: bool) {
        self.i8(i8::from(value));
    }

    fn varint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.out.push(0x80 | (value & 0x7f) as u8);
            value >>= 7;
        }
        self.out.push(value as u8);
    }

    /// What is written here comes from requests, which are far shorter than these lengths can say.
    fn length(&mut self, length: Option<usize>, plain: fn(&mut Self, i32)) {
        let length = length.map_or(-1, |length| i32::try_from(length).expect("answers are bounded"));
        if self.flexible {
            self.varint((length + 1).unsigned_abs());
        } else {
            plain(self, length);
        }
    }

    pub(super) fn maybe_text(&mut self, text: Option<&str>) {
        let text = text.map(str::as_bytes);
        self.length(text.map(<[u8]>::len), |writer, length| {
            writer.i16(i16::try_from(length).expect("texts are bounded"));
        });
        self.out.extend(text.unwrap_or_default());
    }

    pub(super) fn text(&mut self, text: &str) {
        self.maybe_text(Some(text));
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.length(Some(bytes.len()), Self::i32);
        self.out.extend(bytes);
    }

    /// An array that is absent.
    pub(super) fn no_array(&mut self) {
        self.length(None, Self::i32);
    }

    /// An array; `write` ends each element that is a structure with [`Self::tags`].
    pub(super) fn array<T>(
        &mut self,
        elements: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        let elements = elements.into_iter();
        self.length(Some(elements.len()), Self::i32);
        for element in elements {
            write(self, element);
        }
    }

    /// The end of a structure, which has no tagged fields.
    pub(super) fn tags(&mut self) {
        if self.flexible {
            self.out.push(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flexible(frame: &[u8]) -> Reader<'_> {
        let mut reader = Reader::new(frame);
        reader.set_flexible(true);
        reader
    }

    #[test]
    fn what_is_written_is_read_in_both_forms() {
        for compact in [false, true] {
            let mut writer = Writer::new(Vec::new(), compact);
            writer.text("orders");
            writer.maybe_text(None);
            writer.bytes(&[7; 300]);
            writer.array([1, 2], |writer, number| {
                writer.i32(number);
                writer.tags();
            });
            writer.no_array();
            writer.tags();
            let frame = writer.into_bytes();
            let mut reader = Reader::new(&frame);
            reader.set_flexible(compact);
            assert_eq!(reader.text(), Ok("orders"));
            assert_eq!(reader.maybe_text(), Ok(None));
            assert_eq!(reader.bytes(), Ok(&[7; 300][..]));
            let element = |reader: &mut Reader<'_>| {
                let number = reader.i32()?;
                reader.tags()?;
                Ok(number)
            };
            assert_eq!(reader.maybe_array(element), Ok(Some(vec![1, 2])));
            assert_eq!(reader.maybe_array(element), Ok(None));
            assert_eq!(reader.end(), Ok(()));
        }
    }

    #[test]
    fn lengths_that_the_frame_does_not_hold_are_refused_before_anything_is_allocated() {
        let long = i32::MAX.to_be_bytes();
        assert!(Reader::new(&long).array(Reader::i8).is_err());
        assert!(Reader::new(&long).bytes().is_err());
        assert!(Reader::new(&(-2_i32).to_be_bytes()).bytes().is_err());
        assert!(Reader::new(&(-2_i16).to_be_bytes()).text().is_err());
        let longest = [0xff, 0xff, 0xff, 0xff, 0x0f];
        assert!(flexible(&longest).array(Reader::i8).is_err());
        assert!(flexible(&longest).bytes().is_err());
        assert!(flexible(&longest).tags().is_err());
    }

    #[test]
    fn a_number_of_variable_size_ends_after_32_bits() {
        assert_eq!(flexible(&[0xff, 0xff, 0xff, 0xff, 0x0f]).varint(), Ok(u32::MAX));
        for frame in [&[0xff, 0xff, 0xff, 0xff, 0x1f][..], &[0x80, 0x80, 0x80, 0x80, 0x80, 0]] {
            assert_eq!(flexible(frame).varint(), Err(TOO_LARGE));
        }
        assert!(flexible(&[0x80]).varint().is_err());
    }

    #[test]
    fn a_request_holds_a_bounded_number_of_elements() {
        let mut frame = i32::try_from(ELEMENTS_MAX + 1).unwrap().to_be_bytes().to_vec();
        frame.resize(ELEMENTS_MAX + 100, 0);
        assert!(Reader::new(&frame).array(Reader::i8).is_err());
    }

    #[test]
    fn a_request_ends_with_its_tagged_fields_and_what_follows_is_ignored() {
        // A tag, its length, its bytes.
        assert_eq!(flexible(&[1, 5, 2, 9, 9]).end(), Ok(()));
        assert_eq!(flexible(&[0, 42]).end(), Ok(()));
        assert!(flexible(&[1, 5, 2, 9]).end().is_err());
        assert!(flexible(&[]).end().is_err());
    }
}
