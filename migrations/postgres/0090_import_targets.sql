-- Whether a collection has an import that is not seen is asked for each of its pages.
CREATE INDEX collection_imports_targets ON collection_imports (target);
