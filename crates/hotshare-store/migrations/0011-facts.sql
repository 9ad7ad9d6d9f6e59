-- What a line of the diary tells, as facts for whoever says it in other words; NULL: not of this line, or an older
-- release wrote it. device: as in devices. card: the data card's number. bytes and amount (of how much): all 64 bits.
-- sites: with spaces between. channel: as in deliveries. why: a verdict's word. alert: the one that was raised.
ALTER TABLE diary ADD COLUMN person    TEXT;
ALTER TABLE diary ADD COLUMN other     TEXT;
ALTER TABLE diary ADD COLUMN device    INTEGER;
ALTER TABLE diary ADD COLUMN claim     TEXT;
ALTER TABLE diary ADD COLUMN interface TEXT;
ALTER TABLE diary ADD COLUMN card      INTEGER;
ALTER TABLE diary ADD COLUMN bytes     INTEGER;
ALTER TABLE diary ADD COLUMN amount    INTEGER;
ALTER TABLE diary ADD COLUMN percent   INTEGER;
ALTER TABLE diary ADD COLUMN count     INTEGER;
ALTER TABLE diary ADD COLUMN seconds   INTEGER;
ALTER TABLE diary ADD COLUMN ends      INTEGER;
ALTER TABLE diary ADD COLUMN sites     TEXT;
ALTER TABLE diary ADD COLUMN passkey   TEXT;
ALTER TABLE diary ADD COLUMN money     TEXT;
ALTER TABLE diary ADD COLUMN channel   TEXT;
ALTER TABLE diary ADD COLUMN why       TEXT;
ALTER TABLE diary ADD COLUMN reason    TEXT;
ALTER TABLE diary ADD COLUMN alert     INTEGER;
CREATE INDEX diary_by_alert ON diary (alert) WHERE alert IS NOT NULL;
