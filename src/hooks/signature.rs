//! The proof that a message is ours, by Standard Webhooks 1.0.0
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>): an HMAC-SHA256
//! over the message's id, the time of the attempt and the body, joined by dots.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The version of the scheme, at the head of the signature: v1 is the symmetric one.
const VERSION: &str = "v1";

/// The key of one endpoint, made ready once.
#[derive(Clone)]
pub struct SigningKey(Hmac<Sha256>);

impl fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("SigningKey(***)")
    }
}

impl SigningKey {
    /// The key of these bytes; none for no bytes, which everybody could sign with.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() {
            return None;
        }
        Hmac::new_from_slice(bytes).ok().map(Self)
    }

    /// The content of `webhook-signature` for the message `id` sent at `timestamp` (seconds since 1970).
    #[must_use]
    pub fn sign(&self, id: &str, timestamp: i64, body: &str) -> String {
        let mut mac = self.0.clone();
        mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
        format!("{VERSION},{}", STANDARD.encode(mac.finalize().into_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that implementations of the standard share.
    #[test]
    fn the_example_of_the_standard_comes_out() {
        let key = SigningKey::new(&STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()).unwrap();
        let signature = key.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn an_empty_key_is_none_and_a_key_is_never_shown() {
        assert!(SigningKey::new(b"").is_none());
        assert_eq!(format!("{:?}", SigningKey::new(b"secret").unwrap()), "SigningKey(***)");
    }
}
