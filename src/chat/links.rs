//! Links to files: which ones messages may show, and signatures for those to our own.

use chrono::{DateTime, Utc};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use url::{Host, Url};

use super::UploadRules;
use crate::store::upload_id_in;

/// What stands between our address and the name of a file.
const FOLDER: &str = "/uploads/";
/// An address that nobody has, to read links without one against.
const NOWHERE: &str = "http://nowhere.invalid/";
/// Keeps signatures of links apart from anything else that may once be signed with the key.
const PURPOSE: &[u8] = b"sohbet upload link\n";

/// A place that messages may show files of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileHost {
    /// Host as addresses write it: lower case, IPv6 in brackets; `*` for any.
    pub name: String,
    /// Port; `None` for any.
    pub port: Option<u16>,
}

impl FileHost {
    fn is_of(&self, url: &Url) -> bool {
        let is_named = self.name == "*" || url.host_str() == Some(self.name.as_str());
        is_named && (self.port.is_none() || self.port == url.port_or_known_default())
    }
}

/// Knows our own links.
pub struct Links {
    /// What links to our files begin with, as far as that is known.
    public_url: Option<String>,
    /// Without it: hosts that are us, or so close to us that no page may tell the difference.
    own_hosts: Vec<String>,
    file_hosts: Vec<FileHost>,
    /// Set when links are signed.
    signer: Option<Signer>,
}

struct Signer {
    mac: Hmac<Sha256>,
    lifetime_seconds: i64,
}

impl Links {
    /// `key` signs the links, if the rules ask for that.
    pub fn new(rules: &UploadRules, key: &[u8]) -> Self {
        let mac = Hmac::new_from_slice(key).expect("an HMAC takes keys of any length");
        let signer = Signer {
            mac,
            lifetime_seconds: i64::from(rules.link_seconds),
        };
        Self {
            public_url: rules.public_url.clone(),
            own_hosts: rules.own_hosts.clone(),
            file_hosts: rules.file_hosts.clone(),
            signer: rules.is_signed.then_some(signer),
        }
    }

    /// Whether a link to a file of ours needs a signature, or somebody who may see the file.
    pub fn are_signed(&self) -> bool {
        self.signer.is_some()
    }

    /// Whether a message may show what is at that address. Elsewhere than in development these are
    /// our own files and those of the hosts that the operator names: an address of anybody's choice
    /// would tell them who reads the message. Addresses that run something are never taken.
    pub fn may_show(&self, link: &str, is_development: bool) -> bool {
        if link.chars().any(char::is_control) {
            return false;
        }
        let Ok(url) = Url::parse(link) else {
            return may_show_relative(link, is_development);
        };
        let is_web = matches!(url.scheme(), "http" | "https") && url.username().is_empty();
        let is_known = || {
            let mut hosts = self.file_hosts.iter();
            self.own_id(link).is_some() || hosts.any(|host| host.is_of(&url))
        };
        is_web && (is_development || is_known())
    }

    /// The id of the file of ours that a link leads to.
    pub fn own_id<'a>(&self, link: &'a str) -> Option<&'a str> {
        let (base, _) = link.rsplit_once(FOLDER)?;
        let id = upload_id_in(link)?;
        let is_own = match &self.public_url {
            _ if base.is_empty() => true,
            Some(public_url) => base == public_url,
            None => self.is_own_host(base),
        };
        is_own.then_some(id)
    }

    fn is_own_host(&self, base: &str) -> bool {
        let Ok(url) = Url::parse(base) else {
            return false;
        };
        let is_bare = url.path() == "/" && url.query().is_none() && url.username().is_empty();
        let is_web = matches!(url.scheme(), "http" | "https");
        let is_local = match url.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        };
        let mut own_hosts = self.own_hosts.iter();
        let is_here = is_local || own_hosts.any(|own| Some(own.as_str()) == url.host_str());
        is_bare && is_web && is_here
    }

    /// A link as it is stored: without the signature of the moment.
    pub fn without_signature(&self, link: String) -> String {
        match link.find(['?', '#']) {
            Some(end) if self.are_signed() && self.own_id(&link).is_some() => {
                link[..end].to_owned()
            }
            _ => link,
        }
    }

    /// A link with a signature that holds for some time; `None` when none is needed.
    pub fn signed(&self, link: &str, now: DateTime<Utc>) -> Option<String> {
        let signer = self.signer.as_ref()?;
        let id = self.own_id(link)?;
        let expires = signer.expiry(now);
        let signature = hex::encode(signer.mac(id, expires).finalize().into_bytes());
        Some(format!("{link}?exp={expires}&sig={signature}"))
    }

    /// For how many more seconds a signature holds; `None` when it is not ours, or too old.
    pub fn verify(&self, id: &str, proof: &Proof<'_>, now: DateTime<Utc>) -> Option<i64> {
        let signer = self.signer.as_ref()?;
        let expires: i64 = proof.expires.parse().ok()?;
        let signature = hex::decode(proof.signature).ok()?;
        signer.mac(id, expires).verify_slice(&signature).ok()?;
        let left = expires - now.timestamp();
        (left > 0).then_some(left)
    }

    /// As [`Self::verify`], for a whole link.
    pub fn is_signed(&self, link: &str, now: DateTime<Utc>) -> bool {
        let Some((_, query)) = link.split_once('?') else {
            return false;
        };
        let proof = Proof::find(query);
        let id = self.own_id(link);
        let left = proof
            .zip(id)
            .and_then(|(proof, id)| self.verify(id, &proof, now));
        left.is_some()
    }
}

/// What a signed link carries in its query.
#[derive(Debug, Clone, Copy)]
pub struct Proof<'a> {
    expires: &'a str,
    signature: &'a str,
}

impl<'a> Proof<'a> {
    /// The proof in a query, if there is one.
    pub fn find(query: &'a str) -> Option<Self> {
        let query = query.split('#').next().unwrap_or_default();
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let value = |wanted| {
            let mut pairs = pairs.clone();
            pairs.find_map(|(name, value)| (name == wanted).then_some(value))
        };
        Some(Self {
            expires: value("exp")?,
            signature: value("sig")?,
        })
    }
}

impl Signer {
    /// Links of one period end at the same time, so that they are equal and browsers keep the file:
    /// between one and two lifetimes from now.
    fn expiry(&self, now: DateTime<Utc>) -> i64 {
        let period = now.timestamp().div_euclid(self.lifetime_seconds);
        (period + 2) * self.lifetime_seconds
    }

    fn mac(&self, id: &str, expires: i64) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(PURPOSE);
        mac.update(format!("{id}\n{expires}").as_bytes());
        mac
    }
}

/// A link without scheme and host leads to where the page is. `//host` and `/\host` do not.
fn may_show_relative(link: &str, is_development: bool) -> bool {
    let nowhere = Url::parse(NOWHERE).expect("the address is well-formed");
    let Ok(url) = nowhere.join(link) else {
        return false;
    };
    let stays = url.origin() == nowhere.origin() && url.username().is_empty();
    let is_file = link.starts_with(FOLDER) && url.path().starts_with(FOLDER);
    stays && (is_development || is_file)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    const ID: &str = "0123456789abcdef0123456789abcdef";

    fn links(change: impl FnOnce(&mut UploadRules)) -> Links {
        let mut rules = UploadRules::example();
        change(&mut rules);
        Links::new(&rules, b"key")
    }

    #[test]
    fn in_development_any_web_address_is_shown() {
        let links = links(|_| {});
        for link in [
            "http://minio.local:9000/bucket/a.jpg",
            "https://cdn.example.com/a%20b.png?x=1",
            "/uploads/a.png",
            "/u/a.mp4",
            "files/a.png",
        ] {
            assert!(links.may_show(link, true), "{link}");
        }
    }

    #[test]
    fn what_runs_or_hides_where_it_leads_is_never_shown() {
        let links = links(|rules| {
            rules.file_hosts = vec![FileHost {
                name: "*".into(),
                port: None,
            }];
        });
        for link in [
            "javascript:alert(1)",
            " javascript:alert(1)",
            "java\nscript:alert(1)",
            "data:text/html,<script>alert(1)</script>",
            "blob:https://example.com/x",
            "file:///etc/passwd",
            "vbscript:x",
            "https://chat.example.com@evil.test/a.png",
            "//evil.test/a.png",
            "/\\evil.test/a.png",
            "http://",
        ] {
            for is_development in [true, false] {
                assert!(!links.may_show(link, is_development), "{link}");
            }
        }
    }

    #[test]
    fn elsewhere_only_own_files_and_named_hosts_are_shown() {
        let host = |name: &str, port| FileHost {
            name: name.into(),
            port,
        };
        let links = links(|rules| {
            rules.public_url = Some("https://chat.example.com/chat".into());
            rules.file_hosts = vec![host("minio.example.com", Some(9000))];
        });
        for link in [
            format!("https://chat.example.com/chat/uploads/{ID}.png"),
            format!("/uploads/{ID}.png"),
            "/uploads/of-the-front-end.png".into(),
            "http://minio.example.com:9000/a.png".into(),
        ] {
            assert!(links.may_show(&link, false), "{link}");
        }
        for link in [
            format!("https://chat.example.com/uploads/{ID}.png"),
            format!("https://chat.example.com.evil.test/chat/uploads/{ID}.png"),
            format!("https://evil.test/?https://chat.example.com/chat/uploads/{ID}.png"),
            format!("http://localhost/uploads/{ID}.png"),
            "https://minio.example.com/a.png".into(),
            "/uploads/../api/user/me".into(),
            "/other/a.png".into(),
            "a.png".into(),
        ] {
            assert!(!links.may_show(&link, false), "{link}");
        }
    }

    #[test]
    fn without_a_public_address_hosts_of_front_ends_are_ours() {
        let links = links(|rules| rules.own_hosts = vec!["10.0.0.7".into(), "chat.test".into()]);
        for base in [
            "http://10.0.0.7:3001",
            "https://chat.test",
            "http://[::1]:3001",
        ] {
            assert_eq!(
                links.own_id(&format!("{base}/uploads/{ID}.png")),
                Some(ID),
                "{base}"
            );
        }
        for base in [
            "http://evil.test",
            "http://10.0.0.8",
            "http://chat.test/x",
            "ftp://chat.test",
        ] {
            assert_eq!(
                links.own_id(&format!("{base}/uploads/{ID}.png")),
                None,
                "{base}"
            );
        }
    }

    #[test]
    fn a_signature_holds_for_one_file_and_some_time() {
        let links = links(|rules| rules.is_signed = true);
        let now = DateTime::from_timestamp(1_000_000, 0).unwrap();
        let link = format!("/uploads/{ID}.png");
        let signed = links.signed(&link, now).unwrap();
        assert_eq!(
            links.signed(&link, now + TimeDelta::seconds(1)).unwrap(),
            signed
        );
        let (_, query) = signed.split_once('?').unwrap();
        let proof = Proof::find(query).unwrap();
        let left = links.verify(ID, &proof, now).unwrap();
        assert!((3_600..=7_200).contains(&left), "{left}");
        assert_eq!(
            links.verify(ID, &proof, now + TimeDelta::seconds(left)),
            None
        );
        assert_eq!(links.verify(&ID.replace('0', "1"), &proof, now), None);
        let later = signed.replace("exp=1", "exp=2");
        assert!(links.is_signed(&signed, now) && !links.is_signed(&later, now));
        assert_eq!(links.without_signature(signed), link);
    }

    #[test]
    fn foreign_links_are_neither_signed_nor_changed() {
        let signing = links(|rules| rules.is_signed = true);
        let foreign = format!("https://minio.test/uploads/{ID}.png?v=2");
        assert_eq!(signing.signed(&foreign, Utc::now()), None);
        assert_eq!(signing.without_signature(foreign.clone()), foreign);
        assert_eq!(
            links(|_| {}).signed(&format!("/uploads/{ID}.png"), Utc::now()),
            None
        );
    }
}
