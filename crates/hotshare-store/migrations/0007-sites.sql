-- Parts of a plan that are kept for some sites.

-- Names of sites, one a line; NULL: everything can be reached.
ALTER TABLE buckets ADD COLUMN sites TEXT;
