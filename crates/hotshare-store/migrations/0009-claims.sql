-- Who the user of a device says to be, while it is nobody's; NULL: nothing was said.
ALTER TABLE devices ADD COLUMN claim TEXT;
