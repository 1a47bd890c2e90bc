//! Points and matrices in the plane.

use lopdf::Object;

/// A point or a vector.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    pub(super) x: f64,
    pub(super) y: f64,
}

impl Point {
    pub(super) fn plus(self, other: Self) -> Self {
        Self { x: self.x + other.x, y: self.y + other.y }
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self { x: self.x - other.x, y: self.y - other.y }
    }

    pub(super) fn dot(self, other: Self) -> f64 {
        self.x * other.x + self.y * other.y
    }

    /// The part of this vector that points to the left of a direction.
    pub(super) fn left_of(self, direction: Self) -> f64 {
        self.y * direction.x - self.x * direction.y
    }

    pub(super) fn length(self) -> f64 {
        self.x.hypot(self.y)
    }
}

/// The position of one coordinate system in another.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matrix {
    /// The image of the unit vector to the right.
    right: Point,
    /// The image of the unit vector upwards.
    up: Point,
    origin: Point,
}

impl Matrix {
    pub(super) const IDENTITY: Self = Self {
        right: Point { x: 1.0, y: 0.0 },
        up: Point { x: 0.0, y: 1.0 },
        origin: Point { x: 0.0, y: 0.0 },
    };

    /// The matrix of six numbers, in the order of a PDF.
    pub(super) fn read(numbers: &[Object]) -> Option<Self> {
        let numbers: Option<Vec<f64>> =
            numbers.iter().map(|number| number.as_float().ok().map(f64::from)).collect();
        match numbers?.as_slice() {
            &[right_x, right_y, up_x, up_y, x, y] => Some(Self {
                right: Point { x: right_x, y: right_y },
                up: Point { x: up_x, y: up_y },
                origin: Point { x, y },
            }),
            _ => None,
        }
    }

    pub(super) fn translation(x: f64, y: f64) -> Self {
        Self { origin: Point { x, y }, ..Self::IDENTITY }
    }

    /// This system, given in `outer`, in the coordinates around `outer`: the product of both.
    pub(super) fn within(self, outer: Self) -> Self {
        Self {
            right: outer.distance(self.right),
            up: outer.distance(self.up),
            origin: outer.point(self.origin),
        }
    }

    pub(super) fn point(self, point: Point) -> Point {
        self.distance(point).plus(self.origin)
    }

    /// The direction of text, as a vector of length 1.
    pub(super) fn direction(self) -> Point {
        let length = self.right.length();
        if length > 0.0 {
            Point { x: self.right.x / length, y: self.right.y / length }
        } else {
            Self::IDENTITY.right
        }
    }

    /// The length of the image of the unit vector upwards.
    pub(super) fn height(self) -> f64 {
        self.up.length()
    }

    fn distance(self, distance: Point) -> Point {
        Point {
            x: distance.x * self.right.x + distance.y * self.up.x,
            y: distance.x * self.right.y + distance.y * self.up.y,
        }
    }
}
