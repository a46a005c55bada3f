//! Connectors as a request wants to see them: `fields` and `include` (API 4, 10).

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value, json};

use super::error::Error;
use super::request::Request;
use crate::admin::connectors::usage::{self, ModelUses, Use};
use crate::admin::connectors::{self as admin, warnings};
use crate::call::Transport;
use crate::clock;
use crate::store::{self, Category, StoredConnector};

/// Members that are columns of their own: the record is not read for them.
const COLUMNS: [&str; 7] = ["id", "uuid", "name", "credentials", "credentials_set", "created_at", "updated_at"];
/// What is included that is made from the record.
const FROM_RECORD: [&str; 3] = ["categoryCount", "categories", "settings"];

/// Which members are asked for: those, `id` and `uuid`; all where absent.
pub(super) struct Fields(Option<BTreeSet<String>>);

impl Fields {
    /// Reads the query.
    pub(super) fn read(request: &Request) -> Self {
        let fields: BTreeSet<String> = request.query.words("fields").into_iter().map(ToOwned::to_owned).collect();
        Self(Some(fields).filter(|fields| !fields.is_empty()))
    }

    /// Whether a connector's record is needed for them and for what is included.
    pub(super) fn need_record(&self, request: &Request) -> bool {
        let is_column = |name: &String| COLUMNS.contains(&name.as_str());
        let only_columns = self.0.as_ref().is_some_and(|fields| fields.iter().all(is_column));
        !only_columns || request.query.words("include").iter().any(|name| FROM_RECORD.contains(name))
    }

    fn want(&self, name: &str) -> bool {
        let Some(fields) = &self.0 else { return true };
        name == "id" || name == "uuid" || fields.contains(name)
    }

    fn name(&self, name: &str) -> bool {
        self.0.as_ref().is_some_and(|fields| fields.contains(name))
    }
}

/// What is shown of connectors, and what was looked up for it.
pub(super) struct View {
    fields: Fields,
    transport: Transport,
    counts_categories: bool,
    categories: Option<Vec<Category>>,
    uses: Option<ModelUses>,
    calls: Option<HashMap<String, i64>>,
    /// Names of tokens by id.
    authors: Option<HashMap<String, String>>,
    /// By uuid.
    settings: Option<HashMap<String, Map<String, Value>>>,
}

impl View {
    /// Reads the query, and looks up what it asks for about these connectors.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub(super) async fn read(request: &Request, page: &[StoredConnector]) -> Result<Self, Error> {
        let include: BTreeSet<&str> = request.query.words("include").into_iter().collect();
        let store = &request.api.store;
        let mut view = Self {
            fields: Fields::read(request),
            transport: request.api.calls.transport.clone(),
            counts_categories: include.contains("categoryCount"),
            categories: None,
            uses: None,
            calls: None,
            authors: None,
            settings: None,
        };
        if include.contains("categories") {
            view.categories = Some(store.categories().list().await?);
        }
        if include.contains("used_by") {
            view.uses = Some(usage::of_models(store).await?);
        }
        if include.contains("last_call_at") {
            view.calls = Some(store.connectors().last_calls().await?);
        }
        if include.contains("updated_by") {
            let tokens = store.tokens().list().await?.into_iter();
            view.authors = Some(tokens.map(|token| (format!("token:{}", token.id), token.name)).collect());
        }
        if include.contains("settings") {
            view.settings = Some(settings(store, page).await?);
        }
        Ok(view)
    }

    /// Whether something is shown that can change although no connector does.
    pub(super) fn is_volatile(&self) -> bool {
        self.categories.is_some() || self.uses.is_some() || self.calls.is_some()
    }

    /// The connectors, in their order.
    pub(super) fn all(&self, page: &[StoredConnector]) -> Vec<Value> {
        page.iter().map(|stored| self.one(stored)).collect()
    }

    /// One connector.
    pub(super) fn one(&self, stored: &StoredConnector) -> Value {
        let wants = |name: &str| self.fields.want(name);
        let judge = |url: &url::Url| self.transport.refusal_of(url);
        let warnings = if wants("warnings") { warnings::of_urls(&stored.record, &judge) } else { Vec::new() };
        let mut shown = admin::shown(stored, &warnings, &wants);
        if self.fields.name("resources") {
            shown.insert("resources".to_owned(), admin::resources(stored));
        }
        self.include(stored, &mut shown);
        Value::Object(shown)
    }

    fn include(&self, stored: &StoredConnector, shown: &mut Map<String, Value>) {
        let mut add = |name: &str, value: Value| drop(shown.insert(name.to_owned(), value));
        let ids = admin::category_ids(&stored.record);
        if self.counts_categories {
            add("categoryCount", json!(ids.len()));
        }
        if let Some(categories) = &self.categories {
            let own = categories.iter().filter(|category| ids.contains(&category.id));
            add("categories", own.map(super::categories::shown).collect());
        }
        if let Some(uses) = &self.uses {
            add("used_by", uses.of(stored).iter().map(Use::json).collect());
        }
        if let Some(calls) = &self.calls {
            add("last_call_at", json!(calls.get(&stored.uuid).map(|at| clock::rfc3339(*at))));
        }
        if let Some(authors) = &self.authors {
            add("updated_by", stored.updated_by.as_deref().map_or(Value::Null, |actor| author(actor, authors)));
        }
        if let Some(settings) = &self.settings {
            add("settings", settings.get(&stored.uuid).cloned().map_or_else(|| json!({}), Value::Object));
        }
    }
}

/// Who changed it last, as people know them.
fn author(actor: &str, tokens: &HashMap<String, String>) -> Value {
    let name = tokens.get(actor).map(String::as_str).or_else(|| actor.split_once(':').map(|(_, name)| name));
    json!({"id": actor, "name": name.unwrap_or(actor)})
}

/// The members of credentials that are no secrets, by uuid; what no key here opens has none.
async fn settings(
    store: &store::Store,
    page: &[StoredConnector],
) -> Result<HashMap<String, Map<String, Value>>, Error> {
    let mut settings = HashMap::new();
    for stored in page.iter().filter(|stored| stored.has_credentials) {
        let credentials = match store.connectors().credentials(&stored.uuid).await {
            Ok(credentials) => credentials.unwrap_or_default(),
            Err(store::Error::Decrypt(_)) => Map::new(),
            Err(error) => return Err(error.into()),
        };
        settings.insert(stored.uuid.clone(), admin::settings(&admin::authtype(&stored.record), &credentials));
    }
    Ok(settings)
}
