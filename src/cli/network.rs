use std::path::Path;

/// What a network file system is called that this folder, or the nearest one above it that is there, lies on.
pub fn file_system(folder: &Path) -> Option<&'static str> {
    let absolute = std::path::absolute(folder).ok()?;
    let there = absolute.ancestors().find(|folder| folder.exists())?;
    name(magic(there)?)
}

/// By the number that `statfs` tells (Linux, `magic.h` and the file systems' own sources).
fn name(magic: u32) -> Option<&'static str> {
    Some(match magic {
        0x6969 => "NFS",
        0xff53_4d42 | 0xfe53_4d42 | 0x517b => "SMB",
        0x0bd0_0bd0 => "Lustre",
        0x4750_4653 => "GPFS",
        0x1983_0326 => "BeeGFS",
        0x00c3_6400 => "Ceph",
        0x0102_1997 => "9p",
        0x5346_414f | 0x6b41_4653 => "AFS",
        _ => return None,
    })
}

#[cfg(target_os = "linux")]
fn magic(folder: &Path) -> Option<u32> {
    use std::os::unix::ffi::OsStrExt;
    let path = std::ffi::CString::new(folder.as_os_str().as_bytes()).ok()?;
    let mut told = std::mem::MaybeUninit::<libc::statfs>::zeroed();
    // SAFETY: the path ends in a zero, and the system fills in the structure that it is given.
    let answer = unsafe { libc::statfs(path.as_ptr(), told.as_mut_ptr()) };
    // SAFETY: all zeros is a valid structure, and it is filled in where the call succeeds.
    (answer == 0).then(|| unsafe { told.assume_init() }.f_type as u32)
}

#[cfg(not(target_os = "linux"))]
fn magic(_: &Path) -> Option<u32> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_disk_is_none_and_a_network_disk_is_called_by_its_name() {
        assert_eq!(file_system(&std::env::temp_dir().join("not/there")), None);
        assert_eq!(name(0x6969), Some("NFS"));
        // ext4, tmpfs, overlay
        assert_eq!([0xef53, 0x0102_1994, 0x794c_7630].map(name), [None; 3]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_system_is_asked() {
        // proc's own number.
        assert_eq!(magic(Path::new("/proc")), Some(0x9fa0));
    }
}
