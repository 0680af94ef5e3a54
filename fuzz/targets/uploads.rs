#![no_main]

use sohbet_fuzz::{Target, Uploads};

thread_local! {
    static TARGET: Uploads = Uploads::start();
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| TARGET.with(|target| target.run(input)));
