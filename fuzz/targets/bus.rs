#![no_main]

use sohbet_fuzz::{Bus, Target};

thread_local! {
    static TARGET: Bus = Bus::start();
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| TARGET.with(|target| target.run(input)));
