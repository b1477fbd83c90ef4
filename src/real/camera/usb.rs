use std::io::{Error, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use linuxvideo::format::{Format, PixFormat, PixelFormat};
use linuxvideo::stream::ReadStream;
use linuxvideo::{BufType, Device};

use super::{Camera, CameraError, Grey, Taken, decode};

/// A camera of this computer (Video4Linux2), as `/dev/video0`. Frames have the size that the device is set to
/// (`v4l2-ctl --set-fmt-video=width=1280,height=960`), grey, YUYV or as JPEGs.
///
/// Tested are its errors and how its bytes are read. Frames of a device are not: no machine of this project has one.
pub struct Usb {
    path: PathBuf,
    stream: Option<Stream>,
}

struct Stream {
    frames: ReadStream,
    layout: Layout,
}

/// How a frame's bytes are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layout {
    /// A byte a pixel.
    Grey(Size),
    /// Two bytes a pixel, of which the first is its light.
    Yuyv(Size),
    Jpeg,
}

/// Pixels, and bytes from a row to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Size {
    width: usize,
    height: usize,
    stride: usize,
}

const GREY: PixelFormat = PixelFormat::from_fourcc(*b"GREY");
/// What is asked for of a device that is set to something else, the best first.
const READABLE: [PixelFormat; 4] = [GREY, PixelFormat::YUYV, PixelFormat::MJPG, PixelFormat::JPEG];

/// Longest wait for a frame.
const PATIENCE: Duration = Duration::from_secs(5);
/// Frames that lie ready at most: more than there are buffers.
const READY: usize = 8;

impl Usb {
    /// Looks whether that is a device; it is opened with the first frame.
    pub fn new(path: &Path) -> Result<Self, CameraError> {
        let camera = Self { path: path.to_owned(), stream: None };
        let about = std::fs::metadata(path).map_err(|error| camera.unreachable(error))?;
        match about.file_type().is_char_device() {
            true => Ok(camera),
            false => Err(camera.unreachable("is no device such as /dev/video0")),
        }
    }

    fn unreachable(&self, why: impl std::fmt::Display) -> CameraError {
        CameraError::Unreachable { at: self.path.display().to_string(), why: why.to_string() }
    }

    fn open(&self) -> Result<Stream, CameraError> {
        let told = |error: Error| match error.raw_os_error() {
            Some(libc::ENOTTY | libc::EINVAL) => self.unreachable("is no video camera"),
            _ => self.unreachable(error),
        };
        let device = Device::open(&self.path).map_err(told)?;
        if !device.supported_buf_types().into_iter().any(|kind| kind == BufType::VIDEO_CAPTURE) {
            return Err(self.unreachable("is no video camera: it takes no frames"));
        }
        let Format::VideoCapture(set) = device.format(BufType::VIDEO_CAPTURE).map_err(told)? else {
            return Err(self.unreachable("is no video camera"));
        };
        let mut wanted = set.pixel_format();
        if !READABLE.contains(&wanted) {
            let formats = device.formats(BufType::VIDEO_CAPTURE);
            let offered: Result<Vec<_>, _> =
                formats.map(|format| format.map(|format| format.pixel_format())).collect();
            let offered = offered.map_err(told)?;
            let found = READABLE.into_iter().find(|format| offered.contains(format));
            wanted = found.ok_or_else(|| {
                self.unreachable(format_args!("sends {offered:?}: grey, YUYV or JPEGs are read"))
            })?;
        }
        let format = PixFormat::new(set.width(), set.height(), wanted);
        let capture = device.video_capture(format).map_err(told)?;
        let layout = layout(capture.format()).ok_or_else(|| {
            let format = capture.format().pixel_format();
            self.unreachable(format_args!("sends {format:?}: grey, YUYV or JPEGs are read"))
        })?;
        let frames = capture.into_stream().map_err(told)?;
        Ok(Stream { frames, layout })
    }

    /// The first frame that was not ready when it was asked for.
    fn fresh(&self, stream: &mut Stream) -> Result<Vec<u8>, CameraError> {
        let told = |error: Error| self.unreachable(error);
        for _ in 0..READY {
            if stream.frames.will_block().map_err(told)? {
                break;
            }
            stream.frames.dequeue(|_| Ok(())).map_err(told)?;
        }
        ready(&stream.frames).map_err(told)?;
        let copied = stream.frames.dequeue(|view| Ok((view.is_error(), view.to_vec())));
        match copied.map_err(told)? {
            (false, bytes) => Ok(bytes),
            (true, _) => Err(self.torn("the driver lost some of it")),
        }
    }

    fn torn(&self, why: &str) -> CameraError {
        CameraError::Torn { at: self.path.display().to_string(), why: why.to_owned() }
    }
}

/// Waits for a frame.
fn ready(stream: &ReadStream) -> Result<(), Error> {
    let mut asked = libc::pollfd { fd: stream.as_raw_fd(), events: libc::POLLIN, revents: 0 };
    // SAFETY: one entry, which lives as long as the call; the stream keeps its file open.
    match unsafe { libc::poll(&raw mut asked, 1, PATIENCE.as_millis() as libc::c_int) } {
        0 => Err(Error::new(ErrorKind::TimedOut, format!("no frame within {PATIENCE:?}"))),
        1.. if asked.revents & libc::POLLIN != 0 => Ok(()),
        1.. => Err(Error::new(ErrorKind::NotConnected, "the camera is gone")),
        _ => Err(Error::last_os_error()),
    }
}

fn layout(format: &PixFormat) -> Option<Layout> {
    let (width, height) = (format.width() as usize, format.height() as usize);
    let size = |bytes: usize| {
        let stride = (format.bytes_per_line() as usize).max(bytes * width);
        Size { width, height, stride }
    };
    match format.pixel_format() {
        GREY => Some(Layout::Grey(size(1))),
        PixelFormat::YUYV => Some(Layout::Yuyv(size(2))),
        PixelFormat::MJPG | PixelFormat::JPEG => Some(Layout::Jpeg),
        _ => None,
    }
}

fn read(at: &str, layout: Layout, bytes: &[u8]) -> Result<Grey, CameraError> {
    let (Size { width, height, stride }, each) = match layout {
        Layout::Jpeg => return decode(at, bytes),
        Layout::Grey(size) => (size, 1),
        Layout::Yuyv(size) => (size, 2),
    };
    let rows =
        bytes.chunks(stride.max(1)).take(height).map(|row| row.chunks_exact(each).take(width));
    let pixels: Vec<u8> = rows.flatten().map(|pixel| pixel[0]).collect();
    if width == 0 || pixels.len() != width * height {
        let why = format!("{} bytes for {width} x {height} pixels", bytes.len());
        return Err(CameraError::Torn { at: at.to_owned(), why });
    }
    Ok(Grey { pixels, width })
}

impl Camera for Usb {
    fn frame(&mut self) -> Result<Taken, CameraError> {
        // What goes wrong ends the stream: the next frame begins a new one.
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => self.open()?,
        };
        let bytes = self.fresh(&mut stream)?;
        let picture = read(&self.path.display().to_string(), stream.layout, &bytes)?;
        self.stream = Some(stream);
        Ok(Taken { picture, number: None, at: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_no_device_is_refused_and_what_is_no_camera_at_its_first_frame() {
        let folder = tempfile::tempdir().unwrap();
        let said = |path: &Path| Usb::new(path).err().unwrap().to_string();
        assert!(said(&folder.path().join("video9")).contains("video9: No such file"));
        assert!(said(folder.path()).contains("is no device"));
        let file = folder.path().join("video8");
        std::fs::write(&file, "text").unwrap();
        assert!(said(&file).contains("is no device"));
        let error = Usb::new(Path::new("/dev/null")).unwrap().frame().unwrap_err().to_string();
        assert!(error.contains("/dev/null: is no video camera"), "{error}");
    }

    #[test]
    fn grey_and_yuyv_rows_are_read_without_what_pads_them() {
        let size = |stride| Size { width: 2, height: 2, stride };
        let grey = read("cam", Layout::Grey(size(3)), &[1, 2, 0, 3, 4, 0]).unwrap();
        assert_eq!(grey, Grey { pixels: vec![1, 2, 3, 4], width: 2 });
        let yuyv = [1, 90, 2, 90, 0, 3, 90, 4, 90];
        assert_eq!(read("cam", Layout::Yuyv(size(5)), &yuyv).unwrap(), grey);
        let error = read("cam", Layout::Yuyv(size(5)), &yuyv[..8]).unwrap_err();
        assert!(matches!(error, CameraError::Torn { .. }), "{error}");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..60), width in 0..9usize, height in 0..9usize,
            stride in 0..20usize, kind in 0..3,
        ) {
            let size = Size { width, height, stride };
            let layout = [Layout::Grey(size), Layout::Yuyv(size), Layout::Jpeg][kind as usize];
            if let Ok(grey) = read("cam", layout, &bytes) {
                prop_assert_eq!(grey.pixels.len() % grey.width, 0);
            }
        }
    }
}
