//! Who is calling: a bearer token, checked against the one algorithm that the configuration names.
//!
//! A handler that takes a [`Caller`] is closed to callers without a good token; one that does not is public.

use std::future::{Future, ready};
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use jsonwebtoken::{Algorithm, Validation};
use serde::Deserialize;

use super::Front;
use super::error::ApiError;
use super::keys::Keys;
use crate::clock::Instant;
use crate::domain::access::Role;

/// How far the caller's clock and ours may differ.
const CLOCK_SKEW_SECS: i64 = 5;
/// No `sub` is longer than a person's `ref`.
const SUBJECT_LENGTH_MAX: usize = 200;

/// Who is calling, by their token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The token's subject: a person's `ref`, or the name of an internal system.
    pub subject: String,
    /// What they are.
    pub role: Role,
    /// The name in the token.
    pub name: Option<String>,
    /// The e-mail address in the token.
    pub email: Option<String>,
}

impl Caller {
    /// Only for systems and administrators.
    ///
    /// # Errors
    /// 403 for everybody else.
    pub fn must_act_for_all(&self) -> Result<(), ApiError> {
        match self.role {
            Role::Service | Role::Admin => Ok(()),
            Role::Host | Role::Attendee => Err(ApiError::Forbidden("only a service or an admin may do this")),
        }
    }

    /// Only for administrators.
    ///
    /// # Errors
    /// 403 for everybody else.
    pub fn must_be_admin(&self) -> Result<(), ApiError> {
        match self.role {
            Role::Admin => Ok(()),
            _ => Err(ApiError::Forbidden("only an admin may do this")),
        }
    }
}

#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    role: String,
    exp: i64,
    #[serde(default)]
    nbf: Option<i64>,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    email: Option<String>,
}

/// What makes a token good.
#[derive(Debug)]
pub struct Auth {
    keys: Keys,
    validation: Validation,
}

impl Auth {
    /// Tokens signed with one of `keys` by `algorithm`, naming `issuer` and `audience` where those are given.
    #[must_use]
    pub fn new(keys: Keys, algorithm: Algorithm, issuer: Option<&str>, audience: Option<&str>) -> Self {
        let mut validation = Validation::new(algorithm);
        // The times are checked against our own clock, which in rehearsals is not the machine's.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let mut required = vec!["exp", "sub"];
        if let Some(issuer) = issuer {
            validation.set_issuer(&[issuer]);
            required.push("iss");
        }
        validation.validate_aud = audience.is_some();
        if let Some(audience) = audience {
            validation.set_audience(&[audience]);
            required.push("aud");
        }
        validation.set_required_spec_claims(&required);
        Self { keys, validation }
    }

    /// The caller behind a token.
    ///
    /// # Errors
    /// [`ApiError::Unauthenticated`] with the reason, which says nothing that helps to forge one.
    pub async fn verify(&self, token: &str, now: Instant) -> Result<Caller, ApiError> {
        let header = jsonwebtoken::decode_header(token)
            .map_err(|_| ApiError::Unauthenticated("the token is no JWT"))?;
        if !self.validation.algorithms.contains(&header.alg) {
            return Err(ApiError::Unauthenticated("the token is signed by another algorithm"));
        }
        let key = self.keys.find(header.kid.as_deref()).await?;
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &self.validation)
            .map_err(|error| ApiError::Unauthenticated(reason(error.kind())))?
            .claims;
        claims.caller_at(now)
    }
}

impl Claims {
    fn caller_at(self, now: Instant) -> Result<Caller, ApiError> {
        let now = now.timestamp();
        if self.exp.saturating_add(CLOCK_SKEW_SECS) <= now {
            return Err(ApiError::Unauthenticated("the token has expired"));
        }
        if self.nbf.is_some_and(|nbf| nbf.saturating_sub(CLOCK_SKEW_SECS) > now) {
            return Err(ApiError::Unauthenticated("the token is not valid yet"));
        }
        if self.sub.is_empty() || self.sub.len() > SUBJECT_LENGTH_MAX {
            return Err(ApiError::Unauthenticated("the token has no usable `sub`"));
        }
        let role = Role::parse(&self.role)
            .ok_or(ApiError::Unauthenticated("the token's `role` is not one of ours"))?;
        Ok(Caller { subject: self.sub, role, name: self.name, email: self.email })
    }
}

fn reason(kind: &jsonwebtoken::errors::ErrorKind) -> &'static str {
    use jsonwebtoken::errors::ErrorKind;
    match kind {
        ErrorKind::InvalidIssuer => "the token is from another issuer",
        ErrorKind::InvalidAudience => "the token is for another audience",
        ErrorKind::MissingRequiredClaim(_) => "the token lacks a claim that is required",
        ErrorKind::Json(_) => "the token's claims are not `sub`, `role` and `exp`",
        _ => "the token's signature does not fit",
    }
}

impl FromRequest for Caller {
    type Error = ApiError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, ApiError>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let Some(front) = request.app_data::<web::Data<Front>>().cloned() else {
            return Box::pin(ready(Err(ApiError::Internal)));
        };
        let token = bearer(request).map(str::to_owned);
        Box::pin(async move {
            let token = token.ok_or(ApiError::Unauthenticated("a bearer token is needed"))?;
            let caller = front.auth.verify(&token, front.clock.now()).await?;
            front.admission.admit(&caller.subject)?;
            Ok(caller)
        })
    }
}

fn bearer(request: &HttpRequest) -> Option<&str> {
    let value = request.headers().get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::{Value, json};

    const SECRET: &str = "a secret of the tests, thirty-two bytes";

    fn at() -> Instant {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn signed(algorithm: Algorithm, claims: &Value) -> String {
        let key = EncodingKey::from_secret(SECRET.as_bytes());
        jsonwebtoken::encode(&Header::new(algorithm), claims, &key).unwrap()
    }

    async fn verify(claims: &Value) -> Result<Caller, ApiError> {
        let auth = Auth::new(Keys::secret(SECRET), Algorithm::HS256, Some("school"), None);
        auth.verify(&signed(Algorithm::HS256, claims), at()).await
    }

    fn good() -> Value {
        json!({"sub": "t-1", "role": "teacher", "exp": at().timestamp() + 60, "iss": "school"})
    }

    #[actix_web::test]
    async fn a_good_token_names_its_caller_by_our_word_for_the_role() {
        let caller = verify(&good()).await.unwrap();
        assert_eq!((caller.subject.as_str(), caller.role), ("t-1", Role::Host));
    }

    #[actix_web::test]
    async fn every_broken_claim_is_refused() {
        let now = at().timestamp();
        let cases = [
            ("exp", json!(now - 60)),
            ("exp", Value::Null),
            ("nbf", json!(now + 60)),
            ("iss", json!("elsewhere")),
            ("iss", Value::Null),
            ("role", json!("root")),
            ("role", Value::Null),
            ("sub", json!("")),
            ("sub", Value::Null),
        ];
        for (claim, value) in cases {
            let mut claims = good();
            match value {
                Value::Null => claims.as_object_mut().unwrap().remove(claim),
                value => claims.as_object_mut().unwrap().insert(claim.to_owned(), value),
            };
            assert!(matches!(verify(&claims).await, Err(ApiError::Unauthenticated(_))), "{claim}: {claims}");
        }
    }

    #[actix_web::test]
    async fn another_algorithm_is_refused_even_with_the_right_key() {
        let auth = Auth::new(Keys::secret(SECRET), Algorithm::HS256, None, None);
        let token = signed(Algorithm::HS512, &good());
        assert!(auth.verify(&token, at()).await.is_err());
        let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", token.split('.').nth(1).unwrap());
        assert!(auth.verify(&unsigned, at()).await.is_err());
    }
}
