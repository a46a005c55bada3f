//! Files in UTF-16 and in the encoding that they declare: read with their positions, and written back in it.
//!
//! Vendors and shells write them: bpmn-io/bpmn-js issue 735 has a model that declares windows-1252; .NET declares UTF-16 for
//! text that it then saves as UTF-8. The packages that were looked through for models, `bpmn-js`, `bpmn-moddle`,
//! `bpmn-engine`, `bpmn-visualization`, `bpmn-xml-parser`, `camunda-bpmn-js` and
//! `@processmaker/processmaker-bpmn-moddle` for JavaScript, `bpmn-python`, `bpmn-dmn` and `spiffworkflow` for Python, ship
//! either none or UTF-8: 42 files of ProcessMaker, 22 of them without a declaration.

use bpmn_ext::write::{Target, WriteResult, convert, set};
use bpmn_ext::{FileText, limits};
use encoding_rs::{BIG5, EUC_JP, EUC_KR, Encoding, GB18030, GBK, IBM866, KOI8_R, SHIFT_JIS, WINDOWS_1251};
use serde_json::{Map, Value, json};

use super::{codes, invariants, lines};

/// A model with a task whose name has characters of an encoding, and a mistake after it in the same line.
fn model(declaration: &str, name: &str) -> String {
    format!(
        "{declaration}<definitions xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL' \
         xmlns:pm='http://processmaker.com/BPMN/2.0/Schema.xsd'>\r\n\
         <process id='p' name='{name}'>\r\n<serviceTask id='n' name='{name}' \
         implementation='package-data-sources/data-source-task-service' \
         pm:config='{{\"dataSource\":\"{name}\",\"endpoint\":\"list\"}}'/><task id='n'/>\r\n</process></definitions>"
    )
}

fn declare(label: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"{label}\"?>\r\n")
}

/// Encodes a text; every character must have bytes in the encoding.
type Encode = fn(&str) -> Vec<u8>;

fn utf_8(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

fn little(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn big(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

fn latin(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(c).unwrap()).collect()
}

fn windows(text: &str) -> Vec<u8> {
    let special = [('€', 0x80), ('„', 0x84), ('ž', 0x9e)];
    let byte = |c| special.iter().find(|(known, _)| *known == c).map_or_else(|| u8::try_from(c).unwrap(), |(_, b)| *b);
    text.chars().map(byte).collect()
}

fn with(encoding: &'static Encoding, text: &str) -> Vec<u8> {
    let (bytes, used, is_lost) = encoding.encode(text);
    assert!(!is_lost && used == encoding, "{text}");
    bytes.into_owned()
}

/// How the bytes are made, the label that is declared, the name in the model, and the codes of the diagnostics.
type Case = (Encode, Option<&'static str>, &'static str, &'static [&'static str]);

/// Byte order marks and what follows them.
const MARK: &str = "\u{feff}";

fn cases() -> Vec<(String, Vec<u8>, Case)> {
    let plain: [Case; 31] = [
        (utf_8, None, "Größe €🦀", &[]),
        (utf_8, Some("UTF-8"), "Größe €🦀", &[]),
        (utf_8, Some("utf8"), "Größe", &[]),
        (utf_8, Some("UTF-16"), "Größe €🦀", &["encoding-mismatch"]),
        (utf_8, Some("utf-16le"), "Size", &["encoding-mismatch"]),
        (latin, Some("ISO-8859-1"), "Größe", &[]),
        (latin, Some("iso_8859-1"), "Größe", &[]),
        (latin, Some("latin1"), "Size", &[]),
        (windows, Some("ISO-8859-1"), "Größe „ž€", &[]),
        (windows, Some("windows-1252"), "Größe „ž€", &[]),
        (windows, Some("Windows-1252"), "Size", &[]),
        (windows, Some("cp1252"), "Größe „ž€", &[]),
        (|t| with(WINDOWS_1251, t), Some("windows-1251"), "Размер", &[]),
        (|t| with(KOI8_R, t), Some("KOI8-R"), "Размер", &[]),
        (|t| with(IBM866, t), Some("IBM866"), "Размер", &[]),
        (|t| with(GBK, t), Some("GBK"), "大小", &[]),
        (|t| with(GBK, t), Some("gb2312"), "大小", &[]),
        (|t| with(GB18030, t), Some("gb18030"), "大小 🦀", &[]),
        (|t| with(BIG5, t), Some("Big5"), "大小", &[]),
        (|t| with(SHIFT_JIS, t), Some("Shift_JIS"), "サイズ ｱ", &[]),
        (|t| with(EUC_JP, t), Some("EUC-JP"), "サイズ", &[]),
        (|t| with(EUC_KR, t), Some("EUC-KR"), "크기", &[]),
        (utf_8, Some("US-ASCII"), "Size", &[]),
        (little, None, "Größe €🦀", &[]),
        (little, Some("UTF-16"), "Größe €🦀", &[]),
        (little, Some("utf-16LE"), "Größe", &[]),
        (little, Some("UTF-8"), "Größe €🦀", &["encoding-mismatch"]),
        (little, Some("UTF-16BE"), "Größe", &["encoding-mismatch"]),
        (big, Some("UTF-16"), "Größe €🦀", &[]),
        (big, Some("UTF-16BE"), "大小", &[]),
        (big, Some("windows-1252"), "Größe", &["encoding-mismatch"]),
    ];
    let marked: [Case; 12] = [
        (utf_8, None, "Größe €🦀", &[]),
        (utf_8, Some("UTF-8"), "Größe €🦀", &[]),
        (utf_8, Some("ISO-8859-1"), "Größe €🦀", &["encoding-mismatch"]),
        (utf_8, Some("UTF-16"), "Größe €🦀", &["encoding-mismatch"]),
        (utf_8, Some("UTF-7"), "Größe", &["encoding-mismatch"]),
        (little, None, "Größe €🦀", &[]),
        (little, Some("utf-16"), "Größe €🦀", &[]),
        (little, Some("UTF-8"), "Größe €🦀", &["encoding-mismatch"]),
        (little, Some("x-unknown"), "Größe", &["encoding-mismatch"]),
        (big, None, "Größe €🦀", &[]),
        (big, Some("UTF-16"), "Größe €🦀", &[]),
        (big, Some("UTF-16LE"), "Größe €🦀", &["encoding-mismatch"]),
    ];
    let made = |mark: &str, case: Case| {
        let (encode, label, name, _) = case;
        let text = model(&label.map(declare).unwrap_or_default(), name);
        let bytes = encode(&format!("{mark}{text}"));
        (format!("{mark:?} {label:?} {name}: {:?}", bytes.get(..8)), bytes, case)
    };
    plain.into_iter().map(|case| made("", case)).chain(marked.into_iter().map(|case| made(MARK, case))).collect()
}

#[test]
fn a_file_is_read_in_the_encoding_that_its_first_bytes_show_or_that_it_declares() {
    for (what, bytes, (encode, label, name, expected)) in cases() {
        let (model, diagnostics) = bpmn_ext::read(&bytes);
        assert_eq!(model.processes[0].name.as_deref(), Some(name), "{what}");
        let task = &model.tasks[0];
        assert_eq!((task.name.as_deref(), &task.config["dataSource"]), (Some(name), &json!(name)), "{what}");
        let [encoding @ .., duplicate] = &diagnostics[..] else { panic!("{what}") };
        assert_eq!((codes(encoding), duplicate.code), (expected.to_vec(), "duplicate-id"), "{what}");

        let text = self::model(&label.map(declare).unwrap_or_default(), name);
        let line = text.lines().position(|line| line.contains("<task")).unwrap();
        let (before, _) = text.lines().nth(line).unwrap().split_once("<task").unwrap();
        let position = duplicate.position;
        assert_eq!((position.line, position.column), (line + 1, before.chars().count() + 1), "{what}");
        assert_eq!(&bytes[position.start..position.end], encode("<task id='n'/>"), "{what}");
        for mismatch in encoding {
            let label = encode(label.unwrap());
            assert_eq!(&bytes[mismatch.position.start..mismatch.position.end], label, "{what}");
            assert_eq!((mismatch.position.line, mismatch.position.column), (1, 31), "{what}");
        }
        invariants::check(&bytes);
    }
}

fn config(name: &str, endpoint: &str) -> Map<String, Value> {
    json!({"dataSource": name, "endpoint": endpoint}).as_object().unwrap().clone()
}

fn written(bytes: &[u8], name: &str, endpoint: &str) -> WriteResult {
    set(bytes, "n", Target::ProcessMaker, &config(name, endpoint), None)
}

#[test]
fn a_file_is_written_back_in_its_encoding_and_unchanged_outside_of_the_edit() {
    for (what, bytes, (encode, label, name, _)) in cases() {
        assert_eq!(written(&bytes, name, "list").file, bytes, "{what}");
        let text = model(&label.map(declare).unwrap_or_default(), name);
        let mark = bytes.len() - encode(&text).len();
        // What other readers of ISO 8859 take for control characters is not written again.
        let is_rewritten = !(label == Some("ISO-8859-1") && name.contains('€'));
        for endpoint in ["other", name].into_iter().filter(|_| is_rewritten) {
            let changed = encode(&text.replace("\"list\"", &format!("\"{endpoint}\"")));
            let expected = [&bytes[..mark], &changed].concat();
            assert_eq!(written(&bytes, name, endpoint).file, expected, "{what}: {endpoint}");
        }
        for endpoint in ["a ¥‾大\u{85}\u{a0}é€🦀'\"&<", name] {
            let after = written(&bytes, name, endpoint).file;
            let (model, _) = bpmn_ext::read(&after);
            assert_eq!(model.tasks[0].config, Value::Object(config(name, endpoint)), "{what}");
            let end = encode("/><task id='n'/>\r\n</process></definitions>");
            assert!(after.ends_with(&end), "{what}");
        }
    }
}

#[test]
fn conversions_there_and_back_keep_the_encoding() {
    for (what, bytes, (encode, label, name, _)) in cases() {
        // Without the mistake, which would keep the element from being converted.
        let unique = |text: &str| text.replace("<task id='n'/>", "");
        let mark = bytes.len() - encode(&model(&label.map(declare).unwrap_or_default(), name)).len();
        let text = unique(&model(&label.map(declare).unwrap_or_default(), name));
        let file = [&bytes[..mark], &encode(&text)].concat();
        let ours = convert(&file, Target::Extension).file;
        let theirs = convert(&ours, Target::ProcessMaker).file;
        for (step, written) in [(&ours, "conn:dataConnector"), (&theirs, "pm:config")] {
            assert!(step.windows(encode(written).len()).any(|bytes| bytes == encode(written)), "{what}");
            let (model, found) = bpmn_ext::read(step);
            assert_eq!(model.tasks[0].config, Value::Object(config(name, "list")), "{what}");
            assert!(found.iter().all(|diagnostic| diagnostic.code == "encoding-mismatch"), "{what}: {found:?}");
        }
    }
}

#[test]
fn characters_that_an_encoding_does_not_have_become_references() {
    for (label, encode, endpoint, expected) in [
        ("ISO-8859-1", latin as Encode, "é€", "é&#8364;"),
        ("iso-8859-1", latin, "\u{96}", "&#150;"),
        ("US-ASCII", latin, "é", "&#233;"),
        ("windows-1252", windows, "é€大", "é€&#22823;"),
        ("Shift_JIS", |text| with(SHIFT_JIS, text), "大¥‾é", "大&#165;&#8254;&#233;"),
        ("EUC-KR", |text| with(EUC_KR, text), "🦀", "&#129408;"),
    ] {
        let before = model(&declare(label), "Size");
        let after = written(&encode(&before), "Size", endpoint).file;
        assert_eq!(after, encode(&before.replace("\"list\"", &format!("\"{expected}\""))), "{label}");
        assert_eq!(bpmn_ext::read(&after).0.tasks[0].config["endpoint"], endpoint, "{label}");
    }
}

/// The name of the encoding, how the other bytes are made, the label that is declared, and the bytes.
type Bad = (&'static str, Encode, Option<&'static str>, &'static [u8]);

#[test]
fn bytes_that_an_encoding_does_not_know_are_an_error_with_their_position() {
    const HERE: &str = "HERE";
    let text = |label: Option<&str>| {
        model(&label.map(declare).unwrap_or_default(), "Size").replace("<task id='n'/>", "\r\né<task name='HERE'/>")
    };
    let cases: [Bad; 14] = [
        ("UTF-8", utf_8, None, b"\xe9"),
        ("UTF-8", utf_8, Some("UTF-8"), b"\xc3("),
        ("UTF-8", utf_8, Some("UTF-8"), b"\xed\xa0\x80"),
        ("UTF-8", utf_8, Some("UTF-16"), b"\xff"),
        (
            "windows-1253",
            |text| with(encoding_rs::WINDOWS_1253, &text.replace('é', "ώ")),
            Some("windows-1253"),
            b"\xff",
        ),
        ("US-ASCII", |text| utf_8(&text.replace('é', "e")), Some("US-ASCII"), b"\xe9"),
        ("US-ASCII", |text| utf_8(&text.replace('é', "e")), Some("ascii"), "é".as_bytes()),
        ("GBK", |text| with(GBK, &text.replace('é', "大")), Some("GBK"), b"\x81\x20"),
        ("gb18030", |text| with(GB18030, text), Some("gb18030"), b"\x84\x32\xff\x32"),
        ("Shift_JIS", |text| with(SHIFT_JIS, &text.replace('é', "サ")), Some("Shift_JIS"), b"\xfd"),
        ("EUC-KR", |text| with(EUC_KR, &text.replace('é', "크")), Some("EUC-KR"), b"\xff\xff"),
        ("UTF-16LE", little, None, b"\x00\xd8"),
        ("UTF-16LE", little, Some("UTF-8"), b"\x00\xdc"),
        ("UTF-16BE", big, Some("UTF-16"), b"\xd8\x00"),
    ];
    for (name, encode, label, bad) in cases {
        let text = text(label);
        let (before, after) = text.split_once(HERE).unwrap();
        let file = [encode(before), bad.to_vec(), encode(after)].concat();
        let (model, diagnostics) = bpmn_ext::read(&file);
        let what = format!("{name} {label:?}: {:?}", lines(&diagnostics));
        let error = diagnostics.iter().find(|diagnostic| diagnostic.code != "encoding-mismatch").unwrap();
        assert_eq!(error.code, "undecodable", "{what}");
        assert!(error.message.contains(&format!("the bytes here are not {name};")), "{what}");
        let line = text.lines().position(|line| line.contains(HERE)).unwrap() + 1;
        assert_eq!(
            (error.position.line, error.position.column, error.position.start),
            (line, 14, encode(before).len())
        );
        assert_eq!(model.tasks.len(), 1, "what was read before an error is in the model: {what}");
        let kept = convert(&file, Target::Extension);
        assert_eq!((kept.file, codes(&kept.diagnostics)), (file.clone(), codes(&diagnostics)), "{what}");
        // At the very end, where a character is cut.
        if bad.len() > 1 || name.starts_with("UTF") {
            let cut = [encode(before), vec![bad[0]]].concat();
            let found = bpmn_ext::read(&cut).1;
            assert_eq!(found.last().map(|last| last.code), Some("undecodable"), "{what}");
        }
        invariants::check(&file);
    }
}

#[test]
fn files_in_no_known_encoding_are_refused_with_a_diagnostic() {
    let text = model("", "Size");
    let utf_32: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    let utf_32_big: Vec<u8> = text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect();
    let marked = |mark: &[u8], bytes: &[u8]| [mark, bytes].concat();
    let declared = |label: &str| model(&declare(label), "Size").into_bytes();
    for (bytes, expected) in [
        (utf_32.clone(), "1:1: error[unknown-encoding]: the file is in UTF-32, which is not read"),
        (utf_32_big.clone(), "1:1: error[unknown-encoding]: the file is in UTF-32, which is not read"),
        (marked(b"\xff\xfe\0\0", &utf_32), "1:1: error[unknown-encoding]: the file is in UTF-32, which is not read"),
        (
            marked(b"\0\0\xfe\xff", &utf_32_big),
            "1:1: error[unknown-encoding]: the file is in UTF-32, which is not read",
        ),
        (declared("UTF-7"), "1:31: error[unknown-encoding]: the file declares encoding `UTF-7`, which is not read"),
        (declared("utf-32"), "1:31: error[unknown-encoding]: the file declares encoding `utf-32`, which is not read"),
        (
            declared("ebcdic-cp-de"),
            "1:31: error[unknown-encoding]: the file declares encoding `ebcdic-cp-de`, which is",
        ),
        // Its escape sequences change what ASCII bytes mean.
        (declared("ISO-2022-JP"), "1:31: error[unknown-encoding]: the file declares encoding `ISO-2022-JP`, which is"),
        (declared("hz-gb-2312"), "1:31: error[unknown-encoding]: the file declares encoding `hz-gb-2312`, which is"),
        (declared(""), "1:31: error[unknown-encoding]: the file declares encoding ``, which is not read"),
        (declared(&"x".repeat(200)), "1:31: error[unknown-encoding]: the file declares encoding `xxx"),
        (b"\x4c\x6f\xa7\x94\x93".to_vec(), "1:3: error[undecodable]: the bytes here are not UTF-8"),
        (b"\xff\xfe".to_vec(), "1:1: error[not-bpmn]"),
        (b"\xff\xfe<".to_vec(), "1:1: error[undecodable]: the bytes here are not UTF-16LE"),
        (b"\xef\xbb\xbf\xff".to_vec(), "1:1: error[undecodable]: the bytes here are not UTF-8"),
    ] {
        let (model, diagnostics) = bpmn_ext::read(&bytes);
        let found = lines(&diagnostics);
        assert!(matches!(&found[..], [line] if line.starts_with(expected)), "{found:?}: {expected}");
        assert_eq!((model.tasks.len(), convert(&bytes, Target::Extension).file), (0, bytes.clone()));
        invariants::check(&bytes);
    }
}

#[test]
fn a_file_in_utf_8_that_declares_another_encoding_is_read_as_declared_with_a_warning() {
    let (model, diagnostics) = bpmn_ext::read(&model(&declare("ISO-8859-1"), "Größe"));
    assert_eq!(model.tasks[0].name.as_deref(), Some("GrÃ¶ÃŸe"));
    let expected = "1:31: warning[encoding-mismatch]: the file declares encoding `ISO-8859-1`, but its bytes are UTF-8; \
        they are read as declared (declare the encoding that the file is in)";
    assert_eq!(lines(&diagnostics)[0], expected);
}

#[test]
fn declarations_are_found_as_tools_write_them() {
    for declaration in [
        "<?xml version='1.0' encoding='windows-1252'?>",
        "<?xml version=\"1.0\" encoding = \"windows-1252\" standalone=\"yes\"?>\n",
        "<?xml version=\"1.0\"\n  encoding=\"WINDOWS-1252\" ?>",
        "\r\n <?xml encoding=' windows-1252 '?>",
        &format!("<?xml version='1.0' encoding='windows-1252'{}?>", " ".repeat(900)),
    ] {
        let (model, _) = bpmn_ext::read(&windows(&model(declaration, "Größe €")));
        assert_eq!(model.tasks.first().and_then(|task| task.name.as_deref()), Some("Größe €"), "{declaration}");
    }
    for declaration in [
        "<?xml version='1.0'?>",
        "<?xml version='1.0' encoding=windows-1252?>",
        "<?xml-stylesheet encoding='windows-1252'?>",
        "<!-- encoding='windows-1252' -->",
        &format!("<?xml version='1.0'{} encoding='windows-1252'?>", " ".repeat(2_000)),
    ] {
        let text = FileText::of(declaration.as_bytes()).text().to_owned();
        assert_eq!(text, declaration);
        let found = bpmn_ext::read(&windows(&model(declaration, "Größe €"))).1;
        assert_eq!(codes(&found), ["undecodable"], "{declaration}");
    }
}

#[test]
fn the_limit_of_size_holds_in_bytes_of_the_file_and_of_its_text() {
    let file = |label: &str, piece: &[u8], count: usize| {
        let declaration = declare(label).into_bytes();
        [declaration.clone(), piece.repeat((limits::SIZE - declaration.len()) / piece.len() - count)].concat()
    };
    for (label, piece, size) in [("windows-1252", &b"\xe9aaaaaaa"[..], 9), ("GBK", b"\xc4\xe3aaaaaa", 9)] {
        let whole = file(label, piece, 0);
        assert_eq!(codes(&bpmn_ext::read(&whole).1), ["too-large"], "{label}");
        let fitting = file(label, piece, limits::SIZE / (8 * size) + 2);
        assert_eq!(codes(&bpmn_ext::read(&fitting).1), ["not-well-formed"], "{label}");
    }
}
