//! Meeting a relay whose log is not the one that was read: telling what is here, and taking in what it carries.

use protocol::{Cut, EnvelopeHash, FeedId};
use store::Reading;
use sync::client::{CarriedEnvelope, Compared, Input, Missing};

use super::Core;
use super::apply::{log_name, note_in_log};
use super::device::{META_COMPARES, META_CURSOR, read_head};
use super::problem::Problem;
use super::receive;

/// The most envelopes that are looked at for one piece of what the relay lacks.
const LOOKED_AT: usize = 1_024;

impl Core {
    /// Tells where every feed stands here.
    pub(super) fn read_heads(&self) -> Result<Input, Problem> {
        let mut heads = Vec::new();
        for (feed, state) in self.store.read()?.feeds()? {
            let (sequence, hash) = read_head(&state)?;
            heads.push(Cut {
                feed: FeedId::from_bytes(feed),
                sequence,
                hash,
            });
        }
        Ok(Input::Heads { heads })
    }

    /// Tells the hashes of envelopes.
    pub(super) fn read_hashes(&self, places: &[(FeedId, u64)]) -> Result<Input, Problem> {
        let read = self.store.read()?;
        let hash = |(feed, sequence): &(FeedId, u64)| -> Result<Option<EnvelopeHash>, Problem> {
            let Some(bytes) = read.envelope(feed.as_bytes(), *sequence)? else {
                return Ok(None);
            };
            let envelope = protocol::Envelope::decode(&bytes).map_err(Problem::damaged)?;
            Ok(Some(envelope.hash()))
        };
        let hashes = places.iter().map(hash).collect::<Result<_, _>>()?;
        Ok(Input::Hashes { hashes })
    }

    /// Reads what the relay lacks, in the order in which it came here.
    pub(super) fn read_missing(
        &mut self,
        missing: &[Missing],
        after: u64,
        max_bytes: usize,
        max_envelopes: usize,
    ) -> Result<Input, Problem> {
        let count = max_envelopes.min(LOOKED_AT);
        let received = self.store.read()?.received_after(after, count, max_bytes)?;
        let next = received.last().map(|last| last.order);
        let lacks = |feed: &[u8; 32], sequence: u64| {
            missing.iter().any(|piece| {
                piece.feed.as_bytes() == feed && (piece.from..=piece.to).contains(&sequence)
            })
        };
        let own = self.device.as_ref().map(|device| device.keys.feed());
        let own = own.as_ref().map(FeedId::as_bytes);
        let mut envelopes = Vec::new();
        for one in received {
            if lacks(&one.key.feed, one.key.sequence) {
                match own == Some(&one.key.feed) {
                    true => self.link.hand_out(one.key.sequence),
                    false => self.link.carried += 1,
                }
                envelopes.push(one.bytes.into());
            }
        }
        Ok(Input::Missing { envelopes, next })
    }

    /// Takes in envelopes that came apart from the log.
    pub(super) fn take_carried(&mut self, envelopes: &[CarriedEnvelope]) -> Result<Input, Problem> {
        if let Some(device) = self.device.as_mut() {
            let write = self.store.write()?;
            // What the relay has of the own feed and this disk has not is for the device that continues this one.
            let own = device.keys.feed();
            for one in envelopes
                .iter()
                .filter(|one| one.envelope.header.feed != own)
            {
                receive::receive(device, &write, &one.bytes, &one.envelope, false)?;
            }
            write.commit()?;
            self.link.received += envelopes.len() as u64;
            self.is_changed = true;
        }
        for one in envelopes {
            let header = &one.envelope.header;
            self.branch_came(header.feed, header.sequence)?;
        }
        Ok(Input::Carried)
    }

    /// Offers the relay what it lacks of others' feeds though it knows their devices, once for a roster in a session:
    /// when it was left out the relay's roster did not know them.
    pub(super) fn offer_lacking(&mut self) -> Result<Option<Input>, Problem> {
        let Some(device) = &self.device else {
            return Ok(None);
        };
        let head = device.roster.head();
        if self.link.offered_for == Some(head) || device.roster.is_revoked(&device.keys.feed()) {
            return Ok(None);
        }
        let mut missing = self.lacking_pieces()?;
        missing.retain(|piece| device.roster.device(&piece.feed).is_some());
        self.link.offered_for = Some(head);
        Ok((!missing.is_empty()).then_some(Input::Offer { missing }))
    }

    /// Notes up to where the relay's log has feeds of which it was offered something.
    pub(super) fn taken(&mut self, heads: &[Cut]) -> Result<(), Problem> {
        let write = self.store.write()?;
        for cut in heads {
            note_in_log(&write, &cut.feed, cut.sequence)?;
        }
        Ok(write.commit()?)
    }

    /// Notes from where the log of the relay is read on, and what it holds up to there.
    pub(super) fn compared(&mut self, compared: &Compared) -> Result<(), Problem> {
        let Some(device) = self.device.as_mut() else {
            return Ok(());
        };
        let write = self.store.write()?;
        for (feed, _) in write.feeds()? {
            write.clear_meta(&log_name(&FeedId::from_bytes(feed)))?;
        }
        for cut in &compared.relay {
            note_in_log(&write, &cut.feed, cut.sequence)?;
        }
        super::rescue::note_branches(&write, compared)?;
        super::witness::begin_log(device, &write, &compared.cursor)?;
        write.clear_meta(META_COMPARES)?;
        let cursor = protocol::canonical::encode(&compared.cursor);
        write.set_meta(META_CURSOR, &cursor)?;
        write.commit()?;
        device.cursor = Some(compared.cursor);
        self.is_changed = true;
        Ok(())
    }
}
