//! Documents that unpack to a thousand times their size. This test has a process of its own, as it measures the
//! memory of the process.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

#[path = "../reader/support.rs"]
mod support;

use std::fs;
use std::io::Write;

use flate2::write::ZlibEncoder;
use flate2::{Compress, Compression, FlushCompress};
use ports::ExtractionError;
use support::{pdf, read, stream};

const MIB: usize = 1024 * 1024;
/// The unpacked size of each document.
const UNPACKED: usize = 1024 * MIB;
/// How much the memory of this process, the parent, may grow.
const GROWTH_KIB: usize = 16 * 1024;

/// Packed spaces. Each MiB is packed to the same bytes, so only one MiB is packed and then repeated.
fn bomb() -> Vec<u8> {
    let mut block = Vec::with_capacity(MIB);
    let mut packer = Compress::new(Compression::best(), false);
    packer.compress_vec(&vec![b' '; MIB], &mut block, FlushCompress::Full).unwrap();
    // The header of zlib; the blocks; an empty last block; the checksum of all.
    let mut bomb = vec![0x78, 0xda];
    bomb.extend(block.repeat(UNPACKED / MIB));
    bomb.extend([0x03, 0x00]);
    bomb.extend(checksum().to_be_bytes());
    bomb
}

/// Adler-32 of the spaces.
fn checksum() -> u32 {
    const BASE: u64 = 65_521;
    let (count, space) = (UNPACKED as u64 % BASE, u64::from(b' '));
    // `a` grows by a space with each byte, and `b` by what `a` has become.
    let a = (1 + count * space) % BASE;
    let b = (count + space * (count * (count + 1) / 2)) % BASE;
    u32::try_from(b << 16 | a).unwrap()
}

fn pack(bytes: &[u8]) -> Vec<u8> {
    let mut packer = ZlibEncoder::new(Vec::new(), Compression::best());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

/// What is packed so many times.
fn chain(mut bytes: Vec<u8>, times: usize) -> Vec<u8> {
    for _ in 0..times {
        bytes = pack(&bytes);
    }
    bytes
}

/// A document whose one page has this content.
fn page(content: Vec<u8>) -> Vec<u8> {
    let page = "<</Type/Page/Parent 2 0 R/Contents 4 0 R>>";
    pdf(&[
        b"<</Type/Catalog/Pages 2 0 R>>".to_vec(),
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>".to_vec(),
        page.into(),
        content,
    ])
}

/// A document whose objects are all in an object stream.
fn objects(bomb: &[u8]) -> Vec<u8> {
    let mut pdf = b"%PDF-1.7\n".to_vec();
    let container = pdf.len();
    pdf.extend(b"4 0 obj\n");
    pdf.extend(stream("/Type/ObjStm/N 3/First 100/Filter/FlateDecode", bomb));
    pdf.extend(b"\nendobj\n");
    let table = pdf.len();
    // Objects 1 to 3 are the first three in object stream 4; objects 4 and 5 are in the file itself.
    let mut entries: Vec<[u8; 6]> = vec![[0, 0, 0, 0, 0, 0]];
    entries.extend((0..3).map(|index| [2, 0, 0, 0, 4, index]));
    for offset in [container, table] {
        let [a, b, c, d] = u32::try_from(offset).unwrap().to_be_bytes();
        entries.push([1, a, b, c, d, 0]);
    }
    pdf.extend(b"5 0 obj\n");
    pdf.extend(stream("/Type/XRef/Size 6/W[1 4 1]/Root 1 0 R", entries.concat()));
    pdf.extend(format!("\nendobj\nstartxref\n{table}\n%%EOF\n").bytes());
    pdf
}

/// The peak memory of this process.
fn peak_kib() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Threat 55
#[tokio::test]
async fn documents_that_unpack_to_gigabytes_cost_the_parent_no_memory() {
    let bomb = bomb();
    let filter = "/Filter/FlateDecode";
    // A control byte of this filter, and the byte that it repeats 128 times.
    let runs = [[129, b' '].repeat(UNPACKED / 128), vec![128]].concat();
    let documents = [
        page(stream(filter, &bomb)),
        page(stream("/Filter[/FlateDecode/FlateDecode/FlateDecode]", pack(&pack(&bomb)))),
        page(stream("/Filter[/FlateDecode/RunLengthDecode]", pack(&runs))),
        page(stream("/Filter[/FlateDecode/ASCIIHexDecode]", &bomb)),
        page(stream("/Filter[/FlateDecode/ASCII85Decode]", &bomb)),
        page(stream("/Filter[/FlateDecode/LZWDecode]", &bomb)),
        page(stream(
            &format!("/Filter[{}]", filter.repeat(100).replace("/Filter", "")),
            chain(bomb.clone(), 99),
        )),
        objects(&bomb),
    ];
    let before = peak_kib();
    for document in documents {
        let read = read(&document).await;
        assert!(matches!(read, Err(ExtractionError::TooComplex)), "{read:?}");
    }
    // The kernel updates the figure in batches, so it may also fall a little.
    let grown = peak_kib().saturating_sub(before);
    assert!(grown < GROWTH_KIB, "the process grew by {grown} KiB");
}

/// Threat 55. No filter says how much it unpacks to, but the parameters of one may.
#[tokio::test]
async fn filters_that_lie_end() {
    let text = b"BT /F 12 Tf (text) Tj ET";
    let mut contents =
        vec![stream(&format!("/Filter[{}]", "/FlateDecode".repeat(100)), chain(text.to_vec(), 100))];
    for parameters in [
        "/Predictor 12/Columns 2147483647/Colors 32/BitsPerComponent 32",
        "/Predictor 15/Columns 9223372036854775807",
        "/Predictor 2/Columns -1/Colors -1/BitsPerComponent 0",
        "/Predictor 99/EarlyChange 7",
    ] {
        for filter in ["FlateDecode", "LZWDecode"] {
            contents.push(stream(&format!("/Filter/{filter}/DecodeParms<<{parameters}>>"), pack(text)));
        }
    }
    for filter in [
        "ASCIIHexDecode",
        "ASCII85Decode",
        "LZWDecode",
        "RunLengthDecode",
        "JBIG2Decode",
        "JPXDecode",
        "Crypt",
    ] {
        contents.push(stream(&format!("/Filter/{filter}"), pack(text)));
    }
    contents.push(stream("/Filter 4 0 R", text));
    contents.push(stream(&format!("/Filter[{}]", "/ASCIIHexDecode".repeat(100_000)), text));
    for content in contents {
        let read = read(&page(content)).await;
        assert!(!matches!(read, Err(ExtractionError::Failed(_))), "{read:?}");
    }
}
