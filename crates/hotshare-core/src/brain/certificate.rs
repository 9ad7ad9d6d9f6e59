//! What the hands tell of the certificate of the pages: into the diary, and kept for alerts.

use super::Brain;
use crate::alert::CertificateFacts;
use crate::certificate::{Life, News};
use crate::record::{Change, Noted};

impl Brain {
    pub(super) fn certificate_is(&mut self, news: &News) -> Vec<Change> {
        let until = |life: &Life| self.book.plan.zone.civil(life.ends).date();
        let (kind, text, life) = match news {
            News::Is(life) => {
                self.certificate = *life;
                return Vec::new();
            }
            News::Got(life) => {
                let text = format!("there is a certificate for the pages, good until {}", until(life));
                ("certificate-got", text, Some(*life))
            }
            News::Renewed(life) => {
                let text = format!("the certificate of the pages is renewed, good until {}", until(life));
                ("certificate-renewed", text, Some(*life))
            }
            News::Failed(why) => {
                let text = format!("there is no new certificate for the pages yet: {why}");
                ("certificate-failed", text, None)
            }
        };
        self.certificate = life.or(self.certificate);
        vec![Change::Noted(Noted { at: self.at, kind, text })]
    }

    pub(super) fn certificate_facts(&self) -> Option<CertificateFacts> {
        let life = self.certificate?;
        let day = self.book.plan.zone.day(life.ends);
        Some(CertificateFacts { warning: life.warning(), ends: life.ends, day })
    }
}
