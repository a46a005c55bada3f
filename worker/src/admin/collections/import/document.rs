//! The document of an exported collection becomes a collection, its records as they come.

use std::io;

use bytes::Bytes;
use serde_json::{Map, Value};
use tokio::sync::mpsc;

use super::super::export::DOCUMENT;
use super::super::{Actor, Collection, Error, find, new_collection};
use super::{ImportOptions, Source, broken_off, import};
use crate::collections::document::{Broken, Reader};
use crate::collections::problems::Problems;
use crate::store::Store;

/// How much of a document may come before it says what collection it is, bytes.
const BEFORE_COLLECTION: usize = 8 * 1024 * 1024;

/// Imports the document of an exported collection: a new collection with its records, or nothing.
///
/// # Errors
/// A document that is none, a name in use, records that do not fit, or the database.
pub async fn import_document(store: &Store, mut source: Source, actor: &Actor) -> Result<Collection, Error> {
    let mut reader = Reader::default();
    let mut ended = read_head(&mut reader, &mut source).await?;
    reader.check()?;
    check_type(&reader, ended)?;
    let mut given = match reader.member("collection") {
        Some(Value::Object(map)) => map.clone(),
        _ => return Err(Error::invalid("collection", "must be an object")),
    };
    take_free_uuid(store, &mut given).await?;
    let made = store.collections().create(new_collection(&given)?, actor).await?;
    let (lines, records) = mpsc::channel(4);
    let options = ImportOptions::parse([("format", "ndjson")], None)?;
    let work = import(store, made.clone(), options, records, actor, |_| {});
    let feed = async {
        let fed = feed(&mut reader, &mut source, &mut ended, &lines).await;
        if fed.is_err() {
            // Whatever it is: the records are not all there.
            lines.send(Err(io::Error::other("the document cannot be read"))).await.unwrap_or_default();
        }
        drop(lines);
        fed
    };
    let (fed, report) = tokio::join!(feed, work);
    let filled = fed.and_then(|()| {
        let mut problems = Problems::default();
        for error in report?.errors {
            let field = error.field.unwrap_or_else(|| "data".to_owned());
            problems.add(format!("records.{}.{field}", error.record - 1), error.message);
        }
        Ok(problems.into_result()?)
    });
    if let Err(error) = filled {
        store.collections().remove(made.id, true, actor).await?;
        return Err(error);
    }
    find(store, &made.uuid).await
}

/// Reads until the collection is known, or to the end; whether it came.
async fn read_head(reader: &mut Reader, source: &mut Source) -> Result<bool, Error> {
    let mut read = 0;
    while reader.member("collection").is_none() {
        let ended = read_on(reader, source, &mut read).await?;
        if ended {
            return Ok(true);
        }
        if read > BEFORE_COLLECTION {
            let problem = format!("must come before the records in a document of more than {BEFORE_COLLECTION} bytes");
            return Err(Error::invalid("collection", problem));
        }
    }
    Ok(false)
}

/// Reads the next chunk; whether the end came instead.
async fn read_on(reader: &mut Reader, source: &mut Source, read: &mut usize) -> Result<bool, Error> {
    match source.recv().await {
        Some(Ok(bytes)) => {
            *read += bytes.len();
            reader.push(&bytes);
            Ok(false)
        }
        Some(Err(error)) => Err(broken_off(&error)),
        None => {
            reader.finish();
            Ok(true)
        }
    }
}

/// The type may stand behind the records: then the end knows.
fn check_type(reader: &Reader, ended: bool) -> Result<(), Error> {
    match reader.member("type") {
        Some(Value::String(kind)) if kind == DOCUMENT => Ok(()),
        None if !ended => Ok(()),
        _ => Err(Error::invalid("type", format!("must be `{DOCUMENT}`"))),
    }
}

/// Sends records on, each as a line, and reads the document to its end.
async fn feed(
    reader: &mut Reader,
    source: &mut Source,
    ended: &mut bool,
    lines: &mpsc::Sender<io::Result<Bytes>>,
) -> Result<(), Error> {
    loop {
        while let Some(record) = reader.next_record()? {
            if lines.send(Ok(Bytes::from(format!("{record}\n")))).await.is_err() {
                return Ok(());
            }
        }
        if *ended {
            return check_type(reader, true);
        }
        *ended = read_on(reader, source, &mut 0).await?;
    }
}

/// A uuid that another collection has is not kept.
async fn take_free_uuid(store: &Store, given: &mut Map<String, Value>) -> Result<(), Error> {
    let uuid = given.get("uuid").and_then(Value::as_str).unwrap_or_default();
    if store.collections().find(uuid).await?.is_some_and(|found| found.uuid.eq_ignore_ascii_case(uuid)) {
        given.remove("uuid");
    }
    Ok(())
}

impl From<Broken> for Error {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::NoObject => Self::NoObject(broken.to_string()),
            Broken::NoJson(_) => Self::BadRequest(broken.to_string()),
        }
    }
}
