-- The SIMs of data cards.

-- The card's own number (ICCID); NULL: no modem has told. roaming: in another carrier's network; NULL: not known.
ALTER TABLE cards ADD COLUMN sim TEXT;
ALTER TABLE cards ADD COLUMN roaming INTEGER CHECK (roaming IN (0, 1));
