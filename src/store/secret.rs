//! Secrets in rows: passcodes, personal links, tokens. Sealed with XChaCha20-Poly1305
//! (<https://datatracker.ietf.org/doc/html/draft-irtf-cfrg-xchacha>), whose nonce is long enough to be drawn
//! at random for ever.
//!
//! A sealed value is `key id (1 byte) | nonce (24) | ciphertext and tag`. Its context (column and row) goes in
//! as associated data, so a value copied to another row does not open there.

use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use sha2::{Digest, Sha256};

use super::{DatabaseUrl, StoreError};

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
/// What HMAC fills a shorter key up to, with zeros (RFC 2104, for SHA-256).
const HMAC_BLOCK_BYTES: usize = 64;

/// Seals and opens secrets with the key of this installation.
#[derive(Clone)]
pub struct Sealer {
    cipher: XChaCha20Poly1305,
    /// Tells another key from a damaged value; the first byte of the key's SHA-256.
    key_id: u8,
    /// Names things in rows that must not stand there themselves.
    fingerprints: Hmac<Sha256>,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

impl Sealer {
    /// The sealer of an installation: with the configured key, else on SQLite with the key file beside the
    /// database, which is made at the first start.
    ///
    /// # Errors
    /// [`StoreError::Unusable`], in one line, for a key that is none, a key file others can read, and for
    /// PostgreSQL without a key: a file on one of several machines would not do.
    pub fn for_database(url: &DatabaseUrl, configured: Option<&SecretString>) -> Result<Self, StoreError> {
        match (configured, url) {
            (Some(key), _) => Self::from_base64(key.expose_secret(), "database.encryption_key"),
            (None, DatabaseUrl::Sqlite(path)) => Self::from_key_file(&key_file(path)),
            (None, DatabaseUrl::Postgres(_)) => Err(StoreError::Unusable(
                "database.encryption_key: required on PostgreSQL (32 bytes, base64)".to_owned(),
            )),
        }
    }

    /// The sealer with the key in `path`, which is made when it is missing.
    ///
    /// # Errors
    /// [`StoreError::Unusable`] when the file cannot be made or read, is no key, or can be read by others.
    pub fn from_key_file(path: &Path) -> Result<Self, StoreError> {
        let unusable =
            |why: &dyn std::fmt::Display| StoreError::Unusable(format!("{}: {why}", path.display()));
        let file = match File::open(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                make_key_file(path).map_err(|error| unusable(&error))?;
                File::open(path)
            }
            opened => opened,
        }
        .map_err(|error| unusable(&error))?;
        let mode = file.metadata().map_err(|error| unusable(&error))?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(unusable(&"the key file can be read by others; its mode must be 0600"));
        }
        let text = std::io::read_to_string(file).map(SecretString::from).map_err(|error| unusable(&error))?;
        Self::from_base64(text.expose_secret().trim(), &path.display().to_string())
    }

    fn from_base64(text: &str, named: &str) -> Result<Self, StoreError> {
        let bytes = STANDARD.decode(text).map(|bytes| SecretBox::new(Box::new(bytes)));
        let key = bytes.ok().and_then(|bytes| {
            <[u8; KEY_BYTES]>::try_from(bytes.expose_secret().as_slice())
                .ok()
                .map(Box::new)
                .map(SecretBox::new)
        });
        key.map(|key| Self::new(&key))
            .ok_or_else(|| StoreError::Unusable(format!("{named}: it must be {KEY_BYTES} bytes in base64")))
    }

    fn new(key: &SecretBox<[u8; KEY_BYTES]>) -> Self {
        let key = key.expose_secret();
        let [key_id, ..] = <[u8; 32]>::from(Sha256::digest(key));
        // A key of its own, so that no fingerprint says anything of what is sealed.
        let own = Sha256::new_with_prefix(b"convened fingerprint").chain_update(key).finalize();
        let mut block = [0; HMAC_BLOCK_BYTES];
        block.iter_mut().zip(own).for_each(|(byte, own)| *byte = own);
        let fingerprints = <Hmac<Sha256> as KeyInit>::new(&block.into());
        Self { cipher: XChaCha20Poly1305::new(&Key::from(*key)), key_id, fingerprints }
    }

    /// A name for `value` that is always the same and from which nobody without the key can find `value`: an
    /// HMAC-SHA256, in hex, bound to `context`.
    #[must_use]
    pub fn fingerprint(&self, context: &str, value: &[u8]) -> String {
        let mac = self.fingerprints.clone().chain_update(context.as_bytes()).chain_update([0]);
        hex::encode(mac.chain_update(value).finalize().into_bytes())
    }

    /// Seals `secret` for the place that `context` names, for example `oauth_states.verifier:<state>`.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for a secret beyond the cipher's limit of 256 GB.
    pub fn seal(&self, context: &str, secret: &[u8]) -> Result<Vec<u8>, StoreError> {
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let payload = Payload { msg: secret, aad: context.as_bytes() };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| StoreError::corrupt(context, "it is too long to be sealed"))?;
        Ok([&[self.key_id], nonce.as_slice(), &sealed].concat())
    }

    /// Opens what was sealed for the same context.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for a value that was damaged, moved, or sealed with another key.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<SecretString, StoreError> {
        let corrupt = |why: &'static str| StoreError::corrupt(context, why);
        let (key_id, rest) = sealed.split_first().ok_or_else(|| corrupt("the sealed value is empty"))?;
        if *key_id != self.key_id {
            return Err(corrupt("it was sealed with another key: see database.encryption_key"));
        }
        let (nonce, ciphertext) = rest
            .split_first_chunk::<NONCE_BYTES>()
            .ok_or_else(|| corrupt("the sealed value is cut short"))?;
        let payload = Payload { msg: ciphertext, aad: context.as_bytes() };
        let plain = self
            .cipher
            .decrypt(&XNonce::from(*nonce), payload)
            .map_err(|_| corrupt("the sealed value was changed or belongs elsewhere"))?;
        String::from_utf8(plain).map(SecretString::from).map_err(|_| corrupt("the secret is not text"))
    }
}

fn key_file(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(".key");
    PathBuf::from(name)
}

/// Makes a key file that is there whole or not at all. If another process was faster, its key stays.
fn make_key_file(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let key = SecretBox::new(Box::new(rand::random::<[u8; KEY_BYTES]>()));
    // tempfile makes it with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    writeln!(file, "{}", STANDARD.encode(key.expose_secret()))?;
    file.as_file().sync_all()?;
    match file.persist_noclobber(path) {
        Err(error) if error.error.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error.error),
        // A key whose directory entry is lost in a power cut would take every secret with it.
        Ok(_) => File::open(folder)?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealer() -> Sealer {
        Sealer::from_base64(&STANDARD.encode([7; KEY_BYTES]), "test").unwrap()
    }

    #[test]
    fn a_secret_opens_only_where_it_was_sealed() {
        let sealed = sealer().seal("passcode:1", b"hunter2").unwrap();
        assert_eq!(sealer().open("passcode:1", &sealed).unwrap().expose_secret(), "hunter2");
        assert!(sealer().open("passcode:2", &sealed).is_err());
    }

    #[test]
    fn the_same_secret_is_sealed_differently_each_time() {
        assert_ne!(sealer().seal("c", b"x").unwrap(), sealer().seal("c", b"x").unwrap());
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_noticed() {
        let sealed = sealer().seal("c", b"secret").unwrap();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(sealer().open("c", &changed).is_err(), "byte {at}");
            assert!(sealer().open("c", &sealed[..at]).is_err(), "cut at {at}");
        }
    }

    #[test]
    fn the_key_file_is_private_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let url = DatabaseUrl::Sqlite(folder.path().join("convened.db"));
        let sealed = Sealer::for_database(&url, None).unwrap().seal("c", b"x").unwrap();
        let file = folder.path().join("convened.db.key");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(Sealer::for_database(&url, None).unwrap().open("c", &sealed).is_ok());
        std::fs::set_permissions(&file, PermissionsExt::from_mode(0o644)).unwrap();
        assert!(Sealer::for_database(&url, None).unwrap_err().to_string().contains("0600"));
    }

    #[test]
    fn a_bad_key_and_a_missing_one_on_postgres_are_named() {
        let short = SecretString::from(STANDARD.encode([1; 16]));
        let url = DatabaseUrl::parse("postgres://db/x").unwrap();
        for configured in [Some(&short), None] {
            let error = Sealer::for_database(&url, configured).unwrap_err();
            assert!(error.to_string().starts_with("database.encryption_key: "), "{error}");
        }
    }
}
