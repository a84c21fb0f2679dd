//! Files with honest but odd names.

use super::shop::sentence;
use super::{Dice, Request};

const NAMES: &[&str] = &[
    "Screenshot 2024-11-20 at 08.15.30 (1).png",
    "Müller & Söhne – Rechnung Nr. 4711.pdf",
    "O'Brien's CV (final) [v2].docx",
    "report..final...pdf",
    "100% cotton.jpg",
    "résumé;signed.pdf",
    "план на 2024 год.xlsx",
    "請求書.pdf",
    "IMG_20241120_081530.HEIC",
    "archive.tar.gz",
    "backup.sql.gz",
    "jquery.min.js",
    "data.php_tutorial.pdf",
    "notes-on-asp.net.txt",
    "Dr. Cer. Smith.png",
    "C:\\fakepath\\photo.jpg",
    ".gitignore",
    "no_extension",
    "a=b&c=d.txt",
    "#1 {draft}.md",
    "select * from heaven.mp3",
    "script.py",
    "install.sh",
    "setup.exe",
    "Messages.pl.json",
    "v1.2.3-rc.1+build.5.zip",
    "e-mail from Jane <jane@example.com>.eml",
    "~$budget.xlsx",
    "Foto \u{1F600}.jpeg",
    "table.union.csv",
    "kontakte.vcf",
    "plan d'action.odt",
    "Anlage 1: Preisliste.pdf",
];

/// A form with a file or two.
pub(crate) fn files(dice: &mut Dice) -> Request {
    let (first, second) = (dice.pick(NAMES), dice.pick(NAMES));
    let note = sentence(dice);
    let mut contents = b"%PDF-1.7\r\n%\xe2\xe3\xcf\xd3\r\n1 0 obj\r\n<</Type/Catalog/Pages 2 0 R/Lang(de-DE)>>\r\nendobj\r\n".to_vec();
    contents.extend(dice.bytes(400));
    Request::new("upload form", "POST", "/upload?folder=%2FDocuments%2F2024").multipart(
        dice,
        &[
            ("description", "", "", note.as_bytes()),
            ("MAX_FILE_SIZE", "", "", b"1048576"),
            ("files[]", first, "application/pdf", &contents),
            (
                "files[]",
                second,
                "application/octet-stream",
                b"name;price\r\n\"Men's shoes\";19,90\r\n=SUM(A1:A2);\r\n",
            ),
        ],
    )
}

/// A picture, alone or in JSON.
pub(crate) fn picture(dice: &mut Dice) -> Request {
    use base64::Engine as _;
    let mut contents =
        b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00".to_vec();
    contents.extend(dice.bytes(600));
    let caption = sentence(dice);
    match dice.below(3) {
        0 => Request::new("picture body", "PUT", "/avatars/42.jpg").body("image/jpeg", contents),
        1 => Request::new("picture in json", "POST", "/api/photos").json(&serde_json::json!({"name": dice.pick(NAMES), "content": base64::engine::general_purpose::STANDARD.encode(&contents), "caption": caption})),
        _ => Request::new("picture form", "POST", "/photos").multipart(dice, &[("caption", "", "", caption.as_bytes()), ("photo", "blob", "image/jpeg", &contents)]),
    }
}
