#![no_main]

use sohbet_fuzz::{Target, Tokens};

thread_local! {
    static TARGET: Tokens = Tokens::start();
}

libfuzzer_sys::fuzz_target!(|input: &[u8]| TARGET.with(|target| target.run(input)));
