//! What is held: envelopes behind the cut of a feed, which an admin decides about.
//!
//! They lie in a table of their own: they are not applied, no head of a feed counts them, and they are not carried. When
//! the roster moves a cut they wait like what has just come, and are tried.

use std::collections::BTreeMap;

use protocol::limits::MAX_HELD_BYTES_PER_FEED;
use protocol::{Blob, Cut, Envelope, EnvelopeHash, FeedId, Part};
use replica::RecordPart;
use replica::query::{Asked, Trial};
use store::{EnvelopeKey, Reading};
use sync::client::Input;
use vault::{Standing, Weight, open_parts, weigh_envelope};

use super::Core;
use super::device::Device;
use super::exchange::Errand;
use super::problem::Problem;
use super::receive::{self, reason};
use super::relay::Wanted;
use super::rescue;
use crate::interface::{Failure, HeldDevice, HeldTransaction, MAX_HELD_SHOWN};

/// The most feeds of which one meeting with the relay asks for what is held.
const MAX_ASKED: usize = 64;

/// What is said of a held transaction at whose place its feed has another one.
const OTHER_BRANCH: &str = "another transaction of this device has the same place, since its home was copied: \
    accept-held takes that one";

impl Core {
    /// Asks the relay for what it holds and is not here, as far as it has just said that it holds anything.
    pub(super) fn held_feeds(&mut self, feeds: &[Cut]) -> Result<(), Problem> {
        let mut asked = 0;
        for cut in feeds {
            let last = self.held_chain(&cut.feed)?.last().map(|last| last.sequence);
            let is_wanted = self.link.wants.contains(&Wanted::Held(cut.feed));
            if last.is_none_or(|last| last < cut.sequence) && !is_wanted && asked < MAX_ASKED {
                self.ask_for_held_of(cut.feed)?;
                asked += 1;
            }
        }
        Ok(())
    }

    /// Asks the relay for all that it holds of a feed and is not here; an admin's device alone may.
    pub(super) fn ask_for_held_of(&mut self, feed: FeedId) -> Result<(), Problem> {
        let Some(device) = self.device.as_ref().filter(|device| device.is_admin()) else {
            return Ok(());
        };
        let Some(cut) = device.cut_of(&feed) else {
            return Ok(());
        };
        let end = self.held_chain(&feed)?.last().copied().unwrap_or(cut);
        self.link.wants.push_back(Wanted::Held(feed));
        self.session_input(Input::Want {
            feed,
            from: end.sequence + 1,
            to: u64::MAX,
        });
        Ok(())
    }

    /// Asks, once a session and for who meets the relay on purpose, for all that is held; true while answers are missing,
    /// to this or to anything else that the relay was asked for.
    ///
    /// The relay tells of held feeds by itself, but when it does is not said: who waits for it would not know how long.
    pub(super) fn is_waiting_for_answers(&mut self) -> Result<bool, Problem> {
        let is_on_purpose = |errand: &Errand| matches!(errand, Errand::Sync { .. });
        if !self.link.is_held_asked && self.link.errands.iter().any(is_on_purpose) {
            self.link.is_held_asked = true;
            let feeds: Vec<FeedId> = match &self.device {
                Some(device) => {
                    let all = device.roster.devices().map(|one| one.signing);
                    let cut = all.filter(|feed| device.cut_of(feed).is_some());
                    cut.take(MAX_ASKED).collect()
                }
                None => Vec::new(),
            };
            for feed in feeds {
                self.ask_for_held_of(feed)?;
            }
        }
        Ok(!self.link.wants.is_empty())
    }

    /// Goes on after the relay has given all that it has of what was asked for first.
    pub(super) fn want_ended(&mut self) -> Result<Option<Input>, Problem> {
        match self.link.wants.pop_front() {
            None => return Ok(None),
            Some(Wanted::Branch(end)) => self.piece_came(end)?,
            Some(Wanted::Held(feed)) => self.held_has_come(&feed),
        }
        self.is_changed = true;
        if self.link.is_settled {
            self.finish_errands();
        }
        self.sign_next()
    }

    /// Keeps what the relay shows of a feed.
    pub(super) fn take_held(&mut self, feed: FeedId, envelopes: &[Blob]) -> Result<(), Problem> {
        let Some(device) = self.device.as_mut() else {
            return Ok(());
        };
        let write = self.store.write()?;
        let held = write.held()?.into_iter();
        let of_feed = held.filter(|(key, _)| key.feed == *feed.as_bytes());
        let mut bytes_here: u64 = of_feed.map(|(_, bytes)| bytes as u64).sum();
        for bytes in envelopes {
            bytes_here = bytes_here.saturating_add(bytes.len() as u64);
            if bytes_here > MAX_HELD_BYTES_PER_FEED {
                break;
            }
            match weigh_envelope(bytes, &device.roster) {
                Err(_) => device.forged += 1,
                Ok((verified, weight)) if weight.is_held() && verified.header().feed == feed => {
                    let key = EnvelopeKey {
                        feed: *feed.as_bytes(),
                        sequence: verified.header().sequence,
                    };
                    receive::hold(&write, key, bytes)?;
                }
                // What counts by now comes with the log.
                Ok(_) => {}
            }
        }
        write.commit()?;
        self.is_changed = true;
        Ok(())
    }

    /// Lets what was held wait to be tried, as far as the roster lets it count by now.
    pub(super) fn release_held(&mut self) -> Result<(), Problem> {
        let Some(device) = self.device.as_mut() else {
            return Ok(());
        };
        let write = self.store.write()?;
        let mut is_any = false;
        for (key, _) in write.held()? {
            let Some(bytes) = write.held_envelope(key)? else {
                continue;
            };
            let Ok((verified, _)) = weigh_envelope(&bytes, &device.roster) else {
                continue;
            };
            if rescue::weigh(device, &write, &verified)? != Weight::Counts {
                continue;
            }
            is_any = true;
            write.take_held(key)?;
            // Where another envelope of the feed has come with the log meanwhile, that one counts.
            let here = write.envelope(&key.feed, key.sequence)?;
            if here.as_ref().is_none_or(|here| *here == bytes) {
                write.put_envelope(&key.feed, key.sequence, &bytes)?;
                write.put_waiting(key, reason::NEW.as_bytes(), &[])?;
            }
        }
        if is_any {
            write.commit()?;
        }
        Ok(())
    }

    /// Returns the places of a feed behind its cut that are held without a gap, each following the one before.
    pub(super) fn held_chain(&self, feed: &FeedId) -> Result<Vec<Cut>, Problem> {
        let Some(cut) = self.device.as_ref().and_then(|device| device.cut_of(feed)) else {
            return Ok(Vec::new());
        };
        let read = self.store.read()?;
        let mut chain: Vec<Cut> = Vec::new();
        let mut last = (cut.sequence, cut.hash);
        if cut.sequence == 0 {
            last.1 = EnvelopeHash::ZERO;
        }
        loop {
            let key = EnvelopeKey {
                feed: *feed.as_bytes(),
                sequence: last.0 + 1,
            };
            // What counted here while its device counted is no longer held apart.
            let bytes = match read.held_envelope(key)? {
                Some(bytes) => Some(bytes),
                None => read.envelope(&key.feed, key.sequence)?,
            };
            let Some(bytes) = bytes else {
                return Ok(chain);
            };
            let envelope = Envelope::decode(&bytes).map_err(Problem::damaged)?;
            if envelope.header.previous != last.1 {
                return Ok(chain);
            }
            last = (key.sequence, envelope.hash());
            chain.push(Cut {
                feed: *feed,
                sequence: last.0,
                hash: last.1,
            });
        }
    }

    /// Counts what is held here, feed by feed.
    pub(super) fn held_counts(&self) -> Result<BTreeMap<FeedId, u64>, Problem> {
        let of_feeds = self.held_by_feed()?.into_iter();
        Ok(of_feeds
            .map(|(feed, keys)| (feed, keys.len() as u64))
            .collect())
    }

    /// Finds what is held here of each feed, in the order of places.
    ///
    /// Of two branches of a feed one lies under another name, so the envelopes themselves say whose they are.
    fn held_by_feed(&self) -> Result<BTreeMap<FeedId, Vec<EnvelopeKey>>, Problem> {
        let read = self.store.read()?;
        let mut feeds: BTreeMap<FeedId, Vec<EnvelopeKey>> = BTreeMap::new();
        for (key, _) in read.held()? {
            let named = FeedId::from_bytes(key.feed);
            let is_device = self
                .device
                .as_ref()
                .is_some_and(|device| device.info(&named).is_some());
            let feed = match read.held_envelope(key)?.filter(|_| !is_device) {
                Some(bytes) => {
                    let envelope = Envelope::decode(&bytes).map_err(Problem::damaged)?;
                    envelope.header.feed
                }
                None => named,
            };
            feeds.entry(feed).or_default().push(key);
        }
        for keys in feeds.values_mut() {
            keys.sort_by_key(|key| key.sequence);
        }
        Ok(feeds)
    }

    /// Lists what is held, device by device.
    pub(super) fn held(&self) -> Result<Vec<HeldDevice>, Failure> {
        self.check_admin("see what is held")?;
        let read = self.store.read().map_err(Problem::from)?;
        let feeds = self.held_by_feed()?;
        self.ask(|asked, device| {
            let mut answer = Vec::new();
            for (feed, keys) in &feeds {
                let Some(mut one) = held_device(asked, device, feed) else {
                    continue;
                };
                one.total = keys.len() as u64;
                let mut trial = Trial::default();
                for key in keys.iter().take(MAX_HELD_SHOWN) {
                    let Some(bytes) = read.held_envelope(*key).map_err(Problem::from)? else {
                        continue;
                    };
                    let told = transaction(asked, device, &mut trial, &bytes);
                    let mut told = told.map_err(Failure::from)?;
                    if key.feed != *feed.as_bytes() && told.obstacle.is_none() {
                        told.obstacle = Some(OTHER_BRANCH.to_owned());
                    }
                    one.transactions.push(told);
                }
                answer.push(one);
            }
            answer.sort_by(|one: &HeldDevice, other| one.code.cmp(&other.code));
            Ok(answer)
        })
    }
}

/// Says whose device it is of which something is held, and why.
fn held_device(asked: &Asked<'_>, device: &Device, feed: &FeedId) -> Option<HeldDevice> {
    let info = device.info(feed)?;
    let member = model::RecordId::from_bytes(*info.member.as_bytes());
    let reason = match device.roster.standing(feed) {
        _ if device.roster.device(feed).is_none() => "lost-branch",
        Some(Standing::Silenced(_)) => "role",
        _ => "revoked",
    };
    Some(HeldDevice {
        code: info.code.as_str().to_owned(),
        feed: feed.to_string(),
        member,
        name: asked.named(member).title,
        reason: reason.to_owned(),
        since: device.cut_of(feed).map_or(1, |cut| cut.sequence + 1),
        total: 0,
        transactions: Vec::new(),
    })
}

/// Says in words what a transaction would write.
fn transaction(
    asked: &Asked<'_>,
    device: &Device,
    trial: &mut Trial,
    bytes: &[u8],
) -> Result<HeldTransaction, Problem> {
    let (verified, _) = weigh_envelope(bytes, &device.roster).map_err(Problem::damaged)?;
    let header = verified.header();
    let mut told = HeldTransaction {
        sequence: header.sequence,
        made_ms: None,
        records: Vec::new(),
        lines: Vec::new(),
        files: Vec::new(),
        obstacle: None,
    };
    let parts = match open_parts(&verified, &device.ring) {
        Ok(parts) => parts,
        Err(error) => {
            told.obstacle = Some(error.to_string());
            return Ok(told);
        }
    };
    let mut records = Vec::new();
    for part in parts {
        match part {
            Part::Record { record, changes } => records.push(RecordPart {
                record: model::RecordId::from_bytes(*record.as_bytes()),
                changes: changes.iter().map(|change| change.to_vec()).collect(),
            }),
            Part::File { hash, .. } => {
                told.files
                    .push(model::FileHash::from_bytes(*hash.as_bytes()));
            }
        }
    }
    let prefixes = device.roster.actor_prefixes(&header.feed);
    let tried = trial.take(asked, &records, &prefixes)?;
    told.made_ms = tried.made_ms;
    told.records = tried.records;
    told.lines = tried.lines;
    told.obstacle = tried.obstacle;
    Ok(told)
}
