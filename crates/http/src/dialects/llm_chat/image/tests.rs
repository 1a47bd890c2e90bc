use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

use super::*;

const LIMIT: usize = 20 * 1024 * 1024;

/// Checks an image whose URL must be passed on unchanged.
fn check(url: &str, max_bytes: usize) -> Result<(), ImageError> {
    super::check(url.to_owned(), max_bytes).map(|sent| assert_eq!(sent, url))
}

/// The URL that is passed on.
fn sent(url: &str) -> Result<String, ImageError> {
    super::check(url.to_owned(), LIMIT)
}

#[test]
fn images_on_the_public_internet_are_accepted() {
    for url in [
        "https://example.com/image.jpg",
        "HTTPS://Example.COM/image.jpg",
        "https://example.com",
        "https://example.com:8443/a?b=c#d",
        "https://bucket.s3.amazonaws.com/a%20b.png?X-Amz-Signature=ab%2Fc&X-Amz-Expires=60",
        "https://s3.eu-central-1.amazonaws.com/bucket/me@home.png",
        "https://bücher.example/ä.png",
        "https://notlocalhost.com/",
        "https://internal.example.com/",
        "https://1.1.1.1/a.png",
        "https://[2606:4700:4700::1111]/a.png",
    ] {
        assert_eq!(check(url, LIMIT), Ok(()), "{url}");
    }
}

/// Threat 42, Threat 45, Threat 48
#[test]
fn other_urls_are_refused() {
    for url in [
        "",
        "no url",
        "//example.com/a.png",
        "http://example.com/a.png",
        "ftp://example.com/a.png",
        "gopher://example.com/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "https:",
        "https://",
        "https:///example.com/",
        "https:example.com",
        "https:/example.com",
        "https://?a",
        "https://[::1",
        "https://example.com:99999/",
        " https://example.com/",
        "https://example.com/a b",
        "https://exam\tple.com/",
        "https://example.com/\r\nx",
        "https://example.com/\u{7f}",
        "https://example.com/\u{2028}",
        "https://user@example.com/",
        "https://user:pass@example.com/",
        "https://@example.com/",
        "https://ok.example\\@127.0.0.1/",
        "https:\\\\127.0.0.1\\",
        "https://%31%32%37.0.0.1/",
        "https://[fe80::1%25eth0]/",
    ] {
        assert!(check(url, LIMIT).is_err(), "{url}");
    }
    assert_eq!(
        check(&format!("https://example.com/{}", "a".repeat(MAX_URL_BYTES)), LIMIT),
        Err(ImageError::TooLong)
    );
}

/// Threat 42, Threat 43
#[test]
fn private_hosts_are_refused_in_every_notation() {
    for host in [
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "0",
        "0.0.0.0",
        "0x7f.1",
        "0x7f000001",
        "2130706433",
        "017700000001",
        "127.0.0.1:22",
        "127。0。0。1",
        "①②⑦.0.0.1",
        "127.0.0.1#@ok",
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "192.0.0.8",
        "169.254.169.254",
        "100.64.0.1",
        "100.127.255.255",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "[::]",
        "[::1]",
        "[::127.0.0.1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "[::ffff:7f00:1]",
        "[0:0:0:0:0:ffff:0a00:0001]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::]",
        "[2001:0:53aa:64c::]",
        "[fe80::1]",
        "[fec0::1]",
        "[fc00::1]",
        "[fd00:ec2::254]",
        "[ff02::1]",
        "[5f00::1]",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "localhost..",
        "localhost:443",
        "app.localhost",
        "printer.local",
        "printer.local.",
        "metadata.google.internal",
        "metadata.google.internal.",
        "api.default.svc.cluster.local",
        "api.default.svc.cluster.local.",
        "redis",
        "intranet.",
        "a.home.arpa",
    ] {
        let url = format!("https://{host}/a.png");
        assert!(check(&url, LIMIT).is_err(), "{url}");
    }
}

fn data(media_type: &str, bytes: &[u8]) -> String {
    format!("data:{media_type};base64,{}", STANDARD.encode(bytes))
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
const WEBP: &[u8] = b"RIFF\x00\x00\x00\x00WEBPVP8 ";

/// Threat 48
#[test]
fn images_in_the_url_must_be_of_the_named_type() {
    let known: [(&str, &[u8]); 6] = [
        ("image/png", PNG),
        ("image/jpeg", b"\xff\xd8\xff\xe0"),
        ("image/jpeg", b"\xff\xd8\xff"),
        ("image/gif", b"GIF89a"),
        ("image/gif", b"GIF87a."),
        ("image/webp", WEBP),
    ];
    for (media_type, bytes) in known {
        assert_eq!(check(&data(media_type, bytes), LIMIT), Ok(()), "{media_type}");
        for (other, _) in known.iter().filter(|(other, _)| *other != media_type) {
            assert_eq!(check(&data(other, bytes), LIMIT), Err(ImageError::OtherType), "{media_type} {other}");
        }
    }
    for media_type in ["image/svg+xml", "image/bmp", "image/", "text/html", ""] {
        assert_eq!(check(&data(media_type, PNG), LIMIT), Err(ImageError::NoUrl), "{media_type}");
    }
    assert_eq!(check(&data("image/png", b"<svg>"), LIMIT), Err(ImageError::OtherType));
}

/// RFC 2397
#[test]
fn media_types_are_read_in_every_spelling_and_sent_in_one() {
    for (written, canonical, bytes) in [
        ("image/png;charset=utf-8", "image/png", PNG),
        ("IMAGE/PNG", "image/png", PNG),
        ("image/png;name=a.png;charset=utf-8", "image/png", PNG),
        ("image/x-png", "image/png", PNG),
        (" image/png ; charset=utf-8 ", "image/png", PNG),
        ("image/jpg", "image/jpeg", b"\xff\xd8\xff\xe0"),
        ("Image/JPG", "image/jpeg", b"\xff\xd8\xff\xe0"),
        ("image/pjpeg", "image/jpeg", b"\xff\xd8\xff\xe0"),
        ("image/gif;", "image/gif", b"GIF89a"),
        ("image/webp;charset=binary", "image/webp", WEBP),
    ] {
        assert_eq!(sent(&data(written, bytes)), Ok(data(canonical, bytes)), "{written}");
    }
    let body = STANDARD.encode(PNG);
    for head in
        ["data:image/png;BASE64", "DATA:image/png;base64", " data:image/png;base64", "data:image/png; base64"]
    {
        assert_eq!(sent(&format!("{head},{body}")), Ok(data("image/png", PNG)), "{head}");
    }
    for url in [
        "data:image/png,iVBORw0KGgo=",
        "data:image/png;charset=utf-8,iVBORw0KGgo=",
        "data:image/png;base64",
        "data:image/png;base64;iVBORw0KGgo=",
        "data:;base64,iVBORw0KGgo=",
        "data:base64,iVBORw0KGgo=",
        "data:,",
        "data:",
    ] {
        assert_eq!(sent(url), Err(ImageError::NoUrl), "{url}");
    }
}

/// RFC 4648
#[test]
fn base64_is_read_in_every_spelling_and_sent_in_one() {
    // The bytes after the mark become `+` and `/`, and the lengths need every padding.
    for length in 8..40 {
        let bytes: Vec<u8> = PNG.iter().chain(&[0xfb, 0xff, 0xbe].repeat(11)).copied().take(length).collect();
        let standard = STANDARD.encode(&bytes);
        let lines = |end: &str| {
            let lines: Vec<&[u8]> = standard.as_bytes().chunks(7).collect();
            String::from_utf8(lines.join(end.as_bytes())).unwrap() + end
        };
        let percent: Vec<String> = standard.bytes().map(|byte| format!("%{byte:02X}")).collect();
        for body in [
            STANDARD_NO_PAD.encode(&bytes),
            URL_SAFE.encode(&bytes),
            URL_SAFE_NO_PAD.encode(&bytes),
            lines("\n"),
            lines("\r\n"),
            lines(" "),
            lines("\t"),
            lines("%0d%0A"),
            standard.replace('+', "%2B").replace('/', "%2f").replace('=', "%3D"),
            percent.concat(),
        ] {
            let url = format!("data:image/png;base64,{body}");
            assert_eq!(sent(&url), Ok(data("image/png", &bytes)), "{url}");
        }
    }
    // The bits after the last byte need not be zero.
    assert_eq!(sent("data:image/png;base64,iVBORw0KGgp="), Ok(data("image/png", PNG)));
}

#[test]
fn base64_must_be_valid_to_its_last_character() {
    for body in [
        "",
        " ",
        "=",
        "====",
        "%%%",
        "%",
        "%4",
        "%zz",
        "%+1",
        "%E2%82%AC",
        "iVBORw0KGgo==",
        "iVBORw0KGgoA=",
        "iVBORw0KGgoAA",
        "iVBORw0KGg==iVBO",
        "iVBORw0KGgoAAAAAAAAA====",
        "iVBORw0KGgoAAAAAéAA",
        "iVBORw0KGgoAAAA.AAA",
        "iVBORw0KGgo=#",
        "iVBORw0KGgo=,",
        "iVBORw0KGgo=\u{a0}",
        "=AAA",
        "AAA=AAAA",
    ] {
        let url = format!("data:image/png;base64,{body}");
        assert_eq!(sent(&url), Err(ImageError::NoBase64), "{body}");
    }
}

#[test]
fn an_image_is_as_large_as_its_bytes() {
    for size in 8..24 {
        let mut bytes = PNG.to_vec();
        bytes.resize(size, 0);
        let url = data("image/png", &bytes);
        assert_eq!(check(&url, size), Ok(()), "{size}");
        let too_large = Err(ImageError::TooLarge { max: size - 1 });
        assert_eq!(check(&url, size - 1), too_large, "{size}");
        // The limit is that of the image, however it is written.
        let unpadded = format!("data:image/png;base64,{}", URL_SAFE_NO_PAD.encode(&bytes));
        let spaced: String =
            url.chars().flat_map(|c| if c == 'A' { vec![' ', 'A', '\n'] } else { vec![c] }).collect();
        for written in [unpadded, spaced, url.replace('A', "%41")] {
            assert_eq!(super::check(written.clone(), size), Ok(url.clone()), "{written}");
            let refused = super::check(written.clone(), size - 1).map(drop);
            assert_eq!(refused, too_large, "{written}");
        }
    }
}
