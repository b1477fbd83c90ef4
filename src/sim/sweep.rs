use nalgebra::Isometry3;
use rapier3d::math::{Pose, Vector};
use rapier3d::parry::bounding_volume::{Aabb, BoundingVolume};
use rapier3d::parry::query;
use rapier3d::parry::shape::Cuboid;

use super::convert::pose;
use crate::arm::Line;

/// Boxes that move with the tool, and boxes that stand still.
pub(super) struct Sweep {
    /// `tool_from_box` and half sides.
    pub moving: Vec<(Pose, Vector)>,
    /// `world_from_box` and half sides.
    pub standing: Vec<(Pose, Vector)>,
}

/// Nothing may come nearer than this, metres.
const MARGIN: f32 = 1e-3;
/// More looks than this along a way means that it is too close to call.
const LOOKS: usize = 64;

impl Sweep {
    /// Is the whole way free of contact? `true` is a proof; `false` may be caution.
    pub fn is_clear(&self, line: &Line) -> bool {
        let near = self.near(line);
        near.is_empty() || self.advances(line, &near)
    }

    /// The pairs whose swept boxes come nearer than the margin.
    fn near(&self, line: &Line) -> Vec<(usize, usize)> {
        let (from, to) = (pose(line.from()), pose(line.to()));
        let turn = line.turn() as f32;
        self.moving
            .iter()
            .enumerate()
            .flat_map(|(m, (tool_from_box, half))| {
                let reach = tool_from_box.translation.length() + half.length();
                // A turning point leaves the straight line by at most this.
                let bulge = 2.0 * reach * (1.0 - libm::cosf(turn / 2.0));
                let swept = aabb(&(from * *tool_from_box), *half)
                    .merged(&aabb(&(to * *tool_from_box), *half))
                    .loosened(MARGIN + bulge);
                let hits = move |(_, (at, half)): &(usize, &(Pose, Vector))| {
                    swept.intersects(&aabb(at, *half))
                };
                self.standing.iter().enumerate().filter(hits).map(move |(s, _)| (m, s))
            })
            .collect()
    }

    /// Distance of the nearest pair with the tool at this pose, metres.
    pub fn nearest(&self, world_from_tool: &Isometry3<f64>) -> f32 {
        let all = |m| (0..self.standing.len()).map(move |s| (m, s));
        let pairs: Vec<_> = (0..self.moving.len()).flat_map(all).collect();
        self.gap(world_from_tool, &pairs)
    }

    /// Conservative advancement: from each look, go as far as the nearest pair certainly allows.
    fn advances(&self, line: &Line, pairs: &[(usize, usize)]) -> bool {
        let fastest = self.fastest(line, pairs);
        let mut share = 0.0;
        for _ in 0..LOOKS {
            let gap = self.gap(&line.along(f64::from(share)), pairs) - MARGIN;
            if gap <= 0.0 {
                return false;
            }
            share += gap / fastest;
            if share >= 1.0 {
                return true;
            }
        }
        false
    }

    /// No point of the boxes goes farther than this on the whole way, metres.
    fn fastest(&self, line: &Line, pairs: &[(usize, usize)]) -> f32 {
        let reach = |m: usize| self.moving[m].0.translation.length() + self.moving[m].1.length();
        let reach = pairs.iter().map(|(m, _)| reach(*m)).fold(0.0, f32::max);
        (line.way() as f32 + 1.2 * line.turn() as f32 * reach).max(1e-9)
    }

    /// The distance of the nearest of these pairs, metres.
    fn gap(&self, world_from_tool: &Isometry3<f64>, pairs: &[(usize, usize)]) -> f32 {
        let tool = pose(world_from_tool);
        let distance = |(m, s): (usize, usize)| {
            let ((tool_from_box, half), (at, other)) = (self.moving[m], self.standing[s]);
            let (a, b) = (Cuboid::new(half), Cuboid::new(other));
            query::distance(&(tool * tool_from_box), &a, &at, &b).map_or(0.0, |d| d.distance)
        };
        pairs.iter().map(|pair| distance(*pair)).fold(f32::INFINITY, f32::min)
    }
}

fn aabb(at: &Pose, half: Vector) -> Aabb {
    Cuboid::new(half).aabb(at)
}
