//! Encryption dictionaries that lie.

use super::Outcome::{Encrypted, Unreadable};
use super::{Case, TEXT, check, page};

/// Threat 55
#[tokio::test]
async fn encryption_that_lies_is_refused() {
    let key = |byte: u8, length: usize| format!("<{}>", format!("{byte:02x}").repeat(length));
    let (short, long) = (key(7, 3), key(7, 127));
    let (old, new) = (key(7, 32), key(7, 48));
    let filter = "/CF<</StdCF<</CFM/AESV3/Length 32>>>>/StmF/StdCF/StrF/StdCF";
    let dictionaries = [
        (Unreadable, "nothing", String::new()),
        (Encrypted, "another filter", "/Filter/Nobody/V 1".into()),
        (Unreadable, "no keys", "/Filter/Standard/V 5/R 6".into()),
        (Encrypted, "short keys", format!("/Filter/Standard/V 2/R 3/Length 128/P -4/O{short}/U{short}")),
        (Encrypted, "long keys", format!("/Filter/Standard/V 2/R 3/Length 128/P -4/O{long}/U{long}")),
        (Unreadable, "a key of no bits", format!("/Filter/Standard/V 2/R 3/Length 0/P -4/O{old}/U{old}")),
        (
            Encrypted,
            "a key of a billion bits",
            format!("/Filter/Standard/V 2/R 3/Length 1000000000/P -4/O{old}/U{old}"),
        ),
        (Encrypted, "a negative key", format!("/Filter/Standard/V 2/R 3/Length -8/P -4/O{old}/U{old}")),
        (Encrypted, "odd bits", format!("/Filter/Standard/V 1/R 2/Length 41/P -4/O{old}/U{old}")),
        (Encrypted, "an unknown version", format!("/Filter/Standard/V 9/R 9/Length 128/P -4/O{old}/U{old}")),
        (Unreadable, "no permissions", format!("/Filter/Standard/V 2/R 3/Length 128/O{old}/U{old}")),
        (Encrypted, "AES without its keys", format!("/Filter/Standard/V 5/R 6/P -4/O{new}/U{new}{filter}")),
        (
            Encrypted,
            "AES of noise",
            format!("/Filter/Standard/V 5/R 6/P -4/O{new}/U{new}/OE{old}/UE{old}{filter}"),
        ),
        (
            Unreadable,
            "a filter of itself",
            format!("/Filter/Standard/V 4/R 4/Length 128/P -4/O{old}/U{old}/CF 6 0 R/StmF/CF"),
        ),
        (
            Encrypted,
            "no filters",
            format!("/Filter/Standard/V 4/R 4/Length 128/P -4/O{old}/U{old}/StmF/A/StrF/B"),
        ),
    ];
    let cases: Vec<Case> = dictionaries
        .into_iter()
        .flat_map(|(outcome, name, dictionary)| {
            let plain =
                String::from_utf8(page("", TEXT, &[format!("<<{dictionary}>>").into_bytes()])).unwrap();
            let encrypted =
                |id: &str| plain.replace("/Root 1 0 R", &format!("/Root 1 0 R/Encrypt 6 0 R{id}"));
            [(name, encrypted("/ID[<00><00>]").into(), outcome), (name, encrypted("").into(), outcome)]
        })
        .collect();
    check(cases).await;
}
