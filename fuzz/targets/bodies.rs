#![no_main]

use sohbet_fuzz::{Bodies, Target};

thread_local! {
    static TARGET: Bodies = Bodies::start();
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| TARGET.with(|target| target.run(input)));
