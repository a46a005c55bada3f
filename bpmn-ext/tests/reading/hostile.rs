//! Hostile files: each is refused or read, in little time and memory, and nothing panics.

use std::fmt::Write as _;
use std::fs;
use std::time::Duration;

use bpmn_ext::lint::{Language, LintContext, TextError, lint};
use bpmn_ext::write::{Target, convert};
use bpmn_ext::{Diagnostic, Format, limits};

use super::{codes, element_ids, fixture, invariants};

const OPEN: &str = "<definitions xmlns='http://www.omg.org/spec/BPMN/20100524/MODEL' \
    xmlns:pm='http://processmaker.com/BPMN/2.0/Schema.xsd' xmlns:conn='urn:data-connector:bpmn:1'><process id='p'>";
const CLOSE: &str = "</process></definitions>";
const SERVICE: &str = "implementation='package-data-sources/data-source-task-service'";

fn model(content: &str) -> String {
    format!("{OPEN}{content}{CLOSE}")
}

/// As many copies as fit into the largest file.
fn filled(piece: impl Fn(usize) -> String) -> String {
    let room = limits::SIZE - model("").len();
    let mut content = String::with_capacity(room);
    for index in 0.. {
        let next = piece(index);
        if content.len() + next.len() > room {
            break;
        }
        content.push_str(&next);
    }
    model(&content)
}

/// `count` pieces, one after another.
fn repeated(count: usize, piece: impl Fn(usize) -> String) -> String {
    (0..count).map(piece).collect()
}

fn entities(declarations: &str) -> String {
    format!("<!DOCTYPE lolz [{declarations}]>{}", model("<task id='a' name='&lol9;'/>"))
}

fn laughs() -> String {
    let mut declarations = "<!ENTITY lol 'lol'>".to_owned();
    for level in 1..10 {
        let of = if level == 1 { "&lol;".to_owned() } else { format!("&lol{};", level - 1) };
        write!(declarations, "<!ENTITY lol{level} '{}'>", of.repeat(10)).unwrap();
    }
    entities(&declarations)
}

/// Files that are refused, and the code of the diagnostic.
fn refused() -> Vec<(&'static str, String, &'static str)> {
    vec![
        ("billion laughs", laughs(), "doctype"),
        ("quadratic blow-up", entities(&format!("<!ENTITY a '{}'>", "a".repeat(100_000))), "doctype"),
        ("parameter laughs", entities("<!ENTITY % a '%b;%b;'> %a;"), "doctype"),
        ("local file", entities("<!ENTITY lol9 SYSTEM 'file:///etc/passwd'>"), "doctype"),
        ("external definition", format!("<!DOCTYPE d SYSTEM 'http://127.0.0.1/d'>{}", model("")), "doctype"),
        ("depth", model(&"<a>".repeat(1_000_000)), "too-deep"),
        ("depth in foreign elements", model(&"<x:a>".repeat(1_000_000)), "too-deep"),
        ("attributes", model(&format!("<task {}/>", repeated(80_000, |i| format!(" a{i}=''")))), "too-many-attributes"),
        (
            "namespaces",
            model(&format!("<task {}/>", repeated(250_000, |i| format!(" xmlns:n{i}='u'")))),
            "too-many-namespaces",
        ),
        ("elements", filled(|_| "<a/>".to_owned()), "too-many-elements"),
        (
            "more namespaces",
            model(&format!("<task {}/>", repeated(1_000_000, |i| format!(" xmlns:n{i}='u'")))),
            "too-large",
        ),
        ("size", " ".repeat(50 * 1024 * 1024), "too-large"),
        ("long id", model(&format!("<task id='{}'/>", "i".repeat(limits::ID_BYTES + 1))), "id-too-long"),
        ("NUL before every tag", model("").replace('<', "\0<"), "undecodable"),
        ("utf-7", "<?xml version='1.0' encoding='UTF-7'?>+ADw-definitions/+AD4-".to_owned(), "unknown-encoding"),
        ("endless comment", format!("{OPEN}<!--{}", "<!--".repeat(1_000_000)), "not-well-formed"),
        ("endless attribute", format!("{OPEN}<a b='{}", "<a b=".repeat(900_000)), "not-well-formed"),
        ("endless references", format!("{OPEN}<a>{}", "&".repeat(5_000_000)), "not-well-formed"),
    ]
}

/// Files within all limits that are expensive to read, and their diagnostics.
fn heavy() -> Vec<(&'static str, String, Counts)> {
    let prefixes = repeated(limits::NAMESPACES - 10, |i| format!(" xmlns:n{i:03}='u{i}'"));
    let attributes = repeated(limits::NAMESPACES - 10, |i| format!(" n{i:03}:config=''"));
    let one_line = filled(|i| format!("<serviceTask id='{i}' {SERVICE} pm:config='{{x'/>"));
    let endless = |code| vec![(code, limits::DIAGNOSTICS), ("too-many-diagnostics", 1)];
    vec![
        ("many mistakes in one line", one_line, endless("broken-config")),
        ("names to look up", nested_in(&prefixes, &filled_less(&prefixes, |_| format!("<a{attributes}/>"))), vec![]),
        ("elements to look up", nested_in(&prefixes, &repeated(99_000, |_| "<n000:a/>".to_owned())), vec![]),
        ("references in text", filled(|_| "&amp;".to_owned()), vec![]),
        ("references in an attribute", model(&format!("<task name='{}'/>", "&#34;".repeat(1_000_000))), vec![]),
        ("line ends", filled(|_| "\r\n".to_owned()), vec![]),
        ("one id, many tasks and events", same_id(), endless("duplicate-id")),
        ("boundary events", many_events(), endless("unknown-error")),
        (
            "small attributes",
            filled(|_| format!("<a{}/>", repeated(limits::ATTRIBUTES, |i| format!(" a{i:x}=''")))),
            vec![],
        ),
        ("json of small objects", json(r#"{"":0},"#, r#"{"":0}"#), vec![("too-much-json", 1)]),
        ("json of empty lists", json("[],", "[]"), vec![("too-much-json", 1)]),
        ("5,000 ordinary tasks", ordinary(5_000), vec![]),
        (
            "deep json",
            model(&format!("<serviceTask id='a' {SERVICE} pm:config='{}'/>", "[".repeat(200_000))),
            vec![("broken-config", 1)],
        ),
    ]
}

fn nested_in(namespaces: &str, content: &str) -> String {
    model(&format!("<task{namespaces}>{content}</task>"))
}

fn filled_less(namespaces: &str, piece: impl Fn(usize) -> String) -> String {
    let copies = (limits::SIZE - namespaces.len() - 1_000) / piece(0).len();
    repeated(copies, piece)
}

fn same_id() -> String {
    let tasks = repeated(25_000, |_| format!("<serviceTask id='a' {SERVICE} pm:config='{{}}'/>"));
    let events = repeated(12_000, |i| {
        format!("<boundaryEvent id='b{i}' attachedToRef='a'><errorEventDefinition/></boundaryEvent>")
    });
    model(&(tasks + &events))
}

fn many_events() -> String {
    let events = repeated(45_000, |i| {
        format!("<boundaryEvent id='b{i}' attachedToRef='a'><errorEventDefinition errorRef='e'/></boundaryEvent>")
    });
    model(&events)
}

fn json(piece: &str, last: &str) -> String {
    let room = (limits::SIZE - 1_000) / piece.len();
    model(&format!("<serviceTask id='a' {SERVICE} pm:config='[{}{last}]'/>", piece.repeat(room)))
}

/// The CPU time of this thread so far, which does not depend on other processes.
fn cpu_time() -> Duration {
    let statistics = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(statistics.split(' ').next().unwrap().parse().unwrap())
}

/// One of the sizes in `/proc/self/status`, in KiB.
fn memory(name: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim_matches(|c: char| !c.is_ascii_digit()).parse().unwrap()
}

/// Tasks with the rows that designers write.
fn ordinary(count: usize) -> String {
    let row =
        r#"{"type":"PARAM","key":"parameter_of_a_call","value":"{{request.customer.number}}","format":"mustache"}"#;
    let mapping = r#"{"key":"variable_of_the_request","value":"data.0.attributes.name","format":"dotNotation"}"#;
    let rows = format!(r#""outboundConfig":[{row},{row},{row}],"dataMapping":[{mapping},{mapping},{mapping}]"#);
    let config = format!(r#"{{"dataSource":1,"endpoint":"list","callback":false,{rows}}}"#);
    model(&repeated(count, |i| format!("<serviceTask id='n{i}' name='Task {i}' {SERVICE} pm:config='{config}'/>\n")))
}

/// Codes in the order of the file, with the length of each run.
type Counts = Vec<(&'static str, usize)>;

fn counts(diagnostics: &[Diagnostic]) -> Counts {
    let runs = diagnostics.chunk_by(|one, next| one.code == next.code);
    runs.filter_map(|run| Some((run.first()?.code, run.len()))).collect()
}

/// A language in which every text reads a variable of the same name.
struct Anything;

impl Language for Anything {
    fn variables(&self, _: Format, text: &str) -> Result<Vec<String>, TextError> {
        Ok(vec![text.to_owned()])
    }
}

/// Reads and lints a file, each within the limits of time and memory.
fn read(name: &str, file: &[u8]) -> Counts {
    let counts = measured(name, || counts(&bpmn_ext::read(file).1));
    let context = LintContext { language: Some(&Anything), ..LintContext::default() };
    measured(&format!("{name}, rules"), || drop(lint(file, &context)));
    counts
}

/// The CPU time that a file may take on an idle machine.
const MAX_TIME: Duration = Duration::from_millis(500);
/// On a busy machine, how many times longer than an ordinary model of nearly the largest size it may take.
const TIMES_ORDINARY: u32 = 4;

/// Runs `work`, and checks its time and memory.
fn measured<T>(name: &str, work: impl Fn() -> T) -> T {
    // Resets the peak of earlier cases; where that is not allowed, only memory above that peak is measured.
    let is_reset = fs::write("/proc/self/clear_refs", "5").is_ok();
    let before = memory(if is_reset { "VmRSS:" } else { "VmHWM:" });
    let (done, spent) = timed(&work);
    let used = memory("VmHWM:").saturating_sub(before);
    assert!(used <= 64 * 1024, "{name}: {used} KiB");
    if spent > MAX_TIME {
        let ordinary = ordinary(5_000);
        let (mut spent, mut usual) = (spent, Duration::ZERO);
        // Other processes on the same core slow everything down for a while.
        for _ in 0..3 {
            usual = usual.max(timed(&|| drop(bpmn_ext::read(&ordinary))).1);
            spent = spent.min(timed(&work).1);
        }
        assert!(
            spent <= MAX_TIME.max(usual * TIMES_ORDINARY),
            "{name}: {spent:?} where an ordinary model takes {usual:?}"
        );
    }
    done
}

fn timed<T>(work: &impl Fn() -> T) -> (T, Duration) {
    let start = cpu_time();
    (work(), cpu_time().saturating_sub(start))
}

#[test]
fn hostile_files_cost_little() {
    for (name, text, code) in refused() {
        assert_eq!(read(name, text.as_bytes()), [(code, 1)], "{name}");
    }
    for (name, text, expected) in heavy() {
        assert!(text.len() <= limits::SIZE, "{name}");
        assert_eq!(read(name, text.as_bytes()), expected, "{name}");
    }
}

fn utf_16(text: &str) -> Vec<u8> {
    "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

/// A model in an encoding, filled with a piece of its bytes up to the largest size, where each takes as many bytes as `size`.
fn filled_in(encoding: &str, piece: &[u8], size: usize) -> Vec<u8> {
    let whole = format!("<?xml version='1.0' encoding='{encoding}'?>{}", model(""));
    let (start, end) = whole.split_at(whole.len() - CLOSE.len());
    let copies = (limits::SIZE - whole.len()) / size;
    [start.as_bytes(), &piece.repeat(copies), end.as_bytes()].concat()
}

#[test]
fn hostile_files_in_other_encodings_cost_no_more() {
    let half = limits::SIZE / 2 - 1_000;
    let pieces = |piece: &str| model(&piece.repeat(half / piece.encode_utf16().count()));
    let broken =
        |count| model(&repeated(count, |i| format!("<serviceTask id='\u{e4}{i}' {SERVICE} pm:config='{{x'/>")));
    let endless = vec![("broken-config", limits::DIAGNOSTICS), ("too-many-diagnostics", 1)];
    let cases: Vec<(&str, Vec<u8>, Counts)> = vec![
        ("UTF-16", utf_16(&pieces("\u{e4}")), vec![]),
        ("UTF-16, one line", utf_16(&broken(20_000)), endless),
        ("UTF-16, most bytes in UTF-8", utf_16(&pieces("\u{20ac}")), vec![("too-large", 1)]),
        ("UTF-16, larger", utf_16(&" ".repeat(limits::SIZE / 2)), vec![("too-large", 1)]),
        ("UTF-16, surrogates", utf_16(&pieces("\u{1f980}")), vec![]),
        ("windows-1252, larger in UTF-8", filled_in("windows-1252", b"\x80", 1), vec![("too-large", 1)]),
        ("windows-1252", filled_in("windows-1252", b"\x80", 3), vec![]),
        ("ISO-8859-1", filled_in("ISO-8859-1", b"\xe4abcdefg", 9), vec![]),
        ("GBK", filled_in("GBK", b"\xc4\xe3", 3), vec![]),
        ("GBK, larger in UTF-8", filled_in("GBK", b"\xc4\xe3", 2), vec![("too-large", 1)]),
        ("GB 18030", filled_in("gb18030", b"\x94\x39\xda\x33", 4), vec![]),
        ("Shift JIS, every second", filled_in("Shift_JIS", b"a\xb1b\xb2", 8), vec![]),
        (
            "EUC-KR that breaks at the end",
            [filled_in("EUC-KR", b"\xb0\xa1ab", 5), b"\xff".to_vec()].concat(),
            vec![("undecodable", 1)],
        ),
    ];
    for (name, file, expected) in cases {
        assert_eq!(read(name, &file), expected, "{name}");
        measured(&format!("{name}, converted"), || drop(convert(&file, Target::Extension)));
    }
}

/// No external definition is fetched: reading from the pipe would block, and the listener would get a connection.
#[test]
fn hostile_files_open_no_file_and_no_connection() {
    let pipe = std::env::temp_dir().join(format!("bpmn-ext-pipe-{}", std::process::id()));
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let (pipe_url, address) = (format!("file://{}", pipe.display()), listener.local_addr().unwrap());
    for url in [pipe_url, format!("http://{address}/d")] {
        for text in [
            entities(&format!("<!ENTITY lol9 SYSTEM '{url}'>")),
            entities(&format!("<!ENTITY % a SYSTEM '{url}'> %a;")),
            format!("<!DOCTYPE d SYSTEM '{url}'>{}", model("<task id='a' name='&lol9;'/>")),
            format!("<?xml-stylesheet href='{url}'?>{}", model("")),
            model(&format!("<xi:include xmlns:xi='http://www.w3.org/2001/XInclude' href='{url}'/>")),
            model("").replace(
                "<definitions ",
                &format!(
                    "<definitions xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' \
                xsi:schemaLocation='http://www.omg.org/spec/BPMN/20100524/MODEL {url}' "
                ),
            ),
            model(&format!(
                "<import importType='http://www.omg.org/spec/BPMN/20100524/MODEL' location='{url}' namespace='u'/>"
            )),
        ] {
            invariants::check(text.as_bytes());
        }
    }
    assert_eq!(listener.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "a connection was opened");
    fs::remove_file(pipe).unwrap();
}

/// The corpus of the fuzzer, including every file that once caused a panic.
#[test]
fn the_invariants_hold_for_the_corpus_of_the_fuzzer() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut files = 0;
    for file in fs::read_dir(folder).unwrap() {
        invariants::check(&fs::read(file.unwrap().path()).unwrap());
        files += 1;
    }
    assert!(files >= 100, "{files} files");
}

/// The content of a process, of some size.
type Content<'a> = &'a dyn Fn(usize) -> String;

#[test]
fn limits_hold_at_their_edges() {
    let connector = format!("<serviceTask id='a' {SERVICE} pm:config='{{}}'");
    let cases: [(&str, usize, Content<'_>); 5] = [
        ("too-deep", limits::DEPTH - 2, &|count| {
            // `definitions` and `process` are around it, the connector is the innermost.
            format!("{}{connector}/>{}", "<subProcess>".repeat(count - 1), "</subProcess>".repeat(count - 1))
        }),
        ("too-many-elements", limits::ELEMENTS - 2, &|count| format!("{connector}/>{}", "<a/>".repeat(count - 1))),
        ("too-many-attributes", limits::ATTRIBUTES - 3, &|count| {
            format!("{connector}{}/>", repeated(count, |i| format!(" a{i}=''")))
        }),
        // Three are declared by the root.
        ("too-many-namespaces", limits::NAMESPACES - 3, &|count| {
            let half = count / 2;
            let declare = |from: usize, to: usize| repeated(to - from, |i| format!(" xmlns:n{}='u'", from + i));
            format!("<subProcess{}>{connector}{}/></subProcess>", declare(0, half), declare(half, count))
        }),
        ("id-too-long", limits::ID_BYTES, &|count| format!("{connector}/><task id='{}'/>", "i".repeat(count))),
    ];
    for (code, most, content) in cases {
        let (found, diagnostics) = bpmn_ext::read(&model(&content(most)));
        assert_eq!((codes(&diagnostics), element_ids(&found)), (vec![], vec![("p", "a")]), "{code}: {most}");
        let (_, diagnostics) = bpmn_ext::read(&model(&content(most + 1)));
        assert_eq!(codes(&diagnostics), [code], "{code}: {}", most + 1);
    }
}

#[test]
fn what_was_read_before_a_limit_is_in_the_model() {
    let connector = format!("<serviceTask id='a' {SERVICE} pm:config='{{}}'/>");
    let (found, diagnostics) = bpmn_ext::read(&model(&format!("{connector}{}", "<a>".repeat(1_000))));
    assert_eq!((codes(&diagnostics), element_ids(&found)), (vec!["too-deep"], vec![("p", "a")]));
}

/// A pseudo-random sequence with a fixed seed (xorshift), so that a failure can be reproduced.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % bound.max(1)
    }
}

/// Pieces of syntax that change the meaning of what follows.
const SYNTAX: [&[u8]; 20] = [
    b"<",
    b">",
    b"/>",
    b"</",
    b"&",
    b"&#34;",
    b"&#0;",
    b"'",
    b"\"",
    b"=",
    b"\r",
    b"\n",
    b"<!--",
    b"<![CDATA[",
    b"]]>",
    b"<?",
    b"xmlns=''",
    b"\xff",
    b"{",
    "\u{20ac}".as_bytes(),
];

#[test]
fn no_damage_to_a_file_makes_reading_panic_or_point_outside() {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let names = [
        "service-task",
        "bpmn2-prefix",
        "default-namespace",
        "call-activity",
        "broken-json",
        "loops",
        "boundary-errors",
        "extension",
        "extension-mistakes",
    ];
    let encoded = |text: &str| {
        let declared = |label| text.replacen("UTF-8", label, 1);
        let latin = declared("ISO-8859-1").chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect();
        let chinese = encoding_rs::GBK.encode(&declared("GBK")).0.into_owned();
        [text.as_bytes().to_vec(), utf_16(text), latin, chinese]
    };
    for whole in names.iter().flat_map(|name| encoded(&fixture(&format!("{name}.bpmn")))) {
        for _ in 0..100 {
            let mut bytes = whole.clone();
            for _ in 0..=numbers.below(4) {
                damage(&mut bytes, &mut numbers);
            }
            invariants::check(&bytes);
        }
    }
}

fn damage(bytes: &mut Vec<u8>, numbers: &mut Numbers) {
    let at = numbers.below(bytes.len());
    let until = (at + numbers.below(30)).min(bytes.len());
    match numbers.below(4) {
        0 => drop(bytes.drain(at..until)),
        1 => bytes.truncate(at),
        2 => drop(bytes.splice(at..at, SYNTAX[numbers.below(SYNTAX.len())].iter().copied())),
        _ => drop(bytes.splice(at..until, SYNTAX[numbers.below(SYNTAX.len())].iter().copied())),
    }
}
