//! The flow on one device and between two.

use model::intent::{Assignment, Capture, ConvertInto};
use model::{Intent, Kind};

use crate::peers::Peers;

#[test]
fn a_converted_inquiry_is_the_same_on_both_devices() {
    let mut peers = Peers::new(1, 2);
    let inquiry = peers.make(
        0,
        Intent::Capture(Capture {
            fields: vec![
                Assignment::set("company", "Mueller Praezision GmbH"),
                Assignment::set("family", "Mueller"),
                Assignment::add("phone", "+49 30 123456"),
            ],
            ..Capture::default()
        }),
    );
    peers.sync();
    let into = ConvertInto::default();
    peers.act(
        0,
        Intent::Convert {
            inquiry,
            into: into.clone(),
        },
    );
    peers.act(1, Intent::Convert { inquiry, into });
    peers.sync_all(7);
    peers.assert_equal();
    assert_eq!(peers.of_kind(0, Kind::Customer).len(), 1);
    assert_eq!(peers.of_kind(0, Kind::SalesProject).len(), 1);
    peers.assert_nothing_merged();
}
