//! What must be there before bevy starts: without a display or an adapter it would panic.

use std::sync::{Arc, Mutex, PoisonError};

use super::ViewError;
use super::plan::{Out, Plan};

/// Checks for what the plan needs.
///
/// # Errors
/// One line that says what is missing and what to install.
pub fn check(plan: &Plan) -> Result<(), ViewError> {
    #[cfg(target_os = "linux")]
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        // SAFETY: no other thread exists yet. Without it, Wayland's library, which every Vulkan
        // driver asks, complains on stderr each time.
        unsafe { std::env::set_var("XDG_RUNTIME_DIR", std::env::temp_dir()) };
    }
    if matches!(plan.out, Out::Window) {
        display()?;
    }
    adapter()
}

/// Bevy draws with Vulkan, Metal or DirectX 12.
fn adapter() -> Result<(), ViewError> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor {
        backends: wgpu::Backends::PRIMARY,
        ..wgpu::InstanceDescriptor::new_without_display_handle()
    });
    let request = instance.request_adapter(&wgpu::RequestAdapterOptions::default());
    let install = if cfg!(target_os = "linux") {
        "no Vulkan driver was found; install the graphics card's, or the software driver: \
         apt install mesa-vulkan-drivers"
    } else {
        "no driver for Vulkan, Metal or DirectX 12 was found; install the graphics card's"
    };
    bevy::tasks::block_on(request).map(drop).map_err(|_| ViewError::NoAdapter(install.into()))
}

/// Does what may panic where bevy and its libraries would: the panic becomes its words.
pub fn unpanicked<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    let usual = Arc::new(std::panic::take_hook());
    let said = Arc::new(Mutex::new(String::new()));
    let (others, words) = (usual.clone(), said.clone());
    let here = std::thread::current().id();
    std::panic::set_hook(Box::new(move |info| {
        if std::thread::current().id() != here {
            return others(info);
        }
        let what = info.payload_as_str().unwrap_or("it panicked");
        let at = info.location().map_or(String::new(), |at| format!(" ({at})"));
        let mut words = words.lock().unwrap_or_else(PoisonError::into_inner);
        // The first says why; what panics on the way out only follows from it.
        if words.is_empty() {
            *words = format!("{}{at}", what.lines().next().unwrap_or_default());
        }
    }));
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    std::panic::set_hook(Box::new(move |info| usual(info)));
    done.map_err(|_| said.lock().unwrap_or_else(PoisonError::into_inner).clone())
}

/// Why there is no window although something listens, from what winit panicked with.
pub fn refused(why: &str) -> ViewError {
    let mut words = why.split(|c: char| !(c.is_ascii_alphanumeric() || "-._+".contains(c)));
    let library = words.find(|word| word.starts_with("lib") && word.contains(".so"));
    ViewError::NoDisplay(match library {
        Some(library) => {
            format!("{library} cannot be loaded; apt install libxkbcommon-x11-0 libxcursor1 libxi6")
        }
        None if why.contains("XOpenDisplayFailed") => "the X server does not let this user in; \
            log in to its desktop, or let XAUTHORITY name the file with its cookie"
            .into(),
        None => format!("the window system cannot be used: {why}"),
    })
}

/// Something must listen where the environment says that the display is.
#[cfg(all(unix, not(target_os = "macos")))]
fn display() -> Result<(), ViewError> {
    use std::env::var_os;

    if wayland_answers() {
        return Ok(());
    }
    let Some(display) = var_os("DISPLAY").filter(|name| !name.is_empty()) else {
        let why = "neither DISPLAY nor WAYLAND_DISPLAY is set; log in to a desktop, or install \
                   and start a virtual one (apt install xvfb; xvfb-run -s \"-screen 0 1280x720x24\")";
        return Err(ViewError::NoDisplay(why.into()));
    };
    let display = display.to_string_lossy().into_owned();
    if x11_answers(&display) {
        // Winit would ask Wayland, and not turn to X when that is silent.
        // SAFETY: no other thread exists yet.
        unsafe { std::env::remove_var("WAYLAND_DISPLAY") };
        return Ok(());
    }
    let why =
        format!("nothing answers at DISPLAY={display}; start an X server there (apt install xvfb)");
    Err(ViewError::NoDisplay(why))
}

/// A socket that was handed over, or a name in the runtime folder.
#[cfg(all(unix, not(target_os = "macos")))]
fn wayland_answers() -> bool {
    use std::env::var_os;
    use std::os::unix::net::UnixStream;
    use std::path::{Path, PathBuf};

    if let Some(number) = var_os("WAYLAND_SOCKET") {
        let open = std::fs::read_link(Path::new("/proc/self/fd").join(&number));
        if open.is_ok_and(|what| what.to_string_lossy().starts_with("socket:")) {
            return true;
        }
        // SAFETY: no other thread exists yet.
        unsafe { std::env::remove_var("WAYLAND_SOCKET") };
    }
    let Some(name) = var_os("WAYLAND_DISPLAY").filter(|name| !name.is_empty()) else {
        return false;
    };
    let folder = var_os("XDG_RUNTIME_DIR").map(PathBuf::from).unwrap_or_default();
    UnixStream::connect(folder.join(name)).is_ok()
}

/// `:N`, `unix:N` or `HOST:N`, each perhaps with a screen `.S`.
#[cfg(all(unix, not(target_os = "macos")))]
fn x11_answers(display: &str) -> bool {
    use std::net::TcpStream;
    use std::os::unix::net::UnixStream;

    let Some((host, rest)) = display.rsplit_once(':') else { return false };
    let Ok(number) = rest.split('.').next().unwrap_or(rest).parse::<u16>() else { return false };
    if !host.is_empty() && host != "unix" {
        return TcpStream::connect((host, 6000u16.saturating_add(number))).is_ok();
    }
    let path = format!("/tmp/.X11-unix/X{number}");
    #[cfg(target_os = "linux")]
    {
        use std::os::linux::net::SocketAddrExt;
        use std::os::unix::net::SocketAddr;
        let hidden = SocketAddr::from_abstract_name(path.as_bytes());
        if hidden.is_ok_and(|at| UnixStream::connect_addr(&at).is_ok()) {
            return true;
        }
    }
    UnixStream::connect(path).is_ok()
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn display() -> Result<(), ViewError> {
    Ok(())
}
