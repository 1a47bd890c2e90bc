//! PDFs, and their upload to sessions of contract S1.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::json;

use super::{Answer, User};

/// A PDF of one page with this text (ISO 32000-1): objects, the table of their offsets, and the trailer.
pub(crate) fn pdf(text: &str) -> Vec<u8> {
    let content = format!("BT /F1 12 Tf 72 720 Td ({text}) Tj ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R \
            /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    let mut file = "%PDF-1.4\n".to_owned();
    let mut places = String::new();
    for (number, object) in (1..).zip(&objects) {
        writeln!(places, "{:010} 00000 n ", file.len()).unwrap();
        write!(file, "{number} 0 obj\n{object}\nendobj\n").unwrap();
    }
    let (table, size) = (file.len(), objects.len() + 1);
    write!(file, "xref\n0 {size}\n0000000000 65535 f \n{places}").unwrap();
    write!(file, "trailer\n<< /Size {size} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n").unwrap();
    file.into_bytes()
}

/// A new session; its number.
pub(crate) async fn session(user: &User) -> i64 {
    let body = user.post("/v1/chat/sessions", json!({"model": "gpt-4o"})).await.ok();
    body["id"].as_i64().unwrap()
}

/// Sends a file like curl's `-F "file=@…"`.
pub(crate) async fn upload(user: &User, session: i64, name: impl AsRef<[u8]>, bytes: &[u8]) -> Answer {
    upload_as(user, session, name, "application/pdf", bytes).await
}

/// Sends a file under this content type.
pub(crate) async fn upload_as(
    user: &User,
    session: i64,
    name: impl AsRef<[u8]>,
    content_type: &str,
    bytes: &[u8],
) -> Answer {
    let head = b"--frontier\r\nContent-Disposition: form-data; name=\"file\"; filename=\"";
    let rest = format!("\"\r\nContent-Type: {content_type}\r\n\r\n");
    let body = [head, name.as_ref(), rest.as_bytes(), bytes, b"\r\n--frontier--\r\n"].concat();
    let request = user
        .request(Method::POST, &format!("/api/chat/sessions/{session}/upload"))
        .header("content-type", "multipart/form-data; boundary=frontier")
        .body(body);
    Answer::read(request.send().await.unwrap()).await
}

/// All files in a directory and below.
pub(crate) fn files_below(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    entries
        .flat_map(|entry| {
            let path = entry.unwrap().path();
            if path.is_dir() { files_below(&path) } else { vec![path] }
        })
        .collect()
}
