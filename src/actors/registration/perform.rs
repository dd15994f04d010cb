//! Performs one step for a meeting's registrations at Zoom and says what came of it.

use std::collections::BTreeMap;

use secrecy::ExposeSecret;

use crate::actors::engine::Engine;
use crate::actors::zoom_api::Lane;
use crate::domain::registration::{
    Approval, Ask, Failure, Given, Listed, Outcome, Standing, Step, split_name,
};
use crate::store::StoreError;
use crate::store::person::email_key;
use crate::store::registrant::{LINK, Learned, RegistrantRow, View};
use crate::zoom::ZoomCall;
use crate::zoom::call;
use crate::zoom::error::{Limit, ZoomError};
use crate::zoom::types::{
    BatchAdded, BatchRegistrant, BatchRequest, Registrant, RegistrantAdded, RegistrantPage,
    RegistrantRequest, RegistrantStatusChange, RegistrantTarget,
};

/// Pages of one list: Zoom takes 4,999 registrants (add a meeting registrant), 300 a page, and lists may be begun anew.
const PAGES_MAX: usize = 40;

/// What Zoom answers when it takes no registrations for a meeting, whoever is named: a host without a licence (200), another
/// kind of meeting (303), registration off (404 in a batch), no access (3000), over (3038), full (3043), a user who cannot
/// host (3161).
const OF_THE_MEETING: [i64; 7] = [200, 303, 404, 3000, 3038, 3043, 3161];

/// What came of a step, and what Zoom said beside it.
#[derive(Debug)]
pub(super) struct Performed {
    pub(super) outcome: Outcome,
    /// By address.
    pub(super) learned: BTreeMap<String, Learned>,
    /// Why it failed, in words for the operator; never personal data.
    pub(super) error: Option<String>,
}

impl Performed {
    fn new(outcome: Outcome) -> Self {
        Self { outcome, learned: BTreeMap::new(), error: None }
    }
}

enum Trouble {
    Zoom(ZoomError),
    Store(StoreError),
    /// A list longer than it can be.
    Endless,
}

impl From<ZoomError> for Trouble {
    fn from(error: ZoomError) -> Self {
        Self::Zoom(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// Performs `step` for the meeting of `view`.
pub(super) async fn step(engine: &Engine, view: &View, step: &Step) -> Performed {
    let done = match step {
        Step::Rest(_) => Ok(Performed::new(Outcome::Failed(Failure::NotDone))),
        Step::Look => look(engine, view).await,
        Step::Ask(Ask::Add, addresses) => match addresses.as_slice() {
            [one] if is_alone(view, one) => add_one(engine, view, one).await,
            addresses => add(engine, view, addresses).await,
        },
        Step::Ask(Ask::Approve, addresses) => change(engine, view, "approve", addresses).await,
        Step::Ask(Ask::Cancel, addresses) => change(engine, view, "cancel", addresses).await,
    };
    match done {
        Ok(performed) => performed,
        Err(Trouble::Zoom(error)) => from_error(&error),
        Err(Trouble::Store(error)) => {
            let error = Some(error.to_string());
            Performed { error, ..Performed::new(Outcome::Failed(Failure::NotDone)) }
        }
        Err(Trouble::Endless) => {
            let error = Some("the list of registrants could not be read to its end".to_owned());
            Performed { error, ..Performed::new(Outcome::Failed(Failure::NotDone)) }
        }
    }
}

/// What an error of Zoom means. Its own words may hold an address: only the code goes on.
fn from_error(error: &ZoomError) -> Performed {
    let outcome = match error {
        ZoomError::Unknown { .. } => Outcome::Unknown,
        ZoomError::RateLimited(Limit::RegistrantDaily { until }) => {
            Outcome::Failed(Failure::Theirs(Some(*until)))
        }
        ZoomError::RateLimited(Limit::Daily { until } | Limit::HostDaily { until }) => {
            Outcome::Failed(Failure::Until(*until))
        }
        ZoomError::RateLimited(Limit::Qps { .. } | Limit::LockKey) => Outcome::Failed(Failure::NotDone),
        ZoomError::Rejected { code: Some(code), .. } if !OF_THE_MEETING.contains(code) => {
            Outcome::Failed(Failure::Theirs(None))
        }
        ZoomError::Rejected { .. } | ZoomError::NotFound { .. } | ZoomError::ScopeMissing { .. } => {
            Outcome::Failed(Failure::Refused)
        }
        ZoomError::NotConfigured
        | ZoomError::Unreachable { .. }
        | ZoomError::TokenInvalid
        | ZoomError::CredentialsRefused { .. }
        | ZoomError::BreakerOpen { .. }
        | ZoomError::Overloaded
        | ZoomError::TakenBack
        | ZoomError::ShuttingDown => Outcome::Failed(Failure::Shut),
    };
    let words = match (error, error.zoom_code()) {
        (ZoomError::RateLimited(limit), _) => limit.to_string(),
        (ZoomError::ScopeMissing { .. }, _) => error.to_string(),
        (_, Some(code)) => format!("zoom refuses it (code {code})"),
        (_, None) => error.class().to_owned(),
    };
    Performed { error: Some(words), ..Performed::new(outcome) }
}

async fn send(engine: &Engine, view: &View, call: ZoomCall) -> Result<crate::zoom::ZoomReply, ZoomError> {
    let guard = engine.shards.guard(&view.meeting_id);
    engine.zoom.call(Lane::Sync, call.only_while(guard)).await
}

fn is_alone(view: &View, address: &str) -> bool {
    view.rows.iter().any(|row| row.email_key == address && row.alone)
}

/// The first who has this address, in the order of the rows.
fn row_of<'a>(view: &'a View, address: &str) -> Option<&'a RegistrantRow> {
    view.rows.iter().find(|row| row.email_key == address)
}

fn request(view: &View, address: &str) -> Option<RegistrantRequest> {
    let row = row_of(view, address)?;
    let (first_name, last_name) = split_name(&row.name);
    Some(RegistrantRequest {
        email: row.email.clone(),
        first_name,
        last_name,
        ..RegistrantRequest::default()
    })
}

/// Whoever is on the roster needs nobody's word at Zoom.
fn approves(view: &View) -> Option<bool> {
    (view.approval == Approval::ByHand).then_some(true)
}

async fn add(engine: &Engine, view: &View, addresses: &[String]) -> Result<Performed, Trouble> {
    let registrants = addresses.iter().filter_map(|address| request(view, address)).collect();
    let batch = BatchRequest { auto_approve: approves(view), registrants };
    let reply = send(engine, view, call::batch_registrants(&view.number, &batch)).await?;
    let added: BatchAdded = reply.parse()?;
    let mut performed = Performed::new(Outcome::Unknown);
    let mut given = BTreeMap::new();
    let rows = by_address(view);
    for BatchRegistrant { email, registrant_id, join_url, .. } in added.registrants {
        let Some(address) = email.map(|email| email_key(email.trim())) else { continue };
        given.insert(address.clone(), if join_url.is_some() { Given::Link } else { Given::NoLink });
        let learned = learned(engine, rows.get(address.as_str()).copied(), registrant_id, join_url)?;
        performed.learned.insert(address, learned);
    }
    performed.outcome = Outcome::Added(given);
    performed.error = Some("zoom's answer to a batch leaves them out".to_owned());
    Ok(performed)
}

async fn add_one(engine: &Engine, view: &View, address: &str) -> Result<Performed, Trouble> {
    let Some(person) = request(view, address) else {
        return Ok(Performed::new(Outcome::Failed(Failure::NotDone)));
    };
    let person = RegistrantRequest { auto_approve: approves(view), ..person };
    let reply = send(engine, view, call::add_registrant(&view.number, &person)).await?;
    let RegistrantAdded { registrant_id, join_url, .. } = reply.parse()?;
    let given = if join_url.is_some() { Given::Link } else { Given::NoLink };
    let learned = learned(engine, row_of(view, address), registrant_id, join_url)?;
    let learned = BTreeMap::from([(address.to_owned(), learned)]);
    let outcome = Outcome::Added(BTreeMap::from([(address.to_owned(), given)]));
    Ok(Performed { learned, ..Performed::new(outcome) })
}

/// What Zoom said of a registration. A link that is the same as before stays sealed as it is: nothing is to be written.
fn learned(
    engine: &Engine,
    row: Option<&RegistrantRow>,
    registrant: Option<String>,
    link: Option<String>,
) -> Result<Learned, StoreError> {
    let Some(link) = link else { return Ok(Learned { registrant, ..Learned::default() }) };
    let had = row.and_then(|row| row.join_url_enc.clone());
    let is_same =
        |sealed: &Vec<u8>| engine.sealer.open(LINK, sealed).is_ok_and(|had| had.expose_secret() == link);
    let link = match had.filter(is_same) {
        Some(sealed) => sealed,
        None => engine.seal(LINK, &link)?,
    };
    Ok(Learned { registrant, link: Some(link), stranger: None })
}

async fn change(
    engine: &Engine,
    view: &View,
    action: &str,
    addresses: &[String],
) -> Result<Performed, Trouble> {
    let registrants: Vec<_> = addresses.iter().filter_map(|address| target(row_of(view, address)?)).collect();
    if registrants.is_empty() {
        // Zoom was never heard to have any of them.
        return Ok(Performed::new(Outcome::Done));
    }
    let change = RegistrantStatusChange { action: action.to_owned(), registrants };
    send(engine, view, call::change_registrants(&view.number, &change)).await?;
    Ok(Performed::new(Outcome::Done))
}

/// Whom to name to Zoom: by their number alone where the address was forgotten; `None` when nothing is left to name.
fn target(row: &RegistrantRow) -> Option<RegistrantTarget> {
    let email = Some(row.email.clone()).filter(|email| !email.is_empty());
    let id = row.zoom_registrant_id.clone();
    (id.is_some() || email.is_some()).then_some(RegistrantTarget { id, email })
}

/// The first row of each address.
fn by_address(view: &View) -> BTreeMap<&str, &RegistrantRow> {
    view.rows.iter().rev().map(|row| (row.email_key.as_str(), row)).collect()
}

/// The rows of a meeting, by what Zoom says of a registration.
struct Rows<'a> {
    by_address: BTreeMap<&'a str, &'a RegistrantRow>,
    by_registrant: BTreeMap<&'a str, &'a RegistrantRow>,
}

impl<'a> Rows<'a> {
    fn of(view: &'a View) -> Self {
        let by_registrant = view
            .rows
            .iter()
            .rev()
            .filter_map(|row| Some((row.zoom_registrant_id.as_deref()?, row)))
            .collect();
        Self { by_address: by_address(view), by_registrant }
    }

    /// Under which address one that Zoom lists is known: that of its number, which stays when the address is
    /// forgotten; else the one that Zoom has.
    fn address_of(&self, registrant: Option<&str>, email: &str) -> String {
        let known = registrant.and_then(|registrant| self.by_registrant.get(registrant));
        known.map_or_else(|| email_key(email.trim()), |row| row.email_key.clone())
    }
}

/// Reads all three of Zoom's lists to their ends. An address that is in more than one counts by its best standing.
async fn look(engine: &Engine, view: &View) -> Result<Performed, Trouble> {
    let since = engine.clock.now();
    let rows = Rows::of(view);
    let mut listed = Listed::new();
    let mut everything = BTreeMap::new();
    let lists =
        [("approved", Standing::Approved), ("pending", Standing::Pending), ("denied", Standing::Denied)];
    for (status, standing) in lists {
        for found in list(engine, view, status).await? {
            let Some(email) = found.email.clone().filter(|email| email.contains('@')) else { continue };
            let address = rows.address_of(found.id.as_deref(), &email);
            if listed.contains_key(&address) {
                continue;
            }
            let name =
                [found.first_name, found.last_name].into_iter().flatten().collect::<Vec<_>>().join(" ");
            let stranger = Some((email, name.trim().to_owned()));
            let row = rows.by_address.get(address.as_str()).copied();
            let known = learned(engine, row, found.id, found.join_url)?;
            everything.insert(address.clone(), Learned { stranger, ..known });
            listed.insert(address, standing);
        }
    }
    Ok(Performed { learned: everything, ..Performed::new(Outcome::Listed { listed, since }) })
}

async fn list(engine: &Engine, view: &View, status: &str) -> Result<Vec<Registrant>, Trouble> {
    let mut rows = Vec::new();
    let mut token: Option<String> = None;
    for _ in 0..PAGES_MAX {
        let call = call::list_registrants(&view.number, status, token.as_deref());
        let page: RegistrantPage = send(engine, view, call).await?.parse()?;
        rows.extend(page.registrants);
        token = page.next_page_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(rows);
        }
    }
    Err(Trouble::Endless)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::registrant::RegistrantStatus;

    fn row(email: &str, key: &str, registrant: Option<&str>) -> RegistrantRow {
        let at = crate::store::UtcMillis::from(chrono::DateTime::UNIX_EPOCH);
        RegistrantRow {
            id: "row".to_owned(),
            meeting_id: "m".to_owned(),
            zoom_meeting_id: "1".to_owned(),
            person_ref: None,
            email: email.to_owned(),
            email_key: key.to_owned(),
            name: String::new(),
            zoom_registrant_id: registrant.map(str::to_owned),
            join_url_enc: None,
            status: RegistrantStatus::Approved,
            asked: None,
            barred: false,
            alone: false,
            attempts: 0,
            last_error: None,
            next_attempt_at: None,
            registered_at: None,
            created_at: at,
            updated_at: at,
            missed_at: None,
        }
    }

    #[test]
    fn an_erased_registration_is_found_by_its_number_and_named_by_it_alone() {
        let erased = row("", "row", Some("R1"));
        let rows = Rows {
            by_address: BTreeMap::from([("row", &erased)]),
            by_registrant: BTreeMap::from([("R1", &erased)]),
        };
        assert_eq!(rows.address_of(Some("R1"), "P@home.example"), "row");
        assert_eq!(rows.address_of(Some("R2"), "P@home.example"), "p@home.example");
        assert_eq!(rows.address_of(None, " P@home.example "), "p@home.example");
        let named = target(&erased).map(|target| (target.id, target.email));
        assert_eq!(named, Some((Some("R1".to_owned()), None)));
        assert!(target(&row("", "row", None)).is_none());
    }
}
