use bevy_egui::egui::{Context, Key};

use super::plan::Preset;

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Action {
    Help,
    Pause,
    Step {
        forwards: bool,
    },
    Restart,
    Slower,
    Faster,
    Run,
    /// By hand: the axis (x, y, yaw) and how many steps.
    Correct {
        axis: usize,
        steps: i32,
    },
    /// The same for the plate's offset.
    Offset {
        axis: usize,
        steps: i32,
    },
    Trial {
        next: bool,
    },
    RoleModel,
    Look(Preset),
    Toggle(Overlay),
}

/// What may be drawn over the cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Overlay {
    Contacts,
    Camera,
    Errors,
    Distances,
    Ghosts,
}

/// One line of the help: keys with what they do, and the words for both.
pub struct Line {
    pub keys: &'static [(Key, bool, Action)],
    pub names: &'static str,
    pub does: &'static str,
}

/// Every key there is: what is pressed and what the help says come from the same table.
pub const LINES: &[(&str, &[Line])] = &[
    (
        "Time",
        &[
            line(&[(Key::Space, false, Action::Pause)], "Space", "play or pause"),
            line(
                &[
                    (Key::ArrowRight, false, Action::Step { forwards: true }),
                    (Key::ArrowLeft, false, Action::Step { forwards: false }),
                ],
                "Right, Left",
                "one physics step on or back (live: on)",
            ),
            line(&[(Key::R, false, Action::Restart)], "R", "restart the trial"),
            line(
                &[(Key::Comma, false, Action::Slower), (Key::Period, false, Action::Faster)],
                ", and .",
                "slower, faster",
            ),
        ],
    ),
    (
        "By hand",
        &[
            line(&[(Key::Enter, false, Action::Run)], "Enter", "run the trial"),
            line(
                &[
                    (Key::W, false, Action::Correct { axis: 0, steps: 1 }),
                    (Key::S, false, Action::Correct { axis: 0, steps: -1 }),
                    (Key::A, false, Action::Correct { axis: 1, steps: 1 }),
                    (Key::D, false, Action::Correct { axis: 1, steps: -1 }),
                    (Key::Q, false, Action::Correct { axis: 2, steps: 1 }),
                    (Key::E, false, Action::Correct { axis: 2, steps: -1 }),
                ],
                "W S, A D, Q E",
                "correction: x, y, yaw by 0.5",
            ),
            line(
                &[
                    (Key::W, true, Action::Offset { axis: 0, steps: 1 }),
                    (Key::S, true, Action::Offset { axis: 0, steps: -1 }),
                    (Key::A, true, Action::Offset { axis: 1, steps: 1 }),
                    (Key::D, true, Action::Offset { axis: 1, steps: -1 }),
                    (Key::Q, true, Action::Offset { axis: 2, steps: 1 }),
                    (Key::E, true, Action::Offset { axis: 2, steps: -1 }),
                ],
                "the same with Shift",
                "the plate's offset",
            ),
        ],
    ),
    (
        "Replay",
        &[
            line(
                &[
                    (Key::N, false, Action::Trial { next: true }),
                    (Key::P, false, Action::Trial { next: false }),
                ],
                "N, P",
                "next trial, previous trial",
            ),
            line(&[(Key::M, false, Action::RoleModel)], "M", "go to the trial's role model"),
        ],
    ),
    (
        "Look",
        &[
            line(
                &[
                    (Key::Num1, false, Action::Look(Preset::Cell)),
                    (Key::Num2, false, Action::Look(Preset::Top)),
                    (Key::Num3, false, Action::Look(Preset::Side)),
                    (Key::Num4, false, Action::Look(Preset::Shelf)),
                    (Key::Num5, false, Action::Look(Preset::Camera)),
                ],
                "1 2 3 4 5",
                "cell, top, side, shelf, camera",
            ),
            line(
                &[],
                "left drag",
                "orbit (by hand, on the plate: move it, finely; Shift: turn it)",
            ),
            line(&[], "right or middle drag", "pan"),
            line(&[], "wheel", "zoom"),
        ],
    ),
    (
        "Show",
        &[
            line(
                &[(Key::C, false, Action::Toggle(Overlay::Contacts))],
                "C",
                "contact points and forces",
            ),
            line(
                &[(Key::V, false, Action::Toggle(Overlay::Camera))],
                "V",
                "the camera's field and picture",
            ),
            line(
                &[(Key::X, false, Action::Toggle(Overlay::Errors))],
                "X",
                "error arrows, magnified",
            ),
            line(&[(Key::B, false, Action::Toggle(Overlay::Distances))], "B", "distances in mm"),
            line(&[(Key::G, false, Action::Toggle(Overlay::Ghosts))], "G", "ghost plates"),
            line(
                &[(Key::H, false, Action::Help), (Key::F1, false, Action::Help)],
                "H or F1",
                "this help",
            ),
        ],
    ),
];

const fn line(
    keys: &'static [(Key, bool, Action)],
    names: &'static str,
    does: &'static str,
) -> Line {
    Line { keys, names, does }
}

/// What was pressed since the last frame.
pub fn pressed(ctx: &Context) -> Vec<Action> {
    if ctx.egui_wants_keyboard_input() {
        return Vec::new();
    }
    ctx.input(|input| {
        let all = LINES.iter().flat_map(|(_, lines)| lines.iter()).flat_map(|line| line.keys);
        all.filter(|(key, shift, _)| input.key_pressed(*key) && input.modifiers.shift == *shift)
            .map(|(_, _, action)| *action)
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_does_two_things() {
        let all = || LINES.iter().flat_map(|(_, lines)| lines.iter()).flat_map(|line| line.keys);
        for (at, (key, shift, _)) in all().enumerate() {
            let again = all().skip(at + 1).any(|(k, s, _)| k == key && s == shift);
            assert!(!again, "{key:?}");
        }
    }
}
