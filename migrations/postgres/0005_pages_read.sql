-- How many pages of a file were read, from the first one on. NULL for all of them.
ALTER TABLE omnichat.files ADD COLUMN pages_read integer;
