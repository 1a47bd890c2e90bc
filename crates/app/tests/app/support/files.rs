//! PDFs, and their upload to sessions of contract S1.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::json;

use super::{Answer, User};

/// A font that every reader knows.
pub(crate) const HELVETICA: &str =
    "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>";

/// A PDF of one page with this text.
pub(crate) fn pdf(text: &str) -> Vec<u8> {
    document(HELVETICA, &[format!("BT /F1 12 Tf 72 720 Td ({text}) Tj ET")])
}

/// A PDF with these pages (ISO 32000-1): objects, the table of their offsets, and the trailer. The content of pages may use
/// the font `/F1` and a small image, `/X1`.
pub(crate) fn document(font: &str, pages: &[impl AsRef<str>]) -> Vec<u8> {
    let kids: Vec<String> = (0..pages.len()).map(|page| format!("{} 0 R", 5 + 2 * page)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        format!(
            "<< /Type /Pages /Kids [{}] /Count {} /MediaBox [0 0 595 842] \
             /Resources << /Font << /F1 3 0 R >> /XObject << /X1 4 0 R >> >> >>",
            kids.join(" "),
            pages.len()
        ),
        font.to_owned(),
        "<< /Type /XObject /Subtype /Image /Width 2 /Height 2 /BitsPerComponent 8 /ColorSpace /DeviceGray \
         /Length 4 >>\nstream\n#~~#\nendstream"
            .to_owned(),
    ];
    for content in pages {
        let content = content.as_ref();
        objects.push(format!("<< /Type /Page /Parent 2 0 R /Contents {} 0 R >>", objects.len() + 2));
        objects.push(format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()));
    }
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
    session_with(user, "gpt-4o").await
}

/// A new session with this model; its number.
pub(crate) async fn session_with(user: &User, model: &str) -> i64 {
    let body = user.post("/v1/chat/sessions", json!({"model": model})).await.ok();
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
