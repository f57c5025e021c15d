#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| cloakroom_fuzz::jwt(input));
