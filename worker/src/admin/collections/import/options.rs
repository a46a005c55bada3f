//! What an import is asked for.

use super::super::Error;
use crate::collections::csv::Encoding;
use crate::collections::field::Field;
use crate::collections::header::field;
use crate::collections::problems::Problems;
use crate::store::collections::OnMatch;

/// What the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportFormat {
    /// CSV.
    Csv,
    /// A list.
    Json,
    /// One object a line.
    Ndjson,
}

/// What one bad row means for the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ImportMode {
    /// Nothing is stored.
    #[default]
    All,
    /// They are stored.
    Each,
}

/// What an import is asked for.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    pub(super) format: ImportFormat,
    pub(super) mode: ImportMode,
    /// `id`, or a field.
    pub(super) key: Option<String>,
    pub(super) on_match: OnMatch,
    pub(super) dry_run: bool,
    pub(super) delimiter: Option<u8>,
    pub(super) encoding: Encoding,
}

impl ImportFormat {
    fn named(name: &str) -> Option<Self> {
        match name {
            "csv" => Some(Self::Csv),
            "json" => Some(Self::Json),
            "ndjson" => Some(Self::Ndjson),
            _ => None,
        }
    }

    fn of_media_type(media: &str) -> Option<Self> {
        match media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "text/csv" => Some(Self::Csv),
            "application/json" => Some(Self::Json),
            "application/x-ndjson" | "application/jsonl" => Some(Self::Ndjson),
            _ => None,
        }
    }
}

impl ImportOptions {
    /// Reads the parameters `format mode key on_match dry_run delimiter encoding`; without `format` the content type decides.
    ///
    /// # Errors
    /// What cannot be used, by parameter; [`Error::Unsupported`] where neither says what the file is.
    pub fn parse<'a>(
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
        content_type: Option<&str>,
    ) -> Result<Self, Error> {
        let mut format = None;
        let mut options = Self {
            format: ImportFormat::Csv,
            mode: ImportMode::All,
            key: None,
            on_match: OnMatch::Update,
            dry_run: false,
            delimiter: None,
            encoding: Encoding::Unicode,
        };
        let mut problems = Problems::default();
        for (name, value) in parameters.into_iter().filter(|(_, value)| !value.is_empty()) {
            let problem = match (name, value) {
                ("format", name) => match ImportFormat::named(name) {
                    Some(named) => {
                        format = Some(named);
                        continue;
                    }
                    None => "must be csv, json or ndjson",
                },
                ("delimiter", value) => match value.as_bytes() {
                    _ if value == "tab" => {
                        options.delimiter = Some(b'\t');
                        continue;
                    }
                    [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n') => {
                        options.delimiter = Some(*byte);
                        continue;
                    }
                    _ => "must be one character, or tab",
                },
                (name, value) => match options.set(name, value) {
                    Ok(()) => continue,
                    Err(problem) => problem,
                },
            };
            problems.add(name, problem);
        }
        problems.into_result()?;
        options.format = match (format, content_type.and_then(ImportFormat::of_media_type)) {
            (Some(format), _) | (None, Some(format)) => format,
            (None, None) => {
                let problem = "send text/csv, application/json or application/x-ndjson, or say `format`";
                return Err(Error::Unsupported(problem.to_owned()));
            }
        };
        Ok(options)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), &'static str> {
        match (name, value) {
            ("mode", "all") => self.mode = ImportMode::All,
            ("mode", "each") => self.mode = ImportMode::Each,
            ("mode", _) => return Err("must be all or each"),
            ("on_match", "update") => self.on_match = OnMatch::Update,
            ("on_match", "skip") => self.on_match = OnMatch::Skip,
            ("on_match", "fail") => self.on_match = OnMatch::Fail,
            ("on_match", _) => return Err("must be update, skip or fail"),
            ("dry_run", "0" | "false") => self.dry_run = false,
            ("dry_run", "1" | "true") => self.dry_run = true,
            ("dry_run", _) => return Err("must be 0 or 1"),
            ("encoding", "utf-8" | "utf8") => self.encoding = Encoding::Unicode,
            ("encoding", "windows-1252") => self.encoding = Encoding::Windows1252,
            ("encoding", "iso-8859-1") => self.encoding = Encoding::Latin1,
            ("encoding", _) => return Err("must be utf-8, windows-1252 or iso-8859-1"),
            ("key", key) => self.key = Some(key.to_owned()),
            _ => {}
        }
        Ok(())
    }

    /// Whether rows are matched by the id of a record.
    pub(super) fn is_by_id(&self) -> bool {
        self.key.as_deref() == Some("id")
    }

    /// The field that rows are matched by.
    pub(super) fn key_field(&self) -> Option<Field> {
        self.key.as_deref().filter(|_| !self.is_by_id()).map(field)
    }
}
