-- How many pages of a file were read, from the first one on. NULL for all of them.
ALTER TABLE files ADD COLUMN pages_read INTEGER;
