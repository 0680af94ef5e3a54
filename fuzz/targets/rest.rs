#![no_main]

use sohbet_fuzz::{Rest, Target};

thread_local! {
    static TARGET: Rest = Rest::start();
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| TARGET.with(|target| target.run(input)));
