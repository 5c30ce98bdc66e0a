//! Each row of the merge table (design section 5) as a property: made to happen in short random histories, again and
//! again, amid other work, and judged by what the table says must be shown, listed and kept.

mod cloned;
mod conversion;
mod fields;
mod lives;
mod play;
mod sales;
mod stage;

use stage::Scene;

/// The rows; what a replica alone cannot meet is in [`cloned`].
const SCENES: [Scene; 33] = [
    scene("different fields", fields::different_fields),
    scene("same field, different values", fields::same_field),
    scene("same value twice", fields::same_value),
    scene("notes", fields::notes),
    scene("phones, e-mails, tags, links", fields::lists),
    scene("line items", fields::line_items),
    scene("cleared or removed here, changed there", fields::cleared),
    scene("written over what the author had not seen", fields::unseen),
    scene("undone here, changed there", fields::undone_and_changed),
    scene(
        "two devices convert the same inquiry",
        conversion::converted_twice,
    ),
    scene(
        "converted here, disqualified there",
        conversion::disqualified,
    ),
    scene(
        "into a new customer here, an existing one there",
        conversion::new_and_existing,
    ),
    scene("into two existing customers", conversion::two_existing),
    scene(
        "partner here, sales project there",
        conversion::partner_and_project,
    ),
    scene(
        "conversion undone here, work under it there",
        conversion::conversion_undone,
    ),
    scene(
        "win undone here, work under it there",
        conversion::win_undone,
    ),
    scene("undone here, pinned there", conversion::pinned),
    scene("status moved on both sides", sales::status_moved),
    scene("won here, lost there", sales::won_and_lost),
    scene(
        "won on both sides with different offers",
        sales::won_differently,
    ),
    scene("the same draft offer sent by two", sales::sent_by_two),
    scene(
        "offer sent here, draft edited there",
        sales::sent_and_edited,
    ),
    scene(
        "accepted here, rejected or superseded there",
        sales::accepted_and_rejected,
    ),
    scene("two accepted offers", sales::accepted_twice),
    scene("archived here, edited there", lives::archived_and_edited),
    scene("merged here, loser edited there", lives::loser_edited),
    scene("merged into two", lives::merged_apart),
    scene("merged in a circle", lives::merged_in_a_circle),
    scene(
        "two merged here, both converted there",
        lives::merged_and_converted,
    ),
    scene("done per person", lives::done_per_person),
    scene("done for all, postponed", lives::done_for_all_and_postponed),
    scene("reopened here, done there", lives::reopened_and_done),
    scene("postponing what is done", lives::done_and_postponed_again),
];

const fn scene(row: &'static str, set: stage::Set) -> Scene {
    Scene { row, set }
}
