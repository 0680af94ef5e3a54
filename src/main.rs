//! The `sohbet` command.

fn main() -> std::process::ExitCode {
    sohbet::cli::run()
}
