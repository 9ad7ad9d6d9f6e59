-- What the owner told of the carrier's count: the figure for the period so far (told), all that we had ever counted as
-- billed by then (counted), and of it the part of the period; NULL: the ledger does not go back to the period's begin.
-- card: the data card's number. period as in entries. All 64 bits. What a figure corrects is an entry beside it.
CREATE TABLE figures (
    id        INTEGER PRIMARY KEY,
    card      INTEGER NOT NULL,
    at        INTEGER NOT NULL,
    period    INTEGER NOT NULL,
    told      INTEGER NOT NULL,
    counted   INTEGER NOT NULL,
    in_period INTEGER
) STRICT;
