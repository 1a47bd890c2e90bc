-- User names and email addresses are compared in Unicode's normalization form C from now on; those that were stored in
-- another form are brought into it. Where two names become the same, one account gets it, and the other keeps its own
-- form. A database of another encoding than UTF-8 has no such function, and hardly such names.
DO $$
BEGIN
    IF getdatabaseencoding() = 'UTF8' THEN
        WITH composed AS (
            SELECT name, normalize(name, NFC) AS nfc,
                   row_number() OVER (
                       PARTITION BY normalize(name, NFC)
                       ORDER BY name IS NFC NORMALIZED DESC, user_id, name
                   ) AS place
            FROM omnichat.sign_in_names
        )
        UPDATE omnichat.sign_in_names AS named
        SET name = composed.nfc
        FROM composed
        WHERE named.name = composed.name AND composed.place = 1 AND composed.nfc <> composed.name;
    END IF;
END
$$;
