use super::*;
use crate::eyes::drawn::{Drawn, Print, draw, flat, frame, lens, seen_at, small_lens, within};
use crate::eyes::{Board, Tag};
use crate::task::Pose2;

/// A lid at a random pose under a camera that looks at it a little askew.
fn scene(lens: Lens, seed: u64) -> Drawn {
    let mut draw = draw(seed);
    let mut any = |range| within(&mut draw, range);
    let pose = Pose2::new(any(12.0), any(12.0), any(12.0));
    let tilt = nalgebra::Vector3::new(any(0.1), any(0.1), any(3.0));
    let height = 525.0 + any(75.0);
    let world_from_camera = Drawn::over(height) * nalgebra::UnitQuaternion::from_scaled_axis(tilt);
    let sheets = vec![flat(pose, 15.85, Print::Board(Board::lid(), 2.0))];
    let (gain, slope) = (1.0 + any(0.15), [any(0.1), any(0.1)]);
    Drawn { seed, gain, slope, ..Drawn::new(lens, world_from_camera, sheets) }
}

/// How far each corner is from where it should be, pixels.
fn errors(drawn: &Drawn, seen: &[Seen]) -> Vec<f64> {
    let sheet = &drawn.sheets[0];
    let Print::Board(board, _) = &sheet.print else { unreachable!() };
    seen.iter()
        .flat_map(|tag| {
            let truth = board.tag(tag.id).unwrap().corners();
            tag.corners
                .iter()
                .zip(truth)
                .map(|(at, on)| (at - seen_at(drawn, sheet, on)).norm())
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn all_tags_of_a_board_are_found_and_their_corners_to_hundredths_of_a_pixel() {
    let mut finder = Finder::new().unwrap();
    let mut all = Vec::new();
    for seed in 0..2 {
        let drawn = scene(lens(), seed);
        let pixels = drawn.pixels();
        let seen = finder.find(&frame(&drawn, &pixels), None, Some(&drawn.lens));
        let ids: Vec<u32> = seen.iter().map(|tag| tag.id).collect();
        assert_eq!(ids, [0, 1, 2, 3, 4, 5], "{seed}");
        all.extend(errors(&drawn, &seen));
    }
    all.sort_by(f64::total_cmp);
    let (median, worst) = (all[all.len() / 2], all[all.len() - 1]);
    assert!(median < 0.03 && worst < 0.1, "{median} {worst}");
}

#[test]
fn a_region_finds_the_same_as_the_whole_frame_and_an_empty_one_nothing() {
    let mut finder = Finder::new().unwrap();
    let drawn = scene(small_lens(), 9);
    let pixels = drawn.pixels();
    let frame = frame(&drawn, &pixels);
    let all = finder.find(&frame, None, Some(&drawn.lens));
    assert_eq!(all.len(), 6);
    let region = Region::around(all.iter().flat_map(|tag| tag.corners), 20.0).unwrap();
    let again = finder.find(&frame, Some(region), Some(&drawn.lens));
    assert_eq!(again.len(), 6);
    for (a, b) in all.iter().zip(&again) {
        let off = a.corners.iter().zip(b.corners).map(|(a, b)| (a - b).norm());
        assert!(off.fold(0.0, f64::max) < 0.02, "{a:?} {b:?}");
    }
    let corner = Region { left: 0, top: 0, width: 40, height: 40 };
    assert_eq!(finder.find(&frame, Some(corner), None), []);
    let outside = Region { left: 640, ..corner };
    assert_eq!(finder.find(&frame, Some(outside), None), []);
}

#[test]
fn a_tag_that_is_seen_twice_covered_or_without_contrast_is_left_out() {
    let mut finder = Finder::new().unwrap();
    let mut find = |drawn: &Drawn| -> Vec<u32> {
        let pixels = drawn.pixels();
        finder.find(&frame(drawn, &pixels), None, None).iter().map(|tag| tag.id).collect()
    };
    let of = |sheets| Drawn::new(small_lens(), Drawn::over(500.0), sheets);
    let lid = || flat(Pose2::IDENTITY, 0.0, Print::Board(Board::lid(), 2.0));
    assert_eq!(find(&of(vec![lid()])), [0, 1, 2, 3, 4, 5]);
    // Tag 2 once more, beside the lid.
    let tag = Tag { id: 2, side_mm: 30.0, at: Pose2::new(0.0, 100.0, 0.0) };
    let copy = Board { name: "copy", height_mm: 0.0, tags: vec![tag] };
    let copy = flat(Pose2::IDENTITY, 0.0, Print::Board(copy, 2.0));
    assert_eq!(find(&of(vec![lid(), copy])), [0, 1, 3, 4, 5]);
    // A finger over the border of tag 5, at the lower right.
    let finger = flat(Pose2::new(50.0, -21.0, 0.0), 1.0, Print::Grey([30.0, 5.0], 120.0));
    assert_eq!(find(&of(vec![lid(), finger])), [0, 1, 2, 3, 4]);
    assert_eq!(find(&Drawn { gain: 0.08, ..of(vec![lid()]) }), [0u32; 0]);
}

#[test]
fn a_blurred_edge_tells_its_blur() {
    let mut finder = Finder::new().unwrap();
    let mut blur = |blur_px: f64| {
        let drawn = Drawn { blur_px, ..scene(small_lens(), 2) };
        // As large as a whole frame shows them.
        let drawn = Drawn { world_from_camera: Drawn::over(280.0), ..drawn };
        let pixels = drawn.pixels();
        let seen = finder.find(&frame(&drawn, &pixels), None, Some(&drawn.lens));
        assert_eq!(seen.len(), 6, "{blur_px}");
        seen.iter().map(|tag| tag.blur_px).sum::<f64>() / 6.0
    };
    // The worst of four sides, which noise makes a little larger.
    for blur_px in [0.4, 0.8, 1.2] {
        let off = blur(blur_px) - blur_px;
        assert!((-0.1..0.3).contains(&off), "{blur_px}: {off}");
    }
    // Wider than what is looked at across an edge: still too much to calibrate with.
    let much = blur(2.2);
    assert!(much > 1.5, "{much}");
}
