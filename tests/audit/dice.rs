//! Chance that can be repeated: all of a run follows from its seed.

pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0xD1B5_4A32_D192_ED03);
        for _ in 0..4 {
            dice.next();
        }
        dice
    }

    /// xorshift64*, by Sebastiano Vigna.
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    pub fn percent(&mut self, n: usize) -> bool {
        self.below(100) < n
    }

    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }
}

/// How many seeds a test goes through, and the first of them: TENANT_GUARD_FUZZ_SEEDS, TENANT_GUARD_FUZZ_FIRST.
pub fn seeds(unless_told: u64) -> std::ops::Range<u64> {
    let told = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let first = told("TENANT_GUARD_FUZZ_FIRST").unwrap_or(1);
    first..first + told("TENANT_GUARD_FUZZ_SEEDS").unwrap_or(unless_told)
}
