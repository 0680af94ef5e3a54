#![no_main]

use sohbet_fuzz::{Cursors, Target};

thread_local! {
    static TARGET: Cursors = Cursors::start();
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| TARGET.with(|target| target.run(input)));
