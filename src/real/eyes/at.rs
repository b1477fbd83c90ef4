/// A place that a camera looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    Pick,
    Target,
}

impl At {
    pub const BOTH: [Self; 2] = [Self::Pick, Self::Target];

    /// As people would say it.
    pub fn words(self) -> &'static str {
        match self {
            Self::Pick => "pick place",
            Self::Target => "target",
        }
    }

    /// Its key in `[eyes]`.
    pub fn key(self) -> &'static str {
        match self {
            Self::Pick => "pick",
            Self::Target => "place",
        }
    }
}
