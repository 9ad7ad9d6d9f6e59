//! Seeded random numbers for the histories.

pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn seeded(seed: u64) -> Chance {
        let mut chance = Chance(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x5851_f42d_4c95_7f2d);
        for _ in 0..4 {
            chance.next();
        }
        chance
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x9fb2_1c65_1e98_df25)
    }

    /// Above 0 and below 1.
    pub(crate) fn unit(&mut self) -> f64 {
        ((self.next() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// From `low` to `high`, both included.
    pub(crate) fn whole(&mut self, low: usize, high: usize) -> usize {
        low + (self.unit() * (high - low + 1) as f64) as usize
    }

    pub(crate) fn happens(&mut self, chance: f64) -> bool {
        self.unit() < chance
    }

    pub(crate) fn normal(&mut self) -> f64 {
        (-2.0 * self.unit().ln()).sqrt() * (std::f64::consts::TAU * self.unit()).cos()
    }

    /// Median 1; `spread` is the standard deviation of the logarithm.
    pub(crate) fn around_one(&mut self, spread: f64) -> f64 {
        (self.normal() * spread).exp()
    }

    /// At least 1, with a tail as heavy as `1 / x^tail`.
    pub(crate) fn pareto(&mut self, tail: f64) -> f64 {
        self.unit().powf(-1.0 / tail)
    }

    /// Days until something ends that lasts `mean` days on average; at least 1.
    pub(crate) fn lasting(&mut self, mean: f64) -> usize {
        1 + (-self.unit().ln() * (mean - 1.0)) as usize
    }
}
