//! The data types of MQTT (section 1.5), both ways.

/// A variable byte integer.
pub(super) fn varint(mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let more = number > 0x7F;
        bytes.push(u8::try_from(number & 0x7F).unwrap() | u8::from(more) << 7);
        number >>= 7;
        if !more {
            return bytes;
        }
    }
}

/// The bytes that a word stands for: `hex:` and digits, `fill:N` for so many bytes, or its text.
pub(super) fn bytes_of(word: &str) -> Vec<u8> {
    if let Some(digits) = word.strip_prefix("hex:") {
        return hex(digits);
    }
    match word.strip_prefix("fill:") {
        Some(count) => vec![b'x'; count.parse().unwrap()],
        None => word.as_bytes().to_vec(),
    }
}

/// The word that stands for some bytes: text where that can be read.
pub(super) fn text_of(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) if !text.contains(|c: char| c.is_whitespace() || c.is_control()) => {
            text.to_owned()
        }
        _ => {
            let digits: Vec<String> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
            format!("hex:{}", digits.concat())
        }
    }
}

/// A field behind its length in two bytes.
pub(super) fn blob(word: &str) -> Vec<u8> {
    let bytes = bytes_of(word);
    let mut field = u16::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
    field.extend(bytes);
    field
}

/// The bytes of pairs of hexadecimal digits; blanks do not count.
pub(super) fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<char> = digits.chars().filter(|c| !c.is_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap())
        .collect()
}

/// What is left to read of a packet. Too short is a fault of the server, and fails the test.
pub(super) struct Bytes<'b>(pub(super) &'b [u8]);

impl<'b> Bytes<'b> {
    pub(super) fn take(&mut self, count: usize) -> &'b [u8] {
        let (taken, left) = self.0.split_at(count);
        self.0 = left;
        taken
    }

    pub(super) fn rest(&mut self) -> &'b [u8] {
        self.take(self.0.len())
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.take(1)[0]
    }

    pub(super) fn two(&mut self) -> u16 {
        u16::from_be_bytes(self.take(2).try_into().unwrap())
    }

    pub(super) fn four(&mut self) -> u32 {
        u32::from_be_bytes(self.take(4).try_into().unwrap())
    }

    pub(super) fn blob(&mut self) -> &'b [u8] {
        let length = self.two();
        self.take(length.into())
    }

    pub(super) fn varint(&mut self) -> usize {
        let (mut number, mut shift) = (0, 0);
        loop {
            let byte = self.byte();
            number |= usize::from(byte & 0x7F) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return number;
            }
        }
    }
}
