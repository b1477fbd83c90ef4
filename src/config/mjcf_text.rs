use std::fmt::Write;

use nalgebra::{Isometry3, Vector3};

use super::Scene;

impl Scene {
    /// The scene's geometry as MJCF, which MuJoCo opens and a scene file can name.
    pub fn to_mjcf(&self) -> String {
        let mut text = format!("<mujoco model=\"{}\">\n  <worldbody>\n", plain(&self.name));
        let mut line = |content: String| {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "    {content}");
        };
        for part in &self.statics {
            line(format!(
                "<geom name=\"{}\" type=\"box\" {} size=\"{}\" rgba=\"{g} {g} {g} 1\"/>",
                plain(&part.name),
                pose(&part.world_from_box),
                vector(&part.half),
                g = part.grey,
            ));
        }
        for (name, frame) in [
            ("pick", &self.world_from_pick),
            ("place", &self.world_from_place),
            ("view", &self.world_from_view),
        ] {
            line(format!("<site name=\"{name}\" {}/>", pose(frame)));
        }
        let half = self.plate.size / 2.0;
        line(format!("<body name=\"plate\" {}>", pose(&self.world_from_pick)));
        line("  <freejoint/>".to_owned());
        line(format!(
            "  <geom name=\"plate\" type=\"box\" pos=\"0 0 {}\" size=\"{}\" mass=\"{}\" rgba=\"0.85 0.85 0.82 1\"/>",
            half.z,
            vector(&half),
            self.plate.mass_kg
        ));
        line("</body>".to_owned());
        text + "  </worldbody>\n</mujoco>\n"
    }
}

fn pose(pose: &Isometry3<f64>) -> String {
    let at = format!("pos=\"{}\"", vector(&pose.translation.vector));
    let q = pose.rotation;
    match q.angle() == 0.0 {
        true => at,
        false => format!("{at} quat=\"{} {} {} {}\"", q.w, q.i, q.j, q.k),
    }
}

fn vector(v: &Vector3<f64>) -> String {
    format!("{} {} {}", v.x, v.y, v.z)
}

/// A name that cannot break the XML.
fn plain(name: &str) -> String {
    name.chars().filter(|c| !"<>&\"'".contains(*c)).collect()
}
