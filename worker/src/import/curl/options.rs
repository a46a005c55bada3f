//! The options of cURL: which take a value, and what becomes of those that are not read.

/// Short options and their long names; those in [`WITH_VALUE`] take one.
const SHORT: [(char, &str); 62] = [
    ('0', "http1.0"),
    ('1', "tlsv1"),
    ('2', "sslv2"),
    ('3', "sslv3"),
    ('4', "ipv4"),
    ('6', "ipv6"),
    ('a', "append"),
    ('A', "user-agent"),
    ('b', "cookie"),
    ('B', "use-ascii"),
    ('c', "cookie-jar"),
    ('C', "continue-at"),
    ('d', "data"),
    ('D', "dump-header"),
    ('e', "referer"),
    ('E', "cert"),
    ('f', "fail"),
    ('F', "form"),
    ('g', "globoff"),
    ('G', "get"),
    ('h', "help"),
    ('H', "header"),
    ('i', "include"),
    ('I', "head"),
    ('j', "junk-session-cookies"),
    ('J', "remote-header-name"),
    ('k', "insecure"),
    ('K', "config"),
    ('l', "list-only"),
    ('L', "location"),
    ('m', "max-time"),
    ('M', "manual"),
    ('n', "netrc"),
    ('N', "no-buffer"),
    ('o', "output"),
    ('O', "remote-name"),
    ('p', "proxytunnel"),
    ('P', "ftp-port"),
    ('q', "disable"),
    ('Q', "quote"),
    ('r', "range"),
    ('R', "remote-time"),
    ('s', "silent"),
    ('S', "show-error"),
    ('t', "telnet-option"),
    ('T', "upload-file"),
    ('u', "user"),
    ('U', "proxy-user"),
    ('v', "verbose"),
    ('V', "version"),
    ('w', "write-out"),
    ('x', "proxy"),
    ('X', "request"),
    ('y', "speed-time"),
    ('Y', "speed-limit"),
    ('z', "time-cond"),
    ('Z', "parallel"),
    ('#', "progress-bar"),
    (':', "next"),
    ('@', ""),
    ('%', ""),
    ('+', ""),
];

/// Long options that take a value.
const WITH_VALUE: &str = " abstract-unix-socket alt-svc aws-sigv4 cacert capath cert cert-type ciphers config \
connect-timeout connect-to continue-at cookie cookie-jar create-file-mode crlfile curves data data-ascii data-binary data-raw \
data-urlencode delegation dns-interface dns-ipv4-addr dns-ipv6-addr dns-servers doh-url dump-header ech egd-file engine \
etag-compare etag-save expect100-timeout form form-string ftp-account ftp-alternative-to-user ftp-method ftp-port \
ftp-ssl-ccc-mode happy-eyeballs-timeout-ms haproxy-clientip header help hostpubmd5 hostpubsha256 hsts interface ip-tos \
ipfs-gateway json keepalive-cnt keepalive-time key key-type krb libcurl limit-rate local-port login-options mail-auth \
mail-from mail-rcpt max-filesize max-redirs max-time netrc-file noproxy oauth2-bearer output output-dir parallel-max pass \
pinnedpubkey preproxy proto proto-default proto-redir proxy proxy-cacert proxy-capath proxy-cert proxy-cert-type \
proxy-ciphers proxy-crlfile proxy-header proxy-key proxy-key-type proxy-pass proxy-pinnedpubkey proxy-service-name \
proxy-tls13-ciphers proxy-tlsauthtype proxy-tlspassword proxy-tlsuser proxy-user proxy1.0 pubkey quote random-file range \
rate referer request request-target resolve retry retry-delay retry-max-time sasl-authzid service-name socks4 socks4a socks5 \
socks5-gssapi-service socks5-hostname speed-limit speed-time stderr telnet-option tftp-blksize time-cond tls-max \
tls13-ciphers tlsauthtype tlspassword tlsuser trace trace-ascii trace-config unix-socket upload-file url url-query user \
user-agent variable vlan-priority write-out ";

/// Options that only say what cURL shows or how it waits: a call has nothing of the kind.
const WITHOUT_EFFECT: &str = " silent show-error verbose include fail fail-with-body fail-early progress-bar \
no-progress-meter no-buffer compressed tr-encoding http1.1 http2 http2-prior-knowledge http3 tlsv1 tlsv1.0 tlsv1.1 tlsv1.2 \
tlsv1.3 ipv4 ipv6 globoff path-as-is disable no-keepalive tcp-nodelay tcp-fastopen styled-output no-styled-output basic \
location junk-session-cookies parallel ";

/// The long name of a short option.
pub(super) fn long_name(short: char) -> Option<&'static str> {
    SHORT.iter().find(|(known, _)| *known == short).map(|(_, name)| *name).filter(|name| !name.is_empty())
}

/// Whether an option takes a value.
pub(super) fn takes_value(name: &str) -> bool {
    WITH_VALUE.contains(&format!(" {name} "))
}

/// Whether an option changes nothing in what is sent.
pub(super) fn has_no_effect(name: &str) -> bool {
    WITHOUT_EFFECT.contains(&format!(" {name} "))
}

/// Why an option that is not read does not come over.
pub(super) fn why_not(name: &str) -> &'static str {
    match name {
        "output" | "remote-name" | "remote-header-name" | "dump-header" | "write-out" | "output-dir" | "cookie-jar"
        | "stderr" | "trace" | "trace-ascii" | "etag-save" | "libcurl" | "remote-name-all" => {
            "what becomes of the answer is not part of a call; map it in the element"
        }
        "proxy" | "proxy-user" | "preproxy" | "noproxy" | "socks4" | "socks4a" | "socks5" | "socks5-hostname"
        | "proxytunnel" | "proxy-header" => "proxies are the operator's setting",
        "cacert" | "capath" => "certificate authorities are the operator's setting, `http.ca_file`",
        "cert" | "key" | "pass" | "cert-type" | "key-type" => {
            "the file is not here: set `client_certificate` and `client_key` under Authentication"
        }
        "resolve" | "connect-to" | "interface" | "unix-socket" | "abstract-unix-socket" | "dns-servers" | "doh-url" => {
            "a call goes where its URL says"
        }
        "connect-timeout" | "speed-limit" | "speed-time" | "limit-rate" | "retry-max-time" => {
            "a call has one time limit; set `timeout`"
        }
        "ntlm" | "negotiate" | "anyauth" => "this way of authentication is not known here",
        "config" | "netrc" | "netrc-file" => "the file is not here",
        "max-redirs" => "redirects of GET and HEAD are followed, at most five",
        _ => "this option is not known here",
    }
}
