//! The secrets, the encodings in which they are searched for, and the database as one text.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use harness::test_app::TestApp;
use sqlx::{Connection, Row};

/// What surrounds the core of each secret: quotes, escapes, spaces, other scripts, text that looks encoded. Tokens of an endpoint
/// are ASCII only.
const SHAPES: [&str; 23] = [
    "pa:ss\"{}\"",
    "100%{}%41+",
    "back\\{}\\slash",
    "a&b<{}>c='d'",
    "to\"ken%7E.{}",
    "sp ace {} (*)!",
    "a/b+{}==",
    "schlüssel-{}-ß",
    "{}",
    "\\u0041\"{}",
    "eyJhbGciOiJub25lIn0.{}.",
    "Zm9v{}Zm9v==",
    "key?{}#&x=1",
    "it's {}",
    "wJalr/XUtn+{}",
    "Fwo%2F/{}+Q=",
    "日本\"{}\"語",
    "{{not_a_tag}} {}",
    "q\"{}%zz",
    "line\t{}\"<é>",
    "ya29.{}-_~",
    "1//0{}/r+=",
    "4/0A{}-code",
];

/// The two halves of the part that no quoting changes: a secret that is masked by half is found by the other half.
fn core(n: usize) -> (String, String) {
    (format!("Canary{n:02}"), format!("Vogel{n:02}x"))
}

/// The `n`th secret.
pub(super) fn canary(n: usize) -> String {
    let (head, tail) = core(n);
    SHAPES[n].replacen("{}", &format!("{head}{tail}"), 1)
}

/// The text as it is in raw, quoted or percent-encoded form; in hexadecimal; and in base64 at every offset, as in Basic.
pub(super) fn forms(part: &str) -> Vec<String> {
    let hex: String = part.bytes().map(hex).collect();
    let mut forms = vec![part.to_owned(), hex.to_uppercase(), hex];
    for before in 0..3 {
        let padded = [vec![0; before].as_slice(), part.as_bytes()].concat();
        let (begin, end) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
        for encoded in [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)] {
            forms.extend(encoded.get(begin..end).map(ToOwned::to_owned));
        }
    }
    forms
}

pub(super) fn hex(byte: u8) -> String {
    format!("{byte:02x}")
}

/// A text that can be read from outside.
pub(super) struct Place {
    pub(super) name: String,
    pub(super) text: String,
    /// Not secret, and always in it.
    pub(super) control: String,
}

impl Place {
    /// Every secret in it, with the text around it.
    pub(super) fn hits(&self) -> Vec<String> {
        let parts = (0..SHAPES.len()).flat_map(|n| <[String; 2]>::from(core(n)));
        let needles = parts.flat_map(|part| forms(&part).into_iter().map(move |form| (part.clone(), form)));
        let found = needles.filter_map(|(part, form)| self.text.find(&form).map(|at| (part, form, at)));
        found.map(|(part, form, at)| format!("{}: {part} as {form}: {}", self.name, self.around(at))).collect()
    }

    fn around(&self, at: usize) -> String {
        let (begin, end) = (self.text.floor_char_boundary(at.saturating_sub(120)), (at + 80).min(self.text.len()));
        self.text.get(begin..self.text.floor_char_boundary(end)).unwrap_or_default().to_owned()
    }
}

/// All columns of all rows, encrypted ones included.
pub(super) async fn database(app: &TestApp) -> String {
    match app.database() {
        Some(url) => postgres(url).await,
        None => sqlite(&app.sqlite_file().display().to_string()).await,
    }
}

async fn sqlite(file: &str) -> String {
    let mut database = sqlx::SqliteConnection::connect(&format!("sqlite:{file}?mode=ro")).await.expect("the database");
    let columns = "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table'";
    let columns: Vec<(String, String)> = sqlx::query_as(columns).fetch_all(&mut database).await.expect("columns");
    let mut text = Vec::new();
    for (table, column) in columns {
        let query = sqlx::AssertSqlSafe(format!("SELECT CAST(\"{column}\" AS BLOB) FROM \"{table}\""));
        let rows = sqlx::query(query).fetch_all(&mut database).await.expect("rows");
        text.extend(rows.iter().filter_map(|row| row.get::<Option<Vec<u8>>, _>(0)).map(|value| lossy(&value)));
    }
    text.join("\n")
}

async fn postgres(url: &str) -> String {
    let mut database = sqlx::PgConnection::connect(url).await.expect("the database");
    let columns = "SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns
        WHERE table_schema = 'public'";
    let columns: Vec<(String, String, String)> =
        sqlx::query_as(columns).fetch_all(&mut database).await.expect("columns");
    let mut text = Vec::new();
    for (table, column, kind) in columns {
        let bytes =
            if kind == "bytea" { format!("\"{column}\"") } else { format!("convert_to(\"{column}\"::text, 'UTF8')") };
        let query = sqlx::AssertSqlSafe(format!("SELECT {bytes} FROM \"{table}\""));
        let rows = sqlx::query(query).fetch_all(&mut database).await.expect("rows");
        text.extend(rows.iter().filter_map(|row| row.get::<Option<Vec<u8>>, _>(0)).map(|value| lossy(&value)));
    }
    text.join("\n")
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_search_finds_every_form_of_every_canary() {
    for n in 0..SHAPES.len() {
        let secret = canary(n);
        let json = serde_json::json!({"said": secret}).to_string();
        let percent: String = secret.bytes().map(super::echo::percent).collect();
        let hex = secret.bytes().map(hex).collect::<String>().to_uppercase();
        let basic = STANDARD_NO_PAD.encode(format!("ada:{secret}"));
        for text in [secret, json, percent, hex, basic] {
            let place = Place { name: "here".to_owned(), text, control: String::new() };
            assert!(!place.hits().is_empty(), "{}", place.text);
        }
    }
}
