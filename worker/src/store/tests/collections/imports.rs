//! Imports: rows by row, all or nothing, seen at once, and what becomes of one whose process died.

use serde_json::{Value, json};

use super::super::contract;
use super::{actor, created, data_of, ids, imported, listed, made, object, paths, rows, settled};
use crate::admin::collections::{self as admin, Error};
use crate::store::collections::{Match, OnMatch, Row, RowOutcome};

fn columns() -> Value {
    json!({"name": "c", "columns": [
        {"field": "data.k", "type": "string", "unique": true}, {"field": "data.n", "type": "number", "indexed": true}]})
}

contract! {
    async fn rows_become_records_or_are_told_of(fixture: TestStore) {
        let store = &fixture.store;
        let collection = made(store, columns()).await;
        let file = b"k,n,free\r\na,1,007\r\nb,x,\r\n\r\n\"c\n\",2,\"\"\r\na,3,\r\nd\r\n";
        let report = imported(store, &collection, &[("mode", "each")], file).await.unwrap();
        assert_eq!((report.read, report.created, report.failed, report.status()), (5, 2, 3, 200));
        let told: Vec<_> = report.errors.iter().map(|e| (e.line, e.record, e.field.as_deref())).collect();
        assert_eq!(told, [(Some(3), 2, Some("data.n")), (Some(7), 4, Some("data.k")), (Some(8), 5, None)]);
        assert_eq!(data_of(store, &collection, 1).await, json!({"k": "a", "n": 1, "free": "007"}));
        assert_eq!(ids(store, &collection, &[("pmql", "data.free = \"\"")]).await.1, 1);
        settled(store).await;
        let before = rows(&fixture).await;
        let report = imported(store, &collection, &[], b"k\nz\na\n").await.unwrap();
        assert_eq!((report.status(), report.created, report.failed), (422, 0, 1), "one bad row, and nothing is stored");
        imported(store, &collection, &[("key", "k"), ("dry_run", "1")], b"k,n\na,9\na,10\n").await.unwrap();
        settled(store).await;
        assert_eq!(paths(created(store, &collection, json!({"k": "a"})).await), ["data.k"], "it kept its value");
        assert_eq!((rows(&fixture).await, admin::find(store, "c").await.unwrap().records), (before, 2));
        let report = imported(store, &collection, &[("dry_run", "1")], b"k\nz\ny\n").await.unwrap();
        assert_eq!((report.status(), report.created, report.dry_run), (200, 2, true));
        settled(store).await;
        assert_eq!(rows(&fixture).await, before);
        let report = imported(store, &collection, &[], b"k\nz\ny\n").await.unwrap();
        assert_eq!((report.created, ids(store, &collection, &[]).await.1), (2, 4));
        assert_eq!(imported(store, &collection, &[], b"k\n\"open\n").await.unwrap().status(), 422);
        let report = imported(store, &collection, &[("mode", "each")], b"k\nq\n\"open\n").await.unwrap();
        assert_eq!((report.created, report.aborted, report.status()), (1, true, 200));
        for (parameters, path) in [
            (vec![("mode", "some")], "mode"), (vec![("on_match", "x")], "on_match"), (vec![("format", "xml")], "format"),
            (vec![("encoding", "utf-7")], "encoding"), (vec![("delimiter", "ab")], "delimiter"), (vec![("dry_run", "x")], "dry_run"),
        ] {
            assert_eq!(paths(imported(store, &collection, &parameters, b"").await), [path]);
        }
        assert_eq!(paths(imported(store, &collection, &[], b"k,data.k\n1,2\n").await), ["header"]);
    }
}

contract! {
    async fn a_row_that_matches_a_record_changes_it(fixture: TestStore) {
        let store = &fixture.store;
        let collection = made(store, columns()).await;
        created(store, &collection, json!({"k": "a", "n": 1, "x": {"y": 1, "z": 2}, "g": "G"})).await.unwrap();
        created(store, &collection, json!({"k": "b", "n": 1, "g": "H"})).await.unwrap();
        // By a unique column, by a field without an index, by id; twice the same record, and one that the file makes.
        let report = imported(store, &collection, &[("key", "k")], b"k,n,x.y\na,5,\nnew,6,\na,,9\nnew,7,\nb,1,\n").await.unwrap();
        assert_eq!((report.created, report.updated, report.unchanged), (1, 3, 1));
        assert_eq!(data_of(store, &collection, 1).await, json!({"k": "a", "n": 5, "x": {"y": "9", "z": 2}, "g": "G"}));
        let collection = admin::find(store, "c").await.unwrap();
        assert_eq!(admin::find_record(store, &collection, "3").await.unwrap().data, json!({"k": "new", "n": 7}));
        assert_eq!((collection.records, admin::find_record(store, &collection, "1").await.unwrap().version), (3, 2));
        assert_eq!(paths(created(store, &collection, json!({"k": "a"})).await), ["data.k"]);
        for query in ["data.n = 5", "data.n != 1 AND data.k = \"a\""] {
            assert_eq!(ids(store, &collection, &[("pmql", query)]).await, (vec![1], 1), "before it is settled: {query}");
        }
        settled(store).await;
        assert_eq!(ids(store, &collection, &[("pmql", "data.n = 5")]).await, (vec![1], 1));
        assert_eq!(fixture.number("SELECT COUNT(*) FROM collection_index").await, 6);
        let report = imported(store, &collection, &[("key", "data.g"), ("mode", "each")], b"g,n\nG,8\nI,9\nI,10\n").await.unwrap();
        assert_eq!((report.created, report.updated, report.failed), (1, 2, 0));
        created(store, &collection, json!({"g": "I"})).await.unwrap();
        let report = imported(store, &collection, &[("key", "g"), ("mode", "each")], b"g,n\nI,8\n").await.unwrap();
        assert_eq!((report.failed, report.errors[0].message.as_str()), (1, "2 records have this key; it must be one"));
        let report = imported(store, &collection, &[("key", "id"), ("mode", "each")], b"id,n\n1,11\n99,1\nx,1\n,1\n").await.unwrap();
        assert_eq!((report.updated, report.failed), (1, 3));
        let report = imported(store, &collection, &[("key", "k"), ("on_match", "skip")], b"k,n\na,99\nsk,1\n").await.unwrap();
        assert_eq!((report.skipped, report.created), (1, 1));
        let report = imported(store, &collection, &[("key", "k"), ("on_match", "fail")], b"k,n\na,99\n").await.unwrap();
        assert_eq!((report.failed, report.status()), (1, 422));
        let json = json!([{"data": {"k": "a", "n": null}, "id": 1, "title": "t"}, {"k": "j", "more": [1]}]).to_string();
        let report = imported(store, &collection, &[("format", "json"), ("key", "k")], json.as_bytes()).await.unwrap();
        assert_eq!((report.created, report.updated), (1, 1));
        assert_eq!(data_of(store, &collection, 1).await["n"], Value::Null);
    }
}

fn row(data: Value) -> Row {
    Row { key: Match::None, data: object(data) }
}

contract! {
    async fn nothing_is_seen_before_everything(fixture: TestStore) {
        let store = &fixture.store;
        let collection = made(store, columns()).await;
        created(store, &collection, json!({"k": "old", "n": 1})).await.unwrap();
        let field = crate::collections::field::Field::parse("data.k").unwrap();
        let collections = store.collections();
        let mut import = collections.open_import(&collection, Some(&field), OnMatch::Update, &actor()).await.unwrap();
        let change = Row { key: Match::Value(json!("old")), data: object(json!({"k": "old", "n": 2})) };
        let staged = collections.stage(&mut import, vec![row(json!({"k": "x", "n": 2})), change], &actor()).await.unwrap();
        assert_eq!(staged, [RowOutcome::Created, RowOutcome::Updated]);
        let seen = async |query: &'static str| ids(store, &collection, &[("pmql", query)]).await.0;
        assert_eq!((seen("data.n = 1").await, seen("data.n = 2").await, seen("data.n != 2").await), (vec![1], vec![], vec![1]));
        assert!(admin::find_record(store, &collection, "2").await.is_err());
        // Others write meanwhile: a new record, another member of a record that the import changes, a value that it holds.
        assert_eq!(created(store, &collection, json!({"k": "between"})).await.unwrap().id, 3);
        admin::patch(store, (&collection, "1"), &json!({"data": {"m": true}}), (&actor(), None), None).await.unwrap();
        assert_eq!(paths(created(store, &collection, json!({"k": "x"})).await), ["data.k"]);
        assert!(matches!(
            collections.open_import(&collection, None, OnMatch::Update, &actor()).await,
            Err(crate::store::collections::CollectionError::Busy)
        ));
        collections.close_import(import, true, &actor()).await.unwrap();
        let whole = listed(store, &collection, &[]).await;
        assert_eq!(whole["meta"]["total"], 3);
        assert_eq!(whole["data"][0]["data"], json!({"k": "old", "n": 2, "m": true}));
        assert_eq!((seen("data.n = 1").await, seen("data.n = 2").await), (vec![], vec![1, 2]));
        admin::patch(store, (&collection, "1"), &json!({"data": {"n": 3}}), (&actor(), None), None).await.unwrap();
        let record = admin::find_record(store, &collection, "1").await.unwrap();
        assert_eq!((&record.data, record.version), (&json!({"k": "old", "n": 3, "m": true}), 4));
        settled(store).await;
        assert_eq!(fixture.number("SELECT COUNT(*) FROM collection_index WHERE import_id <> 0").await, 0);
        assert_eq!(seen("data.n = 3").await, [1]);
    }
}

contract! {
    async fn pages_that_the_index_tells_leave_out_what_is_not_seen_yet(fixture: TestStore) {
        let store = &fixture.store;
        let collection = made(store, columns()).await;
        created(store, &collection, json!({"n": 7})).await.unwrap();
        let collections = store.collections();
        let mut import = collections.open_import(&collection, None, OnMatch::Update, &actor()).await.unwrap();
        let rows = (0..20).map(|_| row(json!({"n": 7}))).collect();
        collections.stage(&mut import, rows, &actor()).await.unwrap();
        let between = created(store, &collection, json!({"n": 7})).await.unwrap().id;
        let asked = async |per_page: &'static str| ids(store, &collection, &[("pmql", "data.n = 7"), ("per_page", per_page)]).await;
        assert_eq!((asked("2").await, asked("10").await), ((vec![1, between], 2), (vec![1, between], 2)));
        collections.close_import(import, true, &actor()).await.unwrap();
        assert_eq!(asked("2").await, (vec![1, 2], 22));
        let import = collections.open_import(&collection, None, OnMatch::Update, &actor()).await;
        assert!(import.is_err(), "the first one has to be settled");
        settled(store).await;
        let mut import = collections.open_import(&collection, None, OnMatch::Update, &actor()).await.unwrap();
        collections.stage(&mut import, vec![row(json!({"n": 7}))], &actor()).await.unwrap();
        collections.close_import(import, false, &actor()).await.unwrap();
        assert_eq!(asked("1").await, (vec![1], 22), "what was given up does not count");
    }
}

contract! {
    async fn an_import_whose_process_died_leaves_nothing(fixture: TestStore) {
        let store = &fixture.store;
        let collection = made(store, columns()).await;
        created(store, &collection, json!({"k": "old", "n": 1})).await.unwrap();
        let before = rows(&fixture).await;
        let collections = store.collections();
        let field = crate::collections::field::Field::parse("data.k").unwrap();
        let mut import = collections.open_import(&collection, Some(&field), OnMatch::Update, &actor()).await.unwrap();
        let change = Row { key: Match::Value(json!("old")), data: object(json!({"k": "taken", "n": 2})) };
        collections.stage(&mut import, vec![row(json!({"k": "x", "n": 2})), change], &actor()).await.unwrap();
        settled(store).await;
        assert!(rows(&fixture).await > before, "it is alive");
        fixture.sql("UPDATE collection_imports SET alive_until = 0").await;
        settled(store).await;
        assert_eq!(rows(&fixture).await, before);
        assert!(collections.stage(&mut import, vec![row(json!({"k": "y"}))], &actor()).await.is_err(), "it was given up");
        assert!(collections.close_import(import, true, &actor()).await.is_err());
        assert_eq!(created(store, &collection, json!({"k": "x"})).await.unwrap().id, 3);
        assert_eq!(data_of(store, &collection, 1).await, json!({"k": "old", "n": 1}));
        let report = imported(store, &collection, &[], b"k\ntaken\n").await.unwrap();
        assert_eq!(report.created, 1);
    }
}

contract! {
    async fn an_import_takes_the_values_of_one_that_was_given_up(fixture: TestStore) {
        let store = &fixture.store;
        let collection = made(store, columns()).await;
        let collections = store.collections();
        let mut import = collections.open_import(&collection, None, OnMatch::Update, &actor()).await.unwrap();
        // More than are cleared away at once.
        let rows = (0..600).map(|n| row(json!({"k": n.to_string()}))).collect();
        collections.stage(&mut import, rows, &actor()).await.unwrap();
        fixture.sql("UPDATE collection_imports SET alive_until = 0").await;
        let file = (0..600).fold("k\n".to_owned(), |file, n| format!("{file}{n}\n"));
        let report = imported(store, &collection, &[], file.as_bytes()).await.unwrap();
        assert_eq!((report.created, report.failed), (600, 0));
    }
}

contract! {
    async fn a_row_may_have_a_thousand_columns(fixture: TestStore) {
        let store = &fixture.store;
        let collection = made(store, columns()).await;
        let row = |cell: fn(usize) -> String| (0..1_000).map(cell).collect::<Vec<_>>().join(";");
        let header = row(|n| format!("g{}.c{n}", n % 10));
        let file = format!("\u{feff}{header}\r\n{}\r\n{}\r\n", row(|n| format!("\"{n}\r\n;\"")), row(|n| n.to_string()));
        let wide: Vec<u8> = file.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for file in [file.into_bytes(), wide] {
            let report = imported(store, &collection, &[], &file).await.unwrap();
            assert_eq!((report.created, report.failed), (2, 0), "{:?}", report.errors);
        }
        let data = data_of(store, &collection, 3).await;
        assert_eq!((&data["g3"]["c993"], data["g9"].as_object().unwrap().len()), (&json!("993\r\n;"), 100));
    }
}

contract! {
    async fn a_file_that_does_not_come_to_its_end_stores_nothing(fixture: TestStore) {
        let store = &fixture.store;
        let collection = made(store, columns()).await;
        let options = admin::ImportOptions::parse([("mode", "each")], Some("text/csv")).unwrap();
        let (sender, source) = tokio::sync::mpsc::channel(10);
        sender.send(Ok(bytes::Bytes::from("k\n".to_owned() + &"row\n".repeat(1_000)))).await.unwrap();
        sender.send(Err(std::io::Error::other("gone"))).await.unwrap();
        let ended = admin::import(store, collection.clone(), options.clone(), source, &actor(), |_| {}).await;
        assert!(matches!(ended, Err(Error::BadRequest(_))), "{ended:?}");
        for (kind, status) in [(std::io::ErrorKind::TimedOut, 408), (std::io::ErrorKind::FileTooLarge, 413)] {
            let (sender, source) = tokio::sync::mpsc::channel(10);
            sender.send(Ok(bytes::Bytes::from_static(b"k\nrow\n"))).await.unwrap();
            sender.send(Err(std::io::Error::from(kind))).await.unwrap();
            let ended = admin::import(store, collection.clone(), options.clone(), source, &actor(), |_| {}).await;
            assert_eq!(ended.unwrap_err().status(), status);
        }
        settled(store).await;
        assert_eq!(rows(&fixture).await, 0);
    }
}
