use nalgebra::Point2;

/// A convex polygon in the frame, pixels.
pub(super) struct Silhouette {
    /// Edges: a point on it, and the direction out of the polygon.
    edges: Vec<(Point2<f64>, [f64; 2])>,
}

impl Silhouette {
    /// The convex hull of these points (Andrew's monotone chain); `None` for fewer than three.
    pub fn around(mut points: Vec<Point2<f64>>) -> Option<Self> {
        points.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
        let chain = |points: &mut dyn Iterator<Item = Point2<f64>>| {
            let mut hull: Vec<Point2<f64>> = Vec::new();
            for point in points {
                while let [.., a, b] = hull[..]
                    && (b - a).perp(&(point - b)) <= 0.0
                {
                    hull.pop();
                }
                hull.push(point);
            }
            hull.pop();
            hull
        };
        let mut hull = chain(&mut points.iter().copied());
        hull.extend(chain(&mut points.iter().rev().copied()));
        let next = hull.iter().cycle().skip(1);
        let edges: Vec<_> = hull
            .iter()
            .zip(next)
            .map(|(from, to)| {
                let along = (to - from).normalize();
                (*from, [along.y, -along.x])
            })
            .collect();
        (edges.len() >= 3).then_some(Self { edges })
    }

    /// Signed distance, pixels, negative inside; too small beside a corner outside.
    pub fn distance(&self, x: f64, y: f64) -> f64 {
        let off = |(at, out): &(Point2<f64>, [f64; 2])| (x - at.x) * out[0] + (y - at.y) * out[1];
        self.edges.iter().map(off).fold(f64::NEG_INFINITY, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_inside_do_not_matter() {
        let points = [(0.0, 0.0), (4.0, 0.0), (4.0, 2.0), (0.0, 2.0), (1.0, 1.0), (2.0, 0.0)];
        let hull = Silhouette::around(points.map(|(x, y)| Point2::new(x, y)).to_vec()).unwrap();
        assert_eq!(hull.edges.len(), 4);
        assert_eq!(hull.distance(2.0, 1.0), -1.0);
        assert_eq!(hull.distance(6.0, 1.0), 2.0);
        assert!(Silhouette::around(vec![Point2::new(1.0, 1.0); 5]).is_none());
    }
}
