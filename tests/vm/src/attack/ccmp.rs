//! AES-128 in CCM mode with a tag of 8 bytes (RFC 3610): what protects frames of 802.11. An insider has it too.

type Block = [u8; 16];

/// Encrypts and signs; `aad` is only signed, and shorter than 65,280 bytes.
pub(super) fn seal(key: Block, nonce: [u8; 13], aad: &[u8], plain: &[u8]) -> Vec<u8> {
    let aes = Aes::new(key);
    let counter = |count: u16| {
        let mut block = [1; 16];
        block[1..14].copy_from_slice(&nonce);
        block[14..].copy_from_slice(&count.to_be_bytes());
        aes.encrypt(block)
    };
    let length = |bytes: &[u8]| u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes();
    let mut signed = vec![0x59];
    signed.extend(nonce);
    signed.extend(length(plain));
    signed.extend(length(aad));
    signed.extend(aad);
    signed.resize(signed.len().next_multiple_of(16), 0);
    signed.extend(plain);
    signed.resize(signed.len().next_multiple_of(16), 0);
    let tag = signed.chunks(16).fold([0; 16], |tag: Block, chunk| {
        let mut block = tag;
        block.iter_mut().zip(chunk).for_each(|(byte, next)| *byte ^= next);
        aes.encrypt(block)
    });
    let mut sealed = Vec::with_capacity(plain.len() + 8);
    for (chunk, count) in plain.chunks(16).zip(1..) {
        sealed.extend(chunk.iter().zip(counter(count)).map(|(byte, mask)| byte ^ mask));
    }
    sealed.extend(tag.iter().zip(counter(0)).take(8).map(|(byte, mask)| byte ^ mask));
    sealed
}

/// FIPS 197, slow and short.
struct Aes {
    substitution: [u8; 256],
    round_keys: [Block; 11],
}

impl Aes {
    fn new(key: Block) -> Aes {
        let substitution = substitution();
        let mut words = [[0; 4]; 44];
        for (word, bytes) in words.iter_mut().zip(key.chunks(4)) {
            word.copy_from_slice(bytes);
        }
        let mut constant = 1;
        for at in 4..44 {
            let mut word: [u8; 4] = words[at - 1];
            if at % 4 == 0 {
                word.rotate_left(1);
                word = word.map(|byte| substitution[usize::from(byte)]);
                word[0] ^= constant;
                constant = double(constant);
            }
            let before = words[at - 4];
            word.iter_mut().zip(before).for_each(|(byte, earlier)| *byte ^= earlier);
            words[at] = word;
        }
        let mut round_keys = [[0; 16]; 11];
        for (at, word) in words.iter().enumerate() {
            round_keys[at / 4][at % 4 * 4..][..4].copy_from_slice(word);
        }
        Aes { substitution, round_keys }
    }

    fn encrypt(&self, plain: Block) -> Block {
        let mut state = mixed(plain, self.round_keys[0]);
        for round in 1..=10 {
            let replaced = state.map(|byte| self.substitution[usize::from(byte)]);
            let mut shifted = [0; 16];
            for (at, byte) in shifted.iter_mut().enumerate() {
                *byte = replaced[(at + at % 4 * 4) % 16];
            }
            if round < 10 {
                for column in shifted.chunks_mut(4) {
                    let all = column.iter().fold(0, |sum, byte| sum ^ byte);
                    let first = column[0];
                    for at in 0..4 {
                        let next = if at == 3 { first } else { column[at + 1] };
                        column[at] ^= all ^ double(column[at] ^ next);
                    }
                }
            }
            state = mixed(shifted, self.round_keys[round]);
        }
        state
    }
}

fn mixed(mut state: Block, key: Block) -> Block {
    state.iter_mut().zip(key).for_each(|(byte, key)| *byte ^= key);
    state
}

fn double(byte: u8) -> u8 {
    byte << 1 ^ if byte & 0x80 == 0 { 0 } else { 0x1b }
}

/// Each byte's inverse in the field, turned and mixed: `p` walks all bytes but 0, `q` is its inverse.
fn substitution() -> [u8; 256] {
    let mut table = [0x63; 256];
    let (mut p, mut q) = (1_u8, 1_u8);
    loop {
        p ^= double(p);
        q ^= q << 1;
        q ^= q << 2;
        q ^= q << 4;
        if q & 0x80 != 0 {
            q ^= 0x09;
        }
        let turned = q ^ q.rotate_left(1) ^ q.rotate_left(2) ^ q.rotate_left(3) ^ q.rotate_left(4);
        table[usize::from(p)] = turned ^ 0x63;
        if p == 1 {
            return table;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        text.split_whitespace().map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
    }

    #[test]
    fn aes_of_fips_197_c_1() {
        let key: Block = std::array::from_fn(|at| u8::try_from(at).unwrap());
        let plain: Block = std::array::from_fn(|at| u8::try_from(at * 0x11).unwrap());
        let sealed = hex("69 c4 e0 d8 6a 7b 04 30 d8 cd b7 80 70 b4 c5 5a");
        assert_eq!(Aes::new(key).encrypt(plain).to_vec(), sealed);
    }

    #[test]
    fn packet_vector_1_of_rfc_3610() {
        let key: Block = std::array::from_fn(|at| 0xc0 + u8::try_from(at).unwrap());
        let nonce = hex("00 00 00 03 02 01 00 a0 a1 a2 a3 a4 a5").try_into().unwrap();
        let aad: Vec<u8> = (0..8).collect();
        let plain: Vec<u8> = (8..0x1f).collect();
        let sealed = hex(
            "58 8c 97 9a 61 c6 63 d2 f0 66 d0 c2 c0 f9 89 80 6d 5f 6b 61 da c3 84 17 e8 d1 2c fd f9 26 e0",
        );
        assert_eq!(seal(key, nonce, &aad, &plain), sealed);
    }
}
