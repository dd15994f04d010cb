//! Before a call joins its lane it is paid for: a permit of the day's allowances, each written down before it is
//! used, so that no crash can lead to one call too many.

use actix::prelude::*;

use super::{Job, ZoomApiActor};
use crate::store::StoreError;
use crate::zoom::ZoomError;
use crate::zoom::error::Limit;
use crate::zoom::lanes::Waiting as _;
use crate::zoom::limits::{Payment, Reservation};

/// A reservation was written down, or was not.
#[derive(Debug, Message)]
#[rtype(result = "()")]
struct Reserved {
    reservation: Reservation,
    sum: Result<u32, StoreError>,
}

impl ZoomApiActor {
    /// Lets a call join its lane as soon as it is paid for.
    pub(super) fn admit(&mut self, mut job: Job, ctx: &Context<Self>) {
        if job.is_abandoned() {
            return self.forget(job);
        }
        let now = self.now();
        match self.limits.pay(&job.call, job.lane, now) {
            Payment::Paid(day) => {
                job.paid_on = Some(day);
                if let Err(job) = self.lanes.push(job.lane, job) {
                    self.answer(job, Err(ZoomError::Overloaded));
                }
            }
            Payment::Reserve(reservation) => {
                self.reserve(reservation, ctx);
                self.unpaid.push_back(job);
            }
            Payment::Asked if self.unpaid.len() >= self.config.lane_max => {
                self.answer(job, Err(ZoomError::Overloaded));
            }
            Payment::Asked => self.unpaid.push_back(job),
            Payment::Refused(limit) => self.answer(job, Err(ZoomError::RateLimited(limit))),
        }
    }

    fn reserve(&self, reservation: Reservation, ctx: &Context<Self>) {
        let (written, door) = (self.records.reserve(reservation.clone()), ctx.address());
        actix_rt::spawn(async move {
            let sum = written.await;
            // Fails only when this door is gone; its successor reserves for itself.
            let _ = door.send(Reserved { reservation, sum }).await;
        });
    }

    /// Gives back what a call had paid that Zoom has not counted.
    pub(super) fn refund(&mut self, job: &mut Job) {
        if let Some(day) = job.paid_on.take() {
            let now = self.now();
            self.limits.refund(&job.call, day, now);
        }
    }

    /// Zoom says that a limit is reached: the day's account must know, also in the next life.
    pub(super) fn spend(&mut self, job: &Job, limit: &Limit) {
        tracing::warn!(call = job.call.name, "zoom's limit is reached: {limit}");
        let now = self.now();
        let Some(spent) = self.limits.reached(&job.call, limit, now) else { return };
        let written = self.records.spend(spent);
        actix_rt::spawn(async move {
            if let Err(error) = written.await {
                tracing::warn!(%error, "a used-up allowance could not be written down; this process knows it");
            }
        });
    }
}

impl Handler<Reserved> for ZoomApiActor {
    type Result = ();

    fn handle(&mut self, message: Reserved, ctx: &mut Self::Context) {
        let now = self.now();
        match message.sum {
            Ok(sum) => self.limits.reserved(&message.reservation, sum, now),
            Err(error) => {
                tracing::warn!(%error, "a call to zoom cannot be counted, so it is not made");
                self.limits.not_reserved(&message.reservation);
                // Not sent and not counted; whoever asked comes again.
                for job in std::mem::take(&mut self.unpaid) {
                    self.answer(job, Err(ZoomError::Overloaded));
                }
            }
        }
        for job in std::mem::take(&mut self.unpaid) {
            self.admit(job, ctx);
        }
        self.dispatch(ctx);
    }
}
