//! What must be there before bevy starts: without a display or an adapter it would panic.

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

/// Something must listen where the environment says that the display is.
#[cfg(all(unix, not(target_os = "macos")))]
fn display() -> Result<(), ViewError> {
    use std::env::var_os;
    use std::os::unix::net::UnixStream;
    use std::path::PathBuf;

    if let Some(name) = var_os("WAYLAND_DISPLAY").filter(|name| !name.is_empty()) {
        let folder = var_os("XDG_RUNTIME_DIR").map(PathBuf::from).unwrap_or_default();
        if UnixStream::connect(folder.join(&name)).is_ok() {
            return Ok(());
        }
    }
    let Some(display) = var_os("DISPLAY").filter(|name| !name.is_empty()) else {
        let why = "neither DISPLAY nor WAYLAND_DISPLAY is set; log in to a desktop, or install \
                   and start a virtual one (apt install xvfb; xvfb-run -s \"-screen 0 1280x720x24\")";
        return Err(ViewError::NoDisplay(why.into()));
    };
    let display = display.to_string_lossy().into_owned();
    if x11_answers(&display) {
        return Ok(());
    }
    let why =
        format!("nothing answers at DISPLAY={display}; start an X server there (apt install xvfb)");
    Err(ViewError::NoDisplay(why))
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
