use crate::store::Session;

/// This process, as runs record it. `arm`: what answers on hardware.
pub fn now(arm: Option<String>) -> Session {
    let arguments: Vec<_> = std::env::args().skip(1).map(|word| quoted(&word)).collect();
    Session {
        host: gethostname::gethostname().to_string_lossy().into_owned(),
        cpu: cpu(),
        program: format!("{} {}", crate::VERSION, crate::COMMIT),
        command: ["rmrl".to_owned()].into_iter().chain(arguments).collect::<Vec<_>>().join(" "),
        arm,
    }
}

/// A word as a shell would take it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=,:+@%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

/// Architecture, and the vector units that numeric libraries look for.
#[cfg(target_arch = "x86_64")]
fn cpu() -> String {
    let has = [
        ("sse4.2", std::arch::is_x86_feature_detected!("sse4.2")),
        ("avx2", std::arch::is_x86_feature_detected!("avx2")),
        ("fma", std::arch::is_x86_feature_detected!("fma")),
        ("avx512f", std::arch::is_x86_feature_detected!("avx512f")),
    ];
    let names = has.into_iter().filter(|(_, has)| *has).map(|(name, _)| name);
    ["x86_64"].into_iter().chain(names).collect::<Vec<_>>().join(" ")
}

#[cfg(not(target_arch = "x86_64"))]
fn cpu() -> String {
    std::env::consts::ARCH.to_owned()
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_command_is_recorded_so_that_it_can_be_given_again() {
        assert_eq!(quoted("--set"), "--set");
        assert_eq!(quoted("my lab's"), "'my lab'\\''s'");
        assert_eq!(quoted(""), "''");
    }
}
