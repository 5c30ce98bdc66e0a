#![no_main]

libfuzzer_sys::fuzz_target!(
    |bytes: &[u8]| (handschlag_tests::hostile::target("session").run)(bytes)
);
