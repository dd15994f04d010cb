//! ZoomApiActor — the one door to Zoom.

mod messages;

pub use self::messages::CallZoom;
pub use crate::zoom::lanes::Lane;
/// Stands in for the actor until it lands: it answers that Zoom is not configured.
#[derive(Debug)]
pub struct ZoomApiActor;

impl actix::Actor for ZoomApiActor {
    type Context = actix::Context<Self>;
}

super::supervision::supervised!(ZoomApiActor);

impl actix::Handler<CallZoom> for ZoomApiActor {
    type Result = Result<crate::zoom::ZoomReply, crate::zoom::ZoomError>;

    fn handle(&mut self, _: CallZoom, _: &mut Self::Context) -> Self::Result {
        Err(crate::zoom::ZoomError::NotConfigured)
    }
}
