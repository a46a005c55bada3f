//! Files that hurt, in pieces of any size, and what another reader makes of those that do not.

use serde_json::json;

use super::reader::LONGEST_ROW;
use super::*;

/// All rows of a file, whatever the pieces in which it comes: `line: cell|"quoted"`.
fn rows(bytes: &[u8], encoding: Encoding, delimiter: Option<u8>) -> (Vec<String>, Option<u64>) {
    let read = |piece: usize| {
        let mut reader = Reader::new(encoding, delimiter);
        bytes.chunks(piece).for_each(|piece| reader.push(piece));
        reader.finish();
        let mut rows = Vec::new();
        loop {
            match reader.next_row() {
                Ok(Some(RawRow { line, cells: Ok(cells) })) => {
                    let cell = |cell: &RawCell| {
                        if cell.is_quoted { format!("\"{}\"", cell.text) } else { cell.text.clone() }
                    };
                    rows.push(format!("{line}: {}", cells.iter().map(cell).collect::<Vec<_>>().join("|")));
                }
                Ok(Some(RawRow { line, cells: Err(_) })) => rows.push(format!("{line}! ")),
                Ok(None) => return (rows, None),
                Err(broken) => return (rows, Some(broken.line)),
            }
        }
    };
    let whole = read(bytes.len().max(1));
    for piece in [1, 2, 3, 7] {
        assert_eq!(read(piece), whole, "in pieces of {piece}");
    }
    whole
}

#[test]
fn files_that_hurt() {
    for (file, expected, broken) in [
        ("", vec![], None),
        ("\n\r\n", vec![], None),
        ("a,b\n1,2", vec!["1: a|b", "2: 1|2"], None),
        ("a,b\r\n1,2\r\n", vec!["1: a|b", "2: 1|2"], None),
        ("\n\na\n\n1\n", vec!["3: a", "5: 1"], None),
        ("a\n\"x\r\ny\"\n2\n", vec!["1: a", "2: \"x\r\ny\"", "4: 2"], None),
        ("a,b\n\"\",\n", vec!["1: a|b", "2: \"\"|"], None),
        ("a\n\"\"\n", vec!["1: a", "2: \"\""], None),
        ("a\n\"x\"\"y\"\n", vec!["1: a", "2: \"x\"y\""], None),
        ("a\nx\"y\"\n", vec!["1: a", "2: x\"y\""], None),
        ("a\nx\ry\n", vec!["1: a", "2: x\ry"], None),
        ("a\nx\r\r\n", vec!["1: a", "2: x\r"], None),
        ("a,b\n\"x\"y,2\n3,4\n", vec!["1: a|b", "2! ", "3: 3|4"], None),
        ("a,b\n\"x\" ,2\n", vec!["1: a|b", "2! "], None),
        ("a\n\"x\"\r", vec!["1: a", "2! "], None),
        ("a\n\"x\"\ry\nz\n", vec!["1: a", "2! ", "3: z"], None),
        ("a\n\"x\n1\n2\n", vec!["1: a"], Some(2)),
        ("a\n1\n\"", vec!["1: a", "2: 1"], Some(3)),
        ("a;b,c;d\n1;2;3\n", vec!["1: a|b,c|d", "2: 1|2|3"], None),
        ("\"a,b,c\";d\n1;2\n", vec!["1: \"a,b,c\"|d", "2: 1|2"], None),
        ("a\tb\n1\t2\n", vec!["1: a|b", "2: 1|2"], None),
        ("a,b;c\n1,2\n", vec!["1: a|b;c", "2: 1|2"], None),
        ("5\" a;b\n1;2\n", vec!["1: 5\" a|b", "2: 1|2"], None),
        ("\"a\"\";,,\";b\n1;2\n", vec!["1: \"a\";,,\"|b", "2: 1|2"], None),
        ("a;\"b,\n,\";c\n1;2;3\n", vec!["1: a|\"b,\n,\"|c", "3: 1|2|3"], None),
        ("\u{feff}a\nä\n", vec!["1: a", "2: ä"], None),
        (" a , b \n", vec!["1:  a | b "], None),
    ] {
        let (found, at) = rows(file.as_bytes(), Encoding::Unicode, None);
        assert_eq!((found, at), (expected.into_iter().map(ToOwned::to_owned).collect(), broken), "{file:?}");
    }
}

#[test]
fn bytes_are_read_in_their_encoding() {
    let wide = |text: &str, unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
    for bytes in [wide("\u{feff}a,b\n🦀,ö\n", u16::to_le_bytes), wide("\u{feff}a,b\n🦀,ö\n", u16::to_be_bytes)] {
        assert_eq!(rows(&bytes, Encoding::Unicode, None).0, ["1: a|b", "2: 🦀|ö"]);
    }
    assert_eq!(rows(b"a\n\x80\xe4\n", Encoding::Windows1252, None).0, ["1: a", "2: €ä"]);
    assert_eq!(rows(b"a\n\xe4\n", Encoding::Latin1, None).0, ["1: a", "2: ä"]);
    assert_eq!(rows(b"a\n\x80\n", Encoding::Latin1, None).0, ["1: a", "2: \u{80}"]);
    assert_eq!(rows(b"a\nx\n\xe4\ny\n", Encoding::Unicode, None).0, ["1: a", "2: x", "3! ", "4: y"]);
    let lone = [0xff, 0xfe, b'a', 0, b'\n', 0, 0, 0xd8, b'\n', 0, b'x', 0];
    assert_eq!(rows(&lone, Encoding::Unicode, None).0, ["1: a", "2! ", "3: x"]);
    assert_eq!(rows(b"a|b\n1|2\n", Encoding::Unicode, Some(b'|')).0, ["1: a|b", "2: 1|2"]);
}

#[test]
fn a_row_without_an_end_does_not_take_the_memory() {
    let mut reader = Reader::new(Encoding::Unicode, None);
    reader.push(b"a\n1\n\"");
    let piece = vec![b'x'; 1024 * 1024];
    for _ in 0..20 {
        reader.push(&piece);
    }
    assert!(reader.cell.capacity() < 2 * LONGEST_ROW);
    assert_eq!(reader.next_row().unwrap().unwrap().line, 1);
    assert_eq!(reader.next_row().unwrap().unwrap().line, 2);
    assert_eq!(reader.next_row().unwrap_err().line, 3);
}

#[test]
fn rows_are_written_as_they_are_read() {
    let values = [
        json!(null),
        json!(""),
        json!("a,\"b\"\r\nc"),
        json!(-5),
        json!(true),
        json!({"a": [1]}),
        json!("=1"),
        json!("x;y"),
    ];
    let write = |escapes| {
        let mut out = Vec::new();
        write_row(&mut out, values.iter().map(|value| Cell::of(Some(value))), escapes);
        String::from_utf8(out).unwrap()
    };
    let expected = ",\"\",\"a,\"\"b\"\"\r\nc\",-5,true,\"{\"\"a\"\":[1]}\",=1,\"x;y\"\r\n";
    assert_eq!(write(false), expected);
    assert_eq!(write(true), expected.replace(",=1,", ",'=1,"));
    let (read, _) = rows(write(false).as_bytes(), Encoding::Unicode, Some(b','));
    assert_eq!(read, ["1: |\"\"|\"a,\"b\"\r\nc\"|-5|true|\"{\"a\":[1]}\"|=1|\"x;y\""]);
}

/// A cell that the `csv` crate reads as ours does.
fn plain_cell(random: &mut fastrand::Rng) -> String {
    let characters = ['a', 'é', '"', ',', '\n', ';', ' ', '7'];
    (0..random.usize(1..6)).map(|_| characters[random.usize(..characters.len())]).collect()
}

#[test]
fn what_other_programs_write_is_read_as_they_read_it() {
    let seed = 20_261_130;
    let mut random = fastrand::Rng::with_seed(seed);
    for case in 0..500 {
        let width = random.usize(1..5);
        let table: Vec<Vec<String>> =
            (0..random.usize(1..6)).map(|_| (0..width).map(|_| plain_cell(&mut random)).collect()).collect();
        let ends = if random.bool() { ::csv::Terminator::CRLF } else { ::csv::Terminator::Any(b'\n') };
        let mut writer = ::csv::WriterBuilder::new().terminator(ends).from_writer(Vec::new());
        for row in &table {
            writer.write_record(row).unwrap();
        }
        let file = writer.into_inner().unwrap();
        let mut theirs = ::csv::ReaderBuilder::new().has_headers(false).from_reader(file.as_slice());
        let theirs: Vec<Vec<String>> =
            theirs.records().map(|row| row.unwrap().iter().map(ToOwned::to_owned).collect()).collect();
        let mut reader = Reader::new(Encoding::Unicode, Some(b','));
        file.chunks(random.usize(1..20)).for_each(|piece| reader.push(piece));
        reader.finish();
        let (mut ours, mut next_line) = (Vec::new(), 1);
        while let Some(RawRow { line, cells }) = reader.next_row().unwrap() {
            let cells: Vec<String> = cells.unwrap().into_iter().map(|cell| cell.text).collect();
            assert_eq!(line, next_line, "case {case} of seed {seed}");
            next_line += 1 + cells.iter().map(|cell| cell.matches('\n').count() as u64).sum::<u64>();
            ours.push(cells);
        }
        assert_eq!(ours, theirs, "case {case} of seed {seed}: {:?}", String::from_utf8_lossy(&file));
        assert_eq!(ours, table);
    }
}
