//! The `sohbet` command.

/// Most of what is allocated lives as long as one message; the system's allocator takes about a fifth more of the
/// processor for that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    sohbet::cli::run()
}
