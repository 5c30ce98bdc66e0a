//! A relay that shows people different data.

use model::Role;

use super::world::Relay;

#[test]
fn a_relay_that_shows_people_different_data_is_named() {
    let mut relay = Relay::new();
    let [mut a, mut b] = relay.gather(Role::Member);
    for person in [&mut a, &mut b] {
        relay.sync(person);
        assert_eq!(person.status().relay_differs, None);
    }
    // From here on the relay tells each of them another story.
    let mut other = relay.twin();
    a.capture("Shown to the first only");
    relay.sync(&mut a);
    b.capture("Shown to the second only");
    other.sync(&mut b);
    b.capture("Sealed after reading the other log");
    relay.sync(&mut b);
    assert_eq!(a.status().relay_differs, None, "nothing has shown it yet");
    relay.sync(&mut a);
    let told = a.status().relay_differs.expect("it is told");
    assert!(told.contains("device B"), "{told}");
    a.restart();
    assert_eq!(a.status().relay_differs, Some(told));
    // Another relay begins without blame.
    let mut honest = Relay::with_key(78);
    honest.sync(&mut a);
    assert_eq!(a.status().relay_differs, None);
}
