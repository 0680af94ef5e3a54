#![no_main]

use sohbet_fuzz::{Door, Target};

thread_local! {
    static TARGET: Door = Door::start();
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| TARGET.with(|target| target.run(input)));
