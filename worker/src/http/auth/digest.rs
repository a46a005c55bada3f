//! Digest authentication: an answer to the server's challenge that holds no password (RFC 7616).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU32, Ordering};

use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, Method};
use md5::Md5;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256, Sha512_256};
use url::Url;

/// A challenge on its way: each request that carries its answer is counted, and answered for its own address.
#[derive(Debug)]
pub(in crate::http) struct Challenged {
    challenge: Challenge,
    client_nonce: String,
    uses: AtomicU32,
}

impl Challenged {
    /// The strongest challenge of a response that can be answered; `None` when there is none.
    pub(in crate::http) fn by(response: &HeaderMap, client_nonce: String) -> Option<Self> {
        let offered = response.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        let challenges = offered.flat_map(challenges_in);
        let challenge = challenges.max_by_key(|challenge| challenge.hash.strength())?;
        Some(Self { challenge, client_nonce, uses: AtomicU32::new(0) })
    }

    /// The `Authorization` header's text for the next request.
    pub(in crate::http) fn answer(
        &self,
        (username, password): (&str, &SecretString),
        (method, url, body): (&Method, &Url, &[u8]),
    ) -> SecretString {
        let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let client = (self.client_nonce.as_str(), self.uses.fetch_add(1, Ordering::Relaxed).saturating_add(1));
        self.challenge.answered(username, password.expose_secret(), (method, &path, body), client).into()
    }
}

/// One challenge that can be answered.
#[derive(Debug)]
struct Challenge {
    hash: Hash,
    session: bool,
    qop: Option<&'static str>,
    hash_username: bool,
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hash {
    Md5,
    Sha256,
    Sha512256,
}

impl Hash {
    fn named(name: &str) -> Option<(Self, bool)> {
        let name = name.to_ascii_uppercase();
        let (plain, session) = name.strip_suffix("-SESS").map_or((name.as_str(), false), |plain| (plain, true));
        let hash = match plain {
            "MD5" => Self::Md5,
            "SHA-256" => Self::Sha256,
            "SHA-512-256" => Self::Sha512256,
            _ => return None,
        };
        Some((hash, session))
    }

    fn strength(self) -> u8 {
        match self {
            Self::Md5 => 0,
            Self::Sha256 => 1,
            Self::Sha512256 => 2,
        }
    }

    fn hex(self, text: &[u8]) -> String {
        let bytes = match self {
            Self::Md5 => Md5::digest(text).to_vec(),
            Self::Sha256 => Sha256::digest(text).to_vec(),
            Self::Sha512256 => Sha512_256::digest(text).to_vec(),
        };
        crate::job::hex(&bytes)
    }
}

impl Challenge {
    fn of(parameters: &BTreeMap<String, String>) -> Option<Self> {
        let algorithm = parameters.get("algorithm").cloned();
        let (hash, session) = Hash::named(algorithm.as_deref().unwrap_or("MD5"))?;
        let qop = match parameters.get("qop") {
            None => None,
            Some(offered) => {
                let has = |wanted: &str| offered.split(',').any(|one| one.trim().eq_ignore_ascii_case(wanted));
                Some(if has("auth") { "auth" } else { has("auth-int").then_some("auth-int")? })
            }
        };
        Some(Self {
            hash,
            session,
            qop,
            hash_username: parameters.get("userhash").is_some_and(|flag| flag.eq_ignore_ascii_case("true")),
            realm: parameters.get("realm").cloned().unwrap_or_default(),
            nonce: parameters.get("nonce")?.clone(),
            opaque: parameters.get("opaque").cloned(),
            algorithm,
        })
    }

    fn answered(
        &self,
        name: &str,
        password: &str,
        (method, path, body): (&Method, &str, &[u8]),
        (client, use_number): (&str, u32),
    ) -> String {
        let hex = |text: &str| self.hash.hex(text.as_bytes());
        let Self { realm, nonce, .. } = self;
        let mut user = hex(&format!("{name}:{realm}:{password}"));
        if self.session {
            user = hex(&format!("{user}:{nonce}:{client}"));
        }
        let request = match self.qop {
            Some("auth-int") => hex(&format!("{method}:{path}:{}", self.hash.hex(body))),
            _ => hex(&format!("{method}:{path}")),
        };
        let response = match self.qop {
            Some(qop) => hex(&format!("{user}:{nonce}:{use_number:08x}:{client}:{qop}:{request}")),
            None => hex(&format!("{user}:{nonce}:{request}")),
        };
        let username = if self.hash_username { hex(&format!("{name}:{realm}")) } else { name.to_owned() };
        let mut answer = format!(
            "Digest username={}, realm={}, nonce={}, uri={}, response=\"{response}\"",
            quoted(&username),
            quoted(realm),
            quoted(nonce),
            quoted(path)
        );
        if let Some(algorithm) = &self.algorithm {
            write!(answer, ", algorithm={algorithm}").ok();
        }
        if let Some(opaque) = &self.opaque {
            write!(answer, ", opaque={}", quoted(opaque)).ok();
        }
        if let Some(qop) = self.qop {
            write!(answer, ", qop={qop}, nc={use_number:08x}, cnonce={}", quoted(client)).ok();
        }
        if self.hash_username {
            answer.push_str(", userhash=true");
        }
        answer
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The digest challenges of one header that can be answered; a header may hold several.
fn challenges_in(header: &str) -> Vec<Challenge> {
    let mut found = Vec::new();
    let mut scheme = String::new();
    let mut parameters = BTreeMap::new();
    let mut end = |scheme: &str, parameters: &mut BTreeMap<String, String>| {
        let complete = std::mem::take(parameters);
        if scheme.eq_ignore_ascii_case("digest") {
            found.extend(Challenge::of(&complete));
        }
    };
    for part in parts(header) {
        let (name, value) = part.split_once('=').unwrap_or((part.as_str(), ""));
        // A blank inside the name separates the scheme's name from its first parameter.
        let name = match name.trim().rsplit_once([' ', '\t']) {
            Some((next, name)) => {
                end(&scheme, &mut parameters);
                next.trim().clone_into(&mut scheme);
                name
            }
            None if value.is_empty() => {
                end(&scheme, &mut parameters);
                name.trim().clone_into(&mut scheme);
                continue;
            }
            None => name.trim(),
        };
        parameters.insert(name.to_ascii_lowercase(), unquoted(value.trim()));
    }
    end(&scheme, &mut parameters);
    found
}

/// Splits at the commas outside of quotes.
fn parts(header: &str) -> Vec<String> {
    let (mut parts, mut part, mut inside, mut escaped) = (Vec::new(), String::new(), false, false);
    for character in header.chars() {
        match character {
            ',' if !inside => parts.push(std::mem::take(&mut part)),
            other => {
                inside ^= other == '"' && !escaped;
                escaped = other == '\\' && inside && !escaped;
                part.push(other);
            }
        }
    }
    parts.push(part);
    parts.retain(|part| !part.trim().is_empty());
    parts
}

fn unquoted(value: &str) -> String {
    let Some(inside) = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')) else { return value.to_owned() };
    let mut escaped = false;
    inside
        .chars()
        .filter(|c| {
            escaped = *c == '\\' && !escaped;
            !escaped
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(challenges: &[&str], client: &str) -> String {
        answered_with("Circle of Life", challenges, client)
    }

    fn answered_with(password: &str, challenges: &[&str], client: &str) -> String {
        let mut headers = HeaderMap::new();
        for challenge in challenges {
            headers.append(WWW_AUTHENTICATE, challenge.parse().unwrap());
        }
        let url = Url::parse("http://www.example.org/dir/index.html").unwrap();
        let who = ("Mufasa", &SecretString::from(password));
        let challenged = Challenged::by(&headers, client.to_owned());
        challenged.map_or_else(String::new, |challenged| {
            challenged.answer(who, (&Method::GET, &url, b"")).expose_secret().to_owned()
        })
    }

    /// RFC 7616, 3.9.1: the same challenge in both algorithms.
    #[test]
    fn the_examples_of_the_rfc() {
        let challenge = |algorithm: &str| {
            format!(
                "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
                 nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
            )
        };
        let client = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let md5 = answered(&[&challenge("MD5")], client);
        assert!(md5.contains("response=\"8ca523f5e9506fed4657c9700eebdbec\""), "{md5}");
        let sha = answered(&[&challenge("MD5"), &challenge("SHA-256")], client);
        assert!(sha.contains("response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\""), "{sha}");
        assert!(
            sha.contains("opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\", qop=auth, nc=00000001"),
            "{sha}"
        );
    }

    /// RFC 2069's way, without a qop; the example of RFC 2617's errata.
    #[test]
    fn an_old_server_gets_an_old_answer() {
        let old = answered_with(
            "Circle Of Life",
            &["Basic realm=\"x\", Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\""],
            "",
        );
        assert!(old.contains("response=\"670fd8c2df070c60b045671b8b24ff02\"") && !old.contains("qop"), "{old}");
    }

    #[test]
    fn what_cannot_be_answered_is_not() {
        for challenge in [
            "Basic realm=\"x\"",
            "Digest realm=\"x\"",
            "Digest nonce=\"n\", algorithm=SHA-1",
            "Digest nonce=\"n\", qop=\"token\"",
        ] {
            assert_eq!(answered(&[challenge], "c"), "", "{challenge}");
        }
        let hidden = answered(
            &["Digest realm=\"a\\\"b, c\", nonce=\"n\", qop=auth-int, userhash=true, algorithm=SHA-512-256-sess"],
            "c",
        );
        assert!(
            hidden.contains("realm=\"a\\\"b, c\"") && hidden.contains("userhash=true") && !hidden.contains("Mufasa"),
            "{hidden}"
        );
    }
}
