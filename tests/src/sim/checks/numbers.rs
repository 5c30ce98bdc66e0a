//! Numbers and derived records: what is made twice of one thing is one record, and a number stands for one.

use std::collections::{BTreeMap, BTreeSet};

use model::merged::Rule;
use model::record::{self, Standing};
use model::{Kind, RecordId};

use crate::sim::count::CHECKS;
use crate::sim::world::World;

impl World {
    /// Checks numbers and what conversions and wins derived.
    pub(crate) fn check_numbers(&mut self) {
        let device = self.readers()[0];
        self.check_numbers_on(device);
        self.check_derived_on(device);
    }

    /// A number is on two records only where a disk went back or was copied, and is listed then.
    fn check_numbers_on(&mut self, device: usize) {
        let replica = self.devices[device].replica().expect("a reader has one");
        let mut by_number: BTreeMap<&str, BTreeSet<RecordId>> = BTreeMap::new();
        for (number, id) in replica.views().numbers() {
            by_number.entry(number).or_default().insert(id);
        }
        let count = by_number.len() as u64;
        let listed: Vec<BTreeSet<RecordId>> = replica
            .merged(true)
            .into_iter()
            .filter(|entry| entry.rule == Rule::IssuedTwice)
            .map(|entry| {
                entry
                    .records
                    .iter()
                    .copied()
                    .chain([entry.record])
                    .collect()
            })
            .collect();
        let mut twice = 0;
        for (number, ids) in by_number.into_iter().filter(|(_, ids)| ids.len() > 1) {
            let code = number.rsplit('-').nth(1).unwrap_or_default();
            assert!(
                self.rolled_codes.contains(code),
                "number {number} stands on {ids:?}, and no disk of device code {code} was ever put back or cloned"
            );
            assert!(
                listed.iter().any(|entry| ids.is_subset(entry)),
                "number {number} stands on {ids:?}, and is not listed as issued twice: {listed:?}"
            );
            twice += 1;
        }
        self.counts.add(CHECKS, "numbers", count);
        self.counts.add(
            CHECKS,
            "numbers issued twice by disks that went back",
            twice,
        );
    }

    /// A converted inquiry has each of the records that its conversion made, once.
    fn check_derived_on(&mut self, device: usize) {
        let replica = self.devices[device].replica().expect("a reader has one");
        let views = replica.views();
        let mut made: BTreeSet<RecordId> = BTreeSet::new();
        let mut converted = 0;
        for id in views.of_kind(Kind::Inquiry) {
            let derived = [
                RecordId::customer_of(id),
                RecordId::contact_of(id),
                RecordId::sales_project_of(id),
            ];
            made.extend(derived);
            let Some(view) = self.see(device, |world| record::record(world, id)) else {
                continue;
            };
            if !view.is_alive() {
                continue;
            }
            let Some(conversion) = view.conversion() else {
                assert_ne!(view.status_word(), "converted", "{id} became nothing");
                continue;
            };
            converted += 1;
            assert_eq!(view.status_word(), "converted", "{id} is {conversion:?}");
            let named = [
                Some(conversion.customer),
                Some(conversion.contact),
                conversion.sales_project,
            ];
            for one in named.into_iter().flatten() {
                let view = self.see(device, |world| record::record(world, one));
                let standing = view.map(|view| view.standing);
                assert!(
                    standing.is_some()
                        && (!derived.contains(&one) || standing != Some(Standing::Undone)),
                    "{one} of the conversion of {id} is {standing:?}"
                );
            }
        }
        // Sales projects come from conversions only, projects and orders from won sales projects, one from each.
        for id in views.of_kind(Kind::SalesProject) {
            assert!(
                made.contains(&id),
                "sales project {id} comes from no inquiry"
            );
            made.extend([RecordId::project_of(id), RecordId::order_of(id)]);
        }
        for kind in [Kind::Project, Kind::Order] {
            for id in views.of_kind(kind) {
                assert!(
                    made.contains(&id),
                    "{kind} {id} comes from no sales project"
                );
            }
        }
        self.counts
            .add(CHECKS, "conversions that are whole", converted);
    }
}
