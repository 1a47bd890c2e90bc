//! Bad files, many at the same time. `just bad-files` sends worse ones.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::task::JoinSet;

use crate::support::files::{pdf, session, upload};
use crate::support::{Answer, App, Store, User, on_sqlite_alone, setting};

on_sqlite_alone!(twenty_bad_files_at_once_harm_nobody);

const FILES: usize = 20;
/// How much the service may grow beyond what the files take.
const GROWTH_KIB: usize = 48 * 1024;
/// The files of one user: as many as one user may send at the same time.
const PER_USER: usize = 4;

/// A document of one page. It has no table of its objects: readers find them all the same.
fn document(font: &str, content_entries: &str, content: &[u8]) -> Vec<u8> {
    let start = format!(
        "%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
        3 0 obj<</Type/Page/Parent 2 0 R/Contents 4 0 R/Resources<</Font<</F 5 0 R>>/XObject<</X 4 0 R>>>>>>endobj
        5 0 obj<</Type/Font{font}>>endobj
        4 0 obj<</Length {}{content_entries}>>stream\n",
        content.len()
    );
    [start.as_bytes(), content, b"\nendstream endobj\ntrailer<</Root 1 0 R>>\n"].concat()
}

/// Bad documents, each with the code of its error.
fn bad_files(with_slow_ones: bool) -> Vec<(Vec<u8>, &'static str)> {
    let helvetica = "/Subtype/Type1/BaseFont/Helvetica";
    // 128 spaces for every two bytes.
    let mut unpacking = [129, b' '].repeat(9 * 1024 * 1024 / 2);
    unpacking.push(128);
    let encrypted =
        String::from_utf8(pdf("text")).unwrap().replace("/Root", "/Encrypt << /Filter /None >> /Root");
    let mut files = vec![
        (b"%PDF-1.7 and nothing of one".to_vec(), "pdf_unreadable"),
        (pdf("text")[..100].to_vec(), "pdf_unreadable"),
        (document(helvetica, "/Filter/RunLengthDecode", &unpacking), "pdf_too_complex"),
        (encrypted.into_bytes(), "pdf_encrypted"),
    ];
    if with_slow_ones {
        let widths = "/Subtype/Type0/BaseFont/X/Encoding/Identity-H/DescendantFonts[<</Type/Font/Subtype/CIDFontType2\
            /BaseFont/X/W[0 4294967295 1000]>>]";
        // The content of the page is also a form, which draws itself a hundred times.
        let form = document(helvetica, "/Subtype/Form/BBox[0 0 9 9]", &b"/X Do ".repeat(100));
        files.extend([
            (document(widths, "", b"BT /F 12 Tf (text) Tj ET"), "pdf_too_complex"),
            (form, "pdf_too_complex"),
        ]);
    }
    files
}

/// A figure of the memory of the service, in KiB: `VmRSS`, or `VmHWM` for the peak.
fn memory_kib(app: &App, figure: &str) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", app.process_id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(figure)).unwrap();
    line.trim_matches([':', '\t', ' ']).trim_end_matches(" kB").parse().unwrap()
}

/// Uploads all files at the same time, by several users.
async fn upload_all(users: &[(User, i64)], files: &[(Vec<u8>, &'static str)]) {
    let mut uploads = JoinSet::new();
    for number in 0..FILES {
        let (user, session) = users[number / PER_USER].clone();
        let (bytes, code) = files[number % files.len()].clone();
        uploads.spawn(async move { (code, upload(&user, session, "bad.pdf", &bytes).await) });
    }
    while let Some(answer) = uploads.join_next().await {
        let (code, answer): (&str, Answer) = answer.unwrap();
        // Two are read at a time, and only so many may wait for so long.
        if answer.status == 503 {
            answer.is_error(503, "files_busy");
            assert!(!answer.header("retry-after").is_empty());
        } else {
            answer.is_error(400, code);
        }
    }
}

/// C-33, F44, Threat 55
async fn twenty_bad_files_at_once_harm_nobody(store: Store) {
    let files = bad_files(setting("OMNICHAT_TEST_SLOW_FILES", 0) == 1);
    let rounds = setting("OMNICHAT_TEST_ROUNDS", 2);
    let app = App::start(store).await;
    let mut users = Vec::new();
    for name in ["ann", "ben", "cid", "dan", "eve"] {
        let user = app.user(name).await;
        let session = session(&user).await;
        users.push((user, session));
    }
    let other = app.user("other").await;
    let conversation = other.conversation().await;
    other.say(&conversation, "warm").await.ok();
    let sent: usize = (0..FILES).map(|number| files[number % files.len()].0.len()).sum();
    eprintln!("{FILES} files of {} KiB in all", sent / 1024);
    let before = memory_kib(&app, "VmRSS");
    for round in 1..=rounds {
        let done = AtomicBool::new(false);
        let uploading = async {
            upload_all(&users, &files).await;
            done.store(true, Ordering::Relaxed);
        };
        let talking = async {
            let mut turns = 0;
            while !done.load(Ordering::Relaxed) || turns == 0 {
                let question = format!("Is {round}.{turns} answered?");
                let answer = other.say(&conversation, &question).await.ok();
                assert_eq!(answer["response"], format!("You said: {question}"));
                assert_eq!(other.get("/conversation").await.ok()[0]["id"], conversation.as_str());
                turns += 1;
            }
            turns
        };
        let ((), turns) = tokio::join!(uploading, talking);
        let (now, peak) = (memory_kib(&app, "VmRSS"), memory_kib(&app, "VmHWM"));
        eprintln!(
            "round {round}: {turns} turns meanwhile; memory {before} KiB before, {peak} at most, {now} after"
        );
        // A body is in memory twice while its parts are joined.
        assert!(peak < before + 2 * sent / 1024 + GROWTH_KIB, "{before} KiB before, {peak} KiB at most");
    }
    // The service reads good files as before.
    let (user, session) = &users[0];
    let read = upload(user, *session, "good.pdf", &pdf("good")).await.ok();
    assert_eq!(read["file"]["extracted_text"].as_str().unwrap().trim(), "good");
}
