//! Fair shares: what a plan has left, divided among people by weight, so that one cannot starve the rest.
//!
//! Everybody is entitled to a part of the whole (what is left, and what they have used of it) by weight. What somebody
//! has not used of their part by now, as if it were used evenly over the period, may be borrowed by one who has used
//! up theirs. Each such loan is written down: the lender's part is less, the borrower's more. So all parts together
//! are always the whole, and a lender keeps at least what belongs to the time still to come.

use crate::units::Bytes;

/// Somebody who shares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sharer {
    /// 1 or more.
    pub weight: u16,
    /// Used in this period.
    pub used: Bytes,
    /// Borrowed and given in this period; negative: lent or given away.
    pub credit: i64,
}

/// How much each may use in this period in all, in the order of `people`; `left` of the plan is for them together.
/// What came to one of them from others, or went there, does not change what the rest is entitled to. Who has used
/// more than their part (weights change, people come) leaves that much less for the rest to divide.
#[must_use]
pub fn parts(left: Bytes, people: &[Sharer]) -> Vec<Bytes> {
    let first = divided(left, people);
    let mut now = first.clone();
    let mut within: Vec<bool> = vec![true; people.len()];
    loop {
        let over = |(at, person): (&i128, &Sharer)| *at < i128::from(person.used.0);
        let still: Vec<bool> =
            within.iter().zip(now.iter().zip(people)).map(|(w, at)| *w && !over(at)).collect();
        if still == within {
            break;
        }
        within = still;
        let rest: Vec<Sharer> = people.iter().zip(&within).filter(|(_, w)| **w).map(|(p, _)| *p).collect();
        let mut parts = divided(left, &rest).into_iter();
        for (part, _) in now.iter_mut().zip(&within).filter(|(_, w)| **w) {
            *part = parts.next().unwrap_or(*part);
        }
    }
    let bytes = |n: i128| Bytes(u64::try_from(n.max(0)).unwrap_or(u64::MAX));
    let whose = people.iter().zip(now.into_iter().zip(first)).zip(within);
    whose
        .map(|((p, (now, first)), within)| if within { bytes(now) } else { bytes(first).min(p.used) })
        .collect()
}

/// The whole, divided by weight.
fn divided(left: Bytes, people: &[Sharer]) -> Vec<i128> {
    let whole = i128::from(left.0) + people.iter().map(|p| i128::from(p.used.0)).sum::<i128>();
    let credits: i128 = people.iter().map(|p| i128::from(p.credit)).sum();
    let weight = |p: &Sharer| i128::from(p.weight.max(1));
    let weights: i128 = people.iter().map(weight).sum::<i128>().max(1);
    let part = |p: &Sharer| (whole - credits).max(0) * weight(p) / weights + i128::from(p.credit);
    people.iter().map(part).collect()
}

/// Somebody who may lend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lender {
    /// What they may use in this period in all, what was lent not counted.
    pub part: Bytes,
    pub used: Bytes,
    /// Lent or given away in this period already.
    pub lent: Bytes,
    /// So much is not lent in any case, so that a lender need not borrow next.
    pub keeps: Bytes,
}

impl Lender {
    /// Not used by now, as if everything were used evenly; `gone` is what is over of the period, in millionths.
    fn idle(&self, gone: u32) -> u128 {
        let whole = u128::from(self.part.0) + u128::from(self.lent.0);
        let due = whole * u128::from(gone.min(1_000_000)) / 1_000_000;
        let unused = due.saturating_sub(u128::from(self.used.0)).saturating_sub(u128::from(self.lent.0));
        unused.min(u128::from(self.part.saturating_sub(self.used).saturating_sub(self.keeps).0))
    }
}

/// What each of `lenders` lends to somebody who asks for `wanted`: from each in proportion to what they have not used
/// by now. `gone` is what is over of the period, in millionths.
#[must_use]
pub fn loans(wanted: Bytes, gone: u32, lenders: &[Lender]) -> Vec<Bytes> {
    let all: u128 = lenders.iter().map(|lender| lender.idle(gone)).sum();
    let lent = all.min(u128::from(wanted.0));
    let loan = |lender: &Lender| {
        let share = (lent * lender.idle(gone)).checked_div(all).unwrap_or(0);
        Bytes(u64::try_from(share).unwrap_or(0))
    };
    lenders.iter().map(loan).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lender(part: u64, used: u64, lent: u64) -> Lender {
        Lender { part: Bytes(part), used: Bytes(used), lent: Bytes(lent), keeps: Bytes(0) }
    }

    fn sharer(weight: u16, used: u64) -> Sharer {
        Sharer { weight, used: Bytes(used), credit: 0 }
    }

    #[test]
    fn parts_go_by_weight() {
        let people = [sharer(2, 0), sharer(1, 0), sharer(1, 0)];
        assert_eq!(parts(Bytes(400), &people), [Bytes(200), Bytes(100), Bytes(100)]);
    }

    #[test]
    fn use_does_not_move_the_parts_of_others() {
        let people = [sharer(2, 150), sharer(1, 0), sharer(1, 50)];
        assert_eq!(parts(Bytes(200), &people), [Bytes(200), Bytes(100), Bytes(100)]);
    }

    #[test]
    fn what_others_leave_may_be_borrowed_as_time_goes() {
        assert_eq!(loans(Bytes(500), 500_000, &[lender(200, 0, 0)]), [Bytes(100)]);
        assert_eq!(
            loans(Bytes(30), 500_000, &[lender(200, 0, 0), lender(200, 50, 0)]),
            [Bytes(20), Bytes(10)]
        );
        assert_eq!(loans(Bytes(30), 0, &[lender(200, 0, 0)]), [Bytes(0)]);
        assert_eq!(loans(Bytes(30), 500_000, &[lender(200, 150, 0)]), [Bytes(0)]);
    }

    #[test]
    fn who_has_lent_what_was_unused_lends_no_more() {
        assert_eq!(loans(Bytes(500), 500_000, &[lender(100, 0, 100)]), [Bytes(0)]);
        assert_eq!(loans(Bytes(500), 750_000, &[lender(100, 0, 100)]), [Bytes(50)]);
    }

    #[test]
    fn a_lender_keeps_enough_not_to_borrow_next() {
        let careful = Lender { keeps: Bytes(60), ..lender(100, 30, 0) };
        assert_eq!(loans(Bytes(500), 1_000_000, &[careful]), [Bytes(10)]);
    }

    #[test]
    fn what_comes_from_elsewhere_moves_nobody_elses_part() {
        let given = Sharer { credit: 50, ..sharer(1, 0) };
        assert_eq!(parts(Bytes(250), &[given, sharer(1, 0)]), [Bytes(150), Bytes(100)]);
        let gave = Sharer { credit: -50, ..sharer(1, 0) };
        assert_eq!(parts(Bytes(150), &[gave, sharer(1, 0)]), [Bytes(50), Bytes(100)]);
    }

    #[test]
    fn nobody_is_no_fault() {
        assert_eq!(parts(Bytes(5), &[]), []);
        assert_eq!(loans(Bytes(5), 7, &[]), []);
    }

    prop_compose! {
        fn any_people()(people in prop::collection::vec((1u16..100, 0u64..1 << 42), 1..12)) -> Vec<Sharer> {
            people.into_iter().map(|(weight, used)| sharer(weight, used)).collect()
        }
    }

    proptest! {
        /// Through any history of use and loans: all parts together stay the whole, so what is left covers what
        /// everybody may still use; and a lender keeps what belongs to the time to come.
        #[test]
        fn nobody_can_be_starved(
            left in 1u64..1 << 40, weights in prop::collection::vec(1u16..9, 2..6),
            turns in prop::collection::vec((0usize..6, 0u64..1 << 38, 0u32..50_000), 1..60),
        ) {
            let mut people: Vec<Sharer> = weights.iter().map(|w| sharer(*w, 0)).collect();
            let (mut left, mut gone) = (left, 0u32);
            for (who, wish, time) in turns {
                let who = who % people.len();
                gone = (gone + time).min(1_000_000);
                let now = parts(Bytes(left), &people);
                let free = now[who].0.saturating_sub(people[who].used.0);
                if wish > free {
                    let lenders: Vec<usize> = (0..people.len()).filter(|i| *i != who).collect();
                    let lent = |p: &Sharer| p.credit.min(0).unsigned_abs();
                    let positions: Vec<Lender> = lenders
                        .iter()
                        .map(|i| lender(now[*i].0, people[*i].used.0, lent(&people[*i])))
                        .collect();
                    let loans = loans(Bytes(wish - free), gone, &positions);
                    for ((from, loan), at) in lenders.iter().zip(loans).zip(positions) {
                        let before = at.part.saturating_sub(at.used).0;
                        let own = u128::from((at.part + at.lent).0);
                        let to_come = own * u128::from(1_000_000 - gone) / 1_000_000;
                        let keeps = u128::from(before) - u128::from(loan.0);
                        prop_assert!(keeps + 1 >= to_come.min(u128::from(before)));
                        people[*from].credit -= loan.signed();
                        people[who].credit += loan.signed();
                    }
                }
                let now = parts(Bytes(left), &people);
                let used = wish.min(now[who].0.saturating_sub(people[who].used.0)).min(left);
                people[who].used += Bytes(used);
                left -= used;
                let now = parts(Bytes(left), &people);
                let promised: u64 = now.iter().zip(&people).map(|(n, p)| n.0.saturating_sub(p.used.0)).sum();
                prop_assert!(promised <= left + people.len() as u64, "{} promised of {}", promised, left);
            }
        }

        #[test]
        fn never_more_is_promised_than_is_left(
            left in 0u64..1 << 44, people in any_people(), credits in prop::collection::vec(-(1i64 << 38)..1 << 38, 12),
        ) {
            let with = people.iter().zip(credits).map(|(p, credit)| Sharer { credit, ..*p });
            let people: Vec<Sharer> = with.collect();
            let parts = parts(Bytes(left), &people);
            let promised: u64 = parts.iter().zip(&people).map(|(n, p)| n.0.saturating_sub(p.used.0)).sum();
            let credit: u64 = people.iter().map(|p| p.credit.max(0).unsigned_abs()).sum();
            // More credit than there is at all cannot be kept to.
            prop_assert!(promised <= left.max(credit) + people.len() as u64, "{} promised of {}", promised, left);
        }

        #[test]
        fn a_larger_plan_never_means_less(left in 0u64..1 << 44, more in 0u64..1 << 40, people in any_people()) {
            let (small, large) = (parts(Bytes(left), &people), parts(Bytes(left + more), &people));
            prop_assert!(small.iter().zip(&large).all(|(s, l)| s <= l));
        }
    }
}
