//! What the hands tell of the certificate of the pages: into the diary, and kept for alerts.

use super::Brain;
use crate::alert::CertificateFacts;
use crate::certificate::{Life, News};

impl Brain {
    pub(super) fn certificate_is(&mut self, news: &News) {
        let until = |brain: &Brain, life: &Life| brain.book.plan.zone.civil(life.ends).date();
        match news {
            News::Is(life) => self.certificate = *life,
            News::Got(life) => {
                self.certificate = Some(*life);
                let text = format!("there is a certificate for the pages, good until {}", until(self, life));
                self.note("certificate-got", text);
            }
            News::Renewed(life) => {
                self.certificate = Some(*life);
                let text =
                    format!("the certificate of the pages is renewed, good until {}", until(self, life));
                self.note("certificate-renewed", text);
            }
            News::Failed(why) => {
                self.note(
                    "certificate-failed",
                    format!("there is no new certificate for the pages yet: {why}"),
                );
            }
        }
    }

    pub(super) fn certificate_facts(&self) -> Option<CertificateFacts> {
        let life = self.certificate?;
        let day = self.book.plan.zone.day(life.ends);
        Some(CertificateFacts { warning: life.warning(), ends: life.ends, day })
    }
}
