#![no_main]

use sohbet_fuzz::{Events, Target};

thread_local! {
    static TARGET: Events = Events::start();
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| TARGET.with(|target| target.run(input)));
