//! What the hands tell of the certificate of the pages: into the diary, and kept for alerts.

use super::Brain;
use crate::alert::CertificateFacts;
use crate::certificate::{Life, News};
use crate::diary::Happening;
use crate::record::Change;

impl Brain {
    pub(super) fn certificate_is(&mut self, news: &News) -> Vec<Change> {
        let day = |life: &Life| self.book.plan.zone.civil(life.ends).date();
        let (happened, life) = match news {
            News::Is(life) => {
                self.certificate = *life;
                return Vec::new();
            }
            News::Got(life) => (Happening::CertificateGot { ends: life.ends, day: day(life) }, Some(*life)),
            News::Renewed(life) => {
                (Happening::CertificateRenewed { ends: life.ends, day: day(life) }, Some(*life))
            }
            News::Failed(why) => (Happening::CertificateFailed { reason: why.clone() }, None),
        };
        self.certificate = life.or(self.certificate);
        vec![Change::Noted(happened.noted(self.at))]
    }

    pub(super) fn certificate_facts(&self) -> Option<CertificateFacts> {
        let life = self.certificate?;
        let day = self.book.plan.zone.day(life.ends);
        Some(CertificateFacts { warning: life.warning(), ends: life.ends, day })
    }
}
